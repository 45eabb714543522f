"""Measurements as JSON: back as they were, and nothing else is ever made."""

import json
import sys
from dataclasses import fields
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.kim2023.corruptions import EPSILON, GRADIENT_ATTACKS, STEP
from claims.kim2023.faults import FAULTS
from tic.attacks import (
    FGSM,
    PGD,
    AsDouble,
    Blur,
    GaussianNoise,
    RateBackward,
    Rescaled,
    SurrogateWidth,
    battery,
)
from tic.attacks.battery import Level
from tic.errors import TicError
from tic.losses import Readout
from tic.measure import catalogue, redrawn
from tic.measure.catalogue import (
    AccuracyMeasurement,
    DeficitMeasurement,
    FisherMeasurement,
    PerturbationMeasurement,
    RightMeasurement,
)
from tic.measure.description import describe, foreign_modules, restore
from tic.measure.fisher import Estimator
from tic.measure.measurement import Measurement

FAULTY = "claims.kim2023.faults"

shares = st.floats(0, 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(1, 10**6)
gradient_attacks = st.one_of(
    st.builds(FGSM, epsilon=shares),
    st.builds(PGD, epsilon=shares, step=shares, steps=counts, random_start=st.booleans()),
)
wrapped = st.recursive(
    gradient_attacks,
    lambda inner: st.one_of(
        st.builds(AsDouble, attack=inner),
        st.builds(RateBackward, attack=inner),
        st.builds(Rescaled, attack=inner, factor=st.floats(1e-6, 1e6) | counts),
        st.builds(SurrogateWidth, attack=inner, factor=st.floats(1e-6, 1e6)),
    ),
    max_leaves=3,
)
planted = st.sampled_from(sorted(FAULTS.values(), key=str)).flatmap(
    lambda fault: st.builds(fault, attack=gradient_attacks)
)
corruptions = st.one_of(
    st.none(),
    st.builds(GaussianNoise, share=st.floats(0, 1e9)),
    st.builds(Blur, factor=counts),
    wrapped,
    planted,
)
common = {
    "epoch": st.integers(0, 10**6),
    "timesteps": st.none() | counts,
    "size": st.none() | counts,
    "split": st.sampled_from(["train", "test"]),
}
measurements = st.one_of(
    st.builds(
        FisherMeasurement,
        **common,
        estimator=st.sampled_from(Estimator),
        readout=st.sampled_from(Readout),
    ),
    st.builds(AccuracyMeasurement, **common, corruption=corruptions),
    st.builds(RightMeasurement, **common, corruption=corruptions, source_seed=st.none() | counts),
    st.builds(DeficitMeasurement, **common, width=counts),
    st.builds(PerturbationMeasurement, **common, shares=st.lists(finite, max_size=4).map(tuple)),
)


def there_and_back(measurement, trusted=(FAULTY,)):
    return restore(json.loads(json.dumps(describe(measurement))), Measurement, trusted)


@given(measurements)
def test_what_is_described_comes_back_as_it_was(measurement):
    found = there_and_back(measurement)
    assert found == measurement
    # The key in the Store is made of the repr, in which 1 is not 1.0.
    assert repr(found) == repr(measurement)


@pytest.mark.parametrize("level", get_args(Level))
def test_every_attack_of_the_battery_comes_back(level):
    for member in battery(level, EPSILON, STEP):
        measurement = RightMeasurement(epoch=3, corruption=member.attack)
        assert repr(there_and_back(measurement, ())) == repr(measurement)


def test_every_kind_of_measurement_can_be_described():
    modules = (catalogue, redrawn)
    kinds = {each for module in modules for each in vars(module).values() if is_concrete(each)}
    needed = {"epoch": 1, "width": 2, "shares": (0.1,), "drawn": 7, "augmented": True, "seed": 3}
    assert len(kinds) > 8
    for kind in kinds:
        names = {each.name for each in fields(kind)}
        measurement = kind(**{name: value for name, value in needed.items() if name in names})
        assert there_and_back(measurement, ()) == measurement


def is_concrete(each):
    return isinstance(each, type) and issubclass(each, Measurement) and each is not Measurement


def test_a_description_names_kind_and_every_field():
    assert describe(AccuracyMeasurement(epoch=2, corruption=FGSM(epsilon=0.5))) == {
        "kind": "tic.measure.catalogue:AccuracyMeasurement",
        "fields": {
            "epoch": 2,
            "split": "test",
            "timesteps": None,
            "size": None,
            "corruption": {"kind": "tic.attacks.gradient:FGSM", "fields": {"epsilon": 0.5}},
            "batch_size": 256,
        },
    }
    fisher = describe(FisherMeasurement(epoch=2, estimator=Estimator.OFFICIAL))
    assert fisher["fields"]["estimator"] == "official"


@pytest.mark.parametrize(
    "share",
    [np.float64(0.5), float("nan"), float("inf"), [0.5], lambda: 0.5],
    ids=lambda each: type(each).__name__,
)
def test_what_would_not_come_back_the_same_is_not_described(share):
    measurement = AccuracyMeasurement(epoch=1, corruption=Odd(share))
    with pytest.raises(TicError, match=r"AccuracyMeasurement\.corruption.* must be a plain bool"):
        describe(measurement)


class Odd(GaussianNoise):
    """Noise that checks nothing."""

    def __init__(self, share):
        vars(self).update(share=share, seed=0)


def test_modules_outside_are_told_so_that_they_can_be_trusted():
    sound = AccuracyMeasurement(epoch=1, corruption=PGD())
    fault = AccuracyMeasurement(
        epoch=1, corruption=FAULTS["state-kept"](attack=GRADIENT_ATTACKS["pgd"])
    )
    assert foreign_modules(sound) == frozenset()
    assert foreign_modules(fault) == {FAULTY}
    assert there_and_back(fault, foreign_modules(fault)) == fault
    assert there_and_back(fault, ["claims"]) == fault


# From a stranger


def changed(**changes):
    document = describe(AccuracyMeasurement(epoch=2, corruption=FGSM()))
    return {**document, "fields": {**document["fields"], **changes}}


KIND = "tic.measure.catalogue:AccuracyMeasurement"
FOREIGN = {"kind": f"{FAULTY}:StateKept", "fields": {"attack": describe(PGD())}}
DEEP = describe(PGD())
for _ in range(20):
    DEEP = {"kind": "tic.attacks.variants:AsDouble", "fields": {"attack": DEEP}}
LONG = [[[[[[[[[[[[]]]]]]]]]]]]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "kind and fields and no more"),
        ([], "kind and fields and no more"),
        ({}, "kind and fields and no more"),
        ("AccuracyMeasurement(epoch=2)", "kind and fields and no more"),
        ({"kind": KIND}, "kind and fields and no more"),
        ({"kind": KIND, "fields": {}, "run": 1}, "kind and fields and no more"),
        ({"kind": 3, "fields": {}}, "module:name, got 3"),
        ({"kind": "tic", "fields": {}}, "module:name, got 'tic'"),
        ({"kind": "tic.:x", "fields": {}}, "module:name"),
        ({"kind": "../tic:x", "fields": {}}, "module:name"),
        ({"kind": "tic.measure.catalogue:Accuracy.take", "fields": {}}, "module:name"),
        ({"kind": "os:system", "fields": {}}, "no package that is trusted: tic"),
        ({"kind": "ticket.sales:Seat", "fields": {}}, "no package that is trusted"),
        ({"kind": "tic.absent:Thing", "fields": {}}, "not to be found here"),
        ({"kind": "tic.measure.catalogue:Absent", "fields": {}}, "not to be found here"),
        ({"kind": "tic.measure.catalogue:replace", "fields": {}}, "no dataclass of that module"),
        ({"kind": "tic.measure.catalogue:GaussianNoise", "fields": {}}, "no dataclass of that"),
        ({"kind": "tic.measure.catalogue:torch", "fields": {}}, "no dataclass of that module"),
        (describe(PGD()), "tic.attacks.gradient:PGD is no Measurement"),
        ({"kind": KIND, "fields": None}, "has the fields"),
        ({"kind": KIND, "fields": {"epoch": 2}}, "has the fields"),
        (changed(more=1), "has the fields"),
        (changed(epoch=2.0), r"epoch must be int, got 2\.0"),
        (changed(epoch=True), "epoch must be int, got True"),
        (changed(epoch="2"), "epoch must be int, got '2'"),
        (changed(split="valid"), "split must be .*, got 'valid'"),
        (changed(corruption="FGSM()"), "corruption must be Corruption"),
        (changed(corruption=[]), "corruption must be Corruption"),
        (changed(corruption=FOREIGN), "no package that is trusted"),
        (changed(corruption=changed()), "AccuracyMeasurement is no corruption"),
        (
            changed(corruption={"kind": "tic.lab:Lab", "fields": {"store_root": "/"}}),
            "tic.lab:Lab is no corruption",
        ),
        (
            changed(corruption={"kind": "tic.attacks.gradient:FGSM", "fields": {"epsilon": 9.0}}),
            r"epsilon is in pixel values and must be in \[0, 1\], got 9",
        ),
        (
            changed(corruption={"kind": "tic.attacks.gradient:FGSM", "fields": {"epsilon": []}}),
            r"epsilon must be float, got \[\]",
        ),
        (changed(corruption=DEEP), "at most 8 deep"),
        (changed(corruption=LONG), "at most 8 deep"),
    ],
)
def test_what_describes_no_measurement_is_refused(document, reason):
    with pytest.raises(TicError, match=reason):
        restore(document, Measurement)


def test_nothing_is_imported_that_is_not_trusted(tmp_path, monkeypatch):
    (tmp_path / "stranger.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TicError, match="no package that is trusted"):
        restore({"kind": "stranger:Thing", "fields": {}}, Measurement)
    assert "stranger" not in sys.modules


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(values)
def test_whatever_is_read_ends_in_a_sentence(value):
    with pytest.raises(TicError):
        restore(value, Measurement)


@given(st.sampled_from(["epoch", "split", "timesteps", "size", "corruption", "batch_size"]), values)
def test_whatever_stands_in_a_field_fits_or_ends_in_a_sentence(name, value):
    try:
        found = restore(changed(**{name: value}), Measurement)
    except TicError:
        return
    assert describe(found) == changed(**{name: value})
