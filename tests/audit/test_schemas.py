import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tic.data import Digits
from tic.document.schemas import DIALECT, NAMES, schema
from tic.document.upgrade import upgraded
from tic.errors import TicError
from tic.models import Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe

ROOT = Path(__file__).parents[2]
AUDITS = sorted((ROOT / "reports" / "reference").glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_the_published_schema_is_that_of_this_version(name):
    published = json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text("utf-8"))
    assert published == schema(name), "run `make schemas`"


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_says_its_version(name):
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$schema"] == DIALECT
    assert schema(name)["$id"].rpartition(":")[0] == f"urn:tic-audit:{name}"


@pytest.mark.parametrize("path", AUDITS, ids=lambda path: path.stem)
def test_audits_that_are_kept_follow_the_schema(path):
    Draft202012Validator(schema("audit")).validate(upgraded(json.loads(path.read_text("utf-8"))))


def test_an_audit_without_a_verdict_does_not():
    document = upgraded(json.loads(AUDITS[0].read_text("utf-8")))
    del document["entries"][0]["outcome"]
    errors = list(Draft202012Validator(schema("audit")).iter_errors(document))
    assert [error.message for error in errors] == ["'outcome' is a required property"]


def test_a_recipe_follows_its_schema_and_one_out_of_range_does_not():
    validator = Draft202012Validator(schema("recipe"))
    parent = Recipe(dataset=Digits(), architecture=Spiking("tiny"))
    pruned = parent.but(parent=parent, rules=(Pruning(0.5),), precision="bf16")
    validator.validate(pruned.model_dump(mode="json"))
    assert not validator.is_valid(pruned.model_dump(mode="json") | {"timesteps": 0})
    assert not validator.is_valid(pruned.model_dump(mode="json") | {"momentun": 0.5})


def test_an_unknown_name_is_refused():
    with pytest.raises(TicError, match="no schema 'report'; known: audit, recipe"):
        schema("report")
