"""Entries of an audit, with nothing in what a test does not state."""

from tic.document.audit import Entry, Scope
from tic.document.evidence import Contrast, Sensitivity
from tic.stats import Outcome

UNKNOWN = Sensitivity(flip_confidence=None, flips_to=None, flip_margin=None, without=())


def contrast(seeds):
    """A contrast that was supported, exact without seeds."""
    return Contrast(
        name="gap", unit="", seeds=seeds, effects=(1.0,) * max(1, len(seeds)),
        region={"low": 0.0, "high": None, "text": "above 0"}, confidence=0.95, estimate=1.0,
        interval=None, p_value=None, outcome=Outcome.SUPPORTED, reason="", seeds_to_decide=None,
        sensitivity=UNKNOWN,
    )  # fmt: skip


def entry(name, outcome, **fields):
    """An entry of a claim by the standard protocol."""
    nothing = {
        "id": name, "role": "claim", "threatens": (), "control": None, "claim": name,
        "version": 1, "paper": "p", "source": "s", "says": "s", "rule": "r", "parameters": {},
        "protocol": "standard", "alternatives": (), "scope": Scope(level="paper", differences=()),
        "own_outcome": outcome, "reason": "own reason", "p_value": None, "sensitivity": None,
        "contrasts": (), "comparisons": (), "checks": (), "worst_cases": (), "readings": (),
        "tables": (), "figures": (), "notes": (), "runs": (), "seconds": 0.0,
    }  # fmt: skip
    return Entry(outcome=outcome, **nothing | fields)


def judged(effect, seeds_to_decide):
    """A contrast that allows what is above 0."""
    return contrast((0, 1, 2)).model_copy(
        update={"estimate": effect, "seeds_to_decide": seeds_to_decide}
    )
