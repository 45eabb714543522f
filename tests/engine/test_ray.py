"""The Ray engine on a real cluster: three raylets on one machine, one of which is killed."""

import os
import signal

import pytest

from fixtures.packs import INCONCLUSIVE, SUPPORTED
from fixtures.workers import wait_until
from tic.engine.building import Build
from tic.engine.engine import EngineSettings, start_engine
from tic.engine.job import Job
from tic.engine.local import LocalEngine
from tic.errors import TicError
from tic.exchange.diff import diff_audits
from tic.lab import Lab
from tic.measure.robustness import AccuracyMeasurement
from tic.run import STATE, weights_name
from tic.train import train

pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")
from tic.engine.ray import RayEngine
from tic.fitting import CosineSGD

CLEAN = AccuracyMeasurement(epoch=60, size=60)
ONE_CORE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Three nodes with a core each, which notice within seconds that one is gone."""
    from ray.cluster_utils import Cluster

    quickly = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500}
    cluster = Cluster(
        initialize_head=True,
        head_node_args={**ONE_CORE, "include_dashboard": False, "_system_config": quickly},
    )
    yield cluster
    cluster.shutdown()


@pytest.fixture
def three_nodes(cluster):
    """The cluster with all its nodes, some of them new where a test has killed others."""
    while len(cluster.worker_nodes) < 2:
        cluster.add_node(**ONE_CORE)
    cluster.wait_for_nodes()
    return cluster


@pytest.fixture
def engine(three_nodes):
    """The engine, joined to the cluster."""
    with start_engine("ray", EngineSettings(address=three_nodes.address)) as engine:
        yield engine


def kill_a_node(cluster):
    cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)


def build_by(engine, jobs, lab):
    build = Build(engine, lab, [job.recipe for job in jobs])
    build.run([lambda: [job for job in jobs if not job.is_done(lab)]])
    return build


def written(lab, recipe, epoch):
    """When the weights of an epoch were written, wherever they lie now."""
    fingerprint, name = lab.fingerprint(recipe), weights_name(epoch)
    work, done = lab.store.work_folder(fingerprint) / name, lab.store.run_folder(fingerprint) / name
    path = next((each for each in (work, done) if each.exists()), None)
    return path and path.stat().st_mtime_ns


def test_a_training_on_a_node_that_dies_goes_on_elsewhere_with_the_same_bits(
    engine, cluster, lab, quick_recipe, tmp_path, monkeypatch
):
    monkeypatch.setattr("tic.engine.building.PAUSE_SECONDS", 0.2)
    recipes = [quick_recipe.with_seed(s).but(epochs=60, checkpoints=60) for s in (0, 1, 2)]
    jobs = [Job(recipe, lab, CLEAN) for recipe in recipes]
    before = []
    wait = type(engine).wait

    def kill_a_node_once(seconds):
        if not before and all(written(lab, each, 2) for each in recipes):
            # Three cores and three trainings: one is in work on the node that goes.
            assert not any(map(lab.has, recipes))
            before.extend([written(lab, each, 1) for each in recipes])
            kill_a_node(cluster)
        return wait(engine, min(seconds, 0.02))

    monkeypatch.setattr(engine, "wait", kill_a_node_once)
    assert engine.capacity().cpus == 3
    build = build_by(engine, jobs, lab)
    assert (build.trained, build.measured, build.faults) == (3, 3, [])
    assert sum(build.lost.values()) >= 1
    wait_until(lambda: engine.capacity().cpus == 2)
    # Begun again, a training would have written its first epoch again.
    assert [written(lab, each, 1) for each in recipes] == before

    alone = Lab(tmp_path / "alone")
    with LocalEngine(EngineSettings(processes=2)) as local:
        build_by(local, [Job(each, alone, CLEAN) for each in recipes], alone)
    for recipe in recipes:
        assert bits(lab, recipe) == bits(alone, recipe)


def bits(lab, recipe):
    """All that a training and a measurement leave, without durations."""
    run = lab.run(recipe)
    kept = {path.name: path.read_bytes() for path in run.folder.glob("weights-*")}
    measured = lab.store.root / "measurements" / run.fingerprint
    results = {path.name: path.read_bytes() for path in measured.iterdir()}
    assert (len(kept), len(results)) == (61, 1)
    return kept, results, run.history["train_loss"], run.curve("prefix_losses")


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


def test_an_audit_that_was_built_while_a_node_died_is_the_one_that_was_built_locally(
    three_nodes, repository, tmp_path, monkeypatch
):
    monkeypatch.setattr("tic.engine.building.PAUSE_SECONDS", 0.2)
    repository.write(SUPPORTED, INCONCLUSIVE, MEASURED)
    stores = {"ray": tmp_path / "by Ray", "local": tmp_path / "local"}
    killed, wait = [], RayEngine.wait

    def kill_a_node_once(engine, seconds):
        states = list((stores["ray"] / "work").glob(f"*/{STATE}"))
        if not killed and len(states) == 3:
            kill_a_node(three_nodes)
            killed.append(states)
        return wait(engine, min(seconds, 0.02))

    monkeypatch.setattr(RayEngine, "wait", kill_a_node_once)
    audits = {}
    for name, store in stores.items():
        joined = ("--address", three_nodes.address) if name == "ray" else ("-n", "2")
        built = repository.run("--epochs", "40", "--build", "--engine", name, *joined, store=store)
        assert "3 of 3 Runs are in" in built.text, built.text
        files = everything(store)
        audits[name] = repository.run("--epochs", "40", store=store).audit
        # The audit trained and measured nothing any more.
        assert everything(store) == files
    assert killed
    assert diff_audits(audits["ray"], audits["local"]).empty
    assert [each.outcome for each in audits["ray"].entries] == [
        each.outcome for each in audits["local"].entries
    ]
    kept = [
        {path.relative_to(store): path.read_bytes() for path in results(store)}
        for store in stores.values()
    ]
    assert len(kept[0]) == 3 + 6
    assert kept[0] == kept[1]


def everything(store):
    """All files of the Store but its locks, with when they were written."""
    paths = (path for path in store.rglob("*") if path.is_file() and "locks" not in path.parts)
    return {path: path.stat().st_mtime_ns for path in paths}


def results(store):
    """What has no durations in it."""
    return [*store.glob("runs/*/weights-*"), *store.glob("measurements/*/*.json")]


def test_runs_and_errors_come_back_as_from_any_engine(engine, lab, quick_recipe):
    diverging = quick_recipe.but(fitting=CosineSGD(learning_rate=1e30))
    wanted = [
        Job(quick_recipe, lab),
        Job(quick_recipe, lab, AccuracyMeasurement(epoch=1, size=60)),
        Job(quick_recipe, lab, AccuracyMeasurement(epoch=7, size=60)),
        Job(diverging, lab, AccuracyMeasurement(epoch=1, size=60)),
    ]
    build = build_by(engine, wanted, lab)
    assert (build.trained, lab.has(diverging)) == (2, True)
    assert wanted[1].is_done(lab)
    assert len(build.faults) == 1
    assert "has no weights of epoch 7" in build.faults[0]


def test_a_run_of_the_local_engine_is_gone_on_with(engine, lab, quick_recipe, tmp_path):
    recipe = quick_recipe.but(epochs=30, checkpoints=30)
    with LocalEngine(EngineSettings(processes=1)) as local:
        local.submit(Job(recipe, lab))
        wait_until(lambda: written(lab, recipe, 2))
        os.kill(local._workers[0].process.pid, signal.SIGKILL)
    first = written(lab, recipe, 1)
    assert build_by(engine, [Job(recipe, lab)], lab).trained == 1
    assert written(lab, recipe, 1) == first
    alone = Lab(tmp_path / "alone")
    train(recipe, alone)
    last = weights_name(30)
    kept = (lab.run(recipe).folder / last).read_bytes()
    assert kept == (alone.run(recipe).folder / last).read_bytes()


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
