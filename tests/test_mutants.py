"""No wrong answer slips through: reference solutions with one place changed are caught by the cases."""

from __future__ import annotations

import ast

import pytest

from autograder.authoring import build, mutants, mutate
from tests.standing import EXERCISES, exercise

ACCEPTED = mutate.accepted(build.root() / "tests" / "equivalent_mutants.toml")
#: Those whose mutants take more than ten seconds of processor time each run with the slow tests.
LONG = ("09.augment", "09.checkpoint", "10.maximize_activation", "10.occlusion_map", "11.resnet18")
TRIED = [
    pytest.param(id, marks=pytest.mark.slow) if id in LONG else id
    for id in EXERCISES
    if exercise(id).probe not in mutate.NOT_MUTATED
]


def changes(code):
    return {one.change for one in mutants.mutants(code)}


def test_one_place_is_changed_at_a_time():
    found = changes(
        "def f(x, a=1.0):\n    'Text.'\n    for i in range(3):\n        x += np.sum(x[1:], axis=0) * a\n    return x"
    )
    assert {
        "1.0 -> 2.0",
        "range(3) -> range(3 - 1)",
        "range(3) -> range(1, 3)",
        "np.sum -> np.mean",
        "np.sum(x[1:], axis=0) -> np.sum(x[1:], axis=1)",
        "1: -> :",
        "x += np.sum(x[1:], axis=0) * a -> x = np.sum(x[1:], axis=0) * a",
        "x += np.sum(x[1:], axis=0) * a -> (nothing)",
        "np.sum(x[1:], axis=0) * a -> np.sum(x[1:], axis=0)",
    } <= found
    for one in mutants.mutants("def f(x):\n    return -x if x < 0 else x"):
        assert ast.unparse(ast.parse(one.code)) == one.code != "def f(x):\n    return -x if x < 0 else x"


@pytest.mark.parametrize("id", TRIED)
def test_no_mutant_survives_the_cases(id):
    source, own = mutate.chosen([id])[0]
    found = mutate.survivors(source, own, classes=1, jobs=1, accepted=ACCEPTED.get(id, {}))
    assert not found.survive and not found.lucky, "\n".join(found.lines())
