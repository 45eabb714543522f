"""The summary: result, scope and verdicts in Markdown, for a pull request or a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tic.document.audit import Audit
from tic.document.correction import is_former
from tic.report import overview, verdicts
from tic.report.by_paper import PaperRow, paper_rows
from tic.report.coverage import coverage_lines
from tic.report.findings.finding import text
from tic.report.findings.summary import findings
from tic.report.index import Index, Item, index_of
from tic.report.notices import notices
from tic.report.protocols import (
    ProtocolCell,
    ProtocolRow,
    ProtocolTable,
    protocol_tables,
    result_sentence,
)
from tic.report.text import markdown
from tic.stats.judge import JUDGED, Outcome
from tic.text import shorten

_LONGEST_REASON = 200


def render_markdown(audit: Audit) -> str:
    """Return a short summary of an audit.

    Args:
        audit: What an execution of the suite left.
    """
    index = index_of(audit)
    tables, papers = protocol_tables(index), paper_rows(index)
    blocks = [f"# Claim audit: {markdown(overview.title(audit))}"]
    blocks += [f"**{notice.title}** {notice.says}" for notice in notices(audit)]
    blocks.append("## Auditor's summary")
    blocks.append(overview.counts_sentence(index))
    blocks.append(_by_paper(papers))
    blocks.append(result_sentence(index, tables))
    blocks.append(_findings(index))
    blocks += _scopes(index)
    blocks += _verdicts(index, papers)
    blocks.append(overview.legend(index) if index.overview else "")
    blocks.append(_reasons(index.claims))
    blocks += _rivals(index)
    blocks.append(_coverage(index.overview))
    blocks += _protocols(tables)
    blocks.append(_origin(audit))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _by_paper(papers: Sequence[PaperRow]) -> str:
    """Sum up each of several papers."""
    if not papers:
        return ""
    columns = ("Paper", "Verdicts on claims", "Rivals that explain", "Negative controls", "Scope")
    return _table(columns, (tuple(map(markdown, _cells(paper))) for paper in papers))


def _cells(paper: PaperRow) -> tuple[str, ...]:
    names = ", ".join(name for name, _ in paper.explaining)
    return (
        f"{paper.key}: {paper.title}. {paper.citation}".strip(),
        paper.counts,
        f"{paper.explained}{f': {names}' if names else ''}",
        paper.controls or "none made",
        ", ".join(paper.scopes) or "–",
    )


def _verdicts(index: Index, papers: Sequence[PaperRow]) -> Iterator[str]:
    """List the verdicts, those of each of several papers in turn."""
    heads = tuple(column.head for column in overview.COLUMNS)
    if index.overview and not papers:
        yield _table(heads, map(_row, index.overview))
    for paper in papers:
        if claims := [claim for claim in index.overview if claim.entry.paper == paper.key]:
            yield f"## Verdicts on {markdown(paper.key)}"
            yield _table(heads, map(_row, claims))


def _findings(index: Index) -> str:
    """List what stands behind the verdicts."""
    lines = []
    for finding in findings(index):
        topic = f"{markdown(finding.topic)}{' (alarm)' if finding.alarm else ''}"
        lines.append(f"- **{topic}.** {markdown(text(finding.spans))}")
        lines += [f"  - {markdown(text(point))}" for point in finding.points]
    return "\n".join(lines)


def _scopes(index: Index) -> Iterator[str]:
    for scope in overview.scope_groups(index):
        share = f": {scope.share}" if scope.share else ""
        yield f"**{scope.title}{share}.** {scope.meaning}"
        if scope.differences:
            which = " in all of them, or in as many as are named" if scope.several else ""
            yield f"What differs from the paper{which}:"
            yield "\n".join(f"- {markdown(difference)}" for difference in scope.differences)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _protocols(tables: Sequence[ProtocolTable]) -> Iterator[str]:
    """Compare the verdicts under all protocols of each paper, and say what each of them is."""
    for table in tables:
        yield f"## Verdicts by protocol{f': {markdown(table.paper)}' if len(tables) > 1 else ''}"
        yield "\n".join(f"- **{markdown(p.name)}**: {markdown(p.says)}" for p in table.protocols)
        heads = (markdown(protocol.name) for protocol in table.protocols)
        columns = ("Claim", "Setting", *heads, "Verdicts")
        yield _table(columns, (_protocol_row(row) for row in table.rows))


def _protocol_row(row: ProtocolRow) -> tuple[str, ...]:
    return (
        markdown(row.claim.name),
        markdown(verdicts.parameters(row.claim.entry) or "–"),
        *(_protocol_cell(cell) for cell in row.cells),
        "**differ**" if row.differs else "–",
    )


def _protocol_cell(cell: ProtocolCell) -> str:
    if cell.item is None:
        return f"– ({cell.remark})"
    contrast = cell.item.decisive
    estimate = "" if contrast is None else f": {markdown(verdicts.estimate(contrast))}"
    return f"{cell.item.badge.symbol} {cell.item.badge.word}{estimate}"


def _row(claim: Item) -> tuple[str, ...]:
    return tuple(markdown(" ".join(column.cell(claim))) for column in overview.COLUMNS)


def _rivals(index: Index) -> Iterator[str]:
    """List the verdicts on rivals, and count those that came to none."""
    if not index.rivals:
        return
    yield "## Rivals"
    judged = [rival for rival in index.rivals if rival.entry.outcome in JUDGED]
    if judged:
        columns = [c for c in overview.COLUMNS if c.head in ("Verdict", "Estimate", "p", "Seeds")]
        rows = (
            (
                markdown(rival.label),
                markdown(", ".join(claim.label for claim in index.threatened_by[rival]) or "–"),
                *(markdown(" ".join(column.cell(rival))) for column in columns),
            )
            for rival in judged
        )
        yield _table(("Rival", "Threatens", *(column.head for column in columns)), rows)
    if len(judged) < len(index.rivals):
        others = [r.entry for r in index.rivals if r.entry.outcome not in JUDGED]
        yield f"Without a verdict: {overview.counted_outcomes(others)}."


def _reasons(claims: Iterable[Item]) -> str:
    """Give the reason of every verdict that is not plainly SUPPORTED."""
    return "\n".join(
        f"- **{claim.badge.word}** {markdown(claim.entry.id)}: "
        f"{markdown(shorten(claim.entry.reason, _LONGEST_REASON))}"
        for claim in claims
        if claim.entry.outcome != Outcome.SUPPORTED and claim.entry.reason
    )


def _coverage(claims: Iterable[Item]) -> str:
    """Say what the verdicts cover, once for all that cover the same."""
    by_lines: dict[str, list[str]] = {}
    for claim in claims:
        if lines := coverage_lines(claim.entry):
            by_lines.setdefault(" ".join(lines), []).append(claim.label)
    if not by_lines:
        return ""
    points = [
        f"- {markdown(', '.join(names))}: {markdown(lines)}" for lines, names in by_lines.items()
    ]
    return "\n".join(["## What the verdicts cover", "", *points])


def _origin(audit: Audit) -> str:
    origin = audit.provenance
    commit = markdown(origin.git_commit or "unknown")
    dirty = " with uncommitted changes" if origin.git_dirty else ""
    multiplicity = audit.multiplicity
    families = markdown(overview.families(multiplicity, "claim"))
    former = is_former(multiplicity)
    side = "for SUPPORTED; REFUTED was not corrected" if former else "on either side"
    return (
        f"{markdown(multiplicity.method)} over {families}, "
        f"at level {multiplicity.level:g} {side}. Started {markdown(audit.started)}, "
        f"commit {commit}{dirty}. "
        f"{'As it was run then' if former else 'To repeat'}: {markdown(origin.command)}"
    )
