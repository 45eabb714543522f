"""`--budget`: an engine trains for as long as it lasts, and every claim is judged where it is."""

import re
from contextlib import contextmanager
from time import monotonic

import pytest

from fixtures.packs import CAUTIOUS, INCONCLUSIVE, RIVAL, SUPPORTED
from fixtures.workers import PATIENCE
from tic.document.correction import claim_confidence
from tic.engine import job as jobs
from tic.engine.job import Finished, Job
from tic.engine.local import LocalEngine
from tic.plugin import spending
from tic.session.agenda import Agenda

COUNTED = """
@says("counted", lambda setting: setting.recipe.but(epochs=3))
def test_counted(runs, judge, setting):
    assert runs.seeds == judge.seeds == setting.seeds
    losses = runs.train_loss()[:, -1]
    judge(losses if len(losses) > 8 else losses - losses.mean(), above(0), name="loss")
"""
"""Nobody can decide it before twelve seeds."""
ON_TRAINING_IMAGES = """
from tic.measure.fisher import FisherMeasurement
@says("informed")
def test_informed(runs, judge):
    runs.measured(FisherMeasurement(epoch=2))
    judge(runs.train_loss()[:, -1], above(0), name="loss")
"""
ACCURATE = """
from tic.measure.robustness import AccuracyMeasurement
@says("accurate")
def test_accurate(runs, judge):
    taken = AccuracyMeasurement(epoch=2, split="train")
    judge(runs.values(taken, "accuracy"), above(-1), name="accuracy")
"""
OPEN = """
from tic.audit.control import UNTRAINED
@says("open", controls=(UNTRAINED,))
def test_open(runs, judge):
    accuracy = runs.accuracy()
    judge(accuracy - accuracy.mean(), above(0), name="deviation")
"""
BROKEN = """
@says("broken")
def test_broken(runs, judge):
    raise AssertionError("a defect of the claim")
"""
IMPOSSIBLE = """
@says("impossible", lambda setting: setting.recipe.but(timesteps=1, train_size=61))
def test_impossible(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss")
"""


UNREAD = """
@says("unread")
def test_unread(runs, judge):
    losses = runs.train_loss()[:, -1]
    judge(losses - losses.mean(), above(0), name="loss")
    judge.leave_open("the paper's text was not read")
"""
READ_IN_TWO_WAYS = """
from tic.audit.judge import Judge
@says("readings")
def test_readings(runs, judge):
    losses = runs.train_loss()[:, -1]
    for name in ("one", "other"):
        read = Judge(judge.seeds, judge.confidence, draws=False)
        read(losses if len(losses) > 5 else losses - losses.mean(), above(0), name="loss")
        judge.record_reading({"way": name}, read)
    judge.readings_contradict()
"""


@pytest.fixture
def audit(repository, monkeypatch):
    """Audit claims with a budget; what a worker would do, this process does."""

    def submit(engine: LocalEngine, job: Job) -> None:
        engine._finished.put(Finished.from_text(job, jobs.carry_out(job.to_text())))

    monkeypatch.setattr(LocalEngine, "submit", submit)

    def run(*claims, budget="1000 trainings", arguments=()):
        jobs._lab.cache_clear()
        repository.write(*claims)
        store = repository.pytester.path / "store"
        return repository.run("--budget", budget, "-n", "1", *arguments, store=store)

    return run


def seeds(result, name):
    (entry,) = (e for e in result.audit.entries if e.claim.endswith(name) and e.role != "control")
    return entry.contrasts[0].seeds


def test_seeds_are_added_until_a_claim_is_decided(audit):
    result = audit(SUPPORTED, COUNTED, budget="30 trainings")
    assert result.status == 0
    assert seeds(result, "positive") == tuple(range(5))
    assert seeds(result, "counted") == tuple(range(12))
    assert set(result.verdicts.values()) == {"SUPPORTED"}
    # Five of the one Recipe and twelve of the other.
    assert "trained 17, measured 17; decided: 2 of 2 claims" in result.text


def test_the_progress_tells_what_is_done_for_which_claim(audit, monkeypatch):
    texts, tells = [], []

    @contextmanager
    def listening(text):
        tells.append(text)
        yield

    def carry_out(text):
        texts.append(tells[0]())
        return carry_out_for_good(text)

    carry_out_for_good = jobs.carry_out
    monkeypatch.setattr("tic.plugin.spending.text_now_and_then", listening)
    monkeypatch.setattr(jobs, "carry_out", carry_out)
    audit(ACCURATE, budget="5 trainings")
    spent = [re.sub(r"\d+ s so far", "… so far", text) for text in texts]
    doing = "decided: 0 of 1 claims; for other2024/accurate[tiny-digits] at 5 seeds"
    assert spent[0] == f"{doing} (trained 0, measured 0, … so far of 5 trainings)"
    # The last is a measurement, which is done for the claim that asked for it.
    assert re.fullmatch(
        rf"{re.escape(doing)} \(trained 5, measured \d, … so far of 5 trainings\)", spent[-1]
    )


def test_a_claim_covers_the_samples_of_its_own_test_alone(audit):
    result = audit(SUPPORTED, ON_TRAINING_IMAGES, budget="30 trainings")
    splits = {
        entry.claim: {samples.split for samples in entry.samples} for entry in result.audit.entries
    }
    # Rehearsals of the second claim came before the first was judged.
    assert splits == {"other2024/positive": set(), "other2024/informed": {"train"}}


def test_a_verdict_pays_for_every_look(audit):
    result = audit(SUPPORTED, COUNTED)
    entries = result.audit.entries
    assert {entry.design for entry in entries} == {"sequential"}
    assert [entry.contrasts[0].confidence for entry in entries] == [
        claim_confidence(n, "sequential", 2) for n in (5, 12)
    ]


def test_controls_and_rivals_are_looked_at_too(audit):
    result = audit(CAUTIOUS, SUPPORTED, RIVAL, arguments=["--controls"])
    assert "decided: 2 of 2 claims, 1 of 1 rivals" in result.text
    assert {len(e.contrasts[0].seeds) for e in result.audit.entries} == {5}


def test_a_control_that_cannot_be_measured_is_an_error_and_its_claim_keeps_its_verdict(
    audit, repository
):
    failing = """
from dataclasses import dataclass
from tic.measure.measurement import Measurement
@dataclass(frozen=True, kw_only=True)
class Failing(Measurement):
    name = "failing"
    version = 1
    def take(self, network, samples, partners):
        raise TicError("it cannot be taken")
class Unmeasured(SeedRuns):
    def train_loss(self):
        return self.values(Failing(epoch=2, split="test", size=20), "value")
UNMEASURED = Control("unmeasured", "Nothing can be measured.", seen_as(Unmeasured))
@says("spared", controls=(UNMEASURED, NEGATED))
def test_spared(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss")
"""
    budgeted = audit(CAUTIOUS, failing, budget="5 trainings", arguments=["--controls"]).audit
    store = repository.pytester.path / "store"
    without = repository.run("--controls", "--seeds", "5", store=store).audit
    for made in (budgeted, without):
        spared = [entry for entry in made.entries if entry.claim.endswith("spared")]
        entries = {entry.control and entry.control.name: entry for entry in spared}
        assert entries[None].outcome == "SUPPORTED"
        assert entries["negated"].outcome == "REFUTED"
        assert entries["unmeasured"].outcome == "ERROR"
        assert entries["unmeasured"].reason == "it cannot be taken"


def test_nothing_is_measured_for_the_controls_of_an_open_claim(audit):
    result = audit(OPEN, CAUTIOUS, budget="5 trainings", arguments=["--controls"])
    assert result.status == 0
    outcomes = {
        (e.claim.partition("/")[2], e.control and e.control.name): str(e.outcome)
        for e in result.audit.entries
    }
    assert outcomes["open", None] == "INCONCLUSIVE"
    assert outcomes["open", "untrained"] == "NOT_RUN"
    assert outcomes["cautious", "negated"] == "REFUTED"
    # Final accuracies of five Runs, which both claims share; none of untrained networks.
    assert "trained 5, measured 5;" in result.text


def test_a_claim_keeps_its_verdict_where_no_time_is_left_for_its_control(audit, monkeypatch):
    from tic.engine.building import Build, Limits

    decided = """
from tic.audit.control import UNTRAINED
@says("decided", lambda setting: setting.recipe.but(checkpoints=2), controls=(UNTRAINED,))
def test_decided(runs, judge):
    runs.accuracy()
    judge(runs.train_loss()[:, -1], above(0), name="loss")
"""
    take, measured = Build._take, []

    def counted(build, finished):
        take(build, finished)
        measured.extend(filter(None, [finished.job.measurement]))

    monkeypatch.setattr(Build, "_take", counted)
    # Accuracies of the five Runs, and of one untrained network.
    monkeypatch.setattr(Limits, "is_over", property(lambda limits: len(measured) >= 6))
    result = audit(decided, budget="1 h", arguments=["--controls"])
    outcomes = {e.control and e.control.name: str(e.outcome) for e in result.audit.entries}
    assert outcomes == {None: "SUPPORTED", "untrained": "NOT_RUN", "one-seed": "INCONCLUSIVE"}
    (untrained,) = (e for e in result.audit.entries if str(e.outcome) == "NOT_RUN")
    assert untrained.reason == (
        "the budget of 1 h ended before this control was measured; with more it goes on from what "
        "the Store has"
    )


def test_an_open_claim_is_left_at_its_last_complete_look(audit):
    result = audit(INCONCLUSIVE, budget="11 trainings")
    assert result.status == 0
    assert seeds(result, "spread") == tuple(range(8))
    assert "trained 11" in result.text
    assert "open: other2024/spread[tiny-digits] at 8 seeds;" in result.text


def test_no_seeds_are_added_to_what_its_test_leaves_open_and_it_is_not_counted(audit):
    result = audit(SUPPORTED, UNREAD, budget="60 trainings")
    assert result.status == 0
    assert seeds(result, "unread") == tuple(range(5))
    assert "decided: 1 of 1 claims" in result.text
    text = "open: other2024/unread[tiny-digits] at 5 seeds; its test leaves it open, whatever seeds"
    assert text in " ".join(result.text.split())


FAILING = """
@says("unsound")
def test_unsound(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss")
    judge.check("sound", "It is sound.", "seen", holds=len(runs.seeds) > {seeds}, needed=True)
"""


def test_a_claim_that_fails_a_needed_check_waits_for_all_others(audit, monkeypatch):
    looks, take = [], Agenda.take

    def noted(agenda, claim, *given, unsound, **named):
        looks.append((claim.entry.claim.name, claim.seeds_wanted, unsound))
        take(agenda, claim, *given, unsound=unsound, **named)

    monkeypatch.setattr(Agenda, "take", noted)
    assert seeds(audit(FAILING.format(seeds=5), SUPPORTED), "unsound") == tuple(range(8))
    # `test_budget` holds what that is good for.
    assert sorted(looks) == [("positive", 5, False), ("unsound", 5, True), ("unsound", 8, False)]


def test_readings_that_do_not_decide_yet_get_further_seeds(audit):
    result = audit(READ_IN_TWO_WAYS, budget="60 trainings")
    (entry,) = (e for e in result.audit.entries if e.role != "control")
    assert entry.readings[0].contrasts[0].seeds == tuple(range(8))
    assert entry.outcome == "REFUTED"  # both readings support the claim


def test_more_budget_goes_on_from_what_is_there(audit):
    first = audit(COUNTED, budget="9 trainings")
    assert seeds(first, "counted") == tuple(range(8))
    second = audit(COUNTED, budget="3 trainings")
    assert seeds(second, "counted") == tuple(range(12))
    assert "trained 3" in second.text


def test_looks_that_the_store_has_are_taken_though_the_time_is_over(audit, monkeypatch):
    audit(COUNTED, SUPPORTED, budget="17 trainings")
    monkeypatch.setattr("tic.engine.building.Limits.is_over", True)
    result = audit(COUNTED, SUPPORTED, INCONCLUSIVE, budget="1 s")
    assert [seeds(result, name) for name in ("counted", "positive", "spread")] == [
        tuple(range(12)), tuple(range(5)), tuple(range(5)),
    ]  # fmt: skip
    assert "trained 0, measured 0; decided: 2 of 3 claims" in result.text


def test_the_time_of_a_budget_begins_when_something_can_begin(audit, monkeypatch):
    prepare, passed = Agenda.__post_init__, [0.0]

    def slowly(agenda):
        passed[0] += 2 * PATIENCE
        prepare(agenda)

    monkeypatch.setattr(Agenda, "__post_init__", slowly)
    monkeypatch.setattr(spending, "monotonic", lambda: monotonic() + passed[0])
    assert "trained 0" not in audit(SUPPORTED, budget=f"{PATIENCE:.0f} s").text
    assert passed == [2 * PATIENCE]


def test_a_budget_too_small_for_one_look_says_so(audit):
    result = audit(SUPPORTED, COUNTED, budget="4 trainings")
    assert result.status == 1
    sentence = "the budget of 4 trainings ended before the first look at 5 seeds; with more it goes"
    assert result.audit.entries[0].reason.startswith(sentence)
    assert "no claim that rests on Runs could run" in result.text


def test_the_cheaper_claim_is_decided_first(audit):
    result = audit(COUNTED, SUPPORTED, budget="5 trainings")
    assert [str(entry.outcome) for entry in result.audit.entries] == ["NOT_RUN", "SUPPORTED"]


def test_what_fails_is_told_by_the_claim_itself(audit):
    result = audit(BROKEN, IMPOSSIBLE, SUPPORTED)
    assert result.status == 1
    outcomes = {e.claim.partition("/")[2]: str(e.outcome) for e in result.audit.entries}
    assert outcomes == {"broken": "ERROR", "impossible": "ERROR", "positive": "SUPPORTED"}
    assert "leave 1 to the last batch, where tiny needs at least 2" in result.text


MISTAKEN = """
@says("mistaken", lambda setting: setting.recipe.but(epochs=3))
def test_mistaken(runs, judge):
    judge(runs["spiking"].accuracy() + runs.epoch("untrained"), above(0), name="accuracy")
@says("late", lambda setting: setting.recipe.but(epochs=4))
def test_late(runs, judge):
    judge(runs.train_loss() + undefined, above(0), name="loss")
@says("elsewhere")
def test_elsewhere(runs, judge):
    raise NotApplicableError("it is about other networks")
"""
"""The first fails whatever is trained, the second once Runs are there, the third does not."""


def test_nothing_is_trained_for_a_test_that_fails_before_it_asks_for_a_run(audit):
    result = audit(MISTAKEN)
    told = {e.claim.partition("/")[2]: (str(e.outcome), e.reason) for e in result.audit.entries}
    outcome, reason = told["mistaken"]
    assert (outcome, told["elsewhere"][0]) == ("ERROR", "NOT_APPLICABLE")
    assert "is not subscriptable" in reason
    assert "test_mistaken" in result.text  # pytest shows its author where
    assert told["late"][0] == "ERROR"
    assert "name 'undefined' is not defined" in told["late"][1]
    assert {run.recipe["epochs"] for run in result.audit.runs if run.status == "finished"} == {2, 4}


def test_a_plan_tells_of_a_test_that_would_fail_whatever_is_trained(repository):
    repository.write(MISTAKEN)
    planned = repository.run("--plan")
    assert planned.status == 1
    assert (
        "other2024/mistaken[tiny-digits]: its test fails before it asks for a Run, so that none is "
        "trained for it: TypeError: 'SeedRuns' object is not subscriptable ("
    ) in planned.text
    assert planned.text.count("its test fails") == 1


def test_a_build_trains_nothing_for_it_and_what_is_trained_already_need_not_be_spared(repository):
    store = repository.pytester.path / "store"
    repository.write(BROKEN)
    built = repository.run("--build", "-n", "1", store=store)
    assert built.status == 1
    assert "so that none is trained for it: AssertionError: a defect of the claim (" in built.text
    assert "0 of 3 Runs" in built.text
    repository.write(SUPPORTED)
    repository.run(store=store)
    repository.write(BROKEN)
    assert repository.run("--plan", store=store).status == 0


def test_a_partner_that_diverged_is_an_error_as_without_a_budget(audit, repository):
    beside = """
from dataclasses import dataclass
from tic.measure.measurement import Measurement
@dataclass(frozen=True, kw_only=True)
class Beside(Measurement):
    name = "beside"
    version = 1
    def partners(self, recipe):
        return (recipe.but(fitting=CosineSGD(learning_rate=1e30)),)
    def take(self, network, samples, partners):
        return {"value": 1.0}
@says("beside")
def test_beside(runs, judge):
    judge(runs.values(Beside(epoch=2, split="test", size=20), "value"), above(0), name="value")
"""
    entry = audit(SUPPORTED, beside).audit.entries[1]
    assert (entry.outcome, "became nan in epoch 1" in entry.reason) == ("ERROR", True)
    without = repository.run(store=repository.pytester.path / "store").audit.entries[1]
    assert (without.outcome, without.reason) == ("ERROR", entry.reason)


def test_a_run_that_cannot_be_read_is_told_by_its_claims_and_the_others_go_on(
    audit, repository, refusing
):
    audit(COUNTED, budget="5 trainings")
    refusing("get", repository.pytester.path.glob("store/runs/*"), "cannot be read")
    with_budget = audit(COUNTED, SUPPORTED)
    without = repository.run(store=repository.pytester.path / "store")
    for result in (with_budget, without):
        assert result.status == 1
        entries = result.audit.entries
        assert [str(entry.outcome) for entry in entries] == ["ERROR", "SUPPORTED"]
        assert entries[0].reason.endswith("cannot be read")


def test_it_is_spent_where_files_that_cannot_be_collected_do_not_matter(audit, repository):
    repository.pytester.makepyfile(test_broken="import a_module_that_nobody_has")
    result = audit(SUPPORTED, arguments=["--continue-on-collection-errors"])
    assert result.status == 1
    assert "trained 5" in result.text
    assert result.audit.entries[0].design == "sequential"


def test_ended_by_hand_it_judges_what_is_there(audit, monkeypatch):
    from tic.engine.building import Build

    take, count = Build._take, iter(range(1000))

    def interrupt(build, finished):
        take(build, finished)
        if next(count) == 11:
            raise KeyboardInterrupt

    monkeypatch.setattr(Build, "_take", interrupt)
    result = audit(COUNTED)
    assert seeds(result, "counted") == tuple(range(5))
    assert "1000 trainings, ended by hand: trained 7, measured 5" in result.text
    assert result.audit.completed


def test_ended_by_hand_before_the_first_look_it_says_so(audit, monkeypatch):
    def interrupt(build, questions):
        raise KeyboardInterrupt

    monkeypatch.setattr("tic.engine.building.Build.run", interrupt)
    assert re.fullmatch(
        "the budget of 1000 trainings was ended by hand after [^,]+, before the first look at 5 "
        "seeds; the same command goes on from what the Store has",
        audit(COUNTED).audit.entries[0].reason,
    )


def test_ended_by_hand_while_a_test_is_rehearsed_it_judges_all_the_same(audit):
    interrupted = """
import pytest
told = []
@pytest.fixture
def telling():
    told.append("set up")
    yield
    told.append("torn down")
@says("interrupted")
def test_interrupted(runs, judge, telling):
    losses = runs.train_loss()[:, -1]
    if len(losses) > 5:
        raise KeyboardInterrupt
    assert told == ["set up", "torn down"] * (len(told) // 2) + ["set up"]
    judge(losses - losses.mean(), above(0), name="loss")
"""
    result = audit(SUPPORTED, interrupted)
    assert "ended by hand" in result.text
    outcomes = {entry.claim.partition("/")[2]: entry.outcome for entry in result.audit.entries}
    assert outcomes == {"positive": "SUPPORTED", "interrupted": "INCONCLUSIVE"}


def test_the_plan_of_a_budget_is_that_of_the_first_look(audit):
    text = audit(SUPPORTED, COUNTED, arguments=["--plan"]).text
    assert "plan of the first look" in text
    assert "10 Runs, 10 to train" in text
    rows = [line for line in text.splitlines() if line.startswith("all claims at")]
    assert [row.partition(":")[0].split() for row in rows] == [
        f"all claims at {n} seeds {2 * n} Runs, {2 * n} to train".split() for n in (5, 8, 12, 18)
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--budget", "soon"], "--budget must be a duration in s, min, h or d"),
        (["--budget", "0"], "--budget must be a whole number of trainings"),
        (["--budget", "1h", "--seeds", "3"], "--budget adds seeds where a verdict is open, and"),
        (["--budget", "1h", "--build"], "--build judges nothing; leave one of them out"),
    ],
)
def test_what_says_nothing_together_is_refused(repository, arguments, sentence):
    repository.write(SUPPORTED)
    result = repository.pytester.runpytest_inprocess(*arguments)
    assert result.ret == 4
    assert sentence in result.stderr.str()
