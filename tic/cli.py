"""The command `tic`: audits and their reports without knowing pytest."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from tic.errors import TicError
from tic.files import require_folder
from tic.text import visible

_PASSING_ON = (
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

_FURTHER = "Further options are pytest's and the plugin's: see pytest --help."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when the command did what it was asked for, 1 when `diff` found a difference or `verify` a
        fault, 2 when the command was refused. Of `audit` and the others that pytest does its exit
        status, which `tic.plugin.outcomes` states for audits.
    """
    _show_any_letter()
    given = list(sys.argv[1:] if arguments is None else arguments)
    count = _own_count(given)
    flags, rest = _parser().parse_args(given[:count]), given[count:]
    try:
        return int(flags.run(flags, rest))
    except TicError as error:
        print(f"tic: {error}", file=sys.stderr)
        return 2


def _show_any_letter() -> None:
    """Escape what a terminal has no letter for, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _own_count(given: list[str]) -> int:
    """Count our arguments: after a command that runs pytest and its folder, all are pytest's.

    Only pytest knows which of its options take a value, so they are not searched for the folder.
    """
    passing_on = {name for name, _, _ in _PASSING_ON}
    if not passing_on & set(given[:1]) or {"-h", "--help"} & set(given):
        return len(given)
    return 1 + (len(given) > 1 and not given[1].startswith("-"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tic", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, options, purpose in _PASSING_ON:
        passing = commands.add_parser(name, help=purpose, epilog=_FURTHER)
        passing.add_argument("folder", nargs="?", default="claims")
        passing.set_defaults(run=_pass_on, options=options)
    report = commands.add_parser("report", help="render the report of an audit again")
    report.add_argument("audit", type=Path, help="audit.json")
    report.add_argument("--report-dir", type=Path, help="where it goes (default: beside the audit)")
    report.set_defaults(run=_report)
    diff = commands.add_parser("diff", help="show which verdicts and estimates moved")
    diff.add_argument("before", type=Path, help="audit.json")
    diff.add_argument("after", type=Path, help="audit.json")
    diff.set_defaults(run=_diff)
    verify = commands.add_parser(
        "verify", help="see that an audit was not changed, and that its verdicts follow"
    )
    verify.add_argument("audit", type=Path, help="audit.json, or an archive of tic export")
    verify.add_argument("--store", type=Path, metavar="DIR", help="see that it rests on this Store")
    verify.add_argument(
        "--sample", type=int, default=3, metavar="N", help="measurements taken again (default: 3)"
    )
    verify.add_argument("--seed", type=int, default=0, metavar="K", help="which ones (default: 0)")
    verify.add_argument(
        "--trust", action="append", default=[], metavar="PACKAGE",
        help="import this package, from the current folder too, to take what it defines again",
    )  # fmt: skip
    verify.add_argument("--data", type=Path, metavar="DIR", help="folder of the data sets")
    verify.set_defaults(run=_verify)
    export = commands.add_parser(
        "export", help="write an archive that others can verify and render without training"
    )
    export.add_argument("audit", type=Path, help="audit.json")
    export.add_argument("archive", type=Path, help="to be written, ends in .zip")
    export.add_argument("--store", type=Path, required=True, metavar="DIR", help="of its Runs")
    export.add_argument("--weights", action="store_true", help="put the weights in, too")
    export.add_argument("--licence", metavar="URL", help="under which the archive may be used")
    export.set_defaults(run=_export)
    merge = commands.add_parser("merge", help="join audits of other seeds or machines into one")
    merge.add_argument("audits", type=Path, nargs="+", metavar="audit", help="audit.json")
    merge.add_argument("--report-dir", type=Path, required=True, help="where the new one goes")
    merge.set_defaults(run=_merge)
    expected = commands.add_parser(
        "expected", help="print the verdicts that pass elsewhere, for --expect"
    )
    expected.add_argument("audit", type=Path, help="audit.json")
    expected.set_defaults(run=_expected)
    cite = commands.add_parser("cite", help="fill in a text that quotes audits, and print it")
    cite.add_argument("template", type=Path, help="such as docs/papers/smith2024.md.j2")
    cite.set_defaults(run=_cite)
    new = commands.add_parser("new", help="write a pack of claims that runs at once, to start from")
    new.add_argument("name", help="of the paper, such as smith2024")
    new.add_argument(
        "--into", type=Path, default=Path(), metavar="DIR", help="where it goes (default: here)"
    )
    new.set_defaults(run=_new)
    schema = commands.add_parser("schema", help="print the JSON Schema of audits or of Recipes")
    schema.add_argument("name", help="audit or recipe")
    schema.set_defaults(run=_schema)
    calibrate = commands.add_parser(
        "calibrate", help="show how often the judge errs in simulated audits (docs/calibration.md)"
    )
    calibrate.add_argument("--simulations", type=int, default=10_000, metavar="N", help="per rate")
    calibrate.add_argument("--seed", type=int, default=0, metavar="K", help="of the simulations")
    calibrate.set_defaults(run=_calibrate)
    return parser


def _pass_on(flags: argparse.Namespace, rest: list[str]) -> int:
    import pytest

    return int(pytest.main([flags.folder, "--tic-audit", *flags.options, *rest]))


def _report(flags: argparse.Namespace, rest: list[str]) -> int:
    from tic.document.loading import load_audit
    from tic.report import write_report

    audit, folder = load_audit(flags.audit), flags.report_dir or flags.audit.parent
    require_folder("--report-dir", folder)
    page = write_report(audit, folder)
    print(visible(str(page)))
    return 0


def _diff(flags: argparse.Namespace, rest: list[str]) -> int:
    from tic.document.loading import load_audit
    from tic.exchange.diff import diff_audits, format_diff

    diff = diff_audits(load_audit(flags.before), load_audit(flags.after))
    print(format_diff(diff), end="")
    return 0 if diff.empty else 1


def _verify(flags: argparse.Namespace, rest: list[str]) -> int:
    from tic.exchange.verify_file import verify

    if flags.trust:
        # As for `python -m`; last, so that no file there stands in for what is installed.
        sys.path.append(str(Path.cwd()))
    text, holds = verify(
        flags.audit, flags.store, flags.data, flags.sample, flags.seed, flags.trust
    )
    print(text)
    return 0 if holds else 1


def _export(flags: argparse.Namespace, rest: list[str]) -> int:
    from tic.document.loading import load_audit
    from tic.exchange.export import export

    audit = load_audit(flags.audit)
    print(export(audit, flags.store, flags.archive, weights=flags.weights, licence=flags.licence))
    return 0


def _merge(flags: argparse.Namespace, rest: list[str]) -> int:
    from tic.document.loading import load_audit
    from tic.exchange.merge import merge
    from tic.report import write_report

    require_folder("--report-dir", flags.report_dir)
    page = write_report(merge([load_audit(path) for path in flags.audits]), flags.report_dir)
    print(visible(str(page)))
    return 0


def _expected(flags: argparse.Namespace, rest: list[str]) -> int:
    from tic.document.loading import load_audit
    from tic.exchange.expected import expected_verdicts

    print(expected_verdicts(load_audit(flags.audit)), end="")
    return 0


def _cite(flags: argparse.Namespace, rest: list[str]) -> int:
    from tic.exchange.citing import cite

    print(cite(flags.template), end="")
    return 0


def _new(flags: argparse.Namespace, rest: list[str]) -> int:
    from tic.starter import write_pack

    written = write_pack(flags.name, flags.into)
    for path in written:
        print(visible(str(path)))
    print(f"try it: pytest {visible(str(written[0].parent))}")
    return 0


def _schema(flags: argparse.Namespace, rest: list[str]) -> int:
    import json

    from tic.document.schemas import schema

    print(json.dumps(schema(flags.name), indent=1, ensure_ascii=False))
    return 0


def _calibrate(flags: argparse.Namespace, rest: list[str]) -> int:
    from tic.stats.calibration import calibrate

    try:
        tables = calibrate(flags.simulations, flags.seed)
    except ValueError as error:
        raise TicError(f"--{error}") from error
    for table in tables:
        print(table, flush=True)
    return 0
