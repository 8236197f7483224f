"""Figures of chapter 00: the course, the ImageNet years, a picture as numbers, and what a network misses."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import numpy as np

from introdl.data.showing import address
from introdl.figures import svg
from introdl.figures.guesses import guess_bars, in_words
from introdl.figures.interactive import explore
from introdl.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, SKY, VERMILION

_PARTS = (
    (
        "The question",
        ORANGE,
        (
            ("00", "Why deep learning?", "a game against a network"),
            ("01", "Regression and classification", "by hand-made features"),
        ),
    ),
    (
        "The parts of a network",
        SKY,
        (
            ("02", "Neurons and activations", "the smallest thing that decides"),
            ("03", "Convolution", "eyes: edges, spots, textures"),
            ("04", "Pooling and shapes", "from pixels to the whole plate"),
        ),
    ),
    (
        "Learning",
        GREEN,
        (
            ("05", "Losses", "how wrong was that?"),
            ("06", "Backpropagation", "whose fault was it?"),
            ("07", "Stochastic gradient descent", "a little better, every step"),
        ),
    ),
    (
        "A real network",
        BLUE,
        (
            ("08", "From NumPy to CUDA", "the same, much faster"),
            ("09", "A food CNN from scratch", "plate in, dish out"),
            ("10", "What the network sees", "looking over its shoulder"),
            ("11", "Fine-tuning", "new dishes from few pictures"),
        ),
    ),
    (
        "The app",
        VERMILION,
        (
            ("12", "MealoMi", "dish, portion, energy, diary, advice"),
            ("13", "Faces and plates", "the same one, or another?"),
        ),
    ),
)


def course_map() -> None:
    """Draw the fourteen chapters, grouped, with what each of them gives to the app."""
    parts = [svg.text(14, 26, "Fourteen chapters, one app: each builds a part of MealoMi", 15, bold=True)]
    y = 44
    for name, colour, chapters in _PARTS:
        rows = (len(chapters) + 1) // 2
        height = 54 * rows + 10
        parts += [
            svg.box(14, y, 692, height, svg.mix(colour, 0.12), radius=6),
            svg.box(14, y, 7, height, colour, radius=2),
        ]
        words = name.split(" ")
        lines = [" ".join(words[:2]), " ".join(words[2:])] if len(name) > 14 else [name]
        lines = [line for line in lines if line]
        for number, line in enumerate(lines):
            middle = y + height / 2 + 5 + 18 * (number - (len(lines) - 1) / 2)
            parts.append(svg.text(30, middle, line, 13.5, svg.INK, bold=True))
        for number, (chapter, title, part) in enumerate(chapters):
            x, top = 150 + 278 * (number % 2), y + 8 + 54 * (number // 2)
            parts += [
                svg.box(x, top, 268, 46, "#FFFFFF", svg.mix(colour, 0.7), 1.2, 5),
                svg.text(x + 10, top + 29, chapter, 17, svg.INK, bold=True),
                svg.text(x + 42, top + 20, title, 13, svg.INK, bold=True),
                svg.text(x + 42, top + 37, part, 12, "#444"),
            ]
        y += height + 8
    told = "; ".join(
        f"{name}: " + ", ".join(f"{c[0]} {c[1]} ({c[2]})" for c in chapters) for name, _, chapters in _PARTS
    )
    svg.show(svg.canvas(720, y + 4, *parts), f"A map of the course in five groups. {told}.")


# --- the ImageNet years ---------------------------------------------------------------------------------------

#: Year, team, top-5 error in percent of the challenge's winner, with no outside data; and whether it was a deep network.
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
    panel = svg.Panel(62, 62, 524, 250, (2009.4, 2017.6), (0, 30))
    parts = [
        svg.text(
            14, 26, "From 2012 on the winners are deep networks; in 2015 they pass a trained person", 15, bold=True
        ),
        panel.axes([], [0, 5, 10, 15, 20, 25, 30], "", "top-5 error (%)"),
    ]
    for value, words in ((human, "practised on 500"), (less_trained, "practised on 100")):
        y = float(panel.y(value))
        parts += [
            svg.line(panel.left, y, panel.left + panel.width, y, VERMILION, 2, "7 5"),
            svg.text(panel.left + panel.width + 6, y - 2, f"a person: {svg.fixed(value, 1)}", 12, "#A84300", bold=True),
            svg.text(panel.left + panel.width + 6, y + 13, f"{words} photos", 12, "#A84300"),
        ]
    for year, team, error, deep in WINNERS:
        left, right = float(panel.x(year - 0.33)), float(panel.x(year + 0.33))
        top, bottom = float(panel.y(error)), float(panel.y(0))
        fill, edge = (BLUE, "none") if deep else ("#E4E4E4", GREY)
        parts += [
            svg.box(left, top, right - left, bottom - top, fill, edge, 1.5),
            svg.text((left + right) / 2, top - 6, svg.fixed(error, 1), 13.5, BLACK, "middle", bold=True, halo=True),
            svg.text((left + right) / 2, bottom + 17, year, 12.5, "#333", "middle"),
            svg.text((left + right) / 2, bottom + 33, team, 11.5, "#333", "middle"),
        ]
    parts += [
        svg.box(330, 76, 14, 14, "#E4E4E4", GREY, 1.5),
        svg.text(350, 88, "features made by hand", 12.5),
        svg.box(330, 98, 14, 14, BLUE),
        svg.text(350, 110, "a deep network", 12.5),
    ]
    told = ", ".join(f"{year} {team} {error}" for year, team, error, _ in WINNERS)
    svg.show(
        svg.canvas(740, 366, *parts),
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
    panel = svg.Panel(236, 44, 380, 44 * len(errors), (0, 1.15 * max(errors.values())), (0, 1))
    parts = [svg.text(14, 26, "On pairs of faces, DeepFace all but closes the gap to people", 15, bold=True)]
    colours = (GREY, BLUE, ORANGE)
    for number, (name, error) in enumerate(errors.items()):
        y = panel.top + 44 * number + 6
        width = float(panel.x(error)) - panel.left
        parts += [
            svg.text(panel.left - 10, y + 21, name, 13, svg.INK, "end"),
            svg.box(panel.left, y, width, 30, colours[number % 3]),
            svg.text(panel.left + width + 8, y + 21, f"{error:.2f} % wrong", 13, BLACK, bold=True),
        ]
    told = ", ".join(f"{name} {error:.2f}" for name, error in errors.items())
    svg.show(
        svg.canvas(720, panel.top + panel.height + 8, *parts),
        f"Errors in percent on Labeled Faces in the Wild: {told}.",
    )


# --- a picture is numbers -------------------------------------------------------------------------------------

_CHANNELS = (("red", 0, "#B00000"), ("green", 1, "#00654A"), ("blue", 2, "#00508A"))


def _raster(image, x, y, width, height) -> str:
    return (
        f'<image href="{address(image)}" x="{x}" y="{y}" width="{width}" height="{height}" '
        'preserveAspectRatio="none" style="image-rendering:pixelated"/>'
    )


def _only(image, channel: int | None):
    """The picture with one channel alone, as a grey picture; None for all three."""
    return image if channel is None else np.repeat(image[..., channel : channel + 1], 3, axis=2)


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
    patch = image[row : row + size, column : column + size]
    scale = 288 / max(height, width)
    name = "all three channels" if channel is None else f"the {_CHANNELS[channel][0]} channel"
    edge = 60
    left, top = 346, 62
    code = f"[{row}:{row + size}, {column}:{column + size}{'' if channel is None else f', {channel}'}]"
    parts = [
        svg.text(14, 26, "A plate is a table of numbers, 0 to 255", 15, bold=True),
        svg.text(14, 52, f"image: {height} rows, {width} columns, 3 channels", 12.5, "#333"),
        _raster(_only(image, channel), 14, top, scale * width, scale * height),
        svg.box(14 + column * scale - 2, top + row * scale - 2, size * scale + 4, size * scale + 4, "none", "#fff", 4),
        svg.box(14 + column * scale - 2, top + row * scale - 2, size * scale + 4, size * scale + 4, "none", BLACK, 1.6),
        svg.text(left, 52, f"image{code}: {name}", 12.5, "#333"),
    ]
    for i in range(size):
        for j in range(size):
            x, y = left + edge * j, top + 48 * i
            values = patch[i, j]
            if channel is None:
                colour = "#" + "".join(f"{int(v):02X}" for v in values)
                parts.append(svg.box(x, y, edge, 48, colour, "#FFFFFF", 1))
                ink = BLACK if values @ np.array([0.299, 0.587, 0.114]) > 128 else "#FFFFFF"
                for number, value in enumerate(values):
                    parts.append(svg.text(x + edge / 2, y + 15 + 14 * number, int(value), 12, ink, "middle"))
            else:
                level = int(values[channel])
                parts.append(svg.box(x, y, edge, 48, f"#{level:02X}{level:02X}{level:02X}", "#FFFFFF", 1))
                ink = BLACK if level > 128 else "#FFFFFF"
                parts.append(svg.text(x + edge / 2, y + 30, level, 15, ink, "middle"))
    return svg.canvas(720, top + 300, *parts)


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
    import ipywidgets as widgets

    image = np.asarray(image)
    room = widgets.Layout(width="290px")
    explore(
        lambda row, column, channel: draw_window(image, row, column, channel, size),
        {
            "row": widgets.IntSlider(value=row, min=0, max=image.shape[0] - size, description="row", layout=room),
            "column": widgets.IntSlider(
                value=column, min=0, max=image.shape[1] - size, description="column", layout=room
            ),
            "channel": widgets.ToggleButtons(
                options=[("all three", None), *((name, number) for name, number, _ in _CHANNELS)],
                value=None,
                description="channel",
                style={"button_width": "80px"},
            ),
        },
        f"A plate on the left with a small square window on it; on the right the window's {size} times {size} pixels, each "
        "with its numbers from 0 to 255 for red, green and blue. Sliders move the window, buttons choose a channel.",
    )


def channels(image) -> None:
    """Draw a picture beside its three channels.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, (H, W, 3).
    """
    image = np.asarray(image)
    parts = [svg.text(14, 26, "Three grey pictures make a coloured one", 15, bold=True)]
    faces = [("image", None, svg.INK), *((f"image[:, :, {n}]: {name}", n, ink) for name, n, ink in _CHANNELS)]
    for number, (words, channel, ink) in enumerate(faces):
        x = 14 + 176 * number
        parts += [svg.text(x, 54, words, 12.5, ink, bold=True), _raster(_only(image, channel), x, 62, 164, 164)]
        low, mean, high = (f(_only(image, channel)) for f in (np.min, np.mean, np.max))
        parts.append(svg.text(x, 244, f"{low} to {high}, mean {mean:.0f}", 12, "#333"))
    svg.show(
        svg.canvas(720, 256, *parts),
        "A plate, and beside it its red, its green and its blue channel as grey pictures. Bright is where the plate has much "
        "of that colour.",
    )


def before_and_after(images) -> None:
    """Draw how often each value occurs in red, green and blue, before and after standardising.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    """
    x = np.asarray(images).reshape(-1, 3).astype(float)
    after = (x - x.mean(axis=0)) / x.std(axis=0)
    parts = [svg.text(14, 26, "Standardised, all three channels are centred on 0, with the same spread", 15, bold=True)]
    styles = ((VERMILION, ""), (GREEN, "9 4"), (BLUE, "3 4"))
    for number, (values, limits, ticks, title) in enumerate(
        (
            (x, (0, 255), [0, 50, 100, 150, 200, 250], "bytes, as they come"),
            (after, (-3.2, 3.2), [-3, -2, -1, 0, 1, 2, 3], "standardised"),
        )
    ):
        shares = [np.histogram(values[:, c], bins=32, range=limits)[0] / len(values) * 100 for c in range(3)]
        top = 1.12 * max(s.max() for s in shares)
        panel = svg.Panel(54 + 350 * number, 76, 296, 150, limits, (0, top))
        middles = np.linspace(*limits, 33)[:-1] + (limits[1] - limits[0]) / 64
        parts += [panel.axes(ticks, [], "value", "share of the pixels" if not number else "", title, out=14)]
        for c, (colour, dash) in enumerate(styles):
            parts.append(panel.clip(panel.curve(middles, shares[c], colour, 2.4, dash)))
            mean = values[:, c].mean()
            if not number:
                parts.append(
                    svg.line(panel.x(mean), panel.top, panel.x(mean), panel.top + 150, colour, 1.2, dash or "1 0")
                )
    for c, ((name, _, _), (colour, dash)) in enumerate(zip(_CHANNELS, styles, strict=True)):
        parts += [
            svg.line(60 + 96 * c, 284, 88 + 96 * c, 284, colour, 2.6, dash),
            svg.text(94 + 96 * c, 289, name, 12.5),
        ]
    parts.append(svg.text(360, 289, "thin lines: each channel's mean", 12.5, "#333"))
    told = ", ".join(
        f"{name} mean {m:.0f}, standard deviation {s:.0f}"
        for (name, _, _), m, s in zip(_CHANNELS, x.mean(axis=0), x.std(axis=0), strict=True)
    )
    svg.show(
        svg.canvas(720, 300, *parts),
        f"Two panels with a curve for each channel. Left, as bytes: {told}. Right, standardised: all three are centred on 0 "
        "with standard deviation 1.",
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
        is_a, said = (classes[int(k)].replace("_", " ") for k in (label, np.argmax(p)))
        alt = f"A plate of {is_a}; the network says {said} with {100 * p.max():.0f} percent"
        cards.append(
            f'<figure style="margin:0;width:150px"><img src="{address(image)}" alt="{html.escape(alt, quote=True)}" '
            'style="width:150px;height:150px;display:block;border-radius:4px">'
            f'<figcaption style="font-size:13px;line-height:1.35">is <strong>{html.escape(is_a)}</strong> '
            f"({100 * p[int(label)]:.0f} %)<br>said {html.escape(said)} ({100 * p.max():.0f} %)</figcaption></figure>"
        )
    body = f'<div style="display:flex;flex-wrap:wrap;gap:10px 14px">{"".join(cards)}</div>'
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
    panel = svg.Panel(200, 62, 420, 32 * len(accuracies), (0, 1), (0, 1))
    first = next(iter(accuracies.values()))
    parts = [
        svg.text(14, 26, "What a change that you hardly mind does to the network", 15, bold=True),
        svg.text(14, 48, f"accuracy of the first guess, on {pictures} test pictures", 12.5, "#333"),
        svg.line(panel.x(first), panel.top, panel.x(first), panel.top + panel.height, GREY, 1.3, "4 4"),
    ]
    for number, (name, share) in enumerate(accuracies.items()):
        y = panel.top + 32 * number + 4
        width = 420 * share
        parts += [
            svg.text(panel.left - 10, y + 17, name, 13, svg.INK, "end", bold=not number),
            svg.box(panel.left, y, max(width, 1), 24, GREEN if not number else BLUE),
            svg.text(panel.left + width + 8, y + 17, f"{100 * share:.0f} %", 13, BLACK, bold=True, halo=True),
        ]
    told = ", ".join(f"{name} {100 * share:.0f} percent" for name, share in accuracies.items())
    svg.show(svg.canvas(720, panel.top + panel.height + 12, *parts), f"Bars of the network's accuracy: {told}.")


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
    import ipywidgets as widgets

    names = [f"{number}: {classes[int(label)].replace('_', ' ')}" for number, label in enumerate(labels, 1)]

    def draw(plate, change):
        batch = np.ascontiguousarray(changes[change](np.asarray(images[plate : plate + 1])))
        said, label = predict(batch)[0], int(labels[plate])
        right = int(np.argmax(said)) == label
        title = f"{change}: the first guess is {'right' if right else 'wrong'}"
        bars = guess_bars(classes, said, label, 5, title, 400)
        alt = f"The plate, {change}. The network says {in_words(classes, said)}."
        face = (
            f'<img src="{address(batch[0])}" alt="{html.escape(alt, quote=True)}" '
            'style="width:232px;height:232px;border-radius:6px;display:block">'
        )
        return f'<div style="display:flex;flex-wrap:wrap;gap:8px 18px;background:#fff;padding:6px">{face}<div>{bars}</div></div>'

    explore(
        draw,
        {
            "plate": widgets.Dropdown(
                options=[(name, n) for n, name in enumerate(names)], value=0, description="plate"
            ),
            "change": widgets.Dropdown(options=list(changes), value=next(iter(changes)), description="change"),
        },
        "A plate, and the network's five best guesses as bars. One list chooses the plate, another what is done to it.",
    )
