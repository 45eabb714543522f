"""Files that anybody may have made: sizes before bytes, strict JSON, nothing but plain files."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.errors import TicError
from tic.files import parse_json, read_stored, read_whole, require_folder

TERABYTE = 2**40


@pytest.mark.parametrize("read", [read_whole, read_stored])
def test_a_file_is_read_up_to_the_limit_and_refused_beyond_it(tmp_path, read):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read(path, 5) == b"12345"
    with pytest.raises(TicError, match=r"at most 4 bytes, .*5; "):
        read(path, 4)


@pytest.mark.parametrize("read", [read_whole, read_stored])
def test_a_file_of_a_terabyte_is_refused_by_its_size(tmp_path, read):
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(TERABYTE)
    with pytest.raises(TicError, match=r"at most 268,435,456 bytes, .*1,099,511,627,776"):
        read(path)


@pytest.mark.parametrize("read", [read_whole, read_stored])
def test_a_file_beyond_the_limit_is_not_read_at_all(tmp_path, read):
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(2 * TERABYTE)
    with pytest.raises(TicError, match="at most 1,099,511,627,776 bytes"):
        read(path, TERABYTE)  # what memory could not hold


def test_a_device_without_end_is_refused_after_the_limit():
    with pytest.raises(TicError, match=r"at most 1,000 bytes, .* has more; name"):
        read_whole(Path("/dev/zero"), 1000)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_has_is_an_error_of_the_system(tmp_path, name):
    with pytest.raises(OSError, match="Invalid argument"):
        read_whole(tmp_path / name)


def test_what_a_link_in_a_store_points_to_is_not_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    assert read_whole(tmp_path / "link") == b"secret"
    with pytest.raises(OSError, match="symbolic links"):
        read_stored(tmp_path / "link")


def test_a_pipe_in_a_store_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TicError, match="pipe must be a plain file; remove"):
        read_stored(tmp_path / "pipe")


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(TicError, match="must be a plain file"):
        read_stored(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", r"text that is not JSON \(line 1: expecting"),
        (b"\xff", r"a file that is not UTF-8 \(byte 0\)"),
        (b"[" * 10**6, "JSON that is nested too deep"),
        (b'{"a": NaN}', "JSON with NaN, which is not a number"),
        (b"[-Infinity]", "JSON with -Infinity, which is not a number"),
        (b"[1e999]", "JSON with the number '1e999', which is not finite"),
        (b"1" * 5000, "JSON with a number of too many digits"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "JSON with the key 'c' twice in one object"),
    ],
)
def test_what_is_no_strict_json_is_refused_in_a_few_words(content, told):
    with pytest.raises(TicError, match=f"^{told}"):
        parse_json(content)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)  # fmt: skip
def test_json_that_python_writes_is_read_as_it_was(value):
    assert parse_json(json.dumps(value).encode()) == value


def test_a_folder_that_is_there_or_can_be_made_is_accepted(tmp_path):
    require_folder("--store", tmp_path)
    require_folder("--store", tmp_path / "new" / "newer")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file", "'.*file' is not a folder"),
        ("file/inside", "'.*file' is not a folder"),
        ("dangling", "'.*dangling' is not a folder"),
        ("loop/inside", "Too many levels of symbolic links"),
        ("x" * 300, "File name too long"),
        ("a\0b", "no folder can have that name"),
    ],
)
def test_what_can_become_no_folder_is_refused(tmp_path, name, reason):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(TicError, match=rf"^--data must name a folder, got .*\({reason}\); name"):
        require_folder("--data", tmp_path / name)
