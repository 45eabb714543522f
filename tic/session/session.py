"""One execution of the suite: what was collected, what it needs, what came out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tic.audit.claims import Claim, Rival
from tic.audit.control import Control
from tic.audit.judge import Judge
from tic.audit.pack import Lacking, Setting
from tic.audit.protocol import STANDARD, Protocol
from tic.document.audit import (
    Audit,
    ControlRecord,
    Entry,
    Family,
    Multiplicity,
    ProtocolRecord,
    Scope,
)
from tic.document.correction import LEVEL, METHOD, claim_confidence
from tic.errors import NotApplicableError, TicError
from tic.recipe import Recipe
from tic.session.scope import scope
from tic.stats import Design, Outcome

if TYPE_CHECKING:
    from tic.audit.runs import SeedRuns
    from tic.engine.plan import AttackedRun, Plan
    from tic.lab import Lab


@dataclass(frozen=True)
class PlannedEntry:
    """A collected claim in one setting, before it is judged.

    Attributes:
        id: Claim and test parameters, such as `smith2024/learns[tiny-digits]`.
        claim: What is claimed.
        setting: What it is audited on.
        parameters: Test parameters as text.
        recipes: By role, without seeds.
        scope: How far that is from the paper.
        protocol: How what the paper leaves open is read.
        control: What is planted so that the claim is false, or None.
        threatens: Ids of the claims that it explains otherwise, where it is a rival.
        offered: Whether its pack has the setting that was asked for.
        not_applicable: Why the claim says nothing about the setting, or None.
        unavailable: What this machine or its pack lacks for it, or None.
        members: How many claims share the error rate with it, itself among them.
        design: Whether its number of seeds was fixed in advance.
    """

    id: str
    claim: Claim
    setting: Setting
    parameters: dict[str, str]
    recipes: dict[str, Recipe]
    scope: Scope
    protocol: Protocol = STANDARD
    control: Control | None = None
    threatens: tuple[str, ...] = ()
    offered: bool = True
    not_applicable: str | None = None
    unavailable: str | None = None
    members: int = 1
    design: Design = "fixed"

    @property
    def confidence(self) -> float:
        """Of the intervals that decide it."""
        return claim_confidence(len(self.setting.seeds), self.design, self.members)

    @property
    def place(self) -> str:
        """The setting that it is one of the claims of, as families name it; "" without Runs."""
        return self.setting.label if self.claim.needs else ""

    @property
    def is_question(self) -> bool:
        """Whether it is judged on Runs here, and so takes a share of the error rate."""
        runs = bool(self.recipes) and not (self.not_applicable or self.unavailable)
        return runs and self.offered and self.role != "control"

    @property
    def role(self) -> Literal["claim", "rival", "control"]:
        """What the entry is for the reader of the audit."""
        return "control" if self.control else self.claim.role

    @cached_property
    def seeded_recipes(self) -> list[Recipe]:
        """Every Recipe with every seed; none where the machine lacks something."""
        return (
            []
            if self.unavailable
            else [
                recipe.with_seed(seed)
                for recipe in self.recipes.values()
                for seed in self.setting.seeds
            ]
        )


def plan_entry(
    claim: Claim,
    case: str,
    setting: Setting | Lacking | None,
    parameters: Mapping[str, Any],
    protocol: Protocol = STANDARD,
    control: Control | None = None,
) -> PlannedEntry:
    """Describe a collected test of a claim.

    Args:
        claim: What it decides.
        case: Test parameters as in the test's id, "" without any.
        setting: None for claims without Runs. They stand in their pack's own setting, as do those
            that the pack lacks the setting for.
        parameters: Test parameters by name.
        protocol: How what the paper leaves open is read.
        control: What is planted so that the claim is false, if anything.
    """
    used = setting if isinstance(setting, Setting) else claim.pack.setting(claim.pack.original)
    nowhere = Scope(level="smoke", differences=())
    common: dict[str, Any] = {
        "id": f"{claim.id}[{case}]" if case else claim.id,
        "claim": claim,
        "setting": used,
        "parameters": _as_text(setting, parameters),
        "protocol": protocol,
        "control": control,
        "threatens": claim.threatens(parameters) if isinstance(claim, Rival) else (),
    }
    if isinstance(setting, Lacking):
        return PlannedEntry(
            **common, recipes={}, scope=nowhere, offered=False, unavailable=setting.reason
        )
    try:
        return PlannedEntry(
            **common,
            recipes=claim.recipes(used, parameters, protocol),
            scope=scope(claim, used, parameters, protocol),
        )
    except NotApplicableError as error:
        return PlannedEntry(**common, recipes={}, scope=nowhere, not_applicable=str(error))


def _as_text(setting: Setting | Lacking | None, parameters: Mapping[str, Any]) -> dict[str, str]:
    shown = {name.replace("_", " "): str(value) for name, value in parameters.items()}
    if setting is None:
        return shown
    settings = setting.parameters
    if hidden := sorted(settings.keys() & shown.keys()):
        raise TicError(
            f"test parameters must not be named {', '.join(hidden)}, as the setting's are; "
            "choose another name"
        )
    return {**settings, **shown}


def families_of(planned: Iterable[PlannedEntry]) -> tuple[Family, ...]:
    """Count the questions of each paper in each setting, whatever part of them is audited.

    Args:
        planned: Every claim that was collected, under every protocol, chosen or not.

    Raises:
        TicError: A pack says that fewer share the error rate.
    """
    questions: dict[tuple[str, str], dict[str, set[object]]] = {}
    packs = {}
    for entry in planned:
        if entry.is_question:
            pack = packs[entry.claim.pack.paper.key] = entry.claim.pack
            roles = questions.setdefault((pack.paper.key, entry.place), {})
            identity = (entry.claim.id, tuple(sorted(entry.parameters.items())))
            roles.setdefault(entry.role, set()).add(identity)
    return tuple(
        Family(
            paper=paper,
            setting=setting,
            claims=_shared_by(len(roles.get("claim", ())), packs[paper].claims, paper, "claims"),
            rivals=_shared_by(len(roles.get("rival", ())), packs[paper].rivals, paper, "rivals"),
        )
        for (paper, setting), roles in questions.items()
    )


def _shared_by(collected: int, declared: int | None, paper: str, what: str) -> int:
    if declared is not None and collected > declared:
        raise TicError(
            f"at most {declared} {what} of {paper} may share the error rate of a setting, as its "
            f"Pack says, got {collected}; write Pack({what}={collected}, …)"
        )
    return collected if declared is None else declared


class Evidence(TypedDict):
    """What entries rest on: by Run the sha256 of measurements by file, and who defines them."""

    measurements: dict[str, dict[str, str]]
    packages: list[str]


@dataclass
class AuditSession:
    """State of one audit in one process.

    Attributes:
        lab: Store, data and device.
        planned: Collected claims by entry id, in order.
        entries: What came out so far; filled where reports arrive.
        evidence: By Run the sha256 of every measurement that they rest on, by file; likewise.
        packages: Those outside of `tic` that define such measurements; likewise.
        families: How many claims and rivals share the error rate, by paper and setting.
    """

    lab: Lab
    planned: dict[str, PlannedEntry] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    evidence: dict[str, dict[str, str]] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    families: tuple[Family, ...] = ()
    started: float = field(default_factory=time.time)
    _left: Plan | None = field(default=None, init=False)

    @cached_property
    def plan(self) -> Plan:
        """Every Run that the collected claims need."""
        from tic.engine.plan import make_plan

        return make_plan(
            recipe for entry in self.planned.values() for recipe in entry.seeded_recipes
        )

    @property
    def attacked(self) -> tuple[AttackedRun, ...]:
        """Every Run that is put to the attack suite, once."""
        from tic.audit.robustness import suite_passes
        from tic.engine.plan import AttackedRun

        return tuple(
            dict.fromkeys(
                AttackedRun(
                    recipe=recipe,
                    images=min(
                        entry.setting.sizes.get("attack") or recipe.dataset.facts.test_size,
                        recipe.dataset.facts.test_size,
                    ),
                    passes=suite_passes(entry.setting.attacks),
                )
                for entry in self.planned.values()
                if entry.claim.attacked
                for recipe in entry.seeded_recipes
            )
        )

    def runs(self, entry: PlannedEntry) -> SeedRuns | dict[str, SeedRuns]:
        """Return the Runs of an entry by role; train what the plan lacks until they are there."""
        from tic.engine.sharing import ensure, train_missing

        # What was once finished is looked for no more, but verified where a claim needs it.
        self._left = train_missing(self.plan if self._left is None else self._left, self.lab)
        ensure(entry.seeded_recipes, self.plan, self.lab)
        return self.trained(entry)

    def trained(self, entry: PlannedEntry) -> SeedRuns | dict[str, SeedRuns]:
        """Return the Runs of an entry by role, which are there."""
        from tic.audit.runs import SeedRuns

        kind = entry.claim.pack.runs or SeedRuns
        by_role = {
            role: kind(recipe, entry.setting, self.lab, entry.protocol)
            for role, recipe in entry.recipes.items()
        }
        seen = entry.control.plant(by_role) if entry.control else by_role
        return seen[""] if set(seen) == {""} else dict(seen)

    def conclude(self, root: Path, arguments: Sequence[str], *, completed: bool) -> Audit:
        """Assemble the audit from the entries; collected claims without one are NOT_RUN."""
        from tic.document.seal import sealed
        from tic.session.provenance import provenance
        from tic.session.records import data_digests, run_records

        entries = [
            self.entries.get(planned.id) or not_run(planned) for planned in self.planned.values()
        ]
        sizes = dict.fromkeys(
            planned.setting.sizes.get("test") for planned in self.planned.values()
        )
        digests = data_digests((planned.recipe for planned in self.plan), self.lab)
        papers = {
            planned.claim.pack.paper.key: planned.claim.pack.paper
            for planned in self.planned.values()
        }
        audit = Audit(
            started=datetime.fromtimestamp(self.started, UTC).isoformat(timespec="seconds"),
            seconds=round(time.time() - self.started, 1),
            completed=completed and set(self.planned) <= set(self.entries),
            papers=tuple(papers.values()),
            packages=tuple(sorted(self.packages | self._packages_of_runs())),
            protocols=self._protocols(),
            entries=tuple(entries),
            runs=tuple(run_records(self.plan, self.lab, list(sizes), self.evidence)),
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
        return {"measurements": measurements, "packages": sorted(self.lab.store.packages)}

    def receive(self, entry: Entry, evidence: Evidence) -> None:
        """Take an entry and what it rests on, from this process or from a worker."""
        self.entries[entry.id] = entry
        self.packages.update(evidence["packages"])
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
        from tic.kinds import foreign_packages

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


def judged(planned: PlannedEntry, judge: Judge, seconds: float, lab: Lab) -> Entry:
    """Make the entry of a claim whose test ran to its end.

    Of a control only what decided it is kept: its figures would show what nobody measured.
    """
    decision = judge.decision()
    verdict = decision.verdict
    shown: dict[str, Any] = {
        "comparisons": tuple(judge.comparisons),
        "worst_cases": tuple(judge.worst_cases),
        "readings": tuple(judge.readings),
        "tables": tuple(judge.tables),
        "figures": tuple(judge.figures),
        "notes": (*_notes(planned.claim), *judge.notes),
    }
    return _entry(
        planned,
        verdict.outcome,
        verdict.reason,
        seconds=round(seconds, 2),
        p_value=verdict.p_value,
        contrasts=judge.contrasts,
        sensitivity=decision.sensitivity,
        checks=tuple(judge.checks),
        left_open=tuple(judge.left_open),
        runs=tuple(lab.fingerprint(recipe) for recipe in planned.seeded_recipes),
        **({"notes": ()} if planned.control else shown),
    )


def failed(planned: PlannedEntry, reason: str) -> Entry:
    """Make the entry of a claim that could not be judged."""
    return _entry(planned, Outcome.ERROR, reason)


def not_applicable(planned: PlannedEntry, reason: str) -> Entry:
    """Make the entry of a claim that says nothing about the setting."""
    return _entry(planned, Outcome.NOT_APPLICABLE, reason)


def not_run(planned: PlannedEntry) -> Entry:
    """Make the entry of a claim whose test did not run."""
    reason = planned.unavailable or "the audit ended before this claim was judged"
    return _entry(planned, Outcome.NOT_RUN, reason)


def _notes(claim: Claim) -> tuple[str, ...]:
    return (*(gap.text for gap in claim.gaps), *claim.notes)


def _entry(planned: PlannedEntry, outcome: Outcome, reason: str, **evidence: Any) -> Entry:
    nothing: dict[str, Any] = {
        "p_value": None,
        "sensitivity": None,
        "contrasts": (),
        "comparisons": (),
        "checks": (),
        "left_open": (),
        "worst_cases": (),
        "readings": (),
        "tables": (),
        "figures": (),
        "notes": _notes(planned.claim),
        "runs": (),
        "seconds": 0.0,
    }
    planted = planned.control
    return Entry(
        id=planned.id,
        role=planned.role,
        threatens=planned.threatens,
        control=ControlRecord(name=planted.name, says=planted.says) if planted else None,
        claim=planned.claim.id,
        version=planned.claim.version,
        paper=planned.claim.pack.paper.key,
        source=planned.claim.source,
        says=planned.claim.says,
        rule=planned.claim.rule,
        setting=planned.place,
        parameters=planned.parameters,
        protocol=planned.protocol.name,
        alternatives=_alternatives(planned),
        scope=planned.scope,
        offered=planned.offered,
        design=planned.design,
        outcome=outcome,
        own_outcome=outcome,
        reason=reason,
        **{**nothing, **evidence},
    )


def _alternatives(planned: PlannedEntry) -> tuple[str, ...]:
    protocols = planned.claim.protocols
    if planned.control or not protocols:
        return ()
    return tuple(
        protocol.name
        for protocol in (STANDARD, *protocols)
        if protocol.name != planned.protocol.name
    )
