"""One kind of fault, and what came of trying it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.bench import Bench

MOST_SHOWN = 5


@dataclass
class Trials:
    """What was tried of a fault.

    Attributes:
        what: In words.
        times: How often.
        lost: A sentence for everything that was lost.
        untried: What could not be tried here, and why.
    """

    what: str
    times: int = 0
    lost: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)

    def add(self, lost: list[str], trial: str = "") -> None:
        """Count a trial and what it lost."""
        self.times += 1
        self.lost += [f"{trial}: {each}" if trial else each for each in lost]

    def skip(self, what: str, why: str) -> None:
        """Note what could not be tried."""
        self.untried.append(f"{what} not tried: {why}")


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: On the command line.
        tried: Tries it on a bench.
        own: Whether it needs the claims of the bench, and so cannot be tried on the example pack.
    """

    name: str
    tried: Callable[[Bench], Trials]
    own: bool = False


def describe(name: str, trials: Trials) -> str:
    """Lay out one line per fault, and one for each thing that was lost or not tried."""
    lost = f"{len(trials.lost)} lost" if trials.lost else "nothing lost"
    shown = [f"    {each}" for each in trials.lost[:MOST_SHOWN]]
    if more := len(trials.lost) - MOST_SHOWN:
        shown += [f"    and {more} more"] if more > 0 else []
    return "\n".join(
        [
            f"{name:<15} {trials.times:>4} times  {lost:<13} {trials.what}",
            *shown,
            *(f"    {each}" for each in trials.untried),
        ]
    )
