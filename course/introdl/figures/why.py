"""Figures of chapter 00: the course, the ImageNet years, a picture as numbers, and what a network misses."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import numpy as np

from introdl.figures import svg, tile
from introdl.figures.grid import mix
from introdl.figures.guesses import guess_bars, in_words
from introdl.figures.interactive import buttons, choice, explore, slider
from introdl.figures.panel import Panel, bars
from introdl.figures.style import BLACK, BLUE, GRAY, GREEN, ORANGE, SKY, VERMILION
from introdl.wording import spoken

#: The course's parts, each with a color and its chapters: number, title, and what it gives to the app.
_PARTS = {
    "The question": (ORANGE, [
        ("00", "Why deep learning?", "a game against a network"),
        ("01", "Regression and classification", "by hand-made features"),
    ]),
    "The parts of a network": (SKY, [
        ("02", "Neurons and activations", "the smallest thing that decides"),
        ("03", "Convolution", "eyes: edges, spots, textures"),
        ("04", "Pooling and shapes", "from pixels to the whole plate"),
    ]),
    "Learning": (GREEN, [
        ("05", "Losses", "how wrong was that?"),
        ("06", "Backpropagation", "whose fault was it?"),
        ("07", "Stochastic gradient descent", "a little better, every step"),
    ]),
    "A real network": (BLUE, [
        ("08", "From NumPy to CUDA", "the same, much faster"),
        ("09", "A food CNN from scratch", "plate in, dish out"),
        ("10", "What the network sees", "looking over its shoulder"),
        ("11", "Fine-tuning", "new dishes from few pictures"),
    ]),
    "The app": (VERMILION, [
        ("12", "MealoMi", "dish, portion, energy, diary, advice"),
        ("13", "Faces and plates", "the same one, or another?"),
    ]),
}  # fmt: skip


def course_map() -> None:
    """Draw the fourteen chapters, grouped, with what each of them gives to the app."""
    parts, y = [], 44
    for name, (color, chapters) in _PARTS.items():
        height = 54 * ((len(chapters) + 1) // 2) + 10
        parts += [
            svg.box(14, y, 692, height, mix(color, 0.12), radius=6),
            svg.box(14, y, 7, height, color, radius=2),
        ]
        words = name.split(" ")
        lines = list(filter(None, (" ".join(words[:2]), " ".join(words[2:])))) if len(name) > 14 else [name]
        for number, line in enumerate(lines):
            middle = y + height / 2 + 5 + 18 * (number - (len(lines) - 1) / 2)
            parts.append(svg.text(30, middle, line, 13.5, svg.INK, bold=True))
        for number, (chapter, title, part) in enumerate(chapters):
            x, top = 150 + 278 * (number % 2), y + 8 + 54 * (number // 2)
            parts += [
                svg.box(x, top, 268, 46, "#FFFFFF", mix(color, 0.7), 1.2, 5),
                svg.text(x + 10, top + 29, chapter, 17, svg.INK, bold=True),
                svg.text(x + 42, top + 20, title, 13, svg.INK, bold=True),
                svg.text(x + 42, top + 37, part, 12, "#444"),
            ]
        y += height + 8
    told = "; ".join(
        f"{name}: " + ", ".join(f"{c[0]} {c[1]} ({c[2]})" for c in chapters) for name, (_, chapters) in _PARTS.items()
    )
    drawing = svg.sheet("Fourteen chapters, one app: each builds a part of MealoMi", 720, y + 4, *parts)
    svg.show(drawing, f"A map of the course in five groups. {told}.")


# --- the ImageNet years ---------------------------------------------------------------------------------------

#: Year, team, top-5 error in percent of the challenge's winner (no outside data), and whether it was a deep network.
WINNERS = (
    (2010, "NEC-UIUC", 28.2, False),
    (2011, "XRCE", 25.8, False),
    (2012, "AlexNet", 16.4, True),
    (2013, "Clarifai", 11.7, True),
    (2014, "GoogLeNet", 6.7, True),
    (2015, "ResNet", 3.6, True),
    (2016, "Trimps", 3.0, True),
    (2017, "SENet", 2.3, True),
)


def imagenet_chart(human: float = 5.1, less_trained: float = 12.0) -> None:
    """Draw the winners' top-5 errors, year by year, against two people.

    Parameters
    ----------
    human : float
        Top-5 error in percent of the better trained person.
    less_trained : float
        The same of the other one.
    """
    panel = Panel(62, 62, 524, 250, (2009.4, 2017.6), (0, 30))
    parts = [panel.axes([], range(0, 31, 5), "", "top-5 error (%)")]
    for value, photos in ((human, 500), (less_trained, 100)):
        x, y = panel.right + 6, panel.y(value)
        parts += [
            panel.level(value, VERMILION, 2, "7 5"),
            svg.text(x, y - 2, f"a person: {svg.fixed(value, 1)}", 12, "#A84300", bold=True),
            svg.text(x, y + 13, f"practiced on {photos} photos", 12, "#A84300"),
        ]
    by_hand, deep_net = ("#E4E4E4", GRAY, 1.5), (BLUE,)
    for year, team, error, deep in WINNERS:
        left, middle, right = panel.x([year - 0.33, year, year + 0.33])
        top = panel.y(error)
        parts += [
            svg.box(left, top, right - left, panel.bottom - top, *(deep_net if deep else by_hand)),
            svg.text(middle, top - 6, svg.fixed(error, 1), 13.5, BLACK, "middle", bold=True, halo=True),
            svg.note(middle, panel.bottom + 17, year, "middle"),
            svg.text(middle, panel.bottom + 33, team, 11.5, "#333", "middle"),
        ]
    for y, words, look in ((76, "features made by hand", by_hand), (98, "a deep network", deep_net)):
        parts += [svg.box(330, y, 14, 14, *look), svg.text(350, y + 12, words, 12.5)]
    told = ", ".join(f"{year} {team} {error}" for year, team, error, _ in WINNERS)
    title = "From 2012 on the winners are deep networks; in 2015 they pass a trained person"
    svg.show(
        svg.sheet(title, 740, 366, *parts),
        f"Bars: the winner's top-5 error in percent in the ImageNet challenge. {told}. Lines: a person trained on 500 "
        f"pictures, {human}, and one trained on 100, {less_trained}.",
    )


def verification_errors(errors: dict[str, float]) -> None:
    """Draw errors in percent as bars, one below the other.

    Parameters
    ----------
    errors : dict of str to float
        The error in percent by name.
    """
    most = 1.15 * max(errors.values())
    lengths = [380 * error / most for error in errors.values()]
    words = [f"{error:.2f} % wrong" for error in errors.values()]
    colors = [(GRAY, BLUE, ORANGE)[n % 3] for n in range(len(errors))]
    drawn = bars(236, 44, errors, lengths, words, colors, 44, 30)
    title = "On pairs of faces, DeepFace all but closes the gap to people"
    told = ", ".join(f"{name} {error:.2f}" for name, error in errors.items())
    drawing = svg.sheet(title, 720, 52 + 44 * len(errors), drawn)
    svg.show(drawing, f"Errors in percent on Labeled Faces in the Wild: {told}.")


# --- a picture is numbers -------------------------------------------------------------------------------------

_CHANNELS = (("red", 0, "#B00000"), ("green", 1, "#00654A"), ("blue", 2, "#00508A"))


def _raster(image, channel: int | None, x, y, width, height) -> str:
    """A picture, or one channel of it in gray, inside an SVG."""
    return tile.image(x, y, width, height, _only(image, channel), exact=None)


def _only(image, channel: int | None):
    """The picture with one channel alone, as a gray picture; None for all three."""
    return image if channel is None else np.repeat(image[..., channel : channel + 1], 3, axis=2)


def _pixel(x, y, values, channel: int | None) -> str:
    """One pixel as a large cell in its color, with its numbers: all three, or one."""
    level = values @ np.array([0.299, 0.587, 0.114]) if channel is None else values[channel]
    color = "#" + "".join(f"{int(v):02X}" for v in (values if channel is None else [level] * 3))
    ink = BLACK if level > 128 else "#FFFFFF"
    rows = ((15, values[0], 12), (29, values[1], 12), (43, values[2], 12)) if channel is None else ((30, level, 15),)
    words = (svg.text(x + 30, y + down, int(value), size, ink, "middle") for down, value, size in rows)
    return svg.box(x, y, 60, 48, color, "#FFFFFF", 1) + "".join(words)


def draw_window(image, row: int, column: int, channel: int | None, size: int = 6) -> str:
    """A plate with a small window on it, and the window's pixels with their numbers beside it.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, (H, W, 3).
    row, column : int
        The window's upper left pixel.
    channel : int or None
        0, 1 or 2 for red, green or blue; None for all three.
    size : int
        Pixels along an edge of the window.

    Returns
    -------
    str
        SVG.
    """
    height, width = image.shape[:2]
    row, column = min(max(row, 0), height - size), min(max(column, 0), width - size)
    scale, left, top = 288 / max(height, width), 346, 62
    name = "all three channels" if channel is None else f"the {_CHANNELS[channel][0]} channel"
    code = f"[{row}:{row + size}, {column}:{column + size}{'' if channel is None else f', {channel}'}]"
    window = 14 + column * scale - 2, top + row * scale - 2, size * scale + 4, size * scale + 4, "none"
    return svg.sheet(
        "A plate is a table of numbers, 0 to 255",
        720,
        top + 300,
        svg.note(14, 52, f"image: {height} rows, {width} columns, 3 channels"),
        _raster(image, channel, 14, top, scale * width, scale * height),
        svg.box(*window, "#fff", 4) + svg.box(*window, BLACK, 1.6),
        svg.note(left, 52, f"image{code}: {name}"),
        *(_pixel(left + 60 * j, top + 48 * i, image[row + i, column + j], channel) for i, j in np.ndindex(size, size)),
    )


def pixel_window(image, row: int = 60, column: int = 60, size: int = 6) -> None:
    """Show a plate on which its reader moves a small window, and the numbers in it.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, (H, W, 3).
    row, column : int
        Where the window begins.
    size : int
        Pixels along an edge of the window.
    """
    image = np.asarray(image)
    height, width = image.shape[:2]
    names = [("all three", None), *((name, number) for name, number, _ in _CHANNELS)]
    explore(
        lambda row, column, channel: draw_window(image, row, column, channel, size),
        {
            "row": slider("row", 0, height - size, row, width=290),
            "column": slider("column", 0, width - size, column, width=290),
            "channel": buttons("channel", names, width="80px"),
        },
        f"A plate on the left with a small square window on it; on the right the window's {size} times {size} pixels, "
        "each "
        "with its numbers from 0 to 255 for red, green and blue. Sliders move the window, buttons choose a channel.",
    )


def channels(image) -> None:
    """Draw a picture beside its three channels.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, (H, W, 3).
    """
    image, parts = np.asarray(image), []
    faces = [("image", None, svg.INK), *((f"image[:, :, {n}]: {name}", n, ink) for name, n, ink in _CHANNELS)]
    for number, (words, channel, ink) in enumerate(faces):
        x, shown = 14 + 176 * number, _only(image, channel)
        parts += [
            svg.text(x, 54, words, 12.5, ink, bold=True),
            _raster(image, channel, x, 62, 164, 164),
            svg.text(x, 244, f"{shown.min()} to {shown.max()}, mean {shown.mean():.0f}", 12, "#333"),
        ]
    svg.show(
        svg.sheet("Three gray pictures make a color picture", 720, 256, *parts),
        "A plate, and beside it its red, its green and its blue channel as gray pictures. Bright is where the plate "
        "has much "
        "of that color.",
    )


def before_and_after(images) -> None:
    """Draw how often each value occurs in red, green and blue, before and after standardizing.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    """
    x = np.asarray(images).reshape(-1, 3).astype(float)
    means, spreads = x.mean(axis=0), x.std(axis=0)
    styles = ((VERMILION, ""), (GREEN, "9 4"), (BLUE, "3 4"))
    views = (
        (x, (0, 255), range(0, 251, 50), "bytes, as they come", "share of the pixels"),
        ((x - means) / spreads, (-3.2, 3.2), range(-3, 4), "standardized", ""),
    )
    parts = []
    for number, (values, ends, ticks, title, label) in enumerate(views):
        shares = [np.histogram(values[:, c], bins=32, range=ends)[0] / len(values) * 100 for c in range(3)]
        panel = Panel(54 + 350 * number, 76, 296, 150, ends, (0, 1.12 * np.max(shares)))
        middles = np.linspace(*ends, 33)[:-1] + (ends[1] - ends[0]) / 64
        parts.append(panel.axes(ticks, [], "value", label, title, out=14))
        for c, (color, dash) in enumerate(styles):
            parts.append(panel.clip(panel.curve(middles, shares[c], color, 2.4, dash)))
            if not number:
                parts.append(panel.upright(means[c], color, 1.2, dash or "1 0"))
    told = []
    for c, ((name, _, _), (color, dash)) in enumerate(zip(_CHANNELS, styles, strict=True)):
        left = 60 + 96 * c
        parts += [svg.line(left, 284, left + 28, 284, color, 2.6, dash), svg.text(left + 34, 289, name, 12.5)]
        told.append(f"{name} mean {means[c]:.0f}, standard deviation {spreads[c]:.0f}")
    parts.append(svg.note(360, 289, "thin lines: each channel's mean"))
    svg.show(
        svg.sheet("Standardized, all three channels are centered on 0, with the same spread", 720, 300, *parts),
        f"Two panels with a curve for each channel. Left, as bytes: {', '.join(told)}. Right, standardized: all three "
        "are "
        "centered on 0 with standard deviation 1.",
    )


# --- what a network misses ------------------------------------------------------------------------------------


def missed(images, labels, probabilities, classes: Sequence[str]) -> None:
    """Show pictures that a network got wrong, with what each is and what it said.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3): the pictures, at most eight look well.
    labels : numpy.ndarray
        (N,) the right classes.
    probabilities : numpy.ndarray
        (N, K).
    classes : sequence of str
        The K names.
    """
    from IPython.display import HTML, display

    cards = []
    for image, label, p in zip(images, labels, probabilities, strict=True):
        is_a, said = (spoken(classes[int(k)]) for k in (label, np.argmax(p)))
        alt = f"A plate of {is_a}; the network says {said} with {100 * p.max():.0f} percent"
        caption = (
            f"is <strong>{html.escape(is_a)}</strong> ({100 * p[int(label)]:.0f} %)"
            f"<br>said {html.escape(said)} ({100 * p.max():.0f} %)"
        )
        cards.append(tile.captioned(tile.img(image, alt, 150, look="border-radius:4px"), caption, 150))
    body = tile.row(*cards)
    display(HTML(svg.frame("The network's worst misses: what it is, and what it said", body, 700)))


def change_bars(accuracies: dict[str, float], pictures: int) -> None:
    """Draw a network's accuracy under each change of its pictures, as bars.

    Parameters
    ----------
    accuracies : dict of str to float
        Share of right first guesses, 0 to 1, by the change's name; the first one is the unchanged pictures.
    pictures : int
        How many pictures each was measured on.
    """
    left, top, full, shares = 200, 62, 420, list(accuracies.values())
    bottom, first = top + 32 * len(shares), left + full * shares[0]
    words, colors = [f"{100 * share:.0f} %" for share in shares], [GREEN, *[BLUE] * (len(shares) - 1)]
    drawing = svg.sheet(
        "What changes that you would hardly notice do to the network",
        720,
        bottom + 12,
        svg.note(14, 48, f"accuracy of the first guess, on {pictures} test pictures"),
        svg.line(first, top, first, bottom, GRAY, 1.3, "4 4"),
        bars(left, top, accuracies, [full * share for share in shares], words, colors, bold=(0,)),
    )
    told = ", ".join(f"{name} {100 * share:.0f} percent" for name, share in accuracies.items())
    svg.show(drawing, f"Bars of the network's accuracy: {told}.")


def change_explorer(
    images,
    labels,
    classes: Sequence[str],
    changes: dict[str, Callable],
    predict: Callable,
) -> None:
    """Show a plate that its reader changes, and what the network says to it.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3): the plates to choose from.
    labels : numpy.ndarray
        (N,) their classes.
    classes : sequence of str
        The K names.
    changes : dict of str to callable
        What may be done to a batch of pictures, by name.
    predict : callable
        Takes pictures (N, H, W, 3) and returns probabilities (N, K).
    """

    def draw(plate, change):
        batch = np.ascontiguousarray(changes[change](np.asarray(images[plate : plate + 1])))
        said, label = predict(batch)[0], int(labels[plate])
        title = f"{change}: the first guess is {'right' if int(np.argmax(said)) == label else 'wrong'}"
        alt = f"The plate, {change}. The network says {in_words(classes, said)}."
        face = tile.img(batch[0], alt, 232, look="border-radius:6px")
        drawn = guess_bars(classes, said, label, 5, title, 400)
        return f'<div style="background:#fff;padding:6px">{tile.row(face, f"<div>{drawn}</div>", gap="8px 18px")}</div>'

    plates = [(f"{n + 1}: {spoken(classes[int(label)])}", n) for n, label in enumerate(labels)]
    explore(
        draw,
        {"plate": choice("plate", plates), "change": choice("change", changes)},
        "A plate, and the network's five best guesses as bars. One list chooses the plate, another what is done to it.",
    )
