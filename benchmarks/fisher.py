"""Fisher information over time: against loops over samples and timesteps, and against its floor."""

from __future__ import annotations

import torch

from benchmarks import peers
from benchmarks.harness import Ratio, compare
from tic import models
from tic.measure.fisher import fisher_information

BATCH = 128


def ratios() -> list[Ratio]:
    """Measure the tiny network on 8×8 images."""
    return [ratio for timesteps in (5, 10) for ratio in _ratios(timesteps)]


def _ratios(timesteps: int) -> list[Ratio]:
    torch.manual_seed(0)
    model = models.build("tiny", in_channels=1, num_classes=10, timesteps=timesteps)
    stepwise = models.build("tiny", in_channels=1, num_classes=10, timesteps=timesteps)
    images, labels = torch.rand(256, 1, 8, 8), torch.randint(10, (256,))
    few_images, few_labels = images[:16], labels[:16]
    path = f"fisher_information, tiny, T={timesteps}"

    def ours() -> object:
        return fisher_information(model, zip(images.split(BATCH), labels.split(BATCH), strict=True))

    one_by_one = compare(
        path, "batch of one, a forward per timestep (256 images from 16)", ours,
        lambda: peers.fisher_one_by_one(model, few_images, few_labels),
    )  # fmt: skip
    return [
        _scaled(one_by_one, len(images) / len(few_images)),
        compare(
            path, "the release's loop (batches of 16, computes less)", ours,
            lambda: peers.fisher_of_release(model, images, labels),
        ),
        compare(
            path, "floor: one forward, T truncated backwards", ours,
            lambda: peers.fisher_floor(stepwise, images, labels, BATCH),
        ),
    ]  # fmt: skip


def _scaled(ratio: Ratio, factor: float) -> Ratio:
    """The loop's cost is proportional to the images; it is timed on fewer of them."""
    return Ratio(
        ratio.path, ratio.against, ratio.ratio * factor, ratio.low * factor, ratio.high * factor,
        ratio.seconds,
    )  # fmt: skip
