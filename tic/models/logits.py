"""Asking any network for its logits, and saying what is wrong with what it gives instead."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tic.errors import TicError
from tic.memory import is_lack_of_memory
from tic.mistakes import place_of
from tic.models.capabilities import Timed
from tic.models.libraries import LIBRARIES, has_state, library_of
from tic.seeding import own_random_numbers
from tic.text import shorten

RESET = (
    "keep what is of one call in local variables of forward, or let it begin by resetting it: "
    "functional.reset_net(self) in SpikingJelly, init_leaky(), init_rsynaptic() or the like of "
    "every neuron in snnTorch, state None in Norse"
)
"""Way out of a network that keeps state between calls."""
IF_IT_KEEPS_STATE = "if it keeps state between calls, let its forward begin by resetting it"
_LONGEST = 300
_ROUNDING = 1e-4
"""Share of the largest logit by which two calls may differ, as on a GPU they may."""


def logits_of(model: Callable[[Tensor], Any], inputs: Tensor) -> Tensor:
    """Ask a model for its logits (T, B, K).

    Raises:
        TicError: It fails on the inputs (B, …), or gives something else.
    """
    with calling(inputs, model):
        logits = model(inputs)
    if not isinstance(logits, Tensor):
        raise TicError(
            f"the model must return one tensor of logits (T, B, K), got {described(logits)}; wrap "
            f"it in a module whose forward returns the one that is read out, such as the spikes of "
            f"(spikes, membranes)"
        )
    batch, shape = len(inputs), tuple(logits.shape)
    if logits.dim() != 3 or shape[1] != batch:
        raise TicError(
            f"the model must return logits (T, B, K) with B={batch}, got shape {shape}"
            f"{_hint(model, shape, batch)}"
        )
    if not logits.is_floating_point() or logits.layout is not torch.strided:
        raise TicError(
            f"logits must be a dense tensor of real numbers, got {logits.dtype}, {logits.layout}; "
            "convert them where they are returned"
        )
    return logits


def require_time_outermost(model: Callable[[Tensor], Any], inputs: Tensor, logits: Tensor) -> None:
    """Refuse logits (B, T, K) where there are as many samples as timesteps.

    Their shape does not tell: a sample by itself does. A network that fails on a batch of another
    size is believed.

    Args:
        model: In evaluation mode.
        inputs: Shape (B, …).
        logits: What it gave for them.

    Raises:
        TicError: The batch is outermost.
    """
    if len(logits) != len(inputs) or len(inputs) == 1:
        return
    try:
        with own_random_numbers(0, inputs.device), torch.no_grad():
            alone = logits_of(model, inputs[:1].clone())
    except TicError as error:
        if isinstance(error.__cause__, Exception):  # it failed; else it gave another shape
            return
        raise
    if len(alone) != len(logits):
        raise TicError(
            f"the model must return logits for T={len(logits)} timesteps of any number of samples, "
            f"got {len(alone)} of one sample; let it run over time by itself"
        )


def require_classes(labels: Tensor, classes: int) -> None:
    """Refuse labels that name none of the classes.

    Raises:
        TicError: A label is negative, as those that a loss ignores, or too large; or there is but
            one class.
    """
    if classes == 1:
        raise TicError(
            "the model must give a logit for each of two or more classes, got one for both; return "
            "torch.cat([torch.zeros_like(logit), logit], -1), whose classes have the same odds"
        )
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise TicError(
            f"labels must be in [0, {classes - 1}], since the logits have {classes} classes, got "
            f"{int(wrong[0])}; leave samples out that have no label"
        )


def _hint(model: Callable[[Tensor], Any], shape: tuple[int, ...], batch: int) -> str:
    """What may be wrong with a model that gave logits of this shape."""
    turned = "return logits.transpose(0, 1)"
    looks_turned = len(shape) == 3 and shape[0] == batch
    if library := _library_in(model):
        itself = turned if looks_turned else "let it return the logits of every timestep"
        return (
            f"; it has neurons of {LIBRARIES[library]}: measure "
            "tic.models.Adapted(model, timesteps=T), which shows it a sample at every timestep, or "
            f"where it runs over time by itself, {itself}"
        )
    if looks_turned:
        return f"; that looks like (B, T, K): {turned}"
    if len(shape) == 2 and shape[0] == batch:
        return (
            "; that looks like (B, K), of a network without time: return logits.unsqueeze(0), or "
            'measure tic.models.Adapted(model, 1, takes="B", gives="B"); one of SpikingJelly, '
            "snnTorch or Norse is wrapped with its number of timesteps"
        )
    return ""


def _library_in(model: object) -> str | None:
    """The library whose neurons a model has, if any."""
    modules = model.modules() if isinstance(model, nn.Module) else ()
    return next((library_of(module) for module in modules if has_state(module)), None)


@contextmanager
def calling(inputs: Tensor, model: object = None) -> Iterator[None]:
    """Say what a model was called with when it fails; where in it stands in the error's cause."""
    try:
        yield
    except Exception as error:
        shown = f"{tuple(inputs.shape)} ({inputs.dtype})"
        with failing(f"the model fails on inputs of shape {shown}", _way_out(model, inputs)):
            raise error


def _way_out(model: object, inputs: Tensor) -> str:
    """What most likely helps a model that fails on inputs."""
    parameters = model.parameters() if isinstance(model, nn.Module) else ()
    own = {parameter.dtype for parameter in parameters if parameter.is_floating_point()}
    if own and inputs.is_floating_point() and inputs.dtype not in own:
        return (
            f"its parameters are {', '.join(sorted(map(str, own)))}: convert the inputs to that "
            f"where their data set loads them"
        )
    if (library := _library_in(model)) and not isinstance(model, Timed):
        return (
            f"it has neurons of {LIBRARIES[library]}: measure "
            "tic.models.Adapted(model, timesteps=T), which shows it what it takes, sequences or "
            "timesteps"
        )
    return IF_IT_KEEPS_STATE


@contextmanager
def failing(what: str, way_out: str = "mend it there") -> Iterator[None]:
    """Turn what goes wrong in a computation with a model into one sentence.

    A lack of memory passes, which whoever knows what needed it explains.

    Args:
        what: What fails, such as `the loss Margin (losses.py:12) fails`.
        way_out: What to do about it.

    Raises:
        TicError: It went wrong.
    """
    try:
        yield
    except TicError:
        raise
    except Exception as error:
        if is_lack_of_memory(error):
            raise
        raise TicError(
            f"{what}: {type(error).__name__}: {shorten(str(error), _LONGEST)} ({place_of(error)}); "
            f"{way_out}"
        ) from error


def require_stateless(model: nn.Module, inputs: Tensor) -> None:
    """Refuse a network that gives other logits when it is called again on the same inputs.

    In evaluation mode whatever changes with a call must have no part in the logits. In training
    mode parameters and buffers may have, as statistics that are still learned do.

    Args:
        model: A copy, since its calls may change it.
        inputs: Shape (B, …).

    Raises:
        TicError: It does, or fails.
    """
    state = copy.deepcopy(model.state_dict())
    for training in (False, True):
        model.train(training)
        answers = []
        for _ in range(2):
            if training:
                model.load_state_dict(state)
            with own_random_numbers(0, inputs.device):
                answers.append(logits_of(model, inputs).detach())
        if _differ(*answers):
            raise TicError(
                f"two calls on the same {len(inputs)} samples in "
                f"{'training' if training else 'evaluation'} mode give different logits, so "
                f"{type(model).__name__} keeps state between calls, or draws random numbers that "
                f"are not torch's; {RESET}"
            )


def _differ(first: Tensor, again: Tensor) -> bool:
    """Whether logits (T, B, K) are others, by more than rounding in the size of their class."""
    if first.shape != again.shape:
        return True
    finite = first.isfinite()
    if not torch.equal(finite, again.isfinite()):
        return True
    known, repeated = (logits.where(finite, 0) for logits in (first, again))
    largest = known.abs().amax((0, 1), keepdim=True)
    return bool(((known - repeated).abs() > _ROUNDING * largest).any())


def described(value: object) -> str:
    """Name what was given in place of a tensor, with the shapes of the tensors in it."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    name = type(value).__name__
    if isinstance(value, dict):
        return f"a {name} with the keys {', '.join(map(repr, value))}"
    if isinstance(value, tuple | list):
        parts = (str(tuple(v.shape)) if isinstance(v, Tensor) else type(v).__name__ for v in value)
        return f"a {name} of {len(value)}: {', '.join(parts)}"
    return f"something of type {name}"
