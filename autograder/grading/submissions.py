"""What was handed in: who, which notebook, which files beside it, and whether it can be read."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import nbformat

from autograder.authoring.release import exercise_of
from autograder.classroom import Classroom
from autograder.deadlines import NoDate, parse_timestamp
from autograder.errors import ClassroomError, Unbearable, Unreadable
from autograder.examining import audit, reading, refusal
from autograder.examining import folder as folders
from autograder.grading import choosing

READY, MISSING, UNREADABLE, REFUSED = "ready", "missing", "unreadable", "refused"
#: Where nbgrader keeps when a submission was handed in.
TIMESTAMP = "timestamp.txt"
_MOST_TIMESTAMP = 1000


@dataclass
class Submission:
    """One student's submission of an assignment.

    Attributes
    ----------
    student : str
    state : str
        "ready", "missing", "unreadable" (nothing to examine: worth 0), or "refused" (not examined, and not judged).
    note : str
        A sentence where there is something to say.
    notebook : bytes
    files : dict of str to bytes
        What lies beside the notebook, by its path inside the folder; notebooks and nbgrader's timestamp left out.
    timestamp : str
        The text of nbgrader's ``timestamp.txt``, or "".
    findings : list of autograder.examining.audit.Finding
        What of the folder is worth a look.
    moment : datetime.datetime or None
        What it says, in UTC.
    undated : str
        Why there is no moment: "missing", "unreadable", or "" where there is one.
    """

    student: str
    state: str = READY
    note: str = ""
    notebook: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    timestamp: str = ""
    findings: list[audit.Finding] = field(default_factory=list)
    moment: datetime | None = None
    undated: str = ""


def students(room: Classroom, assignment: str, only: list[str]) -> list[str]:
    """Return who has a folder for the assignment, by name.

    Raises
    ------
    ClassroomError
        If nobody has, or one of `only` has not.
    """
    submitted = room.root / "submitted"
    if not submitted.is_dir():
        raise ClassroomError(f"{submitted} is missing. Make it, and put submissions into STUDENT/{assignment}/.")
    found = sorted(path.name for path in submitted.iterdir() if path.is_dir() and choosing.folder_of(path, assignment))
    only = [next((name for name in found if _nfc(name) == _nfc(one)), one) for one in only]
    absent = [name for name in only if name not in found]
    if absent:
        raise ClassroomError(f"There is no submission of {assignment} by {', '.join(absent)}.")
    if not found:
        raise ClassroomError(f"There is no submission in {submitted}/STUDENT/{assignment}.")
    return [name for name in found if not only or name in only]


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def read(room: Classroom, student: str, assignment: str) -> Submission:
    """Read a student's submission; nothing of it is changed.

    A notebook under another name, or in another folder, is found as `autograder.grading.choosing` says.
    """
    path = room.root / "release" / assignment / f"{assignment}.ipynb"
    released = path.read_bytes() if path.exists() else b""
    choice = choosing.choose(room.root / "submitted" / student, assignment, released)
    found = Submission(student, note=choice.note)
    if choice.folder.is_symlink():
        found.state = REFUSED
        found.note = f"Not graded: {choice.folder} is a link to another folder. Put the submission itself there."
        return found
    if choice.path is None:
        found.state = REFUSED if choice.unsure else MISSING
        return found
    try:
        notebook, reason = _read(choice.path)
        if notebook is None:
            hard = refusal.elsewhere(choice.path) and not choice.path.is_symlink()
            found.state, found.note = (REFUSED, f"Not graded: {reason}") if hard else (UNREADABLE, reason)
            return found
        found.notebook = reading.write(notebook)
        flat = choice.folder == room.root / "submitted" / student  # then the folders in it are of other assignments
        beside = folders.beside(choice.folder, frozenset([TIMESTAMP]), flat=flat)
        found.files, found.findings = beside.files, refusal.findings(beside)
        found.note = " ".join(filter(None, [found.note, _another(notebook, assignment), beside.sentence()]))
        _take_timestamp(found, choice.folder)
    except OSError as error:
        found.state = REFUSED
        found.note = f"Not graded: {error.filename or choice.folder} cannot be read ({error.strerror})."
        return found
    return found


def _another(notebook: nbformat.NotebookNode, assignment: str) -> str:
    """Say where a notebook is of another chapter."""
    chapters = {(exercise_of(id) or "")[:2] for id in choosing.grade_ids(notebook)} - {""}
    if not chapters or assignment[:2] in chapters:
        return ""
    return f"Its graded cells are those of chapter {min(chapters)}: it may be the wrong notebook."


def _take_timestamp(found: Submission, folder: Path) -> None:
    try:
        found.timestamp = timestamp(folder)
        if not found.timestamp:
            found.undated = MISSING
            return
        found.moment, said = parse_timestamp(found.timestamp)
    except NoDate as error:
        shown = f" holds {found.timestamp[:60]!r}, which" if found.timestamp else ""
        said = f"Its lateness could not be read: {TIMESTAMP}{shown} {error}. It counts as in time until that is mended."
        found.undated = UNREADABLE
    found.note = f"{found.note} {said}".strip()


def timestamp(folder: Path) -> str:
    """Return the text of a submission's ``timestamp.txt``, or "" where there is none.

    Raises
    ------
    autograder.deadlines.NoDate
        If it is not a small file of text.
    """
    try:
        content = folders.read(folder / TIMESTAMP, _MOST_TIMESTAMP)
    except FileNotFoundError:
        return ""
    except Unbearable as error:
        raise NoDate(f"is not a small file of text. {error}".rstrip(".")) from error
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = content.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    return text.strip() or "(nothing)"


def unreadable(path: Path) -> str:
    """Say why a notebook cannot be read, or ""."""
    return _read(path)[1]


def _read(path: Path) -> tuple[nbformat.NotebookNode | None, str]:
    """Return a notebook, or a sentence: why it is not read."""
    try:
        notebook = reading.read(folders.read(path, refusal.MOST_BYTES))
    except (Unbearable, Unreadable) as error:
        return None, str(error)
    if reason := refusal.too_much(notebook.cells):
        return None, reason
    return notebook, ""
