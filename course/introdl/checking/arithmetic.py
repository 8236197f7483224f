"""Little programs of arithmetic, as text: ``"c = a * b; d = c + 2; L = d.tanh()"``.

A case of an exercise says with such a program what a learner's numbers are put through. A step is a sum, difference,
product, quotient or power of two names or numbers, a name with its sign turned, or ``.relu()`` or ``.tanh()`` of a name.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_NAME = r"[A-Za-z]\w*"
_OPERAND = rf"(?:{_NAME}|-?\d+(?:\.\d+)?)"
_TWO = re.compile(rf"^({_NAME}) = ({_OPERAND}) (\*\*|[+\-*/]) ({_OPERAND})$")
_NEGATIVE = re.compile(rf"^({_NAME}) = -({_NAME})$")
_METHOD = re.compile(rf"^({_NAME}) = ({_NAME})\.(relu|tanh)\(\)$")

_PYTHON = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}


@dataclass(frozen=True)
class Step:
    """One step: the name of its result, the operation, and its operands, each a name or a number."""

    name: str
    op: str
    operands: tuple


def parse(program: str) -> list[Step]:
    """Read a program.

    Raises
    ------
    ValueError
        If one of them is no step.
    """
    steps = []
    for text in program.split("; "):
        if found := _TWO.match(text):
            name, left, op, right = found.groups()
            steps.append(Step(name, op, (_operand(left), _operand(right))))
        elif found := _NEGATIVE.match(text):
            steps.append(Step(found[1], "negative", (found[2],)))
        elif found := _METHOD.match(text):
            steps.append(Step(found[1], found[3], (found[2],)))
        else:
            raise ValueError(f"{text!r} is no step of a program.")
    return steps


def _operand(text: str) -> str | int | float:
    if text[0].isalpha():
        return text
    return float(text) if "." in text else int(text)


def run(program: str, values: dict[str, Any], met: Callable[[Step, Any], None] | None = None) -> dict[str, Any]:
    """Run a program on anything that knows Python's arithmetic, ``relu()`` and ``tanh()``.

    Parameters
    ----------
    program : str
    values : dict of str to object
        The leaves by name.
    met : callable, optional
        Called with each step and its result; it may raise.

    Returns
    -------
    dict of str to object
        The leaves and every step's result by name, in order.
    """
    values = dict(values)
    for step in parse(program):
        x, *rest = (values[o] if isinstance(o, str) else o for o in step.operands)
        if step.op in _PYTHON:
            result = _PYTHON[step.op](x, *rest)
        else:
            result = -x if step.op == "negative" else getattr(x, step.op)()
        if met:
            met(step, result)
        values[step.name] = result
    return values


class Node:
    """A number in a graph: ``data``, ``grad``, ``children``, ``slopes`` (one for each child) and ``op``.

    `visits`, shared by a whole graph, counts how often anybody asked for children, and `limit` is how often they may.
    """

    def __init__(self, data, children=(), slopes=(), op="", visits=None, limit=10**9):
        self.data, self.grad, self.slopes, self.op = float(data), 0.0, slopes, op
        self._children, self._visits, self._limit = children, [0] if visits is None else visits, limit

    def __repr__(self):
        return f"Node(data={self.data:.4g}, grad={self.grad:.4g})"

    @property
    def children(self) -> tuple:
        """The nodes that this one was made from."""
        self._visits[0] += 1
        if self._visits[0] > self._limit:
            raise RuntimeError("the same nodes are walked over and over again, once for every path that leads to them")
        return self._children


def _forward(op: str, x: float, y: float = 0.0) -> tuple[float, tuple]:
    """A step's value, and its slope for each operand."""
    if op == "+":
        return x + y, (1.0, 1.0)
    if op == "-":
        return x - y, (1.0, -1.0)
    if op == "*":
        return x * y, (y, x)
    if op == "/":
        return x / y, (1 / y, -x / y**2)
    if op == "**":
        return x**y, (y * x ** (y - 1), 0.0)
    if op == "negative":
        return -x, (-1.0,)
    if op == "relu":
        return max(x, 0.0), (1.0 if x > 0 else 0.0,)
    t = math.tanh(x)
    return t, (1 - t * t,)


def graph(program: str, leaves: dict[str, float], patience: int = 1000) -> dict[str, Node]:
    """Build a program's graph of `Node`.

    Parameters
    ----------
    program : str
    leaves : dict of str to float
    patience : int
        How many times as many visits as nodes are allowed.

    Returns
    -------
    dict of str to Node
        By name; a number of the program is a node without a name, but an exponent is part of its operation.
    """
    visits = [0]
    steps = parse(program)
    limit = patience * (len(leaves) + 2 * len(steps))
    nodes = {name: Node(value, visits=visits, limit=limit) for name, value in leaves.items()}
    for step in steps:
        operands = [nodes[o] if isinstance(o, str) else Node(o, visits=visits, limit=limit) for o in step.operands]
        data, slopes = _forward(step.op, *(node.data for node in operands))
        op = step.op
        if op == "**":
            operands, slopes, op = operands[:1], slopes[:1], f"**{step.operands[1]}"
        nodes[step.name] = Node(data, tuple(operands), slopes, op, visits, limit)
    return nodes
