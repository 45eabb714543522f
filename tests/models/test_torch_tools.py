"""The usual tools of torch work on the networks of `build`."""

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, prune, vector_to_parameters

from tic.losses import mean_loss
from tic.models import ARCHITECTURES, build
from tic.neurons import LIF

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = [name for name in ARCHITECTURES if name.startswith("tiny")]
IMAGES = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(4)


@pytest.fixture(params=TINY)
def network(request):
    """Fresh, in evaluation mode, after a call with a graph."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = build(request.param, in_channels=1, num_classes=10, timesteps=3)
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):  # else no neuron would fire
                nn.init.uniform_(module.weight, 1, 3)
                nn.init.uniform_(module.bias, 0.2, 1.5)
    made.eval()(IMAGES)
    return made


def assert_same(one, other):
    logits = one(IMAGES)
    assert logits.std() > 0
    assert torch.equal(logits, other(IMAGES))


@pytest.mark.parametrize("method", [prune.L1Unstructured, prune.RandomUnstructured])
def test_it_is_pruned_over_all_layers(network, method):
    weights = [(m, "weight") for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    total = sum(layer.weight.numel() for layer, _ in weights)
    prune.global_unstructured(weights, method, amount=0.5)
    network(IMAGES).sum().backward()
    for layer, name in weights:
        prune.remove(layer, name)
    zeros = sum(int((layer.weight == 0).sum()) for layer, _ in weights)
    assert zeros == round(0.5 * total)


def test_it_is_pruned_by_whole_channels(network):
    layer = network.stem[0]
    prune.ln_structured(layer, "weight", amount=0.25, n=2, dim=0)
    gone = (layer.weight == 0).flatten(1).all(1)
    assert gone.sum() == len(gone) // 4


def test_it_is_copied(network):
    assert_same(copy.deepcopy(network), network)


def test_it_is_saved_and_loaded(network):
    file = io.BytesIO()
    torch.save(network, file)
    file.seek(0)
    assert_same(torch.load(file, weights_only=False), network)


def test_its_state_goes_to_another(network):
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    other = copy.deepcopy(network)
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert_same(other, network)


def test_its_parameters_become_a_vector_and_come_back(network):
    other = copy.deepcopy(network)
    vector = parameters_to_vector(network.parameters())
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    vector_to_parameters(vector, other.parameters())
    assert_same(other, network)


def test_it_is_called_with_other_parameters(network):
    zeros = {name: torch.zeros_like(value) for name, value in network.named_parameters()}
    assert torch.func.functional_call(network, zeros, (IMAGES,)).abs().max() == 0
    own = dict(network.named_parameters())
    assert torch.equal(torch.func.functional_call(network, own, (IMAGES,)), network(IMAGES))


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_it_takes_another_precision_and_layout(network, layout):
    expected = network(IMAGES)
    assert torch.equal(network.to(memory_format=layout)(IMAGES), expected)
    assert network.double()(IMAGES.double()).dtype is torch.float64


def test_it_is_made_without_memory_and_filled(network):
    with torch.device("meta"):
        empty = copy.deepcopy(network).to("meta")
    filled = empty.to_empty(device="cpu")
    filled.load_state_dict(network.state_dict())
    filled.mean.zero_()
    filled.std.fill_(1)
    assert_same(filled, network)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_it_is_compiled_as_one_graph(network, backend):
    compiled = torch.compile(copy.deepcopy(network), backend=backend, fullgraph=True)
    assert_same(compiled, network)
    for each in (compiled, network):
        mean_loss(each(IMAGES), LABELS).backward()
    pairs = zip(compiled.parameters(), network.parameters(), strict=True)
    assert all(torch.equal(one.grad, other.grad) for one, other in pairs)


def test_it_is_exported_for_any_number_of_images(network):
    shapes = ({0: torch.export.Dim("B", min=2, max=1024)},)
    exported = torch.export.export(network, (IMAGES,), dynamic_shapes=shapes).module()
    more = torch.rand(7, 1, 8, 8)
    assert_same(exported, network)
    assert torch.equal(exported(more), network(more))


@pytest.mark.xfail(
    raises=RuntimeError, reason="the backward pass of neurons on a CPU is written for autograd"
)
def test_its_gradients_are_taken_by_torch_func(network):
    own = {name: value.detach() for name, value in network.named_parameters()}
    torch.func.grad(
        lambda given: mean_loss(torch.func.functional_call(network, given, (IMAGES,)), LABELS)
    )(own)


def test_a_copy_of_a_neuron_layer_starts_from_rest():
    layer = LIF()
    currents = torch.full((1, 2), 1.5, requires_grad=True)
    layer(currents)
    assert layer.membrane.requires_grad
    assert copy.deepcopy(layer).membrane is None
    assert layer.membrane.tolist() == [0.75, 0.75]
