"""Rows of the report's tables: the paper's numbers beside ours, and what was trained."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from tic.document.audit import RunRecord
from tic.document.evidence import Comparison, Unknown
from tic.kinds import flattened
from tic.report import numerals
from tic.report.coverage import reproduction
from tic.report.drawing.forest import comparison_strips
from tic.report.text import slug

_MOST_DECIMALS = 4
_ROUNDING = 1e-9
"""Share of their size by which equal numbers may differ."""
_SEED = re.compile(r"\W*seed\W*(?P<number>\d+)$")
"""At the end of a label."""

Value = str | int | float | bool | None


@dataclass(frozen=True)
class ComparisonRow:
    """One reported number beside ours, printed; `prediction` tells where a further seed lies."""

    quantity: str
    reported: str
    mean: str
    spread: str
    difference: str
    prediction: str
    seeds: int
    strip: Markup


@dataclass(frozen=True)
class ComparisonGroup:
    """The numbers of one place of the paper, in one unit, on one axis."""

    place: str
    unit: str
    rows: tuple[ComparisonRow, ...]
    predicts: bool


@dataclass(frozen=True)
class RunGroup:
    """The runs that differ in nothing but their seed."""

    label: str
    varying: dict[str, Value]
    recipe: dict[str, Value]
    runs: tuple[RunRecord, ...]


@dataclass(frozen=True)
class Training:
    """What was trained; `common` is what all recipes have in common."""

    common: dict[str, Value]
    groups: tuple[RunGroup, ...]
    count: int
    seconds: float


def comparison_groups(comparisons: Sequence[Comparison], ident: str) -> tuple[ComparisonGroup, ...]:
    """Group neighbouring comparisons that come from one place and have one unit."""
    groups = groupby(comparisons, key=lambda c: (c.place, c.unit))
    return tuple(
        _comparison_group(place, unit, tuple(members), f"{ident}-t{index + 1}")
        for index, ((place, unit), members) in enumerate(groups)
    )


def training(runs: Sequence[RunRecord]) -> Training:
    """Group runs by recipe, and set apart what all recipes share."""
    labels = {run.fingerprint: _label(run) for run in runs}
    recipes = [_without_seed(flattened(run.recipe), labels) for run in runs]
    common = {
        key: value
        for key, value in (recipes[0] if recipes else {}).items()
        if all(key in other and _same(other[key], value) for other in recipes)
    }
    groups: dict[str, list[tuple[RunRecord, dict[str, Value]]]] = {}
    for run, recipe in zip(runs, recipes, strict=True):
        groups.setdefault(repr((_label(run), sorted(recipe.items()))), []).append((run, recipe))
    return Training(
        common=common,
        groups=tuple(_run_group(members, common) for members in groups.values()),
        count=len(runs),
        seconds=sum(run.seconds or 0.0 for run in runs),
    )


def short(fingerprint: str) -> str:
    """Return as much of a fingerprint as people need to tell runs apart."""
    return fingerprint[:10]


def run_anchor(fingerprint: str) -> str:
    """Return the anchor of a run in the table of what was trained."""
    return f"run-{slug(fingerprint)}"


def recipe_value(value: Value) -> str:
    """Print a recipe's value as exactly as it is set."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _comparison_group(
    place: str, unit: str, members: Sequence[Comparison], ident: str
) -> ComparisonGroup:
    reported = [
        numerals.decimals_of(c.reported) for c in members if not isinstance(c.reported, Unknown)
    ]
    # A number such as 1.0 is reported with more decimals than its float tells.
    needed = [decimals for c in members if (decimals := _decimals_needed(c)) is not None]
    decimals = min(max([*reported, *needed], default=_MOST_DECIMALS), _MOST_DECIMALS)
    of_paper = min(max(reported, default=0), _MOST_DECIMALS)
    strips = comparison_strips(members, ident)
    rows = zip(members, strips, strict=True)
    return ComparisonGroup(
        place=place,
        unit=unit,
        rows=tuple(_row(c, strip, decimals, of_paper) for c, strip in rows),
        predicts=any(comparison.prediction is not None for comparison in members),
    )


def _decimals_needed(comparison: Comparison) -> int | None:
    """Return how many decimals tell our seeds apart, or equal ones from the paper's number.

    None where there is nothing to tell apart. A difference that is small beside the spread of the
    seeds needs no digits of its own.
    """
    measured, reported = comparison.measured, comparison.reported
    if not measured:
        return None
    low, high = min(measured), max(measured)
    sizes = [high / 2 - low / 2]
    if not isinstance(reported, Unknown):
        sizes.append(abs(high / 2 - reported / 2))
    largest = max(abs(low), abs(high))
    size = next((size for size in sizes if size > _ROUNDING * largest), 0.0)
    return numerals.decimals_showing(2 * size) if 0 < 2 * size < math.inf else None


def _row(comparison: Comparison, strip: Markup, decimals: int, of_paper: int) -> ComparisonRow:
    def shown(value: float, decimals: int = decimals) -> str:
        return numerals.fixed(value, decimals) if abs(value) < 1e6 else numerals.number(value)

    seeds = len(comparison.measured)
    mean = sum(value / seeds for value in comparison.measured)
    low = shown(min(comparison.measured, default=0.0))
    high = shown(max(comparison.measured, default=0.0))
    reported = comparison.reported
    known = not isinstance(reported, Unknown)
    gap = 0.0 if isinstance(reported, Unknown) else mean / 2 - reported / 2
    return ComparisonRow(
        quantity=comparison.quantity,
        reported=str(reported) if isinstance(reported, Unknown) else shown(reported, of_paper),
        mean=shown(mean) if seeds else "not measured",
        spread=f"{low} to {high}" if seeds > 1 else "–",
        difference=_difference(2 * gap, decimals) if seeds and known else "–",
        prediction=reproduction(comparison) or "–",
        seeds=seeds,
        strip=strip,
    )


def _difference(value: float, decimals: int) -> str:
    return numerals.signed(value, decimals) if abs(value) < 1e6 else numerals.number(value)


def _run_group(
    members: Sequence[tuple[RunRecord, dict[str, Value]]], common: dict[str, Value]
) -> RunGroup:
    first, recipe = members[0]
    varying = {key: value for key, value in recipe.items() if key not in common}
    return RunGroup(_label(first), varying, recipe, tuple(run for run, _ in members))


def _label(run: RunRecord) -> str:
    """Return a run's label without the seed at its end, which has a column of its own."""
    seed = _SEED.search(run.label)
    if seed is None or seed["number"] != str(run.seed):
        return run.label
    return run.label[: seed.start()] or run.label


def _without_seed(recipe: dict[str, Value], labels: dict[str, str]) -> dict[str, Value]:
    """Drop the seed, also where it hides in the fingerprint of the run that this one builds on."""
    return {
        key: labels.get(value, value) if isinstance(value, str) else value
        for key, value in recipe.items()
        if key != "seed"
    }


def _same(one: Value, other: Value) -> bool:
    return type(one) is type(other) and one == other
