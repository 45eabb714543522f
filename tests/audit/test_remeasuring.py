"""How far a measurement that is taken again may be from what the Store has."""

import math

import pytest
from judged_audits import audit, record

from tic.exchange import remeasuring
from tic.exchange.remeasuring import AGREEMENT, measure_again, relative_difference


def answers(right, wrong):
    return {"accuracy": 90.0, "correct": [1] * right + [0] * wrong}


def test_a_seed_draws_what_is_measured_again(monkeypatch):
    class Documents:
        def read(self, path):
            return b"{}"

    records = [record(seed, measurements={f"{seed}.json": "0"}) for seed in range(8)]
    made = audit([], records)

    def drawn(seed):
        names = []
        monkeypatch.setattr(
            remeasuring, "_compare", lambda document, name, *rest: names.append(name) or ""
        )
        assert measure_again(made, Documents(), None, sample=3, seed=seed).count == 3
        return frozenset(names)

    assert drawn(0) == drawn(0)
    assert {len(drawn(seed)) for seed in range(9)} == {3}
    assert len({drawn(seed) for seed in range(9)}) > 4


def test_numbers_differ_by_the_share_of_their_length():
    assert relative_difference({"a": [3.0, 4.0]}, {"a": [3.0, 4.0]}) == 0
    assert relative_difference({"a": [3.0], "b": 4.5}, {"a": [3.0], "b": 4.0}) == 0.1
    assert relative_difference({"a": 1.0}, {"a": 0.0}) == math.inf


@pytest.mark.parametrize(
    ("right", "rounding"), [(324, True), (325, True), (328, True), (330, False), (300, False)]
)
def test_answers_differ_by_how_many_of_them_do_and_one_may_flip(right, rounding):
    difference = relative_difference(answers(324, 36), answers(right, 360 - right))
    assert difference == pytest.approx(max(0, abs(right - 324) - 1) / 360)
    assert (difference <= AGREEMENT) is rounding


def test_one_answer_of_few_may_flip_and_two_may_not():
    assert relative_difference({"correct": [1, 1, 0]}, {"correct": [1, 0, 0]}) == 0
    assert relative_difference({"correct": [1, 1, 0]}, {"correct": [0, 0, 0]}) > AGREEMENT


def test_numbers_count_beside_answers():
    other = {**answers(324, 36), "accuracy": 80.0}
    assert relative_difference(answers(324, 36), other) == pytest.approx(10 / 80)


@pytest.mark.parametrize(
    ("stored", "measured"),
    [
        ({"correct": [1, 0]}, {"correct": [1, 0, 1]}),
        ({"correct": [1, 0]}, {"correct": [1, 2]}),
        ({"correct": [1, 0]}, {"right": [1, 0]}),
        ({"a": 1.0}, {"b": 1.0}),
    ],
)
def test_results_of_other_forms_are_not_alike(stored, measured):
    assert relative_difference(stored, measured) == math.inf
