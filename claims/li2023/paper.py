"""What the paper reports, with its place: the one file to fill in for whoever has the paper.

Read were the abstract and the released code, and nothing else: no figure, table or section. What
the abstract says is claimed in its words. What it only names as a topic is claimed in the direction
that `PROVISIONAL` has, or left open where `SIGNS` has None. A number of the paper goes into
`REPORTED`, its place into `PLACES` and the source of its claim, a direction into `SIGNS`; a claim
whose direction was provisional gets another version then.

The release (github.com/Intelligent-Computing-Lab-Yale/SNNCKA, commit 4cb379a) trains one ordinary
and one spiking network on CIFAR-10 or CIFAR-100 and compares them. It holds no code for other
numbers of timesteps or leaks, for timesteps compared with each other, or for event data.
"""

from __future__ import annotations

from typing import Literal

from tic.audit import Paper, Unknown

PAPER = Paper(
    key="li2023",
    title=(
        "Uncovering the Representation of Spiking Neural Networks Trained with Surrogate Gradient"
    ),
    authors="Yuhang Li, Youngeun Kim, Hyoungseob Park, Priyadarshini Panda",
    venue="Transactions on Machine Learning Research",
    year=2023,
    url="https://openreview.net/forum?id=s9efQF3QW1",
)

ABSTRACT = "Abstract"
PLACES = (ABSTRACT,)
"""Where claims stand, in the order of the paper; figures and tables are not known."""

UNREAD = Unknown(why="the paper's text was not read")
REPORTED: dict[str, float | Unknown] = {
    "accuracy of the spiking network": UNREAD,
    "accuracy of the ordinary network": UNREAD,
    "mean similarity of spiking and ordinary network": UNREAD,
    "similarity of spiking and ordinary network, ×2": UNREAD,
    "similarity of spiking and ordinary network, ×½": UNREAD,
    "similarity of spiking and ordinary network, n = 1": UNREAD,
    "similarity of spiking and ordinary network, n = 3": UNREAD,
    "similarity with shortcuts": UNREAD,
    "similarity without shortcuts": UNREAD,
    "change over time, last third of the blocks": UNREAD,
    "accuracy without shortcuts, spiking": UNREAD,
    "accuracy without shortcuts, ordinary": UNREAD,
    "similarity of clean and attacked images, last third, spiking": UNREAD,
    "similarity of clean and attacked images, last third, ordinary": UNREAD,
}
"""By what it is: a number of the paper, in the unit of the claim that shows it."""

Sign = Literal["rises", "falls"]
Factor = Literal["timesteps", "leak"]
SIGNS: dict[Factor, Sign | None] = {"timesteps": None, "leak": None}
"""How dynamics over time and similarity change with a factor; None where it was not read."""

QUESTIONS = (
    "Do SNNs trained with surrogate gradient learn different representations from traditional "
    "Artificial Neural Networks (ANNs)? Does the time dimension in SNNs provide unique "
    "representation power?"
)
