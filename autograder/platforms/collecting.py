"""What a platform lets one download, put into ``submitted/``: each file to its student by the roster, and nobody guessed."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

from autograder import archives
from autograder.authoring.release import exercise_of
from autograder.classroom import Classroom
from autograder.errors import ClassroomError, Unbearable, Unreadable
from autograder.examining import folder as folders
from autograder.examining import reading
from autograder.grading import choosing
from autograder.grading.submissions import TIMESTAMP
from autograder.handout import KEPT, place_to_keep
from autograder.platforms import canvas, moodle, rosters
from introdl import paths
from introdl.data import progress

NEW, REPLACED, UNCHANGED, LEFT_OUT, NOT_PLACED = "new", "replaced", "unchanged", "left out", "NOT PLACED"
#: What one student's files may have together.
_MOST_OF_ONE = 256 * 2**20
_ASIDE = ".collect-"
#: What a name gets that was there already: Canvas's ``-1``, a browser's `` (1)``.
_AGAIN = re.compile(r"(?:-\d+|[ _]?\(\d+\))$")


@dataclass
class Placed:
    """What became of what a student handed in.

    Attributes
    ----------
    who : str
        The student; where it is not known who that is, the name in the archive.
    state : str
        `NEW`, `REPLACED`, `UNCHANGED`, `LEFT_OUT` or `NOT_PLACED`.
    notes : list of str
    """

    who: str
    state: str
    notes: list[str] = field(default_factory=list)


@dataclass
class _Handed:
    """What one student handed in, as the archive has it."""

    who: str
    person: rosters.Person | None = None
    why: str = ""
    left_out: bool = False
    late: bool = False
    newest: int = 0
    entries: dict[str, archives.Entry] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


# --- whose it is --------------------------------------------------------------------------------------------------


def _of_canvas(entry: archives.Entry, roster: rosters.Roster) -> tuple[_Handed, str]:
    """Return whose file it is, and its own name; "" where there is none.

    It is whose id and name are both in it: a name that holds numbers must not lead to somebody else.
    """
    name = entry.name
    every = list(canvas.readings(name))
    if why := canvas.no_file(name):
        return _Handed(name, None, why), ""
    if not every:
        return _Handed(name, None, "It is not named as Canvas names a submission's files."), ""
    if any(str(one.user) in roster.test and one.name == canvas.flat(canvas.TEST_STUDENT[0]) for one in every):
        return _Handed("Test Student", None, "Canvas's own test student.", left_out=True), ""
    known = [(one, person) for one in every if (person := rosters.by_canvas_id(roster, one.user))]
    sure = [(one, person) for one, person in known if canvas.flat(rosters.sortable(person)) == canvas.flat(one.name)]
    if len(sure) == 1:
        ((one, person),) = sure
        return _Handed(person.id, person, late=one.late, newest=one.file), one.rest
    newer = "Read a newer roster: autograder roster GRADES.csv"
    if known:
        one, person = known[0]
        why = f"Canvas's user {one.user} is {rosters.sortable(person)} in the roster, and {one.name} here"
        return _Handed(name, None, f"{why} (a new name, or a group's). {newer}"), ""
    return _Handed(every[0].name, None, f"Canvas's user {every[0].user} is not in the roster. {newer}"), ""


def _of_moodle(entry: archives.Entry, roster: rosters.Roster) -> tuple[_Handed, str]:
    found = moodle.reading(entry.name)
    if found is None:
        return _Handed(entry.name.partition("/")[0], None, "It is not named as Moodle names a submission's files."), ""
    person, why = rosters.by_participant(roster, found.participant), ""
    if person is None:
        person, why = rosters.by_full_name(roster, found.name)
    if person is not None and found.plugin != "file":
        return _Handed(person.id, None, "It is a text typed into Moodle, not a file."), ""
    return _Handed(person.id if person else f"{found.name} ({found.participant})", person, why), found.rest


def _sorted_by_student(entries: list[archives.Entry], roster: rosters.Roster) -> list[_Handed]:
    whose = _of_canvas if roster.platform == rosters.CANVAS else _of_moodle
    found: dict[tuple[str, bool], _Handed] = {}
    for entry in entries:
        one, rest = whose(entry, roster)
        kept = found.setdefault((one.who, one.person is not None), one)
        kept.late, kept.newest = kept.late or one.late, max(kept.newest, one.newest)
        if one.person is None:
            continue
        if reason := _unfit(rest, entry.size):
            kept.notes.append(f"Left out: {folders.printable(rest)} ({reason}).")
        elif rest in kept.entries:
            kept.notes.append(f"Left out: a second {folders.printable(rest)}.")
        else:
            kept.entries[rest] = entry
    _typed_beside_files(found)
    return sorted(found.values(), key=lambda one: (one.person is None, one.who))


def _typed_beside_files(found: dict[tuple[str, bool], _Handed]) -> None:
    """Let a text that was typed in beside files be a note on them."""
    for (who, known), one in list(found.items()):
        if not known and (who, True) in found:
            found[who, True].notes.append(one.why)
            del found[who, known]


def _unfit(name: str, size: int) -> str:
    """Say why a file is left out, or ""."""
    parts = name.split("/")
    if name == TIMESTAMP:
        return "this name says when something was handed in, and a student does not say that"
    if (
        "" in parts
        or not name.isprintable()
        or len(name.encode()) > 400
        or any(len(one.encode()) > 255 for one in parts)
    ):
        return "not a name to use"
    if any(one.startswith(".") for one in parts):
        return "hidden"
    most = folders.MOST_NOTEBOOK if name.lower().endswith(".ipynb") else folders.MOST_FILE
    return f"{size >> 20} MiB; {most >> 20} MiB is the most" if size > most else ""


# --- where it goes ------------------------------------------------------------------------------------------------


def _named(assignment: str, names: list[str]) -> dict[str, str]:
    """Return under which names files are kept: one notebook that is the assignment's but for a ``-1`` gets its name."""
    wanted = f"{assignment}.ipynb"
    same = [
        name
        for name in names
        if "/" not in name
        and name.lower().endswith(".ipynb")
        and choosing.same_name(_AGAIN.sub("", name[: -len(".ipynb")]), assignment)
    ]
    return {name: wanted if [name] == same else name for name in names}


def _held(folder: Path) -> dict[str, bytes]:
    """Return the files that are in a folder now, without nbgrader's timestamp."""
    return folders.beside(folder, frozenset([TIMESTAMP]), notebooks=True).files if folder.is_dir() else {}


class _Collector:
    """Puts what was handed in where it belongs."""

    def __init__(self, room: Classroom, assignment: str, platform: str, times: Mapping[str, datetime]):
        self.room, self.assignment, self.platform, self.times = room, assignment, platform, times
        self.record = room.root / ".graded" / "collected" / f"{assignment}.json"
        self.known = came_in(room, assignment)
        for left in room.root.glob(f"{_ASIDE}*"):  # of a run that was killed: this one holds the lock
            shutil.rmtree(left, ignore_errors=True)

    def take(self, one: _Handed) -> Placed:
        """Place what a student handed in; whatever goes wrong concerns this student alone."""
        if one.person is None:
            return Placed(one.who, LEFT_OUT if one.left_out else NOT_PLACED, [one.why, *one.notes])
        if not one.entries:
            return Placed(one.who, NOT_PLACED, [*one.notes, "Nothing is left to place."])
        if sum(entry.size for entry in one.entries.values()) > _MOST_OF_ONE or len(one.entries) > folders.MOST_FILES:
            return Placed(
                one.who, NOT_PLACED, [f"{len(one.entries)} files, or more than {_MOST_OF_ONE >> 20} MiB: too much."]
            )
        try:
            names = _named(self.assignment, list(one.entries))
            files = {names[name]: entry.read() for name, entry in one.entries.items()}
            return self._put(one, files)
        except (ClassroomError, Unbearable) as error:
            return Placed(one.who, NOT_PLACED, [str(error)])
        except OSError as error:
            return Placed(
                one.who, NOT_PLACED, [f"{error.filename or self.room.root} cannot be written ({error.strerror})."]
            )

    def _put(self, one: _Handed, files: dict[str, bytes]) -> Placed:
        student = one.who
        home = self.room.root / "submitted" / student
        if home.is_symlink() or (home / self.assignment).is_symlink():
            return Placed(student, NOT_PLACED, [f"{home / self.assignment} is a link. Put a folder there."])
        old = choosing.folder_of(home, self.assignment) if home.is_dir() else None
        old = None if old == home else old
        before = self.known.get(student, {})
        if old is not None and _held(old) == files:
            state, place = UNCHANGED, old
        elif old is not None and one.newest and one.newest < before.get("newest", 0):
            return Placed(student, NOT_PLACED, ["What is there was handed in later than this. It was left as it is."])
        else:
            place = home / self.assignment
            kept = self._write(student, place, old, files)
            state = REPLACED if kept else NEW
            if kept:
                one.notes.append(f"What was there is kept in {kept.relative_to(self.room.root)}.")
        one.notes += self._date(one, place)
        if not any(name.lower().endswith(".ipynb") for name in files):
            one.notes.append("There is no notebook among its files.")
        self.known[student] = {
            "platform": self.platform, "newest": max(one.newest, before.get("newest", 0)),
            "entries": sorted(entry.name for entry in one.entries.values()),
        }  # fmt: skip
        return Placed(student, state, one.notes)

    def _write(self, student: str, place: Path, old: Path | None, files: dict[str, bytes]) -> Path | None:
        """Write a folder aside, keep the one that was there, and rename: at no moment is a submission half-written."""
        ready = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=self.room.root))
        try:
            for name, content in files.items():
                path = ready / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            ready.chmod(0o755)
            kept = None
            if old is not None:
                kept = place_to_keep(self.room.root / KEPT / "submitted" / student, self.assignment)
                kept.parent.mkdir(parents=True, exist_ok=True)
                old.rename(kept)
            place.parent.mkdir(parents=True, exist_ok=True)
            ready.rename(place)
            return kept
        finally:
            shutil.rmtree(ready, ignore_errors=True)

    def _date(self, one: _Handed, place: Path) -> list[str]:
        """Write when it was handed in, where that is known; where it is late and nobody knows when, let grading say so."""
        path = place / TIMESTAMP
        if moment := self.times.get(one.who):
            paths.write_atomically(path, f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
            return []
        if not one.late:
            return []
        if not self.room.late:
            return ["Late, says Canvas; nothing depends on it (classroom.toml has no [late])."]
        if not path.exists():
            paths.write_atomically(path, b"LATE (Canvas's zip does not say when)\n")
        return [f"Late, says Canvas, and not when: put the time into its {TIMESTAMP}, or collect again with --times."]

    def save(self) -> None:
        """Remember what was placed, for what goes back."""
        text = json.dumps(self.known, indent=1, ensure_ascii=False, sort_keys=True)
        paths.write_atomically(self.record, text.encode())


def came_in(room: Classroom, assignment: str) -> dict[str, dict]:
    """Return what was collected of an assignment: for each student the platform, and its names of the files.

    Raises
    ------
    ClassroomError
        If it cannot be read.
    """
    path = room.root / ".graded" / "collected" / f"{assignment}.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ClassroomError(f"{path} cannot be read ({error}). Remove it, and collect again.") from error


# --- the whole ----------------------------------------------------------------------------------------------------


def assignment_of(room: Classroom, found: list[_Handed]) -> str:
    """Return the one assignment of the classroom that the notebooks are of, by their graded cells.

    Raises
    ------
    ClassroomError
        If they are of none, or of several.
    """
    release = room.root / "release"
    known = sorted(path.name for path in release.iterdir() if path.is_dir()) if release.is_dir() else []
    seen: set[str] = set()
    for entry in (entry for one in found for name, entry in one.entries.items() if name.lower().endswith(".ipynb")):
        try:
            chapters = {(exercise_of(id) or "")[:2] for id in choosing.grade_ids(reading.read(entry.read()))} - {""}
        except Unreadable:
            continue
        seen |= {name for name in known if name[:2] in chapters}
        if len(seen) > 1:
            break
    if len(seen) == 1:
        return seen.pop()
    said = f"notebooks of {', '.join(sorted(seen))}" if seen else "no notebook of one of this classroom's assignments"
    raise ClassroomError(f"There are {said} in it. Name the assignment: autograder collect ZIP 03")


def collect(
    room: Classroom, path: Path, assignment: str = "", times: Mapping[str, datetime] | None = None
) -> tuple[str, list[Placed]]:
    """Put a platform's download into ``submitted/STUDENT/ASSIGNMENT/``.

    Parameters
    ----------
    room : Classroom
    path : pathlib.Path
        The zip, or the folder that a browser has unpacked it to.
    assignment : str
        Its whole name; "" takes it from the notebooks.
    times : mapping of str to datetime.datetime, optional
        When each student handed in, with a zone.

    Returns
    -------
    (str, list of Placed)
        The assignment, and what became of each student's.

    Raises
    ------
    ClassroomError
        If the archive, or the roster, cannot be used. Nothing was placed then.
    """
    roster = rosters.load(room)
    if roster is None:
        raise ClassroomError(
            "This classroom has no roster, so that nobody knows whose submissions these are. First: autograder roster FILE, "
            "with Canvas's gradebook export or Moodle's list of participants."
        )
    with archives.entries(path) as entries:
        found = _sorted_by_student(entries, roster)
        if not any(one.person or one.left_out for one in found):
            why = found[0].why if found else "It is empty."
            raise ClassroomError(f"Nothing in {path} belongs to anybody of {roster.platform.title()}'s roster. {why}")
        name = assignment or assignment_of(room, found)
        need = sum(entry.size for one in found for entry in one.entries.values())
        if need > shutil.disk_usage(room.root).free:
            raise ClassroomError(f"{path} needs {need >> 20:,} MiB, and the disk of {room.root} has not that much.")
        collector = _Collector(room, name, roster.platform, times or {})
        placed = []
        try:
            with progress.bar(f"collecting {name}", len(found), "students") as tick:
                for number, one in enumerate(found, 1):
                    placed.append(collector.take(one))
                    tick(number)
        finally:
            collector.save()
    return name, placed


def table(room: Classroom, assignment: str, placed: list[Placed]) -> None:
    """Print what became of submissions: those with something to say, and the counts of all."""
    from rich.console import Console
    from rich.table import Table

    from autograder.plain_text import table_cell

    console = Console()
    worth = [one for one in placed if one.notes or one.state in (NOT_PLACED, LEFT_OUT)]
    if worth:
        shown = Table("who", "state", "note")
        colors = {NOT_PLACED: "red", REPLACED: "yellow"}
        for one in sorted(worth, key=lambda one: (one.state != NOT_PLACED, one.who)):
            color = colors.get(one.state, "green")
            shown.add_row(table_cell(one.who), f"[{color}]{one.state}[/]", table_cell(" ".join(one.notes)))
        console.print(shown)
    counts = {
        state: sum(one.state == state for one in placed) for state in (NEW, REPLACED, UNCHANGED, LEFT_OUT, NOT_PLACED)
    }
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    console.print(f"{assignment}: {told}. Next: autograder grade {quote(assignment[:2])}", markup=False)
