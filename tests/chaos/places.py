"""The audit that is disturbed: a folder with its claims, its Store and its report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fixtures.packs import HEADER, QUICKLY

PACK = "test_pack.py"
EXAMPLE = Path(__file__).parents[2] / "examples" / "echo2026"
"""A pack whose data set, network, loss, fitting, rule and measurement are its own."""
CLAIMS = (
    HEADER.lstrip()
    + """
from tic.document.figures import Panel
from tic.audit.exhibits import curves

from dataclasses import replace
# A fault that brings a claim of its own must change no verdict on the others.
PACK = replace(PACK, claims=4)

def kept(setting):
    return setting.recipe.but(checkpoints=2)

def pruned(setting):
    child = kept(setting).but(parent=kept(setting), rules=(Pruning(0.5),))
    return {"parent": kept(setting), "child": child}

@says("learnt", kept)
def test_learnt(runs, judge):
    epochs, accuracies = runs.accuracies()
    judge(accuracies[:, -1], above(1), name="accuracy", unit="%")
    series = (curves("tiny", epochs, accuracies),)
    judge.figure("Accuracy", "Over the training.", Panel(
        title="tiny", x_label="epoch", y_label="accuracy (%)", series=series))

from tic.measure.fisher import FisherMeasurement

def information(runs, epoch="final"):
    taken = runs.measured(FisherMeasurement(epoch=runs.epoch(epoch)))
    return [sum(map(sum, result["by_layer"].values())) for result in taken]

@says("early", kept)
def test_early(runs, judge):
    judge(information(runs, "untrained"), above(0), name="information before")
    judge(information(runs), above(0), name="information after")

@says("pruned", pruned)
def test_pruned(runs, judge):
    judge(runs["parent"].accuracy() - runs["child"].accuracy(), below(30), name="loss", unit="%")
"""
)
"""Two claims on the same Runs, and one on these and on others that start from them."""

SMALL = ("--seeds", "2", "--train-size", "20", "--test-size", "20")
"""An audit is tried a hundred times, and is as small as one can be that has all of the parts."""
HUNGRY = """
@says("hungry", lambda setting: setting.recipe.but(
    train_size=None, batch_size=1400, timesteps=400, epochs=1))
def test_hungry(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss", unit="nats")
"""
"""One tensor of it takes 2 GB."""

DIVERGING = """
@says("diverging", lambda setting: setting.recipe.but(
    train_size=60, fitting=CosineSGD(learning_rate=1e30)))
def test_diverging(runs, judge):
    judge(runs.accuracy(), above(1), name="accuracy", unit="%")
"""
"""The step after the first of an epoch diverges."""


@dataclass(frozen=True)
class Place:
    """Where one audit lies.

    Attributes:
        folder: Of the claims.
        store: Of the Runs.
        report: Where the report goes.
        size: Options that make it small.
    """

    folder: Path
    store: Path
    report: Path
    size: tuple[str, ...] = SMALL

    @property
    def audit(self) -> Path:
        """The document of the report."""
        return self.report / "audit.json"

    def beside(self, name: str) -> Place:
        """The same claims and Store with another report."""
        return replace(self, report=self.report.with_name(name))

    def arguments(self, *options: str | Path) -> list[str]:
        """Return pytest's arguments for the audit; later options replace earlier ones."""
        own = (*self.size, "--store", self.store, "--report-dir", self.report)
        return [str(each) for each in (self.folder, *QUICKLY, *_ALONE, *own, *options)]


_ALONE = ("-p", "no:cacheprovider", "-W", "ignore")


def make_place(folder: Path, claims: Sequence[str] | Path = (CLAIMS,)) -> Place:
    """Write claims to a new folder, or copy the folder of a pack."""
    claims_folder = folder / "claims"
    store, report = folder / "store", folder / "report"
    if isinstance(claims, Path):
        claims_folder /= claims.name
        shutil.copytree(claims, claims_folder, ignore=shutil.ignore_patterns("__pycache__"))
        return Place(claims_folder, store, report, (*SMALL, "--epochs", "3"))
    claims_folder.mkdir(parents=True)
    (claims_folder / PACK).write_text("".join(claims), encoding="utf-8")
    return Place(claims_folder, store, report)
