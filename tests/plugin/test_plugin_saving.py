"""Reports that cannot be written where they were asked for, and faults of a Store that are told."""

import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.packs import INCONCLUSIVE, SUPPORTED
from tic.document.loading import load_audit
from tic.errors import TicError
from tic.plugin import saving
from tic.session import session


@pytest.fixture
def refuge(tmp_path, monkeypatch):
    """The folder for temporary files."""
    folder = tmp_path / "refuge"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


BLOCKING = """
import pathlib
@says("blocking")
def test_blocking(runs, judge):
    pathlib.Path("report").write_text("a file where a folder should be")
    judge(runs.train_loss()[:, -1], above(0), name="loss", unit="nats")
"""


@pytest.fixture
def sealed(repository, monkeypatch):
    """Nothing can be written in the folder of the claims."""
    here = repository.pytester.path
    monkeypatch.setattr(saving.os, "access", lambda path, mode: Path(path) != here)
    return here


def test_a_report_folder_that_cannot_be_written_is_refused_before_anything_is_trained(
    repository, sealed
):
    repository.write(SUPPORTED)
    outcome = repository.run(store=sealed / "store")
    assert outcome.status == 4
    assert "the report needs a folder that can be written, got " in outcome.text
    assert "--report-dir" in outcome.text
    assert "NOT_RUN" not in outcome.text
    assert "report: " not in outcome.text
    assert not (sealed / "store").exists()


@pytest.mark.parametrize("option", ["--collect-only", "--plan", "--list=claims"])
def test_where_no_report_is_made_its_folder_is_no_matter(repository, sealed, option):
    repository.write(SUPPORTED)
    assert repository.run(option).status == 0


def test_an_audit_whose_report_cannot_be_written_is_kept_elsewhere(repository, refuge):
    outcome = repository.audit(SUPPORTED, BLOCKING)
    assert outcome.status == 1
    assert "the report is not where it was asked for: " in outcome.text
    assert "INTERNALERROR" not in outcome.text
    [kept] = refuge.glob("tic-audit-*")
    assert f"report: {kept / 'report.html'}" in outcome.text
    assert [str(e.outcome) for e in load_audit(kept / "audit.json").entries] == ["SUPPORTED"] * 2
    assert {path.name for path in kept.iterdir()} == {"audit.json", "report.html", "summary.md"}


@pytest.mark.parametrize(
    ("name", "told"),
    [("blocked/x.xml", "file exists"), ("/dev/full", "no space left on device")],
)
def test_a_junit_file_that_cannot_be_written_hides_no_verdict(repository, tmp_path, name, told):
    (repository.pytester.path / "blocked").write_text("a file where a folder should be")
    repository.write(SUPPORTED)
    outcome = repository.run(f"--junitxml={name}")
    assert outcome.status == 1
    assert f"({told}); make room or name another file" in outcome.text
    assert "what pytest writes beside the report, as for --junitxml, could not be" in outcome.text
    assert "1 SUPPORTED" in outcome.text
    assert "report: " in outcome.text
    assert "Traceback" not in outcome.text


def test_an_audit_that_cannot_be_kept_anywhere_shows_its_verdicts(repository, monkeypatch):
    def refuse(prefix):
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(saving, "tempfile", SimpleNamespace(mkdtemp=refuse))
    outcome = repository.audit(SUPPORTED, BLOCKING)
    assert outcome.status == 1
    assert "nor could it be written elsewhere; the same command judges again" in outcome.text
    assert "1 SUPPORTED, 1 with the numbers of another, not counted" in outcome.text
    assert "report: " not in outcome.text


def test_an_audit_that_cannot_be_put_together_says_why(repository, monkeypatch):
    def fail(audit, *arguments, **options):
        raise TicError("the images are gone; bring them back")

    monkeypatch.setattr(session.AuditSession, "conclude", fail)
    outcome = repository.audit(SUPPORTED)
    assert outcome.status == 1
    assert "the audit could not be put together: the images are gone" in outcome.text
    assert "INTERNALERROR" not in outcome.text


def test_a_damaged_run_is_told_once_and_made_again(repository):
    store = repository.pytester.path / "store"
    repository.write(SUPPORTED)
    before = repository.run(store=store).audit
    [damaged, *_] = sorted(store.glob("runs/*"))
    (damaged / "recipe.json").write_text("{}")
    outcome = repository.run(store=store)
    assert outcome.status == 0
    assert "a damaged Run was set aside: " in outcome.text
    assert "recipe.json does not match its sha256 in the manifest" in outcome.text
    assert outcome.audit.entries[0].contrasts == before.entries[0].contrasts
    assert "set aside" not in repository.run(store=store).text


def test_an_audit_that_is_replaced_and_trainings_that_learned_nothing_are_told(repository):
    repository.write(
        """
@says("short", lambda setting: setting.recipe.but(epochs=1, fitting=CosineSGD(learning_rate=1e-9)))
def test_short(runs, judge):
    judge(runs.accuracy(), above(50), name="accuracy", unit="%")
"""
    )
    first = repository.run()
    assert "3 of 3 trainings ended no better than guessing\n" in first.text
    assert "had another audit" not in first.text
    assert f"{first.folder} had another audit, which this one replaced" in repository.run().text


def test_runs_that_are_missing_in_the_end_are_named(repository):
    store = repository.pytester.path / "store"
    shutil.copytree(repository.store, store) if repository.store.exists() else store.mkdir()
    shutil.rmtree(store / "locks", ignore_errors=True)
    (store / "locks").write_text("nobody can lock anything")
    repository.write(
        """
@says("new", lambda setting: setting.recipe.but(architecture=Spiking("tiny", tau=3.5)))
def test_new(runs, judge):
    raise AssertionError("never runs")
""",
    )
    outcome = repository.run("--seeds", "2", store=store)
    labels = [run.label for run in outcome.audit.runs]
    assert f"2 of 2 Runs are missing: {', '.join(labels)}" in outcome.text
    assert f"{labels[0]} is missing, and the Store " in outcome.text


def test_claims_whose_runs_are_there_are_judged_though_others_cannot_be_trained(repository):
    store = repository.pytester.path / "store"
    repository.write(SUPPORTED, INCONCLUSIVE)
    repository.run(store=store)
    shutil.rmtree(store / "locks")
    (store / "locks").write_text("nobody can lock anything")
    repository.write(
        """
@says("new", lambda setting: setting.recipe.but(epochs=9))
def test_new(runs, judge):
    raise AssertionError("never runs")
""",
        SUPPORTED,
    )
    assert repository.run(store=store).verdicts == {
        "new[tiny-digits]": "ERROR",
        "positive[tiny-digits]": "SUPPORTED",
    }


def test_a_command_line_that_no_file_can_hold_is_recorded_escaped(repository):
    repository.write(SUPPORTED)
    outcome = repository.run("--junit-prefix", "\udcfc")
    assert outcome.status == 0
    assert json.loads((outcome.folder / "audit.json").read_bytes())
    assert "\\udcfc" in outcome.audit.provenance.command
