"""The document of an audit: strict in both directions."""

import math

import pytest
from pydantic import ValidationError

from tic.document.audit import Audit, ControlRecord, Entry
from tic.document.evidence import Contrast, Table
from tic.document.figures import Series

CONTRAST = {
    "name": "gap", "unit": "pp", "seeds": (0, 1, 2), "effects": (1.0, 2.0, 3.5),
    "region": {"low": 0.0, "high": None, "text": "above 0"}, "confidence": 0.95,
    "estimate": 13 / 6, "interval": (0.1, 4.2), "p_value": 1 / 3, "outcome": "SUPPORTED",
    "reason": "", "seeds_to_decide": None,
    "sensitivity": {
        "flip_confidence": 2 / 3, "flips_to": "INCONCLUSIVE", "flip_margin": 0.1,
        "without": ("SUPPORTED", "INCONCLUSIVE", "REFUTED"),
    },
}  # fmt: skip
CHECK = {"name": "n", "says": "s", "found": "f", "holds": False, "needed": True}
WORST_CASE = {
    "figure": "PGD", "reported": 74.63, "attacked": (70.0, 71.0), "worst": (1.0, 2.0),
    "outcome": "SUPPORTED",
}  # fmt: skip
READING = {
    "factors": {"estimator": "exact"}, "release": True, "outcome": "REFUTED", "estimate": 0.1,
    "unit": "pp",
}  # fmt: skip
TABLE = {
    "title": "Robust", "caption": "c", "unit": "%", "columns": ("low", "high"),
    "rows": ({"name": "FGSM", "group": "paper", "values": ((1.0, 2.0), ())},),
}  # fmt: skip
ENTRY = {
    "id": "p/c[x]", "role": "rival", "threatens": ("p/d",), "control": None, "claim": "p/c",
    "version": 1, "paper": "p", "source": "Fig. 1", "says": "It rises.", "rule": "Above 0.",
    "parameters": {"network": "tiny"},
    "protocol": "standard", "alternatives": ("official",),
    "scope": {"level": "smoke", "differences": ("timesteps: 5 instead of 10",)},
    "outcome": "INCONCLUSIVE", "own_outcome": "SUPPORTED", "reason": "Holm", "p_value": 1 / 3,
    "sensitivity": None, "contrasts": (CONTRAST,), "comparisons": (), "checks": (CHECK,),
    "worst_cases": (WORST_CASE,), "readings": (READING,), "tables": (TABLE,), "figures": (),
    "notes": ("ε, α",), "runs": ("f",), "seconds": 0.1,
}  # fmt: skip
RUN = {
    "fingerprint": "f", "label": "l", "seed": 0, "recipe": {"tau": 2.0, "alpha": None},
    "status": "finished", "seconds": 1.0, "train_loss": 0.1, "test_accuracy": 99.5,
}  # fmt: skip
AUDIT = {
    "started": "2026-01-01T00:00:00+00:00", "seconds": 1.5, "completed": True,
    "papers": ({"key": "p", "title": "t", "authors": "a", "venue": "v", "year": 1, "url": "u"},),
    "protocols": ({"paper": "p", "name": "standard", "says": "As noted.", "release": False},),
    "entries": (ENTRY,), "runs": (RUN,),
    "multiplicity": {
        "method": "Holm", "level": 0.025, "families": ({"paper": "p", "claims": 1, "rivals": 2},),
    },
    "provenance": {
        "command": "pytest", "git_commit": None, "git_dirty": None, "versions": {},
        "python": "3.11", "platform": "Linux", "processor": "x", "accelerator": None,
        "data_digests": {},
    },
}  # fmt: skip


def test_an_audit_survives_json_to_the_last_bit():
    audit = Audit.model_validate(AUDIT)
    assert Audit.model_validate_json(audit.model_dump_json()) == audit
    assert audit.entries[0].contrasts[0].estimate == 13 / 6


@pytest.mark.parametrize(
    "document",
    [
        {**AUDIT, "extra": 1},
        {**AUDIT, "entries": ({**ENTRY, "extra": 1},)},
        {**AUDIT, "runs": ({**RUN, "extra": 1},)},
        {**AUDIT, "entries": ({**ENTRY, "contrasts": ({**CONTRAST, "extra": 1},)},)},
        {**AUDIT, "entries": ({**ENTRY, "checks": ({**CHECK, "extra": 1},)},)},
        {**AUDIT, "entries": ({**ENTRY, "worst_cases": ({**WORST_CASE, "extra": 1},)},)},
        {**AUDIT, "entries": ({**ENTRY, "readings": ({**READING, "extra": 1},)},)},
        {**AUDIT, "entries": ({**ENTRY, "tables": ({**TABLE, "extra": 1},)},)},
    ],
)
def test_a_field_that_is_not_known_is_refused_by_name(document):
    with pytest.raises(ValidationError, match=r"(?s)extra.*Extra inputs are not permitted"):
        Audit.model_validate(document)


@pytest.mark.parametrize("missing", ["entries", "completed", "protocols", "provenance"])
def test_a_missing_field_is_refused_by_name(missing):
    document = {key: value for key, value in AUDIT.items() if key != missing}
    with pytest.raises(ValidationError, match=rf"(?s){missing}.*Field required"):
        Audit.model_validate(document)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["estimate", "p_value"])
def test_numbers_that_are_not_finite_are_refused(field, number):
    with pytest.raises(ValidationError, match="finite number"):
        Contrast.model_validate({**CONTRAST, field: number})


def test_effects_that_are_not_finite_are_refused():
    with pytest.raises(ValidationError, match="finite number"):
        Contrast.model_validate({**CONTRAST, "effects": (1.0, math.nan, 2.0)})
    with pytest.raises(ValidationError, match="finite number"):
        Series(name="s", x=(1.0,), values=((math.inf,),))


@pytest.mark.parametrize(
    ("changes"),
    [
        {"outcome": "MAYBE"},
        {"scope": {"level": "huge", "differences": ()}},
        {"role": "opponent"},
        {"readings": ({**READING, "outcome": "MAYBE"},)},
        {"worst_cases": ({**WORST_CASE, "outcome": "MAYBE"},)},
    ],
)
def test_an_unknown_word_is_refused(changes):
    with pytest.raises(ValidationError, match="Input should be"):
        Audit.model_validate({**AUDIT, "entries": ({**ENTRY, **changes},)})


def test_another_schema_version_is_refused():
    with pytest.raises(ValidationError, match="schema_version"):
        Audit.model_validate({**AUDIT, "schema_version": 9})


def test_every_effect_has_its_seed_or_none_has():
    with pytest.raises(ValidationError, match="3 effects for 2 seeds"):
        Contrast.model_validate({**CONTRAST, "seeds": (0, 1)})
    assert Contrast.model_validate({**CONTRAST, "seeds": ()}).seeds == ()


def test_a_document_cannot_be_changed_in_place():
    audit = Audit.model_validate(AUDIT)
    with pytest.raises(ValidationError, match="frozen"):
        audit.completed = False


@pytest.mark.parametrize("cells", [(), ((1.0,),), ((1.0,), (2.0,), (3.0,))])
def test_a_row_of_a_table_has_a_cell_for_every_column(cells):
    row = {"name": "FGSM", "group": "paper", "values": cells}
    with pytest.raises(ValidationError) as refused:
        Table.model_validate({**TABLE, "rows": (row,)})
    wanted = f"Robust: row 'FGSM' must have a cell for each of the 2 columns, got {len(cells)}"
    assert wanted in str(refused.value)


def test_an_entry_tells_what_was_planted_in_it():
    planted = {"name": "one-seed", "says": "The same seed."}
    entry = Entry.model_validate({**ENTRY, "role": "control", "control": planted})
    assert entry.control == ControlRecord(**planted)
    with pytest.raises(ValidationError, match=r"(?s)control.says.*Field required"):
        Entry.model_validate({**ENTRY, "control": {"name": "one-seed"}})
