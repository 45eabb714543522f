"""The summary: result, scope and verdicts in Markdown, for a pull request or a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tic.document.audit import Audit, Entry
from tic.report import numerals, verdicts
from tic.report.findings.finding import text
from tic.report.findings.summary import findings
from tic.report.multiplicity import families
from tic.report.protocols import (
    ProtocolCell,
    ProtocolRow,
    ProtocolTable,
    in_overview,
    protocol_tables,
    result_sentence,
)
from tic.report.roles import name_of, names, only
from tic.report.text import markdown
from tic.stats.judge import Outcome
from tic.text import shorten

_LONGEST_REASON = 200
_COLUMNS = ("Verdict", "Claim", "Place", "Setting", "Estimate", "p", "Seeds")


def render_markdown(audit: Audit) -> str:
    """Return a short summary of an audit.

    Args:
        audit: What an execution of the suite left.
    """
    blocks = [f"# Claim audit: {markdown(verdicts.title(audit))}"]
    if not audit.completed:
        blocks.append("**Interrupted.** The audit did not run to its end; what follows is partial.")
    claims = only(audit, "claim")
    tables = protocol_tables(claims)
    shown = in_overview(claims.entries) if tables else claims.entries
    blocks.append("## Auditor's summary")
    blocks.append(verdicts.counts_sentence(shown))
    blocks += [result_sentence(claims, tables)] if tables else []
    blocks.append(_findings(audit))
    blocks += _scopes(claims)
    if shown:
        blocks.append(_table(_COLUMNS, map(_row, shown, names(shown))))
    blocks.append(_list(claims.entries))
    blocks += _protocols(tables)
    blocks.append(_origin(audit))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _findings(audit: Audit) -> str:
    """List what stands behind the verdicts."""
    lines = []
    for found in findings(audit):
        topic = f"{markdown(found.topic)}{' (alarm)' if found.alarm else ''}"
        lines.append(f"- **{topic}.** {markdown(text(found.spans))}")
        lines += [f"  - {markdown(text(point))}" for point in found.points]
    return "\n".join(lines)


def _scopes(audit: Audit) -> Iterator[str]:
    for scope in verdicts.scope_groups(audit.entries):
        of = f": {scope.count} of {len(audit.entries)} verdicts"
        count = "" if scope.count == len(audit.entries) else of
        yield f"**{scope.title}{count}.** {scope.meaning}"
        if scope.differences:
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
        markdown(name_of(row.entry)),
        markdown(verdicts.parameters(row.entry) or "–"),
        *(_protocol_cell(cell) for cell in row.cells),
        "**differ**" if row.differs else "–",
    )


def _protocol_cell(cell: ProtocolCell) -> str:
    if cell.entry is None:
        return f"– ({cell.remark})"
    contrast = verdicts.decisive(cell.entry)
    shown = "" if contrast is None else f": {markdown(verdicts.estimate(contrast))}"
    return f"{_badge(cell.entry)}{shown}"


def _badge(entry: Entry) -> str:
    badge = verdicts.BADGES[entry.outcome]
    return f"{badge.symbol} {badge.word}"


def _row(entry: Entry, name: str) -> tuple[str, ...]:
    contrast = verdicts.decisive(entry)
    estimate, seeds = "–", "–"
    if contrast is not None:
        interval = verdicts.interval(contrast) if contrast.interval else ""
        estimate = f"{verdicts.estimate(contrast)} {interval}"
        seeds = str(len(contrast.seeds) or seeds)
    return (
        _badge(entry),
        markdown(name),
        markdown(entry.source),
        markdown(verdicts.setting(entry) or "–"),
        markdown(estimate),
        markdown(numerals.p_value(entry.p_value)),
        seeds,
    )


def _list(entries: Iterable[Entry]) -> str:
    """Give the reason of every verdict that is not plainly SUPPORTED."""
    told = [entry for entry in entries if entry.outcome != Outcome.SUPPORTED and entry.reason]
    return "\n".join(
        f"- **{verdicts.BADGES[entry.outcome].word}** {markdown(entry.id)}: "
        f"{markdown(shorten(entry.reason, _LONGEST_REASON))}"
        for entry in told
    )


def _origin(audit: Audit) -> str:
    origin = audit.provenance
    commit = markdown(origin.git_commit or "unknown")
    dirty = " with uncommitted changes" if origin.git_dirty else ""
    multiplicity = audit.multiplicity
    return (
        f"{markdown(multiplicity.method)} over {markdown(families(multiplicity, 'claim'))} "
        f"at level {multiplicity.level:g}. Started {markdown(audit.started)}, "
        f"commit {commit}{dirty}. "
        f"To repeat: {markdown(origin.command)}"
    )
