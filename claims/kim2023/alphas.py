"""What all claims about the α loss tell of it."""

from __future__ import annotations

from claims.kim2023.recipes import alpha_levels
from claims.kim2023.runs import KimRuns
from tic.audit.judge import Judge


def note_alphas(dataset: str, runs: dict[str, KimRuns], judge: Judge) -> None:
    """Tell which α were used and which losses they reached."""
    for level, alpha in alpha_levels(dataset).items():
        reached = runs[level].final_losses().mean()
        judge.note(
            f"α {level} = {alpha:g}; mean training loss L_t in the last epoch {reached:.3g}."
        )
