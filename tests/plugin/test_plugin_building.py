"""`--build`: an engine makes what an audit needs, and the audit then only judges."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.packs import CAUTIOUS, SUPPORTED
from fixtures.workers import PATIENCE, Gate, wait_until
from tic.engine import job as jobs
from tic.engine.job import Finished, Job
from tic.engine.local import LocalEngine

MEASURED = """
@says("measured")
def test_measured(runs, judge):
    accuracy = runs.accuracy()
    judge(accuracy, above(-1), name="accuracy", unit="%")
    judge(runs.accuracy(timesteps=1 if accuracy.mean() < 200 else 3), above(-1), name="at 1")
"""
"""It asks for the second measurement when it has seen the first."""
PRUNED = """
@says("pruned", lambda setting: {"whole": setting.recipe, "half": setting.recipe.but(
    parent=setting.recipe, rules=(Pruning(0.5),))})
def test_pruned(runs, judge):
    judge(runs["half"].accuracy() - runs["whole"].accuracy(), above(-101), name="loss", unit="pp")
"""
BROKEN = """
@says("broken")
def test_broken(runs, judge):
    runs.accuracy()
    raise AssertionError("a defect of the claim")
"""
DIVERGING = """
@says("diverging", lambda setting: setting.recipe.but(fitting=CosineSGD(learning_rate=1e30)))
def test_diverging(runs, judge):
    judge(runs.accuracy(), above(0), name="accuracy")
"""
LONG = """
@says("long", lambda setting: setting.recipe.but(epochs=4, checkpoints=4))
def test_long(runs, judge):
    judge(runs.accuracy(), above(-1), name="accuracy")
"""
HEED = "signal.signal(signal.SIGINT, signal.default_int_handler)"
"""What a shell starts in the background ignores Ctrl-C, and so does all that it starts."""
COMMAND = "from tic.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def build(repository, monkeypatch):
    """Build claims in a Store of their own; what a new worker would do, this process does."""

    def submit(engine: LocalEngine, job: Job) -> None:
        engine._finished.put(Finished.from_text(job, jobs.carry_out(job.to_text())))

    monkeypatch.setattr(LocalEngine, "submit", submit)

    def run(*claims, arguments=()):
        jobs._lab.cache_clear()  # a new worker has looked at no Run yet
        repository.write(*claims)
        return repository.run("--build", "-n", "1", *arguments, store=store_of(repository))

    return run


OTHER = """
@says("other", lambda setting: setting.recipe.but(epochs=3))
def test_other(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss")
"""


def store_of(repository):
    return repository.pytester.path / "store"


def files(store):
    found = [each for part in ("runs", "measurements") for each in (store / part).rglob("*.*")]
    return {each: each.stat().st_mtime_ns for each in found if each.is_file()}


def test_an_audit_after_a_build_only_judges(build, repository):
    built = build(SUPPORTED, MEASURED, PRUNED, CAUTIOUS, arguments=["--controls"])
    store = store_of(repository)
    before = files(store)
    assert built.status == 0
    # Three seeds: the Recipe and its pruned child; three measurements on the one, one on the other.
    assert f"6 of 6 Runs are in {store}; 6 were trained now, 9 measurements taken." in built.text
    assert len(before) == 6 * 4 + 9
    assert not built.folder.exists()
    assert "passed" not in built.text
    audit = repository.run("--controls", store=store)
    assert set(audit.verdicts.values()) == {"SUPPORTED", "INCONCLUSIVE", "REFUTED"}
    again = repository.run("--build", "--controls", store=store)
    assert "0 were trained now, 0 measurements taken." in again.text
    assert files(store) == before


def test_only_what_was_asked_for_is_built(build):
    built = build(MEASURED, PRUNED, arguments=["--claim", "measured", "--seeds", "1"])
    assert "1 of 1 Runs" in built.text
    assert "2 measurements taken" in built.text


def test_what_fails_otherwise_is_left_to_the_audit(build, repository):
    repository.pytester.makepyfile(test_units="def test_unit():\n    assert False\n")
    built = build(BROKEN, DIVERGING)
    assert built.status == 0
    assert "6 of 6 Runs" in built.text
    assert "3 measurements taken" in built.text
    assert "a defect of the claim" not in built.text


@pytest.mark.parametrize(("goes_on", "status"), [(True, 1), (False, 4)])
def test_files_that_cannot_be_collected_end_a_build_unless_they_do_not_matter(
    build, repository, goes_on, status
):
    repository.pytester.makepyfile(test_broken="import a_module_that_nobody_has")
    built = build(SUPPORTED, arguments=["--continue-on-collection-errors"] * goes_on)
    assert built.status == status
    assert ("3 were trained now" in built.text) == goes_on


def test_a_run_that_cannot_be_looked_at_is_told_and_the_rest_is_built(build, repository, refusing):
    build(SUPPORTED, arguments=["--seeds", "1"])
    refusing("has", store_of(repository).glob("runs/*"), "cannot be looked at")
    built = build(SUPPORTED, OTHER)
    assert built.status == 1
    assert built.text.count("cannot be looked at") == 1
    assert "3 of 6 Runs" in built.text


def test_a_damaged_run_is_trained_again(build, repository):
    build(SUPPORTED)
    for history in store_of(repository).glob("runs/*/history.json"):
        history.write_text("{}")
    assert "3 of 3 Runs" in (again := build(SUPPORTED)).text
    assert "3 were trained now" in again.text


def test_a_job_that_fails_is_told_and_the_rest_is_built(build):
    impossible = """
@says("impossible", lambda setting: setting.recipe.but(timesteps=1, train_size=61))
def test_impossible(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss")
"""
    built = build(SUPPORTED, impossible)
    assert built.status == 1
    assert "3 of 6 Runs" in built.text
    assert built.text.count("leave 1 to the last batch, where tiny needs at least 2") == 3


def test_a_device_that_is_not_here_is_refused(build):
    built = build(SUPPORTED, arguments=["--device", "cuda:99"])
    assert built.status == 4
    assert "device 'cuda:99' was asked for and this machine has" in built.text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--engine", "ray"],
            "--engine goes with --build or --budget, got --engine ray alone; use tic build",
        ),
        (
            ["--address", "auto"],
            "--address goes with --build or --budget, got --address auto alone",
        ),
        (["--build", "--plan"], "--build trains and --plan only prints; leave one of them out"),
        (["--build", "--list", "claims"], "--build trains and --list only prints"),
    ],
)
def test_options_that_say_nothing_together_are_refused(repository, arguments, sentence):
    repository.write(SUPPORTED)
    result = repository.pytester.runpytest_inprocess(*arguments)
    assert result.ret == 4
    assert sentence in result.stderr.str()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--engine", "dask"], "unknown engine 'dask'; known: local, ray"),
        (["--address", "auto"], "the engine 'local' takes no address, got 'auto'"),
    ],
)
def test_an_engine_that_cannot_start_is_refused_before_anything_is_made(
    build, repository, arguments, sentence
):
    built = build(SUPPORTED, arguments=arguments)
    assert built.status == 4
    assert sentence in built.text
    assert "Traceback" not in built.text
    assert not store_of(repository).exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_build_that_is_ended_is_gone_on_with_by_another(build, repository, end):
    """Of a real process with a real worker; Ctrl-C goes to it alone, and its workers end with it.

    It cannot be done by then: nothing is written of the third epoch.
    """
    repository.write(LONG)
    store, folder = store_of(repository), repository.pytester.path
    arguments = ["build", ".", "--seeds", "1", "--store", str(store), "-n", "1"]
    root = Path(__file__).parents[2]
    gate = Gate(folder / "gate", "weights-0003.safetensors")
    process = subprocess.Popen(
        [sys.executable, "-c", f"import signal, sys; {HEED}; {COMMAND}", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (gate.folder, root)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: any(store.glob("work/*/weights-0002.safetensors")))
    process.send_signal(end)
    text = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == (2 if end == signal.SIGINT else -end)
    assert "Traceback" not in text
    (first,) = store.glob("work/*/weights-0001.safetensors")
    written = first.stat().st_mtime_ns
    again = build(LONG, arguments=["--seeds", "1"])
    assert again.status == 0
    (folder,) = store.glob("runs/*")
    assert (folder / first.name).stat().st_mtime_ns == written
    assert not (store / "damaged").exists()


def test_a_build_of_a_folder_without_claims_says_so(build, repository):
    repository.pytester.makepyfile(test_without_claims="def test_nothing(): pass")
    outcome = repository.run("--tic-build", store=store_of(repository))
    assert outcome.status == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "no claims were found" in outcome.text
