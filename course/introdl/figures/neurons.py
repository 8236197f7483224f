"""Figures of chapter 02: a neuron and its boundary, activations and slopes, layers, depth, the XOR fold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from introdl.figures import svg
from introdl.figures.grid import table
from introdl.figures.interactive import buttons, explore, slider, stops
from introdl.figures.panel import Panel, shades
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILION

_PALE_BLUE, _PALE_ORANGE = "#DCECF7", "#FBEBCB"


# --- a neuron -----------------------------------------------------------------------------------------------


def _nerve_cell() -> str:
    """Dendrites with synapses on the left, the cell's body, the axon to the right."""

    def path(course, width, fill="none"):
        return f'<path d="{course}" fill="{fill}" stroke="{GREEN}" stroke-width="{width}" stroke-linecap="round"/>'

    parts = []
    for y, width in ((84, 4), (122, 5), (160, 4)):
        parts.append(path(f"M 105 {y} C 190 {y} 250 {110 + (y - 122) * 0.45} 385 122", width))
        parts.append(path(f"M 190 {y + (122 - y) * 0.16:.0f} q -28 -3 -46 -16", 2.5))
    axon = "M 430 122 C 500 122 560 122 610 122 M 610 122 q 30 0 52 -28 M 610 122 h 58 M 610 122 q 30 0 52 28"
    body = "M 380 122 q 2 -16 12 -22 q 18 -14 34 2 q 16 6 16 20 q 0 16 -14 22 q -18 14 -34 0 q -14 -6 -14 -22 z"
    parts += [path(axon, 4), path(body, 3, "#CDEBDF"), svg.circle(409, 122, 9, GREEN, "none")]
    parts += [svg.circle(105, y, 7, ORANGE) for y in (84, 122, 160)]
    parts += [svg.circle(x, y, 6, ORANGE) for x, y in ((664, 92), (671, 122), (664, 152))]
    words = ((232, 168, "dendrites"), (410, 170, "cell body"), (535, 145, "axon"))
    parts += [svg.text(x, y, part, 12.5, "#00654A", "middle") for x, y, part in words]
    return "".join([*parts, svg.text(18, 126, "synapses", 12.5, "#8A5F00")])


def _artificial_neuron(x, w, b: float, z: float, output: float, names) -> str:
    """Inputs, weights, sum, sigmoid and output, in the same columns as the nerve cell."""
    parts = []
    for name, xi, wi, y in zip(names, x, w, (236, 290, 344), strict=True):
        product = f"× {svg.fixed(wi, 0)} = {svg.fixed(xi * wi, 1)}"
        parts += [
            svg.note(18, y - 4, name),
            svg.circle(118, y - 2, 21, _PALE_ORANGE, ORANGE, 2),
            svg.text(118, y + 3, svg.fixed(xi, 1), 13, anchor="middle", bold=True),
            svg.arrow(141, y - 2, 386, 290 + (y - 290) * 0.34, BLUE, 1 + 0.9 * abs(wi), 10 + abs(wi)),
            svg.text(232, y + (290 - y) * 0.24 - 9, product, 13, BLUE, "middle", halo=True),
        ]
    curve, zs = Panel(511, 268, 44, 44, (-5, 5), (-0.05, 1.05)), np.linspace(-5, 5, 30)
    parts += [
        svg.circle(415, 290, 29, "#fff", BLACK, 2),
        svg.text(415, 297, "Σ", 22, anchor="middle"),
        svg.note(415, 346, f"bias {svg.fixed(b, 1)}", "middle"),
        svg.arrow(415, 333, 415, 322, "#333", 1.5, 7),
        svg.arrow(446, 290, 502, 290, BLACK, 2),
        svg.text(472, 280, f"z = {svg.fixed(z, 1)}", 13, anchor="middle", bold=True, halo=True),
        svg.box(505, 262, 56, 56, "#fff", BLACK, 2, 6),
        curve.curve(zs, _sigmoid(zs), VERMILION, 3),
        svg.arrow(564, 290, 632, 290, BLACK, 2),
        svg.circle(660, 290, 25, _PALE_BLUE, BLUE, 2),
        svg.text(660, 295, svg.fixed(output), 13, anchor="middle", bold=True),
        svg.note(660, 338, "“doughnut”", "middle"),
    ]
    return "".join(parts)


def anatomy(x, w, b: float, names) -> None:
    """Draw a nerve cell above an artificial neuron, part for part, with the numbers of a worked example.

    Parameters
    ----------
    x, w : sequences of 3 floats
        Inputs and weights.
    b : float
        Bias.
    names : sequence of 3 str
        What each input measures.
    """
    z = float(np.dot(x, w)) + b
    output = float(_sigmoid(z))
    columns = (("signals arrive", 118), ("weights", 262), ("sum", 410), ("squash", 532), ("pass on", 660))
    drawing = svg.sheet(
        "A nerve cell, and the sum that borrows its name",
        720,
        376,
        *(svg.text(at, 52, title, 12.5, GRAY, "middle", italic=True) for title, at in columns),
        _nerve_cell(),
        svg.line(20, 192, 700, 192, svg.GRID, 1.5),
        _artificial_neuron(x, w, b, z, output, names),
    )
    told = ", ".join(f"{n} {xi:g} times {wi:g}" for n, xi, wi in zip(names, x, w, strict=True))
    svg.show(
        drawing,
        "Above, a nerve cell: synapses on dendrites, a cell body, an axon. Below, part for part, an artificial neuron: "
        f"{told}, bias {b:g}, sum {z:.1f}, squashed to {output:.2f}.",
    )


def _plane(panel: Panel, w1: float, w2: float, b: float) -> str:
    """Shade a panel by the sigmoid of ``w1 x1 + w2 x2 + b``, and draw the line where it is one half."""
    return panel.region(shades(np.tanh((panel.plane(26, 26) @ [w1, w2] + b) / 2)))


def _boundary(panel: Panel, w1: float, w2: float, b: float, color=BLACK, width=2.5, dash="") -> str:
    """The line ``w1 x1 + w2 x2 + b = 0`` inside a panel; nothing where both weights are zero."""
    norm = float(np.hypot(w1, w2))
    if norm < 1e-9:
        return ""
    foot = np.array([w1, w2]) * (-b / norm**2)
    along = np.array([-w2, w1]) / norm
    (x1, y1), (x2, y2) = foot - 20 * along, foot + 20 * along
    return panel.clip(svg.line(panel.x(x1), panel.y(y1), panel.x(x2), panel.y(y2), color, width, dash))


def _weights_arrow(panel: Panel, w, b: float) -> str:
    """The arrow of the weights, from the point of the line that is nearest to the middle of the picture."""
    norm, middle = float(np.hypot(*w)), np.array([0.5, 0.5])
    start = middle - w * ((middle @ w + b) / max(norm, 1e-9) ** 2)
    if norm < 1e-9 or not np.all((start > 0.02) & (start < 0.98)):
        return ""
    end = start + w / norm * min(0.05 + 0.02 * norm, 0.22)
    (x1, x2), (y1, y2) = panel.x([start[0], end[0]]), panel.y([start[1], end[1]])
    return svg.arrow(x1, y1, x2, y2, PURPLE, 3, 11) + svg.text(x2 + 6, y2 - 4, "w", 15, PURPLE, bold=True, halo=True)


def _neuron_key(left, top, classes) -> str:
    """What the marks of `draw_neuron` mean, one below the other."""
    rows = (
        (41, svg.circle(left + 7, top + 36, 6, BLUE), classes[1]),
        (67, svg.square(left + 7, top + 62, 5.5, ORANGE), classes[0]),
        (93, svg.ring(left + 7, top + 89, 9, VERMILION), "on the wrong side"),
        (122, svg.line(left, top + 118, left + 15, top + 118, BLACK, 2.5), "boundary: z = 0"),
        (154, svg.box(left, top + 142, 15, 15, "rgb(186,218,242)"), f"says “{classes[1]}” (z > 0)"),
        (182, svg.box(left, top + 170, 15, 15, "rgb(251,226,178)"), f"says “{classes[0]}” (z < 0)"),
        (212, svg.arrow(left - 1, top + 208, left + 17, top + 208, PURPLE, 3, 9), "weights: toward the bluer side"),
    )
    return "".join(mark + svg.text(left + 22, top + y, words, 13) for y, mark, words in rows)


def draw_neuron(X, labels, names, classes, w1: float, w2: float, b: float) -> str:
    """Draw the plane of two features, the plates on it, and what one neuron makes of it; returns SVG."""
    panel, w = Panel(66, 52, 340, 340, (0, 1), (0, 1)), np.array([w1, w2])
    good = (X @ w + b > 0) == (labels == 1)
    parts = [_plane(panel, w1, w2, b), panel.axes([0, 0.5, 1], [0, 0.5, 1], *names, digits=(1, 1))]
    parts += [_boundary(panel, w1, w2, b), _weights_arrow(panel, w, b)]
    for point, label, fine in zip(X, labels, good, strict=True):
        x, y = panel.x(point[0]), panel.y(point[1])
        if not fine:
            parts.append(svg.ring(x, y, 11, VERMILION))
        parts.append(svg.circle(x, y, 6, BLUE) if label else svg.square(x, y, 5.5, ORANGE))
    key, top = 432, 70
    parts += [
        svg.text(66, 26, f"{good.sum()} of {len(good)} plates on the right side of the line", 15, bold=True),
        svg.text(key, top, f"z = {svg.fixed(w1, 1)} x₁{svg.signed(w2, 1)} x₂{svg.signed(b, 1)}", 15, bold=True),
        _neuron_key(key, top, classes),
        svg.text(key, top + 252, "Pale means that the neuron", 12.5, "#444"),
        svg.text(key, top + 270, "is unsure: σ(z) near one half.", 12.5, "#444"),
    ]
    if not w.any():
        parts.append(svg.text(key, top + 306, "Both weights are 0: no line.", 12.5, VERMILION, bold=True))
    return svg.canvas(720, 440, *parts)


def one_neuron(X, labels, names=("x₁", "x₂"), classes=("other dish", "doughnut")) -> None:
    """Show one neuron with two inputs that the reader can set: its boundary, and how many are right.

    Parameters
    ----------
    X : array (N, 2)
        Features in [0, 1].
    labels : array (N,) of 0 and 1
        1 where the neuron should give a positive sum.
    names : pair of str
        The features' names, for the axes.
    classes : pair of str
        What labels 0 and 1 mean.
    """
    X, labels = np.asarray(X, float), np.asarray(labels)
    values = {"w1": ("w₁", 4.0), "w2": ("w₂", 0.0), "b": ("b", -2.0)}
    explore(
        lambda w1, w2, b: draw_neuron(X, labels, names, classes, w1, w2, b),
        {key: slider(name, -10, 10, value, 0.1, 300, readout_format=".1f") for key, (name, value) in values.items()},
        f"A plane of two features with {len(X)} plates, {int(np.sum(labels))} of them doughnuts, and the "
        "line where one neuron changes its mind; sliders move its two weights and its bias, and the title "
        "counts the plates on the right side.",
    )


# --- one neuron learns ----------------------------------------------------------------------------------------

_EPOCHS = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100)


def trained(X, labels, rate: float, epochs: int) -> list[tuple[np.ndarray, float]]:
    """Train a neuron with a sigmoid from zero, a step for each sample in the order given.

    Parameters
    ----------
    X : array (N, D)
    labels : array (N,) of 0 and 1
    rate : float
        Learning rate.
    epochs : int

    Returns
    -------
    list of (array (D,), float)
        Weights and bias before the first epoch and after each.
    """
    w, b = np.zeros(X.shape[1]), 0.0
    found = [(w, b)]
    for _ in range(epochs):
        for x, label in zip(X, labels, strict=True):
            step = rate * (float(_sigmoid(x @ w + b)) - label)
            w, b = w - step * x, b - step
        found.append((w, b))
    return found


def _mean_loss(X, labels, w, b: float) -> float:
    """The mean of minus the logarithm of the probability of the right answer."""
    z = X @ w + b
    return float(np.mean(np.logaddexp(0, np.where(labels == 1, -z, z))))


def draw_training(X, labels, names, runs: dict, rate: float, epoch: int) -> str:
    """Draw a neuron's boundary after an epoch, where it was before, and the loss so far; returns SVG."""
    run = runs[rate]
    losses = [_mean_loss(X, labels, *state) for state in run]
    w, b = run[epoch]
    good = (X @ w + b > 0) == (labels == 1)
    left = Panel(66, 52, 300, 300, (0, 1), (0, 1))
    right = Panel(452, 84, 240, 210, (0, len(run) - 1), (0, 1))
    parts = [_plane(left, *w, b), left.axes([0, 0.5, 1], [0, 0.5, 1], *names, digits=(1, 1))]
    parts += [_boundary(left, *run[e][0], run[e][1], GRAY, 1.2, "3 4") for e in _EPOCHS if 0 < e < epoch]
    parts.append(_boundary(left, *w, b))
    for point, label, fine in zip(X, labels, good, strict=True):
        x, y = left.x(point[0]), left.y(point[1])
        parts.append("" if fine else svg.ring(x, y, 11, VERMILION))
        parts.append(svg.circle(x, y, 6, BLUE) if label else svg.square(x, y, 5.5, ORANGE))
    shown = np.arange(epoch + 1)
    parts += [
        right.axes([0, 25, 50, 75, 100], [0, 0.25, 0.5, 0.75, 1], "epoch", "", digits=(0, 2)),
        svg.text(right.left, 66, f"loss after epoch {epoch}: {svg.fixed(losses[epoch], 3)}", 13.5, BLACK, bold=True),
        right.clip(
            right.curve(np.arange(len(run)), losses, "#C9C9C9", 2), right.curve(shown, losses[: epoch + 1], BLUE, 3)
        ),
        right.points([epoch], [min(losses[epoch], 1.0)], 6),
        svg.note(right.left, 352, f"z = {svg.fixed(w[0], 1)} x₁{svg.signed(w[1], 1)} x₂{svg.signed(b, 1)}"),
        svg.note(right.left, 372, "dashed: the boundary after earlier epochs"),
        svg.circle(right.left + 6, 388, 6, BLUE) + svg.note(right.left + 18, 392, "doughnut"),
        svg.square(right.left + 106, 388, 5.5, ORANGE) + svg.note(right.left + 118, 392, "other dish"),
    ]
    if not w.any():
        parts.append(
            svg.text(left.left, 408, "Before the first step all weights are 0: no boundary yet.", 12.5, "#444")
        )
    title = f"Learning rate {rate:g}, epoch {epoch}: {good.sum()} of {len(good)} plates right"
    return svg.sheet(title, 720, 416, *parts)


def training_neuron(X, labels, names=("x₁", "x₂"), rates=(0.01, 0.1, 0.3, 1.0, 3.0, 10.0)) -> None:
    """Show how one neuron with two inputs is trained: its boundary and its loss, epoch by epoch.

    Parameters
    ----------
    X : array (N, 2)
        Features in [0, 1], in the order in which the neuron sees them.
    labels : array (N,) of 0 and 1
    names : pair of str
        The features' names, for the axes.
    rates : sequence of float
        Learning rates to choose from; 0.3 is among them.
    """
    X, labels = np.asarray(X, float), np.asarray(labels)
    runs = {rate: trained(X, labels, rate, _EPOCHS[-1]) for rate in rates}
    explore(
        lambda rate, epoch: draw_training(X, labels, names, runs, rate, epoch),
        {
            "rate": buttons("rate", [(f"{rate:g}", rate) for rate in rates], 0.3, "60px"),
            "epoch": stops("epoch", [(str(e), e) for e in _EPOCHS], 10, 420),
        },
        f"Left, a plane of two features with {len(X)} plates and the boundary of a neuron, which moves between doughnuts and "
        "other dishes as it is trained, with its earlier places dashed. Right, the loss, which falls from 0.69 epoch by epoch; "
        "controls choose the learning rate and the epoch.",
    )


# --- activations --------------------------------------------------------------------------------------------


def _sigmoid(z):
    return 0.5 + 0.5 * np.tanh(np.asarray(z, float) / 2)


# name: function, slope, color, range of the function's axis, range of the slope's axis
_CURVES: dict[str, tuple[Callable, Callable, str]] = {
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * _sigmoid(-np.asarray(z)), VERMILION),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2, BLUE),
    "ReLU": (lambda z: np.maximum(z, 0.0), lambda z: np.where(np.asarray(z) > 0, 1.0, 0.0), GREEN),
    "leaky ReLU": (
        lambda z: np.where(np.asarray(z) > 0, z, 0.1 * np.asarray(z)),
        lambda z: np.where(np.asarray(z) > 0, 1.0, 0.1),
        PURPLE,
    ),
}


def _slope_curve(panel: Panel, name: str, reach: float) -> str:
    """The curve of an activation's slope; where it jumps, in two pieces."""
    _, slope, color = _CURVES[name]
    if not name.endswith("ReLU"):
        z = np.linspace(-reach, reach, 241)
        return panel.curve(z, slope(z), color, 3)
    low = [float(slope(-1.0))] * 2
    return panel.curve([-reach, 0], low, color, 3) + panel.curve([0, reach], [1, 1], color, 3)


def activations() -> None:
    """Draw sigmoid, tanh and ReLU side by side with their slopes."""
    z, across = np.linspace(-5, 5, 201), ([-4, -2, 0, 2, 4], "z, the weighted sum")
    left = Panel(60, 62, 280, 230, (-5, 5), (-1.2, 3.2))
    right = Panel(412, 62, 280, 230, (-5, 5), (-0.08, 1.12))
    parts = [
        left.axes(across[0], [-1, 0, 1, 2, 3], across[1], "output f(z)", "output", zero=True),
        right.axes(across[0], [0, 0.25, 0.5, 0.75, 1], across[1], "slope f′(z)", "slope", digits=(0, 2)),
    ]
    for name in ("sigmoid", "tanh", "ReLU"):
        f, _, color = _CURVES[name]
        parts += [left.clip(left.curve(z, f(z), color, 3)), _slope_curve(right, name, 5)]
    parts.append(svg.circle(right.x(0), right.y(1), 4, "#fff", GREEN, 2) + right.points([0], [0], 4, GREEN))
    words = (
        (left, 2.7, 2.2, "ReLU", GREEN, "start"),
        (left, -3.1, -0.85, "tanh", BLUE, "middle"),
        (left, -2.6, 0.32, "sigmoid", VERMILION, "middle"),
        (right, 3.1, 1.03, "ReLU", GREEN, "middle"),
        (right, 1.25, 0.55, "tanh", BLUE, "start"),
        (right, 2.2, 0.19, "sigmoid", VERMILION, "start"),
    )
    parts += [svg.text(p.x(x), p.y(y), w, 13, c, a, bold=True, halo=True) for p, x, y, w, c, a in words]
    svg.show(
        svg.sheet("Sigmoid and tanh go flat on both sides; ReLU only on one", 720, 338, *parts),
        "Two plots over z from -5 to 5. Outputs: sigmoid rises from 0 to 1, tanh from -1 to 1, ReLU is 0 and then the "
        "line z. Slopes: sigmoid's is a hill of height 0.25, tanh's a hill of height 1, ReLU's is 0 and then 1.",
    )


#: The ranges and ticks of an activation's axis and of its slope's.
_LIMITS = {
    "sigmoid": ((-0.25, 1.25), [0, 0.5, 1], (-0.03, 0.33), [0, 0.1, 0.2, 0.3]),
    "tanh": ((-1.5, 1.5), [-1, 0, 1], (-0.1, 1.2), [0, 0.5, 1]),
    "ReLU": ((-1, 6), [0, 2, 4, 6], (-0.1, 1.2), [0, 0.5, 1]),
    "leaky ReLU": ((-1, 6), [0, 2, 4, 6], (-0.1, 1.2), [0, 0.5, 1]),
}


def draw_activation(name: str, z: float) -> str:
    """Draw an activation with its tangent at a point, and the slope's own curve; returns SVG."""
    f, slope, color = _CURVES[name]
    value, steep = float(f(z)), float(slope(z))
    ylim, yticks, slim, sticks = _LIMITS[name]
    left, right = Panel(60, 62, 280, 230, (-6, 6), ylim), Panel(412, 62, 280, 230, (-6, 6), slim)
    zs, reach = np.linspace(-6, 6, 241), np.array([z - 2.2, z + 2.2])
    top = float(np.max(slope(zs)))
    share = steep / top
    verdict = "steep: learning can move it" if share > 0.5 else "flattening" if share > 0.05 else "flat: saturated"
    if name.endswith("ReLU"):
        verdict = "on: slope 1" if steep == 1 else "off: slope 0" if steep == 0 else "off, but not quite flat"
    ticks, label = [-6, -3, 0, 3, 6], "z, the weighted sum"
    return svg.sheet(
        f"{name} at z = {svg.fixed(z, 1)}: output {svg.fixed(value, 3)}, slope {svg.fixed(steep, 3)}",
        720,
        338,
        svg.text(706, 24, verdict, 13, VERMILION if share <= 0.05 else "#333", "end", bold=True),
        left.axes(ticks, yticks, label, "output f(z)", "", (0, 1), zero=True),
        right.axes(ticks, sticks, label, "slope f′(z)", "", (0, 1)),
        left.clip(left.curve(zs, f(zs), color, 3), left.curve(reach, value + steep * (reach - z), BLACK, 2.2, "6 4")),
        svg.note(left.left + 6, left.top - 8, "output, with its tangent (dashed)"),
        svg.note(right.left + 6, right.top - 8, f"slope of that tangent (at most {svg.fixed(top, 2)})"),
        _slope_curve(right, name, 6),
        svg.line(right.x(z), right.y(0), right.x(z), right.y(steep), BLACK, 1.6, "3 3"),
        left.clip(left.points([z], [value], 7)),
        right.points([z], [steep], 7),
    )


def activation_explorer() -> None:
    """Show an activation with its tangent at a point that the reader moves, and the slope's own curve."""
    explore(
        draw_activation,
        {
            "name": buttons("activation", _LIMITS, width="95px"),
            "z": slider("z", -6, 6, 1.6, 0.1, 480, readout_format=".1f"),
        },
        "An activation's curve with a point and its dashed tangent on the left, and the curve of its slope "
        "with the same point on the right; buttons choose the activation and a slider moves the point.",
    )


# --- layers -------------------------------------------------------------------------------------------------


def draw_layer(x, W, b, plates, features, units, plate: str, unit: str) -> str:
    """Draw ``x @ W + b`` as tables, one plate's row and one unit's column lit, and their sum; returns SVG."""
    n, m = plates.index(plate), units.index(unit)
    z, ((N, D), M) = x @ W + b, (x.shape, W.shape[1])
    wide, high, top = 58, 34, 96
    left = 84 + wide * D + 112
    under = top + high * D
    below = under + 116
    terms = " + ".join(f"{svg.fixed(x[n, d], 1)}·{svg.fixed(W[d, m], 1)}" for d in range(D)).replace("+ −", "− ")
    return svg.sheet(
        "Each number of a layer's output is one neuron on one plate",
        720,
        below + high * N + 20,
        svg.text(84, 60, f"x  ({N}, {D}): a plate a row", 13, "#8A5F00", bold=True),
        table(84, top, x, plates, features, lit=lambda i, j: i == n, fill=_PALE_ORANGE),
        svg.text(left, 60, f"W  ({D}, {M}): a unit a column", 13, BLUE, bold=True),
        table(left, top, W, features, units, lit=lambda i, j: j == m, fill=_PALE_BLUE),
        svg.text(left - 8, under + 32, "b", 13, BLUE, "end", bold=True),
        table(left, under + 10, b[None], lit=lambda i, j: j == m, fill="#E3E3F7"),
        svg.text(left, below - 34, f"z = x @ W + b  ({N}, {M})", 13, "#00654A", bold=True),
        table(left, below, z, plates, units, lit=lambda i, j: (i, j) == (n, m), fill="#D5F0E6"),
        svg.text(20, below + 18, f"{plate}, {unit} unit:", 13, bold=True),
        svg.text(20, below + 42, terms, 13),
        svg.text(20, below + 64, f"{svg.signed(b[m], 1).strip()}  (bias)", 13, "#3B3B9A"),
        svg.text(20, below + 90, f"= {svg.fixed(z[n, m], 2)}", 15, "#00654A", bold=True),
    )


def layer_explorer(x, W, b, plates, features, units) -> None:
    """Show ``x @ W + b`` as tables: the reader picks a plate (row) and a unit (column) and sees the sum.

    Parameters
    ----------
    x : array (N, D)
    W : array (D, M)
    b : array (M,)
    plates, features, units : sequences of str
        Names of the N rows, D features and M units.
    """
    x, W, b = (np.asarray(a, float) for a in (x, W, b))
    explore(
        lambda plate, unit: draw_layer(x, W, b, plates, features, units, plate, unit),
        {"plate": buttons("plate", plates), "unit": buttons("unit", units)},
        "A table of plates and features, a table of weights with a column for each unit, and the table of outputs; the "
        "chosen plate's row and the chosen unit's column are lit, and their products and sum are written out.",
    )


def draw_network(sizes) -> str:
    """Draw a network's units as nodes and its weights as edges, one unit's in color, with the count; returns SVG."""
    gap, top = 46, 88
    middle = top + gap * 2.5
    across = np.linspace(80, 640, len(sizes))
    places = [
        [(x, middle + gap * (n - (size - 1) / 2)) for n in range(size)] for x, size in zip(across, sizes, strict=True)
    ]
    edges, lit, counts = [], [], []
    for number, (before, after) in enumerate(zip(places[:-1], places[1:], strict=True)):
        for n, (x2, y2) in enumerate(after):
            ours = number == 0 and n == 0
            drawn = [svg.line(x1, y1, x2, y2, *((VERMILION, 2.2) if ours else ("#B8B8B8", 1))) for x1, y1 in before]
            (lit if ours else edges).extend(drawn)
        D, M = len(before), len(after)
        counts.append(D * M + M)
        x = (across[number] + across[number + 1]) / 2
        parts = (f"{D}·{M} = {D * M} edges", f"+ {M} bias{'es' * (M > 1)}", f"= {counts[-1]}")
        for row, (words, bold) in enumerate(zip(parts, (False, False, True), strict=True)):
            edges.append(svg.text(x, top + gap * 5 + 62 + 19 * row, words, 13, anchor="middle", bold=bold))
    nodes = []
    for number, column in enumerate(places):
        name, color = ("inputs", "#fff") if number == 0 else ("outputs" if number == len(sizes) - 1 else "hidden", BLUE)
        nodes.append(svg.text(column[0][0], top + gap * 5 + 36, name, 12.5, GRAY, "middle", italic=True))
        for n, (x, y) in enumerate(column):
            ours = number == 1 and n == 0
            nodes.append(svg.circle(x, y, 13, VERMILION if ours else color, BLACK, 1.5))
            if number:
                nodes.append(svg.text(x, y + 4.5, "b", 13, "#fff", "middle", italic=True))
    total = " + ".join(str(count) for count in counts) + (f" = {sum(counts)}" if len(counts) > 1 else "")
    key = f"In color: one unit, with {sizes[0]} weight{'s' * (sizes[0] > 1)} (edges) and 1 bias (b)"
    title = f"{' → '.join(str(size) for size in sizes)}: {total} parameters"
    return svg.sheet(title, 720, top + gap * 5 + 116, svg.text(20, 52, key, 12.5, "#A84300"), *edges, *lit, *nodes)


def network_explorer(inputs: int = 3, hidden: int = 4, second: int = 0, outputs: int = 2) -> None:
    """Show a small network as nodes and edges, to count its weights and biases on; its reader sets the sizes.

    Parameters
    ----------
    inputs, hidden, second, outputs : int
        Units at the beginning; with 0 in `second` there is no second hidden layer.
    """
    explore(
        lambda inputs, hidden, second, outputs: draw_network([inputs, hidden, *([second] if second else []), outputs]),
        {
            "inputs": slider("inputs", 1, 6, inputs, width=230),
            "hidden": slider("hidden", 1, 6, hidden, width=230),
            "second": slider("hidden 2", 0, 6, second, width=230),
            "outputs": slider("outputs", 1, 6, outputs, width=230),
        },
        "A network as circles in columns, inputs on the left and outputs on the right, with a line from each unit to every "
        "unit of the next column. Below each pair of columns its lines are counted as weights, and its units as biases; "
        "sliders set how many units a column has.",
    )


def _power(value: float) -> str:
    """A size for a figure: 0.55, or 7e−11."""
    if 0.01 <= value < 1000:
        return svg.fixed(value, 2)
    return f"{value:.0e}".replace("-", "−").replace("−0", "−").replace("+0", "")


# --- depth --------------------------------------------------------------------------------------------------


def _powers(exponents) -> list[tuple[int, str]]:
    """Ticks of a logarithmic axis: exponents, with what stands beside them."""
    return [(p, f"1e{p}".replace("-", "−") if p else "1") for p in exponents]


def signal_curves(results: dict[str, tuple], title: str) -> None:
    """Draw signal and gradient through the layers, on logarithmic axes, one line for each experiment.

    Parameters
    ----------
    results : dict of str to (signal, gradient)
        For each experiment, a sequence of sizes layer by layer; the first stands for the input.
    title : str
        The figure's message.
    """
    depth = len(next(iter(results.values()))[0]) - 1
    ticks = _powers((0, -8, -16, -24, -32))
    left, right = Panel(66, 74, 200, 230, (0, depth), (-34, 2)), Panel(428, 74, 174, 230, (0, depth), (-34, 2))
    layers = sorted({round(k * depth / 4) for k in range(5)})
    parts = [
        left.axes(layers, ticks, "layer (0 is the input)", "", "signal, going forward"),
        right.axes(layers, ticks, "layer (0 is the input)", "", "gradient, coming back"),
    ]
    for which, panel in enumerate((left, right)):
        ends = []
        for name, sizes in results.items():
            color, y = _CURVES[name][2], np.log10(np.maximum(sizes[which], 1e-60))
            parts.append(panel.clip(panel.curve(np.arange(len(y)), y, color, 3)))
            at = -1 if which == 0 else 0  # a gradient's end is the input, on the left
            place = float(np.clip(panel.y(y[at]), panel.top, panel.bottom))
            ends.append([place, f"{name} {_power(sizes[which][at])}", color])
        ends.sort()
        if which == 1:  # these ends lie on the far side: list them from the top
            parts.append(svg.text(panel.right + 7, panel.top + 20, "left at layer 0:", 12, "#333"))
            ends = [[panel.top + 22 + 18 * k, *end[1:]] for k, end in enumerate(ends, 1)]
        for before, after in zip(ends, ends[1:], strict=False):
            after[0] = max(after[0], before[0] + 16)
        parts += [svg.text(panel.right + 7, y + 4, words, 12, color, bold=True) for y, words, color in ends]
    told = "; ".join(
        f"{n}: signal after the last layer {s[-1]:.1e}, gradient at the first {g[0]:.1e}"
        for n, (s, g) in results.items()
    )
    svg.show(svg.sheet(title, 720, 350, *parts), f"{title}. {told}.")


def _layer_histograms(name: str, outputs) -> str:
    """A small histogram of each layer's outputs, in a row, with a dark line at their mean."""
    depth, color = len(outputs) - 1, _CURVES[name][2]
    low, high = {"sigmoid": (0, 1), "tanh": (-1, 1)}.get(name, (0, 0.8 * max(float(outputs[1].max()), 1e-3)))
    room = 0.04 * (high - low)
    panel = Panel(76, 70, 620, 118, (0.5, depth + 0.5), (low - room, high + room))
    parts = [panel.axes([], [(v, f"{v:.2g}".replace("-", "−")) for v in (low, (low + high) / 2, high)])]
    edges = panel.y(np.linspace(low, high, 25))
    for layer in range(1, depth + 1):
        values = outputs[layer].ravel()
        values = values[values > 0] if name == "ReLU" else values  # its zeros would dwarf the rest
        counts = np.bincount(np.minimum(((values - low) / (high - low) * 24).astype(int), 24), minlength=25)[:24]
        x, full = float(panel.x(layer)) - 13, 26
        for k in np.flatnonzero(counts):
            wide = max(full * counts[k] / counts.max(), 1)
            parts.append(svg.box(x, edges[k + 1], wide, edges[k] - edges[k + 1] + 0.3, color, opacity=0.75))
        mean = panel.y(np.clip(outputs[layer].mean(), low, high))
        parts.append(svg.line(x, mean, x + full, mean, BLACK, 1.6))
    return "".join(parts)


def draw_signal(name: str, weight_std: float, outputs, gradients) -> str:
    """Draw what many layers do to a signal and to its gradient; returns SVG."""
    depth = len(outputs) - 1
    signal = np.array([a.std(axis=0).mean() for a in outputs])
    panel = Panel(76, 230, 620, 150, (0.5, depth + 0.5), (-12, 3))
    layers = np.arange(1, depth + 1)
    log_signal, log_gradient = (np.log10(np.maximum(sizes[1:], 1e-30)) for sizes in (signal, gradients))
    zeros = ", zeros included; zeros not drawn" if name == "ReLU" else ""
    return svg.sheet(
        f"{name}, weights with spread {weight_std:.3f}: signal {_power(signal[-1])}, gradient {_power(gradients[0])}",
        720,
        424,
        svg.note(76, 54, f"outputs, a histogram for each layer (dark line: their mean{zeros})"),
        _layer_histograms(name, outputs),
        panel.axes(layers, _powers((0, -4, -8, -12)), "layer", "size, log scale", out=56),
        panel.clip(panel.curve(layers, log_signal, BLACK, 3), panel.curve(layers, log_gradient, ORANGE, 3, "8 4")),
        svg.text(78, 220, "signal going forward: spread between plates", 12.5, BLACK, bold=True),
        svg.text(696, 220, "- - gradient coming back", 12.5, "#A87300", "end", bold=True),
    )


def signal_explorer(send: Callable, seed: int = 0) -> None:
    """Show what 20 layers do to a signal and to its gradient, for a chosen activation and weight scale.

    Parameters
    ----------
    send : callable
        ``send(name, weight_std, rng)`` gives ``(outputs, gradients)``: a list of arrays (plates, units), the
        input first, and as many numbers, the mean size of the gradient at each.
    seed : int
        Every redraw uses a fresh generator with this seed, so that only the controls change the picture.
    """
    best = round(float(np.sqrt(2 / 100)), 3)
    spreads = [
        (f"{v:.3f}", v) for v in (0.01, 0.02, 0.05, 0.08, 0.1, 0.12, best, 0.17, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0)
    ]
    explore(
        lambda name, weight_std: draw_signal(name, weight_std, *send(name, weight_std, np.random.default_rng(seed))),
        {
            "name": buttons("activation", ["sigmoid", "tanh", "ReLU"], width="85px"),
            "weight_std": stops("weight spread", spreads, best, 380),
        },
        "Twenty small histograms of the outputs, one for each layer, above two lines on a logarithmic axis: "
        "the signal's spread going forward and the gradient's size coming back; controls choose the "
        "activation and the spread of the weights.",
    )


# --- XOR ----------------------------------------------------------------------------------------------------

_CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], float)
_NICE = np.array([0, 1, 1, 0])


def _corner(x, y, nice, r=9) -> str:
    return svg.circle(x, y, r, BLUE, "#fff", 2) if nice else svg.square(x, y, r - 1, ORANGE, "#fff", 2)


def corners(w=None, b: float = 0.0, title: str = "Sauce on a plate: custard or gravy, not both") -> None:
    """Draw the four corners of the XOR question and, where weights are given, one neuron's boundary.

    Parameters
    ----------
    w : sequence of 2 floats, optional
    b : float
    title : str
    """
    panel, given = Panel(150, 62, 250, 250, (-0.3, 1.3), (-0.3, 1.3)), w is not None
    parts = [
        _plane(panel, *w, b) if given else "",
        panel.axes([0, 1], [0, 1], "custard", "gravy"),
        _boundary(panel, *w, b) if given else "",
    ]
    words = ("nothing: dry", "custard: nice", "gravy: nice", "both: yuck")
    for corner, nice, word in zip(_CORNERS, _NICE, words, strict=True):
        x, y = panel.x(corner[0]), panel.y(corner[1])
        if given and (corner @ w + b > 0) != bool(nice):
            parts.append(svg.ring(x, y, 16, VERMILION, 3))
        parts += [_corner(x, y, nice), _named(x, y - 20 if corner[1] else y + 30, word)]
    key = 440
    marks = [(101, _corner(key, 96, 1), "1: serve it"), (133, _corner(key, 128, 0), "0: send it back")]
    alt = "A square with four corners: nothing and both sauces are 0, custard alone and gravy alone are 1."
    if given:
        marks.append((165, svg.line(key - 8, 160, key + 9, 160, BLACK, 2.5), "the neuron's boundary"))
        marks.append((197, svg.ring(key, 192, 10, VERMILION, 3), "on the wrong side"))
        alt += " One neuron's straight boundary leaves at least one corner on the wrong side."
    parts += [mark + svg.text(key + 18, y, words, 13) for y, mark, words in marks]
    svg.show(svg.sheet(title, 720, 362, *parts), alt)


def _named(x, y, words, anchor="middle") -> str:
    return svg.text(x, y, words, 12.5, BLACK, anchor, halo=True)


def _napkin_line(angle: float, done: bool) -> str:
    """What a single neuron sees of the folded napkin: each corner's distance from the fold."""
    line, y = Panel(460, 100, 236, 180, (-1.25, 1.25), (0, 1)), 205
    parts = [
        svg.text(460, 70, "how far from the fold?", 13, bold=True),
        svg.text(460, 88, "(the custard side counts as plus)", 12, "#444"),
        svg.line(line.left, y, line.right, y, "#9A9A9A", 1.5),
    ]
    for tick in (-1, 0, 1):
        parts.append(svg.line(line.x(tick), y - 5, line.x(tick), y + 5, "#9A9A9A", 1.5))
        parts.append(svg.text(line.x(tick), y + 42, svg.fixed(tick, 0), 12, "#333", "middle"))
    where = -float(np.cos(angle))
    gravy = line.x(where) + (15 if where > 0.85 else 0)  # both nice plates stay visible where they meet
    parts += [
        _corner(line.x(0) - 8, y, 0),
        _corner(line.x(0) + 8, y, 0),
        _corner(line.x(1), y, 1),
        _corner(gravy, y, 1),
        svg.text(line.x(0), y + 24, "nothing, both", 12, BLACK, "middle"),
        svg.text(line.x(1), y + 24, "custard", 12, BLACK, "middle"),
        svg.line(gravy, y - 28, gravy, y - 12, "#9A9A9A"),
        svg.text(gravy, y - 33, "gravy", 12, BLACK, "middle", halo=True),
    ]
    if done:
        cut, words = line.x(max(where / 2, 0.19)), "one cut: nice plates on the right"
        parts.append(svg.line(cut, y - 26, cut, y + 12, VERMILION, 3, "7 5"))
        parts.append(svg.text(line.right, y + 64, words, 12.5, VERMILION, "end", bold=True))
    else:
        words = "nice plates on both sides" if where < 0 else "all nice plates on the right"
        parts.append(svg.text(line.x(0), y + 64, words, 12.5, "#444", "middle"))
    return "".join(parts)


def draw_napkin(fold: float) -> str:
    """Draw the napkin folded by an angle in degrees, 0 to 180, and what a neuron sees of it; returns SVG."""
    angle, done = np.pi * fold / 180, fold >= 165
    scale, cx, cy = 225, 208, 222
    lean, rise = 0.62, 0.78  # how depth and height appear from above and in front

    def place(x1, x2, moved=False):
        along, off = (x1 + x2 - 1) / np.sqrt(2), (x1 - x2) / np.sqrt(2)  # off > 0 lies toward the reader
        height = 0.0
        if moved and off < 0:
            off, height = off * np.cos(angle), -off * np.sin(angle)
        return cx + scale * along, cy + scale * (lean * off - rise * height)

    nothing, both, custard, gravy = place(0, 0), place(1, 1), place(1, 0), place(0, 1, True)
    # the flap darkens as it stands up, and shows its underside once it has fallen over
    tone = 0.35 * np.sin(angle) + (0.45 if np.cos(angle) * lean + np.sin(angle) * rise < 0 else 0.0)
    shade = np.array([220, 236, 247]) * (1 - tone) + np.array([122, 178, 219]) * tone
    parts = [
        svg.polygon([nothing, place(0, 1), both], "none", "#BDBDBD", 1.2),
        svg.polygon([nothing, custard, both], _PALE_BLUE, BLUE, 1.5),
        svg.polygon([nothing, gravy, both], "rgb({:.0f},{:.0f},{:.0f})".format(*shade), BLUE, 1.5, 0.94),
        svg.line(*nothing, *both, BLUE, 2, "5 4"),
    ]
    if done:
        a, b = place(0.32, -0.18), place(1.18, 0.68)
        parts.append(svg.line(*a, *b, VERMILION, 3, "9 5"))
        parts.append(svg.text(b[0] + 6, b[1] + 4, "one cut", 13, VERMILION, bold=True))
    parts += [_corner(*spot, nice) for spot, nice in ((nothing, 0), (both, 0), (custard, 1), (gravy, 1))]
    close = abs(gravy[1] - custard[1]) < 30
    parts += [
        _named(nothing[0] + 2, nothing[1] - 18, "nothing"),
        _named(both[0] + 4, both[1] - 18, "both"),
        _named(custard[0], custard[1] + 28, "custard and gravy" if close else "custard"),
        "" if close else _named(gravy[0] + 14, gravy[1] - 8, "gravy", "start"),
        _napkin_line(angle, done),
    ]
    title = "Folding: the gravy corner comes over to the custard side"
    if fold == 0:
        title = "Flat, no single cut separates the nice plates from the others"
    return svg.sheet("Folded, one straight cut is enough" if done else title, 720, 400, *parts)


def napkin() -> None:
    """Show the plane as a napkin that folds along its diagonal until one cut separates the nice corners."""
    explore(
        draw_napkin,
        {"fold": slider("fold (°)", 0, 180, 130, 5, 420)},
        "A square napkin with a plate at each corner folds along the diagonal that joins nothing and both; "
        "when the gravy corner comes to lie on the custard corner, one straight cut separates the nice plates "
        "from the others.",
    )


def xor_surface(weights: Callable) -> None:
    """Draw what a network of two hidden ReLU units makes of the square, or say that it is not written yet.

    Parameters
    ----------
    weights : callable
        Takes nothing and returns ``(W1, b1, W2, b2)`` of shapes (2, 2), (2,), (2, 1), (1,).
    """
    try:
        W1, b1, W2, b2 = (np.asarray(a, float) for a in weights())
        shapes = (W1.shape, b1.shape, W2.shape, b2.shape)
        if shapes != ((2, 2), (2,), (2, 1), (1,)):
            raise ValueError
    except Exception:  # a stub, or weights that the check explains better
        print("Here your own network will be drawn. Write xor_weights() first, check it, then run this cell again.")
        return

    def hidden(points):
        return np.maximum(points @ W1 + b1, 0.0)

    left = Panel(64, 66, 250, 250, (-0.3, 1.3), (-0.3, 1.3))
    value = (hidden(left.plane(32, 32)) @ W2 + b2)[..., 0]
    h = hidden(_CORNERS)
    span = max(float(np.abs(h).max()), 1.0) * 1.25
    right = Panel(420, 66, 250, 250, (-0.22 * span, span), (-0.22 * span, span))
    step = max(round(span / 1.25), 1)
    parts = [
        left.region(shades(2 * value - 1, (247, 206, 130), (140, 194, 234))),
        left.axes([0, 1], [0, 1], "custard", "gravy"),
        _boundary(left, *W1[:, 0], b1[0], PURPLE, 2.5, "7 4"),
        _boundary(left, *W1[:, 1], b1[1], GREEN, 2.5, "2 4"),
        svg.note(left.left, 54, "the plate's plane (creases dashed)"),
        _plane(right, *(8 * W2[:, 0] / span), 8 * (b2[0] - 0.5) / span),
        right.axes([0, step], [0, step], "hidden unit 1", "hidden unit 2"),
        _boundary(right, *W2[:, 0], b2[0] - 0.5, BLACK, 2.5),
        svg.note(right.left, 54, "the hidden plane (the cut in black)"),
    ]
    names = ("nothing", "custard", "gravy", "both")
    spots: dict[tuple, list[int]] = {}
    for k, (corner, point) in enumerate(zip(_CORNERS, h, strict=True)):
        spots.setdefault(tuple(np.round(point, 6)), []).append(k)
        x, y = left.x(corner[0]), left.y(corner[1])
        parts += [_corner(x, y, _NICE[k]), _named(x, y - 16 if corner[1] else y + 28, names[k])]
    for point, members in spots.items():
        x, y = right.x(point[0]), right.y(point[1])
        aside, anchor = (-14, "end") if x > right.left + 0.6 * right.width else (14, "start")
        words = ", ".join(names[k] for k in members)
        parts += [_corner(x, y, _NICE[members[0]]), _named(x + aside, y - 12, words, anchor)]
    svg.show(
        svg.sheet("Your network: two creases in the plane, then one cut", 720, 362, *parts),
        "Left: the square of custard and gravy, shaded by your network's output, with the two hidden units' creases. "
        "Right: where the four corners land in the plane of the hidden units, and the output unit's cut.",
    )


__all__ = [
    "activation_explorer",
    "activations",
    "anatomy",
    "corners",
    "layer_explorer",
    "napkin",
    "network_explorer",
    "one_neuron",
    "signal_curves",
    "signal_explorer",
    "trained",
    "training_neuron",
    "xor_surface",
]
