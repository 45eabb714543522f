"""The closing table and the progress line, in terminals of any width."""

import os
import pty
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit.entries import contrast, entry
from tic.document.evidence import RegionRecord
from tic.document.loading import load_audit
from tic.plugin.verdict_table import verdict_table, wrapped
from tic.plugin.watching import fitted, text_now_and_then
from tic.stats import Outcome
from tic.text import visible

KEPT = sorted((Path(__file__).parents[2] / "reports" / "reference").glob("*.json"))
kept = cache(load_audit)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_the_table_of_every_kept_audit_fits_eighty_columns(path):
    audit = kept(path)
    lines = verdict_table(audit).splitlines()
    assert max(map(len, lines)) <= 79
    names = [e.id.removeprefix(f"{e.paper}/") for e in audit.entries if e.role != "control"]
    shown = [re.match(r"[A-Z_]+ +(?:(?:smoke|reduced|paper) +)?(\S+)", line) for line in lines]
    told = [match[1].rpartition("/")[2] for match in shown if match]
    assert sorted(told) == sorted(names)


def table(*reasons, width=79):
    entries = [
        entry(f"claim-{place}", Outcome.INCONCLUSIVE, reason=reason)
        for place, reason in enumerate(reasons)
    ]
    audit = kept(KEPT[0]).model_copy(update={"entries": tuple(entries)})
    return verdict_table(audit, width).split("\n\n")[0].splitlines()


LONG = "the interval reaches over an edge of the region, and more seeds are needed"


def test_a_reason_stands_beside_its_entry_where_there_is_room():
    (line,) = table(LONG, width=140)
    assert line.endswith(f"  {LONG}")
    (line,) = table(LONG, width=79)
    assert re.fullmatch(r"INCONCLUSIVE  \w+  claim-0  the interval .*…", line)
    assert len(line) <= 79


def test_an_open_entry_says_how_many_seeds_would_decide_it():
    audit = kept(next(path for path in KEPT if path.stem == "smoke-budget"))
    lines = verdict_table(audit, width=160).splitlines()
    ranges = {
        entry.id: contrast.seeds_to_decide
        for entry in audit.entries
        if entry.outcome is Outcome.INCONCLUSIVE and entry.role != "control"
        for contrast in entry.contrasts
        if contrast.seeds_to_decide and len(entry.contrasts) == 1
    }
    assert ranges
    for entry_id, (least, most) in ranges.items():
        (line,) = [line for line in lines if f" {entry_id} " in line]
        assert line.endswith(f"{least} to {most or 'more than 1000'} seeds in all may decide it")


def test_a_decided_entry_shows_the_numbers_that_it_hangs_on():
    region = RegionRecord(low=None, high=-1.0, text="below -1")
    refuted = contrast((0, 1, 2)).model_copy(
        update={
            "unit": "pp", "region": region, "estimate": -0.6667, "interval": (-0.9995, -0.3338),
            "outcome": Outcome.REFUTED,
        }
    )  # fmt: skip
    other = refuted.model_copy(update={"outcome": Outcome.INCONCLUSIVE})
    told = entry("one", Outcome.REFUTED, contrasts=(other, refuted), reason="contrast 2 of 2: no")
    audit = kept(KEPT[0]).model_copy(update={"entries": (told,)})
    line = verdict_table(audit, 140).splitlines()[0]
    # With two decimals the interval would seem to reach the region.
    assert line.endswith("-0.6667 pp [-0.9995, -0.3338], claimed below -1")


def test_an_open_contrast_that_no_seeds_settle_is_told_instead():
    open_, decided = contrast((0, 1, 2)), contrast((0, 1, 2))
    contrasts = [
        open_.model_copy(
            update={
                "outcome": Outcome.INCONCLUSIVE, "reason": reason, "seeds_to_decide": seeds,
            }
        )
        for reason, seeds in (("it reaches over an edge", (9, 20)), ("all are identical", None))
    ]  # fmt: skip
    made = entry("claim-0", Outcome.INCONCLUSIVE, contrasts=(*contrasts, decided))
    audit = kept(KEPT[0]).model_copy(update={"entries": (made,)})
    (line,) = [x for x in verdict_table(audit, width=200).splitlines() if " claim-0 " in x]
    assert "all are identical" in line
    assert "may decide" not in line


def test_neighbours_share_the_reason_that_stands_below_them():
    first, second, reason, third, other = table(LONG, LONG, "another", width=45)
    assert [line.split()[2] for line in (first, second, third)] == [
        "claim-0", "claim-1", "claim-2",
    ]  # fmt: skip
    assert reason == "    the interval reaches over an edge of the…"
    assert other == "    another"


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(1, 100))
def test_a_wrapped_text_has_the_words_of_the_text(text, width):
    folded = wrapped(text, width)
    assert folded.split() == visible(text).split()
    for line in folded.split("\n"):
        assert len(line) <= max(width, 8) or len(line.split()) == 1


def test_what_goes_on_is_indented_below_its_beginning():
    assert wrapped("  one two three four five", 16) == "  one two three\n      four five"
    assert wrapped("short\n\nlines", 16) == "short\n\nlines"


LINE = "decided: 4 of 60; a-claim-with-a-long-name at 5 seeds (12 of 30 trainings, 3 min so far)"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (100, LINE),
        (60, "decided: 4 of 60; a-clai… (12 of 30 trainings, 3 min so far)"),
        (20, "decided: 4 of 60; a…"),
    ],
)
def test_a_line_is_cut_before_what_it_ends_with(width, shown):
    assert fitted(LINE, width) == shown
    assert len(shown) <= width


def test_a_line_on_a_terminal_stays_on_its_line(monkeypatch):
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    terminal = os.fdopen(theirs, "w")
    monkeypatch.setattr("sys.stdout", terminal)

    class Once:
        def __init__(self, text, write, every):
            assert every == 2.0
            write(text())

        def start(self):
            pass

        def stop(self):
            pass

    monkeypatch.setattr("tic.engine.progress.ProgressLine", Once)
    with text_now_and_then(lambda: LINE * 3):
        pass
    text = os.read(ours, 4096).decode()
    terminal.close()
    os.close(ours)
    assert text.startswith("\r")
    assert text.endswith("\x1b[K")
    assert len(text.removeprefix("\r").removesuffix("\x1b[K")) <= 79
