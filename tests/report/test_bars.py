from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.document.figures import Bars, Figure
from tic.report.drawing import bars, figures

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def some_bars(**changes: object) -> Bars:
    fields: dict[str, object] = {
        "title": "Gain",
        "scale_label": "accuracy (pp)",
        "groups": ("digits",),
        "bars": ("low", "high"),
        "values": (((8.0, -2.0),), ((4.0, -4.0),)),
        "reported": ((10.0, None),),
    }
    return Bars.model_validate(fields | changes)


def drawing_of(**changes: object) -> figures.Drawing:
    figure = Figure(title="F", caption="", panels=(some_bars(**changes),))
    (drawing,) = figures.figure_drawings(figure, "f")
    return drawing


def elements(markup: str, tag: str, kind: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(markup)
    return [e for e in root.iter(tag) if kind in e.get("class", "").split()]


def at(element: ElementTree.Element, *names: str) -> tuple[float, ...]:
    return tuple(float(element.get(name, "nan")) for name in names)


def test_bars_reach_from_zero_to_the_mean_over_the_seeds():
    # With an inset of 4, -5 to 10 lies on 40 to 280: 16 for one point, and zero on 120.
    drawn = bars.draw(some_bars(), (-5.0, 10.0), (36.0, 284.0), "b")
    low, high = elements(drawn, "rect", "bar")
    assert at(low, "x", "y", "width", "height") == (120.0, 41.0, 96.0, 18.0)
    assert at(high, "x", "y", "width", "height") == (72.0, 65.0, 48.0, 18.0)


def test_seeds_are_dots_and_what_the_paper_reports_is_an_upright_mark():
    drawn = bars.draw(some_bars(), (-5.0, 10.0), (36.0, 284.0), "b")
    dots = elements(drawn, "circle", "seed")
    assert [at(dot, "cx", "cy") for dot in dots] == [
        (184.0, 55.0), (248.0, 55.0), (56.0, 79.0), (88.0, 79.0),
    ]  # fmt: skip
    assert dots[0].findtext("title") == "low: 4.00"
    (mark,) = elements(drawn, "line", "reported")
    assert at(mark, "x1", "x2", "y1", "y2") == (280.0, 280.0, 39.0, 61.0)


def test_names_groups_and_means_are_written():
    texts = [e.text for e in ElementTree.fromstring(drawing_of().image).iter("text")]
    assert {"accuracy (pp)", "digits", "low", "high", "6.00", "−3.00"} <= set(texts)


def test_a_bar_tells_its_group_name_mean_range_and_what_the_paper_says():
    low, high = elements(drawing_of().image, "rect", "bar")
    assert low.findtext("title") == "digits, low: 6.00 (4.00 to 8.00); the paper's 10.0"
    assert high.findtext("title") == "digits, high: −3.00 (−4.00 to −2.00)"


def test_the_description_tells_every_bar():
    assert ElementTree.fromstring(drawing_of().image).findtext("desc") == (
        "accuracy (pp); mean over 2 seeds with their range, by group and bar. "
        "digits, low: 6.00 (4.00 to 8.00); the paper's 10.0. "
        "digits, high: −3.00 (−4.00 to −2.00)."
    )


def test_what_was_not_measured_has_a_dash_and_no_bar():
    drawing = drawing_of(values=(((8.0, None),), ((4.0, None),)))
    assert len(elements(drawing.image, "rect", "bar")) == 1
    assert "–" in [e.text for e in ElementTree.fromstring(drawing.image).iter("text")]
    assert drawing.remark == "1 bar not measured (–)."
    assert drawing_of().remark == ""


def test_a_bar_keeps_its_colour_in_every_group():
    drawing = drawing_of(groups=("a", "b"), values=(((1, 2), (3, 4)),), reported=None)
    kinds = [e.get("class") for e in elements(drawing.image, "rect", "bar")]
    assert kinds == ["bar s1", "bar s2", "bar s1", "bar s2"]


@pytest.mark.parametrize(
    ("values", "span"),
    [
        (((0.0, 100.0),), (0.0, 106.0)),
        (((-100.0, 0.0),), (-106.0, 0.0)),
        (((-100.0, 100.0),), (-112.0, 112.0)),
        (((0.0, 0.0),), (0.0, 1.0)),
        (((None, None),), (0.0, 1.0)),
    ],
)
def test_an_axis_has_zero_and_no_more_beyond_it_than_is_needed(values, span):
    assert bars.span_of(some_bars(values=(values,), reported=None)) == pytest.approx(span)


def test_bars_of_one_quantity_share_their_axis():
    small = some_bars(values=(((8.0, -2.0),),), reported=None)
    large = some_bars(values=(((10.0, -2.0),),), reported=None)
    one, other = (
        figures.figure_drawings(Figure(title="F", caption="", panels=panels), "f")
        for panels in ((small, large), (small, large.model_copy(update={"scale_label": "%"})))
    )
    ends = [[e.get("width") for e in elements(d.image, "rect", "bar")] for d in (*one, *other)]
    assert ends[0][1] == ends[1][1]
    assert ends[2][1] != ends[3][1]


def test_the_caption_says_what_bars_dots_and_marks_are():
    figure = Figure(title="F", caption="", panels=(some_bars(),))
    assert figures.reading(figure) == (
        "Bars: mean over the seeds; dots: one per seed; upright marks: the paper's numbers."
    )


def test_the_numbers_are_a_table_by_group_with_the_papers():
    numbers = drawing_of().numbers
    assert numbers is not None
    assert numbers.table.columns == ("accuracy (pp)", "paper")
    ((group, rows),) = numbers.groups
    assert group == "digits"
    assert [(row.name, *(cell.mean for cell in row.cells)) for row in rows] == [
        ("low", "6.0", "10.0"), ("high", "−3.0", "–"),
    ]  # fmt: skip


@given(values=st.lists(st.tuples(st.none() | FINITE, FINITE), min_size=1, max_size=4))
def test_all_finite_bars_stay_on_their_drawing(values):
    image = drawing_of(values=[[seed] for seed in values], reported=((None, 1e308),)).image
    assert "nan" not in image
    for bar in elements(image, "rect", "bar"):
        x, width = at(bar, "x", "width")
        assert 0 <= x <= x + width <= bars.WIDTH
