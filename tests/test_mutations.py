"""Things broken on purpose: each mutation turns a check red that is green without it."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from claims.kim2023 import centroids, controls
from claims.kim2023 import runs as paper_runs
from claims.kim2023 import test_discussion_capacity as discussion
from claims.kim2023 import test_eq11_perturbation as eq11
from claims.kim2023 import test_fig1_concentration as fig1
from claims.kim2023 import test_fig3_layers as fig3
from claims.kim2023 import test_fig5_alpha as fig5
from claims.kim2023 import test_fig7_pruning as fig7
from claims.kim2023 import test_table1_robustness as table1
from fixtures.known_answers import CASES
from tic import lab as laboratory
from tic import pruning
from tic.attacks import FGSM, PGD, attack_suite
from tic.audit import control, robustness
from tic.audit import runs as audit_runs
from tic.audit.claims import decided_by
from tic.audit.exhibits import Exhibits
from tic.audit.robustness import Robustness
from tic.data import Digits
from tic.errors import TicError
from tic.lab import Lab
from tic.measure import fisher, forward_pass
from tic.measure.fisher import FisherMeasurement, fisher_information
from tic.measure.layers import stored_sparsity
from tic.measure.robustness import CorrectMeasurement, correct, zero_gradients
from tic.models import Spiking
from tic.models.network import SpikingNetwork, over_time
from tic.neurons import LIF
from tic.pruning import pruning_chain
from tic.recipe import Recipe
from tic.stats import Outcome, combination
from tic.stats.calibration import claims as calibrate_claims
from tic.stats.calibration import edges, simulated_audits
from tic.stats.calibration.cases import Setup
from tic.stats.calibration.fast_judge import judge_rows
from tic.stats.calibration.noise import NOISES
from tic.stats.looks import LOOKS
from tic.train import train

judging = import_module("tic.stats.judge")
fast_judge = import_module("tic.stats.calibration.fast_judge")

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = Recipe(
    dataset=Digits(),
    architecture=Spiking("tiny"),
    train_size=40,
    timesteps=2,
    epochs=1,
    batch_size=20,
)


def same(*_, **__):
    """Stands in for what does nothing."""


def case_of(test):
    return next(
        each for each in CASES if each.test is test and each.parameters.get("corruption") != "blur"
    )


# Checks.


def known_answers(*tests):
    """Each claim is SUPPORTED where it holds and REFUTED where it does not."""

    def check():
        for case in map(case_of, tests):
            assert case.outcome(case.holds) is Outcome.SUPPORTED, case.name
            for what, world in case.refuted.items():
                assert case.outcome(world) is Outcome.REFUTED, f"{case.name}: {what}"

    return check


def caught(test, *planted, **parameters):
    """No control of a claim is SUPPORTED where the claim holds."""

    def check():
        chosen = [
            each
            for each in CASES
            if each.test is test and parameters.items() <= each.parameters.items()
        ]
        for case in chosen[:1]:
            for world in planted or decided_by(test).worlds:
                assert case.outcome(case.holds, world) is not Outcome.SUPPORTED, world.name

    return check


def calibrated(table, simulations, *n_seeds):
    """No rate of error is larger than was promised."""

    def check():
        setup = Setup(simulations, n_seeds, np.random.default_rng(3), judge_rows)
        found = table(setup)
        missed = [row.label for row in found.rows if not found.kept(row)]
        promised = [label for label in missed if label.startswith("normal")]
        assert not promised

    return check


def whole_audits_keep_their_promise():
    """Of 2,000 audits of thirty false claims, each on its edge, few support one of them."""
    rng = np.random.default_rng(3)
    rates = simulated_audits.wrong_audits(
        rng, NOISES["normal"], 2000, LOOKS[:7], truth="false", level=0.025
    )
    assert rates[-1] <= 0.05


class Small(SpikingNetwork):
    """A dozen LIF neurons between 4×4 pixels and four classes."""

    def __init__(self):
        super().__init__(3, [0.5], [0.25])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.stem = nn.Linear(16, 12, bias=False)
            self.lif = LIF()
            self.classifier = nn.Linear(12, 4, bias=False)

    def encode(self, images):
        return 2 * self.stem(images.flatten(1))

    def advance(self, currents):
        return over_time(self.classifier, self.lif(currents))


def pictures(network, count=64):
    """Random images (count, 1, 4, 4), and what the network takes them for."""
    images = torch.rand(count, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return images, network(images).mean(0).argmax(1)


class Straight(nn.Module):
    """Logits W x at the first timestep, twice that at the second and so on."""

    def __init__(self):
        super().__init__()
        self.readout = nn.Linear(3, 2, bias=False)
        self.readout.weight.data = torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, -1.0]])

    def forward(self, images):
        return torch.stack([self.readout((t + 1) * images.flatten(1)) for t in range(3)])


def fgsm_goes_along_the_gradient():
    images = torch.full((1, 1, 1, 3), 0.5)
    moved = FGSM(epsilon=0.1)(Straight(), images, torch.tensor([0]), 0) - images
    # Class 1 gains on class 0 by W_1 - W_0 = (-1, 3, -1.5).
    assert moved.flatten().tolist() == pytest.approx([-0.1, 0.1, -0.1])


def input_gradients_are_there():
    network = Small().eval()
    assert not any(zero_gradients(network, [pictures(network)]))


def attacks_work():
    """The conditions of working attacks hold on a network that was attacked."""
    network = Small().eval()
    data = pictures(network)

    def under(attack=None):
        return np.array([correct(network, [data], attack)] * 3)

    step = PGD(epsilon=0.1, step=0.02, steps=10)
    attacked = {"FGSM": FGSM(epsilon=0.1), "PGD, 10 steps": step}
    found = {name: under(attack) for name, attack in attacked.items()}
    members = attack_suite("quick", 0.1, 0.02)
    grown = {radius: under(PGD(epsilon=radius, step=radius / 4, steps=10)) for radius in (0.1, 1)}
    left_correct = Robustness(
        members=members,
        clean=under(),
        attacked={each.name: found.get(each.name, found["PGD, 10 steps"]) for each in members},
        grown=grown,
        zero_gradients=100 * np.array([zero_gradients(network, [data])] * 3).mean(1),
        chance=25.0,
    )
    exhibits = Exhibits()
    robustness.check(exhibits, left_correct, "small")
    assert not [each.name for each in exhibits.checks if not each.holds]


def the_worst_case_is_per_image():
    members = attack_suite("quick", 0.1, 0.02)
    left = {each.name: np.array([[1, 1, 1, 1]], dtype=bool) for each in members}
    left |= {"FGSM": np.array([[0, 1, 1, 1]], dtype=bool)}
    left |= {"PGD, 10 steps": np.array([[1, 1, 0, 1]], dtype=bool)}
    clean = np.array([[1, 1, 1, 0]], dtype=bool)
    found = Robustness(members, clean, left, {}, np.zeros(1), 25.0)
    assert found.worst().tolist() == [25]
    assert found.worst("transfer").tolist() == [75]


def fisher_is_that_of_eq_6():
    network, images = Straight().double(), torch.tensor([[0.5, 0.25, 1.0]], dtype=torch.float64)
    trace = fisher_information(network, [(images, torch.tensor([1]))]).trace
    # The mean of 1..t is (t + 1)/2 times W x, whose gradient is that times (p - e_y) xᵀ.
    factors = np.array([1, 1.5, 2])
    logits = factors[:, None] * np.array([0.5 - 0.5 + 0.5, 0.25 - 1.0])
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    errors = ((shares - [0, 1]) ** 2).sum(1)
    assert trace == pytest.approx(factors**2 * errors * (0.25 + 0.0625 + 1))


def weights_are_pruned():
    (pruned,) = pruning_chain(QUICK, rounds=1, fraction=0.5, retrain_epochs=1, retrain_timesteps=1)
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        train(QUICK, lab)
        train(pruned, lab)
        assert stored_sparsity(pruned, 1, lab) == pytest.approx(0.5, abs=1e-3)


def seeds_give_different_weights():
    lab = Lab(Path("nowhere"))
    one, other = (
        torch.cat([each.flatten() for each in lab.fresh_network(QUICK.but(seed=s)).parameters()])
        for s in (0, 1)
    )
    assert not torch.equal(one, other)


# Mutations.


def with_measurement(place, kind, **fields):
    """Let Runs be asked for another measurement than was meant."""

    def breaks(patch):
        class Other(kind):
            def __new__(cls, **asked):
                return kind(**{**asked, **fields})

        patch.setattr(place, kind.__name__, Other)

    return breaks


def patched(place, name, value):
    return lambda patch: patch.setattr(place, name, value)


def reversed_centroid(patch):
    sound = paper_runs.information_centroid
    patch.setattr(paper_runs, "information_centroid", lambda trace: len(trace) + 1 - sound(trace))


def reversed_divergence(patch):
    sound = paper_runs.KimRuns.perturbation
    patch.setattr(
        paper_runs.KimRuns,
        "perturbation",
        lambda self, shares: [replace(each, trace=-each.trace) for each in sound(self, shares)],
    )


def reversed_blocks(patch):
    sound = paper_runs.KimRuns.by_block
    patch.setattr(
        paper_runs.KimRuns, "by_block", lambda self, epoch="final": sound(self, epoch)[:, ::-1]
    )


def everything_within(patch):
    wide = fig5.within(-100, 100)
    patch.setattr(fig5, "within", lambda low, high: wide)


def narrow_interval(patch):
    sound = judging.one_sided_level
    patch.setattr(judging, "one_sided_level", lambda confidence: 4 * sound(confidence))


def uncorrected(p_values, level):
    return [p_value <= level for p_value in p_values]


def supports(p_value, refutation_p_value, confidence):
    return Outcome.SUPPORTED


def judged_always_supported(patch):
    for place in (judging, fast_judge):
        patch.setattr(place, "decide", supports)


def untouched(self, model, images, labels, batch):
    return images


def best_case(self, *families):
    chosen = [e for e in self.members if not families or e.family in families]
    return robustness.percent(np.logical_or.reduce([self.attacked[e.name] for e in chosen]))


def shuffled_timesteps(patch):
    sound = forward_pass.prefixes_of
    patch.setattr(forward_pass, "prefixes_of", lambda *arguments: sound(*arguments)[::-1])


def labels_of_the_model(patch):
    sound = fisher.output_error
    patch.setattr(fisher, "output_error", lambda logits, _: sound(logits, logits.argmax(1)))


class HardSpike(nn.Module):
    def forward(self, excess):
        return (excess >= 0).to(excess) + 0 * excess


def lost_surrogate(patch):
    sound = LIF.__init__

    def with_hard_spikes(layer, *arguments):
        sound(layer, *arguments)
        layer.spike = HardSpike()

    patch.setattr(LIF, "__init__", with_hard_spikes)


@dataclass(frozen=True)
class Mutation:
    """One thing that is broken, and the check that notices.

    Attributes:
        name: What is broken.
        breaks: Breaks it, given a monkeypatch.
        check: Raises AssertionError on the broken code and nothing on the sound one.
    """

    name: str
    breaks: Callable[[pytest.MonkeyPatch], None]
    check: Callable[[], None]


ROBUST = table1.test_smaller_alpha_is_more_robust
CONCENTRATION = fig1.test_information_moves_to_early_timesteps
MUTATIONS = (
    # Signs of contrasts.
    Mutation("the centroid counts time backwards", reversed_centroid, known_answers(CONCENTRATION)),
    Mutation(
        "the α are taken in reverse order",
        patched(table1, "LEVELS", table1.LEVELS[::-1]),
        known_answers(ROBUST),
    ),
    Mutation(
        "the α of Fig. 5a are taken in reverse order",
        patched(fig5, "LEVELS", fig5.LEVELS[::-1]),
        known_answers(fig5.test_smaller_alpha_holds_less_information),
    ),
    Mutation(
        "blocks are counted from the output on",
        reversed_blocks,
        known_answers(fig3.test_deep_blocks_hold_information_early),
    ),
    Mutation(
        "the trace over the weights has the wrong sign",
        reversed_divergence,
        known_answers(eq11.test_perturbations_follow_fisher_information),
    ),
    # Margins where everything passes.
    Mutation(
        "any fall counts as concentration",
        patched(centroids, "LEAST_FALL", -1.0),
        known_answers(CONCENTRATION),
    ),
    Mutation(
        "any accuracy counts as equal",
        everything_within,
        known_answers(fig5.test_alpha_does_not_change_accuracy),
    ),
    Mutation(
        "networks saturate at any T",
        patched(discussion, "SATURATION", dict.fromkeys(discussion.SATURATION, 2)),
        known_answers(discussion.test_larger_networks_need_fewer_timesteps),
    ),
    # What is measured.
    Mutation(
        "Fisher information is that of the untrained network",
        with_measurement(paper_runs, FisherMeasurement, epoch=0),
        known_answers(CONCENTRATION),
    ),
    Mutation("timesteps are reversed in the estimator", shuffled_timesteps, fisher_is_that_of_eq_6),
    Mutation("the data's labels are not used", labels_of_the_model, fisher_is_that_of_eq_6),
    Mutation(
        "accuracy under corruptions is that on clean images",
        with_measurement(audit_runs, CorrectMeasurement, corruption=None),
        known_answers(ROBUST),
    ),
    Mutation("masks are not applied", patched(pruning, "apply_masks", same), weights_are_pruned),
    Mutation(
        "a seed is ignored by Recipes",
        patched(Recipe, "with_seed", lambda self, seed: self),
        known_answers(CONCENTRATION),
    ),
    Mutation(
        "a seed is ignored by the weights",
        patched(laboratory, "derive", lambda seed, purpose: 0),
        seeds_give_different_weights,
    ),
    # Attacks.
    Mutation(
        "FGSM returns its input", patched(FGSM, "__call__", untouched), fgsm_goes_along_the_gradient
    ),
    Mutation("PGD returns its input", patched(PGD, "__call__", untouched), attacks_work),
    Mutation("spikes have no derivative", lost_surrogate, input_gradients_are_there),
    Mutation("the gradients that PGD follows are masked", lost_surrogate, attacks_work),
    Mutation(
        "the worst case of the attack suite is the best",
        patched(Robustness, "worst", best_case),
        the_worst_case_is_per_image,
    ),
    # The judge.
    Mutation("a judge always supports", judged_always_supported, calibrated(edges, 200, 5)),
    Mutation(
        "a judge supports controls",
        judged_always_supported,
        caught(fig1.test_trained_network_holds_information_early),
    ),
    Mutation("the interval is too narrow", narrow_interval, calibrated(edges, 500, 5)),
    Mutation(
        "every look at an audit may spend the whole error rate",
        patched(simulated_audits, "error_share", lambda *_: 1.0),
        whole_audits_keep_their_promise,
    ),
    Mutation(
        "Holm corrects nothing within a claim",
        patched(combination, "holm", uncorrected),
        calibrated(calibrate_claims, 1000, 5),
    ),
    # What must be true before a claim can be decided.
    Mutation(
        "nobody asks whether networks have learned",
        patched(fig5, "require_learning", same),
        caught(fig5.test_alpha_does_not_change_accuracy, control.PERMUTED_LABELS),
    ),
    Mutation(
        "nobody asks whether networks are pruned",
        patched(fig7, "require_sparsity", same),
        caught(fig7.test_fewer_timesteps_prune_as_well, controls.UNMASKED),
    ),
    Mutation(
        "nobody asks whether attacks have gradients to follow",
        patched(table1, "require_gradients", same),
        caught(ROBUST, controls.GRADIENTS_LOST, corruption="pgd"),
    ),
    Mutation(
        "controls plant nothing",
        patched(control, "_recast", lambda runs, kind, **more: runs),
        caught(CONCENTRATION),
    ),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_mutation_turns_its_check_red(mutation, monkeypatch):
    mutation.check()
    mutation.breaks(monkeypatch)
    with pytest.raises((AssertionError, TicError)):
        mutation.check()


def test_every_mutation_has_a_name_of_its_own():
    names = [each.name for each in MUTATIONS]
    assert len(set(names)) == len(names)
