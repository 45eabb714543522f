"""Claims and what becomes of them: what the author of a claim imports."""

from tic.audit.claim import Claim, Pack, Setting, claim
from tic.audit.evidence import Audit, HeatMap, Panel, Paper
from tic.audit.protocol import Gap, Protocol

__all__ = [
    "Audit",
    "Claim",
    "Gap",
    "HeatMap",
    "Pack",
    "Panel",
    "Paper",
    "Protocol",
    "Setting",
    "claim",
]
