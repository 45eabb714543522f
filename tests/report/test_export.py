"""An audit as an archive: others verify and render it without training anything."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from fixtures.packs import SUPPORTED
from tic import cli
from tic.document.loading import load_audit
from tic.document.seal import sealed
from tic.errors import TicError
from tic.exchange.export import export
from tic.exchange.verify_file import verify

MEASURED = """
from tic.measure.fisher import FisherMeasurement
def information(runs):
    taken = runs.measured(FisherMeasurement(epoch=runs.epoch("final")))
    return [sum(map(sum, result["by_layer"].values())) for result in taken]
@says("informed")
def test_informed(runs, judge):
    judge(information(runs), above(0), name="information")
    judge.compare("accuracy", "Table 1", unit="%", reported=90.0, measured=runs.accuracy())
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return tmp_path_factory.mktemp("original")


@pytest.fixture
def audited(repository, original, tmp_path):
    """An audit with its Store: three Runs and two measurements of each."""
    store, folder = tmp_path / "a store", repository.pytester.path / "report"
    repository.write(SUPPORTED, MEASURED)
    if not (original / "store").exists():
        outcome = repository.run(store=original / "store")
        assert outcome.status == 0, outcome.text
        shutil.copytree(folder, original / "report")
    shutil.copytree(original / "store", store)
    shutil.copytree(original / "report", folder, dirs_exist_ok=True)
    return folder / "audit.json", store


def exported(audited, tmp_path, **options):
    path, store = audited
    return export(load_audit(path), store, tmp_path / "mine.zip", **options)


def names(archive):
    with zipfile.ZipFile(archive) as opened:
        return {name.removeprefix("mine/") for name in opened.namelist()}


def with_changed(archive, name, change):
    """Write the archive anew with one file changed, or left out where `change` gives None."""
    changed = archive.with_name("changed.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(changed, "w") as new:
        for each in old.namelist():
            content = old.read(each)
            if each.endswith(name):
                content = change(content)
            if content is not None:
                new.writestr(each, content)
    return changed


def told(path, store=None, sample=3, seed=0):
    return verify(path, store, None, sample, seed)


def test_an_audit_verifies_by_itself_and_on_its_store(audited):
    path, store = audited
    text, holds = told(path)
    assert holds
    assert [line.split() for line in text.splitlines()] == [
        ["seal", "1", "holds"],
        ["verdicts", "2", "hold"],
        ["Runs", "3", "hold"],
    ]
    text, holds = told(path, store)
    assert holds, text
    # Of each Run: manifest, recipe, history, weights and two measurements.
    assert text.splitlines()[3].split() == ["artefacts", "18", "hold"]
    assert text.splitlines()[4].split() == ["measured", "again", "3", "hold"]


def test_the_audit_lists_every_measurement_that_its_verdicts_rest_on(audited):
    path, store = audited
    for run in load_audit(path).runs:
        stored = {each.name for each in (store / "measurements" / run.fingerprint).iterdir()}
        assert set(run.measurements) == stored
        assert {name.rpartition("-")[0] for name in stored} == {"fisher", "correct"}


def test_a_second_audit_of_the_same_store_lists_the_same(audited, repository):
    path, store = audited
    first = load_audit(path)
    second = repository.run(store=store).audit
    assert [run.measurements for run in second.runs] == [run.measurements for run in first.runs]
    assert [run.manifest for run in second.runs] == [run.manifest for run in first.runs]


def test_a_measurement_that_was_forged_with_its_digest_is_taken_again_and_differs(audited):
    path, store = audited
    audit = load_audit(path)
    run = audit.runs[0]
    name = next(each for each in run.measurements if each.startswith("correct"))
    file = store / "measurements" / run.fingerprint / name
    document = json.loads(file.read_text())
    answers = document["result"]["correct"]
    answers[:5] = [1 - answer for answer in answers[:5]]
    file.write_text(json.dumps(document))
    text, holds = told(path, store)
    assert not holds
    assert f"{name} is not the one that was audited" in text
    assert "measured again" not in text
    import hashlib

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    forged = run.model_copy(update={"measurements": run.measurements | {name: digest}})
    document = sealed(audit.model_copy(update={"runs": (forged, *audit.runs[1:])}))
    path.write_text(document.model_dump_json())
    text, holds = told(path, store, sample=6)
    assert not holds
    assert f"{name} differs by " in text


def test_a_measurement_under_the_name_of_another_is_found(audited):
    path, store = audited
    audit = load_audit(path)
    one, other = audit.runs[:2]
    (name,) = (each for each in one.measurements if each.startswith("fisher"))
    (stranger,) = (each for each in other.measurements if each.startswith("correct"))
    folder = store / "measurements"
    shutil.copy(folder / other.fingerprint / stranger, folder / one.fingerprint / name)
    digest = other.measurements[stranger]
    forged = one.model_copy(update={"measurements": one.measurements | {name: digest}})
    runs = (forged, *audit.runs[1:])
    path.write_text(sealed(audit.model_copy(update={"runs": runs})).model_dump_json())
    text, holds = told(path, store, sample=6)
    assert not holds
    assert f"{name} is not the measurement that it says it is" in text


def test_without_the_data_nothing_is_taken_again_and_that_is_told(audited, monkeypatch):
    from tic.errors import DataNotFoundError
    from tic.exchange import remeasuring

    def nowhere(*_):
        raise DataNotFoundError("digits are not here")

    monkeypatch.setattr(remeasuring, "measure_anew", nowhere)
    text, holds = told(*audited)
    assert holds
    assert text.splitlines()[-1].endswith("0  hold (3 not checked: digits are not here)")


def test_an_archive_verifies_and_renders_without_the_store(audited, tmp_path, capsys):
    archive = exported(audited, tmp_path)
    shutil.rmtree(audited[1])
    assert cli.main(["verify", str(archive)]) == 0
    assert "3 files of weights are not part of the archive" in capsys.readouterr().out
    assert cli.main(["report", str(archive), "--report-dir", str(tmp_path / "page")]) == 0
    original = (audited[0].parent / "report.html").read_bytes()
    assert (tmp_path / "page" / "report.html").read_bytes() == original
    with zipfile.ZipFile(archive) as opened:
        assert opened.read("mine/report.html") == original


def test_a_page_that_is_not_of_the_audit_is_told(audited, tmp_path):
    archive = exported(audited, tmp_path)
    text, holds = told(archive)
    assert holds
    assert "\npages               2  hold\n" in f"{text}\n"
    forged = with_changed(archive, "report.html", lambda page: page.replace(b"SUPP", b"REFU"))
    text, holds = told(forged)
    assert holds  # another version may have drawn it
    remark = "not checked: report.html, other than this version makes of the audit"
    assert f"pages               1  holds ({remark}; tic report makes them anew)" in text


def test_the_name_of_an_archive_must_be_text(audited, tmp_path):
    path, store = audited
    with pytest.raises(TicError, match=r"must be printable text, got '\\udcff.zip'"):
        export(load_audit(path), store, tmp_path / "\udcff.zip")


def test_weights_are_part_of_an_archive_on_demand(audited, tmp_path):
    assert not any("weights-" in name for name in names(exported(audited, tmp_path)))
    archive = exported(audited, tmp_path, weights=True)
    assert sum("weights-" in name for name in names(archive)) == 3
    text, holds = told(archive)
    assert holds
    assert "not part of" not in text


def test_weights_that_are_missing_beside_others_are_named(audited, tmp_path):
    archive = exported(audited, tmp_path, weights=True)
    name = next(name for name in sorted(names(archive)) if "weights-" in name)
    text, holds = told(with_changed(archive, name, lambda content: None))
    assert not holds
    assert f"{name.removeprefix('store/')} is missing" in text


def test_the_same_audit_gives_the_same_archive(audited, tmp_path):
    first = exported(audited, tmp_path).read_bytes()
    assert exported(audited, tmp_path).read_bytes() == first


@pytest.mark.parametrize("kind", ["manifest.json", "history.json", "fisher-"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_a_file_of_an_archive_that_changed_or_is_missing_is_found(audited, tmp_path, kind, how):
    archive = exported(audited, tmp_path)
    name = next(each for each in sorted(names(archive)) if kind in each)
    change = (lambda content: None) if how == "missing" else (lambda content: content + b" ")
    text, holds = told(with_changed(archive, name, change))
    assert not holds
    says = "is missing" if how == "missing" else "is not the one that was audited"
    assert f"{name.removeprefix('store/')} {says}" in text


def test_other_tools_read_the_description(audited, tmp_path):
    from rocrate.rocrate import ROCrate

    archive = exported(audited, tmp_path, licence="https://example.org/licence")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "out")
    crate = ROCrate(tmp_path / "out" / "mine")
    files = {entity.id for entity in crate.data_entities}
    assert files == names(archive) - {"ro-crate-metadata.json"}
    assert crate.license == "https://example.org/licence"
    assert crate.root_dataset["citation"][0]["name"] == "Other"
    assert "SUPPORTED other2024/informed" in crate.description
    assert all((tmp_path / "out" / "mine" / each).is_file() for each in files)


def test_the_published_schemas_are_part_of_it(audited, tmp_path):
    from tic.document.schemas import schema

    with zipfile.ZipFile(exported(audited, tmp_path)) as opened:
        assert json.loads(opened.read("mine/schemas/audit.json")) == schema("audit")


def test_a_store_that_is_not_the_audited_one_is_not_exported(audited, tmp_path):
    path, store = audited
    next(store.glob("runs/*/history.json")).write_text("{}")
    with pytest.raises(TicError, match=r"history.json must be in the Store as it was audited"):
        export(load_audit(path), store, tmp_path / "mine.zip")
    assert not list(tmp_path.glob("*mine*"))


def test_an_audit_that_was_changed_is_not_exported(audited, tmp_path):
    path, store = audited
    changed = load_audit(path).model_copy(update={"seconds": 1e6})
    with pytest.raises(TicError, match="only an audit with a seal that holds"):
        export(changed, store, tmp_path / "mine.zip")


def test_an_archive_has_its_ending(audited, tmp_path):
    path, store = audited
    with pytest.raises(TicError, match=r"must end in \.zip, got .*mine\.tar"):
        export(load_audit(path), store, tmp_path / "mine.tar")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no file"),
        (b"no archive", "one that cannot be read"),
        ({}, "one with 0 folders"),
        ({"a/audit.json": b"{}", "b/audit.json": b"{}"}, "one with 2 folders"),
        ({"a/audit.json": b"{"}, "not JSON"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path, content, says, capsys):
    path: Path = tmp_path / "some.zip"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in content.items():
                archive.writestr(name, text)
    assert cli.main(["verify", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("tic: ")
    assert says in error


def test_an_archive_whose_audit_unpacks_to_too_much_is_refused(tmp_path, monkeypatch, capsys):
    from tic.document import archive as reading

    monkeypatch.setattr(reading, "LARGEST_DOCUMENT", 1000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/audit.json", b" " * 100_000)
    assert cli.main(["verify", str(path)]) == 2
    assert "more than 1,000 bytes" in capsys.readouterr().err


def test_an_archive_goes_where_a_link_leads_and_into_no_pipe(audited, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mine.zip").symlink_to(tmp_path / "elsewhere" / "kept.zip")
    exported(audited, tmp_path)
    assert (tmp_path / "mine.zip").is_symlink()
    assert zipfile.is_zipfile(tmp_path / "elsewhere" / "kept.zip")
    (tmp_path / "mine.zip").unlink()
    os.mkfifo(tmp_path / "mine.zip")
    with pytest.raises(TicError, match="an archive must be a plain file"):
        exported(audited, tmp_path)
