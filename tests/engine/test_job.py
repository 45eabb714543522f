"""Jobs: the text that goes to workers, what they need, and what they answer."""

import json
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from claims.kim2023.faults import StateKept
from claims.kim2023.recipes import PAPER_SETTING, SMOKE_SETTING
from tic.attacks import PGD
from tic.engine.job import Finished, Job, Resources, carry_out
from tic.errors import TicError
from tic.fitting import CosineSGD
from tic.lab import Lab
from tic.measure.fisher import FisherMeasurement
from tic.measure.measurement import stored_result
from tic.measure.robustness import AccuracyMeasurement, CorrectMeasurement
from tic.models import Spiking
from tic.pruning import Pruning
from tic.train import train

ACCURACY = AccuracyMeasurement(epoch=2, size=60)


@pytest.fixture
def pruned(quick_recipe):
    return quick_recipe.but(parent=quick_recipe, rules=(Pruning(0.5),), epochs=1, checkpoints=1)


def answer(job):
    return Finished.from_text(job, carry_out(job.to_text()))


# Text


@pytest.mark.parametrize(
    "measurement",
    [
        None,
        ACCURACY,
        CorrectMeasurement(epoch=1, corruption=StateKept(attack=PGD()), source_seed=1),
    ],
    ids=["training", "measurement", "of a claim's own attack"],
)
def test_a_job_comes_back_from_its_text_as_it_was(pruned, measurement, tmp_path):
    lab = Lab(tmp_path, tmp_path / "data", "cuda", compiled=True)
    job = Job(pruned, lab, measurement)
    assert "\n" not in job.to_text()
    assert Job.from_text(job.to_text()) == job
    assert repr(Job.from_text(job.to_text())) == repr(job)


def test_jobs_of_one_lab_share_what_it_has_verified(lab, quick_recipe):
    texts = [Job(quick_recipe.with_seed(seed), lab).to_text() for seed in (0, 1)]
    first, second = map(Job.from_text, texts)
    assert first.lab.store is second.lab.store


@pytest.mark.parametrize("text", ["", "3", "[]", "{}", '{"measurement": null}'])
def test_what_is_no_job_is_answered_with_a_sentence(text, lab, quick_recipe):
    found = Finished.from_text(Job(quick_recipe, lab), carry_out(text))
    assert found.status == "failed"
    assert found.reason.startswith("not a job (")
    assert "Traceback" not in found.reason


def test_a_job_trusts_no_module_but_those_of_its_measurement(lab, quick_recipe):
    fault = AccuracyMeasurement(epoch=1, corruption=StateKept(attack=PGD()))
    document = json.loads(Job(quick_recipe, lab, fault).to_text())
    assert document["trusted"] == ["claims.kim2023.faults"]
    document["trusted"] = []
    with pytest.raises(TicError, match="no package that is trusted"):
        Job.from_text(json.dumps(document))


# What comes first, and what it takes


def test_a_training_comes_after_that_of_its_parent(lab, quick_recipe, pruned):
    assert Job(quick_recipe, lab).before == ()
    assert Job(pruned, lab).before == (Job(quick_recipe, lab),)


def test_a_measurement_comes_after_the_runs_that_it_looks_at(lab, quick_recipe):
    alone = CorrectMeasurement(epoch=1)
    assert Job(quick_recipe, lab, alone).before == (Job(quick_recipe, lab),)
    other = replace(alone, source_seed=3)
    assert Job(quick_recipe, lab, other).before == (
        Job(quick_recipe, lab),
        Job(quick_recipe.with_seed(3), lab),
    )
    itself = replace(alone, source_seed=0)
    assert Job(quick_recipe, lab, itself).before == (Job(quick_recipe, lab),)


def test_work_is_in_image_presentations(lab, quick_recipe):
    assert Job(quick_recipe, lab).work == 2 * 60 * 2
    assert Job(quick_recipe, lab, AccuracyMeasurement(epoch=1, size=50)).work == 50 * 2
    assert Job(quick_recipe, lab, FisherMeasurement(epoch=1, size=500, timesteps=3)).work == 60 * 3
    attack = AccuracyMeasurement(epoch=1, size=50, corruption=PGD(steps=10))
    assert Job(quick_recipe, lab, attack).work == 50 * 2 * (1 + 10)


@pytest.mark.parametrize(
    ("recipe", "share"),
    [
        (SMOKE_SETTING.recipe, 1 / 8),
        (PAPER_SETTING.recipe, 1),
        (PAPER_SETTING.recipe.but(batch_size=2), 1 / 4),
        (PAPER_SETTING.recipe.but(architecture=Spiking("alexnet")), 1),
    ],
    ids=["smoke", "paper", "small batches", "AlexNet"],
)
def test_small_steps_share_a_gpu_and_large_ones_have_it_alone(recipe, share):
    assert Job(recipe, Lab(Path("s"), device_name="cuda")).needs == Resources(1, share)
    assert Job(recipe, Lab(Path("s"), device_name="cuda:1"), ACCURACY).needs == Resources(1, share)
    assert Job(recipe, Lab(Path("s"))).needs == Resources(1, 0)


# Carrying out


def test_a_worker_tells_how_long_it_was_at_a_job(lab, quick_recipe):
    started = monotonic()
    ended = answer(Job(quick_recipe, lab))
    assert 0 < ended.seconds <= monotonic() - started


def test_a_training_is_carried_out_with_all_that_it_builds_on(lab, quick_recipe, pruned):
    job = Job(pruned, lab)
    assert not job.is_done(lab)
    assert answer(job) == Finished(job, "done")
    assert job.is_done(lab)
    assert lab.has(quick_recipe)


def test_a_measurement_is_carried_out_and_lies_in_the_store(lab, quick_recipe):
    train(quick_recipe, lab)
    job = Job(quick_recipe, lab, ACCURACY)
    assert not job.is_done(lab)
    assert answer(job) == Finished(job, "done")
    assert job.is_done(lab)
    assert 0 <= stored_result(ACCURACY, quick_recipe, lab)["accuracy"] <= 100


def test_a_run_that_another_process_trains_is_not_waited_for(lab, quick_recipe):
    job = Job(quick_recipe, lab)
    with lab.store.lock(f"run-{lab.fingerprint(quick_recipe)}"):
        assert answer(job) == Finished(job, "held")
    assert answer(job).status == "done"


def test_a_damaged_parent_is_trained_again_before_its_child(lab, quick_recipe, pruned):
    folder = train(quick_recipe, lab).folder
    (folder / "history.json").write_bytes(b"{}")
    # Another process, which has not seen the Run whole.
    job = Job(pruned, Lab(lab.store_root, lab.store_root))
    assert answer(job) == Finished(job, "done")
    assert len(list(lab.store_root.glob("damaged/*"))) == 1


def test_on_a_diverged_run_nothing_is_measured_and_that_is_no_fault(lab, quick_recipe):
    diverging = quick_recipe.but(fitting=CosineSGD(learning_rate=1e30))
    assert answer(Job(diverging, lab)).status == "done"
    assert answer(Job(diverging, lab, ACCURACY)) == Finished(Job(diverging, lab, ACCURACY), "left")


def test_what_a_user_can_mend_is_answered_with_a_sentence(lab, quick_recipe):
    found = answer(Job(quick_recipe, lab, ACCURACY))
    assert found.status == "failed"
    assert found.reason == "tiny-digits-T2-seed0 is not in the Store; train it first"


def test_a_defect_is_answered_with_its_traceback(lab, quick_recipe, monkeypatch):
    monkeypatch.setattr("tic.engine.job.train_if_free", lambda recipe, lab: 1 / 0)
    found = answer(Job(quick_recipe, lab))
    assert found.status == "failed"
    assert found.reason.startswith("Traceback")
    assert "ZeroDivisionError: division by zero" in found.reason
