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
    prefix_losses: list[list[FiniteFloat]]


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


def misfit(history: Mapping[str, Any], epochs: int, timesteps: int) -> str | None:
    """Say what a history lacks that a training of so many epochs and timesteps leaves, or None."""
    if absent := [key for key in ("seconds", "prefix_losses") if key not in history]:
        return f"it lacks {' and '.join(absent)}"
    if history["diverged"] is not None:
        return None
    losses = history["prefix_losses"]
    if len(losses) != epochs or any(len(each) != timesteps for each in losses):
        return f"its prefix_losses are not {epochs} epochs of {timesteps} timesteps"
    return None
