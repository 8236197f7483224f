"""Two known mistakes made at once: what would come of both, from what comes of each.

Only such pairs are tried as can be composed from results alone: mistakes in different items or places of a result, and mistakes
that scale, shift or turn a whole result. What mistakes do to each other inside a formula cannot be seen from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from introdl.checking.compare import compare

#: What cannot be composed.
UNKNOWN = object()


def pairs(
    given: Sequence[Any], expected: Sequence[Any], mistakes: Mapping[int, Sequence[Any]], rtol: float
) -> list[tuple[int, int]]:
    """Return the pairs of mistakes that give, made together, what came in every case.

    Parameters
    ----------
    given, expected : sequence
        What came in each case, and what is right.
    mistakes : mapping of int to sequence
        What each known mistake gives in each case.
    rtol : float
        As for `introdl.checking.compare.compare`.

    Returns
    -------
    list of (int, int)
        Each needs both: there is a case in which neither of the two alone gives what came.
    """
    return [
        pair
        for pair in combinations(sorted(mistakes), 2)
        if _explains(given, expected, mistakes[pair[0]], mistakes[pair[1]], rtol)
    ]


def _explains(given: Sequence, expected: Sequence, one: Sequence, other: Sequence, rtol: float) -> bool:
    needed = False
    for came, right, first, second in zip(given, expected, one, other, strict=True):
        both = together(first, second, right)
        if both is UNKNOWN or not _same(came, both, rtol):
            return False
        needed |= not any(_same(came, each, rtol) for each in (right, first, second))
    return needed


def _same(a: Any, b: Any, rtol: float) -> bool:
    try:
        return compare(a, b, rtol) is None
    except Exception:  # a stranger's result
        return False


def together(one: Any, other: Any, right: Any) -> Any:
    """Return what two mistakes give together; `UNKNOWN` where their results do not tell.

    Parameters
    ----------
    one, other, right : object
        What each gives alone, and what is right.
    """
    for kind in (tuple, list):
        if all(isinstance(each, kind) for each in (one, other, right)):
            if len({len(one), len(other), len(right)}) > 1:
                return UNKNOWN
            items = [together(*each) for each in zip(one, other, right, strict=True)]
            return UNKNOWN if any(item is UNKNOWN for item in items) else kind(items)
    if all(isinstance(each, dict) for each in (one, other, right)):
        if not one.keys() == other.keys() == right.keys():
            return UNKNOWN
        values = {key: together(one[key], other[key], right[key]) for key in right}
        return UNKNOWN if any(value is UNKNOWN for value in values.values()) else values
    if not all(_is_numbers(each) for each in (one, other, right)):
        return UNKNOWN
    return _arrays(*(np.asarray(each, dtype=float) for each in (one, other, right)))


def _is_numbers(value: Any) -> bool:
    return isinstance(value, (int, float, np.ndarray, np.generic)) and np.asarray(value).dtype.kind in "biuf"


def _arrays(one: np.ndarray, other: np.ndarray, right: np.ndarray) -> Any:
    for a, b in ((one, other), (other, one)):
        change = _whole_change(a, right)
        if change is not None:
            return change(b)
    if one.shape == other.shape == right.shape:
        off = [~np.isclose(each, right, equal_nan=True) for each in (one, other)]
        if not np.any(off[0] & off[1]):
            return np.where(off[0], one, other)
    return UNKNOWN


def _whole_change(a: np.ndarray, right: np.ndarray) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return what was done to a whole result, where it is that: nothing, scaled, shifted or turned."""
    if a.shape != right.shape:
        if a.ndim == right.ndim == 2 and a.shape == right.T.shape and np.allclose(a, right.T):
            return np.transpose
        return None
    if np.allclose(a, right, equal_nan=True):
        return lambda b: b
    if not (np.isfinite(a).all() and np.isfinite(right).all()):
        return None
    filled = right != 0
    if filled.any() and np.allclose(a[~filled], 0):
        factor = a[filled] / right[filled]
        if np.allclose(factor, factor.flat[0]) and factor.flat[0] != 0:
            return lambda b: b * factor.flat[0]
    return None
