"""A build: an engine is kept at work until no question lacks anything that the Store can have."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import count
from time import monotonic

from tic.engine.engine import Engine
from tic.engine.job import Finished, Job, Resources
from tic.engine.plan import make_plan
from tic.errors import TicError
from tic.lab import Lab
from tic.recipe import Recipe

Question = Callable[[], Iterable[Job]]
"""Returns what it lacks, seen from here and now; asked again when that is done, or has failed."""

RETRIES = 3
"""A job is begun again so often after its worker was lost."""
PAUSE_SECONDS = 2.0
"""Before a job is begun again, or one that another process holds is looked at again."""
POLL_SECONDS = 0.5
UNSEEN = (
    "a worker did it, but it is not in the Store as seen from here; the Store and the data must "
    "lie under the same paths on every machine"
)


@dataclass
class Limits:
    """What may be begun.

    Attributes:
        ends: Reading of the monotonic clock from which nothing is begun or waited for.
        trainings: How many may still be begun.
        patience: Seconds from then on in which questions that were not answered are still asked.
    """

    ends: float = math.inf
    trainings: float = math.inf
    patience: float = 0.0
    _begun: set[Job] = field(default_factory=set, init=False)

    @property
    def is_over(self) -> bool:
        """Whether the time is."""
        return monotonic() >= self.ends

    @property
    def has_patience(self) -> bool:
        """Whether questions are still asked."""
        return monotonic() < self.ends + self.patience

    def allow(self, job: Job) -> bool:
        """Whether a job may begin, or begin again."""
        return job.measurement is not None or self.trainings > 0 or job in self._begun

    def begin(self, job: Job) -> None:
        """Count a job that begins."""
        if job.measurement is None and job not in self._begun:
            self._begun.add(job)
            self.trainings -= 1


def longest_chain(recipes: Iterable[Recipe]) -> Callable[[Job], float]:
    """Urgency where all is to be done: what has most work waiting behind it comes first.

    Args:
        recipes: All that will probably be trained.
    """
    urgency = {planned.recipe: planned.urgency for planned in make_plan(recipes)}

    def of_job(job: Job) -> float:
        return job.work if job.measurement else urgency.get(job.recipe, job.work)

    return of_job


class Build:
    """The jobs of a build: which wait, which are in work, which are over.

    What is most urgent is begun first. About as much is submitted as the engine has room for, so
    that the order still counts for the rest.

    Args:
        engine: Does the jobs.
        lab: Where the Store is looked at from here.
        urgency: Of a job that could begin now; see `longest_chain`.
        limits: What may still be begun; anything without them.

    Attributes:
        trained: Number of trainings that were done.
        measured: Number of measurements that were taken.
        lost: How often each job was lost with its worker.
        refused: Why questions could not be answered.
    """

    def __init__(
        self,
        engine: Engine,
        lab: Lab,
        urgency: Callable[[Job], float],
        limits: Limits | None = None,
    ) -> None:
        self._engine, self._lab = engine, lab
        self._urgency, self._limits = urgency, limits or Limits()
        self._known: set[Job] = set()
        self._over: dict[Job, str] = {}
        self._running: set[Job] = set()
        self._ready: dict[Job, None] = {}  # in the order in which they became so
        self._later: list[tuple[float, int, Job]] = []
        self._blocked: dict[Job | Question, set[Job]] = {}
        self.lost: dict[Job, int] = {}
        self.refused: dict[Question, str] = {}
        self._seconds: dict[Job, float] = {}
        self._to_ask: deque[Question] = deque()
        self._number = count()
        self.trained = self.measured = self._to_measure = 0

    @property
    def faults(self) -> list[str]:
        """Why jobs failed, and why questions could not be answered, one text each."""
        failed = [f"{job.label}: {fault}" for job, fault in self._over.items() if fault]
        return [*failed, *dict.fromkeys(self.refused.values())]

    @property
    def in_work(self) -> tuple[Job, ...]:
        """Jobs that the engine has; from any thread."""
        return tuple(self._running)

    def fault(self, job: Job) -> str:
        """Why a job failed; "" where it did not."""
        return self._over.get(job, "")

    def seconds(self, jobs: Iterable[Job]) -> float:
        """How long workers were at some jobs that were done here."""
        return sum(self._seconds.get(job, 0.0) for job in jobs)

    def run(self, questions: Iterable[Question]) -> None:
        """Return when every question lacks nothing, or nothing more that can and may be done.

        What is in work when the time is over is left to whoever closes the engine. Whoever still
        waits to be asked then is asked for as long as the patience lasts: what the Store has
        costs nothing.
        """
        self._to_ask.extend(questions)
        while self._is_wanted and not self._limits.is_over:
            if self._to_ask:
                self._ask(self._to_ask.popleft())
            self._submit()
            # Questions take their time; workers shall not wait for all of them.
            self._take_finished(0 if self._to_ask else POLL_SECONDS)
        self._take_finished(0)
        while self._to_ask and self._limits.has_patience:
            self._ask(self._to_ask.popleft())

    def _take_finished(self, seconds: float) -> None:
        for finished in self._engine.wait(seconds):
            self._take(finished)

    @property
    def _is_wanted(self) -> bool:
        """Whether anything can be asked, begun, or waited for."""
        return bool(self._to_ask or self._running or self._later or self._beginnings())

    def _beginnings(self) -> list[Job]:
        """The jobs that may begin now."""
        return [job for job in self._ready if self._limits.allow(job)]

    def progress_text(self) -> str:
        """Tell how far the measurements are; from any thread."""
        return f"measurements: {self.measured} taken, {self._to_measure} to take"

    def _ask(self, question: Question) -> None:
        try:
            lacking = [job for job in dict.fromkeys(question()) if job not in self._over]
        except TicError as error:  # such as a Run that cannot be read; others can be answered
            self.refused[question] = str(error)
            return
        for job in lacking:
            self._want(job)
        self._wait_for(question, lacking)

    def _want(self, job: Job) -> None:
        if job in self._known:
            return
        self._known.add(job)
        self._to_measure += job.measurement is not None
        try:
            before = [earlier for earlier in job.before if not earlier.is_done(self._lab)]
        except TicError as error:
            self._end(job, str(error))
            return
        for earlier in before:
            self._want(earlier)
        self._wait_for(job, before)

    def _wait_for(self, waiting: Job | Question, jobs: Collection[Job]) -> None:
        """Go on with a job or a question when these jobs are over; a question may lack none."""
        open_jobs = {job for job in jobs if job not in self._over}
        if open_jobs:
            self._blocked[waiting] = open_jobs
        elif jobs or isinstance(waiting, Job):
            self._go_on(waiting)

    def _go_on(self, waiting: Job | Question) -> None:
        if isinstance(waiting, Job):
            self._begin_or_give_up(waiting)
        else:
            self._to_ask.append(waiting)

    def _begin_or_give_up(self, job: Job) -> None:
        failed = next((earlier for earlier in job.before if self._over.get(earlier)), None)
        if failed:
            self._end(job, f"{failed.label} failed")
        else:
            self._ready[job] = None

    def _submit(self) -> None:
        while self._later and self._later[0][0] <= monotonic():
            self._begin_or_give_up(heapq.heappop(self._later)[2])
        # Every job takes a core: without one nobody need be ranked.
        while not self._is_full and (beginnings := self._beginnings()):
            job = max(beginnings, key=self._urgency)  # of equal ones the first
            if not self._has_room(job.needs):
                return
            del self._ready[job]
            self._running.add(job)
            self._limits.begin(job)
            self._engine.submit(job)

    @property
    def _is_full(self) -> bool:
        """Whether every core has a job, and one waits: who is free next need not ask for it."""
        cpus = sum(job.needs.cpus for job in self._running)
        return bool(self._running) and cpus >= self._engine.capacity().cpus + 1

    def _has_room(self, needs: Resources) -> bool:
        """Whether there is a GPU for a job, or a share of one, where it needs that."""
        if not (self._running and needs.gpus):
            return True
        gpus = sum(job.needs.gpus for job in self._running)
        return gpus + needs.gpus <= self._engine.capacity().gpus + 1e-9

    def _take(self, finished: Finished) -> None:
        job, status, reason = finished.job, finished.status, finished.reason
        self._running.discard(job)
        self._seconds[job] = finished.seconds
        try:
            if status == "done" and not job.is_done(self._lab):
                status, reason = "lost", UNSEEN
        except TicError as error:
            status, reason = "failed", str(error)
        if status == "lost":
            self.lost[job] = self.lost.get(job, 0) + 1
        if status == "held" or (status == "lost" and self.lost[job] <= RETRIES):
            again = monotonic() + PAUSE_SECONDS
            heapq.heappush(self._later, (again, next(self._number), job))
        elif status == "lost":
            self._end(job, f"{reason} (begun {RETRIES + 1} times)")
        else:
            self._end(job, reason if status == "failed" else "")

    def _end(self, job: Job, fault: str) -> None:
        self._over[job] = fault
        if job.measurement is None:
            self.trained += not fault
        else:
            self.measured += not fault
            self._to_measure -= 1
        for jobs in self._blocked.values():
            jobs.discard(job)
        freed = [waiting for waiting, jobs in self._blocked.items() if not jobs]
        for waiting in freed:
            del self._blocked[waiting]
        for waiting in freed:
            self._go_on(waiting)
