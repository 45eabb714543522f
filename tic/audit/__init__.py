"""What the author of a claim imports: all of it from here.

Names are imported when they are first used, so that a report is read and rendered without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tic.audit.claims import Claim, Rival, claim, rival
    from tic.audit.control import (
        ONE_SEED,
        PERMUTED_LABELS,
        SHUFFLED_TIMESTEPS,
        UNTRAINED,
        Control,
        chained,
        given_out,
        mixed,
        seen_as,
    )
    from tic.audit.exhibits import curves
    from tic.audit.judge import Judge
    from tic.audit.pack import Pack, Setting
    from tic.audit.protocol import Gap, Protocol
    from tic.audit.runs import Array, Epoch, SeedRuns
    from tic.data import Augmentation, Dataset, Facts, Samples, Split
    from tic.document.audit import Audit, Paper
    from tic.document.evidence import Unknown
    from tic.document.figures import Bars, HeatMap, Histogram, Images, Panel, Series
    from tic.errors import NotApplicableError, TicError
    from tic.fitting import Fit, Fitting, Rule
    from tic.kinds import as_kind
    from tic.losses import Loss
    from tic.measure.measurement import Measurement
    from tic.models.adapters import Adapted
    from tic.models.architecture import Architecture
    from tic.recipe import Recipe
    from tic.stats import above, below, within

_HOMES = {
    "tic.audit.claims": ("Claim", "Rival", "claim", "rival"),
    "tic.audit.control": (
        "ONE_SEED",
        "PERMUTED_LABELS",
        "SHUFFLED_TIMESTEPS",
        "UNTRAINED",
        "Control",
        "chained",
        "given_out",
        "mixed",
        "seen_as",
    ),
    "tic.document.audit": ("Audit", "Paper"),
    "tic.document.evidence": ("Unknown",),
    "tic.document.figures": ("Bars", "HeatMap", "Histogram", "Images", "Panel", "Series"),
    "tic.audit.exhibits": ("curves",),
    "tic.audit.judge": ("Judge",),
    "tic.audit.pack": ("Pack", "Setting"),
    "tic.audit.protocol": ("Gap", "Protocol"),
    "tic.audit.runs": ("Array", "Epoch", "SeedRuns"),
    "tic.data": ("Augmentation", "Dataset", "Facts", "Samples", "Split"),
    "tic.errors": ("NotApplicableError", "TicError"),
    "tic.fitting": ("Fit", "Fitting", "Rule"),
    "tic.kinds": ("as_kind",),
    "tic.losses": ("Loss",),
    "tic.measure.measurement": ("Measurement",),
    "tic.models.adapters": ("Adapted",),
    "tic.models.architecture": ("Architecture",),
    "tic.recipe": ("Recipe",),
    "tic.stats": ("above", "below", "within"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ONE_SEED",
    "PERMUTED_LABELS",
    "SHUFFLED_TIMESTEPS",
    "UNTRAINED",
    "Adapted",
    "Architecture",
    "Array",
    "Audit",
    "Augmentation",
    "Bars",
    "Claim",
    "Control",
    "Dataset",
    "Epoch",
    "Facts",
    "Fit",
    "Fitting",
    "Gap",
    "HeatMap",
    "Histogram",
    "Images",
    "Judge",
    "Loss",
    "Measurement",
    "NotApplicableError",
    "Pack",
    "Panel",
    "Paper",
    "Protocol",
    "Recipe",
    "Rival",
    "Rule",
    "Samples",
    "SeedRuns",
    "Series",
    "Setting",
    "Split",
    "TicError",
    "Unknown",
    "above",
    "as_kind",
    "below",
    "chained",
    "claim",
    "curves",
    "given_out",
    "mixed",
    "rival",
    "seen_as",
    "within",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'tic.audit' has no attribute {name!r}")
