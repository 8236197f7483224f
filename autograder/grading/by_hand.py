"""Grades that a person gave: they stay closed until the answer that they were given for changes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbgrader.utils import is_grade

from autograder.authoring.release import exercise_of, grade_id
from introdl import paths

if TYPE_CHECKING:
    from nbgrader.api import Grade


def answers(nb: nbformat.NotebookNode) -> dict[str, str]:
    """Return a fingerprint of the answer that each graded cell is about, by the cell's name."""
    sources = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in nb.cells}
    found = {}
    for cell in nb.cells:
        if is_grade(cell):
            name = cell.metadata.nbgrader.grade_id
            exercise = exercise_of(name)
            text = sources.get(grade_id(exercise), "") if exercise else cell.source
            lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
            found[name] = hashlib.sha256(lines.encode(errors="surrogatepass")).hexdigest()
    return found


def _path(root: Path, assignment: str, student: str) -> Path:
    return root / ".graded" / assignment / "answers" / f"{student}.json"


def keep(root: Path, assignment: str, student: str, now: dict[str, str]) -> None:
    """Keep what `answers` says of a submission that was graded.

    Parameters
    ----------
    root : pathlib.Path
        The classroom's folder.
    """
    if _kept(root, assignment, student) != now:
        paths.write_atomically(_path(root, assignment, student), json.dumps(now).encode())


def _kept(root: Path, assignment: str, student: str) -> dict[str, str] | None:
    try:
        return dict(json.loads(_path(root, assignment, student).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def before(root: Path, assignment: str, student: str) -> dict[str, str] | None:
    """Return `answers` of the submission that was graded last, or None where that is not known."""
    if (kept := _kept(root, assignment, student)) is not None:
        return kept
    try:  # what is kept has been removed: look at the graded notebook itself
        return answers(nbformat.read(root / "autograded" / student / assignment / f"{assignment}.ipynb", as_version=4))
    except Exception:  # nbformat raises many kinds
        return None


def is_open(grade: Grade, name: str, before: dict[str, str] | None, now: dict[str, str]) -> bool:
    """Whether a person has to give a grade, after its automatic score was set.

    Parameters
    ----------
    grade : nbgrader.api.Grade
    name : str
        Its cell's.
    before, now : dict of str to str
        The answers (see `answers`) of the submission that was graded last, and of this one.
    """
    if grade.manual_score is None:
        return grade.auto_score is None
    return grade.needs_manual_grade or before is None or before.get(name) != now.get(name)
