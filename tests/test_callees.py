"""An answer that calls another exercise's function is not blamed for that one's mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from introdl.checking import callees, judge, notebook, report, sheets
from tests.standing import answers

CHAPTER = sheets.chapter("05")
OWN = "05.cross_entropy_grad"
GRAD = """
def cross_entropy_grad(scores, labels):
    p = softmax(scores).copy()
    p[np.arange(len(labels)), labels] -= 1
    return p / len(labels)
"""
RIGHT = """
def softmax(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
WRONG = "def softmax(scores):\n    return np.exp(scores) / np.exp(scores).sum()"
STUB = "def softmax(scores):\n    raise NotImplementedError"


def defined(*cells):
    """What a notebook's cells define; all functions are of one module, as there."""
    space = {"np": np, "__name__": "__main__"}
    for cell in cells:
        exec(cell, space)
    return space


def told(*cells, name="cross_entropy_grad", id=OWN):
    verdict = notebook.verdict(id, (defined(*cells)[name],))
    return verdict, report.as_text(verdict)


def test_the_first_sentence_names_the_stub_that_it_calls():
    verdict, text = told(STUB, GRAD)
    assert verdict.status == judge.FAILED
    assert text.splitlines()[1] == "It calls your softmax, which is not started yet. Write 05.softmax first."
    assert "cross_entropy_grad is not started" not in text


def test_the_first_sentence_names_the_function_that_is_wrong_and_no_mistake_is_guessed():
    verdict, text = told(WRONG, GRAD)
    assert text.splitlines()[1].startswith("It calls your softmax, which is not right yet. Mend 05.softmax first")
    assert "looks like" not in text and report.as_data(verdict)["misconceptions"] == []
    assert "which is not right yet" in report.as_html(verdict)


def test_a_name_that_no_cell_has_defined_is_named_with_its_exercise():
    _, text = told(GRAD)
    assert "It calls softmax, which is not defined yet. Run the cell of 05.softmax first." in text


def test_with_a_right_function_its_own_mistake_is_named():
    verdict, text = told(RIGHT, GRAD.replace(" / len(labels)", ""))
    assert verdict.waits == [] and "looks like" in text


def test_a_right_answer_waits_for_nothing():
    verdict, _ = told(RIGHT, GRAD)
    assert verdict.passed and verdict.waits == []


@pytest.mark.parametrize(
    "between",
    [
        "def helped(scores):\n    return softmax(scores)",
        "helped = lambda scores: softmax(scores)",
        "def make():\n    def inner(scores):\n        return softmax(scores)\n    return inner\nhelped = make()",
        "class Helper:\n    def __call__(self, scores):\n        return [softmax(s) for s in [scores]][0]\nhelped = Helper()",
    ],
)
def test_it_is_found_through_a_learners_own_helper(between):
    verdict, _ = told(WRONG, between, GRAD.replace("softmax(scores)", "helped(scores)"))
    assert [sentence[:22] for sentence in verdict.waits] == ["It calls your softmax,"]


def test_what_is_called_the_same_elsewhere_is_not_blamed():
    """A local name, an attribute of a library, and its own name are not another exercise's function."""
    code = "def cross_entropy_grad(scores, labels):\n    softmax = 3\n    return scores * softmax"
    assert callees.called((defined(WRONG, code)["cross_entropy_grad"],), OWN, CHAPTER) == {}


@pytest.mark.parametrize("right", answers(OWN))
def test_strangers_right_answers_are_walked_without_harm(right):
    callees.called(right, OWN, CHAPTER)


def test_the_missing_method_of_a_class_is_named():
    part = "class Value:\n    def __init__(self, *a): self.data = a[0]\n    def __add__(self, o): raise NotImplementedError\n"
    part += "    def __mul__(self, o): raise NotImplementedError\n    __radd__ = __add__\n"
    verdict, text = told(part, name="Value", id="06.value")
    assert "Value.__mul__ is not started yet." in text


def test_a_stub_is_not_started_and_a_class_of_stubs_says_which_method():
    verdict, text = told("def softmax(scores):\n    raise NotImplementedError", name="softmax", id="05.softmax")
    assert verdict.status == judge.NOT_STARTED
    stubs = "class Value:\n    def __init__(self, *a): raise NotImplementedError"
    verdict, text = told(stubs, name="Value", id="06.value")
    assert verdict.status == judge.NOT_STARTED and "Not written yet: __init__." in text


def test_what_a_library_has_not_implemented_is_an_error_and_no_stub():
    code = "import asyncio\ndef softmax(scores):\n    asyncio.AbstractEventLoop().run_forever()"
    verdict, text = told(code, name="softmax", id="05.softmax")
    assert verdict.status == judge.FAILED and "raised NotImplementedError" in text
