import math

import pytest

from tests.audit.entries import contrast
from tic.document.evidence import RegionRecord
from tic.report import verdicts
from tic.stats.judge import Outcome


def test_every_outcome_has_a_symbol_and_a_word():
    assert set(verdicts.BADGES) == set(Outcome)
    assert [badge.symbol for badge in verdicts.BADGES.values()] == ["✓", "✗", "?", "–", "○", "!"]


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


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.05, None, "above 0.05"),
        (math.log(2), None, "above 0.6931"),
        (None, -1.0, "below -1"),
        (-1 / 15, 1 / 15, "within [-0.06667, 0.06667]"),
        (None, None, "anything"),
    ],
)
def test_what_a_claim_allows_is_printed_with_no_more_digits_than_are_read(low, high, text):
    allowed = contrast((0, 1, 2)).model_copy(
        update={"region": RegionRecord(low=low, high=high, text="anything")}
    )
    assert verdicts.region(allowed) == text
