"""Claims: the decorator, the Recipes by role, and what their test's parameters change."""

import re
from dataclasses import dataclass

import pytest

from tic.audit import (
    Claim,
    Control,
    Gap,
    Pack,
    Paper,
    Protocol,
    Rival,
    Setting,
    claim,
    rival,
)
from tic.audit.claims import decided_by
from tic.audit.control import ONE_SEED, chained, given_out, mixed
from tic.data import CIFAR10, SVHN, Digits
from tic.errors import TicError
from tic.models import Spiking
from tic.plugin.state import claim_of
from tic.pruning import Pruning
from tic.recipe import Recipe

PAPER = Paper(key="other2024", title="T", authors="A", venue="V", year=2024, url="u")
OWN = Setting(Recipe(dataset=CIFAR10(), architecture=Spiking("resnet19")))
TINY = Setting(Recipe(dataset=Digits(), architecture=Spiking("tiny")), seeds=(0, 1, 2))
PACK = Pack(
    PAPER, {"resnet19": OWN, "tiny": TINY}, original="resnet19", default="tiny",
    places=("Fig. 1", "Fig. 4a", "Fig. 4b", "Fig. 4", "Table 1"),
)  # fmt: skip


def make(needs, source="Fig. 1", gaps=()):
    return Claim(PACK, "name", source, "It is.", "By it.", needs, gaps=gaps)


class Item:
    """What is asked of a collected test."""

    def __init__(self, test):
        self.marks = {mark.name: mark for mark in getattr(test, "pytestmark", [])}

    def get_closest_marker(self, name):
        return self.marks.get(name)


def test_the_decorator_leaves_the_test_a_function_that_knows_its_claim():
    @claim(PACK, "rise", source="Fig. 2", says="It rises.", rule="Above 0.", notes=("One.",))
    def test_rise():
        return "called"

    assert test_rise() == "called"
    decided = claim_of(Item(test_rise))
    assert decided == Claim(
        PACK, "rise", "Fig. 2", "It rises.", "Above 0.", None, 1, notes=("One.",)
    )
    assert decided.id == "other2024/rise"


def test_a_test_without_the_decorator_is_no_claim():
    assert claim_of(Item(lambda: None)) is None


def test_a_single_recipe_has_the_empty_role():
    assert make(lambda setting: setting.recipe).recipes(TINY, {}) == {"": TINY.recipe}


def test_recipes_keep_the_roles_that_needs_gave_them():
    needs = lambda setting: {"a": setting.recipe, "b": setting.recipe.but(timesteps=1)}  # noqa: E731
    recipes = make(needs).recipes(TINY, {})
    assert {role: recipe.timesteps for role, recipe in recipes.items()} == {"a": 5, "b": 1}


def test_needs_get_the_test_parameters_that_they_name_and_no_other():
    def needs(setting, timesteps):
        return setting.recipe.but(timesteps=timesteps)

    recipes = make(needs).recipes(TINY, {"timesteps": 3, "corruption": "blur"})
    assert recipes[""].timesteps == 3


def test_an_arithmetic_claim_needs_nothing():
    assert make(None).recipes(TINY, {"timesteps": 3}) == {}


def test_a_pack_gives_the_setting_of_an_architecture():
    assert PACK.setting("tiny") is TINY


def test_a_pack_tells_which_architectures_it_knows():
    with pytest.raises(TicError, match=r"'vgg16'; known: resnet19, tiny"):
        PACK.setting("vgg16")


@pytest.mark.parametrize(("own", "default"), [("vgg16", "tiny"), ("tiny", "vgg16")])
def test_a_pack_whose_own_or_default_setting_is_missing_is_refused(own, default):
    with pytest.raises(TicError, match="no setting for architecture 'vgg16'; known: tiny"):
        Pack(PAPER, {"tiny": TINY}, original=own, default=default)


def test_a_setting_changes_its_recipe_only():
    changed = TINY.but(timesteps=3)
    assert (changed.recipe, changed.seeds) == (TINY.recipe.but(timesteps=3), TINY.seeds)
    assert changed.label == "tiny-digits"


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("Fig. 1", ("fig1",)),
        ("Fig. 4a", ("fig4a", "fig4")),
        ("Fig. 4a, Eq. 7", ("fig4a", "fig4", "eq7")),
        ("Fig. 5a, Eq. 8-10", ("fig5a", "fig5", "eq8-10")),
        ("Table 1", ("table1",)),
        ("Discussion", ("discussion",)),
        ("Fig. 4a, Fig. 4b", ("fig4a", "fig4", "fig4b")),
        ("Fig. 12c, abstract", ("fig12c", "fig12", "abstract")),
    ],
)
def test_places_are_short_and_stand_with_and_without_the_panel(source, places):
    assert make(None, source).places == places


@pytest.mark.parametrize(
    ("source", "place"),
    [("Fig. 5a, Eq. 8-10", "fig5"), ("Table 1", "table1"), ("Fig. 1, x", "fig1")],
)
def test_the_place_is_the_first_without_its_panel(source, place):
    claim = make(None, source)
    assert claim.place == place


def test_figure_ten_is_not_figure_one():
    pack = Pack(
        PAPER, {"tiny": TINY}, original="tiny", default="tiny", places=("Fig. 1", "Fig. 10")
    )
    positions = [
        Claim(pack, "n", s, "", "", None).position for s in ("Fig. 1a", "Fig. 10", "Fig. 10b")
    ]
    assert positions == [0, 1, 1]


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("Fig. 1", 0),
        ("Fig. 1, Table 1", 0),
        ("Fig. 4b", 2),
        ("Fig. 4, text", 3),
        ("Table 1", 4),
        ("Discussion", 5),
        ("see Fig. 1", 5),
    ],
)
def test_a_claim_stands_where_the_paper_says_it_first_and_what_is_nowhere_comes_last(
    source, position
):
    assert make(None, source).position == position


def test_a_figure_without_the_panel_stands_after_its_panels_when_the_pack_says_so():
    order = ["Fig. 4, text", "Table 1", "Fig. 4b", "Fig. 1", "Fig. 4a"]
    claims = sorted((make(None, place) for place in order), key=lambda claim: claim.position)
    assert [claim.source for claim in claims] == [
        "Fig. 1", "Fig. 4a", "Fig. 4b", "Fig. 4, text", "Table 1",
    ]  # fmt: skip


def test_a_pack_without_an_order_leaves_all_claims_at_one_position():
    pack = Pack(PAPER, {"tiny": TINY}, original="tiny", default="tiny")
    positions = {Claim(pack, "n", s, "", "", None).position for s in ("Fig. 2", "Fig. 1", "Text")}
    assert positions == {0}


# Worlds in which it is false


PLANTED = Control("planted", "It is false.")


@pytest.mark.parametrize("control", ["untrained", mixed("a", "b"), lambda runs: runs])
def test_a_control_that_is_none_is_refused(control):
    with pytest.raises(TicError, match=r"controls of other2024/n must be worlds such as .*, got "):
        Claim(PACK, "n", "Fig. 1", "", "", None, controls=(PLANTED, control))


def test_a_single_control_that_is_no_tuple_is_refused_with_the_comma_that_it_lacks():
    with pytest.raises(TicError, match=r"must be a tuple, .*; write controls=\(UNTRAINED,\), with"):
        Claim(PACK, "n", "Fig. 1", "", "", None, controls=PLANTED)


@pytest.mark.parametrize("fixed", ["own", {"data": 1}, {1: "own"}, None])
def test_what_a_claim_fixes_is_parameters_and_their_values(fixed):
    message = 'fixed of other2024/n must be parameters and their values as text, such as {"data": '
    with pytest.raises(TicError, match=re.escape(message)):
        Claim(PACK, "n", "Fig. 1", "", "", None, fixed=fixed)


@pytest.mark.parametrize("name", ["", "two words", "a/b", "a,b", "a[b]", "line\n"])
def test_a_name_that_ids_and_options_cannot_hold_is_refused(name):
    with pytest.raises(TicError, match="the name of a claim must be one word without / , "):
        Claim(PACK, name, "Fig. 1", "", "", None)


@pytest.mark.parametrize("needed", [None, 3, [TINY.recipe], {"a": TINY.recipe, "b": 3}])
def test_needs_that_give_no_recipes_are_told_with_their_place(needed):
    def needs(setting):
        return needed

    line = needs.__code__.co_firstlineno
    message = rf"needs of .* \(audit/test_claims.py, line {line}\) must return a Recipe, or Recipes"
    with pytest.raises(TicError, match=message):
        make(needs).recipes(TINY, {})


@pytest.mark.parametrize(
    "plant",
    [
        mixed("a", "c"),
        given_out({"a": "c"}),
        given_out({"c": "a"}),
        chained(mixed("a", "b"), mixed("a", "c")),
    ],
)
def test_a_control_is_refused_with_the_needs_when_it_names_other_roles(plant):
    def needs(setting):
        return {"a": TINY.recipe, "b": TINY.recipe}

    def claim(*controls):
        return Claim(PACK, "n", "Fig. 1", "", "", needs, controls=controls)

    fits = Control("fits", "It is false.", chained(mixed("a", "b"), given_out({"a": "b"})))
    assert claim(fits).recipes(TINY, {}).keys() == {"a", "b"}
    message = (
        "the control odd of other2024/n: .* must name roles of the claim's needs, 'a', 'b', got "
        "'[ac]'(, '[ac]')?; mend the control"
    )
    with pytest.raises(TicError, match=message):
        claim(fits, Control("odd", "It is false.", plant)).recipes(TINY, {})


def test_a_control_whose_roles_cannot_be_read_is_an_error_of_its_author():
    odd = Control("odd", "It is false.", given_out(5))
    with pytest.raises(TicError, match=r"controls of other2024/n raised TypeError"):
        Claim(PACK, "n", "Fig. 1", "", "", lambda setting: TINY.recipe, controls=(odd,)).recipes(
            TINY, {}
        )


def test_a_kind_that_no_other_process_can_import_is_refused():
    @dataclass(frozen=True)
    class Inner(Spiking):
        pass

    message = (
        r"Inner \(test_claims.py:\d+\) must be defined at the top of a module .*<locals>.Inner"
    )
    with pytest.raises(TicError, match=message):
        make(lambda setting: setting.recipe.but(architecture=Inner("tiny"))).recipes(TINY, {})


def test_a_claim_that_rests_on_runs_is_also_tried_on_one_seed_counted_as_many():
    needs = lambda setting: setting.recipe  # noqa: E731
    own = Claim(PACK, "n", "Fig. 1", "", "", needs, controls=(PLANTED,))
    assert own.worlds == (PLANTED, ONE_SEED)
    arithmetic = Claim(PACK, "n", "Fig. 1", "", "", None, controls=(PLANTED,))
    assert arithmetic.worlds == (PLANTED,)


def test_the_decorator_keeps_the_controls():
    @claim(PACK, "n", source="Fig. 1", says="", rule="", controls=(PLANTED,))
    def test_n():
        pass

    assert decided_by(test_n).controls == (PLANTED,)
    assert decided_by(test_n).role == "claim"
    assert decided_by(test_n).attacked is False


# Rivals


def opposed(**fields):
    @rival(
        PACK, "chance", of=("rise", "fall"), source="Fig. 4a", says="It is chance.", rule="Below.",
        needs=lambda setting: setting.recipe, **fields,
    )  # fmt: skip
    def test_chance():
        return "called"

    return test_chance


def test_a_rival_is_a_claim_that_threatens_others():
    test = opposed(version=3, notes=("One.",), attacked=True)
    assert test() == "called"
    decided = decided_by(test)
    assert claim_of(Item(test)) is decided
    assert isinstance(decided, Rival)
    assert (decided.id, decided.role, decided.place) == ("other2024/chance", "rival", "fig4")
    assert (decided.version, decided.notes, decided.attacked) == (3, ("One.",), True)
    assert (decided.says, decided.rule) == ("It is chance.", "Below.")
    assert decided.recipes(TINY, {}) == {"": TINY.recipe}
    assert decided.protocols == decided.controls == ()


def test_a_rival_threatens_the_claims_it_names_or_the_one_that_its_parameter_picks():
    decided = decided_by(opposed())
    assert decided.threatens({}) == ("other2024/rise", "other2024/fall")
    assert decided.threatens({"level": "low"}) == ("other2024/rise", "other2024/fall")
    assert decided.threatens({"of": "fall", "level": "low"}) == ("other2024/fall",)


def test_pytest_can_tell_rivals_from_claims():
    (mark,) = opposed().pytestmark
    assert mark.kwargs == {
        "name": "chance", "paper": "other2024", "place": "fig4", "role": "rival",
    }  # fmt: skip


def test_a_test_that_decides_nothing_is_refused():
    def test_plain():
        pass

    with pytest.raises(TicError, match="test_plain decides no claim; decorate it with tic"):
        decided_by(test_plain)


A, B, C = (Protocol(name, f"As {name}.") for name in "abc")


def test_the_protocols_of_a_claim_are_those_of_its_gaps_each_once():
    gaps = (Gap("One.", (B, A)), Gap("Two."), Gap("Three.", (A, C)))
    assert make(None, gaps=gaps).protocols == (B, A, C)
    assert make(None, gaps=(Gap("Two."),)).protocols == ()


def test_recipes_follow_the_protocol_in_every_role_and_generation():
    slow = Protocol(
        "slow", "", alter=lambda recipe: recipe.but(architecture=Spiking("tiny", tau=4.0))
    )

    def needs(setting):
        return {
            "a": setting.recipe,
            "b": setting.recipe.but(parent=setting.recipe, rules=(Pruning(0.5),)),
        }

    recipes = make(needs).recipes(TINY, {}, slow)
    assert recipes["a"] == TINY.recipe.but(architecture=Spiking("tiny", tau=4.0))
    assert recipes["b"] == recipes["a"].but(parent=recipes["a"], rules=(Pruning(0.5),))
    assert make(needs).recipes(TINY, {})["a"] == TINY.recipe


@pytest.mark.parametrize(("limit", "size"), [(1436, 1436), (1437, None), (5000, None)])
def test_a_limit_at_or_beyond_the_data_set_is_the_training_on_all_images(limit, size):
    # The digits have 1437 training images.
    (recipe,) = make(lambda s: s.recipe).recipes(TINY.but(train_size=limit), {}).values()
    assert recipe == TINY.recipe.but(train_size=size)


def test_every_ancestor_has_the_identity_of_all_images_too():
    def needs(setting):
        child = setting.recipe.but(parent=setting.recipe, epochs=3)
        return child.but(parent=child, epochs=2)

    def identities(limit):
        recipe = make(needs).recipes(TINY.but(train_size=limit), {})[""]
        return [part.fingerprint("digest") for part in (*recipe.ancestors, recipe)]

    assert identities(1437) == identities(9999) == identities(None)
    assert not set(identities(1436)) & set(identities(None))


def test_a_limit_is_that_of_the_data_set_that_a_claim_brings():
    needs = lambda setting: setting.recipe.but(dataset=SVHN())  # noqa: E731
    assert make(needs).recipes(TINY.but(train_size=5000), {})[""].train_size == 5000
    assert make(needs).recipes(TINY.but(train_size=73_257), {})[""].train_size is None


def test_the_decorator_gives_pytest_the_name_and_the_paper_to_select_by():
    @claim(PACK, "rise", source="Fig. 4a", says="It rises.", rule="Above 0.")
    def test_rise():
        pass

    (mark,) = test_rise.pytestmark
    assert mark.kwargs == {
        "name": "rise", "paper": "other2024", "place": "fig4", "role": "claim",
    }  # fmt: skip
