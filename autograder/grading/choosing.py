"""Which of the files that a student handed in is the notebook: under its name, renamed, copied, too deep or too high."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.authoring.release import exercise_of
from autograder.errors import Unbearable, Unreadable
from autograder.examining import folder as folders
from autograder.examining import reading, refusal

#: Folders that programs make, and how deep a notebook may lie in a submission's.
_MADE, _DEPTH = {"__pycache__", "node_modules", "feedback", "site-packages"}, 3
#: Notebooks that are looked into.
_MOST = 20
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")


@dataclass
class Choice:
    """What was chosen.

    Attributes
    ----------
    path : pathlib.Path or None
        The notebook's file.
    folder : pathlib.Path
        Where it lies, and what belongs to it.
    note : str
        A sentence where something else than the notebook under its own name was chosen, or lies beside it.
    unsure : bool
        Whether a person has to choose.
    """

    path: Path | None
    folder: Path
    note: str = ""
    unsure: bool = False


@dataclass
class _Candidate:
    path: Path
    named: bool
    notebook: nbformat.NotebookNode | None = None
    ids: set[str] = field(default_factory=set)
    own: frozenset[str] = frozenset()


def same_name(one: str, other: str) -> bool:
    """Whether two names differ at most in letter case, and in how an umlaut is written."""
    return unicodedata.normalize("NFC", one).casefold() == unicodedata.normalize("NFC", other).casefold()


def folder_of(student: Path, assignment: str) -> Path | None:
    """Return a student's folder for an assignment: of that name, whatever its letter case; or that of all submissions,
    where notebooks lie in it themselves; else None.
    """
    wanted = student / assignment
    if wanted.is_dir():
        return wanted
    for path in _listed(student):
        if path.is_dir() and same_name(path.name, assignment):
            return path
    return student if any(_fits_by_name(path, assignment) for path in _listed(student)) else None


def choose(student: Path, assignment: str, released: bytes) -> Choice:
    """Choose a student's notebook.

    Parameters
    ----------
    student : pathlib.Path
        The student's folder, with one for each assignment.
    assignment : str
    released : bytes
        The notebook that was handed out: who handed in just this has not begun.
    """
    folder = folder_of(student, assignment) or student / assignment
    above = [path for path in _listed(student) if _fits_by_name(path, assignment)]
    if above and not any(_notebooks(folder, _DEPTH)):
        folder = student
    wanted = folder / f"{assignment}.ipynb"
    paths = [path for path in _notebooks(folder, 0 if folder == student else _DEPTH) if path != wanted][:_MOST]
    if os.path.lexists(wanted) and not paths:
        return Choice(wanted, folder, _elsewhere(wanted, student / assignment))
    given = _sources(reading.read(released)) if released else set()
    candidates = [_looked_into(path, assignment, given) for path in paths]
    fitting = [one for one in candidates if _is_it(one, assignment)]
    mine = _looked_into(wanted, assignment, given) if os.path.lexists(wanted) else None
    found = _chosen(mine, fitting, wanted.name)
    if found is None:
        archive = next((path.name for path in _listed(folder) if path.suffix.lower() in _ARCHIVES), "")
        note = f"There is no {wanted.name}."
        note += f" There is '{archive}': unpack it there, and grade again." if archive else ""
        return Choice(None, folder, note)
    if found.path and not found.note:
        found.note = _elsewhere(found.path, student / assignment)
    if found.path and folder != student:
        found.folder = found.path.parent
    return found


def _chosen(mine: _Candidate | None, fitting: list[_Candidate], name: str) -> Choice | None:
    finished = [one for one in fitting if one.own]
    if mine is not None and mine.own:
        others = [one for one in finished if one.own != mine.own]
        beside = f"Beside it lies {_named(others)}, worked on too and not graded." if others else ""
        return Choice(mine.path, mine.path.parent, beside)
    if len({one.own for one in finished}) > 1:
        there = "as it was handed out" if mine is not None and mine.notebook else "not there, or cannot be read"
        note = f"{name} is {there}, and {_named(finished)} could be it. Keep one of them, under the name {name}."
        return Choice(None, fitting[0].path.parent, f"Not graded: {note}", unsure=True)
    if finished:
        why = (
            ""
            if mine is None
            else f", for {name} is as it was handed out"
            if mine.notebook
            else f", for {name} cannot be read"
        )
        note = f"It was handed in as '{finished[0].path.name}'{why}." if finished[0].path.name != name or why else ""
        return Choice(finished[0].path, finished[0].path.parent, note)
    if mine is not None:
        return Choice(mine.path, mine.path.parent)
    if fitting:
        note = f"It was handed in as '{fitting[0].path.name}'." if fitting[0].path.name != name else ""
        return Choice(fitting[0].path, fitting[0].path.parent, note)
    return None


def _elsewhere(path: Path, wanted: Path) -> str:
    """Say where a notebook lay, where that is not its place."""
    if path.parent == wanted:
        return ""
    if path.parent == wanted.parent:
        return f"It lay in {wanted.parent.name}/, not in {wanted.parent.name}/{wanted.name}/."
    return f"It lay in {path.parent.relative_to(wanted.parent).as_posix()}/."


def _named(candidates: list[_Candidate]) -> str:
    names = [f"'{one.path.name}'" for one in candidates]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _notebooks(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the notebooks in a folder, near ones first; links are not followed."""
    below = []
    for path in _listed(folder):
        if path.is_symlink():
            continue
        if path.suffix.lower() == ".ipynb" and not path.name.startswith("."):
            yield path
        elif depth and not path.name.startswith(".") and path.name not in _MADE and path.is_dir():
            below.append(path)
    for path in below:
        if not (path / "pyvenv.cfg").exists():
            yield from _notebooks(path, depth - 1)


def _fits_by_name(path: Path, assignment: str) -> bool:
    return path.suffix.lower() == ".ipynb" and (
        unicodedata.normalize("NFC", assignment).casefold() in unicodedata.normalize("NFC", path.stem).casefold()
    )


def _is_it(one: _Candidate, assignment: str) -> bool:
    """Whether a notebook is the assignment's: by its graded cells, and where those lost their marks, by its name."""
    if one.notebook is None:
        return False
    if one.ids:
        return any((exercise_of(id) or "").startswith(assignment[:2]) for id in one.ids)
    return one.named


def _looked_into(path: Path, assignment: str, given: set[str]) -> _Candidate:
    found = _Candidate(path, _fits_by_name(path, assignment))
    try:
        found.notebook = reading.read(folders.read(path, refusal.MOST_BYTES))
    except (Unbearable, Unreadable, OSError):
        return found
    found.ids = grade_ids(found.notebook)
    found.own = frozenset(_sources(found.notebook) - given)
    return found


def _sources(notebook: nbformat.NotebookNode) -> set[str]:
    plain = ("\n".join(line.rstrip() for line in cell.source.splitlines()).strip() for cell in notebook.cells)
    return {one for one in plain if one}


def grade_ids(notebook: nbformat.NotebookNode) -> set[str]:
    """Return the names of a notebook's graded cells, as it says them."""
    marks = (cell.metadata.get("nbgrader") for cell in notebook.cells)
    found = (mark.get("grade_id") for mark in marks if isinstance(mark, dict))
    return {one for one in found if isinstance(one, str)}
