"""What a negative control tells: that its claim's test can say no, that it cannot, or nothing."""

import pytest
from entries import entry

from tic.document.audit import ControlRecord
from tic.document.controls import ControlResult, control_results, counts
from tic.document.evidence import Contrast
from tic.stats import Outcome

PLANTED = ControlRecord(name="nothing", says="Nothing.")
S, R, I, N = Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE, Outcome.NOT_RUN  # noqa: E741


def control(outcome, **fields):
    given = {"id": "c-control", "claim": "c", "role": "control", "control": PLANTED, **fields}
    return entry("c", outcome, **given)


@pytest.mark.parametrize(
    ("claim", "outcome", "result"),
    [
        (S, R, ControlResult.CAUGHT),
        (S, I, ControlResult.CAUGHT),
        (S, S, ControlResult.FAILED),
        # A test that never decides anything would leave both undecided.
        (I, I, ControlResult.OPEN),
        (R, I, ControlResult.OPEN),
        (I, R, ControlResult.CAUGHT),
        # Nothing was falsified that the test looks at.
        (R, R, ControlResult.OPEN),
        (I, S, ControlResult.FAILED),
        (S, N, ControlResult.UNTESTED),
    ],
)
def test_a_control_counts_where_it_could_have_been_missed(claim, outcome, result):
    assert control_results([entry("c", claim), control(outcome)]) == {"c-control": result}


def test_a_control_that_is_refuted_by_other_numbers_than_its_claim_is_caught():
    def with_effects(judged, *effects):
        contrasts = (Contrast.model_construct(effects=effects),)
        return judged.model_copy(update={"contrasts": contrasts})

    claim = with_effects(entry("c", R), 1.0, 2.0)
    for effects, result in (((1.0, 2.0), ControlResult.OPEN), ((1.0, 2.1), ControlResult.CAUGHT)):
        planted = with_effects(control(R), *effects)
        assert control_results([claim, planted]) == {"c-control": result}


def test_its_claim_is_the_one_in_its_setting_by_its_protocol():
    claims = [
        entry("c", S, parameters={"network": "big"}),
        entry("c", S, protocol="other", id="c@other"),
        entry("c", I, parameters={"network": "small"}),
    ]
    small = control(I, parameters={"network": "small"})
    big = control(I, id="d-control", parameters={"network": "big"})
    assert control_results([*claims, small, big]) == {
        "c-control": ControlResult.OPEN, "d-control": ControlResult.CAUGHT,
    }  # fmt: skip


def test_the_results_are_counted_the_best_first():
    results = {str(k): result for k, result in enumerate([*ControlResult, ControlResult.CAUGHT])}
    assert counts(results) == "3 held (2 caught, 1 could not tell), 1 failed, 1 not tested"
    assert counts({}) == ""
    assert counts({"a": ControlResult.FAILED}) == "1 failed"
    assert counts({"a": ControlResult.OPEN}) == "1 held (1 could not tell)"
