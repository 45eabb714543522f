"""One execution of the suite: what was collected, what it needs, what came out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypedDict

from tic.audit.judge import Judge
from tic.audit.protocol import STANDARD, Protocol
from tic.audit.repeated import leave_repetitions_open
from tic.audit.runs import SeedRuns, tested
from tic.document.audit import (
    Audit,
    Entry,
    Family,
    Multiplicity,
    ProtocolRecord,
)
from tic.document.correction import LEVEL, METHOD
from tic.document.coverage import with_coverage
from tic.document.seal import sealed
from tic.engine.plan import AttackedRun, Plan, make_plan
from tic.engine.sharing import Failed, ensure, train_missing
from tic.errors import TicError
from tic.kinds import foreign_packages, within
from tic.lab import Lab
from tic.measure.measurement import NotMeasuredError
from tic.session.entries import not_run
from tic.session.planned import PlannedEntry
from tic.session.provenance import provenance
from tic.session.records import data_digests, loadable, run_records
from tic.text import quoted


class Evidence(TypedDict):
    """What an entry rests on: by Run the sha256 of measurements by file, and what these are."""

    measurements: dict[str, dict[str, str]]
    packages: list[str]
    versions: dict[str, int]


class _RunsByRole(dict[str, SeedRuns]):
    """Runs by role, which say what roles there are."""

    def __missing__(self, role: str) -> SeedRuns:
        raise TicError(
            f"there are no Runs of the role {quoted(role)}; known: {', '.join(map(quoted, self))}"
        )


@dataclass
class AuditSession:
    """State of one audit in one process.

    Attributes:
        lab: Store, data and device.
        planned: Collected claims by entry id, in order.
        entries: Entries by id, as their reports arrive.
        evidence: By Run and file the sha256 of every measurement that the entries rest on.
        packages: Packages outside of `tic` that define such measurements.
        versions: By entry id the versions of the measurements that its test asked for.
        families: How many claims and rivals share the error rate, by paper and setting.
        changed_code: Kinds whose code is another than what the Store was filled by.
        started: Seconds since the epoch.
        lost_data: Why Runs are left out of the audit, since their data cannot be read any more.
    """

    lab: Lab
    planned: dict[str, PlannedEntry] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    evidence: dict[str, dict[str, str]] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    versions: dict[str, dict[str, int]] = field(default_factory=dict)
    families: tuple[Family, ...] = ()
    changed_code: tuple[str, ...] = ()
    started: float = field(default_factory=time.time)
    lost_data: tuple[str, ...] = field(default=(), init=False)
    _left: Plan | None = field(default=None, init=False)
    _failed: Failed = field(default_factory=dict, init=False)

    @cached_property
    def plan(self) -> Plan:
        """Every Run that the collected claims need."""
        return make_plan(
            recipe for entry in self.planned.values() for recipe in entry.seeded_recipes
        )

    def change(self, entry: PlannedEntry) -> None:
        """Plan an entry in another way, such as with other seeds."""
        self.planned[entry.id] = entry
        self.__dict__.pop("plan", None)
        self._left = None

    @property
    def attacked(self) -> tuple[AttackedRun, ...]:
        """Every Run that is put to the attack suite, once."""
        return tuple(
            dict.fromkeys(
                entry.attacked(recipe)
                for entry in self.planned.values()
                if entry.claim.attacked
                for recipe in entry.seeded_recipes
            )
        )

    def runs(self, entry: PlannedEntry) -> SeedRuns | dict[str, SeedRuns]:
        """Return the Runs of an entry by role; train what the plan lacks until they are there."""
        # What was once finished is looked for no more, but verified where a claim needs it.
        left = self.plan if self._left is None else self._left
        self._left = train_missing(left, self.lab, self._failed)
        ensure(entry.seeded_recipes, self._left, self.lab, self._failed)
        return self.trained(entry)

    def trained(self, entry: PlannedEntry) -> SeedRuns | dict[str, SeedRuns]:
        """Return the Runs of an entry by role, which are there."""
        seen = self._by_role(entry)
        return seen[""] if set(seen) == {""} else _RunsByRole(seen)

    def _by_role(self, entry: PlannedEntry) -> dict[str, SeedRuns]:
        """The Runs of an entry as its test sees them, falsified where it is a control."""
        kind = entry.claim.pack.runs or SeedRuns
        by_role = {
            role: kind(recipe, entry.setting, self.lab, entry.protocol)
            for role, recipe in entry.recipes.items()
        }
        return entry.control.falsified(by_role) if entry.control else by_role

    def test_trainings(self, entry: PlannedEntry) -> None:
        """Measure the final accuracy of every Run of an entry, by which a collapse is seen.

        What cannot be tested, a diverged Run or a network that memory is short for, stays untested.
        """
        for recipe in entry.seeded_recipes:
            with suppress(TicError, NotMeasuredError):  # a rehearsal notes it all the same
                tested(recipe, entry.setting.sizes.get("test"), self.lab)

    def leave_repetitions_open(self, entry: PlannedEntry, judge: Judge) -> None:
        """Leave an entry open whose seeds are one training under several names."""
        planted = entry.control is not None
        leave_repetitions_open(judge, self._by_role(entry), planted=planted)

    def conclude(self, root: Path, arguments: Sequence[str], *, completed: bool) -> Audit:
        """Assemble the audit from the entries; collected claims without one are NOT_RUN."""
        entries = [
            self.entries.get(planned.id) or not_run(planned) for planned in self.planned.values()
        ]
        sizes = dict.fromkeys(entry.setting.sizes.get("test") for entry in self.planned.values())
        plan, self.lost_data = loadable(self.plan, self.lab)
        runs = run_records(plan, self.lab, list(sizes), self.evidence)
        by_fingerprint = {run.fingerprint: run for run in runs}
        digests = data_digests((planned.recipe for planned in plan), self.lab)
        papers = {
            planned.claim.pack.paper.key: planned.claim.pack.paper
            for planned in self.planned.values()
        }
        packages = tuple(sorted(self.packages | self._packages_of_runs()))
        audit = Audit(
            started=datetime.fromtimestamp(self.started, UTC).isoformat(timespec="seconds"),
            seconds=round(time.time() - self.started, 1),
            completed=completed and set(self.planned) <= set(self.entries),
            papers=tuple(papers.values()),
            packages=packages,
            changed_code=tuple(
                kind
                for kind in self.changed_code
                if any(within(kind.partition(":")[0], package) for package in packages)
            ),
            protocols=self._protocols(),
            entries=tuple(with_coverage(entry, by_fingerprint) for entry in entries),
            runs=tuple(runs),
            multiplicity=Multiplicity(method=METHOD, level=LEVEL, families=self.families),
            provenance=provenance(root, arguments, digests, self.lab.device_name),
        )
        return sealed(audit)

    def new_evidence(self) -> Evidence:
        """What measurements this process asked for since it was last called, as plain JSON."""
        measurements: dict[str, dict[str, str]] = {}
        evidence = self.lab.store.evidence
        while evidence:
            path, digest = evidence.popitem()
            measurements.setdefault(path.parent.name, {})[path.name] = digest
        versions = dict(self.lab.store.versions)
        self.forget_what_was_looked_at()
        return {
            "measurements": measurements,
            "packages": sorted(self.lab.store.packages),
            "versions": versions,
        }

    def forget_what_was_looked_at(self) -> None:
        """Let the next test begin with no samples and measurements but its own."""
        self.lab.store.looked_at.clear()
        self.lab.store.versions.clear()

    def receive(self, entry: Entry, evidence: Evidence) -> None:
        """Take an entry and what it rests on, from this process or from a worker."""
        self.entries[entry.id] = entry
        self.packages.update(evidence["packages"])
        self.versions[entry.id] = evidence["versions"]
        for fingerprint, measurements in evidence["measurements"].items():
            self.evidence.setdefault(fingerprint, {}).update(measurements)

    @property
    def nothing_runs(self) -> str | None:
        """Say that no claim that rests on Runs can run here, and why; None where one can."""
        trained = [e for e in self.planned.values() if e.claim.needs and not e.not_applicable]
        reasons = dict.fromkeys(entry.unavailable for entry in trained)
        if not reasons or None in reasons:
            return None
        return f"no claim that rests on Runs could run: {'; '.join(map(str, reasons))}"

    def _packages_of_runs(self) -> frozenset[str]:
        """Packages outside of `tic` that define kinds of Recipes, measured or not."""
        return foreign_packages(tuple(planned.recipe for planned in self.plan))

    def _protocols(self) -> tuple[ProtocolRecord, ...]:
        """The protocols that were run, paper by paper, the standard one of each first."""
        used = {
            (e.claim.pack.paper.key, e.protocol.name): e.protocol for e in self.planned.values()
        }
        papers = list(dict.fromkeys(paper for paper, _ in used))
        ordered = sorted(used, key=lambda key: (papers.index(key[0]), key[1] != STANDARD.name))
        return tuple(_protocol_record(paper, used[paper, name]) for paper, name in ordered)


def _protocol_record(paper: str, protocol: Protocol) -> ProtocolRecord:
    return ProtocolRecord(
        paper=paper, name=protocol.name, says=protocol.says, release=protocol.release
    )
