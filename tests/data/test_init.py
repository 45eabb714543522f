import subprocess
import sys

import pytest

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


@pytest.mark.parametrize("name", [name for name in data.NAMES if name != "digits"])
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


def test_both_splits_are_required(monkeypatch, tmp_path):
    asked = []

    def load(name, split, root, *, download):
        asked.append((name, split, root, download))

    monkeypatch.setattr(data, "load", load)
    data.require("svhn", tmp_path, download=False)
    assert asked == [("svhn", split, tmp_path, False) for split in ("train", "test")]


def test_what_comes_with_a_library_is_required_without_being_read(monkeypatch):
    monkeypatch.delattr(data, "load")
    data.require("digits")


def test_an_unknown_name_cannot_be_required():
    with pytest.raises(TicError, match="unknown data set 'mnist'"):
        data.require("mnist")


def test_importing_the_package_imports_neither_torchvision_nor_scikit_learn():
    program = "import sys, tic.data; print({'torchvision', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("set()", 0)
