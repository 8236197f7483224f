"""Figures of chapter 03: the sliding window, the kernel lab, output sizes, im2col, and a race.

Numbers in grids are drawn as SVG and photographs as PNG, so that a redraw takes a few milliseconds.
"""

from __future__ import annotations

import base64
import io
import statistics
import time
from collections.abc import Callable

import numpy as np

from introdl.figures import svg
from introdl.figures.interactive import explore, rows_of, stepper
from introdl.figures.style import BLUE, GREEN, GREY, PALETTE, VERMILION

_PALE_BLUE, _PALE_ORANGE, _PALE_GREEN, _PALE_GREY = "#CFE5F4", "#F9DFC0", "#D5EFE5", "#EFEFEF"

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


def _count(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _factor(value: float) -> str:
    """A number as a factor in a product: a negative one stands in brackets."""
    text = svg.short(value)
    return f"({text})" if text.startswith("\N{MINUS SIGN}") else text


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


def _listed(thing: str, places: list[int]) -> str:
    return f"{thing}{'s' if len(places) > 1 else ''} {', '.join(map(str, places))}"


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


def _input_grid(channel, padding, cell, corner, weights, stride):
    """One channel with its border of zeros; the window at ``corner`` shows each pixel with its weight below it."""
    padded = np.pad(channel, padding)
    height, width = padded.shape
    k_height, k_width = weights.shape
    seen_y = _covered(channel.shape[0], k_height, stride, padding)
    seen_x = _covered(channel.shape[1], k_width, stride, padding)
    parts = []
    for y in range(height):
        for x in range(width):
            border = not (padding <= y < height - padding and padding <= x < width - padding)
            fill, small, ink = (_PALE_GREY if border else "#FFFFFF"), "", (GREY if border else svg.INK)
            if corner is not None and 0 <= y - corner[0] < k_height and 0 <= x - corner[1] < k_width:
                fill = "#DCE6EC" if border else _PALE_BLUE
                # Below 34 pixels a second number could not be read; the kernel stands beside the grid anyway.
                small = f"×{svg.short(weights[y - corner[0], x - corner[1]])}" if cell >= 34 else ""
            elif corner is not None and not border and not (seen_y[y] and seen_x[x]):
                fill, ink = "#FBE3DC", VERMILION
            parts.append(
                svg.cell(
                    x * cell + 2,
                    y * cell + 2,
                    cell,
                    svg.short(padded[y, x]),
                    fill,
                    ink=ink,
                    small=small,
                    dashed=border,
                )
            )
    if corner is not None:
        parts.append(
            f'<rect x="{corner[1] * cell + 2}" y="{corner[0] * cell + 2}" width="{k_width * cell}" '
            f'height="{k_height * cell}" fill="none" stroke="{BLUE}" stroke-width="3"/>'
        )
    return svg.canvas(width * cell + 4, height * cell + 4, "".join(parts))


def _kernel_grid(weights, cell, largest):
    """One slice of a kernel, blue where it is positive, orange where it is negative."""
    parts = [
        svg.cell(v * cell + 2, u * cell + 2, cell, svg.short(weights[u, v]), svg.tint(weights[u, v], largest))
        for u in range(weights.shape[0])
        for v in range(weights.shape[1])
    ]
    return svg.canvas(weights.shape[1] * cell + 4, weights.shape[0] * cell + 4, "".join(parts))


def _output_grid(values, cell, here, done):
    """One output map: filled in up to ``done`` cells, the current one framed."""
    parts = []
    for index, value in enumerate(values.reshape(-1)):
        i, j = divmod(index, values.shape[1])
        x, y = j * cell + 2, i * cell + 2
        if index < done:
            current = (i, j) == here
            parts.append(svg.cell(x, y, cell, svg.short(value), _PALE_GREEN, bold=current))
        else:
            parts.append(svg.cell(x, y, cell, "", dashed=True))
    if here is not None:
        parts.append(
            f'<rect x="{here[1] * cell + 2}" y="{here[0] * cell + 2}" width="{cell}" height="{cell}" '
            f'fill="none" stroke="{GREEN}" stroke-width="3"/>'
        )
    return svg.canvas(values.shape[1] * cell + 4, values.shape[0] * cell + 4, "".join(parts))


def _products(window, weights) -> str:
    """The products of one channel, written out, with those that are zero in grey."""
    terms = []
    for pixel, weight in zip(window.reshape(-1), weights.reshape(-1), strict=True):
        colour = GREY if pixel * weight == 0 else svg.INK
        terms.append(f'<span style="color:{colour};white-space:nowrap">{_factor(pixel)}·{_factor(weight)}</span>')
    return " + ".join(terms)


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
    rows = _output_size(height, k_height, stride, padding)
    columns = _output_size(width, k_width, stride, padding)
    cell = 38 if channels == 1 and width + 2 * padding <= 9 else 28
    largest = float(np.abs(kernel).max(initial=0.0))
    names = _channel_names(channels)
    turned = ", flipped" if flip else ""

    if rows == 0 or columns == 0:
        axis, n, k = ("height", height, k_height) if rows == 0 else ("width", width, k_width)
        grids = "".join(
            '<div style="display:flex;gap:14px;align-items:center;margin-bottom:8px">'
            + svg.block(f"input {name}", _input_grid(image[c], padding, cell, None, used[0, c], stride))
            + svg.block(f"kernel {name}", _kernel_grid(used[0, c], cell, largest))
            + "</div>"
            for c, name in enumerate(names)
        )
        return svg.frame(
            "The kernel does not fit",
            f'<p style="color:{VERMILION};margin:0 0 8px"><b>The {axis} is {n} + 2·{padding} = {n + 2 * padding}, '
            f"and the kernel needs {k}. Add padding, or use a smaller kernel.</b></p>{grids}",
        )

    step = min(max(step, 1), filters * rows * columns)
    f, place = divmod(step - 1, rows * columns)
    i, j = divmod(place, columns)
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k_height, k_width), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    output = np.einsum("cijuv,fcuv->fij", windows, used) + bias[:, None, None]
    corner = (i * stride, j * stride)

    blocks, lines, sums = [], [], []
    for c, name in enumerate(names):
        which = f"kernel{turned}" if filters == 1 else f"filter {f}{turned}"
        part = float((windows[c, i, j] * used[f, c]).sum())
        sums.append(part)
        pixels = svg.block(f"input {name}", _input_grid(image[c], padding, cell, corner, used[f, c], stride))
        weights = svg.block(f"{which}{', ' if name else ''}{name}", _kernel_grid(used[f, c], cell, largest))
        if name:  # several channels stand side by side, each with its kernel below it
            blocks.append(
                f'<div style="flex:0 0 auto">{pixels}<div style="display:flex;gap:10px;align-items:center;'
                f'margin-top:4px"><span style="font-size:20px">×</span>{weights}'
                f"<span>= <b>{svg.short(part)}</b></span></div></div>"
            )
        else:
            blocks.append(
                f'<div style="flex:0 0 auto;display:flex;gap:14px;align-items:center">{pixels}'
                f'<span style="font-size:20px">×</span>{weights}</div>'
            )
        lead = f"{name}: " if name else ""
        lines.append(f"<div>{lead}{_products(windows[c, i, j], used[f, c])} = <b>{svg.short(part)}</b></div>")
    maps = "".join(
        '<div style="margin-bottom:8px">'
        + svg.block(
            "output" if filters == 1 else f"output of filter {g}",
            _output_grid(
                output[g],
                cell,
                (i, j) if g == f else None,
                rows * columns if g < f else place + 1 if g == f else 0,
            ),
        )
        + "</div>"
        for g in range(filters)
    )
    total = " + ".join(_factor(s) if n else svg.short(s) for n, s in enumerate(sums))
    result = (
        f'<div style="margin-top:4px;font-size:15px">output[{i}, {j}] = {total} + bias {_factor(bias[f])} = '
        f'<b style="color:#00664B">{svg.short(output[f, i, j])}</b></div>'
    )
    rounded = (height + 2 * padding - k_height) % stride or (width + 2 * padding - k_width) % stride
    missed = [
        _listed(thing, places)
        for thing, places in (
            ("row", _missed(height, k_height, stride, padding)),
            ("column", _missed(width, k_width, stride, padding)),
        )
        if places
    ]
    notes = [
        f"Output: ({height} + 2·{padding} − {k_height}) / {stride} + 1 → {_count(rows, 'row')}, "
        f"({width} + 2·{padding} − {k_width}) / {stride} + 1 → {_count(columns, 'column')}"
        + (", rounded down." if rounded else ".")
    ]
    if padding:
        notes.append("Grey cells with a dashed edge are padding.")
    if missed:
        words = f"No window looks at {' or '.join(missed)} of the input."
        notes.append(f'<span style="color:{VERMILION}">{words}</span>')
    title = (
        "True convolution: the flipped kernel slides, products are added"
        if flip
        else "Cross-correlation: at each place, multiply and add"
    )
    return svg.frame(
        title,
        '<div style="display:flex;flex-wrap:wrap;gap:10px 18px;align-items:flex-start">'
        f"{''.join(blocks)}<div>{maps}</div></div>"
        f'<div style="border-top:1px solid #DDD;padding-top:6px;font-variant-numeric:tabular-nums">'
        f"{''.join(lines)}{result}</div>"
        f'<div style="font-size:12.5px;color:#555;margin-top:6px">{" ".join(notes)}</div>',
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
    import ipywidgets as widgets

    image, kernel, bias = _shapes(image, kernel, bias)

    def places() -> int:
        rows = _output_size(image.shape[1], kernel.shape[2], strides.value, paddings.value)
        columns = _output_size(image.shape[2], kernel.shape[3], strides.value, paddings.value)
        return max(len(kernel) * rows * columns, 1)

    small = {"width": "230px"}
    paddings = widgets.IntSlider(min=0, max=3, value=padding, description="padding", layout=small)
    strides = widgets.IntSlider(min=1, max=4, value=stride, description="stride", layout=small)
    flips = widgets.Checkbox(value=flip, description="flip the kernel", indent=False, layout={"width": "150px"})
    play, steps = stepper(places, step, "step", restarted_by=(paddings, strides))
    explore(
        lambda step, padding, stride, flip: draw_window(image, kernel, bias, step, stride, padding, flip),
        {"step": steps, "padding": paddings, "stride": strides, "flip": flips},
        alt=(
            f"A kernel of {kernel.shape[2]} by {kernel.shape[3]} slides over an input of {image.shape[1]} by "
            f"{image.shape[2]} with {image.shape[0]} channel(s); at each place the products and their sum are "
            f"written out and the output of {len(kernel)} filter(s) fills in, cell by cell."
        ),
        layout=lambda _controls, view: rows_of((play, steps), (paddings, strides, flips), (view,)),
    )


# ----------------------------------------------------------------------------------------------------------
# The kernel lab
# ----------------------------------------------------------------------------------------------------------


def grey(image) -> np.ndarray:
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
    for u, row in enumerate(kernel):
        for v, weight in enumerate(row):
            if weight:
                total += weight * values[u : u + height, v : v + width]
    return total


def _png(values: np.ndarray, low: float, high: float, alt: str, size: int = 250) -> str:
    """Grey values between ``low`` (black) and ``high`` (white) as an HTML image."""
    from PIL import Image

    levels = np.clip((values - low) / (high - low), 0, 1) * 255
    buffer = io.BytesIO()
    Image.fromarray(levels.round().astype(np.uint8)).save(buffer, format="PNG", compress_level=1)
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return (
        f'<img src="data:image/png;base64,{text}" alt="{alt}" width="{size}" height="{size}" '
        'style="image-rendering:pixelated;display:block;max-width:100%;height:auto">'
    )


def _scale(low: str, middle: str, high: str, size: int = 250) -> str:
    """The bar below a picture that says which number is which grey."""
    labels = "".join(f"<span>{label}</span>" for label in (low, middle, high))
    bar = "height:9px;border:1px solid #999;background:linear-gradient(to right,#000,#fff)"
    return (
        f'<div style="width:{size}px;max-width:100%;margin-top:5px"><div style="{bar}"></div>'
        f'<div style="display:flex;justify-content:space-between;font-size:12px">{labels}</div></div>'
    )


def draw_lab(values: np.ndarray, kernel: np.ndarray, normalise: bool, times: int, view: str) -> str:
    """The lab's picture: input, kernel and output side by side, as HTML.

    Parameters
    ----------
    values : numpy.ndarray
        The input, (H, W) in [0, 1].
    kernel : numpy.ndarray
        (3, 3).
    normalise : bool
        Whether the kernel is divided by its sum first, where that is not zero.
    times : int
        How often the kernel is applied, each time to the last output.
    view : {"auto", "picture", "signed"}
        ``"picture"``: 0 is black, 1 is white, the rest is cut off. ``"signed"``: 0 is mid-grey. ``"auto"`` takes the
        first where the kernel's sum is at least one half, else the second.

    Returns
    -------
    str
        HTML.
    """
    total = float(kernel.sum())
    divided = normalise and abs(total) > 1e-9
    used = kernel / total if divided else kernel
    output = values
    for _ in range(times):
        # The edge is repeated, so that input and output stay pixel by pixel side by side.
        output = _correlate3(np.pad(output, 1, mode="edge"), used)
    signed = view == "signed" or (view == "auto" and used.sum() < 0.5)
    if signed:
        # A few strong edges would leave the rest grey, so the strongest hundredth is cut off.
        reach = float(np.quantile(np.abs(output), 0.99)) or 1.0
        low, high, how = -reach, reach, ": zero is mid-grey"
        bar = _scale(f"≤ {svg.short(low)}", "0", f"≥ {svg.short(high)}")
    else:
        low, high, how = 0.0, 1.0, ""
        bar = _scale("≤ 0", "0.5", "≥ 1")
    if normalise and not divided:
        note = "The sum is 0, so there is nothing to divide by."
    elif divided:
        note = f"Divided by its sum, {svg.short(total)}."
    else:
        note = "Used as it stands."
    sum_now = float(used.sum())
    says = (
        "a flat area comes out as 0"
        if abs(sum_now) < 1e-9
        else "a flat area keeps its brightness"
        if abs(sum_now - 1) < 1e-9
        else f"a flat area is multiplied by {svg.short(sum_now)}"
    )
    grid = _kernel_grid(used, 46, float(np.abs(used).max(initial=0.0)))
    twice = "" if times == 1 else f", {times} times"
    body = (
        '<div style="display:flex;flex-wrap:wrap;gap:12px 22px;align-items:flex-start">'
        f"{svg.block('input', _png(values, 0, 1, 'the input picture in grey') + _scale('0', '0.5', '1'))}"
        f"{svg.block(f'output{twice}{how}', _png(output, low, high, 'the filtered picture') + bar)}"
        f'<div style="flex:1 1 150px;min-width:150px;display:flex;flex-wrap:wrap;gap:4px 16px">{svg.block("kernel", grid)}'
        f'<div style="font-size:12.5px;color:#444;width:160px">{note}<br>Sum: {svg.short(sum_now)}; '
        f"{says}.<br>Output values run from {svg.short(float(output.min()))} to {svg.short(float(output.max()))}.</div></div>"
        "</div>"
    )
    return svg.frame("Nine numbers decide what the kernel does to a picture", body)


def kernel_lab(image, preset: str = "blur (binomial)"):
    """Filter a photograph with nine numbers of your own.

    Parameters
    ----------
    image : array-like
        (H, W) or (H, W, 3), uint8 or floats in [0, 1]. It is turned to grey and shrunk to about 128 pixels, so that
        what a 3 x 3 kernel does can be seen.
    preset : str, optional
        A key of `PRESETS`.
    """
    import ipywidgets as widgets
    import traitlets

    if preset not in PRESETS:
        raise ValueError(f"There is no preset {preset!r}. Choose from: {', '.join(PRESETS)}.")
    values = _halve(grey(image))

    class Numbers(traitlets.HasTraits):
        """The nine fields and the tick box as one value, so that a preset redraws once and not ten times."""

        value = traitlets.Tuple()

    def start(name: str) -> tuple:
        return (*(float(v) for row in PRESETS[name][0] for v in row), PRESETS[name][1])

    state = Numbers(value=start(preset))
    fields = [
        widgets.FloatText(
            value=state.value[n], step=0.5, layout={"width": "74px"}, tooltip=f"row {n // 3}, column {n % 3}"
        )
        for n in range(9)
    ]
    normalise = widgets.Checkbox(
        value=state.value[9], description="divide by the sum", indent=False, layout={"width": "170px"}
    )
    presets = widgets.Dropdown(options=[*PRESETS, "my own"], value=preset, description="preset")
    times = widgets.IntSlider(min=1, max=6, value=1, description="apply", layout={"width": "260px"})
    view = widgets.Dropdown(
        options=[("choose for me", "auto"), ("as a picture", "picture"), ("zero is mid-grey", "signed")],
        value="auto",
        description="show",
    )
    filling = [False]

    def typed(change) -> None:
        if filling[0]:
            return
        state.value = (*(field.value for field in fields), normalise.value)
        if change["owner"] is not normalise:
            filling[0] = True
            presets.value = "my own"
            filling[0] = False

    def chosen(change) -> None:
        if filling[0] or change["new"] == "my own":
            return
        filling[0] = True
        *numbers, divide = start(change["new"])
        for field, value in zip(fields, numbers, strict=True):
            field.value = value
        normalise.value = divide
        filling[0] = False
        state.value = (*numbers, divide)

    for widget in (*fields, normalise):
        widget.observe(typed, names="value")
    presets.observe(chosen, names="value")

    def draw(numbers, times, view):
        return draw_lab(values, np.array(numbers[:9], dtype=float).reshape(3, 3), bool(numbers[9]), times, view)

    def layout(_controls, picture):
        nine = widgets.GridBox(fields, layout={"grid_template_columns": "repeat(3, 80px)", "grid_gap": "2px"})
        others = widgets.VBox([presets, view, times, normalise])
        return rows_of((nine, others), (picture,))

    explore(
        draw,
        {"numbers": state, "times": times, "view": view},
        alt=(
            "A photograph in grey, a three by three kernel drawn as a coloured grid, and the photograph after the "
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
    cell = min(30.0, 560 / max(long, kernel))
    places = _output_size(n, kernel, stride, padding)
    covered = _covered(n, kernel, stride, padding)
    parts = []
    for x in range(long):
        border = not padding <= x < long - padding
        missed = places > 0 and not covered[x] and not border
        fill = _PALE_GREY if border else "#F4B8A0" if missed else _PALE_BLUE
        text = "0" if border else str(x - padding)
        parts.append(
            svg.cell(x * cell + 2, 2, cell, text, fill, ink=GREY if border else svg.INK, dashed=border, bold=missed)
        )
    bar, gap = 15, 5
    top = cell + 14
    for i in range(max(places, 1)):
        y = top + i * (bar + gap)
        fits = places > 0
        colour = (BLUE if i % 2 == 0 else GREEN) if fits else VERMILION
        x = i * stride * cell + 2
        parts.append(
            f'<rect x="{x + 1:.1f}" y="{y}" width="{kernel * cell - 2:.1f}" height="{bar}" rx="3" fill="{colour}"/>'
        )
        text = f"output {i}" if kernel * cell > 62 else str(i)
        if fits:
            parts.append(
                f'<text x="{x + kernel * cell / 2:.1f}" y="{y + bar / 2 + 0.5}" font-size="11" fill="#fff" '
                f'text-anchor="middle" dominant-baseline="central">{text}</text>'
            )
    height = top + max(places, 1) * (bar + gap)
    drawing = svg.canvas(max(long, kernel) * cell + 4, height, "".join(parts))
    room = long - kernel
    if places == 0:
        title = f"A kernel of {kernel} does not fit into {n} + 2·{padding} = {long} pixels"
        notes = f'<b style="color:{VERMILION}">Make the padding larger or the kernel smaller.</b>'
    else:
        title = f"{n} pixels, kernel {kernel}, stride {stride}, padding {padding}: {places} output{'s' * (places != 1)}"
        exact = "" if room % stride == 0 else ", rounded down"
        notes = (
            f"({n} + 2·{padding} − {kernel}) / {stride} + 1 = {room} / {stride} + 1 = "
            f"{svg.short(room / stride + 1)}{exact} → <b>{places}</b>."
        )
        missed = _missed(n, kernel, stride, padding)
        if missed:
            words = f"No window looks at {_listed('pixel', missed)}."
            notes += f' <span style="color:{VERMILION}">{words}</span>'
        elif places == n:
            notes += " The output is as long as the input."
    return svg.frame(title, f'{drawing}<div style="margin-top:8px">{notes}</div>', width=640)


def output_sizes(n: int = 10, kernel: int = 3, stride: int = 2, padding: int = 0):
    """See how many windows fit along one axis, and which pixels are left over.

    Parameters
    ----------
    n, kernel, stride, padding : int, optional
        Where the sliders stand at first, in pixels.
    """
    import ipywidgets as widgets

    def slider(name, low, high, value):
        return widgets.IntSlider(min=low, max=high, value=value, description=name, layout={"width": "270px"})

    explore(
        draw_sizes,
        {
            "n": slider("pixels", 1, 16, n),
            "kernel": slider("kernel", 1, 7, kernel),
            "stride": slider("stride", 1, 5, stride),
            "padding": slider("padding", 0, 3, padding),
        },
        alt=(
            "A row of pixels with its padding, and below it one bar for each place of the kernel; pixels that no bar "
            "reaches are coloured."
        ),
    )


# ----------------------------------------------------------------------------------------------------------
# im2col, row by row
# ----------------------------------------------------------------------------------------------------------

_CHANNEL_TINTS = (_PALE_BLUE, _PALE_ORANGE, _PALE_GREEN, "#EAD5E4")


def draw_im2col(image: np.ndarray, kh: int, kw: int, row: int, stride: int, padding: int) -> str:
    """The input on the left and its matrix of windows on the right, with one window and its row marked, as HTML."""
    channels, height, width = image.shape
    rows, columns = _output_size(height, kh, stride, padding), _output_size(width, kw, stride, padding)
    if rows == 0 or columns == 0:
        return svg.frame("The kernel does not fit", "<p>Add padding, or use a smaller kernel.</p>")
    row = min(max(row, 1), rows * columns) - 1
    i, j = divmod(row, columns)
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    cell = 30
    left = []
    for c in range(channels):
        tint = _CHANNEL_TINTS[c % 4]
        parts = []
        for y in range(padded.shape[1]):
            for x in range(padded.shape[2]):
                inside = 0 <= y - i * stride < kh and 0 <= x - j * stride < kw
                border = not (padding <= y < padding + height and padding <= x < padding + width)
                fill = tint if inside else _PALE_GREY if border else "#FFFFFF"
                parts.append(
                    svg.cell(x * cell + 2, y * cell + 2, cell, svg.short(padded[c, y, x]), fill, dashed=border)
                )
        parts.append(
            f'<rect x="{j * stride * cell + 2}" y="{i * stride * cell + 2}" width="{kw * cell}" height="{kh * cell}" '
            f'fill="none" stroke="{svg.INK}" stroke-width="2.5"/>'
        )
        drawing = svg.canvas(padded.shape[2] * cell + 4, padded.shape[1] * cell + 4, "".join(parts))
        left.append(f'<div style="margin-bottom:8px">{svg.block(f"x[0, {c}]", drawing)}</div>')

    head, side = 46, 62
    parts = []
    wide = channels * kh * kw
    for k in range(wide):
        c, rest = divmod(k, kh * kw)
        u, v = divmod(rest, kw)
        for line, (name, value) in enumerate((("c", c), ("u", u), ("v", v))):
            parts.append(
                f'<text x="{side + (k + 0.5) * cell}" y="{9 + 14 * line}" font-size="12" fill="#444" '
                f'text-anchor="middle" dominant-baseline="central">{value}</text>'
            )
            if k == 0:
                parts.append(
                    f'<text x="{side - 8}" y="{9 + 14 * line}" font-size="12" fill="#444" text-anchor="end" '
                    f'dominant-baseline="central" font-style="italic">{name}</text>'
                )
    for r in range(rows * columns):
        a, b = divmod(r, columns)
        parts.append(
            f'<text x="{side - 8}" y="{head + (r + 0.5) * cell}" font-size="12" fill="#444" text-anchor="end" '
            f'dominant-baseline="central">i={a}, j={b}</text>'
        )
        window = padded[:, a * stride : a * stride + kh, b * stride : b * stride + kw].reshape(-1)
        for k, value in enumerate(window):
            fill = _CHANNEL_TINTS[(k // (kh * kw)) % 4] if r == row else "#FFFFFF"
            parts.append(svg.cell(side + k * cell, head + r * cell, cell, svg.short(value), fill, bold=r == row))
    parts.append(
        f'<rect x="{side}" y="{head + row * cell}" width="{wide * cell}" height="{cell}" fill="none" stroke="{svg.INK}" '
        'stroke-width="2.5"/>'
    )
    matrix = svg.canvas(side + wide * cell + 4, head + rows * columns * cell + 4, "".join(parts))
    body = (
        '<div style="display:flex;flex-wrap:wrap;gap:10px 30px;align-items:flex-start">'
        f"<div>{''.join(left)}</div>"
        f'<div style="max-width:100%">{svg.label(f"im2col: {rows * columns} rows, {wide} columns")}{matrix}</div></div>'
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
    import ipywidgets as widgets

    image = np.asarray(image, dtype=float)
    if image.ndim != 3:
        raise ValueError(f"The image has shape {image.shape}; give (C, H, W).")

    def places() -> int:
        rows = _output_size(image.shape[1], kh, strides.value, paddings.value)
        return max(rows * _output_size(image.shape[2], kw, strides.value, paddings.value), 1)

    small = {"width": "230px"}
    paddings = widgets.IntSlider(min=0, max=1, value=padding, description="padding", layout=small)
    strides = widgets.IntSlider(min=1, max=3, value=stride, description="stride", layout=small)
    play, steps = stepper(places, 1, "window", restarted_by=(paddings, strides))
    explore(
        lambda row, padding, stride: draw_im2col(image, kh, kw, row, stride, padding),
        {"row": steps, "padding": paddings, "stride": strides},
        alt=(
            f"An input of {image.shape[0]} channels with one {kh} by {kw} window marked, and the im2col matrix in which "
            "that window is one row: its pixels channel by channel, row by row."
        ),
        layout=lambda _controls, view: rows_of((play, steps), (paddings, strides), (view,)),
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
    colours = iter(PALETTE)
    for k, amount in enumerate(f):
        if amount == 0:
            continue
        echo = np.zeros(len(hours))
        echo[k : k + len(g)] = amount * g
        colour = next(colours)
        axes.bar(hours, echo, bottom=below, color=colour, width=0.7, edgecolor="white")
        for n in np.flatnonzero(echo):
            axes.text(
                n, below[n] + echo[n] / 2, svg.short(echo[n]), ha="center", va="center", fontsize=10,
                color="white" if colour == BLUE else "black",
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

    values = _halve(grey(image))
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
    for axis, (panel, title, colours, low, high) in zip(axes.flat, panels, strict=True):
        shown = axis.imshow(panel, cmap=colours, vmin=low, vmax=high)
        axis.set_title(title, fontsize=11, fontweight="normal")
        axis.set_xticks([])
        axis.set_yticks([])
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
        extend = "neither" if panel is values else "max" if low == 0 else "both"
        figure.colorbar(shown, ax=axis, orientation="horizontal", fraction=0.05, pad=0.03, extend=extend)
    figure.suptitle("Two kernels find every outline of the doughnut", x=0.02, ha="left", fontweight="bold")
    figure.tight_layout()
    return figure


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
    """Draw `as_dense`: each of the kernel's weights has one colour, zeros are white.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap

    kernel = np.asarray(kernel, dtype=float)
    count = kernel.size
    matrix = as_dense(np.arange(1, count + 1).reshape(kernel.shape), height, width)
    colours = ["#FFFFFF", *(plt.get_cmap("viridis")(np.linspace(0.1, 0.95, count)))]
    figure, axes = plt.subplots(figsize=(7.2, 3.5))
    axes.imshow(matrix, cmap=ListedColormap(colours), vmin=-0.5, vmax=count + 0.5, aspect="equal")
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
            fontsize=11, color=GREY if missing else svg.INK, style="italic" if missing else "normal",
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
