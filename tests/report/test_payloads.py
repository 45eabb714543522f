"""What somebody else wrote into an audit, in the summary and in the differences of two audits."""

from html.parser import HTMLParser

from markdown_it import MarkdownIt

from tic.exchange.diff import diff_audits, format_diff
from tic.report import render_markdown
from tic.text import visible


class Rendered(HTMLParser):
    """Elements and addresses of a page."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.addresses = set(), set()
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.addresses |= {value for name, value in attributes if name in ("href", "src")}


def test_the_summary_makes_nothing_but_headings_lists_and_tables(payload_audit):
    renderer = MarkdownIt("commonmark", {"html": True}).enable("table")
    page = Rendered(renderer.render(render_markdown(payload_audit)))
    allowed = {"h1", "h2", "p", "ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.tags <= allowed
    assert page.addresses == set()


def test_the_summary_hides_nothing(payload_audit):
    text = render_markdown(payload_audit)
    assert visible(text) == text


def test_the_differences_of_two_audits_hide_nothing(example_audit, payload_audit):
    for pair in ((example_audit, payload_audit), (payload_audit, example_audit)):
        text = format_diff(diff_audits(*pair), whole=True)
        assert visible(text) == text
        assert len(text.splitlines()) == text.count("\n")
