"""Chapter 06, backpropagation: its exercises, their cases, oracles and known mistakes.

Inputs are rounded to two decimals, so that a learner can read them, and answers to ten, so that a sheet is the same
on every machine. The oracle of everything with a graph or a layer is PyTorch's autograd in float64.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch

from autograder.authoring.draws import drawn_labels, rounded, signed, whole
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from autograder.authoring.formulas import one_hot, output_size, softmax
from introdl.checking import arithmetic

LIBRARIES = ("torch.*", "sklearn.*", "introdl.figures.*")
NUMERICAL = (
    "torch.*",
    "scipy.optimize.*",
    "scipy.differentiate.*",
    "numpy.gradient",
    "introdl.figures.*",
)
SOFTMAXES = ("scipy.special.*",)


def _tidied(arrays):
    return tuple(rounded(array) for array in arrays)


def _torch_gradients(function, *arrays):
    """Gradients of a number by autograd, one for each array."""
    tensors = [torch.from_numpy(np.array(array)).requires_grad_() for array in arrays]
    return tuple(rounded(grad.numpy()) for grad in torch.autograd.grad(function(*tensors), tensors))


# --- 06.numerical_gradient ----------------------------------------------------------------------------------


def _central(function, w, x, h=1e-5):
    """What central differences with this very step give: in closed form, without taking any difference."""
    if function == "sum(w * x**3)":
        return rounded(w * (3 * x**2 + h**2))
    if function == "sum(w * x**2)":
        return rounded(2 * w * x)
    if function == "sum(w * sin(x))":
        return rounded(w * np.cos(x) * np.sin(h) / h)
    return rounded(2 * np.sum(w * x) * w)


def _numerical_cases(rng):
    x, w = rng.permutation(np.arange(1.0, 4.0))[:2], whole(rng, 2, 1, 4)
    yield Case("two numbers, a wide step", function="sum(w * x**3)", w=w, x=x, h=0.5)
    w, x = rng.uniform(0.5, 2, (2, 3)).round(2), rng.uniform(0.5, 2, (2, 3)).round(2)
    yield Case("the square of a sum, 2 x 3", function="sum(w * x)**2", w=w, x=x, h=0.25)
    w, x = signed(rng, (3, 2, 4)), signed(rng, (3, 2, 4))
    yield Case("sines, 3 x 2 x 4, a small step", function="sum(w * sin(x))", w=w, x=x, h=1e-5)
    w, x = whole(rng, (3, 2), 1, 5), rng.integers(5000, 9000, (3, 2)).astype(float)
    yield Case("numbers in the thousands", function="sum(w * x**2)", w=w, x=x, h=0.5)
    yield Case("a single number", function="sum(w * x**3)", w=signed(rng, 1), x=signed(rng, 1), h=0.1)
    # a third power's difference at 0 is its weight times the step's square
    w, x = whole(rng, 3, 1, 5) * 1e6, np.zeros(3)
    yield Case("the step left at its default", function="sum(w * x**3)", w=w, x=x)


def _differences(entry):
    """A numerical gradient, entry by entry, from a function of f, x, the index and h."""

    def wrong(f, x, h=1e-5):
        grad = np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            grad[index] = entry(f, x, index, h)
        return grad

    return wrong


def _moved(x, index, h):
    moved = x.copy()
    moved[index] += h
    return moved


def _central_entry(f, x, index, h):
    return (f(_moved(x, index, h)) - f(_moved(x, index, -h))) / (2 * h)


def _rows_moved(f, x, h=1e-5):
    grad = np.zeros(x.shape)
    for i in range(len(x)):
        grad[i] = _central_entry(f, x, i, h)
    return grad


def _x_left_changed(f, x, h=1e-5):
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += h
        up = f(x)
        x[index] -= 2 * h
        grad[index] = (up - f(x)) / (2 * h)
    return grad


def _copy_left_below(f, x, h=1e-5):
    moved, grad = x.copy(), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved[index] += h
        up = f(moved)
        moved[index] -= 2 * h
        grad[index] = (up - f(moved)) / (2 * h)
    return grad


def _copies_left_moved(f, x, h=1e-5):
    up, down, grad = x.copy(), x.copy(), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up[index] += h
        down[index] -= h
        grad[index] = (f(up) - f(down)) / (2 * h)
    return grad


NUMERICAL_GRADIENT = Exercise(
    id="06.numerical_gradient",
    title="The gradient by central differences",
    points=10,
    cases=_numerical_cases,
    oracle=_central,
    probe="function_of_array",
    forbidden=NUMERICAL,
    misconceptions={
        "one-sided: forward": Mistake(
            "You compare f at x + h with f at x itself. A central difference looks to both sides, x + h and x - h, and its "
            "error is far smaller.",
            _differences(lambda f, x, i, h: (f(_moved(x, i, h)) - f(x)) / h),
        ),
        "one-sided: backward": Mistake(
            "You compare f at x with f at x - h. A central difference looks to both sides, x + h and x - h.",
            _differences(lambda f, x, i, h: (f(x) - f(_moved(x, i, -h))) / h),
        ),
        "divided by h, not by 2h": Mistake(
            "Your numbers are twice as large as they should be. From x - h to x + h it is two steps.",
            _differences(lambda f, x, i, h: 2 * _central_entry(f, x, i, h)),
        ),
        "not divided by the step": Mistake(
            "You return the difference of f. A slope is that difference for each unit of x: divide by the distance "
            "between the two places.",
            _differences(lambda f, x, i, h: 2 * h * _central_entry(f, x, i, h)),
        ),
        "the sign is turned": Mistake(
            "You subtract the value above from the value below. The slope is positive where f grows with x.",
            _differences(lambda f, x, i, h: -_central_entry(f, x, i, h)),
        ),
        "the step is always 1e-5": Mistake(
            "You take a step of your own, whatever h says. The step is an argument.",
            _differences(lambda f, x, i, h: _central_entry(f, x, i, 1e-5)),
        ),
        "the step is too small": Mistake(
            "Your step is so small that x + h and x - h hardly differ in floating point, or not at all: what is left is "
            "rounding. Use the h that you are given.",
            _differences(lambda f, x, i, h: _central_entry(f, x, i, 1e-13)),
        ),
        "the whole array is moved at once": Mistake(
            "You add h to all of x. That gives one slope, along the diagonal, and you put it everywhere. Each entry's slope "
            "needs a move of that entry alone.",
            lambda f, x, h=1e-05: np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h)),
        ),
        "one slope for the whole array": Mistake(
            "You add h to all of x and get one number. The gradient has a number for each entry of x, found by moving that "
            "entry alone.",
            lambda f, x, h=1e-05: (f(x + h) - f(x - h)) / (2 * h),
        ),
        "a whole row is moved at once": Mistake(
            "You loop over the first axis only, so all entries of x[i] move together. Loop over every single entry, however "
            "many axes x has.",
            _rows_moved,
        ),
        "x is left changed": Mistake(
            "You move entries of x itself and do not put them back. From the second entry on, you are looking at "
            "another place, and the caller's x has changed. Keep the old number and restore it, or move a copy.",
            _x_left_changed,
        ),
        "earlier entries stay moved": Mistake(
            "You make your copies once, before the loop, so every entry that was moved stays moved. Put it back before the "
            "next one, or make fresh copies.",
            _copies_left_moved,
        ),
        "entries are not put back": Mistake(
            "You move one copy, entry by entry, and leave each entry a step below where it was. From the second entry on, "
            "you are looking at another place. Put the old number back before the next one.",
            _copy_left_below,
        ),
    },
    hints=(
        "Do it by hand for x with two numbers: which two places do you ask f about for the first slope, and which two for the "
        "second?",
        "np.ndindex(x.shape) yields the index of every entry, whatever the shape. Inside the loop make two copies of x, and "
        "move one entry of each.",
        "up, down = x.copy(), x.copy(); up[index] += h; down[index] -= h; and the slope is (f(up) - f(down)) / (2 * h).",
    ),
)


# --- 06.value -----------------------------------------------------------------------------------------------


def _leaf(rng, low=0.3, high=2.0):
    return float(rng.choice([-1, 1]) * round(rng.uniform(low, high), 2))


def _positive(rng, low=0.4, high=2.0):
    return round(float(rng.uniform(low, high)), 2)


def _neuron(rng):
    """Inputs, weights and bias of a neuron whose sum lies neither near 0 nor far out."""
    while True:
        leaves = {name: _leaf(rng, 0.3, 0.9) for name in ("x", "w", "y", "k", "b")}
        if 0.4 < abs(leaves["x"] * leaves["w"] + leaves["y"] * leaves["k"] + leaves["b"]) < 1.6:
            return leaves


def _torch_values(program, leaves):
    own = {
        name: torch.tensor(float(number), dtype=torch.float64, requires_grad=True) for name, number in leaves.items()
    }
    return own, arithmetic.run(program, own)


def _values_oracle(program, leaves):
    own, nodes = _torch_values(program, leaves)
    grads = torch.autograd.grad(list(nodes.values())[-1], list(own.values()), allow_unused=True)
    return {
        "data": {name: round(node.item(), 10) for name, node in nodes.items()},
        "slopes": {
            name: 0.0 if grad is None else round(grad.item(), 10) for name, grad in zip(own, grads, strict=True)
        },
    }


def _values_cases(rng):
    a, b = rng.permutation([2.0, 3.0, 5.0])[:2].tolist()
    yield Case("a product and a sum", program="c = a * b; L = c + a", leaves={"a": a, "b": -b})
    yield Case(
        "powers", program="c = a ** 3; d = b ** 2; L = c - d", leaves={"a": -_positive(rng, 0.6), "b": _leaf(rng)}
    )
    yield Case(
        "relu above and below zero",
        program="p = a.relu(); q = b.relu(); t = d.relu(); r = p * c; s = q * c; u = r + s; L = u + t",
        leaves={"a": _positive(rng, 0.2, 0.9), "b": -_positive(rng), "c": _leaf(rng), "d": _positive(rng, 120, 900)},
    )
    yield Case(
        "relu and a square at exactly zero",
        program="p = b.relu(); q = a * b; r = b ** 2; s = p + q; L = s + r",
        leaves={"a": _leaf(rng), "b": 0.0},
    )
    yield Case(
        "a neuron with tanh",
        program="u = x * w; v = y * k; s = u + v; z = s + b; t = z.tanh(); L = 2 * t",
        leaves=_neuron(rng),
    )
    yield Case(
        "numbers on either side",
        program=f"c = a * {rng.integers(2, 5)}; d = 3 * c; e = d + {rng.integers(1, 9)}; f = 1 - e; g = 2.5 + f; L = g / 4",
        leaves={"a": _leaf(rng)},
    )
    yield Case("quotients", program="q = a / b; r = 2 / q; L = q + r", leaves={"a": _leaf(rng, 0.6), "b": _leaf(rng, 0.6)})  # fmt: skip
    yield Case(
        "one number used again and again",
        program="b = a * a; c = b * a; d = c + c; e = -d; L = e * b",
        leaves={"a": _leaf(rng, 0.6, 1.4)},
    )
    yield Case(
        "whole numbers and NumPy's numbers",
        program="c = a ** 2; d = c / b; L = d * k",
        leaves={"a": int(rng.integers(2, 6)), "b": np.int64(rng.integers(2, 6)), "k": np.float64(_leaf(rng))},
    )


class _Engine:
    """A Value that is right; the mistakes below change one method each."""

    def __init__(self, data, children=(), slopes=(), op=""):
        self.data, self.grad = float(data), 0.0
        self.children, self.slopes, self.op = children, slopes, op

    def wrap(self, other):
        return other if isinstance(other, _Engine) else type(self)(other)

    def product_slopes(self, a, b):
        return b, a

    def power_slope(self, x, n):
        return n * x ** (n - 1)

    def relu_slope(self, x):
        return 1.0 if x > 0 else 0.0

    def tanh_slope(self, x, t):
        return 1 - t * t

    def children_of(self, *children):
        return children

    def __add__(self, other):
        other = self.wrap(other)
        return type(self)(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __mul__(self, other):
        other = self.wrap(other)
        slopes = self.product_slopes(self.data, other.data)
        return type(self)(self.data * other.data, (self, other)[: len(slopes)], slopes, "*")

    def __pow__(self, n):
        return type(self)(self.data**n, (self,), (self.power_slope(self.data, n),), f"**{n}")

    def relu(self):
        return type(self)(max(self.data, 0.0), (self,), (self.relu_slope(self.data),), "relu")

    def tanh(self):
        t = math.tanh(self.data)
        return type(self)(t, (self,), (self.tanh_slope(self.data, t),), "tanh")

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-self.wrap(other))

    def __truediv__(self, other):
        return self * self.wrap(other) ** -1

    def __rsub__(self, other):
        return self.wrap(other) - self

    def __rtruediv__(self, other):
        return self.wrap(other) / self

    __radd__, __rmul__ = __add__, __mul__


def _engine(**methods):
    return type("Value", (_Engine,), methods)


def _in_place(self, other):
    self.data *= self.wrap(other).data
    return self


def _not_wrapped(self, other):
    return type(self)(self.data * other.data, (self, other), (other.data, self.data), "*")


def _number_in_place_of_value(self, other):
    return self.data * self.wrap(other).data


def _no_children(self, other):
    return type(self)(self.data * self.wrap(other).data)


def _exponent_remembered(self, n):
    n = self.wrap(n)
    return type(self)(self.data**n.data, (self, n), (self.power_slope(self.data, n.data), 0.0), f"**{n.data}")


def _relu_is_the_same(self):
    return self if self.data > 0 else type(self)(0.0)


def _relu_of_negative(self):
    return type(self)(max(-self.data, 0.0), (self,), (-1.0 if self.data < 0 else 0.0,), "relu")


VALUE = Exercise(
    id="06.value",
    title="Numbers that remember: Value's operations",
    points=14,
    cases=_values_cases,
    oracle=_values_oracle,
    names=("Value",),
    probe="values",
    forbidden=LIBRARIES,
    misconceptions={
        "the product's slopes are not swapped": Mistake(
            "In a product you give each factor its own number as slope. If a grows by 1, a * b grows by b: the slope for one "
            "factor is the other factor.",
            _engine(product_slopes=lambda self, a, b: (a, b)),
        ),
        "the product's slopes are those of a sum": Mistake(
            "Your product passes slopes of 1 on, as a sum does. If a grows by 1, a * b grows by b.",
            _engine(product_slopes=lambda self, a, b: (1.0, 1.0)),
        ),
        "only the first factor is remembered": Mistake(
            "Your product keeps a slope for its first factor only. The second has a slope too.",
            _engine(product_slopes=lambda self, a, b: (b,)),
        ),
        "the product forgets its children": Mistake(
            "Your product has the right number, but no children and no slopes, so the way back ends there. Hand them over when "
            "you make the new Value, as __add__ does.",
            _engine(__mul__=_no_children, __rmul__=_no_children),
        ),
        "the number itself is changed": Mistake(
            "Your product writes into one of its factors and returns it. The caller still needs that number. Return a new "
            "Value.",
            _engine(__mul__=_in_place, __rmul__=_in_place),
        ),
        "a plain number comes out": Mistake(
            "Your product returns a plain number. It should be a Value, with its children and slopes.",
            _engine(__mul__=_number_in_place_of_value, __rmul__=_number_in_place_of_value),
        ),
        "plain numbers are not wrapped": Mistake(
            "A Value times a plain number, as in a * 2, stops: a plain number has no data. Wrap it into a Value first, as "
            "__add__ does.",
            _engine(__mul__=_not_wrapped, __rmul__=_not_wrapped),
        ),
        "the power's slope keeps its exponent": Mistake(
            "The slope of x**n is n * x**(n - 1): the exponent falls by one. Yours stays as it was.",
            _engine(power_slope=lambda self, x, n: n * x**n),
        ),
        "the power's slope has no factor": Mistake(
            "The slope of x**n is n * x**(n - 1). You have lost the n in front.",
            _engine(power_slope=lambda self, x, n: x ** (n - 1)),
        ),
        "the exponent is a child too": Mistake(
            "Your power remembers its exponent as a second child. The exponent is a plain number, which nobody will turn: a power "
            "has one child, the number itself, and one slope.",
            _engine(__pow__=_exponent_remembered),
        ),
        "relu's slope is 1 everywhere": Mistake(
            "Your relu passes the slope on where its input is negative too. There the output is 0 and stays 0 when the input "
            "moves a little: slope 0.",
            _engine(relu_slope=lambda self, x: 1.0),
        ),
        "relu has slope 1 at zero": Mistake(
            "At exactly 0 relu has a corner. The docstring asks for slope 0 there, as PyTorch does. Compare with >, not >=.",
            _engine(relu_slope=lambda self, x: 1.0 if x >= 0 else 0.0),
        ),
        "relu's slope is the number": Mistake(
            "As slope of relu you give its value. Where the input is positive, relu is the input itself: its slope is 1.",
            _engine(relu_slope=lambda self, x: max(x, 0.0)),
        ),
        "relu gives back the Value itself": Mistake(
            "Your relu returns self where the number is positive. Then two steps of the graph are one and the same Value, "
            "with one gradient. Make a new Value, with self as its child.",
            _engine(relu=_relu_is_the_same),
        ),
        "relu keeps the negative side": Mistake(
            "Your relu answers with a positive number where the input is negative. It keeps positive numbers as they are, and "
            "makes 0 of negative ones.",
            _engine(relu=_relu_of_negative),
        ),
        "tanh's slope from its input": Mistake(
            "You use 1 - z**2 with the input z. The formula takes the output t: 1 - t**2.",
            _engine(tanh_slope=lambda self, x, t: 1 - x * x),
        ),
        "tanh's slope is tanh": Mistake(
            "As slope of tanh you give its value t. The slope is 1 - t**2: steepest at 0, flat far out.",
            _engine(tanh_slope=lambda self, x, t: t),
        ),
        "sigmoid's slope for tanh": Mistake(
            "t * (1 - t) is the slope of the sigmoid, from its output. For tanh it is 1 - t**2.",
            _engine(tanh_slope=lambda self, x, t: t * (1 - t)),
        ),
    },
    hints=(
        "Read __add__ once more. It does three things: it wraps a plain number, works out the new number, and remembers the "
        "children with a slope for each. Each operation does the same with another formula.",
        "If a grows by a tiny amount, by how many times that amount does a * b grow? That is the slope for a. Do the same for b.",
        "Slopes: a * b has (b, a); x**n has n * x**(n - 1); relu has 1 where x > 0, else 0; tanh has 1 - t**2 with t its "
        "output.",
    ),
)


# --- 06.backward --------------------------------------------------------------------------------------------


def _backward_oracle(program, leaves, roots):
    _, nodes = _torch_values(program, leaves)
    found = dict.fromkeys(nodes, 0.0)
    for root in roots:
        grads = torch.autograd.grad(nodes[root], list(nodes.values()), allow_unused=True, retain_graph=True)
        found.update({n: round(g.item(), 10) for n, g in zip(nodes, grads, strict=True) if g is not None})
    return found


def _backward_cases(rng):
    a, b = rng.permutation([2.0, 3.0, 5.0])[:2].tolist()
    yield Case("a product and a sum", program="c = a * b; L = c + a", leaves={"a": a, "b": -b}, roots=["L"])
    yield Case("one number used twice", program="b = a + a; L = b * a", leaves={"a": _leaf(rng)}, roots=["L"])
    two = {"a": _leaf(rng, 0.6, 1.6), "b": _leaf(rng, 0.6, 1.6)}
    diamond = "c = a * b; d = c + a; e = d * c; f = e * d; L = f + c"
    yield Case("a long way and a short way", program=diamond, leaves=two, roots=["L"])
    turned = "c = a * b; d = c * a; e = c + d; g = a + e; L = c * g"
    yield Case("the short way comes first", program=turned, leaves=dict(two), roots=["L"])
    neuron = "u = x * w; v = y * k; s = u + v; z = s + b; t = z.tanh(); e = t - 1; L = e ** 2"
    yield Case(
        "a neuron and its squared error",
        program=neuron,
        leaves=_neuron(rng),
        roots=["L"],
    )
    yield Case("backward called twice", program=diamond, leaves={"a": _leaf(rng, 0.6, 1.6), "b": _leaf(rng, 0.6, 1.6)}, roots=["L", "L"])  # fmt: skip
    same = _leaf(rng)  # two leaves with one number are two leaves all the same
    yield Case(
        "two results of one graph, one after the other",
        program="c = a * b; K = c * a; L = c + b",
        leaves={"a": same, "b": same},
        roots=["K", "L"],
    )
    signs = rng.choice(["+", "*"], 200)
    names = ["a", *(f"n{i}" for i in range(1, 200)), "L"]
    chain = "; ".join(
        f"{new} = {old} {sign} {0.5 if sign == '+' else (1.02, 0.97)[i % 2]}"
        for i, (old, new, sign) in enumerate(zip(names, names[1:], signs, strict=False))
    )
    yield Case("a chain of 200 steps", program=chain, leaves={"a": _leaf(rng)}, roots=["L"])
    names = ["a", *(f"n{i}" for i in range(1, 40)), "L"]
    doubled = "; ".join(f"{new} = {old} + {old}" for old, new in zip(names, names[1:], strict=False))
    yield Case("forty doublings", program=doubled, leaves={"a": _leaf(rng)}, roots=["L"])


def _order(root):
    """Nodes that lead to a root, each after its children, without recursion."""
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in node.children if id(child) not in seen)
    return order


def _passing_on(part):
    """A node's step: `part(old, slope, above)` is a child's new gradient, from its old one and the gradient above."""

    def pass_on(node):
        for child, slope in zip(node.children, node.slopes, strict=True):
            child.grad = part(child.grad, slope, node.grad)

    return pass_on


_pass_on = _passing_on(lambda old, slope, above: old + slope * above)


def _right_order(pass_on, start=1.0, afresh=True):
    """The right walk, with a step of one's own at each node."""

    def wrong(root):
        order = _order(root)
        if afresh:
            for node in order:
                node.grad = 0.0
        root.grad = start
        for node in reversed(order):
            pass_on(node)

    return wrong


def _first_child(node):
    for child, slope in list(zip(node.children, node.slopes, strict=True))[:1]:
        child.grad += slope * node.grad


def _turned_slopes(node):
    for child, slope in zip(node.children, node.slopes[::-1], strict=True):
        child.grad += slope * node.grad


def _cleared(root):
    for node in _order(root):
        node.grad = 0.0
    root.grad = 1.0


def _depth_first(root):
    """Each node once, but passing on as soon as it is met."""
    _cleared(root)
    seen, stack = {id(root)}, [root]
    while stack:
        node = stack.pop()
        _pass_on(node)
        for child in reversed(node.children):
            if id(child) not in seen:
                seen.add(id(child))
                stack.append(child)


def _breadth_first(root):
    _cleared(root)
    seen, queue = {id(root)}, [root]
    for node in queue:
        _pass_on(node)
        for child in node.children:
            if id(child) not in seen:
                seen.add(id(child))
                queue.append(child)


def _passed_on_again(root):
    """A node passes all of its gradient on whenever a new part of it arrives."""
    _cleared(root)

    def visit(node):
        for child, slope in zip(node.children, node.slopes, strict=True):
            child.grad += slope * node.grad
            visit(child)

    visit(root)


def _every_path(root):
    """Right, but a node is visited once for each path that leads to it."""
    _cleared(root)
    root.grad = 0.0

    def visit(node, grad):
        node.grad += grad
        for child, slope in zip(node.children, node.slopes, strict=True):
            visit(child, grad * slope)

    visit(root, 1.0)


def _one_step(root):
    _cleared(root)
    _pass_on(root)


def _leaves_only(root):
    order = _order(root)
    _cleared(root)
    for node in reversed(order):
        _pass_on(node)
    for node in order:
        if node.children:
            node.grad = 0.0


BACKWARD = Exercise(
    id="06.backward",
    title="The backward pass",
    points=16,
    cases=_backward_cases,
    oracle=_backward_oracle,
    probe="backward",
    forbidden=LIBRARIES,
    misconceptions={
        "gradients are overwritten, not added": Mistake(
            "Where a number is used twice, each use brings a part of its gradient, and you keep only the last part. Add to "
            "grad, do not replace it.",
            _right_order(_passing_on(lambda old, slope, above: slope * above)),
        ),
        "passed on too early, depth first": Mistake(
            "You visit each node once, but follow a path to its end at once. A node that can be reached by another way "
            "passes on what it has before all of it has arrived. A node's turn comes after all those that it was used in.",
            _depth_first,
        ),
        "passed on too early, level by level": Mistake(
            "You go level by level from the root and visit each node once. But a node near the root by one way may be far "
            "by another, and then passes on before all has arrived. Level by level is no topological order.",
            _breadth_first,
        ),
        "a node passes on twice": Mistake(
            "A node that is used twice is visited twice, and each time passes on all of its grad, so the first part is counted "
            "again. Visit each node once, after all those that it was used in.",
            _passed_on_again,
        ),
        "every path is walked": Mistake(
            "Your gradients are right, but a node is visited once for each path that leads to it. Forty doublings have 2**40 "
            "paths, and you would never finish. Visit each node once, with all of its gradient.",
            _every_path,
        ),
        "only the root's own children get a gradient": Mistake(
            "The gradient stops after one step. Either you do not go on from the root's children, or you walk from the leaves "
            "to the root, so that nodes pass on before they have anything.",
            _one_step,
        ),
        "only the leaves keep a gradient": Mistake(
            "The leaves are right, but the nodes in between have grad 0. Every node of the graph keeps its gradient here, so "
            "that you can look at it.",
            _leaves_only,
        ),
        "the root's gradient is not set to 1": Mistake(
            "All gradients are 0, since there is nothing to pass on. The slope of the root with respect to itself is 1: begin "
            "with that.",
            _right_order(_pass_on, start=0.0),
        ),
        "old gradients are kept": Mistake(
            "Called a second time, your function adds to what the first call left. Set grad to 0 on every node of the graph "
            "before you begin.",
            _right_order(_pass_on, afresh=False),
        ),
        "the slopes are not chained": Mistake(
            "You give each child its local slope alone. The chain rule multiplies it by the gradient of the node above.",
            _right_order(_passing_on(lambda old, slope, above: old + slope)),
        ),
        "the local slope is left out": Mistake(
            "You hand each child the gradient of the node above as it is. It must be multiplied by the child's slope.",
            _right_order(_passing_on(lambda old, slope, above: old + above)),
        ),
        "slopes are added along the way": Mistake(
            "Along a path slopes are multiplied; it is the paths that are added up.",
            _right_order(_passing_on(lambda old, slope, above: old + (slope + above))),
        ),
        "only the first child": Mistake(
            "You pass the gradient to the first child only. zip(node.children, node.slopes) gives all of them.",
            _right_order(_first_child),
        ),
        "the slopes are in the wrong order": Mistake(
            "You hand each child another child's slope. node.slopes stand in the order of node.children.",
            _right_order(_turned_slopes),
        ),
    },
    hints=(
        "First make a list of all nodes in which every node comes after its children. Then walk it from its end: the root "
        "first. Which node's grad is complete at that point?",
        "The list: a function visit(node) that does nothing for a node it has seen, else visits the node's children and then "
        "appends the node.",
        "Set grad of all nodes to 0.0 and root.grad to 1.0. For each node of the list, from its end: for child, slope in "
        "zip(node.children, node.slopes): child.grad += slope * node.grad.",
    ),
)


# --- 06.dense_backward, 06.relu_backward --------------------------------------------------------------------


def _dense_oracle(dout, x, W):
    upstream = torch.from_numpy(np.array(dout))
    bias = np.zeros(W.shape[1])
    return _torch_gradients(lambda x, W, b: (upstream * torch.addmm(b, x, W)).sum(), x, W, bias)


def _dense(dout, x, W):
    return dout @ W.T, x.T @ dout, dout.sum(axis=0)


def _dense_cases(rng):
    yield Case("2 plates, 3 features, 2 units, whole numbers", dout=whole(rng, (2, 2), -2, 3, zero=1), x=whole(rng, (2, 3), zero=1), W=whole(rng, (3, 2), zero=1))  # fmt: skip
    yield Case("5 plates, 4 features, 3 units", dout=signed(rng, (5, 3)), x=signed(rng, (5, 4)), W=signed(rng, (4, 3)))
    square = signed(rng, (3, 3))
    square[0, 1] = -square[1, 0]
    yield Case("as many units as features", dout=signed(rng, (4, 3)), x=signed(rng, (4, 3)), W=square)
    yield Case("as many of everything", dout=signed(rng, (3, 3)), x=signed(rng, (3, 3)), W=square.copy())
    yield Case("a single plate", dout=signed(rng, (1, 4)), x=signed(rng, (1, 2)), W=signed(rng, (2, 4)))
    dout, x, W = (signed(rng, shape, 900, 120) for shape in ((2, 3), (2, 4), (4, 3)))
    yield Case("numbers in the hundreds", weight=0.5, dout=dout, x=x, W=W)


def _dense_variant(change):
    return lambda dout, x, W: _tidied(change(dout, x, W, *_dense(dout, x, W)))


DENSE_BACKWARD = Exercise(
    id="06.dense_backward",
    title="The backward pass of a dense layer",
    points=10,
    cases=_dense_cases,
    oracle=_dense_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "W is not transposed for dx": Mistake(
            "You multiply dout by W as it stands. dout is (N, M) and W is (D, M): the axes that meet must both be M. Write "
            "the shapes under the product.",
            lambda dout, x, W: _tidied((dout @ W, x.T @ dout, dout.sum(axis=0))),
        ),
        "dW is transposed": Mistake(
            "Your dW is (M, D). A gradient has the shape of what it belongs to, and W is (D, M).",
            _dense_variant(lambda dout, x, W, dx, dW, db: (dx, dW.T.copy(), db)),
        ),
        "the bias's gradient is not summed over the batch": Mistake(
            "Your db is (N, M). All plates share one bias, so each of them adds its part: sum over the batch, and (M,) "
            "remains.",
            _dense_variant(lambda dout, x, W, dx, dW, db: (dx, dW, dout)),
        ),
        "the bias's gradient is summed over the units": Mistake(
            "You have summed dout along the units, so there is one number for each plate. A bias belongs to a unit: sum over "
            "the plates, axis 0.",
            _dense_variant(lambda dout, x, W, dx, dW, db: (dx, dW, dout.sum(axis=1))),
        ),
        "the bias's gradient is averaged": Mistake(
            "Your db is a mean over the batch. Parts of a gradient add up; the loss has taken its mean already, and that "
            "factor is in dout.",
            _dense_variant(lambda dout, x, W, dx, dW, db: (dx, dW, dout.mean(axis=0))),
        ),
        "divided by the batch once more": Mistake(
            "dW and db are divided by N. The loss has taken its mean already, and its 1/N is in dout.",
            _dense_variant(lambda dout, x, W, dx, dW, db: (dx, dW / len(x), db / len(x))),
        ),
        "dW is averaged over the batch": Mistake(
            "Your dW is divided by N. The plates' parts add up; the loss has taken its mean already, and its 1/N is in dout.",
            _dense_variant(lambda dout, x, W, dx, dW, db: (dx, dW / len(x), db)),
        ),
        "db keeps an axis too many": Mistake(
            "Your db has shape (1, M). The bias has shape (M,), and so has its gradient.",
            _dense_variant(lambda dout, x, W, dx, dW, db: (dx, dW, db[None])),
        ),
        "the gradient from above is left out": Mistake(
            "Your results do not depend on dout: they would be right if dout were 1 everywhere. The chain rule multiplies by "
            "what comes from above.",
            _dense_variant(lambda dout, x, W, dx, dW, db: _dense(np.ones_like(dout), x, W)),
        ),
        "dx and dW are swapped": Mistake(
            "You return dW first. The order is dx, dW, db, as x, W and b come in the forward pass.",
            _dense_variant(lambda dout, x, W, dx, dW, db: (dW, dx, db)),
        ),
        "only the first plate counts": Mistake(
            "dW and db come from the first plate alone. Every plate of the batch adds its part.",
            _dense_variant(lambda dout, x, W, dx, dW, db: (dx, x[:1].T @ dout[:1], dout[0])),
        ),
    },
    hints=(
        "Take one plate and write out[m] = sum over d of x[d] W[d, m], plus b[m]. What does W[d, m] get, when dout[m] comes from above? And "
        "x[d], which stands in every out[m]?",
        "Let the shapes lead you: dx is (N, D), from dout (N, M) and W (D, M). dW is (D, M), from x (N, D) and dout (N, M). The "
        "axis that vanishes is the one that is summed over.",
        "dx = dout @ W.T, dW = x.T @ dout, db = dout.sum(axis=0).",
    ),
)


def _relu_oracle(dout, z):
    upstream = torch.from_numpy(np.array(dout))
    return _torch_gradients(lambda z: (upstream * torch.relu(z)).sum(), z)[0]


def _both_signs(rng, shape, *range_and_digits):
    """Both signs in z, and all four pairs of signs with dout."""
    while True:
        dout, z = signed(rng, shape, *range_and_digits), signed(rng, shape, *range_and_digits)
        if len(set(zip(np.sign(dout).ravel().tolist(), np.sign(z).ravel().tolist(), strict=True))) == 4:
            return dout, z


def _relu_cases(rng):
    sign = rng.choice([-1.0, 1.0])
    yield Case("four numbers", dout=sign * np.array([1.0, -2.0, 3.0, -4.0]), z=rng.permutation([-3.0, 5.0])[[0, 0, 1, 1]] * np.array([1.0, 1.0, 2.0, 1.0]))  # fmt: skip
    dout, z = _both_signs(rng, (4, 3))
    yield Case("a batch, 4 x 3", dout=dout, z=z)
    dout, z = _both_signs(rng, (2, 3, 4, 5))
    yield Case("pictures, 2 x 3 x 4 x 5", dout=dout, z=z)
    dout, z = _both_signs(rng, (3, 5))
    z[rng.permutation(3)[:2], rng.permutation(5)[:2]] = 0.0
    yield Case("with exact zeros", dout=dout, z=z)
    dout, z = _both_signs(rng, (3, 4), 900, 120)
    yield Case("numbers in the hundreds", weight=0.5, dout=dout, z=z)
    dout, z = _both_signs(rng, (3, 4), 0.03, 0.001, 5)
    yield Case("numbers near zero", weight=0.5, dout=dout, z=z)


def _relu_in_place(dout, z):
    dout[z <= 0] = 0
    return dout


RELU_BACKWARD = Exercise(
    id="06.relu_backward",
    title="The backward pass of ReLU",
    points=6,
    cases=_relu_cases,
    oracle=_relu_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "masked by the gradient's own sign": Mistake(
            "You set negative gradients to 0. What decides is the sign of z, the number that went into ReLU. A negative "
            "gradient must pass where z is positive.",
            lambda dout, z: np.maximum(dout, 0),
        ),
        "the mask instead of the gradient": Mistake(
            "You return 1 and 0, the slope of ReLU. The chain rule multiplies it by what comes from above, dout.",
            lambda dout, z: (z > 0).astype(float),
        ),
        "multiplied by the number": Mistake(
            "You multiply dout by relu(z). Where z is positive the slope of ReLU is 1, however large z is.",
            lambda dout, z: dout * np.maximum(z, 0),
        ),
        "the mask is turned": Mistake(
            "You let the gradient pass where z is negative. There the output is 0 and does not move.",
            lambda dout, z: dout * (z < 0),
        ),
        "zero lets the gradient pass": Mistake(
            "Where z is exactly 0 you pass the gradient on. The docstring asks for 0 there, as PyTorch does. Compare with >, "
            "not >=.",
            lambda dout, z: dout * (z >= 0),
        ),
        "everything passes": Mistake(
            "You return dout as it is. ReLU is flat where z is negative, so nothing passes there.",
            lambda dout, z: dout.copy(),
        ),
        "dout is changed in place": Mistake(
            "You write zeros into dout itself. The caller may need it for another branch of the graph. Make a new "
            "array.",
            _relu_in_place,
        ),
    },
    hints=(
        "For one number: if z = 3 and z grows a little, what does max(0, z) do? And if z = -3? Multiply that slope by dout.",
        "z > 0 is an array of True and False. In a product with numbers, True counts as 1 and False as 0.",
        "dout * (z > 0), or np.where(z > 0, dout, 0.0).",
    ),
)


# --- 06.cross_entropy_backward ------------------------------------------------------------------------------


def _entropy_oracle(dout, scores, labels):
    labels = torch.from_numpy(np.array(labels))
    return _torch_gradients(lambda s: dout * torch.nn.functional.cross_entropy(s, labels), scores)[0]


def _entropy_cases(rng):
    first = np.stack([rng.permutation([0.0, 1.0, 3.0]), rng.permutation([-1.0, 2.0, 4.0])])
    yield Case(
        "two plates, three dishes", weight=0.4, dout=1.0, scores=first, labels=rng.permutation(3)[:2].astype(np.int64)
    )
    yield Case(
        "five plates, half the loss", weight=0.4, dout=0.5, scores=signed(rng, (5, 4)), labels=drawn_labels(rng, 5, 4)
    )
    yield Case("as many plates as dishes", weight=0.4, dout=3.0, scores=signed(rng, (4, 4)), labels=rng.permutation(4).astype(np.int64))  # fmt: skip
    yield Case(
        "a negative gradient from above",
        weight=0.4,
        dout=-2.0,
        scores=signed(rng, (3, 5)),
        labels=drawn_labels(rng, 3, 5),
    )
    # The naive softmax is right everywhere else, so this weighs most.
    # One row has a score of a thousand, one has two, and one has none: each has a largest of its own.
    scores = signed(rng, (3, 4))
    for row, count in zip(rng.permutation(3), (0, 1, 2), strict=True):
        scores[row, rng.permutation(4)[:count]] += 1000
    yield Case("scores of a thousand", weight=6, dout=2.0, scores=scores.round(2), labels=drawn_labels(rng, 3, 4))
    labels = rng.permutation([11, rng.integers(1, 12), 9])
    yield Case("twelve dishes, a large gradient from above", weight=0.4, dout=900.0, scores=signed(rng, (3, 12)), labels=labels)  # fmt: skip


def _shares(powers):
    return powers / powers.sum(axis=1, keepdims=True)


def _entropy_variant(make):
    def wrong(dout, scores, labels):
        return rounded(make(dout, scores, labels, softmax(scores), one_hot(labels, scores.shape[1])))

    return wrong


CROSS_ENTROPY_BACKWARD = Exercise(
    id="06.cross_entropy_backward",
    title="The backward pass of cross-entropy",
    points=8,
    cases=_entropy_cases,
    oracle=_entropy_oracle,
    forbidden=(*LIBRARIES, *SOFTMAXES),
    quiet=True,
    misconceptions={
        "the gradient from above is left out": Mistake(
            "Your result does not depend on dout. Usually dout is 1, but the loss may be one part of a larger one: "
            "multiply by dout.",
            _entropy_variant(lambda dout, s, y, p, t: (p - t) / len(y)),
        ),
        "not divided by N": Mistake(
            "The rows are right for the sum of all plates. The loss is their mean, and that divides every slope by N.",
            _entropy_variant(lambda dout, s, y, p, t: dout * (p - t)),
        ),
        "divided by the dishes too": Mistake(
            "You divide by the number of all entries. The mean runs over the N plates only.",
            _entropy_variant(lambda dout, s, y, p, t: dout * (p - t) / s.size),
        ),
        "the sign is turned": Mistake(
            "You subtract what the network says from what is true. It is the other way around: the gradient is p "
            "minus the one-hot row, and points to where the loss grows.",
            _entropy_variant(lambda dout, s, y, p, t: dout * (t - p) / len(y)),
        ),
        "the gradient from above is added": Mistake(
            "You add dout to the slopes. By the chain rule it multiplies them.",
            _entropy_variant(lambda dout, s, y, p, t: dout + (p - t) / len(y)),
        ),
        "the gradient from above is subtracted": Mistake(
            "You subtract dout from the correct dish's probability. What is subtracted there is 1; dout multiplies the "
            "whole, because of the chain rule.",
            _entropy_variant(lambda dout, s, y, p, t: (p - dout * t) / len(y)),
        ),
        "the one-hot is added": Mistake(
            "You add 1 at the correct dish. It must be subtracted: a higher correct score lowers the loss.",
            _entropy_variant(lambda dout, s, y, p, t: dout * (p + t) / len(y)),
        ),
        "the one-hot is missing": Mistake(
            "You return the probabilities. At the correct dish 1 must be subtracted.",
            _entropy_variant(lambda dout, s, y, p, t: dout * p / len(y)),
        ),
        "only the correct dish has a slope": Mistake(
            "The wrong dishes' scores count too: they stand in the sum under the logarithm. Their slope is their probability.",
            _entropy_variant(lambda dout, s, y, p, t: dout * (p - t) * t / len(y)),
        ),
        "scores instead of probabilities": Mistake(
            "You subtract the one-hot row from the raw scores. It must be subtracted from the probabilities.",
            _entropy_variant(lambda dout, s, y, p, t: dout * (s - t) / len(y)),
        ),
        "exp overflows": Mistake(
            "exp(1000) is infinite in floating point. Subtract each row's largest score first: the probabilities stay the "
            "same.",
            _entropy_variant(lambda dout, s, y, p, t: dout * (_shares(np.exp(s)) - t) / len(y)),
        ),
        "one maximum for the whole batch": Mistake(
            "You subtract the largest score of the whole batch. For a plate whose scores are a thousand lower, every power "
            "is then 0, and 0/0 is nan. Each row needs its own largest score.",
            _entropy_variant(lambda dout, s, y, p, t: dout * (_shares(np.exp(s - s.max())) - t) / len(y)),
        ),
        "large scores are cut off": Mistake(
            "You cut large scores off, so that exp stays finite. Then two scores of a thousand count as equal, though one "
            "is larger. Subtract each row's largest score: nothing is lost.",
            _entropy_variant(lambda dout, s, y, p, t: dout * (softmax(np.minimum(s, 500.0)) - t) / len(y)),
        ),
        "normalized over the batch": Mistake(
            "Your softmax adds up over the plates. Each plate's probabilities add up to 1: sum along its row.",
            lambda dout, s, y: rounded(dout * (softmax(s.T).T - one_hot(y, s.shape[1])) / len(y)),
        ),
    },
    hints=(
        "Chapter 05: the gradient of one plate's cross-entropy is what the network says, minus what is true.",
        "p: softmax of each row, with its largest score subtracted first. Subtract 1 at [n, labels[n]]. What does "
        "the mean do to it, and what does dout do?",
        "p[np.arange(N), labels] -= 1, and return dout * p / N.",
    ),
)


# --- 06.conv2d_backward -------------------------------------------------------------------------------------


def _padded(x, padding):
    return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def _places(dout):
    return [(i, j) for i in range(dout.shape[2]) for j in range(dout.shape[3])]


def _cropped(dx, padding):
    return dx[:, :, padding : dx.shape[2] - padding, padding : dx.shape[3] - padding].copy()


def _conv(dout, x, w, stride, padding, crop=True, step=None):
    padded, (kh, kw), step = _padded(x, padding), w.shape[2:], stride if step is None else step
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    for i, j in _places(dout):
        rows, columns = slice(i * step, i * step + kh), slice(j * step, j * step + kw)
        dw += np.einsum("nf,ncuv->fcuv", dout[:, :, i, j], padded[:, :, rows, columns])
        dx[:, :, rows, columns] += np.einsum("nf,fcuv->ncuv", dout[:, :, i, j], w)
    return (_cropped(dx, padding) if crop else dx), dw, dout.sum(axis=(0, 2, 3))


def _conv_oracle(dout, x, w, stride, padding):
    upstream, bias = torch.from_numpy(np.array(dout)), np.zeros(len(w))
    conv = torch.nn.functional.conv2d
    return _torch_gradients(lambda x, w, b: (upstream * conv(x, w, b, stride, padding)).sum(), x, w, bias)


def _conv_case(rng, label, x, w, stride, padding, draw=signed):
    height, width = (output_size(n, k, stride, padding) for n, k in zip(x[2:], w[2:], strict=True))
    dout = draw(rng, (x[0], w[0], height, width))
    return Case(label, dout=dout, x=draw(rng, x), w=draw(rng, w), stride=stride, padding=padding)


def _conv_cases(rng):
    yield _conv_case(
        rng, "one picture, one filter, whole numbers", (1, 1, 3, 4), (1, 1, 2, 2), 1, 0, partial(whole, zero=1)
    )
    yield _conv_case(rng, "a batch with channels and filters", (3, 2, 5, 4), (4, 2, 3, 2), 1, 0)
    yield _conv_case(rng, "padding 1", (2, 3, 4, 5), (2, 3, 3, 3), 1, 1)
    yield _conv_case(rng, "stride 2, pixels left over", (2, 2, 6, 7), (3, 2, 3, 2), 2, 0)
    yield _conv_case(rng, "stride 2, padding 2", (2, 3, 5, 6), (2, 3, 3, 4), 2, 2)
    yield _conv_case(rng, "stride 3, gaps between the windows", (3, 1, 8, 7), (2, 1, 2, 1), 3, 1)
    hundreds = partial(signed, high=900, low=120)
    yield _conv_case(rng, "stride 6, padding 6, numbers in the hundreds", (1, 1, 4, 5), (2, 1, 3, 4), 6, 6, hundreds)


def _conv_variant(change):
    def wrong(dout, x, w, stride, padding):
        return _tidied(change(dout, x, w, stride, padding, *_conv(dout, x, w, stride, padding)))

    return wrong


def _conv_overwritten(dout, x, w, stride, padding, dx, dw, db):
    padded, (kh, kw) = _padded(x, padding), w.shape[2:]
    dx = np.zeros_like(padded)
    for i, j in _places(dout):
        top, left = i * stride, j * stride
        dx[:, :, top : top + kh, left : left + kw] = np.einsum("nf,fcuv->ncuv", dout[:, :, i, j], w)
    return _cropped(dx, padding), dw, db


def _last_picture(dout, x, w, stride, padding, dx, dw, db):
    return dx, _conv(dout[-1:], x[-1:], w, stride, padding)[1], db


def _dw_without_stride(dout, x, w, stride, padding, dx, dw, db):
    padded, (kh, kw) = _padded(x, padding), w.shape[2:]
    dw = sum(
        np.einsum("nf,ncuv->fcuv", dout[:, :, i, j], padded[:, :, i : i + kh, j : j + kw]) for i, j in _places(dout)
    )
    return dx, dw, db


def _crop_top_left(dout, x, w, stride, padding, dx, dw, db):
    uncropped = _conv(dout, x, w, stride, padding, crop=False)[0]
    return uncropped[:, :, : x.shape[2], : x.shape[3]].copy(), dw, db


def _crop_from_the_end(dout, x, w, stride, padding, dx, dw, db):
    uncropped = _conv(dout, x, w, stride, padding, crop=False)[0]
    return uncropped[:, :, padding:-padding, padding:-padding].copy(), dw, db


CONV2D_BACKWARD = Exercise(
    id="06.conv2d_backward",
    title="The backward pass of a convolution",
    points=12,
    cases=_conv_cases,
    oracle=_conv_oracle,
    forbidden=(*LIBRARIES, "scipy.signal.*", "scipy.ndimage.*"),
    misconceptions={
        "the padding is not cropped": Mistake(
            "Your dx still has its padding. It must have x's own shape: cut the border off at the end.",
            lambda dout, x, w, stride, padding: _tidied(_conv(dout, x, w, stride, padding, crop=False)),
        ),
        "the padding is cropped at one end only": Mistake(
            "Your dx has the right shape, but is shifted: you keep its upper left corner. The padding lies on all four sides, "
            "so x begins at [padding, padding].",
            _conv_variant(_crop_top_left),
        ),
        "nothing is left without padding": Mistake(
            "Your dx is right with padding, and empty without. A slice [p:-p] ends p before the end, but with p = 0 it is "
            "[0:0], and holds nothing. Say where it ends: padding + H and padding + W.",
            _conv_variant(_crop_from_the_end),
        ),
        "the stride is ignored": Mistake(
            "Output [i, j] looks at the window that begins at [i * stride, j * stride]. Yours begins at [i, j].",
            lambda dout, x, w, stride, padding: _tidied(_conv(dout, x, w, stride, padding, step=1)),
        ),
        "the stride is missing in dw": Mistake(
            "Your dx is right. For dw you take the windows that begin at [i, j]: output [i, j] has seen the one that begins "
            "at [i * stride, j * stride].",
            _conv_variant(_dw_without_stride),
        ),
        "dw is not summed over the batch": Mistake(
            "Your dw comes from the last picture alone. All pictures share the filters, so each of them adds its part. Look "
            "for = where += belongs.",
            _conv_variant(_last_picture),
        ),
        "dw is averaged over the batch": Mistake(
            "Your dw is divided by the number of pictures. The parts add up; the loss's mean is in dout already.",
            _conv_variant(lambda dout, x, w, stride, padding, dx, dw, db: (dx, dw / len(x), db)),
        ),
        "dx is overwritten where windows overlap": Mistake(
            "A pixel under several windows gets a part from each of them, and you keep only the last. Add to dx, do not "
            "replace it.",
            _conv_variant(_conv_overwritten),
        ),
        "the kernel is flipped for dx": Mistake(
            "You have turned the kernel by 180 degrees before you lay it on dx. If you add each output's share to its own "
            "window, it stays as it is; turning it belongs to the other way of computing dx, which gathers the parts "
            "pixel by pixel.",
            _conv_variant(
                lambda dout, x, w, stride, padding, dx, dw, db: (
                    _conv(dout, x, w[:, :, ::-1, ::-1], stride, padding)[0],
                    dw,
                    db,
                )
            ),
        ),
        "dw is flipped": Mistake(
            "Your dw stands upside down. dw[f, c, u, v] belongs to the pixel at [i * stride + u, j * stride + v].",
            _conv_variant(
                lambda dout, x, w, stride, padding, dx, dw, db: (dx, dw[:, :, ::-1, ::-1].copy(), db),
            ),
        ),
        "db is not summed over the places": Mistake(
            "Your db has an entry for each place. A filter has one bias, used at every place of every picture: sum over all "
            "of them.",
            _conv_variant(lambda dout, x, w, stride, padding, dx, dw, db: (dx, dw, dout.sum(axis=0))),
        ),
        "db is averaged": Mistake(
            "Your db is a mean. A bias is added at every place of every picture, and its parts add up.",
            _conv_variant(lambda dout, x, w, stride, padding, dx, dw, db: (dx, dw, dout.mean(axis=(0, 2, 3)))),
            also=[
                _conv_variant(lambda dout, x, w, stride, padding, dx, dw, db: (dx, dw, db / len(x))),
                _conv_variant(
                    lambda dout, x, w, stride, padding, dx, dw, db: (dx, dw, dout.mean(axis=(2, 3)).sum(axis=0))
                ),
            ],
        ),
        "the gradient from above is left out": Mistake(
            "Your results do not depend on dout: they would be right if dout were 1 everywhere.",
            _conv_variant(
                lambda dout, x, w, stride, padding, dx, dw, db: _conv(np.ones_like(dout), x, w, stride, padding)
            ),
        ),
        "the gradient from above is missing in dx": Mistake(
            "Your dw is right, but your dx does not depend on dout: each window of it gets the kernel as it is. The chain rule "
            "multiplies by what comes from above.",
            _conv_variant(
                lambda dout, x, w, stride, padding, dx, dw, db: (
                    _conv(np.ones_like(dout), x, w, stride, padding)[0],
                    dw,
                    db,
                )
            ),
        ),
        "dx of the first filter only": Mistake(
            "Your dx holds the share of one filter. Every filter looks at the same pixels, so their shares add up.",
            _conv_variant(
                lambda dout, x, w, stride, padding, dx, dw, db: (
                    _conv(dout[:, :1], x, w[:1], stride, padding)[0],
                    dw,
                    db,
                )
            ),
        ),
    },
    hints=(
        "Take one output number: out[n, f, i, j] is the sum of a window times w[f], plus b[f]. When dout[n, f, i, j] comes "
        "from above, what does each pixel of the window get, what each weight, and what the bias?",
        "Loop as in the forward pass. With g = dout[n, f, i, j]: dw[f] += g * window, and the same window of the padded dx += "
        "g * w[f].",
        "Pad x, make dx of zeros in the padded shape, run the loops with top, left = i * stride, j * stride, then cut: "
        "dx[:, :, padding : padding + H, padding : padding + W]. db = dout.sum(axis=(0, 2, 3)).",
    ),
)


# --- 06.max_pool2d_backward ---------------------------------------------------------------------------------


def _pool(dout, x, size, stride, share):
    """Route gradients: `share(windows)` says how much of dout each cell (N, C, size * size) of a window gets."""
    dx = np.zeros(x.shape)
    for i, j in _places(dout):
        rows, columns = slice(i * stride, i * stride + size), slice(j * stride, j * stride + size)
        window = x[:, :, rows, columns]
        flat = window.reshape(*window.shape[:2], -1)
        part = share(flat) * dout[:, :, i, j][..., None]
        dx[:, :, rows, columns] += part.reshape(window.shape)
    return rounded(dx)


def _first_largest(flat):
    return np.eye(flat.shape[2])[flat.argmax(axis=2)]


def _last_largest(flat):
    return np.eye(flat.shape[2])[flat.shape[2] - 1 - flat[:, :, ::-1].argmax(axis=2)]


def _first_by_columns(flat):
    size = math.isqrt(flat.shape[2])
    order = np.arange(size * size).reshape(size, size).T.ravel()
    return np.eye(flat.shape[2])[order[flat[:, :, order].argmax(axis=2)]]


def _begins_at_zero(flat):
    return np.eye(flat.shape[2])[np.where(flat.max(axis=2) > 0, flat.argmax(axis=2), 0)]


def _every_largest(flat):
    return (flat == flat.max(axis=2, keepdims=True)).astype(float)


def _shared_largest(flat):
    largest = _every_largest(flat)
    return largest / largest.sum(axis=2, keepdims=True)


def _pool_oracle(dout, x, size, stride):
    upstream = torch.from_numpy(np.array(dout))
    pool = torch.nn.functional.max_pool2d
    return _torch_gradients(lambda x: (upstream * pool(x, size, stride)).sum(), x)[0]


def _pool_case(rng, label, shape, size, stride, x=None, **dout):
    height, width = (output_size(n, size, stride, 0) for n in shape[2:])
    x = _untied(rng, shape) if x is None else x
    return Case(label, dout=signed(rng, (*shape[:2], height, width), **dout), x=x, size=size, stride=stride)


def _untied(rng, shape):
    """Numbers of both signs, all different."""
    count = int(np.prod(shape))
    return (rng.permutation(np.arange(count) - count // 2) / 10 + 0.05).round(2).reshape(shape)


def _pool_cases(rng):
    small = rng.permutation(np.arange(1.0, 17.0)).reshape(1, 1, 4, 4)
    dout = rng.permutation([1.0, 2.0, 3.0, -4.0]).reshape(1, 1, 2, 2)
    yield Case("4 x 4 whole numbers, windows of 2 that touch", dout=dout, x=small, size=2, stride=2)
    x = _untied(rng, (2, 3, 4, 5))
    x[:, :, 1, 1:4] += 50.0  # a ridge: the same pixel is the largest of several windows
    yield _pool_case(rng, "overlapping windows, stride 1", (2, 3, 4, 5), 2, 1, x)
    yield _pool_case(rng, "windows of 3, stride 2, pixels left over", (3, 2, 6, 8), 3, 2)
    yield _pool_case(rng, "gaps between the windows", (2, 1, 7, 9), 2, 3)
    yield _pool_case(rng, "nothing but negative numbers", (2, 3, 7, 5), 2, 2, -np.abs(_untied(rng, (2, 3, 7, 5))) - 1)
    ties = rng.integers(1, 3, (2, 2, 4, 6)).astype(float)
    ties[:, :, :2, :2], ties[:, :, 2:, 4:], ties[:, :, :2, 2:4] = 2.0, -1.0, [[1.0, 2.0], [2.0, 1.0]]
    yield _pool_case(rng, "several largest", (2, 2, 4, 6), 2, 2, ties)
    x = 20 * _untied(rng, (1, 2, 13, 14))
    x[:, 0, 5, 2] = x[:, 1, 2, 5] = 7000.0  # in a window's sixth row, and in a sixth column
    yield _pool_case(rng, "windows of 6, stride 7, numbers in the hundreds", x.shape, 6, 7, x, high=900, low=120)
    yield _pool_case(rng, "slopes near zero", (1, 2, 4, 4), 2, 2, high=0.03, low=0.001, digits=5)


def _pool_variant(share):
    return lambda dout, x, size, stride: _pool(dout, x, size, stride, share)


def _pool_overwritten(dout, x, size, stride):
    dx = np.zeros(x.shape)
    for n, c in np.ndindex(x.shape[:2]):
        for i, j in _places(dout):
            window = x[n, c, i * stride : i * stride + size, j * stride : j * stride + size]
            u, v = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, i * stride + u, j * stride + v] = dout[n, c, i, j]
    return rounded(dx)


def _pool_to(place, begins=lambda i, size, stride: i * stride):
    """Route each gradient to `place` of window [i, j] and of the cell [u, v] in it."""

    def wrong(dout, x, size, stride):
        dx = np.zeros(x.shape)
        for n, c in np.ndindex(x.shape[:2]):
            for i, j in _places(dout):
                top, left = begins(i, size, stride), begins(j, size, stride)
                window = x[n, c, top : top + size, left : left + size]
                u, v = np.unravel_index(np.argmax(window), window.shape)
                dx[(n, c, *place(top, left, u, v))] += dout[n, c, i, j]
        return rounded(dx)

    return wrong


def _pool_without_stride(dout, x, size, stride):
    return _pool_to(lambda top, left, u, v: (top // stride + u, left // stride + v))(dout, x, size, stride)


def _pool_top_left(dout, x, size, stride):
    dx = np.zeros(x.shape)
    for i, j in _places(dout):
        dx[:, :, i * stride, j * stride] += dout[:, :, i, j]
    return rounded(dx)


def _pool_over_channels(dout, x, size, stride):
    """The largest over all channels takes the gradients of all of them."""

    def share(flat):
        best = flat.max(axis=1, keepdims=True)
        return _first_largest(flat) * (flat.max(axis=2, keepdims=True) == best.max(axis=2, keepdims=True))

    return _pool(dout, x, size, stride, share)


MAX_POOL2D_BACKWARD = Exercise(
    id="06.max_pool2d_backward",
    title="The backward pass of max pooling",
    points=8,
    cases=_pool_cases,
    oracle=_pool_oracle,
    forbidden=(*LIBRARIES, "scipy.signal.*", "scipy.ndimage.*"),
    misconceptions={
        "every tie gets the whole gradient": Mistake(
            "Where several cells of a window are the largest, you hand the gradient to each of them, so more comes out than went "
            "in. One cell gets it: the first in reading order.",
            _pool_variant(_every_largest),
        ),
        "ties share the gradient": Mistake(
            "Where several cells are the largest, you divide the gradient among them. That can be defended, but the docstring "
            "asks for what PyTorch does: the first in reading order gets all.",
            _pool_variant(_shared_largest),
        ),
        "the last of several largest": Mistake(
            "Where several cells are the largest, you choose the last one. The docstring asks for the first in reading order. "
            "Look for >= where > belongs.",
            _pool_variant(_last_largest),
        ),
        "the first of several largest by columns": Mistake(
            "Where several cells are the largest, you choose the first one column by column. Reading order goes row by row: "
            "the whole upper row comes first.",
            _pool_variant(_first_by_columns),
        ),
        "the search begins at 0": Mistake(
            "In a window of negative numbers you find none larger than the 0 that you began with, and the upper left cell "
            "gets the gradient. Begin with minus infinity, or with the window's first number.",
            _pool_variant(_begins_at_zero),
        ),
        "every cell gets the gradient": Mistake(
            "You hand the gradient to all cells of the window. Only the largest reaches the output; the others could move a "
            "little without any effect.",
            _pool_variant(np.ones_like),
        ),
        "the gradient is divided by the window": Mistake(
            "You spread the gradient evenly over the window, as average pooling does. In max pooling the largest cell gets all "
            "of it.",
            _pool_variant(lambda flat: np.full(flat.shape, 1 / flat.shape[2])),
        ),
        "the place in the window taken for that in the picture": Mistake(
            "argmax counts from the window's own corner, and you use its answer as a place in the picture, so everything "
            "gathers at the upper left. Add the corner: [i * stride + u, j * stride + v].",
            _pool_to(lambda top, left, u, v: (u, v)),
        ),
        "the stride is missing on the way back": Mistake(
            "You search in the right window, and then write at [i + u, j + v]. The window begins at [i * stride, j * stride] in "
            "dx too: add that to the place in the window.",
            _pool_without_stride,
        ),
        "the windows begin at multiples of their size": Mistake(
            "Your window number i begins at i * size. It moves by the stride: it begins at i * stride, and reaches over "
            "size.",
            _pool_to(lambda top, left, u, v: (top + u, left + v), lambda i, size, stride: i * size),
        ),
        "overwritten where windows overlap": Mistake(
            "A cell that is the largest of several windows gets a part from each, and you keep only the last. Add, do not "
            "replace.",
            _pool_overwritten,
        ),
        "the upper left cell gets it": Mistake(
            "You put the gradient where the window begins. It belongs to the cell with the largest number.",
            _pool_top_left,
        ),
        "the smallest cell gets it": Mistake(
            "You put the gradient at the smallest number of the window. It is the largest that reached the output.",
            _pool_variant(lambda flat: _first_largest(-flat)),
        ),
        "the gradient from above is left out": Mistake(
            "You put 1 at each largest cell. What belongs there is dout[n, c, i, j].",
            lambda dout, x, size, stride: _pool(np.ones_like(dout), x, size, stride, _first_largest),
        ),
        "multiplied by the largest number": Mistake(
            "You multiply dout by the largest number. The output is that number itself, so its slope is 1.",
            _pool_variant(lambda flat: _first_largest(flat) * flat.max(axis=2, keepdims=True)),
        ),
        "one channel gets everything": Mistake(
            "You compare across channels, and only the channel with the largest number gets a gradient. Each channel was pooled "
            "by itself.",
            _pool_over_channels,
        ),
    },
    hints=(
        "Go through the windows as in the forward pass. In each of them find the cell that was the largest: the gradient of that "
        "output goes there, and nowhere else.",
        "window.argmax() numbers the cells of a flattened window row by row, and gives the first largest. np.unravel_index turns "
        "the number into row and column.",
        "u, v = np.unravel_index(window.argmax(), window.shape), then dx[n, c, i * stride + u, j * stride + v] += dout[n, c, i, "
        "j].",
    ),
)


# --- 06.network_gradients -----------------------------------------------------------------------------------


def _network_oracle(X, labels, W1, b1, W2, b2):
    X, labels = torch.from_numpy(np.array(X)), torch.from_numpy(np.array(labels))

    def loss(W1, b1, W2, b2):
        return torch.nn.functional.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, labels)

    value = loss(*(torch.from_numpy(np.array(a)) for a in (W1, b1, W2, b2)))
    return (rounded(value), *_torch_gradients(loss, W1, b1, W2, b2))


def _log_losses(scores, labels):
    """Each plate's cross-entropy, finite for scores of any size."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]


def _network(X, labels, W1, b1, W2, b2, hidden=None, mask=None, last=lambda s: s, mean=True, W=None):
    z = X @ W1 + b1
    a = np.maximum(z, 0)
    scores = last(a @ W2 + b2)
    losses, p = _log_losses(scores, labels), softmax(scores)
    ds = (p - one_hot(labels, scores.shape[1])) / (len(labels) if mean else 1)
    da = ds @ (W2 if W is None else W).T
    dz = da * ((z > 0) if mask is None else mask(z, da))
    a = a if hidden is None else hidden(z)
    loss = losses.mean() if mean else losses.sum()
    return (rounded(loss), *_tidied((X.T @ dz, dz.sum(axis=0), a.T @ ds, ds.sum(axis=0))))


def _weights(rng, n, d, h, k, *size):
    """A batch and weights with every kind of hidden unit, none of them near its kink."""
    while True:
        X, labels = signed(rng, (n, d), *size), drawn_labels(rng, n, k)
        W1, b1, W2, b2 = (signed(rng, shape, *size) for shape in ((d, h), h, (h, k), k))
        z = X @ W1 + b1
        if np.abs(z).min() > 0.01 and (z > 0).any() and (z < 0).any() and ((a := np.maximum(z, 0)) @ W2 + b2 < 0).any():
            return {"X": X, "labels": labels, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "a": a}


def _hundreds(rng):
    """Inputs and weights of some hundreds, each of which counts."""
    while True:
        drawn = _weights(rng, 3, 2, 4, 3, 300, 120)
        del drawn["a"]
        loss = _network(**drawn)[0]
        clipped = [_network(**{**drawn, name: np.clip(drawn[name], -100, 100)})[0] for name in ("X", "W1", "b1", "W2")]
        if loss > 100 and all(abs(other - loss) > 1e-3 * loss for other in clipped):
            return drawn


def _large_scores(rng):
    """Plates with scores so far apart, and from one another, that no other shift than each plate's largest will do."""
    while True:
        drawn = _weights(rng, 4, 3, 4, 3)
        del drawn["a"]
        drawn["X"] *= np.array([[1.0], [2000.0], [1.0], [2000.0]])
        drawn["b2"] += 1000
        scores = np.maximum(drawn["X"] @ drawn["W1"] + drawn["b1"], 0) @ drawn["W2"] + drawn["b2"]
        if np.ptp(scores.max(axis=1)) > 1000 and np.ptp(scores, axis=1).max() > 1000:
            return drawn


def _network_cases(rng):
    for label, *sizes in (
        ("2 plates, 2 features, 3 hidden units, 2 dishes", 2, 2, 3, 2),
        ("6 plates, 3 features, 5 hidden units, 4 dishes", 6, 3, 5, 4),
        ("5 of everything, 3 dishes", 5, 5, 5, 3),
        ("a single plate", 1, 4, 6, 3),
    ):
        drawn = _weights(rng, *sizes)
        del drawn["a"]
        yield Case(label, **drawn)
    yield Case("numbers in the hundreds", weight=0.5, **_hundreds(rng))
    drawn = _weights(rng, 4, 2, 3, 12)
    drawn["labels"] = rng.permutation([11, 9, *rng.integers(1, 12, 2)])
    del drawn["a"]
    yield Case("twelve dishes", weight=0.5, **drawn)
    yield Case("scores of thousands", weight=0.5, **_large_scores(rng))


def _not_shifted(X, labels, W1, b1, W2, b2):
    loss, *grads = _network(X, labels, W1, b1, W2, b2)
    with np.errstate(all="ignore"):
        powers = np.exp(np.maximum(X @ W1 + b1, 0) @ W2 + b2)
        p = powers / powers.sum(axis=1, keepdims=True)
        return (rounded(-np.log(p[np.arange(len(labels)), labels]).mean()), *grads)


def _logarithm_of_zero(X, labels, W1, b1, W2, b2):
    loss, *grads = _network(X, labels, W1, b1, W2, b2)
    p = softmax(np.maximum(X @ W1 + b1, 0) @ W2 + b2)
    with np.errstate(all="ignore"):
        return (rounded(-np.log(p[np.arange(len(labels)), labels]).mean()), *grads)


def _network_with(**changes):
    return lambda X, labels, W1, b1, W2, b2: _network(X, labels, W1, b1, W2, b2, **changes)


def _divided_again(n, loss, dW1, db1, dW2, db2):
    return (loss, *_tidied((dW1 / n, db1, dW2 / n, db2)))


def _network_out(change):
    return lambda *inputs: change(*_network(*inputs))


NETWORK_GRADIENTS = Exercise(
    id="06.network_gradients",
    title="Stretch: the backward pass of a whole network",
    points=8,
    cases=_network_cases,
    oracle=_network_oracle,
    forbidden=(*LIBRARIES, *SOFTMAXES),
    misconceptions={
        "ReLU is forgotten on the way back": Mistake(
            "Your gradients of the first layer are those of a network without ReLU. On the way back the gradient has to pass "
            "relu_backward, with the numbers that went into ReLU.",
            _network_with(mask=lambda z, da: 1.0),
        ),
        "masked by the gradient's own sign": Mistake(
            "On the way back through ReLU you set negative gradients to 0. What decides is the sign of what went into ReLU.",
            _network_with(mask=lambda z, da: da > 0),
        ),
        "dW2 from before the ReLU": Mistake(
            "Your dW2 uses the first layer's sums as they were before ReLU. The second layer never saw those: its input is what "
            "ReLU let through.",
            _network_with(hidden=lambda z: z),
        ),
        "the loss is a sum": Mistake(
            "Your loss is the sum over the plates, and your gradients belong to it. The loss is the mean.",
            _network_with(mean=False),
        ),
        "ReLU after the last layer": Mistake(
            "You apply ReLU to the scores too. Scores may be negative; they go into the cross-entropy as they are.",
            _network_with(last=lambda s: np.maximum(s, 0)),
        ),
        "the sign is turned": Mistake(
            "All your gradients point downhill. A gradient points to where the loss grows; it is the step that goes the other "
            "way.",
            _network_out(lambda loss, *grads: (loss, *(-g for g in grads))),
        ),
        "the scores are not shifted": Mistake(
            "np.exp of a score of a thousand is inf, and inf / inf is nan. Subtract each plate's largest score from "
            "its scores first, as in your cross-entropy: the loss stays the same.",
            _not_shifted,
        ),
        "the logarithm of zero": Mistake(
            "Your probabilities are right, but a very small one is 0 in floating point, and its logarithm is infinite. "
            "Work out the logarithm itself: the shifted score minus np.log of the sum, as in your cross-entropy.",
            _logarithm_of_zero,
        ),
        "the weights' gradients are divided by N twice": Mistake(
            "Your dW1 and dW2 are too small by the factor N. The division by N is in dscores already, and so it is "
            "in everything computed from dscores.",
            lambda X, *rest: _divided_again(len(X), *_network(X, *rest)),
        ),
        "the loss is handed on as the gradient": Mistake(
            "All your gradients are multiplied by the loss: you hand it to the backward pass as the gradient from above. The slope "
            "of the loss with respect to itself is 1.",
            _network_out(lambda loss, *grads: (loss, *_tidied(tuple(loss * g for g in grads)))),
        ),
        "the loss is missing": Mistake(
            "You return four things. The loss comes first, then the gradients of W1, b1, W2, b2.",
            _network_out(lambda loss, *grads: grads),
        ),
        "the layers are swapped": Mistake(
            "You return the second layer's gradients first. The order is that of the arguments: W1, b1, W2, b2.",
            _network_out(lambda loss, dW1, db1, dW2, db2: (loss, dW2, db2, dW1, db1)),
        ),
        "the loss of one plate each": Mistake(
            "Your loss is an array with a number for each plate. The loss of the batch is their mean, one number.",
            lambda *inputs: (_losses(*inputs), *_network(*inputs)[1:]),
        ),
    },
    hints=(
        "Write the forward pass in four lines, and give every result a name: z1, a1, scores, loss. Then go through the lines from "
        "the last to the first: each has its backward function.",
        "cross_entropy_backward gives dscores. dense_backward with the second layer's own input gives da1, dW2, db2. Which "
        "function turns da1 into dz1, and which of z1 and a1 does it need?",
        "dscores = cross_entropy_backward(1.0, scores, labels); da1, dW2, db2 = dense_backward(dscores, a1, W2); dz1 = "
        "relu_backward(da1, z1); _, dW1, db1 = dense_backward(dz1, X, W1).",
    ),
)


def _losses(X, labels, W1, b1, W2, b2):
    return rounded(_log_losses(np.maximum(X @ W1 + b1, 0) @ W2 + b2, labels))


# --- 06.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "06.quiz",
    8,
    [
        Question(
            "c",
            a="Then the other use would count for nothing. If the number moves, both of its uses move.",
            b="Along one path slopes are multiplied. These are two paths.",
            d="The paths do not compete. Each brings its own change of the result.",
        ),
        Question(
            "a",
            b="Values do not change on the way back. It is something else that is not complete yet.",
            c="A sum of parts is the same in any order. The point is what a node may do before all its parts have come.",
            d="Speed is not the reason: each node is visited once in any order.",
        ),
        Question(
            "d",
            a="Two passes for each weight, and there are a million weights. Count again for one backward pass.",
            b="That is how long it would take to try each weight by itself. The backward pass shares its work.",
            c="The gradient needs every weight's slope, but not a pass for each.",
        ),
        Question(
            "b",
            a="A smaller step makes the truncation smaller, yes. What happens to f(x + h) - f(x - h) in floating point?",
            c="Central differences use two calls of f, whatever h is.",
            d="At 1e-13 the two places are hardly apart. What is left of the difference after rounding?",
        ),
        Question(
            "c",
            a="A gradient that small would be no trouble for float64. Think of what ReLU does at its corner.",
            b="Rounding makes errors of about 1e-11 here, not of 0.5.",
            d="dout may be anything. It multiplies both ways of computing alike.",
        ),
    ],
)

EXERCISES = [
    NUMERICAL_GRADIENT,
    VALUE,
    BACKWARD,
    DENSE_BACKWARD,
    RELU_BACKWARD,
    CROSS_ENTROPY_BACKWARD,
    CONV2D_BACKWARD,
    MAX_POOL2D_BACKWARD,
    NETWORK_GRADIENTS,
    QUIZ,
]
