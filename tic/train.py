"""Training: a Recipe becomes a Run, resumable after every epoch with the same bits (CPU)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tic import seeding
from tic.arrays import all_finite
from tic.checkpoint import (
    RULES,
    UNUSABLE,
    Checkpoint,
    pack_state,
    read_checkpoint,
    unpack_state,
    write_checkpoint,
)
from tic.data import Samples
from tic.errors import DivergedRunError, TicError
from tic.fitting import Fit
from tic.kinds import foreign_modules, place
from tic.lab import Lab, exact_arithmetic
from tic.memory import memory_errors_explained
from tic.models.logits import (
    IF_IT_KEEPS_STATE,
    described,
    failing,
    logits_of,
    require_stateless,
)
from tic.recipe import Recipe
from tic.run import HISTORY, RECIPE, STATE, Run, weights_name
from tic.tensors import write_tensors
from tic.writing import remove_half_written, write_errors_explained, write_json

OnEpoch = Callable[[int], None]

_TRIED = 4
"""Samples on which a network is called twice, to see whether it keeps state."""


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
    with (
        exact_arithmetic(lab.device),
        memory_errors_explained(f"training {recipe.label}", lab.device),
    ):
        return _Training(recipe, lab, fingerprint).finish(on_epoch or (lambda epoch: None))


def take_step(
    recipe: Recipe,
    forward: Callable[[Tensor], Tensor],
    optimiser: torch.optim.Optimizer,
    inputs: Tensor,
    labels: Tensor,
    before_step: Callable[[], None] = lambda: None,
) -> tuple[Tensor, Tensor]:
    """Take one training step in the Recipe's precision.

    Args:
        recipe: Gives loss and precision.
        forward: The network in training mode, or what it was compiled to.
        optimiser: Of its parameters.
        inputs: Shape (B, …).
        labels: Shape (B,), or (B, K) where an augmentation gives targets.
        before_step: Called when the gradients are there.

    Returns:
        Loss, a scalar, and logits (T, B, K) in at least float32, from before the step.

    Raises:
        TicError: The network's output or the loss is not what it must be, or computing them fails.
    """
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
        logits = logits_of(forward, inputs)
    _require_shape(recipe, logits)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    with failing(f"the loss {place(recipe.loss)} fails"):
        loss = recipe.loss(logits, labels)
    if not isinstance(loss, Tensor) or loss.shape != () or not loss.requires_grad:
        raise TicError(
            f"the loss {place(recipe.loss)} must return a scalar that depends on the logits, got "
            f"{described(loss)}{_without_gradient(loss)}; take a mean over its values"
        )
    optimiser.zero_grad()
    backward = f"the backward pass of {place(recipe.architecture)} fails"
    with failing(backward, IF_IT_KEEPS_STATE):
        loss.backward()  # type: ignore[no-untyped-call]
    before_step()
    with failing(f"a step of the optimiser of {place(recipe.fitting)} fails"):
        optimiser.step()
    return loss.detach(), logits.detach()


def _without_gradient(loss: object) -> str:
    is_constant = isinstance(loss, Tensor) and loss.shape == () and not loss.requires_grad
    return " without a gradient" if is_constant else ""


def _require_shape(recipe: Recipe, logits: Tensor) -> None:
    """Refuse read-outs of another number of timesteps or classes than the Recipe's."""
    steps, classes = recipe.timesteps, recipe.dataset.facts.num_classes
    if logits.shape[0] != steps or logits.shape[2] != classes:
        raise TicError(
            f"the network of {place(recipe.architecture)} must give logits (T, B, K) with T={steps}"
            f" and K={classes}, as the Recipe and {recipe.dataset.name} have them, got "
            f"{tuple(logits.shape)}; {_timesteps_hint(recipe, logits)}"
        )


def _timesteps_hint(recipe: Recipe, logits: Tensor) -> str:
    length, *_ = (*recipe.dataset.facts.shape, 0)
    if logits.shape[0] == length != 1:
        return f"one that runs as long as its samples has timesteps={length}"
    return "a network without time has timesteps=1"


@dataclass
class _Progress:
    """What is known after a number of whole epochs."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    train_loss: list[float] = field(default_factory=list)
    curves: dict[str, list[Any]] = field(default_factory=dict)
    diverged: str | None = None


class _Training:
    """One training in its work folder."""

    def __init__(self, recipe: Recipe, lab: Lab, fingerprint: str) -> None:
        self.recipe, self.lab, self.fingerprint = recipe, lab, fingerprint
        self.folder: Path = lab.store.work_folder(fingerprint)
        self.samples: Samples = lab.samples(recipe.dataset, "train", recipe.train_size)
        _require_whole_batches(recipe, len(self.samples))
        self.network = lab.fresh_network(recipe)
        self.must_be_finite = _finite_at_first(self.network)
        self.forward = lab.trainable(self.network)
        self.rules = (recipe.fitting, *recipe.rules)
        with failing(f"optimiser of {place(recipe.fitting)} fails"):
            optimiser = recipe.fitting.optimiser(self.network)
        self.fit = Fit(
            self.network,
            optimiser,
            recipe.epochs,
            recipe.random_seed,
            seeding.generator(recipe.random_seed, "rules"),
        )
        _require_optimiser(recipe, self.fit.optimiser, self.network)
        self.generator = seeding.generator(recipe.random_seed, "order", lab.device)
        self.progress = _Progress()
        self.kept: dict[str, str] = {}  # sha256 of the weights that were written, by file

    def finish(self, on_epoch: OnEpoch) -> Run:
        with write_errors_explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        remove_half_written(self.folder)
        write_json(self.folder / RECIPE, self.recipe.model_dump(mode="json"))
        try:
            if not self._resumed():
                self._start()
            self._require_stateless()
            while self.progress.epoch < self.recipe.epochs and not self.progress.diverged:
                with self._told_when():
                    self._train_epoch()
                self._save()
                on_epoch(self.progress.epoch)
        except DivergedRunError as error:
            self.progress.diverged = f"its parent has no weights ({error})"
        if not self.progress.diverged:
            self._require_stateless()
        return self._publish()

    @contextmanager
    def _told_when(self) -> Iterator[None]:
        """Say of what goes wrong in which epoch of which training it did."""
        try:
            yield
        except TicError as error:
            if type(error) is not TicError:
                raise
            when = f"epoch {self.progress.epoch + 1} of {self.recipe.label}"
            raise TicError(f"{error} ({when})") from error

    def _start(self) -> None:
        if self.recipe.parent is not None:
            parent, layout = self.recipe.parent, self.network.state_dict()
            self.network.load_state_dict(self.lab.run(parent).weights(parent.epochs, layout))
        with self._own_random_numbers("start"):
            self._act("start")
        self._keep_weights()

    def _act(self, hook: str) -> None:
        """Let every rule act."""
        for rule in self.rules:
            with failing(f"{hook} of {place(rule)} fails"):
                getattr(rule, hook)(self.fit)

    def _require_stateless(self) -> None:
        """Call a network of a pack's own twice; those of tic are known to keep no state.

        Before the training, to tell at once, and after it, since one that does not fire yet gives
        the same logits whatever it keeps. A copy is called, with the weights alone, as it will be
        measured. Nothing stays of a training that is refused, since one of the mended network
        would go on from there.
        """
        if not foreign_modules(self.recipe.architecture):
            return
        try:
            try:
                self._call_twice(
                    max(_TRIED, self.recipe.architecture.least_batch(self.recipe.timesteps))
                )
            except TicError:  # some take batches of one size alone
                self._call_twice(self.recipe.batch_size)
        except TicError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _call_twice(self, samples: int) -> None:
        copy = self.lab.fresh_network(self.recipe)
        copy.load_state_dict(self.network.state_dict())
        inputs, _ = next(iter(self.samples.batches(samples)))
        require_stateless(copy, inputs)

    def _train_epoch(self) -> None:
        started = time.perf_counter()
        loss, curves = self._pass_over_samples()
        self.progress.epoch += 1
        self.progress.step = self.fit.step
        self.progress.seconds += time.perf_counter() - started
        if fault := self._fault(loss, curves):
            self.progress.diverged = f"{fault} in epoch {self.progress.epoch}"
            return
        self.progress.train_loss.append(loss)
        for name, values in curves.items():
            self.progress.curves.setdefault(name, []).append(values)

    def _fault(self, loss: float, curves: Mapping[str, Any]) -> str | None:
        for name, values in {"training loss": loss, **curves}.items():
            if not all_finite([values]):
                return f"the {name} became {values}"
        state = self.network.state_dict()
        if not all(bool(state[name].isfinite().all()) for name in self.must_be_finite):
            return "the weights stopped being finite"
        return None

    def _pass_over_samples(self) -> tuple[float, dict[str, Any]]:
        """Take one epoch of steps; return the means over samples of loss and curves."""
        self.network.train()
        self.fit.epoch = self.progress.epoch
        with self._own_random_numbers(f"epoch {self.progress.epoch}"):
            self._act("before_epoch")
            total = torch.zeros((), device=self.lab.device)
            shapes: dict[str, torch.Size] = {}
            for inputs, labels in self._batches():
                loss, logits = take_step(
                    self.recipe,
                    self.forward,
                    self.fit.optimiser,
                    inputs,
                    labels,
                    partial(self._act, "before_step"),
                )
                self.fit.step += 1
                self._act("after_step")
                with failing(f"curves of the loss {place(self.recipe.loss)} fails"):
                    curves = self.recipe.loss.curves(logits, labels)
                shapes = _shapes(self.recipe, curves, shapes)
                flat = [values.detach().flatten() for values in curves.values()]
                total = total + torch.cat([loss[None], *flat]) * len(labels)
        loss_mean, *means = (total / len(self.samples)).tolist()
        return loss_mean, _shaped(means, shapes)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch; say of an augmentation that fails which one it was."""
        augmentation = self.recipe.augmentation
        batches = iter(
            self.samples.shuffled_batches(
                self.recipe.batch_size, self.generator, augmentation=augmentation
            )
        )
        while True:
            with failing(f"the augmentation {place(augmentation)} fails"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _own_random_numbers(self, purpose: str) -> AbstractContextManager[None]:
        """Draw the same when resumed. An epoch is what is resumed, so each has a seed."""
        seed = seeding.derive(self.recipe.random_seed, purpose)
        return seeding.own_random_numbers(seed, self.lab.device)

    def _save(self) -> None:
        self._keep_weights()
        write_checkpoint(self.folder / STATE, self._checkpoint())

    def _checkpoint(self) -> Checkpoint:
        _require_own_tensors(self.fit)
        tensors = {
            **{f"network.{name}": tensor for name, tensor in self.network.state_dict().items()},
            "generator": self.generator.get_state(),
            "rules.generator": self.fit.generator.get_state(),
        }
        rules = {f"{RULES}{name}": tensor for name, tensor in self.fit.tensors.items()}
        optimiser, optimiser_tensors = pack_state(self.fit.optimiser)
        return Checkpoint(
            vars(self.progress), self.kept, optimiser, {**tensors, **rules, **optimiser_tensors}
        )

    def _resumed(self) -> bool:
        """Go on from the last whole epoch, if there is a state that can be used."""
        try:
            self._load(read_checkpoint(self.folder / STATE, like=self._checkpoint().tensors))
        except UNUSABLE:
            # A state that cannot be used is worth nothing; what lies beside it is written anew.
            return False
        return True

    def _load(self, state: Checkpoint) -> None:
        # Nothing is taken over before all of it is known to fit.
        optimiser = unpack_state(state.optimiser, state.tensors)
        _require_settings_of(self.fit.optimiser, optimiser)
        progress = _Progress(**state.progress)
        self.fit.optimiser.load_state_dict(optimiser)
        self.progress, self.kept = progress, state.kept
        self.fit.step = progress.step
        self.fit.tensors = {
            name: tensor.to(self.lab.device)
            for name, tensor in _under(RULES, state.tensors).items()
        }
        self.fit.generator.set_state(state.tensors["rules.generator"])
        self.generator.set_state(state.tensors["generator"])
        self.network.load_state_dict(_under("network.", state.tensors))

    def _keep_weights(self) -> None:
        if self.progress.epoch in self.recipe.checkpoint_epochs:
            name = weights_name(self.progress.epoch)
            self.kept[name] = write_tensors(self.folder / name, self.network.state_dict())

    def _publish(self) -> Run:
        if self.progress.diverged:
            self.kept = {}
            with write_errors_explained(self.folder):
                for file in self.folder.glob("weights-*"):
                    file.unlink()
        write_json(self.folder / HISTORY, _history(self.progress, self.lab))
        return self.lab.store.finish(self.fingerprint, self.kept)


def _finite_at_first(network: nn.Module) -> tuple[str, ...]:
    """Names of all parameters, and of buffers that are finite, as constant masks of -inf are not.

    A resumed training has the same, since its network is built before its state is loaded.
    """
    parameters = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    return tuple(
        name
        for name, tensor in network.state_dict().items()
        if name in parameters or bool(tensor.isfinite().all())
    )


def _require_whole_batches(recipe: Recipe, samples: int) -> None:
    least, last = recipe.architecture.least_batch(recipe.timesteps), samples % recipe.batch_size
    if 0 < last < least:
        raise TicError(
            f"{samples} {recipe.dataset.facts.noun} in batches of {recipe.batch_size} leave {last} "
            f"to the last batch, where {recipe.architecture.name} needs at least {least} at "
            f"{recipe.timesteps} timestep{'s' if recipe.timesteps > 1 else ''}; choose another "
            f"batch_size"
        )


def _require_optimiser(recipe: Recipe, optimiser: object, network: nn.Module) -> None:
    """Refuse what trains nothing, or something else, and would be measured all the same."""
    if not isinstance(optimiser, torch.optim.Optimizer):
        raise TicError(
            f"the fitting {place(recipe.fitting)} must make a torch.optim.Optimizer, got "
            f"{described(optimiser)}; return one of the network's parameters"
        )
    own = {id(parameter) for parameter in network.parameters()}
    stepped = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    if strangers := sum(id(parameter) not in own for parameter in stepped):
        raise TicError(
            f"the optimiser of {place(recipe.fitting)} must step parameters of the network and no "
            f"others, got {strangers} of {len(stepped)} that are not; give it network.parameters()"
        )


def _require_settings_of(optimiser: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Refuse the state of another optimiser, which torch takes and fails on in the next step.

    Raises:
        ValueError: It lacks settings that this optimiser has of its parameters.
    """
    own, of_state = optimiser.param_groups, state["param_groups"]
    if len(own) != len(of_state) or any(
        not one.keys() <= other.keys() for one, other in zip(own, of_state, strict=True)
    ):
        raise ValueError(f"the state is not one of {type(optimiser).__name__}")


def _require_own_tensors(fit: Fit) -> None:
    """Refuse what a rule remembers if it changes with the network, as after a resumption it won't.

    Raises:
        TicError: Something is no tensor, or one of the network.
    """
    live = {tensor.untyped_storage().data_ptr() for tensor in fit.network.state_dict().values()}
    for name, tensor in fit.tensors.items():
        if not isinstance(tensor, Tensor) or tensor.untyped_storage().data_ptr() in live:
            raise TicError(
                f"what a rule remembers must be tensors of its own, got {described(tensor)} as "
                f"{name!r}; clone what belongs to the network"
            )


def _shapes(
    recipe: Recipe, curves: Mapping[str, Tensor], before: Mapping[str, torch.Size]
) -> dict[str, torch.Size]:
    """Shapes of the curves of a batch, which must be those of the batch before."""
    shapes = {
        name: values.shape
        for name, values in curves.items()
        if isinstance(values, Tensor) and values.dim() < 2
    }
    if len(shapes) < len(curves) or (before and shapes != before):
        raise TicError(
            f"curves of the loss {place(recipe.loss)} must return the same names with scalars or "
            f"vectors of the same lengths for every batch, got {described(curves)}"
        )
    return shapes


def _shaped(values: list[float], shapes: Mapping[str, torch.Size]) -> dict[str, Any]:
    """Part numbers into curves, in order: scalars as numbers, the rest as lists."""
    shaped, start = {}, 0
    for name, shape in shapes.items():
        part = values[start : start + shape.numel()]
        shaped[name] = part if shape else part[0]
        start += shape.numel()
    return shaped


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
