"""A learner's progress: one small file for each exercise, in the learner's own folder."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from introdl import paths


@dataclass
class Record:
    """What is kept of an exercise.

    Attributes
    ----------
    best : float
        Share of the points earned at best, 0 to 1.
    passed : bool
        Whether it was ever right.
    tries : int
        Checks of a started answer.
    hints : int
        Hints shown.
    last : str
        When it was last checked (local time, ISO 8601).
    """

    best: float = 0.0
    passed: bool = False
    tries: int = 0
    hints: int = 0
    last: str = ""


def _path(exercise: str) -> Path:
    return paths.home() / "progress" / f"{exercise}.json"


def load(exercise: str) -> Record:
    """Return an exercise's record; a missing or damaged file counts as none."""
    try:
        content = json.loads(_path(exercise).read_text())
        return Record(
            best=float(content["best"]),
            passed=bool(content["passed"]),
            tries=int(content["tries"]),
            hints=int(content["hints"]),
            last=str(content["last"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Record()


def save(exercise: str, record: Record) -> str:
    """Keep a record. Return "" or, where the disk does not let us, a sentence that says so."""
    try:
        paths.write_atomically(_path(exercise), json.dumps(asdict(record)).encode())
        return ""
    except OSError as error:
        return f"Your progress could not be saved in {paths.home()} ({error.strerror or error})."


def note_check(exercise: str, share: float, passed: bool) -> str:
    """Add a check to the record; returns as `save`."""
    record = load(exercise)
    record.tries += 1
    record.best = max(record.best, share)
    record.passed = record.passed or passed
    record.last = time.strftime("%Y-%m-%dT%H:%M:%S")
    return save(exercise, record)


@dataclass(frozen=True)
class ChapterProgress:
    """A chapter's name (``03_convolution``) and its exercises with their titles, points and records."""

    name: str
    exercises: list[tuple[str, str, float, Record]]

    @property
    def earned(self) -> float:
        return sum(points * record.best for _, _, points, record in self.exercises)

    @property
    def points(self) -> float:
        return sum(points for _, _, points, _ in self.exercises)

    @property
    def passed(self) -> int:
        return sum(record.passed for *_, record in self.exercises)


def overview() -> list[ChapterProgress]:
    """Return the progress of every chapter that has an answer sheet."""
    from introdl.checking import sheets

    return [
        ChapterProgress(
            path.stem,
            [(entry.id, entry.title, entry.points, load(entry.id)) for entry in sheets.read(path).values()],
        )
        for path in sheets.chapters()
    ]
