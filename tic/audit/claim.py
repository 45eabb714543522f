"""Claims: what a paper says, where it says it, which Runs decide it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from tic.audit.evidence import Paper
from tic.errors import TicError
from tic.recipe import Recipe

Needs = Callable[..., Recipe | Mapping[str, Recipe]]
Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True)
class Setting:
    """How a claim is put to the test; a pack states one per architecture.

    Attributes:
        recipe: The default training, from which a claim's `needs` derive theirs.
        seeds: One Run per seed and Recipe.
        fisher_size: Training images that the Fisher information is measured on; all without it.
        test_size: Test images that accuracy is measured on; all without it.
    """

    recipe: Recipe
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    fisher_size: int | None = None
    test_size: int | None = None

    @property
    def label(self) -> str:
        """Network and data set, as test ids show them."""
        return f"{self.recipe.architecture}-{self.recipe.dataset}"

    def but(self, **recipe_fields: object) -> Setting:
        """Return a copy whose Recipe differs in some fields."""
        return replace(self, recipe=self.recipe.but(**recipe_fields))


@dataclass(frozen=True)
class Pack:
    """A paper and the settings that its claims are audited in.

    Attributes:
        paper: Citation.
        settings: By architecture: the setting that `--arch` selects.
        own: Name of the architecture whose setting is the paper's own.
        default: Name of the architecture whose setting is audited without `--arch`.
    """

    paper: Paper
    settings: Mapping[str, Setting]
    own: str
    default: str

    def setting(self, architecture: str) -> Setting:
        """Find the setting of an architecture.

        Raises:
            TicError: The pack has none.
        """
        if architecture not in self.settings:
            known = ", ".join(sorted(self.settings))
            raise TicError(
                f"{self.paper.key} has no setting for architecture {architecture!r}; known: {known}"
            )
        return self.settings[architecture]


@dataclass(frozen=True)
class Claim:
    """One checkable sentence of a paper.

    Attributes:
        pack: The paper that says it.
        name: Unique within the pack.
        source: Place in the paper.
        says: The statement.
        rule: How it is decided, in words.
        needs: Maps a Setting, and test parameters that it names, to Recipes; None for arithmetic.
        version: Raised when the rule or a margin changes.
        notes: What a reader must know about the protocol.
    """

    pack: Pack
    name: str
    source: str
    says: str
    rule: str
    needs: Needs | None
    version: int = 1
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Identity across audits, such as `kim2023/concentration`."""
        return f"{self.pack.paper.key}/{self.name}"

    def recipes(self, setting: Setting, parameters: Mapping[str, Any]) -> dict[str, Recipe]:
        """Recipes by role, without seeds; a single one has the role ''."""
        if self.needs is None:
            return {}
        wanted = {
            name: parameters[name]
            for name in inspect.signature(self.needs).parameters
            if name in parameters
        }
        found = self.needs(setting, **wanted)
        return {"": found} if isinstance(found, Recipe) else dict(found)


def claim(
    pack: Pack,
    name: str,
    *,
    source: str,
    says: str,
    rule: str,
    needs: Needs | None = None,
    version: int = 1,
    notes: tuple[str, ...] = (),
) -> Callable[[Test], Test]:
    """Make a test function the test of a claim.

    The function asks for the fixtures `runs` (what `needs` returned, trained) and `judge`; see
    `tic.audit.runs` and `tic.audit.judge`. See `Claim` for the arguments.
    """
    described = Claim(pack, name, source, says, rule, needs, version, notes)

    def mark(test: Test) -> Test:
        return pytest.mark.tic_claim(described)(test)  # type: ignore[no-any-return]

    return mark
