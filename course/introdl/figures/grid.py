"""Number grids: every figure that shows a matrix, a kernel or a map as numbers in squares draws it here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from introdl.figures import svg
from introdl.figures.style import BLUE, ORANGE

MARGIN = 2  # around a grid, so that a thick frame at its edge is not cut off
PALE_BLUE, PALE_GREEN, PALE_ORANGE, PALE_GRAY, PALE_RED = "#CFE5F4", "#D5EFE5", "#F9DFC0", "#EFEFEF", "#FBE3DC"


def mix(color: str, share: float) -> str:
    """Mix white with `share` (0 to 1) of a color."""
    share = min(max(share, 0.0), 1.0)
    parts = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * share):02X}" for part in parts)


def tint(value: float, largest: float) -> str:
    """Blue for positive, orange for negative, white for zero; pale enough for black text on it."""
    if largest <= 0 or value == 0:
        return "#FFFFFF"
    return mix(BLUE if value > 0 else ORANGE, 0.12 + 0.43 * abs(value) / largest)


def cell(x, y, size, words, fill="#FFFFFF", *, ink=svg.INK, small="", dashed=False, bold=False, edge="#B5B5B5"):
    """Return one square of a grid, with its number and, below it, an optional small one."""
    dash = ' stroke-dasharray="3 3"' if dashed else ""
    room = len(words)
    points = size * (0.42 if room <= 3 else 0.36 if room == 4 else 0.3 if room == 5 else 0.25)
    parts = [f'<rect x="{x:g}" y="{y:g}" width="{size:g}" height="{size:g}" fill="{fill}" stroke="{edge}"{dash}/>']
    if words:
        parts.append(
            svg.centered(x + size / 2, y + size * (0.4 if small else 0.52), words, f"{points:.1f}", ink, bold=bold)
        )
    if small:
        parts.append(svg.centered(x + size / 2, y + size * 0.8, small, f"{size * 0.3:.1f}", "#A84300"))
    return "".join(parts)


def cells(values, size: float, look: Callable | None = None, left: float = MARGIN, top: float = MARGIN) -> str:
    """Return a matrix as squares with numbers.

    Parameters
    ----------
    values : array-like
        (H, W).
    size : float
        Pixels along an edge of a square.
    look : callable, optional
        Takes a row and a column and returns what is special there: keyword arguments of `cell`, and ``words`` in place
        of the number.
    left, top : float
        The upper left corner, in pixels.
    """
    parts = []
    for (i, j), value in np.ndenumerate(np.asarray(values)):
        special = {"words": None} | (look(i, j) if look else {})
        words = special.pop("words")
        parts.append(
            cell(left + j * size, top + i * size, size, svg.short(value) if words is None else words, **special)
        )
    return "".join(parts)


def ring(row, column, size, color, rows=1, columns=1, width=3.0, left: float = MARGIN, top: float = MARGIN) -> str:
    """Return a frame around squares of a grid, from `row` and `column` on."""
    return svg.box(left + column * size, top + row * size, columns * size, rows * size, "none", color, width)


def grid(values, size: float, look: Callable | None = None, *over: str) -> str:
    """Return a matrix as a drawing of its own, with `over` drawn on top; see `cells`."""
    rows, columns = np.shape(values)
    return svg.canvas(columns * size + 2 * MARGIN, rows * size + 2 * MARGIN, cells(values, size, look), *over)


def table(
    left, top, values, rows=(), columns=(), *, lit: Callable, fill=PALE_BLUE, size=(58, 34), digits=1, points=13
) -> str:
    """Return numbers in wide cells, with names of the rows and columns.

    Parameters
    ----------
    left, top : float
        The upper left cell's corner; the names stand left of it and above it.
    values : numpy.ndarray
        (H, W).
    rows, columns : sequence of str
        Names; none are drawn where there are none. One in whose line all lit cells lie is bold.
    lit : callable
        Takes a row and a column; whether that cell is filled and bold.
    fill : str
        The color of lit cells.
    size : (float, float)
        Width and height of a cell.
    digits : int
        Decimals.
    points : float
        Font size.
    """
    wide, high = size
    on = np.array([[bool(lit(i, j)) for j in range(values.shape[1])] for i in range(values.shape[0])])
    parts = [
        svg.text(left + wide * (j + 0.5), top - 8, name, 12, "#333", "middle", bold=on[:, j].sum() == on.sum())
        for j, name in enumerate(columns)
    ]
    parts += [
        svg.text(left - 8, top + high * (i + 0.5) + 4, name, 12, "#333", "end", bold=on[i].sum() == on.sum())
        for i, name in enumerate(rows)
    ]
    for (i, j), value in np.ndenumerate(values):
        x, y = left + wide * j, top + high * i
        ink, words = ("#000000" if on[i, j] else "#555"), svg.fixed(value, digits)
        parts.append(svg.box(x, y, wide, high, fill if on[i, j] else "#fff", "#BDBDBD"))
        parts.append(svg.text(x + wide / 2, y + high / 2 + 5, words, points, ink, "middle", bold=on[i, j]))
    return "".join(parts)
