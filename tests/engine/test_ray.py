"""The Ray engine on a real cluster: two raylets on one machine, one of which is killed."""

import json
import os
import signal

import pytest

from fixtures.packs import INCONCLUSIVE, SUPPORTED
from fixtures.workers import Gate, exit_status, train_until_killed, wait_until
from tic.engine.building import Build, longest_chain
from tic.engine.engine import EngineSettings, start_engine
from tic.engine.job import Job
from tic.errors import TicError
from tic.exchange.diff import diff_audits
from tic.lab import Lab
from tic.measure.robustness import AccuracyMeasurement
from tic.run import HISTORY, weights_name
from tic.train import train

pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")
from tic.engine.ray import RayEngine
from tic.fitting import CosineSGD

ONE_CORE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_log_monitor": False}


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """Holds the cluster's trainings before the third epoch is kept while it is closed."""
    gate = Gate(tmp_path_factory.mktemp("cluster") / "gate", weights_name(3))
    gate.open()
    return gate


@pytest.fixture(scope="module")
def cluster(gate):
    """Two nodes with a core each, which notice at once that one is gone."""
    from ray.cluster_utils import Cluster

    quickly = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 100}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(gate.folder), prepend=os.pathsep)
        cluster = Cluster(
            initialize_head=True,
            head_node_args={**ONE_CORE, "include_dashboard": False, "_system_config": quickly},
        )
        cluster.add_node(**ONE_CORE)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


@pytest.fixture
def closed(gate):
    """The gate, closed until the test opens it or ends."""
    gate.close()
    yield gate
    gate.open()


MEASURED = """
from tic.measure.fisher import FisherMeasurement

def information(runs, epoch="final"):
    taken = runs.measured(FisherMeasurement(epoch=runs.epoch(epoch)))
    return [sum(map(sum, result["by_layer"].values())) for result in taken]

@says("informed")
def test_informed(runs, judge):
    judge(information(runs), above(0), name="information")
    judge.compare("accuracy", "Table 1", unit="%", reported=90.0, measured=runs.accuracy())
"""


def test_an_audit_that_was_built_while_a_node_died_is_that_of_one_process(
    cluster, closed, repository, tmp_path, monkeypatch
):
    monkeypatch.setattr("tic.engine.building.PAUSE_SECONDS", 0.2)
    repository.write(SUPPORTED, INCONCLUSIVE, MEASURED)
    by_ray, alone = tmp_path / "by Ray", tmp_path / "alone"
    asked = ("--seeds", "2", "--epochs", "4", "--set", "checkpoints=4")
    first_epochs, lost, wait = {}, [], RayEngine.wait

    def kill_a_node_once(engine, seconds):
        if not first_epochs and len(list(by_ray.glob(f"work/*/{weights_name(2)}"))) == 2:
            # Two cores and two trainings that cannot end: one is in work on the node that goes.
            assert engine.capacity().cpus == 2
            first_epochs.update(written_first(by_ray / "work"))
            cluster.remove_node(*cluster.worker_nodes, allow_graceful=False)
            wait_until(lambda: engine.capacity().cpus == 1)
        finished = wait(engine, min(seconds, 0.02))
        lost.extend(job for job in finished if job.status == "lost")
        if lost:  # before, the worker of the dead node might still have gone on to the end
            closed.open()
        return finished

    monkeypatch.setattr(RayEngine, "wait", kill_a_node_once)
    joined = ("--build", "--engine", "ray", "--address", cluster.address)
    built = repository.run(*asked, *joined, store=by_ray)
    assert f"2 of 2 Runs are in {by_ray}; 2 were trained now, 4 measurements taken." in built.text
    assert lost
    # Begun again, a training would have written its first epoch again.
    assert written_first(by_ray / "runs") == first_epochs
    files = everything(by_ray)
    audit = repository.run(*asked, store=by_ray).audit
    # The audit trained and measured nothing any more.
    assert everything(by_ray) == files
    expected = repository.run(*asked, store=alone).audit
    assert diff_audits(audit, expected).empty
    assert [each.outcome for each in audit.entries] == [each.outcome for each in expected.entries]
    kept = results(by_ray)
    # Of either Run five weights and its history, and two measurements.
    assert len(kept) == 2 * (5 + 1 + 2)
    assert kept == results(alone)


def written_first(folder):
    """When the first epoch of each Run was written, by its fingerprint."""
    paths = folder.glob(f"*/{weights_name(1)}")
    return {path.parent.name: path.stat().st_mtime_ns for path in paths}


def everything(store):
    """All files of the Store but its locks, with when they were written."""
    paths = (path for path in store.rglob("*") if path.is_file() and "locks" not in path.parts)
    return {path: path.stat().st_mtime_ns for path in paths}


def results(store):
    """All that trainings and measurements leave, without durations."""
    paths = [*store.glob("runs/*/weights-*"), *store.glob("measurements/*/*.json")]
    histories = store.glob(f"runs/*/{HISTORY}")
    return {
        **{path.relative_to(store): path.read_bytes() for path in paths},
        **{
            path.relative_to(store): {**json.loads(path.read_bytes()), "seconds": None}
            for path in histories
        },
    }


def test_runs_and_errors_come_back_and_what_another_began_is_gone_on_with(
    cluster, lab, quick_recipe, tmp_path, start_worker
):
    begun = quick_recipe.but(epochs=4, checkpoints=4)
    other = start_worker(train_until_killed, begun, lab.store.root, "epoch", 2)
    assert exit_status(other) == -signal.SIGKILL
    first_epoch = written_first(lab.store.root / "work")
    diverging = quick_recipe.but(fitting=CosineSGD(learning_rate=1e30))
    wanted = [
        Job(begun, lab),
        Job(quick_recipe, lab),
        Job(quick_recipe, lab, AccuracyMeasurement(epoch=1, size=60)),
        Job(quick_recipe, lab, AccuracyMeasurement(epoch=7, size=60)),
        Job(diverging, lab, AccuracyMeasurement(epoch=1, size=60)),
    ]
    with start_engine("ray", EngineSettings(address=cluster.address)) as engine:
        build = Build(engine, lab, longest_chain(job.recipe for job in wanted))
        build.run([lambda: [job for job in wanted if not job.is_done(lab)]])
    assert (build.trained, lab.has(diverging)) == (3, True)
    assert wanted[2].is_done(lab)
    assert len(build.faults) == 1
    assert "has no weights of epoch 7" in build.faults[0]
    assert first_epoch.items() <= written_first(lab.store.root / "runs").items()
    alone = Lab(tmp_path / "alone")
    train(begun, alone)
    last = weights_name(4)
    kept = (lab.run(begun).folder / last).read_bytes()
    assert kept == (alone.run(begun).folder / last).read_bytes()


def test_fewer_jobs_at_a_time_may_be_asked_for(cluster):
    with start_engine("ray", EngineSettings(address=cluster.address, processes=1)) as engine:
        assert engine.capacity().cpus == 1


def test_a_cluster_that_is_not_there_is_told():
    with pytest.raises(TicError, match=r"no Ray cluster at '127\.0\.0\.1:1' can be used"):
        start_engine("ray", EngineSettings(address="127.0.0.1:1"))


def test_ray_deals_the_gpus_out_itself():
    with pytest.raises(TicError, match="with Ray the device must be cpu or cuda, got 'cuda:1'"):
        start_engine("ray", EngineSettings(device="cuda:1"))


def test_a_cluster_without_gpus_is_no_place_for_cuda(cluster):
    with pytest.raises(TicError, match="no machine of the cluster has a GPU"):
        start_engine("ray", EngineSettings(device="cuda", address=cluster.address))
