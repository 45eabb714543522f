import re

import pytest

from tic.report import render_html
from tic.report.findings import rivals
from tic.stats.judge import Outcome


def part(source: str, tag: str, ident: str) -> str:
    element = re.search(rf'<{tag} id="{re.escape(ident)}".*?</{tag}>', source, re.DOTALL)
    assert element is not None, ident
    return element.group(0)


def words(source: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", source).split())


@pytest.fixture(scope="module")
def source(example_audit):
    return render_html(example_audit)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_follows_from_a_rival_is_said_in_words(example, outcome):
    rival = example.rival("a", ["c"], "s", "r", outcome=outcome)
    follows = rivals.consequence(rival, [])
    said = {
        Outcome.REFUTED: ("supported", "The claim stands against this."),
        Outcome.SUPPORTED: ("refuted", "The claim does not stand against this."),
    }
    open_ = ("inconclusive", "Open: whether the claim stands against this is undecided.")
    assert (follows.css, follows.of_one) == said.get(outcome, open_)

    refuted, undecided = (
        rival.model_copy(update={"role": "claim", "outcome": of_the_claim})
        for of_the_claim in (Outcome.REFUTED, Outcome.INCONCLUSIVE)
    )
    assert rivals.consequence(rival, [refuted, undecided]) == follows
    idle = rivals.consequence(rival, [refuted])
    assert idle.of_one == "The claim is refuted itself, so there is nothing to explain."


def test_a_claim_lists_what_else_could_explain_it(source):
    article = part(source, "article", "claim-kim2023-concentration-10")
    section = article[article.index("What else could explain this") :]
    assert re.findall(r'href="#(rival-[^"]*)"', section) == [
        "rival-kim2023-unfitted-readouts-10",
        "rival-kim2023-estimator-10",
    ]
    text = words(section)
    assert "unfitted-readouts ✗ REFUTED Only the mean over all timesteps is trained" in text
    assert "alone make Fisher information early. The claim stands against this." in text
    assert "as the paper estimates it. The claim does not stand against this." in text


def test_a_claim_without_rivals_says_so(source, example_audit, edited):
    text = words(part(source, "article", "claim-kim2023-saving"))
    assert "No other explanation of this claim was tested." in text
    claims = edited(entries=example_audit.entries[:14])
    assert "other explanation" not in render_html(claims)
    assert 'id="rivals"' not in render_html(claims)


def test_rivals_are_shown_in_full_once_with_what_follows(source):
    section = part(source, "section", "rivals")
    assert section.count("<article") == source.count('<article id="rival-') == 6
    text = words(part(source, "article", "rival-kim2023-gradient-masking-pgd"))
    assert "The claims that it threatens do not stand against this explanation." in text
    assert "Threatens alpha-robustness (corruption = pgd) Decided by" in text
    assert "gap, low α ✓ SUPPORTED" in text
    assert "accuracy under PGD, low α – 74.6" in text


def test_a_rival_names_each_claim_once_and_not_by_every_protocol(source):
    article = part(source, "article", "rival-kim2023-estimator-10")
    assert re.findall(r'href="#(claim-[^"]*)"', article) == ["claim-kim2023-concentration-10"]


def test_what_was_measured_is_folded_away_where_rivals_are_many(source, example_audit, edited):
    assert source.count('<details class="measured" open>') == 6
    more = tuple(e.model_copy(update={"id": f"{e.id}-2"}) for e in example_audit.entries[14:20])
    many = render_html(edited(entries=(*example_audit.entries, *more)))
    assert '<details class="measured" open>' not in many
    assert many.count('<details class="measured">') == 12


def test_checks_say_whether_they_hold_and_which_are_needed(source):
    article = part(source, "article", "rival-kim2023-gradient-masking-pgd")
    checks = re.findall(r'<li class="(holds|fails)">(.*?)</li>', article, re.DOTALL)
    assert [(kind, words(check)) for kind, check in checks] == [
        (
            "holds",
            "✓ more steps do not help the network needed : Accuracy under 200 steps is at most "
            "that under 10. Found: 12.1 % against 74.6 %",
        ),
        (
            "fails",
            "✗ transfer is weaker : Images made on another network fool it less often than its "
            "own. Found: 31 % against 25 %",
        ),
    ]
    assert 'aria-label="fails"' in checks[1][1]


def test_counts_and_tables_of_claims_hold_claims_only(source, example_audit, edited):
    claims = render_html(edited(entries=example_audit.entries[:14]))
    for tag, ident in (("section", "overview"), ("section", "protocols")):
        assert words(part(source, tag, ident)) == words(part(claims, tag, ident))
    sentence = re.search(r'<p class="sentence">(.*?)</p>', source)
    assert sentence is not None
    assert sentence.group(1).startswith("10 verdicts on 7 claims: 6 supported")
    nav = part(source.replace("<nav ", '<nav id="n" '), "nav", "n")
    assert "rival-" not in nav
    assert "Rivals Negative controls Training" in words(nav)
