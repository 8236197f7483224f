"""The set-up holds on every Python that the README names, and says what is wrong where it does not."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ["3.11.0", "3.11.2", "3.12.0", "3.13.0", "3.14.0"]
#: Platforms as uv calls them, and how the markers of a requirement see each.
PLATFORMS = {
    "x86_64-manylinux_2_28": {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"},
    "aarch64-manylinux_2_28": {"sys_platform": "linux", "platform_machine": "aarch64", "os_name": "posix"},
    "aarch64-apple-darwin": {"sys_platform": "darwin", "platform_machine": "arm64", "os_name": "posix"},
    "x86_64-pc-windows-msvc": {"sys_platform": "win32", "platform_machine": "AMD64", "os_name": "nt"},
}
pytestmark = pytest.mark.machine


def pins():
    """The lines of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def holds(marker: Marker | None, python: str, platform: str) -> bool:
    version = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    names = {"implementation_name": "cpython", "platform_python_implementation": "CPython", "extra": ""}
    return marker is None or marker.evaluate(version | names | PLATFORMS[platform])


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_package_that_we_name_has_one_version(python, platform):
    versions = {}
    for pin in pins():
        if holds(pin.marker, python, platform):
            versions.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
    ours = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    for one in map(Requirement, ours):
        if canonicalize_name(one.name) == PROJECT["name"] or not holds(one.marker, python, platform):
            continue
        (found,) = versions.get(canonicalize_name(one.name), [None])
        assert found and one.specifier.contains(found.removeprefix("==")), f"{one} is pinned to {found}"


@pytest.mark.parametrize(
    ("python", "platform"),
    [
        (python, platform)
        for python in PYTHONS
        for number, platform in enumerate(PLATFORMS)
        if number == 0 or python in (PYTHONS[0], PYTHONS[-1])
    ],
)
def test_the_pins_can_be_installed(python, platform):
    """Resolved as pip would, with ready wheels alone, and nothing installed."""
    words = [sys.executable, "-m", "uv", "pip", "compile", str(ROOT / "pyproject.toml"), "--all-extras", "--no-header"]
    words += ["-c", str(ROOT / "constraints.txt"), "--python-version", python, "--python-platform", platform]
    words += ["--only-binary", ":all:", "--no-annotate", "--quiet", "--color", "never"]
    surroundings = os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0", "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(words, capture_output=True, text=True, env=surroundings, cwd=ROOT)
    if done.returncode and re.search(r"error sending request|dns error|Failed to fetch|timed out", done.stderr):
        pytest.skip("The package index cannot be reached, so that the pins cannot be resolved.")
    assert done.returncode == 0, done.stderr
    pinned = {f"{canonicalize_name(pin.name)}{pin.specifier}" for pin in pins()}
    resolved = [line.split(";")[0].strip() for line in done.stdout.splitlines() if "==" in line]
    assert len(resolved) > 100 and not [line for line in resolved if line not in pinned], "run 'make constraints'"


def test_no_line_of_ours_needs_a_newer_python_than_we_say():
    floor = PROJECT["requires-python"].removeprefix(">=")
    options = [f"--target={floor}-", "--violations", "--no-tips", "--processes=1"]
    folders = [str(ROOT / folder) for folder in ("course/introdl", "autograder", "solutions", "data/kitchen", "tests")]
    words = [sys.executable, "-c", "from vermin import main; main()", *options, *folders]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_classifiers_name_the_pythons_that_are_resolved():
    named = {text.rsplit(" ", 1)[1] for text in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", text)}
    assert named == {".".join(python.split(".")[:2]) for python in PYTHONS}
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert all(f'"{python}"' in workflow for python in named) and "bash .ci/run" in workflow


@pytest.fixture
def checkout(tmp_path):
    """What make needs of the project."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="There is no make here: apt-get install make")


def make(folder, target, *words, **surroundings):
    done = subprocess.run(
        ["make", "-C", folder, target, *words], capture_output=True, text=True, env=os.environ | surroundings
    )
    return done.returncode, done.stdout + done.stderr


@needs_make
def test_a_python_that_is_too_old_is_told(checkout):
    old = checkout / "python3.9"
    old.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 9, 0); exec(sys.argv[1])" "$2"\n'
    )
    old.chmod(0o755)
    status, said = make(checkout, ".venv/.ready", f"PYTHON={old}")
    assert status == 2 and "The course needs Python 3.11 or newer" in said and "make lab PYTHON=python3.12" in said
    assert not (checkout / ".venv").exists()


@needs_make
def test_a_python_without_venv_is_told(checkout):
    bare = checkout / "python"
    bare.write_text(
        f'#!/bin/sh\n[ "$2" = venv ] && {{ echo "No module named venv" >&2; exit 1; }}\nexec {sys.executable} "$@"\n'
    )
    bare.chmod(0o755)
    status, said = make(checkout, ".venv/.ready", f"PYTHON={bare}")
    assert status == 2 and "No module named venv" in said and "sudo apt install python3-venv" in said


@needs_make
def test_what_pip_says_when_it_fails_is_shown_with_what_to_do(checkout):
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    status, said = make(checkout, ".venv/.ready", f"PYTHON={sys.executable}", **index)
    assert status == 2
    assert "No matching distribution found for setuptools" in said, said
    assert "The course could not be installed; pip says above why." in said
    assert not (checkout / ".venv/.ready").exists() and not (checkout / ".venv/.installing").exists()


@needs_make
def test_an_environment_in_which_pip_was_killed_is_made_again(checkout):
    (checkout / ".venv/bin").mkdir(parents=True)
    for name in (".installing", "half"):
        (checkout / ".venv" / name).touch()
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    make(checkout, ".venv/.ready", f"PYTHON={sys.executable}", **index)
    assert not (checkout / ".venv/half").exists()


@needs_make
def test_a_checkout_that_was_moved_has_its_environment_made_again(checkout):
    (checkout / ".venv").mkdir()
    (checkout / ".venv/.ready").write_text("/where/it/was\n")
    make(checkout, "help")
    assert not (checkout / ".venv").exists()
    (checkout / ".venv").mkdir()
    (checkout / ".venv/.ready").write_text(f"{checkout}\n")
    make(checkout, "help")
    assert (checkout / ".venv/.ready").exists()


def test_two_processes_collect_the_same_tests():
    """Some seconds apart, and with other hashes: else a run with several processes ends before it begins."""
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", ROOT / "tests"]
    found = []
    for seed in ("1", "2"):
        done = subprocess.run(
            words, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}
        )
        assert done.returncode == 0, done.stdout[-2000:]
        found.append([line for line in done.stdout.splitlines() if "::" in line])
    assert found[0] == found[1] and len(found[0]) > 3000
    odd = [name for name in found[0] if re.search(r"\\x|0x[0-9a-f]{6}|/tmp/|/home/", name)]
    assert odd == [], "names made of raw bytes, addresses or paths differ from process to process"
