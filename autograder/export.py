"""Scores as a table: a row for each student, assignment and exercise."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from nbgrader.plugins import ExportPlugin

from autograder.authoring.release import exercise_of
from autograder.classroom import Classroom
from autograder.errors import ClassroomError
from autograder.plain_text import spreadsheet_cell
from introdl import paths

COLUMNS = ("assignment", "student", "exercise", "score", "points", "manual", "open", "late_penalty", "submitted")


def _rows(gradebook, assignments: list[str], students: list[str]):
    from nbgrader.api import MissingEntry

    for assignment in gradebook.assignments:
        if assignments and assignment.name not in assignments:
            continue
        for student in gradebook.students:
            if students and student.id not in students:
                continue
            try:
                submission = gradebook.find_submission(assignment.name, student.id)
            except MissingEntry:
                yield from _nothing(assignment, student)
                continue
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    yield {
                        "assignment": assignment.name,
                        "student": student.id,
                        "exercise": exercise_of(grade.name) or grade.name,
                        "score": grade.score,
                        "points": grade.max_score,
                        "manual": "yes" if grade.manual_score is not None else "",
                        "open": "yes" if grade.needs_manual_grade else "",
                        "late_penalty": notebook.late_submission_penalty or 0.0,
                        "submitted": submission.timestamp.isoformat() if submission.timestamp else "",
                    }


def _nothing(assignment, student):
    """A student who handed in nothing has a row for each exercise all the same."""
    for notebook in assignment.notebooks:
        for cell in notebook.grade_cells:
            row = dict.fromkeys(COLUMNS, "")
            yield row | {
                "assignment": assignment.name,
                "student": student.id,
                "exercise": exercise_of(cell.name) or cell.name,
                "score": 0.0,
                "points": cell.max_score,
                "late_penalty": 0.0,
            }


def _write(gradebook, to: Path, assignments: list[str], students: list[str]) -> int:
    rows = sorted(_rows(gradebook, assignments, students), key=lambda r: (r["assignment"], r["student"], r["exercise"]))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: spreadsheet_cell(value) for name, value in row.items()} for row in rows)
    paths.write_atomically(to, text.getvalue().encode())
    return len(rows)


class ExerciseExport(ExportPlugin):
    """nbgrader's export, exercise by exercise: ``nbgrader export`` in a classroom uses it."""

    def export(self, gradebook) -> None:
        """Write the table."""
        assignments, students = [str(a) for a in self.assignment], [str(s) for s in self.student]
        _write(gradebook, Path(self.to or "grades.csv"), assignments, students)


FORMATS = ("csv", "canvas", "moodle")


def _totals(gradebook, assignments: list[str]) -> tuple[list, list[tuple]]:
    """Return the assignments, and for each student his or her score in each (None where nothing was handed in).

    A score that waits for a person to grade something is left out, too: an import must not publish half of it.
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
                one = gradebook.find_submission(assignment.name, student.id)
            except MissingEntry:
                scores.append(None)
                continue
            score = max(one.score - (one.late_submission_penalty or 0.0), 0.0)
            scores.append(None if one.needs_manual_grade else round(score, 4))
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
        if form == "csv":
            return _write(gradebook, to, assignments or [], [])
        chosen, rows = _totals(gradebook, assignments or [])
        text = io.StringIO()
        lines = (_canvas if form == "canvas" else _moodle)(chosen, rows)
        csv.writer(text, lineterminator="\n").writerows([map(spreadsheet_cell, line) for line in lines])
    paths.write_atomically(to, text.getvalue().encode())
    return len(rows)
