"""A check that takes long shows how far it is: a bar, or two lines at most; a short one shows nothing."""

import io
import sys
import time

import numpy as np
import pytest
import torch

from introdl.checking import headway, isolation, notebook
from introdl.checking.probes import PROBES, food
from introdl.checking.probes.base import Probe
from introdl.data import progress


@pytest.fixture
def quick(monkeypatch):
    """What is long is told of after a tenth of a second, and often."""
    monkeypatch.setattr(headway, "LONG", 0.1)
    monkeypatch.setattr(progress, "LONG", 0.15)
    monkeypatch.setattr("introdl.checking.clock._AGAIN", 0.03)


class Screen(io.StringIO):
    def isatty(self):
        return True


def _cases(count, drive, monkeypatch):
    monkeypatch.setitem(PROBES, "slow", Probe(drive))
    with headway.shown("Checking 98.slow", count):
        for outcome in isolation.run(isolation.Task("slow"), (len,), [[("x", [n])] for n in range(count)]):
            assert outcome.kind == "returned"
            headway.case_done()


def _steps(objects, inputs):
    for step in range(40):
        headway.note(step, 40)
        time.sleep(0.04)


def test_steps_of_a_case_move_a_bar(monkeypatch, quick):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    _cases(1, _steps, monkeypatch)
    drawn = screen.getvalue().split("\r")
    amounts = [int(line.split("| ")[1].split()[0]) for line in drawn if "of 40 [" in line]
    assert len(amounts) > 2 and amounts == sorted(amounts) and 0 < amounts[-1] <= 40
    assert all("Checking 98.slow" in line and "steps/s" in line for line in drawn if line.strip())
    assert "\n" not in screen.getvalue().rstrip("\n")


def test_cases_are_counted_where_no_steps_are(monkeypatch, quick):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    _cases(4, lambda objects, inputs: time.sleep(0.12), monkeypatch)
    assert "4 of 4 [" in screen.getvalue() and "cases/s" in screen.getvalue()


def test_where_nothing_can_be_redrawn_two_lines_are_printed(monkeypatch, quick, capsys):
    _cases(5, lambda objects, inputs: time.sleep(0.12), monkeypatch)
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 2 and all(line.startswith("Checking 98.slow: ") for line in lines)


def test_a_short_check_shows_nothing(monkeypatch, capsys):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    _cases(2, lambda objects, inputs: None, monkeypatch)
    assert screen.getvalue() == "" and headway._shown is None


def test_nothing_is_shared_where_nothing_is_shown(monkeypatch):
    """Submissions are graded without a page that several of them could write to."""
    headway.note(1, 2)
    assert headway._shown is None


def test_a_check_shows_how_far_it_is(monkeypatch):
    seen = []
    monkeypatch.setattr(notebook, "verdict", lambda *_: seen.append(headway._shown.title) or pytest.skip.Exception)
    with pytest.raises(AttributeError):
        notebook.check("02.relu", abs)
    assert seen == ["Checking 02.relu"] and headway._shown is None


def test_a_network_in_training_tells_its_steps(monkeypatch):
    noted = []
    monkeypatch.setattr(headway, "note", lambda *step: noted.append(step))
    images = np.random.default_rng(0).integers(0, 256, (70, 8, 8, 3)).astype(np.uint8)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    food._learn(model, images, np.arange(70) % 2, 3, seed=0)
    assert noted == [(1, 3), (2, 3), (3, 3)]
