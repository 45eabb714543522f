"""The command `tic`."""

import io
import os
import shlex
import subprocess
import sys
from importlib.metadata import version

import pytest
import yaml

from fixtures.packs import (
    CAUTIOUS,
    GULLIBLE,
    HEADER,
    INCONCLUSIVE,
    QUICKLY,
    REFUTED,
    RIVAL,
    STANDING_RIVAL,
    SUPPORTED,
)
from tic.cli import main
from tic.document.audit import SCHEMA_VERSION
from tic.document.loading import load_audit
from tic.plugin.options import OPTIONS

BROKEN = """
@says("broken")
def test_broken(runs, judge):
    raise TicError("seven is needed")
"""
PATIENT = """
@says("patient")
def test_patient(runs, judge):
    raise KeyboardInterrupt
"""


@pytest.fixture
def modules_forgotten(monkeypatch):
    """Forget what was imported from a folder whose file names other tests use too."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("test_pack", None)
    sys.modules.pop("test_units", None)


@pytest.fixture
def audit(repository, modules_forgotten):
    """Run `tic audit` on claims in a folder of somebody else."""

    def run(*claims, arguments=()):
        repository.write(*claims)
        store = ("--store", str(repository.store))
        return main(["audit", ".", *QUICKLY, *store, "--report-dir", "report", *arguments])

    return run


@pytest.fixture
def left(repository):
    """Two audits in files, the second with other claims."""
    first = repository.audit(SUPPORTED, REFUTED).folder / "audit.json"
    first = first.rename(repository.pytester.path / "first.json")
    return first, repository.audit(SUPPORTED, INCONCLUSIVE).folder / "audit.json"


@pytest.mark.parametrize("claims", [(SUPPORTED,), (REFUTED,), (INCONCLUSIVE, REFUTED)])
def test_an_audit_succeeds_when_all_was_judged_whatever_the_verdicts(audit, claims):
    assert audit(*claims) == 0


def test_an_audit_with_an_error_does_not_succeed(audit):
    assert audit(SUPPORTED, BROKEN) == 1


def test_an_audit_that_was_interrupted_does_not_succeed(audit):
    assert audit(SUPPORTED, PATIENT) == 2


def test_an_audit_that_was_refused_does_not_succeed(audit):
    assert audit(SUPPORTED, arguments=("--epochs", "0")) == 4


def test_an_audit_of_a_folder_without_claims_does_not_succeed(repository, modules_forgotten):
    repository.pytester.makepyfile(test_units="def test_unit():\n    pass\n")
    assert main(["audit", ".", *QUICKLY]) == pytest.ExitCode.NO_TESTS_COLLECTED


def test_an_audit_does_not_succeed_with_an_undecided_claim_where_only_decided_ones_will_do(audit):
    assert audit(INCONCLUSIVE, arguments=("--fail-on-inconclusive",)) == 1


@pytest.mark.parametrize(("claim", "status"), [(CAUTIOUS, 0), (GULLIBLE, 1)])
def test_an_audit_succeeds_when_every_control_is_caught(audit, capsys, claim, status):
    assert audit(claim, arguments=("--controls",)) == status
    told = capsys.readouterr().out
    assert f"negative controls: 2 {'failed' if status else 'held (2 caught)'}" in told
    assert ("came out SUPPORTED on a negative control" in told) == bool(status)


@pytest.mark.parametrize(("claim", "status"), [(CAUTIOUS, 0), (GULLIBLE, 1)])
def test_a_refuted_claim_does_not_hide_a_supported_control(audit, claim, status):
    assert audit(REFUTED, claim, arguments=("--controls",)) == status


@pytest.mark.parametrize("rival", [RIVAL, STANDING_RIVAL])
def test_an_audit_succeeds_whether_a_rival_stands_or_not(audit, rival):
    assert audit(SUPPORTED, REFUTED, rival) == 0


def test_an_audit_with_a_control_that_breaks_does_not_succeed(audit):
    broken = CAUTIOUS.replace("return -super().train_loss()", 'raise TicError("seven is needed")')
    assert audit(broken, arguments=("--controls",)) == 1


@pytest.mark.parametrize(("allowed", "status"), [("REFUTED", 0), ("SUPPORTED", 1)])
def test_an_audit_is_held_against_expected_verdicts(audit, repository, allowed, status):
    expected = f'{{"other2024/negative[tiny-digits]": ["{allowed}"]}}'
    repository.pytester.path.joinpath("expected.json").write_text(expected)
    assert audit(REFUTED, arguments=("--expect", "expected.json")) == status


DEFAULT = "--tic-default-folder=claims"


@pytest.mark.parametrize("command", ["audit", "plan", "claims", "protocols"])
@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ([], [DEFAULT]),
        (["here"], ["here"]),
        (["here", "--seeds", "3"], ["here", "--seeds", "3"]),
        (["--seeds", "3"], [DEFAULT, "--seeds", "3"]),
        (["--seeds", "3", "here"], [DEFAULT, "--seeds", "3", "here"]),
    ],
)
def test_options_are_handed_to_pytest_as_they_are(monkeypatch, command, given, passed_on):
    seen = []
    monkeypatch.setattr(pytest, "main", lambda arguments: seen.extend(arguments) or 3)
    assert main([command, *given]) == 3
    telling = {
        "audit": [],
        "plan": ["--tic-plan", "-q"],
        "claims": ["--tic-list=claims", "-q"],
        "protocols": ["--tic-list=protocols", "-q"],
    }
    folder, *options = passed_on
    assert seen == [folder, "--tic-audit", *telling[command], *options]


@pytest.mark.parametrize(
    ("arguments", "audited"),
    [
        (["--seeds", "2"], "claims"),
        (["--seeds", "2", "-n", "1"], "claims"),
        (["--seeds", "2", "mine"], "mine"),
        (["--named", "somebody", "--seeds", "2"], "claims"),
        (["--seeds", "2", "mine/test_mine.py::test_negative"], "mine"),
    ],
)
def test_claims_are_audited_where_no_folder_is_named_wherever_it_may_stand(
    repository, arguments, audited
):
    here = repository.pytester.path
    for name, claim in (("claims", SUPPORTED), ("mine", REFUTED)):
        (here / name).mkdir()
        (here / name / f"test_{name}.py").write_text(HEADER + claim)
    option = "def pytest_addoption(parser):\n    parser.addoption('--named')\n"
    (here / "claims" / "conftest.py").write_text(option)
    own = (*QUICKLY, "--store", str(repository.store), "--report-dir", "report")
    done = repository.pytester.run(
        sys.executable, "-c", "import sys; from tic.cli import main; sys.exit(main(sys.argv[1:]))",
        "audit", *own, *arguments,
    )  # fmt: skip
    assert done.ret == 0
    made = load_audit(here / "report" / "audit.json")
    name = {"claims": "positive", "mine": "negative"}[audited]
    assert [entry.claim for entry in made.entries] == [f"other2024/{name}"]
    assert "--tic-default-folder" not in made.provenance.command
    assert made.provenance.command.startswith("pytest claims ") == (audited == "claims")


def test_further_options_that_are_no_words_of_a_shell_are_refused(monkeypatch, capsys):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--claim 'alpha")
    assert main(["audit", "."]) == pytest.ExitCode.USAGE_ERROR
    assert capsys.readouterr().err == (
        'tic: PYTEST_ADDOPTS must be words as in a shell, got "--claim \'alpha": '
        "No closing quotation; write each quotation to its end\n"
    )


def test_a_plan_is_printed_and_nothing_trained(repository, modules_forgotten, capsys):
    repository.write(SUPPORTED)
    store = repository.pytester.path / "store"
    assert main(["plan", ".", *QUICKLY, "--store", str(store)]) == 0
    told = capsys.readouterr().out
    for line in ("3 Runs, 3 to train", "operations ", "disk ", "training  "):
        assert f"\n{line}" in told
    assert not (store / "runs").exists()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("claims", "other2024/positive[tiny-digits]  (Fig. 1)\n    It is positive.\n    needs: 3"),
        (
            "protocols",
            "\nstandard\n    The reading of the paper that the notes of each claim state.",
        ),
    ],
)
def test_a_list_is_printed_and_nothing_trained(
    repository, modules_forgotten, capsys, command, told
):
    repository.write(SUPPORTED)
    store = repository.pytester.path / "store"
    assert main([command, ".", *QUICKLY, "--store", str(store)]) == 0
    assert told in capsys.readouterr().out
    assert not (store / "runs").exists()
    assert not (repository.pytester.path / "reports").exists()


@pytest.mark.parametrize("command", ["plan", "claims", "protocols"])
def test_what_an_audit_would_refuse_is_refused(repository, modules_forgotten, capsys, command):
    repository.write(SUPPORTED)
    assert main([command, ".", *QUICKLY, "--seeds", "0"]) == 4
    assert "--seeds must be a whole number of at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["audit", "plan", "claims", "protocols"])
def test_help_of_a_command_tells_of_the_folder(capsys, command):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"usage: tic {command}" in (told := capsys.readouterr().out)
    assert "folder" in told


def test_a_report_is_rendered_again_beside_the_audit(left, capsys):
    first, _ = left
    capsys.readouterr()
    assert main(["report", str(first)]) == 0
    assert capsys.readouterr().out.strip() == str(first.parent / "report.html")
    assert (first.parent / "report.html").exists()


def test_a_terminal_without_a_letter_is_shown_its_escape(left, tmp_path, monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    assert main(["report", str(left[0]), "--report-dir", str(tmp_path / "Prüfung")]) == 0
    sys.stdout.flush()
    assert shown.getvalue().decode("ascii").rstrip().endswith("/Pr\\xfcfung/report.html")


def test_a_report_goes_where_it_is_wanted(left):
    first, _ = left
    folder = first.parent / "elsewhere"
    assert main(["report", str(first), "--report-dir", str(folder)]) == 0
    assert load_audit(folder / "audit.json") == load_audit(first)


@pytest.mark.parametrize("archived", [False, True])
def test_a_report_replaces_neither_another_audit_nor_its_page(left, repository, capsys, archived):
    first, second = left
    before = first.with_name("before.zip" if archived else "before.json")
    if archived:
        assert main(["export", str(first), str(before), "--store", str(repository.store)]) == 0
    else:
        first.rename(before)
    second = second.rename(before.with_name("audit.json"))
    kept = second.read_bytes()
    capsys.readouterr()
    assert main(["report", str(before)]) == 2
    told = capsys.readouterr().err
    assert "the report goes into a folder without another audit, got " in told
    assert "--report-dir" in told
    assert second.read_bytes() == kept
    assert not before.with_name("report.html").exists()
    assert main(["report", str(second)]) == 0
    assert second.read_bytes() == kept


def test_a_report_can_be_rendered_again_where_it_was(left, tmp_path):
    first, _ = left
    for _ in range(2):
        assert main(["report", str(first), "--report-dir", str(tmp_path / "page")]) == 0


@pytest.mark.parametrize("where", ["report", "elsewhere/../report"])
def test_a_merged_audit_replaces_none_that_it_is_made_of(left, capsys, where):
    first, second = left
    kept = second.read_bytes()
    folder = first.parent / where
    (first.parent / "elsewhere").mkdir()
    capsys.readouterr()
    assert main(["merge", str(first), str(second), "--report-dir", str(folder)]) == 2
    told = capsys.readouterr().err
    assert "--report-dir must name a folder without any of the audits that are merged" in told
    assert second.read_bytes() == kept


def test_a_merge_that_is_refused_names_the_file(left, tmp_path, capsys):
    first, second = left
    text = second.read_text(encoding="utf-8")
    second.write_text(text.replace('"started": "2', '"started": "3'), encoding="utf-8")
    capsys.readouterr()
    assert main(["merge", str(first), str(second), "--report-dir", str(tmp_path / "merged")]) == 2
    told = capsys.readouterr().err
    assert (
        f"an audit must verify to be merged, and {second} does not: the audit was changed" in told
    )


def test_two_audits_that_differ(left, capsys):
    capsys.readouterr()
    assert main(["diff", *map(str, left)]) == 1
    assert "other2024/spread[tiny-digits]" in capsys.readouterr().out


def test_an_audit_does_not_differ_from_itself(left, capsys):
    capsys.readouterr()
    assert main(["diff", str(left[0]), str(left[0])]) == 0
    assert "no difference" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["report", "absent.json"], ["diff", "absent.json", "b"]])
def test_a_file_that_is_not_there_is_refused_in_one_sentence(command, capsys):
    assert main(command) == 2
    told = capsys.readouterr().err
    assert told.startswith("tic: there is no file absent.json; name the audit.json that ")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [[], ["nothing"], ["report"], ["diff", "one"], ["diff", "a", "b", "--seeds", "3"]]
)
def test_a_command_line_that_makes_no_sense_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert "usage: tic" in capsys.readouterr().err


def test_the_calibration_is_printed_as_tables(capsys):
    assert main(["calibrate", "--simulations", "2", "--seed", "1"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("## One contrast, true mean on an edge\n")
    assert told.count("\n## ") == 6
    assert main(["calibrate", "--simulations", "2", "--seed", "1"]) == 0
    assert capsys.readouterr().out == told


@pytest.mark.parametrize(("option", "value"), [("--simulations", "0"), ("--seed", "-1")])
def test_a_calibration_that_cannot_be_simulated_is_refused(option, value, capsys):
    assert main(["calibrate", option, value]) == 2
    assert capsys.readouterr().err.startswith(f"tic: {option} must be at least ")


def test_help_is_quick_since_it_imports_nothing_heavy():
    code = """
import sys
from tic.cli import main
try:
    main(["--help"])
finally:
    assert not {"torch", "scipy", "pydantic", "pytest", "tic.lab"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "audit the claims in a folder" in done.stdout


def test_help_of_audit_tells_of_the_folder(capsys):
    with pytest.raises(SystemExit) as left:
        main(["audit", "--seeds", "--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert "folder" in told
    assert all(f"  --{name} " in told or f"  --{name}\n" in told for name in OPTIONS)


@pytest.mark.parametrize("command", ["audit", "plan"])
def test_an_option_that_is_misspelt_is_named_with_the_one_that_was_meant(
    repository, modules_forgotten, capsys, command
):
    repository.write(SUPPORTED)
    assert main([command, ".", "--bugdet", "3min"]) == pytest.ExitCode.USAGE_ERROR
    told = capsys.readouterr().err
    assert told.strip() == "ERROR: there is no option --bugdet; did you mean --budget?"


def test_the_command_refuses_without_a_traceback(repository):
    repository.write(SUPPORTED)
    code = "import sys; from tic.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "audit", ".", *QUICKLY, "--seeds", "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 4
    assert (
        "ERROR: --seeds must be a whole number of at least 1 or FIRST-LAST, got '0'" in done.stderr
    )
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [["schema", "audit"], ["schema", "recipe"]])
def test_a_reader_that_has_enough_ends_a_command_without_a_traceback(command):
    code = "import sys; from tic.cli import main; sys.exit(main(sys.argv[1:]))"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        run = [sys.executable, "-c", code, *command]
        done = subprocess.run(run, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "")


RUN = "import sys; from tic.cli import main; sys.exit(main(sys.argv[1:]))"


def run_outside(*arguments, shell="{}", **environment):
    """Run the command in a process of its own, in a shell that does something with its output."""
    command = shlex.join([sys.executable, "-c", RUN, *map(str, arguments)])
    return subprocess.run(
        shell.format(command),
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        env={**os.environ, **environment},
    )


def test_where_no_claims_are_it_is_told_how_to_name_or_begin_some(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run_outside("audit")
    assert done.returncode == 4
    assert done.stderr.decode() == (
        "ERROR: there is no folder claims here; name the folder or file of the claims, such as "
        "`tic audit smith2024`, or begin one by `tic new smith2024`\n\n"
    )


def test_a_full_disk_ends_a_command_in_one_sentence():
    done = run_outside("schema", "audit", shell="{} > /dev/full")
    assert done.returncode == 2  # a difference would be 1
    assert done.stderr == b"tic: no space left on device; nothing after that was written\n"


def test_a_closed_output_is_told():
    done = run_outside("schema", "audit", shell="{} >&-")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"tic: standard output must be open, got a closed one\n"


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [(KeyboardInterrupt, 130, ""), (ZeroDivisionError, 70, "this is a fault of tic itself")],
)
def test_neither_a_fault_nor_an_end_by_hand_has_the_status_of_a_difference(
    monkeypatch, capsys, raised, status, told
):
    def fail(_):
        raise raised

    monkeypatch.setattr("tic.cli.commands.schema", fail)
    assert main(["schema", "audit"]) == status
    errors = capsys.readouterr().err
    assert told in errors
    assert ("Traceback" in errors) == bool(told)


def test_documents_are_utf_8_whatever_the_terminal_has(tmp_path):
    (tmp_path / "text.md.j2").write_text("−5 ≤ τ", encoding="utf-8")
    done = run_outside("cite", tmp_path / "text.md.j2", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stdout.decode()) == (0, "−5 ≤ τ")


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    told = f"tic-audit {version('tic-audit')}, reads audits of schema 1 to {SCHEMA_VERSION}\n"
    assert capsys.readouterr().out == told


@pytest.mark.parametrize("option", ["--sample", "--seed", "--data"])
def test_what_is_for_measurements_of_a_store_needs_one(left, capsys, option):
    assert main(["verify", str(left[0]), option, "3"]) == 2
    assert (
        f"{option} is for measurements that are taken again, and needs" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "command", [["new", "a" * 300], ["verify", "FILE", "--store", "a" * 300]], ids=["new", "verify"]
)
def test_names_that_no_file_can_have_are_refused(left, capsys, command):
    assert main([str(left[0]) if part == "FILE" else part for part in command]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "aaa" in errors


@pytest.mark.parametrize(
    "into", ["papers/audits", "other/../papers/audits", "linked/audits", "a: b"]
)
def test_a_workflow_goes_where_forges_look_for_it(tmp_path, into):
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "papers").mkdir()
    (tmp_path / "repository" / "other" / ".git").mkdir(parents=True)  # another checkout within
    (tmp_path / "repository" / "linked").symlink_to("papers")
    assert main(["new", "smith2024", "--into", str(tmp_path / "repository" / into)]) == 0
    workflow = tmp_path / "repository" / ".github" / "workflows" / "audit-smith2024.yml"
    (step,) = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]["audit"]["steps"][1:]
    place = step["with"]["claims"]
    assert place == ("a: b/smith2024" if into == "a: b" else "papers/audits/smith2024")
    assert (tmp_path / "repository" / place / "test_claims.py").exists()
    assert [path.name for path in tmp_path.rglob(".github")] == [".github"]
