"""An audit arranged for reading: what the page shows, in its order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from tic.document.audit import Audit, Paper
from tic.document.places import read_places
from tic.report.controls import ControlTable, control_table
from tic.report.entry import EntryView, entry_views
from tic.report.findings.finding import Finding
from tic.report.findings.rivals import threats
from tic.report.findings.summary import findings
from tic.report.protocols import ProtocolTable, in_overview, protocol_tables, result_sentence
from tic.report.reading_table import OverallTable, overall_tables
from tic.report.roles import Role, anchors, only
from tic.report.tables import Training, training
from tic.report.text import slug
from tic.report.verdicts import BADGES, Badge, ScopeGroup, counts_sentence, scope_groups, title


@dataclass(frozen=True)
class PlaceView:
    """The entries on one place of a paper, and how often each verdict came out."""

    name: str
    entries: tuple[EntryView, ...]
    counts: tuple[tuple[Badge, int], ...]


@dataclass(frozen=True)
class PaperView:
    """A paper and the verdicts on its claims, in the order of the audit.

    `overview` are those that the first table lists, `places` all of them for the contents.
    """

    paper: Paper | None
    key: str
    anchor: str
    entries: tuple[EntryView, ...]
    overview: tuple[EntryView, ...]
    places: tuple[PlaceView, ...]


@dataclass(frozen=True)
class AuditView:
    """The whole page.

    `items` are the claims and `rivals` the other explanations, in the order of the audit; `linked`
    holds by anchor the rivals of each claim and the claims of the overview that each rival
    threatens, `anchors` where each entry of the audit is shown.
    """

    audit: Audit
    title: str
    sentence: str
    findings: tuple[Finding, ...]
    scopes: tuple[ScopeGroup, ...]
    items: tuple[EntryView, ...]
    rivals: tuple[EntryView, ...]
    linked: Mapping[str, tuple[EntryView, ...]]
    anchors: tuple[str, ...]
    papers: tuple[PaperView, ...]
    protocols: tuple[ProtocolTable, ...]
    protocol_sentence: str
    readings: tuple[OverallTable, ...]
    controls: ControlTable | None
    training: Training


def audit_view(audit: Audit) -> AuditView:
    """Arrange an audit for the page."""
    claims = only(audit, "claim")
    places = anchors(audit.entries)
    scopes = scope_groups(claims.entries)
    common = {scope.level: scope.differences for scope in scopes}
    views = entry_views(claims, _places(audit, "claim"), common)
    rivals = entry_views(only(audit, "rival"), _places(audit, "rival"), common)
    tables = protocol_tables(claims)
    shown = in_overview(claims.entries) if tables else claims.entries
    listed = {entry.id for entry in shown}
    return AuditView(
        audit=audit,
        title=title(audit),
        sentence=counts_sentence(shown),
        findings=findings(audit),
        scopes=scopes,
        items=views,
        rivals=rivals,
        linked=_linked(audit, places, (*views, *rivals), listed),
        anchors=places,
        papers=_paper_views(audit, views, listed),
        protocols=tables,
        protocol_sentence=result_sentence(claims, tables) if tables else "",
        readings=overall_tables(audit.entries),
        controls=control_table(audit.entries),
        training=training(audit.runs),
    )


def _places(audit: Audit, role: Role) -> tuple[str, ...]:
    named = zip(anchors(audit.entries), audit.entries, strict=True)
    return tuple(anchor for anchor, entry in named if entry.role == role)


def _linked(
    audit: Audit, places: Sequence[str], views: Sequence[EntryView], listed: Set[str]
) -> dict[str, tuple[EntryView, ...]]:
    """Link claims under all protocols to their rivals, and rivals to the claims that are listed."""
    by_anchor = {view.anchor: view for view in views}
    linked = {
        places[index]: tuple(by_anchor[places[other]] for other in others)
        for index, others in threats(audit.entries).items()
    }
    return {
        anchor: tuple(o for o in others if o.entry.role == "rival" or o.entry.id in listed)
        for anchor, others in linked.items()
    }


def _paper_views(
    audit: Audit, views: Sequence[EntryView], shown: Set[str]
) -> tuple[PaperView, ...]:
    papers = {paper.key: paper for paper in audit.papers}
    keys = dict.fromkeys([*papers, *(view.entry.paper for view in views)])
    members = {key: tuple(v for v in views if v.entry.paper == key) for key in keys}
    return tuple(
        PaperView(
            paper=papers.get(key),
            key=key,
            anchor=f"paper-{slug(key)}",
            entries=entries,
            overview=tuple(view for view in entries if view.entry.id in shown),
            places=_place_views(entries),
        )
        for key, entries in members.items()
    )


def _place_views(views: Sequence[EntryView]) -> tuple[PlaceView, ...]:
    places: dict[str, list[EntryView]] = {}
    for view in views:
        places.setdefault(read_places(view.entry.source)[0].whole, []).append(view)
    return tuple(
        PlaceView(name, tuple(members), _counts(members)) for name, members in places.items()
    )


def _counts(views: Sequence[EntryView]) -> tuple[tuple[Badge, int], ...]:
    counts = Counter(view.badge for view in views)
    return tuple((badge, counts[badge]) for badge in BADGES.values() if counts[badge])
