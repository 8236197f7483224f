"""Notebooks of a class: what was handed out, the same with its answers, and what is handed in."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat

from autograder.classroom import Classroom
from introdl import execute


def released(room: Classroom, name: str) -> nbformat.NotebookNode:
    """What was handed out."""
    return nbformat.read(room.root / "release" / name / f"{name}.ipynb", as_version=4)


def solved(room: Classroom, name: str) -> nbformat.NotebookNode:
    """What a learner with every answer right would hold."""
    return execute.without_stubs(nbformat.read(room.root / "source" / name / f"{name}.ipynb", as_version=4))


def cell_of(notebook: nbformat.NotebookNode, id: str) -> nbformat.NotebookNode:
    """The cell of an id."""
    return next(cell for cell in notebook.cells if cell.id == id)


def hand_in(room: Classroom, student: str, name: str, notebook: nbformat.NotebookNode | str, file: str = "") -> Path:
    """Put a notebook (or any text) where a student's submission belongs, by default under its own name."""
    path = room.root / "submitted" / student / name / (file or f"{name}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook))
    return path


def as_code(names: list[str], objects: tuple) -> str:
    """Source of an answer cell that gives names to objects; their modules must be registered to travel by value."""
    import cloudpickle

    lines = ["import base64", "import cloudpickle as _c"]
    for name, one in zip(names, objects, strict=True):
        lines.append(f"{name} = _c.loads(base64.b64decode({base64.b64encode(cloudpickle.dumps(one))!r}))")
    return "\n".join(lines)
