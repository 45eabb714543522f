"""An audit arranged for reading: what the page shows, in its order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tic.document.audit import Paper
from tic.document.places import read_places
from tic.report.article import Article, articles
from tic.report.by_paper import PaperRow, paper_keys, paper_rows
from tic.report.controls import ControlTable, control_table
from tic.report.findings.finding import Finding
from tic.report.findings.summary import findings
from tic.report.index import Index, Item
from tic.report.notices import Notice, notices
from tic.report.overview import ScopeGroup, counts_sentence, legend, scope_groups, title
from tic.report.protocols import ProtocolTable, protocol_tables, result_sentence
from tic.report.reading_table import OverallTable, overall_tables
from tic.report.tables import Training, training
from tic.report.text import slug
from tic.report.verdicts import BADGES, Badge


@dataclass(frozen=True)
class PlaceView:
    """The verdicts on one place of a paper, and how often each came out, no finding twice."""

    name: str
    claims: tuple[Item, ...]
    counts: tuple[tuple[Badge, int], ...]


@dataclass(frozen=True)
class PaperView:
    """A paper and the verdicts on its claims, in the order of the audit.

    `overview` are those that the first table lists, `places` all of them for the contents.
    """

    paper: Paper | None
    key: str
    anchor: str
    articles: tuple[Article, ...]
    overview: tuple[Item, ...]
    places: tuple[PlaceView, ...]

    @property
    def title(self) -> str:
        """The title of the paper, or its key where the audit does not describe it."""
        return self.paper.title if self.paper else self.key


@dataclass(frozen=True)
class AuditView:
    """The whole page."""

    title: str
    notices: tuple[Notice, ...]
    sentence: str
    findings: tuple[Finding, ...]
    by_paper: tuple[PaperRow, ...]
    scopes: tuple[ScopeGroup, ...]
    papers: tuple[PaperView, ...]
    outcomes: tuple[tuple[Badge, int], ...]
    legend: str
    rivals: tuple[Article, ...]
    protocols: tuple[ProtocolTable, ...]
    protocol_sentence: str
    readings: tuple[OverallTable, ...]
    controls: ControlTable | None
    training: Training


def audit_view(index: Index) -> AuditView:
    """Arrange an audit for the page."""
    scopes = scope_groups(index)
    common = {(scope.paper, scope.level): scope.differences for scope in scopes}
    tables = protocol_tables(index)
    return AuditView(
        title=title(index.audit),
        notices=notices(index.audit),
        sentence=counts_sentence(index),
        findings=findings(index),
        by_paper=paper_rows(index),
        scopes=scopes,
        papers=_paper_views(index, articles(index, index.claims, common)),
        outcomes=_counts(index.counted),
        legend=legend(index),
        rivals=articles(index, index.rivals, common),
        protocols=tables,
        protocol_sentence=result_sentence(index, tables),
        readings=overall_tables(index),
        controls=control_table(index),
        training=training(index.audit.runs),
    )


def _paper_views(index: Index, claims: Sequence[Article]) -> tuple[PaperView, ...]:
    papers = {paper.key: paper for paper in index.audit.papers}
    return tuple(
        PaperView(
            paper=papers.get(key),
            key=key,
            anchor=f"paper-{slug(key)}",
            articles=tuple(article for article in claims if article.item.entry.paper == key),
            overview=tuple(claim for claim in index.overview if claim.entry.paper == key),
            places=_place_views(
                [claim for claim in index.claims if claim.entry.paper == key], index.repeats
            ),
        )
        for key in paper_keys(index)
    )


def _place_views(claims: Sequence[Item], repeats: Collection[Item]) -> tuple[PlaceView, ...]:
    places: dict[str, list[Item]] = {}
    for claim in claims:
        places.setdefault(read_places(claim.entry.source)[0].whole, []).append(claim)
    return tuple(
        PlaceView(name, tuple(members), _counts([c for c in members if c not in repeats]))
        for name, members in places.items()
    )


def _counts(claims: Sequence[Item]) -> tuple[tuple[Badge, int], ...]:
    counts = Counter(claim.badge for claim in claims)
    return tuple((badge, counts[badge]) for badge in BADGES.values() if counts[badge])
