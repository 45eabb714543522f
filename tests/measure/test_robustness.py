import math

import pytest
import torch
from torch import nn

from tic.attacks import FGSM, Blur
from tic.errors import TicError
from tic.measure.confidence import margins
from tic.measure.readouts import mean_logits
from tic.measure.robustness import accuracy, correct, zero_gradients
from tic.models import Adapted
from tic.neurons import LIF


class Brightness(nn.Module):
    """Says class 1 for bright images and 0 for dark ones, and the contrary at the last timestep."""

    def __init__(self, threshold=0.5):
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(threshold))
        self.seen = []

    def forward(self, images):
        self.seen.append((self.training, images.requires_grad, torch.is_grad_enabled()))
        bright = images.mean((1, 2, 3)) - self.threshold
        logits = torch.stack([-bright, bright], 1)
        return torch.stack([3 * logits, -logits])


def grey(*values):
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).clone()


LOADER = [
    (grey(0.1, 0.9, 0.8), torch.tensor([0, 1, 0])),
    (grey(0.2), torch.tensor([0])),
]


def test_the_mean_read_out_decides_and_every_image_counts_once():
    # right, right, wrong | right: three of four, though the second batch is smaller
    assert accuracy(Brightness(), LOADER) == 75.0


def test_the_loader_may_be_a_generator():
    assert accuracy(Brightness(), (each for each in LOADER)) == 75.0


def test_every_batch_goes_through_the_corruption_with_its_number():
    calls = []

    def darken(model, images, labels, batch):
        calls.append((model, images.shape, labels.tolist(), batch))
        return images * 0

    model = Brightness()
    assert accuracy(model, LOADER, darken) == 75.0  # all said to be class 0
    assert calls == [(model, (3, 1, 2, 2), [0, 1, 0], 0), (model, (1, 1, 2, 2), [0], 1)]
    assert accuracy(model, LOADER, lambda _, images, __, ___: 1 - images) == 25.0


def test_a_blur_that_changes_nothing_costs_nothing():
    assert accuracy(Brightness(), LOADER, Blur()) == 75.0


def test_an_attack_brings_down_what_lies_near_the_boundary():
    loader = [(grey(0.45, 0.1, 0.55, 0.9), torch.tensor([0, 0, 1, 1]))]
    assert accuracy(Brightness(), loader) == 100.0
    assert accuracy(Brightness(), loader, FGSM(epsilon=0.1)) == 50.0


@pytest.mark.parametrize("corruption", [None, FGSM()])
def test_the_model_is_measured_in_evaluation_mode(corruption):
    model = Brightness().train()
    accuracy(model, LOADER, corruption)
    assert not any(training for training, _, _ in model.seen)
    assert model.training


def test_predictions_need_no_graph():
    model = Brightness()
    accuracy(model, LOADER, lambda _, images, __, ___: images.requires_grad_())
    assert [each[1:] for each in model.seen] == [(False, False)] * 2


@pytest.mark.parametrize("corruption", [None, FGSM()])
def test_modes_weights_and_statistics_are_left_as_they_were(corruption, tiny, batch):
    tiny.train()
    tiny.blocks[0].eval()
    modes = [module.training for module in tiny.modules()]
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    accuracy(tiny, [batch], corruption)
    assert [module.training for module in tiny.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in tiny.state_dict().items())
    assert all(parameter.grad is None for parameter in tiny.parameters())


def test_attacked_images_are_judged_by_the_network_in_evaluation_mode(tiny, batch):
    images, _ = batch
    labels = tiny(images).mean(0).argmax(1)
    attack = FGSM(epsilon=0.05)
    by_hand = tiny(attack(tiny, images, labels, 0)).mean(0).argmax(1) == labels
    for training in (True, False):
        measured = accuracy(tiny.train(training), [(images, labels)], attack)
        assert measured == pytest.approx(100 * by_hand.double().mean().item())


def test_the_modes_return_when_the_corruption_fails():
    def fail(*_):
        raise RuntimeError("broken")

    model = Brightness().train()
    with pytest.raises(RuntimeError, match="broken"):
        accuracy(model, LOADER, fail)
    assert model.training


@pytest.mark.parametrize("measure", [accuracy, correct, zero_gradients])
def test_an_empty_loader_is_refused(measure):
    with pytest.raises(TicError, match="the loader must give at least one batch, got none"):
        measure(Brightness(), [])


class Constant(nn.Module):
    """Gives all images the same logits (T, K), whatever they show."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, images):
        return self.logits[:, None].expand(-1, len(images), -1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("measure", [accuracy, correct])
def test_no_answer_is_taken_from_logits_that_are_not_finite(measure, bad):
    # argmax takes NaN for the largest: labels 0 would all be right.
    with pytest.raises(TicError, match="logits must be finite, got NaN or infinity for 3 of 3"):
        measure(Constant([[bad, 0.0], [0.0, 0.0]]), LOADER)


@pytest.mark.parametrize("bad", [-1, 2, 9])
@pytest.mark.parametrize("measure", [accuracy, correct, zero_gradients])
def test_labels_that_are_no_class_of_the_network_are_refused(measure, bad):
    loader = [LOADER[0], (grey(0.2, 0.3), torch.tensor([0, bad]))]
    with pytest.raises(TicError, match=rf"labels must be .*, got {bad}; leave"):
        measure(Brightness(), loader)


class Steep(nn.Module):
    """Finite logits whose gradient at a black image is infinite."""

    def forward(self, images):
        root = images.sum((1, 2, 3)).sqrt()
        return torch.stack([root, -root], 1)[None]


@pytest.mark.parametrize("model", [Constant([[math.nan, 0.0]]), Steep()])
def test_gradients_that_are_not_finite_are_not_said_to_differ_from_zero(model):
    loader = [(grey(0.0, 0.9), torch.tensor([0, 1]))]
    with pytest.raises(TicError, match="gradients at the images must be finite, got NaN or inf"):
        zero_gradients(model, loader)


def test_half_precision_is_averaged_in_single_precision():
    logits = torch.tensor([[[2048.0, 0.0]], [[2050.0, 0.0]]]).half()
    # Between 2048 and 2050 float16 has no number.
    assert mean_logits(lambda _: logits, grey(0.5)).tolist() == [[2049.0, 0.0]]


def test_every_image_is_said_to_be_right_or_not_in_the_order_of_the_loader():
    assert correct(Brightness(), LOADER) == [True, True, False, True]
    assert correct(Brightness(), LOADER, lambda _, images, __, ___: 1 - images) == [
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("corruption", [None, FGSM()])
def test_accuracy_is_the_share_of_images_that_are_right(corruption, tiny, batch):
    found = correct(tiny, [batch, batch], corruption)
    assert accuracy(tiny, [batch, batch], corruption) == 100 * sum(found) / len(found)


def test_images_that_were_made_on_another_network_are_judged_by_this_one():
    loader = [(grey(0.45, 0.1, 0.55, 0.9), torch.tensor([0, 0, 1, 1]))]
    attack = FGSM(epsilon=0.1)
    assert correct(Brightness(), loader, attack) == [False, True, False, True]
    # this one thinks that all is well where it brightens the bright and darkens the dark
    contrary = Brightness()
    contrary.forward = lambda images: -Brightness.forward(contrary, images)
    assert all(correct(Brightness(), loader, attack, source=contrary))


def test_source_and_network_are_in_evaluation_mode_and_left_as_they_were():
    model, source = Brightness().train(), Brightness().train()
    correct(model, LOADER, FGSM(), source=source)
    assert not any(training for training, _, _ in model.seen + source.seen)
    assert model.training
    assert source.training
    assert source.threshold.grad is None


def test_a_source_without_a_corruption_is_refused():
    with pytest.raises(
        TicError, match="a source is the network that a corruption sees, and there is no"
    ):
        correct(Brightness(), LOADER, source=Brightness())


class FlatStep(torch.autograd.Function):
    """A step with the derivative that it has almost everywhere."""

    @staticmethod
    def forward(ctx, x):
        return (x >= 0).to(x)

    @staticmethod
    def backward(ctx, gradient):
        return torch.zeros_like(gradient)


class Spike(nn.Module):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def forward(self, x):
        return self.step(x)


@pytest.mark.parametrize("step", [FlatStep.apply, lambda x: (x >= 0).to(x)])
def test_without_surrogates_every_gradient_is_zero(step, tiny, batch):
    assert not any(zero_gradients(tiny, [batch]))
    for layer in tiny.modules():
        if isinstance(layer, LIF):
            layer.spike = Spike(step)
    assert zero_gradients(tiny, [batch, batch]) == [True] * 2 * len(batch[1])


def test_a_saturated_image_has_a_zero_gradient_and_its_neighbour_has_not():
    class Confident(Brightness):
        def forward(self, images):
            return 1000 * super().forward(images)

    loader = [(grey(0.1, 0.501, 0.9), torch.tensor([0, 1, 0]))]
    assert zero_gradients(Confident(), loader) == [True, False, False]


def test_modes_and_gradients_of_weights_are_left_as_they_were(tiny, batch):
    tiny.train()
    tiny.blocks[0].eval()
    modes = [module.training for module in tiny.modules()]
    zero_gradients(tiny, [batch])
    assert [module.training for module in tiny.modules()] == modes
    assert all(parameter.grad is None for parameter in tiny.parameters())
    assert not batch[0].requires_grad


class PerTimestep(nn.Module):
    """Names the class of each image's brightest pixel, at every of its timesteps."""

    def __init__(self, *, batch_outermost=False):
        super().__init__()
        self.batch_outermost = batch_outermost

    def forward(self, images):
        logits = images.flatten(2)
        return logits if self.batch_outermost else logits.transpose(0, 1)


@pytest.mark.parametrize("measure", [accuracy, margins, zero_gradients])
def test_a_network_that_gives_the_batch_outermost_is_refused(measure):
    """With as many images as timesteps the shape of its logits does not tell."""
    images = torch.eye(5)[:, None, None].expand(-1, 5, 1, -1).clone()
    loader = [(images, torch.arange(5))]
    assert accuracy(PerTimestep(), loader) == 100
    with pytest.raises(TicError, match=r"looks like \(B, T, K\): return logits.transpose"):
        measure(PerTimestep(batch_outermost=True), loader)


def test_a_network_of_one_batch_size_is_believed():
    class Fixed(PerTimestep):
        def forward(self, images):
            return super().forward(images.view(5, 5, 1, 5))

    images = torch.eye(5)[:, None, None].expand(-1, 5, 1, -1).clone()
    assert accuracy(Fixed(), [(images, torch.arange(5))]) == 100


def test_what_is_said_to_give_time_outermost_and_does_not_is_refused():
    images = torch.eye(5)[:, None, None].expand(-1, 5, 1, -1).clone()
    network = Adapted(PerTimestep(batch_outermost=True), 5, takes="BT", gives="TB", sequences=True)
    with pytest.raises(TicError, match=r"T=5 and B=1, got \(1, 5, 5\)"):
        accuracy(network, [(images, torch.arange(5))])


class InPlace(nn.Module):
    """Inverts images where they lie."""

    def __init__(self):
        super().__init__()
        self.inner = Brightness()

    def forward(self, images):
        return self.inner(images.neg_().add_(1))


@pytest.mark.parametrize("corruption", [None, FGSM(epsilon=0.01)])
def test_a_network_that_works_in_place_does_not_change_the_images(corruption):
    loader = [(images.clone(), labels) for images, labels in LOADER]
    assert [accuracy(InPlace(), loader, corruption) for _ in range(2)] == [25.0] * 2
    assert margins(InPlace(), loader) == margins(InPlace(), loader)
    assert all(torch.equal(one[0], other[0]) for one, other in zip(loader, LOADER, strict=True))


@pytest.mark.parametrize("measure", [accuracy, margins, zero_gradients])
def test_one_logit_for_two_classes_is_refused_with_the_way_out(measure):
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 1), nn.Unflatten(0, (1, -1)))
    with pytest.raises(TicError, match=r"two or more classes, got one for both; return torch.cat"):
        measure(network, [(grey(0.1, 0.9), torch.tensor([0, 0]))])


@pytest.mark.parametrize("measure", [accuracy, margins, zero_gradients])
def test_a_function_is_no_network(measure):
    with pytest.raises(TicError, match=r"must be a torch.nn.Module, .*; wrap it in one"):
        measure(lambda images: images.flatten(1)[None], LOADER)


def test_what_is_no_image_can_be_classified():
    network = nn.Sequential(nn.Embedding(7, 3), nn.Unflatten(0, (1, -1)))
    tokens = torch.tensor([0, 3, 6])
    labels = network(tokens)[0].argmax(1)
    assert accuracy(network, [(tokens, labels)]) == 100
    with pytest.raises(TicError, match="divide whole numbers from 0 to 255 by 255"):
        accuracy(network, [(tokens, labels)], FGSM())


def test_gradients_are_taken_in_inference_mode_too():
    expected = zero_gradients(Brightness(), LOADER)
    with torch.inference_mode():
        assert zero_gradients(Brightness(), LOADER) == expected
