"""What the paper reports, with its place: the one file to fill in for whoever has the paper.

Read were the abstract, the first page of the introduction, Fig. 1, and the release with its README
(github.com/BICLab/ASA-SNN, commit c68b2d0). Numbers in `TABLE` are the README's. What else the
paper reports is `Unknown` until somebody who has it writes the number into `REPORTED`, and the
place into the source of its claim.
"""

from __future__ import annotations

from dataclasses import dataclass

from tic.audit import Paper, Unknown

PAPER = Paper(
    key="yao2023",
    title="Inherent Redundancy in Spiking Neural Networks",
    authors=("Man Yao, Jiakui Hu, Guangshe Zhao, Yaoyuan Wang, Ziyang Zhang, Bo Xu, Guoqi Li"),
    venue="ICCV",
    year=2023,
    url="https://arxiv.org/abs/2308.08227",
)

ABSTRACT, INTRODUCTION, FIGURE, RELEASE = "Abstract", "Introduction", "Fig. 1c", "README"
PLACES = (ABSTRACT, INTRODUCTION, "Fig. 1", RELEASE)
"""Where claims stand; `README` is the release's."""


@dataclass(frozen=True)
class Row:
    """A row of the README's table.

    Attributes:
        data: What it is about.
        accuracy: Of the plain network, in percent.
        attention_accuracy: With the module.
        rate: Network average spiking firing rate of the plain network.
        attention_rate: With the module.
    """

    data: str
    accuracy: float
    attention_accuracy: float
    rate: float
    attention_rate: float


TABLE = {
    "dvs-gesture": Row("DVS128 Gesture", 91.3, 95.2, 0.176, 0.038),
    "dvs-gesture-whole": Row("Gesture by SpikingJelly", 95.5, 97.7, 0.023, 0.018),
    "gait-day": Row("Gait-day", 88.6, 93.6, 0.214, 0.045),
    "gait-night": Row("Gait-night", 96.4, 98.6, 0.197, 0.126),
    "daily-action": Row("DailyAction", 92.5, 94.6, 0.017, 0.013),
    "har-dvs": Row("HAR-DVS", 45.5, 47.1, 0.206, 0.183),
}
"""By name of the data set. The release has neither network nor reader for HAR-DVS."""

UNREAD = Unknown(why="the body of the paper was not read")
REPORTED: dict[str, float | Unknown] = {
    "firing rate with one map": UNREAD,
    "accuracy with one map": UNREAD,
    "firing rate with a random split": UNREAD,
    "accuracy with a random split": UNREAD,
    "firing rate with λ = ¼": UNREAD,
    "firing rate with λ = ¾": UNREAD,
    "energy without the module": UNREAD,
    "energy with the module": UNREAD,
    "accuracy with a rate penalty": UNREAD,
}
"""By what it is: a number of the paper, in the unit of the claim that shows it."""


def row(data: str) -> Row:
    """The row of a data set; of one that the table has not, DVS128 Gesture's."""
    return TABLE.get(data, TABLE["dvs-gesture"])
