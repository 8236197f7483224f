"""How far what a network says of its own answers is from how often they are right."""

from __future__ import annotations

import numpy as np


def expected_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error: the mean gap between accuracy and confidence, bin by bin.

    Parameters
    ----------
    confidence : numpy.ndarray
        (N,): the largest probability of each answer, above 0 and up to 1.
    right : numpy.ndarray
        bool, (N,): whether the answer is right.
    bins : int
        Bins of equal width from 0 to 1; a confidence at an edge is in the bin below.

    Returns
    -------
    float
        From 0 to 1.
    """
    inside = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    # A bin's share times its gap is the absolute sum of its differences, divided by the number of all answers.
    return float(np.abs(np.bincount(inside, right - confidence, bins)).sum() / len(confidence))
