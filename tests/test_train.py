import errno
import json
import math
import os
import random
import signal
from dataclasses import replace
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch._dynamo.exc import BackendCompilerFailed
from torch.nn.functional import cross_entropy

from fixtures.workers import exit_status, train_and_log, train_until_killed, wait_until
from tic import data, losses, models, pruning, seeding
from tic.checkpoint import Checkpoint, write_checkpoint
from tic.data import CropFlip, Digits
from tic.errors import DivergedRunError, TicError, UnwritableError
from tic.fitting import CosineSGD
from tic.lab import Lab
from tic.losses import AlphaLoss, MeanLoss, PrefixLoss
from tic.models import Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe
from tic.run import HISTORY, MANIFEST, RECIPE, STATE, weights_name
from tic.tensors import write_tensors
from tic.train import take_step, train, train_if_free

PRUNABLE = 144 + (2 * 2304 + 256) + (4608 + 9216 + 512) + (2 * 9216 + 1024) + 320
"""Weights of the tiny network's stem, its three blocks (two 3×3 and a 1×1 each), its classifier."""


@pytest.fixture
def thorough_recipe(quick_recipe):
    """Everything that draws or remembers: augmentation, momentum, three epochs, a small batch."""
    return quick_recipe.but(augmentation=CropFlip(), epochs=3, checkpoints=3, batch_size=25)


def contents(run):
    """All that a Run's files hold, besides how long the training took."""
    files = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    history, manifest = (json.loads(files.pop(name)) for name in (HISTORY, MANIFEST))
    assert history.pop("seconds") >= 0
    del manifest[HISTORY]
    return files, history, manifest


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a Recipe leaves when nothing comes between; each is trained once for all tests."""
    lab = Lab(tmp_path_factory.mktemp("undisturbed") / "store")
    return lambda recipe: contents(train(recipe, lab))


def weights(run, epoch):
    return safetensors.torch.load_file(run.folder / weights_name(epoch))


def kept_epochs(run):
    return sorted(int(path.stem.removeprefix("weights-")) for path in run.folder.glob("weights-*"))


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


class InterruptionError(Exception):
    """Ends a training after an epoch, as a kill would, but within this process."""


def interrupt(recipe, lab, after):
    def on_epoch(epoch):
        if epoch == after:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        train(recipe, lab, on_epoch)
    return lab.store.work_folder(lab.fingerprint(recipe))


# Determinism


def test_the_same_recipe_leaves_the_same_files_in_two_stores(lab, thorough_recipe, undisturbed):
    first = undisturbed(thorough_recipe)
    torch.manual_seed(1)
    assert contents(train(thorough_recipe, lab)) == first


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"loss": PrefixLoss()},
        {"architecture": Spiking("tiny", tau=3.0)},
        {"fitting": CosineSGD(weight_decay=0.1)},
    ],
    ids=str,
)
def test_another_recipe_leaves_other_weights(lab, quick_recipe, change):
    recipes = quick_recipe, quick_recipe.but(**change)
    one, other = (weights(train(each, lab), 2)["classifier.weight"] for each in recipes)
    assert not torch.equal(one, other)


def test_the_seed_decides_the_initial_weights_and_the_order_alike(lab, quick_recipe):
    runs = [train(quick_recipe.with_seed(seed), lab) for seed in (0, 1)]
    first, second = (weights(run, 0)["stem.0.weight"] for run in runs)
    assert not torch.equal(first, second)


def test_training_leaves_every_global_generator_alone(lab, quick_recipe):
    # What libraries do when they are first used is theirs.
    train(quick_recipe.but(seed=1), lab)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    train(quick_recipe, lab)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == states[1:]


@pytest.fixture
def threads():
    """Two threads for the test; afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield torch.get_num_threads
    torch.set_num_threads(before)


def test_training_takes_one_thread_and_gives_back_what_there_was(lab, quick_recipe, threads):
    during = []
    train(quick_recipe, lab, lambda epoch: during.append(threads()))
    assert (during, threads()) == ([1, 1], 2)
    interrupt(quick_recipe.but(seed=1), lab, after=1)
    assert threads() == 2


def test_a_finished_run_is_returned_and_not_trained_again(lab, quick_recipe):
    run = train(quick_recipe, lab)
    again = train(quick_recipe, Lab(lab.store_root), lambda epoch: pytest.fail("trained again"))
    assert again == run


def test_epochs_are_told_as_they_are_finished(lab, quick_recipe):
    told = []
    train(quick_recipe, lab, told.append)
    assert told == [1, 2]


# The slow twin


def plain_loss(recipe, logits, labels):
    if isinstance(recipe.loss, MeanLoss):
        return cross_entropy(logits.mean(0), labels)
    if isinstance(recipe.loss, PrefixLoss):
        return losses.prefix_losses(logits, labels).mean()
    return (losses.prefix_losses(logits, labels) - recipe.loss.alpha).abs().mean()


def plain_batches(recipe, order):
    samples = data.load("digits", "train", size=recipe.train_size)
    if recipe.augmentation is not None:
        yield from samples.shuffled_batches(recipe.batch_size, order, augmentation=CropFlip())
        return
    for chosen in torch.randperm(len(samples), generator=order).split(recipe.batch_size):
        yield samples.inputs[chosen] / 16, samples.labels[chosen]


def plain_network(recipe):
    facts = data.DATASETS["digits"].facts
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeding.derive(recipe.seed, "weights"))
        network = models.build(
            "tiny",
            in_channels=1,
            num_classes=10,
            timesteps=recipe.timesteps,
            tau=recipe.architecture.tau,
            mean=facts.mean,
            std=facts.std,
        )
    network.stepwise = recipe.architecture.batch_norm == "stepwise"
    return network


def plain_masks(network, share):
    """Zero for the smallest magnitudes over all layers, by sorting them all in one list."""
    ranked = sorted(
        (abs(value), name, place)
        for name, weight in network.named_parameters()
        if weight.dim() > 1
        for place, value in enumerate(weight.flatten().tolist())
    )
    masks = {name: torch.ones(w.numel()) for name, w in network.named_parameters() if w.dim() > 1}
    for _, name, place in ranked[: round(share * len(ranked))]:
        masks[name][place] = 0
    return masks


def plain_training(recipe, start=None):
    """The training written down as plainly as can be; gives weights and mean loss by epoch."""
    network, order = plain_network(recipe), seeding.generator(recipe.seed, "order")
    sgd, masks = recipe.fitting, {}
    if start is not None:
        network.load_state_dict(start)
        masks = plain_masks(network, recipe.rules[0].sparsity)
    parameters = dict(network.named_parameters())
    velocity = {}

    @torch.no_grad()
    def mask():
        for name, kept in masks.items():
            parameters[name].mul_(kept.view_as(parameters[name]))

    mask()
    states, means = [], []
    for epoch in range(recipe.epochs + 1):
        states.append({name: t.clone() for name, t in network.state_dict().items()})
        rate = sgd.learning_rate * (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2
        total = 0.0
        for images, labels in plain_batches(recipe, order):
            loss = plain_loss(recipe, network(images), labels)
            gradients = torch.autograd.grad(loss, list(parameters.values()))
            with torch.no_grad():
                for (name, weight), gradient in zip(parameters.items(), gradients, strict=True):
                    pull = gradient.add(weight, alpha=sgd.weight_decay)
                    if name in velocity:
                        before = velocity[name].mul(sgd.momentum)
                        pull = before.add(pull, alpha=1 - sgd.dampening)
                    velocity[name] = pull
                    weight.add_(pull, alpha=-rate)
            mask()
            total += loss.item() * len(labels)
        means.append(total / recipe.train_size)
    return states, means[:-1]


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"augmentation": CropFlip(), "seed": 3},
        {"loss": PrefixLoss(), "architecture": Spiking("tiny", tau=1.5)},
        {"loss": AlphaLoss(0.5), "timesteps": 3},
        {"fitting": CosineSGD(momentum=0.0, weight_decay=0.0)},
        {"fitting": CosineSGD(dampening=0.3, weight_decay=0.0)},
        {"architecture": Spiking("tiny", batch_norm="stepwise"), "timesteps": 3},
        {"train_size": 61, "batch_size": 20},
    ],
    ids=str,
)
def test_training_is_what_a_plain_loop_does(lab, quick_recipe, change):
    recipe = quick_recipe.but(**change)
    run = train(recipe, lab)
    states, means = plain_training(recipe)
    assert kept_epochs(run) == [0, 1, 2]
    for epoch in (0, 1, 2):
        assert_same(weights(run, epoch), states[epoch])
    assert run.history["train_loss"] == pytest.approx(means, rel=1e-6)


@pytest.mark.usefixtures("one_thread")
def test_retraining_is_what_a_plain_loop_with_masks_does(lab, quick_recipe):
    parent = quick_recipe.but(checkpoints=1)
    child = parent.but(parent=parent, rules=(Pruning(0.6),), timesteps=1, epochs=3)
    run = train(child, lab)
    start = weights(lab.run(parent), 2)
    assert_same(weights(run, 3), plain_training(child, start)[0][3])


def test_the_rate_falls_along_a_cosine():
    fitting, root = CosineSGD(learning_rate=0.8), 0.8 * math.sqrt(0.5) / 2
    assert [fitting.rate(epoch, 4) for epoch in range(4)] == pytest.approx(
        [0.8, 0.4 + root, 0.4, 0.4 - root]
    )


@given(st.integers(1, 400), st.floats(1e-6, 1e3))
def test_the_rate_starts_in_full_falls_and_stays_positive(epochs, rate):
    fitting = CosineSGD(learning_rate=rate)
    rates = [fitting.rate(epoch, epochs) for epoch in range(epochs)]
    assert rates[0] == rate
    assert all(late < early for early, late in pairwise(rates))
    assert rates[-1] > 0


# What is kept


@pytest.mark.parametrize(
    ("epochs", "checkpoints", "kept"),
    [(3, 1, [3]), (4, 2, [0, 1, 2, 4]), (3, 3, [0, 1, 2, 3]), (1, 1, [1])],
)
def test_weights_are_kept_at_the_named_epochs(lab, quick_recipe, epochs, checkpoints, kept):
    run = train(quick_recipe.but(epochs=epochs, checkpoints=checkpoints), lab)
    assert kept_epochs(run) == kept


def test_keeping_more_weights_does_not_change_them(lab, quick_recipe):
    few, many = (train(quick_recipe.but(epochs=3, checkpoints=n), lab) for n in (1, 3))
    assert_same(weights(few, 3), weights(many, 3))


def test_the_untrained_network_is_that_of_the_seed(lab, quick_recipe):
    run = train(quick_recipe, lab)
    assert_same(weights(run, 0), lab.fresh_network(quick_recipe).state_dict())


def test_a_run_tells_what_was_trained_and_how_it_went(lab, quick_recipe):
    run = train(quick_recipe, lab)
    assert Recipe(**json.loads((run.folder / RECIPE).read_bytes())) == quick_recipe
    history = run.history
    assert (history["epoch"], history["diverged"], run.diverged) == (2, None, None)
    assert (history["device"], history["accelerator"]) == ("cpu", None)
    assert history["torch"] == torch.__version__
    prefixes = run.curve("prefix_losses")
    assert np.shape(prefixes) == (2, 2)
    # The mean loss is that of the read-out over all timesteps, which is the last prefix.
    assert [row[-1] for row in prefixes] == pytest.approx(history["train_loss"])


def test_training_lowers_the_loss(lab, quick_recipe):
    history = train(quick_recipe.but(epochs=8, checkpoints=1), lab).history
    assert history["train_loss"][-1] < 0.9 * math.log(10)


# Resuming


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"fitting": CosineSGD(momentum=0.0)},
        {"fitting": CosineSGD(dampening=0.5)},
        {"loss": AlphaLoss(1.0)},
    ],
    ids=str,
)
def test_an_interrupted_training_goes_on_after_its_last_epoch(
    lab, thorough_recipe, undisturbed, change
):
    recipe, told = thorough_recipe.but(**change), []
    interrupt(recipe, lab, after=1)
    interrupt(recipe, lab, after=2)
    assert contents(train(recipe, lab, told.append)) == undisturbed(recipe)
    assert told == [3]


def test_the_time_before_an_interruption_counts(lab, quick_recipe, monkeypatch):
    ticks = count()
    a_second_later = SimpleNamespace(perf_counter=lambda: next(ticks))
    monkeypatch.setattr("tic.train.time", a_second_later)
    interrupt(quick_recipe, lab, after=1)
    assert train(quick_recipe, lab).history["seconds"] == 2


def test_a_training_killed_in_the_middle_of_any_write_leaves_the_same_run(
    tmp_path, thorough_recipe, undisturbed, start_worker
):
    recipe = thorough_recipe.but(epochs=2, checkpoints=2)
    for number in count(1):
        lab = Lab(tmp_path / f"killed-{number}")
        worker = start_worker(train_until_killed, recipe, lab.store_root, "write", number)
        if exit_status(worker) == 0:
            break
        assert exit_status(worker) == -signal.SIGKILL
        assert not lab.has(recipe)
        assert contents(train(recipe, lab)) == undisturbed(recipe)
    # The recipe, three checkpoints, two states, the history and the manifest.
    assert number == 8 + 1


@pytest.mark.parametrize(
    ("moment", "number", "left"), [("step", 5, [2, 3]), ("epoch", 2, [3]), ("rename", 1, [])]
)
def test_a_killed_training_leaves_the_same_run_and_repeats_no_epoch(
    lab, thorough_recipe, undisturbed, start_worker, moment, number, left
):
    told = []
    worker = start_worker(train_until_killed, thorough_recipe, lab.store_root, moment, number)
    assert exit_status(worker) == -signal.SIGKILL
    assert contents(train(thorough_recipe, lab, told.append)) == undisturbed(thorough_recipe)
    assert told == left


def test_a_training_killed_after_it_was_published_is_finished(lab, quick_recipe, start_worker):
    worker = start_worker(train_until_killed, quick_recipe, lab.store_root, "rename", 2)
    assert exit_status(worker) == -signal.SIGKILL
    run = train(quick_recipe, lab, lambda epoch: pytest.fail("trained again"))
    assert kept_epochs(run) == [0, 1, 2]


def test_a_retraining_that_is_killed_again_and_again_leaves_the_same_run(
    lab, thorough_recipe, undisturbed, start_worker
):
    parent = thorough_recipe.but(loss=AlphaLoss(0.1))
    child = parent.but(parent=parent, rules=(Pruning(0.5),), timesteps=1)
    for recipe, epoch in ((parent, 2), (child, 1), (child, 2)):
        worker = start_worker(train_until_killed, recipe, lab.store_root, "epoch", epoch)
        assert exit_status(worker) == -signal.SIGKILL
    assert contents(train(child, lab)) == undisturbed(child)


LAST = len(list(models.build("tiny", in_channels=1, num_classes=10, timesteps=1).parameters())) - 1
MOMENTA = tuple(f"optimiser.state.{place}.momentum_buffer" for place in (LAST - 1, LAST))
"""Of the classifier's weights and its bias, the last of the network's parameters."""


def rewrite_state(change):
    def damage(path):
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        change(tensors, metadata)
        write_tensors(path, tensors, metadata or None)

    return damage


def of_other_classes(tensors, metadata):
    for weight, bias in (("network.classifier.weight", "network.classifier.bias"), MOMENTA):
        assert {weight, bias} <= tensors.keys()
        tensors[weight] = torch.zeros(3, 32)
        tensors[bias] = torch.zeros(3)


def vouched_for(change):
    """Rewrite a state with a sum of its own, as whoever wrote other code would have."""

    def damage(path):
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        names = ("progress", "kept", "optimiser")
        documents = {name: json.loads(metadata[name]) for name in names}
        change(tensors, documents)
        write_checkpoint(path, Checkpoint(**documents, tensors=tensors))

    return damage


def flip_a_bit_of_the_momentum(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


UNUSABLE_STATES = {
    "a flipped bit": flip_a_bit_of_the_momentum,
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "text": lambda path: path.write_text("not a state"),
    "no progress": rewrite_state(lambda tensors, metadata: metadata.clear()),
    "other progress": rewrite_state(lambda t, metadata: metadata.update(progress='{"steps": 9}')),
    "garbled progress": rewrite_state(lambda tensors, metadata: metadata.update(progress="{")),
    "no generator": rewrite_state(lambda tensors, metadata: tensors.pop("generator")),
    "generator of another device": rewrite_state(
        lambda tensors, metadata: tensors.update(generator=torch.zeros(16, dtype=torch.uint8))
    ),
    "a missing momentum": rewrite_state(lambda tensors, metadata: tensors.pop(MOMENTA[1])),
    "a momentum of another shape": rewrite_state(
        lambda tensors, metadata: tensors.update({MOMENTA[1]: torch.zeros(3)})
    ),
    "a missing weight": rewrite_state(
        lambda tensors, metadata: tensors.pop("network.classifier.bias")
    ),
    "another network": rewrite_state(of_other_classes),
    "vouched for, without a momentum": vouched_for(
        lambda tensors, documents: tensors.pop(MOMENTA[1])
    ),
    "vouched for, another network": vouched_for(of_other_classes),
    "vouched for, no optimiser": vouched_for(
        lambda tensors, documents: documents.update(optimiser={})
    ),
    "vouched for, another optimiser": vouched_for(
        lambda tensors, documents: documents.update(
            optimiser={"pairs": [["state", {"pairs": []}], ["param_groups", []]]}
        )
    ),
    "vouched for, no generator of the rules": vouched_for(
        lambda tensors, documents: tensors.pop("rules.generator")
    ),
    "vouched for, of more epochs": vouched_for(
        lambda tensors, documents: documents["progress"].update(epoch=2)
    ),
}


@pytest.mark.parametrize("damage", UNUSABLE_STATES.values(), ids=UNUSABLE_STATES)
def test_a_state_that_cannot_be_used_means_to_start_over(lab, quick_recipe, undisturbed, damage):
    told = []
    damage(interrupt(quick_recipe, lab, after=1) / STATE)
    assert contents(train(quick_recipe, lab, told.append)) == undisturbed(quick_recipe)
    assert told == [1, 2]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"half")])
def test_weights_that_an_unfinished_training_lost_are_made_again(
    lab, quick_recipe, undisturbed, damage
):
    told = []
    damage(interrupt(quick_recipe, lab, after=1) / weights_name(0))
    assert contents(train(quick_recipe, lab, told.append)) == undisturbed(quick_recipe)
    assert told == [1, 2]


def test_weights_that_are_damaged_while_others_are_trained_are_noticed(
    lab, quick_recipe, undisturbed
):
    folder = lab.store.work_folder(lab.fingerprint(quick_recipe))
    with pytest.raises(TicError, match="was damaged while it was written; is the disk sound"):
        train(quick_recipe, lab, lambda epoch: (folder / weights_name(0)).write_bytes(b"half"))
    assert contents(train(quick_recipe, Lab(lab.store_root))) == undisturbed(quick_recipe)


def test_a_full_disk_is_told_and_the_training_goes_on_when_there_is_room(
    lab, quick_recipe, undisturbed, monkeypatch
):
    full = OSError(errno.ENOSPC, "No space left on device")
    sync, writes = os.fsync, count(1)

    def until_full(handle):
        if next(writes) > 5:  # the recipe, two weights, the state of an epoch, other weights
            raise full
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", until_full)
        with pytest.raises(UnwritableError, match=r"state.* cannot be written \(no space left"):
            train(quick_recipe, lab)
    told = []
    assert contents(train(quick_recipe, lab, told.append)) == undisturbed(quick_recipe)
    assert told == [2]


def test_leftovers_in_the_work_folder_do_not_get_into_the_run(lab, quick_recipe):
    folder = interrupt(quick_recipe, lab, after=1)
    (folder / f".{STATE}-0123").write_bytes(b"half a state")
    run = train(quick_recipe, lab)
    assert {path.name for path in run.folder.iterdir()} == {
        RECIPE, HISTORY, MANIFEST, *(weights_name(epoch) for epoch in (0, 1, 2))
    }  # fmt: skip


# Several processes


@pytest.mark.parametrize("ask", [train, train_if_free])
def test_a_run_that_is_missing_from_a_store_that_cannot_be_written_is_named(
    tmp_path, quick_recipe, ask
):
    root = tmp_path / "store"
    root.write_text("a file where a folder should be")
    message = rf"^{quick_recipe.label} is missing, and the Store .* cannot be written"
    with pytest.raises(UnwritableError, match=message):
        ask(quick_recipe, Lab(root))


def test_processes_that_want_the_same_run_train_it_once(lab, quick_recipe, tmp_path, start_worker):
    log = tmp_path / "log"
    with lab.store.lock(f"run-{lab.fingerprint(quick_recipe)}"):
        workers = [start_worker(train_and_log, quick_recipe, lab.store_root, log) for _ in range(3)]
        wait_until(lambda: log.exists() and len(log.read_text().split()) == 3)
        assert not train_if_free(quick_recipe, lab)
    assert [exit_status(worker) for worker in workers] == [0, 0, 0]
    assert log.read_text().split() == ["0", "0", "0", "1", "2"]


def test_a_free_run_is_trained_and_a_finished_one_is_not(lab, quick_recipe):
    assert train_if_free(quick_recipe, lab)
    assert lab.has(quick_recipe)
    assert not train_if_free(quick_recipe, lab)


# Pruning


def zeros(run, epoch):
    kept = weights(run, epoch)
    return sum(int((kept[name] == 0).sum()) for name in kept if kept[name].dim() > 1)


@pytest.mark.parametrize("which", ["magnitude", "random"])
def test_masked_weights_stay_zero_through_every_round(lab, quick_recipe, which):
    rounds = pruning.pruning_chain(
        quick_recipe, rounds=3, fraction=0.5, retrain_epochs=2, retrain_timesteps=1, order=which
    )
    before = None
    for recipe, share in zip(rounds, (0.5, 0.75, 0.875), strict=True):
        kept = weights(train(recipe, lab), 2)
        masked = torch.cat([kept[name].flatten() == 0 for name in kept if kept[name].dim() > 1])
        assert len(masked) == PRUNABLE
        assert int(masked.sum()) == round(share * PRUNABLE)
        assert before is None or bool((masked | ~before).all())
        before = masked


def test_random_pruning_takes_the_same_weights_whatever_was_trained(lab, quick_recipe):
    zero = []
    other = {
        "fitting": CosineSGD(learning_rate=0.01),
        "architecture": Spiking("tiny", tau=3.0),
    }
    for change in ({}, other, {"seed": 1}):
        parent = quick_recipe.but(checkpoints=1, **change)
        run = train(parent.but(parent=parent, rules=(Pruning(0.5, order="random"),), epochs=1), lab)
        kept = weights(run, 1)
        zero.append({name: kept[name] == 0 for name in kept if kept[name].dim() > 1})
    assert_same(zero[1], zero[0])
    assert any(not torch.equal(zero[2][name], zero[0][name]) for name in zero[0])


def test_an_interrupted_retraining_after_random_pruning_leaves_the_same_run(
    lab, quick_recipe, undisturbed
):
    child = quick_recipe.but(parent=quick_recipe, rules=(Pruning(0.5, order="random"),))
    interrupt(child, lab, after=1)
    assert contents(train(child, lab)) == undisturbed(child)


def test_masks_hold_at_every_epoch_of_a_retraining(lab, quick_recipe):
    run = train(quick_recipe.but(parent=quick_recipe, rules=(Pruning(0.3),)), lab)
    assert [zeros(run, epoch) for epoch in (0, 1, 2)] == 3 * [round(0.3 * PRUNABLE)]


def test_a_retraining_trains_its_ancestors_first(lab, quick_recipe):
    parent = quick_recipe.but(parent=quick_recipe, rules=(Pruning(0.2),))
    child = parent.but(parent=parent, rules=(Pruning(0.4),))
    told = []
    run = train(child, lab, told.append)
    assert all(lab.has(each) for each in (quick_recipe, parent, child))
    assert told == [1, 2]
    assert run.fingerprint == lab.fingerprint(child)


def test_a_finished_retraining_does_not_need_its_ancestors_any_more(lab, quick_recipe):
    child = quick_recipe.but(parent=quick_recipe, rules=(Pruning(0.2),))
    run = train(child, lab)
    parent = lab.run(quick_recipe).folder
    parent.rename(parent.with_name("moved"))
    assert train(child, Lab(lab.store_root)) == run
    assert not lab.has(quick_recipe)


def test_a_damaged_parent_is_trained_again_before_its_child(lab, quick_recipe, undisturbed):
    child = quick_recipe.but(parent=quick_recipe, rules=(Pruning(0.2),))
    (train(quick_recipe, lab).folder / weights_name(2)).write_bytes(b"")
    assert contents(train(child, Lab(lab.store_root))) == undisturbed(child)


def test_a_retraining_may_take_other_timesteps_than_its_parent(lab, quick_recipe):
    child = quick_recipe.but(parent=quick_recipe, rules=(Pruning(0.2),), timesteps=1, checkpoints=1)
    assert np.shape(train(child, lab).curve("prefix_losses")) == (2, 1)
    assert np.shape(lab.run(quick_recipe).curve("prefix_losses")) == (2, 2)


# Divergence


@pytest.fixture
def diverging(quick_recipe):
    return quick_recipe.but(fitting=CosineSGD(learning_rate=1e30), epochs=3)


def test_a_diverging_training_says_so_and_keeps_no_weights(lab, diverging):
    told = []
    run = train(diverging, lab, told.append)
    assert run.diverged == "the training loss became nan in epoch 1"
    assert (run.history["epoch"], run.history["train_loss"]) == (1, [])
    assert {path.name for path in run.folder.iterdir()} == {RECIPE, HISTORY, MANIFEST}
    assert told == [1]


def test_a_diverged_training_is_finished(lab, diverging):
    run = train(diverging, lab)
    again = train(diverging, Lab(lab.store_root), lambda epoch: pytest.fail("trained again"))
    assert again.diverged == run.diverged
    with pytest.raises(DivergedRunError, match=r"-lr1e\+30-seed0: the training loss became"):
        lab.run(diverging)


def test_an_interrupted_diverged_training_is_resumed_as_such(lab, diverging, undisturbed):
    interrupt(diverging, lab, after=1)
    resumed = train(diverging, lab, lambda epoch: pytest.fail("trained on"))
    assert contents(resumed) == undisturbed(diverging)


def test_weights_that_stop_being_finite_in_the_last_step_count_as_diverged(lab, quick_recipe):
    # A single step: its loss is that of the initial weights and finite, whatever comes of them.
    single = quick_recipe.but(epochs=1, checkpoints=1, batch_size=60)
    run = train(single.but(fitting=CosineSGD(learning_rate=1e30, weight_decay=1e30)), lab)
    assert run.diverged == "the weights stopped being finite in epoch 1"
    assert kept_epochs(run) == []


def test_descendants_of_a_diverged_training_are_diverged_and_name_it(lab, diverging):
    child = diverging.but(
        parent=diverging, rules=(Pruning(0.1),), fitting=CosineSGD(learning_rate=0.1)
    )
    grandchild = child.but(parent=child, rules=(Pruning(0.2),), seed=5)
    run = train(grandchild, lab, lambda epoch: pytest.fail("trained"))
    assert run.diverged.count("its parent has no weights") == 2
    assert "tiny-digits-T2-lr0.1-pruned10.0%-seed0" in run.diverged
    assert "tiny-digits-T2-lr1e+30-seed0: the training loss became nan in epoch 1" in run.diverged
    assert {path.name for path in run.folder.iterdir()} == {RECIPE, HISTORY, MANIFEST}
    with pytest.raises(DivergedRunError, match="its parent has no weights"):
        lab.run(child)


# Limits


def test_a_batch_of_one_image_at_one_timestep_is_refused(lab, quick_recipe):
    recipe = quick_recipe.but(train_size=61, timesteps=1)
    stepwise = recipe.but(timesteps=2, architecture=Spiking("tiny", batch_norm="stepwise"))
    for alone in (recipe, stepwise):
        with pytest.raises(TicError, match="61 images in batches of 20 leave 1 to the last batch"):
            train(alone, lab)
        assert train(alone.but(batch_size=21), lab).diverged is None


# Memory


def test_a_batch_that_memory_does_not_hold_is_told_with_a_way_out(lab, quick_recipe, monkeypatch):
    def refuse(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("tic.train.take_step", refuse)
    message = rf"training {quick_recipe.label} needs more memory than cpu has left .* \(-n\)"
    with pytest.raises(TicError, match=message):
        train(quick_recipe, lab)
    monkeypatch.undo()
    assert train(quick_recipe, lab).diverged is None


# Precision and compilation


def test_bfloat16_trains_other_weights_in_float32(lab, quick_recipe):
    runs = [train(quick_recipe.but(precision=each), lab) for each in ("fp32", "bf16")]
    single, half = (weights(run, quick_recipe.epochs) for run in runs)
    assert {tensor.dtype for tensor in half.values()} == {t.dtype for t in single.values()}
    assert not all(torch.equal(half[name], tensor) for name, tensor in single.items())


def test_bfloat16_computes_layers_in_bfloat16_and_the_loss_in_float32(lab, quick_recipe):
    recipe = quick_recipe.but(precision="bf16")
    network = lab.fresh_network(recipe).train()
    seen = {}
    network.blocks[0].conv1[0].register_forward_hook(
        lambda _, __, output: seen.update(current=output.dtype)
    )
    network.lif.register_forward_hook(lambda _, __, spikes: seen.update(spikes=spikes.dtype))
    images, labels = next(iter(lab.samples(Digits(), "train", 10).batches(10)))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    loss, logits = take_step(recipe, network, optimiser, images, labels)
    assert seen == {"current": torch.bfloat16, "spikes": torch.bfloat16}
    assert loss.dtype is logits.dtype is torch.float32
    assert all(parameter.grad.dtype is torch.float32 for parameter in network.parameters())


def test_bfloat16_learns_as_float32_does(lab):
    recipe = Recipe(
        dataset=Digits(),
        architecture=Spiking("tiny"),
        train_size=200,
        timesteps=2,
        epochs=6,
        batch_size=20,
    )
    courses = [
        train(recipe.but(precision=each), lab).history["train_loss"] for each in ("fp32", "bf16")
    ]
    assert courses[1][0] == pytest.approx(courses[0][0], rel=0.02)
    assert all(course[-1] < course[0] / 2 for course in courses)


def test_a_compiled_network_is_what_trains(lab, quick_recipe, monkeypatch):
    given = []

    def compiled(network):
        given.append(network)
        return lambda images: network(images)

    monkeypatch.setattr(torch, "compile", compiled)
    run = train(quick_recipe, replace(lab, compiled=True))
    assert len(given) == 1
    assert run.history["compiled"]


def test_every_network_of_a_process_is_compiled_as_one_graph(lab, quick_recipe, monkeypatch):
    # An error where it gives up; a network may be traced once.
    traced = partial(torch.compile, backend="aot_eager", fullgraph=True)
    monkeypatch.setattr(torch, "compile", traced)
    monkeypatch.setattr(torch._dynamo.config, "recompile_limit", 1)
    images, _ = next(iter(lab.samples(Digits(), "train", 10).batches(10)))
    for timesteps in (1, 2):
        recipe = quick_recipe.but(timesteps=timesteps)
        outcomes = []
        for compiled in (False, True):
            network = lab.fresh_network(recipe).train()
            logits = replace(lab, compiled=compiled).trainable(network)(images)
            assert len(logits) == timesteps
            logits.square().sum().backward()
            outcomes.append([logits.detach(), *(p.grad for p in network.parameters())])
        for plain, other in zip(*outcomes, strict=True):
            torch.testing.assert_close(other, plain)


def test_a_machine_that_cannot_compile_is_told_the_way_out(lab, quick_recipe, monkeypatch):
    def refusing(network):
        def forward(images):
            raise BackendCompilerFailed(lambda: None, RuntimeError("no compiler here"), None)

        return forward

    monkeypatch.setattr(torch, "compile", refusing)
    with pytest.raises(TicError, match=r"could not be compiled .* leave --compile out"):
        train(quick_recipe, replace(lab, compiled=True))
