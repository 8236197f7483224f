"""How a stranger's cell is read and run where it is graded: statement by statement, past what cannot be done here.

A line about a notebook's looks or its owner's machine (a magic, a program, a package, a download) shall not take the rest of
its cell along. What was passed over is told by a line's number and a word from `REASONS`, and nothing else.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import sys
import warnings
from collections.abc import Iterable, Iterator

#: Why a line was passed over, by a word; the sentence is put together outside, where no learner's code runs.
REASONS = {
    "program": "programs are not started while grading",
    "magic": "this command of the notebook is not known here",
    "package": "it imports a package, or a part of one, that is not installed here",
    "network": "there is no network while grading",
    "file": "it needs a file or folder that is not here, or may not be used",
    "device": "it needs a GPU, a window or another device that is not here",
    "person": "it waits for a person to type something",
    "syntax": f"it cannot be read as Python {sys.version_info.major}.{sys.version_info.minor}",  # a newer one's syntax, perhaps
    "error": "it raised an error",
}

_NETWORK = (
    "gaierror",
    "URLError",
    "HTTPError",
    "ConnectionError",
    "ConnectTimeout",
    "ConnectionRefusedError",
    "SSLError",
)
_NO_NETWORK = ("Network is unreachable", "name resolution", "Failed to establish a new connection")
_NO_DEVICE = (
    "CUDA",
    "NVIDIA",
    "MPS",
    "no accelerator",
    "HIP",
    "Cannot load backend",
    "TclError",
    "tkinter",
    "headless",
)
#: What chat programs and word processors put where a keyboard puts a space, or nothing.
_BLANKS = {
    ord(one): " "
    for one in "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
}
_BLANKS |= dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\x00"), "")


def reason_of(error: BaseException) -> str:
    """Return the word of `REASONS` that tells best why a statement raised."""
    try:
        names, text = {kind.__name__ for kind in type(error).__mro__}, str(error)
    except BaseException:  # a learner's own exception may refuse to have a text
        return "error"
    if any(words in text for words in _NO_DEVICE) and names & {
        "AssertionError",
        "RuntimeError",
        "ImportError",
        "ValueError",
    }:
        return "device"
    if names & {"EOFError", "BdbQuit", "StdinNotImplementedError"}:
        return "person"
    if names & set(_NETWORK) or any(words in text for words in _NO_NETWORK):
        return "network"
    if isinstance(error, PermissionError) and error.errno == errno.EPERM:  # a file's is EACCES
        return "program"
    for name, reason in (("ImportError", "package"), ("UsageError", "magic"), ("OSError", "file")):
        if name in names:
            return reason
    return "error"


class OneImportEach(ast.NodeTransformer):
    """Make ``import a, b`` two statements: where the one is missing, the other need not be."""

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        """Split an import."""
        return [ast.copy_location(ast.Import([alias]), node) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        """Split an import of several names of a module."""
        return [ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node) for alias in node.names]


def readable(source: str) -> tuple[str, list[int]]:
    """Return a cell as text that IPython can run, and the lines where what cannot be read was left out.

    A cell that can be read is returned as it is. Else blanks that are no spaces become some, and where that does not help,
    the statements that can be read are kept.

    Parameters
    ----------
    source : str

    Returns
    -------
    (str, list of int)
        The text, with its lines where they were, and first lines of what was left out, from 1.
    """
    if _tree(source) is not None:
        return source, []
    plain = source.translate(_BLANKS)
    if _tree(plain) is not None:
        return plain, []
    return _what_can_be_read(plain)


def _python(source: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    body = source.lstrip("\n")
    return "\n" * (len(source) - len(body)) + TransformerManager().transform_cell(body)


_UNREADABLE = (SyntaxError, ValueError, OverflowError, RecursionError, RuntimeError, MemoryError)


def _compiles(text: str) -> bool:
    """Whether Python takes a cell's statements, each on its own as IPython runs them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = compile(text, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            for node in tree.body:
                compile(ast.Module([node], []), "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except _UNREADABLE:
            return False
    return True


def parsed(source: str) -> ast.Module | None:
    """Return what can be read of a cell as Python, magics included; the cell is not run. None where nothing can."""
    try:
        text, _ = readable(source)
        return ast.parse(_python(text))
    except _UNREADABLE:
        return None


def definitions(source: str) -> str:
    """Return a cell's imports, functions and classes alone, with the names that stand for plain values.

    Returns
    -------
    str
        "" where it defines no function and no class.
    """
    tree = parsed(source)
    kept = [one for one in (tree.body if tree else ()) if isinstance(one, _DEFINING) or _is_plain(one)]
    if not any(isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for one in kept):
        return ""
    with contextlib.suppress(RecursionError):
        return ast.unparse(ast.Module(kept, []))
    return ""


_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def _is_plain(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign | ast.AnnAssign) and not any(isinstance(one, ast.Call) for one in ast.walk(node))


def given_names(source: str) -> set[str]:
    """Return the names that a cell gives to something, whatever of it can be read; the cell is not run."""
    tree = parsed(source)
    return set(bound(tree.body)) if tree else set()


def bound(statements: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the names that statements give to something, not those that functions and classes give inside them."""
    waiting = list(statements)  # no recursion: a sum of a thousand terms is a thousand deep
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                yield node.id
        elif not isinstance(node, ast.Lambda | ast.comprehension):
            waiting.extend(ast.iter_child_nodes(node))


def _tree(source: str) -> str | None:
    """Return a cell as Python, or None where it is none."""
    try:
        text = _python(source)
    except _UNREADABLE:
        return None
    return text if _compiles(text) else None


def _what_can_be_read(source: str) -> tuple[str, list[int]]:
    """Leave out whole statements, those at the left margin, until what is left can be read."""
    import parso

    try:
        text = _python(source)
    except _UNREADABLE:
        text = source
    kept = [""] * (text.count("\n") + 1)
    left_out: list[int] = []
    try:
        parts = [(node.get_code(include_prefix=False), *node.start_pos) for node in parso.parse(text).children]
    except RecursionError:
        return "", [1]
    for code, line, column in parts:
        if not code.strip():
            continue
        if column == 0 and _compiles(code):
            lines = code.rstrip("\n").split("\n")  # Python's lines: `splitlines` knows more ends than that
            kept[line - 1 : line - 1 + len(lines)] = lines
        elif column == 0 or not left_out:
            left_out.append(line)
    whole = "\n".join(kept)
    return (whole, left_out) if _compiles(whole) else ("", [1])
