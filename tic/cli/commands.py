"""What each command of `tic` does; heavy imports happen in the command that needs them.

Every command takes its flags and returns the exit status.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tic.errors import TicError
from tic.files import require_folder
from tic.text import quoted, visible
from tic.writing import STANDARD_OUTPUT, write_atomically, write_errors_explained, write_named

if TYPE_CHECKING:
    from tic.document.audit import Audit

DEFAULT_SAMPLE = 3
"""Measurements that `verify` takes again."""
CLAIMS = "claims"
"""The folder that is audited where none is named."""


def pass_on(flags: argparse.Namespace) -> int:
    """Let pytest do it: audit, build, plan or list, with the `rest` of the command line."""
    import pytest

    from tic.plugin.options import DEFAULT_FOLDER

    options = os.environ.get("PYTEST_ADDOPTS", "")
    try:
        shlex.split(options)
    except ValueError as error:
        told = f"PYTEST_ADDOPTS must be words as in a shell, got {quoted(options)}: {error}"
        print(f"tic: {told}; write each quotation to its end", file=sys.stderr)
        return int(pytest.ExitCode.USAGE_ERROR)
    # Only pytest knows whether what follows an option is its value or a path.
    folder = [f"{DEFAULT_FOLDER}={CLAIMS}"] if flags.folder is None else [flags.folder]
    return int(pytest.main([*folder, "--tic-audit", *flags.options, *flags.rest]))


def report(flags: argparse.Namespace) -> int:
    """Render the report of an audit again, in a folder with no audit but this one."""
    from tic.document.loading import load_audit

    audit, folder = load_audit(flags.audit), flags.report_dir or flags.audit.parent
    require_folder("--report-dir", folder)
    _write_report(audit, folder, visible(str(flags.audit)), flags.audit)
    return 0


def _write_report(audit: Audit, folder: Path, named: str, source: Path | None = None) -> None:
    """Write a report, with its audit where that is not there, and tell the page.

    Args:
        audit: Whose report it is.
        folder: Without another audit, which would be lost.
        named: What messages call the audit.
        source: The file that it was read from, if any.

    Raises:
        TicError: The folder has another audit, or a file cannot be written.
    """
    from tic.document.archive import AUDIT_FILE
    from tic.document.loading import load_audit
    from tic.report.render import REPORT_FILE, audit_json, report_files

    there = folder / AUDIT_FILE
    with write_errors_explained(there):
        free = not there.exists()
        own = free or (source is not None and there.samefile(source))
    if free:
        write_atomically(there, audit_json(audit).encode())
    elif not own and load_audit(there) != audit:
        raise TicError(
            f"the report goes into a folder without another audit, got {visible(str(folder))}, "
            f"whose {AUDIT_FILE} is another than {named}; name another folder with --report-dir"
        )
    for name, content in report_files(audit).items():
        write_atomically(folder / name, content.encode())
    print(visible(str(folder / REPORT_FILE)))


def diff(flags: argparse.Namespace) -> int:
    """Show what is different between two audits; 1 where something is."""
    from tic.document.loading import load_audit
    from tic.exchange.diff import diff_audits, format_diff
    from tic.exchange.diff_markdown import diff_markdown

    before, after = load_audit(flags.before), load_audit(flags.after)
    moved = diff_audits(before, after)
    if flags.markdown:
        _write_document(diff_markdown(moved, before, after))
    else:
        print(format_diff(moved, whole=flags.all), end="")
    return 0 if moved.empty else 1


def verify(flags: argparse.Namespace) -> int:
    """See that an audit was not changed and that its verdicts follow; 1 where not."""
    from tic.exchange.verify_file import verify

    if flags.trust:
        # As for `python -m`; last, so that no file there stands in for what is installed.
        sys.path.append(str(Path.cwd()))
    if flags.store is None:
        for option in ("sample", "seed", "data"):
            if getattr(flags, option) is not None:
                raise TicError(
                    f"--{option} is for measurements that are taken again, and needs --store, the "
                    f"Store that has them; name it, or leave --{option} out"
                )
    sample = DEFAULT_SAMPLE if flags.sample is None else flags.sample
    text, holds = verify(flags.audit, flags.store, flags.data, sample, flags.seed or 0, flags.trust)
    print(text)
    return 0 if holds else 1


def export(flags: argparse.Namespace) -> int:
    """Write an audit with what it rests on as an archive."""
    from tic.document.loading import load_audit
    from tic.exchange.export import export

    audit = load_audit(flags.audit)
    path = export(audit, flags.store, flags.archive, weights=flags.weights, licence=flags.licence)
    print(visible(str(path)))
    return 0


def extract(flags: argparse.Namespace) -> int:
    """Write one extract of an audit, and tell the files."""
    from tic.document.loading import load_audit
    from tic.report.extracts import extract
    from tic.report.notices import notices

    audit = load_audit(flags.audit)
    patterns = [] if flags.claim is None else [part.strip() for part in flags.claim.split(",")]
    for path in extract(audit, flags.format, flags.target, patterns):
        print(visible(str(path)))
    for notice in notices(audit):
        print(f"tic: {visible(notice.sentence)}", file=sys.stderr)
    return 0


def merge(flags: argparse.Namespace) -> int:
    """Join audits into one and write its report."""
    from tic.document.loading import load_audit
    from tic.exchange.merge import merge

    require_folder("--report-dir", flags.report_dir)
    for path in flags.audits:
        if Path(os.path.realpath(path)).parent == Path(os.path.realpath(flags.report_dir)):
            raise TicError(
                f"--report-dir must name a folder without any of the audits that are merged, got "
                f"{visible(str(flags.report_dir))} with {visible(str(path))}; name another"
            )
    names = [visible(str(path)) for path in flags.audits]
    merged = merge([load_audit(path) for path in flags.audits], names)
    _write_report(merged, flags.report_dir, "the merged one")
    return 0


def expected(flags: argparse.Namespace) -> int:
    """Print the verdicts that pass elsewhere."""
    from tic.document.loading import load_audit
    from tic.exchange.expected import expected_verdicts

    _write_document(expected_verdicts(load_audit(flags.audit)))
    return 0


def cite(flags: argparse.Namespace) -> int:
    """Fill in a text that quotes audits, and print it."""
    from tic.exchange.citing import cite

    _write_document(cite(flags.template))
    return 0


def new(flags: argparse.Namespace) -> int:
    """Write a pack to start from."""
    from tic.starter import write_pack

    written = write_pack(flags.name, flags.into)
    for path in written:
        print(visible(str(path)))
    print(f"try it: pytest {visible(str(written[0].parent))}")
    return 0


def completion(flags: argparse.Namespace) -> int:
    """Print a script for a shell."""
    from tic.cli.completion import script

    print(script(flags.shell))
    return 0


def schema(flags: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    import json

    from tic.document.schemas import schema

    _write_document(json.dumps(schema(flags.name), indent=1, ensure_ascii=False) + "\n")
    return 0


def _write_document(text: str) -> None:
    """Print what becomes a file: UTF-8 whatever the terminal has, with no letter escaped."""
    write_named(STANDARD_OUTPUT, text.encode())


def calibrate(flags: argparse.Namespace) -> int:
    """Print how often the judge errs."""
    from tic.stats.calibration import calibrate

    try:
        tables = calibrate(flags.simulations, flags.seed)
    except ValueError as error:
        raise TicError(f"--{error}") from error
    for table in tables:
        print(table, flush=True)
    return 0
