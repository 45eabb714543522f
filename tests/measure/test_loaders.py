"""What every measure takes from a loader, and what it refuses, in the same words."""

import pytest
import torch
from torch import nn

from tic.errors import TicError
from tic.measure import confidence, energy, firing, robustness
from tic.measure.batches import labelled_batches

IMAGES, LABELS = torch.rand(4, 1, 2, 2), torch.tensor([0, 1, 2, 1])


class Network(nn.Module):
    """One timestep of a layer that fires, and logits (1, B, 3) or in another shape."""

    def __init__(self, shape=lambda logits: logits[None]):
        super().__init__()
        self.dense, self.shape = nn.Linear(4, 3), shape
        self.spikes = nn.Threshold(torch.inf, 0.0)

    def forward(self, images):
        logits = self.dense(images.flatten(1))
        self.spikes(logits[None])
        return self.shape(logits)


def fired(network, loader):
    return firing.firing(network, loader, ["spikes"])


MEASURES = {
    "margins": (confidence, confidence.margins),
    "temperature": (confidence, confidence.temperature),
    "accuracy": (robustness, robustness.accuracy),
    "correct": (robustness, robustness.correct),
    "zero gradients": (robustness, robustness.zero_gradients),
    "firing": (firing, fired),
    "operations": (energy, energy.operations),
}
OF_LOGITS = ["margins", "temperature", "accuracy", "correct", "zero gradients"]


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    ("loader", "message"),
    [
        ([], "the loader must give at least one batch, got none with a sample in it"),
        ([(IMAGES[:0], LABELS[:0])], "the loader must give at least one batch, got none"),
        (3, "the loader must give batches .*, got something of type int"),
        ([IMAGES], r"a batch must be a pair .*, got a tensor of shape \(4, 1, 2, 2\)"),
        ([(IMAGES, LABELS, LABELS)], r"a batch must be a pair .*, got a tuple of 3"),
        ([(IMAGES / 0, LABELS)], "inputs must be finite, got NaN or infinity"),
        ([(IMAGES, LABELS.float())], "labels must be classes, whole numbers .* got torch.float32"),
        ([(IMAGES, LABELS[:, None])], r"labels shape \(B,\), one for each, got .* and \(4, 1\)"),
    ],
)
def test_what_gives_no_batches_of_inputs_and_labels_is_refused(name, loader, message):
    with pytest.raises(TicError, match=message):
        MEASURES[name][1](Network(), loader)


@pytest.mark.parametrize("name", MEASURES)
def test_labels_of_any_integer_type_and_empty_batches_are_taken(name):
    measure, network = MEASURES[name][1], Network()
    given = [(IMAGES, LABELS.int()), (IMAGES[:0], LABELS[:0])]
    assert repr(measure(network, given)) == repr(measure(network, [(IMAGES, LABELS)]))


@pytest.mark.parametrize("name", MEASURES)
def test_batches_are_brought_to_where_the_network_lies(name, monkeypatch):
    asked = []

    def noted(loader, device):
        asked.append(device.type)
        return labelled_batches(loader, torch.device("cpu"))

    module, measure = MEASURES[name]
    monkeypatch.setattr(module, "labelled_batches", noted)
    network = Network()
    network.register_parameter("first", nn.Parameter(torch.empty(1, device="meta")))
    measure(network, [(IMAGES, LABELS)])
    assert asked == ["meta"]


@pytest.mark.parametrize("name", OF_LOGITS)
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (lambda logits: logits, r"that looks like \(B, K\), of a network without time"),
        (lambda logits: logits[:, None].expand(-1, 2, -1), r"that looks like \(B, T, K\)"),
        (lambda logits: (logits[None], logits), "must return one tensor of logits"),
        (lambda logits: logits[None] * torch.nan, "must be finite, got NaN or infinity"),
    ],
)
def test_what_is_no_read_out_over_time_is_refused(name, shape, message):
    with pytest.raises(TicError, match=message):
        MEASURES[name][1](Network(shape), [(IMAGES, LABELS)])


@pytest.mark.parametrize("name", OF_LOGITS)
@pytest.mark.parametrize("bad", [-1, 3])
def test_labels_that_are_no_class_are_refused(name, bad):
    labels = torch.tensor([0, 1, 2, bad])
    with pytest.raises(TicError, match=rf"labels must be .*, got {bad}; leave"):
        MEASURES[name][1](Network(), [(IMAGES, labels)])
