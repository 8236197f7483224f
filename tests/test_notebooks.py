"""Every notebook, executed by papermill: with its answers all is right, blank it runs to the end."""

import os
from pathlib import Path

import nbformat
import pytest

from autograder import exercises as exercise_bank
from autograder.authoring import build, lint
from introdl import execute

SOURCES = {path.stem: path for path in build.source_files()}
NOTEBOOKS = pytest.mark.parametrize("name", SOURCES)


def wanted(name):
    return list(exercise_bank.load(name[:2])) if name[:2].isdigit() else []


#: Blank, a notebook does the same work of ours as with its answers, where it has its own parameters; here it has less of it.
LIGHT = {
    "01_regression_classification": {"trees": 20},
    "08_cuda": {"patience": 0.2, "epochs": 2},
    "09_food_cnn": {"epochs": 1},
    "10_what_it_sees": {"pictures": 48, "steps": 8},
    "11_finetuning": {"steps": 4},
    "12_mealomi": {"strangers": 20},
    "13_verification": {"steps": 10},
}


def executed(path, folder, parameters=None):
    """An executed notebook, which also knows the seconds of processor time that its kernel and all its helpers took."""
    before = os.times()
    run = execute.execute_one(path, folder, parameters)
    after = os.times()
    run.processor = after.children_user + after.children_system - before.children_user - before.children_system
    return run


# A notebook is executed once, so all that is to be seen in it is looked at in one test.


@NOTEBOOKS
def test_with_its_answers_every_check_has_full_marks(name, tmp_path):
    run = executed(SOURCES[name], tmp_path)
    assert run.error == ""
    assert [v["exercise"] for v in run.verdicts] == wanted(name)
    assert all(v["status"] == "passed" and v["earned"] == v["points"] for v in run.verdicts)
    look_at_outputs(run)


@NOTEBOOKS
def test_blank_it_runs_to_the_end_and_nothing_is_started(name, tmp_path):
    blank(name, tmp_path, LIGHT.get(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", LIGHT)
def test_blank_it_runs_to_the_end_with_its_own_parameters(name, tmp_path):
    blank(name, tmp_path, None)


def blank(name, folder, parameters):
    """Execute a notebook as it is handed out, and look at what came of it."""
    run = executed(build.notebook_path(name, build.root() / "course"), folder, parameters)
    assert run.error == ""
    assert [v["exercise"] for v in run.verdicts] == wanted(name)
    assert all(v["status"] == "not started" and v["earned"] == 0 for v in run.verdicts)
    look_at_outputs(run)


def look_at_outputs(run):
    """Nothing warns, a chapter has its figures, each with its alt text, it has at most 1.5 MB, and it
    takes no more than two minutes on one core.

    Two minutes of processor time: the clock would ask how busy the machine is.
    """
    notebook = nbformat.read(run.output, as_version=4)
    assert [str(finding) for finding in lint.executed(notebook, run.output, run.name[:2].isdigit())] == []
    size = Path(run.output).stat().st_size / 1e6
    assert size < 1.5, f"{run.name} has {size:.1f} MB when it has run; show photographs as JPEG, and fewer dots"
    assert 0 < run.processor < 120, f"{run.name} took {run.processor:.0f} s of processor time"


def test_a_notebook_that_fails_says_which_cell(tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1 + 1"), nbformat.v4.new_code_cell("undefined_name")]
    )
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "05_bad.ipynb"
    nbformat.write(notebook, path)
    (run,) = execute.execute([path], tmp_path / "out")
    assert run.error == "cell 2 of 05_bad.ipynb stopped with NameError: name 'undefined_name' is not defined"
    assert run.output.exists()


def test_paths_that_are_none_have_their_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        execute.find([tmp_path / "nowhere"])
    with pytest.raises(FileNotFoundError, match="There is no notebook in"):
        execute.find([tmp_path])


def test_a_check_before_its_answer_has_a_sentence_and_other_names_their_traceback(tmp_path):
    cells = ["from introdl import check", 'check("03.output_size", output_size)', "undefined_name"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    from nbclient import NotebookClient

    NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute()
    shown = notebook.cells[1].outputs
    assert [output.output_type for output in shown] == ["display_data"]
    said = "output_size is not defined yet. Run the cell with your answer first, then this one."
    assert shown[0].data["text/plain"] == said
    assert notebook.cells[2].outputs[0].ename == "NameError"


def test_hostile_answers_leave_a_live_kernel(tmp_path):
    """In a real kernel: code that loops, dies or prints without end, and after each check the notebook goes on."""
    bodies = [
        "while True: pass",
        "import os; os._exit(1)",
        "import numpy as np; return np.ones((10**9, 10))",
        "while True: print('x' * 1000)",
        "import matplotlib.pyplot as plt; plt.plot([1]); plt.show(); return n",
        "raise KeyboardInterrupt",
        "import sys; sys.exit(3)",
    ]
    cells = [
        "%matplotlib inline\nimport torch, matplotlib.pyplot\nfrom introdl import check\ntorch.ones(500, 500) @ torch.ones(500, 500)"
    ]
    for body in bodies:
        cells += [
            f"def output_size(n, kernel, stride=1, padding=0):\n    {body}",
            'check("03.output_size", output_size)',
        ]
    cells += ["print('still here')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "06_hostile.ipynb"
    nbformat.write(notebook, path)
    (run,) = execute.execute([path], tmp_path / "out")
    assert run.error == ""
    assert [v["status"] for v in run.verdicts] == ["failed"] * len(bodies)
    last = nbformat.read(run.output, as_version=4).cells[-1]
    assert last.outputs[0].text == "still here\n"
