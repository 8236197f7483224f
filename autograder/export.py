"""Scores as a table: a row for each student, assignment and exercise."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from nbgrader.plugins import ExportPlugin

from autograder.classroom import Classroom
from autograder.release import exercise_of
from introdl import places

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
    writer.writerows(rows)
    places.write_atomically(to, text.getvalue().encode())
    return len(rows)


class ExerciseExport(ExportPlugin):
    """nbgrader's export, exercise by exercise: ``nbgrader export`` in a classroom uses it."""

    def export(self, gradebook) -> None:
        """Write the table."""
        assignments, students = [str(a) for a in self.assignment], [str(s) for s in self.student]
        _write(gradebook, Path(self.to or "grades.csv"), assignments, students)


def export(room: Classroom, to: Path) -> int:
    """Write every score of a classroom to a CSV file and return the number of rows."""
    with room.gradebook() as gradebook:
        return _write(gradebook, to, [], [])
