"""Fisher information apart into output error and tangent kernel: I_t(x) = δ_tᵀ K_t δ_t.

δ_t = p_t - e_y is the gradient of the loss at the logits of the prefix 1..t, and K_t = J_t J_tᵀ,
shape (K, K), the tangent kernel of those logits at one sample (Jacot et al. 2018), with J_t their
derivative at all weights. Since K_t is positive semi-definite, I_t ≤ ‖δ_t‖² · tr K_t. Information
can therefore be early because early prefixes are fitted worse or because they are more sensitive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tic.losses import Readout
from tic.measure.fisher import Batch, Loader, information_centroid, output_error, over_batches

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TangentKernel:
    """Output error and tangent kernel of every image at every prefix.

    Attributes:
        errors: ‖δ_t‖², in [0, 2], shape (N, T), float64.
        kernel_trace: tr K_t, shape (N, T), float64.
    """

    errors: Array
    kernel_trace: Array

    @property
    def mean_errors(self) -> Array:
        """Mean of ‖δ_t‖² over the images, shape (T,)."""
        means: Array = self.errors.mean(0)
        return means

    @property
    def mean_kernel_trace(self) -> Array:
        """Mean of tr K_t over the images, shape (T,)."""
        means: Array = self.kernel_trace.mean(0)
        return means

    @property
    def error_centroid(self) -> float:
        """Centroid (as Eq. 7) of the mean of ‖δ_t‖², in [1, T]."""
        return information_centroid(self.mean_errors)

    @property
    def kernel_centroid(self) -> float:
        """Centroid (as Eq. 7) of the mean of tr K_t, in [1, T]."""
        return information_centroid(self.mean_kernel_trace)


def tangent_kernel(
    model: nn.Module, loader: Loader, *, readout: Readout | str = Readout.MEAN
) -> TangentKernel:
    """Measure ‖δ_t‖² and tr K_t of every image at every prefix 1..t.

    They are those of the empirical `fisher_information`, layer for layer, from the same forward;
    the trace takes K backwards per timestep.

    Args:
        model: Maps images (B, C, H, W) to logits (T, B, K); measured in evaluation mode and left
            as it was found.
        loader: Batches of images and labels (B,).
        readout: `mean` or `sum` of the logits over 1..t.

    Returns:
        See `TangentKernel`; N counts the images in the loader's order.

    Raises:
        TicError: As for `fisher_information`.
    """
    batches = over_batches(model, loader, readout, _take)
    errors, traces = (torch.cat(parts).cpu().numpy() for parts in zip(*batches, strict=True))
    return TangentKernel(errors=errors, kernel_trace=traces)


def _take(batch: Batch) -> tuple[Tensor, Tensor]:
    """‖δ_t‖² and tr K_t of a batch, each (B, T)."""
    errors = [output_error(prefix, batch.labels) for prefix in batch.prefixes]
    return (
        torch.stack([error.double().square().sum(1) for error in errors], 1),
        torch.stack([_kernel_trace(batch, prefix) for prefix in batch.prefixes], 1),
    )


def _kernel_trace(batch: Batch, prefix: Tensor) -> Tensor:
    """Σ_k ‖Jᵀ e_k‖² = tr K of every sample, shape (B,)."""
    trace = torch.zeros(len(prefix), dtype=torch.float64, device=prefix.device)
    for k in range(prefix.shape[1]):
        unit = torch.zeros_like(prefix)
        unit[:, k] = 1
        for squares in batch.gradients.per_sample(prefix, unit).values():
            trace += squares.double()
    return trace
