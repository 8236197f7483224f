"""What somebody writes who has not understood, or not tried, earns next to nothing, in any exercise."""

from functools import lru_cache

import pytest

from autograder.authoring import drawing
from introdl.checking.judge import judge
from tests.attacks.careless import CARELESS, MOST, RIGHT, SPECIAL
from tests.standing import EXERCISES, FEW, MORE, exercise

#: Their answers are trained, or are classes: nothing of the list can be run as one.
ASKED = [id for id in EXERCISES if exercise(id).probe not in ("answers", "food_net", "checkpoint")]


@lru_cache(maxsize=4)
def drawn(id, seed):
    return drawing.draw(exercise(id), seed)


def share(id, seed, answer):
    """The share of an exercise's points that an answer earns; it stands for each of the exercise's names."""
    entry = drawn(id, seed)
    return judge(entry, drawing.observe(entry, tuple(answer for _ in entry.names))).earned / entry.points


@pytest.mark.parametrize(
    "seeds", [pytest.param(FEW[1:], id="few"), pytest.param([FEW[0], *MORE], id="more", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("id", ASKED)
def test_a_careless_answer_earns_at_most_a_quarter(id, seeds):
    answers = {name: one for name, one in (CARELESS | SPECIAL.get(id, {})).items() if name not in RIGHT.get(id, ())}
    for seed in seeds:
        found = {name: share(id, seed, answer) for name, answer in answers.items()}
        much = {name: earned for name, earned in found.items() if earned > MOST}
        assert not much, f"seed {seed!r}: let more cases, or weightier ones, tell these from a right answer: {much}"


def test_there_are_many_kinds():
    assert len(CARELESS) >= 100
    assert set(SPECIAL) | set(RIGHT) <= set(ASKED)


@pytest.mark.parametrize(("id", "name"), [(id, name) for id, names in RIGHT.items() for name in names])
def test_what_is_left_out_of_the_list_is_a_right_answer(id, name):
    """A formula that happens to be the answer is no careless one; whatever is less than right stays in the list."""
    assert share(id, FEW[1], CARELESS[name]) == 1
