"""Claims and their rivals: what is said, where it is said, which Runs decide it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar

import pytest

from tic.audit.control import ONE_SEED, Control
from tic.audit.pack import Pack, Setting
from tic.audit.protocol import STANDARD, Gap, Protocol
from tic.data.facts import subset_size
from tic.document.places import read_places
from tic.errors import TicError
from tic.kinds import require_importable
from tic.mistakes import author_errors_explained, place_of, place_of_function
from tic.recipe import Recipe
from tic.text import quoted

Needs = Callable[..., Recipe | Mapping[str, Recipe]]
Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True)
class Claim:
    """One checkable sentence of a paper.

    Attributes:
        pack: The paper that says it.
        name: Unique within the pack; it is one word of ids and of the command line.
        source: Place in the paper.
        says: The statement.
        rule: How it is decided, in words.
        needs: Maps a Setting, and test parameters that it names, to Recipes; None for arithmetic.
        version: Raised when the rule or a margin changes.
        gaps: What the paper leaves open about it.
        notes: What else a reader must know.
        controls: Planted worlds in which it is false.
        attacked: Whether the attack suite is run on its Runs, which the plan must price.
        fixed: Values of parameters that its test does not have, and tests of other claims do: of a
            pack with claims of several data sets, {"data": "own"} for one that is of the first. A
            rival threatens a claim with the same values only.

    Raises:
        TicError: Its name is no such word, a control is none, or a fixed value is no text.
    """

    role: ClassVar[Literal["claim", "rival"]] = "claim"

    pack: Pack
    name: str
    source: str
    says: str
    rule: str
    needs: Needs | None
    version: int = 1
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    attacked: bool = False
    fixed: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^\s/,\[\]]+", self.name):
            raise TicError(
                f"the name of a {self.role} must be one word without / , [ ] such as "
                f"'several-beat-one', got {quoted(self.name)}"
            )
        controls: object = self.controls
        if not isinstance(controls, Iterable):
            raise TicError(
                f"controls of {self.id} must be a tuple, got {quoted(controls)}; write "
                "controls=(UNTRAINED,), with the comma"
            )
        for control in self.controls:
            if not isinstance(control, Control):
                raise TicError(
                    f"controls of {self.id} must be worlds such as tic.audit.UNTRAINED, or "
                    f"Control(name, says, mixed('a', 'b')) of a plant, got {quoted(control)}"
                )
        fixed: object = self.fixed
        if not isinstance(fixed, Mapping) or not all(
            isinstance(text, str) for pair in fixed.items() for text in pair
        ):
            raise TicError(
                f"fixed of {self.id} must be parameters and their values as text, such as "
                f'{{"data": "own"}}, got {quoted(fixed)}'
            )

    @property
    def worlds(self) -> tuple[Control, ...]:
        """Its controls, and for a claim that rests on Runs one seed taken for several."""
        return self.controls if self.needs is None else (*self.controls, ONE_SEED)

    @property
    def id(self) -> str:
        """Identity across audits, such as `smith2024/learns`."""
        return f"{self.pack.paper.key}/{self.name}"

    def entry_id(self, case: str) -> str:
        """Id of its entry for a case of its test, such as `smith2024/learns[tiny-digits]`.

        Args:
            case: Test parameters as in the test's id, "" without any.
        """
        return f"{self.id}[{case}]" if case else self.id

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The readings beside the standard one that could change its verdict."""
        return tuple(dict.fromkeys(protocol for gap in self.gaps for protocol in gap.protocols))

    @property
    def places(self) -> tuple[str, ...]:
        """Places in short, with and without the panel: `Fig. 4a, Eq. 7` is fig4a, fig4, eq7."""
        return tuple(dict.fromkeys(n for place in read_places(self.source) for n in place.names))

    @property
    def place(self) -> str:
        """The first place in short, without its panel: `Fig. 4a, Eq. 7` is fig4."""
        return read_places(self.source)[0].names[-1]

    @property
    def position(self) -> int:
        """Where the paper says it: the number of its first place among those of the pack.

        A panel that the pack does not list stands where its figure does.
        """
        order = [read_places(place)[0].names[0] for place in self.pack.places]
        listed = (order.index(n) for n in read_places(self.source)[0].names if n in order)
        return next(listed, len(order))

    def recipes(
        self,
        setting: Setting,
        parameters: Mapping[str, Any],
        protocol: Protocol = STANDARD,
    ) -> dict[str, Recipe]:
        """Recipes by role, without seeds; a single one has the role ''.

        Raises:
            TicError: `needs` raised, or returned neither a Recipe nor Recipes by role; or a control
                names roles that it did not return.
        """
        if self.needs is None:
            return {}
        with author_errors_explained(f"needs of {self.id}"):
            wanted = {
                name: parameters[name]
                for name in inspect.signature(self.needs).parameters
                if name in parameters
            }
            try:
                needed = self.needs(setting, **wanted)
            except TicError as error:
                if type(error) is not TicError:
                    raise
                where = f"needs of {self.id}, {place_of(error)}"
                raise TicError(f"{error} ({where})") from error
            by_role = {"": needed} if isinstance(needed, Recipe) else needed
            if not isinstance(by_role, Mapping) or not all(
                isinstance(recipe, Recipe) for recipe in by_role.values()
            ):
                raise TicError(
                    f"needs of {self.id} ({place_of_function(self.needs)}) must return a Recipe, "
                    f"or Recipes by role in a dictionary, got {quoted(needed)}"
                )
            for recipe in by_role.values():
                require_importable(recipe)
        for control in self.controls:
            with author_errors_explained(f"controls of {self.id}"):
                control.require_roles(by_role, self.id)
        return {role: protocol.recipe(_capped(recipe)) for role, recipe in by_role.items()}


@dataclass(frozen=True)
class Rival(Claim):
    """Another explanation of what some claims observe.

    When it is SUPPORTED they do not stand against it; when it is REFUTED they do. It threatens a
    claim in the same setting and with the same value of every test parameter that both have.

    Attributes:
        of: Names of the claims that it threatens. A test parameter named `of` picks one of them.
    """

    role: ClassVar[Literal["claim", "rival"]] = "rival"

    of: tuple[str, ...] = ()

    def threatens(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Ids of the claims that it threatens in a case of its test."""
        names = (parameters["of"],) if "of" in parameters else self.of
        return tuple(f"{self.pack.paper.key}/{name}" for name in names)


def _capped(recipe: Recipe) -> Recipe:
    """Let a training on all images of its data set have one identity, whatever its limit was."""
    parent = None if recipe.parent is None else _capped(recipe.parent)
    size = subset_size(recipe.train_size, recipe.dataset.facts.train_size)
    return recipe.but(parent=parent, train_size=size)


def claim(
    pack: Pack,
    name: str,
    *,
    source: str,
    says: str,
    rule: str,
    controls: tuple[Control, ...] = (),
    needs: Needs | None = None,
    version: int = 1,
    gaps: tuple[Gap, ...] = (),
    notes: tuple[str, ...] = (),
    fixed: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[Test], Test]:
    """Make a test function the test of a claim.

    The function asks for the fixtures `runs` (what `needs` returned, trained) and `judge`; see
    `tic.audit.runs` and `tic.audit.judge`. See `Claim` for the arguments. A claim without a
    control is refused when it is collected: nobody would know whether its test can say no.
    """
    return _mark(
        Claim(pack, name, source, says, rule, needs, version, gaps, notes, controls, fixed=fixed)
    )


def rival(
    pack: Pack,
    name: str,
    *,
    of: tuple[str, ...],
    source: str,
    says: str,
    rule: str,
    needs: Needs,
    version: int = 1,
    notes: tuple[str, ...] = (),
    attacked: bool = False,
    fixed: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[Test], Test]:
    """Make a test function the test of a rival; see `claim` and `Rival`."""
    return _mark(
        Rival(
            pack, name, source, says, rule, needs, version,
            notes=notes, attacked=attacked, fixed=fixed, of=of,
        )
    )  # fmt: skip


def decided_by(test: Callable[..., None]) -> Claim:
    """Return the claim or rival that a test function decides.

    Raises:
        TicError: It decides none.
    """
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "tic_claim"]
    if not marks:
        raise TicError(f"{test.__name__} decides no claim; decorate it with tic.audit.claim")
    claim: Claim = marks[0].args[0]
    return claim


def _mark(described: Claim) -> Callable[[Test], Test]:
    def mark(test: Test) -> Test:
        # The keywords are for pytest's -m, as in -m 'tic_claim(place="fig4")'.
        made = pytest.mark.tic_claim(
            described,
            name=described.name,
            paper=described.pack.paper.key,
            place=described.place,
            role=described.role,
        )
        return made(test)  # type: ignore[no-any-return]

    return mark
