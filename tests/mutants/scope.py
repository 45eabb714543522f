"""What decides in a claim's test: the functions that it reaches and the expressions that count.

Figures, tables, notes and comparisons with the paper decide nothing, nor does what only they use.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

SHOWS = ("figure", "note", "compare", "table", "worst_case")
"""What a judge does beside judging; functions whose names begin so do it, too, and so do those of a
pack's module `drawing`."""


def reached(test: Callable[..., None], pack: str) -> dict[FunctionType, None]:
    """The test and all functions of its pack that it decides by.

    They are called by their name, or as one of a module's, or stand in a table of the test's
    module. Methods of Runs are not among them, nor what these call: they measure, and real
    trainings test them.
    """
    functions: dict[FunctionType, None] = {}
    waiting: list[Any] = [test]
    while waiting:
        function = waiting.pop()
        if function not in functions:
            functions[function] = None
            waiting += [named for named in _named_by(function) if _is_of(pack, named)]
    return functions


def _named_by(function: FunctionType) -> Iterator[Any]:
    nodes, names = list(deciding(function)), function.__globals__
    for name in sorted(_loaded(nodes)):
        yield from _in_tables(names.get(name), function.__module__)
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = names.get(node.value.id)
            if isinstance(module, ModuleType):
                yield getattr(module, node.attr, None)


def _in_tables(value: Any, module: str) -> Iterator[Any]:
    """A value, or the functions of a module that stand in it."""
    if isinstance(value, dict | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            for each in _in_tables(inner, module):
                if getattr(each, "__module__", None) == module:
                    yield each
    else:
        yield value


def _is_of(pack: str, called: object) -> bool:
    module = getattr(called, "__module__", None) or ""
    in_pack = isinstance(called, FunctionType) and f"{module}.".startswith(f"{pack}.")
    return in_pack and not (module == f"{pack}.runs" and _measures(called))


def _measures(function: FunctionType) -> bool:
    """Whether the module of a function uses it itself."""
    return function.__name__ in _loaded(ast.walk(_module(function.__code__.co_filename)))


@cache
def definition_of(function: FunctionType) -> ast.FunctionDef:
    """What is written in its file."""
    (definition,) = (
        node
        for node in _module(function.__code__.co_filename).body
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__
    )
    return definition


@cache
def _module(path: str) -> ast.Module:
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def _loaded(nodes: Iterable[ast.AST]) -> set[str]:
    return {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def deciding(function: FunctionType) -> Iterator[ast.AST]:
    """Nodes from which something may be changed, parents first."""
    body, names = definition_of(function).body, function.__globals__
    used: set[str] = set()
    while True:
        nodes = [node for statement in body for node in _walk(statement, used, names)]
        loaded = _loaded(nodes)
        if loaded <= used:
            yield from nodes
            return
        used |= loaded


def _walk(node: ast.AST, used: set[str], names: Mapping[str, Any]) -> Iterator[ast.AST]:
    """The nodes of a statement that counts, without what is only read by people."""
    if isinstance(node, ast.stmt) and not _counts(node, used, names):
        return
    if isinstance(node, ast.JoinedStr) or getattr(node, "arg", "") in ("name", "unit"):
        return
    yield node
    told = isinstance(node, ast.Call) and ast.unparse(node.func) == "judge.check"
    for field, value in ast.iter_fields(node):
        # What a check says is read by people; whether it holds stands in its keywords.
        unread = ("annotation", "op", "ops", "ctx", "target", "targets", *["args"] * told)
        if field not in unread:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not isinstance(child, ast.arguments):
                    yield from _walk(child, used, names)


def _counts(statement: ast.stmt, used: set[str], names: Mapping[str, Any]) -> bool:
    if isinstance(statement, ast.For | ast.If):
        inner = (*statement.body, *statement.orelse)
        return any(_counts(statement, used, names) for statement in inner)
    if isinstance(statement, ast.FunctionDef):
        return statement.name in used
    if isinstance(statement, ast.Expr):
        called = getattr(statement.value, "func", None)
        return called is not None and not _shows(called, names)
    if isinstance(statement, ast.Return):
        return statement.value is not None
    if isinstance(statement, ast.Raise):
        return True
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    stored = {n.id for t in targets if t for n in ast.walk(t) if isinstance(n, ast.Name)}
    return bool(stored & used) or _judges(statement, names)


def _judges(statement: ast.stmt, names: Mapping[str, Any]) -> bool:
    """Whether a statement hands the judge over to what does more than show."""
    calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return any(
        not _shows(call.func, names)
        and any(isinstance(given, ast.Name) and given.id == "judge" for given in call.args)
        for call in calls
    )


def _shows(called: ast.expr, names: Mapping[str, Any]) -> bool:
    name = getattr(called, "attr", getattr(called, "id", ""))
    module = getattr(names.get(name), "__module__", None) or ""
    return (
        name.lstrip("_").startswith((*SHOWS, "draw_", "show_"))
        or module.endswith(".drawing")
        or ast.unparse(called) == "robustness.check"
    )
