"""The simulated camera against a pixel worked by hand, and the data set that is made with it."""

import math

import numpy as np
import pytest
import torch

from tic.data import Digits
from tic.data.events import Camera, MovingImages, crossings, frames_by_time
from tic.data.events.moving import _moved, recording
from tic.errors import TicError

EVEN = np.full((2, 1, 1), 0.25)


def pixel(*levels, dark=0.25):
    """A movie of one pixel whose log intensity is so far above that of darkness."""
    return (dark * np.exp(np.array(levels)) - dark).reshape(1, -1, 1, 1)


def test_a_pixel_emits_one_event_per_threshold_and_keeps_its_reference():
    # 0.6 is two thresholds and leaves 0.1: from there 0.2 more is one, and -0.5 is two down.
    movie = pixel(0.0, 0.6, 0.8, 0.3, 0.3)
    counts = crossings(movie, Camera(mismatch=0), EVEN)
    assert counts[0, :, 1, 0, 0].tolist() == [2, 1, 0, 0]
    assert counts[0, :, 0, 0, 0].tolist() == [0, 0, 1, 0]


def test_a_slow_change_makes_the_events_of_a_fast_one():
    slow = crossings(pixel(*np.linspace(0, 1.3, 40)), Camera(), EVEN)
    fast = crossings(pixel(0, 1.3), Camera(), EVEN)
    assert slow.sum() == fast.sum() == 5


def test_thresholds_differ_from_pixel_to_pixel_and_bound_the_events():
    camera = Camera(mismatch=0.05)
    thresholds = camera.thresholds((40, 40), 3)
    assert thresholds.std() == pytest.approx(0.05, rel=0.1)
    assert np.array_equal(thresholds, camera.thresholds((40, 40), 3))
    assert Camera(mismatch=9).thresholds((9, 9), 0).min() == 0.01
    movie = np.repeat(np.repeat(pixel(0, 1.0), 40, 2), 40, 3)
    expected = np.floor(1.0 / thresholds[1])
    assert np.array_equal(crossings(movie, camera, thresholds)[0, 0, 1], expected)


def test_shot_noise_has_its_rate_and_its_seed():
    drawn = Camera(noise=0.2).shot_noise((20, 50, 2, 8, 8), 5, 1)
    assert drawn.mean() == pytest.approx(0.04, rel=0.05)
    assert np.array_equal(drawn, Camera(noise=0.2).shot_noise((20, 50, 2, 8, 8), 5, 1))
    assert not Camera(noise=0).shot_noise((9, 9), 5, 1).any()


def test_noise_that_the_steps_of_a_bin_cannot_hold_is_refused():
    assert Camera(noise=3.0).shot_noise((2, 3), 3, 0).all()  # one in each step is three in a bin
    for refused in (
        lambda: Camera(noise=3.0).shot_noise((2, 3), 2, 0),
        lambda: MovingImages(Digits(), camera=Camera(noise=3.0), steps=2),
    ):
        with pytest.raises(TicError, match=r"noise must be at most the steps .* got 3 with 2;"):
            refused()


@pytest.mark.parametrize("field", ["threshold", "dark"])
def test_a_camera_that_cannot_be_is_refused(field):
    with pytest.raises(TicError, match=f"{field} must be above 0, got 0"):
        Camera(**{field: 0.0})
    with pytest.raises(TicError, match="noise must be at least 0, got -1"):
        Camera(noise=-1.0)


def test_movies_of_other_shapes_and_values_are_refused():
    with pytest.raises(TicError, match=r"\(N, F, H, W\) with F of at least 2"):
        crossings(np.zeros((1, 1, 2, 2)), Camera(), EVEN)
    with pytest.raises(TicError, match=r"intensities must be in \[0, 1\]"):
        crossings(np.full((1, 2, 1, 1), 2.0), Camera(), EVEN)


def shifted(image, row, column, field):
    """Place an image at a corner between pixels, one pixel after the other."""
    placed = np.zeros((field, field))
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            y, x = row + r, column + c
            for i in (math.floor(y), math.floor(y) + 1):
                for j in (math.floor(x), math.floor(x) + 1):
                    if 0 <= i < field and 0 <= j < field:
                        placed[i, j] += image[r, c] * (1 - abs(y - i)) * (1 - abs(x - j))
    return placed


def test_images_move_through_the_middle_in_their_direction():
    dataset = MovingImages(Digits(), timesteps=2, steps=3, field=14, path=0.5)
    image = np.random.default_rng(0).random((8, 8))
    angle = 0.7
    movie = _moved(dataset, image[None], np.array([angle]))[0]
    assert movie.shape == (7, 14, 14)
    for number, along in enumerate(np.linspace(-3.5, 3.5, 7)):
        row, column = 3 + math.sin(angle) * along, 3 + math.cos(angle) * along
        assert movie[number] == pytest.approx(shifted(image, row, column, 14), abs=1e-12)


def test_recordings_event_by_event_are_the_frames():
    dataset = MovingImages(Digits(), field=12)
    samples = dataset.load("test")
    assert samples.inputs.shape == (360, 8, 2, 12, 12)
    for number in (0, 300):
        events, made = recording(dataset, "test", number)
        frames = frames_by_time(events, 8, 5000, start=0)
        assert np.array_equal(frames, samples.inputs[number].numpy())
        seen = np.zeros((8, 12, 12), bool)
        seen[events.t[made] // 5000, events.y[made], events.x[made]] = True
        assert np.array_equal(seen, samples.objects[number].numpy())
        assert 0 < (~made).sum() < len(events)


def test_without_noise_all_events_are_the_objects_and_without_motion_there_are_none():
    quiet = MovingImages(Digits(), field=12, camera=Camera(noise=0.0))
    samples = quiet.load("test")
    assert torch.equal(samples.inputs.sum(2) > 0, samples.objects)
    blank = crossings(np.full((1, 5, 3, 3), 0.4), Camera(), np.full((2, 3, 3), 0.25))
    assert not blank.any()


def test_labels_are_balanced_directions_or_the_images_own():
    directions = MovingImages(Digits(), field=12).load("test")
    assert directions.labels.bincount().tolist() == [45] * 8
    images = MovingImages(Digits(), field=12, labels="image").load("test")
    assert torch.equal(images.labels, Digits().load("test").labels)
    assert directions.facts.name == "moving-digits-directions"


def test_the_label_is_the_direction_that_the_object_moves_in():
    samples = MovingImages(Digits(), field=16, camera=Camera(noise=0.0)).load("test")
    place = torch.arange(16.0) - 7.5
    weight = samples.objects.float()
    centre = (
        torch.stack([(weight * place).sum((2, 3)), (weight * place[:, None]).sum((2, 3))], -1)
        / weight.sum((2, 3)).clamp_min(1)[..., None]
    )
    moved = centre[:, -1] - centre[:, 0]
    angle = torch.atan2(moved[:, 1], moved[:, 0])
    told = (angle / (2 * math.pi / 8)).round().long() % 8
    assert (told == samples.labels).float().mean() > 0.95


def test_a_subset_keeps_its_objects_and_the_data_set_its_seed():
    dataset = MovingImages(Digits(), field=12)
    samples = dataset.load("train")
    part = samples.take(40)
    rows = [int((samples.inputs == one).flatten(1).all(1).nonzero()[0]) for one in part.inputs[:5]]
    assert torch.equal(part.objects[:5], samples.objects[rows])
    assert part.to("cpu") is part
    assert dataset.load("train").digest == samples.digest
    assert MovingImages(Digits(), field=12, seed=1).load("train").digest != samples.digest


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"field": 7}, "the field must hold the images, which have 8 × 8 pixels, got 7"),
        ({"path": 0.0}, r"path must be in \(0, 1\], got 0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"of": MovingImages(Digits())}, r"only images \(C, H, W\) can move"),
    ],
)
def test_what_cannot_move_is_told(fields, message):
    with pytest.raises(TicError, match=message):
        MovingImages(**{"of": Digits()} | fields)
