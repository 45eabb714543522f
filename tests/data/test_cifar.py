import hashlib
import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torchvision

from tic import data
from tic.data import cifar
from tic.errors import DataNotFoundError, TicError

FOLDERS = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}
DATASETS = {"cifar10": torchvision.datasets.CIFAR10, "cifar100": torchvision.datasets.CIFAR100}


class OldDtype:
    """Pickles as the uint8 of an early NumPy, whose `align` is a number."""

    def __reduce__(self):
        return np.dtype, ("u1", 0, 1)


class OldArray:
    """Pickles as the published batches' arrays do."""

    def __init__(self, values):
        self.values = values

    def __reduce__(self):
        rebuild = np.array([]).__reduce__()[0]
        state = (1, self.values.shape, OldDtype(), False, self.values.tobytes())
        return rebuild, (np.ndarray, (0,), b"b"), state


def write_pickle(path, content):
    pickled = pickle.dumps(content, protocol=2)
    path.write_bytes(pickled.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    return [path.name, hashlib.md5(path.read_bytes()).hexdigest()]


def rows(seed, count):
    """One image per row: 1,024 red values, then the green, then the blue, each row by row."""
    return np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)


def write_cifar10(folder):
    batches = [
        (f"data_batch_{number}", {"data": OldArray(rows(number, 4)), "labels": [number, 7, 0, 9]})
        for number in range(1, 6)
    ]
    test = {"data": OldArray(rows(6, 3)), "labels": [8, 0, 1]}
    names = {"label_names": [f"class {number}" for number in range(10)]}
    train_list = [write_pickle(folder / name, content) for name, content in batches]
    return train_list, write_pickle(folder / "test_batch", test), names


def write_cifar100(folder):
    train = {"data": OldArray(rows(1, 20)), "fine_labels": [*range(90, 100)] * 2}
    test = {"data": OldArray(rows(6, 3)), "fine_labels": [99, 0, 50]}
    for split in (train, test):
        split["coarse_labels"] = [5] * len(split["fine_labels"])
    names = {"fine_label_names": [f"class {number}" for number in range(100)]}
    train_list = [write_pickle(folder / "train", train)]
    return train_list, write_pickle(folder / "test", test), names


@pytest.fixture
def published(monkeypatch):
    """Writes small batches and makes their checksums the published ones."""

    def write(name, root):
        folder, dataset = root / FOLDERS[name], DATASETS[name]
        folder.mkdir(parents=True)
        train, test, names = {"cifar10": write_cifar10, "cifar100": write_cifar100}[name](folder)
        meta_name, md5 = write_pickle(folder / dataset.meta["filename"], names)
        meta = {**dataset.meta, "filename": meta_name, "md5": md5}
        for attribute, value in [("train_list", train), ("test_list", [test]), ("meta", meta)]:
            monkeypatch.setattr(dataset, attribute, value)
        return folder

    return write


@pytest.mark.parametrize("name", FOLDERS)
def test_images_and_channels_are_those_of_the_file(tmp_path, published, name):
    published(name, tmp_path)
    test = data.load(name, "test", tmp_path)
    assert test.inputs.shape == (3, 3, 32, 32)
    assert test.inputs.is_contiguous()
    for number, channel, row, column in [(0, 0, 0, 0), (1, 1, 5, 30), (2, 2, 31, 7)]:
        pixel = rows(6, 3)[number, channel * 1024 + row * 32 + column]
        assert test.inputs[number, channel, row, column] == pixel


@pytest.mark.parametrize("name", DATASETS)
def test_the_files_looked_for_are_those_that_torchvision_downloads(name):
    dataset, (folder, files) = DATASETS[name], cifar.FILES[name]
    parts = [each[0] for each in dataset.train_list + dataset.test_list]
    assert (folder, list(files)) == (dataset.base_folder, [*parts, dataset.meta["filename"]])


def test_cifar10_joins_its_five_batches(tmp_path, published):
    published("cifar10", tmp_path)
    train = data.load("cifar10", "train", tmp_path)
    assert train.labels.tolist() == [x for number in range(1, 6) for x in (number, 7, 0, 9)]
    expected = np.vstack([rows(number, 4) for number in range(1, 6)]).reshape(20, 3, 32, 32)
    np.testing.assert_array_equal(train.inputs, expected)
    assert data.load("cifar10", "test", tmp_path).labels.tolist() == [8, 0, 1]


def test_cifar100_has_its_fine_labels(tmp_path, published):
    published("cifar100", tmp_path)
    assert data.load("cifar100", "train", tmp_path).labels.tolist() == [*range(90, 100)] * 2
    assert data.load("cifar100", "test", tmp_path).labels.tolist() == [99, 0, 50]


def test_numpys_word_about_old_pickles_is_no_news_to_the_user(tmp_path, published, monkeypatch):
    def load(file, encoding):  # as NumPy 2.4.0 to 2.4.4 does it
        warnings.warn("align=0", np.exceptions.VisibleDeprecationWarning, stacklevel=1)
        return pickle.load(file, encoding=encoding)

    published("cifar10", tmp_path)
    monkeypatch.setattr("torchvision.datasets.cifar.pickle", SimpleNamespace(load=load))
    assert len(data.load("cifar10", "test", tmp_path)) == 3


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, sprung):
        self.sprung = sprung

    def __reduce__(self):
        return type(self.sprung).touch, (self.sprung,)


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("part", ["test_list", "meta"])
def test_a_pickle_that_is_not_the_published_one_is_never_opened(tmp_path, published, name, part):
    folder, dataset = published(name, tmp_path), DATASETS[name]
    file = dataset.meta["filename"] if part == "meta" else dataset.test_list[0][0]
    (folder / file).write_bytes(pickle.dumps(Trap(tmp_path / "sprung"), protocol=2))
    with pytest.raises(TicError, match=rf"^{name} in .* \(its checksum is wrong\); delete it"):
        data.load(name, "test", tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_a_folder_that_lacks_a_batch_does_not_hold_the_data_set(tmp_path, published):
    folder = published("cifar10", tmp_path)
    (folder / "data_batch_3").unlink()
    with pytest.raises(DataNotFoundError, match="cifar-10-batches-py/ with data_batch_1, "):
        data.load("cifar10", "train", tmp_path)


def test_the_root_beats_the_variable(tmp_path, published, monkeypatch):
    published("cifar10", tmp_path / "variable")
    monkeypatch.setenv("TIC_DATA", str(tmp_path / "variable"))
    assert len(data.load("cifar10", "test", tmp_path / "root", download=False)) == 3
    broken = tmp_path / "root" / FOLDERS["cifar10"]
    broken.mkdir(parents=True)
    for file in (tmp_path / "variable" / FOLDERS["cifar10"]).iterdir():
        (broken / file.name).touch()
    with pytest.raises(TicError, match=f"^cifar10 in {tmp_path}/root is not the published"):
        data.load("cifar10", "test", tmp_path / "root", download=False)


def test_a_download_goes_into_the_variables_folder(tmp_path, published, monkeypatch, capsys):
    folder = published("cifar10", tmp_path / "server")

    def download(url, root, filename, md5):
        print("Downloading", url)
        folder.rename(root / folder.name)

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", download)
    monkeypatch.setenv("TIC_DATA", str(tmp_path / "variable"))
    assert len(data.load("cifar10", "train")) == 20
    assert len(data.load("cifar10", "test", download=False)) == 3
    assert (tmp_path / "variable" / FOLDERS["cifar10"] / "test_batch").is_file()
    assert capsys.readouterr() == ("", "")
