"""Samples that are no images: sequences, features, whatever a paper has."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tic.data import Facts, Samples, padded
from tic.errors import TicError

FACTS = Facts(name="beats", shape=(5, 2), num_classes=3, train_size=6, test_size=4, noun="beats")


def beats(count=6, seed=0, dtype=torch.float32):
    inputs = torch.rand(count, 5, 2, generator=torch.Generator().manual_seed(seed))
    return Samples(FACTS, "train", inputs.to(dtype), torch.arange(count) % 3)


def test_batches_are_the_samples_as_they_are():
    data = beats()
    inputs, labels = zip(*data.batches(4), strict=True)
    assert torch.equal(torch.cat(inputs), data.inputs)
    assert torch.equal(torch.cat(labels), data.labels)
    assert [len(each) for each in labels] == [4, 2]


def test_shuffled_batches_are_the_samples_in_another_order():
    data = beats(30)
    ((inputs, labels),) = data.shuffled_batches(30, torch.Generator().manual_seed(1))
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    assert torch.equal(inputs, data.inputs[order])
    assert torch.equal(labels, data.labels[order])


def test_facts_are_at_hand():
    data = beats()
    assert (len(data), data.name, data.num_classes) == (6, "beats", 3)
    assert data.device == torch.device("cpu")
    assert data.to("cpu") is data


def test_the_digest_changes_with_one_value_label_type_or_fact():
    data = beats()
    inputs, labels = data.inputs.clone(), data.labels.clone()
    inputs[5, 4, 1] += 1e-6
    labels[0] = 1
    others = [
        replace(data, inputs=inputs),
        replace(data, labels=labels),
        replace(data, split="test"),
        replace(data, inputs=data.inputs.double()),
        replace(data, inputs=data.inputs.bfloat16()),
        replace(data, inputs=data.inputs.half()),
        replace(data, facts=replace(FACTS, name="other")),
        replace(data, facts=replace(FACTS, num_classes=4)),
        replace(data, inputs=data.inputs[:5], labels=data.labels[:5]),
    ]
    assert len({data.digest, *(other.digest for other in others)}) == 1 + len(others)
    assert beats().digest == data.digest
    strided = data.inputs.transpose(1, 2).contiguous().transpose(1, 2)
    assert replace(data, inputs=strided).digest == data.digest


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"inputs": torch.zeros(6, 5, 2, dtype=torch.int64)}, "beats needs floating-point beats"),
        ({"inputs": torch.full((6, 5, 2), torch.nan)}, "beats needs finite beats, got .* nan"),
        ({"inputs": torch.zeros(6, 2, 5)}, r"needs beats \(6, 5, 2\), got .* \(6, 2, 5\)"),
        ({"inputs": torch.zeros(6)}, r"needs beats \(6, 5, 2\), got torch.float32 \(6,\)"),
        ({"labels": torch.zeros(6)}, r"needs labels \(N,\) int64"),
        ({"labels": torch.full((6,), 3)}, r"labels from 0 to 2, got .* in \[3, 3\]"),
        ({"labels": torch.zeros(0, dtype=torch.int64)}, "at least one of its beats"),
        ({"split": "valid"}, "split 'train' or 'test', got 'valid'"),
    ],
)
def test_tensors_that_do_not_fit_the_facts_are_refused(change, rule):
    with pytest.raises(TicError, match=rule):
        replace(beats(), **change)


@pytest.mark.parametrize("size", [2, 7])
def test_a_size_that_the_split_cannot_give_is_refused(size):
    rule = rf"size must lie between 3 \(one beat per class\) and 6 .*, got {size}"
    with pytest.raises(TicError, match=rule):
        beats().take(size)


lengths = st.lists(st.integers(0, 6), min_size=1, max_size=5)


@given(lengths, st.integers(0, 3), st.integers(0, 2**16))
def test_padded_sequences_are_themselves_where_the_mask_is_one_and_zero_elsewhere(
    lengths, longer, seed
):
    generator = torch.Generator().manual_seed(seed)
    sequences = [torch.randn(length, 3, generator=generator) for length in lengths]
    joined = padded(sequences, max(lengths) + longer)
    assert joined.shape == (len(lengths), max(lengths) + longer, 4)
    assert set(joined[..., 3].unique().tolist()) <= {0.0, 1.0}
    for row, sequence in zip(joined, sequences, strict=True):
        shown = row[:, 3].bool()
        assert shown.tolist() == [True] * len(sequence) + [False] * (len(row) - len(sequence))
        assert torch.equal(row[shown][:, :3], sequence)
        assert torch.count_nonzero(row[~shown]) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_padded_sequences_keep_their_type(dtype):
    assert padded([torch.ones(2, 1, dtype=dtype)], 3).dtype is dtype


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], r"sequences must be tensors \(T, F\), at least one"),
        ([torch.zeros(3)], r"sequences must be tensors \(T, F\), at least one"),
        ([torch.zeros(3, 2), torch.zeros(3, 1)], r"one number of features .* got \[1, 2\] feat"),
        ([torch.zeros(5, 2)], r"at most 4 timesteps, got \[2\] features and up to 5 timesteps"),
    ],
)
def test_sequences_that_cannot_be_joined_are_refused(sequences, message):
    with pytest.raises(TicError, match=message):
        padded(sequences, 4)
