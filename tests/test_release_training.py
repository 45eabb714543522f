"""Training as the paper's release does it, beside a plain copy of its loop in double precision."""

import copy
import math

import pytest
import torch
from torch.nn.functional import cosine_similarity, cross_entropy

from fixtures.networks import awaken
from tic.data import Digits
from tic.fitting import CosineSGD
from tic.models import Spiking, build
from tic.recipe import Recipe
from tic.train import take_step

pytestmark = pytest.mark.usefixtures("one_thread")

OURS = Recipe(
    dataset=Digits(),
    architecture=Spiking("tiny"),
    timesteps=5,
    fitting=CosineSGD(momentum=0.9, weight_decay=5e-4),
)
STEPWISE = OURS.but(architecture=Spiking("tiny", batch_norm="stepwise"))
RELEASE = STEPWISE.but(fitting=CosineSGD(dampening=5e-4, weight_decay=0.0))


class ArcTangent(torch.autograd.Function):
    """A step whose derivative is 1 / (1 + (πx)²)."""

    @staticmethod
    def forward(ctx, excess):
        ctx.save_for_backward(excess)
        return (excess >= 0).to(excess)

    @staticmethod
    def backward(ctx, gradient):
        (excess,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * excess) ** 2)


class Neurons:
    """LIF neurons with τ = 2 that are called once per timestep and hold their membranes."""

    def __init__(self):
        self.membranes = {}

    def __call__(self, name, current):
        before = self.membranes.get(name, torch.zeros_like(current))
        charged = before + (current - before) / 2
        spikes = ArcTangent.apply(charged - 1)
        self.membranes[name] = (1 - spikes.detach()) * charged
        return spikes


def release_outputs(network, images):
    """One list entry per timestep; every normalisation is called T times, the stem's once."""
    fire = Neurons()
    static = network.stem((images - network.mean) / network.std)
    outputs = []
    for _ in range(network.timesteps):
        out = fire("input", static)
        for number, block in enumerate(network.blocks):
            hidden = fire((number, 1), block.conv1(out))
            out = fire((number, 2), block.conv2(hidden) + block.shortcut(out))
        outputs.append(network.classifier(out.mean((2, 3))))
    return outputs


def release_loss(network, images, labels):
    return cross_entropy(sum(release_outputs(network, images)) / network.timesteps, labels)


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build("tiny", in_channels=1, num_classes=10, timesteps=5).double().train()


@pytest.fixture
def batches():
    draws = torch.Generator().manual_seed(1)
    pixels = torch.rand(3, 32, 1, 8, 8, dtype=torch.float64, generator=draws)
    return list(zip(pixels, torch.randint(10, (3, 32), generator=draws), strict=True))


def prepared(network, recipe):
    """A copy of the network that is normalised as the Recipe says."""
    ours = copy.deepcopy(network)
    ours.stepwise = recipe.architecture.batch_norm == "stepwise"
    return ours


def gradient(network, loss):
    found = torch.autograd.grad(loss, list(network.parameters()))
    return torch.cat([each.flatten() for each in found])


def our_gradient(network, recipe, images, labels):
    ours = prepared(network, recipe)
    return gradient(ours, cross_entropy(ours(images).mean(0), labels))


def trained(network, recipe, batches):
    ours = prepared(network, recipe)
    sgd = recipe.fitting.optimiser(ours)
    for images, labels in batches:
        loss = cross_entropy(ours(images).mean(0), labels)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    return ours.state_dict()


def trained_by_release(network, batches):
    theirs = copy.deepcopy(network)
    ours = OURS.fitting
    sgd = torch.optim.SGD(theirs.parameters(), ours.learning_rate, ours.momentum, ours.weight_decay)
    for images, labels in batches:
        sgd.zero_grad()
        release_loss(theirs, images, labels).backward()
        sgd.step()
    return theirs.state_dict()


def distance(found, expected):
    """Largest difference of any weight or running statistic."""
    assert found.keys() == expected.keys()
    return max(float((found[name] - expected[name]).abs().max()) for name in expected)


def test_in_evaluation_mode_the_logits_are_those_of_the_release_either_way(network, batches):
    awaken(network, channels=1)
    expected = torch.stack(release_outputs(network, batches[0][0]))
    assert not torch.equal(expected[0], expected[-1])
    for recipe in (OURS, STEPWISE):
        logits = prepared(network, recipe)(batches[0][0])
        torch.testing.assert_close(logits, expected, rtol=0, atol=1e-13)


def test_in_training_mode_they_are_so_only_stepwise(network, batches):
    images, _ = batches[0]
    expected = torch.stack(release_outputs(copy.deepcopy(network), images))
    joint, stepwise = (prepared(network, each)(images) for each in (OURS, STEPWISE))
    torch.testing.assert_close(stepwise, expected, rtol=0, atol=1e-13)
    assert (joint - expected).abs().max() > 0.1


def test_a_step_goes_another_way_when_all_timesteps_are_normalised_together(network, batches):
    images, labels = batches[0]
    theirs = copy.deepcopy(network)
    expected = gradient(theirs, release_loss(theirs, images, labels))
    joint, stepwise = (our_gradient(network, each, images, labels) for each in (OURS, STEPWISE))
    torch.testing.assert_close(stepwise, expected, rtol=1e-10, atol=1e-13)
    assert cosine_similarity(joint, expected, dim=0) < 0.5


def test_stepwise_the_running_statistics_take_in_every_timestep(network, batches):
    counts = {}
    for recipe in (OURS, STEPWISE):
        state = trained(network, recipe, batches[:1])
        counts[recipe.architecture.batch_norm] = {
            name.split(".")[0]: int(value)
            for name, value in state.items()
            if name.endswith("num_batches_tracked")
        }
    assert counts["joint"] == {"stem": 1, "blocks": 1}
    assert counts["stepwise"] == {"stem": 1, "blocks": 5}


def test_with_dampening_for_weight_decay_the_steps_are_those_of_the_release(network, batches):
    expected = trained_by_release(network, batches)
    assert distance(trained(network, RELEASE, batches), expected) < 1e-12
    assert distance(network.state_dict(), expected) > 0.1
    for other in (
        OURS,
        STEPWISE,
        RELEASE.but(fitting=RELEASE.fitting.but(dampening=0.0)),
        RELEASE.but(architecture=Spiking("tiny", batch_norm="joint")),
    ):
        assert distance(trained(network, other, batches), expected) > 1e-5


def test_a_step_of_a_training_is_that_step(network, batches):
    images, labels = batches[0]
    ours = prepared(network, RELEASE)
    take_step(RELEASE, ours, RELEASE.fitting.optimiser(ours), images, labels)
    assert distance(ours.state_dict(), trained_by_release(network, batches[:1])) < 1e-12
