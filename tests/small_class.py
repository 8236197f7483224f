"""A small, quick class for the tests of grading: one chapter, cut down to three exercises and a written answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat

from autograder.authoring import build, release
from autograder.classroom import Classroom
from tests import classwork

NAME = "03_convolution"
EXERCISES = ["03.output_size", "03.pad", "03.quiz"]
POINTS = {"03.output_size": 8.0, "03.pad": 8.0, "03.quiz": 10.0, "written": 10.0}
_ESSAY = '# %% [markdown] written="03.essay" points=10'

RIGHT = {
    "03.output_size": [
        "def output_size(n, kernel, stride=1, padding=0):\n    return (n + 2 * padding - kernel) // stride + 1",
        "def output_size(n, kernel, stride=1, padding=0):\n"
        "    return len(range(0, n + 2 * padding - kernel + 1, stride))",
    ],
    "03.pad": [
        "import numpy as np\ndef pad(x, p):\n    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(p, p), (p, p)])",
    ],
}
WRONG = {
    "03.output_size": "def output_size(n, kernel, stride=1, padding=0):\n    return (n + padding - kernel) // stride + 1",
    "03.pad": "def pad(x, p):\n    return x",
}


def solved() -> nbformat.NotebookNode:
    """The chapter's source notebook with its solutions, cut down."""
    source, exercises = build.read(build.source_files(["03"])[0])
    whole = release.source_notebook(source, exercises)
    wanted = {release.grade_id(id) for id in EXERCISES} | {release.check_id(id) for id in EXERCISES}
    cells = [nbformat.v4.new_code_cell("import numpy as np\nfrom introdl import check", id="start")]
    cells += [cell for cell in whole.cells if cell.id in wanted]
    essay = nbformat.v4.new_markdown_cell("Why pad?", id="03-essay")
    essay.metadata.nbgrader = release._nbgrader("03-essay", grade=True, solution=True, points=10)["nbgrader"]
    whole.cells = [*cells, essay]
    return whole


def make(folder: Path, db_url: str = "") -> Classroom:
    """A classroom with the small chapter handed out."""
    room = Classroom.init(folder)
    if db_url:
        path = folder / "classroom.toml"
        path.write_text(path.read_text() + f'db_url = "{db_url}"\n')
        room = Classroom.open(folder)
    place = room.root / "source" / NAME / f"{NAME}.ipynb"
    place.parent.mkdir(parents=True)
    place.write_bytes(release.write_notebook(solved()))
    result = room.api().generate_assignment(NAME, force=True, create=True)
    assert result["success"], result
    return room


def copy_of(room: Classroom, folder: Path) -> Classroom:
    """A copy of a class, with its gradebook and its seed."""
    shutil.copytree(room.root, folder)
    return Classroom.open(folder)


def hand_in(room: Classroom, student: str, answers: dict[str, str], essay: str = "", timestamp: str = "") -> Path:
    """Hand in a notebook with these answer cells; the rest blank."""
    notebook = classwork.released(room, NAME)
    for cell in notebook.cells:
        for id, answer in answers.items():
            if cell.id == release.grade_id(id):
                cell.source = answer
        if cell.id == "03-essay" and essay:
            cell.source = essay
    folder = classwork.hand_in(room, student, NAME, notebook).parent
    if timestamp:
        (folder / "timestamp.txt").write_text(timestamp)
    return folder


def fill(room: Classroom, count: int) -> None:
    """Hand in many: right, partly right, wrong and blank, each a little different."""
    for number in range(count):
        answers = {}
        if number % 4 != 3:
            chosen = RIGHT["03.output_size"][number % 2] if number % 4 != 2 else WRONG["03.output_size"]
            answers["03.output_size"] = f"{chosen}\n# {number}"
        if number % 4 < 2:
            answers["03.pad"] = RIGHT["03.pad"][0]
        hand_in(room, f"s{number:02}", answers, "So that edges count." if number % 3 else "")


def meaning(room: Classroom) -> list:
    """What a gradebook says, without ids and times of writing."""
    with room.gradebook() as book:
        students = sorted(student.id for student in book.students)
        found: list = [students, [a.name for a in book.assignments]]
        for assignment in book.assignments:
            for submission in sorted(assignment.submissions, key=lambda one: one.student.id):
                for notebook in submission.notebooks:
                    grades = [
                        (g.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade, g.score)
                        for g in notebook.grades
                    ]
                    comments = [(c.name, c.auto_comment, c.manual_comment) for c in notebook.comments]
                    found.append(
                        (
                            submission.student.id,
                            str(submission.timestamp),
                            str(submission.extension),
                            notebook.late_submission_penalty,
                            notebook.flagged,
                            sorted(grades, key=str),
                            sorted(comments, key=str),
                        )
                    )
        return found
