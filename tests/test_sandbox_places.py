"""Grading works wherever the course, its environment and its Python lie, and shows a submission nothing of it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

import pytest

from autograder import sandbox
from tests import small_class

pytestmark = [
    pytest.mark.machine,
    pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox"),
]
ROOT = Path(__file__).resolve().parent.parent

#: Looks for what no submission may see, and for a place to leave something for the next one.
SPY = """
import os
wanted = {"classroom.toml", "secret.txt", "03_convolution.py", "ch03_convolution.py", "03_convolution.npz"}
found, written = [], []
own = {os.stat(place).st_dev for place in ("/tmp", "/home")}  # its own scratch folders: those it may write to
for top in (PLACES):
    for here, folders, files in os.walk(top):
        found += [os.path.join(here, name) for name in files if name in wanted]
        if os.stat(here).st_dev not in own:
            try:
                open(os.path.join(here, "left"), "w").close()
                written.append(here)
            except OSError:
                pass
print("FOU" + "ND", found, "WRITTEN", written, "DONE")
raise SystemExit
"""


def link_or_copy(source, target):
    """Copy a file, at no cost where that can be had."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def copy_of_the_checkout(folder):
    """Everything that the course is made of, without what was built here."""
    leave = shutil.ignore_patterns(".*", "build", "*.egg-info")
    shutil.copytree(ROOT, folder, ignore=leave, copy_function=link_or_copy)


def environment(folder, *paths):
    """An environment that borrows this one's libraries, but has the course from `paths`."""
    venv.create(folder, with_pip=False, symlinks=True)
    return borrow(folder, *paths)


def borrow(folder, *paths):
    """Let an environment have this one's libraries, and the course from `paths`."""
    place = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    libraries = [one for one in sys.path if Path(one).name in ("site-packages", "dist-packages")]
    (place / "course.pth").write_text("\n".join([*map(str, paths), *libraries]), encoding="utf-8")
    return place


def in_a_checkout(folder):
    """`folder` as after git clone and make: the environment lies in the checkout."""
    copy_of_the_checkout(folder)
    environment(folder / ".venv", folder / "course", folder)
    return folder / ".venv"


def in_the_environments_own_folder(folder):
    """The whole checkout lies in a folder of Python's that submissions see."""
    place = environment(folder / ".venv")
    copy_of_the_checkout(place / "src" / "course")
    (place / "here.pth").write_text(f"{place}/src/course/course\n{place}/src/course\n", encoding="utf-8")
    return folder / ".venv"


def through_a_link(folder):
    """A checkout that is used by way of a link to it."""
    in_a_checkout(folder.parent / "really")
    folder.symlink_to("really")
    shutil.rmtree(folder / ".venv")
    environment(folder / ".venv", folder / "course", folder)
    return folder / ".venv"


def in_a_prefix_that_is_a_home(folder):
    """`python -m venv ~`: the environment and everything else of its owner's share a folder."""
    copy_of_the_checkout(folder / "course")
    environment(folder, folder / "course" / "course", folder / "course")
    return folder


def with_a_python_of_its_own(folder):
    """As with pyenv or conda: Python itself lies beside the checkout, in its owner's folder."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    own, stdlib = folder / "python", Path(sysconfig.get_path("stdlib"))
    (own / "bin").mkdir(parents=True)
    shutil.copy2(os.path.realpath(sys.executable), own / "bin" / name)
    leave = shutil.ignore_patterns("site-packages", "dist-packages", "test", "config-*", "idlelib")
    shutil.copytree(stdlib, own / "lib" / name, ignore=leave, copy_function=link_or_copy)
    for library in Path(sys.base_prefix, "lib").glob("libpython*.so*"):
        shutil.copy2(library, own / "lib" / library.name)
    copy_of_the_checkout(folder / "course")
    make = [own / "bin" / name, "-m", "venv", "--without-pip", folder / "course" / ".venv"]
    subprocess.run(make, check=True, env={"PATH": os.defpath, "LD_LIBRARY_PATH": str(own / "lib")})
    borrow(folder / "course" / ".venv", folder / "course" / "course", folder / "course")
    return folder / "course" / ".venv"


def by_a_link_in_a_home(folder):
    """The environment was made by ``~/bin/python3``, a link; beside it lies what is its owner's alone."""
    for name in ("bin", "lib"):
        (folder / name).mkdir(parents=True)
        (folder / name / "secret.txt").write_text("secret")
    (folder / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    venv_of = [folder / "bin" / "python3", "-m", "venv", "--without-pip", folder / "course" / ".venv"]
    copy_of_the_checkout(folder / "course")
    subprocess.run(venv_of, check=True, env={"PATH": os.defpath})
    program = folder / "course" / ".venv" / "bin" / "python3"
    program.unlink()
    program.symlink_to(folder / "bin" / "python3")
    borrow(folder / "course" / ".venv", folder / "course" / "course", folder / "course")
    return folder / "course" / ".venv"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The course as it is published."""
    pytest.importorskip("setuptools", reason="setuptools, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    copy_of_the_checkout(folder / "course")
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*words, "--wheel-dir", str(folder), str(folder / "course")], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    """One honest and one hostile submission."""
    room = small_class.make(tmp_path_factory.mktemp("class") / "room")
    small_class.hand_in(room, "honest", {id: answers[0] for id, answers in small_class.RIGHT.items()})
    small_class.hand_in(room, "hostile", {"03.output_size": SPY})
    return room.root


def home():
    """A folder below /home that this user may write to."""
    for place in (Path("/home"), Path.home()):
        if place.is_relative_to("/home") and os.access(place, os.W_OK):
            return place
    return pytest.skip("This user has no folder under /home.")


@pytest.fixture
def base(request):
    """A new folder in a place of the machine's, removed afterwards."""
    parent = home() if request.param == "home" else Path(request.param)
    folder = Path(tempfile.mkdtemp(prefix="introdl-place-", dir=parent))
    yield folder
    shutil.rmtree(folder)


def grades(environment, folder, classroom):
    """Grade the class with an environment's Python, as a person would; return the scores and what the spy said."""
    room = folder / "class"
    shutil.copytree(classroom, room)
    (folder / "secret.txt").write_text("secret")
    spied = room / "submitted" / "hostile" / small_class.NAME / f"{small_class.NAME}.ipynb"
    places = [str(folder), str(environment), os.path.realpath(folder), str(Path.home()), "/course", "/data", "/tmp"]
    spied.write_text(spied.read_text().replace("(PLACES)", json.dumps(json.dumps(places))[1:-1]))
    words = [environment / "bin" / "python", "-P", "-c", "from autograder.cli import app; app()", "grade", "03"]
    keep = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [*words, "--in", room, "--summary", room / "results.json", "--jobs", "1"],
        cwd=folder, capture_output=True, text=True, env=keep,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((room / "results.json").read_text())
    assert not any("not run" in str(one) or one["state"] != "graded" for one in results), results
    said = (room / "autograded" / "hostile" / small_class.NAME / f"{small_class.NAME}.ipynb").read_text()
    return {one["student"]: one["score"] for one in results}, said


def said_by_spy(notebook):
    """What the hostile submission printed."""
    start = notebook.find("FOUND")
    return notebook[start : notebook.find(" DONE", start)] if start >= 0 else notebook[-2000:]


HONEST = sum(small_class.POINTS[id] for id in small_class.RIGHT)


@pytest.mark.parametrize(
    ("base", "name", "lay"),
    [
        pytest.param("home", "course", in_a_checkout, id="under-home"),
        pytest.param("/tmp", "x", in_a_checkout, id="under-tmp"),
        pytest.param("home", "Kurs für Anna (2026)", in_a_checkout, id="spaces-and-umlauts"),
        pytest.param("/tmp", "course", through_a_link, id="through-a-link-under-tmp"),
        pytest.param("home", "someone", in_a_prefix_that_is_a_home, id="environment-is-a-home"),
        pytest.param("home", "someone", with_a_python_of_its_own, id="python-under-home"),
        pytest.param("home", "someone", by_a_link_in_a_home, id="by-a-link-in-a-home"),
        pytest.param("/tmp", "someone", with_a_python_of_its_own, id="python-under-tmp"),
        pytest.param("home", "course", in_the_environments_own_folder, id="checkout-within-the-libraries"),
    ],
    indirect=["base"],
)
def test_a_class_is_graded_wherever_the_checkout_lies(base, name, lay, classroom):
    environment = lay(base / name)
    scores, said = grades(environment, base, classroom)
    assert scores == {"honest": HONEST, "hostile": 0}
    assert said_by_spy(said) == "FOUND [] WRITTEN []"


@pytest.mark.parametrize("base", ["home", "/tmp"], indirect=True, ids=["under-home", "under-tmp"])
def test_a_class_is_graded_by_an_installed_wheel(base, classroom, wheel):
    place = environment(base / "env")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place)
    scores, said = grades(base / "env", base, classroom)
    assert scores == {"honest": HONEST, "hostile": 0}
    assert said_by_spy(said) == "FOUND [] WRITTEN []"
