"""Any data set of images before an event camera: each image moves across the field once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from tic.data.dataset import Dataset
from tic.data.events.camera import Camera, crossings
from tic.data.events.recording import Events, Sensor
from tic.data.events.samples import EventSamples
from tic.data.facts import Facts, Split
from tic.data.samples import Samples
from tic.errors import TicError
from tic.seeding import derive

DIRECTIONS = 8
DEFAULT = Camera()
JITTER = 0.15
"""Radians by which a direction differs from its class at most."""
STEP = 1000
"""Microseconds from one picture of a movie to the next."""
_PART = 256
"""Recordings that are made at a time."""


@dataclass(frozen=True)
class MovingImages(Dataset):
    """A data set of images as recordings of a simulated camera, the same every time.

    Every image is one recording. It moves in a straight line through the middle of the field, with
    sub-pixel steps, and its intensity is the mean of its channels.

    Attributes:
        of: The images.
        labels: What is to be told: the `direction`, one of eight, with any image; or the `image`'s
            own class, in any direction.
        timesteps: Time bins T.
        field: Rows and columns of the sensor.
        path: How far the image moves, as a share of the field.
        steps: Pictures per time bin.
        camera: What records them.
        seed: Of directions, thresholds and noise.

    Raises:
        TicError: There are no images, they are larger than the field, or a number is out of range.
    """

    of: Dataset
    labels: Literal["direction", "image"] = "direction"
    timesteps: int = 8
    field: int = 16
    path: float = 0.5
    steps: int = 5
    camera: Camera = DEFAULT
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = self.of.facts.shape
        if len(shape) != 3:
            raise TicError(f"only images (C, H, W) can move, got {self.of.name} with {shape}")
        for name in ("timesteps", "steps"):
            if getattr(self, name) < 1:
                raise TicError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.field < max(shape[1:]):
            raise TicError(
                f"the field must hold the images, which have {shape[1]} × {shape[2]} pixels, got "
                f"{self.field}; make it larger"
            )
        if not 0 < self.path <= 1:
            raise TicError(f"path must be in (0, 1], got {self.path:g}")
        self.camera.require_steps(self.steps)

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return self.facts.name

    @property
    def facts(self) -> Facts:
        """See `Dataset.facts`."""
        known = self.of.facts
        by_motion = self.labels == "direction"
        return Facts(
            name=f"moving-{known.name}-{'directions' if by_motion else 'images'}",
            shape=(self.timesteps, 2, self.field, self.field),
            num_classes=DIRECTIONS if by_motion else known.num_classes,
            train_size=known.train_size,
            test_size=known.test_size,
            noun="recordings",
        )

    def load(
        self, split: Split, root: Path | None = None, *, download: bool = True
    ) -> EventSamples:
        """See `Dataset.load`."""
        return _recorded(self, self.of.load(split, root, download=download))

    def require(self, root: Path | None = None, *, download: bool = True) -> None:
        """See `Dataset.require`."""
        self.of.require(root, download=download)


def recording(
    dataset: MovingImages, split: Split, number: int, root: Path | None = None
) -> tuple[Events, NDArray[np.bool_]]:
    """Give one recording event by event.

    Events of one interval between two pictures are spread evenly over it.

    Args:
        dataset: The recordings.
        split: Of them.
        number: Place in the split.
        root: See `Dataset.load`.

    Returns:
        The events, and which of them the object made, (N,).
    """
    images = dataset.of.load(split, root)
    made, noise = _events(dataset, images, number // _PART)
    made, noise = made[number % _PART], noise[number % _PART].astype(np.int64)
    counts = np.stack([made, noise])  # (2, steps, 2, H, W)
    origin, step, p, y, x = (
        np.repeat(index, counts[np.nonzero(counts)]) for index in np.nonzero(counts)
    )
    totals = counts.sum((0, 2, 3, 4))
    order = np.argsort(step, kind="stable")
    place = np.concatenate([np.arange(total) for total in totals])
    share = (place + 0.5) / np.maximum(1, totals[step[order]])
    times = np.floor((step[order] + share) * STEP).astype(np.int64)
    sensor = Sensor(dataset.field, dataset.field)
    events = Events(times, x[order], y[order], p[order], sensor)
    return events, origin[order] == 0


@lru_cache(maxsize=4)
def _recorded(dataset: MovingImages, images: Samples) -> EventSamples:
    frames, objects = [], []
    for part in range(-(-len(images) // _PART)):
        made, noise = _events(dataset, images, part)
        binned = made.reshape(len(made), dataset.timesteps, dataset.steps, *made.shape[2:]).sum(2)
        shot = noise.reshape(len(made), dataset.timesteps, dataset.steps, *made.shape[2:]).sum(2)
        frames.append(torch.from_numpy((binned + shot).astype(np.float32)))
        objects.append(torch.from_numpy(binned.sum(2) > 0))
    labels = images.labels
    if dataset.labels == "direction":
        labels = torch.from_numpy(_classes(dataset, images))
    return EventSamples(dataset.facts, images.split, torch.cat(frames), labels, torch.cat(objects))


def _classes(dataset: MovingImages, images: Samples) -> NDArray[np.int64]:
    """Classes of direction, as many of each as possible and in another order than the images."""
    draws = np.random.default_rng(derive(dataset.seed, f"{images.split} classes"))
    return draws.permutation(np.arange(len(images)) % DIRECTIONS)


def _angles(dataset: MovingImages, images: Samples) -> NDArray[np.float64]:
    """Direction of every recording in radians, (N,)."""
    draws = np.random.default_rng(derive(dataset.seed, f"{images.split} directions"))
    if dataset.labels == "image":
        return draws.random(len(images)) * 2 * math.pi
    jitter = JITTER * (2 * draws.random(len(images)) - 1)
    return _classes(dataset, images) * (2 * math.pi / DIRECTIONS) + jitter


def _events(
    dataset: MovingImages, images: Samples, part: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Events that the object made, and noise, both (N', T·steps, 2, H, W), of some recordings."""
    chosen = slice(part * _PART, (part + 1) * _PART)
    shown = images.presented(images.inputs[chosen]).double().mean(1).numpy()
    movies = _moved(dataset, shown, _angles(dataset, images)[chosen])
    thresholds = dataset.camera.thresholds(
        (dataset.field, dataset.field), derive(dataset.seed, "thresholds")
    )
    made = crossings(movies, dataset.camera, thresholds)
    seed = derive(dataset.seed, f"{images.split} noise {part}")
    return made, dataset.camera.shot_noise(made.shape, dataset.steps, seed)


def _moved(
    dataset: MovingImages, images: NDArray[np.float64], angles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Movies (N, T·steps + 1, H, W) of images (N, h, w); between pixels they are interpolated."""
    pictures = dataset.timesteps * dataset.steps + 1
    along = (np.linspace(0, 1, pictures) - 0.5) * dataset.path * dataset.field
    sides = []
    for size, direction in zip(images.shape[1:], (np.sin(angles), np.cos(angles)), strict=True):
        corner = (dataset.field - size) / 2 + direction[:, None] * along
        distance = np.arange(dataset.field)[:, None] - np.arange(size)
        sides.append(np.maximum(0, 1 - np.abs(distance - corner[..., None, None])))
    rows, columns = sides
    movies: NDArray[np.float64] = rows @ images[:, None] @ columns.swapaxes(-1, -2)
    return movies.clip(0, 1)
