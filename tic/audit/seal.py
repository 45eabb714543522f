"""The seal of an audit: a digest over all of it, which shows whether it was changed since."""

from __future__ import annotations

import hashlib
import json

from tic.audit.document import Audit


def seal(audit: Audit) -> str:
    """Digest everything but the seal itself: sha256 of the JSON with sorted keys, in hexadecimal.

    Whoever changes an audit can seal it anew; what its numbers rest on is in the Store.
    """
    document = audit.model_dump(mode="json", exclude={"seal"})
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def sealed(audit: Audit) -> Audit:
    """Return the audit with its seal."""
    return audit.model_copy(update={"seal": seal(audit)})
