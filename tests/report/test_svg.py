from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from tic.report.drawing import svg


def test_elements_escape_text_and_attributes():
    made = svg.element("text", "<script>&\x1b", class_='"><x')
    assert made == '<text class="&#34;&gt;&lt;x">&lt;script&gt;&amp;\\x1b</text>'
    assert svg.element("g", Markup("<b/>")) == "<g><b/></g>"


@pytest.mark.parametrize(
    ("value", "shown"), [(1.0, "1"), (1.25, "1.2"), (-0.04, "0"), (310.0, "310"), (0.96, "1")]
)
def test_coordinates_have_one_decimal_at_most(value, shown):
    assert svg.coordinate(value) == shown


def test_a_path_is_interrupted_where_a_point_is_missing():
    drawn = svg.path([(0, 0), (1, 1), None, (2, 2), (3, 3)], "c")
    assert ElementTree.fromstring(drawn).get("d") == "M0 0L1 1M2 2L3 3"


def test_text_is_cut_to_its_room_and_wide_letters_count_more():
    assert svg.fitted("information", 200) == "information"
    assert svg.fitted("information", 42) == "infor…"
    assert svg.text_width("情報") > svg.text_width("ab")
    assert len(svg.fitted("情報" * 20, 60)) < len(svg.fitted("ab" * 20, 60))


def test_a_picture_has_a_name_and_a_description():
    root = ElementTree.fromstring(svg.picture((20, 10), "p", "name", "<what>", [], "kind"))
    assert root.get("viewBox") == "0 0 20 10"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "p-t p-d"
    assert [child.text for child in root] == ["name", "<what>"]
    assert [child.get("id") for child in root] == ["p-t", "p-d"]


def test_marks_of_neighbouring_series_have_different_shapes():
    shapes = [svg.glyph(index, (5, 5), "g") for index in range(4)]
    assert len(set(shapes)) == 4
    assert svg.glyph(4, (5, 5), "g") == shapes[0]
