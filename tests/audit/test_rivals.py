"""What rivals leave of a claim: which threaten it, which explain it, and whether it stands."""

import pytest
from entries import entry

from tic.document.rivals import Standing, explains, standing, standing_of, threatens
from tic.stats import Outcome


def claim(outcome=Outcome.SUPPORTED, **parameters):
    return entry("c", outcome, parameters=parameters)


def rival(outcome=Outcome.SUPPORTED, *, of=("c",), **parameters):
    return entry("r", outcome, role="rival", threatens=of, parameters=parameters)


def test_a_rival_threatens_claims_that_agree_in_all_parameters_that_both_have():
    threatened = claim(network="tiny", T="10")
    assert threatens(rival(**{"T": "10", "data set": "digits"}), threatened)
    assert not threatens(rival(T="10", network="VGG-16"), threatened)
    assert not threatens(rival(of=("d",)), threatened)


def test_only_rivals_threaten_and_only_claims_are_threatened():
    threatened = claim()
    assert threatens(rival(), threatened)
    assert not threatens(rival(), threatened.model_copy(update={"role": "control"}))
    assert not threatens(threatened.model_copy(update={"threatens": ("c",)}), threatened)


def test_what_is_explained_was_observed_and_so_was_what_explains_it():
    refuted, supported = claim(Outcome.REFUTED), claim()
    assert explains(rival(), [refuted, supported])
    assert not explains(rival(), [refuted])
    assert not explains(rival(Outcome.INCONCLUSIVE), [supported])
    assert not explains(rival(of=("d",)), [supported])


@pytest.mark.parametrize(
    ("outcomes", "standing"),
    [
        ((), Standing.UNTESTED),
        (("REFUTED", "REFUTED"), Standing.STANDS),
        (("REFUTED", "SUPPORTED"), Standing.EXPLAINED),
        (("INCONCLUSIVE", "SUPPORTED"), Standing.EXPLAINED),
        (("REFUTED", "NOT_RUN"), Standing.CONTESTED),
        (("INCONCLUSIVE",), Standing.CONTESTED),
    ],
)
def test_a_claim_stands_where_all_its_rivals_are_refuted(outcomes, standing):
    assert standing_of([rival(Outcome[outcome]) for outcome in outcomes]) is standing


def control(outcome, **parameters):
    return entry("c", outcome, id="c-control", role="control", parameters=parameters)


def test_a_claim_stands_by_a_test_that_supports_nothing_false():
    refuted, of_another = rival(Outcome.REFUTED), rival(of=("d",))
    assert standing(claim(), [refuted, of_another, control(Outcome.REFUTED)]) is Standing.STANDS
    assert standing(claim(), [rival(), refuted]) is Standing.EXPLAINED
    failed = control(Outcome.SUPPORTED, network="another")
    assert standing(claim(), [refuted, failed]) is Standing.UNSOUND
    other_test = failed.model_copy(update={"claim": "d"})
    assert standing(claim(), [refuted, other_test]) is Standing.STANDS


def test_what_is_no_supported_claim_neither_stands_nor_falls():
    assert standing(claim(Outcome.REFUTED), [rival()]) is None
    assert standing(rival(), [claim()]) is None
