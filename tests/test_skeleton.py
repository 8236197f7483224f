"""Skeletons: a new exercise and a new chapter are written whole, build at once, and pass their tests."""

import os
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from autograder.authoring import build, files, skeleton
from autograder.cli import app
from autograder.errors import AuthorError

ROOT = build.root()


@pytest.fixture
def checkout(tmp_path):
    """The files of two chapters that are written by hand, and the list of chapters."""
    for name in ("00_why", "04_pooling"):
        for path in files.of_chapter(ROOT, name).values():
            copy(path, tmp_path)
    copy(ROOT / files.CHAPTERS, tmp_path)
    return tmp_path


def copy(path, to):
    there = to / path.relative_to(ROOT)
    there.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, there)


def everything(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_exercise_stands_in_three_places_after_the_one_named(checkout):
    written = skeleton.new_exercise(checkout, "04.unpool", "Undo a pooling", 3, "04.max_pool2d")
    assert {str(path) for path in written} == {
        "solutions/04_pooling.py", "autograder/exercises/ch04_pooling.py", "tests/answers/ch04_pooling.py",
    }  # fmt: skip
    source, exercises, answers = ((checkout / path).read_text() for path in written)
    marks = [line for line in source.splitlines() if line.startswith(("# %% exercise=", "# %% check="))]
    assert marks[:5] == [
        '# %% exercise="04.max_pool2d"', '# %% check="04.max_pool2d"',
        '# %% exercise="04.unpool"', '# %% check="04.unpool"',
        '# %% exercise="04.avg_pool2d"',
    ]  # fmt: skip
    assert "EXERCISES = [\n    MAX_POOL2D,\n    UNPOOL,\n    AVG_POOL2D,\n" in exercises
    assert 'title="Undo a pooling"' in exercises and "points=3," in exercises
    assert '    "04.unpool": [unpool_loop, unpool_product, unpool_float32],\n    "04.avg_pool2d"' in answers
    for path, text in zip(written, (source, exercises, answers), strict=True):
        taken = set((ROOT / path).read_text().splitlines()) - set(text.splitlines())
        assert taken == set(), "nothing that stood there before is gone"


def test_without_a_place_it_comes_last_before_the_quiz(checkout):
    written = skeleton.new_exercise(checkout, "00.unpool")
    source, exercises = ((checkout / path).read_text() for path in written[:2])
    assert source.index('check="00.correct_rank"') < source.index('exercise="00.unpool"') < source.index("00.quiz")
    assert "    CORRECT_RANK,\n    UNPOOL,\n    QUIZ,\n]" in exercises
    assert 'title="Unpool"' in exercises and "points=5," in exercises


@pytest.mark.parametrize(
    ("id", "more", "said"),
    [
        ("unpool", {}, "'unpool' is not an exercise's id"),
        ("04.Unpool", {}, "'04.Unpool' is not an exercise's id"),
        ("04.lambda", {}, "'04.lambda' is not an exercise's id"),
        ("14.unpool", {}, "There is no chapter 14; make it with: autograder new-chapter 14_name"),
        ("04.max_pool2d", {}, 'exercise="04.max_pool2d" is there already, in the chapter\'s source'),
        ("04.libraries", {}, "LIBRARIES is there already, in the chapter's exercises; choose another name"),
        ("04.max_pool", {}, "max_pool_loops? is there already, in the chapter's answers; choose another name"),
        ("04.unpool", {"after": "04.conv2d"}, "There is no exercise 04.conv2d to follow; there are: 04.max_pool2d,"),
        ("04.unpool", {"points": 0}, "Exercise 04.unpool would have 0 points; give it more than 0"),
        ("04.unpool", {"title": 'The "un" pool'}, "holds a quotation mark"),
    ],
)
def test_a_name_that_is_taken_or_unfit_is_refused_with_a_sentence(checkout, id, more, said):
    if id == "04.max_pool":
        path = checkout / "tests/answers/ch04_pooling.py"
        path.write_text(path.read_text().replace("max_pool_loops", "max_pool_loop"))
    before = everything(checkout)
    with pytest.raises(AuthorError, match=said):
        skeleton.new_exercise(checkout, id, **more)
    assert everything(checkout) == before


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "autograder/exercises/ch04_pooling.py",
            "EXERCISES = [",
            "EXERCISES = [*MORE,",
            "EXERCISES .* a list of names",
        ),
        ("autograder/exercises/ch04_pooling.py", "EXERCISES = [", "OTHERS = [", "exercises have no EXERCISES"),
        ("tests/answers/ch04_pooling.py", "ANSWERS = {", "OTHERS = {", "answers have no ANSWERS"),
        ("autograder/exercises/ch04_pooling.py", "    CNN_FORWARD,\n", "", "No name of EXERCISES is defined as 04.cnn"),
    ],
)
def test_a_file_that_is_written_otherwise_has_its_sentence_and_nothing_is_written(checkout, file, old, new, said):
    text = (checkout / file).read_text()
    assert old in text
    (checkout / file).write_text(text.replace(old, new))
    before = everything(checkout)
    with pytest.raises(AuthorError, match=said):
        skeleton.new_exercise(checkout, "04.unpool")
    assert everything(checkout) == before


def test_all_places_are_written_or_none(checkout, monkeypatch):
    before = everything(checkout)
    write = files.paths.write_atomically

    def full(path, content):
        if path.name == "chapters.py" and b"14_attention" in content:
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(files.paths, "write_atomically", full)
    with pytest.raises(OSError, match="No space left"):
        skeleton.new_chapter(checkout, "14_attention")
    assert everything(checkout) == before


def test_a_new_chapter_is_written_into_five_places(checkout):
    written = {str(path) for path in skeleton.new_chapter(checkout, "14_attention", "Where to look")}
    assert written == {
        "solutions/14_attention.py", "autograder/exercises/ch14_attention.py", "tests/answers/ch14_attention.py",
        "course/introdl/figures/attention.py", "course/introdl/chapters.py",
    }  # fmt: skip
    names: dict = {}
    exec((checkout / files.CHAPTERS).read_text().replace("@dataclass(frozen=True)", "@dataclass"), names)
    last = names["CHAPTERS"][-1]
    assert (last.name, last.title, last.needs) == ("14_attention", "Where to look", ("13",))
    with pytest.raises(AuthorError, match="Chapter 14 cannot follow chapter 14; name it 15_attention"):
        skeleton.new_chapter(checkout, "14_attention")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("attention", "'attention' is not a chapter's name; write two digits and a name"),
        ("14-attention", "'14-attention' is not a chapter's name"),
        ("16_attention", "Chapter 16 cannot follow chapter 13; name it 14_attention"),
        ("14_pooling", "course/introdl/figures/pooling.py is there already"),
    ],
)
def test_a_chapter_that_cannot_be_is_refused_with_a_sentence(checkout, name, said):
    before = everything(checkout)
    with pytest.raises(AuthorError, match=said):
        skeleton.new_chapter(checkout, name)
    assert everything(checkout) == before


def test_the_commands_end_in_a_sentence():
    for command in (["new-exercise", "unpool"], ["new-chapter", "attention"]):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 1 and "is not a" in result.output and "Traceback" not in result.output


def test_skeletons_build_at_once_run_and_pass_their_tests(tmp_path):
    """In a checkout of its own, by the commands that an author types."""
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "held_out")
    for room in ("autograder", "course", "solutions", "tests"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=ignored)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "autograder/held_out").symlink_to(ROOT / "autograder/held_out")
    (tmp_path / "data").symlink_to(ROOT / "data")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{tmp_path / 'course'}"}

    def run(*words):
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def command(*words):
        return run("-c", "from autograder.cli import app; app()", *words)

    command("new-chapter", "14_attention", "--title", "Where to look")
    command("new-exercise", "14.second", "--points", "4", "--after", "14.first")
    told = command("build", "14")
    assert "made: " in told and "14_attention.npz" in told and "README.md" in told and "start.ipynb" in told
    findings = [line for line in told.splitlines() if ".py:" in line]
    assert findings and all("still to be written" in line or "to be written, where" in line for line in findings)
    assert "[14 Where to look](14_attention/14_attention.ipynb)" in (tmp_path / "course/start.ipynb").read_text()
    run("-c", "from introdl.figures import course_map; course_map.course_map()")
    run(
        "-c",
        "from introdl.cli import app; app()",
        "execute",
        "course/14_attention",
        "--expect",
        "not started",
        "--out",
        "build/blank",
    )
    run(
        "-c",
        "from introdl.cli import app; app()",
        "execute",
        "solutions/14_attention.py",
        "--expect",
        "passed",
        "--out",
        "build/solved",
    )
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_exercises.py", "-k", "14. and few or 14. and sheet")
    ruff = ("--config", str(tmp_path / "pyproject.toml"), "autograder", "tests/answers", "course/introdl")
    run("-m", "ruff", "check", *ruff)
    run("-m", "ruff", "format", "--check", *ruff)
