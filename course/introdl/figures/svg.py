"""Drawing in SVG and HTML: shapes, words, numbers, and the card that a figure lies on.

Number grids are in `grid`, axes with curves in `panel`, pictures in `tile`.

Everything returns text; `show` puts it on the page with its alt text. Lengths are in pixels, x to the right and y down.
"""

from __future__ import annotations

import html

import numpy as np

from introdl.figures.style import BLACK

INK = "#222222"
FONT = "font-family:'DejaVu Sans',Verdana,sans-serif"
GRID = "#E3E3E3"


def fixed(value: float, digits: int = 2) -> str:
    """Write a number with ``digits`` decimals and a true minus sign."""
    words = f"{value:.{digits}f}"
    return (words.lstrip("-") if float(words) == 0 else words).replace("-", "\N{MINUS SIGN}")


def short(value: float, digits: int = 2) -> str:
    """Write a number short: at most ``digits`` decimals, no trailing zeros, a true minus sign."""
    words = fixed(value, digits)
    return words.rstrip("0").rstrip(".") if "." in words else words


def signed(value: float, digits: int = 2) -> str:
    """Write the tail of a sum: `` + 0.50`` or `` − 0.50``."""
    return (" − " if value < 0 else " + ") + fixed(abs(value), digits)


def factor(value: float) -> str:
    """Write a number as a factor of a product: short, a negative one in brackets."""
    words = short(value)
    return f"({words})" if value < 0 and words != "0" else words


def canvas(width: float, height: float, *parts: str) -> str:
    """Return an SVG of a size in pixels, on white, that shrinks where the page is narrow."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'style="max-width:100%;height:auto;background:#fff;{FONT}">'
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>{"".join(parts)}</svg>'
    )


def sheet(words: str, width: float, height: float, *parts: str) -> str:
    """Return an SVG as `canvas` does, with what the figure says as its title."""
    return canvas(width, height, title(words), *parts)


def title(words: str) -> str:
    """Return what a drawing says, at its top."""
    return text(14, 24, words, 15, bold=True)


def subtitle(words: str) -> str:
    """Return the line below a title: what was measured, and how."""
    return text(14, 45, words, 12.5, "#444")


def described(drawing: str, alt: str) -> str:
    """Return a drawing with its alt text, a sentence for readers who do not see it."""
    return f'<div role="img" aria-label="{html.escape(alt, quote=True)}">{drawing}</div>'


def show(drawing: str, alt: str) -> None:
    """Show a drawing with its alt text."""
    from IPython.display import display

    display({"text/html": described(drawing, alt), "text/plain": f"[figure: {alt}]"}, raw=True)


def text(x, y, words, size=13, color=BLACK, anchor="start", bold=False, italic=False, halo=False) -> str:
    """Return words at a place; `halo` puts white around them, so that they can be read on a drawing."""
    style = ' font-weight="bold"' if bold else ""
    style += ' font-style="italic"' if italic else ""
    style += ' stroke="#fff" stroke-width="4" stroke-linejoin="round" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{color}" text-anchor="{anchor}"{style}>'
        f"{html.escape(str(words))}</text>"
    )


def note(x, y, words, anchor="start") -> str:
    """Return a dark gray remark."""
    return text(x, y, words, 12.5, "#333", anchor)


def centered(x, y, words, size, color=BLACK, anchor="middle", bold=False, italic=False) -> str:
    """Return words whose middle, not whose base line, lies at y."""
    style = (' font-weight="700"' if bold else "") + (' font-style="italic"' if italic else "")
    return (
        f'<text x="{x:g}" y="{y:.1f}" font-size="{size}" fill="{color}"{style} text-anchor="{anchor}" '
        f'dominant-baseline="central">{html.escape(str(words))}</text>'
    )


def ring(x, y, r, color, width=2.5, dash="") -> str:
    """Return an empty circle around a place."""
    drawn = circle(x, y, r, "none", color, width)
    return drawn.replace("/>", f' stroke-dasharray="{dash}"/>') if dash else drawn


def line(x1, y1, x2, y2, color=BLACK, width=1.0, dash="") -> str:
    """Return a straight line."""
    dash = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
        f'stroke-width="{width}"{dash} stroke-linecap="round"/>'
    )


def polygon(points, fill, stroke="none", width=1.0, opacity=1.0) -> str:
    """Return a filled polygon through points, a sequence of (x, y)."""
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{at}" fill="{fill}" stroke="{stroke}" stroke-width="{width}" opacity="{opacity}"/>'


def arrow(x1, y1, x2, y2, color=BLACK, width=2.0, head=9) -> str:
    """Return an arrow from the first point to the second; `head` is the length of its head."""
    length = max(float(np.hypot(x2 - x1, y2 - y1)), 1e-9)
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    bx, by = x2 - head * ux, y2 - head * uy
    tip = [
        (x2, y2),
        (bx - uy * head * 0.45, by + ux * head * 0.45),
        (bx + uy * head * 0.45, by - ux * head * 0.45),
    ]
    return line(x1, y1, bx, by, color, width) + polygon(tip, color)


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


def frame(title: str, body: str, width: int = 880) -> str:
    """The white card on which a figure lies, with the one thing it says as its title."""
    return (
        f'<div style="background:#fff;color:{INK};{FONT};font-size:14px;line-height:1.5;padding:12px 14px;'
        f'max-width:{width}px;box-sizing:border-box;border:1px solid #DDD;border-radius:6px">'
        f'<div style="font-weight:700;font-size:15px;margin-bottom:8px">{html.escape(title)}</div>{body}</div>'
    )


def label(words: str) -> str:
    """Return a small heading, to stand above a drawing."""
    return f'<div style="font-size:13px;color:{INK};margin:0 0 3px">{html.escape(words)}</div>'


def block(words: str, drawing: str) -> str:
    """Return a drawing with its heading, to stand in a row with others."""
    return f'<div style="flex:0 0 auto;max-width:100%">{label(words)}{drawing}</div>'
