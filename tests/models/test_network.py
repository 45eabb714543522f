import pytest
import torch
from torch import nn

from tic.errors import TicError
from tic.models import SpikingNetwork, build, over_time
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
    with pytest.raises(TicError, match="tau must be above 0, got 0"):
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
