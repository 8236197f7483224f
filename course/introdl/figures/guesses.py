"""A network's best guesses as bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from introdl.figures import svg
from introdl.figures.style import BLUE, GREEN
from introdl.wording import spoken

_ROW = 30


def percent(share: float) -> str:
    """Write a probability as a percentage; what is small but not nothing is not called 0."""
    if 0 < share < 0.001:
        return "under 0.1 %"
    if share < 0.0995:
        return f"{100 * share:.1f} %"
    return "over 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def guess_bars(
    names: Sequence[str], probabilities, correct: int | None = None, most: int = 5, title: str = "", width: int = 380
) -> str:
    """Draw the best guesses, best first, with their probabilities.

    Parameters
    ----------
    names : sequence of str
        The K classes' names.
    probabilities : array-like
        (K,) one for each.
    correct : int, optional
        The right class; it is drawn in green, with a tick. Where it is not among the best, it stands below them.
    most : int
        How many guesses to draw.
    title : str
        What the figure says.
    width : int
        In pixels.

    Returns
    -------
    str
        SVG.
    """
    p = np.asarray(probabilities, float)
    order = np.argsort(-p, kind="stable")
    rows = [(place + 1, int(k)) for place, k in enumerate(order[:most])]
    lost = correct is not None and correct not in {k for _, k in rows}
    if lost:
        rows.append((int(np.flatnonzero(order == correct)[0]) + 1, correct))
    label, room = 138, 84
    top = 34 if title else 8
    parts = [svg.text(8, 21, title, 14, bold=True)] if title else []
    for number, (place, k) in enumerate(rows):
        y = top + _ROW * number + (10 if lost and number == len(rows) - 1 else 0)
        right = k == correct
        ink = "#00654A" if right else svg.INK
        words = spoken(names[k])
        full = width - label - room
        parts += [
            svg.text(22, y + 19, f"{place}.", 12.5, "#555", "end"),
            svg.text(28, y + 19, ("✓ " if right else "") + words, 13, ink, bold=right),
            svg.box(label, y + 4, full, 21, "#F3F3F3"),
            svg.box(label, y + 4, max(full * p[k], 1.5), 21, GREEN if right else BLUE),
            svg.text(label + full + 8, y + 19, percent(float(p[k])), 13, ink, bold=right),
        ]
        if lost and number == len(rows) - 1:
            parts.append(svg.line(8, y, width - 8, y, "#BDBDBD", 1, "3 3"))
    return svg.canvas(width, top + _ROW * len(rows) + (18 if lost else 8), *parts)


def in_words(names: Sequence[str], probabilities, most: int = 5) -> str:
    """Say the best guesses in a sentence, for readers who do not see the bars."""
    p = np.asarray(probabilities, float)
    best = np.argsort(-p, kind="stable")[:most]
    return ", ".join(f"{names[k].replace('_', ' ')} {percent(float(p[k]))}" for k in best)
