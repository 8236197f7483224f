"""What a slip is recognized by: the exercise, a case, what came of it, and the learner's code where it is at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from introdl.checking.outcome import Outcome
from introdl.checking.packing import Tensor
from introdl.checking.probes import PROBES
from introdl.checking.sheets import Entry, SheetCase

_WHERE = re.compile(r"line (\d+), in ([^:]*)(?:: (.*))?", re.DOTALL)
_SHAPE = re.compile(r"\(([\d, ]*)\)")


@dataclass(frozen=True)
class Slip:
    """A beginner's slip that was recognized.

    Attributes
    ----------
    name : str
        What it is, in a few words.
    explanation : str
        Two or three sentences in the course's own words: they may be said of hidden cases, too.
    detail : str
        What it looked like here, with the learner's own names and numbers; for visible cases only.
    """

    name: str
    explanation: str
    detail: str = ""


@dataclass(frozen=True)
class Context:
    """What came of one case, and all that may explain it.

    Attributes
    ----------
    entry, case, outcome
        The exercise, one of its cases, and what came of it.
    expected, given : object
        What was compared, where the answer returned something.
    code : str
        The source of the learner's answer, or "".
    """

    entry: Entry
    case: SheetCase
    outcome: Outcome
    expected: Any = None
    given: Any = None
    code: str = ""

    @property
    def name(self) -> str:
        """What the answer is called in a sentence."""
        return self.entry.names[0] if len(self.entry.names) == 1 else "your answer"

    @property
    def line(self) -> str:
        """The learner's line that raised, or ""."""
        found = _WHERE.match(self.outcome.where)
        return (found[3] or "") if found else ""

    @property
    def changed(self) -> list[str]:
        """Names of the inputs that were changed in place, as the learner's function calls them."""
        called = PROBES[self.entry.probe].called
        return [called.get(name, name) for name in self.outcome.changed]

    @property
    def inputs(self) -> dict[str, Any]:
        """The case's inputs by name; tensors as arrays."""
        return {name: value.array if isinstance(value, Tensor) else value for name, value in self.case.inputs}

    def labels(self) -> list[str]:
        """Return the names of inputs that are rows of whole numbers: labels, indices."""
        return [
            name
            for name, value in self.inputs.items()
            if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.ndim == 1
        ]

    def shapes(self) -> set[tuple[int, ...]]:
        """Return the shapes of all arrays among the inputs, those in lists and dicts too."""
        return set(_shapes_of([value for _, value in self.case.inputs]))

    def of_shape(self, shape: tuple[int, ...]) -> list[str]:
        """Return the names of the inputs that have a shape."""
        return [name for name, value in self.inputs.items() if isinstance(value, np.ndarray) and value.shape == shape]


def _shapes_of(value: Any) -> Iterator[tuple[int, ...]]:
    if isinstance(value, Tensor):
        value = value.array
    if isinstance(value, np.ndarray):
        yield value.shape
    elif isinstance(value, (list, tuple, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _shapes_of(each)


def shapes_in(text: str) -> list[tuple[int, ...]]:
    """Return the shapes that an exception's text names, as in ``"(2,3) (2,)"``."""
    return list(_shapes(text))


def _shapes(text: str) -> Iterator[tuple[int, ...]]:
    for inside in _SHAPE.findall(text):
        numbers = [part for part in inside.replace(" ", "").split(",") if part]
        if all(len(one) < 9 for one in numbers):
            yield tuple(int(one) for one in numbers)
