"""Similarity of the layers of two networks, those of li2023: python -m benchmarks.similarity PATH.

As a program it prints the peak memory of one path in a process of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.commands import run
from benchmarks.harness import (
    Call,
    Options,
    Row,
    Sample,
    Target,
    at_least,
    at_most,
    compare,
    paired,
)
from benchmarks.peers.alignment import ckatorch_core, gram_matrices, pairwise
from benchmarks.probe import raised_by
from claims.li2023.measuring import blocks_of, reestimate
from claims.li2023.networks import layer_names
from claims.li2023.recipes import SMOKE, pair
from tic import representation_similarity
from tic.lab import Lab
from tic.measure.similarity import RepresentationSimilarity

ROWS = 4
"""Layers of the one network that the peer is given: its cost is proportional to them."""
FEW_IMAGES = (
    "A Gram matrix has as many entries as two images have pairs: at {images} images that is about "
    "what a layer of these small networks gives out, and no less than the features that the peer "
    "keeps."
)


class Setting(NamedTuple):
    """Two networks, and what is compared.

    Attributes:
        networks: N, spiking, and A, the same with ordinary neurons.
        images: Shape (N, C, H, W).
        layers: Of both networks.
    """

    networks: tuple[nn.Module, nn.Module]
    images: Tensor
    layers: Sequence[str]


IMAGES = SMOKE.sizes["similarity"]
assert IMAGES is not None


def setting(images: int = IMAGES) -> Setting:
    """Networks of the smoke setting with weights that are the same every time, untrained."""
    lab = Lab(Path("unused"))
    one, other = (lab.fresh_network(recipe) for recipe in pair(SMOKE).values())
    shown = lab.samples(SMOKE.recipe.dataset, "test", images).inputs
    for network in (one, other):
        # Untrained neurons hardly fire without; of few images, so that no peak is reached here.
        reestimate(network, shown[:32])
    return Setting((one, other), shown, layer_names(blocks_of(one)))


def rows() -> Iterator[Row]:
    """Time and peak memory against ckatorch, and time against the floor."""
    network, timesteps = SMOKE.recipe.architecture.label, SMOKE.recipe.timesteps
    path = f"representation_similarity, {network} and its ANN, T={timesteps}, {IMAGES} digits"
    time, memory, floor = at_least(5), at_least(1), at_most(1.5)
    yield Row(
        "similarity/ckatorch", path,
        f"ckatorch: cka_base of each pair of layers ({ROWS} rows of the table)", time,
        "Both multiply features into Gram matrices; the peer does it once per pair.",
        partial(_ckatorch, time),
    )  # fmt: skip
    yield Row(
        "similarity/ckatorch-memory", path, "peak memory of ckatorch on features that are kept",
        memory, FEW_IMAGES.format(images=IMAGES), partial(_memory, memory),
    )  # fmt: skip
    yield Row(
        "similarity/floor", path, "floor: a forward pass of each network and float64 Gram matrices",
        floor,
        "Beside the products stand the sums of squares, the check for numbers that are not finite, "
        "and products of all pairs of Gram matrices.",
        partial(_floor, floor),
    )  # fmt: skip


def ours(made: Setting) -> RepresentationSimilarity:
    """Compare all layers of the two networks."""
    labels = torch.zeros(len(made.images), dtype=torch.long)
    return representation_similarity(
        *made.networks, [(made.images, labels)], layers=made.layers, other_layers=made.layers
    )


def _ckatorch(target: Target, options: Options) -> Sample:
    ckatorch_core()
    made = setting()
    theirs = partial(pairwise, made.networks, made.images, made.layers, ROWS)
    share = ROWS / len(made.layers)
    return compare(target, partial(ours, made), theirs, options, share=share)


def _floor(target: Target, options: Options) -> Sample:
    made = setting()
    theirs = partial(gram_matrices, made.networks, made.images, made.layers)
    return compare(target, partial(ours, made), theirs, options)


def _memory(target: Target, options: Options) -> Sample:
    ckatorch_core()
    pairs = [(_peak("ours"), _peak("ckatorch")) for _ in range(options.pairs or 3)]
    return paired(target, pairs, "bytes")


def _peak(path: str) -> float:
    """Bytes by which a path raises the peak of a fresh process."""
    return float(run(("-m", "benchmarks.similarity", path))[1])


def _ours_alone() -> Call:
    return partial(ours, setting())


def _ckatorch_alone() -> Call:
    ckatorch_core()
    made = setting()
    return partial(pairwise, made.networks, made.images, made.layers, ROWS)


PATHS: dict[str, Callable[[], Call]] = {"ours": _ours_alone, "ckatorch": _ckatorch_alone}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(raised_by(PATHS[sys.argv[1]]()))
