"""Completion in shells."""

import shutil
import subprocess
import sys

import pytest

from tic.cli import main
from tic.cli.completion import SHELLS


@pytest.fixture
def script(capsys):
    def of(shell):
        assert main(["completion", shell]) == 0
        return capsys.readouterr().out

    return of


@pytest.mark.parametrize("shell", SHELLS)
def test_there_is_a_script_for_every_shell(script, shell):
    text = script(shell)
    assert "extract" in text
    assert "budget" in text
    if program := shutil.which(shell):
        checked = subprocess.run([program, "-n"], input=text, text=True, capture_output=True)
        assert (checked.returncode, checked.stderr) == (0, "")


def completed(text, *words):
    """What bash offers for the last of the words."""
    asking = f"""
COMP_WORDS=({" ".join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
complete -p tic >/dev/null
$(complete -p tic | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", text + asking], capture_output=True, text=True
    )
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_choices(script):
    text = script("bash")
    assert completed(text, "tic", "ex") == {"export", "extract", "expected"}
    assert completed(text, "tic", "audit", "--bu") == {"--budget", "--build"}
    assert completed(text, "tic", "audit", "--attacks", "") >= {"quick", "standard", "full"}
    assert completed(text, "tic", "diff", "--m") == {"--markdown"}


def test_a_shell_that_is_not_known_is_refused(capsys):
    assert main(["completion", "cmd"]) == 2
    assert capsys.readouterr().err == "tic: unknown shell 'cmd'; known: bash, zsh, fish\n"


def test_without_shtab_the_way_out_is_told(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 2
    assert "pip install 'tic-audit[completion]'" in capsys.readouterr().err
