"""The summary: result, scope and verdicts in Markdown, for a pull request or a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tic.audit.evidence import Audit, Entry
from tic.report import numerals, verdicts
from tic.report.text import markdown, shorten
from tic.stats.judge import Outcome

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
    blocks.append(verdicts.counts_sentence(audit.entries))
    blocks += _scopes(audit)
    if audit.entries:
        blocks.append(_table(audit.entries))
    blocks += [_list(audit.entries), _origin(audit)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _scopes(audit: Audit) -> Iterator[str]:
    for scope in verdicts.scope_groups(audit.entries):
        of = f": {scope.count} of {len(audit.entries)} verdicts"
        count = "" if scope.count == len(audit.entries) else of
        yield f"**{scope.title}{count}.** {scope.meaning}"
        if scope.differences:
            yield "\n".join(f"- {markdown(difference)}" for difference in scope.differences)


def _table(entries: Iterable[Entry]) -> str:
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *(_row(entry) for entry in entries)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(entry: Entry) -> tuple[str, ...]:
    badge = verdicts.BADGES[entry.outcome]
    contrast = verdicts.decisive(entry)
    estimate, seeds = "–", "–"
    if contrast is not None:
        interval = verdicts.interval(contrast) if contrast.interval else ""
        estimate = f"{verdicts.estimate(contrast)} {interval}"
        seeds = str(len(contrast.seeds) or seeds)
    return (
        f"{badge.symbol} {badge.word}",
        markdown(verdicts.name_of(entry)),
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
        f"{markdown(multiplicity.method)} over {numerals.counted(multiplicity.family, 'claim')} "
        f"at level {multiplicity.level:g}. Started {markdown(audit.started)}, "
        f"commit {commit}{dirty}. "
        f"To repeat: {markdown(origin.command)}"
    )
