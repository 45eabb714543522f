"""The local engine: worker processes on this machine, which live as long as the build."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from tic.engine.engine import Engine, EngineSettings
from tic.engine.job import Finished, Job, Resources
from tic.lab import usable_device

_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from tic.engine.worker import main
main()
"""
"""A worker imports what its parent does, and nothing of the folder that it happens to start in."""


class LocalEngine(Engine):
    """Starts a process per core, or as many as were asked for; one that dies is replaced.

    All of them share the GPU, where there is one. As many jobs as it has room for are done at a
    time, or as many as processes were asked for.
    """

    def __init__(self, settings: EngineSettings) -> None:
        device = usable_device(settings.device)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self._size = settings.processes or cores or 1
        self._gpus = 0.0 if device.type == "cpu" else math.inf if settings.processes else 1.0
        self._lock = Lock()
        self._queue: deque[Job] = deque()
        self._workers: list[_Worker] = []
        self._finished: SimpleQueue[Finished] = SimpleQueue()
        self._closed = False

    def capacity(self) -> Resources:
        """See `Engine.capacity`."""
        return Resources(self._size, self._gpus)

    def submit(self, job: Job) -> None:
        """See `Engine.submit`."""
        with self._lock:
            self._queue.append(job)
            self._hand_out()

    def wait(self, seconds: float) -> Sequence[Finished]:
        """See `Engine.wait`."""
        finished: list[Finished] = []
        try:
            finished.append(
                self._finished.get(timeout=seconds) if seconds else self._finished.get_nowait()
            )
            while True:
                finished.append(self._finished.get_nowait())
        except Empty:
            return finished

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            workers = list(self._workers)
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.thread.join()

    def _hand_out(self) -> None:
        """Give jobs to workers that are idle or new; whoever calls has the lock."""
        for worker in self._workers:
            if self._queue and worker.job is None:
                worker.give(self._queue.popleft())
        while self._queue and len(self._workers) < self._size and not self._closed:
            worker = _Worker(self._on_answer)
            self._workers.append(worker)
            worker.give(self._queue.popleft())

    def _on_answer(self, worker: _Worker, answer: str | None) -> None:
        """Pass on what a worker says, or that it is gone; runs in the worker's thread."""
        with self._lock:
            job, worker.job = worker.job, None
            if answer is None:
                self._workers.remove(worker)
            if job is not None:
                self._finished.put(
                    Finished(job, "lost", worker.last_words())
                    if answer is None
                    else Finished.from_text(job, answer)
                )
            self._hand_out()


class _Worker:
    """A process of `tic.engine.worker`, and the thread that listens to it."""

    def __init__(self, on_answer: Callable[[_Worker, str | None], None]) -> None:
        self.job: Job | None = None
        self._on_answer = on_answer
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who listens
        # A process group of its own: Ctrl-C is for whoever started the build.
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                _START,
                json.dumps([p or str(Path.cwd()) for p in sys.path]),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            encoding="utf-8",
            start_new_session=True,
        )
        self.thread = Thread(target=self._listen, name="tic-worker", daemon=True)
        self.thread.start()
        Thread(target=self._bury, name="tic-worker-death", daemon=True).start()

    def give(self, job: Job) -> None:
        self.job = job
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it died, as the thread that listens will tell
            self.process.stdin.write(f"{job.to_text()}\n")
            self.process.stdin.flush()

    def kill(self) -> None:
        """Kill the process and all that it started, such as what loads data for a network."""
        with suppress(ProcessLookupError, PermissionError):  # gone, or about to be
            os.killpg(self.process.pid, signal.SIGKILL)

    def _bury(self) -> None:
        """Let nothing outlive the process that has its standard output, which would never end."""
        self.process.wait()
        self.kill()

    def last_words(self) -> str:
        """Tell how it ended, with the last line that it wrote to standard error."""
        status = self.process.returncode
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        return f"its worker died ({how}{': ' if lines else ''}{lines[-1] if lines else ''})"

    def _listen(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.process, self._complaints:
            for line in self.process.stdout:
                self._on_answer(self, line)
            self.process.wait()
            self._on_answer(self, None)
            with suppress(BrokenPipeError):  # of a job that was on its way
                self.process.stdin.close()
