"""The short form of every fault, and the bench itself."""

import re
import subprocess
import sys

import pytest

from tests.chaos.__main__ import FAULTS, main
from tests.chaos.disks import NO_MOUNTS
from tests.chaos.fault import Trials, describe
from tests.chaos.processes import ROOT

GROUPS = (
    "kill-*,workers,clock,locale,home,paths",
    "disk-full,report-full,read-only,damaged-*,memory,divergence,data-shrunk",
)
"""Each in a process of its own, so that test workers share them."""


def bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--short", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


NEED_MOUNTS = {"disk-full", "report-full", "read-only"}
"""Faults that are tried less, or not at all, where this machine allows no mounts."""
EXAMPLE = "kill-write,workers,damaged-run,damaged-measure,paths"


@pytest.mark.parametrize(
    "options", [*(("--only", faults) for faults in GROUPS), ("--example", "--only", EXAMPLE)]
)
def test_nothing_is_lost_by_any_fault(options):
    done = bench(*options)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    *lines, last = [line for line in done.stdout.splitlines() if line[0] != " "]
    assert last.startswith(f"{len(lines)} faults, nothing lost, seed 0, ")
    counts = dict(re.match(r"(\S+) +(\d+) times +nothing lost ", line).groups() for line in lines)
    assert len(counts) == len(lines)
    untried = {name for name, count in counts.items() if not int(count)}
    if NO_MOUNTS in done.stdout:
        untried -= NEED_MOUNTS
    assert untried <= {"kill-pytest"}  # which the short form leaves out
    if NO_MOUNTS in done.stdout:
        pytest.skip(f"{', '.join(sorted(NEED_MOUNTS & counts.keys()))}: {NO_MOUNTS}")


def test_every_fault_is_in_one_group(capsys):
    names = []
    for group in GROUPS:
        assert main(["--list", "--only", group]) == 0
        names += capsys.readouterr().out.split()
    assert sorted(names) == sorted(fault.name for fault in FAULTS)


BREAKS = {
    "--break rename --only kill-write": "is half written",
    "--break lock --only workers": "the audit ended with|was made again|is not the same",
    "--break manifest --only damaged-run": "what was damaged was not told by name",
}
"""What is taken away and the fault that notices, with what it says."""


def test_the_bench_fails_without_what_holds_a_promise():
    program = (
        "import sys; from tests.chaos.__main__ import main\n"
        "for options in sys.argv[1:]: print('status', main(['--short', *options.split()]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *BREAKS], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *told, rest = done.stdout.split("status 1\n")
    assert (len(told), rest) == (len(BREAKS), "")
    for text, lost in zip(told, BREAKS.values(), strict=True):
        assert re.search(lost, text), text


def test_a_fault_that_does_not_exist_is_refused(capsys):
    with pytest.raises(SystemExit) as refused:
        main(["--only", "earthquake"])
    assert refused.value.code == 2
    assert "--only 'earthquake' names no fault; --list shows their names" in capsys.readouterr().err


def test_a_line_tells_what_was_tried_how_often_and_what_was_lost():
    trials = Trials("a kill")
    trials.add([], "first")
    trials.add(["a Run", "a report"], "second")
    trials.skip("a full disk", "nobody may mount one")
    assert describe("kill", trials).splitlines() == [
        "kill               2 times  2 lost        a kill",
        "    second: a Run",
        "    second: a report",
        "    a full disk not tried: nobody may mount one",
    ]
