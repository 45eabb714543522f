"""Other explanations of what is claimed: SUPPORTED is bad news."""

import json

import pytest

from fixtures.packs import INCONCLUSIVE, REFUTED, RIVAL, STANDING_RIVAL, SUPPORTED
from tic.audit.robustness import suite_passes

UNDECIDED_RIVAL = """
@rival(PACK, "doubt", of=("positive",), source="Fig. 2", says="Who knows.", rule="By losses.",
       needs=lambda setting: setting.recipe)
def test_doubt(runs, judge):
    losses = runs.train_loss()[:, -1]
    judge(losses - losses.mean(), above(0), name="deviation")
"""
WEAK_RIVAL = """
@rival(PACK, "{name}", of=("positive",), source="Fig. 2", says="Weakly.", rule="By losses.",
       needs=lambda setting: setting.recipe)
def test_{name}(runs, judge):
    judge([1.2, 2.0, 2.5], above(0), name="effect")
"""
EACH = """
import pytest
@rival(PACK, "each", of=("positive", "negative"), source="Fig. 2", says="It is.", rule="By losses.",
       needs=lambda setting: setting.recipe)
@pytest.mark.parametrize("of", ["positive", "negative"])
@pytest.mark.parametrize("level", ["low", "high"])
def test_each(runs, judge, of, level):
    judge(runs.train_loss()[:, -1], below(0), name=of)
"""


def chosen(outcome):
    return [name.removesuffix("[tiny-digits]") for name in outcome.verdicts]


# Outcomes


def test_a_refuted_rival_speaks_for_the_paper(repository):
    outcome = repository.audit(SUPPORTED, RIVAL)
    assert outcome.status == 0
    assert "1 supported, 1 refuted" in outcome.text
    assert "against the paper" not in outcome.text
    claim, rival = outcome.audit.entries
    assert (claim.role, claim.threatens) == ("claim", ())
    assert (rival.role, rival.threatens) == ("rival", ("other2024/positive",))
    assert (rival.outcome, rival.claim) == ("REFUTED", "other2024/chance")


def test_a_rival_that_stands_is_told_with_its_numbers_and_the_claims_that_fall_with_it(repository):
    outcome = repository.audit(STANDING_RIVAL)
    assert outcome.status == 0
    assert "= against the paper =" in outcome.text
    assert "SUPPORTED other2024/drift[tiny-digits]: It is drift." in outcome.text
    assert "a rival: while it stands, these do not: other2024/negative" in outcome.text
    assert "SUPPORTED: loss = " in outcome.text
    assert "nats, the rival allows above 0" in outcome.text
    assert "def test_drift" not in outcome.text
    assert "Traceback" not in outcome.text


def test_an_undecided_rival_neither_passes_nor_fails(repository):
    outcome = repository.audit(UNDECIDED_RIVAL)
    assert outcome.status == 0
    assert "1 inconclusive" in outcome.text
    outcome = repository.run("--fail-on-inconclusive")
    assert outcome.status == 1
    told = "other2024/doubt[tiny-digits] is INCONCLUSIVE, which --fail-on-inconclusive fails"
    assert told in outcome.text


def test_claims_and_rivals_are_told_and_counted_apart(repository):
    outcome = repository.audit(SUPPORTED, REFUTED, INCONCLUSIVE, RIVAL, STANDING_RIVAL)
    told = outcome.text.split("= verdicts =")[1]
    claims, counts, rivals, rival_counts = told.split("\n\n")[:4]
    assert [line.split()[2].split("[")[0] for line in claims.splitlines()[1:]] == [
        "other2024/positive", "other2024/negative", "other2024/spread",
    ]  # fmt: skip
    assert counts == "1 SUPPORTED, 1 REFUTED, 1 INCONCLUSIVE"
    assert rivals.splitlines()[0] == "other explanations, SUPPORTED where they stand:"
    assert [line.split()[2].split("[")[0] for line in rivals.splitlines()[1:]] == [
        "other2024/chance", "other2024/drift",
    ]  # fmt: skip
    assert rival_counts.startswith("1 REFUTED, 1 SUPPORTED\n")


def test_rivals_are_corrected_among_themselves(repository):
    # 0.02 stands alone, and not beside another rival; claims do not count.
    one = repository.audit(SUPPORTED, INCONCLUSIVE, WEAK_RIVAL.format(name="weak"))
    assert one.verdicts["weak[tiny-digits]"] == "SUPPORTED"
    assert (one.family.claims, one.family.rivals) == (2, 1)
    two = repository.audit(*(WEAK_RIVAL.format(name=name) for name in ("weak", "frail")))
    assert set(two.verdicts.values()) == {"INCONCLUSIVE"}


@pytest.mark.parametrize(("allowed", "status"), [("SUPPORTED", 0), ("REFUTED", 1)])
def test_rivals_are_among_the_expected_verdicts(repository, allowed, status):
    repository.write(STANDING_RIVAL)
    expected = repository.pytester.path / "expected.json"
    expected.write_text(json.dumps({"other2024/drift[tiny-digits]": [allowed]}))
    outcome = repository.run("--expect", expected)
    assert outcome.status == status
    drifted = "other2024/drift[tiny-digits] is SUPPORTED, expected REFUTED"
    assert (drifted in outcome.text) == (status == 1)


def test_a_rival_that_nobody_expected_is_drift(repository):
    repository.write(RIVAL)
    expected = repository.pytester.path / "expected.json"
    expected.write_text("{}")
    outcome = repository.run("--expect", expected)
    assert outcome.status == 1
    assert "other2024/chance[tiny-digits] is not among the expected verdicts" in outcome.text


def test_a_rival_needs_no_control_and_is_read_in_the_standard_way(repository):
    repository.write(SUPPORTED, RIVAL)
    outcome = repository.run("--protocol", "all")
    assert [each.protocol for each in outcome.audit.entries] == ["standard", "standard"]
    assert outcome.status == 0


# Selection


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("positive", ["positive", "chance"]),
        ("negative", ["negative", "drift"]),
        ("spread", ["spread"]),
        ("chance", ["chance"]),
        ("fig1", ["positive", "negative", "spread", "chance", "drift"]),
        ("fig2", ["chance", "drift"]),
        ("positive,drift", ["positive", "chance", "drift"]),
    ],
)
def test_a_claim_brings_the_rivals_that_threaten_it_and_a_rival_brings_no_claim(
    repository, pattern, names
):
    repository.write(SUPPORTED, REFUTED, INCONCLUSIVE, RIVAL, STANDING_RIVAL)
    assert chosen(repository.run("--claim", pattern)) == names


def test_the_parameter_of_brings_the_cases_that_threaten_the_claim(repository):
    repository.write(SUPPORTED, REFUTED, EACH)
    outcome = repository.run("--claim", "negative")
    rivals = [each for each in outcome.audit.entries if each.role == "rival"]
    assert sorted((each.parameters["of"], each.parameters["level"]) for each in rivals) == [
        ("negative", "high"),
        ("negative", "low"),
    ]
    assert {each.threatens for each in rivals} == {("other2024/negative",)}
    everything = repository.run("--claim", "each").audit.entries
    assert sorted(each.threatens for each in everything) == [
        *[("other2024/negative",)] * 2,
        *[("other2024/positive",)] * 2,
    ]


def test_rivals_can_be_left_out(repository):
    repository.write(SUPPORTED, REFUTED, RIVAL, STANDING_RIVAL)
    outcome = repository.run("--no-rivals")
    assert chosen(outcome) == ["positive", "negative"]
    assert outcome.status == 0
    assert "2 deselected" in outcome.text
    assert "other explanations" not in outcome.text
    assert outcome.family.rivals == 2  # they keep their share of their own error rate
    assert chosen(repository.run("--no-rivals", "--claim", "positive")) == ["positive"]


def test_a_rival_that_was_left_out_is_no_claim_that_can_be_named(repository):
    repository.write(SUPPORTED, RIVAL)
    outcome = repository.run("--no-rivals", "--claim", "chance")
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert "--claim 'chance' names no claim" in outcome.text


def test_expected_rivals_that_were_left_out_are_not_missed(repository):
    repository.write(SUPPORTED, RIVAL)
    expected = repository.pytester.path / "expected.json"
    verdicts = {"positive": ["SUPPORTED"], "chance": ["REFUTED"]}
    keyed = {f"other2024/{name}[tiny-digits]": each for name, each in verdicts.items()}
    expected.write_text(json.dumps(keyed))
    assert repository.run("--expect", expected).status == 0
    assert repository.run("--expect", expected, "--no-rivals").status == 0


def test_rivals_are_chosen_by_marks(repository):
    repository.write(SUPPORTED, RIVAL)
    assert chosen(repository.run("-m", 'tic_claim(role="rival")')) == ["chance"]


# The cost of the attack suite


def suite_line(outcome):
    (line,) = [each for each in outcome.text.splitlines() if each.startswith("attack suite")]
    return line


@pytest.mark.parametrize(
    ("arguments", "level", "images"),
    [
        ([], "quick", 3 * 360),
        (["--attack-size", "20"], "quick", 3 * 20),
        (["--attacks", "standard", "--seeds", "2"], "standard", 2 * 360),
        (["--attacks", "full", "--attack-size", "all"], "full", 3 * 360),
    ],
    ids=str,
)
def test_the_plan_tells_what_the_suite_costs(repository, arguments, level, images):
    repository.write(SUPPORTED, REFUTED, RIVAL, STANDING_RIVAL)
    each = suite_passes(level)
    line = suite_line(repository.run("--plan", *arguments))
    assert line.startswith(
        f"attack suite              {2 if '--seeds' in arguments else 3} Runs, {images} images "
        f"in all, at most {each.gradients} gradients and {each.forwards} queries each: at most "
    )


def test_a_plan_without_attacks_says_nothing_of_them(repository):
    repository.write(SUPPORTED, REFUTED, RIVAL, STANDING_RIVAL)
    for arguments in (["--no-rivals"], ["--claim", "drift"]):
        assert "attack suite" not in repository.run("--plan", *arguments).text


def test_another_level_is_refused_with_those_that_there_are(repository):
    repository.write(RIVAL)
    outcome = repository.run("--attacks", "some")
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert "'some' (choose from" in outcome.text


MISSPELT = """
@rival(PACK, "misspelt", of=("positve",), source="Fig. 1", says="It is chance.", rule="By losses.",
       needs=lambda setting: setting.recipe)
def test_misspelt(runs, judge):
    judge(runs.train_loss()[:, -1], below(0), name="loss", unit="nats")
"""


def test_a_rival_of_a_claim_that_there_is_none_of_is_refused(repository):
    repository.write(SUPPORTED, MISSPELT)
    outcome = repository.run()
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    told = "the rival other2024/misspelt must be of claims of its paper, got other2024/positve; "
    assert f"{told}known: other2024/positive" in outcome.text


def test_a_rival_alone_in_a_file_that_was_chosen_is_looked_at(repository):
    repository.write(SUPPORTED, MISSPELT)
    (file,) = repository.pytester.path.glob("test_*.py")
    assert repository.run(file).status == 0
