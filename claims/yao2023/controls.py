"""Planted worlds in which claims of this paper are false; see `tic.audit.control`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from claims.yao2023.recipes import ATTENTION, OTHER, PLAIN
from claims.yao2023.runs import NOISY, YaoRuns
from tic.audit import Array, Control, chained, given_out, mixed, seen_as

UNREACHED = 1e30
"""A threshold that no membrane reaches."""


@dataclass(frozen=True)
class WithoutMaps(YaoRuns):
    """Networks whose maps are 1, after they were trained with them."""

    def falsified(self) -> dict[str, Any]:
        """See `YaoRuns.falsified`."""
        return {"without_maps": True}


@dataclass(frozen=True)
class Silent(YaoRuns):
    """Networks none of whose neurons ever fires."""

    def falsified(self) -> dict[str, Any]:
        """See `YaoRuns.falsified`."""
        return {"threshold": UNREACHED}


@dataclass(frozen=True)
class Thinned(YaoRuns):
    """Features of whose spikes a third are counted, chosen at random."""

    def _layers(self, **falsified: Any) -> list[list[dict[str, Array]]]:
        return super()._layers(**falsified, counted=1 / 3)


@dataclass(frozen=True)
class Faint(YaoRuns):
    """Features of which so few spikes are counted that none can fire as one of noise does."""

    def _layers(self, **falsified: Any) -> list[list[dict[str, Array]]]:
        return super()._layers(**falsified, counted=NOISY / 2)


@dataclass(frozen=True)
class FewerEvents(YaoRuns):
    """Networks that are shown half of the events."""

    def falsified(self) -> dict[str, Any]:
        """See `YaoRuns.falsified`."""
        return {"shown": 0.5}


@dataclass(frozen=True)
class Displaced(YaoRuns):
    """Features told apart by places that have nothing to do with the object."""

    def _layers(self, **falsified: Any) -> list[list[dict[str, Array]]]:
        return super()._layers(**falsified, displaced=True)


@dataclass(frozen=True)
class RotatedChannels(YaoRuns):
    """Channels that change their places at every timestep."""

    def likeness(self, **falsified: Any) -> tuple[Array, Array]:
        """See `YaoRuns.likeness`."""
        return super().likeness(**falsified, rotated=True)


DEALT_OUT = Control(
    "dealt-out",
    "The module is dealt out anew for every seed.",
    mixed(PLAIN, ATTENTION),
)
NO_MODULE = Control(
    "no-module",
    "The network without the module is given out for that with it.",
    given_out({ATTENTION: PLAIN}),
)
NO_MAPS = Control(
    "no-maps",
    "All maps of the trained network are 1.",
    seen_as(WithoutMaps, ATTENTION.__eq__),
)
SILENT = Control(
    "silent",
    "No neuron of the network with the module ever fires.",
    seen_as(Silent, ATTENTION.__eq__),
)
FEWER_EVENTS = Control(
    "fewer-events",
    "The network without the module is given out for that with it, and shown half of the events.",
    chained(given_out({ATTENTION: PLAIN}), seen_as(FewerEvents, ATTENTION.__eq__)),
)
THINNED = Control(
    "thinned",
    "Spikes of the network without the module, deleted at random, are given out for those with it.",
    chained(given_out({ATTENTION: PLAIN}), seen_as(Thinned, ATTENTION.__eq__)),
)
FAINT = Control(
    "faint",
    "Of all spikes an eighth are counted, chosen at random, so that no feature fires above a bound "
    "of a quarter.",
    seen_as(Faint),
)
DISPLACED = Control(
    "displaced",
    "Where the object is, is moved by chance at every timestep.",
    seen_as(Displaced),
)
ROTATED_CHANNELS = Control(
    "rotated-channels",
    "Channels change their places at every timestep.",
    seen_as(RotatedChannels),
)
TIED = Control(
    "tied",
    "Networks that share and that do not share are dealt out anew for every seed.",
    mixed(PLAIN, OTHER),
)
OTHER_FOR_MODULE = Control(
    "other-for-module",
    "The other network is given out for the one with the module.",
    given_out({ATTENTION: OTHER}),
)
PLAIN_FOR_HALF = Control(
    "plain-for-half",
    "The network without the module is given out for that with λ = ½.",
    given_out({ATTENTION: PLAIN}),
)
PENALISED_FOR_PLAIN = Control(
    "penalised-for-plain",
    "The network that pays for its firing rate is given out for the plain one.",
    given_out({PLAIN: OTHER}),
)
