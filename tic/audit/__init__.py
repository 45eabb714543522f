"""Claims and what becomes of them: what the author of a claim imports."""

from tic.audit.claim import Claim, Pack, Setting, claim
from tic.audit.evidence import Audit, Panel, Paper

__all__ = ["Audit", "Claim", "Pack", "Panel", "Paper", "Setting", "claim"]
