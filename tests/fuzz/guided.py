"""Cases that atheris finds: it keeps what reaches new code, and changes that.

Hypothesis turns its bytes into cases, so the targets are the same. libFuzzer leaves the process
when it has done, so each target has one of its own, which writes down what became of each case.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from tests.fuzz.counting import Count

_SECONDS_PER_CASE = 60
_LENGTH, _FIRST_INPUTS = 4096, 50
_MEGABYTES = 4096
"""More than the process itself needs; no case may add as much."""


def is_installed() -> bool:
    """Whether atheris is there."""
    return importlib.util.find_spec("atheris") is not None


def fuzz(name: str, cases: int, key: int) -> Count | None:
    """Try so many cases of a target in a process of their own; None without atheris."""
    if not is_installed():
        return None
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "count.json"
        corpus = _write_corpus(Path(folder) / "corpus", key)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.guided", name, str(record), str(cases)),
                *(f"-seed={key + 1}", f"-timeout={_SECONDS_PER_CASE}", "-verbosity=0"),
                *(f"-rss_limit_mb={_MEGABYTES}", "-len_control=0", f"-max_len={_LENGTH}"),
                str(corpus),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            cwd=folder,
            env=_environment(),
        )
        found = json.loads(record.read_bytes()) if record.exists() else {}
    count = Count(**found) if found else Count(name, "atheris")
    if done.returncode and not count.defects:
        count.fail(done.stdout + done.stderr)
    return count


def _write_corpus(folder: Path, key: int) -> Path:
    """Write bytes to begin with: of too few Hypothesis makes no case."""
    folder.mkdir()
    draws = random.Random(key)
    for number in range(_FIRST_INPUTS):
        (folder / str(number)).write_bytes(draws.randbytes(_LENGTH))
    return folder


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def _run(name: str, record: Path, cases: int, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["tic"]):
        from tests.fuzz.hypothesis_fuzzer import test_of

    count = Count(name, "atheris")
    test = test_of(name, count).hypothesis.fuzz_one_input  # type: ignore[attr-defined]

    def one(content: bytes) -> None:
        try:
            test(content)
        except Exception:
            count.fail(traceback.format_exc())
            raise
        finally:
            record.write_text(json.dumps(count.document()), encoding="utf-8")
        if count.tried >= cases:
            os._exit(0)  # what libFuzzer does when it is done

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    _run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
