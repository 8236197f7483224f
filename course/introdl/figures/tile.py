"""Picture tiles: photographs and feature maps, inside a drawing or in a row on the page, with a caption."""

from __future__ import annotations

import html

import numpy as np

from introdl.figures import svg
from introdl.pixels import SMALL, address

PIXELATED = "image-rendering:pixelated"


def image(x, y, width, height, values, sharp: bool = True, exact: bool | None = True) -> str:
    """Return a picture inside an SVG, by its upper left corner.

    Parameters
    ----------
    x, y, width, height : float
        In pixels of the drawing.
    values : array-like
        (H, W) or (H, W, 3): uint8, or floats in [0, 1].
    sharp : bool
        Whether its pixels are shown as squares, as for maps and small plates. Otherwise it is a smooth JPEG.
    exact : bool or None
        Of sharp pictures: see `introdl.pixels.address`.
    """
    crisp = f' style="{PIXELATED}"' if sharp else ""
    source = address(values, exact if sharp else False)
    return (
        f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" href="{source}" '
        f'preserveAspectRatio="none"{crisp}/>'
    )


def framed(x, y, side, values, above=(), below="") -> str:
    """Return a square map with a thin edge, headings above it (the first bold) and a caption below."""
    heads = [
        svg.text(
            x, y - 7 - 15 * (len(above) - 1 - n), words, 12 if n == 0 else 11, "#444" if n else svg.BLACK, bold=not n
        )
        for n, words in enumerate(above)
    ]
    foot = svg.text(x + side / 2, y + side + 14, below, 11, "#333", "middle") if below else ""
    return "".join([*heads, image(x, y, side, side, values), svg.box(x, y, side, side, "none", "#999"), foot])


def img(values, alt: str, width: int, *, exact: bool | None = None, sharp: bool = False, look: str = "") -> str:
    """Return a picture as an ``<img>`` with its alt text.

    Parameters
    ----------
    values : array-like
        (H, W) or (H, W, 3): uint8, or floats in [0, 1].
    alt : str
        What it shows.
    width : int
        On the page, in CSS pixels.
    exact : bool, optional
        See `introdl.pixels.address`.
    sharp : bool
        Whether pixels are shown as squares.
    look : str
        More CSS.
    """
    crisp = f"{PIXELATED};" if sharp else ""
    return (
        f'<img src="{address(values, exact)}" alt="{html.escape(alt, quote=True)}" '
        f'style="{crisp}width:{width}px;max-width:100%;height:auto;display:block;{look}">'
    )


def captioned(picture: str, caption: str, width: int) -> str:
    """Return an ``<img>`` with a caption, which is HTML, below it."""
    return (
        f'<figure style="margin:0;width:{width}px">{picture}'
        f'<figcaption style="font-size:13px;line-height:1.35">{caption}</figcaption></figure>'
    )


def row(*parts: str, gap: str = "10px 14px", align: str = "flex-start") -> str:
    """Put pieces of HTML side by side; they wrap where the page is narrow."""
    return f'<div style="display:flex;flex-wrap:wrap;gap:{gap};align-items:{align}">{"".join(parts)}</div>'


def ink(values: np.ndarray, reach: float) -> np.ndarray:
    """Turn a map into a drawing on paper: 0 is white, `reach` and more is black; floats in [0, 1]."""
    return 1 - np.clip(values / reach, 0, 1)


def sheet(
    title: str,
    rows,
    columns=(),
    side: int = 104,
    *,
    gap: int = 8,
    sharp: bool | None = None,
    over=None,
    inks=(svg.INK,),
) -> str:
    """Return pictures in rows as a drawing, each row with its name on the left.

    Parameters
    ----------
    title : str
        What the drawing says.
    rows : sequence of (str, sequence of (array, str))
        For each row its name, and its pictures with the words below each. Both may have several lines, or none. A picture
        without words may stand alone.
    columns : sequence of str
        What stands above each column.
    side, gap : int
        Of a picture, and between two, in pixels.
    sharp : bool, optional
        Whether pixels are shown as squares; by default those of pictures below `introdl.pixels.SMALL` pixels.
    over : callable, optional
        Takes the row, the column and the upper left corner of a picture, and returns what is drawn on it.
    inks : sequence of str
        The colors of the lines below a picture; the last serves for all that follow.
    """
    rows = [(name.split("\n"), [one if isinstance(one, tuple) else (one, "") for one in line]) for name, line in rows]
    left = 14 + max(round(7.2 * len(line)) + 10 if line else 0 for name, _ in rows for line in name)
    y, parts = 38 + 18 * bool(columns), []
    for j, words in enumerate(columns):
        parts.append(svg.text(left + (side + gap) * j + side / 2, y - 6, words, 12, "#333", "middle"))
    for i, (name, line) in enumerate(rows):
        middle = y + side / 2 + 5 - 7.5 * (len(name) - 1)
        parts += [svg.text(left - 8, middle + 15 * k, words, 12.5, svg.INK, "end") for k, words in enumerate(name)]
        for j, (picture, words) in enumerate(line):
            x = left + (side + gap) * j
            crisp = max(np.shape(picture)[:2]) < SMALL if sharp is None else sharp
            parts += [image(x, y, side, side, picture, crisp), over(i, j, x, y) if over else ""]
            for k, part in enumerate(words.splitlines()):
                ink = inks[min(k, len(inks) - 1)]
                parts.append(svg.text(x + side / 2, y + side + 14 + 15 * k, part, 11.5, ink, "middle"))
        y += side + gap + 15 * max(len(words.splitlines()) for _, words in line)
    most = max(len(line) for _, line in rows)
    return svg.sheet(title, max(left + most * (side + gap) + 6, 9.2 * len(title) + 28), y + 4, *parts)


def in_rows(pictures, across: int) -> list[tuple[str, list]]:
    """Put pictures into rows without names, for `sheet`."""
    return [("", list(pictures[k : k + across])) for k in range(0, len(pictures), across)]
