"""The Heidelberg Digits in files that the user brings: small ones written here."""

import shutil

import numpy as np
import pytest
import torch

from fixtures.speech_files import LISTS, encoded, tone, write_digits
from tic.data import load
from tic.data.speech import CURRENT_PER_DECIBEL, HeidelbergDigits, LogMel
from tic.errors import DataNotFoundError, TicError

pytest.importorskip("soundfile")
FEW = HeidelbergDigits(recordings=(3, 2, 0))


@pytest.fixture(autouse=True)
def nowhere_else(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TIC_DATA", raising=False)


def relisted(folder, split, *names):
    (folder / f"{split}_filenames.txt").write_text("\n".join(names))


def test_recordings_come_in_the_order_of_their_lists(tmp_path):
    write_digits(tmp_path)
    train, test = load(FEW, "train", tmp_path), load(FEW, "test", tmp_path)
    assert (train.labels.tolist(), train.speakers.tolist()) == ([3, 10, 19], [0, 0, 2])
    assert (test.labels.tolist(), test.speakers.tolist()) == ([0, 15], [0, 5])
    assert train.inputs.shape == (3, 80, 40)
    expected = LogMel().decibels(tone(700)) * CURRENT_PER_DECIBEL
    np.testing.assert_allclose(train.inputs[2], expected, atol=0.05)
    assert float(train.inputs.max()) == pytest.approx(1.584)
    FEW.require(tmp_path)


def test_files_may_lie_in_a_folder_of_the_name_and_in_one_called_audio(tmp_path):
    folder = tmp_path / "heidelberg-digits"
    (folder / "audio").mkdir(parents=True)
    write_digits(folder)
    for names in LISTS.values():
        for name in names:
            shutil.move(folder / name, folder / "audio" / name)
    assert load(FEW, "test", tmp_path).labels.tolist() == [0, 15]


def test_features_are_a_field(tmp_path):
    write_digits(tmp_path)
    dataset = FEW.but(features=LogMel(bands=20, bins=30, hop=12.5))
    assert load(dataset, "test", tmp_path).inputs.shape == (2, 30, 20)


def test_speakers_who_are_held_out_are_the_validation(tmp_path):
    write_digits(tmp_path)
    dataset = FEW.but(held_out=(2,), evaluated="validation", recordings=(2, 2, 1))
    assert load(dataset, "train", tmp_path).speakers.tolist() == [0, 0]
    assert load(dataset, "test", tmp_path).speakers.tolist() == [2]
    tested = dataset.but(evaluated="test")
    assert load(tested, "train", tmp_path).speakers.tolist() == [0, 0]
    assert load(tested, "test", tmp_path).speakers.tolist() == [0, 5]
    assert dataset.name == "heidelberg-digits-without-2-validation"
    with pytest.raises(TicError, match=r"held out must be in the training list, and \[7\] are not"):
        dataset.but(held_out=(7,)).load("train", tmp_path)
    with pytest.raises(TicError, match="a validation needs speakers who are held out"):
        FEW.but(evaluated="validation")
    with pytest.raises(TicError, match=r"a validation needs recordings, got 0; say in the third"):
        dataset.but(recordings=(2, 2, 0))


def test_what_may_be_changed_of_speech_may_be_changed_of_it(tmp_path):
    write_digits(tmp_path)
    plain = load(FEW, "train", tmp_path)
    changed = load(FEW.but(order="bins-permuted"), "train", tmp_path)
    assert torch.equal(changed.inputs.sort(1).values, plain.inputs.sort(1).values)
    assert not torch.equal(changed.inputs, plain.inputs)


def test_without_its_files_it_is_told_where_they_come_from(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"train_filenames\.txt.*hd_audio\.tar\.gz"):
        load(HeidelbergDigits(), "train", tmp_path)
    write_digits(tmp_path)
    (tmp_path / "test_filenames.txt").unlink()
    with pytest.raises(DataNotFoundError):
        FEW.require(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "lang-french_speaker-00_trial-0_digit-3.flac",
        "../lang-german_speaker-00_trial-0_digit-3.flac",
        "lang-german_speaker-00_trial-0_digit-13.flac",
        "lang-german_speaker-00_trial-0_digit-3.mp3",
        "lang-german_speaker-0x_trial-0_digit-3.flac",
        "\x07",
    ],
)
def test_a_name_that_does_not_parse_is_told(tmp_path, name):
    write_digits(tmp_path)
    relisted(tmp_path, "train", LISTS["train"][0], "", name)
    with pytest.raises(TicError, match=r"line 3 of .*train_filenames\.txt must be a name such as"):
        FEW.require(tmp_path)


@pytest.mark.parametrize(
    ("split", "names", "message"),
    [
        ("test", LISTS["train"][:1], "must be listed once"),
        ("train", LISTS["train"][:1] * 2, "must be listed once"),
        ("test", LISTS["test"][:1], "must have a speaker that the training list lacks"),
        ("test", [], "must name recordings, got none"),
        ("train", ["\xe9"], "cannot be read"),
    ],
)
def test_lists_that_cannot_be_are_told(tmp_path, split, names, message):
    write_digits(tmp_path)
    relisted(tmp_path, split, *names)
    with pytest.raises(TicError, match=message):
        FEW.require(tmp_path)
    with pytest.raises(TicError, match=message):
        FEW.load("train", tmp_path)


def test_as_many_recordings_must_be_there_as_was_said(tmp_path):
    write_digits(tmp_path)
    with pytest.raises(TicError, match="must have 8156 recordings for train, got 3"):
        HeidelbergDigits().load("train", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (encoded(np.zeros(3000)), "every sample is 0"),
        (encoded(tone())[:-300], "no sound recording"),
        (encoded(tone(rate=8000), rate=8000), "got 8,000"),
        (None, "cannot be read"),
    ],
)
def test_a_recording_that_is_none_is_told_by_its_name(tmp_path, content, message):
    write_digits(tmp_path)
    file = tmp_path / LISTS["test"][1]
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TicError, match=f"{file.name}.*{message}"):
        FEW.load("test", tmp_path)
