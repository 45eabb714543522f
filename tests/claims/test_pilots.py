"""The pilots of the packs: of what is claimed, trained and measured today."""

from pathlib import Path

import pytest

from tests.claims.conftest import Witness
from tic.lab import Lab
from tic.session import pilots

ROOT = Path(__file__).parents[2]
AUDITED_FROM = 800_000
"""No audit of these packs has seeds from here on; see benchmarks/ for those of the settings."""


@pytest.fixture(scope="module")
def kept():
    """Pilots by entry id, of all packs."""
    return {
        (name, trainings): pilot
        for path in sorted((ROOT / "claims").glob("*/pilots.json"))
        for name, by_trainings in pilots._read(path).entries.items()
        for trainings, pilot in by_trainings.items()
    }


def test_pilots_are_of_what_an_audit_would_train_and_measure(
    pytester, everything_imported, monkeypatch, kept
):
    monkeypatch.setattr(Lab, "require_data", lambda *_, **__: None)
    witness = Witness()
    run = pytester.inline_run(
        ROOT / "claims", "--collect-only", "-q", "-p", "no:cacheprovider",
        "-p", "no:hypothesispytest", "--store", pytester.path / "store", plugins=[witness],
    )  # fmt: skip
    assert run.ret == 0
    lab = witness.audit.lab
    here = [
        entry
        for entry in witness.audit.planned.values()
        if entry.seeded_recipes
        and entry.claim.name != "readings"  # which is judged by its readings
        and {recipe.dataset.name for recipe in entry.recipes.values()}
        <= {"digits", "spoken-digits", "moving-digits-directions"}
    ]
    assert len(here) > 100
    without = [entry.id for entry in here if pilots.pilot_of(entry, lab) is None]
    assert without == []


def test_no_audit_has_the_seeds_of_a_pilot(kept):
    seeds = {seed for pilot in kept.values() for c in pilot.contrasts for seed in c.seeds}
    assert seeds == set(range(AUDITED_FROM, AUDITED_FROM + 30))
