"""Expected verdicts: which outcomes of each entry pass, as CI holds them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tic.document.audit import Entry
from tic.errors import TicError
from tic.files import parse_json, read_whole
from tic.stats import Outcome
from tic.text import quoted

_NAMES = frozenset(map(str, Outcome))


@dataclass(frozen=True)
class Expectation:
    """What is expected of an audit.

    Attributes:
        file: That says so.
        allowed: The outcomes that pass, by entry id.
    """

    file: Path
    allowed: Mapping[str, frozenset[Outcome]]


def load_expectation(path: Path) -> Expectation:
    """Read a JSON object from entry id to a list of allowed outcomes.

    Raises:
        TicError: The file is missing, not such an object, or names an unknown outcome.
    """
    try:
        content = read_whole(path)
    except OSError as error:
        raise TicError(
            f"cannot read the expected verdicts {path}: {error.strerror}; "
            f"{way_out(Path('audit.json'), path)} writes them from an audit"
        ) from None
    try:
        document = parse_json(content)
        if not isinstance(document, dict):
            raise TicError(f"a JSON {type(document).__name__}")
        allowed = {entry: _outcomes(entry, names) for entry, names in document.items()}
        return Expectation(path, allowed)
    except TicError as error:
        raise TicError(
            f"{path} must be a JSON object from entry id to a list of outcomes "
            f"({', '.join(Outcome)}), got {error}; "
            f"{way_out(Path('audit.json'), path)} writes it from an audit"
        ) from None


def way_out(audit: Path, file: Path) -> str:
    """Tell the command that writes the file of expected verdicts from an audit."""
    return f"tic expected {shlex.quote(str(audit))} > {shlex.quote(str(file))}"


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
        expected: Which outcomes are allowed.
    """
    allowed = expected.allowed.get(entry.id)
    if allowed is None:
        return f"{entry.id} is not among the expected verdicts of {expected.file}"
    if entry.outcome in allowed:
        return None
    reason = f": {entry.reason}" if entry.reason else ""
    return (
        f"{entry.id} is {entry.outcome}, expected {' or '.join(sorted(allowed))} "
        f"by {expected.file}{reason}"
    )
