"""Scope: how far the audited Recipes are from the paper's, computed from both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from tic.audit.claims import Claim
from tic.audit.pack import Setting
from tic.audit.protocol import STANDARD, Protocol
from tic.data.facts import subset_size
from tic.document.audit import Scope
from tic.errors import NotApplicableError, TicError
from tic.kinds import Kind
from tic.recipe import Recipe

_BESIDE_THE_POINT = {"seed", "parent", "checkpoints"}

Place = tuple[str | int, ...]
"""Where a value stands in a Recipe; its last part is the name that people read."""


def scope(
    claim: Claim,
    setting: Setting,
    ours: Mapping[str, Recipe],
    parameters: Mapping[str, Any],
    protocol: Protocol = STANDARD,
) -> Scope:
    """Compare what a claim is audited on with what the paper used, role by role.

    `paper`: nothing differs. `reduced`: the paper's architecture in another setting. `smoke`:
    another architecture, which says nothing yet about the paper's, or a claim that says nothing
    about the paper's setting, so that there is nothing to compare with.

    Args:
        claim: What is audited.
        setting: In which.
        ours: The Recipes that its `needs` gives there, by role.
        parameters: Test parameters by name.
        protocol: How what the paper leaves open is read.

    Raises:
        TicError: The claim's `needs` names other roles in the paper's setting.
    """
    papers_setting = claim.pack.setting(claim.pack.original)
    try:
        papers = claim.recipes(papers_setting, parameters, protocol)
    except NotApplicableError as error:
        elsewhere = f"{setting.label} instead of {papers_setting.label}: {error}"
        return Scope(level="smoke", differences=(f"setting: {elsewhere}",))
    if ours.keys() != papers.keys():
        raise TicError(
            f"{claim.id}: needs must name the same roles in every setting, got "
            f"{', '.join(ours.keys() - papers.keys()) or 'none'} in {setting.label} alone and "
            f"{', '.join(papers.keys() - ours.keys()) or 'none'} in {papers_setting.label} alone"
        )
    differences: dict[str, None] = {}
    for role in ours:
        for mine, theirs in _generations(ours[role], papers[role]):
            differences |= dict.fromkeys(_differences(_flat(mine), _flat(theirs)))
        differences |= dict.fromkeys(
            _differences(
                _sizes(claim, setting, ours[role]), _sizes(claim, papers_setting, papers[role])
            )
        )
    same_network = all(ours[role].architecture.is_like(papers[role].architecture) for role in ours)
    level: Literal["paper", "reduced", "smoke"] = "reduced" if same_network else "smoke"
    return Scope(level=level if differences else "paper", differences=tuple(differences))


def _sizes(claim: Claim, setting: Setting, recipe: Recipe) -> dict[Place, object]:
    """How many samples are measured on, by purpose; the attacked ones where attacks are run."""
    facts = recipe.dataset.facts
    papers_setting = claim.pack.setting(claim.pack.original)
    purposes = [*dict.fromkeys(["test", *papers_setting.sizes, *setting.sizes])]
    available = {"test": facts.test_size, "attack": facts.test_size}
    return {
        (f"{purpose} size",): subset_size(
            setting.sizes.get(purpose),
            available.get(purpose, recipe.train_size or facts.train_size),
        )
        or "all"
        for purpose in purposes
        if purpose != "attack" or claim.attacked
    }


def _generations(mine: Recipe, theirs: Recipe) -> list[tuple[Recipe, Recipe]]:
    return list(zip((*mine.ancestors, mine), (*theirs.ancestors, theirs), strict=False))


def _flat(recipe: Recipe) -> dict[Place, object]:
    """The fields of a Recipe by their places: of each kind its name, and its fields behind it."""
    flat: dict[Place, object] = {}
    for name, value in recipe:
        if name == "rules" or isinstance(value, Kind):
            kinds = value if name == "rules" else (value,)
            flat[name,] = ", ".join(kind.name for kind in kinds) or None
            for number, kind in enumerate(kinds):
                flat |= _fields((name, number), kind)
        elif name not in _BESIDE_THE_POINT:
            flat[name,] = value
    return flat | {("train_size",): recipe.train_size or "all"}


def _fields(place: Place, kind: Any) -> dict[Place, object]:
    """The fields of a kind; of a kind among them its name, and its own fields behind it."""
    flat: dict[Place, object] = {}
    for field in fields(kind):
        part = getattr(kind, field.name)
        if isinstance(part, Kind):
            flat[*place, field.name] = part.name
            flat |= _fields((*place, field.name), part)
        elif part != kind.name:
            flat[*place, field.name] = part
    return flat


def _differences(ours: Mapping[Place, object], papers: Mapping[Place, object]) -> list[str]:
    return [
        f"{str(place[-1]).replace('_', ' ')}: {_text(mine)} instead of {_text(papers[place])}"
        for place, mine in ours.items()
        if place in papers and mine != papers[place]
    ]


def _text(value: object) -> str:
    return "none" if value is None else str(value)
