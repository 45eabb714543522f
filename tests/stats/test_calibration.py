import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tic.document import correction
from tic.stats import (
    Outcome,
    above,
    below,
    calibration,
    combination,
    judge,
    judge_trend,
    page_effects,
    theil_sen_slope,
    within,
)
from tic.stats.calibration import audits, calibrate, claims, decisions, edges, fast_judge, trends
from tic.stats.calibration.cases import Setup, rates_of_mean
from tic.stats.calibration.fast_judge import (
    johnson_p_values,
    judge_rows,
    judge_rows_by_page,
    rank_correlations,
    slopes,
    student_p_values,
)
from tic.stats.calibration.noise import (
    NOISES,
    SKEWED,
    opposite_seeds,
    random_walks,
    smooth_curves,
    unequal_spreads,
)
from tic.stats.calibration.simulated_audits import CLAIMS, wrong_audits
from tic.stats.calibration.tables import Row, Table
from tic.stats.combination import combine
from tic.stats.looks import LOOKS, error_share

REGIONS = [above(0.3), below(-0.2), within(-0.5, 0.7)]


def setup_of(simulations, *n_seeds, rule=judge_rows):
    return Setup(simulations, n_seeds, np.random.default_rng(3), rule)


def by_the_judge(effects, region):
    return [judge(row, region) for row in effects]


def by_an_interval_of_80_percent(effects, region):
    return judge_rows(effects, region, confidence=0.8)


def always_supporting(effects, region):
    verdicts = judge_rows(effects, region)
    return [replace(verdict, outcome=Outcome.SUPPORTED, p_value=0.0) for verdict in verdicts]


def missed(table):
    return {row.label for row in table.rows if not table.kept(row)}


@settings(max_examples=20)
@given(
    st.integers(0, 10**6),
    st.integers(3, 20),
    st.sampled_from(list(NOISES)),
    st.sampled_from(REGIONS),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_rows_are_judged_as_the_judge_judges_each(seed, n_seeds, noise, region, confidence):
    effects = NOISES[noise](np.random.default_rng(seed), (9, n_seeds)) + 0.5
    effects[4] = 0.25
    for row, found in zip(effects, judge_rows(effects, region, confidence=confidence), strict=True):
        wanted = judge(row, region, confidence=confidence)
        assert found.outcome is wanted.outcome
        assert found.p_value == pytest.approx(wanted.p_value)
        assert found.refutation_p_value == pytest.approx(wanted.refutation_p_value)
        assert (found.n_seeds, found.confidence) == (n_seeds, confidence)


def test_a_simulation_stops_where_the_judge_disagrees(monkeypatch):
    mute = judge([1, 2], above(0))
    monkeypatch.setattr(fast_judge, "judge", lambda *arguments, **options: mute)
    with pytest.raises(ValueError, match="must say what judge says, got SUPPORTED for INCONCL"):
        judge_rows(np.array([[1.0, 1.1, 1.2]]), above(0))


@pytest.mark.parametrize(("n_seeds", "points"), [(3, 3), (4, 5), (5, 10)])
def test_tables_are_judged_as_judge_trend_judges_each(n_seeds, points):
    samples = np.random.default_rng(1).standard_normal((60, n_seeds, points))
    samples += np.arange(points) / 4
    for table, found in zip(samples, judge_rows_by_page(samples), strict=True):
        wanted = judge_trend(table, direction="increasing")
        assert found.outcome is wanted.outcome
        assert found.p_value == pytest.approx(wanted.p_value)


def test_what_is_taken_of_a_curve_is_what_the_claims_take():
    curves = random_walks(np.random.default_rng(2), (3, 4, 10))
    for curve, slope in zip(curves.reshape(-1, 10), slopes(curves).ravel(), strict=True):
        assert slope == pytest.approx(theil_sen_slope(np.arange(10), curve))
    for table, effects in zip(curves, rank_correlations(curves), strict=True):
        assert effects == pytest.approx(page_effects(table, direction="increasing"))


@pytest.mark.parametrize("noise", NOISES)
def test_noise_has_mean_0_and_standard_deviation_1(noise):
    effects = NOISES[noise](np.random.default_rng(4), (400_000,))
    assert effects.mean() == pytest.approx(0, abs=0.01)
    assert effects.std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("curves", [random_walks, smooth_curves])
def test_curves_rise_as_often_as_they_fall(curves):
    made = curves(np.random.default_rng(5), (20_000, 10))
    assert np.mean(made[:, -1] > made[:, 0]) == pytest.approx(0.5, abs=0.015)


def test_johnsons_t_by_hand():
    # 0, 0, 3: t = 1, skewness 1/sqrt(2), so t + 3/(6 sqrt(6)); F for 2 df in closed form
    corrected = 1 + 1 / math.sqrt(24)
    p_value = 0.5 - corrected / (2 * math.sqrt(2 + corrected**2))
    effects = np.array([[0.0, 0.0, 3.0], [1.0, 2.0, 3.0]])
    assert johnson_p_values(effects)[0] == pytest.approx(p_value)
    assert johnson_p_values(effects)[1] == pytest.approx(student_p_values(effects)[1])
    assert student_p_values(effects)[1] == pytest.approx(judge([1, 2, 3], above(0)).p_value)


@pytest.mark.parametrize("region", [above(0), below(0), within(0, 100), within(-0.05, 0.05)])
@pytest.mark.parametrize("noise", ["normal", "Student t, 3 df"])
def test_the_judge_itself_keeps_its_promise_on_an_edge(noise, region):
    # and three binomial standard errors of 400 audits
    promise = 0.05 if region == within(-0.05, 0.05) else 0.025
    for n_seeds in (3, 10):
        rates = rates_of_mean(
            setup_of(400, n_seeds, rule=by_the_judge), NOISES[noise], region, n_seeds
        )
        assert max(rates) <= promise + 3 * math.sqrt(promise * (1 - promise) / 400)


def test_the_promise_is_kept_on_an_edge_unless_effects_are_skewed_or_have_two_humps():
    table = edges(setup_of(1000, 3, 5, 20))
    shapes = {label.split(",")[0] for label in missed(table)}
    assert shapes == {"arcsine (two humps)", *SKEWED}
    assert len(table.rows) == 9 * 5


def test_page_breaks_the_promise_on_curves_and_where_orders_are_not_equally_likely():
    broken = missed(trends(setup_of(1000, 10)))
    assert {label for label in broken if label.startswith("Page")} == {
        "Page, 10 points of a random walk",
        "Page, 10 points of a smooth curve",
        "Page, 5 separate conditions that scatter unequally",
        "Page, 5 separate conditions of seeds that disagree",
    }
    assert not {label for label in broken if label.startswith("Theil–Sen")}


def test_seeds_that_disagree_rise_or_fall_as_a_whole():
    made = opposite_seeds(np.random.default_rng(5), (2000, 5))
    rises = np.diff(made, axis=1) > 0
    assert (rises.all(1) | ~rises.any(1)).all()
    assert rises[:, 0].mean() == pytest.approx(0.5, abs=0.04)


def test_conditions_that_scatter_unequally_have_one_mean():
    made = unequal_spreads(np.random.default_rng(6), (40_000, 4))
    assert made.mean(0) == pytest.approx(np.zeros(4), abs=0.1)
    assert made.std(0) == pytest.approx([5, 1, 1, 5], rel=0.03)


def test_an_audit_keeps_its_promise_at_every_look_unless_effects_are_skewed_or_have_two_humps():
    table = audits(setup_of(400))
    broken = missed(table)
    truths = ("false", "true", "true between two near edges")
    assert broken == {row.label for row in table.rows if "tail excluded" in row.label} | {
        *(f"arcsine (two humps), all claims {truth}" for truth in truths),
        # Of the others the rates are too near the promise for 400 audits.
        "normal, all claims true between two near edges, looked at after every seed",
    }
    assert len(table.rows) == 3 * 6 + 2 * 2 * 3 + 3


@pytest.mark.parametrize("pilot", [0, 6])
@pytest.mark.parametrize(
    ("truth", "region", "wrong"),
    [
        ("false", below(0), Outcome.SUPPORTED),
        ("true", above(0), Outcome.REFUTED),
        ("true between two near edges", within(-1e-9, 1e-9), Outcome.REFUTED),
    ],
)
def test_simulated_audits_are_judged_as_the_judge_judges_each(truth, region, wrong, pilot):
    draws, looks, level = [], LOOKS[:3], 0.8

    def noise(rng, shape):
        draws.append(NOISES["Student t, 3 df"](rng, shape))
        return draws[-1]

    rates = wrong_audits(
        np.random.default_rng(8), noise, 12, looks, truth=truth, level=level, pilot=pilot
    )
    effects, others = draws
    counts = [1] * 30 if truth == "false" else CLAIMS
    ends = np.cumsum(counts)
    decided = np.zeros((12, len(looks)), dtype=bool)
    for audit, (of_audit, of_pilot) in enumerate(zip(effects, others, strict=True)):
        for position, look in enumerate(looks):
            confidence = 1 - 2 * level * error_share(look, "sequential") / 30
            claims_judged = [
                combine(
                    [
                        judge(of_audit[c, :look], region, confidence=confidence, pilot=of_pilot[c])
                        for c in range(end - count, end)
                    ]
                )
                for count, end in zip(counts, ends, strict=True)
            ]
            decided[audit, position:] |= any(c.outcome is wrong for c in claims_judged)
    assert rates == tuple(decided.mean(0))
    assert 0 < rates[-1] < 1


def test_claims_keep_the_promise_unless_they_are_skewed():
    found = missed(claims(setup_of(1000, 5)))
    assert found
    assert all(label.startswith("exponential") for label in found)


def test_power_is_what_is_predicted_of_normal_effects():
    for row in decisions(setup_of(2000, 3, 10)).rows:
        for simulated, predicted in row.cells if row.label.startswith("normal") else ():
            error = math.sqrt(max(predicted * (1 - predicted), 1e-3) / 2000)
            assert simulated == pytest.approx(predicted, abs=4 * error)


def test_a_judge_that_always_supports_is_caught():
    setup = setup_of(100, 5, rule=always_supporting)
    assert len(missed(edges(setup))) == 45


def test_a_judge_with_an_interval_of_80_percent_is_caught():
    table = edges(setup_of(2000, 3, 10, rule=by_an_interval_of_80_percent))
    assert {f"normal, {place}" for place in calibration._EDGES} <= missed(table)


def test_audits_are_simulated_at_the_level_of_real_ones():
    assert calibration.LEVEL == correction.LEVEL


def test_an_audit_whose_claims_do_not_share_the_error_rate_is_caught(monkeypatch):
    monkeypatch.setattr(calibration, "LEVEL", 30 * calibration.LEVEL)
    assert "normal, all claims false" in missed(audits(setup_of(100)))


def test_a_claim_without_holms_correction_is_caught(monkeypatch):
    monkeypatch.setattr(combination, "holm", lambda p_values, level: [p <= level for p in p_values])
    assert "normal, 4 contrasts, each between two near edges" in missed(claims(setup_of(1000, 5)))


def test_a_promise_is_missed_from_three_binomial_errors_on():
    # sqrt(0.05·0.95/10000) = 0.00218
    table = Table("", "", (), (), 10_000)
    assert table.kept(Row("", ((0.03, 0.0565),), 0.05))
    assert not table.kept(Row("", ((0.03, 0.02), (0.0566, 0)), 0.05))
    assert table.kept(Row("", ((1.0,),)))


def test_a_table_is_printed_in_markdown():
    rows = (
        Row("fine", ((0.025, 0.0), (0.05,)), 0.05),
        Row("bad", ((0.2,), (0.1234,)), 0.025),
        Row("free", ((0.2,), (0.1234,))),
    )
    table = Table("Title", "what it is, %", ("S = 3", "S = 4"), rows, 100)
    assert str(table) == (
        "## Title\n\nIn each cell: what it is, %.\n\n"
        "|  | S = 3 | S = 4 | promise |\n| --- | --- | --- | --- |\n"
        "| fine | 2.5 / 0.0 | 5.0 | 5 %, kept |\n| bad | 20.0 | 12.3 | 2.5 %, **not kept** |\n"
        "| free | 20.0 | 12.3 | none |\n"
    )
    assert "promise" not in str(replace(table, rows=rows[2:]))


def test_twice_the_promise_is_allowed_between_two_near_edges_alone():
    for table in (edges(setup_of(2, 3)), claims(setup_of(2, 5)), audits(setup_of(2))):
        assert {row.promise for row in table.rows} == {0.025, 0.05}
        for row in table.rows:
            assert (row.promise == 0.05) == ("near" in row.label)
    assert {row.promise for row in trends(setup_of(2, 3)).rows} == {0.025}
    assert {row.promise for row in decisions(setup_of(2, 3)).rows} == {None}


def test_a_seed_gives_the_same_tables_and_another_gives_others():
    first, again, other = (
        [next(calibrate(200, seed, n_seeds=[3])) for _ in "x"] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_document_shows_the_tables_that_are_printed(request):
    document = request.config.rootpath.joinpath("docs", "calibration.md").read_text("utf-8")
    printed = "\n".join(str(table) for table in calibrate(2))

    def without_rates(text):
        lines = re.findall(r"^(?:##|\||In each cell).*", text, flags=re.M)
        return [re.sub(r"\d+\.\d\b(?! %)|\**(not )?kept\**", "", line) for line in lines]

    assert without_rates(printed) == without_rates(document[document.index("## One contrast") :])


def test_the_first_table_of_the_document_has_the_rates_that_are_printed(request):
    document = request.config.rootpath.joinpath("docs", "calibration.md").read_text("utf-8")
    assert str(next(calibrate())) in document


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"simulations": 0}, "simulations must be at least 1, got 0"),
        ({"simulations": 10**12}, "simulations must be at most 1000000, got 1000000000000"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"n_seeds": (2, 3)}, "n_seeds must be at least 3, got 2"),
    ],
)
def test_what_cannot_be_simulated_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        calibrate(**options)
