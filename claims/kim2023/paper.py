"""What the paper reports, with its place; every number beside ours comes from here."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tic.audit import Paper

PAPER = Paper(
    key="kim2023",
    title="Exploring Temporal Information Dynamics in Spiking Neural Networks",
    authors=(
        "Youngeun Kim, Yuhang Li, Hyoungseob Park, Yeshwanth Venkatesha, Anna Hambitzer, "
        "Priyadarshini Panda"
    ),
    venue="AAAI Conference on Artificial Intelligence",
    year=2023,
    url="https://github.com/Intelligent-Computing-Lab-Yale/Exploring-Temporal-Information-Dynamics-in-Spiking-Neural-Networks",
)

Level = Literal["low", "intermediate", "high"]
LEVELS: tuple[Level, ...] = ("low", "intermediate", "high")


class Accuracies(NamedTuple):
    """One row of Table 1, in percent."""

    clean: float
    gaussian: float
    blur: float
    fgsm: float
    pgd: float


TABLE_1: dict[str, dict[Level, Accuracies]] = {
    "svhn": {
        "low": Accuracies(96.03, 93.48, 95.56, 91.69, 90.87),
        "intermediate": Accuracies(96.01, 93.24, 95.56, 77.93, 49.84),
        "high": Accuracies(95.91, 92.85, 95.12, 55.39, 4.46),
    },
    "cifar10": {
        "low": Accuracies(92.04, 69.01, 58.11, 77.22, 74.63),
        "intermediate": Accuracies(91.89, 68.09, 56.88, 69.29, 58.65),
        "high": Accuracies(91.87, 61.01, 54.55, 53.50, 32.58),
    },
    "cifar100": {
        "low": Accuracies(68.17, 37.60, 51.18, 44.62, 38.64),
        "intermediate": Accuracies(68.47, 36.98, 51.02, 43.39, 35.03),
        "high": Accuracies(67.95, 35.56, 49.09, 38.36, 30.33),
    },
}

SAVING = 0.20
"""Share of compute saved by T_retrain = 3 (text after Fig. 7), reported without decimals."""


def table_1_rows(dataset: str) -> tuple[str, dict[Level, Accuracies]]:
    """Return the rows for a data set, or CIFAR-10's for one that the paper did not use."""
    name = dataset if dataset in TABLE_1 else "cifar10"
    return f"Table 1, {name}", TABLE_1[name]
