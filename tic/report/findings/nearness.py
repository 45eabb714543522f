"""How near a verdict was to another one, in a line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tic.document.audit import Entry
from tic.document.evidence import Contrast, RegionRecord, Sensitivity
from tic.report import numerals
from tic.stats.judge import Outcome
from tic.stats.power import MIN_SEEDS

# Printed with four digits, a confidence above this would read as certainty.
_HIGHEST = 0.9999
_MOST_NAMES = 12


def contrast_line(contrast: Contrast) -> str:
    """Say what would have to change for a contrast to come out otherwise; "" where nothing."""
    sensitivity = contrast.sensitivity
    parts = [*_confidence(sensitivity), *_margin(sensitivity, contrast.region)]
    parts += _without(sensitivity.without, contrast.seeds, contrast.outcome)
    return _sentence(parts)


def unsettled_line(contrast: Contrast) -> str:
    """Say what would settle effects that are all the same; "" where they are not."""
    judged_by_mean = contrast.seeds and contrast.trend is None and not contrast.rate
    enough = len(contrast.effects) >= MIN_SEEDS and contrast.interval is None
    if not (judged_by_mean and enough and len(set(contrast.effects)) == 1):
        return ""
    return (
        "More seeds settle this only once one of them differs. While they are the same, the rule "
        "needs a resolution, the smallest step between two effects: judge(…, resolution=…)."
    )


def entry_line(entry: Entry) -> str:
    """Say how near the claim by itself was to another verdict; "" where nothing was computed."""
    if entry.sensitivity is None:
        return ""
    without = entry.sensitivity.without
    parts = list(_confidence(entry.sensitivity))
    if without and _too_few(without):
        parts.append(f"with {len(without)} seeds none can be left out")
    elif without and not hangs_on(entry):
        parts.append("the same with every seed left out")
    elif without:
        parts.append(_hanging(hangs_on(entry), without, entry.own_outcome))
    return _sentence(parts)


def hangs_on(entry: Entry) -> tuple[int, ...]:
    """Return the seeds without any one of which the claim by itself comes out otherwise.

    None are returned where too few seeds would be left for any verdict.
    """
    if entry.sensitivity is None or _too_few(entry.sensitivity.without):
        return ()
    without = entry.sensitivity.without
    seeds = next((contrast.seeds for contrast in entry.contrasts if contrast.seeds), ())
    pairs = zip(_named(seeds, without), without, strict=True)
    return tuple(seed for seed, outcome in pairs if outcome != entry.own_outcome)


def left_out(entry: Entry) -> bool:
    """Return whether the verdict was judged again with each seed left out."""
    return entry.sensitivity is not None and not _too_few(entry.sensitivity.without)


def _confidence(sensitivity: Sensitivity) -> Iterator[str]:
    at, other = sensitivity.flip_confidence, sensitivity.flips_to
    if at is None or other is None:
        return
    word = other.replace("_", " ")
    if other is not Outcome.INCONCLUSIVE:
        yield f"would be {word} at {numerals.level(at)} confidence or less"
    elif at <= _HIGHEST:
        yield f"would be {word} above {numerals.level(at)} confidence"
    else:
        yield f"would be {word} only above {numerals.level(_HIGHEST)} confidence"


def _margin(sensitivity: Sensitivity, region: RegionRecord) -> Iterator[str]:
    if sensitivity.flip_margin is None:
        return
    low, high = region.low, region.high
    if low is not None and high is not None:
        at = numerals.number_beside(sensitivity.flip_margin, (high - low) / 2)
        yield f"flips if the region reached {at} to either side of its middle"
        return
    for edge, begins in ((low, "began"), (high, "ended")):
        if edge is not None:
            at = numerals.number_beside(sensitivity.flip_margin, edge)
            yield f"flips if the region {begins} at {at}"


def _without(without: Sequence[Outcome], seeds: Sequence[int], present: Outcome) -> Iterator[str]:
    """Name the seeds without which another outcome comes out, and which it is."""
    for other in dict.fromkeys(o for o in without if o != present and not _too_few(without)):
        pairs = zip(_named(seeds, without), without, strict=True)
        of_other = [seed for seed, outcome in pairs if outcome == other]
        any_one = "" if len(of_other) == 1 else "any one of "
        names = _named_or_counted(of_other, len(without))
        yield f"without {any_one}{names}: {other.replace('_', ' ')}"


def _hanging(seeds: Sequence[int], without: Sequence[Outcome], present: Outcome) -> str:
    others = " or ".join(o.replace("_", " ") for o in dict.fromkeys(without) if o != present)
    them = "it" if len(seeds) == 1 else "any one of them"
    names = _named_or_counted(seeds, len(without))
    return f"hangs on {names} ({others} without {them})"


def _named_or_counted(seeds: Sequence[int], n_seeds: int) -> str:
    """Name seeds, or count them where nobody would read their names."""
    if len(seeds) > _MOST_NAMES:
        return f"{len(seeds)} of {n_seeds} seeds"
    return numerals.seed_names(seeds)


def _too_few(without: Sequence[Outcome]) -> bool:
    """Return whether leaving a seed out left fewer than a verdict needs, which says nothing."""
    return len(without) <= MIN_SEEDS


def _named(seeds: Sequence[int], without: Sequence[Outcome]) -> Sequence[int]:
    return seeds if len(seeds) == len(without) else range(len(without))


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""
