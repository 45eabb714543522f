"""Square, the attack of AutoAttack that asks for no gradient, through torchattacks."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from tic import seeding
from tic.attacks.attack import Passes, check_attacked, check_count, check_share
from tic.attacks.crafting import craft
from tic.attacks.readout import MeanReadout
from tic.errors import TicError


@dataclass(frozen=True, kw_only=True)
class Square:
    """Random search with squares, which uses no gradient (Andriushchenko et al. 2020).

    Attributes:
        epsilon: Largest change of a pixel, in [0, 1].
        queries: Squares tried.
        seed: Of the squares, which are the same for all images of a batch.
    """

    epsilon: float = 8 / 255
    queries: int = 5000
    seed: int = 0

    def __post_init__(self) -> None:
        check_share("epsilon", self.epsilon)
        check_count("queries", self.queries)

    @property
    def passes(self) -> Passes:
        """See `Attack.passes`."""
        return Passes(forwards=self.queries + 3, gradients=0)

    def __call__(self, model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
        """Attack images (B, C, H, W) in [0, 1]; `batch` numbers the batch for the squares.

        Raises:
            TicError: The images have no height and width.
        """
        check_attacked(images, labels)
        if images.dim() < 4:
            raise TicError(
                f"Square draws squares, so images must have shape (B, ..., H, W) with at least 4 "
                f"axes, got {tuple(images.shape)}; use another attack"
            )
        settings = {"eps": self.epsilon, "n_queries": self.queries}
        seed = seeding.derive(self.seed, f"square/{batch}")
        return craft("Square", MeanReadout(model, labels), images, labels, seed, settings)
