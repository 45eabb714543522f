import json
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tic.checkpoint import UNUSABLE, Checkpoint, read_checkpoint, write_checkpoint
from tic.tensors import write_tensors

TENSORS = {
    "network.weight": torch.tensor([[0.1, -0.0], [1e-40, 3.0]]),
    "network.batches": torch.tensor(7),
    "generator": torch.arange(5, dtype=torch.uint8),
}
PROGRESS = {"epoch": 2, "seconds": 0.5, "train_loss": [0.1, 0.2], "diverged": None}


@pytest.fixture
def written(tmp_path):
    """A state and the weights beside it."""
    kept = {"weights-0001.safetensors": None}
    for name in kept:
        kept[name] = write_tensors(tmp_path / name, {"weight": torch.ones(2)})
    path = tmp_path / "state.safetensors"
    write_checkpoint(path, Checkpoint(PROGRESS, kept, TENSORS))
    return path


def test_a_state_is_read_as_it_was_written(written):
    found = read_checkpoint(written, TENSORS)
    assert found.progress == PROGRESS
    assert list(found.kept) == ["weights-0001.safetensors"]
    assert found.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(found.tensors[name], tensor)
    assert str(found.tensors["network.weight"][0, 1].item()) == "-0.0"


def test_a_state_of_another_layout_is_none(written):
    for other in (
        {**TENSORS, "generator": torch.arange(6, dtype=torch.uint8)},
        {**TENSORS, "generator": torch.arange(5)},
        {name: tensor for name, tensor in TENSORS.items() if name != "generator"},
    ):
        with pytest.raises(UNUSABLE):
            read_checkpoint(written, other)


def test_a_state_is_none_when_the_weights_beside_it_are_not_what_was_written(written):
    beside = written.with_name("weights-0001.safetensors")
    beside.write_bytes(beside.read_bytes()[:-1] + b"!")
    with pytest.raises(ValueError, match=r"weights-0001\.safetensors does not match"):
        read_checkpoint(written, TENSORS)
    beside.unlink()
    with pytest.raises(UNUSABLE):
        read_checkpoint(written, TENSORS)


def test_a_missing_state_is_none(tmp_path):
    with pytest.raises(UNUSABLE):
        read_checkpoint(tmp_path / "state.safetensors", TENSORS)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "state.safetensors"
    write_checkpoint(path, Checkpoint(PROGRESS, {}, TENSORS))
    return path, path.read_bytes()


@settings(max_examples=200)
@given(data=st.data())
def test_no_flipped_bit_of_a_state_is_taken_over(state, data):
    path, whole = state
    content = bytearray(whole)
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        found = read_checkpoint(path, TENSORS)
    except UNUSABLE:
        return
    # A bit of the layout, such as a space, says nothing.
    assert (found.progress, found.kept) == (PROGRESS, {})
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in TENSORS.items())


def test_the_progress_is_vouched_for_too(written):
    content = written.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"]["progress"] = json.dumps({**PROGRESS, "epoch": 1})
    told = json.dumps(header).encode()
    written.write_bytes(struct.pack("<Q", len(told)) + told + content[8 + size :])
    with pytest.raises(ValueError, match="does not match its sha256"):
        read_checkpoint(written, TENSORS)
