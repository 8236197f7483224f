"""A class's hidden cases: drawn once for a chapter, kept with the classroom, sent along with each job."""

from __future__ import annotations

import contextlib
import os
from functools import lru_cache
from pathlib import Path

from nbformat import NotebookNode

from autograder import exercises
from autograder.authoring import drawing
from autograder.authoring.release import checks
from autograder.grading import fingerprint
from introdl import paths
from introdl.checking import sheets
from introdl.checking.sheets import Entry


def draw(chapter: str, seed: str) -> dict[str, Entry]:
    """Draw the hidden cases of a chapter's exercises.

    Parameters
    ----------
    chapter : str
        Two digits.
    seed : str
        The classroom's secret.
    """
    if chapter not in exercises.chapters():
        return {}
    return {id: drawing.entry(exercise, seed) for id, exercise in exercises.load(chapter).items()}


def chapters_of(notebook: NotebookNode) -> str:
    """Return the chapters whose exercises a notebook checks, as `of_class` takes them; "" where it checks none of ours."""
    return "+".join(sorted({id[:2] for id in map(checks, notebook.cells) if id}))


def of_class(folder: Path, chapters: str, seed: str) -> bytes:
    """Return a class's hidden cases as a sheet; they are drawn where none were that still hold.

    Parameters
    ----------
    folder : pathlib.Path
        Where the assignment's cases are kept: ``.graded/ASSIGNMENT`` of the classroom.
    chapters : str
        ``"03"``; an instructor's own assignment may take exercises of several, ``"03+05"``, or of none.
    seed : str
        The classroom's secret.
    """
    each = chapters.split("+")
    modules = [f"autograder.exercises.ch{exercises.chapters().get(chapter, chapter)}" for chapter in each]
    path = folder / "cases" / f"{fingerprint.drawing(modules, seed)}.npz"
    with contextlib.suppress(OSError, ValueError):
        content = path.read_bytes()
        read(content)
        return content
    content = sheets.as_bytes(chapters, [entry for chapter in each for entry in draw(chapter, seed).values()])
    paths.write_atomically(path, content)
    os.chmod(path, 0o600)
    for other in path.parent.glob("*.npz"):
        if other != path:
            other.unlink(missing_ok=True)
    return content


@lru_cache(maxsize=4)
def read(content: bytes) -> dict[str, Entry]:
    """Return the entries of a sheet by exercise.

    Raises
    ------
    ValueError
        If the bytes are no sheet.
    """
    return sheets.from_bytes(content, "of hidden cases")
