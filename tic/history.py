"""What a Run says of its training, checked before anybody computes with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Required

from pydantic import ConfigDict, FiniteFloat, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from tic.text import quoted


class _History(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(strict=True)  # type: ignore[misc]

    diverged: Required[str | None]
    seconds: FiniteFloat
    train_loss: list[FiniteFloat]
    curves: dict[str, list[FiniteFloat | list[FiniteFloat]]]
    prefix_losses: list[list[FiniteFloat]]  # of version 3, which had this curve and no other


_ADAPTER = TypeAdapter(_History)


def fault(history: object) -> str | None:
    """Say what is wrong with the parts of a history that are read again, or None."""
    try:
        _ADAPTER.validate_python(history)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the history"
        return f"{place}: {first['msg'].lower()}, got {quoted(first['input'])}"
    return None


def misfit(history: Mapping[str, Any], epochs: int) -> str | None:
    """Say what a history lacks that a training of so many epochs leaves, or None."""
    if "seconds" not in history:
        return "it lacks seconds"
    if history["diverged"] is not None:
        return None
    for name, values in {"train_loss": history.get("train_loss", ()), **curves(history)}.items():
        sizes = {len(column) if isinstance(column, list) else 0 for column in values}
        if len(values) != epochs or len(sizes) > 1:
            return f"its {name} are not {epochs} epochs of values of one shape"
    return None


def curves(history: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What the loss of a training kept of every epoch, by name; see `Loss.curves`."""
    older = {name: history[name] for name in ("prefix_losses",) if name in history}
    kept: dict[str, list[Any]] = history.get("curves", {})
    return {**older, **kept}
