"""What `tic new` writes: a pack that runs at once, to be changed into that of a paper."""

from __future__ import annotations

import importlib.util
import json
import keyword
import os
import re
import sys
from importlib.resources import files
from pathlib import Path
from string import Template

from tic.errors import TicError
from tic.text import quoted
from tic.writing import write_atomically, write_errors_explained

_FILES = {
    "pack.txt": "__init__.py",
    "paper.txt": "paper.py",
    "claims.txt": "test_claims.py",
    "readme.txt": "README.md",
}
"""Templates, and what each becomes in the pack."""


def write_pack(name: str, folder: Path) -> list[Path]:
    """Write a pack of a paper.

    Args:
        name: Of the paper, such as `smith2024`; hyphens become underscores.
        folder: In which the pack's own folder goes. The workflow goes where forges look for it, in
            the checkout that the folder lies in, or else beside the pack.

    Returns:
        The files.

    Raises:
        TicError: The name is none that Python can import, or one that it imports already, a file is
            there already, or the folder cannot be written.
    """
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", module) or keyword.iskeyword(module):
        raise TicError(
            f"the name of a pack must be small letters, digits and hyphens, beginning with a "
            f"letter, such as smith2024, got {quoted(name)}"
        )
    place = folder.resolve()
    checkout = _checkout(place)
    # Paths are told as they were given where nothing else is needed.
    root = folder if checkout == place else checkout
    targets = {source: folder / module / name for source, name in _FILES.items()}
    targets["workflow.txt"] = root / ".github" / "workflows" / f"audit-{module}.yml"
    # A JSON string is one of YAML, whatever letters the path has.
    claims = json.dumps((place / module).relative_to(checkout).as_posix())
    for target in targets.values():
        if os.path.lexists(target):
            raise TicError(f"{target} exists already; choose another name or remove it")
    spec = importlib.util.find_spec(module)
    if module in sys.stdlib_module_names or (spec and spec.has_location):
        raise TicError(
            f"the name of a pack must be none that Python imports already, since that would be "
            f"imported instead or hidden, got {quoted(name)}; choose another, such as smith2024"
        )
    for source, target in targets.items():
        template = Template(files(__name__).joinpath(source).read_text(encoding="utf-8"))
        with write_errors_explained(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, template.substitute(name=module, claims=claims).encode())
    return [*targets.values()]


def _checkout(folder: Path) -> Path:
    """Find the root of the checkout that a resolved folder lies in; the folder if it is in none."""
    up = (folder, *folder.parents)
    return next((parent for parent in up if os.path.lexists(parent / ".git")), folder)
