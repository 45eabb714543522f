from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import example as case
from hypothesis import given
from hypothesis import strategies as st

from tic.document.figures import Figure, HeatMap, Panel, Series
from tic.report.drawing import figures, svg
from tic.report.drawing.colours import ColourScale, colour_scales

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def heat_map(**changes: object) -> HeatMap:
    fields: dict[str, object] = {
        "title": "Information",
        "x_label": "timestep",
        "y_label": "layer",
        "scale_label": "I_t",
        "columns": (1.0, 2.0, 3.0),
        "rows": ("first", "second"),
        "values": (((0.0, 1.0, 2.0), (4.0, 3.0, 1.0)),),
    }
    return HeatMap.model_validate(fields | changes)


def curve_panel() -> Panel:
    series = Series(name="a", x=(1.0, 2.0), values=((1.0, 2.0),))
    return Panel(title="Curve", x_label="x", y_label="y", series=(series,))


def drawings(*panels: Panel | HeatMap) -> tuple[figures.Drawing, ...]:
    return figures.figure_drawings(Figure(title="F", caption="", panels=panels), "f")


def drawn(**changes: object) -> ElementTree.Element:
    (drawing,) = drawings(heat_map(**changes))
    return ElementTree.fromstring(drawing.image)


def cells(root: ElementTree.Element | str, kind: str = "heat") -> list[ElementTree.Element]:
    tree = ElementTree.fromstring(root) if isinstance(root, str) else root
    return [e for e in tree.iter("rect") if e.get("class") == kind]


def strengths(root: ElementTree.Element | str) -> list[float]:
    return [float(cell.get("fill-opacity", "nan")) for cell in cells(root)]


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter("text")]


def test_every_value_has_a_cell_as_strong_as_it_is_large():
    assert strengths(drawn()) == [0.0, 0.25, 0.5, 1.0, 0.75, 0.25]


def test_rows_go_down_and_columns_to_the_right_in_their_order():
    grid = [(float(c.get("y", "")), float(c.get("x", ""))) for c in cells(drawn())]
    assert grid == sorted(grid)
    assert len({y for y, _ in grid}) == 2
    assert len({x for _, x in grid}) == 3


def test_rows_have_names_and_columns_numbers_beside_their_cells():
    root = drawn(columns=(1.0, 2.5, 30.0))
    assert {"first", "second", "1", "2.5", "30", "timestep", "layer"} <= set(texts(root))
    labels = {e.text: e for e in root.iter("text")}
    lowest = cells(root)[3]
    middle = float(lowest.get("y", "")) + float(lowest.get("height", "")) / 2
    assert float(labels["second"].get("y", "")) == pytest.approx(middle + 4, abs=0.1)
    centre = float(lowest.get("x", "")) + float(lowest.get("width", "")) / 2
    assert float(labels["1"].get("x", "")) == pytest.approx(centre, abs=0.11)


def test_each_cell_tells_row_column_and_value():
    titles = [cell.findtext("title") for cell in cells(drawn())]
    assert titles[0] == "first, timestep 1: 0"
    assert titles[4] == "second, timestep 2: 3.00"


def test_maps_of_one_quantity_share_their_scale():
    small, large = heat_map(), heat_map(values=(((0.0, 1.0, 2.0), (8.0, 3.0, 1.0)),))
    one, curve, other = drawings(small, curve_panel(), large)
    assert curve.title == "Curve"
    assert max(strengths(one.image)) == 0.5
    assert strengths(other.image)[3] == 1.0
    for drawing in (one, other):
        assert "8.00" in texts(ElementTree.fromstring(drawing.image))


def test_maps_of_other_quantities_have_their_own_scale():
    other = heat_map(scale_label="firing rate", values=(((0, 0, 0), (0, 0, 0.5)),))
    assert [scale.high for scale in colour_scales((heat_map(), other))] == [4.0, 0.5]


def test_the_legend_names_the_scale_and_its_ends():
    root = drawn()
    assert {"I_t", "0", "4.00"} <= set(texts(root))
    ramp = [float(step.get("fill-opacity", "")) for step in cells(root, "ramp")]
    assert ramp == sorted(ramp)
    assert (ramp[0], ramp[-1]) == (0.0, 1.0)


def test_a_map_has_a_name_and_a_description_in_words():
    root = drawn()
    assert root.findtext("title") == "Information"
    assert root.findtext("desc") == (
        "I_t; rows: layer; columns: timestep. Scale from 0 to 4.00. "
        "first: 0 at 1, 2.00 at 3, largest 2.00 at 3. "
        "second: 4.00 at 1, 1.00 at 3, largest 4.00 at 1."
    )
    assert drawn(title="").findtext("title") == "I_t"


def test_values_below_zero_are_drawn_as_zero_and_the_page_says_so():
    (drawing,) = drawings(heat_map(values=(((-1.0, -2.0, 2.0), (0, 0, 0)),)))
    assert strengths(drawing.image)[:3] == [0.0, 0.0, 1.0]
    assert drawing.remark == "2 values below zero drawn as zero."
    assert drawings(heat_map())[0].remark == ""


def test_nothing_above_zero_leaves_all_cells_empty():
    assert strengths(drawn(values=(((0, 0, 0), (0, -1, 0)),))) == [0.0] * 6


def test_hostile_names_stay_text_and_keep_room_for_the_cells(hostile_text):
    root = drawn(rows=(hostile_text, "second"), scale_label=hostile_text, y_label=hostile_text)
    assert {e.tag for e in root.iter()} == {"svg", "title", "desc", "text", "rect"}
    title = cells(root)[0].findtext("title") or ""
    assert title.startswith("<script>alert(1)</script>")
    assert "\x1b" not in title
    left = min(float(cell.get("x", "")) for cell in cells(root))
    assert left <= 121


def test_numbers_that_would_touch_are_thinned_out():
    columns = tuple(float(1000 * k) for k in range(1, 41))
    root = drawn(columns=columns, rows=("a",), values=((columns,),))
    shown = [text for text in texts(root) if text.endswith("000") and text[0] != "4"]
    assert 4 <= len(shown) < 20
    assert shown[0] == "1000"


def test_a_map_without_columns_says_so():
    root = drawn(columns=(), values=(((), ()),))
    assert "no data" in texts(root)
    assert "first: no data." in (root.findtext("desc") or "")


def test_the_caption_says_what_cells_and_lines_are():
    def read(*panels: Panel | HeatMap) -> str:
        return figures.reading(Figure(title="F", caption="", panels=panels))

    twice = curve_panel().series[0].model_copy(update={"values": ((1.0, 2.0), (1.0, 3.0))})
    several = curve_panel().model_copy(update={"series": (twice,)})
    assert read(heat_map()) == ""
    twice_measured = heat_map(values=heat_map().values * 2)
    assert read(twice_measured) == "Cells: mean over the seeds."
    assert read(twice_measured, several) == (
        "Bold: mean over the seeds; thin: one curve per seed. Cells: mean over the seeds."
    )


@given(
    columns=st.lists(FINITE, max_size=5),
    data=st.data(),
    row_count=st.integers(min_value=1, max_value=4),
)
@case(columns=[1e308, -1e308], data=None, row_count=2)
@case(columns=[5e-324], data=None, row_count=1)
def test_every_finite_map_can_be_drawn(columns, data, row_count):
    size = len(columns)
    row = st.lists(FINITE, min_size=size, max_size=size)
    values = [data.draw(row) if data else columns for _ in range(row_count)]
    root = drawn(columns=columns, rows=[f"r{k}" for k in range(row_count)], values=[values])
    assert len(cells(root)) == size * row_count
    assert all(0 <= strength <= 1 for strength in strengths(root))


# Scales


def test_a_scale_about_a_centre_reaches_as_far_to_both_sides_in_two_colours():
    root = drawn(values=(((-1.0, 1.0, 3.0), (0.0, 2.0, 1.5)),), centre=1.0)
    # The furthest mean, -1 or 3, is 2 from the centre.
    opacities = [
        float(c.get("fill-opacity", "")) for c in root.iter("rect") if "heat" in kind_of(c)
    ]
    assert opacities == [1.0, 0.0, 1.0, 0.5, 0.5, 0.25]
    below = [c.findtext("title") for c in root.iter("rect") if kind_of(c) == ["heat", "below"]]
    assert below == ["first, timestep 1: −1.00", "second, timestep 1: 0"]
    assert {"−1.00", "3.00", "1.00"} <= set(texts(root))
    assert "Scale from −1.00 to 3.00, symmetric about 1.00." in (root.findtext("desc") or "")


def test_the_ramp_of_a_scale_about_a_centre_is_palest_in_its_middle():
    root = drawn(values=(((-2.0, 0.0, 1.0), (0.0, 0.0, 0.0)),), centre=0.0)
    ramp = [(float(e.get("fill-opacity", "")), kind_of(e)) for e in root.iter("rect")
            if "ramp" in kind_of(e)]  # fmt: skip
    assert [("below" in kinds) for _, kinds in ramp] == [True] * 12 + [False] * 12
    opacities = [opacity for opacity, _ in ramp]
    assert opacities[:12] == opacities[:11:-1] == sorted(opacities[:12], reverse=True)
    assert opacities[0] == 1.0


def test_a_given_span_is_kept_and_what_lies_outside_is_told():
    (drawing,) = drawings(heat_map(values=(((0.0, 1.0, 2.0), (4.0, 3.0, 1.0)),), span=(1.0, 3.0)))
    assert strengths(drawing.image) == [0.0, 0.0, 0.5, 1.0, 1.0, 0.0]
    assert drawing.remark == ("1 value below 1.00 drawn as 1.00. 1 value above 3.00 drawn as 3.00.")


def test_maps_on_other_scales_do_not_share_them():
    one, other = heat_map(centre=0.0), heat_map(span=(0.0, 9.0))
    assert colour_scales((heat_map(), one, other)) == (
        ColourScale(0.0, 4.0), ColourScale(-4.0, 4.0, 0.0), ColourScale(0.0, 9.0),
    )  # fmt: skip


# Seeds and cells without a value


def test_cells_show_the_mean_over_the_seeds_and_tell_their_range():
    root = drawn(values=(((0, 1, 2), (4, 3, 1)), ((0, 3, 2), (4, 3, 1))))
    assert strengths(root) == [0.0, 0.5, 0.5, 1.0, 0.75, 0.25]
    assert cells(root)[1].findtext("title") == "first, timestep 2: 2.00 (1.00 to 3.00)"


def test_a_cell_that_was_not_measured_is_struck_through_and_told():
    (drawing,) = drawings(
        heat_map(values=(((None, 1, 2), (4, 3, 1)), ((None, None, 2), (4, 3, 1))))
    )
    root = ElementTree.fromstring(drawing.image)
    gap, sign = cells(root, "gap")
    assert gap.findtext("title") == "first, timestep 1: not measured"
    struck = [e for e in root.iter("line") if e.get("class") == "struck"]
    assert (struck[0].get("x1"), struck[0].get("x2")) == (
        gap.get("x"), svg.coordinate(float(gap.get("x", "")) + float(gap.get("width", ""))),
    )  # fmt: skip
    assert sign.findtext("title") == "not measured"
    assert "not measured" in texts(root)
    assert drawing.remark == "1 cell not measured, struck through."
    # What one of the seeds has is the mean of those that have it.
    assert strengths(root) == [0.25, 0.5, 1.0, 0.75, 0.25]
    assert not cells(drawn(), "gap")


# Names and numbers on both axes


def test_rows_can_have_numbers_and_columns_names():
    root = drawn(rows=(1, 2), columns=("a", "b", "c"))
    assert {"1", "2", "a", "b", "c"} <= set(texts(root))
    assert cells(root)[4].findtext("title") == "layer 2, b: 3.00"


def test_names_of_columns_that_would_touch_stand_upright_below_the_middle_of_their_cells():
    names = tuple(f"a rather long name {k}" for k in range(3))
    root = drawn(columns=names)
    upright = [e for e in root.iter("text") if e.get("transform")]
    assert [e.text for e in upright] == [svg.fitted(name, 112) for name in names]
    for element, cell in zip(upright, cells(root), strict=False):
        middle = float(cell.get("x", "")) + float(cell.get("width", "")) / 2
        assert float(element.get("x", "")) == pytest.approx(middle + 4, abs=0.11)
        x, y = element.get("x"), element.get("y")
        assert element.get("transform") == f"rotate(-90 {x} {y})"


def test_sixty_layers_are_about_square_and_as_many_are_named_as_have_room():
    layers = tuple(f"layer {k}" for k in range(60))
    values = tuple(tuple(abs(i - j) / 59 for j in range(60)) for i in range(60))
    root = drawn(rows=layers, columns=layers, values=(values,))
    assert len(cells(root)) == 3600
    height = sum(float(c.get("height", "")) for c in cells(root)[::60])
    assert height == pytest.approx(280, abs=1)
    named = [e for e in root.iter("text") if (e.text or "").startswith("layer ")]
    down = [float(e.get("y", "")) for e in named if not e.get("transform")]
    across = [float(e.get("x", "")) for e in named if e.get("transform")]
    assert len(down) == 20
    for places, line in ((down, 13), (across, 16)):
        assert min(b - a for a, b in pairwise(places)) >= line - 0.1


def test_neighbouring_cells_leave_no_gap():
    layers = tuple(f"{k}" for k in range(31))
    grid = cells(drawn(rows=layers, columns=layers, values=((((0.5,) * 31),) * 31,)))
    for one, other in pairwise(grid[:31]):
        end = float(one.get("x", "")) + float(one.get("width", ""))
        assert end == pytest.approx(float(other.get("x", "")), abs=1e-6)


def test_the_numbers_of_a_map_are_a_table_unless_they_are_too_many():
    (drawing,) = drawings(heat_map())
    assert drawing.numbers is not None
    assert drawing.numbers.table.columns == ("timestep 1", "timestep 2", "timestep 3")
    ((_, rows),) = drawing.numbers.groups
    assert [[cell.mean for cell in row.cells] for row in rows] == [
        ["0.00", "1.00", "2.00"], ["4.00", "3.00", "1.00"],
    ]  # fmt: skip
    many = tuple(map(float, range(401)))
    (large,) = drawings(heat_map(columns=many, rows=("a",), values=((many,),)))
    assert (large.numbers, large.cells) == (None, 401)


@given(
    data=st.data(),
    centre=st.none() | FINITE,
    cell=st.just(st.none() | FINITE),
)
def test_every_scale_puts_every_value_between_nothing_and_full_colour(data, centre, cell):
    values = data.draw(st.lists(st.tuples(cell, cell, cell), min_size=2, max_size=2))
    changes: dict[str, object] = {"values": (values,), "centre": centre}
    if centre is None:
        changes["span"] = data.draw(
            st.none() | st.tuples(FINITE, FINITE).filter(lambda s: s[0] < s[1])
        )
    (drawing,) = drawings(heat_map(**changes))
    assert "nan" not in drawing.image
    root = ElementTree.fromstring(drawing.image)
    shown = [e for e in root.iter("rect") if "heat" in kind_of(e)]
    missing = sum(value is None for row in values for value in row)
    assert len(shown) == 6 - missing
    assert all(0 <= float(e.get("fill-opacity", "nan")) <= 1 for e in shown)


def kind_of(element: ElementTree.Element) -> list[str]:
    return element.get("class", "").split()
