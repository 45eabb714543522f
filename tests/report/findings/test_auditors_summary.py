import re

import pytest

from tic.document.evidence import Check, ReadingVerdict, Sensitivity, WorstCase
from tic.report import render_html, render_markdown
from tic.report.findings.finding import Finding, text
from tic.report.findings.summary import findings
from tic.report.index import index_of
from tic.report.text import markdown
from tic.stats.judge import Outcome

S, R, I = Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE  # noqa: E741


def whole(finding: Finding) -> str:
    """Return the sentences of a finding with its points, one after another."""
    return " | ".join(map(text, (finding.spans, *finding.points)))


@pytest.fixture
def summed_up(edited):
    """Return a function that sums up an audit of some entries, by topic."""

    def sum_up(*entries: object) -> dict[str, str]:
        index = index_of(edited(entries=entries))
        return {finding.topic: whole(finding) for finding in findings(index)}

    return sum_up


def claim(example, name: str, outcome: Outcome = S, **fields: object):
    return example.entry(name, "Fig. 1", "s", "r", outcome=outcome, **fields)


def test_an_audit_of_claims_alone_has_nothing_to_add(summed_up, example):
    assert summed_up(claim(example, "a")) == {}
    assert summed_up() == {}


def test_supported_claims_are_sorted_by_what_their_rivals_leave_of_them(summed_up, example):
    entries = [
        *(claim(example, name) for name in ("a", "b", "c", "d", "e")),
        claim(example, "f", R),
        example.rival("x", ["a", "b"], "s", "r", outcome=R),
        example.rival("y", ["b", "c", "f"], "s", "r", outcome=S),
        example.rival("z", ["b", "c", "d"], "s", "r", outcome=I),
        example.rival("w", ["d"], "s", "r", outcome=Outcome.NOT_RUN),
    ]
    assert summed_up(*entries)["Rival explanations"] == (
        "A rival explains otherwise what a claim observes. Of 5 supported verdicts: | "
        "1 stands against every rival tested: a | "
        "2 do not stand against a rival that is supported: b against y; c against y | "
        "1 has a rival that is still open: d against z and w | "
        "1 has no rival tested: e"
    )


def test_a_claim_whose_test_supports_what_is_false_does_not_stand(summed_up, example):
    entries = [
        claim(example, "a"),
        example.rival("x", ["a"], "s", "r", outcome=R),
        example.control(claim(example, "a"), ("one", "It is not."), S),
    ]
    assert summed_up(*entries)["Rival explanations"] == (
        "A rival explains otherwise what a claim observes. Of 1 supported verdict: | "
        "1 has a test that supports what is false, too, whatever its rivals: a"
    )


def test_a_finding_that_is_anothers_is_counted_once_beside_rivals_and_seeds(example_audit, edited):
    first = example_audit.entries[0]
    again = first.model_copy(update={"id": "again", "claim": "kim2023/again"})
    rival = next(e for e in example_audit.entries if e.role == "rival")
    audit = edited(entries=(first, again, rival))
    topics = {f.topic: whole(f) for f in findings(index_of(audit))}
    assert "Of 1 supported verdict:" in topics["Rival explanations"]
    assert "of 1 verdict" in topics["Single seeds"]


def test_refuted_claims_are_named_first(summed_up, example):
    entries = [claim(example, "a"), claim(example, "b", R), claim(example, "c", R)]
    entries.append(example.rival("x", ["a"], "s", "r", outcome=R))
    topics = summed_up(*entries)
    assert next(iter(topics.items())) == ("Refuted", "Against the paper: b and c.")


def test_without_a_supported_claim_there_is_nothing_to_explain_away(summed_up, example):
    entries = (claim(example, "a", R), example.rival("x", ["a"], "s", "r", outcome=S))
    assert summed_up(*entries)["Rival explanations"].startswith("No claim is supported")


def test_figures_of_robustness_are_counted_with_the_largest_gap(summed_up, example):
    def case(figure: str, attacked: float, worst: float, outcome: Outcome) -> WorstCase:
        return WorstCase(
            figure=figure, reported=None, attacked=(attacked,), worst=(worst,), outcome=outcome
        )

    entries = (
        example.rival(
            "x",
            ["a"],
            "s",
            "r",
            worst_cases=(case("low", 70, 10, S), case("mid", 50, 45, I), case("high", 9, 9, R)),
        ),
        example.rival("y", ["a"], "s", "r", worst_cases=(case("blur", 60, 50, R),)),
    )
    said = summed_up(*entries)["Robustness"].replace("\u202f", " ")
    assert said == (
        "Of 4 figures of robust accuracy, 2 survive a suite of other and stronger attacks, "
        "1 does not, 1 is open. The largest gap: low, 70.0 % of the images right under the attack "
        "as in the paper, 10.0 % when each image meets the attack that is worst for it."
    )


def test_failed_checks_are_named_and_those_of_controls_are_not(summed_up, example):
    def check(name: str, holds: bool, needed: bool = False) -> Check:
        return Check(name=name, says="s", found="f", holds=holds, needed=needed)

    sound = claim(example, "a", checks=(check("one", True),))
    assert summed_up(sound)["Checks"] == "None of 1 check of the measurements failed."
    entries = (
        sound,
        claim(example, "b", checks=(check("two", False), check("three", False, True))),
        claim(example, "d", checks=(check("two", False),)),
        claim(example, "c", role="control", checks=(check("four", False),)),
    )
    assert summed_up(*entries)["Checks"] == (
        "3 of 4 checks of the measurements failed: | two: b and d | three (needed): b"
    )


def test_the_release_is_compared_by_protocol_and_by_reading(summed_up, example):
    def reading(outcome: Outcome, release: bool) -> ReadingVerdict:
        return ReadingVerdict(factors={}, release=release, outcome=outcome, estimate=None, unit="")

    entries = [
        claim(example, "a"),
        claim(example, "a", R, protocol="official"),
        claim(example, "b"),
        claim(example, "b", protocol="official"),
        claim(example, "c"),
        claim(example, "c", Outcome.ERROR, protocol="official"),
        claim(example, "d", R, protocol="summed-logits"),
        claim(example, "d"),
        example.rival("x", ["e"], "s", "r", readings=(reading(S, False), reading(I, True))),
    ]
    assert summed_up(*entries)["Paper and release"] == (
        "The paper's protocol and its released code disagree in 2 of 3 comparisons: | "
        "SUPPORTED by the paper, REFUTED by the release: a by protocol official | "
        "SUPPORTED by the paper, INCONCLUSIVE by the release: e by its readings"
    )
    assert summed_up(*entries[2:4])["Paper and release"] == (
        "The paper's protocol and its released code give one verdict in 1 comparison."
    )
    assert "Paper and release" not in summed_up(*entries[4:8])


def test_controls_that_were_not_caught_are_named_and_alarm(edited, example_audit):
    alarms = [finding for finding in findings(index_of(example_audit)) if finding.alarm]
    assert [finding.topic for finding in alarms] == ["Negative controls"]
    assert whole(alarms[0]).startswith("Of 6 controls: 4 held (4 caught), 1 failed, 1 not tested.")
    assert whole(alarms[0]).endswith(
        "Supported all the same: alpha-information: untrained network."
    )
    mended = edited(24, own_outcome=R, outcome=R)
    assert not any(finding.alarm for finding in findings(index_of(mended)))


def test_caught_controls_are_told_apart_by_what_caught_them(summed_up, example):
    def control(name: str, outcome: Outcome):
        return example.control(claim(example, "a"), (name, "It is not."), outcome)

    stands = claim(example, "a").model_copy(update={"own_outcome": S})
    told = summed_up(stands, control("one", R), control("two", I), control("three", I))
    assert "Of those caught, 1 were refuted and 2 left undecided" in told["Negative controls"]
    told = summed_up(stands, control("one", R))
    assert "Of those caught" not in told["Negative controls"]


def test_verdicts_that_hang_on_a_seed_are_named(summed_up, example):
    def near(*without: Outcome) -> Sensitivity:
        return Sensitivity(flip_confidence=None, flips_to=None, flip_margin=None, without=without)

    stable = claim(example, "a", sensitivity=near(S, S, S, S))
    hanging = claim(example, "b", sensitivity=near(S, I, S, S))
    few = claim(example, "c", sensitivity=near(I, I, I))
    assert summed_up(stable, few) == {
        "Single seeds": "With any one seed left out, none of 1 verdict becomes another."
    }
    assert (
        summed_up(stable, hanging, few)["Single seeds"]
        == "1 of 2 verdicts becomes another when some single seed is left out: b."
    )
    # A budget ends at the first look that decides, which is just beyond an edge.
    usual = summed_up(stable, hanging.model_copy(update={"design": "sequential"}))["Single seeds"]
    assert usual.startswith("1 of 2 verdicts becomes another when some single seed is left out: b.")
    assert "That is usual where seeds are added until there is a verdict" in usual


def test_the_summary_stands_above_the_verdicts_with_links(example_audit):
    page = render_html(example_audit)
    listed = re.search(r'<ul class="findings">(.*?)</ul>\n<div class="banner', page, re.DOTALL)
    assert listed is not None
    assert page.index("Auditor's summary</h2>") < listed.start() < page.index('id="overview"')
    topics = re.findall(r"<strong>(.*?)\.</strong>", listed.group(1))
    assert topics == [
        "Refuted", "Rival explanations", "Robustness", "Checks", "Paper and release",
        "Negative controls", "Single seeds",
    ]  # fmt: skip
    assert '<a href="#claim-kim2023-alpha-information">alpha-information</a>' in listed.group(1)
    assert '<a href="#rival-kim2023-estimator-10">estimator</a>' in listed.group(1)
    assert listed.group(1).count('class="alarm"') == 1


def test_the_summary_in_markdown_says_the_same(example_audit):
    document = render_markdown(example_audit)
    summary = document.partition("## Auditor's summary")[2].partition("| Verdict")[0]
    for finding in findings(index_of(example_audit)):
        alarm = " (alarm)" if finding.alarm else ""
        assert f"- **{finding.topic}{alarm}.** {markdown(text(finding.spans))}\n" in summary
        assert all(f"  - {markdown(text(point))}\n" in summary for point in finding.points)
