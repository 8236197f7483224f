"""The map of the course: chapters in boxes, arrows from what comes before, and how far you are."""

from __future__ import annotations

from collections.abc import Sequence

from introdl.chapters import CHAPTERS
from introdl.figures import svg
from introdl.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 208, 84, 32, 40, 14

#: Column and row of each chapter; those that are not named here follow below, row by row.
PLACES = {
    "00": (0, 0), "01": (1, 0), "02": (2, 0),
    "03": (0, 1), "04": (1, 1), "05": (2, 1),
    "06": (1, 2), "07": (2, 2),
    "08": (0, 3), "09": (1, 3), "10": (2, 3),
    "13": (0, 4), "11": (1, 4), "12": (2, 4),
}  # fmt: skip

#: The course's parts: a name, a color, and the first chapter of it.
PARTS = (
    ("the task", ORANGE, "00"),
    ("the parts, by hand", BLUE, "02"),
    ("training for real", GREEN, "08"),
    ("what it is for", PURPLE, "12"),
)


def places(numbers: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return column and row of each chapter, by its number."""
    below = max(row for _, row in PLACES.values()) + 1
    others = [number for number in numbers if number not in PLACES]
    return PLACES | {number: (k % 3, below + k // 3) for k, number in enumerate(others)}


def course_map() -> None:
    """Show the map, with your progress on this machine."""
    from introdl.checking import records

    done = {each.name[:2]: each for each in records.overview()}
    alt = "A map of the course. " + " ".join(_told(one, done[one.number]) for one in CHAPTERS if one.number in done)
    svg.show(drawn(done), alt)


def drawn(done: dict) -> str:
    """Return the map as an SVG.

    Parameters
    ----------
    done : dict of str to introdl.checking.records.ChapterProgress
        By chapter number; a chapter that is not built yet is not drawn.
    """
    chapters = [one for one in CHAPTERS if one.number in done]
    corners = places([one.number for one in chapters])
    columns, rows = (max(place[axis] for place in corners.values()) + 1 for axis in (0, 1))
    width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP_X
    height = 2 * MARGIN + rows * (HEIGHT + GAP_Y)
    arrows = [
        _arrow(_corner(*corners[before]), _corner(*corners[one.number])) for one in chapters for before in one.needs
    ]
    tiles = [_tile(one, done[one.number], *_corner(*corners[one.number])) for one in chapters]
    return svg.canvas(width, height, *arrows, *tiles, _legend(height - MARGIN))


def _told(one, chapter) -> str:
    after = f", after {' and '.join(one.needs)}" if one.needs else ""
    return f"{one.number} {one.title}{after}: {chapter.passed} of {len(chapter.exercises)} done."


def _corner(column: int, row: int) -> tuple[float, float]:
    return MARGIN + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y)


def _color(number: str) -> str:
    return next(color for _, color, first in reversed(PARTS) if first <= number)


def _tile(one, chapter, x: float, y: float) -> str:
    share = chapter.passed / len(chapter.exercises)
    count = sum(not id.endswith(".quiz") for id, *_ in chapter.exercises)
    color = _color(one.number)
    parts = [
        svg.box(x, y, WIDTH, HEIGHT, "#fff", color, 1.6, 8),
        f'<path d="M{x + 8} {y} h-0 a8 8 0 0 0 -8 8 v{HEIGHT - 16} a8 8 0 0 0 8 8 z" fill="{color}"/>',
        svg.text(x + 20, y + 27, one.number, 17, bold=True),
        svg.text(x + 48, y + 27, one.short, 12.5, bold=True),
        svg.text(x + 20, y + 48, f"{count} exercises, {one.minutes} minutes", 12, svg.INK),
        svg.box(x + 20, y + 60, WIDTH - 74, 8, svg.GRID, radius=4),
        svg.text(x + WIDTH - 12, y + 68.5, f"{chapter.passed} of {len(chapter.exercises)}", 11, svg.INK, anchor="end"),
    ]
    if share:
        parts.append(svg.box(x + 20, y + 60, (WIDTH - 74) * share, 8, GREEN, radius=4))
    return "".join(parts)


def _arrow(before: tuple[float, float], after: tuple[float, float]) -> str:
    """An arrow from one box to another: straight where they are neighbors, else down, across and down."""
    (x1, y1), (x2, y2) = before, after
    if y1 == y2:
        right = x2 > x1
        start, end = (x1 + WIDTH, x2) if right else (x1, x2 + WIDTH)
        points = [(start, y1 + HEIGHT / 2), (end, y1 + HEIGHT / 2)]
    else:
        middle_1, middle_2 = x1 + WIDTH / 2, x2 + WIDTH / 2
        turn = (y1 + HEIGHT + y2) / 2
        points = [(middle_1, y1 + HEIGHT), (middle_1, turn), (middle_2, turn), (middle_2, y2)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points[:-1])
    bent = f'<polyline points="{path}" fill="none" stroke="{BLACK}" stroke-width="1.4"/>'
    return bent + svg.arrow(*points[-2], *points[-1], BLACK, 1.4, 8)


def _legend(y: float) -> str:
    parts, x = [], MARGIN
    for name, color, _ in PARTS:
        parts.append(svg.box(x, y - 11, 12, 12, color, radius=3))
        parts.append(svg.text(x + 18, y, name, 12.5))
        x += 36 + 7.4 * len(name)
    return "".join(parts)
