"""Numbers as they are printed: few digits, a true minus sign, thin spaces, no false precision."""

from __future__ import annotations

import math
from collections.abc import Sequence

THIN = "\u202f"
MINUS = "\u2212"
_SHORT_UNIT = 4
_DIGITS = 3
_MOST_DECIMALS = 6
_MOST_TO_TELL_APART = 9
"""Decimals or digits at most that tell a value from an edge which it lies near."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = _DIGITS) -> str:
    """Return `value` with `digits` significant digits; very large and small ones as a power."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if not _is_plain(value):
        return scientific(value, digits)
    return fixed(value, max(0, digits - 1 - _exponent(value, digits)))


def fixed(value: float, decimals: int) -> str:
    """Return `value` with `decimals` decimals, thousands set apart from five digits on."""
    text = f"{abs(value):.{decimals}f}"
    whole, _, fraction = text.partition(".")
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", THIN)
    negative = value < 0 and any(digit in "123456789" for digit in text)
    return (MINUS if negative else "") + whole + (f".{fraction}" if fraction else "")


def scientific(value: float, digits: int = _DIGITS) -> str:
    """Return `value` as mantissa × power of ten, such as 2.35×10⁻⁴."""
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa.replace('-', MINUS)}×{power(int(exponent))}"


def power(exponent: int) -> str:
    """Return a power of ten with a raised exponent."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def number_beside(value: float, edge: float) -> str:
    """Return `value` with three digits, or as many more as show on which side of `edge` it lies."""
    digits = _DIGITS
    while digits < _MOST_TO_TELL_APART and _crosses(value, f"{value:.{digits - 1}e}", edge):
        digits += 1
    return number(value, digits)


def aligned(values: Sequence[float], edges: Sequence[float] = ()) -> tuple[str, ...]:
    """Print values that belong together, such as an estimate and its interval, alike.

    The number of decimals is what shows two digits of their spread, and on which side of each of
    the `edges` they lie: what is beyond one must not be read as lying on it.
    """
    if not values:
        return ()
    spread = max(values) / 2 - min(values) / 2
    largest = max(abs(value) for value in values)
    if spread == 0 or not _is_plain(largest):
        return tuple(number(value) for value in values)
    decimals = min(decimals_showing(2 * spread), _MOST_DECIMALS)
    while decimals < _MOST_TO_TELL_APART and any(
        _crosses(value, f"{value:.{decimals}f}", edge) for value in values for edge in edges
    ):
        decimals += 1
    return tuple(fixed(value, decimals) for value in values)


def _crosses(value: float, shown: str, edge: float) -> bool:
    """Whether a printed value lies on another side of an edge than the value, or on it."""
    printed = float(shown)
    return (value < edge, value > edge) != (printed < edge, printed > edge)


def alike(values: Sequence[float]) -> tuple[str, ...]:
    """Print the numbers of one table with as many decimals as three digits of the largest."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0 or not _is_plain(largest):
        return tuple(number(value) for value in values)
    decimals = max(0, _DIGITS - 1 - _exponent(largest, _DIGITS))
    return tuple(fixed(value, decimals) for value in values)


def with_unit(text: str, unit: str) -> str:
    """Set a unit after a printed number; a short one stays on its line, a phrase may break."""
    space = THIN if len(unit) <= _SHORT_UNIT else " "
    return f"{text}{space}{unit}" if unit else text


def p_value(value: float | None) -> str:
    """Return a p-value with as many digits as matter, or a dash where there is none."""
    if value is None:
        return "–"
    if value < 0.001:
        return f"<{THIN}0.001"
    if value > 0.99:
        return f">{THIN}0.99"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def p_statement(value: float | None) -> str:
    """Return a p-value as a statement: p = 0.012, p < 0.001."""
    shown = p_value(value)
    return f"p {shown}" if shown[0] in "<>–" else f"p = {shown}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun, in the plural where it is not one: with an s, or as given."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or f'{noun}s'}"


def seed_range(seeds: tuple[int, int | None]) -> str:
    """Return between which numbers of seeds one lies: 9 to 40 seeds, about 12 seeds."""
    fewest, most = seeds
    if most == fewest:
        return f"about {fewest} seeds"
    return f"{fewest} to {'more than 1000' if most is None else most} seeds"


def seed_names(seeds: Sequence[int]) -> str:
    """Name seeds, runs of three and more consecutive ones by their ends: seeds 0–4, 7, 9."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    parts = [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(parts)}"


def enumerated(items: Sequence[str]) -> str:
    """Return items as part of a sentence: a, b and c."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def signed(value: float, decimals: int) -> str:
    """Return a difference, with a plus sign where it is positive."""
    shown = fixed(value, decimals)
    return shown if shown.startswith(MINUS) or value <= 0 else f"+{shown}"


def percent(value: float) -> str:
    """Return a percentage with as many decimals as accuracies are reported with."""
    return with_unit(fixed(value, 2), "%")


def level(confidence: float) -> str:
    """Return a confidence level as a percentage without needless zeros: 95 %, 97.5 %.

    One that is not certain is never printed as 100 %.
    """
    shown = f"{100 * confidence:.4g}"
    if shown == "100" and confidence < 1:
        shown = fixed(100 * confidence, -math.floor(math.log10(100 * (1 - confidence))))
    return with_unit(shown, "%")


def duration(seconds: float | None) -> str:
    """Return a time in the two largest units that matter."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 9.95:
        return with_unit(f"{max(seconds, 0.0):.1f}", "s")
    for size, unit, below, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if round(seconds) >= size:
            large, rest = divmod(round(seconds), size)
            return f"{large}{THIN}{unit} {rest // below}{THIN}{smaller}"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}{THIN}min {rest}{THIN}s" if minutes else f"{rest}{THIN}s"


def decimals_of(value: float) -> int:
    """Return how many decimals a reported number was given with, as far as a float tells."""
    text = f"{value:.6f}".rstrip("0")
    return len(text.partition(".")[2])


def decimals_showing(size: float) -> int:
    """Return how many decimals show two digits of a difference of this size, above 0."""
    return max(0, 1 - _exponent(size, 2))


def _is_plain(value: float) -> bool:
    return value == 0 or 1e-3 <= abs(value) < 1e6


def _exponent(value: float, digits: int) -> int:
    """Return the power of ten of the leading digit after rounding."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])
