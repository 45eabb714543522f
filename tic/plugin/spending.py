"""`--budget`: seeds are added where a verdict is open, until all are decided or it is spent.

Claims are looked at on 5 seeds, then on 8, 12, 18 … as `tic.stats.looks` fixes them; each look has
its own share of the error rate. What decides most for its cost is trained first. When nothing more
may be begun, every claim is judged at its last complete look.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from tic.plugin.engines import ends_with_collection, start_chosen_engine
from tic.plugin.rehearsing import Rehearsing
from tic.plugin.state import State, claim_of, entry_id
from tic.plugin.terminal import write_lines
from tic.plugin.watching import text_now_and_then

if TYPE_CHECKING:
    from tic.audit.judge import Judge
    from tic.document.evidence import Contrast
    from tic.engine.building import Build, Question
    from tic.engine.job import Job
    from tic.session.agenda import Agenda, OpenClaim
    from tic.session.budget import Budget
    from tic.stats import Outcome

PATIENCE, PATIENCE_SECONDS = 0.1, 60.0
"""When its time is over, claims whose next look the Store has are still looked at: for this share
of it, or for so many seconds where that is more."""
OF_CONTROLS = 10
"""How many times the priority of a decided claim its controls have."""
SHOWN = 10
"""Open claims whose costs are told at the end; the page has all."""


class Spending:
    """Trains and measures before the claims are judged."""

    def __init__(self, state: State, rehearsing: Rehearsing) -> None:
        self.state, self.rehearsing = state, rehearsing
        self.spent: _Spent | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Spend the budget, then let the claims be judged."""
        wanted = self.state.runs_claims and not ends_with_collection(session)
        if wanted and self.state.session.plan:
            self._spend(session.items)
        return (yield)

    def _spend(self, items: list[pytest.Item]) -> None:
        from tic.engine.building import Build, Limits
        from tic.session.agenda import Agenda
        from tic.session.budget import Rest, timed

        budget = self.state.options.budget
        assert budget is not None
        seconds = math.inf if budget.seconds is None else budget.seconds
        limits = Limits(
            trainings=math.inf if budget.trainings is None else budget.trainings,
            patience=max(PATIENCE_SECONDS, PATIENCE * seconds),
        )
        lab = self.state.session.lab
        asking: dict[Job, dict[OpenClaim, None]] = {}
        tests = {entry_id(item): item for item in items if claim_of(item)}
        with start_chosen_engine(self.state) as engine:

            def rest() -> Rest:
                left = min(seconds, limits.ends - monotonic())
                return Rest(left * engine.capacity().cpus, limits.trainings)

            cost = lru_cache(None)(partial(timed, lab=lab))
            agenda = Agenda(self.state.session, cost, rest)
            # Trainings were timed and the Store was looked through, which is no part of the budget.
            limits.ends = monotonic() + seconds
            build = Build(engine, lab, partial(_urgency, agenda, asking), limits)
            spent = self.spent = _Spent(budget, agenda, build, asking)
            ranked = sorted(agenda.claims, key=lambda claim: -claim.priority)
            spent.questions = {c: partial(self._lacking, c, spent, tests) for c in ranked}
            with text_now_and_then(spent.progress_text):
                try:
                    build.run(spent.questions.values())
                    spent.end(interrupted=False)
                except KeyboardInterrupt:  # what was looked at is judged; another ends that, too
                    spent.end(interrupted=True)
        agenda.close(spent.left_out(), spent.faults())

    def _lacking(self, claim: OpenClaim, spent: _Spent, tests: dict[str, pytest.Item]) -> list[Job]:
        """What the next look of a claim lacks, and after its last one what its controls do."""
        from tic.document.deciding import failed_checks
        from tic.engine.job import Job

        while not claim.over:
            outcome: Outcome | None = None
            contrasts: Sequence[Contrast] = ()
            left_open = unsound = False
            jobs = [Job(recipe, self.state.worker_lab) for recipe in spent.agenda.absent(claim)]
            if jobs and not claim.seeds_judged:
                self.rehearsing.require_sound(tests[claim.entry.id])
            if not jobs:
                own, jobs = self._rehearsed(tests[claim.entry.id])
                if own is not None and own.contrasts:
                    outcome, contrasts = own.verdict().outcome, own.contrasts
                    # Readings that do not decide are left open as well, and further seeds may help.
                    left_open = bool(own.left_open) and not own.readings
                    unsound = bool(failed_checks(own.checks))
                if jobs:
                    spent.agenda.foresee(claim, jobs)
            spent.ask(claim, claim.entry.id, jobs)
            if jobs:
                return jobs
            seconds = spent.end_look(claim)
            spent.agenda.take(
                claim, outcome, contrasts, seconds, left_open=left_open, unsound=unsound
            )
        return self._lacking_of_controls(claim, spent, tests) if claim.decided else []

    def _lacking_of_controls(
        self, claim: OpenClaim, spent: _Spent, tests: dict[str, pytest.Item]
    ) -> list[Job]:
        """What the controls of a decided claim lack; of an open one they could not be missed."""
        lacking: list[Job] = []
        for control in claim.controls:
            jobs = self._rehearsed(tests[control.id])[1]
            spent.ask(claim, control.id, jobs)
            if not jobs:
                spent.measured.add(control.id)
            lacking += jobs
        return lacking

    def _rehearsed(self, item: pytest.Item) -> tuple[Judge | None, list[Job]]:
        """What a test judged, where it ran to its end, and the measurements that it lacks."""
        from tic.engine.job import Job

        rehearsal = self.rehearsing.rehearse(item)
        lacking = [Job(recipe, self.state.worker_lab, m) for m, recipe in rehearsal.lacking]
        return rehearsal.judge, lacking

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what the budget was spent on, and what would decide the rest."""
        if self.spent is None:
            return
        terminalreporter.section("budget")
        for fault in self.spent.build.faults:
            write_lines(terminalreporter, fault, red=True)
        for line in self.spent.summary():
            write_lines(terminalreporter, line)


def _urgency(agenda: Agenda, asking: Mapping[Job, Mapping[OpenClaim, None]], job: Job) -> float:
    """What a training is wanted for most, and a measurement by those alone that asked for it.

    Controls, which are all that a decided claim asks for, come before other claims.
    """
    if job.measurement is None:
        return agenda.priority(job.recipe)
    asked = asking.get(job, ())
    return max((c.priority * (OF_CONTROLS if c.decided else 1) for c in asked), default=0.0)


@dataclass
class _Spent:
    """What a budget is being spent on.

    Attributes:
        budget: What may be spent.
        agenda: The claims.
        build: The jobs.
        asking: Claims that asked for a job, in the order in which they did.
        asked: Jobs of the look that is being prepared, by the id of the claim that lacked them, or
            of a control those that it lacked.
        measured: Ids of the controls that lack nothing.
        questions: What each claim asks, in the order in which they begin.
        seconds: How long it took.
        interrupted: Whether somebody ended it by hand.
    """

    budget: Budget
    agenda: Agenda
    build: Build
    asking: dict[Job, dict[OpenClaim, None]] = field(default_factory=dict)
    asked: dict[str, dict[Job, None]] = field(default_factory=dict)
    measured: set[str] = field(default_factory=set)
    questions: dict[OpenClaim, Question] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False
    _started: float = field(default_factory=monotonic)

    def ask(self, claim: OpenClaim, lacking: str, jobs: Iterable[Job]) -> None:
        """Note what the entry of this id lacks for the next look at a claim."""
        asked = self.asked.setdefault(lacking, {})
        for job in jobs:
            asked[job] = None
            self.asking.setdefault(job, {})[claim] = None

    def end_look(self, claim: OpenClaim) -> float:
        """Tell how long workers measured for a look that is complete; the next one begins."""
        asked = self.asked.pop(claim.entry.id, {})
        return self.build.seconds(job for job in asked if job.measurement)

    def end(self, *, interrupted: bool) -> None:
        """Nothing more is begun."""
        self.seconds, self.interrupted = monotonic() - self._started, interrupted

    def progress_text(self) -> str:
        """Tell what is decided and what is being done for which claim; from any thread."""
        from tic.engine.progress import duration

        so_far = duration(monotonic() - self._started)
        texts = [f"decided: {self._decided()}", *self._in_work()]
        return f"{'; '.join(texts)} ({self._done()}, {so_far} so far of {self.budget.text})"

    def left_out(self) -> dict[str, str]:
        """Why entries are not judged, by their ids; those whose jobs failed are left out.

        A claim had no complete look, or a control of a decided one was not measured.
        """
        from tic.engine.progress import duration

        by_hand = f" was ended by hand after {duration(self.seconds)},"
        end = by_hand if self.interrupted else " ended"
        way_out = "the same command" if self.interrupted else "with more it"
        claims, faults = self.agenda.claims, self.faults()
        missed = {
            **{
                c.entry.id: f"the first look at {c.seeds_wanted} seeds"
                for c in claims
                if not c.seeds_judged
            },
            **{
                control.id: "this control was measured"
                for claim in claims
                if claim.decided
                for control in claim.controls
                if control.id not in self.measured
            },
        }
        return {
            name: (
                f"the budget of {self.budget.text}{end} before {what}; {way_out} goes on from what "
                "the Store has"
            )
            for name, what in missed.items()
            if name not in faults
        }

    def faults(self) -> dict[str, str]:
        """Why the next look of claims could not be prepared, or a control, by their ids."""
        return {
            entry.id: "; ".join(faults)
            for claim in self.agenda.claims
            for entry in claim.entries
            if (faults := self._faults(claim, entry.id))
        }

    def summary(self) -> Iterator[str]:
        """Tell what was spent and decided, and what would decide the rest."""
        from tic.engine.progress import duration

        by_hand = ", ended by hand" if self.interrupted else ""
        yield (
            f"{duration(self.seconds)} spent of {self.budget.text}{by_hand}: {self._done()}; "
            f"decided: {self._decided()}"
        )
        still_open = [
            claim for claim in self.agenda.claims if claim.seeds_judged and not claim.decided
        ]
        still_open.sort(key=lambda claim: -claim.priority)
        for claim in still_open[:SHOWN]:
            yield f"open: {claim.entry.id} at {claim.seeds_judged} seeds; {_would_decide(claim)}"
        if len(still_open) > SHOWN:
            yield f"and {len(still_open) - SHOWN} more; the report tells what would decide them"

    def _faults(self, claim: OpenClaim, entry: str) -> list[str]:
        """Distinct reasons why a claim or one of its controls cannot be looked at."""
        faults = [self.build.fault(job) for job in self.asked.get(entry, ())]
        if entry == claim.entry.id:
            faults.append(self.build.refused.get(self.questions[claim], ""))
        return list(dict.fromkeys(filter(None, faults)))

    def _done(self) -> str:
        return f"trained {self.build.trained}, measured {self.build.measured}"

    def _decided(self) -> str:
        counts = []
        for role in ("claim", "rival"):
            claims = [
                claim
                for claim in self.agenda.claims
                if claim.entry.role == role and not claim.left_open
            ]
            if claims:
                decided = sum(claim.decided for claim in claims)
                counts.append(f"{decided} of {len(claims)} {role}s")
        return ", ".join(counts)

    def _in_work(self) -> list[str]:
        wanting = [self._wanting(job) for job in self.build.in_work]
        names = {claim.entry.id: claim.seeds_wanted for claim in wanting if claim}
        return [f"for {name} at {seeds} seeds" for name, seeds in names.items()]

    def _wanting(self, job: Job) -> OpenClaim | None:
        """For which claim a job is done first of all."""
        if job.measurement is None:
            return self.agenda.wanting(job.recipe)
        # A copy, since another thread asks while claims are added.
        asking = tuple(self.asking.get(job, ()))
        return max(asking, key=lambda claim: claim.priority, default=None)


def _would_decide(claim: OpenClaim) -> str:
    """Tell what would decide an open claim; see `tic.stats.outlook`."""
    if claim.left_open:
        return "its test leaves it open, whatever seeds say"
    if claim.trainings_to_decide is None:
        return "no number of seeds is known to decide it"
    least, most = claim.trainings_to_decide
    if most is None:
        return f"in nine of ten cases it takes more than {least} more trainings"
    return f"{least} to {most} more trainings would decide it in four of five cases"
