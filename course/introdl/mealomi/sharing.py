"""A card to share: a meal as one picture (PNG)."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from introdl.mealomi import charts, nutriscore
from introdl.mealomi.nutrition import nutrients
from introdl.wording import spoken

_WIDTH, _HEIGHT, _EDGE = 1080, 1350, 60
_INK, _SOFT, _PAPER = "#222222", "#595959", "#FFF9F0"


def share_card(picture: np.ndarray, dish: str, grams: float, box: tuple[float, ...] | None = None) -> bytes:
    """Draw a meal's card: the picture, its dish, energy, nutrients and Nutri-Score.

    Parameters
    ----------
    picture : numpy.ndarray
        uint8, (H, W, 3). Of one that is not square the largest square in the middle is shown.
    dish : str
        A dish of the nutrition table.
    grams : float
        The portion, over 0.
    box : four floats, optional
        x0, y0, x1, y1 of the food as shares of the picture, as `Meal.box` has it.

    Returns
    -------
    bytes
        A PNG of 1080 x 1350 pixels.

    Raises
    ------
    ValueError
        Where the picture, the dish or the grams cannot be.
    """
    from PIL import Image, ImageDraw

    from introdl.data.photographs import square
    from introdl.models.weights import looked_at

    amounts, score = nutrients(dish, grams), nutriscore.of_dish(dish)
    picture = np.asarray(picture)
    side = _WIDTH - 2 * _EDGE
    photo = Image.fromarray(square(Image.fromarray(np.ascontiguousarray(looked_at(picture[None])[0])), side))
    card = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    if box is not None:
        height, width = picture.shape[:2]
        frame = _in_square(box, height, width, side)
        pen = ImageDraw.Draw(photo)
        pen.rectangle([frame[0] - 2, frame[1] - 2, frame[2] + 2, frame[3] + 2], outline="white", width=11)
        pen.rectangle(frame, outline="#0072B2", width=7)
    # Corners are rounded on four times the pixels, then made smaller: smooth edges.
    mask = Image.new("L", (side * 2, side * 2), 0)
    ImageDraw.Draw(mask).rounded_rectangle([0, 0, side * 2 - 1, side * 2 - 1], 72, fill=255)
    card.paste(photo, (_EDGE, _EDGE), mask.resize((side, side), Image.Resampling.LANCZOS))

    pen = ImageDraw.Draw(card)
    bold, plain = _font(64, True), _font(38)
    y = _EDGE + side + 34
    pen.text((_EDGE, y), spoken(dish).capitalize(), _INK, bold)
    pen.text((_EDGE, y + 88), f"{grams:,.0f} g  ·  {amounts['kcal']:,.0f} kcal", _INK, plain)
    parts = (("fat_g", "fat"), ("carbohydrate_g", "carbohydrate"), ("protein_g", "protein"), ("salt_g", "salt"))
    words = "   ".join(f"{name} {amounts[key]:.{0 if amounts[key] >= 10 else 1}f} g" for key, name in parts)
    pen.text((_EDGE, y + 150), words, _SOFT, _font(27))
    _letters(pen, score.letter, _WIDTH - _EDGE, y + 6)
    pen.line([_EDGE, _HEIGHT - 92, _WIDTH - _EDGE, _HEIGHT - 92], "#D8CFC2", 2)
    pen.text((_EDGE, _HEIGHT - 76), "MealoMi", _INK, _font(28, True))
    pen.text((_WIDTH - _EDGE, _HEIGHT - 74), "a lesson, not dietary advice", _SOFT, _font(24), anchor="ra")
    buffer = io.BytesIO()
    card.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _in_square(box, height: int, width: int, side: int) -> tuple[int, ...]:
    """Return a box in pixels of the largest square in the middle, enlarged to `side`, cut off at its edges."""
    small = min(height, width)
    whole = (width, height, width, height)
    offset = ((width - small) / 2, (height - small) / 2) * 2
    found = [(share * size - out) / small for share, size, out in zip(box, whole, offset, strict=True)]
    return tuple(round(min(max(value, 0), 1) * (side - 1)) for value in found)


def _letters(pen, own: str, right: int, top: int) -> None:
    """Draw the Nutri-Score's five letters, flush right."""
    wide, large, gap = 50, 74, 5
    x = right - (4 * (wide + gap) + large)
    for letter, color in charts.LETTERS.items():
        side = large if letter == own else wide
        y = top + (large - side) / 2
        fill = color if letter == own else _faded(color)
        edge = _INK if letter == own else fill
        pen.rounded_rectangle([x, y, x + side, y + side], 12, fill=fill, outline=edge, width=4)
        ink = charts.on_letter(letter) if letter == own else "#555555"
        pen.text((x + side / 2, y + side / 2), letter, ink, _font(50 if letter == own else 30, True), anchor="mm")
        x += side + gap
    pen.text((right, top + large + 12), "Nutri-Score, per 100 g", _SOFT, _font(24), anchor="ra")


def _faded(color: str) -> str:
    from introdl.figures.grid import mix

    return mix(color, 0.38)


def _font(size: int, bold: bool = False):
    """Return DejaVu Sans, which comes with matplotlib."""
    import matplotlib
    from PIL import ImageFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / f"DejaVuSans{'-Bold' if bold else ''}.ttf"), size)
