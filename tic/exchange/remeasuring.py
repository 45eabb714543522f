"""Taking a sample of the measurements that an audit rests on once more."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Collection, Iterator
from importlib import import_module
from typing import Any

from tic.document.artefacts import Artefacts
from tic.document.audit import Audit
from tic.errors import DataNotFoundError, TicError
from tic.exchange.verify_audit import Examined, recipes_of, untrusted
from tic.files import parse_json
from tic.kinds import within
from tic.lab import Lab
from tic.measure.measurement import Measurement, measure_anew
from tic.recipe import Recipe
from tic.restoring import UntrustedError, restore
from tic.text import quoted

AGREEMENT = 0.01
"""Largest relative difference that another machine's rounding is taken to explain; of answers that
are yes or no, the largest share that differ, and one of them at least."""


def trust(packages: Collection[str], audit: Audit) -> None:
    """Import packages that define kinds of an audit; nothing where one is of no use to it.

    Raises:
        TicError: The audit names no such package, or it cannot be imported here.
    """
    for package in packages:
        if not any(within(audited, package) for audited in audit.packages):
            known = ", ".join(audit.packages) or "none"
            raise TicError(
                f"--trust must name a package that defines kinds of the audit, got "
                f"{quoted(package)}; the audit names {known}; several have a --trust each"
            )
    for package in packages:
        try:
            import_module(package)
        except Exception as error:  # what a stranger's module raises is not ours to foresee
            raise TicError(
                f"--trust {package} must name a package that can be imported here, and it cannot "
                f"({type(error).__name__}: {error}); install it, or run this where its folder lies"
            ) from error


def measure_again(
    audit: Audit,
    artefacts: Artefacts,
    lab: Lab,
    *,
    sample: int,
    seed: int,
    trusted: Collection[str] = (),
) -> Examined:
    """Take measurements once more and compare them with what the Store has.

    One that cannot be taken here, for want of data or of trust, is no fault and not counted.

    Args:
        audit: Lists the measurements.
        artefacts: Where they are read from.
        lab: Has the Runs and the data.
        sample: How many, drawn at random.
        seed: Of the drawing.
        trusted: Packages beside `tic` whose measurements are taken; see `trust`.

    Raises:
        TicError: The sample is no number of measurements.
    """
    if sample < 0:
        raise TicError(f"a sample must have at least 0 measurements, got {sample}")
    recipes = recipes_of(audit, trusted)
    listed = sorted(
        (record.fingerprint, name) for record in audit.runs for name in record.measurements
    )
    drawn = random.Random(seed).sample(listed, min(sample, len(listed)))
    faults, rounded = [], False
    unchecked: Counter[str] = Counter()
    for fingerprint, name in drawn:
        path = f"measurements/{fingerprint}/{name}"
        try:
            document = parse_json(artefacts.read(path) or b"")
            recipe = recipes[fingerprint]
            if isinstance(recipe, UntrustedError):
                raise recipe
            says = _compare(document, name, recipe, lab, trusted)
        except DataNotFoundError as error:
            unchecked[str(error)] += 1
            continue
        except UntrustedError as error:
            unchecked[untrusted(error.module, audit)] += 1
            continue
        except TicError as error:
            faults.append(f"{path} cannot be taken again: {error}")
            continue
        rounded |= says is None
        if says:
            faults.append(f"{path} {says}")
    remarks = ["some differ by rounding"] if rounded else []
    remarks += [f"{count} not checked: {reason}" for reason, count in unchecked.items()]
    count = len(drawn) - unchecked.total()
    return Examined("measured again", count, tuple(faults), "; ".join(remarks))


def _compare(
    document: Any, name: str, recipe: Recipe, lab: Lab, trusted: Collection[str]
) -> str | None:
    """Say how a measurement differs: "" not at all, None by rounding."""
    if not isinstance(document, dict) or not isinstance(document.get("measurement"), dict):
        return "does not say how it was taken; it was taken by an older version"
    measurement = restore(document["measurement"], Measurement, trusted)
    file, measured = measure_anew(measurement, recipe, lab)
    if file != name:
        return f"is not the measurement that it says it is, which would be {file}"
    stored = document.get("result")
    if measured == stored:
        return ""
    difference = relative_difference(stored, measured)
    if difference <= AGREEMENT:
        return None
    return f"differs by {difference:.1%} from what is measured here"


def relative_difference(stored: Any, measured: Any) -> float:
    """Compare two results; ∞ where their forms differ.

    Returns:
        ‖stored - measured‖ / ‖measured‖ over all numbers, or the share of yes-or-no answers that
        differ in a list of them, whichever is most; one answer less than differ.
    """
    before, after = dict(_numbers(stored, "")), dict(_numbers(measured, ""))
    answers = dict(_answers(stored, "")), dict(_answers(measured, ""))
    if before.keys() != after.keys() or answers[0].keys() != answers[1].keys():
        return math.inf
    distance = math.dist(list(before.values()), list(after.values()))
    scale = math.hypot(*after.values())
    difference = distance / scale if scale else math.inf if distance else 0.0
    shares = [_share(answers[0][path], answers[1][path]) for path in answers[0]]
    return max([difference, *shares])


def _share(before: list[int], after: list[int]) -> float:
    if len(before) != len(after):
        return math.inf
    flipped = sum(one != other for one, other in zip(before, after, strict=True))
    return max(0, flipped - 1) / len(before)


def _are_answers(value: Any) -> bool:
    """Whether it is a list of 0 and 1 alone, as of samples that are classified correctly or not."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(type(one) is int and one in (0, 1) for one in value)
    )


def _answers(value: Any, path: str) -> Iterator[tuple[str, list[int]]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _answers(part, f"{path}.{key}")
    elif _are_answers(value):
        yield path, value


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _numbers(part, f"{path}.{key}")
    elif _are_answers(value):
        return
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from _numbers(part, f"{path}.{position}")
    elif isinstance(value, int | float):
        yield path, float(value)
