"""The builder: the committed course is what it makes, twice the same, and an author's slip has file and line."""

import shutil
import textwrap

import nbformat
import numpy as np
import pytest

from autograder.authoring import build, drawing, lint, release
from autograder.authoring import source as sources
from autograder.authoring.exercise import Case, Exercise, Misconception, quiz
from autograder.errors import AuthorError
from introdl.checking import sheets
from introdl.execute import without_stubs
from tests import toy
from tests.standing import committed_sheet

PAGE = """\
# %% [markdown]
# # A page

# %% tags=["parameters"]
seed = 0

# %% exercise="98.scale"
def scale(x, w):
    \"\"\"Scale.\"\"\"
    ### BEGIN SOLUTION
    times_everything = x * w
    return times_everything
    ### END SOLUTION

# %% check="98.scale"
check("98.scale", scale)

# %% exercise="98.root"
### BEGIN SOLUTION
root = lambda z: z.clip(0) ** 0.5
### END SOLUTION

# %% check="98.root"
check("98.root", root)

# %% exercise="98.quiz"
### BEGIN SOLUTION
### STUB answer_1 = None
### STUB answer_2 = None
answer_1 = "b"
answer_2 = "a"
### END SOLUTION

# %% check="98.quiz"
check("98.quiz", answer_1, answer_2)
"""


def read(tmp_path, text=PAGE):
    path = tmp_path / "98_toy.py"
    path.write_text(text)
    source = sources.read(path)
    if slips := list(lint.slips(source, toy.ALL)):
        raise AuthorError("\n".join(map(str, slips)))
    return source


def line_of(text, part):
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


@pytest.mark.parametrize("path", build.source_files(), ids=lambda path: path.stem)
def test_the_committed_notebooks_are_what_the_sources_make(path):
    """And the committed sheets have the exercises there are; what they say of each is looked at in test_exercises.py."""
    source, exercises = build.read(path)
    state = build.build_notebook(source, exercises, build.root() / "course", look=True).state
    assert state == "unchanged", "run 'make build' and commit the result"
    if exercises:
        assert list(committed_sheet(source.chapter)) == list(exercises)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course of one chapter."""
    course = tmp_path_factory.mktemp("built")
    assert {item.state for item in build.build(["03"], course=course)} == {"made"}
    return course


def test_building_twice_gives_the_same_bytes(built, tmp_path):
    build.build(["03"], course=tmp_path)
    for name in ("03_convolution/03_convolution.ipynb", "sheets/03_convolution.npz"):
        assert (built / name).read_bytes() == (tmp_path / name).read_bytes()
    assert {item.state for item in build.build(["03"], course=tmp_path, look=True)} == {"unchanged"}


def test_what_differs_is_stale_and_stays_when_one_only_looks(built, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "entry", lambda one, seed: entries[one.id])
    entries = sheets.read(built / "sheets" / "03_convolution.npz")
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    assert {item.state for item in build.build(["03"], course=tmp_path, look=True)} == {"unchanged"}
    entries["03.pad"].hints[0] = "another"
    path = tmp_path / "03_convolution" / "03_convolution.ipynb"
    path.write_text(path.read_text() + "\n")
    before = path.read_bytes()
    assert {item.state for item in build.build(["03"], course=tmp_path, look=True)} == {"stale"}
    assert path.read_bytes() == before


def test_the_learners_copy_has_stubs_in_place_of_solutions(tmp_path):
    source = read(tmp_path)
    released = release.released_notebook(release.source_notebook(source, toy.ALL), "98_toy")
    text = {cell.id: cell.source for cell in released.cells}
    assert (
        text["98-scale"] == 'def scale(x, w):\n    """Scale."""\n    # Your code here.\n    raise NotImplementedError'
    )
    assert text["98-root"] == "# Your code here."
    assert text["98-quiz"] == "answer_1 = None\nanswer_2 = None"
    assert text["check-98-quiz"] == 'check("98.quiz", answer_1, answer_2)'
    solved = without_stubs(release.source_notebook(source, toy.ALL))
    assert "None" not in next(cell.source for cell in solved.cells if cell.id == "98-quiz")


def test_nbgraders_marks_are_made_from_the_markers(tmp_path):
    source = read(tmp_path, PAGE + '\n# %% [markdown] written="98.essay" points=7\n# Why?\n')
    released = release.released_notebook(release.source_notebook(source, toy.ALL), "98_toy")
    marks = {cell.id: cell.metadata.nbgrader for cell in released.cells if "nbgrader" in cell.metadata}
    assert marks["98-scale"].solution and not marks["98-scale"].grade and not marks["98-scale"].locked
    assert marks["check-98-scale"].grade and marks["check-98-scale"].locked and marks["check-98-scale"].points == 10
    assert marks["98-essay"].grade and marks["98-essay"].solution and marks["98-essay"].points == 7
    nbformat.validate(released)


def test_answer_sheets_hold_no_pickle_and_no_code(tmp_path):
    import json

    for path in sheets.chapters():
        with np.load(path, allow_pickle=False) as file:
            assert all(file[name].dtype.kind in "biufcU" for name in file.files)
            text = bytes(file["sheet"]).decode()
        json.loads(text)
        assert "lambda" not in text and "def " not in text


SLIPS = [
    (
        "unknown id",
        'exercise="98.scale"',
        'exercise="98.scala"',
        "there is no exercise '98.scala'",
        'exercise="98.scala"',
    ),
    ("unknown check", 'check="98.root"', 'check="98.rot"', "there is no exercise '98.rot'", 'check="98.rot"'),
    ("without check", '# %% check="98.root"\ncheck("98.root", root)\n', "", "98.root has no check cell", '"98.root"'),
    (
        "check without exercise",
        '# %% exercise="98.root"\n### BEGIN SOLUTION\nroot = lambda z: z.clip(0) ** 0.5\n### END SOLUTION\n',
        "",
        "98.root is checked before its exercise cell, or has none",
        'check="98.root"',
    ),
    ("duplicate", 'exercise="98.root"', 'exercise="98.scale"', "98.scale has a cell already, in line 7", None),
    ("no end", "    ### END SOLUTION\n", "", "a solution begins and never ends", 'exercise="98.scale"'),
    ("no begin", "    ### BEGIN SOLUTION\n", "", "'### END SOLUTION' without", "### END SOLUTION"),
    (
        "no markers",
        "### BEGIN SOLUTION\nroot = lambda z: z.clip(0) ** 0.5\n### END SOLUTION",
        "root = 1",
        "exercise 98.root has no solution",
        'exercise="98.root"',
    ),
    (
        "solution elsewhere",
        "seed = 0",
        "### BEGIN SOLUTION\nseed = 0\n### END SOLUTION",
        "a solution stands in a cell that is not an exercise",
        'tags=["parameters"]',
    ),
    (
        "another check",
        'check("98.root", root)',
        'check("98.root", scale)',
        'the check cell should hold check("98.root", root)',
        'check="98.root"',
    ),
    ("no parameters", ' tags=["parameters"]', "", "there is no parameters cell", None),
    ("unknown word", 'tags=["parameters"]', 'tag="parameters"', "unknown word in the cell's marker: tag", 'tag="'),
    ("missing exercise", None, None, "exercise 98.extra is defined, and the notebook has no cell for it", None),
]


@pytest.mark.parametrize(("old", "new", "said", "place"), [slip[1:] for slip in SLIPS], ids=[slip[0] for slip in SLIPS])
def test_a_slip_has_its_sentence_with_file_and_line(tmp_path, monkeypatch, old, new, said, place):
    text = PAGE
    if old is None:
        monkeypatch.setitem(toy.ALL, "98.extra", toy.SCALE)
    else:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(AuthorError) as failure:
        read(tmp_path, text)
    message = str(failure.value)
    assert said in message
    assert message.startswith(f"{tmp_path}/98_toy.py:")
    if place is not None:
        assert f"98_toy.py:{line_of(text, place)}:" in message


def test_a_solution_that_stands_elsewhere_is_a_leak(tmp_path):
    leaking = PAGE + "\n# %%\ntimes_everything = x * w\n    \n"
    source = read(tmp_path, leaking.replace("times_everything", "times_everything_there_is"))
    with pytest.raises(AuthorError, match="98_toy.py:11: this line of a solution stands in the learner's copy"):
        released = release.released_notebook(release.source_notebook(source, toy.ALL), "98_toy")
        sources.find_leaks(source, [cell.source for cell in released.cells])


def test_no_solution_leaks_from_any_chapter():
    for path in build.source_files():
        source, _ = build.read(path)
        course = build.notebook_path(source.name, build.root() / "course")
        notebook = nbformat.read(course, as_version=4)
        sources.find_leaks(source, [cell.source for cell in notebook.cells])
        text = course.read_text()
        assert "BEGIN SOLUTION" not in text and "### STUB" not in text


def test_building_never_overwrites_answers(built, tmp_path):
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "03_convolution" / "03_convolution.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == "03-output_size")
    cell.source = cell.source.replace("raise NotImplementedError", "return 1")
    nbformat.write(notebook, path)
    with pytest.raises(AuthorError, match="holds answers that building would overwrite"):
        build.build(["03"], course=tmp_path)
    assert "return 1" in path.read_text()
    build.build(["03"], course=tmp_path, force=True)
    assert "return 1" not in path.read_text()


def test_a_run_notebook_without_answers_may_be_built_again(tmp_path):
    build.build(["start"], course=tmp_path)
    path = tmp_path / "start.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="seen")]
    nbformat.write(notebook, path)
    assert build.build(["start"], course=tmp_path)[0].state == "made"


def test_sources_open_as_notebooks_and_survive_a_round_trip(tmp_path):
    import jupytext

    for path in build.source_files():
        notebook = jupytext.read(path, fmt="py:percent")
        copy = tmp_path / path.name
        jupytext.write(notebook, copy, fmt="py:percent")
        again = jupytext.read(copy, fmt="py:percent")
        assert [(c.cell_type, c.source) for c in again.cells] == [(c.cell_type, c.source) for c in notebook.cells]


def exercise(**changes):
    values = {
        "id": "98.scale",
        "title": "t",
        "points": 1,
        "cases": lambda rng: [Case("one", x=2.0)],
        "oracle": lambda x: 2 * x,
        "misconceptions": [],
        "hints": ("a", "b", "c"),
    }
    return Exercise(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "conv2d"}, "not of the form"),
        ({"points": 0}, "has 0 points"),
        ({"hints": ("a",)}, "has 1 hints"),
        ({"misconceptions": [Misconception("a", "b", abs)] * 2}, "two misconceptions of one name"),
    ],
)
def test_a_wrong_definition_has_its_sentence(changes, said):
    with pytest.raises(AuthorError, match=said):
        exercise(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cases": lambda rng: []}, "has no cases"),
        ({"oracle": lambda x: object()}, "the oracle returned"),
        ({"misconceptions": [Misconception("none at all", "b", lambda x: 2 * x)]}, "'none at all' passes every case"),
    ],
)
def test_a_definition_that_cannot_teach_has_its_sentence(changes, said):
    with pytest.raises(AuthorError, match=said):
        drawing.entry(exercise(**changes), "seed")


def test_a_draw_that_hides_a_mistake_or_makes_two_alike_is_drawn_again():
    """Numbers from 0 to 2: at 0 all three mistakes are right, at 2 two of them are alike."""
    one = exercise(
        cases=lambda rng: [Case("one", x=float(rng.integers(0, 3)))],
        oracle=lambda x: 2 * x,
        misconceptions=[
            Misconception("squared", "b", lambda x: x * x if x else 0.0),
            Misconception("three times", "b", lambda x: 3 * x),
            Misconception("cubed less two", "b", lambda x: x**3 - 2 if x else 0.0),
        ],
    )
    for seed in map(str, range(40)):
        found = drawing.entry(one, seed)
        assert build.same_entry(found, drawing.entry(one, seed))
        assert found.cases[0].inputs == [("x", 1.0)]
    one = exercise(misconceptions=[Misconception("a", "b", lambda x: 0.0), Misconception("c", "d", lambda x: 0.0)])
    assert len(drawing.entry(one, "seed").misconceptions) == 2  # never told apart: the author's tests say so


def test_a_sheet_is_stale_by_what_it_says_and_not_by_a_processors_rounding(tmp_path):
    def made(**changes):
        nan = Misconception("not a number", "b", lambda x: float("nan"))
        nudged = Misconception("c", "d", lambda x: changes.get("list", [x.sum() / 3, float("inf")]))
        one = exercise(
            cases=lambda rng: [Case("one", x=np.arange(1.0, 5.0))],
            oracle=lambda x: np.float32(changes.get("right", 2)) * x.astype(np.float32),
            misconceptions=[nan, nudged],
        )
        return [drawing.entry(one, "seed"), drawing.entry(exercise(id="98.again"), "seed")]

    path = tmp_path / "98_toy.npz"
    sheets.write(path, "98", made())
    assert build._same_sheet(path, made())
    assert build._same_sheet(path, made(right=np.nextafter(np.float32(2), np.float32(3))))
    assert not build._same_sheet(path, made(right=2.01))
    assert not build._same_sheet(path, made(list=[7.0, float("inf")]))
    assert not build._same_sheet(path, made(list=[]))
    again = made()
    again[0].hints[0] = "another"
    assert not build._same_sheet(path, again)
    again = made()
    again[0].cases[0].expected = again[0].cases[0].expected.astype(float)
    assert not build._same_sheet(path, again)


def test_a_quiz_needs_its_letters():
    from autograder.authoring.exercise import Question

    with pytest.raises(AuthorError, match="question 1: the letters are"):
        quiz("98.quiz", 5, [Question("b", {"a": "x", "d": "y"})])


def test_a_strange_sheet_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "98_toy.npz"
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match="cannot be read"):
        sheets.read(path)


def test_the_help_of_the_source_format_is_true(tmp_path):
    """CONTRIBUTING's example of a source is one."""
    text = (build.root() / "CONTRIBUTING.md").read_text()
    block = textwrap.dedent(text.split("```python\n")[1].split("```")[0])
    path = tmp_path / "03_example.py"
    path.write_text(block)
    assert [cell.exercise or cell.check for cell in sources.read(path).cells][-2:] == ["03.output_size"] * 2
    shutil.rmtree(tmp_path)
