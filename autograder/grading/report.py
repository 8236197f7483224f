"""What the instructor sees: a progress bar, a table, and a summary as a file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Self

from autograder.grading import spreadsheet
from autograder.grading.result import MISSING, UNREADABLE, Result
from autograder.plain_text import printable, table_cell
from introdl import paths
from introdl.data import progress
from introdl.wording import first_few

_COLORS = {"graded": "green", "unchanged": "green", "unreadable": "red", "missing": "red", "failed": "red"}


class Bar:
    """A progress bar; a context manager."""

    def __init__(self, description: str, total: int):
        self._bar, self._done = progress.bar(description, total, "submissions"), 0

    def __enter__(self) -> Self:
        self._tick = self._bar.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._bar.__exit__(*error)

    def step(self, trouble: str = "") -> None:
        """Go on by one, and show what is in trouble."""
        self._done += 1
        self._tick(self._done, printable(trouble))


class Progress(Bar):
    """A bar over results, with a live count of failures."""

    def __init__(self, assignment: str, total: int):
        super().__init__(f"grading {assignment}", total)
        self._trouble: dict[str, int] = {}

    def one(self, result: Result) -> None:
        """Count a result."""
        if _COLORS[result.state] == "red":
            self._trouble[result.state] = self._trouble.get(result.state, 0) + 1
        self.step(", ".join(f"{count} {state}" for state, count in sorted(self._trouble.items())))


def lateness(seconds: float) -> str:
    """Return how late something is, in words: "2 d 3 h late"; "" where it is not."""
    if seconds <= 0:
        return ""
    days, rest = divmod(math.ceil(seconds / 60), 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts[:2]) + " late"


def table(results: list[Result]) -> None:
    """Print results as a table, and the counts below it."""
    from rich.console import Console
    from rich.table import Table

    late = any(result.seconds_late or result.undated == UNREADABLE for result in results)
    shown = Table("student", "state", "score", *(["late"] if late else []), "note")
    for result in results:
        color = _COLORS[result.state]
        row = [table_cell(result.student), f"[{color}]{result.state}[/]", f"{result.score:g} of {result.points:g}"]
        if late:
            cost = f" (-{result.penalty:g})" if result.penalty else ""
            unread = "could not be read" if result.undated == UNREADABLE else ""
            row.append(unread or lateness(result.seconds_late) + cost)
        note = result.note + (" Something waits for you to grade it by hand." if result.open else "")
        shown.add_row(*row, table_cell(note.strip()))
    console = Console()
    console.print(shown)
    counts: dict[str, int] = {}
    for result in results:
        counts[result.state] = counts.get(result.state, 0) + 1
    graded = [result.score for result in results if result.state in ("graded", "unchanged")]
    mean = f" Mean score of the graded: {sum(graded) / len(graded):.1f}." if graded else ""
    console.print(", ".join(f"{count} {state}" for state, count in sorted(counts.items())) + "." + mean)
    if undated := [result.student for result in results if result.undated == MISSING]:
        console.print(f"No timestamp.txt, so they count as in time: {first_few(undated)}.", markup=False)


def summarize(results: list[Result], to: Path) -> None:
    """Write results to a file: JSON, or CSV where its name ends so."""
    if to.suffix.lower() != ".csv":
        paths.write_atomically(to, (json.dumps([asdict(result) for result in results], indent=1) + "\n").encode())
        return
    exercises = sorted({id for result in results for id in result.exercises})
    lines: list[list] = [["student", "state", "score", "points", "late_penalty", "seconds_late", "note", *exercises]]
    for one in results:
        scores = [one.exercises[id][0] if id in one.exercises else "" for id in exercises]
        lines.append([one.student, one.state, one.score, one.points, one.penalty, one.seconds_late, one.note, *scores])
    spreadsheet.write(to, lines)
