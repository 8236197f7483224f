"""Two distributions come from this repository: the learners' holds no answer, the instructor's all that it needs."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import introdl
from introdl import chapters, paths

ROOT = Path(__file__).resolve().parent.parent
WHOLE, LEARNERS, INSTRUCTORS = (
    tomllib.loads((ROOT / folder / "pyproject.toml").read_text()) for folder in ("", "course", "autograder")
)


def needs(project):
    return {str(Requirement(one)) for one in project["project"]["dependencies"]}


def test_a_checkout_needs_what_both_need_and_nothing_else():
    same = f"introdl=={introdl.__version__}"
    assert needs(WHOLE) == (needs(LEARNERS) | needs(INSTRUCTORS)) - {same} and same in needs(INSTRUCTORS)
    extras = INSTRUCTORS["project"]["optional-dependencies"]
    assert extras.items() <= WHOLE["project"]["optional-dependencies"].items()


def test_there_is_one_version():
    assert WHOLE["project"]["version"] == f"{introdl.__version__}+checkout"
    assert INSTRUCTORS["project"]["version"] == introdl.__version__


def test_what_is_said_twice_is_said_alike():
    both = [one["project"] for one in (LEARNERS, INSTRUCTORS)]
    for key in ("requires-python", "license"):
        assert {one[key] for one in both} == {WHOLE["project"][key]}
    scripts = [one["scripts"] for one in both]
    assert scripts[0] | scripts[1] == WHOLE["project"]["scripts"]
    assert both[1]["entry-points"] == WHOLE["project"]["entry-points"] and "entry-points" not in both[0]
    packages = {name for one in (LEARNERS, INSTRUCTORS) for name in one["tool"]["setuptools"]["packages"]}
    assert packages - {"introdl.notebooks", "autograder.solutions"} == set(WHOLE["tool"]["setuptools"]["packages"])
    for folder in ("course", "autograder"):
        assert (ROOT / folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_notebooks_are_found_in_a_checkout():
    found = chapters.notebooks()
    assert list(found)[:2] == ["start.ipynb", "glossary.ipynb"] and paths.is_checkout()
    assert [Path(one).parts[0] for one in list(found)[2:]] == [chapter.name for chapter in chapters.CHAPTERS]
    assert found["03_convolution/03_convolution.ipynb"] == ROOT / "course" / "03_convolution" / "03_convolution.ipynb"


# --- the wheels themselves ----------------------------------------------------------------------------------------


FORBIDDEN = ("*autograder*", "*solutions*", "*held_out*", "*exercises*", "tests/*", "*oracle*", "*kitchen*")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Both, built from a copy, so that nothing is left in the checkout."""
    place = tmp_path_factory.mktemp("wheels")
    ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", ".ipynb_checkpoints")
    for room in ("course", "autograder"):
        shutil.copytree(ROOT / room, place / room, ignore=ignored)
    for room in ("data", "solutions"):
        (place / room).symlink_to(ROOT / room)
    for room in ("course", "autograder"):
        words = [
            "uv",
            "build",
            "--wheel",
            "--quiet",
            "--no-build-isolation",
            "--python",
            sys.executable,
            str(place / room),
        ]
        done = subprocess.run([sys.executable, "-m", *words, "-o", place / "dist"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return {path.name.split("-")[0]: path for path in (place / "dist").glob("*.whl")}


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory):
    """Folders with one distribution each, as pip would unpack it."""
    places = {}
    for name, wheel in wheels.items():
        places[name] = tmp_path_factory.mktemp(name) / "site-packages"
        words = ["uv", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", places[name], wheel]
        done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return places


def names(wheel):
    with zipfile.ZipFile(wheel) as opened:
        return opened.namelist()


@pytest.mark.slow
def test_the_learners_wheel_holds_the_course_and_no_answer(wheels):
    found = names(wheels["introdl"])
    assert not [name for name in found for pattern in FORBIDDEN if fnmatch(name, pattern)]
    notebooks = {name.removeprefix("introdl/notebooks/") for name in found if name.endswith(".ipynb")}
    assert notebooks == set(chapters.notebooks())
    inside = {
        name for name in found if not name.startswith(("introdl/notebooks/", "introdl/embedded/", "introdl/sheets/"))
    }
    for path in (ROOT / "course" / "introdl").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert f"introdl/{path.relative_to(ROOT / 'course' / 'introdl').as_posix()}" in inside
    assert {name for name in found if name.endswith(".npz")} == {
        f"introdl/sheets/{one.name}.npz" for one in chapters.CHAPTERS
    }
    assert sum(path.endswith("LICENSE") for path in found) == 1


@pytest.mark.slow
def test_no_line_of_an_answer_is_in_the_learners_wheel(wheels):
    """Neither a solution's code, nor a course's answer in a sheet, nor a picture that is held out."""
    import hashlib

    from autograder.authoring import build, source
    from introdl.checking import sheets

    with zipfile.ZipFile(wheels["introdl"]) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    notebooks = {name: text.decode() for name, text in contents.items() if name.endswith(".ipynb")}
    for path in build.source_files():
        source.find_leaks(source.read(path), notebooks.values())
    for name, content in contents.items():
        if name.endswith(".npz"):
            assert all(entry.solution == "" for entry in sheets.from_bytes(content, name).values())

    def pictures(archive):
        with zipfile.ZipFile(archive) as opened:
            return {
                hashlib.sha256(opened.read(one)).digest() for one in opened.namelist() if one.endswith((".jpg", ".png"))
            }

    held_out = pictures(ROOT / "autograder" / "held_out" / "plates.zip")
    assert held_out
    for name in contents:
        if name.endswith(".zip"):
            with zipfile.ZipFile(wheels["introdl"]) as opened, opened.open(name) as archive:
                assert not pictures(archive) & held_out
    seeds = [name for name, text in contents.items() if name.endswith(".py") and b"classroom.toml" in text]
    assert seeds == []


@pytest.mark.slow
def test_an_installed_copy_checks_and_knows_no_autograder(installed, tmp_path):
    code = (
        "import introdl, sys; from introdl import check, chapters, paths;"
        "assert introdl.__file__.startswith(sys.argv[1]), introdl.__file__; assert not paths.is_checkout();"
        "assert all(str(path).startswith(sys.argv[1]) for path in chapters.notebooks().values());"
        "check('03.output_size', lambda n, k, s=1, p=0: (n + 2 * p - k) // s + 1);"
        "import importlib.util as u; print(u.find_spec('autograder'))"
    )
    done = _python(installed["introdl"], tmp_path, "-c", code, str(installed["introdl"]))
    assert done.returncode == 0, done.stderr
    assert "✓ Right" in done.stdout and done.stdout.endswith("None\n")
    helped = _python(installed["introdl"], tmp_path, "-c", "from introdl.cli import app; app()", "--help")
    assert helped.returncode == 0 and "progress" in helped.stdout


@pytest.mark.slow
def test_an_installed_autograder_hands_out_and_grades(installed, tmp_path):
    """With the learners' library in another folder, as two distributions lie in no checkout."""
    both = os.pathsep.join(map(str, (installed["introdl"], installed["introdl_autograder"])))
    run = "from autograder.cli import app; app()"
    for words in (["classroom", "init", "room"], ["assign", "03", "--in", "room"]):
        done = _python(both, tmp_path, "-c", run, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    place = tmp_path / "room" / "submitted" / "ada" / "03_convolution"
    place.mkdir(parents=True)
    shutil.copy(tmp_path / "room" / "release" / "03_convolution" / "03_convolution.ipynb", place)
    done = _python(both, tmp_path, "-c", run, "grade", "03", "--in", "room")
    from autograder import exercises, sandbox

    if not sandbox.trouble():
        points = sum(one.points for one in exercises.load("03").values())
        assert done.returncode == 0 and f"0 of {points:g}" in done.stdout, done.stdout + done.stderr


def _python(library, folder, *words):
    """This Python without the checkout: its packages, but for ours, and a distribution's own in front."""
    site = [one for one in sys.path if one.endswith(("site-packages", "dist-packages"))]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("INTRODL", "PYTHON"))}
    clean |= {"PYTHONPATH": os.pathsep.join([str(library), *site]), "INTRODL_HOME": str(folder / "home")}
    return subprocess.run(
        [sys.executable, "-S", *words], cwd=folder, env=clean, capture_output=True, text=True, timeout=600
    )
