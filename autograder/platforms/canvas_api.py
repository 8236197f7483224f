"""Canvas over its API: when each student handed in, and grades and feedback back, as often as it takes."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from autograder.errors import ClassroomError
from autograder.platforms import rosters

#: Where the token is looked for. It is never an argument: those are seen by everybody on a machine.
TOKEN = "CANVAS_TOKEN"
_ADDRESS = re.compile(r"/courses/(\d+)/assignments/(\d+)")


@dataclass
class Sent:
    """What became of a student's grade: what Canvas had, what it has now, and a sentence where there is something to say."""

    student: str
    before: float | None
    now: float | None
    state: str
    note: str = ""


SENT, SAME, FAILED = "sent", "the same", "NOT SENT"


class Assignment:
    """An assignment in Canvas, by the address that the browser shows.

    Raises
    ------
    ClassroomError
        If the address is none, the token is missing, or Canvas does not answer.
    """

    def __init__(self, address: str):
        parts = urlsplit(address)
        match = _ADDRESS.search(parts.path)
        if parts.scheme not in ("http", "https") or not parts.hostname or not match:
            raise ClassroomError(
                f"{address!r} is not the address of an assignment. Copy it from your browser: "
                "https://canvas.example.edu/courses/123/assignments/456"
            )
        if parts.scheme == "http" and not _is_here(parts.hostname):
            raise ClassroomError(f"{address} is not encrypted, and your token would be read on the way. Use https.")
        token = os.environ.get(TOKEN, "").strip()
        if not token:
            raise ClassroomError(
                f"Your token is not in the environment variable {TOKEN}. Make one in Canvas (Account > Settings > New access "
                f"token), then: read -rs {TOKEN} && export {TOKEN}"
            )
        try:
            from canvasapi import Canvas
        except ImportError as error:
            raise ClassroomError("Canvas's API needs a package: pip install canvasapi") from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about http, on this machine
            canvas = Canvas(f"{parts.scheme}://{parts.netloc}", token)
        self.address = address
        with self._sentences():
            self._assignment = canvas.get_course(int(match[1]), use_sis_id=False).get_assignment(int(match[2]))

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        from canvasapi.exceptions import CanvasException
        from requests.exceptions import RequestException

        try:
            yield
        except CanvasException as error:
            raise ClassroomError(
                f"Canvas refuses {self.address} ({_short(error)}). Look at the address and the token's rights."
            ) from error
        except RequestException as error:
            raise ClassroomError(
                f"Canvas does not answer at {self.address} ({type(error).__name__}). Run the same command again: what was sent stays."
            ) from error

    @property
    def name(self) -> str:
        """What Canvas calls it."""
        return str(self._assignment.name)

    def _submissions(self) -> dict[int, object]:
        """Return Canvas's submissions by its students' ids, in as many requests as pages."""
        with self._sentences():
            found = self._assignment.get_submissions(include=["submission_comments"], per_page=100)
            return {int(one.user_id): one for one in found}

    def times(self, roster: rosters.Roster) -> dict[str, datetime]:
        """Return when each student of the roster handed in."""
        found = {}
        for user, one in self._submissions().items():
            person, text = rosters.by_canvas_id(roster, user), getattr(one, "submitted_at", None)
            if person and text:
                found[person.id] = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        return found

    def send(
        self,
        roster: rosters.Roster,
        grades: dict[str, float],
        pages: dict[str, Path],
        dry_run: bool = False,
        tell: Callable[[int], None] = lambda count: None,
    ) -> list[Sent]:
        """Send grades that differ from those that Canvas has, and pages that are not there yet.

        What was sent before is not sent again, so that a run that broke off goes on.

        Parameters
        ----------
        roster : Roster
        grades : dict of str to float
            By student.
        pages : dict of str to pathlib.Path
            Feedback pages by student; each becomes a comment's file.
        dry_run : bool
            True sends nothing.
        tell : callable
            Is told how many students are done.
        """
        there, results = self._submissions(), []
        for count, (student, grade) in enumerate(sorted(grades.items()), 1):
            person = roster.people.get(student)
            one = there.get(int(person.row["ID"])) if person and person.row.get("ID", "").isdecimal() else None
            if one is None:
                results.append(Sent(student, None, grade, FAILED, "Canvas has no such student in this assignment."))
            else:
                results.append(self._send_one(one, student, grade, pages.get(student), dry_run))
            tell(count)
        return results

    def _send_one(self, one, student: str, grade: float, page: Path | None, dry_run: bool) -> Sent:
        before = _number(getattr(one, "entered_score", None))
        told = Sent(student, before, grade, SAME if before is not None and abs(before - grade) < 0.005 else SENT)
        new = page if page and (told.state == SENT or page.name not in _attached(one)) else None
        if dry_run or (told.state == SAME and not new):
            return told
        try:
            with self._sentences():
                if (
                    new and not one.upload_comment(str(new))[0]
                ):  # first: where a run breaks off here, both are sent again
                    told.note = f"{new.name} was not taken."
                if told.state == SENT:
                    one.edit(submission={"posted_grade": f"{grade:.6g}"})
                    if taken := _number(getattr(one, "points_deducted", None)):
                        told.note += f" Canvas takes off {taken:g} more for lateness, by its own late policy."
        except ClassroomError as error:
            told.state, told.note = FAILED, str(error)
        return told


def _attached(one) -> set[str]:
    """Return the names of files that stand in a submission's comments."""
    comments = getattr(one, "submission_comments", None) or []
    files = [file for comment in comments for file in comment.get("attachments") or []]
    return {str(file.get(name)) for file in files for name in ("display_name", "filename")}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _short(error: Exception) -> str:
    return re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")[:200]


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
