"""A Store from a stranger: every file of a real Run and of its measurements, changed."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from hypothesis import strategies as st

from claims.kim2023.runs import KimRuns
from tests.fuzz.mutations import contents, json_or_bytes
from tests.fuzz.telling import require_sentence
from tic.audit.pack import Setting
from tic.data import Digits
from tic.engine.plan import make_plan
from tic.engine.progress import progress
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.measurement import Measurement
from tic.measure.robustness import AccuracyMeasurement
from tic.models import Spiking
from tic.recipe import Recipe
from tic.run import HISTORY, MANIFEST, RECIPE, weights_name
from tic.session.records import run_records
from tic.train import train

ORIGINAL = Recipe(
    dataset=Digits(),
    architecture=Spiking("tiny"),
    train_size=20,
    timesteps=2,
    epochs=1,
    batch_size=20,
)
SETTING = Setting(ORIGINAL, seeds=(0,), sizes={"fisher": 10, "test": 10, "attack": 10})
WEIGHTS = weights_name(1)
FILES = (HISTORY, RECIPE, WEIGHTS, MANIFEST)
SPARSE = 2**40
_PLACES = ("../secret", "/etc/hostname", ".", "", "a/../b", "weights-abc.safetensors", "x\0y")
ASKED: dict[str, Callable[[KimRuns], object]] = {
    "accuracy": lambda runs: runs.values(AccuracyMeasurement(epoch=1, size=10), "accuracy"),
    "fisher": lambda runs: (runs.by_block(), runs.centroid()),
    "correct": lambda runs: (runs.correct(), runs.accuracy()),
    "confidence": lambda runs: (runs.margins(), runs.temperatures()),
    "deficits": lambda runs: runs.deficits("final", 1),
    "perturbation": lambda runs: [each.trace.mean() for each in runs.perturbation((0.1,))],
    "tangent": lambda runs: [float(each.mean()) for each in runs.tangent()],
    "zero-gradients": lambda runs: runs.zero_gradients(),
}
"""What asks for each kind of measurement."""


@cache
def original_store() -> Path:
    """Folder of a Store with one Run and one measurement of each kind, made once."""
    root = Path(tempfile.mkdtemp(prefix="tic-fuzz-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    train(ORIGINAL, Lab(root))
    runs = KimRuns(ORIGINAL, SETTING, Lab(root))
    for ask in ASKED.values():
        ask(runs)
    return root


@cache
def _file(pattern: str) -> bytes:
    """Content of the one file that a pattern finds in the Store."""
    (path,) = original_store().glob(pattern)
    return path.read_bytes()


def _run_file(name: str) -> bytes:
    return _file(f"runs/*/{name}")


def _with_header(header: bytes) -> bytes:
    """Return the weights behind another header."""
    whole = _run_file(WEIGHTS)
    (length,) = struct.unpack("<Q", whole[:8])
    return struct.pack("<Q", len(header)) + header + whole[8 + length :]


def _header() -> str:
    whole = _run_file(WEIGHTS)
    (length,) = struct.unpack("<Q", whole[:8])
    return whole[8 : 8 + length].decode()


def _contents(name: str) -> st.SearchStrategy[bytes]:
    if name == WEIGHTS:
        return contents(_run_file(name)) | json_or_bytes(_header()).map(_with_header)
    return json_or_bytes(_run_file(name).decode())


def _changes(name: str) -> st.SearchStrategy[tuple[str, str, Any]]:
    changed = st.tuples(st.just(name), st.just("content"), _contents(name))
    kinds = st.sampled_from(["link", "folder", "pipe", "sparse", "gone"])
    return changed | changed | changed | st.tuples(st.just(name), kinds, st.none())


store_cases = st.deferred(
    lambda: st.tuples(
        st.lists(st.sampled_from(FILES).flatmap(_changes), min_size=1, max_size=2),
        st.sampled_from([True] * 8 + [False, *_PLACES]),
    )
)
"""Changes of files, and whether the manifest vouches for them, or what else it names."""


def fuzz_store(case: tuple[list[tuple[str, str, Any]], bool | str]) -> bool:
    """Judge by a Run that somebody else had."""
    changes, vouched = case
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        folder = lab.store.run_folder(lab.fingerprint(ORIGINAL))
        folder.mkdir(parents=True)
        for file in FILES:
            (folder / file).write_bytes(_run_file(file))
        for file, kind, content in changes:
            _change(folder / file, kind, content)
        if vouched is not False and not any(file == MANIFEST for file, _, _ in changes):
            _vouch(folder, vouched)
        plan = make_plan([ORIGINAL])
        progress(plan, lab, 0)
        try:
            # What is not there cannot be asked for; whoever needs it trains it anew.
            if lab.finished(ORIGINAL) is None:
                return False
            run_records(plan, lab, [10], {})
            runs = KimRuns(ORIGINAL, SETTING, lab)
            runs.seconds(), runs.diverged(), runs.train_loss(), runs.sparsity()
            with torch.no_grad():
                lab.network(ORIGINAL)(torch.zeros(1, 1, 8, 8))
        except TicError as error:
            require_sentence(str(error))
            return False
        finally:
            for note in lab.store.damaged().values():
                require_sentence(note)
        return True


def _change(path: Path, kind: str, content: bytes | None) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    path.unlink(missing_ok=True)
    if kind == "content":
        assert content is not None
        path.write_bytes(content)
    elif kind == "link":
        path.symlink_to("/etc/hostname")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(SPARSE)


def _vouch(folder: Path, name: bool | str) -> None:
    """Write a manifest that agrees with the files, and may name another one."""
    files = [p for p in folder.iterdir() if p.is_file() and p.name != MANIFEST]
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.stat().st_size < SPARSE
    }
    digests |= {path.name: "0" * 64 for path in files if path.name not in digests}
    named = {name: "0" * 64} if isinstance(name, str) else {}
    (folder / MANIFEST).write_text(json.dumps({**named, **digests}))


# Measurements


def _measurement_changes(kind: str) -> st.SearchStrategy[tuple[str, bytes]]:
    original = _file(f"measurements/*/{kind}-*.json").decode()
    return st.tuples(st.just(kind), json_or_bytes(original))


measurement_cases = st.deferred(
    lambda: st.sampled_from(sorted(ASKED)).flatmap(_measurement_changes)
)


class _TakenAnewError(TicError):
    """Nothing that could be used was in the Store."""


def fuzz_measurement(case: tuple[str, bytes]) -> bool:
    """Judge by a measurement that somebody else had."""
    kind, content = case
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        root = Path(name)
        (root / "runs").symlink_to(original_store() / "runs")
        (original,) = original_store().glob(f"measurements/*/{kind}-*.json")
        path = root / original.relative_to(original_store())
        path.parent.mkdir(parents=True)
        path.write_bytes(_sealed(content))
        for taking in _kinds(Measurement):
            stack.enter_context(patch.object(taking, "take", _refuse))
        try:
            ASKED[kind](KimRuns(ORIGINAL, SETTING, Lab(root)))
        except TicError as error:
            require_sentence(str(error))
            return False
        return True


def _sealed(content: bytes) -> bytes:
    """Let the digest agree with the result, where there are both: a stranger would see to it."""
    try:
        document = json.loads(content)
        document.pop("sha256", None)
        digest = hashlib.sha256(json.dumps(document).encode()).hexdigest()
        return json.dumps({**document, "sha256": digest}).encode()
    except (ValueError, AttributeError, TypeError, RecursionError):
        return content


def _kinds(kind: type[Measurement]) -> list[type[Measurement]]:
    return [each for sub in kind.__subclasses__() for each in (sub, *_kinds(sub))]


def _refuse(*arguments: object) -> dict[str, Any]:
    raise _TakenAnewError("what the Store has cannot be used; it would be measured anew")
