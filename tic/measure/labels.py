"""Labels drawn from a network's own answers, as the definition of Fisher information has them."""

from __future__ import annotations

import torch
from torch import Tensor

from tic.errors import TicError
from tic.measure.readouts import require_one_length
from tic.models.logits import described


class LabelDraws:
    """Draws of one label per sample and timestep, which belong to the sample's place in the loader.

    However a batch is split, by its loader or for want of memory, a sample keeps its draws.

    Args:
        generator: Gives the seed; a fresh one with seed 0 without it.

    Raises:
        TicError: It is no generator.
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        if not isinstance(generator, torch.Generator | None):
            raise TicError(
                f"generator must be a torch.Generator, got {described(generator)}; "
                f"torch.Generator().manual_seed(3) makes one from a seed"
            )
        seeds = generator or torch.Generator().manual_seed(0)
        # Devices fill tensors in an order of their own; the CPU's is that of the samples.
        seed = int(torch.randint(2**62, (), generator=seeds, device=seeds.device))
        self._generator = torch.Generator().manual_seed(seed)
        self._uniform = torch.empty(0, 0, dtype=torch.float64)

    def labels(self, logits: Tensor, first: int, t: int, timesteps: int) -> Tensor:
        """Draw a label per sample from the softmax of its logits.

        Args:
            logits: Of the prefix, shape (B, K).
            first: Place of the first of these samples in the loader.
            t: Index of the prefix.
            timesteps: Number of prefixes T.

        Returns:
            Shape (B,), int64.

        Raises:
            TicError: There were other numbers of prefixes before.
        """
        if len(self._uniform):
            require_one_length((self._uniform.shape[1], timesteps))
        lacking = first + len(logits) - len(self._uniform)
        if lacking > 0:
            drawn = torch.rand(lacking, timesteps, dtype=torch.float64, generator=self._generator)
            self._uniform = torch.cat([self._uniform.view(-1, timesteps), drawn])
        shares = self._uniform[first : first + len(logits), t].to(logits.device)
        cumulated = logits.detach().double().softmax(1).cumsum(1)
        # The last may be off 1 by rounding, and what lies beyond it is no class.
        reached = shares[:, None] * cumulated[:, -1:]
        return torch.searchsorted(cumulated, reached, right=True).squeeze(1)
