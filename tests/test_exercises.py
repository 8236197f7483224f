"""Every exercise of every chapter: right answers pass, known mistakes fail by name, stubs are not started."""

import numpy as np
import pytest

from autograder.authoring import build, drawing
from introdl.checking import judge
from tests.standing import (
    EXERCISES,
    FEW,
    MORE,
    SEEDS,
    answers,
    committed_sheet,
    entry,
    exercise,
    verdict,
    verdict_of_mistake,
)


@pytest.fixture(scope="module", params=EXERCISES)
def id(request):
    """An exercise; pytest runs all tests of one before it turns to the next, so that its cases are drawn once."""
    return request.param


@pytest.fixture(
    scope="module", params=[pytest.param(FEW, id="few"), pytest.param(MORE, id="more", marks=pytest.mark.slow)]
)
def seeds(request):
    """The classrooms that an exercise is tried in."""
    return request.param


def _turns(id, seeds):
    """Which answers with which seeds. A network that is trained takes its time: there each has one, in turn."""
    found = answers(id)
    if exercise(id).seconds < 100:
        return [(number, objects, seed) for number, objects in enumerate(found) for seed in seeds]
    turns = [(number, objects, seeds[number % len(seeds)]) for number, objects in enumerate(found)]
    return turns[1:2] if seeds is FEW else turns


def test_three_right_answers_written_differently_earn_full_marks(id, seeds):
    if exercise(id).probe == "answers":
        pytest.skip("a quiz has one right answer to each question")
    for number, objects, seed in _turns(id, seeds):
        result = verdict(id, seed, objects)
        told = [(case.label, case.sentence) for case in result.cases if not case.passed]
        assert result.passed and result.earned == result.points, f"answer {number}, seed {seed!r}: {told}"


def test_every_misconception_fails_by_its_own_name(id, seeds):
    for seed in seeds:
        for number, mistake in enumerate(exercise(id).misconceptions):
            # That it gives the same when it is run again is looked at with two seeds; that this is called by its name, with all.
            if seed in FEW or mistake.only_case is not None:
                result = verdict(id, seed, drawing.mistaken_objects(mistake, entry(id, seed).names))
            else:
                result = verdict_of_mistake(id, seed, number)
            assert result.status == judge.FAILED, f"{mistake.name!r} with seed {seed!r} is {result.status}"
            assert result.earned < result.points
            named = [diagnosis.name for diagnosis in result.diagnoses]
            if mistake.only_case is None:
                assert named[:1] == [mistake.name], f"seed {seed!r}: {mistake.name!r} is called {named}"
            else:
                assert mistake.name in named


def test_a_stub_is_not_started(id):
    def stub(*inputs):
        raise NotImplementedError

    one = exercise(id)
    objects = tuple(None if one.probe == "answers" else stub for _ in one.names)
    result = verdict(id, SEEDS[0], objects)
    assert result.status == judge.NOT_STARTED
    assert result.earned == 0
    assert result.diagnoses == []


def _zeros(*inputs):
    return np.zeros_like(inputs[0]) if inputs and isinstance(inputs[0], np.ndarray) else False


@pytest.mark.parametrize(
    "wrong",
    [lambda *x: None, lambda *x: 0.0, lambda *x: [], lambda *x: x[0] if x else 1, lambda *x: float("nan"), _zeros],
    ids=["None", "zero", "empty list", "its first input", "nan", "zeros like its first input"],
)
def test_a_careless_answer_earns_little(id, seeds, wrong):
    if exercise(id).probe == "answers":
        pytest.skip("a quiz takes letters")
    for seed in seeds:
        result = verdict(id, seed, (wrong,))
        assert not result.passed and result.earned <= 0.25 * result.points, (
            f"This careless answer earns {result.earned} of {result.points} points, more than a quarter: let more cases, or "
            "weightier ones, tell it from a right one."
        )


def test_answers_remembered_from_the_visible_sheet_do_not_pass_hidden_cases(id):
    one = exercise(id)
    if one.probe in ("answers", "xor_network") or not next(iter(one.cases(drawing.generator(id, "x")))).inputs:
        pytest.skip("its answer does not depend on drawn inputs")
    visible, hidden = entry(id, SEEDS[0]), entry(id, SEEDS[1])
    assert [case.inputs for case in visible.cases] != [] and len(visible.cases) == len(hidden.cases)

    def shown(drawn):
        # A random generator's text is its address, and its seed is nothing that an answer can be remembered by.
        given = [[value for _, value in case.inputs] for case in drawn.cases]
        return [[repr(value) for value in case if not isinstance(value, np.random.Generator)] for case in given]

    same = sum(a == b for a, b in zip(shown(visible), shown(hidden), strict=True))
    assert same < len(visible.cases), "every hidden case has the visible case's inputs"


def test_the_committed_sheet_says_what_is_drawn_now(id):
    """Cases, right answers, what every mistake gives, and all words; but for a processor's rounding."""
    assert build.same_entry(committed_sheet(id[:2])[id], entry(id, SEEDS[0])), "run 'make build' and commit the result"
