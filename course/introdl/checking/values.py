"""Values as people read them: in a line of text, as tables of numbers, or as pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from introdl import pixels
from introdl.checking import judge
from introdl.checking.compare import compare, format_number, key_text, tell_apart
from introdl.checking.packing import Huge, Other, Tensor
from introdl.checking.probes import Wrong
from introdl.wording import shortened

_SIDE = 8
_PLANES = 6


def describe(value: Any) -> str:
    """Say a value in a line: small ones whole, large ones by type, shape and range."""
    return shortened(_described(value))


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return "tensor " + _described(value.array)
    if isinstance(value, Huge):
        return value.what + (f" of shape {value.shape}" if value.shape is not None else "")
    if isinstance(value, Other):
        return value.text or value.type_name
    if isinstance(value, np.random.Generator):
        return "a random generator"
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, (bool, int, float, np.generic)) and not isinstance(value, np.str_):
        return format_number(value)
    if isinstance(value, (list, tuple)):
        if len(value) > 12:
            return f"{type(value).__name__} of {len(value)} items"
        ends = "[]" if isinstance(value, list) else "()"
        return ends[0] + ", ".join(describe(item) for item in value) + ends[1]
    if isinstance(value, dict):
        if len(value) > 12:
            return f"dict of {len(value)} items"
        return "{" + ", ".join(f"{key_text(key)}: {describe(item)}" for key, item in value.items()) + "}"
    text = repr(str(value) if isinstance(value, np.str_) else value)
    return shortened(text, 160)


#: A value longer than this in words is told by where it differs.
_LONG = 200


def apart(case: judge.CaseVerdict) -> tuple[str, str, str]:
    """Say where a result differs, what was expected there, and what came: always two texts that differ, where they can.

    Returns
    -------
    where, expected, given : str
        `where` is "" where both are told whole, else as in ``" [2, 0]"``.
    """
    expected, given = case.expected, case.given.array if isinstance(case.given, Tensor) else case.given
    texts = describe(expected), describe(given)
    if case.difference is None or (texts[0] != texts[1] and max(map(len, texts)) <= _LONG and not _is_large(expected)):
        return "", *texts
    where, one, other = _first_leaf(expected, given)
    if _is_numbers(one) and _is_numbers(other) and one.shape == other.shape:
        bad = _bad(case, one, other)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            where += f"[{', '.join(map(str, place))}]"
            one, other = one[place], other[place]
    numbers = all(isinstance(each, (int, float, np.number)) and not isinstance(each, bool) for each in (one, other))
    texts = tell_apart(one, other) if numbers else (describe(one), describe(other))
    return f" {where}" if where else "", *texts


def _is_large(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.size > 24


def _bad(case: judge.CaseVerdict, expected: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Mark where two arrays differ: as the comparison found it, where it was about these two."""
    marked = case.difference.where if case.difference is not None else None
    if marked is not None and marked.shape == expected.shape and expected is case.expected:
        return marked
    return ~np.isclose(given.astype(float), expected.astype(float), equal_nan=True)


def _first_leaf(expected: Any, given: Any) -> tuple[str, Any, Any]:
    """Go down into lists and dicts of one build to the first part that differs; return its place and both parts."""
    pairs: list[tuple[str, Any, Any]] = []
    if isinstance(expected, dict) and isinstance(given, dict) and expected.keys() == given.keys():
        pairs = [(f"[{key_text(key)}]", expected[key], given[key]) for key in expected]
    elif isinstance(expected, (list, tuple)) and isinstance(given, (list, tuple)) and len(expected) == len(given):
        pairs = [(f"[{i}]", *both) for i, both in enumerate(zip(expected, given, strict=True))]
    for where, one, other in pairs:
        if _differ(one, other):
            below, *parts = _first_leaf(one, other)
            return where + below, parts[0], parts[1]
    return "", expected, given


def _differ(one: Any, other: Any) -> bool:
    try:
        return compare(other, one) is not None
    except Exception:  # a stranger's result
        return True


def _array(array: np.ndarray) -> str:
    if array.ndim == 0:
        return format_number(array[()]) if array.dtype.kind in "biufc" else repr(array[()])
    if array.size <= 24 and array.dtype.kind in "biuf":
        return _nested(array)
    if array.dtype.kind == "U":
        few = ", ".join(repr(str(item)) for item in array.flat[:4])
        return (
            f"[{few}]" if array.ndim == 1 and array.size <= 4 else f"array of texts of shape {array.shape}: {few}, ..."
        )
    text = f"{array.dtype} array of shape {array.shape}"
    if array.size and array.dtype.kind in "biuf" and np.isfinite(array).any():
        finite = array[np.isfinite(array)]
        text += f", from {format_number(finite.min())} to {format_number(finite.max())}"
    return text


def _nested(array: np.ndarray) -> str:
    items = [format_number(item) for item in array] if array.ndim == 1 else [_nested(row) for row in array]
    return "[" + ", ".join(items) + "]"


@dataclass(frozen=True)
class Drawing:
    """A value as a page draws it: a picture, or else tables of numbers, or else a line of text.

    Attributes
    ----------
    text : str
        The value in a line; for a picture, what it shows.
    planes : list of (str, list of list of (str, bool))
        Each plane's index, and its rows of numbers; True marks a number that is wrong.
    picture : str
        The address of a picture, ``"data:image/png;base64,..."``.
    """

    text: str
    planes: list[tuple[str, list[list[tuple[str, bool]]]]] = field(default_factory=list)
    picture: str = ""


def drawing(value: Any) -> Drawing:
    """Draw a value by itself: small planes of numbers as tables, everything else in a line."""
    if isinstance(value, Tensor):
        value = value.array
    planes = []
    if _is_numbers(value) and max(value.shape[-2:]) <= _SIDE:
        indices = list(np.ndindex(value.shape[:-2]))
        if len(indices) <= _PLANES:
            planes = [(str(list(index)), _rows(_plane(value, index))) for index in indices]
    return Drawing(describe(value), planes)


def result(case: judge.CaseVerdict, image: bool) -> list[tuple[str, Drawing]]:
    """Draw what was expected and what came, to stand side by side.

    Parameters
    ----------
    case : introdl.checking.judge.CaseVerdict
    image : bool
        Whether large planes are drawn as pictures, with their difference beside them.

    Returns
    -------
    list of (str, Drawing)
        Each with its label.
    """
    expected, given = case.expected, case.given
    if isinstance(given, Tensor):
        given = given.array
    both = [("expected", drawing(expected))]
    if not has_result(case):
        return both
    both.append(("yours", drawing(given)))
    if not (_is_numbers(expected) and _is_numbers(given) and expected.shape == given.shape):
        return _leaves(case) or both
    bad = case.difference.where if case.difference is not None else None
    if bad is None or bad.shape != expected.shape:
        bad = np.zeros(expected.shape, dtype=bool)
    index = tuple(int(i) for i in np.argwhere(bad)[0][:-2]) if bad.any() and bad.ndim > 2 else (0,) * (bad.ndim - 2)
    e, g, b = _plane(expected, index), _plane(given, index), _plane(bad, index)
    if image and max(e.shape) > _SIDE and min(e.shape) > 1:
        return _pictures(e, g, f" [{', '.join(map(str, index))}, :, :]" if index else "")
    window = _window(b)
    at = _at(index, window, e.shape) if expected.ndim > 1 or window[1] != slice(0, e.shape[1]) else ""
    e, g, b = e[window], g[window], b[window]
    tables = _pair_of_tables(e, g, b)
    return [(f"expected{at}", tables[0]), (f"yours{at}", tables[1])]


def _window(bad: np.ndarray) -> tuple[slice, slice]:
    """Return a window of at most `_SIDE` rows and columns that holds the first wrong number."""
    first = np.argwhere(bad)[0] if bad.any() else (0, 0)
    starts = (max(0, min(int(place) - 2, size - _SIDE)) for place, size in zip(first, bad.shape, strict=True))
    rows, columns = (slice(start, min(start + _SIDE, size)) for start, size in zip(starts, bad.shape, strict=True))
    return rows, columns


def _at(index: tuple, window: tuple[slice, slice], shape: tuple[int, ...]) -> str:
    """Say which part of an array a table shows; "" for all of it."""
    parts = [
        ":" if one == slice(0, size) else f"{one.start}:{one.stop}" for one, size in zip(window, shape, strict=True)
    ]
    return f" [{', '.join([*map(str, index), *parts])}]" if index or parts != [":", ":"] else ""


def _pair_of_tables(expected: np.ndarray, given: np.ndarray, bad: np.ndarray) -> tuple[Drawing, Drawing]:
    """Draw two planes of numbers; those that differ with as many digits as it takes to see it."""
    rows: tuple[list, list] = ([], [])
    for e_row, g_row, b_row in zip(expected, given, bad, strict=True):
        both = [
            tell_apart(e, g) if wrong else (format_number(e), format_number(g))
            for e, g, wrong in zip(e_row, g_row, b_row, strict=True)
        ]
        rows[0].append([(e, False) for e, _ in both])
        rows[1].append([(g, bool(wrong)) for (_, g), wrong in zip(both, b_row, strict=True)])
    return Drawing("", [("", rows[0])]), Drawing("", [("", rows[1])])


def is_picture(case: judge.CaseVerdict) -> bool:
    """Whether a case has a result that is drawn as a picture rather than as numbers."""
    if not has_result(case) or not _is_numbers(case.expected) or not _is_numbers(case.given):
        return False
    same = case.expected.shape == case.given.shape
    return same and case.expected.ndim >= 2 and max(case.expected.shape[-2:]) > _SIDE


def has_result(case: judge.CaseVerdict) -> bool:
    """Whether the learner's code returned something that can be shown."""
    returned = case.outcome.kind == "returned"
    return returned and not isinstance(case.given, Wrong)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.ndim >= 1 and value.size > 0


def _leaves(case: judge.CaseVerdict) -> list[tuple[str, Drawing]]:
    """Draw the first part that differs, of results that are too long to be compared by eye."""
    where, expected, given = apart(case)
    return [(f"expected{where}", Drawing(expected)), (f"yours{where}", Drawing(given))] if where else []


def _plane(array: np.ndarray, index: tuple) -> np.ndarray:
    return array[None] if array.ndim == 1 else array[index]


def _rows(plane: np.ndarray, wrong: np.ndarray | None = None) -> list[list[tuple[str, bool]]]:
    wrong = np.zeros(plane.shape, dtype=bool) if wrong is None else wrong
    return [
        [(format_number(number), bool(bad)) for number, bad in zip(*row, strict=True)]
        for row in zip(plane, wrong, strict=True)
    ]


def _pictures(expected: np.ndarray, given: np.ndarray, at: str) -> list[tuple[str, Drawing]]:
    finite = np.concatenate([a[np.isfinite(a)].ravel().astype(float) for a in (expected, given)])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    off = given.astype(float) - expected.astype(float)
    most = float(np.max(np.abs(off[np.isfinite(off)]), initial=0.0)) or 1.0
    legend = f"yours - expected (orange below, blue above; at most {format_number(most)})"
    return [
        (f"expected{at}", Drawing("the expected picture", picture=_address(_gray(expected, low, high)))),
        (f"yours{at}", Drawing("your picture", picture=_address(_gray(given, low, high)))),
        (legend, Drawing("the difference", picture=_address(_diverging(off, most)))),
    ]


def _unit(plane: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map low to 0 and high to 1; what is not finite goes to the nearer end."""
    plane = np.nan_to_num(plane.astype(float), nan=low, posinf=high, neginf=low)
    return np.clip((plane - low) / ((high - low) or 1.0), 0, 1)[..., None]


def _gray(plane: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.repeat(_unit(plane, low, high) * 255, 3, axis=-1)


def _diverging(plane: np.ndarray, most: float) -> np.ndarray:
    """Color from orange (-most) over white (0) to blue (most)."""
    blue, white, orange = np.array([0, 114, 178.0]), np.array([255, 255, 255.0]), np.array([213, 94, 0.0])
    t = _unit(plane, -most, most) * 2 - 1
    return np.where(t < 0, white + (orange - white) * -t, white + (blue - white) * t)


def _address(colors: np.ndarray) -> str:
    """Enlarge (H, W, 3) colors from 0 to 255 to about 160 pixels, and write them into an address."""
    zoom = max(1, 160 // max(colors.shape[:2]))
    return pixels.address(colors.astype(np.uint8).repeat(zoom, axis=0).repeat(zoom, axis=1), exact=True)
