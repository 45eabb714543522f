"""The code of kinds: what changes its digest, and when that is told."""

import importlib
import json
import sys
import textwrap

import pytest

from tic.session.code import FILE, changed_kinds, code_digest
from tic.store import Store

SOURCE = {
    "layers.py": '''
    """Layers."""
    GAIN = 2.0
    OTHER = 1
    TABLE = (print, object())
    STEPS = (1, (2, 3))

    def doubled(x):
        """Double."""
        return GAIN * x, TABLE, STEPS  # and no more

    def unused(x):
        return OTHER * x

    class Net:
        def forward(self, x):
            return doubled(x)
    ''',
    "kinds.py": '''
    from dataclasses import dataclass
    from functools import lru_cache
    from tic.audit import Architecture
    from listening import layers
    from listening.layers import Net

    @lru_cache
    def width():
        return 7

    class Wide(Net):
        pass

    @dataclass(frozen=True)
    class Listener(Architecture):
        """Listens."""

        def build(self, facts, timesteps):
            return Wide(), width(), layers.doubled(1)

    @dataclass(frozen=True)
    class Deaf(Architecture):
        def build(self, facts, timesteps):
            return None
    ''',
}
NAMES = ["listening.kinds:Deaf", "listening.kinds:Listener"]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package, with replacements in its text, and import it anew."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "listening"
    folder.mkdir()
    (folder / "__init__.py").touch()

    def write(*replacements):
        for file, source in SOURCE.items():
            text = textwrap.dedent(source)
            for old, new in replacements:
                text = text.replace(old, new)
            (folder / file).write_text(text)
        for name in [name for name in sys.modules if name.startswith("listening")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            return importlib.import_module("listening.kinds")
        finally:
            sys.dont_write_bytecode = before

    yield write
    for name in [name for name in sys.modules if name.startswith("listening")]:
        del sys.modules[name]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("GAIN = 2.0", "GAIN = 3.0"),
        ("STEPS = (1, (2, 3))", "STEPS = (1, (2, 4))"),
        ("return GAIN * x", "return GAIN + x"),
        ("class Wide(Net):\n    pass", "class Wide(Net):\n    wide = True"),
        ("return 7", "return 8"),
        ("layers.doubled(1)", "layers.doubled(2)"),
        ("layers.doubled(1)", "layers.unused(1)"),
        ("return Wide(), width()", "return Wide(), 1 + width()"),
    ],
)
def test_what_a_kind_does_or_what_it_names_changes_its_code_alone(package, old, new):
    before = package()
    listening, deaf = code_digest(before.Listener), code_digest(before.Deaf)
    after = package((old, new))
    assert code_digest(after.Listener) != listening
    assert code_digest(after.Deaf) == deaf


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # and no more", ""),
        ('"""Listens."""', '"""Hears."""'),
        ('"""Double."""', '"""Double it."""'),
        ("OTHER * x", "OTHER + x"),
        ("OTHER = 1", "OTHER = 5"),
        ("return None", "return 1"),
        ("\n\n    def unused", "\n\n\n\n    def unused"),
    ],
)
def test_comments_layout_and_what_it_does_not_name_are_no_code_of_a_kind(package, old, new):
    before = code_digest(package().Listener)
    assert code_digest(package((old, new)).Listener) == before


def test_a_change_is_told_once(package, store):
    package()
    assert changed_kinds(["listening"], store) == []
    assert sorted(json.loads((store.root / FILE).read_text())) == NAMES
    assert changed_kinds(["listening"], store) == []
    package(("return 7", "return 8"))
    assert changed_kinds(["other"], store) == []
    assert changed_kinds(["listening"], store) == ["listening.kinds:Listener"]
    assert changed_kinds(["listening"], store) == []


def test_code_of_another_version_is_expected_to_be_another(package, store):
    package()
    changed_kinds(["listening"], store)
    package(("return 7", "return 8"), ('"""Listens."""', "version = 2"))
    assert changed_kinds(["listening"], store) == []
    package(("return 7", "return 9"), ('"""Listens."""', "version = 2"))
    assert changed_kinds(["listening"], store) == ["listening.kinds:Listener"]


def test_code_that_another_python_parsed_is_not_compared(package, store):
    package()
    changed_kinds(["listening"], store)
    known = json.loads((store.root / FILE).read_text())
    for code in known.values():
        code["python"] = "3.0"
    (store.root / FILE).write_text(json.dumps(known))
    package(("return 7", "return 8"))
    assert changed_kinds(["listening"], store) == []


@pytest.mark.parametrize("content", ["", "[]", '{"listening.kinds:Listener": {}}', "{}", "\x00"])
def test_a_file_that_cannot_be_used_is_written_anew(package, store, content):
    store.root.mkdir()
    (store.root / FILE).write_text(content)
    package()
    assert changed_kinds(["listening"], store) == []
    assert sorted(json.loads((store.root / FILE).read_text())) == NAMES


OWN = """
from dataclasses import dataclass
from tic.models import Architecture
@dataclass(frozen=True)
class Small(Architecture):
    def build(self, facts, timesteps):
        import torch
        body = torch.nn.Linear(64, 10)
        torch.nn.init.zeros_(body.bias)
        return torch.nn.Sequential(torch.nn.Flatten(), body, torch.nn.Unflatten(0, (1, -1)))
@says("own", lambda setting: setting.recipe.but(architecture=Small(), timesteps=1))
def test_own(runs, judge):
    judge(runs.train_loss()[:, -1], above(0), name="loss", unit="nats")
"""


def test_an_audit_tells_that_code_changed_since_its_store_was_used(repository, tmp_path):
    def told():
        sys.modules.pop("test_pack", None)
        text = " ".join(repository.run(store=tmp_path / "store").text.split())
        return "the code of test_pack:Small is another than when this Store was last used" in text

    repository.write(OWN)
    assert [told(), told()] == [False, False]
    repository.write(OWN.replace("zeros_", "ones_"))
    assert [told(), told()] == [True, False]
    raised = OWN.replace("    def build", "    version = 2\n    def build")
    repository.write(raised.replace("zeros_", "normal_"))
    assert told() is False
