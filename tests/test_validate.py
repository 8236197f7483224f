"""nbgrader's Validate says of a notebook of the course what `check` says."""

import nbformat
import pytest
from nbgrader.validator import Validator

from autograder.authoring import release
from tests import small_class as small

RIGHT = {id: answers[0] for id, answers in small.RIGHT.items()}


def notebook(answers, place):
    """The small chapter as a learner has it, with these answers, and without its written one."""
    nb = release.released_notebook(small.solved(), small.NAME)
    quiz = next(cell for cell in small.solved().cells if cell.id == "03-quiz").source
    nb.cells = [cell for cell in nb.cells if cell.id != "03-essay"]
    for cell in nb.cells:
        for id, answer in (answers | ({"03.quiz": quiz} if answers == RIGHT else {})).items():
            if cell.id == release.grade_id(id):
                cell.source = answer
    path = place / f"{small.NAME}.ipynb"
    nbformat.write(nb, path)
    return str(path)


def failed(path):
    """Return what Validate says of each cell that failed, by the cell's first line."""
    results = Validator().validate(path)
    assert not set(results) - {"failed"}
    return {one["source"].splitlines()[0]: one["raw_error"] for one in results.get("failed", [])}


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("INTRODL_HOME", str(tmp_path / "home"))


def test_a_blank_notebook_is_no_success(tmp_path):
    said = failed(notebook({}, tmp_path))
    assert len(said) == 3
    pad = next(error for source, error in said.items() if "03.pad" in source)
    assert "Write your answer in the cell above" in pad and "(03.pad, 0 of 8 points)" in pad and "Traceback" not in pad


def test_a_notebook_that_is_partly_right_fails_where_check_does(tmp_path):
    said = failed(notebook(RIGHT | {"03.pad": small.WRONG["03.pad"]}, tmp_path))
    assert {source.split('"')[1] for source in said} == {"03.pad", "03.quiz"}
    assert "(03.pad, " in next(error for source, error in said.items() if "03.pad" in source)


def test_a_right_notebook_passes(tmp_path):
    assert failed(notebook(RIGHT, tmp_path)) == {}


def test_an_answer_whose_cell_was_deleted_fails(tmp_path):
    path = notebook(RIGHT, tmp_path)
    nb = nbformat.read(path, as_version=4)
    nb.cells = [cell for cell in nb.cells if cell.id != "03-pad"]
    nbformat.write(nb, path)
    said = failed(path)
    assert len(said) == 1 and "name 'pad' is not defined" in next(iter(said.values()))


@pytest.mark.parametrize(
    ("execution", "cell"),
    [("", "check('03.pad', None)\ny = 2"), ("validate", "x = 1\ncheck('03.pad', None)\ny = 2")],
    ids=["a check cell in a learner's own run", "a learner's own cell in Validate"],
)
def test_elsewhere_a_check_never_raises(tmp_path, monkeypatch, execution, cell):
    """What stands below it has to run."""
    from nbconvert.preprocessors import ExecutePreprocessor

    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    cells = [nbformat.v4.new_code_cell(source) for source in ("from introdl import check", cell, "y")]
    nb = nbformat.v4.new_notebook(cells=cells)
    ExecutePreprocessor().preprocess(nb, {})
    assert nb.cells[2].outputs[0].data["text/plain"] == "2"
