"""What comes out of a planned entry: its entry of the audit, judged or with the reason why not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tic.audit.claims import Claim
from tic.audit.judge import Judge
from tic.audit.protocol import STANDARD
from tic.document.audit import ControlRecord, Entry
from tic.document.evidence import SampleRecord
from tic.lab import Lab
from tic.session.planned import PlannedEntry
from tic.stats import Outcome


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
        "samples": tuple(SampleRecord(**asdict(subset)) for subset in sorted(lab.store.looked_at)),
    }
    return _entry(
        planned,
        verdict.outcome,
        verdict.reason,
        seconds=round(seconds, 2),
        p_value=verdict.p_value,
        contrasts=judge.contrasts,
        over_samples=decision.over_samples,
        sensitivity=decision.sensitivity,
        checks=tuple(judge.checks),
        left_open=tuple(judge.left_open),
        # One Run may have several roles.
        runs=tuple(dict.fromkeys(lab.fingerprint(recipe) for recipe in planned.seeded_recipes)),
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
        "over_samples": None,
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
