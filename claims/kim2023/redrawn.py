"""Fisher information with other images for every prefix 1..t, as the paper's release draws them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from tic.data import Augmentation, Samples
from tic.errors import TicError
from tic.losses import Readout, prefix_logits
from tic.measure.batches import Loader
from tic.measure.fisher import (
    Estimator,
    FisherInformation,
    FisherMeasurement,
    by_layer,
    fisher_information,
)
from tic.models.capabilities import timesteps_of
from tic.seeding import generator


def redrawn_information(
    model: nn.Module,
    loaders: Iterable[Loader],
    estimator: Estimator | str = Estimator.EMPIRICAL,
    *,
    readout: Readout = Readout.MEAN,
    labels: torch.Generator | None = None,
) -> FisherInformation:
    """Measure I_t on the images of the t-th loader alone, for every t.

    Where `fisher_information` takes the same images at every t, the traces here differ between
    prefixes by the choice of images as well.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K).
        loaders: One per timestep, of images and labels (B,).
        estimator: As for `fisher_information`.
        readout: `mean` or `sum` of the logits over 1..t.
        labels: Draws the labels of `sampled`; a fresh one with seed 0 for every t without it.

    Returns:
        Traces over time; `samples` counts the images of all loaders, and there is no `per_sample`.

    Raises:
        TicError: As `fisher_information`, or there are more loaders than timesteps or none.
    """
    by_prefix = [
        fisher_information(_Prefix(model, t, readout), loader, estimator, generator=labels)
        for t, loader in enumerate(loaders, start=1)
    ]
    if not by_prefix:
        raise TicError("there must be a loader for every timestep, got none")
    return FisherInformation(
        by_layer={
            name.removeprefix("model").removeprefix("."): np.concatenate(
                [information.by_layer[name] for information in by_prefix]
            )
            for name in by_prefix[0].by_layer
        },
        per_sample=None,
        estimator=by_prefix[0].estimator,
        samples=sum(information.samples for information in by_prefix),
    )


class _Prefix(nn.Module):
    """A model read out over 1..t, which stands for all of its time: (B, …) -> (1, B, K)."""

    def __init__(self, model: nn.Module, t: int, readout: Readout) -> None:
        super().__init__()
        self.model, self.t, self.readout = model, t, readout

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model(images)
        if len(logits) < self.t:
            raise TicError(
                f"there must be at most as many loaders as timesteps, got loader {self.t} for "
                f"{len(logits)} timesteps"
            )
        return prefix_logits(logits[: self.t], self.readout)[-1:]


@dataclass(frozen=True, kw_only=True)
class RedrawnFisherMeasurement(FisherMeasurement):
    """Fisher trace per layer and timestep, with other images at every timestep.

    They are drawn as an epoch of the training draws them: in a new order, augmented or not.

    Attributes:
        drawn: At most so many images per timestep; all without it.
        augmentation: What they are augmented by.
        seed: Of the draws, which differ between epochs.
    """

    name: ClassVar[str] = "fisher-redrawn"
    version: ClassVar[int] = 1

    drawn: int | None
    augmentation: Augmentation | None
    seed: int

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`; gives `by_layer`: {name: [I_1, …, I_T]}."""
        draws = generator(self.seed, f"images of epoch {self.epoch}", samples.device)
        epoch = samples.shuffled_batches(self.batch_size, draws, augmentation=self.augmentation)
        info = redrawn_information(
            network,
            # Lists, since a loader that is iterated again draws others.
            (list(_first(self.drawn or len(samples), epoch)) for _ in range(timesteps_of(network))),
            self.estimator,
            readout=self.readout,
            labels=generator(0, "labels"),
        )
        return {"by_layer": by_layer(info)}


def _first(count: int, batches: Loader) -> Iterator[tuple[Tensor, Tensor]]:
    """The first images of a loader and no more."""
    for images, labels in batches:
        yield images[:count], labels[:count]
        count -= len(labels)
        if count <= 0:
            return
