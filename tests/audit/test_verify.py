"""`tic verify`: what was changed in an audit or in what it rests on is found and named."""

import hashlib
import json
from dataclasses import dataclass

import pytest
from judged_audits import DIGEST, RECIPE, audit, judge_of, judged, record

from tic.document.artefacts import StoreArtefacts
from tic.document.audit import Audit
from tic.document.seal import seal, sealed
from tic.errors import TicError
from tic.exchange.verify_audit import (
    recipes_of,
    same,
    verification_text,
    verify_artefacts,
    verify_document,
)
from tic.fitting import Rule
from tic.pruning import Pruning
from tic.recipe import Recipe
from tic.restoring import UntrustedError
from tic.stats import Outcome, above

SEEDS = (0, 1, 2)
RECORDS = tuple(record(seed) for seed in SEEDS)


def recorded(effects=(4.0, 5.0, 6.0)):
    judge = judge_of(SEEDS)
    judge(effects, above(0), name="gap")
    return judge


def entry(name="claim", effects=(4.0, 5.0, 6.0), records=RECORDS):
    return judged(name, recorded(effects), records)


@pytest.fixture
def sound():
    return audit([entry()], RECORDS)


def faults(found):
    return {each.what: each.faults for each in found if each.faults}


def changed(found, **updates):
    """The audit with another first entry, sealed anew."""
    first = found.entries[0].model_copy(update=updates)
    return sealed(found.model_copy(update={"entries": (first, *found.entries[1:])}))


def test_a_sound_audit_holds_also_after_it_was_written_and_read(sound):
    assert faults(verify_document(sound)) == {}
    read = Audit.model_validate_json(sound.model_dump_json())
    assert faults(verify_document(read)) == {}
    assert [each.count for each in verify_document(read)] == [1, 1, 3]


def test_every_changed_digit_breaks_the_seal(sound):
    document = json.loads(sound.model_dump_json())
    document["entries"][0]["contrasts"][0]["effects"][0] = 4.1
    document["runs"][0]["train_loss"] = 0.6
    for part in ("entries", "runs"):
        moved = json.loads(sound.model_dump_json()) | {part: document[part]}
        found = faults(verify_document(Audit.model_validate(moved)))
        assert "the audit was changed after it was made" in found["seal"][0]


def test_a_changed_effect_is_named_even_under_a_new_seal(sound):
    contrast = sound.entries[0].contrasts[0].model_copy(update={"effects": (4.0, 5.0, 7.0)})
    found = faults(verify_document(changed(sound, contrasts=(contrast,))))
    assert set(found) == {"verdicts"}
    assert found["verdicts"][0].startswith("claim: p_value is ")
    assert any("contrasts 1.estimate is 5.0, and 5.33" in each for each in found["verdicts"])


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [(1.0, 1 + 1e-10, True), (1.0, 1 + 1e-8, False), (1e-4, 2e-4, False), (9, 10, False)],
)
def test_numbers_are_the_same_up_to_rounding(one, other, equal):
    assert same(one, other) is equal


def test_a_changed_outlook_is_named():
    uncertain = audit([entry(effects=(1.0, 2.0, 3.0))], RECORDS)
    (contrast,) = uncertain.entries[0].contrasts
    least, most = contrast.seeds_to_decide
    moved = contrast.model_copy(update={"seeds_to_decide": (least, most + 1)})
    (fault,) = faults(verify_document(changed(uncertain, contrasts=(moved,))))["verdicts"]
    says = f"contrasts 1.seeds_to_decide 2 is {most + 1}, and {most} when judged again"
    assert fault == f"claim: {says}"


def test_a_changed_verdict_is_named(sound):
    found = faults(verify_document(changed(sound, outcome=Outcome.REFUTED)))
    assert found == {
        "verdicts": ("claim: outcome is 'REFUTED', and 'SUPPORTED' when judged again",)
    }


def test_a_verdict_that_stands_alone_must_not_stand_among_three():
    # p = 0.018: below 0.025, but not below a third of it.
    alone = audit([entry("a", (2.0, 3.0, 4.0))], RECORDS)
    among = audit([entry(name, (2.0, 3.0, 4.0)) for name in ("a", "b", "c")], RECORDS)
    assert [e.outcome for e in alone.entries] == [Outcome.SUPPORTED]
    assert [e.outcome for e in among.entries] == [Outcome.INCONCLUSIVE] * 3
    assert faults(verify_document(among)) == {}
    forged = faults(verify_document(changed(among, outcome=Outcome.SUPPORTED)))
    assert forged["verdicts"][0].startswith("a: outcome is 'SUPPORTED', and 'INCONCLUSIVE'")


def test_a_look_that_is_called_the_only_one_is_noticed():
    sequential = audit([judged("claim", recorded(), RECORDS, design="sequential")], RECORDS)
    assert faults(verify_document(sequential)) == {}
    forged = faults(verify_document(changed(sequential, design="fixed")))
    assert any(
        fault.startswith("claim: contrasts 1.confidence is 0.99375, and 0.95")
        for fault in forged["verdicts"]
    )


def test_a_smaller_family_is_named(sound):
    (family,) = sound.multiplicity.families
    none = family.model_copy(update={"claims": 0})
    smaller = sound.multiplicity.model_copy(update={"families": (none,)})
    found = faults(verify_document(sealed(sound.model_copy(update={"multiplicity": smaller}))))
    assert found["verdicts"] == (
        "multiplicity: 0 claims of p share the error rate in the audit, and 1 were judged there",
    )


def test_a_family_that_is_left_out_is_named(sound):
    none = sound.multiplicity.model_copy(update={"families": ()})
    found = faults(verify_document(sealed(sound.model_copy(update={"multiplicity": none}))))
    assert found["verdicts"] == (
        "multiplicity: 0 claims of p share the error rate in the audit, and 1 were judged there",
    )


@pytest.mark.parametrize("forged", [{"level": 0.01}, {"method": "none at all"}])
def test_a_rule_that_no_audit_follows_is_named(sound, forged):
    multiplicity = sound.multiplicity.model_copy(update=forged)
    changed_rule = sealed(sound.model_copy(update={"multiplicity": multiplicity}))
    (field,) = forged
    (fault,) = faults(verify_document(changed_rule))["verdicts"]
    assert fault.startswith(f"multiplicity: {field} is {forged[field]!r}, and ")


def test_effects_that_cannot_be_judged_are_a_fault_and_no_traceback(sound):
    region = sound.entries[0].contrasts[0].region.model_copy(update={"low": None})
    contrast = sound.entries[0].contrasts[0].model_copy(update={"region": region})
    found = faults(verify_document(changed(sound, contrasts=(contrast,))))
    assert found["verdicts"][0].startswith("claim: cannot be judged again: ")


def test_an_audit_without_a_seal_cannot_be_verified(sound):
    with pytest.raises(TicError, match="must have a seal to be verified, got none"):
        verify_document(sound.model_copy(update={"seal": None}))


def test_a_recipe_that_does_not_give_the_fingerprint_is_named(sound):
    runs = (
        record(0, fingerprint=RECORDS[0].fingerprint, recipe=RECIPE.but(epochs=3)),
        *RECORDS[1:],
    )
    found = faults(verify_document(sealed(sound.model_copy(update={"runs": runs}))))
    assert len(found["Runs"]) == 1
    assert found["Runs"][0].startswith(f"{RECORDS[0].fingerprint}: is not the fingerprint of its")


def test_a_run_that_is_not_listed_is_named(sound):
    found = faults(verify_document(sealed(sound.model_copy(update={"runs": RECORDS[1:]}))))
    assert found["Runs"] == (
        f"claim: rests on the Run {RECORDS[0].fingerprint}, which is not listed",
    )


def judged_on(seeds, records, effects=(4.0, 5.0, 6.0), **fields):
    """An audit of one entry, and of the Runs that it says it rests on."""
    judge = judge_of(seeds)
    judge(effects, above(0), name="gap")
    return audit([judged("claim", judge, records, **fields)], records)


def with_seeds(found, *seeds):
    contrast = found.entries[0].contrasts[0].model_copy(update={"seeds": seeds})
    return changed(found, contrasts=(contrast,))


def test_a_seed_that_counts_thrice_is_named(sound):
    forged = with_seeds(sound, 0, 0, 0)
    (fault,) = faults(verify_document(forged))["verdicts"]
    assert fault.startswith("claim: cannot be judged again: ")
    assert "gap: a seed counts once, got 0, 0, 0; each effect needs a seed of its own" in fault


@pytest.mark.parametrize(
    ("seeds", "effects"),
    [((100, 101, 102), (4.0, 5.0, 6.0)), ((0, 1, 2, 3, 4), (4.0, 5.0, 6.0, 5.0, 4.5))],
    ids=["others", "more"],
)
def test_seeds_that_are_not_those_of_its_runs_are_named(seeds, effects):
    forged = judged_on(seeds, RECORDS, effects)
    assert forged.entries[0].outcome is Outcome.SUPPORTED
    says = f"was judged on the seeds {', '.join(map(str, seeds))}, and its Runs have 0, 1, 2"
    assert faults(verify_document(forged)) == {"Runs": (f"claim: {says}",)}


def test_a_verdict_on_seeds_without_runs_is_named():
    found = faults(verify_document(judged_on(SEEDS, ())))
    assert found["Runs"] == ("claim: was judged on the seeds 0, 1, 2, and its Runs have none",)


def test_a_recipe_without_a_run_of_every_seed_is_named():
    deeper = tuple(record(seed, RECIPE.but(epochs=3)) for seed in SEEDS[:2])
    found = faults(verify_document(judged_on(SEEDS, (*RECORDS, *deeper))))
    assert found["Runs"] == (
        "claim: must rest on as many Runs of each seed, got 2 of seed 0, 2 of seed 1, 1 of seed 2",
    )


def test_a_run_that_is_listed_under_another_seed_is_named():
    moved = tuple(record(seed).model_copy(update={"seed": seed + 100}) for seed in SEEDS)
    found = faults(verify_document(judged_on((100, 101, 102), moved)))
    assert found["Runs"][0] == (
        f"{moved[0].label}: is listed as of seed 100, and its Recipe has seed 0"
    )
    assert len(found["Runs"]) == 3


def test_seeds_of_readings_are_those_of_the_runs_too():
    judge = judge_of(SEEDS)
    for name, sign in (("empirical", 1), ("exact", -1)):
        other = judge_of((7, 8, 9))
        other([sign * value for value in (8.0, 9.0, 10.0)], above(0), name="fall")
        judge.record_reading({"estimator": name}, other)
    judge.readings_contradict()
    found = faults(verify_document(audit([judged("rival", judge, RECORDS)], RECORDS)))
    assert found["Runs"] == ("rival: was judged on the seeds 7, 8, 9, and its Runs have 0, 1, 2",)


def test_seeds_that_are_one_training_are_named_unless_the_claim_was_left_open_for_it():
    copies = tuple(record(seed, weights="w") for seed in SEEDS)
    found = faults(verify_document(judged_on(SEEDS, copies)))
    one, other, last = (each.label for each in copies)
    says = "must have different weights to be two seeds, got the same: one training under two names"
    assert found["Runs"] == (f"claim: {one} and {other} {says}", f"claim: {one} and {last} {says}")
    judge = recorded()
    judge.leave_open("seeds 0, 1, 2 have the same weights")
    honest = audit([judged("claim", judge, copies)], copies)
    assert faults(verify_document(honest)) == {}
    apart = tuple(record(seed, weights=f"w{seed}") for seed in SEEDS)
    assert faults(verify_document(judged_on(SEEDS, apart))) == {}


def test_what_is_exact_and_what_was_planted_needs_no_run_of_each_seed():
    judge = judge_of(())
    judge([2.0], above(1), name="sum", exact=True)
    assert faults(verify_document(audit([judged("claim", judge)]))) == {}
    copies = tuple(record(seed, weights="w") for seed in SEEDS)
    planted = {"role": "control", "control": {"name": "one-seed", "says": "One seed."}}
    assert faults(verify_document(judged_on(SEEDS, copies, **planted))) == {}


def test_a_verdict_without_a_contrast_is_named(sound):
    found = faults(verify_document(changed(sound, contrasts=())))
    assert found["verdicts"] == ("claim: is SUPPORTED, and no contrast says why",)


def test_recipes_are_rebuilt_with_their_ancestors():
    pruned = RECIPE.but(parent=RECIPE, rules=(Pruning(0.5),))
    records = (record(1, pruned), record(1))
    found = recipes_of(audit([], records))
    assert found[pruned.with_seed(1).fingerprint(DIGEST)] == pruned.with_seed(1)


@dataclass(frozen=True)
class Gentle(Rule):
    """A rule of another package than tic, which changes nothing."""

    strength: float = 0.5

    def after_step(self, fit):
        """Look on."""


FOREIGN = RECIPE.but(rules=(Gentle(0.25),))
"""A Recipe that only who trusts this module can make again."""


def test_recipes_with_kinds_of_other_packages_are_rebuilt_for_who_trusts_them():
    child = FOREIGN.but(parent=FOREIGN, rules=(Pruning(0.5),))
    records = (record(0, child), record(0, FOREIGN), record(0))
    fingerprints = [each.fingerprint for each in records]
    distrusted = recipes_of(audit([], records))
    assert [type(distrusted[each]) for each in fingerprints] == [
        UntrustedError, UntrustedError, Recipe,
    ]  # fmt: skip
    assert distrusted[fingerprints[0]].module == __name__
    found = recipes_of(audit([], records), trusted=(__name__,))
    assert [found[each] for each in fingerprints] == [child, FOREIGN, RECIPE]


def test_runs_with_kinds_of_other_packages_are_told_to_be_unchecked_and_checked_with_trust():
    forged = record(1, FOREIGN.but(rules=(Gentle(),)), fingerprint="f" * 24)
    records = (record(0), record(0, FOREIGN), forged)
    found = audit([], records, packages=(__name__,))
    *_, runs = verify_document(found)
    assert (runs.count, runs.faults) == (1, ())
    assert runs.remark == f"2 not checked: defined by {__name__}, which --trust {__name__} imports"
    *_, runs = verify_document(found, trusted=(__name__,))
    assert (runs.count, runs.remark) == (3, "")
    (fault,) = runs.faults
    assert fault.startswith(f"{'f' * 24}: is not the fingerprint of its Recipe (")
    *_, runs = verify_document(audit([], records))
    assert runs.remark == f"2 not checked: defined by {__name__}, which the audit does not name"


def test_a_recipe_whose_kind_is_none_of_its_module_is_a_fault():
    fields = RECORDS[0].recipe | {"loss": {"kind": "tic.losses:NoLoss", "fields": {}}}
    found = audit([], (record(0).model_copy(update={"recipe": fields}),))
    (fault,) = faults(verify_document(found))["Runs"]
    assert fault.startswith("not a valid Recipe: loss: tic.losses:NoLoss cannot be found here")


def test_a_run_that_descends_from_itself_is_refused():
    own = RECORDS[0].fingerprint
    circle = record(0, recipe=RECIPE).model_copy(
        update={"recipe": {**RECORDS[0].recipe, "parent": own}}
    )
    with pytest.raises(TicError, match="no descendant of it"):
        recipes_of(audit([], (circle,)))


@pytest.fixture
def stored(tmp_path):
    """A Store with one Run and one measurement, and the audit that rests on them."""
    fingerprint = RECORDS[0].fingerprint
    run = tmp_path / "runs" / fingerprint
    measurements = tmp_path / "measurements" / fingerprint
    for folder in (run, measurements):
        folder.mkdir(parents=True)
    (run / "history.json").write_text("{}")
    (run / "weights-0002.safetensors").write_bytes(b"weights")
    manifest = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(run.iterdir())
    }
    (run / "manifest.json").write_text(json.dumps(manifest))
    (measurements / "fisher-abc.json").write_text('{"result": {}}')
    measured = hashlib.sha256(b'{"result": {}}').hexdigest()
    kept = record(
        0,
        manifest=hashlib.sha256((run / "manifest.json").read_bytes()).hexdigest(),
        measurements={"fisher-abc.json": measured},
    )
    return tmp_path, audit([], (kept,)), f"runs/{fingerprint}", f"measurements/{fingerprint}"


def artefact_faults(stored):
    root, found, _, _ = stored
    (examined,) = verify_artefacts(found, StoreArtefacts(root))
    return examined


def test_artefacts_that_are_there_hold(stored):
    examined = artefact_faults(stored)
    assert (examined.count, examined.faults) == (4, ())


@pytest.mark.parametrize("file", ["history.json", "weights-0002.safetensors", "manifest.json"])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_a_file_of_a_run_that_changed_or_is_missing_is_named(stored, file, how):
    root, _, run, _ = stored
    path = root / run / file
    path.unlink() if how == "missing" else path.write_bytes(path.read_bytes() + b" ")
    says = "is missing" if how == "missing" else "is not the one that was audited"
    assert artefact_faults(stored).faults == (f"{RECORDS[0].label}: {run}/{file} {says}",)


def test_a_measurement_that_changed_is_named(stored):
    root, _, _, measurements = stored
    (root / measurements / "fisher-abc.json").write_text('{"result": {"a": 1}}')
    (fault,) = artefact_faults(stored).faults
    assert fault.endswith(f"{measurements}/fisher-abc.json is not the one that was audited")


def test_no_path_leads_out_of_the_store(stored, tmp_path):
    root, found, run, _ = stored
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    digest = hashlib.sha256(b"secret").hexdigest()
    (root / run / "link").symlink_to(secret)
    inside = StoreArtefacts(root / "runs")
    for path in ("../secret", f"{found.runs[0].fingerprint}/link", str(secret), "a\0b"):
        assert inside.digest(path) is None
    assert StoreArtefacts(tmp_path).digest("secret") == digest


def test_a_store_that_is_none_is_refused(tmp_path):
    with pytest.raises(TicError, match="a Store must be a folder"):
        StoreArtefacts(tmp_path / "nowhere")


def test_what_was_verified_is_told_with_every_fault(sound):
    text = verification_text(verify_document(changed(sound, outcome=Outcome.REFUTED)))
    seal_line, verdict_line, fault, runs_line = text.splitlines()
    assert seal_line.split() == ["seal", "1", "holds"]
    assert verdict_line.split() == ["verdicts", "1", "1", "fault"]
    assert fault == "    claim: outcome is 'REFUTED', and 'SUPPORTED' when judged again"
    assert runs_line.split() == ["Runs", "3", "hold"]


def test_a_seal_covers_everything_but_itself(sound):
    assert seal(sound) == sound.seal == seal(sound.model_copy(update={"seal": "other"}))
    assert seal(sound.model_copy(update={"seconds": 11.0})) != sound.seal
