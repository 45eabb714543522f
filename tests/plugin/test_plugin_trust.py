"""`tic verify` on measurements that a pack defines: taken again for who trusts the pack."""

import hashlib
import json
import sys

import pytest

from fixtures.packs import HEADER, SUPPORTED
from tic import cli
from tic.document.loading import load_audit
from tic.document.seal import sealed

MEASURES = '''
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal
from tic.measure.measurement import Measurement
Path(__file__).with_name("imported").touch()
@dataclass(frozen=True, kw_only=True)
class Brightness(Measurement):
    """Mean of the images."""
    name: ClassVar[str] = "brightness"
    version: ClassVar[int] = 1
    split: Literal["train", "test"] = "test"
    def take(self, network, samples, partners):
        return {"mean": float(samples.inputs.float().mean())}
'''
CLAIM = """
from pack.measures import Brightness
from tic.measure.measurement import measure
@says("bright")
def test_bright(runs, judge):
    means = [measure(Brightness(epoch=2, size=20), run, runs.lab)["mean"] for run in runs.recipes]
    judge([mean + k / 9 for k, mean in enumerate(means)], above(0), name="brightness")
    judge(runs.accuracy(), above(0), name="accuracy")
"""


@pytest.fixture
def audited(repository, tmp_path, monkeypatch):
    """An audit of a pack with a measurement of its own, and where that pack can be imported."""
    pack = repository.pytester.mkpydir("pack")
    (pack / "measures.py").write_text(MEASURES)
    (pack / "test_bright.py").write_text(HEADER + CLAIM)
    outcome = repository.run("pack", store=tmp_path / "store")
    assert outcome.status == 0, outcome.text
    monkeypatch.chdir(repository.pytester.path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(pack.parent)])
    forget(monkeypatch)
    (pack / "imported").unlink()
    return outcome.folder / "audit.json", tmp_path / "store", pack


def forget(monkeypatch):
    for name in [each for each in sys.modules if each.partition(".")[0] == "pack"]:
        monkeypatch.delitem(sys.modules, name)


def verify(path, store, *arguments):
    return cli.main(["verify", str(path), "--store", str(store), "--sample", "9", *arguments])


def test_an_audit_names_the_package_that_defines_what_was_measured(audited):
    path, _, _ = audited
    assert load_audit(path).packages == ("pack",)
    page = path.with_name("report.html").read_text(encoding="utf-8")
    assert "tic and pack, which <code>tic verify --trust</code> imports" in page


def test_without_trust_it_is_told_that_it_was_not_checked_and_nothing_is_imported(audited, capsys):
    path, store, pack = audited
    assert verify(path, store) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("measured again      3  hold (")
    assert told.endswith("(3 not checked: defined by pack, which --trust pack imports)")
    assert not (pack / "imported").exists()
    assert "pack" not in sys.modules


def test_with_trust_it_is_taken_again(audited, capsys):
    path, store, pack = audited
    assert verify(path, store, "--trust", "pack") == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["measured", "again", "6", "hold"]
    assert (pack / "imported").exists()


def test_with_trust_a_measurement_that_comes_out_otherwise_is_a_fault(audited, capsys):
    path, store, pack = audited
    (pack / "measures.py").write_text(MEASURES.replace(".mean())", ".mean()) + 1"))
    assert verify(path, store, "--trust", "pack") == 1
    assert "differs by" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["stranger", "pac", "", "pack.measures"])
def test_a_package_that_the_audit_does_not_name_is_refused_and_not_imported(
    audited, repository, capsys, name
):
    path, store, pack = audited
    repository.pytester.makepyfile(stranger="raise SystemExit")
    assert verify(path, store, "--trust", "pack", "--trust", name) == 2
    assert capsys.readouterr().err == (
        "tic: --trust must name a package that defines kinds of the audit, got "
        f"{name!r}; the audit names pack; several have a --trust each\n"
    )
    assert not (pack / "imported").exists()


def test_a_package_that_is_not_here_is_told_with_the_way_out(
    audited, monkeypatch, tmp_path, capsys
):
    path, store, _ = audited
    monkeypatch.chdir(tmp_path)
    assert verify(path, store, "--trust", "pack") == 2
    assert capsys.readouterr().err == (
        "tic: --trust pack must name a package that can be imported here, and it cannot "
        "(ModuleNotFoundError: No module named 'pack'); install it, or run this where its folder "
        "lies\n"
    )


def test_a_package_that_breaks_while_it_is_imported_is_told(audited, capsys):
    path, store, pack = audited
    (pack / "__init__.py").write_text("1 / 0")
    assert verify(path, store, "--trust", "pack") == 2
    assert "it cannot (ZeroDivisionError: division by zero)" in capsys.readouterr().err


def test_a_forged_description_imports_nothing_that_is_not_trusted(audited, repository, capsys):
    path, store, _ = audited
    repository.pytester.makepyfile(stranger="raise SystemExit")
    audit = load_audit(path)
    (run, *others) = audit.runs
    name = next(each for each in run.measurements if each.startswith("brightness"))
    file = store / "measurements" / run.fingerprint / name
    document = json.loads(file.read_text())
    document["measurement"]["kind"] = "stranger:Thing"
    file.write_text(json.dumps(document))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    forged = run.model_copy(update={"measurements": run.measurements | {name: digest}})
    path.write_text(sealed(audit.model_copy(update={"runs": (forged, *others)})).model_dump_json())
    assert verify(path, store, "--trust", "pack") == 0
    assert "1 not checked: defined by stranger, which the audit does not name" in (
        capsys.readouterr().out
    )
    assert "stranger" not in sys.modules


OWN_KINDS = """
from dataclasses import dataclass, replace
from pathlib import Path
from torch import nn
from tic.data import Dataset, Digits
from tic.losses import Loss, mean_loss
from tic.models import Architecture
Path(__file__).with_name("imported").touch()
@dataclass(frozen=True)
class Half(Dataset):
    @property
    def facts(self):
        return replace(Digits().facts, name="half", train_size=700)
    def load(self, split, root=None, *, download=True):
        samples = Digits().load(split)
        samples = samples.take(700) if split == "train" else samples
        return replace(samples, facts=self.facts)
class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.classifier = nn.Linear(64, 10)
    def forward(self, images):
        return self.classifier(images.flatten(1)).unsqueeze(0)
@dataclass(frozen=True)
class Linear(Architecture):
    def build(self, facts, timesteps):
        return Line()
@dataclass(frozen=True)
class Scaled(Loss):
    by: float
    def __call__(self, logits, labels):
        return self.by * mean_loss(logits, labels)
"""
OWN_TRAINING = """
from pack.measures import Half, Linear, Scaled
@says("own", lambda setting: setting.recipe.but(
    dataset=Half(), architecture=Linear(), loss=Scaled(0.5), timesteps=1))
def test_own(runs, judge):
    judge(runs.seconds(), above(0), name="seconds", unit="s")
"""


def audit_kinds_of_its_own(repository, tmp_path, monkeypatch, *claims):
    pack = repository.pytester.mkpydir("pack")
    (pack / "measures.py").write_text(OWN_KINDS)
    (pack / "test_own.py").write_text(HEADER + "".join(claims))
    outcome = repository.run("pack", store=tmp_path / "store")
    assert outcome.status == 0, outcome.text
    monkeypatch.chdir(repository.pytester.path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(pack.parent)])
    forget(monkeypatch)
    (pack / "imported").unlink()
    return outcome, pack


def test_runs_of_kinds_of_ones_own_are_verified_for_who_trusts_their_package(
    repository, tmp_path, monkeypatch, capsys
):
    outcome, pack = audit_kinds_of_its_own(
        repository, tmp_path, monkeypatch, SUPPORTED, OWN_TRAINING
    )
    path = outcome.folder / "audit.json"
    assert load_audit(path).packages == ("pack",)
    assert cli.main(["verify", str(path)]) == 0
    *_, runs = capsys.readouterr().out.splitlines()
    assert runs.startswith("Runs                3  hold")
    assert runs.endswith("(3 not checked: defined by pack, which --trust pack imports)")
    assert not (pack / "imported").exists()
    assert cli.main(["verify", str(path), "--trust", "pack"]) == 0
    *_, runs = capsys.readouterr().out.splitlines()
    assert runs.split() == ["Runs", "6", "hold"]
    assert (pack / "imported").exists()


def test_a_measurement_of_a_run_of_kinds_of_ones_own_is_taken_again_with_trust(
    repository, tmp_path, monkeypatch, capsys
):
    accurate = OWN_TRAINING.replace("runs.seconds()", "runs.accuracy()")
    outcome, pack = audit_kinds_of_its_own(repository, tmp_path, monkeypatch, accurate)
    path, store = outcome.folder / "audit.json", tmp_path / "store"
    assert verify(path, store) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("measured again      0  ")
    assert told.endswith("(3 not checked: defined by pack, which --trust pack imports)")
    assert not (pack / "imported").exists()
    assert verify(path, store, "--trust", "pack") == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["measured", "again", "3", "hold"]


def test_a_run_of_kinds_that_mean_something_else_by_now_is_a_fault(
    repository, tmp_path, monkeypatch, capsys
):
    outcome, pack = audit_kinds_of_its_own(repository, tmp_path, monkeypatch, OWN_TRAINING)
    later = OWN_KINDS.replace("    by: float\n", "    version = 2\n    by: float\n")
    (pack / "measures.py").write_text(later)
    assert cli.main(["verify", str(outcome.folder / "audit.json"), "--trust", "pack"]) == 1
    assert "is not the fingerprint of its Recipe" in capsys.readouterr().out
