"""What is said of a hidden case is made of the course's own words: what a learner's process chose is not passed on.

An exception's name, a key, a shape, a name of a layer or a text can carry a hidden input home. So each word and each number
of such a sentence has to stand in the checker's source or in the exercise's own texts; in the place of any other stands "…".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import introdl.checking
from introdl.checking.judge import EXCEPTIONS, Verdict
from introdl.checking.sheets import Entry

_WORD = re.compile(r"[A-Za-z]+")
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_TOKEN = re.compile(rf"{_WORD.pattern}|{_NUMBER.pattern}|\W+|.", re.ASCII)
_GAP = "…"
#: Numbers of one sentence that are passed on, characters of it, and marks in a row.
_NUMBERS, _LONGEST, _MARKS_IN_A_ROW = 16, 1000, 5


@cache
def _of_course() -> tuple[frozenset[str], frozenset[str]]:
    """Return the words of the checker's source and the names of NumPy's functions, and the marks of that source."""
    source = "".join(path.read_text(encoding="utf-8") for path in Path(introdl.checking.__file__).parent.rglob("*.py"))
    marks = {one for one in set(source) if one.isprintable() and not (one.isascii() and one.isalnum())}
    return _lower(_WORD, [source, *dir(np), *EXCEPTIONS]), frozenset(marks | {_GAP})


def _texts(entry: Entry) -> Iterator[str]:
    yield from (entry.title, *entry.names, *entry.hints, *entry.forbidden)
    for case in entry.cases:
        yield case.label
        for name, value in case.inputs:
            yield name
            yield " ".join(map(str, getattr(value, "shape", ())))
        yield from _keys(case.expected)
    for mistake in entry.misconceptions:
        yield from (mistake.name, mistake.explanation)


def _keys(value: Any) -> Iterator[str]:
    """Yield the keys of an expected dict, and of those in it; and how many of what there are, which any answer has."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield str(key)
            yield from _keys(inside)
    elif isinstance(value, (list, tuple)):
        yield str(len(value))
        for inside in value[:50]:
            yield from _keys(inside)
    elif isinstance(value, np.ndarray):
        yield " ".join(map(str, (*value.shape, value.size)))


class FixedWords:
    """The words that may be said of an exercise's hidden cases.

    Parameters
    ----------
    entry : introdl.checking.sheets.Entry
    """

    def __init__(self, entry: Entry):
        texts = list(_texts(entry))
        words, self._marks = _of_course()
        self._words = words | _lower(_WORD, texts)
        self._numbers = _lower(_NUMBER, [*texts, f"{entry.seconds:.0f}"])

    def of(self, sentence: str) -> str:
        """Return a sentence with a gap for each word and number that is not the course's."""
        parts: list[str] = []
        numbers = 0
        for token in _TOKEN.findall(sentence[:_LONGEST]):
            if _WORD.fullmatch(token):
                kept = token.lower() in self._words
            elif _NUMBER.fullmatch(token):
                numbers += 1
                kept = token in self._numbers and numbers <= _NUMBERS
            else:
                kept = self._marks.issuperset(token) and len(token) <= _MARKS_IN_A_ROW
            if kept or parts[-1:] != [_GAP]:
                parts.append(token if kept else _GAP)
        return "".join(parts)

    def limit(self, verdict: Verdict) -> Verdict:
        """Hold a verdict's sentences about hidden cases to these words, in place; returns it."""
        for case in verdict.cases:
            case.blind = self.of(case.blind)
        return verdict


def _lower(pattern: re.Pattern, texts: Iterable[str]) -> frozenset[str]:
    return frozenset(found.lower() for text in texts for found in pattern.findall(text))
