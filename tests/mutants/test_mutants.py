"""Some mutants of every pack's tests; `make mutants` tries all of them."""

from __future__ import annotations

import random

import pytest

from claims.kim2023 import test_fig1_concentration as fig1
from claims.kim2023 import test_fig7_pruning as fig7
from claims.kim2023 import test_table1_robustness as table1
from claims.li2023 import test_rival_looks as looks
from claims.li2023 import test_spatial as spatial
from fixtures.worlds import NOTHING
from tests.mutants import __main__ as command
from tests.mutants.known import LEAST_KILLED, Known
from tests.mutants.mutating import Mutant, mutants
from tests.mutants.packs import PACKS
from tic.stats import Outcome

SAMPLES = {"kim2023": 25, "li2023": 15, "yao2023": 15, "meszaros2024": 15}
"""How many mutants are tried of each pack."""
ONCE_SURVIVED = {
    "kim2023": (
        # Another epoch.
        "judge_fall: runs.centroid('early') → runs.centroid('untrained')",
        "test_deep_blocks_hold_information_early: runs.by_block('final') → runs.by_block('middle')",
        # One block for a third.
        "test_deep_blocks_hold_information_early: max(1, round(centroids.shape[1] / 3)) → "
        "min(1, round(centroids.shape[1] / 3))",
        # The last prefix only.
        "test_the_alpha_loss_converges: trained.final_losses().mean(1) → "
        "trained.final_losses().min(1)",
        # A drop from another α's clean accuracy.
        "test_smaller_alpha_is_more_robust: clean[level] - corrupted[level] → "
        "[*clean.values()][0] - corrupted[level]",
        # Masks of one chain, gradients of one level.
        "require_sparsity: runs.values() → [*runs.values()][:1]",
        "require_gradients: runs.items() → [*runs.items()][-1:]",
        # A threshold that is dropped, another norm.
        "test_perturbations_follow_fisher_information: above(LEAST_CORRELATION) → above(0)",
        "test_perturbations_follow_fisher_information: r.divergence[0] → r.divergence[-1]",
    ),
    "li2023": (
        # Before training.
        "test_spiking_networks_are_as_near_as_another_ordinary_one: "
        "runs[ORDINARY].similarity(runs[TWIN]) → "
        "runs[ORDINARY].similarity(runs[TWIN], 'untrained', reestimated=True)",
        # Of the first and the last timestep instead of neighbours.
        "test_representations_of_events_change_more: on_events.neighbour_change() → "
        "on_events.change()",
        # Before the sum.
        "_gained: without.at_blocks() → without.at_branches()",
        # Other blocks than a third of them, or one of those.
        "thirds: by_block[:, :count] → by_block[:, :count + 1]",
        "thirds: by_block[:, -count:].mean(1) → by_block[:, -count:].max(1)",
        # From another network's clean accuracy.
        "test_spiking_networks_need_shortcuts_more: runs[name].accuracy_by_sample → "
        "[*runs.values()][0].accuracy_by_sample",
        # A direction that was not read.
        "test_timesteps_and_leak_change_representations: SIGNS[factor] is None → False",
    ),
    "yao2023": (
        # One network for another.
        "test_networks_fire_less_with_the_module: runs[PLAIN].rate → [*runs.values()][0].rate",
        # What holds is not asked, or of one network only.
        "test_networks_fire_less_with_the_module: require_same_events(judge, runs) → pass",
        "_judge_better: (ATTENTION, OTHER) → [*(ATTENTION, OTHER)][:1]",
        "require_same_events: runs.values() → [*runs.values()][:1]",
        # A threshold that is dropped.
        "test_a_rate_penalty_loses_accuracy: above(0.5) → above(0)",
    ),
    "meszaros2024": (
        # Another epoch.
        "difference: runs[one].scored() → runs[one].best_accuracy()",
        # One sparsity of several.
        "_judge_at_high: at → [*at][:1] (3)",
        "test_structure_helps_at_high_sparsity: at → [*at][-1:]",
        # Masks of one network, or of one seed.
        "require_masks: sparsity.items() → [*sparsity.items()][:1]",
        "require_masks: fits.all() → fits.any()",
        # Networks that learned nothing.
        "_judge_dense: require_learned(judge, {learned: runs[learned]}) → pass",
        # A contrast that is dropped.
        "test_signs_group_after_training: judge(trained, above(LEAST), name='G') → pass",
    ),
}
"""Mutants that worlds without anything beside the claim did not kill."""


TESTED_ELSEWHERE = (Outcome.REFUTED, Outcome.INCONCLUSIVE)
"""By the tests of verdicts, in every world."""


def named(known: Known, name: str) -> Mutant:
    (mutant,) = (mutant for mutant in known.every_mutant if mutant.name == name)
    return mutant


def of(test, paper="kim2023", count=1):
    known = PACKS[paper]
    cases = [case for case in known.cases if case.test is test][:count]
    return mutants(cases, known.package, known.vocabulary)


@pytest.mark.parametrize("paper", PACKS)
def test_a_sound_test_says_what_it_must_in_worlds_that_verdicts_are_not_tested_in(paper):
    asked = [
        answer
        for case in PACKS[paper].cases
        for answer in case.answers
        if answer.planted is not NOTHING or answer.expected not in TESTED_ELSEWHERE
    ]
    assert asked
    assert [(answer.case.name, answer.world) for answer in asked if not answer.is_given()] == []


@pytest.mark.parametrize("paper", PACKS)
def test_most_of_a_sample_of_mutants_are_killed(paper):
    count = SAMPLES[paper]
    sample = random.Random(2023).sample(PACKS[paper].mutants, count)
    survivors = [f"{mutant.place()} {mutant.name}" for mutant in sample if mutant.survives()]
    assert len(survivors) <= (1 - LEAST_KILLED) * count, survivors


@pytest.mark.parametrize(
    ("paper", "name"), [(paper, name) for paper, names in ONCE_SURVIVED.items() for name in names]
)
def test_a_mutant_that_once_survived_is_killed(paper, name):
    assert not named(PACKS[paper], name).survives()


@pytest.mark.parametrize("paper", PACKS)
def test_every_mutant_has_a_name_of_its_own_and_those_that_are_equivalent_exist(paper):
    known = PACKS[paper]
    names = [mutant.name for mutant in known.every_mutant]
    assert len(set(names)) == len(names)
    assert known.equivalents <= set(names)
    assert not known.equivalents & set(ONCE_SURVIVED[paper])


def test_the_sound_test_survives_and_is_there_again_after_a_mutant():
    test = fig1.test_trained_network_holds_information_early
    (first, *_) = of(test)
    sound = test.__code__
    assert Mutant(test, 1, "", "", 1, sound, first.cases).survives()
    with first.planted():
        assert test.__code__ is first.code
    assert test.__code__ is sound


def test_a_mutant_survives_what_does_not_look_at_it():
    test = table1.test_smaller_alpha_is_more_robust
    case = next(case for case in PACKS["kim2023"].cases if case.test is test)
    assert case.parameters == {"corruption": "gaussian"}
    (mutant,) = (
        mutant
        for mutant in mutants([case], "claims.kim2023")
        if "require_gradients(judge" in mutant.name
    )
    assert mutant.survives()


def test_what_only_people_read_is_left_as_it_is():
    names = [mutant.name for mutant in of(fig7.test_fewer_timesteps_prune_as_well)]
    functions = {name.partition(":")[0] for name in names}
    assert functions == {
        "test_fewer_timesteps_prune_as_well", "accuracies", "require_sparsity", "require_learning"
    }  # fmt: skip
    texts = " ".join(name.partition(":")[2] for name in names)
    assert "require_sparsity(judge, runs) → pass" in texts
    assert "compare_time" not in texts
    assert "least = " not in texts


def test_what_judges_beside_giving_what_is_drawn_is_changed_as_well():
    names = [mutant.name for mutant in of(spatial.test_similarity_rises_with_width, "li2023")]
    assert {name.partition(":")[0] for name in names} >= {"_under", "_judge_order"}
    assert not any(name.startswith("over_conditions") for name in names)


def test_functions_that_stand_in_a_table_are_changed_as_well():
    reached = {
        mutant.function for mutant in of(looks.test_few_images_or_directions_make_it, "li2023")
    }
    assert {looks._width, looks._by} <= reached
    assert looks.recipes.widths not in reached


@pytest.mark.parametrize(("survivors", "status"), [(1, 0), (2, 1)])
def test_the_command_shows_survivors_and_fails_when_there_are_many(
    monkeypatch, capsys, survivors, status
):
    test = fig7.test_two_timesteps_are_too_few
    tried = [Mutant(test, k, "1", str(k), 1, test.__code__, ()) for k in range(10)]
    monkeypatch.setattr(Known, "mutants", property(lambda self: tried))
    monkeypatch.setattr(Mutant, "survives", lambda self: self.line < survivors)
    assert command.main(["--paper", "kim2023"]) == status
    *lines, rate = capsys.readouterr().out.splitlines()
    assert len(lines) == survivors
    assert lines[0] == "test_fig7_pruning.py:0  test_two_timesteps_are_too_few: 1 → 0"
    share = f"{10 - survivors} of 10 mutants killed: {100 - 10 * survivors}.0%"
    assert rate.startswith(f"kim2023: {share}")


def test_the_command_tries_every_pack_and_fails_when_one_has_many_survivors(monkeypatch, capsys):
    test = fig7.test_two_timesteps_are_too_few

    def tried(known):
        first = 0 if known is PACKS["li2023"] else 10
        return [Mutant(test, first + k, "1", "2", 1, test.__code__, ()) for k in range(10)]

    monkeypatch.setattr(Known, "mutants", property(tried))
    monkeypatch.setattr(Mutant, "survives", lambda self: False)
    assert command.main([]) == 0
    shares = capsys.readouterr().out.splitlines()
    assert [share.partition(":")[0] for share in shares] == list(PACKS)
    monkeypatch.setattr(Mutant, "survives", lambda self: self.line < 5)
    assert command.main([]) == 1
