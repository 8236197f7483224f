"""Figures of chapter 06: graphs of numbers, the gradient check, gradients through layers, a network that learns.

Beside them what the chapter needs where a learner has not written it yet: an engine (`Value`), central differences, the
check of a layer's gradients, and the gradients of a network with two layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from introdl.figures import interactive, svg, tile
from introdl.figures.grid import PALE_BLUE, PALE_GRAY, PALE_GREEN, PALE_ORANGE, grid, ring
from introdl.figures.interactive import explore, rows_of, stepper
from introdl.figures.panel import Panel, shades
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILION

_RED_INK, _GREEN_INK, _PURPLE_INK = "#A84300", "#00654A", "#8E3F69"


# ----------------------------------------------------------------------------------------------------------
# An engine, and the order of a graph
# ----------------------------------------------------------------------------------------------------------


class Value:
    """A number that remembers which numbers it was made from, and its slope with respect to each of them.

    Parameters
    ----------
    data : float
        The number.
    children : tuple of Value
        What it was made from.
    slopes : tuple of float
        For each child, by how much this number grows when the child grows by 1.
    op : str
        The operation, for drawings.
    """

    def __init__(self, data, children=(), slopes=(), op=""):
        self.data, self.grad = float(data), 0.0
        self.children, self.slopes, self.op = tuple(children), tuple(slopes), op

    def __repr__(self):
        return f"Value(data={self.data:.4g}, grad={self.grad:.4g})"

    @staticmethod
    def _of(number):
        return number if isinstance(number, Value) else Value(number)

    def __add__(self, other):
        other = self._of(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __sub__(self, other):
        other = self._of(other)
        return Value(self.data - other.data, (self, other), (1.0, -1.0), "−")

    def __mul__(self, other):
        a, b = self, self._of(other)
        return Value(a.data * b.data, (a, b), (b.data, a.data), "×")

    def __truediv__(self, other):
        return self * self._of(other) ** -1

    def __pow__(self, exponent):
        power = self.data**exponent
        return Value(power, (self,), (exponent * self.data ** (exponent - 1),), f"**{exponent}")

    def __neg__(self):
        return self * -1

    def __radd__(self, other):
        return self._of(other) + self

    def __rsub__(self, other):
        return self._of(other) - self

    def __rmul__(self, other):
        return self._of(other) * self

    def __rtruediv__(self, other):
        return self._of(other) / self

    def relu(self):
        """The number where it is positive, else 0."""
        return Value(np.maximum(self.data, 0.0), (self,), (float(self.data > 0),), "relu")

    def tanh(self):
        """The hyperbolic tangent."""
        out = math.tanh(self.data)
        return Value(out, (self,), ((1 + out) * (1 - out),), "tanh")

    def backward(self):
        """Set ``grad`` of every number that leads to this one: by how much this one grows for each unit of that one."""
        nodes = in_order(self)
        sums = dict.fromkeys(map(id, nodes), 0.0)
        sums[id(self)] = 1.0
        for node in nodes[::-1]:
            node.grad = sums[id(node)]
            for child, slope in zip(node.children, node.slopes, strict=True):
                sums[id(child)] += node.grad * slope


def in_order(root) -> list:
    """All nodes that lead to one, each after its children; without recursion, so that a chain may be long."""
    order, met, stack = [], set(), [(root, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            order.append(node)
        elif id(node) not in met:
            for name in ("data", "grad", "children", "slopes"):
                if not hasattr(node, name):
                    raise ValueError(
                        f"A {type(node).__name__} in the graph has no {name}. A node needs data, grad, children and slopes."
                    )
            met.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.children))
    return order


# ----------------------------------------------------------------------------------------------------------
# A graph, drawn
# ----------------------------------------------------------------------------------------------------------

_WIDE, _HIGH, _GAP_X, _GAP_Y, _THIN = 112, 64, 62, 18, 30


@dataclass
class _Slot:
    """A place in a column: a node's box, or the point where a long edge passes."""

    node: object = None
    left: list = field(default_factory=list)
    right: list = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def high(self) -> float:
        return _THIN if self.node is None else _HIGH + _GAP_Y


def _columns(order):
    """Nodes in columns, from the leaves to the root; an edge across several columns passes through slots of its own."""
    depth, parents = {}, {id(n): [] for n in order}
    for node in order:
        depth[id(node)] = 1 + max((depth[id(c)] for c in node.children), default=-1)
        for child in node.children:
            parents[id(child)].append(node)
    for node in order:
        if not node.children and parents[id(node)]:
            depth[id(node)] = min(depth[id(p)] for p in parents[id(node)]) - 1
    slots = {id(n): _Slot(n) for n in order}
    columns = [[] for _ in range(max(depth.values()) + 1)]
    for node in order:
        columns[depth[id(node)]].append(slots[id(node)])
    ways = []
    for node in order:
        for number, child in enumerate(node.children):
            way = [slots[id(child)]]
            for column in range(depth[id(child)] + 1, depth[id(node)]):
                way.append(_Slot())
                columns[column].append(way[-1])
            way.append(slots[id(node)])
            for a, b in zip(way, way[1:], strict=False):
                a.right.append(b)
                b.left.append(a)
            ways.append((child, node, number, way))
    return columns, ways


def _place(columns) -> tuple[float, float]:
    """Give every slot its place, with few crossings; returns width and height."""

    def positions():
        for column in columns:
            y = -sum(slot.high for slot in column) / 2
            for slot in column:
                slot.y = y + slot.high / 2
                y += slot.high

    positions()
    for sweep in range(8):
        side = "left" if sweep % 2 == 0 else "right"
        for column in columns if side == "left" else columns[::-1]:
            column.sort(key=lambda slot: _mean([s.y for s in getattr(slot, side)], slot.y))
            positions()
    height = max(sum(slot.high for slot in column) for column in columns)
    for number, column in enumerate(columns):
        for slot in column:
            slot.x = number * (_WIDE + _GAP_X) + _WIDE / 2
            slot.y += height / 2
    return len(columns) * (_WIDE + _GAP_X) - _GAP_X, height


def _arrival(number: int, slot: _Slot) -> int:
    """At which height an operand's edge arrives: in the order of where they come from, so that edges do not cross."""
    heights = sorted((came.y, k) for k, came in enumerate(slot.left))
    return [k for _, k in heights].index(number)


def _mean(values, otherwise):
    return sum(values) / len(values) if values else otherwise


def _n(value: float) -> str:
    """A number of at most four digits or so."""
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    return svg.short(value, 1 if abs(value) >= 100 else 3)


def _bracketed(value: float) -> str:
    words = _n(value)
    return f"({words})" if words.startswith("−") else words


@dataclass
class _Moment:
    """What a drawing shows of a graph: which numbers are there already, and what is marked."""

    title: str
    notes: list
    data: set
    grads: dict
    hot: set = field(default_factory=set)
    edges: set = field(default_factory=set)
    back: bool = False


def _head(node, names) -> str:
    """What stands above a box: ``c = a × b`` where all have names, else what is known."""
    name, op = names.get(id(node), ""), getattr(node, "op", "")
    inner = [names.get(id(child), "") for child in node.children]
    if not node.children or not op:
        return name or op or "number"
    if not all(inner):
        return f"{name} = {op}" if name else op
    if op in _SIGNS and len(inner) == 2:
        made = f"{inner[0]} {_SIGNS[op]} {inner[1]}"
    elif op.startswith("**"):
        made = f"{inner[0]}{_raised(op[2:])}"
    else:
        made = f"{op}({', '.join(inner)})"
    return f"{name} = {made}" if name else made


def _raised(words) -> str:
    return str(words).translate(str.maketrans("-0123456789.", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹·"))


def _draw(order, names, moment: _Moment) -> str:  # noqa: C901
    columns, ways = _columns(order)
    width, height = _place(columns)
    left, top = 16, 46
    parts = [svg.title(moment.title)]
    labels = []
    for child, parent, number, way in ways:
        hot = (id(child), id(parent)) in moment.edges
        color = (VERMILION if moment.back else BLUE) if hot else "#9A9A9A"
        points = []
        for slot in way:
            x, y = left + slot.x, top + slot.y
            if slot.node is None:
                points += [(x - _WIDE / 2, y), (x + _WIDE / 2, y)]
            elif slot is way[0]:
                twice = sum(1 for c in parent.children if c is child) > 1
                points.append((x + _WIDE / 2, y + (18 * number - 9 if twice else 0)))
            else:
                rank, count = _arrival(number, slot), len(parent.children)
                points.append((x - _WIDE / 2, y + 22 * (rank - (count - 1) / 2)))
        path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
        for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
            middle = (x1 + x2) / 2
            path += f" C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
        parts.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{3 if hot else 1.6}"/>')
        if id(parent) in moment.data:
            (x1, y1), (x2, y2) = points[-2:]
            words = f"×{_bracketed(parent.slopes[number])}"
            labels.append(
                svg.text((x1 + x2) / 2, (y1 + y2) / 2 + 4, words, 12.5, _PURPLE_INK, "middle", bold=hot, halo=True)
            )
    for column in columns:
        for slot in column:
            if slot.node is None:
                continue
            node = slot.node
            x, y = left + slot.x - _WIDE / 2, top + slot.y - _HIGH / 2
            hot, leaf = id(node) in moment.hot, not node.children
            fill = PALE_GRAY if leaf else "#FFFFFF"
            edge = (VERMILION if moment.back else BLUE) if hot else "#555555"
            parts.append(svg.box(x, y, _WIDE, _HIGH, fill, edge, 3 if hot else 1.2, 7))
            head = _head(node, names)
            size = 13 if len(head) <= 13 else 11
            parts.append(svg.text(x + _WIDE / 2, y + 16, head, size, BLACK, "middle", bold=True))
            if id(node) in moment.data:
                parts.append(svg.text(x + 8, y + 35, "data", 11.5, "#444"))
                parts.append(svg.text(x + _WIDE - 8, y + 35, _n(node.data), 14, BLUE, "end", bold=True))
            if id(node) in moment.grads:
                parts.append(svg.text(x + 8, y + 55, "grad", 11.5, "#444"))
                grad = _n(moment.grads[id(node)])
                parts.append(svg.text(x + _WIDE - 8, y + 55, grad, 14, _RED_INK, "end", bold=True))
    parts += labels
    bottom = top + height + 8
    for note in moment.notes:
        bottom += 20
        parts.append(svg.text(16, bottom, note, 13.5, "#222"))
    return svg.canvas(max(width + 2 * left, 640), bottom + 14, *parts)


def _named(names) -> dict:
    return {id(node): name for name, node in (names or {}).items()}


def _checked(root, most: int = 40) -> list:
    order = in_order(root)
    if len(order) > most:
        raise ValueError(f"The graph has {len(order)} nodes; a drawing of more than {most} cannot be read.")
    return order


def draw_graph(root, names=None, title: str = "Each box holds its number and, below, its gradient") -> None:
    """Draw the graph that leads to a number: data and grad in each box, the local slopes on the edges.

    Parameters
    ----------
    root : Value
        The result. Any object with ``data``, ``grad``, ``children`` and ``slopes`` (one for each child) will do,
        yours too; ``op`` is shown where there is one.
    names : dict of str to Value, optional
        What to call the nodes.
    title : str, optional

    Raises
    ------
    ValueError
        If a node lacks an attribute, or there are more than 40 nodes.
    """
    order, named = _checked(root), _named(names)
    everything = {id(node) for node in order}
    moment = _Moment(title, [], everything, {id(node): node.grad for node in order})
    drawing = _draw(order, named, moment)
    svg.show(
        drawing, "A graph of numbers. " + " ".join(_said(node, named, number) for number, node in enumerate(order))
    )


def _said(node, named, number) -> str:
    def called(n):
        return named.get(id(n)) or getattr(n, "op", "") or _n(n.data)

    made = " from " + " and ".join(called(c) for c in node.children) if node.children else ""
    return f"{called(node) or number}{made}: data {_n(node.data)}, grad {_n(node.grad)}."


_SIGNS = {"+": "+", "×": "×", "*": "×", "−": "−", "-": "−", "/": "/"}


def _how(node, called) -> str:
    """How a node's number came about, with its children's numbers."""
    op, children = getattr(node, "op", ""), node.children
    if op in _SIGNS and len(children) == 2:
        a, b = (_bracketed(c.data) if n else _n(c.data) for n, c in enumerate(children))
        return f"{called(node)} = {a} {_SIGNS[op]} {b} = {_n(node.data)}"
    inner = ", ".join(_n(c.data) for c in children)
    return f"{called(node)} = {op or 'a function'} of {inner} = {_n(node.data)}"


def moments(root, names=None) -> list[_Moment]:
    """All steps of the forward and the backward pass, in order; the nodes themselves are left as they are.

    Parameters
    ----------
    root, names
        As for `draw_graph`.

    Returns
    -------
    list
        One entry for the leaves, one for each operation, one for the root's gradient, one for each node that passes on.
    """
    order, named = _checked(root), _named(names)

    def called(node):
        return named.get(id(node)) or getattr(node, "op", "") or _n(node.data)

    leaves = {id(n) for n in order if not n.children}
    steps = [
        _Moment(
            "Forward: the leaves are given",
            ["Gray boxes are leaves: nothing leads to them."],
            set(leaves),
            {},
            set(leaves),
        )
    ]
    data = set(leaves)
    for node in (n for n in order if n.children):
        data = data | {id(node)}
        edges = {(id(c), id(node)) for c in node.children}
        slopes = ", ".join(f"{_n(s)} for {called(c)}" for c, s in zip(node.children, node.slopes, strict=True))
        notes = [f"{_how(node, called)}.", f"Its local slopes are noted on the edges: {slopes}."]
        steps.append(_Moment(f"Forward: {called(node)}", notes, data, {}, {id(node)}, edges))
    grads = {id(node): 0.0 for node in order}
    grads[id(root)] = 1.0
    note = f"If {called(root)} grows by 1, {called(root)} grows by 1. All others begin with 0, and parts are added."
    steps.append(_Moment(f"Backward: {called(root)} has gradient 1", [note], data, dict(grads), {id(root)}, back=True))
    for node in reversed([n for n in order if n.children]):
        notes = []
        for child, slope in zip(node.children, node.slopes, strict=True):
            before = grads[id(child)]
            grads[id(child)] = before + slope * grads[id(node)]
            product = f"{_n(slope)} × {_bracketed(grads[id(node)])}"
            start = f"{_n(before)} + " if before else ""
            notes.append(f"{called(child)} gets slope × gradient above: {start}{product} = {_n(grads[id(child)])}")
        edges = {(id(c), id(node)) for c in node.children}
        steps.append(
            _Moment(f"Backward: {called(node)} passes on", notes, data, dict(grads), {id(node)}, edges, back=True)
        )
    return steps


def step_through(root, names=None, step: int = 1) -> None:
    """Step through the forward and the backward pass on a graph, with a player, a slider and arrow keys.

    Parameters
    ----------
    root, names
        As for `draw_graph`.
    step : int, optional
        Where to begin, from 1.
    """
    order, named, steps = _checked(root), _named(names), moments(root, names)
    most = max(len(moment.notes) for moment in steps)
    for moment in steps:  # all drawings of one height, so that the page does not jump
        moment.notes += [""] * (most - len(moment.notes))
    play, slider = stepper(lambda: len(steps), step, "step", interval=1800)
    explore(
        lambda step: _draw(order, named, steps[step - 1]),
        {"step": slider},
        f"A graph of {len(order)} numbers. Step by step the numbers are worked out from the leaves to the result, and then "
        "the gradients from the result back to the leaves; each step writes out its product and its sum.",
        layout=lambda _controls, view: rows_of((play, slider), (view,)),
    )


# ----------------------------------------------------------------------------------------------------------
# The numerical gradient and its step
# ----------------------------------------------------------------------------------------------------------


def central(f: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """The gradient of f at x by central differences, of x's shape; x is left as it is."""
    slopes = []
    for position in range(x.size):
        step = np.zeros(x.size)
        step[position] = h
        step = step.reshape(x.shape)
        slopes.append((f(x + step) - f(x - step)) / (2 * h))
    return np.array(slopes).reshape(x.shape)


#: Functions of the explorer: how it is written, the function, its slope, and the place.
CURVES: dict[str, tuple[Callable, Callable, float]] = {
    "sin x at 1": (np.sin, np.cos, 1.0),
    "x³ at 2": (lambda x: x * x * x, lambda x: 3 * x * x, 2.0),
    "1000 + sin x at 1": (lambda x: x.dtype.type(1000) + np.sin(x), np.cos, 1.0),
}


def step_errors(curve: str, steps, kind=np.float64) -> dict[str, np.ndarray]:
    """Relative errors of forward and central differences.

    Parameters
    ----------
    curve : str
        A key of `CURVES`.
    steps : array-like
        Steps h, (S,).
    kind : type
        ``numpy.float64`` or ``numpy.float32``: the precision of everything.

    Returns
    -------
    dict of str to numpy.ndarray
        ``"forward"`` and ``"central"``, (S,) each: the distance from the true slope, over the true slope's size.
    """
    f, slope, place = CURVES[curve]
    x, h = kind(place), np.asarray(steps).astype(kind)
    true = float(slope(np.float64(place)))
    with np.errstate(all="ignore"):
        forward = (f(x + h) - f(np.full_like(h, x))) / h
        both = (f(x + h) - f(x - h)) / (kind(2) * h)
    return {
        name: np.abs(found.astype(float) - true) / abs(true)
        for name, found in (("forward", forward), ("central", both))
    }


def _power(exponent: float) -> str:
    """Ten to a power: ``10⁻⁵``, or ``6e−6`` where the exponent is no whole number."""
    if exponent == int(exponent):
        return f"10{_raised(int(exponent))}"
    return f"{10.0**exponent:.0e}".replace("e-0", "e-").replace("-", "−")


def draw_steps(exponent: float, kind: str, curve: str) -> str:
    """Errors of forward and central differences against the step, both axes logarithmic, as SVG.

    Parameters
    ----------
    exponent : float
        The marked step is 10 to this power.
    kind : {"float64", "float32"}
    curve : str
        A key of `CURVES`.
    """
    dtype = np.dtype(kind).type
    grid = np.arange(-15, 0.01, 0.25)
    errors = step_errors(curve, 10.0**grid, dtype)
    panel = Panel(74, 84, 620, 286, (-15, 0), (-13, 1))
    parts = [
        panel.axes([], [(y, _power(y)) for y in (-12, -9, -6, -3, 0)], "step h", "relative error of the slope", out=52)
    ]
    for tick in range(-15, 1, 3):
        parts.append(panel.upright(tick, svg.GRID))
        parts.append(svg.text(panel.x(tick), panel.bottom + 16, _power(tick), 12, "#333", "middle"))
    drawn = []
    at = {}
    for name, color, dash in (("forward", VERMILION, "7 4"), ("central", BLUE, "")):
        heights = np.log10(np.clip(errors[name], 1e-13, 10.0))
        drawn.append(panel.curve(grid, heights, color, 2.6, dash))
        error = float(step_errors(curve, [10.0**exponent], dtype)[name][0])
        at[name] = error
        height = math.log10(min(max(error, 1e-13), 10.0))
        drawn.append(svg.circle(panel.x(exponent), panel.y(height), 6.5, color))
    best = {name: float(grid[np.argmin(np.where(errors[name] == 0, np.inf, errors[name]))]) for name in errors}
    third = float(np.log10(np.finfo(dtype).eps) / 3)
    parts += [
        panel.upright(third, GREEN, 1.8, "3 4"),
        svg.text(
            panel.x(third) + 6, panel.top + 14, f"ε^(1/3) = {_power(round(third, 1))}", 12.5, _GREEN_INK, halo=True
        ),
        panel.upright(exponent, GRAY, 1.2),
        panel.clip(*drawn),
        svg.text(panel.x(-14.7), panel.bottom - 12, "← rounding: ε / h", 12.5, "#444", halo=True),
        svg.text(panel.x(-0.2), panel.bottom - 12, "truncation: h or h² →", 12.5, "#444", "end", halo=True),
    ]
    words = [
        f"{name}: {at[name]:.0e}".replace("e+00", "").replace("e-0", "e-").replace("-", "−")
        for name in ("forward", "central")
    ]
    title = "Too large a step misses the curvature, too small a step is lost in rounding"
    line = f"h = {_power(exponent)}, {kind}.  Relative error, "
    parts.insert(0, svg.text(14, 48, line, 13, "#333"))
    parts.insert(2, svg.text(356, 48, words[0], 13, _RED_INK, bold=True))
    parts.insert(3, svg.text(506, 48, words[1], 13, BLUE, bold=True))
    lowest = f"Lowest on this grid: forward at {_power(best['forward'])}, central at {_power(best['central'])}."
    parts.insert(4, svg.text(14, 68, lowest, 12.5, "#444"))
    return svg.sheet(title, 720, 424, *parts)


def step_explorer(exponent: float = -5.0) -> None:
    """Move the step of a numerical slope and see its error, in float64 and in float32.

    Parameters
    ----------
    exponent : float, optional
        The step to begin with is 10 to this power, between -15 and 0.
    """

    explore(
        draw_steps,
        {
            "exponent": interactive.slider("log₁₀ h", -15, 0, exponent, 0.25, 380),
            "kind": interactive.buttons("", ["float64", "float32"], width="80px"),
            "curve": interactive.choice("slope of", list(CURVES), width=260),
        },
        "The relative error of a numerical slope against its step, on logarithmic axes: forward differences and central "
        "differences each make a V, and that of central differences reaches much lower. A slider moves the step; buttons "
        "choose the precision and the function.",
    )


# ----------------------------------------------------------------------------------------------------------
# Layers: checks, and what their gradients look like
# ----------------------------------------------------------------------------------------------------------


def relative_error(a, b) -> float:
    """Largest difference of two arrays, relative to the largest magnitude in either."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape:
        raise ValueError(f"The shapes differ: {a.shape} and {b.shape}.")
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(a)), np.max(np.abs(b)), 1e-300))


def check_layer(name: str, backward: Callable, forward: Callable, arrays: dict, dout, limit: float = 1e-7) -> None:
    """Print how far a layer's gradients are from central differences: yours, if written, and PyTorch's.

    Parameters
    ----------
    name : str
        What the function is called.
    backward : callable
        Takes nothing and returns the gradients, one for each array (or one array where there is one).
    forward : callable
        The layer in torch: takes tensors in the order of `arrays`.
    arrays : dict of str to numpy.ndarray
        The layer's inputs by name, float64.
    dout : numpy.ndarray or float
        The gradient that comes from above, of the output's shape.
    limit : float, optional
        What counts as agreement.
    """
    import torch

    tensors = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays.values()]
    upstream = torch.as_tensor(dout)
    theirs = [g.numpy() for g in torch.autograd.grad((upstream * forward(*tensors)).sum(), tensors)]
    numerical = []
    for position, array in enumerate(arrays.values()):

        def number(moved, position=position):
            given = [torch.from_numpy(moved) if k == position else t.detach() for k, t in enumerate(tensors)]
            with torch.no_grad():
                return float((upstream * forward(*given)).sum())

        numerical.append(central(number, array))
    print(f"{name}: largest relative error against central differences")
    try:
        mine = backward()
        mine = list(mine) if isinstance(mine, (tuple, list)) else [mine]
    except NotImplementedError:
        mine = None
    for who, found in (("yours", mine), ("PyTorch", theirs)):
        if found is None:
            print(f"  {who:<8} not written yet")
            continue
        words = []
        for label, ours, truth in zip(arrays, found, numerical, strict=False):
            if np.shape(ours) != truth.shape:
                words.append(f"d{label} has shape {np.shape(ours)}, not {truth.shape}")
                continue
            error = relative_error(ours, truth)
            words.append(f"d{label} {error:.0e} {'ok' if error < limit else 'NOT under ' + format(limit, '.0e')}")
        print(f"  {who:<8} " + "   ".join(words))


def dense_shapes(N: int = 4, D: int = 3, M: int = 2) -> None:
    """Draw a dense layer's forward product and its three gradients as boxes whose sides are the axes N, D and M.

    Parameters
    ----------
    N, D, M : int, optional
        How many cells a side has: plates, inputs and units, three different numbers.
    """
    cell, sizes = 22, {"N": N, "D": D, "M": M}
    inks = {"N": BLUE, "D": _GREEN_INK, "M": _PURPLE_INK}

    def matrix(left, top, name, rows, columns, fill):
        """A box with its name in the middle, and its two axes written at its sides."""
        high, wide = sizes[rows] * cell, sizes[columns] * cell
        return [
            *(
                svg.box(left + cell * j, top + cell * i, cell, cell, fill, "#9A9A9A")
                for i in range(sizes[rows])
                for j in range(sizes[columns])
            ),
            svg.text(left + wide / 2, top + high / 2 + 5, name, 15, BLACK, "middle", bold=True, halo=True),
            svg.text(left + wide / 2, top - 6, columns, 13, inks[columns], "middle", bold=True),
            svg.text(left - 6, top + high / 2 + 5, rows, 13, inks[rows], "end", bold=True),
        ]

    lines = [
        ("out = x W + b", ("x", "N", "D", PALE_GREEN), ("W", "D", "M", PALE_BLUE), ("out", "N", "M", PALE_ORANGE), "D"),
        (
            "dx = dout Wᵀ",
            ("dout", "N", "M", PALE_ORANGE),
            ("Wᵀ", "M", "D", PALE_BLUE),
            ("dx", "N", "D", PALE_GREEN),
            "M",
        ),
        (
            "dW = xᵀ dout",
            ("xᵀ", "D", "N", PALE_GREEN),
            ("dout", "N", "M", PALE_ORANGE),
            ("dW", "D", "M", PALE_BLUE),
            "N",
        ),
    ]
    parts, told = [], []
    for number, (words, first, second, result, met) in enumerate(lines):
        left, top = 40 + 332 * (number % 2), 92 + 186 * (number // 2)
        middle = top + 2 * cell
        parts.append(svg.text(left - 26, top - 32, words, 14, BLACK, bold=True))
        for (name, rows, columns, fill), sign in ((first, "·"), (second, "="), (result, "")):
            parts += matrix(left, middle - sizes[rows] * cell / 2, name, rows, columns, fill)
            left += sizes[columns] * cell + 14
            if sign:
                parts.append(svg.text(left, middle + 6, sign, 18, BLACK, "middle", bold=True))
            left += 30
        parts.append(
            svg.text(
                14 + 332 * (number % 2),
                middle + 2 * cell + 26,
                f"{met} meets {met} and is summed over",
                12.5,
                inks[met],
            )
        )
        told.append(f"{words}: ({first[1]}, {first[2]}) times ({second[1]}, {second[2]}) is ({result[1]}, {result[2]})")
    left, top = 372, 278
    parts.append(svg.text(left - 26, top - 32, "db = sum of dout over N", 14, BLACK, bold=True))
    parts += matrix(left, top, "dout", "N", "M", PALE_ORANGE)
    parts.append(
        svg.arrow(left + M * cell + 20, top + N * cell / 2, left + M * cell + 72, top + N * cell / 2, BLACK, 2)
    )
    right, middle = left + M * cell + 96, top + N * cell / 2 - cell / 2
    parts += [svg.box(right + cell * j, middle, cell, cell, PALE_BLUE, "#9A9A9A") for j in range(M)]
    parts.append(svg.text(right + M * cell / 2, middle + 16, "db", 15, BLACK, "middle", bold=True, halo=True))
    parts.append(svg.text(right + M * cell / 2, middle - 6, "M", 13, inks["M"], "middle", bold=True))
    parts.append(svg.text(left - 26, top + N * cell + 26, "each plate adds its row", 12.5, inks["N"]))
    told.append("db: the (N, M) of dout, summed over N, is (M,)")
    svg.show(
        svg.sheet("Each gradient has the shape of what it belongs to, and only one product fits", 690, 408, *parts),
        f"A dense layer's products as boxes. {'. '.join(told)}.",
    )


def _grid(values, size=34, fills=None, bold=None) -> str:
    """A small plane of numbers; `fills` colors cells, `bold` frames one window (top, left, height, width)."""
    look = (lambda i, j: {"fill": fills[i][j]}) if fills is not None else None
    return grid(values, size, look, *([ring(bold[0], bold[1], size, svg.INK, *bold[2:], 2.6)] if bold else []))


def draw_scatter(x, w, dout, step: int, stride: int = 1) -> str:
    """One output of a convolution hands its gradient on: to its window of dx, and to dw; as HTML.

    Parameters
    ----------
    x, w : numpy.ndarray
        (H, W) and (KH, KW).
    dout : numpy.ndarray
        (OH, OW).
    step : int
        How many outputs have handed on, from 1.
    stride : int
    """
    kh, kw = w.shape
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for number in range(step):
        i, j = divmod(number, dout.shape[1])
        window = np.s_[i * stride : i * stride + kh, j * stride : j * stride + kw]
        before_x, before_w = dx.copy(), dw.copy()
        dx[window] += dout[i, j] * w
        dw += dout[i, j] * x[window]
    g, frame = float(dout[i, j]), (i * stride, j * stride, kh, kw)

    def inside(color, shape):
        return [
            [color if 0 <= r - frame[0] < kh and 0 <= c - frame[1] < kw else "#FFFFFF" for c in range(shape[1])]
            for r in range(shape[0])
        ]

    done = [
        [
            PALE_ORANGE if (r, c) == (i, j) else PALE_GRAY if r * dout.shape[1] + c < step else "#FFFFFF"
            for c in range(dout.shape[1])
        ]
        for r in range(dout.shape[0])
    ]
    blue, green = [[PALE_BLUE] * kw] * kh, [[PALE_GREEN] * kw] * kh
    changed = "; ".join(
        f"dx[{r}, {c}]: {_n(before_x[r, c])} + {_n(g)}·{_bracketed(w[r - frame[0], c - frame[1]])} = {_n(dx[r, c])}"
        for r, c in ((frame[0], frame[1]), (frame[0] + kh - 1, frame[1] + kw - 1))
    )
    body = (
        tile.row(
            svg.block("dout, from above", _grid(dout, fills=done, bold=(i, j, 1, 1))),
            svg.block("w, the kernel", _grid(w, fills=blue)),
            svg.block(f"dx: its window += {_n(g)} · w", _grid(dx, fills=inside(PALE_BLUE, x.shape), bold=frame)),
            svg.block("x, with the window", _grid(x, fills=inside(PALE_GREEN, x.shape), bold=frame)),
            svg.block(f"dw += {_n(g)} · window", _grid(dw, fills=green)),
            gap="6px 22px",
            align="flex-end",
        )
        + f'<div style="font-size:13px;color:#333;margin-top:6px">{changed}; dw[0, 0]: {_n(before_w[0, 0])} + {_n(g)}·'
        f"{_bracketed(x[frame[0], frame[1]])} = {_n(dw[0, 0])}</div>"
    )
    return svg.frame(f"Output [{i}, {j}] hands on {_n(g)}: times the kernel to dx, times the window to dw", body)


def conv_scatter(x, w, dout, stride: int = 1) -> None:
    """Step through the outputs of a small convolution on the way back, and watch dx and dw fill up.

    Parameters
    ----------
    x, w, dout : array-like
        (H, W), (KH, KW) and (OH, OW), small.
    stride : int, optional
    """
    x, w, dout = (np.asarray(a, dtype=float) for a in (x, w, dout))
    play, slider = stepper(lambda: dout.size, 1, "output", interval=1500)
    explore(
        lambda step: draw_scatter(x, w, dout, step, stride),
        {"step": slider},
        f"Grids of numbers: the gradient dout of {dout.shape[0]} by {dout.shape[1]} outputs, the kernel, the input, and the "
        "gradients dx and dw, to which each output in turn adds its part.",
        layout=lambda _controls, view: rows_of((play, slider), (view,)),
    )


def pool_routes(x, dout, size: int = 2) -> None:
    """Draw where max pooling sends its gradients: each window's to its largest cell.

    Parameters
    ----------
    x : array-like
        (H, W), divided into touching windows.
    dout : array-like
        (H / size, W / size).
    size : int, optional
    """
    x, dout = np.asarray(x, dtype=float), np.asarray(dout, dtype=float)
    tints = (PALE_BLUE, PALE_ORANGE, PALE_GREEN, "#EAD5E4")
    dx, best = np.zeros_like(x), [["#FFFFFF"] * x.shape[1] for _ in range(x.shape[0])]
    words = []
    for number, (i, j) in enumerate(np.ndindex(dout.shape)):
        window = x[i * size : (i + 1) * size, j * size : (j + 1) * size]
        u, v = divmod(int(window.argmax()), size)
        dx[i * size + u, j * size + v] = dout[i, j]
        best[i * size + u][j * size + v] = tints[number % 4]
        words.append(f"{svg.short(dout[i, j])} goes to row {i * size + u}, column {j * size + v}")
    small = [[tints[(r * dout.shape[1] + c) % 4] for c in range(dout.shape[1])] for r in range(dout.shape[0])]
    body = tile.row(
        svg.block("x: the largest of each window", _grid(x, 40, best)),
        svg.block("dout, from above", _grid(dout, 40, small)),
        '<span style="font-size:26px;align-self:center">→</span>',
        svg.block("dx", _grid(dx, 40, best)),
    )
    svg.show(
        svg.frame("The largest gets the whole gradient, the others get none", body, width=640),
        f"A grid of {x.shape[0]} by {x.shape[1]} numbers with the largest of each window marked; the gradient of each "
        f"window: {'; '.join(words)}. All other cells get 0.",
    )


# ----------------------------------------------------------------------------------------------------------
# A network with two layers that learns
# ----------------------------------------------------------------------------------------------------------


def two_layers(X, labels, W1, b1, W2, b2):
    """Loss and gradients of a network with one hidden layer: the chapter's own, where yours is not written.

    Parameters
    ----------
    X, labels : numpy.ndarray
        (N, D) and (N,).
    W1, b1, W2, b2 : numpy.ndarray
        (D, H), (H,), (H, K), (K,).

    Returns
    -------
    tuple
        The mean cross-entropy, and the gradients of W1, b1, W2, b2.
    """
    hidden = np.maximum(X @ W1 + b1, 0)
    scores = hidden @ W2 + b2
    top = scores.max(axis=1, keepdims=True)
    powers = np.exp(scores - top)
    totals = powers.sum(axis=1, keepdims=True)
    correct = np.take_along_axis(scores, labels[:, None], axis=1)
    loss = float(np.mean(np.log(totals) + top - correct))
    push = powers / totals
    np.put_along_axis(push, labels[:, None], np.take_along_axis(push, labels[:, None], 1) - 1, axis=1)
    push = push / len(X)
    below = np.where(hidden > 0, push @ W2.T, 0.0)
    return loss, X.T @ below, below.sum(0), hidden.T @ push, push.sum(0)


def yours_or_ours(yours, ours, trial: Callable):
    """Your function or class where a trial gives with it what it gives with ours, else ours; says which.

    Parameters
    ----------
    yours, ours : object
        What is to be chosen from.
    trial : callable
        Takes one of them and returns a sequence of numbers or arrays.
    """
    name = getattr(yours, "__name__", "your answer")
    wanted = trial(ours)
    try:
        found = trial(yours)
        right = len(found) == len(wanted) and all(
            relative_error(a, b) < 1e-6 for a, b in zip(found, wanted, strict=True)
        )
    except NotImplementedError:
        print(f"{name} is not written yet: the chapter's own is used.")
        return ours
    except Exception as error:
        print(f"{name} raised {type(error).__name__}: the chapter's own is used.")
        return ours
    print(f"Your {name} is used." if right else f"{name} is not right yet: the chapter's own is used.")
    return yours if right else ours


def moons(plates: int, rng: np.random.Generator, noise: float = 0.12) -> tuple[np.ndarray, np.ndarray]:
    """Two half-moons that reach into each other.

    Parameters
    ----------
    plates : int
        How many points in each moon.
    rng : numpy.random.Generator
    noise : float, optional
        Standard deviation of what is added to both features.

    Returns
    -------
    numpy.ndarray, numpy.ndarray
        (N, 2) features and (N,) labels 0 and 1, with N = 2 * plates.
    """
    angle = rng.uniform(0, np.pi, (2, plates))
    upper = np.column_stack([np.cos(angle[0]), np.sin(angle[0])])
    lower = np.column_stack([1 - np.cos(angle[1]), 0.5 - np.sin(angle[1])])
    X = np.concatenate([upper, lower]) - np.array([0.5, 0.25])
    return X + noise * rng.standard_normal(X.shape), np.repeat([0, 1], plates)


_LIMITS = ((-2.0, 2.0), (-1.5, 1.5))
_FINE = (144, 108)  # cells of the colored plane, across and up


def _scores(points, weights):
    W1, b1, W2, b2 = weights
    return np.maximum(points @ W1 + b1, 0) @ W2 + b2


def _regions(points, weights) -> np.ndarray:
    """How sure the network is at each point (..., 2), as colors: blue for dish 0, orange for dish 1."""
    scores = _scores(points.reshape(-1, 2), weights).reshape(*points.shape[:2], 2)
    sure = np.tanh(np.clip(scores[..., 1] - scores[..., 0], -50, 50) / 2)  # 2 p - 1
    return shades(sure * 0.44 + 0.12 * np.sign(sure) * (np.abs(sure) > 0.018), (0, 114, 178), (230, 159, 0))


def draw_training(X, labels, history: Sequence, losses: Sequence[float], moment: int, folds: bool, dishes) -> str:
    """The plane of two features as a network sees it, and its loss so far, as SVG.

    Parameters
    ----------
    X, labels : numpy.ndarray
        (N, 2) and (N,).
    history : sequence of (int, tuple)
        Steps taken, and the weights W1, b1, W2, b2 then.
    losses : sequence of float
        The loss before each step.
    moment : int
        Which entry of the history, from 1.
    folds : bool
        Whether to draw where each hidden unit switches on.
    dishes : sequence of 2 str
    """
    step, weights = history[moment - 1]
    wrong = _scores(X, weights).argmax(axis=1) != labels
    loss = losses[min(step, len(losses) - 1)]
    panel = Panel(54, 62, 400, 300, *_LIMITS)
    title = f"After {step} steps: loss {loss:.3f}, {(~wrong).sum()} of {len(X)} plates right"
    parts = [
        tile.image(
            panel.left, panel.top, panel.width, panel.height, _regions(panel.plane(*_FINE), weights), sharp=False
        )
    ]
    if folds:
        lines = []
        W1, b1 = weights[:2]
        for a, b, c in zip(W1[0], W1[1], b1, strict=True):
            if abs(b) > abs(a):
                ends = np.array(_LIMITS[0])
                lines.append(panel.curve(ends, -(a * ends + c) / b, "#444444", 1.2, "4 4"))
            elif a:
                ends = np.array(_LIMITS[1])
                lines.append(panel.curve(-(b * ends + c) / a, ends, "#444444", 1.2, "4 4"))
        parts.append(panel.clip(*lines))
    parts.append(panel.axes([-2, -1, 0, 1, 2], [-1, 0, 1], "feature x₁", "feature x₂"))
    for (x, y), label, bad in zip(X, labels, wrong, strict=True):
        px, py = float(panel.x(x)), float(panel.y(y))
        if bad:
            parts.append(svg.ring(px, py, 8.5, VERMILION, 2.4))
        parts.append(svg.circle(px, py, 4.5, BLUE) if label == 0 else svg.square(px, py, 4.2, ORANGE, "#5A3E00", 1.0))
    top = max(max(losses), 0.1) * 1.05
    right = Panel(518, 62, 186, 176, (0, len(losses) - 1), (0, top))
    parts += [
        right.axes(
            [0, len(losses) // 2, len(losses) - 1],
            [0, (top / 2, svg.fixed(top / 2, 1)), (top, svg.fixed(top, 1))],
            "steps taken",
        ),
        svg.text(518, 52, "loss (cross-entropy)", 12.5, "#333", bold=True),
        right.curve(np.arange(len(losses)), losses, "#CFCFCF", 2),
        right.curve(np.arange(min(step, len(losses) - 1) + 1), losses[: min(step, len(losses) - 1) + 1], PURPLE, 3),
        svg.circle(right.x(step), right.y(loss), 5, BLACK),
        svg.circle(526, 306, 5, BLUE),
        svg.text(540, 310, dishes[0], 13, BLUE, bold=True),
        svg.square(526, 328, 4.6, ORANGE, "#5A3E00", 1.0),
        svg.text(540, 332, dishes[1], 13, "#8A5F00", bold=True),
        svg.ring(526, 350, 7.5, VERMILION, 2.4),
        svg.text(540, 354, "taken for the other", 13),
    ]
    if folds:
        parts += [
            svg.line(518, 372, 534, 372, "#444444", 1.2, "4 4"),
            svg.text(540, 376, "a hidden unit switches on", 12.5),
        ]
    return svg.sheet(title, 720, 408, *parts)


def training_board(X, labels, history, losses, dishes=("doughnuts", "pizzas")) -> None:
    """Play a training run: what the network says of every point of the plane, and its loss.

    Parameters
    ----------
    X, labels, history, losses, dishes
        As for `draw_training`.
    """

    play, slider = stepper(lambda: len(history), len(history), "moment", interval=350)
    folds = interactive.tick("show where hidden units switch on")
    explore(
        lambda moment, folds: draw_training(X, labels, history, losses, moment, folds, dishes),
        {"moment": slider, "folds": folds},
        f"{len(X)} plates in two features, as two half-moons that reach into each other, and in color what the network says "
        "of each place. Beside them its loss, step by step. A slider moves through the training.",
        layout=lambda _controls, view: rows_of((play, slider, folds), (view,)),
    )
