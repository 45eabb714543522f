"""Expected verdicts: which outcomes of each entry pass, as CI holds them."""

from __future__ import annotations

from pathlib import Path

from tic.document.audit import Entry
from tic.errors import TicError
from tic.files import parse_json, read_whole
from tic.stats import Outcome
from tic.text import quoted

Expectation = dict[str, frozenset[Outcome]]
_NAMES = frozenset(map(str, Outcome))


def load_expectation(path: Path) -> Expectation:
    """Read a JSON object from entry id to a list of allowed outcomes.

    Raises:
        TicError: The file is missing, not such an object, or names an unknown outcome.
    """
    try:
        content = read_whole(path)
    except OSError as error:
        raise TicError(
            f"cannot read the expected verdicts {path}: {error.strerror}; name a file, such as "
            f"reports/expected/smoke.json"
        ) from None
    try:
        document = parse_json(content)
        if not isinstance(document, dict):
            raise TicError(f"a JSON {type(document).__name__}")
        return {entry: _outcomes(entry, names) for entry, names in document.items()}
    except TicError as error:
        raise TicError(
            f"{path} must be a JSON object from entry id to a list of outcomes "
            f"({', '.join(Outcome)}), got {error}"
        ) from None


def _outcomes(entry: str, names: object) -> frozenset[Outcome]:
    if isinstance(names, list) and names:
        allowed = frozenset(name for name in names if isinstance(name, str) and name in _NAMES)
        if len(allowed) == len(names):
            return frozenset(map(Outcome, allowed))
    raise TicError(f"{quoted(names)} for {quoted(entry)}")


def drift(entry: Entry, expected: Expectation) -> str | None:
    """Tell how a final entry departs from what is expected, or None.

    Args:
        entry: As it was judged.
        expected: Allowed outcomes by entry id.
    """
    allowed = expected.get(entry.id)
    if allowed is None:
        return f"{entry.id} is not among the expected verdicts"
    if entry.outcome in allowed:
        return None
    return f"{entry.id} is {entry.outcome}, expected {' or '.join(sorted(allowed))}: {entry.reason}"
