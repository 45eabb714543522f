"""The closing table: what came of every claim and rival, as wide as the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import TextWrapper
from typing import TYPE_CHECKING

from tic.text import shorten, visible

if TYPE_CHECKING:
    from tic.document.audit import Audit, Entry

WIDTH = 79
"""Where nobody says how wide the terminal is."""
_INDENT = "    "
_LEAST = 24
"""Columns that a reason beside its entry must have to say something."""


def verdict_table(audit: Audit, width: int = WIDTH) -> str:
    """Lay out one line per claim and per rival, and say how many controls were caught.

    Of several papers each is summed up first, and then their verdicts stand one after the other.
    Ids are whole, or without their paper where they would not fit; then a scope that all share is
    told once. What stands beside an entry is cut to one line, and told once for neighbours that
    share it: of a decided one the numbers that it hangs on, of an open one how many seeds would
    decide it, where that is known, else the reason.

    Args:
        audit: What is told.
        width: Columns of a line.
    """
    papers = list(dict.fromkeys(entry.paper for entry in audit.entries))
    if len(papers) == 1:
        return "\n\n".join(_blocks(audit.entries, width))
    sums = "\n".join(_summed_up(paper, audit.entries) for paper in papers)
    blocks = [wrapped(sums, width)]
    for paper in papers:
        of_paper = [entry for entry in audit.entries if entry.paper == paper]
        blocks += [f"{paper}:", *_blocks(of_paper, width)]
    return "\n\n".join(blocks)


def totals(entries: Sequence[Entry]) -> str:
    """Count how often each verdict came out; findings that are another's are told apart."""
    from tic.document.repeated import repeated

    repetitions = repeated(entries)
    counts = Counter(entry.outcome for entry in entries if entry.id not in repetitions)
    parts = [f"{count} {outcome}" for outcome, count in counts.items()]
    if repetitions:
        parts.append(f"{len(repetitions)} with the numbers of another, not counted")
    return ", ".join(parts)


def wrapped(text: str, width: int) -> str:
    """Break lines that are too long at spaces, and indent what goes on below its beginning."""
    return "\n".join(_folded(line, max(width, 2 * len(_INDENT))) for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    deeper = line[: len(line) - len(line.lstrip())] + _INDENT
    wrapper = TextWrapper(
        width,
        subsequent_indent=deeper if len(deeper) < width / 2 else "",
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    return "\n".join(wrapper.wrap(visible(line)))


def _summed_up(paper: str, entries: Sequence[Entry]) -> str:
    of_paper = [entry for entry in entries if entry.paper == paper]
    parts = [
        f"{noun} {totals([entry for entry in of_paper if entry.role == role])}"
        for role, noun in (("claim", "claims"), ("rival", "rivals"))
        if any(entry.role == role for entry in of_paper)
    ]
    return f"{paper}: {'; '.join([*parts, *_controls(of_paper)])}"


def _blocks(entries: Sequence[Entry], width: int) -> Iterator[str]:
    for role in ("claim", "rival"):
        of_role = [entry for entry in entries if entry.role == role]
        if of_role:
            heading = ["other explanations, SUPPORTED where they stand:"] if role == "rival" else []
            yield "\n".join([*heading, *_verdict_lines(of_role, width)])
            yield wrapped(totals(of_role), width)
    yield from (wrapped(line, width) for line in _controls(entries))


def _controls(entries: Sequence[Entry]) -> Iterator[str]:
    from tic.document.controls import control_results
    from tic.document.controls import counts as counts_of_results

    if results := control_results(entries):
        yield f"negative controls: {counts_of_results(results)}"


def _verdict_lines(entries: Sequence[Entry], width: int) -> Iterator[str]:
    lines = _aligned(entries, [entry.id for entry in entries])
    if max(map(len, lines)) > width:  # the paper is known, and `--claim` takes names without it
        names = [entry.id.removeprefix(f"{entry.paper}/") for entry in entries]
        lines = _aligned(entries, names)
        levels = {entry.scope.level for entry in entries}
        if max(map(len, lines)) > width and len(levels) == 1:
            yield f"all at {levels.pop()} scale:"
            lines = _aligned(entries, names, level=False)
    column = max(map(len, lines)) + 2
    beside = width - column >= _LEAST
    remarks = [_remark(entry) for entry in entries]
    for line, remark, following in zip(lines, remarks, [*remarks[1:], None], strict=True):
        if not remark or (following == remark and not beside):
            yield line
        elif beside:
            yield f"{line:<{column}}{shorten(remark, width - column)}"
        else:
            yield line
            yield _INDENT + shorten(remark, width - len(_INDENT))


def _remark(entry: Entry) -> str:
    from tic.document.needed_seeds import likely_range
    from tic.report.numerals import seed_range
    from tic.stats.judge import DECIDED, Outcome

    if entry.outcome in DECIDED:
        return _numbers(entry) or entry.reason
    if entry.outcome is not Outcome.INCONCLUSIVE:
        return entry.reason
    for contrast in entry.contrasts:
        # What no number of seeds is known to settle says more than how many the others need.
        if contrast.outcome is Outcome.INCONCLUSIVE and contrast.seeds_to_decide is None:
            return contrast.reason or entry.reason
    seeds = likely_range(entry.contrasts)
    return f"{seed_range(seeds)} in all may decide it" if seeds else entry.reason


def _numbers(entry: Entry) -> str:
    """The estimate that a verdict hangs on, with its interval and what is claimed of it."""
    from tic.document.evidence import decisive_contrast
    from tic.report import verdicts
    from tic.report.numerals import MINUS, THIN

    contrast = decisive_contrast(entry.contrasts, entry.own_outcome)
    if contrast is None:
        return ""
    interval = f" {verdicts.interval(contrast)}" if contrast.interval and contrast.seeds else ""
    text = f"{verdicts.estimate(contrast)}{interval}, claimed {verdicts.region(contrast)}"
    return text.replace(MINUS, "-").replace(THIN, " ")  # not every terminal has them


def _aligned(entries: Sequence[Entry], names: Sequence[str], *, level: bool = True) -> list[str]:
    outcome = max(len(entry.outcome) for entry in entries)
    longest = max(len(entry.scope.level) for entry in entries)
    return [
        f"{entry.outcome:<{outcome}}  "
        + (f"{entry.scope.level:<{longest}}  " if level else "")
        + visible(name)
        for entry, name in zip(entries, names, strict=True)
    ]
