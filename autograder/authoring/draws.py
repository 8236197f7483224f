"""Random draws and roundings for the cases of every chapter.

All numbers come from the generator that is given, always in the same order: a sheet is made again from its seed.
"""

from __future__ import annotations

import hashlib

import numpy as np


def rounded(values):
    """Round results to ten decimals, so that an answer sheet is the same on every machine.

    Parameters
    ----------
    values : array_like or number

    Returns
    -------
    numpy.ndarray or numpy.float64
        Of dtype float64; a single number is a NumPy scalar, which a sheet keeps as an array, where nan equals nan.
    """
    return np.round(np.asarray(values, dtype=float), 10)


def rounding(formula):
    """Return `formula` as a function whose result is `rounded`: for a mistake that is one expression."""
    return lambda *inputs: rounded(formula(*inputs))


def signed(rng, shape, high=2.0, low=0.1, digits=2):
    """Draw real numbers of both signs and few decimals, which a learner can read; none of them is zero.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : int or tuple of int
    high, low : float
        The range of their sizes, 0 < low < high.
    digits : int
        How many decimals; `low` has no more.
    """
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(low, high, shape).round(digits)


def whole(rng, shape, low=-4, high=5, zero=0):
    """Draw small whole numbers, as floats.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : int or tuple of int
    low, high : int
        They lie from `low` to `high` - 1.
    zero : int
        What takes the place of 0 where the cases must hold none.
    """
    found = rng.integers(low, high, shape).astype(float)
    return np.where(found == 0, float(zero), found)


def drawn_labels(rng, n, classes, repeated=False):
    """Draw n labels from 0 to `classes` - 1, not all 0 and, of several, not all alike.

    Parameters
    ----------
    rng : numpy.random.Generator
    n, classes : int
    repeated : bool
        Whether of three labels or more one must come twice.

    Returns
    -------
    numpy.ndarray
        Of dtype int64 and shape (n,).
    """
    while True:
        found = rng.integers(0, classes, n).astype(np.int64)
        different = len(set(found.tolist()))
        if found.any() and (n == 1 or different > 1) and (not repeated or n < 3 or different < n):
            return found


def generator(rng, seeds=2**32):
    """Draw a generator to hand to the learner's function; its seed lies below `seeds`."""
    return np.random.default_rng(int(rng.integers(seeds)))


def checksum(array) -> str:
    """Return a text that tells an array from every other: what is held out is found again by what was handed out."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def wrong_answers(exercise) -> dict:
    """Return what makes each known mistake of an exercise, by its name: for cases drawn so that every one of them shows."""
    return {mistake.name: mistake.wrong for mistake in reversed(exercise.misconceptions)}  # of several, the first
