"""Recordings of event cameras: a file of each format, changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import strategies as st

from fixtures import event_files as files
from tests.fuzz.mutations import contents
from tests.fuzz.telling import accepted
from tic.data.events import Sensor, formats, frames_by_time

FORMATS = {
    "aedat3": (files.aedat3, formats.read_aedat3),
    "aedat2": (files.aedat2, formats.read_aedat2),
    "npy": (files.npy, formats.read_array),
    "npz": (files.npz, formats.read_arrays),
    "text": (files.text, formats.read_text),
}
recording_cases = st.sampled_from(sorted(FORMATS)).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.just(FORMATS[name][0](files.ROWS)) | contents(FORMATS[name][0](files.ROWS)),
    )
)


def fuzz_recording(case: tuple[str, bytes]) -> bool:
    """Read a recording that somebody else had, and sum it in frames."""
    name, content = case

    def read() -> None:
        events = FORMATS[name][1](path, Sensor(3, 4))
        assert frames_by_time(events, 4, 10**6).shape == (4, 2, 3, 4)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording"
        path.write_bytes(content)
        return accepted(read)
