"""Each claim in worlds where the truth is known: its test says yes there, and no here."""

import pytest

from claims.kim2023 import paper
from claims.kim2023 import test_fig1_concentration as fig1
from claims.kim2023 import test_fig2_deficits as fig2
from claims.kim2023 import test_fig3_layers as fig3
from claims.kim2023 import test_fig4_factors as fig4
from claims.kim2023 import test_fig4_networks as fig4_networks
from claims.kim2023 import test_fig5_alpha as fig5
from claims.kim2023 import test_fig7_pruning as fig7
from claims.kim2023 import test_table1_robustness as table1
from claims.kim2023.paper import LEVELS, TABLE_1
from claims.kim2023.protocol import LEAK
from fixtures.accuracy_answers import last_round, short
from fixtures.claims import conclude
from fixtures.known_answers import CASES
from fixtures.truth import Truth, by_level, everywhere, unless
from tic.audit import HeatMap
from tic.audit.claims import decided_by
from tic.stats import Outcome

WORLDS = [
    pytest.param(case, world, id=f"{case.name}: {what}")
    for case in CASES
    for what, world in case.refuted.items()
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_claim_is_supported_where_it_holds_and_shows_what_it_saw(case):
    judge = case.judged(case.holds)
    assert judge.verdict().outcome is Outcome.SUPPORTED
    assert len(judge.comparisons) == case.comparisons
    assert [[height(panel) for panel in each.panels] for each in judge.figures] == case.panels


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_differences_of_accuracies_say_how_finely_they_are_measured(case):
    contrasts = case.judged(case.holds).contrasts
    in_points = [contrast for contrast in contrasts if contrast.unit == "pp" and contrast.seeds]
    assert all(contrast.resolution for contrast in in_points)


def height(panel):
    return len(panel.rows if isinstance(panel, HeatMap) else panel.series)


@pytest.mark.parametrize(("case", "world"), WORLDS)
def test_a_claim_is_refuted_where_it_is_false(case, world):
    assert case.outcome(world) is Outcome.REFUTED


@pytest.mark.parametrize(
    "test",
    [
        fig1.test_information_moves_to_early_timesteps,
        fig1.test_trained_network_holds_information_early,
        fig2.test_noise_in_early_timesteps_hurts_more,
        fig3.test_deep_blocks_hold_information_early,
        fig4.test_longer_sequences_concentrate_later,
        fig4.test_larger_time_constants_keep_information_late,
        fig4.test_the_best_learning_rate_concentrates_first,
        fig4_networks.test_networks_show_concentration,
        fig5.test_smaller_alpha_holds_less_information,
    ],
)
def test_noise_alone_supports_no_claim_about_differences(test):
    nothing = everywhere(lateness=lambda _: 0.0)
    assert conclude(test, nothing).verdict().outcome is not Outcome.SUPPORTED


@pytest.mark.parametrize(
    ("diverged", "outcome"),
    [(1, Outcome.INCONCLUSIVE), (3, Outcome.INCONCLUSIVE), (4, Outcome.REFUTED)],
)
def test_trainings_that_diverge_refute_stable_convergence_where_they_are_too_many(
    diverged, outcome
):
    # At a rate of 10 %, P(4 or more of 5) = 5 * 0.1^4 * 0.9 + 0.1^5 = 0.046 %. P(3 or more) is
    # 0.86 %, and Holm's correction over three contrasts asks for 0.83 %.
    def world(level, recipe):
        return Truth(loss=recipe.loss.alpha, diverged=diverged if level == "high" else 0)

    judge = conclude(fig5.test_the_alpha_loss_converges, world)
    assert judge.verdict().outcome is outcome
    assert judge.contrasts[0].effects == (1,) * diverged + (0,) * (5 - diverged)
    (figure,) = judge.figures
    assert [series.name for series in figure.panels[0].series] == ["α low", "α intermediate"]


def test_fewer_timesteps_that_cost_accuracy_before_the_last_round_do_not_make_two_too_few():
    world = unless(
        lambda role, recipe: short(role, recipe) and not last_round(role, recipe), {}, accuracy=80
    )
    parameters = {"kind": "VGG-16", "retrain_timesteps": 2}
    judge = conclude(fig7.test_two_timesteps_are_too_few, world, parameters)
    assert judge.verdict().outcome is Outcome.REFUTED


def test_the_time_that_fewer_timesteps_save_stands_beside_the_formula():
    def world(_role, recipe):
        return Truth(seconds=12 * recipe.timesteps)

    parameters = {"kind": "VGG-16", "retrain_timesteps": 3}
    judge = conclude(fig7.test_fewer_timesteps_prune_as_well, world, parameters)
    (saved,) = judge.comparisons
    # The first training and each round at T = 5 take 60 s, a round at T = 3 takes 36 s:
    # (5 * 60 - 5 * 36) / (60 + 5 * 60) = 1/3. The paper's first training is five times as long.
    assert saved.measured == pytest.approx([100 / 3] * 5)
    assert saved.reported == pytest.approx(20)
    assert saved.timed


@pytest.mark.parametrize("level", LEVELS)
def test_robustness_stands_beside_table_1(level):
    judge = conclude(
        table1.test_smaller_alpha_is_more_robust,
        by_level("drop", 10, 20, 30),
        {"corruption": "fgsm"},
    )
    row = TABLE_1["cifar10"][level]
    shown = {each.quantity: each.reported for each in judge.comparisons if level in each.quantity}
    assert shown == {
        f"α {level}, clean": row.clean,
        f"α {level}, fgsm": row.fgsm,
        f"α {level}, drop": pytest.approx(row.clean - row.fgsm),
    }
    assert {each.place for each in judge.comparisons} == {"Table 1, cifar10"}


@pytest.mark.parametrize(("corruption", "slips"), [("fgsm", 0), ("blur", 1), ("pgd", 2)])
def test_the_slips_of_table_1_are_noted_where_they_matter(corruption, slips):
    judge = conclude(
        table1.test_smaller_alpha_is_more_robust,
        by_level("drop", 10, 20, 30),
        {"corruption": corruption},
    )
    assert sum("Table 1 prints" in note for note in judge.notes) == slips


def test_the_spread_of_accuracy_over_alpha_stands_beside_the_papers():
    judge = conclude(fig5.test_alpha_does_not_change_accuracy, by_level("accuracy", 90, 90.5, 90.3))
    spread = judge.comparisons[-1]
    assert spread.quantity == "spread of the clean accuracy over α"
    assert spread.reported == pytest.approx(92.04 - 91.87)
    assert spread.measured == pytest.approx([0.5] * 5, abs=0.3)


def test_each_pair_of_alphas_is_compared_once():
    judge = conclude(fig5.test_alpha_does_not_change_accuracy, everywhere())
    assert len({each.name for each in judge.contrasts}) == len(judge.contrasts) == 3


def test_the_epoch_of_half_fall_stands_beside_the_papers_epoch_80():
    step = everywhere(lateness=lambda done: -1.0 if done >= 6 / 15 else 0.0)
    judge = conclude(fig4.test_longer_sequences_concentrate_later, step)
    (transition,) = judge.comparisons
    assert transition.reported == pytest.approx(80 / 300, abs=1e-3)
    # Halfway between the fifth and the sixth of fifteen checkpoints.
    assert transition.measured == pytest.approx([5.5 / 15] * 5, abs=2e-3)


def test_every_setting_of_fig_4_but_the_reference_is_held_to_its_accuracy():
    judge = conclude(fig4.test_settings_that_move_information_keep_accuracy, everywhere())
    settings = [each.name.removeprefix("accuracy, ") for each in judge.contrasts]
    assert settings == [
        f"{each} minus reference"
        for each in (
            "T = 4", "T = 6", "T = 8", "τ = 0.75", "τ = 4",
            "weight decay 0.0001", "weight decay 0.001", "lr 0.03", "lr 0.08", "lr 0.8",
        )
    ]  # fmt: skip


def test_a_setting_is_named_by_the_time_constant_that_was_trained():
    (release,) = LEAK.protocols
    test = fig4.test_settings_that_move_information_keep_accuracy
    judge = conclude(test, everywhere(), protocol=release)
    names = [each.name for each in judge.contrasts]
    assert "accuracy, τ = 1.33 minus reference" in names
    assert not any("0.75" in name for name in names)


def test_the_noise_of_fig_2_is_shown_for_the_papers_five_epochs():
    judge = conclude(
        fig2.test_noise_in_early_timesteps_hurts_more, everywhere(gap=lambda done: 20 * done)
    )
    accuracy, relative = judge.figures[0].panels
    names = [f"epoch {epoch}" for epoch in (1, 20, 40, 140, 300)]
    assert [series.name for series in accuracy.series] == names
    assert all(series.x == (1, 2, 3, 4, 5, 6, 7, 8) for series in accuracy.series)
    assert {row[-1] for series in relative.series for row in series.values} == {0}


def test_fig_3_is_shown_for_the_papers_three_epochs_as_shares_of_the_largest():
    judge = conclude(fig3.test_deep_blocks_hold_information_early, everywhere(depth=lambda _: 0.3))
    maps = judge.figures[0].panels
    assert [shown.title for shown in maps] == ["Epoch 20", "Epoch 120", "Epoch 300"]
    for shown in maps:
        assert {max(map(max, seed)) for seed in shown.values} == {1}
        assert shown.columns == tuple(range(1, 11))


@pytest.fixture
def saving():
    return lambda: conclude(fig7.test_fewer_timesteps_save_compute, everywhere())


def test_the_saving_is_supported_as_printed_and_set_beside_what_is_counted(saving):
    judge = saving()
    assert judge.verdict().outcome is Outcome.SUPPORTED
    shown = {each.quantity: each.measured for each in judge.comparisons}
    assert shown == {
        "saving by the formula": (pytest.approx(20),),
        "saving in operations, VGG-16": (pytest.approx(20, abs=0.1),),
        "saving in operations, ResNet-19": (pytest.approx(20, abs=0.1),),
    }
    assert {each.reported for each in judge.comparisons} == {20}


@pytest.mark.parametrize("printed", [0.19, 0.21, 0.3])
def test_another_saving_than_printed_would_be_refuted(saving, printed, monkeypatch):
    monkeypatch.setattr(paper, "SAVING", printed)
    monkeypatch.setattr(fig7, "operations_saved", lambda network, timesteps: 0.2)
    assert saving().verdict().outcome is Outcome.REFUTED


def test_every_claim_is_put_to_both_worlds():
    names = {decided_by(case.test).name for case in CASES} | {"saving"}
    assert names == {
        "concentration", "concentrated", "deficits", "layers", "timesteps", "time-constant",
        "weight-decay", "learning-rate", "datasets", "architectures", "same-accuracy",
        "alpha-information", "alpha-convergence", "alpha-accuracy", "alpha-robustness", "kl-fisher",
        "pruning", "saving", "capacity",
    }  # fmt: skip
