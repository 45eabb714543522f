"""The auditor's summary: what stands behind the verdicts, in sentences made from the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tic.document.audit import Audit, Entry
from tic.report.controls import control_sentence, missed
from tic.report.findings.finding import (
    Finding,
    Span,
    enumerated,
    listed,
    numbered,
    overview,
    verb,
)
from tic.report.findings.nearness import hangs_on, left_out
from tic.report.findings.rivals import threats
from tic.report.findings.soundness import checks, release, robustness
from tic.report.numerals import counted
from tic.report.roles import labels, name_of
from tic.stats.judge import Outcome

_RIVAL_GROUPS = (
    ("stands against every rival tested", "stand against every rival tested"),
    (
        "does not stand against a rival that is supported",
        "do not stand against a rival that is supported",
    ),
    ("has a rival that is still open", "have a rival that is still open"),
    ("has no rival tested", "have no rival tested"),
)


def findings(audit: Audit) -> tuple[Finding, ...]:
    """Return what an audit found beside its verdicts; nothing on a topic where nothing was done.

    Args:
        audit: What an execution of the suite left.
    """
    entries = audit.entries
    protocols = {(each.paper, each.name) for each in audit.protocols if each.release}
    return (
        *_rivals(entries),
        *robustness(entries),
        *checks(entries),
        *release(entries, protocols),
        *_controls(entries),
        *_seeds(entries),
    )


def _rivals(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Sort the supported claims by what their rivals leave of them."""
    if not numbered(entries, "rival"):
        return
    topic, named, linked = "Rival explanations", labels(entries), threats(entries)
    supported = [i for i, entry in overview(entries) if entry.outcome is Outcome.SUPPORTED]
    if not supported:
        told = "No claim is supported, so no rival could explain away what it observes."
        yield Finding(topic, (Span(told),))
        return
    groups: dict[int, list[tuple[Span, ...]]] = {place: [] for place in range(len(_RIVAL_GROUPS))}
    for index in supported:
        claim = Span(named[index], index)
        place, against = _rival_group({rival: entries[rival].outcome for rival in linked[index]})
        rivals = enumerated([Span(name_of(entries[rival]), rival) for rival in against])
        groups[place].append((claim, Span(" against "), *rivals) if against else (claim,))
    of = counted(len(supported), "supported verdict")
    start = f"A rival explains otherwise what a claim observes. Of {of}:"
    points = (
        (Span(f"{len(told)} {verb(len(told), *_RIVAL_GROUPS[place])}: "), *listed(told))
        for place, told in groups.items()
        if told
    )
    yield Finding(topic, (Span(start),), tuple(points))


def _rival_group(outcomes: dict[int, Outcome]) -> tuple[int, list[int]]:
    """Return the group of a claim with these rivals, and which of them put it there."""
    if not outcomes:
        return 3, []
    supported = [rival for rival, outcome in outcomes.items() if outcome is Outcome.SUPPORTED]
    undecided = [rival for rival, outcome in outcomes.items() if outcome is not Outcome.REFUTED]
    return (1, supported) if supported else (2, undecided) if undecided else (0, [])


def _controls(entries: Sequence[Entry]) -> Iterator[Finding]:
    made = numbered(entries, "control")
    if not made:
        return
    spans = [
        Span(
            f"{control_sentence([entry for _, entry in made])} A negative control is a claim made "
            "false on purpose, which its own test must not support."
        )
    ]
    named = labels(entries)
    through = [
        Span(f"{named[i]}: {entry.control.name}" if entry.control else named[i], i)
        for i, entry in made
        if missed(entry)
    ]
    if through:
        spans += [Span(" Supported all the same: "), *enumerated(through), Span(".")]
    yield Finding("Negative controls", tuple(spans), alarm=bool(through))


def _seeds(entries: Sequence[Entry]) -> Iterator[Finding]:
    tried = [(i, entry) for i, entry in overview(entries) if left_out(entry)]
    if not tried:
        return
    named = labels(entries)
    hanging = [Span(named[i], i) for i, entry in tried if hangs_on(entry)]
    of = f"of {counted(len(tried), 'verdict')}"
    if not hanging:
        spans: tuple[Span, ...] = (Span(f"With any one seed left out, none {of} becomes another."),)
    else:
        hangs = verb(len(hanging), "hangs on a single seed", "hang on a single seed each")
        without = " Each of them becomes another when that seed is left out."
        start = Span(f"{len(hanging)} {of} {hangs}: ")
        spans = (start, *enumerated(hanging), Span("."), Span(without if len(hanging) > 1 else ""))
    yield Finding("Single seeds", spans)
