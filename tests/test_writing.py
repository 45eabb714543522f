import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from tic.errors import TicError, UnwritableError
from tic.writing import (
    remove_half_written,
    write_atomically,
    write_errors_explained,
    write_named,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "file"
    contents = [b"a" * 1_000_000, b"b" * 3_000_000]
    write_atomically(path, contents[0])
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(60):
        write_atomically(path, contents[turn % 2])
    stop.set()
    reader.join()
    assert seen == set(contents)


@pytest.mark.parametrize(
    ("failure", "told"),
    [(OSError(errno.ENOSPC, "No space left"), TicError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(
    tmp_path, monkeypatch, failure, told
):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(handle):
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(told):
        write_atomically(path, b"new")
    assert names(tmp_path) == ["file"]
    assert path.read_bytes() == b"old"


def test_what_was_written_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, synced = tmp_path / "file", []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(path.exists()))
    write_atomically(path, b"content")
    assert synced == [False]


def test_files_have_the_rights_that_the_umask_leaves(tmp_path):
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "file", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_a_write_that_the_system_refuses_is_told_with_its_reason_and_the_way_out(tmp_path):
    (tmp_path / "folder").write_text("a file where a folder should be")
    path = tmp_path / "folder" / "file"
    message = rf"^{path} cannot be written \(file exists\); make room .* the same command goes on$"
    with pytest.raises(UnwritableError, match=message):
        write_atomically(path, b"content")


def test_other_errors_pass_through(tmp_path):
    with pytest.raises(KeyError), write_errors_explained(tmp_path):
        raise KeyError


def test_what_was_half_written_is_removed_and_the_rest_stays(tmp_path):
    (tmp_path / ".file-0123").write_bytes(b"half")
    write_atomically(tmp_path / "file", b"whole")
    remove_half_written(tmp_path)
    assert names(tmp_path) == ["file"]


def test_a_link_that_was_named_stays_one_and_its_file_is_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for content in (b"not there yet", b"there"):
        write_named(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "file").read_bytes() == content
    assert names(tmp_path) == ["file", "link"]


def test_names_of_our_own_making_lead_out_of_no_folder(tmp_path):
    (tmp_path / "kept").write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    write_atomically(tmp_path / "link", b"content")
    assert (tmp_path / "kept").read_bytes() == b"kept"


def test_what_is_written_to_a_pipe_reaches_its_reader(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_named(tmp_path / "pipe", b"content")
    reader.join()
    assert read == [b"content"]
    assert names(tmp_path) == ["pipe"]


def test_a_dash_is_standard_output(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path)
    write_named(Path("-"), b"content")
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"content"
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (".", "must be a file, got the folder"),
        ("folder", "must be a file, got the folder"),
        ("to-folder", "must be a file, got the folder"),
        ("absent/file", "must lie in a folder that exists, got .*absent, which is none"),
        ("loop", "cannot be written"),
    ],
)
def test_what_is_no_file_is_refused_in_a_sentence(tmp_path, monkeypatch, given, rule):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-folder").symlink_to(tmp_path / "folder")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(TicError, match=rule):
        write_named(Path(given), b"content")
    assert names(tmp_path) == ["folder", "loop", "to-folder"]
