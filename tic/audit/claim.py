"""Claims: what a paper says, where it says it, which Runs decide it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from tic.audit.evidence import Paper
from tic.audit.protocol import STANDARD, Gap, Protocol
from tic.data.spec import describe, subset_size
from tic.errors import TicError
from tic.recipe import Recipe

Needs = Callable[..., Recipe | Mapping[str, Recipe]]
Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True)
class Setting:
    """How a claim is put to the test; a pack states one per architecture.

    Attributes:
        recipe: The default training, from which a claim's `needs` derive theirs. Its `train_size`
            is a limit: of a smaller data set all images are taken.
        seeds: One Run per seed and Recipe.
        fisher_size: At most so many images for the Fisher information; all without it.
        test_size: At most so many test images for accuracy; all without it.
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
        places: Places of the paper in its order, such as `Fig. 1`; claims are audited in it.
    """

    paper: Paper
    settings: Mapping[str, Setting]
    own: str
    default: str
    places: tuple[str, ...] = ()

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
        gaps: What the paper leaves open about it.
        notes: What else a reader must know.
    """

    pack: Pack
    name: str
    source: str
    says: str
    rule: str
    needs: Needs | None
    version: int = 1
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Identity across audits, such as `kim2023/concentration`."""
        return f"{self.pack.paper.key}/{self.name}"

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The readings beside the standard one that could change its verdict."""
        return tuple(dict.fromkeys(each for gap in self.gaps for each in gap.protocols))

    @property
    def places(self) -> tuple[str, ...]:
        """Places in short, with and without the panel: `Fig. 4a, Eq. 7` is fig4a, fig4, eq7."""
        short = [re.sub(r"[^a-z0-9-]", "", place.lower()) for place in self.source.split(",")]
        return tuple(dict.fromkeys(each for place in short for each in (place, _whole(place))))

    @property
    def place(self) -> str:
        """The first place in short, without its panel: `Fig. 4a, Eq. 7` is fig4."""
        return _whole(self.places[0])

    @property
    def position(self) -> int:
        """Where the paper says it: the number of its first place among those of the pack."""
        order = self.pack.places
        found = (
            k
            for k, place in enumerate(order)
            if re.match(rf"{re.escape(place)}(?!\d)", self.source)  # Fig. 1 is not Fig. 10
        )
        return next(found, len(order))

    def recipes(
        self,
        setting: Setting,
        parameters: Mapping[str, Any],
        protocol: Protocol = STANDARD,
    ) -> dict[str, Recipe]:
        """Recipes by role, without seeds; a single one has the role ''."""
        if self.needs is None:
            return {}
        wanted = {
            name: parameters[name]
            for name in inspect.signature(self.needs).parameters
            if name in parameters
        }
        found = self.needs(setting, **wanted)
        by_role = {"": found} if isinstance(found, Recipe) else found
        return {role: protocol.recipe(_capped(recipe)) for role, recipe in by_role.items()}


def _whole(place: str) -> str:
    """Strip the panel: fig4a is of fig4."""
    return re.sub(r"(?<=\d)[a-z]$", "", place)


def _capped(recipe: Recipe) -> Recipe:
    """Let a training on all images of its data set have one identity, whatever its limit was."""
    parent = None if recipe.parent is None else _capped(recipe.parent)
    size = subset_size(recipe.train_size, describe(recipe.dataset).train_size)
    return recipe.but(parent=parent, train_size=size)


def claim(
    pack: Pack,
    name: str,
    *,
    source: str,
    says: str,
    rule: str,
    needs: Needs | None = None,
    version: int = 1,
    gaps: tuple[Gap, ...] = (),
    notes: tuple[str, ...] = (),
) -> Callable[[Test], Test]:
    """Make a test function the test of a claim.

    The function asks for the fixtures `runs` (what `needs` returned, trained) and `judge`; see
    `tic.audit.runs` and `tic.audit.judge`. See `Claim` for the arguments.
    """
    described = Claim(pack, name, source, says, rule, needs, version, gaps, notes)

    def mark(test: Test) -> Test:
        # The keywords are for pytest's -m, as in -m 'tic_claim(place="fig4")'.
        made = pytest.mark.tic_claim(
            described, name=name, paper=pack.paper.key, place=described.place
        )
        return made(test)  # type: ignore[no-any-return]

    return mark
