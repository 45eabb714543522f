"""Verifying an audit: is it as it was made, do its verdicts follow, and are its artefacts there?"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tic.document.artefacts import Artefacts
from tic.document.audit import Audit, Entry
from tic.document.correction import (
    CONFIDENCE,
    LEVEL,
    METHOD,
    family_size_of,
    is_former,
    questions,
    rejudge_by_rule,
)
from tic.document.coverage import with_coverage, with_former_bound
from tic.document.former_correction import correct_by_holm
from tic.document.seal import is_altered, seal
from tic.errors import TicError
from tic.exchange.repetitions import seed_faults
from tic.kinds import within
from tic.recipe import Recipe
from tic.restoring import UntrustedError, trusting
from tic.run import MANIFEST
from tic.session.records import digest_key
from tic.stats.judge import JUDGED
from tic.text import visible

_WORDED_OTHERWISE = frozenset({"reason", "seeds_to_decide"})
"""What audits before schema 5 said in other words of the same numbers."""
TOLERANCE = 1e-9
"""Relative difference of numbers that were computed by other versions of the libraries."""


@dataclass(frozen=True)
class Examined:
    """What was looked at, and what was found to be wrong.

    Attributes:
        what: Kind of thing, in the plural, such as `verdicts`.
        count: How many.
        faults: A sentence for each that is wrong.
        remark: What a reader must know beside it.
    """

    what: str
    count: int
    faults: tuple[str, ...] = ()
    remark: str = ""


def verify_document(audit: Audit, trusted: Collection[str] = ()) -> list[Examined]:
    """Verify an audit by itself: seal, verdicts from their effects, identities of Runs.

    Args:
        audit: As it was read.
        trusted: Packages beside `tic` whose kinds are made to compute the identities of Runs that
            have them; the others are reported as not checked.

    Raises:
        TicError: It was made by a version that kept too little.
    """
    if audit.seal is None:
        raise TicError(
            "the audit must have a seal to be verified, got none: it was made by an older version "
            "or written by hand; make it again with this version"
        )
    return [_examine_seal(audit), _examine_verdicts(audit), _examine_runs(audit, trusted)]


def _examine_seal(audit: Audit) -> Examined:
    if not is_altered(audit):
        return Examined("seal", 1)
    fault = (
        f"the audit was changed after it was made: its seal is {audit.seal}, its digest "
        f"{seal(audit)}"
    )
    return Examined("seal", 1, (fault,))


def _examine_verdicts(audit: Audit) -> Examined:
    """Judge every entry again, by the rule and in the families that the audit names."""
    faults: list[str] = []
    again: list[Entry] = []
    runs = {run.fingerprint: run for run in audit.runs}
    for entry in audit.entries:
        try:
            judged = rejudge_by_rule(entry, audit.multiplicity)
            if entry.coverage is not None:
                judged = with_former_bound(with_coverage(judged, runs), entry.coverage)
            again.append(judged)
        except ValueError as error:
            faults.append(str(error))
            again.append(entry)
    former = is_former(audit.multiplicity)
    if former:  # which corrected all of them together
        again, multiplicity = correct_by_holm(again, CONFIDENCE)
    else:
        rule = {"method": METHOD, "level": LEVEL}
        multiplicity = audit.multiplicity.model_copy(update=rule)
        faults += _small_families(audit)
    for recorded, entry in zip(audit.entries, again, strict=True):
        if recorded.outcome in JUDGED and not recorded.contrasts:
            faults.append(f"{recorded.id}: is {recorded.outcome}, and no contrast says why")
        faults += [
            f"{recorded.id}: {difference}"
            for path, difference in _differences(recorded, entry)
            if not (former and path.rpartition(".")[2].split(" ")[0] in _WORDED_OTHERWISE)
        ]
    faults += [
        f"multiplicity: {text}" for _, text in _differences(audit.multiplicity, multiplicity)
    ]
    return Examined("verdicts", len(again), tuple(faults))


def _small_families(audit: Audit) -> list[str]:
    """Families that are missing, or smaller than what the audit itself judged of them."""
    families = audit.multiplicity.families
    return [
        f"multiplicity: {size} {role}s of {paper} share the error rate in "
        f"{setting or 'the audit'}, and {judged} were judged there"
        for (paper, setting, role), judged in questions(audit.entries).items()
        if (size := family_size_of(families, paper, setting, role)) < judged
    ]


def _differences(recorded: Any, again: Any) -> list[tuple[str, str]]:
    """Where two records differ, and how, in words."""
    before, after = recorded.model_dump(mode="json"), again.model_dump(mode="json")
    return [
        (path, f"{path} is {old!r}, and {new!r} when judged again")
        for path, old, new in _compare(before, after, "")
        # Earlier audits do not tell it for trends and rates. It is advice and no verdict.
        if not (path.endswith("seeds_to_decide") and old is None)
    ]


def _compare(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield where two JSON documents differ by more than the tolerance."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            yield from _compare(old[key], new[key], f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for position, pair in enumerate(zip(old, new, strict=True), start=1):
            yield from _compare(*pair, f"{path} {position}")
    elif not same(old, new):
        yield path, old, new


def same(old: object, new: object) -> bool:
    """Whether two values are equal, numbers up to the rounding of other library versions."""
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return old == new


def recipes_of(audit: Audit, trusted: Collection[str] = ()) -> dict[str, Recipe | UntrustedError]:
    """Rebuild the Recipes of an audit's Runs, by fingerprint.

    Args:
        audit: Lists the Runs.
        trusted: Packages beside `tic` whose kinds are made.

    Returns:
        Recipes, and where one or its ancestor has a kind of another package, what was said of it.

    Raises:
        TicError: A Recipe is none, or its parent is missing or its own descendant.
    """
    records = {record.fingerprint: record for record in audit.runs}
    made: dict[str, Recipe | UntrustedError] = {}

    def make(fingerprint: str, descendants: frozenset[str]) -> Recipe | UntrustedError:
        if fingerprint in made:
            return made[fingerprint]
        if fingerprint in descendants or fingerprint not in records:
            raise TicError(
                f"every Run must name a parent that is in the audit and no descendant of it, got "
                f"{fingerprint!r}; the audit is not whole"
            )
        fields = dict(records[fingerprint].recipe)
        parent = fields.pop("parent", None)
        elder = None if parent is None else make(str(parent), descendants | {fingerprint})
        made[fingerprint] = elder if isinstance(elder, UntrustedError) else restored(fields, elder)
        return made[fingerprint]

    def restored(fields: dict[str, Any], parent: Recipe | None) -> Recipe | UntrustedError:
        try:
            with trusting(trusted):
                return Recipe.model_validate({**fields, "parent": parent})
        except UntrustedError as error:
            return error

    for fingerprint in records:
        make(fingerprint, frozenset())
    return made


def _examine_runs(audit: Audit, trusted: Collection[str]) -> Examined:
    """See that every entry's Runs are listed, and every Run is what its fingerprint says."""
    records = {record.fingerprint: record for record in audit.runs}
    faults = [
        f"{entry.id}: rests on the Run {fingerprint}, which is not listed"
        for entry in audit.entries
        for fingerprint in entry.runs
        if fingerprint not in records
    ]
    faults += [
        f"{record.label}: is listed as of seed {record.seed}, and its Recipe has seed {seed}"
        for record in audit.runs
        if (seed := record.recipe.get("seed")) != record.seed
    ]
    for entry in audit.entries:
        # Controls are judged on Runs that were falsified on purpose.
        if entry.role != "control" and records.keys() >= set(entry.runs):
            faults += seed_faults(entry, [records[each] for each in entry.runs])
    try:
        recipes = recipes_of(audit, trusted)
    except TicError as error:
        return Examined("Runs", len(records), (*faults, str(error)))
    digests = audit.provenance.data_digests
    unchecked: Counter[str] = Counter()
    for fingerprint, recipe in recipes.items():
        if isinstance(recipe, UntrustedError):
            unchecked[untrusted(recipe.module, audit)] += 1
            continue
        *ancestral, own = (
            digests.get(digest_key(each.dataset, each.train_size), "")
            for each in (*recipe.ancestors, recipe)
        )
        if not own or recipe.fingerprint(own, ancestral) != fingerprint:
            faults.append(
                f"{fingerprint}: is not the fingerprint of its Recipe ({recipe.label}) and data; "
                "it was changed, or trained by another version"
            )
    remark = "; ".join(f"{count} not checked: {reason}" for reason, count in unchecked.items())
    return Examined("Runs", len(records) - unchecked.total(), tuple(faults), remark)


def untrusted(module: str, audit: Audit) -> str:
    """Say who defines what was not made, and how it would be."""
    package = next((package for package in audit.packages if within(module, package)), None)
    if package is None:
        return f"defined by {module}, which the audit does not name"
    return f"defined by {package}, which --trust {package} imports"


def verify_artefacts(audit: Audit, artefacts: Artefacts) -> list[Examined]:
    """Verify what an audit rests on: the files of its Runs and measurements, by their sha256."""
    faults: list[str] = []
    count = left_out = 0
    for label, path, digest in stored_files(audit, artefacts):
        stored = artefacts.digest(path)
        if stored is None and is_weights(path) and not artefacts.has_weights:
            left_out += 1
            continue
        count += 1
        if stored != digest:
            how = "is missing" if stored is None else "is not the one that was audited"
            faults.append(f"{label}: {path} {how}")
    remark = f"{left_out} files of weights are not part of the archive" if left_out else ""
    return [Examined("artefacts", count, tuple(faults), remark)]


def stored_files(audit: Audit, artefacts: Artefacts) -> Iterator[tuple[str, str, str]]:
    """Yield label of the Run, path in the Store and sha256 of every file that an audit rests on.

    The files of a Run are those that its manifest lists; where that is missing or another one, it
    alone is yielded.
    """
    for record in audit.runs:
        if record.manifest is None:
            continue
        path = f"runs/{record.fingerprint}/{MANIFEST}"
        yield record.label, path, record.manifest
        for name, digest in _listed(artefacts.read(path), record.manifest).items():
            yield record.label, f"runs/{record.fingerprint}/{name}", digest
        for name, digest in record.measurements.items():
            yield record.label, f"measurements/{record.fingerprint}/{name}", digest


def is_weights(path: str) -> bool:
    """Whether a path in a Store is that of weights, which an archive may leave out."""
    return path.rpartition("/")[2].startswith("weights-")


def _listed(manifest: bytes | None, digest: str) -> Mapping[str, str]:
    if manifest is None or hashlib.sha256(manifest).hexdigest() != digest:
        return {}
    try:
        digests = json.loads(manifest)
    except (ValueError, RecursionError):
        return {}
    return (
        {str(name): str(digest) for name, digest in digests.items()}
        if isinstance(digests, dict)
        else {}
    )


def verification_text(examined: Sequence[Examined]) -> str:
    """Lay out what was verified, a line each, with the faults below."""
    lines = []
    for step in examined:
        holds = "holds" if step.count == 1 else "hold"
        count = f"{len(step.faults)} fault{'s' if len(step.faults) > 1 else ''}"
        verdict = count if step.faults else holds
        remark = f" ({step.remark})" if step.remark else ""
        lines.append(f"{step.what:<14} {step.count:>6}  {verdict}{remark}")
        lines += [f"    {visible(fault)}" for fault in step.faults]
    return "\n".join(lines)
