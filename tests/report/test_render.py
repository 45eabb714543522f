import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import escape

from tic.document.audit import Audit, Family, Multiplicity
from tic.document.evidence import Pilot, Unknown
from tic.document.loading import load_audit
from tic.errors import TicError
from tic.report import render, render_html, render_markdown, write_report
from tic.stats.judge import JUDGED, Outcome

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Collects elements and text, and checks that every element is closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        return [a[attribute] or "" for _, a in self.elements if attribute in a]

    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def page(example_audit):
    return Page(render_html(example_audit))


@pytest.fixture(scope="module")
def hostile_page(hostile_audit):
    return Page(render_html(hostile_audit))


@pytest.fixture(params=["page", "hostile_page"])
def any_page(request):
    return request.getfixturevalue(request.param)


def test_elements_are_closed_and_identifiers_unique(any_page):
    assert any_page.open == []
    ids = any_page.values("id")
    # Runs of the hostile audit all have one fingerprint, so their anchors coincide.
    ids = [i for i in ids if not i.startswith("run-")]
    assert len(ids) == len(set(ids))


def test_every_link_inside_the_page_has_a_target(any_page):
    inside = {link[1:] for link in any_page.values("href") if link.startswith("#")}
    assert inside <= set(any_page.values("id"))


def test_every_drawing_is_named(any_page):
    ids = set(any_page.values("id"))
    for names in any_page.values("aria-labelledby"):
        assert set(names.split()) <= ids


def test_nothing_is_loaded_and_nothing_runs(any_page):
    tags = {tag for tag, _ in any_page.elements}
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "base", "use"}
    attributes = {name for _, attrs in any_page.elements for name in attrs}
    assert not {name for name in attributes if name.startswith("on")}
    assert not attributes & {"src", "srcset", "style", "action", "xlink:href"}
    for tag, attrs in any_page.elements:
        if tag == "link":
            assert attrs["href"] == "data:,"


SAVED = ("image/png", "image/svg+xml", "text/csv")


def test_links_leave_the_page_only_by_http(example_audit, edited):
    for url in ("javascript:alert(1)", "data:text/html,x", " https://x", "HTTPS"):
        paper = example_audit.papers[0].model_copy(update={"url": url})
        links = Page(render_html(edited(papers=(paper,)))).values("href")
        own = ("#", "data:,", *(f"data:{kind};base64," for kind in SAVED))
        assert all(link.startswith(own) for link in links)


def test_the_policy_lets_in_only_the_pages_own_style(example_audit):
    source = render_html(example_audit)
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = re.search(r'Policy" content="([^"]*)"', source).group(1)
    assert policy.startswith("default-src &#39;none&#39;") or policy.startswith(
        "default-src 'none'"
    )
    assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "url(" not in style
    assert "@import" not in style


def test_hostile_text_shows_as_text(hostile_page):
    words = hostile_page.words()
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in words
    assert "{{ 7 * 7 }}" in words
    assert "\\x1b[31m\\u202egpj.exe\\x00\\x9b2J" in words
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", words)


def test_the_order_is_summary_verdicts_claims_rivals_controls_training_provenance(page):
    ids = page.values("id")
    wanted = [
        "result", "overview", "protocols", "readings", "paper-kim2023", "rivals", "controls",
        "training", "provenance",
    ]  # fmt: skip
    assert [i for i in ids if i in wanted] == wanted
    words = page.words()
    assert words.index("6 supported") < words.index("Smoke scale") < words.index("Place")


def test_claims_stand_in_the_order_of_the_audit(page):
    articles = [a["id"] for tag, a in page.elements if tag == "article"]
    anchors = [anchor for anchor in articles if anchor.startswith("claim-")]
    assert len(anchors) == 14
    assert anchors[0] == "claim-kim2023-concentration-10"
    assert anchors[11] == "claim-kim2023-capacity"
    assert anchors[-1] == "claim-kim2023-alpha-information-official"


@pytest.mark.parametrize(
    "told",
    [
        "Smoke scale: 9 of 10 verdicts. Says nothing yet about the paper's setting.",
        "architecture: tiny (2 convolutions, 11 k weights) instead of ResNet-19",
        "By itself this claim is SUPPORTED. Corrected for the 9 claims of this paper (Holm, level "
        "0.05) it is not, so it counts as INCONCLUSIVE.",
        "To decide will probably take 9 to 41 seeds (in four of five cases).",
        "arithmetic: no seed and no interval",
        "ValueError: by_layer needs at least three blocks, got 2",
        "the Runs that it needs are not in the store",
        "Uncommitted changes.",
        "pytest claims/kim2023 --arch tiny --dataset digits --timesteps 10 --seeds 5",
        "git checkout 173956a0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6",
        "Holm over 9 claims at level 0.05",
        "The 5 rivals are a family of their own, corrected in the same way",
        "By itself this rival is SUPPORTED. Corrected for the 5 rivals of this paper (Holm, level "
        "0.05) it is not, so it counts as INCONCLUSIVE.",
        "20 runs from 4 recipes",
        "How to read a verdict",
        "diverged",
        "torch 2.9.1",
        "AMD EPYC 9554, 2 threads",
    ],
)
def test_the_page_tells(page, told):
    assert told in page.words()


def test_seeds_that_would_decide_are_to_be_added_as_looks_or_merged(example_audit, edited):
    place, entry = next(
        (place, e) for place, e in enumerate(example_audit.entries)
        if any(c.seeds_to_decide for c in e.contrasts)
    )  # fmt: skip
    told = (
        "(in four of five cases). Add seeds by --budget , or others by tic merge , which count as "
        "looks: a larger --seeds on the same seeds is a second look, which the error rate does not "
        "cover."
    )
    assert entry.design == "fixed"
    assert told in Page(render_html(example_audit)).words()
    words = Page(render_html(edited(place, design="sequential"))).words()
    assert "To decide will probably take 9 to 41 seeds (in four of five cases)." in words
    assert "which count as looks" not in words


def test_the_papers_numbers_stand_beside_ours(example_audit, edited):
    entry = next(e for e in example_audit.entries if e.comparisons)
    ours = entry.comparisons[0].model_copy(update={"reported": 92.04, "measured": (94.0, 96.0)})
    words = Page(render_html(edited(4, comparisons=(ours,)))).words()
    assert "clean accuracy, low α 92.04 95.00 94.00 to 96.00 +2.96" in words


def test_a_number_of_the_paper_that_is_not_known_is_said_so(example_audit, edited):
    entry = next(e for e in example_audit.entries if e.comparisons)
    unknown = Unknown(why="the paper's text was not read")
    ours = entry.comparisons[0].model_copy(update={"reported": unknown, "measured": (94.0, 96.0)})
    page = Page(render_html(edited(4, comparisons=(ours,))))
    told = "not known: the paper's text was not read 95.0 94.0 to 96.0 –"
    assert told in page.words()
    assert "Paper not known: the paper's text was not read, ours 94" in page.words()


def test_an_interrupted_audit_says_so_on_top(edited):
    words = Page(render_html(edited(completed=False))).words()
    assert words.index("Interrupted.") < words.index("10 verdicts")
    assert "Interrupted." not in Page(render_html(edited())).words()


def test_an_empty_audit_can_be_rendered(edited):
    words = Page(render_html(edited(entries=(), runs=(), papers=()))).words()
    assert "No claim was judged." in words
    assert "Nothing was trained for this audit." in words


def test_several_papers_are_kept_apart(example_audit, edited):
    second = example_audit.papers[0].model_copy(update={"key": "b", "title": "Another paper"})
    entries = (*example_audit.entries, example_audit.entries[0].model_copy(update={"paper": "b"}))
    page = Page(render_html(edited(papers=(*example_audit.papers, second), entries=entries)))
    assert "Claims of 2 papers" in page.words()
    assert {"paper-kim2023", "paper-b"} <= set(page.values("id"))


def test_claims_of_an_unknown_paper_are_still_shown(edited):
    assert "paper-gone" in Page(render_html(edited(0, paper="gone"))).values("id")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_can_be_rendered(edited, outcome):
    audit = edited(0, outcome=outcome, own_outcome=outcome)
    assert outcome.replace("_", " ") in Page(render_html(audit)).words()


def test_tables_name_their_columns_and_rows(page):
    heads = [attrs for tag, attrs in page.elements if tag == "th"]
    assert all(attrs.get("scope") in ("col", "colgroup", "row", "rowgroup") for attrs in heads)
    roles = {attrs.get("role") for tag, attrs in page.elements if tag in ("td", "tr", "table")}
    assert roles == {"cell", "row", "table"}


def test_twenty_claims_with_figures_stay_below_three_megabytes(example, edited):
    steps = example.STEPS
    curves = [[0.123456789 * (t + s) for t in steps] for s in range(10)]
    series = {"name": "I_t", "x": steps, "values": curves, "marker": 3.2}
    panel = {"kind": "curves", "title": "p", "x_label": "t", "y_label": "I", "series": [series] * 3}
    figure = {"title": "f", "caption": "", "panels": [panel] * 4}
    entries = [
        example.entry(f"c{k}", "Fig. 1", "s", "r", figures=(figure, figure)) for k in range(20)
    ]
    source = render_html(edited(entries=tuple(entries)))
    assert len(source.encode()) < 3_000_000


def test_a_report_is_three_files(tmp_path, example_audit):
    folder = tmp_path / "new" / "audit"
    path = write_report(example_audit, folder)
    assert path == folder / "report.html"
    assert sorted(p.name for p in folder.iterdir()) == ["audit.json", "report.html", "summary.md"]
    assert load_audit(folder / "audit.json") == example_audit
    assert path.read_bytes().decode("utf-8") == render_html(example_audit)
    assert (folder / "summary.md").read_text(encoding="utf-8") == render_markdown(example_audit)


def test_numbers_of_one_list_stand_on_one_line_and_texts_as_they_are(example, edited, tmp_path):
    texts = ("[\n 1,\n 2\n]", "[", "]\n")
    panel = {
        "kind": "curves",
        "title": "p",
        "x_label": "x",
        "y_label": "y",
        "series": [{"name": "s", "x": [1, 2.5], "values": [[0.25, -1e-9]]}],
    }
    figure = {"title": texts[0], "caption": "", "panels": [panel]}
    entry = example.entry("c", "Fig. 1", texts[1], texts[2], figures=(figure,), notes=texts)
    audit = edited(entries=(entry,))
    write_report(audit, tmp_path)
    assert load_audit(tmp_path / "audit.json") == audit
    lines = (tmp_path / "audit.json").read_text().splitlines()
    assert '"x": [1.0, 2.5],' in map(str.strip, lines)
    assert "[0.25, -1e-9]" in map(str.strip, lines)


def test_rendering_twice_gives_the_same_bytes(example_audit):
    again = Audit.model_validate(json.loads(example_audit.model_dump_json()))
    assert render_html(example_audit) == render_html(again)


def test_a_failed_write_leaves_the_old_report_and_no_rest(tmp_path, example_audit, monkeypatch):
    write_report(example_audit, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(self: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(TicError, match="no space left"):
        write_report(example_audit, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_audit_whose_page_cannot_be_made_is_kept(tmp_path, example_audit, monkeypatch):
    def fail(audit):
        raise RuntimeError("a template broke")

    monkeypatch.setattr(render, "render_html", fail)
    with pytest.raises(RuntimeError, match="a template broke"):
        write_report(example_audit, tmp_path)
    assert load_audit(tmp_path / "audit.json") == example_audit


def test_the_summary_has_counts_scope_and_one_row_per_verdict(example_audit):
    text = render_markdown(example_audit)
    assert text.startswith("# Claim audit: Exploring Temporal Information Dynamics")
    assert "6 supported, 1 refuted" in text
    assert "**Smoke scale: 9 of 10 verdicts.** Says nothing yet" in text
    verdicts = text.partition("## Rivals")[0]
    rows = [line for line in verdicts.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 12
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 8 for row in rows)
    assert "- **REFUTED** kim2023/alpha-robustness\\[blur\\]: drop(intermediate α)" in text


def test_the_summary_survives_hostile_text(hostile_audit):
    text = render_markdown(hostile_audit)
    assert "<" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    claims = [entry for entry in hostile_audit.entries if entry.role == "claim"]
    rivals = [e for e in hostile_audit.entries if e.role == "rival" and e.outcome in JUDGED]
    assert len(rows) == 2 + len(claims) + 2 + len(rivals)
    bars = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows]
    assert bars == [8] * (2 + len(claims)) + [7] * (2 + len(rivals))


def test_the_summary_of_an_interrupted_audit_says_so(edited):
    assert "**Interrupted.**" in render_markdown(edited(completed=False))
    assert "No claim was judged." in render_markdown(edited(entries=()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_can_be_read_on_the_page(scheme):
    style = render._style()[0]
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w]+): (#\w{6});", light if scheme == "light" else dark))
    text = ["ink", "quiet", "link", "supported", "refuted", "inconclusive", "none", "heat"]
    text += [f"s{index}" for index in range(1, 9)]
    for name in text:
        for ground in ("page", "tint"):
            assert contrast_ratio(colours[name], colours[ground]) >= 4.5, (name, ground)


def contrast_ratio(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


SHARED = "share an error rate of 2.5 % on either side"
LOOKED_AGAIN = "Every look at the data has its own part of the error rate"


def test_the_page_says_how_the_error_rate_is_shared_and_what_looks_cost(example_audit, edited):
    family = Family(paper="kim2023", claims=29, rivals=35)
    rule = Multiplicity(method="Bonferroni", level=0.025, families=(family,))
    today = example_audit.model_copy(update={"multiplicity": rule})
    once, again = (
        Page(render_html(today.model_copy(update={"entries": entries}))).words()
        for entries in (example_audit.entries, edited(0, design="sequential").entries)
    )
    assert f"29 claims {SHARED}" in once
    assert "The 35 rivals are a family of their own" in once
    assert LOOKED_AGAIN not in once
    assert LOOKED_AGAIN in again
    assert SHARED not in Page(render_html(example_audit)).words()  # by the rule of its time


def test_no_statement_is_quoted_since_none_tells_that_it_is_a_quotation(example_audit):
    page = render_html(example_audit)
    assert "blockquote" not in page
    assert "“" not in page.partition("</style>")[0]
    assert f'<p class="statement">{escape(example_audit.entries[0].says)}</p>' in page


def test_a_spread_is_told_only_where_there_is_an_interval(example_audit, edited):
    first, *rest = example_audit.entries[0].contrasts
    pilot = Pilot(seeds=(90, 91), effects=(0.1, 0.2))
    told = "spread of these and 2 pilot seeds"
    piloted = first.model_copy(update={"pilot": pilot})
    assert told in render_html(edited(0, contrasts=(piloted, *rest)))
    same = piloted.model_copy(update={"interval": None, "effects": (0.0,) * len(first.seeds)})
    page = render_html(edited(0, contrasts=(same, *rest)))
    assert told not in page
    assert "More seeds settle this only once one of them differs." in page
