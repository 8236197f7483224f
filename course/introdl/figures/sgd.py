"""Figures of chapter 07: going downhill, optimizers that race, noise, schedules, fresh weights, overfitting."""

from __future__ import annotations

from functools import cache

import numpy as np

from introdl.figures import interactive, svg
from introdl.figures.grid import mix
from introdl.figures.interactive import explore, rows_of, stepper
from introdl.figures.panel import Panel
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILION

#: Each optimizer's color, and its shade for words.
_RUNNERS = (("SGD", VERMILION, "#A84300"), ("momentum", BLUE, BLUE), ("Adam", GREEN, "#00654A"))


# --- one weight ---------------------------------------------------------------------------------------------------


def learning_rates(rates=(0.02, 0.3, 0.9, 1.04), steps: int = 12, start: float = -4.0) -> None:
    """Draw gradient descent on f(w) = w² with several learning rates, one panel each.

    Parameters
    ----------
    rates : sequence of 4 floats
    steps : int
    start : float
    """
    parts = []
    words = []
    grid = np.linspace(-7, 7, 141)
    for number, rate in enumerate(rates):
        path = start * (1 - 2 * rate) ** np.arange(steps + 1)
        panel = Panel(46 + 172 * number, 78, 146, 190, (-7, 7), (0, 46))
        end = f"{path[-1]:+.2f}".replace("-", "−").replace("+", "") if abs(path[-1]) >= 0.005 else "0.00"
        words.append(f"rate {rate:g} ends at {end}")
        parts += [
            svg.text(46 + 172 * number, 64, f"rate {rate:g}", 14, bold=True),
            panel.axes(
                [-5, 0, 5], [0, 20, 40] if number == 0 else [], "weight w", "loss w²" if number == 0 else "", out=30
            ),
            panel.clip(panel.curve(grid, grid**2, GRAY, 2), panel.curve(path, path**2, VERMILION, 1.6)),
            "".join(
                svg.circle(panel.x(w), panel.y(w * w), 4 if k else 5.5, BLACK if k == 0 else VERMILION)
                for k, w in enumerate(path)
                if abs(w) < 6.7
            ),
            svg.note(46 + 172 * number, 322, f"step {steps}: w = {end}"),
        ]
    svg.show(
        svg.sheet("One landscape, four learning rates: too slow, right, bouncing, diverging", 740, 334, *parts),
        f"Four parabolas with {steps} steps of gradient descent from w = {start:g}: " + "; ".join(words) + ".",
    )


def draw_ball(rate: float, step: int, start: float = 4.0) -> str:
    """Draw a ball on f(w) = w² after some steps of gradient descent, the slope under it, and its next step; returns SVG.

    Parameters
    ----------
    rate : float
        The learning rate.
    step : int
        How many steps it has taken.
    start : float
        Where it began.
    """
    path = start * (1 - 2 * rate) ** np.arange(step + 2)
    w, following = float(path[step]), float(path[step + 1])
    reach = 1.75 * abs(start)
    slope, move = 2 * w, following - w
    panel = Panel(62, 84, 470, 250, (-reach, reach), (-3, reach**2))
    grid = np.linspace(-reach, reach, 141)
    tangent = w + np.array([-1.4, 1.4]) * reach / 7
    trail = [
        svg.circle(panel.x(old), panel.y(old * old), 4.5, mix(VERMILION, 0.35), "none")
        for old in path[:step]
        if abs(old) <= reach
    ]
    parts = [
        panel.axes([-6, -4, -2, 0, 2, 4, 6], [0, 10, 20, 30, 40], "weight w", "loss w²"),
        panel.clip(
            panel.curve(grid, grid**2, GRAY, 2.5), panel.curve(tangent, w * w + slope * (tangent - w), BLUE, 2, "6 4")
        ),
        *trail,
    ]
    if abs(w) <= reach:
        y = float(panel.y(w * w))
        parts.append(svg.circle(panel.x(w), y, 8, VERMILION))
        if abs(move) > 0.1:
            end = float(np.clip(following, -reach, reach))
            parts.append(svg.arrow(panel.x(w), y, panel.x(end), y, BLACK, 2.4))
    else:
        parts.append(
            svg.text(panel.x(0), panel.top + 24, "the ball has left the picture", 13, "#A84300", "middle", bold=True)
        )
    lines = [
        ("w", svg.short(w), "#A84300"),
        ("slope 2w", svg.short(slope), BLUE),
        ("rate · slope", svg.short(rate * slope), BLACK),
        ("next w", svg.short(following), BLACK),
    ]
    for row, (name, value, ink) in enumerate(lines):
        parts.append(svg.text(560, 116 + 30 * row, name, 13, "#333"))
        parts.append(svg.text(704, 116 + 30 * row, value, 15, ink, "end", bold=True))
    parts.append(svg.text(14, 48, f"rate {rate:g}: each step multiplies w by {svg.short(1 - 2 * rate, 3)}", 13, "#333"))
    title = (
        f"After {step} step{'s' * (step != 1)} the ball is at w = {svg.short(w)}, and the loss is {svg.short(w * w)}"
    )
    return svg.sheet(title, 720, 386, *parts)


def ball(rate: float = 0.25, start: float = 4.0, steps: int = 12) -> None:
    """Show gradient descent on f(w) = w² as a ball on the curve, with a slider for the rate and one for the step.

    Parameters
    ----------
    rate : float
        The learning rate to begin with: one of the slider's.
    start : float
        Where the ball begins.
    steps : int
        How many steps it can take.
    """
    play, slider = stepper(lambda: steps, 0, "step", interval=900, first=0)
    rates = (0.02, 0.1, 0.25, 0.4, 0.5, 0.75, 0.9, 1.0, 1.04)
    controls = {
        "rate": interactive.stops("learning rate", [(f"{r:g}", r) for r in rates], rate, 420),
        "step": slider,
    }
    explore(
        lambda rate, step: draw_ball(rate, step, start),
        controls,
        f"A ball on the parabola w² that starts at w = {start:g}, with the slope under it as a dashed line and its next step as "
        "an arrow. Beside it the numbers of the step. Sliders choose the learning rate and how many steps it has taken.",
        layout=lambda controls, view: rows_of((controls["rate"],), (play, controls["step"]), (view,)),
    )


# --- the race -----------------------------------------------------------------------------------------------------


class Landscape:
    """A function of two weights, with its gradient, where to look, and where the runners start."""

    def __init__(self, name, f, grad, start, xlim, ylim, lowest):
        self.name, self.f, self.grad, self.start = name, f, grad, np.array(start, float)
        self.xlim, self.ylim, self.lowest = xlim, ylim, lowest


def _bumpy(x, y):
    return 0.08 * (x**2 + y**2) + 0.25 * (1 - np.cos(3 * x))


LANDSCAPES = {
    one.name: one
    for one in (
        Landscape(
            "valley",
            lambda x, y: 0.5 * (x**2 + 20 * y**2),
            lambda x, y: np.array([x, 20 * y]),
            (-4.2, 1.2),
            (-5, 3),
            (-2, 2),
            0.0,
        ),
        Landscape(
            "bowl",
            lambda x, y: 0.5 * (x**2 + y**2),
            lambda x, y: np.array([x, y]),
            (-4.0, 2.5),
            (-5, 3),
            (-3.5, 3.5),
            0.0,
        ),
        Landscape(
            "saddle",
            lambda x, y: x**4 / 4 - x**2 / 2 + y**2 + 0.25,
            lambda x, y: np.array([x**3 - x, 2 * y]),
            (-0.02, 1.4),
            (-2, 2),
            (-1.75, 1.75),
            0.0,
        ),
        Landscape(
            "bumps",
            _bumpy,
            lambda x, y: np.array([0.16 * x + 0.75 * np.sin(3 * x), 0.16 * y]),
            (-4.6, 1.6),
            (-5, 3),
            (-3.5, 3.5),
            0.0,
        ),
    )
}


def runs(landscape: str, rate: float, beta: float, noise: float, steps: int) -> dict[str, np.ndarray]:
    """Walk down a landscape with plain SGD, momentum and Adam.

    Parameters
    ----------
    landscape : str
        A name in `LANDSCAPES`.
    rate : float
        The learning rate of all three.
    beta : float
        How much of the velocity momentum keeps; Adam has beta1 = 0.9 and beta2 = 0.999.
    noise : float
        Standard deviation of what is added to each gradient, the same numbers for all three.
    steps : int

    Returns
    -------
    dict of str to numpy.ndarray
        For each, (steps + 1, 2); nan after it has run away.
    """
    scene = LANDSCAPES[landscape]
    shakes = noise * np.random.default_rng(7).standard_normal((steps, 2))
    found = {}
    for name, *_ in _RUNNERS:
        w, v, m, s = scene.start.copy(), np.zeros(2), np.zeros(2), np.zeros(2)
        path = np.full((steps + 1, 2), np.nan)
        path[0] = w
        for t in range(1, steps + 1):
            g = scene.grad(*w) + shakes[t - 1]
            if name == "Adam":
                m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
                w = w - rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
            else:
                v = (beta if name == "momentum" else 0.0) * v + g
                w = w - rate * v
            if not np.abs(w).max() < 1e3:
                break
            path[t] = w
        found[name] = path
    return found


@cache
def _contours(name: str) -> tuple:
    """Lines of equal height: a list of (height's rank from 0 to 1, points)."""
    from contourpy import contour_generator

    scene = LANDSCAPES[name]
    x, y = np.linspace(*scene.xlim, 121), np.linspace(*scene.ylim, 121)
    heights = scene.f(*np.meshgrid(x, y))
    lines = contour_generator(x, y, heights)
    low, high = float(heights.min()), float(heights.max())
    count = 14
    found = []
    for rank in range(count):
        level = low + (high - low) * ((rank + 0.6) / count) ** 2
        found += [(rank / (count - 1), points[::2] if len(points) > 60 else points) for points in lines.lines(level)]
    return tuple(found)


def _mark(name: str, x, y, size=6.0) -> str:
    if name == "SGD":
        return svg.circle(x, y, size, VERMILION)
    if name == "momentum":
        return svg.square(x, y, size - 0.5, BLUE)
    return svg.polygon([(x, y - size - 1), (x + size, y + size - 1), (x - size, y + size - 1)], GREEN, "#fff", 1.5)


def draw_race(landscape: str, rate: float, beta: float, noise: float, step: int, steps: int = 100) -> str:
    """Draw the paths so far on the landscape's contours, and the heights beside them; parameters as for `runs`."""
    scene = LANDSCAPES[landscape]
    paths = runs(landscape, rate, beta, noise, steps)
    panel = Panel(52, 56, 400, 330, scene.xlim, scene.ylim)
    side = Panel(520, 76, 176, 220, (0, steps), (-6, 3))
    ticks = range(int(scene.xlim[0]), int(scene.xlim[1]) + 1)
    parts = [
        panel.clip(
            *(panel.curve(p[:, 0], p[:, 1], mix(PURPLE, 0.75 - 0.5 * rank), 1.1) for rank, p in _contours(landscape))
        ),
        panel.axes(ticks, range(int(scene.ylim[0]), int(scene.ylim[1]) + 1), "weight 1", "weight 2", out=32),
        side.axes([0, steps // 2, steps], [(-6, "10⁻⁶"), (-3, "10⁻³"), (0, "1"), (3, "1000")], "step", ""),
        svg.text(520, 62, "height above the bottom", 12.5, "#333", bold=True),
    ]
    ends = {}
    for name, color, _ in _RUNNERS:
        path = paths[name][: step + 1]
        path = path[np.isfinite(path[:, 0])]
        heights = np.log10(np.maximum(scene.f(*path.T) - scene.lowest, 1e-7))
        ends[name] = float(10 ** heights[-1]) if len(path) == step + 1 else np.inf
        parts += [
            panel.clip(
                panel.curve(path[:, 0], path[:, 1], color, 2.2),
                _mark(name, *map(float, (panel.x(path[-1, 0]), panel.y(path[-1, 1])))),
            ),
            side.clip(side.curve(np.arange(len(path)), heights, color, 2.4)),
        ]
    x, y = float(panel.x(scene.start[0])), float(panel.y(scene.start[1]))
    parts.append(svg.text(x, y - 12, "start", 12.5, BLACK, "middle", bold=True, halo=True))
    for number, (name, _, ink) in enumerate(_RUNNERS):
        height = ends[name]
        told = (
            "ran away"
            if height > 1e5
            else f"{height:.1e}".replace("e-0", "e−").replace("e+0", "e+")
            if height < 0.01
            else svg.fixed(height, 2)
        )
        parts += [
            _mark(name, 528, 346 + 22 * number),
            svg.text(542, 350 + 22 * number, name, 13, ink, bold=True),
            svg.text(700, 350 + 22 * number, told, 13, BLACK, "end"),
        ]
    best = min(ends, key=ends.get)
    lost = [name for name, height in ends.items() if height > 1e5]
    title = f"Step {step}: {best} is lowest" if step and ends[best] < 1e5 else f"Step {step}"
    if lost:
        title += f"; {' and '.join(lost)} ran away"
    return svg.sheet(title, 720, 428, *parts)


def optimizer_race(landscape: str = "valley", rate: float = 0.05, steps: int = 100) -> None:
    """Show SGD, momentum and Adam racing down a landscape of two weights, with sliders for what they depend on.

    Parameters
    ----------
    landscape : str
        Where to begin: "valley", "bowl", "saddle" or "bumps".
    rate : float
        The learning rate to begin with: one of the slider's.
    steps : int
        How many steps there are.
    """

    play, slider = stepper(lambda: steps, 40, "step", interval=120, first=0)
    rates = (0.001, 0.003, 0.01, 0.02, 0.05, 0.09, 0.11, 0.2, 0.5, 1.0)
    controls = {
        "landscape": interactive.buttons("landscape", list(LANDSCAPES), landscape, "80px"),
        "rate": interactive.stops("learning rate", [(f"{r:g}", r) for r in rates], rate, 340),
        "beta": interactive.stops("momentum β", [(f"{b:g}", b) for b in (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)], 0.9, 340),
        "noise": interactive.stops("noise", [("none", 0.0), ("some", 0.5), ("much", 2.0)], 0.0, 340),
        "step": slider,
    }

    def layout(controls, view):
        sliders = (controls["rate"], controls["beta"], controls["noise"])
        return rows_of((controls["landscape"],), sliders, (play, controls["step"]), (view,))

    explore(
        lambda **values: draw_race(steps=steps, **values),
        controls,
        "Contour lines of a landscape of two weights with the paths of SGD, momentum and Adam from the same start, and "
        "beside it their height above the bottom against the step. Controls choose the landscape, the learning rate, "
        "momentum, noise and the step.",
        layout,
    )


# --- lines on axes ------------------------------------------------------------------------------------------------


def _log_ticks(low: int, high: int):
    names = {
        -6: "10⁻⁶",
        -4: "10⁻⁴",
        -3: "0.001",
        -2: "0.01",
        -1: "0.1",
        0: "1",
        1: "10",
        2: "100",
        4: "10⁴",
        6: "10⁶",
        8: "10⁸",
    }
    return [(k, names[k]) for k in names if low <= k <= high]


def noise_chart(sizes, errors) -> None:
    """Draw how far a mini-batch's gradient is from that of all samples, against the batch size, both logarithmic.

    Parameters
    ----------
    sizes : sequence of int
        Batch sizes.
    errors : numpy.ndarray
        (sizes, repeats): the distance, relative to the length of the full gradient.
    """
    sizes, errors = np.asarray(sizes), np.asarray(errors)
    middle = np.sqrt((errors**2).mean(axis=1))
    panel = Panel(70, 62, 560, 250, (-0.3, float(np.log10(sizes[-1])) + 0.4), (-1.5, 1.6))
    rule = middle[0] * np.sqrt(sizes[0] / np.array([1.0, 4000.0]))
    parts = [
        panel.axes(
            [], _log_ticks(-1, 1), "samples in the batch", "distance from the full gradient (1 = its length)", out=46
        ),
        panel.clip(panel.curve([0, np.log10(4000)], np.log10(rule), GRAY, 1.6, "6 5")),
        svg.text(panel.x(0.55), panel.y(float(np.log10(rule[0])) + 0.02), "1 / √size", 13, "#555", halo=True),
    ]
    for size, row, mean in zip(sizes, errors, middle, strict=True):
        x = float(panel.x(np.log10(size)))
        parts.append(svg.text(x, panel.bottom + 16, str(size), 12, "#333", "middle"))
        parts += [svg.circle(x, float(panel.y(np.log10(e))), 3, mix(BLUE, 0.5), "none") for e in row]
        parts.append(svg.circle(x, float(panel.y(np.log10(mean))), 6, BLUE))
        parts.append(
            svg.text(x + 10, float(panel.y(np.log10(mean))) - 8, f"{mean:.2g}", 12.5, BLUE, bold=True, halo=True)
        )
    svg.show(
        svg.sheet("Four times the batch, half the noise", 660, 362, *parts),
        "The distance between a mini-batch's gradient and the full one against the batch size, on logarithmic axes: "
        + ", ".join(
            f"{size} sample{'' if size == 1 else 's'} {mean:.2g}" for size, mean in zip(sizes, middle, strict=True)
        )
        + ". A dashed line falls with one over the root of the size.",
    )


def schedule_chart(schedules: dict[str, np.ndarray]) -> None:
    """Draw learning rates against the step, each with its name beside it.

    Parameters
    ----------
    schedules : dict of str to numpy.ndarray
        Three at most: the rate of every step.
    """
    steps = max(len(rates) for rates in schedules.values())
    top = 1.15 * max(float(np.max(rates)) for rates in schedules.values())
    panel = Panel(84, 56, 456, 220, (0, steps), (0, top))
    parts = [
        panel.axes(
            np.linspace(0, steps, 5),
            [(t, f"{t:.2g}") for t in np.linspace(0, top / 1.15, 3)],
            "step",
            "learning rate",
            out=62,
        )
    ]
    for number, ((name, rates), (color, ink)) in enumerate(
        zip(schedules.items(), ((GRAY, "#555"), (ORANGE, "#8A5F00"), (BLUE, BLUE)), strict=False)
    ):
        parts.append(panel.curve(np.arange(len(rates)), rates, color, 3, ("", "9 4", "")[number]))
        parts.append(svg.line(556, 76 + 26 * number, 580, 76 + 26 * number, color, 3, ("", "9 4", "")[number]))
        parts.append(svg.text(588, 80 + 26 * number, name, 12.5, ink, bold=True))
    svg.show(
        svg.sheet("Warm up, stay high for a while, land softly", 740, 326, *parts),
        "Learning rate against the step for "
        + ", ".join(schedules)
        + ". With warm-up the rate rises in a straight line "
        "first and then falls like half a cosine wave to 0; the steps fall twice, suddenly.",
    )


def signal_chart(spreads: dict[str, np.ndarray]) -> None:
    """Draw the standard deviation of a signal behind every layer, for several initializations.

    Parameters
    ----------
    spreads : dict of str to numpy.ndarray
        At most four: for each initialization the standard deviation behind layers 0 (the input), 1, 2, ...
    """
    layers = max(len(values) for values in spreads.values()) - 1
    panel = Panel(70, 56, 420, 260, (0, layers), (-13, 13))
    parts = [
        panel.axes(
            [0, layers // 4, layers // 2, 3 * layers // 4, layers],
            [
                (k, "1" if k == 0 else f"10{'⁻' if k < 0 else ''}{'¹²' if abs(k) == 12 else '⁶'}")
                for k in (-12, -6, 0, 6, 12)
            ],
            "layer",
            "standard deviation of the signal",
            out=50,
        )
    ]
    inks = ((VERMILION, "#A84300"), (ORANGE, "#8A5F00"), (GREEN, "#00654A"), (PURPLE, "#8E3F69"))
    told = []
    for number, ((name, values), (color, ink)) in enumerate(zip(spreads.items(), inks, strict=False)):
        heights = np.log10(np.maximum(values, 1e-30))
        parts.append(panel.clip(panel.curve(np.arange(len(values)), heights, color, 3, ("", "8 4", "", "3 4")[number])))
        y = 84 + 50 * number
        parts += [
            svg.line(506, y - 4, 530, y - 4, color, 3, ("", "8 4", "", "3 4")[number]),
            svg.text(538, y, name, 13, ink, bold=True),
            svg.text(538, y + 18, f"at the end: {values[-1]:.1e}".replace("e-", "e−"), 12.5),
        ]
        told.append(f"{name} {values[-1]:.1e}")
    svg.show(
        svg.sheet(f"Only one of these survives {layers} layers", 720, 366, *parts),
        f"The standard deviation of a signal after each of {layers} layers with ReLU, on a logarithmic axis. At the end: "
        + "; ".join(told)
        + ".",
    )


def overfitting_chart(train, validation, best: int, stop: int | None, accuracy=None) -> None:
    """Draw training and validation loss against the epoch, with the best epoch and the one at which to stop.

    Parameters
    ----------
    train, validation : sequence of float
        The losses after each epoch.
    best : int
        The epoch, counted from 1, with the lowest validation loss.
    stop : int or None
        After which epoch early stopping stops.
    accuracy : sequence of float, optional
        Share of validation pictures right after each epoch.
    """
    train, validation = np.asarray(train), np.asarray(validation)
    epochs = np.arange(1, len(train) + 1)
    top = float(max(train.max(), validation.max()) * 1.08)
    panel = Panel(60, 56, 520, 250, (0, len(train)), (0, top))
    right = float(panel.x(len(train))) + 8
    parts = [
        panel.axes(
            np.linspace(0, len(train), 6),
            np.arange(0, top, 0.5),
            "epoch",
            "loss (cross-entropy)",
            digits=(0, 1),
            out=40,
        ),
        panel.curve(epochs, train, BLUE, 3),
        panel.curve(epochs, validation, VERMILION, 3, "9 4"),
        svg.text(right, panel.y(train[-1]) + 4, "training", 13, BLUE, bold=True),
        svg.text(right, panel.y(validation[-1]) + 4, "validation", 13, "#A84300", bold=True),
    ]
    for epoch, words, height in ((best, f"best: epoch {best}", 30), (stop, f"stop: epoch {stop}", 50)):
        if epoch:
            x = float(panel.x(epoch))
            parts.append(svg.line(x, panel.top, x, panel.bottom, "#555", 1.3, "4 4"))
            parts.append(svg.text(x + 6, panel.top + height, words, 13, BLACK, bold=True, halo=True))
    told = ""
    if accuracy is not None:
        told = f" {accuracy[best - 1]:.1%} of the validation pictures are right at the best epoch, {accuracy[-1]:.1%} at the end."
    svg.show(
        svg.sheet("The training loss keeps falling; the validation loss turns around", 700, 354, *parts),
        f"Training and validation loss over {len(train)} epochs. The training loss falls to {train[-1]:.2f}. The validation "
        f"loss is lowest at epoch {best}, with {validation[best - 1]:.2f}, and rises to {validation[-1]:.2f}." + told,
    )


def digit_row(images, labels, count: int = 12) -> None:
    """Show the first pictures with their labels in a row.

    Parameters
    ----------
    images : numpy.ndarray
        (N, 1, H, W), from 0 (paper) to 1 (ink).
    labels : numpy.ndarray
        (N,).
    count : int
    """
    from introdl.figures.training_board import tiles

    count = min(count, len(images))
    parts = [tiles(images[:count, 0], 14, 10, 46, count, 8)]
    parts += [
        svg.text(14 + 54 * k + 23, 74, str(int(label)), 14, BLACK, "middle", bold=True)
        for k, label in enumerate(labels[:count])
    ]
    svg.show(
        svg.canvas(14 + 54 * count + 6, 84, *parts),
        f"{count} pictures of handwritten digits: {', '.join(str(int(label)) for label in labels[:count])}.",
    )


# --- a layer against the clock ------------------------------------------------------------------------------------


def four_loops(x, w, b, dy) -> tuple:
    """A convolution layer, forward and backward, with a loop for pictures, filters, rows and columns.

    Parameters
    ----------
    x, w, b : numpy.ndarray
        (N, C, H, W), (F, C, KH, KW), (F,). Stride 1, no padding.
    dy : numpy.ndarray
        (N, F, OH, OW): the loss's gradient for the output.

    Returns
    -------
    y, dx, dw, db : numpy.ndarray
        The output, and the gradients for x, w and b.
    """
    kh, kw = w.shape[2:]
    y, dx, dw, db = np.zeros_like(dy), np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
    for n, f, i, j in np.ndindex(dy.shape):
        y[n, f, i, j] = np.sum(x[n, :, i : i + kh, j : j + kw] * w[f]) + b[f]
    for n, f, i, j in np.ndindex(dy.shape):
        dw[f] += dy[n, f, i, j] * x[n, :, i : i + kh, j : j + kw]
        dx[n, :, i : i + kh, j : j + kw] += dy[n, f, i, j] * w[f]
        db[f] += dy[n, f, i, j]
    return y, dx, dw, db


def layer_times(
    shape, filters: int, kernel: int, repeats: int = 7, looped: int = 2, threads: int = 2
) -> dict[str, float]:
    """Time one convolution layer, forward and backward, in float32: with loops, as `introdl.layers` has it, by PyTorch.

    Parameters
    ----------
    shape : (int, int, int, int)
        N, C, H, W of the batch.
    filters, kernel : int
        F, and the height and width of a kernel.
    repeats : int
        How often the two fast ones are timed, by turns; the shortest time counts, because whatever else a computer does
        can only make it longer.
    looped : int
        How many pictures the loops get; their time is multiplied up to the whole batch.
    threads : int
        How many threads NumPy's products and PyTorch may use.

    Returns
    -------
    dict of str to float
        Seconds, by name.
    """
    import time

    import torch
    from threadpoolctl import threadpool_limits

    from introdl.layers import Conv2d

    def clock(work) -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(np.float32)
    layer = Conv2d(shape[1], filters, kernel, rng)
    dy = rng.standard_normal(layer.forward(x).shape).astype(np.float32)
    tensor, slope = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dy)
    other = torch.nn.Conv2d(shape[1], filters, kernel)

    def ours():
        layer.forward(x)
        layer.backward(dy)

    def theirs():
        tensor.grad = None
        other.zero_grad()
        other(tensor).backward(slope)

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            times = {"introdl.layers": [], "PyTorch": []}
            for turn in range(repeats + 2):
                for name, work in (("introdl.layers", ours), ("PyTorch", theirs)):
                    took = clock(work)
                    if turn >= 2:  # the first two warm up
                        times[name].append(took)
            w, b = layer.w.value, layer.b.value
            loops = clock(lambda: four_loops(x[:looped], w, b, dy[:looped])) * shape[0] / looped
    finally:
        torch.set_num_threads(before)
    return {"loops": loops} | {name: min(took) for name, took in times.items()}
