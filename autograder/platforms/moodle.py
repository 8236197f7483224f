"""Moodle: what it calls the files of a submission, its tables of people, and its dates.

Names are those of Moodle's own ``mod_assign\\downloader``: a folder ``Full Name_PARTICIPANT_assignsubmission_file`` (with an
underscore at the end before Moodle 4.1), or without folders the same before each file's name. The number belongs to a student
in one assignment. The zip does not say when something was handed in; the assignment's grading worksheet does.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

#: The columns that say who a student is.
WHO = ("First name", "Last name", "Surname", "Username", "ID number", "Email address")
PARTICIPANT, MODIFIED = "Identifier", "Last modified (submission)"

_SUBMITTED = re.compile(r"([^_/]+)_(\d+)_assignsubmission_(file|onlinetext)(?:_([^/]*))?")
_DATE = re.compile(
    r"(?:[A-Z][a-z]+day, )?(\d{1,2} [A-Z][a-z]+ \d{4}), (\d{1,2}:\d{2})(?: ([AP]M))?",
)


@dataclass(frozen=True)
class File:
    """A file: the student's full name, the participant's number, what handed it in ("file", "onlinetext"), its own path."""

    name: str
    participant: int
    plugin: str
    rest: str


def reading(entry: str) -> File | None:
    """Read the name of an entry, or return None where it is none of Moodle's."""
    top, _, below = entry.partition("/")
    match = _SUBMITTED.fullmatch(top)
    if not match:
        return None
    rest = "/".join(filter(None, [match[4] or "", below]))
    return File(match[1], int(match[2]), match[3], rest) if rest else None


def plain(name: str) -> str:
    """Return a full name to compare with another: without what Moodle takes out of a file's name, and letter case."""
    kept = re.sub(r"""[\x00-\x1f&<>"`|':\\/,_]+""", " ", unicodedata.normalize("NFC", name))
    return " ".join(kept.split()).casefold()


def date(text: str) -> datetime | None:
    """Read a date of a grading worksheet in English, to the minute and without a zone; None for ``-`` and all else."""
    match = _DATE.fullmatch(" ".join(text.split()))
    if not match:
        return None
    try:
        clock = "%I:%M %p" if match[3] else "%H:%M"
        return datetime.strptime(f"{match[1]} {match[2]} {match[3] or ''}".strip(), f"%d %B %Y {clock}")
    except ValueError:
        return None
