"""Feedback pages: each check's report, the mistake by its name, and no hidden input."""

from __future__ import annotations

from pathlib import Path

from autograder.authoring import nbgrader_step
from autograder.classroom import Classroom
from autograder.errors import ClassroomError
from autograder.grading.gradebook import last_error
from autograder.grading.submissions import students
from introdl.data import progress


def feedback(room: Classroom, assignment: str, only: list[str]) -> list[Path]:
    """Write feedback pages and return them.

    Raises
    ------
    ClassroomError
        If there is nothing graded, or nbgrader cannot write a page.
    """
    from nbgrader.converters import GenerateFeedback

    api, pages = room.api(), []
    graded = [n for n in students(room, assignment, only) if (room.root / "autograded" / n / assignment).is_dir()]
    if not graded:
        raise ClassroomError(f"Nothing of {assignment} is graded yet. First: autograder grade {assignment}")
    with progress.bar(f"Feedback on {assignment}", len(graded), "students") as tick:
        for number, name in enumerate(graded, 1):
            result = nbgrader_step.run(GenerateFeedback, api.coursedir, api, assignment, name)
            if not result["success"]:
                raise ClassroomError(f"No feedback for {name}. {last_error(result)}")
            pages += sorted((room.root / "feedback" / name / assignment).glob("*.html"))
            tick(number)
    return pages
