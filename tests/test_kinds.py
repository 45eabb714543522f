"""Kinds as JSON: back as they were, told from each other, and nothing else is ever made."""

import json
import sys
from dataclasses import dataclass, fields, make_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.kim2023 import deficits, perturbation, redrawn
from claims.kim2023.corruptions import EPSILON, GRADIENT_ATTACKS, STEP
from claims.kim2023.deficits import DeficitMeasurement
from claims.kim2023.faults import FAULTS
from claims.kim2023.perturbation import PerturbationMeasurement
from tic.attacks import (
    FGSM,
    PGD,
    AsDouble,
    Blur,
    GaussianNoise,
    RateBackward,
    Rescaled,
    SurrogateWidth,
    attack_suite,
)
from tic.attacks.suite import Level
from tic.data import CropFlip, Digits
from tic.errors import TicError
from tic.kinds import (
    Kind,
    describe,
    flattened,
    foreign_modules,
    foreign_packages,
    identity,
    place,
)
from tic.losses import AlphaLoss, Loss, PrefixLoss, Readout
from tic.measure import confidence, fisher, permuted, robustness, tangent
from tic.measure.fisher import Estimator, FisherMeasurement
from tic.measure.measurement import Measurement
from tic.measure.robustness import AccuracyMeasurement, CorrectMeasurement
from tic.models import Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe
from tic.restoring import UntrustedError, restore, trusting

FAULTY = "claims.kim2023.faults"
PACK = "claims.kim2023"

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
    st.builds(CorrectMeasurement, **common, corruption=corruptions, source_seed=st.none() | counts),
    st.builds(DeficitMeasurement, **common, width=counts),
    st.builds(PerturbationMeasurement, **common, shares=st.lists(finite, max_size=4).map(tuple)),
)


def there_and_back(measurement, trusted=(PACK,)):
    return restore(json.loads(json.dumps(describe(measurement))), Measurement, trusted)


@given(measurements)
def test_what_is_described_comes_back_as_it_was(measurement):
    found = there_and_back(measurement)
    assert found == measurement
    # The key in the Store is made of the repr, in which 1 is not 1.0.
    assert repr(found) == repr(measurement)


@pytest.mark.parametrize("level", get_args(Level))
def test_every_attack_of_the_suite_comes_back(level):
    for member in attack_suite(level, EPSILON, STEP):
        measurement = CorrectMeasurement(epoch=3, corruption=member.attack)
        assert repr(there_and_back(measurement, ())) == repr(measurement)


def test_every_kind_of_measurement_can_be_described():
    modules = (confidence, fisher, permuted, robustness, tangent)
    modules += (deficits, perturbation, redrawn)
    kinds = {each for module in modules for each in vars(module).values() if is_concrete(each)}
    needed = {"epoch": 1, "width": 2, "shares": (0.1,), "drawn": 7, "seed": 3}
    needed["augmentation"] = CropFlip()
    needed["of"] = AccuracyMeasurement(epoch=1)
    needed["split"] = "test"
    assert len(kinds) > 8
    for kind in kinds:
        names = {each.name for each in fields(kind)}
        measurement = kind(**{name: value for name, value in needed.items() if name in names})
        assert there_and_back(measurement, ["claims"]) == measurement


def test_a_measurement_that_lay_elsewhere_is_found_where_it_is_now():
    former = describe(AccuracyMeasurement(epoch=2))
    former["kind"] = "tic.measure.catalogue:AccuracyMeasurement"
    assert restore(former, Measurement) == AccuracyMeasurement(epoch=2)


def is_concrete(each):
    return isinstance(each, type) and issubclass(each, Measurement) and each is not Measurement


def test_a_description_names_kind_and_every_field():
    assert describe(AccuracyMeasurement(epoch=2, corruption=FGSM(epsilon=0.5))) == {
        "kind": "tic.measure.robustness:AccuracyMeasurement",
        "fields": {
            "epoch": 2,
            "split": "test",
            "timesteps": None,
            "size": None,
            "corruption": {"kind": "tic.attacks.gradient:FGSM", "fields": {"epsilon": 0.5}},
            "batch_size": 256,
        },
    }
    fisher = describe(FisherMeasurement(epoch=2, estimator=Estimator.BATCH_MEAN))
    assert fisher["fields"]["estimator"] == "batch-mean"


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


KIND = "tic.measure.robustness:AccuracyMeasurement"
FOREIGN = {"kind": f"{FAULTY}:StateKept", "fields": {"attack": describe(PGD())}}
DEEP = describe(PGD())
for _ in range(20):
    DEEP = {"kind": "tic.attacks.variants:AsDouble", "fields": {"attack": DEEP}}
LONG = [[[[[[[[[[[[]]]]]]]]]]]]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "kind and fields and nothing else"),
        ([], "kind and fields and nothing else"),
        ({}, "kind and fields and nothing else"),
        ("AccuracyMeasurement(epoch=2)", "kind and fields and nothing else"),
        ({"kind": KIND}, "kind and fields and nothing else"),
        ({"kind": KIND, "fields": {}, "run": 1}, "kind and fields and nothing else"),
        ({"kind": 3, "fields": {}}, "module:name, got 3"),
        ({"kind": "tic", "fields": {}}, "module:name, got 'tic'"),
        ({"kind": "tic.:x", "fields": {}}, "module:name"),
        ({"kind": "../tic:x", "fields": {}}, "module:name"),
        ({"kind": "tic.measure.robustness:Accuracy.take", "fields": {}}, "module:name"),
        ({"kind": "os:system", "fields": {}}, "no package that is trusted: tic"),
        ({"kind": "ticket.sales:Seat", "fields": {}}, "no package that is trusted"),
        ({"kind": "tic.absent:Thing", "fields": {}}, "cannot be found here"),
        ({"kind": "tic.measure.robustness:Absent", "fields": {}}, "cannot be found here"),
        (
            {"kind": "tic.measure.robustness:percentage", "fields": {}},
            "not a dataclass of that module",
        ),
        ({"kind": "tic.measure.robustness:Corruption", "fields": {}}, "not a dataclass of that"),
        ({"kind": "tic.measure.robustness:torch", "fields": {}}, "not a dataclass of that module"),
        ({"kind": "tic.recipe:CosineSGD", "fields": {}}, "not a dataclass of that module"),
        (describe(PGD()), "tic.attacks.gradient:PGD is not of the class Measurement"),
        ({"kind": KIND, "fields": None}, "must have the fields"),
        ({"kind": KIND, "fields": {"epoch": 2}}, "must have the fields"),
        (changed(more=1), "must have the fields"),
        (changed(epoch=2.0), r"epoch must be int, got 2\.0"),
        (changed(epoch=True), "epoch must be int, got True"),
        (changed(epoch="2"), "epoch must be int, got '2'"),
        (changed(split="valid"), "split must be .*, got 'valid'"),
        (changed(corruption="FGSM()"), "corruption must be Corruption"),
        (changed(corruption=[]), "corruption must be Corruption"),
        (changed(corruption=FOREIGN), "no package that is trusted"),
        (changed(corruption=changed()), "corruption must be Corruption"),
        (
            changed(corruption={"kind": "tic.lab:Lab", "fields": {"store_root": "/"}}),
            "corruption must be Corruption",
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
        (changed(corruption=LONG), "corruption must be Corruption"),
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


# Kinds of a paper's own


class Distance(Enum):
    """How far a student is from its teacher."""

    SQUARED = "squared"
    ABSOLUTE = "absolute"


PREFIX = PrefixLoss()


@dataclass(frozen=True)
class DistilledLoss(Loss):
    """A loss that has all that a field may be."""

    teacher: Recipe
    inner: Loss = PREFIX
    weights: tuple[float, ...] = (1.0, 0.5)
    window: tuple[int, float] | None = None
    distance: Distance = Distance.SQUARED
    unit: Literal["nats", "bits"] = "nats"
    halves: Literal[1, 2] = 1
    hard: bool = False
    steps: int = 3
    temperature: float | None = None

    def __call__(self, logits, labels):
        return self.inner(logits, labels)


@dataclass(frozen=True)
class RevisedLoss(PrefixLoss):
    """A loss whose numbers are others than before."""

    version: ClassVar[int] = 2


HERE = __name__
TEACHER = Recipe(dataset=Digits(), architecture=Spiking("tiny", tau=3.0), epochs=7)
DISTILLED = DistilledLoss(
    TEACHER,
    inner=AlphaLoss(0.1),
    weights=(1, 0.25, 0.0),
    window=(2, 0.5),
    distance=Distance.ABSOLUTE,
    unit="bits",
    temperature=2,
)
STUDENT = TEACHER.but(loss=DISTILLED, parent=TEACHER, rules=(Pruning(0.5),))


def test_a_kind_of_ones_own_comes_back_as_it_was():
    document = json.loads(json.dumps(describe(DISTILLED)))
    found = restore(document, Loss, [HERE])
    assert found == DISTILLED
    assert (type(found.teacher), type(found.window), found.distance) == (
        Recipe,
        tuple,
        Distance.ABSOLUTE,
    )


def test_a_recipe_with_a_kind_of_ones_own_comes_back_from_json_where_it_is_trusted():
    text = STUDENT.model_dump_json()
    with trusting([HERE]):
        found = Recipe.model_validate_json(text)
    assert found == STUDENT
    assert found.fingerprint("digest") == STUDENT.fingerprint("digest")
    assert found.model_dump_json() == text
    with pytest.raises(UntrustedError, match=r"no package that is trusted: tic$") as caught:
        Recipe.model_validate_json(text)
    assert caught.value.module == HERE


def test_a_recipe_in_a_kind_is_no_way_around_trust():
    stranger = DistilledLoss(TEACHER.but(loss=RevisedLoss()))
    document = describe(stranger)
    document["fields"]["teacher"]["loss"]["kind"] = "os:system"
    with pytest.raises(UntrustedError, match="os:system is of no package that is trusted"):
        restore(document, Loss, [HERE])


def test_a_recipe_in_a_kind_is_checked_like_any_other():
    document = describe(DISTILLED)
    document["fields"]["teacher"]["epochs"] = 0
    with pytest.raises(TicError, match=r"not a valid Recipe: epochs: .*, got 0"):
        restore(document, Loss, [HERE])


def test_modules_and_packages_of_everything_within_a_recipe_are_told():
    assert foreign_modules(TEACHER) == frozenset()
    assert foreign_modules(STUDENT) == {HERE}
    assert foreign_packages(STUDENT) == {HERE}
    assert foreign_modules(TEACHER.but(parent=STUDENT)) == {HERE}
    fault = FAULTS["state-kept"](attack=PGD())
    assert foreign_packages((RevisedLoss(), fault)) == {HERE, "claims.kim2023"}


def test_an_identity_leaves_defaults_out_at_every_depth():
    assert identity(PrefixLoss()) == {"kind": "tic.losses:PrefixLoss", "fields": {}}
    assert identity(DistilledLoss(TEACHER, inner=AlphaLoss(0.1), steps=3)) == {
        "kind": f"{HERE}:DistilledLoss",
        "fields": {
            "teacher": {
                "dataset": {"kind": "tic.data.digits:Digits", "fields": {}},
                "architecture": {
                    "kind": "tic.models.architecture:Spiking",
                    "fields": {"network": "tiny", "tau": 3.0},
                },
                "epochs": 7,
            },
            "inner": {"kind": "tic.losses:AlphaLoss", "fields": {"alpha": 0.1}},
        },
    }


def flooding(*more):
    """A loss as its author has it at some time, with fields that came later."""
    kind = make_dataclass(
        "Flooding",
        [("level", float), *more],
        bases=(PrefixLoss,),
        frozen=True,
        namespace={"__module__": HERE},
    )
    kind.__module__ = HERE
    return kind


def test_a_field_that_is_added_with_a_default_changes_no_identity():
    older, newer = flooding()(0.5), flooding(("floor", float, 0.0))(0.5)
    assert identity(older) == identity(newer)
    assert describe(older) != describe(newer)
    one, other = (TEACHER.but(loss=each).fingerprint("digest") for each in (older, newer))
    assert one == other
    raised = flooding(("floor", float, 0.0))(0.5, floor=0.1)
    assert TEACHER.but(loss=raised).fingerprint("digest") != one


def test_a_version_belongs_to_the_identity_and_not_to_the_description(monkeypatch):
    assert identity(RevisedLoss()) == {
        "kind": f"{HERE}:RevisedLoss",
        "fields": {},
        "version": 2,
    }
    assert describe(RevisedLoss()) == {"kind": f"{HERE}:RevisedLoss", "fields": {}}
    recipes = [
        TEACHER.but(loss=RevisedLoss()),
        TEACHER.but(loss=DistilledLoss(TEACHER, inner=RevisedLoss())),
        TEACHER.but(loss=DistilledLoss(TEACHER.but(loss=RevisedLoss()))),
        TEACHER.but(parent=TEACHER.but(loss=RevisedLoss())),
    ]
    before = [each.fingerprint("digest") for each in recipes]
    monkeypatch.setattr(RevisedLoss, "version", 3)
    after = [each.fingerprint("digest") for each in recipes]
    assert len({*before, *after}) == 2 * len(recipes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DISTILLED, DISTILLED.but(weights=(1.0, 0.25, -0.0))),
        (DISTILLED, DISTILLED.but(temperature=2.0)),
        (DistilledLoss(TEACHER), DistilledLoss(TEACHER, weights=(1, 0.5))),
        (AlphaLoss(-0.0), AlphaLoss(0)),
    ],
)
def test_what_is_equal_is_identical_and_looks_the_same(one, other):
    assert one == other
    assert repr(one) == repr(other)
    for tell in (identity, describe):
        assert json.dumps(tell(one)) == json.dumps(tell(other))
    recipes = [TEACHER.but(loss=each) for each in (one, other)]
    assert recipes[0].fingerprint("digest") == recipes[1].fingerprint("digest")


def test_a_name_is_that_of_the_class_and_a_label_has_what_is_not_as_by_default():
    assert CropFlip().name == CropFlip().label == "crop-flip"
    assert Digits().name == Digits().label == "digits"
    assert RevisedLoss().name == "prefix"  # as its base has it
    assert DistilledLoss(TEACHER).name == "distilled-loss"
    told = DistilledLoss(TEACHER, weights=(1 / 3, 2.0), inner=AlphaLoss(0.1), hard=True)
    assert told.label == (
        "distilled-loss-teachertiny-tau3-digits-T5-seed0-inneralpha0.1-weights0.333333,2-hardTrue"
    )


def test_described_fields_are_laid_out_side_by_side():
    described_fields = DISTILLED.teacher.but(parent=TEACHER, rules=(Pruning(0.5),)).described()
    assert flattened(described_fields) == {
        "dataset": "Digits",
        "train_size": None,
        "architecture": "Spiking",
        "architecture.network": "tiny",
        "architecture.tau": 3.0,
        "architecture.batch_norm": "joint",
        "timesteps": 5,
        "loss": "MeanLoss",
        "fitting": "CosineSGD",
        "fitting.learning_rate": 0.3,
        "fitting.momentum": 0.9,
        "fitting.dampening": 0.0,
        "fitting.weight_decay": 5e-4,
        "rules.1": "Pruning",
        "rules.1.sparsity": 0.5,
        "rules.1.order": "magnitude",
        "rules.1.scope": "global",
        "epochs": 7,
        "batch_size": 128,
        "precision": "fp32",
        "augmentation": None,
        "checkpoints": 1,
        "seed": 0,
    }
    flat = flattened({"loss": describe(DISTILLED)})
    assert flat["loss"] == "DistilledLoss"
    assert flat["loss.inner"] == "AlphaLoss"
    assert flat["loss.inner.alpha"] == 0.1
    assert flat["loss.teacher.architecture.tau"] == 3.0
    assert flat["loss.weights.2"] == 0.25
    assert flat["loss.distance"] == "absolute"
    assert flattened({"rules": []}) == {"rules": None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teacher": "tiny"}, "DistilledLoss: teacher must be Recipe, got 'tiny'"),
        ({"teacher": describe(TEACHER)}, "teacher must be Recipe, got {"),
        ({"inner": CropFlip()}, r"inner must be Loss, got CropFlip\(\)"),
        ({"inner": PrefixLoss}, "inner must be Loss, got <class"),
        ({"weights": [1.0]}, r"weights must be tuple\[float, ...\], got \[1.0\]"),
        ({"weights": (1.0, "2")}, r"weights must be .*, got \(1.0, '2'\)"),
        ({"weights": (1.0, float("nan"))}, r"weights must be .*, got \(1.0, nan\)"),
        ({"weights": (1.0, np.float64(2))}, r"weights must be .*, got \(1.0, np.float64"),
        ({"window": (1,)}, r"window must be .*, got \(1,\)"),
        ({"window": (1.0, 1.0)}, r"window must be .*, got \(1.0, 1.0\)"),
        ({"distance": "squared"}, "distance must be Distance, got 'squared'"),
        ({"unit": "bans"}, "unit must be 'nats' or 'bits', got 'bans'"),
        ({"halves": 2.0}, "halves must be 1 or 2, got 2.0"),
        ({"halves": True}, "halves must be 1 or 2, got True"),
        ({"hard": 1}, "hard must be bool, got 1"),
        ({"steps": 3.0}, "steps must be int, got 3.0"),
        ({"steps": True}, "steps must be int, got True"),
        ({"temperature": "hot"}, "temperature must be float | None, got 'hot'"),
        ({"temperature": 10**400}, "temperature must be float | None, got 1000"),
        ({"warmth": 3.0}, "DistilledLoss has no field 'warmth'; it has teacher, inner, weights, "),
    ],
)
def test_a_field_of_another_type_is_refused_when_it_is_made(changes, message):
    with pytest.raises(TicError, match=message):
        DISTILLED.but(**changes)


@dataclass(frozen=True)
class AnyLoss(PrefixLoss):
    """A loss with a field of which nobody knows what it holds."""

    what: Any = 3


def test_a_field_of_any_type_is_refused():
    with pytest.raises(TicError, match="AnyLoss: what must be declared with the type of its"):
        AnyLoss()


def test_a_kind_without_fields_has_none_to_change():
    with pytest.raises(TicError, match=r"CropFlip has no field 'padding'; it has none$"):
        CropFlip().but(padding=2)


@dataclass(frozen=True)
class ListedLoss(PrefixLoss):
    """A loss with a field that cannot be kept."""

    levels: list[float]

    __hash__ = None


class Bare(PrefixLoss):
    """A loss that is no dataclass of its own, whose fields nobody would see."""

    def __init__(self, level):
        vars(self).update(level=level)


def test_a_field_that_cannot_be_kept_is_refused_by_the_recipe():
    with pytest.raises(TicError, match=r"loss: ListedLoss.levels must be a plain .* got \[0.5\]"):
        TEACHER.but(loss=ListedLoss([0.5]))


def test_a_kind_that_is_no_dataclass_of_its_own_is_refused_by_the_recipe():
    with pytest.raises(TicError, match=r"loss: Bare must be a frozen dataclass; write @dataclass"):
        TEACHER.but(loss=Bare(0.5))


@dataclass
class ThawedLoss(Loss):
    """A loss that can be written to."""

    level: float = 0.5

    def __call__(self, logits, labels):
        return logits.sum()


def test_a_kind_that_is_not_frozen_is_refused_by_the_recipe():
    with pytest.raises(TicError, match="ThawedLoss must be a frozen dataclass; write"):
        TEACHER.but(loss=ThawedLoss())


def test_a_place_names_file_and_line_for_whoever_wrote_it():
    name, _, line = place(DISTILLED).rpartition(":")
    assert name == "DistilledLoss (test_kinds.py"
    source = Path(__file__).read_text().splitlines()
    assert "class DistilledLoss" in "".join(source[int(line[:-1]) - 1 :][:2])
    typed = type("TypedLoss", (Kind,), {"__module__": "nowhere"})()
    assert place(typed) == "TypedLoss"


@pytest.mark.parametrize("name", ["name", "label", "version"])
def test_a_field_that_hides_what_every_kind_has_is_refused_where_it_is_written(name):
    with pytest.raises(TicError, match=f"a field of Odd must not be called '{name}'"):
        type("Odd", (Kind,), {"__annotations__": {name: "str"}})
