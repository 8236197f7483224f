"""Drawing in SVG and HTML: shapes, numbers, axes, grids of numbers and the card that a figure lies on.

Everything returns text; `show` puts it on the page with its alt text. Lengths are in pixels, x to the right and y down.
"""

from __future__ import annotations

import html

import numpy as np

from introdl.figures.style import BLACK, BLUE, ORANGE

INK = "#222222"
FONT = "font-family:'DejaVu Sans',Verdana,sans-serif"
GRID = "#E3E3E3"


def short(value: float, digits: int = 2) -> str:
    """Write a number short: at most ``digits`` decimals, no trailing zeros, a real minus sign."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        text = "0"
    return text.replace("-", "\N{MINUS SIGN}")


def canvas(width: float, height: float, *parts: str) -> str:
    """Return an SVG of a size in pixels, on white, that shrinks where the page is narrow."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'style="max-width:100%;height:auto;background:#fff;{FONT}">'
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>{"".join(parts)}</svg>'
    )


def show(drawing: str, alt: str) -> None:
    """Show a drawing with its alt text, a sentence for readers who do not see it."""
    from IPython.display import display

    page = f'<div role="img" aria-label="{html.escape(alt, quote=True)}">{drawing}</div>'
    display({"text/html": page, "text/plain": f"[figure: {alt}]"}, raw=True)


def text(x, y, words, size=13, colour=BLACK, anchor="start", bold=False, italic=False, halo=False) -> str:
    """Return words at a place; `halo` puts white around them, so that they can be read on a drawing."""
    style = ' font-weight="bold"' if bold else ""
    style += ' font-style="italic"' if italic else ""
    style += ' stroke="#fff" stroke-width="4" stroke-linejoin="round" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{style}>'
        f"{html.escape(str(words))}</text>"
    )


def line(x1, y1, x2, y2, colour=BLACK, width=1.0, dash="") -> str:
    """Return a straight line."""
    dash = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"{dash} stroke-linecap="round"/>'
    )


def polygon(points, fill, stroke="none", width=1.0, opacity=1.0) -> str:
    """Return a filled polygon through points, a sequence of (x, y)."""
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{at}" fill="{fill}" stroke="{stroke}" stroke-width="{width}" opacity="{opacity}"/>'


def arrow(x1, y1, x2, y2, colour=BLACK, width=2.0, head=9) -> str:
    """Return an arrow from the first point to the second; `head` is the length of its head."""
    length = max(float(np.hypot(x2 - x1, y2 - y1)), 1e-9)
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    bx, by = x2 - head * ux, y2 - head * uy
    tip = [
        (x2, y2),
        (bx - uy * head * 0.45, by + ux * head * 0.45),
        (bx + uy * head * 0.45, by - ux * head * 0.45),
    ]
    return line(x1, y1, bx, by, colour, width) + polygon(tip, colour)


def circle(x, y, r, fill, stroke="#fff", width=1.5) -> str:
    """Return a circle of radius r around a place."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{fill}" stroke="{stroke}" stroke-width="{width}"/>'


def square(x, y, r, fill, stroke="#fff", width=1.5) -> str:
    """Return a square around a place, with sides of twice r."""
    return (
        f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}" fill="{fill}" stroke="{stroke}" '
        f'stroke-width="{width}"/>'
    )


def box(x, y, width, height, fill, stroke="none", thickness=1.0, radius=0, opacity=1.0) -> str:
    """Return a rectangle by its upper left corner, with corners rounded by `radius`."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" stroke="{stroke}" '
        f'stroke-width="{thickness}" rx="{radius}" opacity="{opacity}"/>'
    )


def fixed(value: float, digits: int = 2) -> str:
    """A number for a figure, with a true minus sign."""
    words = f"{value:.{digits}f}"
    if float(words) == 0:
        words = words.lstrip("-")
    return words.replace("-", "−")


def signed(value: float, digits: int = 2) -> str:
    """The tail of a sum: `` + 0.50`` or `` − 0.50``."""
    return (" − " if value < 0 else " + ") + fixed(abs(value), digits)


class Panel:
    """Axes in an SVG: ``x`` and ``y`` turn data into pixels; ``clip`` keeps out what leaves the panel."""

    def __init__(self, left, top, width, height, xlim, ylim):
        self.left, self.top, self.width, self.height = left, top, width, height
        self.xlim, self.ylim = xlim, ylim

    def x(self, value):
        low, high = self.xlim
        return self.left + (np.asarray(value, float) - low) / (high - low) * self.width

    def y(self, value):
        low, high = self.ylim
        return self.top + (high - np.asarray(value, float)) / (high - low) * self.height

    def axes(self, xticks, yticks, xlabel="", ylabel="", title="", digits=(0, 0), zero=False, out=38) -> str:
        bottom = self.top + self.height
        parts = []
        for tick in xticks:
            parts.append(line(self.x(tick), self.top, self.x(tick), bottom, GRID))
            parts.append(text(self.x(tick), bottom + 16, fixed(tick, digits[0]), 12, "#333", "middle"))
        for tick in yticks:
            words = tick if isinstance(tick, tuple) else (tick, fixed(tick, digits[1]))
            parts.append(line(self.left, self.y(words[0]), self.left + self.width, self.y(words[0]), GRID))
            parts.append(text(self.left - 6, self.y(words[0]) + 4, words[1], 12, "#333", "end"))
        if zero:
            parts.append(line(self.x(0), self.top, self.x(0), bottom, "#9A9A9A"))
            parts.append(line(self.left, self.y(0), self.left + self.width, self.y(0), "#9A9A9A"))
        if xlabel:
            parts.append(text(self.left + self.width / 2, bottom + 35, xlabel, 12.5, "#333", "middle"))
        if ylabel:
            x, y = self.left - out, self.top + self.height / 2
            parts.append(f'<g transform="rotate(-90 {x:.0f} {y:.0f})">{text(x, y, ylabel, 12.5, "#333", "middle")}</g>')
        if title:
            parts.append(text(self.left, self.top - 12, title, 14, bold=True))
        return "".join(parts)

    def curve(self, xs, ys, colour, width=2.5, dash="") -> str:
        at = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(self.x(xs), self.y(ys), strict=True))
        dash = f' stroke-dasharray="{dash}"' if dash else ""
        return (
            f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-linejoin="round"{dash}/>'
        )

    def clip(self, *parts: str) -> str:
        """Draw the parts, which use the whole figure's pixels, inside this panel only."""
        box = f"{self.left} {self.top} {self.width} {self.height}"
        return (
            f'<svg x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}" viewBox="{box}" '
            f'preserveAspectRatio="none">{"".join(parts)}</svg>'
        )


def mix(colour: str, share: float) -> str:
    """White mixed with ``share`` (0 to 1) of a colour."""
    share = min(max(share, 0.0), 1.0)
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * share):02X}" for part in parts)


def tint(value: float, largest: float) -> str:
    """Blue for positive, orange for negative, white for zero; pale enough for black text on it."""
    if largest <= 0 or value == 0:
        return "#FFFFFF"
    return mix(BLUE if value > 0 else ORANGE, 0.12 + 0.43 * abs(value) / largest)


def cell(x, y, size, text, fill="#FFFFFF", *, ink=INK, small="", dashed=False, bold=False, edge="#B5B5B5"):
    """One square of a grid, with its number and, below it, an optional small one."""
    dash = ' stroke-dasharray="3 3"' if dashed else ""
    parts = [
        f'<rect x="{x}" y="{y}" width="{size}" height="{size}" fill="{fill}" stroke="{edge}"{dash}/>',
    ]
    room = len(text)
    points = size * (0.42 if room <= 3 else 0.36 if room == 4 else 0.3 if room == 5 else 0.25)
    middle = y + size * (0.4 if small else 0.52)
    if text:
        weight = ' font-weight="700"' if bold else ""
        parts.append(
            f'<text x="{x + size / 2}" y="{middle:.1f}" font-size="{points:.1f}" fill="{ink}"{weight} '
            f'text-anchor="middle" dominant-baseline="central">{text}</text>'
        )
    if small:
        parts.append(
            f'<text x="{x + size / 2}" y="{y + size * 0.8:.1f}" font-size="{size * 0.3:.1f}" fill="#A84300" '
            f'text-anchor="middle" dominant-baseline="central">{small}</text>'
        )
    return "".join(parts)


def frame(title: str, body: str, width: int = 880) -> str:
    """The white card on which a figure lies, with the one thing it says as its title."""
    return (
        f'<div style="background:#fff;color:{INK};{FONT};font-size:14px;line-height:1.5;padding:12px 14px;'
        f'max-width:{width}px;box-sizing:border-box;border:1px solid #DDD;border-radius:6px">'
        f'<div style="font-weight:700;font-size:15px;margin-bottom:8px">{title}</div>{body}</div>'
    )


def label(words: str, colour: str = INK) -> str:
    """Return a small heading, to stand above a drawing."""
    return f'<div style="font-size:13px;color:{colour};margin:0 0 3px">{words}</div>'


def block(words: str, drawing: str) -> str:
    """Return a drawing with its heading, to stand in a row with others."""
    return f'<div style="flex:0 0 auto;max-width:100%">{label(words)}{drawing}</div>'
