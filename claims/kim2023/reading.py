"""How Fisher information is read where the paper leaves it open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tic.data import Split
from tic.losses import Readout
from tic.measure.fisher import Estimator

Normalisation = Literal["raw", "per parameter", "relative"]


@dataclass(frozen=True)
class Reading:
    """One way to read Fisher information; without arguments the standard one, Eq. 6 as it stands.

    Attributes:
        estimator: Of the Fisher information.
        readout: Whose log-likelihood the Fisher information is of.
        images: That it is measured on: of the training, without augmentation; `test` images; or
            `redrawn` from the training for every t, as an epoch of it draws them.
        layers: All layers, or only the weights that every timestep repeats: convolutions and linear
            layers without the stem and without batch normalisation.
        normalisation: Of each layer's trace, before the layers are summed: as it is, divided by the
            number of its parameters, or multiplied by their squared norm. The last does not change
            when weights before a batch normalisation are scaled, which changes no output.
        coarse: Look at a quarter of the images and at few of the epochs with kept weights:
            untrained, early, middle, final and the thirds of the training.
    """

    estimator: Estimator = Estimator.EMPIRICAL
    readout: Readout = Readout.MEAN
    images: Literal["train", "test", "redrawn"] = "train"
    layers: Literal["all", "repeated"] = "all"
    normalisation: Normalisation = "raw"
    coarse: bool = False

    @property
    def split(self) -> Split:
        """Split that the images are of."""
        return "test" if self.images == "test" else "train"
