import numpy as np
import pytest
import torch
from by_definition import AtOnce, K, OverTime, close, each_sample, empirical, exact, measurable
from spikingjelly.activation_based import functional as jelly
from spikingjelly.activation_based import layer as jelly_layer
from spikingjelly.activation_based import neuron as jelly_neuron
from torch import nn
from torch.nn.functional import linear, relu_
from torch.nn.utils import parametrizations

from tic.errors import TicError
from tic.measure.fisher import fisher_information

pytestmark = pytest.mark.usefixtures("one_thread")

LAYERS = {
    "convolution": (lambda: nn.Conv2d(1, 4, 3, padding=1), 144),
    "stride": (lambda: nn.Conv2d(1, 4, 3, stride=2, bias=False), 16),
    "groups": (lambda: sequence(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Conv2d(4, 6, 2, groups=2)), 54),
    "dilation": (lambda: nn.Conv2d(1, 3, 2, dilation=3), 27),
    "one by one": (lambda: nn.Conv2d(1, 2, 1, stride=2), 18),
    "same padding": (lambda: nn.Conv2d(1, 2, 3, padding="same"), 72),
    "circular padding": (lambda: nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), 72),
    "batch norm": (lambda: sequence(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3)), 48),
    "flat batch norm": (lambda: sequence(nn.Flatten(), nn.BatchNorm1d(36), nn.Linear(36, 7)), 7),
    "batch norm along positions": (
        lambda: sequence(nn.Flatten(2), nn.Conv1d(1, 3, 3), nn.BatchNorm1d(3)),
        102,
    ),
    "linear along positions": (lambda: sequence(nn.Flatten(1, 2), nn.Linear(6, 3, bias=False)), 18),
    "layer norm": (lambda: nn.LayerNorm([1, 6, 6]), 36),
    "weight norm": (
        lambda: sequence(nn.Flatten(), parametrizations.weight_norm(nn.Linear(36, 5))),
        5,
    ),
}


def sequence(*layers):
    return nn.Sequential(*layers)


@pytest.mark.parametrize("wrapper", [OverTime, AtOnce])
@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_of_layer_gives_the_information_of_the_definition(kind, wrapper, data):
    body, features = LAYERS[kind]
    model = measurable(lambda: wrapper(body(), features))
    close(fisher_information(model, [data]), empirical(model, *data))


class InPlace(nn.Module):
    """Changes the outputs of its layers in place."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 1, 3, padding=1)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, images):
        hidden = self.first(images)
        hidden += images
        relu_(hidden)
        return self.norm(hidden).mul_(2)


class Tied(nn.Module):
    """Two layers with one weight and a bias each."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)
        self.second.weight = self.first.weight

    def forward(self, images):
        return self.second(torch.tanh(self.first(images[:, 0, 0])))


class Reused(nn.Module):
    """One layer that is called twice."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3, padding=1)
        self.alias = self.layer

    def forward(self, images):
        return self.alias(torch.tanh(self.layer(images)))


class Mixed(nn.Module):
    """A parameter of its own beside a layer, a layer under no_grad and one that is never called."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, 6, 1))
        self.layer, self.cut, self.idle = (nn.Conv2d(1, 1, 1) for _ in range(3))

    def forward(self, images):
        with torch.no_grad():
            images = self.cut(images)
        return self.layer(images) * self.scale


@pytest.mark.parametrize("wrapper", [OverTime, AtOnce])
@pytest.mark.parametrize(
    ("body", "features"), [(InPlace, 36), (Tied, 6), (Reused, 36), (Mixed, 36)]
)
def test_unusual_uses_of_layers_give_the_information_of_the_definition(
    body, features, wrapper, data
):
    model = measurable(lambda: wrapper(body(), features))
    close(fisher_information(model, [data]), empirical(model, *data))


class Bare(nn.Module):
    """A model without layers, only with a weight of its own."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 36, K))

    def forward(self, images):
        return images.flatten(1) @ self.weight


def test_a_model_without_layers_gives_the_information_of_the_definition(data):
    model = measurable(Bare)
    info = fisher_information(model, [data])
    assert list(info.by_layer) == [""]
    close(info, empirical(model, *data))


def test_a_tied_weight_counts_once(data):
    model = measurable(lambda: OverTime(Tied(), 6))
    model.body.first.bias.requires_grad_(False)
    model.body.second.bias.requires_grad_(False)
    info = fisher_information(model, [data])
    assert list(info.by_layer) == ["body.first", "readout"]
    close(info, empirical(model, *data))


def test_a_layer_that_nothing_reaches_has_no_information(data):
    info = fisher_information(measurable(lambda: OverTime(Mixed(), 36)), [data])
    assert info.by_layer["body.cut"].tolist() == [0, 0, 0]
    assert info.by_layer["body.idle"].tolist() == [0, 0, 0]
    assert (info.by_layer["body"] > 0).all()


def spiking_jelly(node):
    """A small SpikingJelly network on 6×6 images, in single-step mode."""
    network = nn.Sequential(
        jelly_layer.Conv2d(1, 4, 3, bias=False),
        jelly_layer.BatchNorm2d(4),
        node(),
        jelly_layer.Flatten(),
        jelly_layer.Linear(64, 6),
        jelly_layer.BatchNorm1d(6),
        node(),
        jelly_layer.Linear(6, K),
    )
    for norm in (network[1], network[5]):
        nn.init.constant_(norm.bias, 1.5)  # enough for spikes
    return network


class SingleStep(nn.Module):
    def __init__(self, network, timesteps=3):
        super().__init__()
        self.network, self.timesteps = network, timesteps

    def forward(self, images):
        jelly.reset_net(self.network)
        return torch.stack([self.network(images) for _ in range(self.timesteps)])


class MultiStep(SingleStep):
    def __init__(self, network, timesteps=3):
        super().__init__(network, timesteps)
        jelly.set_step_mode(network, "m")

    def forward(self, images):
        jelly.reset_net(self.network)
        return self.network(images.expand(self.timesteps, *images.shape))


def firing_rates(model, images):
    """Mean number of spikes per timestep of every SpikingJelly layer."""
    fired = {}
    for name, module in model.named_modules():
        if isinstance(module, jelly_neuron.BaseNode):
            module.register_forward_hook(
                lambda _, __, spikes, name=name: fired.setdefault(name, []).append(spikes.mean())
            )
    with torch.no_grad():
        model(images)
    return [torch.stack(means).mean().item() for means in fired.values()]


@pytest.mark.parametrize("node", [jelly_neuron.LIFNode, jelly_neuron.ParametricLIFNode])
@pytest.mark.parametrize("wrapper", [SingleStep, MultiStep])
@pytest.mark.parametrize("size", [3, 5])  # of the batch; there are three timesteps, too
def test_a_spikingjelly_network_gives_the_information_of_the_definition(wrapper, node, size, data):
    model = measurable(lambda: wrapper(spiking_jelly(node)))
    images, labels = (each[:size] for each in data)
    assert all(0.05 < rate < 0.95 for rate in firing_rates(model, images))
    close(fisher_information(model, [(images, labels)]), empirical(model, images, labels))


class OwnNorm(nn.BatchNorm1d):
    """A class of somebody's own, which takes what torch's takes."""


@pytest.mark.parametrize("norm", [jelly_layer.BatchNorm1d, OwnNorm, nn.BatchNorm1d])
@pytest.mark.parametrize("length", [3, 4, 7])
def test_normalisations_of_sequences_are_read_as_their_class_takes_them(norm, length, data):
    body = nn.Flatten(), nn.Linear(36, 4 * length), nn.Unflatten(1, (4, length)), norm(4)
    model = measurable(lambda: OverTime(sequence(*body), 4 * length))
    close(fisher_information(model, [data]), empirical(model, *data))


def test_frozen_parameters_are_left_out(data):
    model = measurable(lambda: OverTime(sequence(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)), 32))
    model.body[0].requires_grad_(False)
    model.body[1].weight.requires_grad_(False)
    model.readout.weight.requires_grad_(False)
    info = fisher_information(model, [data])
    assert list(info.by_layer) == ["body.1", "readout"]
    close(info, empirical(model, *data))


def test_a_model_with_nothing_to_train_is_refused(data, simple):
    for model in (simple.requires_grad_(False), nn.Flatten()):
        with pytest.raises(TicError, match="must have a parameter that requires a gradient"):
            fisher_information(model, [data])


class Outside(nn.Module):
    """Uses the weight of a layer without calling it, alone or beside a call."""

    def __init__(self, beside):
        super().__init__()
        self.sound = nn.Linear(36, 36)
        self.layer = nn.Linear(36, K)
        self.beside = beside

    def forward(self, images):
        hidden = self.sound(images.flatten(1))
        logits = linear(hidden, self.layer.weight)
        return (logits + self.layer(hidden) if self.beside else logits)[None]


@pytest.mark.parametrize("beside", [True, False])
def test_a_weight_used_outside_of_its_layer_goes_through_autograd(beside, data, caplog):
    model = measurable(lambda: Outside(beside))
    close(fisher_information(model, [data]), empirical(model, *data))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("layer 'layer' goes through autograd, sample by sample")


@pytest.mark.parametrize("estimator", ["empirical", "exact"])
def test_black_images_before_others_hide_no_layer(estimator, data, caplog):
    class Both(Outside):
        """Its first layer sees nothing of a black image, and is used without being called."""

        def __init__(self):
            super().__init__(beside=False)
            self.layer, self.sound = nn.Linear(36, 36, bias=False), nn.Linear(36, K)

        def forward(self, images):
            return self.sound(linear(images.flatten(1), self.layer.weight))[None]

    model = measurable(Both)
    images, labels = torch.cat([torch.zeros_like(data[0]), data[0]]), torch.cat([data[1]] * 2)
    loader = list(zip(images.split(5), labels.split(5), strict=True))
    twin = empirical(model, images, labels) if estimator == "empirical" else exact(model, images)
    close(fisher_information(model, loader, estimator), twin)
    assert "'layer' goes through autograd" in caplog.messages[0]


def test_samples_that_depend_on_each_other_are_refused(data):
    class Centred(nn.Module):
        def forward(self, images):
            return images - images.mean(0)

    model = measurable(lambda: OverTime(sequence(nn.Conv2d(1, 2, 3), Centred()), 32))
    with pytest.raises(TicError, match=r"^samples of a batch depend on each other"):
        fisher_information(model, [data])


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm2d(1, track_running_stats=False),
        nn.BatchNorm2d(1, affine=False, track_running_stats=False),
        nn.BatchNorm2d(1, track_running_stats=False).requires_grad_(False),
        nn.Sequential(nn.Unflatten(1, (1, 1)), nn.BatchNorm3d(1, track_running_stats=False)),
    ],
    ids=["affine", "without weights", "frozen", "3d"],
)
def test_batch_normalisation_without_running_statistics_is_refused_by_name(norm, data):
    model = measurable(lambda: OverTime(sequence(norm, nn.Flatten()), 36))
    with pytest.raises(TicError, match=r"^layer 'body.0.*': BatchNorm without running statistics"):
        fisher_information(model, [data])


def test_an_axis_as_long_as_the_last_batch_is_not_mistaken_for_it(data, caplog):
    # a linear layer along the six rows of every image
    model = measurable(lambda: OverTime(sequence(nn.Flatten(1, 2), nn.Linear(6, 3)), 18))
    images, labels = torch.cat([data[0]] * 2), torch.cat([data[1]] * 2)
    found = fisher_information(model, [(images[:4], labels[:4]), (images[4:], labels[4:])])
    close(found, empirical(model, images, labels))
    assert not caplog.messages  # the samples are found to lie outermost


class Folded(nn.Module):
    """Takes (B, T, C, H, W) and folds time into the batch, samples outermost."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
        self.readout = nn.Linear(32, K)

    def forward(self, frames):
        hidden = torch.tanh(self.norm(self.conv(frames.flatten(0, 1)))).flatten(1)
        return self.readout(hidden).view(*frames.shape[:2], K).transpose(0, 1)


@pytest.mark.parametrize("timesteps", [2, 5])  # there are five samples
@pytest.mark.parametrize("estimator", ["empirical", "exact"])
def test_time_may_be_folded_into_the_batch_with_the_samples_outermost(
    estimator, timesteps, data, caplog
):
    images, labels = data
    frames = torch.stack([(t + 1) * images for t in range(timesteps)], 1)
    model = measurable(Folded)
    expected = {
        "empirical": lambda: empirical(model, frames, labels),
        "exact": lambda: exact(model, frames),
    }[estimator]()
    close(fisher_information(model, [(frames, labels)], estimator), expected)
    assert not caplog.messages


class Routed(nn.Module):
    """Sends every token through one of two experts, by what stands in it."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList([nn.Linear(6, 5), nn.Linear(6, 5)])
        self.readout = nn.Linear(5, K)

    def forward(self, images):
        tokens = images.flatten(1, 2)
        chosen = tokens[..., 0] > 0.5
        hidden = tokens.new_zeros(*tokens.shape[:2], 5)
        for expert, own in zip(self.experts, (chosen, ~chosen), strict=True):
            hidden[own] = expert(tokens[own])
        return self.readout(torch.tanh(hidden).mean(1))[None]


class Sorted(nn.Module):
    """Brings the samples into an order of its own and back."""

    def __init__(self):
        super().__init__()
        self.layer, self.readout = nn.Linear(36, 7), nn.Linear(7, K)

    def forward(self, images):
        order = images.flatten(1)[:, 0].argsort()
        hidden = torch.tanh(self.layer(images.flatten(1)[order]))
        return self.readout(hidden)[order.argsort()][None]


@pytest.mark.parametrize("make", [Routed, Sorted])
@pytest.mark.parametrize("estimator", ["empirical", "exact"])
def test_a_layer_that_meets_the_samples_in_an_order_of_its_own_is_measured_rightly(
    estimator, make, data
):
    draws = torch.Generator().manual_seed(11)
    images = torch.rand(12, 1, 6, 6, dtype=torch.float64, generator=draws)
    images[:4, ..., 0] = 0.9  # of the first batch, all tokens go to one expert
    labels = torch.arange(12) % K
    loader = list(zip(images.split(4), labels.split(4), strict=True))
    model = measurable(make)
    found = fisher_information(model, loader, estimator)
    twin = empirical(model, images, labels) if estimator == "empirical" else exact(model, images)
    close(found, twin)
    if estimator == "empirical":
        rows = [sum(at_t[0].values()) for at_t in each_sample(model, images, labels)]
        np.testing.assert_allclose(found.per_sample[:, 0], rows, rtol=1e-9)


def test_a_layer_that_is_called_on_more_samples_than_there_are_goes_through_autograd(data):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(1, 2, 3)

        def forward(self, images):
            return self.layer(torch.cat([images, images[:1]]))[: len(images)]

    model = measurable(lambda: OverTime(Twice(), 32))
    close(fisher_information(model, [data]), empirical(model, *data))


class InPlace(nn.Module):
    """A residual that is added in place to a layer's output, itself a view of another tensor."""

    def __init__(self, layer, change):
        super().__init__()
        self.layer, self.change, self.readout = layer, change, nn.Linear(36, K)

    def forward(self, images):
        sequence = torch.stack([images, 2 * images])
        hidden = self.layer(sequence)
        self.change(hidden, sequence)
        return self.readout(torch.tanh(hidden).flatten(2))


@pytest.mark.parametrize(
    "change",
    [
        lambda hidden, sequence: hidden.add_(sequence),
        lambda hidden, sequence: hidden.relu_(),
        lambda hidden, sequence: hidden[0].mul_(3),
        lambda hidden, sequence: hidden.transpose(0, 1).mul_(sequence.transpose(0, 1)),
    ],
    ids=["residual", "relu", "one timestep", "a view of the view"],
)
@pytest.mark.parametrize(
    "layer",
    [
        lambda: jelly_layer.BatchNorm2d(1, step_mode="m"),
        lambda: jelly_layer.Conv2d(1, 1, 3, padding=1, step_mode="m"),
        lambda: sequence(nn.Flatten(3), nn.Linear(36, 36), nn.Unflatten(3, (6, 6))),
    ],
    ids=["normalisation", "convolution", "linear"],
)
def test_an_output_that_is_changed_in_place_keeps_its_layer_in_the_graph(
    layer, change, data, caplog
):
    model = measurable(lambda: InPlace(layer(), change))
    close(fisher_information(model, [data]), empirical(model, *data))
    assert not caplog.messages  # each by its rule


def test_a_layer_whose_output_a_hook_replaces_goes_through_autograd(data, caplog):
    model = measurable(lambda: OverTime(nn.Conv2d(1, 2, 3), 32))
    model.body.register_forward_hook(lambda _, __, output: output**2)
    close(fisher_information(model, [data]), empirical(model, *data))
    assert "layer 'body' goes through autograd" in caplog.messages[0]


def test_a_layer_that_does_more_than_its_kind_goes_through_autograd(data):
    class Standardised(nn.Conv2d):
        def forward(self, images):
            return super().forward(images) * self.weight.norm()

    class Pooled(nn.Conv2d):
        def forward(self, images):
            return super().forward(images).repeat(1, 2, 1, 1)

    for layer, features in ((Standardised(1, 2, 3), 32), (Pooled(1, 2, 3), 64)):
        model = measurable(lambda layer=layer, features=features: OverTime(layer, features))
        close(fisher_information(model, [data]), empirical(model, *data))


def test_a_layer_may_be_called_by_keyword(data, caplog):
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(1, 2, 3)

        def forward(self, images):
            return self.layer(input=images)

    model = measurable(lambda: OverTime(Named(), 32))
    close(fisher_information(model, [data]), empirical(model, *data))
    assert not caplog.messages


def test_attention_goes_through_autograd(data):
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

        def forward(self, images):
            rows = images.flatten(1, 2)
            return self.attention(rows, rows, rows)[0]

    model = measurable(lambda: OverTime(Attention(), 36))
    close(fisher_information(model, [data]), empirical(model, *data))


def test_complex_parameters_count_with_both_of_their_parts(data):
    class Fourier(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(36, 5, dtype=torch.complex128)
            self.phase = nn.Parameter(torch.tensor(0.3 + 0.4j, dtype=torch.complex128))

        def forward(self, images):
            hidden = self.linear(images.flatten(1).to(torch.complex128)) * self.phase
            return torch.cat([hidden.real, hidden.imag], 1)

    torch.manual_seed(0)
    model = OverTime(Fourier(), 10)
    model.readout.double()
    found = fisher_information(model, [data])

    class Real(nn.Module):
        """The same, with real and imaginary parts as parameters of their own."""

        def __init__(self, fourier):
            super().__init__()
            parts = [fourier.linear.weight, fourier.linear.bias, fourier.phase]
            self.parts = nn.ParameterList([torch.view_as_real(p.detach()).clone() for p in parts])

        def forward(self, images):
            weight, bias, phase = map(torch.view_as_complex, self.parts)
            hidden = linear(images.flatten(1).to(torch.complex128), weight, bias) * phase
            return torch.cat([hidden.real, hidden.imag], 1)

    twin = OverTime(Real(model.body), 10)
    twin.readout = model.readout
    expected = sum(empirical(twin, *data).values())
    np.testing.assert_allclose(found.trace, expected, rtol=1e-9)
