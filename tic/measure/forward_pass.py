"""One forward over a batch, and the weight gradients of its prefixes 1..t."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor

from tic.errors import TicError
from tic.losses import Readout
from tic.measure.batches import Batch
from tic.measure.capture import AxisOrder, capture
from tic.measure.gradients import Gradients, Layers
from tic.measure.readouts import prefixes_of, readouts_of
from tic.models.logits import require_classes

Axes = dict[str, list[AxisOrder]]
"""How the input of every call of every layer is read."""


class Pass:
    """One forward over C copies of a batch, and the weight gradients of its prefixes.

    Args:
        layers: Of the network.
        batch: B samples.
        readout: `mean` or `sum` of the logits over 1..t.
        copies: Number of copies C.
        allowed_bytes: What prepared inputs of layers may take.

    Attributes:
        batch: The samples.
        logits: Of every timestep, (T, C·B, K), without their graph.
        prefixes: Logits (C·B, K) of every prefix 1..t, with their graphs, copy after copy.
        gradients: Of any weighting of those logits.

    Raises:
        TicError: The network gives no finite logits (T, B, K), they follow from no parameter, or a
            label is none of K classes.
    """

    def __init__(
        self,
        layers: Layers,
        batch: Batch,
        readout: Readout,
        copies: int = 1,
        allowed_bytes: float = 0,
    ) -> None:
        self.batch = batch
        repeated = batch.inputs.repeat(copies, *[1] * (batch.inputs.dim() - 1))
        with capture(layers.rules, allowed_bytes) as captures:
            readouts = readouts_of(layers.model, repeated)
        self.logits = torch.cat([logits.detach() for logits in readouts])
        self.prefixes = prefixes_of(readouts, readout)
        require_classes(batch.labels, self.prefixes[0].shape[1])
        if not self.prefixes[-1].requires_grad:
            raise TicError(
                "the logits must depend on a parameter that requires a gradient, and autograd sees "
                "none; look for no_grad, detach or a hard threshold on the way to them"
            )
        self.gradients = Gradients(layers, captures, len(batch), copies)

    def first_copy(self, prefix: Tensor) -> Tensor:
        """Logits (B, K) without their graph; those of the other copies are the same."""
        return prefix.detach()[: len(self.batch)]

    def kernels(self) -> Iterator[dict[str, Tensor]]:
        """Tangent kernels U J Jᵀ Uᵀ of every prefix, per layer, shape (B, K, K), float64.

        U is `logit_basis`. There must be one copy per class, or one only.
        """
        for prefix in self.prefixes:
            units = logit_basis(prefix.shape[1]).to(prefix.device)
            yield self.gradients.inner(prefix, units[:, None].expand(-1, len(self.batch), -1))

    @property
    def axes(self) -> Axes:
        """How the axes of the layers' inputs are read."""
        size, captures = len(self.prefixes[0]), self.gradients.captures
        return {name: captured.axes(size) for name, captured in captures.items()}


def output_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Gradient p - e_y of -log p(y) at the logits: (B, K), (B,) -> (B, K), float64.

    At the label it is minus the sum of the others, since 1 - p(y) would lose what is left of a
    confident answer.
    """
    rows = labels[:, None]
    others = logits.detach().double().softmax(1).scatter(1, rows, 0)
    return others.scatter(1, rows, -others.sum(1, keepdim=True))


@lru_cache(maxsize=16)
def logit_basis(classes: int) -> Tensor:
    """Orthonormal basis (K, K) of the logits whose first row is constant (Helmert), float64.

    What adds to all logits alike changes no answer, however large it is, and lies in that row.
    """
    from scipy.linalg import helmert

    return torch.from_numpy(helmert(classes, full=True))
