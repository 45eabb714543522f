"""Provenance: code, versions and data, and nothing about the person."""

import os
import subprocess
from pathlib import Path

import pytest

from tic.session.provenance import provenance


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    root = tmp_path / "claims"
    root.mkdir()
    (root / "file").write_text("one")

    def git(*arguments):
        command = ["git", "-C", root, "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", "file")
    git("commit", "-q", "-m", "One")
    return root, git


def describe(root, *arguments):
    return provenance(root, arguments, {"digits": "abc"}, "cpu")


def test_the_commit_is_recorded_and_clean(repository):
    root, git = repository
    found = describe(root)
    assert found.git_commit == git("rev-parse", "HEAD")
    assert found.git_dirty is False


def test_a_changed_file_makes_it_dirty(repository):
    root, _ = repository
    (root / "file").write_text("two")
    assert describe(root).git_dirty is True


def test_claims_that_git_does_not_know_make_it_dirty(repository):
    root, git = repository
    (inside := root / "new" / "deeper").mkdir(parents=True)
    (inside / "test_claims.py").write_text("")
    assert describe(root).git_dirty is True
    assert describe(inside).git_dirty is True
    (root / ".gitignore").write_text("new\n")
    git("add", ".gitignore")
    git("commit", "-q", "-m", "Ignore")
    assert describe(root).git_dirty is False


def test_names_of_files_that_are_no_text_are_told_apart_all_the_same(repository):
    root, git = repository
    git("config", "core.quotePath", "false")
    Path(os.fsdecode(os.fsencode(root) + b"/na\xefve.py")).touch()
    assert describe(root).git_dirty is True


def test_what_an_audit_leaves_does_not(repository):
    root, _ = repository
    (root / "__pycache__").mkdir()
    for name in ("report.html", "audit.json", "__pycache__/test_claims.cpython-311.pyc"):
        (root / name).write_text("left by the audit")
    assert describe(root).git_dirty is False


def test_files_of_other_folders_that_git_does_not_know_do_not(repository):
    root, _ = repository
    (root / "inside").mkdir()
    (root / "other.py").write_text("")
    assert describe(root / "inside").git_dirty is False


def test_a_folder_inside_the_repository_has_its_commit(repository):
    root, git = repository
    (root / "inside").mkdir()
    assert describe(root / "inside").git_commit == git("rev-parse", "HEAD")


def test_a_repository_without_a_commit_has_none(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert describe(tmp_path).git_commit is None


def test_outside_of_git_there_is_neither(tmp_path):
    found = describe(tmp_path)
    assert (found.git_commit, found.git_dirty) == (None, None)


def test_without_git_on_the_machine_there_is_neither(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert describe(repository[0]).git_commit is None


def test_nothing_names_the_user_or_the_environment(tmp_path, monkeypatch):
    home = tmp_path / "home" / "ada"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TIC_SECRET", "xyzzy-secret")
    text = describe(tmp_path, "claims", "--store", f"{home}/runs", f"--data={home}/d")
    assert text.command == "pytest claims --store '~/runs' '--data=~/d'"
    document = text.model_dump_json()
    assert "ada" not in document
    assert "xyzzy" not in document


def test_a_home_at_the_root_hides_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/")
    assert describe(tmp_path, "/data/store").command == "pytest /data/store"


def test_the_command_can_be_pasted_into_a_shell(tmp_path):
    assert describe(tmp_path, "-k", "a or b").command == "pytest -k 'a or b'"


def test_versions_data_and_machine_are_recorded(tmp_path):
    found = describe(tmp_path)
    assert {"tic-audit", "torch", "spikingjelly", "numpy"} <= set(found.versions)
    assert all(found.versions.values())
    assert found.data_digests == {"digits": "abc"}
    assert found.processor
    assert found.accelerator is None
