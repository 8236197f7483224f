"""Build the learner's room from the author's: notebooks and answer sheets under ``course/``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np

from autograder import exercises as exercise_bank
from autograder.authoring import drawing, glossary, lint, release, tables
from autograder.authoring import source as sources
from autograder.errors import AuthorError
from introdl import paths
from introdl.chapters import CHAPTERS
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
    folder = Path(__file__).resolve().parent.parent.parent
    if not (folder / "solutions").is_dir():
        raise AuthorError("There is no folder 'solutions' here: building needs a checkout of the whole project.")
    return folder


def solutions() -> Path:
    """Return the folder of the sources: ``solutions/`` of a checkout, or that of an installed copy.

    Raises
    ------
    AuthorError
        If this installation has none.
    """
    installed = Path(__file__).resolve().parent.parent / "solutions"
    return installed if installed.is_dir() else root() / "solutions"


def source_files(names: list[str] | None = None) -> list[Path]:
    """Return the sources to build: all, or those whose names begin with one of `names` (``03``, ``start``)."""
    found = sorted(path for path in solutions().glob("*.py") if path.stem != "__init__")
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
    """Read a source; return it with its chapter's exercises.

    Raises
    ------
    AuthorError
        With everything that keeps it from being built, one sentence a line, each with file and line.
    """
    source = sources.read(path)
    above = solutions().parent
    source.path = path.relative_to(above) if path.is_relative_to(above) else path
    exercises = exercise_bank.load(source.chapter) if source.chapter else {}
    if slips := list(lint.slips(source, exercises)):
        raise AuthorError("\n".join(map(str, slips)))
    return source, exercises


def findings(names: list[str] | None = None) -> list[sources.Finding]:
    """Return where the course breaks what it promises its learners; see `autograder.authoring.lint`.

    Parameters
    ----------
    names : list of str, optional
        As for `build`. Pages without exercises are only read.

    Raises
    ------
    AuthorError
        As `read`.
    """
    known = {one.name: one for one in CHAPTERS}
    read_ones = [read(path) for path in source_files(names)]
    works = [lint.Work(source, own, root(), known.get(source.name)) for source, own in read_ones if source.chapter]
    return [*lint.course(root(), CHAPTERS), *(finding for work in works for finding in lint.habits(work))]


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


def _close(old: object, new: object) -> bool:
    """Whether two parts of sheets are alike, but for rounding: sums in float32 differ between processors."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_close(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_close, old, new))
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        if old.dtype != new.dtype or old.shape != new.shape:
            return False
        if old.dtype.kind != "f":
            return np.array_equal(old, new)
        finite = np.abs(old[np.isfinite(old)])
        return np.allclose(new, old, rtol=1e-5, atol=1e-6 + 1e-6 * float(finite.max(initial=0)), equal_nan=True)
    if isinstance(old, float) and isinstance(new, float):
        return bool(np.isclose(new, old, rtol=1e-5, atol=1e-6, equal_nan=True))
    return type(old) is type(new) and old == new


def same_entry(old: sheets.Entry, new: sheets.Entry) -> bool:
    """Whether two entries of sheets say the same, but for rounding."""

    def itself(array: np.ndarray) -> np.ndarray:
        return array

    return _close(old.to_tree(itself), new.to_tree(itself))


def _same_sheet(path: Path, entries: list[sheets.Entry]) -> bool:
    """Whether a sheet on disk holds the same, but for rounding."""
    try:
        old = list(sheets.read(path).values())
    except (ValueError, OSError):
        return False
    return len(old) == len(entries) and all(map(same_entry, old, entries))


def build(
    names: list[str] | None = None,
    *,
    course: Path | None = None,
    look: bool = False,
    force: bool = False,
    tell: Callable[[str], None] = lambda name: None,
) -> list[Built]:
    """Build notebooks and sheets, the tables of chapters, and the glossary.

    Parameters
    ----------
    names : list of str, optional
        Chapters (``"03"``) or pages (``"start"``); by default all.
    course : pathlib.Path, optional
        Where to; by default the checkout's ``course/``. Elsewhere no tables are written.
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
    built = []
    if course is None:
        texts = tables.filled(root()) | glossary.filled(root())
        built += [_put(path, text.encode(), look) for path, text in texts.items()]
        if names:
            names = [*names, *(one.path.stem for one in built if one.state == "made" and one.path.suffix == ".py")]
    course = course or root() / "course"
    for path in dict.fromkeys(source_files(names)):
        tell(path.stem)
        source, exercises = read(path)
        built.append(build_notebook(source, exercises, course, look, force))
        if exercises:
            built.append(_put_sheet(course / "sheets" / f"{source.name}.npz", source.chapter, exercises, look))
    return built


def build_notebook(source: sources.Source, exercises: dict, course: Path, look: bool, force: bool = False) -> Built:
    """Build one notebook from a source that was read; parameters and errors as for `build`."""
    released = release.released_notebook(release.source_notebook(source, exercises), source.name)
    sources.find_leaks(source, (cell.source for cell in released.cells))
    path = notebook_path(source.name, course)
    content = release.write_notebook(released)
    if not look and not force and path.exists() and path.read_bytes() != content and _answered(path):
        raise AuthorError(f"{path} holds answers that building would overwrite. Copy it elsewhere, or add --force.")
    return _put(path, content, look)


def _put(path: Path, content: bytes, look: bool) -> Built:
    if path.exists() and path.read_bytes() == content:
        return Built(path, "unchanged")
    if not look:
        paths.write_atomically(path, content)
    return Built(path, "stale" if look else "made")


def _put_sheet(path: Path, chapter: str, exercises: dict, look: bool) -> Built:
    entries = [drawing.entry(exercise, drawing.VISIBLE_SEED) for exercise in exercises.values()]
    if path.exists() and _same_sheet(path, entries):
        return Built(path, "unchanged")
    if not look:
        sheets.write(path, chapter, entries)
    return Built(path, "stale" if look else "made")
