"""Taking a sample of the measurements that an audit rests on once more."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

from tic.audit.artefacts import Artefacts
from tic.audit.document import Audit
from tic.audit.verify import Examined, recipes_of
from tic.errors import DataNotFoundError, TicError
from tic.files import parse_json
from tic.lab import Lab
from tic.measure.description import restore
from tic.measure.measurement import Measurement, measure_anew
from tic.recipe import Recipe

AGREEMENT = 0.01
"""Largest relative difference that another machine's rounding is taken to explain."""


def measure_again(
    audit: Audit, artefacts: Artefacts, lab: Lab, *, sample: int, seed: int
) -> Examined:
    """Take measurements once more and compare them with what the Store has.

    Args:
        audit: Lists the measurements.
        artefacts: Where they are read from.
        lab: Has the Runs and the data.
        sample: How many, drawn at random.
        seed: Of the drawing.

    Raises:
        TicError: The sample is no number of measurements.
    """
    if sample < 0:
        raise TicError(f"a sample must have at least 0 measurements, got {sample}")
    recipes = recipes_of(audit)
    listed = sorted(
        (record.fingerprint, name) for record in audit.runs for name in record.measurements
    )
    drawn = random.Random(seed).sample(listed, min(sample, len(listed)))
    faults, remarks = [], []
    for fingerprint, name in drawn:
        path = f"measurements/{fingerprint}/{name}"
        try:
            document = parse_json(artefacts.read(path) or b"")
            says = _compare(document, name, recipes[fingerprint], lab)
        except DataNotFoundError as error:
            remarks.append(str(error))
            continue
        except TicError as error:
            faults.append(f"{path} cannot be taken again: {error}")
            continue
        if says is None:
            remarks.append("some differ by rounding")
        elif says:
            faults.append(f"{path} {says}")
    return Examined("measured again", len(drawn), tuple(faults), "; ".join(dict.fromkeys(remarks)))


def _compare(document: Any, name: str, recipe: Recipe, lab: Lab) -> str | None:
    """Say how a measurement differs: "" not at all, None by rounding."""
    if not isinstance(document, dict) or not isinstance(document.get("measurement"), dict):
        return "does not tell how it was taken; it was taken by an older version"
    measurement = restore(document["measurement"], Measurement)
    file, found = measure_anew(measurement, recipe, lab)
    if file != name:
        return f"is not the measurement that it says it is, which would be {file}"
    stored = document.get("result")
    if found == stored:
        return ""
    difference = relative_difference(stored, found)
    if difference <= AGREEMENT:
        return None
    return f"differs by {difference:.1%} from what is measured here"


def relative_difference(stored: Any, found: Any) -> float:
    """‖stored - found‖ / ‖found‖ over all numbers of two results; ∞ where their forms differ."""
    before, after = dict(_numbers(stored, "")), dict(_numbers(found, ""))
    if before.keys() != after.keys():
        return math.inf
    distance = math.dist(list(before.values()), list(after.values()))
    scale = math.hypot(*after.values())
    return distance / scale if scale else math.inf if distance else 0.0


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _numbers(each, f"{path}.{key}")
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _numbers(each, f"{path}.{position}")
    elif isinstance(value, int | float):
        yield path, float(value)
