"""Masks that change while a network is trained: DEEP R and its kin, RigL and SET."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tic.errors import TicError
from tic.fitting import Fit
from tic.rewiring.layer import SparseLayer, highest
from tic.rewiring.masks import SparseTraining

FixedSigns = Literal["synapse", "presynaptic"]
Regrowth = Literal["signed", "inverted", "absolute", "random"]


@dataclass(frozen=True)
class Rewiring(SparseTraining):
    """Synapses die when their weight would change its sign; as many are born in the same layer.

    That is DEEP R (Bellec et al. 2018) with `random` regrowth, without its noise on the weights and
    with a count per layer instead of one for the network; an L1 penalty is the loss's or the
    fitting's. With `absolute` regrowth it grows as RigL does (Evci et al. 2020), but after every
    step. Since a synapse that just died may be born again, no layer ever lacks candidates.

    Attributes:
        regrowth: Which are born, by the gradient g of the loss at the weight's size, so that a
            positive g makes the weight smaller: where g is most negative (`signed`), which
            synapses live on; where it is most positive (`inverted`), which die at once; where |g|
            is largest (`absolute`); or at `random`.
        signs: What a sign belongs to, each `synapse`, with that of its first weight, or each
            `presynaptic` unit (Dale's principle), with a drawn one.
        lagging: Whether what dies stays in the network for one step more, with the small weight
            of the other sign that it died of. So long there are more weights than are counted.
    """

    regrowth: Regrowth = "signed"
    signs: FixedSigns = "synapse"
    lagging: bool = False

    @property
    def held_signs(self) -> FixedSigns:
        """See `SparseTraining.held_signs`."""
        return self.signs

    def act(self, fit: Fit, layer: SparseLayer) -> None:
        """Let synapses die and be born."""
        assert layer.signs is not None
        dying = layer.live & (layer.weight * layer.signs <= 0)
        if bool(dying.any()):
            layer.replace(dying, self._scores(layer), fit.generator)
        layer.hold(dying if self.lagging else None)

    def _scores(self, layer: SparseLayer) -> Tensor:
        assert layer.signs is not None
        match self.regrowth:
            case "signed":
                return -layer.gradient * layer.signs
            case "inverted":
                return layer.gradient * layer.signs
            case "absolute":
                return layer.gradient.abs()
        return torch.zeros_like(layer.weight)


@dataclass(frozen=True)
class RigL(SparseTraining):
    """Every few steps the smallest weights die and those of the largest |gradient| are born.

    As Evci et al. 2020, with a share that falls as a cosine, f(e) = ½ share (1 + cos(π e / n)) with
    n = until · E, in finished epochs e of E instead of steps. Other than there, rewiring comes
    after a step and not in its place, every layer has the same sparsity, and moments are kept.

    Attributes:
        share: Of the live weights that die, at first, in (0, 1].
        interval: Steps from one rewiring to the next.
        until: Share of the epochs after which the mask is held, in (0, 1].

    Raises:
        TicError: A number is out of its range.
    """

    share: float = 0.3
    interval: int = 100
    until: float = 0.75

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("share", "until"):
            if not 0 < getattr(self, name) <= 1:
                raise TicError(f"{name} must be in (0, 1], got {getattr(self, name):g}")
        if self.interval < 1:
            raise TicError(f"interval must be at least 1, got {self.interval}")

    def dying_share(self, epoch: int, epochs: int) -> float:
        """Share of the live weights that die at once, in the epoch after `epoch` finished ones."""
        if epoch >= self.until * epochs:
            return 0.0
        return self.share * (1 + math.cos(math.pi * epoch / (self.until * epochs))) / 2

    def act(self, fit: Fit, layer: SparseLayer) -> None:
        """Hold the mask, and rewire when it is time."""
        if fit.step % self.interval == 0:
            count = int(self.dying_share(fit.epoch, fit.epochs) * int(layer.live.sum()))
            if count:
                dying = highest(-layer.weight.abs(), layer.live, count, fit.generator)
                layer.replace(dying, layer.gradient.abs(), fit.generator)
        layer.hold()


@dataclass(frozen=True)
class SET(SparseTraining):
    """Before every epoch but the first the smallest weights die and as many are born at random.

    As Mocanu et al. 2018. Other than there, positive and negative weights are ranked together, the
    sparsity is the same in every layer, and weights are born at nearly 0.

    Attributes:
        share: Of the live weights that die, in (0, 1].

    Raises:
        TicError: It is out of its range.
    """

    share: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share <= 1:
            raise TicError(f"share must be in (0, 1], got {self.share:g}")

    def act(self, fit: Fit, layer: SparseLayer) -> None:
        """Hold the mask."""
        layer.hold()

    @torch.no_grad()
    def before_epoch(self, fit: Fit) -> None:
        """Rewire."""
        if not fit.epoch:
            return
        for name, weight in self.weights(fit.network).items():
            layer = self._layer(fit, name, weight)
            count = int(self.share * int(layer.live.sum()))
            dying = highest(-weight.abs(), layer.live, count, fit.generator)
            layer.replace(dying, torch.zeros_like(weight), fit.generator)
            layer.hold()
