"""A learner's notebook and a newer one of the course, merged cell by cell: no word of the learner's is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbformat import NotebookNode


@dataclass
class Merged:
    """A merged notebook.

    Attributes
    ----------
    notebook : nbformat.NotebookNode
    clashes : list of str
        Cells that both sides changed, or that the learner changed and the course has no longer. An answer is kept; of
        any other cell the course's text is taken, and the learner's is left out.
    """

    notebook: NotebookNode
    clashes: list[str] = field(default_factory=list)


def name_of(cell: NotebookNode) -> str:
    """Return what a cell is found by: nbgrader's id where it has one, else the cell's own; "" where it has neither."""
    marks = cell.metadata.get("nbgrader")
    graded = marks.get("grade_id") if isinstance(marks, dict) else None
    return graded if isinstance(graded, str) and graded else cell.get("id", "")


def is_answer(cell: NotebookNode) -> bool:
    """Whether a cell is the learner's to write in."""
    marks = cell.metadata.get("nbgrader")
    return isinstance(marks, dict) and bool(marks.get("solution"))


def merge(mine: NotebookNode, base: NotebookNode | None, new: NotebookNode) -> Merged:
    """Return the course's new notebook with what the learner wrote.

    Parameters
    ----------
    mine : nbformat.NotebookNode
        The learner's.
    base : nbformat.NotebookNode or None
        The course's that the learner began with; where it is not known, whatever differs from `new` is the learner's.
    new : nbformat.NotebookNode
        The course's newest.
    """
    was = {name_of(cell): cell.source for cell in (base or new).cells}
    theirs = {name_of(cell): cell for cell in new.cells}
    by_text = {cell.source: name_of(cell) for cell in (base or new).cells}
    names = [name_of(cell) for cell in mine.cells]
    names = [name if name in was or name in theirs else by_text.get(cell.source, name)  # an editor may drop ids
             for name, cell in zip(names, mine.cells, strict=True)]  # fmt: skip
    found: dict[str, NotebookNode] = {}
    for name, cell in zip(names, mine.cells, strict=True):
        if name in theirs and (name not in found or cell.get("id") == theirs[name].get("id")):
            found[name] = cell  # of several (split, copied) the one with the cell's own id
    own: dict[str, list[NotebookNode]] = {}  # by the cell of the course after which they stand, in order
    merged, before = Merged(new.copy()), ""
    for name, cell in zip(names, mine.cells, strict=True):
        if found.get(name) is cell:
            before = name
        elif cell.source.strip() and (
            name not in was or cell.source != was[name]
        ):  # written, split off or copied by the learner
            own.setdefault(before, []).append(cell)
            if name in was and name not in theirs:
                merged.clashes.append(name)
    cells = list(own.get("", []))
    for name, cell in theirs.items():
        cells.append(_one(found.get(name), was.get(name), cell, name, merged))
        cells += own.get(name, [])
    taken: set[str] = set()
    for cell in cells:
        if name_of(cell) in taken:
            cell.metadata.pop("nbgrader", None)  # one that was split off or copied carries its twin's marks
        if cell.get("id", "") in {"", *taken}:
            cell["id"] = _free(cell.get("id") or "cell", taken)
        taken |= {name_of(cell), cell["id"]}
    merged.notebook.cells = cells
    return merged


def _one(mine: NotebookNode | None, was: str | None, new: NotebookNode, name: str, merged: Merged) -> NotebookNode:
    """Return one of the course's cells as it stands in the merged notebook."""
    if mine is None:
        return new
    same, changed = mine.source == new.source, mine.source != (new.source if was is None else was)
    if same or not changed:
        return mine if same and mine.cell_type == new.cell_type and mine.metadata == new.metadata else _with(new, mine)
    if is_answer(new):
        if was is not None and was != new.source:
            merged.clashes.append(name)
        kept = new.copy()
        kept.update(source=mine.source)
        return _with(kept, mine)
    if was == new.source and not new.metadata.get("nbgrader"):
        return mine
    merged.clashes.append(name)
    return new


def _with(cell: NotebookNode, mine: NotebookNode) -> NotebookNode:
    """Return a cell with what the learner's showed, where it says the same."""
    if cell.cell_type == "code" and mine.cell_type == "code" and mine.source == cell.source:
        cell = cell.copy()
        cell.update(outputs=mine.outputs, execution_count=mine.execution_count)
    return cell


def _free(id: str, taken: set[str]) -> str:
    return next(one for number in range(2, 10_000) if (one := f"{id[:56]}-{number}") not in taken)
