"""Planted worlds in which claims of this paper are false; see `tic.audit.control`."""

from __future__ import annotations

from dataclasses import dataclass

from claims.meszaros2024.measuring import Falsified
from claims.meszaros2024.recipes import BOTH, OWN, PERMUTED, STEPS, role
from claims.meszaros2024.runs import MeszarosRuns
from tic.audit import Control, chained, given_out, mixed, seen_as
from tic.audit.control import Plant, Roles
from tic.data.speech import Speech


@dataclass(frozen=True)
class Unmasked(MeszarosRuns):
    """Networks whose masks were not applied."""

    def unmasked(self) -> bool:
        """See `MeszarosRuns.unmasked`."""
        return True


@dataclass(frozen=True)
class KnownVoices(MeszarosRuns):
    """Taken for trained on utterances of both splits dealt anew, with the voices that are tested.

    The trainings are those of the true split: what is caught is the check of the voices alone.
    """

    def data(self) -> Speech:
        """See `MeszarosRuns.data`."""
        return super().data().but(voices="mixed")


@dataclass(frozen=True)
class PermutedSigns(MeszarosRuns):
    """Signs permuted within every hidden neuron."""

    def falsified(self) -> Falsified:
        """See `MeszarosRuns.falsified`."""
        return "signs"


@dataclass(frozen=True)
class PermutedBands(MeszarosRuns):
    """Bands permuted within every hidden neuron, so that signs have an order in time alone."""

    def falsified(self) -> Falsified:
        """See `MeszarosRuns.falsified`."""
        return "bands"


@dataclass(frozen=True)
class PermutedDelays(MeszarosRuns):
    """Delays permuted within every hidden neuron, so that signs have an order in space alone."""

    def falsified(self) -> Falsified:
        """See `MeszarosRuns.falsified`."""
        return "delays"


@dataclass(frozen=True)
class SortedSigns(MeszarosRuns):
    """Every neuron excited by the lower half of the bands and inhibited by the upper one."""

    def falsified(self) -> Falsified:
        """See `MeszarosRuns.falsified`."""
        return "sorted"


def _dealt_out(*pairs: tuple[str, str]) -> Plant:
    """Plant: of every pair of roles that are there, deal the Runs out for every seed."""

    def plant(runs: Roles) -> Roles:
        there = (mixed(*pair) for pair in pairs if set(pair) <= set(runs))
        return chained(*there)(runs)

    return plant


ALL = (0.0, *STEPS)
STATIC_PAIRS = [
    (role("static" if s else "dense", "fixed", s), role("static" if s else "dense", "learned", s))
    for s in ALL
]
DYNAMIC_PAIRS = [(role("dynamic", "fixed", s), role("dynamic", "learned", s)) for s in STEPS]
STRUCTURE_PAIRS = [
    (role("static", kind, s), role("dynamic", kind, s)) for kind in BOTH for s in STEPS
]

DELAYS_DEALT_OUT = Control(
    "delays-dealt-out",
    "Fixed and learned delays are dealt out anew for every seed.",
    _dealt_out(*STATIC_PAIRS),
)
NEVER_LEARNED = Control(
    "delay-rate-0",
    "Delays that are called learned have a learning rate of 0: they are the fixed ones.",
    given_out({learned: fixed for fixed, learned in (*STATIC_PAIRS, *DYNAMIC_PAIRS)}),
)
NEVER_REWIRED = Control(
    "never-rewires",
    "Networks that are called dynamic keep the masks that were drawn: they are the static ones.",
    given_out({dynamic: static for static, dynamic in STRUCTURE_PAIRS}),
)
STRUCTURE_DEALT_OUT = Control(
    "structure-dealt-out",
    "Static and dynamic networks are dealt out anew for every seed.",
    _dealt_out(*STRUCTURE_PAIRS),
)
OPPOSED_DEALT_OUT = Control(
    "opposed-dealt-out",
    "Rewired networks with fixed delays and static ones with learned delays are dealt out anew for "
    "every seed.",
    _dealt_out(*((role("dynamic", "fixed", s), role("static", "learned", s)) for s in STEPS)),
)
STATIC_FOR_DYNAMIC = Control(
    "static-for-dynamic",
    "The static network with learned delays is given out for the rewired one with fixed ones.",
    given_out({role("dynamic", "fixed", s): role("static", "learned", s) for s in STEPS}),
)
UNMASKED = Control(
    "masks-not-applied",
    "Masks are not applied, so that every synapse is live.",
    seen_as(Unmasked),
)
KNOWN_VOICES = Control(
    "test-voices-in-training",
    "The voices that are tested are said to stand in the training, too, which the check must tell.",
    seen_as(KnownVoices),
)
DENSE_FOR_SPARSE = Control(
    "dense-for-sparse",
    "The dense network is given out for the sparse ones.",
    given_out({role("dynamic", kind, s): role("dense", "learned") for kind in BOTH for s in STEPS}),
)
PERMUTED_SIGNS = Control(
    "permuted-signs",
    "Signs are permuted within every hidden neuron.",
    seen_as(PermutedSigns),
)
PERMUTED_BANDS = Control(
    "permuted-bands",
    "Bands are permuted within every hidden neuron.",
    seen_as(PermutedBands),
)
PERMUTED_DELAYS = Control(
    "permuted-delays",
    "Delays are permuted within every hidden neuron.",
    seen_as(PermutedDelays),
)
SORTED_SIGNS = Control(
    "sorted-signs",
    "The lower half of the bands excites and the upper inhibits, before training and after.",
    seen_as(SortedSigns),
)
MASKS_DEALT_OUT = Control(
    "masks-dealt-out",
    "Final masks with their own and with permuted delays are dealt out anew for every seed.",
    _dealt_out((OWN, PERMUTED)),
)
