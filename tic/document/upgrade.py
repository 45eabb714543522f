"""Audits of older versions, brought to this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tic.document.audit import SCHEMA_VERSION, Audit, Entry
from tic.document.seal import digest
from tic.former import raised

Document = dict[str, Any]


def upgraded(document: Document) -> Document:
    """Return an audit's JSON as this version writes it; one that is no older one as it is.

    Version 1 kept no seal, no digests, no samples of trends and no effects of readings: it can be
    shown and compared, but neither verified nor merged. Of version 2 a seal that fits becomes that
    of the upgraded document, where today's rule gives the same verdicts; one that does not fit is
    kept, to be found. A document that is no audit is left for validation to refuse.
    """
    version = document.get("schema_version")
    while type(version) is int and version in _STEPS:
        try:
            document = _STEPS[version](document)
        except (AttributeError, KeyError, TypeError, ValueError):
            return {**document, "schema_version": SCHEMA_VERSION}
        version += 1
        document["schema_version"] = version
    return document


def _fits(document: Document) -> bool:
    """Whether the seal of an audit is that of its document."""
    return document.get("seal") is not None and document["seal"] == digest(document)


def _sealed_as(document: Document, new: Document) -> Document:
    """Seal a document anew where the seal of what it was made from fits; another is kept."""
    return {**new, "seal": digest(new)} if _fits(document) else new


def _from_1(document: Document) -> Document:
    """All fields still meant the same; what came later has a default."""
    return dict(document)


def _from_2(document: Document) -> Document:
    """Protocols and families had no paper: an audit of several corrected all of them together."""
    entries, counts = document["entries"], document["multiplicity"]
    papers = list(dict.fromkeys(entry["paper"] for entry in entries))
    used = {(entry["paper"], entry["protocol"]) for entry in entries}
    new = {
        **document,
        "packages": [],
        "protocols": [
            {"paper": paper, **protocol}
            for paper in papers
            for protocol in document["protocols"]
            if len(papers) == 1 or (paper, protocol["name"]) in used
        ],
        "entries": [{**entry, "offered": True} for entry in entries],
        "multiplicity": {
            "method": counts["method"],
            "level": counts["level"],
            "families": [
                {"paper": paper, "claims": counts["family"], "rivals": counts["rivals"]}
                for paper in papers
            ],
        },
        "schema_version": 3,
    }
    if len(papers) > 1 and _fits(document):
        return {**new, "seal": None}
    return _sealed_as(document, new)


def _from_3(document: Document) -> Document:
    """The fields of a Recipe were those of the first paper; now they are kinds.

    A Recipe that version 3 could not state is left as it is, and the seal does not fit then.
    """
    recipes = [_raised_recipe(run["recipe"]) for run in document["runs"]]
    new = {
        **document,
        "runs": [
            {**run, "recipe": run["recipe"] if recipe is None else recipe}
            for run, recipe in zip(document["runs"], recipes, strict=True)
        ],
        "schema_version": 4,
    }
    return new if None in recipes else _sealed_as(document, new)


def _raised_recipe(recipe: Document) -> Document | None:
    try:
        return raised(recipe)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _from_4(document: Document) -> Document:
    """A negative control was a counterfeit, and a family of claims that of all settings.

    What would decide was one number of seeds, and parts of figures did not say their kind.
    """
    counts = document["multiplicity"]
    new = {
        **document,
        "entries": [_with_kinds(_of_version_5(entry)) for entry in document["entries"]],
        "multiplicity": {
            **counts,
            "families": [{**family, "setting": ""} for family in counts["families"]],
        },
        "schema_version": 5,
    }
    return _sealed_as(document, new)


def _of_version_5(entry: Document) -> Document:
    planted = entry["counterfeit"]
    new = {name: value for name, value in entry.items() if name != "counterfeit"}
    new |= {"control": planted, "setting": "", "design": "fixed"}
    new["contrasts"] = [_with_range(contrast) for contrast in entry["contrasts"]]
    if entry["role"] == "counterfeit":
        new["role"] = "control"
        new["id"] = entry["id"].replace(
            f"-counterfeit-{planted['name']}", f"-control-{planted['name']}"
        )
    return new


def _with_range(contrast: Document) -> Document:
    seeds = contrast["seeds_needed"]
    new = {name: value for name, value in contrast.items() if name != "seeds_needed"}
    return {**new, "seeds_to_decide": None if seeds is None else [seeds, seeds]}


def _with_kinds(entry: Document) -> Document:
    return {
        **entry,
        "figures": [
            {**figure, "panels": [_with_kind(panel) for panel in figure["panels"]]}
            for figure in entry["figures"]
        ],
    }


def _with_kind(panel: Document) -> Document:
    """Heat maps had one mean over the seeds in each cell, which their scale says from now on."""
    if "series" in panel:
        return {**panel, "kind": "curves"}
    return {
        **panel,
        "kind": "heat_map",
        "scale_label": f"{panel['scale_label']}, mean over the seeds",
        "values": [panel["values"]],
        "centre": None,
        "span": None,
    }


def _from_5(document: Document) -> Document:
    """Nothing was kept of what a verdict covers, nor of how finely effects were measured."""
    new = {
        **document,
        "entries": [_of_version_6(entry) for entry in document["entries"]],
        "runs": [
            {**run, "tested": None, "guessing": None, "weights": None} for run in document["runs"]
        ],
        "schema_version": 6,
    }
    return _sealed_as(document, new)


def _from_6(document: Document) -> Document:
    """No claim had a pilot."""
    new = {
        **document,
        "entries": [_of_version_7(entry) for entry in document["entries"]],
        "schema_version": 7,
    }
    return _sealed_as(document, new)


def _of_version_7(entry: Document) -> Document:
    return _with_effects(entry, {"pilot": None})


def _from_7(document: Document) -> Document:
    """Nothing was kept of how far samples differ, and nothing was said of code that changed."""
    new = {
        **document,
        "entries": [_of_version_8(entry) for entry in document["entries"]],
        "changed_code": [],
        "schema_version": 8,
    }
    return _sealed_as(document, new)


def _of_version_8(entry: Document) -> Document:
    new = _with_effects(entry, {"sample_spread": None})
    contrasts = [{**contrast, "over_samples": None} for contrast in new["contrasts"]]
    return {**new, "over_samples": None, "contrasts": contrasts}


def _of_version_6(entry: Document) -> Document:
    new = _with_effects(entry, {"rate": False, "resolution": None})
    comparisons = [{**comparison, "prediction": None} for comparison in entry["comparisons"]]
    return {**new, "coverage": None, "samples": [], "comparisons": comparisons}


def _with_effects(entry: Document, fields: Document) -> Document:
    """Add fields to all effects of an entry, those of readings too."""
    return {
        **entry,
        "contrasts": [{**contrast, **fields} for contrast in entry["contrasts"]],
        "readings": [
            {**reading, "contrasts": [{**effects, **fields} for effects in reading["contrasts"]]}
            for reading in entry["readings"]
        ],
    }


_STEPS: dict[int, Callable[[Document], Document]] = {
    1: _from_1, 2: _from_2, 3: _from_3, 4: _from_4, 5: _from_5, 6: _from_6,
    7: _from_7,
}  # fmt: skip


def without_coverage(audit: Audit) -> Audit:
    """Return an audit without what audits before schema 6 did not keep, to be compared with one."""
    return audit.model_copy(
        update={
            "entries": tuple(map(_entry_without_coverage, audit.entries)),
            "runs": tuple(
                run.model_copy(update={"tested": None, "guessing": None, "weights": None})
                for run in audit.runs
            ),
        }
    )


def _entry_without_coverage(entry: Entry) -> Entry:
    comparisons = tuple(
        comparison.model_copy(update={"prediction": None}) for comparison in entry.comparisons
    )
    return entry.model_copy(update={"coverage": None, "samples": (), "comparisons": comparisons})


def tells_of_samples(entry: Entry) -> bool:
    """Whether an entry tells how far samples differ, as none before schema 8, and none merged."""
    of_readings = (effects for reading in entry.readings for effects in reading.contrasts)
    return any(effects.sample_spread for effects in (*entry.contrasts, *of_readings))


def without_samples(entry: Entry) -> Entry:
    """Return an entry without what it tells of samples, to be compared with one that does not."""
    contrasts = (
        contrast.model_copy(update={"sample_spread": None, "over_samples": None})
        for contrast in entry.contrasts
    )
    readings = (
        reading.model_copy(
            update={
                "contrasts": tuple(
                    effects.model_copy(update={"sample_spread": None})
                    for effects in reading.contrasts
                )
            }
        )
        for reading in entry.readings
    )
    return entry.model_copy(
        update={
            "over_samples": None,
            "contrasts": tuple(contrasts),
            "readings": tuple(readings),
        }
    )


def without_later_fields(audit: Audit) -> Audit:
    """Return an audit without what older versions did not keep, to be compared with one of them."""
    return audit.model_copy(
        update={"entries": tuple(map(_entry_without_later_fields, audit.entries))}
    )


def _entry_without_later_fields(entry: Entry) -> Entry:
    nothing = {"left_open": (), "contrasts": ()}
    return entry.model_copy(
        update={
            "left_open": (),
            "contrasts": tuple(
                contrast.model_copy(update={"trend": None}) for contrast in entry.contrasts
            ),
            "readings": tuple(reading.model_copy(update=nothing) for reading in entry.readings),
        }
    )
