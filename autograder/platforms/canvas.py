"""Canvas: what it calls the files of a submission, and which columns its gradebook has.

The names are those of Canvas's own ``ContentZipper``: ``name[_LATE]_USER_FILE_filename``, the name being the sortable one in
small letters without anything but letters, digits and underscores. A file that is handed in again under the same name gets
``-1``. The zip does not say when something was handed in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

#: A student of Canvas's own, for instructors to try things with.
TEST_STUDENT = ("Student, Test", "Test Student")
#: The columns that say who a student is, in Canvas's order; not all are always there.
WHO = (
    "Student",
    "LastName",
    "FirstName",
    "ID",
    "SIS User ID",
    "SIS Login ID",
    "Integration ID",
    "Root Account",
    "Section",
)
POINTS = "    Points Possible"

_ANONYMOUS = re.compile(r"(?:LATE_)?anon_([0-9A-Za-z]+)_(?:\d+_.+|text\.html|link\.html)")
_TYPED = re.compile(r"(.+?)(?:_LATE)?_(\d+)_(text|link)\.html")
_NUMBERS = re.compile(r"(?=_(\d+)_(\d+)_(.+)$)")


@dataclass(frozen=True)
class File:
    """A way to read a file's name.

    Attributes
    ----------
    name : str
        The student's, as the zip has it.
    late : bool
    user, file : int
        Canvas's ids of the student and of the file. A file handed in later has a higher one.
    rest : str
        The file's own name.
    """

    name: str
    late: bool
    user: int
    file: int
    rest: str


def readings(entry: str) -> Iterator[File]:
    """Yield the ways to read a name; there are several where a student's or a file's own name holds numbers."""
    for match in _NUMBERS.finditer(entry) if "/" not in entry else ():
        name = entry[: match.start()]
        late = name.endswith("_LATE")
        if name.removesuffix("_LATE"):
            yield File(name.removesuffix("_LATE"), late, int(match[1]), int(match[2]), match[3])


def no_file(entry: str) -> str:
    """Say why an entry of Canvas's is not a file that a known student handed in, or ""."""
    if _ANONYMOUS.fullmatch(entry):
        return "It is anonymous. Let Canvas show the names (Gradebook, 'Grade Anonymously' off), and download again."
    if match := _TYPED.fullmatch(entry):
        return "It is a text typed into Canvas, not a file." if match[3] == "text" else "It is a link, not a file."
    return ""


def flat(name: str) -> str:
    """Return a name to compare with another: ``"Lovelace, Ada"`` is ``"lovelaceada"`` in a zip. Accents are taken off."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(one for one in plain if one == "_" or unicodedata.category(one)[0] in "LN")
