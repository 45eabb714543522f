"""What all claims about the α loss tell of it."""

from __future__ import annotations

from claims.kim2023.recipes import alpha_levels
from tic.audit.judge import Judge
from tic.audit.runs import SeedRuns


def note_alphas(dataset: str, runs: dict[str, SeedRuns], judge: Judge) -> None:
    """Tell which α were used and which losses they reached."""
    for level, alpha in alpha_levels(dataset).items():
        reached = runs[level].final_losses().mean()
        judge.note(
            f"α {level} = {alpha:g}; mean training loss L_t in the last epoch {reached:.3g}."
        )
