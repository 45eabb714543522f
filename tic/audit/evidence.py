"""What an audit leaves: the one JSON document that every report is rendered from.

Written by the pytest plugin, read by `tic.report`. Validation is strict in both directions, so a
document that was edited by hand or made by another version is refused with the field's name.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from tic.stats.judge import Outcome

SCHEMA_VERSION: Final = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Paper(_Record):
    """The publication whose claims are audited."""

    key: str
    title: str
    authors: str
    venue: str
    year: int
    url: str


class RegionRecord(_Record):
    """The effects that a claim allows; a missing bound is open."""

    low: FiniteFloat | None
    high: FiniteFloat | None
    text: str


class Contrast(_Record):
    """One number per seed, the region it is judged against, and what came out.

    `seeds` names the seed of each effect, and is empty for effects that are exact. `interval` is
    None where no interval exists (too few seeds, no spread), and `reason` then says why.
    """

    name: str
    unit: str
    seeds: tuple[int, ...]
    effects: tuple[FiniteFloat, ...]
    region: RegionRecord
    confidence: FiniteFloat
    estimate: FiniteFloat
    interval: tuple[FiniteFloat, FiniteFloat] | None
    p_value: FiniteFloat | None
    outcome: Outcome
    reason: str
    seeds_needed: int | None

    @model_validator(mode="after")
    def _seeds_match_effects(self) -> Contrast:
        if self.seeds and len(self.seeds) != len(self.effects):
            raise ValueError(
                f"{self.name}: {len(self.effects)} effects for {len(self.seeds)} seeds; "
                "each effect needs its seed"
            )
        return self


class Comparison(_Record):
    """A number that the paper reports, beside ours (one per seed).

    `timed` tells that ours rests on a clock, so that no two audits share it.
    """

    quantity: str
    place: str
    unit: str
    reported: FiniteFloat
    measured: tuple[FiniteFloat, ...]
    timed: bool = False


class Series(_Record):
    """One curve per seed over common x; `marker` is drawn as a dotted vertical line."""

    name: str
    x: tuple[FiniteFloat, ...]
    values: tuple[tuple[FiniteFloat, ...], ...]
    marker: FiniteFloat | None = None


class Panel(_Record):
    """One set of axes."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_y: bool = False


class HeatMap(_Record):
    """Values over two axes, means over the seeds: one row of cells per name in `rows`.

    `scale_label` says what the values are; the colour scale runs from 0 to their largest.
    """

    title: str
    x_label: str
    y_label: str
    scale_label: str
    columns: tuple[FiniteFloat, ...]
    rows: tuple[str, ...]
    values: tuple[tuple[FiniteFloat, ...], ...]

    @model_validator(mode="after")
    def _values_fill_the_grid(self) -> HeatMap:
        lengths = [len(row) for row in self.values]
        if lengths != [len(self.columns)] * len(self.rows):
            raise ValueError(
                f"{self.title}: values must be {len(self.rows)} rows of {len(self.columns)}, "
                f"got rows of lengths {lengths}"
            )
        return self


class Figure(_Record):
    """The counterpart of one of the paper's figures, as data."""

    title: str
    caption: str
    panels: tuple[Panel | HeatMap, ...]


class Scope(_Record):
    """How far the audited setting is from the paper's, computed from the Recipes."""

    level: Literal["paper", "reduced", "smoke"]
    differences: tuple[str, ...]


class ProtocolRecord(_Record):
    """One way to read what the paper leaves open; `says` tells how it differs."""

    name: str
    says: str


class Entry(_Record):
    """One claim in one setting, with everything that its verdict rests on.

    `own_outcome` is the claim by itself; `outcome` is what is left of it after Holm's correction
    over the audit. `protocol` names the reading of the paper that it was judged by, and
    `alternatives` the other protocols that could change its verdict, run in this audit or not.
    """

    id: str
    claim: str
    version: int
    paper: str
    source: str
    says: str
    rule: str
    parameters: dict[str, str]
    protocol: str
    alternatives: tuple[str, ...]
    scope: Scope
    outcome: Outcome
    own_outcome: Outcome
    reason: str
    p_value: FiniteFloat | None
    contrasts: tuple[Contrast, ...]
    comparisons: tuple[Comparison, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    runs: tuple[str, ...]
    seconds: FiniteFloat


class RunRecord(_Record):
    """What was trained for the audit; `test_accuracy` is in percent."""

    fingerprint: str
    label: str
    seed: int
    recipe: dict[str, str | int | float | bool | None]
    status: Literal["finished", "diverged", "missing"]
    seconds: FiniteFloat | None
    train_loss: FiniteFloat | None
    test_accuracy: FiniteFloat | None


class Provenance(_Record):
    """Where the numbers come from."""

    command: str
    git_commit: str | None
    git_dirty: bool | None
    versions: dict[str, str]
    python: str
    platform: str
    processor: str
    accelerator: str | None
    data_digests: dict[str, str]


class Multiplicity(_Record):
    """The correction over all claims of the audit, made for each protocol apart.

    `family` is the number of claims that are corrected together, the same for every protocol.
    """

    method: str
    level: FiniteFloat
    family: int


class Audit(_Record):
    """One execution of the suite."""

    schema_version: Literal[1] = SCHEMA_VERSION
    started: str
    seconds: FiniteFloat
    completed: bool
    papers: tuple[Paper, ...]
    protocols: tuple[ProtocolRecord, ...]
    entries: tuple[Entry, ...]
    runs: tuple[RunRecord, ...]
    multiplicity: Multiplicity
    provenance: Provenance = Field(repr=False)
