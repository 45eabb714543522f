"""A Store of ten thousand finished Runs, most of them copies of a few that were trained.

    python -m benchmarks.crowd STORE CLAIMS…

What differs from Run to Run is what an audit tells them apart by: the fingerprint that names the
folder, and the final weights with their digest in the manifest. All files match their digests.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
import safetensors.torch

from benchmarks.many import SEEDS, SETTING, trainings
from tic.audit.runs import tested
from tic.lab import Lab
from tic.plugin.state import STATE
from tic.recipe import Recipe
from tic.run import MANIFEST, Run, weights_name
from tic.train import train


def fill(root: Path, seeds: Iterable[int]) -> int:
    """Fill a Store with all that the claim of `benchmarks.many` needs.

    Args:
        root: Folder of the Store.
        seeds: Of the claim; the first is trained and measured, the others are copies.

    Returns:
        Number of Runs.
    """
    lab, count = Lab(root), 0
    first, *others = seeds
    for recipe in trainings(SETTING).values():
        original = recipe.with_seed(first)
        run = train(original, lab)
        tested(original, SETTING.sizes["test"], lab)
        for seed in others:
            copy(run, recipe.with_seed(seed), lab)
        count += 1 + len(others)
    return count


def copy(run: Run, recipe: Recipe, lab: Lab) -> None:
    """Let a Run and what was measured on it stand for that of another seed."""
    fingerprint = lab.fingerprint(recipe)
    folder = lab.store.run_folder(fingerprint)
    _link(run.folder, folder)
    last = weights_name(recipe.epochs)
    content = safetensors.torch.save(run.weights(recipe.epochs), {"seed": str(recipe.seed)})
    manifest = json.loads((run.folder / MANIFEST).read_bytes())
    manifest[last] = sha256(content).hexdigest()
    for name, written in ((last, content), (MANIFEST, json.dumps(manifest).encode())):
        (folder / name).unlink()  # the link, and not what it leads to
        (folder / name).write_bytes(written)
    taken = lab.store.root / "measurements"
    _link(taken / run.fingerprint, taken / fingerprint)


def stand_in(planned: Iterable[str], root: Path) -> None:
    """Let copies stand for Runs that an audit plans, which only looks whether they are there."""
    lab = Lab(root)
    run = lab.run(next(iter(trainings(SETTING).values())).with_seed(0))
    for fingerprint in planned:
        if not lab.store.has(fingerprint):
            _link(run.folder, lab.store.run_folder(fingerprint))


def _link(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in source.iterdir():
        os.link(path, target / path.name)


class Planned:
    """A plugin of pytest that notes the fingerprints of the Runs which an audit plans."""

    def __init__(self) -> None:
        self.fingerprints: list[str] = []

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look at the plan."""
        audit = session.config.stash[STATE].session
        self.fingerprints = [audit.lab.fingerprint(planned.recipe) for planned in audit.plan]


def main(root: Path, claims: Sequence[str]) -> None:
    """Fill a Store with the Runs of `benchmarks.many`, and with stand-ins for other claims'."""
    fill(root, range(SEEDS))
    planned = Planned()
    pytest.main(["--plan", "--store", str(root), *claims], plugins=[planned])
    stand_in(planned.fingerprints, root)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
