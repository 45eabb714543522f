"""What each verdict means for the outcome of a claim's test."""

import re

import pytest

from fixtures.packs import HEADER, INCONCLUSIVE, REFUTED, SUPPORTED


def test_a_pack_in_one_short_file_of_another_repository_is_audited(repository):
    claims = (SUPPORTED, REFUTED, INCONCLUSIVE)
    assert len("".join((HEADER.lstrip(), *claims)).splitlines()) <= 30
    outcome = repository.audit(*claims)
    assert outcome.verdicts == {
        "positive[tiny-digits]": "SUPPORTED",
        "negative[tiny-digits]": "REFUTED",
        "spread[tiny-digits]": "INCONCLUSIVE",
    }
    assert "1 supported, 1 refuted, 1 inconclusive" in outcome.text
    assert "1 SUPPORTED, 1 REFUTED, 1 INCONCLUSIVE" in outcome.text
    assert outcome.status == 0


def test_a_supported_claim_is_counted_as_such(repository):
    outcome = repository.audit(SUPPORTED)
    assert outcome.status == 0
    assert "1 supported in " in outcome.text
    entry = outcome.entry
    assert entry.contrasts[0].seeds == (0, 1, 2)
    assert entry.scope.level == "paper"
    assert entry.parameters == {"network": "tiny", "data set": "digits"}


def test_a_refuted_claim_is_told_with_its_numbers_and_no_traceback(repository):
    outcome = repository.audit(REFUTED)
    assert outcome.status == 0
    assert "= against the paper =" in outcome.text
    assert "REFUTED other2024/negative[tiny-digits]: It is negative." in outcome.text
    assert "REFUTED: loss = 2.2" in outcome.text
    assert "nats, the claim allows below 0" in outcome.text
    assert "def test_negative" not in outcome.text
    assert "Traceback" not in outcome.text


def test_an_inconclusive_claim_does_not_fail(repository):
    outcome = repository.audit(INCONCLUSIVE)
    assert outcome.status == 0
    assert "1 inconclusive" in outcome.text
    assert "failed" not in outcome.text


def test_an_inconclusive_claim_fails_where_only_decided_ones_will_do(repository):
    repository.write(INCONCLUSIVE)
    outcome = repository.run("--fail-on-inconclusive")
    assert outcome.status == 1
    assert (
        "other2024/spread[tiny-digits] is INCONCLUSIVE, which --fail-on-inconclusive fails"
        in outcome.text
    )


def test_decided_claims_do_not_fail_there(repository):
    repository.write(SUPPORTED)
    assert repository.run("--fail-on-inconclusive").status == 0


def test_an_error_that_a_user_can_mend_is_told_without_traceback(repository):
    outcome = repository.audit(
        """
@says("broken")
def test_broken(runs, judge):
    raise TicError("seven is needed, got six")
"""
    )
    assert outcome.status == 1
    assert "ERROR other2024/broken[tiny-digits]: seven is needed, got six" in outcome.text
    assert "def test_broken" not in outcome.text
    entry = outcome.entry
    assert (entry.outcome, entry.reason) == ("ERROR", "seven is needed, got six")


def test_a_defect_is_told_with_its_traceback(repository):
    outcome = repository.audit(
        """
@says("defect")
def test_defect(runs, judge):
    [][1]
"""
    )
    assert outcome.status == 1
    assert "def test_defect" in outcome.text
    assert re.search(r"^test_pack\.py:\d+: IndexError$", outcome.text, re.MULTILINE)
    entry = outcome.entry
    assert entry.outcome == "ERROR"
    assert re.fullmatch(r"IndexError: list index out of range \(.*\.py, line \d+\)", entry.reason)


def test_a_claim_that_says_nothing_about_the_setting_is_skipped_with_the_reason(repository):
    outcome = repository.audit(
        """
def needs(setting):
    raise NotApplicableError("nothing to retrain")
@says("elsewhere", needs)
def test_elsewhere(runs, judge):
    raise AssertionError("never runs")
"""
    )
    assert outcome.status == 0
    assert "1 skipped" in outcome.text
    entry = outcome.entry
    assert (entry.outcome, entry.reason) == ("NOT_APPLICABLE", "nothing to retrain")


def test_a_claim_may_find_out_while_it_runs_that_it_says_nothing(repository):
    outcome = repository.audit(
        """
@says("elsewhere")
def test_elsewhere(runs, judge):
    raise NotApplicableError("no trend over two timesteps")
"""
    )
    assert outcome.status == 0
    assert outcome.entry.outcome == "NOT_APPLICABLE"


def test_a_training_that_diverges_is_an_error_with_the_reason(repository):
    outcome = repository.audit(
        """
@says("steep", lambda setting: setting.recipe.but(fitting=CosineSGD(learning_rate=1e30)))
def test_steep(runs, judge):
    judge(runs.accuracy(), above(0), name="accuracy")
"""
    )
    assert outcome.status == 1
    assert "the training loss became" in outcome.entry.reason
    assert "ERROR other2024/steep[tiny-digits]: tiny-digits-T2-lr1e+30-seed0: " in outcome.text
    assert "def test_steep" not in outcome.text
    audit = outcome.audit
    assert [run.status for run in audit.runs] == ["diverged"] * 3


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("runs, judge", "the claim's test judged nothing; call judge(effects, region, name=…)"),
        ("runs", "the claim's test does not ask for the fixture `judge`"),
    ],
)
def test_a_claim_that_judges_nothing_is_an_error(repository, arguments, reason):
    outcome = repository.audit(f'\n@says("idle")\ndef test_idle({arguments}):\n    pass\n')
    assert outcome.status == 1
    assert f"ERROR other2024/idle[tiny-digits]: {reason}" in outcome.text
    assert outcome.entry.reason == reason


def test_a_claim_without_runs_has_no_seeds_and_judges_exact_numbers_only(repository):
    outcome = repository.audit(
        """
@says("sum", needs=None)
def test_sum(judge):
    judge([1.0, 2.0, 3.0], above(0), name="sum")
"""
    )
    assert outcome.status == 1
    assert outcome.entry.reason == (
        "sum: a claim that needs no Runs has no seeds, and only exact numbers can be judged; write "
        "judge(…, exact=True), or say with needs= which Runs it rests on"
    )


def test_recipes_by_role_give_runs_by_role(repository):
    outcome = repository.audit(
        """
def both(setting):
    return {"long": setting.recipe, "short": setting.recipe.but(timesteps=1)}
@says("two", both)
def test_two(runs, judge):
    assert {role: each.recipe.timesteps for role, each in runs.items()} == {"long": 2, "short": 1}
    judge(runs["short"].curve("prefix_losses")[:, -1, 0], above(0), name="loss")
"""
    )
    assert outcome.status == 0
    assert len(outcome.entry.runs) == 6


def test_an_arithmetic_claim_needs_no_runs(repository):
    outcome = repository.audit(
        """
@says("sum", None)
def test_sum(judge):
    judge([4], above(3), name="2 + 2", exact=True)
"""
    )
    assert outcome.status == 0
    entry = outcome.entry
    assert (entry.id, entry.outcome, entry.runs) == ("other2024/sum", "SUPPORTED", ())
    assert outcome.audit.runs == ()


ACCURATE = """
@says("accurate")
def test_accurate(runs, judge):
    judge(runs.accuracy(), above(-1), name="accuracy", unit="%", resolution=runs.resolution)
    judge.compare("accuracy", "Table 1", unit="", reported=200.0, measured=runs.train_loss()[:, -1])
    assert runs.resolution == 100 / 60
"""


def test_an_entry_says_which_trainings_and_samples_its_verdict_covers(repository):
    outcome = repository.audit(ACCURATE)
    entry, runs = outcome.entry, outcome.audit.runs
    assert (entry.coverage.trainings, entry.coverage.seeds, entry.coverage.untested) == (3, 3, 0)
    (samples,) = entry.samples
    assert samples.model_dump() == {
        "data": "digits", "noun": "images", "split": "test", "size": 60, "available": 360,
    }  # fmt: skip
    assert [run.tested for run in runs] == [60] * 3
    # The most frequent of ten classes has at least a tenth of the images.
    assert all(10 <= run.guessing < 30 for run in runs)
    assert len({run.weights for run in runs}) == 3
    assert entry.comparisons[0].reproduces is False
    assert entry.contrasts[0].resolution == 100 / 60


def test_trainings_are_tested_for_collapse_whatever_a_claim_measures(repository):
    entry = repository.audit(REFUTED).entry
    assert entry.coverage.untested == 0
    assert entry.samples == ()


def test_one_claim_is_not_said_to_rest_on_the_samples_of_another(repository):
    first, second = repository.audit(ACCURATE, SUPPORTED).audit.entries
    assert first.samples
    assert second.samples == ()
