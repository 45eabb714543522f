"""Corruptions of images: small configured callables whose repr says everything about them."""

from tic.attacks.attack import Attack, Corruption, Passes
from tic.attacks.auto import APGD, APGDT, FAB
from tic.attacks.backward import RateBackward, SurrogateWidth
from tic.attacks.gradient import FGSM, PGD
from tic.attacks.margin import RestartedPGD
from tic.attacks.noise import Blur, GaussianNoise
from tic.attacks.square import Square
from tic.attacks.suite import Family, Level, Member, attack_suite, epsilons
from tic.attacks.variants import AsDouble, Rescaled

__all__ = [
    "APGD",
    "APGDT",
    "FAB",
    "FGSM",
    "PGD",
    "AsDouble",
    "Attack",
    "Blur",
    "Corruption",
    "Family",
    "GaussianNoise",
    "Level",
    "Member",
    "Passes",
    "RateBackward",
    "Rescaled",
    "RestartedPGD",
    "Square",
    "SurrogateWidth",
    "attack_suite",
    "epsilons",
]
