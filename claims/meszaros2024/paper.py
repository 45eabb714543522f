"""What the paper reports, with its place: the one file to fill in for whoever has the paper.

Read were the abstract, the legend of Fig. 3, the abstract of the preprint's first version, and the
release (github.com/mbalazs98/spatiotemporal, its first and its last commits). The body of the paper
was not read, so that what it reports is `Unknown` until somebody who has it writes the number into
`REPORTED`, and the place into the source of its claim.
"""

from __future__ import annotations

from tic.audit import Paper, Unknown

PAPER = Paper(
    key="meszaros2024",
    title=(
        "Learning delays through gradients and structure: emergence of spatiotemporal patterns in "
        "spiking neural networks"
    ),
    authors="Balázs Mészáros, James C. Knight, Thomas Nowotny",
    venue="Frontiers in Computational Neuroscience",
    year=2024,
    url="https://arxiv.org/abs/2407.18917",
)

ABSTRACT, FIGURE, PREPRINT, RELEASE = "Abstract", "Fig. 3", "Preprint", "Release"
PLACES = (ABSTRACT, FIGURE, PREPRINT, RELEASE)
"""Where claims stand; `Preprint` is the abstract of arXiv v1, and `Release` the code."""

UNREAD = Unknown(why="the body of the paper was not read")
REPORTED: dict[str, float | Unknown] = {
    "accuracy, dense, learned delays": UNREAD,
    "accuracy, static, fixed delays": UNREAD,
    "accuracy, static, learned delays": UNREAD,
    "accuracy, dynamic, fixed delays": UNREAD,
    "accuracy, dynamic, learned delays": UNREAD,
    "grouping, dense": UNREAD,
    "grouping, dynamic": UNREAD,
    "grouping under Dale's principle": UNREAD,
}
"""By what it is: a number of the paper, in the unit of the claim that shows it."""
