"""Figures of chapter 04: the pooling explorer, receptive fields, the shift test, LeNet-5 and a network's maps.

Numbers in grids and diagrams are drawn as SVG and photographs as PNG, so that a redraw takes a few milliseconds.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from introdl.figures import svg, tile
from introdl.figures.grid import PALE_BLUE, PALE_GREEN, PALE_ORANGE, PALE_RED, grid, ring
from introdl.figures.interactive import choice, explore, rows_of, slider, stepper
from introdl.figures.panel import Panel
from introdl.figures.style import BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILION

#: The single depth slice of the deck, as the explorer's text field takes it.
DECK = "1 1 2 4 / 5 6 7 8 / 3 2 1 0 / 1 2 3 4"

#: Networks for the receptive field, as (kernel, stride) from the picture upwards, with each layer's name.
NETWORKS: dict[str, list[tuple[str, int, int]]] = {
    "convolutions of 3": [("conv 3", 3, 1)] * 8,
    "convolutions of 3, with pooling": [("conv 3", 3, 1), ("conv 3", 3, 1), ("pool 2", 2, 2)] * 2
    + [("conv 3", 3, 1), ("conv 3", 3, 1)],
    "convolutions of 3, stride 2": [("conv 3, stride 2", 3, 2)] * 5,
    "LeNet-5": [("C1", 5, 1), ("S2", 2, 2), ("C3", 5, 1), ("S4", 2, 2), ("C5", 5, 1)],
}


# ----------------------------------------------------------------------------------------------------------
# Small pieces
# ----------------------------------------------------------------------------------------------------------


def small(image, side: int = 64) -> np.ndarray:
    """A picture as floats (side, side, 3) in [0, 1]: the middle square, shrunk by averaging blocks.

    Parameters
    ----------
    image : array-like
        (H, W, 3), uint8 or floats in [0, 1], at least ``side`` pixels high and wide.
    side : int, optional
        Pixels of the result along each axis.
    """
    image = np.asarray(image)
    values = image / 255.0 if image.dtype == np.uint8 else image.astype(float)
    by = min(values.shape[:2]) // side
    if by == 0:
        raise ValueError(f"The picture has shape {values.shape}; it should be at least {side} x {side} pixels.")
    top, left = ((n - by * side) // 2 for n in values.shape[:2])
    middle = values[top : top + by * side, left : left + by * side, :3]
    return middle.reshape(side, by, side, by, 3).mean(axis=(1, 3))


def _windows(maps: np.ndarray, size: int, stride: int) -> np.ndarray:
    """All whole windows over the last two axes: (..., OH, OW, size, size)."""
    view = np.lib.stride_tricks.sliding_window_view(maps, (size, size), axis=(-2, -1))
    return view[..., ::stride, ::stride, :, :]


def _pool(maps: np.ndarray, size: int, stride: int | None = None, kind: str = "maximum") -> np.ndarray:
    windows = _windows(maps, size, stride or size)
    return windows.max(axis=(-2, -1)) if kind == "maximum" else windows.mean(axis=(-2, -1))


def _convolve(maps: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(maps, weights.shape[2:], axis=(2, 3))
    return np.einsum("ncijuv,fcuv->nfij", windows, weights) + bias[:, None, None]


def edge_strength(image, side: int = 128) -> np.ndarray:
    """How strongly the brightness changes at each pixel: (side - 2, side - 2) floats, none of them negative."""
    values = small(image, side).mean(axis=2)
    sobel = np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0])
    both = _convolve(values[None, None], np.stack([sobel, sobel.T])[:, None], np.zeros(2))[0]
    return np.hypot(*both)


# ----------------------------------------------------------------------------------------------------------
# The pooling explorer
# ----------------------------------------------------------------------------------------------------------


def read_numbers(words: str) -> np.ndarray:
    """Read rows of numbers, the rows apart by a slash: ``"1 2 / 3 4"``.

    Raises
    ------
    ValueError
        With a sentence for the learner, if it is not 1 to 8 rows of 1 to 8 numbers, all equally long.
    """
    rows = [row.replace(",", " ").split() for row in words.strip().strip("/").split("/")]
    try:
        numbers = [[float(n) for n in row] for row in rows]
    except ValueError:
        raise ValueError("Write numbers, with blanks between them and a / between rows.") from None
    lengths = {len(row) for row in numbers}
    if len(lengths) > 1:
        raise ValueError(
            f"The rows have {', '.join(str(len(row)) for row in numbers)} numbers: make them equally long."
        )
    if not 1 <= len(numbers) <= 8 or not 1 <= lengths.pop() <= 8:
        raise ValueError("Write 1 to 8 rows of 1 to 8 numbers.")
    found = np.array(numbers)
    if not np.all(np.abs(found) < 1000):
        raise ValueError("Keep the numbers between -1000 and 1000.")
    return found


def _places(shape: tuple[int, int], size: int, stride: int) -> list[int]:
    """Rows and columns of windows that fit."""
    return [max((n - size) // stride + 1, 0) for n in shape]


def _count_windows(words: str, size: int, stride: int) -> int:
    try:
        rows, columns = _places(read_numbers(words).shape, size, stride)
    except ValueError:
        return 1
    return rows * columns or 1


def _pooled_input(values, size, stride, corner, winner, edge) -> str:
    """The numbers with one window on them, and the winner ringed, where there is one."""
    rows, columns = _places(values.shape, size, stride)
    covered = np.zeros(values.shape, dtype=bool)
    for a, b in np.ndindex(rows, columns):
        covered[a * stride : a * stride + size, b * stride : b * stride + size] = True

    def look(y, x):
        here = 0 <= y - corner[0] < size and 0 <= x - corner[1] < size
        wins, seen = (y, x) == winner, covered[y, x]
        fill = "#8CCDB5" if wins else PALE_BLUE if here else "#FFFFFF" if seen else PALE_RED
        return {"fill": fill, "ink": svg.INK if seen else VERMILION, "bold": wins}

    marks = [ring(*corner, edge, BLUE, size, size)]
    if winner:
        marks.append(svg.ring(2 + (winner[1] + 0.5) * edge, 2 + (winner[0] + 0.5) * edge, edge * 0.4, GREEN, 3))
    return grid(values, edge, look, *marks)


def draw_pooling(numbers: str, kind: str, size: int, stride: int, window: int) -> str:
    """One position of the pooling window, as HTML.

    Parameters
    ----------
    numbers : str
        As `read_numbers` takes them.
    kind : {"maximum", "mean"}
        What becomes of a window.
    size, stride : int
        In pixels.
    window : int
        Counts from 1, along a row and then row by row.

    Returns
    -------
    str
        HTML.
    """
    try:
        values = read_numbers(numbers)
    except ValueError as error:
        return svg.frame("These numbers cannot be read", f'<b style="color:{VERMILION}">{error}</b>', width=700)
    height, width = values.shape
    edge = 46 if max(values.shape) <= 5 else 36
    rows, columns = _places(values.shape, size, stride)
    if not rows * columns:
        words = f"A window of {size} by {size} needs {size} rows and columns; here are {height} and {width}."
        words = f'<div style="font-weight:700;color:{VERMILION}">{words}</div>'
        return svg.frame("The window does not fit", grid(values, edge) + words, width=700)
    pooled = _pool(values, size, stride, kind)
    place = min(max(window, 1), rows * columns) - 1
    i, j = divmod(place, columns)
    corner = top, left = i * stride, j * stride
    inside = values[top : top + size, left : left + size]
    u, v = divmod(int(inside.argmax()), size)
    before = _pooled_input(values, size, stride, corner, (top + u, left + v) if kind == "maximum" else None, edge)

    def look(a, b):
        done = a * columns + b <= place
        return {"fill": PALE_GREEN, "bold": (a, b) == (i, j)} if done else {"words": "", "dashed": True}

    after = grid(pooled, edge, look, ring(i, j, edge, GREEN))
    result = f"<b>{svg.short(pooled[i, j])}</b>"
    if kind == "maximum":
        sum_up = f"the largest of {', '.join(map(svg.short, inside.flat))} is {result}"
        title = "Max pooling: the largest number of each window survives"
    else:
        terms = " + ".join(map(svg.factor, inside.flat))
        sum_up = f"({terms}) / {inside.size} = {svg.short(inside.sum())} / {inside.size} = {result}"
        title = "Average pooling: each window becomes its mean"
    kept = f"{height * width} numbers go in, {rows * columns} come{'s' if rows * columns == 1 else ''} out."
    if any(stride > size or (n - size) % stride for n in values.shape):
        kept += f' <span style="color:{VERMILION}">No window looks at the red ones.</span>'
    pictures = tile.row(
        svg.block(f"input, {height} × {width}", before),
        '<span style="font-size:24px">→</span>',
        svg.block(f"output, {rows} × {columns}", after),
        gap="10px 26px",
        align="center",
    )
    body = f'{pictures}<div style="margin-top:8px">output[{i}, {j}]: {sum_up}.<br>{kept}</div>'
    return svg.frame(title, body, width=700)


def pooling_explorer(numbers: str = DECK, size: int = 2, stride: int = 2):
    """Pool numbers of your own, window by window.

    Parameters
    ----------
    numbers : str, optional
        Rows of numbers, the rows apart by a slash. By default the deck's.
    size, stride : int, optional
        Where their sliders stand at first.
    """
    import ipywidgets as widgets

    read_numbers(numbers)
    field = widgets.Text(numbers, description="numbers", continuous_update=False, layout={"width": "400px"})
    sizes, strides = slider("size", 1, 4, size, width=240), slider("stride", 1, 4, stride, width=240)
    kind = choice("take the", ["maximum", "mean"], width=210)
    decide = field, sizes, strides
    play, windows = stepper(lambda: _count_windows(*(one.value for one in decide)), 1, "window", restarted_by=decide)
    explore(
        draw_pooling,
        {"numbers": field, "kind": kind, "size": sizes, "stride": strides, "window": windows},
        alt=(
            "A grid of numbers with a window on it, the largest number in the window ringed, and the smaller grid of "
            "outputs. The deck's four by four numbers become 6 8 and 3 4."
        ),
        layout=lambda _controls, view: rows_of((field, kind), (sizes, strides, play, windows), (view,)),
    )


# ----------------------------------------------------------------------------------------------------------
# What pooling leaves of a picture
# ----------------------------------------------------------------------------------------------------------


def pooled_edges(image):
    """The edge strength of a picture, as it is and pooled by maximum and by mean, windows of 2, 4 and 8.

    Parameters
    ----------
    image : array-like
        (H, W, 3), at least 128 pixels high and wide.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    strength = edge_strength(image)[7:-7, 7:-7]
    reach = float(np.quantile(strength, 0.98))
    figure, axes = plt.subplots(2, 4, figsize=(7.6, 5.3))
    for row, kind in zip(axes, ("maximum", "mean"), strict=True):
        for axis, size in zip(row, (1, 2, 4, 8), strict=True):
            panel = _pool(strength, size, kind=kind)
            axis.imshow(panel, cmap="gray_r", vmin=0, vmax=reach)
            name = "edge strength" if size == 1 else f"{kind}, {size} × {size}"
            axis.set_title(f"{name}\n{panel.shape[0]} × {panel.shape[1]}", fontsize=9.5, fontweight="normal")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.grid(visible=False)
    figure.suptitle(
        "A maximum keeps thin edges dark; a mean washes them out", x=0.02, ha="left", fontweight="bold", fontsize=12
    )
    figure.tight_layout()
    return figure


# ----------------------------------------------------------------------------------------------------------
# The shift test
# ----------------------------------------------------------------------------------------------------------

_SHIFTED = (("no pooling", 1, BLUE), ("windows of 4", 4, ORANGE), ("windows of 16", 16, VERMILION))
_MOST = 8


def change(before: np.ndarray, after: np.ndarray) -> float:
    """How different two maps without negative numbers are: 0 for the same, 1 where nothing overlaps.

    The sum of all differences, without sign, divided by the sum of both maps.
    """
    total = float(np.sum(before) + np.sum(after))
    return float(np.abs(before - after).sum()) / total if total else 0.0


def shift_changes(image) -> dict[str, list[float]]:
    """How much the edge map of a picture changes when the camera moves by 0 to 8 pixels, pooled in several ways.

    Parameters
    ----------
    image : array-like
        (H, W, 3), at least 128 pixels high and wide.

    Returns
    -------
    dict of str to list of float
        For each way of pooling, the nine values of `change`.
    """
    strength = edge_strength(image)
    views = [_moved(strength, shift) for shift in range(_MOST + 1)]
    found = {}
    for name, size, _ in _SHIFTED:
        maps = [_pool(view, size) for view in views]
        found[name] = [change(maps[0], other) for other in maps]
    means = [view.mean() for view in views]
    found["global mean"] = [change(means[0], other) for other in means]
    return found


def _moved(values: np.ndarray, shift: int) -> np.ndarray:
    """The 112 x 112 pixels that a camera sees when it has moved: the scene goes `shift` pixels to the right."""
    return values[7 : 7 + 112, 7 + _MOST - 1 - shift : 7 + _MOST - 1 - shift + 112]


def draw_shift(scene: np.ndarray, strength: np.ndarray, changes: dict, shift: int) -> str:
    """The shift test at one shift, as HTML.

    Parameters
    ----------
    scene : numpy.ndarray
        The picture, (126, 126, 3) floats.
    strength : numpy.ndarray
        Its edge map, (126, 126).
    changes : dict
        From `shift_changes`.
    shift : int
        Pixels to the right, 0 to 8.

    Returns
    -------
    str
        HTML.
    """
    note = "Change: the sum of all differences, divided by the sum of both maps. 0: the same map; 1: nothing in common."
    body = (
        f"{_shift_pictures(scene, strength, shift)}{_shift_chart(changes, shift)}"
        f'<div style="font-size:12.5px;color:#444">{note}</div>'
    )
    return svg.frame("On this picture, larger windows change less after a small shift", body, width=700)


def _shift_pictures(scene, strength, shift: int) -> str:
    reach = float(np.quantile(strength, 0.98))
    side, across, down = 128, 140, 142
    columns = [("picture", *(_moved(scene, s) for s in (0, shift)), lambda v: v, lambda v: 1 - 2 * v.mean(axis=2))]
    for name, size, _ in _SHIFTED:
        before, after = (_pool(_moved(strength, s), size) for s in (0, shift))
        columns.append((name, before, after, *[lambda v: tile.ink(v, reach)] * 2))
    parts = [
        svg.text(0, 42 + side / 2 + down * n, words, 12, "#333")
        for n, words in enumerate(("before", f"moved by {shift}", "difference"))
    ]
    for column, (name, before, after, shown, shown_difference) in enumerate(columns):
        x, heads = 76 + column * across, (name, f"{before.shape[0]} × {before.shape[1]}")
        rows = shown(before), shown(after), shown_difference(np.abs(before - after))
        parts += [tile.framed(x, 36 + n * down, side, v, heads if n == 0 else ()) for n, v in enumerate(rows)]
    return svg.canvas(76 + 4 * across, 36 + 3 * down, *parts)


def _shift_chart(changes: dict, shift: int) -> str:
    panel = Panel(56, 26, 380, 170, (0, _MOST), (0, 0.7))
    shifts = range(_MOST + 1)
    parts = [panel.axes(shifts, [0, 0.2, 0.4, 0.6], "shift (pixels)", "change of the map", digits=(0, 1), out=40)]
    colors = {name: color for name, _, color in _SHIFTED} | {"global mean": PURPLE}
    for name, values in changes.items():
        parts.append(panel.curve(shifts, values, colors[name]))
        parts.append(panel.points([shift], [values[shift]], 5, colors[name]))
        parts.append(svg.text(panel.right + 10, panel.y(values[-1]) + 4, f"{name}: {values[shift]:.3f}", 12.5))
    return svg.canvas(610, 240, *parts, panel.upright(shift, GRAY, 1, "3 3"))


def shift_test(image, shift: int = 1):
    """Move the camera by 0 to 8 pixels and compare the edge maps before and after, pooled and not.

    Parameters
    ----------
    image : array-like
        (H, W, 3), at least 128 pixels high and wide.
    shift : int, optional
        Where the slider stands at first.
    """
    scene, strength, changes = small(image, 128)[1:-1, 1:-1], edge_strength(image), shift_changes(image)
    last = ", ".join(f"{values[-1]:.2f} for {name}" for name, values in changes.items())
    explore(
        lambda shift: draw_shift(scene, strength, changes, shift),
        {"shift": slider("shift", 0, _MOST, shift, width=360)},
        alt=(
            "The picture and its edge maps before and after a shift, with their differences, and a chart of the change "
            f"against the shift. After 8 pixels the change is {last}."
        ),
    )


# ----------------------------------------------------------------------------------------------------------
# The receptive field
# ----------------------------------------------------------------------------------------------------------


def _fields(layers) -> list[tuple[int, int]]:
    """Field and jump after 0, 1, 2, ... layers."""
    found = [(1, 1)]
    for _, kernel, stride in layers:
        size, jump = found[-1]
        found.append((size + (kernel - 1) * jump, jump * stride))
    return found


def draw_field(scene: np.ndarray, network: str, depth: int) -> str:
    """What one neuron sees, along one axis layer by layer and as a square on the picture, as HTML.

    Parameters
    ----------
    scene : numpy.ndarray
        (64, 64, 3) floats.
    network : str
        A key of `NETWORKS`.
    depth : int
        Layers between the picture and the neuron.

    Returns
    -------
    str
        HTML.
    """
    layers = NETWORKS[network]
    depth = min(depth, len(layers))
    fields = _fields(layers)
    size, jump = fields[depth]
    big = 3.5
    low = (64 - size) / 2 * big + 1
    outline = [svg.box(low, low, size * big, size * big, "none", *edge) for edge in (("#FFFFFF", 5), (VERMILION, 2.5))]
    photo = svg.canvas(64 * big + 2, 64 * big + 2, tile.image(1, 1, 64 * big, 64 * big, scene), *outline)
    sum_up = "With no layer at all, a neuron is a pixel: it sees itself. Neighbors lie 1 pixel apart."
    if depth:
        before, step = fields[depth - 1]
        sum_up = (
            f"Layer {depth}: {before} + ({layers[depth - 1][1]} − 1) · {step} = <b>{size} pixels</b>. Its neighbors "
            f"lie {jump} pixel{'s' * (jump > 1)} apart. On a picture of 64 × 64 it sees {size**2 / 64**2:.1%} of the "
            "pixels."
        )
    pictures = tile.row(
        svg.block("along one axis: the red neuron and all that it depends on", _field_tree(layers, fields, depth)),
        svg.block("on the picture, 64 × 64", photo),
        gap="8px 22px",
        align="flex-end",
    )
    title = f"After {depth} layer{'s' * (depth != 1)}, a neuron sees {size} × {size} pixels"
    return svg.frame(title, f'{pictures}<div style="margin-top:8px">{sum_up}</div>')


def _field_tree(layers, fields, depth: int) -> str:
    """Rows of neurons, from the pixels at the bottom up to one neuron, with lines to what it depends on."""
    size, widest = fields[depth][0], fields[-1][0]
    counts = [1]  # neurons that the one above depends on, from its own layer down to the picture
    for _, kernel, stride in reversed(layers[:depth]):
        counts.insert(0, (counts[0] - 1) * stride + kernel)
    unit, left, step, top = min(18.0, 290 / widest), 128, 31, 10
    bottom, right = top + len(layers) * step, left + widest * unit + 8

    def center(level, n):
        seen, jump = fields[level]
        return left + ((widest - size) / 2 + n * jump + seen / 2) * unit

    parts = []
    for level, (_, kernel, stride) in enumerate(layers[:depth], 1):
        y = bottom - level * step
        for n in range(counts[level]):
            for k in (0, kernel - 1):
                below = center(level - 1, n * stride + k)
                parts.append(svg.line(center(level, n), y + 9, below, y + step, "#B9C9D4", 0.8))
    for level, name in enumerate(["picture", *(name for name, *_ in layers)]):
        y, here = bottom - level * step, level == depth
        parts.append(svg.text(left - 12, y + 10, name, 12, svg.INK if level <= depth else "#AAA", "end", bold=here))
        if level <= depth:
            wide = max(min(unit * min(fields[level][1], 2) - 1.5, 20), 2.5)
            color = VERMILION if here else BLUE if level else GREEN
            places = (center(level, n) - wide / 2 for n in range(counts[level]))
            parts += [svg.box(x, y, wide, 10, color, radius=1.5) for x in places]
            parts.append(svg.text(right, y + 10, fields[level][0], 12, bold=here))
    parts.append(svg.text(right, bottom + 30, "sees (px)", 11, "#444", "middle"))
    return svg.canvas(right + 36, bottom + 36, *parts)


def receptive_fields(image, network: str = "convolutions of 3, with pooling", depth: int = 4):
    """Add layers and watch the part of the picture grow that one neuron sees.

    Parameters
    ----------
    image : array-like
        (H, W, 3), at least 64 pixels high and wide.
    network : str, optional
        A key of `NETWORKS`.
    depth : int, optional
        Layers at first.
    """
    if network not in NETWORKS:
        raise ValueError(f"There is no network {network!r}. Choose from: {', '.join(NETWORKS)}.")
    scene = small(image, 64)
    networks = choice("network", NETWORKS, network, 330)
    depths = slider("layers", 0, len(NETWORKS[network]), depth)
    networks.observe(lambda change: setattr(depths, "max", len(NETWORKS[change["new"]])), names="value")
    explore(
        lambda network, depth: draw_field(scene, network, depth),
        {"network": networks, "depth": depths},
        alt=(
            "Rows of neurons, from the picture's pixels at the bottom to one neuron at the top, with lines to "
            "everything it depends on. Beside it the picture with a square around the pixels that the neuron sees."
        ),
    )


def paths(depths=(1, 3, 8)):
    """On how many paths each pixel reaches one neuron after stacks of convolutions of 3: bars for each depth.

    Parameters
    ----------
    depths : sequence of int
        Numbers of layers.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(depths), figsize=(7.2, 2.9), sharey=True)
    for axis, depth in zip(axes, depths, strict=True):
        ways = np.ones(1)
        for _ in range(depth):
            ways = np.convolve(ways, np.ones(3))
        axis.bar(np.arange(-depth, depth + 1), ways / ways.max(), color=BLUE, width=0.8)
        axis.set_title(f"{depth} layer{'s' * (depth > 1)}: sees {2 * depth + 1}", fontsize=10.5, fontweight="normal")
        axis.set_xlabel("distance (pixels)")
    axes[0].set_ylabel("paths (most = 1)")
    figure.suptitle(
        "The middle of the field has the most paths to the neuron", x=0.02, ha="left", fontweight="bold", fontsize=12
    )
    figure.tight_layout()
    return figure


# ----------------------------------------------------------------------------------------------------------
# LeNet-5
# ----------------------------------------------------------------------------------------------------------


@cache
def _lenet_drawing() -> str:
    layers = [
        ("input", 1, 32, "32 × 32", "#EFEFEF", ""),
        ("C1", 6, 28, "6 × 28 × 28", PALE_BLUE, "conv 5"),
        ("S2", 6, 14, "6 × 14 × 14", PALE_GREEN, "pool 2"),
        ("C3", 16, 10, "16 × 10 × 10", PALE_BLUE, "conv 5"),
        ("S4", 16, 5, "16 × 5 × 5", PALE_GREEN, "pool 2"),
        ("C5", 0, 120, "120", PALE_ORANGE, "dense"),
        ("F6", 0, 84, "84", PALE_ORANGE, "dense"),
        ("output", 0, 10, "10", PALE_ORANGE, "dense"),
    ]
    parts, x, middle, last = [], 8.0, 118.0, 0.0
    for name, maps, side, shape, fill, how in layers:
        if maps:
            scale, shift = 2.6, 4.2 if maps < 10 else 3.2
            wide = side * scale + (maps - 1) * shift
            x = max(x, last + 52 if last else x)
            for n in range(maps):
                y = middle - side * scale / 2 - (maps - 1) * shift / 2 + n * shift
                parts.append(svg.box(x + n * shift, y, side * scale, side * scale, fill, "#555", 0.8))
        else:
            wide, x, tall = 14, last + 52, side * 1.4
            parts.append(svg.box(x, middle - tall / 2, wide, tall, fill, "#555", 0.8))
        if last:
            parts.append(svg.arrow(last + 6, middle, x - 5 if maps < 7 or not maps else x - 4, middle, GRAY, 1.6, 7))
            parts.append(svg.text((last + x) / 2, middle - 9, how, 12.5, "#333", "middle", halo=True))
        parts.append(svg.text(x + wide / 2, 226, name, 15, anchor="middle", bold=True))
        parts.append(svg.text(x + wide / 2, 245, shape, 13, "#333", "middle"))
        last = x + wide
    return svg.canvas(last + 26, 254, "".join(parts))


def lenet5() -> None:
    """Show LeNet-5 as a row of maps with their shapes."""
    body = _lenet_drawing()
    svg.show(
        svg.frame("LeNet-5: the maps get smaller and more numerous, until only a row of numbers is left", body, 900),
        "LeNet-5 from left to right: input 32 by 32; C1, 6 maps of 28 by 28; S2, 6 of 14 by 14; C3, 16 of 10 by 10; "
        "S4, 16 of 5 by 5; then dense layers C5 with 120, F6 with 84 and the output with 10 units.",
    )


# ----------------------------------------------------------------------------------------------------------
# A network's maps
# ----------------------------------------------------------------------------------------------------------

FIRST_MAPS = ("brighter right", "darker right", "brighter down", "darker down", "more red", "bright")
SECOND_MAPS = ("any edge", "upright edge", "level edge", "red, no edge")


def hand_made_network(classes: int = 5, seed: int = 0) -> dict[str, np.ndarray]:
    """Parameters of a small network for pictures (3, 64, 64): filters chosen by hand, the dense layer at random.

    Returns
    -------
    dict of str to numpy.ndarray
        ``w1`` (6, 3, 3, 3), ``b1`` (6,), ``w2`` (4, 6, 3, 3), ``b2`` (4,), ``w3`` (784, classes), ``b3`` (classes,).
    """
    sobel = np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0]) / 4
    blur = np.full((3, 3), 1 / 9)
    w1 = np.zeros((6, 3, 3, 3))
    for f, kernel in enumerate((sobel, -sobel, sobel.T, -sobel.T)):
        w1[f] = kernel / 3  # the mean of the three channels
    w1[4] = np.array([2.0, -1.5, -0.5])[:, None, None] * blur
    w1[5] = blur / 3
    w2 = np.zeros((4, 6, 3, 3))
    w2[0, :4] = blur
    w2[1, :2], w2[1, 2:4] = blur, -blur
    w2[2, :2], w2[2, 2:4] = -blur, blur
    w2[3, 4], w2[3, :4] = blur, -blur
    rng = np.random.default_rng(seed)
    return {
        "w1": w1,
        "b1": np.array([-0.03, -0.03, -0.03, -0.03, -0.05, -0.3]),
        "w2": w2,
        "b2": np.zeros(4),
        "w3": rng.normal(0, (2 / 784) ** 0.5, (784, classes)),
        "b3": np.zeros(classes),
    }


def network_maps(x: np.ndarray, params: dict) -> dict[str, np.ndarray]:
    """Run the small network and keep what every layer makes.

    Parameters
    ----------
    x : numpy.ndarray
        (N, C, H, W) floats.
    params : dict
        As from `hand_made_network`.

    Returns
    -------
    dict of str to numpy.ndarray
        ``conv 1 + ReLU``, ``pool 1``, ``conv 2 + ReLU``, ``pool 2``, each (N, F, height, width), ``flatten`` (N, D) and
        ``scores`` (N, K).
    """
    one = np.maximum(_convolve(x, params["w1"], params["b1"]), 0)
    pooled = _pool(one, 2)
    two = np.maximum(_convolve(pooled, params["w2"], params["b2"]), 0)
    last = _pool(two, 2)
    flat = last.reshape(len(x), -1)
    return {
        "conv 1 + ReLU": one,
        "pool 1": pooled,
        "conv 2 + ReLU": two,
        "pool 2": last,
        "flatten": flat,
        "scores": flat @ params["w3"] + params["b3"],
    }


def show_maps(x: np.ndarray, maps: dict[str, np.ndarray]) -> None:
    """Draw the first picture of a batch and every map of the small network, layer by layer.

    Parameters
    ----------
    x : numpy.ndarray
        (N, 3, H, W) floats in [0, 1].
    maps : dict
        From `network_maps`.
    """
    side, step, left = 100, 108, 104
    parts = [tile.image(0, 40, 96, 96, x[0].transpose(1, 2, 0)), svg.text(0, 32, "picture", 12, bold=True)]
    parts.append(svg.text(0, 152, " × ".join(map(str, x.shape[1:])), 11, "#444"))
    y = 22
    for name, names in {"conv 1 + ReLU": FIRST_MAPS, "pool 1": (), "conv 2 + ReLU": SECOND_MAPS, "pool 2": ()}.items():
        found = maps[name][0]
        parts.append(svg.text(left, y - 8, f"{name}: {' × '.join(map(str, found.shape))}", 12.5, bold=True))
        for n, values in enumerate(found):
            dark = tile.ink(values, max(float(np.quantile(values, 0.99)), 1e-9))
            parts.append(tile.framed(left + n * step, y, side, dark, below=names[n] if names else ""))
        y += side + (42 if names else 32)
    words = f"flatten: {maps['flatten'].shape[1]} numbers → dense: {maps['scores'].shape[1]} scores"
    parts.append(svg.text(left, y - 4, words, 12.5, bold=True))
    parts.append(svg.text(left, y + 14, ", ".join(map(svg.short, maps["scores"][0])), 12))
    drawing = svg.canvas(left + 6 * step, y + 24, *parts)
    words = "The picture becomes maps of what is where, and the maps become a few scores (dark: strong)"
    svg.show(
        svg.frame(words, drawing, 860),
        "A plate and the maps of a small network. The first layer's six maps show edges by direction, where it is red, "
        "and where it is bright; the second layer's four show any edge, vertical edges, horizontal edges, and red areas "
        "without edges. Each pooling halves the maps.",
    )
