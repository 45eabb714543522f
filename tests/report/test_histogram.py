from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.document.figures import Figure, Histogram
from tic.report.drawing import figures, histogram


def some_histogram(**changes: object) -> Histogram:
    fields: dict[str, object] = {
        "title": "Delays",
        "x_label": "delay (ms)",
        "edges": (0.0, 5.0, 10.0),
        "series": ("before", "after"),
        "counts": ((10, 5), (0, 20)),
    }
    return Histogram.model_validate(fields | changes)


def drawing_of(**changes: object) -> figures.Drawing:
    figure = Figure(title="F", caption="", panels=(some_histogram(**changes),))
    (drawing,) = figures.figure_drawings(figure, "f")
    return drawing


def bins(markup: str) -> list[tuple[str, float, float, float, float]]:
    return [
        (e.get("class", ""), *(float(e.get(name, "")) for name in ("x", "y", "width", "height")))
        for e in ElementTree.fromstring(markup).iter("rect")
        if e.get("class", "").startswith("bin")
    ]


def paths(markup: str, kind: str) -> list[str]:
    root = ElementTree.fromstring(markup)
    return [e.get("d", "") for e in root.iter("path") if kind in e.get("class", "").split()]


def texts(markup: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(markup).iter("text")]


def test_series_stand_side_by_side_in_every_bin():
    # x: 0 to 10 on 48 to 308, so bins of 130, of which 15 % are free; y: 0 to 20 on 162 up to 24.
    drawn = histogram.draw(some_histogram(), (0.0, 20.0), 48.0, "h")
    assert bins(drawn) == [
        ("bin s1", 57.8, 93.0, 55.2, 69.0),
        ("bin s1", 187.8, 127.5, 55.2, 34.5),
        ("bin s2", 113.0, 162.0, 55.2, 0.0),
        ("bin s2", 243.0, 24.0, 55.2, 138.0),
    ]


def test_one_series_fills_its_bins():
    one = some_histogram(series=("before",), counts=((10, 5),))
    drawn = histogram.draw(one, (0.0, 20.0), 48.0, "h")
    assert [(x, width) for _, x, _, width, _ in bins(drawn)] == [(48.0, 130.0), (178.0, 130.0)]


def test_overlaid_series_are_outlines_that_differ_in_more_than_colour():
    drawn = histogram.draw(some_histogram(overlaid=True), (0.0, 20.0), 48.0, "h")
    before, after = paths(drawn, "mean")
    assert before == "M48 162L48 93L178 93L178 127.5L308 127.5L308 162"
    assert after == "M48 162L48 162L178 162L178 24L308 24L308 162"
    assert paths(drawn, "d0") == [before]
    assert paths(drawn, "d1") == [after]
    assert not bins(drawn)


def test_shares_are_parts_of_the_counts_of_a_series():
    drawing = drawing_of(shares=True)
    assert "share" in texts(drawing.image)
    assert "count" not in texts(drawing.image)
    titles = [e.findtext("title") for e in ElementTree.fromstring(drawing.image).iter("rect")]
    assert titles == [
        "before, 0 to 5: 0.667",
        "before, 5 to 10: 0.333",
        "after, 0 to 5: 0",
        "after, 5 to 10: 1.00",
    ]


def test_the_axis_begins_at_zero_and_has_room_above_the_highest():
    assert histogram.span_of(some_histogram()) == pytest.approx((0.0, 21.2))
    assert histogram.span_of(some_histogram(shares=True)) == pytest.approx((0.0, 1.06))
    assert histogram.span_of(some_histogram(counts=((0, 0), (0, 0)))) == (0.0, 1.0)


def test_histograms_of_one_quantity_share_their_axis():
    lower = some_histogram(counts=((10, 5), (0, 10)))
    figure = Figure(title="F", caption="", panels=(some_histogram(), lower))
    one, other = figures.figure_drawings(figure, "f")
    assert bins(one.image)[:2] == bins(other.image)[:2]


def test_the_legend_names_the_series_in_their_order():
    assert [name for _, name in drawing_of().legend] == ["before", "after"]
    assert drawing_of(series=("Delays",), counts=((1, 2),)).legend == ()


def test_the_description_tells_the_sum_and_the_fullest_bin():
    drawing = drawing_of(counts=((10, 5), (0, 0)))
    assert ElementTree.fromstring(drawing.image).findtext("desc") == (
        "count of delay (ms), 2 bins from 0 to 10. "
        "before: 15 in all, most from 0 to 5 (10.0). after: no counts."
    )
    assert drawing.remark == "1 of 2 series without counts."


def test_bins_of_different_width_are_told():
    remark = "Bins differ in width; heights are counts, not densities."
    assert drawing_of(edges=(0.0, 1.0, 10.0)).remark == remark
    assert drawing_of(edges=(-1.7e308, 0.0, 1.7e308)).remark == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            "Heights: counts, over all seeds; "
            "the series of a bin stand in the order of the legend.",
        ),
        (
            {"overlaid": True, "shares": True},
            "Heights: shares of the counts of a series, over all seeds.",
        ),
    ],
)
def test_the_caption_says_what_the_heights_are(changes, said):
    figure = Figure(title="F", caption="", panels=(some_histogram(**changes),))
    assert figures.reading(figure) == said


def test_the_numbers_are_a_table_by_bin():
    numbers = drawing_of().numbers
    assert numbers is not None
    assert numbers.table.columns == ("before", "after")
    ((_, rows),) = numbers.groups
    assert [(row.name, *(cell.mean for cell in row.cells)) for row in rows] == [
        ("delay (ms) 0 to 5", "10.0", "0.0"), ("delay (ms) 5 to 10", "5.0", "20.0"),
    ]  # fmt: skip


@given(
    edges=st.lists(
        st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=6, unique=True
    ),
    data=st.data(),
    overlaid=st.booleans(),
    shares=st.booleans(),
)
def test_every_histogram_stays_on_its_drawing(edges, data, overlaid, shares):
    size = len(edges) - 1
    row = st.lists(st.integers(0, 2**53), min_size=size, max_size=size)
    image = drawing_of(
        edges=sorted(edges),
        counts=(data.draw(row), data.draw(row)),
        overlaid=overlaid,
        shares=shares,
    ).image
    assert "nan" not in image
    assert len(bins(image)) == (0 if overlaid else 2 * size)
    for _, x, y, width, height in bins(image):
        assert -0.01 <= x <= x + width <= histogram.WIDTH
        assert 0 <= y <= y + height <= histogram.HEIGHT
