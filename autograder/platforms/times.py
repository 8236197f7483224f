"""When each student handed in: no platform's zip says it, but Moodle's grading worksheet and Canvas's API do."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from autograder.classroom import Classroom
from autograder.errors import ClassroomError
from autograder.platforms import canvas_api, moodle, rosters


def read(room: Classroom, source: str, zone: str = "") -> dict[str, datetime]:
    """Return when each student handed in, with a zone.

    Parameters
    ----------
    room : Classroom
    source : str
        Moodle's grading worksheet of the assignment, a file; or the address of the assignment in Canvas.
    zone : str
        The place whose time the worksheet's dates are: Moodle writes them without one.

    Raises
    ------
    ClassroomError
        If they cannot be read.
    """
    roster = rosters.load(room)
    if roster is None:
        raise ClassroomError("This classroom has no roster. First: autograder roster FILE")
    if source.startswith(("http://", "https://")):
        return canvas_api.Assignment(source).times(roster)
    return _of_worksheet(room, roster, Path(source), zone)


def _of_worksheet(room: Classroom, roster: rosters.Roster, path: Path, zone: str) -> dict[str, datetime]:
    head, lines = rosters.table(path)
    if moodle.MODIFIED not in head or roster.platform != rosters.MOODLE:
        raise ClassroomError(
            f"{path} is not a grading worksheet of Moodle's in English: it has no column {moodle.MODIFIED!r}. In the assignment: "
            "View all submissions > Download grading worksheet."
        )
    try:
        place = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ClassroomError(
            f"--zone is {zone!r}. Name the place whose time your Moodle shows you, for example --zone Europe/Vienna."
        ) from error
    rosters.read(room, path)  # it tells the participants' numbers, too
    roster = rosters.load(room) or roster
    found = {}
    for line in lines:
        row = dict(zip(head, line, strict=False))
        number = row.get(moodle.PARTICIPANT, "").rpartition(" ")[2]
        person = rosters.by_participant(roster, int(number)) if number.isdecimal() else None
        moment = moodle.date(row[moodle.MODIFIED])
        if person and moment:
            found[person.id] = moment.replace(tzinfo=place)
        elif person and row[moodle.MODIFIED].strip() not in ("", "-"):
            raise ClassroomError(
                f"{path}: {row[moodle.MODIFIED]!r} is not a date as Moodle writes it in English. Switch your Moodle to English, "
                "and download the worksheet again."
            )
    return found
