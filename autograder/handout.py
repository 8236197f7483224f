"""Handing an assignment out: everything is prepared to the side, and nothing of an instructor's is written over.

What stands in ``source/`` is the instructor's once it is there. A handout is made from it by nbgrader's own steps, in a folder
of its own; the gradebook is asked before anything changes; then the gradebook and the files take what is ready.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import difflib
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder import archives
from autograder.authoring import nbgrader_step, release
from autograder.errors import ClassroomError
from introdl import paths
from introdl.wording import counted

#: What is kept of a source that ``--renew`` replaced lies in this folder of the classroom. (Not in ``source/``: whatever
#: lies there is handed out.)
KEPT = "replaced"
_SCRATCH = ".assign-"
_MOST_LINES = 40


@dataclass
class Handout:
    """What came of handing out.

    Attributes
    ----------
    path : pathlib.Path
        The notebook to hand out.
    archive : pathlib.Path or None
        The same as a zip, with how students install the course.
    differs : str
        How the instructor's source, which was left as it is, differs from the course's own; "" where it does not.
    diff : list of str
        The lines of that difference, the first ones.
    kept : pathlib.Path or None
        The copy of a source that was replaced.
    remarks : list of str
        Sentences about cells that do not do what they seem to.
    """

    path: Path
    differs: str = ""
    diff: list[str] = field(default_factory=list)
    kept: Path | None = None
    remarks: list[str] = field(default_factory=list)
    archive: Path | None = None


# --- what differs -------------------------------------------------------------------------------------------------


def _key(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id") or cell.source[:40]


def _as_lines(cell: NotebookNode) -> list[str]:
    """Return all of a cell that counts, as lines: its marks, then its text."""
    meta = cell.metadata.get("nbgrader", {})
    marks = [name for name in ("solution", "grade", "task", "locked") if meta.get(name)]
    if meta.get("points") is not None and (meta.get("grade") or meta.get("task")):
        marks.append(
            f"{meta['points']:g} points" if isinstance(meta["points"], int | float) else f"points {meta['points']}"
        )
    marks += [f"tag {tag}" for tag in cell.metadata.get("tags", [])]
    return [f"[{', '.join([cell.cell_type, _key(cell), *marks])}]", *cell.source.split("\n"), ""]


def differences(course: NotebookNode, own: NotebookNode) -> tuple[str, list[str]]:
    """Say how an instructor's source differs from the course's: in a few words, and line by line.

    Outputs, checksums and whatever else a saved notebook carries along do not count.
    """
    before, after = ({_key(cell): _as_lines(cell) for cell in one.cells} for one in (course, own))
    words = {
        "changed": [key for key in after if key in before and before[key] != after[key]],
        "added": [key for key in after if key not in before],
        "left out": [key for key in before if key not in after],
    }
    moved = [key for key in after if key in before] != [key for key in before if key in after]
    said = [f"{counted(len(keys), 'cell')} {how} ({_few(keys)})" for how, keys in words.items() if keys]
    said += ["cells in another order"] if moved else []
    diff = []
    for key in [*words["changed"], *words["added"]]:
        lines = difflib.unified_diff(before.get(key, []), after[key], lineterm="", n=1)
        diff += [line for line in lines if not line.startswith(("---", "+++"))]
    if len(diff) > _MOST_LINES:
        diff = [*diff[:_MOST_LINES], f"... and {len(diff) - _MOST_LINES} more lines"]
    return ", ".join(said), diff


def _few(names: list[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")


# --- prepared to the side -----------------------------------------------------------------------------------------


@dataclass
class _Prepared:
    """A handout that is ready: its folder, and the notebooks with their hidden tests as the gradebook keeps them."""

    folder: Path
    notebooks: dict[str, NotebookNode]


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ClassroomError(
            f"{path} cannot be read as a notebook ({why}). Mend it; or, for a chapter of the course, take the course's "
            "own: --renew keeps a copy of yours. Nothing was changed."
        ) from error


def _prepare(config, root: Path, name: str, source: NotebookNode | None, scratch: Path) -> _Prepared:
    """Let nbgrader make the learners' copy in a folder of its own, from `source` or from what stands in ``source/``."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import SaveCells

    place, own = scratch / "source" / name, root / "source" / name
    if own.is_dir():
        shutil.copytree(own, place)
    place.mkdir(parents=True, exist_ok=True)
    if source is not None:
        (place / f"{name}.ipynb").write_bytes(release.write_notebook(source))
    if (root / "autotests.yml").is_file():
        shutil.copy(root / "autotests.yml", scratch)
    notebooks: dict[str, NotebookNode] = {}

    class Keep(SaveCells):
        """In place of writing to the gradebook: that comes at the end."""

        def preprocess(self, nb, resources):
            notebooks[resources["nbgrader"]["notebook"]] = copy.deepcopy(nb)
            return nb, resources

    for path in sorted(place.glob("*.ipynb")):
        _read(path)
    config.CourseDirectory.root = str(scratch)
    for part in ("header", "footer"):
        if given := config.IncludeHeaderFooter.get(part):
            config.IncludeHeaderFooter[part] = str(root / given)
    config.GenerateAssignment.no_database = True
    config.GenerateAssignment.preprocessors = [
        Keep if step is SaveCells else step for step in config.GenerateAssignment.preprocessors
    ]
    config.NbGraderAPI.log_level = "ERROR"
    api = NbGraderAPI(config=config)
    result = nbgrader_step.run(GenerateAssignment, api.coursedir, api, name)
    folder = scratch / "release" / name
    if not result["success"] or not folder.is_dir():
        raise ClassroomError(f"nbgrader cannot make {name}: {_reason(result)} Nothing was changed.")
    return _Prepared(folder, notebooks)


def _reason(result: dict) -> str:
    """Return what nbgrader had to say, as a sentence."""
    lines = [line.strip() for line in (result.get("log", "") + "\n" + (result.get("error") or "")).splitlines()]
    errors = [line for line in lines if "Error: " in line or "Exception: " in line or "ERROR" in line]
    said = errors or [line for line in lines if line] or ["it gave no reason"]
    first = next(
        (line for line in said if "Error: " in line and "ValidationError: Notebook failed" not in line), said[-1]
    )
    return first.split("Error: ", 1)[-1].rstrip(".")[:300] + "."


def remarks(notebooks: dict[str, NotebookNode]) -> list[str]:
    """Return what an instructor should know of test cells before students meet them."""
    from IPython.core.inputtransformer2 import TransformerManager

    found = []
    for cell in (cell for nb in notebooks.values() for cell in nb.cells):
        if not release.is_test(cell):
            continue
        try:
            ast.parse(TransformerManager().transform_cell(cell.source))
        except SyntaxError as error:
            found.append(f"The test {_key(cell)} is not Python ({error.msg}, line {error.lineno}): nobody passes it.")
            continue
        if release.checks(cell) and release.own_tests(cell):
            found.append(
                f"{_key(cell)} holds lines of your own beside its check: where they raise, all its points are lost. "
                "For points of their own, put them into a test cell of their own."
            )
    return found


# --- the gradebook ------------------------------------------------------------------------------------------------


def _kinds(notebook: NotebookNode) -> dict[str, set[str]]:
    """Return the cells that the gradebook keeps of a notebook, by their kinds."""
    from nbgrader import utils

    rules: dict[str, Callable[[NotebookNode], bool]] = {
        "grade_cells": utils.is_grade, "solution_cells": utils.is_solution, "task_cells": utils.is_task,
        "source_cells": lambda one: any(rule(one) for rule in (utils.is_grade, utils.is_solution, utils.is_task, utils.is_locked)),
    }  # fmt: skip
    return {
        kind: {cell.metadata.nbgrader.grade_id for cell in notebook.cells if rule(cell)} for kind, rule in rules.items()
    }


def _obstacle(book, name: str, notebooks: dict[str, NotebookNode]) -> str:
    """Say what keeps the gradebook from taking these notebooks, or "": submissions that it has are for other cells."""
    from nbgrader.api import MissingEntry

    try:
        assignment = book.find_assignment(name)
    except MissingEntry:
        return ""
    if not assignment.submissions:
        return ""
    held = {notebook.name: notebook for notebook in assignment.notebooks}
    said = [f"notebook {one} was added" for one in sorted(set(notebooks) - set(held))]
    said += [f"notebook {one} was left out" for one in sorted(set(held) - set(notebooks))]
    for one in sorted(set(held) & set(notebooks)):
        said += _cells_changed(held[one], _kinds(notebooks[one]))
    return "; ".join(said)


def _cells_changed(held, kinds: dict[str, set[str]]) -> list[str]:
    before = {kind: {cell.name for cell in getattr(held, kind)} for kind in kinds}
    all_before, all_after = set().union(*before.values()), set().union(*kinds.values())
    kept = all_before & all_after
    other = {name for kind in kinds for name in (before[kind] ^ kinds[kind]) & kept}
    words = {"added": all_after - all_before, "left out": all_before - all_after, "of another kind": other}
    return [f"{how}: {_few(sorted(names))}" for how, names in words.items() if names]


def _save(book, name: str, notebooks: dict[str, NotebookNode]) -> None:
    """Let nbgrader's own step put an assignment's cells into the gradebook, all or nothing."""
    from nbgrader.preprocessors import SaveCells

    session = book.db
    commit, session.commit = session.commit, session.flush  # the step would leave the gradebook half-written
    try:
        assignment = book.update_or_create_assignment(name)
        for one in list(assignment.notebooks):
            if one.name not in notebooks:
                book.remove_notebook(one.name, name)
        for notebook, nb in notebooks.items():
            step = SaveCells()
            step.gradebook, step.notebook_id, step.assignment_id = book, notebook, name
            step.new_grade_cells, step.new_solution_cells = {}, {}
            step.new_task_cells, step.new_source_cells = {}, {}
            for position, cell in enumerate(nb.cells):
                step.preprocess_cell(cell, {}, position)
            step._create_notebook(nb)
        commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.commit = commit


# --- the whole ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """Yield a folder of the classroom's own for what is prepared; what a killed run left is removed."""
    for old in root.glob(f"{_SCRATCH}*"):
        if time.time() - old.stat().st_mtime > 3600:
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def hand_out(config, root: Path, gradebook, name: str, course: NotebookNode | None, renew: bool = False) -> Handout:
    """Hand an assignment out, or hand it out again after its source changed.

    Parameters
    ----------
    config : traitlets.config.Config
        The classroom's configuration of nbgrader.
    root : pathlib.Path
        The classroom's folder.
    gradebook : callable
        Returns nbgrader's gradebook, a context manager.
    name : str
        The assignment.
    course : NotebookNode or None
        The course's own source notebook; None for an assignment of the instructor's own.
    renew : bool
        True replaces a source that differs from the course's, and keeps a copy of it.

    Raises
    ------
    ClassroomError
        If it cannot be handed out. Nothing was changed then.
    """
    path = root / "source" / name / f"{name}.ipynb"
    found = Handout(root / "release" / name / path.name)
    fresh = course if course is not None and (renew or not path.exists()) else None
    try:
        with _scratch(root) as scratch:
            if course is not None and path.exists() and not (renew and _unreadable(path)):
                found.differs, found.diff = differences(course, _read(path))
                fresh = fresh if found.differs else None
            ready = _prepare(config, root, name, fresh, scratch)
            if set(ready.notebooks) != {name}:
                raise ClassroomError(_several(root, name, sorted(ready.notebooks)))
            found.remarks = remarks(ready.notebooks)
            with gradebook() as book:
                if obstacle := _obstacle(book, name, ready.notebooks):
                    raise ClassroomError(_refusal(root, name, obstacle, course is not None))
                _save(book, name, ready.notebooks)
            if fresh is not None:
                found.kept = _replace(root, path, release.write_notebook(fresh))
                found.differs, found.diff = "", []
            _move(ready.folder, root / "release" / name)
    except OSError as error:
        raise ClassroomError(
            f"{name} cannot be handed out: {error.filename2 or error.filename or root} cannot be written "
            f"({error.strerror or error}). Mend that, and run the same command again: nothing of yours is lost."
        ) from error
    return found


def pack(root: Path, name: str, install: str) -> Path:
    """Write what students get as one zip, ``release/NAME.zip``: the notebook, what lies beside it, and how to begin.

    Parameters
    ----------
    root : pathlib.Path
        The classroom's folder.
    name : str
        The assignment, which was handed out.
    install : str
        The command by which students install the course.

    Returns
    -------
    pathlib.Path
        The zip. Its bytes depend on its content alone.
    """
    folder, to = root / "release" / name, root / "release" / f"{name}.zip"
    files = {
        f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    words = [
        f"Fill in {name}.ipynb, and hand that file in.",
        f"Install the course once, with Python 3.11 or newer: {install}",
        "Then, in this folder: introdl lab",
    ]
    archives.write(to, {f"{name}/README.txt": ("\n".join(words) + "\n").encode()} | files)
    return to


def _unreadable(path: Path) -> bool:
    try:
        _read(path)
    except ClassroomError:
        return True
    return False


def _several(root: Path, name: str, notebooks: list[str]) -> str:
    held = ", ".join(f"{one}.ipynb" for one in notebooks)
    return (
        f"{root / 'source' / name} holds {held}. An assignment is one notebook, named as its folder: {name}.ipynb. Give each "
        "notebook a folder of its own name in source/, and keep drafts elsewhere. Nothing was changed."
    )


def _refusal(root: Path, name: str, obstacle: str, of_course: bool) -> str:
    source, new = root / "source" / name, f"{name}_2"
    choices = [
        "To leave an exercise out, set its points to 0 in the source instead",
        f"For other cells, make a new assignment: copy {shlex.quote(str(source))} to a folder {new}, the notebook in it to "
        f"{new}.ipynb, then: autograder assign {shlex.quote(new)}",
    ]
    if of_course:
        choices.append(
            f"To go back to the course's own (a copy of yours is kept): autograder assign {name[:2]} --renew"
        )
    return (
        f"{name} has submissions in the gradebook, and its graded cells cannot be others now ({obstacle}). "
        "Nothing was changed; what was handed out still stands and can be graded. " + ". ".join(choices)
    )


def place_to_keep(folder: Path, name: str, suffix: str = "") -> Path:
    """Return a path in a folder that is free, with the time in its name."""
    stem, number = f"{name}-{time.strftime('%Y-%m-%d-%H%M%S')}", 1
    free = folder / f"{stem}{suffix}"
    while os.path.lexists(free):
        number += 1
        free = folder / f"{stem}-{number}{suffix}"
    return free


def _replace(root: Path, path: Path, content: bytes) -> Path | None:
    """Put the course's source in place of an instructor's; return the copy that is kept of it."""
    kept = None
    if path.exists():
        kept = place_to_keep(root / KEPT, path.stem, ".ipynb")
        paths.write_atomically(kept, path.read_bytes())
    paths.write_atomically(path, content)
    return kept


def _move(ready: Path, place: Path) -> None:
    """Make a folder hold what is ready and nothing else, file by file: at no moment is a file missing or half-written."""
    wanted = {path.relative_to(ready) for path in ready.rglob("*") if path.is_file()}
    for name in sorted(wanted):
        target = place / name
        if target.is_file() and target.read_bytes() == (ready / name).read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(ready / name, target)
    for old in sorted(place.rglob("*"), reverse=True):
        if old.is_file() and old.relative_to(place) not in wanted:
            old.unlink()
        elif old.is_dir() and not any(old.iterdir()):
            old.rmdir()
