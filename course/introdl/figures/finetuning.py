"""Figures of chapter 11: the residual block, what freezing leaves, learning curves, recorded runs, a map of features."""

from __future__ import annotations

import html

import numpy as np

from introdl.experiments import records
from introdl.figures import interactive, style, svg, tile
from introdl.figures.grid import mix
from introdl.figures.guesses import percent
from introdl.figures.interactive import explore
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, VERMILION
from introdl.wording import spoken

_ARMS = {"fine-tuned": (BLUE, "o"), "frozen": ("#00654A", "s"), "scratch": (VERMILION, "^")}
_NAMES = {"fine-tuned": "fine-tuned", "frozen": "frozen", "scratch": "from scratch"}


# --- the residual block ------------------------------------------------------------------------------------------------


def _layer(x, y, words, fill, width=150, height=34, note="") -> str:
    return "".join(
        [
            svg.box(x - width / 2, y, width, height, fill, "#8A8A8A", 1, 5),
            svg.text(x, y + (15 if note else 22), words, 13, BLACK, "middle", bold=True),
            svg.text(x, y + 28, note, 11, "#333", "middle") if note else "",
        ]
    )


def _block(x, stride, before, after, title) -> str:
    projected = stride != 1 or before != after
    ways = [
        svg.text(x - 130, 28, title, 14, bold=True),
        svg.note(x + 8, 62, f"x: {before} channels"),
        svg.arrow(x, 48, x, 92),
        _layer(x, 92, "conv1", mix(BLUE, 0.25), note=f"3 x 3, stride {stride}"),
        svg.arrow(x, 126, x, 144),
        _layer(x, 144, "bn1, ReLU", mix(ORANGE, 0.3)),
        svg.arrow(x, 178, x, 196),
        _layer(x, 196, "conv2", mix(BLUE, 0.25), note="3 x 3, stride 1"),
        svg.arrow(x, 230, x, 248),
        _layer(x, 248, "bn2", mix(ORANGE, 0.3)),
        svg.arrow(x, 282, x, 306),
        svg.circle(x, 319, 13, "#fff", BLACK, 2),
        svg.text(x, 325, "+", 18, BLACK, "middle", bold=True),
        svg.arrow(x, 332, x, 352),
        _layer(x, 352, "ReLU", mix(ORANGE, 0.3)),
        svg.arrow(x, 386, x, 412),
        svg.note(x + 8, 406, f"{after} channels" + (", half the size" if stride == 2 else "")),
        svg.line(x, 76, x + 165, 76, VERMILION, 2.5),
        svg.line(x + 165, 76, x + 165, 319, VERMILION, 2.5),
        svg.arrow(x + 165, 319, x + 14, 319, VERMILION, 2.5),
    ]
    if projected:
        ways.append(_layer(x + 165, 170, "downsample", mix(VERMILION, 0.25), 130, 44, "1 x 1, stride 2; bn"))
    else:
        ways.append(svg.text(x + 172, 196, "x itself", 12.5, "#A84300"))
    return "".join(ways)


def residual_blocks() -> None:
    """Draw the two kinds of basic block side by side."""
    parts = [
        _block(160, 1, 64, 64, "the shape stays: x goes around"),
        _block(530, 2, 64, 128, "it changes: x is projected"),
    ]
    svg.show(
        svg.canvas(770, 424, *parts),
        "Two residual blocks. In both, x goes through conv1, bn1, ReLU, conv2 and bn2, and a second path leads around them to a plus; "
        "after the plus comes a ReLU. On the left the second path is x itself. On the right, where channels double and the size "
        "halves, it is a 1 x 1 convolution with stride 2 and a BatchNorm.",
    )


# --- where the parameters are ------------------------------------------------------------------------------------------


def layer_parameters(num_classes: int, widths=(64, 128, 256, 512)) -> dict[str, int]:
    """Return how many parameters each part of a ResNet-18 has: ``stem``, ``layer1`` to ``layer4``, ``fc``."""
    found = {"stem": 3 * 49 * widths[0] + 2 * widths[0]}
    before = widths[0]
    for number, after in enumerate(widths, 1):
        count = 9 * before * after + 3 * 9 * after * after + 8 * after
        if number > 1:
            count += before * after + 2 * after
        found[f"layer{number}"], before = count, after
    found["fc"] = before * num_classes + num_classes
    return found


_DEPTHS = (
    ("fc alone", 1),
    ("and layer4", 2),
    ("and layer3", 3),
    ("and layer2", 4),
    ("and layer1", 5),
    ("all layers", 6),
)


def _bars(num_classes: int, learn: int, pictures: int) -> str:
    counts = layer_parameters(num_classes)
    names, total = list(counts), sum(counts.values())
    asleep = names[: len(names) - learn]
    trained = total - sum(counts[name] for name in asleep)
    most = max(counts.values())
    parts = [
        svg.title(f"{trained:,} of {total:,} parameters learn: {trained / total:.1%}"),
        svg.subtitle(
            f"{num_classes} classes with {pictures} pictures each: {trained / (num_classes * pictures):,.0f} "
            "learning parameters for each picture"
        ),
    ]
    for row, (name, count) in enumerate(counts.items()):
        y, frozen = 66 + 34 * row, name in asleep
        fill = "#D9D9D9" if frozen else mix(BLUE, 0.75)
        width = max(3.0, 400 * count / most)
        parts += [
            svg.text(78, y + 17, name, 13, BLACK, "end", bold=not frozen),
            svg.box(88, y, width, 24, fill, "#8A8A8A"),
            svg.note(96 + width, y + 17, f"{count:,}" + (" (frozen)" if frozen else "")),
        ]
    return svg.canvas(720, 66 + 34 * len(counts) + 12, *parts)


def freeze_explorer(num_classes: int = 8) -> None:
    """Show which parameters learn, by how far down the network they are let learn."""

    controls = {
        "learn": interactive.stops("what learns", _DEPTHS, 1),
        "pictures": interactive.slider("per class", 5, 200, 20, 5, 340),
    }
    explore(
        lambda learn, pictures: _bars(num_classes, learn, pictures),
        controls,
        "Bars: how many parameters each part of a ResNet-18 has, frozen ones gray. Three quarters are in layer4; the head has "
        "about four thousand.",
    )


def _apart(heights: dict[str, float], gap: float) -> dict[str, float]:
    """Move labels' heights so far up that none lies on another."""
    placed: dict[str, float] = {}
    for name, height in sorted(heights.items(), key=lambda each: each[1]):
        placed[name] = max([height, *(other + gap for other in placed.values())])
    return placed


# --- curves ------------------------------------------------------------------------------------------------------------


def learning_curves(curves: dict[str, tuple], baseline: float | None = None) -> None:
    """Draw validation accuracy over the steps.

    Parameters
    ----------
    curves : dict of str to (sequence of int, sequence of float)
        Steps and accuracies (0 to 1) by arm: "fine-tuned", "scratch".
    baseline : float, optional
        The accuracy on a frozen backbone, drawn as a level.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import PercentFormatter

    style.use_style()
    figure, axis = plt.subplots(figsize=(7.0, 3.6), layout="constrained")
    last = max(steps[-1] for steps, _ in curves.values())
    ends = {arm: 100 * values[-1] for arm, (_, values) in curves.items()}
    for arm, (steps, values) in curves.items():
        color, marker = _ARMS[arm]
        axis.plot(steps, 100 * np.asarray(values), color=color, marker=marker)
    if baseline is not None:
        axis.plot([0, last], [100 * baseline] * 2, color=_ARMS["frozen"][0], linestyle="--")
        ends["frozen"] = 100 * baseline
    for arm, height in _apart(ends, 7).items():
        axis.text(last * 1.03, height, _NAMES[arm], color=_ARMS[arm][0], va="center", fontweight="bold")
    axis.set_xticks(curves[next(iter(curves))][0])
    axis.set(xlabel="step", ylabel="validation accuracy", xlim=(0, last * 1.22), ylim=(0, 100))
    axis.yaxis.set_major_formatter(PercentFormatter(decimals=0))
    first, final = ({arm: values[at] for arm, (_, values) in curves.items()} for at in (0, -1))
    gap = ""
    if {"fine-tuned", "scratch"} <= set(final):
        gap = f"{final['fine-tuned']:.0%} against {final['scratch']:.0%} after {last} steps"
    axis.set_title(f"Fine-tuned against from scratch: {gap}" if gap else "Validation accuracy")
    told = "; ".join(f"{_NAMES[arm]} from {first[arm]:.0%} to {final[arm]:.0%}" for arm in curves)
    level = f"; frozen {baseline:.0%}" if baseline is not None else ""
    style.show(figure, f"Validation accuracy over {last} steps: {told}{level}.")


# --- recorded runs -----------------------------------------------------------------------------------------------------


def summary(runs: list[dict], by=("arm", "per_class")) -> dict[tuple, tuple[float, float, int]]:
    """Return mean, sample standard deviation and number of the runs' test accuracies, by the given keys."""
    found: dict[tuple, list[float]] = {}
    for run in runs:
        found.setdefault(tuple(run.get(key) for key in by), []).append(run["test_accuracy"])
    return {key: (*records.spread(values), len(values)) for key, values in found.items()}


def recorded(record: dict) -> None:
    """Draw the recorded test accuracy against pictures per class, mean and spread over seeds."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import PercentFormatter

    style.use_style()
    found = summary(record["runs"])
    figure, axis = plt.subplots(figsize=(7.0, 4.2), layout="constrained")
    sizes = sorted({size for arm, size in found if arm in _ARMS})
    told, ends = [], {}
    for shift, (arm, (color, marker)) in zip((1.0, 0.985, 1.015), _ARMS.items(), strict=True):
        own = [size for size in sizes if (arm, size) in found]
        if not own:
            continue
        mean, spread = (np.array([100 * found[arm, size][which] for size in own]) for which in (0, 1))
        # A little to the side, so that bars do not hide each other.
        axis.errorbar(shift * np.array(own), mean, spread, color=color, marker=marker, capsize=4)
        ends[arm] = mean[-1]
        told.append(f"{_NAMES[arm]}: " + ", ".join(f"{m:.0f} % with {size}" for m, size in zip(mean, own, strict=True)))
    for arm, height in _apart(ends, 6).items():
        axis.text(sizes[-1] * 1.08, height, _NAMES[arm], color=_ARMS[arm][0], va="center", fontweight="bold")
    axis.set_xscale("log")
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.minorticks_off()
    axis.set(
        xlabel="training pictures of each class (logarithmic)",
        ylabel="test accuracy",
        ylim=(0, 100),
        xlim=(sizes[0] * 0.85, sizes[-1] * 1.75),
    )
    axis.yaxis.set_major_formatter(PercentFormatter(decimals=0))
    axis.set_title(_saved(found, sizes))
    seeds = sorted({run["seed"] for run in record["runs"]})
    least, most = (pick(n for key, (_, _, n) in found.items() if key[0] in _ARMS) for pick in (min, max))
    runs = f"{most} draws" if least == most else f"{least} to {most} draws"
    bars = "; bars: standard deviation" if most > 1 else ", one draw each: no spread"
    figure.supxlabel(f"eight specials, 64 x 64 pixels, {runs}{bars}", fontsize=9.5, color="#444", x=0.02, ha="left")
    style.show(
        figure, f"Test accuracy against training pictures of each class, {len(seeds)} seeds. " + ". ".join(told) + "."
    )


def _saved(found: dict, sizes: list[int]) -> str:
    """Say in a title how many pictures fine-tuning saves, where it can be read off."""
    own = [size for size in sizes if ("fine-tuned", size) in found and ("scratch", size) in found]
    saved = [
        (few, many)
        for few in own
        for many in own
        if few < many and found["fine-tuned", few][0] >= found["scratch", many][0]
    ]
    if not saved:
        return "Test accuracy against training pictures"
    few, many = max(saved, key=lambda pair: (pair[1] / pair[0], -pair[0]))
    return f"Fine-tuned with {few} pictures a class, as good as from scratch with {many}"


def recorded_photographs(record: dict) -> None:
    """Show the recorded runs on photographs as a table."""
    found = summary(record["runs"], ("set", "arm", "backbone", "per_class"))
    facts = {run["set"]: run for run in record["runs"]}
    arms = [
        ("scratch", "", "from scratch"),
        ("frozen", "plates", "frozen, our backbone"),
        ("fine-tuned", "plates", "fine-tuned, our backbone"),
        ("frozen", "imagenet", "frozen, ImageNet's"),
        ("fine-tuned", "imagenet", "fine-tuned, ImageNet's"),
    ]
    arms = [arm for arm in arms if any(key[1:3] == arm[:2] for key in found)]
    rows, told = [], []
    for name, fact in facts.items():
        for size in (20, "all"):
            cells = []
            for arm, backbone, words in arms:
                value = found.get((name, arm, backbone, size))
                if value is None:
                    cells.append("–")
                    continue
                mean, spread, n = value
                cells.append(f"{mean:.1%}" + (f" ± {spread:.1%}" if n > 1 else ""))
                told.append(f"{name}, {size} pictures, {words}: {mean:.1%}")
            if any(cell != "–" for cell in cells):
                what = f"{name}: {fact['classes']} classes, {fact['test_pictures']} test pictures"
                rows.append([what, "all" if size == "all" else str(size), *cells])
    head = ["photographs", "per class", *(words for _, _, words in arms)]
    line = "border-bottom:1px solid #CCC;padding:4px 10px;text-align:left"
    cells = "".join(f'<th style="{line}">{html.escape(word)}</th>' for word in head)
    body = "".join("<tr>" + "".join(f'<td style="{line}">{html.escape(c)}</td>' for c in row) + "</tr>" for row in rows)
    table = f'<table style="border-collapse:collapse;font-size:13px"><tr>{cells}</tr>{body}</table>'
    svg.show(
        svg.frame("Test accuracy on real photographs, 64 x 64 pixels", table),
        "A table of test accuracies. " + "; ".join(told) + ".",
    )


# --- a map of features -------------------------------------------------------------------------------------------------


def feature_map(points: np.ndarray, labels: np.ndarray, classes, title: str) -> None:
    """Draw points in the plane, one for each picture, with each class's name at its middle.

    Parameters
    ----------
    points : numpy.ndarray
        (N, 2).
    labels : numpy.ndarray
        int64 (N,).
    classes : sequence of str
        At most eight.
    title : str
        What it shows.
    """
    import matplotlib.patheffects as effects
    import matplotlib.pyplot as plt

    style.use_style()
    figure, axis = plt.subplots(figsize=(7.0, 4.6), layout="constrained")
    colors = (BLUE, "#B07A00", GREEN, VERMILION, "#A0528A", "#2A8CC7", "#8F8600", BLACK)
    width, height = np.ptp(points, axis=0)
    middles = [np.median(points[labels == k], axis=0) for k in range(len(classes))]
    placed: list[np.ndarray] = []
    for k in np.argsort([middle[1] for middle in middles]):
        axis.scatter(*points[labels == k].T, s=22, color=colors[k], marker="osD^vP*X"[k], alpha=0.75, linewidths=0)
        at = middles[k].copy()
        while any(abs(at[0] - o[0]) < 0.25 * width and abs(at[1] - o[1]) < 0.055 * height for o in placed):
            at[1] += 0.01 * height
        placed.append(at)
        halo = [effects.withStroke(linewidth=4, foreground="white")]
        word = spoken(classes[k])
        axis.text(*at, word, ha="center", va="center", fontweight="bold", color=colors[k], path_effects=halo)
    axis.set(xticks=[], yticks=[], xlabel="no unit: neighbors stay neighbors, long distances mean little", title=title)
    axis.grid(False)
    style.show(
        figure,
        f"A map of {len(points)} pictures by their features, one color for each of {', '.join(classes)}. {title}.",
    )


def named(pictures: np.ndarray, probabilities: np.ndarray, classes, title: str) -> None:
    """Show pictures with what a network takes them for, and how sure it is.

    Parameters
    ----------
    pictures : numpy.ndarray
        uint8, (N, H, W, 3).
    probabilities : numpy.ndarray
        (N, K).
    classes : sequence of str
        K names.
    title : str
    """
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    captions = [
        "\n".join(f"{spoken(classes[k])} {percent(float(row[k]))}" for k in two)
        for row, two in zip(probabilities, best, strict=True)
    ]
    rows = tile.in_rows(list(zip(pictures, captions, strict=True)), 6)
    told = "; ".join(words.replace("\n", ", ") for words in captions)
    svg.show(tile.sheet(title, rows, sharp=False, inks=(BLACK, GRAY)), f"Pictures with the two best guesses: {told}.")


def patches(picture: np.ndarray, side: int) -> None:
    """Draw a picture, and beside it the patches that a Vision Transformer cuts it into, numbered in their order.

    Parameters
    ----------
    picture : numpy.ndarray
        uint8, (H, W, 3), both multiples of `side`.
    side : int
        Height and width of a patch in pixels.
    """
    height, width = picture.shape[:2]
    rows, columns = height // side, width // side
    size, gap = 256 / columns, 10
    parts = [
        tile.image(14, 60, 256, 256 * height / width, picture),
        svg.arrow(282, 60 + 128 * height / width, 318, 60 + 128 * height / width, GRAY),
    ]
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        x, y = 330 + column * (size + gap), 60 + row * (size + gap)
        patch = picture[row * side : (row + 1) * side, column * side : (column + 1) * side]
        parts += [
            tile.image(x, y, size, size, patch),
            svg.text(x + 5, y + 16, str(number + 1), 13, BLACK, bold=True, halo=True),
        ]
    title = f"{height} x {width} pixels become {rows * columns} tokens"
    svg.show(
        svg.sheet(title, 344 + columns * (size + gap), 74 + rows * (size + gap), *parts),
        f"{title}: on the left a plate, on the right the same plate cut into {rows} rows of {columns} patches of {side} by {side} "
        f"pixels, numbered from the upper left to the lower right.",
    )
