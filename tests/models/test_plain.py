import pytest
import torch
from torch import nn

from tic.models import Spiking, build
from tic.models.resnet import BasicBlock
from tic.neurons import LIF

pytestmark = pytest.mark.usefixtures("one_thread")

PLAIN = ["alexnet", "vgg16", "tiny-alexnet", "tiny-vgg16"]

# Convolutions, fully connected layers, two numbers per neuron group for every batch normalisation,
# and the classifier with its bias.
COUNTS = {
    "alexnet": sum(
        [
            (3 * 64 + 64 * 192 + 192 * 384 + 384 * 256 + 256 * 256) * 9,
            2 * (64 + 192 + 384 + 256 + 256),
            256 * 2 * 2 * 4096 + 4096 * 4096,
            2 * (4096 + 4096),
            4096 * 10 + 10,
        ]
    ),
    "vgg16": sum(
        [
            (3 * 64 + 64 * 64) * 9,
            (64 * 128 + 128 * 128) * 9,
            (128 * 256 + 2 * 256 * 256) * 9,
            (256 * 512 + 5 * 512 * 512) * 9,
            2 * (2 * 64 + 2 * 128 + 3 * 256 + 6 * 512),
            512 * 10 + 10,
        ]
    ),
    "tiny-alexnet": sum(
        [
            (16 + 16 * 16 + 16 * 32 + 2 * 32 * 32) * 9,
            2 * (2 * 16 + 3 * 32),
            32 * 2 * 2 * 64 + 64 * 64,
            2 * (64 + 64),
            64 * 10 + 10,
        ]
    ),
    "tiny-vgg16": sum(
        [
            (16 + 16 * 16 + 16 * 32 + 4 * 32 * 32) * 9,
            2 * (2 * 16 + 5 * 32),
            32 * 10 + 10,
        ]
    ),
}


def on_paper(name, **options):
    """A network without memory behind its weights."""
    channels = 1 if name.startswith("tiny") else 3
    with torch.device("meta"):
        return build(
            name, **{"in_channels": channels, "num_classes": 10, "timesteps": 2, **options}
        )


def outputs(network, size):
    """Shapes (C, H, W) or (N,) of what the stem's pooling and each block give for an image."""
    seen = []
    network.pool.register_forward_hook(lambda _, __, output: seen.append(output.shape[1:]))
    for block in network.blocks:
        block.register_forward_hook(lambda _, __, output: seen.append(output.shape[2:]))
    channels = network.stem[0].in_channels
    network(torch.empty(1, channels, size, size, device="meta"))
    return [tuple(shape) for shape in seen]


def maps(widths, sides):
    return [(width, side, side) for width, side in zip(widths, sides, strict=True)]


@pytest.mark.parametrize("name", PLAIN)
def test_parameters_are_as_many_as_on_paper(name):
    assert sum(p.numel() for p in on_paper(name).parameters()) == COUNTS[name]


def test_documented_numbers_of_parameters_are_those():
    assert all(f"{count:,}" in Spiking.__doc__ for count in COUNTS.values())


@pytest.mark.parametrize(
    ("size", "sides"),
    [(32, [16, 8, 8, 8, 2]), (28, [14, 7, 7, 7, 2]), (8, [4, 2, 2, 2, 2])],
)
def test_alexnet_pools_after_its_first_second_and_fifth_convolution(size, sides):
    large = [*maps([64, 192, 384, 256, 256], sides), (4096,), (4096,)]
    assert outputs(on_paper("alexnet"), size) == large
    tiny = [*maps([16, 16, 32, 32, 32], sides), (64,), (64,)]
    assert outputs(on_paper("tiny-alexnet"), size) == tiny


@pytest.mark.parametrize(
    ("size", "sides"), [(32, [32, 16, 8, 4, 2]), (28, [28, 14, 7, 4, 2]), (8, [8, 4, 2, 1, 1])]
)
def test_vgg16_pools_after_every_stage_and_globally_after_the_last(size, sides):
    a, b, c, d, e = sides
    widths = [64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    expected = maps(widths, [a, b, b, c, c, c, d, d, d, e, e, e, 1])
    assert outputs(on_paper("vgg16"), size) == expected
    expected = maps([16, 16, 32, 32, 32, 32, 32], [a, b, b, c, c, c, 1])
    assert outputs(on_paper("tiny-vgg16"), size) == expected


@pytest.mark.parametrize(
    ("name", "neurons"), [("alexnet", 7), ("vgg16", 13), ("tiny-alexnet", 7), ("tiny-vgg16", 7)]
)
def test_every_layer_but_the_classifier_has_neurons(name, neurons):
    network = on_paper(name, tau=4.0)
    layers = [module for module in network.modules() if isinstance(module, LIF)]
    assert len(layers) == neurons == 1 + len(network.blocks)
    assert {layer.tau for layer in layers} == {4.0}


@pytest.mark.parametrize("name", PLAIN)
def test_layers_have_no_bias_and_batch_normalisation_after_them(name):
    layers = [
        module
        for module in on_paper(name).modules()
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    *pairs, classifier = layers
    assert isinstance(classifier, nn.Linear)
    assert classifier.bias is not None
    for layer, norm in zip(pairs[::2], pairs[1::2], strict=True):
        assert layer.bias is None
        assert type(norm) is (nn.BatchNorm2d if isinstance(layer, nn.Conv2d) else nn.BatchNorm1d)
        if isinstance(layer, nn.Conv2d):
            assert (layer.kernel_size, layer.stride, layer.padding) == ((3, 3), (1, 1), (1, 1))


@pytest.mark.parametrize("name", ["tiny-alexnet", "tiny-vgg16"])
def test_names_of_the_layers(name):
    weights = [key for key, value in on_paper(name).named_parameters() if value.dim() > 1]
    hidden = {"tiny-alexnet": 2, "tiny-vgg16": 0}[name]
    assert weights == [
        "stem.0.weight",
        *[f"blocks.{k}.conv.0.weight" for k in range(6 - hidden)],
        *[f"blocks.{k}.dense.0.weight" for k in range(6 - hidden, 6)],
        "classifier.weight",
    ]


@pytest.mark.parametrize("name", ["tiny-alexnet", "tiny-vgg16"])
def test_nothing_skips_a_block(name):
    torch.manual_seed(0)
    network = build(name, in_channels=1, num_classes=10, timesteps=2).eval()
    assert not any(isinstance(module, BasicBlock) for module in network.modules())
    first, second = torch.rand(2, 3, 1, 8, 8)
    assert not torch.equal(network.stem(first), network.stem(second))
    for block in network.blocks:
        # what a silenced block hears is lost: no other way leads to the read-out
        handle = block.register_forward_hook(lambda _, __, output: torch.zeros_like(output))
        assert torch.equal(network(first), network(second))
        handle.remove()


@pytest.mark.parametrize("name", ["tiny-alexnet", "tiny-vgg16"])
def test_the_stem_runs_once_and_its_spikes_are_pooled(name):
    network = build(name, in_channels=1, num_classes=10, timesteps=3).eval()
    nn.init.constant_(network.stem[1].bias, 1.5)
    calls, spikes, heard = [], [], []
    network.stem.register_forward_hook(lambda _, inputs, __: calls.append(len(inputs[0])))
    network.lif.register_forward_hook(lambda _, __, output: spikes.append(output))
    network.blocks.register_forward_hook(lambda _, inputs, __: heard.append(inputs[0]))
    network(torch.rand(2, 1, 8, 8))
    assert calls == [2]
    assert spikes[0].unique().tolist() == [0, 1]
    pooled = spikes[0].unflatten(3, (4, 2)).unflatten(5, (4, 2)).mean((4, 6))
    assert torch.equal(heard[0], pooled if name == "tiny-alexnet" else spikes[0])


def test_pooling_averages_what_is_left_at_an_odd_edge():
    network = on_paper("tiny-alexnet")
    spikes = torch.arange(9.0).view(1, 3, 3)
    assert network.pool(spikes).tolist() == [[[2.0, 3.5], [6.5, 8.0]]]
