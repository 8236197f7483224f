"""Which of a notebook's own cells the answers lean on: the others need not run when a class is graded.

It is a guess by names, and a generous one. Where it is wrong, an answer meets a `NameError`, and the examiner runs what was
left out after all.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

#: Who uses one of these may reach any name.
_REACHES_ALL = {"eval", "exec", "globals", "locals", "vars", "dir", "get_ipython", "__import__", "__main__", "inspect"}
#: Functions of modules that change more than what they return. Seeds and threads are not among them: checks draw for
#: themselves.
_EFFECT = re.compile(
    r"(set_(?!num_threads)|save|dump|use$|use_|write|to_|mkdir|chdir|remove|rename|update|register|enable|disable|"
    r"simplefilter|filterwarnings|environ|setattr|system|run$|copy)"
)
_BUILTINS = set(dir(builtins))


@dataclass
class _Names:
    """What a cell does with names: those that it gives or changes, those that it uses, and whether it does more.

    `modules` are those that the notebook imports anywhere. An opaque cell may do anything.
    """

    given: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    modules: frozenset[str] = frozenset()
    opaque: bool = False


def needed(sources: Mapping[int, str], answers: Sequence[str], asked: Collection[str]) -> set[int]:
    """Return which cells the answers may lean on.

    Parameters
    ----------
    sources : mapping of int to str
        The cells in question, by their positions.
    answers : sequence of str
        The cells that run in any case: a learner's.
    asked : collection of str
        Names that checks ask for.
    """
    modules = frozenset().union(*map(_imported, [*sources.values(), *answers]))
    cells = {position: _names(source, modules) for position, source in sources.items()}
    wanted = set(asked)
    for source in answers:
        names = _names(source, modules)
        if names.opaque or names.used & _REACHES_ALL:
            return set(cells)
        wanted |= names.used
    found = {position for position, names in cells.items() if names.opaque}
    for position in found:
        wanted |= cells[position].used
    while more := {p for p, names in cells.items() if p not in found and names.given & wanted}:
        found |= more
        wanted = wanted.union(*(cells[position].used for position in more))
    return found


@lru_cache(maxsize=4096)
def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # a magic, perhaps


@lru_cache(maxsize=4096)
def _imported(source: str) -> frozenset[str]:
    """Return the names that a cell imports."""
    nodes = ast.walk(_parsed(source) or ast.Module([], []))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return frozenset((alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names)


@lru_cache(maxsize=4096)
def _names(source: str, modules: frozenset[str]) -> _Names:
    tree = _parsed(source)
    try:
        top = symtable.symtable(source, "<cell>", "exec") if tree else None
    except (SyntaxError, RecursionError):  # def f(a, a), say: it can be parsed, and is no Python
        top = None
    if tree is None or top is None:
        return _Names(opaque=True)
    names = _Names(modules=modules)
    for node in ast.walk(tree):
        _note(node, names)
    names.used = set(_used(top))
    given = {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
    names.given = given | (names.given & names.used)
    return names


def names_used(source: str) -> set[str]:
    """Return the notebook's names that a piece of code uses or sets, at any depth; none where it is no Python."""
    return _names(source, frozenset()).used


def _used(table: symtable.SymbolTable) -> Iterator[str]:
    """Return the notebook's names that a scope and those inside it use or set."""
    for symbol in table.get_symbols():
        if symbol.is_global() or (table.get_type() == "module" and symbol.is_referenced()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _used(inner)


def _note(node: ast.AST, names: _Names) -> None:
    """Note what one node may change."""
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        names.given.add(_base(node))
    elif isinstance(node, ast.Call):
        _note_call(node, names)


def _note_call(node: ast.Call, names: _Names) -> None:
    """A call may change what it is called on and what it is given; of a module's functions only some change things."""
    called = node.func
    if isinstance(called, ast.Attribute):
        base = _base(called)
        if base not in names.modules or _EFFECT.match(called.attr):
            names.given.add(base)
    elif isinstance(called, ast.Name) and called.id in _BUILTINS:
        names.opaque |= called.id in ("open", "setattr", "exec", "eval")
        return
    names.given |= set(_given_to(node))


def _base(node: ast.AST) -> str:
    """Return the name at the bottom of ``a.b[0].c``, or ""."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _given_to(node: ast.Call) -> Iterator[str]:
    for value in [*node.args, *(keyword.value for keyword in node.keywords)]:
        value = value.value if isinstance(value, ast.Starred) else value
        if isinstance(value, ast.Name):
            yield value.id
