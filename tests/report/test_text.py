import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from tic.report.text import finalize, markdown, shorten, slug, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("α ≥ 0.5, Größe", "α ≥ 0.5, Größe"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\x00b\x7f", "a\\x00b\\x7f"),
        ("a\x9bb", "a\\x9bb"),
        ("exe\u202egpj", "exe\\u202egpj"),
        ("a\u2066b\u200bc\u2028d", "a\\u2066b\\u200bc\\u2028d"),
        ("\U000e0041", "\\U000e0041"),
        ("line\nline\tcell", "line\nline\tcell"),
        ("\r", "\\x0d"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_what_hides_in_text_becomes_visible(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_visible_text_stays_as_it_is(text):
    assert visible(visible(text)) == visible(text)


def test_template_values_become_text_and_markup_stays_markup():
    assert finalize(None) == "–"
    assert finalize(3) == "3"
    assert finalize("\x1b") == "\\x1b"
    assert finalize(Markup("<b>")) is not None
    assert isinstance(finalize(Markup("<b>")), Markup)


def test_markdown_cannot_leave_its_cell():
    assert markdown("a|b\nc") == r"a\|b c"
    assert markdown("<img src=x>&`*_[x]") == r"&lt;img src=x&gt;&amp;\`\*\_\[x\]"
    assert markdown("\\|") == r"\\\|"


def test_slugs_hold_letters_digits_and_hyphens():
    assert slug("kim2023/alpha-robustness[PGD]") == "kim2023-alpha-robustness-pgd"
    assert slug("\u202e<>") == "x"


def test_shortened_text_is_one_line_with_an_ellipsis():
    assert shorten("one\ntwo", 20) == "one two"
    assert shorten("one two three", 8) == "one two…"
