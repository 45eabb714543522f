"""The audits that are kept, and what is said of them."""

import random
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from claims.kim2023.recipes import KIM2023
from tic.document.deciding import sampled_seeds
from tic.document.loading import load_audit
from tic.document.seal import seal, sealed
from tic.exchange.citing import Citation, cite
from tic.exchange.verify_audit import verify_document
from tic.plugin.verdict_table import totals, verdict_table
from tic.session.expectation import load_expectation
from tic.stats import Outcome

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "reports" / "reference"
FINDINGS = ROOT / "docs" / "papers"
KEPT = sorted(FOLDER.glob("*.json"))
ONE_PAPER = "c735c6f"
"""Commit at which there was one paper, and controls had another name."""
THEN_DEFAULT = {"digits-tiny": " --seeds 3 --epochs 30"}
"""Of audits of that commit: what the smoke setting had then and has no more."""
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "reports").glob("**/README.md")]
)


def anchors(page):
    """What a heading of a page is linked by, as GitHub and others make it."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def kept(path):
    """An audit that is kept; each is read once, and none can be changed."""
    return load_audit(path)


def verdict_lines(audit):
    """Verdict, scope and id of every claim, as an audit prints them."""
    table = verdict_table(audit).split("\n\n")[0]
    lines = [line for line in table.splitlines() if not line.startswith(" ")]
    return [re.match(r"\S+ +\S+ +\S+", line)[0] for line in lines]


def test_there_are_audits_that_are_kept():
    assert {path.stem for path in KEPT} == {
        "digits-tiny",
        "fashion-mnist",
        "fashion-mnist-tiny",
        "fashion-mnist-tiny-protocols",
        "smoke-budget",
        "second-looks",
        "two-hours",
    }


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_audit_is_whole_and_says_how_it_was_made(path):
    audit = kept(path)
    assert audit.completed
    assert audit.provenance.git_dirty is False
    written = (FOLDER / "README.md").read_text(encoding="utf-8")
    commands = re.sub(r" *\\\n *", " ", written)
    asked = re.sub(r"pytest |--strict-\w+ |-ra |--tic-audit ", "", audit.provenance.command)
    if audit.provenance.git_commit.startswith(ONE_PAPER):
        # What makes its like where there are others, and where settings and that option changed.
        asked = asked.replace("claims ", "claims --paper kim2023 ", 1)
        asked = asked.replace("--counterfeits", f"--controls{THEN_DEFAULT.get(path.stem, '')}")
    assert f"    tic audit {asked}\n" in commands
    assert f"reports/reference/{path.name}" in commands


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_audit_verifies(path):
    assert [fault for each in verify_document(kept(path)) for fault in each.faults] == []


def with_one_digit_changed(path, folder):
    """Read copies of an audit that differ from it in a digit behind a point."""
    text = path.read_text(encoding="utf-8")
    digits = [match.start() for match in re.finditer(r"(?<=\d\.)\d", text)]
    for place in random.Random(0).sample(digits, 3):
        other = str((int(text[place]) + 1) % 10)
        changed = folder / "audit.json"
        changed.write_text(text[:place] + other + text[place + 1 :], encoding="utf-8")
        yield load_audit(changed)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_the_seal_of_a_kept_audit_breaks_with_one_digit_changed(path, tmp_path):
    unbroken = seal(kept(path))
    assert all(seal(audit) != unbroken for audit in with_one_digit_changed(path, tmp_path))


def with_one_effect_changed(audit, draw):
    """An audit that differs in one effect of what was judged on seeds, under a new seal."""
    judged = [entry for entry in audit.entries if sampled_seeds(entry) and not entry.readings]
    entry = draw.choice(judged)
    contrast = draw.choice([c for c in entry.contrasts if c.seeds and not c.trend and not c.rate])
    effects = list(contrast.effects)
    effects[draw.randrange(len(effects))] += 1
    moved = contrast.model_copy(update={"effects": tuple(effects)})
    contrasts = tuple(moved if each is contrast else each for each in entry.contrasts)
    other = entry.model_copy(update={"contrasts": contrasts})
    entries = tuple(other if each is entry else each for each in audit.entries)
    return sealed(audit.model_copy(update={"entries": entries}))


def test_the_verdicts_of_a_kept_audit_do_not_follow_from_another_effect_under_a_new_seal():
    # To judge all claims of the others again takes seconds an effect.
    smallest = min(KEPT, key=lambda path: path.stat().st_size)
    draw = random.Random(0)
    for _ in range(3):
        changed = with_one_effect_changed(kept(smallest), draw)
        faulty = [examined.what for examined in verify_document(changed) if examined.faults]
        assert faulty == ["verdicts"]


def test_its_page_shows_the_verdicts_of_the_reference_audit():
    audit = kept(FOLDER / "fashion-mnist-tiny.json")
    page = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    shown = [line for line in page if "[tiny-fashion-mnist" in line or "kim2023/saving" in line]
    assert shown == verdict_lines(audit)


def test_its_page_says_which_of_them_todays_rule_leaves_undecided():
    then = Citation(kept(FOLDER / "fashion-mnist-tiny.json"))
    moved = then.by_todays_rule(KIM2023.claims, KIM2023.rivals).moved_from(then)
    claims = {entry.id for entry in then.audit.entries if entry.role == "claim"}
    of_claims = [one for one in moved if one[0] in claims]
    assert {(was, today) for _, was, today in of_claims} == {("REFUTED", "INCONCLUSIVE")}
    names = [re.match(r"kim2023/([^[]+)", entry_id)[1] for entry_id, _, _ in of_claims]
    assert names == ["same-accuracy", "alpha-accuracy", "alpha-robustness", "alpha-robustness"]
    page = " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())
    assert (
        "leave `same-accuracy`, `alpha-accuracy` and both REFUTED `alpha-robustness` INCONCLUSIVE"
        in page
    )


def test_the_findings_share_the_error_rate_as_the_pack_says():
    template = (FINDINGS / "kim2023.md.j2").read_text(encoding="utf-8")
    assert template.count(f".by_todays_rule({KIM2023.claims}, {KIM2023.rivals})") == 3
    assert f"each of {KIM2023.claims} claims has" in template
    assert f"each of {KIM2023.rivals} rivals likewise" in template


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("smoke-budget", "`make audit` came to, on two cores: "),
        ("two-hours", "With two and a half hours, which the findings quote: "),
    ],
)
def test_the_readme_counts_the_verdicts_of_the_audits_with_a_budget(name, before):
    audit = kept(FOLDER / f"{name}.json")
    counted = totals([entry for entry in audit.entries if entry.role == "claim"])
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{before}{counted}." in readme


def test_the_readme_says_what_rivals_leave_of_the_claims_that_are_supported():
    audit = kept(FOLDER / "two-hours.json")
    papers = dict.fromkeys(entry.paper for entry in audit.entries)
    fates = Counter(claim.fate for paper in papers for claim in Citation(audit).of(paper).claims)
    standing = [
        claim.label for claim in Citation(audit).of("li2023").claims if claim.fate == "STANDS"
    ]
    assert (fates["STANDS"], standing) == (2, ["adversarial", "rectified"])
    supported = sum(fates[fate] for fate in ("STANDS", "EXPLAINED", "CONTESTED", "UNTESTED"))
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert (
        f"Of these {supported} SUPPORTED, 2 stand against all their rivals (`adversarial` and "
        f"`rectified` of Li et al.; the latter hangs on single seeds of networks "
        f"that need longer training), {fates['EXPLAINED']} fall "
        f"to one, {fates['CONTESTED']} have an open one, and {fates['UNTESTED']} have none."
    ) in readme
    again = Citation(kept(FOLDER / "second-looks.json")).of("li2023")
    assert again.entry("adversarial").fate == "EXPLAINED"
    assert "`adversarial` falls to one, too." in readme
    hanging = {
        entry.id: set(entry.sensitivity.without) - {entry.outcome}
        for entry in audit.entries
        if entry.claim in ("li2023/adversarial", "li2023/rectified") and entry.role == "claim"
    }
    assert [bool(others) for others in hanging.values()] == [False, True]


def test_no_budget_is_too_short_for_what_ci_expects():
    expected = load_expectation(ROOT / "reports" / "expected" / "smoke.json").allowed
    audit = kept(FOLDER / "smoke-budget.json")
    listed = [entry for entry in audit.entries if entry.role != "control"]
    exact = {entry.id for entry in listed if entry.contrasts and not sampled_seeds(entry)}
    assert {name for name, allowed in expected.items() if Outcome.NOT_RUN not in allowed} == exact


def test_one_of_them_ran_every_protocol_that_touches_its_claims():
    audit = kept(FOLDER / "fashion-mnist-tiny-protocols.json")
    ran = {entry.protocol for entry in audit.entries}
    assert ran == {"standard"}.union(*(entry.alternatives for entry in audit.entries))
    assert ran == {protocol.name for protocol in audit.protocols}


def test_its_page_shows_the_verdict_of_every_protocol():
    audit = kept(FOLDER / "fashion-mnist-tiny-protocols.json")
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"| | {' | '.join(protocol.name for protocol in audit.protocols)} |" in page
    for claim in ("concentration", "concentrated"):
        verdicts = {e.protocol: e.outcome for e in audit.entries if e.claim == f"kim2023/{claim}"}
        row = " | ".join(verdicts[protocol.name] for protocol in audit.protocols)
        assert f"| `{claim}` | {row} |" in page


@pytest.mark.parametrize("paper", ["kim2023", "li2023", "meszaros2024", "yao2023"])
def test_the_findings_quote_the_audits(paper):
    text = FINDINGS / paper / "findings.md"
    template = FINDINGS / f"{paper}.md.j2"
    assert cite(template) == text.read_text(encoding="utf-8"), "run `make findings`"


@pytest.mark.parametrize("name", ["digits-tiny", "fashion-mnist-tiny"])
def test_a_whole_audit_has_rivals_and_catches_every_control(name):
    audit = kept(FOLDER / f"{name}.json")
    claims = {entry.claim for entry in audit.entries if entry.role == "claim"}
    planted = [entry for entry in audit.entries if entry.role == "control"]
    assert {entry.claim for entry in planted} == claims
    assert not [entry.id for entry in planted if entry.own_outcome == "SUPPORTED"]
    threatened = {
        claim for entry in audit.entries if entry.role == "rival" for claim in entry.threatens
    }
    assert threatened <= claims
    assert len(threatened) >= 10


def test_nothing_of_the_machine_is_kept():
    for path in KEPT:
        text = path.read_text(encoding="utf-8")
        assert "/root" not in text
        assert "/tmp" not in text
        assert "/home" not in text


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target
