"""The CI templates: their shell steps run here, on a small pack in a clean folder."""

import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from fixtures.packs import HEADER, SUPPORTED
from fixtures.shell import write_program
from fixtures.workers import PATIENCE
from tic.document.loading import load_audit
from tic.report.render import REPORT_FILE, SUMMARY_FILE
from tic.starter import write_pack

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
JOB = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))[".tic-audit"]
ID = "other2024/positive[tiny-digits]"
OUTCOME = "steps.audit.outcome"
EVENT = {
    "github.action_path": "/the/action",
    "github.base_ref": "",
    "github.ref_name": "main",
    "github.run_id": "7",
    "github.run_attempt": "1",
    "github.event_name": "push",
    "runner.os": "Linux",
    OUTCOME: "success",
}

PYTHON = f"""#!/bin/sh
[ "$1" = -m ] || exec {sys.executable} "$@"
for file; do :; done
echo "${{*%"$file"}}"
cat "$file"
"""
PIP = "-m pip install --quiet --disable-pip-version-check -r \n"


def filled(text, values):
    """Fill in expressions of the one form that the action has: names, and `a || b`."""

    def value(match):
        return next((v for name in match[1].split("||") if (v := values[name.strip()])), "")

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


def values(given=None, event=None):
    inputs = {name: declared["default"] for name, declared in ACTION["inputs"].items()}
    unknown = set(given or {}) - set(inputs)
    assert not unknown
    named = {f"inputs.{name}": value for name, value in {**inputs, **(given or {})}.items()}
    return {**EVENT, **(event or {}), **named}


@pytest.fixture
def project(shell, tmp_path):
    """A repository with one claim that is supported; `python -m pip` prints requirements."""
    write_program(shell.bin / "python", PYTHON)
    folder = tmp_path / "project"
    (folder / "my claims").mkdir(parents=True)
    write(folder, SUPPORTED)
    return folder


def write(project, claim):
    (project / "my claims" / "test_pack.py").write_text(HEADER.lstrip() + claim, encoding="utf-8")


def act(shell, project, inputs, event=None):
    """Run the shell steps of the action as GitHub does; return the first failure and all output."""
    known, status, text = values(inputs, event), 0, ""
    for step in STEPS:
        if "run" not in step or (status and step.get("if") != "always()"):
            continue
        summary = {"GITHUB_STEP_SUMMARY": str(project / "step-summary.md")}
        given = {name: filled(value, known) for name, value in step["env"].items()}
        assert "${{" not in step["run"], "what others write would become a part of the script"
        done = shell.run(step["run"], project, {**given, **summary})
        if step.get("id") == "audit" and done.returncode and not (event or {}).get(OUTCOME):
            known[OUTCOME] = "failure"
        status, text = status or done.returncode, text + done.stdout + done.stderr
    return status, text


def of_step(name):
    return next(step for step in STEPS if step.get("name") == name)


def test_the_action_audits_compares_and_sums_up(shell, project):
    inputs = {"claims": "my claims", "budget": "", "workers": "0", "options": "--no-rivals"}
    status, text = act(shell, project, inputs)
    assert status == 0, text
    assert f"{PIP}/the/action[attacks]\n" in text
    summary = (project / "step-summary.md").read_text(encoding="utf-8")
    assert summary == (project / "report" / "summary.md").read_text(encoding="utf-8")
    assert (project / ".tic").is_dir()
    assert (project / "report" / "badge.svg").is_file()
    assert (project / ".tic-base" / "audit" / "audit.json").is_file()

    # A pull request whose claim comes out otherwise than is expected.
    write(project, SUPPORTED.replace("above(0)", "below(0)"))
    (project / "expected.json").write_text(json.dumps({ID: ["SUPPORTED"]}))
    (project / "step-summary.md").unlink()
    needed = "tic-audit[attacks] @ git+https://example.org/tic@1\ntorch >= 2; os_name == 'posix'"
    inputs |= {"expect": "expected.json", "requirements": needed}
    status, text = act(shell, project, inputs, {"github.base_ref": "main"})
    assert status == 1, text
    assert f"{PIP}{needed}\n" in text
    summary = (project / "step-summary.md").read_text(encoding="utf-8")
    assert summary.startswith("### 1 of 1 verdict changed\n")
    assert re.search(r"\| ✓ SUPPORTED .*\| ✗ REFUTED ", summary)
    assert "# Claim audit: Other" in summary
    # Nothing was trained anew.
    assert "needs 3 Runs" not in text


def test_the_action_has_no_summary_where_nothing_was_audited(telling_shell, tmp_path):
    write_program(telling_shell.bin / "python", "#!/bin/sh\n")
    write_program(telling_shell.bin / "tic", "#!/bin/sh\nexit 4\n")
    assert act(telling_shell, tmp_path, {}) == (4, "")
    assert not (tmp_path / "step-summary.md").exists()


def test_every_input_of_the_action_is_used_and_every_expression_known():
    text = json.dumps(STEPS)
    assert {*re.findall(r"inputs\.([a-z-]+)", text)} == set(ACTION["inputs"])
    for step in STEPS:
        for value in {**step.get("env", {}), **step.get("with", {})}.values():
            assert "${{" not in filled(value, values())


def test_the_caches_that_the_action_restores_are_those_that_it_saves():
    caches = {"restore": {}, "save": {}}
    for step in STEPS:
        if match := re.match(r"actions/cache/(\w+)@", step.get("uses", "")):
            given = {name: filled(value, values()) for name, value in step["with"].items()}
            caches[match[1]][given["path"]] = given
    assert caches["restore"].keys() == caches["save"].keys() == {".tic", ".tic-base/audit"}
    for path, saved in caches["save"].items():
        assert saved["key"].startswith(caches["restore"][path]["restore-keys"])
    # A pull request reads what the branch that it goes to has saved.
    asked = next(s["with"] for s in STEPS if s.get("with", {}).get("path", "").startswith(".tic-b"))
    there = filled(asked["restore-keys"], values(event={"github.base_ref": "main"}))
    assert caches["save"][".tic-base/audit"]["key"].startswith(there)
    of_a_branch = filled(asked["restore-keys"], values(event={"github.ref_name": "mine"}))
    assert not caches["save"][".tic-base/audit"]["key"].startswith(of_a_branch)


def test_what_an_audit_came_to_is_kept_however_it_ends():
    keeping = re.compile(r"actions/(cache/save|upload-artifact)@")
    steps = [step for step in STEPS if keeping.match(step.get("uses", ""))]
    assert {step["with"]["path"]: step.get("if") for step in steps} == {
        "${{ inputs.store }}": "always()",
        "${{ inputs.report }}": "always()",
        # A pull request changes nothing that others are compared with.
        ".tic-base/${{ inputs.artifact }}": "always() && github.event_name == 'push'",
    }
    store, base = JOB["cache"]
    assert [kept["when"] for kept in (JOB["artifacts"], store, base)] == ["always"] * 3
    # Of merge requests no Runs are taken, but they are compared with the default branch.
    assert (store.get("unprotect", False), base["unprotect"]) == (False, True)


@pytest.mark.parametrize(
    ("inputs", "event"),
    [({"claims": "claims-extra"}, {}), ({"claims": "claims/7"}, {}), ({"artifact": "audit-2"}, {}),
     ({}, {"github.ref_name": "main-2"})],
    ids=["claims that begin alike", "claims below", "another audit", "a branch that begins alike"],
)  # fmt: skip
def test_no_audit_restores_the_caches_of_another(inputs, event):
    """But for Runs, which another branch may have."""
    saved = [
        filled(step["with"]["key"], values(inputs, event))
        for step in STEPS
        if step.get("uses", "").startswith("actions/cache/save@")
    ]
    asked = [filled(s["with"]["restore-keys"], values()) for s in STEPS if "restore-keys" in str(s)]
    found = [key for key in saved if any(key.startswith(prefix) for prefix in asked)]
    assert (len(saved), len(asked)) == (2, 2)
    assert found == [key for key in saved if key.startswith("tic-store") and not inputs]


def test_the_documented_jobs_give_what_the_templates_take():
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    workflow, pipeline = map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S))
    (step,) = (step for step in workflow["jobs"]["audit"]["steps"] if "with" in step)
    # There is no file of verdicts that pass before a first audit.
    assert step["with"].keys() <= ACTION["inputs"].keys() - {"expect"}
    told = re.search(r"^\| input .*?\n\n", text, re.M | re.S)[0]
    assert {*re.findall(r"`([a-z-]+)`(?= `|.*?\|)", told)} >= ACTION["inputs"].keys()
    assert pipeline["audit"]["variables"].keys() <= JOB["variables"].keys() - {"TIC_EXPECT"}
    assert {*re.findall(r"`(TIC_\w+)`", text)} == JOB["variables"].keys()


def test_the_job_for_gitlab_audits_compares_and_keeps_what_the_default_branch_came_to(
    shell, project
):
    given = {**JOB["variables"], "TIC_CLAIMS": "my claims", "TIC_BUDGET": "", "TIC_WORKERS": "0"}
    given |= {"TIC_REQUIREMENTS": "/a/checkout[attacks]\ntorch >= 2"}
    given |= {"TIC_OPTIONS": "--no-rivals", "CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BRANCH": "main"}
    before = "\n".join([*JOB["before_script"], *JOB["script"]])
    after = "\n".join(JOB["after_script"])
    done = shell.run(before, project, given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{PIP}/a/checkout[attacks]\ntorch >= 2\n" in done.stdout
    assert shell.run(after, project, given).returncode == 0
    assert not (project / "report" / "changes.md").exists()
    assert (project / "report" / "badge.svg").is_file()

    write(project, SUPPORTED.replace("above(0)", "below(0)"))
    given["CI_COMMIT_BRANCH"] = ""
    kept = (project / ".tic-base" / "audit.json").read_bytes()
    assert shell.run(before, project, given).returncode == 0
    done = shell.run(after, project, given)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("### 1 of 1 verdict changed\n")
    changes = (project / "report" / "changes.md").read_text(encoding="utf-8")
    assert done.stdout == f"{changes}report/badge.svg\n"
    assert (project / ".tic-base" / "audit.json").read_bytes() == kept
    (case,) = ET.parse(project / "report" / "junit.xml").iter("testcase")
    assert case.find(".//property[@name='verdict']").get("value") == "REFUTED"


def test_the_job_for_gitlab_ends_where_nobody_says_where_tic_comes_from(telling_shell, tmp_path):
    done = telling_shell.run("\n".join(JOB["before_script"]), tmp_path, JOB["variables"])
    assert done.returncode
    assert "TIC_REQUIREMENTS: must name tic" in done.stderr


def test_the_workflow_of_a_new_pack_is_the_documented_one(tmp_path):
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    documented = yaml.safe_load(re.search(r"^```yaml\n(.*?)^```", text, re.M | re.S)[1])
    write_pack("smith2024", tmp_path)
    workflow = tmp_path / ".github" / "workflows" / "audit-smith2024.yml"
    written = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert written.pop("name") == "audit smith2024"
    assert documented.pop("name") == "audit"
    assert written == documented


SCRIPTS = {"action": of_step("Audit")["run"], "gitlab": JOB["script"][0]}
EVERY = pytest.mark.parametrize("name", SCRIPTS)


def told_audit(name, chosen):
    """The environment of the audit in a template; GitLab has no names for all of it."""
    prefix, declared = ("TIC_", JOB["variables"]) if name == "gitlab" else ("", {})
    chosen = {"STORE": ".tic", "REPORT": "report", **chosen}
    return {**declared, **chosen, **{f"{prefix}{key}": value for key, value in chosen.items()}}


@EVERY
def test_every_input_reaches_tic(telling_shell, tmp_path, name):
    chosen = {
        "CLAIMS": "my claims", "BUDGET": "15 min", "WORKERS": "3", "EXPECT": "a file.json",
        "OPTIONS": "--claim 'alpha-*, beta' --controls", "PYTEST_ADDOPTS": "-x",
    }  # fmt: skip
    told = telling_shell.run(SCRIPTS[name], tmp_path, told_audit(name, chosen))
    assert told.stdout.splitlines() == [
        "audit", "my claims", "-n", "3", "--budget", "15 min", "--expect", "a file.json",
        "--store", ".tic", "--report-dir", "report", "--junit-xml", "report/junit.xml",
        "-x --claim 'alpha-*, beta' --controls",
    ]  # fmt: skip
    fewer = told_audit(name, {**chosen, "BUDGET": "", "EXPECT": ""})
    told = telling_shell.run(SCRIPTS[name], tmp_path, fewer).stdout.splitlines()
    assert told[:6] == ["audit", "my claims", "-n", "3", "--store", ".tic"]


@EVERY
def test_options_are_words_as_in_a_shell_and_nothing_is_evaluated(shell, project, name):
    write(project, SUPPORTED + SUPPORTED.replace("positive", "other"))
    (project / "posi-file").write_text("")
    options = """--claim 'posi*' -k "positive and not $(touch evaluated)"; touch evaluated"""
    chosen = {"CLAIMS": "my claims", "BUDGET": "", "WORKERS": "0", "EXPECT": ""}
    done = shell.run(SCRIPTS[name], project, told_audit(name, {**chosen, "OPTIONS": options}))
    assert done.returncode == 4
    assert not (project / "evaluated").exists()
    options = """--claim 'posi*' -k "positive and not other" --no-rivals"""
    done = shell.run(SCRIPTS[name], project, told_audit(name, {**chosen, "OPTIONS": options}))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [entry.id for entry in load_audit(project / "report" / "audit.json").entries] == [ID]


@EVERY
def test_a_signal_to_the_job_reaches_the_audit(telling_shell, tmp_path, name):
    heeding = "#!/bin/sh\ntrap 'echo heard; exit 2' TERM\necho ready\nwhile :; do sleep 0.1; done\n"
    write_program(telling_shell.bin / "tic", heeding)
    (script := tmp_path / "script").write_text(SCRIPTS[name])
    chosen = {"CLAIMS": "claims", "BUDGET": "", "WORKERS": "0", "EXPECT": "", "OPTIONS": ""}
    path = f"{telling_shell.bin}{os.pathsep}{os.environ['PATH']}"
    job = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
        env={**os.environ, **told_audit(name, chosen), "PATH": path},
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert job.stdout.readline() == "ready\n"
        job.send_signal(signal.SIGTERM)
        assert job.wait(timeout=PATIENCE) == 2
        assert job.stdout.readline() == "heard\n"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.stdout.close()


COMPARING = {"action": of_step("Compare and sum up")["run"], "gitlab": JOB["after_script"][0]}
NEITHER = "The base audit cannot be read; nothing was compared.\n"


@pytest.fixture(params=COMPARING)
def compare(request, shell, project):
    """Compare an audit that was complete with the base, and sum up, as a template does."""
    chosen = {"CLAIMS": "my claims", "BUDGET": "", "WORKERS": "0", "EXPECT": "", "OPTIONS": ""}
    name = request.param
    assert shell.run(SCRIPTS[name], project, told_audit(name, chosen)).returncode == 0

    def run(*, status="success", completed=True):
        text = (project / "report" / "audit.json").read_text(encoding="utf-8")
        edited = json.dumps({**json.loads(text), "completed": completed})
        (project / "report" / "audit.json").write_text(edited, encoding="utf-8")
        of_gitlab = {"cancelled": "canceled", "failure": "failed"}.get(status, status)
        given = {
            "REPORT": "report", "BASE": ".tic-base", "OUTCOME": status, "GITHUB_STEP_SUMMARY": "",
            "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "CI_JOB_STATUS": of_gitlab,
        }  # fmt: skip
        done = shell.run(COMPARING[name], project, given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize(
    "base", ['{"schema_version": 8, "ent', '{"schema_version": 99}'],
    ids=["truncated", "of a newer version"],
)  # fmt: skip
def test_a_base_that_cannot_be_read_is_told_and_replaced(compare, project, base):
    (project / ".tic-base").mkdir()
    (kept := project / ".tic-base" / "audit.json").write_text(base)
    told = compare()
    assert told.startswith(NEITHER)
    assert (project / "report" / "changes.md").read_text() == NEITHER
    assert kept.read_bytes() == (project / "report" / "audit.json").read_bytes()
    assert compare().startswith("### None of 1 verdict changed\n")


@pytest.mark.parametrize(
    ("status", "completed", "is_kept"),
    [("success", True, True), ("failure", True, True), ("failure", False, False),
     ("cancelled", True, False)],
    ids=["succeeded", "unexpected verdicts", "incomplete", "cancelled"],
)  # fmt: skip
def test_what_is_complete_and_was_not_cancelled_becomes_the_base(
    compare, project, status, completed, is_kept
):
    compare(status=status, completed=completed)
    assert (project / ".tic-base" / "audit.json").exists() == is_kept


def test_without_a_summary_of_the_step_the_action_prints_it(shell, project):
    (project / "report").mkdir()
    (project / "report" / "summary.md").write_text("# Summed up\n")
    (project / "report" / "audit.json").write_text('{"completed": false}')
    given = {"REPORT": "report", "BASE": ".tic-base", "GITHUB_STEP_SUMMARY": ""}
    assert shell.run(COMPARING["action"], project, given).stdout.startswith("# Summed up\n")


@pytest.mark.parametrize(
    "script", [of_step("Clear the report")["run"], JOB["before_script"][0]], ids=SCRIPTS
)
def test_what_an_earlier_audit_left_is_cleared_and_nothing_else(telling_shell, tmp_path, script):
    write_program(telling_shell.bin / "python", "#!/bin/sh\n")
    written = (REPORT_FILE, SUMMARY_FILE, "audit.json", "badge.svg", "changes.md", "junit.xml")
    (tmp_path / "report").mkdir()
    for name in (*written, "thesis.md"):
        (tmp_path / "report" / name).write_text("")
    given = {"REPORT": "report", "TIC_REQUIREMENTS": "tic"}
    assert telling_shell.run(script, tmp_path, given).returncode == 0
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["thesis.md"]


def test_only_the_default_branch_writes_the_base_that_all_jobs_of_gitlab_read():
    _, base = JOB["cache"]
    assert base["policy"] == "$TIC_BASE_POLICY"
    assert JOB["variables"]["TIC_BASE_POLICY"] == "pull"
    default, others = JOB["rules"]
    assert default["if"] == "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
    assert default["variables"] == {"TIC_BASE_POLICY": "pull-push"}
    assert "variables" not in others


def test_no_key_of_a_cache_of_gitlab_can_have_a_slash():
    keys = [cache["key"] for cache in JOB["cache"]]
    assert len(set(keys)) == len(keys)
    # Names of branches may have one, and GitLab has no slug of its default branch's.
    assert {name for key in keys for name in re.findall(r"\$(\w+)", key)} == {"CI_JOB_NAME_SLUG"}


def test_the_job_for_gitlab_keeps_what_it_writes():
    assert [cache["paths"] for cache in JOB["cache"]] == [[".tic"], [".tic-base"]]
    assert JOB["artifacts"]["paths"] == ["report"]
    assert JOB["artifacts"]["reports"]["junit"].startswith("report/")
