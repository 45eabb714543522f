"""Packs: a paper, the settings that its claims are audited in, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tic.attacks.suite import Level
from tic.data import DATASETS, Dataset
from tic.document.audit import Paper
from tic.errors import TicError, require_known
from tic.recipe import Recipe
from tic.text import quoted

if TYPE_CHECKING:
    from tic.audit.runs import SeedRuns


@dataclass(frozen=True)
class Setting:
    """How a claim is put to the test; a pack states one per architecture.

    Attributes:
        recipe: The default training, from which a claim's `needs` derive theirs. Its `train_size`
            is a limit: of a smaller data set all images are taken.
        seeds: One Run per seed and Recipe.
        sizes: At most so many samples for a purpose: `test` of accuracy, `attack` of the attack
            suite, and what the pack's Runs measure on besides; all where it names none.
        attacks: Which level of the attack suite robustness is put to.

    Raises:
        TicError: One is not what it must be.
    """

    recipe: Recipe
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    sizes: Mapping[str, int | None] = field(default_factory=dict, hash=False)
    attacks: Level = "quick"

    def __post_init__(self) -> None:
        if not isinstance(self.recipe, Recipe):
            raise TicError(f"the recipe of a setting must be a Recipe, got {quoted(self.recipe)}")
        if not _are_seeds(self.seeds):
            raise TicError(
                "seeds must be a tuple of different whole numbers from 0 on, at least one, got "
                f"{quoted(self.seeds)}; such as (0, 1, 2)"
            )
        sizes: object = self.sizes
        if not isinstance(sizes, Mapping) or not all(map(_is_size, sizes.values())):
            raise TicError(
                "sizes must name purposes with whole numbers of at least 1, or None for all, got "
                f"{quoted(sizes)}; such as {{'test': 500}}"
            )
        require_known("level of attacks", self.attacks, get_args(Level))

    @property
    def parameters(self) -> dict[str, str]:
        """Network and data set, as the entries of an audit name them."""
        return {"network": self.recipe.architecture.label, "data set": self.recipe.dataset.name}

    @property
    def label(self) -> str:
        """Network and data set, as test ids show them."""
        return "-".join(self.parameters.values())

    def but(self, **recipe_fields: object) -> Setting:
        """Return a copy whose Recipe differs in some fields."""
        return replace(self, recipe=self.recipe.but(**recipe_fields))

    def with_seed_count(self, count: int) -> Setting:
        """Return a copy with so many seeds; see `first_seeds`."""
        return replace(self, seeds=self.first_seeds(count))

    def first_seeds(self, count: int) -> tuple[int, ...]:
        """So many seeds: its own first, then those that follow its last."""
        following = range(max(self.seeds) + 1, max(self.seeds) + 1 + count)
        return (*self.seeds, *following)[:count]


def _are_seeds(seeds: object) -> bool:
    return (
        isinstance(seeds, tuple)
        and 0 < len(seeds) == len(set(map(repr, seeds)))
        and all(type(seed) is int and 0 <= seed < 2**63 for seed in seeds)
    )


def _is_size(size: object) -> bool:
    return size is None or (type(size) is int and size > 0)


@dataclass(frozen=True)
class Lacking:
    """A setting that was asked for and that a pack does not have.

    Attributes:
        parameters: Network and data set as entries of an audit name them, where they are known.
        reason: Why the pack does not have it, and what it has.
    """

    parameters: Mapping[str, str]
    reason: str

    @property
    def label(self) -> str:
        """What was asked for, as test ids show it."""
        return "-".join(self.parameters.values())


@dataclass(frozen=True)
class Pack:
    """A paper and the settings that its claims are audited in.

    Attributes:
        paper: Citation.
        settings: By architecture: the setting that `--arch` selects.
        original: Name of the architecture whose setting is the paper's own.
        default: Name of the architecture whose setting is audited without `--arch`.
        places: Places of the paper in its order, such as `Fig. 1`; claims are audited in it.
        runs: What the claims' tests are given for the Runs of a Recipe; a subclass where they ask
            for more than `SeedRuns` tells.
        datasets: Those that `--dataset` selects, by name; those of tic unless it says otherwise.
        claims: How many claims share the error rate of a setting; as many as are collected where it
            is None. State it, and a claim has the same verdict whatever is audited beside it.
        rivals: Likewise of the rivals.
        pilots: File of what pilot seeds told of the claims' spread, which `--write-pilots` writes;
            see `tic.session.pilots`.

    Raises:
        TicError: There is no setting of the name `original` or `default`, a number is none, or the
            file no `.json`.
    """

    paper: Paper
    settings: Mapping[str, Setting]
    original: str
    default: str
    places: tuple[str, ...] = ()
    runs: type[SeedRuns] | None = None
    datasets: Mapping[str, Dataset] = field(default_factory=lambda: DATASETS)
    claims: int | None = None
    rivals: int | None = None
    pilots: Path | None = None

    def __post_init__(self) -> None:
        for what, count in (("claims", self.claims), ("rivals", self.rivals)):
            if not (count is None or (type(count) is int and count > 0)):
                raise TicError(
                    f"{what} must be a whole number of at least 1, or None to count them, got "
                    f"{quoted(count)}"
                )
        if self.pilots is not None and not str(self.pilots).endswith(".json"):
            raise TicError(
                f"pilots must be the path of a .json file, got {quoted(self.pilots)}; such as "
                'Path(__file__).with_name("pilots.json")'
            )
        for name in (self.original, self.default):
            self.setting(name)

    def setting(self, architecture: str) -> Setting:
        """Find the setting of an architecture.

        Raises:
            TicError: The pack has none.
        """
        if architecture not in self.settings:
            known = ", ".join(sorted(self.settings))
            raise TicError(
                f"{self.paper.key} has no setting for architecture {quoted(architecture)}; "
                f"known: {known}"
            )
        return self.settings[architecture]

    def dataset(self, name: str) -> Dataset:
        """Find the data set of a name.

        Raises:
            TicError: The pack has none.
        """
        if name not in self.datasets:
            known = ", ".join(sorted(self.datasets))
            raise TicError(f"{self.paper.key} has no data set {quoted(name)}; known: {known}")
        return self.datasets[name]
