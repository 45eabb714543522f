"""What a verdict covers, as the page, the summary and the findings say it."""

import csv
import io

import pytest

from tic.document.evidence import Coverage, SampleRecord, SampleSpreadRecord
from tic.report import render_html, render_markdown
from tic.report.coverage import coverage_lines, trainings_line
from tic.report.extracts.spreadsheet import spreadsheet
from tic.report.findings.finding import text
from tic.report.findings.summary import findings
from tic.report.index import index_of
from tic.report.numerals import THIN
from tic.stats import Outcome

SEED = Coverage(
    trainings=15, diverged=0, collapsed=0, untested=0, seeds=5, failed_seeds=0, most_failing=0.45072
)
TEST = SampleRecord(data="digits", noun="images", split="test", size=360, available=360)
TRAIN = SampleRecord(data="digits", noun="images", split="train", size=128, available=1437)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {},
            "None of 15 trainings in 5 seeds diverged or collapsed; one may in up to 45 % of seeds "
            "(95 % upper bound).",
        ),
        (
            {"diverged": 1, "collapsed": 2, "failed_seeds": 2, "most_failing": 0.8107},
            "Of 15 trainings, 1 diverged and 2 collapsed to guessing, in 2 of 5 seeds; one may in "
            "up to 81 % of seeds (95 % upper bound). Those that collapsed are part of every mean.",
        ),
        (
            {"untested": 3},
            "None of 15 trainings in 5 seeds is known to have diverged or collapsed; one may in up "
            "to 45 % of seeds (95 % upper bound). Whether 3 of them collapsed was not measured, so "
            "their seeds have no part in that bound.",
        ),
        (
            {"untested": 15, "most_failing": 1.0},
            "None of 15 trainings in 5 seeds is known to have diverged or collapsed. Whether 15 of "
            "them collapsed was not measured, so in how many seeds one may is not known.",
        ),
        (
            {"untested": 14, "diverged": 1, "failed_seeds": 1, "most_failing": 1.0},
            "Of 15 trainings, 1 diverged, in 1 of 5 seeds. Whether 14 of them collapsed was not "
            "measured, so in how many seeds one may is not known.",
        ),
        (
            {"diverged": 5, "failed_seeds": 5, "most_failing": 1.0},
            "Of 15 trainings, 5 diverged, in 5 of 5 seeds; one may in up to 100 % of seeds (95 % "
            "upper bound).",
        ),
    ],
)
def test_failed_trainings_are_told_and_how_many_more_there_may_be(changes, line):
    told = trainings_line(SEED.model_copy(update=changes))
    assert told.replace(THIN, " ") == line


@pytest.fixture
def covered(example_audit):
    """The claim with the paper's numbers, with what its verdict covers."""
    entry = next(
        each for each in example_audit.entries if each.contrasts and len(each.comparisons) > 1
    )
    first, *others = entry.comparisons
    near = first.model_copy(update={"reported": 92.0, "prediction": (91.0, 93.0)})
    far = others[0].model_copy(update={"reported": 92.0, "prediction": (93.0, 95.0)})
    changes = {"coverage": SEED, "samples": (TRAIN, TEST), "comparisons": (near, far)}
    return entry.model_copy(update=changes)


def test_a_verdict_holds_over_seeds_on_the_samples_that_were_measured(covered):
    lines = [line.replace(THIN, " ") for line in coverage_lines(covered)]
    assert lines[1] == (
        "Holds over seeds, on these images: 128 training images of digits (of 1437) and 360 test "
        "images of digits (all). Others are not covered."
    )
    assert lines[2] == (
        "Reproduces 1 of 2 numbers of the paper, in that one further seed would lie so at 95 %; "
        f"not: {covered.comparisons[1].quantity}."
    )


@pytest.mark.parametrize(
    ("remaining", "text"),
    [
        (Outcome.SUPPORTED, "It holds as well where others than the 360 might have been drawn."),
        (
            Outcome.INCONCLUSIVE,
            "Where others than the 360 might have been drawn, it is INCONCLUSIVE.",
        ),
        (None, "Others are not covered."),
    ],
)
def test_what_remains_where_other_samples_might_have_been_drawn_is_told(
    covered, edited, remaining, text
):
    spread = SampleSpreadRecord(n_samples=360, sd=2.0)
    contrasts = (covered.contrasts[0].model_copy(update={"sample_spread": spread}),)
    entry = covered.model_copy(update={"over_samples": remaining, "contrasts": contrasts})
    assert coverage_lines(entry)[1].endswith(text)
    audit = edited(entries=(entry,))
    assert text in render_html(audit)
    assert text in render_markdown(audit).replace("\\", "")
    (row,) = csv.DictReader(io.StringIO(spreadsheet(index_of(audit).counted)))
    assert row["over_samples"] == (remaining or "")


def test_the_interval_over_seeds_and_samples_stands_beside_that_over_seeds(covered, edited):
    first, *others = covered.contrasts
    wider = first.model_copy(update={"over_samples": (-0.2, 1.8)})
    entry = covered.model_copy(update={"contrasts": (wider, *others)})
    shown = "[−0.2, 1.8] where other samples might have been drawn"
    assert shown in render_html(edited(entries=(entry,)))
    assert "where other samples" not in render_html(edited(entries=(covered,)))


def test_an_entry_of_an_older_audit_covers_what_nobody_knows(covered):
    assert coverage_lines(covered.model_copy(update={"coverage": None})) == ()


def test_page_and_summary_show_it(covered, edited):
    audit = edited(entries=(covered,))
    page = render_html(audit)
    assert "<dt>Covers</dt><dd>None of 15 trainings in 5 seeds" in page
    assert "inside [91.0, 93.0]" in page
    assert "outside [93.0, 95.0]" in page
    summary = render_markdown(audit)
    assert "## What the verdicts cover" in summary
    assert "None of 15 trainings in 5 seeds diverged" in summary


def test_a_page_without_it_has_no_empty_place(covered, edited):
    bare = covered.model_copy(update={"coverage": None, "comparisons": ()})
    audit = edited(entries=(bare,))
    assert "<dt>Covers</dt>" not in render_html(audit)
    assert "What the verdicts cover" not in render_markdown(audit)


def test_the_auditor_sums_up_failed_trainings(covered, edited, example_audit):
    run = example_audit.runs[0].model_copy(
        update={"status": "finished", "test_accuracy": 95.0, "tested": 360, "guessing": 10.0}
    )
    guesser = run.model_copy(update={"fingerprint": "g", "test_accuracy": 10.0})

    def told(entry, *runs):
        of_audit = findings(index_of(edited(entries=(entry,), runs=runs)))
        (line,) = (text(each.spans) for each in of_audit if each.topic == "Failed trainings")
        return line.replace(THIN, " ")

    assert told(covered, run) == (
        "None of 1 training diverged or collapsed to guessing: with 5 seeds, one may all the same "
        "in up to 45 % of seeds (95 % upper bound)."
    )
    unknown = run.model_copy(update={"fingerprint": "u", "test_accuracy": None})
    partly = covered.model_copy(update={"coverage": SEED.model_copy(update={"untested": 1})})
    assert told(partly, run, unknown) == (
        "None of 2 trainings is known to have diverged or collapsed to guessing: one may all the "
        "same in up to 45 % of seeds (95 % upper bound). Whether 1 of them collapsed was not "
        "measured, so their seeds have no part in that bound."
    )
    nothing = SEED.model_copy(update={"untested": 1, "most_failing": 1.0})
    assert told(covered.model_copy(update={"coverage": nothing}), unknown) == (
        "None of 1 training is known to have diverged or collapsed to guessing. Whether 1 of them "
        "collapsed was not measured, so in how many seeds one may is not known."
    )
    failed = SEED.model_copy(update={"collapsed": 1, "failed_seeds": 1})
    assert told(covered.model_copy(update={"coverage": failed}), run, guesser) == (
        "Of 2 trainings, 0 diverged and 1 collapsed to guessing. 1 verdict rests on such "
        f"trainings: {index_of(edited(entries=(covered,))).items[0].label} in 1 of 5 seeds."
    )
    hopeless = guesser.model_copy(update={"fingerprint": "h", "guessing": None})
    assert told(covered, run, guesser, hopeless).startswith(
        "Of 3 trainings, 0 diverged and 1 collapsed to guessing. No"
    )
    broken = run.model_copy(
        update={"fingerprint": "b", "status": "diverged", "test_accuracy": None, "tested": None}
    )
    assert told(covered, run, guesser, broken) == (
        "Of 3 trainings, 1 diverged and 1 collapsed to guessing. No verdict rests on such "
        "trainings."
    )
    assert told(covered, run, guesser, unknown) == (
        "Of 3 trainings, 0 diverged and 1 collapsed to guessing. Whether 1 of them collapsed was "
        "not measured. No verdict rests on such trainings."
    )


def test_the_look_that_a_sequential_audit_was_at_is_told(covered):
    seeds = len(covered.contrasts[0].seeds)
    entry = covered.model_copy(update={"design": "sequential"})
    assert any("Seeds are added" in line for line in coverage_lines(entry))
    line = next(line for line in coverage_lines(entry) if line.startswith("Seeds are added"))
    assert line.replace(THIN, " ") == (
        f"Seeds are added while it is open; this look, at {seeds} seeds, has 12.5 % of its part "
        "of the error rate."
    )
    assert not any("Seeds are added" in line for line in coverage_lines(covered))
