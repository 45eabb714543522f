from itertools import pairwise
from typing import get_args
from xml.etree import ElementTree

import pytest
from hypothesis import example as case
from hypothesis import given
from hypothesis import strategies as st

from tic.document.figures import Figure, FigurePart, Panel, Series
from tic.report.drawing import curves, figures, panel
from tic.report.drawing.panel import Axes

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def one_panel(*series: Series, **changes: object) -> Panel:
    fields: dict[str, object] = {
        "title": "Epoch 1",
        "x_label": "timestep t",
        "y_label": "information",
        "series": series,
    }
    return Panel.model_validate(fields | changes)


def series(name: str = "information", **changes: object) -> Series:
    fields: dict[str, object] = {"name": name, "x": (0.0, 5.0, 10.0), "values": ((0, 50, 100),)}
    return Series.model_validate(fields | changes)


def paths(markup: str, kind: str) -> list[str]:
    elements = ElementTree.fromstring(markup).iter()
    return [e.get("d", "") for e in elements if kind in e.get("class", "").split()]


def texts(markup: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(markup).iter("text")]


def drawings(*panels: Panel) -> tuple[figures.Drawing, ...]:
    return figures.figure_drawings(Figure(title="F", caption="", panels=panels), "f")


def test_curves_pass_through_their_values():
    # x: 0 to 10 on 46 to 306; y: 0 to 100 on 182 up to 24.
    drawn = panel.draw(one_panel(series()), Axes((0, 10), (0, 100), False), 40.0, "p")
    assert paths(drawn, "mean") == ["M46 182L176 103L306 24"]


def test_a_log_axis_gives_every_decade_the_same_room():
    curve = series(values=((1.0, 10.0, 100.0),))
    drawn = panel.draw(one_panel(curve), Axes((0, 10), (1, 100), True), 40.0, "p")
    assert paths(drawn, "mean") == ["M46 182L176 103L306 24"]
    assert "information (log scale)" in texts(drawn)


def test_the_mean_is_drawn_over_one_thin_curve_per_seed():
    curve = series(values=((0, 0, 0), (100, 100, 100)))
    drawn = panel.draw(one_panel(curve), Axes((0, 10), (0, 100), False), 40.0, "p")
    assert paths(drawn, "thin") == ["M46 182L176 182L306 182", "M46 24L176 24L306 24"]
    assert paths(drawn, "mean") == ["M46 103L176 103L306 103"]


def test_many_seeds_become_a_band():
    curve = series(values=tuple((float(k), float(k), float(k)) for k in range(20)))
    (drawing,) = drawings(one_panel(curve))
    assert len(paths(drawing.image, "band")) == 1
    assert not paths(drawing.image, "thin")


def test_a_seed_that_stopped_early_counts_as_far_as_it_came():
    curve = series(values=((0, 10, 20), (10,)))
    assert curves.mean_curve(curve) == ((0.0, 5.0), (5.0, 10.0), (10.0, 20.0))


def test_markers_are_dotted_lines_with_their_value():
    marked = one_panel(series(marker=5.0))
    drawn = panel.draw(marked, Axes((0, 10), (0, 100), False), 40.0, "p")
    (line,) = [
        e for e in ElementTree.fromstring(drawn).iter("line") if "marker" in e.get("class", "")
    ]
    assert (line.get("x1"), line.get("x2")) == ("176", "176")
    assert "5.00" in texts(drawn)


def test_values_of_markers_that_would_touch_stand_in_two_rows():
    close = [series(name, marker=m) for name, m in (("a", 5.0), ("b", 5.1), ("c", 9.0))]
    (drawing,) = drawings(one_panel(*close))
    heights = {
        e.text: e.get("y")
        for e in ElementTree.fromstring(drawing.image).iter("text")
        if e.text in ("5.00", "5.10", "9.00")
    }
    assert heights["5.00"] == heights["9.00"] != heights["5.10"]


def test_short_names_stand_beside_their_curves_without_touching():
    close = [series(f"T = {k}", values=((0, 50, 100 + 0.1 * k),)) for k in range(4)]
    (drawing,) = drawings(one_panel(*close))
    heights = sorted(
        float(e.get("y", "0"))
        for e in ElementTree.fromstring(drawing.image).iter("text")
        if (e.text or "").startswith("T = ")
    )
    assert len(heights) == 4
    gaps = [b - a for a, b in pairwise(heights)]
    assert min(gaps) >= curves.LABEL_GAP - 0.11
    assert not drawing.legend


def test_long_names_go_to_a_legend():
    named = [series(f"a rather long name of a curve {k}") for k in range(2)]
    (drawing,) = drawings(one_panel(*named))
    assert [name for _, name in drawing.legend] == [one.name for one in named]


def test_curves_differ_in_more_than_colour():
    (drawing,) = drawings(one_panel(series("a"), series("b")))
    classes = [e.get("class", "") for e in ElementTree.fromstring(drawing.image).iter("path")]
    assert {"mean s1 d0", "mean s2 d1"} <= set(classes)


def test_a_curve_named_like_its_axis_is_not_named_again():
    (drawing,) = drawings(one_panel(series()))
    assert texts(drawing.image).count("information") == 1


def test_panels_of_one_quantity_share_their_axes():
    low, high = series(values=((0, 50, 60),)), series(values=((0, 50, 100),))
    one, other = drawings(one_panel(low), one_panel(high))
    assert paths(one.image, "mean")[0].split("L")[1] == paths(other.image, "mean")[0].split("L")[1]


def test_panels_of_very_different_size_keep_their_own_axes_and_the_page_says_so():
    tiny, huge = series(values=((0, 1, 2),)), series(values=((0, 500, 1000),))
    figure = Figure(title="F", caption="", panels=(one_panel(tiny), one_panel(huge)))
    assert figures.different_axes(figure)


@pytest.mark.parametrize(
    ("values", "remark"),
    [
        ((1.0, 0.0, -3.0), "2 values at or below zero cannot be drawn on a logarithmic axis."),
        ((0.0, -1.0, 0.0), "No value is above zero, so the axis is linear."),
        ((1.0, 2.0, 3.0), ""),
    ],
)
def test_a_log_axis_says_what_it_cannot_show(values, remark):
    (drawing,) = drawings(one_panel(series(values=(values,)), log_y=True))
    assert drawing.remark == remark


def test_a_panel_without_data_says_so():
    (drawing,) = drawings(one_panel(series(x=(), values=())))
    assert "no data" in texts(drawing.image)
    assert drawings() == ()


def test_timesteps_are_all_labelled():
    steps = tuple(float(t) for t in range(1, 11))
    (drawing,) = drawings(one_panel(series(x=steps, values=(steps,))))
    labels = texts(drawing.image)
    first = labels.index("1")
    assert labels[first : first + 10] == [str(t) for t in range(1, 11)]


def test_the_description_tells_the_course_of_every_curve():
    (drawing,) = drawings(one_panel(series(marker=5.0)))
    assert ElementTree.fromstring(drawing.image).findtext("desc") == (
        "information over timestep t. information: mean 0 at 0, 100 at 10 (1 seed, marker at 5.00)."
    )


def test_every_kind_of_part_has_one_renderer():
    assert set(figures.RENDERERS) == set(get_args(FigurePart))


def test_the_numbers_of_curves_are_a_table_by_x():
    short = series("short", x=(0.0, 5.0), values=((1, 2), (3,)))
    (drawing,) = drawings(one_panel(series(), short))
    assert drawing.numbers is not None
    assert drawing.numbers.table.columns == ("information", "short")
    ((_, rows),) = drawing.numbers.groups
    cells = [(row.name, *((cell.mean, cell.spread) for cell in row.cells)) for row in rows]
    assert cells == [
        ("timestep t 0", ("0", ""), ("2", "1 to 3")),
        ("timestep t 5", ("50", ""), ("2", "")),
        ("timestep t 10", ("100", ""), ("–", "")),
    ]


def test_names_are_moved_apart_within_the_axes():
    assert curves.apart([10, 11, 50], 12, 0, 100) == (10, 22, 50)
    assert curves.apart([99, 98], 12, 0, 100) == (100, 88)


@given(
    x=st.lists(FINITE, max_size=6),
    values=st.lists(st.lists(FINITE, max_size=6), max_size=3),
    marker=st.none() | FINITE,
    log=st.booleans(),
)
@case(x=[1.0, 2.0], values=[[3.0, 3.0]], marker=None, log=True)
@case(x=[0.0], values=[[0.0]], marker=0.0, log=True)
@case(x=[1e308, -1e308], values=[[1.7e308, -1.7e308]] * 2, marker=None, log=False)
@case(x=[1.0, 2.0], values=[[5e-324, 1e308]], marker=None, log=True)
def test_every_finite_figure_can_be_drawn(x, values, marker, log):
    curve = series(x=tuple(x), values=tuple(map(tuple, values)), marker=marker)
    for drawing in drawings(one_panel(curve, series("other"), log_y=log), one_panel(curve)):
        assert "nan" not in drawing.image
        assert "inf" not in drawing.image.replace("information", "")
        ElementTree.fromstring(drawing.image)
