"""Options of an audit, as somebody may write them on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.telling import accepted
from tests.fuzz.values import texts
from tic.attacks.suite import Level
from tic.audit.claims import Claim
from tic.audit.pack import Lacking, Pack, Setting
from tic.data import CIFAR10, Digits
from tic.document.audit import Paper
from tic.engine.plan import make_plan
from tic.errors import TicError
from tic.lab import usable_device
from tic.models import Spiking
from tic.recipe import Recipe
from tic.session.options import read_options

LEVELS: tuple[Level, ...] = ("quick", "standard", "full")

PACK = Pack(
    Paper(key="other2024", title="T", authors="A", venue="V", year=2024, url="u"),
    {
        "resnet19": Setting(
            Recipe(dataset=CIFAR10(), architecture=Spiking("resnet19"), timesteps=10)
        ),
        "tiny": Setting(
            Recipe(dataset=Digits(), architecture=Spiking("tiny"), train_size=1000), seeds=(0, 1, 2)
        ),
    },
    original="resnet19",
    default="tiny",
)
CLAIM = Claim(PACK, "alpha-accuracy", "Fig. 5a, Eq. 8-10", "It is.", "By it.", None)
_counts = st.sampled_from(["1", "3", "007", "40", "all", "1e3", "2.5", "-1", "1" * 31]) | texts
_names = st.sampled_from(
    ["tiny", "tiny,resnet19", "../x", "digits", "digits,svhn", ",", "a,a", "standard", "all"]
)
_paths = (st.sampled_from(["/dev/null", "/dev/null/x", ".", "x" * 300, "x/" * 3000]) | texts).map(
    Path
)
_fields = st.sampled_from(
    ["epochs", "architecture.tau", "architecture", "loss.alpha", "rules.1.sparsity", "sizes.test"]
) | st.sampled_from(
    ["sizes", "seeds", "seeds.1", "parent.epochs", "recipe.seed", "recipe", "attacks", "a.b.c", "."]
)
_values = st.sampled_from(["3", "-1", "1e400", "null", "true", "[1, 2]", '{"kind": 1}', "[" * 9999])
_changes = (
    st.builds(lambda field, value: f"{field}={value}", _fields | texts, _values | texts) | texts
)
_OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("arch", "dataset", "paper", "claim", "protocol"), _names | texts),
    "write_pilots": st.booleans(),
    "budget": st.sampled_from(["15min", "0", "-1 h", "1e9d", "300", "9" * 30, "٣min"]) | texts,
    **dict.fromkeys(("timesteps", "epochs", "seeds", "train_size"), _counts),
    **dict.fromkeys(("fisher_size", "test_size", "attack_size", "gpus"), _counts),
    **dict.fromkeys(("store", "data", "report_dir"), _paths),
    "precision": st.sampled_from(["fp32", "bf16"]),
    "attacks": st.sampled_from(LEVELS),
    "set": st.lists(_changes, max_size=3),
    "plan": st.booleans(),
    "device": st.sampled_from(["cpu", "cuda:99", "cuda:-1", "cpu:5", "meta", "cuda:" + "9" * 30])
    | texts,
}
_NOTHING = {
    **dict.fromkeys(_OPTIONS),
    "plan": False,
    "build": False,
    "list": None,
    "device": "cpu",
    "set": [],
}
option_cases = st.dictionaries(st.sampled_from(list(_OPTIONS)), st.just(0), max_size=3).flatmap(
    lambda chosen: st.fixed_dictionaries({name: _OPTIONS[name] for name in chosen})
)


def fuzz_options(case: dict[str, Any], claim: Claim = CLAIM) -> bool:
    """Read the options of an audit, and plan what they ask for."""

    def plan() -> None:
        asked = argparse.Namespace(**{**_NOTHING, **case})
        usable_device(asked.device)
        options = read_options(asked)
        options.require_protocols({"official"})
        options.require_claims([claim])
        options.protocols_of(claim)
        for setting in options.settings(claim.pack):
            if isinstance(setting, Lacking):
                raise TicError(setting.reason)
            assert make_plan(setting.recipe.with_seed(seed) for seed in setting.seeds[:3])

    return accepted(plan)
