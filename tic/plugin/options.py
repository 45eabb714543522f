"""The options of an audit: prefixed wherever the plugin is installed, short where claims are.

Registered are only `--tic-arch` and the like, which nobody else has. A command line over claims may
leave the prefix out: `--arch` is then read as `--tic-arch`, unless another plugin or a conftest has
an option `--arch`, which stays theirs. So a short name is never registered and cannot collide.
"""

from __future__ import annotations

import argparse
import copy
import difflib
import os
import re
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from fnmatch import fnmatch
from glob import glob
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = pytest.StashKey[Sequence[str]]()
"""The whole command line of a config: with `PYTEST_ADDOPTS`, `addopts` and what `@file` holds."""

MARK_OF_CLAIMS = re.compile(rb"\btic\.audit\b|\bfrom tic import\b.*\baudit\b")
"""Claims are where a Python file among the paths names this module."""

LEVELS = ("quick", "standard", "full")
"""Of the attack suite; `tic.attacks.suite` is too heavy to be asked for every test run."""

PRECISIONS = ("fp32", "bf16")
"""Of the training; those of `tic.recipe`."""

_PREFIX = "tic"
DEFAULT_FOLDER = f"--{_PREFIX}-default-folder"
"""Hidden, from the command `tic` for pytest: what is audited where the command line has no path."""
OPTIONS: dict[str, dict[str, Any]] = {
    "arch": {"metavar": "NAME[,NAME]", "help": "network; brings its own setting"},
    "dataset": {"metavar": "NAME[,NAME]", "help": "data set instead of the setting's own"},
    "timesteps": {"metavar": "T", "help": "timesteps instead of the setting's own"},
    "epochs": {"metavar": "N", "help": "epochs instead of the setting's own"},
    "precision": {"choices": PRECISIONS, "help": "of the training (default: the setting's own)"},
    "seeds": {"metavar": "S|A-B", "help": "number of seeds, at least 3, or first and last"},
    "budget": {
        "metavar": "TIME|N",
        "help": "add seeds where a verdict is open, for 15min, 2h … or N trainings",
    },
    "train-size": {"metavar": "N|all", "help": "number of training images, or all of them"},
    "fisher-size": {"metavar": "N|all", "help": "at most so many images for Fisher information"},
    "test-size": {"metavar": "N|all", "help": "at most so many test images for accuracy"},
    "attacks": {
        "choices": LEVELS,
        "help": "level of the attack suite (default: the setting's)",
    },
    "attack-size": {"metavar": "N|all", "help": "at most so many test images for the attack suite"},
    "set": {
        "metavar": "FIELD=VALUE",
        "action": "append",
        "default": [],
        "help": "any field of the setting or of its Recipe, such as architecture.tau=3",
    },
    "device": {
        "metavar": "DEVICE",
        "default": "cpu",
        "help": "cpu, cuda or cuda:N (default: cpu)",
    },
    "compile": {"action": "store_true", "help": "compile networks before training (for GPUs)"},
    "data": {
        "metavar": "DIR",
        "type": Path,
        "help": "folder that data sets are looked for in first",
    },
    "store": {
        "metavar": "DIR",
        "type": Path,
        "help": "folder of Runs (default: $TIC_STORE or .tic)",
    },
    "report-dir": {"metavar": "DIR", "type": Path, "help": "folder of the report (reports/TIME)"},
    "paper": {"metavar": "KEY[,KEY]", "help": "claims of these papers only (smith2024)"},
    "claim": {
        "metavar": "PATTERN[,PATTERN]",
        "help": "claims by name or place (alpha-*, fig4)",
    },
    "protocol": {
        "metavar": "NAME[,NAME]",
        "help": "readings of what the paper leaves open, or all",
    },
    "no-rivals": {
        "action": "store_true",
        "help": "leave out other explanations of what is claimed",
    },
    "controls": {
        "action": "store_true",
        "help": "see that no claim is supported where planted",
    },
    "write-pilots": {
        "action": "store_true",
        "help": "with --seeds: keep in the packs how far these seeds spread",
    },
    "download": {
        "action": "store_true",
        "help": "download what claims need beside the data set",
    },
    "expect": {"metavar": "FILE", "type": Path, "help": "pass on the verdicts that FILE allows"},
    "fail-on-inconclusive": {"action": "store_true", "help": "fail what is INCONCLUSIVE, too"},
    "plan": {"action": "store_true", "help": "show what would be trained and what it costs"},
    "gpus": {
        "metavar": "N[,N]",
        "help": "with --plan: simulate its schedule on so many GPUs",
    },
    "build": {
        "action": "store_true",
        "help": "train and measure what an audit needs, judge nothing",
    },
    "engine": {
        "metavar": "NAME",
        "help": "with --build or --budget: who trains: local, ray … (default: local)",
    },
    "address": {
        "metavar": "ADDRESS",
        "help": "with --build or --budget: cluster to join, of engines that can",
    },
    "list": {
        "choices": ("claims", "protocols"),
        "help": "list claims or protocols, judge nothing",
    },
    "audit": {
        "action": "store_true",
        "help": "the paths hold claims, whatever their text; fail where they do not",
    },
}
"""Of an audit, by their short names: what argparse is told of each."""

_SHORT = frozenset(f"--{name}" for name in OPTIONS)
_TAKE_A_VALUE = frozenset(
    f"--{_PREFIX}-{name}" for name, of in OPTIONS.items() if of.get("action") != "store_true"
)


def add_options(parser: pytest.Parser) -> None:
    """Register the options of an audit under their full names, which only this plugin has."""
    about = "audit of scientific claims (over claims, --tic-arch may be written --arch, and so on)"
    group = parser.getgroup(_PREFIX, about)
    for name, attributes in OPTIONS.items():
        group.addoption(f"--{_PREFIX}-{name}", dest=f"{_PREFIX}_{_key(name)}", **attributes)
    group.addoption(DEFAULT_FOLDER, help=argparse.SUPPRESS)


def flags_of(config: pytest.Config) -> argparse.Namespace:
    """Return what was asked for, by the short names of the options: `flags.report_dir`."""
    options = {key: config.getoption(f"{_PREFIX}_{key}") for key in map(_key, OPTIONS)}
    return argparse.Namespace(**options)


def _key(name: str) -> str:
    return name.replace("-", "_")


def name_in_full(
    config: pytest.Config, parser: pytest.Parser, arguments: list[str]
) -> Generator[None]:
    """Replace the short names in a command line over claims, in place.

    Conftests are loaded where this yields. Before it, pytest must see which arguments are values of
    our options and no paths that it looks for conftests in; after it, which names they took.

    Args:
        config: pytest's, before the command line is parsed for good.
        parser: With the options of plugins; those of conftests are added meanwhile.
        arguments: The command line, with `PYTEST_ADDOPTS` and `addopts`.
    """
    given = list(_with_files(arguments))
    config.stash[ARGUMENTS] = given
    full = _in_full(given, _taken(parser))
    has_default = any(argument.startswith(f"{DEFAULT_FOLDER}=") for argument in given)
    if full == given and not _misspelt(given, parser) and not has_default:
        yield
        return
    known = parser.parse_known_args(full, copy.copy(config.option))
    if not (known.tic_audit or hold_claims(known.file_or_dir or _default_paths(config), config)):
        yield
        return
    default = [known.tic_default_folder] if has_default else []
    # What an option of a conftest takes still looks like a path; such a path is seldom there.
    there = any(Path(path.partition("::")[0]).exists() for path in known.file_or_dir)
    paths = known.file_or_dir if there or not default else default
    config.known_args_namespace.file_or_dir = paths
    yield
    arguments[:] = _in_full(given, _taken(parser))
    if default:
        paths = parser.parse_known_args(arguments, copy.copy(config.option)).file_or_dir
        folder = [] if paths else default
        if folder and not (config.invocation_params.dir / folder[0]).exists():
            raise pytest.UsageError(
                f"there is no folder {folder[0]} here; name the folder or file of the claims, such "
                "as `tic audit smith2024`, or begin one by `tic new smith2024`"
            )
        config.stash[ARGUMENTS] = folder + [a for a in given if not a.startswith(DEFAULT_FOLDER)]
        arguments[:0] = folder
    # Options of conftests are known now.
    for name, meant in _misspelt(arguments, parser).items():
        raise pytest.UsageError(f"there is no option {name}; did you mean {meant}?")


def _misspelt(arguments: Sequence[str], parser: pytest.Parser) -> dict[str, str]:
    """Options that nobody has, each with the one of an audit that it resembles."""
    taken = _taken(parser) | _SHORT
    given = list(arguments)
    options = given[: given.index("--")] if "--" in given else given
    unknown = {
        name
        for argument in options
        if (name := argument.partition("=")[0]).startswith("--") and name not in taken
    }
    return {
        name: close[0]
        for name in sorted(unknown)
        if (close := difflib.get_close_matches(name, sorted(_SHORT), n=1, cutoff=0.8))
    }


def _in_full(arguments: Sequence[str], taken: Collection[str]) -> list[str]:
    ours = _SHORT.difference(taken)
    full = [
        f"--{_PREFIX}-{argument[2:]}" if argument.partition("=")[0] in ours else argument
        for argument in arguments
    ]
    joined: list[str] = []
    for argument in full:
        # Argparse takes a negative number for another option, and says that there is no value.
        if joined and joined[-1] in _TAKE_A_VALUE and re.match(r"-[0-9.]", argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _taken(parser: pytest.Parser) -> set[str]:
    """Names of all options that are registered; pytest has no public way to ask for them."""
    groups = (*parser._groups, parser._anonymous)
    return {name for group in groups for option in group.options for name in option.names()}


def _with_files(arguments: Iterable[str]) -> Iterator[str]:
    """Put in the place of each `@file` the arguments that it holds, one a line, as argparse."""
    for argument in arguments:
        try:
            lines = Path(argument[1:]).read_text().splitlines() if argument[:1] == "@" else None
        except (OSError, ValueError):  # argparse tells what is wrong with it
            lines = None
        yield from [argument] if lines is None else _with_files(lines)


def _default_paths(config: pytest.Config) -> list[str]:
    """Where pytest collects when no path is given."""
    here = config.invocation_params.dir
    patterns = config.getini("testpaths") if here == config.rootpath else ()
    paths = [
        str(here / path)
        for pattern in patterns
        # As pytest does; Path.glob refuses a whole path.
        for path in sorted(glob(pattern, root_dir=here, recursive=True))  # noqa: PTH207
    ]
    return paths or [str(here)]


def hold_claims(paths: Iterable[str], config: pytest.Config) -> bool:
    """Whether some Python file among the paths, or below them, names what claims are made with."""
    ignored = config.getini("norecursedirs")
    starts = (Path(str(path).split("::")[0]) for path in paths)
    return any(_names_audits(file) for start in starts for file in _python_files(start, ignored))


def _python_files(start: Path, ignored: Sequence[str]) -> Iterator[Path]:
    if start.is_file():
        yield start
    for folder, below, files in os.walk(start):
        below[:] = [
            name for name in below if not any(fnmatch(name, pattern) for pattern in ignored)
        ]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def _names_audits(file: Path) -> bool:
    try:
        return MARK_OF_CLAIMS.search(file.read_bytes()) is not None
    except OSError:
        return False


def check_options(flags: argparse.Namespace) -> None:
    """Refuse options that say nothing together, before anything is imported for them.

    What needs their values is checked by `tic.session.options`.

    Raises:
        pytest.UsageError: With the reason.
    """
    for option in ("engine", "address"):
        given = getattr(flags, option)
        if given is not None and not (flags.build or flags.budget):
            raise pytest.UsageError(
                f"--{option} goes with --build or --budget, got --{option} {given} alone; "
                "use tic build"
            )
    if flags.build and flags.budget is not None:
        raise pytest.UsageError(
            "--budget adds seeds where a verdict is open, and --build judges nothing; "
            "leave one of them out"
        )
    if flags.build and (flags.plan or flags.list):
        only_tells = "--plan" if flags.plan else "--list"
        raise pytest.UsageError(
            f"--build trains and {only_tells} only prints; leave one of them out"
        )
