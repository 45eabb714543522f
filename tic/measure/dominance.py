"""Whether few images, one direction or the classes make the similarity of two layers.

Linear CKA weighs directions by their squared variance and images by their squared distance from
the mean, so that a few of either can make it (Nguyen et al. 2022; Davari et al. 2022). Here it is
formed again without them, and beside it stands the Procrustes similarity, in which a direction
counts by its standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tic import seeding
from tic.errors import TicError, require_known
from tic.measure.activations import device_of
from tic.measure.batches import Batch, Loader, labelled_batches
from tic.measure.gram_parts import (
    centred,
    factor,
    first_component,
    less_component,
    leverage,
    overlap,
    without_class_means,
)
from tic.measure.grams import Gram, Grams
from tic.measure.hsic import GramSums, is_rounding
from tic.memory import memory_errors_explained

Joining = Literal["joined", "mean"]
Masked = np.ma.MaskedArray[tuple[int, ...], np.dtype[np.float64]]

SHARE = 0.05
"""Of the images, which are left out."""
LEAST_IMAGES = 8
"""So that what is left of them, and of their classes, can be compared."""
_NOTHING = 1e-9
"""Share of a layer's variance that is none: ten digits of what was taken off are exact."""

_CENTRED = 1e-12
"""Share of a Gram matrix that centring leaves where a batch is one image over and over."""


@dataclass(frozen=True)
class SimilarityWithout:
    """Similarity of pairs of layers of two networks, formed again without what may dominate it.

    Arrays have the shape (L,), and are masked where it is undefined, as of a layer that is the same
    for all images. All but `procrustes` are debiased CKA.

    Attributes:
        layers: Names in the one network.
        whole: With everything, for comparison.
        images: Without a share of the images, those whose leverages in both layers have the largest
            sum; of other layers they may be others.
        component: Without the first principal component of either.
        classes: Without the means of the classes.
        procrustes: Procrustes similarity as a share of what is not there by chance: 1 where it is
            1, and 0 where it is that of the same layers with the images of one permuted; mean over
            the batches in which both layers vary.
        variances: The first component's share of the variance, of the one network and of the other,
            shape (2, L).
        count: Number of images.
    """

    layers: tuple[str, ...]
    whole: Masked
    images: Masked
    component: Masked
    classes: Masked
    procrustes: Masked
    variances: NDArray[np.float64]
    count: int


def similarity_without(
    a: nn.Module,
    b: nn.Module,
    loader: Loader,
    *,
    layers: Sequence[str] | None = None,
    other_layers: Sequence[str] | None = None,
    time: Joining = "joined",
    share: float = SHARE,
) -> SimilarityWithout:
    """Compare each layer of a network with one of another, without what may dominate.

    Images are compared with those of their batch, and HSIC is added up over the batches before CKA
    is formed. So memory does not grow with the number of images: with L pairs of layers it is that
    of a forward pass and of some Gram matrices of a batch, 8·2L·B² bytes each.

    Args:
        a: The one network, measured in evaluation mode and left as it was found.
        b: The other.
        loader: Batches of inputs and labels.
        layers: Names of submodules of `a`; see `tic.measure.activations.activations`.
        other_layers: As many of `b`, each compared with the one of `a` in its place; as `layers`
            without it.
        time: See `tic.representation_similarity`.
        share: Of the images of a batch that are left out, in (0, 1/2], rounded up.

    Raises:
        TicError: The share is out of its range, a batch has fewer than 8 images, the networks have
            unlike numbers of layers, or as `tic.representation_similarity`.
    """
    if not 0 < share <= 1 / 2:
        raise TicError(f"the share of images to leave out must be in (0, 1/2], got {share}")
    require_known("way of comparing timesteps", time, get_args(Joining))
    sides = Grams(a, layers, time), Grams(b, layers if other_layers is None else other_layers, time)
    device = device_of(a)
    with memory_errors_explained("comparing representations", device):
        looks = _Looks(share)
        for number, batch in enumerate(labelled_batches(loader, device)):
            looks.add(number, batch, _in_order(sides[0], batch), _in_order(sides[1], batch))
        return looks.result()


def _in_order(side: Grams, batch: Batch) -> dict[str, Gram]:
    """Gram matrices in the order in which layers were named; without names, in that of the pass."""
    grams = side.block(batch.inputs, None)
    return {name: grams[name] for name in side.layers or grams}


class _Looks:
    """Criteria and Procrustes similarities of pairs of layers, added up over batches."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.layers: tuple[str, ...] = ()
        self.count = self.batches = 0
        self.sums: dict[str, Tensor] = {}

    def add(self, number: int, batch: Batch, one: dict[str, Gram], other: dict[str, Gram]) -> None:
        images = len(batch.inputs)
        if images < LEAST_IMAGES:
            raise TicError(
                f"a batch must have at least {LEAST_IMAGES} images to leave some out, got "
                f"{images}; take larger batches, or leave out the last"
            )
        if len(one) != len(other) or not one:
            raise TicError(
                "each layer is compared with one of the other network, which must have as many, at "
                f"least one, got {len(one)} and {len(other)}; name them with layers="
            )
        self.layers, self.count, self.batches = tuple(one), self.count + images, self.batches + 1
        pairs = [*one.values(), *other.values()]
        blocks = torch.stack([gram.block for gram in pairs])
        grams = centred(blocks)
        rounding = torch.tensor([gram.rounding for gram in pairs]).to(grams)
        squares = torch.stack([gram.squares for gram in pairs])
        traces, before = (of.diagonal(dim1=1, dim2=2).sum(1) for of in (grams, blocks))
        constant = is_rounding(traces, squares, rounding) | (traces <= _CENTRED * before)
        self._sum("constant", constant.int())
        self._sum("traces", traces)
        size, along = first_component(grams)
        self._sum("largest", size)
        looks = {
            "whole": grams,
            "images": self._without_images(grams),
            "component": less_component(grams, size, along),
            "classes": without_class_means(grams, batch.labels),
        }
        for look, seen in looks.items():
            self._sum(look, _criteria(seen, rounding))
            self._sum(f"{look}, variance", seen.diagonal(dim1=1, dim2=2).sum(1))
        # A batch in which a layer does not vary has nothing of it that could be rotated to another.
        compared = ~constant.view(2, -1).any(0)
        flat = torch.eye(images).to(grams)
        mine, theirs = factor(torch.where(constant[:, None, None], flat, grams)).chunk(2)
        draws = seeding.generator(number, "order of the images")
        order = torch.randperm(images, generator=draws).to(grams.device)
        self._sum("compared", compared.int())
        self._sum("procrustes", overlap(mine, theirs) * compared)
        self._sum("by chance", overlap(mine, theirs[:, order]) * compared)

    def _without_images(self, grams: Tensor) -> Tensor:
        both = sum(leverage(grams).nan_to_num().chunk(2))
        assert isinstance(both, Tensor)
        kept = both.shape[1] - int(np.ceil(self.share * both.shape[1]))
        places = both.argsort(dim=1, stable=True)[:, :kept].repeat(2, 1)
        rows = grams.gather(1, places[:, :, None].expand(-1, -1, grams.shape[2]))
        return rows.gather(2, places[:, None, :].expand(-1, kept, -1))

    def _sum(self, name: str, values: Tensor) -> None:
        self.sums[name] = self.sums[name] + values if name in self.sums else values

    def result(self) -> SimilarityWithout:
        sums = self.sums
        # The same for all images in each of the batches.
        undefined = (sums["constant"] == self.batches).view(2, -1).any(0)
        compared = sums["compared"]
        chance = sums["by chance"] / compared.clamp(min=1)
        beyond = 1 - chance
        above = (sums["procrustes"] / compared.clamp(min=1) - chance) / beyond.where(
            beyond > 0, 1.0
        )
        shares = sums["largest"] / sums["traces"].where(sums["traces"] > 0, 1.0)
        return SimilarityWithout(
            layers=self.layers,
            whole=self._aligned("whole", undefined),
            images=self._aligned("images", undefined),
            component=self._aligned("component", undefined),
            classes=self._aligned("classes", undefined),
            procrustes=_masked(above, undefined | (compared == 0) | (beyond <= 0)),
            variances=shares.view(2, -1).cpu().numpy(),
            count=self.count,
        )

    def _aligned(self, look: str, undefined: Tensor) -> Masked:
        between, one, other = self.sums[look]
        left = self.sums[f"{look}, variance"] / self.sums["traces"]
        masked = undefined | ~(left > _NOTHING).view(2, -1).all(0) | (one <= 0) | (other <= 0)
        return _masked(between / (one * other).where(~masked, 1.0).sqrt(), masked)


def _criteria(grams: Tensor, rounding: Tensor) -> Tensor:
    """Debiased HSIC of each pair and of both with themselves, shape (3, L)."""
    sums = GramSums(len(grams), grams.shape[1], grams.device)
    sums.add(grams.clone(), 0, 0)
    criteria, count = sums.criteria(), len(grams) // 2
    between = criteria.debiased[:count, count:].diagonal()
    return torch.stack([between, *criteria.own(rounding).chunk(2)])


def _masked(values: Tensor, mask: Tensor) -> Masked:
    return np.ma.MaskedArray(values.cpu().numpy(), mask=mask.cpu().numpy())
