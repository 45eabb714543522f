"""Audits that are held against the verdicts of a file."""

import json

import pytest

from fixtures.packs import INCONCLUSIVE, REFUTED, RIVAL, SUPPORTED

ALL = {
    "other2024/positive[tiny-digits]": ["SUPPORTED"],
    "other2024/negative[tiny-digits]": ["REFUTED"],
    "other2024/spread[tiny-digits]": ["INCONCLUSIVE", "SUPPORTED"],
}


@pytest.fixture
def expecting(repository):
    """Audit three claims against expectations."""

    def run(expected, *arguments):
        repository.write(SUPPORTED, REFUTED, INCONCLUSIVE)
        repository.pytester.path.joinpath("expected.json").write_text(json.dumps(expected))
        return repository.run("--expect", "expected.json", *arguments)

    return run


def test_every_verdict_that_is_allowed_passes(expecting):
    outcome = expecting(ALL)
    assert outcome.status == 0
    assert "1 supported, 1 refuted, 1 inconclusive" in outcome.text
    assert outcome.verdicts["negative[tiny-digits]"] == "REFUTED"


def test_a_verdict_that_drifted_fails_with_both(expecting):
    outcome = expecting(ALL | {"other2024/negative[tiny-digits]": ["SUPPORTED", "INCONCLUSIVE"]})
    assert outcome.status == 1
    assert "1 failed, 1 supported, 1 inconclusive" in outcome.text
    assert (
        "other2024/negative[tiny-digits] is REFUTED, expected INCONCLUSIVE or SUPPORTED"
        in outcome.text
    )


def test_an_entry_that_the_file_does_not_know_fails(expecting):
    expected = {key: value for key, value in ALL.items() if "spread" not in key}
    outcome = expecting(expected)
    assert outcome.status == 1
    told = "other2024/spread[tiny-digits] is not among the expected verdicts of expected.json"
    assert told in outcome.text


GONE = {"other2024/gone[tiny-digits]": ["SUPPORTED"]}


@pytest.mark.parametrize(
    "choice", [[], ["--no-rivals"], ["-k", "negative"]], ids=["all", "no rivals", "one"]
)
def test_an_expected_entry_that_no_claim_has_fails_whatever_was_chosen(expecting, choice):
    outcome = expecting(ALL | GONE, *choice)
    assert outcome.status == 1
    told = "other2024/gone[tiny-digits] is expected by expected.json and was not collected"
    assert told in outcome.text


@pytest.mark.parametrize(
    "choice",
    [["--claim", "positive"], ["-k", "negative"], ["-m", 'tic_claim(name="spread")']],
    ids=["--claim", "-k", "-m"],
)
def test_a_part_of_the_claims_need_not_bring_all_that_is_expected(expecting, choice):
    assert expecting(ALL, *choice).status == 0


@pytest.mark.parametrize("chosen", ["test_pack.py", "test_pack.py::test_positive"])
def test_a_file_or_a_test_need_not_bring_what_is_expected_of_others(expecting, chosen):
    assert expecting(ALL | GONE, chosen).status == 0


def test_rivals_that_are_left_out_are_not_gone(repository):
    repository.write(SUPPORTED, RIVAL)
    expected = {f"other2024/{name}[tiny-digits]": ["SUPPORTED"] for name in ("positive", "chance")}
    repository.pytester.path.joinpath("expected.json").write_text(json.dumps(expected))
    assert repository.run("--expect", "expected.json", "--no-rivals").status == 0


def test_where_verdicts_departed_the_command_is_told_that_writes_the_file(expecting, repository):
    drifted = ALL | {"other2024/negative[tiny-digits]": ["SUPPORTED"]}
    outcome = expecting(drifted)
    command = f"tic expected {outcome.folder}/audit.json > expected.json"
    assert f"where what this audit says is right: {command}\n" in outcome.text
    part = expecting(drifted, "-k", "negative").text
    assert "right: change expected.json, which has other claims, too\n" in part
    assert "tic expected" not in expecting(ALL).text + part


def test_what_may_be_not_run_need_not_run(repository):
    repository.write(SUPPORTED)
    name = "other2024/positive[tiny-svhn]"
    for allowed, status in ((["NOT_RUN"], 0), (["SUPPORTED"], 1)):
        repository.pytester.path.joinpath("expected.json").write_text(json.dumps({name: allowed}))
        outcome = repository.run("--dataset", "svhn", "--expect", "expected.json")
        assert (outcome.status, outcome.entry.outcome) == (status, "NOT_RUN")


@pytest.mark.parametrize(("allowed", "status"), [("SUPPORTED", 1), ("INCONCLUSIVE", 0)])
def test_what_counts_is_what_the_correction_over_all_claims_left(repository, allowed, status):
    repository.write(
        """
@says("weak")
def test_weak(runs, judge):
    judge([1.2, 2.0, 2.5], above(0), name="effect")
""",
        INCONCLUSIVE,
    )
    expected = {"other2024/weak[tiny-digits]": [allowed], **ALL}
    del expected["other2024/positive[tiny-digits]"], expected["other2024/negative[tiny-digits]"]
    repository.pytester.path.joinpath("expected.json").write_text(json.dumps(expected))
    outcome = repository.run("--expect", "expected.json")
    counted = "1 failed, 1 inconclusive" if status else "2 inconclusive"
    assert counted in outcome.text
    assert outcome.verdicts["weak[tiny-digits]"] == "INCONCLUSIVE"
    assert outcome.status == status
    drifted = "other2024/weak[tiny-digits] is INCONCLUSIVE, expected SUPPORTED"
    assert (drifted in outcome.text) == (status == 1)


def test_support_that_stands_after_the_correction_is_drift_where_it_is_not_allowed(expecting):
    outcome = expecting(ALL | {"other2024/positive[tiny-digits]": ["INCONCLUSIVE"]})
    assert "1 failed, 1 refuted, 1 inconclusive" in outcome.text
    assert "positive[tiny-digits] is SUPPORTED, expected INCONCLUSIVE" in outcome.text
    assert outcome.status == 1


def test_an_expected_error_passes(repository):
    repository.write('\n@says("idle")\ndef test_idle(runs, judge):\n    pass\n')
    expected = {"other2024/idle[tiny-digits]": ["ERROR"]}
    repository.pytester.path.joinpath("expected.json").write_text(json.dumps(expected))
    assert repository.run("--expect", "expected.json").status == 0
