"""The rules for chapters: every chapter keeps them, and each of them is broken here once and said with file and line."""

import dataclasses
import re

import nbformat
import pytest

from autograder import exercises as exercise_bank
from autograder.authoring import build, files, lint
from autograder.authoring.exercise import Misconception
from autograder.authoring.source import Finding
from autograder.authoring.source import read as read_source
from autograder.errors import AuthorError
from introdl.chapters import CHAPTERS, Chapter
from tests import toy

SOURCE = """\
# %% [markdown]
# # 98 Toys
#
# **Time**: about 40 minutes. **You need**: nothing.

# %% tags=["parameters"]
seed = 0

# %%
figs.still()

# %%
figures.show(figs.drawn(), "A line that rises from left to right.")

# %%
figs.moving()

# %% [markdown]
# ## Scale
#
# ![A ruler](ruler.png)

# %% exercise="98.scale"
### BEGIN SOLUTION
scale = lambda x, w: x * w
### END SOLUTION

# %% check="98.scale"
check("98.scale", scale)

# %% [markdown]
# ### Roots

# %% exercise="98.root"
### BEGIN SOLUTION
root = lambda z: z.clip(0) ** 0.5
### END SOLUTION

# %% check="98.root"
check("98.root", root)

# %% [markdown]
# ## Quiz

# %% exercise="98.quiz"
### BEGIN SOLUTION
### STUB answer_1 = answer_2 = None
answer_1, answer_2 = "b", "a"
### END SOLUTION

# %% check="98.quiz"
check("98.quiz", answer_1, answer_2)

# %% [markdown]
# Read on: [a book](https://example.org).
"""

EXERCISES = """\
SCALE = Exercise(
    "98.scale",
    misconceptions=[Misconception("loses the sign")],
)
ROOT = Exercise("98.root")
QUIZ = quiz("98.quiz")
EXERCISES = [SCALE, ROOT, QUIZ]
"""

ANSWERS = """\
ANSWERS = {
    "98.scale": [1, 2, 3],
    "98.root": [1, 2, 3],
}
"""

FIGURES = """\
def still():
    svg.show("<svg/>", "Two boxes, one above the other.")


def moving():
    _shown()


def _shown():
    explore(lambda: "", {}, "A box that can be moved.")
"""

CHAPTER = Chapter("98_toys", "Toys", "Toys", "toys", 40, ("13",))


def work(root, source=SOURCE, exercises=None, chapter=CHAPTER, **changed):
    """A chapter in a folder of its own, changed as a test asks for."""
    texts = {"source": source, "exercises": EXERCISES, "answers": ANSWERS, "figures": FIGURES} | changed
    for kind, path in files.of_chapter(root, "98_toys").items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[kind])
    (root / files.CHAPTERS).write_text('CHAPTERS = (\n    Chapter(\n        "98_toys",\n    ),\n)\n')
    read = read_source(root / "solutions" / "98_toys.py")
    read.path = read.path.relative_to(root)
    return lint.Work(read, exercises or worth(84), root, chapter)


def worth(points, **changed):
    """The toy exercises, with so many points for the first of them: 5 and 6 are the others'."""
    one = dataclasses.replace(toy.SCALE, points=points, **changed)
    return toy.ALL | {one.id: one}


def without(text, part):
    assert part in text
    return text.replace(part, "")


def instead(text, part, other):
    assert part in text
    return text.replace(part, other, 1)


SOURCE_FILE, EXERCISES_FILE = "solutions/98_toys.py", "autograder/exercises/ch98_toys.py"
ANSWERS_FILE, FIGURES_FILE = "tests/answers/ch98_toys.py", "course/introdl/figures/toys.py"

SCALE_CELLS = SOURCE[SOURCE.index('# %% exercise="98.scale"') : SOURCE.index("# %% [markdown]\n# ### Roots")]
QUIZ_CHECK = '\n# %% check="98.quiz"'

#: For each rule: what is changed, where the finding stands (file and text of the line), and what it says.
BROKEN = [
    ("title", {"source": instead(SOURCE, "98 Toys", "98 Games")}, SOURCE_FILE, "98 Games", "the title should be '# 98 Toys'"),
    ("title", {"chapter": None}, files.CHAPTERS, "CHAPTERS =", "98_toys is not in CHAPTERS; add its entry"),
    ("minutes", {"source": instead(SOURCE, "about 40", "about 45")}, SOURCE_FILE, "about 45", "write 'about 40 minutes'"),
    ("minutes", {"source": instead(SOURCE, "about 40", "some")}, SOURCE_FILE, "# %% [m", "write 'about 40 minutes'"),
    ("headings", {"source": instead(SOURCE, "### Roots", "#### Roots")}, SOURCE_FILE, "#### Roots", "'#### Roots' skips a level"),
    ("headings", {"source": without(SOURCE, "# ### Roots")}, SOURCE_FILE, 'exercise="98.root"', "98.root has no heading"),
    (
        "order",
        {"exercises": {id: worth(84)[id] for id in ("98.root", "98.scale", "98.quiz")}},
        SOURCE_FILE,
        'exercise="98.scale"',
        "98.scale stands where EXERCISES has 98.root",
    ),
    (
        "order",
        {"exercises": {id: worth(90)[id] for id in ("98.scale", "98.root")}},
        EXERCISES_FILE,
        "EXERCISES =",
        "there is no quiz; add one with the id 98.quiz",
    ),
    (
        "check_follows",
        {"source": instead(SOURCE, QUIZ_CHECK, "\n# %%\nprint(1)\n" + QUIZ_CHECK)},
        SOURCE_FILE,
        'exercise="98.quiz"',
        "put the check cell of 98.quiz right below it",
    ),
    ("points", {"exercises": worth(83)}, EXERCISES_FILE, "EXERCISES =", "the chapter has 94 points"),
    ("points", {"exercises": worth(95)}, EXERCISES_FILE, "EXERCISES =", "the chapter has 106 points"),
    (
        "points",
        {"source": SOURCE + '\n# %% [markdown] written="98.essay" points=11\n# Why?\n'},
        EXERCISES_FILE,
        "EXERCISES =",
        "the chapter has 106 points",
    ),
    ("teaching", {"exercises": worth(84, misconceptions=())}, EXERCISES_FILE, '"98.scale"', "98.scale knows no mistake"),
    ("teaching", {"exercises": worth(84, hints=("a", " ", "c"))}, EXERCISES_FILE, '"98.scale"', "98.scale has an empty hint"),
    (
        "teaching",
        {"exercises": worth(84, misconceptions=[Misconception("loses the sign", " ", abs)])},
        EXERCISES_FILE,
        "loses the sign",
        "'loses the sign' of 98.scale explains nothing",
    ),
    ("answers", {"answers": without(ANSWERS, "1, ")}, ANSWERS_FILE, '"98.scale"', "98.scale has 2 right answers; write 3"),
    ("answers", {"answers": "ANSWERS = {}\n"}, ANSWERS_FILE, "ANSWERS =", "98.root has 0 right answers"),
    ("answers", {"answers": instead(ANSWERS, "98.root", "98.rot")}, ANSWERS_FILE, "98.rot", "there is no exercise 98.rot"),
    ("figures", {"source": without(SOURCE, "figs.still()")}, SOURCE_FILE, None, "the notebook shows 2 figures; show at least 3"),
    ("figures", {"figures": instead(FIGURES, "    _shown()", "    still()")}, SOURCE_FILE, None, "no figure moves"),
    ("alt_texts", {"source": instead(SOURCE, "A ruler", "")}, SOURCE_FILE, "![", "a picture without alt text"),
    ("alt_texts", {"source": instead(SOURCE, "![A ruler](ruler.png)", "<img src='a'>")}, SOURCE_FILE, "<img", "without alt text"),
    (
        "alt_texts",
        {"source": instead(SOURCE, '"A line that rises from left to right."', '"A line."')},
        SOURCE_FILE,
        "figures.show",
        "figures.show has no alt text",
    ),
    ("alt_texts", {"source": instead(SOURCE, "figs.still()", "plt.show()")}, SOURCE_FILE, "plt.show", "plt.show shows a figure"),
    ("alt_texts", {"figures": without(FIGURES, ', "A box that can be moved."')}, FIGURES_FILE, "explore(", "explore has no alt"),
    ("further_reading", {"source": without(SOURCE, "https://")}, SOURCE_FILE, "# %% [markdown]\n# Read on", "no further reading"),
    ("unfinished", {"figures": FIGURES + "# TODO: more\n"}, FIGURES_FILE, "# TODO", "still to be written: TODO: more"),
    ("unfinished", {"source": SOURCE + "# @RATE@ and so on\n"}, SOURCE_FILE, "# @RATE@", "still to be written: @RATE@ and so on"),
    ("wrapped", {"source": instead(SOURCE, "# ![A", "# with a deviation of\n# 1. ![A")}, SOURCE_FILE, "# 1. ", "begins a list"),
    ("unfinished", {"chapter": dataclasses.replace(CHAPTER, builds="TODO")}, files.CHAPTERS, "98_toys", "the chapter's entry"),
]  # fmt: skip


def test_every_chapter_keeps_every_rule():
    assert [str(finding) for finding in build.findings()] == []


def test_the_toy_chapter_keeps_every_rule(tmp_path):
    assert lint.habits(work(tmp_path)) == []


def test_every_rule_is_broken_here_once():
    assert {name for name, *_ in BROKEN} == {rule.__name__ for rule in lint.RULES}
    assert all(rule.__doc__ for rule in lint.RULES)


@pytest.mark.parametrize(("rule", "changed", "file", "text", "said"), BROKEN, ids=[f"{b[0]}: {b[4]}" for b in BROKEN])
def test_a_broken_rule_has_its_sentence_with_file_and_line(tmp_path, rule, changed, file, text, said):
    broken = work(tmp_path, **changed)
    found = [str(finding) for finding in getattr(lint, rule)(broken)]
    content = (tmp_path / file).read_text()
    line = content[: content.index(text)].count("\n") + 1 if text else 1
    assert any(
        one.startswith(f"{file}:{line}: {said}") or (one.startswith(f"{file}:{line}: ") and said in one)
        for one in found
    )
    assert all(re.fullmatch(r"[\w./]+:\d+: .+[\w.)'!]", one) for one in found)


@pytest.mark.parametrize(
    ("chapters", "said"),
    [
        ([CHAPTER], "98 needs 13, which does not come before it"),
        ([dataclasses.replace(CHAPTER, name="97_gone", needs=())], "there is no solutions/97_gone.py"),
        ([CHAPTER, dataclasses.replace(CHAPTER, name="12_mealomi")], "chapter 12 stands after 98; sort them"),
        ([CHAPTER, dataclasses.replace(CHAPTER, name="99_more", needs=())], "chapter 99 needs nothing"),
    ],
)
def test_a_chapter_needs_only_what_comes_before_it_and_has_a_source(tmp_path, chapters, said):
    work(tmp_path)
    assert any(said in str(finding) for finding in lint.course(tmp_path, chapters))
    assert list(lint.course(build.root(), CHAPTERS)) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"figures": "def still(:\n"}, f"{FIGURES_FILE}:1: this is not Python: invalid syntax"),
        ({"answers": "ANSWERS = {\n"}, f"{ANSWERS_FILE}:1: this is not Python: "),
        ({"source": instead(SOURCE, "figs.still()", "figs.still(")}, f"{SOURCE_FILE}:10: this is not Python: "),
        ({"answers": "ANSWERS = {}[1]\n"}, f"{ANSWERS_FILE}:1: importing it fails with KeyError: 1"),
    ],
)
def test_what_is_no_python_is_said_instead_of_a_traceback(tmp_path, changed, said):
    assert str(lint.habits(work(tmp_path, **changed))[0]).startswith(said)


def test_all_slips_of_a_source_are_said_at_once(tmp_path):
    broken = instead(instead(SOURCE, 'check("98.root", root)', 'check("98.root")'), ' tags=["parameters"]', "")
    found = [str(finding) for finding in lint.slips(work(tmp_path, broken).source, worth(84))]
    assert len(found) == 2 and "the check cell should hold" in found[0] and "no parameters cell" in found[1]


def output(**data):
    return nbformat.v4.new_output("display_data", {"text/html": "", **data})


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([nbformat.v4.new_output("stream", name="stderr", text="Warning")], "wrote to stderr: Warning"),
        ([output(**{"image/png": "x"})], "shows a figure without alt text; use figures.show"),
        ([output(**{"text/html": "<img src='x'>"})], "a picture has no alt text"),
        ([output(**{"text/html": "<svg/>"})] * 2, "it shows 2 figures; show at least 3"),
        ([output(**{"text/html": "<svg/>"})] * 3, "no figure moves"),
    ],
)
def test_what_only_a_run_shows_has_its_sentence(tmp_path, outputs, said):
    cell = nbformat.v4.new_code_cell("1")
    cell.outputs = outputs
    notebook = nbformat.v4.new_notebook(cells=[cell])
    found = list(lint.executed(notebook, tmp_path / "98_toys.ipynb", chapter=True))
    assert any(said in finding.sentence for finding in found)
    assert all(isinstance(finding, Finding) and finding.line == 0 for finding in found)


def test_exercises_that_are_no_python_are_said_instead_of_a_traceback(monkeypatch):
    def broken(name):
        raise SyntaxError("invalid syntax", ("ch03_convolution.py", 7, 1, "def"))

    monkeypatch.setattr(exercise_bank, "import_module", broken)
    with pytest.raises(AuthorError, match="ch03_convolution.py:7: this is not Python: invalid syntax; mend it first"):
        exercise_bank.load.__wrapped__("03")
