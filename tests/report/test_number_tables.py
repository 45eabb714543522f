from tic.document.evidence import Table, TableRow
from tic.report import render_html
from tic.report.number_tables import mean, number_table


def table(*rows: tuple[str, str, tuple[tuple[float, ...], ...]]) -> Table:
    return Table(
        title="Attacks",
        caption="c",
        unit="%",
        columns=("low", "high"),
        rows=tuple(TableRow(name=n, group=g, values=v) for g, n, v in rows),
    )


def test_cells_hold_mean_and_range_with_the_same_decimals():
    shown = number_table(table(("", "PGD", ((90.0, 92.5), (3.0,)))))
    ((_, (row,)),) = shown.groups
    assert [(cell.mean, cell.spread) for cell in row.cells] == [
        ("91.2", "90.0 to 92.5"),
        ("3.0", ""),
    ]


def test_neighbouring_rows_of_one_group_stand_together():
    rows = [("a", "1", ((), ())), ("a", "2", ((), ())), ("b", "3", ((), ())), ("a", "4", ((), ()))]
    shown = number_table(table(*rows))
    assert [(name, [row.name for row in members]) for name, members in shown.groups] == [
        ("a", ["1", "2"]),
        ("b", ["3"]),
        ("a", ["4"]),
    ]


def test_what_was_not_measured_is_a_dash():
    shown = number_table(table(("", "Square", ((1.0,), ()))))
    assert [cell.mean for cell in shown.groups[0][1][0].cells] == ["1.00", "–"]


def test_a_mean_of_numbers_with_too_large_a_sum_is_still_a_number():
    assert mean((1.5e308, 1.5e308)) == 1.5e308


def test_long_tables_are_folded_away(edited):
    long = table(*(("g", f"attack {k}", ((1.0,), (2.0,))) for k in range(13)))
    short = table(*(("g", f"attack {k}", ((1.0,), (2.0,))) for k in range(12)))
    folded = '<details class="measured"><summary>Attacks</summary>'
    assert folded in render_html(edited(0, tables=(long,)))
    page = render_html(edited(0, tables=(short,)))
    assert folded not in page
    assert "<caption>Attacks (%)</caption>" in page
