"""The oldest versions that pyproject.toml allows, as constraints: `python -m tools.lowest`.

`make lowest` runs the tests with them, which is how the lower bounds are known to be true.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[[\w,]+\])?(>=|==)(?P<version>[\w.]+)")


def lowest(project: dict[str, Any]) -> Iterator[str]:
    """List a constraint, such as `torch==2.15`, for every requirement and those of all extras.

    Args:
        project: Table `project` of a pyproject.toml.

    Raises:
        ValueError: A requirement states no lower bound, or two of one package state different ones.
    """
    extras = project.get("optional-dependencies", {})
    bounds: dict[str, str] = {}
    for requirement in [
        *project["dependencies"],
        *(one for many in extras.values() for one in many),
    ]:
        if requirement.startswith(f"{project['name']}["):
            continue
        match = _REQUIREMENT.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{requirement} must be NAME>=VERSION, so that its oldest is known")
        name, version = match["name"], match["version"]
        if bounds.setdefault(name, version) != version:
            raise ValueError(f"{name} is required from {bounds[name]} and from {version}; say one")
    return (f"{name}=={version}" for name, version in bounds.items())


if __name__ == "__main__":
    print(*lowest(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]), sep="\n")
