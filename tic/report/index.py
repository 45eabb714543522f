"""The index of an audit: how the report names and finds each entry, and what belongs to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tic.document.audit import STANDARD_PROTOCOL, Audit, Entry, ProtocolRecord
from tic.document.evidence import Contrast, decisive_contrast
from tic.document.repeated import repeated
from tic.document.rivals import threatens
from tic.report.text import slug
from tic.report.verdicts import BADGES, Badge


# By identity, so that two entries that are alike in everything are still two items.
@dataclass(frozen=True, eq=False)
class Item:
    """One entry of an audit.

    Attributes:
        entry: What the audit says of it.
        anchor: Where the page shows it; no two items have the same.
        name: Its claim without the paper, which the section already names.
        full_name: Its claim, with the paper where the audit has several.
        label: The full name with the parameters in which the entries of its paper differ.
    """

    entry: Entry
    anchor: str
    name: str
    full_name: str
    label: str

    @property
    def badge(self) -> Badge:
        """How its outcome is shown."""
        return BADGES[self.entry.outcome]

    @property
    def decisive(self) -> Contrast | None:
        """The contrast that its verdict hangs on."""
        return decisive_contrast(self.entry.contrasts, self.entry.own_outcome)

    @property
    def standard(self) -> bool:
        """Whether it was judged by the standard protocol."""
        return self.entry.protocol == STANDARD_PROTOCOL


@dataclass(frozen=True)
class Index:
    """An audit with its entries as items, all in the order of the audit.

    Attributes:
        audit: What is indexed.
        items: All entries.
        claims: Those of that role.
        rivals: Those of that role.
        controls: Those of that role.
        measured: What says something of a paper: claims and rivals.
        overview: The claims that are listed and counted: all but what the standard protocol stands
            for. A claim that was judged by other protocols only is listed under each of them, so
            that no claim is missing.
        repeats: Of the overview those that have the numbers of another, and which that is.
        counted: Those of the overview whose verdicts are counted: no finding twice.
        protocols: By paper and name those of every paper with a claim; what only its claims name
            comes last.
        settings: Each claim in its setting, by the protocols that judged it.
        siblings: For each claim, those of its setting, itself included.
        rivals_of: For each claim the rivals that threaten it.
        threatened_by: For each rival the claims of the overview that it threatens.
    """

    audit: Audit
    items: tuple[Item, ...]
    claims: tuple[Item, ...]
    rivals: tuple[Item, ...]
    controls: tuple[Item, ...]
    measured: tuple[Item, ...]
    overview: tuple[Item, ...]
    repeats: Mapping[Item, Item]
    counted: tuple[Item, ...]
    protocols: Mapping[str, Mapping[str, ProtocolRecord]]
    settings: tuple[Mapping[str, Item], ...]
    siblings: Mapping[Item, Mapping[str, Item]]
    rivals_of: Mapping[Item, tuple[Item, ...]]
    threatened_by: Mapping[Item, tuple[Item, ...]]


def index_of(audit: Audit) -> Index:
    """Index an audit.

    Args:
        audit: What an execution of the suite left.
    """
    items = tuple(_items(audit.entries))
    claims, rivals, controls = (
        tuple(item for item in items if item.entry.role == role)
        for role in ("claim", "rival", "control")
    )
    settings = _settings(claims)
    siblings = {claim: members for members in settings for claim in members.values()}
    overview = tuple(c for c in claims if c.standard or STANDARD_PROTOCOL not in siblings[c])
    repeats = _repeats(overview)
    rivals_of = {
        claim: tuple(rival for rival in rivals if threatens(rival.entry, claim.entry))
        for claim in claims
    }
    return Index(
        audit=audit,
        items=items,
        claims=claims,
        rivals=rivals,
        controls=controls,
        measured=tuple(item for item in items if item.entry.role != "control"),
        overview=overview,
        repeats=repeats,
        counted=tuple(claim for claim in overview if claim not in repeats),
        protocols=_protocols(audit, claims),
        settings=settings,
        siblings=siblings,
        rivals_of=rivals_of,
        threatened_by={
            rival: tuple(claim for claim in overview if rival in rivals_of[claim])
            for rival in rivals
        },
    )


def short_names(items: Sequence[Item]) -> list[str]:
    """Names of some items without their paper, with what tells those of one name apart."""
    names = []
    for item in items:
        alike = [other.entry.parameters for other in items if other.name == item.name]
        own = [
            value
            for key, value in item.entry.parameters.items()
            if any(parameters.get(key) != value for parameters in alike)
        ]
        names.append(f"{item.name} ({', '.join(own)})" if own else item.name)
    return names


def _items(entries: Sequence[Entry]) -> Iterator[Item]:
    several_papers = len({entry.paper for entry in entries}) > 1
    values: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        for key, value in entry.parameters.items():
            values.setdefault((entry.paper, key), set()).add(value)
    anchors = Counter[str]()
    for entry in entries:
        anchor = f"{entry.role}-{slug(entry.id)}"
        anchors[anchor] += 1
        name = entry.claim.removeprefix(f"{entry.paper}/")
        full_name = entry.claim if several_papers else name
        varying = [
            value for key, value in entry.parameters.items() if len(values[entry.paper, key]) > 1
        ]
        yield Item(
            entry=entry,
            anchor=anchor if anchors[anchor] == 1 else f"{anchor}--{anchors[anchor]}",
            name=name,
            full_name=full_name,
            label=f"{full_name} ({', '.join(varying)})" if varying else full_name,
        )


def _repeats(claims: Sequence[Item]) -> dict[Item, Item]:
    originals = repeated([claim.entry for claim in claims])
    by_id = {claim.entry.id: claim for claim in claims}
    return {c: by_id[originals[c.entry.id]] for c in claims if c.entry.id in originals}


def _settings(claims: Sequence[Item]) -> tuple[dict[str, Item], ...]:
    settings: dict[tuple[object, ...], dict[str, Item]] = {}
    repetitions = Counter[tuple[object, ...]]()
    for claim in claims:
        entry = claim.entry
        setting = (entry.paper, entry.claim, *sorted(entry.parameters.items()))
        # A repeated entry gets a setting of its own instead of shadowing the first.
        repetition = repetitions[(entry.protocol, *setting)]
        repetitions[(entry.protocol, *setting)] += 1
        settings.setdefault((repetition, *setting), {})[entry.protocol] = claim
    return tuple(settings.values())


def _protocols(audit: Audit, claims: Sequence[Item]) -> dict[str, dict[str, ProtocolRecord]]:
    protocols: dict[str, dict[str, ProtocolRecord]] = {claim.entry.paper: {} for claim in claims}
    for record in audit.protocols:
        protocols.get(record.paper, {}).setdefault(record.name, record)
    for claim in claims:
        paper, name = claim.entry.paper, claim.entry.protocol
        unlisted = ProtocolRecord(paper=paper, name=name, says="", release=False)
        protocols[paper].setdefault(name, unlisted)
    return protocols
