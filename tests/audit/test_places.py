"""Where a claim stands in its paper, read from its source once for all who ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.document.places import ELSEWHERE, Place, read_places


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("Fig. 1", [Place("Fig. 1")]),
        ("Fig. 1, Eq. 6–7", [Place("Fig. 1"), Place("Eq. 6–7")]),
        ("Fig. 5a, Eq. 8-10", [Place("Fig. 5", ("a",)), Place("Eq. 8-10")]),
        ("Fig. 5a–c; Table 1", [Place("Fig. 5", ("a", "b", "c")), Place("Table 1")]),
        ("Fig. 5 (a)", [Place("Fig. 5", ("a",))]),
        ("Fig. 5(a/c)", [Place("Fig. 5", ("a", "c"))]),
        ("Table 1, Eq. 11", [Place("Table 1"), Place("Eq. 11")]),
        ("Fig. 12c, abstract", [Place("Fig. 12", ("c",)), Place("abstract")]),
        ("text after Fig. 7", [Place("text after Fig. 7")]),
        ("Fig. 4,", [Place("Fig. 4")]),
    ],
)
def test_a_source_names_places_with_their_panels(source, places):
    assert list(read_places(source)) == places


@pytest.mark.parametrize("source", ["", " ", ",;"])
def test_a_source_without_a_place_is_elsewhere(source):
    assert read_places(source) == (ELSEWHERE,)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("Fig. 4", ("fig4",)),
        ("Fig. 4a", ("fig4a", "fig4")),
        ("Fig. 4a-c", ("fig4a", "fig4b", "fig4c", "fig4")),
        ("Eq. 6–7", ("eq6-7",)),
        ("Discussion", ("discussion",)),
    ],
)
def test_short_names_have_no_dots_and_name_each_panel_before_the_figure(source, names):
    assert read_places(source)[0].names == names


@given(st.text())
def test_any_text_is_at_least_one_place_each_with_a_name(source):
    assert all(place.whole and place.names for place in read_places(source))
