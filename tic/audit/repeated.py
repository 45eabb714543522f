"""Trainings that are there twice: seeds of one Recipe that gave the very same weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tic.audit.judge import Judge
from tic.audit.runs import SeedRuns

Seeds = tuple[int, ...]


def leave_repetitions_open(
    judge: Judge, runs: Mapping[str, SeedRuns], *, planted: bool = False
) -> None:
    """Leave a claim open whose seeds are one training under several names, and say so.

    They are told by the digest of their final weights: numbers may be equal by chance, and may
    differ for copies.

    Args:
        judge: Has judged the claim.
        runs: As the claim's test saw them, by role.
        planted: The Runs were falsified on purpose. Copies must give the test equal numbers then;
            where they do not, it takes them from elsewhere, which its verdict is to show.
    """
    copies: dict[Seeds, int] = {}
    for of_role in runs.values():
        for seeds in _copies(of_role):
            copies[seeds] = copies.get(seeds, 0) + 1
    for seeds, count in copies.items():
        if not planted or _are_equal(judge, seeds):
            judge.leave_open(
                f"seeds {', '.join(map(str, seeds))} have the same weights in {count} of "
                f"{len(runs)} trainings: they are one seed that is counted several times"
            )


def _copies(runs: SeedRuns) -> Iterator[Seeds]:
    by_weights: dict[str, list[int]] = {}
    for seed, weights in zip(runs.seeds, runs.weights(), strict=True):
        if weights is not None:
            by_weights.setdefault(weights, []).append(seed)
    yield from (tuple(seeds) for seeds in by_weights.values() if len(seeds) > 1)


def _are_equal(judge: Judge, seeds: Seeds) -> bool:
    """Whether the effects of some seeds are the same in every contrast."""
    return all(
        len({effect for effect, seed in zip(c.effects, c.seeds, strict=True) if seed in seeds}) == 1
        for c in judge.contrasts
        if c.seeds
    )
