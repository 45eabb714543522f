"""Some mutants of every pack's tests; `make mutants` tries all of them."""

from __future__ import annotations

import random

import pytest

from claims.kim2023 import test_fig1_concentration as fig1
from claims.kim2023 import test_fig7_pruning as fig7
from claims.kim2023 import test_table1_robustness as table1
from tests.mutants import __main__ as command
from tests.mutants.known import EQUIVALENT, KNOWN, LEAST_KILLED, PACK, without_equivalents
from tests.mutants.mutating import Mutant, mutants

SAMPLE = 25
ONCE_SURVIVED = (
    # Another epoch.
    "judge_fall: runs.centroid('early') → runs.centroid('untrained')",
    "test_deep_blocks_hold_information_early: runs.by_block('final') → runs.by_block('middle')",
    # One block for a third.
    "test_deep_blocks_hold_information_early: max(1, round(centroids.shape[1] / 3)) → "
    "min(1, round(centroids.shape[1] / 3))",
    # The last prefix only.
    "test_the_alpha_loss_converges: trained.final_losses().mean(1) → trained.final_losses().min(1)",
    # A drop from another α's clean accuracy.
    "test_smaller_alpha_is_more_robust: clean[level] - corrupted[level] → "
    "[*clean.values()][0] - corrupted[level]",
    # Masks of one chain, gradients of one level.
    "require_sparsity: runs.values() → [*runs.values()][:1]",
    "require_gradients: runs.items() → [*runs.items()][-1:]",
    # A threshold that is dropped, another norm.
    "test_perturbations_follow_fisher_information: above(LEAST_CORRELATION) → above(0)",
    "test_perturbations_follow_fisher_information: r.divergence[0] → r.divergence[-1]",
)
"""Mutants that worlds without anything beside the claim did not kill."""


@pytest.fixture(scope="module")
def every_mutant():
    return mutants(KNOWN, PACK)


def cases(test, count=1):
    return [case for case in KNOWN if case.test is test][:count]


def test_most_of_a_sample_of_mutants_are_killed(every_mutant):
    able = without_equivalents(every_mutant)
    sample = random.Random(2023).sample(able, SAMPLE)
    survivors = [f"{each.place()} {each.name}" for each in sample if each.survives()]
    assert len(survivors) <= (1 - LEAST_KILLED) * SAMPLE, survivors


@pytest.mark.parametrize("name", ONCE_SURVIVED)
def test_a_mutant_that_once_survived_is_killed(every_mutant, name):
    (mutant,) = (each for each in every_mutant if each.name == name)
    assert not mutant.survives()


def test_every_mutant_has_a_name_of_its_own_and_those_that_are_equivalent_exist(every_mutant):
    names = [each.name for each in every_mutant]
    assert len(set(names)) == len(names)
    assert set(EQUIVALENT) <= set(names)
    assert not set(EQUIVALENT) & set(ONCE_SURVIVED)


def test_the_sound_test_survives_and_is_there_again_after_a_mutant():
    test = fig1.test_trained_network_holds_information_early
    some = mutants(cases(test), PACK)
    sound = test.__code__
    assert Mutant(test, 1, "", "", 1, sound, tuple(cases(test))).survives()
    with some[0].planted():
        assert test.__code__ is some[0].code
    assert test.__code__ is sound


def test_a_mutant_survives_what_does_not_look_at_it():
    test = table1.test_smaller_alpha_is_more_robust
    (noise,) = cases(test)
    assert noise.parameters == {"corruption": "gaussian"}
    (mutant,) = (each for each in mutants([noise], PACK) if "require_gradients(judge" in each.name)
    assert mutant.survives()


def test_what_only_people_read_is_left_as_it_is():
    names = [each.name for each in mutants(cases(fig7.test_fewer_timesteps_prune_as_well), PACK)]
    functions = {name.partition(":")[0] for name in names}
    assert functions == {
        "test_fewer_timesteps_prune_as_well", "accuracies", "require_sparsity", "require_learning"
    }  # fmt: skip
    texts = " ".join(name.partition(":")[2] for name in names)
    assert "require_sparsity(judge, runs) → pass" in texts
    assert "compare_time" not in texts
    assert "least = " not in texts


@pytest.mark.parametrize(("survivors", "status"), [(1, 0), (2, 1)])
def test_the_command_shows_survivors_and_fails_when_there_are_many(
    monkeypatch, capsys, survivors, status
):
    test = fig7.test_two_timesteps_are_too_few
    tried = [Mutant(test, k, "1", str(k), 1, test.__code__, ()) for k in range(10)]
    monkeypatch.setattr(command, "mutants", lambda *_: tried)
    monkeypatch.setattr(Mutant, "survives", lambda self: self.line < survivors)
    assert command.main([]) == status
    *lines, rate = capsys.readouterr().out.splitlines()
    assert len(lines) == survivors
    assert lines[0] == "test_fig7_pruning.py:0  test_two_timesteps_are_too_few: 1 → 0"
    assert rate.startswith(f"{10 - survivors} of 10 mutants killed: {100 - 10 * survivors}.0%")
