import hashlib

import numpy as np
import pytest
import torchvision
from scipy.io import savemat

from tic import data
from tic.errors import DataNotFoundError, TicError


def raw(seed, count):
    """Images (32, 32, 3, N) and labels (N, 1) from 1 to 10, as in the published files."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
    return images, (np.arange(count, dtype=np.uint8) % 10 + 1)[:, None]


@pytest.fixture
def published(monkeypatch):
    """Writes a file and makes its checksum the published one."""
    lists = dict(torchvision.datasets.SVHN.split_list)
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", lists)

    def write(folder, split, seed, count):
        folder.mkdir(exist_ok=True)
        file = folder / f"{split}_32x32.mat"
        images, labels = raw(seed, count)
        savemat(file, {"X": images, "y": labels})
        lists[split] = [lists[split][0], file.name, hashlib.md5(file.read_bytes()).hexdigest()]

    return write


@pytest.mark.parametrize(("split", "seed", "count"), [("train", 1, 23), ("test", 2, 11)])
def test_images_channels_and_labels_are_those_of_the_file(tmp_path, published, split, seed, count):
    published(tmp_path, "train", 1, 23)
    published(tmp_path, "test", 2, 11)
    loaded = data.load("svhn", split, tmp_path)
    images, _ = raw(seed, count)
    assert loaded.inputs.shape == (count, 3, 32, 32)
    for number, channel, row, column in [(0, 0, 0, 0), (3, 1, 5, 30), (count - 1, 2, 31, 7)]:
        pixel = images[row, column, channel, number]
        assert loaded.inputs[number, channel, row, column] == pixel


def test_label_ten_is_the_digit_zero(tmp_path, published):
    published(tmp_path, "train", 1, 23)
    labels = data.load("svhn", "train", tmp_path).labels.tolist()
    assert labels[:12] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_file_looked_for_is_that_which_torchvision_downloads(tmp_path, split):
    _, file, _ = torchvision.datasets.SVHN.split_list[split]
    with pytest.raises(DataNotFoundError, match=f"looked for {file} in"):
        data.load("svhn", split, tmp_path, download=False)


def test_one_split_does_not_need_the_other(tmp_path, published):
    published(tmp_path, "train", 1, 23)
    data.load("svhn", "train", tmp_path)
    with pytest.raises(DataNotFoundError, match=r"looked for test_32x32\.mat"):
        data.load("svhn", "test", tmp_path, download=False)


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path, published):
    published(tmp_path, "train", 1, 23)
    with (tmp_path / "train_32x32.mat").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(TicError, match=r"^svhn in .* \(its checksum is wrong\); delete it"):
        data.load("svhn", "train", tmp_path)


def test_a_download_goes_into_the_root(tmp_path, published, monkeypatch, capsys):
    published(tmp_path / "server", "train", 1, 23)

    def download_url(url, root, filename, md5):
        print("Downloading", url)
        (root / filename).write_bytes((tmp_path / "server" / filename).read_bytes())

    monkeypatch.setattr("torchvision.datasets.svhn.download_url", download_url)
    assert len(data.load("svhn", "train", tmp_path / "root")) == 23
    assert len(data.load("svhn", "train", tmp_path / "root", download=False)) == 23
    assert capsys.readouterr() == ("", "")
