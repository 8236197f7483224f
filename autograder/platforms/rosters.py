"""The roster: who is in a class, as Canvas or Moodle lets one download it, remembered in the classroom.

Nobody is guessed: a row becomes a student by the columns that the platform itself knows students by.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from autograder.classroom import Classroom
from autograder.errors import ClassroomError, Unbearable
from autograder.examining import folder as folders
from autograder.platforms import canvas, moodle
from introdl import paths
from introdl.wording import first_few

CANVAS, MOODLE = "canvas", "moodle"
_MOST = 32 * 2**20
#: The columns by which a student's folder is named: the first that is known in the classroom, else the first that is filled.
_KEYS = {
    CANVAS: ("SIS Login ID", "SIS User ID", "Integration ID", "ID"),
    MOODLE: ("Username", "ID number", "Email address"),
}
_TITLED = re.compile(r"(.+) \(\d+\)")
_WORKSHEET = "Full name"


@dataclass
class Person:
    """A student.

    Attributes
    ----------
    id : str
        The student's name in the gradebook, and of the folder under ``submitted/``.
    row : dict of str to str
        What the platform's own columns say of who it is.
    participants : list of int
        Moodle's numbers in single assignments, where a grading worksheet told them.
    """

    id: str
    row: dict[str, str]
    participants: list[int] = field(default_factory=list)

    def get(self, *columns: str) -> str:
        """Return the first of some columns that is filled, or ""."""
        return next((self.row[name] for name in columns if self.row.get(name)), "")

    def names(self) -> tuple[str, str]:
        """Return the first and the last name, as far as they are told."""
        if whole := self.row.get("Student"):
            last, comma, first = whole.partition(",")
            return (first.strip(), last.strip()) if comma else ("", whole.strip())
        first, last = self.get("First name", "FirstName"), self.get("Last name", "Surname", "LastName")
        return (first, last) if first or last else ("", self.get(_WORKSHEET))

    def full_names(self) -> set[str]:
        """Return the ways in which Moodle may write the whole name, made plain."""
        first, last = self.names()
        written = {f"{first} {last}", f"{last} {first}", self.get(_WORKSHEET)}
        return {moodle.plain(one) for one in written} - {""}


@dataclass
class Roster:
    """A class.

    Attributes
    ----------
    platform : str
        "canvas" or "moodle".
    columns : list of str
        Those that say who a student is, in the platform's order.
    assignments : list of str
        Its columns for scores, as it calls them.
    people : dict of str to Person
    test : list of str
        Canvas's ids of its own test students.
    """

    platform: str
    columns: list[str]
    assignments: list[str] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)
    test: list[str] = field(default_factory=list)

    def column(self, assignment: str, title: str, given: str = "") -> str:
        """Return the platform's column for an assignment, or "" where it is not certain which one that is.

        Parameters
        ----------
        assignment : str
            As in ``"03_convolution"``.
        title : str
            Its chapter's, or "".
        given : str
            What ``classroom.toml`` says.
        """
        if given:
            return given
        wanted = {
            one.casefold() for one in (assignment, title, f"{assignment[:2]} {title}", assignment[:2]) if one.strip()
        }
        found = [one for one in self.assignments if _title(one).casefold() in wanted]
        return found[0] if len(found) == 1 else ""


def _title(column: str) -> str:
    """Return a column's title without Canvas's id, and without what Moodle puts around it."""
    match = _TITLED.fullmatch(column)
    return re.sub(r"^(?:[^:]+: ?)(.+) \(Real\)$", r"\1", match[1] if match else column)


def _place(room: Classroom) -> Path:
    return room.root / ".graded" / "roster.json"


def load(room: Classroom) -> Roster | None:
    """Return a classroom's roster, or None where it has none.

    Raises
    ------
    ClassroomError
        If it cannot be read.
    """
    try:
        content = json.loads(_place(room).read_text())
        people = {id: Person(**one) for id, one in content.pop("people").items()}
        return Roster(**content, people=people)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ClassroomError(
            f"{_place(room)} cannot be read ({error}). Remove it, and read the roster again."
        ) from error


def _save(room: Classroom, roster: Roster) -> None:
    paths.write_atomically(_place(room), json.dumps(asdict(roster), indent=1, ensure_ascii=False).encode())


@dataclass
class Told:
    """What came of reading a file: the platform, how many students it has, who is new, and sentences."""

    platform: str
    count: int
    new: list[str]
    remarks: list[str]


# --- a file -------------------------------------------------------------------------------------------------------


def table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Read a CSV file as platforms and spreadsheets write it: its columns and rows.

    Raises
    ------
    ClassroomError
        If it is none, or not in UTF-8 or UTF-16.
    """
    try:
        content = folders.read(path, _MOST, alone=False)
    except FileNotFoundError as error:
        raise ClassroomError(f"There is no file {path}.") from error
    except (OSError, Unbearable) as error:
        raise ClassroomError(f"{path} cannot be read ({error}).") from error
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeError as error:
        raise ClassroomError(
            f"{path} is not in UTF-8. Download it again, or let your spreadsheet save it as 'CSV UTF-8'."
        ) from error
    known = {*canvas.WHO, *moodle.WHO, moodle.PARTICIPANT, _WORKSHEET}
    for separator in ",;\t":
        try:
            rows = [
                row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if any(row)
            ]
        except csv.Error:
            continue
        if rows and len({one.strip() for one in rows[0]} & known) >= 2:
            head = [one.strip() for one in rows[0]]
            return head, [row + [""] * (len(head) - len(row)) for row in rows[1:]]
    shown = text.splitlines()[0][:120] if text.strip() else ""
    raise ClassroomError(
        f"{path} is no table of people: its first line is {shown!r}. Take Canvas's gradebook (Grades > Export), or Moodle's "
        "participants, grades or grading worksheet, downloaded in English."
    )


def _cell(row: dict[str, str], name: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    value = row.get(name, "").strip()
    return value[1:] if re.match(r"'[=+@-]", value) else value


def read(room: Classroom, path: Path) -> Told:
    """Read a platform's table into the classroom's roster and gradebook.

    Students are added and brought up to date, never removed.

    Raises
    ------
    ClassroomError
        If it is no such table, or not from the platform that the classroom's roster is from.
    """
    head, lines = table(path)
    rows = [dict(zip(head, line, strict=False)) for line in lines]
    old = load(room)
    platform = CANVAS if {"ID", "Section"} & set(head) and {"Student", "LastName"} & set(head) else MOODLE
    if old and old.platform != platform:
        raise ClassroomError(
            f"{path} is {platform.title()}'s, and this classroom's roster is {old.platform.title()}'s. To begin a new one, "
            f"remove {_place(room)}."
        )
    if platform == MOODLE and moodle.PARTICIPANT in head:
        return _worksheet(room, path, rows, old)
    who = canvas.WHO if platform == CANVAS else moodle.WHO
    roster = old or Roster(platform, [])
    roster.columns = [name for name in who if name in {*head, *roster.columns}]
    roster.assignments = _assignments(platform, head, rows)
    left_out, found = [], []
    for row in rows:
        one = {name: _cell(row, name) for name in roster.columns if name in head}
        if not any(one.values()) or row.get(head[0], "").strip() == canvas.POINTS.strip():
            continue
        if platform == CANVAS and not one.get("ID"):
            continue  # a row about the columns
        if platform == CANVAS and _is_test(one):
            roster.test = sorted({*roster.test, one["ID"]})
            left_out.append(one.get("Student") or "Test Student")
            continue
        found.append(one)
    return _take(room, roster, found, left_out, path)


def _is_test(row: dict[str, str]) -> bool:
    name = row.get("Student") or f"{row.get('LastName', '')}, {row.get('FirstName', '')}"
    return name in canvas.TEST_STUDENT and not row.get("SIS User ID")


def _assignments(platform: str, head: list[str], rows: list[dict[str, str]]) -> list[str]:
    if platform == CANVAS:
        return [name for name in head if _TITLED.fullmatch(name) and name not in canvas.WHO]
    return [name for name in head if name.endswith(" (Real)")]


def _take(room: Classroom, roster: Roster, rows: list[dict[str, str]], left_out: list[str], path: Path) -> Told:
    known, remarks, new, seen = set(room.students()), [], [], set()
    for row in rows:
        same = _same_keys(roster, row)
        id = same.id if same else _id(roster.platform, row, known)
        if reason := _unfit(id) or ("stands there twice" if id in seen else ""):
            raise ClassroomError(
                f"{path}: the student {id!r} ({' '.join(filter(None, row.values()))}) {reason}. Nothing was taken."
            )
        seen.add(id)
        if id not in roster.people:
            new.append(id)
        told = {name: value for name, value in row.items() if value}
        roster.people[id] = Person(id, same.row | told, same.participants) if same else Person(id, row)
    if not seen:
        raise ClassroomError(f"{path} holds no students.")
    _remember(room, roster, seen)
    if left_out:
        remarks.append(f"Left out: {', '.join(left_out)} (Canvas's own test student).")
    missing = sorted((known | set(roster.people)) - seen)
    if missing:
        remarks.append(f"In the classroom, and not in this file: {first_few(missing)}. They stay.")
    return Told(roster.platform, len(seen), new, remarks)


def _id(platform: str, row: dict[str, str], known: set[str]) -> str:
    filled = [row[name] for name in _KEYS[platform] if row.get(name)]
    return next((one for one in filled if one in known), filled[0] if filled else "")


def _unfit(id: str) -> str:
    """Say why a name cannot be a folder's, or ""."""
    if not id:
        return "has no login, number or address to be known by"
    if (
        id.startswith(".")
        or id != id.strip()
        or not id.isprintable()
        or re.search(r"[/\\]", id)
        or len(id.encode()) > 200
    ):
        return "has a name that no folder can have"
    return ""


def _remember(room: Classroom, roster: Roster, ids: set[str]) -> None:
    with room.gradebook() as book:
        for id in sorted(ids):
            person = roster.people[id]
            first, last = person.names()
            told = {
                "first_name": first,
                "last_name": last,
                "email": person.get("Email address"),
                "lms_user_id": person.get("SIS User ID", "ID number"),
            }
            book.update_or_create_student(id, **{name: value for name, value in told.items() if value})
    _save(room, roster)


def _worksheet(room: Classroom, path: Path, rows: list[dict[str, str]], old: Roster | None) -> Told:
    """Take an assignment's grading worksheet: it tells which number a student has there."""
    roster = old or Roster(MOODLE, [_WORKSHEET, "ID number", "Email address"])
    unknown, new = [], []
    for row in rows:
        one = {name: _cell(row, name) for name in (_WORKSHEET, *moodle.WHO) if name in row}
        number = re.search(r"(\d+)$", row.get(moodle.PARTICIPANT, ""))
        match = _same_person(roster, one)
        if match is None and old is None:
            id = _id(MOODLE, one, set(room.students()))
            if _unfit(id) or id in roster.people:
                raise ClassroomError(
                    f"{path}: the student {one.get(_WORKSHEET)!r} {_unfit(id) or 'stands there twice'}. Nothing was taken."
                )
            match = roster.people.setdefault(id, Person(id, one))
            new.append(id)
        if match is None or number is None:
            unknown.append(one.get(_WORKSHEET) or row.get(moodle.PARTICIPANT, ""))
            continue
        match.participants = sorted({*match.participants, int(number[1])})
    if not roster.people:
        raise ClassroomError(f"{path} holds no students.")
    _remember(room, roster, set(roster.people))
    remarks = [f"Not in the roster, or not certain who it is: {', '.join(unknown[:5])}."] if unknown else []
    return Told(MOODLE, len(rows) - len(unknown), new, remarks)


def _same_keys(roster: Roster, row: dict[str, str]) -> Person | None:
    """Return who of the roster a row is, by what the platform knows people by."""
    for name in ("ID",) if roster.platform == CANVAS else _KEYS[MOODLE]:
        if row.get(name):
            found = [one for one in roster.people.values() if one.row.get(name, "").casefold() == row[name].casefold()]
            if len(found) == 1:
                return found[0]
    return None


def _same_person(roster: Roster, row: dict[str, str]) -> Person | None:
    return _same_keys(roster, row) or by_full_name(roster, row.get(_WORKSHEET, ""))[0]


# --- who is who ---------------------------------------------------------------------------------------------------


def by_full_name(roster: Roster, name: str) -> tuple[Person | None, str]:
    """Return the one student of a full name, or None and why."""
    found = [one for one in roster.people.values() if moodle.plain(name) in one.full_names()]
    if len(found) == 1:
        return found[0], ""
    if found:
        return None, (
            f"{len(found)} students are called {name}. Read the assignment's grading worksheet, which tells them apart: "
            "autograder roster WORKSHEET.csv"
        )
    return None, f"{name} is nobody in the roster. Read a newer one: autograder roster FILE"


def by_participant(roster: Roster, number: int) -> Person | None:
    """Return who has a number in one of Moodle's assignments, if that was told."""
    return next((one for one in roster.people.values() if number in one.participants), None)


def by_canvas_id(roster: Roster, number: int) -> Person | None:
    """Return the student of an id of Canvas's."""
    return next((one for one in roster.people.values() if one.row.get("ID") == str(number)), None)


def sortable(person: Person) -> str:
    """Return the name as Canvas sorts it."""
    return person.row.get("Student") or f"{person.row.get('LastName', '')}, {person.row.get('FirstName', '')}"
