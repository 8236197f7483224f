"""What was handed in: who, which notebook, which files beside it, and whether it can be read."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.authoring.release import exercise_of
from autograder.classroom import Classroom
from autograder.errors import ClassroomError, Unbearable
from autograder.examining import audit, refusal
from autograder.examining import folder as folders
from introdl import paths

READY, MISSING, UNREADABLE, REFUSED = "ready", "missing", "unreadable", "refused"
#: Where nbgrader keeps when a submission was handed in.
TIMESTAMP = "timestamp.txt"
_MOST_TIMESTAMP = 1000
#: Notebooks under other names that are looked into.
_MOST_NOTEBOOKS = 20


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
    """

    student: str
    state: str = READY
    note: str = ""
    notebook: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    timestamp: str = ""
    findings: list[audit.Finding] = field(default_factory=list)


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
    if folder.is_symlink():
        found.state = REFUSED
        found.note = f"Not graded: {folder} is a link to another folder. Put the submission itself there."
        return found
    found.note = _take_renamed(folder, assignment)
    path = folder / f"{assignment}.ipynb"
    if not path.exists() and not path.is_symlink():
        found.state, found.note = MISSING, found.note or f"There is no {path.name}."
        return found
    try:
        found.notebook, reason = _read(path)
        if reason:
            hard = refusal.elsewhere(path) and not path.is_symlink()
            found.state, found.note = (REFUSED, f"Not graded: {reason}") if hard else (UNREADABLE, reason)
            return found
        beside = folders.beside(folder, frozenset([TIMESTAMP]))
        found.files, found.findings = beside.files, refusal.findings(beside)
        found.timestamp, said = _timestamp(folder)
    except OSError as error:
        found.state = REFUSED
        found.note = f"Not graded: {error.filename or folder} cannot be read ({error.strerror})."
        return found
    if found.timestamp and not is_date(found.timestamp):
        said = "Its timestamp.txt holds no date: it counts as in time."
    found.note = " ".join(one for one in (found.note, said, beside.sentence()) if one)
    return found


def _timestamp(folder: Path) -> tuple[str, str]:
    """Return the text of nbgrader's ``timestamp.txt``, and a sentence where it is not read."""
    try:
        return folders.read(folder / TIMESTAMP, _MOST_TIMESTAMP).decode(errors="replace").strip(), ""
    except FileNotFoundError:
        return "", ""
    except Unbearable as error:
        return "", f"Its timestamp.txt is not read, and it counts as in time. {error}"


def is_date(text: str) -> bool:
    """Whether nbgrader takes a ``timestamp.txt``'s text for a date."""
    from nbgrader.utils import parse_utc

    try:
        parse_utc(text)
    except (ValueError, OverflowError, TypeError, AttributeError):
        return False
    return True


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
        return ""
    fitting = []
    for path in sorted(folder.glob("*.ipynb"))[:_MOST_NOTEBOOKS]:
        try:
            ids = _grade_ids(nbformat.reads(folders.read(path, refusal.MOST_BYTES).decode(), as_version=4))
        except Exception:  # unreadable: not the one that we look for
            continue
        if any((exercise_of(id) or "").startswith(assignment[:2]) for id in ids):
            fitting.append(path)
    if len(fitting) == 1:
        paths.write_atomically(wanted, folders.read(fitting[0], refusal.MOST_BYTES))
        return f"It was handed in as '{fitting[0].name}'."
    if fitting:
        return f"There are {len(fitting)} notebooks that could be it: {', '.join(p.name for p in fitting)}."
    return ""


def unreadable(path: Path) -> str:
    """Say why a notebook cannot be read, or ""."""
    return _read(path)[1]


def _read(path: Path) -> tuple[bytes, str]:
    """Return a notebook's bytes, and why they are none of a notebook, or ""."""
    try:
        content = folders.read(path, refusal.MOST_BYTES)
    except Unbearable as error:
        return b"", str(error)
    return content, _no_notebook(content)


def _no_notebook(content: bytes) -> str:
    """Say why bytes are no notebook, or ""."""
    try:
        text = content.decode("utf-8")
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
