"""Findings on the trainings: how many diverged or collapsed, and which verdicts rest on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tic.document.coverage import has_collapsed
from tic.document.evidence import Coverage
from tic.report.coverage import at_most, untested_sentence
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
    fates = [has_collapsed(run) for run in runs if run.status == "finished"]
    collapsed, untested = fates.count(True), fates.count(None)
    trainings = counted(len(runs), "training")
    resting = [
        (
            Span(item.label, item),
            Span(f" in {coverage.failed_seeds} of {counted(coverage.seeds, 'seed')}"),
        )
        for item, coverage in covered
        if coverage.failed_seeds
    ]
    bounded = [coverage for _, coverage in covered if coverage.bounded]
    if not diverged + collapsed:
        known = "is known to have diverged" if untested else "diverged"
        none = f"None of {trainings} {known} or collapsed to guessing"
        none += f": {_bound(bounded)}." if bounded else "."
        unknown = untested_sentence(untested, bounded=bool(bounded))
        yield Finding("Failed trainings", (Span(f"{none}{unknown}"),))
        return
    counts = f"Of {trainings}, {diverged} diverged and {collapsed} collapsed to guessing. "
    if untested:
        counts += f"Whether {untested} of them collapsed was not measured. "
    if not resting:
        yield Finding("Failed trainings", (Span(f"{counts}No verdict rests on such trainings."),))
        return
    rests = verb(len(resting), "verdict rests", "verdicts rest")
    start = Span(f"{counts}{len(resting)} {rests} on such trainings: ")
    yield Finding("Failed trainings", (start, *listed(resting), Span(".")))


def _bound(bounded: Sequence[Coverage]) -> str:
    """Say in how many seeds a training may fail at most, where least is known of that."""
    widest = max(bounded, key=lambda coverage: coverage.most_failing)
    seeds = "" if widest.untested else f"with {counted(widest.seeds, 'seed')}, "
    return f"{seeds}one may all the same in {at_most(widest)}"
