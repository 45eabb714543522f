"""Findings on the trainings: how many diverged or collapsed, and which verdicts rest on them."""

from __future__ import annotations

from collections.abc import Iterator

from tic.document.coverage import has_collapsed
from tic.report.coverage import at_most
from tic.report.findings.finding import Finding, Span, listed, verb
from tic.report.index import Index
from tic.report.numerals import counted


def failures(index: Index) -> Iterator[Finding]:
    """Say how many trainings of an audit failed, and which verdicts rest on them how much."""
    covered = [(i, i.entry.coverage) for i in index.measured if i.entry.coverage is not None]
    if not covered:
        return
    runs = [run for run in index.audit.runs if run.status != "missing"]
    diverged = sum(run.status == "diverged" for run in runs)
    collapsed = sum(bool(has_collapsed(run)) for run in runs)
    trainings = counted(len(runs), "training")
    resting = [
        (
            Span(item.label, item),
            Span(f" in {coverage.failed_seeds} of {counted(coverage.seeds, 'seed')}"),
        )
        for item, coverage in covered
        if coverage.failed_seeds
    ]
    if not diverged + collapsed:
        _, widest = max(covered, key=lambda pair: pair[1].most_failing)
        bound = f"with {counted(widest.seeds, 'seed')}, one may all the same in {at_most(widest)}"
        none = f"None of {trainings} diverged or collapsed to guessing: {bound}."
        yield Finding("Failed trainings", (Span(none),))
        return
    counts = f"Of {trainings}, {diverged} diverged and {collapsed} collapsed to guessing. "
    if not resting:
        yield Finding("Failed trainings", (Span(f"{counts}No verdict rests on such trainings."),))
        return
    rests = verb(len(resting), "verdict rests", "verdicts rest")
    start = Span(f"{counts}{len(resting)} {rests} on such trainings: ")
    yield Finding("Failed trainings", (start, *listed(resting), Span(".")))
