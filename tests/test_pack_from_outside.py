"""A pack with its own data set, network, loss, fitting and measurement, beside an installed tic.

Nothing of this repository but the pack's own folder is on the path.
"""

import json
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fixtures.installed import surroundings
from fixtures.packs import QUICKLY
from fixtures.workers import Gate, wait_until
from tic.data import speech
from tic.document.controls import ControlResult, control_results
from tic.document.loading import load_audit
from tic.stats.judge import JUDGED

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "echo2026"


class Outside:
    """A folder with a copy of the example and with no tic but the installed one."""

    def __init__(self, folder, installed):
        self.folder = folder
        self._installed = installed
        shutil.copytree(EXAMPLE, folder / "echo2026")

    def fresh(self, *arguments, first=()):
        """Start pytest in a fresh interpreter, with folders that it looks into first."""
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *QUICKLY, "echo2026", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=self.folder, env=surroundings(*first, self._installed.site),
        )  # fmt: skip

    def pytest(self, *arguments, pack="echo2026", status=(0,)):
        """Audit; 0 is the status whatever was refuted, and 1 that of an ERROR among others."""
        return self._run("pytest", *QUICKLY, pack, *arguments, status=status)

    def tic(self, *arguments, status=(0,)):
        return self._run("tic", *arguments, status=status)

    def audit(self, name):
        return load_audit(self.folder / name / "audit.json")

    def _run(self, *words, status):
        ended, text = self._installed.run(*words, folder=self.folder)
        assert ended in status, text
        return text


@pytest.fixture(scope="module")
def outside(installed, tmp_path_factory):
    assert installed.imported.is_relative_to(installed.site)
    return Outside(tmp_path_factory.mktemp("outside"), installed)


@pytest.fixture(scope="module")
def audited(outside):
    """Audits of three seeds each in one Store, the first by a worker of pytest; both are fresh."""
    asked = ("--store", "store", "--controls")
    first = outside.fresh("-n", 1, *asked, "--report-dir", "first", "--seeds", "0-2")
    text, _ = first.communicate()
    assert first.returncode == 0, text
    outside.pytest(*asked, "--report-dir", "second", "--seeds", "3-5")
    return outside


def test_the_example_has_no_more_than_150_lines():
    lines = [line for file in EXAMPLE.glob("*.py") for line in file.read_text().splitlines()]
    assert 100 < len(lines) <= 150


def test_every_claim_is_judged_and_its_control_is_caught(audited):
    audit = audited.audit("first")
    assert len(audit.entries) == 4
    assert {entry.outcome for entry in audit.entries} <= JUDGED
    assert list(control_results(audit.entries).values()) == [ControlResult.CAUGHT] * 2
    assert audit.packages == ("echo2026",)
    # Networks that guess would agree, too: the example says something only where they have learnt.
    assert min(run.test_accuracy for run in audit.runs) > 50
    assert audit.entries[0].parameters == {"network": "listener", "data set": "echoes"}
    page = (audited.folder / "first" / "report.html").read_text(encoding="utf-8")
    for shown in ("Half a memory is enough", "CoolingAdam", "architecture.width", "Echoes"):
        assert shown in page


def test_the_audit_verifies_where_the_pack_is_trusted(audited):
    plain = audited.tic("verify", "first/audit.json", "--store", "store", "--sample", 9)
    assert "measured again      0  hold (9 not checked: defined by echo2026" in plain
    assert "Runs                0  hold (6 not checked" in plain
    trusted = audited.tic(
        "verify", "first/audit.json", "--store", "store", "--sample", 9, "--trust", "echo2026"
    )
    assert "measured again      9  hold\n" in trusted
    assert "Runs                6  hold\n" in trusted


def test_a_changed_network_is_noticed(audited):
    path = audited.folder / "first" / "audit.json"
    document = json.loads(path.read_text())
    for run in document["runs"]:
        run["recipe"]["architecture"]["fields"]["width"] = 25
    (audited.folder / "forged.json").write_text(json.dumps(document))
    told = audited.tic("verify", "forged.json", "--trust", "echo2026", status=(1,))
    assert "is not the fingerprint of its Recipe" in told


def test_archives_merges_and_differences_are_of_the_pack_too(audited):
    audited.tic("export", "first/audit.json", "first.zip", "--store", "store")
    assert "6  hold\n" in audited.tic("verify", "first.zip", "--trust", "echo2026")
    audited.tic("merge", "first/audit.json", "second/audit.json", "--report-dir", "both")
    (claim, *_) = audited.audit("both").entries
    assert claim.contrasts[0].seeds == (0, 1, 2, 3, 4, 5)
    told = audited.tic("diff", "first/audit.json", "both/audit.json", status=(1,))
    assert "echo2026/half-is-enough[listener-echoes]" in told


def test_a_field_of_the_packs_own_network_is_set(outside):
    told = outside.pytest("--store", "store", "--plan", "--set", "architecture.width=5")
    assert "listener-width5-echoes-T1-cooling-adam-margin-mask" in told
    refused = outside.pytest("--plan", "--set", "architecture.depth=5", status=(4,))
    assert "--set 'architecture.depth': there is no 'depth' in Listener; known: width" in refused


def test_a_plan_times_a_step_of_an_architecture_that_tells_no_operations(outside):
    told = outside.tic("plan", "echo2026", "--store", "nothing")
    assert "6 Runs, 6 to train" in told
    assert "not known, since no architecture says its own" in told


@pytest.mark.parametrize(
    "engine",
    [
        "local",
        pytest.param("ray", marks=pytest.mark.skipif(find_spec("ray") is None, reason="needs ray")),
    ],
)
def test_engines_train_and_measure_what_the_pack_defines(outside, engine):
    one = ("--seeds", 1, "-n", 1)
    told = outside.tic("build", "echo2026", "--store", engine, "--engine", engine, *one)
    assert f"/{engine}; 2 were trained now, 3 measurements taken." in told


def test_a_training_that_was_killed_goes_on_with_the_same_bits(outside):
    one = ("--seeds", 1, "--no-rivals", "--set", "epochs=10", "--report-dir", "killed")
    gate = Gate(outside.folder / "gate", "weights-0010.safetensors")
    process = outside.fresh("--store", "torn", *one, first=[gate.folder])
    # It cannot be over before it is killed: its last weights are held.
    states = outside.folder / "torn" / "work"
    wait_until(lambda: process.poll() is not None or any(states.glob("*/state.safetensors")))
    process.send_signal(signal.SIGKILL)
    text, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, text
    for store in ("torn", "whole"):
        outside.pytest("--store", store, *one)
    torn, whole = (
        {
            path.relative_to(outside.folder / store): path.read_bytes()
            for path in (outside.folder / store / "runs").glob("*/weights-*")
        }
        for store in ("torn", "whole")
    )
    assert len(whole) == 10
    assert torn == whole


def test_what_tic_new_writes_runs_at_once(outside):
    told = outside.tic("new", "smith-2024")
    assert "try it: pytest smith_2024" in told
    outside.pytest(
        "--set", "epochs=2", "--train-size", 60, "--report-dir", "new", "--store", "new-store",
        "--controls", pack="smith_2024",
    )  # fmt: skip
    audit = outside.audit("new")
    assert [(entry.id, entry.role) for entry in audit.entries] == [
        ("smith_2024/learns[tiny-digits]", "claim"),
        ("smith_2024/learns[tiny-digits-control-permuted-labels]", "control"),
        ("smith_2024/learns[tiny-digits-control-one-seed]", "control"),
        ("smith_2024/time-is-idle[tiny-digits]", "rival"),
    ]
    assert audit.entries[0].comparisons[0].reported == 98
    again = outside.tic("new", "smith-2024", status=(2,))
    assert "exists already; choose another name" in again
    refused = outside.tic("new", "2024 smith", status=(2,))
    assert "the name of a pack must be small letters" in refused
    for taken in ("json", "numpy", "tic"):
        refused = outside.tic("new", taken, status=(2,))
        told = "none that Python imports already, since that would be imported instead or hidden"
        assert f"{told}, got '{taken}'" in refused


def test_the_spoken_digits_are_installed_with_their_licence(installed):
    place = installed.site / "tic" / "data" / "speech"
    own = Path(speech.__file__).parent
    for name in ("spoken_digits.xz", "spoken_digits.txt"):
        assert (place / name).read_bytes() == (own / name).read_bytes()
