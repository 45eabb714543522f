"""What the pack's own rules hold while a network is trained."""

import pytest
import torch

from claims.meszaros2024 import recipes, rival_recipes
from claims.meszaros2024.networks import Delayed
from claims.meszaros2024.rules import KeptMask, LinkedMask, layers
from tic.audit import Facts, TicError
from tic.fitting import Fit
from tic.lab import Lab
from tic.rewiring import FixedMask, live_count
from tic.seeding import generator
from tic.train import train

FACTS = Facts(name="f", shape=(9, 20), num_classes=20, train_size=9, test_size=9)


def fit(seed=0, delays="fixed", hidden=30):
    torch.manual_seed(seed)
    network = Delayed(hidden=hidden, largest_delay=4, delays=delays).build(FACTS, 9)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    return Fit(network, optimiser, 3, seed, generator(seed, "rules"))


def shaken(training, seed=1):
    """Every weight gets another value, as by a step."""
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in layers(training.network).values():
            layer.weight.add_(torch.randn(layer.weight.shape, generator=draws))


@pytest.mark.parametrize("sparsity", [0.5, 0.9, 0.984375, 0.998046875])
def test_a_linked_mask_has_as_many_synapses_and_no_neuron_without_input_or_output(sparsity):
    training = fit()
    rule = LinkedMask(sparsity)
    rule.start(training)
    shaken(training)
    rule.after_step(training)
    inner, outer = (layer.weight != 0 for layer in layers(training.network).values())
    assert int(inner.sum()) == int(outer.sum()) == live_count(600, sparsity)
    used = inner.any(1)
    assert torch.equal(used, outer.any(0))
    assert int(used.sum()) == min(30, live_count(600, sparsity))


def test_linked_masks_differ_between_seeds_and_not_between_calls():
    masks = []
    for seed in (0, 0, 1):
        training = fit()
        training.generator = generator(seed, "rules")
        LinkedMask(0.9).start(training)
        masks.append(training.network.inner.weight != 0)
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_a_sparsity_that_leaves_nothing_is_refused():
    with pytest.raises(TicError, match="leaves no synapse"):
        LinkedMask(0.9999).start(fit())
    with pytest.raises(TicError, match="sparsity must be in"):
        LinkedMask(1.0)


@pytest.mark.parametrize("delays", ["own", "permuted"])
def test_a_kept_mask_begins_anew_with_the_parents_mask(delays):
    training = fit()
    FixedMask(0.75).start(training)
    parent = {name: tensor.clone() for name, tensor in training.network.state_dict().items()}
    training.network.norm.weight.data.fill_(3.0)
    training.network.norm.running_mean.fill_(5.0)
    torch.manual_seed(9)
    rule = KeptMask(delays)
    rule.start(training)
    shaken(training)
    rule.after_step(training)
    assert training.network.norm.weight.tolist() == [1.0] * 30
    assert training.network.norm.running_mean.tolist() == [0.0] * 30
    for name, layer in layers(training.network).items():
        live = parent[f"{name}.weight"] != 0
        assert torch.equal(layer.weight != 0, live)
        assert not (layer.weight == parent[f"{name}.weight"])[live].any()
        before = parent[f"{name}.delay"]
        assert torch.equal(layer.delay[~live], before[~live])
        assert torch.equal(layer.delay[live].sort().values, before[live].sort().values)
        assert torch.equal(layer.delay, before) == (delays == "own")


def test_a_linked_mask_needs_a_hidden_layer():
    training = fit()
    training.network.outer = torch.nn.Identity()
    with pytest.raises(TicError, match="needs two layers of synapses, got 1"):
        LinkedMask(0.5).start(training)


class KilledError(Exception):
    pass


def kill(epoch):
    if epoch == 2:
        raise KilledError


SHORT = recipes.SPOKEN.but(
    architecture=Delayed(hidden=8, largest_delay=4, tau=8.0), train_size=80, epochs=4, checkpoints=1
)
TRAINED = {
    "rewired, learned": recipes.condition(SHORT, "dynamic", "learned", 0.5),
    "static, trained τ": rival_recipes.remembering(SHORT, "trained")[recipes.OTHER],
    "linked": rival_recipes.paths(SHORT, "linked")[rival_recipes.beside(0.875)],
    "fixed signs": rival_recipes.regularised(SHORT)[rival_recipes.beside(0.875)],
    "reused": recipes.reused(SHORT, 0.5, "permuted"),
}


@pytest.mark.parametrize("name", TRAINED)
def test_a_training_that_was_killed_goes_on_with_the_same_bits(name, tmp_path):
    whole, parted = (Lab(tmp_path / folder) for folder in ("whole", "parted"))
    recipe = TRAINED[name].with_seed(900_000)
    for ancestor in recipe.ancestors:
        train(ancestor, parted)
    with pytest.raises(KilledError):
        train(recipe, parted, kill)
    digests = [train(recipe, lab).digests(recipe.epochs).weights for lab in (whole, parted)]
    assert digests[0] == digests[1]
