"""A Store of many Runs has what an audit looks for, and kept audits are counted as they are."""

import json
from pathlib import Path

import pytest

from benchmarks import crowd, decided, many
from tic.audit import runs
from tic.lab import Lab
from tic.measure.measurement import rehearsal

ROOT = Path(__file__).parents[2]
SEEDS = range(3)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("crowd") / "store"
    assert crowd.fill(root, SEEDS) == len(SEEDS) * many.ROLES
    return root


def every_recipe():
    trainings = many.trainings(many.SETTING).values()
    return [recipe.with_seed(seed) for recipe in trainings for seed in SEEDS]


def test_every_run_is_whole_and_measured(store):
    lab = Lab(store)
    with rehearsal() as lacking:
        for recipe in every_recipe():
            assert lab.has(recipe, verify=True)
            assert runs.tested(recipe, many.SETTING.sizes["test"], lab) >= 0
    assert not lacking
    assert not lab.store.damaged()


def test_no_two_runs_have_the_same_weights(store):
    lab = Lab(store)
    digests = {lab.run(recipe).digests(recipe.epochs).weights for recipe in every_recipe()}
    assert len(digests) == len(SEEDS) * many.ROLES


def test_what_was_copied_can_be_damaged_alone(store, tmp_path):
    root = tmp_path / "store"
    crowd.fill(root, SEEDS)
    lab, (first, second, *_) = Lab(root), every_recipe()
    weights = root / "runs" / lab.fingerprint(second) / "weights-0001.safetensors"
    weights.write_bytes(weights.read_bytes() + b"!")
    assert not lab.has(second, verify=True)
    assert lab.has(first, verify=True)


def test_runs_stand_in_for_those_that_an_audit_plans(tmp_path, monkeypatch):
    monkeypatch.setattr(crowd, "SEEDS", 2)
    monkeypatch.chdir(ROOT)
    crowd.main(tmp_path / "store", ["benchmarks/many.py", "--seeds", "3"])
    lab = Lab(tmp_path / "store")
    assert all(lab.has(recipe) for recipe in every_recipe())
    assert len(list((tmp_path / "store" / "runs").iterdir())) == len(every_recipe())


@pytest.mark.parametrize("path", decided.KEPT)
def test_what_a_kept_audit_decided_is_counted_in_its_json(path):
    (found,) = decided.yields([ROOT / path])
    document = json.loads((ROOT / path).read_text())
    outcomes = [
        (entry["outcome"], bool(entry["runs"]))
        for entry in document["entries"]
        if entry["role"] == "claim"
    ]
    right = sum(outcome in ("SUPPORTED", "REFUTED") and rests for outcome, rests in outcomes)
    without = sum(outcome in ("SUPPORTED", "REFUTED") and not rests for outcome, rests in outcomes)
    assert (found.decided, found.claims) == (right, len(outcomes) - without)
    trained = sum(run["seconds"] or 0 for run in document["runs"])
    judged = sum(entry["seconds"] for entry in document["entries"])
    assert found.seconds == pytest.approx(trained + judged)
    assert found.per_hour == pytest.approx(3600 * right / (trained + judged))


def test_an_audit_that_trained_nothing_decides_nothing_per_hour():
    assert decided.Yield("none", 1, "", 0, 0, 0, 0, 0, 0.0).per_hour == 0
