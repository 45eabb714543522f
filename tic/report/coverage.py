"""What a verdict covers, in sentences: failed trainings, samples, the paper's own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tic.document.audit import Entry
from tic.document.coverage import CONFIDENCE
from tic.document.deciding import sampled_seeds
from tic.document.evidence import Comparison, Coverage, SampleRecord
from tic.report import numerals
from tic.stats import Outcome, error_share


def coverage_lines(entry: Entry) -> tuple[str, ...]:
    """Say what a verdict covers; () where nothing was kept of it, or nothing was trained."""
    if entry.coverage is None:
        return ()
    lines = (
        trainings_line(entry.coverage),
        samples_line(entry),
        look_line(entry),
        *_numbers(entry.comparisons),
    )
    return tuple(filter(None, lines))


def look_line(entry: Entry) -> str:
    """Say that seeds were added while the verdict was open; "" where their number was fixed."""
    n_seeds = len(sampled_seeds(entry))
    if entry.design == "fixed" or not n_seeds:
        return ""
    seeds = numerals.counted(n_seeds, "seed")
    share = numerals.with_unit(numerals.number(100 * error_share(n_seeds), 3), "%")
    return (
        f"Seeds are added while it is open; this look, at {seeds}, has {share} of its part of "
        "the error rate."
    )


def trainings_line(coverage: Coverage) -> str:
    """Say how many trainings failed, and in how many seeds at most one does."""
    trainings = numerals.counted(coverage.trainings, "training")
    seeds = numerals.counted(coverage.seeds, "seed")
    of_seeds = f"in {coverage.failed_seeds} of {seeds}"
    if coverage.diverged + coverage.collapsed:
        line = f"Of {trainings}, {_failures(coverage)}, {of_seeds}"
    else:
        verb = "is known to have" if coverage.untested else ""
        line = " ".join(filter(None, ("None of", trainings, "in", seeds, verb, "diverged")))
        line += " or collapsed"
    line += f"; one may in {at_most(coverage)}." if coverage.bounded else "."
    if coverage.collapsed:
        line += " Those that collapsed are part of every mean."
    return f"{line}{untested_sentence(coverage.untested, bounded=coverage.bounded)}"


def untested_sentence(untested: int, *, bounded: bool) -> str:
    """Say, after another sentence, what is not known of trainings that nobody tested."""
    if not untested:
        return ""
    follows = (
        "their seeds have no part in that bound"
        if bounded
        else "in how many seeds one may is not known"
    )
    return f" Whether {untested} of them collapsed was not measured, so {follows}."


def at_most(coverage: Coverage) -> str:
    """Print the upper bound of the share of seeds with a training that fails."""
    share = numerals.with_unit(numerals.number(100 * coverage.most_failing, 2), "%")
    return f"up to {share} of seeds ({numerals.level(CONFIDENCE)} upper bound)"


def samples_line(entry: Entry) -> str:
    """Say over what a verdict generalises: over seeds, on these samples, and over others or not."""
    if not any(contrast.seeds for contrast in entry.contrasts):
        return ""
    if not entry.samples:
        return "Holds over seeds; it looked at no samples beside those of the trainings."
    nouns = numerals.enumerated(list(dict.fromkeys(sample.noun for sample in entry.samples)))
    shown = numerals.enumerated([_samples(sample) for sample in entry.samples])
    return f"Holds over seeds, on these {nouns}: {shown}. {_others(entry)}"


def _others(entry: Entry) -> str:
    if entry.over_samples is None:
        return "Others are not covered."
    spreads = (contrast.sample_spread for contrast in entry.contrasts)
    sizes = sorted({spread.n_samples for spread in spreads if spread})
    others = f"others than the {numerals.enumerated([numerals.fixed(n, 0) for n in sizes])}"
    if entry.over_samples is Outcome.INCONCLUSIVE:
        return f"Where {others} might have been drawn, it is INCONCLUSIVE."
    return f"It holds as well where {others} might have been drawn."


def reproduction(comparison: Comparison) -> str:
    """Say whether the paper's number is one that a further seed could give; "" if not asked."""
    if comparison.prediction is None or comparison.reproduces is None:
        return ""
    low, high = numerals.aligned(comparison.prediction)
    return f"{'inside' if comparison.reproduces else 'outside'} [{low}, {high}]"


def _failures(coverage: Coverage) -> str:
    parts = [
        f"{count} {what}"
        for count, what in (
            (coverage.diverged, "diverged"),
            (coverage.collapsed, "collapsed to guessing"),
        )
        if count
    ]
    return numerals.enumerated(parts)


def _samples(sample: SampleRecord) -> str:
    of = "all" if sample.size == sample.available else f"of {numerals.fixed(sample.available, 0)}"
    kind = "training" if sample.split == "train" else "test"
    return f"{numerals.fixed(sample.size, 0)} {kind} {sample.noun} of {sample.data} ({of})"


def _numbers(comparisons: Sequence[Comparison]) -> Iterator[str]:
    asked = [comparison for comparison in comparisons if comparison.reproduces is not None]
    if not asked:
        return
    others = [comparison.quantity for comparison in asked if not comparison.reproduces]
    count = f"{len(asked) - len(others)} of {numerals.counted(len(asked), 'number')} of the paper"
    missing = f"; not: {', '.join(others)}" if others else ""
    yield (
        f"Reproduces {count}, in that one further seed would lie so at "
        f"{numerals.level(CONFIDENCE)}{missing}."
    )
