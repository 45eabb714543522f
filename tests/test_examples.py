"""Every example of the README and the docs: code runs, and commands are understood."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import tic.models
from fixtures.installed import surroundings
from tic.audit.exhibits import Exhibits
from tic.cli.parsing import own_count, parser

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "reports").glob("*/README.md")]
)
AS_A_WHOLE = {ROOT / "docs" / "tutorial.md"}
"""Pages whose code goes on from block to block; tests/test_tutorial.py does all of it."""
OTHERS = {"ray", "pip", "cp", "mv", "mkdir"}
"""Programs whose command line is not ours."""
QUICK = ("--timesteps", "2", "--epochs", "1", "--train-size", "60", "--test-size", "60")

UNDERSTAND = """
import json, sys
from _pytest.config import UsageError, _prepareconfig
for arguments in json.load(sys.stdin):
    try:
        config = _prepareconfig(arguments)
    except (UsageError, SystemExit) as error:
        print(json.dumps(f"pytest {' '.join(arguments)}: {error}"))
    else:
        config._ensure_unconfigure()
"""
"""Reads command lines of pytest as pytest does, with the plugins and conftest files they find."""


def texts():
    """Every page with its text, lines that go on joined."""
    for page in PAGES:
        yield page, re.sub(r" *\\\n *", " ", page.read_text(encoding="utf-8"))


def blocks(language):
    """Every fenced block in a language, under its page and line."""
    return [
        pytest.param(
            found[2], id=f"{page.relative_to(ROOT)}:{text[: found.start()].count(chr(10)) + 1}"
        )
        for page, text in texts()
        for found in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        if found[1] == language and not (language == "python" and page in AS_A_WHOLE)
    ]


def written_out():
    """Command lines of blocks and of indented lines, to be typed as they stand."""
    for block in blocks("sh"):
        yield from (line.partition(" #")[0] for line in block.values[0].splitlines() if line)
    for _, text in texts():
        yield from re.findall(r"^    ((?:tic|pytest|make|cp) .*)$", text, re.MULTILINE)


def mentioned():
    """Code in the running text, such as `make test` or `--seeds 5-9`."""
    for _, text in texts():
        running = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        yield from re.findall(r"`([^`\n]+)`", running)


def lines(*programs):
    """Arguments of every command line of one of these programs, those in the running text too."""
    said = (each for each in mentioned() if each.split()[0] in programs and " " in each)
    whole = dict.fromkeys([*written_out(), *said])
    found = (shlex.split(each.partition(" > ")[0]) for each in whole)
    return [words[1:] for words in found if words[0] in programs]


def test_every_block_says_what_it_is():
    for page, text in texts():
        fences = re.findall(r"^```(\w*)$", text, re.MULTILINE)
        assert set(fences[::2]) <= {"python", "sh", "text", "yaml"}, page
        assert set(fences[1::2]) <= {""}, page


def test_every_command_line_is_of_a_program_that_is_known():
    programs = [shlex.split(each)[0] for each in written_out()]
    assert len(programs) > 20
    assert set(programs) <= {"make", "tic", "pytest", *OTHERS}


def test_make_has_every_target_that_is_told():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = {words[0] for words in lines("make")}
    assert {"audit", "test", "bench"} <= told <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))


def test_tic_and_pytest_understand_every_command_line_that_is_told():
    for_pytest = lines("pytest")
    for words in lines("tic"):
        count = own_count(words)
        if len(words) == 1:  # the name of a command, which its help knows
            with pytest.raises(SystemExit, match="0"):
                parser().parse_args([*words, "--help"])
            continue
        asked = parser().parse_args(words[:count])
        if "folder" in asked:
            options = ("--tic-audit", *getattr(asked, "options", ()))
            for_pytest.append([asked.folder, *options, *words[count:]])
    assert len(for_pytest) > 12
    done = subprocess.run(
        [sys.executable, "-c", UNDERSTAND],
        input=json.dumps(for_pytest), capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith('"')] == []


def test_every_option_in_the_running_text_is_one():
    own = [f"{name}/__main__.py" for name in ("benchmarks", "tests/chaos", "tests/fuzz")]
    known = " ".join(
        (ROOT / name).read_text(encoding="utf-8") for name in (*own, "tic/cli/parsing.py")
    )
    helped = subprocess.run(
        [sys.executable, "-m", "pytest", "claims", "--help"],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    of_tic = (each for each in mentioned() if not each.startswith("pip "))
    told = {option for each in of_tic for option in re.findall(r"(?<!\S)--[a-z-]+", each)}
    assert {"--arch", "--trust", "--only"} <= told
    everything = known + helped.stdout + helped.stdout.replace("--tic-", "--")
    assert [each for each in sorted(told) if not re.search(rf"{each}\b", everything)] == []


@pytest.fixture
def given():
    """What the text around an example has: networks, a loader of images, Runs and a judge."""
    images, labels = torch.rand(4, 1, 8, 8), torch.arange(4)
    return {
        "__name__": "example",
        "network": tic.models.build("tiny", in_channels=1, num_classes=10, timesteps=3),
        "other_network": tic.models.build("tiny", in_channels=1, num_classes=10, timesteps=2),
        "loader": DataLoader(TensorDataset(images, labels), batch_size=2),
        "runs": SimpleNamespace(accuracy=lambda: np.array([91.0, 93.0, 92.0])),
        "judge": Exhibits(),
    }


# Raised inside Norse and torch while Norse is imported.
@pytest.mark.filterwarnings("ignore:.torch.jit.:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.torch.jit.:FutureWarning")
@pytest.mark.parametrize("code", blocks("python"))
def test_every_python_example_runs(code, given):
    exec(compile(code, "<example>", "exec"), given)
    if "info" in given:
        assert given["info"].trace.shape == (3,)
        assert {each.shape for each in given["info"].by_layer.values()} == {(3,)}
        assert 1 <= given["info"].centroid <= 3


WHOLE_FILES = [block for block in blocks("python") if "@claim(" in block.values[0]]


@pytest.mark.parametrize("example", WHOLE_FILES)
def test_a_claim_that_is_a_whole_file_is_audited_by_what_is_installed(installed, tmp_path, example):
    (tmp_path / "test_mine.py").write_text(example, encoding="utf-8")
    audit = (*QUICK, "--store", "store", "--report-dir", "report", ".")
    assert installed.imported.is_relative_to(installed.site)
    status, text = installed.run("pytest", *audit, folder=tmp_path)
    assert status == 0, text
    document = json.loads((tmp_path / "report" / "audit.json").read_text(encoding="utf-8"))
    (entry,) = document["entries"]
    assert entry["id"] in {
        "doe2026/clean-accuracy[tiny-digits]",
        "smith2024/several-beat-one[tiny-digits]",
    }
    assert entry["outcome"] in {"SUPPORTED", "REFUTED", "INCONCLUSIVE"}
    assert (tmp_path / "report" / "report.html").exists()


def test_the_command_line_that_is_installed_works_where_every_warning_is_an_error(site, tmp_path):
    example = WHOLE_FILES[0].values[0]
    (tmp_path / "test_mine.py").write_text(example, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    command = "import sys; from tic.cli import main; sys.exit(main())"
    listed = subprocess.run(
        [sys.executable, "-c", command, "claims", "."],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=surroundings(site),
    )
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "doe2026/clean-accuracy" in listed.stdout
