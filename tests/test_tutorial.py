"""The tutorial: its notebook is the page, and everything in it is done."""

import os
import re

import nbformat
import pytest
from nbclient import NotebookClient

from fixtures.installed import surroundings
from fixtures.workers import PATIENCE
from tools.notebook import NOTEBOOK, PAGE, notebook


def test_the_notebook_is_the_page():
    page = PAGE.read_text(encoding="utf-8")
    assert NOTEBOOK.read_text(encoding="utf-8") == notebook(page), "run make pages"


def test_a_page_becomes_cells():
    page = (
        "# Title\n\n```sh\ntic new a\ntic diff a b  # ends with 1, as told\n```\nText.\n\n"
        "```python\n# file: mine/a.py\nx = 1\n```\n"
    )
    cells = nbformat.reads(notebook(page), 4).cells
    assert [(cell.cell_type, cell.source) for cell in cells] == [
        ("markdown", "# Title"),
        (
            "code",
            "%%bash\nset -e\ntic new a\nif tic diff a b; then exit 9; else test $? = 1; fi",
        ),
        ("markdown", "Text."),
        ("code", "%%writefile mine/a.py\nx = 1"),
    ]


@pytest.fixture
def done(shell, site, tmp_path):
    """The notebook after all of it was done in an empty folder, with the tic that is installed."""
    read = nbformat.read(NOTEBOOK, 4)
    environment = {
        **surroundings(site),
        "PATH": os.pathsep.join([str(shell.bin), os.environ["PATH"]]),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    folder = tmp_path / "empty"
    folder.mkdir()
    client = NotebookClient(read, timeout=int(PATIENCE), kernel_name="python3")
    client.execute(cwd=str(folder), env=environment)
    return folder, read


def outputs(read, beginning):
    """What the cells wrote whose command begins so."""
    return [
        "".join(output.get("text", "") for output in cell.outputs)
        for cell in read.cells
        if cell.cell_type == "code" and beginning in cell.source
    ]


def test_what_the_tutorial_says_happens(done):
    folder, read = done
    (planned,) = outputs(read, "tic plan smith2024")
    assert "6 Runs, 6 to train" in planned
    assert (folder / "first" / "report.html").exists()
    assert (folder / "badge.svg").read_text().startswith("<svg")
    assert len((folder / "verdicts.csv").read_text().splitlines()) == 3
    assert len(list((folder / "figures").iterdir())) == 2
    (moved,) = outputs(read, "tic diff --markdown")
    assert re.search(
        r"^### \w+ of 1 verdict on claims changed and \w+ of 1 on rivals$", moved, re.MULTILINE
    )
    (information,) = outputs(read, "tic.fisher_information")
    assert "its centroid:" in information
    (careless,) = outputs(read, "tic audit mine/test_careless.py")
    assert "came out SUPPORTED on a negative control" in careless
    (against,) = outputs(read, "tic audit mine/test_time.py")
    assert "other explanations, SUPPORTED where they stand:" in against
