"""Figures of chapter 04: the pooling explorer, receptive fields, the shift test, LeNet-5 and a network's maps.

Numbers in grids and diagrams are drawn as SVG and photographs as PNG, so that a redraw takes a few milliseconds.
"""

from __future__ import annotations

import base64
import io
from functools import cache

import numpy as np

from introdl.figures import svg
from introdl.figures.interactive import explore, rows_of, stepper
from introdl.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION

_PALE_BLUE, _PALE_GREEN, _PALE_ORANGE = "#CFE5F4", "#D5EFE5", "#F9DFC0"

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


def _png_data(values: np.ndarray) -> str:
    """Values in [0, 1], (H, W) or (H, W, 3), as the address of a PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray((np.clip(values, 0, 1) * 255).round().astype(np.uint8)).save(buffer, format="PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _image(x, y, width, height, values) -> str:
    """A picture inside an SVG."""
    return (
        f'<image x="{x}" y="{y}" width="{width}" height="{height}" href="{_png_data(values)}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated"/>'
    )


def _ink(values: np.ndarray, reach: float) -> np.ndarray:
    """A map as a drawing on paper: 0 is white, `reach` and more is black."""
    return 1 - np.clip(values / reach, 0, 1)


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


def _count_windows(words: str, size: int, stride: int) -> int:
    try:
        numbers = read_numbers(words)
    except ValueError:
        return 1
    places = [(n - size) // stride + 1 for n in numbers.shape]
    return max(places[0], 0) * max(places[1], 0) or 1


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
    cell = 46 if max(values.shape) <= 5 else 36
    rows, columns = ((n - size) // stride + 1 for n in values.shape)
    if min(height, width) < size:
        grid = "".join(
            svg.cell(2 + x * cell, 2 + y * cell, cell, svg.short(values[y, x]))
            for y in range(height)
            for x in range(width)
        )
        words = f"A window of {size} by {size} needs {size} rows and columns; here are {height} and {width}."
        body = svg.canvas(width * cell + 4, height * cell + 4, grid)
        words = f'<div style="font-weight:700;color:{VERMILION}">{words}</div>'
        return svg.frame("The window does not fit", body + words, width=700)
    pooled = _pool(values, size, stride, kind)
    i, j = divmod(min(max(window, 1), rows * columns) - 1, columns)
    top, left = i * stride, j * stride
    inside = values[top : top + size, left : left + size]
    u, v = divmod(int(inside.argmax()), size)
    covered = np.zeros(values.shape, dtype=bool)
    for a in range(rows):
        for b in range(columns):
            covered[a * stride : a * stride + size, b * stride : b * stride + size] = True

    parts = []
    for y in range(height):
        for x in range(width):
            here = top <= y < top + size and left <= x < left + size
            wins = kind == "maximum" and (y, x) == (top + u, left + v)
            fill = "#8CCDB5" if wins else _PALE_BLUE if here else "#FFFFFF" if covered[y, x] else "#FBE3DC"
            ink = svg.INK if covered[y, x] else VERMILION
            parts.append(svg.cell(2 + x * cell, 2 + y * cell, cell, svg.short(values[y, x]), fill, ink=ink, bold=wins))
    parts.append(svg.box(2 + left * cell, 2 + top * cell, size * cell, size * cell, "none", BLUE, 3))
    if kind == "maximum":
        middle = (2 + (left + v + 0.5) * cell, 2 + (top + u + 0.5) * cell)
        parts.append(svg.circle(*middle, cell * 0.4, "none", GREEN, 3))
    before = svg.block(f"input, {height} × {width}", svg.canvas(width * cell + 4, height * cell + 4, "".join(parts)))
    parts = []
    for a in range(rows):
        for b in range(columns):
            done = a * columns + b <= i * columns + j
            shown = svg.short(pooled[a, b]) if done else ""
            fill = _PALE_GREEN if done else "#FFFFFF"
            parts.append(
                svg.cell(2 + b * cell, 2 + a * cell, cell, shown, fill, dashed=not done, bold=(a, b) == (i, j))
            )
    parts.append(svg.box(2 + j * cell, 2 + i * cell, cell, cell, "none", GREEN, 3))
    after = svg.block(f"output, {rows} × {columns}", svg.canvas(columns * cell + 4, rows * cell + 4, "".join(parts)))
    listed = [svg.short(value) for value in inside.reshape(-1)]
    if kind == "maximum":
        sum_up = f"the largest of {', '.join(listed)} is <b>{svg.short(pooled[i, j])}</b>"
        title = "Max pooling: the largest number of each window survives"
    else:
        total = svg.short(inside.sum())
        terms = " + ".join(f"({n})" if n[0] == "−" else n for n in listed)
        count = size * size
        sum_up = f"({terms}) / {count} = {total} / {count} = <b>{svg.short(pooled[i, j])}</b>"
        title = "Average pooling: each window becomes its mean"
    kept = f"{height * width} numbers go in, {rows * columns} come{'s' if rows * columns == 1 else ''} out."
    if not covered.all():
        kept += f' <span style="color:{VERMILION}">No window looks at the red ones.</span>'
    body = (
        '<div style="display:flex;flex-wrap:wrap;gap:10px 26px;align-items:center">'
        f'{before}<span style="font-size:24px">→</span>{after}</div>'
        f'<div style="margin-top:8px">output[{i}, {j}]: {sum_up}.<br>{kept}</div>'
    )
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
    controls = {
        "numbers": widgets.Text(
            value=numbers, description="numbers", continuous_update=False, layout={"width": "400px"}
        ),
        "kind": widgets.Dropdown(options=["maximum", "mean"], description="take the", layout={"width": "210px"}),
        "size": widgets.IntSlider(min=1, max=4, value=size, description="size", layout={"width": "240px"}),
        "stride": widgets.IntSlider(min=1, max=4, value=stride, description="stride", layout={"width": "240px"}),
    }
    decide = tuple(controls[name] for name in ("numbers", "size", "stride"))
    play, windows = stepper(lambda: _count_windows(*(one.value for one in decide)), 1, "window", restarted_by=decide)
    explore(
        draw_pooling,
        controls | {"window": windows},
        alt=(
            "A grid of numbers with a window on it, the largest number in the window ringed, and the smaller grid of "
            "outputs. The deck's four by four numbers become 6 8 and 3 4."
        ),
        layout=lambda controls, view: rows_of(
            (controls["numbers"], controls["kind"]), (controls["size"], controls["stride"], play, windows), (view,)
        ),
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
    reach = float(np.quantile(strength, 0.98))
    side, gap = 128, 14
    rows = [("picture", _moved(scene, 0), _moved(scene, shift), None)]
    for name, size, colour in _SHIFTED:
        before, after = (_pool(_moved(strength, s), size) for s in (0, shift))
        rows.append((name, before, after, colour))
    parts = [
        svg.text(0, 30 + side / 2 + 12, "before", 12, "#333"),
        svg.text(0, 30 + side * 1.5 + gap + 12, f"moved by {shift}", 12, "#333"),
        svg.text(0, 30 + side * 2.5 + 2 * gap + 12, "difference", 12, "#333"),
    ]
    for column, (name, before, after, colour) in enumerate(rows):
        x = 76 + column * (side + 12)
        parts.append(svg.text(x, 14, name, 12, bold=True))
        parts.append(svg.text(x, 29, f"{before.shape[0]} × {before.shape[1]}", 11, "#444"))
        drawn = [before, after] if colour is None else [_ink(before, reach), _ink(after, reach)]
        gap_between = np.abs(before - after)
        drawn.append(1 - gap_between.mean(axis=2) * 2 if colour is None else _ink(gap_between, reach))
        for row, values in enumerate(drawn):
            y = 36 + row * (side + gap)
            parts.append(_image(x, y, side, side, values) + svg.box(x, y, side, side, "none", "#999"))
    width, height = 76 + 4 * (side + 12), 36 + 3 * (side + gap)
    pictures = svg.canvas(width, height, "".join(parts))

    panel = svg.Panel(56, 26, 380, 170, (0, _MOST), (0, 0.7))
    parts = [
        panel.axes(range(_MOST + 1), [0, 0.2, 0.4, 0.6], "shift (pixels)", "change of the map", digits=(0, 1), out=40)
    ]
    colours = {name: colour for name, _, colour in _SHIFTED} | {"global mean": PURPLE}
    for name, values in changes.items():
        parts.append(panel.curve(range(_MOST + 1), values, colours[name]))
        parts.append(svg.circle(panel.x(shift), panel.y(values[shift]), 5, colours[name]))
        words = f"{name}: {values[shift]:.3f}"
        parts.append(svg.text(panel.x(_MOST) + 10, panel.y(values[-1]) + 4, words, 12.5, bold=False))
    parts.append(svg.line(panel.x(shift), panel.top, panel.x(shift), panel.top + panel.height, GREY, 1, "3 3"))
    chart = svg.canvas(610, 240, "".join(parts))
    note = "Change: the sum of all differences, divided by the sum of both maps. 0: the same map; 1: nothing in common."
    body = f'{pictures}{chart}<div style="font-size:12.5px;color:#444">{note}</div>'
    return svg.frame("The larger the windows, the less a small shift changes", body, width=700)


def shift_test(image, shift: int = 1):
    """Move the camera by 0 to 8 pixels and compare the edge maps before and after, pooled and not.

    Parameters
    ----------
    image : array-like
        (H, W, 3), at least 128 pixels high and wide.
    shift : int, optional
        Where the slider stands at first.
    """
    import ipywidgets as widgets

    scene, strength, changes = small(image, 128)[1:-1, 1:-1], edge_strength(image), shift_changes(image)
    slider = widgets.IntSlider(min=0, max=_MOST, value=shift, description="shift", layout={"width": "360px"})
    last = {name: values[-1] for name, values in changes.items()}
    explore(
        lambda shift: draw_shift(scene, strength, changes, shift),
        {"shift": slider},
        alt=(
            "The picture and its edge maps before and after a shift, with their differences, and a chart of the change "
            "against the shift. After 8 pixels the change is "
            + ", ".join(f"{value:.2f} for {name}" for name, value in last.items())
            + "."
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
    widest = fields[-1][0]
    counts = [1]  # neurons that the one above depends on, from its own layer down to the picture
    for _, kernel, stride in reversed(layers[:depth]):
        counts.append((counts[-1] - 1) * stride + kernel)
    counts.reverse()

    cell = min(18.0, 290 / widest)
    left, row, top = 128, 31, 10
    bottom = top + len(layers) * row
    shift = left + (widest - size) / 2 * cell

    def centre(level, n):
        seen, step = fields[level]
        return shift + (n * step + (seen - 1) / 2 + 0.5) * cell

    parts = []
    for level in range(1, depth + 1):
        _, kernel, stride = layers[level - 1]
        y, below = bottom - level * row, bottom - (level - 1) * row
        for n in range(counts[level]):
            for k in (0, kernel - 1):
                parts.append(
                    svg.line(centre(level, n), y + 9, centre(level - 1, n * stride + k), below, "#B9C9D4", 0.8)
                )
    for level in range(len(layers) + 1):
        y = bottom - level * row
        name = "picture" if level == 0 else layers[level - 1][0]
        there = level <= depth
        parts.append(svg.text(left - 12, y + 10, name, 12, svg.INK if there else "#AAA", "end", bold=level == depth))
        if there:
            wide = max(min(cell * min(fields[level][1], 2) - 1.5, 20), 2.5)
            for n in range(counts[level]):
                colour = VERMILION if level == depth else BLUE if level else GREEN
                parts.append(svg.box(centre(level, n) - wide / 2, y, wide, 10, colour, radius=1.5))
            parts.append(svg.text(left + widest * cell + 8, y + 10, fields[level][0], 12, bold=level == depth))
    parts.append(svg.text(left + widest * cell + 8, bottom + 30, "sees (px)", 11, "#444", "middle"))
    diagram = svg.canvas(left + widest * cell + 44, bottom + 36, "".join(parts))

    big = 3.5
    low = (64 - size) / 2 * big
    frame_box = svg.box(low + 1, low + 1, size * big, size * big, "none", "#FFFFFF", 5)
    frame_box += svg.box(low + 1, low + 1, size * big, size * big, "none", VERMILION, 2.5)
    photo = svg.canvas(64 * big + 2, 64 * big + 2, _image(1, 1, 64 * big, 64 * big, scene), frame_box)
    share = size * size / (64 * 64)
    if depth == 0:
        sum_up = "With no layer at all, a neuron is a pixel: it sees itself. Neighbours lie 1 pixel apart."
    else:
        _, kernel, _ = layers[depth - 1]
        before, step = fields[depth - 1]
        sum_up = (
            f"Layer {depth}: {before} + ({kernel} − 1) · {step} = <b>{size} pixels</b>. Its neighbours lie "
            f"{jump} pixel{'s' * (jump > 1)} apart. On a picture of 64 × 64 it sees {share:.1%} of the pixels."
        )
    body = (
        '<div style="display:flex;flex-wrap:wrap;gap:8px 22px;align-items:flex-end">'
        f"{svg.block('along one axis: the red neuron and all that it depends on', diagram)}"
        f"{svg.block('on the picture, 64 × 64', photo)}</div>"
        f'<div style="margin-top:8px">{sum_up}</div>'
    )
    return svg.frame(f"After {depth} layer{'s' * (depth != 1)}, a neuron sees {size} × {size} pixels", body)


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
    import ipywidgets as widgets

    if network not in NETWORKS:
        raise ValueError(f"There is no network {network!r}. Choose from: {', '.join(NETWORKS)}.")
    scene = small(image, 64)
    choose = widgets.Dropdown(options=list(NETWORKS), value=network, description="network", layout={"width": "330px"})
    slider = widgets.IntSlider(
        min=0, max=len(NETWORKS[network]), value=depth, description="layers", layout={"width": "330px"}
    )

    def fit(change) -> None:
        slider.max = len(NETWORKS[change["new"]])

    choose.observe(fit, names="value")
    explore(
        lambda network, depth: draw_field(scene, network, depth),
        {"network": choose, "depth": slider},
        alt=(
            "Rows of neurons, from the picture's pixels at the bottom to one neuron at the top, with lines to "
            "everything it depends on. Beside it the picture with a square around the pixels that the neuron sees."
        ),
    )


def paths(depths=(1, 3, 8)):
    """From how many ways each pixel reaches one neuron after stacks of convolutions of 3: bars for each depth.

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
    axes[0].set_ylabel("ways, most = 1")
    figure.suptitle("The middle of the field has the most ways in", x=0.02, ha="left", fontweight="bold", fontsize=12)
    figure.tight_layout()
    return figure


# ----------------------------------------------------------------------------------------------------------
# LeNet-5
# ----------------------------------------------------------------------------------------------------------


@cache
def _lenet_drawing() -> str:
    layers = [
        ("input", 1, 32, "32 × 32", "#EFEFEF", ""),
        ("C1", 6, 28, "6 × 28 × 28", _PALE_BLUE, "conv 5"),
        ("S2", 6, 14, "6 × 14 × 14", _PALE_GREEN, "pool 2"),
        ("C3", 16, 10, "16 × 10 × 10", _PALE_BLUE, "conv 5"),
        ("S4", 16, 5, "16 × 5 × 5", _PALE_GREEN, "pool 2"),
        ("C5", 0, 120, "120", _PALE_ORANGE, "dense"),
        ("F6", 0, 84, "84", _PALE_ORANGE, "dense"),
        ("output", 0, 10, "10", _PALE_ORANGE, "dense"),
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
            parts.append(svg.arrow(last + 6, middle, x - 5 if maps < 7 or not maps else x - 4, middle, GREY, 1.6, 7))
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
    side, gap, left = 100, 8, 104
    parts = [_image(0, 40, 96, 96, x[0].transpose(1, 2, 0)), svg.text(0, 32, "picture", 12, bold=True)]
    parts.append(svg.text(0, 152, " × ".join(map(str, x.shape[1:])), 11, "#444"))
    y = 22
    for name, names in (
        ("conv 1 + ReLU", FIRST_MAPS),
        ("pool 1", ()),
        ("conv 2 + ReLU", SECOND_MAPS),
        ("pool 2", ()),
    ):
        found = maps[name][0]
        shape = " × ".join(map(str, found.shape))
        parts.append(svg.text(left, y - 8, f"{name}: {shape}", 12.5, bold=True))
        for n, values in enumerate(found):
            column = left + n * (side + gap)
            reach = max(float(np.quantile(values, 0.99)), 1e-9)
            parts.append(_image(column, y, side, side, _ink(values, reach)))
            parts.append(svg.box(column, y, side, side, "none", "#999"))
            if names:
                parts.append(svg.text(column + side / 2, y + side + 14, names[n], 11, "#333", "middle"))
        y += side + (42 if names else 32)
    scores = ", ".join(svg.short(score) for score in maps["scores"][0])
    count = maps["flatten"].shape[1]
    parts.append(
        svg.text(left, y - 4, f"flatten: {count} numbers → dense: {maps['scores'].shape[1]} scores", 12.5, bold=True)
    )
    parts.append(svg.text(left, y + 14, scores, 12))
    drawing = svg.canvas(left + 6 * (side + gap), y + 24, "".join(parts))
    words = "A picture goes in, maps of what is where come out, and at the end a few scores (dark: strong)"
    svg.show(
        svg.frame(words, drawing, 860),
        "A plate and the maps of a small network. The first layer's six maps show edges by direction, where it is red, "
        "and where it is bright; the second layer's four show any edge, upright edges, level edges, and red areas "
        "without edges. Each pooling halves the maps.",
    )
