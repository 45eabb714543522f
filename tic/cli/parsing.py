"""What the command line of `tic` is made of."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from tic.cli import commands

PASSING_ON = (
    (
        "audit",
        (),
        "audit the claims in a folder; succeeds when all were judged, whatever the verdicts",
    ),
    (
        "build",
        ("--tic-build", "-q"),
        "train and measure what an audit needs, on one or many machines",
    ),
    ("plan", ("--tic-plan", "-q"), "show what an audit would train and what it costs"),
    ("claims", ("--tic-list=claims", "-q"), "list the claims in a folder and what they need"),
    ("protocols", ("--tic-list=protocols", "-q"), "list the readings of what a paper leaves open"),
)
"""Commands that pytest does: name, options, purpose."""

_FURTHER = "Options of pytest, such as -n, -k and -x, work too: see pytest --help."
_AUDIT = "audit.json, or an archive of tic export"
_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
_ABOUT = "The command `tic`: audits and their reports without knowing pytest."


def own_count(given: list[str]) -> int:
    """Count our arguments: after a command that runs pytest and its folder, all are pytest's.

    Only pytest knows which of its options take a value, so a folder behind them is for it to find.
    """
    passing_on = {name for name, _, _ in PASSING_ON}
    if not passing_on & set(given[:1]):
        return len(given)
    return 1 + (len(given) > 1 and not given[1].startswith("-"))


def parser(*, with_audit_options: bool = False) -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Args:
        with_audit_options: Whether commands that pytest does get the options of an audit, which
            pytest reads: for their help and for shells that complete them.
    """
    tic = argparse.ArgumentParser(prog="tic", description=_ABOUT)
    tic.add_argument("--version", action=_Version, help="tell the version and leave")
    command = tic.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_passing_on(command, with_audit_options=with_audit_options)
    for add in _OWN:
        add(command)
    return tic


class _Version(argparse.Action):
    """Tell which version is installed, and which audits it reads."""

    def __init__(self, option_strings: Sequence[str], dest: str, **named: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **named)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        from tic.document.audit import SCHEMA_VERSION

        print(f"tic-audit {version('tic-audit')}, reads audits of schema 1 to {SCHEMA_VERSION}")
        parser.exit()


def _add_passing_on(command: _Commands, *, with_audit_options: bool) -> None:
    for name, options, purpose in PASSING_ON:
        passing = command.add_parser(name, help=purpose, epilog=_FURTHER)
        passing.add_argument(
            "folder", nargs="?", help=f"of the claims (default: {commands.CLAIMS})"
        )
        if with_audit_options:
            _add_audit_options(passing)
        passing.set_defaults(run=commands.pass_on, options=options)


def _add_audit_options(command: argparse.ArgumentParser) -> None:
    from tic.plugin.options import OPTIONS

    group = command.add_argument_group("options of an audit")
    for name, attributes in OPTIONS.items():
        group.add_argument(f"--{name}", **attributes)


def _add_report(command: _Commands) -> None:
    report = command.add_parser("report", help="render the report of an audit again")
    report.add_argument("audit", type=Path, help=_AUDIT)
    report.add_argument("--report-dir", type=Path, help="where it goes (default: beside the audit)")
    report.set_defaults(run=commands.report)


def _add_diff(command: _Commands) -> None:
    diff = command.add_parser("diff", help="show which verdicts and estimates moved")
    diff.add_argument("before", type=Path, help=_AUDIT)
    diff.add_argument("after", type=Path, help=_AUDIT)
    shape = diff.add_mutually_exclusive_group()
    shape.add_argument(
        "--markdown", action="store_true", help="short: the verdicts, and counts of all else"
    )
    shape.add_argument(
        "--all", action="store_true", help="every difference, not the first of each kind"
    )
    diff.set_defaults(run=commands.diff)


def _add_verify(command: _Commands) -> None:
    verify = command.add_parser(
        "verify", help="see that an audit was not changed, and that its verdicts follow"
    )
    verify.add_argument("audit", type=Path, help=_AUDIT)
    verify.add_argument("--store", type=Path, metavar="DIR", help="see that it rests on this Store")
    verify.add_argument(
        "--sample", type=int, metavar="N",
        help=f"measurements of the Store taken again (default: {commands.DEFAULT_SAMPLE})",
    )  # fmt: skip
    verify.add_argument("--seed", type=int, metavar="K", help="which ones (default: 0)")
    verify.add_argument(
        "--trust", action="append", default=[], metavar="PACKAGE",
        help="import this package, from the current folder too, to take what it defines again",
    )  # fmt: skip
    verify.add_argument("--data", type=Path, metavar="DIR", help="folder of the data sets")
    verify.set_defaults(run=commands.verify)


def _add_export(command: _Commands) -> None:
    export = command.add_parser(
        "export", help="write an archive that others can verify and render without training"
    )
    export.add_argument("audit", type=Path, help=_AUDIT)
    export.add_argument("archive", type=Path, help="to be written, ends in .zip")
    export.add_argument(
        "--store", type=Path, required=True, metavar="DIR", help="of its Runs (required)"
    )
    export.add_argument("--weights", action="store_true", help="put the weights in, too")
    export.add_argument("--licence", metavar="URL", help="under which the archive may be used")
    export.set_defaults(run=commands.export)


def _add_extract(command: _Commands) -> None:
    extract = command.add_parser(
        "extract", help="write the verdicts as a spreadsheet, a LaTeX table, figures or a badge"
    )
    extract.add_argument("format", help="csv, latex, figures or badge")
    extract.add_argument("audit", type=Path, help=_AUDIT)
    extract.add_argument(
        "target", type=Path, help="file to be written, - is standard output; of figures the folder"
    )
    extract.add_argument(
        "--claim", metavar="PATTERN[,PATTERN]", help="claims by name or place (default: all)"
    )
    extract.set_defaults(run=commands.extract)


def _add_merge(command: _Commands) -> None:
    merge = command.add_parser("merge", help="join audits of other seeds or machines into one")
    merge.add_argument(
        "audits", type=Path, nargs="+", metavar="audit", help=f"two audits or more, each {_AUDIT}"
    )
    merge.add_argument(
        "--report-dir", type=Path, required=True, help="where the new one goes (required)"
    )
    merge.set_defaults(run=commands.merge)


def _add_expected(command: _Commands) -> None:
    expected = command.add_parser(
        "expected", help="print the verdicts that pass elsewhere, for --expect"
    )
    expected.add_argument("audit", type=Path, help=_AUDIT)
    expected.set_defaults(run=commands.expected)


def _add_cite(command: _Commands) -> None:
    cite = command.add_parser("cite", help="fill in a text that quotes audits, and print it")
    cite.add_argument("template", type=Path, help="such as docs/papers/smith2024.md.j2")
    cite.set_defaults(run=commands.cite)


def _add_new(command: _Commands) -> None:
    new = command.add_parser("new", help="write a pack of claims that runs at once, to start from")
    new.add_argument("name", help="of the paper, such as smith2024")
    new.add_argument(
        "--into", type=Path, default=Path(), metavar="DIR", help="where it goes (default: here)"
    )
    new.set_defaults(run=commands.new)


def _add_completion(command: _Commands) -> None:
    shell = command.add_parser("completion", help="print a script by which a shell completes tic")
    shell.add_argument("shell", help="bash, zsh or fish")
    shell.set_defaults(run=commands.completion)


def _add_schema(command: _Commands) -> None:
    schema = command.add_parser("schema", help="print the JSON Schema of audits or of Recipes")
    schema.add_argument("name", help="audit or recipe")
    schema.set_defaults(run=commands.schema)


def _add_calibrate(command: _Commands) -> None:
    calibrate = command.add_parser(
        "calibrate", help="show how often the judge errs in simulated audits (docs/calibration.md)"
    )
    calibrate.add_argument("--simulations", type=int, default=10_000, metavar="N", help="per rate")
    calibrate.add_argument("--seed", type=int, default=0, metavar="K", help="of the simulations")
    calibrate.set_defaults(run=commands.calibrate)


_OWN = (
    _add_report,
    _add_diff,
    _add_verify,
    _add_export,
    _add_extract,
    _add_merge,
    _add_expected,
    _add_cite,
    _add_new,
    _add_completion,
    _add_schema,
    _add_calibrate,
)
"""What adds each command that we do ourselves, in the order of the help."""
