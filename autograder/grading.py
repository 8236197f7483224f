"""Grade an assignment's submissions, one after the other, and sum up."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.warnings import DuplicateCellId
from sqlalchemy.exc import SAWarning

from autograder import intake, sandbox
from autograder.classroom import Classroom, ClassroomError
from autograder.release import exercise_of
from introdl import places

GRADED, UNCHANGED, UNREADABLE, MISSING, FAILED = "graded", "unchanged", "unreadable", "missing", "failed"


@dataclass
class Result:
    """A student's result.

    Attributes
    ----------
    student : str
    state : str
        "graded", "unchanged", "unreadable", "missing" or "failed".
    score, points : float
        What the gradebook holds.
    note : str
        A sentence where there is something to say.
    exercises : dict of str to (float, float)
        Score and points of each exercise.
    """

    student: str
    state: str
    score: float = 0.0
    points: float = 0.0
    note: str = ""
    exercises: dict[str, tuple[float, float]] = field(default_factory=dict)


def students(room: Classroom, assignment: str, only: list[str]) -> list[str]:
    """Return who has a folder for the assignment, by name.

    Raises
    ------
    ClassroomError
        If nobody has, or one of `only` has not.
    """
    found = sorted(
        path.name for path in (room.root / "submitted").iterdir() if (path / assignment).is_dir() and path.is_dir()
    )
    absent = [name for name in only if name not in found]
    if absent:
        raise ClassroomError(f"There is no submission of {assignment} by {', '.join(absent)}.")
    if not found:
        raise ClassroomError(f"There is no submission in {room.root}/submitted/STUDENT/{assignment}.")
    return [name for name in found if not only or name in only]


def _grade_ids(notebook: nbformat.NotebookNode) -> set[str]:
    found = set()
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if isinstance(meta, dict) and isinstance(meta.get("grade_id"), str):
            found.add(meta["grade_id"])
    return found


def _take_renamed(folder: Path, assignment: str) -> str:
    """Where the notebook bears another name, add a copy under its own; return a note.

    The right one is known by its graded cells. Nothing of the submission is changed.
    """
    wanted = folder / f"{assignment}.ipynb"
    if wanted.exists():
        return ""
    fitting = []
    for path in sorted(folder.glob("*.ipynb")):
        if intake.refusal(path):
            continue
        try:
            ids = _grade_ids(nbformat.read(path, as_version=4))
        except Exception:  # unreadable: not the one that we look for
            continue
        if any((exercise_of(id) or "").startswith(assignment[:2]) for id in ids):
            fitting.append(path)
    if len(fitting) == 1:
        shutil.copyfile(fitting[0], wanted)
        return f"It was handed in as '{fitting[0].name}'."
    if fitting:
        return f"There are {len(fitting)} notebooks that could be it: {', '.join(p.name for p in fitting)}."
    return ""


def _unreadable(path: Path) -> str:
    """Say why a notebook cannot be read, or ""."""
    if reason := intake.refusal(path):
        return reason
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return "It is no text file (not UTF-8)."
    except OSError as error:
        return f"It cannot be opened ({error.strerror})."
    try:
        json.loads(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a copied cell has its double's id
            notebook = nbformat.reads(text, as_version=4)
    except json.JSONDecodeError as error:
        return f"It is no notebook: not JSON from line {error.lineno} on."
    except RecursionError:
        return "It is no notebook: nested too deeply."
    except Exception as error:  # nbformat raises many kinds
        return f"It is no notebook: {str(error).splitlines()[0][:100] if str(error) else type(error).__name__}."
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        return "It is no notebook: it has no cells."
    if reason := intake.too_many_cells(cells):
        return reason
    for number, cell in enumerate(cells, start=1):
        if not isinstance(cell.get("source"), str) or not isinstance(cell.get("metadata"), dict):
            return f"It is no notebook: cell {number} has no text or no metadata."
    return ""


def _mark(room: Classroom, student: str, assignment: str) -> Path:
    return room.root / ".graded" / assignment / f"{student}.json"


def _fingerprint(room: Classroom, path: Path, assignment: str) -> str:
    """What a grade depends on: the submission and the released notebook."""
    digest = hashlib.sha256(path.read_bytes())
    digest.update((room.root / "release" / assignment / f"{assignment}.ipynb").read_bytes())
    return digest.hexdigest()


def _unchanged(room: Classroom, student: str, assignment: str, fingerprint: str) -> bool:
    done = room.root / "autograded" / student / assignment / f"{assignment}.ipynb"
    try:
        return done.exists() and json.loads(_mark(room, student, assignment).read_text())["of"] == fingerprint
    except (OSError, ValueError, KeyError):
        return False


def _zero(room: Classroom, student: str, assignment: str) -> None:
    """Give a submission that cannot be examined 0 for every exercise, as nbgrader does for a missing notebook."""
    with room.gradebook() as gradebook:
        gradebook.update_or_create_student(student)
        submission = gradebook.update_or_create_submission(assignment, student)
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score = 0.0
                grade.needs_manual_grade = False
        gradebook.db.commit()


def _scores(room: Classroom, student: str, assignment: str) -> dict[str, tuple[float, float]]:
    with room.gradebook() as gradebook:
        submission = gradebook.find_submission(assignment, student)
        return {
            exercise_of(grade.name) or grade.name: (grade.score, grade.max_score)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def grade_one(room: Classroom, api, assignment: str, student: str, force: bool) -> Result:
    """Grade one student's submission."""
    folder = room.root / "submitted" / student / assignment
    note = _take_renamed(folder, assignment)
    path = folder / f"{assignment}.ipynb"
    if not path.exists() and not path.is_symlink():
        _zero(room, student, assignment)
        state, note = MISSING, note or f"There is no {path.name}."
    elif reason := _unreadable(path):
        _zero(room, student, assignment)
        state, note = UNREADABLE, reason
    else:
        fingerprint = _fingerprint(room, path, assignment)
        if not force and _unchanged(room, student, assignment, fingerprint):
            state = UNCHANGED
        else:
            result = api.autograde(assignment, student, force=True, create=True)
            if result["success"]:
                state = GRADED
                places.write_atomically(_mark(room, student, assignment), json.dumps({"of": fingerprint}).encode())
            elif "SandboxError" in result.get("log", "") + result.get("error", ""):
                raise ClassroomError(_last_error(result))
            else:
                _zero(room, student, assignment)
                state, note = FAILED, _last_error(result)
    scores = _scores(room, student, assignment)
    score, points = (sum(pair[i] for pair in scores.values()) for i in (0, 1))
    return Result(student, state, score, points, note, scores)


def _last_error(result: dict) -> str:
    lines = [line for line in (result.get("log", "") + result.get("error", "")).splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line]
    return "nbgrader could not grade it: " + (errors or lines or ["no reason given"])[-1].strip()[:300]


def grade(room: Classroom, assignment: str, only: list[str], force: bool = False) -> list[Result]:
    """Grade an assignment and show a progress bar.

    Parameters
    ----------
    room : Classroom
    assignment : str
        Its whole name.
    only : list of str
        Students to grade; empty for all.
    force : bool
        True grades again what has not changed since.

    Returns
    -------
    list of Result
        One for each student, by name.

    Raises
    ------
    ClassroomError
        If nobody handed in, or there is no sandbox here.
    """
    from rich.progress import track

    if not sandbox.unsafe() and (reason := sandbox.trouble()):
        raise ClassroomError(reason)
    names = students(room, assignment, only)
    api = room.api()
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own, about its autoflush
    warnings.filterwarnings("ignore", category=DuplicateCellId)
    return [grade_one(room, api, assignment, name, force) for name in track(names, description=f"grading {assignment}")]


def table(results: list[Result]) -> None:
    """Print results as a table."""
    from rich.console import Console
    from rich.table import Table

    colours = {GRADED: "green", UNCHANGED: "green", UNREADABLE: "red", MISSING: "red", FAILED: "red"}
    shown = Table("student", "state", "score", "note")
    for result in results:
        colour = colours[result.state]
        score = f"{result.score:g} of {result.points:g}"
        shown.add_row(result.student, f"[{colour}]{result.state}[/]", score, result.note)
    Console().print(shown)


def _write_feedback(api, assignment: str, student: str) -> dict:
    """As nbgrader's `NbGraderAPI.generate_feedback`, which insists on its own template."""
    from nbgrader.converters import GenerateFeedback
    from nbgrader.utils import capture_log, temp_attrs

    with temp_attrs(api.coursedir, assignment_id=assignment, student_id=student):
        app = GenerateFeedback(coursedir=api.coursedir, parent=api)
        app.force = True
        return capture_log(app)


def feedback(room: Classroom, assignment: str, only: list[str]) -> list[Path]:
    """Write feedback pages and return them.

    Raises
    ------
    ClassroomError
        If there is nothing graded, or nbgrader cannot write a page.
    """
    from rich.progress import track

    api, pages = room.api(), []
    graded = [n for n in students(room, assignment, only) if (room.root / "autograded" / n / assignment).is_dir()]
    if not graded:
        raise ClassroomError(f"Nothing of {assignment} is graded yet. First: autograder grade {assignment}")
    for name in track(graded, description=f"feedback on {assignment}"):
        result = _write_feedback(api, assignment, name)
        if not result["success"]:
            raise ClassroomError(f"No feedback for {name}. {_last_error(result)}")
        pages += sorted((room.root / "feedback" / name / assignment).glob("*.html"))
    return pages
