"""Picture tiles: photographs and feature maps, inside a drawing or in a row on the page, with a caption."""

from __future__ import annotations

import html

import numpy as np

from introdl.figures import svg
from introdl.pixels import address

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
    return (
        f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" href="{address(values, exact if sharp else False)}" '
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
