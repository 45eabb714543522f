from dataclasses import dataclass
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, prune

from tic.data import Digits
from tic.errors import TicError
from tic.fitting import Fit, Rule
from tic.models import DelayedLinear, Spiking, build
from tic.pruning import (
    Pruning,
    apply_masks,
    compute_saving,
    magnitude_masks,
    prunable,
    pruning_chain,
    pruning_of,
    random_masks,
    sparsity,
    sparsity_of,
)
from tic.recipe import Recipe

BASE = Recipe(
    dataset=Digits(), architecture=Spiking("tiny"), timesteps=5, epochs=30, checkpoints=3, seed=2
)


def fit_of(network):
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    return Fit(network, optimiser, epochs=1, seed=7, generator=torch.Generator())


def removed(masks):
    return sum(int((mask == 0).sum()) for mask in masks.values())


def test_weights_of_convolutions_and_linear_layers_are_prunable():
    network = build("tiny", in_channels=1, num_classes=10, timesteps=2)
    weights = prunable(network)
    matrices = {name for name, value in network.named_parameters() if value.dim() > 1}
    assert set(weights) == matrices
    assert all(weights[name] is network.get_parameter(name) for name in matrices)


def test_weights_with_delays_are_prunable_and_their_delays_are_not():
    network = nn.Sequential(DelayedLinear(4, 3, 5), nn.Linear(3, 2))
    assert list(prunable(network)) == ["0.weight", "1.weight"]


def test_convolutions_of_any_kind_are_prunable():
    network = nn.Sequential(
        nn.Conv1d(2, 3, 1), nn.Conv2d(2, 3, 1), nn.Conv3d(2, 3, 1),
        nn.ConvTranspose1d(2, 3, 1), nn.ConvTranspose2d(2, 3, 1), nn.ConvTranspose3d(2, 3, 1),
    )  # fmt: skip
    assert list(prunable(network)) == [f"{number}.weight" for number in range(6)]


@pytest.mark.parametrize("order", ["magnitude", "random"])
def test_weights_that_two_layers_share_are_pruned_once(order):
    network = nn.Sequential(nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 20))
    network[2].weight = network[0].weight
    fit = fit_of(network)
    Pruning(0.5, order).start(fit)
    assert list(fit.tensors) == ["pruned.0.weight"]
    assert int((network[2].weight == 0).sum()) == 200
    assert sparsity(prunable(network)) == 0.5


@pytest.mark.parametrize(
    "computed",
    [
        lambda layer: parametrizations.weight_norm(layer),
        lambda layer: prune.identity(layer, "weight"),
    ],
)
def test_weights_that_are_computed_from_others_are_refused(computed):
    network = nn.Sequential(nn.ReLU(), computed(nn.Linear(4, 4)))
    with pytest.raises(
        TicError, match=r"must be parameters, and layer '1' computes its own .* off"
    ):
        Pruning(0.5).start(fit_of(network))


def test_a_network_without_weights_to_prune_is_refused():
    with pytest.raises(TicError, match="got none in BatchNorm1d; leave out what prunes or asks"):
        Pruning(0.5).start(fit_of(nn.BatchNorm1d(3)))


def test_the_smallest_magnitudes_go_whatever_their_sign():
    weights = {"a": torch.tensor([0.5, -3.0, 0.1, -0.2])}
    assert magnitude_masks(weights, 0.5)["a"].tolist() == [1, 1, 0, 0]


def test_layers_compete_with_each_other():
    weights = {"small": torch.tensor([[0.1, 0.2]]), "large": torch.tensor([1.0, -2.0])}
    masks = magnitude_masks(weights, 0.5)
    assert masks["small"].tolist() == [[0, 0]]
    assert masks["large"].tolist() == [1, 1]


def test_by_layer_every_layer_gives_the_same_share():
    weights = {"small": torch.tensor([[0.1, 0.2]]), "large": torch.tensor([1.0, -2.0, 3.0, -4.0])}
    masks = magnitude_masks(weights, 0.5, "layer")
    assert masks["small"].tolist() == [[0, 1]]
    assert masks["large"].tolist() == [0, 0, 1, 1]


def test_of_equal_magnitudes_the_first_go():
    weights = {"a": torch.ones(3), "b": -torch.ones(3)}
    masks = magnitude_masks(weights, 4 / 6)
    assert masks["a"].tolist() == [0, 0, 0]
    assert masks["b"].tolist() == [0, 1, 1]


def test_masks_have_the_type_and_shape_of_their_weights():
    weights = {"a": torch.ones(2, 3, 1, 1, dtype=torch.float64)}
    mask = magnitude_masks(weights, 0.5)["a"]
    assert mask.dtype is torch.float64
    assert mask.shape == (2, 3, 1, 1)
    assert not mask.requires_grad


def test_masks_of_weights_of_several_types_have_the_type_of_each():
    weights = {"a": torch.ones(3, dtype=torch.float16), "b": torch.ones(3)}
    masks = magnitude_masks(weights, 0.5)
    assert {name: mask.dtype for name, mask in masks.items()} == {
        "a": torch.float16,
        "b": torch.float32,
    }


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_of_weights_is_from_0_to_1(share):
    """A negative one pruned all weights but that share, and more than all pruned all."""
    weights = {"a": torch.ones(10)}
    for masks in (magnitude_masks, partial(random_masks, seed=0)):
        with pytest.raises(TicError, match=rf"in \[0, 1\], got {share:g}"):
            masks(weights, sparsity=share)


def test_masked_weights_become_exactly_zero_and_the_others_stay():
    layer = nn.Linear(4, 2)
    before = layer.weight.detach().clone()
    weights = prunable(nn.Sequential(layer))
    masks = magnitude_masks(weights, 0.25)
    apply_masks(weights, masks)
    mask = masks["0.weight"].bool()
    assert torch.equal(layer.weight[mask], before[mask])
    assert torch.count_nonzero(layer.weight[~mask]) == 0
    assert sparsity(weights) == 0.25
    assert layer.weight.requires_grad


def test_sparsity_counts_exact_zeros_over_all_layers():
    weights = {"a": torch.tensor([0.0, 1e-30, -0.0, 2.0]), "b": torch.ones(4)}
    assert sparsity(weights) == 2 / 8


magnitudes = st.lists(
    st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.5, 1.0, 1.5]), min_size=1, max_size=12),
    min_size=1,
    max_size=4,
).map(lambda layers: {str(k): torch.tensor(layer) for k, layer in enumerate(layers)})


@settings(deadline=None)
@given(magnitudes, st.floats(0, 1))
def test_the_count_is_exact_even_where_magnitudes_tie(weights, share):
    total = sum(weight.numel() for weight in weights.values())
    assert removed(magnitude_masks(weights, share)) == round(share * total)


@settings(deadline=None)
@given(magnitudes, st.floats(0, 1))
def test_nothing_that_is_kept_is_smaller_than_what_is_removed(weights, share):
    masks = magnitude_masks(weights, share)
    flat = torch.cat([weight.abs() for weight in weights.values()])
    kept = torch.cat(list(masks.values())).bool()
    if kept.any() and not kept.all():
        assert flat[kept].min() >= flat[~kept].max()


@settings(deadline=None)
@given(magnitudes, st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**16))
def test_what_is_pruned_stays_pruned_in_later_rounds(weights, one, other, seed):
    first = magnitude_masks(weights, min(one, other))
    apply_masks(weights, first)
    generator = torch.Generator().manual_seed(seed)
    retrained = {
        name: torch.randn(len(weight), generator=generator) * first[name]
        for name, weight in weights.items()
    }
    second = magnitude_masks(retrained, max(one, other))
    assert all((second[name] <= first[name]).all() for name in weights)


def drawn(weights, share, seed):
    """Random masks of all layers as one vector."""
    return torch.cat([mask.flatten() for mask in random_masks(weights, share, seed).values()])


@settings(deadline=None)
@given(magnitudes, st.floats(0, 1), st.integers(0, 2**16))
def test_random_pruning_removes_as_many_as_magnitude_pruning(weights, share, seed):
    masks = random_masks(weights, share, seed)
    assert removed(masks) == removed(magnitude_masks(weights, share))
    assert all(mask.shape == weights[name].shape for name, mask in masks.items())


@settings(deadline=None)
@given(magnitudes, st.floats(0, 1), st.integers(0, 2**16), st.data())
def test_random_pruning_does_not_depend_on_the_weights(weights, share, seed, data):
    values = st.sampled_from([-1e9, -1e-9, 1e-9, 1e9])
    others = {
        name: torch.tensor([data.draw(values) for _ in weight]) for name, weight in weights.items()
    }
    assert torch.equal(drawn(weights, share, seed), drawn(others, share, seed))


@settings(deadline=None)
@given(magnitudes, st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**16))
def test_what_random_pruning_removed_is_the_start_of_what_it_removes_later(
    weights, one, other, seed
):
    fewer, more = sorted((one, other))
    first, at_once = (random_masks(weights, share, seed) for share in (fewer, more))
    apply_masks(weights, first)
    second = random_masks(weights, more, seed)
    assert all((second[name] <= first[name]).all() for name in weights)
    assert all(torch.equal(second[name], at_once[name]) for name in weights)


@settings(deadline=None)
@given(magnitudes, st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**16))
def test_random_pruning_keeps_pruned_what_others_pruned(weights, one, other, seed):
    fewer, more = sorted((one, other))
    for first in (magnitude_masks(weights, fewer), random_masks(weights, fewer, seed + 1)):
        left = {name: weight.clone() for name, weight in weights.items()}
        apply_masks(left, first)
        second = random_masks(left, more, seed)
        assert all((second[name] <= first[name]).all() for name in weights)


def test_random_pruning_draws_by_the_seed_alone():
    weights = {"a": torch.ones(40, 5), "b": torch.ones(100)}
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = drawn(weights, 0.5, 0)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(drawn(weights, 0.5, 0), first)
    assert not torch.equal(drawn(weights, 0.5, 1), first)


def test_random_pruning_takes_its_share_of_every_layer():
    weights = {"small": torch.full((4000,), 1e-3), "large": torch.full((4000,), 1e3)}
    masks = random_masks(weights, 0.75, 0)
    # Hypergeometric with a standard deviation of 19 weights; five of those.
    assert int(masks["small"].sum()) == pytest.approx(1000, abs=97)
    assert int(masks["large"].sum()) == 2000 - int(masks["small"].sum())


def test_a_random_mask_has_the_type_of_its_weight_and_no_graph():
    weights = {"a": nn.Parameter(torch.ones(2, 3, 1, 1, dtype=torch.float64))}
    mask = random_masks(weights, 0.5, 0)["a"]
    assert mask.dtype is torch.float64
    assert not mask.requires_grad


def test_the_rule_says_which_weights_are_masked():
    weights = {"a": torch.arange(1.0, 101), "b": torch.arange(1.0, 31)}
    for scope in ("global", "layer"):
        for order, expected in (
            ("magnitude", magnitude_masks(weights, 0.3, scope)),
            ("random", random_masks(weights, 0.3, 2, scope)),
        ):
            masks = Pruning(0.3, order, scope).masks(weights, 2)
            assert masks.keys() == expected.keys()
            assert all(torch.equal(masks[name], expected[name]) for name in weights)


def test_a_recipe_tells_its_pruning():
    rule = Pruning(0.3, order="random")
    child = BASE.but(parent=BASE, rules=(rule,))
    assert (pruning_of(child), sparsity_of(child)) == (rule, 0.3)
    assert (pruning_of(BASE), sparsity_of(BASE)) == (None, 0.0)


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("order", ["magnitude", "random"])
def test_the_rule_prunes_when_it_starts_and_again_after_every_step(layers, order, scope):
    rule, weights = Pruning(0.4, order, scope), prunable(layers)
    expected = rule.masks({name: weight.clone() for name, weight in weights.items()}, 7)
    fit = fit_of(layers)
    rule.start(fit)
    for _ in range(2):
        for name, weight in weights.items():
            assert torch.equal(weight == 0, expected[name] == 0)
        with torch.no_grad():
            for weight in weights.values():
                weight.add_(1.0)
        rule.after_step(fit)
    assert {name.removeprefix("pruned.") for name in fit.tensors} == set(weights)


def test_random_pruning_by_layer_takes_the_share_of_every_layer_exactly():
    weights = {"a": torch.ones(40), "b": torch.ones(7)}
    masks = random_masks(weights, 0.5, 0, "layer")
    assert [removed({name: mask}) for name, mask in masks.items()] == [20, 4]


# Rounds


def removed_by_round(total, rounds=5):
    """Weights removed after every round of half of what is left, and by torch's own rounding."""
    ours, theirs, left = [], [], total
    for done in range(1, rounds + 1):
        masks = magnitude_masks({"a": torch.arange(1.0, total + 1)}, 1 - 0.5**done)
        ours.append(removed(masks))
        left -= round(0.5 * left)
        theirs.append(total - left)
    return ours, theirs


@pytest.mark.parametrize(
    ("total", "ours", "theirs"),
    [
        (32, [16, 24, 28, 30, 31], [16, 24, 28, 30, 31]),
        # 75, 87.5, 93.75, 96.875 of a hundred; torch halves 25 to 12 and 13 to 6.
        (100, [50, 75, 88, 94, 97], [50, 75, 87, 93, 97]),
        # 3.5, 5.25, 6.125, 6.5625, 6.78125 of seven; torch halves 3 to 2 and 1 to 0.
        (7, [4, 5, 6, 7, 7], [4, 6, 6, 6, 6]),
    ],
)
def test_a_round_leaves_the_compounded_share_rounded_once(total, ours, theirs):
    assert removed_by_round(total) == (ours, theirs)


@settings(deadline=None)
@given(st.integers(1, 3000))
def test_rounding_round_by_round_differs_by_at_most_one_weight(total):
    ours, theirs = removed_by_round(total)
    assert all(abs(mine - other) <= 1 for mine, other in zip(ours, theirs, strict=True))


@pytest.fixture
def layers():
    """A convolution of 81 weights, 45 small ones and a classifier of 35."""
    draws = torch.Generator().manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 3, 3, bias=False), nn.Linear(9, 5, bias=False), nn.Linear(5, 7, bias=False)
    )
    for layer, scale in zip(network, (1.0, 0.05, 0.7), strict=True):
        values = torch.randn(layer.weight.shape, generator=draws)
        layer.weight = nn.Parameter(scale * values)
    return network


def pruned_by_torch(network, scope):
    """Half of what is left, per round, as `torch.nn.utils.prune` counts it; masks after each."""
    own = [(layer, "weight") for layer in network]
    for _ in range(5):
        if scope == "global":
            prune.global_unstructured(own, pruning_method=prune.L1Unstructured, amount=0.5)
        else:
            for layer, name in own:
                prune.l1_unstructured(layer, name, amount=0.5)
        yield {f"{k}.weight": layer.weight_mask.clone() for k, layer in enumerate(network)}


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_masks_are_those_of_torch_but_for_the_rounding(layers, scope):
    weights = {name: weight.clone() for name, weight in prunable(layers).items()}
    for done, theirs in enumerate(pruned_by_torch(layers, scope), start=1):
        ours = magnitude_masks(weights, 1 - 0.5**done, scope)
        apply_masks(weights, ours)
        apart = {name: int((ours[name] != mask).sum()) for name, mask in theirs.items()}
        assert sum(apart.values()) <= 1 if scope == "global" else max(apart.values()) <= 1
        if done == 1:
            assert sum(apart.values()) == 0
    small = int(ours["1.weight"].sum())
    assert small == (0 if scope == "global" else 1)


def test_a_chain_of_random_pruning_differs_in_that_alone():
    random, magnitude = (
        pruning_chain(
            BASE, rounds=2, fraction=0.5, retrain_epochs=6, retrain_timesteps=3, order=each
        )
        for each in ("random", "magnitude")
    )
    assert [pruning_of(each).order for each in random] == ["random", "random"]
    alike = [(pruning_of(each).but(order="magnitude"),) for each in random]
    assert random[0].but(rules=alike[0]) == magnitude[0]
    assert random[1].but(rules=alike[1], parent=magnitude[0]) == magnitude[1]
    assert magnitude == pruning_chain(
        BASE, rounds=2, fraction=0.5, retrain_epochs=6, retrain_timesteps=3
    )


def test_a_chain_halves_what_is_left_in_every_round():
    chain = pruning_chain(BASE, rounds=5, fraction=0.5, retrain_epochs=6, retrain_timesteps=3)
    assert [sparsity_of(recipe) for recipe in chain] == [0.5, 0.75, 0.875, 0.9375, 0.96875]
    assert [recipe.parent for recipe in chain] == [BASE, *chain[:-1]]
    assert {recipe.epochs for recipe in chain} == {6}
    assert {recipe.timesteps for recipe in chain} == {3}
    assert {recipe.checkpoints for recipe in chain} == {1}
    assert {recipe.seed for recipe in chain} == {2}


def test_another_fraction_leaves_its_powers():
    chain = pruning_chain(BASE, rounds=2, fraction=0.2, retrain_epochs=1, retrain_timesteps=5)
    assert [sparsity_of(recipe) for recipe in chain] == pytest.approx([0.2, 1 - 0.64])


def test_a_chain_goes_on_from_a_pruned_network():
    first, second = pruning_chain(
        BASE, rounds=2, fraction=0.5, retrain_epochs=6, retrain_timesteps=3
    )
    (again,) = pruning_chain(first, rounds=1, fraction=0.5, retrain_epochs=6, retrain_timesteps=3)
    assert again == second


@dataclass(frozen=True)
class Other(Rule):
    """A rule that changes nothing."""

    def after_step(self, fit):
        """Look on."""


def test_a_chain_keeps_the_other_rules_of_its_base():
    base = BASE.but(parent=BASE, rules=(Pruning(0.5), Other()))
    chain = pruning_chain(base, rounds=2, fraction=0.5, retrain_epochs=6, retrain_timesteps=3)
    assert [recipe.rules for recipe in chain] == [
        (Other(), Pruning(0.75)),
        (Other(), Pruning(0.875)),
    ]


def test_retraining_with_more_timesteps_than_the_network_had_is_refused():
    with pytest.raises(TicError, match="at most the 5 timesteps of the first training, got 6"):
        pruning_chain(BASE, rounds=1, fraction=0.5, retrain_epochs=1, retrain_timesteps=6)


@pytest.mark.parametrize("fraction", [-0.5, 1.0])
def test_a_share_outside_of_zero_and_one_is_refused(fraction):
    with pytest.raises(TicError, match=r"sparsity must be in \(0, 1\), got"):
        pruning_chain(BASE, rounds=1, fraction=fraction, retrain_epochs=1, retrain_timesteps=5)


@pytest.mark.parametrize(
    ("counts", "saving"),
    [
        ((300, 60, 5, 5, 3), 0.2),  # 60·5·2 / (300·5 + 60·5·5) = 600 / 3000
        ((300, 60, 5, 5, 5), 0.0),
        ((300, 60, 5, 5, 2), 0.3),  # 900 / 3000
        ((1, 1, 1, 2, 1), 0.25),  # 1 / (2 + 2)
        ((10, 5, 4, 4, 1), 0.5),  # 60 / (40 + 80)
    ],
)
def test_the_saving_is_as_computed_by_hand(counts, saving):
    names = ("epochs", "retrain_epochs", "rounds", "timesteps", "retrain_timesteps")
    assert compute_saving(**dict(zip(names, counts, strict=True))) == pytest.approx(saving)


def test_the_saving_of_the_paper_is_a_fifth_to_the_last_bit():
    saving = compute_saving(
        epochs=300, retrain_epochs=60, rounds=5, timesteps=5, retrain_timesteps=3
    )
    assert saving == 0.2


counts = st.integers(1, 1000)


@settings(deadline=None)
@given(counts, counts, counts, st.integers(1, 20), st.data())
def test_the_saving_is_one_minus_the_ratio_of_the_work(epochs, retrain, rounds, timesteps, data):
    fewer = data.draw(st.integers(1, timesteps))
    saving = compute_saving(
        epochs=epochs,
        retrain_epochs=retrain,
        rounds=rounds,
        timesteps=timesteps,
        retrain_timesteps=fewer,
    )
    work = epochs * timesteps + retrain * rounds * fewer
    full = epochs * timesteps + retrain * rounds * timesteps
    assert saving == pytest.approx(1 - work / full, abs=1e-12)
    assert 0 <= saving < 1


@pytest.mark.parametrize(
    "name", ["epochs", "retrain_epochs", "rounds", "timesteps", "retrain_timesteps"]
)
def test_a_count_below_one_is_refused_by_name(name):
    counts = {
        "epochs": 300,
        "retrain_epochs": 60,
        "rounds": 5,
        "timesteps": 5,
        "retrain_timesteps": 3,
    }
    with pytest.raises(TicError, match=f"^{name} must be at least 1, got 0"):
        compute_saving(**{**counts, name: 0})


def test_saving_with_more_timesteps_while_retraining_is_refused():
    with pytest.raises(TicError, match="retrain_timesteps must be at most timesteps, got 6 > 5"):
        compute_saving(epochs=300, retrain_epochs=60, rounds=5, timesteps=5, retrain_timesteps=6)
