"""Build the learner's room from the author's: notebooks and answer sheets under ``course/``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np

from autograder import bank, release
from autograder import exercises as exercise_bank
from autograder import source as sources
from autograder.exercise import AuthorError
from introdl import places
from introdl.checking import sheets


@dataclass(frozen=True)
class Built:
    """A generated file, and what became of it: "made", "unchanged" or (when only looking) "stale"."""

    path: Path
    state: str


def root() -> Path:
    """Return the checkout's folder.

    Raises
    ------
    AuthorError
        If this installation has no sources.
    """
    folder = Path(__file__).resolve().parent.parent
    if not (folder / "solutions").is_dir():
        raise AuthorError("There is no folder 'solutions' here: building needs a checkout of the whole project.")
    return folder


def source_files(names: list[str] | None = None) -> list[Path]:
    """Return the sources to build: all, or those whose names begin with one of `names` (``03``, ``start``)."""
    found = sorted((root() / "solutions").glob("*.py"))
    if not names:
        return found
    chosen = []
    for name in names:
        stem = Path(name).stem
        match = [path for path in found if path.stem == stem or path.stem.split("_")[0] == stem]
        if not match:
            raise AuthorError(f"There is no source for {name!r}; there are: {', '.join(p.stem for p in found)}.")
        chosen += match
    return chosen


def read(path: Path) -> tuple[sources.Source, dict]:
    """Read and lint a source; return it with its chapter's exercises."""
    shown = path.relative_to(root()) if path.is_relative_to(root()) else path
    source = sources.read(path)
    source.path = shown
    exercises = exercise_bank.load(source.chapter) if source.chapter else {}
    sources.lint(source, exercises)
    return source, exercises


def notebook_path(name: str, course: Path) -> Path:
    """Return where a notebook lives: ``03_convolution/03_convolution.ipynb``, or ``start.ipynb``."""
    return course / name / f"{name}.ipynb" if name[:2].isdigit() else course / f"{name}.ipynb"


def _answered(path: Path) -> bool:
    """Whether somebody has written answers into a generated notebook."""
    from nbgrader import utils

    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:
        raise AuthorError(f"{path} cannot be read as a notebook ({error}). Move it away, then build again.") from error
    return any(
        "checksum" in cell.metadata.nbgrader and utils.compute_checksum(cell) != cell.metadata.nbgrader.checksum
        for cell in notebook.cells
        if utils.is_solution(cell)
    )


def _text(entries: list[sheets.Entry]) -> str:
    """Everything of a sheet but its arrays, as text: there nan is like nan."""
    return json.dumps([entry.to_tree() for entry in entries], sort_keys=True)


def _same_sheet(path: Path, chapter: str, entries: list[sheets.Entry]) -> bool:
    """Whether a sheet on disk holds the same, but for rounding (the last bits differ between processors)."""
    try:
        old = list(sheets.read(path).values())
    except (ValueError, OSError):
        return False
    if _text(old) != _text(entries):
        return False
    before, after = (old[0].arrays, entries[0].arrays) if entries else ([], [])
    return len(before) == len(after) and all(
        a.dtype == b.dtype
        and a.shape == b.shape
        and (np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True) if a.dtype.kind == "f" else np.array_equal(a, b))
        for a, b in zip(before, after, strict=True)
    )


def build(
    names: list[str] | None = None,
    *,
    course: Path | None = None,
    look: bool = False,
    force: bool = False,
    tell: Callable[[str], None] = lambda name: None,
) -> list[Built]:
    """Build notebooks and sheets.

    Parameters
    ----------
    names : list of str, optional
        Chapters (``"03"``) or pages (``"start"``); by default all.
    course : pathlib.Path, optional
        Where to; by default the checkout's ``course/``.
    look : bool
        True writes nothing and says what is stale.
    force : bool
        True overwrites notebooks that hold somebody's answers.
    tell : callable
        Is told each source's name before it is built.

    Returns
    -------
    list of Built

    Raises
    ------
    AuthorError
        At an author's slip, with file and line, or where a learner's answers would be lost.
    """
    course = course or root() / "course"
    built = []
    for path in source_files(names):
        tell(path.stem)
        source, exercises = read(path)
        released = release.released_notebook(release.source_notebook(source, exercises), source.name)
        sources.find_leaks(source, (cell.source for cell in released.cells))
        built.append(_put(notebook_path(source.name, course), release.write_notebook(released), look, force))
        if exercises:
            built.append(_put_sheet(course / "sheets" / f"{source.name}.npz", source.chapter, exercises, look))
    return built


def _put(path: Path, content: bytes, look: bool, force: bool) -> Built:
    if path.exists() and path.read_bytes() == content:
        return Built(path, "unchanged")
    if look:
        return Built(path, "stale")
    if path.exists() and not force and _answered(path):
        raise AuthorError(f"{path} holds answers that building would overwrite. Copy it elsewhere, or add --force.")
    places.write_atomically(path, content)
    return Built(path, "made")


def _put_sheet(path: Path, chapter: str, exercises: dict, look: bool) -> Built:
    entries = [bank.entry(exercise, bank.VISIBLE_SEED) for exercise in exercises.values()]
    bank.share_arrays(entries)
    if path.exists() and _same_sheet(path, chapter, entries):
        return Built(path, "unchanged")
    if look:
        return Built(path, "stale")
    sheets.write(path, chapter, entries)
    return Built(path, "made")
