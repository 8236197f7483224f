"""Grade one exercise again after it was mended: only its scores move, and the instructor sees which."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.authoring.release import check_id
from autograder.classroom import Classroom
from autograder.errors import ClassroomError, Stopped
from autograder.examining.repair import checked_exercise
from autograder.grading import lock, submissions
from autograder.grading.gradebook import Writer, sentences
from autograder.grading.interrupt import Interrupts
from autograder.grading.pool import Answer
from autograder.grading.report import Bar
from autograder.grading.run import Run, cores, require_sandbox
from introdl import paths


@dataclass
class Change:
    """What a regrade does to one student's exercise.

    Attributes
    ----------
    student, exercise : str
    before, after : float or None
        The automatic score; None where there is none.
    points : float
    manual : float or None
        The score that a person gave: it counts, whatever the automatic one is.
    note : str
        Why nothing was done, where nothing was.
    """

    student: str
    exercise: str
    before: float | None = None
    after: float | None = None
    points: float = 0.0
    manual: float | None = None
    note: str = ""

    @property
    def moved(self) -> bool:
        """Whether the automatic score is another one now."""
        return not self.note and self.before != self.after


def regrade(
    room: Classroom,
    assignment: str,
    exercises: list[str],
    only: list[str],
    dry_run: bool = False,
    count: int | None = None,
    address: str | None = None,
) -> list[Change]:
    """Grade exercises of an assignment again.

    Parameters
    ----------
    room, assignment, only, count, address
        As for `autograder.grading.grade`.
    exercises : list of str
        Ids, ``03.conv2d``.
    dry_run : bool
        True changes nothing.

    Returns
    -------
    list of Change
        One for each student and exercise, by name.

    Raises
    ------
    ClassroomError
        If the assignment has no such exercise, or something is wrong with the gradebook or the cluster.
    autograder.errors.Stopped
        If it was interrupted.
    """
    require_sandbox(room, address)
    names = submissions.students(room, assignment, only)
    with sentences(room), lock.hold(room, f"regrade {assignment}"):
        run = Run(room, assignment)
        _look_for(run, exercises)
        changes: dict[str, list[Change]] = {}
        try:
            with Interrupts() as interrupts, Writer(room, assignment) as writer, Bar("regrading", len(names)) as bar:
                asked = {}
                for name in names:
                    submission = submissions.read(room, name, assignment)
                    if note := _not_again(run, submission):
                        changes[name] = [Change(name, id, note=note) for id in exercises]
                        bar.step()
                    else:
                        asked[name] = submission
                for name, answer in run.verdicts(asked, count or cores(), address):
                    with interrupts.deferred():
                        changes[name] = _take(run, writer, asked[name], exercises, answer, dry_run)
                    bar.step()
        except KeyboardInterrupt:
            raise Stopped(
                f"Stopped after {len(changes)} of {len(names)}. Run the same command again to go on."
            ) from None
    return [change for name in names for change in changes[name]]


def _not_again(run: Run, submission: submissions.Submission) -> str:
    """Say why a submission cannot be graded again, or ""."""
    name, assignment = submission.student, run.assignment
    if submission.state != submissions.READY:
        return submission.note
    mark = run.store.mark(name)
    graded = run.room.root / "autograded" / name / assignment / f"{assignment}.ipynb"
    if not mark or not graded.exists():
        return f"It is not graded yet: autograder grade {assignment[:2]}"
    if mark.get("notebook") != hashlib.sha256(submission.notebook).hexdigest():
        return f"It was handed in anew since: autograder grade {assignment[:2]}"
    return ""


def _look_for(run: Run, exercises: list[str]) -> None:
    released = nbformat.reads(run.released.decode(), as_version=4)
    known = [
        id
        for cell in released.cells
        if (id := checked_exercise(cell)) and cell.metadata.nbgrader.grade_id == check_id(id)
    ]
    for id in exercises:
        if id not in known:
            raise ClassroomError(f"{run.assignment} has no exercise {id!r}. It has: {', '.join(known)}.")


def _take(run: Run, writer: Writer, submission, exercises: list[str], answer: Answer, dry_run: bool) -> list[Change]:
    name = submission.student
    if answer.verdict is None:
        return [Change(name, id, note=f"Not graded: {answer.error}") for id in exercises]
    scores = answer.verdict["scores"]
    changes = []
    for id in exercises:
        if id not in scores:
            changes.append(Change(name, id, note="The exercise was not examined."))
            continue
        before, manual, points = writer.grade_of(name, check_id(id))
        changes.append(Change(name, id, before, scores[id], points, manual))
    if not dry_run and any(not change.note for change in changes):
        run.move(submission, answer.verdict, {c.exercise: scores[c.exercise] for c in changes if not c.note}, writer)
    return changes


def write(changes: list[Change], to: Path) -> None:
    """Write changes to a CSV file."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["student", "exercise", "before", "after", "points", "manual", "note"])
    for one in changes:
        facts = [one.before, one.after, one.points, one.manual]
        out.writerow([one.student, one.exercise, *("" if x is None else x for x in facts), one.note])
    paths.write_atomically(to, text.getvalue().encode())


def table(changes: list[Change], dry_run: bool) -> None:
    """Print what moved, and a line on what did not."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shown = Table("student", "exercise", "before", "after", "of", "note")
    for one in changes:
        if one.moved or one.note:
            note = one.note or (f"A person gave {one.manual:g}, and that stands." if one.manual is not None else "")
            before, after = ("" if x is None else f"{x:g}" for x in (one.before, one.after))
            shown.add_row(escape(one.student), one.exercise, before, after, f"{one.points:g}", escape(note))
    console = Console()
    if shown.row_count:
        console.print(shown)
    moved = [one for one in changes if one.moved]
    up = sum((one.after or 0) > (one.before or 0) for one in moved)
    verb = "would change" if dry_run else "changed"
    console.print(
        f"{len(moved)} of {len(changes)} scores {verb}: {up} up, {len(moved) - up} down."
        + (" Nothing was written (--dry-run)." if dry_run else "")
    )
