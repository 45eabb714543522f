"""The CI templates: their shell steps run here, on a small pack in a clean folder."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from fixtures.packs import HEADER, SUPPORTED
from fixtures.shell import write_program
from tic.starter import write_pack

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
JOB = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))[".tic-audit"]
ID = "other2024/positive[tiny-digits]"
EVENT = {
    "github.action_path": "/the/action",
    "github.base_ref": "",
    "github.ref_name": "main",
    "github.run_id": "7",
    "github.run_attempt": "1",
    "github.event_name": "push",
    "runner.os": "Linux",
}


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
    """A repository with one claim that is supported; `python -m pip` installs nothing."""
    write_program(shell.bin / "python", '#!/bin/sh\necho "python $*"\n')
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
        status, text = status or done.returncode, text + done.stdout + done.stderr
    return status, text


def test_the_action_audits_compares_and_sums_up(shell, project):
    inputs = {"claims": "my claims", "budget": "", "workers": "0", "options": "--no-rivals"}
    status, text = act(shell, project, inputs)
    assert status == 0, text
    assert "pip install --quiet --disable-pip-version-check /the/action[attacks]\n" in text
    summary = (project / "step-summary.md").read_text(encoding="utf-8")
    assert summary == (project / "report" / "summary.md").read_text(encoding="utf-8")
    assert (project / ".tic").is_dir()

    # A pull request whose claim comes out otherwise than is expected.
    write(project, SUPPORTED.replace("above(0)", "below(0)"))
    (project / "expected.json").write_text(json.dumps({ID: ["SUPPORTED"]}))
    (project / "step-summary.md").unlink()
    inputs |= {"expect": "expected.json", "requirements": "tic-audit torch"}
    status, text = act(shell, project, inputs, {"github.base_ref": "main"})
    assert status == 1, text
    assert "pip install --quiet --disable-pip-version-check tic-audit torch\n" in text
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
    assert caches["restore"].keys() == caches["save"].keys() == {".tic", ".tic-base"}
    for path, saved in caches["save"].items():
        assert saved["key"].startswith(caches["restore"][path]["restore-keys"])
    # A pull request reads what the branch that it goes to has saved.
    asked = next(s for s in STEPS if s.get("with", {}).get("path") == ".tic-base")["with"]
    there = filled(asked["restore-keys"], values(event={"github.base_ref": "main"}))
    assert caches["save"][".tic-base"]["key"].startswith(there)
    of_a_branch = filled(asked["restore-keys"], values(event={"github.ref_name": "mine"}))
    assert not caches["save"][".tic-base"]["key"].startswith(of_a_branch)


def test_the_documented_jobs_give_what_the_templates_take():
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    workflow, pipeline = map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S))
    (step,) = (step for step in workflow["jobs"]["audit"]["steps"] if "with" in step)
    assert step["with"].keys() <= ACTION["inputs"].keys()
    told = re.search(r"^\| input .*?\n\n", text, re.M | re.S)[0]
    assert {*re.findall(r"`([a-z-]+)`(?= `|.*?\|)", told)} >= ACTION["inputs"].keys()
    assert pipeline["audit"]["variables"].keys() <= JOB["variables"].keys()
    assert {*re.findall(r"`(TIC_\w+)`", text)} == JOB["variables"].keys()


def test_the_job_for_gitlab_audits_compares_and_keeps_what_the_default_branch_came_to(
    shell, project
):
    given = {**JOB["variables"], "TIC_CLAIMS": "my claims", "TIC_BUDGET": "", "TIC_WORKERS": "0"}
    given |= {"TIC_REQUIREMENTS": "/a/checkout torch"}
    given |= {"TIC_OPTIONS": "--no-rivals", "CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BRANCH": "main"}
    before = "\n".join([*JOB["before_script"], *JOB["script"]])
    after = "\n".join(JOB["after_script"])
    done = shell.run(before, project, given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pip install --quiet --disable-pip-version-check /a/checkout torch\n" in done.stdout
    assert shell.run(after, project, given).returncode == 0
    assert not (project / "report" / "changes.md").exists()

    write(project, SUPPORTED.replace("above(0)", "below(0)"))
    given["CI_COMMIT_BRANCH"] = ""
    kept = (project / ".tic-base" / "audit.json").read_bytes()
    assert shell.run(before, project, given).returncode == 0
    done = shell.run(after, project, given)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("### 1 of 1 verdict changed\n")
    assert (project / "report" / "changes.md").read_text(encoding="utf-8") == done.stdout
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
    # A new pack has no file of verdicts that pass.
    (told,) = (s["with"] for s in documented["jobs"]["audit"]["steps"] if "with" in s)
    assert told.pop("expect") == "expected.json"
    assert written == documented


@pytest.mark.parametrize(
    ("name", "prefix", "script"),
    [("action", "", next(s["run"] for s in STEPS if s.get("name") == "Audit")),
     ("gitlab", "TIC_", JOB["script"][0])],
    ids=["action", "gitlab"],
)  # fmt: skip
def test_options_are_words_and_patterns_among_them_are_for_tic(
    telling_shell, tmp_path, name, prefix, script
):
    (tmp_path / "alpha-file").write_text("")
    chosen = {
        "CLAIMS": "my claims", "BUDGET": "15 min", "WORKERS": "3", "EXPECT": "a file.json",
        "OPTIONS": "--claim alpha-* --controls", "STORE": ".tic", "REPORT": "report",
    }  # fmt: skip
    given = {**(JOB["variables"] if name == "gitlab" else {}), **chosen}
    given |= {f"{prefix}{key}": value for key, value in chosen.items()}
    assert telling_shell.run(script, tmp_path, given).stdout.splitlines() == [
        "audit", "my claims", "-n", "3", "--budget", "15 min", "--expect", "a file.json",
        "--store", ".tic", "--report-dir", "report", "--junit-xml", "report/junit.xml",
        "--claim", "alpha-*", "--controls",
    ]  # fmt: skip
    given |= {f"{prefix}BUDGET": "", f"{prefix}EXPECT": ""}
    told = telling_shell.run(script, tmp_path, given).stdout.splitlines()
    assert told[:6] == ["audit", "my claims", "-n", "3", "--store", ".tic"]


def test_the_job_for_gitlab_keeps_what_it_writes():
    assert [cache["paths"] for cache in JOB["cache"]] == [[".tic"], [".tic-base"]]
    assert JOB["artifacts"]["paths"] == ["report"]
    assert JOB["artifacts"]["reports"]["junit"].startswith("report/")
