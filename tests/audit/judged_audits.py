"""Whole audits of made-up numbers, judged by the judge that claims have."""

from entries import entry

from tic.audit.judge import Judge
from tic.data import CropFlip, Digits
from tic.document.audit import (
    Audit,
    Family,
    Multiplicity,
    Paper,
    ProtocolRecord,
    Provenance,
    RunRecord,
)
from tic.document.correction import CONFIDENCE, LEVEL, METHOD, rejudge_by_rule
from tic.document.seal import sealed
from tic.models import Spiking
from tic.recipe import Recipe
from tic.session.records import digest_key

RECIPE = Recipe(
    dataset=Digits(),
    architecture=Spiking("tiny"),
    train_size=60,
    epochs=2,
    augmentation=CropFlip(),
)
DIGEST = "d" * 64
PAPER = Paper(key="p", title="Title", authors="A. Author", venue="V", year=2024, url="https://a.b")
STANDARD = ProtocolRecord(paper="p", name="standard", says="As it stands.", release=False)


def provenance(**changes):
    fields = {
        "command": "pytest claims", "git_commit": "c" * 40, "git_dirty": False,
        "versions": {"tic-audit": "0.1.0", "torch": "2.9"}, "python": "3.11", "platform": "Linux",
        "processor": "one", "accelerator": None, "data_digests": {digest_key(Digits(), 60): DIGEST},
    }  # fmt: skip
    return Provenance(**fields | changes)


def record(seed, recipe=RECIPE, **changes):
    """A finished Run without artefacts."""
    seeded = recipe.with_seed(seed)
    parent = None if seeded.parent is None else seeded.parent.fingerprint(DIGEST)
    fields = {
        "fingerprint": seeded.fingerprint(DIGEST), "label": seeded.label, "seed": seed,
        "recipe": seeded.described() | {"parent": parent},
        "status": "finished", "seconds": 1.0, "train_loss": 0.5, "test_accuracy": 90.0,
        "manifest": "m" * 64,
    }  # fmt: skip
    return RunRecord(**fields | changes)


def judged(name, judge, records=(), **fields):
    """An entry as a session makes it of what a test recorded."""
    decision = judge.decision()
    return entry(
        name,
        decision.verdict.outcome,
        reason=decision.verdict.reason,
        p_value=decision.verdict.p_value,
        sensitivity=decision.sensitivity,
        contrasts=judge.contrasts,
        comparisons=tuple(judge.comparisons),
        checks=tuple(judge.checks),
        left_open=tuple(judge.left_open),
        worst_cases=tuple(judge.worst_cases),
        readings=tuple(judge.readings),
        tables=tuple(judge.tables),
        figures=tuple(judge.figures),
        notes=tuple(judge.notes),
        runs=tuple(each.fingerprint for each in records),
        **fields,
    )


def judge_of(seeds):
    return Judge(seeds, CONFIDENCE)


def audit(entries, records=(), claims=None, **fields):
    """A sealed audit in which the claims of a paper, and its rivals, share the error rate.

    Its own ones do, unless it is stated that there are more.
    """
    papers = dict.fromkeys(entry.paper for entry in entries)
    counts = {
        (paper, role): len({e.id for e in entries if (e.paper, e.role) == (paper, role)})
        for paper in papers
        for role in ("claim", "rival")
    }
    families = tuple(
        Family(paper=p, claims=claims or counts[p, "claim"], rivals=counts[p, "rival"])
        for p in papers
    )
    multiplicity = Multiplicity(method=METHOD, level=LEVEL, families=families)
    nothing = {
        "started": "2026-01-01T00:00:00+00:00", "seconds": 10.0, "completed": True,
        "papers": (PAPER,), "protocols": (STANDARD,),
        "entries": tuple(rejudge_by_rule(entry, multiplicity) for entry in entries),
        "runs": tuple(records), "multiplicity": multiplicity, "provenance": provenance(),
    }  # fmt: skip
    return sealed(Audit(**nothing | fields))
