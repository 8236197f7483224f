"""What was handed in: who, which notebook, which files beside it, and whether it can be read."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import nbformat

from autograder.authoring.release import exercise_of
from autograder.classroom import Classroom
from autograder.deadlines import NoDate, parse_timestamp
from autograder.errors import ClassroomError
from autograder.examining import refusal
from introdl import paths

READY, MISSING, UNREADABLE, REFUSED = "ready", "missing", "unreadable", "refused"
#: Where nbgrader keeps when a submission was handed in.
TIMESTAMP = "timestamp.txt"
_MOST_BYTES = 200 * 2**20
_LONGEST_TIMESTAMP = 1000


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
    found = sorted(path.name for path in submitted.iterdir() if (path / assignment).is_dir() and path.is_dir())
    absent = [name for name in only if name not in found]
    if absent:
        raise ClassroomError(f"There is no submission of {assignment} by {', '.join(absent)}.")
    if not found:
        raise ClassroomError(f"There is no submission in {submitted}/STUDENT/{assignment}.")
    return [name for name in found if not only or name in only]


def read(room: Classroom, student: str, assignment: str) -> Submission:
    """Read a student's submission.

    A notebook under another name is known by its graded cells, and gets a copy under its own; nothing else of the
    submission is changed.
    """
    folder = room.root / "submitted" / student / assignment
    found = Submission(student)
    found.note = _take_renamed(folder, assignment)
    path = folder / f"{assignment}.ipynb"
    if not path.exists() and not path.is_symlink():
        found.state, found.note = MISSING, found.note or f"There is no {path.name}."
        return found
    try:
        if reason := unreadable(path):
            found.state, found.note = UNREADABLE, reason
            return found
        found.notebook = path.read_bytes()
        found.files = _beside(folder)
        _take_timestamp(found, folder)
    except OSError as error:
        found.state = REFUSED
        found.note = f"Not graded: {error.filename or folder} cannot be read ({error.strerror})."
        return found
    if sum(map(len, found.files.values())) > _MOST_BYTES:
        found.state = REFUSED
        found.note = f"Not graded: more than {_MOST_BYTES >> 20} MB of files lie beside the notebook."
    return found


def _beside(folder: Path) -> dict[str, bytes]:
    """Read the files beside the notebook; links are not followed."""
    kept, hidden = {}, {".ipynb_checkpoints", "__pycache__", "feedback"}
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - hidden)
        for name in sorted(files):
            path = Path(place, name)
            inside = path.relative_to(folder).as_posix()
            if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb" and inside != TIMESTAMP:
                kept[inside] = path.read_bytes()
    return kept


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
    path = folder / TIMESTAMP
    if not path.exists() and not path.is_symlink():
        return ""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _LONGEST_TIMESTAMP:
        raise NoDate("is not a small file of text")
    content = path.read_bytes()
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = content.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    return text.strip() or "(nothing)"


def _grade_ids(notebook: nbformat.NotebookNode) -> set[str]:
    found = set()
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if isinstance(meta, dict) and isinstance(meta.get("grade_id"), str):
            found.add(meta["grade_id"])
    return found


def _take_renamed(folder: Path, assignment: str) -> str:
    """Where the notebook bears another name, add a copy under its own; return a note."""
    wanted = folder / f"{assignment}.ipynb"
    if wanted.exists():
        return _copied_from(folder, wanted)
    fitting = []
    for path in sorted(folder.glob("*.ipynb")):
        if refusal.reason(path):
            continue
        try:
            ids = _grade_ids(nbformat.read(path, as_version=4))
        except Exception:  # unreadable: not the one that we look for
            continue
        if any((exercise_of(id) or "").startswith(assignment[:2]) for id in ids):
            fitting.append(path)
    if len(fitting) == 1:
        paths.write_atomically(wanted, fitting[0].read_bytes())
        return f"It was handed in as '{fitting[0].name}'."
    if fitting:
        return f"There are {len(fitting)} notebooks, and each could be it: {', '.join(p.name for p in fitting)}."
    return ""


def _copied_from(folder: Path, wanted: Path) -> str:
    """Say again under which name a notebook was handed in, where `_take_renamed` made the copy on an earlier run."""
    others = [path for path in sorted(folder.glob("*.ipynb")) if path != wanted]
    if not others or refusal.reason(wanted):
        return ""
    content = wanted.read_bytes()
    same = [one for one in others if not refusal.reason(one) and one.read_bytes() == content]
    return f"It was handed in as '{same[0].name}'." if same else ""


def unreadable(path: Path) -> str:
    """Say why a notebook cannot be read, or ""."""
    if reason := refusal.reason(path):
        return reason
    try:
        text = path.read_bytes().decode("utf-8")
        json.loads(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a copied cell has its double's id
            notebook = nbformat.reads(text, as_version=4)
    except UnicodeDecodeError:
        return "It is not a text file (not UTF-8)."
    except json.JSONDecodeError as error:
        return f"It is not a notebook: not JSON from line {error.lineno} on."
    except RecursionError:
        return "It is not a notebook: nested too deeply."
    except Exception as error:  # nbformat raises many kinds
        return f"It is not a notebook: {str(error).splitlines()[0][:100] if str(error) else type(error).__name__}."
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        return "It is not a notebook: it has no cells."
    if reason := refusal.too_many_cells(cells):
        return reason
    for number, cell in enumerate(cells, start=1):
        if not isinstance(cell.get("source"), str) or not isinstance(cell.get("metadata"), dict):
            return f"It is not a notebook: cell {number} has no text or no metadata."
    return ""
