"""Audits that are held against the verdicts of a file."""

import json

import pytest

from fixtures.packs import INCONCLUSIVE, REFUTED, SUPPORTED

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
    assert "other2024/spread[tiny-digits] is not among the expected verdicts" in outcome.text


def test_an_expected_entry_that_was_not_collected_fails(expecting):
    outcome = expecting(ALL | {"other2024/gone[tiny-digits]": ["SUPPORTED"]})
    assert outcome.status == 1
    assert "other2024/gone[tiny-digits] is expected and was not collected" in outcome.text


def test_a_part_of_the_claims_need_not_bring_all_that_is_expected(expecting):
    assert expecting(ALL, "--claim", "positive").status == 0
    assert expecting(ALL, "-k", "negative").status == 0


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
