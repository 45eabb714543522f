"""Running an attack of torchattacks so that it leaves no trace.

torchattacks is imported only when an attack is run: it brings all of scipy.stats along.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from tic.models.modes import evaluation_mode


def craft(
    attack: Literal["APGD", "APGDT", "FAB", "Square"],
    readout: nn.Module,
    images: Tensor,
    labels: Tensor,
    seed: int,
    settings: dict[str, Any],
) -> Tensor:
    """Attack images in evaluation mode and in ℓ∞; modes and the global generator stay as they are.

    Args:
        attack: Name of a class of torchattacks that takes a norm and a seed.
        readout: Maps images (B, C, H, W) to logits (B, K).
        images: Pixel values in [0, 1], shape (B, C, H, W).
        labels: Classes, shape (B,).
        seed: Of all that the attack draws.
        settings: What the attack is told besides.
    """
    import torchattacks

    # torchattacks seeds the global generator; the fork keeps everyone else's stream.
    devices = [images.device] if images.device.type == "cuda" else []
    with evaluation_mode(readout), torch.random.fork_rng(devices=devices):
        crafting = getattr(torchattacks, attack)(readout, norm="Linf", seed=seed, **settings)
        moved = crafting(images, labels)
    return cast(Tensor, moved).detach()
