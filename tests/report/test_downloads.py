"""What the page itself holds for taking along: drawings and numbers, without script or network."""

import base64
import csv
import io
import re
from xml.etree import ElementTree

from tic.report import render_html
from tic.report.extracts.drawings import claim_drawing
from tic.report.extracts.numbers import HEAD, numbers
from tic.report.extracts.spreadsheet import spreadsheet
from tic.report.index import index_of


def downloads(page):
    """File name and content of every link of the page that saves something."""
    links = re.findall(r'<a download="([^"]+)" href="data:([\w/+]+);base64,([^"]*)">', page)
    return {name: (kind, base64.b64decode(data).decode()) for name, kind, data in links}


def test_every_entry_with_evidence_has_its_drawings_and_numbers(example_audit):
    files = downloads(render_html(example_audit))
    index = index_of(example_audit)
    judged = [item for item in index.measured if item.entry.contrasts]
    names = {f"{item.anchor}.{end}" for item in judged for end in ("svg", "csv")}
    assert files.keys() == names | {"verdicts.csv"}
    for item in judged:
        assert files[f"{item.anchor}.svg"] == ("image/svg+xml", claim_drawing(item))
        assert files[f"{item.anchor}.csv"] == ("text/csv", numbers(item.entry))
        ElementTree.fromstring(files[f"{item.anchor}.svg"][1])
    assert files["verdicts.csv"] == ("text/csv", spreadsheet(index.items))


def test_numbers_read_back_have_the_same_bits(example_audit):
    for entry in example_audit.entries:
        head, *rows = csv.reader(io.StringIO(numbers(entry)))
        assert tuple(head[:6]) == HEAD
        read = {tuple(row[:6]): [float(v) for v in row[6:]] for row in rows}
        for contrast in entry.contrasts:
            effects = read["contrast", contrast.name, "", "effects", "", contrast.unit]
            assert effects == list(contrast.effects)
            seeds = read["contrast", contrast.name, "", "seeds", "", ""]
            assert seeds == list(contrast.seeds)
        for table in entry.tables:
            for row in table.rows:
                for column, values in zip(table.columns, row.values, strict=True):
                    key = ("table", table.title, row.group, row.name, column, table.unit)
                    assert read[key] == list(values)


def test_a_drawing_has_the_rules_that_it_needs_and_no_others(example_audit):
    index = index_of(example_audit)
    drawings = [claim_drawing(item) for item in index.measured]
    with_heat = [d for d in drawings if 'class="heat' in d]
    without = [d for d in drawings if 'class="heat' not in d]
    assert with_heat
    assert without
    assert all("svg .heat" in drawing for drawing in with_heat)
    assert not any("svg .heat" in drawing for drawing in without)
    with_region = [d for d in drawings if 'class="region' in d]
    assert with_region
    assert all("svg .region" in drawing for drawing in with_region)
    assert not any("var(--" in drawing for drawing in drawings)
