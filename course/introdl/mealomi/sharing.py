"""A card to share: a meal as one picture (PNG)."""

from __future__ import annotations

import numpy as np


def share_card(picture: np.ndarray, dish: str, grams: float, box: tuple[float, ...] | None = None) -> bytes:
    """Draw a meal's card: the picture, its dish, energy, nutrients and Nutri-Score.

    Parameters
    ----------
    picture : numpy.ndarray
        uint8, (H, W, 3).
    dish : str
        A dish of the nutrition table.
    grams : float
        The portion, over 0.
    box : four floats, optional
        x0, y0, x1, y1 of the food as shares of the picture.

    Returns
    -------
    bytes
        A PNG of 1080 x 1350 pixels.

    Raises
    ------
    ValueError
        Where the picture, the dish or the grams cannot be.
    """
    raise NotImplementedError
