import re
from html import unescape

from tic.report import overview, render_html, render_markdown, verdicts
from tic.report.index import index_of
from tic.report.numerals import THIN
from tic.report.text import markdown
from tic.report.view import audit_view
from tic.stats.judge import JUDGED, Outcome


def words(source: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", source)).split())


def test_the_result_is_one_sentence(example_audit, edited):
    assert overview.counts_sentence(index_of(example_audit)) == (
        "10 verdicts on 7 claims: 6 supported, 1 refuted and 3 inconclusive. Without a verdict: "
        "1 not run and 1 ended in an error."
    )
    assert overview.counts_sentence(index_of(edited(entries=()))) == "No claim was judged."
    first = index_of(edited(entries=example_audit.entries[:1]))
    assert overview.counts_sentence(first) == "1 verdict on 1 claim: 1 supported."


def test_what_was_not_run_is_no_verdict(edited, example_audit):
    entry = example_audit.entries[0].model_copy(
        update={"outcome": Outcome.NOT_RUN, "own_outcome": Outcome.NOT_RUN, "contrasts": ()}
    )
    index = index_of(edited(entries=(entry,)))
    assert overview.counts_sentence(index) == "No verdict: 1 not run."
    (scope,) = overview.scope_groups(index)
    assert scope.share == ""


def test_a_finding_with_the_numbers_of_another_is_not_counted_again(example_audit, edited):
    first = example_audit.entries[0]
    again = first.model_copy(update={"id": f"{first.id}-again", "claim": f"{first.claim}-again"})
    audit = edited(entries=(first, again))
    assert overview.counts_sentence(index_of(audit)) == (
        "1 verdict on 1 claim: 1 supported. 1 more verdict not counted, with the numbers of "
        "another."
    )
    page = words(render_html(audit))
    assert "One finding twice" in page
    assert "Not counted: has the numbers of" in page
    view = audit_view(index_of(audit))
    (place,) = view.papers[0].places
    assert len(place.claims) == 2
    for counts in (view.outcomes, place.counts):
        assert [(badge.word, count) for badge, count in counts] == [("SUPPORTED", 1)]
    assert "One finding twice" not in words(render_html(edited(entries=(first,))))


def test_scopes_share_the_differences_that_all_their_verdicts_have(example_audit):
    smoke, paper = overview.scope_groups(index_of(example_audit))
    assert (smoke.level, smoke.share, len(smoke.differences)) == ("smoke", "9 of 10 verdicts", 4)
    assert (paper.level, paper.share, paper.differences) == ("paper", "1 of 10 verdicts", ())
    assert "says nothing yet about the paper's setting" in smoke.meaning.lower()


def test_scopes_tell_what_most_of_their_verdicts_differ_in_and_how_many(example_audit, edited):
    entries = list(example_audit.entries)
    smoke = [n for n, entry in enumerate(entries) if entry.scope.level == "smoke"]
    for n in smoke[:1]:
        fewer = entries[n].scope.model_copy(update={"differences": ("data: a instead of b",)})
        entries[n] = entries[n].model_copy(update={"scope": fewer})
    audit = edited(entries=tuple(entries))
    whole, _ = overview.scope_groups(index_of(example_audit))
    most, _ = overview.scope_groups(index_of(audit))
    of = sum(claim.entry.scope.level == "smoke" for claim in index_of(audit).claims)
    assert set(most.differences) == {f"{d} (in {of - 1} of {of})" for d in whole.differences}
    assert "in all of them, or in as many as are named" in render_markdown(audit)


def test_a_verdict_without_a_decisive_contrast_has_dashes_for_its_numbers(example_audit):
    failed = index_of(example_audit).items[2]
    cells = {column.head: column.cell(failed) for column in overview.COLUMNS}
    assert failed.decisive is None
    assert (cells["Estimate"], cells["p"], cells["Seeds"]) == (("–",), ("–",), ("–",))


def test_the_page_and_the_summary_have_the_same_columns_and_cells(example_audit):
    section = re.search(r'<section id="overview".*?</table>', render_html(example_audit), re.DOTALL)
    assert section is not None
    lines = render_markdown(example_audit).partition("## Rivals")[0].splitlines()
    summary = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    heads = [column.head for column in overview.COLUMNS]
    assert re.findall(r'scope="col">(.*?)</th>', section.group(0)) == heads == summary[0]

    claims = index_of(example_audit).overview
    rows = re.findall(r'<tr role="row" class="\w+">\n(<td.*?)</tr>', section.group(0), re.DOTALL)
    assert len(rows) == len(claims) == len(summary) - 2
    for claim, row, line in zip(claims, rows, summary[2:], strict=True):
        cells = re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)
        for column, cell, text in zip(overview.COLUMNS, cells, line, strict=True):
            printed = " ".join(column.cell(claim))
            assert words(cell).startswith(words(printed)), column.head
            assert text == markdown(printed)


def test_the_legend_tells_the_levels_of_intervals_and_what_p_is_of(example_audit, edited):
    def judged_at(*levels):
        entries = [
            entry.model_copy(
                update={
                    "contrasts": tuple(
                        c.model_copy(update={"confidence": level}) for c in entry.contrasts
                    )
                }
            )
            for entry, level in zip((example_audit.entries[0],) * 2, levels, strict=True)
        ]
        return edited(entries=tuple(entries))

    audit = judged_at(0.999, 0.99978)
    legend = overview.legend(index_of(audit))
    assert "here 99.9 % to 99.98 %." in legend.replace(THIN, " ")
    alike = overview.legend(index_of(judged_at(0.999, 0.999)))
    assert "here 99.9 %." in alike.replace(THIN, " ")
    assert "the hypothesis that the claim is false" in legend
    assert "near 1 against it" in legend
    assert legend in render_html(audit)
    assert legend in render_markdown(audit)
    assert overview.legend(index_of(edited(entries=()))) == overview.P_VALUES


def test_the_summary_lists_rivals_with_their_verdicts_and_intervals(example_audit):
    text = render_markdown(example_audit)
    section = text.partition("## Rivals")[2].partition("##")[0]
    index = index_of(example_audit)
    judged = [rival for rival in index.rivals if rival.entry.outcome in JUDGED]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len(judged) == 5
    for rival, row in zip(judged, rows, strict=True):
        assert row.startswith(f"| {markdown(rival.label)} | ")
        assert rival.badge.word in row
        assert rival.decisive is None or markdown(verdicts.estimate(rival.decisive)) in row
        assert all(markdown(claim.label) in row for claim in index.threatened_by[rival])
    assert "Without a verdict: 1 not run." in section


def test_the_page_lists_as_many_verdicts_as_it_counts_where_entries_repeat(example_audit, edited):
    official = example_audit.entries[12]
    source = render_html(edited(entries=(*example_audit.entries, official)))
    section = re.search(r'<section id="overview".*?</table>', source, re.DOTALL)
    assert section is not None
    assert '<p class="sentence">11 verdicts on 7 claims' in source
    assert section.group(0).count('<td role="cell" class="verdict">') == 13


def test_it_is_told_where_another_test_than_the_interval_decides(example_audit, edited):
    rule = example_audit.multiplicity.model_copy(update={"method": "Bonferroni", "level": 0.025})
    page = words(render_html(edited(multiplicity=rule)))
    section = page[page.index("Error rates and provenance") :]
    assert "decides it, except that Page's test decides on a trend." in section
    assert "so that an interval outside of its region may not refute it." in section
    reading = page[page.index("How to read a verdict") :]
    assert reading.count("on a trend Page's test decides instead.") == 2
    assert "where a claim has several also after Holm's correction inside the claim" in reading
    assert "It decides, except that the test of Page does on a trend" in overview.legend(
        index_of(example_audit)
    )


def test_the_part_of_the_error_rate_is_told_for_packs_that_count_their_claims_and_others(
    example_audit, edited
):
    rule = example_audit.multiplicity.model_copy(update={"method": "Bonferroni", "level": 0.025})
    assert (
        "Each has an equal part (Bonferroni) of the error rate: among as many as the pack of its "
        "paper states, whatever was audited beside it, or among those that were collected where it "
        "states none."
    ) in words(render_html(edited(multiplicity=rule)))


def test_the_page_promises_refutations_at_each_edge_of_a_region(example_audit, edited):
    rule = example_audit.multiplicity.model_copy(update={"method": "Bonferroni", "level": 0.025})
    page = words(render_html(edited(multiplicity=rule))).replace(THIN, " ")
    assert "share an error rate of 2.5 % on either side" in page
    assert "narrow beside the spread of the seeds, up to 5 %." in page
