"""How many verdicts were corrected together, for each paper of an audit."""

from __future__ import annotations

from typing import Literal

from tic.document.audit import Entry, Multiplicity
from tic.report.numerals import counted, enumerated

Corrected = Literal["claim", "rival"]


def family_of(entry: Entry, multiplicity: Multiplicity) -> str:
    """Count the claims, or the rivals, that a claim, or a rival, was corrected with."""
    noun: Corrected = "rival" if entry.role == "rival" else "claim"
    return counted(_sizes(multiplicity, noun).get(entry.paper, 0), noun)


def families(multiplicity: Multiplicity, noun: Corrected) -> str:
    """Count the members of every family, with its paper where there are several."""
    sizes = _sizes(multiplicity, noun)
    if len(sizes) < 2:
        return counted(sum(sizes.values()), noun)
    return enumerated([f"{counted(n, noun)} of {paper}" for paper, n in sizes.items()])


def _sizes(multiplicity: Multiplicity, noun: Corrected) -> dict[str, int]:
    return {
        family.paper: family.rivals if noun == "rival" else family.claims
        for family in multiplicity.families
    }
