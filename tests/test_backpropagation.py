"""Chapter 06's own machinery: little programs, the probes for values, graphs and functions, and the figures' engine."""

import math

import numpy as np
import pytest

from autograder.authoring import drawing
from introdl.checking import arithmetic, isolation, judge, sheets
from introdl.figures import backpropagation as figs
from tests.answers import ch06_backpropagation as answers
from tests.standing import SEEDS, entry, exercise, verdict


def judged(id, *objects):
    return verdict(id, SEEDS[1], objects)


def sentences(id, *objects):
    return " | ".join(case.sentence for case in judged(id, *objects).cases)


# --- programs -------------------------------------------------------------------------------------------------


def test_a_program_runs_on_plain_numbers():
    found = arithmetic.run("c = a * b; d = -c; e = d / 2; f = 1 - e; g = f ** 3; h = g + -1.5", {"a": 2.0, "b": -3.0})
    assert found == {"a": 2.0, "b": -3.0, "c": -6.0, "d": 6.0, "e": 3.0, "f": -2.0, "g": -8.0, "h": -9.5}


@pytest.mark.parametrize("text", ["c = a", "c = a * ", "c = __import__('os')", "c = a.sin()", "a * b", "c = a*b", ""])
def test_what_is_no_step_is_refused(text):
    with pytest.raises(ValueError, match="is no step of a program"):
        arithmetic.parse(text)


def test_the_graphs_local_slopes_are_those_of_autograd():
    program = "c = a * b; d = c / a; e = d - b; f = -e; g = f ** 2; h = b.tanh(); k = a.relu(); m = g + h; L = m * k"
    leaves = {"a": 1.3, "b": -0.7}
    nodes = arithmetic.graph(program, leaves)
    answers.backward_counting(nodes["L"])
    wanted = exercise("06.backward").oracle(program, leaves, ["L"])
    assert {name: node.grad for name, node in nodes.items()} == pytest.approx(wanted, abs=1e-9)


# --- Value ----------------------------------------------------------------------------------------------------


def changed(**methods):
    return type("Value", (answers.ValueLists,), methods)


class NumberAmongChildren(answers.ValueReference):
    def __mul__(self, other):
        data = other.data if isinstance(other, answers.ValueReference) else other
        return NumberAmongChildren(self.data * data, (self, other), (data, self.data), "*")


class OtherNames:
    def __init__(self, data, parents=()):
        self.data, self.parents = data, parents

    def __mul__(self, other):
        return OtherNames(self.data * other.data, (self, other))

    def __add__(self, other):
        return OtherNames(self.data + other.data, (self, other))


class OneSlope(answers.ValueReference):
    def __mul__(self, other):
        other = other if isinstance(other, answers.ValueReference) else OneSlope(other)
        return OneSlope(self.data * other.data, (self, other), (other.data,), "*")


class Sets(answers.ValueReference):
    def __mul__(self, other):
        return Sets(self.data * other.data, {self, other}, (other.data, self.data), "*")


class Circle(answers.ValueReference):
    def __mul__(self, other):
        self.data, self.children, self.slopes = self.data * other.data, (self, other), (other.data, self.data)
        return self


class Loop(answers.ValueReference):
    def __mul__(self, other):
        made = type(self)(self.data * other.data)
        made.children, made.slopes = (made, other), (other.data, self.data)
        return made


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (NumberAmongChildren, "Among the children of"),
        (OtherNames, "has no attribute children: keep the names of the docstring"),
        (OneSlope, "2 children and 1 slopes"),
        (Sets, "as two tuples"),
        (Circle, "should make a new Value; it gave back the one that it was done on"),
        (Loop, "is among its own children, or theirs"),
        (float, "The operation * should give a Value; it gave something of type float"),
        (np.float64, "should give a Value"),
        (lambda data: np.array(data), "should give a Value"),
    ],
)
def test_numbers_that_cannot_be_read_have_their_sentence(wrong, said):
    assert said in sentences("06.value", wrong)
    assert judged("06.value", wrong).status == judge.FAILED


def test_a_value_that_names_what_is_wrong_shows_no_number_of_a_hidden_case():
    for case in judged("06.value", NumberAmongChildren).cases:
        assert not any(str(value) in case.blind for _, inputs in case.inputs[1:] for value in inputs.values())


def test_numpy_numbers_on_the_left_side_work_with_the_given_class():
    for number in (np.float64(2.0), np.float32(2.0), np.int64(2)):
        found = number * answers.ValueReference(3.0)
        assert found.data == 6.0 and len(found.children) == 2


def test_the_chapters_own_engine_is_no_answer():
    class Mine(figs.Value):
        pass

    result = judged("06.value", Mine)
    assert result.earned == 0 and "calls introdl.figures.backpropagation" in result.cases[0].sentence


# --- backward -------------------------------------------------------------------------------------------------


def test_a_chain_of_two_hundred_is_walked_by_a_function_that_calls_itself_also_in_a_fork():
    """The fork of a notebook stands deep in its own stack already."""
    drawn = entry("06.backward", SEEDS[2])
    task = isolation.Task("backward", tuple(drawn.forbidden), 20.0)

    def deep(left):
        if left:
            return deep(left - 1)
        cases = [case.inputs for case in drawn.cases]
        return judge.judge(drawn, list(isolation.run(task, (answers.backward_recursive,), cases)))

    assert deep(150).passed


def test_walking_every_path_is_stopped_soon_and_named():
    paths = next(m.wrong for m in exercise("06.backward").misconceptions if m.name == "every path is walked")
    result = judged("06.backward", paths)
    assert [case.label for case in result.cases if not case.passed] == ["forty doublings"]
    assert "once for every path" in result.cases[-1].sentence
    assert result.diagnoses[0].name == "every path is walked"


def test_the_graph_is_the_checks_own_so_that_value_may_be_unfinished():
    assert judged("06.backward", answers.backward_loop).passed


# --- numerical_gradient ---------------------------------------------------------------------------------------


def test_a_function_of_another_shape_has_its_sentence():
    def flat(f, x, h):
        return np.array([(f(x.ravel() + h) - f(x.ravel() - h)) / (2 * h)])

    assert "f was given something of shape (6,); it takes an array of x's shape, (2, 3)" in sentences(
        "06.numerical_gradient", flat
    )


def test_x_must_come_back_to_the_last_bit():
    def put_back_by_sums(f, x, h):
        grad = np.zeros(x.shape)
        for i in np.ndindex(x.shape):
            x[i] += h
            up = f(x)
            x[i] -= 2 * h
            grad[i] = (up - f(x)) / (2 * h)
            x[i] += h + 1e-9
        return grad

    assert "changed its input x in place" in sentences("06.numerical_gradient", put_back_by_sums)


TORCH = {
    "sum(w * x**2)": lambda w, x: (w * x**2).sum(),
    "sum(w * x**3)": lambda w, x: (w * x**3).sum(),
    "sum(w * sin(x))": lambda w, x: (w * x.sin()).sum(),
    "sum(w * x)**2": lambda w, x: (w * x).sum() ** 2,
}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_closed_forms_are_what_autograd_says_up_to_the_step(seed):
    """The oracle of central differences against torch's gradient, where the step is small."""
    import torch

    for case in exercise("06.numerical_gradient").cases(drawing.generator("06.numerical_gradient", seed)):
        function, w, x = (case.inputs[name] for name in ("function", "w", "x"))
        at, weights = torch.from_numpy(x.copy()).requires_grad_(), torch.from_numpy(w)
        TORCH[function](weights, at).backward()
        wanted = exercise("06.numerical_gradient").oracle(function, w, x, 1e-6)
        # a third power's difference at 0 is w * h**2, with weights of millions
        np.testing.assert_allclose(wanted, at.grad.numpy(), rtol=1e-8, atol=1e-5)


# --- every layer's right answers, checked by differences too --------------------------------------------------


@pytest.mark.parametrize("name", ["06.dense_backward", "06.conv2d_backward", "06.max_pool2d_backward"])
def test_layers_agree_with_central_differences_away_from_kinks(name):
    import torch

    inputs = [
        c.inputs for c in exercise(name).cases(drawing.generator(name, "checked")) if c.label != "several largest"
    ]
    layers = {
        "06.dense_backward": lambda i: (lambda x, W: x @ W, ("x", "W")),
        "06.conv2d_backward": lambda i: (
            lambda x, w: torch.nn.functional.conv2d(x, w, stride=i["stride"], padding=i["padding"]),
            ("x", "w"),
        ),
        "06.max_pool2d_backward": lambda i: (
            lambda x: torch.nn.functional.max_pool2d(x, i["size"], i["stride"]),
            ("x",),
        ),
    }
    for given in inputs:
        forward, names = layers[name](given)
        found = answers.ANSWERS[name][0](*given.values())
        found = found if isinstance(found, tuple) else (found,)
        for position, which in enumerate(names):

            def number(moved, which=which, given=given, forward=forward, names=names):
                tensors = [torch.from_numpy(moved if n == which else given[n]) for n in names]
                return float((torch.from_numpy(given["dout"]) * forward(*tensors)).sum())

            assert figs.relative_error(found[position], figs.central(number, given[which])) < 1e-7


# --- figures --------------------------------------------------------------------------------------------------


def test_the_chapters_engine_agrees_with_autograd():
    for case in exercise("06.value").cases(drawing.generator("06.value", "engine")):
        program, leaves = case.inputs.values()
        own = {name: figs.Value(number) for name, number in leaves.items()}
        nodes = arithmetic.run(program, own)
        root = list(nodes.values())[-1]
        root.backward()
        wanted = exercise("06.value").oracle(program, leaves)
        assert {name: node.data for name, node in nodes.items()} == pytest.approx(wanted["data"], abs=1e-9)
        assert {name: node.grad for name, node in own.items()} == pytest.approx(wanted["slopes"], abs=1e-9)


def test_the_chapters_network_agrees_with_autograd():
    for case in exercise("06.network_gradients").cases(drawing.generator("06.network_gradients", "figures")):
        inputs = list(case.inputs.values())
        for found, wanted in zip(
            figs.two_layers(*inputs), exercise("06.network_gradients").oracle(*inputs), strict=True
        ):
            np.testing.assert_allclose(found, wanted, atol=1e-9)


@pytest.mark.parametrize("kind", [figs.Value, answers.ValueReference, answers.ValueLists, answers.ValueSlots])
def test_any_node_with_the_four_attributes_can_be_drawn(kind, capsys):
    a, b = kind(2.0), kind(-3.0)
    c = a * b
    L = (c + a) * c
    figs.draw_graph(L, {"a": a, "b": b, "c": c, "L": L})
    figs.step_through(L, {"a": a})
    assert "a: data 2" in capsys.readouterr().out
    steps = figs.moments(L, {"a": a, "b": b, "c": c, "L": L})
    assert steps[-1].grads[id(a)] == 24 and steps[-1].grads[id(b)] == -20
    assert a.grad == 0, "stepping through leaves the nodes as they are"


def test_what_cannot_be_drawn_has_its_sentence():
    with pytest.raises(ValueError, match="has no grad"):
        figs.draw_graph(OtherNames(1.0))
    long = figs.Value(1.0)
    for _ in range(50):
        long = long * 1.0
    with pytest.raises(ValueError, match="more than 40 cannot be read"):
        figs.draw_graph(long)


def test_errors_of_differences_fall_as_the_text_says():
    errors = figs.step_errors("sin x at 1", [1e-1, 1e-2])
    assert errors["forward"][0] / errors["forward"][1] == pytest.approx(10, rel=0.1)
    assert errors["central"][0] / errors["central"][1] == pytest.approx(100, rel=0.1)
    grid = 10.0 ** np.arange(-15, 0, 0.25)
    for kind in (np.float64, np.float32):
        best = grid[np.argmin(figs.step_errors("sin x at 1", grid, kind)["central"])]
        formula = (3 * np.finfo(kind).eps * math.tan(1.0)) ** (1 / 3)
        assert 0.1 < best / formula < 10


def test_yours_is_taken_only_where_it_is_right(capsys):
    def not_written(*inputs):
        raise NotImplementedError

    def wrong(x):
        return (x + 1,)

    def breaks(x):
        return x["key"]

    def right(x):
        return (2 * x,)

    def ours(x):
        return (x + x,)

    assert [figs.yours_or_ours(f, ours, lambda f: f(3.0)) is f for f in (not_written, wrong, breaks, right)] == [
        False,
        False,
        False,
        True,
    ]
    said = capsys.readouterr().out
    for words in (
        "not_written is not written yet",
        "wrong is not right yet",
        "breaks raised TypeError",
        "Your right is",
    ):
        assert words in said


def test_the_sheet_holds_every_exercise_of_the_chapter():
    from autograder.exercises import ch06_backpropagation as chapter

    for one in chapter.EXERCISES:
        assert sheets.find(one.id).points == one.points
