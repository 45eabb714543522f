"""Files of the Store that are damaged, and half-finished trainings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.chaos import moments
from tests.chaos.bench import Bench, abreast
from tests.chaos.fault import Fault, Trials
from tests.chaos.places import Place
from tic.run import MANIFEST, STATE


def of_runs(bench: Bench) -> Trials:
    """Damage every file of every Run in every way, one at a time."""
    trials = Trials("a file of a finished Run truncated, emptied, bit-flipped or missing")
    return _try(bench, trials, bench.undisturbed.place, "runs/*/*", count=3, told=True)


def of_measurements(bench: Bench) -> Trials:
    """Damage every measurement in every way, one at a time."""
    trials = Trials("a measurement truncated, emptied, bit-flipped or missing")
    return _try(bench, trials, bench.undisturbed.place, "measurements/*/*", count=2)


def of_states(bench: Bench) -> Trials:
    """Kill a training after its first epoch, and damage what it would go on from."""
    trials = Trials("a file of an unfinished training truncated, emptied, bit-flipped or missing")
    # Recipe, weights of epochs 0 and 1, state, weights of epoch 2: three moments each.
    killed = bench.place()
    bench.audit(killed, act=moments.killed_at(5 * 3))
    if not list(killed.store.glob(f"work/*/{STATE}")):
        trials.lost.append("no state was left to be damaged")
    return _try(bench, trials, killed, "work/*/[!.]*", count=2)


def _try(
    bench: Bench, trials: Trials, source: Place, pattern: str, *, count: int, told: bool = False
) -> Trials:
    """Damage copies of a Store and audit them.

    Args:
        bench: Where.
        trials: Takes what was lost.
        source: Whose Store is copied.
        pattern: Of the files that are damaged.
        count: How many damages the short form draws.
        told: Whether the user must be told of each by name.
    """
    files = [path.relative_to(source.store) for path in sorted(source.store.glob(pattern))]
    every = [(file, damage) for file in files for damage in DAMAGES]
    for damages in abreast(bench.draws.sample(every, count) if bench.short else every):
        places = [_copy(bench, source) for _ in damages]
        for (file, damage), place in zip(damages, places, strict=True):
            DAMAGES[damage](bench, place.store / file)
        for (file, damage), place, ended in zip(damages, places, bench.audits(places), strict=True):
            lost = bench.differences(place, ended)
            if told and not _is_told(place, ended.text, file.name, missing=damage == "missing"):
                lost.append("what was damaged was not told by name")
            trials.add(lost, f"{file.name} {damage}")
    return trials


def _copy(bench: Bench, source: Place) -> Place:
    place = bench.place()
    shutil.copytree(source.store, place.store)
    return place


def _is_told(place: Place, text: str, name: str, *, missing: bool) -> bool:
    """Whether the user was told, and the fault names the file."""
    notes = [path.read_text() for path in place.store.glob("damaged/*/fault.json")]
    if name == MANIFEST and missing:
        # A Run without its manifest is none yet; it is made again, and what lay there set aside.
        return len(notes) == 1 and name in notes[0]
    # A manifest may be damaged so that it names a file that is not there.
    signs = (name, "manifest", "cannot be read") if name == MANIFEST else (name,)
    told = any(sign in text for sign in signs)
    return len(notes) == 1 and told and "set aside" in text


def _truncate(bench: Bench, path: Path) -> None:
    os.truncate(path, bench.draws.randrange(1, path.stat().st_size))


def _flip(bench: Bench, path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[bench.draws.randrange(len(content))] ^= 1 << bench.draws.randrange(8)
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Bench, Path], None]] = {
    "truncated": _truncate,
    "emptied": lambda bench, path: os.truncate(path, 0),
    "bit-flipped": _flip,
    "missing": lambda bench, path: path.unlink(),
}

FAULTS = (
    Fault("damaged-run", of_runs),
    Fault("damaged-measure", of_measurements),
    Fault("damaged-state", of_states),
)
