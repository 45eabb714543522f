"""The local engine: real worker processes, which die, print and are left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.workers import PATIENCE, Gate, wait_until
from tic.engine.building import Build, longest_chain
from tic.engine.engine import EngineSettings
from tic.engine.job import Finished, Job, Resources
from tic.engine.local import LocalEngine
from tic.engine.plan import make_plan, missing
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.measurement import stored_result
from tic.measure.robustness import AccuracyMeasurement
from tic.pruning import Pruning
from tic.train import train

CLEAN = AccuracyMeasurement(epoch=2, size=60)


def one_after_another(engine, number):
    """What the engine finished, so many."""
    found, deadline = [], time.monotonic() + PATIENCE
    while len(found) < number:
        assert time.monotonic() < deadline, f"only {found} after {PATIENCE:.0f} seconds"
        found += engine.wait(1.0)
    return found


def weights(lab, recipe):
    return lab.run(recipe).weights(recipe.epochs)


@pytest.fixture
def engine():
    """Two workers."""
    with LocalEngine(EngineSettings(processes=2)) as engine:
        yield engine


@pytest.fixture
def endless(quick_recipe):
    """A training that no test waits for."""
    return quick_recipe.but(epochs=100_000, checkpoints=1)


def is_begun(lab, recipe):
    folder = lab.store.work_folder(lab.fingerprint(recipe))
    return (folder / "state.safetensors").exists()


def test_workers_train_and_measure_what_this_process_would(engine, lab, quick_recipe, tmp_path):
    child = quick_recipe.but(parent=quick_recipe, rules=(Pruning(0.5),))
    wanted = [Job(each.with_seed(s), lab, CLEAN) for each in (quick_recipe, child) for s in (0, 1)]
    build = Build(engine, lab, longest_chain([]))
    build.run([lambda: [job for job in wanted if not job.is_done(lab)]])
    assert (build.trained, build.measured, build.faults) == (4, 4, [])
    alone = Lab(tmp_path / "alone")
    for job in wanted:
        train(job.recipe, alone)
        for name, weight in weights(alone, job.recipe).items():
            assert weight.equal(weights(lab, job.recipe)[name])


def test_a_worker_that_dies_is_told_and_replaced(engine, lab, endless, quick_recipe):
    engine.submit(Job(endless, lab))
    wait_until(lambda: is_begun(lab, endless))
    (worker,) = engine._workers
    # Ctrl-C goes to all processes of a group, and whoever started this one is to end it.
    assert os.getpgid(worker.process.pid) != os.getpgid(0)
    os.kill(worker.process.pid, signal.SIGKILL)
    (found,) = one_after_another(engine, 1)
    assert found == Finished(Job(endless, lab), "lost", found.reason)
    assert found.reason.startswith("its worker died (SIGKILL")
    engine.submit(Job(quick_recipe, lab))
    assert one_after_another(engine, 1) == [Finished(Job(quick_recipe, lab), "done")]


def test_a_worker_that_ends_with_a_complaint_tells_it(
    engine, lab, quick_recipe, monkeypatch, tmp_path
):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho a long story >&2\necho no space left >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    engine.submit(Job(quick_recipe, lab))
    assert one_after_another(engine, 1)[0].reason == "its worker died (status 3: no space left)"


def outliving(folder):
    """A Python that dies, and leaves a child that has its output, as a pool of processes would."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\nsleep {2 * PATIENCE:.0f} &\nexit 3\n")
    script.chmod(0o755)
    return str(script)


def test_a_worker_that_dies_is_told_though_its_children_live(
    engine, lab, quick_recipe, monkeypatch, tmp_path
):
    monkeypatch.setattr(sys, "executable", outliving(tmp_path))
    engine.submit(Job(quick_recipe, lab))
    assert one_after_another(engine, 1)[0].reason == "its worker died (status 3)"


def test_closing_ends_what_workers_have_started(lab, quick_recipe, monkeypatch, tmp_path):
    living = tmp_path / "python"
    living.write_text(f"#!/bin/sh\nsleep {2 * PATIENCE:.0f} &\necho $! > {tmp_path}/child\nwait\n")
    living.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(living))
    with LocalEngine(EngineSettings(processes=1)) as engine:
        engine.submit(Job(quick_recipe, lab))
        wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not Path(f"/proc/{child}").exists() or "Z" in state_of(child))


def state_of(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def test_a_build_goes_on_where_a_worker_was_killed(
    engine, lab, quick_recipe, monkeypatch, tmp_path
):
    monkeypatch.setattr("tic.engine.building.PAUSE_SECONDS", 0.01)
    longer = quick_recipe.but(epochs=3, checkpoints=1)
    gate = Gate(tmp_path / "gate", "weights-0003.safetensors")
    monkeypatch.syspath_prepend(gate.folder)  # workers have the path of this process
    killed = []

    def kill_once(seconds):
        if not killed and is_begun(lab, longer):
            killed.append(engine._workers[0].process.pid)
            os.kill(killed[0], signal.SIGKILL)
            gate.open()
        return LocalEngine.wait(engine, 0.01)

    monkeypatch.setattr(engine, "wait", kill_once)
    build = Build(engine, lab, longest_chain([]))
    build.run([lambda: [Job(longer, lab)] if not lab.has(longer) else []])
    assert len(killed) == 1
    assert build.faults == []
    assert lab.run(longer).diverged is None


def test_closing_ends_workers_in_the_middle_of_a_training(lab, endless):
    with LocalEngine(EngineSettings(processes=2)) as engine:
        for seed in range(3):
            engine.submit(Job(endless.with_seed(seed), lab))
        wait_until(lambda: is_begun(lab, endless) and is_begun(lab, endless.with_seed(1)))
        processes = [worker.process for worker in engine._workers]
    assert [process.returncode for process in processes] == [-signal.SIGKILL] * 2
    assert not is_begun(lab, endless.with_seed(2))
    # Nothing holds the Runs any more, and the next goes on from their last epochs.
    for seed in (0, 1):
        with lab.store.lock(f"run-{lab.fingerprint(endless.with_seed(seed))}", wait=False) as free:
            assert free


def test_a_worker_ends_when_whoever_started_it_is_gone(lab, endless):
    with subprocess.Popen(
        [sys.executable, "-m", "tic.engine.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        worker.stdin.write(Job(endless, lab).to_text() + "\n")
        worker.stdin.flush()
        wait_until(lambda: is_begun(lab, endless))
        worker.stdin.close()
        assert worker.wait(timeout=PATIENCE) == 0
        assert worker.stdout.read() == ""


def test_what_a_library_prints_is_no_answer(lab, quick_recipe, tmp_path, monkeypatch):
    (tmp_path / "loud.py").write_text(
        "import os\n"
        "from dataclasses import dataclass\n"
        "from tic.attacks import GaussianNoise\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Loud(GaussianNoise):\n"
        "    def __call__(self, *given):\n"
        "        print('loud')\n"
        "        os.write(1, b'louder\\n')\n"
        "        return super().__call__(*given)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from loud import Loud

    train(quick_recipe, lab)
    measurement = AccuracyMeasurement(epoch=2, size=60, corruption=Loud())
    with LocalEngine(EngineSettings(processes=1)) as engine:
        engine.submit(Job(quick_recipe, lab, measurement))
        assert [each.status for each in one_after_another(engine, 1)] == ["done"]
    assert stored_result(measurement, quick_recipe, lab) is not None


def test_workers_import_what_their_parent_does_wherever_they_start(
    lab, quick_recipe, tmp_path, monkeypatch
):
    # A colon separates the folders of PYTHONPATH; what lies where a worker starts is not to count.
    pack, here = tmp_path / "a:b", tmp_path / "here"
    pack.mkdir()
    here.mkdir()
    (pack / "beyond_a_colon.py").write_text(
        "from dataclasses import dataclass\n"
        "from tic.losses import MeanLoss\n"
        "@dataclass(frozen=True)\n"
        "class Beyond(MeanLoss):\n"
        "    pass\n"
    )
    (here / "queue.py").write_text("raise SystemExit('the wrong queue')\n")
    monkeypatch.syspath_prepend(pack)
    monkeypatch.chdir(here)
    from beyond_a_colon import Beyond

    with LocalEngine(EngineSettings(processes=1)) as engine:
        engine.submit(Job(quick_recipe.but(loss=Beyond()), lab))
        assert [finished.status for finished in one_after_another(engine, 1)] == ["done"]


def test_two_builds_on_one_store_train_nothing_twice(lab, quick_recipe, monkeypatch):
    monkeypatch.setattr("tic.engine.building.PAUSE_SECONDS", 0.05)
    recipes = [quick_recipe.with_seed(seed).but(epochs=20) for seed in range(4)]
    engines = [LocalEngine(EngineSettings(processes=1)) for _ in range(2)]
    jobs = [Job(recipe, lab) for recipe in recipes]
    for engine in engines:
        for job in jobs:
            engine.submit(job)
    found = [each for engine in engines for each in one_after_another(engine, len(jobs))]
    for engine in engines:
        engine.close()
    # Each Run was written once: a second training would have set the first aside.
    assert {each.status for each in found} <= {"done", "held"}
    assert missing(make_plan(recipes), lab) == ()
    assert not (lab.store_root / "damaged").exists()


@pytest.mark.parametrize(
    ("processes", "cores"), [(3, 3), (None, len(os.sched_getaffinity(0)))], ids=["3", "all"]
)
def test_there_are_as_many_workers_as_asked_for_else_one_per_core(processes, cores):
    with LocalEngine(EngineSettings(processes=processes)) as engine:
        assert engine.capacity() == Resources(cores, 0)


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(TicError, match="unknown device 'tpu'"):
        LocalEngine(EngineSettings(device="tpu"))
