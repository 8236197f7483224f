"""Figures of chapter 13: two losses, a triplet to move, pairs, a threshold to drag, ROC curves, recorded runs."""

from __future__ import annotations

import numpy as np

from introdl.figures import interactive, svg, tile
from introdl.figures.grid import mix
from introdl.figures.interactive import explore, rows_of
from introdl.figures.panel import Panel
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, SKY, VERMILION, show

_SAME, _DIFFERENT = BLUE, ORANGE
_SAME_INK, _DIFFERENT_INK = BLUE, "#8A5F00"


def contrastive_curves(margin: float = 1.0) -> None:
    """Draw what a pair costs against its distance: one dish, and two.

    Parameters
    ----------
    margin : float
        From which distance on two dishes cost nothing.
    """
    d = np.linspace(0, 2, 201)
    panel = Panel(64, 56, 600, 230, (0, 2), (0, 2.1))
    parts = [
        panel.axes(
            [0, 0.5, 1, 1.5, 2],
            [0, 0.5, 1, 1.5, 2],
            "distance between the two vectors",
            "cost of the pair",
            digits=(1, 1),
        ),
        panel.upright(margin, GRAY, 1.3, "4 4"),
        panel.curve(d, d**2 / 2, _SAME, 3),
        panel.curve(d, np.maximum(margin - d, 0) ** 2 / 2, _DIFFERENT, 3, "9 4"),
        svg.text(panel.x(1.5) - 10, panel.y(1.3), "one dish: d² / 2", 14, _SAME_INK, "end", bold=True, halo=True),
        svg.text(
            panel.x(0.06), panel.y(0.62), "two dishes: max(0, m − d)² / 2", 14, _DIFFERENT_INK, bold=True, halo=True
        ),
        svg.text(panel.x(margin) + 6, panel.top + 16, f"margin m = {svg.short(margin)}", 12.5, "#444", halo=True),
    ]
    svg.show(
        svg.sheet(
            "Pairs of one dish are pulled together all the way, pairs of two are pushed apart up to the margin",
            690,
            340,
            *parts,
        ),
        "Two curves against the distance of a pair. For one dish the cost is a parabola from 0 upwards. For two dishes it "
        f"falls from {svg.short(margin**2 / 2)} at distance 0 to 0 at the margin of {svg.short(margin)}, and stays there.",
    )


# --- a triplet to move --------------------------------------------------------------------------------------------


def draw_triplet(points, margin: float) -> str:
    """Three points in the plane, two squared distances, and the triplet's loss as a sum.

    Parameters
    ----------
    points : sequence of three (x, y)
        Anchor, positive, negative, between -2 and 2.
    margin : float

    Returns
    -------
    str
        SVG.
    """
    a, p, n = (np.asarray(point, float) for point in points)
    near, far = float(((a - p) ** 2).sum()), float(((a - n) ** 2).sum())
    inside = near - far + margin
    loss = max(0.0, inside)
    panel = Panel(50, 56, 300, 300, (-2.2, 2.2), (-2.2, 2.2))
    unit = panel.width / 4.4

    def ring(radius, color, dash):
        return svg.ring(panel.x(a[0]), panel.y(a[1]), f"{radius * unit:.1f}", color, 1.6, dash)

    def mark(point, color, word):
        x, y = float(panel.x(point[0])), float(panel.y(point[1]))
        return svg.circle(x, y, 8, color) + svg.text(x + 11, y - 9, word, 13, BLACK, bold=True, halo=True)

    verdict = "nothing to learn" if loss == 0 else "the anchor pulls the positive and pushes the negative"
    where = (
        ("easy: farther than the positive", "by at least the margin")
        if inside <= 0
        else (
            ("hard: nearer than the positive", "")
            if far <= near
            else ("semi-hard: farther than the positive,", "but not by the margin")
        )
    )
    parts = [
        panel.axes([-2, -1, 0, 1, 2], [-2, -1, 0, 1, 2], "first number of the vector", "second number", out=30),
        panel.clip(
            ring(np.sqrt(near), _SAME, "5 4"),
            ring(np.sqrt(near + margin), GRAY, "2 5"),
            svg.line(panel.x(a[0]), panel.y(a[1]), panel.x(p[0]), panel.y(p[1]), _SAME, 2.5),
            svg.line(panel.x(a[0]), panel.y(a[1]), panel.x(n[0]), panel.y(n[1]), _DIFFERENT, 2.5),
        ),
        mark(a, BLACK, "anchor"),
        mark(p, _SAME, "positive"),
        mark(n, _DIFFERENT, "negative"),
        svg.text(380, 92, f"anchor to positive, squared: {svg.fixed(near)}", 13.5, _SAME_INK, bold=True),
        svg.text(380, 116, f"anchor to negative, squared: {svg.fixed(far)}", 13.5, _DIFFERENT_INK, bold=True),
        svg.text(380, 156, f"{svg.fixed(near)} − {svg.fixed(far)} + {svg.fixed(margin)} = {svg.fixed(inside)}", 15),
        svg.text(
            380,
            182,
            f"max(0, {svg.fixed(inside)}) = {svg.fixed(loss)}",
            15,
            VERMILION if loss else "#00654A",
            bold=True,
        ),
        svg.text(380, 226, "The negative is", 13, "#333"),
        svg.text(380, 246, where[0], 13, "#333", bold=True),
        svg.text(380, 264, where[1], 13, "#333", bold=True),
        svg.text(380, 290, "Dashed blue: as far away as the positive.", 12.5, _SAME_INK),
        svg.text(380, 310, "Dotted gray: from here on it costs nothing.", 12.5, "#444"),
    ]
    return svg.sheet(f"Loss {svg.fixed(loss)}: {verdict}", 740, 412, *parts)


def triplet_board(points=((0.0, 0.0), (0.8, 0.6), (-0.6, 0.9)), margin: float = 0.2) -> None:
    """Show three points that sliders move, and the loss of the triplet.

    Parameters
    ----------
    points : sequence of three (x, y)
        Anchor, positive and negative at first.
    margin : float
    """
    import ipywidgets as widgets

    controls = {}
    for name, (x, y) in zip(("anchor", "positive", "negative"), points, strict=True):
        for axis, value in (("→", x), ("↑", y)):
            controls[f"{name}{'xy'[axis == '↑']}"] = interactive.slider(f"{name} {axis}", -2, 2, value, 0.1, 250)
    controls["margin"] = interactive.slider("margin", 0, 1, margin, 0.1, 250)

    def draw(margin, **at):
        return draw_triplet([(at[f"{n}x"], at[f"{n}y"]) for n in ("anchor", "positive", "negative")], margin)

    def layout(controls, view):
        rows = [[controls[f"{n}x"], controls[f"{n}y"]] for n in ("anchor", "positive", "negative")]
        return widgets.VBox([rows_of(*rows, [controls["margin"]]), view])

    explore(
        draw,
        controls,
        "Three points in a plane: an anchor, a positive and a negative. Beside them the two squared distances from the anchor, "
        "and the triplet loss computed from them. Sliders move the points and the margin.",
        layout,
    )


# --- pairs ----------------------------------------------------------------------------------------------------------


def pairs_of_pictures(images, pairs, words, title: str, alt: str) -> None:
    """Draw pairs of pictures, one above the other, with a line of words below.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    pairs : sequence of (int, int)
        Which.
    words : sequence of str
        Below each pair.
    title, alt : str
    """
    above = [images[i] for i, _ in pairs]
    below = [(images[j], word) for (_, j), word in zip(pairs, words, strict=True)]
    svg.show(tile.sheet(title, [("", above), ("", below)], sharp=False), alt)


# --- a threshold to drag ------------------------------------------------------------------------------------------------


def _curve(similarities, same):
    order = np.argsort(-similarities, kind="stable")
    s, hits = similarities[order], same[order]
    ends = np.flatnonzero(np.append(s[1:] != s[:-1], True))
    false, true = np.cumsum(~hits)[ends] / (~hits).sum(), np.cumsum(hits)[ends] / hits.sum()
    return np.append(0, false), np.append(0, true)


def draw_threshold(similarities, same, threshold: float) -> str:
    """Histograms of both kinds of pairs, cut by a threshold, and the point of the ROC curve that it makes.

    Parameters
    ----------
    similarities : numpy.ndarray
        (P,), from -1 to 1.
    same : numpy.ndarray
        bool, (P,).
    threshold : float

    Returns
    -------
    str
        SVG.
    """
    edges = np.linspace(-1, 1, 41)
    counts = [
        np.histogram(similarities[same == kind], edges)[0] / max((same == kind).sum(), 1) for kind in (True, False)
    ]
    top = float(np.ceil(max(c.max() for c in counts) * 20 + 0.5) / 20)
    said = similarities >= threshold
    tpr, fpr = float(said[same].mean()), float(said[~same].mean())
    right = float((said == same).mean())
    parts = []
    ticks = [(0, "0 %"), (top / 2, f"{top / 2:.0%}"), (top, f"{top:.0%}")]
    for number, (kind, color, ink, words) in enumerate(
        (
            (0, _SAME, _SAME_INK, f"pairs of one dish: {1 - tpr:.0%} are turned away (false rejects)"),
            (1, _DIFFERENT, _DIFFERENT_INK, f"pairs of two dishes: {fpr:.0%} are let in (false accepts)"),
        )
    ):
        panel = Panel(60, 66 + 160 * number, 330, 104, (-1, 1), (0, top))
        parts += [
            svg.text(60, panel.top - 9, words, 12.5, ink, bold=True),
            panel.axes([-1, -0.5, 0, 0.5, 1], ticks, "cosine similarity" if number else "", digits=(1, 0)),
        ]
        for share, low, high in zip(counts[kind], edges[:-1], edges[1:], strict=True):
            wrong = (low + high) / 2 < threshold if number == 0 else (low + high) / 2 >= threshold
            x, y = float(panel.x(low)), float(panel.y(share))
            parts.append(
                svg.box(
                    x + 0.5, y, float(panel.x(high)) - x - 1, panel.bottom - y, color if wrong else mix(color, 0.35)
                )
            )
        x = float(panel.x(np.clip(threshold, -1, 1)))
        parts.append(svg.line(x, panel.top - 4, x, panel.bottom, BLACK, 2.2))
    roc = Panel(478, 66, 230, 230, (0, 1), (0, 1))
    false, true = _curve(similarities, same)
    step = max(1, len(false) // 250)
    kept = np.append(np.arange(0, len(false), step), len(false) - 1)
    parts += [
        roc.axes(
            [0, 0.5, 1],
            [0, 0.5, 1],
            "two dishes let in (false pos.)",
            "one dish found (true pos.)",
            digits=(1, 1),
            out=34,
        ),
        roc.curve([0, 1], [0, 1], "#9A9A9A", 1.5, "4 4"),
        roc.curve(false[kept], true[kept], GREEN, 3),
        svg.circle(roc.x(fpr), roc.y(tpr), 8, BLACK),
        svg.text(478, 56, "ROC: all thresholds at once", 12.5, "#00654A", bold=True),
    ]
    return svg.sheet(
        f"Threshold {svg.fixed(threshold)}: {right:.1%} of the pairs are judged correctly", 730, 374, *parts
    )


def threshold_explorer(similarities, same, threshold: float = 0.5) -> None:
    """Show both kinds of pairs and a slider for the threshold.

    Parameters
    ----------
    similarities : numpy.ndarray
        (P,).
    same : numpy.ndarray
        bool, (P,).
    threshold : float
        To begin with.
    """

    explore(
        lambda threshold: draw_threshold(similarities, same, threshold),
        {"threshold": interactive.slider("threshold", -1, 1, threshold, 0.02, 420)},
        "Two histograms of similarities, of pairs of one dish and of pairs of two, cut by a threshold: what lies on the wrong side "
        "is dark. Beside them the ROC curve, with the point of this threshold. A slider moves it.",
    )


# --- curves and recorded runs -----------------------------------------------------------------------------------------


def roc_curves(curves: dict, title: str) -> None:
    """Draw ROC curves, the false positive rate on a logarithmic axis.

    Parameters
    ----------
    curves : dict of str to (array, array)
        False and true positive rates by name.
    title : str
        What they say.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.9))
    for (name, (false, true)), color, dash in zip(
        curves.items(), (GREEN, BLUE, ORANGE, PURPLE, GRAY), ("-", "--", "-.", ":", "-"), strict=False
    ):
        kept = false > 0
        axes.plot(false[kept], true[kept], dash, color=color, label=name)
    line = np.geomspace(1e-3, 1, 50)
    axes.plot(line, line, color="#B5B5B5", linewidth=1.4)
    axes.text(0.16, 0.1, "chance", color="#666", fontsize=10)
    axes.set(
        xscale="log",
        xlim=(1e-3, 1),
        ylim=(0, 1.02),
        xlabel="false positive rate (log scale)",
        ylabel="true positive rate",
        title=title,
    )
    axes.legend(loc="upper left", fontsize=9.5)
    show(
        figure,
        "ROC curves with a logarithmic false positive axis. True positive rate at one false positive in a hundred: "
        + ", ".join(f"{name} {t[f <= 0.01].max():.0%}" for name, (f, t) in curves.items())
        + ".",
    )


def _groups(record, where):
    """Accuracies of recorded runs by method and number of dishes, in percent."""
    found: dict = {}
    for run in record["runs"]:
        if where in run:
            found.setdefault((run["method"], run["dishes"]), []).append(100 * run[where]["accuracy"])
    return found


def recorded_methods(record: dict) -> None:
    """Draw the recorded accuracies on dishes never seen and on those learned from, for each method.

    Parameters
    ----------
    record : dict
        As `introdl.experiments.records.load` returns it.
    """
    import matplotlib.pyplot as plt

    most = max(run["dishes"] for run in record["runs"])
    rows = [
        ("raw pixels", "pixels", 0),
        ("network, untrained", "untrained", 0),
        ("color histogram", "color histogram", 0),
        ("contrastive loss", "contrastive", most),
        ("triplet loss", "triplet", most),
        ("classifier's features", "classifier", most),
    ]
    unseen, known = _groups(record, "specials"), _groups(record, "known_dishes")
    rows = [row for row in rows if row[1:] in unseen]
    figure, axes = plt.subplots(figsize=(7, 0.52 * len(rows) + 1.1))
    said = []
    for y, (words, method, dishes) in enumerate(rows):
        for found, color, marker in ((unseen, BLUE, "o"), (known, ORANGE, "s")):
            values = found.get((method, dishes))
            if values:
                axes.plot(values, [y] * len(values), marker, color=color, markersize=7, markeredgecolor="white")
        said.append(f"{words} {np.mean(unseen[method, dishes]):.1f} %")
    axes.axvline(50, color="#999", linewidth=1.2)
    axes.text(50.6, -0.55, "guessing", fontsize=9.5, color="#555")
    axes.plot([], [], "o", color=BLUE, label="dishes never seen")
    axes.plot([], [], "s", color=ORANGE, label="dishes learned from, new pictures")
    axes.set(
        yticks=range(len(rows)),
        yticklabels=[row[0] for row in rows],
        xlim=(48, 100),
        ylim=(-0.8, len(rows) - 0.4),
        xlabel="accuracy (%); each mark is a run",
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.24), ncols=2, fontsize=9.5)
    axes.set_title("Learning helps, but dishes never seen stay hard", x=-0.28)
    show(
        figure,
        "Accuracy on dishes never seen: "
        + ", ".join(said)
        + ". On dishes that it learned from, every network does far better.",
    )


def recorded_classes(record: dict) -> None:
    """Draw the recorded accuracy on the specials against the number of dishes learned from.

    Parameters
    ----------
    record : dict
        As `introdl.experiments.records.load` returns it.
    """
    import matplotlib.pyplot as plt

    from introdl.experiments import records

    found = _groups(record, "specials")
    figure, axes = plt.subplots(figsize=(7, 3.5))
    said = []
    for method, words, color, marker, nudge in (
        ("classifier", "classifier's features", BLUE, "o", 0.985),
        ("triplet", "triplet loss", VERMILION, "s", 1.015),
    ):
        counts = sorted(dishes for name, dishes in found if name == method)
        means, spreads = zip(*(records.spread(found[method, dishes]) for dishes in counts), strict=True)
        at = np.array(counts) * nudge
        axes.errorbar(at, means, spreads, fmt=f"{marker}-", color=color, capsize=4, label=words)
        for dishes, x in zip(counts, at, strict=True):
            axes.plot(
                [x] * len(found[method, dishes]), found[method, dishes], marker, color=color, alpha=0.35, markersize=5
            )
        said.append(f"{words}: " + ", ".join(f"{m:.1f} % from {k} dishes" for m, k in zip(means, counts, strict=True)))
    plain = found["color histogram", 0][0]
    axes.axhline(plain, color=GRAY, linestyle=":", linewidth=1.6)
    axes.text(12.6, plain + 0.25, "color histogram", ha="right", fontsize=9.5, color="#555")
    axes.set(
        xscale="log",
        xticks=[3, 6, 12],
        xticklabels=["3", "6", "12"],
        xlim=(2.7, 13.4),
        xlabel="dishes learned from (always 672 pictures)",
        ylabel="accuracy on new dishes (%)",
        title="Accuracy on new dishes, by the number of dishes learned from",
    )
    axes.minorticks_off()
    axes.legend(loc="upper left", fontsize=9.5)
    show(figure, "Accuracy on dishes never seen against the number of dishes learned from. " + "; ".join(said) + ".")


def learning_curve(losses) -> None:
    """Draw a loss over the steps, as it is and smoothed.

    Parameters
    ----------
    losses : sequence of float
        One for each step.
    """
    import matplotlib.pyplot as plt

    losses = np.asarray(losses, float)
    figure, axes = plt.subplots(figsize=(7, 2.8))
    axes.plot(np.arange(1, len(losses) + 1), losses, color=SKY, linewidth=1.2)
    width = max(1, len(losses) // 10)
    if len(losses) > width:
        axes.plot(np.arange(width, len(losses) + 1), np.convolve(losses, np.ones(width) / width, "valid"), color=BLUE)
    axes.set(xlabel="step", ylabel="triplet loss", title="The network learns to keep dishes apart", ylim=(0, None))
    show(
        figure,
        f"The triplet loss over {len(losses)} steps: {losses[:5].mean():.2f} at first, {losses[-5:].mean():.2f} in the end.",
    )
