"""Similarity of representations: linear centred kernel alignment between layers of two networks.

The estimator is the debiased one, whose minibatch form is that of Nguyen et al. (2021, Eq. 1-4).
The biased one of Kornblith et al. (2019) stands beside it, because it grows towards 1 with the
number of features per image, whatever these are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from tic.arrays import whole_number
from tic.errors import TicError, as_tic_error, require_known
from tic.measure.activations import device_of
from tic.measure.batches import Loader, labelled_batches
from tic.measure.grams import Gram, Grams, Time
from tic.measure.hsic import Criteria, GramSums, alignment, is_rounding
from tic.memory import memory_errors_explained
from tic.text import quoted

Batching = Literal["whole", "each"]
Masked = np.ma.MaskedArray[tuple[int, ...], np.dtype[np.float64]]

LEAST_IMAGES = 4
"""The debiased criterion divides by n - 3."""
TILE = 512
"""Images of which Gram matrices are held at a time."""


@dataclass(frozen=True)
class RepresentationSimilarity:
    """CKA of layers of one network (A rows) with those of another (B columns).

    Arrays have the shape (A, B) and are masked where one of the two layers is the same for all
    images, such as a layer that never fires: 0/0 is no similarity, and no number.

    Attributes:
        rows: Names of the layers of the one.
        columns: Names of the layers of the other.
        debiased: CKA with the debiased criterion: 0 on average where layers are independent; it may
            leave [0, 1].
        biased: CKA with the biased criterion, in [0, 1].
        by_chance: What the biased one is on average if the images of one network are permuted: how
            much of it is owed to few images and many features.
        images: Number of images n.
        features: Activations per image of each row and of each column, those of all timesteps
            counted where they are joined.
        undefined: Layers for which all images are the same, or each differs in a direction of its
            own, of the rows and of the columns.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    debiased: Masked
    biased: Masked
    by_chance: Masked
    images: int
    features: tuple[tuple[int, ...], tuple[int, ...]]
    undefined: tuple[tuple[str, ...], tuple[str, ...]]

    def between(self, row: str, column: str) -> float | None:
        """Debiased CKA of two layers; None where it is undefined.

        Raises:
            TicError: There is no such layer.
        """
        place = _place(self.rows, row), _place(self.columns, column)
        value = self.debiased[place]
        return None if value is np.ma.masked else float(value)

    @property
    def note(self) -> str:
        """What a reader must know of the bias, in a sentence or two."""
        if self.debiased.mask.all():
            return f"CKA over {self.images} images is undefined: no pair of layers varies."
        gap = np.ma.abs(self.biased - self.debiased)
        sentences = [
            f"Debiased CKA over {self.images} images. The biased one differs by up to "
            f"{gap.max():.2g}, by {gap.mean():.2g} on average; of layers like these with nothing "
            f"in common it would be up to {self.by_chance.max():.2g}."
        ]
        if names := sorted({*self.undefined[0], *self.undefined[1]}):
            sentences.append(
                "Undefined, images being the same or each in a direction of its own: "
                f"{', '.join(names)}."
            )
        return " ".join(sentences)


def representation_similarity(
    a: nn.Module,
    b: nn.Module,
    loader: Loader,
    *,
    layers: Sequence[str] | None = None,
    other_layers: Sequence[str] | None = None,
    other_loader: Loader | None = None,
    time: Time = "joined",
    batching: Batching = "whole",
    tile: int = TILE,
) -> RepresentationSimilarity:
    """Compare every layer of one network with every layer of another by linear CKA.

    Both may be any modules, spiking or not; they are measured in evaluation mode and left as they
    were found. Sums are float64. Features are never held, nor a matrix of features by features:
    with L layers in both networks, memory is that of a forward pass of two tiles and of
    8·L·(tile² + 2n) bytes, and n images take n/tile forward passes of each.

    Args:
        a: The one network, of the rows; called with inputs (B, …).
        b: The other, of the columns; the same one to compare its layers with each other.
        loader: Batches of inputs and labels; labels are not looked at.
        layers: Names of submodules of `a`; see `tic.measure.activations.activations`.
        other_layers: Those of `b`; as `layers` without it.
        other_loader: What `b` sees of the same images, in the same order, such as attacked ones.
        time: How timesteps are compared. `joined`: as features side by side, so that the Gram
            matrix of a layer is the sum over them. `mean`: the mean over them. `apart`: every
            timestep is a layer of its own, named as `blocks.0[t=1]`.
        batching: `whole`: all images together. `each`: HSIC is added up over the loader's batches
            before CKA is formed, in which each image is compared with those of its batch alone.
        tile: Images of which Gram matrices are held at a time; does not change the result beyond
            rounding.

    Raises:
        TicError: An argument is none of those above, there are fewer than 4 images (in a batch),
            the networks see unlike numbers of images or, with `apart`, have unlike numbers of
            timesteps, a layer does not exist, activations are not finite, or memory ran out.
    """
    require_known("way of comparing timesteps", time, get_args(Time))
    require_known("way of taking batches", batching, get_args(Batching))
    with as_tic_error():
        tile = whole_number(tile, name="tile", least=1)
    device = device_of(a)
    alone = a is b and other_loader is None and other_layers in (None, layers)
    sides = [Grams(a, layers, time)]
    if not alone:
        sides.append(Grams(b, layers if other_layers is None else other_layers, time))
    with memory_errors_explained("comparing representations", device):
        compared = _Compared(sides)
        for inputs in _inputs(loader, other_loader, alone, device, batching):
            compared.add(inputs, tile)
        return compared.result()


def _inputs(
    loader: Loader,
    other: Loader | None,
    alone: bool,
    device: torch.device,
    batching: Batching,
) -> Iterator[list[Tensor]]:
    """What each side sees of images that are compared with each other."""
    own = (batch.inputs for batch in labelled_batches(loader, device))
    if other is None:
        pairs: Iterable[list[Tensor]] = ([x] if alone else [x, x] for x in own)
    else:
        pairs = _paired(own, (batch.inputs for batch in labelled_batches(other, device)))
    if batching == "each":
        yield from pairs
    else:
        yield [torch.cat(parts) for parts in zip(*pairs, strict=True)]


def _paired(one: Iterator[Tensor], other: Iterator[Tensor]) -> Iterator[list[Tensor]]:
    while True:
        pair = next(one, None), next(other, None)
        sizes = [0 if inputs is None else len(inputs) for inputs in pair]
        if sizes[0] != sizes[1]:
            raise TicError(
                f"both networks must see the same images, in batches of one size, got {sizes[0]} "
                f"and {sizes[1]} in a batch; make both loaders of the same images"
            )
        if pair[0] is None or pair[1] is None:
            return
        yield [pair[0], pair[1]]


class _Compared:
    """Layers of one or two networks whose representations of images are compared."""

    def __init__(self, sides: list[Grams]) -> None:
        self.sides = sides
        self.images = 0
        self.names: list[list[str]] = []
        self.features: list[int] = []
        self.rounding = torch.empty(0)
        self.criteria: Criteria | None = None
        self.traces = self.squares = torch.zeros(())

    def add(self, inputs: list[Tensor], tile: int) -> None:
        """Compare images with each other: what each side sees of them."""
        count = len(inputs[0])
        if count < LEAST_IMAGES:
            raise TicError(
                f"CKA needs at least {LEAST_IMAGES} images that are compared with each other, got "
                f"{count}; take more, and with batching='each' leave out the last batch"
            )
        parts = [side.tensor_split(-(-count // tile)) for side in inputs]
        starts = np.cumsum([0, *map(len, parts[0])])
        sums: GramSums | None = None
        for i, j in combinations_with_replacement(range(len(parts[0])), 2):
            grams = self._blocks([(part[i], None if i == j else part[j]) for part in parts])
            sums = sums or GramSums(len(grams), count, grams[0].block.device)
            sums.add(torch.stack([gram.block for gram in grams]), int(starts[i]), int(starts[j]))
            if i == j:
                self.squares = self.squares + torch.stack([gram.squares for gram in grams])
        assert sums is not None
        criteria = sums.criteria()
        self.criteria = criteria if self.criteria is None else self.criteria + criteria
        self.traces = self.traces + sums.traces()
        self.images += count

    def _blocks(self, seen: list[tuple[Tensor, Tensor | None]]) -> list[Gram]:
        """One block of the Gram matrix of every layer, those of the first network first."""
        by_side = [side.block(*pair) for side, pair in zip(self.sides, seen, strict=True)]
        self.names = [list(grams) for grams in by_side]
        self._require_alike()
        grams = [gram for layers in by_side for gram in layers.values()]
        self.features = [gram.features for gram in grams]
        self.rounding = torch.tensor(
            [gram.rounding for gram in grams], device=grams[0].block.device
        )
        return grams

    def _require_alike(self) -> None:
        for side, names in zip(self.sides, self.names, strict=True):
            if not names:
                raise TicError(
                    f"{type(side.network).__name__} must have layers that give out a tensor with "
                    "an entry for every image, got none; name them with layers="
                )
        lengths = [side.timesteps for side in self.sides]
        if self.sides[0].time == "apart" and len(set(lengths)) > 1:
            raise TicError(
                f"time='apart' compares timestep by timestep and needs equal numbers of them, got "
                f"{lengths[0]} and {lengths[1]}; take time='joined'"
            )

    def result(self) -> RepresentationSimilarity:
        assert self.criteria is not None
        one = len(self.names[0])
        rows, columns = slice(one), slice(-len(self.names[-1]), None)
        own = self.criteria.own(self.rounding), self.criteria.biased.diagonal()
        constant = is_rounding(self.traces, self.squares, self.rounding)
        constant |= (own[0] <= 0) | (own[1] <= 0)
        masked = (constant[rows, None] | constant[None, columns]).cpu().numpy()
        debiased, biased, by_chance = (
            np.ma.MaskedArray(
                alignment(criterion, scale.where(~constant, 1.0))[rows, columns].cpu().numpy(),
                mask=masked,
            )
            for criterion, scale in zip(
                (self.criteria.debiased, self.criteria.biased, self.criteria.by_chance),
                (own[0], own[1], own[1]),
                strict=True,
            )
        )
        names = self.names[0], self.names[-1]
        silent = [
            tuple(name for name, same in zip(part, constant[place].tolist(), strict=True) if same)
            for part, place in zip(names, (rows, columns), strict=True)
        ]
        return RepresentationSimilarity(
            rows=tuple(names[0]),
            columns=tuple(names[1]),
            debiased=debiased,
            biased=biased,
            by_chance=by_chance,
            images=self.images,
            features=(tuple(self.features[rows]), tuple(self.features[columns])),
            undefined=(silent[0], silent[1]),
        )


def _place(names: tuple[str, ...], name: str) -> int:
    if name not in names:
        raise TicError(f"there is no layer {quoted(name)} among those compared: {quoted(names)}")
    return names.index(name)
