"""Budgets: how they are read, how seeds are added, what comes first."""

import json
import math
from dataclasses import replace
from functools import partial

import pytest

from tests.audit.entries import contrast, judged
from tic.attacks import PGD
from tic.audit import Control, Pack, Paper, Protocol, Setting
from tic.audit.claims import Claim, Rival
from tic.data import Digits
from tic.document.audit import Scope
from tic.document.evidence import Effects, RegionRecord
from tic.engine.job import Job
from tic.engine.plan import with_ancestors, work
from tic.errors import TicError
from tic.lab import Lab
from tic.measure.robustness import AccuracyMeasurement
from tic.models import Spiking
from tic.plugin.spending import _urgency
from tic.recipe import Recipe
from tic.session import budget, pilots
from tic.session.agenda import UNTOLD, Agenda, chances_foreseen
from tic.session.budget import (
    IDLE_RIVAL,
    RIVAL,
    Bill,
    Rest,
    Share,
    best_share,
    measuring_foreseen,
    paid_for,
    read_budget,
    timed,
    wanted_seeds,
    worth,
)
from tic.session.pilots import EntryPilot, pilot_key
from tic.session.planned import PlannedEntry
from tic.session.session import AuditSession
from tic.stats import Outcome
from tic.stats.looks import LOOKS
from tic.stats.outlook import POWER

RECIPE = Recipe(dataset=Digits(), architecture=Spiking("tiny"), train_size=60, timesteps=2)
SETTING = Setting(RECIPE, seeds=(3, 1))
PAPER = Paper(key="other2024", title="T", authors="A", venue="V", year=2024, url="u")
PACK = Pack(PAPER, {"tiny": SETTING}, original="tiny", default="tiny")
WORLD = Control("nothing", "Nothing was planted.")


@pytest.mark.parametrize(
    ("text", "seconds", "trainings"),
    [
        ("90s", 90, None), ("15min", 900, None), ("1.5h", 5400, None), ("2 d", 172800, None),
        ("300", None, 300), ("1 training", None, 1), ("12 trainings", None, 12),
    ],
)  # fmt: skip
def test_a_budget_is_a_duration_or_a_number_of_trainings(text, seconds, trainings):
    read = read_budget(text)
    assert (read.seconds, read.trainings) == (seconds, trainings)


@pytest.mark.parametrize(
    "text", ["", "-5", "-5min", "15m", "1h30", "ten", "1e3", "nan", "inf h", "٣min", "5 hours", "h"]
)
def test_other_texts_are_refused_with_the_way_out(text):
    with pytest.raises(TicError, match="a duration in s, min, h or d, such as 15min, or a number"):
        read_budget(text)


@pytest.mark.parametrize("text", ["0", "1.5", "999999999"])
def test_a_number_of_trainings_is_whole_and_positive(text):
    with pytest.raises(TicError, match="a whole number of trainings from 1 to 10,000,000"):
        read_budget(text)


@pytest.mark.parametrize("text", ["0s", "0.5s", "0min", "367d", "9999h"])
def test_a_duration_lasts_from_a_second_to_a_year(text):
    with pytest.raises(TicError, match="must last from 1 s to 366 d, got"):
        read_budget(text)


def planned(name="one", recipes=None, role=Claim, control=None, **fields):
    threatened = {"of": ("one",)} if role is Rival else {}
    claim = role(
        pack=PACK, name=name, source="s", says="s", rule="r", needs=lambda setting: RECIPE,
        **threatened,
    )  # fmt: skip
    return PlannedEntry(
        id=f"other2024/{name}{'-control' if control else ''}", claim=claim, setting=SETTING,
        parameters={}, recipes=recipes or {"": RECIPE}, scope=Scope(level="paper", differences=()),
        control=control, threatens=tuple(f"other2024/{n}" for n in threatened.get("of", ())),
        **fields,
    )  # fmt: skip


def of(entry, n_seeds=0, contrasts=(), shares=None, trained=None, supported=(), cost=work):
    share = Share(wanted_seeds(n_seeds, contrasts), worth(entry, supported))
    recipes, seeds = with_ancestors(entry.recipes.values()), SETTING.first_seeds(share.seeds)
    there = [(trained or {}).get(recipe, ()) for recipe in recipes]
    bill = Bill(
        n_seeds,
        [[n for n, seed in enumerate(seeds, start=1) if seed not in known] for known in there],
        [cost(recipe) for recipe in recipes],
        measuring_foreseen(entry, cost),
    )
    return share.worth / bill.shared(share, [(shares or {}).get(recipe, ()) for recipe in recipes])


def test_what_costs_less_comes_first():
    costly = planned(recipes={"": RECIPE.but(epochs=2 * RECIPE.epochs)})
    assert of(planned()) == pytest.approx(2 * of(costly))


def test_a_shared_training_is_paid_in_parts_and_a_measurement_whole():
    # 1 + 1/2 against 1/4 + 1/2 of a training.
    assert of(planned(), shares={RECIPE: [Share(8, 1)] * 4}) == pytest.approx(2 * of(planned()))


def test_whoever_needs_more_seeds_pays_nothing_and_whoever_needs_fewer_for_those():
    more, fewer = [Share(8, 1), *[Share(60, 1)] * 3], [Share(8, 1), *[Share(5, 1)] * 3]
    assert of(planned(), shares={RECIPE: more}) == of(planned())
    # 5 trainings in quarters and 3 whole ones, and 4 for 8 measurements.
    expected = 1 / (5 / 4 + 3 + 4) / work(RECIPE)
    assert of(planned(), shares={RECIPE: fewer}) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("missing", "paid"), [(range(1, 13), 5 / 3 + 3 / 2 + 4), ((6, 12), 1.5), ((), 0.0), ((20,), 0)]
)
def test_each_training_is_paid_by_those_that_want_it(missing, paid):
    others = [Share(5, 1), Share(8, 1), Share(12, 1), Share(18, 1)]
    assert paid_for(Share(12, 1), others, missing) == pytest.approx(paid)


def test_everybody_pays_as_a_verdict_is_worth():
    rival, shares = planned("two", role=Rival), [Share(8, 1), Share(8, 1 / 16)]
    # 16/17 or 1/17 of 8 trainings, and 4 for 8 measurements.
    costs = [8 * 16 / 17 + 4, 8 / 17 + 4]
    got = [of(entry, shares={RECIPE: shares}) for entry in (planned(), rival)]
    assert got == pytest.approx([1 / costs[0] / work(RECIPE), 1 / 16 / costs[1] / work(RECIPE)])


def test_what_the_store_has_need_only_be_measured():
    # Eight seeds are reckoned with before anything is known: 8 + 4 trainings, 4 + 4, or 4.
    seeds = SETTING.with_seed_count(8).seeds
    costs = [1 / of(planned(), trained={RECIPE: set(seeds[:n])}) for n in (0, 4, 8)]
    assert costs == pytest.approx([12 * work(RECIPE), 8 * work(RECIPE), 4 * work(RECIPE)])


def test_what_is_measured_is_paid_for_the_seeds_that_a_look_adds():
    near = [judged(1.0, (8, 8))]
    seeds = {RECIPE: set(SETTING.with_seed_count(8).seeds)}
    assert 1 / of(planned(), 5, near, trained=seeds) == pytest.approx(1.5 * work(RECIPE))


def test_whoever_knows_what_a_training_costs_is_believed():
    slow, quick = RECIPE.but(timesteps=1), RECIPE
    costs = {slow: 60.0, quick: 20.0}
    first, second = (of(planned(recipes={"": r}), cost=costs.get) for r in (slow, quick))
    assert second == pytest.approx(3 * first)


def test_what_cannot_be_timed_is_priced_by_its_presentations(tmp_path, monkeypatch):
    lab = Lab(tmp_path)
    assert 0 < timed(RECIPE, lab) != pytest.approx(1e-4 * work(RECIPE))

    def broken(recipe, lab):
        raise RuntimeError("a defect of the network")

    monkeypatch.setattr(budget, "seconds_per_presentation", broken)
    assert timed(RECIPE, lab) == pytest.approx(1e-4 * work(RECIPE))


def test_the_attack_suite_is_priced():
    attacked = replace(planned(), claim=replace(planned().claim, attacked=True))
    assert of(attacked) < of(planned())


def test_what_needs_many_more_seeds_comes_last():
    near, far, never = ([judged(1.0, r)] for r in ((6, 9), (30, 60), (900, None)))
    assert of(planned(), 5, near) > of(planned(), 5, far) > of(planned(), 5, never)


def test_ancestors_are_paid_for_too():
    child = RECIPE.but(parent=RECIPE)
    assert of(planned(recipes={"": child})) < of(planned(recipes={"": RECIPE}))


def test_a_rival_counts_less_than_a_claim_and_more_once_that_is_supported():
    rival = planned("two", role=Rival)
    assert of(rival) == pytest.approx(IDLE_RIVAL * of(planned()))
    assert of(rival, supported={"other2024/one"}) == pytest.approx(RIVAL * of(planned()))
    assert IDLE_RIVAL < RIVAL < 1


@pytest.fixture
def agenda(tmp_path):
    def make(*entries, **options):
        session = AuditSession(Lab(tmp_path), {entry.id: entry for entry in entries})
        return Agenda(session, **options)

    return make


def seeds_of(agenda, entry):
    return agenda.session.planned[entry.id].setting.seeds


@pytest.fixture
def store(monkeypatch):
    """Seeded Recipes that the Store has, and those that were verified."""
    there, verified = set(), []

    def has(lab, recipe, *, verify=False):
        verified.extend([recipe] * verify)
        return recipe in there

    monkeypatch.setattr(Lab, "has", has)
    return there, verified


def seeded(recipe, count):
    return {recipe.with_seed(seed) for seed in SETTING.with_seed_count(count).seeds}


def test_what_the_store_has_costs_nothing_from_the_beginning(agenda, store):
    there, verified = store
    dear = RECIPE.but(epochs=2 * RECIPE.epochs)
    there |= seeded(dear, 8)
    trained, fresh = agenda(planned("one", {"": dear}), planned("two")).claims
    assert trained.priority > fresh.priority
    assert verified == []


def test_each_seed_is_looked_for_once_and_no_look_too_many(agenda, store, monkeypatch):
    there, _ = store
    there |= seeded(RECIPE, 8)
    asked, has = [], Lab.has

    def counted(lab, recipe, *, verify=False):
        asked.append(recipe)
        return has(lab, recipe, verify=verify)

    monkeypatch.setattr(Lab, "has", counted)
    agenda(*(planned(f"claim-{number}") for number in range(100)))
    assert sorted(recipe.seed for recipe in asked) == sorted(SETTING.with_seed_count(12).seeds)


def test_what_is_asked_for_is_verified_once(agenda, store):
    there, verified = store
    there |= seeded(RECIPE, 4)
    made = agenda(planned())
    for _ in range(2):
        (absent,) = made.absent(made.claims[0])
    assert {absent, *verified} == seeded(RECIPE, 5)
    assert len(verified) == 4 + 2


def test_runs_that_went_away_cost_again(agenda, store):
    there, _ = store
    other = planned("two", {"": RECIPE.but(epochs=9)})
    fresh = agenda(planned(), other).claims[0].priority
    there |= seeded(RECIPE, 5)
    made = agenda(planned(), other)
    one, two = made.claims
    assert one.priority > fresh
    there.clear()
    assert set(made.absent(one)) == seeded(RECIPE, 5)
    made.take(two, Outcome.SUPPORTED, ())
    assert one.priority == fresh


def test_ancestors_that_were_trained_cost_nothing_any_more(agenda, store):
    there, _ = store
    child = RECIPE.but(parent=RECIPE.but(epochs=100))
    made = agenda(planned("one", {"": child}), planned("two", {"": RECIPE.but(epochs=9)}))
    one, two = made.claims
    before = one.priority
    there |= seeded(child.parent, 5)
    made.absent(one)
    made.take(two, Outcome.SUPPORTED, ())
    assert one.priority > before


def test_controls_get_the_seeds_of_their_claim(agenda):
    one, control = planned(), planned(control=WORLD)
    made = agenda(control, one)
    (claim,) = made.claims
    assert claim.entries == (one, control)
    made.take(claim, Outcome.INCONCLUSIVE, ())
    assert len(seeds_of(made, one)) == len(seeds_of(made, control)) == 8
    made.take(claim, Outcome.SUPPORTED, ())
    made.close({}, {})
    assert len(seeds_of(made, one)) == len(seeds_of(made, control)) == 8


@pytest.mark.parametrize(
    ("outcome", "left_out"),
    [(Outcome.SUPPORTED, False), (Outcome.REFUTED, False), (Outcome.INCONCLUSIVE, True)],
)
def test_the_controls_of_an_open_claim_are_left_out(agenda, outcome, left_out):
    made = agenda(planned(), planned(control=WORLD))
    (claim,) = made.claims
    made.take(claim, outcome, ())
    made.close({}, {})
    one, control = made.session.planned.values()
    assert one.unavailable is None
    assert (control.unavailable == UNTOLD) is left_out


def test_an_open_claim_is_judged_at_its_last_complete_look(agenda):
    made = agenda(planned())
    (claim,) = made.claims
    made.take(claim, Outcome.INCONCLUSIVE, ())
    assert (claim.seeds_judged, claim.seeds_wanted, claim.over) == (5, 8, False)
    made.close({}, {})
    assert seeds_of(made, claim.entry) == SETTING.with_seed_count(5).seeds


@pytest.mark.parametrize("outcome", [Outcome.SUPPORTED, Outcome.REFUTED, None])
def test_nothing_is_added_to_what_is_decided_or_cannot_be_judged(agenda, outcome):
    made = agenda(planned())
    (claim,) = made.claims
    made.take(claim, outcome, ())
    assert claim.over
    assert claim.seeds_wanted == 5
    assert {made.wanting(recipe) for recipe in seeded(RECIPE, 8)} == {None}


@pytest.mark.parametrize(("outcome", "kept"), [(Outcome.REFUTED, True), (None, False)])
def test_what_is_decided_keeps_its_priority_for_its_controls(agenda, outcome, kept):
    made = agenda(planned(), planned(control=WORLD))
    (claim,) = made.claims
    before = claim.priority
    made.take(claim, outcome, ())
    assert claim.priority == (before if kept else 0)


def test_nothing_is_added_to_what_its_test_leaves_open(agenda):
    made = agenda(planned())
    (claim,) = made.claims
    made.take(claim, Outcome.INCONCLUSIVE, [judged(1.0, (9, 20))], left_open=True)
    assert claim.over
    assert claim.left_open
    assert (claim.priority, claim.trainings_to_decide) == (0.0, None)


def test_what_fails_a_needed_check_gets_seeds_after_all_others(agenda):
    made = agenda(planned("one"), planned("two", {"": RECIPE.but(epochs=50 * RECIPE.epochs)}))
    unsound, dear = made.claims
    made.take(unsound, Outcome.INCONCLUSIVE, [judged(1.0, (9, 20))], unsound=True)
    assert not unsound.over
    assert 0 < unsound.priority < 1e-6 * dear.priority
    made.take(unsound, Outcome.INCONCLUSIVE, [judged(1.0, (9, 20))])  # it holds now
    assert unsound.priority > dear.priority


def test_the_last_look_is_the_last(agenda):
    made = agenda(planned())
    (claim,) = made.claims
    for _ in LOOKS:
        assert not claim.over
        made.take(claim, Outcome.INCONCLUSIVE, ())
    assert claim.over


def test_a_control_fails_with_its_claim_and_not_the_other_way_round(agenda):
    for failed, faults in (("one", ["lost", "lost"]), ("one-control", [None, "lost"])):
        made = agenda(planned(), planned(control=WORLD))
        made.close({}, {f"other2024/{failed}": "lost"})
        assert [entry.fault for entry in made.session.planned.values()] == faults


def test_a_claim_without_a_look_is_not_run_and_one_that_failed_is_an_error(agenda):
    made = agenda(planned("one"), planned("two"))
    made.close({"other2024/one": "the budget ended"}, {"other2024/two": "a worker died"})
    one, two = made.session.planned.values()
    assert (one.unavailable, one.fault, one.seeded_recipes) == ("the budget ended", None, [])
    # Nothing more is trained for it.
    assert (two.unavailable, two.fault, two.seeded_recipes) == (None, "a worker died", [])
    assert made.session.plan == ()


def test_runs_that_only_a_control_needs_are_asked_for_too(agenda):
    # So it is where a claim is judged by another protocol alone; controls stand in the standard.
    other = RECIPE.but(epochs=3)
    made = agenda(planned(recipes={"": other}), planned(control=WORLD))
    (claim,) = made.claims
    assert {recipe.with_seed(0) for recipe in made.absent(claim)} == {RECIPE, other}


def test_what_was_measured_for_a_look_prices_the_next(agenda):
    made = agenda(planned("quick"), planned("slow"))
    quick, slow = made.claims
    made.take(quick, Outcome.INCONCLUSIVE, (), 5.0)
    made.take(slow, Outcome.INCONCLUSIVE, (), 5e9)
    assert (quick.measuring, slow.measuring) == (1.0, 1e9)
    assert quick.priority > slow.priority > 0


def test_a_run_is_wanted_as_much_as_what_wants_it_most(agenda):
    made = agenda(planned("cheap"), planned("dear", {"a": RECIPE, "b": RECIPE.but(epochs=90)}))
    cheap, dear = made.claims
    shared = RECIPE.with_seed(3)
    assert made.priority(shared) == cheap.priority > dear.priority > 0
    assert made.wanting(shared) is cheap
    made.take(cheap, Outcome.SUPPORTED, ())
    assert made.priority(shared) == dear.priority
    assert made.wanting(shared) is dear
    assert made.priority(RECIPE.with_seed(99)) == 0.0


def test_a_measurement_is_as_urgent_as_the_claims_that_asked_for_it(agenda):
    made = agenda(planned("cheap"), planned("dear", {"a": RECIPE, "b": RECIPE.but(epochs=90)}))
    cheap, dear = made.claims
    recipe = RECIPE.with_seed(3)
    training = Job(recipe, made.session.lab)
    first, second, nobodys = (
        Job(recipe, made.session.lab, AccuracyMeasurement(epoch=epoch)) for epoch in (0, 1, 2)
    )
    asking = {training: {dear: None}, first: {dear: None}, second: {dear: None, cheap: None}}
    urgency = partial(_urgency, made, asking)
    assert urgency(training) == cheap.priority
    assert urgency(first) == dear.priority < urgency(second) == cheap.priority
    assert urgency(nobodys) == 0.0


def test_measurements_for_controls_come_before_those_for_open_claims(agenda):
    made = agenda(planned("decided"), planned("decided", control=WORLD), planned("open"))
    decided, still_open = made.claims
    made.take(decided, Outcome.SUPPORTED, ())
    of_control, of_open = (
        Job(RECIPE.with_seed(seed), made.session.lab, AccuracyMeasurement(epoch=0))
        for seed in (1, 2)
    )
    urgency = partial(_urgency, made, {of_control: {decided: None}, of_open: {still_open: None}})
    assert urgency(of_control) == 10 * decided.priority > urgency(of_open) == still_open.priority


def test_what_a_first_look_lacks_prices_it(agenda):
    made = agenda(planned("quick"), planned("slow"))
    quick, slow = made.claims
    clean = AccuracyMeasurement(epoch=0, size=30)
    attacked = replace(clean, corruption=PGD(steps=1000))

    def foresee(claim, measurement):
        made.foresee(claim, [Job(r, made.session.lab, measurement) for r in seeded(RECIPE, 5)])

    foresee(quick, clean)
    foresee(slow, attacked)
    # Of each of five Runs, in presentations, which a training costs where nothing was timed.
    assert quick.measuring == pytest.approx(30 * 2)
    assert slow.measuring == pytest.approx(30 * 2 * 1001)
    assert slow.priority < quick.priority
    foresee(slow, clean)  # the attacks are done
    assert slow.priority == quick.priority
    made.take(slow, Outcome.INCONCLUSIVE, (), 5e9)
    foresee(slow, clean)
    assert slow.measuring == 1e9  # what was measured is known better


def test_what_would_decide_a_claim_is_told_in_trainings(agenda):
    made = agenda(planned(recipes={"a": RECIPE, "b": RECIPE.but(parent=RECIPE)}))
    (claim,) = made.claims
    assert claim.trainings_to_decide is None
    made.take(claim, Outcome.INCONCLUSIVE, [judged(1.0, (9, 20))])
    # Two trainings for each of 4 to 15 further seeds.
    assert claim.trainings_to_decide == (8, 30)
    made.take(claim, Outcome.INCONCLUSIVE, [judged(1.0, (9, None))])
    assert claim.trainings_to_decide == (2, None)


def with_pilot(entry, lab, *effects, left_open=False):
    """A planned entry for which pilot seeds gave these effects, against an edge at 0."""
    file = entry.claim.pack.pilots
    kept = json.loads(file.read_text())["entries"] if file.exists() else {}
    pilot = EntryPilot(
        version=entry.claim.version,
        measurements={},
        contrasts=tuple(
            Effects(
                name=f"effect {number}",
                unit="",
                seeds=tuple(range(100, 100 + len(seeds))),
                effects=seeds,
                region=RegionRecord(low=0, high=None, text="above 0"),
                confidence=0.5,
            )
            for number, seeds in enumerate(effects)
        ),
        left_open=left_open,
    )
    file.write_text(
        json.dumps(
            {"entries": {**kept, entry.id: {pilot_key(entry, lab): pilot.model_dump(mode="json")}}}
        )
    )
    pilots._read.cache_clear()
    return entry


@pytest.fixture
def piloted(tmp_path):
    pack = replace(PACK, pilots=tmp_path / "pilots.json")

    def make(name, *effects, left_open=False):
        entry = planned(name)
        entry = replace(entry, claim=replace(entry.claim, pack=pack), design="sequential")
        if not effects:
            return entry
        return with_pilot(entry, Lab(tmp_path), *effects, left_open=left_open)

    return make


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("recipes", {"": RECIPE.but(epochs=3)}),
        ("setting", replace(SETTING, sizes={"test": 20})),
        ("setting", replace(SETTING, attacks="full")),
        ("protocol", Protocol("official", "As the release has it.")),
    ],
    ids=["recipes", "sizes", "attacks", "protocol"],
)
def test_what_is_trained_measured_or_read_otherwise_has_another_pilot(tmp_path, field, other):
    entry, lab = planned(), Lab(tmp_path)
    assert pilot_key(entry, lab) == pilot_key(planned("two"), lab)
    assert pilot_key(replace(entry, **{field: other}), lab) != pilot_key(entry, lab)


CLEAR, NEAR, HOPELESS = (1.0, 1.1, 0.9, 1.0), (1.0, 0.2, 2.0, 0.9), (1.0, -1.0, 2.0, -2.0)


def test_a_pilot_says_before_any_look_what_its_test_leaves_open(agenda, piloted):
    left_open = piloted("left-open", CLEAR, left_open=True)
    made = agenda(left_open, piloted("judged", CLEAR))
    assert [claim.left_open for claim in made.claims] == [True, False]
    made.take(made.claims[0], Outcome.INCONCLUSIVE, ())  # today its test does not
    assert not made.claims[0].left_open


def test_a_pilot_tells_how_probably_seeds_decide(piloted, tmp_path):
    lab = Lab(tmp_path)
    assert chances_foreseen(piloted("none"), lab) is None
    clear = chances_foreseen(piloted("clear", CLEAR), lab)
    near = chances_foreseen(piloted("near", NEAR), lab)
    hopeless = chances_foreseen(piloted("hopeless", HOPELESS), lab)
    assert list(clear) == list(near) == list(LOOKS)
    assert clear[5] > 0.99
    assert near[5] < 0.5 < near[40]
    assert hopeless[5] < 0.1
    left_open = chances_foreseen(piloted("left-open", CLEAR, left_open=True), lab)
    assert left_open == dict.fromkeys(LOOKS, 0.0)
    # All contrasts must support a claim, and one refutes it.
    both = chances_foreseen(piloted("both", CLEAR, HOPELESS), lab)
    assert both[5] < 0.1
    # The later look has seen what the earlier one has.
    for chances in (clear, near, hopeless, both):
        assert sorted(chances.values()) == list(chances.values())
        assert all(0 <= chance <= 1 for chance in chances.values())


def test_contrasts_that_refute_share_the_error_rate_of_their_claim(piloted, tmp_path):
    lab, against = Lab(tmp_path), tuple(-effect for effect in NEAR)
    alone = chances_foreseen(piloted("alone", against), lab)
    # The same estimate among thirty contrasts that speak for the claim.
    among = chances_foreseen(piloted("among", against, *[CLEAR] * 29), lab)
    assert 0 < among[12] < 0.9 * alone[12] < 1


@pytest.mark.parametrize(
    ("effects", "first"), [((1.0,) * 12, 12), ((0.0,) * 12, 12), ((1.0, 0.0) * 6, None)]
)
def test_a_rate_is_foreseen_by_its_own_test(piloted, tmp_path, effects, first):
    # By chance 5 of 5 come in 3 % of cases and 8 of 8 in 0.4 %, where 0.3 % are allowed.
    lab = Lab(tmp_path)
    entry = piloted("rate", effects)
    file = entry.claim.pack.pilots
    document = json.loads(file.read_text())
    ((pilot,),) = (of_entry.values() for of_entry in document["entries"].values())
    pilot["contrasts"][0] |= {"rate": True, "region": {"low": 0.5, "high": None, "text": "above"}}
    file.write_text(json.dumps(document))
    pilots._read.cache_clear()
    chances = chances_foreseen(entry, lab)
    assert next((look for look, chance in chances.items() if chance), None) == first


def test_effects_that_are_alike_are_foreseen_by_their_resolution(piloted, tmp_path):
    lab, entry = Lab(tmp_path), piloted("alike", (1.0,) * 12)
    assert max(chances_foreseen(entry, lab).values()) == 0.0
    file = entry.claim.pack.pilots
    file.write_text(file.read_text().replace('"resolution": null', '"resolution": 1.0'))
    pilots._read.cache_clear()
    assert 0.5 < chances_foreseen(entry, lab)[12] < 1.0


def test_contrasts_of_one_name_are_foreseen_without_the_pilot_that_they_will_not_have(
    piloted, tmp_path
):
    lab = Lab(tmp_path)
    two = chances_foreseen(piloted("two", NEAR, NEAR), lab)
    file = (entry := piloted("same", NEAR, NEAR)).claim.pack.pilots
    file.write_text(file.read_text().replace("effect 1", "effect 0"))
    pilots._read.cache_clear()
    assert chances_foreseen(entry, lab)[5] < 0.8 * two[5]


def test_a_claim_without_a_pilot_is_not_taken_for_certain(agenda):
    (claim,) = agenda(planned()).claims
    assert claim.priority == pytest.approx(POWER * of(planned()))


def test_claims_that_share_trainings_come_first_and_rivals_of_what_is_supported(agenda):
    entries = [planned("one"), planned("two"), planned("alone", {"": RECIPE.but(epochs=50)})]
    shared = agenda(*entries).claims[0].priority
    assert shared > agenda(entries[0]).claims[0].priority
    made = agenda(planned(), planned("rival", role=Rival))
    claim, rival = made.claims
    before = rival.priority
    made.take(claim, Outcome.REFUTED, ())
    refuted = rival.priority
    made = agenda(planned(), planned("rival", role=Rival))
    claim, rival = made.claims
    made.take(claim, Outcome.SUPPORTED, ())
    assert rival.priority == pytest.approx(4 * refuted)
    assert refuted < before  # since it pays its trainings alone then


def test_a_forecast_goes_by_what_was_seen_on_seeds(piloted, tmp_path):
    lab, entry = Lab(tmp_path), piloted("clear", CLEAR)
    seen = contrast((0, 1, 2, 3, 4)).model_copy(
        update={"name": "effect 0", "effects": (-1.0, -0.5, -1.2, -0.7, -1.4)}
    )
    exact = contrast(()).model_copy(update={"name": "count", "effects": (1.0,)})
    alone = chances_foreseen(entry, lab, [seen])
    assert chances_foreseen(entry, lab, [exact, seen]) == alone
    assert alone != chances_foreseen(entry, lab)


def test_after_the_last_look_nothing_is_foreseen(piloted, tmp_path):
    seen = contrast(tuple(range(LOOKS[-1])))
    assert chances_foreseen(piloted("clear", CLEAR), Lab(tmp_path), [seen]) is None


def bill(missing=range(1, LOOKS[-1] + 1), judged=0, cost=1.0):
    """Of a claim with one training; by default all seeds are missing."""
    return Bill(judged, [list(missing)], [cost], 0.0)


def test_what_is_missing_is_counted_and_priced_up_to_the_seeds_that_are_asked_for():
    both = Bill(5, [[1, 6, 8, 9], [7, 12]], [10.0, 100.0], 3.0)
    assert [both.trainings(seeds) for seeds in (5, 8, 12)] == [1, 4, 6]
    # Three and seven more seeds are measured.
    assert [both.price(seeds) for seeds in (8, 12)] == [3 * 3 + 30 + 100, 7 * 3 + 40 + 200]
    alone = Share(8, 1.0)
    assert both.shared(alone, [[alone], [alone]]) == both.price(8)
    assert both.shared(alone, [[alone, Share(8, 1.0)], [alone]]) == 3 * 3 + 15 + 100


@pytest.mark.parametrize(
    ("missing", "cost", "look"), [(range(1, 1001), 1, 8), ([1], 1, 12), (range(6, 1001), 1e9, 5)]
)
def test_the_look_that_is_worth_most_for_its_price_is_wanted(missing, cost, look):
    # The seventh look is too far off.
    chances = dict.fromkeys(LOOKS, 0.96) | {5: 0.1, 8: 0.9, 12: 0.97, 60: 1.0}
    share = best_share(2.0, chances, bill(missing, cost=cost), Rest())
    assert share == Share(look, 2 * chances[look])


def test_only_looks_to_come_are_wanted_and_the_last_is_one_of_them():
    chances = dict.fromkeys(LOOKS, 0.0)
    assert best_share(1.0, chances, bill(judged=8), Rest()).seeds == 12
    assert best_share(1.0, chances, bill(judged=LOOKS[-2]), Rest()).seeds == LOOKS[-1]


@pytest.mark.parametrize("rest", [Rest(cost=5.5), Rest(trainings=5)])
def test_a_look_that_the_rest_of_the_budget_does_not_pay_for_is_worth_next_to_nothing(rest):
    chances = {5: 0.1, 8: 0.9}
    assert best_share(1.0, chances, bill(), rest) == Share(5, 0.1)
    for nothing in (Rest(cost=0), Rest(trainings=4)):
        assert 0 < best_share(1.0, chances, bill(), nothing).worth < 1e-6


def test_a_budget_of_as_many_trainings_as_a_look_takes_pays_for_it():
    # Measurements that cost next to nothing are no trainings.
    exactly = Rest(trainings=1000)
    assert best_share(1.0, {1000: 0.9}, bill(), exactly) == Share(1000, 0.9)


@pytest.mark.parametrize(
    ("left", "first"), [(math.inf, "dear"), (10 * work(RECIPE), "cheap"), (0, "dear")]
)
def test_near_its_end_a_budget_goes_to_what_it_still_pays_for(agenda, left, first):
    """For its cost the dear claim is decided more probably, and its look would not be finished.

    Where the rest pays for nothing the order is as it was: less may be missing than is known.
    """
    entries = [
        planned("cheap", {"": RECIPE}),
        planned("dear", {"": RECIPE.but(epochs=2 * RECIPE.epochs)}),
        planned("other", {"": RECIPE.but(seed=9, epochs=9)}),
    ]
    made = agenda(*entries, rest=lambda: Rest(cost=left))
    cheap, dear, other = made.claims
    cheap.chances, dear.chances = {5: 0.1}, {5: 0.9}
    made.take(other, Outcome.SUPPORTED, ())
    assert {"cheap": cheap, "dear": dear}[first].priority == max(cheap.priority, dear.priority)


def test_trainings_that_are_left_are_counted(agenda):
    both = planned(recipes={"one": RECIPE, "two": RECIPE.but(epochs=9)})
    needed = 2 * wanted_seeds(0)
    enough, too_few = (
        agenda(both, rest=lambda left=left: Rest(trainings=left)).claims[0].priority
        for left in (needed, needed - 1)
    )
    assert 0 < too_few < 1e-5 * enough


def test_a_run_is_as_urgent_as_the_claims_that_want_it_are_by_now(agenda):
    both, alone = planned("both"), planned("alone", {"": RECIPE.but(epochs=9)})
    made = agenda(both, alone)
    first, second = made.claims
    seeded = RECIPE.with_seed(SETTING.seeds[0])
    assert made.priority(seeded) == first.priority > 0
    made.take(first, Outcome.SUPPORTED, ())  # nobody wants it any more
    assert made.priority(seeded) == 0
    assert made.priority(second.recipes[0].with_seed(SETTING.seeds[0])) == second.priority > 0


def test_what_is_left_is_asked_for_once_whenever_claims_are_ranked(agenda):
    asked = []
    entries = [planned(name, {"": RECIPE.but(epochs=n)}) for n, name in enumerate("abc", start=8)]
    made = agenda(*entries, rest=lambda: asked.append(1) or Rest())
    assert len(asked) == 1
    made.take(made.claims[0], Outcome.SUPPORTED, ())
    assert len(asked) == 2


def test_what_a_pilot_finds_clear_is_looked_at_first(piloted, agenda):
    entries = [piloted("hopeless", HOPELESS), piloted("near", NEAR), piloted("clear", CLEAR)]
    # Each is trained for itself.
    entries = [
        replace(entry, recipes={"": RECIPE.but(epochs=10 + number)})
        for number, entry in enumerate(entries)
    ]
    lab = agenda().session.lab
    for entry, effects in zip(entries, (HOPELESS, NEAR, CLEAR), strict=True):
        with_pilot(entry, lab, effects)
    made = agenda(*entries)
    ranked = sorted(made.claims, key=lambda claim: -claim.priority)
    assert [claim.entry.id for claim in ranked] == [
        "other2024/clear", "other2024/near", "other2024/hopeless",
    ]  # fmt: skip


def test_what_was_seen_counts_beside_the_pilot(piloted, agenda):
    made = agenda(piloted("clear", CLEAR))
    (claim,) = made.claims
    before = claim.priority
    near = contrast((0, 1, 2, 3, 4)).model_copy(
        update={"name": "effect 0", "effects": (-1.0, -0.5, -1.2, -0.7, -1.4)}
    )
    made.take(claim, Outcome.INCONCLUSIVE, [near])
    assert min(claim.chances) == 8
    assert claim.chances[8] < 0.5
    assert claim.priority < before / 3
