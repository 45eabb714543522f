"""Comparing the rules of layers with autograd, which knows no rule and is never wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from tic.errors import TicError
from tic.measure.gradients import Gradients

_TOLERANCES = {torch.float64: (1e-6, 1e-24), torch.float32: (1e-2, 1e-12)}
_HALF_TOLERANCE = (0.2, 1e-5)
"""By what share squared norms may differ, and what share of the whole network's is rounding."""

_WELL_REACHED = 1e-3
"""Share of a layer's largest squared norm from which a sample tells something about the layer."""


@dataclass(frozen=True)
class Comparison:
    """How rules fared beside autograd; layers that no sample gave a gradient are in neither.

    Attributes:
        agreed: Layers whose norms are autograd's.
        differed: What was found of the others, by layer.
    """

    agreed: Collection[str]
    differed: Mapping[str, str]


def compare_with_autograd(
    gradients: Gradients, logits: Tensor, names: Collection[str]
) -> Comparison:
    """Compare the norms of layers with autograd's, each at a sample that reaches it.

    That finds what no rule can know: a weight used outside its layer's call, a layer that does
    more than its kind, an output that was put elsewhere, another order of time and batch.

    Args:
        gradients: Of a forward.
        logits: Read-outs (C·B, K) of that forward.
        names: Layers with a rule.

    Raises:
        TicError: A gradient is not finite.
    """
    size = gradients.copies * gradients.batch
    unread = [name for name in names if not gradients.captures[name].is_readable(size)]
    if unread:
        return Comparison((), dict.fromkeys(unread, f"it is not called on {size} samples at once"))
    first, weights = logits[: gradients.batch], any_weighting(gradients.batch, logits)
    ours = gradients.per_sample(logits, weights)
    if not all(squares.isfinite().all() for squares in ours.values()):
        raise TicError(
            "gradients must be finite, got NaN or infinity; look for such numbers in the weights, "
            "and for square roots and logarithms of 0 in the network"
        )
    silent = [name for name in names if not ours[name].any()]
    whole = gradients.squares(first, weights, silent) if silent else {}
    differed = {
        name: _difference(square, 0)
        for name, square in whole.items()
        if square > _vanishing(gradients, name)
    }
    agreed: list[str] = []
    waiting = [name for name in names if name not in silent]
    while waiting:
        shares = torch.stack([ours[name] / ours[name].max() for name in waiting])
        sample = int((shares > _WELL_REACHED).sum(0).argmax())
        reached = [
            n for n, share in zip(waiting, shares[:, sample], strict=True) if share > _WELL_REACHED
        ]
        theirs = gradients.squares(first[sample], weights[sample], reached)
        share, rounding = _tolerance(gradients)
        noise = rounding * sum(float(squares[sample]) for squares in ours.values())
        for name in reached:
            expected, got = float(theirs[name]), float(ours[name][sample])
            if abs(expected - got) > share * expected + noise:
                differed[name] = _difference(expected, got)
            else:
                agreed.append(name)
        waiting = [name for name in waiting if name not in reached]
    return Comparison(agreed, differed)


def _difference(expected: float | Tensor, got: float) -> str:
    return f"a squared gradient is {float(expected):.6g} by autograd and {got:.6g} by its rule"


def _vanishing(gradients: Gradients, name: str) -> float:
    """Squared norm of a layer up to which each weight's square is 0 for a rule.

    It is computed in the precision of the outputs, single at least; autograd's squares are double.
    """
    outlets = [outlet for captured in gradients.captures.values() for outlet in captured.outlets]
    computed_in = {torch.promote_types(outlet.precision, torch.float32) for outlet in outlets}
    smallest = max(torch.finfo(precision).tiny for precision in computed_in)
    return smallest * sum(parameter.numel() for parameter in gradients.layers.parameters(name))


def _tolerance(gradients: Gradients) -> tuple[float, float]:
    """Of the lowest precision that any layer gave its output in."""
    outlets = [outlet for captured in gradients.captures.values() for outlet in captured.outlets]
    return max(_TOLERANCES.get(outlet.precision, _HALF_TOLERANCE) for outlet in outlets)


def any_weighting(batch: int, logits: Tensor) -> Tensor:
    """A weighting (B, K) of the logits that no network was made for, the same for all samples."""
    draws = torch.Generator().manual_seed(0)
    return torch.randn(logits.shape[1], generator=draws).to(logits).expand(batch, -1)
