"""What will be audited: each collected claim in its setting, and who shares its error rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tic.audit.claims import Claim, Rival
from tic.audit.control import Control
from tic.audit.pack import Lacking, Pack, Setting
from tic.audit.protocol import STANDARD, Protocol
from tic.audit.robustness import suite_passes
from tic.document.audit import Family, Role, Scope
from tic.document.correction import claim_confidence
from tic.engine.plan import AttackedRun
from tic.errors import NotApplicableError, TicError
from tic.recipe import Recipe
from tic.session.scope import scope
from tic.stats import Design
from tic.text import quoted


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
        fault: Why what it rests on could not be trained or measured, or None.
        family_size: How many claims share the error rate with it, itself among them.
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
    fault: str | None = None
    family_size: int = 1
    design: Design = "fixed"

    @property
    def confidence(self) -> float:
        """Of the intervals that decide it."""
        return claim_confidence(len(self.setting.seeds), self.design, self.family_size)

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
    def role(self) -> Role:
        """What the entry is for the reader of the audit."""
        return "control" if self.control else self.claim.role

    def attacked(self, recipe: Recipe) -> AttackedRun:
        """What the attack suite is put to of a Run, at the setting's level."""
        available = recipe.dataset.facts.test_size
        images = min(self.setting.sizes.get("attack") or available, available)
        return AttackedRun(recipe, images, suite_passes(self.setting.attacks))

    @cached_property
    def seeded_recipes(self) -> list[Recipe]:
        """Every Recipe with every seed; none where they cannot be had."""
        return (
            []
            if self.unavailable or self.fault
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
    entry = PlannedEntry(
        id=claim.entry_id(case),
        claim=claim,
        setting=used,
        parameters=_as_text(setting, _with_fixed(claim, parameters)),
        recipes={},
        scope=Scope(level="smoke", differences=()),
        protocol=protocol,
        control=control,
        threatens=claim.threatens(parameters) if isinstance(claim, Rival) else (),
    )
    if isinstance(setting, Lacking):
        return replace(entry, offered=False, unavailable=setting.reason)
    try:
        recipes = claim.recipes(used, parameters, protocol)
        level = scope(claim, used, recipes, parameters, protocol)
        return replace(entry, recipes=recipes, scope=level)
    except NotApplicableError as error:
        return replace(entry, not_applicable=str(error))


def _with_fixed(claim: Claim, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a test, and those that its claim fixes without it."""
    if both := sorted(claim.fixed.keys() & parameters.keys()):
        raise TicError(
            f"{claim.id} must fix no parameter that its test has, got {', '.join(both)}; leave it "
            "out of fixed"
        )
    return {**parameters, **claim.fixed}


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
    packs: dict[str, Pack] = {}
    for entry in planned:
        _require_one_paper(packs.setdefault(entry.claim.pack.paper.key, entry.claim.pack), entry)
        if entry.is_question:
            pack = entry.claim.pack
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


def _require_one_paper(pack: Pack, entry: PlannedEntry) -> None:
    """Refuse two papers under one key: they would share an error rate, ids and a place."""
    if pack.paper != (other := entry.claim.pack.paper):
        raise TicError(
            f"a paper must have a key of its own, got {quoted(other.key)} for "
            f"{quoted(pack.paper.title)} and for {quoted(other.title)}, of which "
            f"{entry.claim.id} is a claim; give one of them another Paper(key=…)"
        )


def _shared_by(collected: int, declared: int | None, paper: str, what: str) -> int:
    if declared is not None and collected > declared:
        raise TicError(
            f"at most {declared} {what} of {paper} may share the error rate of a setting, as its "
            f"Pack says, got {collected}; write Pack({what}={collected}, …)"
        )
    return collected if declared is None else declared
