"""Figures of chapter 12: three heads on one trunk, what each loss weighs, grams and boxes, where energy errors come from,
the Nutri-Score, known and unknown pictures, the diary, recommendations."""

from __future__ import annotations

import numpy as np

from introdl.figures import interactive, svg, tile
from introdl.figures.grid import mix
from introdl.figures.interactive import explore
from introdl.figures.panel import bars
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILION, show
from introdl.wording import spoken

#: One color for each task, wherever it comes: dish, grams, box.
TASKS = {"dish": BLUE, "grams": ORANGE, "box": GREEN}
_WORDS = {"dish": BLUE, "grams": "#8A5F00", "box": "#00654A"}


# --- the network ------------------------------------------------------------------------------------------------


def three_heads(picture: np.ndarray, size: int, widths, classes: int, hidden: int, said: dict[str, str]) -> None:
    """Draw the network: a picture, the trunk's stages, and three heads with what they say to this picture.

    Parameters
    ----------
    picture : numpy.ndarray
        uint8, (H, W, 3).
    size : int
        Height and width of what goes in, in pixels.
    widths : sequence of int
        Channels after each stage.
    classes, hidden : int
        Dishes, and units of the layer that grams and box share.
    said : dict of str to str
        What the heads ``"dish"``, ``"grams"`` and ``"box"`` say, in words.
    """
    parts = [
        tile.image(14, 112, 96, 96, picture, sharp=False),
        svg.note(62, 226, f"{size} × {size} × 3", "middle"),
        svg.arrow(114, 160, 132, 160, GRAY),
    ]
    x, side = 138, size
    for width in widths:
        side //= 2
        tall = 18 + 1.15 * side * 1.3
        parts += [
            svg.box(x, 160 - tall / 2, 12 + width / 10, tall, mix(PURPLE, 0.45), "#8C4A75", 1.2, 2),
            svg.text(x + (12 + width / 10) / 2, 160 + tall / 2 + 16, f"{side}²×{width}", 11, "#333", "middle"),
        ]
        x += 26 + width / 10 + 14
    parts += [
        svg.text((138 + x) / 2 - 16, 64, "the trunk: convolution, pooling,", 12.5, "#6B3558", "middle"),
        svg.text((138 + x) / 2 - 16, 80, "batch norm and ReLU, five times", 12.5, "#6B3558", "middle"),
    ]
    start = x - 12
    heads = (
        ("dish", 70, "mean over space", f"dense: {classes} scores"),
        ("grams", 160, f"dense: {hidden} units", "dense: 1 number, ln grams"),
        ("box", 250, f"the same {hidden} units", "dense: 4 numbers"),
    )
    for name, y, first, second in heads:
        parts += [
            svg.arrow(start, 160 + (y - 160) * 0.12, start + 38, y, TASKS[name], 2),
            svg.box(start + 42, y - 32, 190, 64, mix(TASKS[name], 0.16), TASKS[name], 1.6, 6),
            svg.text(start + 52, y - 13, f"head: {name}", 13, _WORDS[name], bold=True),
            svg.text(start + 52, y + 5, first, 12.5),
            svg.text(start + 52, y + 22, second, 12.5),
            svg.text(start + 240, y + 5, said[name], 13.5, _WORDS[name], bold=True),
        ]
    svg.show(
        svg.sheet("One trunk looks, three small heads answer", start + 420, 300, *parts),
        f"A picture of {size} by {size} pixels goes through a trunk of {len(widths)} stages, which halve its sides and end with "
        f"{widths[-1]} channels. Three heads read the last map: the dish from its mean over space ({said['dish']}), the grams "
        f"({said['grams']}) and the box ({said['box']}) through {hidden} shared units.",
    )


# --- scales of losses ---------------------------------------------------------------------------------------------


def shares(rows: dict[str, dict[str, float]], title: str, unit: str = "") -> None:
    """Draw for each row how a sum is shared by dish, grams and box.

    Parameters
    ----------
    rows : dict of str to dict of str to float
        For each row's name three numbers, 0 or more, by ``"dish"``, ``"grams"`` and ``"box"``.
    title : str
        What the figure says.
    unit : str
        What the numbers are, after each of them.
    """
    parts = [svg.title(title)]
    left, width, told = 14, 652, []
    for number, (name, values) in enumerate(rows.items()):
        y, x = 62 + 96 * number, left
        total = sum(values.values())
        parts.append(svg.text(left, y - 8, name, 13, "#333", bold=True))
        words = []
        for task, value in values.items():
            part = value / total
            parts.append(svg.box(x, y, max(width * part, 0.6), 30, TASKS[task]))
            if part > 0.06:
                ink = "#fff" if task == "dish" else BLACK
                parts.append(svg.text(x + width * part / 2, y + 20, f"{part:.0%}", 13, ink, "middle", bold=True))
            x += width * part
            few = f"{100 * part:.2g} %" if part < 0.01 else f"{part:.1%}".replace("%", " %")
            words.append((task, f"{task}: {value:.3g}{unit}, {few}"))
        for column, (task, text) in enumerate(words):
            parts += [
                svg.box(left + 220 * column, y + 40, 11, 11, TASKS[task]),
                svg.text(left + 16 + 220 * column, y + 50, text, 12.5, _WORDS[task]),
            ]
        told.append(f"{name}: " + ", ".join(text for _, text in words))
    svg.show(svg.canvas(680, 62 + 96 * len(rows) - 26, *parts), f"{title}. " + ". ".join(told) + ".")


# --- what the heads reach -------------------------------------------------------------------------------------------


def grams_scatter(true, predicted, labels, classes, marked=("tomato", "hot_dog")) -> None:
    """Draw predicted against true grams on logarithmic axes, with two dishes marked.

    Parameters
    ----------
    true, predicted : numpy.ndarray
        (N,) grams.
    labels : numpy.ndarray
        int, (N,).
    classes : sequence of str
        The dishes' names.
    marked : pair of str
        Dishes that are drawn in color.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.0, 5.2))
    low, high = 20, 1600
    axes.plot([low, high], [low, high], color=BLACK, linewidth=1.3)
    axes.fill_between([low, high], [low / 1.25, high / 1.25], [low * 1.25, high * 1.25], color="#E8E8E8", zorder=0)
    rest = ~np.isin(labels, [classes.index(name) for name in marked])
    axes.scatter(true[rest], predicted[rest], s=9, color="#9A9A9A", alpha=0.6, linewidths=0)
    for name, color, shape in zip(marked, (VERMILION, BLUE), ("o", "s"), strict=True):
        own = labels == classes.index(name)
        axes.scatter(
            true[own],
            predicted[own],
            s=26,
            color=color,
            marker=shape,
            edgecolors="white",
            linewidths=0.5,
            label=spoken(name),
        )
    near = np.mean((predicted < 1.25 * true) & (predicted > true / 1.25))
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(low, high),
        ylim=(low, high),
        xlabel="true mass (g)",
        ylabel="the network's mass (g)",
    )
    ticks = [25, 50, 100, 200, 400, 800]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.set_yticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_title(f"Within a factor of 1.25: {near:.0%} of {len(true)} plates")
    axes.legend(loc="upper left", markerscale=1.3)
    show(
        figure,
        f"Scatter of {len(true)} test plates, the network's grams against true grams, both axes logarithmic. {near:.0%} lie within "
        f"a factor of 1.25 of the line where both are equal. Those of {spoken(marked[0])} lie in a nearly level cloud: their size is "
        f"hard to see. Those of {spoken(marked[1])} lie close together.",
    )


def boxes_on_plates(images, true, predicted, ious, names) -> None:
    """Draw true and predicted boxes on plates, with their overlap.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3), N a multiple of 4.
    true, predicted : numpy.ndarray
        (N, 4) as shares of the picture.
    ious : numpy.ndarray
        (N,).
    names : sequence of str
        What the network calls each.
    """
    words = [f"{spoken(name)}: {iou:.2f}" for name, iou in zip(names, ious, strict=True)]
    side = 164

    def boxes(row, column, left, top):
        parts = []
        for box, color, dash in ((true, "#FFFFFF", ""), (predicted, "#FFD23F", "7 5")):
            x0, y0, x1, y1 = np.clip(np.asarray(box[4 * row + column]) * side, 1, side - 1)
            corners = [(left + x, top + y) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))]
            for (a, b), (c, d) in zip(corners, corners[1:], strict=False):
                parts.append(svg.line(a, b, c, d, BLACK, 4.4))
            for (a, b), (c, d) in zip(corners, corners[1:], strict=False):
                parts.append(svg.line(a, b, c, d, color, 2.4, dash))
        return "".join(parts)

    rows = tile.in_rows(list(zip(images, words, strict=True)), 4)
    title = "White: the true box. Dashed yellow: the network's. The number is their IoU"
    svg.show(
        tile.sheet(title, rows, side=side, sharp=False, over=boxes),
        "Test plates with the true box in white and the network's in dashed yellow, and their overlap: "
        f"{'; '.join(words).replace(':', '')}.",
    )


def before_and_after(picture: np.ndarray, found, kept, classes) -> None:
    """Draw all boxes that were found on a table, and beside them those that were kept, with their names.

    Parameters
    ----------
    picture : numpy.ndarray
        uint8, (H, W, 3).
    found, kept : introdl.mealomi.detection.Detections
    classes : sequence of str
        The dishes' names.
    """
    side, parts = 330, []
    scale = side / picture.shape[1]
    for column, (words, these) in enumerate((("every window's box", found), ("after suppression", kept))):
        left, top = 14 + (side + 16) * column, 68
        parts += [
            svg.text(left, 60, f"{words}: {len(these.scores)}", 13.5, "#333", bold=True),
            tile.image(left, top, side, round(side * picture.shape[0] / picture.shape[1]), picture, sharp=False),
        ]
        corners = np.clip(these.boxes * scale, 1, side - 1) + np.tile([left, top], 2)
        for x0, y0, x1, y1 in corners:
            parts.append(svg.box(x0, y0, x1 - x0, y1 - y0, "none", BLACK, 4))
            parts.append(svg.box(x0, y0, x1 - x0, y1 - y0, "none", "#FFD23F", 2))
        # Names come last, on top of all boxes.
        for (x0, y0, *_), score, label in zip(corners, these.scores, these.labels, strict=True):
            if these is kept:
                parts.append(svg.text(x0 + 5, y0 + 16, f"{spoken(classes[label])} {score:.0%}", 12.5, BLACK, halo=True))
    named = ", ".join(f"{spoken(classes[k])} {score:.0%}" for k, score in zip(kept.labels, kept.scores, strict=True))
    title = "Of the boxes that overlap, the best one stays"
    svg.show(
        svg.sheet(title, 2 * side + 44, 84 + round(side * picture.shape[0] / picture.shape[1]), *parts),
        f"{title}. A table twice: on the left with all {len(found.scores)} boxes, on the right with the {len(kept.scores)} that "
        f"non-maximum suppression keeps: {named}.",
    )


def energy_decomposed(errors: dict[str, float], title: str) -> None:
    """Draw mean absolute errors in kcal as bars.

    Parameters
    ----------
    errors : dict of str to float
        What was done, and the error that is left.
    title : str
        What the figure says.
    """
    top = max(errors.values())
    colors = (GRAY, BLUE, ORANGE, PURPLE, "#9A9A9A", "#C4C4C4")
    words = [f"{value:.0f} kcal" for value in errors.values()]
    lengths = [330 * value / top for value in errors.values()]
    drawn = bars(270, 41, errors, lengths, words, [colors[n % len(colors)] for n in range(len(errors))], 42, 28)
    told = ", ".join(f"{name} {word}" for name, word in zip(errors, words, strict=True))
    svg.show(
        svg.sheet(title, 690, 58 + 42 * len(errors), drawn),
        f"{title}. Mean absolute error of a plate's energy: {told}.",
    )


# --- the Nutri-Score --------------------------------------------------------------------------------------------------

#: The letters' colors go from green to red on packages; here they differ in lightness as well, and the letter itself tells.
_LETTERS = {"A": "#00733E", "B": "#56B08C", "C": "#F0D442", "D": "#E69F00", "E": "#C8500A"}
_SLIDERS = (
    ("kj", "energy (kJ)", 0, 3700, 10),
    ("sugars_g", "sugars (g)", 0, 60, 0.2),
    ("saturated_fat_g", "sat. fat (g)", 0, 12, 0.1),
    ("salt_g", "salt (g)", 0, 4.4, 0.05),
    ("protein_g", "protein (g)", 0, 32, 0.2),
    ("fibre_g", "fiber (g)", 0, 9, 0.1),
    ("fruit_veg", "fruit, veg. (%)", 0, 100, 1),
)


def draw_nutri_score(score) -> str:
    """Draw a score's letter on its scale, and its points as bars.

    Parameters
    ----------
    score : introdl.mealomi.NutriScore

    Returns
    -------
    str
        SVG.
    """
    parts = []
    for number, (letter, color) in enumerate(_LETTERS.items()):
        here = letter == score.letter
        x, y, side = 14 + 62 * number, (44 if here else 52), (56 if here else 40)
        ink = BLACK if letter in "BCD" else "#fff"
        edge = BLACK if here else "none"
        parts += [
            svg.box(x + (56 - side) / 2, y, side, side, color, edge, 2.5, 8, 1 if here else 0.45),
            svg.text(
                x + 28,
                y + side / 2 + (11 if here else 8),
                letter,
                30 if here else 22,
                ink if here else BLACK,
                "middle",
                bold=True,
            ),
        ]
    ranges = (("A", "to 0"), ("B", "1, 2"), ("C", "3 to 10"), ("D", "11 to 18"), ("E", "from 19"))
    for number, (_, words) in enumerate(ranges):
        parts.append(svg.text(42 + 62 * number, 118, words, 12, "#333", "middle"))
    y = 150
    for heading, favourable, color in (("unfavorable", False, VERMILION), ("favorable", True, BLUE)):
        parts.append(svg.text(14, y, heading, 13, "#A84300" if color == VERMILION else BLUE, bold=True))
        y += 10
        for item in score.items:
            if item.favourable != favourable:
                continue
            amount = f"{svg.short(item.value)} {item.unit}"
            parts += [svg.text(14, y + 15, item.name, 13), svg.text(236, y + 15, amount, 13, "#333", "end")]
            for point in range(item.most):
                fill = (color if item.counted else "#B8B8B8") if point < item.points else "#F0F0F0"
                parts.append(svg.box(248 + 14 * point, y + 3, 11, 15, fill, "#C8C8C8", 0.6))
            words = f"{item.points}" + ("" if item.counted else ", not counted")
            parts.append(svg.text(254 + 14 * item.most, y + 15, words, 13, bold=True))
            y += 24
        y += 16
    return svg.sheet(
        f"{score.unfavourable} unfavorable − {score.favourable} favorable points = {svg.short(score.score)}: "
        f"Nutri-Score {score.letter}",
        640,
        y,
        *parts,
    )


def nutri_explorer(dish: str = "pizza") -> None:
    """Move the seven nutrients of 100 g, and see points and letter follow.

    Parameters
    ----------
    dish : str
        Where it begins.
    """
    import ipywidgets as widgets

    from introdl.mealomi import dishes, nutri_score, per_100g
    from introdl.mealomi.nutriscore import RED_MEAT

    def amounts(name):
        row = {**per_100g(name)}
        row["fruit_veg"] = 100 * row["fruit_veg_share"]
        # A slider of whole numbers cuts off what it is given; 16.6 % should read 17.
        return [round(row[key]) if isinstance(step, int) else row[key] for key, _, _, _, step in _SLIDERS]

    style = {"description_width": "104px"}
    start = interactive.choice("start from", [(spoken(name), name) for name in dishes()], dish, 330)
    meat = interactive.tick("red meat", dish in RED_MEAT, width=120)
    sliders = {
        key: interactive.slider(
            words,
            low,
            high,
            value,
            step,
            readout_format=".0f" if step >= 1 else ".1f" if step >= 0.1 else ".2f",
            style=style,
        )
        for (key, words, low, high, step), value in zip(_SLIDERS, amounts(dish), strict=True)
    }

    def restart(_change):
        for slider, value in zip(sliders.values(), amounts(start.value), strict=True):
            slider.value = value
        meat.value = start.value in RED_MEAT

    start.observe(restart, names="value")

    def draw(red_meat, fruit_veg, salt_g, **row):
        facts = {**row, "sodium_mg": salt_g * 400, "fruit_veg_share": fruit_veg / 100}
        return draw_nutri_score(nutri_score(facts, red_meat=red_meat))

    def arranged(controls, view):
        row = {"display": "flex", "flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px 12px"}
        return widgets.VBox([widgets.Box([start, meat, *sliders.values()], layout=row), view])

    explore(
        draw,
        {"red_meat": meat, **sliders},
        f"The Nutri-Score of 100 g of {spoken(dish)}: the letters A to E with the food's own marked, and below them the points "
        "for energy, sugars, saturated fat and salt, which count against it, and for protein, fiber, fruit and vegetables, which "
        "count for it.",
        arranged,
    )


# --- known and unknown ------------------------------------------------------------------------------------------------


def known_and_unknown(panels: dict[str, dict], title: str) -> None:
    """Draw histograms of scores: plates that are known above, other pictures below, the threshold between.

    Parameters
    ----------
    panels : dict of str to dict
        For each score's name: ``food`` (N,), ``others`` (a dict of name to scores), ``threshold``.
    title : str
        What the figure says.
    """
    import matplotlib.pyplot as plt

    figure, columns = plt.subplots(1, len(panels), figsize=(7.4 if len(panels) > 1 else 6.2, 4.6))
    for axes, (name, panel) in zip(np.atleast_1d(columns), panels.items(), strict=True):
        rows = {"test plates": panel["food"], **panel["others"]}
        every = np.concatenate(list(rows.values()))
        edges = np.linspace(np.quantile(every, 0.002), every.max() + 1e-6, 41)
        for number, (words, scores) in enumerate(rows.items()):
            heights = np.histogram(np.clip(scores, edges[0], None), edges)[0] / len(scores)
            base = -number
            axes.fill_between(
                edges,
                base,
                base + 0.6 * np.append(heights, heights[-1]) / heights.max(),
                step="post",
                color=BLUE if number == 0 else ORANGE,
                linewidth=0,
            )
            stays = np.mean(scores >= panel["threshold"])
            told = f"{1 - stays:.0%} turned away" if number == 0 else f"{stays:.0%} let in"
            axes.text(
                edges[0],
                base + 0.63,
                f"{words}: {told}",
                fontsize=9.5,
                va="bottom",
                color=BLUE if number == 0 else "#8A5F00",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
                zorder=4,
            )
        axes.axvline(panel["threshold"], color=BLACK, linewidth=1.4, linestyle="--")
        axes.set_yticks([])
        axes.set_ylim(1 - len(rows) - 0.1, 1.35)
        axes.grid(False)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(name)
    figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold")
    figure.tight_layout(w_pad=2.5)
    told = []
    for name, panel in panels.items():
        each = [f"{words} {np.mean(s >= panel['threshold']):.0%} let in" for words, s in panel["others"].items()]
        told.append(
            f"by {name}: test plates {np.mean(panel['food'] < panel['threshold']):.0%} turned away, " + ", ".join(each)
        )
    show(figure, f"{title}. Histograms, with the threshold as a dashed line; {'; '.join(told)}.")


#: What the recorded scores are called in the chapter.
SCORES = {
    "max softmax": "the largest probability",
    "early distance": "the distance in the first stages",
    "app": "the app, which asks both",
}


def unusual_recorded(runs: list[dict]) -> None:
    """Draw which share of each kind of picture two scores notice, and the app that asks both, as recorded.

    Parameters
    ----------
    runs : list of dict
        Of the record ``unusual``: ``kind``, ``pictures`` and ``noticed`` by score.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 0.42 * len(runs) + 1.5))
    y = np.arange(len(runs))[::-1]
    shares = {score: np.array([100 * run["noticed"][score] for run in runs]) for score in SCORES}
    one, other, _ = shares.values()
    axes.hlines(y, np.minimum(one, other), np.maximum(one, other), color="#BDBDBD", linewidth=1.5, zorder=2)
    looks = (
        {"color": BLUE, "marker": "o", "s": 58},
        {"color": VERMILION, "marker": "s", "s": 50},
        {"facecolor": "none", "edgecolor": BLACK, "marker": "D", "s": 118, "linewidth": 1.6},
    )
    for (score, words), look in zip(SCORES.items(), looks, strict=True):
        axes.scatter(shares[score], y, label=words, zorder=3, clip_on=False, **look)
    kinds = [run["kind"] for run in runs]
    axes.set_yticks(y, [f"{kind} ({run['pictures']})" for kind, run in zip(kinds, runs, strict=True)])
    axes.set(xlabel="turned away (%)", xlim=(-3, 103), ylim=(-0.6, len(runs) - 0.4))
    both = (one < other).any() and (other < one).any()
    title = "What one score misses, the other may notice" if both else "Neither score notices everything"
    axes.set_title(title, x=0)
    axes.legend(loc="upper center", bbox_to_anchor=(0.28, -0.16 if len(runs) > 6 else -0.3), ncols=2)
    each = [
        f"{kind} " + ", ".join(f"{run['noticed'][score]:.0%} by {words}" for score, words in SCORES.items())
        for kind, run in zip(kinds, runs, strict=True)
    ]
    show(figure, f"Share of pictures of each kind that are turned away: {'; '.join(each)}.")


# --- the diary, and recommendations -------------------------------------------------------------------------------------


def days(totals: dict[str, float], reference: float = 2000.0) -> None:
    """Draw a diary's totals as bars, one for each day.

    Parameters
    ----------
    totals : dict of str to float
        kcal by ISO date, without gaps.
    reference : float
        An adult's reference intake in kcal, drawn as a line.
    """
    from datetime import date

    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.0, 3.1))
    names = [date.fromisoformat(day).strftime("%a\n%d %b") for day in totals]
    values = list(totals.values())
    axes.bar(range(len(values)), values, color=BLUE, width=0.62)
    for x, value in enumerate(values):
        axes.text(
            x,
            value + 40,
            f"{value:.0f}" if value else "nothing\nnoted",
            ha="center",
            fontsize=10,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
    axes.axhline(reference, color=BLACK, linewidth=1.2, linestyle="--")
    axes.text(2, reference + 45, f"reference intake: {reference:.0f} kcal", fontsize=10)
    axes.set_xticks(range(len(values)), names)
    axes.set(ylabel="energy (kcal)", ylim=(0, 1.25 * max([*values, reference])))
    axes.grid(axis="x", visible=False)
    axes.set_title("A day without a meal has a bar, too, of height 0")
    told = ", ".join(f"{name} {value:.0f}".replace("\n", " ") for name, value in zip(names, values, strict=True))
    show(figure, f"Bar chart of the energy noted on each day in kcal: {told}.")


def recommended(liked: list[tuple], rows: dict[str, list[tuple]]) -> None:
    """Show liked plates, and below them what each rule recommends.

    Parameters
    ----------
    liked : list of (numpy.ndarray, str)
        Pictures and their words.
    rows : dict of str to list of (numpy.ndarray, str)
        For each rule its recommendations, the best first.
    """
    every = {"she liked": liked, **rows}
    told = "; ".join(f"{words}: {', '.join(name for _, name in row)}" for words, row in every.items())
    drawing = tile.sheet("What she liked, and what is recommended", list(every.items()), side=128, sharp=False)
    svg.show(drawing, f"Rows of plates. {told}.")
