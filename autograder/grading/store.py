"""Verdicts and marks on disk, in the classroom's folder ``.graded``: what is done need not be done again.

A verdict is kept under the fingerprint of what it depends on. A mark says of a student that the gradebook holds the
outcome of one such verdict, and of which. Both are written whole or not at all.
"""

from __future__ import annotations

import json
from pathlib import Path

from introdl import paths


class Store:
    """The verdicts and marks of one assignment.

    Parameters
    ----------
    folder : pathlib.Path
        ``.graded/ASSIGNMENT`` of the classroom.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def verdict_path(self, key: str) -> Path:
        """Return where a verdict is kept."""
        return self.folder / "verdicts" / f"{key}.json"

    def verdict(self, key: str) -> dict | None:
        """Return a verdict, or None where there is none that can be read."""
        return _read(self.verdict_path(key))

    def keep(self, key: str, verdict: dict) -> None:
        """Keep a verdict."""
        paths.write_atomically(self.verdict_path(key), json.dumps(verdict).encode())

    def mark(self, student: str) -> dict:
        """Return a student's mark; empty where there is none."""
        return _read(self.folder / f"{student}.json") or {}

    def set_mark(self, student: str, mark: dict) -> None:
        """Set a student's mark."""
        paths.write_atomically(self.folder / f"{student}.json", json.dumps(mark).encode())

    def students(self) -> list[str]:
        """Return who has a mark, by name."""
        return sorted(path.name.removesuffix(".json") for path in self.folder.glob("*.json"))

    def forget(self, student: str) -> None:
        """Remove a student's mark: what the gradebook holds of the student is in question until it is written again."""
        (self.folder / f"{student}.json").unlink(missing_ok=True)

    def version(self, student: str, work: str) -> int:
        """Return how many other submissions of a student's were seen before one, of which this is the fingerprint."""
        path = self.folder / "handed_in" / f"{student}.json"
        seen = (_read(path) or {}).get("seen", [])
        if work not in seen:
            seen = [*seen, work]
            paths.write_atomically(path, json.dumps({"seen": seen}).encode())
        return seen.index(work)

    def sweep(self, keys: set[str]) -> None:
        """Remove what a killed run left half-written, and verdicts that no student has any more.

        Only for the holder of the classroom's lock.
        """
        for path in (self.folder / "verdicts").glob("*"):
            if path.stem not in keys:
                path.unlink(missing_ok=True)
        for path in self.folder.glob(".*.json.*"):
            path.unlink(missing_ok=True)


def _read(path: Path) -> dict | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
