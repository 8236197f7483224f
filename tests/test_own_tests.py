"""An instructor's own tests: they run in the sandbox and count as in stock nbgrader, side by side with it."""

import nbformat
import pytest
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from autograder import grading, sandbox
from autograder.authoring import release
from autograder.classroom import Classroom
from autograder.examining import examiner
from tests import small_class as small

pytestmark = pytest.mark.skipif(bool(sandbox.trouble()), reason=f"no sandbox here: {sandbox.trouble()}")

PS1 = "ps1"
PLAIN = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
TEST = {"grade": True, "locked": True}


def code(id, source, **marks):
    cell = nbformat.v4.new_code_cell(source, id=id)
    if marks:
        cell.metadata.nbgrader = PLAIN | {"grade_id": id} | marks
    return cell


def text(id, source, **marks):
    cell = nbformat.v4.new_markdown_cell(source, id=id)
    cell.metadata.nbgrader = PLAIN | {"grade_id": id} | marks
    return cell


def answer(id, solution):
    return code(id, f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION", solution=True)


def problem_set():
    """An instructor's notebook with one cell of each kind that nbgrader has."""
    cells = [
        code("start", "import math\nfactor = 2"),
        code("read-only", "limit = 10", locked=True),
        answer("double", "def double(x):\n    return factor * x"),
        code("test-double", "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nassert double(-3) == -6\n### END HIDDEN TESTS",
             points=3.0, **TEST),
        code("test-limit", "assert limit == 10, limit\nprint('seen')", points=1.0, **TEST),
        code("test-prepare", "cases = [1, 2, 3, 4]", points=0.0, **TEST),
        code("test-partly", "sum(double(x) == 2 * x for x in cases) / len(cases) * 2.5", points=2.5, **TEST),
        code("test-mode", "import os\nassert os.environ['NBGRADER_EXECUTION'] == 'autograde'", points=0.5, **TEST),
        code("test-silent", "double(1);", points=1.0, **TEST),
        code("test-words", "'not a number' if double(1) else None", points=1.5, **TEST),
        answer("story", "print('a story')"),
        text("essay", "Say why.\n### BEGIN MARK SCHEME\nsecret\n### END MARK SCHEME", grade=True, solution=True, points=5.0),
        text("task", "Draw something.", task=True, locked=True, points=4.0),
    ]  # fmt: skip
    cells[10].metadata.nbgrader.update(grade=True, points=2.0)
    return nbformat.v4.new_notebook(cells=cells, metadata=release.KERNEL)


#: What each student writes into ``double``; the essay's cell holds more than was handed out where there is a second.
STUDENTS = {
    "right": "def double(x):\n    return factor * x",
    "fooled-by-visible": "def double(x):\n    return abs(2 * x)",
    "wrong": "def double(x):\n    return 3 * x",
    "half": "def double(x):\n    return 2 * x if x < 3 else 0",
    "raises": "def double(x):\n    raise ValueError('<b>no</b>')",
    "warns": "import warnings\ndef double(x):\n    warnings.warn('careful')\n    return 2 * x",
    "loud": "import sys\ndef double(x):\n    print('loud', file=sys.stderr)\n    return 2 * x",
    "exits-inside": "import sys\ndef double(x):\n    sys.exit()",
    "syntax": "def double(x) return 2",
    "moves-limit": "limit = 9\ndef double(x):\n    return 2 * x",
    "blank": None,
}


def hand_in(root, student, change):
    notebook = nbformat.read(root / "release" / PS1 / f"{PS1}.ipynb", as_version=4)
    change({cell.id: cell for cell in notebook.cells}, notebook)
    place = root / "submitted" / student / PS1 / f"{PS1}.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(notebook, place)


def answered(source):
    def change(cells, _notebook):
        if source is not None:
            cells["double"].source = source
            cells["essay"].source = "Because."

    return change


def put(notebook, root):
    place = root / "source" / PS1 / f"{PS1}.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(notebook, place)


def scores(book):
    """Return (automatic score, waits for a person) by student and cell."""
    with book:
        return {
            one.student.id: {
                g.name: (g.auto_score, bool(g.needs_manual_grade)) for n in one.notebooks for g in n.grades
            }
            for one in book.find_assignment(PS1).submissions
        }


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A classroom with the problem set handed out, and the students' work."""
    room = Classroom.init(tmp_path_factory.mktemp("own") / "room")
    put(problem_set(), room.root)
    room.assign(PS1)
    for student, source in STUDENTS.items():
        hand_in(room.root, student, answered(source))
    return room


@pytest.fixture(scope="module")
def graded(room):
    """The class, graded; each submission was run once, so the gradebook took the verdict that was ready."""
    with pytest.MonkeyPatch.context() as patch:
        ran, real = [], examiner.examine
        patch.setattr(examiner, "examine", lambda *args, **more: ran.append(1) or real(*args, **more))
        found = {one.student: one for one in grading.grade(room, PS1, [], count=1)}
    assert len(ran) == len(STUDENTS)
    return found


def test_each_cell_counts_as_in_stock_nbgrader(room, graded, tmp_path):
    from nbgrader.api import Gradebook

    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.db_url = f"sqlite:///{tmp_path}/gradebook.db"
    stock = NbGraderAPI(config=config)
    put(problem_set(), tmp_path)
    assert stock.generate_assignment(PS1)["success"]
    for student, source in STUDENTS.items():
        hand_in(tmp_path, student, answered(source))
        result = stock.autograde(PS1, student)
        assert result["success"], result["log"]
    ours, theirs = scores(room.gradebook()), scores(Gradebook(config.CourseDirectory.db_url))
    for student, counted in theirs.items():
        assert ours[student] == counted, student
    assert ours["right"]["test-double"] == (3.0, False) and ours["fooled-by-visible"]["test-double"] == (0.0, False)
    assert ours["half"]["test-partly"] == (1.25, False) and ours["right"]["essay"] == (None, True)
    assert ours["moves-limit"]["test-limit"] == (0.0, False)


def test_what_is_handed_out_holds_no_hidden_test(room):
    released = (room.root / "release" / PS1 / f"{PS1}.ipynb").read_text()
    assert "-6" not in released and "secret" not in released and "factor * x" not in released


def test_hidden_tests_are_told_only_where_stock_nbgrader_tells_them(room, graded):
    """In the graded cell itself, as nbgrader's own feedback has it; in no output of any other cell."""
    nb = nbformat.read(room.root / "autograded" / "wrong" / PS1 / f"{PS1}.ipynb", as_version=4)
    for cell in nb.cells:
        if cell.id != "test-double":
            assert "-6" not in str(cell)


CHEATS = {
    "test overwritten": lambda cells, nb: cells["test-double"].update(source="pass"),
    "test deleted": lambda cells, nb: nb.cells.remove(cells["test-double"]),
    "test made text": lambda cells, nb: (cells["test-double"].update(cell_type="markdown"), [cells["test-double"].pop(k) for k in ("outputs", "execution_count")]),
    "test's output written": lambda cells, nb: cells["test-double"].update(outputs=[nbformat.v4.new_output("execute_result", data={"text/plain": "3.0"})]),
    "points raised": lambda cells, nb: cells["test-double"].metadata.nbgrader.update(points=300.0, solution=True),
    "marks taken": lambda cells, nb: cells["test-double"].metadata.pop("nbgrader"),
    "copied with another text": lambda cells, nb: nb.cells.append(code("copy", "pass", points=3.0, **TEST | {"grade_id": "test-double"})),
    "leaves at once": lambda cells, nb: nb.cells.insert(0, code("bye", "import sys; sys.exit()")),
    "kills itself": lambda cells, nb: nb.cells.insert(0, code("bye", "import os; os._exit(0)")),
    "kills itself in the test": lambda cells, nb: cells["double"].update(source="def double(x):\n    import os; os._exit(0)"),
    "loops in the test": lambda cells, nb: cells["double"].update(source="def double(x):\n    while True: pass"),
}  # fmt: skip


@pytest.mark.parametrize("cheat", CHEATS.values(), ids=list(CHEATS))
def test_a_test_that_is_tampered_with_is_not_passed(room, cheat):
    from autograder.examining import repair

    notebook = nbformat.read(room.root / "release" / PS1 / f"{PS1}.ipynb", as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    cells["double"].source = STUDENTS["wrong"]
    cheat(cells, notebook)
    released = (room.root / "release" / PS1 / f"{PS1}.ipynb").read_bytes()
    nb = repair.prepared(nbformat.writes(notebook).encode(), released, room.locked_cells(PS1))
    examiner.examine(nb, {}, room.root / "release" / PS1, examiner.Limits(5.0, 60.0))
    found = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "test-double"]
    assert len(found) == 1 and "double(-3)" in found[0].source
    assert examiner.determine_grade(found[0]) == (0, 3.0)


def test_more_than_its_points_a_test_does_not_give(room):
    cell = code("t", "100.0", points=3.0, **TEST)
    nb = nbformat.v4.new_notebook(cells=[cell])
    examiner.examine(nb, {}, room.root / "release" / PS1)
    assert examiner.determine_grade(cell) == (3.0, 3.0)


def test_in_a_notebook_of_the_course_both_kinds_count(tmp_path):
    """Own tests beside the course's checks: in cells of their own, with torch that the exercise forbids, and in a check's cell."""
    room = Classroom.init(tmp_path / "room")
    notebook = small.solved()
    own = code(
        "own", "import torch\nx = torch.zeros(1, 2, 2)\nassert pad(x.numpy(), 1).shape == (1, 4, 4)", points=2.0, **TEST
    )
    at = next(n for n, cell in enumerate(notebook.cells) if cell.id == "check-03-pad")
    notebook.cells[at].metadata.nbgrader.points = 20 / 3
    notebook.cells.insert(at + 1, own)
    beside = next(cell for cell in notebook.cells if cell.id == "check-03-output_size")
    beside.source += (
        "\nassert output_size(5, 3, padding=1) == 5, 'by hand'\nassert output_size.__doc__ is None, 'no docstring'"
    )
    place = room.root / "source" / small.NAME / f"{small.NAME}.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(notebook, place)
    room.assign("03")
    right = {id: answers[0] for id, answers in small.RIGHT.items()}
    small.hand_in(room, "right", right)
    documented = right["03.output_size"].replace(":\n", ':\n    """Doc."""\n', 1)
    small.hand_in(room, "documented", right | {"03.output_size": documented})
    small.hand_in(room, "wrong", small.WRONG)
    found = {one.student: one.exercises for one in grading.grade(room, small.NAME, [], count=1)}
    assert found["right"]["03.pad"] == (pytest.approx(20 / 3), pytest.approx(20 / 3))
    assert found["right"]["own"] == (2.0, 2.0) and found["right"]["03.output_size"] == (8.0, 8.0)
    assert found["documented"]["03.output_size"] == (0.0, 8.0), "the instructor's own line beside the check counts"
    assert found["documented"]["own"] == (2.0, 2.0)
    assert found["wrong"]["own"] == (0.0, 2.0) and found["wrong"]["03.output_size"] == (0.0, 8.0)
    assert all(one.state == "unchanged" for one in grading.grade(room, small.NAME, [], count=1))


def test_a_check_under_an_id_of_ones_own_is_examined_on_hidden_inputs(tmp_path):
    """An instructor may put a notebook together from exercises of several chapters."""
    room = Classroom.init(tmp_path / "room")
    cells = [
        code("start", "import numpy as np\nfrom introdl import check"),
        answer("q1", small.RIGHT["03.output_size"][0]),
        code("test-q1", 'check("03.output_size", output_size)', points=4.0, **TEST),
        answer("q2", "def mse(y, y_hat):\n    return ((y - y_hat) ** 2).mean()"),
        code("test-q2", 'check("05.l2_penalty", mse)', points=2.0, **TEST),
    ]
    place = room.root / "source" / "midterm" / "midterm.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=release.KERNEL), place)
    room.assign("midterm")
    released = nbformat.read(room.root / "release" / "midterm" / "midterm.ipynb", as_version=4)
    for student, source in (("right", small.RIGHT["03.output_size"][1]), ("wrong", small.WRONG["03.output_size"])):
        released.cells[1].source = source
        place = room.root / "submitted" / student / "midterm" / "midterm.ipynb"
        place.parent.mkdir(parents=True)
        nbformat.write(released, place)
    found = {one.student: one.exercises for one in grading.grade(room, "midterm", [], count=1)}
    assert found["right"]["test-q1"] == (4.0, 4.0) and 0 < found["wrong"]["test-q1"][0] < 4.0
    assert found["right"]["test-q2"] == (0.0, 2.0)
