"""Pooling the evidence that several audits have of one claim, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from tic.document.audit import Entry
from tic.document.evidence import (
    Check,
    Comparison,
    Contrast,
    Effects,
    ReadingVerdict,
    Record,
    Table,
    TableRow,
    Trend,
    WorstCase,
)
from tic.errors import TicError
from tic.exchange.changes import changes, keyed
from tic.exchange.pooling_seeds import SeedOrder

Item = TypeVar("Item")


def pooled(
    name: str,
    what: str,
    entries: Sequence[Entry],
    pool: Callable[[str, Sequence[Any], SeedOrder], Any],
) -> tuple[Any, ...]:
    """Pool pieces of evidence by their position, what is one per seed in the order of the seeds."""
    pieces = [getattr(entry, what) for entry in entries]
    if len({len(evidence) for evidence in pieces}) > 1:
        raise TicError(
            f"{name} must have the same {what.replace('_', ' ')} in all audits, got "
            f"{' and '.join(str(len(items)) for items in pieces)} of them; only audits of the same "
            "claim can be merged"
        )
    order = SeedOrder.of_entries(entries)
    return tuple(pool(name, evidence, order) for evidence in zip(*pieces, strict=True))


def _alike(name: str, pieces: Sequence[Any], *fields: str) -> None:
    for field in fields:
        values = [getattr(piece, field) for piece in pieces]
        if any(value != values[0] for value in values[1:]):
            raise TicError(
                f"{name} must have the same evidence in all audits, got {field.replace('_', ' ')} "
                f"{' and '.join(map(text, values))}; only audits of the same claim can be merged"
            )


def pool_contrasts(name: str, pieces: Sequence[Contrast], _: SeedOrder) -> Contrast:
    """The seeds of all, which each contrast names itself, with what is judged of them."""
    return pieces[0].model_copy(update=_pooled_effects(name, pieces))


def _pooled_effects(name: str, pieces: Sequence[Effects]) -> dict[str, Any]:
    """The seeds of all, in order, with the effects and samples that belong to them."""
    _alike(name, pieces, "name", "unit", "region", "rate", "resolution")
    _require_one_pilot(name, pieces)
    if not all(piece.seeds for piece in pieces):
        # What is exact is the same for any seeds.
        _alike(f"{name}: {pieces[0].name}", pieces, "seeds", "effects")
        return {}
    seeds = [seed for piece in pieces for seed in piece.seeds]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise TicError(
            f"{name}: a seed counts once, and {', '.join(map(str, twice))} are in several of the "
            "audits; merge audits of other seeds (--seeds 5-9)"
        )
    order = SeedOrder.of([piece.seeds for piece in pieces])
    trends = [piece.trend for piece in pieces if piece.trend is not None]
    pooled: dict[str, Any] = {
        "seeds": order.joined([piece.seeds for piece in pieces]),
        "effects": order.joined([piece.effects for piece in pieces]),
        # The tables themselves were not kept, and how they vary together is not in their parts.
        "sample_spread": None,
    }
    if trends:
        _alike(name, trends, "direction")
        rows = order.joined([trend.samples for trend in trends])
        pooled["trend"] = Trend(direction=trends[0].direction, samples=rows)
    return pooled


def require_same_arithmetic(entries: Sequence[Entry]) -> None:
    """Refuse a claim that rests on no Runs, and yet came to something else in one of the audits.

    Raises:
        TicError: It did.
    """
    first, *others = map(_arithmetic, entries)
    for other in others:
        for change in changes("", first, other):
            raise TicError(
                f"{entries[0].id} rests on no Runs, so it must come to the same in all audits, got "
                f"{change.before} and {change.after} for {change.place}; audit it again with one "
                "version of its pack"
            )


def _arithmetic(entry: Entry) -> dict[str, object]:
    """What decides a claim without Runs and what stands beside it, by name; a clock differs."""
    return keyed(
        [
            *((c.name, {"region": c.region.text, "effects": c.effects}) for c in entry.contrasts),
            *((check.name, check.holds) for check in entry.checks),
            ("what is left open", entry.left_open),
            *((c.quantity, c.measured) for c in entry.comparisons if not c.timed),
        ]
    )


def require_one_confidence(entries: Sequence[Entry]) -> None:
    """Refuse to pool what was judged at several confidences, where it is judged again at its own.

    Raises:
        TicError: It was.
    """
    name = entries[0].id
    for parts in zip(*((entry, *entry.readings) for entry in entries), strict=True):
        for contrasts in zip(*(part.contrasts for part in parts), strict=True):
            _alike(name, contrasts, "confidence")


def _require_one_pilot(name: str, pieces: Sequence[Effects]) -> None:
    pilots = distinct(piece.pilot for piece in pieces)
    if len(pilots) > 1:
        seeds = " and ".join("none" if p is None else text(p.seeds) for p in pilots)
        if len({p and p.seeds for p in pilots}) < len(pilots):
            seeds += " with other effects"
        raise TicError(
            f"{name}: contrast {pieces[0].name!r} must be judged beside the same pilot in all "
            f"audits, got pilot seeds {seeds}; audit the others again with one file of pilots, "
            "which trains nothing where their Store is kept"
        )


def pool_comparisons(name: str, pieces: Sequence[Comparison], order: SeedOrder) -> Comparison:
    """The numbers of all beside the one that the paper reports."""
    _alike(name, pieces, "quantity", "place", "unit", "reported", "timed")
    measured = order.joined([piece.measured for piece in pieces])
    return pieces[0].model_copy(update={"measured": measured, "prediction": None})


def pool_checks(name: str, pieces: Sequence[Check], _: SeedOrder) -> Check:
    """A check holds where it holds in all."""
    _alike(name, pieces, "name", "says", "needed")
    statements = "; ".join(distinct(piece.found for piece in pieces))
    holds = all(piece.holds for piece in pieces)
    return pieces[0].model_copy(update={"found": statements, "holds": holds})


def pool_worst_cases(name: str, pieces: Sequence[WorstCase], order: SeedOrder) -> WorstCase:
    """The accuracies of all; they are judged later."""
    _alike(name, pieces, "figure", "reported")
    return pieces[0].model_copy(
        update={
            "attacked": order.joined([piece.attacked for piece in pieces]),
            "worst": order.joined([piece.worst for piece in pieces]),
        }
    )


def pool_readings(name: str, pieces: Sequence[ReadingVerdict], _: SeedOrder) -> ReadingVerdict:
    """The contrasts of all by one reading; they are judged later."""
    _alike(name, pieces, "factors", "release")
    if len({len(piece.contrasts) for piece in pieces}) > 1:
        raise TicError(f"{name} must have the same contrasts by every reading in all audits")
    contrasts = tuple(
        contrasts[0].model_copy(update=_pooled_effects(name, contrasts))
        for contrasts in zip(*(piece.contrasts for piece in pieces), strict=True)
    )
    left_open = distinct(reason for piece in pieces for reason in piece.left_open)
    return pieces[0].model_copy(update={"contrasts": contrasts, "left_open": left_open})


def pool_tables(name: str, pieces: Sequence[Table], order: SeedOrder) -> Table:
    """The same table with the numbers of all in each cell."""
    _alike(name, pieces, "title", "caption", "unit", "columns")
    if len({tuple((row.group, row.name) for row in piece.rows) for piece in pieces}) > 1:
        raise TicError(f"{name}: {pieces[0].title} must have the same rows in all audits")
    by_row = zip(*(piece.rows for piece in pieces), strict=True)
    rows = tuple(_pool_rows(of_row, order) for of_row in by_row)
    return pieces[0].model_copy(update={"rows": rows})


def _pool_rows(rows: Sequence[TableRow], order: SeedOrder) -> TableRow:
    cells = zip(*(row.values for row in rows), strict=True)
    values = tuple(map(order.joined, cells))
    return rows[0].model_copy(update={"values": values})


def distinct(items: Iterable[Item]) -> tuple[Item, ...]:
    """Each once, in the order in which they first come."""
    kept: list[Item] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return tuple(kept)


def text(value: object) -> str:
    """Quote a value in a sentence."""
    if isinstance(value, Record):
        return ", ".join(f"{name} {text(part)}" for name, part in value)
    if isinstance(value, tuple):
        return f"({'; '.join(map(text, value))})"
    return repr(value if isinstance(value, str | int | float) else str(value))
