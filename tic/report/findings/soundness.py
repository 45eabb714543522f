"""Findings on the measurements: stronger attacks, failed checks, what the release computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from tic.document.audit import Entry
from tic.document.evidence import WorstCase
from tic.report.findings.finding import Finding, Span, enumerated, measured, numbered, verb
from tic.report.findings.worst_cases import gap
from tic.report.number_tables import mean
from tic.report.numerals import counted, fixed, with_unit
from tic.report.protocols import STANDARD, grouped
from tic.report.reading_table import claim_names
from tic.report.readings import against_release, read_by_release
from tic.report.roles import SILENT, labels
from tic.report.verdicts import BADGES
from tic.stats.judge import Outcome


def robustness(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Say how many robust accuracies survive a suite of attacks, and where it takes off most."""
    cases = [(i, case) for i, entry in measured(entries) for case in entry.worst_cases]
    if not cases:
        return
    outcomes = [case.outcome for _, case in cases]
    survive, fall = outcomes.count(Outcome.REFUTED), outcomes.count(Outcome.SUPPORTED)
    undecided = len(cases) - survive - fall
    told = (
        f"Of {len(cases)} {verb(len(cases), 'figure', 'figures')} of robust accuracy, "
        f"{survive} {verb(survive, 'survives', 'survive')} a suite of other and stronger "
        f"attacks, {fall} {verb(fall, 'does', 'do')} not, {undecided} "
        f"{verb(undecided, 'is', 'are')} open."
    )
    index, widest = max(cases, key=lambda pair: gap(pair[1]) or 0.0)
    largest = _widest(index, widest) if (gap(widest) or 0.0) > 0 else ()
    yield Finding("Robustness", (Span(told), *largest))


def _widest(index: int, case: WorstCase) -> Iterator[Span]:
    attacked, worst = (
        with_unit(fixed(mean(values), 1), "%") for values in (case.attacked, case.worst)
    )
    yield Span(" The largest gap: ")
    yield Span(case.figure, index)
    yield Span(
        f", {attacked} of the images right under the attack as in the paper, {worst} when each "
        "image meets the attack that is worst for it."
    )


def checks(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Name the checks of the measurements that failed."""
    made = [(i, check) for i, entry in measured(entries) for check in entry.checks]
    if not made:
        return
    failed = [(i, check) for i, check in made if not check.holds]
    of = f"{counted(len(made), 'check')} of the measurements"
    if not failed:
        yield Finding("Checks", (Span(f"None of {of} failed."),))
        return
    named = labels(entries)
    places: dict[str, list[Span]] = {}
    for index, check in failed:
        name = f"{check.name}{' (needed)' if check.needed else ''}"
        places.setdefault(name, []).append(Span(named[index], index))
    points = ((Span(f"{name}: "), *enumerated(spans)) for name, spans in places.items())
    yield Finding("Checks", (Span(f"{len(failed)} of {of} failed:"),), tuple(points))


def release(entries: Sequence[Entry], protocols: Set[tuple[str, str]]) -> Iterator[Finding]:
    """Compare the verdicts by the paper's protocol with those by its released code.

    Args:
        entries: Those of the audit.
        protocols: Paper and name of the protocols that stand for the release.
    """
    compared = [*_by_protocol(entries, protocols), *_by_reading(entries)]
    if not compared:
        return
    of = counted(len(compared), "comparison")
    differing: dict[tuple[Outcome, Outcome], list[Span]] = {}
    for name, *pair in compared:
        if pair[0] != pair[1]:
            differing.setdefault((pair[0], pair[1]), []).append(name)
    topic = "Paper and release"
    if not differing:
        told = f"The paper's protocol and its released code give one verdict in {of}."
        yield Finding(topic, (Span(told),))
        return
    points = (
        (
            Span(f"{BADGES[one].word} by the paper, {BADGES[other].word} by the release: "),
            *enumerated(names),
        )
        for (one, other), names in differing.items()
    )
    count = sum(map(len, differing.values()))
    start = f"The paper's protocol and its released code disagree in {count} of {of}:"
    yield Finding(topic, (Span(start),), tuple(points))


def _by_protocol(
    entries: Sequence[Entry], protocols: Set[tuple[str, str]]
) -> Iterator[tuple[Span, Outcome, Outcome]]:
    claims, named = numbered(entries, "claim"), labels(entries)
    for members in grouped([entry for _, entry in claims]):
        judged = {name: claims[place] for name, place in members.items()}
        if STANDARD not in judged or judged[STANDARD][1].outcome in SILENT:
            continue
        for name, (index, entry) in judged.items():
            by_release = name != STANDARD and (entry.paper, name) in protocols
            if by_release and entry.outcome not in SILENT:
                span = Span(f"{named[index]} by protocol {name}", index)
                yield span, judged[STANDARD][1].outcome, entry.outcome


def _by_reading(entries: Sequence[Entry]) -> Iterator[tuple[Span, Outcome, Outcome]]:
    named = claim_names(entries)
    for index, entry in measured(entries):
        if read_by_release(entry):
            standard, other = against_release(entry)
            yield Span(f"{named[index]} by its readings", index), standard.outcome, other.outcome
