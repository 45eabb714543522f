"""Data sets that a claim brings along, and that may not be here."""

import json

import pytest

from fixtures.packs import SUPPORTED
from tic.cli import main
from tic.data import SVHN, Digits
from tic.kinds import describe
from tic.lab import Lab

FOREIGN = """
@says("foreign", lambda setting: setting.recipe.but(dataset=SVHN()))
def test_foreign(runs, judge):
    raise AssertionError("never runs")
"""
VANISHING = """
from dataclasses import dataclass, replace
from pathlib import Path
from tic.data import Dataset
from tic.lab import _on_device, _training_digest
GONE = Path(__file__).with_name("gone")
@dataclass(frozen=True)
class Removable(Dataset):
    @property
    def facts(self):
        return replace(Digits().facts, name="removable")
    def load(self, split, root=None, *, download=True):
        if GONE.exists():
            raise OSError("the disk is not mounted")
        return replace(Digits().load(split), facts=self.facts)
@says("removable", lambda setting: setting.recipe.but(dataset=Removable()))
def test_removable(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss", unit="nats")
    GONE.touch()
    _on_device.cache_clear()
    _training_digest.cache_clear()
"""
TRANSFERRED = """
@says("transferred", lambda setting: setting.recipe.but(parent=setting.recipe.but({parent})))
def test_transferred(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss", unit="nats")
"""
FAR = """
from dataclasses import dataclass, replace
from tic.data import Dataset
from tic.errors import DataNotFoundError
@dataclass(frozen=True)
class Far(Dataset):
    images: Dataset
    order: str = "own"
    @property
    def facts(self):
        return replace(Digits().facts, name="far")
    def load(self, split, root=None, *, download=True):
        raise DataNotFoundError("the data set far is not on this machine")
THERE = Pack(PAPER, {"tiny": Setting(QUICK.but(dataset=Far(Digits())), seeds=(0, 1, 2))}, "tiny",
             "tiny")
def of_far(name, dataset):
    return claim(THERE, name, source="Fig. 1", says="It is.", rule="By losses.",
                 controls=(NOTHING,), needs=lambda setting: setting.recipe.but(dataset=dataset))
@of_far("own", Far(Digits()))
def test_own(runs, judge):
    raise AssertionError("never runs")
@of_far("other", OTHER)
def test_other(runs, judge):
    raise AssertionError("never runs")
"""
HERE = {"positive[tiny-digits]": "SUPPORTED", "foreign[tiny-digits]": "NOT_RUN"}


def test_runs_whose_parents_have_other_data_verify(repository, capsys):
    outcome = repository.audit(TRANSFERRED.format(parent="train_size=40"))
    assert outcome.entry.outcome == "SUPPORTED"
    kept = str(outcome.folder / "audit.json")
    assert main(["verify", kept, "--store", str(repository.store)]) == 0
    assert "fingerprint" not in capsys.readouterr().out


def test_a_claim_whose_parents_lack_their_data_is_not_run(repository):
    outcome = repository.audit(SUPPORTED, TRANSFERRED.format(parent="dataset=SVHN()"))
    assert outcome.verdicts["transferred[tiny-digits]"] == "NOT_RUN"
    assert outcome.verdicts["positive[tiny-digits]"] == "SUPPORTED"
    planned = repository.run("--plan", store=repository.pytester.path / "store")
    assert "3 Runs, 3 to train" in planned.text


@pytest.fixture
def bringing(repository):
    """Audit a claim whose data are here and one whose data are not."""

    def run(*arguments):
        repository.write(SUPPORTED, FOREIGN)
        empty = repository.pytester.path / "empty"
        empty.mkdir(exist_ok=True)
        return repository.run("--data", empty, *arguments)

    return run


def reason(outcome):
    (found,) = (each.reason for each in outcome.audit.entries if "foreign" in each.id)
    return found


def test_a_claim_whose_data_are_not_here_is_not_run_and_the_audit_complete(bringing):
    outcome = bringing()
    assert outcome.status == 0
    assert outcome.verdicts == HERE
    assert outcome.audit.completed
    assert "1 skipped, 1 supported" in outcome.text
    assert "The audit is not complete" not in outcome.text


@pytest.mark.parametrize(("allowed", "status"), [("NOT_RUN", 0), ("SUPPORTED", 1)])
def test_a_claim_whose_data_are_not_here_is_held_against_what_is_expected(
    bringing, repository, allowed, status
):
    expected = {f"other2024/{key}": [value] for key, value in HERE.items()}
    expected["other2024/foreign[tiny-digits]"] = [allowed]
    path = repository.pytester.path / "expected.json"
    path.write_text(json.dumps(expected))
    outcome = bringing("--expect", path)
    assert outcome.status == status
    assert outcome.verdicts == HERE
    assert "never runs" not in outcome.text


def test_that_nothing_could_run_is_told_beside_what_is_expected_too(repository):
    repository.write(FOREIGN)
    path = repository.pytester.path / "expected.json"
    path.write_text(json.dumps({"other2024/foreign[tiny-digits]": ["NOT_RUN", "SUPPORTED"]}))
    (empty := repository.pytester.path / "empty").mkdir()
    outcome = repository.run("--data", empty, "--expect", path)
    assert outcome.status == 0
    assert "no claim that rests on Runs could run: the data set svhn is not on" in outcome.text


def test_the_reason_tells_what_is_missing_and_what_would_fetch_it(bringing):
    outcome = bringing()
    told = reason(outcome)
    assert told.startswith("the data set svhn is not on this machine: looked for ")
    assert "downloading is switched off" in told
    assert told.endswith("; --download fetches it")
    assert [run.recipe["dataset"] for run in outcome.audit.runs] == [describe(Digits())] * 3


@pytest.fixture
def asked(monkeypatch):
    """Data sets that were looked for, and whether they were to be downloaded."""
    asked, require = [], Lab.require_data

    def logged(lab, dataset, *, download):
        asked.append((dataset, download))
        require(lab, dataset, download=download)

    monkeypatch.setattr(Lab, "require_data", logged)
    return asked


def test_a_data_set_is_looked_for_once_for_all_claims(bringing, repository, asked):
    repository.write(FOREIGN.replace("foreign", "alien"))
    assert bringing().status == 0
    assert (asked.count((Digits(), True)), asked.count((SVHN(), False))) == (1, 1)


def test_who_only_collects_tests_waits_for_no_data(bringing, asked):
    """Neither for a download, nor until a large file is read and verified."""
    assert bringing("--collect-only").status == 0
    assert asked == []


def test_a_download_that_fails_is_the_reason(bringing):
    outcome = bringing("--download")
    assert (outcome.status, outcome.verdicts) == (0, HERE)
    told = reason(outcome)
    assert "the download failed (" in told
    assert "--download" not in told


def test_such_a_claim_takes_no_share_of_the_error_rate(bringing):
    assert bringing().family.claims == 1


def test_without_the_data_set_that_was_asked_for_nothing_runs_and_the_exit_status_says_so(bringing):
    outcome = bringing("--dataset", "svhn")
    assert outcome.status == 1
    assert set(outcome.verdicts.values()) == {"NOT_RUN"}
    (reason,) = {each.reason for each in outcome.audit.entries}
    assert "the download failed (" in reason
    assert f"no claim that rests on Runs could run: {reason}" in outcome.text


def test_a_plan_counts_what_would_be_trained_here(bringing):
    outcome = bringing("--plan")
    assert outcome.status == 0
    assert "tiny-digits-T2    3 Runs" in outcome.text
    assert "tiny-svhn" not in outcome.text


def test_a_plan_says_what_it_has_nothing_of_and_why(bringing):
    text = " ".join(bringing("--plan").text.split())
    why = "left out, as not to be had here: the data set svhn is not on this machine: looked for "
    assert why in text
    assert "; --download fetches it other2024/foreign[tiny-digits] ===" in text


@pytest.mark.parametrize("question", ["--plan", "--list=claims"])
def test_a_plan_and_a_list_tell_of_data_that_cannot_be_looked_for(repository, question):
    repository.write(SUPPORTED, VANISHING)
    next(repository.pytester.path.rglob("test_*.py")).with_name("gone").touch()
    text = " ".join(repository.run(question).text.split())
    assert (
        "looking for its data fails: Removable (test_pack.py:27): load of the data set removable "
        "raised OSError: the disk is not mounted"
    ) in text
    assert "no Runs" not in text


def test_a_plan_with_downloads_counts_what_they_would_bring_and_fetches_nothing(bringing):
    outcome = bringing("--plan", "--download")
    assert "tiny-svhn-T2      3 Runs,   3 to train" in outcome.text
    assert "6 Runs, " in outcome.text


@pytest.mark.parametrize(
    ("dataset", "is_planned"),
    [
        ('Far(Digits(), order="permuted")', True),  # that of the setting, read in another way
        ("Far(SVHN())", False),
        ("SVHN()", False),
    ],
)
def test_a_plan_has_whatever_is_read_from_the_data_that_an_audit_would_fetch(
    repository, dataset, is_planned
):
    repository.write(FAR.replace("OTHER", dataset))
    (empty := repository.pytester.path / "empty").mkdir()
    text = repository.run("--plan", "--data", empty).text
    assert "tiny-far-imagesdigits-T2 " in text
    assert ("left out, as not to be had here" not in text) is is_planned
    assert f"{6 if is_planned else 3} Runs" in text


def test_a_list_tells_that_it_cannot_be_had_here(bringing):
    outcome = bringing("--list", "claims")
    assert "needs: not to be had here: the data set svhn is not on this machine" in outcome.text


def test_a_data_set_that_cannot_be_loaded_is_an_error_of_its_claims_alone(repository):
    repository.write(SUPPORTED, VANISHING)
    next(repository.pytester.path.rglob("test_*.py")).with_name("gone").touch()
    outcome = repository.run()
    assert outcome.status == 1
    assert outcome.verdicts == {
        "positive[tiny-digits]": "SUPPORTED", "removable[tiny-digits]": "ERROR"
    }  # fmt: skip
    (entry,) = (entry for entry in outcome.audit.entries if "removable" in entry.id)
    assert "load of the data set removable raised OSError: the disk is not mounted" in entry.reason
    assert len(outcome.audit.runs) == 3
    assert "Traceback" not in outcome.text


def test_a_build_tells_what_cannot_be_loaded_and_fails(repository):
    repository.write(VANISHING)
    next(repository.pytester.path.rglob("test_*.py")).with_name("gone").touch()
    outcome = repository.run("--build", "-n", "1")
    assert outcome.status == 1
    assert "removable[tiny-digits]: " in outcome.text
    assert "the disk is not mounted" in outcome.text


def test_data_that_go_before_the_end_cost_their_runs_and_not_the_report(repository):
    repository.write(SUPPORTED, VANISHING)
    outcome = repository.run()
    assert outcome.status == 1
    assert outcome.verdicts["positive[tiny-digits]"] == "SUPPORTED"
    assert len(outcome.audit.runs) == 3
    assert "Runs are left out of the report, since their data went: " in outcome.text
    assert "the disk is not mounted" in outcome.text
