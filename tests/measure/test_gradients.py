import pytest
import torch
from by_definition import measurable, owners
from torch import nn
from torch.nn.functional import linear

from tic.errors import TicError
from tic.measure.capture import capture
from tic.measure.gradients import Gradients, Layers, check_against_autograd


class Scaled(nn.Module):
    """A layer with a rule, a parameter without one, and a layer that is frozen in part."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.full((5,), 1.5))
        self.first = nn.Linear(36, 5)
        self.second = nn.Linear(5, 4)
        self.second.weight.requires_grad_(False)

    def forward(self, images):
        return self.second(torch.tanh(self.first(images.flatten(1)) * self.scale))


class Bare(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 36))

    def forward(self, images):
        return linear(images.flatten(1), self.weight)


@pytest.fixture
def scaled():
    return measurable(Scaled)


@pytest.fixture
def weights():
    """Any weighting (B, K) of the logits."""
    draws = torch.Generator().manual_seed(7)
    return torch.randn(5, 4, dtype=torch.float64, generator=draws)


def forward(model, images):
    """Logits of one forward, and its gradients."""
    layers = Layers(model)
    with capture(layers.rules) as captures:
        logits = model(images)
    return Gradients(layers, captures, len(images)), logits


def squared(model, objective):
    """Squared norm per owner of the gradient of a scalar, by one autograd call each."""
    return {
        name: sum(
            torch.autograd.grad(objective, p, retain_graph=True)[0].square().sum().item()
            for p in own
        )
        for name, own in owners(model).items()
    }


def test_parameters_lie_under_a_rule_or_are_left_to_autograd_in_the_models_order(scaled):
    layers = Layers(scaled)
    assert layers.names == ["", "first", "second"]
    assert list(layers.rules) == ["first", "second"]
    assert list(layers.others) == [""]
    assert layers.parameters("")[0] is scaled.scale
    assert [id(p) for p in layers.parameters("first")] == [
        id(scaled.first.weight),
        id(scaled.first.bias),
    ]
    assert [id(p) for p in layers.parameters("second")] == [id(scaled.second.bias)]


def test_a_tied_weight_belongs_to_its_first_owner_and_has_no_rule():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    layers = Layers(model)
    assert layers.rules == {}
    assert [len(layers.parameters(name)) for name in layers.names] == [2, 1]


def test_any_weighting_of_the_logits_gives_the_gradients_of_every_sample(scaled, data, weights):
    images, _ = data
    gradients, logits = forward(scaled, images)
    norms = gradients.per_sample(logits, weights)
    alone = [
        squared(scaled, (row * scaled(image[None])).sum()) for image, row in pairs(data, weights)
    ]
    for name, values in norms.items():
        assert values.tolist() == pytest.approx([each[name] for each in alone], rel=1e-9)
    assert set(norms) == {"", "first", "second"}


def pairs(data, weights):
    return zip(data[0], weights, strict=True)


def test_the_gradient_of_the_sum_is_squared_after_the_sum(scaled, data, weights):
    images, _ = data
    gradients, logits = forward(scaled, images)
    of_sum = {name: value.item() for name, value in gradients.of_sum(logits, weights).items()}
    expected = squared(scaled, (weights * scaled(images)).sum())
    assert of_sum == {name: pytest.approx(value, rel=1e-9) for name, value in expected.items()}
    apart = gradients.per_sample(logits, weights)
    assert any(of_sum[name] != pytest.approx(apart[name].sum().item()) for name in of_sum)


def test_one_forward_serves_any_number_of_weightings(scaled, data, weights):
    gradients, logits = forward(scaled, data[0])
    once = gradients.per_sample(logits, weights)
    thrice = gradients.per_sample(logits, 3 * weights)
    for name, values in once.items():
        torch.testing.assert_close(thrice[name], 9 * values)


def test_only_the_layers_that_are_named_are_asked_of_autograd(scaled, data, weights):
    gradients, logits = forward(scaled, data[0])
    named = gradients.squares(logits, weights, ["second", ""])
    assert list(named) == ["second", ""]
    every = gradients.of_sum(logits, weights)
    assert all(torch.equal(value, every[name]) for name, value in named.items())


def test_logits_that_do_not_depend_on_a_layer_give_it_no_gradient(scaled, data, weights):
    gradients, _ = forward(scaled, data[0])
    elsewhere = scaled.second.bias.expand(5, 4) * 2
    norms = gradients.per_sample(elsewhere, weights)
    assert norms["first"].tolist() == norms[""].tolist() == [0] * 5
    assert gradients.squares(elsewhere, weights, ["first"])["first"].item() == 0


@pytest.mark.parametrize("make", [Scaled, Bare])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_rules_that_agree_with_autograd_pass_in_every_precision(make, dtype, data, weights):
    model = measurable(make).to(dtype)
    gradients, logits = forward(model, data[0].to(dtype))
    check_against_autograd(gradients, logits, weights.to(dtype))


@pytest.mark.parametrize(
    ("dtype", "error", "refused"),
    [
        (torch.float64, 1e-5, True),
        (torch.float64, 1e-7, False),
        (torch.float32, 0.05, True),
        (torch.float32, 1e-3, False),
    ],
)
def test_a_rule_that_is_off_by_more_than_rounding_is_refused_by_name(
    dtype, error, refused, data, weights, monkeypatch
):
    model = measurable(Scaled).to(dtype)
    gradients, logits = forward(model, data[0].to(dtype))
    norms = gradients.per_sample(logits, weights.to(dtype))
    norms["first"] = norms["first"] * (1 + error)
    monkeypatch.setattr(gradients, "per_sample", lambda *_: norms)
    if refused:
        message = "^layer 'first': squared gradient of the first sample is .* by autograd"
        with pytest.raises(TicError, match=message):
            check_against_autograd(gradients, logits, weights.to(dtype))
    else:
        check_against_autograd(gradients, logits, weights.to(dtype))
