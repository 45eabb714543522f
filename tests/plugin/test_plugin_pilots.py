"""`--write-pilots`: what seeds that no audit uses tell of how far others spread."""

import json
from dataclasses import replace

import pytest

from fixtures.packs import CAUTIOUS, SUPPORTED
from tic.document.deciding import rejudge
from tic.document.seal import digest
from tic.measure.robustness import CorrectMeasurement
from tic.session import pilots
from tic.session.pilots import EntryPilot

PILOTED = """
from pathlib import Path
from dataclasses import replace
PACK = replace(PACK, pilots=Path(__file__).with_name("pilots.json"))
"""
MEASURED = """
@says("measured")
def test_measured(runs, judge):
    judge(runs.accuracy() + runs.train_loss()[:, -1], above(5), name="sum")
"""
OF_SEVERAL_KINDS = """
@says("kinds")
def test_kinds(runs, judge):
    losses = runs.train_loss()
    judge(losses[:, -1], above(0), name="loss")
    judge(losses[:, 0], above(0), name="twice")
    judge(losses[:, 1], above(0), name="twice")
    judge.rate(losses[:, -1] < 1e9, above(0.1), name="finite")
    judge.trend([[x, x + 1, x + 2] for x in losses[:, -1]], direction="increasing", name="rise")
"""
ARITHMETIC = """
@claim(PACK, "sum", source="Fig. 1", says="It adds up.", rule="Exactly.", controls=(NOTHING,))
def test_sum(judge):
    judge([4.0], above(3), name="sum", exact=True)
"""


def damaged(**fields):
    """A file of pilots with these fields in its only contrast."""
    contrast = {
        "name": "loss", "unit": "nats", "region": {"low": 0, "high": None, "text": "above 0"},
        "confidence": 0.95, **fields,
    }  # fmt: skip
    pilot = {"version": 1, "measurements": {}, "contrasts": [contrast]}
    return json.dumps({"entries": {"other2024/positive[tiny-digits]": {"x": pilot}}})


@pytest.fixture
def piloted(repository):
    """A pack that keeps pilots of seeds 10100 to 10103; `file` is where."""

    def write(*claims, seeds="10100-10103", arguments=()):
        repository.write(PILOTED, *claims)
        outcome = repository.run("--seeds", seeds, "--write-pilots", *arguments)
        assert outcome.status == 0, outcome.text
        return outcome

    return write


@pytest.fixture
def file(repository):
    return repository.pytester.path / "pilots.json"


def contrast(outcome, claim):
    (entry,) = (e for e in outcome.audit.entries if e.claim.endswith(claim) and e.role == "claim")
    return entry.contrasts[0]


def test_a_later_audit_pools_the_spread_of_a_pilot(repository, piloted, file):
    written = piloted(MEASURED)
    assert f"pilots kept in {file}: 1" in written.text
    of_pilot = contrast(written, "measured")
    assert of_pilot.pilot is None
    judged = contrast(repository.run("--seeds", "5"), "measured")
    assert judged.pilot is not None
    assert judged.pilot.seeds == (10100, 10101, 10102, 10103)
    assert judged.pilot.effects == of_pilot.effects
    later = repository.run("--seeds", "5")
    assert "pilots: of 1 of 1 claims and rivals judged on seeds" in " ".join(later.text.split())
    entry, page = later.entry, (later.folder / "report.html").read_text("utf-8")
    assert "interval, p" in page
    assert "spread of these and 4 pilot seeds</p>" in page
    alone = rejudge(
        entry.model_copy(
            update={
                "contrasts": tuple(c.model_copy(update={"pilot": None}) for c in entry.contrasts)
            }
        )
    ).contrasts[0]
    assert judged.estimate == alone.estimate
    assert judged.interval != alone.interval


def test_only_means_that_are_told_apart_have_a_pilot(repository, piloted):
    piloted(OF_SEVERAL_KINDS, ARITHMETIC)
    audit = repository.run("--seeds", "3").audit
    kinds, arithmetic = audit.entries
    assert [c.pilot is not None for c in kinds.contrasts] == [True, False, False, False, False]
    assert arithmetic.contrasts[0].pilot is None


def test_pilots_that_nobody_wrote_yet_are_not_told_of(repository):
    repository.write(PILOTED, SUPPORTED)
    assert "pilots:" not in repository.run("--seeds", "3").text


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seeds", "3", "--epochs", "1"),
        ("--seeds", "3", "--test-size", "50"),
        ("--seeds", "10098-10102"),
        ("--seeds", "10100-10103"),
    ],
    ids=["other trainings", "other samples", "shared seeds", "its own seeds"],
)
def test_what_is_done_otherwise_is_judged_without_a_pilot(repository, piloted, arguments):
    piloted(MEASURED)
    outcome = repository.run(*arguments)
    assert contrast(outcome, "measured").pilot is None
    assert "pilots: of 0 of 1 claims" in outcome.text


def test_another_version_of_a_claim_or_measurement_has_no_pilot(repository, piloted, monkeypatch):
    piloted(MEASURED)
    with monkeypatch.context() as patch:  # to undo all would undo what the repository needs
        patch.setattr(CorrectMeasurement, "version", CorrectMeasurement.version + 1)
        assert contrast(repository.run("--seeds", "3"), "measured").pilot is None
    assert contrast(repository.run("--seeds", "3"), "measured").pilot is not None
    repository.write(
        PILOTED, 'claim = __import__("functools").partial(claim, version=2)\n', MEASURED
    )
    assert contrast(repository.run("--seeds", "3"), "measured").pilot is None


def test_a_pilot_names_measurements_that_another_claim_asked_for_before(piloted, file):
    piloted(MEASURED, MEASURED.replace("measured", "again"))
    entries = json.loads(file.read_text())["entries"].values()
    asked = [pilot["measurements"] for of_entry in entries for pilot in of_entry.values()]
    assert asked == [{"correct": CorrectMeasurement.version}] * 2


def test_a_pilot_says_that_a_claim_is_left_open_by_its_test(piloted, file):
    piloted(MEASURED + '    judge.leave_open("The direction was not read.")\n')
    (by_trainings,) = json.loads(file.read_text())["entries"].values()
    assert [pilot["left_open"] for pilot in by_trainings.values()] == [True]
    piloted(MEASURED)
    (by_trainings,) = json.loads(file.read_text())["entries"].values()
    assert "left_open" not in next(iter(by_trainings.values()))


def test_a_control_is_judged_without_a_pilot(repository, piloted):
    piloted(CAUTIOUS, arguments=["--controls"])
    entries = repository.run("--seeds", "3", "--controls").audit.entries
    assert {e.role: e.contrasts[0].pilot is not None for e in entries} == {
        "claim": True,
        "control": False,
    }


def test_claims_that_are_not_audited_keep_their_pilots(repository, piloted, file):
    piloted(MEASURED, SUPPORTED)
    before = json.loads(file.read_text())["entries"]
    repository.run("--claim", "positive", "--seeds", "10200-10202", "--write-pilots")
    after = json.loads(file.read_text())["entries"]
    assert after["other2024/measured[tiny-digits]"] == before["other2024/measured[tiny-digits]"]
    (positive,) = after["other2024/positive[tiny-digits]"].values()
    assert {10200, 10201, 10202} <= set(positive["contrasts"][0]["seeds"])


def test_further_seeds_are_added_to_a_pilot(piloted, file):
    def kept():
        ((pilot,),) = (p.values() for p in json.loads(file.read_text())["entries"].values())
        return pilot["contrasts"]

    piloted(OF_SEVERAL_KINDS, seeds="10103-10105")
    later = kept()
    piloted(OF_SEVERAL_KINDS, seeds="10100-10103")
    both = kept()
    assert all(contrast["seeds"] == list(range(10100, 10106)) for contrast in both)
    assert [c["effects"][3:] for c in both] == [c["effects"] for c in later]
    assert [len(c["trend"]["samples"]) for c in both if "trend" in c] == [6]
    assert both[-1]["trend"]["samples"][3:] == later[-1]["trend"]["samples"]


@pytest.mark.parametrize(
    ("change", "seeds"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"resolution": 0.5}, [3, 4, 5]),
        ({"trend": {"direction": "decreasing", "samples": [[1, 2, 3]] * 3}}, [3, 4, 5]),
        ({"trend": {"direction": "increasing", "samples": [[1, 2, 3, 4]] * 3}}, [3, 4, 5]),
        ({"region": {"low": 1, "high": None, "text": "above 1"}}, [3, 4, 5]),
    ],
)
def test_only_what_is_judged_alike_is_joined_and_the_later_effect_counts(change, seeds):
    region = {"low": 0, "high": None, "text": "above 0"}
    trend = {"direction": "increasing", "samples": [[1, 2, 3]] * 3}
    kept = {
        "name": "n", "unit": "", "region": region, "confidence": 0.9, "trend": trend,
        "seeds": [1, 2, 3], "effects": [1.0, 1.0, 1.0],
    }  # fmt: skip
    made = kept | {"seeds": [3, 4, 5], "effects": [2.0, 2.0, 2.0]} | change
    one, other = (
        EntryPilot.model_validate_json(
            json.dumps({"version": 1, "measurements": {}, "contrasts": [contrast]})
        )
        for contrast in (kept, made)
    )
    joined = pilots._joined(one, other).contrasts[0]
    assert list(joined.seeds) == seeds
    assert joined.effects[seeds.index(3)] == 2.0
    assert len(joined.trend.samples) == len(seeds)


@pytest.mark.parametrize(
    ("of_kept", "of_made", "joined"),
    [
        ({"fisher": 1}, {"fisher": 1, "accuracy": 1}, {"fisher": 1, "accuracy": 1}),
        ({"fisher": 1, "accuracy": 1}, {"fisher": 1}, {"fisher": 1, "accuracy": 1}),
        ({"fisher": 1, "accuracy": 1}, {"fisher": 2, "accuracy": 1}, None),
    ],
)
def test_seeds_are_joined_where_one_pilot_alone_was_tested_and_not_of_another_version(
    of_kept, of_made, joined
):
    region = {"low": 0, "high": None, "text": "above 0"}
    contrast = {"name": "n", "unit": "", "region": region, "confidence": 0.9}
    kept, made = (
        EntryPilot.model_validate(
            {
                "version": 1,
                "measurements": measurements,
                "contrasts": ({**contrast, "seeds": seeds, "effects": (1.0, 2.0, 3.0)},),
            }
        )
        for measurements, seeds in ((of_kept, (1, 2, 3)), (of_made, (4, 5, 6)))
    )
    both = pilots._joined(kept, made)
    assert both.measurements == (joined or of_made)
    assert both.contrasts[0].seeds == ((1, 2, 3, 4, 5, 6) if joined else (4, 5, 6))


def test_seeds_that_were_judged_otherwise_are_not_joined(piloted, file):
    piloted(SUPPORTED)
    piloted(SUPPORTED.replace('unit="nats"', 'unit="bits"'), seeds="10200-10202")
    (of_entry,) = json.loads(file.read_text())["entries"].values()
    (pilot,) = of_entry.values()
    assert pilot["contrasts"][0]["unit"] == "bits"
    assert pilot["contrasts"][0]["seeds"] == [10200, 10201, 10202]


def test_a_contrast_in_another_unit_has_no_pilot(repository, piloted):
    piloted(SUPPORTED)
    repository.write(PILOTED, SUPPORTED.replace('unit="nats"', 'unit="bits"'))
    assert contrast(repository.run("--seeds", "3"), "positive").pilot is None


def test_pilots_of_several_settings_stand_beside_each_other(repository, piloted):
    piloted(SUPPORTED)
    piloted(SUPPORTED, arguments=["--epochs", "1"])
    for arguments in ((), ("--epochs", "1")):
        outcome = repository.run("--seeds", "3", *arguments)
        assert contrast(outcome, "positive").pilot is not None


def test_the_seeds_of_a_pilot_are_not_merged_into_what_it_was_pooled_with(
    repository, piloted, tmp_path, capsys
):
    from tic import cli

    own = piloted(MEASURED).folder / "audit.json"
    own = own.rename(tmp_path / "own.json")
    other = repository.run("--seeds", "3").folder / "audit.json"
    assert cli.main(["merge", str(other), str(own), "--report-dir", str(tmp_path / "r")]) == 2
    said = capsys.readouterr().err
    assert "must be judged beside the same pilot in all audits" in said
    assert "got pilot seeds (10100; 10101; 10102; 10103) and none; audit the others again" in said


def test_audits_with_one_pilot_merge_and_verify(repository, piloted, tmp_path, capsys):
    from tic import cli
    from tic.document.loading import load_audit

    piloted(MEASURED)
    parts = []
    for seeds in ("0-2", "3-5"):
        kept = repository.run("--seeds", seeds).folder / "audit.json"
        parts.append(str(kept.rename(tmp_path / f"{seeds}.json")))
    assert cli.main(["merge", *parts, "--report-dir", str(tmp_path / "merged")]) == 0
    merged = load_audit(tmp_path / "merged" / "audit.json").entries[0].contrasts[0]
    assert (merged.seeds, merged.pilot.seeds) == (tuple(range(6)), (10100, 10101, 10102, 10103))
    assert cli.main(["verify", parts[0], "--store", str(repository.store)]) == 0


def test_a_pilot_that_was_edited_in_an_audit_is_found(repository, piloted, tmp_path, capsys):
    from tic import cli

    piloted(MEASURED)
    path = repository.run("--seeds", "3").folder / "audit.json"
    document = json.loads(path.read_text())
    document["entries"][0]["contrasts"][0]["pilot"]["effects"][0] += 30
    document["seal"] = digest(document)
    path.write_text(json.dumps(document))
    assert cli.main(["verify", str(path), "--store", str(repository.store)]) == 1
    assert "measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--write-pilots",), "--write-pilots needs seeds that no audit uses"),
        (("--write-pilots", "--seeds", "10100-10101"), "at least 3 seeds that no audit reaches"),
        (("--write-pilots", "--seeds", "3"), "from 10000 on, got 3 from 0 on; such as --seeds"),
        (("--write-pilots", "--seeds", "10100-10103", "--plan"), "--plan and --list judge nothing"),
    ],
)
def test_a_pilot_without_seeds_of_its_own_is_refused(repository, arguments, says):
    repository.write(PILOTED, SUPPORTED)
    outcome = repository.run(*arguments)
    assert outcome.status == 4
    assert says in outcome.text


def test_a_pack_without_a_file_for_pilots_is_refused_before_anything_is_trained(repository):
    repository.write(SUPPORTED)
    outcome = repository.run("--seeds", "10100-10103", "--write-pilots")
    assert outcome.status == 4
    assert "the pack of other2024 names none; write Pack(pilots=Path(__file__)" in outcome.text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "must hold pilots, got"),
        ('{"entries": {"other2024/positive[tiny-digits]": {"x": {}}}}', "must hold pilots, got en"),
        (damaged(seeds=[10100], effects=[1.0]), "at least 3 seeds, got 1"),
        (damaged(seeds=[], effects=[1.0, 2.0, 3.0]), "at least 3 seeds, got 0"),
        (damaged(seeds=[10100] * 3, effects=[1.0, 2.0, 3.0]), "a seed counts once, got 10100"),
        (damaged(seeds=[1, 2, 3], effects=[1.0, 2.0, 1e308]), "must not be beyond 1e+290"),
        ("[]", "must hold pilots, got"),
    ],
)
@pytest.mark.parametrize("extent", [("--seeds", "3"), ("--budget", "5 trainings", "-n", "1")])
def test_a_damaged_file_of_pilots_is_refused_before_anything_is_trained(
    repository, file, content, says, extent
):
    repository.write(PILOTED, SUPPORTED)
    file.write_text(content)
    outcome = repository.run(*extent)
    assert outcome.status == 4
    assert str(file) in outcome.text
    assert says in outcome.text
    assert "remove it, and make it anew with --write-pilots" in outcome.text
    assert "Traceback" not in outcome.text


def test_a_pack_says_where_its_pilots_are():
    from pathlib import Path

    from fixtures.packs import HEADER
    from tic.errors import TicError

    names = {}
    exec(HEADER, names)
    with pytest.raises(TicError, match=r"pilots must be the path of a \.json file, got"):
        replace(names["PACK"], pilots=Path("pilots"))
