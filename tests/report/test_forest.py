from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.document.evidence import Comparison, Contrast, RegionRecord
from tic.report.drawing import forest
from tic.stats.judge import Outcome

FINITE = st.floats(allow_nan=False, allow_infinity=False)
BOUND = st.none() | FINITE


def contrast(**changes: object) -> Contrast:
    fields: dict[str, object] = {
        "name": "fall of the centroid",
        "unit": "pp",
        "seeds": (0, 1, 2),
        "effects": (4.0, 5.0, 6.0),
        "region": RegionRecord(low=2.0, high=None, text="above 2"),
        "confidence": 0.95,
        "estimate": 5.0,
        "interval": (3.0, 7.0),
        "p_value": 0.01,
        "outcome": Outcome.SUPPORTED,
        "reason": "",
        "seeds_to_decide": None,
        "sensitivity": {
            "flip_confidence": None,
            "flips_to": None,
            "flip_margin": None,
            "without": (),
        },
    }
    return Contrast.model_validate(fields | changes)


def parts(markup: str, kind: str) -> list[dict[str, str]]:
    """Return the attributes of all elements of a class."""
    found = ElementTree.fromstring(markup).iter()
    return [dict(e.attrib) for e in found if kind in e.get("class", "").split()]


def test_positions_follow_the_axis():
    # 0 to 10 on 10 to 310: thirty units each.
    drawn = forest.contrast_strip(contrast(), (0.0, 10.0), "c")
    (region,) = parts(drawn, "region")
    assert (region["x"], region["width"]) == ("70", "240")
    assert [edge["x1"] for edge in parts(drawn, "edge")] == ["70"]
    bar, left, right = parts(drawn, "interval")
    assert (bar["x1"], bar["x2"]) == ("100", "220")
    assert (left["x1"], right["x1"]) == ("100", "220")
    assert parts(drawn, "estimate")[0]["d"] == "M160 25L165 30L160 35L155 30Z"
    assert [seed["cx"] for seed in parts(drawn, "seed")] == ["130", "160", "190"]


def test_a_region_with_two_bounds_ends_at_both():
    region = RegionRecord(low=-1.0, high=1.0, text="within [-1, 1]")
    drawn = forest.contrast_strip(contrast(region=region), (-5.0, 5.0), "c")
    assert [edge["x1"] for edge in parts(drawn, "edge")] == ["130", "190"]
    assert parts(drawn, "zero")[0]["x1"] == "160"


def test_without_an_interval_only_estimate_and_seeds_are_drawn():
    drawn = forest.contrast_strip(contrast(interval=None), (0.0, 10.0), "c")
    assert not parts(drawn, "interval")
    assert len(parts(drawn, "estimate")) == 1
    assert "no interval" in drawn


def test_points_that_would_cover_each_other_are_stacked():
    drawn = forest.contrast_strip(contrast(effects=(5.0, 5.0, 5.0)), (0.0, 10.0), "c")
    heights = [float(seed["cy"]) for seed in parts(drawn, "seed")]
    assert heights == [52.0, 46.5, 41.0]


def test_the_outcome_is_said_in_words_and_every_point_names_its_seed():
    drawn = forest.contrast_strip(contrast(), (0.0, 10.0), "c")
    root = ElementTree.fromstring(drawn)
    titles = [element.text for element in root.iter("title")]
    assert titles == ["fall of the centroid", "seed 0: 4.00", "seed 1: 5.00", "seed 2: 6.00"]
    description = root.findtext("desc")
    assert description == (
        "Estimate 5.00 pp, 95\u202f% interval from 3.00 to 7.00, 3 seeds; "
        "the claim allows above 2. Supported."
    )
    assert root.get("aria-labelledby") == "c-t c-d"


@pytest.mark.parametrize(
    ("effects", "interval", "counted"),
    [((4.0,), (4.0, 4.0), "1 value"), ((4.0, 6.0), (4.0, 6.0), "2 values")],
)
def test_exact_numbers_are_no_interval_of_seeds(effects, interval, counted):
    exact = contrast(
        seeds=(), effects=effects, estimate=5.0, interval=interval, confidence=0.9998, p_value=None
    )
    drawn = ElementTree.fromstring(forest.contrast_strip(exact, (0.0, 10.0), "c"))
    low, high = interval
    assert drawn.findtext("desc") == (
        f"Estimate 5.00 pp, exact, from {low:.2f} to {high:.2f}, {counted}; "
        "the claim allows above 2. Supported."
    )


def test_contrasts_of_one_unit_share_their_axis_while_all_stay_readable():
    alike = [contrast(), contrast(effects=(5.0, 6.0, 9.0), estimate=6.7, interval=(4.0, 9.4))]
    one, other = forest.contrast_strips(alike, "e")
    assert parts(one, "edge")[0]["x1"] == parts(other, "edge")[0]["x1"]
    far = contrast(effects=(400.0, 410.0, 420.0), estimate=410.0, interval=(395.0, 425.0))
    one, other = forest.contrast_strips([contrast(), far], "e")
    assert parts(one, "edge")[0]["x1"] != parts(other, "edge")[0]["x1"]


def test_zero_is_shown_unless_it_is_far_away():
    assert forest.strip_domain(contrast())[0] < 0
    near_one = contrast(
        effects=(0.97, 0.98, 0.99),
        estimate=0.98,
        interval=(0.96, 1.0),
        region=RegionRecord(low=0.95, high=None, text="above 0.95"),
    )
    assert forest.strip_domain(near_one)[0] > 0.9


def test_reported_and_measured_numbers_stand_on_one_axis():
    comparisons = [
        Comparison(quantity="a", place="Table 1", unit="%", reported=0.0, measured=(100.0,)),
        Comparison(quantity="b", place="Table 1", unit="%", reported=100.0, measured=()),
    ]
    one, other = forest.comparison_strips(comparisons, "t")
    # The axis is widened by 6 % on both sides: -6 to 106 on 5 to 145.
    assert parts(one, "reported")[0]["x1"] == "12.5"
    assert parts(one, "seed")[0]["cx"] == parts(other, "reported")[0]["x1"] == "137.5"
    assert "not measured" in other


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_can_be_drawn(outcome):
    assert forest.contrast_strips([contrast(outcome=outcome)], "e")


@given(
    effects=st.lists(FINITE, max_size=6),
    estimate=FINITE,
    interval=st.none() | st.tuples(FINITE, FINITE),
    low=BOUND,
    high=BOUND,
)
def test_every_finite_contrast_can_be_drawn(effects, estimate, interval, low, high):
    drawn = forest.contrast_strips(
        [
            contrast(
                seeds=tuple(range(len(effects))),
                effects=tuple(effects),
                estimate=estimate,
                interval=interval,
                region=RegionRecord(low=low, high=high, text="r"),
            ),
            contrast(),
        ],
        "e",
    )
    for strip in drawn:
        for element in parts(strip, "seed"):
            assert 0 <= float(element["cx"]) <= forest.WIDTH
