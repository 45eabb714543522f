"""Copies in float64 of networks that keep what their last call left."""

from collections import namedtuple

import pytest
import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from tic.models.copying import double_copy

pytestmark = pytest.mark.usefixtures("one_thread")

State = namedtuple("State", "voltage current")


class Keeping(nn.Module):
    """Keeps what it computed in every kind of place, graph and all."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2, bias=False)
        nn.init.eye_(self.layer.weight)
        self.register_buffer("buffer", torch.zeros(2))
        self.nested = {}
        self.plain = torch.ones(1)

    def forward(self, values):
        self.buffer = self.layer(values)
        self.nested = {"states": [State(2 * self.buffer, self.plain)]}
        return self.buffer


def test_values_are_copied_without_their_graph_wherever_they_are_kept():
    model = Keeping()
    model(torch.tensor([0.25, 0.5]))
    copied = double_copy(model)
    (state,) = copied.nested["states"]
    assert copied.buffer.tolist() == [0.25, 0.5]
    assert state.voltage.tolist() == [0.5, 1.0]
    assert copied.buffer.is_leaf
    assert state.voltage.is_leaf
    assert model.buffer.grad_fn is not None
    assert model.nested["states"][0].voltage.grad_fn is not None


def test_a_tensor_that_is_kept_in_two_places_stays_one():
    model = Keeping()
    model(torch.tensor([0.25, 0.5]))
    (kept,) = model.nested["states"]
    model.again = kept.voltage
    copied = double_copy(model)
    assert copied.again is copied.nested["states"][0].voltage
    assert copied.plain is copied.nested["states"][0].current


def test_the_copy_is_in_double_precision_with_weights_of_its_own():
    model = Keeping()
    copied = double_copy(model)
    assert copied.layer.weight.dtype is torch.float64
    assert copied.layer.weight.requires_grad
    nn.init.zeros_(copied.layer.weight)
    assert torch.equal(model.layer.weight, torch.eye(2))


def test_a_network_of_spikingjelly_is_copied_between_its_call_and_its_reset():
    model = nn.Sequential(layer.Linear(3, 2), neuron.LIFNode())
    images = torch.rand(4, 3)
    model(images)
    copied = double_copy(model)
    assert torch.equal(copied[1].v, model[1].v.detach().double())
    functional.reset_net(copied)
    assert copied(images.double()).dtype is torch.float64
