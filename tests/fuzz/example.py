"""The example pack, whose data set, network, loss, fitting, rule and measurement are its own."""

from __future__ import annotations

import json
from typing import Any

from examples.echo2026 import test_claims as echo2026
from examples.echo2026.kinds import Agreement, Mask
from tests.fuzz.mutations import json_or_bytes
from tests.fuzz.options import fuzz_options, option_cases
from tests.fuzz.telling import accepted, require_shown
from tic.audit.claims import decided_by
from tic.files import parse_json
from tic.kinds import describe
from tic.measure.measurement import Measurement
from tic.recipe import Recipe
from tic.restoring import restore, trusting

example_cases = (
    json_or_bytes(echo2026.SMOKE.but(rules=(Mask(0.5),)).model_dump_json())
    | json_or_bytes(json.dumps(describe(Agreement(epoch=3, other=echo2026.SMOKE))))
    | option_cases
)


def fuzz_example(case: bytes | dict[str, Any]) -> bool:
    """Read Recipes, descriptions and options of a pack from elsewhere that is trusted."""
    if isinstance(case, dict):
        return fuzz_options(case, decided_by(echo2026.test_half_is_enough))

    def make() -> None:
        with trusting(["examples.echo2026"]):
            if b'"epoch"' in case:
                made = restore(parse_json(case), Measurement)
                assert restore(describe(made), Measurement) == made
            else:
                recipe = Recipe.model_validate_json(case)
                assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
                require_shown(repr(recipe.label))

    return accepted(make)
