import pytest

from tic.document.evidence import WorstCase
from tic.report.findings.worst_cases import gap, worst_case_row
from tic.stats.judge import Outcome


def case(**changes: object) -> WorstCase:
    fields: dict[str, object] = {
        "figure": "accuracy under PGD",
        "reported": 74.63,
        "attacked": (70.0, 80.0),
        "worst": (10.0, 11.0),
        "outcome": Outcome.SUPPORTED,
    }
    return WorstCase.model_validate(fields | changes)


def test_the_papers_number_its_attack_and_the_worst_case_stand_side_by_side():
    row = worst_case_row(case())
    assert (row.figure, row.reported, row.gap) == ("accuracy under PGD", "74.63", "64.5")
    assert (row.attacked.mean, row.attacked.spread) == ("75.0", "70.0 to 80.0")
    assert (row.worst.mean, row.worst.spread) == ("10.5", "10.0 to 11.0")


def test_what_was_not_measured_or_reported_is_told():
    row = worst_case_row(case(reported=None, worst=()))
    assert (row.reported, row.worst.mean, row.gap) == ("–", "not measured", "–")
    assert gap(case(attacked=())) is None


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome.REFUTED, "SURVIVES"),
        (Outcome.SUPPORTED, "DOES NOT SURVIVE"),
        (Outcome.INCONCLUSIVE, "OPEN"),
        (Outcome.ERROR, "OPEN"),
    ],
)
def test_a_figure_survives_where_the_attack_does_not_overstate(outcome, word):
    assert worst_case_row(case(outcome=outcome)).badge.word == word
