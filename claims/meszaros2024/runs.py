"""What claims of this paper ask of their Runs beside what every paper's do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.meszaros2024.measuring import (
    BlurredMeasurement,
    ChangeMeasurement,
    DensityMeasurement,
    Falsified,
    GroupingMeasurement,
    HalfMeasurement,
    HeldOutMeasurement,
    MapMeasurement,
    SelectionMeasurement,
)
from claims.meszaros2024.reading import Reading
from tic.audit import Array, Epoch, NotApplicableError, SeedRuns, Split, as_kind
from tic.data.speech import HeidelbergDigits, Speech, Utterances
from tic.measure.robustness import AccuracyMeasurement
from tic.measure.structure import Null

INNER = 0
"""Place of the layer between input and hidden neurons."""


@dataclass(frozen=True)
class MeszarosRuns(SeedRuns):
    """Runs whose accuracy and structure are asked for, as the protocol reads them."""

    @property
    def reading(self) -> Reading:
        """How they are read."""
        return self.read_as(Reading)

    def data(self) -> Speech:
        """What networks were trained on and are tested on."""
        return as_kind(self.recipe.dataset, Speech)  # type: ignore[type-abstract]  # none is made

    def voices(self, split: Split) -> frozenset[int]:
        """Numbers of those who speak in a split."""
        size = self.recipe.train_size if split == "train" else None
        utterances = self.lab.samples(self.data(), split, size)
        assert isinstance(utterances, Utterances)
        return frozenset(utterances.speakers.tolist())

    def falsified(self) -> Falsified:
        """What of the structure is falsified; nothing of true Runs."""
        return "none"

    def unmasked(self) -> bool:
        """Whether masks are falsified to have not been applied; not those of true Runs."""
        return False

    def scored(self) -> Array:
        """Test accuracy in percent at the epoch that the protocol takes, shape (S,)."""
        epochs = self.scored_epochs()
        if set(epochs) == {self.recipe.epochs}:
            return self.accuracy()
        size = self.size("test")
        results = self.measured_each(
            AccuracyMeasurement(epoch=epoch, size=size) for epoch in epochs
        )
        return np.array([result["accuracy"] for result in results])

    def scored_epochs(self) -> tuple[int, ...]:
        """Epoch of each Run that the protocol takes."""
        if self.reading.scored == "last":
            return (self.epoch("final"),) * len(self.seeds)
        epochs, tested = self._trained_accuracies()
        chosen_by = tested if self.reading.scored == "best-tested" else self.held_out_accuracies()
        return tuple(epochs[place] for place in chosen_by.argmax(1))

    def best_accuracy(self) -> Array:
        """The largest test accuracy of all kept epochs after the first step, shape (S,)."""
        _, by_epoch = self._trained_accuracies()
        best: Array = by_epoch.max(1)
        return best

    def _trained_accuracies(self) -> tuple[tuple[int, ...], Array]:
        """Kept epochs after the first step, (E,), and test accuracy at each, shape (S, E)."""
        epochs, by_epoch = self.accuracies()
        trained = np.array(epochs) > 0
        return tuple(epoch for epoch in epochs if epoch > 0), by_epoch[:, trained]

    def held_out_accuracies(self) -> Array:
        """Accuracy in percent on held-out speakers at kept epochs after the first step, (S, E).

        Raises:
            NotApplicableError: Nobody is held out, or voices are dealt anew over all splits.
        """
        data = self.data()
        if isinstance(data, HeidelbergDigits) and not data.held_out:
            raise NotApplicableError(
                f"no speaker of {data.name} is held out of the training, so that no epoch can be "
                "chosen by any; name some by --set dataset.held_out=[…], and say how many "
                "recordings are to train, to test and theirs by --set dataset.recordings=[…]"
            )
        if data.voices == "mixed":
            raise NotApplicableError(
                f"the voices of {data.name} are dealt over its splits, so that nobody is held out"
            )
        epochs, _ = self._trained_accuracies()
        columns = [
            self.values(HeldOutMeasurement(epoch=self.epoch(epoch)), "accuracy") for epoch in epochs
        ]
        return np.stack(columns, axis=1)

    def blurred_accuracy(self) -> Array:
        """Final test accuracy in percent with the kernels of the last step, shape (S,)."""
        measurement = BlurredMeasurement(epoch=self.epoch("final"), size=self.size("test"))
        return self.values(measurement, "accuracy")

    def halves(self) -> tuple[Array, Array]:
        """Accuracy on the half to choose by, and on that to judge, as `scored`, both (S,)."""
        size = self.size("test")
        results = self.measured_each(
            HalfMeasurement(epoch=epoch, size=size) for epoch in self.scored_epochs()
        )
        chosen_by, judged_by = (
            np.array([result[name] for result in results]) for name in ("chosen_by", "judged_by")
        )
        return chosen_by, judged_by

    def change(self, name: str) -> Array:
        """What `ChangeMeasurement` calls so, by layer, shape (S, layers)."""
        measurement = ChangeMeasurement(epoch=self.epoch("final"), unmasked=self.unmasked())
        return self.values(measurement, name)

    def grouping(
        self, null: Null = "signs", epoch: Epoch = "final", *, by_frequency: bool = False
    ) -> Array:
        """G: autocorrelation of signs beyond that of permuted ones, shape (S,).

        Where the protocol asks for their density, how near synapses of any sign lie.

        Args:
            null: What is permuted.
            epoch: Whose weights are looked at.
            by_frequency: Bands are in the order of their frequencies, instead of that in which the
                network sees them.

        Raises:
            NotApplicableError: A network has no synapses of both signs near each other.
        """
        places = tuple(self.data().places().tolist()) if by_frequency else ()
        if self.reading.density:
            return self._density(epoch, places)
        measurement = GroupingMeasurement(
            epoch=self.epoch(epoch),
            reach=self.reading.reach,
            places=places,
            falsified=self.falsified(),
        )
        results = self.measured(measurement)
        if not all(results):
            raise NotApplicableError(
                f"with some seed no neuron of {self.recipe.label} has live synapses of both signs "
                "near each other, so that none can be grouped"
            )
        return np.array([result[null] for result in results])

    def _density(self, epoch: Epoch, places: tuple[int, ...]) -> Array:
        results = self.measured(
            DensityMeasurement(epoch=self.epoch(epoch), reach=self.reading.reach, places=places)
        )
        if not all(results):
            raise NotApplicableError(
                f"with some seed no neuron of {self.recipe.label} has two live synapses, so that "
                "none can be near another"
            )
        return np.array([result["excess"] for result in results])

    def selection(self) -> Array:
        """Distance of live synapses' delays from all pairs' beyond that of random ones, (S,)."""
        return self.values(SelectionMeasurement(epoch=self.epoch("final")), "distance")

    def sign_maps(self) -> Array:
        """Mean sign by band and delay, summed over hidden neurons, shape (S, bands, delays)."""
        return self.values(MapMeasurement(epoch=self.epoch("final")), "signs")
