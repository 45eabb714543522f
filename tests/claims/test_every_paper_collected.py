"""What an audit of all papers collects, on data sets that not every pack was written for."""

from pathlib import Path

import pytest

from tests.claims.conftest import Witness
from tic.data import DATASETS
from tic.lab import Lab

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar100"])
def test_another_data_set_costs_only_the_claims_that_cannot_use_it(
    pytester, everything_imported, monkeypatch, name
):
    monkeypatch.setattr(Lab, "require_data", lambda *_, **__: None)
    witness = Witness()
    run = pytester.inline_run(
        ROOT / "claims", "--collect-only", "-q", "--dataset", name,
        "-p", "no:cacheprovider", "-p", "no:hypothesispytest",
        "--store", pytester.path / "store", plugins=[witness],
    )  # fmt: skip
    assert run.ret == 0
    planned = witness.audit.planned.values()
    runnable = {e.claim.pack.paper.key for e in planned if e.recipes}
    assert {"kim2023", "li2023"} <= runnable
    of_input = [e for e in planned if e.claim.id == "meszaros2024/input"]
    assert of_input
    assert {e.not_applicable for e in of_input} == {
        f"{DATASETS[name].name} has no other frequencies to train on"
    }
