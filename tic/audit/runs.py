"""What a claim's test asks of its Runs: one number, curve or table per seed.

`SeedRuns.measured_each` is the gate through which a test sees what is measured, whatever a paper's
pack adds, and `SeedRuns.recipes` says on which Runs: a negative control acts on one of them, or on
both. What a training itself kept passes the first by: its curves, losses and durations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tic.attacks import Corruption
from tic.audit.pack import Setting
from tic.audit.protocol import STANDARD, Protocol
from tic.data import Split
from tic.errors import TicError
from tic.kinds import place
from tic.lab import Lab
from tic.measure.confidence import ConfidenceMeasurement
from tic.measure.layers import stored_sparsity
from tic.measure.measurement import Measurement, gathered, measure, sample_count, subset
from tic.measure.robustness import (
    AccuracyMeasurement,
    CorrectMeasurement,
    ZeroGradientMeasurement,
    final_answers,
    percentage,
)
from tic.recipe import Recipe
from tic.store import Store
from tic.text import quoted

Array = NDArray[np.float64]
Reading = TypeVar("Reading")
Epoch = int | str
"""A finished epoch, or its name: `untrained`, `final`, and those that a pack adds."""


@dataclass(frozen=True)
class SeedRuns:
    """The Runs of one Recipe, one per seed. Arrays have the seeds (S) first.

    A pack whose claims ask for more than this has a subclass, a frozen dataclass without further
    fields; see `Pack.runs`.

    Attributes:
        recipe: What was trained, without its seed.
        setting: Seeds and sizes of measurements.
        lab: Where the Runs lie.
        protocol: How the paper is read.
    """

    recipe: Recipe
    setting: Setting
    lab: Lab
    protocol: Protocol = STANDARD

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seed of each Run."""
        return self.setting.seeds

    def read_as(self, kind: type[Reading]) -> Reading:
        """How the protocol reads what a paper leaves open, of a type that the pack defines.

        Args:
            kind: Of every `Protocol.reading` of the pack; `kind()` is the standard one.

        Raises:
            TicError: The protocol has a reading of another type.
        """
        read = kind() if self.protocol.reading is None else self.protocol.reading
        if not isinstance(read, kind):
            raise TicError(
                f"the reading of the protocol {self.protocol.name} must be of the type "
                f"{kind.__name__}, got {quoted(read)}; give it one by Protocol(reading=…)"
            )
        return read

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """Recipe of each Run."""
        return tuple(self.recipe.with_seed(seed) for seed in self.seeds)

    def parents(self) -> SeedRuns:
        """The Runs that these started from.

        Raises:
            TicError: They started from fresh weights.
        """
        if self.recipe.parent is None:
            raise TicError(f"{self.recipe.label} has no parent; it starts from fresh weights")
        return replace(self, recipe=self.recipe.parent)

    @cached_property
    def checkpoints(self) -> tuple[int, ...]:
        """Epochs whose weights were kept, ascending."""
        return self.recipe.checkpoint_epochs

    def epoch(self, name: Epoch) -> int:
        """Resolve the name of an epoch.

        Raises:
            TicError: The Runs kept no weights at that epoch, or there is no such name.
        """
        epoch = self.named_epoch(name) if isinstance(name, str) else name
        if epoch not in self.checkpoints:
            raise TicError(
                f"{self.recipe.label} keeps no weights of epoch {epoch}; kept: {self.checkpoints}. "
                "A Recipe with checkpoints above 1 keeps the untrained weights, the first epoch's, "
                "and so many more, evenly spaced"
            )
        return epoch

    def named_epoch(self, name: str) -> int:
        """The epoch of a name; a pack's Runs may know more of them.

        Raises:
            TicError: There is no such name.
        """
        known = {"untrained": 0, "final": self.recipe.epochs}
        if name not in known:
            raise TicError(f"there is no epoch {name!r}; known: {', '.join(known)}, or a number")
        return known[name]

    def nearest(self, share: float) -> int:
        """The epoch with kept weights, from the first on, nearest to a share of the training."""
        trained = [epoch for epoch in self.checkpoints if epoch > 0]
        return min(trained, key=lambda epoch: abs(epoch - share * self.recipe.epochs))

    def size(self, name: str) -> int | None:
        """At most so many samples for a purpose that the setting names; all without it."""
        return self.setting.sizes.get(name)

    def measured(self, measurement: Measurement) -> list[dict[str, Any]]:
        """Measure every Run; results are shared, so nobody may write into them."""
        return self.measured_each([measurement] * len(self.recipes))

    def measured_each(self, measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
        """Take one measurement per Run."""
        return gathered(
            partial(_looked_at, measurement, recipe, self.lab)
            for measurement, recipe in zip(measurements, self.recipes, strict=True)
        )

    def values(self, measurement: Measurement, name: str) -> Array:
        """One number or array of a measurement's result for every Run, shape (S, …).

        Raises:
            TicError: The result of a Run has nothing of that name, or another shape of it.
        """
        results = self.measured(measurement)
        try:
            return np.array([result[name] for result in results])
        except KeyError:
            known = sorted(set[str]().union(*results))
            raise TicError(
                f"{place(measurement)} gives nothing called {quoted(name)} for one of the Runs or "
                f"for all; known: {', '.join(known) or 'nothing'}"
            ) from None
        except ValueError:
            raise TicError(
                f"{quoted(name)} of {place(measurement)} must have one shape for all Runs, and has "
                f"several; ask `runs.measured` for what differs in length"
            ) from None

    def curve(self, name: str) -> Array:
        """What the loss kept of every epoch, shape (S, epochs, …); see `Loss.curves`."""
        return np.array([self.lab.run(recipe).curve(name) for recipe in self.recipes])

    def train_loss(self) -> Array:
        """Mean training loss of every epoch, shape (S, epochs)."""
        return np.array([self.lab.run(recipe).history["train_loss"] for recipe in self.recipes])

    def accuracy(
        self,
        corruption: Corruption | None = None,
        timesteps: int | None = None,
        split: Split = "test",
    ) -> Array:
        """Final accuracy in percent, shape (S,).

        Args:
            corruption: What the samples go through before, such as an attack of `tic.attacks`.
            timesteps: Of the network; those of the training without it.
            split: `train` for the samples that it was trained on, without their augmentation. Of
                either split the setting's size `test` is the most that are looked at.
        """
        accuracy: Array = self.accuracy_by_sample(corruption, timesteps, split).mean(1)
        return accuracy

    def accuracy_by_sample(
        self,
        corruption: Corruption | None = None,
        timesteps: int | None = None,
        split: Split = "test",
    ) -> Array:
        """Final accuracy on each sample, 100 where it is classified correctly, else 0, (S, N).

        Row means are those of `accuracy`. A verdict on a difference of such tables says as well
        what remains of it where other samples might have been drawn; see `Judge`.
        """
        measurement = self.accuracy_measurement(corruption, timesteps)
        return 100 * self.values(replace(measurement, split=split), "correct")

    def accuracy_measurement(
        self, corruption: Corruption | None, timesteps: int | None
    ) -> CorrectMeasurement:
        """What both take of every Run of the test split; Runs of a control may take another."""
        return CorrectMeasurement(
            epoch=self.epoch("final"),
            corruption=corruption,
            timesteps=timesteps,
            size=self.size("test"),
        )

    @property
    def resolution(self) -> float:
        """Smallest step between two test accuracies, in percentage points."""
        answers = final_answers(self.recipe.epochs, self.size("test"))
        return 100 / sample_count(answers, self.recipe)

    def weights(self) -> tuple[str | None, ...]:
        """sha256 of the final weights of each Run; None where it has none, as when it diverged."""
        finals = [(self.lab.finished(recipe), recipe.epochs) for recipe in self.recipes]
        return tuple(run.digests(epochs).weights if run else None for run, epochs in finals)

    @property
    def chance(self) -> float:
        """Accuracy of guessing, in percent."""
        return 100 / self.recipe.dataset.facts.num_classes

    def correct(
        self,
        corruption: Corruption | Sequence[Corruption] | None = None,
        *,
        transferred: bool = False,
    ) -> NDArray[np.bool_]:
        """Whether each test image of the attack suite is classified correctly, shape (S, N).

        Args:
            corruption: What the images go through, or one for every seed.
            transferred: It looks at the network of the next seed instead of the one that
                classifies, the first being next to the last.
        """
        following = (*self.seeds[1:], *self.seeds[:1])
        corruptions = (
            corruption if isinstance(corruption, Sequence) else [corruption] * len(self.seeds)
        )
        results = self.measured_each(
            CorrectMeasurement(
                epoch=self.epoch("final"),
                corruption=seeds_corruption,
                source_seed=source if transferred else None,
                size=self.size("attack"),
            )
            for source, seeds_corruption in zip(following, corruptions, strict=True)
        )
        return np.array([result["correct"] for result in results], dtype=bool)

    def zero_gradients(self) -> NDArray[np.bool_]:
        """Whether the input gradient of each test image is exactly zero, shape (S, N)."""
        measurement = ZeroGradientMeasurement(epoch=self.epoch("final"), size=self.size("test"))
        return np.array([result["zero"] for result in self.measured(measurement)], dtype=bool)

    def margins(self) -> Array:
        """Clean margin of each test image of the attack suite in its logits, shape (S, N)."""
        measurement = ConfidenceMeasurement(epoch=self.epoch("final"), size=self.size("attack"))
        return np.array([result["margins"] for result in self.measured(measurement)])

    def temperatures(self) -> Array:
        """Temperature that fits the logits to the test labels, shape (S,)."""
        measurement = ConfidenceMeasurement(epoch=self.epoch("final"), size=self.size("test"))
        return np.array([result["temperature"] for result in self.measured(measurement)])

    def sparsity(self) -> Array:
        """Share of prunable weights that are exactly zero in the end, shape (S,)."""
        last = self.epoch("final")
        return np.array([stored_sparsity(recipe, last, self.lab) for recipe in self.recipes])

    def diverged(self) -> NDArray[np.bool_]:
        """Whether each training diverged, shape (S,); nothing can be measured on one that did."""
        return np.array([self._history(recipe)["diverged"] is not None for recipe in self.recipes])

    def accuracies(self) -> tuple[tuple[int, ...], Array]:
        """Epochs with kept weights, (E,), and test accuracy in percent at each, shape (S, E)."""
        size, final = self.size("test"), self.recipe.epochs
        columns = gathered(
            partial(
                self.measured,
                final_answers(final, size)
                if epoch == final
                else AccuracyMeasurement(epoch=epoch, size=size),
            )
            for epoch in map(self.epoch, self.checkpoints)
        )
        return self.checkpoints, np.array([list(map(percentage, column)) for column in columns]).T

    def seconds(self) -> Array:
        """Duration of each training in seconds, shape (S,)."""
        return np.array([self._history(recipe)["seconds"] for recipe in self.recipes])

    def _history(self, recipe: Recipe) -> dict[str, Any]:
        run = self.lab.finished(recipe)
        if run is None:
            raise TicError(f"{recipe.label} is not in the Store; train it first")
        return run.history


def tested(recipe: Recipe, size: int | None, lab: Lab) -> float:
    """Measure the final test accuracy of a Run in percent, on at most `size` samples."""
    return percentage(_asked(final_answers(recipe.epochs, size), recipe, lab))


def _looked_at(measurement: Measurement, recipe: Recipe, lab: Lab) -> dict[str, Any]:
    lab.store.looked_at.add(subset(measurement, recipe))
    return _asked(measurement, recipe, lab)


def _asked(measurement: Measurement, recipe: Recipe, lab: Lab) -> dict[str, Any]:
    """Measure, and note it for the claim that asks, also where another one has asked before."""
    lab.store.versions[measurement.name] = measurement.version
    return _taken(measurement, recipe, lab, lab.store)


@lru_cache(maxsize=2**17)  # of fewer than an audit has, none would be found again
def _taken(measurement: Measurement, recipe: Recipe, lab: Lab, store: Store) -> dict[str, Any]:
    """Measure once per Store object."""
    return measure(measurement, recipe, lab)
