"""Read a notebook's source (jupytext percent format) and tell the author what is wrong with it, by file and line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import AuthorError
from autograder.exercise import Exercise
from introdl.execute import STUB

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_MARKER = re.compile(r"^# %%(?P<rest>.*)$")


@dataclass
class Cell:
    """A cell of a source: where it stands, what it is and what it holds."""

    line: int
    kind: str  # "code" or "markdown"
    source: str
    tags: list[str]
    exercise: str = ""
    check: str = ""
    written: str = ""
    points: float = 0.0


@dataclass
class Source:
    """A source file as cells."""

    path: Path
    cells: list[Cell]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def chapter(self) -> str:
        """The chapter's two digits, or "" for a page without exercises."""
        return self.name[:2] if self.name[:2].isdigit() else ""

    def wrong(self, line: int, sentence: str) -> AuthorError:
        """Return an error that names the file and the line."""
        return AuthorError(f"{self.path}:{line}: {sentence}")


def read(path: Path) -> Source:
    """Read a source file.

    Raises
    ------
    AuthorError
        If it is no notebook in percent format.
    """
    import jupytext

    text = path.read_text(encoding="utf-8")
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if _MARKER.match(line)]
    if not lines:
        raise AuthorError(f"{path}:1: there is no cell; start cells with '# %%'.")
    notebook = jupytext.reads(text, fmt="py:percent")
    if len(notebook.cells) != len(lines):
        raise AuthorError(
            f"{path}:1: jupytext finds {len(notebook.cells)} cells and there are {len(lines)} '# %%' markers. "
            "Put nothing before the first marker but the header."
        )
    cells = []
    known = {"tags", "exercise", "check", "written", "points", "lines_to_next_cell"}
    for line, cell in zip(lines, notebook.cells, strict=True):
        strange = set(cell.metadata) - known
        if strange:
            raise AuthorError(f"{path}:{line}: unknown word in the cell's marker: {', '.join(sorted(strange))}.")
        cells.append(
            Cell(
                line=line,
                kind=cell.cell_type,
                source=cell.source,
                tags=list(cell.metadata.get("tags", [])),
                exercise=str(cell.metadata.get("exercise", "")),
                check=str(cell.metadata.get("check", "")),
                written=str(cell.metadata.get("written", "")),
                points=float(cell.metadata.get("points", 0)),
            )
        )
    return Source(path, cells)


def _region_lines(source: Source, cell: Cell) -> list[tuple[int, str]]:
    """Return the lines inside the cell's solution regions, with their numbers in the file."""
    inside, found, regions = False, [], 0
    for offset, line in enumerate(cell.source.splitlines(), start=1):
        number = cell.line + offset
        if BEGIN in line:
            if inside:
                raise source.wrong(number, f"'{BEGIN}' stands inside a solution.")
            inside, regions = True, regions + 1
        elif END in line:
            if not inside:
                raise source.wrong(number, f"'{END}' without '{BEGIN}'.")
            inside = False
        elif inside:
            found.append((number, line))
        elif STUB in line:
            raise source.wrong(number, f"'{STUB}' belongs between '{BEGIN}' and '{END}'.")
    if inside:
        raise source.wrong(cell.line, f"a solution begins and never ends; close it with '{END}'.")
    if not regions:
        raise source.wrong(
            cell.line, f"exercise {cell.exercise} has no solution; put it between '{BEGIN}' and '{END}'."
        )
    return [(number, line) for number, line in found if STUB not in line]


def solution_lines(source: Source) -> list[tuple[int, str]]:
    """Return every line of every solution, with its number in the file."""
    return [line for cell in source.cells if cell.exercise for line in _region_lines(source, cell)]


def _check_call(source: Source, cell: Cell, exercise: Exercise) -> None:
    """The check cell must be the one call, so that the learner sees what is graded and grading what is checked."""
    names = ", ".join(exercise.names)
    wanted = f'check("{exercise.id}", {names})'
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        raise source.wrong(cell.line + (error.lineno or 1), "the check cell is no Python.") from error
    if ast.unparse(tree).replace("'", '"') != wanted:
        raise source.wrong(cell.line, f"the check cell should hold {wanted} and nothing else.")


def lint(source: Source, exercises: dict[str, Exercise]) -> None:
    """Find an author's slips.

    Parameters
    ----------
    source : Source
    exercises : dict of str to Exercise
        The chapter's exercises by id.

    Raises
    ------
    AuthorError
        With file, line and sentence, at the first slip.
    """
    answered: dict[str, Cell] = {}
    checked: dict[str, Cell] = {}
    written: dict[str, Cell] = {}
    known = ", ".join(exercises) or "none"
    for cell in source.cells:
        marks = [mark for mark in (cell.exercise, cell.check, cell.written) if mark]
        if len(marks) > 1:
            raise source.wrong(cell.line, f"a cell is one thing: {' or '.join(marks)}.")
        if cell.written:
            if cell.kind != "markdown" or cell.points <= 0:
                raise source.wrong(cell.line, "a written answer is a [markdown] cell with points=N.")
            if cell.written in written or cell.written in exercises:
                raise source.wrong(cell.line, f"written answer {cell.written} occurs twice.")
            written[cell.written] = cell
            continue
        for id in marks:
            if id not in exercises:
                raise source.wrong(cell.line, f"there is no exercise {id!r} in this chapter; there are: {known}.")
            if cell.kind != "code":
                raise source.wrong(cell.line, f"{id} is marked on a markdown cell; it needs a code cell.")
        if cell.exercise:
            if cell.exercise in answered:
                raise source.wrong(
                    cell.line, f"exercise {cell.exercise} has a cell already, in line {answered[cell.exercise].line}."
                )
            answered[cell.exercise] = cell
            _region_lines(source, cell)
        elif cell.check:
            if cell.check in checked:
                raise source.wrong(
                    cell.line, f"exercise {cell.check} is checked already, in line {checked[cell.check].line}."
                )
            if cell.check not in answered:
                raise source.wrong(cell.line, f"{cell.check} is checked before its exercise cell, or has none.")
            checked[cell.check] = cell
            _check_call(source, cell, exercises[cell.check])
        elif BEGIN in cell.source or END in cell.source:
            raise source.wrong(cell.line, "a solution stands in a cell that is no exercise, and would be handed out.")
    for id, cell in answered.items():
        if id not in checked:
            raise source.wrong(cell.line, f"exercise {id} has no check cell.")
    for id in exercises:
        if id not in answered:
            raise source.wrong(1, f"exercise {id} is defined, and the notebook has no cell for it.")
    if source.chapter and not any("parameters" in cell.tags for cell in source.cells):
        raise source.wrong(1, "there is no parameters cell; add '# %% tags=[\"parameters\"]'.")


def find_leaks(source: Source, released: Iterable[str]) -> None:
    """Make sure that no line of a solution is handed out.

    Parameters
    ----------
    source : Source
    released : iterable of str
        The released cells' texts.

    Raises
    ------
    AuthorError
        If a solution's line of 25 characters or more stands in a released cell.
    """
    handed_out = {line.strip() for text in released for line in text.splitlines()}
    for number, line in solution_lines(source):
        code = line.strip()
        if len(code) >= 25 and not code.startswith("#") and code in handed_out:
            raise source.wrong(number, f"this line of a solution stands in the learner's copy too: {code}")
