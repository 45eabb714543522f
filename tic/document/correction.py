"""The error rate of a whole audit, and what each claim of it may spend.

Among the claims of a paper in one setting, all of them true, one may be REFUTED in at most 2.5 % of
audits, and among false ones one SUPPORTED in at most 2.5 %; likewise among its rivals. A claim that
is bounded on both sides may be REFUTED at either, so that among such claims it is up to 5 % where
their regions are narrow beside the spread of the seeds. Every claim has an equal part of the error
rate (Bonferroni), whose size the paper's pack fixes: so a claim has the same verdict alone and
among all, at once and whatever became of the others. Holm's correction would decide a little more,
but only together, so that a claim would have another verdict alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from tic.document.audit import Audit, Entry, Family, Multiplicity, Role
from tic.document.deciding import rejudge, sampled_seeds
from tic.document.former_correction import METHOD as HOLM
from tic.stats import Design, error_share

LEVEL = 0.025
"""Of a paper's claims in one setting together, for supports and for refutations alike."""
CONFIDENCE = 1 - 2 * LEVEL
"""Of a claim that shares it with no other, at a single look."""
METHOD = "Bonferroni"


def claim_confidence(n_seeds: int, design: Design, members: int) -> float:
    """Return the confidence of the two-sided intervals that decide one claim.

    Args:
        n_seeds: that the claim is judged on.
        design: whether that number was chosen in advance; see `tic.stats.looks`.
        members: how many claims share the level; 1 for a negative control, which is judged alone.
    """
    return 1 - 2 * LEVEL * error_share(n_seeds, design) / max(1, members)


def family_size_of(families: Sequence[Family], paper: str, setting: str, role: Role) -> int:
    """Return how many claims, or rivals, share the level with one of a paper in a setting.

    A negative control is judged alone: 1. Of a paper in a setting that has no family: 0.
    """
    if role == "control":
        return 1
    for family in families:
        if (family.paper, family.setting) == (paper, setting):
            return family.rivals if role == "rival" else family.claims
    return 0


def questions(entries: Sequence[Entry]) -> dict[tuple[str, str, Role], int]:
    """Count the different claims and rivals that were judged on seeds.

    Returns:
        By paper, setting and role; a claim counts once, whatever protocols it was judged by.
    """
    judged: dict[tuple[str, str, Role], set[object]] = {}
    for entry in entries:
        if entry.role != "control" and sampled_seeds(entry):
            members = judged.setdefault((entry.paper, entry.setting, entry.role), set())
            members.add((entry.claim, tuple(sorted(entry.parameters.items()))))
    return {place: len(members) for place, members in judged.items()}


def is_former(multiplicity: Multiplicity) -> bool:
    """Whether an audit was judged by the rule before schema 5, which let refutations pass."""
    return multiplicity.method == HOLM


def by_todays_rule(audit: Audit) -> Audit:
    """Judge every entry of an audit again by today's rule, in the families that it names.

    Raises:
        ValueError: Effects cannot be judged; the sentence names the entry.
    """
    rule = audit.multiplicity.model_copy(update={"method": METHOD, "level": LEVEL})
    entries = tuple(rejudge_by_rule(entry, rule) for entry in audit.entries)
    return audit.model_copy(update={"entries": entries, "multiplicity": rule})


def rejudge_by_rule(entry: Entry, multiplicity: Multiplicity) -> Entry:
    """Judge an entry again from its effects, by the rule that its audit followed.

    Of an audit before schema 5 that is its verdict by itself; `correct_by_holm` corrects them all.

    Raises:
        ValueError: Effects cannot be judged; the sentence names the entry.
    """
    confidence = None if is_former(multiplicity) else _confidence(entry, multiplicity)
    try:
        return rejudge(entry, confidence)
    except ValueError as error:
        raise ValueError(f"{entry.id}: cannot be judged again: {error}") from error


def _confidence(entry: Entry, multiplicity: Multiplicity) -> float | None:
    n_seeds = len(sampled_seeds(entry))
    if not n_seeds:
        return None
    members = family_size_of(multiplicity.families, entry.paper, entry.setting, entry.role)
    return claim_confidence(n_seeds, entry.design, members)
