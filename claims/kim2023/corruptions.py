"""What Table 1 does to images."""

from __future__ import annotations

from tic.attacks import FGSM, PGD, Blur, Corruption, GaussianNoise

EPSILON = 8 / 255
STEP = 4 / 255

GRADIENT_ATTACKS: dict[str, FGSM | PGD] = {
    "fgsm": FGSM(epsilon=EPSILON),
    "pgd": PGD(epsilon=EPSILON, step=STEP, steps=10),
}
CORRUPTIONS: dict[str, Corruption] = {
    "gaussian": GaussianNoise(share=0.5),
    "blur": Blur(factor=2),
    **GRADIENT_ATTACKS,
}
