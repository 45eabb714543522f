"""What the author of a claim may draw, and what is said where it does not fit together."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tic.audit import Bars, HeatMap, Histogram, Images, Panel
from tic.audit.exhibits import Exhibits, curves
from tic.document.figures import MOST_CELLS, MOST_PIXEL_VALUES, Figure

MAP = {
    "title": "Blocks", "x_label": "t", "y_label": "block", "scale_label": "share",
    "columns": (1.0, 2.0), "rows": ("a", "b", "c"),
    "values": (((1, 2), (3, None), (5, 6)), ((2, 4), (3, None), (5, 7))),
}  # fmt: skip
BARS = {
    "title": "Gain", "scale_label": "accuracy (pp)", "groups": ("digits", "svhn"),
    "bars": ("low", "high"), "values": (((1, 2), (3, None)),),
    "reported": ((1.5, None), (None, 4)),
}  # fmt: skip
HISTOGRAM = {
    "title": "Delays", "x_label": "ms", "edges": (0, 1, 3), "series": ("before", "after"),
    "counts": ((3, 1), (0, 4)),
}  # fmt: skip
IMAGES = {
    "title": "Inputs", "scale_label": "grey", "names": ("a", "b"),
    "images": (((0.0, 1.0), (1.0, 0.5)), (((1, 0, 0), (0, 0, 1)),)),
}  # fmt: skip
PANEL = {"title": "Course", "x_label": "t", "y_label": "I", "series": ()}
PARTS = {Panel: PANEL, HeatMap: MAP, Bars: BARS, Histogram: HISTOGRAM, Images: IMAGES}


def refusal(kind, **changes):
    with pytest.raises(ValidationError) as refused:
        kind.model_validate({**PARTS[kind], **changes})
    (error,) = refused.value.errors()
    return error["msg"].removeprefix("Value error, ")


def test_a_panel_has_a_linear_axis_unless_told_otherwise():
    assert Panel.model_validate(PANEL).log_y is False


def test_a_figure_keeps_its_parts_apart_through_json():
    parts = tuple(kind.model_validate(fields) for kind, fields in PARTS.items())
    figure = Figure(title="f", caption="c", panels=parts)
    again = Figure.model_validate_json(figure.model_dump_json())
    assert again == figure
    assert [type(part) for part in again.panels] == list(PARTS)
    kinds = [part["kind"] for part in figure.model_dump()["panels"]]
    assert kinds == ["curves", "heat_map", "bars", "histogram", "images"]


def test_what_a_claim_draws_is_kept_to_six_digits_and_its_axes_and_counts_as_they_are():
    exhibits = Exhibits()
    third, axis = 1 / 3, (1 / 3, 2 / 3)
    course = curves("I", axis, [[third, 123456.789], [-third * 1e-9, 0]], marker=third)
    exhibits.figure(
        "f",
        "c",
        Panel(title="Course", x_label="t", y_label="I", series=(course,)),
        HeatMap(**{**MAP, "columns": axis, "values": (((third, None), (2, 3), (4, 5)),)}),
        Bars(**{**BARS, "values": (((third, 2 * third), (3, None)),), "reported": (axis, axis)}),
        Histogram(**{**HISTOGRAM, "edges": (0, 1 / 3, 3), "counts": ((1234567, 1), (0, 4))}),
    )
    (figure,) = exhibits.figures
    panel, heat_map, bars, histogram = figure.panels
    (series,) = panel.series
    assert series.values == ((0.333333, 123457), (-3.33333e-10, 0))
    assert (series.x, series.marker) == (axis, third)
    assert (heat_map.values, heat_map.columns) == ((((0.333333, None), (2, 3), (4, 5)),), axis)
    assert (bars.values, bars.reported) == ((((0.333333, 0.666667), (3, None)),), (axis, axis))
    assert (histogram.edges[1], histogram.counts[0][0]) == (1 / 3, 1234567)


def test_parts_count_the_numbers_that_they_show():
    sizes = [kind.model_validate(fields).size for kind, fields in PARTS.items()]
    assert sizes == [0, 10, 3, 4, 10]
    parts = tuple(kind.model_validate(fields) for kind, fields in PARTS.items())
    assert Figure(title="", caption="", panels=parts).size == 27


@pytest.mark.parametrize(
    ("values", "lengths"),
    [
        (((1, 2), (3, 4)), "[2, 2]"),
        (((1, 2), (3,), (5, 6)), "[2, 1, 2]"),
        (((1, 2, 0), (3, 4, 0), (5, 6, 0)), "[3, 3, 3]"),
        ((), "[]"),
    ],
)
def test_every_seed_of_a_heat_map_has_a_value_for_every_cell(values, lengths):
    said = refusal(HeatMap, values=(MAP["values"][0], values))
    assert said.startswith(
        f"Blocks: values of seed 2 of 2 must be 3 rows of 2, got rows of lengths {lengths}; "
    )


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (HeatMap, {"values": ()}, "Blocks: values must have at least one seed, got none"),
        (HeatMap, {"rows": ("a", "", "c")}, "Blocks: rows must have names, got an empty one"),
        (HeatMap, {"rows": ("a", "b", "a")}, "rows must have names of their own, got 'a' 2 times"),
        (HeatMap, {"span": (2, 1)}, "Blocks: span must rise, got 2 to 1"),
        (
            HeatMap,
            {"span": (0, 1), "centre": 0.5},
            "Blocks: the scale must have a centre or a span, got centre 0.5 and span 0 to 1",
        ),
        (HeatMap, {"colour": "red"}, "Blocks: colour is no field of HeatMap; known: title, "),
        (Bars, {"groups": ("digits", "digits")}, "Gain: groups must have names of their own"),
        (Bars, {"bars": ("low",)}, "Gain: values of seed 1 of 1 must be 2 rows of 1, got rows"),
        (Bars, {"reported": ((1, 2),)}, "Gain: reported must be 2 rows of 2, got rows of lengths"),
        (
            Bars,
            {"values": (((1, 2), (3, 4)), ((1, 2),))},
            "Gain: values of seed 2 of 2 must be 2 rows of 2, got rows of lengths [2]",
        ),
        (Histogram, {"edges": (0,)}, "Delays: edges must be at least 2"),
        (Histogram, {"edges": (0, 2, 2)}, "Delays: edges must rise, got 2 before 2; sort them"),
        (Histogram, {"counts": ((1, 2, 3), (1, 2, 3))}, "Delays: counts must be 2 rows of 2, got"),
        (
            Histogram,
            {"counts": ((1, -1), (0, 1))},
            "Delays: counts[0][1] must be greater than or equal to 0, got -1",
        ),
        (Histogram, {"counts": ((1, 0.5), (0, 1))}, "Delays: counts[0][1] must be a valid integer"),
        (Images, {"names": ("a",)}, "Inputs: every image must have a name, got 1 names of 2"),
        (Images, {"low": 1.0}, "Inputs: low must be below high, got 1 and 1"),
        (
            Images,
            {"images": (((1, 2), (3,)), ((1,),))},
            "Inputs: a must have rows of one length, at least 1, got rows of lengths [2, 1]",
        ),
        (Images, {"images": ((), ((1,),))}, "Inputs: a must have rows of one length"),
        (
            Panel,
            {"title": ""} | {"series": 3},
            "untitled Panel: series must be a valid tuple, got 3",
        ),
    ],
)
def test_what_does_not_fit_together_is_said_with_the_title(kind, changes, said):
    assert said in refusal(kind, **changes)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("kind", "field", "with_value", "place"),
    [
        (HeatMap, "values", lambda v: (((1, 2), (3, v), (5, 6)),), "Blocks: values[0][1][1]"),
        (HeatMap, "centre", lambda v: v, "Blocks: centre"),
        (Bars, "values", lambda v: (((v, 1), (2, 3)),), "Gain: values[0][0][0]"),
        (Bars, "reported", lambda v: ((1, 2), (3, v)), "Gain: reported[1][1]"),
        (Histogram, "edges", lambda v: (0, 1, v), "Delays: edges[2]"),
        (Images, "images", lambda v: (((0, v),), ((1,),)), "Inputs: images[0][0][1]"),
    ],
)
def test_numbers_are_finite(value, kind, field, with_value, place):
    said = refusal(kind, **{field: with_value(value)})
    assert said.startswith(f"{place} must be a finite number, got {value!r}; ")
    missing = "a cell in which nothing was measured is None"
    assert (missing in said) == (kind in (HeatMap, Bars))


def test_a_heat_map_is_no_larger_than_a_page_can_show():
    count = MOST_CELLS // 100 + 1
    fields = {"rows": tuple(range(count)), "columns": tuple(range(100))}
    said = refusal(HeatMap, **fields, values=(((0.0,) * 100,) * count,))
    assert said == (
        "Blocks: a heat map must have at most 10000 cells, got 101 rows of 100, which are 10100; "
        "show a part, or means over neighbours"
    )
    fields = {"rows": tuple(range(count - 1)), "columns": tuple(range(100))}
    HeatMap.model_validate({**MAP, **fields, "values": (((0.0,) * 100,) * (count - 1),)})


def test_images_are_no_larger_than_a_page_can_hold():
    most = ((0.5,) * (MOST_PIXEL_VALUES // 2),) * 2
    Images.model_validate({**IMAGES, "names": ("a",), "images": (most,)})
    said = refusal(Images, images=(most, ((0.5,),)))
    assert said == (
        "Inputs: all images together must have at most 32768 pixel values, got 32769; "
        "show fewer images, or smaller ones"
    )


def test_cells_are_measured_by_the_seeds_that_have_a_number():
    shown = HeatMap.model_validate(MAP | {"values": (((1, None),) * 3, ((2, None),) * 3)})
    assert shown.measured(0, 0) == (1, 2)
    assert shown.measured(0, 1) == ()


def test_axes_have_names_or_numbers():
    shown = HeatMap.model_validate(MAP | {"rows": (1, 2, 3), "columns": ("1", "b")})
    assert (shown.rows, shown.columns) == ((1.0, 2.0, 3.0), ("1", "b"))
    again = HeatMap.model_validate_json(shown.model_dump_json())
    assert (again.rows, again.columns) == (shown.rows, shown.columns)


@given(counts=st.lists(st.integers(0, 2**53), min_size=1, max_size=6), shares=st.booleans())
def test_shares_of_a_histogram_add_up_to_one(counts, shares):
    fields = {
        "edges": range(len(counts) + 1), "series": ("a",), "counts": (counts,), "shares": shares,
    }  # fmt: skip
    heights = Histogram.model_validate({**HISTOGRAM, **fields}).heights(0)
    if not shares:
        assert heights == tuple(map(float, counts))
    elif any(counts):
        assert sum(heights) == pytest.approx(1)
    else:
        assert set(heights) == {0.0}
