"""Claims, rivals and controls apart, and how the report names and finds each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal

from tic.document.audit import Audit, Entry
from tic.report.text import slug
from tic.stats.judge import Outcome

Role = Literal["claim", "rival", "control"]

# Nothing was found out, so nothing disagrees with what was found elsewhere.
SILENT: Final = frozenset({Outcome.NOT_RUN, Outcome.ERROR})


def only(audit: Audit, role: Role) -> Audit:
    """Return an audit with the entries of one role."""
    return audit.model_copy(update={"entries": of_role(audit.entries, role)})


def of_role(entries: Sequence[Entry], role: Role) -> tuple[Entry, ...]:
    """Return the entries of one role, in their order."""
    return tuple(entry for entry in entries if entry.role == role)


def anchors(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return for each entry the anchor at which the page shows it; no two are the same."""
    seen = Counter[str]()
    result = []
    for entry in entries:
        name = f"{entry.role}-{slug(entry.id)}"
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}--{seen[name]}")
    return tuple(result)


def name_of(entry: Entry) -> str:
    """Return the name of a claim without its paper, which the section already names."""
    return entry.claim.removeprefix(f"{entry.paper}/")


def names(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return for each entry the name of its claim, with the paper where there are several."""
    several = len({entry.paper for entry in entries}) > 1
    return tuple(entry.claim if several else name_of(entry) for entry in entries)


def labels(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return for each entry its name with the parameters in which the audit's entries differ."""
    values: dict[str, set[str]] = {}
    for entry in entries:
        for key, value in entry.parameters.items():
            values.setdefault(key, set()).add(value)
    varying = {key for key, seen in values.items() if len(seen) > 1}
    return tuple(map(partial(_label, varying), entries, names(entries)))


def _label(varying: set[str], entry: Entry, name: str) -> str:
    shown = [value for key, value in entry.parameters.items() if key in varying]
    return f"{name} ({', '.join(shown)})" if shown else name
