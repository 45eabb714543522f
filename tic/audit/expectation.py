"""Expected verdicts: which outcomes of each entry pass, as CI holds them."""

from __future__ import annotations

import json
from pathlib import Path

from tic.audit.document import Entry
from tic.errors import TicError
from tic.stats import Outcome

Expectation = dict[str, frozenset[Outcome]]


def load_expectation(path: Path) -> Expectation:
    """Read a JSON object from entry id to a list of allowed outcomes.

    Raises:
        TicError: The file is missing, not such an object, or names an unknown outcome.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(entry): frozenset(Outcome(name) for name in names)
            for entry, names in document.items()
        }
    except OSError as error:
        raise TicError(f"cannot read the expected verdicts {path}: {error.strerror}") from None
    except (ValueError, AttributeError, TypeError) as error:
        raise TicError(
            f"{path} must be a JSON object from entry id to a list of outcomes "
            f"({', '.join(Outcome)}): {error}"
        ) from None


def drift(entry: Entry, expected: Expectation, *, final: bool) -> str | None:
    """Tell how an entry departs from what is expected, or None.

    Args:
        entry: With its own outcome, and after the audit with its final one.
        expected: Allowed outcomes by entry id.
        final: Whether Holm's correction is done. Before it, SUPPORTED passes where INCONCLUSIVE is
            allowed, since the correction may still turn one into the other.
    """
    allowed = expected.get(entry.id)
    if allowed is None:
        return f"{entry.id} is not among the expected verdicts"
    possible = {entry.outcome}
    if not final and entry.outcome is Outcome.SUPPORTED:
        possible.add(Outcome.INCONCLUSIVE)
    if possible & allowed:
        return None
    return f"{entry.id} is {entry.outcome}, expected {' or '.join(sorted(allowed))}: {entry.reason}"
