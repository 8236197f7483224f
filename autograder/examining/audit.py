"""What is worth a look in a submission: what was seen while it was graded, and what its source looks like.

Nothing here changes a grade, and nothing here says that anybody cheated: a finding is a place to look at.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.plain_text import table_cell
from introdl import paths

#: How a worker's end (`autograder.examining.worker_client.Died.kind`) is named.
DIED = {
    "ended": "process ended",
    "killed": "process ended",
    "time": "time limit",
    "memory": "memory limit",
    "processes": "process limit",
    "damaged": "damaged message",
}
#: How an answer's end is named (`introdl.checking.outcome.Outcome.kind`).
ENDED = {"out of time": "time limit", "out of memory": "memory limit", "crashed": "process ended"}
SOURCE, BROKEN = "source", "no Python"
_MOST = 200
#: What a terminal would obey, or turn round, and what no file can hold.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Finding:
    """A place that is worth a look.

    Attributes
    ----------
    kind : str
        In a few words: "forbidden call", "memory limit", "check cell changed", ...; "source" where only its text was
        looked at.
    text : str
        What was seen. A stranger chose some of it: control characters are replaced, so that it can be printed.
    cell, line : int or None
        Where, counted from 1.
    exercise : str or None
    """

    kind: str
    text: str
    cell: int | None = None
    line: int | None = None
    exercise: str | None = None

    def __post_init__(self):
        object.__setattr__(self, "text", _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", self.text))

    def where(self) -> str:
        """Return the place in words."""
        words = [f"cell {self.cell}"] if self.cell else []
        words += [f"line {self.line}"] if self.line else []
        words += [self.exercise] if self.exercise else []
        return ", ".join(words)


# --- what was seen -------------------------------------------------------------------------------------------------


def seen_in_error(error: object, position: int) -> list[Finding]:
    """Return a finding where a cell's error tells of something that the sandbox refused."""
    if not isinstance(error, list) or len(error) != 3:
        return []
    name, message, _where = (str(one) for one in error)
    text = f"{name}: {message[:120]}"
    if name in ("gaierror", "URLError", "ConnectionError", "ConnectTimeout", "ConnectionRefusedError") or (
        "Network is unreachable" in message or "name resolution" in message
    ):
        return [Finding("network tried", text, cell=position + 1)]
    if name == "PermissionError" or "Read-only file system" in message:
        return [Finding("access refused", text, cell=position + 1)]
    if name == "FileNotFoundError" and re.search(r"'(/|\.\./|~)", message):
        return [Finding("a file outside looked for", text, cell=position + 1)]
    if name == "MemoryError" or "Cannot allocate memory" in message:
        return [Finding("memory limit", text, cell=position + 1)]
    return []


# --- kept beside the grade ----------------------------------------------------------------------------------------


def record_path(root: Path, assignment: str, student: str) -> Path:
    """Return where a submission's findings are kept."""
    return root / ".audit" / assignment / f"{student}.json"


def record(root: Path, assignment: str, student: str, findings: list[Finding]) -> None:
    """Keep a submission's findings."""
    body = {"student": student, "assignment": assignment, "findings": [asdict(one) for one in findings[:_MOST]]}
    paths.write_atomically(record_path(root, assignment, student), json.dumps(body, indent=1).encode())


def read(root: Path, assignment: str) -> dict[str, list[Finding]]:
    """Return every graded submission's findings, by student."""
    found = {}
    for path in sorted((root / ".audit" / assignment).glob("*.json")):
        body = json.loads(path.read_text())
        found[body["student"]] = [Finding(**one) for one in body["findings"]]
    return found


def table(records: dict[str, list[Finding]]) -> None:
    """Print what is worth a look, a row for each place."""
    from rich.console import Console
    from rich.table import Table

    shown = Table("student", "where", "what", "seen")
    for student, findings in records.items():
        for number, one in enumerate(findings):
            kind = "in the source" if one.kind == SOURCE else one.kind
            text = f"looks like: {one.text}" if one.kind == SOURCE else one.text
            cells = ("" if number else student, one.where(), text, kind)
            shown.add_row(*map(table_cell, cells))
    Console().print(shown)
