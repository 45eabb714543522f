"""What an audit would judge: lists of claims and protocols, without judging."""

import pytest

from fixtures.packs import REFUTED, SUPPORTED

OPEN = """
from tic.audit import Gap, Protocol
SUMMED = Protocol("summed", "Of the sum.")
@claim(PACK, "open", source="Fig. 2a, Eq. 3", says="It is open.", rule="By losses.",
       needs=lambda setting: setting.recipe, gaps=(Gap("Sum or mean.", (SUMMED,)),),
       controls=(NOTHING,))
def test_open(runs, judge):
    raise AssertionError("never runs")
"""
CLAIMS = """\
other2024/positive[tiny-digits]  (Fig. 1)
    It is positive.
    needs: 3 Runs over 3 seeds, shared with other claims

other2024/open[tiny-digits]  (Fig. 2a, Eq. 3)
    It is open.
    needs: 3 Runs over 3 seeds, shared with other claims
    protocols: summed
"""
PROTOCOLS = """\
standard
    The reading of the paper that the notes of each claim state.

summed  (other2024)
    Of the sum.
    touches: other2024/open
"""


@pytest.mark.parametrize(("wanted", "told"), [("claims", CLAIMS), ("protocols", PROTOCOLS)])
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_a_list_is_printed_and_nothing_is_judged_or_trained(repository, wanted, told, workers):
    repository.write(SUPPORTED, OPEN)
    store = repository.pytester.path / "store"
    outcome = repository.run("--list", wanted, *workers, store=store)
    assert outcome.status == 0
    assert f" {wanted} ===" in outcome.text
    assert told in outcome.text
    assert "passed" not in outcome.text
    assert not (store / "runs").exists()
    assert not outcome.folder.exists()


def test_a_list_is_of_the_claims_that_were_chosen_in_the_setting_that_was_asked_for(repository):
    repository.write(SUPPORTED, REFUTED)
    outcome = repository.run("--list", "claims", "--claim", "negative", "--seeds", "4")
    assert "other2024/negative[tiny-digits]  (Fig. 1)" in outcome.text
    assert "needs: 4 Runs over 4 seeds" in outcome.text
    assert "other2024/positive" not in outcome.text


def test_a_list_with_protocols_has_their_entries(repository):
    repository.write(OPEN)
    outcome = repository.run("--list", "claims", "--protocol", "all")
    assert "other2024/open[tiny-digits-summed]  (Fig. 2a" in outcome.text


def test_a_list_needs_no_data(repository):
    repository.write(SUPPORTED)
    outcome = repository.run("--list", "claims", "--dataset", "svhn")
    assert outcome.status == 0
    assert "other2024/positive[tiny-svhn]" in outcome.text
    assert not (repository.pytester.path / "nowhere").exists()


def test_another_list_is_refused(repository):
    repository.write(SUPPORTED)
    result = repository.pytester.runpytest_inprocess("--list", "seeds")
    assert result.ret == 4
    assert "'seeds' (choose from" in result.stderr.str()


def test_a_folder_without_claims_has_no_list(repository):
    repository.pytester.makepyfile(test_units="def test_unit():\n    pass\n")
    outcome = repository.run("--tic-list", "claims")
    assert "=== claims" not in outcome.text
    assert "passed" not in outcome.text
