"""Which given cells run when a class is graded: those that an answer may lean on, and the rest only where that was wrong."""

import pytest

from autograder.examining.needed import needed

GIVEN = {
    1: "import numpy as np\nimport torch\nfrom introdl import data",
    2: "plate = data.doughnut()\nimage = plate / 255",
    3: "figure = draw(plate)\nfigure.show()",
    4: "net = torch.nn.Linear(2, 1)",
    5: "net.train()\nlog = []",
    6: "train(net, plate)",
    7: "def helper(x):\n    return x * factor",
    8: "factor = 3",
    9: "class Box:\n    pass",
    10: "Box.size = 4",
    11: "np.save('kept.npy', plate)",
    12: "torch.manual_seed(0)\ntorch.set_num_threads(2)",
    13: "for row in range(3):\n    print(row, plate[row])",
    14: "import scipy.signal\nnp.set_printoptions(precision=3)",
}


@pytest.mark.parametrize(
    "answer, runs",
    [
        ("def f(x):\n    return x + 1", set()),
        ("def f(x):\n    plate = x\n    return plate", set()),
        ("def f(x):\n    return helper(x)", {7, 8}),
        ("def f(x):\n    return image.mean()", {1, 2, 3, 4, 5, 6, 11, 14}),
        ("def f(x):\n    return [net(row) for row in x]", {1, 2, 3, 4, 5, 6, 11, 14}),
        ("def f(x):\n    return Box.size", {9, 10}),
        ("def f(x):\n    return scipy.signal.convolve(x, x)", {1, 2, 3, 4, 5, 6, 11, 14}),
        ("f = lambda x: np.load('kept.npy')", {1, 2, 3, 4, 5, 6, 11, 14}),
        ("def f(x):\n    global log\n    log = x", {1, 2, 3, 4, 5, 6, 11, 14}),
        ("f = lambda x: eval('plate')", set(GIVEN)),
        ("%time\nf = abs", set(GIVEN)),
        ("def f(x:\n    return", set(GIVEN)),
    ],
)
def test_what_runs_for_an_answer(answer, runs):
    assert needed(GIVEN, [answer], {"f"}) == runs


def test_what_cannot_be_read_runs_and_all_that_it_uses():
    given = {1: "x = 1", 2: "!ls", 3: "%matplotlib inline", 4: "open('a', 'w').write(str(y))", 5: "y = 2"}
    assert needed(given, ["def f():\n    return 1"], {"f"}) == {2, 3, 4, 5}


@pytest.mark.parametrize(
    "source", ["def f(a, a):\n    return pi", "nonlocal pi", "def f():\n    pi = 1\n    global pi"]
)
def test_what_only_a_compiler_minds_may_do_anything(source):
    assert needed({0: "pi = 3", 1: source}, ["def answer(): ..."], ["answer"]) == {1}


def test_a_given_cell_that_defines_what_is_asked_for_runs():
    assert needed({1: "answer_1 = None", 2: "other = 1"}, [], {"answer_1"}) == {1}
