"""The rule of audits before schema 5: Holm's correction of supports, over what was collected.

It let a refutation pass uncorrected, so that some true claim among many was REFUTED far more often
than was promised. Kept so that old audits verify as they were judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tic.document.audit import STANDARD_PROTOCOL, Entry, Family, Multiplicity
from tic.stats import Outcome, holm

METHOD = "Holm"


def correct_by_holm(
    entries: Sequence[Entry], confidence: float
) -> tuple[list[Entry], Multiplicity]:
    """Let SUPPORTED stand only where it survives Holm's correction over its paper.

    The family is every collected claim of the paper that rests on seeds, those that were not judged
    included: it does not shrink when some of them fail, and claims of other papers do not widen it.
    Another protocol is another reading of the same claims and no further discovery, so each is
    corrected in a family of its own, where claims that it does not touch stand as in the standard
    one. Rivals are corrected among themselves; negative controls are not, since none of them may be
    supported even alone. The level is the error rate that the two-sided intervals leave on either
    side.
    """
    level = (1 - confidence) / 2
    tested: dict[tuple[str, str], list[Entry]] = {}
    for entry in filter(_is_tested, entries):
        tested.setdefault((entry.paper, entry.role), []).append(entry)
    fallen = {name for members in tested.values() for name in _fallen(members, level)}
    sizes = Counter({key: len(set(map(_identity, own))) for key, own in tested.items()})
    corrected = [
        _demote(entry, sizes[entry.paper, entry.role])
        if entry.own_outcome is Outcome.SUPPORTED and entry.id in fallen
        else entry
        for entry in entries
    ]
    families = tuple(
        Family(paper=paper, setting="", claims=sizes[paper, "claim"], rivals=sizes[paper, "rival"])
        for paper in dict.fromkeys(entry.paper for entry in entries)
    )
    return corrected, Multiplicity(method=METHOD, level=level, families=families)


def _fallen(members: Sequence[Entry], level: float) -> set[str]:
    """Ids of the entries of one paper and role that do not survive the correction."""
    fallen: set[str] = set()
    for protocol in {entry.protocol for entry in members}:
        family = _family(members, protocol)
        survives = holm([1.0 if e.p_value is None else e.p_value for e in family], level)
        fallen |= {
            entry.id
            for entry, stands in zip(family, survives, strict=True)
            if not stands and entry.protocol == protocol
        }
    return fallen


def _family(claims: Sequence[Entry], protocol: str) -> list[Entry]:
    """Every claim once: under the protocol where it was judged by it, else under any other."""
    ranked = sorted(claims, key=lambda e: (e.protocol != protocol, e.protocol != STANDARD_PROTOCOL))
    chosen: dict[object, Entry] = {}
    for entry in ranked:
        chosen.setdefault(_identity(entry), entry)
    return list(chosen.values())


def _identity(entry: Entry) -> object:
    return entry.claim, tuple(sorted(entry.parameters.items()))


def _is_tested(entry: Entry) -> bool:
    """Whether an entry is one of those that are corrected together."""
    is_exact = bool(entry.contrasts) and not any(contrast.seeds for contrast in entry.contrasts)
    has_setting = entry.offered and entry.outcome is not Outcome.NOT_APPLICABLE
    return entry.role != "control" and has_setting and not is_exact


def _demote(entry: Entry, family: int) -> Entry:
    reason = f"supported alone, but not after Holm's correction over {family} {entry.role}s"
    return entry.model_copy(update={"outcome": Outcome.INCONCLUSIVE, "reason": reason})
