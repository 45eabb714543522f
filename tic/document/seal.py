"""The seal of an audit: a digest over all of it, which shows whether it was changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tic.document.audit import Audit
from tic.errors import TicError
from tic.text import quoted


def seal(audit: Audit) -> str:
    """Digest everything but the seal itself.

    Whoever changes an audit can seal it anew; what its numbers rest on is in the Store.
    """
    return digest(audit.model_dump(mode="json"))


def digest(document: Mapping[str, Any]) -> str:
    """Digest an audit's JSON without its seal: sha256 of it with sorted keys, in hexadecimal."""
    rest = {name: value for name, value in document.items() if name != "seal"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def is_altered(audit: Audit) -> bool:
    """Whether an audit was changed after it was sealed; one without a seal does not tell."""
    return audit.seal is not None and audit.seal != seal(audit)


def require_unaltered(audit: Audit) -> None:
    """Refuse to take anything out of an audit that was changed after it was sealed.

    Raises:
        TicError: Its seal is not that of its numbers.
    """
    if is_altered(audit):
        raise TicError(
            f"what is taken out of an audit must be what it came to, got one of "
            f"{quoted(audit.started)} that was changed after it was made: its seal is not that of "
            "its numbers. Take the one that was made; tic verify tells which verdicts do not "
            "follow from their effects"
        )


def sealed(audit: Audit) -> Audit:
    """Return the audit with its seal."""
    return audit.model_copy(update={"seal": seal(audit)})
