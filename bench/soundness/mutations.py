"""Small faults for Python source: each yields one copy of a syntax tree with one thing wrong."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
CALLED: Final = {
    "any": "all", "all": "any", "startswith": "endswith", "endswith": "startswith",
    "fullmatch": "search", "search": "match", "gt": "ge", "ge": "gt", "lt": "le", "le": "lt",
    "eq": "ne", "ne": "eq", "contains": "eq", "All": "AnyOf", "AnyOf": "All",
}  # fmt: skip
DROPPED_CALLS: Final = {"folded", "flatten", "merged", "with_dollar_before_newline", "lower"}


class Mutant(NamedTuple):
    """One fault. ``where``: function; ``before`` and ``after``: source of the changed node.

    ``tree``: makes the changed tree.
    """

    where: str
    line: int
    before: str
    after: str
    tree: Callable[[], ast.Module]


def mutants(source: str, skipped: frozenset[str]) -> Iterator[Mutant]:
    """Yield every mutant of a module, but for the functions named in ``skipped``."""
    tree = ast.parse(source)
    found = [
        (path, node, where)
        for path, node, where in _walk(tree, (), "")
        if skipped.isdisjoint(where.split("."))
    ]
    for path, node, where in found:
        for changed in _faults(node):
            before, after = _shown(node), _shown(changed)
            place = node.pattern if isinstance(node, ast.match_case) else node
            line = getattr(place, "lineno", 0)
            yield Mutant(where, line, before, after, partial(_mutated, tree, path, changed))


def _mutated(tree: ast.Module, path: Path, changed: ast.AST) -> ast.Module:
    mutated = copy.deepcopy(tree)
    _put(mutated, path, changed)
    return ast.fix_missing_locations(mutated)


Path = tuple[tuple[str, int | None], ...]


def _walk(node: ast.AST, path: Path, where: str) -> Iterator[tuple[Path, ast.AST, str]]:
    """Yield every node that has a line, with its path and function; not annotations, imports."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}".lstrip(".")
    if hasattr(node, "lineno") or isinstance(node, ast.match_case):
        yield path, node, where
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "bases", "type_params"}:
            continue
        if isinstance(value, ast.AST):
            yield from _walk(value, (*path, (name, None)), where)
        elif isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, ast.AST) and not _is_prose(child):
                    yield from _walk(child, (*path, (name, index)), where)


def _is_prose(node: ast.AST) -> bool:
    """Tell docstrings, imports and raised errors, which match nothing."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.Assert):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _put(tree: ast.AST, path: Path, changed: ast.AST) -> None:
    *parents, (name, index) = path
    node: ast.AST = tree
    for step, place in parents:
        value = getattr(node, step)
        node = value if place is None else value[place]
    if index is None:
        setattr(node, name, changed)
    else:
        getattr(node, name)[index] = changed


def _faults(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901, PLR0912 - one case per kind of fault
    match node:
        case ast.Compare(ops=[op, *rest]) if type(op) in COMPARISONS:
            yield _with(node, ops=[COMPARISONS[type(op)](), *rest])
        case ast.BoolOp(op=ast.And()):
            yield _with(node, op=ast.Or())
        case ast.BoolOp():
            yield _with(node, op=ast.And())
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.IfExp():
            yield from (node.body, node.orelse)
        case ast.If() | ast.While():
            yield _with(node, test=ast.Constant(False))
            if isinstance(node, ast.If):
                yield _with(node, test=ast.Constant(True))
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int()):
            yield ast.Constant(node.value + 1)
        case ast.Call(func=ast.Name(id=name), args=[only]) if name in DROPPED_CALLS:
            yield only
        case ast.Call(func=ast.Attribute(attr=name, value=value), args=[]) if name in DROPPED_CALLS:
            yield value
        case ast.Name(id=name) if name in CALLED:
            yield _with(node, id=CALLED[name])
        case ast.Attribute(attr=name) if name in CALLED:
            yield _with(node, attr=CALLED[name])
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.match_case(guard=None, pattern=pattern) if not _catches_all(pattern):
            yield _with(node, guard=ast.Constant(False))
        case ast.BinOp(op=ast.Add()):
            yield from (node.left, node.right)


def _catches_all(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _shown(node: ast.AST) -> str:
    """Return a node's source: its first line where it is a statement."""
    if isinstance(node, ast.match_case):
        guard = " if False" if node.guard is not None else ""
        return f"case {ast.unparse(node.pattern)}{guard}"
    return ast.unparse(node).partition("\n")[0]
