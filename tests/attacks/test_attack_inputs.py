"""What attacks and corruptions are handed: images of any shape, in [0, 1], with their classes."""

import re

import pytest
import torch
from attacked import Small, different_names, short_suite
from torch import nn

from tic.attacks import FGSM, PGD, Blur, GaussianNoise, RestartedPGD, Square
from tic.errors import TicError

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = different_names()
ATTACKS = short_suite(8 / 255)
LABELS = torch.arange(3)
CORRUPTIONS = {"noise": GaussianNoise(), "blur": Blur()}
# Rate gradients and surrogates need LIF layers, which the small networks here have not.
ANYWHERE = [name for name in NAMES if "rate" not in name and "surrogate" not in name]


def images(*shape):
    return torch.rand(shape or (3, 1, 4, 4), generator=torch.Generator().manual_seed(0))


class Flat(nn.Module):
    """Classifies images of any shape, at two timesteps."""

    def __init__(self, pixels=16, classes=4):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layer = nn.Linear(pixels, classes)

    def forward(self, seen):
        self.shape = seen.shape[1:]
        return torch.stack([self.layer(t * seen.flatten(1)) for t in (1, 2)])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("low", "high"), [(-1, 1), (0, 255), (0, 1.001), (-0.001, 1)], ids=lambda value: f"{value:g}"
)
def test_images_outside_0_and_1_are_not_attacked(name, low, high):
    seen = torch.linspace(low, high, 3 * 16).view(3, 1, 4, 4)
    message = (
        f"images must be pixel values in [0, 1], where ε counts and results are clamped, got "
        f"{low} to {high}; divide values up to 255 by 255, and let the network normalise: wrap it"
    )
    with pytest.raises(TicError, match=re.escape(message)):
        ATTACKS[name](Small(), seen, LABELS, 0)


@pytest.mark.parametrize("name", NAMES)
def test_rounding_past_the_ends_of_the_range_is_forgiven(name):
    seen = images() / images().max() + 3e-7
    assert seen.max() > 1
    moved = ATTACKS[name](Small(), seen, LABELS, 0)
    assert moved.max() <= seen.max()
    assert (moved - seen).abs().max() <= 8 / 255 + 1e-6


@pytest.mark.parametrize("name", [*NAMES, *CORRUPTIONS])
@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (images().fill_(torch.nan), "images must be finite, got NaN or infinite pixel values"),
        (images().fill_(torch.inf), "images must be finite, got NaN or infinite pixel values"),
        (images().long(), "images must be a floating-point tensor, got torch.int64; divide"),
        (images().to(torch.uint8), "images must be a floating-point tensor, got torch.uint8"),
        (images().numpy(), "images must be a floating-point tensor, got ndarray"),
        (images(0, 1, 4, 4), "with at least one image and pixel, got (0, 1, 4, 4); leave empty"),
        (images(3), "images must have shape (B, ...) with at least one image and pixel, got (3,)"),
    ],
    ids=["nan", "infinite", "int64", "uint8", "numpy", "empty", "no pixels"],
)
def test_what_is_no_batch_of_images_is_refused(name, seen, message):
    corruption = {**ATTACKS, **CORRUPTIONS}[name]
    with pytest.raises(TicError, match=re.escape(message)):
        corruption(Small(), seen, LABELS[: len(seen)], 0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS.int(), "labels must be a tensor of int64, got torch.int32; convert by .long()"),
        (LABELS.float(), "labels must be a tensor of int64, got torch.float32; convert by"),
        ([0, 1, 2], "labels must be a tensor of int64, got list; convert by .long()"),
        (LABELS[:2], "labels must have shape (B,) with B=3, the number of images, got (2,)"),
        (LABELS[:, None], "labels must have shape (B,) with B=3, the number of images, got (3, 1)"),
        (
            torch.tensor([0, 1, 4]),
            "labels must be in [0, 3], since the logits have 4 classes, got 4; leave",
        ),
        (
            torch.tensor([0, 1, -100]),
            "labels must be in [0, 3], since the logits have 4 classes, got -100; leave",
        ),
    ],
    ids=["int32", "float", "list", "too few", "(B, 1)", "too high", "ignored"],
)
def test_labels_that_are_no_classes_are_refused(name, labels, message):
    with pytest.raises(TicError, match=re.escape(message)):
        ATTACKS[name](Small(), images(), labels, 0)


class Wrong(nn.Module):
    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, seen):
        return self.output(seen.flatten(1))


@pytest.mark.parametrize("name", ANYWHERE)
@pytest.mark.parametrize(
    ("output", "got"),
    [
        (lambda x: (x[None], x[None]), r"one tensor of logits .* got a tuple of 2"),
        (lambda x: x, r"B=\d, got shape \(\d, 16\); that looks like \(B, K\)"),
        (lambda x: x.repeat(2, 1)[None], r"B=\d, got shape \(1, \d, 16\)"),
    ],
)
def test_what_is_no_read_out_over_time_is_refused(name, output, got):
    with pytest.raises(TicError, match=f"the model must return .*{got}"):
        ATTACKS[name](Wrong(output), images(), LABELS, 0)


SHAPES = [(16,), (4, 4), (2, 2, 2, 2)]


@pytest.mark.parametrize("name", ANYWHERE)
@pytest.mark.parametrize("shape", SHAPES, ids=["(B, F)", "(B, T, F)", "(B, T, C, H, W)"])
def test_images_of_every_shape_are_attacked(name, shape):
    attack, model, seen = ATTACKS[name], Flat(), images(3, *shape)
    inner = getattr(attack, "attack", attack)
    if isinstance(inner, Square) and len(shape) < 3:
        with pytest.raises(TicError, match=r"shape \(B, ..., H, W\) with at least 4 axes"):
            attack(model, seen, LABELS, 0)
        return
    moved = attack(model, seen, LABELS, 0)
    assert moved.shape == seen.shape
    assert (moved - seen).abs().max() <= 8 / 255 + 1e-6
    if not isinstance(inner, Square) and "float64" not in name:
        assert model.shape == shape


@pytest.mark.parametrize("attack", [FGSM(), PGD(), RestartedPGD()], ids=repr)
def test_the_shape_of_images_does_not_matter_to_an_attack_of_pixels(attack):
    square, model = images(3, 1, 4, 4), Flat()
    moved = attack(model, square, LABELS, 0)
    for shape in SHAPES:
        again = attack(model, square.view(3, *shape), LABELS, 0)
        assert torch.equal(again.view(3, 1, 4, 4), moved)


def test_noise_has_its_share_in_every_shape():
    for shape in SHAPES:
        seen = images(3, *shape)
        noise = GaussianNoise(share=0.5)(nn.Identity(), seen, LABELS, 0) - seen
        norms = seen.flatten(1).norm(dim=1)
        torch.testing.assert_close(noise.flatten(1).norm(dim=1), norms / 2)


def test_noise_needs_no_range_since_nothing_is_clamped():
    seen = 255 * images()
    noise = GaussianNoise(share=0.5)(nn.Identity(), seen, LABELS, 0) - seen
    torch.testing.assert_close(noise.flatten(1).norm(dim=1), seen.flatten(1).norm(dim=1) / 2)


def test_every_frame_is_blurred_by_itself():
    frames = images(3, 5, 2, 4, 4)
    blurred = Blur()(nn.Identity(), frames, LABELS, 0)
    for t in range(5):
        alone = Blur()(nn.Identity(), frames[:, t], LABELS, 0)
        torch.testing.assert_close(blurred[:, t], alone)


def test_features_have_no_height_to_blur():
    with pytest.raises(
        TicError, match=r"images must have shape \(B, ..., H, W\) .*, got \(3, 16\)"
    ):
        Blur()(nn.Identity(), images(3, 16), LABELS, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda odd: FGSM(epsilon=odd),
        lambda odd: PGD(steps=odd),
        lambda odd: RestartedPGD(restarts=odd),
        lambda odd: RestartedPGD(loss=odd),
        lambda odd: Square(queries=odd),
        lambda odd: GaussianNoise(share=odd),
        lambda odd: Blur(factor=odd),
    ],
)
@pytest.mark.parametrize("odd", [None, "x", float("nan"), -1, 1j, [], float("inf")])
def test_settings_that_are_no_such_number_are_refused(make, odd):
    with pytest.raises(TicError, match="must be"):
        make(odd)
