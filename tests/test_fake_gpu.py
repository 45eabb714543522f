"""On tensors that say that they are on a GPU: what mixes devices is seen without having one.

Nothing is computed: shapes, precisions and devices alone are followed, and what kernels for a GPU
ask of their arguments. Gradients cannot be, since autograd asks for the GPU itself.
"""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from claims.kim2023.recipes import KIM2023
from claims.li2023.recipes import LI2023
from claims.meszaros2024.recipes import MESZAROS2024
from claims.yao2023.recipes import YAO2023
from tic.neurons import LIF, fresh_membranes

SETTINGS = {
    f"{pack.paper.key}-{name}": setting
    for pack in (KIM2023, LI2023, YAO2023, MESZAROS2024)
    for name, setting in pack.settings.items()
}


@pytest.fixture
def gpu():
    with FakeTensorMode(), torch.device("cuda"):
        yield


@pytest.mark.parametrize("tau", [0.75, 1.0, 2.0])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_neurons_of_every_time_constant_run_there(gpu, tau, precision):
    layer = LIF(tau=tau)
    with fresh_membranes(layer):
        spikes = layer(torch.rand(3, 2, 5, dtype=precision))
    assert (spikes.device.type, spikes.dtype) == ("cuda", precision)


@pytest.mark.parametrize("name", SETTINGS)
def test_networks_and_losses_of_every_setting_run_there(gpu, name):
    recipe = SETTINGS[name].recipe
    facts = recipe.dataset.facts
    network = recipe.architecture.build(facts, recipe.timesteps)
    logits = network(torch.rand(2, *facts.shape))
    assert logits.device.type == "cuda"
    assert recipe.loss(logits, torch.zeros(2, dtype=torch.long)).device.type == "cuda"
