"""What pytest says at the end is what the audit says: counts, JUnit, exit status, terminal."""

import json
import os
import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from fixtures.packs import CAUTIOUS, GULLIBLE, INCONCLUSIVE, QUICKLY, REFUTED, SUPPORTED
from tic.cli import main

# One alone has p ≈ 0.02, which does not stand among several.
WEAK = """
@says("weak")
def test_weak(runs, judge):
    judge([1.2, 2.0, 2.5], above(0), name="effect")
"""
WEAK_RIVAL = """
@rival(PACK, "faint", of=("weak",), source="Fig. 2", says="Faintly.", rule="By it.",
       needs=lambda setting: setting.recipe)
@pytest.mark.parametrize("case", [1, 2])
def test_faint(runs, judge, case):
    judge([1.2, 2.0, 2.5], above(0), name="effect")
"""
BROKEN = """
@says("broken")
def test_broken(runs, judge):
    raise TicError("seven is needed")
"""
SKIPPED = """
@pytest.mark.skipif(True, reason="needs a GPU")
@says("marked", lambda setting: setting.recipe.but(epochs=1))
def test_marked(runs, judge):
    raise AssertionError("never runs")
@pytest.mark.skip
@says("bare")
def test_bare(runs, judge):
    raise AssertionError("never runs")
@says("called")
def test_called(runs, judge):
    pytest.skip("not today")
@says("importing")
def test_importing(runs, judge):
    pytest.importorskip("a_module_that_nobody_has")
@pytest.fixture
def elsewhere():
    pytest.skip("no such machine")
@says("fixture")
def test_fixture(runs, judge, elsewhere):
    raise AssertionError("never runs")
@pytest.mark.xfail(run=False, reason="it would hang")
@says("hanging")
def test_hanging(runs, judge):
    raise AssertionError("never runs")
"""
IMPORTING = "\nimport pytest\n"
workers = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])


def counted(outcome):
    """What pytest's last line says, by category."""
    last = re.findall(r"^=+ (.* in .*s) .*=+$", outcome.text, re.MULTILINE)[-1]
    return {name: int(count) for count, name in re.findall(r"(\d+) (\w+)", last.split(" in ")[0])}


def of_the_audit(outcome):
    """What the audit says, by pytest's categories."""
    skipped = {"NOT_RUN": "skipped", "NOT_APPLICABLE": "skipped", "ERROR": "failed"}
    verdicts = outcome.verdicts.values()
    return Counter(skipped.get(each, each.lower()) for each in verdicts)


@workers
def test_pytest_counts_what_the_audit_says(repository, workers):
    repository.write(IMPORTING, WEAK, SUPPORTED, REFUTED, INCONCLUSIVE, WEAK_RIVAL, SKIPPED)
    file = repository.pytester.path / "junit.xml"
    outcome = repository.run(f"--junit-xml={file}", *workers)
    assert outcome.verdicts["weak[tiny-digits]"] == "INCONCLUSIVE"
    assert counted(outcome) == of_the_audit(outcome)
    assert outcome.status == 0
    cases = {case.get("name"): case for case in ET.parse(file).iter("testcase")}
    assert len(cases) == len(outcome.audit.entries) == 12
    for name, verdict in outcome.verdicts.items():
        case = cases[f"test_{name}"]
        assert case.find(".//property[@name='verdict']").get("value") == verdict
        kinds = [kind.tag for kind in case if kind.tag != "properties"]
        assert kinds == ([] if verdict == "SUPPORTED" else ["skipped"])
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        entry = next(e for e in outcome.audit.entries if e.id.endswith(f"/{name}"))
        assert properties["scope"] == entry.scope.level
        assert (properties["id"], properties["role"]) == (entry.id, entry.role)
        assert "allowed" not in properties
        judged = verdict in ("SUPPORTED", "REFUTED", "INCONCLUSIVE")
        assert properties.get("seeds") == ("3" if judged else None)
        if entry.contrasts:
            (contrast,) = entry.contrasts
            ends = tuple(float(properties[end]) for end in ("low", "high") if end in properties)
            assert ends == (contrast.interval or ())
            assert float(properties["estimate"]) == contrast.estimate
            assert properties.get("unit", "") == contrast.unit
    told = cases["test_weak[tiny-digits]"].find("skipped").get("message")
    assert told.startswith("INCONCLUSIVE other2024/weak[tiny-digits]: It is weak.")
    assert "the interval reaches over an edge of the region" in told


def test_junit_tells_the_verdicts_that_are_expected_of_claims(repository):
    repository.write(CAUTIOUS)
    folder = repository.pytester.path
    expected = {"other2024/cautious[tiny-digits]": ["SUPPORTED", "INCONCLUSIVE"]}
    (folder / "expected.json").write_text(json.dumps(expected))
    file = folder / "junit.xml"
    repository.run("--expect", "expected.json", "--controls", f"--junit-xml={file}")
    told = [
        {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in ET.parse(file).iter("testcase")
    ]
    assert [(each["role"], each.get("allowed")) for each in told] == [
        ("claim", "INCONCLUSIVE or SUPPORTED"),
        ("control", None),
        ("control", None),
    ]


STATED = """
from dataclasses import replace
PACK = replace(PACK, claims=3)
"""


@pytest.mark.parametrize(
    ("choice", "stated"),
    [
        (("--claim", "weak"), ""),
        (("-k", "weak"), ""),
        # What pytest does not collect only the pack can count.
        (("test_pack.py::test_weak",), STATED),
    ],
    ids=["--claim", "-k", "a test alone"],
)
def test_a_claim_has_the_same_verdict_alone_and_among_all(repository, choice, stated):
    repository.write(stated, WEAK, SUPPORTED, REFUTED)
    among = repository.run().audit.entries[0]
    alone = repository.run(*choice).entry
    assert among.model_dump(exclude={"seconds"}) == alone.model_dump(exclude={"seconds"})
    assert alone.contrasts[0].confidence == 1 - 2 * 0.025 / 3


DOORS = {
    "all judged": ((SUPPORTED, REFUTED, INCONCLUSIVE), (), 0),
    "controls caught": ((CAUTIOUS,), ("--controls",), 0),
    "a control supported": ((GULLIBLE,), ("--controls",), 1),
    "an error": ((SUPPORTED, BROKEN), (), 1),
    "undecided": ((INCONCLUSIVE,), ("--fail-on-inconclusive",), 1),
    "refused": ((SUPPORTED,), ("--epochs", "0"), 4),
}


@pytest.mark.parametrize(("claims", "options", "status"), DOORS.values(), ids=DOORS)
def test_the_exit_status_is_the_same_through_pytest_and_through_tic(
    repository, monkeypatch, claims, options, status
):
    repository.write(*claims)
    assert repository.run(*options).status == status
    monkeypatch.syspath_prepend(repository.pytester.path)
    monkeypatch.delitem(__import__("sys").modules, "test_pack", raising=False)
    own = (*QUICKLY, "--store", str(repository.store), "--report-dir", "report")
    assert main(["audit", ".", *own, *options]) == status


def test_a_skipped_claim_is_not_run_with_its_reason(repository):
    outcome = repository.audit(IMPORTING, SUPPORTED, SKIPPED)
    assert outcome.status == 0
    assert outcome.audit.completed
    entries = {each.claim.split("/")[1]: each for each in outcome.audit.entries}
    reasons = {name: each.reason for name, each in entries.items() if each.outcome == "NOT_RUN"}
    absent = "could not import 'a_module_that_nobody_has': No module named"
    assert reasons.pop("importing").startswith(absent)
    assert reasons.pop("hanging").endswith("it would hang")
    assert reasons == {
        "marked": "needs a GPU",
        "bare": "unconditional skip",
        "called": "not today",
        "fixture": "no such machine",
    }
    assert "6 skipped, 1 supported" in outcome.text


def test_a_skipped_claim_needs_no_trainings(repository):
    repository.write(IMPORTING, SUPPORTED, SKIPPED)
    assert "3 Runs, 3 to train" in repository.run("--plan", store="store").text


def test_every_line_stands_by_itself_on_a_terminal_without_utf_8(repository, monkeypatch):
    repository.write(INCONCLUSIVE, REFUTED)
    repository.pytester.makeini("[pytest]\n")
    ascii_only = {
        "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii",
    }  # fmt: skip
    for name, value in ascii_only.items():
        monkeypatch.setenv(name, value)
    store = ("--store", os.fspath(repository.store))
    done = repository.pytester.runpytest_subprocess(*QUICKLY, *store)
    assert done.ret == 0
    assert "\\n" not in done.stdout.str()
    assert "1 INCONCLUSIVE, 1 REFUTED" in done.stdout.lines
    refused = repository.pytester.runpytest_subprocess(*QUICKLY, "--epochs", "zwölf")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    assert "\\n" not in refused.stderr.str()


TWO_ROLES = """
@says("equal", needs=lambda setting: {"one": setting.recipe, "other": setting.recipe})
def test_equal(runs, judge):
    judge(runs["one"].train_loss()[:, -1] + runs["other"].train_loss()[:, -1], above(0), name="g")
"""


def test_a_run_with_two_roles_is_one_training(repository):
    entry = repository.audit(TWO_ROLES).entry
    assert len(entry.runs) == entry.coverage.trainings == 3
