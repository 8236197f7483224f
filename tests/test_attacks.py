"""Strangers' code: nothing but right answers earns a point, nothing hidden is seen, and what dies costs only itself."""

import pytest

from autograder import examiner, sandbox
from autograder import exercises as exercise_bank
from autograder.preprocessors import RepairCells
from tests.attacks import chapter
from tests.attacks.table import ATTACKS

pytestmark = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
SEED = "a secret of the tests"
LIMITS = examiner.Limits(cell=1.5, notebook=60)


@pytest.fixture(scope="module")
def pool():
    """One pool for all attacks: what one leaves behind, the next would meet."""
    with sandbox.Pool(sandbox.Bounds(memory=2**30, scratch=2**27, file=2**27, processes=48)) as one:
        yield one


@pytest.fixture(autouse=True)
def _attacked_chapter(monkeypatch):
    load = exercise_bank.load
    monkeypatch.setattr(exercise_bank, "load", lambda name: chapter.ALL if name == "97" else load(name))
    monkeypatch.setenv("SECRET", "SECRET")


def graded(notebook, pool, tmp_path):
    released = chapter.released()
    RepairCells().repair(notebook, released)
    return examiner.examine(notebook, SEED, tmp_path, LIMITS, pool=pool)


def points(found):
    return {id: verdict.earned for id, verdict in found.verdicts.items()}


def shown(notebook, found, kind=""):
    """Everything of a submission that a person will see, or of one kind."""
    for cell in notebook.cells:
        if examiner.checked_exercise(cell) in found.verdicts:
            examiner.write_verdict(cell, found.verdicts[examiner.checked_exercise(cell)])
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return str([output.get("data", {}).get(kind) if kind else output for output in outputs])


def test_honest_answers_have_full_marks_and_nothing_to_look_at(pool, tmp_path):
    notebook = chapter.answered(chapter.RIGHT["97.convolve"])
    found = graded(notebook, pool, tmp_path)
    assert points(found) == {"97.double": 5, "97.convolve": 10, "97.negate": 4, "97.quiz": 3}
    assert found.findings == [] and found.notes == []


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.name.replace(" ", "-"))
def test_an_attack_earns_nothing(attack, pool, tmp_path):
    notebook = chapter.answered(attack.answer, attack.before)
    found = graded(notebook, pool, tmp_path)
    earned = points(found)
    assert earned["97.convolve"] == attack.earns, found.verdicts["97.convolve"]
    if attack.others:
        assert earned == {"97.double": 5, "97.convolve": attack.earns, "97.negate": 4, "97.quiz": 3}
    if attack.seen:
        assert any(attack.seen in one.kind for one in found.findings), found.findings
    if attack.silent:
        assert attack.silent not in shown(notebook, found, "text/html" if "<" in attack.silent else "")
