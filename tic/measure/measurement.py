"""Measurements on Runs, cached in the Store under Recipe, measurement, version and samples."""

from __future__ import annotations

import hashlib
import json
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from torch import nn

from tic import kinds
from tic.arrays import all_finite
from tic.data import Dataset, Samples, Split
from tic.data.facts import Subset, subset_size
from tic.errors import TicError
from tic.files import parse_json, read_stored
from tic.kinds import Kind
from tic.lab import Lab, exact_arithmetic
from tic.measure.shapes import Shape, fits
from tic.memory import memory_errors_explained
from tic.models.capabilities import run_for
from tic.recipe import Recipe
from tic.store import Store
from tic.writing import write_json

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Measurement(Kind, ABC):
    """A pure function of a Run; its repr names everything that it depends on.

    Attributes:
        epoch: Whose weights are measured.
        timesteps: The network runs for, the Recipe's own number without it.
        size: At most so many samples, the first of a fixed permutation; all without it.
        split: Samples of the training, without augmentation, or ones that it did not see.
        over_time: Names of results whose last axis is time, which a negative control shuffles.
    """

    over_time: ClassVar[tuple[str, ...]] = ()

    epoch: int
    split: Split
    timesteps: int | None = None
    size: int | None = None

    @abstractmethod
    def take(
        self, network: nn.Module, samples: Samples, partners: Sequence[nn.Module]
    ) -> dict[str, Any]:
        """Measure; the result goes through JSON and must be finite.

        Args:
            network: Of the Run, in evaluation mode.
            samples: To measure on.
            partners: Networks of the other Runs that `partners` names, in its order.
        """

    def shape(self, recipe: Recipe) -> Shape | None:
        """Shape of the result, which a stored one must have; None where nobody says."""
        return None

    def dataset(self, recipe: Recipe) -> Dataset:
        """What is looked at: the Recipe's data set, unless a measurement says otherwise.

        Samples of another must have the shape and the classes that the network knows.
        """
        return recipe.dataset

    def partners(self, recipe: Recipe) -> tuple[Recipe, ...]:
        """Other Runs that the measurement needs, such as the one that images are attacked on.

        Their final weights are taken, unless `partner_epoch` says otherwise.
        """
        return ()

    def partner_epoch(self, partner: Recipe) -> int:
        """The epoch whose weights of a partner are taken, which it must have kept."""
        return partner.epochs


class NotMeasuredError(Exception):
    """In a rehearsal, a measurement was asked for that the Store lacks."""


_lacking: ContextVar[list[tuple[Measurement, Recipe]] | None] = ContextVar("lacking", default=None)


@contextmanager
def rehearsal() -> Iterator[list[tuple[Measurement, Recipe]]]:
    """Let `measure` take nothing; yields what it is asked for and the Store lacks."""
    lacking: list[tuple[Measurement, Recipe]] = []
    token = _lacking.set(lacking)
    try:
        yield lacking
    finally:
        _lacking.reset(token)


def gathered(queries: Iterable[Callable[[], Answer]]) -> list[Answer]:
    """Ask one after another; a rehearsal hears all before it ends where something is lacking.

    What does not depend on each other's answers is asked like this, so that a build can take all of
    it at once.
    """
    answers, lacking = [], None
    for ask in queries:
        try:
            answers.append(ask())
        except NotMeasuredError as error:
            lacking = error
    if lacking:
        raise lacking
    return answers


def measure(measurement: Measurement, recipe: Recipe, lab: Lab) -> dict[str, Any]:
    """Take a measurement on the Run of a Recipe, or return it from the Store.

    Two processes that want the same measurement never take it twice. What it was read from is noted
    in `Store.evidence`, what packages define it in `Store.packages`, its version in
    `Store.versions`.

    Raises:
        NotMeasuredError: The Store lacks it, and this is a rehearsal.
        TicError: The Recipe has not been trained, the result is not finite or not of its shape,
            memory ran out, or the Store has no such measurement yet and cannot be written.
        DivergedRunError: Its training, or that of a partner, diverged.
    """
    lab.run(recipe)
    lab.store.packages |= kinds.foreign_packages((measurement, recipe))
    lab.store.versions[measurement.name] = measurement.version
    samples = samples_of(measurement, recipe, lab)
    path = _path(measurement, recipe, lab, samples)
    shape = measurement.shape(recipe)
    if (stored := _read(path, shape, lab.store)) is not None:
        return stored
    if (lacking := _lacking.get()) is not None:
        for partner in measurement.partners(recipe):
            if lab.finished(partner):
                lab.run(partner)  # one that diverged is told now: whoever measures would not
        lacking.append((measurement, recipe))
        raise NotMeasuredError(f"{measurement!r} of {recipe.label} is not in the Store")
    described = kinds.describe(measurement)
    with lab.store.lock(f"{path.parent.name}-{path.stem}"):
        if (stored := _read(path, shape, lab.store)) is not None:
            return stored
        result = _take(measurement, recipe, lab, samples)
        document = {"measurement": described, "version": measurement.version, "result": result}
        write_json(path, {**document, "sha256": _digest(document)})
        if (stored := _read(path, shape, lab.store)) is None:
            raise TicError(f"{path} was damaged while it was written; is the disk sound?")
        return stored


def _take(measurement: Measurement, recipe: Recipe, lab: Lab, samples: Samples) -> dict[str, Any]:
    doing = f"measuring {measurement.name} of {recipe.label}"
    with exact_arithmetic(lab.device), memory_errors_explained(doing, lab.device):
        network = lab.network(recipe, measurement.epoch)
        if measurement.timesteps:
            run_for(network, measurement.timesteps)
        partners = [
            lab.network(partner, measurement.partner_epoch(partner))
            for partner in measurement.partners(recipe)
        ]
        result: Any = measurement.take(network, samples, partners)
    if not isinstance(result, dict) or not all_finite(result):
        raise TicError(
            f"{recipe.label}: {kinds.place(measurement)} must give a dictionary of finite numbers "
            f"in lists and dictionaries, got {reprlib.repr(result)} from {measurement!r}; make "
            "numbers of tensors by float(x) or x.tolist(), and leave out what is undefined"
        )
    shape = measurement.shape(recipe)
    if shape is not None and not fits(result, shape):
        raise TicError(
            f"{recipe.label}: {kinds.place(measurement)} must give a result of the shape that it "
            f"says, {reprlib.repr(shape)}, got {reprlib.repr(result)} from {measurement!r}; mend "
            "its method take or shape"
        )
    return result


def measure_anew(measurement: Measurement, recipe: Recipe, lab: Lab) -> tuple[str, dict[str, Any]]:
    """Take a measurement whatever the Store has of it, and keep nothing.

    Returns:
        Name of the file that the Store has it in, and the result as it is read from there.

    Raises:
        TicError: As `measure`.
        DivergedRunError: Its training diverged.
    """
    samples = samples_of(measurement, recipe, lab)
    result = _take(measurement, recipe, lab, samples)
    return _path(measurement, recipe, lab, samples).name, json.loads(json.dumps(result))


def stored_result(measurement: Measurement, recipe: Recipe, lab: Lab) -> dict[str, Any] | None:
    """Return a measurement that the Store has, or None; nothing is measured."""
    path = _path(measurement, recipe, lab, samples_of(measurement, recipe, lab))
    return _read(path, measurement.shape(recipe))


def timesteps(measurement: Measurement, recipe: Recipe) -> int:
    """Number of timesteps that a measurement runs the network for."""
    return measurement.timesteps or recipe.timesteps


def sample_count(measurement: Measurement, recipe: Recipe) -> int:
    """Number of samples that a measurement looks at."""
    available = _available(measurement, recipe)
    return min(measurement.size or available, available)


def subset(measurement: Measurement, recipe: Recipe) -> Subset:
    """Which samples a measurement looks at."""
    return Subset(
        data=measurement.dataset(recipe).label,
        noun=measurement.dataset(recipe).facts.noun,
        split=measurement.split,
        size=sample_count(measurement, recipe),
        available=_available(measurement, recipe),
    )


def _available(measurement: Measurement, recipe: Recipe) -> int:
    # Samples that the network was not trained on would be another quantity.
    trained = recipe.train_size if measurement.split == "train" else None
    return trained or _whole(measurement, recipe)


def _whole(measurement: Measurement, recipe: Recipe) -> int:
    return measurement.dataset(recipe).facts.size(measurement.split)


def samples_of(measurement: Measurement, recipe: Recipe, lab: Lab) -> Samples:
    """Load the samples that a measurement looks at.

    Raises:
        TicError: It looks at the training split of another data set than that of which its Run was
            trained on a part.
    """
    looked_at, trained_on = measurement.dataset(recipe), recipe.dataset
    if measurement.split == "train" and recipe.train_size and looked_at != trained_on:
        raise TicError(
            f"{kinds.place(measurement)} looks at the training split of {looked_at.label}, and "
            f"{recipe.label} was trained on {recipe.train_size} {trained_on.facts.noun} of "
            f"{trained_on.label}: which these are follows from the labels, so the same number of "
            "the other data set are others; train on all of them, or measure on the test split"
        )
    size = subset_size(sample_count(measurement, recipe), _whole(measurement, recipe))
    return lab.samples(measurement.dataset(recipe), measurement.split, size)


def _path(measurement: Measurement, recipe: Recipe, lab: Lab, samples: Samples) -> Path:
    text = f"{measurement!r}/{measurement.version}/{samples.digest}"
    if inner := kinds.inner_versions(measurement):  # a repr tells fields, and no versions
        text += f"/{inner}"
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    return lab.store.measurement_path(lab.fingerprint(recipe), measurement.name, key)


def _read(path: Path, shape: Shape | None, store: Store | None = None) -> dict[str, Any] | None:
    """Read a measurement; one that a Store gave as evidence is noted there."""
    try:
        content = read_stored(path)
        document = parse_json(content)
        result: dict[str, Any] = document["result"]
        digest = document.pop("sha256", None)
        # Those of older versions have a repr and no digest.
        older = digest is None and isinstance(document["measurement"], str)
        intact = older or digest == _digest(document)
        usable = isinstance(result, dict) and (fits(result, shape) if shape else all_finite(result))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not intact or not usable:
        return None
    if store is not None:
        store.evidence[path] = hashlib.sha256(content).hexdigest()
    return result


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()
