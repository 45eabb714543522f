"""The synthesised digits: what is shipped, how it was made, and how it may be changed."""

import dataclasses
import json
import lzma
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from fixtures.workers import PATIENCE
from tic.data import Dataset, load
from tic.data.speech import (
    CURRENT_PER_DECIBEL,
    HeidelbergDigits,
    LogMel,
    SpokenDigits,
    corpus,
    synthesised,
)
from tic.data.speech.__main__ import main
from tic.errors import TicError
from tic.kinds import describe
from tic.restoring import restore

PLAIN = SpokenDigits()
ALL = {
    part: PLAIN.but(evaluated="validation" if part == "validation" else "test").load(
        "train" if part == "train" else "test"
    )
    for part in corpus.PARTS
}


def sorted_rows(samples):
    return sorted(map(tuple, samples.inputs.flatten(1)[:, ::37].tolist()))


@pytest.mark.parametrize("bands", [20, 40])
def test_there_are_a_thousand_utterances_of_twenty_classes_in_either_split(bands):
    dataset = SpokenDigits(bands=bands)
    for split in ("train", "test"):
        samples = load(dataset, split)
        assert samples.inputs.shape == (1000, 40, bands)
        assert samples.labels.bincount().tolist() == [50] * 20
        assert samples.inputs.dtype == torch.float32
        assert 0 == samples.inputs.min() < samples.inputs.max() <= 80 * CURRENT_PER_DECIBEL + 1e-6
    dataset.require()


def test_no_voice_speaks_in_two_parts():
    voices = [set(samples.speakers.tolist()) for samples in ALL.values()]
    assert [len(part) for part in voices] == [25, 6, 10]
    assert len(set.union(*voices)) == 41
    variants = [name for part in corpus.PARTS for name in corpus.VARIANTS[part]]
    assert len(set(variants)) == len(variants) == 41
    numbered = [name.rstrip("0123456789") for name in variants if name[0] not in "mf"]
    assert len(set(numbered)) == len(numbered)  # no edward2 beside edward


def test_every_speaker_says_every_word_equally_often():
    for part, samples in ALL.items():
        said = torch.stack([samples.speakers, samples.labels], 1).unique(dim=0, return_counts=True)
        assert set(said[1].tolist()) == {corpus.TAKES[part]}
        assert len(said[0]) == 20 * len(corpus.VARIANTS[part])


def test_twenty_bands_are_the_means_of_two_neighbours():
    fine = SpokenDigits(bands=40).load("test").inputs
    torch.testing.assert_close(ALL["test"].inputs, (fine[..., ::2] + fine[..., 1::2]) / 2)


def test_all_utterances_differ_and_none_is_silent():
    for samples in ALL.values():
        assert len(samples.inputs.flatten(1).unique(dim=0)) == len(samples)
    inputs = torch.cat([samples.inputs for samples in ALL.values()])
    assert (inputs.amax((1, 2)) > 1.4).all()
    spoken = inputs.any(2).sum(1)
    assert spoken.min() >= 10


def test_a_word_of_the_test_is_told_by_the_nearest_in_training():
    train, test = ALL["train"], ALL["test"]
    distance = torch.cdist(test.inputs.flatten(1), train.inputs.flatten(1))
    accuracy = (train.labels[distance.argmin(1)] == test.labels).float().mean()
    assert 0.25 < accuracy < 0.95  # of other voices, so neither by chance nor for nothing


def test_a_file_that_was_changed_is_refused(monkeypatch, tmp_path):
    content = lzma.compress(bytes(2240 * 1600))
    (tmp_path / synthesised.FILE).write_bytes(content)
    monkeypatch.setattr(synthesised, "files", lambda _: tmp_path)
    synthesised._decibels.cache_clear()
    try:
        with pytest.raises(TicError, match="another sha256"):
            PLAIN.require()
        (tmp_path / synthesised.FILE).write_bytes(content[:50])
        with pytest.raises(TicError, match="cannot be read"):
            PLAIN.require()
        (tmp_path / synthesised.FILE).unlink()
        with pytest.raises(TicError, match="cannot be read"):
            PLAIN.require()
    finally:
        synthesised._decibels.cache_clear()


def test_the_synthesiser_says_the_same_again(tmp_path):
    """Of the first 5 speakers, in a few seconds; the command makes the same of all."""
    pytest.importorskip("espeakng_loader")
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the file was made on Linux, x86-64; other C libraries draw other numbers")
    fresh = (
        "import sys; from itertools import islice; from tic.data.speech import corpus; "
        "[sys.stdout.buffer.write(part.tobytes()) for part in islice(corpus.made(), 200)]"
    )
    made = subprocess.run(
        [sys.executable, "-c", fresh], check=True, timeout=PATIENCE, stdout=subprocess.PIPE
    ).stdout
    assert len(made) == 200 * 1600
    assert made == synthesised._decibels()[:200].tobytes()


def test_what_the_command_writes_is_what_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "made", lambda: iter(synthesised._decibels()))
    assert main([str(tmp_path / "again.xz")]) == 0
    shipped = Path(synthesised.__file__).with_name(synthesised.FILE)
    assert lzma.decompress((tmp_path / "again.xz").read_bytes()) == (
        lzma.decompress(shipped.read_bytes())
    )


def test_the_synthesiser_tells_what_it_cannot_say():
    pytest.importorskip("espeakng_loader")
    from tic.data.speech.espeak import Saying, synthesiser

    saying = Saying("one", "en+nobody", rate=160, pitch=50, range=50, seed=1)
    with synthesiser() as voices:
        for voice in ("en+nobody", "nowhere+f2"):
            with pytest.raises(TicError, match=f"no voice '{re.escape(voice)}'"):
                voices.say(dataclasses.replace(saying, voice=voice))
        with pytest.raises(TicError, match="said nothing"):
            voices.say(dataclasses.replace(saying, voice="en", text=""))


def test_without_the_synthesiser_it_is_told_how_to_get_it(monkeypatch):
    from tic.data.speech.espeak import synthesiser

    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(TicError, match=r'pip install "tic-audit\[speech\]"'), synthesiser():
        pass


def test_the_command_tells_what_it_cannot_do(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    assert main([]) == main([str(tmp_path / "again.xz")]) == 2
    assert capsys.readouterr().err.splitlines()[0] == "usage: python -m tic.data.speech FILE"
    assert not (tmp_path / "again.xz").exists()


def test_silence_around_a_word_does_not_count():
    word = (3000 * np.sin(np.arange(5000) / 9)).astype(np.int16)
    around = np.concatenate([np.full(700, 20, np.int16), word, np.zeros(900, np.int16)])
    assert np.array_equal(corpus.whole_decibels(word), corpus.whole_decibels(around))


def test_permuted_bins_are_the_same_bins_in_an_order_of_their_own():
    changed = PLAIN.but(order="bins-permuted").load("train")
    plain = ALL["train"]
    assert torch.equal(changed.inputs.sort(1).values, plain.inputs.sort(1).values)
    assert torch.equal(changed.labels, plain.labels)
    # Each bin moved as one, not every band by itself.
    own, moved = plain.inputs[7], changed.inputs[7]
    assert sorted(map(tuple, own.tolist())) == sorted(map(tuple, moved.tolist()))
    still = (changed.inputs == plain.inputs).all(2) & plain.inputs.any(2)
    assert still.float().mean() < 0.1
    assert changed.name == "spoken-digits-bins-permuted"


def test_bins_of_two_utterances_are_permuted_otherwise():
    marked = torch.arange(40.0).expand(3, 40)[..., None]
    from tic.data.speech.changes import _bins_permuted

    first, second, third = _bins_permuted(marked, 0, "train")
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    assert not torch.equal(first, _bins_permuted(marked, 1, "train")[0])
    assert not torch.equal(first, _bins_permuted(marked, 0, "test")[0])


def test_bands_are_permuted_once_for_all():
    dataset = PLAIN.but(frequencies="permuted", seed=3)
    places = dataset.places()
    assert sorted(places.tolist()) == list(range(20))
    assert places.tolist() != list(range(20))
    for split in ("train", "test"):
        assert torch.equal(dataset.load(split).inputs, PLAIN.load(split).inputs[..., places])
    assert PLAIN.places().tolist() == list(range(20))
    assert dataset.but(seed=4).places().tolist() != places.tolist()


def test_labels_are_permuted_in_training_alone():
    dataset = PLAIN.but(labels="permuted")
    changed = dataset.load("train")
    assert torch.equal(changed.inputs, ALL["train"].inputs)
    assert changed.labels.bincount().tolist() == [50] * 20
    assert (changed.labels == ALL["train"].labels).float().mean() < 0.15
    assert torch.equal(dataset.load("test").labels, ALL["test"].labels)


def test_mixed_voices_are_in_both_splits_and_no_utterance_is():
    dataset = PLAIN.but(voices="mixed")
    train, test = dataset.load("train"), dataset.load("test")
    assert (len(train), len(test)) == (1000, 1000)
    assert set(ALL["test"].speakers.tolist()) <= set(train.speakers.tolist())
    together = sorted(sorted_rows(train) + sorted_rows(test))
    assert together == sorted(sorted_rows(ALL["train"]) + sorted_rows(ALL["test"]))
    assert not set(sorted_rows(train)) & set(sorted_rows(test))


def test_a_validation_has_speakers_of_its_own_and_the_same_training():
    dataset = PLAIN.but(evaluated="validation")
    assert dataset.facts.test_size == len(load(dataset, "test")) == 240
    assert load(dataset, "test").labels.bincount().tolist() == [12] * 20
    assert torch.equal(dataset.load("train").inputs, ALL["train"].inputs)


def test_what_is_not_changed_stays_and_the_name_tells_the_rest():
    dataset = SpokenDigits(
        bands=40, evaluated="validation", order="bins-permuted", frequencies="permuted",
        labels="permuted", voices="mixed", seed=5,
    )  # fmt: skip
    assert dataset.name == (
        "spoken-digits-40-bands-validation-bins-permuted-bands-permuted-labels-permuted-"
        "voices-mixed-seed-5"
    )
    assert (PLAIN.name, PLAIN.label) == ("spoken-digits", "spoken-digits")
    assert len(dataset.load("train")) == 1000


@pytest.mark.parametrize(
    "dataset",
    [
        PLAIN,
        SpokenDigits(bands=40, order="bins-permuted", seed=3),
        HeidelbergDigits(
            held_out=(1, 2),
            evaluated="validation",
            features=LogMel(bands=80),
            recordings=(6000, 2264, 2156),
        ),
    ],
    ids=lambda dataset: dataset.name,
)
def test_other_processes_make_the_same_data_set_of_its_description(dataset):
    assert restore(json.loads(json.dumps(describe(dataset))), Dataset) == dataset


def test_speakers_go_with_their_utterances():
    samples = ALL["test"]
    pairs = zip(samples.inputs.flatten(1).tolist(), samples.speakers.tolist(), strict=True)
    spoken_by = {tuple(row): speaker for row, speaker in pairs}
    few = samples.take(100)
    expected = [spoken_by[tuple(row)] for row in few.inputs.flatten(1).tolist()]
    assert few.speakers.tolist() == expected
    with pytest.raises(TicError, match="speakers"):
        dataclasses.replace(samples, speakers=samples.speakers[:-1])
