"""Slips that return: what a wrong result looks like, whatever the exercise.

`RETURNED` is the table; the first row that fits is the one that is told. A row claims only what the result itself shows.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from introdl.checking.compare import compare
from introdl.checking.packing import Other
from introdl.checking.sheets import Entry
from introdl.checking.slips.context import Context, Slip


@dataclass(frozen=True)
class Returned:
    """A row of the table.

    Parameters
    ----------
    name, explanation : str
        As in `Slip`; ``{name}`` is the learner's function.
    looks : callable
        Whether a context's result looks so.
    anywhere : bool
        True where one such case is proof enough; else all that failed must look so.
    detail : callable, optional
        As in `Slip`.
    enough : callable, optional
        Whether all that look so are enough of a proof together.
    """

    name: str
    explanation: str
    looks: Callable[[Context], bool]
    anywhere: bool = False
    detail: Callable[[Context], str] = lambda context: ""
    enough: Callable[[Sequence[Context]], bool] = lambda contexts: True


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size > 0


def _is_none(context: Context) -> bool:
    """Whether None came that cannot be meant: where it may be right, only code without any result says so."""
    if context.given is not None:
        return False
    return not may_be_none(context.entry) or bool(context.code and not _returns_something(context.code))


def may_be_none(entry: Entry) -> bool:
    """Whether None is the right answer in one of an exercise's cases."""
    return any(case.expected is None for case in entry.cases)


def _returns_something(code: str) -> bool:
    try:
        values = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, (ast.Return, ast.Yield))]
    except SyntaxError:
        return False
    return any(value is not None and not (isinstance(value, ast.Constant) and value.value is None) for value in values)


def _is_printed(context: Context) -> bool:
    return _is_none(context) and bool(context.outcome.printed.strip()) and not _returns_something(context.code)


def _on_a_path(context: Context) -> bool:
    return _is_none(context) and _returns_something(context.code)


def _of_type(*names: str) -> Callable[[Context], bool]:
    return lambda context: isinstance(context.given, Other) and context.given.type_name.startswith(names)


def _has_a_comma(context: Context) -> bool:
    given, expected = context.given, context.expected
    if not isinstance(given, tuple) or len(given) != 1 or isinstance(expected, (tuple, list, dict)):
        return False
    return compare(given[0], expected, context.entry.rtol) is None


def _is_table_for_row(context: Context) -> bool:
    """Whether (N, N) numbers came where N were expected."""
    given, expected = context.given, context.expected
    if not _is_numbers(given) or not _is_numbers(expected) or expected.ndim != 1 or len(expected) < 2:
        return False
    return given.shape == (len(expected), len(expected))


def _same_shape(context: Context) -> bool:
    given, expected = context.given, context.expected
    return _is_numbers(given) and _is_numbers(expected) and given.shape == expected.shape


def _is_cut(context: Context) -> bool:
    """Whether the right numbers came, but for what stands behind the point, in an array that holds whole numbers."""
    if not _same_shape(context) or context.given.dtype.kind not in "iu" or context.expected.dtype.kind != "f":
        return False
    with np.errstate(invalid="ignore"):
        cut = np.trunc(context.expected)
    off = cut != context.expected
    return bool(off.sum() >= 2 and np.any(cut[off] != 0) and np.array_equal(context.given, cut))


def _is_wrapped(context: Context) -> bool:
    """Whether a byte ran over: what came is right but for a multiple of 256."""
    if not _same_shape(context) or context.given.dtype != np.uint8:
        return False
    away = context.expected.astype(float) - context.given
    return bool(np.any(away != 0) and np.all(away % 256 == 0))


def _numbers(value: Any) -> np.ndarray | None:
    """Return all numbers of a result in one row; None where it holds something else."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        parts = [_numbers(each) for each in value]
        return None if not parts or any(part is None for part in parts) else np.concatenate(parts)  # type: ignore[arg-type]
    array = np.asarray(value) if isinstance(value, (bool, int, float, np.ndarray, np.generic)) else None
    return array.ravel().astype(float) if array is not None and array.dtype.kind in "biuf" else None


def _digits(contexts: Sequence[Context]) -> int | None:
    """Return the number of digits behind the point to which all results are the right ones rounded; None where to none.

    That a wrong number is such a one by chance is the less likely, the more digits it has.
    """
    pairs = [(_numbers(one.given), _numbers(one.expected)) for one in contexts]
    if any(given is None or right is None or given.shape != right.shape for given, right in pairs):
        return None
    given, right = (np.concatenate([pair[i] for pair in pairs]) for i in (0, 1))  # type: ignore[arg-type]
    if not (np.isfinite(given).all() and np.isfinite(right).all()):
        return None
    off = ~np.isclose(given, right, rtol=1e-9, atol=0)
    for digits in range(6):
        # half a unit, and a little for a half that goes either way
        near = np.abs(given - right)[off] <= 0.5000001 * 10.0**-digits
        short = np.isclose(given[off], np.round(given[off], digits), rtol=1e-12, atol=1e-15)
        if near.all() and short.all():
            bits = np.log2(np.maximum(np.abs(right[off]) * 10.0**digits, 1.0)).sum()
            return digits if bits >= _BITS_OF_ROUNDING else None
    return None


#: So many bits the rounded numbers hold, so that chance does not give them.
_BITS_OF_ROUNDING = 4.5


def _is_rounded(context: Context) -> bool:
    given, right = _numbers(context.given), _numbers(context.expected)
    return given is not None and right is not None and given.shape == right.shape


def _unchanged(context: Context) -> str:
    """Return the name of the input that came back as it was."""
    if not _same_shape(context) or context.given.size < 2:
        return ""
    for name, value in context.inputs.items():
        if (
            isinstance(value, np.ndarray)
            and value.shape == context.given.shape
            and np.array_equal(value, context.given)
        ):
            return name
    return ""


def _writes_into_places(code: str) -> bool:
    """Whether code assigns to anything in square brackets; yes where there is no code to look at."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return True
    stored = any(isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) for node in ast.walk(tree))
    return stored or not tree.body


def _is_unfilled(context: Context) -> bool:
    if _writes_into_places(context.code) or not _same_shape(context) or context.given.size < 2:
        return False
    if "zeros" not in context.code:  # they may also be what was worked out
        return False
    wanted = context.expected != 0
    return bool(wanted.mean() >= 0.5 and wanted.sum() >= 2 and not np.any(context.given))


def _rounds(context: Context) -> tuple[int, int] | None:
    """Return how many of the first rows are filled and right, of how many, where all the rest is as it began."""
    given, expected = context.given, context.expected
    if not _is_numbers(given) or not _is_numbers(expected) or given.ndim != expected.ndim or given.ndim == 0:
        return None
    if given.shape[1:] != expected.shape[1:] or len(expected) < 2 or not 1 <= len(given) <= len(expected):
        return None
    if (
        np.any(given[1:])
        or not np.any(expected[1:])
        or compare(given[:1], expected[:1], context.entry.rtol) is not None
    ):
        return None
    if len(given) == len(expected) and (expected[1:] != 0).sum() < 2:
        return None
    return 1, len(expected)


def _is_first_round(context: Context) -> bool:
    return bool(_rounds(context)) and ("for " in context.code or "while " in context.code or not context.code)


def _is_last_round(context: Context) -> bool:
    given, expected = context.given, context.expected
    if not _same_shape(context) or len(expected) < 2:
        return False
    filled = compare(given[-1:], expected[-1:], context.entry.rtol) is None
    return bool(filled and np.any(given[-1]) and not np.any(given[:-1]) and (expected[:-1] != 0).sum() >= 2)


#: Rows that come before all others say what the result is; those behind say what its numbers are.
RETURNED: Sequence[Returned] = (
    Returned(
        "printed, not returned",
        "{name} shows its result and gives nothing back: print is for people. Whoever calls a function gets what stands behind "
        "`return`.",
        _is_printed,
    ),
    Returned(
        "a path without return",
        "Not every way through {name} ends at a `return`. Where an if or a loop is passed over, the function ends without a result, "
        "and that is None.",
        _on_a_path,
        anywhere=True,
    ),
    Returned(
        "nothing is returned",
        "A function gives back what stands behind `return`; without one it gives None, whatever it has worked out.",
        _is_none,
    ),
    Returned(
        "a generator instead of its numbers",
        "(... for ...) in parentheses is a generator: it has not calculated anything yet. In square brackets it is a list, and np.array "
        "makes an array of that.",
        _of_type("generator"),
        anywhere=True,
    ),
    Returned(
        "a function, not its result",
        "What comes back is a function that nobody has called. Parentheses behind its name call it.",
        _of_type("function", "method", "builtin_function_or_method", "numpy.ufunc"),
        anywhere=True,
    ),
    Returned(
        "a table of pandas where an array belongs",
        "pandas' tables carry names along with their numbers. Their .to_numpy() gives the numbers alone, as an array.",
        _of_type("pandas."),
        anywhere=True,
    ),
    Returned(
        "a comma behind the result",
        "The result is right, but it comes in a tuple of one: a comma at the end of the line makes that.",
        _has_a_comma,
    ),
    Returned(
        "an input is changed on the way",
        "{name} writes into an array that it was given: whoever calls it still needs that, and so may you, further down. A second name "
        "(a = x) is still the same array; x.copy() is one of its own.",
        lambda context: bool(context.outcome.changed),
        detail=lambda context: f"Here {' and '.join(context.changed)} changed.",
    ),
    Returned(
        "a column met a row",
        "A column of shape (N, 1) and a row of shape (N,) make a table of shape (N, N), each with each. Bring both to one shape first.",
        _is_table_for_row,
    ),
    Returned(
        "whole numbers cannot hold the result",
        "Each of your numbers is right up to the point: the array that they are put into holds whole numbers, so that what follows "
        "the point is cut off. Make it one of floats.",
        _is_cut,
    ),
    Returned(
        "the result is rounded",
        "Each of your numbers is the right one, rounded. What is asked for is the number itself; how many of its digits are shown is "
        "decided where it is printed.",
        _is_rounded,
        enough=lambda contexts: _digits(contexts) is not None,
    ),
    Returned(
        "a byte runs over",
        "Your numbers are off by multiples of 256: uint8 knows 0 to 255 only and starts again there. Turn the bytes into floats or ints "
        "before you calculate.",
        _is_wrapped,
    ),
    Returned(
        "the loop ends in its first round",
        "The first round's part is right, and all others are missing. Look at how far `return` is indented: inside the loop it ends "
        "the function in the first round.",
        _is_first_round,
    ),
    Returned(
        "only the last round is kept",
        "The last round's part is right, and all others are as they began. Each round starts over, or writes over what the one before "
        "has left.",
        _is_last_round,
    ),
    Returned(
        "an input comes back as it was",
        "What you return holds the numbers that came in. Most operations make a new array and leave the old one alone, so the new one "
        "needs a name, and that name is what to return.",
        lambda context: bool(_unchanged(context)),
        detail=lambda context: f"Here {_unchanged(context)} comes back.",
    ),
    Returned(
        "nothing is written into the zeros",
        "Your result is as it was made, all zeros: nothing is ever put into its places, [...] = ...",
        _is_unfilled,
    ),
)  # fmt: skip


def returned(contexts: Sequence[Context]) -> list[tuple[Slip, list[int]]]:
    """Return the slips that failing results show, each with the places of its contexts.

    Parameters
    ----------
    contexts : sequence of Context
        Of all cases that returned something wrong.
    """
    told: list[tuple[Slip, list[int]]] = []
    left = list(range(len(contexts)))
    for row in RETURNED:
        fits = [i for i in left if row.looks(contexts[i])]
        proven = row.anywhere or len(fits) == len(contexts)
        if fits and proven and row.enough([contexts[i] for i in fits]):
            first = contexts[fits[0]]
            told.append((Slip(row.name, row.explanation.replace("{name}", first.name), row.detail(first)), fits))
            left = [i for i in left if i not in fits]
    return told
