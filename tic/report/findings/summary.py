"""The auditor's summary: what stands behind the verdicts, in sentences made from the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from tic.document.controls import ControlResult, control_results
from tic.report.controls import control_sentence
from tic.report.findings.failures import failures
from tic.report.findings.finding import Finding, Span, enumerated, listed, verb
from tic.report.findings.nearness import hangs_on, left_out
from tic.report.findings.rivals import explanations
from tic.report.findings.soundness import checks, release, robustness
from tic.report.index import Index
from tic.report.numerals import counted
from tic.stats.judge import Outcome


def findings(index: Index) -> tuple[Finding, ...]:
    """Return what an audit shows beside its verdicts; nothing on a topic where nothing was done.

    Args:
        index: That of the audit.
    """
    return (
        *_refuted(index),
        *explanations(index),
        *robustness(index),
        *checks(index),
        *release(index),
        *failures(index),
        *_repetitions(index),
        *_controls(index),
        *_seeds(index),
    )


def _refuted(index: Index) -> Iterator[Finding]:
    against = [
        Span(item.label, item) for item in index.counted if item.entry.outcome is Outcome.REFUTED
    ]
    if against:
        yield Finding("Refuted", (Span("Against the paper: "), *enumerated(against), Span(".")))


def _repetitions(index: Index) -> Iterator[Finding]:
    if not index.repeats:
        return
    spans = [Span("Not counted, since they have the numbers of another: ")]
    pairs = [
        (Span(again.label, again), Span(" of "), Span(one.label, one))
        for again, one in index.repeats.items()
    ]
    yield Finding("One finding twice", (*spans, *listed(pairs), Span(".")))


def _controls(index: Index) -> Iterator[Finding]:
    if not index.controls:
        return
    results = control_results(index.audit.entries)
    caught = [c.entry for c in index.controls if results[c.entry.id] is ControlResult.CAUGHT]
    refuted = sum(entry.own_outcome is Outcome.REFUTED for entry in caught)
    spans = [
        Span(
            f"{control_sentence(index)} A negative control is a claim made false on "
            "purpose, which its own test must not support."
        )
    ]
    if undecided := len(caught) - refuted:
        spans.append(
            Span(
                f" Of those caught, {refuted} were refuted and {undecided} left undecided, where "
                "the claim itself is SUPPORTED."
            )
        )
    through = [
        Span(f"{item.label}: {item.entry.control.name}" if item.entry.control else item.label, item)
        for item in index.controls
        if results[item.entry.id] is ControlResult.FAILED
    ]
    if through:
        spans += [Span(" Supported all the same: "), *enumerated(through), Span(".")]
    yield Finding("Negative controls", tuple(spans), alarm=bool(through))


def _seeds(index: Index) -> Iterator[Finding]:
    tried = [claim for claim in index.counted if left_out(claim.entry)]
    if not tried:
        return
    hanging = [Span(claim.label, claim) for claim in tried if hangs_on(claim.entry)]
    of = f"of {counted(len(tried), 'verdict')}"
    if not hanging:
        spans: tuple[Span, ...] = (Span(f"With any one seed left out, none {of} becomes another."),)
    else:
        becomes = verb(len(hanging), "becomes another", "become others")
        start = Span(f"{len(hanging)} {of} {becomes} when some single seed is left out: ")
        usual = (
            " That is usual where seeds are added until there is a verdict, which then lies just "
            "beyond an edge."
            if any(claim.entry.design == "sequential" for claim in tried if hangs_on(claim.entry))
            else ""
        )
        spans = (start, *enumerated(hanging), Span(f".{usual}"))
    yield Finding("Single seeds", spans)
