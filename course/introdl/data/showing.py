"""How a dataset shows itself in a notebook: a line, and a strip of examples with what is known of them."""

from __future__ import annotations

import numpy as np

from introdl import pages
from introdl.pixels import SMALL, address
from introdl.wording import spoken

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
    name, _, rest = repr(dataset).partition(":")
    return pages.page(
        __file__,
        "strip",
        name=name,
        rest=rest,
        pictures=[_example(dataset, index) for index in _examples(dataset.labels, most)],
        width=SMALL,
        crisp=max(dataset.images.shape[1:3]) < SMALL,
        license=dataset.license,
    )


def _examples(labels: np.ndarray, most: int) -> list[int]:
    """Choose the first picture of each class, then the second, and so on."""
    order = np.argsort(labels, kind="stable")
    sorted_labels = labels[order]
    starts = np.r_[0, np.flatnonzero(np.diff(sorted_labels)) + 1] if len(labels) else np.array([], int)
    rounds = np.arange(len(labels)) - np.repeat(starts, np.diff(np.r_[starts, len(labels)]))
    return order[np.lexsort((sorted_labels, rounds))][:most].tolist()


def _example(dataset, index: int) -> tuple[str, str, str, str]:
    """Return an example's address, its alt text, its class, and what else is known of it."""
    label = spoken(dataset.classes[int(dataset.labels[index])])
    known = ((dataset.grams, "g"), (dataset.kcal, "kcal"))
    facts = ", ".join(f"{values[index]:.0f} {unit}" for values, unit in known if values is not None)
    alt = f"A picture of the class {label}" + (f", {facts}" if facts else "")
    if dataset.boxes is not None:
        x0, y0, x1, y1 = dataset.boxes[index]
        alt += f"; the food's box runs from x {x0:.0f}, y {y0:.0f} to x {x1:.0f}, y {y1:.0f}"
    return _encoded(dataset, index), alt, label, facts


def _encoded(dataset, index: int) -> str:
    from PIL import Image, ImageDraw

    picture = Image.fromarray(np.ascontiguousarray(dataset.images[index]))
    if dataset.boxes is not None:
        x0, y0, x1, y1 = (float(value) for value in dataset.boxes[index])
        pen, inner = ImageDraw.Draw(picture), (x0, y0, max(x0, x1 - 1), max(y0, y1 - 1))
        pen.rectangle((inner[0] - 1, inner[1] - 1, inner[2] + 1, inner[3] + 1), outline="white")
        pen.rectangle(inner, outline=_BLUE)
    return address(np.asarray(picture))
