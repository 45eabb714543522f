"""Findings on the measurements: stronger attacks, failed checks, what the release computes."""

from __future__ import annotations

from collections.abc import Iterator

from tic.document.audit import STANDARD_PROTOCOL
from tic.document.evidence import WorstCase
from tic.report.findings.finding import Finding, Span, enumerated, verb
from tic.report.findings.worst_cases import gap
from tic.report.index import Index, Item
from tic.report.number_tables import mean
from tic.report.numerals import counted, fixed, with_unit
from tic.report.reading_table import claims_read
from tic.report.readings import against_release, read_by_release
from tic.report.verdicts import BADGES, SILENT
from tic.stats.judge import Outcome


def robustness(index: Index) -> Iterator[Finding]:
    """Say how many robust accuracies survive a suite of attacks, and where it takes off most."""
    cases = [(item, case) for item in index.measured for case in item.entry.worst_cases]
    if not cases:
        return
    outcomes = [case.outcome for _, case in cases]
    survive, fall = outcomes.count(Outcome.REFUTED), outcomes.count(Outcome.SUPPORTED)
    undecided = len(cases) - survive - fall
    counts = (
        f"Of {len(cases)} {verb(len(cases), 'figure', 'figures')} of robust accuracy, "
        f"{survive} {verb(survive, 'survives', 'survive')} a suite of other and stronger "
        f"attacks, {fall} {verb(fall, 'does', 'do')} not, {undecided} "
        f"{verb(undecided, 'is', 'are')} open."
    )
    item, widest = max(cases, key=lambda pair: gap(pair[1]) or 0.0)
    largest = _widest(item, widest) if (gap(widest) or 0.0) > 0 else ()
    yield Finding("Robustness", (Span(counts), *largest))


def _widest(item: Item, case: WorstCase) -> Iterator[Span]:
    attacked, worst = (
        with_unit(fixed(mean(values), 1), "%") for values in (case.attacked, case.worst)
    )
    yield Span(" The largest gap: ")
    yield Span(case.figure, item)
    yield Span(
        f", {attacked} of the images right under the attack as in the paper, {worst} when each "
        "image meets the attack that is worst for it."
    )


def checks(index: Index) -> Iterator[Finding]:
    """Name the checks of the measurements that failed."""
    made = [(item, check) for item in index.measured for check in item.entry.checks]
    if not made:
        return
    failed = [(item, check) for item, check in made if not check.holds]
    of = f"{counted(len(made), 'check')} of the measurements"
    if not failed:
        yield Finding("Checks", (Span(f"None of {of} failed."),))
        return
    places: dict[str, list[Span]] = {}
    for item, check in failed:
        name = f"{check.name}{' (needed)' if check.needed else ''}"
        places.setdefault(name, []).append(Span(item.label, item))
    points = ((Span(f"{name}: "), *enumerated(spans)) for name, spans in places.items())
    yield Finding("Checks", (Span(f"{len(failed)} of {of} failed:"),), tuple(points))


def release(index: Index) -> Iterator[Finding]:
    """Compare the verdicts by the paper's protocol with those by its released code."""
    compared = [*_by_protocol(index), *_by_reading(index)]
    if not compared:
        return
    of = counted(len(compared), "comparison")
    differing: dict[tuple[Outcome, Outcome], list[Span]] = {}
    for name, *pair in compared:
        if pair[0] != pair[1]:
            differing.setdefault((pair[0], pair[1]), []).append(name)
    topic = "Paper and release"
    if not differing:
        agree = f"The paper's protocol and its released code give one verdict in {of}."
        yield Finding(topic, (Span(agree),))
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


def _by_protocol(index: Index) -> Iterator[tuple[Span, Outcome, Outcome]]:
    for judged in index.settings:
        if STANDARD_PROTOCOL not in judged or judged[STANDARD_PROTOCOL].entry.outcome in SILENT:
            continue
        for name, claim in judged.items():
            by_release = (
                name != STANDARD_PROTOCOL and index.protocols[claim.entry.paper][name].release
            )
            if by_release and claim.entry.outcome not in SILENT:
                span = Span(f"{claim.label} by protocol {name}", claim)
                yield span, judged[STANDARD_PROTOCOL].entry.outcome, claim.entry.outcome


def _by_reading(index: Index) -> Iterator[tuple[Span, Outcome, Outcome]]:
    for item in index.measured:
        if read_by_release(item.entry):
            standard, other = against_release(item.entry)
            span = Span(f"{claims_read(item)} by its readings", item)
            yield span, standard.outcome, other.outcome
