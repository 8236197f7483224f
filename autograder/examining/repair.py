"""Put a submission's cells right: what is graded, and for how much, is taken from the notebook that was handed out.

Learners delete cells, copy them, and open notebooks in editors that drop metadata.
"""

from __future__ import annotations

import copy
import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked

from autograder.authoring.release import checks, own_tests
from autograder.examining import audit, sanitize, written
from autograder.plain_text import well_formed

_REPAIRED, _DEMO, _SAME, _STUB = "introdl_repaired", "introdl_demo", "introdl_same", "introdl_stub"
#: How the findings are named that `repair` makes of what it moved.
MOVED = ("written elsewhere", "code in a check cell")


def checked_exercise(cell: NotebookNode) -> str | None:
    """Return the exercise that a cell checks, or None where it is no check cell."""
    return checks(cell)


def is_learners(cell: NotebookNode) -> bool:
    """Whether a learner wrote or changed a code cell (one that is checked is not the learner's, whatever it holds)."""
    return cell.cell_type == "code" and not cell.metadata.get(_SAME) and checked_exercise(cell) is None


def is_solution(cell: NotebookNode) -> bool:
    """Whether a cell is one that an answer belongs in."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_demo(cell: NotebookNode) -> bool:
    """Whether a cell is a demonstration that stands as it was handed out."""
    return bool(cell.metadata.get(_DEMO))


def is_stub(cell: NotebookNode) -> bool:
    """Whether a cell is one for an answer, and stands as it was handed out."""
    return bool(cell.metadata.get(_STUB))


def prepared(notebook: bytes, released: bytes, locked: Mapping[str, str] | None = None) -> NotebookNode:
    """Return a submission as it is examined: repaired, and without outputs.

    Parameters
    ----------
    notebook, released : bytes
        The submission, and the notebook that was handed out.
    locked : mapping of str to str, optional
        The whole text of locked cells, hidden tests included, by nbgrader's ids.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a copied cell has its double's id
        nb = nbformat.reads(notebook.decode("utf-8"), as_version=4)
        repair(nb, nbformat.reads(released.decode("utf-8"), as_version=4))
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if is_locked(cell):
            cell.source = (locked or {}).get(cell.metadata.nbgrader.grade_id, cell.source)
    return nb


def work(nb: NotebookNode) -> str:
    """Return a fingerprint of what examining a repaired notebook runs: its code, and what is checked for how much."""
    parts = []
    for cell in nb.cells:
        exercise = checked_exercise(cell)
        if exercise is not None:
            parts.append(["check", exercise, float(cell.metadata.nbgrader["points"]), *filter(None, [own_tests(cell)])])
        elif own_tests(cell):
            parts.append(["test", cell.source, float(cell.metadata.nbgrader["points"])])
        elif cell.cell_type == "code":
            marks = [bool(cell.metadata.get(mark)) for mark in (_DEMO, _SAME, _STUB)]
            parts.append(["code", cell.source, is_solution(cell), *marks])
        else:
            parts.append([cell.cell_type])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def repair(nb: NotebookNode, released: NotebookNode) -> None:
    """Repair a notebook by its released one, in place.

    Graded cells get their marks back, locked cells their text, missing check cells are put in, code in a check cell and
    written answers that stand elsewhere come to where they count, and cells that stand as they were handed out are marked.
    Nothing that would run where it is shown is left (`autograder.examining.sanitize`). What was found changed or was removed
    is kept with the notebook, for `differences`.
    """
    for cell in nb.cells:
        cell.source = well_formed(cell.source)
    original = {cell.metadata.nbgrader.grade_id: cell for cell in released.cells if "nbgrader" in cell.metadata}
    found = _differences(nb, original)
    copies = _give_marks(nb, original)
    _put_in_missing(nb, released)
    found += written.bring_home(nb, released, copies)
    found += _restore_checks(nb, original)
    for cell in nb.cells:
        if is_locked(cell):
            cell.source = original[cell.metadata.nbgrader.grade_id].source
    _mark_unchanged(nb, released)
    removed = sanitize.notebook(nb, handed_out={cell.source for cell in released.cells})
    found += [audit.Finding("html removed", one.what, cell=one.cell) for one in removed]
    nb.metadata[_REPAIRED] = [asdict(finding) for finding in found]


def differences(nb: NotebookNode) -> list[audit.Finding]:
    """Return what `repair` found changed of the graded cells, and take it out of the notebook."""
    return [audit.Finding(**one) for one in nb.metadata.pop(_REPAIRED, [])]


def _grade_id(cell: NotebookNode) -> str | None:
    meta = cell.metadata.get("nbgrader")
    found = meta.get("grade_id") if isinstance(meta, dict) else None
    return found if isinstance(found, str) else None


def _differences(nb: NotebookNode, original: dict[str, NotebookNode]) -> list[audit.Finding]:
    found = []
    for position, cell in enumerate(nb.cells, start=1):
        grade_id = _grade_id(cell)
        if grade_id not in original:
            continue
        meta, handed_out = cell.metadata.nbgrader, original[grade_id].metadata.nbgrader
        if handed_out.get("grade") and handed_out.get("locked") and cell.source != original[grade_id].source:
            found.append(audit.Finding("check cell changed", f"{grade_id} is not as handed out", cell=position))
        for key in ("points", "grade", "locked", "solution"):
            if meta.get(key) != handed_out.get(key):
                text = f"{grade_id}: {key} is {str(meta.get(key))[:40]}, handed out as {handed_out.get(key)}"
                found.append(audit.Finding("marks changed", text, cell=position))
    known = {_grade_id(cell) for cell in nb.cells} | {cell.get("id") for cell in nb.cells}
    for grade_id, cell in original.items():
        if grade_id not in known and cell.get("id") not in known:
            found.append(audit.Finding("cell deleted", f"{grade_id} was handed out, and is not there"))
    return found


def _give_marks(nb: NotebookNode, original: dict[str, NotebookNode]) -> dict[str, list[NotebookNode]]:
    """Give graded cells the marks of the released ones, each once; a cell that lost them is known by its id.

    Returns the cells that were taken for each, in their order: of copies the last one has the marks.
    """
    by_cell_id = {cell.id: grade_id for grade_id, cell in original.items()}
    present = {_grade_id(cell) for cell in nb.cells}
    for cell in nb.cells:
        grade_id = _grade_id(cell)
        if grade_id is None and by_cell_id.get(cell.get("id")) not in present:
            grade_id = by_cell_id.get(cell.get("id"))
        cell.metadata.pop("nbgrader", None)
        if grade_id in original:
            cell.metadata.nbgrader = copy.deepcopy(original[grade_id].metadata.nbgrader)
            _take_kind(cell, original[grade_id].cell_type)
    copies: dict[str, list[NotebookNode]] = {}
    for cell in nb.cells:
        if grade_id := _grade_id(cell):
            copies.setdefault(grade_id, []).append(cell)
    for cells in copies.values():
        for cell in cells[:-1]:  # as with nbgrader's DeduplicateIds
            del cell.metadata["nbgrader"]
    return copies


def _restore_checks(nb: NotebookNode, original: dict[str, NotebookNode]) -> list[audit.Finding]:
    """Give check cells their text back; what a learner wrote into one runs in a cell of its own before it."""
    found = []
    for position in range(len(nb.cells) - 1, -1, -1):
        cell = nb.cells[position]
        if checked_exercise(cell) is None or cell.source == original[_grade_id(cell) or ""].source:
            continue
        given = set(original[_grade_id(cell) or ""].source.split("\n"))
        own = "\n".join(line for line in cell.source.split("\n") if line.rstrip() not in given)
        cell.source = original[_grade_id(cell) or ""].source
        if own.strip():
            nb.cells.insert(position, nbformat.v4.new_code_cell(own))
            text = f"Code in the cell of {_grade_id(cell)} was run before it"
            found.append(audit.Finding(MOVED[1], text, cell=position + 1, exercise=checked_exercise(cell)))
    return found[::-1]


def _take_kind(cell: NotebookNode, kind: str) -> None:
    """Make a cell code or text again, as nbgrader's ``OverwriteCells`` will."""
    if cell.cell_type != kind:
        cell.cell_type = kind
        if kind == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.pop("outputs", None)
            cell.pop("execution_count", None)


def _put_in_missing(nb: NotebookNode, released: NotebookNode) -> None:
    """Put check cells in that are missing, each behind the graded cell that stood before it."""
    present = {_grade_id(cell) for cell in nb.cells}
    order = [_grade_id(cell) for cell in released.cells]
    for position, cell in enumerate(released.cells):
        grade_id = order[position]
        if grade_id is None or grade_id in present or not is_grade(cell):
            continue
        before = [id for id in order[:position] if id in present]
        at = 1 + max((i for i, c in enumerate(nb.cells) if _grade_id(c) in before[-1:]), default=-1)
        nb.cells.insert(at if before else len(nb.cells), copy.deepcopy(cell))
        present.add(grade_id)


def _mark_unchanged(nb: NotebookNode, released: NotebookNode) -> None:
    """Mark cells that stand as they were handed out.

    Demonstrations among them need not run; one that a learner has changed may hold a part of an answer, and runs.
    """
    same = {cell.source for cell in released.cells}
    demos = {cell.source for cell in released.cells if "demo" in cell.metadata.get("tags", [])}
    stubs = {cell.source for cell in released.cells if is_solution(cell)}
    for cell in nb.cells:
        for mark, sources in ((_SAME, same), (_DEMO, demos), (_STUB, stubs)):
            cell.metadata.pop(mark, None)
            if cell.source in sources and (mark == _SAME or cell.cell_type == "code"):
                cell.metadata[mark] = True
