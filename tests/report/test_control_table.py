import re

from tic.report import render_html
from tic.report.controls import control_sentence, control_table
from tic.report.index import index_of
from tic.stats.judge import Outcome


def test_claims_are_rows_with_what_was_planted_in_them(example_audit):
    table = control_table(index_of(example_audit))
    assert table is not None
    made = {row.claim: [cell.record.name for cell in row.cells] for row in table.rows}
    assert made == {
        "concentration": ["shuffled timesteps", "untrained network", "one seed five times"],
        "alpha-information": ["swapped α", "untrained network"],
        "pruning": ["masks not applied"],
    }
    names = [record.name for record in table.records]
    assert names == list(dict.fromkeys(name for row in made.values() for name in row))
    assert [cell.item.entry for cell in table.missed] == [example_audit.entries[24]]


def test_the_sentence_counts_what_was_caught(example_audit):
    sentence = control_sentence(index_of(example_audit))
    assert sentence == "Of 6 controls: 4 held (4 caught), 1 failed, 1 not tested."


def test_the_sign_of_a_control_is_that_of_what_it_tells(example_audit, edited):
    claim, control = (
        example_audit.entries[0],
        next(entry for entry in example_audit.entries if entry.role == "control"),
    )

    def sign(of_the_claim, of_the_control):
        entries = tuple(
            entry.model_copy(update={"outcome": outcome, "own_outcome": outcome, "contrasts": ()})
            for entry, outcome in ((claim, of_the_claim), (control, of_the_control))
        )
        page = render_html(edited(entries=entries))
        ((symbol, told),) = re.findall(
            r'<a class="mark.*?<span class="symbol"[^>]*>(.)</span>[^<]*<span[^>]*>, (.*?)</span>',
            page,
        )
        return symbol, told

    supported, refuted, undecided, not_run = (
        Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE, Outcome.NOT_RUN,
    )  # fmt: skip
    assert control.claim == claim.claim
    assert sign(supported, undecided) == ("✗", "INCONCLUSIVE: caught")
    assert sign(refuted, undecided) == ("?", "INCONCLUSIVE: could not tell")
    # By the very numbers of the claim, here none.
    assert sign(refuted, refuted) == ("?", "REFUTED: could not tell")
    assert sign(refuted, supported) == ("✓", "SUPPORTED: failed")
    assert sign(refuted, not_run) == ("○", "NOT RUN: not tested")


def test_an_audit_without_controls_has_no_section(example_audit, edited):
    audit = edited(entries=example_audit.entries[:20])
    page = render_html(audit)
    assert control_table(index_of(audit)) is None
    assert 'id="controls"' not in page
    assert "#controls" not in page


def test_a_control_that_slips_through_is_a_banner_on_top(example_audit, edited):
    page = render_html(example_audit)
    banner = page.index("Not every test can say no.")
    assert banner < page.index('<p class="sentence">')
    assert page.index("1 control came out SUPPORTED") > banner
    entry = example_audit.entries[24]
    caught_all = edited(24, own_outcome=Outcome.REFUTED, outcome=Outcome.REFUTED)
    assert entry.own_outcome is Outcome.SUPPORTED
    assert "Not every test" not in render_html(caught_all)
    assert "failed</span>" not in render_html(caught_all)


def test_cells_link_to_what_came_out_and_controls_have_no_article(example_audit):
    page = render_html(example_audit)
    section = re.search(r'<section id="controls".*?</section>', page, re.DOTALL)
    assert section is not None
    links = re.findall(r'<a class="mark( missed)?" href="#([^"]*)"', section.group(0))
    assert len(links) == 6
    assert [anchor for kind, anchor in links if kind] == [
        "control-kim2023-alpha-information-untrained-network"
    ]
    for _, anchor in links:
        assert f'<tr role="row" id="{anchor}">' in section.group(0)
    assert '<article id="control-' not in page
    text = " ".join(re.sub(r"<[^>]+>", " ", section.group(0)).split())
    assert "shuffled timesteps The timesteps are in random order." in text
    assert "concentration: shuffled timesteps ✗ REFUTED fall of the normalised centroid:" in text
    assert "✓ untrained network , SUPPORTED: failed" in text
    assert "✗ swapped α , " in text
