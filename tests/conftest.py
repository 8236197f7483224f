"""Fixtures that several test files share."""

import os

# Tests run several at a time. With a thread for each core in all of them, torch's threads wait for each other, many times over.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from autograder.authoring import drawing
from introdl.checking import sheets
from tests import standing, toy


def pytest_make_parametrize_id(val):
    """A test's name is made of plain words, the same in each process: raw bytes and long texts are told by their size."""
    if isinstance(val, bytes):
        return f"{len(val)} bytes"
    if isinstance(val, str) and not (len(val) <= 60 and val.isascii() and val.isprintable()):
        return f"{len(val)} characters"
    return None


@pytest.fixture(scope="session")
def of_the_run(tmp_path_factory):
    """A folder that all processes of one run share."""
    here = tmp_path_factory.getbasetemp()
    return here.parent if "PYTEST_XDIST_WORKER" in os.environ else here


@pytest.fixture(scope="session")
def shared_cache(of_the_run):
    """What all tests of one run unpack once: pictures under names that are their own checksums."""
    return of_the_run / "shared-cache"


@pytest.fixture(scope="session", autouse=True)
def drawn_once(of_the_run):
    """Exercises' cases that were drawn are kept for all tests of one run."""
    standing.KEPT[:] = [of_the_run / "drawn"]


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch, shared_cache):
    """Tests never touch a person's progress, nor what a person has unpacked."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("INTRODL_HOME", str(home))
    monkeypatch.setenv("INTRODL_CACHE", str(shared_cache))
    return home


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory):
    """A folder with the toy chapter's answer sheet."""
    folder = tmp_path_factory.mktemp("sheets")
    entries = [drawing.entry(exercise, drawing.VISIBLE_SEED) for exercise in toy.ALL.values()]
    sheets.write(folder / "98_toy.npz", "98", entries)
    return folder


@pytest.fixture
def toy_sheet(toy_folder, monkeypatch):
    """Let `check` read the toy chapter's sheet."""
    monkeypatch.setenv("INTRODL_SHEETS", str(toy_folder))
    return sheets.read(toy_folder / "98_toy.npz")
