"""Processes that are killed: at random, at every write, one of several workers."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from itertools import count
from pathlib import Path

from tests.chaos import comparing, moments
from tests.chaos.bench import Bench, abreast
from tests.chaos.fault import Fault, Trials
from tests.chaos.places import Place
from tests.chaos.processes import DEADLINE, end_of, fresh

WORKERS = 8
PYTEST = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"


def at_random(bench: Bench) -> Trials:
    """Kill one audit again and again until it comes to its end, then another."""
    trials = Trials("")
    phases: Counter[str] = Counter()
    wanted = 4 if bench.short else 100
    while trials.times < wanted:
        place = bench.place()
        while True:
            child = bench.start(place)
            delay = bench.draws.uniform(0, bench.undisturbed.seconds)
            if child.ends_within(delay if trials.times < wanted else DEADLINE):
                break
            child.kill()
            child.end()
            phases[_phase(bench, place)] += 1
            trials.add(comparing.halves(place), f"kill {trials.times}")
        ended = child.end()
        trials.lost += bench.differences(place, ended) + bench.repeated(place)
    landed = ", ".join(f"{phase} {count}" for phase, count in sorted(phases.items()))
    trials.what = f"kill -9 of one process at random moments ({landed})"
    return trials


def _phase(bench: Bench, place: Place) -> str:
    reference = bench.undisturbed.place
    for phase, pattern in (("training", "runs/*"), ("measuring", "measurements/*/*.json")):
        found, all_of_them = (len(list(each.store.glob(pattern))) for each in (place, reference))
        if found < all_of_them:
            return phase
    return "writing the report"


def at_every_write(bench: Bench) -> Trials:
    """Kill an audit at the n-th moment of its writes, for every n."""
    kinds = bench.undisturbed.moments
    every = range(1, len(kinds) + 1)
    chosen = sorted(_of_each_kind(bench, kinds)) if bench.short else list(every)
    trials = Trials(
        f"kill -9 in the middle of a write, before and after its rename: "
        f"{len(chosen)} of {len(every)} moments"
    )
    for numbers in abreast(chosen):
        places = [bench.place() for _ in numbers]
        killed = bench.audits(places, [moments.killed_at(number) for number in numbers])
        halves = [comparing.halves(place) for place in places]
        ended = bench.audits(places)
        for k, (number, place) in enumerate(zip(numbers, places, strict=True)):
            lost = halves[k] + bench.differences(place, ended[k]) + bench.repeated(place)
            if killed[k].status != -signal.SIGKILL:
                lost.append(f"it was not killed: {killed[k].status}")
            trials.add(lost, f"moment {number}")
    return trials


def _of_each_kind(bench: Bench, kinds: str) -> list[int]:
    """Draw two moments of every kind."""
    return [
        number
        for kind in sorted(set(kinds))
        for number in bench.draws.sample([n for n, k in enumerate(kinds, 1) if k == kind], 2)
    ]


def of_a_worker(bench: Bench) -> Trials:
    """Kill one of several processes on one Store; the others finish, and it goes on."""
    trials = Trials("kill -9 of one of 3 processes on one Store, at random moments")
    draws = count()
    while trials.times < (1 if bench.short else 25):
        number = next(draws)
        place = bench.place()
        places = [place.beside(f"report-{k}") for k in range(3)]
        children = [bench.start(each) for each in places]
        # Three processes share two cores or more, and one's work is shared by three.
        delay = bench.draws.uniform(0, 2 * bench.undisturbed.seconds)
        if killed := not children[0].ends_within(delay):
            children[0].kill()
        lost = comparing.halves(place)
        for each, child in zip(places[1:], children[1:], strict=True):
            lost += bench.differences(each, child.end())
        children[0].end()
        lost += bench.differences(places[0], bench.audit(places[0])) + bench.repeated(place)
        _count(trials, lost, number, killed=killed)
    return trials


def together(bench: Bench) -> Trials:
    """Start workers at once on an empty Store; then again, and one dies with a lock in hand."""
    trials = Trials(f"{WORKERS} workers on one Store at once; in every second trial one dies")
    for number in (1,) if bench.short else range(10):
        place = bench.place()
        places = [place.beside(f"report-{k}") for k in range(WORKERS)]
        dying = moments.killed_at(bench.draws.randint(2, 12)) if number % 2 else moments.nothing
        acts = [dying, *[moments.nothing] * (WORKERS - 1)]
        children = [bench.start(p, act=act) for p, act in zip(places, acts, strict=True)]
        lost = []
        for each, child in zip(places, children, strict=True):
            ended = child.end()
            if ended.status != -signal.SIGKILL:
                lost += bench.differences(each, ended)
        trials.add(lost + bench.repeated(place), f"trial {number}")
    return trials


def of_a_worker_of_pytest(bench: Bench) -> Trials:
    """Kill a worker of `pytest -n 2`; the same command goes on."""
    trials = Trials("kill -9 of a worker of `pytest -n 2` in a fresh interpreter")
    if bench.short:
        trials.skip("workers of pytest", "the short form starts no interpreters for it")
        return trials
    draws = count()
    while trials.times < 4:
        number = next(draws)
        place = bench.place()
        arguments = [*place.arguments(), "-n", "2"]
        running = fresh(PYTEST, arguments, place.folder.parent, {})
        delay = bench.draws.uniform(0, 2 * bench.undisturbed.seconds)
        killed = _kill_a_child(running.pid, place, delay)
        ended = end_of(running)
        lost = ["it hung after the kill"] if ended.status is None else []
        lost += comparing.halves(place)
        again = end_of(fresh(PYTEST, arguments, place.folder.parent, {}))
        lost += bench.differences(place, again)
        _count(trials, lost, number, killed=killed)
    return trials


def _count(trials: Trials, lost: list[str], number: int, *, killed: bool) -> None:
    """Count a trial where something was killed; what was lost counts all the same."""
    if killed or lost:
        trials.add(lost, f"kill {number}" if killed else f"draw {number}, which killed nothing")


def _kill_a_child(process: int, place: Place, delay: float) -> bool:
    """Kill the youngest child of a process, some time after the first Run was begun.

    Returns:
        Whether there was one left.
    """
    deadline = time.monotonic() + 60
    while not (place.store / "work").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    if children:
        os.kill(int(children[-1]), signal.SIGKILL)
    return bool(children)


FAULTS = (
    Fault("kill-random", at_random),
    Fault("kill-write", at_every_write),
    Fault("kill-worker", of_a_worker),
    Fault("kill-pytest", of_a_worker_of_pytest),
    Fault("workers", together),
)
