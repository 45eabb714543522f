"""What is fuzzed: each target takes one case, and says whether it was accepted.

What is refused must be told in a sentence; what is accepted must go all the way: be rendered,
compared, judged. Any other exception is a defect.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz import example, options, passed_on, recordings, speech, stores
from tests.fuzz.audits import REPORTS, audit_text, original, sealed_text
from tests.fuzz.mutations import json_or_bytes
from tests.fuzz.telling import accepted, require_sentence, require_shown
from tests.fuzz.values import TEXTS, TOO_LONG, nested, texts, values
from tic.attacks.suite import Level
from tic.cli import main
from tic.data import SVHN, CropFlip, Digits
from tic.document.loading import load_audit
from tic.document.seal import sealed
from tic.exchange.diff import diff_audits, format_diff
from tic.exchange.merge import merge
from tic.exchange.verify_audit import verify_document
from tic.fitting import CosineSGD
from tic.kinds import describe
from tic.losses import AlphaLoss, MeanLoss, PrefixLoss
from tic.models import Spiking
from tic.plugin.verdict_table import verdict_table
from tic.pruning import Pruning
from tic.recipe import Recipe
from tic.report import render_html, render_markdown
from tic.session.expectation import drift, load_expectation

LEVELS: tuple[Level, ...] = ("quick", "standard", "full")


@dataclass(frozen=True)
class Target:
    """Something that takes input from elsewhere.

    Attributes:
        cases: What it is given.
        take: Takes one case; returns whether it was accepted, raises where that is a defect.
    """

    cases: st.SearchStrategy[Any]
    take: Callable[[Any], bool]


def prepare() -> None:
    """Make what cases are changes of, which Hypothesis does not like to see made meanwhile."""
    audit_text()
    stores.original_store()


# Recipes

_pruning = st.builds(
    Pruning,
    st.sampled_from([0.5, 0.75]),
    order=st.sampled_from(["magnitude", "random"]),
    scope=st.sampled_from(["global", "layer"]),
)
_NEEDED: dict[str, st.SearchStrategy[Any]] = {
    "dataset": st.sampled_from([Digits(), SVHN()]),
    "architecture": st.builds(
        Spiking,
        st.just("tiny"),
        tau=st.floats(1, 4) | st.integers(1, 4),
        batch_norm=st.sampled_from(["joint", "stepwise"]),
    ),
}
_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "loss": st.just(MeanLoss())
    | st.just(PrefixLoss())
    | st.builds(AlphaLoss, st.floats(0, 1), per=st.sampled_from(["batch", "sample"])),
    "fitting": st.builds(
        CosineSGD,
        momentum=st.floats(0.1, 0.9),
        dampening=st.sampled_from([0.0, -0.0, 5e-4]),
        weight_decay=st.sampled_from([0.0, -0.0, 5e-4, 0]),
    ),
    "augmentation": st.just(CropFlip()),
}
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "train_size": st.none() | st.integers(1, 2000),
    "timesteps": st.integers(1, 10),
    "rules": st.lists(_pruning, max_size=2).map(tuple)
    | st.lists(_pruning.map(describe), max_size=2),
    "epochs": st.integers(1, 100),
    "checkpoints": st.integers(1, 5),
    "seed": st.integers(0, 2**63 - 1),
    **{name: made | made.map(describe) for name, made in _KINDS.items()},
}
_described = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(
            [
                "tic.losses:AlphaLoss", "tic.losses:Loss", "tic.recipe:Recipe", "tic.cli:main",
                "tic.pruning:Pruning", "tic.models.architecture:Spiking", "os:system", "tic.x:X",
            ]
        )
        | texts,
        "fields": st.dictionaries(
            st.sampled_from(["alpha", "per", "sparsity", "network"]), values, max_size=3
        )
        | values,
    }
)  # fmt: skip
_HOSTILE = values | _described | st.just(TOO_LONG) | st.just(nested(500))
_plain_fields = st.fixed_dictionaries(
    {name: made | made.map(describe) for name, made in _NEEDED.items()}, optional=_FIELDS
)
_changed = st.dictionaries(st.sampled_from([*_NEEDED, *_FIELDS]) | texts, _HOSTILE, max_size=2)


def _generations(parts: tuple[dict[str, Any], dict[str, Any], dict[str, Any], int]) -> Any:
    plain, changed, parent, depth = parts
    fields = {**plain, **changed}
    for _ in range(depth):
        fields = {**fields, "parent": {**parent, "parent": fields.get("parent")}}
    return fields


recipe_cases = (
    st.tuples(
        _plain_fields, _changed, _plain_fields, st.sampled_from([0] * 9 + [1] * 9 + [3, 120, 3000])
    ).map(_generations)
    | json_or_bytes(
        Recipe(
            dataset=Digits(),
            architecture=Spiking("tiny"),
            parent=Recipe(dataset=Digits(), architecture=Spiking("tiny")),
            rules=(Pruning(0.5),),
        ).model_dump_json()
    )
    | values
)


def fuzz_recipe(case: Any) -> bool:
    """Make a Recipe of fields, or of what somebody wrote to a file."""

    def make() -> None:
        if isinstance(case, bytes):
            recipe = Recipe.model_validate_json(case)
        elif isinstance(case, dict) and all(isinstance(key, str) for key in case):
            recipe = Recipe(**case)
        else:
            recipe = Recipe.model_validate(case)
        again = Recipe.model_validate_json(recipe.model_dump_json())
        assert again == recipe
        assert again.fingerprint("data") == recipe.fingerprint("data")
        assert recipe.checkpoint_epochs[-1] == recipe.epochs
        require_shown(repr(recipe.with_seed(3).label))

    return accepted(make)


# Audits

audit_cases = st.deferred(lambda: json_or_bytes(audit_text()))


def fuzz_audit_json(case: bytes) -> bool:
    """Load an audit that somebody else had, render it and compare it with what it was."""

    def show() -> None:
        audit = load_audit(path)
        page, summary = render_html(audit), render_markdown(audit)
        require_shown(page)
        require_shown(summary)
        assert "<script" not in page
        assert "<img" not in page + summary
        for before, after in ((audit, original()), (original(), audit)):
            require_shown(format_diff(diff_audits(before, after), whole=True))
        if audit.entries:
            verdict_table(audit)
        accepted(lambda: verify_document(sealed(audit)))
        accepted(lambda: merge([sealed(audit), sealed(original())]))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.json"
        path.write_bytes(case)
        return accepted(show)


# Expected verdicts

expectation_cases = json_or_bytes((REPORTS / "expected" / "smoke.json").read_text("utf-8"))


def fuzz_expectation(case: bytes) -> bool:
    """Load expected verdicts, and hold an audit against them."""

    def hold() -> None:
        expected = load_expectation(path)
        for entry in original().entries:
            _require_told(drift(entry, expected))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "expected.json"
        path.write_bytes(case)
        return accepted(hold)


def _require_told(reason: str | None) -> None:
    if reason is not None:
        require_sentence(reason)


# The command line

_FILES = (
    "audit.json",
    "newer.json",
    "binary",
    "folder",
    "absent",
    "text.md.j2",
    "huge.json",
    "a.zip",
)
_arguments = (
    st.sampled_from(_FILES).map(lambda name: f"FOLDER/{name}")
    | st.sampled_from(TEXTS)
    | st.sampled_from(["audit", "recipe", "--report-dir", "--seed", "--store", "0", "-1"])
)
_COMMANDS = (
    ["report", "FOLDER/audit.json", "--report-dir", "FOLDER/out"],
    ["diff", "FOLDER/audit.json", "FOLDER/audit.json"],
    ["cite", "FOLDER/text.md.j2"],
    ["schema", "audit"],
    ["verify", "FOLDER/audit.json"],
    ["verify", "FOLDER/audit.json", "--store", "FOLDER/folder", "--sample", "0"],
    ["merge", "FOLDER/audit.json", "FOLDER/audit.json", "--report-dir", "FOLDER/out"],
    ["export", "FOLDER/audit.json", "FOLDER/new.zip", "--store", "FOLDER/folder"],
    # What is accepted would be simulated for minutes.
    ["calibrate", "--simulations", "0", "--seed", "3"],
)


@st.composite
def _command_lines(draw: Callable[[st.SearchStrategy[Any]], Any]) -> list[str]:
    """Draw a command that can be run, with some of its arguments replaced or more of them."""
    command = list(draw(st.sampled_from(_COMMANDS)))
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        place = draw(st.integers(1, len(command)))
        if command[0] != "calibrate" or place > 2:
            command[place : place + draw(st.integers(0, 1))] = [draw(_arguments)]
    return command


cli_cases = _command_lines()


@cache
def _files() -> tempfile.TemporaryDirectory[str]:
    """Files that a command may be given; removed when the process ends."""
    made = tempfile.TemporaryDirectory()
    folder = Path(made.name)
    sound = sealed_text()
    (folder / "audit.json").write_text(sound, encoding="utf-8")
    newer = {**json.loads(audit_text()), "schema_version": 99}
    (folder / "newer.json").write_text(json.dumps(newer), encoding="utf-8")
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "folder").mkdir()
    (folder / "text.md.j2").write_text(
        "{{ audit('audit.json').count('SUPPORTED') }}", encoding="utf-8"
    )
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a/audit.json", sound)
    with (folder / "huge.json").open("wb") as file:
        file.truncate(2**40)
    return made


def fuzz_cli(case: list[str]) -> bool:
    """Give the command line arguments, as a shell would."""
    folder = _files().name
    arguments = [argument.replace("FOLDER", folder) for argument in case]
    told = io.StringIO()
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(told),
        contextlib.chdir(folder),
    ):
        try:
            status = main(arguments)
        except SystemExit as left:
            if left.code not in (0, 2):
                raise
            return left.code == 0
    if status == 2:
        require_sentence(told.getvalue().removesuffix("\n"))
    return status != 2


TARGETS = {
    "recipe": Target(recipe_cases, fuzz_recipe),
    "options": Target(options.option_cases, options.fuzz_options),
    "example": Target(example.example_cases, example.fuzz_example),
    "cli": Target(cli_cases, fuzz_cli),
    "audit": Target(audit_cases, fuzz_audit_json),
    "expectation": Target(expectation_cases, fuzz_expectation),
    "store": Target(stores.store_cases, stores.fuzz_store),
    "archive": Target(passed_on.archive_cases, passed_on.fuzz_archive),
    "description": Target(passed_on.description_cases, passed_on.fuzz_description),
    "measurement": Target(stores.measurement_cases, stores.fuzz_measurement),
    "recording": Target(recordings.recording_cases, recordings.fuzz_recording),
    "speech": Target(speech.speech_cases, speech.fuzz_speech),
}
