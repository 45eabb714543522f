"""Claims and protocols in words."""

from dataclasses import replace

from tic.audit import Claim, Gap, Pack, Paper, Protocol, Setting
from tic.data import Digits
from tic.errors import NotApplicableError
from tic.models import Spiking
from tic.pruning import Pruning
from tic.recipe import Recipe
from tic.session.listing import WIDTH, claims_text, protocols_text
from tic.session.planned import plan_entry

PAPER = Paper(key="other2024", title="T", authors="A", venue="V", year=2024, url="u")
SETTING = Setting(Recipe(dataset=Digits(), architecture=Spiking("tiny")), seeds=(0, 1, 2))
PACK = Pack(PAPER, {"tiny": SETTING}, original="tiny", default="tiny")
SUMMED = Protocol("summed-logits", "Of the sum.")
BATCH_MEAN = Protocol("official", "As the release.")
BOTH = (Gap("One.", (SUMMED,)), Gap("Two.", (BATCH_MEAN,)))
STANDARD_BLOCK = (
    "standard\n"
    "    The reading of the paper that the notes of each claim state."
)  # fmt: skip


def plan(name="rise", needs=lambda setting: setting.recipe, says="It rises.", gaps=(), case="x"):
    claim = Claim(PACK, name, "Fig. 4a, Eq. 7", says, "Above 0.", needs, gaps=gaps)
    return plan_entry(claim, case, SETTING if needs else None, {})


def test_a_claim_is_told_with_place_statement_and_needs():
    assert claims_text([plan()]) == (
        "other2024/rise[x]  (Fig. 4a, Eq. 7)\n"
        "    It rises.\n"
        "    needs: 3 Runs over 3 seeds, shared with other claims"
    )


def test_ancestors_are_counted_among_the_runs():
    needs = lambda setting: setting.recipe.but(parent=setting.recipe, rules=(Pruning(0.5),))  # noqa: E731
    assert "needs: 6 Runs over 3 seeds" in claims_text([plan(needs=needs)])


def test_the_protocols_of_a_claim_are_named_after_what_it_needs():
    assert claims_text([plan(gaps=BOTH)]).endswith(
        "shared with other claims\n    protocols: summed-logits, official"
    )


def test_a_claim_of_arithmetic_needs_no_runs():
    assert claims_text([plan("sum", None, case="")]) == (
        "other2024/sum  (Fig. 4a, Eq. 7)\n    It rises.\n    needs: no Runs"
    )


def test_what_cannot_be_had_here_is_told_with_the_reason():
    def needs(setting):
        raise NotApplicableError("nothing to retrain")

    assert "    needs: not to be had here: nothing to retrain" in claims_text([plan(needs=needs)])
    lacking = replace(plan(), unavailable="no such data")
    assert claims_text([lacking]).endswith("    needs: not to be had here: no such data")


def test_claims_stand_in_their_order_with_an_empty_line_between():
    told = claims_text([plan("second"), plan("first")]).split("\n\n")
    assert [each.split("[")[0] for each in told] == ["other2024/second", "other2024/first"]
    assert claims_text([]) == ""


def test_long_statements_are_broken_within_the_width_and_not_at_hyphens():
    says = "A " + "spiking-network " * 20 + "rises."
    lines = claims_text([plan(says=says)]).splitlines()
    broken = lines[1:-1]
    assert len(broken) > 2
    assert all(line.startswith("    ") and len(line) <= WIDTH for line in broken)
    assert " ".join(line.strip() for line in broken) == says


def test_every_protocol_is_told_once_with_the_claims_it_touches_and_the_standard_one_first():
    planned = [plan("a", gaps=BOTH), plan("b"), plan("c", gaps=BOTH[1:]), plan("a", gaps=BOTH)]
    assert protocols_text(planned) == (
        f"{STANDARD_BLOCK}\n"
        "\n"
        "summed-logits  (other2024)\n"
        "    Of the sum.\n"
        "    touches: other2024/a\n"
        "\n"
        "official  (other2024)\n"
        "    As the release.\n"
        "    touches: other2024/a, other2024/c"
    )


def test_without_gaps_there_is_the_standard_protocol_alone():
    assert protocols_text([plan()]) == protocols_text([]) == STANDARD_BLOCK
