"""What is built to be installed."""

import io
import tarfile
import tomllib
from pathlib import Path

import pytest

from tools.dist import same_everywhere

ROOT = Path(__file__).parents[1]


def packed(members, mtime, user):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.mtime, info.uname, info.size = mtime, user, len(content or b"")
            info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            info.mode = 0o700 if user == "me" else 0o664
            archive.addfile(info, io.BytesIO(content or b""))
    return buffer.getvalue()


def test_what_is_packed_at_another_time_by_another_user_is_the_same():
    members = [("a", None), ("a/b.py", b"x = 1\n"), ("a/c", b"")]
    one = packed(members, 1, "me")
    other = packed(members[::-1], 10**9, "you")
    assert one != other
    same = same_everywhere(one, 1_700_000_000)
    assert same == same_everywhere(other, 1_700_000_000)
    assert same != same_everywhere(one, 1_700_000_001)
    with tarfile.open(fileobj=io.BytesIO(same)) as archive:
        assert [(m.name, m.mtime, m.uname, m.mode) for m in archive] == [
            ("a", 1_700_000_000, "", 0o755),
            ("a/b.py", 1_700_000_000, "", 0o644),
            ("a/c", 1_700_000_000, "", 0o644),
        ]
        assert archive.extractfile("a/b.py").read() == b"x = 1\n"


@pytest.mark.parametrize("name", ["attacks", "completion", "latex"])
def test_what_can_be_missing_is_an_extra_whose_name_the_message_tells(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"][name]
    library = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tic").rglob("*.py"))
    assert f"tic-audit[{name}]" in library
