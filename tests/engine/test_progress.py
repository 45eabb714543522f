import json
import os
import threading
import time

import pytest

from fixtures.workers import wait_until
from tic.engine import progress as progress_module
from tic.engine.plan import make_plan
from tic.engine.progress import PlanProgress, Progress, ProgressLine, duration, progress
from tic.lab import Lab
from tic.run import STATE
from tic.tensors import write_tensors
from tic.train import train


@pytest.fixture
def recipes(quick_recipe):
    """Four trainings of 4 epochs on 60 images for 2 timesteps: 480 presentations each."""
    return [quick_recipe.but(epochs=4, checkpoints=1, seed=seed) for seed in range(4)]


def begin(recipe, lab, epoch, when=1000.0):
    """Leave the state of a training after an epoch, written at a Unix time."""
    path = lab.store.work_folder(lab.fingerprint(recipe)) / STATE
    write_tensors(path, {}, {"progress": json.dumps({"epoch": epoch})})
    os.utime(path, (when, when))
    return path


def test_nothing_is_done_in_the_beginning(lab, recipes):
    assert progress(make_plan(recipes), lab, since=0) == Progress(0, 0, 4, 4 * 480)
    assert progress((), lab, since=0) == Progress(0, 0, 0, 0)


def test_finished_epochs_of_unfinished_runs_count(lab, recipes):
    done, begun, stale, _ = recipes
    train(done, lab)
    begin(begun, lab, epoch=1, when=1000)
    begin(stale, lab, epoch=3, when=999)
    # 480 · (0 + 3/4 + 1 + 1): what nobody has advanced since the audit began is left as a whole.
    assert progress(make_plan(recipes), lab, since=1000) == Progress(1, 1, 2, 1320)
    assert progress(make_plan(recipes), lab, since=900) == Progress(1, 2, 1, 480 + 360 + 120)
    assert progress(make_plan(recipes), lab, since=2000) == Progress(1, 0, 3, 3 * 480)


def test_a_run_is_done_when_it_is_published_and_not_before(lab, recipes):
    begin(recipes[0], lab, epoch=4)
    found = progress(make_plan(recipes[:1]), lab, since=0)
    assert (found.done, found.in_work) == (0, 1)
    assert found.work_left == pytest.approx(0.48)


def test_the_state_of_a_training_tells_its_epoch(lab, recipes):
    seen = []

    def look(epoch):
        seen.append(progress(make_plan(recipes[:1]), lab, since=0).work_left)

    train(recipes[0], lab, look)
    assert seen == pytest.approx([360, 240, 120, 0.48])
    assert progress(make_plan(recipes[:1]), lab, since=0) == Progress(1, 0, 0, 0)


@pytest.mark.parametrize(
    "metadata", [None, {}, {"progress": "{"}, {"progress": "{}"}, {"progress": "[]"}], ids=str
)
def test_a_state_that_says_nothing_counts_for_nothing(lab, recipes, metadata):
    path = begin(recipes[0], lab, epoch=1)
    write_tensors(path, {}, metadata)
    assert progress(make_plan(recipes[:1]), lab, since=0) == Progress(0, 0, 1, 480)
    path.write_bytes(b"not a state")
    assert progress(make_plan(recipes[:1]), lab, since=0) == Progress(0, 0, 1, 480)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (99, "99 s"),
        (100, "2 min"),
        (12 * 60, "12 min"),
        (99 * 60, "99 min"),
        (100 * 60, "1.7 h"),
        (3.4 * 3600, "3.4 h"),
        (99.9 * 3600, "99.9 h"),
        (100 * 3600, "4 d"),
        (16 * 86400, "16 d"),
    ],
)
def test_a_duration_is_told_in_its_largest_sensible_unit(seconds, text):
    assert duration(seconds) == text


class Clock:
    """The time of day, which stands still unless it is moved."""

    def __init__(self, monkeypatch):
        self.now = 5000.0
        monkeypatch.setattr(progress_module, "time", lambda: self.now)


def lines_after(plan, lab, steps):
    """Let a line be written after each step; return the lines."""
    lines = []
    line = ProgressLine(PlanProgress(plan, lab).text, lines.append, every=60)
    turns = iter(steps)

    class Turn(threading.Event):
        def wait(self, timeout):
            assert timeout == 60
            step = next(turns, None)
            if step:
                step()
            return step is None

    line._stop = Turn()
    line.start()
    line._thread.join(30)
    line.stop()
    return lines


def test_the_line_tells_what_is_left_and_how_long_it_takes(lab, recipes, monkeypatch):
    clock = Clock(monkeypatch)

    def first():
        clock.now += 60
        begin(recipes[0], lab, epoch=2, when=5010)

    def second():
        clock.now += 60
        train(recipes[0], lab)
        begin(recipes[1], lab, epoch=1, when=5100)

    lines = lines_after(make_plan(recipes), lab, [first, second])
    # 240 of 1920 in 60 s leave 7 times as long; 600 in 120 s leave 1320, or 264 s.
    assert lines == [
        "Runs: 0 done, 1 in work, 3 left, about 7 min to train (60 s so far)",
        "Runs: 1 done, 1 in work, 2 left, about 4 min to train (2 min so far)",
    ]


def test_the_line_promises_nothing_before_anything_was_achieved(lab, recipes, monkeypatch):
    Clock(monkeypatch)
    lines = lines_after(make_plan(recipes), lab, [lambda: None])
    assert lines == ["Runs: 0 done, 0 in work, 4 left (0 s so far)"]


def test_what_was_there_before_does_not_count_as_achieved(lab, recipes, monkeypatch):
    clock = Clock(monkeypatch)
    train(recipes[0], lab)

    def later():
        clock.now += 60

    assert lines_after(make_plan(recipes), lab, [later]) == [
        "Runs: 1 done, 0 in work, 3 left (60 s so far)"
    ]


def test_what_was_seen_finished_is_not_looked_at_again(lab, recipes, monkeypatch):
    train(recipes[0], lab)
    line = PlanProgress(make_plan(recipes), lab)
    looked, has = [], Lab.has
    monkeypatch.setattr(Lab, "has", lambda own, recipe: looked.append(recipe) or has(own, recipe))
    assert line.text().startswith(f"Runs: 1 done, 0 in work, {len(recipes) - 1} left")
    train(recipes[1], lab)
    assert line.text().startswith(f"Runs: 2 done, 0 in work, {len(recipes) - 2} left")
    assert recipes[0] not in looked
    looked.clear()
    line.text()
    assert recipes[1] not in looked


def test_the_line_ends_when_all_is_done(lab, recipes, monkeypatch):
    Clock(monkeypatch)

    def finish():
        train(recipes[0], lab)

    lines = lines_after(
        make_plan(recipes[:1]), lab, [finish, lambda: None, lambda: pytest.fail("went on")]
    )
    assert lines == ["Runs: 1 done, 0 in work, 0 left (0 s so far)"]


def test_a_line_is_written_from_a_thread_until_it_is_stopped(lab, recipes):
    lines = []

    def write_slowly(text):
        lines.append(text)
        time.sleep(0.05)

    line = ProgressLine(PlanProgress(make_plan(recipes), lab).text, write_slowly, every=0.001)
    line.start()
    wait_until(lambda: len(lines) > 1)
    line.stop()
    assert "tic-progress" not in {thread.name for thread in threading.enumerate()}


def test_a_line_that_was_never_started_can_be_stopped(lab, recipes):
    ProgressLine(PlanProgress(make_plan(recipes), lab).text, lambda text: None, every=1).stop()
