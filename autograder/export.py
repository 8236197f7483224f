"""Scores as a table: a row for each student, assignment and exercise, or a row for each student."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from nbgrader.plugins import ExportPlugin

from autograder.authoring.release import exercise_of
from autograder.classroom import Classroom
from autograder.errors import ClassroomError
from autograder.grading import penalties, spreadsheet
from autograder.platforms import canvas, rosters
from introdl.chapters import CHAPTERS
from introdl.wording import first_few

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


def _canvas(chosen: list, rows: list[tuple], who: list[str], called: list[str]) -> list[list]:
    """Canvas's gradebook import: a student is known by "ID", else "SIS Login ID"; the second row holds the points possible."""
    head = who or ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    points = [canvas.POINTS, *[""] * (len(head) - 1), *(a.max_score for a in chosen)]
    return [[*head, *(name or a.name for name, a in zip(called, chosen, strict=True))], points] + [
        [*_cells(student, person, head), *("" if x is None else x for x in scores)] for student, person, scores in rows
    ]


def _moodle(chosen: list, rows: list[tuple], who: list[str], called: list[str]) -> list[list]:
    """Moodle's grade import: columns are mapped in the browser; "Username", "ID number" or "Email address" is the key."""
    head = who or ["First name", "Last name", "Username", "ID number", "Email address"]
    names = [name or f"Assignment: {a.name} (Real)" for name, a in zip(called, chosen, strict=True)]
    return [[*head, *names]] + [
        [*_cells(student, person, head), *("-" if x is None else x for x in scores)] for student, person, scores in rows
    ]


def _cells(student, person: rosters.Person | None, head: list[str]) -> list[str]:
    """Return what the platform's columns say of who a student is: as it told it, or what the gradebook knows."""
    told = {
        "Student": _full_name(student),
        **dict.fromkeys(("SIS Login ID", "Username"), student.id),
        **dict.fromkeys(("SIS User ID", "ID number"), student.lms_user_id or ""),
        **dict.fromkeys(("First name", "FirstName"), student.first_name or ""),
        **dict.fromkeys(("Last name", "Surname", "LastName"), student.last_name or ""),
        "Email address": student.email or "",
    }
    return [(person.row if person else told).get(name, "") for name in head]


@dataclass
class Written:
    """What was written: the number of rows, and sentences about what a platform will not take by itself."""

    rows: int
    remarks: list[str] = field(default_factory=list)


def _for_platform(room: Classroom, to: Path, form: str, chosen: list, totals: list[tuple]) -> Written:
    roster = rosters.load(room)
    roster = roster if roster and roster.platform == form else rosters.Roster(form, [])
    titles = {one.name: one.title for one in CHAPTERS}
    called = [roster.column(a.name, titles.get(a.name, ""), room.columns.get(a.name, "")) for a in chosen]
    rows = [(student, roster.people.get(student.id), scores) for student, scores in totals]
    spreadsheet.write(to, (_canvas if form == rosters.CANVAS else _moodle)(chosen, rows, roster.columns, called))
    written = Written(len(rows))
    if roster.people and form == rosters.CANVAS:
        for assignment in (a.name for a, name in zip(chosen, called, strict=True) if not name):
            written.remarks.append(
                f"Which of Canvas's columns is {assignment} is not certain, and Canvas would make a new one. Write it into "
                f'classroom.toml, below [columns]: "{assignment}" = "Homework 3 (4711)"; or read the roster again.'
            )
    if roster.people and (unknown := [student.id for student, person, _ in rows if person is None]):
        written.remarks.append(f"Not in the roster: {first_few(unknown)}.")
    return written


def totals(room: Classroom, assignment: str) -> dict[str, float]:
    """Return what each student's submission of an assignment is worth, where all of it is graded.

    Late penalties are taken off.
    """
    with room.gradebook() as gradebook:
        penalties.settle(gradebook, room.config(), [assignment])
        _, rows = _totals(gradebook, [assignment])
    return {student.id: score for student, (score,) in rows if score is not None}


def export(room: Classroom, to: Path, form: str = "csv", assignments: list[str] | None = None) -> Written:
    """Write a classroom's scores to a CSV file.

    Parameters
    ----------
    room : Classroom
    to : pathlib.Path
        What is there is overwritten (see `beside`).
    form : str
        "csv": a row for each student, assignment and exercise. "canvas", "moodle": a row for each student, a column
        for each assignment, with the late penalty taken off, as these systems import it: with their own ids and names of
        columns where the classroom's roster (`autograder.platforms.rosters`) has them.
    assignments : list of str, optional
        Their whole names; by default all.

    Returns
    -------
    Written

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
            return Written(_write(gradebook, room.root, to, assignments or [], []))
        chosen, rows = _totals(gradebook, assignments or [])
        return _for_platform(room, to, form, chosen, rows)
