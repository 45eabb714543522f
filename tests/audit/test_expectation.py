"""Expected verdicts: the file, and what counts as drift."""

import json
from pathlib import Path

import pytest
from entries import entry as made

from tic.errors import TicError
from tic.session.expectation import Expectation, drift, load_expectation
from tic.stats import Outcome


def entry(outcome, own=None):
    return made("p/claim", outcome, own_outcome=own or outcome, reason="because")


def test_a_file_gives_the_allowed_outcomes_by_entry(tmp_path):
    file = tmp_path / "expected.json"
    file.write_text(json.dumps({"p/a": ["SUPPORTED", "INCONCLUSIVE"], "p/b[x]": ["ERROR"]}))
    assert load_expectation(file).allowed == {
        "p/a": {Outcome.SUPPORTED, Outcome.INCONCLUSIVE},
        "p/b[x]": {Outcome.ERROR},
    }


@pytest.mark.parametrize(
    "text", ["", "[]", "3", '{"a": 3}', '{"a": ["MAYBE"]}', '{"a": "SUPPORTED"}', '{"a": [null]}']
)
def test_anything_else_in_the_file_is_refused_with_what_is_wanted(tmp_path, text):
    file = tmp_path / "expected.json"
    file.write_text(text)
    with pytest.raises(TicError, match="must be a JSON object from entry id to a list of outcomes"):
        load_expectation(file)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    file = tmp_path / "expected.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TicError, match="must be a JSON object"):
        load_expectation(file)


def test_a_missing_file_is_told(tmp_path):
    told = r"cannot read .*absent\.json: No such .*; tic expected audit\.json > .*absent\.json w"
    with pytest.raises(TicError, match=told):
        load_expectation(tmp_path / "absent.json")


def expecting(*outcomes):
    return Expectation(Path("expected.json"), {"p/claim": frozenset(outcomes)})


ALLOWED = expecting(Outcome.INCONCLUSIVE, Outcome.REFUTED)


@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.REFUTED])
def test_an_allowed_outcome_is_no_drift(outcome):
    assert drift(entry(outcome), ALLOWED) is None


def test_another_outcome_is_drift_and_tells_why():
    assert drift(entry(Outcome.ERROR), ALLOWED) == (
        "p/claim is ERROR, expected INCONCLUSIVE or REFUTED by expected.json: because"
    )


def test_drift_of_a_verdict_without_a_reason_ends_with_the_file():
    supported = entry(Outcome.SUPPORTED).model_copy(update={"reason": ""})
    told = "p/claim is SUPPORTED, expected INCONCLUSIVE or REFUTED by expected.json"
    assert drift(supported, ALLOWED) == told


def test_what_the_correction_left_is_what_counts_at_the_end():
    demoted = entry(Outcome.INCONCLUSIVE, own=Outcome.SUPPORTED)
    supported = expecting(Outcome.SUPPORTED)
    assert drift(demoted, ALLOWED) is None
    assert drift(demoted, supported) is not None


def test_an_entry_that_nobody_expected_is_drift():
    assert drift(entry(Outcome.SUPPORTED), Expectation(Path("a file.json"), {})) == (
        "p/claim is not among the expected verdicts of a file.json"
    )
