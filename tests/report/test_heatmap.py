from xml.etree import ElementTree

import pytest
from hypothesis import example as case
from hypothesis import given
from hypothesis import strategies as st

from tic.document.evidence import Figure, HeatMap, Panel, Series
from tic.report.drawing import figures, heatmap
from tic.report.drawing.parts import parts

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def heat_map(**changes: object) -> HeatMap:
    fields: dict[str, object] = {
        "title": "Information",
        "x_label": "timestep",
        "y_label": "layer",
        "scale_label": "I_t",
        "columns": (1.0, 2.0, 3.0),
        "rows": ("first", "second"),
        "values": ((0.0, 1.0, 2.0), (4.0, 3.0, 1.0)),
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
    told = [cell.findtext("title") for cell in cells(drawn())]
    assert told[0] == "first, timestep 1: 0"
    assert told[4] == "second, timestep 2: 3.00"


def test_maps_of_one_quantity_share_their_scale():
    small, large = heat_map(), heat_map(values=((0.0, 1.0, 2.0), (8.0, 3.0, 1.0)))
    one, curve, other = drawings(small, curve_panel(), large)
    assert curve.title == "Curve"
    assert max(strengths(one.image)) == 0.5
    assert strengths(other.image)[3] == 1.0
    for drawing in (one, other):
        assert "8.00" in texts(ElementTree.fromstring(drawing.image))


def test_maps_of_other_quantities_have_their_own_scale():
    other = heat_map(scale_label="firing rate", values=((0, 0, 0), (0, 0, 0.5)))
    assert heatmap.tops((heat_map(), other)) == (4.0, 0.5)


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
    (drawing,) = drawings(heat_map(values=((-1.0, -2.0, 2.0), (0, 0, 0))))
    assert strengths(drawing.image)[:3] == [0.0, 0.0, 1.0]
    assert drawing.remark == "2 values below zero drawn as zero."
    assert drawings(heat_map())[0].remark == ""


def test_nothing_above_zero_leaves_all_cells_empty():
    assert strengths(drawn(values=((0, 0, 0), (0, -1, 0)))) == [0.0] * 6


def test_hostile_names_stay_text_and_keep_room_for_the_cells(hostile_text):
    root = drawn(rows=(hostile_text, "second"), scale_label=hostile_text, y_label=hostile_text)
    assert {e.tag for e in root.iter()} == {"svg", "title", "desc", "text", "rect"}
    told = cells(root)[0].findtext("title") or ""
    assert told.startswith("<script>alert(1)</script>")
    assert "\x1b" not in told
    left = min(float(cell.get("x", "")) for cell in cells(root))
    assert left <= 121


def test_numbers_that_would_touch_are_thinned_out():
    columns = tuple(float(1000 * k) for k in range(1, 41))
    root = drawn(columns=columns, rows=("a",), values=(columns,))
    shown = [text for text in texts(root) if text.endswith("000") and text[0] != "4"]
    assert 4 <= len(shown) < 20
    assert shown[0] == "1000"


def test_a_map_without_columns_says_so():
    root = drawn(columns=(), values=((), ()))
    assert "no data" in texts(root)
    assert "first: no data." in (root.findtext("desc") or "")


def test_the_caption_says_what_cells_and_lines_are():
    def read(*panels: Panel | HeatMap) -> str:
        return figures.reading(Figure(title="F", caption="", panels=panels))

    twice = curve_panel().series[0].model_copy(update={"values": ((1.0, 2.0), (1.0, 3.0))})
    several = curve_panel().model_copy(update={"series": (twice,)})
    assert read(heat_map()) == "Cells: mean over the seeds."
    assert read(heat_map(), several) == (
        "Bold: mean over the seeds; thin: one curve per seed. Cells: mean over the seeds."
    )


def test_parts_keep_their_place_and_count_their_values():
    figure = Figure(title="F", caption="", panels=(heat_map(), curve_panel()))
    found = parts(figure)
    assert (list(found.heat_maps), list(found.panels), found.size) == ([0], [1], 8)


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
    root = drawn(columns=columns, rows=[f"r{k}" for k in range(row_count)], values=values)
    assert len(cells(root)) == size * row_count
    assert all(0 <= strength <= 1 for strength in strengths(root))
