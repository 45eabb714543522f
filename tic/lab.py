"""The Lab joins what a training or a measurement needs: Store, data and device."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from tic import data, history
from tic.data import Dataset, Samples, Split
from tic.errors import DataNotFoundError, DivergedRunError, TicError
from tic.kinds import place
from tic.models import SpikingNetwork
from tic.models.logits import described, failing
from tic.recipe import Recipe
from tic.run import Run
from tic.seeding import derive
from tic.store import Store
from tic.text import quoted

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt, as malloc.h numbers them."""


_asked: ContextVar[list[Recipe] | None] = ContextVar("asked", default=None)


@contextmanager
def noting_asked() -> Iterator[list[Recipe]]:
    """Note the Recipes whose Runs are asked for: what fails without any needs none to fail."""
    asked: list[Recipe] = []
    token = _asked.set(asked)
    try:
        yield asked
    finally:
        _asked.reset(token)


@dataclass(frozen=True)
class Lab:
    """Where Recipes become Runs.

    Attributes:
        store_root: Folder of the Store.
        data_root: Folder that data sets are looked for in first.
        device_name: `cpu`, `cuda` or `cuda:N`.
        compiled: Whether networks are compiled before they are trained, which takes a minute or two
            per kind of network and then saves time on a GPU.
    """

    store_root: Path
    data_root: Path | None = None
    device_name: str = "cpu"
    compiled: bool = False

    @cached_property
    def store(self) -> Store:
        """The Store."""
        return Store(self.store_root)

    @cached_property
    def device(self) -> torch.device:
        """The device that everything runs on.

        Raises:
            TicError: torch does not know the device or this machine lacks it.
        """
        return usable_device(self.device_name)

    def samples(self, dataset: Dataset, split: Split, size: int | None = None) -> Samples:
        """Load samples onto the device; `size` of them, the first of a fixed permutation."""
        return _on_device(self.device, self.data_root, dataset, split, size)

    def require_data(self, dataset: Dataset, *, download: bool) -> None:
        """See that both splits of a data set are there.

        Raises:
            DataNotFoundError: One is not on this machine and is not to be downloaded.
            TicError: It is damaged.
        """
        dataset.require(self.data_root, download=download)

    def holds_data(self, dataset: Dataset) -> bool:
        """Whether both splits of a data set are on this machine."""
        try:
            self.require_data(dataset, download=False)
        except DataNotFoundError:
            return False
        return True

    def training_digest(self, dataset: Dataset, size: int | None = None) -> str:
        """Digest of training samples; see `samples`."""
        return _training_digest(self.data_root, dataset, size)

    def fingerprint(self, recipe: Recipe) -> str:
        """Identify the Run of a Recipe on the data that lie here, those of its ancestors too."""
        *ancestral, own = (
            self.training_digest(each.dataset, each.train_size)
            for each in (*recipe.ancestors, recipe)
        )
        return _fingerprint(recipe, own, tuple(ancestral))

    def has(self, recipe: Recipe, *, verify: bool = False) -> bool:
        """Whether the Run is finished, and its files are whole when that is to be verified."""
        fingerprint = self.fingerprint(recipe)
        return self.store.get(fingerprint) is not None if verify else self.store.has(fingerprint)

    def finished(self, recipe: Recipe) -> Run | None:
        """Return the finished Run of a Recipe, also one that diverged, or None.

        Raises:
            TicError: It tells of another training.
        """
        if (asked := _asked.get()) is not None:
            asked.append(recipe)
        run = self.store.get(self.fingerprint(recipe))
        if run and (fault := history.misfit(run.history, recipe.epochs)):
            raise TicError(
                f"{run.folder} must have the history of {recipe.label}, but {fault}; remove the "
                f"folder, and it is trained anew"
            )
        return run

    def run(self, recipe: Recipe) -> Run:
        """Return the finished Run of a Recipe.

        Raises:
            TicError: It has not been trained.
            DivergedRunError: Its training diverged.
        """
        run = self.finished(recipe)
        if run is None:
            raise TicError(f"{recipe.label} is not in the Store; train it first")
        if run.diverged:
            raise DivergedRunError(f"{recipe.label}: {run.diverged}")
        return run

    def fresh_network(self, recipe: Recipe) -> nn.Module:
        """Build the Recipe's network, to be trained, with the weights that its seed gives.

        Raises:
            TicError: Its architecture builds none, or one without parameters or whose state is not
                tensors alone.
        """
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would seed accelerators too, which no fork restores.
            torch.default_generator.manual_seed(derive(recipe.random_seed, "weights"))
            with failing(f"build of {place(recipe.architecture)} fails"):
                network = recipe.architecture.build(recipe.dataset.facts, recipe.timesteps)
        if not isinstance(network, nn.Module) or not any(
            parameter.requires_grad for parameter in network.parameters()
        ):
            raise TicError(
                f"{type(recipe.architecture).__name__}.build must return a torch.nn.Module with "
                f"parameters to be trained, got {described(network)}"
            )
        _require_tensors(recipe, network)
        return network.to(self.device)

    def trainable(self, network: nn.Module) -> Callable[[Tensor], Tensor]:
        """What trains a network: itself, or what it is compiled to.

        Raises:
            TicError: When called, if this machine cannot compile it.
        """
        return _compiled(network) if self.compiled else network

    def network(self, recipe: Recipe, epoch: int | None = None) -> nn.Module:
        """Rebuild the trained network after an epoch, the last without one, in evaluation mode."""
        network = self.fresh_network(recipe)
        last = recipe.epochs if epoch is None else epoch
        network.load_state_dict(self.run(recipe).weights(last, network.state_dict()))
        if isinstance(network, SpikingNetwork):
            network.stepwise = False  # how it was trained makes no difference any more
        return network.eval()


def _compiled(network: nn.Module) -> Callable[[Tensor], Tensor]:
    from torch._dynamo.exc import TorchDynamoException

    # What was compiled before for other shapes and timesteps would make kernels, and so bits, of
    # another kind, and from the ninth network on none at all.
    torch.compiler.reset()
    forward = torch.compile(network)

    def call(images: Tensor) -> Tensor:
        try:
            logits: Tensor = forward(images)
        except TorchDynamoException as error:
            reason = str(error).strip().splitlines()[0]
            raise TicError(
                f"the network could not be compiled ({reason}); compiling needs a C++ compiler on "
                f"a CPU and Triton on a GPU; leave --compile out"
            ) from error
        return logits

    return call


@lru_cache(maxsize=16)
def _on_device(
    device: torch.device, root: Path | None, dataset: Dataset, split: Split, size: int | None
) -> Samples:
    return data.load(dataset, split, root, size=size).to(device)


@lru_cache(maxsize=2**10)
def _training_digest(root: Path | None, dataset: Dataset, size: int | None) -> str:
    return data.load(dataset, "train", root, size=size).digest


@lru_cache(maxsize=2**17)  # of fewer than an audit has, none would be found again
def _fingerprint(recipe: Recipe, digest: str, ancestral: tuple[str, ...]) -> str:
    return recipe.fingerprint(digest, ancestral)


def usable_device(name: str) -> torch.device:
    """Resolve a device name.

    Raises:
        TicError: torch does not know the device or this machine lacks it.
    """
    try:
        device = torch.device(name)
    except (RuntimeError, ValueError):
        raise TicError(f"unknown device {quoted(name)}; known: cpu, cuda, cuda:0, …") from None
    if device.type not in ("cpu", "cuda"):
        raise TicError(f"device must be cpu or cuda, got {quoted(name)}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise TicError(
            f"device {name!r} was asked for and this machine has "
            f"{torch.cuda.device_count()} usable CUDA devices; use --device cpu"
        )
    return device


@contextmanager
def exact_arithmetic(device: torch.device) -> Iterator[None]:
    """Compute on one CPU thread, since sums over more depend on their number.

    On a GPU, multiply whole float32 numbers: torch lets convolutions round them to TF32, which has
    ten bits of mantissa, and that is not what a Recipe of precision fp32 says.
    """
    if device.type == "cpu":
        with _one_thread():
            yield
    else:
        with _whole_float32():
            yield


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    _reuse_freed_memory()
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _whole_float32() -> Iterator[None]:
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    before = convolutions.allow_tf32, products.allow_tf32
    convolutions.allow_tf32 = products.allow_tf32 = False
    try:
        yield
    finally:
        convolutions.allow_tf32, products.allow_tf32 = before


@lru_cache(maxsize=1)
def _reuse_freed_memory() -> None:
    """Let the allocator keep what is freed, for as long as the process lives.

    By default glibc returns large blocks to the system, which clears them anew for every tensor of
    every step.
    """
    with suppress(AttributeError, OSError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 2**30)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _require_tensors(recipe: Recipe, network: nn.Module) -> None:
    """Refuse a network whose `state_dict` has what no file of weights can hold."""
    state: dict[str, object] = network.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise TicError(
                f"all that state_dict() of {place(recipe.architecture)} gives must be tensors, "
                f"which a Run keeps, got {described(value)} as {name!r}; register a buffer in "
                "place of get_extra_state"
            )
