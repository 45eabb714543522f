"""The Lab joins what a training or a measurement needs: Store, data and device."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from tic import data, history, models
from tic.errors import DataNotFoundError, DivergedRunError, TicError
from tic.recipe import Recipe
from tic.run import Run
from tic.seeding import derive
from tic.store import Store
from tic.text import quoted

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt, as malloc.h numbers them."""


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

    def images(
        self, dataset: str, split: Literal["train", "test"], size: int | None = None
    ) -> data.ImageData:
        """Load images onto the device; `size` of them, the first of a fixed permutation."""
        return _on_device(self.device, self.data_root, dataset, split, size)

    def require_data(self, dataset: str, *, download: bool) -> None:
        """See that both splits of a data set are there.

        Raises:
            DataNotFoundError: One is not on this machine and is not to be downloaded.
            TicError: Its files are damaged.
        """
        data.require(dataset, self.data_root, download=download)

    def holds_data(self, dataset: str) -> bool:
        """Whether both splits of a data set are on this machine."""
        try:
            self.require_data(dataset, download=False)
        except DataNotFoundError:
            return False
        return True

    def fingerprint(self, recipe: Recipe) -> str:
        """Identify the Run of a Recipe on the data that lie here."""
        return _fingerprint(recipe, self.images(recipe.dataset, "train", recipe.train_size).digest)

    def has(self, recipe: Recipe, *, verify: bool = False) -> bool:
        """Whether the Run is finished, and its files are whole when that is to be verified."""
        fingerprint = self.fingerprint(recipe)
        return self.store.get(fingerprint) is not None if verify else self.store.has(fingerprint)

    def finished(self, recipe: Recipe) -> Run | None:
        """Return the finished Run of a Recipe, also one that diverged, or None.

        Raises:
            TicError: It tells of another training.
        """
        run = self.store.get(self.fingerprint(recipe))
        if run and (fault := history.misfit(run.history, recipe.epochs, recipe.timesteps)):
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

    def fresh_network(self, recipe: Recipe) -> models.SpikingNetwork:
        """Build the Recipe's network, to be trained, with the weights that its seed gives."""
        spec = data.SPECS[recipe.dataset]
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would seed accelerators too, which no fork restores.
            torch.default_generator.manual_seed(derive(recipe.seed, "weights"))
            network = models.build(
                recipe.architecture,
                in_channels=spec.channels,
                num_classes=spec.num_classes,
                timesteps=recipe.timesteps,
                tau=recipe.tau,
                mean=spec.mean,
                std=spec.std,
            )
        network.stepwise = recipe.batch_norm == "stepwise"
        return network.to(self.device)

    def trainable(self, network: models.SpikingNetwork) -> Callable[[Tensor], Tensor]:
        """What trains a network: itself, or what it is compiled to.

        Raises:
            TicError: When called, if this machine cannot compile it.
        """
        return _compiled(network) if self.compiled else network

    def network(self, recipe: Recipe, epoch: int | None = None) -> models.SpikingNetwork:
        """Rebuild the trained network after an epoch, the last without one, in evaluation mode."""
        network = self.fresh_network(recipe)
        last = recipe.epochs if epoch is None else epoch
        network.load_state_dict(self.run(recipe).weights(last, network.state_dict()))
        network.stepwise = False  # how it was trained makes no difference any more
        return network.eval()


def _compiled(network: models.SpikingNetwork) -> Callable[[Tensor], Tensor]:
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
    device: torch.device,
    root: Path | None,
    dataset: str,
    split: Literal["train", "test"],
    size: int | None,
) -> data.ImageData:
    return data.load(dataset, split, root, size=size).to(device)


@lru_cache(maxsize=4096)
def _fingerprint(recipe: Recipe, digest: str) -> str:
    return recipe.fingerprint(digest)


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
def one_thread(device: torch.device) -> Iterator[None]:
    """Compute on one CPU thread, since sums over more depend on their number."""
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
        _reuse_freed_memory()
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
