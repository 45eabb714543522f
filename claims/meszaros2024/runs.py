"""What claims of this paper ask of their Runs beside what every paper's do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.meszaros2024.measuring import (
    BlurredMeasurement,
    ChangeMeasurement,
    Falsified,
    GroupingMeasurement,
    HalfMeasurement,
    MapMeasurement,
    SelectionMeasurement,
)
from claims.meszaros2024.reading import Reading
from tic.audit import Array, Epoch, NotApplicableError, SeedRuns
from tic.data.speech import Speech
from tic.measure.structure import Null

INNER = 0
"""Place of the layer between input and hidden neurons."""


@dataclass(frozen=True)
class MeszarosRuns(SeedRuns):
    """Runs whose accuracy and structure are asked for, as the protocol reads them."""

    @property
    def reading(self) -> Reading:
        """How they are read."""
        read = self.protocol.reading or Reading()
        assert isinstance(read, Reading)
        return read

    def falsified(self) -> Falsified:
        """What of the structure is falsified; nothing of true Runs."""
        return "none"

    def unmasked(self) -> bool:
        """Whether masks are falsified to have not been applied; not those of true Runs."""
        return False

    def scored(self) -> Array:
        """Test accuracy in percent at the epoch that the protocol takes, shape (S,)."""
        return self.best_accuracy() if self.reading.best else self.accuracy()

    def best_accuracy(self) -> Array:
        """The largest test accuracy of all kept epochs after the first step, shape (S,)."""
        epochs, by_epoch = self.accuracies()
        best: Array = by_epoch[:, np.array(epochs) > 0].max(1)
        return best

    def blurred_accuracy(self) -> Array:
        """Final test accuracy in percent with the kernels of the last step, shape (S,)."""
        measurement = BlurredMeasurement(epoch=self.epoch("final"), size=self.size("test"))
        return self.values(measurement, "accuracy")

    def halves(self) -> tuple[Array, Array]:
        """Final accuracy on the half to choose by, and on that to judge, both (S,)."""
        measurement = HalfMeasurement(epoch=self.epoch("final"), size=self.size("test"))
        return self.values(measurement, "chosen_by"), self.values(measurement, "judged_by")

    def change(self, name: str) -> Array:
        """What `ChangeMeasurement` calls so, by layer, shape (S, layers)."""
        measurement = ChangeMeasurement(epoch=self.epoch("final"), unmasked=self.unmasked())
        return self.values(measurement, name)

    def grouping(
        self, null: Null = "signs", epoch: Epoch = "final", *, by_frequency: bool = False
    ) -> Array:
        """G: autocorrelation of signs beyond that of permuted ones, shape (S,).

        Args:
            null: What is permuted.
            epoch: Whose weights are looked at.
            by_frequency: Bands are in the order of their frequencies, instead of that in which the
                network sees them.

        Raises:
            NotApplicableError: A network has no synapses of both signs near each other.
        """
        dataset = self.recipe.dataset
        assert isinstance(dataset, Speech)
        measurement = GroupingMeasurement(
            epoch=self.epoch(epoch),
            reach=self.reading.reach,
            places=tuple(dataset.places().tolist()) if by_frequency else (),
            falsified=self.falsified(),
        )
        results = self.measured(measurement)
        if not all(results):
            raise NotApplicableError(
                f"with some seed no neuron of {self.recipe.label} has live synapses of both signs "
                "near each other, so that none can be grouped"
            )
        return np.array([result[null] for result in results])

    def selection(self) -> Array:
        """Distance of live synapses' delays from all pairs' beyond that of random ones, (S,)."""
        return self.values(SelectionMeasurement(epoch=self.epoch("final")), "distance")

    def sign_maps(self) -> Array:
        """Mean sign by band and delay, summed over hidden neurons, shape (S, bands, delays)."""
        return self.values(MapMeasurement(epoch=self.epoch("final")), "signs")
