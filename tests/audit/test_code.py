"""The code of kinds: what changes its digest, and when that is told."""

import importlib
import json
import shutil
import sys
import textwrap
import types
from pathlib import Path

import pytest

from tic.document.loading import load_audit
from tic.errors import UnwritableError
from tic.run import STATE
from tic.session.code import FILE, changed_kinds, codes_of, keep_codes, kept_codes
from tic.store import Store

SOURCE = {
    "layers/__init__.py": '''
    """Layers."""
    from .nets import Net
    from .tables import *
    ''',
    "layers/nets.py": '''
    from functools import partial
    from ..helpers import halved
    from . import tables

    GAIN = 2.0
    OTHER = 1

    def doubled(x):
        """Double."""
        return GAIN * x, tables.STEPS[0]  # and no more

    def unused(x):
        return OTHER * x

    thrice = partial(doubled, 3)
    quick = lambda x: x + 1
    other = lambda x: x + 2

    class Net:
        def forward(self, x):
            return thrice(x), quick(x)

    Net.backward = lambda self: 5

    if OTHER:
        def either():
            return "this"
    else:
        def either():
            return "that"
    ''',
    "layers/tables.py": """
    import os
    STEPS = {0: 10}
    STEPS[1] = 11
    HERE = __file__
    GPU = os.environ.get("GPU")
    CALLS = 0
    """,
    "layers/lazy.py": """
    def late():
        return "late"
    """,
    "plots/__init__.py": """
    raise RuntimeError("no display")
    """,
    "plots/draw.py": """
    def drawn():
        return "drawn"
    """,
    "helpers.py": """
    def halved(x):
        return x / 2
    """,
    "kinds.py": '''
    from dataclasses import dataclass
    from functools import lru_cache
    import listening.layers.nets
    import listening.layers as built
    from tic.audit import Architecture
    from listening.layers import Net, HERE, GPU, CALLS

    @lru_cache
    def width():
        return 7

    class Wide(Net):
        pass

    NETS = {"wide": Wide}

    @dataclass(frozen=True)
    class Listener(Architecture):
        """Listens."""
        gain: float = 1.0

        def build(self, facts, timesteps):
            from .layers.lazy import late
            from .plots.draw import drawn
            return NETS, width(), listening.layers.nets.either(), HERE, GPU, CALLS, late(), drawn

    @dataclass(frozen=True)
    class Deaf(Architecture):
        def build(self, facts, timesteps):
            return None

    class Outer:
        @dataclass(frozen=True)
        class Inner(Architecture):
            def build(self, facts, timesteps):
                return built.nets.halved(1)
    ''',
}
NAMES = [f"listening.kinds:{name}" for name in ("Deaf", "Listener", "Outer.Inner")]


def code_of(name):
    return codes_of(["listening.kinds"])[f"listening.kinds:{name}"]["sha256"]


def changed(packages, store):
    """What an audit does, from its start to its end."""
    before, now = kept_codes(store), codes_of(packages)
    keep_codes(store, before, now)
    (store.root / "runs" / "any").mkdir(parents=True, exist_ok=True)
    return changed_kinds(before, now)


def forget():
    for name in [name for name in sys.modules if name.startswith("listening")]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package, with replacements in its text, and import it anew."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "listening"
    (folder / "layers").mkdir(parents=True)
    (folder / "plots").mkdir()
    (folder / "__init__.py").touch()

    def write(*replacements):
        for file, source in SOURCE.items():
            text = textwrap.dedent(source)
            for old, new in replacements:
                text = text.replace(old, new)
            (folder / file).write_text(text)
        forget()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            return importlib.import_module("listening.kinds")
        finally:
            sys.dont_write_bytecode = before

    yield write
    forget()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("GAIN = 2.0", "GAIN = 3.0"),
        ("return GAIN * x", "return GAIN + x"),
        ("partial(doubled, 3)", "partial(doubled, 4)"),
        ("quick = lambda x: x + 1", "quick = lambda x: x + 3"),
        ("lambda self: 5", "lambda self: 6"),
        ("STEPS = {0: 10}", "STEPS = {0: 9}"),
        ("STEPS[1] = 11", "STEPS[1] = 12"),
        ('"this"', '"other"'),
        ('"that"', '"other"'),
        ('return "late"', 'return "later"'),
        ('return "drawn"', 'return "shown"'),
        ("class Wide(Net):\n    pass", "class Wide(Net):\n    wide = True"),
        ("@lru_cache\ndef width", "def width"),
        ("return 7", "return 8"),
        ("gain: float = 1.0", "gain: float = 2.0"),
        ("return NETS, width()", "return NETS, 1 + width()"),
    ],
)
def test_what_a_kind_does_or_what_it_names_changes_its_code_alone(package, old, new):
    package()
    listening, deaf, inner = (code_of(name) for name in ("Listener", "Deaf", "Outer.Inner"))
    package((old, new))
    assert code_of("Listener") != listening
    assert (code_of("Deaf"), code_of("Outer.Inner")) == (deaf, inner)


def test_what_is_named_through_other_modules_is_found(package):
    package()
    listening, inner = code_of("Listener"), code_of("Outer.Inner")
    package(("return x / 2", "return x / 3"))
    assert code_of("Outer.Inner") != inner
    assert code_of("Listener") == listening


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # and no more", ""),
        ('"""Listens."""', '"""Hears."""'),
        ('"""Double."""', '"""Double it."""'),
        ("OTHER * x", "OTHER + x"),
        ("x + 2", "x + 4"),
        ("return None", "return 1"),
        ("return x / 2", "return x / 3"),
        ("\n\ndef unused", "\n\n\n\ndef unused"),
    ],
)
def test_comments_layout_and_what_it_does_not_name_are_no_code_of_a_kind(package, old, new):
    package()
    before = code_of("Listener")
    package((old, new))
    assert code_of("Listener") == before


def test_code_is_the_same_wherever_it_lies_and_whatever_it_found(package, monkeypatch, tmp_path):
    package().CALLS = 5
    before = code_of("Listener")
    shutil.move(tmp_path / "listening", (elsewhere := tmp_path / "elsewhere") / "listening")
    monkeypatch.syspath_prepend(elsewhere)
    monkeypatch.setenv("GPU", "1")
    forget()
    module = importlib.import_module("listening.kinds")
    assert elsewhere in Path(module.HERE).parents
    assert code_of("Listener") == before


def test_a_change_is_told_until_the_author_says_that_it_is_none(package, store):
    package()
    assert changed(["listening.kinds"], store) == []
    assert sorted(json.loads((store.root / FILE).read_text())) == NAMES
    assert changed(["listening"], store) == []
    package(("return 7", "return 8"))
    assert changed(["other"], store) == []
    assert changed(["listening.layers.nets"], store) == ["listening.kinds:Listener"]
    assert changed(["listening"], store) == ["listening.kinds:Listener"]
    (store.root / FILE).unlink()
    assert changed(["listening"], store) == []
    assert changed(["listening"], store) == []


def test_what_an_empty_store_was_told_is_no_matter(package, store):
    package()
    changed(["listening"], store)
    shutil.rmtree(store.root / "runs")
    package(("return 7", "return 8"))
    assert changed(["listening"], store) == []
    package(("return 7", "return 9"))
    assert changed(["listening"], store) == ["listening.kinds:Listener"]


def test_code_by_which_a_training_was_begun_is_compared(package, store):
    package()
    keep_codes(store, kept_codes(store), codes_of(["listening"]))
    work = store.work_folder("any")
    work.mkdir(parents=True)
    package(("return 7", "return 8"))
    assert kept_codes(store) == {}  # nothing was kept of it yet
    (work / STATE).touch()
    assert changed(["listening"], store) == ["listening.kinds:Listener"]


def test_code_of_another_version_is_expected_to_be_another(package, store):
    package()
    changed(["listening"], store)
    package(("return 7", "return 8"), ('"""Listens."""', "version = 2"))
    assert changed(["listening"], store) == []
    package(("return 7", "return 9"), ('"""Listens."""', "version = 2"))
    assert changed(["listening"], store) == ["listening.kinds:Listener"]


def test_code_that_another_python_parsed_is_not_compared(package, store):
    package()
    changed(["listening"], store)
    known = kept_codes(store)
    (store.root / FILE).write_text(
        json.dumps({name: {**code, "python": "3.0"} for name, code in known.items()})
    )
    package(("return 7", "return 8"))
    assert changed(["listening"], store) == []


@pytest.mark.parametrize("content", ["", "[]", '{"listening.kinds:Listener": {}}', "{}", "\x00"])
def test_a_file_that_cannot_be_used_is_written_anew(package, store, content):
    (store.root / "runs" / "any").mkdir(parents=True)
    (store.root / FILE).write_text(content)
    package()
    assert changed(["listening"], store) == []
    assert sorted(json.loads((store.root / FILE).read_text())) == NAMES


def test_kinds_that_no_file_has_do_not_fail(monkeypatch):
    module = types.ModuleType("nowhere")
    exec("from tic.kinds import Kind\nclass Typed(Kind):\n    pass", vars(module))
    module.Typed.__module__ = "nowhere"
    monkeypatch.setitem(sys.modules, "nowhere", module)
    assert [*codes_of(["nowhere"])] == ["nowhere:Typed"]


def test_all_kinds_of_this_repository_have_code():
    importlib.import_module("claims.li2023.measuring")
    codes = codes_of(["claims.li2023"])
    assert any(name.startswith("claims.li2023.networks:") for name in codes)
    assert len({code["sha256"] for code in codes.values()}) == len(codes)


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
        return "the code of test_pack:Small, or what that names, is another than what" in text

    def kept():
        return load_audit(repository.pytester.path / "report" / "audit.json").changed_code

    repository.write(OWN)
    assert [told(), told()] == [False, False]
    assert kept() == ()
    repository.write(OWN.replace("zeros_", "ones_"))
    assert [told(), told()] == [True, True]
    assert kept() == ("test_pack:Small",)
    raised = OWN.replace("    def build", "    version = 2\n    def build")
    repository.write(raised.replace("zeros_", "normal_"))
    assert told() is False


def test_what_a_build_made_by_other_code_is_told_to_the_audit_after_it(repository, tmp_path):
    def text(*arguments):
        sys.modules.pop("test_pack", None)
        return " ".join(repository.run(*arguments, store=tmp_path / "store").text.split())

    repository.write(OWN)
    assert "changed code" not in text("--build")
    repository.write(OWN.replace("zeros_", "ones_"))
    before = (tmp_path / "store" / FILE).read_bytes()
    assert "test_pack:Small, or what that names, is another" in text("--plan")
    assert (tmp_path / "store" / FILE).read_bytes() == before
    assert "test_pack:Small, or what that names, is another" in text()


def test_a_store_that_cannot_be_written_is_compared_all_the_same(repository, tmp_path, monkeypatch):
    repository.write(OWN)
    repository.run(store=tmp_path / "store")
    repository.write(OWN.replace("zeros_", "ones_"))
    sys.modules.pop("test_pack", None)

    def refused(path, document):
        raise UnwritableError(f"{path} cannot be written")

    monkeypatch.setattr("tic.session.code.write_json", refused)
    assert "test_pack:Small, or what that names, is another" in " ".join(
        repository.run(store=tmp_path / "store").text.split()
    )
