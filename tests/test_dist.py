"""What is built to be installed."""

import io
import re
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest

from tools.dist import committed, same_everywhere

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


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A folder with one commit, whatever who runs this has told git."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    root = tmp_path / "repository"
    (root / "a").mkdir(parents=True)
    (root / "a" / "b.py").write_text("x = 1\n")
    name = ("-c", "user.name=N", "-c", "user.email=n@example.org")
    for words in (("init", "-q"), ("add", "-A"), (*name, "commit", "-qm", "First")):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    return root


def test_what_is_built_is_what_was_committed(repository, tmp_path):
    (repository / "a" / "b.py").write_text("x = 2\n")
    (repository / "staged.py").write_text("")
    subprocess.run(["git", "-C", str(repository), "add", "-A"], check=True)
    (repository / "new.py").write_text("")
    committed(tmp_path / "copy", repository)
    files = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert [path.relative_to(tmp_path / "copy").as_posix() for path in files] == ["a/b.py"]
    assert files[0].read_text() == "x = 1\n"
    assert files[0].stat().st_mode & 0o777 == 0o644


def test_without_git_it_is_told_what_is_built(tmp_path, monkeypatch):
    for path in (None, ""):
        if path is not None:
            monkeypatch.setenv("PATH", path)
        with pytest.raises(SystemExit, match="what is built is the last commit, and git knows"):
            committed(tmp_path / "copy", tmp_path)


EXTRA = re.compile(r"(?:\.|tic-audit)\[(\w+(?:,\w+)*)\]['\"\s]")


def test_every_extra_that_is_named_anywhere_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True)
    tracked = [name for name in listed.stdout.decode().split("\0") if name]
    if not tracked:
        pytest.skip("git lists no files here")
    kinds = {".py", ".md", ".toml", ".yml", ".txt", ""}
    named = {}
    for file in (ROOT / name for name in tracked if Path(name).suffix in kinds):
        if file.is_file():
            for names in EXTRA.findall(file.read_text(encoding="utf-8", errors="ignore")):
                named |= {name: file.name for name in names.split(",")}
    assert {"attacks", "dev", "ray"} <= named.keys()
    unknown = named.keys() - project["optional-dependencies"].keys()
    assert not {name: named[name] for name in unknown}


@pytest.mark.parametrize("name", ["attacks", "completion", "latex"])
def test_what_can_be_missing_is_an_extra_whose_name_the_message_tells(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"][name]
    library = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tic").rglob("*.py"))
    assert f"tic-audit[{name}]" in library
