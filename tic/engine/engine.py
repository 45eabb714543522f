"""Engines: who does the jobs of a build. Chosen by name, so that anybody can add one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import ClassVar

from tic.engine.job import Finished, Job, Resources
from tic.errors import TicError

GROUP = "tic.engines"
"""Entry points of this group name engines: `slurm = "tic_slurm:SlurmEngine"`."""
OWN_DISTRIBUTION = "tic-audit"


@dataclass(frozen=True)
class EngineSettings:
    """What the command line sets of an engine.

    Attributes:
        device: `cpu`, `cuda` or `cuda:N`, of the jobs that it will be given.
        processes: Jobs at a time, at most; the engine's own choice without it.
        address: Of a cluster to join.
    """

    device: str = "cpu"
    processes: int | None = None
    address: str | None = None


class Engine(ABC):
    """Does jobs, several at a time, in other processes. Closed when the context ends.

    A job is text for `tic.engine.job.carry_out`, which a worker calls anywhere where the Store, the
    data and the code lie under the same paths. Workers may die at any time: a training goes on from
    its last epoch when the job is submitted again, which is not the engine's affair.

    Args:
        settings: From the command line.

    Raises:
        TicError: It cannot start like that.
    """

    takes_address: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, settings: EngineSettings) -> None: ...

    @abstractmethod
    def capacity(self) -> Resources:
        """What there is now, busy or not; it may change."""

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Begin a job, or queue it where nothing is free; jobs begin in the order of submission."""

    @abstractmethod
    def wait(self, seconds: float) -> Sequence[Finished]:
        """Return the jobs that ended since the last call; wait at most so long for the first."""

    @abstractmethod
    def close(self) -> None:
        """End all workers at once, whatever they do."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def find_engine(name: str) -> type[Engine]:
    """Load an engine by its name.

    Raises:
        TicError: No installed package has such an engine, or what it needs is not installed.
    """
    known = {engine.name: engine for engine in entry_points(group=GROUP)}
    if name not in known:
        raise TicError(f"unknown engine {name!r}; known: {', '.join(sorted(known))}")
    try:
        engine = known[name].load()
    except ImportError as error:
        raise TicError(
            f"the engine {name!r} cannot be used here ({error}); {_way_out(known[name], error)}"
        ) from error
    if not (isinstance(engine, type) and issubclass(engine, Engine)):
        raise TicError(f"the engine {name!r} must be a tic.engine.engine.Engine, got {engine!r}")
    return engine


def start_engine(name: str, settings: EngineSettings) -> Engine:
    """Start an engine by its name.

    Raises:
        TicError: There is no such engine, or it cannot start with these settings.
    """
    engine = find_engine(name)
    if settings.address is not None and not engine.takes_address:
        raise TicError(
            f"the engine {name!r} takes no address, got {settings.address!r}; leave --address out"
        )
    return engine(settings)


def _way_out(entry: EntryPoint, error: ImportError) -> str:
    if entry.dist is not None and entry.dist.name == OWN_DISTRIBUTION:
        return f"pip install '{OWN_DISTRIBUTION}[{entry.name}]'"
    return f"pip install {error.name}" if error.name else "install what it needs"
