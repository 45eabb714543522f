"""What an audit leaves: the one JSON document that every report is rendered from.

Written by the pytest plugin, read by `tic.report`. Validation is strict in both directions, so a
document that was edited by hand or made by another version is refused with the field's name.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field, FiniteFloat, JsonValue

from tic.document.evidence import (
    Check,
    Comparison,
    Contrast,
    Coverage,
    ReadingVerdict,
    Record,
    SampleRecord,
    Sensitivity,
    Table,
    WorstCase,
)
from tic.document.figures import Figure
from tic.stats.judge import Outcome
from tic.stats.looks import Design

SCHEMA_VERSION: Final = 8
STANDARD_PROTOCOL: Final = "standard"
"""Name of the protocol that reads a paper as the notes of each claim state."""
Role = Literal["claim", "rival", "control"]
"""What an entry is for the reader of an audit."""


class Paper(Record):
    """The publication whose claims are audited."""

    key: str
    title: str
    authors: str
    venue: str
    year: int
    url: str


class Scope(Record):
    """How far the audited setting is from the paper's, computed from the Recipes."""

    level: Literal["paper", "reduced", "smoke"]
    differences: tuple[str, ...]


class ProtocolRecord(Record):
    """One way to read what a paper leaves open; `says` tells how it differs.

    `name` is unique within the paper, whose key is `paper`. `release` marks what the paper's
    released code does.
    """

    paper: str
    name: str
    says: str
    release: bool


class ControlRecord(Record):
    """What was planted so that a claim is false; `says` tells what."""

    name: str
    says: str


class Entry(Record):
    """One claim in one setting, with everything that its verdict rests on.

    `outcome` is decided at the part of the error rate that the claim has among those of its paper
    in its `setting`, at this look (see `tic.document.correction`); `design` tells whether its
    number of seeds was fixed in advance. `own_outcome` is another one only in audits before schema
    5: the claim by itself, before Holm's correction over the paper. `protocol` names the reading of
    the paper that it was judged by, and `alternatives` the other protocols that could change its
    verdict, run in this audit or not.
    `offered` is whether the paper's pack has the setting that was asked for: where it has not, the
    entry is NOT_RUN.

    An entry of the role `rival` is another explanation of what the claims in `threatens` (by id)
    observe, in the same setting and with the same value of every parameter that both have. When it
    is SUPPORTED they do not stand against it; when it is REFUTED they do. An entry of the role
    `control` is a claim on Runs that were falsified on purpose, and must not be SUPPORTED.

    `own_outcome` follows from the contrasts, where all needed checks hold and `left_open` does not
    say why nothing can be said; where there are readings, it follows from those (see
    `tic.document.deciding`).

    A verdict is about seeds: about other trainings like those that `coverage` counts, measured on
    the very `samples` that were looked at. Audits before schema 6 say nothing of either, and an
    entry has no coverage that rests on no Runs. `over_samples` is what remains of a verdict where
    samples were drawn as the seeds were: the same outcome, or INCONCLUSIVE; None where that was not
    measured, or nothing was decided.
    """

    id: str
    role: Role
    threatens: tuple[str, ...]
    control: ControlRecord | None
    claim: str
    version: int
    paper: str
    source: str
    says: str
    rule: str
    setting: str = ""
    parameters: dict[str, str]
    protocol: str
    alternatives: tuple[str, ...]
    scope: Scope
    offered: bool = True
    design: Design = "fixed"
    outcome: Outcome
    own_outcome: Outcome
    over_samples: Outcome | None = None
    reason: str
    p_value: FiniteFloat | None
    sensitivity: Sensitivity | None
    contrasts: tuple[Contrast, ...]
    comparisons: tuple[Comparison, ...]
    checks: tuple[Check, ...]
    left_open: tuple[str, ...] = ()
    worst_cases: tuple[WorstCase, ...]
    readings: tuple[ReadingVerdict, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    runs: tuple[str, ...]
    coverage: Coverage | None = None
    samples: tuple[SampleRecord, ...] = ()
    seconds: FiniteFloat


class RunRecord(Record):
    """What was trained for the audit; `test_accuracy` is in percent, over `tested` samples.

    `guessing` is the accuracy in percent of naming their most frequent class always; none where
    nothing else can be learned, as from permuted labels. `weights` is
    the sha256 of the final weights, by which a training that is there twice is known.
    `recipe` has the fields of the Recipe, its kinds as `tic.kinds` describes them, and the
    fingerprint of its parent. `manifest` is the sha256 of the Run's manifest, which has that of
    every file of the Run. `measurements` has the sha256 of every measurement of it that the
    verdicts rest on, by file.
    """

    fingerprint: str
    label: str
    seed: int
    recipe: dict[str, JsonValue]
    status: Literal["finished", "diverged", "missing"]
    seconds: FiniteFloat | None
    train_loss: FiniteFloat | None
    test_accuracy: FiniteFloat | None
    tested: int | None = None
    guessing: FiniteFloat | None = None
    weights: str | None = None
    manifest: str | None = None
    measurements: dict[str, str] = Field(default_factory=dict)


class Provenance(Record):
    """Where the numbers come from.

    `merged` has the seals of the audits that were joined to this one, if any.
    """

    command: str
    git_commit: str | None
    git_dirty: bool | None
    versions: dict[str, str]
    python: str
    platform: str
    processor: str
    accelerator: str | None
    data_digests: dict[str, str]
    merged: tuple[str, ...] = ()


class Family(Record):
    """How many claims of a paper share the error rate in one setting, and how many rivals.

    It is the same under every protocol. `setting` is empty in audits before schema 5, whose
    families were those of all settings together.
    """

    paper: str
    setting: str = ""
    claims: int
    rivals: int


class Multiplicity(Record):
    """The correction over the claims of each paper, made for each of its protocols apart.

    `level` is the error rate of a family on either side: for supports, and for refutations at an
    edge of a region. Claims that are bounded on both sides may be refuted at either edge, in up to
    twice as many audits.
    """

    method: str
    level: FiniteFloat
    families: tuple[Family, ...]


class Audit(Record):
    """One execution of the suite, or several that were merged.

    `packages` are those outside of `tic` that define kinds which the verdicts rest on: data sets,
    networks, measurements and the like; `tic verify --trust` imports them. `changed_code` names
    kinds whose code is another at the same version than what the Store was filled by, so that a
    part of what is judged may be of the former one. `seal` is the sha256 of all the rest (see
    `tic.document.seal`); an audit of a version that kept too little to be verified has none.
    """

    schema_version: Literal[8] = SCHEMA_VERSION
    started: str
    seconds: FiniteFloat
    completed: bool
    papers: tuple[Paper, ...]
    packages: tuple[str, ...] = ()
    changed_code: tuple[str, ...] = ()
    protocols: tuple[ProtocolRecord, ...]
    entries: tuple[Entry, ...]
    runs: tuple[RunRecord, ...]
    multiplicity: Multiplicity
    provenance: Provenance = Field(repr=False)
    seal: str | None = None
