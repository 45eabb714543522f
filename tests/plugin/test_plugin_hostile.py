"""Claims of a stranger: what they say is shown as text, and what they fail with is told in one."""

import json

from tic.text import visible

HOSTILE = """
EVIL = "\\x1b[2J\\x1b[31mred \\u202eexe.gpj <script>alert(1)</script>"
"""
CLAIMS = [
    """
@says("refuted", controls=(Control("n" + EVIL, EVIL, NOTHING.plant),))
def test_refuted(runs, judge):
    judge([-4.0, -5.0, -6.0], above(0), name=EVIL, unit=EVIL)
""",
    """
@says("refused")
def test_refused(runs, judge):
    raise TicError(EVIL)
""",
    """
@says("broken")
def test_broken(runs, judge):
    raise RuntimeError(f"{EVIL} in /data/store/runs/abc/weights.safetensors")
""",
    """
def nothing(setting):
    raise NotApplicableError(EVIL)
@says("elsewhere", nothing)
def test_elsewhere(runs, judge):
    pass
""",
]


def hidden(text):
    return [line for line in text.splitlines() if visible(line) != line]


def test_the_terminal_and_the_report_show_hostile_texts_as_text(repository):
    outcome = repository.audit(HOSTILE, *CLAIMS)
    assert outcome.verdicts == {
        "refuted[tiny-digits]": "REFUTED",
        "refused[tiny-digits]": "ERROR",
        "broken[tiny-digits]": "ERROR",
        "elsewhere[tiny-digits]": "NOT_APPLICABLE",
    }
    assert hidden(outcome.text) == []
    assert r"\x1b[2J\x1b[31mred \u202eexe.gpj <script>" in outcome.text
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    assert hidden(page) == []
    assert "<script" not in page


def test_a_reason_names_no_long_path(repository):
    outcome = repository.audit(HOSTILE, CLAIMS[2])
    assert " in …/abc/weights.safetensors (" in outcome.entry.reason
    assert "/data/store" not in json.dumps(outcome.audit.model_dump(mode="json"))


def test_lists_and_plans_show_hostile_texts_as_text(repository):
    says = 'says = lambda name, *a, **k: claim(PACK, name, source="Fig. 1", says=EVIL, rule=EVIL, '
    says += "needs=lambda setting: setting.recipe, controls=(NOTHING,))\n"
    repository.write(HOSTILE, says, CLAIMS[1])
    for options in (["--list", "claims"], ["--list", "protocols"], ["--plan"]):
        outcome = repository.run(*options)
        assert outcome.status == 0
        assert hidden(outcome.text) == []
