"""What Canvas and Moodle let an instructor download, written from the documentation and source of both."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

from autograder.platforms import canvas

HEAD = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]


def canvas_gradebook(path: Path, people: list[tuple[str, int, str, str]], titles=("03 Convolution (4711)",)) -> Path:
    """A gradebook export: (sortable name, id, SIS user id, login); with BOM, the row of points, and the test student."""
    blank = [""] * len(HEAD)
    rows = [[*HEAD, *titles, "Current Score"], [*blank, *["Manual Posting"] * len(titles), ""]]
    rows.append(["    Points Possible", *blank[1:], *["100"] * len(titles), "(read only)"])
    rows += [
        [name, id, sis, login, "Section A and Section B", *[""] * len(titles), ""] for name, id, sis, login in people
    ]
    rows.append(["Student, Test", 99999, "", "f3a1b2c4d5", "Section A", *["5"] * len(titles), "5"])
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    return path


def moodle_people(path: Path, people: list[tuple[str, str, str, str]], separator: str = ",") -> Path:
    """A table of participants: (first name, last name, ID number, address), every cell in quotes."""
    head = ["First name", "Last name", "ID number", "Email address", "Groups"]
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([head, *([*one, ""] for one in people)])
    path.write_text(text.getvalue())
    return path


def moodle_worksheet(path: Path, rows: list[tuple[int, str, str, str]]) -> Path:
    """An assignment's grading worksheet: (participant, full name, address, when)."""
    head = [
        "Identifier",
        "Full name",
        "Email address",
        "Status",
        "Grade",
        "Maximum Grade",
        "Last modified (submission)",
    ]
    text = io.StringIO()
    lines = [[f"Participant {number}", name, mail, "Submitted", "", "100.00", at] for number, name, mail, at in rows]
    csv.writer(text).writerows([head, *lines])
    path.write_text(text.getvalue())
    return path


def canvas_name(sortable: str, user: int, file: int, name: str, late: bool = False) -> str:
    """What Canvas calls a file of a submission."""
    return "_".join([canvas.flat(sortable), *(["LATE"] if late else []), str(user), str(file), name])


def archive(path: Path, files: dict[str, bytes | str]) -> Path:
    """A zip of files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path
