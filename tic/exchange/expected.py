"""Expected verdicts from an audit: what passes where it is run again on another machine.

Training gives the same bits on the same kind of processor only, so another machine has other Runs
of the same distribution; and as far as a budget reaches depends on its speed.
"""

from __future__ import annotations

import json

from tic.document.audit import Audit, Entry
from tic.document.deciding import sampled_seeds
from tic.document.seal import require_unaltered
from tic.errors import TicError
from tic.stats.judge import DECIDED, Outcome

LEANS = 0.95
"""Confidence up to which an open verdict must be decided to be said to lean to one side."""
_VERDICTS = (Outcome.INCONCLUSIVE, *DECIDED)


def expected_verdicts(audit: Audit) -> str:
    """List the verdicts that pass, per claim and rival, that of the audit first.

    What was decided may be left open elsewhere, but not be decided the other way; what was left
    open may be decided to the side that it leans to, or to either where it leans to none. What
    was not run may come out in any way, and with a budget anything may be not run. Arithmetic is
    the same everywhere. Negative controls are not listed: none may ever be SUPPORTED.

    Raises:
        TicError: The audit was altered, is incomplete, or has an entry that ended in an error,
            which nobody expects.
    """
    require_unaltered(audit)
    if not audit.completed:
        raise TicError(
            "expected verdicts must be those of a complete audit, got one that ended before every "
            "claim was judged; the command that made it goes on from there"
        )
    rows = [
        f" {json.dumps(entry.id, ensure_ascii=False)}: {json.dumps(_allowed(entry))}"
        for entry in audit.entries
        if entry.role != "control"
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _allowed(entry: Entry) -> list[str]:
    if entry.outcome is Outcome.ERROR:
        raise TicError(
            f"{entry.id} ended in an error, which no audit is expected to: {entry.reason}; "
            "mend it, and take the verdicts of an audit without"
        )
    if entry.outcome is Outcome.NOT_RUN:
        allowed = [Outcome.NOT_RUN, *_VERDICTS]
    elif not sampled_seeds(entry):
        allowed = [entry.outcome]
    else:
        open_again = [Outcome.NOT_RUN] if entry.design == "sequential" else []
        allowed = [entry.outcome, Outcome.INCONCLUSIVE, *_leaning(entry), *open_again]
    return [str(outcome) for outcome in dict.fromkeys(allowed)]


def _leaning(entry: Entry) -> list[Outcome]:
    if entry.outcome is not Outcome.INCONCLUSIVE:
        return []
    nearness = entry.sensitivity
    if nearness is None or nearness.flips_to is None or nearness.flip_confidence is None:
        return [*DECIDED]
    leans = nearness.flip_confidence >= LEANS
    return [nearness.flips_to] if leans else [*DECIDED]
