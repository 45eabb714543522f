"""Options of an audit: what they change, and the sentence that refuses each."""

import argparse
import dataclasses
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from tic.attacks import Level
from tic.audit import Claim, Gap, Pack, Paper, Protocol, Setting
from tic.audit.pack import Lacking
from tic.audit.protocol import STANDARD
from tic.data import CIFAR10, DATASETS, Dataset, Digits
from tic.data.events import MovingImages
from tic.errors import TicError
from tic.kinds import describe
from tic.models import Spiking
from tic.plugin.options import LEVELS
from tic.recipe import Recipe
from tic.restoring import UntrustedError
from tic.session.options import Options, read_options, store_folder

PAPER = Paper(key="other2024", title="T", authors="A", venue="V", year=2024, url="u")
OWN = Setting(
    Recipe(dataset=CIFAR10(), architecture=Spiking("resnet19"), timesteps=10),
    sizes={"fisher": 1616},
)
TINY = Setting(
    Recipe(dataset=Digits(), architecture=Spiking("tiny"), train_size=1000),
    seeds=(0, 1, 2),
    sizes={"fisher": 300, "test": 200},
)
PACK = Pack(PAPER, {"resnet19": OWN, "tiny": TINY}, original="resnet19", default="tiny")
NOTHING = {
    "arch": None, "dataset": None, "timesteps": None, "epochs": None, "seeds": None,
    "train_size": None, "paper": None,
        "claim": None, "fisher_size": None, "test_size": None, "protocol": None,
    "attacks": None, "attack_size": None, "precision": None, "gpus": None, "plan": False, "set": [],
    "store": None, "data": None, "report_dir": None, "budget": None,
    "write_pilots": False, "build": False, "list": None,
}  # fmt: skip


def read(**asked):
    return read_options(argparse.Namespace(**NOTHING | asked))


def settings(**asked):
    return read(**asked).settings(PACK)


def only(**asked):
    (setting,) = settings(**asked)
    return setting


def test_nothing_asked_is_nothing_changed():
    assert read() == Options()
    assert settings() == [TINY]


def test_an_architecture_brings_its_own_setting():
    assert only(arch="resnet19") == OWN


def test_the_settings_are_every_architecture_with_every_data_set():
    found = settings(arch="tiny, resnet19", dataset="digits,svhn")
    assert [each.label for each in found] == [
        "tiny-digits", "tiny-svhn", "resnet19-digits", "resnet19-svhn",
    ]  # fmt: skip


def test_the_options_override_the_recipe():
    recipe = only(timesteps="3", epochs="7", precision="bf16").recipe
    assert recipe == TINY.recipe.but(timesteps=3, epochs=7, precision="bf16")


def test_zeros_in_front_of_a_number_do_not_matter():
    assert only(timesteps="0" * 40 + "3").recipe.timesteps == 3


@pytest.mark.parametrize(
    ("asked", "environment", "folder"),
    [(Path("here"), "there", "here"), (None, "there", "there"), (None, "", ".tic")],
)
def test_the_store_is_where_it_was_asked_for_or_where_the_environment_says(
    monkeypatch, asked, environment, folder
):
    monkeypatch.setenv("TIC_STORE", environment)
    assert store_folder(argparse.Namespace(store=asked)) == Path(folder)


def test_a_store_that_the_environment_names_is_looked_at_too(monkeypatch):
    monkeypatch.setenv("TIC_STORE", "/dev/null")
    with pytest.raises(TicError, match="--store must name a folder, got '/dev/null'"):
        read()


def test_seeds_are_counted_from_zero():
    assert only(seeds="4").seeds == (0, 1, 2, 3)


def test_seeds_may_be_named_by_the_first_and_the_last():
    assert only(seeds="5-9").seeds == (5, 6, 7, 8, 9)
    assert only(seeds="0-0").seeds == (0,)


@pytest.mark.parametrize("text", ["9-5", "0-1000", "5-", "-5", "1-2-3", "a-b", "0-10000000"])
def test_seeds_that_are_no_range_are_refused(text):
    with pytest.raises(TicError, match="--seeds must"):
        read(seeds=text)


@pytest.mark.parametrize(("asked", "size"), [("40", 40), ("all", None), (None, 1000)])
def test_the_number_of_training_images(asked, size):
    assert only(train_size=asked).recipe.train_size == size


@pytest.mark.parametrize(("asked", "size"), [("40", 40), ("5000", 5000), ("all", None)])
def test_the_number_of_images_in_a_measurement_is_a_limit(asked, size):
    assert only(fisher_size=asked) == dataclasses.replace(
        TINY, sizes={**TINY.sizes, "fisher": size}
    )
    assert only(test_size=asked) == dataclasses.replace(TINY, sizes={**TINY.sizes, "test": size})


@pytest.mark.parametrize(("asked", "size"), [("40", 40), ("5000", 5000), ("all", None)])
def test_the_number_of_images_of_the_suite_is_a_limit(asked, size):
    assert only(attack_size=asked) == dataclasses.replace(
        TINY, sizes={**TINY.sizes, "attack": size}
    )


@pytest.mark.parametrize("level", get_args(Level))
def test_the_level_of_the_suite_is_the_one_that_was_asked_for(level):
    assert only(attacks=level) == dataclasses.replace(TINY, attacks=level)
    own = dataclasses.replace(TINY, attacks="full", sizes={**TINY.sizes, "attack": 7})
    pack = dataclasses.replace(PACK, settings={"tiny": own}, original="tiny")
    assert read().settings(pack) == [own]


def test_the_levels_that_pytest_offers_are_those_of_the_suite():
    assert get_args(Level) == LEVELS


def test_limits_do_not_depend_on_the_data_set():
    for dataset in ("digits", "cifar10"):
        found = only(dataset=dataset)
        assert (found.recipe.train_size, found.sizes) == (1000, {"fisher": 300, "test": 200})
    assert only(train_size="100").sizes["fisher"] == 300


COUNT = "must be a whole number of at least 1"
REFUSED = [
    ({"timesteps": "0"}, f"--timesteps {COUNT}, got '0'"),
    ({"timesteps": "2.5"}, f"--timesteps {COUNT}, got '2.5'"),
    ({"epochs": "-3"}, f"--epochs {COUNT}, got '-3'"),
    ({"epochs": ""}, f"--epochs {COUNT}, got ''"),
    ({"seeds": "²"}, f"--seeds {COUNT} or FIRST-LAST, got '²'"),
    ({"seeds": "0"}, f"--seeds {COUNT} or FIRST-LAST, got '0'"),
    ({"train_size": "some"}, f"--train-size {COUNT} or all, got 'some'"),
    ({"fisher_size": "0"}, f"--fisher-size {COUNT} or all, got '0'"),
    ({"fisher_size": "All"}, f"--fisher-size {COUNT} or all, got 'All'"),
    ({"test_size": "1e3"}, f"--test-size {COUNT} or all, got '1e3'"),
    ({"attack_size": "0"}, f"--attack-size {COUNT} or all, got '0'"),
    ({"gpus": "8"}, "--gpus goes with --plan, whose schedule it simulates, got --gpus 8 alone"),
    ({"gpus": "8,0", "plan": True}, f"--gpus {COUNT}, got '0'"),
    ({"gpus": "8,8", "plan": True}, "--gpus needs distinct names separated by commas, got '8,8'"),
    ({"protocol": ","}, "--protocol needs distinct names separated by commas, got ','"),
    ({"protocol": "a,a"}, "--protocol needs distinct names separated by commas, got 'a,a'"),
    ({"arch": ""}, "--arch needs distinct names separated by commas, got ''"),
    ({"arch": "tiny,tiny"}, "--arch needs distinct names separated by commas, got 'tiny,tiny'"),
    ({"dataset": ""}, "--dataset needs distinct names separated by commas, got ''"),
    ({"claim": " , "}, "--claim needs distinct names separated by commas, got ' , '"),
    ({"timesteps": "10001"}, "--timesteps must be at most 10000, got '10001'"),
    ({"epochs": "9" * 5000}, "--epochs must be at most 1000000, got '9999"),
    ({"test_size": "1" * 40}, "--test-size must be at most 1000000000 or all, got '1111"),
    ({"gpus": "1000001", "plan": True}, "--gpus must be at most 1000000, got '1000001'"),
    ({"store": Path("a\0b")}, r"--store must name a folder, got 'a\x00b' (no folder can"),
    ({"data": Path("/dev/null/x")}, "--data must name a folder, got '/dev/null/x' ("),
    ({"report_dir": Path("/dev/null")}, "--report-dir must name a folder, got '/dev/null' ("),
]


@pytest.mark.parametrize(("asked", "sentence"), REFUSED)
def test_what_is_out_of_range_is_refused_in_one_sentence(asked, sentence):
    with pytest.raises(TicError) as refused:
        read(**asked)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_setting_that_the_pack_does_not_have_stands_in_its_place_with_the_reason():
    ours, missing = settings(arch="tiny,vgg16")
    assert ours == TINY
    reason = "other2024 has no setting for architecture 'vgg16'; known: resnet19, tiny"
    assert missing == Lacking({"network": "vgg16"}, reason)
    assert [each.label for each in settings(arch="vgg16", dataset="digits,svhn")] == [
        "vgg16-digits", "vgg16-svhn",
    ]  # fmt: skip


def test_a_data_set_that_the_pack_does_not_have_is_a_setting_that_is_not_there():
    ours, missing = settings(dataset="digits,mnist")
    assert ours == TINY
    reason = (
        "other2024 has no data set 'mnist'; known: cifar10, cifar100, digits, fashion-mnist, svhn"
    )
    assert missing == Lacking({"network": "tiny", "data set": "mnist"}, reason)


@dataclasses.dataclass(frozen=True)
class Halved(Dataset):
    """The digits under another name, as a paper would bring data of its own."""

    @property
    def facts(self):
        return dataclasses.replace(Digits().facts, name="halved", train_size=700)

    def load(self, split, root=None, *, download=True):
        return dataclasses.replace(Digits().load(split).take(700), facts=self.facts)


def test_a_pack_may_have_data_sets_of_its_own():
    pack = dataclasses.replace(PACK, datasets={"halved": Halved(), "digits": Digits()})
    ours, missing = read(dataset="halved,svhn").settings(pack)
    assert ours.recipe == TINY.recipe.but(dataset=Halved())
    assert ours.label == "tiny-halved"
    assert missing.reason == "other2024 has no data set 'svhn'; known: digits, halved"
    (refused,) = read(dataset="halved", train_size="701").settings(pack)
    assert refused.reason == (
        "--train-size must be at most the 700 training images of halved, got 701; "
        "use --train-size all"
    )


def test_more_training_images_than_the_data_set_has_are_a_setting_that_is_not_there():
    missing = only(train_size="1798")
    assert missing.label == "tiny-digits"
    assert missing.reason == (
        "--train-size must be at most the 1797 training images of digits, got 1798; "
        "use --train-size all"
    ).replace("1797", str(DATASETS["digits"].facts.train_size))


@pytest.mark.parametrize(
    ("patterns", "selected"),
    [
        (None, True),
        ("alpha-accuracy", True),
        ("alpha-*", True),
        ("other2024/alpha-accuracy", True),
        ("other2024/*", True),
        ("pruning,alpha*", True),
        ("alpha", False),
        ("Alpha-*", False),
        ("kim2023/*", False),
    ],
)
def test_claims_are_selected_by_patterns_of_their_name_or_id(patterns, selected):
    claim = Claim(PACK, "alpha-accuracy", "Fig. 5", "It is.", "By it.", None)
    assert read(claim=patterns).selects(claim) is selected


PLACES = [
    ("fig4a", "Fig. 4a", True),
    ("fig4", "Fig. 4a", True),
    ("fig4b", "Fig. 4a", False),
    ("fig4?", "Fig. 4a", True),
    ("fig4a", "Fig. 4", False),
    ("eq7", "Fig. 4a, Eq. 7", True),
    ("fig4", "Fig. 4a, Eq. 7", True),
    ("fig1", "Fig. 10", False),
    ("eq8-10", "Fig. 5a, Eq. 8-10", True),
    ("table1", "Table 1", True),
    ("discussion", "Discussion", True),
    ("Fig. 4a", "Fig. 4a", False),
]


@pytest.mark.parametrize(("pattern", "source", "selected"), PLACES)
def test_claims_are_selected_by_their_place_with_and_without_the_panel(pattern, source, selected):
    claim = Claim(PACK, "name", source, "It is.", "By it.", None)
    assert read(claim=pattern).selects(claim) is selected


FIRST, SECOND, OTHER = (Protocol(name, "") for name in ("first", "second", "other"))
TOUCHED = Claim(
    PACK, "name", "Fig. 5", "It is.", "By it.", None,
    gaps=(Gap("One.", (FIRST,)), Gap("Two.", (SECOND,))),
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "protocols"),
    [
        (None, [STANDARD]),
        ("standard", [STANDARD]),
        ("first", [FIRST]),
        ("second,standard,first", [STANDARD, FIRST, SECOND]),
        ("all", [STANDARD, FIRST, SECOND]),
        ("other", [STANDARD]),
        ("other,second", [SECOND]),
    ],
)
def test_a_claim_is_judged_by_the_protocols_that_were_asked_for_and_concern_it(asked, protocols):
    assert read(protocol=asked).protocols_of(TOUCHED) == protocols


@pytest.mark.parametrize("asked", [None, "all", "first", "standard,other"])
def test_a_claim_without_protocols_is_judged_by_the_standard_one(asked):
    plain = Claim(PACK, "name", "Fig. 5", "It is.", "By it.", None, gaps=(Gap("Open."),))
    assert read(protocol=asked).protocols_of(plain) == [STANDARD]


@pytest.mark.parametrize("asked", [None, "standard", "all", "first", "second,standard"])
def test_known_protocols_are_accepted(asked):
    read(protocol=asked).require_protocols({"second", "first"})


def test_an_unknown_protocol_is_refused_with_those_that_are_known():
    with pytest.raises(TicError) as refused:
        read(protocol="first,frist").require_protocols({"second", "first"})
    assert str(refused.value) == (
        "--protocol does not know 'frist'; known: standard, first, second, all"
    )


def test_a_size_that_is_for_nothing_in_a_pack_changes_nothing_there():
    plain = dataclasses.replace(TINY, sizes={"test": 200})
    pack = dataclasses.replace(PACK, settings={"tiny": plain}, original="tiny")
    assert read(fisher_size="40").settings(pack) == [plain]
    assert read(attack_size="7").settings(pack)[0].sizes == {"test": 200, "attack": 7}


# Any field


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ("epochs=15", lambda setting: setting.recipe.epochs, 15),
        ("recipe.epochs=15", lambda setting: setting.recipe.epochs, 15),
        ("architecture.tau=3", lambda setting: setting.recipe.architecture.tau, 3.0),
        ("fitting.learning_rate=0.1", lambda setting: setting.recipe.fitting.learning_rate, 0.1),
        ("train_size=null", lambda setting: setting.recipe.train_size, None),
        ("precision=bf16", lambda setting: setting.recipe.precision, "bf16"),
        ("sizes.test=7", lambda setting: setting.sizes, {"fisher": 300, "test": 7}),
        ("seeds=[4, 9]", lambda setting: setting.seeds, (4, 9)),
        ("attacks=full", lambda setting: setting.attacks, "full"),
    ],
)
def test_any_field_is_set(change, field, value):
    assert field(only(set=[change])) == value


def test_a_kind_of_ones_own_is_set_by_its_description(tmp_path, monkeypatch):
    text = (
        "from dataclasses import dataclass\nfrom tic.data import Digits\n"
        "@dataclass(frozen=True)\nclass Mine(Digits):\n    pass\n"
    )
    (tmp_path / "set_by_hand.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    own = {"kind": "set_by_hand:Mine", "fields": {}}
    assert type(only(set=[f"dataset={json.dumps(own)}"]).recipe.dataset).__name__ == "Mine"
    moving = describe(MovingImages(Digits()))
    moving["fields"]["of"] = own
    in_another = ["timesteps=8", f"dataset={json.dumps(moving)}"]
    assert type(only(set=in_another).recipe.dataset.of).__name__ == "Mine"
    with pytest.raises(UntrustedError):  # from elsewhere than the command line
        Recipe.model_validate(only().recipe.model_dump(mode="json") | {"dataset": own})


def test_a_field_is_set_after_all_other_options():
    found = only(epochs="7", set=["epochs=8", "epochs=9"])
    assert found.recipe.epochs == 9


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("epochs", "--set must be FIELD=VALUE, such as epochs=15, got 'epochs'"),
        ("=3", "--set must be FIELD=VALUE"),
        ("width=3", "--set 'width': there is no 'width' in Recipe; known: dataset, train_size, "),
        ("architecture.width=3", "there is no 'width' in Spiking; known: network, tau, batch_norm"),
        ("architecture.tau=x", "Spiking: tau must be float, got 'x'"),
        ("epochs=none", "epochs: Input should be a valid integer.*, got 'none'"),
        ("rules.1.sparsity=0.5", "there is no '1' in tuple; known: nothing"),
        ("augmentation.share=1", "no 'share', since the setting has nothing there; what a claim's"),
        ("rules.0.sparsity=0.5", "there is no '0' in tuple; known: nothing"),
        ("sizes.train=7", "there is no 'train' in dict; known: fisher, test"),
        ("seeds=3", r"seeds must be a tuple of different whole numbers from 0 on, .* got 3; such"),
        (
            "dataset=mnist",
            """'dataset': must be described as JSON, as {"kind": "tic.data.digits:Digits", """
            """"fields": {}} is what it is now, got 'mnist'$""",
        ),
        ("seed=7", "a claim is trained with every seed of its setting, .* choose them by --seeds"),
        ("recipe.seed=7", "choose them by --seeds, such as --seeds 7-11"),
        ("sizes=3", "sizes must name purposes with whole numbers of at least 1, .* got 3"),
        ("attacks=3", "unknown level of attacks 3; known: quick, standard, full"),
    ],
)
def test_a_field_that_is_none_or_cannot_be_so_is_told(change, reason):
    (found,) = settings(set=[change])
    assert isinstance(found, Lacking)
    assert re.search(reason, found.reason)


@dataclasses.dataclass(frozen=True)
class Ruled(Halved):
    """Has a rule that is no TicError."""

    persons: int = 2

    def __post_init__(self):
        super().__post_init__()
        if self.persons == 3:
            raise ValueError("two or four")


def test_a_rule_of_a_packs_own_field_names_what_was_set():
    pack = dataclasses.replace(PACK, datasets={"halved": Ruled()})
    (refused,) = read(dataset="halved", set=["dataset.persons=3"]).settings(pack)
    assert re.fullmatch(
        r"--set 'dataset.persons': ValueError: two or four \(audit/test_options.py, line \d+\); "
        "give it a value that it takes",
        refused.reason,
    )


def test_a_budget_makes_the_design_sequential_from_the_first_look_on():
    options = read(budget="20min")
    assert options.design == "sequential"
    assert only(budget="20min").seeds == (0, 1, 2, 3, 4)
    assert read().design == "fixed"


def test_a_budget_and_a_fixed_number_of_seeds_are_refused_together():
    with pytest.raises(TicError, match="got both: --budget 2h --seeds 5; leave one of them out"):
        read(budget="2h", seeds="5")
