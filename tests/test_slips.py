"""The slips of every beginner: each is called by its name, and its near misses are not."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from introdl.checking import composition, judge, notebook, report, sheets
from introdl.checking.slips.raised import RAISED
from introdl.checking.slips.returned import RETURNED
from tests.cell_code import functions


def looked_at(id, code):
    """Check an answer that is given as a cell's text."""
    return notebook.verdict(id, functions(textwrap.dedent(code), sheets.find(id).names))


def names(verdict):
    return [one.name for one in verdict.diagnoses]


def line(expression, name="relu", inputs="z", before=""):
    return f"def {name}({inputs}):\n{before}    return {expression}\n"


RIGHT_IOU = """
def _iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    return both / union if union else 0.0
"""

#: Exercise, code, the slip's name, and what is said of it here.
SLIPS = [
    ("02.relu", line("max(0, z)"), "max compares whole arrays", "Line 2, in relu: return max(0, z)."),
    ("02.dense_forward", line("max(x) @ W + b", "dense_forward", "x, W, b"), "Python's max goes through the rows", ""),
    ("02.relu", line("np.maximum(z, 0, 1)"), "a third array is where the result goes", ""),
    ("02.relu", line("z.clamp(0)"), "PyTorch's word in NumPy", "Instead of .clamp: np.clip(x, low, high)."),
    ("02.relu", line("z * z.max(dim=0)"), "PyTorch's word in NumPy", "Line 2"),
    ("02.relu", line("z.mean(keepdim=True)"), "PyTorch's word in NumPy", ""),
    ("02.mlp_forward", "def mlp_forward(x, layers):\n    for i in layers:\n        W, b = layers[i]\n", "what a list holds taken for its places", ""),
    ("02.mlp_forward", line('layers["W"]', "mlp_forward", "x, layers"), "no number in a list's brackets", "of the type str"),
    ("02.mlp_forward", line("layers[len(layers)]", "mlp_forward", "x, layers"), "one place past the end", ""),
    ("02.mlp_forward", line("layers[99]", "mlp_forward", "x, layers"), "a place outside the list", ""),
    ("01.color_histogram", line("image * bins // 256", "color_histogram", "image, bins"), "a byte runs over", "of uint8"),
    ("01.iou", line("float(f'{_iou(box_a, box_b):.2f}')", "iou", "box_a, box_b") + RIGHT_IOU, "the result is rounded", ""),
    ("02.relu", line("z if z > 0 else 0"), "one question asked of a whole array", "Line 2"),
    ("02.relu", line("z * (0 < z < 1e9)"), "two comparisons in a row on an array", ""),
    ("02.relu", line("z * (z > 0 and z == z)"), "and, or, not on arrays", ""),
    ("02.relu", line("np.where(z > 0 & z == z, z, 0)"), "& or | before the comparison", ""),
    ("02.relu", line("math.fabs(z)"), "an array where a single number belongs", ""),
    ("02.relu", line("np.maximun(z, 0)"), "NumPy has no such function", "is it maximum that you mean?"),
    ("02.relu", line("np.maximum(Z, 0)"), "a name that is not defined", "Z is not defined"),
    ("02.relu", line("np.where[z > 0, z, 0]"), "square brackets behind a function", ""),
    ("02.relu", line("z.shape()"), "parentheses behind what is no function", ""),
    ("02.relu", line("np.maximum"), "a function, not its result", ""),
    ("02.relu", line("(max(0, x) for x in z)"), "a generator instead of its numbers", ""),
    ("02.relu", line("np.maximum(z, 0),"), "a comma behind the result", ""),
    ("02.relu", line("z", before="    np.maximum(z, 0)\n"), "an input comes back as it was", "Here z comes back."),
    ("02.relu", "def relu(z):\n    print(np.maximum(z, 0))\n", "printed, not returned", ""),
    ("02.relu", "def relu(z):\n    out = np.maximum(z, 0)\n", "nothing is returned", ""),
    ("02.relu", "def relu(z):\n    if z.size > 10**9:\n        return z\n", "a path without return", ""),
    ("02.relu", "def relu(z, a):\n    return z\n", "another number of inputs", "It is called as relu(z)."),
    ("02.relu", "def relu(z):\n    return relu(z)\n", "it calls itself without end", ""),
    ("02.relu", "def relu(z):\n    out = []\n    for x in range(z.size):\n        out.push(x)\n", "an attribute that is not there", ".push"),
    ("02.relu", "def relu(z):\n    out = np.zeros_like(z)\n    out = out.append(z)\n    return out\n", "a list's method on an array", ".append"),
    ("02.relu", "def relu(z):\n    x, y = z.shape, z.size, 3\n    return z\n", "another number of things to unpack", ""),
    ("02.relu", "def relu(z):\n    if z.size < 0:\n        out = z\n    return out * 2\n", "a name before it has a value", "The name is out."),
    ("02.relu", line("None + z"), "None is used as a number", ""),
    ("02.relu", line("z[0.0]"), "a float where a whole number belongs", ""),
    ("02.neuron", line("np.mean(a * c for a, c in zip(x, w)) + b", "neuron", "x, w, b"), "np.sum or np.mean of a generator", ""),
    ("02.neuron", line("np.dot(x[:, None], w) + b", "neuron", "x, w, b"), "a matrix product whose inner axes differ", ""),
    ("02.neuron", line("x.sum(axis=1) * w + b", "neuron", "x, w, b"), "an axis that is not there", "axis 1 was asked for"),
    ("02.neuron", line("x[:, 0] @ w + b", "neuron", "x, w, b"), "more places in brackets than axes", ""),
    ("02.neuron", line("x @ w + b / 0", "neuron", "x, w, b"), "a division by zero", ""),
    ("02.neuron", "def neuron(x, w, b):\n    z = b\n    for i in x.size:\n        z += x[i] * w[i]\n    return z\n", "a number where many are wanted", ""),
    ("02.count_parameters", line("np.zeros(3, 4).size", "count_parameters", "sizes"), "the shape is not in parentheses of its own", ""),
    ("02.count_parameters", line("sizes[:-1] * sizes[1:]", "count_parameters", "sizes"), "a list where an array belongs", ""),
    ("02.count_parameters", line("sizes.sum()", "count_parameters", "sizes"), "an array's attribute on a list", ".sum"),
    ("02.count_parameters", line("sizes[0, 1]", "count_parameters", "sizes"), "a list is indexed like an array", ""),
    ("02.dense_forward", line("x * W + b", "dense_forward", "x, W, b"), "* where @ is meant", "x * W + b"),
    ("00.standardize", "def standardize(images):\n    images -= images.mean(axis=(0, 1, 2))\n    return images\n", "whole numbers cannot hold the result", "uint8"),
    ("04.cnn_forward", line('x * params["W1"]', "cnn_forward", "x, params"), "a key that is not there", "is it 'w1' that you mean?"),
    ("04.global_avg_pool", line("x.reshape(7, 11)", "global_avg_pool", "x"), "a reshape to another count of numbers", ""),
    ("05.hinge_loss", line("(scores - scores[:, labels]).sum()", "hinge_loss", "scores, labels, delta=1.0"), "the columns of all labels", ""),
    ("05.cross_entropy", line("-scores[labels].mean()", "cross_entropy", "scores, labels"), "labels taken for row numbers", ""),
]  # fmt: skip


@pytest.mark.parametrize(("id", "code", "name", "here"), SLIPS, ids=[f"{one[0]} {one[2]}" for one in SLIPS])
def test_a_slip_is_called_by_its_name(id, code, name, here):
    verdict = looked_at(id, code)
    assert name in names(verdict), (names(verdict), verdict.cases[0].sentence)
    assert here in report.as_text(verdict)


POOLED = """
def avg_pool2d(x, size, stride):
    rows, columns = (int(FLOOR((n - size) / stride)) + 1 for n in x.shape[2:])
    out = np.zeros((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        out[:, :, i, j] = x[:, :, i * stride : i * stride + size, j * stride : j * stride + size].mean(axis=(2, 3))
    return out
"""

#: Slips that are known by undoing them: exercise, code, name, the line that is shown.
MENDED = [
    ("02.neuron", "def neuron(x, w, b):\n    z = 0\n    for i in range(len(x)):\n        z = x[i] * w[i]\n    return z + b\n", "= where += is meant", "Line 4: z = x[i] * w[i]"),
    ("02.neuron", "def neuron(x, w, b):\n    z = b\n    for i in range(len(x)):\n        z += x[i] * w[i]\n        return z\n", "return inside the loop", "Line 5: return z"),
    ("02.neuron", "def neuron(x, w, b):\n    for i in range(len(x)):\n        z = 0\n        z += x[i] * w[i]\n    return z + b\n", "started over in each round", "Line 3: z = 0"),
    ("02.neuron", "def neuron(x, w, b):\n    z = b\n    for i in range(len(x) - 1):\n        z += x[i] * w[i]\n    return z\n", "the loop ends a round early", "Line 3"),
    ("02.neuron", "def neuron(x, w, b):\n    z = b\n    for i in range(1, len(x)):\n        z += x[i] * w[i]\n    return z\n", "the loop begins a round late", "Line 3"),
    ("00.error_reduction", line("new_accuracy - old_accuracy / 1 - old_accuracy", "error_reduction", "old_accuracy, new_accuracy"), "parentheses are missing", "Line 2"),
    ("05.softmax", "def softmax(scores):\n    e = np.exp(scores - scores.max(axis=1))\n    return e / e.sum(axis=1)\n", "keepdims is missing", "Line 2"),
    ("05.softmax", "def softmax(scores):\n    e = np.exp(scores - scores.max())\n    return e / e.sum()\n", "no axis", ""),
    (
        "00.standardize",
        "def standardize(images):\n    m = images.mean(axis=(0, 1, 2)).astype(int)\n    s = images.std(axis=(0, 1, 2))\n    return (images - m) / s\n",
        "cut to whole numbers",
        "Line 2",
    ),
    ("00.accuracy", line("round(np.mean(predictions == labels), 2)", "accuracy", "labels, predictions"), "the result is rounded", "Line 2"),
    ("02.dead_fraction", line("np.round((activations == 0).all(axis=0).mean(), 1)", "dead_fraction", "activations"), "the result is rounded", ""),
    ("04.avg_pool2d", POOLED.replace("FLOOR", "np.ceil"), "rounded up where down is meant", "np.ceil"),
    ("05.linear_scores", line("(X * W.T) + b", "linear_scores", "X, W, b"), "* where @ is meant", "Line 2"),
    ("06.numerical_gradient", "def numerical_gradient(f, x, h=1e-5):\n    grad = np.zeros(x.shape)\n    for index in np.ndindex(x.shape):\n        up, down = x, x\n        up[index] += h\n        down[index] -= h\n        grad[index] = (f(up) - f(down)) / (2 * h)\n    return grad\n", "two names for one array", "Line 4: up, down = x, x"),
]  # fmt: skip


@pytest.mark.parametrize(("id", "code", "name", "here"), MENDED, ids=[f"{one[0]} {one[2]}" for one in MENDED])
def test_a_slip_whose_undoing_makes_the_answer_right_is_named_with_its_line(id, code, name, here):
    verdict = looked_at(id, code)
    assert names(verdict) == [name] and verdict.diagnoses[0].whole
    assert here in report.as_text(verdict)


NEAR = [
    # raises by its own words
    ("02.relu", 'def relu(z):\n    raise ValueError("The truth value of an array is ambiguous")\n'),
    # a return in an if in a loop is no slip; what is wrong is something else
    ("02.neuron", "def neuron(x, w, b):\n    for i in range(len(x) + 1):\n        if i == len(x):\n            return x @ w - 3 * b\n"),
    # zeros are written into, with zeros
    ("02.relu", "def relu(z):\n    out = np.zeros_like(z)\n    out[...] = 0 * z\n    return out\n"),
    # an index within the array that chance makes equal to nothing
    ("02.dense_forward", "def dense_forward(x, W, b):\n    return x @ W - 2 * b\n"),
    ("02.sigmoid_grad", "def sigmoid_grad(z):\n    return 0.3 * np.cos(z)\n"),
]  # fmt: skip


@pytest.mark.parametrize(("id", "code"), NEAR, ids=[f"{one[0]} {number}" for number, one in enumerate(NEAR)])
def test_a_near_miss_is_not_named(id, code):
    verdict = looked_at(id, code)
    assert verdict.status == judge.FAILED and names(verdict) == []


#: What a slip's row must leave alone: exercise, code, and what is told instead.
NOT_SO = [
    ("03.correlate2d", "def correlate2d(image, kernel):\n    k = min(kernel.shape)\n    return (image[:k, :k] * kernel).sum() * np.ones((2, 3))\n", "* where @ is meant"),
    ("02.mlp_forward", "def mlp_forward(x, layers):\n    return layers[1][0]\n", "one place past the end"),
    ("02.mlp_forward", "def mlp_forward(x, layers):\n    return layers['W']\n", "a list is indexed like an array"),
    ("02.relu", "def relu(z):\n    return max(z)\n", "max compares whole arrays"),
    ("02.xor_weights", "def xor_weights():\n    return np.ones((2, 2)), 0 * np.ones(2), np.array([[1.0], [-1.0]]), np.array([0.0])\n", "nothing is written into the zeros"),
]  # fmt: skip


@pytest.mark.parametrize(("id", "code", "name"), NOT_SO, ids=[f"{one[0]} {one[2]}" for one in NOT_SO])
def test_a_slip_is_named_only_where_it_explains_what_came(id, code, name):
    assert name not in names(looked_at(id, code))


def test_rounding_is_no_cut():
    answer = "def mean_absolute_error(truth, predicted):\n    return int(np.abs(predicted - truth).mean() + 0.5)\n"
    assert names(looked_at("01.mean_absolute_error", answer)) == ["the result is rounded"]


def test_an_edit_that_breaks_what_was_right_undoes_no_slip():
    """Rounded twice over, the share is nearly right; with // for / it would be the known mistake "all or nothing"."""
    answer = "def accuracy(labels, predictions):\n    return float(f'{sum(predictions == labels) / len(labels):.2f}')\n"
    assert names(looked_at("00.accuracy", answer)) == ["the result is rounded"]


def test_a_slip_beside_a_known_mistake_names_both():
    """Undoing one leaves the other, which is known."""
    code = """
    def neuron(x, w, b):
        z = 0
        for i in range(len(x)):
            z = x[i] * w[i] + b
        return z
    """
    verdict = looked_at("02.neuron", code)
    assert names(verdict)[0] == "= where += is meant" and len(verdict.diagnoses) == 2 and "bias" in names(verdict)[1]
    assert not any(one.whole for one in verdict.diagnoses)


def test_none_is_a_slip_where_it_may_be_right_only_if_nothing_else_is_ever_returned():
    """None is right for kernels of rank 2, so whoever forgets to return was told of rounding; and who returns it of forgetting."""
    forgot = """
    def separable(kernel):
        left, sizes, right = np.linalg.svd(kernel)
        if sizes[1] > 1e-6 * sizes[0]:
            return None
        pair = left[:, 0] * sizes[0], right[0]
    """
    assert names(looked_at("03.separable", forgot)) == ["nothing is returned"]
    by_a_corner = """
    def separable(kernel):
        row = kernel[0] / kernel[0, 0]
        return (kernel[:, 0], row) if np.allclose(np.outer(kernel[:, 0], row), kernel) else None
    """
    verdict = looked_at("03.separable", by_a_corner)
    assert verdict.status == judge.FAILED and names(verdict) == ["the corner is taken as pivot"]
    wrong = next(case for case in verdict.cases if not case.passed)
    assert "forget to return" not in wrong.sentence and "is None here" in wrong.sentence


def test_two_known_mistakes_at_once_are_both_named():
    code = """
    def dense_backward(dout, x, W):
        return dout @ W.T, dout.T @ x, dout.mean(axis=0)
    """
    verdict = looked_at("06.dense_backward", code)
    assert names(verdict) == ["dW is transposed", "the bias's gradient is averaged"]


def test_two_mistakes_are_composed_from_what_each_gives():
    right = (np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    scaled, turned = (2 * right[0], right[1]), (right[0], right[1].T)
    both = composition.together(scaled, turned, right)
    assert np.array_equal(both[0], 2 * right[0]) and np.array_equal(both[1], right[1].T)
    assert composition.together(np.array([1.5, 2.0]), np.array([9.0, 2.0]), right[0]) is composition.UNKNOWN
    assert composition.together("a", 3, 3) is composition.UNKNOWN
    assert composition.pairs([both], [right], {0: [scaled], 1: [turned]}, 1e-5) == [(0, 1)]
    assert composition.pairs([scaled], [right], {0: [scaled], 1: [turned]}, 1e-5) == []


def test_an_input_that_is_changed_is_named_and_no_other():
    """Whoever writes into z was told of dout, which a known mistake changes."""
    code = """
    def relu_backward(dout, z):
        z[z <= 0] = 0
        z[z > 0] = 1
        return dout * z
    """
    verdict = looked_at("06.relu_backward", code)
    assert names(verdict) == []
    assert "changed its input z in place" in verdict.cases[0].sentence and "dout" not in verdict.cases[0].sentence
    code = """
    def mlp_forward(x, layers):
        for W, b in layers[:-1]:
            z = np.maximum(x @ W + b, 0)
            x[...] = 0
            x = z
        x[...] = x
        return x @ layers[-1][0] + layers[-1][1]
    """
    assert not any("layers" in name or "pop()" in name for name in names(looked_at("02.mlp_forward", code)))


def test_what_chance_gives_is_no_known_mistake():
    """A share of 0 is what many mistakes give."""
    code = """
    def accuracy(labels, predictions):
        right = 0
        for p, y in zip(predictions, labels):
            right = p == y
        return right / len(labels)
    """
    assert names(looked_at("00.accuracy", code)) == ["= where += is meant"]
    code = "def neuron(x, w, b):\n    return max(0, np.dot(x, w) + b)\n"
    assert "squashed" not in str(names(looked_at("02.neuron", code)))


def test_rows_say_different_things_and_none_holds_a_number_of_a_case():
    rows = [*RAISED, *RETURNED]
    for row in rows:
        assert row.explanation.endswith((".", "?")) and len(row.explanation) < 330, row.name
        assert row.name[0].islower() or row.name.startswith(("NumPy", "PyTorch", "Python", "None", "*", "&")), row.name
    assert len({row.explanation for row in RETURNED}) == len(RETURNED)


def test_feedback_on_hidden_cases_holds_the_courses_words_alone():
    """The learner's own line and names stay in the notebook: their process chooses them, and could tell a hidden input."""
    verdict = looked_at("02.relu", "def relu(z):\n    secret = 41421\n    return max(secret, z)\n")
    seen, hidden = report.as_text(verdict), report.as_text(verdict, blind=True)
    assert "max compares whole arrays" in seen and "secret, z" in seen
    assert "max compares whole arrays" in hidden and "secret" not in hidden
    assert "secret" not in report.as_html(verdict, blind=True)
