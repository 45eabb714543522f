import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from tic import data
from tic.data import fashion_mnist
from tic.errors import DataNotFoundError, TicError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
COUNTS = {"train": 20, "t10k": 10}


def idx(values):
    """The idx format: two zeros, 8 for uint8, the number of axes, each axis big-endian, values."""
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + bytes(values)


def raw(part):
    generator = np.random.default_rng(COUNTS[part])
    images = generator.integers(0, 256, (COUNTS[part], 28, 28), dtype=np.uint8)
    return images, np.arange(COUNTS[part], dtype=np.uint8) % 10


@pytest.fixture
def published(monkeypatch):
    """Writes the four files and makes their checksums the published ones."""

    def write(folder, packed):
        folder.mkdir(parents=True)
        for part in COUNTS:
            for kind, values in zip(("images-idx3", "labels-idx1"), raw(part), strict=True):
                stem, content = f"{part}-{kind}-ubyte", idx(values)
                digest = hashlib.sha256(content).hexdigest()
                monkeypatch.setitem(fashion_mnist.SHA256, stem, digest)
                file, data = stem, content
                if packed:
                    file, data = f"{stem}.gz", gzip.compress(content)
                (folder / file).write_bytes(data)

    return write


@pytest.mark.parametrize("packed", [True, False], ids=["gz", "unpacked"])
@pytest.mark.parametrize("layout", ["", "FashionMNIST/raw"], ids=["flat", "torchvision"])
@pytest.mark.parametrize(("split", "part"), [("train", "train"), ("test", "t10k")])
def test_images_and_labels_are_those_of_the_files(tmp_path, published, packed, layout, split, part):
    root = tmp_path / "root"
    published(root / layout, packed)
    before = sorted(root.rglob("*"))
    loaded = data.load("fashion-mnist", split, root)
    images, labels = raw(part)
    np.testing.assert_array_equal(loaded.inputs[:, 0], images)
    np.testing.assert_array_equal(loaded.labels, labels)
    assert sorted(root.rglob("*")) == before  # nothing is unpacked into the folder


def test_the_systems_folder_is_found_unasked(tmp_path, published):
    published(fashion_mnist.SYSTEM, True)
    assert len(data.load("fashion-mnist", "train", tmp_path / "elsewhere", download=False)) == 20


def test_files_of_the_same_name_from_another_data_set_are_refused(tmp_path, published):
    published(tmp_path / "root", True)
    file = tmp_path / "root" / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(gzip.compress(idx(np.zeros(10, dtype=np.uint8))))
    with pytest.raises(TicError, match=rf"^{file} is not fashion-mnist's .*another sha256"):
        data.load("fashion-mnist", "test", tmp_path / "root")
    assert len(data.load("fashion-mnist", "train", tmp_path / "root")) == 20


@pytest.mark.parametrize("keep", [5, 300, -9])
def test_a_file_that_breaks_off_is_refused(tmp_path, published, keep):
    published(tmp_path / "root", True)
    file = tmp_path / "root" / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(TicError, match=r"^fashion-mnist in .* is not the published data set"):
        data.load("fashion-mnist", "test", tmp_path / "root")


def test_a_file_that_is_no_gzip_is_refused(tmp_path, published):
    published(tmp_path / "root", True)
    (tmp_path / "root" / "t10k-images-idx3-ubyte.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(TicError, match="Not a gzipped file"):
        data.load("fashion-mnist", "test", tmp_path / "root")


def test_no_more_is_unpacked_than_the_data_set_has(tmp_path, published, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "LARGEST", 1000)
    published(tmp_path / "root", True)
    file = tmp_path / "root" / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(bytes(10**7)))
    seen = []
    monkeypatch.setattr(
        fashion_mnist.hashlib, "sha256", lambda content: seen.append(len(content)) or Digest()
    )
    with pytest.raises(TicError, match="another sha256"):
        data.load("fashion-mnist", "test", tmp_path / "root")
    assert seen == [1001]


class Digest:
    def hexdigest(self):
        return "0" * 64


def test_a_missing_file_is_named(tmp_path, published):
    published(tmp_path / "root", True)
    (tmp_path / "root" / "t10k-labels-idx1-ubyte.gz").unlink()
    names = "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"
    with pytest.raises(DataNotFoundError, match=f"looked for {names}"):
        data.load("fashion-mnist", "test", tmp_path / "root")


def test_a_download_goes_into_the_users_cache(tmp_path, published, monkeypatch, capsys):
    published(tmp_path / "server", False)

    def download(url, download_root, filename, md5):
        print("Downloading", url)
        stem = filename.removesuffix(".gz")
        (Path(download_root) / stem).write_bytes((tmp_path / "server" / stem).read_bytes())

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", download)
    assert len(data.load("fashion-mnist", "train")) == 20
    cached = tmp_path / "xdg" / "tic" / "data" / "FashionMNIST" / "raw"
    assert (cached / "train-images-idx3-ubyte").is_file()
    assert len(data.load("fashion-mnist", "test", download=False)) == 10
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_debians_package_is_the_whole_data_set():
    train, test = (data.load("fashion-mnist", split, DEBIAN) for split in ("train", "test"))
    assert train.labels.bincount().tolist() == [6000] * 10
    assert test.labels.bincount().tolist() == [1000] * 10
    pixels = train.inputs.double() / 255
    assert pixels.mean().item() == pytest.approx(train.facts.mean[0], abs=1e-4)
    assert pixels.std().item() == pytest.approx(train.facts.std[0], abs=1e-4)
