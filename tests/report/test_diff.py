import pytest

from tic.exchange.diff import (
    SHOWN,
    EstimateChange,
    FieldChange,
    VerdictChange,
    diff_audits,
    format_diff,
)
from tic.exchange.diff_markdown import MOST_ROWS, diff_markdown
from tic.report.text import markdown
from tic.stats.judge import JUDGED, Outcome


def test_an_audit_does_not_differ_from_itself(example_audit):
    diff = diff_audits(example_audit, example_audit)
    assert diff.empty
    assert format_diff(diff) == "no difference\n"


def test_times_and_places_do_not_count(example_audit, edited):
    provenance = example_audit.provenance.model_copy(
        update={"command": "other", "platform": "other", "processor": "other"}
    )
    runs = tuple(run.model_copy(update={"seconds": 1e6}) for run in example_audit.runs)
    other = edited(started="2030", seconds=1.0, provenance=provenance, runs=runs)
    other = other.model_copy(
        update={"entries": tuple(e.model_copy(update={"seconds": 9.0}) for e in other.entries)}
    )
    assert format_diff(diff_audits(example_audit, other)) == "no difference\n"


def test_versions_and_data_are_told_but_are_no_evidence(example_audit, edited):
    provenance = example_audit.provenance.model_copy(
        update={"versions": {"torch": "3.0"}, "data_digests": {"digits": "sha256:0"}}
    )
    diff = diff_audits(example_audit, edited(provenance=provenance))
    assert diff.empty
    assert FieldChange("versions.torch", "2.9.1", "3.0") in diff.information
    assert FieldChange("versions.spikingjelly", "2.0.0", "absent") in diff.information
    text = format_diff(diff)
    assert text.startswith("no difference in verdicts and evidence\nmade with, not evidence (4)\n")
    assert "  data_digests.digits: sha256:" in text


def test_entries_come_and_go(example_audit, edited):
    fewer = edited(entries=example_audit.entries[1:])
    diff = diff_audits(example_audit, fewer)
    assert (diff.removed, diff.added) == (("kim2023/concentration[10]",), ())
    assert diff_audits(fewer, example_audit).added == ("kim2023/concentration[10]",)
    assert "removed (1)\n  kim2023/concentration[10]\n" in format_diff(diff)


def test_a_change_of_verdict_is_told(example_audit, edited):
    diff = diff_audits(example_audit, edited(0, outcome=Outcome.INCONCLUSIVE))
    assert diff.verdicts == (
        VerdictChange(
            "kim2023/concentration[10]",
            "claim",
            Outcome.SUPPORTED,
            Outcome.INCONCLUSIVE,
            Outcome.SUPPORTED,
            Outcome.SUPPORTED,
        ),
    )
    assert (
        "kim2023/concentration[10]: SUPPORTED → INCONCLUSIVE (by itself SUPPORTED → SUPPORTED)"
        in format_diff(diff)
    )


def test_estimates_are_compared_to_the_last_bit(example_audit, edited):
    first = example_audit.entries[0].contrasts[0].model_copy(update={"estimate": 0.1 + 0.2})
    second = first.model_copy(update={"estimate": 0.3})
    rest = example_audit.entries[0].contrasts[1:]
    diff = diff_audits(edited(0, contrasts=(first, *rest)), edited(0, contrasts=(second, *rest)))
    assert diff.estimates == (
        EstimateChange(
            "kim2023/concentration[10]",
            "fall of the normalised centroid",
            "normalised centroid",
            0.30000000000000004,
            0.3,
        ),
    )
    assert not diff.empty
    assert "0.30000000000000004 → 0.3 normalised centroid (moved by −5.55×10⁻¹⁷)" in format_diff(
        diff
    )


def test_an_effect_of_one_seed_is_evidence(example_audit, edited):
    old = example_audit.entries[0].contrasts[0]
    new = old.model_copy(update={"effects": (*old.effects[:4], 0.5)})
    rest = example_audit.entries[0].contrasts[1:]
    diff = diff_audits(example_audit, edited(0, contrasts=(new, *rest)))
    (change,) = diff.evidence
    assert change.place == ("kim2023/concentration[10]: fall of the normalised centroid.effects[4]")
    assert change.after == "0.5"
    assert not diff.empty


def test_contrasts_that_come_and_go_are_evidence(example_audit, edited):
    fewer = edited(0, contrasts=example_audit.entries[0].contrasts[:1])
    (change,) = diff_audits(example_audit, fewer).evidence
    assert change.after == "absent"
    assert "Theil–Sen" in change.place


def test_figures_are_summed_up(example_audit, edited):
    figure = example_audit.entries[0].figures[0]
    curve = figure.panels[1].series[0]
    moved = (tuple(v + 1 for v in curve.values[0]), *curve.values[1:])
    series = curve.model_copy(update={"values": moved})
    panel = figure.panels[1].model_copy(update={"series": (series,)})
    panels = (figure.panels[0], panel, *figure.panels[2:])
    other = edited(0, figures=(figure.model_copy(update={"panels": panels}),))
    (change,) = diff_audits(example_audit, other).evidence
    assert change.after == "10 of 285 values differ"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"rule": "another"}, "kim2023/concentration[10].rule"),
        ({"version": 2}, "kim2023/concentration[10].version"),
        ({"p_value": 0.5}, "kim2023/concentration[10].p_value"),
        ({"runs": ()}, "kim2023/concentration[10].runs"),
        ({"protocol": "official"}, "kim2023/concentration[10].protocol"),
        ({"alternatives": ()}, "kim2023/concentration[10].alternatives"),
    ],
)
def test_rules_versions_and_runs_are_evidence(example_audit, edited, changes, place):
    (change,) = diff_audits(example_audit, edited(0, **changes)).evidence
    assert change.place == place


@pytest.mark.parametrize(
    ("field", "other"),
    [("test_accuracy", 50.0), ("train_loss", 9.0), ("weights", "e" * 64), ("status", "diverged")],
)
def test_other_results_of_the_same_run_are_evidence(example_audit, edited, field, other):
    first, *rest = example_audit.runs
    runs = (first.model_copy(update={field: other}), *rest)
    (change,) = diff_audits(example_audit, edited(runs=runs)).evidence
    assert (change.place, change.after) == (f"run {first.fingerprint[:10]}.{field}", str(other))


def test_measured_times_do_not_count_but_what_the_paper_reports_does(example_audit, edited):
    *others, time = example_audit.entries[4].comparisons
    assert time.timed
    slower = time.model_copy(update={"measured": (9.0, 9.1)})
    assert diff_audits(example_audit, edited(4, comparisons=(*others, slower))).empty
    misread = time.model_copy(update={"reported": 69.0})
    (change,) = diff_audits(example_audit, edited(4, comparisons=(*others, misread))).evidence
    assert change == FieldChange("kim2023/alpha-accuracy.comparisons[3].reported", "96.0", "69.0")


def test_other_measured_numbers_are_evidence(example_audit, edited):
    first, *others = example_audit.entries[4].comparisons
    moved = first.model_copy(update={"measured": (*first.measured[:4], 1.0)})
    (change,) = diff_audits(example_audit, edited(4, comparisons=(moved, *others))).evidence
    assert change.place == "kim2023/alpha-accuracy.comparisons[0].measured[4]"


def test_cells_of_heat_maps_are_summed_up(example_audit, edited):
    sums, layers = example_audit.entries[3].figures
    first = layers.panels[0]
    (grid,) = first.values
    moved = ((tuple(value + 1 for value in grid[0]), *grid[1:]),)
    panels = (first.model_copy(update={"values": moved}), *layers.panels[1:])
    other = edited(3, figures=(sums, layers.model_copy(update={"panels": panels})))
    (change,) = diff_audits(example_audit, other).evidence
    # Two heat maps of 4 layers and 10 timesteps, and 3 curves of 5 seeds and 10 timesteps.
    assert change.after == "10 of 230 values differ"


def test_numbers_of_every_kind_of_figure_are_summed_up(example_audit, edited):
    (figure,) = example_audit.entries[4].figures
    heat, bars, counts, shares, images = figure.panels
    row, image = (0.5,) * 30, ((0.5,) * 4,) * 4
    moved = (
        heat.model_copy(update={"values": ((*heat.values[0][:-1], row), *heat.values[1:])}),
        bars.model_copy(update={"reported": None}),
        counts.model_copy(update={"counts": ((2_000,) * 12, counts.counts[1])}),
        shares,
        images.model_copy(update={"images": (*images.images[:3], image, images.images[4])}),
    )
    other = edited(4, figures=(figure.model_copy(update={"panels": moved}),))
    (change,) = diff_audits(example_audit, other).evidence
    assert change.place == "kim2023/alpha-accuracy: figure Other kinds of figures"
    # Twenty-nine of thirty layers and five seeds; five bars of five seeds; twelve bins of two
    # series, twice; images of 16², 16², 8² and 4² grey values and of 16 × 12 colours. One cell that
    # nobody had measured has a value now.
    size = 29**2 * 5 + 1 + 5 * 5 + 2 * 12 * 2 + 2 * 16**2 + 8**2 + 4**2 + 3 * 16 * 12
    moved_values = 30 + 1 + 12 + sum(value != 0.5 for row in images.images[3] for value in row)
    assert change.after == f"{moved_values} of {size} values differ"


def test_what_a_protocol_means_is_evidence(example_audit, edited):
    official = example_audit.protocols[1].model_copy(update={"says": "another"})
    protocols = (example_audit.protocols[0], official)
    diff = diff_audits(example_audit, edited(protocols=protocols))
    assert [change.place for change in diff.evidence] == [
        "protocols.kim2023/official.says",
        "protocols.kim2023/summed-logits",
    ]
    assert diff.evidence[1].after == "absent"


def test_an_interrupted_audit_differs_from_a_complete_one(example_audit, edited):
    (change,) = diff_audits(example_audit, edited(completed=False)).evidence
    assert change == FieldChange("completed", "True", "False")


def test_an_audit_that_is_incomplete_is_named_before_all_else(example_audit, edited):
    partial = edited(completed=False)
    sentence = "The audit {} is incomplete: it ended before every claim was judged."
    before, after = (sentence.format(name) for name in ("before", "after"))
    assert format_diff(diff_audits(partial, example_audit)).startswith(f"{before}\nNone of ")
    assert format_diff(diff_audits(partial, partial)) == f"{before}\n{after}\nno difference\n"
    assert told_in_markdown(partial, partial) == (
        f"### {changed(partial)}\n\n- {before}\n- {after}\n"
    )
    assert f"{changed(partial)}\n\n- {after}\n\n- 1 other" in told_in_markdown(
        example_audit, partial
    )


@pytest.mark.parametrize(
    ("entry", "changes", "place", "before", "after"),
    [
        (0, {"role": "rival"}, "kim2023/concentration[10].role", "claim", "rival"),
        (
            14,
            {"threatens": ("kim2023/concentration", "b")},
            "kim2023/unfitted-readouts[10].threatens[1]",
            "kim2023/alpha-information",
            "b",
        ),
    ],
)
def test_roles_and_threats_are_evidence(
    example_audit, edited, entry, changes, place, before, after
):
    (change,) = diff_audits(example_audit, edited(entry, **changes)).evidence
    assert change == FieldChange(place, before, after)


def test_what_was_planted_is_evidence(example_audit, edited):
    planted = example_audit.entries[20].control.model_copy(update={"says": "another"})
    (change,) = diff_audits(example_audit, edited(20, control=planted)).evidence
    assert change.place.endswith("~shuffled timesteps.control.says")
    assert change.after == "another"


def test_sensitivities_are_evidence(example_audit, edited):
    entry = example_audit.entries[0]
    hanging = (*entry.sensitivity.without[:3], Outcome.REFUTED, Outcome.SUPPORTED)
    moved = entry.sensitivity.model_copy(update={"without": hanging})
    (change,) = diff_audits(example_audit, edited(0, sensitivity=moved)).evidence
    place = "kim2023/concentration[10].sensitivity.without[3]"
    assert change == FieldChange(place, "SUPPORTED", "REFUTED")
    first, *rest = entry.contrasts
    margin = first.sensitivity.model_copy(update={"flip_margin": 0.5})
    contrasts = (first.model_copy(update={"sensitivity": margin}), *rest)
    (change,) = diff_audits(example_audit, edited(0, contrasts=contrasts)).evidence
    assert change.place == (
        "kim2023/concentration[10]: fall of the normalised centroid.sensitivity.flip_margin"
    )


def test_checks_and_worst_cases_are_compared_by_their_name(example_audit, edited):
    entry = example_audit.entries[16]
    place = "kim2023/gradient-masking[pgd]"
    first, second = entry.checks
    failed = (second, first.model_copy(update={"holds": False}))
    (change,) = diff_audits(example_audit, edited(16, checks=failed)).evidence
    name = "check more steps do not help the network"
    assert change == FieldChange(f"{place}: {name}.holds", "True", "False")
    (change,) = diff_audits(example_audit, edited(16, checks=(first,))).evidence
    assert change == FieldChange(f"{place}: check transfer is weaker", "present", "absent")
    low, *others = entry.worst_cases
    survives = low.model_copy(update={"outcome": Outcome.REFUTED})
    (change,) = diff_audits(example_audit, edited(16, worst_cases=(survives, *others))).evidence
    name = "worst case accuracy under PGD, low α"
    assert change == FieldChange(f"{place}: {name}.outcome", "SUPPORTED", "REFUTED")


def test_readings_are_compared_by_their_factors_and_the_first_is_the_standard(
    example_audit, edited
):
    first, second, *others = example_audit.entries[15].readings
    moved = second.model_copy(update={"outcome": Outcome.INCONCLUSIVE})
    (change,) = diff_audits(example_audit, edited(15, readings=(first, moved, *others))).evidence
    name = "reading estimator = empirical, images = training, normalisation = per weight"
    place = "kim2023/estimator[10]"
    assert change == FieldChange(f"{place}: {name}.outcome", "SUPPORTED", "INCONCLUSIVE")
    (change,) = diff_audits(example_audit, edited(15, readings=(second, first, *others))).evidence
    assert change.place == f"{place}: standard reading"
    assert change.after.endswith("normalisation = per weight")


def test_tables_are_summed_up_by_their_rows(example_audit, edited):
    (table,) = example_audit.entries[16].tables
    first, second, *others = table.rows
    values = (tuple(value + 1 for value in second.values[0]), *second.values[1:])
    rows = (first, second.model_copy(update={"values": values}), *others)
    other = edited(16, tables=(table.model_copy(update={"rows": rows}),))
    place = (
        "kim2023/gradient-masking[pgd]: table Accuracy under each attack of the attack suite, PGD"
    )
    (change,) = diff_audits(example_audit, other).evidence
    assert change.place == f"{place}: iterations, PGD, 50 steps"
    assert change.after == "5 of 15 values differ"
    other = edited(16, tables=(table.model_copy(update={"rows": (first, *others), "unit": "pp"}),))
    assert list(diff_audits(example_audit, other).evidence) == [
        FieldChange(f"{place}.unit", "%", "pp"),
        FieldChange(f"{place}: row iterations, PGD, 50 steps", "present", "absent"),
    ]


def test_values_of_more_seeds_are_told_by_their_number(example_audit, edited):
    """Compared one by one, a list of another length would be one difference."""
    entry = example_audit.entries[16]
    (table,) = entry.tables
    first, second, *others = table.rows
    values = tuple((*cell, 50.0) for cell in second.values)
    rows = (first, second.model_copy(update={"values": values}), *others)
    other = edited(16, tables=(table.model_copy(update={"rows": rows}),))
    (change,) = diff_audits(example_audit, other).evidence
    assert (change.before, change.after) == ("15 values", "18 values")
    (change,) = diff_audits(other, example_audit).evidence
    assert (change.before, change.after) == ("18 values", "15 values")

    figure = example_audit.entries[0].figures[0]
    curve = figure.panels[1].series[0]
    series = curve.model_copy(update={"values": (*curve.values, curve.values[0])})
    panel = figure.panels[1].model_copy(update={"series": (series,)})
    panels = (figure.panels[0], panel, *figure.panels[2:])
    other = edited(0, figures=(figure.model_copy(update={"panels": panels}),))
    (change,) = diff_audits(example_audit, other).evidence
    assert (change.before, change.after) == ("285 values", "295 values")


def test_a_protocol_that_becomes_the_releases_is_evidence(example_audit, edited):
    standard, official, summed = example_audit.protocols
    other = official.model_copy(update={"release": False})
    (change,) = diff_audits(example_audit, edited(protocols=(standard, other, summed))).evidence
    assert change == FieldChange("protocols.kim2023/official.release", "True", "False")


def test_the_family_of_the_rivals_is_evidence(example_audit, edited):
    (family,) = example_audit.multiplicity.families
    larger = family.model_copy(update={"rivals": 6})
    more = example_audit.multiplicity.model_copy(update={"families": (larger,)})
    (change,) = diff_audits(example_audit, edited(multiplicity=more)).evidence
    assert change == FieldChange("multiplicity.families.kim2023.rivals", "5", "6")


def test_the_families_of_a_paper_are_compared_setting_by_setting(example_audit, edited):
    (family,) = example_audit.multiplicity.families

    def with_claims(*counts):
        families = tuple(
            family.model_copy(update={"setting": setting, "claims": count})
            for setting, count in zip(("tiny-digits", "vgg9-cifar10"), counts, strict=True)
        )
        shared = example_audit.multiplicity.model_copy(update={"families": families})
        return edited(multiplicity=shared)

    (change,) = diff_audits(with_claims(7, 9), with_claims(8, 9)).evidence
    assert change == FieldChange("multiplicity.families.kim2023[tiny-digits].claims", "7", "8")


def test_entries_with_one_name_do_not_shadow_each_other(example_audit, edited):
    twice = edited(entries=(example_audit.entries[0], example_audit.entries[0]))
    once = edited(entries=(example_audit.entries[0],))
    assert diff_audits(twice, once).removed == ("kim2023/concentration[10] (2)",)


def test_hostile_names_show_as_text(hostile_audit, example_audit):
    text = format_diff(diff_audits(example_audit, hostile_audit))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_first_of_many_differences_are_shown_and_all_on_demand(example_audit, edited):
    run, *_ = example_audit.runs
    many = tuple(run.model_copy(update={"fingerprint": f"{k:024x}"}) for k in range(SHOWN + 5))
    diff = diff_audits(edited(runs=(run,)), edited(runs=(run, *many)))
    count = len(diff.evidence)
    assert count == SHOWN + 5
    lines = format_diff(diff).splitlines()
    assert lines[-1] == f"  and {count - SHOWN} more, which --all lists"
    assert len(lines[lines.index(f"evidence ({count})") :]) == SHOWN + 2
    whole = format_diff(diff, whole=True).splitlines()
    assert len(whole[whole.index(f"evidence ({count})") :]) == count + 1
    assert whole[: len(lines) - 1] == lines[:-1]


def changed(audit, claims="None", rivals="none", controls="none"):
    """The headline where so many of the verdicts of an audit changed."""
    judged = [entry.role for entry in audit.entries if entry.outcome in JUDGED]
    return (
        f"{claims} of {judged.count('claim')} verdicts on claims changed, "
        f"{rivals} of {judged.count('rival')} on rivals and "
        f"{controls} of {judged.count('control')} on controls"
    )


def told_in_markdown(before, after):
    return diff_markdown(diff_audits(before, after), before, after)


def test_a_comment_without_changes_is_one_line(example_audit):
    assert told_in_markdown(example_audit, example_audit) == f"### {changed(example_audit)}\n"


def test_a_comment_lists_verdicts_with_their_estimates_the_gravest_first(example_audit):
    entries = list(example_audit.entries)
    of = {entry.id: place for place, entry in enumerate(entries)}
    control = next(e.id for e in entries if e.role == "control" and e.outcome != "SUPPORTED")
    supported = [e.id for e in entries if e.role == "claim" and e.outcome == "SUPPORTED"]
    changes = {
        supported[0]: Outcome.INCONCLUSIVE,
        supported[1]: Outcome.ERROR,
        supported[2]: Outcome.REFUTED,
        control: Outcome.SUPPORTED,
    }
    for name, outcome in changes.items():
        entries[of[name]] = entries[of[name]].model_copy(update={"outcome": outcome})
    told = told_in_markdown(
        example_audit, example_audit.model_copy(update={"entries": tuple(entries)})
    )
    assert told.startswith(
        f"### {changed(example_audit, claims=3, controls=1)}\n\n| Entry | Before | After |"
    )
    rows = [line for line in told.splitlines() if line.startswith("| ")][2:]
    escaped = [markdown(name) for name in reversed(changes)]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == escaped
    assert "| ✓ SUPPORTED −0.0050 normalised centroid per epoch \\[−0.0062, −0.0037\\] |" in rows[3]
    assert "| ? INCONCLUSIVE −0.0050 " in rows[3]


def test_another_rule_is_told_before_what_came_of_it(example_audit, edited):
    first = example_audit.entries[0]
    contrast = first.contrasts[0]
    region = contrast.region.model_copy(update={"low": None, "high": -2.0, "text": "below -2"})
    turned = contrast.model_copy(update={"region": region})
    regions = f"{contrast.name}, {contrast.region.text} before, below -2 after"

    def told(**changes):
        return format_diff(diff_audits(example_audit, edited(0, **changes)))

    changed = {"contrasts": (turned, *first.contrasts[1:])}
    unraised = f"{first.id}: {regions}; both are version {first.version}: raise it"
    assert f"judged by another rule (1)\n  {unraised}\n" in told(**changed)
    raised = f"{first.id}: version {first.version} before, {first.version + 1} after"
    assert f"  {raised}; {regions}\n" in told(**changed, version=first.version + 1)
    assert f"  {raised}\n" in told(version=first.version + 1)
    reworded = f"  {first.id}: its rule has another text; raise version {first.version} where it "
    assert reworded in told(rule="Otherwise.")
    assert "another rule" not in told(reason="Otherwise.")
    comment = told_in_markdown(example_audit, edited(0, **changed))
    assert f"- **Another rule**: {markdown(unraised)}." in comment


def test_a_comment_counts_what_is_no_verdict(example_audit, edited):
    first = example_audit.entries[0].contrasts[0].model_copy(update={"estimate": 9.0})
    rest = example_audit.entries[0].contrasts[1:]
    provenance = example_audit.provenance.model_copy(update={"python": "9"})
    other = edited(0, contrasts=(first, *rest), reason="another")
    other = other.model_copy(update={"provenance": provenance, "entries": other.entries[:-1]})
    told = told_in_markdown(example_audit, other)
    assert told == (
        f"### {changed(other)}\n\n"
        f"- Gone (1): {markdown(example_audit.entries[-1].id)}.\n"
        "- 1 estimate moved.\n"
        "- 1 other difference in the evidence, which `tic diff --all` lists.\n"
        "- Not evidence, but not the same: Python.\n"
    )
    assert "- New (1): " in told_in_markdown(other, example_audit)


def not_run(audit):
    blank = {"outcome": Outcome.NOT_RUN, "own_outcome": Outcome.NOT_RUN}
    entries = tuple(entry.model_copy(update=blank) for entry in audit.entries)
    return audit.model_copy(update={"entries": entries})


def test_a_first_verdict_is_no_change_of_one(example_audit, edited):
    two = edited(entries=example_audit.entries[:2])
    both = edited(entries=not_run(two).entries[:1] + two.entries[1:])
    assert diff_audits(not_run(two), two).headline == "2 claims were judged for the first time"
    assert diff_audits(both, two).headline == (
        "None of 1 verdict changed; 1 claim was judged for the first time"
    )
    assert diff_audits(two, both).headline == "1 of 2 verdicts changed"
    assert diff_audits(not_run(two), not_run(two)).headline == "No verdict to compare"
    turned = two.entries[1].model_copy(update={"outcome": Outcome.REFUTED})
    told = told_in_markdown(both, edited(entries=(two.entries[0], turned)))
    rows = [line for line in told.splitlines() if line.startswith("| kim2023/")]
    assert "NOT RUN" in rows[1]


def with_outcomes(audit, outcomes):
    """The audit with other outcomes of entries, by id."""
    entries = (
        entry.model_copy(update={"outcome": outcomes.get(entry.id, entry.outcome)})
        for entry in audit.entries
    )
    return audit.model_copy(update={"entries": tuple(entries)})


def test_verdicts_are_counted_by_role_and_those_on_claims_come_first(example_audit):
    claims, rivals, controls = (
        [e.id for e in example_audit.entries if e.role == role and e.outcome in JUDGED]
        for role in ("claim", "rival", "control")
    )
    before = with_outcomes(
        example_audit, dict.fromkeys([*claims[:2], controls[0]], Outcome.NOT_RUN)
    )
    before = with_outcomes(before, {controls[1]: Outcome.REFUTED, controls[2]: Outcome.REFUTED})
    turned = {controls[1]: Outcome.INCONCLUSIVE, controls[2]: Outcome.SUPPORTED}
    turned |= {rivals[0]: Outcome.ERROR, claims[2]: Outcome.INCONCLUSIVE}
    after = with_outcomes(example_audit, turned)
    diff = diff_audits(before, after)
    assert diff.headline == (
        f"1 of {len(claims) - 2} verdicts on claims changed, 1 of {len(rivals)} on rivals and "
        f"2 of {len(controls) - 1} on controls; 2 claims and 1 control were judged for the first "
        "time"
    )
    listed = [change.entry for change in diff.verdicts]
    assert listed == [*claims[:3], rivals[0], *controls[:3]]
    rows = [line for line in diff_markdown(diff, before, after).splitlines() if "| kim" in line]
    first = [controls[2], claims[2], *claims[:2], rivals[0], controls[1], controls[0]]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [*map(markdown, first)]
    of_rivals = {"entries": tuple(e for e in before.entries if e.role == "rival")}
    only = before.model_copy(update=of_rivals)
    assert diff_audits(only, only).headline == (f"None of {len(rivals)} verdicts on rivals changed")


def test_the_papers_are_evidence(example_audit, edited):
    (paper,) = example_audit.papers
    other = paper.model_copy(update={"title": "Another", "year": 1999})
    diff = diff_audits(example_audit, edited(papers=(other,)))
    assert diff.evidence == (
        FieldChange("papers.kim2023.title", paper.title, "Another"),
        FieldChange("papers.kim2023.year", "2023", "1999"),
    )
    assert not diff.empty
    assert diff_audits(
        edited(papers=(paper, other.model_copy(update={"key": "b"}))),
        edited(papers=(other.model_copy(update={"key": "b"}), paper)),
    ).empty


def test_verdicts_come_before_what_came_and_went(example_audit, edited):
    other = edited(0, outcome=Outcome.INCONCLUSIVE)
    other = other.model_copy(update={"entries": other.entries[:-1]})
    lines = format_diff(diff_audits(example_audit, other)).splitlines()
    assert lines[0] == changed(other, claims=1)
    assert lines.index("verdicts (1)") < lines.index("removed (1)")


def test_entries_in_another_setting_are_told_to_be_incomparable(example_audit, edited):
    def at(data, *entries):
        return tuple(
            entry.model_copy(
                update={"id": f"{entry.id}-{data}", "parameters": {"data set": data, "T": "5"}}
            )
            for entry in entries
        )

    first, second, third, *_ = example_audit.entries
    before = edited(entries=(*at("digits", first), second))
    after = edited(entries=(*at("fashion", first), second, third))
    diff = diff_audits(before, after)
    told = (
        "1 entry of the first audit and 1 of the second cannot be compared, since their setting "
        "differs: data set digits before, fashion after."
    )
    assert diff.incomparable == told
    assert format_diff(diff).startswith(f"{told}\nNone of 1 verdict changed\n")
    comment = told_in_markdown(before, after)
    assert comment.startswith(f"{told}\n\n### None of 1 verdict changed\n")
    assert f"New (1): {markdown(third.id)}." in comment
    assert "Gone" not in comment
    # As many values as before, but not another setting: the entry is merely new.
    assert diff_audits(edited(entries=(first,)), edited(entries=(second,))).incomparable == ""


def test_a_comment_names_in_words_what_audits_were_made_with(example_audit):
    def made_with(**changes):
        provenance = example_audit.provenance.model_copy(update=changes)
        return example_audit.model_copy(update={"provenance": provenance})

    before = made_with(versions={"torch": "2"}, data_digests={"digits, all images": "0"})
    after = made_with(
        versions={"torch": "3", "jax": "1"}, data_digests={"digits, all images": "1", "b": "2"},
        git_commit="0" * 40,
    )  # fmt: skip
    assert told_in_markdown(before, after).endswith(
        "- Not evidence, but not the same: commit; version of torch; data of digits, all images.\n"
    )
    absent = made_with(versions={}, data_digests={})
    assert "Not evidence" not in told_in_markdown(absent, before)


def test_a_comment_stays_short_however_much_changed(example_audit):
    entry = example_audit.entries[0]
    many = tuple(entry.model_copy(update={"id": f"other2024/c{n}"}) for n in range(1000))
    turned = tuple(e.model_copy(update={"outcome": Outcome.REFUTED}) for e in many)
    before, after = (example_audit.model_copy(update={"entries": e}) for e in (many, turned))
    told = told_in_markdown(before, after)
    assert told.count("\n| other2024/") == MOST_ROWS
    assert f"\n\nAnd {1000 - MOST_ROWS} more.\n" in told
    gone = told_in_markdown(before, after.model_copy(update={"entries": ()}))
    assert "other2024/c7 and 992 more.\n" in gone
    assert len(told) < 65_536


def test_a_comment_shows_what_others_wrote_as_text(armed_audit):
    turned = tuple(
        entry.model_copy(update={"outcome": Outcome.NOT_RUN, "own_outcome": Outcome.NOT_RUN})
        for entry in armed_audit.entries
    )
    told = told_in_markdown(armed_audit, armed_audit.model_copy(update={"entries": turned}))
    assert "onmouseover" in told
    assert "<" not in told
    assert "](" not in told.replace("\\](", "")
    assert told.replace("\n", "").isprintable()
    assert len([line for line in told.splitlines() if line.startswith("| ")]) <= MOST_ROWS + 2
