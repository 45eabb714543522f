"""Verifying an audit that lies in a file or an archive, and telling what was found."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from tic.document.archive import archived, is_archive
from tic.document.artefacts import StoreArtefacts
from tic.document.loading import load_audit
from tic.exchange.remeasuring import measure_again, trust
from tic.exchange.verify_audit import verification_text, verify_artefacts, verify_document
from tic.lab import Lab


def verify(
    path: Path,
    store: Path | None,
    data: Path | None,
    sample: int,
    seed: int,
    trusted: Collection[str] = (),
) -> tuple[str, bool]:
    """Verify an audit by itself, and what it rests on where that is at hand.

    Args:
        path: Of an `audit.json`, or of an archive, which brings what it rests on.
        store: Root of the Store that the audit rests on, if it is here.
        data: Folder that data sets are looked for in first.
        sample: How many of the Store's measurements are taken once more.
        seed: Of their drawing.
        trusted: Packages outside of `tic` that are imported for it; what others define is
            reported as not checked.

    Returns:
        What was verified, for people, and whether it holds.

    Raises:
        TicError: There is no audit or no Store, the audit was made by an older version, or a
            package cannot be imported or is not named by the audit.
    """
    audit = load_audit(path)
    trust(trusted, audit)
    examined = verify_document(audit, trusted)
    if store is not None:
        artefacts = StoreArtefacts(store)
        examined += verify_artefacts(audit, artefacts)
        # What is not as it was audited needs no second measurement.
        if not any(step.faults for step in examined):
            lab = Lab(store, data)
            again = measure_again(audit, artefacts, lab, sample=sample, seed=seed, trusted=trusted)
            examined.append(again)
    elif is_archive(path):
        with archived(path) as inside:
            examined += verify_artefacts(audit, inside)
    return verification_text(examined), not any(step.faults for step in examined)
