import re
from dataclasses import replace

import pytest

from tic.plugin.verdict_table import totals, verdict_table
from tic.report import render_html, render_markdown
from tic.report.by_paper import paper_rows
from tic.report.index import index_of, short_names
from tic.report.overview import scope_groups
from tic.stats.judge import Outcome


@pytest.fixture
def two(example_audit, edited):
    """The example, and after it a second paper: a claim that is refuted, and its rival is not."""
    first = example_audit.entries[0]
    refuted = next(e for e in example_audit.entries if e.outcome == "REFUTED" and e.role == "claim")
    rival = next(e for e in example_audit.entries if e.role == "rival" and e.outcome == "SUPPORTED")
    control = next(e for e in example_audit.entries if e.role == "control")
    other = {"paper": "b", "claim": "b/other"}
    more = (
        refuted.model_copy(update=other | {"id": "b/other"}),
        rival.model_copy(
            update={"paper": "b", "claim": "b/r", "id": "b/r", "threatens": ("b/other",)}
        ),
        control.model_copy(update=other | {"id": "b/control"}),
    )
    paper = example_audit.papers[0].model_copy(update={"key": "b", "title": "Another paper"})
    assert first.paper == "kim2023"
    return edited(papers=(*example_audit.papers, paper), entries=(*example_audit.entries, *more))


def test_one_paper_is_not_summed_up_by_paper(example_audit):
    assert paper_rows(index_of(example_audit)) == ()
    for text in (render_html(example_audit), render_markdown(example_audit)):
        assert "By paper" not in text
        assert "| Paper |" not in text


def test_each_paper_is_summed_up_by_its_own_entries(two, example_audit):
    first, second = paper_rows(index_of(two))
    assert (first.key, second.key, second.title) == ("kim2023", "b", "Another paper")
    assert second.counts == "1 refuted"
    assert second.explained == "0 of 1"
    assert second.controls.startswith("1 ")
    assert second.scopes == ("smoke",)
    assert first.counts == (
        "6 supported, 1 refuted, 3 inconclusive; 1 not run, 1 ended in an error"
    )
    supported = [e for e in example_audit.entries if e.role == "rival" and e.outcome == "SUPPORTED"]
    # One of six rivals was not run.
    assert first.explained == f"{len(supported)} of 5 (1 without a verdict)"
    assert len(first.explaining) == len(supported)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_rival_explains_only_a_claim_that_is_supported(two, edited, outcome):
    entries = tuple(
        entry.model_copy(update={"outcome": outcome}) if entry.id == "b/other" else entry
        for entry in two.entries
    )
    _, second = paper_rows(index_of(edited(papers=two.papers, entries=entries)))
    explaining = ["r"] if outcome is Outcome.SUPPORTED else []
    assert [name for name, _ in second.explaining] == explaining
    assert second.explained == f"{len(explaining)} of 1"


@pytest.mark.parametrize("outcome", [Outcome.NOT_RUN, Outcome.ERROR, Outcome.NOT_APPLICABLE])
def test_a_rival_without_a_verdict_is_none_that_was_tested(two, edited, outcome):
    entries = tuple(
        entry.model_copy(update={"outcome": outcome}) if entry.id == "b/r" else entry
        for entry in two.entries
    )
    changed = edited(papers=two.papers, entries=entries)
    _, second = paper_rows(index_of(changed))
    assert second.explained == "none tested (1 without a verdict)"
    for text in (render_html(changed), render_markdown(changed)):
        assert "none tested (1 without a verdict)" in text.replace("\\", "")


def test_the_page_lets_no_rival_explain_a_claim_that_is_refuted(two):
    page = render_html(two)
    of_the_claim, of_the_rival = (
        re.search(rf'<article id="{role}-b-.*?</article>', page, re.DOTALL)[0]
        for role in ("claim", "rival")
    )
    assert "The claim is refuted itself, so there is nothing to explain." in of_the_claim
    assert "are refuted themselves, so there is nothing to explain." in of_the_rival


def test_names_carry_what_tells_those_of_one_name_apart(two):
    items = index_of(two).rivals
    first, second = items[:2]
    assert short_names([first]) == [first.name]
    alike = replace(second, name=first.name)
    same = first.entry.parameters
    of_kinds = [
        replace(item, entry=item.entry.model_copy(update={"parameters": {**same, "kind": kind}}))
        for item, kind in ((first, "channels"), (alike, "places"))
    ]
    assert short_names(of_kinds) == [f"{first.name} (channels)", f"{first.name} (places)"]


def test_parameters_that_differ_between_papers_alone_are_in_no_label(two):
    for item in index_of(two).claims:
        if item.entry.paper == "b":
            assert item.label == item.full_name


def test_a_paper_that_is_not_described_and_has_no_rivals_is_summed_up_too(example_audit, edited):
    entries = tuple(
        e.model_copy(update={"paper": paper})
        for e, paper in zip(example_audit.entries[:2], ("a", "b"), strict=True)
    )
    rows = paper_rows(index_of(edited(papers=(), entries=entries)))
    assert [(row.title, row.citation) for row in rows] == [("a", ""), ("b", "")]
    assert {row.explained for row in rows} == {"none tested"}
    page = render_html(edited(papers=(), entries=entries))
    assert "none made" in page


def test_the_page_says_of_each_paper_what_came_to_no_verdict(two):
    table = re.search(
        r'<table role="table" class="stack by-paper">.*?</table>', render_html(two), re.S
    )
    cell = re.sub(r"<[^>]+>", " ", re.findall(r"<td.*?</td>", table.group(0), re.DOTALL)[0])
    assert " ".join(cell.split()).endswith("? 3 inconclusive ○ 1 not run ! 1 ended in an error")


def test_the_page_sums_up_papers_first_and_links_to_their_verdicts(two):
    page = render_html(two)
    table = re.search(r'<table role="table" class="stack by-paper">.*?</table>', page, re.DOTALL)
    assert table is not None
    assert page.index("by-paper") < page.index('class="stack overview"')
    links = re.findall(r'href="#([^"]+)"', table.group(0))
    assert {"verdicts-kim2023", "verdicts-b"} <= set(links)
    assert set(links) <= set(re.findall(r'id="([^"]+)"', page))
    assert re.findall(r'<p class="lead-in">(.*?)</p>\n<article', page, re.DOTALL)[-1].endswith(
        "Another paper"
    )


def test_the_summary_lists_the_verdicts_of_each_paper_in_turn(two):
    text = render_markdown(two)
    first, second = text.index("## Verdicts on kim2023"), text.index("## Verdicts on b")
    assert text.index("| Paper |") < first < second
    assert "b/other" in text[second:]
    assert "| b: Another paper." in text


def test_scopes_of_papers_stand_apart_with_what_their_own_verdicts_share(two):
    groups = scope_groups(index_of(two))
    assert [(g.paper, g.level, g.share) for g in groups] == [
        ("kim2023", "smoke", "9 of 11 verdicts"),
        ("b", "smoke", "1 of 11 verdicts"),
        ("kim2023", "paper", "1 of 11 verdicts"),
    ]
    assert groups[1].title == "Smoke scale, b"


def test_the_terminal_sums_up_papers_first(two, example_audit):
    blocks = verdict_table(two, 400).split("\n\n")
    first, second = blocks[0].splitlines()
    assert first.startswith("kim2023: claims ")
    assert second.startswith("b: claims 1 REFUTED; rivals 1 SUPPORTED; negative controls: 1 ")
    assert blocks[1] == "kim2023:"
    assert "\n\n".join(blocks[2 : blocks.index("b:")]) == verdict_table(example_audit, 400)
    assert "b/other" in blocks[blocks.index("b:") + 1]


def test_totals_tell_repetitions_apart(example_audit):
    one = example_audit.entries[0]
    again = one.model_copy(update={"id": "again", "claim": "kim2023/again"})
    assert totals([one, again]) == "1 SUPPORTED, 1 with the numbers of another, not counted"
