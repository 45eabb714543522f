"""What is changed in a claim's test: each operator yields a node and the source to put there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Changes = Iterator[tuple[ast.AST, str]]

EXCHANGED = (
    ("above", "below"),
    ("increasing", "decreasing"),
    ("mean", "max", "min"),
    ("max", "min"),
    ("argmax", "argmin"),
    ("sum", "max"),
    ("any", "all"),
    ("ceil", "floor"),
)
"""Words, as strings or as names of functions, of which each is put in the place of the others."""


@dataclass(frozen=True)
class Vocabulary:
    """Of a pack.

    Attributes:
        exchanged: Further words of which each is put in the place of the others.
        added: By method of its Runs: arguments that it is asked with where it was asked for no
            epoch.
    """

    exchanged: tuple[tuple[str, ...], ...] = ()
    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NO_WORDS = Vocabulary()


DROPPED = ("abs", "log")
"""Functions of one argument without which a number is another one."""
UNJUDGED = ("name", "unit", "strict")
"""Keywords that decide nothing."""
REGIONS = ("above", "below", "within")
OPERATORS = {"-": "+", "+": "-", "*": "/", "/": "*"}
COMPARED = {"<": ("<=", ">="), ">": (">=", "<="), "<=": ("<", ">"), ">=": (">", "<")} | {
    "==": ("!=",), "!=": ("==",), "in": ("not in",), "is": ("is not",)
}  # fmt: skip


def changes(node: ast.AST, names: Mapping[str, Any], vocabulary: Vocabulary) -> Changes:
    """All changes of one node, given the global names of its function."""
    for operator in (_numbers, _indices, _orders):
        yield from operator(node, names)
    yield from _words(node, EXCHANGED + vocabulary.exchanged)
    yield from _additions(node, vocabulary.added)
    for change in (_operations, _calls, _loops, _conditions, _lookups):
        yield from change(node)
    if isinstance(node, ast.Expr):
        yield node, "pass"


def _value(node: ast.AST, names: Mapping[str, Any]) -> float | None:
    """A number that is written out or has a global name."""
    try:
        value = eval(compile(ast.Expression(node), "", "eval"), {}, dict(names))  # type: ignore
    except Exception:
        return None
    return value if type(value) in (int, float) else None


def _number(node: ast.AST) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Name) or type(getattr(inner, "value", None)) in (int, float)


def _numbers(node: ast.AST, names: Mapping[str, Any]) -> Changes:
    """Margins are dropped, halved and doubled; whole numbers elsewhere are one more or less."""
    in_region = isinstance(node, ast.Call) and _named(node.func) in REGIONS
    for child in ast.iter_child_nodes(node):
        value = _value(child, names) if _number(child) else None
        if value is None or isinstance(node, ast.Subscript | ast.Slice | ast.UnaryOp):
            continue
        text = ast.unparse(child)
        if value == 0:
            yield from ((child, other) for other in ("1", "-1"))
        elif in_region or isinstance(value, float) or isinstance(child, ast.Name):
            yield from ((child, other) for other in (f"{text} / 2", f"{text} * 2"))
            if in_region:
                yield child, "0"
        elif abs(value) < 10:
            yield from ((child, str(value + off)) for off in (1, -1))
        else:
            yield from ((child, other) for other in (f"{text} / 2", f"{text} * 2"))


def _indices(node: ast.AST, names: Mapping[str, Any]) -> Changes:
    """First and last are exchanged; bounds move by one, are dropped or lie on the other side."""
    if isinstance(node, ast.Slice):
        lower, upper = (part and ast.unparse(part) for part in (node.lower, node.upper))
        if bool(lower) != bool(upper):
            yield node, f"{upper or ''}:{lower or ''}"
            yield node, f"{lower} + 1:" if lower else f":{upper} + 1"
        return
    parts = _parts(node.slice) if isinstance(node, ast.Subscript) else []
    for part in parts:
        value = _value(part, names) if _number(part) else None
        if isinstance(value, int):
            others = (0, 1) if ast.unparse(node).endswith(f".shape[{value}]") else (0, 1, -1)
            yield from ((part, str(other)) for other in others if other != value)


def _parts(index: ast.AST) -> list[ast.AST]:
    return list(index.elts) if isinstance(index, ast.Tuple) else [index]


def _orders(node: ast.AST, names: Mapping[str, Any]) -> Changes:
    """A sequence that is handed over is turned round."""
    for argument in node.args if isinstance(node, ast.Call) else ():
        if isinstance(argument, ast.Name) and isinstance(names.get(argument.id), tuple):
            yield argument, f"{argument.id}[::-1]"


def _operations(node: ast.AST) -> Changes:
    """Operands are exchanged, and so are operations and comparisons, whose edge moves, too."""
    if isinstance(node, ast.BinOp):
        left, right = ast.unparse(node.left), ast.unparse(node.right)
        symbol = ast.unparse(ast.BinOp(ast.Name("a"), node.op, ast.Name("b")))[2:-2]
        if symbol in ("-", "/"):
            yield node, f"({right}) {symbol} ({left})"
        if symbol in OPERATORS:
            yield node, f"({left}) {OPERATORS[symbol]} ({right})"
    if isinstance(node, ast.Compare):
        left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
        symbol = ast.unparse(ast.Compare(ast.Name("a"), node.ops, [ast.Name("b")]))[2:-2]
        yield from ((node, f"{left} {other} {right}") for other in COMPARED.get(symbol, ()))


def _words(node: ast.AST, groups: tuple[tuple[str, ...], ...]) -> Changes:
    """Names of epochs, conditions, regions and functions are exchanged."""
    if isinstance(node, ast.Constant):
        yield from ((node, repr(other)) for other in _others(node.value, groups))
    if isinstance(node, ast.Call):
        before = _named(node.func)
        start = ast.unparse(node.func).removesuffix(before)
        for other in _others(before, groups):
            is_numpy = start == "" and other == "mean"
            yield node.func, "np.mean" if is_numpy else start + other


def _others(word: object, groups: tuple[tuple[str, ...], ...]) -> list[str]:
    own = [group for group in groups if word in group]
    return list(dict.fromkeys(other for group in own for other in group if other != word))


def _additions(node: ast.AST, added: Mapping[str, tuple[str, ...]]) -> Changes:
    """A method of the Runs is asked for another epoch, or otherwise, than the usual one."""
    if isinstance(node, ast.Call) and not node.keywords:
        texts = [ast.unparse(argument) for argument in node.args]
        if not any(isinstance(argument, ast.Constant) for argument in node.args):
            for argument in added.get(_named(node.func), ()):
                yield node, f"{ast.unparse(node.func)}({', '.join([*texts, argument])})"


def _named(function: ast.AST) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _calls(node: ast.AST) -> Changes:
    """Keywords are dropped, neighbouring arguments exchanged, regions opened on one side."""
    if not isinstance(node, ast.Call):
        return
    texts, function = [ast.unparse(each) for each in node.args], ast.unparse(node.func)
    for keyword in node.keywords:
        if keyword.arg not in (*UNJUDGED, None):
            kept = [ast.unparse(each) for each in node.keywords if each is not keyword]
            yield node, f"{function}({', '.join(texts + kept)})"
    for (one, first), (other, second) in pairwise(zip(node.args, texts, strict=True)):
        if type(one) is type(other) is ast.Name and first not in ("judge", "exhibits", "runs"):
            rest = [{first: second, second: first}.get(text, text) for text in texts]
            kept = [ast.unparse(each) for each in node.keywords]
            yield node, f"{function}({', '.join(rest + kept)})"
    if function == "within":
        yield from ((node, f"{side}({text})") for side, text in zip(REGIONS, texts, strict=False))
    if _named(node.func) in DROPPED and len(texts) == 1:
        yield node, texts[0]


def _loops(node: ast.AST) -> Changes:
    """A loop is cut to its first or its last item."""
    if isinstance(node, ast.For | ast.comprehension):
        yield from ((node.iter, f"[*{ast.unparse(node.iter)}]{cut}") for cut in ("[:1]", "[-1:]"))


def _conditions(node: ast.AST) -> Changes:
    """A condition is always met, or never."""
    tests = [node.test] if isinstance(node, ast.If | ast.IfExp) else getattr(node, "ifs", [])
    yield from ((test, truth) for test in tests for truth in ("True", "False"))


def _lookups(node: ast.AST) -> Changes:
    """What is looked up by a name is that of the first or of the last one."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name):
        table = ast.unparse(node.value)
        yield from ((node, f"[*{table}.values()][{index}]") for index in (0, -1))
