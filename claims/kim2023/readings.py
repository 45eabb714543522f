"""Every way to read Fisher information: estimator, images, normalisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product

from claims.kim2023 import reading
from claims.kim2023 import test_fig1_concentration as fig1
from claims.kim2023 import test_fig3_layers as fig3
from claims.kim2023 import test_fig4_factors as fig4
from claims.kim2023 import test_fig4_networks as fig4_networks
from claims.kim2023 import test_fig5_alpha as fig5
from claims.kim2023.runs import KimRuns
from tic.audit import Protocol
from tic.audit.claims import decided_by
from tic.measure.fisher import Estimator

Tests = Mapping[str, Callable[..., None]]


def _by_claim(*tests: Callable[..., None]) -> Tests:
    return {decided_by(test).name: test for test in tests}


FISHER_TESTS: Tests = _by_claim(
    fig1.test_information_moves_to_early_timesteps,
    fig1.test_trained_network_holds_information_early,
    fig3.test_deep_blocks_hold_information_early,
    fig4.test_longer_sequences_concentrate_later,
    fig4.test_larger_time_constants_keep_information_late,
    fig4.test_weight_decay_does_not_matter,
    fig4.test_the_best_learning_rate_concentrates_first,
    fig4_networks.test_networks_show_concentration,
    fig5.test_smaller_alpha_holds_less_information,
)
"""By claim: the test of every claim about Fisher information over time, but Fig. 4e's."""
DATASETS_TEST = fig4_networks.test_data_sets_show_concentration


@dataclass(frozen=True)
class FisherReading:
    """One way to read Fisher information.

    Attributes:
        factors: For people.
        protocol: The same for the Runs.
        release: Whether the paper's release reads it so, but for the images that it draws anew.
    """

    factors: dict[str, str]
    protocol: Protocol
    release: bool

    def of(self, runs: KimRuns) -> KimRuns:
        """Read the same Runs in this way."""
        return replace(runs, protocol=self.protocol)


def _fisher_reading(estimator: Estimator, images: str, normalisation: str) -> FisherReading:
    factors = {
        "estimator": str(estimator),
        "images": images,
        "normalisation": normalisation,
    }
    protocol = Protocol(
        " ".join(factors.values()),
        "One reading of Fisher information among all.",
        reading=reading.Reading(
            estimator=estimator,
            images=images,  # type: ignore[arg-type]
            normalisation=normalisation,  # type: ignore[arg-type]
            coarse=True,
        ),
    )
    release = estimator is Estimator.BATCH_MEAN and images == "train" and normalisation == "raw"
    return FisherReading(factors, protocol, release)


READINGS = tuple(
    _fisher_reading(estimator, images, normalisation)
    for estimator, images, normalisation in product(
        (Estimator.EMPIRICAL, Estimator.BATCH_MEAN, Estimator.SAMPLED, Estimator.EXACT),
        ("train", "test"),
        ("raw", "per parameter", "relative"),
    )
)
"""The first is the standard one, Eq. 6 as it stands."""
