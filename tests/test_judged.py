"""What CI asks of an audit beside the verdicts that it expects."""

from pathlib import Path

from tests.audit.entries import contrast, entry
from tic.stats import Outcome
from tools.judged import judged_on_seeds, main

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "reports" / "reference" / "fashion-mnist-tiny-protocols.json"
SEEDS = {"contrasts": (contrast((0, 1, 2)),)}


def test_what_counts_is_a_verdict_on_seeds_of_a_claim_or_a_rival():
    counting = [
        entry("claim", Outcome.SUPPORTED, **SEEDS),
        entry("rival", Outcome.INCONCLUSIVE, role="rival", **SEEDS),
    ]
    others = [
        entry("control", Outcome.REFUTED, role="control", **SEEDS),
        entry("arithmetic", Outcome.SUPPORTED, contrasts=(contrast(()),)),
        entry("late", Outcome.NOT_RUN),
        entry("broken", Outcome.ERROR),
    ]
    assert judged_on_seeds([*counting, *others]) == 2
    assert judged_on_seeds(others) == 0


def test_an_audit_that_judged_too_little_fails_and_says_how_much(capsys):
    assert main([str(KEPT), "--at-least", "14"]) == 0
    assert main([str(KEPT), "--at-least", "15"]) == 1
    told = capsys.readouterr()
    assert told.out == "14 claims and rivals were judged on seeds\n"
    assert "at least 15 claims and rivals must be judged on seeds, got 14 in " in told.err


def test_ci_asks_it_of_its_audit():
    (command,) = [
        line
        for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
        if "tools.judged" in line
    ]
    assert command == ".venv/bin/python -m tools.judged reports/ci/audit.json --at-least 20"
