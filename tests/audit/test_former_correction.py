"""The rule of audits before schema 5: Holm over the claims of each paper, for supports alone."""

import pytest
from entries import contrast
from entries import entry as made
from hypothesis import given
from hypothesis import strategies as st

from tic.document.former_correction import correct_by_holm
from tic.stats import Outcome

S, R, I = Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE  # noqa: E741


def entry(name, outcome, p_value, seeds=(0, 1, 2), protocol="standard", role="claim", **parameters):
    case = "".join(f"-{value}" for value in parameters.values())
    return made(
        name,
        outcome,
        id=name + case + ("" if protocol == "standard" else f"-{protocol}"),
        role=role,
        parameters=parameters,
        protocol=protocol,
        p_value=p_value,
        contrasts=(contrast(seeds),) if outcome in (S, R, I) else (),
    )


def sizes(multiplicity):
    """Claims and rivals of the only paper."""
    (family,) = multiplicity.families
    return family.claims, family.rivals


def outcomes(entries):
    return {each.id: str(each.outcome) for each in entries}


def test_supported_stands_only_where_it_survives_holm():
    # At 0.025 over four: 0.001 * 4 and 0.008 * 3 = 0.024 survive, 0.0126 * 2 = 0.0252 does not.
    found, multiplicity = correct_by_holm(
        [entry("c", S, 0.0126), entry("a", S, 0.001), entry("d", I, 0.4), entry("b", S, 0.008)],
        confidence=0.95,
    )
    assert outcomes(found) == {
        "c": "INCONCLUSIVE",
        "a": "SUPPORTED",
        "d": "INCONCLUSIVE",
        "b": "SUPPORTED",
    }
    assert multiplicity.method == "Holm"
    assert sizes(multiplicity) == (4, 0)
    assert multiplicity.level == pytest.approx(0.025)


def test_the_demoted_entry_keeps_its_own_outcome_and_says_why():
    found, _ = correct_by_holm([entry("a", S, 0.02), entry("b", I, 0.5)], confidence=0.95)
    assert (found[0].outcome, found[0].own_outcome) == (I, S)
    assert found[0].reason == "supported alone, but not after Holm's correction over 2 claims"
    assert found[1].reason == "own reason"


def test_a_refuted_claim_stays_refuted_and_counts_in_the_family():
    found, multiplicity = correct_by_holm(
        [entry("a", R, 0.99), entry("b", S, 0.02)], confidence=0.95
    )
    assert outcomes(found) == {"a": "REFUTED", "b": "INCONCLUSIVE"}
    assert sizes(multiplicity)[0] == 2


def test_an_exact_claim_is_not_in_the_family():
    found, multiplicity = correct_by_holm(
        [entry("exact", S, None, seeds=()), entry("a", S, 0.02)], confidence=0.95
    )
    assert outcomes(found) == {"exact": "SUPPORTED", "a": "SUPPORTED"}
    assert sizes(multiplicity)[0] == 1


@pytest.mark.parametrize(
    ("outcome", "family"),
    [(Outcome.NOT_APPLICABLE, 1), (Outcome.ERROR, 2), (Outcome.NOT_RUN, 2), (I, 2)],
)
def test_the_family_does_not_shrink_when_a_claim_fails(outcome, family):
    found, multiplicity = correct_by_holm([entry("x", outcome, None), entry("a", S, 0.02)], 0.95)
    assert sizes(multiplicity)[0] == family
    assert found[0].outcome is outcome
    assert found[1].outcome is (S if family == 1 else I)


def test_an_audit_of_no_tested_claim_has_an_empty_family():
    exact = [entry("exact", S, None, seeds=())]
    assert sizes(correct_by_holm(exact, 0.95)[1]) == (0, 0)
    assert correct_by_holm([], 0.95)[1].families == ()


def of(paper, found):
    return found.model_copy(
        update={"paper": paper, "id": f"{paper}/{found.id}", "claim": f"{paper}/{found.claim}"}
    )


def test_papers_are_corrected_apart():
    # 0.02 stands alone in its paper; among three claims it would not.
    other = [
        of("q", entry("a", I, 0.4)),
        of("q", entry("b", S, 0.02)),
        of("q", rival("x", S, 0.02)),
    ]
    found, multiplicity = correct_by_holm([of("p", entry("a", S, 0.02)), *other], 0.95)
    assert outcomes(found) == {
        "p/a": "SUPPORTED", "q/a": "INCONCLUSIVE", "q/b": "INCONCLUSIVE", "q/x": "SUPPORTED",
    }  # fmt: skip
    assert [(f.paper, f.claims, f.rivals) for f in multiplicity.families] == [
        ("p", 1, 0), ("q", 2, 1),
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from([S, R, I]), st.floats(0, 1)), min_size=1),
    st.lists(st.tuples(st.sampled_from([S, R, I]), st.floats(0, 1))),
)
def test_another_paper_changes_no_verdict(own, others):
    first = [of("p", entry(str(k), *each)) for k, each in enumerate(own)]
    second = [of("q", entry(str(k), *each)) for k, each in enumerate(others)]
    alone, _ = correct_by_holm(first, 0.95)
    together, _ = correct_by_holm([*second, *first], 0.95)
    assert together[len(second) :] == alone


def test_a_setting_that_the_pack_does_not_have_does_not_widen_the_family():
    lacking = entry("a", Outcome.NOT_RUN, None, network="big").model_copy(update={"offered": False})
    found, multiplicity = correct_by_holm([lacking, entry("a", S, 0.02)], 0.95)
    assert sizes(multiplicity) == (1, 0)
    assert found[1].outcome is S


def under(protocol, name, outcome, p_value):
    return entry(name, outcome, p_value, protocol=protocol)


def test_every_protocol_is_corrected_in_a_family_of_its_own():
    # Standard: 0.001 * 2 and 0.02 * 1 survive 0.025. Official: 0.02 * 2 does not.
    # One family of four would have let 0.02 * 3 fall.
    found, multiplicity = correct_by_holm(
        [
            entry("a", S, 0.001), entry("b", S, 0.02),
            under("official", "a", S, 0.02), under("official", "b", I, 0.4),
        ],
        confidence=0.95,
    )  # fmt: skip
    assert outcomes(found) == {
        "a": "SUPPORTED",
        "b": "SUPPORTED",
        "a-official": "INCONCLUSIVE",
        "b-official": "INCONCLUSIVE",
    }
    assert sizes(multiplicity)[0] == 2
    assert found[2].reason == "supported alone, but not after Holm's correction over 2 claims"


@pytest.mark.parametrize(("untouched", "outcome", "left"), [(0.4, I, I), (0.01, S, S)])
def test_a_claim_that_a_protocol_does_not_touch_counts_in_its_family(untouched, outcome, left):
    # 0.02 * 2 is beyond 0.025, unless 0.01 * 2 came before it and survived.
    found, multiplicity = correct_by_holm(
        [entry("a", S, 0.001), entry("b", outcome, untouched), under("official", "a", S, 0.02)],
        confidence=0.95,
    )
    assert found[2].outcome is left
    assert sizes(multiplicity)[0] == 2


def test_a_claim_that_a_protocol_does_not_touch_does_not_fall_with_it():
    # In the family of `official`, 0.02 * 2 would not survive; in its own it does.
    found, _ = correct_by_holm(
        [entry("a", S, 0.001), entry("b", S, 0.02), under("official", "a", I, 0.9)],
        confidence=0.95,
    )
    assert found[1].outcome is S


def test_without_the_standard_protocol_a_claim_stands_in_as_it_was_judged():
    # Family of `summed`: 0.02 of a, and 0.4 of b, which was judged by `official` alone.
    found, multiplicity = correct_by_holm(
        [
            under("official", "a", S, 0.001), under("official", "b", I, 0.4),
            under("summed", "a", S, 0.02),
        ],
        confidence=0.95,
    )  # fmt: skip
    assert [str(each.outcome) for each in found] == ["SUPPORTED", "INCONCLUSIVE", "INCONCLUSIVE"]
    assert sizes(multiplicity)[0] == 2


def test_where_a_protocol_is_silent_the_standard_one_speaks_before_others():
    # In the family of `summed`, b counts with the 0.01 of the standard protocol, not with 0.9.
    found, _ = correct_by_holm(
        [
            under("official", "b", I, 0.9), entry("b", S, 0.01), entry("a", S, 0.001),
            under("summed", "a", S, 0.02),
        ],
        confidence=0.95,
    )  # fmt: skip
    assert outcomes(found)["a-summed"] == "SUPPORTED"


def test_a_claim_counts_once_for_every_case_of_its_parameters():
    cases = [entry("a", S, 0.001, level="low"), entry("a", S, 0.02, level="high")]
    both = [*cases, entry("a", S, 0.02, protocol="official", level="low")]
    assert sizes(correct_by_holm(both, 0.95)[1])[0] == 2
    assert [each.outcome for each in correct_by_holm(both, 0.95)[0]] == [S, S, I]


@given(st.lists(st.floats(1e-4, 0.0249), min_size=1, max_size=6))
def test_another_protocol_with_the_same_findings_changes_no_verdict(p_values):
    standard = [entry(f"claim{k}", S, p_value) for k, p_value in enumerate(p_values)]
    other = [under("other", f"claim{k}", S, p_value) for k, p_value in enumerate(p_values)]
    alone, multiplicity = correct_by_holm(standard, 0.95)
    together, again = correct_by_holm([*other, *standard], 0.95)
    expected = [each.outcome for each in alone]
    assert [each.outcome for each in together] == expected + expected
    assert again == multiplicity


# Rivals and controls


def rival(name, outcome, p_value, **fields):
    return entry(name, outcome, p_value, role="rival", **fields)


def control(name, outcome, p_value):
    return entry(name, outcome, p_value, role="control")


def test_rivals_are_corrected_among_themselves_and_claims_among_themselves():
    # Claims: 0.001 * 2 and 0.02 survive 0.025, which 0.02 * 3 in one family of five would not.
    # Rivals: 0.009 * 3 does not, so neither does 0.01; alone both would.
    found, multiplicity = correct_by_holm(
        [
            entry("a", S, 0.001), rival("x", S, 0.009), entry("b", S, 0.02), rival("y", S, 0.01),
            rival("z", R, 0.9),
        ],
        confidence=0.95,
    )  # fmt: skip
    assert outcomes(found) == {
        "a": "SUPPORTED",
        "x": "INCONCLUSIVE",
        "b": "SUPPORTED",
        "y": "INCONCLUSIVE",
        "z": "REFUTED",
    }
    assert sizes(multiplicity) == (2, 3)


def test_a_rival_that_fell_says_among_how_many_rivals():
    found, _ = correct_by_holm(
        [rival("x", S, 0.02), rival("y", I, 0.5), entry("a", S, 0.001)], 0.95
    )
    assert found[0].reason == "supported alone, but not after Holm's correction over 2 rivals"
    assert (found[0].outcome, found[0].own_outcome) == (I, S)


def test_a_rival_alone_needs_no_correction_however_many_claims_there_are():
    claims = [entry(f"claim{k}", I, 0.5) for k in range(9)]
    found, multiplicity = correct_by_holm([*claims, rival("x", S, 0.024)], 0.95)
    assert found[-1].outcome is S
    assert sizes(multiplicity) == (9, 1)


def test_controls_are_corrected_by_nothing_and_correct_nothing():
    # A second member would let 0.02 fall in either family.
    planted = [control("a-planted", S, 0.024), control("b-planted", I, 0.5)]
    found, multiplicity = correct_by_holm(
        [entry("a", S, 0.02), rival("x", S, 0.02), *planted], 0.95
    )
    assert [each.outcome for each in found] == [S, S, S, I]
    assert found[2:] == planted
    assert sizes(multiplicity) == (1, 1)


def test_a_rival_counts_once_for_every_case_of_its_parameters():
    cases = [rival("x", S, 0.001, level="low"), rival("x", S, 0.02, level="high")]
    found, multiplicity = correct_by_holm(cases, 0.95)
    assert sizes(multiplicity) == (0, 2)
    assert [each.outcome for each in found] == [S, S]


@given(st.lists(st.floats(1e-4, 0.0249), max_size=5), st.lists(st.floats(1e-4, 0.0249), max_size=5))
def test_what_rivals_find_changes_no_claim_and_the_other_way_round(claims, rivals):
    mine = [entry(f"claim{k}", S, p_value) for k, p_value in enumerate(claims)]
    others = [rival(f"rival{k}", S, p_value) for k, p_value in enumerate(rivals)]
    planted = [control(f"planted{k}", S, p_value) for k, p_value in enumerate(rivals)]
    together, _ = correct_by_holm([*others, *mine, *planted], 0.95)
    assert together == [
        *correct_by_holm(others, 0.95)[0],
        *correct_by_holm(mine, 0.95)[0],
        *planted,
    ]
