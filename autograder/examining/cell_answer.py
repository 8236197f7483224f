"""What a worker says of a cell that it ran: a stranger's words, read once."""

from __future__ import annotations

import re
from typing import Any, TypedDict

from introdl.checking import cells

_TEXT, _DISPLAYS, _DISPLAY, _WORDS = 21_000, 41, 2 * 2**20, 500
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


class CellAnswer(TypedDict):
    """What came of a cell.

    Attributes
    ----------
    text : str
        What it printed.
    displays : list of dict
        What it showed: ``text/plain``, ``image/png``, or both.
    error : list of str
        The exception's type, its text, and where it was raised; or nothing.
    leaned : list of str
        Names of what was put away and asked for.
    result : list of dict
        Of an instructor's test what its last expression gave, as a display; else nothing.
    stderr : str
        Of an instructor's test what it wrote to standard error.
    passed : list of (int, str)
        Lines that were passed over, from 1, each with a word of `introdl.checking.cells.REASONS`.
    """

    text: str
    displays: list[dict[str, str]]
    error: list[str]
    leaned: list[str]
    passed: list[tuple[int, str]]
    result: list[dict[str, str]]
    stderr: str


def read(head: Any) -> CellAnswer:
    """Read an answer.

    Raises
    ------
    ValueError
        If it is none: a type, a length or a size is another than `introdl.checking.worker` writes.
    """
    if not isinstance(head, dict):
        raise ValueError("not a dict")
    text, displays, error, leaned = (
        _typed(head.get(name), kind)
        for name, kind in (("text", str), ("displays", list), ("error", list), ("leaned", list))
    )
    if len(text) > _TEXT or len(displays) > _DISPLAYS or len(error) not in (0, 3) or len(leaned) > 20:
        raise ValueError("too much")
    if not all(isinstance(one, str) and len(one) <= _WORDS for one in [*error, *leaned]):
        raise ValueError("words that are none")
    return CellAnswer(
        text=text,
        displays=[_display(one) for one in displays],
        error=error,
        leaned=leaned,
        result=[_display(one) for one in _typed(head.get("result"), list)[-1:]],
        stderr=_typed(head.get("stderr"), str)[:_TEXT],
        passed=[_passed(one) for one in _typed(head.get("passed"), list)[:20]],
    )


def size(answer: CellAnswer) -> int:
    """Return how many characters an answer holds."""
    shown = sum(len(part) for one in answer["displays"] for part in one.values())
    return len(answer["text"]) + shown + sum(map(len, answer["error"]))


def _typed(value: Any, kind: type) -> Any:
    if value is None:
        return kind()
    if type(value) is not kind:
        raise ValueError(f"not a {kind.__name__}")
    return value


def _passed(pair: Any) -> tuple[int, str]:
    if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not int or pair[1] not in tuple(cells.REASONS):
        raise ValueError("a line that is none")
    return pair[0], pair[1]


def _display(data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        raise ValueError("a display that is none")
    kept = {mime: _typed(data.get(mime), str) for mime in ("text/plain", "image/png") if data.get(mime) is not None}
    if any(len(part) > _DISPLAY for part in kept.values()) or not _BASE64.fullmatch(kept.get("image/png", "")):
        raise ValueError("a display that is too large, or no picture")
    return kept
