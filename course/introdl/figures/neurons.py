"""Figures of chapter 02: a neuron and its boundary, activations and slopes, layers, depth, the XOR fold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from introdl.figures import svg
from introdl.figures.interactive import explore
from introdl.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION

_PALE_BLUE, _PALE_ORANGE = "#DCECF7", "#FBEBCB"


# --- a neuron -----------------------------------------------------------------------------------------------


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
    products = [xi * wi for xi, wi in zip(x, w, strict=True)]
    z = sum(products) + b
    output = 1 / (1 + np.exp(-z))
    columns = (("signals arrive", 118), ("weights", 262), ("sum", 410), ("squash", 532), ("pass on", 660))
    parts = [svg.text(20, 24, "A nerve cell, and the sum that borrows its name", 15, bold=True)]
    for title, at in columns:
        parts.append(svg.text(at, 52, title, 12.5, GREY, "middle", italic=True))

    # the cell: dendrites with synapses on the left, the body, the axon to the right
    dendrites = "".join(
        f'<path d="M {105} {y} C {190} {y} {250} {110 + (y - 122) * 0.45} {385} 122" fill="none" '
        f'stroke="{GREEN}" stroke-width="{5 if i == 1 else 4}" stroke-linecap="round"/>'
        f'<path d="M 190 {y + (122 - y) * 0.16:.0f} q -28 -3 -46 -16" fill="none" stroke="{GREEN}" '
        f'stroke-width="2.5" stroke-linecap="round"/>'
        for i, y in enumerate((84, 122, 160))
    )
    axon = (
        f'<path d="M 430 122 C 500 122 560 122 610 122 M 610 122 q 30 0 52 -28 '
        f'M 610 122 h 58 M 610 122 q 30 0 52 28" '
        f'fill="none" stroke="{GREEN}" stroke-width="4" stroke-linecap="round"/>'
    )
    body = (
        f'<path d="M 380 122 q 2 -16 12 -22 q 18 -14 34 2 q 16 6 16 20 '
        f'q 0 16 -14 22 q -18 14 -34 0 q -14 -6 -14 -22 z" '
        f'fill="#CDEBDF" stroke="{GREEN}" stroke-width="3"/><circle cx="409" cy="122" r="9" fill="{GREEN}"/>'
    )
    parts += [dendrites, axon, body]
    parts += [svg.circle(105, y, 7, ORANGE) for y in (84, 122, 160)]
    parts += [svg.circle(x_, y_, 6, ORANGE) for x_, y_ in ((664, 92), (671, 122), (664, 152))]
    parts += [
        svg.text(18, 126, "synapses", 12.5, "#8A5F00"),
        svg.text(232, 168, "dendrites", 12.5, "#00654A", "middle"),
        svg.text(410, 170, "cell body", 12.5, "#00654A", "middle"),
        svg.text(535, 145, "axon", 12.5, "#00654A", "middle"),
    ]

    # the sum: the same columns with numbers
    rows = (236, 290, 344)
    parts.append(svg.line(20, 192, 700, 192, svg.GRID, 1.5))
    for name, xi, wi, p, y in zip(names, x, w, products, rows, strict=True):
        parts += [
            svg.text(18, y - 4, name, 12.5, "#333"),
            svg.circle(118, y - 2, 21, _PALE_ORANGE, ORANGE, 2),
            svg.text(118, y + 3, svg.fixed(xi, 1), 13, anchor="middle", bold=True),
            svg.arrow(141, y - 2, 386, 290 + (y - 290) * 0.34, BLUE, 1 + 0.9 * abs(wi), 10 + abs(wi)),
            svg.text(
                232,
                y + (290 - y) * 0.24 - 9,
                f"× {svg.fixed(wi, 0)} = {svg.fixed(p, 1)}",
                13,
                BLUE,
                "middle",
                halo=True,
            ),
        ]
    parts += [
        svg.circle(415, 290, 29, "#fff", BLACK, 2),
        svg.text(415, 297, "Σ", 22, anchor="middle"),
        svg.text(415, 346, f"bias {svg.fixed(b, 1)}", 12.5, "#333", "middle"),
        svg.arrow(415, 333, 415, 322, "#333", 1.5, 7),
        svg.arrow(446, 290, 502, 290, BLACK, 2),
        svg.text(472, 280, f"z = {svg.fixed(z, 1)}", 13, anchor="middle", bold=True, halo=True),
        svg.box(505, 262, 56, 56, "#fff", BLACK, 2, 6),
    ]
    curve = svg.Panel(511, 268, 44, 44, (-5, 5), (-0.05, 1.05))
    zs = np.linspace(-5, 5, 30)
    parts += [
        curve.curve(zs, 1 / (1 + np.exp(-zs)), VERMILION, 3),
        svg.arrow(564, 290, 632, 290, BLACK, 2),
        svg.circle(660, 290, 25, _PALE_BLUE, BLUE, 2),
        svg.text(660, 295, svg.fixed(output), 13, anchor="middle", bold=True),
        svg.text(660, 338, "“doughnut”", 12.5, "#333", "middle"),
    ]
    svg.show(
        svg.canvas(720, 376, *parts),
        "Above, a nerve cell: synapses on dendrites, a cell body, an axon. Below, part for part, an "
        "artificial neuron: "
        + ", ".join(f"{n} {xi:g} times {wi:g}" for n, xi, wi in zip(names, x, w, strict=True))
        + f", bias {b:g}, sum {z:.1f}, squashed to {output:.2f}.",
    )


def connections(counts: dict[str, float | tuple[float, float]]) -> None:
    """Draw counts of connections as dots (or ranges) on a logarithmic axis.

    Parameters
    ----------
    counts : dict of str to float or (float, float)
        A count, or the low and the high end of an estimate, by name.
    """
    height = 84 + 34 * len(counts)
    panel = svg.Panel(262, 44, 420, 34 * len(counts), (4, 16), (0, len(counts)))
    parts = [svg.text(14, 24, "A brain has more connections than these networks have weights", 15, bold=True)]
    for power in range(4, 17, 2):
        x = panel.x(power)
        parts.append(svg.line(x, panel.top, x, panel.top + panel.height, svg.GRID))
        parts.append(
            f'<text x="{x:.0f}" y="{panel.top + panel.height + 17}" font-size="12" fill="#333" text-anchor="middle">'
            f'10<tspan font-size="9" dy="-5">{power}</tspan></text>'
        )
    for row, (name, count) in enumerate(counts.items()):
        y = panel.top + 34 * row + 17
        low, high = count if isinstance(count, tuple) else (count, count)
        brain = "brain" in name
        colour = GREEN if brain else BLUE
        left, right = float(panel.x(np.log10(low))), float(panel.x(np.log10(high)))
        parts += [
            svg.text(250, y + 4, name, 12.5, BLACK, "end"),
            svg.line(panel.left, y, left, y, "#C9C9C9", 1.2, "2 4"),
            svg.line(left, y, right, y, colour, 9) if high > low else svg.circle(left, y, 6.5, colour),
        ]
    parts.append(
        svg.text(
            panel.left + panel.width / 2,
            height - 4,
            "connections, or weights (each step is a hundredfold)",
            12.5,
            "#333",
            "middle",
        )
    )
    words = "; ".join(
        f"{n}: {'{:.0e} to {:.0e}'.format(*c) if isinstance(c, tuple) else f'{c:.2g}'}" for n, c in counts.items()
    )
    svg.show(svg.canvas(720, height, *parts), f"Numbers of connections on a logarithmic axis. {words}.")


def _plane(panel: svg.Panel, w1: float, w2: float, b: float, cells: int = 26) -> str:
    """Shade a panel by the sigmoid of ``w1 x1 + w2 x2 + b``, and draw the line where it is one half."""
    edges_x = np.linspace(*panel.xlim, cells + 1)
    edges_y = np.linspace(*panel.ylim, cells + 1)
    mid_x, mid_y = (edges_x[1:] + edges_x[:-1]) / 2, (edges_y[1:] + edges_y[:-1]) / 2
    z = w1 * mid_x[None, :] + w2 * mid_y[:, None] + b
    share = 0.5 + 0.5 * np.tanh(z / 2)
    size_x, size_y = panel.width / cells + 0.4, panel.height / cells + 0.4
    low, mid, high = np.array([251, 226, 178]), np.array([255, 255, 255]), np.array([186, 218, 242])
    out = []
    for i, y in enumerate(edges_y[1:]):
        top = float(panel.y(y))
        for j, x in enumerate(edges_x[:-1]):
            s = 2 * share[i, j] - 1
            colour = mid + (high - mid) * s if s > 0 else mid + (mid - low) * s
            out.append(
                f'<rect x="{float(panel.x(x)):.1f}" y="{top:.1f}" width="{size_x:.1f}" height="{size_y:.1f}" '
                f'fill="rgb({colour[0]:.0f},{colour[1]:.0f},{colour[2]:.0f})"/>'
            )
    return panel.clip(*out)


def _boundary(panel: svg.Panel, w1: float, w2: float, b: float, colour=BLACK, width=2.5, dash="") -> str:
    """The line ``w1 x1 + w2 x2 + b = 0`` inside a panel; nothing where both weights are zero."""
    norm = float(np.hypot(w1, w2))
    if norm < 1e-9:
        return ""
    foot = np.array([w1, w2]) * (-b / norm**2)
    along = np.array([-w2, w1]) / norm
    (x1, y1), (x2, y2) = foot - 20 * along, foot + 20 * along
    return panel.clip(svg.line(panel.x(x1), panel.y(y1), panel.x(x2), panel.y(y2), colour, width, dash))


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
    import ipywidgets as widgets

    X, labels = np.asarray(X, float), np.asarray(labels)

    def draw(w1, w2, b):
        panel = svg.Panel(66, 52, 340, 340, (0, 1), (0, 1))
        z = X @ np.array([w1, w2]) + b
        good = (z > 0) == (labels == 1)
        parts = [_plane(panel, w1, w2, b)]
        parts.append(panel.axes([0, 0.5, 1], [0, 0.5, 1], *names, digits=(1, 1)))
        parts.append(_boundary(panel, w1, w2, b))
        norm = float(np.hypot(w1, w2))
        if norm > 1e-9:
            # the arrow of the weights, from the point of the line that is nearest to the middle of the picture
            middle = np.array([0.5, 0.5])
            start = middle - np.array([w1, w2]) * ((middle @ [w1, w2] + b) / norm**2)
            if np.all((start > 0.02) & (start < 0.98)):
                end = start + np.array([w1, w2]) / norm * min(0.05 + 0.02 * norm, 0.22)
                parts.append(
                    svg.arrow(panel.x(start[0]), panel.y(start[1]), panel.x(end[0]), panel.y(end[1]), PURPLE, 3, 11)
                )
                parts.append(svg.text(panel.x(end[0]) + 6, panel.y(end[1]) - 4, "w", 15, PURPLE, bold=True, halo=True))
        for point, label, fine in zip(X, labels, good, strict=True):
            x, y = panel.x(point[0]), panel.y(point[1])
            if not fine:
                parts.append(
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11" fill="none" stroke="{VERMILION}" stroke-width="2.5"/>'
                )
            parts.append(svg.circle(x, y, 6, BLUE) if label else svg.square(x, y, 5.5, ORANGE))
        parts.append(
            svg.text(66, 26, f"{good.sum()} of {len(good)} plates on the right side of the line", 15, bold=True)
        )
        key, top = 432, 70
        parts += [
            svg.text(key, top, f"z = {svg.fixed(w1, 1)} x₁{svg.signed(w2, 1)} x₂{svg.signed(b, 1)}", 15, bold=True),
            svg.circle(key + 7, top + 36, 6, BLUE),
            svg.text(key + 22, top + 41, classes[1], 13),
            svg.square(key + 7, top + 62, 5.5, ORANGE),
            svg.text(key + 22, top + 67, classes[0], 13),
            f'<circle cx="{key + 7}" cy="{top + 89}" r="9" fill="none" stroke="{VERMILION}" stroke-width="2.5"/>',
            svg.text(key + 22, top + 93, "on the wrong side", 13),
            svg.line(key, top + 118, key + 15, top + 118, BLACK, 2.5),
            svg.text(key + 22, top + 122, "boundary: z = 0", 13),
            svg.box(key, top + 142, 15, 15, "rgb(186,218,242)"),
            svg.text(key + 22, top + 154, "says “" + classes[1] + "” (z > 0)", 13),
            svg.box(key, top + 170, 15, 15, "rgb(251,226,178)"),
            svg.text(key + 22, top + 182, "says “" + classes[0] + "” (z < 0)", 13),
            svg.arrow(key - 1, top + 208, key + 17, top + 208, PURPLE, 3, 9),
            svg.text(key + 22, top + 212, "weights: to the bluer side", 13),
            svg.text(key, top + 252, "Pale means that the neuron", 12.5, "#444"),
            svg.text(key, top + 270, "is unsure: σ(z) near one half.", 12.5, "#444"),
        ]
        if norm < 1e-9:
            parts.append(svg.text(key, top + 306, "Both weights are 0: no line.", 12.5, VERMILION, bold=True))
        return svg.canvas(720, 440, *parts)

    wide = widgets.Layout(width="300px")
    slider = lambda value, name, low, high: widgets.FloatSlider(
        value=value, min=low, max=high, step=0.1, description=name, layout=wide, readout_format=".1f"
    )
    explore(
        draw,
        {
            "w1": slider(4.0, "w₁", -10, 10),
            "w2": slider(0.0, "w₂", -10, 10),
            "b": slider(-2.0, "b", -10, 10),
        },
        f"A plane of two features with {len(X)} plates, {int(np.sum(labels))} of them doughnuts, and the "
        "line where one neuron changes its mind; sliders move its two weights and its bias, and the title "
        "counts the plates on the right side.",
    )


# --- activations --------------------------------------------------------------------------------------------


def _sigmoid(z):
    return 0.5 + 0.5 * np.tanh(np.asarray(z, float) / 2)


# name: function, slope, colour, range of the function's axis, range of the slope's axis
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


def activations() -> None:
    """Draw sigmoid, tanh and ReLU side by side with their slopes."""
    z = np.linspace(-5, 5, 201)
    left = svg.Panel(60, 62, 280, 230, (-5, 5), (-1.2, 3.2))
    right = svg.Panel(412, 62, 280, 230, (-5, 5), (-0.08, 1.12))
    parts = [
        svg.text(14, 24, "Sigmoid and tanh go flat on both sides; ReLU only on one", 15, bold=True),
        left.axes([-4, -2, 0, 2, 4], [-1, 0, 1, 2, 3], "z, the weighted sum", "output f(z)", "output", zero=True),
        right.axes(
            [-4, -2, 0, 2, 4],
            [0, 0.25, 0.5, 0.75, 1],
            "z, the weighted sum",
            "slope f′(z)",
            "slope",
            digits=(0, 2),
        ),
    ]
    for name in ("sigmoid", "tanh", "ReLU"):
        f, slope, colour = _CURVES[name]
        parts.append(left.clip(left.curve(z, f(z), colour, 3)))
        if name == "ReLU":
            parts.append(right.curve([-5, 0], [0, 0], colour, 3) + right.curve([0, 5], [1, 1], colour, 3))
            parts.append(
                svg.circle(right.x(0), right.y(1), 4, "#fff", colour, 2) + svg.circle(right.x(0), right.y(0), 4, colour)
            )
        else:
            parts.append(right.curve(z, slope(z), colour, 3))
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
        svg.canvas(720, 338, *parts),
        "Two plots over z from -5 to 5. Outputs: sigmoid rises from 0 to 1, tanh from -1 to 1, ReLU is 0 "
        "and then the line z. Slopes: sigmoid's is a hill of height 0.25, tanh's a hill of height 1, ReLU's "
        "is 0 and then 1.",
    )


def activation_explorer() -> None:
    """Show an activation with its tangent at a point that the reader moves, and the slope's own curve."""
    import ipywidgets as widgets

    limits = {
        "sigmoid": ((-0.25, 1.25), [0, 0.5, 1], (-0.03, 0.33), [0, 0.1, 0.2, 0.3]),
        "tanh": ((-1.5, 1.5), [-1, 0, 1], (-0.1, 1.2), [0, 0.5, 1]),
        "ReLU": ((-1, 6), [0, 2, 4, 6], (-0.1, 1.2), [0, 0.5, 1]),
        "leaky ReLU": ((-1, 6), [0, 2, 4, 6], (-0.1, 1.2), [0, 0.5, 1]),
    }

    def draw(name, z):
        f, slope, colour = _CURVES[name]
        value, steep = float(f(z)), float(slope(z))
        ylim, yticks, slim, sticks = limits[name]
        left = svg.Panel(60, 62, 280, 230, (-6, 6), ylim)
        right = svg.Panel(412, 62, 280, 230, (-6, 6), slim)
        zs = np.linspace(-6, 6, 241)
        top = float(np.max(slope(zs)))
        share = steep / top
        verdict = "steep: learning can move it" if share > 0.5 else "flattening" if share > 0.05 else "flat: saturated"
        if name.endswith("ReLU"):
            verdict = "on: slope 1" if steep == 1 else "off: slope 0" if steep == 0 else "off, but not quite flat"
        reach = np.array([z - 2.2, z + 2.2])
        parts = [
            svg.text(
                14,
                24,
                f"{name} at z = {svg.fixed(z, 1)}: output {svg.fixed(value, 3)}, slope {svg.fixed(steep, 3)}",
                15,
                bold=True,
            ),
            svg.text(706, 24, verdict, 13, VERMILION if share <= 0.05 else "#333", "end", bold=True),
            left.axes([-6, -3, 0, 3, 6], yticks, "z, the weighted sum", "output f(z)", "", (0, 1), zero=True),
            right.axes([-6, -3, 0, 3, 6], sticks, "z, the weighted sum", "slope f′(z)", "", (0, 1)),
            left.clip(
                left.curve(zs, f(zs), colour, 3),
                left.curve(reach, value + steep * (reach - z), BLACK, 2.2, "6 4"),
            ),
            svg.text(left.left + 6, left.top - 8, "output, with its tangent (dashed)", 12.5, "#333"),
            svg.text(
                right.left + 6,
                right.top - 8,
                f"slope of that tangent (at most {svg.fixed(top, 2)})",
                12.5,
                "#333",
            ),
        ]
        if name.endswith("ReLU"):
            low = float(slope(-1.0))
            parts.append(right.curve([-6, 0], [low, low], colour, 3) + right.curve([0, 6], [1, 1], colour, 3))
        else:
            parts.append(right.curve(zs, slope(zs), colour, 3))
        parts += [
            svg.line(right.x(z), right.y(0), right.x(z), right.y(steep), BLACK, 1.6, "3 3"),
            left.clip(svg.circle(left.x(z), left.y(value), 7, BLACK)),
            svg.circle(right.x(z), right.y(steep), 7, BLACK),
        ]
        return svg.canvas(720, 338, *parts)

    explore(
        draw,
        {
            "name": widgets.ToggleButtons(
                options=list(limits),
                value="sigmoid",
                description="activation",
                style={"button_width": "95px"},
            ),
            "z": widgets.FloatSlider(
                value=1.6,
                min=-6,
                max=6,
                step=0.1,
                description="z",
                layout=widgets.Layout(width="480px"),
                readout_format=".1f",
            ),
        },
        "An activation's curve with a point and its dashed tangent on the left, and the curve of its slope "
        "with the same point on the right; buttons choose the activation and a slider moves the point.",
    )


# --- layers -------------------------------------------------------------------------------------------------


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
    import ipywidgets as widgets

    x, W, b = (np.asarray(a, float) for a in (x, W, b))
    z = x @ W + b
    cw, ch = 58, 34

    def table(left, top, values, rows, columns, row=None, column=None, colour=BLUE, fill=_PALE_BLUE, digits=1):
        out = []
        for j, name in enumerate(columns):
            out.append(svg.text(left + cw * (j + 0.5), top - 8, name, 12, "#333", "middle", bold=j == column))
        for i, name in enumerate(rows):
            out.append(svg.text(left - 8, top + ch * (i + 0.5) + 4, name, 12, "#333", "end", bold=i == row))
            for j in range(values.shape[1]):
                both = row is not None and column is not None
                lit = (i == row and j == column) if both else (i == row or j == column)
                out.append(svg.box(left + cw * j, top + ch * i, cw, ch, fill if lit else "#fff", "#BDBDBD"))
                out.append(
                    svg.text(
                        left + cw * (j + 0.5),
                        top + ch * (i + 0.5) + 5,
                        svg.fixed(values[i, j], digits),
                        13,
                        BLACK if lit else "#555",
                        "middle",
                        bold=lit,
                    )
                )
        return "".join(out)

    def draw(plate, unit):
        n, m = plates.index(plate), units.index(unit)
        (N, D), M = x.shape, W.shape[1]
        left_w = 84 + cw * D + 112
        top_x, top_w = 96, 96
        out_top = top_w + ch * D + 116
        parts = [svg.text(14, 24, "Each number of a layer's output is one neuron on one plate", 15, bold=True)]
        parts += [
            svg.text(84, 60, f"x  ({N}, {D}): a plate a row", 13, "#8A5F00", bold=True),
            table(84, top_x, x, plates, features, row=n, fill=_PALE_ORANGE),
            svg.text(left_w, 60, f"W  ({D}, {M}): a unit a column", 13, BLUE, bold=True),
            table(left_w, top_w, W, features, units, column=m),
        ]
        bias_top = top_w + ch * D + 10
        parts.append(svg.text(left_w - 8, bias_top + 22, "b", 13, BLUE, "end", bold=True))
        for j in range(M):
            parts.append(svg.box(left_w + cw * j, bias_top, cw, ch, "#E3E3F7" if j == m else "#fff", "#BDBDBD"))
            parts.append(
                svg.text(
                    left_w + cw * (j + 0.5),
                    bias_top + 22,
                    svg.fixed(b[j], 1),
                    13,
                    BLACK if j == m else "#555",
                    "middle",
                    bold=j == m,
                )
            )
        parts += [
            svg.text(
                left_w,
                out_top - 34,
                f"z = x @ W + b  ({N}, {M})",
                13,
                "#00654A",
                bold=True,
            ),
            table(left_w, out_top, z, plates, units, row=n, column=m, fill="#D5F0E6"),
        ]
        terms = " + ".join(f"{svg.fixed(x[n, d], 1)}·{svg.fixed(W[d, m], 1)}" for d in range(D)).replace("+ −", "− ")
        y = out_top + 18
        parts += [
            svg.text(20, y, f"{plate}, {unit} unit:", 13, bold=True),
            svg.text(20, y + 24, terms, 13),
            svg.text(20, y + 46, f"{svg.signed(b[m], 1).strip()}  (bias)", 13, "#3B3B9A"),
            svg.text(20, y + 72, f"= {svg.fixed(z[n, m], 2)}", 15, "#00654A", bold=True),
        ]
        return svg.canvas(720, int(out_top + ch * N + 20), *parts)

    buttons = {"button_width": "90px"}
    explore(
        draw,
        {
            "plate": widgets.ToggleButtons(options=list(plates), description="plate", style=buttons),
            "unit": widgets.ToggleButtons(options=list(units), description="unit", style=buttons),
        },
        "A table of plates and features, a table of weights with a column for each unit, and the table of "
        "outputs; the chosen plate's row and the chosen unit's column are lit, and their products and sum "
        "are written out.",
    )


def _power(value: float) -> str:
    """A size for a figure: 0.55, or 7e−11."""
    return (
        svg.fixed(value, 2)
        if 0.01 <= value < 1000
        else f"{value:.0e}".replace("-", "−").replace("−0", "−").replace("+0", "")
    )


# --- depth --------------------------------------------------------------------------------------------------


def signal_curves(results: dict[str, tuple], title: str) -> None:
    """Draw signal and gradient through the layers, on logarithmic axes, one line for each experiment.

    Parameters
    ----------
    results : dict of str to (signal, gradient)
        For each experiment, a sequence of sizes layer by layer; the first stands for the input.
    title : str
        The figure's message.
    """
    colours = {"sigmoid": VERMILION, "tanh": BLUE, "ReLU": GREEN}
    depth = len(next(iter(results.values()))[0]) - 1
    powers = (0, -8, -16, -24, -32)
    left = svg.Panel(66, 74, 200, 230, (0, depth), (powers[-1] - 2, 2))
    right = svg.Panel(428, 74, 174, 230, (0, depth), (powers[-1] - 2, 2))
    ticks = [(p, f"1e{p}".replace("-", "−") if p else "1") for p in powers]
    layers = sorted({round(k * depth / 4) for k in range(5)})
    parts = [
        svg.text(14, 24, title, 15, bold=True),
        left.axes(layers, ticks, "layer (0 is the input)", "", "signal, going forward"),
        right.axes(layers, ticks, "layer (0 is the input)", "", "gradient, coming back"),
    ]
    for which, panel in enumerate((left, right)):
        ends = []
        for name, sizes in results.items():
            colour = colours[name]
            y = np.log10(np.maximum(sizes[which], 1e-60))
            parts.append(panel.clip(panel.curve(np.arange(len(y)), y, colour, 3)))
            at = -1 if which == 0 else 0  # a gradient's end is the input, on the left
            ends.append(
                [
                    float(np.clip(panel.y(y[at]), panel.top, panel.top + panel.height)),
                    name,
                    colour,
                    sizes[which][at],
                ]
            )
        ends.sort()
        beside = panel.left + panel.width + 7
        if which == 1:  # these ends lie on the far side: list them from the top
            parts.append(svg.text(beside, panel.top + 20, "left at layer 0:", 12, "#333"))
            ends = [[panel.top + 22 + 18 * (k + 1), *end[1:]] for k, end in enumerate(ends)]
        for before, after in zip(ends, ends[1:], strict=False):
            after[0] = max(after[0], before[0] + 16)
        for y, name, colour, size in ends:
            parts.append(svg.text(beside, y + 4, f"{name} {_power(size)}", 12, colour, bold=True))
    svg.show(
        svg.canvas(720, 350, *parts),
        title
        + ". "
        + "; ".join(
            f"{n}: signal after the last layer {s[-1]:.1e}, gradient at the first {g[0]:.1e}"
            for n, (s, g) in results.items()
        )
        + ".",
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
    import ipywidgets as widgets

    def draw(name, weight_std):
        outputs, gradients = send(name, weight_std, np.random.default_rng(seed))
        depth = len(outputs) - 1
        signal = np.array([a.std(axis=0).mean() for a in outputs])
        colour = _CURVES[name][2]
        top, tall = 70, 118
        low, high = {"sigmoid": (0, 1), "tanh": (-1, 1)}.get(name, (0, None))
        if high is None:
            high = 1.2 * max(float(outputs[1].max()), 1e-3) / 1.5
        parts = [
            svg.text(
                14,
                24,
                f"{name}, weights with spread {weight_std:.3f}: "
                f"signal {_power(signal[-1])}, gradient {_power(gradients[0])}",
                15,
                bold=True,
            ),
            svg.text(
                76,
                54,
                "outputs, a histogram for each layer (dark line: their mean"
                + (", zeros included; zeros not drawn)" if name == "ReLU" else ")"),
                12.5,
                "#333",
            ),
        ]
        hist = svg.Panel(
            76, top, 620, tall, (0.5, depth + 0.5), (low - 0.04 * (high - low), high + 0.04 * (high - low))
        )
        ticks = [(v, f"{v:.2g}".replace("-", "−")) for v in (low, (low + high) / 2, high)]
        parts.append(hist.axes([], ticks))
        bins = np.linspace(low, high, 25)
        for layer in range(1, depth + 1):
            values = outputs[layer].ravel()
            values = values[values > 0] if name == "ReLU" else values  # its zeros would dwarf the rest
            place = np.minimum(((values - low) / (high - low) * 24).astype(int), 24)
            counts = np.bincount(place, minlength=25)[:24]
            share = counts / max(counts.max(), 1)
            x, bar = float(hist.x(layer)) - 13, 26
            for k, s in enumerate(share):
                if s > 0:
                    y = float(hist.y(bins[k + 1]))
                    parts.append(svg.box(x, y, max(bar * s, 1), float(hist.y(bins[k])) - y + 0.3, colour, opacity=0.75))
            mean = float(hist.y(np.clip(outputs[layer].mean(), low, high)))
            parts.append(svg.line(x, mean, x + bar, mean, BLACK, 1.6))
        lines = svg.Panel(76, 230, 620, 150, (0.5, depth + 0.5), (-12, 3))
        powers = [(p, f"1e{p}".replace("-", "−") if p else "1") for p in (0, -4, -8, -12)]
        parts.append(lines.axes(list(range(1, depth + 1)), powers, "layer", "size, log scale", out=56))
        layers = np.arange(1, depth + 1)
        log_signal = np.log10(np.maximum(signal[1:], 1e-30))
        log_gradient = np.log10(np.maximum(gradients[1:], 1e-30))
        parts.append(
            lines.clip(lines.curve(layers, log_signal, BLACK, 3), lines.curve(layers, log_gradient, ORANGE, 3, "8 4"))
        )
        parts += [
            svg.text(78, 220, "signal going forward: spread between plates", 12.5, BLACK, bold=True),
            svg.text(696, 220, "- - gradient coming back", 12.5, "#A87300", "end", bold=True),
        ]
        return svg.canvas(720, 424, *parts)

    best = round(float(np.sqrt(2 / 100)), 3)
    explore(
        draw,
        {
            "name": widgets.ToggleButtons(
                options=["sigmoid", "tanh", "ReLU"],
                value="sigmoid",
                description="activation",
                style={"button_width": "85px"},
            ),
            "weight_std": widgets.SelectionSlider(
                options=[(f"{v:.3f}", v) for v in (0.01, 0.02, 0.05, 0.08, 0.1, 0.12, best, 0.17, 0.2, 0.25, 0.3)],
                value=best,
                description="weight spread",
                style={"description_width": "initial"},
                layout=widgets.Layout(width="380px"),
            ),
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
    panel = svg.Panel(150, 62, 250, 250, (-0.3, 1.3), (-0.3, 1.3))
    parts = [svg.text(14, 24, title, 15, bold=True)]
    if w is not None:
        parts.append(_plane(panel, *w, b))
    parts.append(panel.axes([0, 1], [0, 1], "custard", "gravy"))
    if w is not None:
        parts.append(_boundary(panel, *w, b))
    words = ("nothing: dry", "custard: nice", "gravy: nice", "both: yuck")
    for (x1, x2), nice, word in zip(_CORNERS, _NICE, words, strict=True):
        x, y = panel.x(x1), panel.y(x2)
        wrong = w is not None and (x1 * w[0] + x2 * w[1] + b > 0) != bool(nice)
        if wrong:
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="16" fill="none" stroke="{VERMILION}" stroke-width="3"/>'
            )
        parts.append(_corner(x, y, nice))
        parts.append(svg.text(x, y + 30 if x2 == 0 else y - 20, word, 12.5, BLACK, "middle", halo=True))
    key = 440
    parts += [
        _corner(key, 96, 1),
        svg.text(key + 18, 101, "1: serve it", 13),
        _corner(key, 128, 0),
        svg.text(key + 18, 133, "0: send it back", 13),
    ]
    if w is not None:
        parts += [
            svg.line(key - 8, 160, key + 9, 160, BLACK, 2.5),
            svg.text(key + 18, 165, "the neuron's boundary", 13),
            f'<circle cx="{key}" cy="192" r="10" fill="none" stroke="{VERMILION}" stroke-width="3"/>',
            svg.text(key + 18, 197, "on the wrong side", 13),
        ]
    alt = "A square with four corners: nothing and both sauces are 0, custard alone and gravy alone are 1."
    if w is not None:
        alt += " One neuron's straight boundary leaves at least one corner on the wrong side."
    svg.show(svg.canvas(720, 362, *parts), alt)


def napkin() -> None:
    """Show the plane as a napkin that folds along its diagonal until one cut parts the nice corners."""
    import ipywidgets as widgets

    def draw(fold):
        angle = np.pi * fold / 180
        scale, cx, cy = 225, 208, 222
        lean, rise = 0.62, 0.78  # how depth and height appear from above and in front

        def place(x1, x2, moved=False):
            along, off = (x1 + x2 - 1) / np.sqrt(2), (x1 - x2) / np.sqrt(2)  # off > 0 lies toward the reader
            height = 0.0
            if moved and off < 0:
                off, height = off * np.cos(angle), -off * np.sin(angle)
            return cx + scale * along, cy + scale * (lean * off - rise * height)

        def at(points, moved=False):
            return [place(*p, moved) for p in points]

        done = fold >= 165
        title = (
            "Flat, no single cut parts the nice plates from the others"
            if fold == 0
            else "Folded, one straight cut is enough"
            if done
            else "Folding: the gravy corner comes over to the custard side"
        )
        front = at([(0, 0), (1, 0), (1, 1)])
        flap = at([(0, 0), (0, 1), (1, 1)], True)
        # the flap darkens as it stands up, and shows its underside once it has fallen over
        tone = 0.35 * np.sin(angle) + (0.45 if np.cos(angle) * lean + np.sin(angle) * rise < 0 else 0.0)
        shade = "rgb({:.0f},{:.0f},{:.0f})".format(
            *(np.array([220, 236, 247]) * (1 - tone) + np.array([122, 178, 219]) * tone)
        )
        parts = [
            svg.text(14, 24, title, 15, bold=True),
            svg.polygon(at([(0, 0), (0, 1), (1, 1)]), "none", "#BDBDBD", 1.2),
            svg.polygon(front, _PALE_BLUE, BLUE, 1.5),
            svg.polygon(flap, shade, BLUE, 1.5, 0.94),
            svg.line(*place(0, 0), *place(1, 1), BLUE, 2, "5 4"),
        ]
        gravy, custard = place(0, 1, True), place(1, 0)
        if done:
            a, b = place(0.32, -0.18), place(1.18, 0.68)
            parts.append(svg.line(*a, *b, VERMILION, 3, "9 5"))
            parts.append(svg.text(b[0] + 6, b[1] + 4, "one cut", 13, VERMILION, bold=True))
        for spot, nice in ((place(0, 0), 0), (place(1, 1), 0), (custard, 1), (gravy, 1)):
            parts.append(_corner(*spot, nice))
        close = abs(gravy[1] - custard[1]) < 30
        parts += [
            svg.text(place(0, 0)[0] + 2, place(0, 0)[1] - 18, "nothing", 12.5, BLACK, "middle", halo=True),
            svg.text(place(1, 1)[0] + 4, place(1, 1)[1] - 18, "both", 12.5, BLACK, "middle", halo=True),
            svg.text(
                custard[0],
                custard[1] + 28,
                "custard and gravy" if close else "custard",
                12.5,
                BLACK,
                "middle",
                halo=True,
            ),
        ]
        if not close:
            parts.append(svg.text(gravy[0] + 14, gravy[1] - 8, "gravy", 12.5, BLACK, halo=True))
        # what a single neuron sees: distance from the fold
        line = svg.Panel(460, 100, 236, 180, (-1.25, 1.25), (0, 1))
        y = 205
        parts += [
            svg.text(460, 70, "how far from the fold?", 13, bold=True),
            svg.text(460, 88, "(the custard side counts as plus)", 12, "#444"),
            svg.line(line.left, y, line.left + line.width, y, "#9A9A9A", 1.5),
        ]
        for tick in (-1, 0, 1):
            parts.append(svg.line(line.x(tick), y - 5, line.x(tick), y + 5, "#9A9A9A", 1.5))
            parts.append(svg.text(line.x(tick), y + 42, svg.fixed(tick, 0), 12, "#333", "middle"))
        where = -float(np.cos(angle))
        beside = 15 if where > 0.85 else 0  # both nice plates stay visible where they meet
        parts += [
            _corner(line.x(0) - 8, y, 0),
            _corner(line.x(0) + 8, y, 0),
            _corner(line.x(1), y, 1),
            _corner(line.x(where) + beside, y, 1),
            svg.text(line.x(0), y + 24, "nothing, both", 12, BLACK, "middle"),
            svg.text(line.x(1), y + 24, "custard", 12, BLACK, "middle"),
            svg.line(line.x(where) + beside, y - 28, line.x(where) + beside, y - 12, "#9A9A9A"),
            svg.text(line.x(where) + beside, y - 33, "gravy", 12, BLACK, "middle", halo=True),
        ]
        if done:
            cut = max(where / 2, 0.19)
            parts.append(svg.line(line.x(cut), y - 26, line.x(cut), y + 12, VERMILION, 3, "7 5"))
            parts.append(
                svg.text(
                    line.x(1.25),
                    y + 64,
                    "one cut: nice plates on the right",
                    12.5,
                    VERMILION,
                    "end",
                    bold=True,
                )
            )
        else:
            parts.append(
                svg.text(
                    line.x(0),
                    y + 64,
                    "nice plates on both sides" if where < 0 else "all nice plates on the right",
                    12.5,
                    "#444",
                    "middle",
                )
            )
        return svg.canvas(720, 400, *parts)

    explore(
        draw,
        {
            "fold": widgets.IntSlider(
                value=130,
                min=0,
                max=180,
                step=5,
                description="fold (°)",
                layout=widgets.Layout(width="420px"),
            )
        },
        "A square napkin with a plate at each corner folds along the diagonal that joins nothing and both; "
        "when the gravy corner comes to lie on the custard corner, one straight cut parts the nice plates "
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

    left = svg.Panel(64, 66, 250, 250, (-0.3, 1.3), (-0.3, 1.3))
    cells = 32
    grid = np.linspace(-0.3, 1.3, cells + 1)
    mid = (grid[1:] + grid[:-1]) / 2
    gx, gy = np.meshgrid(mid, mid)
    value = (hidden(np.stack([gx.ravel(), gy.ravel()], axis=1)) @ W2 + b2).reshape(cells, cells)
    blue, orange, white = np.array([140, 194, 234]), np.array([247, 206, 130]), np.array([255, 255, 255])
    squares = []
    for i in range(cells):
        for j in range(cells):
            s = float(np.clip(2 * value[i, j] - 1, -1, 1))
            c = white + (blue - white) * s if s > 0 else white + (white - orange) * s
            squares.append(
                f'<rect x="{left.x(grid[j]):.1f}" y="{left.y(grid[i + 1]):.1f}" width="{250 / cells + 0.4:.1f}" '
                f'height="{250 / cells + 0.4:.1f}" fill="rgb({c[0]:.0f},{c[1]:.0f},{c[2]:.0f})"/>'
            )
    h = hidden(_CORNERS)
    span = max(float(np.abs(h).max()), 1.0) * 1.25
    right = svg.Panel(420, 66, 250, 250, (-0.22 * span, span), (-0.22 * span, span))
    step = max(round(span / 1.25), 1)
    parts = [
        svg.text(14, 24, "Your network: two creases in the plane, then one cut", 15, bold=True),
        left.clip(*squares),
        left.axes([0, 1], [0, 1], "custard", "gravy"),
        _boundary(left, *W1[:, 0], b1[0], PURPLE, 2.5, "7 4"),
        _boundary(left, *W1[:, 1], b1[1], GREEN, 2.5, "2 4"),
        svg.text(left.left, 54, "the plate's plane (creases dashed)", 12.5, "#333"),
        _plane(right, *(8 * W2[:, 0] / span), 8 * (b2[0] - 0.5) / span),
        right.axes([0, step], [0, step], "hidden unit 1", "hidden unit 2"),
        _boundary(right, *W2[:, 0], b2[0] - 0.5, BLACK, 2.5),
        svg.text(right.left, 54, "the hidden plane (the cut in black)", 12.5, "#333"),
    ]
    spots: dict[tuple, list[int]] = {}
    for k, point in enumerate(h):
        spots.setdefault(tuple(np.round(point, 6)), []).append(k)
    names = ("nothing", "custard", "gravy", "both")
    for (x1, x2), nice, name in zip(_CORNERS, _NICE, names, strict=True):
        parts.append(_corner(left.x(x1), left.y(x2), nice))
        parts.append(
            svg.text(left.x(x1), left.y(x2) + (28 if x2 == 0 else -16), name, 12.5, BLACK, "middle", halo=True)
        )
    for point, members in spots.items():
        x, y = right.x(point[0]), right.y(point[1])
        parts.append(_corner(x, y, _NICE[members[0]]))
        at_right = x > right.left + 0.6 * right.width
        parts.append(
            svg.text(
                x - 14 if at_right else x + 14,
                y - 12,
                ", ".join(names[k] for k in members),
                12.5,
                BLACK,
                "end" if at_right else "start",
                halo=True,
            )
        )
    svg.show(
        svg.canvas(720, 362, *parts),
        "Left: the square of custard and gravy, shaded by your network's output, with the two hidden units' "
        "creases. Right: where the four corners land in the plane of the hidden units, and the output "
        "unit's cut.",
    )


__all__ = [
    "activation_explorer",
    "activations",
    "anatomy",
    "connections",
    "corners",
    "layer_explorer",
    "napkin",
    "one_neuron",
    "signal_curves",
    "signal_explorer",
    "xor_surface",
]
