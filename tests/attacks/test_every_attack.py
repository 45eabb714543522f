"""What holds for all attacks of the attack suite."""

import sys

import pytest
import torch
from attacked import Small, different_names, images_with_extremes, masked, short_suite
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tic.attacks import FGSM, PGD, Square
from tic.errors import TicError

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = different_names()


def state(model):
    """All that an attack might leave changed."""
    return (
        [(module.training, len(module._forward_hooks)) for module in model.modules()],
        [(p.dtype, p.requires_grad, p.detach().clone().tolist()) for p in model.parameters()],
        [None if p.grad is None else p.grad.clone().tolist() for p in model.parameters()],
        (id(model.lif.spike), getattr(model.lif.spike, "alpha", None), model.lif.membrane),
        model.stepwise,
        torch.get_rng_state().tolist(),
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6)
@given(
    epsilon=st.sampled_from([0.0, 1.0]) | st.floats(0, 1),
    seed=st.integers(0, 2**16),
    wide=st.booleans(),
    training=st.booleans(),
    hard=st.booleans(),
    stepwise=st.booleans(),
)
def test_an_attack_stays_in_its_ball_and_leaves_no_trace(
    name, epsilon, seed, wide, training, hard, stepwise
):
    attack = short_suite(epsilon)[name]
    dtype = torch.float64 if wide else torch.float32
    images, labels = images_with_extremes(3, seed, dtype)
    model = Small(seed).to(dtype).train(training)
    model.stepwise = stepwise
    model.stem.weight.grad = torch.ones_like(model.stem.weight)
    if hard:
        masked(model)
    before, clean = state(model), images.clone()

    moved = attack(model, images, labels, 0)

    assert state(model) == before
    assert torch.equal(images, clean)
    assert (moved.shape, moved.dtype, moved.requires_grad) == (images.shape, dtype, False)
    assert (moved - images).abs().max() <= attack.epsilon + 1e-6
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert torch.equal(attack(model, images, labels, 0), moved)


@pytest.mark.parametrize("attack", [FGSM(), PGD(), Square()], ids=lambda one: type(one).__name__)
def test_without_the_library_an_attack_says_how_to_get_it(monkeypatch, attack):
    monkeypatch.setitem(sys.modules, "torchattacks", None)
    with pytest.raises(TicError, match=r"pip install 'tic-audit\[attacks\]', or .*--no-deps"):
        attack(Small(), *images_with_extremes(3), 0)


class Cut(Small):
    """It computes from a copy of the images that automatic differentiation does not follow."""

    def encode(self, images):
        return super().encode(images.detach())


@pytest.mark.parametrize("name", NAMES)
def test_a_network_that_cuts_the_graph_is_attacked_as_one_without_gradients(name):
    attack = short_suite(0.1)[name]
    images, labels = images_with_extremes(3)
    moved = attack(Cut(), images, labels, 0)
    assert (moved - images).abs().max() <= attack.epsilon + 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_an_attack_is_made_again_from_its_text(name):
    import tic.attacks

    attack = short_suite(0.1)[name]
    assert eval(repr(attack), vars(tic.attacks)) == attack


@pytest.mark.parametrize("name", NAMES)
def test_the_network_is_attacked_in_evaluation_mode(name):
    modes = []
    model = Small().train()
    model.register_forward_hook(lambda module, _, __: modes.append(module.training))
    short_suite(0.1)[name](model, *images_with_extremes(2), 0)
    assert modes
    assert not any(modes)


@pytest.mark.parametrize("name", NAMES)
def test_an_attack_costs_what_it_says_and_all_of_it_where_nothing_is_found(name):
    attack = short_suite(0.0)[name]
    seen = {True: 0, False: 0}

    def count(_, inputs, __):
        seen[inputs[0].requires_grad and torch.is_grad_enabled()] += len(inputs[0])

    model = Small().eval()
    images, _ = images_with_extremes(4)
    labels = model(images).mean(0).argmax(1)
    model.register_forward_hook(count)
    attack(model, images, labels, 0)
    assert seen[True] == 4 * attack.passes.gradients
    assert 0 <= 4 * attack.passes.forwards - seen[False] < 4


RANDOM = [name for name in NAMES if name != "FGSM" and "FAB" not in name]


@pytest.mark.parametrize("name", RANDOM)
def test_every_batch_has_random_numbers_of_its_own(name):
    images = torch.full((4, 1, 4, 4), 0.5)
    model = Small(seed=1).eval()
    labels = model(images).mean(0).argmax(1)
    attack = short_suite(0.5)[name]
    assert not torch.equal(attack(model, images, labels, 0), attack(model, images, labels, 1))


def rightly_labelled(dtype=torch.float32):
    """A network, grey images, and the classes that it gives them, so that all are attacked."""
    model, images = Small(seed=1).to(dtype).eval(), torch.full((4, 1, 4, 4), 0.5, dtype=dtype)
    return model, images, model(images).mean(0).argmax(1)


class Rooted(Small):
    """Its logits are finite, and its gradients are not: 0 times a root's infinite slope."""

    def encode(self, images):
        hidden = self.stem(images.flatten(1))
        return 4 * torch.where(hidden > 0, hidden.sqrt(), torch.zeros_like(hidden))


@pytest.mark.parametrize("name", [name for name in NAMES if "Square" not in name])
def test_gradients_that_are_not_finite_are_told_and_make_no_network_robust(name):
    model, (images, _) = Rooted().eval(), images_with_extremes(4)
    labels = model(images).mean(0).argmax(1)
    with pytest.raises(TicError, match="gradients at the images must be finite"):
        short_suite(0.5)[name](model, images, labels, 0)


@pytest.mark.parametrize("name", NAMES)
def test_how_images_lie_in_memory_does_not_matter(name):
    model = Small(seed=1).eval()
    model.stem = nn.Linear(32, 12)
    images = torch.rand(4, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = model(images).mean(0).argmax(1)
    attack = short_suite(0.5)[name]
    turned = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert torch.equal(attack(model, turned, labels, 0), attack(model, images, labels, 0))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_networks_of_half_precision_are_attacked(name, dtype):
    moved = short_suite(0.25)[name](*rightly_labelled(dtype), 0)
    assert moved.dtype is dtype
    assert (moved - 0.5).abs().max() <= 0.25 + 1e-3


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", NAMES)
def test_an_attack_takes_gradients_whatever_mode_it_is_called_in(name, mode):
    model, images, labels = rightly_labelled()
    attack = short_suite(0.5)[name]
    expected = attack(model, images, labels, 0)
    with mode():
        moved = attack(model, images.clone(), labels.clone(), 0)
    assert torch.equal(moved, expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_that_gives_the_batch_outermost_is_refused(name):
    """With as many images as timesteps the shape of its logits does not tell."""

    class Turned(Small):
        def forward(self, images):
            return super().forward(images).transpose(0, 1)

    images, labels = images_with_extremes(3)
    with pytest.raises(TicError, match=r"looks like \(B, T, K\): return logits.transpose"):
        short_suite(0.5)[name](Turned(timesteps=3).eval(), images, labels, 0)
