"""Pooling lists with one number per seed, so that all of an entry are in one order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from tic.document.audit import Entry
from tic.document.deciding import sampled_seeds

Item = TypeVar("Item")


@dataclass(frozen=True)
class SeedOrder:
    """In which order the seeds of several audits stand once they are pooled.

    Attributes:
        counts: How many seeds each audit has.
        places: Of the seeds, which have a number in the order of the audits, from the smallest on.
    """

    counts: tuple[int, ...]
    places: tuple[int, ...]

    @classmethod
    def of(cls, seeds: Iterable[Sequence[int]]) -> SeedOrder:
        """Return the order of the seeds of some audits, those of each in its own order."""
        of_each = tuple(seeds)
        pooled = tuple(chain.from_iterable(of_each))
        places = sorted(range(len(pooled)), key=pooled.__getitem__)
        return cls(tuple(map(len, of_each)), tuple(places))

    @classmethod
    def of_entries(cls, entries: Sequence[Entry]) -> SeedOrder:
        """Return the order of the seeds that the entries of one claim were judged on."""
        return cls.of(map(sampled_seeds, entries))

    def fits(self, lists: Sequence[Sequence[object]]) -> bool:
        """Return whether the lists of some audits have one item per seed each."""
        return tuple(map(len, lists)) == self.counts

    def joined(self, lists: Sequence[Sequence[Item]]) -> tuple[Item, ...]:
        """Join the lists of some audits: in the order of the seeds where there is one item each."""
        items = tuple(chain.from_iterable(lists))
        return tuple(items[place] for place in self.places) if self.fits(lists) else items
