"""Pieces of evidence: what a claim's test leaves in its entry of the audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from tic.arrays import LARGEST
from tic.stats.judge import Outcome, Verdict
from tic.stats.trend import Direction


class Record(BaseModel):
    """Part of the audit document: frozen, and strict about its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RegionRecord(Record):
    """The effects that a claim allows; a missing bound is open."""

    low: FiniteFloat | None
    high: FiniteFloat | None
    text: str


class Sensitivity(Record):
    """How near a verdict was to another one.

    `flip_confidence` is the confidence of the intervals at which it would become `flips_to`, and
    `flip_margin` the bound at which it would be another: of the region, or half the width of one
    with two bounds, in the unit of the effect. Each is None where there is none. `without` is the
    outcome with each seed left out, in the order of the seeds.
    """

    flip_confidence: FiniteFloat | None
    flips_to: Outcome | None
    flip_margin: FiniteFloat | None
    without: tuple[Outcome, ...]


class Trend(Record):
    """What Page's test ranks: for each seed one value per condition, in the conditions' order."""

    direction: Direction
    samples: tuple[tuple[FiniteFloat, ...], ...]


class Pilot(Record):
    """The same effect of other seeds: they tell how far seeds spread, with no part in the mean."""

    seeds: tuple[int, ...] = Field(min_length=2)
    effects: tuple[FiniteFloat, ...]

    @model_validator(mode="after")
    def _seeds_match_effects(self) -> Pilot:
        if len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(
                f"the seeds of a pilot must be different whole numbers from 0 on, got "
                f"{', '.join(map(str, self.seeds))}"
            )
        if any(abs(effect) > LARGEST for effect in self.effects):
            raise ValueError(
                f"effects of a pilot must not be beyond {LARGEST:g} in size; state them in a "
                "larger unit"
            )
        if len(self.effects) != len(self.seeds):
            raise ValueError(
                f"a pilot must have one effect per seed, got {len(self.effects)} for "
                f"{len(self.seeds)} seeds"
            )
        return self

    def require_beside(self, seeds: Sequence[int]) -> None:
        """Refuse seeds that are the pilot's own.

        Raises:
            ValueError: There are such.
        """
        if shared := sorted(set(seeds).intersection(self.seeds)):
            raise ValueError(
                f"the seeds of a pilot must be others than those that are judged, got "
                f"{', '.join(map(str, shared))} in both"
            )


class SampleSpreadRecord(Record):
    """How far samples differ in an effect; see `tic.stats.samples.SampleSpread`."""

    n_samples: int = Field(ge=2)
    sd: FiniteFloat = Field(ge=0)


class Effects(Record):
    """One number per seed, and the region it is judged against: all that a verdict follows from.

    `seeds` names the seed of each effect, and is empty for effects that are exact. Where `trend` is
    there, Page's test of it decides, and the effects are its rank correlations. Of a `rate` they
    are 1 for seeds in which something happened and 0 for the others, and an exact binomial test
    decides. `resolution` is the smallest step between two effects, where it is known. The spread is
    that of these seeds and, where there is one, of a `pilot`. Where each effect is a mean over
    samples that are the same for every seed, `sample_spread` is how far these differ.
    """

    name: str
    unit: str
    seeds: tuple[int, ...]
    effects: tuple[FiniteFloat, ...]
    region: RegionRecord
    confidence: FiniteFloat
    trend: Trend | None = None
    rate: bool = False
    resolution: FiniteFloat | None = None
    pilot: Pilot | None = None
    sample_spread: SampleSpreadRecord | None = None

    @model_validator(mode="after")
    def _pilot_is_of_other_seeds(self) -> Effects:
        if self.pilot is not None:
            self.pilot.require_beside(self.seeds)
        return self

    @model_validator(mode="after")
    def _samples_make_means(self) -> Effects:
        if self.sample_spread is not None and (not self.seeds or self.trend or self.rate):
            raise ValueError(
                f"{self.name}: a spread of samples must stand beside means over them, one for each "
                "seed, and these are exact effects, a trend or a rate"
            )
        return self

    @model_validator(mode="after")
    def _seeds_match_effects(self) -> Effects:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(
                f"{self.name}: a seed counts once, got {', '.join(map(str, self.seeds))}; each "
                "effect needs a seed of its own"
            )
        samples = None if self.trend is None else len(self.trend.samples)
        for count, what in ((len(self.effects), "effects"), (samples, "rows of samples")):
            if self.seeds and count not in (None, len(self.seeds)):
                raise ValueError(
                    f"{self.name}: {count} {what} for {len(self.seeds)} seeds; each needs its seed"
                )
        return self


class Contrast(Effects):
    """Effects and what came out.

    `interval` is the one that decides, at `confidence`, except that Page's test decides on a
    `trend`, and that one of several contrasts of a claim refutes it only after Holm's correction
    within the claim. It is None where none exists (too few seeds, no spread), and `reason` then
    says why. `over_samples` is the interval where the samples were drawn as the seeds were, of
    effects with a `sample_spread`. `seeds_to_decide` is between which numbers of seeds an undecided
    contrast would probably be decided; the second is None above 1000.
    """

    estimate: FiniteFloat
    interval: tuple[FiniteFloat, FiniteFloat] | None
    over_samples: tuple[FiniteFloat, FiniteFloat] | None = None
    p_value: FiniteFloat | None
    outcome: Outcome
    reason: str
    seeds_to_decide: tuple[int, int | None] | None
    sensitivity: Sensitivity


_Judged = TypeVar("_Judged", Contrast, Verdict)


def decisive_contrast(contrasts: Sequence[_Judged], outcome: Outcome) -> _Judged | None:
    """Return the contrast that a verdict hangs on.

    Among the contrasts that came out as the claim did, this is the one with the largest p-value:
    a claim holds when all its contrasts hold, so the weakest decides.
    """
    same = [contrast for contrast in contrasts if contrast.outcome == outcome]
    candidates = same or list(contrasts)
    return max(candidates, key=lambda c: -1.0 if c.p_value is None else c.p_value, default=None)


class Unknown(Record):
    """Stands for a number that the paper reports and that whoever wrote the claims does not know.

    `why` follows "not known: ", such as `the paper's text was not read`.
    """

    why: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"not known: {self.why}"


class Comparison(Record):
    """A number that the paper reports, known or not, beside ours (one per seed).

    `timed` tells that ours rests on a clock, so that no two audits share it. `prediction` is where
    one further seed of ours lies at 95 %; the paper's number reproduces where it lies inside. There
    is none outside of the paper's own setting, where the two are not of one kind.
    """

    quantity: str
    place: str
    unit: str
    reported: FiniteFloat | Unknown
    measured: tuple[FiniteFloat, ...]
    timed: bool = False
    prediction: tuple[FiniteFloat, FiniteFloat] | None = None

    @property
    def reproduces(self) -> bool | None:
        """Whether the paper's number is one that a further seed could give.

        None where that is not asked, or the paper's number is not known.
        """
        if self.prediction is None or isinstance(self.reported, Unknown):
            return None
        return self.prediction[0] <= self.reported <= self.prediction[1]


class SampleRecord(Record):
    """Samples that measurements looked at: `size` of the `available` of a split of a data set."""

    data: str
    noun: str
    split: Literal["train", "test"]
    size: int
    available: int


class Coverage(Record):
    """What the trainings were that a claim was judged on, and how often one may come to nothing.

    A training `diverged`, or it `collapsed`: in the end it classified no better than guessing (see
    `tic.stats.proportions.is_chance`). Of those that are `untested` nobody measured that. A seed
    counts as failed where any of its trainings did. `most_failing` is the upper 95 % bound
    (Clopper and Pearson 1934) of the share of such seeds, whatever number of them was seen, among
    those of which it is known whether they failed; 1, which is no bound, where there are no others.
    """

    trainings: int
    diverged: int
    collapsed: int
    untested: int
    seeds: int
    failed_seeds: int
    most_failing: FiniteFloat

    @property
    def bounded(self) -> bool:
        """Whether anything is known of how many seeds fail at most."""
        return self.most_failing < 1 or self.failed_seeds == self.seeds


class Check(Record):
    """A condition that a sound measurement fulfils, and whether it did.

    `says` is the condition and `found` what was measured of it. Where a `needed` one fails, nothing
    can be said of the claim.
    """

    name: str
    says: str
    found: str
    holds: bool
    needed: bool


class TableRow(Record):
    """For every column of the table one number per seed; none where nothing was measured."""

    name: str
    group: str
    values: tuple[tuple[FiniteFloat, ...], ...]


class Table(Record):
    """Numbers by named rows and columns, all in one unit; neighbouring rows may share a group."""

    title: str
    caption: str
    unit: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]

    @model_validator(mode="after")
    def _rows_fill_the_columns(self) -> Table:
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise ValueError(
                    f"{self.title}: row {row.name!r} must have a cell for each of the "
                    f"{len(self.columns)} columns, got {len(row.values)}"
                )
        return self


class ReadingVerdict(Record):
    """What came out of a claim when the same Runs were read in another way.

    `factors` tells the way, such as estimator and images; `estimate` is that of the contrast that
    the outcome hangs on. `release` marks what the paper's release computes. The outcome follows
    from the `contrasts`, unless `left_open` says why nothing can be said.
    """

    factors: dict[str, str]
    release: bool
    outcome: Outcome
    estimate: FiniteFloat | None
    unit: str
    contrasts: tuple[Effects, ...] = ()
    left_open: tuple[str, ...] = ()


class WorstCase(Record):
    """A robust accuracy as the paper attacks, beside the worst case per image over an attack suite.

    Accuracies are in percent, one per seed. `outcome` is that of the statement that the attack
    overstates robustness: SUPPORTED means that the figure does not survive the attack suite.
    """

    figure: str
    reported: FiniteFloat | None
    attacked: tuple[FiniteFloat, ...]
    worst: tuple[FiniteFloat, ...]
    outcome: Outcome
