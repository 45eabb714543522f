"""Protocols: the readings of what a paper leaves open, each of which an audit can run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from tic.document.audit import STANDARD_PROTOCOL
from tic.recipe import Recipe


def _unchanged(recipe: Recipe) -> Recipe:
    return recipe


@dataclass(frozen=True)
class Protocol:
    """One reading; a field that is not given stays as in the standard one.

    Attributes:
        name: For `--protocol`, such as `summed-logits`.
        says: How it differs from the standard reading.
        release: Whether the code released with the paper does this so.
        alter: Changes the Recipes that a claim needs, and their ancestors.
        reading: What the pack's Runs know of it, of a type that the pack defines; see
            `SeedRuns.read_as`.
    """

    name: str
    says: str
    release: bool = False
    alter: Callable[[Recipe], Recipe] = _unchanged
    reading: Hashable = None

    def recipe(self, recipe: Recipe) -> Recipe:
        """Apply `alter` to a Recipe and its ancestors."""
        parent = None if recipe.parent is None else self.recipe(recipe.parent)
        return self.alter(recipe.but(parent=parent))


STANDARD = Protocol(
    STANDARD_PROTOCOL, "The reading of the paper that the notes of each claim state."
)


@dataclass(frozen=True)
class Gap:
    """Something that a paper leaves open, gets wrong, or does otherwise in its code.

    Attributes:
        text: What is open and what is done here; a note in the entries of the claims it touches.
        protocols: Other readings that could change a verdict.
    """

    text: str
    protocols: tuple[Protocol, ...] = ()
