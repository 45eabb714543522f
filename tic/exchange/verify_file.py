"""Verifying an audit that lies in a file or an archive, and telling what was found."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from tic.document.archive import archived, is_archive, read_beside
from tic.document.artefacts import StoreArtefacts
from tic.document.audit import Audit
from tic.document.loading import load_audit
from tic.exchange.remeasuring import measure_again, trust
from tic.exchange.verify_audit import (
    Examined,
    verification_text,
    verify_artefacts,
    verify_document,
)
from tic.lab import Lab
from tic.report.render import report_files


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
    if is_archive(path):
        examined.append(_pages(path, audit))
    return verification_text(examined), not any(step.faults for step in examined)


def _pages(path: Path, audit: Audit) -> Examined:
    """Compare page and summary of an archive with those that this version makes of its audit.

    Another one is no fault: a version that draws otherwise may have made it.
    """
    made = {name: content.encode() for name, content in report_files(audit).items()}
    beside = read_beside(path, made)
    same = [name for name, content in beside.items() if content == made[name]]
    others = [name for name in made if name not in same]
    remark = (
        f"not checked: {' and '.join(others)}, other than this version makes of the audit; "
        "tic report makes them anew"
    )
    return Examined("pages", len(same), remark=remark if others else "")
