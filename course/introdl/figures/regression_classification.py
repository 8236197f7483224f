"""Figures of chapter 01: histograms, a line to fit by hand, neighbors, boxes, and the estimator chooser.

Photographs stand in the drawings as JPEG, so that a redraw takes a few milliseconds.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from introdl.figures import svg, tile
from introdl.figures.grid import cells, mix
from introdl.figures.interactive import buttons, choice, explore, slider, stops, tick
from introdl.figures.panel import LogPanel, Panel, limits, nice_ticks
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILION
from introdl.wording import spoken

_CHANNELS = (("red", VERMILION), ("green", GREEN), ("blue", BLUE))
_DISHES = (BLUE, ORANGE, GREEN)
_INKS = ("#005A8E", "#8A5F00", "#00704F")  # the same, dark enough for words
_RED_INK = "#A84300"
_FAT, _ENERGY = "fat (g per 100 g)", "energy (kcal per 100 g)"


# ----------------------------------------------------------------------------------------------------------
# Pictures and features
# ----------------------------------------------------------------------------------------------------------


def histograms(images: np.ndarray, bins: int = 8) -> np.ndarray:
    """Color histograms of many pictures at once.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    bins : int
        A divisor of 256.

    Returns
    -------
    numpy.ndarray
        (N, 3, bins) floats; each row adds up to 1.
    """
    count = len(images)
    places = (images // (256 // bins)).reshape(count, -1, 3)
    found = np.empty((count, 3, bins))
    for channel in range(3):
        codes = places[:, :, channel].astype(np.int64) + bins * np.arange(count)[:, None]
        found[:, channel] = np.bincount(codes.ravel(), minlength=count * bins).reshape(count, bins)
    return found / places.shape[1]


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union, row by row: (N, 4) and (N, 4) to (N,); boxes are x0, y0, x1, y1."""
    sides = np.clip(np.minimum(boxes[:, 2:], others[:, 2:]) - np.maximum(boxes[:, :2], others[:, :2]), 0, None)
    both = sides.prod(axis=1)
    areas = [np.clip(b[:, 2:] - b[:, :2], 0, None).prod(axis=1) for b in (boxes, others)]
    union = areas[0] + areas[1] - both
    return np.where(union > 0, both / np.where(union > 0, union, 1), 0.0)


def two_questions(images, names, kcal) -> None:
    """Show some plates, each with the answers to both questions.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    names : sequence of str
        Each plate's dish.
    kcal : sequence of float
        Each plate's energy.
    """
    side, step = 112, 118
    parts = [
        svg.text(4, side + 60, "which dish?", 12.5, _INKS[0], bold=True),
        svg.text(4, side + 102, "how many kcal?", 12.5, _RED_INK, bold=True),
    ]
    for number, (image, name, energy) in enumerate(zip(images, names, kcal, strict=True)):
        x = 4 + number * step
        parts.append(tile.image(x, 32, side, side, image, sharp=False))
        for y, words in ((78, spoken(name)), (120, f"{energy:.0f}")):
            parts.append(svg.text(x + side / 2, side + y, words, 14, BLACK, "middle", bold=True))
    told = "; ".join(f"{spoken(name)}, {energy:.0f} kcal" for name, energy in zip(names, kcal, strict=True))
    drawing = svg.sheet("One plate, two questions", 8 + len(images) * step, side + 130, *parts)
    svg.show(drawing, f"Plates of food with two labels each: {told}.")


# ----------------------------------------------------------------------------------------------------------
# The histogram explorer
# ----------------------------------------------------------------------------------------------------------


def draw_histogram(image, bins: int) -> str:
    """Draw a picture, what the bins leave of it, and the histogram of each channel; returns SVG."""
    width = 256 // bins
    coarse = image // width * width + width // 2
    shares = histograms(image[None], bins)[0]
    top = max(0.25, float(np.ceil(shares.max() * 10) / 10))
    parts = [
        svg.note(10, 48, "the picture"),
        tile.image(10, 56, 150, 150, image, sharp=False),
        svg.note(10, 228, "what the bins leave of it"),
        tile.image(10, 236, 150, 150, coarse),
    ]
    for number, (name, color) in enumerate(_CHANNELS):
        panel = Panel(236, 52 + 118 * number, 448, 78, (0, 256), (0, top))
        across, up = ("value of the byte" if number == 2 else ""), ("pixels" if number == 1 else "")
        parts.append(panel.axes(range(0, 257, 64), [(0, "0 %"), (top, f"{100 * top:.0f} %")], across, up, out=46))
        for b, share in enumerate(shares[number]):
            left, right, y = panel.x(b * width), panel.x((b + 1) * width), panel.y(share)
            parts.append(svg.box(left + 0.5, y, right - left - 1, panel.bottom - y, color))
        ink = color if number else _RED_INK
        parts.append(svg.text(680, panel.top + 12, name, 13, ink, "end", bold=True, halo=True))
    return svg.sheet(f"{bins} bins: {3 * bins} numbers stand for {image.size:,}", 720, 412, *parts)


def histogram_explorer(images, names, bins: int = 8) -> None:
    """Show the color histograms of a plate; choose the plate and the number of bins.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    names : sequence of str
    bins : int
        To begin with: 2, 4, 8, 16, 32 or 64.
    """
    plates = [(f"{number + 1}: {spoken(name)}", number) for number, name in enumerate(names)]
    explore(
        lambda plate, bins: draw_histogram(images[plate], bins),
        {"plate": choice("plate", plates), "bins": stops("bins", [2, 4, 8, 16, 32, 64], bins, 300)},
        "A plate of food, the same picture with its colors rounded to the middle of their bins, and a bar chart for "
        "each of red, "
        "green and blue: which share of the pixels falls into each bin.",
    )


# ----------------------------------------------------------------------------------------------------------
# A line by hand
# ----------------------------------------------------------------------------------------------------------


def _error_squares(panel: Panel, x, y, errors) -> str:
    """Each error as the side of a square: to the left above the line, to the right below it."""
    per_y = panel.height / (panel.ylim[1] - panel.ylim[0])
    parts = []
    for a, b, error in zip(x, y, errors, strict=True):
        side = abs(error) * per_y
        left = panel.x(a) - (side if error < 0 else 0)
        parts.append(svg.box(left, panel.y(max(b, b + error)), side, side, VERMILION, VERMILION, 1, opacity=0.16))
    return "".join(parts)


def _gauge(left, top, height, ratio: float) -> str:
    """A bar that says how many times the least error this one is, up to three times."""
    bar, middle = Panel(left, top, 34, height, (0, 1), (0, 3)), left + 17
    full, words = bar.y(min(ratio, 3.0)), "over 3 ×" if ratio > 3 else f"{svg.fixed(ratio, 2)} ×"
    return "".join(
        [
            svg.box(left, full, 34, bar.bottom - full, VERMILION, opacity=0.6),
            svg.line(left - 8, bar.y(1), left + 42, bar.y(1), BLACK, 2),
            svg.text(middle, bar.y(1) - 6, "least", 12.5, BLACK, "middle", halo=True),
            svg.text(middle, bar.bottom + 18, "squared", 12, "#333", "middle"),
            svg.text(middle, bar.bottom + 32, "error", 12, "#333", "middle"),
            svg.text(middle, top - 6, words, 13, _RED_INK, "middle", bold=True),
        ]
    )


def draw_line(x, y, names, slope: float, intercept: float, best: bool) -> str:
    """Draw points, a line, and each error as a square; returns SVG.

    Parameters
    ----------
    x, y : numpy.ndarray
        (N,): fat and energy of each dish, per 100 g.
    names : sequence of str
    slope, intercept : float
        Of the line.
    best : bool
        Whether to show the least-squares line too.
    """
    errors = slope * x + intercept - y
    lowest = np.polyfit(x, y, 1)
    mean, least = (float(np.mean(e**2)) for e in (errors, np.polyval(lowest, x) - y))
    panel, ends = Panel(64, 66, 520, 340, (-1.5, 30), (-60, 560)), np.array([-1.5, 30.0])
    title = "Every error is the side of a square: make the squares small"
    if mean <= 1.01 * least:
        title = "This is the line of least squares"
    worst = int(np.argmax(np.abs(errors)))
    aside, anchor = (9, "start") if x[worst] < 16 else (-9, "end")
    formula = (
        f"energy = {svg.fixed(slope, 1)} · fat{svg.signed(intercept, 0)}        "
        f"mean squared error {svg.fixed(mean, 0)}        root {svg.fixed(mean**0.5, 0)} kcal"
    )
    return svg.sheet(
        title,
        720,
        450,
        svg.text(14, 44, formula, 13, "#333"),
        panel.axes(range(0, 26, 5), range(0, 501, 100), _FAT, _ENERGY, out=46),
        panel.clip(_error_squares(panel, x, y, errors), panel.curve(ends, slope * ends + intercept, BLUE, 3)),
        panel.clip(panel.curve(ends, np.polyval(lowest, ends), BLACK, 2, "6 5")) if best else "",
        panel.points(x, y),
        svg.text(
            panel.x(x[worst]) + aside, panel.y(y[worst]) + 5, spoken(names[worst]), 12.5, BLACK, anchor, halo=True
        ),
        _gauge(640, 66, 340, mean / least),
    )


def line_explorer(x, y, names, slope: float = 5.0, intercept: float = 150.0) -> None:
    """Let the reader fit a line with two sliders while its squared error is shown.

    Parameters
    ----------
    x, y : numpy.ndarray
        (N,): fat (g) and energy (kcal) of each dish, per 100 g.
    names : sequence of str
    slope, intercept : float
        To begin with.
    """
    explore(
        lambda slope, intercept, best: draw_line(x, y, names, slope, intercept, best),
        {
            "slope": slider("slope", 0, 25, slope, 0.1, readout_format=".1f"),
            "intercept": slider("intercept", -50, 300, intercept, 1.0, readout_format=".0f"),
            "best": tick("show the best line"),
        },
        f"{len(x)} dishes, energy against fat, with a line that two sliders move. At each dish stands a square whose "
        "side is the error; a bar compares the mean squared error with the least that any line can reach.",
    )


# ----------------------------------------------------------------------------------------------------------
# Neighbors
# ----------------------------------------------------------------------------------------------------------


def _squared_distances(a, b):
    return (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)


def _votes(order, labels, k: int, classes: int) -> np.ndarray:
    """The smallest of the most frequent labels among the first k of each row."""
    near = labels[order[:, :k]]
    return np.stack([(near == c).sum(axis=1) for c in range(classes)], axis=1).argmax(axis=1)


_CELLS = (104, 84)  # of the colored plane: across and up


def _nearest(panel: Panel, train, labels, val, val_labels) -> dict:
    """What does not depend on k: who is near whom, in the plane and among the plates, and the accuracies."""
    plane = panel.plane(*_CELLS).reshape(-1, 2)
    orders = [np.argsort(_squared_distances(points, train), axis=1, kind="stable") for points in (plane, train, val)]
    known = {"orders": orders, "labels": labels, "val_labels": val_labels, "classes": int(labels.max()) + 1}
    ks = [*range(1, 30, 2), *range(31, len(train) + 1, 8)]
    return known | {"ks": ks, "accuracies": np.array([_accuracies(known, k) for k in ks])}


def _accuracies(known: dict, k: int) -> tuple[float, float]:
    """Shares of training and validation plates that k neighbors call right."""
    found = (_votes(order, known["labels"], k, known["classes"]) for order in known["orders"][1:])
    truths = known["labels"], known["val_labels"]
    own, new = (float((votes == truth).mean()) for votes, truth in zip(found, truths, strict=True))
    return own, new


def _mark(x, y, kind: int, color: str = "") -> str:
    """A disc, a square or a triangle, in the dish's color or in another."""
    color = color or _DISHES[kind]
    if kind == 0:
        return svg.circle(x, y, 5, color)
    if kind == 1:
        return svg.square(x, y, 4.5, color)
    return svg.polygon([(x, y - 6), (x + 6, y + 5), (x - 6, y + 5)], color, "#fff", 1.2)


def _marks(panel: Panel, points, kinds, colors=None) -> str:
    """A mark at each point of a panel."""
    colors = colors or [""] * len(points)
    placed = zip(panel.x(points[:, 0]), panel.y(points[:, 1]), kinds, colors, strict=True)
    return "".join(_mark(x, y, int(kind), color) for x, y, kind, color in placed)


def _colored(panel: Panel, classes, cells: tuple[int, int]) -> str:
    """The plane behind the points, colored by class."""
    pale = np.array([[int(mix(c, 0.27)[i : i + 2], 16) for i in (1, 3, 5)] for c in _DISHES], dtype=np.uint8)
    return panel.region(pale[classes.reshape(cells[1], cells[0])])


def draw_neighbors(train, labels, dishes, axes, k: int, panel: Panel, known: dict) -> str:
    """Draw the regions of a k-nearest-neighbors classifier, and its accuracy against k; returns SVG."""
    regions, (own, new) = _votes(known["orders"][0], labels, k, known["classes"]), _accuracies(known, k)
    title = f"k = {k}: the {k} nearest training plates vote"
    if k == 1:
        title = "k = 1: every training plate rules the ground around it"
    elif k >= len(train):
        title = f"k = {k}: every plate votes everywhere, and one dish wins all"
    curve = Panel(510, 110, 186, 190, (1, len(train)), (0, 1.02))
    parts = [
        _colored(panel, regions, _CELLS),
        panel.axes(nice_ticks(*panel.xlim), nice_ticks(*panel.ylim), *axes, out=44),
        _marks(panel, train, labels),
        curve.axes([1, len(train) // 2, len(train)], [(0, "0 %"), (0.5, "50 %"), (1, "100 %")], "k"),
        svg.text(462, 84, "accuracy (nearest plates vote)", 12.5, "#333", bold=True),
        curve.curve(known["ks"], known["accuracies"][:, 0], GRAY, 2.2, "6 4"),
        curve.curve(known["ks"], known["accuracies"][:, 1], BLACK, 2.8),
        curve.points([k], [own], 5, GRAY),
        curve.points([k], [new], 5.5),
        svg.text(462, 366, f"training plates: {own:.0%}", 13, GRAY, bold=True),
        svg.text(462, 388, f"validation plates: {new:.0%}", 13, BLACK, bold=True),
    ]
    for number, dish in enumerate(dishes):
        x = 62 + 130 * number
        parts += [_mark(x + 4, 48, number), svg.text(x + 16, 53, spoken(dish), 13, _INKS[number], bold=True)]
    return svg.sheet(title, 720, 424, *parts)


def neighbor_explorer(train, labels, val, val_labels, dishes, axes, k: int = 1) -> None:
    """Show what k does to a nearest-neighbors classifier in two features.

    Parameters
    ----------
    train, val : numpy.ndarray
        (N, 2) and (M, 2) features, in the same units on both axes.
    labels, val_labels : numpy.ndarray
        (N,) and (M,): 0, 1 or 2.
    dishes : sequence of 3 str
    axes : sequence of 2 str
        What the features are, with their units.
    k : int
        To begin with.
    """
    panel = Panel(60, 68, 376, 306, *limits(train))
    known = _nearest(panel, train, labels, val, val_labels)
    ks = [n for n in (1, 2, 3, 4, 5, 7, 9, 11, 15, 21, 31, 45, 61, 81, 101, 151, 201) if n < len(train)]
    explore(
        lambda k: draw_neighbors(train, labels, dishes, axes, k, panel, known),
        {"k": stops("k", [*ks, len(train)], k)},
        f"{len(train)} training plates of three dishes in a plane of two features, and the plane colored by the dish "
        "that the k "
        "nearest of them vote for. Beside it, the accuracy on training and validation plates against k. A slider sets "
        "k.",
    )


# ----------------------------------------------------------------------------------------------------------
# How good is it?
# ----------------------------------------------------------------------------------------------------------


def confusion(matrix, dishes) -> None:
    """Show a confusion matrix: a row for each true dish, a column for each answer.

    Parameters
    ----------
    matrix : numpy.ndarray
        (K, K) counts: entry [i, j] counts plates of dish i that were called j.
    dishes : sequence of str
        K names.
    """
    names, size = [spoken(dish) for dish in dishes], 41
    longest = max(map(len, names))
    left, top = max(112, round(7.4 * longest) + 16), max(128, round(6.2 * longest) + 40)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    wrong = matrix - np.diag(np.diag(matrix))
    i, j = (int(v) for v in np.unravel_index(int(wrong.argmax()), wrong.shape))
    remarks = "row: what it is", "column: what the model says", "number: plates"
    parts = [svg.note(8, 50 + 18 * n, words) for n, words in enumerate(remarks)]
    for row, name in enumerate(names):
        middle = (row + 0.5) * size
        tilted = f"rotate(-55 {left + middle:.0f} {top - 8})"
        parts.append(svg.text(left - 8, top + middle + 4, name, 12.5, BLACK, "end"))
        parts.append(f'<g transform="{tilted}">{svg.text(left + middle, top - 6, name, 12.5)}</g>')

    def look(row, column):
        share, number, right = float(shares[row, column]), int(matrix[row, column]), row == column
        fill = mix(BLUE, share) if right else mix(VERMILION, 1.6 * share)
        ink = "#fff" if share > (0.55 if right else 0.34) else BLACK
        return {"words": str(number or ""), "fill": fill, "ink": ink, "bold": right, "edge": "#D5D5D5"}

    parts.append(cells(matrix, size, look, left, top))
    right = np.trace(matrix) / matrix.sum()
    commonest = f"the commonest mistake: {names[i]} → {names[j]}" if wrong.any() else "there is no mistake"
    title = f"{right:.0%} lie on the diagonal; {commonest}"
    width = max(left + size * len(names) + 64, round(9.4 * len(title)) + 16)
    drawing = svg.sheet(title, width, top + size * len(names) + 10, *parts)
    told = ", ".join(f"{d} {int(matrix[n, n])} of {int(matrix[n].sum())}" for n, d in enumerate(names))
    svg.show(drawing, f"Confusion matrix of {len(names)} dishes. Right: {told}.")


def _precision_recall(probabilities, is_so, threshold: float) -> tuple[int, int, float, float]:
    """Hits and named at a threshold, precision and recall; the precision of nothing is 1, where the curve begins."""
    named = probabilities >= threshold
    hits = int(np.sum(named & is_so))
    return hits, int(named.sum()), hits / named.sum() if named.any() else 1.0, hits / is_so.sum()


def draw_threshold(probabilities, is_so, dish: str, threshold: float) -> str:
    """Draw the probabilities of a dish on both sides of a threshold, and precision against recall; returns SVG."""
    hits, named, precision, recall = _precision_recall(probabilities, is_so, threshold)
    curve = np.array([_precision_recall(probabilities, is_so, t)[2:] for t in np.linspace(0, 1, 101)])
    f1 = 2 * hits / (named + is_so.sum())
    left, right = Panel(74, 84, 300, 236, (0, 1), (0, 1)), Panel(452, 84, 236, 236, (0, 1), (0, 1))
    parts = [left.axes([0, 0.25, 0.5, 0.75, 1], [], f"probability of {dish}", digits=(2, 0))]
    edges = np.linspace(0, 1, 21)
    for k, (words, which, color) in enumerate(((f"{dish}", is_so, BLUE), ("other dishes", ~is_so, ORANGE))):
        counts = np.histogram(probabilities[which], edges)[0] / which.sum()
        floor, tall = left.top + 118 * (k + 1) - 4, 92 / counts.max()
        for low, count in zip(edges[:-1], counts, strict=True):
            x, wide = float(left.x(low)), float(left.width / 20)
            if count:
                light = low + 0.025 < threshold
                bar = svg.box(x + 1, floor - count * tall, wide - 2, count * tall, color, opacity=0.35 if light else 1)
                parts.append(bar)
        parts.append(svg.text(left.right, floor - 80, words, 13, BLACK, "end", bold=True, halo=True))
    parts += [
        left.upright(threshold, BLACK, 2.5),
        svg.note(left.left, 70, f"dark: named so, from {threshold:.0%} on"),
        right.axes([0, 0.5, 1], [0, 0.5, 1], "recall", "precision", digits=(1, 1)),
        right.clip(right.curve(curve[:, 1], curve[:, 0], BLUE, 3)),
        svg.circle(right.x(recall), right.y(precision), 7, BLACK),
        svg.note(right.left, 70, "each point is a threshold"),
    ]
    words = (
        f"Threshold {threshold:.0%}: named {named} times, {hits} right (precision {precision:.0%}); "
        f"found {recall:.0%} (recall); F1 {svg.fixed(f1)}"
    )
    return svg.canvas(720, 372, svg.text(14, 26, words, 13.5, BLACK, bold=True), *parts)


def threshold_explorer(probabilities, is_so, dish: str) -> None:
    """Show what a threshold does to precision and recall of one dish.

    Parameters
    ----------
    probabilities : array (N,)
        Of that dish, one for each plate.
    is_so : array (N,) of bool
        Whether the plate is that dish.
    dish : str
    """
    explore(
        lambda percent: draw_threshold(probabilities, is_so, dish, percent / 100),
        {"percent": slider("threshold (%)", 1, 99, 50, 1, 420, style={"description_width": "initial"})},
        f"Left, two histograms of the probability of {dish}: plates that are {dish}, and other dishes, cut by a threshold. "
        "Right, precision against recall for all thresholds, with a point at the one that the slider chooses.",
    )


def learning_curve(sizes, on_training, on_validation) -> None:
    """Draw both accuracies against the number of training plates.

    Parameters
    ----------
    sizes : sequence of int
    on_training, on_validation : sequence of float
        Shares that are right.
    """
    panel = LogPanel(70, 62, 500, 260, (sizes[0] * 0.8, sizes[-1] * 1.25), (0, 1), logy=False)
    parts = [
        panel.axes(
            [(n, f"{n:,}") for n in sizes],
            [(v, f"{v:.0%}") for v in (0, 0.25, 0.5, 0.75, 1)],
            "training plates (log scale)",
            "right",
            out=50,
        )
    ]
    for words, shares, color in (
        ("on the plates trained on", on_training, ORANGE),
        ("on validation plates", on_validation, BLUE),
    ):
        parts += [panel.curve(sizes, shares, color, 3), panel.points(sizes, shares, 5, color)]
        end = panel.y(shares[-1]) + (-4 if color == ORANGE else 16)
        parts.append(svg.text(panel.x(sizes[-1]) + 10, end, f"{shares[-1]:.0%}", 13, BLACK, bold=True, halo=True))
        at = panel.y(shares[1]) + (-12 if color == ORANGE else 24)
        parts.append(svg.text(panel.x(sizes[1]) + 4, at, words, 13, BLACK, bold=True, halo=True))
    told = "; ".join(
        f"{n} plates: {a:.0%} and {b:.0%}" for n, a, b in zip(sizes, on_training, on_validation, strict=True)
    )
    svg.show(
        svg.sheet("The more plates to learn from, the closer the two accuracies come", 720, 378, *parts),
        f"Two curves over the number of training plates: right on those trained on, falling, and on validation plates, rising. {told}.",
    )


def residuals(truth, predicted, labels, dishes, marked: str) -> None:
    """Show predictions and errors of a regression, both in kcal.

    Parameters
    ----------
    truth, predicted : numpy.ndarray
        (N,) kcal.
    labels : numpy.ndarray
        (N,): each plate's dish.
    dishes : sequence of str
    marked : str
        One dish, to be shown in color.
    """
    import matplotlib.pyplot as plt

    from introdl.figures.style import show

    errors = predicted - truth
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.1))
    own = labels == list(dishes).index(marked)
    top = float(max(truth.max(), predicted.max()) * 1.04)
    left.plot([0, top], [0, top], color=BLACK, linewidth=1.5, linestyle="--")
    right.axhline(0, color=BLACK, linewidth=1.5, linestyle="--")
    for axes, across, height in ((left, truth, predicted), (right, predicted, errors)):
        axes.plot(across[~own], height[~own], "o", color=BLUE, markersize=4, alpha=0.45, markeredgewidth=0)
        axes.plot(across[own], height[own], "D", color=VERMILION, markersize=5, label=spoken(marked))
    left.set_xlabel("true energy (kcal)")
    right.set_xlabel("predicted energy (kcal)")
    mean = float(errors.mean())
    right.axhline(mean, color=VERMILION, linewidth=1.5, linestyle=":")
    left.set_ylabel("predicted energy (kcal)")
    left.set_title("On the line: exactly right")
    right.set_ylabel("residual: predicted − true (kcal)")
    right.set_title(f"Residuals; dotted: their mean, {mean:.0f} kcal")
    left.legend(loc="upper left", handletextpad=0.1)
    figure.tight_layout()
    show(
        figure,
        "Two scatter plots of the test plates. Left: predicted against true energy, with the line on which both agree. "
        f"Right: the residual against the predicted energy; the mean residual is {mean:.1f} kcal.",
    )


def error_by_dish(errors, baseline, labels, dishes) -> None:
    """Show the mean absolute error of each dish as a bar, with the baseline's beside it.

    Parameters
    ----------
    errors, baseline : numpy.ndarray
        (N,): absolute errors of the model and of the baseline, kcal.
    labels : numpy.ndarray
        (N,).
    dishes : sequence of str
    """
    import matplotlib.pyplot as plt

    from introdl.figures.style import show

    own = np.array([errors[labels == n].mean() for n in range(len(dishes))])
    base = np.array([baseline[labels == n].mean() for n in range(len(dishes))])
    order = np.argsort(own)
    figure, axes = plt.subplots(figsize=(7.2, 4.6))
    rows = np.arange(len(dishes))
    axes.barh(rows, own[order], color=BLUE, height=0.62, label="model")
    axes.plot(base[order], rows, "|", color=VERMILION, markersize=16, markeredgewidth=3, label="baseline")
    axes.set_yticks(rows, [spoken(dishes[n]) for n in order])
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("mean absolute error (kcal)")
    better = int((own < base).sum())
    axes.set_title(f"Better than the baseline on {better} of {len(dishes)} dishes")
    axes.legend(loc="lower right", frameon=True, framealpha=0.9, edgecolor="none")
    told = ", ".join(f"{spoken(dishes[n])} {own[n]:.0f} against {base[n]:.0f}" for n in order)
    show(figure, f"Bars: mean absolute error of each dish in kcal, model against baseline: {told}.")


# ----------------------------------------------------------------------------------------------------------
# Boxes
# ----------------------------------------------------------------------------------------------------------


def _outline(box, scale, x, y, color, width=2.5, dash="") -> str:
    """A box (x0, y0, x1, y1) on a picture that stands at (x, y), with a white edge around its line."""
    x0, y0, x1, y1 = (float(v) * scale for v in box)
    dash = f' stroke-dasharray="{dash}"' if dash else ""
    place = f'x="{x + x0:.1f}" y="{y + y0:.1f}" width="{max(x1 - x0, 0):.1f}" height="{max(y1 - y0, 0):.1f}"'
    return (
        f'<rect {place} fill="none" stroke="#fff" stroke-width="{width + 2.4}"/>'
        f'<rect {place} fill="none" stroke="{color}" stroke-width="{width}"{dash}/>'
    )


def boxes(images, truth, predicted, mean) -> None:
    """Show pictures with the true box, a regression's box and the mean box.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    truth, predicted : numpy.ndarray
        (N, 4): x0, y0, x1, y1 in pixels of `images`.
    mean : numpy.ndarray
        (4,): the baseline's box.
    """
    side, gap, columns = 168, 10, 4
    rows = -(-len(images) // columns)
    scale = side / images.shape[2]
    found, base = overlaps(predicted, truth), overlaps(np.tile(mean, (len(truth), 1)), truth)
    key = (
        (6, BLUE, 3, "", "true", _INKS[0]),
        (96, VERMILION, 3, "7 5", "predicted", _RED_INK),
        (226, BLACK, 2, "2 4", "mean of the training boxes", BLACK),
    )
    parts = []
    for x, color, width, dash, words, shade in key:
        parts += [svg.line(x, 42, x + 28, 42, color, width, dash), svg.text(x + 34, 47, words, 13, shade, bold=True)]
    for number, image in enumerate(images):
        x, y = 4 + (number % columns) * (side + gap), 60 + (number // columns) * (side + 34)
        parts += [
            tile.image(x, y, side, side, image, sharp=False),
            _outline(mean, scale, x, y, BLACK, 1.6, "2 4"),
            _outline(truth[number], scale, x, y, BLUE),
            _outline(np.clip(predicted[number], 0, images.shape[2]), scale, x, y, VERMILION, 2.5, "7 5"),
            svg.text(x, y + side + 17, f"IoU {found[number]:.2f}", 13, _RED_INK, bold=True),
            svg.text(x + side, y + side + 17, f"mean box {base[number]:.2f}", 12.5, BLACK, "end"),
        ]
    told = ", ".join(f"{a:.2f} ({b:.2f})" for a, b in zip(found, base, strict=True))
    better = int((found > base).sum())
    title = f"Four numbers make a box: closer than the mean box on {better} of these {len(images)}"
    svg.show(
        svg.sheet(title, 8 + columns * (side + gap), 60 + rows * (side + 34), *parts),
        "Plates, each with its true box, the box that a ridge regression predicts, and the mean box. Intersection "
        f"over union of the prediction, and of the mean box in parentheses: {told}.",
    )


def draw_iou(image, truth, box) -> str:
    """Draw two boxes on a picture, their overlap, and the fraction; returns SVG."""
    side, (x, y), left = 340, (10, 44), 374
    scale = side / image.shape[1]
    a, b = np.asarray(box, float), np.asarray(truth, float)
    w, h = (float(max(0.0, min(a[i + 2], b[i + 2]) - max(a[i], b[i]))) for i in (0, 1))
    areas = [float(np.prod(c[2:] - c[:2])) for c in (a, b)]
    both = w * h
    union = areas[0] + areas[1] - both
    value = both / union if union else 0.0
    corner = np.maximum(a[:2], b[:2]) * scale

    def area(name, wide, high, total):
        return f"{name}: {wide:.0f} × {high:.0f} = {total:.0f}"

    return svg.sheet(
        "Move the box until it lies on the food" if value < 0.8 else "That is a good box",
        720,
        396,
        tile.image(x, y, side, side, image, sharp=False),
        svg.box(x + corner[0], y + corner[1], w * scale, h * scale, ORANGE, opacity=0.45),
        _outline(b, scale, x, y, BLUE),
        _outline(a, scale, x, y, VERMILION, 3, "7 5"),
        svg.note(left, 74, "in square pixels"),
        svg.text(left, 104, area("yours", *(a[2:] - a[:2]), areas[0]), 14, _RED_INK, bold=True),
        svg.text(left, 132, area("true", *(b[2:] - b[:2]), areas[1]), 14, _INKS[0], bold=True),
        svg.text(left, 160, area("overlap", w, h, both), 14, _INKS[1], bold=True),
        svg.text(left, 204, "union: both areas, minus the overlap", 14),
        svg.text(left, 226, f"{areas[0]:.0f} + {areas[1]:.0f} − {both:.0f} = {union:.0f}", 14),
        svg.text(left, 276, f"IoU = {both:.0f} / {union:.0f} = {value:.2f}", 19, bold=True),
        svg.box(left, 296, 320, 18, "#EEE", "#999"),
        svg.box(left, 296, 320 * value, 18, VERMILION),
        svg.line(left + 160, 290, left + 160, 320, BLACK, 2),
        *(
            svg.text(left + 320 * v, 336, f"{v:g}", 12, "#333", a)
            for v, a in ((0, "start"), (0.5, "middle"), (1, "middle"))
        ),
    )


def iou_explorer(image, truth, box=(10, 12, 34, 40)) -> None:
    """Let the reader move a box over a plate, and show its overlap with the true one.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, (H, W, 3).
    truth : numpy.ndarray
        (4,): x0, y0, x1, y1 in pixels.
    box : sequence of 4 numbers
        To begin with.
    """
    height, width = image.shape[:2]
    truth = np.round(np.asarray(truth, float))
    x0, y0, x1, y1 = box

    def draw(left, upper, wide, high):
        return draw_iou(image, truth, (left, upper, min(left + wide, width), min(upper + high, height)))

    explore(
        draw,
        {
            "left": slider("x0", 0, width - 1, x0),
            "upper": slider("y0", 0, height - 1, y0),
            "wide": slider("width", 0, width, x1 - x0),
            "high": slider("height", 0, height, y1 - y0),
        },
        "A plate of food with two boxes: the true one, and one that sliders move. Their overlap is colored; beside it "
        "their areas, "
        "the overlap, the union and the intersection over union.",
    )


# ----------------------------------------------------------------------------------------------------------
# The estimator chooser
# ----------------------------------------------------------------------------------------------------------

_QUESTIONS = {
    "goal": ("What should come out?", ("a name", "a number", "groups", "a map")),
    "size": ("How many plates do you have?", ("under 50", "50 to 100,000", "more")),
    "shape": (
        "How do answers depend on features?",
        ("along straight lines", "alike looks, alike answers", "steps and exceptions"),
    ),
    "count": ("Do you know how many groups?", ("yes", "no")),
    "bent": ("Do the points lie on something bent?", ("no", "yes")),
}

#: As many plates are shown where there are too few.
_TOO_FEW = 9

_WHY = {
    "more data": "Below 50, luck decides. Collect more first.",
    "LogisticRegression": "A score for each dish, straight borders between dishes.",
    "KNeighborsClassifier": "The nearest plates vote. Nothing is learned in advance.",
    "RandomForestClassifier": "Many trees of yes-or-no questions; they vote.",
    "SGDClassifier": "Straight borders too, learned in small bites: made for large data sets.",
    "Ridge": "Least squares that keeps its weights small.",
    "KNeighborsRegressor": "The mean of the nearest plates' numbers.",
    "RandomForestRegressor": "Many trees of yes-or-no questions; their answers are averaged.",
    "SGDRegressor": "A straight line too, learned in small bites: made for large data sets.",
    "KMeans": "Each group has a center; each plate goes to the nearest.",
    "MeanShift": "Every point climbs to where it is most crowded; peaks are groups.",
    "PCA": "Turns the cloud so that you look at its widest side.",
    "Isomap": "Keeps distances along the bent sheet, and rolls it flat.",
}


def choose(goal: str, size: str, shape: str, count: str, bent: str) -> tuple[str, tuple[str, ...]]:
    """Walk from answers to an estimator.

    Parameters
    ----------
    goal, size, shape, count, bent : str
        Answers to the questions, in their own words.

    Returns
    -------
    str
        scikit-learn's name of the estimator, or "more data".
    tuple of str
        The questions that were asked on the way.
    """
    if size == "under 50":
        return "more data", ("goal", "size")
    if goal == "groups":
        return ("KMeans" if count == "yes" else "MeanShift"), ("goal", "size", "count")
    if goal == "a map":
        return ("Isomap" if bent == "yes" else "PCA"), ("goal", "size", "bent")
    if size == "more":
        return ("SGDClassifier" if goal == "a name" else "SGDRegressor"), ("goal", "size")
    shapes = _QUESTIONS["shape"][1]
    names = {
        "a name": ("LogisticRegression", "KNeighborsClassifier", "RandomForestClassifier"),
        "a number": ("Ridge", "KNeighborsRegressor", "RandomForestRegressor"),
    }
    return names[goal][shapes.index(shape)], ("goal", "size", "shape")


def make_estimator(name: str, neighbors: int = 9, alpha: float = 1.0):
    """Build a scikit-learn pipeline by its estimator's name, with the settings of the chooser.

    Parameters
    ----------
    name : str
        As `choose` returns it, but for "more data".
    neighbors : int
        k, where neighbors are asked.
    alpha : float
        Ridge's penalty.

    Returns
    -------
    sklearn.pipeline.Pipeline
        A scaler, and the estimator.
    """
    from sklearn import cluster, decomposition, ensemble, linear_model, manifold, neighbors
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    made = {
        "LogisticRegression": lambda: linear_model.LogisticRegression(C=0.1, max_iter=1000),
        "KNeighborsClassifier": lambda: neighbors.KNeighborsClassifier(neighbors),
        "RandomForestClassifier": lambda: ensemble.RandomForestClassifier(60, random_state=0),
        "SGDClassifier": lambda: linear_model.SGDClassifier(loss="log_loss", alpha=0.01, random_state=0),
        "Ridge": lambda: linear_model.Ridge(alpha=alpha),
        "KNeighborsRegressor": lambda: neighbors.KNeighborsRegressor(neighbors),
        "RandomForestRegressor": lambda: ensemble.RandomForestRegressor(
            60, max_features=0.3, min_samples_leaf=2, random_state=0
        ),
        "SGDRegressor": lambda: linear_model.SGDRegressor(alpha=0.01, random_state=0, eta0=0.002, max_iter=3000),
        "KMeans": lambda: cluster.KMeans(3, n_init=5, random_state=0),
        "MeanShift": lambda: cluster.MeanShift(bandwidth=0.9),
        "PCA": lambda: decomposition.PCA(2),
        "Isomap": lambda: manifold.Isomap(n_neighbors=10, n_components=2),
    }
    if name not in made:
        raise ValueError(f"There is no estimator {name!r} here; there are {', '.join(made)}.")
    return make_pipeline(StandardScaler(), made[name]())


def _score(name: str, table: dict) -> str:
    """What the estimator reaches on all features of the plates, said in a line."""
    train, val = table["train"], table["val"]
    if name == "more data":
        return ""
    if name in ("KMeans", "MeanShift"):
        return "It never sees a label. Colors: the groups that it finds. Shapes: the dishes."
    if name in ("PCA", "Isomap"):
        return "It never sees a label. Colors and shapes: the dishes."
    model = make_estimator(name, alpha=100.0)
    if "Regressor" in name or name == "Ridge":
        error = np.abs(model.fit(train[0], train[2]).predict(val[0]) - val[2]).mean()
        base = np.abs(np.median(train[2]) - val[2]).mean()
        return (
            f"kcal, all features, {len(train[0])} plates: off by {error:.0f} on the validation plates; "
            f"the median by {base:.0f}."
        )
    right = (model.fit(train[0], train[1]).predict(val[0]) == val[1]).mean()
    base = (val[1] == np.bincount(train[1]).argmax()).mean()
    return (
        f"{len(np.unique(train[1]))} dishes, all features, {len(train[0])} plates: {right:.0%} of the validation "
        f"plates right; one dish always: {base:.0%}."
    )


def _run_names(name: str, points, labels, panel, axes) -> str:
    back, shown = "", slice(_TOO_FEW)
    if name != "more data":
        regions = make_estimator(name).fit(points, labels).predict(panel.plane(72, 60).reshape(-1, 2))
        back, shown = _colored(panel, regions, (72, 60)), slice(None)
    ticks = nice_ticks(*panel.xlim, 4), nice_ticks(*panel.ylim, 4)
    return back + panel.axes(*ticks, *axes, out=40) + _marks(panel, points[shown], labels[shown])


def _run_groups(name: str, points, labels, panel, axes) -> str:
    palette = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, GRAY, BLACK)
    found = make_estimator(name).fit_predict(points)
    ticks = nice_ticks(*panel.xlim, 4), nice_ticks(*panel.ylim, 4)
    marks = _marks(panel, points, labels, [palette[min(int(c), 6)] for c in found])
    return panel.axes(*ticks, *axes, f"{len(np.unique(found))} groups", out=40) + marks


def _run_numbers(name: str, x, y, panel) -> str:
    drawn = panel.axes(range(0, 21, 5), range(0, 401, 100), _FAT, _ENERGY, out=42)
    if name == "more data":
        return drawn + panel.points(x[:_TOO_FEW], y[:_TOO_FEW])
    grid = np.linspace(*panel.xlim, 160)
    model = make_estimator(name, neighbors=3).fit(x[:, None], y)
    return drawn + panel.clip(panel.curve(grid, model.predict(grid[:, None]), BLUE, 3)) + panel.points(x, y)


def _run_map(name: str, table: dict, panel) -> str:
    features, labels = table["cloud"]
    flat = make_estimator(name).fit_transform(features)
    inner = Panel(panel.left, panel.top, panel.width, panel.height, *limits(flat))
    ticks = nice_ticks(*inner.xlim, 4), nice_ticks(*inner.ylim, 4)
    title = f"{features.shape[1]} features in 2"
    return inner.axes(*ticks, "first new axis", "second new axis", title, out=40) + _marks(inner, flat, labels)


def _at_work(table: dict, goal: str, name: str) -> str:
    """The estimator at the end of the walk, at work on the table's plates."""
    points, labels = table["plane"]
    ranges = ((-1.5, 24.5), (-10, 460)) if goal == "a number" else limits(points)
    panel = Panel(404, 74, 296, 272, *ranges)
    if goal == "a number":
        return _run_numbers(name, *table["line"], panel)
    if goal == "a name" or name == "more data":
        return _run_names(name, points, labels, panel, table["axes"])
    return _run_groups(name, points, labels, panel, table["axes"]) if goal == "groups" else _run_map(name, table, panel)


def _walk(asked, answers: dict) -> tuple[str, float]:
    """The questions with the chosen answers in blue, and where the next line stands."""
    parts, y = [], 58
    for number, key in enumerate(asked, start=1):
        question, options = _QUESTIONS[key]
        parts.append(svg.text(10, y, f"{number}. {question}", 13.5, BLACK, bold=True))
        x, y = 10.0, y + 10
        for option in options:
            wide = 8.0 * len(option) + 16
            if x + wide > 320:
                x, y = 10.0, y + 30
            fill, edge, ink = (BLUE, BLUE, "#fff") if option == answers[key] else ("#fff", "#B5B5B5", "#666")
            parts.append(svg.box(x, y, wide, 24, fill, edge, 1.2, 12))
            parts.append(svg.text(x + wide / 2, y + 16.5, option, 12.5, ink, "middle", bold=option == answers[key]))
            x += wide + 6
        parts.append(svg.arrow(24, y + 28, 24, y + 46, BLUE))
        y += 66
    return "".join(parts), y


def draw_chooser(table: dict, goal, size, shape, count, bent, known: dict | None = None) -> str:
    """Draw the walk through the questions, and what the estimator at its end does; returns SVG."""
    name, asked = choose(goal, size, shape, count, bent)
    known = {} if known is None else known
    if (goal, name) not in known:
        known[goal, name] = _at_work(table, goal, name), _score(name, table)
    drawing, score = known[goal, name]
    walk, y = _walk(asked, {"goal": goal, "size": size, "shape": shape, "count": count, "bent": bent})
    parts, x = [walk], 404.0
    for number, dish in enumerate(table["dishes"] if goal != "a number" else ()):
        gray = name in ("KMeans", "MeanShift")  # there the colors are not the dishes'
        parts.append(_mark(x + 4, 400, number, GRAY if gray else ""))
        parts.append(svg.text(x + 15, 404, spoken(dish), 12.5, "#333" if gray else _INKS[number]))
        x += 28 + 8.0 * len(dish)
    parts += [
        svg.box(10, y - 14, 310, 32, "#E8F2F9", BLUE, 1.5, 6),
        svg.text(165, y + 7, name, 15, _INKS[0], "middle", bold=True),
        svg.text(10, 428, _WHY[name], 13, BLACK),
        svg.text(10, 450, score, 13, _RED_INK, bold=True),
        drawing,
    ]
    title = f"You land at: {name}" if name != "more data" else "Stop here: collect more plates"
    return svg.sheet(title, 720, 462, *parts)


def estimator_chooser(table: dict) -> None:
    """Walk through questions to an estimator of scikit-learn, and see it run.

    Parameters
    ----------
    table : dict
        ``train`` and ``val``: each (features (N, D), labels (N,), kcal (N,)) of all plates; ``plane``: (points (M, 2),
        labels 0 to 2 (M,)) of three dishes, ``dishes`` their names, ``axes`` what the two are; ``cloud``: (features
        (M, D), labels 0 to 2 (M,)) of the same dishes; ``line``: (fat (L,), kcal (L,)) per 100 g.
    """
    import ipywidgets as widgets

    known: dict = {}
    first = {"goal": "a name", "size": "50 to 100,000", "shape": "along straight lines", "count": "yes", "bent": "no"}
    controls = {
        key: buttons(question, options, first[key], "auto", description_width="250px")
        for key, (question, options) in _QUESTIONS.items()
    }

    def layout(controls, view):
        def refresh(_change=None):
            _, asked = choose(**{key: control.value for key, control in controls.items()})
            for key, control in controls.items():
                control.layout.display = "" if key in asked else "none"

        for control in controls.values():
            control.observe(refresh, names="value")
        refresh()
        return widgets.VBox([*controls.values(), view])

    explore(
        lambda **answers: draw_chooser(table, **answers, known=known),
        controls,
        "A walk through two or three questions that ends at an estimator of scikit-learn. Beside it, the estimator at "
        "work: on plates of "
        "three dishes in two features, or on the energy of dishes against their fat. Buttons answer the questions.",
        layout,
    )


@cache
def lucky_guessers(guessers: int, val: int, test: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Accuracies of models that guess evenly at random, on two sets of plates: (guessers,) and (guessers,).

    Parameters
    ----------
    guessers : int
        How many models.
    val, test : int
        How many plates in each set.
    classes : int
        How many dishes.
    seed : int
    """
    rng = np.random.default_rng(seed)
    return rng.binomial(val, 1 / classes, guessers) / val, rng.binomial(test, 1 / classes, guessers) / test


def draw_lucky(val, test, tried: int) -> str:
    """Draw the accuracies of random guessers on two sets, the best of the first `tried` marked; returns SVG."""
    val, test = val[:tried], test[:tried]
    best, panel = int(np.argmax(val)), Panel(64, 72, 330, 300, (0, 0.2), (0, 0.2))
    ticks = [(0, "0 %"), (0.05, "5 %"), (0.1, "10 %"), (0.15, "15 %"), (0.2, "20 %")]
    return svg.sheet(
        f"The best of {tried} guessers is lucky on the plates that chose it",
        720,
        418,
        panel.axes(ticks, ticks, "accuracy on the validation plates", "accuracy on the test plates", out=48),
        panel.curve([0, 0.2], [0, 0.2], "#9A9A9A", 1.5, "5 4"),
        panel.points(val, test, 4, mix(BLUE, 0.6)),
        panel.points([val[best]], [test[best]], 8, VERMILION),
        svg.text(430, 130, "the one you would choose:", 13.5, _RED_INK, bold=True),
        svg.text(430, 156, f"validation {val[best]:.1%}", 15, bold=True),
        svg.text(430, 182, f"test {test[best]:.1%}", 15, bold=True),
        svg.text(430, 234, f"mean of all {tried}:", 13.5, _INKS[0], bold=True),
        svg.text(430, 260, f"validation {val.mean():.1%}", 15),
        svg.text(430, 286, f"test {test.mean():.1%}", 15),
    )


def luck_explorer(val: int, test: int, classes: int, seed: int) -> None:
    """Show why the set that chooses a model cannot also judge it: models that only guess, and the luckiest of them.

    Parameters
    ----------
    val, test : int
        How many plates in each set.
    classes : int
        How many dishes.
    seed : int
    """
    scores = lucky_guessers(300, val, test, classes, seed)
    explore(
        lambda tried: draw_lucky(*scores, tried),
        {"tried": stops("models tried", [1, 2, 5, 10, 20, 50, 100, 200, 300], 100)},
        "Models that guess at random, each a dot: accuracy on the validation plates against accuracy on the test "
        "plates. The one that is best on the validation plates is marked. A slider sets how many were tried.",
    )
