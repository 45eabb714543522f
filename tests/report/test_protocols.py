import json
import re
from xml.etree import ElementTree

import pytest

from tic.document.audit import Audit
from tic.report import protocols, render_html, render_markdown
from tic.report.index import index_of
from tic.stats.judge import Outcome


def section(source: str, tag: str, ident: str) -> ElementTree.Element:
    """Return one element of a page, which is well-formed enough to be read as XML."""
    element = re.search(rf'<{tag} id="{re.escape(ident)}".*?</{tag}>', source, re.DOTALL)
    assert element is not None, ident
    return ElementTree.fromstring(element.group(0))


def words(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def links(element: ElementTree.Element) -> list[str]:
    return [a.get("href", "") for a in element.iter("a")]


def table_rows(source: str) -> dict[str, list[ElementTree.Element]]:
    """Return the cells of the table of protocols by the words of their row."""
    table = section(source, "section", "protocols")
    rows = table.findall(".//tbody/tr")
    return {words(row.findall("th")[0]): row.findall("td") for row in rows}


@pytest.fixture(scope="module")
def source(example_audit):
    return render_html(example_audit)


def test_rows_are_claims_in_their_setting_and_columns_protocols(source):
    table = section(source, "section", "protocols")
    heads = [words(head) for head in table.findall(".//thead//th")]
    assert heads == ["Claim", "standard", "official", "summed-logits"]
    rows = table_rows(source)
    assert len(rows) == 12
    assert {len(cells) for cells in rows.values()} == {3}
    assert "alpha-robustness corruption = blur" in rows


def test_what_each_protocol_says_stands_above_the_table(source):
    facts = section(source, "section", "protocols").findall("dl/div")
    says = {words(fact.findall("dt")[0]): words(fact.findall("dd")[0]) for fact in facts}
    assert list(says) == ["standard", "official", "summed-logits"]
    assert says["official"] == "as the authors' release does: Eq. 6 of a batch mean"


def test_cells_hold_verdict_and_estimate_and_link_to_the_entry(source):
    (row,) = [cells for name, cells in table_rows(source).items() if "concentration T" in name]
    standard, official, _ = row
    assert words(standard) == "✓ SUPPORTED −0.0050 normalised centroid per epoch"
    assert links(standard) == ["#claim-kim2023-concentration-10"]
    assert re.fullmatch(r"✗ REFUTED −0\.2\d* normalised centroid", words(official))
    assert links(official) == ["#claim-kim2023-concentration-10-official"]


def test_a_dash_with_words_says_that_a_protocol_does_not_touch_a_claim(source):
    _, official, _ = table_rows(source)["pruning architecture = tiny, T_retrain = 3"]
    assert words(official) == "–as standard"
    dash, unseen = official.findall("span/span")
    assert (dash.get("aria-hidden"), unseen.get("class")) == ("true", "unseen")


def test_a_protocol_that_could_change_a_claim_but_did_not_judge_it_is_no_dash(source):
    _, _, summed = table_rows(source)["alpha-information"]
    assert words(summed) == "not judged"


def test_rows_whose_verdicts_differ_say_so_in_words(source):
    marked = [name for name in table_rows(source) if "Verdicts differ" in name]
    assert marked == ["concentration T = 10Verdicts differ"]
    sentence = "The verdict differs between protocols for 1 of 12 claims in their setting."
    assert sentence in words(section(source, "section", "protocols"))
    assert sentence in words(section(source, "section", "result"))


@pytest.mark.parametrize(
    ("outcome", "differs"),
    [
        (Outcome.SUPPORTED, False),
        (Outcome.INCONCLUSIVE, True),
        (Outcome.NOT_APPLICABLE, True),
        (Outcome.NOT_RUN, False),
        (Outcome.ERROR, False),
    ],
)
def test_what_was_not_found_out_does_not_differ(edited, outcome, differs):
    tables = protocols.protocol_tables(index_of(edited(12, outcome=outcome)))
    (table,) = tables
    assert table.rows[0].differs is differs
    if not differs:
        assert protocols.protocols_sentence(tables) == "No verdict differs between the protocols."


def test_the_overview_lists_and_counts_only_the_standard_verdicts(source):
    overview = section(source, "section", "overview")
    assert len(overview.findall(".//tbody/tr")) == 12
    assert "official" not in words(overview)
    result = words(section(source, "section", "result"))
    assert "10 verdicts on 7 claims: 6 supported, 1 refuted" in result
    assert "This leaves out 2 verdicts under protocols other than the standard one." in source


def test_without_the_standard_protocol_the_overview_lists_all(example_audit, edited):
    others = tuple(e.model_copy(update={"protocol": "b"}) for e in example_audit.entries[1:5])
    named = example_audit.protocols[0].model_copy(update={"name": "b"})
    audit = edited(
        entries=(*others, *example_audit.entries[12:]),
        protocols=(named, example_audit.protocols[1]),
    )
    page = render_html(audit)
    assert len(section(page, "section", "overview").findall(".//tbody/tr")) == 6
    assert "This leaves out" not in page
    (row,) = [cells for name, cells in table_rows(page).items() if "concentrated" in name]
    assert words(row[1]) == "not judged"


def test_claims_that_the_asked_protocol_does_not_touch_share_the_overview(example_audit, edited):
    """As `--protocol official` leaves them: untouched claims are judged by the standard one."""
    page = render_html(edited(entries=example_audit.entries[1:3] + example_audit.entries[12:]))
    assert len(section(page, "section", "overview").findall(".//tbody/tr")) == 4
    assert "No claim was judged by more than one protocol." in page
    rows = table_rows(page)
    assert [words(cell) for cell in rows["alpha-information"]][::2] == ["not judged"] * 2
    assert words(rows["layers"][1]) == "–as standard"


def test_one_protocol_needs_no_table(example_audit, edited):
    audit = edited(entries=example_audit.entries[:12], protocols=example_audit.protocols[:1])
    page = render_html(audit)
    assert 'id="protocols"' not in page
    assert "#protocols" not in page
    assert "by protocol" not in render_markdown(audit)
    assert protocols.protocol_tables(index_of(audit)) == ()


def test_the_only_protocol_is_named_where_it_is_not_standard(example_audit, edited):
    audit = edited(entries=example_audit.entries[12:], protocols=example_audit.protocols[1:2])
    page = render_html(audit)
    overview = section(page, "section", "overview")
    assert len(overview.findall(".//tbody/tr")) == 2
    assert "T = 10, protocol = official" in words(overview)


def test_an_entry_names_what_could_change_its_verdict(source):
    entry = section(source, "article", "claim-kim2023-concentration-10")
    (line,) = [p for p in entry.iter("p") if p.get("class") == "alternatives"]
    assert words(line) == (
        "What could change this verdict: official ✗ REFUTED; not run: "
        "per-neuron (run with --protocol NAME)"
    )
    assert links(line) == ["#claim-kim2023-concentration-10-official"]
    capacity = section(source, "article", "claim-kim2023-capacity")
    assert "What could change" not in words(capacity)


def test_an_entry_names_its_protocol_and_links_to_the_standard_verdict(source):
    entry = section(source, "article", "claim-kim2023-concentration-10-official")
    assert words(entry.findall("header/h3")[0]) == "concentration T = 10, protocol = official"
    (facts,) = [dl for dl in entry.iter("dl") if dl.get("class") == "facts"]
    assert words(facts).startswith(
        "Protocolofficial: as the authors' release does: Eq. 6 of a batch mean Decided by"
    )
    (line,) = [p for p in entry.iter("p") if p.get("class") == "alternatives"]
    assert words(line).startswith("What could change this verdict: standard ✓ SUPPORTED; not run: ")
    assert links(line) == ["#claim-kim2023-concentration-10"]


def test_a_verdict_that_was_not_run_gives_its_reason(source):
    entry = section(source, "article", "claim-kim2023-capacity")
    (reason,) = [p for p in entry.iter("p") if p.get("class") == "reason"]
    assert words(reason).startswith("the Runs that it needs are not in the store")


def test_the_correction_is_told_to_be_made_for_each_protocol(source, example_audit, edited):
    assert "at level 0.05, for each protocol apart:" in source
    single = edited(entries=example_audit.entries[:12], protocols=example_audit.protocols[:1])
    assert "protocol apart" not in render_html(single)


def test_the_summary_compares_the_protocols(example_audit):
    text = render_markdown(example_audit)
    head, _, table = text.partition("## Verdicts by protocol")
    verdicts, _, reasons = head.partition("- **")
    assert "@official" not in verdicts
    assert "**REFUTED** kim2023/concentration\\[10\\]@official: the centroid" in reasons
    assert "- **official**: as the authors' release does: Eq. 6 of a batch mean" in table
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert rows[0] == "| Claim | Setting | standard | official | summed-logits | Verdicts |"
    assert len(rows) == 2 + 12
    assert rows[2].startswith("| concentration | T = 10 | ✓ SUPPORTED: −0.0050 normalised")
    assert rows[2].endswith("| – (as standard) | **differ** |")
    assert "– (not judged) | – |" in rows[5]


def test_a_hostile_protocol_stays_text(example_audit, hostile_text):
    document = json.loads(example_audit.model_dump_json())
    audit = Audit.model_validate(_renamed(document, "official", hostile_text))
    page = render_html(audit)
    assert "<script" not in page
    heads = [words(h) for h in section(page, "section", "protocols").findall(".//thead//th")]
    assert "<script>alert(1)</script>" in heads[2]
    text = render_markdown(audit)
    assert "<script" not in text
    rows = [row for row in text.partition("## Verdicts")[2].splitlines() if row.startswith("| ")]
    assert len(rows) == 2 + 12
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 7 for row in rows)


def test_the_contents_are_grouped_by_place(source):
    contents = re.search(r"<nav.*?</nav>", source, re.DOTALL)
    assert contents is not None
    nav = ElementTree.fromstring(contents.group(0).replace(" open>", ' open="">'))
    assert "#protocols" in links(nav)
    groups = {words(d.findall("summary/span")[0]): d for d in nav.iter("details")}
    assert list(groups) == [
        "Fig. 1", "Fig. 3", "Fig. 5", "Table 1", "Fig. 7", "text after Fig. 7", "Discussion"
    ]  # fmt: skip
    assert len(links(groups["Fig. 1"])) == 3
    assert words(groups["Fig. 1"].findall("summary")[0]) == (
        "Fig. 1 ✓ 1 supported ✗ 1 refuted ? 1 inconclusive"
    )
    assert "concentration 10 (official)" in words(groups["Fig. 1"])


def _renamed(value, old, new):
    if isinstance(value, dict):
        return {k: _renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(item, old, new) for item in value]
    return new if value == old else value
