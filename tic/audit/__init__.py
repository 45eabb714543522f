"""Claims and what becomes of them: what the author of a claim imports."""

from tic.audit.claim import Claim, Rival, claim, rival
from tic.audit.counterfeit import Counterfeit
from tic.audit.document import Audit, Paper
from tic.audit.evidence import HeatMap, Panel
from tic.audit.pack import Pack, Setting
from tic.audit.protocol import Gap, Protocol

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
