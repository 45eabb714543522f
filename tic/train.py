"""Training: a Recipe becomes a Run, resumable after every epoch with the same bits (CPU)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tic import losses, pruning, seeding
from tic.checkpoint import UNUSABLE, Checkpoint, read_checkpoint, write_checkpoint
from tic.data import ImageData
from tic.errors import DivergedRunError, TicError
from tic.lab import Lab, one_thread
from tic.memory import told_when_lacking
from tic.recipe import Recipe
from tic.run import HISTORY, RECIPE, STATE, Run, weights_name
from tic.tensors import write_tensors
from tic.writing import remove_half_written, told_when_unwritable, write_json

OnEpoch = Callable[[int], None]


def train(recipe: Recipe, lab: Lab, on_epoch: OnEpoch | None = None) -> Run:
    """Train a Recipe, or return its Run when the Store has it.

    Two processes that want the same Run never train it twice: the second waits. A training that
    was killed goes on after its last whole epoch. One whose loss stops being finite becomes a Run
    that says so and has no weights.

    Args:
        recipe: What to train; its ancestors are trained first.
        lab: Store, data and device.
        on_epoch: Called with the number of finished epochs after each of them.

    Returns:
        The finished Run, possibly a diverged one.

    Raises:
        TicError: The Recipe cannot be trained on its data, memory does not hold a batch, or the
            Store cannot be written.
    """
    fingerprint = lab.fingerprint(recipe)
    if run := lab.store.get(fingerprint):
        return run
    for ancestor in recipe.ancestors:
        train(ancestor, lab)
    with lab.store.lock(f"run-{fingerprint}", wanted=recipe.label):
        return lab.store.get(fingerprint) or _train(recipe, lab, fingerprint, on_epoch)


def train_if_free(recipe: Recipe, lab: Lab) -> bool:
    """Train a Recipe whose ancestors are trained, unless it is there or another process has it.

    Returns:
        Whether this process trained it.
    """
    fingerprint = lab.fingerprint(recipe)
    with lab.store.lock(f"run-{fingerprint}", wait=False, wanted=recipe.label) as held:
        if not held or lab.store.get(fingerprint):
            return False
        _train(recipe, lab, fingerprint)
        return True


def _train(recipe: Recipe, lab: Lab, fingerprint: str, on_epoch: OnEpoch | None = None) -> Run:
    with one_thread(lab.device), told_when_lacking(f"training {recipe.label}", lab.device):
        return _Training(recipe, lab, fingerprint).finish(on_epoch or (lambda epoch: None))


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """Cosine schedule: the rate during the epoch that follows `epoch` finished ones."""
    return recipe.learning_rate * (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2


def objective(recipe: Recipe, logits: Tensor, labels: Tensor) -> Tensor:
    """The Recipe's training loss, a scalar, from logits (T, B, K) and labels (B,)."""
    if recipe.loss == "mean":
        return losses.mean_loss(logits, labels)
    if recipe.loss == "prefix":
        return losses.prefix_loss(logits, labels)
    assert recipe.alpha is not None  # the Recipe sees to it
    return losses.alpha_loss(logits, labels, recipe.alpha, recipe.alpha_per)


def optimiser(recipe: Recipe, network: nn.Module) -> torch.optim.SGD:
    """SGD on a network's parameters as the Recipe says, at the rate that it begins with."""
    return torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        dampening=recipe.dampening,
        weight_decay=recipe.weight_decay,
    )


def take_step(
    recipe: Recipe,
    forward: Callable[[Tensor], Tensor],
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
) -> tuple[Tensor, Tensor]:
    """Take one training step in the Recipe's precision.

    Args:
        recipe: Gives loss and precision.
        forward: The network in training mode, or what it was compiled to.
        optimiser: Of its parameters.
        images: Shape (B, C, H, W).
        labels: Shape (B,).

    Returns:
        Loss, a scalar, and logits (T, B, K) in float32, from before the step.
    """
    with torch.autocast(images.device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
        logits = forward(images)
    logits = logits.float()
    loss = objective(recipe, logits, labels)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.detach(), logits.detach()


@dataclass
class _Progress:
    """What is known after a number of whole epochs."""

    epoch: int = 0
    seconds: float = 0.0
    train_loss: list[float] = field(default_factory=list)
    prefix_losses: list[list[float]] = field(default_factory=list)
    diverged: str | None = None


class _Training:
    """One training in its work folder."""

    def __init__(self, recipe: Recipe, lab: Lab, fingerprint: str) -> None:
        self.recipe, self.lab, self.fingerprint = recipe, lab, fingerprint
        self.folder: Path = lab.store.work_folder(fingerprint)
        self.images: ImageData = lab.images(recipe.dataset, "train", recipe.train_size)
        _require_normalisable(recipe, len(self.images))
        self.network = lab.fresh_network(recipe)
        self.forward = lab.trainable(self.network)
        self.optimiser = optimiser(recipe, self.network)
        self.generator = seeding.generator(recipe.seed, "order", lab.device)
        self.progress = _Progress()
        self.masks: pruning.Masks = {}
        self.kept: dict[str, str] = {}  # sha256 of the weights that were written, by file

    def finish(self, on_epoch: OnEpoch) -> Run:
        with told_when_unwritable(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        remove_half_written(self.folder)
        write_json(self.folder / RECIPE, self.recipe.model_dump(mode="json"))
        try:
            self._start_from_parent()
            self._resume()
            while self.progress.epoch < self.recipe.epochs and not self.progress.diverged:
                self._train_epoch()
                self._save()
                on_epoch(self.progress.epoch)
        except DivergedRunError as error:
            self.progress.diverged = f"its parent has no weights ({error})"
        return self._publish()

    def _start_from_parent(self) -> None:
        if self.recipe.parent is None:
            return
        parent, layout = self.recipe.parent, self.network.state_dict()
        self.network.load_state_dict(self.lab.run(parent).weights(parent.epochs, layout))
        weights = pruning.prunable(self.network)
        self.masks = pruning.recipe_masks(weights, self.recipe)
        pruning.apply_masks(weights, self.masks)

    def _resume(self) -> None:
        try:
            self._load(self.folder / STATE)
        except UNUSABLE:
            # A state that cannot be used is worth nothing; what lies beside it is written anew.
            self._keep_weights()

    def _train_epoch(self) -> None:
        started = time.perf_counter()
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, self.progress.epoch)
        loss, prefixes = self._pass_over_images()
        self.progress.epoch += 1
        self.progress.seconds += time.perf_counter() - started
        if fault := self._fault(loss, prefixes):
            self.progress.diverged = f"{fault} in epoch {self.progress.epoch}"
            return
        self.progress.train_loss.append(loss)
        self.progress.prefix_losses.append(prefixes)

    def _fault(self, loss: float, prefixes: list[float]) -> str | None:
        if not all(map(math.isfinite, (loss, *prefixes))):
            return f"the training loss became {loss}"
        if not all(bool(tensor.isfinite().all()) for tensor in self.network.state_dict().values()):
            return "the weights stopped being finite"
        return None

    def _pass_over_images(self) -> tuple[float, list[float]]:
        """Take one epoch of steps; return the means over images of objective and L_t."""
        self.network.train()
        weights = pruning.prunable(self.network)
        total = torch.zeros(1 + self.recipe.timesteps, device=self.lab.device)
        for images, labels in self.images.shuffled_batches(
            self.recipe.batch_size,
            self.generator,
            augment=self.recipe.augmentation == "crop-flip",
        ):
            loss, logits = take_step(self.recipe, self.forward, self.optimiser, images, labels)
            pruning.apply_masks(weights, self.masks)
            prefixes = losses.prefix_losses(logits, labels)
            total += torch.cat([loss[None], prefixes]) * len(labels)
        loss_mean, *prefix_means = (total / len(self.images)).tolist()
        return loss_mean, prefix_means

    def _save(self) -> None:
        self._keep_weights()
        checkpoint = Checkpoint(vars(self.progress), self.kept, self._state())
        write_checkpoint(self.folder / STATE, checkpoint)

    def _state(self) -> dict[str, Tensor]:
        network = self.network.state_dict()
        return {
            **{f"network.{name}": tensor for name, tensor in network.items()},
            **{f"momentum.{name}": tensor for name, tensor in self._momenta().items()},
            "generator": self.generator.get_state(),
        }

    def _load(self, path: Path) -> None:
        found = read_checkpoint(path, like=self._state())
        # Nothing is taken over before all of it is known to fit.
        self.progress, self.kept = _Progress(**found.progress), found.kept
        self.generator.set_state(found.tensors["generator"])
        self.network.load_state_dict(_under("network.", found.tensors))
        momenta = _under("momentum.", found.tensors)
        for name, parameter in self.network.named_parameters():
            momentum = momenta[name].to(parameter.device)
            self.optimiser.state[parameter]["momentum_buffer"] = momentum

    def _momenta(self) -> dict[str, Tensor]:
        return {
            name: self.optimiser.state[weight].get("momentum_buffer", torch.zeros_like(weight))
            for name, weight in self.network.named_parameters()
        }

    def _keep_weights(self) -> None:
        if self.progress.epoch in self.recipe.checkpoint_epochs:
            name = weights_name(self.progress.epoch)
            self.kept[name] = write_tensors(self.folder / name, self.network.state_dict())

    def _publish(self) -> Run:
        if self.progress.diverged:
            self.kept = {}
            with told_when_unwritable(self.folder):
                for file in self.folder.glob("weights-*"):
                    file.unlink()
        write_json(self.folder / HISTORY, _history(self.progress, self.lab))
        return self.lab.store.finish(self.fingerprint, self.kept)


def _require_normalisable(recipe: Recipe, images: int) -> None:
    alone = recipe.timesteps == 1 or recipe.batch_norm == "stepwise"
    if alone and images % recipe.batch_size == 1:
        raise TicError(
            f"{images} images in batches of {recipe.batch_size} leave a single image to the last "
            f"batch, which has no variance at one timestep; choose another batch_size"
        )


def _history(progress: _Progress, lab: Lab) -> dict[str, Any]:
    device = lab.device
    accelerator = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        **vars(progress),
        "device": str(device),
        "accelerator": accelerator,
        "compiled": lab.compiled,
        "torch": torch.__version__,
    }


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
