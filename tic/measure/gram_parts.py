"""What may dominate a similarity, from Gram matrices: images, directions and classes.

Functions take stacks of Gram matrices K = X Xᵀ of n images, shape (…, n, n), float64.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tic import seeding

_SOUGHT = 8
_CONVERGED = 1e-10
_MOST_STEPS = 500
_JITTER = 1e-12


def centred(grams: Tensor) -> Tensor:
    """Gram matrices of features less their mean over the images."""
    by_row = grams - grams.mean(-1, keepdim=True)
    return by_row - by_row.mean(-2, keepdim=True)


def leverage(grams: Tensor) -> Tensor:
    """Each image's share of the sum of squares about the mean, shape (…, n); they sum to 1.

    It is the leverage in a ridge regression on the features, in the limit of a large penalty, where
    (K + λ)⁻¹ K becomes K / λ. Without a penalty every image has the same once there are more
    features than images.
    """
    squares = centred(grams).diagonal(dim1=-2, dim2=-1)
    return squares / squares.sum(-1, keepdim=True)


def first_component(grams: Tensor) -> tuple[Tensor, Tensor]:
    """Find the direction of largest variance about the mean, by subspace iteration.

    Returns:
        Its sum of squares, shape (…,), and each image's place along it, shape (…, n), of length 1.
        The sum of squares is that of the principal component to ten digits.
    """
    middle = centred(grams)
    draws = seeding.generator(0, "subspace")
    start = torch.randn(middle.shape[-1], _SOUGHT, dtype=middle.dtype, generator=draws)
    basis = start.to(middle.device).expand(*middle.shape[:-1], -1)
    before = middle.new_zeros(middle.shape[:-2])
    for _ in range(_MOST_STEPS):
        basis = torch.linalg.qr(middle @ basis).Q
        values, vectors = torch.linalg.eigh(basis.mT @ middle @ basis)
        largest = values[..., -1]
        if bool((largest - before <= _CONVERGED * largest.abs()).all()):
            break
        before = largest
    return largest, (basis @ vectors[..., -1:])[..., 0]


def less_component(grams: Tensor, size: Tensor, along: Tensor) -> Tensor:
    """Take off a direction, given as `first_component` gives it."""
    return grams - size[..., None, None] * along[..., :, None] * along[..., None, :]


def without_class_means(grams: Tensor, labels: Tensor) -> Tensor:
    """Gram matrices of features less the mean of the image's class.

    Debiased CKA of them takes n images for as many, though C class means were taken off: of what
    the biased one has by chance, a share of (C - 1) / n is left in it.

    Args:
        grams: Shape (…, n, n).
        labels: Class of each image, shape (n,).
    """
    members = one_hot(torch.unique(labels, return_inverse=True)[1]).to(grams)
    projection = members / members.sum(0) @ members.mT
    by_row = grams - projection @ grams
    return by_row - by_row @ projection


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """Procrustes similarity of features that `factor` gives, shape (…,).

    ‖Xᵀ Y‖₊ of features (…, n, p) and (…, n, q), centred and of length 1, with the sum ‖·‖₊ of the
    singular values; 1 where one is the other rotated, scaled and moved. The squared Procrustes
    distance is twice what it lacks of 1 (Schönemann 1966). Exact to 1e-4. Never negative, and above
    0 by chance, the more so the more features there are; see `tic.measure.dominance`.
    """
    total: Tensor = torch.linalg.svdvals(one.mT @ other).sum(-1)
    return total


def factor(grams: Tensor) -> Tensor:
    """Features of length 1 that have these Gram matrices, shape (…, n, n)."""
    middle = centred(grams)
    scale = middle.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    jitter = _JITTER * torch.eye(middle.shape[-1], dtype=middle.dtype, device=middle.device)
    features: Tensor = torch.linalg.cholesky(middle / scale.where(scale > 0, 1.0) + jitter)
    return features
