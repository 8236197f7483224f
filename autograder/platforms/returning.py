"""Feedback as a platform takes it back: one zip, in which each student's file has the name that the platform knows it by.

Moodle takes pages: *View all submissions > Upload multiple feedback files in a zip*. Canvas (*Upload Submissions*) gives each
file back under the name that it was handed in with, so that it gets notebooks, with the reports, points and comments in them.
"""

from __future__ import annotations

from pathlib import Path

import nbformat

from autograder import archives
from autograder.authoring.release import write_notebook
from autograder.classroom import Classroom
from autograder.errors import ClassroomError
from autograder.examining import examiner
from autograder.platforms import collecting, rosters
from introdl.wording import counted


def pages(room: Classroom, assignment: str) -> dict[str, Path]:
    """Return the feedback page of each student who has one."""
    found = sorted((room.root / "feedback").glob(f"*/{assignment}/{assignment}.html"))
    return {path.parent.parent.name: path for path in found}


def pack(room: Classroom, assignment: str, to: Path) -> tuple[int, list[str]]:
    """Write a zip of feedback for the platform that an assignment was collected from.

    Parameters
    ----------
    room : Classroom
    assignment : str
        Its whole name; its feedback pages are written.
    to : pathlib.Path

    Returns
    -------
    (int, list of str)
        How many students' it holds, and sentences about those that it does not.

    Raises
    ------
    ClassroomError
        If nothing of the assignment was collected by `autograder collect`.
    """
    came, written = collecting.came_in(room, assignment), pages(room, assignment)
    if not came:
        raise ClassroomError(
            f"Nothing of {assignment} was put in place by 'autograder collect', so that it is not known how the platform calls "
            f"its files. The pages are in {room.root / 'feedback'}."
        )
    files = {}
    for student in sorted(set(came) & set(written)):
        if came[student]["platform"] == rosters.MOODLE:
            files[_for_moodle(came[student]["entries"][0], assignment)] = written[student].read_bytes()
        elif name := _for_canvas(came[student]["entries"]):
            files[name] = write_notebook(graded_notebook(room, student, assignment))
    missing = [f"{counted(len(names), 'student')} {why}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}." for names, why in (
        (sorted(set(written) - set(came)), "not collected from a platform"),
        (sorted(set(came) - set(written)), "without a feedback page"),
    ) if names]  # fmt: skip
    archives.write(to, files)
    return len(files), missing


def _for_moodle(entry: str, assignment: str) -> str:
    """Return the name of a page beside a submitted file: in its folder, or with the same beginning."""
    top, slash, _ = entry.partition("/")
    begin, mark, _ = top.partition("_assignsubmission_file")
    return f"{top}/feedback_{assignment}.html" if slash else f"{begin}{mark}_feedback_{assignment}.html"


def _for_canvas(entries: list[str]) -> str:
    return next((name for name in entries if name.lower().endswith(".ipynb")), "")


def graded_notebook(room: Classroom, student: str, assignment: str) -> nbformat.NotebookNode:
    """Return a graded notebook for its student: reports, points and comments, and nothing that its own code printed.

    Raises
    ------
    ClassroomError
        If it cannot be read.
    """
    path = room.root / "autograded" / student / assignment / f"{assignment}.ipynb"
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds
        raise ClassroomError(f"{path} cannot be read ({error}). Grade it again.") from error
    examiner.without_outputs(notebook)
    with room.gradebook() as book:
        submission = book.find_submission(assignment, student)
        (graded,) = [one for one in submission.notebooks if one.name == assignment]
        points = {one.name: f"**{one.score:g} of {one.max_score:g} points.**" for one in graded.grades}
        comments = {one.name: one.comment for one in graded.comments if one.comment}
        penalty = submission.late_submission_penalty or 0.0
        whole = f"# {max(submission.score - penalty, 0):g} of {submission.max_score:g} points"
        whole += f"\n\n{penalty:g} points are taken off for lateness." if penalty else ""
    cells = [nbformat.v4.new_markdown_cell(whole, id="feedback")]
    for cell in notebook.cells:
        cells.append(cell)
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if said := " ".join(filter(None, [points.get(name), comments.get(name)])):
            cells.append(nbformat.v4.new_markdown_cell(said, id=f"feedback-{len(cells)}"))
    notebook.cells = cells
    return notebook
