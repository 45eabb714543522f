"""What came of each paper of an audit of several: the first table of its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tic.document.audit import Entry, Paper
from tic.document.controls import control_results
from tic.document.controls import counts as counts_of_results
from tic.document.rivals import explains
from tic.report.index import Index, Item, short_names
from tic.report.verdicts import BADGES, Badge
from tic.stats.judge import JUDGED, Outcome


@dataclass(frozen=True)
class PaperRow:
    """A paper, and what came of it in all.

    Attributes:
        key: Of the paper.
        paper: Its citation; None where the audit does not describe it.
        verdicts: How often each verdict on its claims came out; a finding that is another's is not
            counted again.
        unjudged: How often a claim came to no verdict, and why.
        rivals: How many were tested and came to a verdict.
        untested: How many came to none.
        explaining: Those that explain a claim that is supported, so that it does not stand, with
            names that tell them apart.
        controls: What came of its negative controls, in words; empty where none was made.
        scopes: At which scales its claims were judged.
    """

    key: str
    paper: Paper | None
    verdicts: tuple[tuple[Badge, int], ...]
    unjudged: tuple[tuple[Badge, int], ...]
    rivals: int
    untested: int
    explaining: tuple[tuple[str, Item], ...]
    controls: str
    scopes: tuple[str, ...]

    @property
    def title(self) -> str:
        """Of the paper, or its key where the audit does not describe it."""
        return self.paper.title if self.paper else self.key

    @property
    def citation(self) -> str:
        """Authors, venue and year."""
        paper = self.paper
        return f"{paper.authors}. {paper.venue} {paper.year}." if paper else ""

    @property
    def counts(self) -> str:
        """The verdicts in words."""
        verdicts, unjudged = (
            ", ".join(f"{count} {badge.phrase}" for badge, count in outcomes)
            for outcomes in (self.verdicts, self.unjudged)
        )
        return "; ".join(filter(None, (verdicts or "none", unjudged)))

    @property
    def explained(self) -> str:
        """How many rivals explain what is claimed, of those that came to a verdict."""
        explaining = f"{len(self.explaining)} of {self.rivals}" if self.rivals else "none tested"
        without = f" ({self.untested} without a verdict)" if self.untested else ""
        return f"{explaining}{without}"


def paper_keys(index: Index) -> tuple[str, ...]:
    """Keys of the papers that are described or claimed from, in the order of the audit."""
    described = (paper.key for paper in index.audit.papers)
    return tuple(dict.fromkeys([*described, *(claim.entry.paper for claim in index.claims)]))


def paper_rows(index: Index) -> tuple[PaperRow, ...]:
    """Sum up each paper of an audit; nothing where there is but one."""
    keys = paper_keys(index)
    return tuple(_row(index, key) for key in keys) if len(keys) > 1 else ()


def _row(index: Index, key: str) -> PaperRow:
    def of(items: Sequence[Item]) -> list[Item]:
        return [item for item in items if item.entry.paper == key]

    rivals = of(index.rivals)
    claims, counted = ([c.entry for c in of(items)] for items in (index.overview, index.counted))
    explaining = [rival for rival in rivals if explains(rival.entry, claims)]
    entries = [item.entry for item in of(index.items)]
    return PaperRow(
        key=key,
        paper=next((paper for paper in index.audit.papers if paper.key == key), None),
        verdicts=_counted(counted, among=JUDGED),
        unjudged=_counted(counted, among=BADGES.keys() - JUDGED),
        rivals=sum(rival.entry.outcome in JUDGED for rival in rivals),
        untested=sum(rival.entry.outcome not in JUDGED for rival in rivals),
        explaining=tuple(zip(short_names(explaining), explaining, strict=True)),
        controls=counts_of_results(control_results(entries)),
        scopes=tuple(dict.fromkeys(item.entry.scope.level for item in of(index.claims))),
    )


def _counted(
    entries: Sequence[Entry], *, among: Collection[Outcome]
) -> tuple[tuple[Badge, int], ...]:
    counts = Counter(entry.outcome for entry in entries if entry.outcome in among)
    return tuple((b, counts[outcome]) for outcome, b in BADGES.items() if counts[outcome])
