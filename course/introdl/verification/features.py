"""What can be compared without learning anything: pixels, and shares of colors."""

from __future__ import annotations

import numpy as np


def pixels(images: np.ndarray, size: int = 32) -> np.ndarray:
    """Return pictures as rows of numbers: reduced by averaging, from 0 to 1.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3); H = W, a multiple of `size`.
    size : int
        Height and width after averaging.

    Returns
    -------
    numpy.ndarray
        float32, (N, 3 * size * size).
    """
    n, height = images.shape[:2]
    if height % size:
        raise ValueError(f"{height} pixels cannot be averaged to {size}; give a size that divides {height}.")
    step = height // size
    small = images.reshape(n, size, step, size, step, 3).mean(axis=(2, 4), dtype=np.float32)
    return small.reshape(n, -1) / np.float32(255)


def color_histograms(images: np.ndarray, bins: int = 8) -> np.ndarray:
    """Return each picture's shares of ``bins ** 3`` colors, as square roots.

    Of square roots the cosine similarity is Bhattacharyya's coefficient: 1 for equal shares, 0 where no color is common.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    bins : int
        For each of red, green and blue.

    Returns
    -------
    numpy.ndarray
        float32, (N, bins ** 3); the squares of each row add up to 1.
    """
    n = len(images)
    codes = (images.astype(np.int64) * bins) >> 8
    codes = (codes[..., 0] * bins + codes[..., 1]) * bins + codes[..., 2]
    codes = codes.reshape(n, -1) + np.arange(n)[:, None] * bins**3
    counts = np.bincount(codes.reshape(-1), minlength=n * bins**3).reshape(n, -1)
    return np.sqrt(counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
