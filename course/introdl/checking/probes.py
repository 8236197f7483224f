"""Probes: how a learner's object is driven, and how its result is read.

`drive` runs beside the learner's code, and returns what came of it. `read` runs where the verdict is made (in the
notebook the same process; when grading, outside the sandbox), and turns the result into what is compared.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from introdl.checking import programs
from introdl.checking.wire import Other


@dataclass(frozen=True)
class Probe:
    """A way to drive and to read.

    Parameters
    ----------
    drive : callable
        ``drive(objects, inputs)``: a tuple of the learner's objects and a list of the case's inputs.
    read : callable
        ``read(result, inputs)``: returns what is compared with the expected output. It is given a learner's result,
        so it may meet anything; where the result cannot be read it returns `Wrong` with a sentence.
    secret : bool
        True where showing what was expected would give the answer away.
    """

    drive: Callable[[tuple, list], Any]
    read: Callable[[Any, list], Any] = lambda result, inputs: result
    secret: bool = False


@dataclass(frozen=True)
class Wrong:
    """A result that cannot be read; `sentence` says why."""

    sentence: str


PROBES: dict[str, Probe] = {}


def _call(objects: tuple, inputs: list) -> Any:
    return objects[0](*inputs)


PROBES["call"] = Probe(_call)


def _answers(objects: tuple, inputs: list) -> Any:
    return objects[inputs[0] - 1]


def _read_answer(result: Any, inputs: list) -> Any:
    number, options = inputs
    if result is None or result is Ellipsis or result == "":
        return Wrong(f'answer_{number} is empty: write a letter, for example answer_{number} = "{options[0]}".')
    if not isinstance(result, str):
        name = result.type_name if isinstance(result, Other) else type(result).__name__
        return Wrong(f"answer_{number} should be one letter in quotes; it is of type {name}.")
    letter = result.strip().strip(").").lower()
    if len(letter) != 1 or letter not in options:
        choice = ", ".join(f'"{o}"' for o in options)
        return Wrong(f"answer_{number} is {result!r}; it should be one of {choice}.")
    return letter


PROBES["answers"] = Probe(_answers, _read_answer, secret=True)


def _call_without_inputs(objects: tuple, inputs: list) -> Any:
    return objects[0]()


def _misfit(name: str, value: Any, shape: tuple[int, ...], wanted: str = "") -> Wrong | None:
    """Say why a value is no array of real numbers of a shape; None where it is one."""
    if not isinstance(value, np.ndarray):
        wanted = wanted or f"a NumPy array of shape {shape}"
        return Wrong(f"{name} should be {wanted}; it is of type {type(value).__name__}.")
    if value.shape != shape:
        return Wrong(f"{name} should have shape {shape}; it has shape {value.shape}.")
    if value.dtype.kind not in "biuf":
        return Wrong(f"{name} should hold real numbers; its dtype is {value.dtype}.")
    return None


def _read_xor_network(result: Any, inputs: list) -> Any:
    names, shapes = ("W1", "b1", "W2", "b2"), ((2, 2), (2,), (2, 1), (1,))
    if not isinstance(result, (tuple, list)) or len(result) != 4:
        return Wrong("Return four arrays: W1, b1, W2, b2.")
    for name, value, shape in zip(names, result, shapes, strict=True):
        if misfit := _misfit(name, value, shape):
            return misfit
    W1, b1, W2, b2 = (np.asarray(value, dtype=float) for value in result)
    with np.errstate(all="ignore"):
        hidden = np.asarray(inputs[0], dtype=float) @ W1 + b1
        return np.where(hidden > 0, hidden, 0.0 * hidden) @ W2 + b2


PROBES["xor_network"] = Probe(_call_without_inputs, _read_xor_network)


def _read_outer_product(result: Any, inputs: list) -> Any:
    if result is None:
        return None
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Wrong("Return two arrays, column and row, or None where the kernel cannot be taken apart.")
    sizes = np.shape(inputs[0])
    for name, value, size in zip(("column", "row"), result, sizes, strict=True):
        if misfit := _misfit(name, value, (size,), wanted="a NumPy array"):
            return misfit
    with np.errstate(all="ignore"):
        return np.outer(result[0].astype(float), result[1].astype(float))


PROBES["outer_product"] = Probe(_call, _read_outer_product)


def _read_kernel_pair(result: Any, inputs: list) -> Any:
    """Lay both kernels on the picture: (2, H - 2, W - 2), so that the right kernels stay the learner's to find."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Wrong("Return two arrays: gx, gy.")
    for name, value in zip(("gx", "gy"), result, strict=True):
        if misfit := _misfit(name, value, (3, 3)):
            return misfit
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(inputs[0], dtype=float), (3, 3))
    with np.errstate(all="ignore"):
        return np.stack([np.einsum("ijuv,uv->ij", windows, kernel.astype(float)) for kernel in result])


PROBES["kernel_pair"] = Probe(_call_without_inputs, _read_kernel_pair)


def _split_thrice(objects: tuple, inputs: list) -> Any:
    """Split twice with a generator in one and the same state, and once with another one."""
    n, fractions, rng = inputs
    again, other = copy.deepcopy(rng), copy.deepcopy(rng)
    other.random(101)
    return [objects[0](n, fractions, one) for one in (rng, again, other)]


def _index_sets(result: Any, n: int, fractions: tuple) -> list[list[int]] | Wrong:
    count = len(fractions)
    if not isinstance(result, (tuple, list)):
        return Wrong(f"Return a tuple with one array of indices for each fraction, here {count}.")
    if len(result) != count:
        return Wrong(f"Return one array of indices for each fraction, here {count}; yours are {len(result)}.")
    found = []
    for number, one in enumerate(result, start=1):
        indices = np.asarray(one) if isinstance(one, (np.ndarray, list, tuple)) else None
        if indices is None or indices.ndim != 1:
            return Wrong(f"Set {number} should be an array of indices with one axis.")
        if indices.dtype.kind == "b":
            return Wrong(
                f"Set {number} holds True and False. Return the indices themselves: np.flatnonzero finds them."
            )
        if indices.size and indices.dtype.kind not in "iu":
            return Wrong(
                f"Set {number} should hold whole numbers, the pictures' indices; its dtype is {indices.dtype}."
            )
        if indices.size and not (indices.min() >= 0 and indices.max() < n):
            return Wrong("An index lies outside of 0 to n - 1.")
        found.append(indices.astype(int).tolist())
    return found


SPLIT = "every picture in exactly one set, sizes as asked, mixed by the generator alone"


def _read_split(result: Any, inputs: list) -> Any:
    """Judge a split by what must hold of it; which permutation made it is the learner's affair."""
    n, fractions, _ = inputs
    runs = []
    for one in result:
        sets = _index_sets(one, n, fractions)
        if isinstance(sets, Wrong):
            return sets
        runs.append(sets)
    sets = runs[0]
    everything = [index for one in sets for index in one]
    left_out = n - len(set(everything))
    sizes = [[len(one) for one in run] for run in runs]
    fair = all(abs(s - f * n) < len(fractions) for run in sizes for s, f in zip(run, fractions, strict=True))
    members = [[set(one) for one in run] for run in runs]
    faults = (
        (any(len(set(one)) < len(one) for one in sets), "A picture stands twice in one set."),
        (sum(map(len, members[0])) > len(set(everything)), "Some pictures are in two sets."),
        (0 < left_out <= len(fractions), "A few pictures are in no set."),
        (left_out > len(fractions), "Many pictures are in no set."),
        (not fair and sizes[0] == sizes[2], "The sets do not have the sizes that were asked for."),
        (not fair and sizes[0] != sizes[2], "The sets' sizes change from call to call."),
        (
            all(len(one) < 2 or max(one) - min(one) + 1 == len(one) for one in sets),
            "The pictures are not mixed: each set is a piece of the original order.",
        ),
        (members[0] != members[1], "A generator in the same state gives another split."),
        (members[0] == members[2], "Another generator gives the same split."),
    )
    sentences = [sentence for fault, sentence in faults if fault]
    return Wrong(" ".join(sentences)) if sentences else SPLIT


PROBES["split"] = Probe(_split_thrice, _read_split)


# --- functions, chapter 06 ----------------------------------------------------------------------------------------

#: Functions of an array that a case can name: each takes the case's weights and the array, and gives one number.
FUNCTIONS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "sum(w * x**2)": lambda w, x: np.sum(w * x**2),
    "sum(w * x**3)": lambda w, x: np.sum(w * x**3),
    "sum(w * sin(x))": lambda w, x: np.sum(w * np.sin(x)),
    "sum(w * x)**2": lambda w, x: np.sum(w * x) ** 2,
}


def _call_with_function(objects: tuple, inputs: list) -> Any:
    name, weights, x, h = inputs
    formula, w = FUNCTIONS[name], np.array(weights)

    def f(at):
        if np.shape(at) != np.shape(w):
            raise ValueError(
                f"f was given something of shape {np.shape(at)}; it takes an array of x's shape, {w.shape}"
            )
        return float(formula(w, np.asarray(at)))

    return objects[0](f, x, h)


PROBES["function_of_array"] = Probe(_call_with_function)


# --- numbers that remember where they came from, chapter 06 -------------------------------------------------------


class _NoValue(Exception):
    """A learner's numbers cannot be read; the arguments say what is amiss, as data."""


def _attribute(node: Any, name: str, whose: str) -> Any:
    if not hasattr(node, name):
        raise _NoValue("lacks", whose, name)
    return getattr(node, name)


def _walk(root: Any, whose: dict[int, str]) -> list:
    """All of a learner's nodes that lead to one, each after those it was made from."""
    order, state, stack = [], {}, [(root, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            order.append(node)
            state[id(node)] = "finished"
            continue
        if id(node) in state:
            if state[id(node)] == "open":
                raise _NoValue("circle", whose.get(id(node), ""))
            continue
        state[id(node)] = "open"
        name = whose.get(id(node), "")
        children, slopes = _attribute(node, "children", name), _attribute(node, "slopes", name)
        if not isinstance(children, (tuple, list)) or not isinstance(slopes, (tuple, list)):
            raise _NoValue("no tuples", name)
        if len(children) != len(slopes):
            raise _NoValue("lengths", name, len(children), len(slopes))
        stack.append((node, True))
        for child in children:
            if isinstance(child, (bool, int, float, np.generic)):
                raise _NoValue("number among children", name)
            if state.get(id(child)) != "finished":
                stack.append((child, False))
    return order


def _drive_values(objects: tuple, inputs: list) -> Any:
    program, leaves = inputs
    Value = objects[0]
    try:
        own = {name: Value(number) for name, number in leaves.items()}

        def met(step, result):
            if not hasattr(result, "data") or isinstance(result, (np.ndarray, np.generic)):
                raise _NoValue("no value", step.op, type(result).__name__)

        nodes = programs.run(program, own, met)
        whose = {id(node): name for name, node in nodes.items()}
        root = list(nodes.values())[-1]
        order = _walk(root, whose)
    except _NoValue as error:
        return {"amiss": list(error.args)}
    slopes = {id(root): 1.0}
    for node in reversed(order):
        for child, slope in zip(node.children, node.slopes, strict=True):
            slopes[id(child)] = slopes.get(id(child), 0.0) + slope * slopes[id(node)]
    return {
        "data": {name: node.data for name, node in nodes.items()},
        "slopes": {name: slopes.get(id(node), 0.0) for name, node in own.items()},
    }


_AMISS = {
    "no value": "The operation {0} should give a Value; it gave something of type {1}.",
    "lacks": "{whose} has no attribute {1}: keep the names of the docstring.",
    "no tuples": "{whose} should keep its children and its slopes as two tuples.",
    "lengths": "{whose} has {1} children and {2} slopes: keep one slope for each child.",
    "number among children": "Among the children of {whose} is a plain number: wrap it into a Value first, as __add__ does.",
    "circle": "{whose} is among its own children, or theirs: an operation should make a new Value, and leave its own alone.",
}


def _read_values(result: Any, inputs: list) -> Any:
    amiss = result.get("amiss") if isinstance(result, dict) else None
    if not (isinstance(amiss, list) and amiss and amiss[0] in _AMISS):
        return result
    kind, *rest = amiss
    whose = f"The Value {rest[0]}" if kind != "no value" and rest and rest[0] else "One of your Values"
    return Wrong(_AMISS[kind].format(*rest, whose=whose))


PROBES["values"] = Probe(_drive_values, _read_values)


def _drive_backward(objects: tuple, inputs: list) -> Any:
    program, leaves, roots = inputs
    nodes = programs.graph(program, leaves)
    for root in roots:
        objects[0](nodes[root])
    return {name: node.grad for name, node in nodes.items()}


PROBES["backward"] = Probe(_drive_backward)
