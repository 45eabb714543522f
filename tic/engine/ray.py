"""The Ray engine: jobs as tasks on any number of machines.

Only text goes to tasks and comes back. Ray itself pickles it on the way, between machines of one's
own cluster.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import ray
from ray.exceptions import RayError

from tic.engine.engine import Engine, EngineSettings
from tic.engine.job import Finished, Job, Resources, carry_out
from tic.errors import TicError

OBJECT_STORE_BYTES = 80 * 2**20
"""Little more than Ray's least: a job is a few hundred bytes."""
CONNECT_SECONDS = 10.0


class RayEngine(Engine):
    """Joins a running cluster, or starts one on this machine when there is no address.

    The Store, the data and the code must lie under the same paths on every machine. A job whose
    machine dies is lost; who submitted it submits it again, so Ray itself retries nothing.
    """

    takes_address: ClassVar[bool] = True

    def __init__(self, settings: EngineSettings) -> None:
        if settings.device not in ("cpu", "cuda"):
            raise TicError(
                f"with Ray the device must be cpu or cuda, got {settings.device!r}; Ray assigns "
                f"the GPUs itself"
            )
        self._most = settings.processes
        self._running: dict[Any, Job] = {}
        _start(settings)
        self._do = ray.remote(_do)
        if settings.device == "cuda" and not self.capacity().gpus:
            self.close()
            raise TicError("no machine of the cluster has a GPU that Ray can use; use --device cpu")

    def capacity(self) -> Resources:
        """See `Engine.capacity`."""
        there: dict[str, float] = ray.cluster_resources()
        cpus = there.get("CPU", 0.0)
        return Resources(min(cpus, self._most or cpus), there.get("GPU", 0.0))

    def submit(self, job: Job) -> None:
        """See `Engine.submit`."""
        needs = job.needs
        task = self._do.options(
            num_cpus=needs.cpus, num_gpus=needs.gpus, max_retries=0, name=job.label
        )
        self._running[task.remote(job.to_text(), _surroundings())] = job

    def wait(self, seconds: float) -> Sequence[Finished]:
        """See `Engine.wait`."""
        if not self._running:
            time.sleep(seconds)
            return ()
        tasks = list(self._running)
        ray.wait(tasks, num_returns=1, timeout=seconds)
        ended, _ = ray.wait(tasks, num_returns=len(tasks), timeout=0)
        return [_finished(self._running.pop(task), task) for task in ended]

    def close(self) -> None:
        """See `Engine.close`."""
        ray.shutdown()


def _start(settings: EngineSettings) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    local: dict[str, Any] = {
        "num_cpus": settings.processes,
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
    }
    try:
        _require_listener(settings.address or "")
        ray.init(
            address=settings.address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({} if settings.address else local),
        )
    except (OSError, RuntimeError, ValueError) as error:
        at = f"at {settings.address!r} " if settings.address else ""
        raise TicError(
            f"no Ray cluster {at}can be used ({error}); start one with ray start --head, or leave "
            f"--address out"
        ) from error


def _require_listener(address: str) -> None:
    """Fail at once where nobody listens; Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()


def _surroundings() -> str:
    """What a worker elsewhere cannot know: where code and data lie."""
    data = os.environ.get("TIC_DATA")
    return json.dumps({"path": sys.path, "data": str(Path(data).absolute()) if data else None})


def _do(job: str, surroundings: str) -> str:
    """Do a job on some machine of the cluster."""
    here = json.loads(surroundings)
    sys.path += [folder for folder in here["path"] if folder not in sys.path]
    if here["data"] is not None:
        os.environ["TIC_DATA"] = here["data"]
    return carry_out(job)


def _finished(job: Job, task: Any) -> Finished:
    try:
        return Finished.from_text(job, ray.get(task))
    except RayError as error:
        return Finished(job, "lost", str(error).strip().partition("\n")[0])
