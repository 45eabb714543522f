"""What a verdict covers: failed trainings, the paper's own number, trainings counted twice."""

import json

import pytest
from judged_audits import RECIPE, audit, judge_of, judged, record

from tic.audit.repeated import leave_repetitions_open
from tic.document.audit import Scope
from tic.document.coverage import has_collapsed, with_coverage, with_former_bound
from tic.document.loading import load_audit
from tic.document.seal import digest, sealed
from tic.errors import TicError
from tic.exchange.diff import diff_audits
from tic.exchange.merge import merge
from tic.exchange.verify_audit import verify_document
from tic.stats import Outcome, above

PAPER = Scope(level="paper", differences=())
SMOKE = Scope(level="smoke", differences=("epochs: 2 instead of 300",))


def run(seed, accuracy=90.0, **changes):
    """A Run with weights of its own, tested on 360 images of which a tenth are of one class."""
    fields = {"test_accuracy": accuracy, "tested": 360, "guessing": 10.0, "weights": f"w{seed}"}
    return record(seed, **fields | changes)


def diverged(seed):
    return run(seed, None, status="diverged", train_loss=None, weights=None)


def claim(records, **fields):
    seeds = tuple(dict.fromkeys(each.seed for each in records))
    judge = judge_of(seeds)
    values = [1.0 + seed for seed in range(len(seeds))]
    judge(values, above(0), name="gap")
    judge.compare("inside", "Table 1", unit="%", reported=6.9, measured=values)
    judge.compare("outside", "Table 1", unit="%", reported=7.0, measured=values)
    judge.compare("by a clock", "Table 1", unit="s", reported=7.0, measured=values, timed=True)
    judge.compare("a single one", "Table 1", unit="%", reported=7.0, measured=4.0)
    entry = judged("claim", judge, records, **fields)
    return with_coverage(entry, {each.fingerprint: each for each in records})


def test_a_further_seed_is_foretold_where_there_is_one_number_per_seed():
    judge = judge_of((0, 1, 2))
    judge([1.0, 2.0, 3.0], above(0), name="gap")
    numbers = {"by seed": [91.0, 92.0, 93.0], "by class": [91.0, 92.0, 93.0, 94.0], "one": 92.0}
    for name, measured in numbers.items():
        judge.compare(name, "Table 1", unit="%", reported=7.0, measured=measured)
    records = [run(seed) for seed in range(3)]
    entry = judged("claim", judge, records, scope=PAPER)
    by_seed, *others = with_coverage(entry, {r.fingerprint: r for r in records}).comparisons
    assert by_seed.prediction == pytest.approx((87.03, 96.97), abs=0.005)
    assert [other.prediction for other in others] == [None, None]


def of(records, **fields):
    return audit([claim(records, **fields)], records)


def faults(judged_audit):
    return [fault for each in verify_document(judged_audit) for fault in each.faults]


@pytest.mark.parametrize(("correct", "collapsed"), [(36, True), (55, True), (56, False)])
def test_a_training_that_guesses_has_collapsed(correct, collapsed):
    # See tests/stats/test_proportions.py for the numbers.
    assert has_collapsed(run(0, 100 * correct / 360)) is collapsed


def test_of_a_training_that_nobody_tested_it_is_not_known():
    assert has_collapsed(run(0, None)) is None
    assert has_collapsed(record(0)) is None  # of an older audit, which kept no number of images


def test_a_training_that_could_learn_nothing_but_guessing_has_not_collapsed():
    assert has_collapsed(run(0, 10.0)) is True
    assert has_collapsed(run(0, 10.0, guessing=None)) is False


def test_failed_trainings_are_counted_and_a_seed_fails_once():
    other = RECIPE.but(epochs=3)
    records = [
        run(0), run(1, 10.0), diverged(2), run(3, None),
        run(1, 9.0, recipe=other), run(4, recipe=other),
    ]  # fmt: skip
    coverage = claim(records).coverage
    assert (coverage.trainings, coverage.diverged, coverage.collapsed) == (6, 1, 2)
    assert (coverage.untested, coverage.seeds, coverage.failed_seeds) == (1, 5, 2)
    # Of seed 3 it is not known. P(at most 2 of 4) = 5 % at p: 4 p^3 q + p^4 = 95 %.
    p = coverage.most_failing
    assert 4 * p**3 * (1 - p) + p**4 == pytest.approx(0.95)


def test_a_seed_of_which_nobody_knows_whether_it_failed_is_no_trial():
    other = RECIPE.but(epochs=3)
    healthy = [run(seed) for seed in range(3)]
    untested = [run(seed, None) for seed in range(3, 6)]
    coverage = claim([*healthy, *untested]).coverage
    assert (coverage.untested, coverage.seeds) == (3, 6)
    assert coverage.most_failing == pytest.approx(1 - 0.05 ** (1 / 3))
    # With another training of it that failed, a seed is known to have failed.
    more = claim([*healthy, *untested, run(3, 10.0, recipe=other)]).coverage
    assert (more.seeds, more.failed_seeds) == (6, 1)
    q = 1 - more.most_failing
    assert q**4 + 4 * (1 - q) * q**3 == pytest.approx(0.05)


def test_where_nobody_tested_any_training_there_is_no_bound():
    coverage = claim([run(seed, None) for seed in range(3)]).coverage
    assert (coverage.untested, coverage.failed_seeds, coverage.most_failing) == (3, 0, 1.0)
    assert not coverage.bounded
    assert claim([run(seed) for seed in range(3)]).coverage.bounded
    assert claim([diverged(seed) for seed in range(3)]).coverage.bounded


def test_audits_that_counted_untested_seeds_as_healthy_keep_their_bound():
    entry = claim([run(seed, None) for seed in range(3)])
    for bound, kept in ((1 - 0.05 ** (1 / 3), True), (0.6, False)):
        recorded = entry.coverage.model_copy(update={"most_failing": bound})
        again = with_former_bound(entry, recorded).coverage
        assert (again.most_failing == bound) is kept
    tested = claim([run(seed, 90.0) for seed in range(3)])
    other = tested.coverage.model_copy(update={"failed_seeds": 1, "most_failing": 0.8646})
    assert with_former_bound(tested, other) == tested


@pytest.mark.parametrize(("bound", "verifies"), [(1 - 0.05 ** (1 / 3), True), (0.6, False)])
def test_such_an_audit_verifies_as_it_stands(bound, verifies):
    made = of([run(seed, None) for seed in range(3)], scope=PAPER)
    (entry,) = made.entries
    coverage = entry.coverage.model_copy(update={"most_failing": bound})
    former = made.model_copy(
        update={"entries": (entry.model_copy(update={"coverage": coverage}),), "seal": None}
    )
    assert (faults(sealed(former)) == []) is verifies


def test_where_none_failed_the_bound_says_how_little_that_means():
    assert claim([run(seed) for seed in range(3)]).coverage.most_failing == pytest.approx(
        1 - 0.05 ** (1 / 3)
    )


def test_an_entry_without_runs_and_a_control_cover_nothing():
    assert claim([run(0)], role="control").coverage is None
    judge = judge_of(())
    judge([1.0], above(0), name="sum", exact=True)
    assert with_coverage(judged("sum", judge), {}).coverage is None


def test_in_the_papers_setting_it_is_asked_whether_its_number_reproduces():
    # Of 1, 2, 3 a further one lies within 2 ± 4.968.
    comparisons = claim([run(seed) for seed in range(3)], scope=PAPER).comparisons
    assert [each.reproduces for each in comparisons] == [True, False, None, None]
    assert comparisons[0].prediction == pytest.approx((-2.968276, 6.968276))


def test_in_another_setting_numbers_are_not_of_one_kind():
    comparisons = claim([run(seed) for seed in range(3)], scope=SMOKE).comparisons
    assert {each.reproduces for each in comparisons} == {None}


def test_an_audit_is_verified_with_what_it_covers():
    made = of([run(0), run(1, 10.0), run(2)], scope=PAPER)
    assert faults(made) == []
    (entry,) = made.entries
    hidden = entry.coverage.model_copy(update={"collapsed": 0, "failed_seeds": 0})
    other = made.model_copy(
        update={"entries": (entry.model_copy(update={"coverage": hidden}),), "seal": None}
    )
    told = " ".join(faults(sealed(other)))
    assert "coverage.collapsed is 0, and 1 when judged again" in told
    moved = entry.comparisons[0].model_copy(update={"prediction": (0.0, 1.0)})
    comparisons = (moved, *entry.comparisons[1:])
    other = made.model_copy(
        update={"entries": (entry.model_copy(update={"comparisons": comparisons}),), "seal": None}
    )
    assert "comparisons 1.prediction 1 is 0.0" in " ".join(faults(sealed(other)))


def test_merged_audits_cover_the_trainings_of_all():
    parts = [
        of([run(0), run(1, 10.0), run(2)], scope=PAPER),
        of([run(3), run(4), run(5)], scope=PAPER),
    ]
    merged = merge(parts)
    (entry,) = merged.entries
    assert (entry.coverage.trainings, entry.coverage.seeds) == (6, 6)
    assert (entry.coverage.collapsed, entry.coverage.failed_seeds) == (1, 1)
    assert entry.comparisons[0].prediction is not None
    assert faults(merged) == []


def former(made):
    """The audit as schema 5 had it."""
    document = made.model_dump(mode="json")
    for entry in document["entries"]:
        del entry["coverage"], entry["samples"]
        for contrast in entry["contrasts"]:
            del contrast["rate"], contrast["resolution"], contrast["pilot"]
        for comparison in entry["comparisons"]:
            del comparison["prediction"]
    for each in document["runs"]:
        del each["tested"], each["guessing"], each["weights"]
    document["schema_version"] = 5
    document["seal"] = digest(document)
    return document


@pytest.fixture
def older(tmp_path):
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(former(of([run(seed) for seed in range(3)], scope=PAPER))))
    return load_audit(path)


def test_an_audit_of_schema_5_verifies_compares_and_merges(older):
    assert older.entries[0].coverage is None
    assert faults(older) == []
    assert diff_audits(older, of([run(seed) for seed in range(3)], scope=PAPER)).empty
    merged = merge([older, of([run(seed) for seed in range(3, 6)], scope=PAPER)])
    assert merged.entries[0].coverage is None
    assert faults(merged) == []


def test_an_audit_of_schema_6_had_no_pilots(tmp_path):
    made = of([run(seed) for seed in range(3)], scope=PAPER)
    document = made.model_dump(mode="json")
    for entry in document["entries"]:
        for contrast in entry["contrasts"]:
            del contrast["pilot"]
    document["schema_version"] = 6
    document["seal"] = digest(document)
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(document))
    older = load_audit(path)
    assert older.entries == made.entries
    assert faults(older) == []


def test_a_training_under_two_names_is_not_merged():
    parts = [of([run(seed) for seed in seeds]) for seeds in ((0, 1, 2), (3, 4))]
    copy = of([run(3), run(4, weights="w1")])
    assert merge(parts).entries[0].coverage.seeds == 5
    with pytest.raises(TicError, match="must have different weights to be two seeds, got the same"):
        merge([parts[0], copy])


def test_the_same_seed_elsewhere_is_told_from_a_repetition():
    first = of([run(seed) for seed in range(3)])
    with pytest.raises(TicError, match="a seed counts once"):
        merge([first, first])
    elsewhere = of([run(seed, weights=f"other{seed}") for seed in range(3)])
    with pytest.raises(TicError, match=r"got other weights .* as good as another seed"):
        merge([first, elsewhere])


class Weighed:
    """Runs of which only the weights are known."""

    def __init__(self, *weights):
        self.seeds = tuple(range(len(weights)))
        self._weights = weights

    def weights(self):
        return self._weights


def test_seeds_with_equal_weights_leave_a_claim_open_though_numbers_differ():
    judge = judge_of((0, 1, 2, 3, 4))
    judge([1.0, 1.0, 1.0, 1.0, 1.2], above(0), name="gap")
    assert judge.verdict().outcome is Outcome.SUPPORTED
    leave_repetitions_open(judge, {"one": Weighed(*"abcde"), "other": Weighed(*"aaaae")})
    assert judge.verdict().outcome is Outcome.INCONCLUSIVE
    assert judge.left_open == [
        "seeds 0, 1, 2, 3 have the same weights in 1 of 2 trainings: they are one seed that is "
        "counted several times"
    ]


def test_trainings_without_weights_are_no_copies():
    judge = judge_of((0, 1, 2))
    judge([1.0, 2.0, 1.5], above(0), name="gap")
    leave_repetitions_open(judge, {"": Weighed(None, None, "a")})
    assert judge.left_open == []


@pytest.mark.parametrize(("effects", "is_open"), [([1, 1, 1], True), ([1, 2, 3], False)])
def test_of_planted_copies_a_test_that_looks_at_them_is_left_open(effects, is_open):
    judge = judge_of((0, 1, 2))
    judge(effects, above(0), name="gap")
    leave_repetitions_open(judge, {"": Weighed(*"aaa")}, planted=True)
    assert bool(judge.left_open) is is_open
