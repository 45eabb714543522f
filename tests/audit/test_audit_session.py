"""One audit: what is planned, what is trained, and what is concluded from the entries."""

from dataclasses import replace

import pytest

from tic.audit import Gap, Protocol
from tic.audit.claims import Claim, Rival
from tic.audit.control import ONE_SEED, Control, OneSeedRuns
from tic.audit.judge import Judge
from tic.audit.pack import Pack, Setting
from tic.audit.robustness import suite_passes
from tic.audit.runs import SeedRuns
from tic.data import Digits
from tic.document.audit import ControlRecord, Paper
from tic.engine.sharing import train_missing
from tic.errors import NotApplicableError, TicError
from tic.fitting import CosineSGD
from tic.lab import Lab
from tic.models import Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe
from tic.session.entries import failed, judged, not_applicable, not_run
from tic.session.planned import plan_entry
from tic.session.session import AuditSession
from tic.stats import above

RECIPE = Recipe(
    dataset=Digits(),
    architecture=Spiking("tiny"),
    train_size=60,
    timesteps=2,
    epochs=2,
    batch_size=20,
)
PAPER = Paper(key="other2024", title="T", authors="A", venue="V", year=2024, url="u")
SETTING = Setting(RECIPE, seeds=(0, 1, 2), sizes={"test": 50})
PACK = Pack(PAPER, {"tiny": SETTING}, original="tiny", default="tiny")


def make(name, needs=lambda setting: setting.recipe):
    return Claim(PACK, name, "Fig. 1", "It is.", "By it.", needs, notes=("Of the claim.",))


def plan(name="one", needs=lambda setting: setting.recipe, case="tiny-digits", **parameters):
    return plan_entry(make(name, needs), case, SETTING, parameters)


@pytest.fixture
def session(tmp_path):
    return AuditSession(Lab(tmp_path / "store"))


def collect(session, *planned):
    for each in planned:
        session.planned[each.id] = each


def test_an_entry_is_named_by_claim_and_case():
    assert plan().id == "other2024/one[tiny-digits]"
    assert plan(case="").id == "other2024/one"


def test_parameters_are_told_as_text():
    assert plan(retrain_timesteps=3).parameters == {
        "network": "tiny",
        "data set": "digits",
        "retrain timesteps": "3",
    }
    assert plan_entry(make("sum", None), "", None, {"terms": 2}).parameters == {"terms": "2"}


def test_a_parameter_that_would_hide_the_settings_is_refused():
    with pytest.raises(TicError, match="must not be named network, as the setting's are"):
        plan(network="VGG-16")


def test_every_recipe_is_planned_with_every_seed():
    roles = plan(needs=lambda s: {"a": s.recipe, "b": s.recipe.but(timesteps=1)})
    assert [(each.timesteps, each.seed) for each in roles.seeded_recipes] == [
        (2, 0), (2, 1), (2, 2), (1, 0), (1, 1), (1, 2),
    ]  # fmt: skip


def test_a_claim_that_says_nothing_about_the_setting_needs_no_runs():
    def needs(setting):
        raise NotApplicableError("nothing to retrain")

    found = plan(needs=needs)
    assert found.not_applicable == "nothing to retrain"
    assert found.seeded_recipes == []


def test_runs_that_claims_share_are_planned_once(session):
    collect(
        session,
        plan("one"),
        plan("two"),
        plan("three", lambda s: s.recipe.but(parent=s.recipe, rules=(Pruning(0.5),))),
    )
    assert len(session.plan) == 6


def test_what_was_once_finished_is_looked_for_no_more(session, monkeypatch):
    entry, asked = plan(), []
    collect(session, entry)

    def logged(planned, lab, failed):
        asked.append(len(planned))
        return train_missing(planned, lab, failed)

    monkeypatch.setattr("tic.session.session.train_missing", logged)
    for _ in range(3):
        session.runs(entry)
    assert asked == [3, 0, 0]


def test_whoever_waits_for_a_run_looks_at_no_finished_one(session, monkeypatch):
    entry, other = plan(), plan("two", lambda setting: setting.recipe.but(timesteps=1))
    collect(session, entry, other)
    session.runs(entry)
    plans = []
    monkeypatch.setattr(
        "tic.session.session.ensure", lambda recipes, planned, *_: plans.append(planned)
    )
    session.runs(other)
    assert plans == [()]  # all six were trained for the first


def test_runs_are_trained_and_given_by_role(session):
    single, roles = plan(), plan("two", lambda s: {"a": s.recipe, "b": s.recipe.but(timesteps=1)})
    collect(session, single, roles)
    assert session.runs(single).recipe == RECIPE
    assert {role: each.recipe.timesteps for role, each in session.runs(roles).items()} == {
        "a": 2,
        "b": 1,
    }
    assert all(session.lab.has(each.recipe) for each in session.plan)
    with pytest.raises(TicError, match="there are no Runs of the role 'c'; known: 'a', 'b'"):
        session.runs(roles)["c"]


def test_a_judged_entry_has_all_the_evidence(session):
    planned, judge = plan(), Judge((0, 1, 2), 0.95)
    judge([1.0, 1.1, 1.2], above(0), name="gap")
    judge.note("Of the test.")
    entry = judged(planned, judge, 1.234, session.lab)
    assert (entry.outcome, entry.own_outcome, entry.seconds) == ("SUPPORTED", "SUPPORTED", 1.23)
    assert entry.notes == ("Of the claim.", "Of the test.")
    assert entry.contrasts == tuple(judge.contrasts)
    assert entry.p_value == judge.contrasts[0].p_value
    assert entry.runs == tuple(session.lab.fingerprint(RECIPE.but(seed=s)) for s in (0, 1, 2))
    assert (entry.claim, entry.paper, entry.says) == ("other2024/one", "other2024", "It is.")


@pytest.mark.parametrize(
    ("make_entry", "outcome"), [(failed, "ERROR"), (not_applicable, "NOT_APPLICABLE")]
)
def test_an_entry_that_was_not_judged_has_a_reason_and_no_evidence(make_entry, outcome):
    entry = make_entry(plan(), "because")
    assert (entry.outcome, entry.reason, entry.contrasts) == (outcome, "because", ())
    assert entry.p_value is None


def test_an_audit_lists_the_entries_in_the_order_of_collection(session, tmp_path):
    collect(session, plan("one"), plan("two"))
    for name in ("two", "one"):
        entry = failed(plan(name), "because")
        session.entries[entry.id] = entry
    audit = session.conclude(tmp_path, ["claims"], completed=True)
    assert [entry.claim for entry in audit.entries] == ["other2024/one", "other2024/two"]
    assert audit.completed
    assert audit.papers == (PAPER,)
    assert [run.status for run in audit.runs] == ["missing"] * 3
    assert audit.provenance.command == "pytest claims"


def test_a_claim_without_an_entry_is_not_run_and_the_audit_not_complete(session, tmp_path):
    collect(session, plan("one"))
    audit = session.conclude(tmp_path, [], completed=True)
    assert [entry.outcome for entry in audit.entries] == ["NOT_RUN"]
    assert not audit.completed


def test_an_audit_that_was_stopped_is_not_complete(session, tmp_path):
    collect(session, plan("one"))
    entry = failed(plan("one"), "because")
    session.entries[entry.id] = entry
    assert not session.conclude(tmp_path, [], completed=False).completed


def collect_entry(session, entry):
    session.entries[entry.id] = entry


# What this machine lacks


def test_a_claim_that_this_machine_lacks_something_for_needs_no_runs(session):
    lacking = replace(plan("two", lambda s: s.recipe.but(timesteps=1)), unavailable="no such data")
    collect(session, plan("one"), lacking)
    assert lacking.seeded_recipes == []
    assert [each.recipe for each in session.plan] == [RECIPE.with_seed(seed) for seed in (0, 1, 2)]


def test_it_is_not_run_for_that_reason_and_the_audit_is_complete_without_it(session, tmp_path):
    lacking = replace(plan("two"), unavailable="no such data")
    collect(session, plan("one"), lacking)
    collect_entry(session, failed(plan("one"), "because"))
    collect_entry(session, not_run(lacking))
    audit = session.conclude(tmp_path, [], completed=True)
    assert [(str(each.outcome), each.reason) for each in audit.entries] == [
        ("ERROR", "because"),
        ("NOT_RUN", "no such data"),
    ]
    assert audit.entries[1].runs == audit.entries[1].contrasts == ()
    assert audit.completed


def test_a_claim_that_the_audit_did_not_come_to_says_so():
    assert not_run(plan()).reason == "the audit ended before this claim was judged"


# Rivals


def rival(name="chance", needs=lambda setting: setting.recipe, attacked=False):
    return Rival(
        PACK, name, "Fig. 2", "It is chance.", "By it.", needs, of=("one", "two"), attacked=attacked
    )


def test_an_entry_of_a_rival_names_the_claims_that_it_threatens():
    both = failed(plan_entry(rival(), "tiny-digits", SETTING, {}), "because")
    assert (both.role, both.threatens) == ("rival", ("other2024/one", "other2024/two"))
    one = failed(plan_entry(rival(), "tiny-digits-two", SETTING, {"of": "two"}), "because")
    assert one.threatens == ("other2024/two",)
    assert one.parameters == {"network": "tiny", "data set": "digits", "of": "two"}


def test_what_a_claim_fixes_is_a_parameter_of_its_entries():
    of_own = replace(rival(), fixed={"data": "own"})
    entry = failed(plan_entry(of_own, "tiny-digits", SETTING, {}), "because")
    assert entry.parameters == {"network": "tiny", "data set": "digits", "data": "own"}
    assert entry.id == "other2024/chance[tiny-digits]"
    message = "other2024/chance must fix no parameter that its test has, got data; leave it out"
    with pytest.raises(TicError, match=message):
        plan_entry(of_own, "tiny-digits-second", SETTING, {"data": "second"})


def test_an_entry_of_a_claim_threatens_none():
    found = failed(plan(), "because")
    assert (found.role, found.threatens, found.control) == ("claim", (), None)


# The attack suite


def test_every_run_that_is_attacked_is_priced_once_whatever_asks_for_it(session):
    setting = replace(SETTING, attacks="standard", sizes={"attack": 40})
    short = lambda each: {"a": each.recipe, "b": each.recipe.but(timesteps=1)}  # noqa: E731
    collect(
        session,
        plan_entry(rival("x", attacked=True), "x", setting, {}),
        plan_entry(rival("y", short, attacked=True), "y", setting, {}),
        plan_entry(
            rival("z", lambda s: s.recipe.but(architecture=Spiking("tiny", tau=3.0))),
            "z",
            setting,
            {},
        ),
        plan("one", lambda s: s.recipe.but(architecture=Spiking("tiny", tau=4.0))),
    )
    attacked = session.attacked
    assert [each.recipe for each in attacked] == [
        RECIPE.but(timesteps=timesteps, seed=seed) for timesteps in (2, 1) for seed in (0, 1, 2)
    ]
    assert {(each.images, each.passes) for each in attacked} == {(40, suite_passes("standard"))}


@pytest.mark.parametrize(("size", "images"), [(None, 360), (5000, 360), (360, 360), (40, 40)])
def test_no_more_images_are_attacked_than_there_are_test_images(session, size, images):
    setting = replace(SETTING, sizes={"attack": size})
    collect(session, plan_entry(rival(attacked=True), "x", setting, {}))
    assert {each.images for each in session.attacked} == {images}


def test_what_cannot_be_trained_here_is_not_attacked(session):
    lacking = replace(plan_entry(rival(attacked=True), "x", SETTING, {}), unavailable="no data")
    collect(session, lacking, plan())
    assert session.attacked == ()


# Controls

OPENLY = Control("one-seed", "The same seed.", ONE_SEED.plant)


def falsified(control=OPENLY, needs=lambda setting: setting.recipe):
    return plan_entry(make("one", needs), "tiny-digits-planted", SETTING, {}, control=control)


def test_an_entry_of_a_control_tells_what_was_planted_and_no_alternatives():
    claim = replace(make("one"), gaps=OPEN)
    planned = plan_entry(claim, "x", SETTING, {}, control=OPENLY)
    found = failed(planned, "because")
    assert (found.role, found.claim) == ("control", "other2024/one")
    assert found.control == ControlRecord(name="one-seed", says="The same seed.")
    assert found.alternatives == ()
    assert failed(plan_entry(claim, "x", SETTING, {}), "because").alternatives


def test_a_control_is_planted_in_the_runs_that_its_test_is_given_and_needs_no_others(session):
    real, planted = plan(), falsified()
    by_role = falsified(needs=lambda s: {"a": s.recipe, "b": s.recipe})
    collect(session, real, planted)
    assert len(session.plan) == 3
    assert type(session.runs(real)) is SeedRuns
    assert [each.seed for each in session.runs(real).recipes] == [0, 1, 2]
    assert type(session.runs(planted)) is OneSeedRuns
    assert [each.seed for each in session.runs(planted).recipes] == [0, 0, 0]
    assert {role: type(each) for role, each in session.runs(by_role).items()} == {
        "a": OneSeedRuns,
        "b": OneSeedRuns,
    }


def test_all_that_a_judge_collects_stands_in_the_entry(session):
    judge = Judge((0, 1, 2), 0.95)
    judge([4.0, 5.0, 6.5], above(0), name="gap")
    judge.compare("gap", "text", unit="", reported=1, measured=2)
    judge.check("n", "It is so.", "f", holds=True, needed=True)
    judge.worst_case("FGSM", [3, 4, 5], [1, 2, 4], reported=None)
    judge.record_reading({"images": "test"}, judge)
    judge.table("t", "c", unit="%", columns=("a",), rows=[("g", "n", [[1, 2]])])
    judge.figure("f", "c")
    found = judged(plan(), judge, 1.0, session.lab)
    for part in ("comparisons", "checks", "worst_cases", "readings", "tables", "figures"):
        assert getattr(found, part) == tuple(getattr(judge, part))
        assert len(getattr(found, part)) == 1
    assert found.sensitivity == judge.decision().sensitivity
    assert found.sensitivity.flip_confidence is not None


def test_a_needed_check_that_failed_leaves_its_entry_undecided(session):
    judge = Judge((0, 1, 2), 0.95)
    judge([4.0, 5.0, 6.5], above(0), name="gap")
    judge.check("masks", "They are applied.", "0 %", holds=False, needed=True)
    found = judged(plan(), judge, 1.0, session.lab)
    assert (found.outcome, found.own_outcome, found.p_value) == (
        "INCONCLUSIVE", "INCONCLUSIVE", None,
    )  # fmt: skip
    assert found.reason == "nothing can be said where this does not hold: They are applied."
    assert found.sensitivity is None


# Protocols

SUMMED = Protocol("summed", "Of the sum.")
GENTLE = Protocol(
    "gentle", "At a tenth.", alter=lambda recipe: recipe.but(fitting=CosineSGD(learning_rate=0.1))
)
OPEN = (Gap("Sum or mean.", (SUMMED,)), Gap("The rate.", (GENTLE,)))


def read_by(protocol, name="open", case="tiny-digits"):
    claim = Claim(PACK, name, "Fig. 1", "It is.", "By it.", lambda s: s.recipe, gaps=OPEN,
                  notes=("Of the claim.",))  # fmt: skip
    return plan_entry(claim, case, SETTING, {}, protocol)


STANDARD = plan().protocol


def test_an_entry_names_its_protocol_and_the_others_that_could_change_its_verdict():
    found = [failed(read_by(each), "because") for each in (STANDARD, SUMMED, GENTLE)]
    assert [(each.protocol, each.alternatives) for each in found] == [
        ("standard", ("summed", "gentle")),
        ("summed", ("standard", "gentle")),
        ("gentle", ("standard", "summed")),
    ]


def test_an_entry_of_a_claim_that_leaves_nothing_open_has_no_alternatives():
    found = failed(plan(), "because")
    assert (found.protocol, found.alternatives) == ("standard", ())


def test_what_is_open_stands_before_the_notes_of_the_claim():
    assert failed(read_by(SUMMED), "because").notes == (
        "Sum or mean.",
        "The rate.",
        "Of the claim.",
    )


def test_a_protocol_that_only_reads_otherwise_shares_the_runs_and_hands_them_out_as_its_own(
    session,
):
    standard, summed = read_by(STANDARD), read_by(SUMMED, case="tiny-digits-summed")
    collect(session, standard, summed)
    assert len(session.plan) == 3
    assert session.runs(standard).protocol is STANDARD
    assert session.runs(summed).protocol is SUMMED
    assert session.runs(summed).recipes == session.runs(standard).recipes


def test_a_protocol_that_trains_otherwise_has_runs_of_its_own(session):
    collect(session, read_by(STANDARD), read_by(GENTLE, case="tiny-digits-gentle"))
    assert sorted({each.recipe.fitting.learning_rate for each in session.plan}) == [0.1, 0.3]
    assert len(session.plan) == 6


def protocols(session, root):
    return [each.name for each in session.conclude(root, [], completed=True).protocols]


def test_an_audit_lists_the_protocols_that_were_run_and_the_standard_one_first(session, tmp_path):
    collect(session, read_by(GENTLE, case="a"), read_by(STANDARD, case="b"))
    assert protocols(session, tmp_path) == ["standard", "gentle"]
    collect(session, read_by(SUMMED, case="c"), read_by(GENTLE, case="d"))
    assert protocols(session, tmp_path) == ["standard", "gentle", "summed"]


def test_an_audit_tells_which_protocol_is_that_of_the_release(session, tmp_path):
    released = Protocol("official", "As released.", release=True)
    collect(session, read_by(STANDARD), read_by(released, case="b"))
    found = session.conclude(tmp_path, [], completed=True).protocols
    assert [(each.name, each.release) for each in found] == [
        ("standard", False),
        ("official", True),
    ]


def test_an_audit_without_the_standard_protocol_does_not_list_it(session, tmp_path):
    collect(session, read_by(GENTLE))
    audit = session.conclude(tmp_path, [], completed=True)
    assert [(each.name, each.says) for each in audit.protocols] == [("gentle", "At a tenth.")]


def test_of_a_control_only_what_decided_it_is_kept(tmp_path):
    claim = replace(make("one"), needs=None, notes=("a note",))
    entries = {}
    for control in (None, ONE_SEED):
        judge = Judge((0, 1, 2), 0.95)
        judge([1.0, 2.0, 3.0], above(0), name="effect")
        judge.check("a check", "It holds.", "it does", holds=True)
        judge.compare("a number", "Table 1", unit="", reported=1, measured=2)
        judge.figure("a figure", "caption")
        planned = plan_entry(claim, "", None, {}, control=control)
        entries[planned.role] = judged(planned, judge, 1.0, Lab(tmp_path))
    kept, planted = entries["claim"], entries["control"]
    assert len(kept.figures) == len(kept.comparisons) == len(kept.notes) == 1
    assert (planted.figures, planted.comparisons, planted.notes) == ((), (), ())
    assert planted.contrasts == kept.contrasts
    assert planted.checks == kept.checks
