import pytest
import torch
from by_definition import measurable, owners
from torch import nn

from tic.errors import TicError
from tic.measure.capture import capture
from tic.measure.gradients import Gradients, Layers


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


@pytest.mark.parametrize("copies", [1, 3])
def test_several_weightings_take_copies_or_a_backward_each(copies, scaled, data):
    images, _ = data
    draws = torch.Generator().manual_seed(3)
    weights = torch.randn(3, 5, 4, dtype=torch.float64, generator=draws)
    layers = Layers(scaled)
    with capture(layers.rules) as captures:
        logits = scaled(images.repeat(copies, 1, 1, 1))
    found = Gradients(layers, captures, 5, copies).inner(logits, weights)
    for name, own in owners(scaled).items():
        for n, image in enumerate(images):
            rows = [
                torch.cat(
                    [
                        torch.autograd.grad((w[n] * scaled(image[None])).sum(), p)[0].flatten()
                        for p in own
                    ]
                )
                for w in weights
            ]
            expected = torch.stack(rows) @ torch.stack(rows).T
            torch.testing.assert_close(found[name][n], expected)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e12])
def test_no_norm_leaves_single_precision(scale, scaled, data, weights):
    model = scaled.float()
    gradients, logits = forward(model, data[0].float())
    once = gradients.per_sample(logits, weights)
    for name, values in gradients.per_sample(logits, scale * weights).items():
        assert values.dtype == torch.float64
        torch.testing.assert_close(values, scale**2 * once[name], rtol=1e-5, atol=0)


def test_the_gradients_of_embeddings_may_be_sparse():
    torch.manual_seed(0)
    dense = nn.Embedding(7, 4)
    sparse = nn.Embedding(7, 4, sparse=True)
    sparse.load_state_dict(dense.state_dict())
    words = torch.tensor([[1, 1], [2, 5]])
    norms = []
    for model in (dense, sparse):
        layers = Layers(model)
        logits = model(words).sum(1)
        found = Gradients(layers, {}, 2).per_sample(logits, torch.ones(2, 4))
        norms.append(found[""].tolist())
    assert norms == [[16.0, 8.0]] * 2  # a word that is met twice has twice the gradient


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_parameters_in_half_precision_are_refused_with_the_way_out(dtype):
    with pytest.raises(TicError, match=r"^layer '1': parameters must be float32 or float64.*float"):
        Layers(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).to(dtype)))


def test_lazy_layers_that_were_never_called_are_refused_with_the_way_out():
    with pytest.raises(TicError, match="never called; call the model once on a batch first"):
        Layers(nn.Sequential(nn.LazyLinear(2)))


def test_parameters_made_in_inference_mode_are_refused_with_the_way_out():
    with torch.inference_mode():
        model = nn.Linear(2, 2)
    with pytest.raises(TicError, match=r"made in inference mode .* torch.inference_mode\(\)"):
        Layers(model)
