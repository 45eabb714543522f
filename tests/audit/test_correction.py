"""What each claim may spend of the error rate of its audit."""

import pytest
from entries import entry
from judged_audits import judge_of, judged

from tic.audit import Pack, Recipe, Setting, TicError, above, claim
from tic.audit.control import UNTRAINED, Control
from tic.data import Digits
from tic.document.audit import Family, Multiplicity, Paper
from tic.document.correction import (
    METHOD,
    claim_confidence,
    family_size_of,
    questions,
    rejudge_by_rule,
)
from tic.models import Spiking
from tic.session.planned import families_of, plan_entry
from tic.stats import Outcome

PAPER = Paper(key="p", title="T", authors="A", venue="V", year=2024, url="https://a.b")
SETTING = Setting(
    Recipe(dataset=Digits(), architecture=Spiking("tiny"), train_size=60, epochs=2), seeds=(0, 1, 2)
)


def pack_of(**fields):
    return Pack(PAPER, {"tiny": SETTING}, "tiny", "tiny", **fields)


def planned(name, pack, *, needs=lambda setting: setting.recipe, **options):
    @claim(pack, name, source="s", says="s", rule="r", needs=needs, controls=(UNTRAINED,))
    def test(runs, judge):
        """Decide nothing."""

    (mark,) = test.pytestmark
    parameters = options.pop("parameters", {})
    return plan_entry(mark.args[0], "tiny-digits", SETTING, parameters, **options)


def test_a_claim_has_an_equal_part_of_what_its_look_may_spend():
    assert claim_confidence(3, "fixed", 1) == 0.95
    assert claim_confidence(3, "fixed", 10) == pytest.approx(1 - 2 * 0.025 / 10)
    assert claim_confidence(5, "sequential", 10) == pytest.approx(1 - 2 * 0.025 / 8 / 10)
    assert claim_confidence(90, "sequential", 10) == pytest.approx(1 - 2 * 0.025 / 16 / 10)


def test_the_claims_of_a_paper_in_a_setting_share_the_error_rate_and_so_do_its_rivals():
    families = (
        Family(paper="p", setting="tiny-digits", claims=7, rivals=3),
        Family(paper="p", setting="resnet19-cifar10", claims=9, rivals=4),
        Family(paper="q", setting="tiny-digits", claims=2, rivals=1),
    )
    assert family_size_of(families, "p", "tiny-digits", "claim") == 7
    assert family_size_of(families, "p", "resnet19-cifar10", "rival") == 4
    assert family_size_of(families, "q", "tiny-digits", "claim") == 2
    assert family_size_of(families, "p", "tiny-digits", "control") == 1
    assert family_size_of(families, "p", "", "claim") == 0  # arithmetic, in no setting


def test_what_is_judged_on_runs_here_takes_a_share_and_nothing_else_does():
    pack = pack_of()
    entries = [
        planned("one", pack),
        planned("two", pack),
        planned("two", pack),  # under another protocol: the same question
        planned("arithmetic", pack, needs=None),
        planned("three", pack, control=Control("nothing", "Nothing is false.")),
    ]
    (family,) = families_of(entries)
    assert (family.paper, family.setting, family.claims, family.rivals) == (
        "p",
        "tiny-digits",
        2,
        0,
    )


def test_each_value_of_a_parameter_is_a_question_of_its_own():
    pack = pack_of()
    entries = [planned("one", pack, parameters={"attack": name}) for name in ("fgsm", "pgd")]
    (family,) = families_of([*entries, planned("two", pack)])
    assert family.claims == 3


def test_a_pack_says_how_many_share_it_whatever_was_collected():
    pack = pack_of(claims=12, rivals=5)
    (family,) = families_of([planned("one", pack)])
    assert (family.claims, family.rivals) == (12, 5)


def test_more_claims_than_the_pack_says_are_refused():
    pack = pack_of(claims=1)
    with pytest.raises(TicError, match=r"at most 1 claims of p .* got 2; write Pack\(claims=2"):
        families_of([planned("one", pack), planned("two", pack)])


def test_two_papers_with_one_key_are_refused():
    another = PAPER.model_copy(update={"title": "Another"})
    other = Pack(another, {"tiny": SETTING}, "tiny", "tiny")
    with pytest.raises(TicError, match="a key of its own, got 'p' for 'T' and for 'Another', of"):
        families_of([planned("one", pack_of()), planned("two", other)])
    # A module that is imported under two names makes its pack twice.
    families_of([planned("one", pack_of()), planned("two", pack_of())])


@pytest.mark.parametrize("count", [0, -1, 2.0, True, "3"])
def test_a_number_of_claims_that_is_none_is_refused(count):
    with pytest.raises(TicError, match="claims must be a whole number of at least 1, or None"):
        pack_of(claims=count)


def of_three(effects, claims, **fields):
    judge = judge_of((0, 1, 2))
    judge(effects, above(0), name="gap")
    families = (Family(paper="p", setting="", claims=claims, rivals=1),)
    multiplicity = Multiplicity(method=METHOD, level=0.025, families=families)
    return rejudge_by_rule(judged("claim", judge, **fields), multiplicity)


@pytest.mark.parametrize(
    ("effects", "outcome"), [([2, 3, 4], Outcome.SUPPORTED), ([-2, -3, -4], Outcome.REFUTED)]
)
def test_supports_and_refutations_are_held_to_the_same_rate(effects, outcome):
    # p = 0.018 on either side
    assert of_three(effects, claims=1).outcome is outcome
    assert of_three(effects, claims=2).outcome is Outcome.INCONCLUSIVE
    assert of_three(effects, claims=1, design="sequential").outcome is Outcome.INCONCLUSIVE
    assert of_three(effects, claims=2, role="control").outcome is outcome


@pytest.mark.parametrize("claims", [1, 2, 5])
def test_the_interval_that_is_shown_is_the_one_that_decides(claims):
    again = of_three([2, 3, 4], claims)
    low, _ = again.contrasts[0].interval
    assert (low > 0) is (again.outcome is Outcome.SUPPORTED)


def test_what_was_judged_is_counted_once_whatever_protocol_it_was_judged_by():
    judge = judge_of((0, 1, 2))
    judge([2, 3, 4], above(0), name="gap")
    exact = judge_of((0, 1, 2))
    exact([4], above(0), name="sum", exact=True)
    entries = [
        judged("a", judge), judged("a", judge, id="a@other", protocol="other"),
        judged("b", judge), judged("c", judge, role="rival"), judged("d", judge, role="control"),
        judged("e", exact), entry("f", Outcome.NOT_RUN), judged("a", judge, setting="elsewhere"),
        judged("b", judge, id="b[pgd]", parameters={"attack": "pgd"}),
    ]  # fmt: skip
    assert questions(entries) == {
        ("p", "", "claim"): 3, ("p", "", "rival"): 1, ("p", "elsewhere", "claim"): 1,
    }  # fmt: skip
