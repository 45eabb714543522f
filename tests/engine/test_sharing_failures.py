"""Runs that cannot be trained do not stop those that can."""

import errno
import gc
import os
import weakref

import pytest
import torch

from tic import train as training
from tic.engine import sharing
from tic.engine.plan import make_plan
from tic.engine.sharing import ensure, train_missing
from tic.errors import TicError, UnwritableError
from tic.lab import Lab
from tic.pruning import Pruning


@pytest.fixture
def base(quick_recipe):
    return quick_recipe.but(epochs=1, checkpoints=1)


@pytest.fixture
def hungry(base):
    """More work than the others, so that it comes first in every plan."""
    return base.but(timesteps=3)


@pytest.fixture
def tried(monkeypatch, hungry):
    """Which Runs are begun, in order; memory does not hold the hungry one."""
    begun, step = [], training.take_step

    def lacking(recipe, *arguments):
        begun.append(recipe.label)
        if recipe.timesteps == hungry.timesteps:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return step(recipe, *arguments)

    monkeypatch.setattr(training, "take_step", lacking)
    return begun


def never(seconds):
    pytest.fail("waited for nobody")


def test_what_cannot_be_trained_is_left_and_the_rest_is_built(lab, base, hungry, tried):
    plan = make_plan([hungry, base])
    assert [planned.recipe for planned in train_missing(plan, lab)] == [hungry]
    assert lab.has(base)


def test_what_cannot_be_trained_is_tried_once(lab, base, hungry, tried):
    train_missing(make_plan([hungry, base, base.with_seed(1)]), lab)
    assert tried.count(hungry.label) == 1


def test_what_could_not_be_trained_is_not_tried_for_the_next_claim(lab, base, hungry, tried):
    plan, failed = make_plan([hungry, base]), {}
    left = train_missing(plan, lab, failed)
    for _ in range(2):
        with pytest.raises(TicError, match=f"training {hungry.label} needs more memory"):
            ensure([hungry], left, lab, failed)
    assert tried.count(hungry.label) == 1


def test_what_is_needed_and_cannot_be_trained_is_told(lab, base, hungry, tried, monkeypatch):
    monkeypatch.setattr(sharing.time, "sleep", never)
    with pytest.raises(TicError, match=f"training {hungry.label} needs more memory"):
        ensure([base, hungry], make_plan([hungry, base]), lab)
    assert lab.has(base)


def test_what_starts_from_a_run_that_cannot_be_trained_is_told(
    lab, hungry, base, tried, monkeypatch
):
    monkeypatch.setattr(sharing.time, "sleep", never)
    child = base.but(parent=hungry, rules=(Pruning(0.5),))
    with pytest.raises(TicError, match=f"training {hungry.label} needs more memory"):
        ensure([child], make_plan([child]), lab)


def test_what_is_needed_is_ensured_though_the_plan_has_what_cannot_be_trained(
    lab, base, hungry, tried, monkeypatch
):
    monkeypatch.setattr(sharing.time, "sleep", never)
    ensure([base], make_plan([hungry, base]), lab)
    assert lab.has(base)


def test_a_full_disk_ends_the_building_and_is_told_of_what_is_needed(
    lab, base, hungry, monkeypatch
):
    plan = make_plan([hungry, base])
    wanted = lab.store.work_folder(lab.fingerprint(base))

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert train_missing(plan, lab) == plan
        with pytest.raises(UnwritableError, match=rf"^{wanted}.* cannot be written \(no space"):
            ensure([base], plan, lab)
    ensure([base], plan, lab)


def test_a_store_that_cannot_be_written_names_what_is_needed(tmp_path, base, hungry):
    root = tmp_path / "store"
    root.write_text("a file where a folder should be")
    plan = make_plan([hungry, base])
    assert train_missing(plan, Lab(root)) == plan
    with pytest.raises(UnwritableError, match=f"^{base.label} is missing, and the Store"):
        ensure([base], plan, Lab(root))


def test_a_training_that_lacked_memory_keeps_none(lab, base, monkeypatch):
    held = []

    def lacking(*arguments):
        activations = torch.zeros(1000)
        held.append(weakref.ref(activations))
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training, "take_step", lacking)
    with pytest.raises(TicError) as told:
        training.train(base, lab)
    gc.collect()
    assert told.value.__cause__ is not None
    assert held[0]() is None
