"""The one writer of the gradebook, and of graded notebooks."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat.warnings import DuplicateCellId
from nbgrader.converters import Autograde
from sqlalchemy.exc import SAWarning, SQLAlchemyError

from autograder.authoring.release import exercise_of
from autograder.classroom import Classroom
from autograder.errors import ClassroomError, NotWritten
from autograder.grading import by_hand, penalties
from autograder.grading.submissions import TIMESTAMP, Submission
from introdl import paths

if TYPE_CHECKING:
    from nbgrader.api import Comment, Grade, Gradebook, SubmittedAssignment
    from sqlalchemy.engine import Row

#: Steps of nbgrader's configuration that are done before (`autograder.examining.repair`) or by the `Writer` itself.
_STEPS_DONE_HERE = {
    *("ClearOutput", "DeduplicateIds", "OverwriteKernelspec", "OverwriteCells", "RepairCells", "Examine", "Execute"),
    *("SaveAutoGrades", "SaveGrades", "AssignLatePenalties", "CheckCellMetadata", "ClearMetadataPreprocessor"),
}
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


@contextlib.contextmanager
def _uncommitted(book: Gradebook) -> Iterator[None]:
    """Let nbgrader's functions leave out their commits: the one that follows writes all or nothing, each row once."""
    book.db.commit = lambda: None
    try:
        yield
    finally:
        del book.db.commit


def _index(book: Gradebook) -> None:
    """Index what is asked for with every submission: nbgrader has no index there, and each answer would read the table."""
    from nbgrader.api import Comment, Grade, SubmittedAssignment, SubmittedNotebook
    from sqlalchemy import Index

    columns = (Grade.notebook_id, Comment.notebook_id, SubmittedNotebook.assignment_id, SubmittedAssignment.student_id)
    for column in columns:
        table = column.table
        name = f"autograder_{table.name}_{column.name}"
        known = next((index for index in table.indexes if index.name == name), None)
        (known or Index(name, column)).create(book.engine, checkfirst=True)


class Writer:
    """Writes an assignment's grades; use it as a context manager, and one at a time.

    What nbgrader's ``autograde`` does step by step, each with a gradebook of its own, it does in one transaction: a
    submission costs a tenth of the time. A step that an instructor put into nbgrader's configuration runs as well.

    Parameters
    ----------
    room : Classroom
    assignment : str
    """

    def __init__(self, room: Classroom, assignment: str):
        self.room, self.assignment = room, assignment
        self._given = room.beside_source(assignment)

    def __enter__(self) -> Writer:

        warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own, about its autoflush
        warnings.filterwarnings("ignore", category=DuplicateCellId)
        self._api = self.room.api()
        self._config = self._api.config
        self._converter = Autograde(coursedir=self._api.coursedir, config=self._config)
        steps = [*self._converter.sanitize_preprocessors, *self._converter.autograde_preprocessors]
        self._steps = [step(config=self._config) for step in steps if step.__name__ not in _STEPS_DONE_HERE]
        self._book = self.room.gradebook()
        _index(self._book)
        kernelspec = self._book.find_notebook(self.assignment, self.assignment).kernelspec
        self._kernelspec = json.loads(kernelspec) if kernelspec else None
        penalties.settle(self._book, self._config, [self.assignment])
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
        found = {row.name: row.auto_score for row in self._columns(submission)}
        self._book.db.rollback()
        return found

    def _columns(self, submission: SubmittedAssignment) -> list[Row]:
        """Return what is stored of a submission's grades, a row for each: the objects would ask for every column anew."""
        from nbgrader.api import BaseCell, Grade, SubmittedNotebook

        columns = (Grade.auto_score, Grade.manual_score, Grade.needs_manual_grade, Grade.score, Grade.max_score)
        rows = (
            self._book.db.query(BaseCell.name, *columns)
            .join(Grade, Grade.cell_id == BaseCell.id)
            .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
            .filter(SubmittedNotebook.assignment_id == submission.id)
        )
        return rows.order_by(BaseCell.name).all()

    def _grades_and_comments(self, submission: SubmittedAssignment) -> tuple[dict[str, Grade], dict[str, Comment]]:
        """Return a submission's grades and comments by the names of their cells; of a new one without asking for them."""
        from nbgrader.api import BaseCell, Comment, Grade

        book = self._book.db
        notebook = next(one for one in submission.notebooks if one.name == self.assignment)
        if submission in book.new:
            cells = book.query(BaseCell.id, BaseCell.name).filter(BaseCell.notebook_id == notebook.notebook.id)
            with book.no_autoflush:
                names = dict(cells.all())
            kept = [{names[one.cell_id]: one for one in many} for many in (notebook.grades, notebook.comments)]
        else:
            kinds = [
                (book.query(BaseCell.name, kind).join(kind, kind.cell_id == BaseCell.id), kind)
                for kind in (Grade, Comment)
            ]
            kept = [dict(rows.filter(kind.notebook_id == notebook.id).all()) for rows, kind in kinds]
        return kept[0], kept[1]

    def write(self, submission: Submission, nb: nbformat.NotebookNode) -> dict[str, float]:
        """Write a submission's grades, and its graded notebook with the files beside it into ``autograded/``.

        Parameters
        ----------
        submission : autograder.grading.submissions.Submission
        nb : nbformat.NotebookNode
            The notebook, with the verdict's outputs.

        Returns
        -------
        dict of str to float
            The automatic scores, by cell.

        Raises
        ------
        NotWritten
            If this submission cannot be written.
        SQLAlchemyError, OSError
            If the gradebook or the disk is in trouble (see `sentences`).
        """
        names = {"notebook": self.assignment, "assignment": self.assignment, "student": submission.student}
        resources = {"nbgrader": names | {"db_url": self.room.db_url}}
        place = self.room.root / "autograded" / submission.student / self.assignment
        try:
            if self._kernelspec:
                nb.metadata["kernelspec"] = self._kernelspec
            for step in self._steps:
                nb, resources = step.preprocess(nb, resources)
            with self._folder(place, submission, nb) as fresh:
                scores = self._write_rows(submission, nb)
                if place.exists():
                    place.rename(fresh.with_name(".before"))
                fresh.rename(place)
            self._converter.set_permissions(self.assignment, submission.student)
            return scores
        except (SQLAlchemyError, OSError):
            self._book.db.rollback()
            raise
        except Exception as error:
            self._book.db.rollback()
            raise NotWritten(f"It could not be written ({type(error).__name__}: {error})."[:300]) from error

    @contextlib.contextmanager
    def _folder(self, place: Path, submission: Submission, nb: nbformat.NotebookNode) -> Iterator[Path]:
        """Make a folder beside `place` with what will lie there."""
        place.parent.mkdir(parents=True, exist_ok=True)
        for left in place.parent.glob(".writing-*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=place.parent, ignore_cleanup_errors=True) as folder:
            fresh = Path(folder, place.name)
            fresh.mkdir()
            files = submission.files | self._given
            if submission.moment:
                files[TIMESTAMP] = f"{submission.moment} UTC".encode()
            files[f"{self.assignment}.ipynb"] = nbformat.writes(nb).encode()
            for name, content in files.items():
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            yield fresh

    def _write_rows(self, submission: Submission, nb: nbformat.NotebookNode) -> dict[str, float]:
        """Write what nbgrader's ``SaveAutoGrades`` does; the penalty follows (`autograder.grading.penalties`)."""
        from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task

        book, student = self._book, submission.student
        with _uncommitted(book):
            book.update_or_create_student(student)
            kept = book.update_or_create_submission(self.assignment, student, timestamp=submission.moment)
        minutes = self.room.extension(self.assignment, student)
        if minutes is not None:
            kept.extension = timedelta(minutes=minutes)
        grades, comments = self._grades_and_comments(kept)
        answers = by_hand.answers(nb)
        given = any(grade.manual_score is not None for grade in grades.values())
        before = by_hand.before(self.room.root, self.assignment, student) if given else None
        for cell in nb.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if is_grade(cell):
                grade = grades[name]
                grade.auto_score, _ = determine_grade(cell, self._converter.log)
                grade.needs_manual_grade = by_hand.is_open(grade, name, before, answers)
            if is_solution(cell) or is_task(cell):
                same = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell) and not is_task(cell)
                comments[name].auto_comment = "No response." if same else None
        scores = {name: grade.auto_score for name, grade in grades.items()}
        book.db.commit()
        by_hand.keep(self.room.root, self.assignment, student, answers)
        return scores

    def grade_of(self, student: str, cell: str) -> tuple[float | None, float | None, float]:
        """Return a cell's automatic score, the one that a person gave, and its points."""
        grade = self._book.find_grade(cell, self.assignment, self.assignment, student)
        found = grade.auto_score, grade.manual_score, float(grade.max_score)
        self._book.db.rollback()
        return found

    def move(self, student: str, scores: dict[str, float], outputs: dict[str, list]) -> None:
        """Give some check cells of a graded submission other automatic scores and outputs, and no other cell.

        A grade that a person gave stands.
        """
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
            grade.needs_manual_grade = grade.needs_manual_grade and grade.manual_score is not None
        self._book.db.commit()
        paths.write_atomically(path, nbformat.writes(nb).encode())
        path.chmod(mode)

    def zero(self, student: str) -> None:
        """Give a submission that cannot be examined 0 for every exercise, as nbgrader does for a missing notebook."""
        book = self._book
        book.update_or_create_student(student)
        submission = book.update_or_create_submission(self.assignment, student)
        for notebook in submission.notebooks:
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
            return Scores({}, 0.0, 0.0, False, [])
        rows = self._columns(submission)
        found = Scores(
            {exercise_of(row.name) or row.name: (row.score, row.max_score) for row in rows},
            sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks),
            submission.total_seconds_late if submission.assignment.duedate else 0.0,
            any(row.needs_manual_grade and row.manual_score is None for row in rows),
            [
                exercise_of(row.name) or row.name
                for row in rows
                if row.needs_manual_grade and row.manual_score is not None
            ],
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
        Whether a person has to grade something that has no grade yet.
    reopened : list of str
        What a person graded, and the answer has changed since: the score that was given counts until there is another.
    """

    def __init__(self, exercises: dict, penalty: float, seconds_late: float, open: bool, reopened: list[str]):
        self.exercises, self.penalty, self.seconds_late, self.open = exercises, penalty, seconds_late, open
        self.reopened = reopened


def last_error(result: dict) -> str:
    """Return the line of nbgrader's log that says what went wrong."""
    lines = [line for line in (result.get("log", "") + result.get("error", "")).splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line]
    return "nbgrader could not grade it: " + (errors or lines or ["no reason given"])[-1].strip()[:300]
