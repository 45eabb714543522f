"""Scope: how far the audited Recipes are from the paper's, computed from both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tic.audit.claims import Claim
from tic.audit.document import Scope
from tic.audit.pack import Setting
from tic.audit.protocol import STANDARD, Protocol
from tic.data.spec import describe, subset_size
from tic.errors import TicError
from tic.recipe import Recipe

_BESIDE_THE_POINT = {"seed", "parent", "checkpoints", "sparsity"}


def scope(
    claim: Claim,
    setting: Setting,
    parameters: Mapping[str, Any],
    protocol: Protocol = STANDARD,
) -> Scope:
    """Compare what a claim is audited on with what the paper used, role by role.

    `paper`: nothing differs. `reduced`: the paper's architecture in another setting. `smoke`:
    another architecture, which says nothing yet about the paper's.

    Raises:
        TicError: The claim's `needs` names other roles in the paper's setting.
    """
    papers_setting = claim.pack.setting(claim.pack.own)
    ours = claim.recipes(setting, parameters, protocol)
    papers = claim.recipes(papers_setting, parameters, protocol)
    if ours.keys() != papers.keys():
        raise TicError(
            f"{claim.id}: needs must name the same roles in every setting, got "
            f"{', '.join(ours.keys() - papers.keys()) or 'none'} in {setting.label} alone and "
            f"{', '.join(papers.keys() - ours.keys()) or 'none'} in {papers_setting.label} alone"
        )
    differences: dict[str, None] = {}
    for role in ours:
        for mine, theirs in _generations(ours[role], papers[role]):
            differences |= dict.fromkeys(_differences(dict(mine), dict(theirs)))
        differences |= dict.fromkeys(
            _differences(_sizes(setting, ours[role]), _sizes(papers_setting, papers[role]))
        )
    same_network = all(ours[role].architecture == papers[role].architecture for role in ours)
    level: Literal["paper", "reduced", "smoke"] = "reduced" if same_network else "smoke"
    return Scope(level=level if differences else "paper", differences=tuple(differences))


def _sizes(setting: Setting, recipe: Recipe) -> dict[str, object]:
    spec = describe(recipe.dataset)
    trained = recipe.train_size or spec.train_size
    return {
        "images for Fisher information": subset_size(setting.fisher_size, trained),
        "test images": subset_size(setting.test_size, spec.test_size),
    }


def _generations(mine: Recipe, theirs: Recipe) -> list[tuple[Recipe, Recipe]]:
    return list(zip((*mine.ancestors, mine), (*theirs.ancestors, theirs), strict=False))


def _differences(ours: Mapping[str, object], papers: Mapping[str, object]) -> list[str]:
    return [
        f"{name.replace('_', ' ')}: {_text(ours[name])} instead of {_text(papers[name])}"
        for name in ours
        if name not in _BESIDE_THE_POINT and ours[name] != papers[name]
    ]


def _text(value: object) -> str:
    return "all" if value is None else str(value)
