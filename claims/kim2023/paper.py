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

DROPS: dict[str, dict[Level, tuple[float, float, float, float]]] = {
    "svhn": {
        "low": (2.55, 0.47, 4.34, 5.16),
        "intermediate": (2.77, 0.56, 18.08, 46.17),
        "high": (3.06, 0.79, 40.52, 91.45),
    },
    "cifar10": {
        "low": (23.03, 33.93, 14.82, 17.41),
        "intermediate": (23.80, 35.01, 22.60, 33.24),
        "high": (30.86, 37.32, 38.37, 59.29),
    },
    "cifar100": {
        "low": (30.57, 16.99, 23.55, 29.52),
        "intermediate": (31.49, 17.45, 25.08, 33.43),
        "high": (32.39, 18.86, 29.59, 37.62),
    },
}
"""Losses of accuracy as Table 1 prints them in brackets: Gaussian noise, blur, FGSM, PGD."""

SAVING = 0.20
"""Share of compute saved by T_retrain = 3 (text after Fig. 7), reported without decimals."""
PRUNING_SCHEDULE = {"epochs": 300, "retrain_epochs": 60, "rounds": 5}
"""N, N_retrain and R of that text."""
TRANSITION = 80 / 300
"""Share of the training after which IC falls at T = 10: "near epoch 80" (text on Fig. 4a)."""
SATURATION = {"ResNet-19": 4, "AlexNet": 8}
"""T from which accuracy no longer grows (Discussion)."""

PLACES = (
    "Fig. 1", "Fig. 2", "Fig. 3", "Fig. 4a", "Fig. 4b", "Fig. 4c", "Fig. 4d", "Fig. 4e", "Fig. 4f",
    "Fig. 4", "Fig. 5a", "Fig. 5b", "Fig. 5c", "Table 1", "Eq. 11", "Fig. 7", "Discussion",
)  # fmt: skip
"""Where claims stand, in the order of the paper."""


def table_1_rows(dataset: str) -> tuple[str, dict[Level, Accuracies]]:
    """Return the rows for a data set, or CIFAR-10's for one that the paper did not use."""
    name = dataset if dataset in TABLE_1 else "cifar10"
    return f"Table 1, {name}", TABLE_1[name]


def slips(corruption: str) -> list[str]:
    """Compare the drops that Table 1 prints for a corruption with its own accuracies."""
    column = Accuracies._fields.index(corruption) - 1
    sentences = []
    for dataset, rows in TABLE_1.items():
        for level, row in rows.items():
            drop = round(row.clean - getattr(row, corruption), 2)
            printed = DROPS[dataset][level][column]
            if drop != printed:
                sentences.append(
                    f"Table 1 prints a drop of {printed:.2f} for {dataset}, α {level}, "
                    f"{corruption}; its accuracies give {drop:.2f}."
                )
    return sentences
