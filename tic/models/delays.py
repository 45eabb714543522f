"""Linear layers whose synapses have a delay each, fixed or learned.

    y_o(t) = Σ_i w_oi Σ_k κ_oi(k) x_i(t - k),    k = 0 … D timesteps,

with zeros before the recording. The kernel κ of a synapse is one tap at its rounded delay, or while
training a Gaussian around it, a dilated convolution with learnable spacings (Khalfaoui-Hassani et
al. 2023, Eq. 5; for synaptic delays Hammouamri et al. 2024):

    κ(k) = exp(-(k - d)² / 2σ²) / Σ_j exp(-(j - d)² / 2σ²).

A wide σ lets a delay feel inputs far from it; a rule narrows it, see `tic.delay_schedule`.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from tic.arrays import whole_number
from tic.errors import TicError, as_tic_error, require_known

Kernel = Literal["gaussian", "tap"]

_MOST_UNITS, _LONGEST_DELAY = 1_000_000, 10_000


class DelayedLinear(nn.Module):
    """A linear layer without bias, with one delay per synapse.

    Fresh weights are those of `nn.Linear`, delays are uniform on [0, largest_delay], from torch's
    global generator. Where `largest_delay` is 0 it computes what `nn.Linear` does, with its bits.
    An input that would arrive after the end of the recording never does: delays may be longer than
    a recording, and then carry nothing. In evaluation mode outputs do not change with a delay that
    is rounded to the same timestep, so that its gradient is 0.

    Args:
        inputs: Number of inputs I.
        outputs: Number of outputs O.
        largest_delay: D, in timesteps.
        kernel: Of the training: `gaussian`, or one `tap` as in evaluation.
        learned: Whether delays are parameters; else they are a buffer, as where D is 0.

    Attributes:
        weight: w, shape (O, I).
        delay: d, shape (O, I), in timesteps.
        width: σ of the Gaussian, in timesteps; nothing is added to it. A scalar buffer, ½ at first.

    Raises:
        TicError: A number is out of its range, or delays are to be learned through one tap, which
            has no gradient at them.
    """

    weight: Tensor
    delay: Tensor
    width: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        largest_delay: int,
        kernel: Kernel = "gaussian",
        learned: bool = True,
    ) -> None:
        super().__init__()
        with as_tic_error():
            self.inputs = whole_number(inputs, name="inputs", least=1, most=_MOST_UNITS)
            self.outputs = whole_number(outputs, name="outputs", least=1, most=_MOST_UNITS)
            self.largest_delay = whole_number(
                largest_delay, name="largest_delay", least=0, most=_LONGEST_DELAY
            )
        require_known("kernel", kernel, get_args(Kernel))
        if learned and kernel == "tap":
            raise TicError(
                "delays are learned through the kernel 'gaussian', got 'tap', which has no "
                "gradient at them; take learned=False for fixed ones"
            )
        self.kernel, self.learned = kernel, learned and self.largest_delay > 0
        drawn = nn.Linear(self.inputs, self.outputs, bias=False)
        self.weight = nn.Parameter(drawn.weight.detach())
        delay = torch.rand(self.outputs, self.inputs) * self.largest_delay
        if self.learned:
            self.delay = nn.Parameter(delay)
        else:
            self.register_buffer("delay", delay)
        self.register_buffer("width", torch.tensor(0.5))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (T, B, I) to currents (T, B, O).

        Raises:
            TicError: The inputs have another shape.
        """
        if inputs.dim() != 3 or inputs.shape[2] != self.inputs or 0 in inputs.shape[:1]:
            raise TicError(
                f"inputs of delays must have shape (T, B, I) with I={self.inputs}, got "
                f"{tuple(inputs.shape)}; put time first"
            )
        if not self.largest_delay:
            return linear(inputs, self.weight)
        kernel = self._taps() * self.weight
        if torch.is_autocast_enabled(inputs.device.type):
            inputs = inputs.to(kernel.dtype)
        with torch.autocast(inputs.device.type, enabled=False):  # sums stay in full precision
            currents: Tensor = _SumOverDelays.apply(inputs, kernel)
        return currents

    def dense_kernel(self) -> Tensor:
        """Weights times κ, as the present mode uses them, shape (O, I, D + 1)."""
        return (self._taps() * self.weight).permute(1, 2, 0)

    def whole_delays(self) -> Tensor:
        """Delays in whole timesteps (halves to even), as one tap has them; (O, I), int64."""
        return self.delay.detach().round().clamp(0, self.largest_delay).long()

    def _taps(self) -> Tensor:
        """κ of the present mode, shape (D + 1, O, I)."""
        steps = torch.arange(self.largest_delay + 1, device=self.delay.device).view(-1, 1, 1)
        if self.kernel == "tap" or not self.training:
            return (steps == self.whole_delays()).to(self.weight.dtype)
        # A softmax is the normalised Gaussian, and never divides by a sum that has vanished.
        offsets = steps.to(self.delay.dtype) - self.delay
        return (offsets.square() * (-0.5 / self.width.square())).softmax(0)

    def extra_repr(self) -> str:
        """Show what it was made with."""
        return (
            f"{self.inputs}, {self.outputs}, largest_delay={self.largest_delay}, "
            f"kernel={self.kernel!r}, learned={self.learned}"
        )


class _SumOverDelays(torch.autograd.Function):
    """Σ_k x(t - k) W_kᵀ for inputs x (T, B, I) and W (K, O, I), one matrix product per delay.

    What has the delay k in common is a slice of x, which lies in memory as it is multiplied:
    nothing is padded, unfolded or transposed. On one thread of a CPU that takes less than
    `conv1d` does.
    """

    @staticmethod
    @torch.no_grad()  # torch.export traces the body as if it stood where it is called
    def forward(ctx: Any, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Sum; shape (T, B, O)."""
        steps, batch, width = inputs.shape
        flat = inputs.reshape(-1, width)
        ctx.save_for_backward(flat, kernel)
        ctx.steps, ctx.batch = steps, batch
        sums = flat @ kernel[0].T
        for start, end, weights in _slices(ctx, kernel)[1:]:
            sums[start:].addmm_(flat[:end], weights.T)
        return sums.view(steps, batch, kernel.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_sums: Tensor) -> Any:
        """Give the gradients at inputs and kernel."""
        flat, kernel = ctx.saved_tensors
        by_sums = by_sums.reshape(len(flat), kernel.shape[1])
        by_inputs, by_kernel = None, None
        if ctx.needs_input_grad[0]:
            by_inputs = by_sums @ kernel[0]
            for start, end, weights in _slices(ctx, kernel)[1:]:
                by_inputs[:end].addmm_(by_sums[start:], weights)
            by_inputs = by_inputs.view(ctx.steps, ctx.batch, kernel.shape[2])
        if ctx.needs_input_grad[1]:
            # A product with fewer rows than columns takes less time than its transpose.
            wide = kernel.shape[1] > kernel.shape[2]
            by_kernel = kernel.new_zeros(kernel.transpose(1, 2).shape if wide else kernel.shape)
            for start, end, product in _slices(ctx, by_kernel):
                given, taken = by_sums[start:], flat[:end]
                rows, columns = (taken, given) if wide else (given, taken)
                torch.mm(rows.T, columns, out=product)
            by_kernel = by_kernel.transpose(1, 2) if wide else by_kernel
        return by_inputs, by_kernel


def _slices(ctx: Any, kernel: Tensor) -> list[tuple[int, int, Tensor]]:
    """Of every delay that a recording has: first row it reaches, end of its inputs, kernel[k]."""
    rows = ctx.steps * ctx.batch
    delays = range(min(ctx.steps, len(kernel)))
    return [(k * ctx.batch, rows - k * ctx.batch, kernel[k]) for k in delays]
