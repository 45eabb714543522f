"""Audits of other seeds, merged: what one audit of all seeds would have said."""

import shutil
from pathlib import Path

from fixtures.packs import INCONCLUSIVE, SUPPORTED
from tic import cli
from tic.document.correction import claim_confidence
from tic.document.deciding import rejudge
from tic.document.loading import load_audit

TREND = """
@says("rising")
def test_rising(runs, judge):
    losses = runs.curve("prefix_losses")[:, 0]
    judge.trend([[row[0], row[1], 100.0] for row in losses], direction="increasing", name="rise")
    judge.compare("loss", "Fig. 1", unit="nats", reported=1.0, measured=losses[:, 0])
"""


def kept(outcome, name):
    copy = outcome.folder.parent / f"{name}.json"
    return str(shutil.copy(outcome.folder / "audit.json", copy))


def test_merged_audits_say_what_one_audit_of_all_seeds_says(repository, tmp_path, capsys):
    repository.write(SUPPORTED, INCONCLUSIVE, TREND)
    halves = [kept(repository.run("--seeds", seeds), seeds) for seeds in ("0-2", "3-5")]
    whole = load_audit(Path(kept(repository.run("--seeds", "6"), "whole")))
    capsys.readouterr()
    assert cli.main(["merge", *halves, "--report-dir", str(tmp_path / "merged")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'merged' / 'report.html'}\n"
    merged = load_audit(tmp_path / "merged" / "audit.json")
    # Whoever pools the halves has seen them: that is another look at the same question.
    (family,) = whole.multiplicity.families
    again = claim_confidence(6, "sequential", family.claims)
    for pooled, recorded in zip(merged.entries, whole.entries, strict=True):
        if recorded.claim == "other2024/spread":
            continue  # deviations from the mean of each audit are other effects
        entry = rejudge(recorded, again)
        for name in (
            "outcome",
            "own_outcome",
            "contrasts",
            "comparisons",
            "p_value",
            "sensitivity",
        ):
            assert getattr(pooled, name) == getattr(entry, name), (entry.id, name)
    assert merged.runs == whole.runs
    assert merged.multiplicity == whole.multiplicity
    # The shared Store has the Runs of all three.
    assert cli.main(["verify", str(tmp_path / "merged" / "audit.json")]) == 0
    assert cli.main(["verify", halves[0], "--store", str(repository.store)]) == 0


def test_the_same_seeds_twice_are_refused(repository, tmp_path, capsys):
    repository.write(SUPPORTED)
    first = kept(repository.run("--seeds", "0-2"), "first")
    second = kept(repository.run("--seeds", "2-4"), "second")
    assert cli.main(["merge", first, second, "--report-dir", str(tmp_path / "merged")]) == 2
    error = capsys.readouterr().err
    assert "a seed counts once, and 2 are in several of the audits" in error
    assert not (tmp_path / "merged").exists()


def test_a_merged_audit_replaces_no_other_and_can_be_made_again(repository, tmp_path, capsys):
    repository.write(SUPPORTED)
    halves = [kept(repository.run("--seeds", seeds), seeds) for seeds in ("0-2", "3-5")]
    (folder := tmp_path / "merged").mkdir()
    other = Path(shutil.copy(halves[0], folder / "audit.json"))
    before = other.read_bytes()
    capsys.readouterr()
    assert cli.main(["merge", *halves, "--report-dir", str(folder)]) == 2
    told = capsys.readouterr().err
    assert f"got {folder}, whose audit.json is another than the merged one; name another" in told
    assert [path.name for path in folder.iterdir()] == ["audit.json"]
    assert other.read_bytes() == before
    other.unlink()
    for _ in range(2):
        assert cli.main(["merge", *halves, "--report-dir", str(folder)]) == 0
