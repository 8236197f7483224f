"""The one writer of the gradebook: nbgrader's own ``Autograde``, with the verdict ready."""

from __future__ import annotations

import contextlib
import re
import warnings

import nbformat
from nbformat.warnings import DuplicateCellId
from nbgrader.converters import Autograde
from sqlalchemy.exc import SAWarning, SQLAlchemyError

from autograder.authoring import nbgrader_step
from autograder.authoring.release import exercise_of
from autograder.classroom import Classroom
from autograder.errors import ClassroomError, NotWritten
from introdl import paths

#: What nbgrader's log says where not the submission is at fault, but the gradebook or the disk, and what to do.
_TROUBLE = {
    "database is locked": "The gradebook {db} is locked by another program. Close it, or wait",
    "readonly database": "The gradebook {db} is read-only. Allow writing to it and to its folder",
    "unable to open database": "The gradebook {db} cannot be opened. Look at its folder's rights",
    "disk is full": "The disk is full. Make room",
    "No space left on device": "The disk is full. Make room",
    "disk I/O error": "The disk of the gradebook {db} fails, or is full. Look at it",
    "PermissionError": "A folder of the classroom cannot be written to. Look at the rights of autograded/",
    "Read-only file system": "The classroom lies on a read-only file system. Move it",
    "connection failed": "The database server of {db} does not answer. Start it",
    "connection refused": "The database server of {db} does not answer. Start it",
    "server closed the connection": "The database server of {db} went away. Start it",
    "terminating connection": "The database server of {db} went away. Start it",
    "OperationalError": "The gradebook {db} cannot be used",
}


def shown(db_url: str) -> str:
    """Return a database's address without its password."""
    return re.sub(r"(://[^:/@]+):[^@]*@", r"\1:***@", db_url)


def trouble(text: str, db_url: str) -> str:
    """Return a sentence where an error's text tells of the gradebook or the disk, else ""."""
    for sign, sentence in _TROUBLE.items():
        if sign in text:
            return sentence.format(db=shown(db_url)) + ", and run the same command again: what is done is kept."
    return ""


@contextlib.contextmanager
def sentences(room: Classroom):
    """Turn errors of the gradebook and the disk into sentences.

    Raises
    ------
    ClassroomError
    """
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        name = type(error).__name__
        said = trouble(f"{name}: {error}", room.db_url)
        raise ClassroomError(said or f"{name}: {str(error).splitlines()[0]}") from error


class Writer:
    """Writes an assignment's grades; use it as a context manager, and one at a time.

    Parameters
    ----------
    room : Classroom
    assignment : str
    """

    def __init__(self, room: Classroom, assignment: str):
        self.room, self.assignment = room, assignment

    def __enter__(self) -> Writer:
        warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own, about its autoflush
        warnings.filterwarnings("ignore", category=DuplicateCellId)
        self._api = self.room.api()
        self._book = self.room.gradebook()
        return self

    def __exit__(self, *_error) -> None:
        self._book.close()

    def due(self) -> str:
        """Return the assignment's due date in UTC, or ""."""
        found = self._book.find_assignment(self.assignment).duedate
        self._book.db.rollback()
        return found.isoformat() if found else ""

    def graded(self) -> dict[str, dict[str, float]]:
        """Return the automatic scores that the gradebook holds, by student and cell."""
        from nbgrader.api import Assignment, BaseCell, Grade, SubmittedAssignment, SubmittedNotebook

        rows = (
            self._book.db.query(SubmittedAssignment.student_id, BaseCell.name, Grade.auto_score)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .join(BaseCell, BaseCell.id == Grade.cell_id)
            .filter(Assignment.name == self.assignment)
            .all()
        )
        self._book.db.rollback()  # a reader that keeps its transaction would block the writer
        found: dict[str, dict[str, float]] = {}
        for student, cell, score in rows:
            found.setdefault(student, {})[cell] = score
        return found

    def graded_of(self, student: str) -> dict[str, float]:
        """Return the automatic scores that the gradebook holds of one student, by cell."""
        submission = self._book.find_submission(self.assignment, student)
        found = {grade.name: grade.auto_score for notebook in submission.notebooks for grade in notebook.grades}
        self._book.db.rollback()
        return found

    def write(self, student: str, verdict_path, in_time: bool = False) -> list[str]:
        """Let nbgrader take a submission, with its verdict; returns what nbgrader warned of.

        Parameters
        ----------
        student : str
        verdict_path : pathlib.Path
        in_time : bool
            True where nothing says when it was handed in: the gradebook then forgets the date of an earlier submission.

        Raises
        ------
        NotWritten
            If nbgrader cannot take this submission.
        ClassroomError
            If the gradebook or the disk is in trouble.
        """
        minutes = self.room.extension(self.assignment, student)
        if minutes is not None:
            self._book.update_or_create_student(student)
            self._book.update_or_create_submission(self.assignment, student)
            self._book.grant_extension(self.assignment, student, minutes=minutes)
            self._book.db.rollback()
        if in_time:
            self._book.update_or_create_student(student)
            self._book.update_or_create_submission(self.assignment, student, timestamp=None)
        self._api.config.Examine.ready = str(verdict_path)
        result = nbgrader_step.run(Autograde, self._api.coursedir, self._api, self.assignment, student)
        log = result.get("log", "") + result.get("error", "")
        if result["success"]:
            return [line for line in log.splitlines() if "WARNING" in line]
        if said := trouble(log, self.room.db_url):
            raise ClassroomError(said)
        if "KeyboardInterrupt" in log:
            raise KeyboardInterrupt
        raise NotWritten(last_error(result))

    def grade_of(self, student: str, cell: str) -> tuple[float | None, float | None, float]:
        """Return a cell's automatic score, the one that a person gave, and its points."""
        grade = self._book.find_grade(cell, self.assignment, self.assignment, student)
        found = grade.auto_score, grade.manual_score, float(grade.max_score)
        self._book.db.rollback()
        return found

    def move(self, student: str, scores: dict[str, float], outputs: dict[str, list]) -> None:
        """Give some check cells of a graded submission other automatic scores and outputs, and no other cell.

        As nbgrader does, a grade that a person gave stands and is marked to be looked at; the late penalty is worked
        out anew.
        """
        from nbgrader.preprocessors import AssignLatePenalties

        from autograder.examining.repair import checked_exercise

        path = self.room.root / "autograded" / student / self.assignment / f"{self.assignment}.ipynb"
        nb, mode = nbformat.read(path, as_version=4), path.stat().st_mode
        for cell in nb.cells:
            exercise = checked_exercise(cell)
            if exercise in outputs:
                cell.outputs = outputs[exercise]
        for cell, score in scores.items():
            grade = self._book.find_grade(cell, self.assignment, self.assignment, student)
            grade.auto_score = score
            grade.needs_manual_grade = grade.manual_score is not None
        self._book.db.commit()
        names = {"notebook": self.assignment, "assignment": self.assignment, "student": student}
        resources = {"nbgrader": names | {"db_url": self.room.db_url}}
        AssignLatePenalties(config=self._api.config).preprocess(nb, resources)
        paths.write_atomically(path, nbformat.writes(nb).encode())
        path.chmod(mode)

    def zero(self, student: str) -> None:
        """Give a submission that cannot be examined 0 for every exercise, as nbgrader does for a missing notebook."""
        book = self._book
        book.update_or_create_student(student)
        submission = book.update_or_create_submission(self.assignment, student)
        for notebook in submission.notebooks:
            notebook.late_submission_penalty = None
            for grade in notebook.grades:
                grade.auto_score = 0.0
                grade.needs_manual_grade = False
        book.db.commit()

    def scores(self, student: str) -> Scores:
        """Return what the gradebook holds of a student."""
        from nbgrader.api import MissingEntry

        book = self._book
        book.db.expire_all()
        try:
            submission = book.find_submission(self.assignment, student)
        except MissingEntry:
            return Scores({}, 0.0, 0.0, False)
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        found = Scores(
            {exercise_of(grade.name) or grade.name: (grade.score, grade.max_score) for grade in grades},
            sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks),
            submission.total_seconds_late if submission.duedate else 0.0,
            any(grade.needs_manual_grade for grade in grades),
        )
        book.db.rollback()
        return found


class Scores:
    """What the gradebook holds of a submission.

    Attributes
    ----------
    exercises : dict of str to (float, float)
        Score and points.
    penalty : float
        What lateness costs.
    seconds_late : float
    open : bool
        Whether something waits for a person to grade it.
    """

    def __init__(self, exercises: dict, penalty: float, seconds_late: float, open: bool):
        self.exercises, self.penalty, self.seconds_late, self.open = exercises, penalty, seconds_late, open


def last_error(result: dict) -> str:
    """Return the line of nbgrader's log that says what went wrong."""
    lines = [line for line in (result.get("log", "") + result.get("error", "")).splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line]
    return "nbgrader could not grade it: " + (errors or lines or ["no reason given"])[-1].strip()[:300]
