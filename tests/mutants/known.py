"""What is mutated of a pack, its worlds of known truth, and the mutants that nothing can kill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fixtures.cases import Case
from tests.mutants.mutating import Mutant, mutants
from tests.mutants.operators import NO_WORDS, Vocabulary

LEAST_KILLED = 0.9


@dataclass(frozen=True)
class Known:
    """A pack's worlds of known truth.

    Attributes:
        package: Of the pack.
        cases: Every claim and rival with its worlds.
        vocabulary: Words of the pack that are exchanged.
        equivalent: By reason: names of mutants that decide as the sound test does, whatever the
            truth is.
    """

    package: str
    cases: Sequence[Case]
    vocabulary: Vocabulary = NO_WORDS
    equivalent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def equivalents(self) -> set[str]:
        """Names of the mutants that nothing can kill."""
        return {name for names in self.equivalent.values() for name in names}

    @cached_property
    def every_mutant(self) -> list[Mutant]:
        """All mutants of what decides in the claims and rivals."""
        return mutants(self.cases, self.package, self.vocabulary)

    @cached_property
    def mutants(self) -> list[Mutant]:
        """Those that a world could kill."""
        return [mutant for mutant in self.every_mutant if mutant.name not in self.equivalents]
