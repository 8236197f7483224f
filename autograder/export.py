"""Scores as a table: a row for each student, assignment and exercise, or a row for each student."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

from nbgrader.plugins import ExportPlugin

from autograder.authoring.release import exercise_of
from autograder.classroom import Classroom
from autograder.errors import ClassroomError
from autograder.grading import penalties, spreadsheet

#: What belongs to a whole submission (late penalty, total) stands in its first row alone: each column can be summed.
COLUMNS = (
    "assignment",
    "student",
    "exercise",
    "score",
    "points",
    "manual",
    "open",
    "late_penalty",
    "total",
    "submitted",
)


def _order(root: Path, assignment: str) -> dict[str, int]:
    """Return the places of an assignment's graded cells in the notebook that was handed out."""
    try:
        cells = json.loads((root / "release" / assignment / f"{assignment}.ipynb").read_text())["cells"]
    except (OSError, ValueError, KeyError):
        return {}
    names = [cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") for cell in cells]
    return {name: place for place, name in enumerate(names)}


def _total(submission) -> float | None:
    """Return what a submission is worth in the end; None where a person has yet to grade something of it.

    What a person graded before the answer changed counts until it is graded again.
    """
    for notebook in submission.notebooks:
        if any(grade.needs_manual_grade and grade.manual_score is None for grade in notebook.grades):
            return None
    return round(max(submission.score - (submission.late_submission_penalty or 0.0), 0.0), 4)


def _rows(gradebook, root: Path, assignments: list[str], students: list[str]):
    from nbgrader.api import MissingEntry

    for assignment in sorted(gradebook.assignments, key=lambda one: one.name):
        if assignments and assignment.name not in assignments:
            continue
        order = _order(root, assignment.name)
        cells = [cell for notebook in assignment.notebooks for cell in [*notebook.grade_cells, *notebook.task_cells]]
        cells.sort(key=lambda cell: (order.get(cell.name, len(order)), cell.name))
        for student in sorted(gradebook.students, key=lambda one: one.id):
            if students and student.id not in students:
                continue
            try:
                submission = gradebook.find_submission(assignment.name, student.id)
            except MissingEntry:
                submission = None
            yield from _of_one(assignment.name, student.id, cells, submission)


def _of_one(assignment: str, student: str, cells: list, submission):
    """Yield a student's rows; one who handed in nothing has a row for each exercise all the same."""
    notebooks = submission.notebooks if submission else []
    grades = {grade.cell_id: grade for notebook in notebooks for grade in notebook.grades}
    whole: dict[str, object] = {"late_penalty": 0.0, "total": 0.0, "submitted": ""}
    if submission:
        total, at = _total(submission), submission.timestamp
        whole["late_penalty"] = submission.late_submission_penalty or 0.0
        whole |= {"total": "" if total is None else total, "submitted": at.isoformat() if at else ""}
    for cell in cells:
        grade = grades.get(cell.id)
        yield dict.fromkeys(COLUMNS, "") | {
            "assignment": assignment,
            "student": student,
            "exercise": exercise_of(cell.name) or cell.name,
            "score": grade.score if grade else 0.0,
            "points": cell.max_score,
            "manual": "yes" if grade and grade.manual_score is not None else "",
            "open": "yes" if grade and grade.needs_manual_grade else "",
            **whole,
        }
        whole = {}


def _write(gradebook, root: Path, to: Path, assignments: list[str], students: list[str]) -> int:
    rows = list(_rows(gradebook, root, assignments, students))
    spreadsheet.write(to, [list(COLUMNS), *(list(row.values()) for row in rows)])
    return len(rows)


def beside(to: Path) -> Path:
    """Return where to write so that nothing is overwritten: there, or beside it (``grades-2.csv``)."""
    if not to.exists():
        return to
    return next(path for number in count(2) if not (path := to.with_stem(f"{to.stem}-{number}")).exists())


class ExerciseExport(ExportPlugin):
    """nbgrader's export, exercise by exercise: ``nbgrader export`` in a classroom uses it."""

    def export(self, gradebook) -> None:
        """Write the table."""
        assignments, students = [str(a) for a in self.assignment], [str(s) for s in self.student]
        asked = Path(self.to or "grades.csv")
        to = beside(asked)
        if to != asked:
            self.log.warning("%s is there already, and stays as it is: written to %s.", asked, to)
        penalties.settle(gradebook, self.config, assignments)
        root = self.parent.coursedir.root if self.parent else "."
        _write(gradebook, Path(root), to, assignments, students)


FORMATS = ("csv", "canvas", "moodle")


def _totals(gradebook, assignments: list[str]) -> tuple[list, list[tuple]]:
    """Return the assignments, and for each student his or her total in each.

    It is None where nothing was handed in, or a person has yet to grade something: an import must not publish half of it.
    """
    from nbgrader.api import MissingEntry

    chosen = sorted(
        (a for a in gradebook.assignments if not assignments or a.name in assignments), key=lambda a: a.name
    )
    rows = []
    for student in sorted(gradebook.students, key=lambda s: s.id):
        scores: list[float | None] = []
        for assignment in chosen:
            try:
                scores.append(_total(gradebook.find_submission(assignment.name, student.id)))
            except MissingEntry:
                scores.append(None)
        rows.append((student, scores))
    return chosen, rows


def _full_name(student) -> str:
    names = [name for name in (student.last_name, student.first_name) if name]
    return ", ".join(names) or student.id


def _canvas(chosen: list, rows: list[tuple]) -> list[list]:
    """Canvas's gradebook import: a student is known by "SIS Login ID"; the second row holds the points possible."""
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *(a.name for a in chosen)]
    points = ["    Points Possible", "", "", "", "", *(a.max_score for a in chosen)]
    return [head, points] + [
        [_full_name(student), "", student.lms_user_id or "", student.id, "", *("" if x is None else x for x in scores)]
        for student, scores in rows
    ]


def _moodle(chosen: list, rows: list[tuple]) -> list[list]:
    """Moodle's grade import: columns are mapped in the browser; "Username", "ID number" or "Email address" is the key."""
    head = ["First name", "Last name", "Username", "ID number", "Email address"]
    head += [f"Assignment: {a.name} (Real)" for a in chosen]
    return [head] + [
        [
            *(student.first_name or "", student.last_name or "", student.id),
            *(student.lms_user_id or "", student.email or ""),
            *("-" if x is None else x for x in scores),
        ]
        for student, scores in rows
    ]


def export(room: Classroom, to: Path, form: str = "csv", assignments: list[str] | None = None) -> int:
    """Write a classroom's scores to a CSV file.

    Parameters
    ----------
    room : Classroom
    to : pathlib.Path
        What is there is overwritten (see `beside`).
    form : str
        "csv": a row for each student, assignment and exercise. "canvas", "moodle": a row for each student, a column
        for each assignment, with the late penalty taken off, as these systems import it.
    assignments : list of str, optional
        Their whole names; by default all.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    ClassroomError
        If there is no such format.
    """
    if form not in FORMATS:
        raise ClassroomError(f"--format is {form!r}; it should be {', '.join(FORMATS)}.")
    with room.gradebook() as gradebook:
        penalties.settle(gradebook, room.config(), assignments or [])
        if form == "csv":
            return _write(gradebook, room.root, to, assignments or [], [])
        chosen, rows = _totals(gradebook, assignments or [])
        spreadsheet.write(to, (_canvas if form == "canvas" else _moodle)(chosen, rows))
    return len(rows)
