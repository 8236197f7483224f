"""The folder in which a learner works: copies of the course's notebooks, and what they were copied from."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from introdl import chapters, paths
from introdl.workspace import merging

_KEPT = ".introdl"  # what the notebooks were copied from, and what stood there before the last update


@dataclass(frozen=True)
class Change:
    """What became of a notebook; with a sentence where there is more.

    It is "new", "unchanged", "renewed" or "merged"; or "kept" as it was, or "older": kept, and the course has a newer one.
    """

    name: str
    state: str
    note: str = ""


def start(folder: Path) -> list[Change]:
    """Copy the course's notebooks into a folder; what is there already is left as it is.

    Parameters
    ----------
    folder : pathlib.Path
        It is made where it is missing.

    Returns
    -------
    list of Change

    Raises
    ------
    ValueError
        If it is the course's own folder, or not a folder.
    OSError
        If it cannot be written to.
    """
    _refuse(folder)
    changes = []
    for name, source in chapters.notebooks().items():
        content, base = source.read_bytes(), folder / _KEPT / "base" / name
        if not (folder / name).exists():
            _put(folder, name, content)
            changes.append(Change(name, "new"))
        else:
            changes.append(Change(name, "older" if base.is_file() and base.read_bytes() != content else "kept"))
    return changes


def update(folder: Path) -> list[Change]:
    """Bring a learner's notebooks up to date: the course's cells are renewed, answers and notes are kept.

    What stood there before is kept in ``.introdl/before``. Where both sides changed the same cell, the learner's whole
    notebook stands beside the new one, with the date in its name.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    list of Change

    Raises
    ------
    ValueError
        If it is the course's own folder, or `start` has not made it.
    OSError
        If it cannot be written to.
    """
    _refuse(folder)
    if not (folder / _KEPT).is_dir() and not any((folder / name).exists() for name in chapters.notebooks()):
        raise ValueError(f"{folder} holds no notebook of the course. Begin there with: introdl start {folder}")
    return [_updated(folder, name, source) for name, source in chapters.notebooks().items()]


def reset(folder: Path, exercise: str) -> Path:
    """Bring the stub of one exercise back; the notebook as it was is kept in ``.introdl/before``.

    Parameters
    ----------
    folder : pathlib.Path
    exercise : str
        Its id, such as ``"03.conv2d"``.

    Returns
    -------
    pathlib.Path
        The notebook as it was.

    Raises
    ------
    ValueError
        If there is no such exercise, or the folder's notebook has no cell for it.
    OSError
        If the notebook cannot be read or written.
    """
    _refuse(folder)
    name, stub = _stub(exercise)
    path = folder / name
    if not path.is_file():
        raise ValueError(f"{folder} has no {name}. Name the folder in which you work: introdl reset {exercise} FOLDER")
    mine = _read(path)
    cells = [cell for cell in mine.cells if merging.name_of(cell) == exercise.replace(".", "-")]
    if not cells:
        raise ValueError(f"{path} has no cell for {exercise} any more. introdl update {folder} brings it back.")
    before = _keep(folder, name)
    for cell in cells:
        cell.source = stub
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    paths.write_atomically(path, _written(mine))
    return before


def _stub(exercise: str) -> tuple[str, str]:
    """Return the notebook of an exercise, and the text of its cell as it is handed out."""
    for name, path in chapters.notebooks().items():
        if Path(name).name[:2] == exercise[:2]:
            cells = {merging.name_of(cell): cell for cell in _read(path).cells if merging.is_answer(cell)}
            if (wanted := exercise.replace(".", "-")) in cells:
                return name, cells[wanted].source
            known = ", ".join(sorted(id.replace("-", ".", 1) for id in cells))
            raise ValueError(f"There is no exercise {exercise!r}. Chapter {exercise[:2]} has: {known}.")
    raise ValueError(f"There is no exercise {exercise!r}. An id looks like 03.conv2d.")


def _updated(folder: Path, name: str, source: Path) -> Change:
    path, content = folder / name, source.read_bytes()
    if not path.exists():
        _put(folder, name, content)
        return Change(name, "new")
    old = path.read_bytes()
    kept = folder / _KEPT / "base" / name
    base = kept.read_bytes() if kept.is_file() else None
    if old == content or base == content:
        return Change(name, "unchanged")
    if old == base:
        _put(folder, name, content)
        return Change(name, "renewed")
    try:
        mine = nbformat.reads(old.decode("utf-8"), as_version=4)
    except Exception as error:  # nbformat raises many kinds
        beside = _beside(path)
        shutil.copy2(path, beside)
        _put(folder, name, content)
        return Change(
            name, "renewed", f"Yours cannot be read ({type(error).__name__}); it stands beside it: {beside.name}"
        )
    began = nbformat.reads(base.decode("utf-8"), as_version=4) if base else None
    merged = merging.merge(mine, began, nbformat.reads(content.decode("utf-8"), as_version=4))
    _keep(folder, name)
    note = ""
    if merged.clashes:
        beside = _beside(path)
        shutil.copy2(path, beside)
        clashes = ", ".join(dict.fromkeys(_spoken(name) for name in merged.clashes))
        note = f"Both sides changed {clashes}; your notebook stands beside it: {beside.name}"
    paths.write_atomically(path, _written(merged.notebook))
    paths.write_atomically(kept, content)
    return Change(name, "merged", note)


def _spoken(name: str) -> str:
    """Return what a cell is called where a person reads it: an exercise by its id, another one by its own."""
    chapter, dash, exercise = name.partition("-")
    return f"{chapter}.{exercise}" if dash and len(chapter) == 2 and chapter.isdigit() else f"the cell {name!r}"


def _refuse(folder: Path) -> None:
    if folder.resolve() == paths.course():
        raise ValueError(f"{folder} is the course itself. Name a folder of your own.")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file. Name a folder.")


def _put(folder: Path, name: str, content: bytes) -> None:
    paths.write_atomically(folder / _KEPT / "base" / name, content)
    paths.write_atomically(folder / name, content)


def _keep(folder: Path, name: str) -> Path:
    """Keep a notebook as it is, under the time; return where."""
    kept = folder / _KEPT / "before" / time.strftime("%Y-%m-%d %H.%M.%S") / name
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(folder / name, kept)
    return kept


def _beside(path: Path) -> Path:
    stem = f"{path.stem} before {time.strftime('%Y-%m-%d')}"
    names = (path.with_name(f"{stem}{f' ({number})' if number else ''}.ipynb") for number in range(1000))
    return next(one for one in names if not one.exists())


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a notebook ({error}).") from error


def _written(notebook: NotebookNode) -> bytes:
    return (nbformat.writes(notebook) + "\n").encode()
