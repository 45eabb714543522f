from tic.report import verdicts
from tic.stats.judge import Outcome


def test_every_outcome_has_a_symbol_and_a_word():
    assert set(verdicts.BADGES) == set(Outcome)
    assert [badge.symbol for badge in verdicts.BADGES.values()] == ["✓", "✗", "?", "–", "○", "!"]


def test_the_result_is_one_sentence(example_audit):
    assert verdicts.counts_sentence(example_audit.entries[:12]) == (
        "12 verdicts on 9 claims: 6 supported, 1 refuted, 3 inconclusive, 1 not run and "
        "1 ended in an error."
    )
    assert verdicts.counts_sentence(()) == "No claim was judged."
    assert verdicts.counts_sentence(example_audit.entries[:1]) == (
        "1 verdict on 1 claim: 1 supported."
    )


def test_scopes_share_the_differences_that_all_their_verdicts_have(example_audit):
    smoke, paper = verdicts.scope_groups(example_audit.entries[:14])
    assert (smoke.level, smoke.count, len(smoke.differences)) == ("smoke", 13, 4)
    assert (paper.level, paper.count, paper.differences) == ("paper", 1, ())
    assert "says nothing yet about the paper's setting" in smoke.meaning.lower()


def test_the_weakest_of_the_contrasts_that_agree_is_decisive(example_audit):
    concentration, concentrated, failed = example_audit.entries[:3]
    assert verdicts.decisive(concentration) == concentration.contrasts[1]
    # Supported alone and demoted by Holm: the claim's own outcome counts.
    assert verdicts.decisive(concentrated) == concentrated.contrasts[0]
    assert verdicts.decisive(failed) is None


def test_a_refuted_claim_hangs_on_its_refuted_contrast(example_audit):
    refuted = next(e for e in example_audit.entries if e.outcome is Outcome.REFUTED)
    decisive = verdicts.decisive(refuted)
    assert decisive is not None
    assert decisive.outcome is Outcome.REFUTED


def test_the_claims_own_outcome_chooses_the_contrast(example_audit):
    entry = next(e for e in example_audit.entries if e.outcome is Outcome.REFUTED)
    refuted, inconclusive = entry.contrasts
    assert (refuted.outcome, inconclusive.outcome) == (Outcome.REFUTED, Outcome.INCONCLUSIVE)
    contrasts = (refuted, inconclusive.model_copy(update={"p_value": 0.9}))
    corrected = entry.model_copy(update={"outcome": Outcome.INCONCLUSIVE, "contrasts": contrasts})
    assert verdicts.decisive(corrected) == refuted


def test_estimates_and_intervals_are_printed_alike(example_audit):
    contrast = example_audit.entries[0].contrasts[0]
    fixed = contrast.model_copy(update={"estimate": 0.3123, "interval": (0.2841, 0.3409)})
    assert verdicts.estimate(fixed) == "0.312 normalised centroid"
    assert verdicts.interval(fixed) == "[0.284, 0.341]"
    assert verdicts.interval(fixed.model_copy(update={"interval": None})) == "–"


def test_the_setting_names_a_protocol_that_is_not_standard(example_audit):
    standard, official = example_audit.entries[0], example_audit.entries[12]
    assert verdicts.setting(standard) == "T = 10"
    assert verdicts.setting(official) == "T = 10, protocol = official"
    assert verdicts.parameters(official) == "T = 10"
    assert verdicts.setting(example_audit.entries[13]) == "protocol = official"
