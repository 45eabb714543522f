"""Protocols: the readings of what a paper leaves open, each of which an audit can run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tic.losses import Readout
from tic.measure.fisher import Estimator
from tic.recipe import Recipe

Normalisation = Literal["raw", "per parameter", "relative"]


def _unchanged(recipe: Recipe) -> Recipe:
    return recipe


@dataclass(frozen=True)
class Protocol:
    """One reading; a field that is not given stays as in the standard one.

    Attributes:
        name: For `--protocol`, such as `summed-logits`.
        says: How it differs from the standard reading.
        estimator: Of the Fisher information.
        readout: Whose log-likelihood the Fisher information is of.
        images: That the Fisher information is measured on: of the training, without augmentation;
            `test` images; or `redrawn` from the training for every t, as an epoch of it draws them.
        layers: All layers, or only the weights that every timestep repeats: convolutions and
            linear layers without the stem and without batch normalisation.
        normalisation: Of each layer's trace, before the layers are summed: as it is, divided by the
            number of its parameters, or multiplied by their squared norm. The last does not change
            when weights before a batch normalisation are scaled, which changes no output.
        coarse: Look at a quarter of the images and at few of the epochs with kept weights:
            untrained, early, middle, final and the thirds of the training.
        release: Whether the code released with the paper does this so.
        alter: Changes the Recipes that a claim needs, and their ancestors.
    """

    name: str
    says: str
    estimator: Estimator = Estimator.EMPIRICAL
    readout: Readout = Readout.MEAN
    images: Literal["train", "test", "redrawn"] = "train"
    layers: Literal["all", "repeated"] = "all"
    normalisation: Normalisation = "raw"
    coarse: bool = False
    release: bool = False
    alter: Callable[[Recipe], Recipe] = _unchanged

    @property
    def split(self) -> Literal["train", "test"]:
        """Split that the images for Fisher information are of."""
        return "test" if self.images == "test" else "train"

    def recipe(self, recipe: Recipe) -> Recipe:
        """Apply `alter` to a Recipe and its ancestors."""
        parent = None if recipe.parent is None else self.recipe(recipe.parent)
        return self.alter(recipe.but(parent=parent))


STANDARD = Protocol("standard", "The reading of the paper that the notes of each claim state.")


@dataclass(frozen=True)
class Gap:
    """Something that a paper leaves open, gets wrong, or does otherwise in its code.

    Attributes:
        text: What is open and what is done here; a note in the entries of the claims it touches.
        protocols: Other readings that could change a verdict.
    """

    text: str
    protocols: tuple[Protocol, ...] = ()
