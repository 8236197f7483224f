"""What a worker says is a stranger's: it is an answer, or it is damaged, and reading it takes no memory to speak of."""

import json
import os
import struct
import tracemalloc

import numpy as np
import pytest

from autograder.examining import cell_answer, examiner
from autograder.examining.worker_client import Died, WorkerClient
from introdl.checking import judge, packing, readings
from introdl.checking.channel import Channel, Damaged, Late
from introdl.checking.outcome import DAMAGED, Outcome
from introdl.checking.packing import Packed
from introdl.checking.sheets import Entry, SheetCase

GOOD = {
    **{"text": "1\n", "displays": [{"text/plain": "a"}], "error": [], "leaned": []},
    **{"passed": [], "result": [], "stderr": ""},
}


@pytest.mark.parametrize(
    "change",
    [
        {"displays": 7},
        {"displays": [7]},
        {"displays": [[]]},
        {"displays": [{"text/plain": 7}]},
        {"displays": [{"image/png": "<script>"}]},
        {"displays": [{"image/png": None, "text/plain": ["a"]}]},
        {"displays": [{"text/plain": "a"}] * 10**5},
        {"displays": [{"text/plain": "a" * 3 * 2**20}]},
        {"displays": {"text/plain": "a"}},
        {"text": 10**400},
        {"text": float("nan")},
        {"text": ["a"]},
        {"text": "a" * 10**6},
        {"error": ["one", "two"]},
        {"error": ["one", "two", 3]},
        {"error": "one"},
        {"error": ["x" * 10**5, "", ""]},
        {"error": {"0": "a", "1": "b", "2": "c"}},
        {"leaned": 1.5},
        {"leaned": [{}]},
        {"leaned": ["numpy.convolve"] * 1000},
        {"leaned": True},
    ],
    ids=lambda change: str(change)[:40],
)
def test_an_answer_of_another_form_is_damaged(change):
    with pytest.raises(ValueError):
        cell_answer.read(GOOD | change)


@pytest.mark.parametrize("head", [None, 7, [], "text", [GOOD]])
def test_what_is_no_answer_at_all_is_damaged(head):
    with pytest.raises(ValueError):
        cell_answer.read(head)


def test_an_answer_is_read_and_what_it_says_besides_is_not():
    assert cell_answer.read(GOOD | {"points": 10, "html": "<script>"}) == GOOD
    assert cell_answer.read({}) == {
        **{"text": "", "displays": [], "error": [], "leaned": []},
        **{"passed": [], "result": [], "stderr": ""},
    }
    both = {"text/plain": "a", "text/html": "<script>", "image/png": "aGk="}
    assert cell_answer.read({"displays": [both]})["displays"] == [{"text/plain": "a", "image/png": "aGk="}]


def _sent(body: bytes):
    """A channel on which a stranger has sent these bytes and nothing more."""
    read, write = os.pipe()
    os.write(write, body)
    return Channel(read, most=10**6), (read, write)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (struct.pack("<Q", 10**7), Damaged),
        (struct.pack("<Q", 2**63), Damaged),
        (struct.pack("<Q", 4) + b"\0\1\2\3", Damaged),
        (struct.pack("<Q", 100) + b"half a message", Late),
        (b"\1\2\3", Late),
    ],
    ids=["too long", "endless", "binary", "half", "not even a length"],
)
def test_a_message_that_is_none_ends_in_time(body, error):
    import time

    channel, descriptors = _sent(body)
    with pytest.raises(error):
        channel.receive(time.monotonic() + 0.2)
    for one in descriptors:
        os.close(one)


def _bytes(tree, arrays=(), tail=b""):
    head = json.dumps({"tree": tree, "arrays": list(arrays)}).encode() if not isinstance(tree, bytes) else tree
    return struct.pack("<Q", len(head)) + head + tail


@pytest.mark.parametrize(
    "message",
    [
        _bytes(1, [["f8," * 10**5, [1]]], bytes(8)),
        _bytes(1, [["(1000000,1000)f8", [1]]], bytes(8)),
        _bytes(1, [["<U100000000", [0]]]),
        _bytes(1, [["U" + "9" * 30, [0]]]),
        _bytes(1, [["<M8[ns]", [1]]], bytes(8)),
        _bytes(1, [[{"names": ["a"], "formats": ["f8"]}, [1]]], bytes(8)),
        _bytes(1, [["<f8", [1] * 1000]], bytes(8)),
        _bytes(1, [["<f8", [10**40, 0]]]),
        _bytes(1, [["<f8", [True]]], bytes(8)),
        _bytes(1, [["<f8", {"0": 1}]], bytes(8)),
        _bytes(1, [["|b1", [0]]] * 200_000),
        _bytes(b'{"tree": ' + b"[" * 10**6),
        _bytes(b'{"tree": [' + b"[]," * 10**6 + b'0], "arrays": []}'),
        _bytes(b'{"tree": [' + b"{}," * 10**6 + b'0], "arrays": []}'),
        _bytes(b'{"tree": ' + b"1" * 10**6 + b', "arrays": []}'),
    ],
    ids=[
        *("many fields", "shaped", "wide text", "wider", "dates", "records", "dimensions", "huge", "truth", "no list"),
        *("many arrays", "deep", "many lists", "many dicts", "a long number"),
    ],
)
def test_a_damaged_message_takes_no_memory(message):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="damaged"):
            Packed.from_bytes(message)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(message) + 2**22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "state",
    [
        {"state": {"key": {"$state": [1] * 6, "dtype": "U100000000"}, "pos": 0}},
        {"state": {"key": {"$state": [1] * 6, "dtype": "O"}, "pos": 0}},
        {"state": {"key": {"$state": [0] * 10**6, "dtype": "uint32"}, "pos": 0}},
    ],
    ids=["wide", "objects", "long"],
)
def test_a_generator_of_a_strangers_takes_no_memory(state):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):
            Packed({"$generator": ["MT19937", {"bit_generator": "MT19937", **state}]}).value()
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_message_is_not_copied_again_and_again():
    """The grader holds a stranger's message, and its values once more."""
    array = np.zeros(2**22)
    message = bytearray(Packed({"head": {}, "values": [{"$array": 0}]}, [array]).to_bytes())
    tracemalloc.start()
    try:
        packed = Packed.from_bytes(message)
        assert tracemalloc.get_traced_memory()[1] < array.nbytes / 8
        assert np.array_equal(packed.arrays[0], array)
    finally:
        tracemalloc.stop()


def test_halves_of_characters_become_question_marks():
    back = Packed.from_bytes(Packed({"$list": ["a\ud83d", "\ud83c\udf55", "\\ud800"]}).to_bytes())
    assert back.value() == ["a?", "🍕", "\\ud800"]


@pytest.mark.parametrize(
    "head",
    [
        {"kind": "returned", "message": 10**400},
        {"kind": "returned", "message": float("nan")},
        {"kind": "returned", "error": ["ValueError"]},
        {"kind": "returned", "changed": "x"},
        {"kind": "returned", "changed": [["x"]]},
        {"kind": "returned", "warnings": {"a": 1}},
        {"kind": {}},
        {"kind": 0},
        {"kind": "returned", "value": 1, "earned": 10},
        "returned",
    ],
    ids=str,
)
def test_an_outcome_of_another_form_is_damaged(head):
    found = Outcome.read(head, [Packed(1)])
    assert (found.kind, found.message) == ("crashed", DAMAGED)


@pytest.mark.parametrize(
    "tree", [10**400, {"$list": [10**100]}, {"$dict": [[{"$list": []}, 1]]}], ids=lambda t: str(t)[:20]
)
def test_an_outcomes_value_beyond_all_bounds_is_damaged(tree):
    assert Outcome.read({"kind": "returned"}, [Packed(tree)]).message == DAMAGED


def _entry(expected):
    return Entry(
        *("97.x", "X", 4.0, ["x"], "call", [], 1e-5, False, 2.0, False, []),
        cases=[SheetCase("one", 1.0, [("n", 1)], expected)],
        misconceptions=[],
    )


@pytest.mark.parametrize(
    "value", [2**200, float("nan"), "\x00" * 100, {1: 2}, [[[]]], True, np.zeros((0, 3)), np.array(["a"])]
)
@pytest.mark.parametrize("expected", [1.5, np.zeros(3), "a", [1, 2], {"a": 1}, None])
def test_whatever_comes_there_is_a_verdict(value, expected):
    value = packing.copied(value)
    found = judge.judge(_entry(expected), [Outcome("returned", value)])
    assert found.earned == 0 and found.cases[0].sentence


def test_what_cannot_be_compared_is_a_wrong_answer(monkeypatch):
    monkeypatch.setattr(readings, "compare", lambda *given: 1 / 0)
    found = judge.judge(_entry(1.5), [Outcome("returned", 1.5)])
    assert found.earned == 0 and "cannot be compared" in found.cases[0].sentence


class _Says:
    """A pool whose workers say what they are told to, whatever is asked."""

    def __init__(self, *answers: bytes):
        self.answers = list(answers)

    def worker(self, room="full", absent=()):
        import socket

        from autograder.sandbox import Worker

        ours, theirs = socket.socketpair()
        theirs.sendall(self.answers.pop(0))
        descriptor = ours.detach()
        return Worker(descriptor, descriptor, lambda: theirs.close() or "")


def _message(head):
    body = Packed({"head": head, "values": []}).to_bytes()
    return struct.pack("<Q", len(body)) + body


def test_a_cell_whose_answer_is_nonsense_is_a_death_with_a_sentence(tmp_path):
    with WorkerClient(tmp_path, _Says(_message({"displays": 7}))) as one, pytest.raises(Died) as died:
        one.run_cell("1", 5)
    assert died.value.kind == "damaged" and str(died.value) == "its process sent damaged data"


def test_a_notebooks_outputs_are_bounded_as_a_whole(monkeypatch, tmp_path):
    monkeypatch.setattr(examiner, "MOST_OUTPUT", 100)
    import nbformat

    examining = examiner._Examining(nbformat.v4.new_notebook(), {}, tmp_path, examiner.Limits(), None, frozenset())
    run = examiner._Run(examining, (), set())
    first, second, third = (run._kept(cell_answer.read({"text": "x" * 60})) for _ in range(3))
    assert first[0].text == "x" * 60 and second == third and "too large to be kept" in second[0].data["text/plain"]
