import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from tic import data
from tic.errors import DataNotFoundError, TicError


def test_a_second_load_reads_nothing_again():
    assert data.load("digits", "train") is data.load("digits", "train")
    assert data.load("digits", "train", size=50) is data.load("digits", "train", size=50)


def test_size_gives_that_many_balanced_over_the_classes():
    subset = data.load("digits", "train", size=200)
    assert subset.labels.bincount().tolist() == [20] * 10
    assert subset.digest != data.load("digits", "train").digest


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(TicError, match="unknown data set 'mnist'; known: cifar10"):
        data.load("mnist", "train")


def test_an_unknown_split_is_refused():
    with pytest.raises(TicError, match="split must be 'train' or 'test', got 'valid'"):
        data.load("digits", "valid")


def test_a_size_beyond_the_split_is_refused():
    with pytest.raises(TicError, match=r"between 10 .* and 360 \(all of digits test\), got 361"):
        data.load("digits", "test", size=361)


@pytest.mark.parametrize("name", [name for name in data.DATASETS if name != "digits"])
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("download", [True, False])
def test_a_missing_data_set_is_one_clear_error(name, split, download, tmp_path, capsys):
    with pytest.raises(DataNotFoundError, match=f"the data set {name} is not on") as error:
        data.load(name, split, tmp_path / "root", download=download)
    assert str(tmp_path / "root") in str(error.value)
    assert "\n" not in str(error.value)
    assert ("apt-get" in str(error.value)) == (name == "fashion-mnist")
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "root").exists()


def test_both_splits_are_required_and_looked_at_twice(monkeypatch, tmp_path):
    asked, load = [], Beats.load

    def load_noted(dataset, split, root, *, download):
        asked.append((dataset.name, split, root, download))
        return load(dataset, split, root, download=download)

    monkeypatch.setattr(Beats, "load", load_noted)
    Beats().require(tmp_path, download=False)
    splits = ("train", "train", "test", "test")
    assert asked == [("beats", split, tmp_path, False) for split in splits]


def test_what_comes_with_a_library_is_required_without_being_read(monkeypatch):
    monkeypatch.delattr(data.Digits, "load")
    monkeypatch.delattr("tic.data.digits._read")
    data.Digits().require()


@dataclass(frozen=True)
class Beats(data.Dataset):
    """A data set of somebody's own, which loads what a test tells it to."""

    length: int = 5
    wrong: str = ""

    @property
    def facts(self):
        shape = (self.length, 2)
        return data.Facts(name="beats", shape=shape, num_classes=2, train_size=4, test_size=4)

    def load(self, split, root=None, *, download=True):
        facts = replace(self.facts, num_classes=3) if self.wrong == "facts" else self.facts
        split = "test" if self.wrong == "split" else split
        labels = torch.tensor([0, 1, 0, 1])
        if self.wrong == "class":
            return torch.zeros(4, *facts.shape), labels
        if self.wrong == "disk":
            raise OSError("no such disk")
        if self.wrong == "ragged":
            return data.Samples(facts, split, [torch.zeros(n, 2) for n in range(4)], labels)
        if self.wrong == "short":
            return data.Samples(facts, split, torch.zeros(3, *facts.shape), labels[:3])
        if self.wrong == "label":
            return data.Samples(facts, split, torch.zeros(4, *facts.shape), 2 * labels)
        return data.Samples(facts, split, torch.zeros(4, *facts.shape), labels)


def test_a_data_set_of_ones_own_is_loaded_by_its_kind():
    samples = data.load(Beats(length=7), "train", size=2)
    assert samples.inputs.shape == (2, 7, 2)
    assert samples.labels.tolist() == [0, 1]
    assert data.load(data.Digits(), "train") is data.load("digits", "train")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("facts", "must return samples of the split and facts .* give it facts=self.facts"),
        ("split", "must return samples of the split and facts .*, got 'test' of Facts"),
        ("class", "load of the data set beats must return Samples, got tuple; see tic.data"),
        ("disk", r"raised OSError: no such disk \(data/test_init.py, line \d+\); mend it there"),
        ("ragged", r"beats needs tensors \(torch.stack or tic.data.padded .*\), got list"),
        ("short", "as many train samples as its facts say, 4, got 3; mend train_size"),
        ("label", "beats needs labels from 0 to 1"),
    ],
)
def test_a_data_set_that_loads_something_else_than_its_facts_say_is_refused(wrong, message):
    dataset = Beats(wrong=wrong)
    for load in (lambda: data.load(dataset, "train"), dataset.require):
        with pytest.raises(TicError, match=message) as refused:
            load()
        assert str(refused.value).startswith("Beats (test_init.py:")


@dataclass(frozen=True)
class Rooted(Beats):
    """A data set that keeps where it was looked for."""

    def load(self, split, root=None, *, download=True):
        ROOTS.append(root)
        return super().load(split)


ROOTS = []


def test_a_data_set_of_ones_own_is_told_the_folder_that_was_named(monkeypatch, tmp_path):
    ROOTS.clear()
    for variable, root in (("", None), ("", tmp_path), ("named", None), ("named", tmp_path)):
        monkeypatch.setenv("TIC_DATA", variable)
        data.load(Rooted(), "train", root)
    assert [*ROOTS] == [None, tmp_path, Path("named").resolve(), tmp_path]


def test_importing_the_package_imports_neither_torchvision_nor_scikit_learn():
    program = "import sys, tic.data; print({'torchvision', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("set()", 0)
