"""Where a data set lies on this machine, and how it gets there."""

import contextlib
import io
import os
import socket
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from filelock import FileLock

from tic.errors import DataNotFoundError, TicError

# Long enough for a slow server's answer, short enough that a machine behind a silent firewall
# learns within seconds that it has to be given the files.
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Wanted:
    """One data set to be found.

    Attributes:
        name: as on the command line.
        needs: what a folder must hold, in words, for the error message.
        holds: whether a folder holds it.
        fetch: downloads it into a folder that exists; None where the user has to bring it.
        system: folders where operating systems put it.
        package: the Debian package that brings it, if there is one.
    """

    name: str
    needs: str
    holds: Callable[[Path], bool]
    fetch: Callable[[Path], object] | None
    system: tuple[Path, ...] = ()
    package: str | None = None


def locate(wanted: Wanted, root: Path | str | None = None, *, download: bool = True) -> Path:
    """Find the folder that holds a data set, or download it.

    Searched in this order: `root`, `$TIC_DATA`, the system's folders, the user's cache. A download
    goes into the first of `root`, `$TIC_DATA` and the cache that is given.

    Raises:
        DataNotFoundError: it is nowhere, and no download was allowed or possible.
    """
    given = [place for place in (_folder(root) if root else None, named_by_environment()) if place]
    places = list(dict.fromkeys([*given, *wanted.system, user_cache()]))
    for place in places:
        if _holds(wanted, place):
            return place
    target = given[0] if given else user_cache()
    if wanted.fetch is None:
        raise DataNotFoundError(_missing(wanted, places, "it has to be brought"))
    failure = _download(wanted, target) if download else "downloading is switched off"
    if failure is None:
        return target
    raise DataNotFoundError(_missing(wanted, places, failure), downloadable=not download)


def named_by_environment() -> Path | None:
    """Return the folder of data sets that `$TIC_DATA` names, if it names one."""
    named = os.environ.get("TIC_DATA")
    return _folder(named) if named else None


def user_cache() -> Path:
    """Return the user's own folder for downloaded data sets."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _folder(base) / "tic" / "data"


@contextlib.contextmanager
def read_errors_explained(name: str, folder: Path) -> Iterator[None]:
    """Turn what goes wrong while files are read into one error that names the folder.

    Raises:
        TicError: a file is unreadable, broken off or not the published one.
    """
    try:
        yield
    except (RuntimeError, OSError, EOFError, zlib.error) as error:
        # torchvision answers a wrong checksum with a RuntimeError about its own options.
        reason = "its checksum is wrong" if isinstance(error, RuntimeError) else _one_line(error)
        raise TicError(
            f"{name} in {folder} is not the published data set ({reason}); "
            "delete it there or name another folder with --data"
        ) from None


def _folder(place: Path | str) -> Path:
    path = Path(place)
    with contextlib.suppress(RuntimeError):  # a home of nobody is a name like any other
        path = path.expanduser()
    return path.resolve()


def _holds(wanted: Wanted, place: Path) -> bool:
    try:
        return wanted.holds(place)
    except OSError:  # a folder that we may not enter holds nothing for us
        return False


def _download(wanted: Wanted, target: Path) -> str | None:
    """Download into `target`; returns why it failed, or None."""
    lock = target / f".{wanted.name}.lock"
    made = [folder for folder in (target, *target.parents) if not folder.exists()]
    try:
        target.mkdir(parents=True, exist_ok=True)
        with FileLock(lock), _quiet_network():
            if not _holds(wanted, target):  # another process may have brought it meanwhile
                _fetch_whole(wanted, target)
    except (OSError, RuntimeError, HTTPException) as error:
        with contextlib.suppress(OSError):  # a folder that somebody else has filled stays
            lock.unlink(missing_ok=True)
            for folder in made:
                folder.rmdir()
        return f"the download failed ({_one_line(error)})"
    return None


def _fetch_whole(wanted: Wanted, target: Path) -> None:
    """Fetch beside and move each file when all are there, so none is ever seen half written."""
    with tempfile.TemporaryDirectory(dir=target, prefix=f".{wanted.name}-") as beside:
        assert wanted.fetch is not None
        wanted.fetch(Path(beside))
        for file in sorted(path for path in Path(beside).rglob("*") if path.is_file()):
            goal = target / file.relative_to(beside)
            goal.parent.mkdir(parents=True, exist_ok=True)
            file.replace(goal)


@contextlib.contextmanager
def _quiet_network() -> Iterator[None]:
    """Let nothing print, and let no connection wait for ever."""
    before, nowhere = socket.getdefaulttimeout(), io.StringIO()
    socket.setdefaulttimeout(_PATIENCE_SECONDS)
    try:
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _missing(wanted: Wanted, places: list[Path], failure: str) -> str:
    ways = ["pass --data DIR with a folder that holds it", "set TIC_DATA to one"]
    if wanted.package:
        ways.append(f"run `apt-get install {wanted.package}`")
    if wanted.fetch:
        ways.append("connect to the network")
    return (
        f"the data set {wanted.name} is not on this machine: looked for {wanted.needs} in "
        f"{', '.join(map(_shown, places))}, and {failure}. To get it: {', '.join(ways[:-1])}"
        f"{',' if len(ways) > 2 else ''} or {ways[-1]}"
    )


def _shown(place: Path) -> str:
    """Tell a folder without the name of the user, for reports that others read."""
    with contextlib.suppress(RuntimeError, ValueError):
        return str("~" / place.relative_to(Path.home()))
    return str(place)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
