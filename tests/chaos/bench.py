"""The bench: runs audits in forks of this process, and knows what an undisturbed one leaves."""

from __future__ import annotations

import importlib
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TypeVar

import torch

from fixtures.workers import PRELOADED
from tests.chaos import comparing, moments
from tests.chaos.breaking import BREAKS
from tests.chaos.places import CLAIMS, EXAMPLE, Place, make_place
from tests.chaos.processes import Child, Ended, fork

Before = Callable[[], None]
ABREAST = 2
"""How many audits run side by side where they do not disturb each other."""

Each = TypeVar("Each")


def abreast(trials: Sequence[Each]) -> Iterator[Sequence[Each]]:
    """Take trials as many at a time as run side by side."""
    return (trials[k : k + ABREAST] for k in range(0, len(trials), ABREAST))


@dataclass(frozen=True)
class Undisturbed:
    """What an audit leaves, and how it goes, when nothing comes between.

    Attributes:
        place: Where it lies; nobody writes there any more.
        essence: What other audits must agree on.
        written: How often each result was written.
        moments: Kinds of all moments of writes, in order, by their first letters.
        seconds: How long it took.
    """

    place: Place
    essence: dict[str, str]
    written: Counter[str]
    moments: str
    seconds: float


@dataclass
class Bench:
    """Where faults are tried.

    Attributes:
        scratch: Folder for everything; removed in part after each fault.
        seed: Of moments and places.
        short: Whether each fault is tried a few times only.
        broken: What of the product was taken away, if anything.
        example: Whether the example pack is audited, and not the bench's own claims.
        draws: Of the fault that is tried.
    """

    scratch: Path
    seed: int = 0
    short: bool = False
    broken: str | None = None
    example: bool = False
    draws: random.Random = field(default_factory=random.Random)
    _folder: Path = field(init=False)
    _numbers: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._folder = self.scratch

    @contextmanager
    def trying(self, name: str) -> Iterator[Bench]:
        """Try a fault: it draws from a stream of its own, and what it leaves is removed."""
        _ = self.undisturbed
        self.draws = random.Random(f"{self.seed} {name}")
        self._folder = self.scratch / name
        self._folder.mkdir()
        try:
            yield self
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = self.scratch

    @property
    def folder(self) -> Path:
        """Of the fault that is tried."""
        return self._folder

    def place(self, claims: Sequence[str] = (), folder: Path | None = None) -> Place:
        """Make a new place for an audit, of the bench's claims and further ones."""
        of = EXAMPLE if self.example else (CLAIMS, *claims)
        return make_place((folder or self._folder) / f"place-{next(self._numbers)}", of)

    def log(self, place: Place) -> Path:
        """The file that has what was written for the audits of a place."""
        return self._folder / f"{place.folder.parent.name}.log"

    def start(
        self,
        place: Place,
        *options: str | Path,
        act: moments.Act = moments.nothing,
        before: Before | None = None,
    ) -> Child:
        """Start an audit.

        Args:
            place: Where.
            options: Further options of pytest.
            act: What happens at the moments of its writes.
            before: Called in the process before the audit.
        """
        log = self.log(place)

        def work() -> int:
            return _audit(place, options, self.broken, lambda: moments.watch(log, act), before)

        return fork(work, self._folder / f"output-{next(self._numbers)}")

    def audit(
        self,
        place: Place,
        *options: str | Path,
        act: moments.Act = moments.nothing,
        before: Before | None = None,
    ) -> Ended:
        """Run an audit to its end, whichever that is."""
        return self.start(place, *options, act=act, before=before).end()

    def audits(
        self, places: Sequence[Place], acts: Sequence[moments.Act] | None = None
    ) -> list[Ended]:
        """Run audits side by side, each to its end."""
        disturbing = acts or [moments.nothing] * len(places)
        children = [self.start(p, act=act) for p, act in zip(places, disturbing, strict=True)]
        return [child.end() for child in children]

    def differences(self, place: Place, ended: Ended) -> list[str]:
        """Say what an audit that came to its end lost; 1 is the status of one with an ERROR."""
        if ended.status != 0:
            return [f"the audit ended with {ended.status}: …{ended.text[-400:]}"]
        return [
            *comparing.unreadable(ended.text),
            *comparing.differences(self.undisturbed.essence, place),
        ]

    def repeated(self, place: Place) -> list[str]:
        """Say which results were written more often than by an undisturbed audit."""
        found = moments.written(self.log(place), place.store)
        return [f"{name} was made again" for name in sorted(found - self.undisturbed.written)]

    @cached_property
    def undisturbed(self) -> Undisturbed:
        """The audit that others are compared with; made twice, as it must come out the same."""
        # What takes longest is imported before the first fork; the others are as it names them.
        for name in PRELOADED:
            importlib.import_module(name)
        first = self._reference()
        _import(self._imported)
        second = self._reference()
        if lost := comparing.differences(first.essence, second.place):
            raise RuntimeError(f"two undisturbed audits differ: {lost}")
        return second

    @property
    def _imported(self) -> Path:
        return self.scratch / "modules"

    def _reference(self) -> Undisturbed:
        place, kinds = self.place(), self.scratch / f"moments-{next(self._numbers)}"
        log = self.log(place)

        def work() -> int:
            status = _audit(
                place, (), None, lambda: moments.watch(log, moments.counting(kinds)), None
            )
            self._imported.write_text("\n".join(sys.modules))
            return status

        started = time.monotonic()
        ended = fork(work, self._folder / f"output-{next(self._numbers)}").end()
        seconds = time.monotonic() - started
        if ended.status != 0 or not place.audit.exists():
            raise RuntimeError(f"the undisturbed audit ended with {ended.status}:\n{ended.text}")
        return Undisturbed(
            place,
            comparing.essence(place),
            moments.written(log, place.store),
            kinds.read_text(),
            seconds,
        )


def _audit(
    place: Place,
    options: Sequence[str | Path],
    broken: str | None,
    watch: Before,
    before: Before | None,
) -> int:
    import pytest

    sys.dont_write_bytecode = True
    torch.set_num_threads(1)
    os.chdir(place.folder.parent)
    # Watched below what is broken: its steps are moments too.
    watch()
    if broken:
        BREAKS[broken]()
    if before:
        before()
    return int(pytest.main(place.arguments(*options)))


def _import(names: Path) -> None:
    """Import what an audit imports, so that forks need not."""
    for name in names.read_text().split():
        if name.partition(".")[0] in {"torch", "tic", "sklearn", "scipy", "jinja2", "_pytest"}:
            with suppress(ImportError):
                importlib.import_module(name)
