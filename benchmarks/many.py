"""A claim that takes ten thousand Runs, for the rows of a large Store.

It is collected by naming this file, with `--seeds 1000`; its trainings are as small as any can be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from tic import audit
from tic.data import Digits

ROLES = 10
SEEDS = 1000
"""With as many the claim takes 10,000 Runs."""


class Line(nn.Module):
    """One linear map of the pixels; T = 1."""

    def __init__(self, facts: audit.Facts) -> None:
        super().__init__()
        channels, height, width = facts.shape
        self.readout = nn.Linear(channels * height * width, facts.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, C, H, W) to logits (1, B, K)."""
        logits: Tensor = self.readout(images.flatten(1))
        return logits[None]


@dataclass(frozen=True)
class Linear(audit.Architecture):
    """The smallest network there is."""

    def build(self, facts: audit.Facts, timesteps: int) -> Line:
        """See `Architecture.build`."""
        return Line(facts)


RECIPE = audit.Recipe(
    dataset=Digits(), architecture=Linear(), timesteps=1, train_size=20, epochs=1, batch_size=10
)
SETTING = audit.Setting(RECIPE, seeds=(0, 1), sizes={"test": 20})
PACK = audit.Pack(
    audit.Paper(key="many2026", title="Many", authors="N. N.", year=2026, venue="None",
                url="https://example.org"),
    {"many": SETTING}, original="many", default="many",
)  # fmt: skip


def trainings(setting: audit.Setting) -> dict[str, audit.Recipe]:
    """Ten trainings that differ in nothing but their numbers."""
    return {str(number): setting.recipe.but(twin=number) for number in range(ROLES)}


@audit.claim(
    PACK, "learns", source="Nowhere", needs=trainings,
    says="A linear map of the pixels tells digits better than guessing.",
    rule="Mean accuracy of ten trainings minus that of guessing above 0.",
    controls=(audit.UNTRAINED,),
)  # fmt: skip
def test_learns(runs: dict[str, audit.SeedRuns], judge: audit.Judge) -> None:
    every = [of_role.accuracy() - of_role.chance for of_role in runs.values()]
    judge(np.mean(every, axis=0), audit.above(0), name="accuracy beyond guessing", unit="pp")
