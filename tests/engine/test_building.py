"""The loop that all engines share, with an engine that does as it is told."""

import math
from dataclasses import replace
from functools import partial

import pytest

from tic.engine import building
from tic.engine.building import RETRIES, Build, Limits, longest_chain
from tic.engine.engine import Engine
from tic.engine.job import Finished, Job, Resources
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.robustness import AccuracyMeasurement, CorrectMeasurement
from tic.pruning import Pruning

CLEAN = AccuracyMeasurement(epoch=2)
ATTACKED = CorrectMeasurement(epoch=1)


class Obedient(Engine):
    """Ends the jobs in the order of submission, one per call, as it was told, else done."""

    def __init__(self, cpus=1, gpus=0):
        self.resources = Resources(cpus, gpus)
        self.began = []
        self.running = []
        self.most = 0
        self.told = {}
        self.done = set()

    def capacity(self):
        return self.resources

    def submit(self, job):
        self.began.append(job)
        self.running.append(job)
        self.most = max(self.most, len(self.running))

    def wait(self, seconds):
        if not self.running:
            return []
        job = self.running.pop(0)
        statuses = self.told.get(job, [])
        status = statuses.pop(0) if statuses else "done"
        if status == "done":
            self.done.add(job)
        return [Finished(job, "done" if status == "unseen" else status, "it is so")]

    def close(self):
        pass


@pytest.fixture
def engine(monkeypatch):
    """One core; what it has done is in the Store."""
    engine = Obedient()
    monkeypatch.setattr(Job, "is_done", lambda job, lab: job in engine.done)
    monkeypatch.setattr(building, "PAUSE_SECONDS", 0.0)
    return engine


@pytest.fixture
def base(quick_recipe):
    return quick_recipe.but(checkpoints=1)


@pytest.fixture
def job(lab, base):
    """Make the training of a Recipe, or a measurement on its Run."""

    def make(recipe=base, measurement=None):
        return Job(recipe, lab, measurement)

    return make


def lacking(engine, *jobs):
    """A question that lacks these jobs until they are done."""

    def ask():
        return [job for job in jobs if job not in engine.done]

    return ask


def run(engine, *questions, recipes=()):
    build = Build(engine, Lab("nowhere"), longest_chain(recipes))
    build.run(questions)
    return build


def test_without_questions_nothing_is_begun(engine):
    build = run(engine)
    assert (engine.began, build.trained, build.measured, build.faults) == ([], 0, 0, [])


def test_what_a_question_lacks_is_done_once(engine, job, base):
    wanted = [job(base.with_seed(seed)) for seed in range(3)]
    build = run(engine, lacking(engine, *wanted), lacking(engine, *wanted[:2]))
    assert sorted(engine.began, key=str) == sorted(wanted, key=str)
    assert (build.trained, build.measured, build.faults) == (3, 0, [])


def test_nobody_is_ranked_while_every_core_has_a_job_and_one_waits(engine, job, base):
    ranked = []

    def urgency(asked):
        assert len(engine.running) < 2  # one is done, and one waits
        ranked.append(asked)
        return 0.0

    wanted = [job(base.with_seed(seed)) for seed in range(4)]
    build = Build(engine, Lab("nowhere"), urgency)
    build.run([lacking(engine, *wanted)])
    assert engine.began == wanted
    assert engine.most == 2
    assert set(ranked) == set(wanted)


def test_a_question_is_asked_again_until_it_lacks_nothing(engine, job):
    training, clean, attacked = (
        job(),
        job(measurement=CLEAN),
        job(measurement=CorrectMeasurement(epoch=1)),
    )

    def ask():
        for each in (training, clean, attacked):
            if each not in engine.done:
                return [each]
        return []

    build = run(engine, ask)
    assert engine.began == [training, clean, attacked]
    assert (build.trained, build.measured) == (1, 2)
    assert build.progress_text() == "measurements: 2 taken, 0 to take"


def test_parents_come_first_and_runs_before_their_measurements(engine, job, base):
    child = base.but(parent=base, rules=(Pruning(0.5),))
    other = base.with_seed(1)
    transferred = job(child, CorrectMeasurement(epoch=1, source_seed=1))
    run(engine, lacking(engine, transferred))
    order = engine.began
    assert set(order) == {
        job(base), job(child), transferred, job(other), job(child.with_seed(1)),
    }  # fmt: skip
    assert order.index(job(base)) < order.index(job(child)) < order.index(transferred)
    assert order.index(job(other)) < order.index(job(child.with_seed(1))) < order.index(transferred)


def test_the_longest_waiting_chain_is_begun_first(engine, job, base):
    long = base.with_seed(7).but(epochs=3)
    child = base.but(parent=base, rules=(Pruning(0.5),))
    short = [base.with_seed(seed).but(epochs=1) for seed in (1, 2)]
    questions = [lacking(engine, *map(job, (*short, long, base, child)))]
    run(engine, *questions, recipes=[*short, long, child])
    # base and its child take four epochs together, long three, the others one.
    assert engine.began == [*map(job, (base, long)), *map(job, (child, *short))]


def test_no_more_is_submitted_than_there_is_room_for_and_one_job_more(engine, job, base):
    engine.resources = Resources(3)
    run(engine, lacking(engine, *(job(base.with_seed(seed)) for seed in range(9))))
    assert engine.most == 4


def test_gpus_are_never_given_twice(engine, base, monkeypatch):
    engine.resources = Resources(16, 1)
    lab = Lab("store", device_name="cuda")
    run(engine, lacking(engine, *(Job(base.with_seed(seed), lab) for seed in range(20))))
    assert engine.most == 8


def test_without_any_room_one_job_waits_for_the_engine_to_grow(engine, base):
    engine.resources = Resources(0, 0)
    lab = Lab("store", device_name="cuda")
    run(engine, lacking(engine, *(Job(base.with_seed(seed), lab) for seed in range(3))))
    assert (len(engine.began), engine.most) == (3, 1)


def test_a_job_that_fails_is_told_and_the_others_go_on(engine, job, base):
    bad, good = job(base), job(base.with_seed(1))
    engine.told[bad] = ["failed"]
    build = run(engine, lacking(engine, bad, good))
    assert sorted(engine.began, key=str) == sorted([bad, good], key=str)
    assert build.trained == 1
    assert build.faults == ["training tiny-digits-T2-seed0: it is so"]


def test_what_builds_on_a_failed_job_is_not_begun(engine, job, base):
    child = base.but(parent=base, rules=(Pruning(0.5),))
    measured = job(child, CLEAN)
    engine.told[job(base)] = ["failed"]
    build = run(engine, lacking(engine, measured))
    assert engine.began == [job(base)]
    assert build.faults == [
        "training tiny-digits-T2-seed0: it is so",
        f"training {child.label}: training tiny-digits-T2-seed0 failed",
        f"measuring accuracy of {child.label}: training {child.label} failed",
    ]


def refusing():
    raise TicError("it cannot be read")


def test_a_question_that_cannot_be_answered_is_told_and_the_others_go_on(engine, job):
    build = run(engine, refusing, lacking(engine, job()))
    assert build.trained == 1
    assert build.refused == {refusing: "it cannot be read"}
    assert build.faults == ["it cannot be read"]


@pytest.mark.parametrize("seen", ["before", "after"])
def test_what_cannot_be_looked_at_in_the_store_is_told_and_the_others_go_on(
    engine, job, base, monkeypatch, seen
):
    def is_done(other, lab):
        if other == job() and (seen == "before" or other in engine.done):
            refusing()
        return other in engine.done

    monkeypatch.setattr(Job, "is_done", is_done)
    measured = job(measurement=CLEAN)
    build = run(engine, lacking(engine, measured), lacking(engine, job(base.with_seed(1))))
    assert build.trained == 1
    assert build.fault(measured) == (
        "it cannot be read" if seen == "before" else "training tiny-digits-T2-seed0 failed"
    )


@pytest.mark.parametrize("status", ["lost", "unseen"])
def test_a_job_that_is_lost_is_begun_again(engine, job, status):
    engine.told[job()] = [status] * RETRIES
    build = run(engine, lacking(engine, job()))
    assert engine.began == [job()] * (RETRIES + 1)
    assert (build.trained, build.faults) == (1, [])


@pytest.mark.parametrize(
    ("status", "reason"), [("lost", "it is so"), ("unseen", "not in the Store as seen from here")]
)
def test_a_job_that_is_lost_again_and_again_is_told(engine, job, status, reason):
    engine.told[job()] = [status] * 100
    build = run(engine, lacking(engine, job()))
    assert engine.began == [job()] * (RETRIES + 1)
    assert len(build.faults) == 1
    assert reason in build.faults[0]
    assert build.faults[0].endswith("(begun 4 times)")


def test_what_another_process_holds_is_looked_at_again_for_as_long_as_it_takes(engine, job):
    engine.told[job()] = ["held"] * 20
    build = run(engine, lacking(engine, job()))
    assert len(engine.began) == 21
    assert build.faults == []


def test_what_is_held_does_not_keep_the_rest_waiting(engine, job, base, monkeypatch):
    monkeypatch.setattr(building, "PAUSE_SECONDS", 0.05)
    first, second = job(base.but(epochs=9)), job(base)
    engine.told[first] = ["held"]
    run(engine, lacking(engine, first, second))
    assert engine.began == [first, second, first]


def test_what_cannot_be_measured_is_left_and_no_fault(engine, job):
    clean = job(measurement=CLEAN)
    engine.told[clean] = ["left"]
    asked = []

    def ask():
        asked.append(None)
        return lacking(engine, clean)()

    build = run(engine, ask)
    assert engine.began == [job(), clean]
    assert build.faults == []
    assert len(asked) == 2


def test_what_somebody_else_finished_is_not_begun(engine, job):
    engine.done.add(job())
    clean = job(measurement=CLEAN)
    run(engine, lacking(engine, clean))
    assert engine.began == [clean]


def limited(engine, *questions, **limits):
    build = Build(engine, Lab("nowhere"), longest_chain([]), Limits(**limits))
    build.run(questions)
    return build


def test_no_more_trainings_are_begun_than_may_be_and_measurements_go_on(engine, job, base):
    trainings = [job(base.with_seed(seed)) for seed in range(5)]
    engine.done.add(trainings[0])
    measured = job(base.with_seed(0), CLEAN)
    build = limited(engine, lacking(engine, *trainings[1:], measured), trainings=2)
    assert (build.trained, build.measured) == (2, 1)
    assert measured in engine.began


def test_a_training_that_is_begun_again_counts_once(engine, job, base):
    lost, other = job(base), job(base.with_seed(1))
    engine.told[lost] = ["lost", "lost"]
    build = limited(engine, lacking(engine, lost, other), trainings=2)
    assert (build.trained, len(engine.began)) == (2, 4)


def test_what_may_not_begin_does_not_keep_a_build_waiting(engine, job):
    assert limited(engine, lacking(engine, job()), trainings=0).trained == 0
    assert engine.began == []


def test_nothing_is_begun_or_waited_for_when_the_time_is_over(engine, job, base, monkeypatch):
    times = iter(range(100))
    monkeypatch.setattr(building, "monotonic", lambda: next(times))
    trainings = [job(base.with_seed(seed)) for seed in range(50)]
    engine.resources = Resources(3)
    build = limited(engine, lacking(engine, *trainings), ends=10)
    assert 0 < build.trained < len(engine.began) < 50


def test_when_the_time_is_over_whoever_waits_is_asked_once_and_nothing_is_begun(engine, job):
    asked = []

    def ask(name, *lacking):
        asked.append(name)
        return lacking

    questions = [partial(ask, "lacking", job()), partial(ask, "satisfied")]
    build = limited(engine, *questions, ends=0.0, patience=math.inf)
    assert (asked, engine.began, build.trained) == (["lacking", "satisfied"], [], 0)


def test_a_build_whose_time_is_over_does_not_ask_for_long(engine, job, monkeypatch):
    times = iter(range(1000))
    monkeypatch.setattr(building, "monotonic", lambda: next(times))
    asked = []
    questions = [lambda: asked.append(None) or [] for _ in range(900)]
    limited(engine, *questions, ends=0, patience=5)
    assert 0 < len(asked) < 6


def test_what_ended_with_the_time_is_taken(engine, job, monkeypatch):
    ends = iter([False, True])
    monkeypatch.setattr(Limits, "is_over", property(lambda limits: next(ends)))
    wait, waited = engine.wait, []
    monkeypatch.setattr(engine, "wait", lambda s: wait(s) if waited else waited.append(s) or [])
    assert limited(engine, lacking(engine, job())).trained == 1


def test_the_most_urgent_job_is_begun_first(engine, job, base):
    trainings = [job(base.with_seed(seed)) for seed in range(4)]
    wanted = lacking(engine, *trainings)
    Build(engine, Lab("nowhere"), lambda job: job.recipe.seed % 3).run([wanted])
    # Of equal ones that which was asked for first.
    assert [job.recipe.seed for job in engine.began] == [2, 1, 0, 3]


def test_what_workers_took_is_summed_over_jobs(engine, job, base, monkeypatch):
    first, second, other = (job(base.with_seed(seed)) for seed in range(3))
    took = {first: 2.0, second: 3.5}
    wait = engine.wait
    monkeypatch.setattr(
        engine, "wait",
        lambda seconds: [replace(ended, seconds=took[ended.job]) for ended in wait(seconds)],
    )  # fmt: skip
    build = run(engine, lacking(engine, first, second))
    assert build.seconds([first, second, other]) == 5.5
