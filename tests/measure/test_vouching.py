import pytest
import torch
from by_definition import K, measurable
from torch import nn
from torch.nn.functional import linear

from tic.measure.capture import capture
from tic.measure.gradients import Gradients, Layers
from tic.measure.vouching import compare_with_autograd


class Net(nn.Module):
    """Two linear layers, one of which never sees a blank image."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(36, 5, bias=False)
        self.second = nn.Linear(5, K)

    def forward(self, images):
        return self.second(torch.relu(self.first(images.flatten(1))))


class Outside(Net):
    """Uses the first weight without calling its layer."""

    def forward(self, images):
        return self.second(torch.relu(linear(images.flatten(1), self.first.weight)))


def forward(model, images, copies=1):
    layers = Layers(model)
    with capture(layers.rules) as captures:
        logits = model(images.repeat(copies, 1, 1, 1))
    return Gradients(layers, captures, len(images), copies), logits


def compared(model, images, copies=1):
    gradients, logits = forward(model, images, copies)
    return compare_with_autograd(gradients, logits, ["first", "second"])


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rules_that_hold_agree(dtype, copies, data):
    found = compared(measurable(Net).to(dtype), data[0].to(dtype), copies)
    assert sorted(found.agreed) == ["first", "second"]
    assert not found.differed


def test_a_rule_that_misses_a_use_of_the_weight_differs(data):
    found = compared(measurable(Outside), data[0])
    assert list(found.agreed) == ["second"]
    assert list(found.differed) == ["first"]
    assert found.differed["first"].endswith("by autograd and 0 by its rule")


@pytest.mark.parametrize("blank", [1, 4])
def test_blank_images_hide_no_layer_from_the_comparison(blank, data):
    images = data[0].clone()
    images[:blank] = 0
    assert list(compared(measurable(Outside), images).differed) == ["first"]
    assert sorted(compared(measurable(Net), images).agreed) == ["first", "second"]


def test_a_layer_without_any_gradient_is_neither_right_nor_wrong(data):
    for make in (Net, Outside):
        found = compared(measurable(make), torch.zeros_like(data[0]))
        assert list(found.agreed) == ["second"]
        assert not found.differed


def test_a_layer_that_is_small_beside_the_others_is_compared_all_the_same(data):
    model = measurable(Outside)
    with torch.no_grad():
        model.second.weight *= 1e-7  # what reaches the first layer, and a share of 1e-14
    assert list(compared(model, data[0]).differed) == ["first"]


@pytest.mark.parametrize(
    ("dtype", "scale", "differs"),
    [
        (torch.float32, 1e-20, []),
        (torch.float32, 1e-17, ["first"]),
        (torch.float64, 1e-20, ["first"]),
    ],
)
def test_a_gradient_that_vanishes_in_the_precision_of_a_rule_is_no_difference(
    dtype, scale, differs, data
):
    class Vanishing(Outside):
        """What reaches the first layer has squares of scale² and less."""

        def forward(self, images):
            first = torch.relu(linear(images.flatten(1), self.first.weight))
            return self.second(scale * first + (1 - scale) * first.detach())

    found = compared(measurable(Vanishing).to(dtype), data[0].to(dtype))
    assert list(found.differed) == differs
    assert list(found.agreed) == ["second"]


@pytest.mark.parametrize(
    ("dtype", "error", "differs"),
    [
        (torch.float64, 1e-5, True),
        (torch.float64, 1e-7, False),
        (torch.float32, 0.05, True),
        (torch.float32, 1e-3, False),
    ],
)
def test_a_rule_may_be_off_by_rounding_and_no_more(dtype, error, differs, data, monkeypatch):
    gradients, logits = forward(measurable(Net).to(dtype), data[0].to(dtype))
    sound = Gradients.per_sample
    monkeypatch.setattr(
        Gradients,
        "per_sample",
        lambda *arguments: {
            name: own * (1 + error * (name == "first")) for name, own in sound(*arguments).items()
        },
    )
    found = compare_with_autograd(gradients, logits, ["first", "second"])
    assert ("first" in found.differed) is differs
    assert "second" in found.agreed


def test_a_layer_that_is_called_on_another_number_of_samples_differs(data):
    class Twice(Net):
        def forward(self, images):
            flat = images.flatten(1)
            hidden = self.first(torch.cat([flat, flat[:1]]))[: len(flat)]
            return self.second(torch.relu(hidden))

    found = compared(measurable(Twice), data[0])
    assert found.differed == {"first": "it is not called on 5 samples at once"}
