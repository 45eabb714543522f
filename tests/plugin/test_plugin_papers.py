"""Two papers in one audit: neither changes what is said of the other."""

import json
from pathlib import Path

import pytest

PACK = """
from tic.audit import Control, Gap, Pack, Paper, Protocol, SeedRuns, Setting, claim, seen_as
from tic.data import CIFAR10, Digits
from tic.models import Spiking
from tic.recipe import Recipe
from tic.stats import above
TINY = Setting(Recipe(dataset=Digits(), architecture=Spiking("tiny"), train_size=60, timesteps=2,
                      epochs=2, batch_size=20), seeds=(0, 1, 2), sizes={{"test": 60}})
BIG = TINY.but(dataset=CIFAR10())
PAPER = Paper(key="{key}", title="{key}", authors="A", venue="V", year=2024, url="u")
PACK = Pack(PAPER, {settings}, original="{default}", default="{default}")
SHORT = Protocol("short", "{says}", alter=lambda recipe: recipe.but(epochs=1))
Same = type("Same", (SeedRuns,), {{}})
NOTHING = Control("nothing", "Nothing was planted.", seen_as(Same))
def decides(name):
    return claim(PACK, name, source="Fig. 1", says=f"It is {{name}}.", rule="By gaps.",
                 needs=lambda setting: setting.recipe, controls=(NOTHING,),
                 gaps=(Gap("How long.", (SHORT,)),))
@decides("near")
def test_near(runs, judge):
    judge({near}, above(0), name="gap")
@decides("high")
def test_high(runs, judge):
    judge([4.0, 5.0, 6.0], above(0), name="gap")
"""
ONE = PACK.format(
    key="other2024", settings='{"tiny": TINY, "big": BIG}', default="tiny", says="One epoch.",
    near="[2.5, 3.0, 3.9]",
)  # fmt: skip
"""At half of 0.025 stand the 0.008 and 0.007 that `near` and `high` have; at a quarter neither."""
TWO = PACK.format(
    key="another2025", settings='{"wee": TINY}', default="wee", says="A single epoch.",
    near="[-2.0, 3.0, 4.0]",
)  # fmt: skip
"""The same names of claims and of a protocol, and an architecture of its own."""
BOTH = {"test_one": ONE, "test_two": TWO}


@pytest.fixture
def audit(repository):
    """Audit some of the files of claims; this machine has no CIFAR-10."""
    empty = repository.pytester.mkdir("empty")

    def run(files, *arguments):
        for name in BOTH:
            (repository.pytester.path / f"{name}.py").unlink(missing_ok=True)
        texts = files if isinstance(files, dict) else {name: BOTH[name] for name in files}
        repository.pytester.makepyfile(**texts)
        return repository.run("--data", empty, *arguments)

    return run


@pytest.mark.parametrize("choice", [("--paper", "other2024"), ("--claim", "other2024/near")])
@pytest.mark.parametrize("near", ["INCONCLUSIVE", "SUPPORTED"])
def test_expected_verdicts_of_papers_that_are_not_chosen_are_no_departure(audit, choice, near):
    expected = {
        f"{paper}/{name}[tiny-digits]": [near]
        for paper in ("other2024", "another2025")
        for name in ("near", "high")
    }
    Path("expected.json").write_text(json.dumps(expected))
    outcome = audit(BOTH, "--expect", "expected.json", *choice)
    assert "was not collected" not in outcome.text
    told = "where what this audit says is right: change expected.json, which has other claims, too"
    assert (told in outcome.text) == (outcome.status == 1)
    assert "tic expected" not in outcome.text


def plain(audit, paper, ids=None):
    """The entries of a paper without how long they took."""
    return {
        entry.id: entry.model_dump(exclude={"seconds"})
        for entry in audit.entries
        if entry.paper == paper and (ids is None or entry.id in ids)
    }


def verdicts(audit, paper):
    return {e.id.split("/")[1]: str(e.outcome) for e in audit.entries if e.paper == paper}


def test_each_paper_is_told_in_a_joint_audit_what_it_is_told_alone(audit):
    options = ("--protocol", "all")
    together = audit(BOTH, *options).audit
    for name, paper in (("test_one", "other2024"), ("test_two", "another2025")):
        alone = audit([name], *options).audit
        assert plain(together, paper) == plain(alone, paper)
        (family,) = alone.multiplicity.families
        assert family in together.multiplicity.families
        assert set(alone.protocols) == {p for p in together.protocols if p.paper == paper}


def test_a_second_paper_does_not_take_away_what_stands_in_the_first(audit):
    found = audit(BOTH).audit
    assert verdicts(found, "other2024") == {
        "near[tiny-digits]": "SUPPORTED", "high[tiny-digits]": "SUPPORTED",
    }  # fmt: skip
    assert [(f.paper, f.claims) for f in found.multiplicity.families] == [
        ("other2024", 2), ("another2025", 2),
    ]  # fmt: skip


def test_protocols_of_one_name_keep_the_sentence_of_their_paper(audit):
    outcome = audit(BOTH, "--protocol", "all")
    told = {(p.paper, p.name): p.says for p in outcome.audit.protocols}
    assert told["other2024", "short"] == "One epoch."
    assert told["another2025", "short"] == "A single epoch."
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    for says in ("One epoch.", "A single epoch."):
        assert page.count(f"<dt>short</dt><dd>{says}</dd>") == 1
    listed = audit(BOTH, "--list", "protocols").text
    assert "short  (other2024)\n    One epoch." in listed
    assert "short  (another2025)\n    A single epoch." in listed


def test_missing_data_and_a_missing_architecture_stop_only_the_entries_that_need_them(audit):
    outcome = audit(BOTH, "--arch", "wee,tiny,big", "--protocol", "all")
    assert outcome.status == 0
    assert outcome.audit.completed
    one, two = (verdicts(outcome.audit, paper) for paper in ("other2024", "another2025"))
    for found in (one, two):
        assert {case for case, outcome in found.items() if outcome != "NOT_RUN"} == {
            "near[tiny-digits]", "near[tiny-digits-short]",
            "high[tiny-digits]", "high[tiny-digits-short]",
        }  # fmt: skip
    reasons = {entry.id: entry.reason for entry in outcome.audit.entries}
    assert reasons["another2025/near[tiny]"] == (
        "another2025 has no setting for architecture 'tiny'; known: wee"
    )
    assert reasons["other2024/near[tiny-cifar10]"].startswith(
        "the data set cifar10 is not on this machine"
    )
    assert "--data DIR" in reasons["other2024/near[tiny-cifar10]"]


def test_what_a_pack_does_not_have_changes_no_verdict_on_what_it_has(audit):
    together = audit(BOTH, "--arch", "wee,tiny").audit
    for name, paper, arch in (
        ("test_one", "other2024", "tiny"),
        ("test_two", "another2025", "wee"),
    ):
        alone = plain(audit([name], "--arch", arch).audit, paper)
        assert plain(together, paper, set(alone)) == alone
        assert {e.outcome for e in together.entries if e.paper == paper and e.id not in alone} == {
            "NOT_RUN"
        }


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_an_architecture_that_no_pack_has_is_refused_with_those_that_each_has(audit, workers):
    outcome = audit(BOTH, "--arch", "tiny,huge", *workers)
    assert outcome.status == 4
    assert "another2025 has no setting for architecture 'huge'; known: wee" in outcome.text
    assert "other2024 has no setting for architecture 'huge'; known: big, tiny" in outcome.text
    assert not outcome.folder.exists()


def test_what_another_paper_would_need_is_not_asked(audit):
    broken = TWO.replace("needs=lambda setting: setting.recipe", "needs=lambda setting: 1 / 0")
    outcome = audit({"test_one": ONE, "test_two": broken}, "--paper", "other2024")
    assert outcome.status == 0, outcome.text
    assert {entry.paper for entry in outcome.audit.entries} == {"other2024"}
    told = audit({"test_two": broken}, "--paper", "another2025").text
    assert "needs of another2025/near raised ZeroDivisionError" in told


def test_what_packs_of_other_papers_lack_is_not_told_of(audit):
    outcome = audit(BOTH, "--paper", "other2024", "--arch", "huge")
    assert outcome.status == 4
    assert "other2024 has no setting for architecture 'huge'; known: big, tiny" in outcome.text
    assert "another2025" not in outcome.text


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_where_nothing_at_all_can_run_the_exit_status_says_so(audit, workers):
    outcome = audit(["test_one"], "--arch", "big", *workers)
    assert outcome.status == 1
    assert set(outcome.verdicts.values()) == {"NOT_RUN"}
    sentence = "no claim that rests on Runs could run: the data set cifar10 is not on this machine"
    assert outcome.text.count(sentence) == 1
    built = audit(["test_one"], "--arch", "big", "--build")
    assert built.status == 4
    assert sentence in built.text


def test_the_joint_audit_verifies_and_its_page_tells_the_claims_of_one_name_apart(audit, capsys):
    from tic import cli

    outcome = audit(BOTH, "--arch", "wee,tiny", "--protocol", "all")
    path = outcome.folder / "audit.json"
    assert cli.main(["verify", str(path)]) == 0
    assert cli.main(["diff", str(path), str(path)]) == 0
    assert json.loads(path.read_text())["schema_version"] == 8
    summary = (outcome.folder / "summary.md").read_text(encoding="utf-8")
    assert "| another2025/near |" in summary
    assert "| other2024/near |" in summary
    assert "Bonferroni over 2 claims of other2024 and 2 claims of another2025, at level" in summary


def test_one_paper_of_several_is_audited_as_if_it_were_alone(audit):
    chosen = audit(BOTH, "--paper", "another2025").audit
    assert {entry.paper for entry in chosen.entries} == {"another2025"}
    assert plain(chosen, "another2025") == plain(audit(["test_two"]).audit, "another2025")
    both = audit(BOTH, "--paper", "another2025,other2024", "--claim", "near").audit
    assert {(entry.paper, entry.claim) for entry in both.entries} == {
        ("other2024", "other2024/near"), ("another2025", "another2025/near"),
    }  # fmt: skip


def test_a_paper_that_says_nothing_here_is_refused(audit):
    outcome = audit(BOTH, "--paper", "third2026")
    assert outcome.status == pytest.ExitCode.USAGE_ERROR
    assert "--paper does not know 'third2026'; known: another2025, other2024" in outcome.text
