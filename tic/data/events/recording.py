"""Recordings of an event camera: events (t, x, y, p), and the frames that they are summed to.

A frame has one count per cell of pixels and polarity: (2, H, W), darker first and brighter second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tic.errors import TicError

Numbers = NDArray[np.int64]

MOST_CELLS = 2**28
"""Of all frames of one recording: more are refused before anything is allocated for them."""


@dataclass(frozen=True)
class Sensor:
    """The pixels of a camera.

    Attributes:
        height: Rows.
        width: Columns.

    Raises:
        TicError: One is not a whole number of at least 1.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        if not all(type(side) is int and side > 0 for side in (self.height, self.width)):
            raise TicError(
                f"a sensor must have whole numbers of rows and columns, at least 1 of each, got "
                f"{self.height} and {self.width}"
            )

    def cells(self, size: int) -> tuple[int, int]:
        """Rows and columns of cells of size × size pixels; those at the edge may be cut."""
        return -(-self.height // size), -(-self.width // size)


@dataclass(frozen=True, eq=False)
class Events:
    """One recording: N events, in the order of their time.

    Attributes:
        t: Microseconds, never falling, shape (N,) int64.
        x: Columns, in [0, width), shape (N,).
        y: Rows, in [0, height), shape (N,).
        p: 1 where it became brighter, 0 where darker, shape (N,).
        sensor: Whose.

    Raises:
        TicError: They are none; the sentence says what is wrong and where.
    """

    t: Numbers
    x: Numbers
    y: Numbers
    p: Numbers
    sensor: Sensor

    def __post_init__(self) -> None:
        for name in ("t", "x", "y", "p"):
            object.__setattr__(self, name, _whole(getattr(self, name), name))
        counts = {name: len(getattr(self, name)) for name in ("t", "x", "y", "p")}
        if len(set(counts.values())) > 1:
            raise TicError(
                f"t, x, y and p must have one number per event each, got {counts}; are the files "
                "of one recording?"
            )
        if not len(self.t):
            raise TicError("a recording must have at least one event, got none; leave it out")
        _require_inside("x", self.x, self.sensor.width)
        _require_inside("y", self.y, self.sensor.height)
        _require_inside("p", self.p, 2)
        _require_rising(self.t)

    def __len__(self) -> int:
        return len(self.t)


def _whole(values: Any, name: str) -> Numbers:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iub":
        raise TicError(
            f"{name} must be whole numbers, one per event, got {array.dtype} of the shape "
            f"{array.shape}"
        )
    if array.dtype == np.uint64 and len(array) and int(array.max()) >= 2**63:
        raise TicError(f"{name} must be below 2**63, got {int(array.max())}")
    return array.astype(np.int64)


def _require_inside(name: str, values: Numbers, size: int) -> None:
    outside = (values < 0) | (values >= size)
    if outside.any():
        first = int(outside.argmax())
        raise TicError(
            f"{name} must be from 0 to {size - 1}, got {values[first]} at event {first}; is it the "
            "recording of another sensor?"
        )


def _require_rising(times: Numbers) -> None:
    if times[0] < 0:
        raise TicError(f"t must be at least 0, got {times[0]} at event 0")
    back = times[1:] < times[:-1]
    if back.any():
        first = int(back.argmax()) + 1
        raise TicError(
            f"t must never fall, got {times[first]} after {times[first - 1]} at event {first}; "
            "sort the events by time, if they are whole"
        )


def window(events: Events, start: int, duration: int) -> Events:
    """Cut the events of a time span out of a recording.

    Args:
        events: The recording.
        start: Microseconds, in the recording's own time.
        duration: Microseconds.

    Raises:
        TicError: There are none.
    """
    low, high = np.searchsorted(events.t, [start, start + duration])
    if low == high:
        raise TicError(
            f"there is no event from {start} to {start + duration} µs; the recording runs from "
            f"{events.t[0]} to {events.t[-1]} µs"
        )
    part = slice(int(low), int(high))
    return Events(events.t[part], events.x[part], events.y[part], events.p[part], events.sensor)


def frames_by_time(
    events: Events, timesteps: int, duration: int, *, start: int | None = None, cell: int = 1
) -> NDArray[np.float32]:
    """Sum events in frames of equal duration.

    Args:
        events: The recording; what lies outside of the frames is left out.
        timesteps: Number of frames T.
        duration: Of a frame, in microseconds.
        start: When the first frame begins, with the first event without it.
        cell: Pixels on each side of the squares that are summed.

    Returns:
        Counts, shape (T, 2, H, W).

    Raises:
        TicError: A number is not one of at least 1, or there would be too many cells.
    """
    _require_counts(timesteps=timesteps, duration=duration, cell=cell)
    since = events.t - (events.t[0] if start is None else start)
    frame = since // duration
    return _summed(events, np.where(since < 0, timesteps, frame), timesteps, cell)


def frames_by_count(events: Events, timesteps: int, *, cell: int = 1) -> NDArray[np.float32]:
    """Sum events in frames of as many events each; what is left over goes into the last.

    Args:
        events: The recording, at least one event per frame.
        timesteps: Number of frames T.
        cell: Pixels on each side of the squares that are summed.

    Returns:
        Counts, shape (T, 2, H, W).

    Raises:
        TicError: There are fewer events than frames, a number is not one of at least 1, or there
            would be too many cells.
    """
    _require_counts(timesteps=timesteps, cell=cell)
    if len(events) < timesteps:
        raise TicError(
            f"{timesteps} frames need at least as many events, got {len(events)}; take fewer frames"
        )
    frame = np.minimum(np.arange(len(events)) // (len(events) // timesteps), timesteps - 1)
    return _summed(events, frame, timesteps, cell)


def _require_counts(**counts: int) -> None:
    for name, count in counts.items():
        if type(count) is not int or count < 1:
            raise TicError(f"{name} must be a whole number of at least 1, got {count!r}")


def _summed(events: Events, frame: Numbers, timesteps: int, cell: int) -> NDArray[np.float32]:
    height, width = events.sensor.cells(cell)
    if (cells := timesteps * 2 * height * width) > MOST_CELLS:
        raise TicError(
            f"the frames of a recording must have at most {MOST_CELLS} cells, got {timesteps} of "
            f"2 × {height} × {width}, which are {cells}; take fewer frames or larger cells"
        )
    inside = frame < timesteps
    place = ((frame * 2 + events.p) * height + events.y // cell) * width + events.x // cell
    counts = np.bincount(place[inside], minlength=cells)
    return counts.reshape(timesteps, 2, height, width).astype(np.float32)
