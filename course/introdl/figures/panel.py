"""Curve panels: axes with curves, points and shaded regions in them, and bars with their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from introdl.figures import svg, tile
from introdl.figures.style import BLACK


class Panel:
    """Axes in an SVG.

    Parameters
    ----------
    left, top, width, height : float
        Where it lies, in pixels of the drawing.
    xlim, ylim : (float, float)
        The data's lowest and highest value on each axis.
    """

    def __init__(self, left, top, width, height, xlim, ylim):
        self.left, self.top, self.width, self.height = left, top, width, height
        self.right, self.bottom = left + width, top + height
        self.xlim, self.ylim = xlim, ylim

    def x(self, value):
        """Turn data into pixels across."""
        low, high = self.xlim
        return self.left + (np.asarray(value, float) - low) / (high - low) * self.width

    def y(self, value):
        """Turn data into pixels down."""
        low, high = self.ylim
        return self.top + (high - np.asarray(value, float)) / (high - low) * self.height

    def axes(self, xticks, yticks, xlabel="", ylabel="", title="", digits=(0, 0), zero=False, out=38) -> str:
        """Return grid lines, ticks and labels.

        Parameters
        ----------
        xticks, yticks : sequence of float or (float, str)
            Where lines are drawn; a string stands in place of the number.
        xlabel, ylabel, title : str
            Words below, on the left and above.
        digits : (int, int)
            Decimals of the ticks.
        zero : bool
            Whether darker lines mark zero on both axes.
        out : float
            How far to the left the y axis has its label, in pixels.
        """
        parts = []
        for value, words in _ticks(xticks, digits[0]):
            parts.append(self.upright(value, svg.GRID))
            parts.append(svg.text(self.x(value), self.bottom + 16, words, 12, "#333", "middle"))
        for value, words in _ticks(yticks, digits[1]):
            parts.append(self.level(value, svg.GRID))
            parts.append(svg.text(self.left - 6, self.y(value) + 4, words, 12, "#333", "end"))
        if zero:
            parts += [self.upright(0, "#9A9A9A"), self.level(0, "#9A9A9A")]
        if xlabel:
            parts.append(svg.text(self.left + self.width / 2, self.bottom + 35, xlabel, 12.5, "#333", "middle"))
        if ylabel:
            x, y = self.left - out, self.top + self.height / 2
            words = svg.text(x, y, ylabel, 12.5, "#333", "middle")
            parts.append(f'<g transform="rotate(-90 {x:.0f} {y:.0f})">{words}</g>')
        if title:
            parts.append(svg.text(self.left, self.top - 12, title, 14, bold=True))
        return "".join(parts)

    def upright(self, value, color=BLACK, width=1.0, dash="") -> str:
        """Return a vertical line through the whole panel."""
        return svg.line(self.x(value), self.top, self.x(value), self.bottom, color, width, dash)

    def level(self, value, color=BLACK, width=1.0, dash="") -> str:
        """Return a horizontal line through the whole panel."""
        return svg.line(self.left, self.y(value), self.right, self.y(value), color, width, dash)

    def curve(self, xs, ys, color, width=2.5, dash="") -> str:
        """Return a line through points of the data."""
        at = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(self.x(xs), self.y(ys), strict=True))
        dash = f' stroke-dasharray="{dash}"' if dash else ""
        return (
            f'<polyline points="{at}" fill="none" stroke="{color}" stroke-width="{width}" '
            f'stroke-linejoin="round"{dash}/>'
        )

    def points(self, xs, ys, r=5.0, color=BLACK) -> str:
        """Return a dot at each point of the data."""
        return "".join(svg.circle(self.x(x), self.y(y), r, color) for x, y in zip(xs, ys, strict=True))

    def plane(self, across: int, up: int) -> np.ndarray:
        """Return the middles of small cells that fill the panel: (up, across, 2), the first row at the top."""
        (x0, x1), (y0, y1) = self.xlim, self.ylim
        xs = x0 + (np.arange(across) + 0.5) * (x1 - x0) / across
        ys = y1 - (np.arange(up) + 0.5) * (y1 - y0) / up
        return np.stack(np.meshgrid(xs, ys), axis=2)

    def region(self, colors) -> str:
        """Fill the panel with colored cells, (up, across, 3) uint8: the plane behind the points."""
        return tile.image(self.left, self.top, self.width, self.height, colors)

    def clip(self, *parts: str) -> str:
        """Draw the parts, which use the whole figure's pixels, inside this panel only."""
        box = f"{self.left} {self.top} {self.width} {self.height}"
        return (
            f'<svg x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}" viewBox="{box}" '
            f'preserveAspectRatio="none">{"".join(parts)}</svg>'
        )


class LogPanel(Panel):
    """A panel with logarithmic axes, or with one; the parameters are those of `Panel`, the limits numbers above 0.

    Parameters
    ----------
    logx, logy : bool
        Which axes are logarithmic.
    """

    def __init__(self, left, top, width, height, xlim, ylim, logx=True, logy=True):
        self.logx, self.logy = logx, logy
        xlim, ylim = (np.log10(xlim) if logx else xlim), (np.log10(ylim) if logy else ylim)
        super().__init__(left, top, width, height, tuple(xlim), tuple(ylim))

    def x(self, value):
        """Turn data into pixels across."""
        return super().x(np.log10(np.asarray(value, float)) if self.logx else value)

    def y(self, value):
        """Turn data into pixels down."""
        return super().y(np.log10(np.asarray(value, float)) if self.logy else value)


def _ticks(ticks: Iterable, digits: int) -> list[tuple[float, str]]:
    return [tick if isinstance(tick, tuple) else (tick, svg.fixed(tick, digits)) for tick in ticks]


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Choose about `count` round numbers between two."""
    step = (high - low) / count
    size = 10 ** np.floor(np.log10(step))
    step = float(size * min((1, 2, 5, 10), key=lambda m: abs(m * size - step)))
    return [float(v) for v in np.arange(np.ceil(low / step) * step, high, step)]


def limits(points: np.ndarray) -> list[tuple[float, float]]:
    """Return the axes' ranges for points (N, 2), with some room around them."""
    low, high = points.min(axis=0), points.max(axis=0)
    pad = 0.06 * (high - low)
    return [(float(a), float(b)) for a, b in zip(low - pad, high + pad, strict=True)]


def shades(
    share: np.ndarray, low: Sequence[int] = (251, 226, 178), high: Sequence[int] = (186, 218, 242)
) -> np.ndarray:
    """Color numbers from -1 (`low`, pale orange) over 0 (white) to 1 (`high`, pale blue): uint8 (..., 3)."""
    share = np.clip(share, -1, 1)[..., None]
    ends = np.where(share > 0, np.array(high), np.array(low))
    return (255 + (ends - 255) * np.abs(share)).round().astype(np.uint8)


def bars(left, top, names, lengths, words, colors, step=32, thick=24, bold=()) -> str:
    """Return horizontal bars, names on their left and values on their right.

    Parameters
    ----------
    left, top : float
        Where the first row begins; names end left of it.
    names, words : sequence of str
        On the left and on the right of each bar.
    lengths : sequence of float
        In pixels.
    colors : sequence of str
        One for each bar.
    step, thick : float
        From row to row, and how thick a bar is, in pixels.
    bold : sequence of int
        Rows with a bold name.
    """
    parts = []
    for n, (name, length, word, color) in enumerate(zip(names, lengths, words, colors, strict=True)):
        y = top + step * n + (step - thick) / 2
        foot = y + thick / 2 + 5
        parts += [
            svg.text(left - 10, foot, name, 13, svg.INK, "end", bold=n in bold),
            svg.box(left, y, max(length, 1), thick, color),
            svg.text(left + length + 8, foot, word, 13, BLACK, bold=True, halo=True),
        ]
    return "".join(parts)
