"""What a verdict depends on, found by looking: the modules really used, their versions, the hidden cases.

A module counts with what it does. Comments, docstrings, layout and the sentences that it says do not.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import platform
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from autograder import sandbox
from introdl.checking.probes import PROBES
from introdl.checking.sheets import Entry

_OURS = ("introdl", "autograder")
#: What an examination runs whatever is examined: outside, and inside of the sandbox.
_EXAMINING = ("autograder.grading.job", "introdl.checking.worker", "introdl.checking.zygote")
#: It imports every probe there is; those that are used are looked up by name.
_REGISTRY = "introdl.checking.probes"
_PROSE = re.compile(r"[A-Za-z]{2,},? [a-z]+,? [a-z]+")
_WORDS = ("hints", "title", "explanation")  # of an entry: they are read, and decide nothing


def drawing(chapter_modules: list[str], seed: str, solutions: list[dict[str, str]]) -> str:
    """Return a fingerprint of what the drawing of hidden cases depends on.

    Parameters
    ----------
    chapter_modules : list of str
        The modules of the chapters' exercises.
    seed : str
        The classroom's secret.
    solutions : list of dict
        The course's own answers, which are kept with the cases.
    """
    code = of_modules(["autograder.authoring.drawing", *chapter_modules, _REGISTRY])
    return _digest([code, versions(), seed, solutions])


def examining(entries: Iterable[Entry], sources: Iterable[str]) -> str:
    """Return a fingerprint of the code that an examination runs, but for the submission's own.

    Parameters
    ----------
    entries : iterable of Entry
        The exercises that are examined.
    sources : iterable of str
        The submission's code cells: they may import modules of the course.
    """
    probes = {PROBES[entry.probe] for entry in entries}
    used = {part.__module__ for probe in probes for part in (probe.drive, probe.read, probe.weigh) if part}
    asked = {one for source in sources for one in _asked(source)}
    return _digest([of_modules([*_EXAMINING, *used], asked), versions(), sandbox.unsafe()])


def of_cases(entries: Iterable[Entry]) -> str:
    """Return a fingerprint of hidden cases: of what is asked and right, not of the words around it."""

    def number(array: np.ndarray) -> str:
        head = f"{array.dtype.str} {array.shape} ".encode()
        return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()

    trees = []
    for entry in entries:
        tree = entry.to_tree(number)
        mistakes = [[one["name"], one["outcomes"]] for one in tree["misconceptions"]]
        trees.append({name: part for name, part in tree.items() if name not in _WORDS} | {"misconceptions": mistakes})
    return _digest(trees)


@cache
def versions() -> tuple[str, ...]:
    """Return the versions of Python and of the libraries that answers and oracles compute with."""
    return platform.python_version(), *map(version, ("numpy", "scipy", "scikit-learn", "pillow", "torch"))


def of_modules(roots: Iterable[str], asked: Iterable[tuple[str, bool]] = ()) -> str:
    """Return a fingerprint of `modules`."""
    return _digest([[name, _meaning(name)] for name in modules(roots, asked)])


def modules(roots: Iterable[str], asked: Iterable[tuple[str, bool]] = ()) -> list[str]:
    """Return the course's modules among names, and those that they import, at any depth, in order.

    Parameters
    ----------
    roots : iterable of str
        Names of modules, with all that they offer.
    asked : iterable of (str, bool)
        More of them, each with whether all that it offers counts: a package's modules are imported when they are used.
    """
    return list(_modules(frozenset(roots), frozenset(asked)))


@lru_cache(maxsize=256)  # a class's submissions use the same
def _modules(roots: frozenset[str], asked: frozenset[tuple[str, bool]]) -> tuple[str, ...]:
    found: set[tuple[str, bool]] = set()
    waiting = [*((name, True) for name in roots), *asked]
    while waiting:
        one = name, whole = waiting.pop()
        if one in found or not _files(name):
            continue
        found.add(one)
        waiting.append((name.rpartition(".")[0], False))
        if name != _REGISTRY:
            waiting += _imports(name)
        if whole:
            waiting += [(module, True) for module in _lazily(name).values()]
    return tuple(sorted({name for name, _ in found}))


@cache
def _files(name: str) -> list[Path]:
    """Return the file of one of the course's modules, and the stub of a package; empty where there is no such module."""
    if not name or name.split(".")[0] not in _OURS:
        return []
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return []
    path = Path(found.origin) if found and found.origin else None
    return [one for one in (path, path.with_suffix(".pyi")) if one.exists()] if path else []


def _package(name: str) -> str:
    return name if _files(name)[0].name == "__init__.py" else name.rpartition(".")[0]


@cache
def _imports(name: str) -> tuple[tuple[str, bool], ...]:
    """Return what a module imports, wherever in it (see `_imported`)."""
    return tuple(_imported(ast.parse(_files(name)[0].read_text(encoding="utf-8")), _package(name)))


@cache
def _lazily(package: str) -> dict[str, str]:
    """Return what a package imports when it is asked for: by name, the module that has it (its stub says so)."""
    found = {}
    for stub in _files(package)[1:]:
        for node in ast.parse(stub.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                origin = _origin(node, package)
                for alias in node.names:
                    found[alias.asname or alias.name] = origin if node.module else f"{origin}.{alias.name}"
    return found


def _origin(node: ast.ImportFrom, package: str) -> str:
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def _imported(tree: ast.AST, package: str) -> Iterator[tuple[str, bool]]:
    """Yield modules that code imports, and whether all that a package offers may be used."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, True) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, package)
            for alias in node.names:
                inside = f"{origin}.{alias.name}"
                yield origin, alias.name == "*"
                yield inside if _files(inside) else _lazily(origin).get(alias.name, origin), bool(_files(inside))


@lru_cache(maxsize=128)  # most cells of a class's submissions are the same
def _asked(source: str) -> tuple[tuple[str, bool], ...]:
    """Return what a cell imports (see `_imported`)."""
    return tuple(_imported(_parsed(source), ""))


def _parsed(source: str) -> ast.Module:
    """Parse a cell; one that is not Python (magics, a learner's slip) line by line, for its imports."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        lines = [line.strip() for line in source.splitlines() if re.match(r"\s*(import|from)\s", line)]
    body = []
    for line in lines:
        try:
            body += ast.parse(line).body
        except (SyntaxError, ValueError):
            continue
    return ast.Module(body, [])


@cache
def _meaning(name: str) -> str:
    """Return a fingerprint of what a module does, and of the archives that lie in its package."""
    path = _files(name)[0]
    held = sorted(path.parent.glob("*.zip")) if path.name == "__init__.py" else []
    texts = [meaning(path.read_text(encoding="utf-8")), *(hashlib.sha256(one.read_bytes()).hexdigest() for one in held)]
    return _digest(texts)


def meaning(source: str) -> str:
    """Return a module's text without what decides nothing: comments, docstrings, layout, sentences."""
    return ast.dump(_Meaning().visit(ast.parse(source)))


class _Meaning(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node, clean=False) is not None:
                    node.body = node.body[1:]
        return super().generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("") if isinstance(node.value, str) and _PROSE.search(node.value) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        text = " ".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
        if _PROSE.search(text):
            node.values = [part for part in node.values if not isinstance(part, ast.Constant)]
        return super().generic_visit(node)


def _digest(whole: object) -> str:
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
