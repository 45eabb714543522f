"""Pages of the documentation that are made or that say how something is."""

import configparser
import importlib
import json
import re
from pathlib import Path

import pytest
import yaml

from benchmarks.__main__ import all_rows
from tools import benchmarks_page
from tools.options_page import PAGE, options_page

ROOT = Path(__file__).parents[1]
NAV = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]


def test_the_page_of_options_is_what_the_command_line_knows():
    assert PAGE.read_text(encoding="utf-8") == options_page(), "run make pages"


def test_the_page_of_options_has_every_command_and_argument():
    page = options_page()
    assert "| `--seeds S\\|A-B` |" in page
    assert "| `--attacks quick\\|standard\\|full` |" in page
    assert "| `--controls` |" in page
    assert "### tic extract\n" in page
    assert "### tic audit" not in page
    for cell in ("`tic audit`", "`--sample N`", "`--markdown`", "`archive`"):
        assert f"| {cell} |" in page


def test_the_page_of_benchmarks_has_the_numbers_that_were_measured():
    page = benchmarks_page.PAGE.read_text(encoding="utf-8")
    measured = json.loads(benchmarks_page.MEASURED.read_text(encoding="utf-8"))
    assert benchmarks_page.benchmarks_page(page, measured) == page, "run make pages"
    assert not measured["machine"]["dirty"]
    names = {row.name for row in all_rows() if not row.name.startswith("gpu/")}
    assert {row["name"] for row in measured["rows"]} >= names
    slower = {**measured, "rows": [{**row, "ratio": 77.0} for row in measured["rows"]]}
    assert benchmarks_page.benchmarks_page(page, slower).count("| 77.00 |") >= len(names)
    with pytest.raises(ValueError, match="the page must have <!-- rows --> and, behind it, <!-- e"):
        benchmarks_page.benchmarks_page(page.replace("<!-- end of rows -->", ""), measured)


def test_the_architecture_names_the_layers_that_import_linter_holds():
    linter = configparser.ConfigParser()
    linter.read(ROOT / ".importlinter")
    layers = linter["importlinter:contract:layers"]["layers"].strip().splitlines()
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (`tic\..*?`) \|", page, re.MULTILINE)
    assert [" | ".join(re.findall(r"`(.*?)`", line)) for line in told] == layers


def pages(nav):
    for entry in nav:
        for target in entry.values():
            yield from [target] if isinstance(target, str) else pages(target)


def test_the_site_leads_to_every_page():
    site = pytest.importorskip("tools.site")
    told = list(pages(NAV))
    written = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    assert {*told} == written | {f"reference/{name}.md" for name in site.REFERENCE}
    for _, modules in site.REFERENCE.values():
        assert all(importlib.import_module(module).__doc__ for module in modules)
