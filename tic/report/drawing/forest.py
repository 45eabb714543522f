"""Interval plots: where estimate, interval and seeds lie relative to the region of a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from tic.document.evidence import Comparison, Contrast, Unknown
from tic.report import numerals, verdicts
from tic.report.drawing import svg
from tic.report.drawing.dots import RADIUS, seed_dots
from tic.report.drawing.scales import Domain, Scale, domain, share, tick_labels, ticks

WIDTH, HEIGHT = 320.0, 90.0
_LEFT, _RIGHT = 10.0, 310.0
_LABEL, _TOP, _INTERVAL, _AXIS, _TICKS, _UNIT = 12.0, 18.0, 30.0, 56.0, 71.0, 86.0
# Below a fifth of a common axis, an interval can no longer be told from a point.
_LEAST = 0.2

_STRIP_WIDTH, _STRIP_HEIGHT = 150.0, 22.0


def contrast_strips(contrasts: Sequence[Contrast], ident: str) -> tuple[Markup, ...]:
    """Draw one strip per contrast; those of one unit and a like size share their axis.

    Args:
        contrasts: The contrasts of one claim.
        ident: Prefix of the identifiers inside the drawings.
    """
    domains = dict[int, Domain]()
    for unit in dict.fromkeys(contrast.unit for contrast in contrasts):
        members = [i for i, contrast in enumerate(contrasts) if contrast.unit == unit]
        common = share([strip_domain(contrasts[i]) for i in members], _LEAST)
        domains.update(zip(members, common, strict=True))
    return tuple(
        contrast_strip(contrast, domains[index], f"{ident}-c{index + 1}")
        for index, contrast in enumerate(contrasts)
    )


def strip_domain(contrast: Contrast) -> Domain:
    """Return the range that shows all of a contrast, and zero unless that is far away."""
    bounds = (contrast.region.low, contrast.region.high)
    values = [*contrast.effects, contrast.estimate, *(contrast.interval or ())]
    values += [bound for bound in bounds if bound is not None]
    low, high = min(values), max(values)
    if max(low, -high) <= 1.5 * (high - low):
        values.append(0.0)
    return domain(values, pad=0.08)


def contrast_strip(contrast: Contrast, span: Domain, ident: str) -> Markup:
    """Draw one contrast on the axis `span`."""
    scale = Scale(*span, _LEFT, _RIGHT)
    parts = [
        *_region(contrast, scale),
        *_axis(scale, contrast.unit),
        *_interval(contrast, scale),
        *seed_dots(_named(contrast), scale, _AXIS - 1),
    ]
    return svg.picture(
        (WIDTH, HEIGHT), ident, contrast.name, _description(contrast), parts, "strip"
    )


def comparison_strips(comparisons: Sequence[Comparison], ident: str) -> tuple[Markup, ...]:
    """Draw reported numbers and ours on one common axis, one small strip each."""
    reported = [c.reported for c in comparisons if not isinstance(c.reported, Unknown)]
    values = [*reported, *(value for c in comparisons for value in c.measured)]
    scale = Scale(*domain(values or [0.0]), 5.0, _STRIP_WIDTH - 5.0)
    return tuple(
        _comparison_strip(comparison, scale, f"{ident}-{index + 1}")
        for index, comparison in enumerate(comparisons)
    )


def _comparison_strip(comparison: Comparison, scale: Scale, ident: str) -> Markup:
    middle = _STRIP_HEIGHT / 2
    parts = [svg.line((scale.start, middle), (scale.stop, middle), "axis")]
    parts += [
        svg.element("circle", cx=scale(value), cy=middle, r=RADIUS, class_="seed")
        for value in comparison.measured
    ]
    reported = comparison.reported
    if isinstance(reported, Unknown):
        said = str(reported)
    else:
        at, said = scale(reported), numerals.number(reported)
        parts.append(svg.line((at, 2), (at, _STRIP_HEIGHT - 2), "reported"))
    title = f"{comparison.quantity}: the paper's number and ours on a common axis"
    description = (
        f"Paper {said}, ours "
        f"{', '.join(numerals.number(value) for value in comparison.measured) or 'not measured'}."
    )
    size = (_STRIP_WIDTH, _STRIP_HEIGHT)
    return svg.picture(size, ident, title, description, parts, "spark")


def _region(contrast: Contrast, scale: Scale) -> Iterator[Markup]:
    low, high = contrast.region.low, contrast.region.high
    left = scale.start if low is None else scale(low)
    right = scale.stop if high is None else scale(high)
    yield svg.box(left, _TOP, max(left, right), _AXIS, "region")
    for bound in (low, high):
        if bound is not None:
            yield svg.line((scale(bound), _TOP), (scale(bound), _AXIS), "edge")
    text = svg.fitted(f"claimed: {verdicts.region(contrast)}", _RIGHT - _LEFT)
    half = svg.text_width(text) / 2
    middle = min(max((left + right) / 2, _LEFT + half), _RIGHT - half)
    yield svg.label(text, (middle, _LABEL), "middle", "label quiet")


def _axis(scale: Scale, unit: str) -> Iterator[Markup]:
    if scale.low < 0 < scale.high:
        yield svg.line((scale(0), _TOP), (scale(0), _AXIS), "zero")
    yield svg.line((_LEFT, _AXIS), (_RIGHT, _AXIS), "axis")
    at = ticks((scale.low, scale.high))
    for value, text in zip(at, tick_labels(at), strict=True):
        x = scale(value)
        yield svg.line((x, _AXIS), (x, _AXIS + 4), "axis")
        half = svg.text_width(text) / 2
        yield svg.label(text, (min(max(x, half), WIDTH - half), _TICKS), "middle")
    if unit:
        fitted = svg.fitted(unit, _RIGHT - _LEFT)
        yield svg.label(fitted, ((_LEFT + _RIGHT) / 2, _UNIT), "middle", "label quiet")


def _interval(contrast: Contrast, scale: Scale) -> Iterator[Markup]:
    kind = contrast.outcome.lower()
    if contrast.interval is not None:
        low, high = (scale(bound) for bound in contrast.interval)
        yield svg.line((low, _INTERVAL), (high, _INTERVAL), f"interval {kind}")
        for end in (low, high):
            yield svg.line((end, _INTERVAL - 4), (end, _INTERVAL + 4), f"interval {kind}")
    yield svg.diamond((scale(contrast.estimate), _INTERVAL), 5.0, f"estimate {kind}")


def _named(contrast: Contrast) -> list[tuple[str, float]]:
    names = [f"seed {seed}" for seed in contrast.seeds]
    names += ["value"] * (len(contrast.effects) - len(names))
    return list(zip(names, contrast.effects, strict=False))


def _description(contrast: Contrast) -> str:
    unit = f" {contrast.unit}" if contrast.unit else ""
    interval = "no interval"
    count = numerals.counted(len(contrast.effects), "seed" if contrast.seeds else "value")
    if contrast.interval is not None:
        low, high = (numerals.number(bound) for bound in contrast.interval)
        level = f"{numerals.level(contrast.confidence)} interval" if contrast.seeds else "exact,"
        interval = f"{level} from {low} to {high}"
    return (
        f"Estimate {numerals.number(contrast.estimate)}{unit}, {interval}, "
        f"{count}; the claim allows {verdicts.region(contrast)}. "
        f"{contrast.outcome.replace('_', ' ').capitalize()}."
    )
