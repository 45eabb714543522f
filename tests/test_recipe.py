import json
import math
import re
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from tic.data import CIFAR10, DATASETS, SVHN, CropFlip, Digits
from tic.errors import TicError
from tic.fitting import CosineSGD, Rule
from tic.kinds import describe
from tic.losses import AlphaLoss, MeanLoss, PrefixLoss
from tic.models import ARCHITECTURES, Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe

TINY = {"dataset": Digits(), "architecture": Spiking("tiny")}
DIGITS = Recipe(**TINY, augmentation=CropFlip())
PARENT = DIGITS.but(epochs=7)
CHANGED = {
    "dataset": SVHN(),
    "train_size": 100,
    "architecture": Spiking("resnet19"),
    "timesteps": 4,
    "loss": PrefixLoss(),
    "fitting": CosineSGD(learning_rate=0.1),
    "rules": (Pruning(0.5),),
    "epochs": 30,
    "batch_size": 64,
    "precision": "bf16",
    "augmentation": None,
    "checkpoints": 2,
    "seed": 1,
    "twin": 1,
    "parent": PARENT,
}
CHANGED_KINDS = {
    "tau": {"architecture": Spiking("tiny", tau=4.0)},
    "batch_norm": {"architecture": Spiking("tiny", batch_norm="stepwise")},
    "learning_rate": {"fitting": CosineSGD(learning_rate=0.1)},
    "momentum": {"fitting": CosineSGD(momentum=0.8)},
    "dampening": {"fitting": CosineSGD(dampening=0.1)},
    "weight_decay": {"fitting": CosineSGD(weight_decay=0.0)},
}

nonnegative = st.floats(0, 10)
architectures = st.builds(
    Spiking,
    st.sampled_from(ARCHITECTURES),
    tau=st.floats(0.1, 10) | st.integers(1, 10),
    batch_norm=st.sampled_from(["joint", "stepwise"]),
)
fittings = st.builds(
    CosineSGD,
    learning_rate=st.floats(1e-5, 2),
    momentum=st.floats(0.001, 0.999),
    dampening=st.floats(0, 0.999),
    weight_decay=nonnegative,
)
losses = (
    st.just(MeanLoss())
    | st.just(PrefixLoss())
    | st.builds(AlphaLoss, nonnegative, per=st.sampled_from(["batch", "sample"]))
)
prunings = st.builds(
    Pruning,
    st.floats(1e-9, 0.99),
    order=st.sampled_from(["magnitude", "random"]),
    scope=st.sampled_from(["global", "layer"]),
)
originals = st.fixed_dictionaries(
    {"dataset": st.sampled_from([*DATASETS.values()]), "architecture": architectures},
    optional={
        "train_size": st.none() | st.integers(1, 10**6),
        "timesteps": st.integers(1, 20),
        "loss": losses,
        "fitting": fittings,
        "epochs": st.integers(10, 400),
        "batch_size": st.integers(2, 512),
        "precision": st.sampled_from(["fp32", "bf16"]),
        "augmentation": st.sampled_from([CropFlip(), None]),
        "checkpoints": st.integers(1, 10),
        "seed": st.integers(0, 2**63 - 1),
    },
).map(lambda fields: Recipe(**fields))
recipes = originals | st.builds(
    lambda recipe, parent, rules: recipe.but(parent=parent, rules=tuple(rules)),
    originals,
    originals,
    st.lists(prunings, max_size=2),
)
HALVED = PARENT.but(parent=PARENT, rules=(Pruning(0.5),), timesteps=3)


def test_a_fingerprint_never_changes():
    # the start of sha256 of {"data":"digest","recipe":{"dataset":"digits"},"version":3}
    assert DIGITS.fingerprint("digest") == "41ab6929990ba7537b574e4d"
    pruned = DIGITS.but(
        loss=AlphaLoss(0.01),
        parent=PARENT,
        rules=(Pruning(0.5),),
        architecture=Spiking("tiny", tau=4 / 3),
        seed=3,
    )
    assert pruned.fingerprint("digest") == "717d067c78c1d5c6bdedbbc0"


@pytest.mark.parametrize(
    ("recipe", "fingerprint"),
    [
        (PARENT, "720578c27736d01c8535d266"),
        (DIGITS.but(parent=PARENT), "262bdf7d82d7fe672a85adc6"),
        (DIGITS.but(parent=PARENT, rules=(Pruning(0.96875),), seed=4), "a4507e84c683cb9e04376160"),
        (HALVED.but(parent=HALVED, rules=(Pruning(0.75),)), "5345495a72c0adc5e3e06f8b"),
        (DIGITS.but(loss=PrefixLoss(), seed=4), "898e6e8b717a7449063b6485"),
        (DIGITS.but(loss=AlphaLoss(0.2, "sample")), "e98241c9db9f372ffbcae576"),
        (
            Recipe(
                dataset=CIFAR10(),
                architecture=Spiking("resnet19"),
                timesteps=10,
                epochs=300,
                checkpoints=15,
                seed=2,
                augmentation=CropFlip(),
            ),
            "4d16e0aeaa7b1cc6e12c8fd7",
        ),
    ],
)
def test_a_fingerprint_knows_nothing_of_fields_that_came_later(recipe, fingerprint):
    assert recipe.fingerprint("digest") == fingerprint


def test_a_copy_with_nothing_changed_is_the_recipe_itself():
    assert HALVED.but(parent=PARENT, epochs=HALVED.epochs) is HALVED
    with pytest.raises(TicError, match="label"):
        HALVED.but(label=HALVED.label)


@pytest.mark.parametrize("field", CHANGED)
def test_the_fingerprint_depends_on_every_field(field):
    child = DIGITS.but(parent=HALVED)
    original = child if field == "rules" else DIGITS
    changed = original.but(**{field: CHANGED[field]})
    assert changed.fingerprint("digest") != original.fingerprint("digest")


@pytest.mark.parametrize("field", CHANGED_KINDS)
def test_the_fingerprint_depends_on_every_field_of_a_kind(field):
    changed = DIGITS.but(**CHANGED_KINDS[field])
    assert changed.fingerprint("digest") != DIGITS.fingerprint("digest")


def test_every_field_is_among_those_that_were_tried():
    assert set(CHANGED) == set(Recipe.model_fields)
    kinds = {each.name for kind in (Spiking, CosineSGD) for each in fields(kind)}
    assert {*CHANGED_KINDS, "network"} == kinds


def test_the_fingerprint_depends_on_the_level_of_the_alpha_loss_and_on_the_sparsity():
    levels = {DIGITS.but(loss=AlphaLoss(a)).fingerprint("digest") for a in (0, 1e-3, 1e-2)}
    assert len(levels) == 3
    per_sample = DIGITS.but(loss=AlphaLoss(1e-2, "sample")).fingerprint("digest")
    assert per_sample not in levels
    rules = ((), (Pruning(0.5),), (Pruning(0.75),))
    shares = {DIGITS.but(parent=PARENT, rules=each).fingerprint("digest") for each in rules}
    assert len(shares) == 3
    for change in ({"order": "random"}, {"scope": "layer"}):
        changed = HALVED.but(rules=(Pruning(0.5, **change),))
        assert changed.fingerprint("digest") != HALVED.fingerprint("digest")


def test_the_fingerprint_depends_on_the_order_of_rules():
    rules = (Pruning(0.5), Pruning(0.25, order="random"))
    both, reversed_ = (HALVED.but(rules=each) for each in (rules, rules[::-1]))
    alone = HALVED.but(rules=rules[:1])
    assert len({each.fingerprint("digest") for each in (both, reversed_, alone)}) == 3


def test_the_fingerprint_depends_on_the_bytes_of_the_data():
    assert DIGITS.fingerprint("one") != DIGITS.fingerprint("other")
    child = DIGITS.but(parent=PARENT)
    assert child.fingerprint("one") != child.fingerprint("other")


def test_the_fingerprint_depends_on_the_data_of_every_ancestor():
    child = DIGITS.but(parent=DIGITS.but(parent=DIGITS))
    data = [("own", "own"), ("other", "own"), ("own", "other")]
    assert len({child.fingerprint("own", ancestral) for ancestral in data}) == 3
    assert child.fingerprint("own", data[0]) == child.fingerprint("own")


def test_the_fingerprint_depends_on_every_ancestor():
    def descendant(epochs):
        return DIGITS.but(parent=DIGITS.but(parent=DIGITS.but(epochs=epochs)))

    assert descendant(5).fingerprint("digest") != descendant(6).fingerprint("digest")


@pytest.mark.parametrize("field", [f for f in Recipe.model_fields if f not in TINY])
def test_a_default_that_is_written_out_leaves_the_fingerprint_as_it_is(field):
    written = Recipe(**TINY, **{field: Recipe.model_fields[field].default})
    assert written.fingerprint("digest") == Recipe(**TINY).fingerprint("digest")


@pytest.mark.parametrize(
    ("whole", "real"),
    [
        ({"architecture": Spiking("tiny", tau=4)}, {"architecture": Spiking("tiny", tau=4.0)}),
        ({"loss": AlphaLoss(1)}, {"loss": AlphaLoss(1.0)}),
        (
            {"fitting": CosineSGD(learning_rate=1, weight_decay=0)},
            {"fitting": CosineSGD(learning_rate=1.0, weight_decay=0.0)},
        ),
    ],
)
def test_numbers_that_are_equal_give_equal_fingerprints(whole, real):
    whole, real = DIGITS.but(**whole), DIGITS.but(**real)
    assert whole.fingerprint("digest") == real.fingerprint("digest")
    assert whole.label == real.label
    assert whole.model_dump_json() == real.model_dump_json()


@given(recipes)
def test_a_recipe_survives_json(recipe):
    again = Recipe.model_validate_json(recipe.model_dump_json())
    assert again == recipe
    assert again.fingerprint("digest") == recipe.fingerprint("digest")


@given(recipes, recipes)
def test_different_recipes_have_different_fingerprints(one, other):
    assume(one != other)
    assert one.fingerprint("digest") != other.fingerprint("digest")


@given(recipes)
def test_a_fingerprint_is_twenty_four_hexadecimal_digits(recipe):
    fingerprint = recipe.fingerprint("digest")
    assert len(fingerprint) == 24
    assert set(fingerprint) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"architecture": Spiking("tiny")}, "dataset: Field required"),
        ({"dataset": Digits()}, "architecture: Field required"),
        (
            {**TINY, "learningrate": 1},
            "there is no field 'learningrate'; known fields: dataset, train_size, architecture",
        ),
        (
            {**TINY, "tau": 3.0},
            "there is no field 'tau'; known fields: dataset, train_size, architecture",
        ),
        ({**TINY, "timesteps": 0}, "timesteps: Input should be .* equal to 1, got 0"),
        ({**TINY, "epochs": 0}, "epochs: Input should be .* equal to 1, got 0"),
        ({**TINY, "batch_size": 1}, "batch_size: Input should be .* equal to 2, got 1"),
        (
            {**TINY, "dataset": "digits"},
            "dataset: must be of the class Dataset, such as .*, got 'digits'",
        ),
        ({**TINY, "dataset": Digits}, "dataset: must be of the class Dataset, .*, got <class"),
        (
            {**TINY, "dataset": PrefixLoss()},
            r"dataset: must be of the class Dataset, .*, got PrefixLoss\(\)",
        ),
        (
            {**TINY, "architecture": "tiny"},
            "architecture: must be of the class Architecture, .* got 'tiny'",
        ),
        (
            {**TINY, "architecture": None},
            "architecture: must be of the class Architecture, .*, got None",
        ),
        ({**TINY, "loss": "mse"}, "loss: must be of the class Loss, .*, got 'mse'"),
        (
            {**TINY, "fitting": Pruning(0.5)},
            "fitting: must be of the class Fitting, .*, got Pruning",
        ),
        ({**TINY, "rules": Pruning(0.5)}, "rules: Input should be a valid tuple, got Pruning"),
        (
            {**TINY, "rules": (MeanLoss(),)},
            r"rules.0: must be of the class Rule, .*, got MeanLoss\(\)",
        ),
        (
            {**TINY, "augmentation": "none"},
            "augmentation: must be of the class Augmentation, .*got 'none'",
        ),
        ({**TINY, "seed": -1}, "seed: Input should be .* equal to 0, got -1"),
        ({**TINY, "seed": 2**63}, f"seed: Input should be less than {2**63}"),
        ({**TINY, "train_size": 0}, "train_size: Input should be .* equal to 1, got 0"),
        (
            {**TINY, "rules": (Pruning(0.5),)},
            "pruned50.0% needs a parent whose weights it starts from$",
        ),
        (
            {**TINY, "rules": (Pruning(0.5, order="random"),)},
            "pruned50.0%-random needs a parent whose weights it starts from$",
        ),
        (
            {**TINY, "epochs": 3, "checkpoints": 4},
            "checkpoints must be at most epochs, got 4 and 3; change both",
        ),
        ({**TINY, "epochs": 0, "seed": -1}, "epochs: .*, got 0; seed: .*, got -1"),
        ({**TINY, "parent": {**TINY, "epochs": 0}}, "parent: .*epochs: .* got 0"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named_with_its_value(fields, message):
    with pytest.raises(TicError, match=rf"^not a valid Recipe: .*{message}") as caught:
        Recipe(**fields)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spiking("large"), "unknown architecture 'large'; known: alexnet, "),
        (lambda: Spiking("tiny", tau=0), "tau must be above 0 and finite, got 0$"),
        (lambda: Spiking("tiny", tau=math.nan), "Spiking: tau must be float, got nan$"),
        (lambda: Spiking("tiny", tau="2"), "Spiking: tau must be float, got '2'$"),
        (
            lambda: Spiking("tiny", batch_norm="both"),
            "batch_norm must be 'joint' or 'stepwise', got 'both'$",
        ),
        (lambda: CosineSGD(learning_rate=-0.1), "learning_rate must be above 0, got -0.1$"),
        (lambda: CosineSGD(momentum=1.0), r"momentum must be in \[0, 1\), got 1$"),
        (lambda: CosineSGD(dampening=1.0), r"dampening must be in \[0, 1\), got 1$"),
        (
            lambda: CosineSGD(momentum=0, dampening=0.1),
            r"dampening 0\.1 needs a momentum above 0, got 0$",
        ),
        (lambda: CosineSGD(weight_decay=-1), "weight_decay must be at least 0, got -1$"),
        (lambda: Pruning(1), r"sparsity must be in \(0, 1\), got 1; leave pruning out$"),
        (lambda: Pruning(0), r"sparsity must be in \(0, 1\), got 0; leave pruning out$"),
        (
            lambda: Pruning(0.5, order="global"),
            "order must be 'magnitude' or 'random', got 'global'$",
        ),
        (lambda: Pruning(0.5, scope="random"), "scope must be 'global' or 'layer', got 'random'$"),
        (lambda: AlphaLoss(-0.1), "alpha must be at least 0, as losses are, got -0.1$"),
        (lambda: AlphaLoss(math.inf), "AlphaLoss: alpha must be float, got inf$"),
        (lambda: AlphaLoss(None), "AlphaLoss: alpha must be float, got None$"),
        (lambda: AlphaLoss(1, "epoch"), "AlphaLoss: per must be 'batch' or 'sample', got 'epoch'$"),
    ],
)
def test_a_field_of_a_kind_that_breaks_a_rule_is_named_with_its_value(make, message):
    with pytest.raises(TicError, match=message):
        make()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({**TINY, "timesteps": 10_001}, "timesteps: .* equal to 10000, got 10001"),
        ({**TINY, "epochs": 10**30}, "epochs: .* equal to 1000000, got 1000"),
        ({**TINY, "batch_size": 10**10}, "batch_size: .* equal to 1000000000, got"),
        ({**TINY, "seed": 10**5000}, "seed: .*, got a number of 16610 bits$"),
        ({**TINY, "dataset": "d" * 300}, "dataset: must be of the class Dataset, .*, got 'ddd"),
        ({**TINY, "dataset": "\ud800"}, r"dataset: .*, got '\\ud800'$"),
        ({**TINY, "loss": 10**5000}, "loss: .*, got a number of 16610 bits$"),
        ({**TINY, "loss": "\x1b[31m"}, r"loss: .*, got '\\x1b\[31m'$"),
        (
            {**TINY, **dict.fromkeys("abcdefgh", 1)},
            "no field 'a'; .*; and 3 more; known fields: [a-z_, ]*$",
        ),
    ],
    ids=range(9),
)
def test_an_absurd_field_is_refused_in_one_short_line(fields, message):
    with pytest.raises(TicError, match=rf"^not a valid Recipe: .*{message}") as caught:
        Recipe(**fields)
    assert len(str(caught.value)) < 700


def text(**changes):
    """DIGITS as JSON with some fields changed."""
    return json.dumps({**DIGITS.model_dump(mode="json"), **changes})


def spiking(**changes):
    document = describe(Spiking("tiny"))
    return {**document, "fields": {**document["fields"], **changes}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Invalid JSON: EOF while parsing an object at line 1 column 1, got '{'"),
        ("[]", r"Input should be an object, got \[\]"),
        (text(epochs=0), "epochs: .*, got 0$"),
        (text(dataset="digits"), "dataset: must be of the class Dataset, .*, got 'digits'$"),
        (
            text(dataset={"kind": 3}),
            "dataset: a description must have kind and fields and nothing else, got",
        ),
        (
            text(dataset=describe(CropFlip())),
            "dataset: tic.data.augment:CropFlip is not of the class Dataset$",
        ),
        (
            text(architecture=spiking(tau=math.nan)),
            "architecture: tic.models.architecture:Spiking: tau must be float, got nan$",
        ),
        (
            text(architecture=spiking(tau=math.inf)),
            "architecture: tic.models.architecture:Spiking: tau must be float, got inf$",
        ),
        (
            text(architecture=spiking(tau=10**400)),
            "architecture: tic.models.architecture:Spiking: tau must be float, got 1000",
        ),
        (text(architecture=spiking(tau=-1.0)), "architecture: .* tau must be above 0 .* got -1$"),
        (
            text(architecture=spiking(depth=3)),
            "architecture: .*:Spiking must have the fields .*'depth'",
        ),
        (
            text(rules=[describe(Digits())]),
            "rules.0: tic.data.digits:Digits is not of the class Rule$",
        ),
        (
            text(parent=json.loads(text(epochs=0))),
            "parent: epochs: .*, got 0$",
        ),
        (b'{"dataset": "\xff"}', "Invalid JSON"),
    ],
)
def test_a_recipe_from_a_file_is_refused_in_one_sentence(text, message):
    with pytest.raises(TicError, match=rf"^not a valid Recipe: {message}") as caught:
        Recipe.model_validate_json(text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("not a valid Recipe") == 1


@pytest.mark.parametrize("value", [5, None, [], "digits", {"dataset": 3}])
def test_what_is_no_recipe_is_refused_when_it_is_validated(value):
    with pytest.raises(TicError, match=r"^not a valid Recipe: "):
        Recipe.model_validate(value)


def generations(count):
    fields = TINY
    for _ in range(count):
        fields = {**TINY, "parent": fields}
    return fields


def test_a_hundred_ancestors_are_followed():
    assert len(Recipe(**generations(100)).ancestors) == 100


@pytest.mark.parametrize("count", [101, 5000])
def test_more_ancestors_are_refused_before_they_are_followed(count):
    message = "^not a valid Recipe: parent: a Recipe must have at most 100 ancestors, got more$"
    with pytest.raises(TicError, match=message):
        Recipe(**generations(count))
    with pytest.raises(TicError, match=message):
        Recipe.model_validate(generations(count))


def test_more_ancestors_are_refused_from_a_file_and_one_by_one():
    eldest = json.dumps({name: describe(each) for name, each in TINY.items()})
    lines = (eldest[:-1] + ',"parent":') * 150, "}" * 150
    with pytest.raises(TicError, match="at most 100 ancestors"):
        Recipe.model_validate_json(eldest.join(lines))
    with pytest.raises(TicError, match="recursion limit exceeded"):
        Recipe.model_validate_json(("[" * 9999).join(lines))
    recipe = Recipe(**generations(100))
    with pytest.raises(TicError, match="at most 100 ancestors"):
        recipe.but(parent=recipe)


def test_fields_that_hold_themselves_are_refused():
    fields = {**TINY}
    fields["parent"] = fields
    with pytest.raises(TicError, match="at most 100 ancestors"):
        Recipe(**fields)


@pytest.mark.parametrize("field", ["weight_decay", "dampening", "momentum"])
def test_a_negative_zero_is_zero(field):
    negative, zero = (DIGITS.but(fitting=CosineSGD(**{field: each})) for each in (-0.0, 0.0))
    assert negative.fingerprint("digest") == zero.fingerprint("digest")
    assert negative.label == zero.label
    assert negative.model_dump_json() == zero.model_dump_json()


def test_a_negative_zero_is_no_level_of_the_alpha_loss():
    negative, zero = (DIGITS.but(loss=AlphaLoss(alpha)) for alpha in (-0.0, 0.0))
    assert negative.fingerprint("digest") == zero.fingerprint("digest")
    assert negative.label == zero.label


def test_a_change_is_validated_like_a_new_recipe():
    with pytest.raises(TicError, match=r"timesteps: .* got 0"):
        DIGITS.but(timesteps=0)
    with pytest.raises(TicError, match="there is no field"):
        DIGITS.but(leanring_rate=0.1)


def test_a_change_leaves_the_original_and_the_other_fields_alone():
    original = DIGITS.but(epochs=7, architecture=Spiking("tiny", tau=4.0))
    changed = original.but(architecture=Spiking("tiny", tau=3.0))
    taus = [each.architecture.tau for each in (original, changed)]
    assert (*taus, changed.epochs) == (4.0, 3.0, 7)


def test_a_recipe_cannot_be_written_to_and_can_be_a_key():
    with pytest.raises(ValidationError, match="frozen"):
        DIGITS.epochs = 3
    assert len({DIGITS, Recipe(**TINY, augmentation=CropFlip()), PARENT}) == 2


@pytest.mark.parametrize(
    ("epochs", "checkpoints", "kept"),
    [
        (60, 1, (60,)),
        (1, 1, (1,)),
        (60, 3, (0, 1, 20, 40, 60)),
        (300, 15, (0, 1, *range(20, 301, 20))),
        (10, 10, tuple(range(11))),
        (10, 3, (0, 1, 3, 7, 10)),  # 3.33, 6.67, 10
        (2, 2, (0, 1, 2)),
    ],
)
def test_checkpoints_are_spaced_evenly_up_to_the_last_epoch(epochs, checkpoints, kept):
    assert DIGITS.but(epochs=epochs, checkpoints=checkpoints).checkpoint_epochs == kept


@given(st.integers(1, 400), st.data())
def test_as_many_epochs_are_kept_as_were_asked_for(epochs, data):
    count = data.draw(st.integers(1, epochs))
    kept = DIGITS.but(epochs=epochs, checkpoints=count).checkpoint_epochs
    assert kept == tuple(sorted(set(kept)))
    assert kept[-1] == epochs
    spaced = [epoch for epoch in kept if epoch > 1]
    assert count - 1 <= len(spaced) <= count
    assert (kept[:2] == (0, 1)) == (count > 1)


def test_another_seed_is_another_seed_for_all_ancestors():
    grandchild = DIGITS.but(epochs=5, parent=DIGITS.but(epochs=6, parent=PARENT))
    other = grandchild.with_seed(3)
    assert [recipe.seed for recipe in (*other.ancestors, other)] == [3, 3, 3]
    assert [recipe.epochs for recipe in (*other.ancestors, other)] == [7, 6, 5]
    assert other.with_seed(0) == grandchild


@given(st.integers(0, 2**63 - 1))
def test_another_seed_makes_what_all_other_fields_make_with_it(seed):
    child = DIGITS.but(epochs=5, parent=PARENT)
    made = child.with_seed(seed)
    assert made == child.but(seed=seed, parent=PARENT.but(seed=seed))
    assert hash(made) == hash(child.but(seed=seed, parent=PARENT.but(seed=seed)))
    assert made.model_dump_json() == child.but(seed=seed, parent=made.parent).model_dump_json()


@pytest.mark.parametrize("seed", [-1, 2**63, "x", 0.5, None])
def test_what_is_no_seed_is_refused_in_whatever_way_it_is_given(seed):
    with pytest.raises(TicError, match="seed: "):
        DIGITS.with_seed(seed)


def test_ancestors_come_eldest_first():
    child = DIGITS.but(parent=PARENT)
    assert DIGITS.ancestors == ()
    assert DIGITS.but(parent=child).ancestors == (PARENT, child)


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "tiny-digits-T5-seed0"),
        ({"loss": PrefixLoss(), "seed": 4}, "tiny-digits-T5-prefix-seed4"),
        ({"twin": 2, "seed": 4}, "tiny-digits-T5-twin2-seed4"),
        ({"loss": AlphaLoss(0.01), "seed": 2}, "tiny-digits-T5-alpha0.01-seed2"),
        ({"loss": AlphaLoss(0.2, "sample")}, "tiny-digits-T5-alpha0.2-per-sample-seed0"),
        ({"architecture": Spiking("tiny", tau=4 / 3)}, "tiny-tau1.33-digits-T5-seed0"),
        (
            {"fitting": CosineSGD(learning_rate=0.03), "loss": PrefixLoss()},
            "tiny-digits-T5-lr0.03-prefix-seed0",
        ),
        (
            {
                "fitting": CosineSGD(weight_decay=1e-4),
                "architecture": Spiking("tiny", tau=4.0),
            },
            "tiny-tau4-digits-T5-wd0.0001-seed0",
        ),
        ({"fitting": CosineSGD(weight_decay=0.0)}, "tiny-digits-T5-wd0-seed0"),
        (
            {"fitting": CosineSGD(dampening=5e-4, weight_decay=0.0)},
            "tiny-digits-T5-damp0.0005-wd0-seed0",
        ),
        (
            {
                "architecture": Spiking("tiny", batch_norm="stepwise"),
                "loss": PrefixLoss(),
                "precision": "bf16",
            },
            "tiny-stepwise-digits-T5-prefix-bf16-seed0",
        ),
        (
            {"fitting": CosineSGD(momentum=0.8), "batch_size": 64, "epochs": 7},
            "tiny-digits-T5-seed0",
        ),
        (
            {
                "architecture": Spiking("resnet19"),
                "timesteps": 3,
                "parent": PARENT,
                "rules": (Pruning(0.96875),),
            },
            "resnet19-digits-T3-pruned96.9%-seed0",
        ),
        (
            {"parent": PARENT, "rules": (Pruning(0.5, order="random"),)},
            "tiny-digits-T5-pruned50.0%-random-seed0",
        ),
        (
            {"parent": PARENT, "rules": (Pruning(0.5, order="random", scope="layer"),)},
            "tiny-digits-T5-pruned50.0%-random-by-layer-seed0",
        ),
        ({"augmentation": CropFlip(), "precision": "bf16"}, "tiny-digits-T5-crop-flip-bf16-seed0"),
    ],
)
def test_the_label_says_what_matters_to_people(changes, label):
    assert DIGITS.but(**{"augmentation": None, **changes}).label == label


def test_a_twin_has_random_numbers_and_a_fingerprint_of_its_own():
    twins = [DIGITS.but(twin=number, seed=seed) for number in (0, 1, 2) for seed in (0, 1)]
    assert [twin.random_seed for twin in twins[:2]] == [0, 1]
    assert len({twin.random_seed for twin in twins}) == len(twins)
    assert len({twin.fingerprint("data") for twin in twins}) == len(twins)
    assert all(Recipe.model_validate_json(twin.model_dump_json()) == twin for twin in twins)


def test_a_recipe_that_is_no_twin_is_described_as_before_there_were_any():
    assert "twin" not in DIGITS.described()
    assert DIGITS.but(twin=1).described()["twin"] == 1


@dataclass(frozen=True)
class Misspelt(Rule):
    """A rule that no training ever calls."""

    def after_setp(self, fit):
        """Never run."""


def test_a_rule_that_nothing_calls_is_refused():
    with pytest.raises(
        TicError,
        match=r"Misspelt \(test_recipe.py:\d+\) must define start, before_epoch, before_step, "
        r"after_step",
    ):
        DIGITS.but(rules=(Misspelt(),))


def test_the_guide_to_packs_tells_every_field_and_what_it_is_without_being_stated():
    page = (Path(__file__).parents[1] / "docs" / "packs.md").read_text(encoding="utf-8")
    told = page[page.index("| field | what it is | default |") :].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", told)) >= set(Recipe.model_fields)
    plain = Recipe(dataset=Digits(), architecture=Spiking("tiny"))
    assert f"must be stated; {plain.timesteps} |" in told
    assert f"| {plain.epochs}; {plain.batch_size} |" in told
    assert f"rate {plain.fitting.learning_rate:g} falling to 0 along a cosine, momentum" in told
    assert f"momentum {plain.fitting.momentum:g}, weight decay 5e-4 |" in told
    assert plain.fitting.weight_decay == 5e-4
