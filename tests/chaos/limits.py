"""Trainings that go wrong: no memory, numbers that are not finite, data that shrank."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path
from typing import Any

from tests.chaos import comparing
from tests.chaos.bench import Bench
from tests.chaos.fault import Fault, Trials
from tests.chaos.places import DIVERGING, HUNGRY, Place
from tic.data import digits

MEMORY = 1536 * 2**20
"""Bytes that a process may have beyond what it has when the audit begins: less than one tensor of
the training that lacks them, and plenty for the others."""


def memory(bench: Bench) -> Trials:
    """Give a process too little memory for one of its trainings."""
    trials = Trials("a training that needs more memory than there is (RLIMIT_AS), audited twice")
    place = bench.place((HUNGRY,))
    for turn in ("first", "again"):
        ended = bench.audit(place, before=_limit_memory)
        lost = comparing.unreadable(ended.text) + comparing.halves(place)
        if ended.status != 1 or "needs more memory than cpu has left" not in ended.text:
            lost.append(f"the lack of memory was not told ({ended.status})")
        trials.add(lost + _as_ever(bench, place, "hungry", "ERROR"), turn)
    trials.lost += bench.repeated(place)
    return trials


def _limit_memory() -> None:
    status = Path("/proc/self/status").read_text()
    used = next(int(line.split()[1]) for line in status.splitlines() if "VmSize" in line)
    resource.setrlimit(resource.RLIMIT_AS, (used * 1024 + MEMORY, resource.RLIM_INFINITY))


def divergence(bench: Bench) -> Trials:
    """Let a training diverge; it is told, kept as such, and not trained again."""
    trials = Trials("a training that diverges, audited twice")
    place = bench.place((DIVERGING,))
    for turn in ("first", "again"):
        runs = _modified(place)
        ended = bench.audit(place)
        lost = comparing.unreadable(ended.text)
        if ended.status != 1 or "in epoch 1" not in ended.text:
            lost.append(f"it was not told ({ended.status})")
        if turn == "again" and _modified(place) != runs:
            lost.append("it was trained again")
        trials.add(lost + _as_ever(bench, place, "diverging", "ERROR"), turn)
    return trials


def shrunk(bench: Bench) -> Trials:
    """Judge after the data set lost images, from a Store that was filled before."""
    trials = Trials("a data set with fewer images than when the Store was filled")
    stored = {path.name for path in bench.undisturbed.place.store.glob("runs/*")}
    for images in (900,) if bench.short else (900, 700, 400):
        place = bench.place()
        shutil.copytree(bench.undisturbed.place.store, place.store)
        ended = bench.audit(place, before=lambda images=images: _shrink(images))
        lost = comparing.unreadable(ended.text)
        used = _runs_used(place)
        if ended.status != 0 or not used or used & stored:
            lost.append(f"Runs of the old data were used ({ended.status})")
        lost += _still_there(bench, place)
        trials.add(lost, f"{images} images")
    place = bench.place()
    ended = bench.audit(place, "--train-size", "1200", before=lambda: _shrink(900))
    lost = comparing.unreadable(ended.text)
    if ended.status != 1 or "got 1200" not in ended.text:
        lost.append(f"it was not told that there are fewer ({ended.status})")
    trials.add(lost, "more than there are")
    return trials


def _shrink(images: int) -> None:
    rows = digits._rows()[:images]
    digits._rows = lambda: rows
    digits._read.cache_clear()


def _still_there(bench: Bench, place: Place) -> list[str]:
    if not place.audit.exists():
        return ["there is no audit"]
    before, after = (comparing.essence(each) for each in (bench.undisturbed.place, place))
    return [f"{name} was changed" for name in before.keys() - {"the audit"}
            if before[name] != after.get(name)]  # fmt: skip


def _as_ever(bench: Bench, place: Place, name: str, outcome: str) -> list[str]:
    """Say which claims beside the one that is named came out otherwise than undisturbed."""
    if not place.audit.exists():
        return ["there is no audit"]
    before, after = (_outcomes(each) for each in (bench.undisturbed.place, place))
    (own,) = (key for key in after if name in key)
    lost = [] if after[own][0] == outcome else [f"{own} is {after[own][0]}"]
    return lost + [f"{key} is not the same" for key in before if before[key] != after.get(key)]


def _outcomes(place: Place) -> dict[str, tuple[str, Any]]:
    entries = json.loads(place.audit.read_text())["entries"]
    return {each["id"]: (each["own_outcome"], each["contrasts"]) for each in entries}


def _runs_used(place: Place) -> set[str]:
    if not place.audit.exists():
        return set()
    entries = json.loads(place.audit.read_text())["entries"]
    return {run for entry in entries for run in entry["runs"]}


def _modified(place: Place) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in place.store.glob("runs/*/*")}


FAULTS = (
    Fault("memory", memory, own=True),
    Fault("divergence", divergence, own=True),
    Fault("data-shrunk", shrunk, own=True),
)
