"""The pack of Kim et al. 2023: the paper's numbers, its settings, and what an audit collects."""

from pathlib import Path

import pytest

from claims.kim2023 import recipes
from claims.kim2023.paper import LEVELS, SAVING, TABLE_1, table_1_rows
from claims.kim2023.recipes import ALPHAS, FULL, KIM2023, PAPER_SETTING, SMOKE_SETTING, role
from tic.errors import NotApplicableError
from tic.pruning import compute_saving

ROOT = Path(__file__).parents[2]
COLUMNS = ("gaussian", "blur", "fgsm", "pgd")

# As printed for low, intermediate and high α: clean, then accuracy and (drop) by column.
PRINTED = {
    "svhn": """
        96.03 93.48 (-2.55) 95.56 (-0.47) 91.69 (-4.34) 90.87 (-5.16)
        96.01 93.24 (-2.77) 95.56 (-0.56) 77.93 (-18.08) 49.84 (-46.17)
        95.91 92.85 (-3.06) 95.12 (-0.79) 55.39 (-40.52) 4.46 (-91.45)""",
    "cifar10": """
        92.04 69.01 (-23.03) 58.11 (-33.93) 77.22 (-14.82) 74.63 (-17.41)
        91.89 68.09 (-23.80) 56.88 (-35.01) 69.29 (-22.60) 58.65 (-33.24)
        91.87 61.01 (-30.86) 54.55 (-37.32) 53.50 (-38.37) 32.58 (-59.29)""",
    "cifar100": """
        68.17 37.60 (-30.57) 51.18 (-16.99) 44.62 (-23.55) 38.64 (-29.52)
        68.47 36.98 (-31.49) 51.02 (-17.45) 43.39 (-25.08) 35.03 (-33.43)
        67.95 35.56 (-32.39) 49.09 (-18.86) 38.36 (-29.59) 30.33 (-37.62)""",
}
ROWS = {
    (dataset, level): line
    for dataset, lines in PRINTED.items()
    for level, line in zip(LEVELS, lines.strip().splitlines(), strict=True)
}
SLIPS = {
    ("svhn", "intermediate", "blur"): (0.45, 0.56),
    ("cifar100", "low", "pgd"): (29.53, 29.52),
    ("cifar100", "intermediate", "pgd"): (33.44, 33.43),
}
"""Where the printed drop (second) is not the difference of the printed accuracies (first)."""


def test_table_1_holds_the_numbers_that_are_printed():
    assert {(dataset, level) for dataset in TABLE_1 for level in TABLE_1[dataset]} == set(ROWS)
    for (dataset, level), line in ROWS.items():
        accuracies = [float(text) for text in line.split() if not text.startswith("(")]
        assert list(TABLE_1[dataset][level]) == accuracies


def test_the_printed_drops_follow_from_the_accuracies_except_for_three_slips():
    slips = {}
    for (dataset, level), line in ROWS.items():
        printed = [-float(text.strip("()")) for text in line.split() if text.startswith("(")]
        row = TABLE_1[dataset][level]
        for column, drop in zip(COLUMNS, printed, strict=True):
            ours = round(row.clean - getattr(row, column), 2)
            if ours != drop:
                slips[dataset, level, column] = (ours, drop)
    assert slips == SLIPS


def test_a_data_set_outside_the_paper_is_set_beside_cifar10_and_says_so():
    assert table_1_rows("digits") == ("Table 1, cifar10", TABLE_1["cifar10"])
    assert table_1_rows("svhn") == ("Table 1, svhn", TABLE_1["svhn"])


def test_the_saving_is_the_formula_with_the_papers_numbers():
    numbers = {"epochs": 300, "retrain_epochs": 60, "rounds": 5, "timesteps": 5}
    assert compute_saving(**numbers, retrain_timesteps=3) == pytest.approx(SAVING)


def test_the_papers_setting():
    assert PAPER_SETTING.recipe.model_dump() == {
        "dataset": "cifar10",
        "train_size": None,
        "architecture": "resnet19",
        "timesteps": 10,
        "tau": 2.0,
        "loss": "mean",
        "alpha": None,
        "epochs": 300,
        "batch_size": 128,
        "learning_rate": 0.3,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "augmentation": "crop-flip",
        "checkpoints": 1,
        "seed": 0,
        "parent": None,
        "sparsity": 0.0,
    }
    assert PAPER_SETTING.seeds == (0, 1, 2, 3, 4)
    assert PAPER_SETTING.fisher_size == 101 * 16
    assert PAPER_SETTING.test_size is None


def test_the_pack_is_audited_in_the_smoke_setting_unless_the_papers_is_asked_for():
    assert (KIM2023.own, KIM2023.default) == ("resnet19", "tiny")
    assert KIM2023.setting("resnet19") is PAPER_SETTING
    assert KIM2023.setting("tiny") is SMOKE_SETTING


def test_the_smoke_setting_has_three_seeds_of_the_embedded_data():
    recipe = SMOKE_SETTING.recipe
    assert (recipe.dataset, recipe.architecture, SMOKE_SETTING.seeds) == (
        "digits",
        "tiny",
        (0, 1, 2),
    )
    assert (recipe.timesteps, recipe.epochs, recipe.batch_size) == (5, 60, 64)
    assert (recipe.learning_rate, recipe.tau) == (0.3, 2.0)


def test_alphas_are_those_of_the_paper():
    assert ALPHAS["cifar10"] == (1e-3, 1e-2, 7e-2)
    assert ALPHAS["svhn"] == (1e-4, 1e-2, 7e-2)
    assert ALPHAS["cifar100"] == (1e-4, 1e-3, 1e-2)


@pytest.mark.parametrize("dataset", sorted(ALPHAS))
def test_alphas_rise_from_low_to_high(dataset):
    low, intermediate, high = ALPHAS[dataset]
    assert 0 < low < intermediate < high


def test_the_alpha_recipes_differ_in_the_loss_alone():
    found = recipes.alphas(PAPER_SETTING)
    assert list(found) == list(LEVELS)
    assert found == {
        level: PAPER_SETTING.recipe.but(loss="alpha", alpha=alpha)
        for level, alpha in zip(LEVELS, (1e-3, 1e-2, 7e-2), strict=True)
    }


def test_the_baseline_keeps_weights_at_every_fifteenth_of_the_training():
    found = recipes.baseline(PAPER_SETTING)
    assert found == PAPER_SETTING.recipe.but(checkpoints=15)
    assert found.checkpoint_epochs == (0, 1, *range(20, 301, 20))


@pytest.mark.parametrize(("field", "too_few", "enough"), [("timesteps", 1, 2), ("epochs", 2, 3)])
def test_the_baseline_needs_something_to_move(field, too_few, enough):
    with pytest.raises(NotApplicableError, match=f"got {too_few}"):
        recipes.baseline(SMOKE_SETTING.but(**{field: too_few}))
    recipes.baseline(SMOKE_SETTING.but(**{field: enough}))


@pytest.mark.parametrize("retrain_timesteps", [2, 3, 4])
def test_pruning_is_five_rounds_of_half_retrained_for_a_fifth(retrain_timesteps):
    found = recipes.pruned(PAPER_SETTING, retrain_timesteps)
    assert len(found) == 10
    for name, t in ((FULL, 5), (retrain_timesteps, retrain_timesteps)):
        chain = [found[role(name, done)] for done in range(1, 6)]
        assert [recipe.timesteps for recipe in chain] == [t] * 5
        assert [recipe.epochs for recipe in chain] == [60] * 5
        assert [recipe.sparsity for recipe in chain] == [0.5, 0.75, 0.875, 0.9375, 0.96875]
        assert [recipe.parent for recipe in chain[1:]] == chain[:-1]
        first = chain[0].parent
        assert (first.timesteps, first.epochs, first.parent) == (5, 300, None)


def test_roles_are_the_same_in_every_setting():
    found = recipes.pruned(SMOKE_SETTING.but(timesteps=3), 2)
    assert list(found) == list(recipes.pruned(PAPER_SETTING, 2))
    assert role(2, 5) in found


@pytest.mark.parametrize("retrain_timesteps", [5, 6])
def test_retraining_with_all_timesteps_saves_nothing(retrain_timesteps):
    with pytest.raises(NotApplicableError, match=f"T_retrain = {retrain_timesteps} saves nothing"):
        recipes.pruned(SMOKE_SETTING, retrain_timesteps)


class Witness:
    """Sees what an audit collected."""

    def pytest_sessionfinish(self, session):
        from tic.plugin import STATE

        self.audit = session.config.stash[STATE].session


@pytest.fixture
def collected(pytester, everything_imported):
    """Collect the pack as a smoke audit does; nothing is trained."""

    def collect(*arguments):
        witness = Witness()
        store = pytester.path / "store"
        quiet = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--collect-only", "-q")
        run = pytester.inline_run(
            ROOT / "claims" / "kim2023", "--store", store, *quiet, *arguments, plugins=[witness]
        )
        assert run.ret == 0
        return witness.audit

    return collect


ENTRIES = [
    "kim2023/concentration[tiny-digits]",
    "kim2023/concentrated[tiny-digits]",
    "kim2023/alpha-information[tiny-digits]",
    "kim2023/alpha-accuracy[tiny-digits]",
    "kim2023/alpha-robustness[tiny-digits-gaussian]",
    "kim2023/alpha-robustness[tiny-digits-blur]",
    "kim2023/alpha-robustness[tiny-digits-fgsm]",
    "kim2023/alpha-robustness[tiny-digits-pgd]",
    "kim2023/pruning[tiny-digits-retrain4]",
    "kim2023/pruning[tiny-digits-retrain3]",
    "kim2023/pruning[tiny-digits-retrain2]",
    "kim2023/saving",
]


def test_a_smoke_audit_collects_these_claims(collected):
    planned = collected().planned
    assert sorted(planned) == sorted(ENTRIES)
    levels = {entry.scope.level for name, entry in planned.items() if name != "kim2023/saving"}
    assert levels == {"smoke"}
    assert planned["kim2023/saving"].scope.level == "paper"
    assert not any(entry.not_applicable for entry in planned.values())


def test_a_smoke_audit_shares_its_runs(collected):
    plan = collected().plan
    # Three seeds each of the baseline, three alphas, and five rounds at T = 5, 4, 3 and 2; the
    # baseline is at T = 5 and therefore also the first training of all pruning.
    assert len(plan) == 3 * (1 + 3 + 4 * 5) == 72
    assert len({planned.recipe for planned in plan}) == 72


def test_three_timesteps_leave_one_retraining_to_compare(collected):
    audit = collected("--timesteps", "3")
    silent = {name: each.not_applicable for name, each in audit.planned.items()}
    assert {name: reason for name, reason in silent.items() if reason} == {
        "kim2023/pruning[tiny-digits-retrain4]": "T_retrain = 4 saves nothing at T = 3",
        "kim2023/pruning[tiny-digits-retrain3]": "T_retrain = 3 saves nothing at T = 3",
    }
    # Rounds at T = 3 and 2 only.
    assert len(audit.plan) == 3 * (1 + 3 + 2 * 5) == 42


def test_more_timesteps_need_a_first_training_of_their_own_for_pruning(collected):
    # T = 8 for the baseline, T = 5 for the first training of pruning.
    assert len(collected("--timesteps", "8").plan) == 3 * (1 + 3 + 1 + 4 * 5) == 75


def test_one_timestep_leaves_what_is_not_about_time(collected):
    planned = collected("--timesteps", "1").planned
    applicable = {name for name, each in planned.items() if not each.not_applicable}
    assert applicable == {name for name in ENTRIES if "alpha" in name or "saving" in name}
