"""Clocks that jump, terminals without UTF-8, homes that cannot be written, odd paths."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos import comparing
from tests.chaos.bench import Bench
from tests.chaos.fault import Fault, Trials
from tests.chaos.processes import Ended, end_of, fresh

YEARS = 20 * 365 * 24 * 3600.0
ASCII = {
    "LC_ALL": "C",
    "LANG": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii:strict",
}
"""A terminal that takes nothing but ASCII, and no help from Python."""

COMMAND = "import sys; from tic.cli import main; sys.exit(main(sys.argv[1:]))"
NAMES = ("with spaces", "Prüfung ñ 漢字 🎉", "100%s #1?", "quo'te\" $HOME `x` \\n", "-n 2")


def clock(bench: Bench) -> Trials:
    """Let every look at the clock be years away from the one before."""
    trials = Trials("a clock that jumps by up to 20 years at every look")
    for _ in range(1 if bench.short else 10):
        place = bench.place()
        seed = bench.draws.random()
        ended = bench.audit(place, before=lambda seed=seed: _jump(bench, seed))
        trials.add(bench.differences(place, ended) + bench.repeated(place))
    return trials


def _jump(bench: Bench, seed: float) -> None:
    """Replace the clock wherever somebody has it already."""
    bench.draws.seed(seed)
    clocks: dict[Any, Callable[[], Any]] = {
        time.time: lambda now=time.time: max(0.0, now() + bench.draws.uniform(-YEARS, YEARS)),
        time.time_ns: lambda now=time.time: int(1e9 * (now() + bench.draws.uniform(-YEARS, YEARS))),
    }
    for module in list(sys.modules.values()):
        for name in ("time", "time_ns"):
            held = getattr(module, "__dict__", {}).get(name)
            if callable(held) and held in clocks:
                setattr(module, name, clocks[held])


def locale(bench: Bench) -> Trials:
    """Run every command on a terminal that takes only ASCII."""
    trials = Trials("LC_ALL=C without UTF-8, strict ASCII output, in fresh interpreters")
    place = bench.place(folder=bench.folder / "Prüfung")
    ended = _command(place.folder.parent, "audit", *place.arguments())
    trials.add(_only_ascii(ended) + bench.differences(place, ended), "tic audit")
    again = place.beside("zurück")
    telling = [
        ("report", place.audit, "--report-dir", again.report),
        ("diff", bench.undisturbed.place.audit, place.audit),
        ("claims", place.folder, "-p", "no:cacheprovider"),
        ("plan", place.folder, "-p", "no:cacheprovider", "--store", place.store),
        ("schema", "audit"),
    ]
    for arguments in () if bench.short else telling:
        ended = _command(place.folder.parent, *map(str, arguments))
        lost = comparing.unreadable(ended.text) + _only_ascii(ended)
        if ended.status not in (0, 1):  # 1 of a diff: Runs that were trained twice took other times
            lost.append(f"ended with {ended.status}: {ended.text[-300:]}")
        trials.add(lost, f"tic {arguments[0]}")
    return trials


def _command(folder: Path, *arguments: str) -> Ended:
    return end_of(fresh(COMMAND, list(arguments), folder, ASCII))


def _only_ascii(ended: Ended) -> list[str]:
    return [] if ended.text.isascii() else ["something else than ASCII was written"]


def home(bench: Bench) -> Trials:
    """Take the user's own folder away."""
    nowhere, file = bench.folder / "nowhere", bench.folder / "file"
    file.touch()
    trials = Trials("a HOME that is missing, a file, or unset")
    homes = {"missing": str(nowhere), "a file": str(file), "unset": None}
    for name, value in list(homes.items())[:1] if bench.short else homes.items():
        place = bench.place()
        ended = bench.audit(place, before=lambda value=value: _move_home(value))
        lost = bench.differences(place, ended)
        lost += ["something was written there"] if nowhere.exists() else []
        trials.add(lost, name)
    return trials


def _move_home(value: str | None) -> None:
    for name in [each for each in os.environ if each.startswith("XDG_")]:
        del os.environ[name]
    os.environ.pop("HOME", None)
    if value is not None:
        os.environ["HOME"] = value


def paths(bench: Bench) -> Trials:
    """Audit in folders of odd names."""
    trials = Trials("paths with spaces, non-ASCII letters, quotes, % and #")
    for name in NAMES[1:2] if bench.short else NAMES:
        folder = bench.folder / name
        place = bench.place(folder=folder)
        trials.add(bench.differences(place, bench.audit(place)), name)
        shutil.rmtree(folder)
    return trials


FAULTS = (
    Fault("clock", clock),
    Fault("locale", locale),
    Fault("home", home),
    Fault("paths", paths),
)
