"""Whatever networks, losses and prices are asked of, they answer or raise a TicError."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tic
from tic import losses
from tic.attacks import FGSM
from tic.errors import TicError
from tic.models import build
from tic.neurons import LIF

numbers = st.one_of(
    st.integers(-2, 4), st.sampled_from([10**6, 10**30, np.int64(2)]), st.floats(), st.booleans()
)
others = st.sampled_from([None, "2", 1j, [], [1], {}, object(), torch.tensor(2), np.ma.masked])
odd = numbers | others
pixels = odd | st.sampled_from([(0.5,), (0.5, 0.5), (float("nan"),), (0.0,), ("a",)])
small = st.integers(0, 3)


@st.composite
def tensors(draw, dimensions):
    shape = draw(st.lists(small, min_size=dimensions, max_size=dimensions + 1))
    dtype = draw(st.sampled_from([torch.float32, torch.int64, torch.int32, torch.bool]))
    return torch.full(shape, draw(st.sampled_from([0, 1, 2, -100])), dtype=dtype)


logits = odd | tensors(3)
labels = odd | tensors(1)


def network(draw):
    name = draw(odd | st.sampled_from(["tiny", "Tiny", "tiny-vgg16"]))
    channels, classes = draw(st.just(1) | odd), draw(st.just(3) | odd)
    return build(
        name,
        in_channels=channels,
        num_classes=classes,
        timesteps=draw(st.just(2) | odd),
        tau=draw(st.just(2.0) | odd),
        mean=draw(st.none() | pixels),
        std=draw(st.none() | pixels),
    )


ASKED = {
    "build": network,
    "LIF": lambda draw: LIF(draw(odd)),
    "compute_saving": lambda draw: tic.compute_saving(
        epochs=draw(odd),
        retrain_epochs=draw(st.just(30) | odd),
        rounds=draw(st.just(5) | odd),
        timesteps=draw(st.just(5) | odd),
        retrain_timesteps=draw(st.just(3) | odd),
    ),
    "prefix_logits": lambda draw: losses.prefix_logits(
        draw(logits), draw(odd | st.sampled_from(["mean", "sum"]))
    ),
    "sample_losses": lambda draw: losses.sample_losses(draw(logits), draw(labels)),
    "prefix_losses": lambda draw: losses.prefix_losses(draw(logits), draw(labels)),
    "mean_loss": lambda draw: losses.mean_loss(draw(logits), draw(labels)),
    "alpha_loss": lambda draw: losses.alpha_loss(
        draw(logits), draw(labels), draw(odd), draw(st.sampled_from(["batch", "sample", 1]))
    ),
    "information_centroid": lambda draw: tic.information_centroid(draw(odd | tensors(1))),
    "FGSM": lambda draw: FGSM(epsilon=draw(odd)),
}


@pytest.mark.parametrize("name", ASKED)
@settings(max_examples=80)
@given(data=st.data())
def test_odd_input_is_answered_or_refused_in_a_sentence(name, data):
    try:
        ASKED[name](data.draw)
    except TicError as error:
        sentence = str(error)
    else:
        sentence = ", got nothing"
    assert ", got " in sentence or "; known: " in sentence


@pytest.mark.parametrize("epochs", [float("nan"), float("inf"), 2.5, 0, None, "300"])
def test_what_is_no_number_of_epochs_has_no_price(epochs):
    with pytest.raises(TicError, match="epochs must be"):
        tic.compute_saving(
            epochs=epochs, retrain_epochs=30, rounds=5, timesteps=5, retrain_timesteps=3
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mean": (0.5, 0.5)}, "mean must have one value for each of 1 image channels, got 2"),
        ({"std": (0.5, 0.5)}, "std must be above 0, one for each of the 1 means, got"),
        ({"std": (0.0,)}, r"std must be above 0, one for each of the 1 means, got \[0.0\]"),
        ({"tau": float("inf")}, "tau must be above 0 and finite, got inf"),
        ({"timesteps": 2.5}, "timesteps must be a whole number, got 2.5"),
        ({"in_channels": 10**9}, "in_channels must be at most 10000, got 1000000000"),
    ],
)
def test_a_network_is_not_built_of_odd_numbers(given, message):
    usual = {"in_channels": 1, "num_classes": 3, "timesteps": 2}
    with pytest.raises(TicError, match=message):
        build("tiny", **{**usual, **given})
