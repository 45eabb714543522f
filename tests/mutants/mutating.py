"""Mutants of what decides in the tests of claims, and whether worlds of known truth kill them."""

from __future__ import annotations

import ast
import copy
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType

from fixtures.cases import Answer, Case
from tests.mutants.operators import NO_WORDS, Vocabulary, changes
from tests.mutants.scope import deciding, definition_of, reached


@dataclass(frozen=True)
class Mutant:
    """One change of one function.

    Attributes:
        function: What is changed.
        line: Of its file.
        before: The smallest expression around the change.
        after: What stands there instead.
        count: Which one it is of several that read alike in the function.
        code: Of the changed function.
        cases: That reach it.
    """

    function: FunctionType
    line: int
    before: str
    after: str
    count: int
    code: CodeType = field(repr=False)
    cases: tuple[Case, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """Stays the same when lines are moved."""
        again = f" ({self.count})" if self.count > 1 else ""
        return f"{self.function.__name__}: {self.before} → {self.after}{again}"

    def place(self) -> str:
        """File and line."""
        return f"{Path(self.function.__code__.co_filename).name}:{self.line}"

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Let the function be the changed one for as long as the context is open."""
        sound = self.function.__code__
        self.function.__code__ = self.code
        try:
            yield
        finally:
            self.function.__code__ = sound

    def survives(self) -> bool:
        """Whether every case comes out as it should all the same."""
        with self.planted(), warnings.catch_warnings():
            # What a mutant divides by zero is told by its verdict.
            warnings.simplefilter("ignore")
            return all(_as_expected(answer) for answer in _answers(self.cases))


def _as_expected(answer: Answer) -> bool:
    try:
        return answer.is_given()
    except Exception:  # whatever a mutant raises, nobody overlooks it
        return False


def _answers(cases: tuple[Case, ...]) -> Iterable[Answer]:
    """One case of every test first: cases of the same test mostly kill the same mutants."""
    seen: Counter[object] = Counter()
    ranked = []
    for case in cases:
        ranked += [(seen[case.test], answer) for answer in case.answers]
        seen[case.test] += 1
    return [answer for _, answer in sorted(ranked, key=lambda pair: pair[0])]


def mutants(cases: Sequence[Case], pack: str, vocabulary: Vocabulary = NO_WORDS) -> list[Mutant]:
    """All mutants of what the cases' tests reach in a pack, which is the name of its package."""
    by_function: dict[FunctionType, list[Case]] = defaultdict(list)
    for case in cases:
        for function in reached(case.test, pack):
            by_function[function].append(case)
    return [
        mutant
        for function, its in by_function.items()
        for mutant in _of(function, tuple(its), vocabulary)
    ]


def _of(
    function: FunctionType, cases: tuple[Case, ...], vocabulary: Vocabulary
) -> Iterator[Mutant]:
    definition = definition_of(function)
    parents = {
        id(child): node for node in ast.walk(definition) for child in ast.iter_child_nodes(node)
    }
    seen: Counter[tuple[str, str]] = Counter()
    for node in deciding(function):
        for target, text in changes(node, function.__globals__, vocabulary):
            around = _around(target, parents)
            changed = {id(target): _parsed(target, text)}
            before, after = (ast.unparse(copy.deepcopy(around, memo)) for memo in ({}, changed))
            if before == after:
                continue
            seen[before, after] += 1
            code = _compiled(copy.deepcopy(definition, changed), function)
            line = getattr(target, "lineno", getattr(around, "lineno", 0))
            yield Mutant(function, line, before, after, seen[before, after], code, cases)


def _around(target: ast.AST, parents: dict[int, ast.AST]) -> ast.AST:
    """The expression above a target, if it is short; of a statement the target alone."""
    parent = parents[id(target)]
    if isinstance(parent, ast.keyword) or getattr(parent, "keywords", None):
        return target
    if isinstance(parent, ast.Tuple | ast.UnaryOp | ast.Slice):
        return _around(parent, parents)
    return parent if isinstance(parent, ast.expr) else target


def _parsed(target: ast.AST, text: str) -> ast.AST:
    if isinstance(target, ast.Slice):
        subscript = ast.parse(f"_[{text}]", mode="eval").body
        assert isinstance(subscript, ast.Subscript)
        return subscript.slice
    if isinstance(target, ast.stmt):
        return ast.parse(text).body[0]
    return ast.parse(text, mode="eval").body


def _compiled(definition: ast.FunctionDef, function: FunctionType) -> CodeType:
    definition.decorator_list = []
    module = ast.parse("from __future__ import annotations")
    module.body.append(definition)
    whole = compile(ast.fix_missing_locations(module), function.__code__.co_filename, "exec")
    return next(
        each
        for each in whole.co_consts
        if isinstance(each, CodeType) and each.co_name == function.__name__
    )
