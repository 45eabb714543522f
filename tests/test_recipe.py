import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from tic.errors import TicError
from tic.recipe import Recipe

DIGITS = Recipe(dataset="digits")
PARENT = DIGITS.but(epochs=7)
CHANGED = {
    "dataset": "svhn",
    "train_size": 100,
    "architecture": "resnet19",
    "timesteps": 4,
    "tau": 4.0,
    "loss": "prefix",
    "epochs": 30,
    "batch_size": 64,
    "learning_rate": 0.1,
    "momentum": 0.8,
    "dampening": 0.1,
    "weight_decay": 0.0,
    "batch_norm": "stepwise",
    "precision": "bf16",
    "augmentation": "none",
    "checkpoints": 2,
    "seed": 1,
    "parent": PARENT,
}

nonnegative = st.floats(0, 10)
plain = st.fixed_dictionaries(
    {"dataset": st.text(max_size=5)},
    optional={
        "train_size": st.none() | st.integers(1, 10**6),
        "architecture": st.sampled_from(["tiny", "resnet19"]),
        "timesteps": st.integers(1, 20),
        "tau": st.floats(0.1, 10),
        "epochs": st.integers(10, 400),
        "batch_size": st.integers(2, 512),
        "learning_rate": st.floats(1e-5, 2),
        "momentum": st.floats(0.001, 0.999),
        "dampening": st.floats(0, 0.999),
        "weight_decay": nonnegative,
        "batch_norm": st.sampled_from(["joint", "stepwise"]),
        "precision": st.sampled_from(["fp32", "bf16"]),
        "augmentation": st.sampled_from(["crop-flip", "none"]),
        "checkpoints": st.integers(1, 10),
        "seed": st.integers(0, 2**63 - 1),
    },
)
losses = st.sampled_from([{}, {"loss": "prefix"}]) | st.builds(
    lambda alpha: {"loss": "alpha", "alpha": alpha}, nonnegative
)
originals = st.builds(lambda fields, loss: Recipe(**fields, **loss), plain, losses)
recipes = originals | st.builds(
    lambda recipe, parent, share, pruning, scope: recipe.but(
        parent=parent,
        sparsity=share,
        pruning=pruning if share else "magnitude",
        pruning_scope=scope if share else "global",
    ),
    originals,
    originals,
    st.floats(0, 0.99),
    st.sampled_from(["magnitude", "random"]),
    st.sampled_from(["global", "layer"]),
)
HALVED = PARENT.but(parent=PARENT, sparsity=0.5, timesteps=3)


def test_a_fingerprint_never_changes():
    # the start of sha256 of {"data":"digest","recipe":{"dataset":"digits"},"version":3}
    assert DIGITS.fingerprint("digest") == "41ab6929990ba7537b574e4d"
    pruned = DIGITS.but(loss="alpha", alpha=0.01, parent=PARENT, sparsity=0.5, tau=4 / 3, seed=3)
    assert pruned.fingerprint("digest") == "717d067c78c1d5c6bdedbbc0"


@pytest.mark.parametrize(
    ("recipe", "fingerprint"),
    [
        (PARENT, "720578c27736d01c8535d266"),
        (DIGITS.but(parent=PARENT), "262bdf7d82d7fe672a85adc6"),
        (DIGITS.but(parent=PARENT, sparsity=0.96875, seed=4), "a4507e84c683cb9e04376160"),
        (HALVED.but(parent=HALVED, sparsity=0.75), "5345495a72c0adc5e3e06f8b"),
        (DIGITS.but(loss="prefix", seed=4), "898e6e8b717a7449063b6485"),
        (DIGITS.but(loss="alpha", alpha=0.2, alpha_per="sample"), "e98241c9db9f372ffbcae576"),
        (
            Recipe(
                dataset="cifar10",
                architecture="resnet19",
                timesteps=10,
                epochs=300,
                checkpoints=15,
                seed=2,
            ),
            "4d16e0aeaa7b1cc6e12c8fd7",
        ),
    ],
)
def test_a_fingerprint_knows_nothing_of_fields_that_came_later(recipe, fingerprint):
    assert recipe.fingerprint("digest") == fingerprint


@pytest.mark.parametrize("field", CHANGED)
def test_the_fingerprint_depends_on_every_field(field):
    changed = DIGITS.but(**{field: CHANGED[field]})
    assert changed.fingerprint("digest") != DIGITS.fingerprint("digest")


def test_every_field_is_among_those_that_were_tried():
    others = {"alpha", "alpha_per", "sparsity", "pruning", "pruning_scope"}
    assert set(CHANGED) | others == set(Recipe.model_fields)


def test_the_fingerprint_depends_on_the_level_of_the_alpha_loss_and_on_the_sparsity():
    levels = {DIGITS.but(loss="alpha", alpha=a).fingerprint("digest") for a in (0, 1e-3, 1e-2)}
    assert len(levels) == 3
    per_sample = DIGITS.but(loss="alpha", alpha=1e-2, alpha_per="sample").fingerprint("digest")
    assert per_sample not in levels
    shares = {DIGITS.but(parent=PARENT, sparsity=s).fingerprint("digest") for s in (0, 0.5, 0.75)}
    assert len(shares) == 3
    for change in ({"pruning": "random"}, {"pruning_scope": "layer"}):
        assert HALVED.but(**change).fingerprint("digest") != HALVED.fingerprint("digest")


def test_the_fingerprint_depends_on_the_bytes_of_the_data():
    assert DIGITS.fingerprint("one") != DIGITS.fingerprint("other")
    child = DIGITS.but(parent=PARENT)
    assert child.fingerprint("one") != child.fingerprint("other")


def test_the_fingerprint_depends_on_every_ancestor():
    def descendant(epochs):
        return DIGITS.but(parent=DIGITS.but(parent=DIGITS.but(epochs=epochs)))

    assert descendant(5).fingerprint("digest") != descendant(6).fingerprint("digest")


@pytest.mark.parametrize("field", [f for f in Recipe.model_fields if f != "dataset"])
def test_a_default_that_is_written_out_leaves_the_fingerprint_as_it_is(field):
    written = Recipe(**{"dataset": "digits", field: Recipe.model_fields[field].default})
    assert written.fingerprint("digest") == DIGITS.fingerprint("digest")


def test_numbers_that_are_equal_give_equal_fingerprints():
    assert DIGITS.but(tau=4).fingerprint("digest") == DIGITS.but(tau=4.0).fingerprint("digest")


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
        ({}, "dataset: Field required"),
        ({"dataset": "d", "learningrate": 1}, "learningrate: Extra inputs are not permitted"),
        ({"dataset": "d", "timesteps": 0}, "timesteps: Input should be .* equal to 1, got 0"),
        ({"dataset": "d", "epochs": 0}, "epochs: Input should be .* equal to 1, got 0"),
        ({"dataset": "d", "batch_size": 1}, "batch_size: Input should be .* equal to 2, got 1"),
        ({"dataset": "d", "tau": 0}, "tau: Input should be greater than 0, got 0"),
        ({"dataset": "d", "tau": float("nan")}, "tau: Input should be a finite number, got nan"),
        ({"dataset": "d", "learning_rate": -0.1}, "learning_rate: .* greater than 0, got -0.1"),
        ({"dataset": "d", "momentum": 1.0}, "momentum: Input should be less than 1, got 1.0"),
        ({"dataset": "d", "dampening": 1.0}, "dampening: Input should be less than 1, got 1.0"),
        (
            {"dataset": "d", "momentum": 0, "dampening": 0.1},
            r"dampening 0\.1 needs a momentum above 0, got 0$",
        ),
        ({"dataset": "d", "batch_norm": "both"}, "batch_norm: Input should be 'joint' or"),
        ({"dataset": "d", "weight_decay": -1}, "weight_decay: .* equal to 0, got -1"),
        ({"dataset": "d", "loss": "mse"}, "loss: Input should be 'mean', .* got 'mse'"),
        ({"dataset": "d", "augmentation": "flip"}, "augmentation: Input should be 'crop-flip'"),
        ({"dataset": "d", "seed": -1}, "seed: Input should be .* equal to 0, got -1"),
        ({"dataset": "d", "seed": 2**63}, f"seed: Input should be less than {2**63}"),
        ({"dataset": "d", "train_size": 0}, "train_size: Input should be .* equal to 1, got 0"),
        (
            {"dataset": "d", "parent": PARENT, "sparsity": 1},
            "sparsity: Input should be less than 1, got 1",
        ),
        (
            {"dataset": "d", "sparsity": 0.5},
            "sparsity 0.5 needs a parent whose weights are ranked$",
        ),
        (
            {"dataset": "d", "pruning": "random"},
            "pruning='random' needs a sparsity above 0, got 0$",
        ),
        (
            {"dataset": "d", "parent": PARENT, "pruning": "random"},
            "pruning='random' needs a sparsity above 0, got 0$",
        ),
        (
            {"dataset": "d", "parent": PARENT, "pruning_scope": "layer"},
            "pruning_scope='layer' needs a sparsity above 0, got 0$",
        ),
        (
            {"dataset": "d", "parent": PARENT, "sparsity": 0.5, "pruning": "global"},
            "pruning: Input should be 'magnitude' or 'random', got 'global'",
        ),
        (
            {"dataset": "d", "alpha": 0.1},
            "alpha goes with loss='alpha' and only with it, got loss='mean' and alpha=0.1$",
        ),
        ({"dataset": "d", "loss": "alpha"}, "got loss='alpha' and alpha=None"),
        (
            {"dataset": "d", "alpha_per": "sample"},
            "alpha_per='sample' needs loss='alpha', got 'mean'$",
        ),
        (
            {"dataset": "d", "loss": "alpha", "alpha": 1, "alpha_per": "epoch"},
            "alpha_per: Input should be 'batch' or 'sample', got 'epoch'",
        ),
        (
            {"dataset": "d", "epochs": 3, "checkpoints": 4},
            "checkpoints must be at most epochs, got 4 and 3",
        ),
        ({"dataset": "d", "epochs": 0, "tau": 0}, "tau: .*, got 0; epochs: .*, got 0"),
        ({"dataset": "d", "parent": {"dataset": "d", "epochs": 0}}, "parent: .*epochs: .* got 0"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named_with_its_value(fields, message):
    with pytest.raises(TicError, match=rf"^not a valid Recipe: .*{message}") as caught:
        Recipe(**fields)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dataset": "d", "timesteps": 10_001}, "timesteps: .* equal to 10000, got 10001"),
        ({"dataset": "d", "epochs": 10**30}, "epochs: .* equal to 1000000, got 1000"),
        ({"dataset": "d", "batch_size": 10**10}, "batch_size: .* equal to 1000000000, got"),
        ({"dataset": "d", "seed": 10**5000}, "seed: .*, got a number of 16610 bits$"),
        ({"dataset": "d" * 300}, "dataset: String should have at most 200 characters, got 'ddd"),
        ({"dataset": "\ud800"}, r"dataset: .* unicode string, got '\\ud800'$"),
        ({"dataset": "d", "tau": "\x1b[31m"}, r"tau: .*, got '\\x1b\[31m'$"),
        ({"dataset": "d", **dict.fromkeys("abcdefgh", 1)}, "a: Extra inputs .*; and 3 more$"),
    ],
    ids=range(8),
)
def test_an_absurd_field_is_refused_in_one_short_line(fields, message):
    with pytest.raises(TicError, match=rf"^not a valid Recipe: .*{message}") as caught:
        Recipe(**fields)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Invalid JSON: EOF while parsing an object at line 1 column 1, got '{'"),
        ("[]", r"Input should be an object, got \[\]"),
        ('{"dataset": "d", "epochs": 0}', "epochs: .*, got 0$"),
        ('{"dataset": "d", "tau": NaN}', "tau: Input should be a finite number, got nan$"),
        ('{"dataset": "d", "tau": Infinity}', "tau: Input should be a finite number, got inf$"),
        ('{"dataset": "d", "parent": {"dataset": "d", "epochs": 0}}', "parent: epochs: .*, got 0$"),
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
    fields = {"dataset": "d"}
    for _ in range(count):
        fields = {"dataset": "d", "parent": fields}
    return fields


def test_a_hundred_ancestors_are_followed():
    assert len(Recipe(**generations(100)).ancestors) == 100


@pytest.mark.parametrize("count", [101, 5000])
def test_more_ancestors_are_refused_before_they_are_followed(count):
    message = "^not a valid Recipe: parent: at most 100 may follow, got more$"
    with pytest.raises(TicError, match=message):
        Recipe(**generations(count))
    with pytest.raises(TicError, match=message):
        Recipe.model_validate(generations(count))


def test_more_ancestors_are_refused_from_a_file_and_one_by_one():
    text = '{"dataset":"d","parent":' * 150 + '{"dataset":"d"}' + "}" * 150
    with pytest.raises(TicError, match="at most 100 may follow"):
        Recipe.model_validate_json(text)
    with pytest.raises(TicError, match="recursion limit exceeded"):
        Recipe.model_validate_json(text.replace('{"dataset":"d"}', "[" * 9999))
    recipe = Recipe(**generations(100))
    with pytest.raises(TicError, match="at most 100 may follow"):
        recipe.but(parent=recipe)


def test_fields_that_hold_themselves_are_refused():
    fields = {"dataset": "d"}
    fields["parent"] = fields
    with pytest.raises(TicError, match="at most 100 may follow"):
        Recipe(**fields)


@pytest.mark.parametrize("field", ["weight_decay", "dampening", "momentum", "sparsity"])
def test_a_negative_zero_is_zero(field):
    negative = DIGITS.but(**{field: -0.0})
    assert negative.fingerprint("digest") == DIGITS.but(**{field: 0.0}).fingerprint("digest")
    assert negative.label == DIGITS.but(**{field: 0.0}).label


def test_a_negative_zero_is_no_level_of_the_alpha_loss():
    negative, zero = (DIGITS.but(loss="alpha", alpha=alpha) for alpha in (-0.0, 0.0))
    assert negative.fingerprint("digest") == zero.fingerprint("digest")
    assert negative.label == zero.label


def test_a_change_is_validated_like_a_new_recipe():
    with pytest.raises(TicError, match=r"timesteps: .* got 0"):
        DIGITS.but(timesteps=0)
    with pytest.raises(TicError, match="Extra inputs are not permitted"):
        DIGITS.but(leanring_rate=0.1)


def test_a_change_leaves_the_original_and_the_other_fields_alone():
    original = DIGITS.but(epochs=7, tau=4.0)
    changed = original.but(tau=3.0)
    assert (original.tau, changed.tau, changed.epochs) == (4.0, 3.0, 7)


def test_a_recipe_cannot_be_written_to_and_can_be_a_key():
    with pytest.raises(ValidationError, match="frozen"):
        DIGITS.epochs = 3
    assert len({DIGITS, Recipe(dataset="digits"), PARENT}) == 2


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


def test_ancestors_come_eldest_first():
    child = DIGITS.but(parent=PARENT)
    assert DIGITS.ancestors == ()
    assert DIGITS.but(parent=child).ancestors == (PARENT, child)


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "tiny-digits-T5-seed0"),
        ({"loss": "prefix", "seed": 4}, "tiny-digits-T5-prefix-seed4"),
        ({"loss": "alpha", "alpha": 0.01, "seed": 2}, "tiny-digits-T5-alpha0.01-seed2"),
        (
            {"loss": "alpha", "alpha": 0.2, "alpha_per": "sample"},
            "tiny-digits-T5-alpha0.2-per-sample-seed0",
        ),
        ({"tau": 4 / 3}, "tiny-digits-T5-tau1.33-seed0"),
        ({"learning_rate": 0.03, "loss": "prefix"}, "tiny-digits-T5-lr0.03-prefix-seed0"),
        ({"weight_decay": 1e-4, "tau": 4.0}, "tiny-digits-T5-tau4-wd0.0001-seed0"),
        ({"weight_decay": 0.0}, "tiny-digits-T5-wd0-seed0"),
        ({"dampening": 5e-4, "weight_decay": 0.0}, "tiny-digits-T5-damp0.0005-wd0-seed0"),
        (
            {"batch_norm": "stepwise", "loss": "prefix", "precision": "bf16"},
            "tiny-digits-T5-stepwise-prefix-bf16-seed0",
        ),
        ({"momentum": 0.8, "batch_size": 64, "epochs": 7}, "tiny-digits-T5-seed0"),
        (
            {"architecture": "resnet19", "timesteps": 3, "parent": PARENT, "sparsity": 0.96875},
            "resnet19-digits-T3-pruned96.9%-seed0",
        ),
        (
            {"parent": PARENT, "sparsity": 0.5, "pruning": "random"},
            "tiny-digits-T5-pruned50.0%-random-seed0",
        ),
        (
            {"parent": PARENT, "sparsity": 0.5, "pruning": "random", "pruning_scope": "layer"},
            "tiny-digits-T5-pruned50.0%-random-by-layer-seed0",
        ),
    ],
)
def test_the_label_says_what_matters_to_people(changes, label):
    assert DIGITS.but(**changes).label == label
