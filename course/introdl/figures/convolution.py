"""Figures of chapter 03: the sliding window, the kernel lab, output sizes, im2col, and a race.

Numbers in grids are drawn as SVG and photographs as PNG, so that a redraw takes a few milliseconds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from introdl.figures import svg
from introdl.figures.grid import PALE_BLUE, PALE_GRAY, PALE_GREEN, PALE_ORANGE, PALE_RED, cells, grid, ring, tint
from introdl.figures.interactive import choice, explore, rows_of, slider, stepper, stops, tick
from introdl.figures.panel import LogPanel, shades
from introdl.figures.style import BLUE, GRAY, GREEN, PALETTE, VERMILION
from introdl.figures.tile import image, img, row

#: The kernels of the lab, as they stand under cross-correlation, and whether the lab divides them by their sum.
PRESETS: dict[str, tuple[list[list[float]], bool]] = {
    "identity": ([[0, 0, 0], [0, 1, 0], [0, 0, 0]], False),
    "shift left": ([[0, 0, 0], [0, 0, 1], [0, 0, 0]], False),
    "blur (box)": ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], True),
    "blur (binomial)": ([[1, 2, 1], [2, 4, 2], [1, 2, 1]], True),
    "sharpen": ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], False),
    "Sobel x": ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], False),
    "Sobel y": ([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], False),
    "emboss": ([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], False),
    "outline": ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], False),
}


# ----------------------------------------------------------------------------------------------------------
# Small pieces: numbers, cells, frames
# ----------------------------------------------------------------------------------------------------------


def _output_size(n: int, kernel: int, stride: int, padding: int) -> int:
    """Places where a kernel fits along one axis; zero where it does not fit at all."""
    room = n + 2 * padding - kernel
    return room // stride + 1 if room >= 0 else 0


def _covered(n: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    """Which of the ``n + 2 * padding`` pixels along one axis lie under at least one window."""
    covered = np.zeros(n + 2 * padding, dtype=bool)
    for i in range(_output_size(n, kernel, stride, padding)):
        covered[i * stride : i * stride + kernel] = True
    return covered


def _missed(n: int, kernel: int, stride: int, padding: int) -> list[int]:
    """The pixels of the input (not of its border) that no window looks at."""
    return [int(x) for x in np.flatnonzero(~_covered(n, kernel, stride, padding)[padding : padding + n])]


# ----------------------------------------------------------------------------------------------------------
# The sliding window
# ----------------------------------------------------------------------------------------------------------


def _shapes(image, kernel, bias):
    """Bring the caller's arrays to (C, H, W), (F, C, KH, KW) and (F,), or say what does not fit."""
    image, kernel = np.asarray(image, dtype=float), np.asarray(kernel, dtype=float)
    one_channel = image.ndim == 2
    if one_channel:
        image = image[None]
    if image.ndim != 3:
        raise ValueError(f"The image has shape {image.shape}; give (H, W) or (C, H, W).")
    if kernel.ndim == 2:
        kernel = kernel[None, None]
    elif kernel.ndim == 3:
        kernel = kernel[:, None] if one_channel else kernel[None]
    if kernel.ndim != 4:
        raise ValueError(f"The kernel has shape {kernel.shape}; give (KH, KW), (C, KH, KW) or (F, C, KH, KW).")
    if kernel.shape[1] != image.shape[0]:
        raise ValueError(
            f"The image has {image.shape[0]} channel(s), but the kernel has {kernel.shape[1]}. "
            "A kernel needs one slice for each channel."
        )
    bias = np.asarray(bias, dtype=float).reshape(-1)
    if bias.size == 1:
        bias = np.repeat(bias, len(kernel))
    if bias.size != len(kernel):
        raise ValueError(f"There are {len(kernel)} filter(s), but {bias.size} biases. Give one for each filter.")
    return image, kernel, bias


def _channel_names(count: int) -> list[str]:
    return [""] if count == 1 else [f"channel {c}" for c in range(count)]


def _unseen(tail: str = "", **missed: list[int]) -> str:
    """A sentence in red about rows, columns or pixels that no window looks at; nothing where there are none."""
    told = [f"{name}{'s' * (len(at) > 1)} {', '.join(map(str, at))}" for name, at in missed.items() if at]
    return f'<span style="color:{VERMILION}">No window looks at {" or ".join(told)}{tail}.</span>' if told else ""


def _border(i: int, j: int, height: int, width: int, padding: int) -> bool:
    return not (padding <= i < padding + height and padding <= j < padding + width)


def _input_grid(channel, padding, size, corner, weights, stride):
    """One channel with its border of zeros; the window at ``corner`` shows each pixel with its weight below it."""
    (height, width), (k_height, k_width) = channel.shape, weights.shape
    seen = np.outer(_covered(height, k_height, stride, padding), _covered(width, k_width, stride, padding))

    def look(y, x):
        border = _border(y, x, height, width, padding)
        style = {"dashed": border, "fill": PALE_GRAY if border else "#FFFFFF", "ink": GRAY if border else svg.INK}
        if corner is None:
            return style
        u, v = y - corner[0], x - corner[1]
        if 0 <= u < k_height and 0 <= v < k_width:
            # Below 34 pixels a second number could not be read; the kernel stands beside the grid anyway.
            weight = f"×{svg.short(weights[u, v])}" if size >= 34 else ""
            return style | {"fill": "#DCE6EC" if border else PALE_BLUE, "small": weight}
        return style if border or seen[y, x] else style | {"fill": PALE_RED, "ink": VERMILION}

    frame = "" if corner is None else ring(*corner, size, BLUE, k_height, k_width)
    return grid(np.pad(channel, padding), size, look, frame)


def _kernel_grid(weights, size, largest):
    """One slice of a kernel, blue where it is positive, orange where it is negative."""
    return grid(weights, size, lambda u, v: {"fill": tint(weights[u, v], largest)})


def _output_grid(values, size, here, done):
    """One output map: filled in up to ``done`` cells, the current one framed."""

    def look(i, j):
        if i * values.shape[1] + j >= done:
            return {"words": "", "dashed": True}
        return {"fill": PALE_GREEN, "bold": (i, j) == here}

    return grid(values, size, look, "" if here is None else ring(*here, size, GREEN))


def _products(window, weights) -> str:
    """The products of one channel, written out, with those that are zero in gray."""
    terms = []
    for pixel, weight in zip(window.reshape(-1), weights.reshape(-1), strict=True):
        color = GRAY if pixel * weight == 0 else svg.INK
        product = f"{svg.factor(pixel)}·{svg.factor(weight)}"
        terms.append(f'<span style="color:{color};white-space:nowrap">{product}</span>')
    return " + ".join(terms)


def _no_fit(image, kernels, stride, padding, size, largest) -> str:
    """What stands in place of the window where the kernel is larger than the input."""
    axis, n, k = next(
        (name, n, k)
        for name, n, k in zip(("height", "width"), image.shape[1:], kernels.shape[1:], strict=True)
        if not _output_size(n, k, stride, padding)
    )
    grids = "".join(
        '<div style="display:flex;gap:14px;align-items:center;margin-bottom:8px">'
        + svg.block(f"input {name}", _input_grid(channel, padding, size, None, weights, stride))
        + svg.block(f"kernel {name}", _kernel_grid(weights, size, largest))
        + "</div>"
        for name, channel, weights in zip(_channel_names(len(image)), image, kernels, strict=True)
    )
    return svg.frame(
        "The kernel does not fit",
        f'<p style="color:{VERMILION};margin:0 0 8px"><b>The {axis} is {n} + 2·{padding} = {n + 2 * padding}, '
        f"and the kernel needs {k}. Add padding, or use a smaller kernel.</b></p>{grids}",
    )


def _beside(name: str, pixels: str, weights: str, part: float) -> str:
    """A channel and its kernel: side by side, or below each other where there are several channels."""
    times = '<span style="font-size:20px">×</span>'
    if not name:
        return f'<div style="flex:0 0 auto;display:flex;gap:14px;align-items:center">{pixels}{times}{weights}</div>'
    return (
        f'<div style="flex:0 0 auto">{pixels}<div style="display:flex;gap:10px;align-items:center;margin-top:4px">'
        f"{times}{weights}<span>= <b>{svg.short(part)}</b></span></div></div>"
    )


def _size_notes(height, width, k_height, k_width, stride, padding) -> str:
    """The output's size, calculated, and what no window looks at."""
    axes = ((height, k_height, "row"), (width, k_width, "column"))
    sizes = []
    for n, k, name in axes:
        count = _output_size(n, k, stride, padding)
        sizes.append(f"({n} + 2·{padding} − {k}) / {stride} + 1 → {count} {name}{'s' * (count != 1)}")
    rounded = any((n + 2 * padding - k) % stride for n, k, _ in axes)
    dashed = "Gray cells with a dashed edge are padding." if padding else ""
    unseen = _unseen(" of the input", **{name: _missed(n, k, stride, padding) for n, k, name in axes})
    size = f"Output: {', '.join(sizes)}{', rounded down' * rounded}."
    return " ".join(filter(None, (size, dashed, unseen)))


def draw_window(image, kernel, bias, step: int, stride: int, padding: int, flip: bool) -> str:
    """One position of the sliding window, as HTML.

    Parameters
    ----------
    image : numpy.ndarray
        (C, H, W).
    kernel : numpy.ndarray
        (F, C, KH, KW).
    bias : numpy.ndarray
        (F,).
    step : int
        Counts from 1: along a row, then row by row, then filter by filter.
    stride, padding : int
        As in `sliding_window`.
    flip : bool
        Whether each kernel is turned by 180 degrees first (true convolution).

    Returns
    -------
    str
        HTML.
    """
    channels, height, width = image.shape
    filters, _, k_height, k_width = kernel.shape
    used = kernel[:, :, ::-1, ::-1] if flip else kernel
    rows, columns = (_output_size(n, k, stride, padding) for n, k in ((height, k_height), (width, k_width)))
    size = 38 if channels == 1 and width + 2 * padding <= 9 else 28
    largest = float(np.abs(kernel).max(initial=0.0))
    if rows == 0 or columns == 0:
        return _no_fit(image, used[0], stride, padding, size, largest)
    step = min(max(step, 1), filters * rows * columns)
    f, place = divmod(step - 1, rows * columns)
    i, j = divmod(place, columns)
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k_height, k_width), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    output = np.einsum("cijuv,fcuv->fij", windows, used) + bias[:, None, None]

    blocks, lines, sums = [], [], (windows[:, i, j] * used[f]).sum(axis=(1, 2))
    which = ("kernel" if filters == 1 else f"filter {f}") + ", flipped" * flip
    for c, name in enumerate(_channel_names(channels)):
        pixels = _input_grid(image[c], padding, size, (i * stride, j * stride), used[f, c], stride)
        weights = _kernel_grid(used[f, c], size, largest)
        heading = f"{which}, {name}" if name else which
        blocks.append(_beside(name, svg.block(f"input {name}", pixels), svg.block(heading, weights), sums[c]))
        lead = f"{name}: " if name else ""
        lines.append(f"<div>{lead}{_products(windows[c, i, j], used[f, c])} = <b>{svg.short(sums[c])}</b></div>")
    maps = "".join(
        '<div style="margin-bottom:8px">'
        + svg.block(
            "output" if filters == 1 else f"output of filter {g}",
            _output_grid(output[g], size, (i, j) if g == f else None, step - g * rows * columns),
        )
        + "</div>"
        for g in range(filters)
    )
    total = " + ".join(svg.factor(s) if n else svg.short(s) for n, s in enumerate(sums))
    title = (
        "True convolution: the flipped kernel slides, products are added"
        if flip
        else "Cross-correlation: at each place, multiply and add"
    )
    return svg.frame(
        title,
        row(*blocks, f"<div>{maps}</div>", gap="10px 18px")
        + '<div style="border-top:1px solid #DDD;padding-top:6px;font-variant-numeric:tabular-nums">'
        f'{"".join(lines)}<div style="margin-top:4px;font-size:15px">output[{i}, {j}] = {total} + bias '
        f'{svg.factor(bias[f])} = <b style="color:#00664B">{svg.short(output[f, i, j])}</b></div></div>'
        '<div style="font-size:12.5px;color:#555;margin-top:6px">'
        f"{_size_notes(height, width, k_height, k_width, stride, padding)}</div>",
    )


def sliding_window(image, kernel, bias=0.0, stride: int = 1, padding: int = 0, flip: bool = False, step: int = 1):
    """Move a kernel over an image, one place at a time, with every product and the sum written out.

    Parameters
    ----------
    image : array-like
        (H, W), or (C, H, W) for several channels. Up to about 8 x 8 is readable.
    kernel : array-like
        (KH, KW) for one channel; (C, KH, KW) for one filter on C channels; (F, C, KH, KW) for F filters. With an
        image of one channel, (F, KH, KW) is F filters.
    bias : float or array-like, optional
        One number, or one for each filter, (F,).
    stride, padding, flip, step : optional
        Where the controls stand at first.

    Raises
    ------
    ValueError
        Where the shapes do not belong together.
    """
    image, kernel, bias = _shapes(image, kernel, bias)
    controls, play = _moves(image, kernel.shape[2:], stride, padding, (3, 4), "step", step, len(kernel))
    flips = tick("flip the kernel", flip, 150)
    explore(
        lambda step, padding, stride, flip: draw_window(image, kernel, bias, step, stride, padding, flip),
        controls | {"flip": flips},
        alt=(
            f"A kernel of {kernel.shape[2]} by {kernel.shape[3]} slides over an input of {image.shape[1]} by "
            f"{image.shape[2]} with {image.shape[0]} channel(s); at each place the products and their sum are "
            f"written out and the output of {len(kernel)} filter(s) fills in, cell by cell."
        ),
        layout=lambda controls, view: rows_of(
            (play, controls["step"]), (controls["padding"], controls["stride"], flips), (view,)
        ),
    )


# ----------------------------------------------------------------------------------------------------------
# The kernel lab
# ----------------------------------------------------------------------------------------------------------


def _moves(image, kernel, stride, padding, highest, what, step=1, filters=1):
    """Controls for step, padding and stride, and a play button; the steps begin again when the windows change."""
    paddings = slider("padding", 0, highest[0], padding, width=230)
    strides = slider("stride", 1, highest[1], stride, width=230)

    def places() -> int:
        sizes = [
            _output_size(n, k, strides.value, paddings.value) for n, k in zip(image.shape[1:], kernel, strict=True)
        ]
        return max(filters * sizes[0] * sizes[1], 1)

    play, steps = stepper(places, step, what, restarted_by=(paddings, strides))
    return {"step": steps, "padding": paddings, "stride": strides}, play


def gray(image) -> np.ndarray:
    """A picture's brightness as floats (H, W) in [0, 1].

    Parameters
    ----------
    image : array-like
        (H, W) or (H, W, 3), uint8 in 0..255 or floats in [0, 1]. Red, green and blue count 0.299, 0.587 and 0.114
        (ITU-R BT.601).
    """
    image = np.asarray(image)
    values = image / 255.0 if image.dtype == np.uint8 else image.astype(float)
    if values.ndim == 3:
        values = values[..., :3] @ np.array([0.299, 0.587, 0.114])
    return values


def _halve(values: np.ndarray, side: int = 128) -> np.ndarray:
    """Shrink by averaging blocks until the picture is at most ``side`` pixels wide."""
    by = max(1, round(values.shape[1] / side))
    height, width = (size // by * by for size in values.shape)
    return values[:height, :width].reshape(height // by, by, width // by, by).mean(axis=(1, 3))


def _correlate3(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Valid cross-correlation as nine shifted pictures added: quick for a small kernel."""
    height, width = values.shape[0] - kernel.shape[0] + 1, values.shape[1] - kernel.shape[1] + 1
    total = np.zeros((height, width))
    for u, weights in enumerate(kernel):
        for v, weight in enumerate(weights):
            if weight:
                total += weight * values[u : u + height, v : v + width]
    return total


def _scale(low: str, middle: str, high: str, size: int = 250) -> str:
    """The bar below a picture that says which number is which gray."""
    labels = "".join(f"<span>{label}</span>" for label in (low, middle, high))
    bar = "height:9px;border:1px solid #999;background:linear-gradient(to right,#000,#fff)"
    return (
        f'<div style="width:{size}px;max-width:100%;margin-top:5px"><div style="{bar}"></div>'
        f'<div style="display:flex;justify-content:space-between;font-size:12px">{labels}</div></div>'
    )


def _between(values: np.ndarray, low: float, high: float, alt: str) -> str:
    """Gray values between ``low`` (black) and ``high`` (white) as an HTML image."""
    return img((values - low) / (high - low), alt, 250, exact=True, sharp=True)


def draw_lab(values: np.ndarray, kernel: np.ndarray, normalize: bool, times: int, view: str) -> str:
    """The lab's picture: input, kernel and output side by side, as HTML.

    Parameters
    ----------
    values : numpy.ndarray
        The input, (H, W) in [0, 1].
    kernel : numpy.ndarray
        (3, 3).
    normalize : bool
        Whether the kernel is divided by its sum first, where that is not zero.
    times : int
        How often the kernel is applied, each time to the last output.
    view : {"auto", "picture", "signed"}
        ``"picture"``: 0 is black, 1 is white, the rest is cut off. ``"signed"``: 0 is mid-gray. ``"auto"`` takes the
        first where the kernel's sum is at least one half, else the second.

    Returns
    -------
    str
        HTML.
    """
    total = float(kernel.sum())
    divided = normalize and abs(total) > 1e-9
    used = kernel / total if divided else kernel
    output = values
    for _ in range(times):
        # The edge is repeated, so that input and output stay pixel by pixel side by side.
        output = _correlate3(np.pad(output, 1, mode="edge"), used)
    low, high, how, bar = 0.0, 1.0, "", _scale("≤ 0", "0.5", "≥ 1")
    if view == "signed" or (view == "auto" and used.sum() < 0.5):
        # A few strong edges would leave the rest gray, so the strongest hundredth is cut off.
        reach = float(np.quantile(np.abs(output), 0.99)) or 1.0
        low, high, how = -reach, reach, ": zero is mid-gray"
        bar = _scale(f"≤ {svg.short(low)}", "0", f"≥ {svg.short(high)}")
    note = "The sum is 0, so there is nothing to divide by." if normalize else "Used as it stands."
    if divided:
        note = f"Divided by its sum, {svg.short(total)}."
    sum_now = float(used.sum())
    says = f"is multiplied by {svg.short(sum_now)}"
    if abs(sum_now) < 1e-9 or abs(sum_now - 1) < 1e-9:
        says = "keeps its brightness" if sum_now > 0.5 else "comes out as 0"
    kernel_drawn = _kernel_grid(used, 46, float(np.abs(used).max(initial=0.0)))
    twice = "" if times == 1 else f", {times} times"
    words = (
        f'<div style="font-size:12.5px;color:#444;width:160px">{note}<br>Sum: {svg.short(sum_now)}; a flat area {says}.'
        f"<br>Output values run from {svg.short(output.min())} to {svg.short(output.max())}.</div>"
    )
    body = row(
        svg.block("input", _between(values, 0, 1, "the input picture in gray") + _scale("0", "0.5", "1")),
        svg.block(f"output{twice}{how}", _between(output, low, high, "the filtered picture") + bar),
        '<div style="flex:1 1 150px;min-width:150px;display:flex;flex-wrap:wrap;gap:4px 16px">'
        f"{svg.block('kernel', kernel_drawn)}{words}</div>",
        gap="12px 22px",
    )
    return svg.frame("Nine numbers decide what the kernel does to a picture", body)


class _Filling:
    """Nine fields and a tick box that presets fill, as one value, so that a preset redraws once and not ten times.

    Parameters
    ----------
    preset : str
        A key of `PRESETS`, to begin with.
    """

    def __init__(self, preset: str):
        import ipywidgets as widgets
        import traitlets

        first = self._start(preset)
        self.fields = [
            widgets.FloatText(value=v, step=0.5, layout={"width": "74px"}, tooltip=f"row {n // 3}, column {n % 3}")
            for n, v in enumerate(first[:9])
        ]
        self.divide = tick("divide by the sum", first[9], 170)
        self.presets = choice("preset", [*PRESETS, "my own"], preset)
        #: Has the ten values as its own `value`, and can be observed.
        self.state = type("Numbers", (traitlets.HasTraits,), {"value": traitlets.Tuple()})(value=first)
        self._busy = False
        for widget in (*self.fields, self.divide):
            widget.observe(self._typed, names="value")
        self.presets.observe(self._chosen, names="value")

    @staticmethod
    def _start(name: str) -> tuple:
        numbers, divide = PRESETS[name]
        return (*(float(v) for line in numbers for v in line), divide)

    def _typed(self, change) -> None:
        if self._busy:
            return
        self.state.value = tuple(widget.value for widget in (*self.fields, self.divide))
        if change["owner"] is not self.divide:
            self._busy = True
            self.presets.value = "my own"
            self._busy = False

    def _chosen(self, change) -> None:
        if self._busy or change["new"] == "my own":
            return
        self._busy = True
        for widget, value in zip((*self.fields, self.divide), self._start(change["new"]), strict=True):
            widget.value = value
        self._busy = False
        self.state.value = self._start(change["new"])


def kernel_lab(image, preset: str = "blur (binomial)"):
    """Filter a picture with nine numbers of your own.

    Parameters
    ----------
    image : array-like
        (H, W) or (H, W, 3), uint8 or floats in [0, 1]. It is turned to gray and shrunk to about 128 pixels, so that
        what a 3 x 3 kernel does can be seen.
    preset : str, optional
        A key of `PRESETS`.
    """
    import ipywidgets as widgets

    if preset not in PRESETS:
        raise ValueError(f"There is no preset {preset!r}. Choose from: {', '.join(PRESETS)}.")
    values, filling = _halve(gray(image)), _Filling(preset)
    times = slider("apply", 1, 6, 1, width=260)
    view = choice("show", [("choose for me", "auto"), ("as a picture", "picture"), ("zero is mid-gray", "signed")])

    def draw(numbers, times, view):
        return draw_lab(values, np.array(numbers[:9], dtype=float).reshape(3, 3), bool(numbers[9]), times, view)

    def layout(_controls, picture):
        nine = widgets.GridBox(filling.fields, layout={"grid_template_columns": "repeat(3, 80px)", "grid_gap": "2px"})
        return rows_of((nine, widgets.VBox([filling.presets, view, times, filling.divide])), (picture,))

    explore(
        draw,
        {"numbers": filling.state, "times": times, "view": view},
        alt=(
            "A picture in gray, a three by three kernel drawn as a colored grid, and the picture after the "
            "kernel has slid over it, with a scale from black to white."
        ),
        layout=layout,
    )


# ----------------------------------------------------------------------------------------------------------
# Output sizes along one axis
# ----------------------------------------------------------------------------------------------------------


def draw_sizes(n: int, kernel: int, stride: int, padding: int) -> str:
    """All windows along one axis as bars below the pixels, and the pixels which no window reaches, as HTML."""
    long = n + 2 * padding
    size = min(30.0, 560 / max(long, kernel))
    places, unseen = _output_size(n, kernel, stride, padding), _missed(n, kernel, stride, padding)

    def look(_, x):
        if not padding <= x < long - padding:
            return {"words": "0", "fill": PALE_GRAY, "ink": GRAY, "dashed": True}
        missed = places > 0 and x - padding in unseen
        return {"fill": "#F4B8A0" if missed else PALE_BLUE, "bold": missed}

    parts = [cells(np.arange(long)[None] - padding, size, look)]
    thick, step, top = 15, 20, size + 14
    for i in range(max(places, 1)):
        y, x = top + i * step, i * stride * size + 2
        color = VERMILION if not places else GREEN if i % 2 else BLUE
        parts.append(svg.box(x + 1, y, kernel * size - 2, thick, color, radius=3))
        if places:
            words = f"output {i}" if kernel * size > 62 else i
            parts.append(svg.centered(x + kernel * size / 2, y + thick / 2 + 0.5, words, 11, "#fff"))
    drawing = svg.canvas(max(long, kernel) * size + 4, top + max(places, 1) * step, *parts)
    if places:
        title = f"{n} pixels, kernel {kernel}, stride {stride}, padding {padding}: {places} output{'s' * (places != 1)}"
        room = long - kernel
        notes = (
            f"({n} + 2·{padding} − {kernel}) / {stride} + 1 = {room} / {stride} + 1 = "
            f"{svg.short(room / stride + 1)}{', rounded down' * (room % stride > 0)} → <b>{places}</b>."
        )
        longest = " The output is as long as the input." if places == n else ""
        notes += f" {_unseen(pixel=unseen)}" if unseen else longest
    else:
        title = f"A kernel of {kernel} does not fit into {n} + 2·{padding} = {long} pixels"
        notes = f'<b style="color:{VERMILION}">Make the padding larger or the kernel smaller.</b>'
    return svg.frame(title, f'{drawing}<div style="margin-top:8px">{notes}</div>', width=640)


def output_sizes(n: int = 10, kernel: int = 3, stride: int = 2, padding: int = 0):
    """See how many windows fit along one axis, and which pixels are left over.

    Parameters
    ----------
    n, kernel, stride, padding : int, optional
        Where the sliders stand at first, in pixels.
    """
    explore(
        draw_sizes,
        {
            "n": slider("pixels", 1, 16, n, width=270),
            "kernel": slider("kernel", 1, 7, kernel, width=270),
            "stride": slider("stride", 1, 5, stride, width=270),
            "padding": slider("padding", 0, 3, padding, width=270),
        },
        alt=(
            "A row of pixels with its padding, and below it one bar for each place of the kernel; pixels that no bar "
            "reaches are colored."
        ),
    )


# ----------------------------------------------------------------------------------------------------------
# im2col, row by row
# ----------------------------------------------------------------------------------------------------------

_CHANNEL_TINTS = (PALE_BLUE, PALE_ORANGE, PALE_GREEN, "#EAD5E4")


def _window_on(channel, kh, kw, corner, padding, color, size) -> str:
    """A channel with its border of zeros and one window in color."""

    def look(y, x):
        border = _border(y, x, *channel.shape, padding)
        inside = 0 <= y - corner[0] < kh and 0 <= x - corner[1] < kw
        return {"fill": color if inside else PALE_GRAY if border else "#FFFFFF", "dashed": border}

    return grid(np.pad(channel, padding), size, look, ring(*corner, size, svg.INK, kh, kw, 2.5))


def draw_im2col(image: np.ndarray, kh: int, kw: int, row: int, stride: int, padding: int) -> str:
    """The input on the left and its matrix of windows on the right, with one window and its row marked, as HTML."""
    channels, height, width = image.shape
    rows, columns = _output_size(height, kh, stride, padding), _output_size(width, kw, stride, padding)
    if rows == 0 or columns == 0:
        return svg.frame("The kernel does not fit", "<p>Add padding, or use a smaller kernel.</p>")
    row = min(max(row, 1), rows * columns) - 1
    i, j = divmod(row, columns)
    size, head, side = 30, 46, 62
    left = "".join(
        '<div style="margin-bottom:8px">'
        + svg.block(
            f"x[0, {c}]",
            _window_on(channel, kh, kw, (i * stride, j * stride), padding, _CHANNEL_TINTS[c % 4], size),
        )
        + "</div>"
        for c, channel in enumerate(image)
    )
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(1, 2))[:, ::stride, ::stride]
    matrix = windows.transpose(1, 2, 0, 3, 4).reshape(rows * columns, -1)
    wide = matrix.shape[1]
    parts = [
        svg.centered(side - 8, 9 + 14 * line, name, 12, "#444", "end", italic=True) for line, name in enumerate("cuv")
    ]
    for k, places in enumerate(np.ndindex(channels, kh, kw)):
        x = side + (k + 0.5) * size
        parts += [svg.centered(x, 9 + 14 * line, value, 12, "#444") for line, value in enumerate(places)]
    for r, (a, b) in enumerate(np.ndindex(rows, columns)):
        parts.append(svg.centered(side - 8, head + (r + 0.5) * size, f"i={a}, j={b}", 12, "#444", "end"))

    def look(r, k):
        return {"fill": _CHANNEL_TINTS[k // (kh * kw) % 4] if r == row else "#FFFFFF", "bold": r == row}

    parts.append(cells(matrix, size, look, side, head))
    parts.append(ring(row, 0, size, svg.INK, 1, wide, 2.5, side, head))
    drawing = svg.canvas(side + wide * size + 4, head + rows * columns * size + 4, *parts)
    body = (
        '<div style="display:flex;flex-wrap:wrap;gap:10px 30px;align-items:flex-start">'
        f'<div>{left}</div><div style="max-width:100%">'
        f"{svg.label(f'im2col: {rows * columns} rows, {wide} columns')}{drawing}</div></div>"
    )
    return svg.frame(f"Window ({i}, {j}) becomes row {row}: channel by channel, each read like a page", body)


def im2col_rows(image, kh: int, kw: int, stride: int = 1, padding: int = 0):
    """Watch each window of an image become one row of the im2col matrix.

    Parameters
    ----------
    image : array-like
        (C, H, W), small: up to about 3 x 5 x 5.
    kh, kw : int
        Height and width of the kernel.
    stride, padding : int, optional
        As in a convolution.
    """
    image = np.asarray(image, dtype=float)
    if image.ndim != 3:
        raise ValueError(f"The image has shape {image.shape}; give (C, H, W).")
    controls, play = _moves(image, (kh, kw), stride, padding, (1, 3), "window")
    explore(
        lambda step, padding, stride: draw_im2col(image, kh, kw, step, stride, padding),
        controls,
        alt=(
            f"An input of {image.shape[0]} channels with one {kh} by {kw} window marked, and the im2col matrix in "
            "which that window is one row: its pixels channel by channel, row by row."
        ),
        layout=lambda controls, view: rows_of(
            (play, controls["step"]), (controls["padding"], controls["stride"]), (view,)
        ),
    )


# ----------------------------------------------------------------------------------------------------------
# Pictures that stand still
# ----------------------------------------------------------------------------------------------------------


def echoes(f, g, start: int = 8):
    """Stacked bars: what each meal still adds in each hour.

    Parameters
    ----------
    f : array-like
        Energy eaten at each hour, (N,), in kcal.
    g : array-like
        Share that arrives so many hours later, (M,).
    start : int, optional
        The first hour, of the clock.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    f, g = np.asarray(f, dtype=float), np.asarray(g, dtype=float)
    hours = np.arange(len(f) + len(g) - 1)
    figure, axes = plt.subplots(figsize=(7, 3.4))
    below = np.zeros(len(hours))
    colors = iter(PALETTE)
    for k, amount in enumerate(f):
        if amount == 0:
            continue
        echo = np.zeros(len(hours))
        echo[k : k + len(g)] = amount * g
        color = next(colors)
        axes.bar(hours, echo, bottom=below, color=color, width=0.7, edgecolor="white")
        for n in np.flatnonzero(echo):
            axes.text(
                n, below[n] + echo[n] / 2, svg.short(echo[n]), ha="center", va="center", fontsize=10,
                color="white" if color == BLUE else "black",
            )  # fmt: skip
        below += echo
        axes.text(k - 0.35, below[k] + 4, f"{svg.short(amount)} kcal eaten at {start + k}:00", fontsize=10, va="bottom")
    axes.set_xticks(hours, [f"{start + n}:00" for n in hours])
    axes.set_ylabel("energy arriving (kcal)")
    axes.set_xlabel("hour")
    axes.set_ylim(0, below.max() * 1.18)
    axes.grid(axis="x", visible=False)
    axes.set_title("Each meal leaves an echo, and the echoes add up")
    return figure


def edges(image, horizontal, vertical):
    """A picture, its two edge responses and their strength, side by side.

    Parameters
    ----------
    image : array-like
        (H, W) or (H, W, 3).
    horizontal, vertical : array-like
        Kernels, (3, 3), for change to the right and downwards.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    values = _halve(gray(image))
    across = _correlate3(values, np.asarray(horizontal, dtype=float))
    down = _correlate3(values, np.asarray(vertical, dtype=float))
    strength = np.hypot(across, down)
    reach = float(np.quantile(strength, 0.98)) or 1.0  # a few strong edges would leave the rest pale
    figure, axes = plt.subplots(2, 2, figsize=(6.2, 6.6))
    panels = (
        (values, "brightness", "gray", 0, 1),
        (across, "brighter to the right (blue)", "introdl_diverging", -reach, reach),
        (down, "brighter downwards (blue)", "introdl_diverging", -reach, reach),
        (strength, "edge strength", "gray_r", 0, reach),
    )
    for axis, (panel, title, colors, low, high) in zip(axes.flat, panels, strict=True):
        shown = axis.imshow(panel, cmap=colors, vmin=low, vmax=high)
        axis.set_title(title, fontsize=11, fontweight="normal")
        axis.axis("off")
        extend = "neither" if panel is values else "max" if low == 0 else "both"
        figure.colorbar(shown, ax=axis, orientation="horizontal", fraction=0.05, pad=0.03, extend=extend)
    figure.suptitle("Two kernels find every outline of the doughnut", x=0.02, ha="left", fontweight="bold")
    figure.tight_layout()
    return figure


# ----------------------------------------------------------------------------------------------------------
# A kernel that learns
# ----------------------------------------------------------------------------------------------------------

_STEPS = (0, 1, 2, 5, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500)


def half(image) -> np.ndarray:
    """Turn a picture to gray and shrink it to 128 pixels, as the kernel lab does: floats in [0, 1]."""
    return _halve(gray(image))


def _kernels_on_the_way(values: np.ndarray, wanted: np.ndarray, rate: float, seed: int) -> tuple[list, list]:
    """Descend from a random kernel to `wanted`, seeing only its answer: the kernels and the losses at each step."""
    windows = np.lib.stride_tricks.sliding_window_view(values, wanted.shape).reshape(-1, wanted.size)
    pull, target = 2 / len(windows) * windows.T @ windows, wanted.ravel()
    kernel = 0.3 * np.random.default_rng(seed).normal(size=wanted.size)
    kernels, losses = [], []
    for _ in range(_STEPS[-1] + 1):
        off = kernel - target  # the error of the answer is linear in the error of the weights
        kernels.append(kernel.reshape(wanted.shape))
        losses.append(float(off @ pull @ off) / 2)
        kernel = kernel - rate * pull @ off
    return kernels, losses


def draw_learning(values: np.ndarray, wanted: np.ndarray, kernels: list, losses: list, step: int) -> str:
    """Draw a kernel on its way, what it answers, what is wanted, and the loss so far; returns SVG."""
    kernel, size = kernels[step], 44
    target = _correlate3(values, wanted)
    reach = float(np.quantile(np.abs(target), 0.98)) or 1.0
    largest = float(np.abs(wanted).max())
    parts = []
    for place, (words, weights) in enumerate(((f"kernel after step {step}", kernel), ("the hidden kernel", wanted))):
        top = 74 + 200 * place
        parts.append(svg.text(14, top - 10, words, 13, svg.INK, bold=True))
        parts.append(
            cells(
                weights,
                size,
                lambda i, j, weights=weights: {
                    "words": svg.short(weights[i, j]),
                    "fill": tint(float(np.clip(weights[i, j], -largest, largest)), largest),
                },
                14,
                top,
            )
        )
        answer = shades(_correlate3(values, weights) / reach, (213, 94, 0), (0, 114, 178))
        parts.append(
            svg.text(196, top - 10, "its answer" if place == 0 else "the wanted answer", 13, svg.INK, bold=True)
        )
        parts += [image(196, top, 160, 160, answer), svg.box(196, top, 160, 160, "none", "#999")]
    panel = LogPanel(448, 74, 250, 300, (1, _STEPS[-1] + 1), (1e-5, 1), logy=True)
    ticks = [(n + 1, str(n)) for n in (0, 1, 5, 20, 100, 500)]
    powers = [(1.0, "1"), (1e-1, "0.1"), (1e-2, "0.01"), (1e-3, "0.001"), (1e-4, "0.0001")]
    steps, shown = np.arange(1, len(losses) + 1), np.clip(losses, 1e-5, 1)
    parts += [
        panel.axes(ticks, powers, "step (log scale)", "", f"loss: {losses[step]:.5f}", out=56),
        panel.curve(steps, shown, "#C9C9C9", 2),
        panel.curve(steps[: step + 1], shown[: step + 1], BLUE, 3),
        panel.points([step + 1], [shown[step]], 6),
    ]
    return svg.sheet("A kernel finds its own weights from the wanted answers", 720, 450, *parts)


def kernel_learns(values, wanted, rate: float = 1.2, seed: int = 0) -> None:
    """Show how a kernel learns another one's weights from its answer on a picture, step by step.

    Parameters
    ----------
    values : numpy.ndarray
        (H, W), around 0.
    wanted : numpy.ndarray
        (3, 3): the kernel whose answer is given.
    rate : float
        Learning rate.
    seed : int
        Of the kernel at the start.
    """
    values, wanted = np.asarray(values, float), np.asarray(wanted, float)
    kernels, losses = _kernels_on_the_way(values, wanted, rate, seed)
    explore(
        lambda step: draw_learning(values, wanted, kernels, losses, step),
        {"step": stops("step", [(str(n), n) for n in _STEPS], 20, 420)},
        "Above, a kernel's nine weights after some steps of gradient descent, and its answer on a picture; below, the kernel "
        "that made the wanted answer. On the right the loss falls with the steps on logarithmic axes; a slider chooses the step.",
    )


def as_dense(kernel, height: int, width: int) -> np.ndarray:
    """The weight matrix of the dense layer that does what a kernel does (valid, stride 1, one channel).

    Parameters
    ----------
    kernel : array-like
        (KH, KW).
    height, width : int
        Of the input.

    Returns
    -------
    numpy.ndarray
        (OH * OW, H * W): one row for each output, one column for each pixel.
    """
    kernel = np.asarray(kernel, dtype=float)
    rows, columns = height - kernel.shape[0] + 1, width - kernel.shape[1] + 1
    matrix = np.zeros((rows, columns, height, width))
    for i in range(rows):
        for j in range(columns):
            matrix[i, j, i : i + kernel.shape[0], j : j + kernel.shape[1]] = kernel
    return matrix.reshape(rows * columns, height * width)


def dense_matrix(kernel, height: int, width: int):
    """Draw `as_dense`: each of the kernel's weights has one color, zeros are white.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap

    kernel = np.asarray(kernel, dtype=float)
    count = kernel.size
    matrix = as_dense(np.arange(1, count + 1).reshape(kernel.shape), height, width)
    colors = ["#FFFFFF", *(plt.get_cmap("viridis")(np.linspace(0.1, 0.95, count)))]
    figure, axes = plt.subplots(figsize=(7.2, 3.5))
    axes.imshow(matrix, cmap=ListedColormap(colors), vmin=-0.5, vmax=count + 0.5, aspect="equal")
    for r, c in zip(*np.nonzero(matrix), strict=True):
        which = int(matrix[r, c])
        axes.text(c, r, str(which - 1), ha="center", va="center", fontsize=8,
                  color="white" if which <= count * 0.6 else "black")  # fmt: skip
    axes.set_xticks(np.arange(-0.5, matrix.shape[1]), [])
    axes.set_yticks(np.arange(-0.5, matrix.shape[0]), [])
    axes.tick_params(length=0)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(False)
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_xlabel(f"{height * width} pixels of the input, row after row")
    axes.set_ylabel(f"{matrix.shape[0]} outputs")
    full, used = matrix.size, np.count_nonzero(matrix)
    axes.set_title(f"The same layer as a dense one: {full} weights, {used} not zero, {count} different")
    return figure


# ----------------------------------------------------------------------------------------------------------
# The race
# ----------------------------------------------------------------------------------------------------------


def seven_loops(x, w, b, stride: int = 1, padding: int = 0) -> np.ndarray:
    """A convolution layer as plain Python, one multiplication at a time: as slow as it can be, to be raced against.

    The shapes are those of `torch.nn.functional.conv2d`: x (N, C, H, W), w (F, C, KH, KW), b (F,).
    """
    edge = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    pixels, weights, biases = np.pad(x, edge).tolist(), w.tolist(), b.tolist()
    filters, channels, kh, kw = w.shape
    rows, columns = (
        _output_size(x.shape[2], kh, stride, padding),
        _output_size(x.shape[3], kw, stride, padding),
    )
    out = np.zeros((len(x), filters, rows, columns))
    for n in range(len(x)):
        for f in range(filters):
            for i in range(rows):
                for j in range(columns):
                    total = biases[f]
                    for c in range(channels):
                        for u in range(kh):
                            for v in range(kw):
                                total += pixels[n][c][i * stride + u][j * stride + v] * weights[f][c][u][v]
                    out[n, f, i, j] = total
    return out


def race(
    contestants: dict[str, Callable], x, w, b, stride: int, padding: int, repeats: int = 7, threads: int = 1
) -> dict:
    """Time several ways to compute one convolution layer, on the same numbers.

    Each is called once to warm up and to see whether its answer agrees with the last contestant's; then ``repeats``
    times, or until three seconds are used up.

    Parameters
    ----------
    contestants : dict of str to callable
        Each takes ``(x, w, b, stride, padding)``. The last one is taken to be right.
    x, w, b : numpy.ndarray
        (N, C, H, W), (F, C, KH, KW), (F,).
    stride, padding, repeats : int
        As they say.
    threads : int, optional
        How many threads NumPy's matrix products and PyTorch may use; afterwards they have as many as before.

    Returns
    -------
    dict
        For each name the median in seconds, or a sentence why there is none: ``"not written yet"``.
    """
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            right = np.asarray(list(contestants.values())[-1](x, w, b, stride, padding))
            return {
                name: _median(function, (x, w, b, stride, padding), right, repeats)
                for name, function in contestants.items()
            }
    finally:
        torch.set_num_threads(before)


def _median(function: Callable, inputs: tuple, right: np.ndarray, repeats: int) -> float | str:
    """Seconds of a contestant, or a sentence why there are none."""
    x, w, b, *rest = inputs
    times: list[float] = []
    try:
        answer = np.asarray(function(x.copy(), w.copy(), b.copy(), *rest))
        if answer.shape != right.shape or not np.allclose(answer, right, atol=1e-4):
            return "its answer is wrong"
        while len(times) < repeats and sum(times) < 3:
            begin = time.perf_counter()
            function(x, w, b, *rest)
            times.append(time.perf_counter() - begin)
    except NotImplementedError:
        return "not written yet"
    except Exception as problem:  # a learner's unfinished function may raise anything
        return f"raises {type(problem).__name__}"
    return statistics.median(times)


def _duration(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def race_chart(times: dict, title: str):
    """Bars for the result of `race`, on a scale where each line is ten times the last.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 0.62 * len(times) + 1.3))
    known = [value for value in times.values() if not isinstance(value, str)]
    low, high = min(known) / 4, max(known) * 12
    for place, (name, value) in enumerate(times.items()):
        missing = isinstance(value, str)
        if not missing:
            axes.barh(place, value - low, left=low, color=PALETTE[place % len(PALETTE)], height=0.62)
        axes.text(
            low * 1.15 if missing else value * 1.15, place, value if missing else _duration(value), va="center",
            fontsize=11, color=GRAY if missing else svg.INK, style="italic" if missing else "normal",
        )  # fmt: skip
        axes.text(low / 1.15, place, name, ha="right", va="center", fontsize=11)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_yticks([])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("median time for one layer (seconds, logarithmic)")
    axes.set_title(title, x=-0.3)
    return figure


def race_words(times: dict) -> str:
    """The alt text of `race_chart`: each contestant with its time, or why there is none."""
    parts = (f"{name}: {value if isinstance(value, str) else _duration(value)}" for name, value in times.items())
    return f"Horizontal bars with the median time of each way to compute the layer. {'; '.join(parts)}."
