"""From the entries of single claims to the audit: Holm over those of each paper, Runs, data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from tic.audit.document import Entry, Family, Multiplicity, RunRecord
from tic.data import Dataset
from tic.engine.plan import Plan
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.measurement import known
from tic.measure.robustness import AccuracyMeasurement
from tic.recipe import Recipe
from tic.stats import Outcome, holm


def correct(entries: Sequence[Entry], confidence: float) -> tuple[list[Entry], Multiplicity]:
    """Let SUPPORTED stand only where it survives Holm's correction over its paper.

    The family is every collected claim of the paper that rests on seeds, those that were not judged
    included: it does not shrink when some of them fail, and claims of other papers do not widen it.
    Another protocol is another reading of the same claims and no further discovery, so each is
    corrected in a family of its own, where claims that it does not touch stand as in the standard
    one. Rivals are corrected among themselves; counterfeits are not, since none of them may be
    supported even alone. The level is the error rate that the two-sided intervals leave on either
    side.
    """
    level = (1 - confidence) / 2
    tested: dict[tuple[str, str], list[Entry]] = {}
    for entry in filter(_is_tested, entries):
        tested.setdefault((entry.paper, entry.role), []).append(entry)
    fallen = {each for members in tested.values() for each in _fallen(members, level)}
    sizes = Counter({key: len(set(map(_identity, own))) for key, own in tested.items()})
    corrected = [
        _demote(entry, sizes[entry.paper, entry.role])
        if entry.own_outcome is Outcome.SUPPORTED and entry.id in fallen
        else entry
        for entry in entries
    ]
    families = tuple(
        Family(paper=paper, claims=sizes[paper, "claim"], rivals=sizes[paper, "rival"])
        for paper in dict.fromkeys(entry.paper for entry in entries)
    )
    return corrected, Multiplicity(method="Holm", level=level, families=families)


def _fallen(members: Sequence[Entry], level: float) -> set[str]:
    """Ids of the entries of one paper and role that do not survive the correction."""
    fallen: set[str] = set()
    for protocol in {entry.protocol for entry in members}:
        family = _family(members, protocol)
        survives = holm([1.0 if e.p_value is None else e.p_value for e in family], level)
        fallen |= {
            entry.id
            for entry, stands in zip(family, survives, strict=True)
            if not stands and entry.protocol == protocol
        }
    return fallen


def _family(claims: Sequence[Entry], protocol: str) -> list[Entry]:
    """Every claim once: under the protocol where it was judged by it, else under any other."""
    ranked = sorted(claims, key=lambda e: (e.protocol != protocol, e.protocol != "standard"))
    chosen: dict[object, Entry] = {}
    for entry in ranked:
        chosen.setdefault(_identity(entry), entry)
    return list(chosen.values())


def _identity(entry: Entry) -> object:
    return entry.claim, tuple(sorted(entry.parameters.items()))


def _is_tested(entry: Entry) -> bool:
    """Whether an entry is one of those that are corrected together."""
    is_exact = bool(entry.contrasts) and not any(each.seeds for each in entry.contrasts)
    has_setting = entry.offered and entry.outcome is not Outcome.NOT_APPLICABLE
    return entry.role != "counterfeit" and has_setting and not is_exact


def _demote(entry: Entry, family: int) -> Entry:
    reason = f"supported alone, but not after Holm's correction over {family} {entry.role}s"
    return entry.model_copy(update={"outcome": Outcome.INCONCLUSIVE, "reason": reason})


def run_records(
    plan: Plan,
    lab: Lab,
    test_sizes: Sequence[int | None],
    evidence: Mapping[str, Mapping[str, str]],
) -> list[RunRecord]:
    """Tell of every planned Run what was trained and how it went.

    Args:
        plan: The Runs.
        lab: Where they lie.
        test_sizes: Numbers of test images that accuracy may have been measured on.
        evidence: By Run the sha256 of every measurement that the verdicts rest on, by file.
    """
    recipes = sorted((each.recipe for each in plan), key=lambda each: (each.label, each.epochs))
    return [_run_record(recipe, lab, test_sizes, evidence) for recipe in recipes]


def _run_record(
    recipe: Recipe,
    lab: Lab,
    test_sizes: Sequence[int | None],
    evidence: Mapping[str, Mapping[str, str]],
) -> RunRecord:
    fingerprint = lab.fingerprint(recipe)
    run = None
    with suppress(TicError):  # one that cannot be read is none
        run = lab.finished(recipe)
    losses = run.history.get("train_loss", []) if run else []
    wanted = (AccuracyMeasurement(epoch=recipe.epochs, size=size) for size in test_sizes)
    tested = None
    with suppress(TicError):  # there may be fewer images now
        tested = next(filter(None, (known(each, recipe, lab) for each in wanted)), None)
    return RunRecord(
        fingerprint=fingerprint,
        label=recipe.label,
        seed=recipe.seed,
        recipe=recipe.described() | {"parent": _parent(recipe, lab)},
        status="missing" if run is None else "diverged" if run.diverged else "finished",
        seconds=run.history["seconds"] if run else None,
        train_loss=losses[-1] if losses else None,
        test_accuracy=tested["accuracy"] if run and tested else None,
        manifest=run.manifest_digest if run else None,
        measurements=dict(sorted(evidence.get(fingerprint, {}).items())),
    )


def _parent(recipe: Recipe, lab: Lab) -> str | None:
    return None if recipe.parent is None else lab.fingerprint(recipe.parent)


def data_digests(recipes: Iterable[Recipe], lab: Lab) -> dict[str, str]:
    """Digest of the training samples of every data set used."""
    used = {(recipe.dataset, recipe.train_size) for recipe in recipes}
    return {
        digest_key(dataset, size): lab.samples(dataset, "train", size).digest
        for dataset, size in sorted(used, key=str)
    }


def digest_key(dataset: Dataset, train_size: int | None) -> str:
    """What the digest of these training samples is listed under."""
    return f"{dataset.label}, {train_size or 'all'} training {dataset.facts.noun}"
