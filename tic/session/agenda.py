"""A sequential audit: which claims are open, at how many seeds they are, what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tic.document.correction import claim_confidence
from tic.document.deciding import judge_effects, region_of
from tic.document.evidence import Contrast, Effects
from tic.document.needed_seeds import is_inside, likely_range, middle
from tic.engine.job import Job
from tic.engine.plan import with_ancestors, work
from tic.errors import TicError
from tic.lab import Lab
from tic.recipe import Recipe
from tic.session.budget import (
    Bill,
    Rest,
    Share,
    best_share,
    looks_ahead,
    measuring_foreseen,
    wanted_seeds,
    worth,
)
from tic.session.pilots import pilot_of
from tic.session.planned import PlannedEntry
from tic.session.session import AuditSession
from tic.stats import Outcome
from tic.stats.judge import DECIDED
from tic.stats.looks import LOOKS, next_look
from tic.stats.outlook import POWER, chances

UNTOLD = "its claim is open when the budget ends, so that the control could not be missed"


@dataclass(eq=False)
class OpenClaim:
    """A claim or rival with its negative controls, which get the seeds that decide it.

    Attributes:
        entries: Its own first, then those of its controls; as they were collected.
        seeds_wanted: Seeds of the look that is being prepared.
        seeds_judged: Seeds of the last look that was complete; 0 before the first.
        outcome: What came out then.
        contrasts: What was judged then.
        over: Whether no further look is wanted.
        left_open: Whether its test leaves it open, whatever its effects say: no seeds decide it.
            Its last look told, its pilot before.
        priority: What it decides for what it still costs, as `tic.session.budget` reckons. One
            that is decided keeps it, so that its controls are measured at once.
        measuring: Seconds per seed that workers measured for its last look; before the first is
            over, of what that still lacks. None where nothing is known of it.
        chances: That it is decided by a number of seeds, by its pilot; None without one.
    """

    entries: tuple[PlannedEntry, ...]
    seeds_wanted: int = LOOKS[0]
    seeds_judged: int = 0
    outcome: Outcome | None = None
    contrasts: tuple[Contrast, ...] = ()
    over: bool = False
    left_open: bool = False
    priority: float = 0.0
    measuring: float | None = None
    chances: Mapping[int, float] | None = None

    @cached_property
    def recipes(self) -> tuple[Recipe, ...]:
        """What it and its controls are trained on, each Recipe once, without seeds."""
        return tuple(dict.fromkeys(r for entry in self.entries for r in entry.recipes.values()))

    @cached_property
    def wanted(self) -> tuple[Recipe, ...]:
        """Those and what they start from, each once."""
        return tuple(with_ancestors(self.recipes))

    @cached_property
    def trainings(self) -> tuple[Recipe, ...]:
        """What the claim alone rests on, each once, what that starts from among it."""
        return tuple(with_ancestors(self.entry.recipes.values()))

    @property
    def entry(self) -> PlannedEntry:
        """The claim or rival itself."""
        return self.entries[0]

    @property
    def controls(self) -> tuple[PlannedEntry, ...]:
        """Its negative controls."""
        return self.entries[1:]

    @property
    def decided(self) -> bool:
        """Whether it was SUPPORTED or REFUTED."""
        return self.outcome in DECIDED

    @property
    def trainings_to_decide(self) -> tuple[int, int | None] | None:
        """Between which numbers of further trainings that lies which would probably decide it.

        Those that other claims want, too, count whole. None where no number of seeds is known to.
        """
        seeds = likely_range(self.contrasts)
        if self.decided or self.left_open or seeds is None:
            return None
        per_seed = len(self.wanted)
        least, most = ((n and per_seed * max(0, n - self.seeds_judged)) for n in seeds)
        return least or 0, most


@dataclass
class Agenda:
    """The claims of a sequential audit.

    Args:
        session: Whose planned entries get the seeds of each look.
        cost: Seconds of a training, or presentations of samples where nothing was timed.
        rest: Tells what is left of the budget; asked once whenever claims are ranked.

    Attributes:
        claims: Those that rest on Runs which can be trained here.
    """

    session: AuditSession
    cost: Callable[[Recipe], float] = work
    rest: Callable[[], Rest] = Rest
    claims: list[OpenClaim] = field(init=False)
    _trained: dict[Recipe, set[int]] = field(default_factory=dict, init=False)
    _whole: dict[Recipe, set[int]] = field(default_factory=dict, init=False)
    _wanted_by: dict[Recipe, set[OpenClaim]] = field(default_factory=dict, init=False)
    _priorities: dict[Recipe, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        entries = [entry for entry in self.session.planned.values() if entry.seeded_recipes]
        self.claims = _with_controls(entries)
        for claim in self.claims:
            self._prepare(claim, claim.seeds_wanted)
            with suppress(TicError):  # such as data that cannot be read: its first look tells
                claim.chances = chances_foreseen(claim.entry, self.session.lab)
                pilot = pilot_of(claim.entry, self.session.lab)
                claim.left_open = pilot is not None and pilot.left_open
        self._look_through_store()
        self._rank()

    def absent(self, claim: OpenClaim) -> list[Recipe]:
        """Runs of the look that is being prepared, which the Store does not have."""
        lab, absent = self.session.lab, []
        seeds = claim.entry.setting.first_seeds(claim.seeds_wanted)
        for recipe in claim.recipes:
            there = self._trained.setdefault(recipe, set())
            whole = self._whole.setdefault(recipe, set())
            for seed in seeds:
                if seed not in whole:
                    if lab.has(seeded := recipe.with_seed(seed), verify=True):
                        whole.add(seed)
                        there.add(seed)
                    else:
                        there.discard(seed)
                        absent.append(seeded)
        for ancestor in set(claim.wanted).difference(claim.recipes):
            self._note(ancestor, seeds)  # trained meanwhile, for those that start from it
        return absent

    def take(
        self,
        claim: OpenClaim,
        outcome: Outcome | None,
        contrasts: Sequence[Contrast],
        measured: float = 0.0,
        *,
        left_open: bool = False,
        unsound: bool = False,
    ) -> None:
        """Take what a look gave, and prepare the next one.

        Args:
            claim: The claim that was judged.
            outcome: Its verdict; None where nothing could be judged.
            contrasts: The contrasts behind the verdict.
            measured: Seconds that workers measured for this look.
            left_open: Whether the test left it open, whatever its effects say.
            unsound: Whether a check fails without which nothing is said. More seeds seldom mend
                that, so that they are added last of all.
        """
        claim.measuring = measured / (claim.seeds_wanted - claim.seeds_judged)
        claim.chances = chances_foreseen(claim.entry, self.session.lab, contrasts)
        if unsound:
            claim.chances = dict.fromkeys((n for n in LOOKS if n > claim.seeds_wanted), 0.0) or None
        claim.outcome, claim.contrasts = outcome, tuple(contrasts)
        claim.seeds_judged = claim.seeds_wanted
        following = next_look(claim.seeds_judged)
        claim.left_open = left_open
        claim.over = left_open or outcome is not Outcome.INCONCLUSIVE or following is None
        if not claim.over:
            assert following is not None
            self._prepare(claim, following)
        self._rank()

    def foresee(self, claim: OpenClaim, measurements: Iterable[Job]) -> None:
        """Price the first look at a claim by the measurements that it lacks, as its test tells.

        What a later look costs is known from those before.
        """
        if claim.seeds_judged:
            return
        lacking = sum(self.cost(job.recipe) * job.work / work(job.recipe) for job in measurements)
        claim.measuring = lacking / claim.seeds_wanted
        self._rank()

    def priority(self, recipe: Recipe) -> float:
        """Of the open claims that a Run is needed for, the highest."""
        # Every job that is ready is asked for whenever one begins; a ranking changes the answers.
        if (known := self._priorities.get(recipe)) is None:
            claim = self.wanting(recipe)
            known = self._priorities[recipe] = claim.priority if claim else 0.0
        return known

    def wanting(self, recipe: Recipe) -> OpenClaim | None:
        """For which claim a Run is trained first of all."""
        # A copy, since another thread asks while claims are added.
        wanting = tuple(self._wanted_by.get(recipe, ()))
        claims = [claim for claim in wanting if not claim.over]
        return max(claims, key=lambda claim: claim.priority, default=None)

    def close(self, left_out: Mapping[str, str], faults: Mapping[str, str]) -> None:
        """Leave every entry at its last complete look, and controls of what is open out.

        Args:
            left_out: Why claims had none, or controls were not measured, by their ids: they are
                not run.
            faults: Why the next look of claims cannot be had, or a control, by their ids: that is
                an error. Without its claim no control can be judged.
        """
        for claim in self.claims:
            identity = claim.entry.id
            for entry in claim.entries:
                fault = faults.get(identity) or faults.get(entry.id)
                reason = left_out.get(identity) or left_out.get(entry.id)
                if entry in claim.controls and not claim.decided:
                    reason = reason or UNTOLD
                setting = entry.setting.with_seed_count(claim.seeds_judged or claim.seeds_wanted)
                self.session.change(
                    replace(entry, setting=setting, fault=fault, unavailable=reason)
                )

    def _prepare(self, claim: OpenClaim, n_seeds: int) -> None:
        claim.seeds_wanted = n_seeds
        for entry in claim.entries:
            self.session.change(replace(entry, setting=entry.setting.with_seed_count(n_seeds)))
        seeds = claim.entry.setting.first_seeds(n_seeds)
        for recipe in claim.wanted:
            for seed in seeds:
                self._wanted_by.setdefault(recipe.with_seed(seed), set()).add(claim)

    def _look_through_store(self) -> None:
        """Know what the Store has of each Recipe, look after look up to one that it has nothing of.

        Nothing is verified: of what a look needs that is done when its Runs are asked for.
        """
        seen: set[tuple[Recipe, tuple[int, ...]]] = set()
        for claim in self.claims:
            setting, before = claim.entry.setting, 0
            recipes = [r for r in claim.wanted if (r, setting.seeds) not in seen]
            seen.update((recipe, setting.seeds) for recipe in recipes)
            for look in LOOKS:
                seeds = setting.first_seeds(look)[before:]
                try:
                    recipes = [recipe for recipe in recipes if self._note(recipe, seeds)]
                except TicError:  # what cannot be looked at is told when it is asked for
                    break
                if not recipes:
                    break
                before = look

    def _note(self, recipe: Recipe, seeds: Iterable[int]) -> bool:
        """Note which of these seeds the Store has, unverified; returns whether it has any."""
        known = self._trained.setdefault(recipe, set())
        lab = self.session.lab
        there = {seed for seed in seeds if seed in known or lab.has(recipe.with_seed(seed))}
        known |= there
        return bool(there)

    def _rank(self) -> None:
        """What is shared, what is there and what was SUPPORTED change with every look."""
        self._priorities.clear()
        supported = {
            claim.entry.claim.id
            for claim in self.claims
            if claim.outcome is Outcome.SUPPORTED and claim.entry.role == "claim"
        }
        rest = self.rest()
        bills: dict[OpenClaim, Bill] = {}
        own: dict[OpenClaim, Share] = {}
        shares: dict[Recipe, list[Share]] = {}
        for claim in self.claims:
            if not claim.over:
                value = worth(claim.entry, supported)
                wanted = wanted_seeds(claim.seeds_judged, claim.contrasts)
                chances = claim.chances or {wanted: POWER}
                bills[claim] = self._bill(claim, chances)
                own[claim] = best_share(value, chances, bills[claim], rest)
                for recipe in claim.wanted:
                    shares.setdefault(recipe, []).append(own[claim])
            if not claim.decided:
                claim.priority = 0.0
        for claim, share in own.items():
            others = [shares[recipe] for recipe in claim.trainings]
            claim.priority = share.worth / bills[claim].shared(share, others)

    def _bill(self, claim: OpenClaim, chances: Mapping[int, float]) -> Bill:
        """What the looks to come would cost by what is there now."""
        seeds = claim.entry.setting.first_seeds(looks_ahead(claim.seeds_judged, chances)[-1])
        missing = []
        for recipe in claim.trainings:
            there = self._trained.get(recipe, ())
            missing.append([n for n, seed in enumerate(seeds, start=1) if seed not in there])
        if (measuring := claim.measuring) is None:
            measuring = measuring_foreseen(claim.entry, self.cost)
        costs = [self.cost(recipe) for recipe in claim.trainings]
        return Bill(claim.seeds_judged, missing, costs, measuring)


def chances_foreseen(
    planned: PlannedEntry, lab: Lab, contrasts: Sequence[Contrast] = ()
) -> dict[int, float] | None:
    """How probably a claim is decided by each look to come; None without a pilot or a look.

    For that, and for no verdict, effects of the pilot and those that were judged are one sample.

    Args:
        planned: The claim.
        lab: Store, data and device.
        contrasts: The contrasts of its last look, none before the first.
    """
    sampled = [contrast for contrast in contrasts if contrast.seeds]
    seen = len(sampled[0].seeds) if sampled else 0
    looks = [look for look in LOOKS if look > seen]
    pilot = pilot_of(planned, lab)
    if pilot is None or not looks:
        return None
    if pilot.left_open:
        return dict.fromkeys(looks, 0.0)
    names = [effects.name for effects in pilot.contrasts]
    judged = sampled if [contrast.name for contrast in sampled] == names else ()
    supporting, open_ = np.ones(len(looks)), np.ones(len(looks))
    for number, effects in enumerate(pilot.contrasts):
        # To refute, the contrasts of a claim share its error rate.
        supported, refuted = (
            _chances(
                effects,
                judged[number].effects if judged else (),
                {
                    n: claim_confidence(n, planned.design, planned.family_size * sharing)
                    for n in looks
                },
                pooled=effects.name in pilot.by_name,
            )
            for sharing in (1, len(names))
        )
        supporting *= supported[0]
        open_ *= 1 - refuted[1]
    # All contrasts support a claim, and one refutes it.
    decided = np.maximum.accumulate(np.minimum(supporting + 1 - open_, 1))
    return dict(zip(looks, decided.tolist(), strict=True))


def _chances(
    effects: Effects, seen: Sequence[float], levels: Mapping[int, float], *, pooled: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How probably a contrast supports and refutes at looks with these confidences."""
    if effects.trend is None and not effects.rate:
        return chances(
            np.array(effects.effects),
            np.array(seen),
            region_of(effects.region),
            levels,
            least_sd=(effects.resolution or 0.0) / 2,
            pooled=pooled,
        )
    needed, inside = _needed(effects, levels)
    decides = np.array([POWER if look >= needed else 0.0 for look in levels])
    nothing = np.zeros(len(levels))
    return (decides, nothing) if inside else (nothing, decides)


def _needed(effects: Effects, levels: Mapping[int, float]) -> tuple[int, bool]:
    """How many seeds a trend or a rate needs by its pilot, and whether they will support it."""
    count = len(effects.seeds)
    for look, confidence in levels.items():
        contrast = judge_effects(_first(effects, min(look, count), confidence)).contrast
        if contrast.outcome is not Outcome.INCONCLUSIVE:
            return look, contrast.outcome is Outcome.SUPPORTED
        if look >= count:
            break
    seeds = contrast.seeds_to_decide
    needed = LOOKS[-1] + 1 if seeds is None or seeds[1] is None else middle(seeds)
    return needed, is_inside(contrast)


def _first(effects: Effects, count: int, confidence: float) -> Effects:
    trend = effects.trend and effects.trend.model_copy(
        update={"samples": effects.trend.samples[:count]}
    )
    return effects.model_copy(
        update={
            "seeds": effects.seeds[:count],
            "effects": effects.effects[:count],
            "trend": trend,
            "sample_spread": None,
            "confidence": confidence,
        }
    )


def _with_controls(entries: Iterable[PlannedEntry]) -> list[OpenClaim]:
    """Put the controls of a claim beside it, those of several protocols beside the first."""
    groups: dict[object, list[list[PlannedEntry]]] = {}
    ordered = sorted(entries, key=lambda entry: entry.role == "control")
    claims = []
    for entry in ordered:
        place = (entry.claim.id, entry.setting.label, tuple(sorted(entry.parameters.items())))
        same = groups.setdefault(place, [])
        if entry.role == "control" and same:
            same[0].append(entry)
        else:
            same.append([entry])
            claims.append(same[-1])
    return [OpenClaim(tuple(group)) for group in claims]
