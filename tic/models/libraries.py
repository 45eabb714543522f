"""Libraries of spiking networks, whose modules are told by where their classes are defined.

So none of them is imported for it.
"""

from __future__ import annotations

from torch import nn

LIBRARIES = {"norse": "Norse", "snntorch": "snnTorch", "spikingjelly": "SpikingJelly"}
"""Their names by the package that one imports."""

_MARKS = {"snntorch": "reset_mem", "spikingjelly": "named_memories"}
"""What neurons have, and no other module of the library; those of Norse keep no state."""


def library_of(module: nn.Module) -> str | None:
    """Package that a module's class, or one that it is derived from, is of."""
    roots = (base.__module__.partition(".")[0] for base in type(module).__mro__)
    return next((root for root in roots if root in LIBRARIES), None)


def has_state(module: nn.Module) -> bool:
    """Whether a module is a neuron, or another one, that remembers the last call."""
    mark = _MARKS.get(library_of(module) or "")
    return mark is not None and hasattr(module, mark)
