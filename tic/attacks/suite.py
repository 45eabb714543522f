"""The attack suite: attacks that find what a network with masked gradients hides from PGD.

After Carlini et al. (2019), *On Evaluating Adversarial Robustness*: a network is as robust as the
worst of many attacks says, per image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Literal, get_args

from tic.attacks.attack import Attack
from tic.attacks.auto import APGD, APGDT, FAB, TARGETED_DLR_CLASSES
from tic.attacks.backward import RateBackward, SurrogateWidth
from tic.attacks.gradient import FGSM, PGD
from tic.attacks.margin import DLR_CLASSES, LossName, RestartedPGD
from tic.attacks.square import Square
from tic.attacks.variants import AsDouble, Rescaled
from tic.errors import TicError

Level = Literal["quick", "standard", "full"]
Family = Literal[
    "paper",
    "iterations",
    "margin",
    "auto",
    "gradient-free",
    "numerics",
    "backward",
    "transfer",
]

LOSS_TITLES: dict[LossName, str] = {"ce": "best PGD", "cw": "CW", "dlr": "DLR"}
DOUBLINGS: dict[Level, float] = {"quick": 2.0, "standard": 1.0, "full": 0.5}


@dataclass(frozen=True)
class Member:
    """One attack of the attack suite.

    Attributes:
        name: For people; unique, and the same attack at every level that has it.
        attack: The attack. In the family "transfer" it crafts on another network.
        family: What it can find that PGD does not.
    """

    name: str
    attack: Attack
    family: Family


def attack_suite(
    level: Level,
    epsilon: float,
    step: float,
    classes: int | None = None,
    *,
    spiking: bool = True,
) -> tuple[Member, ...]:
    """List the attacks of a level; each level has all those of the one before.

    FGSM and PGD with 10 steps are the attacks under test. Longer runs take steps of 2.5 ε / steps
    (Madry et al. 2017). "PGD" ends where its last step leads, as the one under test does; where the
    output jumps, that is often not the worst point, and "best PGD", CW and DLR end at the best on
    the way ("× 5": from five starts). Variants stand beside the same attack without: the PGD under
    test in "quick", then the best PGD, then APGD. The surrogate width's factor 1 is the attack
    without.

    Args:
        level: "quick" has one of every family, about 240 gradients per image; "standard" about
            1,100; "full" the published settings, about 8,100.
        epsilon: Largest change of a pixel, in [0, 1].
        step: Change of a pixel per step in the PGD under test.
        classes: Of the data. Attacks whose loss needs more are left out: DLR three, APGD-T four.
            Each family has others. Without a number none is.
        spiking: Whether the network has layers of `tic.neurons.LIF`. Without them the family
            "backward", which changes their backward pass, is left out.

    Raises:
        TicError: There is no such level, or ε or the step is no share of the pixel range.
    """
    _check_level(level)
    members = _quick(epsilon, step)
    if level != "quick":
        members += _standard(epsilon)
    if level == "full":
        members += _full(epsilon)
    return tuple(
        member
        for member in members
        if (classes is None or classes >= _least_classes(member.attack))
        and (spiking or member.family != "backward")
    )


def _least_classes(attack: Attack) -> int:
    if isinstance(attack, APGDT):
        return TARGETED_DLR_CLASSES
    return DLR_CLASSES if isinstance(attack, RestartedPGD) and attack.loss == "dlr" else 2


def epsilons(level: Level, epsilon: float) -> tuple[float, ...]:
    """Radii that grow from ε/2 to 1, where every image of [0, 1] is in reach, for a sanity check.

    An attack that works takes accuracy to chance on the way.

    Args:
        level: Neighbours have the ratio 4 ("quick"), 2 ("standard") or √2 ("full").
        epsilon: Largest change of a pixel, above 0 and at most 1.

    Raises:
        TicError: There is no such level, or ε is not in (0, 1].
    """
    _check_level(level)
    if not 0 < epsilon <= 1:
        raise TicError(f"epsilon is in pixel values and must be in (0, 1], got {epsilon}")
    growing = (epsilon * 2 ** (k * DOUBLINGS[level] - 1) for k in count())
    return (*takewhile(lambda radius: radius < 1, growing), 1.0)


def _quick(epsilon: float, step: float) -> list[Member]:
    pgd = PGD(epsilon=epsilon, step=step, steps=10)
    return [
        Member("FGSM", FGSM(epsilon=epsilon), "paper"),
        Member("PGD, 10 steps", pgd, "paper"),
        Member("PGD, 50 steps", _pgd(epsilon, 50), "iterations"),
        _restarted("cw", epsilon, 20, 1),
        _restarted("dlr", epsilon, 20, 1),
        Member("APGD, 20 steps", APGD(epsilon=epsilon, steps=20), "auto"),
        _targeted(APGDT, epsilon, 10, 3),
        _targeted(FAB, epsilon, 10, 1),
        _square(epsilon, 150),
        *_variants("PGD, 10 steps", pgd, scales=(0.1, 10), widths=(0.3, 3)),
        Member("PGD, 10 steps, transferred", pgd, "transfer"),
    ]


def _standard(epsilon: float) -> list[Member]:
    pgd = _restarted("ce", epsilon, 25, 1)
    return [
        pgd,
        Member("PGD, 200 steps", _pgd(epsilon, 200), "iterations"),
        _restarted("ce", epsilon, 20, 5),
        _restarted("cw", epsilon, 25, 2),
        _restarted("dlr", epsilon, 25, 2),
        Member("APGD, 50 steps", APGD(epsilon=epsilon, steps=50), "auto"),
        _targeted(APGDT, epsilon, 15, 5),
        _targeted(FAB, epsilon, 15, 3),
        _square(epsilon, 700),
        *_variants(pgd.name, pgd.attack, scales=(0.1, 10, 100), widths=(0.1, 0.3, 3, 10)),
        Member(f"{pgd.name}, transferred", pgd.attack, "transfer"),
    ]


def _full(epsilon: float) -> list[Member]:
    pgd, apgd = _restarted("ce", epsilon, 200, 1), APGD(epsilon=epsilon)
    return [
        pgd,
        *(_restarted(loss, epsilon, 100, 5) for loss in LOSS_TITLES),
        Member("APGD, 100 steps", apgd, "auto"),
        Member("APGD, 100 steps × 5", APGD(epsilon=epsilon, restarts=5), "auto"),
        _targeted(APGDT, epsilon, 100, 9),
        _targeted(FAB, epsilon, 100, 9),
        _square(epsilon, 5000),
        *_variants(pgd.name, pgd.attack, scales=(0.1, 10, 100), widths=(0.1, 0.3, 3, 10)),
        Member(f"{pgd.name}, transferred", pgd.attack, "transfer"),
        *_variants("APGD, 100 steps", apgd, scales=(0.1, 10, 100), widths=(0.1, 0.3, 3, 10)),
    ]


def _pgd(epsilon: float, steps: int) -> PGD:
    return PGD(epsilon=epsilon, step=2.5 * epsilon / steps, steps=steps)


def _restarted(loss: LossName, epsilon: float, steps: int, restarts: int) -> Member:
    attack = RestartedPGD(
        epsilon=epsilon, step=2.5 * epsilon / steps, steps=steps, restarts=restarts, loss=loss
    )
    family: Family = "iterations" if loss == "ce" else "margin"
    return Member(f"{LOSS_TITLES[loss]}, {steps} steps × {restarts}", attack, family)


def _targeted(
    attack: Callable[..., APGDT | FAB], epsilon: float, steps: int, targets: int
) -> Member:
    made = attack(epsilon=epsilon, steps=steps, targets=targets)
    title = "APGD-T" if isinstance(made, APGDT) else "FAB"
    plural = "s" if targets > 1 else ""
    return Member(f"{title}, {steps} steps, {targets} target{plural}", made, "auto")


def _square(epsilon: float, queries: int) -> Member:
    name = f"Square, {queries} queries"
    return Member(name, Square(epsilon=epsilon, queries=queries), "gradient-free")


def _variants(
    name: str, attack: Attack, scales: Sequence[float], widths: Sequence[float]
) -> list[Member]:
    return [
        Member(f"{name}, float64", AsDouble(attack=attack), "numerics"),
        *(
            Member(f"{name}, logits × {scale:g}", Rescaled(attack=attack, factor=scale), "numerics")
            for scale in scales
        ),
        *(
            Member(
                f"{name}, surrogate × {width:g}",
                SurrogateWidth(attack=attack, factor=width),
                "backward",
            )
            for width in widths
        ),
        Member(f"{name}, rate gradient", RateBackward(attack=attack), "backward"),
    ]


def _check_level(level: Level) -> None:
    if level not in get_args(Level):
        raise TicError(f"level must be one of {get_args(Level)}, got {level!r}")
