"""Wheel and source distribution with the same bytes wherever they are built: `make dist`.

Everything is built twice, from copies of what is committed, and must come out the same. The time in
both is `SOURCE_DATE_EPOCH`, else that of the last commit.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"


def main() -> int:
    """Build, compare and check; returns 1 where two builds differ or the check fails."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory() as folder:
        first, second = (build(Path(folder, name), epoch) for name in ("first", "second"))
        digests = [{file.name: _digest(file) for file in files} for files in (first, second)]
        if digests[0] != digests[1]:
            print(f"two builds of the same differ: {digests[0]} {digests[1]}", file=sys.stderr)
            return 1
        DIST.mkdir(exist_ok=True)
        built = [Path(shutil.copy(file, DIST)) for file in first]
    for file in built:
        print(f"{digests[0][file.name]}  {file.relative_to(ROOT)}")
    return subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *built]).returncode


def build(folder: Path, epoch: int) -> list[Path]:
    """Build a wheel and a source distribution from a copy of the last commit.

    Args:
        folder: For the copy; must not exist.
        epoch: Unix time of everything in them.
    """
    committed(folder)
    command = [sys.executable, "-m", "build", "--no-isolation", str(folder)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    (source,) = (folder / "dist").glob("*.tar.gz")
    source.write_bytes(same_everywhere(source.read_bytes(), epoch))
    return sorted((folder / "dist").iterdir())


def committed(folder: Path, root: Path = ROOT) -> None:
    """Write the files of the last commit into a folder, whatever was changed since."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "HEAD", root=root))) as archive:
        archive.extractall(folder, filter="data")
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(0o644)


def same_everywhere(archive: bytes, epoch: int) -> bytes:
    """Pack a .tar.gz anew without what depends on the machine: order, times, users and modes."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as old,
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=epoch) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.size, plain.mtime = member.type, member.size, epoch
            plain.mode = 0o755 if member.isdir() else 0o644
            new.addfile(plain, old.extractfile(member) if member.isfile() else None)
    return packed.getvalue()


def _git(*arguments: str, root: Path = ROOT) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(
            f"what is built is the last commit, and git knows none in {root}; build in a clone of "
            "the repository, with git installed"
        ) from None
    return done.stdout


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
