"""Output change under input perturbations, as Fisher information predicts it: Eq. 11."""

from __future__ import annotations

import numpy as np

from claims.kim2023 import recipes
from claims.kim2023.controls import OTHER_IMAGES
from claims.kim2023.perturbation import PerturbationResponse
from claims.kim2023.protocol import INPUT_FISHER, RELEASE, SURROGATE, TRAINING
from claims.kim2023.recipes import KIM2023
from claims.kim2023.runs import KimRuns
from tic.audit import Panel, claim
from tic.audit.exhibits import curves
from tic.audit.judge import Judge
from tic.stats import above, theil_sen_slope

SHARES = tuple(0.5 / 2**k for k in range(7))
"""Norms of δ as shares of the image's: from Table 1's Gaussian noise down."""
LEAST_CORRELATION = 0.1
"""Rank correlation that counts: a small one by Cohen's (1988) convention."""


def relative_errors(response: PerturbationResponse) -> list[float]:
    """Summed error of the prediction over images, relative to the prediction, per norm."""
    error = np.abs(response.divergence - response.prediction).sum(1)
    relative: list[float] = (error / response.prediction.sum(1)).tolist()
    return relative


@claim(
    KIM2023,
    "kl-fisher",
    source="Eq. 11",
    says="A perturbation δ changes the output distribution by ½ δᵀMδ, with the Fisher matrix M.",
    rule=(
        "With the Fisher matrix of the input, the relative error falls with the norm of δ at an "
        "order above 0.8 (Theil-Sen slope of its logarithm). With the trace over the weights, the "
        "rank correlation with the divergence over images above 0.1."
    ),
    needs=recipes.baseline,
    version=2,
    gaps=(*TRAINING, RELEASE, INPUT_FISHER, SURROGATE),
    controls=(OTHER_IMAGES,),
)
def test_perturbations_follow_fisher_information(runs: KimRuns, judge: Judge) -> None:
    from scipy.stats import spearmanr

    responses = runs.perturbation(SHARES)
    errors = np.array([relative_errors(response) for response in responses])
    orders = [theil_sen_slope(np.log(SHARES), np.log(row)) for row in errors]
    judge(orders, above(0.8), name="order at which the relative error falls with the norm of δ")
    correlations = [float(spearmanr(r.trace, r.divergence[0]).statistic) for r in responses]
    judge(
        correlations,
        above(LEAST_CORRELATION),
        name=f"rank correlation of trace and divergence at {SHARES[0]:.0%} of the norm",
    )
    octaves = np.log2(SHARES)
    judge.figure(
        "Eq. 11 measured",
        "Left: error of ½ δᵀMδ with the input's matrix, relative to it. Right: mean divergence and "
        "its prediction.",
        Panel(
            title="Relative error",
            x_label="log2 of ‖δ‖ / ‖x‖",
            y_label="relative error",
            log_y=True,
            series=(curves("error", octaves, errors),),
        ),
        Panel(
            title="Divergence",
            x_label="log2 of ‖δ‖ / ‖x‖",
            y_label="nats",
            log_y=True,
            series=(
                curves("measured", octaves, [r.divergence.mean(1) for r in responses]),
                curves("predicted", octaves, [r.prediction.mean(1) for r in responses]),
            ),
        ),
    )
