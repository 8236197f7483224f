"""Chapter 09's checkpoint: what is loaded comes from the file, and whatever goes wrong in the other process is told here."""

import contextlib
import os
import sys
import time
from pathlib import Path

import pytest

from introdl.checking import isolation, judge, sheets
from tests.answers import ch09_food_cnn as right

ENTRY = sheets.find("09.checkpoint")


def checked(save, load=right.load_tuple, seconds=30.0):
    """The verdict of `check`: each case in a fork, under limits."""
    task = isolation.Task(ENTRY.probe, tuple(ENTRY.forbidden), seconds)
    return judge.judge(ENTRY, list(isolation.run(task, (save, load), [case.inputs for case in ENTRY.cases])))


_STORE = {}


def _in_memory(path, *given):
    right.save_tuple(path, *given)
    _STORE[path.name] = path.read_bytes()
    path.write_text("it is elsewhere")


def _from_memory(path, *parts):
    path.write_bytes(_STORE[path.name])
    return right.load_tuple(path, *parts)


def test_what_is_kept_in_memory_is_not_there_when_it_is_loaded():
    result = checked(_in_memory, _from_memory)
    assert result.earned == 0 and "KeyError" in result.cases[0].sentence


def _calls_the_librarys(path, *given):
    from introdl.training import checkpoints

    checkpoints.save_checkpoint(path, given)


def test_a_function_that_returns_nothing_is_told_so():
    verdict = checked(right.save_tuple, lambda path, *parts: None)
    assert verdict.cases[0].sentence.endswith("the number of finished epochs; it returned None.")


def _raises(path, *given):
    raise KeyError("no such part")


@pytest.mark.parametrize(
    ("save", "sentence"),
    [
        (_calls_the_librarys, "calls introdl.training"),
        (_raises, "raised KeyError: 'no such part' (line"),
    ],
)
def test_an_error_while_saving_is_told_with_its_line(save, sentence):
    assert sentence in checked(save).cases[0].sentence


def _alone(path, *given):
    """Fails in the process that is asked first, and in no other."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path.parent.parent / "first", os.O_CREAT | os.O_EXCL))
        raise RuntimeError("not here")
    right.save_tuple(path, *given)


def test_a_save_that_fails_in_one_process_and_not_in_the_other_is_wrong():
    result = checked(_alone)
    assert result.earned == 0 and "in another process it did not" in result.cases[0].sentence


@pytest.mark.skipif(sys.platform != "linux", reason="cases run in forks on Linux alone")
def test_a_save_that_never_ends_is_stopped_and_leaves_no_process(tmp_path):
    told = tmp_path / "pid"

    def hangs(path, *given):
        told.write_text(str(os.getpid()))
        while True:
            pass

    assert "had not come back" in checked(hangs, seconds=6).cases[0].sentence
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _runs(int(told.read_text())):
        time.sleep(0.1)
    assert not _runs(int(told.read_text()))


def _runs(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    return False
