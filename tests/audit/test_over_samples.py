"""What remains of a verdict where other samples might have been drawn."""

import json

import numpy as np
import pytest
from judged_audits import audit, judge_of, judged, record
from pydantic import ValidationError

from tic.audit.judge import Judge
from tic.document.audit import Audit
from tic.document.deciding import rejudge
from tic.document.evidence import Effects
from tic.document.seal import digest, is_altered, seal
from tic.document.upgrade import upgraded
from tic.errors import TicError
from tic.exchange.diff import diff_audits
from tic.exchange.merge import merge
from tic.exchange.verify_audit import verify_document
from tic.stats import Outcome, above, below, interval_over_samples, sample_spread

SEEDS = (0, 1, 2, 3, 4)
POSITIVE = above(0)
BY_SEED = np.array([4.0, 5.0, 6.0, 5.5, 4.5])[:, None]
"""Mean 5, standard deviation 0.79, half-width at 95 % 0.98."""
ALIKE = BY_SEED + np.array([-1.0, 1.0] * 8)
APART = BY_SEED + np.array([-20.0, 20.0] * 8)
"""Half-width of the samples at 95 %: 2.13 · 20.66 / 4 = 11."""


def judging(*effects, region=POSITIVE):
    judge = Judge(SEEDS, 0.95)
    for number, of_contrast in enumerate(effects):
        judge(
            of_contrast,
            region,
            name=f"contrast {number}",
            unit="pp",
            by_sample=np.ndim(of_contrast) == 2,
        )
    return judge


def test_the_row_means_of_a_table_are_judged_as_effects_per_seed_are():
    (of_table,) = judging(APART).contrasts
    (of_means,) = judging(APART.mean(1)).contrasts
    apart = {"sample_spread", "over_samples"}
    assert of_table.model_dump(exclude=apart) == of_means.model_dump(exclude=apart)
    assert (of_means.sample_spread, of_means.over_samples) == (None, None)
    assert of_table.sample_spread.n_samples == 16


def test_the_interval_over_samples_is_that_of_the_statistics():
    judge = judging(APART)
    (contrast,) = judge.contrasts
    verdict = judge._judged[0].verdict
    assert contrast.over_samples == interval_over_samples(verdict, sample_spread(APART))
    assert contrast.over_samples[0] < -5 < 0 < contrast.interval[0]


@pytest.mark.parametrize(
    ("effects", "region", "own", "remaining"),
    [
        ([ALIKE], above(0), "SUPPORTED", "SUPPORTED"),
        ([APART], above(0), "SUPPORTED", "INCONCLUSIVE"),
        ([ALIKE, APART], above(0), "SUPPORTED", "INCONCLUSIVE"),
        ([ALIKE, BY_SEED[:, 0]], above(0), "SUPPORTED", None),
        ([APART, BY_SEED[:, 0]], above(0), "SUPPORTED", "INCONCLUSIVE"),
        ([ALIKE], below(0), "REFUTED", "REFUTED"),
        ([APART], below(0), "REFUTED", "INCONCLUSIVE"),
        ([ALIKE, -APART], below(0), "REFUTED", "REFUTED"),
        ([APART, BY_SEED[:, 0]], below(0), "REFUTED", None),
        ([ALIKE, BY_SEED[:, 0]], below(0), "REFUTED", "REFUTED"),
        ([ALIKE], above(5), "INCONCLUSIVE", None),
        ([BY_SEED[:, 0]], above(0), "SUPPORTED", None),
    ],
)
def test_what_remains_is_the_verdict_or_nothing(effects, region, own, remaining):
    decision = judging(*effects, region=region).decision()
    assert (decision.verdict.outcome, decision.over_samples) == (own, remaining)


def test_contrasts_that_may_refute_share_the_level_over_samples_too():
    # Half-widths over samples at 95 % and, shared among twenty, at 99.75 %: 3.2 and 5.6.
    spread = BY_SEED + np.array([-5.5, 5.5] * 8)
    assert judging(spread, region=below(0)).decision().over_samples is Outcome.REFUTED
    many = judging(spread, *[-spread] * 19, region=below(0)).decision()
    assert many.verdict.outcome is Outcome.REFUTED
    assert many.over_samples is Outcome.INCONCLUSIVE


def test_nothing_remains_to_be_said_where_a_claim_is_left_open():
    judge = judging(ALIKE)
    judge.leave_open("Nothing can be said.")
    assert judge.decision().over_samples is None


def test_arithmetic_stands_whatever_samples_were_drawn():
    judge = judging(ALIKE)
    judge([1.0], above(0), name="exact", exact=True)
    assert judge.decision().over_samples is Outcome.SUPPORTED
    judge([-1.0], above(0), name="exact and wrong", exact=True)
    assert judge.decision().over_samples is Outcome.REFUTED


def test_a_table_of_one_sample_is_one_effect_per_seed():
    (contrast,) = judging(BY_SEED).contrasts
    assert contrast.sample_spread is None
    assert contrast.effects == tuple(BY_SEED[:, 0])


@pytest.mark.parametrize(
    ("effects", "asked", "text"),
    [
        (ALIKE[:3], {}, "one effect per seed is needed, got 3 effects for 5 seeds"),
        (ALIKE[0], {}, r"shape \(S, N\), got \(16,\); give one number per seed and sample, or"),
        (ALIKE[None], {}, r"effects must have shape \(S, N\), got \(1, 5, 16\)"),
        ([[1.0], [2.0, 3.0]], {}, "effects must be real numbers"),
        (np.full((5, 3), np.nan), {}, "effects must be finite"),
        (ALIKE, {"exact": True}, "gap: exact effects rest on no samples"),
        # The mean over epochs of a curve that somebody forgot to cut would be judged else.
        (ALIKE, {"by_sample": False}, r"shape \(S,\), got \(5, 16\); .* or by_sample=True with"),
    ],
)
def test_what_is_no_table_of_effects_is_refused(effects, asked, text):
    judge = Judge(SEEDS, 0.95)
    with pytest.raises((TicError, ValueError), match=text):
        judge(effects, POSITIVE, name="gap", **{"by_sample": True, **asked})
    assert judge.contrasts == ()


def audit_of(effects, seeds=SEEDS):
    judge = judge_of(seeds)
    judge(effects, above(0), name="gap", unit="pp", by_sample=effects.ndim == 2)
    records = tuple(record(seed) for seed in seeds)
    return audit([judged("claim", judge, records)], records)


def test_an_audit_keeps_what_remains_and_is_judged_to_it_again():
    made = audit_of(APART)
    (kept,) = made.entries
    assert (kept.outcome, kept.over_samples) == ("SUPPORTED", "INCONCLUSIVE")
    assert rejudge(kept).over_samples == "INCONCLUSIVE"
    assert not any(step.faults for step in verify_document(made))


def test_verify_notices_a_verdict_that_was_changed_to_hold_over_samples():
    made = audit_of(APART)
    (kept,) = made.entries
    changed = made.model_copy(
        update={"entries": (kept.model_copy(update={"over_samples": Outcome.SUPPORTED}),)}
    )
    changed = changed.model_copy(update={"seal": seal(changed)})
    (fault,) = [fault for step in verify_document(changed) for fault in step.faults]
    assert fault == ("claim: over_samples is 'SUPPORTED', and 'INCONCLUSIVE' when judged again")


def test_what_was_merged_says_nothing_of_other_samples():
    parts = [audit_of(ALIKE[:2], SEEDS[:2]), audit_of(ALIKE[2:], SEEDS[2:])]
    (pooled,) = merge(parts).entries
    assert pooled.contrasts[0].effects == tuple(ALIKE.mean(1))
    assert pooled.contrasts[0].sample_spread is None
    assert pooled.over_samples is None


def test_an_audit_of_schema_7_has_no_tables_and_keeps_its_seal():
    made = audit_of(ALIKE.mean(1))
    older = json.loads(made.model_dump_json())
    older["schema_version"] = 7
    del older["changed_code"]
    for of_claim in older["entries"]:
        del of_claim["over_samples"]
        for reading in of_claim["readings"]:
            for effects in reading["contrasts"]:
                del effects["sample_spread"]
        for contrast in of_claim["contrasts"]:
            del contrast["over_samples"], contrast["sample_spread"]
    older["seal"] = digest(older)
    raised = Audit.model_validate(upgraded(older))
    assert raised == made
    assert not is_altered(raised)
    older["seconds"] = 1.0
    assert is_altered(Audit.model_validate(upgraded(older)))


def test_audits_with_and_without_tables_are_compared_by_what_both_have():
    change = diff_audits(audit_of(ALIKE.mean(1)), audit_of(ALIKE))
    assert not change.verdicts
    assert not change.evidence
    moved = diff_audits(audit_of(ALIKE), audit_of(APART))
    assert any("over_samples" in field.place for field in moved.evidence)


def read(effects):
    """An audit of a claim that two readings judge."""
    judge = judge_of(SEEDS)
    for name in ("train", "test"):
        of_reading = Judge(SEEDS, 0.95, draws=False)
        of_reading(effects, POSITIVE, name="gap", by_sample=effects.ndim == 2)
        judge.record_reading({"images": name}, of_reading)
    judge.readings_contradict()
    records = tuple(record(seed) for seed in SEEDS)
    return audit([judged("readings", judge, records)], records)


def test_readings_keep_how_far_samples_differ_and_are_compared_without_it():
    kept = read(APART).entries[0].readings[0].contrasts[0]
    assert kept.sample_spread.n_samples == 16
    assert not diff_audits(read(APART.mean(1)), read(APART)).evidence
    older = json.loads(read(APART.mean(1)).model_dump_json())
    assert older["entries"][0]["readings"][0]["contrasts"][0]["sample_spread"] is None


def test_entries_are_compared_without_samples_each_for_itself():
    """A merge keeps them of what one audit alone has."""

    def both(first, second):
        judges = []
        for effects in (first, second):
            judge = judge_of(SEEDS)
            judge(effects, POSITIVE, name="gap", by_sample=effects.ndim == 2)
            judges.append(judge)
        records = tuple(record(seed) for seed in SEEDS)
        names = ("one", "other")
        entries = [judged(n, j, records) for n, j in zip(names, judges, strict=True)]
        return audit(entries, records)

    assert not diff_audits(both(ALIKE, APART), both(ALIKE.mean(1), APART)).evidence


@pytest.mark.parametrize(
    "fields", [{"seeds": ()}, {"rate": True}, {"trend": {"direction": "increasing", "samples": ()}}]
)
def test_a_spread_of_samples_stands_beside_means_alone(fields):
    (contrast,) = judging(ALIKE).contrasts
    with pytest.raises(ValidationError, match="must stand beside means over them"):
        Effects.model_validate(
            {name: getattr(contrast, name) for name in Effects.model_fields} | fields
        )
