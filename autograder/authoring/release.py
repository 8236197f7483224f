"""From a source to nbgrader's source notebook, and from that to the learner's copy, by nbgrader itself."""

from __future__ import annotations

import ast
import hashlib
import re
import tempfile
from functools import cache, lru_cache
from itertools import takewhile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.preprocessors import ClearSolutions as NbgraderClearSolutions

from autograder.authoring.exercise import Exercise
from autograder.authoring.source import BEGIN, END, Cell, Source
from introdl.execute import STUB

_EXERCISE = re.compile(r"\d\d\.[a-z][a-z0-9_]*")
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}


def grade_id(exercise: str) -> str:
    """Return nbgrader's id of an exercise's answer cell: ``03.conv2d`` is ``03-conv2d``."""
    return exercise.replace(".", "-")


def check_id(exercise: str) -> str:
    """Return nbgrader's id of an exercise's check cell."""
    return f"check-{grade_id(exercise)}"


def exercise_of(check_grade_id: str) -> str | None:
    """Return the exercise that a check cell's id names, or None where it is no check cell's."""
    match = re.fullmatch(r"check-(\d\d)-([a-z][a-z0-9_]*)", check_grade_id or "")
    return f"{match[1]}.{match[2]}" if match else None


def is_test(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell is graded by running it: a check cell of the course's, or an instructor's own tests."""
    meta = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and bool(meta.get("grade")) and not meta.get("solution")


def checks(cell: nbformat.NotebookNode) -> str | None:
    """Return the exercise that a graded cell checks, whatever its id; None where it holds an instructor's own tests."""
    return _check_and_tests(cell.source)[0] if is_test(cell) else None


def own_tests(cell: nbformat.NotebookNode) -> str:
    """Return the code of an instructor's own tests in a graded cell, or ""; a check cell may hold some beside its check."""
    return _check_and_tests(cell.source)[1] if is_test(cell) else ""


@lru_cache(maxsize=4096)
def _check_and_tests(source: str) -> tuple[str | None, str]:
    """Return the exercise that a cell's first statement of the kind ``check("03.pad", pad)`` names, and all other code."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a magic, perhaps
        return None, source
    for position, statement in enumerate(body):
        match statement:
            case ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(str(exercise)), *_])) if _EXERCISE.fullmatch(
                exercise
            ):
                rest = [*body[:position], *body[position + 1 :]]
                return exercise, ast.unparse(ast.Module(rest, []))
    return None, source


class ClearSolutions(NbgraderClearSolutions):
    """nbgrader's preprocessor, with a stub that suits its place.

    Inside a function a solution becomes ``raise NotImplementedError``; at the top level nothing, so that a blank
    notebook runs. Lines ``### STUB code`` inside a solution are what stays instead.
    """

    def _replace_solution_region(self, cell, language):
        if cell.cell_type != "code" or BEGIN not in cell.source:
            return super()._replace_solution_region(cell, language)
        if cell.source.count(BEGIN) != cell.source.count(END):
            raise RuntimeError(f"A cell has {BEGIN!r} without {END!r}, or the other way round: {cell.source[:60]!r}")
        kept = []
        lines = iter(cell.source.split("\n"))
        for line in lines:
            if BEGIN not in line:
                kept.append(line)
                continue
            indent = line[: len(line) - len(line.lstrip())]
            region = takewhile(lambda inner: END not in inner, lines)
            stubs = [inner.split(STUB, 1)[1].removeprefix(" ") for inner in region if STUB in inner]
            here = ["# Your code here.", "raise NotImplementedError"] if indent else ["# Your code here."]
            kept += [indent + stub for stub in stubs or here]
        cell.source = "\n".join(kept)
        return True


def _nbgrader(id: str, **flags) -> dict:
    cell = {"grade": False, "grade_id": id, "locked": False, "schema_version": 3, "solution": False, "task": False}
    return {"nbgrader": cell | flags}


def _cell_id(cell: Cell, taken: set[str]) -> str:
    named = cell.exercise or cell.written
    start = grade_id(named) if named else check_id(cell.check) if cell.check else ""
    base = start or "c" + hashlib.sha256(cell.source.encode()).hexdigest()[:11]
    id, number = base, 1
    while id in taken:
        number += 1
        id = f"{base}-{number}"
    taken.add(id)
    return id


def source_notebook(source: Source, exercises: dict[str, Exercise]) -> nbformat.NotebookNode:
    """Return nbgrader's source notebook: with solutions, and nbgrader's metadata made from the markers."""
    cells, taken = [], set[str]()
    for cell in source.cells:
        metadata: dict = {"tags": cell.tags} if cell.tags else {}
        if cell.exercise:
            metadata |= _nbgrader(grade_id(cell.exercise), solution=True)
        elif cell.check:
            points = float(exercises[cell.check].points)
            metadata |= _nbgrader(check_id(cell.check), grade=True, locked=True, points=points)
        elif cell.written:
            metadata |= _nbgrader(grade_id(cell.written), grade=True, solution=True, points=cell.points)
        make = new_code_cell if cell.kind == "code" else new_markdown_cell
        cells.append(make(cell.source, id=_cell_id(cell, taken), metadata=metadata))
    return new_notebook(cells=cells, metadata=KERNEL)


def write_notebook(notebook: nbformat.NotebookNode) -> bytes:
    """Return a notebook's bytes; they depend on its content alone."""
    return (nbformat.writes(notebook, version=4, indent=1).rstrip("\n") + "\n").encode()


def released_notebook(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Let ``nbgrader generate_assignment`` make the learner's copy of a source notebook."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    with tempfile.TemporaryDirectory(prefix="introdl-build-") as folder:
        place = Path(folder) / "source" / name
        place.mkdir(parents=True)
        (place / f"{name}.ipynb").write_bytes(write_notebook(notebook))
        (Path(folder) / "gradebook.db").write_bytes(_empty_gradebook())
        config = Config()
        config.CourseDirectory.root = folder
        config.CourseDirectory.db_url = f"sqlite:///{folder}/gradebook.db"
        config.GenerateAssignment.preprocessors = preprocessors()
        config.NbGraderAPI.log_level = "ERROR"
        result = NbGraderAPI(config=config).generate_assignment(name)
        if not result["success"]:
            raise RuntimeError(f"nbgrader could not make {name}:\n{result['log']}\n{result['error']}")
        released = nbformat.read(Path(folder) / "release" / name / f"{name}.ipynb", as_version=4)
    released.metadata = nbformat.from_dict(KERNEL)
    return released


@cache
def _empty_gradebook() -> bytes:
    """An empty gradebook's file. nbgrader starts a program for each that it makes, which takes seconds; one will do."""
    from nbgrader.api import Gradebook

    with tempfile.TemporaryDirectory(prefix="introdl-build-") as folder:
        path = Path(folder) / "gradebook.db"
        Gradebook(f"sqlite:///{path}").close()
        return path.read_bytes()


def preprocessors() -> list:
    """Return generate_assignment's preprocessors, with our `ClearSolutions` for nbgrader's."""
    from nbgrader.converters import GenerateAssignment

    default = GenerateAssignment.preprocessors.default_args[0]
    return [ClearSolutions if p is NbgraderClearSolutions else p for p in default]
