"""Answer sheets: what is asked, what is right, and what each known mistake would give.

A sheet is one ``.npz`` for a chapter: arrays ``a0``, ``a1``, ... and ``sheet``, a JSON text (UTF-8 bytes) whose
trees refer to the arrays by number (see `introdl.checking.packing`). It is read without pickles.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from introdl import paths
from introdl.checking.missing_libraries import finished
from introdl.checking.outcome import Outcome
from introdl.checking.packing import Packed

FORMAT = 1
#: Fields of an entry that are left out where they are empty.
_OPTIONAL = ("lends", "solution")


@dataclass
class SheetCase:
    """One case: label, weight, inputs (names and values, in the function's order) and right answer, all as data."""

    label: str
    weight: float
    inputs: list[tuple[str, Any]]
    expected: Any


@dataclass
class SheetMisconception:
    """A known mistake: its name, explanation, and the outcome it has in each case (None: not about it)."""

    name: str
    explanation: str
    outcomes: list[Outcome | None]


@dataclass
class Entry:
    """All that is known of one exercise."""

    id: str
    title: str
    points: float
    names: list[str]
    probe: str
    forbidden: list[str]
    rtol: float
    quiet: bool
    seconds: float
    image: bool
    hints: list[str]
    cases: list[SheetCase]
    misconceptions: list[SheetMisconception]
    lends: list[str] = field(default_factory=list)
    #: The course's own answer, as code: in a class's hidden cases alone, never in a sheet that learners have.
    solution: str = ""

    def out_of_reach(self) -> tuple[str, ...]:
        """Return what the answer may not call: what the exercise forbids, and the course's own finished code."""
        return (*self.forbidden, *finished(self.lends))

    @classmethod
    def from_tree(cls, tree: dict, arrays: list[np.ndarray]) -> Entry:
        """Read an entry from what `to_tree` made."""

        def value(packed: Any) -> Any:
            return Packed(packed, arrays).value()

        def outcome(one: dict | None) -> Outcome | None:
            if one is None:
                return None
            head = {name: field for name, field in one.items() if name != "value"}
            return Outcome.read(head, [Packed(one.get("value"), arrays)])

        cases = [
            SheetCase(one["label"], one["weight"], [(n, value(v)) for n, v in one["inputs"]], value(one["expected"]))
            for one in tree["cases"]
        ]
        mistakes = [
            SheetMisconception(one["name"], one["explanation"], [outcome(each) for each in one["outcomes"]])
            for one in tree["misconceptions"]
        ]
        return cls(**tree | {"cases": cases, "misconceptions": mistakes})

    def to_tree(self, number: Callable[[np.ndarray], Any]) -> dict:
        """Return it as plain JSON.

        Parameters
        ----------
        number : callable
            Gives each array its number.
        """

        def tree(value: Any) -> Any:
            return Packed.of(value).renumbered(number)

        cases = [
            {
                "label": one.label,
                "weight": one.weight,
                "inputs": [[name, tree(value)] for name, value in one.inputs],
                "expected": tree(one.expected),
            }
            for one in self.cases
        ]
        mistakes = [
            {
                "name": one.name,
                "explanation": one.explanation,
                "outcomes": [each and each.head() | {"value": tree(each.value)} for each in one.outcomes],
            }
            for one in self.misconceptions
        ]
        plain = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if getattr(self, one.name) or one.name not in _OPTIONAL
        }
        return plain | {"cases": cases, "misconceptions": mistakes}


class _Arrays:
    """Arrays by number, each kept once."""

    def __init__(self):
        self.all: list[np.ndarray] = []
        self._seen: dict[tuple, int] = {}

    def number(self, array: np.ndarray) -> int:
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._seen:
            self._seen[key] = len(self.all)
            self.all.append(array)
        return self._seen[key]


def as_bytes(chapter: str, entries: list[Entry]) -> bytes:
    """Return a chapter's sheet; all entries share one list of arrays. The bytes depend on the content alone."""
    arrays = _Arrays()
    trees = [entry.to_tree(arrays.number) for entry in entries]
    body = {"format": FORMAT, "chapter": chapter, "exercises": trees}
    text = json.dumps(body, ensure_ascii=False, indent=None, sort_keys=True)
    buffer = io.BytesIO()
    named: dict[str, Any] = {"sheet": np.frombuffer(text.encode(), dtype=np.uint8)}
    named.update({f"a{i}": array for i, array in enumerate(arrays.all)})
    np.savez_compressed(buffer, **named)
    return buffer.getvalue()


def write(path: Path, chapter: str, entries: list[Entry]) -> None:
    """Write a chapter's sheet."""
    paths.write_atomically(path, as_bytes(chapter, entries))


def from_bytes(content: bytes, name: str) -> dict[str, Entry]:
    """Return a sheet's entries by exercise id, in the chapter's order.

    Parameters
    ----------
    content : bytes
        As `as_bytes` makes them.
    name : str
        What to call the sheet in a sentence.

    Raises
    ------
    ValueError
        If it is no sheet, or was made by a newer version of the course.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            body = json.loads(bytes(file["sheet"]).decode())
            arrays = [file[f"a{i}"] for i in range(len(file.files) - 1)]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise ValueError(
            f"The answer sheet {name} cannot be read ({error}). Fetch the course's files again."
        ) from error
    if body.get("format") != FORMAT:
        raise ValueError(
            f"The answer sheet {name} has format {body.get('format')}, and this version of introdl reads {FORMAT}. "
            "Update the course: 'git pull', then 'make lab'."
        )
    return {tree["id"]: Entry.from_tree(tree, arrays) for tree in body["exercises"]}


def read(path: Path) -> dict[str, Entry]:
    """Read a sheet; returns and raises as `from_bytes`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"The answer sheet {path} cannot be read ({error}). Fetch the course's files again."
        ) from error
    return from_bytes(content, str(path))


_cache: dict[Path, tuple[float, dict[str, Entry]]] = {}


def find(exercise: str) -> Entry:
    """Return the entry of an exercise from the installed sheets.

    Parameters
    ----------
    exercise : str
        An id, as in ``"03.conv2d"``.

    Raises
    ------
    LookupError
        If there is no such exercise; the sentence names the nearest.
    """
    number = str(exercise)[:2]
    known = chapter(number)
    if exercise in known:
        return known[exercise]
    near = _nearest(str(exercise), list(known))
    if near:
        tail = f"Did you mean {near!r}?"
    elif known:
        tail = f"Chapter {number} has: {', '.join(known)}."
    else:
        tail = "Ids look like '03.conv2d': two digits for the chapter, a dot, a name."
    raise LookupError(f"There is no exercise {exercise!r}. {tail}")


def _nearest(wrong: str, of_chapter: list[str]) -> str:
    """Return the id that is meant by a wrong one, or "": a slip in spelling, or a name without its chapter."""
    import difflib

    near = difflib.get_close_matches(wrong, of_chapter, n=1)
    if near:
        return near[0]
    name = re.split(r"[._ -]", wrong.strip().lower(), maxsplit=1)[-1] if wrong[:1].isdigit() else wrong.strip().lower()
    ids = of_chapter or [id for path in chapters() for id in chapter(path.name[:2])]
    names = {id.partition(".")[2]: id for id in reversed(ids)}
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
    return names[near[0]] if near else ""


def chapter(number: str) -> dict[str, Entry]:
    """Return the entries of a chapter's installed sheet by id, in its order; none where there is no such sheet.

    Parameters
    ----------
    number : str
        Two digits.
    """
    for path in chapters():
        if path.name[:2] == number:
            stamp = path.stat().st_mtime
            if path not in _cache or _cache[path][0] != stamp:
                _cache[path] = (stamp, read(path))
            return _cache[path][1]
    return {}


def chapters() -> list[Path]:
    """Return the installed sheets, in the order of the chapters."""
    return sorted(paths.sheets().glob("[0-9][0-9]_*.npz"))
