"""Claims in worlds where they are false: SUPPORTED there is a failure, another verdict none."""

import json

import pytest

from fixtures.packs import CAUTIOUS, GULLIBLE, REFUTED, STANDING_RIVAL, SUPPORTED

FACTS = """
import types
WORLD = types.SimpleNamespace(total=4)
THREE = Control("three", "2 + 2 is 3.", facts=((WORLD, "total", 3),))
@says("sum", None, controls=(THREE,))
def test_sum(judge):
    judge([WORLD.total], above(3.5), name="2 + 2", exact=True)
def test_afterwards():
    assert WORLD.total == 4
"""
ELSEWHERE = """
from tic.audit.control import seen_as
from tic.audit.runs import SeedRuns
class Elsewhere(SeedRuns):
    def train_loss(self):
        raise NotApplicableError("nothing to be planted in")
@says("elsewhere", controls=(Control("nowhere", "Nowhere.", seen_as(Elsewhere)),))
def test_elsewhere(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss")
"""
BROKEN = ELSEWHERE.replace("NotApplicableError", "TicError")
FOOLED = (
    "other2024/gullible[tiny-digits-control-nothing] came out SUPPORTED on a negative control, so "
    "its test cannot say no: Nothing was planted."
)


@pytest.fixture
def planting(repository):
    """Audit claims together with their controls."""

    def run(*claims, arguments=()):
        repository.write(*claims)
        return repository.run("--controls", *arguments)

    return run


def roles(outcome):
    return {entry.id.removeprefix("other2024/"): entry.role for entry in outcome.audit.entries}


def test_without_the_option_nothing_is_planted(repository):
    outcome = repository.audit(CAUTIOUS, GULLIBLE)
    assert roles(outcome) == {"cautious[tiny-digits]": "claim", "gullible[tiny-digits]": "claim"}
    assert outcome.status == 0
    assert "controls:" not in outcome.text


def test_a_claim_stands_beside_each_of_its_controls_and_one_seed_taken_for_many(planting):
    outcome = planting(CAUTIOUS)
    assert roles(outcome) == {
        "cautious[tiny-digits]": "claim",
        "cautious[tiny-digits-control-negated]": "control",
        "cautious[tiny-digits-control-one-seed]": "control",
    }
    assert list(outcome.verdicts.values()) == ["SUPPORTED", "REFUTED", "INCONCLUSIVE"]
    own, negated, one_seed = outcome.audit.entries
    assert own.control is None
    assert (negated.control.name, negated.control.says) == (
        "negated",
        "Losses are negative.",
    )
    assert negated.contrasts[0].effects == tuple(-each for each in own.contrasts[0].effects)
    assert one_seed.contrasts[0].effects == own.contrasts[0].effects[:1] * 3
    assert "seeds 0, 1, 2 have the same weights in 1 of 1 trainings" in one_seed.reason


def test_controls_that_are_caught_do_not_fail_whatever_their_outcome(planting):
    outcome = planting(CAUTIOUS)
    assert outcome.status == 0
    assert "1 supported, 2 held" in outcome.text
    assert "negative controls: 2 held (2 caught)" in outcome.text
    assert outcome.family.claims == 1
    assert planting(CAUTIOUS, arguments=["--fail-on-inconclusive"]).status == 0


def test_a_control_that_is_supported_fails_and_says_what_was_planted(planting):
    outcome = planting(GULLIBLE)
    assert outcome.status == 1
    assert list(outcome.verdicts.values()) == ["SUPPORTED"] * 3
    assert "2 failed, 1 supported" in outcome.text
    assert "negative controls: 2 failed" in outcome.text
    assert outcome.text.count(f"\n{FOOLED}") == 2  # as the failure, and below the verdicts
    assert "Traceback" not in outcome.text
    assert "def test_gullible" not in outcome.text


def test_controls_need_no_trainings_of_their_own(planting):
    assert len(planting(CAUTIOUS).audit.runs) == 3


def test_facts_are_planted_while_the_claim_is_tested_and_restored_after(planting):
    outcome = planting(FACTS)
    assert outcome.verdicts == {"sum": "SUPPORTED", "sum[control-three]": "REFUTED"}
    assert outcome.audit.entries[1].contrasts[0].effects == (3,)
    assert "1 passed, 1 supported, 1 held" in outcome.text
    assert "negative controls: 1 held (1 caught)\n" in outcome.text


def test_facts_are_restored_when_the_claims_test_fails(planting):
    text = FACTS.replace("    judge([WORLD", "    assert WORLD.total == 4\n    judge([WORLD")
    outcome = planting(text)
    assert outcome.verdicts["sum[control-three]"] == "ERROR"
    assert "1 failed, 1 passed, 1 supported" in outcome.text


def test_a_control_that_says_nothing_of_the_setting_is_neither_caught_nor_passed(planting):
    outcome = planting(ELSEWHERE)
    assert list(outcome.verdicts.values()) == ["SUPPORTED", "NOT_APPLICABLE", "INCONCLUSIVE"]
    assert outcome.status == 0
    assert "1 skipped, 1 supported, 1 held" in outcome.text
    assert "negative controls: 1 held (1 caught), 1 not tested" in outcome.text


def test_a_control_whose_test_breaks_is_not_caught_but_an_error(planting):
    outcome = planting(BROKEN)
    assert list(outcome.verdicts.values()) == ["SUPPORTED", "ERROR", "INCONCLUSIVE"]
    assert outcome.status == 1
    assert "1 failed, 1 supported, 1 held" in outcome.text
    assert "negative controls: 1 held (1 caught), 1 not tested" in outcome.text


def test_expected_verdicts_say_nothing_of_controls(planting, repository):
    expected = repository.pytester.path / "expected.json"
    expected.write_text(json.dumps({"other2024/cautious[tiny-digits]": ["SUPPORTED"]}))
    outcome = planting(CAUTIOUS, arguments=["--expect", expected])
    assert (outcome.status, "1 supported, 2 held" in outcome.text) == (0, True)
    expected.write_text(json.dumps({"other2024/gullible[tiny-digits]": ["SUPPORTED"]}))
    outcome = planting(GULLIBLE, arguments=["--expect", expected])
    assert outcome.status == 1
    assert "2 failed, 1 supported" in outcome.text
    assert FOOLED in outcome.text


def test_controls_are_planted_in_the_standard_reading_alone(planting):
    text = CAUTIOUS.replace("controls=(NEGATED,))", "controls=(NEGATED,), gaps=GAPS)")
    outcome = planting(
        """
from tic.audit import Gap, Protocol
GAPS = (Gap("Open.", (Protocol("other", "Otherwise."),)),)
def says(name, controls, gaps):
    return claim(PACK, name, source="Fig. 1", says="It is.", rule="By losses.", gaps=gaps,
                 needs=lambda setting: setting.recipe, controls=controls)
""",
        text,
        arguments=["--protocol", "all"],
    )
    assert [(each.role, each.protocol) for each in outcome.audit.entries] == [
        ("claim", "standard"),
        ("claim", "other"),
        ("control", "standard"),
        ("control", "standard"),
    ]
    assert [each.alternatives for each in outcome.audit.entries[2:]] == [(), ()]


def test_rivals_have_no_controls(planting):
    assert roles(planting(REFUTED, STANDING_RIVAL)) == {
        "negative[tiny-digits]": "claim",
        "negative[tiny-digits-control-nothing]": "control",
        "negative[tiny-digits-control-one-seed]": "control",
        "drift[tiny-digits]": "rival",
    }


def test_controls_are_chosen_with_their_claim(planting):
    outcome = planting(CAUTIOUS, GULLIBLE, arguments=["--claim", "cautious"])
    assert len(outcome.verdicts) == 3
    assert outcome.status == 0


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
@pytest.mark.parametrize("options", [[], ["--controls"], ["--plan"]], ids=str)
def test_a_claim_without_a_control_is_refused(repository, workers, options):
    bare = SUPPORTED.replace('"positive"', '"bare", controls=()')
    repository.write(bare.replace("test_positive", "test_bare"), SUPPORTED)
    outcome = repository.run(*options, *workers)
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    sentence = (
        "other2024/bare has no negative control, so nobody knows whether its test can say no; "
    )
    assert outcome.text.count(sentence) == outcome.text.count("ERROR:") == 1
    assert "give it controls=(…,)" in outcome.text
    assert not outcome.folder.exists()


def test_a_claim_of_arithmetic_without_a_control_is_refused_too(repository):
    repository.write(FACTS.replace("(THREE,)", "()"))
    outcome = repository.run()
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert "other2024/sum has no negative control" in outcome.text
