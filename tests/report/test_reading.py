import json

import pytest

from tic.errors import TicError
from tic.report import load_audit


@pytest.fixture
def document(example_audit):
    return json.loads(example_audit.model_dump_json())


def test_an_audit_survives_the_way_through_its_file(tmp_path, example_audit):
    path = tmp_path / "audit.json"
    path.write_text(example_audit.model_dump_json(), encoding="utf-8")
    assert load_audit(path) == example_audit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"got text that is not JSON \(line 1: expecting"),
        (b"\xff\xfe", r"got a file that is not UTF-8 \(byte 0\)"),
        (b"[1, 2]", "got a JSON list"),
        (b"[" * 100_000, "nested too deep"),
        (b"{}", r"got papers: field required|got started: field required"),
    ],
)
def test_what_is_no_audit_is_refused_in_one_sentence(tmp_path, content, message):
    path = tmp_path / "audit.json"
    path.write_bytes(content)
    with pytest.raises(TicError, match=message) as caught:
        load_audit(path)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith("name the audit.json that an audit left, or run the audit again")


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(TicError, match="must be an audit of schema 1, got no such file"):
        load_audit(tmp_path / "audit.json")
    with pytest.raises(TicError, match="got is a directory"):
        load_audit(tmp_path)


def test_a_newer_schema_is_refused_with_the_way_out(tmp_path, document):
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(document | {"schema_version": 2}), encoding="utf-8")
    with pytest.raises(TicError, match=r"at most 1, got 2 in .*; upgrade tic-audit"):
        load_audit(path)


def test_a_wrong_field_is_named_with_its_value(tmp_path, document):
    document["entries"][0]["outcome"] = "PROVEN"
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(TicError, match=r"got entries\.0\.outcome: .* \(it is 'PROVEN'\)"):
        load_audit(path)


def test_an_unknown_field_is_refused(tmp_path, document):
    document["surprise"] = "\x1b[31m"
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(TicError, match="surprise: extra inputs") as caught:
        load_audit(path)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, document, number):
    text = json.dumps(document | {"seconds": 1.5}).replace('"seconds": 1.5', f'"seconds": {number}')
    path = tmp_path / "audit.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TicError, match="seconds: input should be a finite number"):
        load_audit(path)
