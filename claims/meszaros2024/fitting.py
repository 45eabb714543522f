"""The release's optimiser and loss, as kinds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tic.audit import Fit, Fitting, Loss, TicError
from tic.models import DelayedLinear

SLOWER, SLOWEST = 25.0, 1e4
"""The first rate of OneCycle is so many times below its largest, the last below its first."""
RISE = 0.3
"""Share of the epochs in which it rises."""
BETAS = (0.85, 0.95)
"""First moment's decay at the largest rate and at the ends, as PyTorch's OneCycle has it."""


def one_cycle(epoch: int, epochs: int) -> tuple[float, float]:
    """Place in OneCycle: what the largest rate is multiplied by, and the first moment's decay.

    Args:
        epoch: Finished epochs.
        epochs: Of the training.
    """
    top = RISE * epochs - 1  # never a whole number below 1, so never 0
    first, last = 1 / SLOWER, 1 / (SLOWER * SLOWEST)
    low, high = BETAS
    if epoch <= top:
        share = epoch / top
        return _eased(first, 1.0, share), _eased(high, low, share)
    share = (epoch - top) / (epochs - 1 - top)
    return _eased(1.0, last, share), _eased(low, high, share)


def _eased(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


@dataclass(frozen=True)
class DelayAdam(Fitting):
    """Adam with two rates: OneCycle for weights, a cosine down to 0 for delays; both per epoch.

    L1 is not in the loss: l1 · sign(w) is added to the gradient of every synapse before each step,
    which is its derivative.

    Attributes:
        rate: The largest of the weights, which begin with a 25th of it.
        delay_rate: Of the delays, at the start, in timesteps per step.
        l1: Coefficient of the sum of absolute weights of all synapses.

    Raises:
        TicError: One is out of its range.
    """

    rate: float = 5e-3
    delay_rate: float = 0.1
    l1: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("rate", "delay_rate"):
            if not getattr(self, name) > 0:
                raise TicError(f"{name} must be above 0, got {getattr(self, name):g}")
        if not self.l1 >= 0:
            raise TicError(f"l1 must be at least 0, got {self.l1:g}")

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        own = DelayAdam()
        short = {"rate": "lr", "delay_rate": "delay-lr", "l1": "l1-"}
        return "-".join(
            f"{short[name]}{getattr(self, name):g}"
            for name in short
            if getattr(self, name) != getattr(own, name)
        )

    def optimiser(self, network: nn.Module) -> torch.optim.Adam:
        """See `Fitting.optimiser`."""
        delays = [p for name, p in network.named_parameters() if name.endswith("delay")]
        known = {id(delay) for delay in delays}
        weights = [p for p in network.parameters() if id(p) not in known]
        groups: list[dict[str, Any]] = [{"params": weights, "lr": self.rate / SLOWER}]
        groups += [{"params": delays, "lr": self.delay_rate}] if delays else []
        adam = torch.optim.Adam(groups)
        synapses = [m.weight for m in network.modules() if isinstance(m, DelayedLinear)]

        @torch.no_grad()
        def shrink(*_: object) -> None:
            for weight in synapses:
                assert weight.grad is not None
                weight.grad.add_(weight.sign(), alpha=self.l1)

        if self.l1:
            adam.register_step_pre_hook(shrink)
        return adam

    def before_epoch(self, fit: Fit) -> None:
        """Set the rates."""
        share, decay = one_cycle(fit.epoch, fit.epochs)
        weights, *delays = fit.optimiser.param_groups
        weights["lr"], weights["betas"] = share * self.rate, (decay, weights["betas"][1])
        for group in delays:
            group["lr"] = _eased(self.delay_rate, 0.0, fit.epoch / fit.epochs)

    def priced_as(self) -> DelayAdam:
        """See `Kind.priced_as`: rates cost nothing."""
        return DelayAdam()


@dataclass(frozen=True)
class SummedSoftmax(Loss):
    """Cross-entropy, which takes a softmax, of the sum over time of the read-outs' softmaxes.

    The network's read-outs are softmaxes already, so that its class is that of the largest sum.
    """

    @property
    def label(self) -> str:
        """See `Kind.label`."""
        return ""

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """See `Loss.__call__`."""
        return cross_entropy(logits.sum(0), labels)
