"""Hidden inputs do not leave: not by what a feedback page says, not by what was printed, not by a second submission."""

import json
import re

import nbformat
import numpy as np
import pytest

from autograder import grading, sandbox
from autograder.examining import examiner, repair
from autograder.examining.fixed_words import FixedWords
from autograder.grading import hidden_cases, regrade
from autograder.grading.run import Run
from autograder.grading.store import Store
from autograder.grading.submissions import read
from introdl.checking.judge import judge
from introdl.checking.outcome import Outcome
from introdl.checking.packing import Huge, Other
from introdl.checking.sheets import Entry, SheetCase
from tests import small_class as small
from tests.attacks import chapter
from tests.standing import CHAPTERS, EXERCISES, SEEDS, entry

needs_sandbox = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
SECRET = "zebra70361"


def _entry(expected):
    return Entry(
        *("97.x", "X", 4.0, ["x"], "call", ["numpy.convolve"], 1e-5, False, 2.0, False, []),
        cases=[SheetCase("one", 1.0, [("n", 1)], expected)],
        misconceptions=[],
    )


def told(expected, outcome):
    """What a feedback page says of a case."""
    one = _entry(expected)
    return FixedWords(one).limit(judge(one, [outcome])).cases[0].blind


CHOSEN = {
    "a class's name": Outcome("raised", error=SECRET, message="x"),
    "an exception's text": Outcome("raised", error="ValueError", message=SECRET),
    "a line of source": Outcome("raised", error="ValueError", where=f"line 70361, in {SECRET}: {SECRET}"),
    "a line of endless calls": Outcome("raised", error="RecursionError", where=f"line 70361, in {SECRET}"),
    "a line without memory": Outcome("out of memory", where=f"line 70361, in {SECRET}"),
    "how its process ended": Outcome("crashed", message=SECRET),
    "seconds": Outcome("out of time", message="70361"),
    "a missing name": Outcome("undefined", message=SECRET),
    "a forbidden name": Outcome("forbidden", message=f"numpy.{SECRET}"),
    "a changed input": Outcome("returned", 1.5, changed=[SECRET]),
    "a type's name": Outcome("returned", Other(SECRET, SECRET)),
    "a huge thing": Outcome("returned", Huge(f"array of 70361 MB {SECRET}", (70361,))),
    "a text": Outcome("returned", SECRET),
    "a number": Outcome("returned", 70361),
    "a shape": Outcome("returned", np.zeros((7, 0, 70361))),
    "a length": Outcome("returned", [0] * 7036),
    "a dtype": Outcome("returned", np.array(["x" * 7036])),
    "keys": Outcome("returned", {SECRET: 1, "a": 1, "70361": 2}),
    "a key of its own kind": Outcome("returned", {Other(SECRET): 1}),
}


@pytest.mark.parametrize("expected", [1.5, np.zeros(3), np.zeros((2, 3)), "a", [1, 2], (1,), {"a": 1}, None], ids=repr)
@pytest.mark.parametrize("chosen", CHOSEN)
def test_nothing_that_a_process_chose_is_said_of_a_hidden_case(chosen, expected):
    said = told(expected, CHOSEN[chosen])
    assert said and not any(one in said.lower() for one in ("zebra", "7036")), said


def test_what_pythons_own_exceptions_are_called_is_said():
    assert told(1.5, Outcome("raised", error="ZeroDivisionError")) == "x raised ZeroDivisionError."
    assert told(1.5, Outcome("raised", error="Mine")) == "x raised an exception of its own."
    assert told(1.5, Outcome("forbidden", message="numpy.convolve")) == (
        "x calls numpy.convolve, which this exercise asks you to write yourself."
    )
    shape = told(np.zeros((2, 3)), Outcome("returned", np.zeros((3, 2))))
    assert shape == "The result should have shape (2, 3); yours has shape (3, 2). The axes stand in the opposite order."
    assert told(np.zeros((2, 3)), Outcome("returned", np.eye(2, 3))) == "The result is wrong in some of 6 places."


def test_how_many_places_are_wrong_is_not_said():
    said = {told(np.zeros(100), Outcome("returned", np.arange(100) < n)) for n in range(1, 100)}
    assert said == {"The result is wrong in some of 100 places."}


def test_words_of_the_course_in_any_number_do_not_spell_a_text():
    said = FixedWords(_entry(1.5)).of("x raised (((([[[[((((. 1.2.3.4.5.6.7.8")
    assert said.count("…") >= 1 and "(((" not in said and "7" not in said


@pytest.mark.parametrize("id", EXERCISES)
def test_every_known_mistakes_sentence_is_told_whole(id):
    """What is said of honest mistakes loses next to nothing."""
    drawn = entry(id, SEEDS[0])
    words = FixedWords(drawn)
    for mistake in drawn.misconceptions:
        for case in judge(drawn, [one or Outcome("not run") for one in mistake.outcomes]).cases:
            if case.blind and case.outcome.kind != "raised":
                gaps = words.of(case.blind).count("…") - case.blind.count("…")
                assert gaps <= 8, (case.blind, words.of(case.blind))


def test_every_chapter_is_looked_at():
    assert {id[:2] for id in EXERCISES} == set(CHAPTERS)


# --- what is printed and shown ------------------------------------------------------------------------------------


def test_a_feedback_page_holds_reports_and_no_output_of_the_submissions():
    notebook = chapter.answered(chapter.RIGHT["97.convolve"], ("print(1)",))
    for cell in notebook.cells:
        if repair.checked_exercise(cell):
            cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "5"})]
        elif cell.cell_type == "code":
            cell.outputs = [
                nbformat.v4.new_output("stream", text=SECRET),
                nbformat.v4.new_output("display_data", data={"text/plain": SECRET, "image/png": "aGk="}),
                examiner._said("Cell 2 was left out."),
            ]
    examiner.without_outputs(notebook)
    left = [out.data["text/plain"] for cell in notebook.cells for out in cell.outputs]
    assert SECRET not in str(notebook) and left.count("5") == 4 and "Cell 2 was left out." in left


_KEEPS = """
import json, os
def output_size(n, kernel, stride=1, padding=0):
    with open("/tmp/seen", "a") as file:
        file.write(json.dumps([int(n), int(kernel), int(stride), int(padding)]) + "\\n")
    raise type("seen " + str(n), (Exception,), {})
"""
_SHOWS = "import os\nprint('SEEN', open('/tmp/seen').read() if os.path.exists('/tmp/seen') else '')"


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """A class in which mallory's submission writes its hidden inputs down and prints them afterwards."""
    room = small.make(tmp_path_factory.mktemp("room") / "class")
    folder = small.hand_in(room, "mallory", {"03.output_size": _KEEPS})
    path = folder / f"{small.NAME}.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells.append(nbformat.v4.new_code_cell(_SHOWS))
    path.write_text(nbformat.writes(notebook))
    small.hand_in(room, "ann", {"03.output_size": small.RIGHT["03.output_size"][0]})
    return room


@needs_sandbox
def test_what_was_written_down_and_printed_is_not_in_the_feedback(leaky):
    grading.grade(leaky, small.NAME, [], count=1)
    graded = (leaky.root / "autograded" / "mallory" / small.NAME / f"{small.NAME}.ipynb").read_text()
    assert "SEEN [" in graded  # an instructor sees it
    (page,) = [one for one in grading.feedback(leaky, small.NAME, ["mallory"]) if "mallory" in str(one)]
    text = page.read_text()
    assert "SEEN [" not in text and not re.search(r"seen \d", text) and "an exception of its own" in text


# --- a second submission ------------------------------------------------------------------------------------------


def _bank(room, student):
    run = Run(room, small.NAME)
    job = run.job(read(room, student, small.NAME))
    return hidden_cases.read(job.cases)["03.output_size"]


def _inputs(entry):
    return [[value for _, value in case.inputs] for case in entry.cases]


def test_another_submission_meets_other_cases_and_the_same_one_meets_the_same(tmp_path):
    room = small.make(tmp_path / "class")
    first_answer = {"03.output_size": small.RIGHT["03.output_size"][0]}
    seen = []
    for number in range(hidden_cases.BANKS):
        small.hand_in(room, "mallory", {"03.output_size": f"{first_answer['03.output_size']}\n# {number}"})
        seen.append(json.dumps(_inputs(_bank(room, "mallory")), default=str))
        assert seen[-1] == json.dumps(_inputs(_bank(room, "mallory")), default=str)
    assert len(set(seen)) == hidden_cases.BANKS
    small.hand_in(room, "mallory", {"03.output_size": f"{first_answer['03.output_size']}\n# 0"})
    assert json.dumps(_inputs(_bank(room, "mallory")), default=str) == seen[0]


def test_a_file_beside_the_notebook_makes_another_submission_of_it(tmp_path):
    room = small.make(tmp_path / "class")
    folder = small.hand_in(room, "mallory", {})
    before = json.dumps(_inputs(_bank(room, "mallory")), default=str)
    (folder / "table.json").write_text("[1, 2]")
    assert json.dumps(_inputs(_bank(room, "mallory")), default=str) != before


def test_saving_a_notebook_again_makes_no_other_submission_of_it(tmp_path):
    room = small.make(tmp_path / "class")
    folder = small.hand_in(room, "mallory", {})
    before = json.dumps(_inputs(_bank(room, "mallory")), default=str)
    path = folder / f"{small.NAME}.ipynb"
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text="1")], 7
    path.write_text(nbformat.writes(notebook))
    assert json.dumps(_inputs(_bank(room, "mallory")), default=str) == before


def test_students_meet_different_banks_whatever_they_hand_in(tmp_path):
    nb = chapter.released()
    store = Store(tmp_path)
    banks = {hidden_cases.bank(store, "seed", f"s{number}", nb, {}) for number in range(50)}
    assert banks == set(range(hidden_cases.BANKS))
    others = [hidden_cases.bank(Store(tmp_path / "b"), "another", f"s{n}", nb, {}) for n in range(50)]
    assert others != [hidden_cases.bank(store, "seed", f"s{number}", nb, {}) for number in range(50)]


_REMEMBERS = """
import json
TABLE = {}
def output_size(n, kernel, stride=1, padding=0):
    return TABLE[json.dumps([int(n), int(kernel), int(stride), int(padding)])]
"""


@needs_sandbox
def test_a_table_of_what_was_asked_is_of_no_use_in_the_next_submission(tmp_path):
    room = small.make(tmp_path / "class")
    small.hand_in(room, "mallory", {"03.output_size": _KEEPS})
    asked = _bank(room, "mallory")
    table = {json.dumps([int(one) for one in _plain(case)]): int(case.expected) for case in asked.cases}
    small.hand_in(room, "mallory", {"03.output_size": _REMEMBERS.replace("{}", repr(table), 1)})
    (result,) = grading.grade(room, small.NAME, ["mallory"], count=1)
    assert result.exercises["03.output_size"][0] <= 2.0
    again = regrade.regrade(room, small.NAME, ["03.output_size"], ["mallory"], count=1)
    assert [change.moved for change in again] == [False]


def _plain(case):
    values = [value for _, value in case.inputs]
    return values + [1, 0][len(values) - 2 :]


@needs_sandbox
def test_formgraders_button_takes_the_cases_that_grade_takes(tmp_path, monkeypatch):
    room = small.make(tmp_path / "class")
    (small.hand_in(room, "ann", {"03.pad": small.RIGHT["03.pad"][0]}) / "mine.txt").write_text("x")
    taken = []
    really = hidden_cases.bank
    monkeypatch.setattr(hidden_cases, "bank", lambda *given: taken.append(really(*given)) or taken[-1])
    grading.grade(room, small.NAME, ["ann"], count=1)
    assert room.api().autograde(small.NAME, "ann", force=True, create=True)["success"]
    assert len(taken) >= 2 and len(set(taken)) == 1
    assert len(json.loads((room.root / ".graded" / small.NAME / "handed_in" / "ann.json").read_text())["seen"]) == 1
