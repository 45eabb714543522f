"""Sparse training: masks by hand, exact counts, signs, and the same bits after an interruption."""

import json
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tic import seeding
from tic.data import Dataset, Facts, Samples
from tic.delay_schedule import DelaySchedule
from tic.errors import TicError
from tic.fitting import Fit, Fitting
from tic.lab import Lab
from tic.models import Architecture, DelayedLinear
from tic.recipe import Recipe
from tic.rewiring import SET, FixedMask, Rewiring, RigL, live, live_count
from tic.run import HISTORY, MANIFEST
from tic.train import train

NEW = 1e-12


def fit_of(network, seed=0, epochs=10):
    return Fit(
        network,
        torch.optim.SGD(network.parameters(), lr=0.1),
        epochs,
        seed,
        torch.Generator().manual_seed(seed),
    )


def by_hand(weight, live_ones, signs=None):
    """A layer of one output with these weights, and what a rule remembers of it."""
    layer = nn.Linear(len(weight), 1, bias=False).double()
    layer.weight.data = torch.tensor([weight], dtype=torch.float64)
    fit = fit_of(nn.Sequential(layer))
    fit.tensors["sparse.live.0.weight"] = torch.tensor([live_ones], dtype=torch.bool)
    if signs:
        fit.tensors["sparse.signs.0.weight"] = torch.tensor([signs], dtype=torch.int8)
    return layer, fit


def stepped(rule, layer, fit, gradient=None):
    """Weights after a rule has seen a step."""
    layer.weight.grad = None if gradient is None else torch.tensor([gradient]).double()
    rule.after_step(fit)
    return layer.weight[0].tolist()


# Steps by hand


@pytest.mark.parametrize(
    ("regrowth", "gradient", "born"),
    [
        ("signed", [0.5, 9.0, -3.0, 4.0, 2.0], 2),
        ("inverted", [0.5, 9.0, -3.0, 2.0, 1.0], 3),
        ("inverted", [0.5, 9.0, -3.0, 2.0, -4.0], 4),
        ("absolute", [0.5, 9.0, -3.0, 4.0, 2.0], 3),
        ("absolute", [0.5, 9.0, -5.0, 4.0, 2.0], 2),
    ],
)
def test_what_crosses_zero_dies_and_another_is_born(regrowth, gradient, born):
    # The optimiser moved dead ones too. That of the largest gradient is alive, and stays.
    signs = [1, 1, 1, 1, -1]
    layer, fit = by_hand([-0.01, 0.5, 0.7, 0.0, 0.3], [1, 1, 0, 0, 0], signs)
    expected = [0.0, 0.5, 0.0, 0.0, 0.0]
    expected[born] = NEW * signs[born]
    assert stepped(Rewiring(0.6, regrowth=regrowth), layer, fit, gradient) == expected
    assert fit.tensors["sparse.live.0.weight"][0].tolist() == [each != 0 for each in expected]


def test_signs_count_for_what_is_born_and_dies():
    # The gradient at a size is that at the weight times the sign: here 3, -4, -1 and 2.
    layer, fit = by_hand([0.2, 0.0, 0.0, -0.6], [1, 0, 0, 1], [-1, -1, 1, -1])
    weights = stepped(Rewiring(0.5), layer, fit, [-3.0, 4.0, -1.0, -2.0])
    assert weights == [0.0, -NEW, 0.0, -0.6]


def test_a_weight_of_exactly_zero_has_died():
    layer, fit = by_hand([0.0, 0.4, 0.0], [1, 1, 0], [1, 1, 1])
    assert stepped(Rewiring(0.3), layer, fit, [1.0, 0.0, -1.0]) == [0.0, 0.4, NEW]


def test_where_nothing_dies_nothing_changes_but_dead_weights_that_the_optimiser_moved():
    layer, fit = by_hand([0.1, 0.4, 0.2], [1, 1, 0], [1, 1, 1])
    assert stepped(Rewiring(0.3), layer, fit, [0.0, 0.0, -9.0]) == [0.1, 0.4, 0.0]


def test_in_a_dense_layer_what_dies_is_born_again():
    layer, fit = by_hand([-0.1, 0.4], [1, 1], [1, 1])
    assert stepped(Rewiring(0.0), layer, fit, [5.0, 0.0]) == [NEW, 0.4]


def test_what_lags_stays_for_one_step_with_the_other_sign():
    layer, fit = by_hand([-0.01, 0.5, 0.0], [1, 1, 0], [1, 1, 1])
    rule = Rewiring(0.3, lagging=True)
    assert stepped(rule, layer, fit, [1.0, 0.0, -1.0]) == [-0.01, 0.5, NEW]
    assert fit.tensors["sparse.live.0.weight"][0].tolist() == [False, True, True]
    assert stepped(rule, layer, fit, [1.0, 0.0, -1.0]) == [0.0, 0.5, NEW]


def test_random_regrowth_asks_for_no_gradient_and_takes_every_place_alike():
    born = torch.zeros(4)
    for seed in range(400):
        layer, fit = by_hand([-0.1, 0.0, 0.0, 0.6], [1, 0, 0, 1], [1, 1, 1, 1])
        fit.generator.manual_seed(seed)
        born += torch.tensor(stepped(Rewiring(0.5, regrowth="random"), layer, fit)) == NEW
    # Of 400 draws from three places each has 133, give or take four deviations of 9.4.
    assert born[3] == 0
    assert born.sum() == 400
    assert (born[:3] - 400 / 3).abs().max() < 38


def test_gradients_that_tie_are_broken_by_lot():
    born = set()
    for seed in range(20):
        layer, fit = by_hand([-0.1, 0.0, 0.0], [1, 0, 0], [1, 1, 1])
        fit.generator.manual_seed(seed)
        born.add(tuple(stepped(Rewiring(0.6), layer, fit, [0.0, 0.0, 0.0])))
    assert len(born) == 3


def test_rigl_lets_the_smallest_die_and_the_largest_gradient_live():
    layer, fit = by_hand([0.1, -0.2, 0.9, 0.0, 0.0], [1, 1, 1, 0, 0])
    rule = RigL(0.4, share=0.5, interval=2)
    fit.step = 1
    assert stepped(rule, layer, fit, [0.0, 0.0, 9.0, -5.0, 4.0]) == [0.1, -0.2, 0.9, 0.0, 0.0]
    fit.step = 2  # half of three is one
    assert stepped(rule, layer, fit, [0.0, 0.0, 9.0, -5.0, 4.0]) == [0.0, -0.2, 0.9, NEW, 0.0]


def test_the_share_of_rigl_falls_as_a_cosine_and_ends():
    rule = RigL(0.5, share=0.4, until=0.5)
    shares = [rule.dying_share(epoch, 8) for epoch in range(8)]
    half = 0.4 / 2**0.5 / 2
    assert shares[:4] == pytest.approx([0.4, 0.2 + half, 0.2, 0.2 - half])
    assert shares[4:] == [0.0] * 4


def test_set_rewires_between_epochs_and_holds_within_them():
    layer, fit = by_hand([0.1, -0.2, 0.9, 0.0], [1, 1, 1, 0])
    rule = SET(0.25, share=0.4)
    rule.before_epoch(fit)
    assert stepped(rule, layer, fit) == [0.1, -0.2, 0.9, 0.0]
    seen = set()
    for seed in range(20):
        layer, fit = by_hand([0.1, -0.2, 0.9, 0.0], [1, 1, 1, 0])
        fit.epoch = 1
        fit.generator.manual_seed(seed)
        rule.before_epoch(fit)
        seen.add(tuple(layer.weight[0].tolist()))
    # The smallest of three died, and was born again or gave its place to the only dead one.
    assert seen == {(NEW, -0.2, 0.9, 0.0), (0.0, -0.2, 0.9, NEW)}


def test_a_fixed_mask_is_held_and_signs_where_they_are_asked_for():
    moved = [0.3, -0.2, 0.4, 0.1]
    layer, fit = by_hand(moved, [1, 1, 0, 0])
    assert stepped(FixedMask(0.5), layer, fit) == [0.3, -0.2, 0.0, 0.0]
    layer, fit = by_hand(moved, [1, 1, 0, 0], [1, 1, 1, 1])
    assert stepped(FixedMask(0.5, signs="synapse"), layer, fit) == [0.3, NEW, 0.0, 0.0]


# Starts


@pytest.mark.parametrize(
    ("weights", "sparsity", "count"),
    [(1280, 0.96875, 40), (10, 0.9, 1), (10, 0.99, 0), (7, 0.5, 3), (7, 0.0, 7), (10, 0.7, 3)],
)
def test_counts_are_those_of_the_sparsity_that_is_written(weights, sparsity, count):
    assert live_count(weights, sparsity) == count


def small():
    torch.manual_seed(0)
    return nn.Sequential(DelayedLinear(8, 6, 4), nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 4)))


def started(rule, seed=0):
    network = small()
    fit = fit_of(network, seed)
    rule.start(fit)
    return network, fit


def test_rules_begin_with_the_same_masks_and_less_sparse_ones_hold_them():
    for seed in (0, 1):
        several = [live(started(rule(0.75), seed)[0]) for rule in (FixedMask, Rewiring, RigL, SET)]
        denser = live(started(FixedMask(0.5), seed)[0])
        for name, mask in several[0].items():
            assert all(torch.equal(mask, other[name]) for other in several)
            assert mask.sum() == live_count(mask.numel(), 0.75)
            assert (denser[name] | ~mask).all()
    assert not torch.equal(*(live(started(Rewiring(0.75), seed)[0])["0.weight"] for seed in (0, 1)))


def test_signs_are_those_of_the_first_weights_or_drawn_for_each_input():
    first = small()[0].weight
    network, fit = started(Rewiring(0.5))
    mask = network[0].weight != 0
    assert torch.equal(network[0].weight[mask], first[mask])
    assert torch.equal(fit.tensors["sparse.signs.0.weight"], first.sign().to(torch.int8))
    network, fit = started(Rewiring(0.0, signs="presynaptic"))
    assert torch.equal(network[0].weight.abs(), first.abs())
    columns = network[0].weight.sign()
    assert torch.equal(columns, columns[:1].expand(6, 8))
    assert set(columns[0].tolist()) == {-1.0, 1.0}


def test_signs_of_the_inputs_of_a_transposed_convolution_are_those_of_its_first_axis():
    network = nn.Sequential(nn.ConvTranspose1d(5, 3, 2))
    Rewiring(0.0, signs="presynaptic").start(fit_of(network))
    rows = network[0].weight.sign()
    assert torch.equal(rows, rows[:, :1, :1].expand(5, 3, 2))
    assert set(rows[:, 0, 0].tolist()) == {-1.0, 1.0}


def test_layers_that_are_not_named_are_left_alone():
    network, fit = started(FixedMask(0.75, layers=("1.0",)))
    assert list(fit.tensors) == ["sparse.live.1.0.weight"]
    assert bool(live(network)["0.weight"].all())
    FixedMask(0.5, layers=("0",)).start(fit)
    assert int(live(network)["0.weight"].sum()) == 24


def test_a_fresh_zero_is_live_all_the_same():
    network = nn.Sequential(nn.Linear(4, 4))
    nn.init.zeros_(network[0].weight)
    Rewiring(0.5).start(fit_of(network))
    assert int(live(network)["0.weight"].sum()) == 8


# Faults


@pytest.mark.parametrize("rule", [FixedMask, Rewiring, RigL, SET])
@pytest.mark.parametrize("sparsity", [-0.1, 1.0])
def test_a_sparsity_out_of_range_is_refused(rule, sparsity):
    with pytest.raises(TicError, match=r"sparsity must be in \[0, 1\), got"):
        rule(sparsity)


def test_a_layer_without_live_weights_is_refused():
    message = "a sparsity of 0.95 leaves none of 16 weights of 1.1.weight; lower it"
    with pytest.raises(TicError, match=message):
        started(FixedMask(0.95))


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(TicError, match=r"network, got 'hidden'; it has 0, 1.0, 1.1, of those that"):
        started(FixedMask(0.5, layers=("0", "hidden")))
    with pytest.raises(
        TicError, match="whose weights can be pruned, got none in Sequential; leave"
    ):
        FixedMask(0.5).start(fit_of(nn.Sequential(nn.BatchNorm1d(3))))


def test_two_rules_of_one_layer_are_refused():
    _, fit = started(FixedMask(0.5))
    with pytest.raises(TicError, match=r"one rule alone must hold the mask of 0.weight, got two"):
        Rewiring(0.5).start(fit)


def test_signs_of_inputs_that_share_weights_are_refused():
    fit = fit_of(nn.Sequential(nn.Conv2d(4, 4, 3, groups=2)))
    with pytest.raises(TicError, match=r"got 2 groups in 0.weight; take signs 'synapse'"):
        Rewiring(0.5, signs="presynaptic").start(fit)


def test_regrowth_without_a_gradient_is_refused():
    layer, fit = by_hand([-0.1, 0.0], [1, 0], [1, 1])
    with pytest.raises(TicError, match=r"needs one at 0.weight, got none"):
        stepped(Rewiring(0.5), layer, fit)


@pytest.mark.parametrize(
    ("rule", "fields", "says"),
    [
        (RigL, {"share": 0.0}, r"share must be in \(0, 1\], got 0"),
        (RigL, {"until": 1.5}, r"until must be in \(0, 1\], got 1.5"),
        (RigL, {"interval": 0}, "interval must be at least 1, got 0"),
        (SET, {"share": 1.5}, r"share must be in \(0, 1\], got 1.5"),
    ],
)
def test_numbers_out_of_range_are_refused(rule, fields, says):
    with pytest.raises(TicError, match=says):
        rule(0.5, **fields)


# Properties

rules = st.one_of(
    st.builds(FixedMask, st.just(0.5), signs=st.sampled_from(["free", "synapse", "presynaptic"])),
    st.builds(
        Rewiring,
        st.sampled_from([0.0, 0.3, 0.5, 0.8]),
        regrowth=st.sampled_from(["signed", "inverted", "absolute", "random"]),
        signs=st.sampled_from(["synapse", "presynaptic"]),
    ),
    st.builds(RigL, st.sampled_from([0.3, 0.8]), interval=st.just(1)),
    st.builds(SET, st.sampled_from([0.3, 0.8])),
)


@settings(max_examples=40)
@given(rules, st.integers(0, 999))
def test_counts_are_exact_and_signs_are_kept_after_every_step(rule, seed):
    network, fit = started(rule, seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.2)
    draws = torch.Generator().manual_seed(seed)
    for step in range(8):
        fit.epoch, fit.step = step // 2, step + 1
        if step % 2 == 0:
            rule.before_epoch(fit)
        for weight in network.parameters():
            weight.grad = torch.randn(weight.shape, generator=draws)
        optimiser.step()
        rule.after_step(fit)
        for name, mask in live(network).items():
            weight = network.get_parameter(name)
            assert int(mask.sum()) == live_count(mask.numel(), rule.sparsity)
            assert torch.equal(mask, fit.tensors[f"sparse.live.{name}"])
            if (signs := fit.tensors.get(f"sparse.signs.{name}")) is not None:
                assert bool((weight * signs >= 0).all())


# Trainings


@dataclass(frozen=True)
class Pulses(Dataset):
    """Two pulses, of which the earlier one tells the class."""

    @property
    def facts(self):
        return Facts(name="pulses", shape=(8, 4), num_classes=2, train_size=48, test_size=16)

    def load(self, split, root=None, *, download=True):
        labels = torch.arange(self.facts.size(split)) % 2
        draws = torch.Generator().manual_seed(len(labels))
        recordings = 0.1 * torch.rand(len(labels), 8, 4, generator=draws)
        for number, label in enumerate(labels):
            recordings[number, 1, label] = recordings[number, 5, 1 - label] = 1
        return Samples(self.facts, split, recordings, labels)


class Hearing(nn.Module):
    """Two layers with delays, of which the first is rectified."""

    def __init__(self):
        super().__init__()
        self.first, self.second = DelayedLinear(4, 12, 5), DelayedLinear(12, 2, 5)
        for layer in (self.first, self.second):
            layer.weight.data *= 0.1  # so that some change their sign

    def forward(self, recordings):
        return self.second(self.first(recordings.transpose(0, 1)).relu())


@dataclass(frozen=True)
class Listener(Architecture):
    def build(self, facts, timesteps):
        return Hearing()


@dataclass(frozen=True)
class Adam(Fitting):
    rate: float = 0.02

    def optimiser(self, network):
        return torch.optim.Adam(network.parameters(), lr=self.rate)


RECIPE = Recipe(
    dataset=Pulses(), architecture=Listener(), timesteps=8, fitting=Adam(), epochs=4, batch_size=12
)


class InterruptionError(Exception):
    """Ends a training after an epoch, as a kill would, but within this process."""


def contents(run):
    files = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    history, manifest = (json.loads(files.pop(name)) for name in (HISTORY, MANIFEST))
    del history["seconds"], manifest[HISTORY]
    return files, history, manifest


@pytest.mark.parametrize(
    "rule",
    [
        FixedMask(0.75, signs="presynaptic"),
        Rewiring(0.5),
        Rewiring(0.5, regrowth="inverted"),
        Rewiring(0.5, regrowth="random", signs="presynaptic", lagging=True),
        RigL(0.75, interval=2),
        SET(0.75),
    ],
    ids=lambda rule: rule.label,
)
def test_an_interrupted_training_goes_on_with_the_same_bits_and_keeps_its_count(tmp_path, rule):
    recipe = RECIPE.but(rules=(DelaySchedule(3.0, share=0.5), rule))
    lab, whole = Lab(tmp_path / "one"), train(recipe, Lab(tmp_path / "other"))

    def interrupt(epoch):
        if epoch < 4:
            raise InterruptionError

    for _ in range(3):
        with pytest.raises(InterruptionError):
            train(recipe, lab, interrupt)
    assert contents(train(recipe, lab)) == contents(whole)
    if not getattr(rule, "lagging", False):
        for name, mask in live(lab.network(recipe)).items():
            assert int(mask.sum()) == live_count(mask.numel(), rule.sparsity), name


@pytest.mark.parametrize("rule", [Rewiring(0.5), RigL(0.5, interval=1), SET(0.5)])
def test_a_training_changes_its_mask_unless_it_is_fixed(tmp_path, rule):
    lab = Lab(tmp_path)
    fixed, rewired = (RECIPE.but(rules=(rule,)) for rule in (FixedMask(0.5), rule))
    for recipe in (fixed, rewired):
        train(recipe, lab)
    masks = [live(lab.network(recipe))["first.weight"] for recipe in (fixed, rewired)]
    start = live(started_as(FixedMask(0.5)))["first.weight"]
    assert torch.equal(masks[0], start)
    assert not torch.equal(masks[1], start)


def started_as(rule):
    """A network whose rule began as in a training of seed 0."""
    fit = fit_of(Hearing())
    fit.generator = seeding.generator(0, "rules")
    rule.start(fit)
    return fit.network
