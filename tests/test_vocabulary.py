"""The library knows no paper: neither imports, which import-linter holds, nor words of one."""

import re
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "tic"
WORDS = (
    "kim2023",
    "deficit",
    "perturbation",
    "redrawn",
    "normalised centroid",
    "1 / 15",
    "Eq. 11",
    "li2023",
    "i2e",
    "pre-activation",
    "ann-like",
    "yao2023",
    "asa-snn",
    "nasfr",
    "noise feature",
    "split attention",
    "null pattern",
    "meszaros2024",
    "linked mask",
)
"""Of the papers audited here, whose own measurements, networks and data lie in their folders."""


def test_no_word_of_a_paper_stands_in_the_library():
    files = [file for kind in ("*.py", "*.j2", "*.txt") for file in LIBRARY.rglob(kind)]
    assert len(files) > 200
    words = re.compile("|".join(map(re.escape, WORDS)), re.IGNORECASE)
    found = [(file.name, words.findall(file.read_text(encoding="utf-8"))) for file in files]
    assert [(name, used) for name, used in found if used] == []
