"""`tic merge`: audits of other seeds become one, as if all seeds had been in it."""

from itertools import permutations

import pytest
from entries import entry as entry_of
from hypothesis import given
from hypothesis import strategies as st
from judged_audits import DIGEST, RECIPE, audit, judge_of, judged, provenance, record

from tic.audit.exhibits import curves
from tic.document.audit import ControlRecord, Scope
from tic.document.deciding import rejudge
from tic.document.figures import Bars, HeatMap, Histogram, Images, Panel
from tic.document.former_correction import correct_by_holm
from tic.document.seal import sealed
from tic.errors import TicError
from tic.exchange.merge import merge
from tic.exchange.pooling_seeds import SeedOrder
from tic.exchange.verify_audit import verify_document
from tic.models import Spiking
from tic.pruning import Pruning
from tic.stats import Outcome, above, within

NUMBERS = st.floats(-100, 100).map(lambda number: round(number, 6))


def claim(seeds, values, name="claim", recipe=RECIPE, **fields):
    """An entry and its Runs, of numbers that follow from one value per seed."""
    judge = judge_of(seeds)
    judge(values, above(0), name="gap", unit="pp")
    judge([2.5], within(0, 3), name="arithmetic", exact=True)
    judge.trend([[v, 2 * v, 1.0] for v in values], direction="increasing", name="rise")
    judge.compare("accuracy", "Table 1", unit="%", reported=90.0, measured=values)
    judge.check("learned", "The networks learned.", f"{len(seeds)} seeds", holds=True, needed=True)
    judge.worst_case("PGD", values, [v - 2 for v in values], reported=None)
    judge.table(
        "Drops", "Drop.", unit="pp", columns=["clean"], rows=[("all", "low", [list(values)])]
    )
    judge.note("A note.")
    records = tuple(record(seed, recipe) for seed in seeds)
    return judged(name, judge, records, **fields), records


def of(seeds, values, **fields):
    entry, records = claim(seeds, values, **fields)
    return audit([entry], records)


@given(
    values=st.lists(NUMBERS, min_size=3, max_size=8),
    first=st.integers(1, 7),
    shuffled=st.booleans(),
)
def test_merging_gives_what_one_audit_of_all_seeds_gives(values, first, shuffled):
    first = min(first, len(values) - 1)
    seeds = tuple(range(len(values)))
    parts = [of(seeds[:first], values[:first]), of(seeds[first:], values[first:])]
    (pooled,) = merge(parts[::-1] if shuffled else parts).entries
    (whole,) = of(seeds, values, design="sequential").entries
    for name in ("contrasts", "outcome", "own_outcome", "reason", "p_value", "sensitivity"):
        assert getattr(pooled, name) == getattr(whole, name), name
    assert pooled.comparisons == whole.comparisons
    assert pooled.tables == whole.tables
    assert pooled.worst_cases == whole.worst_cases
    assert set(pooled.runs) == set(whole.runs)


def test_what_was_merged_verifies_and_names_its_sources():
    parts = [of((0, 1, 2), [1.0, 2.0, 3.0]), of((3, 4), [2.5, 1.5])]
    found = merge(parts)
    assert not [fault for each in verify_document(found) for fault in each.faults]
    assert found.provenance.merged == tuple(part.seal for part in parts)
    assert found.entries[0].notes == ("A note.", "Pooled from audits of seeds 0, 1, 2 and 3, 4.")
    assert len(found.runs) == 5


def test_readings_are_pooled_and_contradict_each_other_anew():
    def read(seeds, values, **fields):
        judge = judge_of(seeds)
        for name, sign in (("empirical", 1), ("exact", -1)):
            other = judge_of(seeds)
            other([sign * value for value in values], above(0), name="fall")
            judge.record_reading({"estimator": name}, other)
        judge.readings_contradict()
        records = tuple(record(seed) for seed in seeds)
        return audit([judged("rival", judge, records, **fields)], records)

    parts = [read((0, 1), [4.0, 5.0]), read((2, 3), [6.0, 5.5])]
    assert [part.entries[0].outcome for part in parts] == [Outcome.INCONCLUSIVE] * 2
    (pooled,) = merge(parts).entries
    (whole,) = read((0, 1, 2, 3), [4.0, 5.0, 6.0, 5.5], design="sequential").entries
    assert pooled.outcome is Outcome.SUPPORTED
    assert pooled.readings == whole.readings
    assert pooled.contrasts == whole.contrasts
    assert pooled.left_open == ()


def test_a_check_that_failed_in_one_audit_fails_in_all():
    def checked(seeds, holds):
        judge = judge_of(seeds)
        judge([4.0, 5.0, 6.0], above(0), name="gap")
        judge.check("learned", "They learned.", f"seeds {seeds}", holds=holds, needed=True)
        records = tuple(record(seed) for seed in seeds)
        return audit([judged("claim", judge, records)], records)

    (pooled,) = merge([checked((0, 1, 2), True), checked((3, 4, 5), False)]).entries
    assert pooled.outcome is Outcome.INCONCLUSIVE
    assert pooled.checks[0].found == "seeds (0, 1, 2); seeds (3, 4, 5)"


def left_open_by(seeds, *reasons, read):
    """An audit of a claim, or of its one reading, that leaves open what it names."""
    judge, other = judge_of(seeds), judge_of(seeds)
    for recorded in (judge, other):
        recorded([4.0, 5.0, 6.0], above(0), name="gap")
    for reason in reasons:
        (other if read else judge).leave_open(reason)
    if read:
        judge.record_reading({"estimator": "one"}, other)
    records = tuple(record(seed) for seed in seeds)
    return audit([judged("claim", judge, records)], records)


@pytest.mark.parametrize("read", [False, True], ids=["claim", "reading"])
def test_what_one_audit_leaves_open_stays_open(read):
    parts = [left_open_by((0, 1, 2), read=read), left_open_by((3, 4, 5), "No peak.", read=read)]
    for ordered in permutations(parts):
        (pooled,) = merge(ordered).entries
        judged_parts = pooled.readings if read else (pooled,)
        assert [part.left_open for part in judged_parts] == [("No peak.",)]
        assert [part.outcome for part in judged_parts] == [Outcome.INCONCLUSIVE]


def test_figures_stand_side_by_side():
    def drawn(seeds):
        judge = judge_of(seeds)
        judge([4.0, 5.0], above(0), name="gap")
        series = curves("I_t", [1, 2], [[1, 2]])
        judge.figure("Fig", "Caption", Panel(title="", x_label="", y_label="", series=(series,)))
        records = tuple(record(seed) for seed in seeds)
        return audit([judged("claim", judge, records)], records)

    (pooled,) = merge([drawn((0, 1)), drawn((2, 3))]).entries
    assert [figure.title for figure in pooled.figures] == ["Fig, seeds 0, 1", "Fig, seeds 2, 3"]


def drawn_parts(seeds, *parts):
    judge = judge_of(seeds)
    judge([4.0 + seed for seed in range(len(seeds))], above(0), name="gap")
    judge.figure("Fig", "Caption", *parts)
    records = tuple(record(seed) for seed in seeds)
    return audit([judged("claim", judge, records)], records)


def per_seed(seeds, **changes):
    """Parts of a figure with one number per seed, and counts over them."""
    count = len(seeds)
    series = curves("I_t", [1, 2], [[seed, 2] for seed in seeds])
    parts = (
        Panel(title="", x_label="", y_label="", series=(series,)),
        HeatMap(
            title="", x_label="", y_label="", scale_label="", columns=(1,), rows=("a",),
            values=tuple(((seed,),) for seed in seeds),
        ),
        Bars(
            title="", scale_label="", groups=("g",), bars=("b",), reported=((1.0,),),
            values=tuple(((seed,),) for seed in seeds),
        ),
        Histogram(
            title="", x_label="", edges=(0, 1, 2), series=("a",), counts=((count, 2 * count),)
        ),
        Images(title="", scale_label="", names=("a",), images=(((0.5,),),)),
    )  # fmt: skip
    return [part.model_copy(update=changes.get(part.kind, {})) for part in parts]


def test_figures_with_a_number_per_seed_are_pooled_and_counts_are_added():
    pair = [drawn_parts(seeds, *per_seed(seeds)) for seeds in ((0, 1), (2, 3, 4))]
    (figure,) = merge(pair).entries[0].figures
    assert figure == drawn_parts((0, 1), *per_seed((0, 1, 2, 3, 4))).entries[0].figures[0]


@pytest.mark.parametrize("seeds", [((3, 4, 5), (0, 1, 2)), ((0, 2, 4), (1, 3, 5)), ((2, 0), (1,))])
def test_whatever_has_one_number_per_seed_is_in_the_order_of_the_seeds(seeds):
    def number(seed):
        return 1.5 + seed % 3 + 0.25 * seed

    parts = [of(some, [number(seed) for seed in some]) for some in seeds]
    ascending = sorted(sum(seeds, ()))
    expected = tuple(map(number, ascending))
    (pooled,) = merge(parts).entries
    assert pooled.contrasts[0].seeds == tuple(ascending)
    assert pooled.contrasts[0].effects == expected
    assert pooled.contrasts[2].trend.samples == tuple((n, 2 * n, 1.0) for n in expected)
    assert pooled.comparisons[0].measured == expected
    assert pooled.tables[0].rows[0].values == (expected,)
    assert pooled.worst_cases[0].attacked == expected
    assert pooled.worst_cases[0].worst == tuple(n - 2 for n in expected)
    drawn = merge([drawn_parts(some, *per_seed(some)) for some in seeds]).entries[0].figures
    whole = drawn_parts(ascending, *per_seed(ascending)).entries[0].figures
    assert drawn == whole


def test_what_is_not_one_number_per_seed_is_joined_in_the_order_of_the_audits():
    order = SeedOrder.of([(3, 4), (0, 1)])
    assert order.joined([("a", "b"), ("c", "d")]) == ("c", "d", "a", "b")
    assert order.joined([("a",), ("c",)]) == ("a", "c")
    assert SeedOrder.of([(), ()]).joined([("a",), ("c",)]) == ("a", "c")


@pytest.mark.parametrize(
    "changes",
    [
        {"curves": {"x_label": "other"}},
        {"curves": {"series": (curves("I_t", [1, 3], [[0, 0]] * 3),)}},
        {"curves": {"series": (curves("I_t", [1, 2], [[0, 0]] * 3, marker=1.0),)}},
        {"curves": {"series": (curves("I_t", [1, 2], [[0, 0]]),)}},
        {"curves": {"series": ()}},
        {"heat_map": {"rows": ("b",)}},
        {"heat_map": {"values": (((1.0,),),)}},
        {"bars": {"reported": ((2.0,),)}},
        {"histogram": {"edges": (0.0, 1.0, 3.0)}},
        {"images": {"images": (((0.25,),),)}},
    ],
)
def test_figures_that_differ_in_more_than_their_seeds_stand_side_by_side(changes):
    pair = [
        drawn_parts((0, 1), *per_seed((0, 1))),
        drawn_parts((2, 3, 4), *per_seed((2, 3, 4), **changes)),
    ]
    figures = merge(pair).entries[0].figures
    assert [figure.title for figure in figures] == ["Fig, seeds 0, 1", "Fig, seeds 2, 3, 4"]
    assert figures[1].panels == pair[1].entries[0].figures[0].panels


def test_other_numbers_of_figures_or_of_their_parts_stand_side_by_side():
    parts = per_seed((2, 3))
    pair = [drawn_parts((0, 1), *per_seed((0, 1))), drawn_parts((2, 3), *parts[:2])]
    assert len(merge(pair).entries[0].figures) == 2
    pair = [drawn_parts((0, 1), *per_seed((0, 1))[:2]), drawn_parts((2, 3), *parts[1::-1])]
    assert len(merge(pair).entries[0].figures) == 2


def three_seeds(name, effects, **options):
    judge = judge_of((0, 1, 2))
    judge(effects, above(0), name="gap")
    records = tuple(record(seed) for seed in (0, 1, 2))
    return audit([judged(name, judge, records)], records, **options)


def test_claims_of_one_audit_only_are_taken_as_they_are():
    # p = 0.0088: below a half of 0.025; and 0.018, which is not.
    parts = [three_seeds("a", [2.5, 3.0, 3.9], claims=2), three_seeds("b", [2, 3, 4], claims=2)]
    merged = merge(parts)
    assert merged.entries == parts[0].entries + parts[1].entries
    assert [entry.outcome for entry in merged.entries] == [Outcome.SUPPORTED, Outcome.INCONCLUSIVE]
    assert [entry.design for entry in merged.entries] == ["fixed", "fixed"]
    assert merged.multiplicity == parts[0].multiplicity


def test_to_pool_seeds_is_another_look_at_them():
    parts = [of((0, 1, 2), [2.0, 3.0, 4.0]), of((3, 4, 5), [2.0, 3.0, 4.0])]
    assert [part.entries[0].design for part in parts] == ["fixed"] * 2
    (pooled,) = merge(parts).entries
    assert pooled.design == "sequential"
    assert {contrast.confidence for contrast in pooled.contrasts if contrast.seeds} == {
        1 - 2 * 0.025 / 8
    }


def test_audits_in_which_another_number_of_claims_shares_the_error_rate_are_refused():
    with pytest.raises(
        TicError, match=r"as many claims of p must share .* got 1 with 0 rivals in number 1 and 3 "
    ):
        merge([three_seeds("a", [2, 3, 4]), three_seeds("b", [2, 3, 4], claims=3)])


def test_audits_of_another_rule_are_refused():
    ours = three_seeds("a", [2, 3, 4])
    entries, by_holm = correct_by_holm(ours.entries, 0.95)
    theirs = sealed(ours.model_copy(update={"entries": tuple(entries), "multiplicity": by_holm}))
    with pytest.raises(TicError, match=r"got Bonferroni at level 0\.025 in number 1 and Holm"):
        merge([ours, theirs])


def test_a_claim_that_failed_in_one_audit_is_not_judged():
    parts = [of((0, 1, 2), [1.0, 2.0, 3.0]), of((3, 4, 5), [1.0, 2.0, 3.0])]
    failed = parts[1].entries[0].model_copy(
        update={"outcome": Outcome.ERROR, "own_outcome": Outcome.ERROR, "contrasts": (),
                "reason": "no memory", "p_value": None, "sensitivity": None, "readings": (),
                "worst_cases": ()}
    )  # fmt: skip
    (pooled,) = merge([parts[0], audit([failed], parts[1].runs)]).entries
    assert (pooled.outcome, pooled.reason) == (Outcome.ERROR, "no memory")


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (of((2, 3), [1.0, 2.0]), "claim: a seed counts once, and 2 are in several"),
        (
            of((3, 4), [1.0, 2.0], version=2),
            "must have the same version in all audits, got 1 and 2",
        ),
        (
            of((3, 4), [1.0, 2.0], scope=Scope(level="reduced", differences=("T",))),
            r"same scope in all audits, got level 'paper', differences \(\) and level",
        ),
        (
            of((3, 4), [1.0, 2.0], recipe=RECIPE.but(architecture=Spiking("tiny", tau=3.0))),
            "the same Recipes in all audits",
        ),
    ],
    ids=["seed twice", "version", "scope", "recipe"],
)
def test_what_does_not_belong_together_is_refused(other, says):
    with pytest.raises(TicError, match=says):
        merge([of((0, 1, 2), [1.0, 2.0, 3.0]), other])


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("rule", "another"),
        ("says", "another"),
        ("source", "another"),
        ("threatens", ("claim",)),
        ("control", ControlRecord(name="planted", says="What was planted.")),
    ],
)
def test_entries_that_say_something_else_are_refused(field, other):
    with pytest.raises(TicError, match=f"claim must have the same {field} in all audits"):
        merge([of((0, 1), [1.0, 2.0]), of((2, 3), [1.0, 2.0], **{field: other})])


def evidence(seeds, gap=None, accuracy=None, reading=None):
    """An audit of a contrast, a comparison and, where it has fields, a reading."""
    values = [4.0 + seed for seed in seeds]
    judge, other = judge_of(seeds), judge_of(seeds)
    judge(values, above(0), **{"name": "gap", "unit": "pp"} | (gap or {}))
    compared = {"unit": "%", "reported": 90.0, "measured": values} | (accuracy or {})
    judge.compare("accuracy", "Table 1", **compared)
    if reading:
        other(values, above(0), name="gap")
        judge.record_reading({"estimator": "one"}, other, **reading)
    records = tuple(record(seed) for seed in seeds)
    return audit([judged("claim", judge, records)], records)


@pytest.mark.parametrize(
    ("piece", "field", "ours", "theirs"),
    [
        ("gap", "resolution", 0.25, 0.5),
        ("accuracy", "reported", 90.0, 80.0),
        ("reading", "release", False, True),
    ],
)
def test_evidence_that_means_something_else_is_refused(piece, field, ours, theirs):
    first = evidence((0, 1), **{piece: {field: ours}})
    assert merge([first, evidence((2, 3), **{piece: {field: ours}})]).completed
    with pytest.raises(TicError, match=f"the same evidence .* got {field} {ours} and {theirs}"):
        merge([first, evidence((2, 3), **{piece: {field: theirs}})])


def test_other_data_are_refused():
    first = of((0, 1), [1.0, 2.0])
    entry, records = claim((2, 3), [1.0, 2.0])
    moved = provenance(data_digests={"digits, 60 training images": "e" * 64})
    other = audit([], (), provenance=moved)
    with pytest.raises(TicError, match="rest on the same data"):
        merge([first, other])
    assert merge([first, audit([entry], records)]).completed


def test_other_contrasts_are_refused():
    def gap(seeds, name):
        judge = judge_of(seeds)
        judge([1.0, 2.0], above(0), name=name)
        records = tuple(record(seed) for seed in seeds)
        return audit([judged("claim", judge, records)], records)

    with pytest.raises(TicError, match="got name 'gap' and 'rise'"):
        merge([gap((0, 1), "gap"), gap((2, 3), "rise")])


def test_the_same_run_must_have_come_out_the_same():
    entry, _ = claim((0, 1), [1.0, 2.0], name="a")
    other, _ = claim((0, 1), [1.0, 2.0], name="b")
    moved = tuple(record(seed, train_loss=0.7) for seed in (0, 1))
    with pytest.raises(TicError, match=r"training losses 0\.5 and 0\.7"):
        merge([audit([entry], tuple(record(seed) for seed in (0, 1))), audit([other], moved)])


def test_an_audit_that_was_changed_is_refused():
    sound = of((0, 1), [1.0, 2.0])
    moved = of((2, 3), [1.0, 2.0]).model_copy(update={"seconds": 1.0})
    with pytest.raises(TicError, match="number 2 does not: the audit was changed"):
        merge([sound, moved])


def by_holm(part):
    entries, multiplicity = correct_by_holm(part.entries, 0.95)
    return sealed(part.model_copy(update={"entries": tuple(entries), "multiplicity": multiplicity}))


def of_other_data():
    return audit([], provenance=provenance(data_digests={"digits, 60 training images": "e" * 64}))


def formula(effect=0.0, measured=(20.0, 19.98), seconds=1.0, holds=True, low=-0.5, **fields):
    judge = judge_of(())
    judge([effect], within(low, 0.5), name="deviation", unit="pp", exact=True)
    judge.compare("saving", "Sec. 6", unit="%", reported=20.0, measured=measured)
    judge.compare("time", "Sec. 6", unit="s", reported=1.0, measured=[seconds], timed=True)
    judge.check("counted", "All was counted.", "all", holds=holds, needed=True)
    judge.table("Savings", "Saving.", unit="%", columns=["a"], rows=[("", "all", [[20.0]])])
    judge.note("Of the formula.")
    return audit([judged("saving", judge, **fields)])


def test_a_claim_that_rests_on_no_runs_is_taken_as_it_is():
    parts = [formula(), formula(seconds=2.0, design="sequential"), formula()]
    merged = merge(parts)
    assert merged.entries == parts[0].entries
    assert not [fault for each in verify_document(merged) for fault in each.faults]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"effect": 0.25}, r"got 0\.0 and 0\.25 for deviation\.effects\[0\]"),
        ({"low": -1.0}, r"got .* for deviation\.region"),
        ({"measured": (20.0, 20.5)}, r"got 19\.98 and 20\.5 for saving\[1\]"),
        ({"holds": False}, "got True and False for counted"),
    ],
    ids=["effect", "region", "measured", "check"],
)
def test_a_claim_that_rests_on_no_runs_must_be_the_same_in_all(other, says):
    for parts in permutations([formula(), formula(**other)]):
        with pytest.raises(TicError, match=r"number 1 and number 2: saving rests on no Runs, so "):
            merge(parts)
    with pytest.raises(TicError, match=says):
        merge([formula(), formula(**other)])


def test_an_exact_part_of_a_claim_must_be_the_same_in_all():
    def mixed(seeds, share):
        judge = judge_of(seeds)
        judge([1.0, 2.0], above(0), name="gap")
        judge([share], within(0, 3), name="share", exact=True)
        records = tuple(record(seed) for seed in seeds)
        return audit([judged("claim", judge, records)], records)

    assert merge([mixed((0, 1), 2.0), mixed((2, 3), 2.0)]).entries[0].contrasts[1].effects == (2.0,)
    with pytest.raises(TicError, match=r"claim: share must have the same .* \(2\.0\) and \(5\.0\)"):
        merge([mixed((0, 1), 2.0), mixed((2, 3), 5.0)])


def unjudged(outcome, reason="", **fields):
    return audit([entry_of("claim", outcome, reason=reason, **fields)])


@pytest.mark.parametrize(
    "control",
    [None, ControlRecord(name="planted", says="What was planted.")],
    ids=["claim", "control"],
)
def test_what_one_audit_did_not_run_takes_nothing_from_another(control):
    fields = {"role": "control", "control": control} if control else {}
    found = of((0, 1, 2), [1.0, 2.0, 3.0], **fields)
    blank = unjudged(Outcome.NOT_RUN, **fields)
    for parts in permutations([found, blank, blank]):
        merged = merge(parts)
        assert merged.entries == found.entries
        assert not [fault for each in verify_document(merged) for fault in each.faults]
    more = of((3, 4, 5), [1.0, 2.0, 3.0], **fields)
    (pooled,) = merge([found, more]).entries
    for parts in permutations([found, blank, more]):
        assert merge(parts).entries[0].contrasts == pooled.contrasts
    assert merge([blank, blank]).entries == blank.entries


def test_an_error_prevails_in_any_order_and_what_does_not_apply_over_verdicts():
    found = of((0, 1, 2), [1.0, 2.0, 3.0])
    failed = unjudged(Outcome.ERROR, "no memory")
    foreign = unjudged(Outcome.NOT_APPLICABLE, "never fires")
    blank = unjudged(Outcome.NOT_RUN)
    for parts in permutations([found, foreign, failed, blank]):
        assert merge(parts).entries == failed.entries
    for parts in permutations([found, foreign, blank]):
        assert merge(parts).entries == foreign.entries
    assert merge([blank, failed]).entries == merge([failed, blank]).entries == failed.entries


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (of((2, 3), [1.0, 2.0]).model_copy(update={"seconds": 1.0}), "b.json does not: the audit"),
        (of((2, 3), [1.0, 2.0]).model_copy(update={"seal": None}), "b.json does not: the audit mu"),
        (three_seeds("b", [2, 3, 4], claims=3), "in a.json and 3 with 0 in b.json"),
        (by_holm(three_seeds("b", [2, 3, 4])), "in a.json and Holm at level 0.025 in b.json"),
        (of_other_data(), f"{DIGEST} in a.json and {'e' * 64} in b.json"),
        (of((1, 2), [1.0, 2.0]), "a.json and b.json: claim: a seed counts once, and 1 are in"),
        (of((2, 3), [1.0, 2.0], version=2), "a.json and b.json: claim must have the same version"),
        (
            of((2, 3), [1.0, 2.0], recipe=RECIPE.but(architecture=Spiking("tiny", tau=3.0))),
            "a.json and b.json: claim must rest on the same Recipes",
        ),
        (audit([], (record(1, train_loss=0.7),)), f"a.json and b.json: {record(1).label} must"),
        (audit([], (record(1, weights="w"),)), "got other weights in b.json than in a.json. "),
        (audit([], (record(3, weights="w0"),)), "under two names (in a.json and b.json); leave"),
    ],
    ids=["changed", "without a seal", "families", "rule", "data", "seed twice", "version",
         "recipe", "run", "weights", "twins"],
)  # fmt: skip
def test_what_is_refused_names_the_audits_that_it_speaks_of(other, says):
    entry, _ = claim((0, 1), [1.0, 2.0])
    first = audit([entry], tuple(record(seed, weights=f"w{seed}") for seed in (0, 1)))
    with pytest.raises(TicError) as refused:
        merge([first, other], ["a.json", "b.json"])
    assert says in str(refused.value)


def test_what_is_refused_names_no_audit_that_it_does_not_speak_of():
    parts = [three_seeds("other", [2, 3, 4]), of((3, 4), [1.0, 2.0]), of((4, 5), [1.0, 2.0])]
    with pytest.raises(TicError, match=r"^b and c: claim: a seed counts once"):
        merge(parts, "abc")


def test_one_audit_is_no_merge():
    with pytest.raises(TicError, match="at least two audits, got 1"):
        merge([of((0, 1), [1.0, 2.0])])


def test_a_setting_that_differs_only_in_the_parent_is_another():
    pruned = RECIPE.but(parent=RECIPE, rules=(Pruning(0.5),))
    longer = RECIPE.but(parent=RECIPE.but(epochs=3), rules=(Pruning(0.5),))

    def with_parents(seeds, recipe):
        entry, records = claim(seeds, [1.0, 2.0], recipe=recipe)
        parents = tuple(record(seed, recipe.parent) for seed in seeds)
        return audit([entry], (*records, *parents))

    assert merge([with_parents((0, 1), pruned), with_parents((2, 3), pruned)]).completed
    with pytest.raises(TicError, match="the same Recipes"):
        merge([with_parents((0, 1), pruned), with_parents((2, 3), longer)])


def test_the_machines_of_all_are_told():
    entry, records = claim((0, 1), [1.0, 2.0])
    other, more = claim((2, 3), [1.0, 2.0])
    elsewhere = provenance(processor="two", git_dirty=None, accelerator="H200")
    found = merge([audit([entry], records), audit([other], more, provenance=elsewhere)]).provenance
    assert (found.processor, found.accelerator, found.git_dirty) == ("one and two", "H200", None)
    assert found.versions == {"tic-audit": "0.1.0", "torch": "2.9"}
    assert found.data_digests == {"digits, 60 training images": DIGEST}


def test_of_a_merge_all_must_be_complete_clean_and_of_one_commit():
    entry, records = claim((0, 1), [1.0, 2.0])
    other, more = claim((2, 3), [1.0, 2.0])
    dirty = provenance(git_commit="b" * 40, git_dirty=True)
    parts = [
        audit([entry], records, provenance=provenance(git_commit="a" * 40)),
        audit([other], more, provenance=dirty, completed=False),
    ]
    for ordered in permutations(parts):
        merged = merge(ordered)
        made_with = merged.provenance
        assert (merged.completed, made_with.git_dirty, made_with.git_commit) == (False, True, None)


def test_the_measurements_that_two_audits_asked_of_one_run_are_listed_together():
    audits = []
    for name, measurements in (
        ("a", {"x.json": "1", "y.json": "2"}),
        ("b", {"y.json": "2", "z.json": "3"}),
    ):
        entry, _ = claim((0, 1), [1.0, 2.0], name=name)
        records = tuple(record(seed, measurements=measurements) for seed in (0, 1))
        audits.append(audit([entry], records))
    every = {"x.json": "1", "y.json": "2", "z.json": "3"}
    assert [run.measurements for run in merge(audits).runs] == [every, every]


def test_a_measurement_that_came_out_in_two_ways_is_refused():
    audits = []
    for name, digest in (("a", "1"), ("b", "2")):
        entry, _ = claim((0, 1), [1.0, 2.0], name=name)
        records = tuple(record(seed, measurements={"x.json": digest}) for seed in (0, 1))
        audits.append(audit([entry], records))
    with pytest.raises(TicError, match=r"the same in all audits, got x\.json 1 and 2"):
        merge(audits)


def test_a_run_that_one_audit_did_not_train_is_taken_from_the_other():
    entry, records = claim((0, 1), [1.0, 2.0])
    missing = tuple(
        record(seed, status="missing", manifest=None, train_loss=None) for seed in (0, 1)
    )
    both = [audit([], missing), audit([entry], records)]
    for parts in (both, both[::-1]):
        assert {run.label: run for run in merge(parts).runs} == {run.label: run for run in records}


def test_code_that_changed_for_any_audit_changed_for_their_merge():
    parts = [of((0, 1), (1.0, 2.0)), of((2, 3), (1.5, 2.5))]
    changed = [
        sealed(part.model_copy(update={"changed_code": (kind,)}))
        for part, kind in zip(parts, ("b:Net", "a:Net"), strict=True)
    ]
    assert merge(changed).changed_code == ("a:Net", "b:Net")


def test_audits_whose_designs_gave_them_other_confidences_are_pooled():
    def read(seeds, values, **fields):
        judge = judge_of(seeds)
        judge(values, above(0), name="gap")
        other = judge_of(seeds)
        other(values, above(0), name="fall")
        judge.record_reading({"estimator": "one"}, other)
        records = tuple(record(seed) for seed in seeds)
        return audit([judged("claim", judge, records, **fields)], records)

    fixed, sequential = read((0, 1), [4.0, 5.0]), read((2, 3), [6.0, 5.5], design="sequential")
    levels = {part.entries[0].contrasts[0].confidence for part in (fixed, sequential)}
    assert len(levels) == 2
    (pooled,) = merge([fixed, sequential]).entries
    (whole,) = read((0, 1, 2, 3), [4.0, 5.0, 6.0, 5.5], design="sequential").entries
    assert (pooled.contrasts, pooled.readings) == (whole.contrasts, whole.readings)


def test_by_the_former_rule_all_must_have_had_one_confidence():
    def formerly(part, confidence):
        again = [rejudge(entry, confidence) for entry in part.entries]
        entries, by_holm = correct_by_holm(again, 0.95)
        changed = {"entries": tuple(entries), "multiplicity": by_holm}
        return sealed(part.model_copy(update=changed))

    parts = [of((0, 1, 2), [4.0, 5.0, 6.0]), of((3, 4), [6.0, 5.5])]
    assert merge([formerly(part, 0.95) for part in parts]).entries[0].outcome
    with pytest.raises(TicError, match=r"got confidence 0\.95 and 0\.9; only audits of the same"):
        merge([formerly(parts[0], 0.95), formerly(parts[1], 0.9)])
