"""Figures of chapter 09: augmented plates, mistakes looked at, and what each part of the recipe buys."""

from __future__ import annotations

import statistics

import numpy as np

from introdl.figures import interactive, svg, tile
from introdl.figures.interactive import explore
from introdl.figures.panel import Panel
from introdl.figures.regression_classification import confusion  # noqa: F401  (this chapter's figure too)
from introdl.figures.style import BLACK, BLUE, GRAY, VERMILION
from introdl.wording import spoken

#: Color with which a blanked square and what lies outside of a plate's picture is shown: the training set's mean.
MEAN, STD = np.array([0.5, 0.5, 0.5]), np.array([0.25, 0.25, 0.25])


def augmented(picture: np.ndarray, how, n: int, seed: int) -> np.ndarray:
    """Change one picture `n` times as training does, and turn it back into bytes.

    Parameters
    ----------
    picture : numpy.ndarray
        uint8, (H, W, 3).
    how : introdl.training.Augment
        How much.
    n, seed : int
        How many, and of the draws.

    Returns
    -------
    numpy.ndarray
        uint8, (n, H, W, 3). A blanked square is gray.
    """
    import torch

    from introdl.training import augment, draw

    generator = torch.Generator().manual_seed(seed)
    batch = torch.from_numpy(np.ascontiguousarray(picture)).expand(n, *picture.shape)
    x = augment(batch, draw(n, how, generator), how, MEAN, STD).permute(0, 2, 3, 1).numpy()
    return (np.clip(x * STD + MEAN, 0, 1) * 255).round().astype(np.uint8)


def augmented_grid(picture, dish: str, how, seed: int = 0) -> None:
    """Show one plate as it is, and eleven times as the network meets it."""
    pictures = [picture, *augmented(picture, how, 11, seed)]
    svg.show(
        tile.sheet(f"A plate of {spoken(dish)}, and eleven changed copies", tile.in_rows(pictures, 6), sharp=False),
        f"A picture of {spoken(dish)} and eleven changed copies: mirrored, turned, moved, larger or smaller, in other colors, each "
        "with a gray square somewhere.",
    )


def augmentation_explorer(pictures, names) -> None:
    """Set how much plates are changed, and see twelve that come of one."""

    from introdl.training import Augment

    def draw(plate, rotate, shift, scale, color, cutout, flip, seed):
        how = Augment(flip, rotate, shift, scale, color, cutout)
        made = augmented(pictures[plate], how, 11, seed)
        return tile.sheet(
            "First the plate as it is. Which of the others would you still name correctly?",
            tile.in_rows([pictures[plate], *made], 6),
            sharp=False,
        )

    def slider(name, most, value, step):
        return interactive.slider(name, 0, most, value, step, 300, continuous_update=False)

    explore(
        draw,
        {
            "plate": interactive.choice("plate", [(spoken(name), k) for k, name in enumerate(names)], width=240),
            "rotate": slider("turn (°)", 90, 15, 5),
            "shift": slider("move", 0.5, 0.1, 0.05),
            "scale": slider("size", 0.6, 0.2, 0.05),
            "color": slider("color", 1, 0.2, 0.05),
            "cutout": slider("square", 0.8, 0.3, 0.05),
            "flip": interactive.tick("mirror", True, width=90),
            "seed": interactive.slider("draws", 0, 20, 0, 1, 300),
        },
        "A plate and eleven changed copies of it; sliders set how far they are turned, moved, scaled, tinted and covered.",
    )


def schedule(factors, warmup: float) -> None:
    """Draw by what the highest learning rate is multiplied at each step of a run."""
    import matplotlib.pyplot as plt

    from introdl.figures.style import show

    figure, axis = plt.subplots(figsize=(6.4, 2.9), layout="constrained")
    axis.plot(np.arange(len(factors)), factors, color=BLUE)
    axis.axvspan(0, warmup * len(factors), color="#F3F0E6")
    axis.text(warmup * len(factors) / 2, 0.04, "warm-up", ha="center", color="#6B5A00")
    axis.set(
        xlabel="step",
        ylabel="share of the highest rate",
        title="Warm-up and cosine: up quickly, down slowly",
        ylim=(0, 1.05),
    )
    show(
        figure,
        f"The rate rises in a straight line over {warmup:.0%} of {len(factors)} steps, then falls as a cosine to 0.",
    )


def range_test(found, chosen: float) -> None:
    """Draw the loss of a learning-rate range test, and mark the lowest point and the rate that was chosen.

    Parameters
    ----------
    found : list of (float, float)
        As `introdl.training.range_test` returns it.
    chosen : float
        The learning rate of the recipe.
    """
    import matplotlib.pyplot as plt

    from introdl.figures.style import show

    rates, losses = zip(*found, strict=True)
    lowest = min(range(len(losses)), key=losses.__getitem__)
    figure, axis = plt.subplots(figsize=(6.4, 3.0), layout="constrained")
    axis.semilogx(rates, losses, color=BLUE)
    axis.plot(rates[lowest], losses[lowest], "o", color=VERMILION)
    axis.annotate(
        f"lowest at {rates[lowest]:.2g}",
        (rates[lowest], losses[lowest]),
        (0, -16),
        textcoords="offset points",
        ha="center",
        color=VERMILION,
    )
    axis.axvline(chosen, color=GRAY, linestyle="--")
    axis.text(0.94 * chosen, max(losses), f"the recipe's {chosen:g} ", ha="right", va="top", color=GRAY)
    axis.margins(y=0.18)
    axis.set(xlabel="learning rate", ylabel="loss, smoothed", title="Too small, useful, too large")
    show(
        figure,
        f"The smoothed loss of a range test: it begins at {losses[0]:.2f} with a learning rate of {rates[0]:.1g}, is lowest, "
        f"{losses[lowest]:.2f}, at {rates[lowest]:.2g}, and ends at {losses[-1]:.2f} with {rates[-1]:.2g}. The recipe has {chosen:g}.",
    )


def mistakes(pictures, labels, probabilities, chosen, dishes) -> None:
    """Show plates with their true dish, the dish that was named, and how confident the network was.

    Parameters
    ----------
    pictures : numpy.ndarray
        uint8, (N, H, W, 3).
    labels : numpy.ndarray
        int64, (N,).
    probabilities : numpy.ndarray
        (N, K).
    chosen : sequence of int
        Which plates, in order.
    dishes : sequence of str
        K names.
    """
    named = probabilities.argmax(axis=1)
    if not len(chosen):
        print("There is no mistake to look at.")
        return
    captions = [
        f"{spoken(dishes[labels[k]])}\nnamed {spoken(dishes[named[k]])}\n{probabilities[k, named[k]]:.0%} confident"
        for k in chosen
    ]
    rows = tile.in_rows([(pictures[k], words) for k, words in zip(chosen, captions, strict=True)], 6)
    told = "; ".join(words.replace("\n", ", ") for words in captions)
    title = "The mistakes in which the network is most confident"
    svg.show(
        tile.sheet(title, rows, sharp=False, inks=(BLACK, "#A84300", GRAY)), f"Pictures that were named wrong: {told}."
    )


def ablation(record: dict, kind: str = "val_accuracy") -> None:
    """Draw how much each arm of the ablation differs from the full recipe: every seed a dot, the mean with its error.

    Parameters
    ----------
    record : dict
        As `introdl.experiments.records.load` returns it.
    kind : str
        What to compare: "val_accuracy" or "test_accuracy".
    """
    gains, _ = ablation_gains(record, kind)
    plates = "validation" if kind.startswith("val") else "test"
    names = list(gains)
    left, top, step = 330, 84, 34
    values = [v for each in gains.values() for v in each]
    low, high = min(-3.0, *values) - 0.8, max(3.0, *values) + 0.8
    panel = Panel(left, top, 350, step * len(names), (low, high), (0, 1))
    seeds = max(len(each) for each in gains.values())
    parts = [
        svg.title("What changes when a part is left out, or the run is longer"),
        svg.subtitle(f"{plates} accuracy minus the full recipe's with the same seed; {seeds} seeds"),
        svg.text(
            8, 62, "dots: seeds; bar: their mean; line: one standard error of the mean to each side", 12.5, "#444"
        ),
    ]
    every = 2 if high - low < 16 else 5
    ticks = range(int(np.ceil(low / every)) * every, int(high) + 1, every)
    for tick in ticks:
        x = float(panel.x(tick))
        parts.append(svg.line(x, top, x, top + step * len(names), "#D5D5D5" if tick else BLACK, 1 if tick else 1.4))
        parts.append(svg.text(x, top + step * len(names) + 18, f"{tick:+d}" if tick else "0", 12, "#333", "middle"))
    parts.append(svg.note(left + 175, top + step * len(names) + 38, "percentage points", "middle"))
    for row, name in enumerate(names):
        y, mean = top + step * (row + 0.5), statistics.fmean(gains[name])
        zero, end = float(panel.x(0)), float(panel.x(mean))
        parts.append(svg.text(left - 12, y + 4, _short(name), 12.5, BLACK, "end"))
        parts.append(
            svg.box(min(zero, end), y - 8, abs(end - zero), 16, BLUE if mean >= 0 else VERMILION, opacity=0.75)
        )
        if len(gains[name]) > 1:
            error = statistics.stdev(gains[name]) / len(gains[name]) ** 0.5
            parts.append(svg.line(panel.x(mean - error), y + 10, panel.x(mean + error), y + 10, BLACK, 2))
        parts += [svg.circle(float(panel.x(v)), y, 3.6, BLACK) for v in gains[name]]
    told = "; ".join(f"{name} {statistics.fmean(v):+.1f}" for name, v in gains.items())
    svg.show(
        svg.canvas(720, top + step * len(names) + 50, *parts),
        f"Mean change of the {plates} accuracy in percentage points: {told}.",
    )


def ablation_gains(record: dict, kind: str = "test_accuracy") -> tuple[dict[str, list[float]], float]:
    """Return what each arm changes, seed by seed, and how much seeds change the full recipe, in percentage points."""
    found: dict[str, dict[int, float]] = {}
    for run in record["runs"]:
        if kind in run:
            found.setdefault(run["arm"], {})[run["seed"]] = 100 * run[kind]
    full = found.pop("full recipe")
    gains = {
        name: [value - full[seed] for seed, value in sorted(by_seed.items()) if seed in full]
        for name, by_seed in found.items()
    }
    noise = statistics.stdev(full.values()) if len(full) > 1 else 0.0
    return {name: values for name, values in gains.items() if values}, noise


def _short(name: str) -> str:
    for words, short in (
        ("batch normalization", "batch norm"),
        ("a quarter of the learning rate", "lr / 4"),
        ("twice the learning rate", "lr x 2"),
        ("first weights", "weights"),
    ):
        name = name.replace(words, short)
    return name
