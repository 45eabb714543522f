"""What travels between machines: archives of audits, and descriptions of measurements."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.audits import original, sealed_text
from tests.fuzz.mutations import contents, json_or_bytes
from tests.fuzz.telling import accepted, require_shown
from tests.fuzz.values import TEXTS, texts, values
from tic.attacks.suite import attack_suite
from tic.document.loading import load_audit
from tic.errors import TicError
from tic.exchange.verify_file import verify
from tic.files import parse_json
from tic.kinds import describe
from tic.measure.measurement import Measurement
from tic.measure.robustness import AccuracyMeasurement, CorrectMeasurement
from tic.measure.tangent import TangentMeasurement
from tic.report import render_html
from tic.restoring import restore

# Archives


@cache
def _members() -> dict[str, bytes]:
    run = original().runs[0].fingerprint
    return {
        "mine/audit.json": sealed_text().encode(),
        f"mine/store/runs/{run}/manifest.json": b'{"history.json": "00"}',
        f"mine/store/runs/{run}/history.json": b"{}",
        "mine/ro-crate-metadata.json": b"{}",
    }


def _zipped(members: list[tuple[str, bytes]], packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packed) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


@st.composite
def _archives(draw: Any) -> bytes:
    members = list(_members().items())
    place = draw(st.integers(0, len(members) - 1))
    name, content = members[place]
    kind = draw(st.sampled_from(["content", "name", "gone", "twice", "bytes", "bytes"]))
    if kind == "content":
        members[place] = (name, draw(json_or_bytes(content.decode())))
    elif kind == "name":
        other = draw(st.sampled_from([text for text in TEXTS if len(text) < 1000]) | texts)
        other = other.encode("utf-8", "replace").decode()
        members[place] = (other.partition("\0")[0][:1000] or "x", content)
    elif kind == "gone":
        del members[place]
    elif kind == "twice":
        members.append(("other/audit.json", content))
    whole = _zipped(members, draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])))
    return draw(contents(whole)) if kind == "bytes" else whole


archive_cases = _archives()


def fuzz_archive(case: bytes) -> bool:
    """Verify and render an archive that somebody else sent."""

    def use() -> None:
        render_html(load_audit(path))
        text, _ = verify(path, None, None, 0, 0)
        require_shown(text)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.zip"
        path.write_bytes(case)
        return accepted(use)


# Descriptions of measurements

_MEASUREMENTS: tuple[Measurement, ...] = (
    TangentMeasurement(epoch=3),
    AccuracyMeasurement(epoch=3, corruption=attack_suite("full", 0.1, 0.05)[0].attack, size=20),
    CorrectMeasurement(
        epoch=3, corruption=attack_suite("full", 0.1, 0.05)[-1].attack, source_seed=1
    ),
)
description_cases = st.sampled_from([json.dumps(describe(each)) for each in _MEASUREMENTS]).flatmap(
    json_or_bytes
) | values.map(lambda value: json.dumps(value).encode())


def fuzz_description(case: bytes) -> bool:
    """Make a measurement of what a file of a Store says that it is."""

    def make() -> None:
        try:
            document = parse_json(case)
        except TicError:
            return
        made = restore(document, Measurement)
        assert restore(describe(made), Measurement) == made

    return accepted(make)
