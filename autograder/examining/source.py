"""What a submission's source looks like: doors to what an exercise forbids, and to the grader, named with their lines.

A cell that is not Python as a whole is read as far as it is, and says so.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import parso
from IPython.core.inputtransformer2 import TransformerManager

from autograder.examining.audit import BROKEN, SOURCE, Finding
from introdl.checking.missing_libraries import covers

_MOST = 200
#: Statements that begin further to the right are not moved to the left margin.
_DEEPEST = 200
_MODULES = {
    **dict.fromkeys(("ctypes", "_ctypes", "cffi", "numpy.ctypeslib", "numba", "cython"), "calls into the machine"),
    **dict.fromkeys(("torch.utils.cpp_extension", "numpy.f2py"), "makes machine code"),
    "mmap": "shares memory",
    "multiprocessing": "starts processes",
    "subprocess": "starts programs",
    **dict.fromkeys(("threading", "_thread", "concurrent", "asyncio"), "runs code beside the one that is watched"),
    **dict.fromkeys(("socket", "urllib", "http", "requests", "httpx"), "uses the network"),
    **dict.fromkeys(("importlib", "imp", "pkgutil", "runpy", "zipimport"), "imports by name"),
    **dict.fromkeys(("operator.attrgetter", "operator.methodcaller"), "takes a name as a text"),
    **dict.fromkeys(("cloudpickle", "dill", "joblib", "shelve", "marshal"), "unpacks objects or code"),
    **dict.fromkeys(("code", "codeop"), "runs text as code"),
    **dict.fromkeys(("torch.jit", "torch.fx", "torch.export", "torch.package", "torch.library"), "calls torch's operators in another way"),
    "gc": "walks through Python's objects",
    "inspect": "reads Python's frames",
    "atexit": "leaves code for the end",
    "signal": "catches signals",
    "builtins": "reaches for Python's own names",
    **dict.fromkeys(("nbgrader", "autograder"), "reaches for the grader"),
    "introdl.checking": "reaches for the checker",
    "numpy.testing": "reaches for NumPy's test functions",
}  # fmt: skip
_NAMES = {
    **dict.fromkeys(("eval", "exec", "compile"), "runs text as code"),
    "globals": "looks names up by their texts",
    "__import__": "imports by name",
    **dict.fromkeys(("__builtins__", "__loader__", "__spec__"), "reaches for Python's own names"),
    "get_ipython": "reaches for the notebook",
}
_ATTRIBUTES = {
    **dict.fromkeys(("__globals__", "__code__", "__closure__", "__subclasses__", "__mro__", "__bases__", "__dict__"), "looks inside Python's objects"),
    **dict.fromkeys(("__wrapped__", "__func__", "__self__", "__getattribute__", "__defaults__"), "looks inside Python's objects"),
    **dict.fromkeys(("f_back", "f_locals", "f_globals", "tb_frame", "gi_frame", "_getframe"), "reads Python's frames"),
    **dict.fromkeys(("setprofile", "settrace", "monitoring"), "changes how calls are watched"),
    **dict.fromkeys(("CodeType", "FunctionType"), "makes functions of code"),
    **dict.fromkeys(("attrgetter", "methodcaller"), "takes a name as a text"),
    **dict.fromkeys(("__loader__", "__spec__", "exec_module", "load_module", "meta_path", "path_hooks"), "imports by name"),
    **dict.fromkeys(("cpp_extension", "load_library", "CDLL", "dlopen", "ctypeslib"), "calls into the machine"),
    "modules": "looks through the loaded modules",
    "_exit": "ends its own process",
    "fork": "starts processes",
    **dict.fromkeys(("system", "popen", "posix_spawn", "posix_spawnp", "execv", "execve"), "starts programs"),
    **dict.fromkeys(("ops", "_C", "_VF", "_refs", "_prims", "_decomp", "_inductor"), "calls torch's operators by name"),
    **dict.fromkeys(("jit", "fx"), "calls torch's operators in another way"),
    **dict.fromkeys(("multiarray", "_multiarray_umath"), "reaches into NumPy"),
    "testing": "reaches for a library's test functions",
}  # fmt: skip
_METHODS = {
    "__eq__": "decides what it is equal to",
    "__array__": "decides what array it is",
    "__array_ufunc__": "answers NumPy's functions itself",
    "__array_function__": "answers NumPy's functions itself",
    "__torch_function__": "answers torch's functions itself",
    "__torch_dispatch__": "answers torch's functions itself",
    "__reduce__": "decides what it is unpacked to",
    "__del__": "leaves code for the end",
}
_TEXTS = re.compile(
    r"/proc/|/dev/shm|classroom\.toml|gradebook|\bsolutions/|answers/ch\d|sheets/|\.npz\b.*sheet|nbgrader|site-packages"
    r"|/introdl/|__pycache__|\.pyc\b"
)
#: Texts that are taken for names where they stand alone: ``getattr(f, "__globals__")``.
_SPELLED = {name for name in _ATTRIBUTES if name.startswith("_") and len(name) > 3} | {"setprofile", "settrace"}
#: Magics of IPython's that do more than set up or time.
_MAGICS = {
    **dict.fromkeys(("system", "sx", "sc", "!", "bash", "sh", "script", "perl", "ruby", "pypy", "python2"), "starts programs"),
    **dict.fromkeys(("html", "javascript", "js", "svg", "latex"), "writes into the page"),
    **dict.fromkeys(("run", "load", "loadpy", "macro", "recall", "rerun", "edit"), "runs code that does not stand here"),
    **dict.fromkeys(("cython", "fortran", "load_ext"), "loads more of IPython"),
}  # fmt: skip
_TIMING = ("time", "timeit", "prun", "capture", "python", "python3", "debug")
#: Names of a library's inner parts; torch's ``_BatchNorm`` and ``_pytree`` are named in honest answers too.
_INNER = re.compile("_(?!pytree$)(?=[a-z])")
_LIBRARIES = {"np": "numpy", "torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional", "plt": "matplotlib.pyplot"}


# --- a cell as Python ---------------------------------------------------------------------------------------------


@dataclass
class _Read:
    """A cell's parts that are Python, and the number of the first line that is not."""

    trees: list[ast.AST] = field(default_factory=list)
    broken: int = 0
    #: Characters that may still be read piece by piece.
    room: int = 2**21


@lru_cache(maxsize=256)
def _read(source: str) -> _Read:
    """Read a cell: IPython's own language first, then Python as a whole, then statement by statement."""
    blank = len(source) - len(source.lstrip("\n"))
    try:
        text = TransformerManager().transform_cell(source)
    except Exception:
        text, blank = source, 0
    if (tree := _parsed(text)) is not None:
        return _Read([ast.increment_lineno(tree, blank)])
    found = _Read()
    try:
        _take_pieces(parso.parse(text), found)
    except (RecursionError, MemoryError, ValueError):
        found.broken = found.broken or 1
        lines = enumerate(text.split("\n"), start=1)
        words = [(number, word) for number, line in lines for word in re.findall(r"[^\W\d]\w*", line)]
        found.trees = [ast.Name(word, ast.Load(), lineno=number) for number, word in words[:10_000]]
    found.trees = [ast.increment_lineno(tree, blank) for tree in found.trees]
    found.broken += blank
    return found


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _take_pieces(node, found: _Read) -> None:
    """Take from a tree of parso's what is Python by itself, the largest pieces that are."""
    line, column = node.start_pos
    code = node.get_code(include_prefix=False)
    found.room -= len(code)
    if found.room < 0:
        raise RecursionError("too much to be read piece by piece")
    indented = "\n" in code and column < _DEEPEST
    tree = _parsed(textwrap.dedent(" " * column + code) if indented else code)
    if tree is not None and node.type != "file_input":
        found.trees.append(ast.increment_lineno(tree, line - 1))
    elif hasattr(node, "children"):
        for child in node.children:
            _take_pieces(child, found)
    if node.type in ("error_node", "error_leaf"):
        found.broken = found.broken or line


# --- what is worth a look -----------------------------------------------------------------------------------------


def aliases(sources: Iterable[str]) -> dict[str, str]:
    """Return what a notebook calls its libraries: the dotted name behind each imported name."""
    found = dict(_LIBRARIES)
    for source in sources:
        for node in (one for tree in _read(source).trees for one in ast.walk(tree)):
            if isinstance(node, ast.Import):
                whole = {
                    a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names
                }
                found |= whole
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def look(
    source: str, position: int, forbidden: Collection[str] = (), known: Mapping[str, str] | None = None
) -> list[Finding]:
    """Return what in a cell's source is worth a look.

    Parameters
    ----------
    source : str
    position : int
        The cell's index, from 0.
    forbidden : collection of str, optional
        What the notebook's exercises forbid. A call of it is stopped when it is made; here is noted who puts it aside.
    known : mapping of str to str, optional
        What the notebook calls its libraries (see `aliases`).
    """
    seen = _Look(position, forbidden, {**aliases([source]), **(known or {})})
    seen.cell(source, 0)
    return seen.found


class _Look:
    """Goes through a cell and notes what is worth a look."""

    def __init__(self, position: int, forbidden: Collection[str], known: Mapping[str, str]):
        self.position, self.forbidden, self.known = position, [*forbidden], known
        self.found: list[Finding] = []
        self.passed: set[int] = set()
        self.called: set[int] = set()
        self.at = 0

    def add(self, line: int, what: str, detail: str, kind: str = SOURCE) -> None:
        finding = Finding(kind, f"{what} ({detail})", cell=self.position + 1, line=line)
        if finding not in self.found and len(self.found) < _MOST:
            self.found.append(finding)

    def cell(self, source: str, before: int) -> None:
        """Look at a cell, or at one inside a magic, `before` so many lines."""
        read = _read(source)
        if read.broken:
            text = source.split("\n")[read.broken - 1].strip()[:40] if read.broken <= source.count("\n") + 1 else ""
            self.add(read.broken + before, "is not Python; the rest of the cell was looked at", text, BROKEN)
        for tree in read.trees:
            self._pass(tree)
            for node in ast.walk(tree):
                self.at = getattr(node, "lineno", 0) + before
                for kind, method in self._KINDS.items():
                    if isinstance(node, kind):
                        method(self, node)

    def _pass(self, tree: ast.AST) -> None:
        """Note nodes that look like something and are not: ``model.modules()``, ``nn.modules``, magics, what is called at once."""
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        self.passed |= {id(call.func) for call in calls if getattr(call.func, "attr", "") == "modules"}
        named = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "modules")
        self.passed |= {id(node) for node in named if ast.unparse(node).endswith("nn.modules")}
        for call in calls:
            if _shell(call):
                self.passed |= {id(node) for node in ast.walk(call.func)}
        self.called |= {id(call.func) for call in calls}

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        module = getattr(node, "module", "") or ""
        for name in [f"{module}.{alias.name}" if module else alias.name for alias in node.names]:
            for known, what in _MODULES.items():
                if name == known or name.startswith(known + "."):
                    self.add(self.at, what, f"import {known}")
            if module in ("sys", "os", "types") and (last := name.rpartition(".")[2]) in _ATTRIBUTES:
                self.add(self.at, _ATTRIBUTES[last], name)
            for part in name.split("."):
                if part.startswith("_") and part in _ATTRIBUTES:
                    self.add(self.at, _ATTRIBUTES[part], f"import {name}")
            if any(map(_INNER.match, name.split("."))):
                self.add(self.at, "reaches into a library's inner parts", f"import {name}")

    def _name(self, node: ast.Name) -> None:
        if node.id in _NAMES and id(node) not in self.passed:
            self.add(self.at, _NAMES[node.id], node.id)
        self._put_aside(node)

    def _attribute(self, node: ast.Attribute) -> None:
        root = _root(node)
        if node.attr in _ATTRIBUTES and id(node) not in self.passed:
            self.add(self.at, _ATTRIBUTES[node.attr], f".{node.attr}")
        elif _INNER.match(node.attr) and root in self.known:
            self.add(self.at, "reaches into a library's inner parts", f".{node.attr}")
        if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id in self.known:
            self.add(self.at, "changes a library", f"{node.value.id}.{node.attr} = ...")
        self._put_aside(node)

    def _put_aside(self, node: ast.Name | ast.Attribute) -> None:
        """Note a forbidden function that is named and not called: kept in a list, given to another function."""
        if id(node) in self.called or not isinstance(node.ctx, ast.Load) or (root := _root(node)) not in self.known:
            return
        name = self.known[root] + ast.unparse(node)[len(root) :]
        if covers([one for one in self.forbidden if not one.endswith(".*")], name):
            self.add(self.at, "puts a forbidden function aside", name)

    def _call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        first = node.args[0] if node.args else None
        if name in ("getattr", "setattr") and len(node.args) > 1 and not isinstance(node.args[1], ast.Constant):
            self.add(self.at, "takes a name that is put together while it runs", f"{name}(...)")
        elif name == "setattr" and isinstance(first, ast.Name) and first.id in self.known:
            self.add(self.at, "changes a library", f"setattr({first.id}, ...)")
        elif way := _shell(node):
            self._magic(way, [one.value if isinstance(one, ast.Constant) else "" for one in node.args])

    def _magic(self, way: str, words: list) -> None:
        name = str(words[0]) if words else ""
        if way in ("system", "getoutput"):
            self.add(self.at, "starts programs", f"!{name}"[:40])
        elif name in _MAGICS:
            self.add(self.at, _MAGICS[name], f"%{name}")
        elif name in _TIMING and isinstance(words[-1], str):
            self.cell(words[-1], self.at if way == "run_cell_magic" else self.at - 1)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.name in _METHODS:
            self.add(self.at, f"an object that {_METHODS[node.name]}", node.name)

    def _constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, str):
            return
        if node.value in _SPELLED:
            self.add(self.at, _ATTRIBUTES[node.value], repr(node.value))
        elif found := _TEXTS.search(node.value):
            self.add(self.at, "names a place of the grader's or the system's", found[0])

    _KINDS: ClassVar[dict[Any, Callable[[_Look, Any], None]]] = {
        ast.Import | ast.ImportFrom: _import,
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Call: _call,
        ast.FunctionDef | ast.AsyncFunctionDef: _function,
        ast.Constant: _constant,
    }


def _root(node: ast.AST) -> str:
    """Return the name at the beginning of ``a.b.c``, or ""."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _shell(call: ast.Call) -> str:
    """Return which of IPython's own functions a call is that magics and shell lines are turned into, or ""."""
    function = call.func
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Call):
        return ""
    ways = ("run_line_magic", "run_cell_magic", "system", "getoutput")
    return function.attr if ast.unparse(function.value) == "get_ipython()" and function.attr in ways else ""


# --- what lies beside the notebook ----------------------------------------------------------------------------------

_SUFFIXES = {
    **dict.fromkeys((".so", ".pyd", ".dll", ".dylib"), "machine code"),
    **dict.fromkeys((".pyc", ".pyo"), "compiled Python"),
    **dict.fromkeys((".whl", ".egg", ".pyz"), "a packed library"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".dill"), "packed objects"),
}
_BEGINNINGS = {b"\x7fELF": "machine code", b"MZ": "machine code", b"\xcf\xfa\xed\xfe": "machine code"}


def look_beside(folder: Path) -> Iterator[Finding]:
    """Yield files beside the notebook that nobody can read: machine code, compiled Python, packed objects."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            start = file.read(4)
        what = _SUFFIXES.get(path.suffix.lower()) or next(
            (w for b, w in _BEGINNINGS.items() if start.startswith(b)), ""
        )
        if what:
            yield Finding("file that cannot be read", f"{path.relative_to(folder).as_posix()}: {what}")
