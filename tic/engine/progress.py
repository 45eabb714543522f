"""How far a plan is, read from the Store that all workers share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from time import time

import safetensors

from tic.engine.plan import Plan, PlannedRun
from tic.errors import TicError
from tic.lab import Lab
from tic.run import STATE


@dataclass(frozen=True)
class Progress:
    """A plan at one moment.

    Attributes:
        done: Finished Runs.
        in_work: Runs that some process advanced since the audit began.
        left: Runs that nobody has begun, or whose process is gone.
        work_left: Sample presentations that are still to come.
    """

    done: int
    in_work: int
    left: int
    work_left: float


def progress(
    plan: Plan, lab: Lab, since: float, finished: set[PlannedRun] | None = None
) -> Progress:
    """Look at the Store.

    Args:
        plan: The Runs.
        lab: Whose Store is looked at.
        since: Unix time at which the audit began.
        finished: Runs that were seen finished and need not be looked at again; more are added.
    """
    finished = set() if finished is None else finished
    shares = [1.0 if p in finished else _share(p, lab, since) for p in plan]
    finished |= {planned for planned, share in zip(plan, shares, strict=True) if share == 1}
    done = sum(share == 1 for share in shares)
    in_work = sum(share is not None and share < 1 for share in shares)
    work_left = sum(p.work * (1 - (s or 0)) for p, s in zip(plan, shares, strict=True))
    return Progress(done, in_work, len(plan) - done - in_work, work_left)


def _share(planned: PlannedRun, lab: Lab, since: float) -> float | None:
    """Finished share of a training; None when nobody is at it, or this process may not look."""
    try:
        if lab.has(planned.recipe):
            return 1.0
        state = lab.store.work_folder(lab.fingerprint(planned.recipe)) / STATE
        if state.stat().st_mtime < since:
            return None
        with safetensors.safe_open(state, "pt") as file:
            epoch: int = json.loads(file.metadata()["progress"])["epoch"]
    except (TicError, OSError, safetensors.SafetensorError, KeyError, TypeError, ValueError):
        return None
    return min(epoch / planned.recipe.epochs, 0.999)


class PlanProgress:
    """Tells how far a plan is.

    Args:
        plan: What is being built.
        lab: Whose Store is looked at.
        also: Tells what else is to be said; without it nothing is told after the last Run.
    """

    def __init__(self, plan: Plan, lab: Lab, also: Callable[[], str] | None = None) -> None:
        self._plan, self._lab, self._also = plan, lab, also
        self._started = time()
        self._is_over = False
        self._finished: set[PlannedRun] = set()
        self._work_at_start = self._now().work_left

    def text(self) -> str | None:
        """One line; None when there is nothing more to tell."""
        if self._is_over:
            return None
        state = self._now()
        self._is_over = state.done == len(self._plan) and self._also is None
        also = f"; {self._also()}" if self._also else ""
        return f"{self._line(state, self._work_at_start - state.work_left)}{also}"

    def _now(self) -> Progress:
        return progress(self._plan, self._lab, self._started, self._finished)

    def _line(self, state: Progress, achieved: float) -> str:
        elapsed = time() - self._started
        expected = (
            f", about {duration(elapsed * state.work_left / achieved)} to train"
            if achieved > 0 and state.work_left
            else ""
        )
        return (
            f"Runs: {state.done} done, {state.in_work} in work, {state.left} left"
            f"{expected} ({duration(elapsed)} so far)"
        )


class ProgressLine:
    """Writes one line now and then, from a thread of its own.

    Args:
        text: Gives the line; None when there is nothing more to tell.
        write: Takes it.
        every: Seconds between lines.
    """

    def __init__(
        self, text: Callable[[], str | None], write: Callable[[str], None], every: float
    ) -> None:
        self._text, self._write, self._every = text, write, every
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="tic-progress", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write no more; returns when the thread has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._every) and (line := self._text()) is not None:
            self._write(line)


def duration(seconds: float) -> str:
    """Tell a duration to people: `45 s`, `12 min`, `3.4 h`, `16 d`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 100 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} d"
