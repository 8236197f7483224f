"""Figures of chapter 05: scores and what they cost, slopes, a linear classifier that learns, regression's losses."""

from __future__ import annotations

import numpy as np
from scipy.special import huber, logsumexp, softmax

from introdl.figures import interactive, svg, tile
from introdl.figures.grid import mix
from introdl.figures.interactive import explore, rows_of, stepper
from introdl.figures.panel import Panel, shades
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILION

#: One color and one shade of it, for words, per dish.
COLORS = (BLUE, ORANGE, GREEN)
_WORDS = (BLUE, "#8A5F00", "#00654A")
_HINGE, _ENTROPY = VERMILION, BLUE


def _hinge_terms(scores, label: int, delta: float):
    terms = np.maximum(0, np.asarray(scores, float) - scores[label] + delta)
    terms[label] = 0
    return terms


def _near(value: float, digits: int = 3) -> str:
    """A number to so many decimals, or as a power of ten where those would show nothing but zeros."""
    if 0 < abs(value) < 0.5 * 10.0**-digits:
        return f"{value:.0e}".replace("e-0", "e-").replace("-", "−")
    return svg.fixed(value, digits)


def _share(p, k: int) -> str:
    """A probability, near 1 as well as near 0."""
    rest = float(np.delete(p, k).sum())
    return f"1 − {_near(rest)}" if 0 < rest < 0.0005 else _near(p[k])


def _bar(panel, value, row_y, height, color, words) -> str:
    """A bar from zero, with its number where it ends."""
    zero, end = float(panel.x(0)), float(panel.x(value))
    left, width = min(zero, end), max(abs(end - zero), 1.0)
    at, anchor = (end + 6, "start") if value >= 0 else (end - 6, "end")
    return svg.box(left, row_y, width, height, color) + svg.text(
        at, row_y + height / 2 + 5, words, 13, BLACK, anchor, halo=True
    )


# --- what probabilities cost, and what they are worth --------------------------------------------------------


def surprise(marked=(0.9, 0.5, 0.119, 0.01)) -> None:
    """Draw minus the logarithm of the probability that the correct dish was given.

    Parameters
    ----------
    marked : sequence of float
        Probabilities whose losses are written beside the curve.
    """
    panel = Panel(64, 62, 620, 250, (0, 1), (0, 5))
    p = np.linspace(0.005, 1, 400)
    parts = [
        panel.axes(
            [0, 0.2, 0.4, 0.6, 0.8, 1],
            [0, 1, 2, 3, 4, 5],
            "probability of the correct dish, p",
            "loss, −ln p",
            digits=(1, 0),
        ),
        panel.clip(panel.curve(p, -np.log(p), _ENTROPY, 3)),
    ]
    for value in marked:
        x, y = panel.x(value), panel.y(-np.log(value))
        aside, anchor = (11, "start") if value < 0.7 else (0, "middle")
        words = f"p = {svg.short(value, 3)}: {svg.fixed(-np.log(value))}"
        parts.append(svg.circle(x, y, 6, BLACK))
        parts.append(svg.text(x + aside, y - 11, words, 13, BLACK, anchor, bold=True, halo=True))
    told = ", ".join(f"{svg.fixed(-np.log(value))} at {svg.short(value, 3)}" for value in marked)
    svg.show(
        svg.sheet("The lower the probability of the truth, the higher the loss, without a limit", 720, 364, *parts),
        f"A curve that falls from beyond 5 near probability 0 to exactly 0 at probability 1: {told}.",
    )


def draw_templates(W, b, picture, label: int) -> str:
    """Draw a picture beside the templates of all classes, with their scores; returns SVG."""
    classes, side = len(W), round(np.sqrt(W.shape[1]))
    scores = W @ picture + b
    said = int(scores.argmax())
    reach = float(np.abs(W).max())
    parts = [
        svg.text(14, 62, "the picture", 13, BLACK, bold=True),
        tile.image(14, 74, 128, 128, tile.ink(picture.reshape(side, side), 1.0)),
        svg.box(14, 74, 128, 128, "none", "#999"),
        svg.note(14, 222, f"it is a {label}"),
    ]
    across, step, size = (classes + 1) // 2, 108, 84
    for k in range(classes):
        x, y = 172 + step * (k % across), 74 + 142 * (k // across)
        cells = tile.image(x, y, size, size, shades(W[k].reshape(side, side) / reach, (213, 94, 0), (0, 114, 178)))
        color = VERMILION if k == said != label else BLUE if k == said else GREEN if k == label else "#999"
        bold = k in (said, label)
        parts += [
            svg.text(x, y - 7, f"row {k}", 12.5, BLACK, bold=bold),
            cells,
            svg.box(x, y, size, size, "none", color, 4 if bold else 1),
            svg.text(x + size / 2, y + size + 17, svg.fixed(scores[k], 1), 13.5, BLACK, "middle", bold=bold),
        ]
    words = (
        f"Row {said} fits best: right"
        if said == label
        else f"Row {said} fits better ({svg.fixed(scores[said], 1)}) than row {label} ({svg.fixed(scores[label], 1)}): wrong"
    )
    return svg.sheet(words, 720, 342, *parts)


def template_explorer(W, b, pictures, labels) -> None:
    """Show a linear classifier's rows as pictures, and how well a picture fits each of them.

    Parameters
    ----------
    W : numpy.ndarray
        (K, D): D is a square number, the pixels of a picture.
    b : numpy.ndarray
        (K,).
    pictures : numpy.ndarray
        (N, D), from 0 (paper) to 1 (ink).
    labels : numpy.ndarray
        (N,).
    """
    explore(
        lambda number: draw_templates(W, b, pictures[number - 1], int(labels[number - 1])),
        {"number": interactive.slider("picture", 1, len(pictures), 1, 1, 420)},
        f"A digit of 8 by 8 pixels beside {len(W)} templates, the rows of W: blue pixels speak for the digit, orange ones "
        "against it. Below each template stands its score for the picture; a slider chooses the picture.",
    )


def reliability(curves, bins: int = 5) -> None:
    """Draw reliability diagrams side by side: how often each bin of confidence is right.

    Parameters
    ----------
    curves : sequence of (str, array (N,), array (N,) of bool)
        A name, the confidence in what was said, from 0 to 1, and whether it was right.
    bins : int
        Bins of equal width.
    """
    parts, told = [], []
    edges = np.linspace(0, 1, bins + 1)
    for place, (name, confidence, right) in enumerate(curves):
        panel = Panel(64 + 350 * place, 76, 270, 230, (0, 1), (0, 1))
        inside = np.clip(np.digitize(confidence, edges[1:-1], right=True), 0, bins - 1)
        parts.append(panel.axes([0, 0.5, 1], [0, 0.5, 1], "confidence", "share that is right", name, digits=(1, 1)))
        heights = []
        for k in np.unique(inside):
            share = right[inside == k].mean()
            x, y = float(panel.x(edges[k])), float(panel.y(share))
            wide = float(panel.x(edges[k + 1])) - x
            parts.append(svg.box(x + 1, y, wide - 2, panel.bottom - y, "#A9D0EA", BLUE))
            count = int((inside == k).sum())
            parts.append(svg.text(x + wide / 2, panel.bottom - 6, count, 12, "#333", "middle", halo=True))
            heights.append(f"{share:.0%} of {count} right at {edges[k]:.0%} to {edges[k + 1]:.0%}")
        ends = (panel.x(0), panel.y(0), panel.x(1), panel.y(1))
        parts.append(svg.line(*ends, BLACK, 1.6, "6 4"))
        told.append(f"{name}: {', '.join(heights)}")
    svg.show(
        svg.sheet("Bars above the dashed line: too cautious; below it: too confident", 720, 356, *parts),
        f"Reliability diagrams, bars of the share that is right over confidence, with the diagonal dashed. {'. '.join(told)}.",
    )


# --- what each loss sees --------------------------------------------------------------------------------------


def three_curves(rivals=(4.0, -2.0), delta: float = 1.0) -> None:
    """Draw mistakes, hinge and cross-entropy of one plate against the score of its correct dish.

    Parameters
    ----------
    rivals : sequence of float
        The other dishes' scores, which stand still.
    delta : float
        The hinge loss's margin.
    """
    s = np.linspace(-3, 9, 241)
    rivals = np.asarray(rivals, float)
    best = float(rivals.max())
    hinge = np.maximum(0, rivals[None] - s[:, None] + delta).sum(axis=1)
    entropy = logsumexp(np.concatenate([s[:, None], np.tile(rivals, (len(s), 1))], axis=1), axis=1) - s
    panel = Panel(64, 62, 620, 270, (-3, 9), (0, 9))
    parts = [
        panel.axes([-3, -1, 1, 3, 5, 7, 9], [0, 2, 4, 6, 8], "score of the correct dish", "loss of the plate"),
        panel.upright(best, GRAY, 1.3, "4 4"),
        panel.upright(best + delta, GRAY, 1.3, "4 4"),
        panel.clip(
            panel.curve([-3, best], [1, 1], BLACK, 3) + panel.curve([best, 9], [0.03, 0.03], BLACK, 3),
            panel.curve(s, hinge, _HINGE, 3),
            panel.curve(s, entropy, _ENTROPY, 3, "9 4"),
        ),
        svg.text(panel.x(-2.9), panel.y(1) - 8, "mistakes: 1 or 0", 13, BLACK, bold=True, halo=True),
        svg.text(panel.x(0.05), panel.y(5.2), "hinge", 14, "#A84300", bold=True, halo=True),
        svg.text(panel.x(-0.55), panel.y(3.6), "cross-entropy", 14, BLUE, "end", bold=True, halo=True),
        svg.text(panel.x(best) - 6, panel.top + 16, f"best rival: {svg.short(best)}", 12.5, "#444", "end", halo=True),
        svg.text(
            panel.x(best + delta) + 6, panel.top + 16, f"rival + Δ: {svg.short(best + delta)}", 12.5, "#444", halo=True
        ),
        svg.text(panel.x(8.9), panel.y(1.0), "hinge is exactly 0 here,", 12.5, "#A84300", "end", halo=True),
        svg.text(panel.x(8.9), panel.y(0.42), "cross-entropy never", 12.5, BLUE, "end", halo=True),
    ]
    svg.show(
        svg.sheet("Counting mistakes gives a step; a loss gives a slope to walk down", 720, 384, *parts),
        f"Three curves against the score of the correct dish, with the best rival at {svg.short(best)}. Mistakes: a "
        "step from 1 to 0 at the rival's score. Hinge: a straight ramp that reaches 0 where the correct dish leads by "
        f"{svg.short(delta)}. Cross-entropy: a smooth curve that never quite reaches 0.",
    )


# --- three scores -------------------------------------------------------------------------------------------


def draw_scores(scores, label: int, delta: float, dishes) -> str:
    """One plate's scores on the left; hinge above and cross-entropy below, term by term.

    Parameters
    ----------
    scores : sequence of 3 floats
    label : int
        The correct dish.
    delta : float
        The hinge loss's margin.
    dishes : sequence of 3 str

    Returns
    -------
    str
        SVG.
    """
    scores = np.asarray(scores, float)
    K = len(scores)
    terms, p = _hinge_terms(scores, label, delta), softmax(scores)
    hinge = float(terms.sum())
    entropy = float(logsumexp(scores) - scores[label])
    parts = []
    # scores
    panel = Panel(84, 66, 176, 150, (-6, 6), (0, 3))
    parts += [svg.text(14, 54, "scores", 13, "#333", bold=True), panel.axes([-6, -3, 0, 3, 6], [], "score")]
    line = scores[label] - delta
    left, right = float(panel.x(-6)), float(panel.x(max(min(line, 6), -6)))
    if line > -6:
        parts.append(svg.box(left, panel.top, right - left, panel.height, "#E9F5EF"))
    parts.append(panel.upright(0, "#9A9A9A"))
    for k in range(K):
        y = panel.top + 10 + 48 * k
        parts.append(svg.text(78, y + 21, dishes[k], 13, _WORDS[k], "end", bold=k == label))
        inside = scores[k] if abs(scores[k]) < 4.4 else 0
        zero, end = float(panel.x(0)), float(panel.x(scores[k]))
        parts.append(svg.box(min(zero, end), y, max(abs(end - zero), 1), 30, COLORS[k]))
        if inside or scores[k] == 0:
            at, anchor = (end + 5, "start") if scores[k] >= 0 else (end - 5, "end")
        else:
            at, anchor = (zero - 5, "end") if scores[k] > 0 else (zero + 5, "start")
        parts.append(svg.text(at, y + 20, svg.fixed(scores[k], 1), 13, BLACK, anchor, bold=True, halo=True))
    parts.append(
        svg.text(14, 284, "Shaded: where rivals are beaten by Δ.", 12, "#00654A")
        if line > -6
        else svg.text(14, 284, "No rival can be beaten by Δ here.", 12, "#A84300")
    )
    # hinge
    x0 = 296
    parts += [svg.text(x0, 54, "hinge: max(0, rival − correct + Δ)", 13, "#A84300", bold=True)]
    bars = Panel(x0 + 236, 66, 118, 100, (0, 30), (0, 1))
    y = 66
    for k in range(K):
        if k == label:
            continue
        inner = scores[k] - scores[label] + delta
        words = f"{dishes[k]}: {svg.fixed(scores[k], 1)} − ({svg.fixed(scores[label], 1)}) + {svg.fixed(delta, 1)} = {svg.fixed(inner, 1)}"
        parts += [
            svg.text(x0, y + 17, words, 13, _WORDS[k]),
            _bar(bars, terms[k], y + 3, 20, COLORS[k], svg.fixed(terms[k], 1)),
        ]
        y += 32
    parts += [
        svg.line(x0, y + 2, 706, y + 2, "#BDBDBD"),
        svg.text(x0, y + 22, "sum", 13, bold=True),
        _bar(bars, hinge, y + 6, 20, _HINGE, svg.fixed(hinge, 1)),
    ]
    # cross-entropy
    top = 186
    parts.append(svg.text(x0, top, "cross-entropy: −ln p of the correct dish", 13, BLUE, bold=True))
    share = Panel(x0 + 90, top + 10, 180, 96, (0, 1), (0, 1))
    for k in range(K):
        y = top + 12 + 30 * k
        parts += [
            svg.text(x0, y + 16, dishes[k], 13, _WORDS[k], bold=k == label),
            svg.box(share.left, y, share.width, 22, "#F4F4F4"),
            svg.box(share.left, y, max(share.width * p[k], 0.8), 22, COLORS[k]),
            svg.text(share.right + 8, y + 16, f"p = {_share(p, k)}", 13, BLACK, bold=k == label),
        ]
    y = top + 12 + 30 * K + 18
    parts.append(svg.text(x0, y, f"−ln({_share(p, label)}) = {_near(entropy)}", 14, BLUE, bold=True))
    # slopes
    top = 346
    active = (terms > 0).astype(float)
    active[label] -= active.sum()
    push = p.copy()
    push[label] -= 1
    parts.append(
        svg.text(14, top - 12, "slopes: what one more point of score would add to the loss", 13, "#333", bold=True)
    )
    for column, (name, slopes, ink) in enumerate(
        (("hinge", active, "#A84300"), ("cross-entropy: p − one-hot", push, BLUE))
    ):
        axis = Panel(84 + 330 * column + 60, top + 14, 200, 84, (-2.9, 2.9), (0, 1))
        parts.append(svg.text(84 + 330 * column - 4, top + 8, name, 12.5, ink, bold=True))
        parts.append(axis.upright(0, "#9A9A9A"))
        for k in range(K):
            y = axis.top + 4 + 27 * k
            parts += [
                svg.text(84 + 330 * column + 46, y + 15, dishes[k], 12.5, _WORDS[k], "end", bold=k == label),
                _bar(axis, slopes[k], y, 20, COLORS[k], svg.fixed(slopes[k], 0) if column == 0 else _near(slopes[k])),
            ]
    return svg.sheet(
        f"The plate is a {dishes[label]}: hinge {svg.fixed(hinge, 1)}, cross-entropy {_near(entropy)}", 720, 452, *parts
    )


def score_explorer(scores=(2.0, 4.0, -2.0), label: int = 0, dishes=("doughnut", "pizza", "salad")) -> None:
    """Show three sliders for three scores, and what hinge and cross-entropy make of them, term by term.

    Parameters
    ----------
    scores : sequence of 3 floats
        Where the sliders begin, between -6 and 6.
    label : int
        The correct dish to begin with.
    dishes : sequence of 3 str
    """

    def slider(k):
        return interactive.slider(dishes[k], -6, 6, scores[k], 0.1, 300, readout_format=".1f")

    explore(
        lambda a, b, c, label, delta: draw_scores((a, b, c), label, delta, dishes),
        {
            "a": slider(0),
            "b": slider(1),
            "c": slider(2),
            "label": interactive.buttons("it is a", [(dish, k) for k, dish in enumerate(dishes)], label),
            "delta": interactive.slider("Δ", 0, 3, 1.0, 0.5, 300),
        },
        "Three bars for the scores of three dishes. Beside them the terms of the hinge loss and their sum, the three "
        "probabilities and the cross-entropy; below, the slopes of both losses. Sliders move the scores and the "
        "margin, buttons choose the correct dish.",
    )


def softmax_steps(scores=(2.0, 4.0, -2.0), dishes=("doughnut", "pizza", "salad")) -> None:
    """Draw the way from scores to probabilities: take the exponential, then divide by the sum.

    Parameters
    ----------
    scores : sequence of 3 floats
    dishes : sequence of 3 str
    """
    scores = np.asarray(scores, float)
    powers = np.exp(scores)
    p = powers / powers.sum()
    columns = (
        ("scores s: any number", scores, (-5, 6), 1),
        ("exp(s): above 0", powers, (0, 1.35 * powers.max()), 2),
        (f"divided by {svg.fixed(powers.sum())}: sum 1", p, (0, 1.35), 3),
    )
    parts = []
    for number, (title, values, limits, digits) in enumerate(columns):
        left = 92 + 214 * number
        panel = Panel(left, 70, 168, 124, limits, (0, 1))
        parts.append(svg.text(left, 58, title, 13, "#333", bold=True))
        parts.append(panel.upright(0, "#9A9A9A"))
        for k, value in enumerate(values):
            y = panel.top + 6 + 41 * k
            if number == 0:
                parts.append(svg.text(left - 8, y + 20, dishes[k], 13, _WORDS[k], "end", bold=True))
            parts.append(_bar(panel, value, y, 28, COLORS[k], svg.fixed(value, digits)))
        if number < 2:
            parts.append(svg.arrow(left + 174, 132, left + 204, 132, GRAY, 2.5))
    svg.show(
        svg.sheet("Softmax: make the scores positive, then share out 1 in proportion", 720, 214, *parts),
        "Three rows of bars for "
        + ", ".join(dishes)
        + ". Scores "
        + ", ".join(svg.short(v) for v in scores)
        + " become exponentials "
        + ", ".join(svg.fixed(v) for v in powers)
        + " and then probabilities "
        + ", ".join(svg.fixed(v, 3) for v in p)
        + ".",
    )


# --- regularization -------------------------------------------------------------------------------------------


def same_score(x=(2.0, 1.0), score: float = 5.0, others=((2.5, 0.0), (0.0, 5.0))) -> None:
    """Draw all pairs of weights that give one plate one score, and the shortest of them.

    Parameters
    ----------
    x : sequence of 2 floats
        The plate's features.
    score : float
        The score that all of the weights give.
    others : sequence of (float, float)
        Weights on the line, to compare with the shortest.
    """
    x = np.asarray(x, float)
    best = score * x / (x @ x)
    panel = Panel(70, 60, 330, 330, (-1.5, 5.5), (-1.5, 5.5))
    ends = np.array([-3.0, 8.0])
    parts = [panel.axes([-1, 0, 1, 2, 3, 4, 5], [-1, 0, 1, 2, 3, 4, 5], "weight w₁", "weight w₂", zero=True)]
    rings = ""
    for w, color in [(best, GREEN), *((np.array(o, float), GRAY) for o in others)]:
        radius = float(np.linalg.norm(w)) / 7 * 330
        rings += svg.ring(panel.x(0), panel.y(0), f"{radius:.1f}", color, 2.5 if color == GREEN else 1.2, "5 4")
    parts.append(panel.clip(rings, panel.curve(ends, (score - x[0] * ends) / x[1], BLACK, 2.5)))
    for w, color in [*((np.array(o, float), GRAY) for o in others), (best, GREEN)]:
        parts.append(svg.arrow(panel.x(0), panel.y(0), panel.x(w[0]), panel.y(w[1]), color, 3))
    rows = [(best, "#00654A"), *((np.array(o, float), "#444") for o in others)]
    y = 96
    parts.append(
        svg.text(
            430, y - 22, f"x = ({svg.short(x[0])}, {svg.short(x[1])}), all score {svg.short(score)}", 13.5, bold=True
        )
    )
    for w, ink in rows:
        size = float(w @ w)
        parts += [
            svg.text(430, y + 8, f"w = ({svg.short(w[0])}, {svg.short(w[1])})", 14, ink, bold=True),
            svg.text(560, y + 8, f"sum of squares {svg.short(size)}", 13, ink),
            svg.box(430, y + 18, size * 9, 16, GREEN if ink == "#00654A" else "#BDBDBD"),
        ]
        y += 62
    parts += [
        svg.text(430, y + 18, "The shortest points along x itself:", 13, "#00654A"),
        svg.text(430, y + 37, "it uses both features.", 13, "#00654A"),
        svg.text(
            panel.x(1.0) + 10, panel.y(3.1) - 4, "w · x = 5" if score == 5 else "w · x", 13, BLACK, bold=True, halo=True
        ),
    ]
    svg.show(
        svg.sheet("Every point on the line scores the same; one is nearest to zero", 720, 446, *parts),
        f"The plane of two weights with a straight line of pairs that all give the score {svg.short(score)}. Dashed "
        "circles around zero pass through "
        + ", ".join(
            f"({svg.short(w[0])}, {svg.short(w[1])}) with sum of squares {svg.short(float(w @ w))}" for w, _ in rows
        )
        + ".",
    )


# --- a linear classifier that learns ----------------------------------------------------------------------------


def loss_and_slopes(scores, labels, kind: str, delta: float = 1.0):
    """Return a loss, "hinge" or "cross-entropy", of scores (N, K), and its gradient (N, K): the figure's own."""
    rows = np.arange(len(labels))
    if kind == "hinge":
        terms = np.maximum(0, scores - scores[rows, labels][:, None] + delta)
        terms[rows, labels] = 0
        slopes = (terms > 0).astype(float)
        slopes[rows, labels] -= slopes.sum(axis=1)
        return float(terms.sum(axis=1).mean()), slopes / len(labels)
    slopes = softmax(scores, axis=1)
    loss = float((logsumexp(scores, axis=1) - scores[rows, labels]).mean())
    slopes[rows, labels] -= 1
    return loss, slopes / len(labels)


def _journey(X, labels, kind, strength, rate, steps):
    """Weights (steps + 1, K, 3), their losses and accuracies, from a start that is wrong on purpose."""
    ones = np.column_stack([X, np.ones(len(X))])
    W = np.array([[2.0, -1.0, 0.0], [0.0, -2.0, 0.5], [-2.0, 2.5, 0.0]])
    path, losses, right = [], [], []
    for _ in range(steps + 1):
        scores = ones @ W.T
        loss, slopes = loss_and_slopes(scores, labels, kind)
        path.append(W)
        losses.append(loss + strength * float((W[:, :2] ** 2).sum()))
        right.append(float((scores.argmax(axis=1) == labels).mean()))
        gradient = slopes.T @ ones
        gradient[:, :2] += 2 * strength * W[:, :2]
        W = W - rate * gradient
    return np.array(path), np.array(losses), np.array(right)


def trained(X, labels, kind: str, strength: float, rate: float, steps: int) -> np.ndarray:
    """Return the weights (K, 3), the last column the biases, at which `classifier_board` stands after its last step."""
    return _journey(X, labels, kind, strength, rate, steps)[0][-1]


def _cut(corners, w):
    """The part of a convex polygon where w · (x, y, 1) >= 0."""
    out = []
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        a, b = w[0] * ax + w[1] * ay + w[2], w[0] * bx + w[1] * by + w[2]
        if a >= 0:
            out.append((ax, ay))
        if (a > 0 > b) or (a < 0 < b):
            share = a / (a - b)
            out.append((ax + share * (bx - ax), ay + share * (by - ay)))
    return out


def _mark(x, y, k, wrong) -> str:
    ring = svg.ring(x, y, 10.5, VERMILION) if wrong else ""
    if k == 0:
        return ring + svg.circle(x, y, 5.5, BLUE)
    if k == 1:
        return ring + svg.square(x, y, 5, ORANGE)
    return ring + svg.polygon([(x, y - 7), (x + 6.5, y + 5), (x - 6.5, y + 5)], GREEN, "#fff", 1.5)


def draw_classifier(X, labels, W, losses, right, step: int, kind: str, names, dishes) -> str:
    """Plates in two features, the region of each dish, and loss and accuracy so far.

    Parameters
    ----------
    X : numpy.ndarray
        (N, 2) features from 0 to 1.
    labels : numpy.ndarray
        (N,).
    W : numpy.ndarray
        (K, 3): weights and, last, the bias of each dish.
    losses, right : numpy.ndarray
        Loss and accuracy at every step.
    step : int
    kind : str
        The loss's name.
    names, dishes : sequences of str

    Returns
    -------
    str
        SVG.
    """
    K = len(W)
    panel = Panel(62, 58, 320, 320, (0, 1), (0, 1))
    winners = (np.column_stack([X, np.ones(len(X))]) @ W.T).argmax(axis=1)
    wrong = winners != labels
    parts = []
    for k in range(K):
        region = [(0, 0), (1, 0), (1, 1), (0, 1)]
        for j in range(K):
            if j != k and region:
                region = _cut(region, W[k] - W[j])
        if region:
            at = [(float(panel.x(a)), float(panel.y(b))) for a, b in region]
            parts.append(svg.polygon(at, mix(COLORS[k], 0.2), "#333", 1.6))
    ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    parts.append(panel.axes(ticks, ticks, names[0], names[1], digits=(1, 1)))
    parts.append(
        "".join(
            _mark(float(panel.x(a)), float(panel.y(b)), k, bad) for (a, b), k, bad in zip(X, labels, wrong, strict=True)
        )
    )
    # curves
    steps = np.arange(len(losses))
    top = float(max(losses.max() * 1.05, 0.1))
    ends = [0, len(losses) // 2, len(losses) - 1]
    upper = Panel(462, 72, 230, 92, (0, len(losses) - 1), (0, top))
    lower = Panel(462, 206, 230, 72, (0, len(losses) - 1), (0, 1.05))
    parts += [
        upper.axes(ends, [0, (top / 2, svg.fixed(top / 2, 1)), (top, svg.fixed(top, 1))]),
        lower.axes(ends, [(0, "0 %"), (0.5, "50 %"), (1, "100 %")], "steps taken"),
        svg.text(462, 62, f"loss ({kind}, with its penalty)", 12.5, "#333", bold=True),
        svg.text(462, 198, "accuracy", 12.5, "#333", bold=True),
        upper.curve(steps, losses, "#CFCFCF", 2),
        lower.curve(steps, right, "#CFCFCF", 2),
        upper.curve(steps[: step + 1], losses[: step + 1], _HINGE if kind == "hinge" else _ENTROPY, 3),
        lower.curve(steps[: step + 1], right[: step + 1], BLACK, 3),
        svg.circle(upper.x(step), upper.y(losses[step]), 5, BLACK),
        svg.circle(lower.x(step), lower.y(right[step]), 5, BLACK),
    ]
    y = 334
    for k in range(K):
        b = W[k]
        parts += [
            _mark(432, y + 23 * k, k, False),
            svg.text(446, y + 5 + 23 * k, f"{dishes[k]}:", 12.5, _WORDS[k], bold=True),
            svg.text(
                706,
                y + 5 + 23 * k,
                f"{svg.fixed(b[0], 1)} x₁{svg.signed(b[1], 1)} x₂{svg.signed(b[2], 1)}",
                12.5,
                BLACK,
                "end",
            ),
        ]
    parts += [
        svg.ring(432, y + 69, 8, VERMILION),
        svg.text(446, y + 73, "taken for another dish", 12.5),
        svg.text(706, y + 73, f"sum of w²: {svg.fixed(float((W[:, :2] ** 2).sum()), 1)}", 12.5, BLACK, "end"),
    ]
    return svg.sheet(
        f"Step {step}: loss {svg.fixed(losses[step], 3)}, accuracy {right[step]:.0%} ({(~wrong).sum()} of {len(X)})",
        720,
        432,
        *parts,
    )


def classifier_board(X, labels, names, dishes, steps: int = 200) -> None:
    """Show a linear classifier in two features whose boundaries move as it takes gradient steps.

    Parameters
    ----------
    X : numpy.ndarray
        (N, 2) features from 0 to 1.
    labels : numpy.ndarray
        (N,) labels 0, 1 or 2.
    names : sequence of 2 str
        What the features measure.
    dishes : sequence of 3 str
    steps : int
        How many steps the slider offers.
    """
    import ipywidgets as widgets

    known: dict = {}

    def draw(step, kind, strength, rate):
        key = (kind, strength, rate)
        if key not in known:
            known.clear()
            known[key] = _journey(X, labels, kind, strength, rate, steps)
        path, losses, right = known[key]
        return draw_classifier(X, labels, path[step], losses, right, step, kind, names, dishes)

    play, slider = stepper(lambda: steps, 0, "steps", interval=120, first=0)
    one = widgets.Button(description="one step", layout=widgets.Layout(width="90px"))
    one.on_click(lambda _button: setattr(slider, "value", min(slider.value + 1, steps)))
    controls = {
        "step": slider,
        "kind": interactive.buttons("loss", ["cross-entropy", "hinge"], "cross-entropy", "110px"),
        "strength": interactive.stops(
            "L2 strength", [("0", 0.0), ("0.001", 0.001), ("0.01", 0.01), ("0.1", 0.1)], 0.001, 300
        ),
        "rate": interactive.stops("step size", [("0.1", 0.1), ("0.3", 0.3), ("1", 1.0), ("3", 3.0)], 1.0, 300),
    }

    explore(
        draw,
        controls,
        f"{len(X)} plates of three dishes in a plane of two features, colored by the dish that a linear classifier "
        "would choose; beside it, loss and accuracy against the steps taken. A slider takes gradient steps, and the "
        "boundaries move.",
        lambda controls, view: rows_of(
            (play, one, controls["step"]), (controls["kind"], controls["strength"], controls["rate"]), (view,)
        ),
    )


# --- regression ---------------------------------------------------------------------------------------------


def fit_line(x, t, kind: str, delta: float = 20.0) -> np.ndarray:
    """Fit t = a x + c under a loss, by least squares whose weights are set anew in each of 60 rounds.

    Parameters
    ----------
    x, t : numpy.ndarray
        (N,) each.
    kind : str
        "squared", "absolute" or "Huber".
    delta : float
        Where Huber's loss changes from a square to a straight line.

    Returns
    -------
    numpy.ndarray
        Slope a and intercept c.
    """
    A = np.column_stack([x, np.ones(len(x))])
    weights = np.ones(len(x))
    line = np.zeros(2)
    for _ in range(1 if kind == "squared" else 60):
        line = np.linalg.solve((A * weights[:, None]).T @ A, (A * weights[:, None]).T @ t)
        size = np.maximum(np.abs(A @ line - t), 1e-3)
        weights = 1 / size if kind == "absolute" else np.minimum(1, delta / size)
    return line


_KINDS = (("squared", VERMILION, "#A84300", ""), ("absolute", PURPLE, "#8E3F69", "3 4"), ("Huber", BLUE, BLUE, "10 4"))


def draw_regression(grams, kcal, slip: float, delta: float) -> str:
    """Three losses and their slopes on the left; the lines they fit, with one label that slips, on the right.

    Parameters
    ----------
    grams, kcal : numpy.ndarray
        (N,) each, the labels as they should be.
    slip : float
        By what the last plate's label is multiplied.
    delta : float
        Huber's delta, kcal.

    Returns
    -------
    str
        SVG.
    """
    labels = np.array(kcal, float)
    labels[-1] *= slip
    limit = 300.0
    r = np.linspace(-limit, limit, 201)
    # Each loss is drawn through 1 at an error of 100 kcal: only the shapes can be compared.
    shapes = {"squared": r**2 / 100**2, "absolute": np.abs(r) / 100, "Huber": huber(delta, r) / huber(delta, 100.0)}
    slopes = {
        "squared": 2 * r / 100,
        "absolute": np.sign(r),
        "Huber": np.clip(r, -delta, delta) * 100 / huber(delta, 100.0),
    }
    upper = Panel(58, 78, 220, 122, (-limit, limit), (0, 5))
    lower = Panel(58, 262, 220, 112, (-limit, limit), (-4, 4))
    plane = Panel(360, 78, 336, 296, (30, 110), (0, 2000))
    parts = [
        upper.axes([-300, -100, 100, 300], [0, 1, 3, 5], "", "loss (1 at 100 kcal)"),
        lower.axes([-300, -100, 100, 300], [-4, -2, 0, 2, 4], "error (kcal)", "slope per 100 kcal", zero=True),
        plane.axes([40, 60, 80, 100], [0, 500, 1000, 1500, 2000], "mass (g)", "energy (kcal)", out=44),
        svg.text(58, 66, "what an error costs", 12.5, "#333", bold=True),
        svg.text(58, 250, "its slope: how hard it pulls", 12.5, "#333", bold=True),
        svg.text(360, 66, "the lines that they fit", 12.5, "#333", bold=True),
    ]
    good = plane.x(grams[:-1]), plane.y(labels[:-1])
    parts += [svg.circle(a, b, 5, BLACK) for a, b in zip(*good, strict=True)]
    y = float(plane.y(min(labels[-1], 1990)))
    parts.append(svg.square(plane.x(grams[-1]), y, 6, ORANGE if slip != 1 else BLACK, "#333"))
    if slip != 1:
        parts.append(
            svg.text(
                plane.x(grams[-1]),
                y - 12,
                f"slip: {svg.fixed(labels[-1], 0)} kcal",
                12.5,
                "#8A5F00",
                "middle",
                bold=True,
                halo=True,
            )
        )
    words, slope_of = [], {}
    for number, (kind, color, ink, dash) in enumerate(_KINDS):
        a, c = fit_line(grams, labels, kind, delta)
        ends = np.array([30.0, 110.0])
        parts += [
            upper.clip(upper.curve(r, shapes[kind], color, 2.8, dash)),
            lower.clip(lower.curve(r, slopes[kind], color, 2.8, dash)),
            plane.clip(plane.curve(ends, a * ends + c, color, 2.8, dash)),
            svg.line(372, 96 + 20 * number, 400, 96 + 20 * number, color, 2.8, dash),
            svg.text(408, 100 + 20 * number, f"{kind}: {svg.fixed(a, 2)} kcal per g", 13, ink, bold=True, halo=True),
        ]
        words.append(f"{kind} {svg.fixed(a, 1)}")
        slope_of[kind] = a
    held = abs(slope_of["Huber"] / slope_of["absolute"] - 1) < 0.2
    if slip == 1:
        title = "All labels right: the three losses agree"
    elif held:
        title = "One slip bends the line of the squared loss; the other two lines hold"
    else:
        title = "With δ as large as this, Huber's loss squares the slip, and its line bends too"
    parts.insert(
        1,
        svg.subtitle(
            f"δ = {svg.fixed(delta, 0)} kcal, last label × {svg.short(slip, 3)}.  Slope in kcal per g: "
            + ", ".join(words)
        ),
    )
    return svg.sheet(title, 720, 420, *parts)


def huber_explorer(grams, kcal, delta: float = 20.0, slip: float = 4.184) -> None:
    """Show what one slip among the labels does to a line fitted with the squared, the absolute and Huber's loss.

    Parameters
    ----------
    grams, kcal : numpy.ndarray
        (N,) each: mass and energy of each plate.
    delta : float
        Huber's delta to begin with, kcal.
    slip : float
        By what the last label is multiplied to begin with.
    """

    order = np.argsort(grams)
    grams, kcal = np.asarray(grams, float)[order], np.asarray(kcal, float)[order]
    explore(
        lambda slip, delta: draw_regression(grams, kcal, slip, delta),
        {
            "slip": interactive.stops(
                "the last label is",
                [("right", 1.0), ("× 1.5", 1.5), ("× 2", 2.0), ("× 3", 3.0), ("kJ for kcal: × 4.184", 4.184)],
                slip,
            ),
            "delta": interactive.stops(
                "δ (kcal)", [(str(d), float(d)) for d in (1, 5, 10, 20, 50, 100, 200, 500, 1000)], delta
            ),
        },
        "On the left the squared, the absolute and Huber's loss against the error, and their slopes. On the right "
        f"{len(grams)} plates, energy against mass, one of them with a wrong label, and the line that each loss fits. "
        "Sliders move the wrong label and Huber's delta.",
    )
