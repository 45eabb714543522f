"""What an audit may spend, and which claim it is spent on first."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tic.document.evidence import Contrast
from tic.document.needed_seeds import likely_range, middle
from tic.engine.plan import seconds_per_presentation, work
from tic.errors import TicError
from tic.lab import Lab
from tic.recipe import Recipe
from tic.session.planned import PlannedEntry
from tic.stats.looks import LOOKS, next_look
from tic.text import quoted

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_MOST_TRAININGS = 10_000_000
_MOST_SECONDS = 366 * 86400
_LEAST = 1e-3
"""Of what measurements cost per seed: what others measured before costs next to nothing."""
_UNTIMED = 1e-4
"""Seconds per presentation of a network that cannot be timed."""
_FORM = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?(s|min|h|d|trainings?)?", re.ASCII)

RIVAL = 1 / 4
"""Worth of a verdict on a rival of a SUPPORTED claim, where one on a claim is 1."""
IDLE_RIVAL = 1 / 16
"""Of one on any other rival, which has nothing to explain yet."""
MEASURING = 0.5
"""What measuring a Run for one claim is taken to cost beside training it, as long as Runs are
missing, without which its test does not tell what it measures."""
_FORESIGHT = 6
"""Looks ahead that are weighed; what none of them decides can wait."""
_NO_CHANCE = 1e-9
_UNFINISHED = 1e-6
"""Of the worth of a look for which too little is left."""
UNKNOWN = LOOKS[1]
"""Seeds that a claim is taken to need before anything is known of it."""


@dataclass(frozen=True)
class Budget:
    """What this run may spend, seconds or trainings. What the Store has costs nothing.

    Attributes:
        text: As it was asked for.
        seconds: From its beginning on, trainings and measurements are begun.
        trainings: So many are begun.
    """

    text: str
    seconds: float | None = None
    trainings: int | None = None


@dataclass(frozen=True)
class Share:
    """What a claim has in the trainings that it wants.

    Attributes:
        seeds: Number of seeds that it wants.
        worth: What a verdict on it is worth, times the chance that there will be one by then.
    """

    seeds: int
    worth: float


def read_budget(text: str) -> Budget:
    """Read a budget: a duration, such as `15min` or `1.5h`, or a number of trainings.

    Raises:
        TicError: It is neither, or out of range.
    """
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise TicError(
            "--budget must be a duration in s, min, h or d, such as 15min, or a number of "
            f"trainings, such as 300, got {quoted(text)}"
        )
    amount, unit = Fraction(form[1]), form[2] or "trainings"
    if unit.startswith("training"):
        if amount.denominator != 1 or not 1 <= amount <= _MOST_TRAININGS:
            raise TicError(
                f"--budget must be a whole number of trainings from 1 to {_MOST_TRAININGS:,}, or "
                f"a duration with its unit, such as 15min, got {quoted(text)}"
            )
        noun = "training" if amount == 1 else "trainings"
        return Budget(f"{amount} {noun}", trainings=int(amount))
    seconds = amount * _UNITS[unit]
    if not 1 <= seconds <= _MOST_SECONDS:
        raise TicError(f"--budget must last from 1 s to 366 d, got {quoted(text)}")
    return Budget(f"{form[1]} {unit}", seconds=float(seconds))


def wanted_seeds(n_seeds: int, contrasts: Collection[Contrast] = ()) -> int:
    """How many seeds will probably decide a claim that has no pilot, at its next look at the least.

    Args:
        n_seeds: Seeds of its last look; 0 before the first.
        contrasts: The contrasts of that look.
    """
    return max(_likely_seeds(n_seeds, contrasts), next_look(n_seeds) or n_seeds + 1)


def worth(entry: PlannedEntry, supported: Collection[str]) -> float:
    """What a verdict is worth, where these claims were SUPPORTED."""
    if entry.role != "rival":
        return 1.0
    return RIVAL if any(claim in supported for claim in entry.threatens) else IDLE_RIVAL


@dataclass(frozen=True)
class Rest:
    """What is left of a budget: of cost, in any unit, and of trainings."""

    cost: float = math.inf
    trainings: float = math.inf


@dataclass(frozen=True)
class Bill:
    """What further seeds of a claim cost.

    Attributes:
        judged: Seeds of its last look; 0 before the first.
        missing: Of each training that it rests on, ancestors among them, the numbers of the seeds
            that the Store lacks, counted from 1 and ascending.
        costs: Of one such training each, in any unit.
        measuring: Cost of its measurements per seed in the same unit.
    """

    judged: int
    missing: Sequence[Sequence[int]]
    costs: Sequence[float]
    measuring: float

    def trainings(self, seeds: int) -> int:
        """How many trainings are missing for so many seeds."""
        return sum(bisect_right(numbers, seeds) for numbers in self.missing)

    def price(self, seeds: int) -> float:
        """What so many seeds still cost."""
        return self._measured(seeds) + sum(
            cost * bisect_right(numbers, seeds)
            for cost, numbers in zip(self.costs, self.missing, strict=True)
        )

    def shared(self, share: Share, others: Sequence[Collection[Share]]) -> float:
        """What its seeds cost where each training is paid by the claims that it decides.

        Args:
            share: The share of the claim that pays.
            others: Shares of all open claims that want each training, this one among them.
        """
        return self._measured(share.seeds) + sum(
            cost * paid_for(share, wanting, numbers[: bisect_right(numbers, share.seeds)])
            for cost, numbers, wanting in zip(self.costs, self.missing, others, strict=True)
        )

    def _measured(self, seeds: int) -> float:
        return max(self.measuring, _LEAST) * (seeds - self.judged)


def looks_ahead(judged: int, chances: Mapping[int, float]) -> list[int]:
    """Numbers of seeds that are weighed for a claim, ascending.

    Args:
        judged: Seeds of its last look; 0 before the first.
        chances: By number of seeds the chance that it is decided by then.
    """
    return [look for look in sorted(chances) if look > judged][:_FORESIGHT]


def best_share(value: float, chances: Mapping[int, float], bill: Bill, rest: Rest) -> Share:
    """Return what a claim has in trainings up to the look that is worth most for its price.

    A look that what is left of the budget does not pay for would be left unfinished, and comes
    after all that it pays for.

    Args:
        value: What a verdict is worth; see `worth`.
        chances: By number of seeds the chance that the claim is decided by then.
        bill: What a number of seeds still costs.
        rest: What is left of the budget.
    """
    best, most = Share(0, 0.0), -math.inf
    for look in looks_ahead(bill.judged, chances):
        cost = bill.price(look)
        fits = cost <= rest.cost and bill.trainings(look) <= rest.trainings
        share = Share(look, value * max(chances[look], _NO_CHANCE) * (1 if fits else _UNFINISHED))
        if share.worth / cost > most:
            best, most = share, share.worth / cost
    return best


def paid_for(share: Share, others: Collection[Share], missing: Collection[int]) -> float:
    """How many trainings a claim pays, of those that are missing.

    Each is paid by the claims that want it and that its seeds will decide, as they are worth;
    whoever needs more seeds than this claim will be as open after them as before.

    Args:
        share: The share of the claim that pays.
        others: Shares of all open claims that want the Recipe, this one among them.
        missing: Numbers of the Recipe's missing seeds, counted from 1.
    """
    paid, before = 0.0, 0
    decided = [other for other in others if other.seeds <= share.seeds]
    for last in sorted({share.seeds, *(other.seeds for other in decided)}):
        paying = sum(other.worth for other in decided if other.seeds >= last)
        count = sum(before < number <= last for number in missing)
        paid += count * share.worth / max(paying, share.worth)
        before = last
    return paid


def measuring_foreseen(entry: PlannedEntry, cost: Callable[[Recipe], float]) -> float:
    """What measuring a seed of a claim is taken to cost before its test tells."""
    return sum(cost(recipe) * _measuring(recipe, entry) for recipe in entry.recipes.values())


def _likely_seeds(n_seeds: int, contrasts: Collection[Contrast]) -> int:
    if n_seeds == 0:
        return UNKNOWN
    seeds = likely_range(contrasts)
    return LOOKS[-1] if seeds is None else middle(seeds)


def _measuring(recipe: Recipe, entry: PlannedEntry) -> float:
    """What measuring a Run costs, in trainings of it."""
    attacks = entry.attacked(recipe).work / work(recipe) if entry.claim.attacked else 0.0
    return MEASURING + attacks


def timed(recipe: Recipe, lab: Lab) -> float:
    """Seconds that a training takes, from steps timed here; each kind of them is timed once."""
    try:
        return work(recipe) * seconds_per_presentation(recipe, lab)
    except Exception:  # whatever is wrong with it, its training tells
        return work(recipe) * _UNTIMED
