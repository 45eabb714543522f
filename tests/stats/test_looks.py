import numpy as np
import pytest

from tic.stats import above, error_share, judge
from tic.stats.calibration import simulated_audits
from tic.stats.calibration.noise import NOISES
from tic.stats.calibration.simulated_audits import wrong_audits
from tic.stats.looks import LOOKS, next_look


def test_all_looks_together_spend_less_than_the_whole():
    shares = [error_share(n_seeds) for n_seeds in LOOKS]
    assert shares[:7] == [1 / 8] * 7
    assert shares[7:9] == [1 / 16, 1 / 32]
    assert sum(shares) == 1 - 1 / 1024
    assert error_share(5000) == shares[-1]


def test_a_number_between_two_looks_is_part_of_the_later_one():
    assert error_share(1) == error_share(3) == error_share(5) == 1 / 8
    assert error_share(61) == error_share(90) == 1 / 16


def test_looks_follow_each_other():
    assert [next_look(n) for n in (0, 4, 5, 6, 60, LOOKS[-1])] == [5, 5, 8, 8, 90, None]


def test_a_number_that_was_fixed_in_advance_is_looked_at_once():
    assert error_share(3, "fixed") == error_share(500, "fixed") == 1


@pytest.mark.parametrize(("n_seeds", "design"), [(0, "fixed"), (2.5, "fixed"), (5, "adaptive")])
def test_what_is_no_look_is_refused(n_seeds, design):
    with pytest.raises(ValueError, match="must be"):
        error_share(n_seeds, design)


def wrong(noise, **options):
    rates = {"truth": "false", "level": 0.025, **options}
    return wrong_audits(np.random.default_rng(2), noise, 600, LOOKS[:4], **rates)


@pytest.mark.parametrize("truth", ["false", "true"])
@pytest.mark.parametrize("noise", ["normal", "Student t, 3 df", "accuracies of 64 images"])
def test_audits_keep_their_promise_at_every_look(noise, truth):
    rates = wrong(NOISES[noise], truth=truth)
    assert list(rates) == sorted(rates)
    assert rates[-1] <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 600)


@pytest.mark.parametrize("truth", ["false", "true"])
def test_audits_at_the_level_of_a_single_claim_break_it(truth):
    assert wrong(NOISES["normal"], truth=truth, level=0.025 * 30)[-1] > 0.2


def test_true_claims_between_two_near_edges_are_refuted_at_both():
    of_one_edge, of_two = (
        wrong_audits(
            np.random.default_rng(2), NOISES["normal"], 4000, (5,), truth=truth, level=0.025,
            design="fixed",
        )[0]
        for truth in ("true", "true between two near edges")
    )  # fmt: skip
    # The rates of thirty claims at the level of 2.5 % and of twice that, with three binomial
    # standard errors of 4000 audits.
    assert of_one_edge == pytest.approx(0.0247, abs=3 * np.sqrt(0.0247 / 4000))
    assert of_two == pytest.approx(0.0488, abs=3 * np.sqrt(0.0488 / 4000))


def test_looking_again_at_the_full_level_errs_more_than_once():
    fixed = wrong(NOISES["normal"], level=0.5, design="fixed")
    assert fixed[-1] > 1.5 * fixed[0] > 0.3


def test_one_seed_counted_several_times_decides_nothing():
    constant = wrong(lambda rng, shape: np.full(shape, -1.0))
    assert constant == (0, 0, 0, 0)


def test_a_true_claim_of_several_contrasts_is_refuted_by_the_smallest_times_their_number(
    monkeypatch,
):
    # Effects are alike in all contrasts, so that every p is the same. The level of a claim lies
    # between p and its double: claims of one contrast are refuted, one of two or four is not.
    effects = np.array([-1.0, -2.0, -1.5, -0.5, -1.2])
    p_value = judge(effects, above(0)).refutation_p_value

    def rate(*claims, level_of_claim):
        monkeypatch.setattr(simulated_audits, "CLAIMS", claims)
        return wrong_audits(
            np.random.default_rng(0),
            lambda rng, shape: np.broadcast_to(effects[: shape[-1]], shape),
            3,
            (5,),
            truth="true",
            level=level_of_claim * len(claims),
            design="fixed",
        )

    for contrasts in (1, 2, 4):
        claims = (contrasts,) * 3
        assert rate(*claims, level_of_claim=0.99 * contrasts * p_value) == (0.0,)
        assert rate(*claims, level_of_claim=1.01 * contrasts * p_value) == (1.0,)


@pytest.mark.parametrize("truth", ["true", "false"])
def test_pilots_keep_the_error_rate_of_whole_audits(truth):
    plain, heavy = (
        wrong_audits(
            np.random.default_rng(2), NOISES[name], 1000, LOOKS[:5], truth=truth, level=0.025,
            pilot=6,
        )
        for name in ("normal", "Student t, 3 df")
    )  # fmt: skip
    # 2.5 % with three binomial standard errors of 1000 audits.
    assert 0 < plain[-1] < 0.04
    assert heavy[-1] < 0.04
