"""What is worth a look in a submission: what was seen while it was graded, and what its source looks like.

Nothing here changes a grade, and nothing here says that anybody cheated: a finding is a place to look at.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.plain_text import table_cell
from introdl import paths

#: How a worker's end (`autograder.examining.worker_client.Died.kind`) is named.
DIED = {
    "ended": "process ended",
    "killed": "process ended",
    "time": "time limit",
    "memory": "memory limit",
    "processes": "process limit",
    "damaged": "damaged message",
}
SOURCE = "source"
_MOST = 200


@dataclass(frozen=True)
class Finding:
    """A place that is worth a look.

    Attributes
    ----------
    kind : str
        In a few words: "forbidden call", "memory limit", "check cell changed", ...; "source" where only its text was
        looked at.
    text : str
        What was seen.
    cell, line : int or None
        Where, counted from 1.
    exercise : str or None
    """

    kind: str
    text: str
    cell: int | None = None
    line: int | None = None
    exercise: str | None = None

    def where(self) -> str:
        """Return the place in words."""
        words = [f"cell {self.cell}"] if self.cell else []
        words += [f"line {self.line}"] if self.line else []
        words += [self.exercise] if self.exercise else []
        return ", ".join(words)


# --- what the source looks like -----------------------------------------------------------------------------------

_MODULES = {
    "ctypes": "calls into the machine",
    "_ctypes": "calls into the machine",
    "cffi": "calls into the machine",
    "mmap": "shares memory",
    "multiprocessing": "starts processes",
    "subprocess": "starts programs",
    "socket": "uses the network",
    "urllib": "uses the network",
    "http": "uses the network",
    "requests": "uses the network",
    "httpx": "uses the network",
    "importlib": "imports by name",
    "imp": "imports by name",
    "pkgutil": "imports by name",
    "runpy": "imports by name",
    "gc": "walks through Python's objects",
    "inspect": "reads Python's frames",
    "atexit": "leaves code for the end",
    "signal": "catches signals",
    "marshal": "makes code objects",
    "builtins": "reaches for Python's own names",
    "nbgrader": "reaches for the grader",
    "autograder": "reaches for the grader",
    "introdl.checking": "reaches for the checker",
    "numpy.testing": "reaches for NumPy's test functions",
    "numpy.ctypeslib": "calls into the machine",
}
_NAMES = {
    "__import__": "imports by name",
    "eval": "runs text as code",
    "exec": "runs text as code",
    "compile": "runs text as code",
    "__builtins__": "reaches for Python's own names",
    "get_ipython": "reaches for the notebook",
}
_ATTRIBUTES = {
    **dict.fromkeys(("__globals__", "__code__", "__closure__", "__subclasses__", "__mro__", "__bases__"), "looks inside Python's objects"),
    **dict.fromkeys(("f_back", "f_locals", "f_globals", "tb_frame", "gi_frame", "_getframe"), "reads Python's frames"),
    **dict.fromkeys(("setprofile", "settrace"), "changes how calls are watched"),
    "monitoring": "changes how calls are watched",
    "modules": "looks through the loaded modules",
    "__dict__": "looks inside Python's objects",
    "_exit": "ends its own process",
    "fork": "starts processes",
    "system": "starts programs",
    "popen": "starts programs",
    "ops": "calls torch's operators by name",
    "ctypeslib": "calls into the machine",
    "multiarray": "reaches into NumPy",
    "_multiarray_umath": "reaches into NumPy",
    "testing": "reaches for a library's test functions",
}  # fmt: skip
_METHODS = {
    "__eq__": "decides what it is equal to",
    "__array__": "decides what array it is",
    "__array_ufunc__": "answers NumPy's functions itself",
    "__array_function__": "answers NumPy's functions itself",
    "__torch_function__": "answers torch's functions itself",
    "__reduce__": "decides what it is unpacked to",
    "__del__": "leaves code for the end",
}
_TEXTS = re.compile(
    r"/proc/|/dev/shm|classroom\.toml|gradebook|\bsolutions/|answers/ch\d|sheets/|\.npz\b.*sheet|nbgrader"
)


def look(source: str, position: int) -> list[Finding]:  # noqa: C901
    """Return what in a cell's source is worth a look.

    Parameters
    ----------
    source : str
    position : int
        The cell's index, from 0.
    """
    found: list[Finding] = []

    def add(line: int, what: str, detail: str) -> None:
        finding = Finding(SOURCE, f"{what} ({detail})", cell=position + 1, line=line)
        if finding not in found and len(found) < _MOST:
            found.append(finding)

    lines = []
    for number, line in enumerate(source.split("\n"), start=1):
        bare = line.strip()
        if bare.startswith("!") or re.match(r"%%(bash|sh|script|perl|ruby|html|javascript|js)\b", bare):
            add(number, "starts programs", bare[:40])
        lines.append("pass" if bare.startswith(("!", "%")) and bare == line else line)
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    imported = {"np", "numpy", "torch", "plt", "introdl", "scipy"}
    imported |= {a.asname or a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    # A module of torch is asked for its layers by model.modules(); sys.modules is a dict, which nobody can call. nn.modules is torch's.
    asked = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "modules"}
    named = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "modules")
    asked |= {id(n) for n in named if ast.unparse(n).endswith("nn.modules")}
    for node in ast.walk(tree):
        at = getattr(node, "lineno", 0)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = getattr(node, "module", "") or ""
            names = [a.name for a in node.names]
            whole = [f"{module}.{name}" if module else name for name in names]
            for name in whole:
                for known, what in _MODULES.items():
                    if name == known or name.startswith(known + "."):
                        add(at, what, f"import {known}")
                if module in ("sys", "os") and name.split(".")[1] in _ATTRIBUTES:
                    add(at, _ATTRIBUTES[name.split(".")[1]], name)
        elif isinstance(node, ast.Name) and node.id in _NAMES:
            add(at, _NAMES[node.id], node.id)
        elif isinstance(node, ast.Attribute):
            if node.attr in _ATTRIBUTES and id(node) not in asked:
                add(at, _ATTRIBUTES[node.attr], f".{node.attr}")
            if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id in imported:
                add(at, "changes a library", f"{node.value.id}.{node.attr} = ...")
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in ("getattr", "setattr") and len(node.args) > 1 and not isinstance(node.args[1], ast.Constant):
                add(at, "takes a name that is put together while it runs", f"{name}(...)")
            elif name == "setattr" and node.args and isinstance(node.args[0], ast.Name) and node.args[0].id in imported:
                add(at, "changes a library", f"setattr({node.args[0].id}, ...)")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in _METHODS:
            add(at, f"an object that {_METHODS[node.name]}", node.name)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and (found_text := _TEXTS.search(node.value))
        ):
            add(at, "names a place of the grader's or the system's", found_text[0])
    return found


def seen_in_error(error: object, position: int) -> list[Finding]:
    """Return a finding where a cell's error tells of something that the sandbox refused."""
    if not isinstance(error, list) or len(error) != 3:
        return []
    name, message, _where = (str(one) for one in error)
    text = f"{name}: {message[:120]}"
    if name in ("gaierror", "URLError", "ConnectionError", "ConnectTimeout", "ConnectionRefusedError") or (
        "Network is unreachable" in message or "name resolution" in message
    ):
        return [Finding("network tried", text, cell=position + 1)]
    if name == "PermissionError" or "Read-only file system" in message:
        return [Finding("access refused", text, cell=position + 1)]
    if name == "FileNotFoundError" and re.search(r"'(/|\.\./|~)", message):
        return [Finding("a file outside looked for", text, cell=position + 1)]
    if name == "MemoryError" or "Cannot allocate memory" in message:
        return [Finding("memory limit", text, cell=position + 1)]
    return []


# --- kept beside the grade ----------------------------------------------------------------------------------------


def record_path(root: Path, assignment: str, student: str) -> Path:
    """Return where a submission's findings are kept."""
    return root / ".audit" / assignment / f"{student}.json"


def record(root: Path, assignment: str, student: str, findings: list[Finding]) -> None:
    """Keep a submission's findings."""
    body = {"student": student, "assignment": assignment, "findings": [asdict(one) for one in findings[:_MOST]]}
    paths.write_atomically(record_path(root, assignment, student), json.dumps(body, indent=1).encode())


def read(root: Path, assignment: str) -> dict[str, list[Finding]]:
    """Return every graded submission's findings, by student."""
    found = {}
    for path in sorted((root / ".audit" / assignment).glob("*.json")):
        body = json.loads(path.read_text())
        found[body["student"]] = [Finding(**one) for one in body["findings"]]
    return found


def table(records: dict[str, list[Finding]]) -> None:
    """Print what is worth a look, a row for each place."""
    from rich.console import Console
    from rich.table import Table

    shown = Table("student", "where", "what", "seen")
    for student, findings in records.items():
        for number, one in enumerate(findings):
            kind = "in the source" if one.kind == SOURCE else one.kind
            text = f"looks like: {one.text}" if one.kind == SOURCE else one.text
            cells = ("" if number else student, one.where(), text, kind)
            shown.add_row(*map(table_cell, cells))
    Console().print(shown)
