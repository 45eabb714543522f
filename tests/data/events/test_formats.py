"""Files in each format, whole and broken: a clear error each, and nothing allocated or run."""

import io
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import event_files as files
from fixtures.event_files import ROWS, aedat3_packet, rows_of
from tic.data.events import Sensor
from tic.data.events.formats import (
    READERS,
    read_aedat2,
    read_aedat3,
    read_array,
    read_arrays,
    read_text,
)
from tic.errors import TicError

SENSOR = Sensor(3, 4)
FORMATS = {
    "aedat3": (files.aedat3, read_aedat3),
    "aedat2": (files.aedat2, read_aedat2),
    "npy": (files.npy, read_array),
    "npz": (files.npz, read_arrays),
    "text": (files.text, read_text),
}
HEADER = files.aedat3(ROWS)[: files.aedat3(ROWS).index(b"END-HEADER") + 12]


def read(tmp_path, reader, content, sensor=SENSOR):
    path = tmp_path / "recording"
    path.write_bytes(content)
    return reader(path, sensor)


def refused(tmp_path, reader, content, message, sensor=SENSOR):
    with pytest.raises(TicError, match=message) as told:
        read(tmp_path, reader, content, sensor)
    assert "recording" in str(told.value)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read(tmp_path, name):
    write, reader = FORMATS[name]
    assert rows_of(read(tmp_path, reader, write(ROWS))) == list(ROWS)


@pytest.mark.parametrize("name", FORMATS)
@given(
    rows=st.lists(
        st.tuples(*(st.integers(0, n) for n in (2**31 - 1, 3, 2, 1))), min_size=1, max_size=20
    ).map(sorted)
)
def test_any_events_come_back(tmp_path_factory, name, rows):
    write, reader = FORMATS[name]
    assert rows_of(read(tmp_path_factory.mktemp("events"), reader, write(rows))) == rows


@pytest.mark.parametrize("name", FORMATS)
def test_every_cut_is_refused_or_holds_whole_events(tmp_path, name):
    write, reader = FORMATS[name]
    content, refusals = write(ROWS), 0
    for length in range(len(content)):
        try:
            rows = rows_of(read(tmp_path, reader, content[:length]))
        except TicError:
            refusals += 1
        else:
            # A text that ends within a number, and packets that are left out, say nothing.
            assert name in ("text", "aedat2", "aedat3")
            assert rows[:-1] == list(ROWS)[: len(rows) - 1]
    assert refusals > len(content) / 2


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no sound recording: .*at least one event|no sound recording"),
        ([(5, 0, 0, 1), (4, 0, 0, 1)], "t must never fall, got 4 after 5 at event 1"),
        ([(5, 4, 0, 1)], "x must be from 0 to 3, got 4 at event 0"),
        ([(5, 0, 3, 1)], "y must be from 0 to 2, got 3 at event 0"),
    ],
)
def test_events_that_cannot_be_are_told_with_their_file(tmp_path, name, rows, message):
    write, reader = FORMATS[name]
    refused(tmp_path, reader, write(rows), message)


def test_times_go_on_where_the_counter_has_run_over(tmp_path):
    events = read(tmp_path, read_aedat3, files.aedat3(ROWS[:1], overflow=2))
    assert events.t.tolist() == [5 + 2 * 2**31]


def test_events_that_the_camera_marked_as_invalid_are_left_out(tmp_path):
    content = files.aedat3(ROWS[:2]) + files.aedat3(ROWS[2:3], valid=False)[len(HEADER) :]
    assert rows_of(read(tmp_path, read_aedat3, content)) == list(ROWS[:2])


BROKEN_PACKETS = {
    "claims more than there is": (aedat3_packet(1, 8, 2**31), "claims 2147483648 events of 8"),
    "claims a whole memory": (aedat3_packet(1, 2**31, 2**31), "it breaks off at byte"),
    "has events of no size": (aedat3_packet(1, 0, 5), "events of at least 1 byte"),
    "has more events than room": (aedat3_packet(1, 8, 5, capacity=2), "got 5 of 8 bytes in room"),
    "breaks off": (aedat3_packet(1, 8, 1)[:9], "breaks off within the header of a packet"),
    "has events of another size": (
        aedat3_packet(1, 12, 1) + bytes(12),
        "must have 8 bytes, got 12",
    ),
}


@pytest.mark.parametrize("what", BROKEN_PACKETS)
def test_a_packet_that(tmp_path, what):
    content, message = BROKEN_PACKETS[what]
    refused(tmp_path, read_aedat3, HEADER + content, message)


@pytest.mark.parametrize(
    ("reader", "content", "message"),
    [
        (read_aedat3, b"", "it must begin as AEDAT 3.1 does"),
        (read_aedat3, files.aedat2(ROWS), "it must begin as AEDAT 3.1 does, got b'#!AER-DAT2.0"),
        (read_aedat2, files.aedat3(ROWS), "it must begin as AEDAT 2.0 does"),
        (read_aedat3, b"#!AER-DAT3.1\r\n#" + b"x" * 9999, "no end of line within 4096 bytes"),
        (read_aedat2, files.aedat2(ROWS) + b"abc", "within an event, 3 bytes after the last"),
        (read_array, b"\x93NUMPY", "must be an array as numpy writes it"),
        (read_array, files.npy(ROWS)[:-8], "claims 16 numbers of 8 bytes and has 120 bytes"),
        (read_arrays, files.npy(ROWS), "it is no whole .npz file"),
        (read_text, b"1 2 3\n", "line 1 must be four whole numbers, t, x, y and p, got '1 2 3'"),
        (read_text, b"1 0 0 1\n\n1.5 2 3 1\n", "line 3 must be four whole numbers"),
        (read_text, b"9" * 40 + b" 0 0 1\n", "line 1 must be four whole numbers"),
    ],
)
def test_what_is_no_file_of_the_format_is_told(tmp_path, reader, content, message):
    refused(tmp_path, reader, content, message)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('run')",))


def test_a_pickle_is_refused_and_not_run(tmp_path):
    file = io.BytesIO()
    np.save(file, np.array([Bomb()], object), allow_pickle=True)
    refused(tmp_path, read_array, file.getvalue(), "is a pickle, which could run code")
    refused(tmp_path, read_array, pickle.dumps(Bomb()), "must be an array as numpy writes it")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("t.npy", file.getvalue())
    refused(tmp_path, read_arrays, archive.getvalue(), "t is a pickle")


def header_claiming(shape):
    """An array whose header claims a shape that its few bytes have not."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<i8", "fortran_order": False, "shape": shape}
    )
    return file.getvalue() + bytes(64)


@pytest.mark.parametrize("shape", [(2**40, 4), (2**62, 2**62), (0, 4)])
def test_a_claimed_size_is_not_allocated(tmp_path, shape):
    tracemalloc.start()
    try:
        refused(
            tmp_path, read_array, header_claiming(shape), "claims .* numbers|at least one event"
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20


def test_packed_zeros_without_end_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("tic.data.events.formats.MOST_EVENTS", 100)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("t.npy", bytes(10**6))
    refused(tmp_path, read_arrays, archive.getvalue(), "t must have at most 100 numbers, got more")


def test_arrays_of_unlike_lengths_and_missing_ones_are_told(tmp_path):
    archive = io.BytesIO()
    np.savez(archive, t=np.arange(3), x=np.zeros(2, int), y=np.zeros(3, int), p=np.zeros(3, int))
    refused(tmp_path, read_arrays, archive.getvalue(), "one number per event each, got .*'x': 2")
    archive = io.BytesIO()
    np.savez(archive, t=np.arange(3))
    refused(tmp_path, read_arrays, archive.getvalue(), "it must hold t, x, y and p, got .*t.npy")
    archive = io.BytesIO()
    np.savez(archive, **{name: np.zeros(3) for name in "txyp"})
    refused(tmp_path, read_arrays, archive.getvalue(), "t must hold whole numbers, got float64")


def test_a_large_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("tic.data.events.formats.LARGEST", 50)
    for write, reader in FORMATS.values():
        refused(tmp_path, reader, write(list(ROWS) * 9), "it must have at most 50 bytes")


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    for reader in (*READERS.values(), read_aedat3):
        with pytest.raises(TicError, match="cannot be read"):
            reader(tmp_path / "nothing", SENSOR)
        with pytest.raises(TicError, match=r"cannot be read|no whole"):
            reader(tmp_path, SENSOR)


def test_columns_may_stand_in_either_order_of_memory(tmp_path):
    file = io.BytesIO()
    np.save(file, np.asfortranarray(np.array(ROWS, np.int32)))
    assert rows_of(read(tmp_path, read_array, file.getvalue())) == list(ROWS)
    file = io.BytesIO()
    np.save(file, np.arange(4))
    refused(tmp_path, read_array, file.getvalue(), r"the shape \(N, 4\), t, x, y and p, got \(4,\)")


@pytest.mark.parametrize("row", range(138, 146))
@pytest.mark.parametrize("ending", [b"\r\n", b"\n"])
@pytest.mark.parametrize("marker", [b"", b"#End Of ASCII Header", b"# End of ASCII Header"])
def test_an_event_that_begins_with_the_byte_of_a_comment_is_an_event(tmp_path, row, ending, marker):
    rows = [(10 + 10 * n, 163 + n % 2, row, n % 2) for n in range(40)]  # 163 << 12 has a newline
    content = files.aedat2(rows)
    start = content.index(b"file\r\n") + 6
    head = content[:start] + (marker + b"\r\n" if marker else b"")
    content = head.replace(b"\r\n", ending) + content[start:]
    assert rows_of(read(tmp_path, read_aedat2, content, Sensor(180, 240))) == rows


def test_packets_are_little_endian_words():
    assert struct.unpack("<H", aedat3_packet(1, 8, 3)[:2]) == (1,)
    assert len(aedat3_packet(1, 8, 3)) == 28
