"""Claims and what becomes of them: what the author of a claim imports.

Names are imported when they are first used, so that a report is read and rendered without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tic.audit.claims import Claim, Rival, claim, rival
    from tic.audit.counterfeit import Counterfeit
    from tic.audit.document import Audit, Paper
    from tic.audit.evidence import HeatMap, Panel
    from tic.audit.pack import Pack, Setting
    from tic.audit.protocol import Gap, Protocol

_HOMES = {
    "Audit": "document",
    "Claim": "claims",
    "Counterfeit": "counterfeit",
    "Gap": "protocol",
    "HeatMap": "evidence",
    "Pack": "pack",
    "Panel": "evidence",
    "Paper": "document",
    "Protocol": "protocol",
    "Rival": "claims",
    "Setting": "pack",
    "claim": "claims",
    "rival": "claims",
}

__all__ = [
    "Audit",
    "Claim",
    "Counterfeit",
    "Gap",
    "HeatMap",
    "Pack",
    "Panel",
    "Paper",
    "Protocol",
    "Rival",
    "Setting",
    "claim",
    "rival",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"tic.audit.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'tic.audit' has no attribute {name!r}")
