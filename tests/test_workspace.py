"""A learner's own folder: begun, worked in, brought up to date. No word of the learner's is ever lost."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from introdl import chapters, cli, paths, workspace
from introdl.workspace import merging


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "mine"
    workspace.start(place)
    return place


@pytest.fixture
def newer(tmp_path, monkeypatch):
    """Return what gives the course a newer version of chapter 02: a function that changes its notebook."""
    course = {}
    for name, path in chapters.notebooks().items():
        course[name] = tmp_path / "course" / name
        course[name].parent.mkdir(parents=True, exist_ok=True)
        course[name].write_bytes(path.read_bytes())

    def changed(change):
        path = course["02_neurons/02_neurons.ipynb"]
        nb = nbformat.read(path, as_version=4)
        change(nb)
        nbformat.write(nb, path)
        monkeypatch.setattr(chapters, "notebooks", lambda: course)

    return changed


def chapter(place):
    return place / "02_neurons" / "02_neurons.ipynb"


def edited(place, change):
    nb = nbformat.read(chapter(place), as_version=4)
    change(nb)
    nbformat.write(nb, chapter(place))


def answers(nb):
    return [cell for cell in nb.cells if merging.is_answer(cell)]


def texts(place):
    return [cell.source for cell in nbformat.read(chapter(place), as_version=4).cells]


def of(nb, name):
    return next(cell for cell in nb.cells if merging.name_of(cell) == name)


def heading(nb, text="# Neurons, told better"):
    nb.cells[0].source = text


def test_a_folder_begins_with_every_notebook_and_what_is_there_stays(tmp_path):
    place = tmp_path / "mine"
    chapter(place).parent.mkdir(parents=True)
    chapter(place).write_text("mine")
    changes = workspace.start(place)
    assert {change.name: change.state for change in changes}["02_neurons/02_neurons.ipynb"] == "kept"
    assert chapter(place).read_text() == "mine" and (place / "glossary.ipynb").exists()
    assert (place / "start.ipynb").read_bytes() == chapters.notebooks()["start.ipynb"].read_bytes()
    assert {change.state for change in workspace.start(place)} == {"kept"}


def test_beginning_again_changes_nothing_and_says_where_the_course_is_newer(folder, newer):
    def started():
        return CliRunner().invoke(cli.app, ["start", str(folder), "--no-open"]).output.replace("\n", " ")

    assert "newer" not in started()
    edited(folder, lambda nb: answers(nb)[0].update(source="# mine"))
    newer(lambda nb: nb.cells.insert(1, new_markdown_cell("A new paragraph.")))
    assert "newer" in started() and f"introdl update {folder}" in started() and "# mine" in texts(folder)
    workspace.update(folder)
    assert "newer" not in started()


def test_nothing_newer_changes_nothing(folder):
    before = chapter(folder).read_bytes()
    assert {change.state for change in workspace.update(folder)} == {"unchanged"}
    assert chapter(folder).read_bytes() == before


def test_an_untouched_notebook_is_renewed_and_one_that_is_missing_comes_back(folder, newer):
    newer(heading)
    (folder / "00_why/00_why.ipynb").unlink()
    states = {change.name: change.state for change in workspace.update(folder)}
    assert states["02_neurons/02_neurons.ipynb"] == "renewed" and states["00_why/00_why.ipynb"] == "new"
    assert texts(folder)[0] == "# Neurons, told better"


def test_an_answer_in_every_exercise_survives_and_the_course_is_renewed(folder, newer):
    def answer(nb):
        for number, cell in enumerate(answers(nb)):
            cell.source = f"answer = {number}"
            cell.outputs = [nbformat.v4.new_output("stream", text=f"{number}\n")]

    edited(folder, answer)
    newer(heading)
    (change,) = [one for one in workspace.update(folder) if one.state != "unchanged"]
    assert (change.state, change.note) == ("merged", "")
    nb = nbformat.read(chapter(folder), as_version=4)
    assert nb.cells[0].source == "# Neurons, told better"
    assert [cell.source for cell in answers(nb)] == [f"answer = {number}" for number in range(len(answers(nb)))]
    assert answers(nb)[3].outputs[0].text == "3\n"
    assert list((folder / ".introdl/before").rglob("02_neurons.ipynb"))
    assert {one.state for one in workspace.update(folder)} == {"unchanged"}


def test_notes_and_cells_that_were_split_stay_where_they_were(folder, newer):
    def work(nb):
        at = nb.cells.index(of(nb, "02-neuron"))
        first, second = copy.deepcopy(nb.cells[at]), copy.deepcopy(nb.cells[at])
        first.source, second.source = "half = 1", "def neuron(x, w, b):\n    return 1"
        first["id"] = "split-off"
        nb.cells[at : at + 1] = [first, second, new_markdown_cell("my note")]
        nb.cells.insert(0, new_code_cell("import math  # mine"))

    edited(folder, work)
    newer(heading)
    workspace.update(folder)
    found = texts(folder)
    assert found[0] == "import math  # mine" and found[1] == "# Neurons, told better"
    at = found.index("my note")
    assert {*found[at - 2 : at]} == {"half = 1", "def neuron(x, w, b):\n    return 1"}
    nb = nbformat.read(chapter(folder), as_version=4)
    assert len({cell.id for cell in nb.cells}) == len(nb.cells)
    assert sum(merging.name_of(cell) == "02-neuron" for cell in nb.cells) == 1


def test_an_update_that_removes_an_exercise_keeps_its_answer_and_puts_the_old_notebook_beside(folder, newer):
    edited(folder, lambda nb: of(nb, "02-relu").update(source="def relu(z):\n    return z * (z > 0)"))
    newer(lambda nb: nb.cells.remove(of(nb, "02-relu")))
    (change,) = [one for one in workspace.update(folder) if one.state != "unchanged"]
    assert "02.relu" in change.note and "def relu(z):\n    return z * (z > 0)" in texts(folder)
    (beside,) = chapter(folder).parent.glob("02_neurons before *.ipynb")
    assert "return z * (z > 0)" in beside.read_text()


def test_where_both_changed_an_answers_cell_the_answer_is_kept_and_told_of(folder, newer):
    edited(folder, lambda nb: of(nb, "02-relu").update(source="mine"))
    newer(lambda nb: of(nb, "02-relu").update(source="a better stub"))
    (change,) = [one for one in workspace.update(folder) if one.state != "unchanged"]
    assert "mine" in texts(folder) and "02.relu" in change.note


def test_where_both_changed_a_text_the_courses_is_taken_and_the_learners_stands_beside(folder, newer):
    edited(folder, lambda nb: heading(nb, "# My own title"))
    newer(heading)
    workspace.update(folder)
    (beside,) = chapter(folder).parent.glob("02_neurons before *.ipynb")
    assert texts(folder)[0] == "# Neurons, told better" and "# My own title" in beside.read_text()


def test_a_text_that_only_the_learner_changed_stays(folder, newer):
    edited(folder, lambda nb: heading(nb, "# My own title"))
    newer(lambda nb: nb.cells[2].update(source="other"))
    workspace.update(folder)
    assert texts(folder)[0] == "# My own title" and texts(folder)[2] == "other"


def test_without_ids_and_without_a_base_answers_are_kept(folder, newer):
    def work(nb):
        of(nb, "02-relu").update(source="mine")
        for cell in nb.cells:
            del cell["id"]
        nb.nbformat_minor = 4

    edited(folder, work)
    for path in (folder / ".introdl/base").rglob("*.ipynb"):
        path.unlink()
    newer(heading)
    workspace.update(folder)
    assert {"mine", "# Neurons, told better"} <= set(texts(folder))


def test_a_notebook_that_cannot_be_read_stands_beside_the_new_one(folder, newer):
    chapter(folder).write_text("{ half")
    newer(heading)
    (change,) = [one for one in workspace.update(folder) if one.state != "unchanged"]
    assert "cannot be read" in change.note
    (beside,) = chapter(folder).parent.glob("02_neurons before *.ipynb")
    assert beside.read_text() == "{ half" and texts(folder)[0] == "# Neurons, told better"


def test_a_stub_comes_back_and_the_answer_is_kept(folder):
    stub = of(nbformat.read(chapter(folder), as_version=4), "02-relu").source
    edited(folder, lambda nb: of(nb, "02-relu").update(source="mine"))
    before = workspace.reset(folder, "02.relu")
    assert of(nbformat.read(chapter(folder), as_version=4), "02-relu").source == stub and "mine" in before.read_text()


@pytest.mark.parametrize(
    "work, told",
    [
        (lambda place: workspace.reset(place, "02.rely"), "There is no exercise '02.rely'. Chapter 02 has: .*02.relu"),
        (lambda place: workspace.reset(place, "relu"), "An id looks like 03.conv2d"),
        (lambda place: workspace.reset(place / "other", "02.relu"), "has no 02_neurons/02_neurons.ipynb"),
        (lambda place: workspace.update(place / "other"), "holds no notebook of the course"),
        (lambda place: workspace.start(paths.course()), "is the course itself"),
        (lambda place: workspace.start(place / "start.ipynb"), "is a file"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(folder, work, told):
    with pytest.raises(ValueError, match=told):
        work(folder)


def test_the_commands(tmp_path):
    run, place = CliRunner().invoke, str(tmp_path / "mine")
    assert f"{len(chapters.notebooks())} notebooks copied" in run(cli.app, ["start", place, "--no-open"]).output
    assert "up to date" in run(cli.app, ["update", place]).output
    assert "as it was handed out" in run(cli.app, ["reset", "02.relu", place]).output
    failed = run(cli.app, ["reset", "02.rely", place])
    assert failed.exit_code == 1 and "There is no exercise" in failed.output


def test_copied_and_pasted_cells_of_the_course_are_the_learners(folder):
    nb = nbformat.read(chapter(folder), as_version=4)
    new = new_notebook(cells=[copy.deepcopy(cell) for cell in nb.cells])
    twin = copy.deepcopy(of(nb, "02-relu"))
    twin.source, twin["id"] = "another try", "twin"
    nb.cells.insert(5, twin)
    merged = merging.merge(nb, copy.deepcopy(new), new)
    assert sorted(cell.source for cell in merged.notebook.cells) == sorted(cell.source for cell in nb.cells)
