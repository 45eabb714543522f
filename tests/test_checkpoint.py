import json
import math
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tic.checkpoint import (
    UNUSABLE,
    Checkpoint,
    pack_state,
    read_checkpoint,
    unpack_state,
    write_checkpoint,
)
from tic.errors import TicError
from tic.tensors import write_tensors

TENSORS = {
    "network.weight": torch.tensor([[0.1, -0.0], [1e-40, 3.0]]),
    "network.batches": torch.tensor(7),
    "generator": torch.arange(5, dtype=torch.uint8),
    "optimiser.state.0": torch.tensor([0.5, -0.0]),
    "rules.tensors.average": torch.tensor([[True, False]]),
}
OPTIMISER = {"pairs": [["state", {"pairs": [[0, {"tensor": "optimiser.state.0"}]]}]]}
PROGRESS = {"epoch": 2, "seconds": 0.5, "train_loss": [0.1, 0.2], "diverged": None}


@pytest.fixture
def written(tmp_path):
    """A state and the weights beside it."""
    kept = {"weights-0001.safetensors": None}
    for name in kept:
        kept[name] = write_tensors(tmp_path / name, {"weight": torch.ones(2)})
    path = tmp_path / "state.safetensors"
    write_checkpoint(path, Checkpoint(PROGRESS, kept, OPTIMISER, TENSORS))
    return path


def test_a_state_is_read_as_it_was_written(written):
    found = read_checkpoint(written, TENSORS)
    assert found.progress == PROGRESS
    assert found.optimiser == OPTIMISER
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
        {**TENSORS, "network.other": torch.ones(2)},
    ):
        with pytest.raises(UNUSABLE):
            read_checkpoint(written, other)


def test_what_only_the_optimiser_and_rules_know_is_read_as_it_was_written(written):
    known = {name: TENSORS[name] for name in TENSORS if name.startswith(("network.", "gen"))}
    other = {"optimiser.state.1": torch.ones(3), "rules.tensors.average": torch.ones(9)}
    for like in (known, {**known, **other}):
        found = read_checkpoint(written, like)
        assert found.tensors.keys() == TENSORS.keys()
        for name, tensor in TENSORS.items():
            assert torch.equal(found.tensors[name], tensor)
            assert found.tensors[name].dtype is tensor.dtype


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
    write_checkpoint(path, Checkpoint(PROGRESS, {}, OPTIMISER, TENSORS))
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
    assert (found.progress, found.kept, found.optimiser) == (PROGRESS, {}, OPTIMISER)
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in TENSORS.items())


@pytest.mark.parametrize(
    ("name", "changed"), [("progress", {**PROGRESS, "epoch": 1}), ("optimiser", {"pairs": []})]
)
def test_progress_and_optimiser_are_vouched_for_too(written, name, changed):
    content = written.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"][name] = json.dumps(changed)
    told = json.dumps(header).encode()
    written.write_bytes(struct.pack("<Q", len(told)) + told + content[8 + size :])
    with pytest.raises(ValueError, match="does not match its sha256"):
        read_checkpoint(written, TENSORS)


# Optimisers


OPTIMISERS = {
    "SGD": lambda weights: torch.optim.SGD(weights, lr=0.1),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda weights: torch.optim.Adam(weights, lr=0.1, amsgrad=True),
    "a rate that is a tensor": lambda weights: torch.optim.Adam(weights, lr=torch.tensor(0.1)),
    "AdamW": lambda weights: torch.optim.AdamW(weights, lr=0.1),
    "RMSprop": lambda weights: torch.optim.RMSprop(weights, lr=0.1, momentum=0.5, centered=True),
    "Adagrad": lambda weights: torch.optim.Adagrad(weights, lr=0.1),
    "Rprop": lambda weights: torch.optim.Rprop(weights, lr=0.1),
    "ASGD": lambda weights: torch.optim.ASGD(weights, lr=0.1),
    "NAdam": lambda weights: torch.optim.NAdam(weights, lr=0.1),
    "RAdam": lambda weights: torch.optim.RAdam(weights, lr=0.1),
    "groups": lambda weights: torch.optim.SGD(
        [{"params": weights[:1], "lr": 0.01}, {"params": weights[1:]}], lr=0.1, momentum=0.9
    ),
}


def steps(optimiser, weights, start, end):
    for number in range(start, end):
        optimiser.zero_grad()
        sum((weight * weight.detach().sin() * (number + 1)).sum() for weight in weights).backward()
        optimiser.step()


@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
def test_an_optimiser_goes_on_from_its_state_in_a_file_with_the_same_bits(tmp_path, make):
    def fresh():
        draws = torch.Generator().manual_seed(0)
        return [torch.randn(*shape, generator=draws).requires_grad_() for shape in ((3, 2), (4,))]

    whole, halves = fresh(), fresh()
    steps(make(whole), whole, 0, 5)
    first = make(halves)
    steps(first, halves, 0, 3)
    document, tensors = pack_state(first)
    path = tmp_path / "state.safetensors"
    write_checkpoint(path, Checkpoint(PROGRESS, {}, document, tensors))
    found = read_checkpoint(path, {})
    halves = [weight.detach().clone().requires_grad_() for weight in halves]
    second = make(halves)
    second.load_state_dict(unpack_state(found.optimiser, found.tensors))
    steps(second, halves, 3, 5)
    assert all(torch.equal(one, other) for one, other in zip(whole, halves, strict=True))


@pytest.mark.parametrize("number", [math.inf, -math.inf, 0.1, 1e300])
def test_settings_of_an_optimiser_that_json_has_no_number_for_are_read_again(tmp_path, number):
    optimiser = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
    optimiser.param_groups[0]["max_norm"] = number
    document, tensors = pack_state(optimiser)
    write_checkpoint(tmp_path / "state", Checkpoint(PROGRESS, {}, document, tensors))
    state = read_checkpoint(tmp_path / "state", {})
    (group,) = unpack_state(state.optimiser, state.tensors)["param_groups"]
    assert group["max_norm"] == number


def test_a_state_that_is_neither_json_nor_tensors_is_refused():
    optimiser = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
    optimiser.param_groups[0]["schedule"] = lambda epoch: 0.1
    with pytest.raises(TicError, match=r"must be tensors, .* got function in SGD"):
        pack_state(optimiser)


@pytest.mark.parametrize(
    "document", [{}, {"tensor": "absent"}, {"pairs": 3}, {"pairs": [1]}, {"tensor": []}]
)
def test_what_is_no_state_of_an_optimiser_is_unusable(document):
    with pytest.raises(UNUSABLE):
        unpack_state(document, TENSORS)
