import re

import pytest

from tic.document.evidence import Effects, ReadingVerdict
from tic.report import render_html
from tic.report.index import index_of
from tic.report.reading_table import claims_read, overall_tables
from tic.report.readings import against_release, read_by_release, reading_grid
from tic.stats.judge import Outcome


def one(outcome: Outcome = Outcome.SUPPORTED, release: bool = False, **factors: str):
    return ReadingVerdict(
        factors=factors, release=release, outcome=outcome, estimate=0.25, unit="pp"
    )


def test_the_last_factor_makes_columns_and_the_others_rows():
    grid = reading_grid(
        [
            one(estimator="exact", images="test", normalisation="raw"),
            one(estimator="exact", images="training", normalisation="raw"),
            one(estimator="exact", images="test", normalisation="per weight"),
        ]
    )
    assert grid is not None
    assert grid.factors == ("estimator", "images", "normalisation")
    assert grid.columns == ("raw", "per weight")
    assert [(row, [len(cell) for cell in cells]) for row, cells in grid.rows] == [
        (("exact", "test"), [1, 1]),
        (("exact", "training"), [1, 0]),
    ]


def test_the_first_reading_is_the_standard_and_the_releases_are_marked():
    grid = reading_grid([one(by="a"), one(Outcome.REFUTED, release=True, by="b")])
    assert grid is not None
    ((_, ((first,), (second,))),) = grid.rows
    assert (first.standard, first.release, first.label) == (
        True,
        False,
        "by a: SUPPORTED, 0.250\u202fpp, standard",
    )
    assert (second.standard, second.release) == (False, True)
    assert second.label == "by b: REFUTED, 0.250\u202fpp, release"
    assert grid.sentence == "2 readings: 1 supported and 1 refuted"


def test_readings_with_the_same_or_no_factors_do_not_shadow_each_other():
    grid = reading_grid([one(by="a"), one(by="a"), one()])
    assert grid is not None
    assert [len(cell) for cell in grid.rows[0][1]] == [2, 1]
    bare = reading_grid([one(), one()])
    assert bare is not None
    assert len(bare.rows[0][1][0]) == 2
    assert reading_grid([]) is None


def test_different_units_stand_in_the_cells():
    assert reading_grid([one(by="a")]).unit == "pp"  # type: ignore[union-attr]
    other = one(by="b").model_copy(update={"unit": "%"})
    assert reading_grid([one(by="a"), other]).unit == ""  # type: ignore[union-attr]


def test_columns_of_the_overall_table_span_their_factors(example_audit):
    (table,) = overall_tables(index_of(example_audit))
    assert [len(head) for head in table.heads] == [4, 8, 24]
    assert table.heads[0] == (("empirical", 6), ("official", 6), ("sampled", 6), ("exact", 6))
    (row,) = table.rows
    assert (row.claim, row.differs) == ("concentration", True)
    assert row.item.entry is example_audit.entries[15]


def test_claims_with_other_factors_have_a_table_of_their_own(example, edited):
    first = example.entry("a", "Fig. 1", "s", "r", readings=(one(by="x"), one(by="y")))
    second = example.entry("b", "Fig. 1", "s", "r", readings=(one(by="y"),))
    third = example.entry("c", "Fig. 1", "s", "r", readings=(one(how="z"),))
    tables = overall_tables(index_of(edited(entries=(first, second, third))))
    assert [[row.claim for row in table.rows] for table in tables] == [["a", "b"], ["c"]]
    assert [[len(cell) for cell in row.cells] for row in tables[0].rows] == [[1, 1], [0, 1]]


def test_controls_are_not_among_the_claims_read(example, edited):
    entry = example.entry("a", "Fig. 1", "s", "r", role="control", readings=(one(by="x"),))
    assert overall_tables(index_of(edited(entries=(entry,)))) == ()


def test_the_page_marks_the_standard_and_the_release(example_audit, edited):
    page = render_html(example_audit)
    cells = re.findall(r'<span class="symbol ([^"]*)" role="img" aria-label="([^"]*)" title', page)
    assert len(cells) == 24
    assert cells[0][0] == "supported standard"
    assert "normalisation raw: SUPPORTED" in cells[0][1]
    assert sum("release" in kind for kind, _ in cells) == 3
    assert page.count("Depends on the reading") == 1
    agreeing = tuple(r for r in example_audit.entries[15].readings if r.outcome == "REFUTED")
    assert "Depends on the reading" not in render_html(edited(15, readings=agreeing))


def test_the_grid_of_an_entry_has_symbols_and_estimates(example_audit):
    article = re.search(
        r'<article id="rival-kim2023-estimator-10".*?</article>',
        render_html(example_audit),
        re.DOTALL,
    )
    assert article is not None
    text = " ".join(re.sub(r"<[^>]+>", " ", article.group(0)).split())
    assert (
        "measured in other ways (normalised centroid) 24 readings: 9 supported and 15 refuted"
        in text
    )
    assert "empirical training ✓ 0.340 standard ✓ 0.340 ✓ 0.340 empirical test" in text
    assert "official training ✗ 0.330 release" in text


@pytest.mark.parametrize(
    ("readings", "read", "pair"),
    [
        ((), False, None),
        ((one(), one()), False, None),
        ((one(), one(release=True)), True, ("SUPPORTED", "SUPPORTED")),
        ((one(), one(release=True), one(Outcome.REFUTED, True)), True, ("SUPPORTED", "REFUTED")),
        ((one(), one(Outcome.NOT_RUN, True)), False, None),
        ((one(Outcome.ERROR), one(release=True)), False, None),
    ],
)
def test_the_release_is_compared_where_both_found_something_out(example, readings, read, pair):
    entry = example.entry("a", "Fig. 1", "s", "r", readings=readings)
    assert read_by_release(entry) is read
    if pair:
        assert tuple(r.outcome for r in against_release(entry)) == pair


def test_a_parameter_that_picks_the_claim_is_not_told_beside_its_name(example_audit, edited):
    entry = next(e for e in example_audit.entries if e.role == "rival" and e.readings)
    threatened = entry.threatens[0]
    name = threatened.removeprefix(f"{entry.paper}/")
    picked = [
        entry.model_copy(
            update={"threatens": (threatened,), "parameters": {"of": of, "images": images}}
        )
        for of, images in ((name, "svhn"), ("x", "digits"))
    ]
    items = index_of(edited(entries=picked)).items
    assert [claims_read(item) for item in items] == [f"{name} (svhn)", f"{name} (x, digits)"]


def test_the_page_tells_the_level_that_decides_each_reading(example_audit, edited):
    place = next(n for n, entry in enumerate(example_audit.entries) if entry.readings)
    first, *rest = example_audit.entries[place].readings
    contrasts = tuple(
        Effects(
            **{name: getattr(c, name) for name in Effects.model_fields} | {"confidence": 0.9997}
        )
        for c in example_audit.entries[0].contrasts
    )
    told = "Each reading is decided by intervals at 99.97\u202f% confidence"
    kept = first.model_copy(update={"contrasts": contrasts})
    assert told in render_html(edited(place, readings=(kept, *rest)))
    blank = first.model_copy(update={"contrasts": ()})
    assert "Each reading is decided" not in render_html(edited(place, readings=(blank,)))
