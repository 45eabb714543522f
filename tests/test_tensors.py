"""Tensors from a file of somebody else: the header decides before anything is made of it."""

import json
import struct

import pytest
import torch
from safetensors.torch import save_file

from tic.errors import TicError
from tic.tensors import read_tensors, write_tensors

LIKE = {"a": torch.zeros(2, 3, device="meta"), "b": torch.zeros(4, dtype=torch.int64)}
SOUND = {"a": torch.ones(2, 3), "b": torch.arange(4)}


def written(path, tensors):
    save_file(tensors, path)
    return path


def with_header(path, header, content=b""):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)
    return path


def test_tensors_of_the_right_names_shapes_and_types_are_read(tmp_path):
    read = read_tensors(written(tmp_path / "w", SOUND), LIKE)
    assert read.keys() == SOUND.keys()
    assert all(torch.equal(read[name], SOUND[name]) for name in SOUND)


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"a": torch.ones(2, 3)}, "it does not hold b"),
        ({**SOUND, "c": torch.ones(1)}, "it holds 'c', which its network does not have"),
        ({**SOUND, "a": torch.ones(3, 2)}, r"a is \(3, 2\), not \(2, 3\)"),
        ({**SOUND, "a": torch.ones(2, 3, dtype=torch.float64)}, "a is torch.float64, not .*32"),
    ],
)
def test_other_tensors_are_refused(tmp_path, tensors, reason):
    path = written(tmp_path / "weights.safetensors", tensors)
    with pytest.raises(TicError, match=rf"^weights.safetensors must hold .*\({reason}\); remove"):
        read_tensors(path, LIKE)


def test_a_header_that_promises_more_is_refused_before_a_tensor_is_made(tmp_path, monkeypatch):
    size = 4 * 10**9
    path = with_header(
        tmp_path / "w", {"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, size]}}
    )
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + size)
    monkeypatch.setattr(torch, "empty", lambda *_: pytest.fail("made a tensor"))
    with pytest.raises(TicError, match=r"it does not hold b|a is \(1000000000,\), not \(2, 3\)"):
        read_tensors(path, LIKE)


@pytest.mark.parametrize(
    "content", [b"", b"abc", struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 2) + b"[]"]
)
def test_what_is_no_such_file_is_refused(tmp_path, content):
    path = tmp_path / "w"
    path.write_bytes(content)
    with pytest.raises(TicError, match="w must hold the weights of its Recipe's network"):
        read_tensors(path)


def test_offsets_beyond_the_file_are_refused(tmp_path):
    header = {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 2**50]}}
    with pytest.raises(TicError, match="must hold the weights"):
        read_tensors(with_header(tmp_path / "w", header, b"\0" * 24))


def test_tensors_that_share_memory_are_written_each_by_itself(tmp_path):
    whole = torch.arange(6.0).view(2, 3)
    tensors = {"whole": whole, "again": whole, "row": whole[1], "turned": whole.T}
    write_tensors(tmp_path / "shared", tensors)
    found = read_tensors(tmp_path / "shared", like=tensors)
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    found["whole"][0] = 9.0
    assert not torch.equal(found["again"], found["whole"])
