"""Answer sheets: what is asked, what is right, and what each known mistake would give.

A sheet is one ``.npz`` for a chapter: arrays ``a0``, ``a1``, ... and ``sheet``, a JSON text (UTF-8 bytes) whose
trees refer to the arrays by number (see `introdl.checking.wire`). It is read without pickles.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from introdl import places

FORMAT = 1


@dataclass
class SheetCase:
    """One case: label, weight, packed inputs (in the function's order) and packed right answer."""

    label: str
    weight: float
    inputs: list[list]
    expected: Any


@dataclass
class SheetMisconception:
    """A known mistake: its name, explanation, and the packed outcome it has in each case (None: not about it)."""

    name: str
    explanation: str
    outcomes: list[Any]


@dataclass
class Entry:
    """All that is known of one exercise; `arrays` belongs to the whole sheet."""

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
    arrays: list[np.ndarray] = field(default_factory=list, repr=False)

    @classmethod
    def from_tree(cls, tree: dict, arrays: list[np.ndarray]) -> Entry:
        tree = dict(tree)
        tree["cases"] = [SheetCase(**case) for case in tree["cases"]]
        tree["misconceptions"] = [SheetMisconception(**m) for m in tree["misconceptions"]]
        return cls(**tree, arrays=arrays)

    def to_tree(self) -> dict:
        tree = asdict(self)
        del tree["arrays"]
        return tree


def write(path: Path, chapter: str, entries: list[Entry]) -> None:
    """Write a chapter's sheet; all entries share one list of arrays.

    The bytes depend on the content alone.
    """
    arrays = entries[0].arrays if entries else []
    body = {"format": FORMAT, "chapter": chapter, "exercises": [entry.to_tree() for entry in entries]}
    text = json.dumps(body, ensure_ascii=False, indent=None, sort_keys=True)
    buffer = io.BytesIO()
    named = {"sheet": np.frombuffer(text.encode(), dtype=np.uint8)}
    named.update({f"a{i}": array for i, array in enumerate(arrays)})
    np.savez_compressed(buffer, **named)
    places.write_atomically(path, buffer.getvalue())


def read(path: Path) -> dict[str, Entry]:
    """Read a sheet and return its entries by exercise id, in the chapter's order.

    Raises
    ------
    ValueError
        If the file is no sheet, or was made by a newer version of the course.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            body = json.loads(bytes(file["sheet"]).decode())
            arrays = [file[f"a{i}"] for i in range(len(file.files) - 1)]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise ValueError(
            f"The answer sheet {path} cannot be read ({error}). Fetch the course's files again."
        ) from error
    if body.get("format") != FORMAT:
        raise ValueError(
            f"The answer sheet {path.name} has format {body.get('format')}, and this version of introdl reads {FORMAT}. "
            "Update the course: 'git pull', then 'make lab'."
        )
    return {tree["id"]: Entry.from_tree(tree, arrays) for tree in body["exercises"]}


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
    known: list[str] = []
    for path in sorted(places.sheets().glob("[0-9][0-9]_*.npz")):
        if str(exercise)[:2] == path.name[:2]:
            stamp = path.stat().st_mtime
            if path not in _cache or _cache[path][0] != stamp:
                _cache[path] = (stamp, read(path))
            entries = _cache[path][1]
            if exercise in entries:
                return entries[exercise]
            known += entries
    import difflib

    near = difflib.get_close_matches(str(exercise), known, n=1)
    tail = (
        f" Did you mean {near[0]!r}?" if near else f" Chapter {str(exercise)[:2]!r} has: {', '.join(known) or 'none'}."
    )
    raise LookupError(f"There is no exercise {exercise!r}.{tail}")


def chapters() -> list[Path]:
    """Return the installed sheets, in the order of the chapters."""
    return sorted(places.sheets().glob("[0-9][0-9]_*.npz"))
