import importlib.util
from pathlib import Path

import pytest
import torch
from torch import nn

from fixtures.networks import awaken
from tic.errors import TicError
from tic.measure.fisher import fisher_information
from tic.models import ARCHITECTURES, SpikingNetwork, build, over_time
from tic.neurons import LIF

pytestmark = pytest.mark.usefixtures("one_thread")


class Pixels(SpikingNetwork):
    """Shows every pixel to a LIF neuron of its own and reads the spikes out as they are."""

    def __init__(self, timesteps=3, mean=(0.0,), std=(1.0,)):
        super().__init__(timesteps, mean, std)
        self.lif = LIF()
        self.encoded = []
        self.advanced = []

    def encode(self, images):
        self.encoded.append(images)
        return images.flatten(1)

    def advance(self, currents):
        self.advanced.append(currents)
        return self.lif(currents)


TINY = [name for name in ARCHITECTURES if name.startswith("tiny")]


@pytest.fixture(params=TINY)
def each(request):
    """Every tiny architecture for 1 channel and 10 classes, T=3, in float64 and awake."""
    return awake(request.param)


def awake(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(name, in_channels=1, num_classes=10, timesteps=3).double()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):  # `awaken` sees to the others
                nn.init.uniform_(module.weight, 1, 3)
                nn.init.uniform_(module.bias, 0.2, 1.5)
    return awaken(network, channels=1)


@pytest.fixture(scope="module")
def by_definition():
    """The slow twins of the Fisher information, which belong to other tests."""
    path = Path(__file__).parents[1] / "measure" / "by_definition.py"
    spec = importlib.util.spec_from_file_location("fisher_by_definition", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def images(batch):
    return batch[0][:3]


def test_read_outs_are_those_of_the_neurons_over_time():
    # currents 1.25 and 2 with τ = 2: see the traces of the neuron
    logits = Pixels(timesteps=4)(torch.tensor([1.25, 2.0]).view(1, 1, 1, 2))
    assert logits.shape == (4, 1, 2)
    assert logits[:, 0].T.tolist() == [[0, 0, 1, 0], [1, 1, 1, 1]]


def test_images_are_normalised_by_channel_inside_the_network():
    network = Pixels(mean=(0.5, 0.25), std=(0.5, 0.125))
    network(torch.tensor([1.0, 0.5]).view(1, 2, 1, 1))
    assert network.encoded[0].flatten().tolist() == [1.0, 2.0]


def test_a_built_network_normalises_with_the_statistics_that_it_was_given():
    size = {"in_channels": 2, "num_classes": 3, "timesteps": 2}
    images = torch.rand(3, 2, 8, 8)
    by_hand = torch.stack([(images[:, 0] - 0.5) / 0.5, (images[:, 1] - 0.25) / 2], 1)
    for statistics, expected in (
        ({"mean": (0.5, 0.25), "std": (0.5, 2.0)}, by_hand),
        ({}, images),
    ):
        network, shown = build("tiny", **size, **statistics), []
        network.stem.register_forward_hook(lambda _, inputs, __, to=shown: to.append(inputs[0]))
        network(images)
        assert torch.equal(shown[0], expected)


def test_statistics_of_the_pixels_are_no_weights():
    assert "mean" not in Pixels().state_dict()
    assert Pixels().double().mean.dtype is torch.float64


def test_direct_encoding_shows_the_same_current_at_every_timestep():
    network = Pixels(timesteps=5)
    network(torch.rand(2, 1, 2, 2))
    assert len(network.encoded) == 1
    (currents,) = network.advanced
    assert currents.shape == (5, 2, 4)
    assert torch.equal(currents, currents[:1].expand_as(currents))


def test_stepwise_advances_one_timestep_at_a_time_and_encodes_once():
    network = Pixels(timesteps=5)
    network.stepwise = True
    assert network(torch.rand(2, 1, 2, 2)).shape == (5, 2, 4)
    assert [len(currents) for currents in network.advanced] == [1] * 5
    assert len(network.encoded) == 1


def test_stepwise_and_fused_read_outs_agree(tiny, images):
    fused = tiny(images)
    tiny.stepwise = True
    torch.testing.assert_close(tiny(images), fused, rtol=0, atol=1e-12)
    assert not torch.equal(fused[0], fused[-1])


def test_stepwise_and_fused_gradients_agree(tiny, images):
    gradients = []
    for tiny.stepwise in (False, True):
        loss = tiny(images).square().sum()
        gradients.append(torch.autograd.grad(loss, list(tiny.parameters())))
    for fused, stepwise in zip(*gradients, strict=True):
        torch.testing.assert_close(stepwise, fused, rtol=1e-9, atol=1e-9)


def test_read_outs_are_the_logits_before_they_are_joined(tiny, images):
    assert [len(each) for each in tiny.readouts(images)] == [5]
    tiny.stepwise = True
    assert [len(each) for each in tiny.readouts(images)] == [1] * 5
    assert torch.equal(torch.cat(tiny.readouts(images)), tiny(images))


def test_the_graph_of_a_stepwise_read_out_holds_no_later_timestep(tiny, images):
    tiny.stepwise = True
    currents = []
    tiny.blocks[0].conv1.register_forward_hook(lambda _, __, output: currents.append(output))
    readouts = tiny.readouts(images)
    for t, readout in enumerate(readouts):
        found = torch.autograd.grad(readout.sum(), currents, retain_graph=True, allow_unused=True)
        assert [gradient is not None for gradient in found] == [s <= t for s in range(5)]


def test_the_same_call_gives_the_same_bits_again(tiny, images):
    first = tiny(images)
    tiny(torch.rand(5, 1, 12, 12, dtype=torch.float64))
    assert torch.equal(tiny(images), first)


def test_samples_of_a_batch_do_not_know_each_other_in_evaluation_mode(tiny, images):
    alone = torch.cat([tiny(image[None]) for image in images], 1)
    torch.testing.assert_close(tiny(images), alone, rtol=0, atol=1e-12)


def test_an_exception_inside_leaves_no_state_behind(tiny, images):
    first = tiny(images)

    def fail(*_):
        raise RuntimeError("broken")

    handle = tiny.classifier.register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="broken"):
        tiny(images)
    handle.remove()
    assert all(module.membrane is None for module in tiny.modules() if isinstance(module, LIF))
    assert torch.equal(tiny(images), first)


def test_the_number_of_timesteps_can_change_between_calls(tiny, images):
    five = tiny(images)
    tiny.timesteps = 2
    torch.testing.assert_close(tiny(images), five[:2], rtol=0, atol=1e-12)


@pytest.mark.parametrize("timesteps", [0, -1])
def test_a_network_without_timesteps_is_refused(timesteps):
    with pytest.raises(TicError, match=f"timesteps must be at least 1, got {timesteps}"):
        build("tiny", in_channels=1, num_classes=10, timesteps=timesteps)


def test_a_time_constant_that_is_not_positive_is_refused():
    with pytest.raises(TicError, match="tau must be above 0 and finite, got 0"):
        build("tiny", in_channels=1, num_classes=10, timesteps=2, tau=0)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(TicError, match=r"unknown architecture 'resnet20'; known: .*resnet19.*tiny"):
        build("resnet20", in_channels=1, num_classes=10, timesteps=2)


def test_a_module_without_time_is_applied_to_all_timesteps_at_once():
    calls = []

    class Double(nn.Module):
        def forward(self, values):
            calls.append(values.shape)
            return 2 * values[:, :1]

    sequence = torch.arange(24.0).view(2, 3, 4)
    assert torch.equal(over_time(Double(), sequence), 2 * sequence[..., :1])
    assert calls == [(6, 4)]


def test_every_architecture_has_a_tiny_sibling():
    assert list(ARCHITECTURES) == sorted(ARCHITECTURES)
    assert {*ARCHITECTURES} == {
        *("resnet19", "alexnet", "vgg16", "resnet34"),
        *("tiny", "tiny-alexnet", "tiny-vgg16", "tiny-resnet34"),
    }


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("size", [8, 28, 32])
def test_every_architecture_reads_out_at_every_timestep(name, size):
    with torch.device("meta"):
        network = build(name, in_channels=3, num_classes=7, timesteps=4)
        assert network(torch.empty(2, 3, size, size)).shape == (4, 2, 7)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_parameter_lies_in_the_stem_a_block_or_the_classifier(name):
    with torch.device("meta"):
        network = build(name, in_channels=3, num_classes=10, timesteps=4)
    blocks = tuple(f"blocks.{k}." for k in range(len(network.blocks)))
    names = [key for key, _ in network.named_parameters()]
    assert all(key.startswith(("stem.", "classifier.", *blocks)) for key in names)
    for group in ("stem.", "classifier.", *blocks):
        assert any(key.startswith(group) for key in names)


def test_every_neuron_layer_of_every_architecture_spikes_but_not_always(each, batch):
    rates = {}
    for name, module in each.named_modules():
        if isinstance(module, LIF):
            module.register_forward_hook(
                lambda _, __, spikes, name=name: rates.update({name: spikes.mean().item()})
            )
    each(batch[0])
    assert len(rates) == sum(isinstance(module, LIF) for module in each.modules())
    assert all(0.01 < rate < 0.99 for rate in rates.values())


def test_every_architecture_runs_stepwise_as_all_at_once(each, images):
    fused = each(images)
    each.stepwise = True
    torch.testing.assert_close(each(images), fused, rtol=0, atol=1e-12)
    assert not torch.equal(fused[0], fused[-1])


def test_gradients_reach_every_parameter_of_every_architecture(each, images):
    loss = (each(images) * torch.arange(1.0, 11)).square().sum()
    for gradient in torch.autograd.grad(loss, list(each.parameters())):
        assert gradient.isfinite().all()
        assert gradient.any()


def test_weights_that_every_timestep_repeats_are_those_that_it_calls(each, images):
    each.stepwise = True
    times = {}
    for name, module in each.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            times[name] = 0
            module.register_forward_hook(
                lambda _, __, ___, name=name: times.update({name: times[name] + 1})
            )
    each(images)
    assert each.repeated_weights() == tuple(name for name, n in times.items() if n == 3)
    assert times.pop("stem.0") == 1
    assert set(times) == set(each.repeated_weights())


def test_repeated_weights_of_a_network_without_weights_are_none():
    assert Pixels().repeated_weights() == ()


def test_fisher_information_of_every_architecture_reaches_every_layer(each, batch):
    info = fisher_information(each, [batch])
    assert info.trace.shape == (3,)
    assert all((trace > 0).any() for trace in info.by_layer.values())


def test_fisher_information_of_a_plain_network_is_that_of_the_definition(by_definition, batch):
    network = awake("tiny-alexnet")
    images, labels = (each[:3] for each in batch)
    info = fisher_information(network, [(images, labels)])
    by_definition.close(info, by_definition.empirical(network, images, labels))


@pytest.mark.parametrize("stepwise", [False, True])
def test_a_sequence_of_equal_frames_has_the_logits_of_the_image(each, images, stepwise):
    each.stepwise = stepwise
    frames = torch.stack([images] * 3)
    torch.testing.assert_close(each.watch(frames), each(images), rtol=0, atol=1e-12)


@pytest.mark.parametrize("stepwise", [False, True])
def test_each_frame_is_shown_at_its_own_timestep_from_fresh_membranes(stepwise):
    network = Pixels(timesteps=4, mean=(0.5,), std=(0.25,))
    network.stepwise = stepwise
    # normalised to 1.25, 1.25, 1.25, 0; with τ = 2 the membrane is 0.625, 0.9375, 1.09, reset
    frames = torch.tensor([0.8125, 0.8125, 0.8125, 0.5]).view(4, 1, 1, 1, 1)
    for _ in range(2):
        assert network.watch(frames).flatten().tolist() == [0, 0, 1, 0]
    # 1.25, 0, 1.25, 1.25: 0.625, 0.3125, 0.78, 1.02
    order = frames[[0, 3, 1, 2]]
    assert network.watch(order).flatten().tolist() == [0, 0, 0, 1]
    assert network.lif.membrane is None


def test_frames_are_encoded_one_by_one():
    network = Pixels(timesteps=3)
    frames = torch.rand(3, 2, 1, 2, 2)
    network.watch(frames)
    assert all(map(torch.equal, network.encoded, frames))
    assert len(network.encoded) == 3


def test_a_timestep_of_a_sequence_knows_nothing_of_later_frames(tiny, images):
    frames = torch.rand(5, *images.shape, dtype=torch.float64)
    first = tiny.watch(frames)
    frames[3:] = 0
    torch.testing.assert_close(tiny.watch(frames)[:3], first[:3], rtol=0, atol=1e-12)
    assert not torch.allclose(tiny.watch(frames)[3:], first[3:])


@pytest.mark.parametrize("shape", [(4, 2, 1, 8, 8), (6, 2, 1, 8, 8), (5, 1, 8, 8)])
def test_a_sequence_of_another_length_is_refused(tiny, shape):
    with pytest.raises(TicError, match=r"\(T, B, C, H, W\) with T=5.*got shape \(\d, .*set `time"):
        tiny.watch(torch.rand(shape, dtype=torch.float64))
