"""A classroom: a plain nbgrader course directory with a secret seed."""

from __future__ import annotations

import difflib
import json
import os
import re
import secrets
import tomllib
from importlib import resources
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from autograder.errors import ClassroomError
from introdl import __version__, paths

if TYPE_CHECKING:
    from autograder.handout import Handout

_FOLDERS = ("source", "release", "submitted", "autograded", "feedback")
_SECRET = "classroom.toml"


class Classroom:
    """A classroom that exists.

    Attributes
    ----------
    root : pathlib.Path
        Its folder, with nbgrader's own names inside.
    name : str
        The course's name in nbgrader.
    seed : str
        The secret from which hidden cases are drawn.
    late : dict of str to float
        What lateness costs: the table ``[late]`` of ``classroom.toml``.
    database : str
        Where the gradebook is kept, if ``classroom.toml`` says so (``db_url``), else "".
    install : str
        The command by which students install the course; ``classroom.toml`` may name another (``install``).
    columns : dict of str to str
        What a learning platform calls assignments, where ``classroom.toml`` says so: the table ``[columns]``.
    """

    def __init__(self, root: Path, name: str, seed: str, late: dict[str, float] | None = None, database: str = ""):
        self.root, self.name, self.seed, self.late, self.database = root, name, seed, late or {}, database
        self.install, self.columns = f"pip install introdl=={__version__}", dict[str, str]()

    @classmethod
    def init(cls, folder: Path, name: str = "introdl") -> Classroom:
        """Make a classroom.

        Raises
        ------
        ClassroomError
            If the folder is in use, cannot be made, or lies inside the project.
        """
        root = folder.expanduser().resolve()
        if os.path.exists(root / _SECRET):  # Path.exists raises where a folder above is somebody else's
            raise ClassroomError(f"{root} is a classroom already. Nothing was changed.")
        try:
            taken = os.path.exists(root) and (not root.is_dir() or any(root.iterdir()))
        except OSError as error:
            raise ClassroomError(f"{root} cannot be used ({error.strerror}).") from error
        if taken:
            raise ClassroomError(f"{root} is not empty. Choose a new folder for the classroom.")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            raise ClassroomError(f"The name {name!r} should be letters, digits, '-' and '_'.")
        try:
            for one in _FOLDERS:
                (root / one).mkdir(parents=True, exist_ok=True)
            text = resources.files("autograder").joinpath("nbgrader_config.py.txt").read_bytes()
            paths.write_atomically(root / "nbgrader_config.py", text)
            secret = f'# Keep this file to yourself: hidden inputs are drawn from the seed.\nname = "{name}"\n'
            secret += f'seed = "{secrets.token_hex(32)}"\n'
            with open(os.open(root / _SECRET, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secret)
            for private in (".graded", ".audit"):
                (root / private).mkdir(mode=0o700)
            (root / "gradebook.db").touch(mode=0o600)  # nbgrader fills it, and leaves its rights alone
        except OSError as error:
            raise ClassroomError(f"{root} cannot be made ({error.strerror}).") from error
        return cls.open(root)

    @classmethod
    def open(cls, folder: Path) -> Classroom:
        """Open a classroom.

        Raises
        ------
        ClassroomError
            If the folder is none.
        """
        root = folder.expanduser().resolve()
        path = root / _SECRET
        if not os.path.exists(path):
            raise ClassroomError(
                f"{root} is not a classroom (there is no {_SECRET}). Make one: autograder classroom init DIR; "
                "or name it: --in DIR."
            )
        try:
            content = tomllib.loads(path.read_text())
            name, seed = str(content["name"]), str(content["seed"])
        except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
            raise ClassroomError(
                f"{path} cannot be read ({error}). It should hold name = ... and seed = ..."
            ) from error
        from autograder.deadlines import read_policy

        room = cls(root, name, seed, read_policy(content.get("late", {})), str(content.get("db_url", "")))
        room.install = str(content.get("install", room.install))
        room.columns = _columns(content.get("columns", {}))
        return room

    @property
    def db_url(self) -> str:
        """The gradebook's address."""
        return str(self.config().CourseDirectory.db_url)

    def config(self):
        """Return nbgrader's configuration of this classroom, the instructor's own settings included."""
        from traitlets.config import PyFileConfigLoader

        class Here(PyFileConfigLoader):
            """One that takes a folder ``d$HOME`` by its name."""

            def _find_file(self) -> None:
                self.full_filename = os.path.join(self.path or "", self.filename)

        try:
            return Here("nbgrader_config.py", path=str(self.root)).load_config()
        except OSError as error:
            raise ClassroomError(
                f"{self.root / 'nbgrader_config.py'} cannot be read ({error.strerror}). Make a new classroom, and copy its "
                "nbgrader_config.py into this one."
            ) from error

    def api(self):
        """Return nbgrader's API on this classroom."""
        from nbgrader.apps import NbGraderAPI
        from nbgrader.coursedir import CourseDirectory

        class Course(CourseDirectory):
            """One that does not fail where a submission's ``timestamp.txt`` holds no date."""

            def fail(self, message: str) -> None:
                self.log.warning(message)

        config = self.config()
        config.NbGraderAPI.log_level = "ERROR"
        return NbGraderAPI(coursedir=Course(config=config), config=config)

    def gradebook(self):
        """Return nbgrader's gradebook, a context manager."""
        from nbgrader.api import Gradebook

        return Gradebook(self.db_url, self.name)

    def limits(self):
        """Return the limits under which submissions run, as nbgrader's configuration has them."""
        from autograder.examining.examiner import Limits

        asked, usual = self.config().Examine, Limits()
        cell, notebook = asked.get("cell_seconds", usual.cell), asked.get("notebook_seconds", usual.notebook)
        return Limits(float(cell), float(notebook))

    def beside_source(self, assignment: str) -> dict[str, bytes]:
        """Return the files that lie beside an assignment's source; nbgrader puts them beside each submission."""
        folder = self.root / "source" / assignment
        hidden = (".ipynb_checkpoints", "__pycache__", "feedback")
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix != ".ipynb" and not set(path.relative_to(folder).parts) & set(hidden)
        }

    def locked_cells(self, assignment: str) -> dict[str, str]:
        """Return the text of an assignment's locked cells, hidden tests included, by nbgrader's ids.

        Raises
        ------
        ClassroomError
            If the gradebook does not know the assignment.
        """
        from nbgrader.api import MissingEntry

        with self.gradebook() as gradebook:
            try:
                cells = gradebook.find_notebook(assignment, assignment).source_cells
            except MissingEntry as error:
                raise ClassroomError(
                    f"The gradebook does not know {assignment}. Hand it out again: autograder assign {quote(assignment)}"
                ) from error
            return {cell.name: cell.source or "" for cell in cells if cell.locked}

    def lateness(self) -> str:
        """Return what decides how much lateness costs, as a text that changes when it does."""
        config = self.config()
        return json.dumps([self.late, config.get("AssignLatePenalties"), config.get("PerDay")], default=str)

    @property
    def _extensions(self) -> Path:
        return self.root / ".graded" / "extensions.json"

    def _granted(self) -> dict[str, dict[str, float]]:
        try:
            return json.loads(self._extensions.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ClassroomError(f"{self._extensions} cannot be read ({error}). Remove it and extend again.") from error

    def extension(self, assignment: str, student: str) -> float | None:
        """Return the minutes that a student was granted on top of the due date, or None."""
        return self._granted().get(assignment, {}).get(student)

    def extended(self, assignment: str) -> list[str]:
        """Return who has more time for an assignment, by name."""
        return sorted(student for student, minutes in self._granted().get(assignment, {}).items() if minutes)

    def students(self) -> list[str]:
        """Return everybody who is in the gradebook, or has handed in anything, by name."""
        with self.gradebook() as gradebook:
            known = {student.id for student in gradebook.students}
        submitted = self.root / "submitted"
        found = {path.name for path in submitted.iterdir() if path.is_dir()} if submitted.is_dir() else set()
        return sorted(known | {name for name in found if not name.startswith(".")})

    def extend(self, assignment: str, students: list[str], minutes: float) -> None:
        """Grant students more time; it counts from the next grading on. 0 takes it back.

        Raises
        ------
        ClassroomError
            If the assignment has no due date, or one of the students is not known; then nothing is noted.
        """
        with self.gradebook() as gradebook:
            if gradebook.find_assignment(assignment).duedate is None:
                raise ClassroomError(
                    f'{assignment} has no due date. First: autograder assign {assignment[:2]} --due "..."'
                )
        known = self.students()
        for student in students:
            if student not in known:
                near = difflib.get_close_matches(student, known, 3)
                meant = f" Did you mean {' or '.join(near)}?" if near else ""
                raise ClassroomError(
                    f"There is no student {student!r} in this classroom.{meant} Nothing was noted. Whoever has handed in "
                    f"nothing yet is made known by: nbgrader db student add {student}"
                )
        granted = self._granted()
        granted.setdefault(assignment, {}).update(dict.fromkeys(students, minutes))
        paths.write_atomically(self._extensions, json.dumps(granted, indent=1, sort_keys=True).encode())

    def assign(self, chapter: str, due: str | None = None) -> Path:
        """Hand out an assignment and return the notebook to hand out; see `hand_out` and `set_due`."""
        found = self.hand_out(chapter)
        if due:
            self.set_due(chapter, due)
        return found.path

    def hand_out(self, chapter: str, renew: bool = False) -> Handout:
        """Put a chapter into the classroom and make the copy to hand out.

        What stands in ``source/`` already is the instructor's: it is left as it is, and handed out.

        Parameters
        ----------
        chapter : str
            ``"03"`` or ``"03_convolution"``; or an assignment of the instructor's own that stands in ``source/``.
        renew : bool
            True replaces a source that differs from the course's, and keeps a copy of it.

        Raises
        ------
        ClassroomError
            If it cannot be handed out. Nothing was changed then.
        """
        from autograder import handout
        from autograder.authoring import build, release

        name = self._named(chapter)
        own = name not in _chapters()
        if own and renew:
            raise ClassroomError(
                f"{name} is an assignment of your own: there is nothing of the course's to renew it with."
            )
        notebook = None
        if not own:
            source, exercises = build.read(build.source_files([name])[0])
            if not exercises:
                raise ClassroomError(f"{source.name} has no exercises to grade.")
            notebook = release.source_notebook(source, exercises)
        found = handout.hand_out(self.config(), self.root, self.gradebook, name, notebook, renew)
        found.archive = handout.pack(self.root, name, self.install)
        return found

    def set_due(self, chapter: str, due: str) -> None:
        """Set an assignment's due date (see `autograder.deadlines.parse_due`), or take it away: ``"none"``.

        Raises
        ------
        ClassroomError
            If it cannot be read.
        """
        from autograder.deadlines import parse_due

        at = None if due.strip().lower() == "none" else parse_due(due)
        with self.gradebook() as gradebook:
            gradebook.update_or_create_assignment(self._named(chapter), duedate=at)

    def is_handed_out(self, chapter: str) -> bool:
        """Whether the gradebook knows an assignment, and there is something to hand out."""
        from nbgrader.api import MissingEntry

        name = self._named(chapter)
        try:
            with self.gradebook() as gradebook:
                known = bool(gradebook.find_assignment(name).notebooks)
        except MissingEntry:
            return False
        return known and any((self.root / "release" / name).glob("*.ipynb"))

    def _named(self, name: str) -> str:
        """Return the whole name of a chapter, or of an assignment of the instructor's own in ``source/``."""
        chapters = _chapters()
        number = name.zfill(2) if name.isdecimal() else name
        match = [one for one in chapters if number in (one, one.split("_")[0])]
        own = self.root / "source"
        if match:
            return match[0]
        if re.fullmatch(r"[\w][\w .-]*", name) and "+" not in name and any((own / name).glob("*.ipynb")):
            return name
        raise ClassroomError(
            f"There is no chapter {name!r}, and no notebook {own / name / name}.ipynb of your own. "
            f"The chapters: {', '.join(chapters)}."
        )

    def assignment(self, name: str) -> str:
        """Return the whole name of an assignment of this classroom.

        Raises
        ------
        ClassroomError
            If there is none of that name.
        """
        release = self.root / "release"
        known = sorted(path.name for path in release.iterdir() if path.is_dir()) if release.is_dir() else []
        number = name.zfill(2) if name.isdecimal() else name
        match = [one for one in known if one == name] or [one for one in known if one.split("_")[0] == number]
        if not match:
            have = f"It has: {', '.join(known)}." if known else "It has none yet."
            raise ClassroomError(
                f"This classroom has no assignment {name!r}. {have} Add it: autograder assign {quote(name)}"
            )
        return match[0]


def _columns(table: object) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise ClassroomError(
            'In classroom.toml, [columns] should be a table of texts: "03_convolution" = "Homework 3 (4711)"'
        )
    return dict(table)


def _chapters() -> list[str]:
    """Return the names of the course's chapters."""
    from autograder.authoring import build

    return [path.stem for path in build.source_files() if path.stem[0].isdigit()]


def configure(config, root: Path) -> None:
    """Set nbgrader up, for classrooms whose ``nbgrader_config.py`` asks for it here; see `autograder.nbgrader_plugin`."""
    from autograder import nbgrader_plugin

    nbgrader_plugin.configure(config, root)
