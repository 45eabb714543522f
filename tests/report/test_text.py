from markupsafe import Markup

from tic.report.text import finalize, markdown, slug


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
