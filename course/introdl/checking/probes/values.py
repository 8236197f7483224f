"""Numbers that remember where they came from (chapter 06)."""

from __future__ import annotations

from typing import Any

import numpy as np

from introdl.checking import arithmetic
from introdl.checking.probes.base import PROBES, Probe, Wrong


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
        seen, powers = dict(own), []

        def met(step, result):
            if not hasattr(result, "data") or isinstance(result, (np.ndarray, np.generic)):
                raise _NoValue("no value", step.op, type(result).__name__)
            if any(result is seen.get(operand) for operand in step.operands):
                raise _NoValue("no new one", step.op)
            seen[step.name] = result
            if step.op == "**":
                powers.append(result)

        nodes = arithmetic.run(program, own, met)
        whose = {id(node): name for name, node in nodes.items()}
        root = list(nodes.values())[-1]
        order = _walk(root, whose)
        walked = set(map(id, order))
        for power in (one for one in powers if id(one) in walked):
            if len(power.children) != 1:
                raise _NoValue("children of a power", whose.get(id(power), ""), len(power.children))
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
    "no new one": "The operation {0} should make a new Value; it gave back the one that it was done on.",
    "lacks": "{whose} has no attribute {1}: keep the names of the docstring.",
    "no tuples": "{whose} should keep its children and its slopes as two tuples.",
    "lengths": "{whose} has {1} children and {2} slopes: keep one slope for each child.",
    "children of a power": "{whose} is a power and has {1} children. It has one: the Value that is raised, not the exponent.",
    "number among children": "Among the children of {whose} is a plain number: wrap it into a Value first, as __add__ does.",
    "circle": "{whose} is among its own children, or theirs: an operation should make a new Value, and leave its own alone.",
}


def _read_values(result: Any, inputs: list) -> Any:
    amiss = result.get("amiss") if isinstance(result, dict) else None
    if not (isinstance(amiss, list) and amiss and amiss[0] in _AMISS):
        return result
    kind, *rest = amiss
    whose = (
        f"The Value {rest[0]}" if kind not in ("no value", "no new one") and rest and rest[0] else "One of your Values"
    )
    return Wrong(_AMISS[kind].format(*rest, whose=whose))


PROBES["values"] = Probe(_drive_values, _read_values)


def _drive_backward(objects: tuple, inputs: list) -> Any:
    program, leaves, roots = inputs
    nodes = arithmetic.graph(program, leaves)
    for root in roots:
        objects[0](nodes[root])
    return {name: node.grad for name, node in nodes.items()}


PROBES["backward"] = Probe(_drive_backward)
