"""Fisher information apart into output error and tangent kernel: I_t(x) = δ_tᵀ K_t δ_t.

δ_t = p_t - e_y is the gradient of the loss at the logits of the prefix 1..t, and K_t = J_t J_tᵀ,
shape (K, K), the tangent kernel of those logits at one sample (Jacot et al. 2018), with J_t their
derivative at all weights. Since K_t is positive semi-definite, I_t ≤ ‖δ_t‖² · tr K_t. Information
can therefore be early because early prefixes are fitted worse or because they are more sensitive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tic import seeding
from tic.data import Samples, Split
from tic.losses import Readout
from tic.measure.batches import Loader
from tic.measure.fisher import (
    Estimator,
    FisherInformation,
    at_errors,
    by_layer,
    expected,
    information_centroid,
    joined,
    over_time,
)
from tic.measure.forward_pass import Pass, output_error
from tic.measure.gradient_passes import over_classes
from tic.measure.labels import LabelDraws
from tic.measure.layers import every_layer
from tic.measure.measurement import Measurement, timesteps
from tic.measure.shapes import Shape
from tic.recipe import Recipe

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TangentKernel:
    """Output error and tangent kernel of every image at every prefix.

    Attributes:
        errors: ‖δ_t‖², in [0, 2], shape (N, T), float64.
        kernel_trace: tr K_t, shape (N, T), float64.
        information: Fisher information by the estimators that follow from K_t: all but
            `batch-mean`.
    """

    errors: Array
    kernel_trace: Array
    information: dict[Estimator, FisherInformation] = field(default_factory=dict)

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
    model: nn.Module,
    loader: Loader,
    *,
    readout: Readout | str = Readout.MEAN,
    generator: torch.Generator | None = None,
) -> TangentKernel:
    """Measure δ_t and K_t of every image at every prefix 1..t, in one pass.

    With one copy of each image per class, one backward per timestep gives the derivatives of all
    logits, layer by layer, and with them Fisher information at any labels.

    Args:
        model: Maps inputs (B, …) to logits (T, B, K); measured in evaluation mode and left as it
            was found.
        loader: Batches of inputs (B, …) and labels (B,).
        readout: `mean` or `sum` of the logits over 1..t.
        generator: Seeds the labels of `sampled`, as in `fisher_information`.

    Returns:
        See `TangentKernel`; N counts the images in the loader's order.

    Raises:
        TicError: As for `fisher_information`.
    """
    draws = LabelDraws(generator)
    parts = over_classes(model, loader, readout, lambda made: _take(made, draws))
    return TangentKernel(
        errors=torch.cat([part.errors for part in parts]).cpu().numpy(),
        kernel_trace=torch.cat([part.traces for part in parts]).cpu().numpy(),
        information={
            kind: joined([(part.images, part.squares[kind]) for part in parts], kind)
            for kind in parts[0].squares
        },
    )


@dataclass(frozen=True)
class _Part:
    """What one pass gave: errors and traces (B, T), and squares (B, T) by estimator and layer."""

    images: int
    errors: Tensor
    traces: Tensor
    squares: dict[Estimator, dict[str, Tensor]]


def _take(made: Pass, draws: LabelDraws) -> _Part:
    errors, traces = [], []
    empirical, sampled, exact = [], [], []
    timesteps = len(made.prefixes)
    for t, (prefix, kernels) in enumerate(zip(made.prefixes, made.kernels(), strict=True)):
        logits = made.first_copy(prefix)
        error = output_error(logits, made.batch.labels)
        drawn = output_error(logits, draws.labels(logits, made.batch.first, t, timesteps))
        errors.append(error.square().sum(1))
        both = torch.stack((error, drawn), 1)
        traces.append(torch.stack([_trace(kernel) for kernel in kernels.values()]).sum(0))
        forms = {name: at_errors(both, kernel) for name, kernel in kernels.items()}
        empirical.append({name: form[:, 0] for name, form in forms.items()})
        sampled.append({name: form[:, 1] for name, form in forms.items()})
        exact.append({name: expected(kernel, logits) for name, kernel in kernels.items()})
    squares = {
        Estimator.EMPIRICAL: over_time(empirical),
        Estimator.SAMPLED: over_time(sampled),
        Estimator.EXACT: over_time(exact),
    }
    return _Part(len(made.batch), torch.stack(errors, 1), torch.stack(traces, 1), squares)


def _trace(kernels: Tensor) -> Tensor:
    """Trace of the kernels: (B, K, K) -> (B,)."""
    return kernels.double().diagonal(dim1=1, dim2=2).sum(1)


@dataclass(frozen=True, kw_only=True)
class TangentMeasurement(Measurement):
    """Output error and tangent kernel of every prefix, with the Fisher traces that follow."""

    name: ClassVar[str] = "tangent"
    version: ClassVar[int] = 3
    over_time: ClassVar[tuple[str, ...]] = ("errors", "kernel_trace", "by_layer")

    split: Split = "train"
    readout: Readout = Readout.MEAN
    batch_size: int = 128

    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """See `Measurement.take`.

        Gives `errors` and `kernel_trace`, means over images: (T,), and `by_layer`: for each
        estimator but `batch-mean`, {name: [I_1, …, I_T]}.
        """
        tangent = tangent_kernel(
            network,
            samples.batches(self.batch_size),
            readout=self.readout,
            generator=seeding.generator(0, "labels"),
        )
        return {
            "errors": tangent.mean_errors.tolist(),
            "kernel_trace": tangent.mean_kernel_trace.tolist(),
            "by_layer": {kind: by_layer(info) for kind, info in tangent.information.items()},
        }

    def shape(self, recipe: Recipe) -> Shape:
        """See `Measurement.shape`."""
        steps = (timesteps(self, recipe),)
        layers = every_layer(self, recipe)
        kinds = (kind for kind in Estimator if kind is not Estimator.BATCH_MEAN)
        return {
            "errors": steps,
            "kernel_trace": steps,
            "by_layer": {kind.value: layers for kind in kinds},
        }
