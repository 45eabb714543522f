"""Disks that are full or that nobody may write."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from pathlib import Path

from tests.chaos import comparing, moments, mounts
from tests.chaos.bench import Bench
from tests.chaos.fault import Fault, Trials
from tests.chaos.places import Place

ROOM = 24 * 2**20
"""Bytes of the small disk: enough for one audit."""
NO_MOUNTS = "this machine lets nobody mount file systems"


def full(bench: Bench) -> Trials:
    """Let the disk be full after the n-th write, for every n; then there is room again."""
    writes = range(1, bench.undisturbed.moments.count("a") + 1)
    chosen = sorted(bench.draws.sample(writes, 2)) if bench.short else writes
    trials = Trials(f"a full disk from the n-th write of Run, measurement and report on: tmpfs, "
                    f"{len(chosen)} of {len(writes)} writes")  # fmt: skip
    disk, refuge = bench.folder / "disk", bench.folder / "refuge"
    refuge.mkdir()

    def tried() -> list[str]:
        mounts.small_disk(disk, ROOM)
        return [each for number in chosen for each in _full_after(bench, number, disk, refuge)]

    lost = mounts.with_mounts(tried, bench.folder)
    if lost is None:
        trials.what = trials.what.replace("tmpfs", "refused by a patched fsync")
        trials.skip("a small file system", NO_MOUNTS)
        lost = [each for number in chosen for each in _full_after(bench, number, None, refuge)]
    trials.times, trials.lost = len(chosen), lost
    return trials


def _full_after(bench: Bench, number: int, disk: Path | None, refuge: Path) -> list[str]:
    place = bench.place(folder=disk)

    def fills() -> None:
        if disk is None:
            os.fsync = _refuse
        else:
            mounts.fill(disk)

    act = moments.after_write(number, fills)
    ended = bench.audit(place, act=act, before=lambda: _lead_to(refuge))
    lost = [] if ended.status in (0, 1) else [f"it ended with {ended.status}"]
    lost += comparing.unreadable(ended.text) + comparing.halves(place)
    if "cannot be written (no space left on device)" not in ended.text:
        # A state that is no longer needed may have left enough room for the rest.
        lost += [f"not told: {each}" for each in bench.differences(place, ended)]
    if disk is not None:
        (disk / "filler").unlink()
        if not place.audit.exists() and not list(refuge.glob("*/report.html")):
            lost.append("the report was not kept")
    lost += bench.differences(place, bench.audit(place)) + bench.repeated(place)
    _empty(refuge)
    shutil.rmtree(place.folder.parent)
    return [f"write {number}: {each}" for each in lost]


def _refuse(handle: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _lead_to(refuge: Path) -> None:
    tempfile.tempdir = str(refuge)


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        shutil.rmtree(each)


def full_for_the_report(bench: Bench) -> Trials:
    """Let the disk of the report hold none, one or two of its files."""
    trials = Trials("a report folder that holds none, one or two of its files")
    files = ("audit.json", "summary.md")
    sizes = [_pages(bench.undisturbed.place.report / name) for name in files]
    rooms = [0] if bench.short else [0, sizes[0], sizes[0] + sizes[1]]
    refuge = bench.folder / "refuge"
    refuge.mkdir()

    def tried() -> list[str]:
        return [each for room in rooms for each in _report_full(bench, room, refuge)]

    lost = mounts.with_mounts(tried, bench.folder)
    if lost is None:
        trials.skip("a small file system", NO_MOUNTS)
    else:
        trials.times, trials.lost = len(rooms), lost
    return trials


def _report_full(bench: Bench, room: int, refuge: Path) -> list[str]:
    place = bench.place()
    # One page is the smallest disk, and a file of that size leaves no room for another.
    mounts.small_disk(place.report, 4096 + room)
    if not room:
        mounts.fill(place.report)
    ended = bench.audit(place, before=lambda: _lead_to(refuge))
    lost = comparing.unreadable(ended.text) + comparing.halves(place)
    if ended.status != 1 or "the report is not where it was asked for" not in ended.text:
        lost.append(f"it was not told that the report cannot be written ({ended.status})")
    kept = [Place(place.folder, place.store, path) for path in refuge.iterdir()]
    if len(kept) != 1 or not (kept[0].report / "report.html").exists():
        lost.append(f"the report was kept {len(kept)} times elsewhere")
    else:
        lost += comparing.differences(bench.undisturbed.essence, kept[0])
    mounts.small_disk(place.report, ROOM)
    lost += bench.differences(place, bench.audit(place))
    _empty(refuge)
    return [f"{room} bytes: {each}" for each in lost]


def _pages(path: Path) -> int:
    return -(-path.stat().st_size // 4096) * 4096


def read_only(bench: Bench) -> Trials:
    """Judge from a Store that cannot be written: whole, and with a Run missing or damaged."""
    trials = Trials("a read-only Store: whole, without one Run, with a damaged one")
    runs = json.loads(bench.undisturbed.place.audit.read_text())["runs"]
    chosen = runs[-1:] if bench.short else runs

    def tried() -> list[str]:
        lost = _judged_from(bench)
        for run in chosen:
            for what in ("missing", "damaged"):
                lost += [f"{run['label']} {what}: {each}" for each in _lacking(bench, run, what)]
        return lost

    lost = mounts.with_mounts(tried, bench.folder)
    if lost is None:
        trials.skip("a read-only Store", NO_MOUNTS)
    else:
        trials.times, trials.lost = 1 + 2 * len(chosen), lost
    return trials


def _judged_from(bench: Bench) -> list[str]:
    place = _copied(bench)
    mounts.read_only(place.store)
    return bench.differences(place, bench.audit(place)) + bench.repeated(place)


def _lacking(bench: Bench, run: dict[str, str], what: str) -> list[str]:
    """Judge without one Run: it is named, and claims that do not need it are judged as ever."""
    place = _copied(bench)
    folder = place.store / "runs" / run["fingerprint"]
    if what == "missing":
        shutil.rmtree(folder)
        shutil.rmtree(place.store / "measurements" / run["fingerprint"])
    else:
        os.truncate(folder / "history.json", 10)
    mounts.read_only(place.store)
    ended = bench.audit(place)
    lost = comparing.unreadable(ended.text)
    if ended.status != 1:
        return [*lost, f"it ended with {ended.status}"]
    named = run["label"] if what == "missing" else run["fingerprint"]
    if named not in ended.text or "--store" not in ended.text:
        lost.append("the sentence does not name it and the way out")
    before, after = (_entries(each) for each in (bench.undisturbed.place, place))
    for key, entry in before.items():
        needs_it = run["fingerprint"] in entry["runs"]
        if needs_it and after[key]["outcome"] != "ERROR":
            lost.append(f"{key} was judged without it")
        if not needs_it and after[key]["contrasts"] != entry["contrasts"]:
            lost.append(f"{key} does not need it and was not judged")
    mounts.writable(place.store)
    return lost + bench.differences(place, bench.audit(place))


def _copied(bench: Bench) -> Place:
    place = bench.place()
    shutil.copytree(bench.undisturbed.place.store, place.store)
    return place


def _entries(place: Place) -> dict[str, dict[str, object]]:
    return {each["id"]: each for each in json.loads(place.audit.read_text())["entries"]}


FAULTS = (
    Fault("disk-full", full),
    Fault("report-full", full_for_the_report),
    Fault("read-only", read_only),
)
