"""Which verdicts pass elsewhere, by what came out here."""

import json

import pytest

from tests.audit.entries import UNKNOWN, contrast, entry
from tic.errors import TicError
from tic.exchange.expected import expected_verdicts
from tic.session.expectation import load_expectation
from tic.stats import Outcome


def allowed(audit, **of):
    document = json.loads(expected_verdicts(audit))
    return document if not of else document[of["name"]]


@pytest.fixture
def passes(edited):
    """The verdicts that pass for an entry."""

    def of(outcome, *, seeds=(0, 1, 2), nearness=(None, None), **fields):
        confidence, flips_to = nearness
        near = UNKNOWN.model_copy(update={"flip_confidence": confidence, "flips_to": flips_to})
        made = entry("a", outcome, contrasts=(contrast(seeds),), sensitivity=near, **fields)
        return allowed(edited(entries=(made,)), name="a")

    return of


def test_what_is_decided_may_be_left_open_but_not_decided_the_other_way(passes):
    assert passes(Outcome.SUPPORTED) == ["SUPPORTED", "INCONCLUSIVE"]
    assert passes(Outcome.REFUTED) == ["REFUTED", "INCONCLUSIVE"]


def test_with_a_budget_anything_may_be_not_run(passes):
    sequential = {"design": "sequential"}
    assert passes(Outcome.SUPPORTED, **sequential) == ["SUPPORTED", "INCONCLUSIVE", "NOT_RUN"]


def test_what_is_open_may_go_where_it_leans(passes):
    leaning = passes(Outcome.INCONCLUSIVE, nearness=(0.96, Outcome.REFUTED))
    assert leaning == ["INCONCLUSIVE", "REFUTED"]
    both = ["INCONCLUSIVE", "SUPPORTED", "REFUTED"]
    assert passes(Outcome.INCONCLUSIVE, nearness=(0.9, Outcome.REFUTED)) == both
    assert passes(Outcome.INCONCLUSIVE) == both


def test_arithmetic_is_the_same_everywhere(passes):
    assert passes(Outcome.REFUTED, seeds=()) == ["REFUTED"]


def test_what_was_not_run_may_come_out_in_any_way(passes):
    verdicts = ["NOT_RUN", "INCONCLUSIVE", "SUPPORTED", "REFUTED"]
    assert passes(Outcome.NOT_RUN, seeds=()) == verdicts


def test_an_error_is_expected_of_nobody(passes):
    with pytest.raises(TicError, match="a ended in an error, which no audit is expected to: own"):
        passes(Outcome.ERROR)


def test_an_incomplete_audit_says_nothing_of_what_is_expected(edited):
    with pytest.raises(TicError, match="must be those of a complete audit, got one that ended"):
        expected_verdicts(edited(completed=False))


def test_an_audit_that_was_altered_says_nothing_of_what_is_expected(edited):
    altered = edited(seal="0" * 64, entries=())
    with pytest.raises(TicError, match="changed after it was made"):
        expected_verdicts(altered)


def test_controls_are_not_listed_and_the_file_can_be_read(example_audit, tmp_path, edited):
    audit = edited(entries=tuple(e for e in example_audit.entries if e.outcome != "ERROR"))
    path = tmp_path / "expected.json"
    path.write_text(expected_verdicts(audit), encoding="utf-8")
    listed = {e.id for e in audit.entries if e.role != "control"}
    passing = load_expectation(path).allowed
    assert passing.keys() == listed
    assert all(e.outcome in passing[e.id] for e in audit.entries if e.id in listed)
