"""Ratios, and what is judged of them."""

import time

import pytest

from benchmarks import harness, table
from benchmarks.harness import (
    NotMeasuredError,
    Options,
    Row,
    Sample,
    at_least,
    at_most,
    compare,
    measured,
    more_than,
    paired,
    seconds,
)

LIMIT = "the speed of light"


def result(target, *ratios, measure=None):
    sample = Sample(ratios, 1.0, 2.0)
    row = Row("path/peer", "our path", "a peer", target, LIMIT, measure or (lambda asked: sample))
    return measured(row, Options())


@pytest.mark.parametrize(
    ("target", "ratio", "reached"),
    [
        (at_least(2.5), 2.5, True),
        (at_least(2.5), 2.49, False),
        (more_than(1), 1.01, True),
        (more_than(1), 1.0, False),
        (at_most(1.3), 1.3, True),
        (at_most(1.3), 1.31, False),
    ],
)
def test_a_target_is_reached_on_its_own_side(target, ratio, reached):
    assert result(target, ratio).reached is reached


def test_the_median_decides_and_no_single_pair():
    assert result(at_least(2), 1.0, 2.0, 9.0).reached
    assert not result(at_least(2), 1.0, 1.9, 9.0).reached


def test_a_target_that_is_missed_is_shown_with_a_footnote_that_says_what_limits_it():
    limits = table.Limits()
    assert "**not reached** (1)" in table.line(table.row_document(result(at_least(2), 1.0)), limits)
    assert "**not reached** (1)" in table.line(table.row_document(result(at_least(2), 1.5)), limits)
    assert str(limits) == f"1. {LIMIT}"


def test_a_target_that_is_reached_has_no_footnote():
    limits = table.Limits()
    assert table.line(table.row_document(result(at_least(2), 3.0)), limits).endswith("| reached |")
    assert str(limits) == ""


def test_a_line_shows_the_median_the_target_and_the_spread():
    line = table.line(table.row_document(result(at_least(2), 1.0, 3.0, 9.0)), table.Limits())
    assert line == "| our path | a peer | 3.00 | ≥ 2× | 1.00 to 9.00 | reached |"


def test_a_row_that_cannot_be_measured_says_why_and_is_neither_reached_nor_missed():
    def refuse(asked):
        raise NotMeasuredError("no GPU")

    found = result(at_least(2), measure=refuse)
    assert found.reached is None
    assert not found.failed
    assert "not measured: no GPU" in table.line(table.row_document(found), table.Limits())


def test_a_row_that_breaks_says_so_and_does_not_end_the_others():
    def broken(asked):
        raise RuntimeError("seven is needed")

    found = result(at_least(2), measure=broken)
    assert found.failed
    assert "failed with RuntimeError: seven is needed" in table.line(
        table.row_document(found), table.Limits()
    )


def test_a_ratio_is_speed_where_more_is_wanted_and_cost_where_less_is():
    pairs = [(1.0, 4.0), (2.0, 6.0), (2.0, 4.0)]
    assert paired(at_least(2), pairs).ratios == (4.0, 3.0, 2.0)
    assert paired(more_than(1), pairs).ratio == 3.0
    assert paired(at_most(2), pairs).ratios == pytest.approx((1 / 4, 1 / 3, 1 / 2))
    assert (paired(at_least(2), pairs).ours, paired(at_least(2), pairs).theirs) == (2.0, 4.0)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only calls move."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def call(duration, name=""):
        def run():
            now[0] += duration
            calls.append(name)

        return run

    calls = []
    call.calls = calls
    return call


def test_pairs_are_timed_in_turn_after_one_call_of_each(clock):
    ours, peer = clock(2.0, "ours"), clock(3.0, "peer")
    sample = compare(at_least(1), ours, peer, Options(), least=2)
    assert clock.calls == ["ours", "peer"] * 3
    assert sample.ratios == (1.5, 1.5)


def test_a_cold_comparison_has_no_other_calls(clock):
    compare(at_least(1), clock(1.0, "ours"), clock(1.0, "peer"), Options(), warm=False)
    assert clock.calls == ["ours", "peer"] * 5


def test_the_number_of_pairs_can_be_asked_for(clock):
    sample = compare(at_least(1), clock(1.0), clock(1.0), Options(pairs=3))
    assert len(sample.ratios) == 3


def test_a_peer_that_was_given_a_share_is_scaled_up(clock):
    sample = compare(at_least(1), clock(1.0), clock(1.0), Options(), share=1 / 16)
    assert sample.ratio == 16
    assert sample.theirs == 16


def test_a_call_is_timed_by_the_clock(clock):
    assert seconds(clock(0.25)) == 0.25


def test_json_holds_everything_of_a_row():
    found = table.document([result(at_least(2), 1.0, 3.0, 9.0)], [], [], 12.5)
    assert found["seconds"] == 12.5
    assert {"processor", "cores", "versions"} <= set(found["machine"])
    (row,) = found["rows"]
    assert row["reached"] is True
    assert (row["ratio"], row["smallest"], row["largest"], row["pairs"]) == (3.0, 1.0, 9.0, 3)
    assert (row["target"], row["name"], row["unit"]) == ("≥ 2×", "path/peer", "s")


def test_every_row_says_what_would_limit_it():
    from benchmarks.__main__ import all_rows

    rows = list(all_rows())
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.limit.endswith(".") for row in rows)
    assert harness.Options().pairs is None
