import pytest
import torch
from torch import nn

from tic.models import build
from tic.models.resnet import BasicBlock
from tic.neurons import LIF

pytestmark = pytest.mark.usefixtures("one_thread")


# Each line a stage: 3×3 convolutions, the convolution of its shortcut, and two numbers per channel
# for every batch normalisation.
RESNET34_COUNT = sum(
    [
        3 * 64 * 9 + 2 * 64,
        6 * 64 * 64 * 9 + 6 * 2 * 64,
        (64 * 128 + 7 * 128 * 128) * 9 + 64 * 128 + 9 * 2 * 128,
        (128 * 256 + 11 * 256 * 256) * 9 + 128 * 256 + 13 * 2 * 256,
        (256 * 512 + 5 * 512 * 512) * 9 + 256 * 512 + 7 * 2 * 512,
        512 * 10 + 10,
    ]
)
TINY_RESNET34_COUNT = sum(
    [
        16 * 9 + 2 * 16,
        2 * 16 * 16 * 9 + 2 * 2 * 16,
        4 * 16 * 16 * 9 + 16 * 16 + 5 * 2 * 16,
        (16 * 32 + 3 * 32 * 32) * 9 + 16 * 32 + 5 * 2 * 32,
        2 * 32 * 32 * 9 + 32 * 32 + 3 * 2 * 32,
        32 * 10 + 10,
    ]
)


def on_paper(name, **options):
    """A network without memory behind its weights."""
    with torch.device("meta"):
        return build(name, **{"in_channels": 3, "num_classes": 10, "timesteps": 4, **options})


@pytest.fixture(scope="module")
def resnet19():
    torch.manual_seed(0)
    return build("resnet19", in_channels=3, num_classes=10, timesteps=2).eval()


def calls(network, images):
    """Batch sizes that each convolution and linear layer was called with, by name."""
    seen = {}
    handles = [
        module.register_forward_hook(
            lambda _, inputs, __, name=name: seen.setdefault(name, []).append(len(inputs[0]))
        )
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    with torch.no_grad():
        network(images)
    for handle in handles:
        handle.remove()
    return seen


def strided(network):
    return [
        (block.conv1[0].in_channels, block.conv1[0].out_channels, block.conv1[0].stride[0])
        for block in network.blocks
    ]


@pytest.mark.parametrize(
    ("name", "in_channels", "num_classes", "count"),
    [
        ("resnet19", 3, 10, 26_108_042),
        # 100 classes: 90 rows of 512 weights and a bias more; 1 channel: 2·128·9 weights fewer
        ("resnet19", 3, 100, 26_108_042 + 90 * 513),
        ("resnet19", 1, 10, 26_108_042 - 2 * 128 * 9),
        ("tiny", 1, 10, 39_642),
        ("tiny", 3, 10, 39_642 + 2 * 16 * 9),
        ("resnet34", 3, 10, RESNET34_COUNT),
        ("tiny-resnet34", 1, 10, TINY_RESNET34_COUNT),
    ],
)
def test_parameters_are_as_many_as_on_paper(name, in_channels, num_classes, count):
    network = on_paper(name, in_channels=in_channels, num_classes=num_classes)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_resnet19_is_laid_out_as_in_the_release():
    network = on_paper("resnet19")
    stem = network.stem[0]
    assert (stem.in_channels, stem.out_channels, stem.kernel_size) == (3, 128, (3, 3))
    assert (stem.stride, stem.padding) == ((1, 1), (1, 1))
    assert strided(network) == [
        *[(128, 256, 2), (256, 256, 1), (256, 256, 1)],
        *[(256, 512, 2), (512, 512, 1), (512, 512, 1)],
        *[(512, 512, 2), (512, 512, 1)],
    ]
    assert (network.classifier.in_features, network.classifier.out_features) == (512, 10)


def test_resnet34_is_laid_out_as_on_paper():
    network = on_paper("resnet34")
    assert network.stem[0].weight.shape == (64, 3, 3, 3)
    assert strided(network) == [
        *[(64, 64, 1)] * 3,
        *[(64, 128, 2), *[(128, 128, 1)] * 3],
        *[(128, 256, 2), *[(256, 256, 1)] * 5],
        *[(256, 512, 2), *[(512, 512, 1)] * 2],
    ]
    # 34 layers with weights, without the shortcuts: the stem, two per block and the classifier
    assert 1 + 2 * len(network.blocks) + 1 == 34
    assert network.classifier.weight.shape == (10, 512)


def test_its_tiny_sibling_is_as_deep_in_stages_and_strides_alike():
    network = on_paper("tiny-resnet34", in_channels=1)
    assert network.stem[0].weight.shape == (16, 1, 3, 3)
    assert strided(network) == [
        (16, 16, 1),
        *[(16, 16, 2), (16, 16, 1)],
        *[(16, 32, 2), (32, 32, 1)],
        (32, 32, 2),
    ]
    assert sum(isinstance(m, LIF) for m in network.modules()) == 1 + 2 * 6


@pytest.mark.parametrize("name", ["resnet34", "tiny-resnet34"])
@pytest.mark.parametrize(("size", "sides"), [(32, [32, 16, 8, 4]), (28, [28, 14, 7, 4])])
def test_stages_after_the_first_halve_the_map(name, size, sides):
    network, seen = on_paper(name, timesteps=1), []
    for block in network.blocks:
        block.register_forward_hook(lambda _, __, output: seen.append(output.shape[-1]))
    logits = network(torch.empty(1, 3, size, size, device="meta"))
    assert list(dict.fromkeys(seen)) == sides
    assert logits.shape == (1, 1, 10)


@pytest.mark.parametrize("name", ["resnet19", "tiny", "resnet34", "tiny-resnet34"])
def test_convolutions_have_no_bias_and_batch_normalisation_after_them(name):
    network = on_paper(name)
    pairs = [m for m in network.modules() if isinstance(m, nn.Sequential) and len(m) == 2]
    pairs = [m for m in pairs if isinstance(m[0], nn.Conv2d)]
    assert len(pairs) == sum(isinstance(m, nn.Conv2d) for m in network.modules())
    assert all(m[0].bias is None and isinstance(m[1], nn.BatchNorm2d) for m in pairs)


def test_only_blocks_that_change_the_shape_have_a_convolution_in_their_shortcut():
    shortcuts = [block.shortcut for block in on_paper("resnet19").blocks]
    projecting = [k for k, shortcut in enumerate(shortcuts) if isinstance(shortcut, nn.Sequential)]
    assert projecting == [0, 3, 6]
    assert all(
        (shortcuts[k][0].kernel_size, shortcuts[k][0].stride) == ((1, 1), (2, 2))
        for k in projecting
    )
    shortcuts = [block.shortcut for block in on_paper("resnet34").blocks]
    projecting = [k for k, shortcut in enumerate(shortcuts) if isinstance(shortcut, nn.Sequential)]
    assert projecting == [3, 7, 13]
    # same width but half the size, as the third stage of resnet19 and the first of tiny
    assert isinstance(on_paper("tiny").blocks[0].shortcut, nn.Sequential)


def test_every_neuron_has_the_time_constant_that_was_asked_for():
    neurons = [m for m in on_paper("tiny", tau=4.0).modules() if isinstance(m, LIF)]
    assert len(neurons) == 7
    assert {neuron.tau for neuron in neurons} == {4.0}


@pytest.mark.parametrize("name", ["resnet19", "tiny"])
def test_the_stem_runs_once_and_every_other_layer_once_over_all_timesteps(name, request):
    if name == "resnet19":
        network = request.getfixturevalue("resnet19")
    else:
        network = build(name, in_channels=3, num_classes=10, timesteps=2).eval()
    seen = calls(network, torch.rand(3, 3, 8, 8))
    assert seen.pop("stem.0") == [3]
    assert set(map(tuple, seen.values())) == {(6,)}


def test_stepwise_the_stem_still_runs_once():
    network = build("tiny", in_channels=1, num_classes=10, timesteps=4).eval()
    network.stepwise = True
    seen = calls(network, torch.rand(3, 1, 8, 8))
    assert seen.pop("stem.0") == [3]
    assert set(map(tuple, seen.values())) == {(3, 3, 3, 3)}


@pytest.mark.parametrize("size", [8, 16, 28, 32])
def test_logits_have_one_read_out_per_timestep_whatever_the_image_size(size):
    network = build("tiny", in_channels=1, num_classes=7, timesteps=3)
    assert network(torch.rand(2, 1, size, size)).shape == (3, 2, 7)


@pytest.mark.parametrize("size", [8, 32])
def test_resnet19_classifies_small_and_full_images(resnet19, size):
    with torch.no_grad():
        assert resnet19(torch.rand(1, 3, size, size)).shape == (2, 1, 10)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_shortcut_joins_the_current_before_the_second_neuron(stride):
    torch.manual_seed(0)
    block = BasicBlock(2, 2, stride, tau=2.0).double().eval()
    for norm in (block.conv1[1], block.conv2[1]):
        nn.init.constant_(norm.bias, 1.5)
    spikes = (torch.rand(1, 3, 2, 4, 4) < 0.5).double()
    # from rest, after one step: U = I / τ
    hidden = (block.conv1(spikes[0]) / 2 >= 1).double()
    long, short = block.conv2(hidden), block.shortcut(spikes[0])
    output = block(spikes)[0]
    assert torch.equal(output, ((long + short) / 2 >= 1).double())
    assert not torch.equal(output, (long / 2 >= 1).double())
    assert not torch.equal(output, (short / 2 >= 1).double())


def test_weights_follow_the_global_generator():
    first, second, other = (
        torch.manual_seed(seed) and build("tiny", in_channels=1, num_classes=10, timesteps=2)
        for seed in (3, 3, 4)
    )
    state = first.state_dict()
    assert all(torch.equal(state[name], value) for name, value in second.state_dict().items())
    assert not torch.equal(state["classifier.weight"], other.classifier.weight)
