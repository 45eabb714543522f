"""What stands on top of a report: that it was changed, cut short, or judged by an older rule."""

import pytest

from tic.document.correction import LEVEL, METHOD
from tic.document.loading import load_audit
from tic.document.seal import sealed
from tic.report import render_html, render_markdown, write_report
from tic.report.notices import notices
from tic.stats.judge import Outcome

REFERENCE = "reports/reference"
RENDERED = (render_html, render_markdown)


@pytest.fixture
def today(example_audit):
    """The example as an audit of today's rule, sealed."""
    rule = example_audit.multiplicity.model_copy(update={"method": METHOD, "level": LEVEL})
    return sealed(example_audit.model_copy(update={"multiplicity": rule}))


def titles(audit):
    return [notice.title for notice in notices(audit)]


@pytest.mark.parametrize("render", RENDERED)
def test_a_whole_audit_of_today_has_no_notice(today, render):
    assert titles(today) == []
    assert "older rule" not in render(today)
    assert "As it was run then" not in render(today)


@pytest.mark.parametrize("render", RENDERED)
def test_an_audit_that_was_changed_says_so_on_top(today, render):
    first, *rest = today.entries
    turned = first.model_copy(update={"outcome": Outcome.REFUTED})
    changed = today.model_copy(update={"entries": (turned, *rest)})
    assert titles(changed) == ["Changed."]
    text = render(changed)
    assert text.index("was changed after it was made") < text.index("verdicts on")
    assert "changed after" not in render(today)
    assert titles(today.model_copy(update={"seal": None})) == []


def test_a_report_that_is_written_again_keeps_the_seal_that_does_not_fit(today, tmp_path):
    changed = today.model_copy(update={"started": "yesterday"})
    write_report(changed, tmp_path)
    assert titles(load_audit(tmp_path / "audit.json")) == ["Changed."]


@pytest.mark.parametrize("render", RENDERED)
def test_an_audit_whose_store_was_filled_by_other_code_names_the_kinds(today, render):
    kinds = tuple(f"mine.nets:Net{number}" for number in range(7))
    text = render(sealed(today.model_copy(update={"changed_code": kinds})))
    assert "The code of mine.nets:Net0, mine.nets:Net1" in text.replace("\\", "")
    assert "Net4 and 2 more" in text
    assert "Changed code" not in render(today)


def test_what_is_wrong_is_told_the_gravest_first(today, example_audit):
    former = today.model_copy(
        update={
            "completed": False,
            "changed_code": ("mine:Net",),
            "multiplicity": example_audit.multiplicity,
        }
    )
    assert titles(former) == ["Changed.", "Interrupted.", "Changed code.", "An older rule."]


def test_an_audit_of_an_older_rule_says_what_todays_makes_of_it(pytestconfig):
    audit = load_audit(pytestconfig.rootpath / REFERENCE / "fashion-mnist-tiny.json")
    (notice,) = notices(audit)
    assert "By today's rule the same effects give 3 supported, 1 refuted and 23 inc" in notice.says
    told = render_markdown(audit)
    assert told.index("**An older rule.**") < told.index("27 verdicts on 18 claims: 3 supported, 5")
    assert "Of 3 supported verdicts:" in told
    assert "Holm over 29 claims, at level 0.025 for SUPPORTED; REFUTED was not corrected." in told
    assert "As it was run then: pytest claims" in told
    page = render_html(audit)
    assert page.index("An older rule.") < page.index('class="sentence"')
    assert "How it was run then" in page
    assert "To repeat this audit" not in page
