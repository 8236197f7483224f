"""A stranger's notebook file as a notebook: whatever editor, system or language wrote it.

Outputs are dropped while it is read (they are made again, and may be larger than everything else), and so is what widgets
were showing.
"""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.errors import Unreadable

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OTHER_KINDS = {b"PK": "a zip archive", b"<": "a web page", b"%PDF": "a PDF", b"\x1f\x8b": "a compressed file"}
_MERGE = re.compile(r"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)  # in JSON no line of a text begins a line of the file


def read(content: bytes) -> NotebookNode:
    """Return a notebook, without its outputs, in today's format.

    Parameters
    ----------
    content : bytes
        The file's.

    Raises
    ------
    Unreadable
        If it is none; the text says why.
    """
    found = _parsed(_decoded(content))
    if not isinstance(found, dict):
        raise Unreadable("It is not a notebook: it has no cells.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notebook = _converted(found)
    except Unreadable:
        raise
    except RecursionError:
        raise Unreadable("It is not a notebook: nested too deeply.") from None
    except Exception as error:  # nbformat raises many kinds
        said = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise Unreadable(f"It is not a notebook: {said}.") from error
    return notebook


def write(notebook: NotebookNode) -> bytes:
    """Return a notebook that was read as a file, the same for the same cells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a copied cell has its double's id
        return nbformat.writes(notebook).encode()


def _decoded(content: bytes) -> str:
    encoding = json.detect_encoding(content)  # by the byte order mark, or by where zeros are
    for one, errors in ((encoding, "strict"), (encoding, "surrogatepass"), ("cp1252", "strict"), ("latin-1", "strict")):
        try:
            return content.decode(one, errors).rstrip("\x00\x1a \r\n")
        except UnicodeDecodeError:
            continue
    raise Unreadable("It is not a text file.")


def _parsed(text: str) -> Any:
    start = text.lstrip()[:8]
    if not start:
        raise Unreadable("It is empty.")
    if _MERGE.search(text):
        raise Unreadable("It holds both sides of a merge (git). Ask for the notebook after the merge.")
    for sign, kind in _OTHER_KINDS.items():
        if start.startswith(sign.decode("latin-1")):
            raise Unreadable(f"It is not a notebook, but {kind}. Ask for the notebook itself (.ipynb).")
    try:
        return json.loads(text, object_hook=_without_outputs, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        raise Unreadable(f"It is not a notebook: not JSON from line {error.lineno} on. {_why(text, error)}") from None
    except RecursionError:
        raise Unreadable("It is not a notebook: nested too deeply.") from None
    except ValueError as error:  # a number of a million digits
        raise Unreadable(f"It is not a notebook: {str(error)[:100]}.") from None


def _why(text: str, error: json.JSONDecodeError) -> str:
    before = text[: error.pos].rstrip()
    if before.endswith(","):
        return "There is a comma too many before it."
    if error.msg == "Extra data":
        return "The notebook is complete before it, and something else follows."
    if not text[error.pos :].strip() or "Unterminated" in error.msg:
        return "It breaks off there: the file is not whole."
    return f"{error.msg}."


def _without_outputs(found: dict) -> dict:
    if "outputs" in found and ("source" in found or "input" in found or found.get("cell_type") == "code"):
        found["outputs"] = []
    return found


def _converted(found: dict) -> NotebookNode:
    found = _whole(found)
    major = found.get("nbformat")
    if isinstance(major, int) and major < 4:
        notebook = nbformat.convert(nbformat.from_dict(found), 4)
        for cell in notebook.cells:
            cell.pop("id", None)  # by chance, another one each time
    else:
        notebook = nbformat.from_dict(found)
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unreadable("It is not a notebook: it has no cells.")
    metadata = notebook.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    metadata.pop("widgets", None)
    tidy = [_cell(cell, number) for number, cell in enumerate(cells, start=1)]
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": tidy})


def _cell(cell: dict, number: int) -> dict:
    """Return a cell with all that a cell has, and nothing else."""
    source, metadata, id = cell.get("source"), cell.get("metadata"), cell.get("id")
    if isinstance(source, list):
        source = "".join(one for one in source if isinstance(one, str))
    if source is not None and not isinstance(source, str):
        raise Unreadable(f"It is not a notebook: cell {number} has no text.")
    kind = cell.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        kind = "code" if "outputs" in cell or "execution_count" in cell else "markdown"
    tidy = {
        "cell_type": kind,
        "id": id if isinstance(id, str) and _ID.fullmatch(id) else f"own-{number}",
        "metadata": metadata if isinstance(metadata, dict) else {},
        "source": source or "",
    }
    if kind == "code":
        tidy |= {"outputs": [], "execution_count": None}
    elif isinstance(cell.get("attachments"), dict):
        tidy["attachments"] = cell["attachments"]
    return tidy


def _whole(value: Any) -> Any:
    """Return data without halves of characters, which no file can hold; two that belong together become one."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, dict):
        return {_whole(key): _whole(one) for key, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list) else value
