"""Engines by name: those of the project, somebody else's, and what cannot be used here."""

import sys
from importlib.metadata import EntryPoint

import pytest

from tic.engine import engine
from tic.engine.engine import Engine, EngineSettings, find_engine, start_engine
from tic.engine.local import LocalEngine
from tic.errors import TicError


class Elsewhere(Engine):
    """An engine of somebody else."""

    def __init__(self, settings):
        self.settings = settings
        self.closed = False

    def capacity(self):
        raise NotImplementedError

    def submit(self, job):
        raise NotImplementedError

    def wait(self, seconds):
        raise NotImplementedError

    def close(self):
        self.closed = True


@pytest.fixture
def installed(monkeypatch):
    """Let these entry points be all that are installed."""

    def install(**engines):
        points = [EntryPoint(name, value, engine.GROUP) for name, value in engines.items()]
        monkeypatch.setattr(
            engine, "entry_points", lambda group: points if group == engine.GROUP else []
        )

    return install


def test_the_project_has_a_local_engine_and_one_for_ray():
    names = {each.name: each.value for each in engine.entry_points(group=engine.GROUP)}
    assert names["local"] == "tic.engine.local:LocalEngine"
    assert names["ray"] == "tic.engine.ray:RayEngine"
    assert find_engine("local") is LocalEngine


def test_an_engine_of_somebody_else_is_found_by_the_name_of_its_entry_point(installed):
    installed(slurm=f"{__name__}:Elsewhere")
    settings = EngineSettings(device="cuda", processes=7)
    with start_engine("slurm", settings) as started:
        assert isinstance(started, Elsewhere)
        assert started.settings == settings
        assert not started.closed
    assert started.closed


def test_an_unknown_engine_is_told_with_those_that_are_known(installed):
    installed(slurm=f"{__name__}:Elsewhere", local="tic.engine.local:LocalEngine")
    with pytest.raises(TicError, match="unknown engine 'dask'; known: local, slurm"):
        find_engine("dask")


def test_an_engine_whose_package_is_not_installed_says_which(installed):
    installed(slurm="no_such_package.engine:Slurm")
    with pytest.raises(TicError, match=r"'slurm' cannot be used here .*pip install no_such_pack"):
        find_engine("slurm")


def test_ray_that_is_not_installed_is_an_extra_of_the_project(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "tic.engine.ray", raising=False)
    with pytest.raises(TicError, match=r"pip install 'tic-audit\[ray\]'"):
        find_engine("ray")


def test_what_is_no_engine_is_refused(installed):
    installed(odd="json:dumps")
    with pytest.raises(TicError, match=r"must be a tic\.engine\.engine\.Engine, got <function"):
        find_engine("odd")


def test_an_address_is_refused_by_an_engine_that_takes_none(installed):
    installed(slurm=f"{__name__}:Elsewhere")
    with pytest.raises(TicError, match="'slurm' takes no address, got 'head:1'; leave --address"):
        start_engine("slurm", EngineSettings(address="head:1"))
