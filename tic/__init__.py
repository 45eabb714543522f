"""Audits of scientific claims about neural networks.

Names are imported when they are first used, so that the command line starts quickly. pytest
rewrites assertions of what is installed with a plugin, and warns of what was imported before it
could, as here by the command line; nothing of this package needs that: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tic import losses, models
    from tic.measure.fisher import (
        Estimator,
        FisherInformation,
        fisher_information,
        information_centroid,
    )
    from tic.measure.similarity import RepresentationSimilarity, representation_similarity
    from tic.pruning import compute_saving
    from tic.recipe import Recipe
    from tic.stats import above, below, judge, within

_HOMES = {
    "Estimator": "tic.measure.fisher",
    "FisherInformation": "tic.measure.fisher",
    "Recipe": "tic.recipe",
    "RepresentationSimilarity": "tic.measure.similarity",
    "above": "tic.stats",
    "below": "tic.stats",
    "compute_saving": "tic.pruning",
    "fisher_information": "tic.measure.fisher",
    "information_centroid": "tic.measure.fisher",
    "judge": "tic.stats",
    "representation_similarity": "tic.measure.similarity",
    "within": "tic.stats",
}
_MODULES = ("losses", "models")

__all__ = [
    "Estimator",
    "FisherInformation",
    "Recipe",
    "RepresentationSimilarity",
    "above",
    "below",
    "compute_saving",
    "fisher_information",
    "information_centroid",
    "judge",
    "losses",
    "models",
    "representation_similarity",
    "within",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"tic.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tic' has no attribute {name!r}")
