"""The command line: what is chosen, shown and written."""

import json

import pytest

from benchmarks import __main__ as command
from benchmarks.decided import Yield
from benchmarks.harness import Row, Sample, at_least, at_most
from benchmarks.scaling import Growth


@pytest.fixture
def rows(monkeypatch):
    """Two rows that measure nothing, the second of which misses its target."""
    made = [
        Row("fast/one", "one", "a peer", at_least(2), "all.", lambda asked: Sample((3.0,), 1, 3)),
        Row("slow/two", "two", "a floor", at_most(1), "all.", lambda asked: Sample((3.0,), 3, 1)),
    ]
    monkeypatch.setattr(command, "all_rows", lambda: iter(made))
    return made


@pytest.fixture
def run(rows, tmp_path, monkeypatch):
    growth = Growth("training step", "batch", (1.0, 2.0), (0.1, 0.2), 1.0)
    monkeypatch.setattr(command.scaling, "growths", lambda: [growth])
    counted = Yield("kept", 1, "fixed", 4, 2, 0, 0, 8, 1800.0)
    monkeypatch.setattr(command.decided, "yields", lambda: [counted])

    def run(*arguments):
        files = ("--json", str(tmp_path / "found.json"), "--figure", str(tmp_path / "found.svg"))
        return command.main([*arguments, *files])

    return run


def test_a_missed_target_is_a_result_and_no_failure(run, capsys):
    assert run() == 0
    shown = capsys.readouterr().out
    assert "| one | a peer | 3.00 | ≥ 2× | one pair | reached |" in shown
    assert "**not reached** (1)" in shown
    assert "Not reached, since:\n\n1. all." in shown


def test_everything_is_written_as_json_and_scaling_is_drawn(run, tmp_path):
    run()
    written = json.loads((tmp_path / "found.json").read_text())
    assert [row["reached"] for row in written["rows"]] == [True, False]
    assert written["scaling"][0]["exponent"] == 1.0
    assert written["decided"][0]["per_hour"] == 4
    assert (tmp_path / "found.svg").exists()


def test_only_what_is_chosen_is_measured(run, tmp_path):
    run("--only", "slow/*")
    written = json.loads((tmp_path / "found.json").read_text())
    assert [row["name"] for row in written["rows"]] == ["slow/two"]
    assert written["scaling"] == written["decided"] == []


def test_what_audits_decided_is_a_table_of_its_own(run, capsys):
    run("--only", "decided")
    shown = capsys.readouterr().out
    assert "| kept | 1 | fixed | 8 | 0.50 | 2 of 4 | 0 of 0 | 4.0 |" in shown
    assert "a peer" not in shown


def test_a_measurement_that_breaks_fails_the_command(run, rows):
    def broken(asked):
        raise RuntimeError

    rows.append(Row("broken", "three", "a peer", at_least(1), "all.", broken))
    assert run() == 1


def test_the_list_names_all_rows_and_measures_nothing(run, capsys, tmp_path):
    assert run("--list") == 0
    assert capsys.readouterr().out.split() == ["fast/one", "slow/two", "scaling", "decided"]
    assert not (tmp_path / "found.json").exists()


def test_the_list_follows_the_choice(run, capsys):
    run("--list", "--only", "fast/*,scaling")
    assert capsys.readouterr().out.split() == ["fast/one", "scaling"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "nothing/*"), "'nothing/*' names no row"),
        (("--pairs", "0"), "whole number of at least 1, got '0'"),
        (("--fast",), "unrecognized arguments"),
    ],
)
def test_a_wrong_option_is_refused(run, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_the_real_list_has_every_path_on_both_networks(capsys):
    assert command.main(["--list"]) == 0
    names = capsys.readouterr().out.split()
    for case in ("tiny-t5", "tiny-t10", "resnet19-t5", "resnet19-t10"):
        for row in (
            *(f"fisher/{case}/{peer}" for peer in ("one-by-one", "release", "vmap", "vmap-memory")),
            *(f"training/{case}/{peer}" for peer in ("single-step", "snntorch", "norse", "floor")),
            f"attacks/{case}/pgd",
        ):
            assert row in names
    assert {"startup/help", "audits/cold", "audits/warm", "scaling", "decided"} <= set(names)
    assert {f"seeds/{paper}2023" for paper in ("kim", "yao", "li")} <= set(names)
    assert {"store/plan-claims", "store/audit", "similarity/ckatorch-memory"} <= set(names)
    assert any(name.startswith("gpu/") for name in names)
