"""Data sets of recordings in files that the user brings: small ones written here."""

import numpy as np
import pytest

from fixtures import event_files as files
from tic.data import load
from tic.data.events import HARDVS, DailyAction, DVSGait, DVSGesture
from tic.data.events.files import Recordings
from tic.errors import DataNotFoundError, TicError

ROWS = ((100, 0, 1, 1), (20_000, 127, 2, 0), (40_000, 1, 127, 1), (95_000, 3, 3, 0))


@pytest.fixture(autouse=True)
def nowhere_else(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TIC_DATA", raising=False)


def sized(monkeypatch, dataset, train, test):
    """Let a data set have as many recordings as a test writes."""
    facts = dataset.facts_of

    def few(self, name, classes, *_):
        return facts(name, classes, train, test)

    monkeypatch.setattr(Recordings, "facts_of", few)


def gesture(folder, trials="class,startTime_usec,endTime_usec\n2,0,50000\n11,50000,100000\n"):
    for part in ("train", "test"):
        (folder / f"trials_to_{part}.txt").write_text(f"user_{part}.aedat\n\n")
        (folder / f"user_{part}.aedat").write_bytes(files.aedat3(ROWS))
        (folder / f"user_{part}_labels.csv").write_text(trials)


def test_gestures_are_cut_out_of_a_recording_by_their_list(tmp_path, monkeypatch):
    gesture(tmp_path)
    dataset = DVSGesture(timesteps=2, duration=25_000)
    sized(monkeypatch, dataset, 2, 2)
    samples = load(dataset, "train", tmp_path)
    assert samples.labels.tolist() == [1, 10]
    assert samples.inputs.shape == (2, 2, 2, 32, 32)
    assert samples.inputs.sum((2, 3, 4)).tolist() == [[2, 1], [1, 0]]
    assert float(samples.inputs[0, 0, 1, 0, 0]) == 1
    dataset.require(tmp_path)


def test_frames_of_as_many_events_have_no_duration(tmp_path, monkeypatch):
    gesture(tmp_path, "class,startTime_usec,endTime_usec\n2,0,50000\n")
    dataset = DVSGesture(timesteps=3, duration=None, cell=1)
    sized(monkeypatch, dataset, 1, 1)
    assert load(dataset, "test", tmp_path).inputs.sum((2, 3, 4)).tolist() == [[1, 1, 1]]
    assert dataset.name == "dvs-gesture-whole"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "12,0,5",
            "line 2 of .* must be a class from 1 to 11, a start and a later end, got '12,0,5'",
        ),
        ("1,5,5", "a later end"),
        ("1,2", "must be a class from 1 to 11"),
        ("a,b,c", "must be a class from 1 to 11"),
        ("1,60000,70000", "there is no event from 60000 to 70000"),
    ],
)
def test_a_list_of_gestures_that_cannot_be_is_told(tmp_path, line, message):
    gesture(tmp_path, f"class,startTime_usec,endTime_usec\n{line}\n")
    with pytest.raises(TicError, match=message):
        DVSGesture().load("train", tmp_path)


def test_a_list_names_no_file_elsewhere(tmp_path):
    gesture(tmp_path)
    (tmp_path / "trials_to_train.txt").write_text("../user_test.aedat\n")
    with pytest.raises(TicError, match=r"must name \.aedat files beside it, got '../user"):
        DVSGesture().load("train", tmp_path)


def folders(folder, splits, classes, count, write, suffix):
    for split in splits:
        for label in range(classes):
            place = folder / split / f"{label:03d}"
            place.mkdir(parents=True)
            for number in range(count):
                rows = ((0, label % 128, number, 1), (9, 0, 0, 0))
                (place / f"{number}{suffix}").write_bytes(write(rows))


@pytest.mark.parametrize(
    ("write", "suffix"), [(files.npy, ".npy"), (files.text, ".txt"), (files.npz, ".npz")]
)
def test_gait_has_a_folder_per_person(tmp_path, write, suffix):
    folders(tmp_path / "gait-night", ("train", "test"), 20, 2, write, suffix)
    dataset = DVSGait(light="night", timesteps=3, duration=10, cell=1, recordings=(40, 40))
    samples = load(dataset, "train", tmp_path)
    assert samples.labels.tolist() == [label for label in range(20) for _ in range(2)]
    assert float(samples.inputs[39, 0, 1, 1, 19]) == 1
    assert samples.facts.name == "gait-night"


def test_splits_with_unlike_classes_are_refused(tmp_path):
    folders(tmp_path / "gait-night", ("train", "test"), 20, 1, files.npy, ".npy")
    (tmp_path / "gait-night" / "test" / "007").rename(tmp_path / "gait-night" / "test" / "7")
    dataset = DVSGait(light="night", timesteps=3, recordings=(20, 20))
    for split in ("train", "test"):
        with pytest.raises(TicError, match=r"folders of the same names.*got '007' in one of them"):
            load(dataset, split, tmp_path)


def test_activities_are_read_from_arrays(tmp_path):
    folders(tmp_path / "har-dvs", ("train", "test"), 300, 1, files.npz, ".npz")
    samples = load(HARDVS(timesteps=2, recordings=(300, 300)), "test", tmp_path)
    assert samples.inputs.shape == (300, 2, 2, 130, 173)


def test_the_first_four_fifths_of_an_action_are_to_train(tmp_path, monkeypatch):
    folders(tmp_path, ("daily-action",), 12, 5, files.aedat2, ".aedat")
    dataset = DailyAction(timesteps=2)
    sized(monkeypatch, dataset, 48, 12)
    train, test = (load(dataset, split, tmp_path) for split in ("train", "test"))
    assert (len(train), len(test)) == (48, 12)
    # The number of a recording is its row: cells are two pixels wide.
    assert np.flatnonzero(test.inputs[3, 0, 1].sum(1).numpy()).tolist() == [2]


def test_a_split_that_is_not_whole_is_told(tmp_path):
    folders(tmp_path / "gait-day", ("train", "test"), 20, 1, files.npy, ".npy")
    with pytest.raises(TicError, match="gait-day must have 2000 recordings to train, got 20"):
        DVSGait().load("train", tmp_path)
    (tmp_path / "gait-day" / "test" / "000" / "0.npy").unlink()
    (tmp_path / "gait-day" / "test" / "000").rmdir()
    with pytest.raises(TicError, match="must have 20 folders, one per class, got 19"):
        DVSGait().load("test", tmp_path)


@pytest.mark.parametrize(
    ("dataset", "origin"),
    [
        (DVSGesture(), "research.ibm.com/interactive/dvsgesture"),
        (DVSGait(), "TPAMI_Gait_Identification"),
        (DailyAction(), "10.24963/ijcai.2021/240"),
        (HARDVS(), "github.com/Event-AHU/HARDVS"),
    ],
)
def test_what_lacks_is_told_with_where_it_comes_from(tmp_path, dataset, origin):
    with pytest.raises(DataNotFoundError, match=origin) as told:
        dataset.require(tmp_path)
    assert "and it has to be brought" in str(told.value)
    with pytest.raises(DataNotFoundError):
        dataset.load("train", tmp_path)


def test_numbers_that_make_no_frames_are_refused():
    with pytest.raises(TicError, match="timesteps must be at least 1, got 0"):
        DVSGesture(timesteps=0)
    with pytest.raises(TicError, match="duration must be at least 1, got 0"):
        DVSGait(duration=0)
