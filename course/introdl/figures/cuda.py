"""Figures of chapter 08: times and their spread, queues, memory layouts, the roofline, machines side by side."""

from __future__ import annotations

import math
import statistics

import numpy as np

from introdl import benchmark
from introdl.figures import interactive, svg
from introdl.figures.grid import mix
from introdl.figures.interactive import explore
from introdl.figures.panel import LogPanel, Panel
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, SKY, VERMILION

_WORD_ORANGE, _WORD_GREEN = "#8A5F00", "#00654A"


def seconds(value: float) -> str:
    """A time in the unit that suits it: ``3.2 ms``."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def rate(value: float, unit: str = "FLOP/s") -> str:
    """A rate with its thousands named: ``67 TFLOP/s``."""
    for size, letter in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if value >= size:
            return f"{value / size:.3g} {letter}{unit}"
    return f"{value:.3g} {unit}"


def _decades(low: float, high: float, words) -> list[tuple[float, str]]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [(10.0**k, words(10.0**k)) for k in range(first, last + 1)]


# --- times and their spread ---------------------------------------------------------------------------------------


def spread(times, warmup: int, what: str) -> None:
    """Draw the times of calls in their order, with the median and the mean of those after the warm-up.

    Parameters
    ----------
    times : sequence of float
        Seconds of each call, the first first.
    warmup : int
        How many of the first calls are the warm-up.
    what : str
        What was timed.
    """
    times = np.asarray(times, float)
    kept = times[warmup:]
    median, mean = float(np.median(kept)), float(kept.mean())
    low, high = times.min() / 1.3, times.max() * 1.5
    panel = LogPanel(84, 62, 600, 236, (0, len(times) + 1), (low, high), logx=False)
    ticks = [(m * 10.0**k, seconds(m * 10.0**k)) for k in range(-9, 3) for m in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= tick[0] <= high]
    parts = [
        svg.subtitle(
            f"after the warm-up: median {seconds(median)}, fastest {seconds(kept.min())}, slowest {seconds(kept.max())}, "
            f"mean {seconds(mean)}"
        ),
        svg.box(panel.left, panel.top, float(panel.x(warmup + 0.5)) - panel.left, panel.height, "#F3F0E6"),
        panel.axes(
            [(n, str(n)) for n in range(1, len(times) + 1, max(1, len(times) // 12))],
            ticks[:: max(1, len(ticks) // 7)],
            "number of the call",
            "time of the call",
            out=68,
        ),
        svg.text(panel.left + 4, panel.top + 14, "warm-up", 12, _WORD_ORANGE, bold=True),
        panel.curve([warmup + 0.5, len(times) + 1], [median, median], BLUE, 2),
        panel.curve([warmup + 0.5, len(times) + 1], [mean, mean], VERMILION, 2, "6 4"),
    ]
    for n, value in enumerate(times, start=1):
        parts.append(svg.circle(panel.x(n), panel.y(value), 4.5, ORANGE if n <= warmup else BLACK))
    for value, other, name, ink in ((median, mean, "median", BLUE), (mean, median, "mean", "#A84300")):
        y = float(panel.y(value)) + (-7 if value > other else 17)
        parts.append(svg.text(panel.right - 4, y, name, 12.5, ink, "end", bold=True, halo=True))
    title = f"{what[:1].upper()}{what[1:]}: the first call took {times[0] / median:.3g} times the median"
    svg.show(
        svg.sheet(title, 720, 346, *parts),
        f"Times of {len(times)} calls of {what}, in their order. The first took {seconds(times[0])}; after the warm-up "
        f"the median is {seconds(median)}, the mean {seconds(mean)}, the slowest {seconds(kept.max())}.",
    )


def thread_choice(found: dict[int, list[float]], n: int, load: float | None) -> None:
    """Draw the times of one matrix product by number of threads, and say which number to choose.

    Parameters
    ----------
    found : dict of int to list of float
        Seconds of every call, as `introdl.benchmark.threads` returns them.
    n : int
        Side of the matrices.
    load : float, optional
        How many processes wanted a core in the last minute.
    """
    medians = {count: statistics.median(times) for count, times in found.items()}
    best = benchmark.best_threads(found)
    everything = [t for times in found.values() for t in times]
    low, high = min(everything) / 1.3, max(everything) * 1.3
    rows = list(found)
    panel = LogPanel(120, 74, 430, 44 * len(rows) + 10, (low, high), (0, 1), logy=False)
    most = rows[-1]
    ratio = medians[most] / medians[best]
    if len(rows) == 1:
        title = "This process may use one core, so there is nothing to choose"
    elif best == most:
        title = f"{best} threads are fastest here: {medians[rows[0]] / medians[best]:.2g} times as fast as one"
    else:
        title = f"{best} thread{'s' * (best > 1)} beat{'s' * (best == 1)} {most}: {most} take {ratio:.2g} times as long"
    busy = f"; {load:.3g} processes wanted a core in the last minute" if load is not None else ""
    ticks = [(m * 10.0**k, seconds(m * 10.0**k)) for k in range(-7, 2) for m in (1, 3)]
    ticks = [tick for tick in ticks if low <= tick[0] <= high]
    parts = [
        svg.subtitle(f"a {n} x {n} matrix product in float32, {benchmark.cores()} cores{busy}"),
        panel.axes(ticks[:: max(1, len(ticks) // 6)], [], "time of a call"),
    ]
    for row, (count, times) in enumerate(found.items()):
        y = panel.top + 28 + 44 * row
        color = BLUE if count == best else GRAY
        parts.append(
            svg.text(panel.left - 10, y + 4, f"{count} thread{'s' * (count > 1)}", 13, BLACK, "end", bold=count == best)
        )
        parts.append(svg.line(panel.x(min(times)), y, panel.x(max(times)), y, color, 1.5))
        parts += [
            svg.circle(panel.x(t), y + 7 * math.sin(2.4 * i), 3, mix(color, 0.5), "none") for i, t in enumerate(times)
        ]
        parts.append(svg.box(float(panel.x(medians[count])) - 2, y - 13, 4, 26, BLACK))
        parts.append(svg.text(panel.right + 10, y + 4, f"median {seconds(medians[count])}", 13))
    svg.show(
        svg.sheet(title, 720, panel.bottom + 46, *parts),
        "Times of a matrix product by number of threads. Medians: "
        + ", ".join(f"{count} threads {seconds(value)}" for count, value in medians.items())
        + f". Fastest: {best}.",
    )


# --- a queue ------------------------------------------------------------------------------------------------------


def queue(launch: float, kernel: float, calls: int) -> tuple[list[float], list[float], float, float]:
    """Work out when a processor hands in calls and when a device works on them.

    Parameters
    ----------
    launch, kernel : float
        What one call costs the processor, and what it costs the device, µs.
    calls : int

    Returns
    -------
    handed, begun : list of float
        When each call has been handed in, and when the device begins with it, µs.
    naive, honest : float
        What the clock says per call without waiting for the device, and with it, µs.
    """
    handed = [launch * (n + 1) for n in range(calls)]
    begun: list[float] = []
    for at in handed:
        begun.append(max(at, begun[-1] + kernel if begun else 0.0))
    return handed, begun, handed[-1] / calls, (begun[-1] + kernel) / calls


def draw_queue(launch: float, kernel: float, calls: int = 4) -> str:
    """The processor's and the device's work on one time axis; see `queue` for the parameters."""
    handed, begun, naive, honest = queue(launch, kernel, calls)
    end = begun[-1] + kernel
    panel = Panel(96, 88, 590, 120, (0, end * 1.02), (0, 1))
    step = next(m * 10**k for k in range(5) for m in (1, 2, 5) if end / (m * 10**k) <= 8)
    bound = "the device sets the pace" if kernel > launch else "launching sets the pace: the device waits"
    parts = [
        svg.subtitle(
            f"{calls} call{'s' * (calls > 1)}: each costs the processor {svg.short(launch)} µs and the GPU {svg.short(kernel)} µs; {bound}"
        )
    ]
    for k in range(int(end / step) + 1):
        parts.append(svg.line(panel.x(k * step), 80, panel.x(k * step), 212, svg.GRID))
        parts.append(svg.text(panel.x(k * step), 228, str(k * step), 12, "#333", "middle"))
    parts += [
        svg.note(panel.left + panel.width / 2, 248, "time (µs), a model, not a measurement", "middle"),
        svg.text(88, 116, "processor", 13, BLACK, "end"),
        svg.text(88, 176, "GPU", 13, BLACK, "end"),
    ]
    for n, (at, start) in enumerate(zip(handed, begun, strict=True), start=1):
        left, right = float(panel.x(at - launch)), float(panel.x(at))
        parts.append(svg.box(left, 94, max(right - left - 1, 1), 34, ORANGE))
        begin, stop = float(panel.x(start)), float(panel.x(start + kernel))
        parts.append(svg.box(begin, 154, max(stop - begin - 1, 1), 34, SKY))
        if stop - begin > 14:
            parts.append(svg.text((begin + stop) / 2, 176, n, 13, BLACK, "middle"))
        if right - left > 14:
            parts.append(svg.text((left + right) / 2, 116, n, 13, BLACK, "middle"))
    for at, words, ink, anchor in (
        (handed[-1], "clock read at once", "#A84300", "start"),
        (end, "after synchronize()", _WORD_GREEN, "end"),
    ):
        parts.append(svg.line(panel.x(at), 74, panel.x(at), 206, ink, 2, "5 4"))
        if anchor == "start" and at > 0.6 * end:
            anchor = "end"
        high = 70 if words.startswith("after") or at < 0.45 * end else 205
        parts.append(
            svg.text(
                float(panel.x(at)) + (4 if anchor == "start" else -4),
                high,
                words,
                12.5,
                ink,
                anchor,
                bold=True,
                halo=True,
            )
        )
    return svg.sheet(
        f"A clock that does not wait says {svg.short(naive, 1)} µs a call; the truth is {svg.short(honest, 1)} µs",
        720,
        262,
        *parts,
    )


def queue_explorer() -> None:
    """Show a model of a GPU's queue: sliders for the cost of a launch, the cost of the work and the number of calls."""

    style = {"description_width": "150px"}
    explore(
        draw_queue,
        {
            "launch": interactive.slider("launch (µs)", 5, 50, 10, 5, 360, style=style),
            "kernel": interactive.slider("work on the GPU (µs)", 5, 200, 60, 5, 360, style=style),
            "calls": interactive.slider("calls", 1, 10, 4, 1, 360, style=style),
        },
        "Two lanes on one time axis: the processor hands in calls, the GPU works through them. Marks show what a clock "
        "says that is read at once, and one that is read after waiting. Sliders set the cost of a launch, of the work, "
        "and the number of calls.",
    )


# --- what a GPU is --------------------------------------------------------------------------------------------------


def gpu() -> None:
    """Show a processor with a few large cores beside a GPU with 132 small processors, and look into one of these."""
    parts = [
        svg.subtitle("left a processor with 8 cores, right the H100's 132 SMs and one of them, enlarged; not to scale")
    ]
    parts.append(svg.text(80, 92, "processor", 13, BLACK, "middle", bold=True))
    for k in range(8):
        x, y = 24 + 58 * (k % 2), 104 + 42 * (k // 2)
        parts += [
            svg.box(x, y, 52, 36, mix(ORANGE, 0.55), ORANGE, 1),
            svg.text(x + 26, y + 23, "core", 12, BLACK, "middle"),
        ]
    parts.append(svg.note(80, 290, "a few threads, each fast", "middle"))
    parts.append(svg.text(304, 92, "GPU: 132 SMs", 13, BLACK, "middle", bold=True))
    for k in range(132):
        x, y = 194 + 18.4 * (k % 12), 104 + 15.2 * (k // 12)
        chosen = k == 71
        parts.append(svg.box(x, y, 15, 12, VERMILION if chosen else mix(SKY, 0.7), BLUE, 0.6))
    parts.append(svg.note(304, 290, "tens of thousands of threads", "middle"))
    right, below = 194 + 18.4 * 11 + 15, 104 + 15.2 * 5 + 6
    parts += [
        svg.line(right, below, 452, 104, VERMILION, 1, "4 3"),
        svg.line(right, below, 452, 272, VERMILION, 1, "4 3"),
    ]
    parts.append(svg.text(576, 92, "one SM: 4 warps at a time", 13, BLACK, "middle", bold=True))
    parts.append(svg.box(452, 104, 250, 168, "#FFFFFF", VERMILION, 1.5))
    for warp in range(4):
        y = 122 + 31 * warp
        parts.append(svg.text(462, y + 9, f"warp {warp + 1}", 11.5, BLACK))
        for thread in range(32):
            parts.append(svg.box(508 + 5.9 * thread, y, 4.6, 12, GREEN))
    parts.append(svg.box(462, 244, 230, 20, mix(PURPLE, 0.4), PURPLE, 0.8))
    parts.append(svg.text(577, 258, "memory that a block shares", 11.5, BLACK, "middle"))
    parts.append(svg.note(577, 290, "32 threads, one instruction", "middle"))
    svg.show(
        svg.sheet("A GPU is many small processors, which move threads in warps of 32", 720, 306, *parts),
        "On the left a processor with 8 large cores. In the middle a GPU as a grid of 132 small squares, its streaming "
        "multiprocessors. On the right one of them, enlarged: four rows of 32 threads, the warps, above a memory that the threads "
        "of a block share.",
    )


# --- strides ------------------------------------------------------------------------------------------------------

_VIEWS = (
    "as it was made",
    "permute to (N, H, W, C)",
    "channels_last",
    "[:, :, ::2]  every second row",
    "flipped: flip(3)",
)


def _viewed(view: str):
    import torch

    x = torch.arange(24).reshape(1, 3, 2, 4)
    if view == _VIEWS[1]:
        return x.permute(0, 2, 3, 1)
    if view == _VIEWS[2]:
        return x.contiguous(memory_format=torch.channels_last)
    if view == _VIEWS[3]:
        return x[:, :, ::2]
    if view == _VIEWS[4]:
        return x.flip(3)
    return x


def draw_memory(view: str, first: int, second: int, third: int) -> str:
    """A tensor's numbers as they lie in memory, and how its strides find one of them."""
    import torch

    x = _viewed(view)
    shape, strides = tuple(x.shape), x.stride()
    place = (0, *(min(i, n - 1) for i, n in zip((first, second, third), shape[1:], strict=True)))
    terms = [f"{i}·{s}" for i, s in zip(place, strides, strict=True)]
    offset = sum(i * s for i, s in zip(place, strides, strict=True))
    memory = torch.as_strided(x, (x.untyped_storage().nbytes() // x.element_size(),), (1,), 0).tolist()
    shared = x.untyped_storage().data_ptr() == x.data_ptr() and view in _VIEWS[:2] + _VIEWS[3:4]
    colors = (BLUE, ORANGE, GREEN)
    names = "NHWC" if view == _VIEWS[1] else "NCHW"
    parts = [
        svg.text(
            14,
            50,
            f"[{', '.join(map(str, place))}] ({', '.join(names)}) lies at {' + '.join(terms)} = {offset}",
            14,
            BLUE,
            bold=True,
        ),
        svg.text(
            14,
            72,
            "same memory, other strides: nothing was copied"
            if shared and view != _VIEWS[0]
            else "24 numbers, written by one color channel after the other"
            if view == _VIEWS[0]
            else "a copy: the numbers lie in another order",
            13,
            "#444",
        ),
    ]
    for at, value in enumerate(memory):
        left, color = 14 + 28.8 * at, colors[value // 8]
        chosen = at == offset
        parts.append(svg.box(left, 96, 28, 34, mix(color, 0.35), BLACK if chosen else "#B5B5B5", 3 if chosen else 1))
        parts.append(svg.text(left + 14, 118, value, 13, BLACK, "middle", bold=chosen))
        parts.append(svg.text(left + 14, 146, at, 11, "#555", "middle"))
    parts.append(svg.note(14, 166, "place in memory. Color of a cell: the channel that the number belongs to"))
    seen = x.permute(0, 3, 1, 2) if view == _VIEWS[1] else x
    channel, row, column = (place[3], place[1], place[2]) if view == _VIEWS[1] else place[1:]
    for c in range(3):
        left = 14 + 232 * c
        parts.append(svg.text(left, 200, ("red", "green", "blue")[c] + f", channel {c}", 12.5, "#333", bold=True))
        for i in range(seen.shape[2]):
            for j in range(seen.shape[3]):
                chosen = (c, i, j) == (channel, row, column)
                parts.append(
                    svg.box(
                        left + 40 * j,
                        210 + 34 * i,
                        39,
                        33,
                        mix(colors[c], 0.35),
                        BLACK if chosen else "#B5B5B5",
                        3 if chosen else 1,
                    )
                )
                parts.append(
                    svg.text(
                        left + 40 * j + 20, 231 + 34 * i, seen[0, c, i, j].item(), 13, BLACK, "middle", bold=chosen
                    )
                )
    return svg.sheet(f"Shape {shape}, strides {strides}: place = sum of index × stride", 720, 290, *parts)


def memory_explorer() -> None:
    """Show one tensor in five views: its numbers in memory, its strides, and the place of one index."""

    def slider(name, most, value):
        return interactive.slider(name, 0, most, value, 1, 230)

    explore(
        draw_memory,
        {
            "view": interactive.choice("view", _VIEWS, _VIEWS[0], 330),
            "first": slider("index 1", 2, 1),
            "second": slider("index 2", 3, 1),
            "third": slider("index 3", 3, 2),
        },
        "24 cells of memory in a row, colored by channel, one of them framed; above, the shape, the strides and the sum "
        "that leads to the framed cell; below, the same numbers as three small pictures. A menu chooses the view, "
        "sliders the index.",
    )


# --- the roofline -------------------------------------------------------------------------------------------------


def flat_size(channels: int, size: int) -> int:
    """What the dense layer is given: all numbers of a small picture, one a channel of a larger one (its average)."""
    return channels * size * size if size <= 8 else channels


def layer_costs(batch: int, channels: int, size: int, itemsize: int = 4) -> dict[str, tuple[float, float]]:
    """Operations and bytes of some layers in a forward pass, each tensor moved once.

    Parameters
    ----------
    batch, channels, size : int
        The input is (batch, channels, size, size); every layer gives as many channels as it is given.
    itemsize : int
        Bytes of a number.

    Returns
    -------
    dict of str to (float, float)
        Operations, bytes. Batch normalization is the one of a trained network: one multiplication and one addition
        for each number.
    """
    numbers = batch * channels * size * size
    flat = flat_size(channels, size)

    def cost(flops, moved):
        return float(flops), float(moved * itemsize)

    return {
        "conv 3x3": cost(2 * numbers * channels * 9, 2 * numbers + 9 * channels**2),
        "conv 1x1": cost(2 * numbers * channels, 2 * numbers + channels**2),
        "dense": cost(2 * batch * flat * channels, batch * (flat + channels) + flat * channels),
        "batch norm": cost(2 * numbers, 2 * numbers + 2 * channels),
        "ReLU": cost(numbers, 2 * numbers),
    }


_LAYER_COLORS = (BLUE, SKY, PURPLE, GREEN, ORANGE)


def _roof(panel, peak, bandwidth, words) -> str:
    """The axes, the upright one with its words, and the roof."""
    low, high = (10.0**v for v in panel.xlim)
    axes = panel.axes(
        _decades(low, high, lambda v: f"{v:g}"),
        _decades(10.0 ** panel.ylim[0], 10.0 ** panel.ylim[1], lambda v: rate(v, "")),
        "arithmetic intensity (FLOP per byte), logarithmic",
        words,
        out=52,
    )
    xs = np.array([low, peak / bandwidth, high])
    return axes + panel.clip(panel.curve(xs, np.minimum(peak, xs * bandwidth), BLACK, 3))


def _roof_panel(peak, bandwidth, lowest=None):
    top = 10.0 ** math.ceil(math.log10(peak * 1.5))
    bottom = 10.0 ** math.floor(math.log10(min(lowest or math.inf, bandwidth * 0.05)))
    return LogPanel(92, 82, 400, 270, (0.05, 3000), (bottom, top))


def draw_roofline(machine: tuple[str, float, float, int, str], batch: int, channels: int, size: int) -> str:
    """Layers on the roof of a machine.

    Parameters
    ----------
    machine : tuple of (str, float, float, int, str)
        Name, peak in operations a second, bandwidth in bytes a second, bytes of a number, and whether it is
        "measured here" or "data sheet".
    batch, channels, size : int
        See `layer_costs`.
    """
    name, peak, bandwidth, itemsize, kind = machine
    ridge = peak / bandwidth
    costs = layer_costs(batch, channels, size, itemsize)
    panel = _roof_panel(peak, bandwidth)
    free = [layer for layer, (flops, moved) in costs.items() if flops / moved >= ridge]
    title = (
        f"{len(free)} of {len(costs)} layers reach{'es' * (len(free) == 1)} the flat roof; the others wait for memory"
        if free
        else "No layer reaches the flat roof: all of them wait for memory"
    )
    parts = [
        svg.subtitle(
            f"{name} ({kind}): peak {rate(peak)}, memory {rate(bandwidth, 'B/s')}, ridge at {ridge:.3g} FLOP/byte"
        ),
        svg.text(
            14,
            65,
            f"input ({batch}, {channels}, {size}, {size}), dense layer {flat_size(channels, size)} to {channels}, {itemsize} bytes a number",
            12.5,
            "#444",
        ),
        _roof(panel, peak, bandwidth, "FLOP/s at most"),
        svg.line(panel.x(ridge), panel.y(peak), panel.x(ridge), panel.bottom, GRAY, 1.2, "4 4"),
        svg.text(float(panel.x(ridge)) + 5, panel.bottom - 8, "ridge", 12, "#555", halo=True),
    ]
    parts += [
        svg.text(512, 96, "layer", 12.5, "#333", bold=True),
        svg.text(706, 96, "least time, and why", 12.5, "#333", "end", bold=True),
    ]
    for row, ((layer, (flops, moved)), color) in enumerate(zip(costs.items(), _LAYER_COLORS, strict=True)):
        intensity = flops / moved
        reach = min(peak, intensity * bandwidth)
        least, bound = flops / reach, "arithmetic" if intensity >= ridge else "memory"
        y = 120 + 46 * row
        parts += [
            svg.circle(panel.x(intensity), panel.y(reach), 7, color, BLACK),
            svg.circle(518, y - 4, 6, color, BLACK),
            svg.text(530, y, layer, 13, BLACK, bold=True),
            svg.text(
                530,
                y + 17,
                f"{intensity:,.0f} FLOP/byte" if intensity >= 100 else f"{intensity:.3g} FLOP/byte",
                12,
                "#444",
            ),
            svg.text(706, y, seconds(least), 13, BLACK, "end"),
            svg.text(706, y + 17, bound, 12, "#A84300" if bound == "memory" else _WORD_GREEN, "end", bold=True),
        ]
    return svg.sheet(title, 720, 402, *parts)


def machines(peak: float, bandwidth: float, name: str) -> dict[str, tuple]:
    """The learner's machine as measured, and what data sheets say of some others, by the words of a menu."""
    found = {f"this machine, measured: {name}": (name, peak, bandwidth, 4, "measured here")}
    for sheet in benchmark.SHEETS:
        for dtype, itemsize in (("float32", 4), ("float16", 2), ("bfloat16", 2)):
            if dtype in sheet.peak and not (dtype == "float16" and "bfloat16" in sheet.peak):
                words = f"theory: {sheet.name}, {dtype}"
                found[words] = (f"{sheet.name}, {dtype}", sheet.peak[dtype], sheet.bandwidth, itemsize, "data sheet")
    return found


def roofline_explorer(peak: float, bandwidth: float, name: str) -> None:
    """Show layers on a roofline that moves with the machine, the batch, the channels and the size.

    Parameters
    ----------
    peak, bandwidth : float
        The learner's machine, as `introdl.benchmark.roof` measures it.
    name : str
        Its name.
    """

    found = machines(peak, bandwidth, name)

    def powers(values, value, words):
        return interactive.stops(words, values, value, 300)

    explore(
        lambda machine, **shape: draw_roofline(found[machine], **shape),
        {
            "machine": interactive.choice("machine", list(found), width=520),
            "batch": powers([1, 2, 4, 8, 16, 32, 64, 128, 256, 1024], 8, "batch"),
            "channels": powers([1, 3, 8, 16, 32, 64, 128, 256, 512], 32, "channels"),
            "size": powers([1, 2, 4, 8, 16, 32, 64, 128], 32, "height = width"),
        },
        "A roofline: attainable operations a second against arithmetic intensity, a slope that ends in a flat roof, with "
        "five layers as points on it and a table of their least times. A menu chooses the machine, sliders the batch, "
        "the channels and the size.",
    )


def roofline_measured(peak: float, bandwidth: float, name: str, rows) -> None:
    """Draw measured layers below the roof of the machine that they were measured on.

    Parameters
    ----------
    peak, bandwidth : float
        As measured.
    name : str
        The machine's name.
    rows : sequence of (str, float, float, float)
        Layer, operations, bytes, and the time, s.
    """
    speeds = [flops / time for _, flops, _, time in rows]
    panel = _roof_panel(peak, bandwidth, min(speeds) / 1.5)
    shares = [(flops / time) / min(peak, flops / moved * bandwidth) for (_, flops, moved, time) in rows]
    best = max(range(len(rows)), key=lambda i: shares[i])
    title = f"The nearest to its roof is {rows[best][0]}, at {shares[best]:.0%} of it"
    if shares[best] > 1.05:
        title = f"{rows[best][0]} is {shares[best]:.2g} times above the roof: its numbers come from the caches"
    parts = [
        svg.subtitle(f"{name}: peak {rate(peak)}, memory {rate(bandwidth, 'B/s')}, both measured here"),
        _roof(panel, peak, bandwidth, "FLOP/s"),
        svg.text(512, 96, "layer, measured", 12.5, "#333", bold=True),
        svg.text(706, 96, "of its roof", 12.5, "#333", "end", bold=True),
    ]
    colors = (BLUE, SKY, PURPLE, GREEN, ORANGE, VERMILION, GRAY)
    for row, ((layer, flops, moved, time), share) in enumerate(zip(rows, shares, strict=True)):
        intensity, y = flops / moved, 120 + 40 * row
        roof = min(peak, intensity * bandwidth)
        parts += [
            svg.line(panel.x(intensity), panel.y(roof), panel.x(intensity), panel.y(flops / time), GRAY, 1.2, "3 3"),
            svg.circle(panel.x(intensity), panel.y(flops / time), 7, colors[row], BLACK),
            svg.circle(518, y - 4, 6, colors[row], BLACK),
            svg.text(530, y, layer, 12.5, BLACK, bold=True),
            svg.text(530, y + 16, f"{rate(flops / time)}, {seconds(time)}", 12, "#444"),
            svg.text(706, y, f"{share:.0%}", 13, BLACK, "end"),
        ]
    told = "; ".join(f"{row[0]} {share:.0%}" for row, share in zip(rows, shares, strict=True))
    svg.show(
        svg.sheet(title, 720, 402, *parts), f"A roofline with measured layers, and how near they come to it: {told}."
    )


# --- batches and machines -----------------------------------------------------------------------------------------


def batches(rows, what: str) -> None:
    """Draw pictures a second against the batch size.

    Parameters
    ----------
    rows : sequence of (int, float, float, float)
        Batch size, and the median, fastest and slowest time of a batch, s.
    what : str
        What was done with each batch.
    """
    sizes = [row[0] for row in rows]
    speed = [n / median for n, median, _, _ in rows]
    low, high = min(n / worst for n, _, _, worst in rows), max(n / fast for n, _, fast, _ in rows)
    panel = LogPanel(84, 62, 600, 220, (min(sizes) / 1.3, max(sizes) * 1.3), (low / 1.3, high * 1.3))
    ticks = [(m * 10.0**k, f"{m * 10.0**k:g}") for k in range(-1, 7) for m in (1, 2, 5)]
    ticks = [tick for tick in ticks if low / 1.3 <= tick[0] <= high * 1.3]
    best = max(range(len(rows)), key=lambda i: speed[i])
    parts = [
        svg.subtitle(f"{what}; the bars go from the slowest to the fastest call"),
        panel.axes(
            [(n, str(n)) for n in sizes], ticks[:: max(1, len(ticks) // 7)], "batch size", "pictures a second", out=52
        ),
        panel.curve(sizes, speed, BLUE, 2.5),
    ]
    for n, median, fastest, slowest in rows:
        parts.append(svg.line(panel.x(n), panel.y(n / slowest), panel.x(n), panel.y(n / fastest), GRAY, 2))
        parts.append(svg.circle(panel.x(n), panel.y(n / median), 5.5, BLUE))
    told = ", ".join(f"{n}: {value:.3g}" for n, value in zip(sizes, speed, strict=True))
    svg.show(
        svg.sheet(
            f"A batch of {sizes[best]} gives {speed[best] / speed[0]:.2g} times the pictures a second of a batch of {sizes[0]}",
            720,
            334,
            *parts,
        ),
        f"Pictures a second by batch size. {what}. {told}.",
    )


def side_by_side(own: tuple[str, float, float], recorded: list[dict]) -> None:
    """Draw measured machines, and below them what data sheets promise of others, on one scale.

    Parameters
    ----------
    own : tuple of (str, float, float)
        The learner's machine: name, largest rate of a float32 matrix product, bandwidth.
    recorded : list of dict
        Records of `introdl.benchmark`.
    """
    rows = [(f"{own[0]}, now", {"float32": own[1]}, own[2], True)]
    for made in recorded:
        peaks = {}
        for row in made["results"]:
            if row["what"] == "matmul" and "median" in row:
                peaks[row["dtype"]] = max(peaks.get(row["dtype"], 0), row["flops"] / row["fastest"])
        moved = benchmark.find(made, "copy within memory")
        rows.append(
            (
                f"{made['device']['name']}, {made['date'][:10]}",
                peaks,
                moved["bytes"] / moved["fastest"] if moved else None,
                True,
            )
        )
    rows += [(sheet.name, sheet.peak, sheet.bandwidth, False) for sheet in benchmark.SHEETS]
    gpus = sum(made["device"]["kind"] == "cuda" for made in recorded)
    title = (
        f"Filled: {len(recorded) + 1} measurements, {gpus} of CUDA; hollow: theory (data sheets)"
        if gpus
        else "No CUDA machine measured so far: hollow marks are theory (data sheets)"
    )
    high = 44 * len(rows)
    left = LogPanel(214, 84, 280, high, (1e9, 3e15), (0, 1), logy=False)
    right = LogPanel(528, 84, 176, high, (1e9, 1e13), (0, 1), logy=False)
    parts = []
    kinds = (("float32", BLUE, "float32"), ("bfloat16", GREEN, "bfloat16"), ("float16", ORANGE, "float16"))
    for number, (_, color, words) in enumerate(kinds):
        parts.append(svg.circle(222 + 96 * number, 50, 6, color, BLACK) + svg.text(234 + 96 * number, 54, words, 12.5))
    parts += [
        svg.text(left.left, 76, "matrix product (FLOP/s)", 12.5, "#333", bold=True),
        svg.text(right.left, 76, "memory (byte/s)", 12.5, "#333", bold=True),
        left.axes(_decades(1e9, 3e15, lambda v: rate(v, "")), [], ""),
        right.axes(_decades(1e9, 1e13, lambda v: rate(v, "")), [], ""),
    ]
    told = []
    for row, (name, peaks, bandwidth, measured) in enumerate(rows):
        y = 84 + 44 * row + 22
        words = name if len(name) <= 26 else name[:25] + "…"
        parts.append(svg.text(204, y - 2, words, 12.5, BLACK, "end", bold=measured))
        parts.append(svg.text(204, y + 13, "measured" if measured else "data sheet", 11, "#555", "end"))
        for dtype, color, _ in kinds:
            if dtype in peaks and not (dtype == "float16" and "bfloat16" in peaks):
                x = float(left.x(max(peaks[dtype], 1e9)))
                parts.append(
                    svg.circle(
                        x, y, 7, color if measured else "#fff", BLACK if measured else color, 1.5 if measured else 3
                    )
                )
        if bandwidth:
            x = float(right.x(bandwidth))
            parts.append(svg.square(x, y, 6, BLACK if measured else "#fff", BLACK, 1.5 if measured else 3))
        told.append(
            f"{name} ({'measured' if measured else 'data sheet'}): "
            + ", ".join(f"{k} {rate(v)}" for k, v in peaks.items())
        )
    svg.show(svg.sheet(title, 720, 84 + high + 34, *parts), f"{title}. " + "; ".join(told) + ".")


def step(model, batch, optimizer, slip: str = "none") -> float:
    """One step of training with cross-entropy, the figures' own; `slip` makes one of three famous mistakes.

    Parameters
    ----------
    model, batch, optimizer
        As everywhere: a module, a pair of images and labels, an optimizer.
    slip : str
        "none", "gradients never zeroed", "softmax before cross_entropy" or "step before backward".
    """
    import torch

    model.train()
    if slip != "gradients never zeroed":
        optimizer.zero_grad()
    out = model(batch[0])
    cost = torch.nn.functional.cross_entropy(
        out.softmax(1) if slip == "softmax before cross_entropy" else out, batch[1]
    )
    if slip == "step before backward":
        optimizer.step()
    cost.backward()
    if slip != "step before backward":
        optimizer.step()
    return cost.item()


def score(model, batches) -> tuple[float, float]:
    """Mean cross-entropy and accuracy over all pictures of all batches, the figures' own."""
    import torch

    model.eval()
    with torch.inference_mode():
        outs = torch.cat([model(images) for images, _ in batches])
    truth = torch.cat([labels for _, labels in batches])
    cost = torch.nn.functional.cross_entropy(outs, truth)
    return cost.item(), (outs.argmax(1) == truth).double().mean().item()


def learning(losses, accuracies) -> None:
    """Draw the loss of every step and the accuracy on the validation set after every epoch.

    Parameters
    ----------
    losses : sequence of float
        Of each training step.
    accuracies : sequence of float
        Before the first epoch and after each.
    """
    losses = np.asarray(losses, float)
    epochs = len(accuracies) - 1
    steps = np.arange(1, len(losses) + 1) / len(losses) * epochs
    top = max(float(losses.max()) * 1.05, 0.1)
    left = Panel(66, 62, 280, 210, (0, epochs), (0, top))
    right = Panel(424, 62, 270, 210, (0, epochs), (0, 1))
    ticks = list(range(0, epochs + 1, max(1, epochs // 5)))
    parts = [
        left.axes(ticks, list(np.arange(0, top, 0.5 if top < 4 else 1.0)), "epoch", "loss of a batch", digits=(0, 1)),
        right.axes(ticks, [0, 0.25, 0.5, 0.75, 1], "epoch", "accuracy, validation", digits=(0, 2)),
        left.clip(left.curve(steps, losses, BLUE, 1.6)),
        right.curve(np.arange(epochs + 1), accuracies, GREEN, 2.5),
    ]
    parts += [svg.circle(right.x(e), right.y(a), 4.5, GREEN) for e, a in enumerate(accuracies)]
    svg.show(
        svg.sheet(
            f"The loss falls, and the accuracy on unseen pictures ends at {accuracies[-1]:.1%}", 720, 322, *parts
        ),
        f"Left: the loss of each of {len(losses)} steps, from {losses[0]:.2f} to {losses[-1]:.2f}. Right: validation "
        f"accuracy after each epoch, from {accuracies[0]:.2f} to {accuracies[-1]:.2f}.",
    )
