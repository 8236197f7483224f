"""How a dataset shows itself in a notebook: a line, and a strip of examples with what is known of them."""

from __future__ import annotations

import html

import numpy as np

from introdl.pixels import SMALL, address
from introdl.wording import spoken

_WIDTH = SMALL
_BLUE = "#0072B2"


def strip(dataset, most: int = 12) -> str:
    """Return a dataset as HTML: what it is, and at most `most` examples, of as many classes as there are.

    Parameters
    ----------
    dataset : introdl.data.Dataset
        What to show.
    most : int
        How many examples.

    Returns
    -------
    str
        HTML. Each example is an ``<img>`` with an alt text; where boxes are known, the food's is drawn.
    """
    figures = "".join(_figure(dataset, index) for index in _examples(dataset.labels, most))
    text = html.escape(repr(dataset))
    foot = f'<div style="color:#767676;font-size:85%">{html.escape(dataset.licence)}</div>' if dataset.licence else ""
    return (
        f"<div><div><strong>{text.replace(':', '</strong>:', 1)}</div>"
        f'<div style="display:flex;flex-wrap:wrap;gap:8px;margin:6px 0">{figures}</div>{foot}</div>'
    )


def _examples(labels: np.ndarray, most: int) -> list[int]:
    """Choose the first picture of each class, then the second, and so on."""
    order = np.argsort(labels, kind="stable")
    sorted_labels = labels[order]
    starts = np.r_[0, np.flatnonzero(np.diff(sorted_labels)) + 1] if len(labels) else np.array([], int)
    rounds = np.arange(len(labels)) - np.repeat(starts, np.diff(np.r_[starts, len(labels)]))
    return order[np.lexsort((sorted_labels, rounds))][:most].tolist()


def _figure(dataset, index: int) -> str:
    label = spoken(dataset.classes[int(dataset.labels[index])])
    facts = []
    if dataset.grams is not None:
        facts.append(f"{dataset.grams[index]:.0f} g")
    if dataset.kcal is not None:
        facts.append(f"{dataset.kcal[index]:.0f} kcal")
    alt = f"A picture of the class {label}" + (f", {', '.join(facts)}" if facts else "")
    if dataset.boxes is not None:
        x0, y0, x1, y1 = dataset.boxes[index]
        alt += f"; the food's box runs from x {x0:.0f}, y {y0:.0f} to x {x1:.0f}, y {y1:.0f}"
    caption = html.escape(label) + "".join(f"<br>{html.escape(fact)}" for fact in [", ".join(facts)] if fact)
    height, width = dataset.images.shape[1:3]
    crisp = "image-rendering:pixelated;" if max(height, width) < _WIDTH else ""
    return (
        f'<figure style="margin:0;width:{_WIDTH}px"><img src="{_encoded(dataset, index)}" '
        f'alt="{html.escape(alt, quote=True)}" style="{crisp}width:{_WIDTH}px;height:auto;display:block">'
        f'<figcaption style="font-size:85%;line-height:1.25">{caption}</figcaption></figure>'
    )


def _encoded(dataset, index: int) -> str:
    from PIL import Image, ImageDraw

    picture = Image.fromarray(np.ascontiguousarray(dataset.images[index]))
    if dataset.boxes is not None:
        x0, y0, x1, y1 = (float(value) for value in dataset.boxes[index])
        pen, inner = ImageDraw.Draw(picture), (x0, y0, max(x0, x1 - 1), max(y0, y1 - 1))
        pen.rectangle((inner[0] - 1, inner[1] - 1, inner[2] + 1, inner[3] + 1), outline="white")
        pen.rectangle(inner, outline=_BLUE)
    return address(np.asarray(picture))
