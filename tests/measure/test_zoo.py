"""Networks as SpikingJelly, snnTorch and Norse have them, measured as the definitions stand."""

import warnings
from functools import partial

import numpy as np
import pytest
import torch
from by_definition import batch_mean, empirical, exact, sampled
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from spikingjelly.activation_based.model import (
    parametric_lif_net,
    sew_resnet,
    spikformer,
    spiking_resnet,
    spiking_vgg,
)
from torch import nn

from tic.errors import TicError
from tic.measure.fisher import fisher_information
from tic.measure.tangent import tangent_kernel
from tic.models import Adapted

with warnings.catch_warnings():
    # Raised inside snnTorch and Norse themselves on import.
    warnings.simplefilter("ignore")
    import norse.torch as norse
    import snntorch
    from snntorch import surrogate as snntorch_surrogate

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

K = 3
"""Classes of the networks here, and T = 2 timesteps."""


def jelly(make, step_mode):
    """Adapt a SpikingJelly network in one of its step modes."""
    network = make()
    functional.set_step_mode(network, step_mode)
    return Adapted(network, timesteps=2)


LIF = {"spiking_neuron": neuron.LIFNode, "surrogate_function": surrogate.ATan()}


def resnet():
    return spiking_resnet.SpikingResNet(
        spiking_resnet.BasicBlock, [1, 1, 1, 1], num_classes=K, width_per_group=64, **LIF
    )


def sew():
    return sew_resnet.SEWResNet(sew_resnet.BasicBlock, [1, 1, 1, 1], K, cnf="ADD", **LIF)


def vgg():
    network = spiking_vgg.SpikingVGG([4, "M", 8, 8, "M"], True, layer.BatchNorm2d, **LIF)
    network.classifier = nn.Sequential(layer.Linear(8 * 49, 12), neuron.LIFNode(), nn.Linear(12, K))
    return network


def plif():
    network = parametric_lif_net.MNISTNet(channels=4, spiking_neuron=neuron.ParametricLIFNode)
    hidden = [layer.Linear(4 * 4, 10), neuron.ParametricLIFNode(), layer.Linear(10, K)]
    return nn.Sequential(*network.conv_fc[:9], *hidden)


def transformer():
    return spikformer.Spikformer(
        T=2, img_size_h=16, img_size_w=16, patch_size=4, num_classes=K,
        embed_dims=16, num_heads=2, mlp_ratio=2.0, depths=1,
    )  # fmt: skip


JELLY = {
    "spiking_resnet-m": (resnet, "m", (3, 16, 16)),
    "spiking_resnet-s": (resnet, "s", (3, 16, 16)),
    "sew_resnet-m": (sew, "m", (3, 16, 16)),
    "spiking_vgg-m": (vgg, "m", (3, 12, 12)),
    "spiking_vgg-s": (vgg, "s", (3, 12, 12)),
    "plif-m": (plif, "m", (1, 8, 8)),
    "plif-s": (plif, "s", (1, 8, 8)),
    "spikformer-m": (transformer, "m", (3, 16, 16)),
}


class Torch(nn.Module):
    """A timestep of a snnTorch network, whose neurons keep their state."""

    def __init__(self, cell, hidden=9):
        super().__init__()
        self.first, self.second = nn.Linear(16, hidden), nn.Linear(hidden, K)
        options = {"spike_grad": snntorch_surrogate.atan(), "threshold": 0.4}
        self.cells = nn.ModuleList([cell(linear_features=n, **options) for n in (hidden, K)])

    def forward(self, images):
        spikes = images.flatten(1)
        for linear, cell in zip((self.first, self.second), self.cells, strict=True):
            spikes, *states = cell(linear(spikes))
        return states[-1]


def without(cell):
    """Cells that are not recurrent know no number of features."""
    return lambda linear_features, **options: cell(**options)


SNNTORCH = {
    "Leaky": without(partial(snntorch.Leaky, beta=0.7, learn_beta=True)),
    "Lapicque": without(partial(snntorch.Lapicque, beta=0.7)),
    "Synaptic": without(partial(snntorch.Synaptic, alpha=0.6, beta=0.7)),
    "Alpha": without(partial(snntorch.Alpha, alpha=0.8, beta=0.7)),
    "RLeaky": partial(snntorch.RLeaky, beta=0.7, all_to_all=True),
    "RSynaptic": partial(snntorch.RSynaptic, alpha=0.6, beta=0.7),
}


NORSE = {
    "LIF": lambda: [nn.Linear(16, 9), norse.LIFCell(), nn.Linear(9, K), norse.LICell()],
    "LIFBox": lambda: [nn.Linear(16, 9), norse.LIFBoxCell(), nn.Linear(9, K)],
    "LIF recurrent": lambda: [norse.LIFRecurrentCell(16, 9), nn.Linear(9, K)],
    "LSNN recurrent": lambda: [norse.LSNNRecurrentCell(16, 9), nn.Linear(9, K)],
    "LI linear": lambda: [nn.Linear(16, 9), norse.LIFCell(), norse.LILinearCell(9, K)],
}


def awake(make, dtype=torch.float64):
    """Build a network with random weights, large enough for spikes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = make().to(dtype).eval()
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                nn.init.uniform_(module.weight, 1, 2)
                nn.init.uniform_(module.bias, 0.2, 1)
    return network


def shown(shape, dtype=torch.float64, images=3):
    draws = torch.Generator().manual_seed(4)
    return torch.rand(images, *shape, generator=draws).to(dtype), torch.arange(images) % K


def agrees(found, expected, name, rtol=1e-9):
    """Layer by layer, each beside its own size."""
    assert list(found.by_layer) == list(expected), name
    for key, trace in expected.items():
        np.testing.assert_allclose(
            found.by_layer[key], trace, rtol=rtol, atol=1e-20, err_msg=f"{name}: {key}"
        )
    assert sum(trace.sum() for trace in expected.values()) > 0


def by_every_estimator(model, images, labels, rtol=1e-9):
    loader = [(images[:2], labels[:2]), (images[2:], labels[2:])]
    twins = {
        "empirical": empirical(model, images, labels),
        "sampled": sampled(model, images),
        "exact": exact(model, images),
        "batch-mean": batch_mean(model, loader),
    }
    kernel = tangent_kernel(model, loader).information
    for name, expected in twins.items():
        agrees(fisher_information(model, loader, name), expected, name, rtol)
        if name in kernel:
            agrees(kernel[name], expected, f"{name} from kernels", rtol)


@pytest.mark.parametrize("name", JELLY)
def test_networks_of_spikingjelly(name, caplog):
    make, step_mode, shape = JELLY[name]
    model = awake(lambda: jelly(make, step_mode))
    by_every_estimator(model, *shown(shape))
    assert not caplog.messages, "a layer went through autograd though it has a rule"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", SNNTORCH)
def test_networks_of_snntorch(name, dtype):
    model = awake(lambda: Adapted(Torch(SNNTORCH[name]), timesteps=2, takes="B"), dtype)
    by_every_estimator(model, *shown((4, 4), dtype), rtol={torch.float32: 1e-5}.get(dtype, 1e-9))


@pytest.mark.parametrize("lift", [norse.Lift, lambda body: body], ids=["lifted", "stepwise"])
@pytest.mark.parametrize("name", NORSE)
def test_networks_of_norse(name, lift):
    body = lambda: lift(norse.SequentialState(nn.Flatten(), *NORSE[name]()))  # noqa: E731
    images, labels = shown((4, 4))
    by_every_estimator(awake(lambda: Adapted(body(), timesteps=2)), 3 * images, labels)


@pytest.mark.parametrize("name", ["spiking_vgg-m", "plif-s"])
def test_single_precision_is_as_good(name):
    make, step_mode, shape = JELLY[name]
    model = awake(lambda: jelly(make, step_mode), torch.float32)
    batch = shown(shape, torch.float32)
    agrees(fisher_information(model, [batch]), empirical(model, *batch), name, rtol=1e-4)


class Forgetful(nn.Module):
    """A SpikingJelly network that never resets its neurons."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        functional.set_step_mode(network, "m")

    def forward(self, images):
        return self.network(images.expand(2, *images.shape))


def test_a_network_of_spikingjelly_that_is_not_reset_is_refused_with_the_way_out():
    model = awake(lambda: Forgetful(vgg()))
    with pytest.raises(TicError, match=r"keeps state between calls.*functional.reset_net\(self\)"):
        fisher_information(model, [shown((3, 12, 12))])


def test_the_first_image_may_be_black_and_state_is_found_all_the_same():
    model = awake(lambda: Forgetful(plif()))
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.zeros_(module.bias)
    images, labels = shown((1, 8, 8))
    black = torch.zeros_like(images[:1]), labels[:1]
    with pytest.raises(TicError, match="keeps state between calls"):
        fisher_information(model, [black, (4 * images, labels)])


class Hidden(nn.Module):
    """snnTorch's hidden states, reset by its own function, which does not know all neurons."""

    def __init__(self, cell):
        super().__init__()
        self.first, self.cell, self.second = nn.Linear(16, 9), cell, nn.Linear(9, K)

    def forward(self, images):
        from snntorch import utils

        utils.reset(self)
        steps = [self.second(self.cell(self.first(images.flatten(1)))) for _ in range(2)]
        return torch.stack(steps)


def test_a_neuron_that_the_reset_of_snntorch_misses_is_refused():
    options = {"spike_grad": snntorch_surrogate.atan(), "threshold": 0.3, "init_hidden": True}
    leaky = awake(lambda: Hidden(snntorch.Leaky(beta=0.7, **options)), torch.float32)
    found = fisher_information(leaky, [shown((4, 4), torch.float32)])
    agrees(found, empirical(leaky, *shown((4, 4), torch.float32)), "Leaky", 1e-5)
    recurrent = snntorch.RSynaptic(alpha=0.6, beta=0.7, linear_features=9, **options)
    model = awake(lambda: Hidden(recurrent), torch.float32)
    with pytest.raises(TicError, match="keeps state between calls"):
        fisher_information(model, [shown((4, 4), torch.float32)])


def test_the_usual_pair_of_snntorch_is_named():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Adapted(Torch(SNNTORCH["Leaky"]), timesteps=2, takes="B")

        def forward(self, images):
            logits = self.body(images)
            return logits, logits

    model = awake(Pair, torch.float32)
    with pytest.raises(TicError, match=r"one tensor of logits .* got a tuple of 2: \(2, 3, 3\)"):
        fisher_information(model, [shown((4, 4), torch.float32)])
