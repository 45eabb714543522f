"""What is imported only where it is needed: to import it takes longer than what it is not used for.

Each test asks a fresh interpreter.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.packs import HEADER, SUPPORTED

ROOT = Path(__file__).parents[1]
AUDIT = ROOT / "reports" / "reference" / "smoke-budget.json"
UNUSED = {
    "norse",
    "scipy.optimize",
    "scipy.stats",
    "sklearn",
    "snntorch",
    "sympy",
    "torch._dynamo",
    "torch._inductor",
    "torchattacks",
    "torchvision",
    "triton",
}
"""What no claim needs before it is judged."""
COMMAND = "from tic.cli import main; sys.exit(main(sys.argv[1:]))"
PYTEST = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"


def modules_after(program, *arguments, folder=ROOT):
    """Names of the modules that a program has loaded when it ends."""
    telling = f"import atexit, sys; atexit.register(lambda: print(*sys.modules)); {program}"
    done = subprocess.run(
        [sys.executable, "-c", telling, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with one claim and without this repository's fixtures."""
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "test_pack.py").write_text(HEADER.lstrip() + SUPPORTED)
    return tmp_path


def test_the_digits_are_read_without_the_library_that_has_them():
    assert "sklearn" not in modules_after("from tic import data; data.load('digits', 'train')")


def test_to_import_the_library_loads_nothing_but_itself(tmp_path):
    before = modules_after("pass")
    loaded = {name.partition(".")[0] for name in modules_after("import tic") - before}
    assert "tic" in loaded
    assert loaded <= {"tic", *sys.stdlib_module_names}


def test_a_report_is_rendered_without_torch_or_pytest(tmp_path):
    loaded = modules_after(COMMAND, "report", AUDIT, "--report-dir", tmp_path)
    assert "tic.report" in loaded
    assert not loaded & {"torch", "pytest", "tic.lab", *UNUSED}


def test_audits_are_compared_without_torch_or_pytest():
    loaded = modules_after(COMMAND, "diff", AUDIT, AUDIT)
    assert "tic.exchange.diff" in loaded
    assert not loaded & {"torch", "pytest", "tic.lab", "scipy", *UNUSED}


def test_a_list_needs_nothing_that_attacks_reads_or_tests(elsewhere):
    loaded = modules_after(COMMAND, "claims", folder=elsewhere)
    assert "tic.session.listing" in loaded
    assert not loaded & UNUSED


def test_collecting_the_claims_of_the_paper_needs_nothing_that_attacks_reads_or_tests(tmp_path):
    arguments = ("--collect-only", "-q", "-p", "no:cacheprovider", "--store", tmp_path, "claims")
    loaded = modules_after(PYTEST, *arguments)
    assert "claims.kim2023.test_rival_training" in loaded
    assert not loaded & UNUSED


def test_neither_to_look_for_data_nor_to_choose_attacks_needs_them(tmp_path):
    program = (
        "from pathlib import Path; from tic.attacks import attack_suite;"
        "from tic.data import DATASETS; from tic.lab import Lab;"
        "attack_suite('full', 8 / 255, 2 / 255); lab = Lab(Path(), Path(sys.argv[1]));"
        "[lab.holds_data(DATASETS[name]) for name in ('cifar10', 'cifar100', 'digits', 'svhn')]"
    )
    loaded = modules_after(program, tmp_path, folder=tmp_path)
    assert {"tic.attacks.suite", "tic.data.cifar"} <= loaded
    assert not loaded & UNUSED
