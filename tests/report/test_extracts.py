"""What people take out of an audit, read back."""

import csv
import io
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.cli import main
from tic.document.loading import load_audit
from tic.document.seal import sealed
from tic.errors import TicError
from tic.exchange.citing import Citation
from tic.report import write_report
from tic.report.extracts import FORMATS, extract
from tic.report.extracts.drawings import standalone_style
from tic.report.extracts.latex import latex
from tic.report.index import index_of
from tic.report.overview import COLUMNS
from tic.stats.judge import Outcome

REFERENCE = Path(__file__).parents[2] / "reports" / "reference" / "smoke-budget.json"
NUMBERS = ("version", "estimate", "low", "high", "confidence", "p", "seeds")
SVG = "{http://www.w3.org/2000/svg}"


def written(audit, wanted, tmp_path, patterns=()):
    (path,) = extract(audit, wanted, tmp_path / "extract", patterns)
    return path.read_bytes().decode()


def rows(audit, tmp_path, patterns=()):
    return list(csv.DictReader(io.StringIO(written(audit, "csv", tmp_path, patterns), newline="")))


def test_a_spreadsheet_has_every_entry_with_the_very_numbers(example_audit, tmp_path):
    items = index_of(example_audit).items
    read = rows(example_audit, tmp_path)
    assert len(read) == len(items) == len(example_audit.entries)
    for row, item in zip(read, items, strict=True):
        for name, value in ((n, v(item)) for c in COLUMNS for n, v in c.fields.items()):
            if name in NUMBERS:
                assert (float(row[name]) if row[name] else None) == value
            else:
                assert row[name] == ("" if value is None else value)
        contrast = item.decisive
        low, high = (contrast.interval if contrast else None) or ("", "")
        assert row["outcome"] == item.entry.outcome
        assert (row["low"], row["high"]) == (str(low), str(high))


def test_a_spreadsheet_has_no_formula_and_every_row_whatever_others_wrote(armed_audit, tmp_path):
    read = rows(armed_audit, tmp_path)
    assert len(read) == len(armed_audit.entries)
    assert None not in {key for row in read for key in row}
    for row in read:
        texts = (text for name, text in row.items() if name not in NUMBERS)
        assert all(text.isprintable() or "\n" in text for text in texts)


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_what_a_spreadsheet_would_compute_stays_text(edited, tmp_path, start):
    formula = f'{start}HYPERLINK("https://example.org")'
    assert rows(edited(0, says=formula), tmp_path)[0]["says"] == f"'{formula}"


def test_a_table_has_the_rows_and_columns_of_the_page(example_audit, tmp_path):
    text = written(example_audit, "latex", tmp_path)
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    overview = index_of(example_audit).overview
    assert body[0] == r"Verdict & Claim & Place & Setting & Estimate & p & Seeds \\"
    assert len(body) == 1 + len(overview)
    for line, item in zip(body[1:], overview, strict=True):
        cells = line.removesuffix(r" \\").split(" & ")
        assert len(cells) == len(COLUMNS)
        assert cells[0] == latex(item.badge.word)
        assert cells[1] == latex(item.full_name)
    assert text.startswith("% Exploring")
    assert "% Smoke scale" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % & more", r"50 \% \& more"),
        ("a_b^c", r"a\_b{\textasciicircum}c"),
        (r"\input{x}", r"{\textbackslash}input\{x\}"),
        ("$x$ #1 ~", r"\$x\$ \#1 {\textasciitilde}"),
        ("−0.3", r"\ensuremath{-}0.3"),
        ("α ≥ τ", r"\ensuremath{\alpha} \ensuremath{\geq} \ensuremath{\tau}"),
        ("two\nlines", "two lines"),
    ],
)
def test_nothing_in_a_text_is_a_command_of_latex(text, escaped):
    assert latex(text) == escaped


@given(st.text())
def test_no_text_ends_its_cell_or_its_line(text):
    escaped = latex(text)
    assert "\\\\" not in escaped
    plain = re.sub(r"\\([a-zA-Z]+|.)", "", escaped)
    assert not set(plain) & set("&%$#_\n\\")
    assert plain.count("{") == plain.count("}")


def test_a_hostile_audit_gives_a_table_of_the_same_shape(armed_audit, tmp_path):
    lines = written(armed_audit, "latex", tmp_path).splitlines()
    body = [line for line in lines if line.endswith(r"\\")]
    assert len(body) == 1 + len(index_of(armed_audit).overview)
    for line in lines:
        assert line.startswith(("%", "\\")) or line in body
        assert len(re.findall(r"(?<!\\)&", line)) in {0, len(COLUMNS) - 1} or line[0] == "%"


def test_without_pylatexenc_the_way_out_is_told(example_audit, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pylatexenc.latexencode", None)
    with pytest.raises(TicError, match=r"pip install 'tic-audit\[latex\]', or take a csv"):
        extract(example_audit, "latex", tmp_path / "table.tex")


def test_there_is_a_figure_for_every_claim_and_rival(example_audit, tmp_path):
    files = extract(example_audit, "figures", tmp_path / "figures")
    measured = index_of(example_audit).measured
    assert [file.stem for file in files] == [item.anchor for item in measured]
    for file, item in zip(files, measured, strict=True):
        root = ET.parse(file).getroot()
        assert root.tag == f"{SVG}svg"
        inner = [part.get("class") for part in root.iter(f"{SVG}svg")]
        assert inner.count("strip") == len(item.entry.contrasts)
        drawn = sum(len(figure.panels) for figure in item.entry.figures)
        others = [kind for kind in inner if kind not in {"claim", "strip", "swatch"}]
        assert len(others) == drawn
        # All is inside of the picture.
        height = float(root.get("height"))
        tops = [float(g.get("transform").split()[1][:-1]) for g in root.findall(f"{SVG}g")]
        assert tops == sorted(tops)
        assert tops[-1] < height
        assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


def test_a_figure_has_its_colours_where_they_are_used():
    style = standalone_style()
    assert "var(" not in style
    assert "@media" not in style
    assert "svg .mean.s1, svg .thin.s1, svg .marker.s1 { stroke: #0b5394; }" in style
    assert "svg .supported { stroke: #0d6350; fill: #0d6350; }" in style


def test_figures_of_a_hostile_audit_are_pictures_without_scripts(armed_audit, tmp_path):
    files = extract(armed_audit, "figures", tmp_path / "figures")
    assert files
    for file in files:
        root = ET.parse(file).getroot()
        assert {part.tag.removeprefix(SVG) for part in root.iter()} <= {
            "svg", "g", "title", "desc", "style", "rect", "text", "line", "path", "circle", "image",
        }  # fmt: skip
        assert not [name for part in root.iter() for name in part.attrib if name.startswith("on")]
        links = [v for part in root.iter() for name, v in part.attrib.items() if "href" in name]
        assert all(link.startswith("data:image/png;base64,") for link in links)
        assert re.fullmatch(r"[a-z0-9-]+\.svg", file.name)


def badge_text(audit, tmp_path):
    root = ET.fromstring(written(audit, "badge", tmp_path))
    assert {part.tag.removeprefix(SVG) for part in root.iter()} == {"svg", "title", "rect", "text"}
    return root.find(f"{SVG}title").text


@pytest.fixture
def judged(example_audit):
    """Return a function that makes an audit of one supported claim, a rival and a control of it."""
    claim = example_audit.entries[0]
    assert claim.outcome is Outcome.SUPPORTED
    rival = next(
        e for e in example_audit.entries if e.role == "rival" and claim.claim in e.threatens
    )
    control = next(
        e for e in example_audit.entries if e.role == "control" and e.claim == claim.claim
    )

    def make(rival_outcome="REFUTED", control_outcome="REFUTED", level="smoke", **fields):
        came_out = {role: {"outcome": Outcome(o), "own_outcome": Outcome(o)} for role, o in (
            ("rival", rival_outcome), ("control", control_outcome)) if o}  # fmt: skip
        others = [e.model_copy(update=came_out[e.role]) for e in (rival, control)
                  if e.role in came_out]  # fmt: skip
        scope = claim.scope.model_copy(update={"level": level})
        entries = (claim.model_copy(update={"scope": scope}), *others)
        update = {"entries": entries, "protocols": (), **fields}
        return example_audit.model_copy(update=update)

    return make


def test_a_badge_counts_the_claims_that_stand_and_names_the_scale(judged, tmp_path):
    assert badge_text(judged(), tmp_path) == "claims: 1 of 1 stand (smoke scale)"
    assert badge_text(judged(level="paper"), tmp_path) == "claims: 1 of 1 stand"
    assert badge_text(judged(entries=()), tmp_path) == "claims: none audited"


@pytest.mark.parametrize("outcome", ["SUPPORTED", "INCONCLUSIVE", "NOT_RUN", ""])
def test_no_claim_stands_with_a_rival_that_is_not_refuted_or_without_any(judged, tmp_path, outcome):
    assert badge_text(judged(outcome), tmp_path) == "claims: 0 of 1 stand (smoke scale)"


@pytest.mark.parametrize(
    ("outcome", "standing"),
    [("SUPPORTED", 0), ("INCONCLUSIVE", 1), ("NOT_RUN", 1), ("", 1)],
)
def test_no_claim_stands_whose_test_supports_what_is_false(judged, tmp_path, outcome, standing):
    audit = judged(control_outcome=outcome)
    text = badge_text(audit, tmp_path)
    assert text == f"claims: {standing} of 1 stand (smoke scale)"
    (cited,) = Citation(audit).claims
    assert cited.fate == ("STANDS" if standing else "UNSOUND")


def test_a_badge_tells_an_audit_that_is_partial_or_altered(judged, tmp_path):
    whole, partial = (written(judged(completed=c), "badge", tmp_path) for c in (True, False))
    assert "claims: 1 of 1 stand (smoke scale, partial)" in partial
    colours = [re.findall(r'fill="(#\w{6})"', badge)[1] for badge in (whole, partial)]
    assert colours[0] != colours[1]
    audit = judged(level="paper", completed=False)
    assert badge_text(audit, tmp_path) == "claims: 1 of 1 stand (partial)"
    made = sealed(judged())
    assert badge_text(made, tmp_path) == "claims: 1 of 1 stand (smoke scale)"
    altered = made.model_copy(update={"seconds": 1.0})
    assert badge_text(altered, tmp_path) == "claims: audit altered"


@pytest.mark.parametrize("wanted", ["csv", "latex", "figures"])
def test_nothing_is_taken_out_of_an_audit_that_was_altered(example_audit, tmp_path, wanted):
    whole = sealed(example_audit)
    extract(whole, wanted, tmp_path / "whole")
    altered = whole.model_copy(update={"seconds": 1.0})
    with pytest.raises(TicError, match="changed after it was made: its seal is not that of its"):
        extract(altered, wanted, tmp_path / "altered")
    assert not (tmp_path / "altered").exists()


def test_a_table_tells_what_the_page_says_on_top(example_audit, tmp_path, capsys):
    partial = example_audit.model_copy(update={"completed": False})
    told = "Interrupted. The audit did not run to its end; what follows is partial."
    assert f"\n% {told}\n" in written(partial, "latex", tmp_path)
    assert told not in written(example_audit, "latex", tmp_path)
    write_report(partial, tmp_path)
    for wanted in ("csv", "figures"):
        target = str(tmp_path / wanted)
        assert main(["extract", wanted, str(tmp_path / "audit.json"), target]) == 0
        assert f"tic: {told}\n" in capsys.readouterr().err


def test_a_badge_counts_as_standing_what_texts_that_quote_the_audit_do(tmp_path):
    audit = load_audit(REFERENCE)
    fates = {}
    for cited in Citation(audit).claims:
        fates.setdefault(cited.entry.claim, set()).add(cited.fate)
    stand = [claim for claim, those in fates.items() if those == {"STANDS"}]
    assert 0 < len(stand) < len(fates)
    text = badge_text(audit, tmp_path)
    assert text == f"claims: {len(stand)} of {len(fates)} stand (smoke scale)"


@pytest.mark.parametrize("wanted", ["csv", "latex", "figures"])
def test_some_claims_are_chosen_by_name_or_place(example_audit, tmp_path, wanted):
    audit = example_audit
    if wanted == "csv":
        assert {row["claim"] for row in rows(audit, tmp_path, ("alpha-*",))} == {
            e.claim.removeprefix("kim2023/")
            for e in audit.entries
            if e.claim.startswith("kim2023/alpha-")
        }
    elif wanted == "latex":
        text = written(audit, "latex", tmp_path, ("pruning",))
        assert text.count(r"\\") == 2
    else:
        files = extract(audit, "figures", tmp_path, ("fig1",))
        assert 0 < len(files) < len(index_of(audit).measured)


@pytest.mark.parametrize(
    ("wanted", "patterns", "rule"),
    [
        ("pdf", (), r"unknown format 'pdf'; known: csv, latex, figures, badge"),
        ("csv", ("nothing",), r"--claim 'nothing' names no claim of this audit; it has kim2023/"),
        (
            "csv",
            ("",),
            r"of claims with commas between them, got an empty one; name",
        ),
        ("badge", ("", ""), r"a badge counts all claims of an audit, got --claim ','"),
        (
            "latex",
            ("alpha-*", "unfitted-readouts"),
            r"the format latex has, got 'unfitted-readouts'; take csv or figures, which",
        ),
        (
            "figures",
            ("*untrained network*",),
            r"that the format figures has, got '\*untrained network\*'; take csv, which shows it",
        ),
        ("badge", ("alpha-*",), r"a badge counts all claims of an audit, got --claim 'alpha-\*'"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(
    example_audit, tmp_path, wanted, patterns, rule
):
    with pytest.raises(TicError, match=rule):
        extract(example_audit, wanted, tmp_path / "target", patterns)
    assert not (tmp_path / "target").exists()


def test_a_folder_of_figures_that_is_a_file_is_refused(example_audit, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TicError, match="the folder of figures must name a folder"):
        extract(example_audit, "figures", tmp_path / "file")


def test_an_extract_goes_to_standard_output_or_a_device_and_no_name_beside_it(
    example_audit, tmp_path, capfd
):
    write_report(example_audit, tmp_path)
    for target in ("-", "/dev/stdout"):
        assert main(["extract", "badge", str(tmp_path / "audit.json"), target]) == 0
        told = capfd.readouterr().out
        assert told.startswith("<svg")
        assert told.rstrip().endswith("</svg>")
    assert main(["extract", "figures", str(tmp_path / "audit.json"), "-"]) == 2
    assert main(["extract", "csv", str(tmp_path / "audit.json"), str(tmp_path)]) == 2
    assert "must be a file, got the folder" in capfd.readouterr().err


def test_the_command_tells_what_it_wrote(example_audit, tmp_path, capsys):
    write_report(example_audit, tmp_path)
    target = tmp_path / "verdicts.csv"
    given = ["extract", "csv", str(tmp_path / "audit.json"), str(target)]
    assert main([*given, "--claim", "alpha-*, pruning"]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    assert len(target.read_text().splitlines()) > 2
    for pattern in ("", ",", "alpha-*,"):
        assert main([*given, "--claim", pattern]) == 2
        assert "with commas between them, got an empty one" in capsys.readouterr().err
    assert main(["extract", "odt", *given[2:]]) == 2
    assert capsys.readouterr().err.startswith("tic: unknown format 'odt'; known: ")
    assert FORMATS == ("csv", "latex", "figures", "badge")
