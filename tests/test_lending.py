"""Nobody pays twice for one mistake: what calls a wrong answer is judged with the course's own in that one's place."""

from dataclasses import replace

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder import sandbox
from autograder.authoring import release
from autograder.examining import examiner, leaning
from autograder.grading import hidden_cases
from introdl.checking import report, sheets
from introdl.checking.judge import FAILED, NOT_STARTED, PASSED
from tests.standing import entry
from tests.test_callees import GRAD
from tests.test_callees import RIGHT as SOFTMAX

needs_sandbox = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
SEED = "a classroom"
IMPORTS = "import numpy as np"
WRONG = "def softmax(scores):\n    return scores"
STUB = "def softmax(scores):\n    # Your code here.\n    raise NotImplementedError"
THROUGH_A_HELPER = """
def probabilities(scores):
    return [softmax][0](scores)

def cross_entropy_grad(scores, labels):
    p = probabilities(scores) - np.eye(scores.shape[1])[labels]
    return p / len(scores)
"""
IM2COL = "def conv2d_im2col(x, w, b=None, stride=1, padding=0):\n    return conv2d(x, w, b, stride, padding)"


def entries(*ids):
    return {id: replace(entry(id, SEED), solution=hidden_cases.solutions_of(id[:2])[id]) for id in ids}


def check(id):
    meta = release._nbgrader(release.check_id(id), grade=True, locked=True, points=10)
    names = ", ".join(entry(id, SEED).names)
    return new_code_cell(f'check("{id}", {names})', metadata=meta)


def examined(tmp_path, asked, *cells):
    """Each code and each exercise's id as a cell; the verdicts."""
    made = [check(one) if one in asked else new_code_cell(one) for one in cells]
    return examiner.examine(new_notebook(cells=made), asked, tmp_path).verdicts


@needs_sandbox
@pytest.mark.parametrize("softmax", [WRONG, STUB, ""], ids=["wrong", "stub", "deleted"])
@pytest.mark.parametrize("grad", [GRAD, THROUGH_A_HELPER], ids=["itself", "through a helper"])
def test_an_answer_that_is_right_in_itself_has_its_points(tmp_path, softmax, grad):
    asked = entries("05.softmax", "05.cross_entropy_grad")
    cells = [IMPORTS, softmax, "05.softmax", grad, "05.cross_entropy_grad"]
    found = examined(tmp_path, asked, *cells)
    verdict = found["05.cross_entropy_grad"]
    assert (verdict.status, verdict.earned) == (PASSED, verdict.points)
    text = report.as_text(verdict, blind=True)
    assert "It calls your softmax, which is not right. With a right one in its place, your answer is right." in text
    assert found["05.softmax"].status == (FAILED if softmax == WRONG else found["05.softmax"].status)
    assert found["05.softmax"].earned < found["05.softmax"].points / 4


@needs_sandbox
def test_its_own_mistake_is_named_and_costs(tmp_path):
    asked = entries("05.softmax", "05.cross_entropy_grad")
    wrong = GRAD.replace(" / len(labels)", "")
    verdict = examined(tmp_path, asked, IMPORTS, WRONG, "05.softmax", wrong, "05.cross_entropy_grad")[
        "05.cross_entropy_grad"
    ]
    assert verdict.status == FAILED and verdict.lent
    mistakes = [one.name for one in verdict.diagnoses]
    assert mistakes == [
        one.name
        for one in examined(tmp_path, asked, IMPORTS, SOFTMAX, "05.softmax", wrong, "05.cross_entropy_grad")[
            "05.cross_entropy_grad"
        ].diagnoses
    ]


@needs_sandbox
def test_a_right_answer_is_not_touched_and_a_blank_one_gains_nothing(tmp_path):
    asked = entries("05.softmax", "05.cross_entropy_grad")
    blank = "def cross_entropy_grad(scores, labels):\n    # Your code here.\n    raise NotImplementedError"
    found = examined(tmp_path, asked, IMPORTS, SOFTMAX, "05.softmax", blank, "05.cross_entropy_grad")
    assert found["05.softmax"].passed and not found["05.softmax"].lent
    assert found["05.cross_entropy_grad"].status == NOT_STARTED and not found["05.cross_entropy_grad"].lent


@needs_sandbox
@pytest.mark.parametrize(
    "attempt",
    [
        "def cross_entropy_grad(scores, labels):\n    return softmax(scores)",
        "def cross_entropy_grad(scores, labels):\n    cross_entropy\n    return scores",
    ],
)
def test_to_name_another_exercise_is_worth_nothing(tmp_path, attempt):
    asked = entries("05.softmax", "05.cross_entropy", "05.cross_entropy_grad")
    cells = [IMPORTS, STUB, "05.softmax", "05.cross_entropy", attempt, "05.cross_entropy_grad"]
    found = examined(tmp_path, asked, *cells)
    assert sum(one.earned for one in found.values()) < 3


@needs_sandbox
def test_what_answers_by_itself_is_not_lent(tmp_path):
    asked = entries("03.pad", "03.output_size", "03.conv2d", "03.conv2d_im2col")
    stub = "def conv2d(x, w, b=None, stride=1, padding=0):\n    # Your code here.\n    raise NotImplementedError"
    found = examined(tmp_path, asked, IMPORTS, stub, "03.conv2d", IM2COL, "03.conv2d_im2col")
    assert found["03.conv2d_im2col"].earned == 0 and not found["03.conv2d_im2col"].lent


@needs_sandbox
def test_a_later_answer_is_not_lent_for_it_holds_the_one_that_is_asked(tmp_path):
    """The course's conv2d calls its pad: lent together, the two would earn pad's points for naming conv2d."""
    asked = entries("03.output_size", "03.pad", "03.conv2d")
    attempt = "def pad(x, p):\n    conv2d\n    return x"
    found = examined(tmp_path, asked, IMPORTS, attempt, "03.pad", "03.conv2d")
    assert found["03.pad"].status == FAILED and not found["03.pad"].lent
    assert found["03.pad"].earned <= found["03.pad"].points / 4
    assert leaning.in_place_of(["03.conv2d"], asked["03.pad"], asked) == ""
    assert "def pad" in leaning.in_place_of(["03.conv2d"], entry("03.conv2d_im2col", SEED), asked)


@needs_sandbox
def test_whether_an_answer_answers_another_is_tried_where_the_submission_cannot_spoil_it(tmp_path):
    asked = entries("03.pad", "03.output_size", "03.conv2d", "03.conv2d_im2col")
    spoil = """
def spoil(*_given):
    space = get_ipython().user_ns
    if space.get("conv2d_im2col") is space.get("conv2d"):
        space["conv2d_im2col"] = lambda *given: 0
get_ipython().events.register("post_run_cell", spoil)
"""
    found = examined(tmp_path, asked, IMPORTS, spoil, "03.conv2d", IM2COL, "03.conv2d_im2col")
    assert found["03.conv2d_im2col"].earned == 0 and not found["03.conv2d_im2col"].lent


@needs_sandbox
def test_what_is_lent_brings_its_imports_along(tmp_path):
    asked = entries("05.softmax", "05.cross_entropy_grad")
    own = GRAD.replace("np.", "numpy.")
    found = examined(tmp_path, asked, "import numpy", "05.softmax", own, "05.cross_entropy_grad")
    assert found["05.cross_entropy_grad"].passed


def test_nothing_is_lent_when_the_submissions_time_is_used_up(tmp_path):
    asked = entries("05.softmax", "05.cross_entropy_grad")
    examining = examiner._Examining(
        new_notebook(), asked, tmp_path, examiner.Limits(notebook=5.0), sandbox.pool(), frozenset()
    )
    examining.used = 5.0
    assert examining._judged_beside(["05.softmax"], asked["05.cross_entropy_grad"]) is None


@needs_sandbox
def test_the_solution_does_not_outlast_what_it_was_lent_to(tmp_path):
    """It is in one process, and what that one prints, writes and keeps is not shown."""
    asked = entries("05.softmax", "05.cross_entropy_grad")
    spy = """
import inspect, os
def cross_entropy_grad(scores, labels):
    text = repr(softmax(scores)) + str(softmax.__code__.co_consts)
    print(text)
    for place in ("/tmp/seen", "seen", "/dev/shm/seen"):
        try: open(place, "a").write(text)
        except OSError: pass
    return softmax(scores)
"""
    theirs = """
import os
def softmax(scores):
    for place in ("/tmp/seen", "seen", "/dev/shm/seen"):
        if os.path.exists(place): raise ValueError(open(place).read())
    return scores
"""
    cells = [IMPORTS, spy, "05.cross_entropy_grad", theirs, "05.softmax"]
    made = [check(one) if one in asked else new_code_cell(one) for one in cells]
    notebook = new_notebook(cells=made)
    found = examiner.examine(notebook, asked, tmp_path)
    assert found.verdicts["05.softmax"].earned < 3
    for id, verdict in found.verdicts.items():
        assert "exp" not in report.as_text(verdict, blind=True).replace("expected", ""), id
    assert not list(tmp_path.iterdir())


def test_solutions_are_kept_with_a_classs_cases_and_never_with_a_learners_sheet():
    hidden = sheets.from_bytes(
        sheets.as_bytes("05", list(entries("05.softmax", "05.cross_entropy_grad").values())), "of the tests"
    )
    assert "def softmax" in hidden["05.softmax"].solution and "###" in hidden["05.softmax"].solution
    for path in sheets.chapters():
        assert not any(one.solution for one in sheets.read(path).values()), path
        assert b'"solution"' not in path.read_bytes()


def test_a_long_cell_is_read_once_and_a_deep_one_does_not_stop_the_reading():
    asked = entries("05.softmax", "05.cross_entropy_grad")
    deep = f"total = softmax + {'+'.join(['1'] * 900)}\ncross_entropy_grad = total"
    assert leaning.called([deep], asked["05.cross_entropy_grad"], asked) == ["05.softmax"]


@pytest.mark.parametrize(
    ("source", "called"),
    [
        (GRAD, ["05.softmax"]),
        (THROUGH_A_HELPER, ["05.softmax"]),
        ("%matplotlib inline\n" + GRAD, ["05.softmax"]),
        ("def cross_entropy_grad(a, b):\n    return 1\nsoftmax", []),
        ("cross_entropy_grad = lambda s, y: softmax(s)", ["05.softmax"]),
        ("class A:\n    def f(self, s):\n        return softmax(s)\na = A()\ncross_entropy_grad = a.f", ["05.softmax"]),
        ("def cross_entropy_grad(softmax, y):\n    return softmax", []),
        ("not python (", []),
    ],
)
def test_what_an_answer_calls_is_read_from_its_text(source, called):
    asked = entries("05.softmax", "05.cross_entropy", "05.cross_entropy_grad")
    assert leaning.called([IMPORTS, source], asked["05.cross_entropy_grad"], asked) == called
