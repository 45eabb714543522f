"""A whole audit through pytest: report, Store, selection, plan, interruption."""

import json
import re
import subprocess
from datetime import UTC, datetime
from types import SimpleNamespace

from fixtures.packs import INCONCLUSIVE, QUICKLY, REFUTED, SUPPORTED
from tic.document.loading import load_audit
from tic.exchange.diff import diff_audits

UNIT_TEST = "def test_unit():\n    assert 1 + 1 == 2\n"


def trained_files(store):
    return {path: path.stat().st_mtime_ns for path in store.glob("runs/**/*")}


def test_the_report_is_written_where_it_was_asked_for(repository):
    outcome = repository.audit(SUPPORTED)
    assert {file.name for file in outcome.folder.iterdir()} == {
        "audit.json",
        "report.html",
        "summary.md",
    }
    assert f"report: {outcome.folder / 'report.html'}" in outcome.text
    assert "other2024/positive" in (outcome.folder / "report.html").read_text()
    assert "1 verdict on 1 claim: 1 supported" in (outcome.folder / "summary.md").read_text()


def test_the_report_goes_into_a_folder_named_after_the_time_by_default(repository):
    repository.write(SUPPORTED)
    result = repository.pytester.runpytest_inprocess(*QUICKLY, "--store", repository.store)
    assert result.ret == 0
    (folder,) = (repository.pytester.path / "reports").iterdir()
    result.stdout.fnmatch_lines([f"report: reports/{folder.name}/report.html"])
    started = json.loads((folder / "audit.json").read_text())["started"]
    assert folder.name == started.replace(":", "-").replace("+00-00", "Z")


def test_audits_that_begin_in_the_same_second_get_folders_of_their_own(repository, monkeypatch):
    begun = SimpleNamespace(fromtimestamp=lambda *_: datetime(2027, 1, 15, 8, tzinfo=UTC))
    monkeypatch.setattr("tic.plugin.concluding.datetime", begun)
    for claim, number in ((SUPPORTED, ""), (REFUTED, "-2"), (INCONCLUSIVE, "-3")):
        repository.write(claim)
        result = repository.pytester.runpytest_inprocess(*QUICKLY, "--store", repository.store)
        result.stdout.fnmatch_lines([f"report: reports/2027-01-15T08-00-00Z{number}/report.html"])
    reports = repository.pytester.path / "reports"
    outcomes = [load_audit(path).entries[0].outcome for path in sorted(reports.glob("*/*.json"))]
    assert outcomes == ["SUPPORTED", "REFUTED", "INCONCLUSIVE"]


def test_the_store_is_beside_the_claims_by_default_or_where_the_environment_says(
    repository, monkeypatch
):
    here = repository.pytester.path
    repository.write(SUPPORTED)
    monkeypatch.setenv("TIC_STORE", str(here / "elsewhere"))
    repository.pytester.runpytest_inprocess(
        *QUICKLY, "--report-dir", here / "report", "--seeds", "1"
    )
    assert len(list((here / "elsewhere" / "runs").iterdir())) == 1
    monkeypatch.delenv("TIC_STORE")
    repository.pytester.runpytest_inprocess(
        *QUICKLY, "--report-dir", here / "report", "--seeds", "1"
    )
    assert len(list((here / ".tic" / "runs").iterdir())) == 1


def test_a_second_run_only_judges_and_comes_to_the_same(repository):
    store = repository.pytester.path / "store"
    repository.write(SUPPORTED, REFUTED, INCONCLUSIVE)
    first = repository.run(store=store)
    before, trained = first.audit, trained_files(store)
    assert len(list((store / "runs").iterdir())) == 3
    second = repository.run(store=store)
    assert trained_files(store) == trained
    assert diff_audits(before, second.audit).empty


def test_the_audit_records_every_training(repository):
    audit = repository.audit(SUPPORTED).audit
    assert [(run.label, run.seed, run.status) for run in audit.runs] == [
        ("tiny-digits-T2-seed0", 0, "finished"),
        ("tiny-digits-T2-seed1", 1, "finished"),
        ("tiny-digits-T2-seed2", 2, "finished"),
    ]
    assert set(audit.entries[0].runs) == {run.fingerprint for run in audit.runs}
    assert audit.completed
    assert list(audit.provenance.data_digests) == ["digits, 60 training images"]


def test_collecting_alone_writes_no_report_and_trains_nothing(repository):
    repository.write(SUPPORTED)
    store = repository.pytester.path / "store"
    outcome = repository.run("--collect-only", "-q", store=store)
    assert outcome.status == 0
    assert "test_pack.py::test_positive[tiny-digits]" in outcome.text
    assert not outcome.folder.exists()
    assert not (store / "runs").exists()


def test_tests_without_claims_are_left_alone(repository):
    repository.pytester.makepyfile(test_units=UNIT_TEST)
    outcome = repository.run()
    assert outcome.status == 0
    assert "1 passed" in outcome.text
    assert "verdicts" not in outcome.text
    assert not outcome.folder.exists()


def test_an_own_parameter_named_setting_is_no_business_of_the_plugin(repository):
    repository.pytester.makepyfile(
        test_units="""
        import pytest
        @pytest.mark.parametrize("setting", [1, 2])
        def test_unit(setting):
            assert setting
        """
    )
    outcome = repository.run()
    assert (outcome.status, "2 passed" in outcome.text) == (0, True)


def test_claims_and_other_tests_run_together(repository):
    repository.pytester.makepyfile(test_units=UNIT_TEST + "\ndef test_bad():\n    assert 1 == 2\n")
    outcome = repository.audit(SUPPORTED)
    assert outcome.status == 1
    assert "1 failed, 1 passed, 1 supported" in outcome.text
    assert "assert 1 == 2" in outcome.text
    assert outcome.verdicts == {"positive[tiny-digits]": "SUPPORTED"}


def test_claim_selects_by_name_by_pattern_and_by_full_id(repository):
    repository.pytester.makepyfile(test_units=UNIT_TEST)
    repository.write(SUPPORTED, REFUTED, INCONCLUSIVE)
    chosen = repository.run("--claim", "pos*,other2024/spread")
    assert set(chosen.verdicts) == {"positive[tiny-digits]", "spread[tiny-digits]"}
    assert "2 deselected" in chosen.text
    assert chosen.status == 0


def test_the_options_change_the_setting_and_the_scope(repository):
    repository.write(SUPPORTED)
    outcome = repository.run("--epochs", "1", "--seeds", "3", "--train-size", "40")
    assert outcome.entry.scope.level == "reduced"
    assert outcome.entry.scope.differences == (
        "train size: 40 instead of 60",
        "epochs: 1 instead of 2",
    )
    assert {run.recipe["train_size"] for run in outcome.audit.runs} == {40}


def test_the_plan_is_printed_and_nothing_is_trained(repository):
    store = repository.pytester.path / "store"
    repository.write(SUPPORTED, REFUTED)
    outcome = repository.run("--plan", store=store)
    assert outcome.status == 0
    assert "tiny-digits-T2    3 Runs,   3 to train" in outcome.text
    # Three trainings of 2 epochs × 60 images × 2 timesteps.
    for line in (
        r"3 Runs, 3 to train",
        r"samples × epochs × timesteps 720",
        r"operations                   \d\.\d+e\+08",
        r"disk                         482 kB",
        r"training                     about .* of one process on cpu, from steps timed here",
    ):
        assert re.search(f"^{line}", outcome.text, re.MULTILINE), line
    assert not (store / "runs").exists()
    assert not outcome.folder.exists()
    assert "passed" not in outcome.text


def test_the_plan_counts_what_is_there_already(repository):
    store = repository.pytester.path / "store"
    repository.write(SUPPORTED)
    repository.run("--seeds", "1", store=store)
    assert "3 Runs, 2 to train" in repository.run("--plan", store=store).text


def test_an_interrupted_audit_is_reported_in_part_and_says_how_to_go_on(repository):
    outcome = repository.audit(
        SUPPORTED,
        """
@says("patient")
def test_patient(runs, judge):
    raise KeyboardInterrupt
""",
        REFUTED,
    )
    assert outcome.status == 2
    assert outcome.verdicts == {
        "positive[tiny-digits]": "SUPPORTED",
        "patient[tiny-digits]": "NOT_RUN",
        "negative[tiny-digits]": "NOT_RUN",
    }
    assert not outcome.audit.completed
    assert (
        f"The audit is not complete. What was trained is kept in {repository.store}; "
        "the same command goes on from there."
    ) in outcome.text


def test_an_interruption_after_the_last_claim_leaves_the_audit_incomplete_too(repository):
    outcome = repository.audit(
        """
import pytest
@pytest.fixture
def slow():
    yield
    raise KeyboardInterrupt
@says("positive")
def test_positive(runs, judge, slow):
    judge(runs.train_loss()[:, -1], above(0), name="loss", unit="nats")
"""
    )
    assert outcome.status == 2
    assert outcome.verdicts == {"positive[tiny-digits]": "SUPPORTED"}
    assert not outcome.audit.completed


def test_an_audit_that_stops_at_the_first_failure_is_not_complete(repository):
    broken = '\n@says("broken")\ndef test_broken(runs, judge):\n    [][1]\n'
    repository.write(REFUTED, broken, SUPPORTED)
    outcome = repository.run("-x")
    assert outcome.verdicts == {
        "negative[tiny-digits]": "REFUTED",
        "broken[tiny-digits]": "ERROR",
        "positive[tiny-digits]": "NOT_RUN",
    }
    assert not outcome.audit.completed
    assert outcome.status == 1


def test_an_audit_that_pytest_was_told_to_end_well_does_not_succeed(repository):
    leaving = '\nimport pytest\n@says("left")\ndef test_left(runs):\n    pytest.exit("bye", 0)\n'
    outcome = repository.audit(SUPPORTED, leaving)
    assert outcome.status == 1
    assert "the audit ended before every claim was judged" in outcome.text


def test_a_claim_that_breaks_while_it_is_torn_down_is_an_error(repository):
    outcome = repository.audit(
        """
import pytest
@pytest.fixture
def fragile():
    yield
    raise RuntimeError("it fell over")
@says("fragile")
def test_fragile(runs, judge, fragile):
    judge(runs.train_loss()[:, -1], above(0), name="loss")
"""
    )
    assert outcome.status == 1
    assert outcome.entry.outcome == "ERROR"
    assert outcome.entry.reason.startswith("RuntimeError: it fell over (")


def test_a_claim_stands_once_in_every_setting_that_was_asked_for(repository):
    repository.write(
        SUPPORTED,
        """
PACK.settings["resnet19"] = Setting(QUICK.but(architecture=Spiking("resnet19")), seeds=(0,))
""",
    )
    outcome = repository.run("--collect-only", "-q", "--arch", "tiny,resnet19")
    assert "test_positive[tiny-digits]" in outcome.text
    assert "test_positive[resnet19-digits]" in outcome.text


def test_the_commit_is_that_of_the_claims_wherever_the_store_lies(repository):
    repository.write(SUPPORTED)
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@b.c")
    for command in (["init", "-q"], ["add", "test_pack.py"], ["commit", "-qm", "Claims"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    provenance = repository.run().audit.provenance
    assert provenance.git_commit == head.stdout.strip()
    assert provenance.git_dirty is False
