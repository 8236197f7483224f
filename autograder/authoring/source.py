"""Read a notebook's source (jupytext percent format) as cells, and find its solutions.

What else is wrong with a source is said by `autograder.authoring.lint`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import AuthorError
from introdl.execute import STUB

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
#: What a cell can be by its marker, beside prose and code.
ROLES = ("exercise", "check", "written")


class Finding(AuthorError):
    """Something wrong at a place: ``file:line: what is wrong and what to do``."""

    def __init__(self, path: Path, line: int, sentence: str):
        super().__init__(f"{path}:{line}: {sentence}")
        self.path, self.line, self.sentence = path, line, sentence


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

    def wrong(self, line: int, sentence: str) -> Finding:
        """Return what is wrong with a line."""
        return Finding(self.path, line, sentence)


def read(path: Path) -> Source:
    """Read a source file.

    Raises
    ------
    AuthorError
        If it is no notebook in percent format.
    """
    import jupytext

    text = path.read_text(encoding="utf-8")
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if line.startswith("# %%")]
    if not lines:
        raise Finding(path, 1, "there is no cell; start cells with '# %%'.")
    notebook = jupytext.reads(text, fmt="py:percent")
    if len(notebook.cells) != len(lines):
        raise Finding(
            path,
            1,
            f"jupytext finds {len(notebook.cells)} cells and there are {len(lines)} '# %%' markers. "
            "Put nothing before the first marker but the header.",
        )
    return Source(path, [_cell(path, *pair) for pair in zip(lines, notebook.cells, strict=True)])


def _cell(path: Path, line: int, cell) -> Cell:
    words = dict(cell.metadata)
    words.pop("lines_to_next_cell", None)
    strange = set(words) - {"tags", "exercise", "check", "written", "points"}
    if strange:
        raise Finding(path, line, f"unknown word in the cell's marker: {', '.join(sorted(strange))}.")
    roles = {role: str(words.get(role, "")) for role in ROLES}
    return Cell(
        line, cell.cell_type, cell.source, list(words.get("tags", [])), points=float(words.get("points", 0)), **roles
    )


def solution_region(source: Source, cell: Cell) -> list[tuple[int, str]]:
    """Return the lines inside a cell's solutions, stubs left out, with their numbers in the file.

    Raises
    ------
    Finding
        If the cell has no solution, or one whose markers do not fit together.
    """
    found, begun, inside = [], False, False
    for number, line in enumerate(cell.source.splitlines(), start=cell.line + 1):
        if BEGIN in line:
            if inside:
                raise source.wrong(number, f"'{BEGIN}' stands inside a solution.")
            inside = begun = True
        elif END in line:
            if not inside:
                raise source.wrong(number, f"'{END}' without '{BEGIN}'.")
            inside = False
        elif STUB in line:
            if not inside:
                raise source.wrong(number, f"'{STUB}' belongs between '{BEGIN}' and '{END}'.")
        elif inside:
            found.append((number, line))
    if inside:
        raise source.wrong(cell.line, f"a solution begins and never ends; close it with '{END}'.")
    if not begun:
        raise source.wrong(
            cell.line, f"exercise {cell.exercise} has no solution; put it between '{BEGIN}' and '{END}'."
        )
    return found


def without_stubs(text: str) -> str:
    """Return a cell's text without the lines that stay in the learner's copy alone."""
    return "\n".join(line for line in text.splitlines() if STUB not in line)


def find_leaks(source: Source, released: Iterable[str]) -> None:
    """Make sure that no line of a solution is handed out.

    Parameters
    ----------
    source : Source
    released : iterable of str
        The released cells' texts.

    Raises
    ------
    Finding
        If a solution's line of 25 characters or more stands in a released cell.
    """
    handed_out = {line.strip() for text in released for line in text.splitlines()}
    solutions = (line for cell in source.cells if cell.exercise for line in solution_region(source, cell))
    for number, line in solutions:
        code = line.strip()
        if len(code) >= 25 and not code.startswith("#") and code in handed_out:
            raise source.wrong(number, f"this line of a solution stands in the learner's copy too: {code}")
