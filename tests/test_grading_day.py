"""An instructor's days with one class: whatever is done, formgrader, table, feedback and exports say the same."""

import csv
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest
from nbgrader.plugins import CsvExportPlugin
from typer.testing import CliRunner

from autograder import grading
from autograder.classroom import Classroom
from autograder.cli import app
from autograder.export import ExerciseExport
from introdl import execute
from tests import classwork
from tests import small_class as small

ESSAY = "So that the edges count as much as the middle."


def run(room, *words):
    """Run a command in a classroom; return its exit status and what it says, in one line."""
    done = CliRunner().invoke(app, [*words, "--in", str(room.root)], env={"COLUMNS": "400"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, " ".join(done.output.split())


def with_late_policy(folder):
    """A small class that is due on 1 December; each started day costs a tenth, and half at most."""
    small.make(folder)
    path = folder / "classroom.toml"
    path.write_text(path.read_text() + "[late]\npercent_per_day = 10\nmost_percent = 50\n")
    room = Classroom.open(folder)
    from autograder.deadlines import parse_due

    with room.gradebook() as book:
        book.update_or_create_assignment(small.NAME, duedate=parse_due("2026-12-01 23:59 UTC"))
    return room


def hand_in(room, student, timestamp, essay=ESSAY):
    """Hand in everything right, with an essay."""
    notebook = small.solved()
    for cell in notebook.cells:
        if cell.id == "03-essay":
            cell.source = essay
    notebook = execute.without_stubs(notebook)
    folder = classwork.hand_in(room, student, small.NAME, notebook).parent
    if timestamp:
        (folder / "timestamp.txt").write_text(timestamp)
    return folder / f"{small.NAME}.ipynb"


class Formgrader:
    """A real server on a classroom."""

    def __init__(self, room):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        words = ["-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={self.port}"]
        words += ["--IdentityProvider.token=t", "--ServerApp.disable_check_xsrf=True", "--ServerApp.port_retries=0"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([sys.executable, *words], cwd=room.root, **quiet)

    def ask(self, path, body=None):
        """Ask formgrader's API; with a body, tell it something."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/formgrader/api/{path}", data, method="PUT" if data else "GET"
        )
        request.add_header("Authorization", "token t")
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read())
            except (ConnectionError, urllib.error.URLError) as error:
                if isinstance(error, urllib.error.HTTPError) or time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def end(self):
        """Stop the server."""
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A class of four."""
    room = with_late_policy(tmp_path_factory.mktemp("day") / "room")
    hand_in(room, "intime", "2026-12-01 23:30:00 +0100")
    hand_in(room, "late", "2026-12-08 12:00:00.5 UTC")
    hand_in(room, "odd", "2026-12-08 12:00 JST")
    hand_in(room, "undated", "")
    return room


@pytest.fixture(scope="module")
def formgrader(room):
    """Formgrader on that class."""
    server = Formgrader(room)
    yield server
    server.end()


def what_is_said(room, formgrader, student, to):
    """A student's score as it is told in each place."""
    listed = {one["student"]: one for one in formgrader.ask(f"submissions/{small.NAME}")}
    notebooks = {one["student"]: one for one in formgrader.ask(f"submitted_notebooks/{small.NAME}/{small.NAME}")}
    code, _ = run(room, "grade", "03", "--only", student, "--summary", str(to / "summary.json"))
    assert code in (0, 1)
    (table,) = json.loads((to / "summary.json").read_text())
    (page,) = grading.feedback(room, small.NAME, [student])
    assert run(room, "export", "--to", str(to / "grades.csv"), "--force")[0] == 0
    assert run(room, "export", "--format", "canvas", "--to", str(to / "canvas.csv"), "--force")[0] == 0
    rows = [row for row in csv.DictReader((to / "grades.csv").open()) if row["student"] == student]
    canvas = {row["SIS Login ID"]: row for row in csv.DictReader((to / "canvas.csv").open())}
    with room.gradebook() as book:
        stock = CsvExportPlugin()
        stock.to = str(to / "stock.csv")
        stock.export(book)
        ours = ExerciseExport(config=room.config(), parent=None)
        ours.to = str(to / "ours.csv")
        (to / "ours.csv").unlink(missing_ok=True)
        ours.export(book)
    by_nbgrader = {row["student_id"]: row for row in csv.DictReader((to / "stock.csv").open())}
    told = {
        "formgrader": listed[student]["score"],
        "formgrader, one student": formgrader.ask(f"submission/{small.NAME}/{student}")["score"],
        "formgrader, its notebook": notebooks[student]["score"],
        "formgrader, all assignments": formgrader.ask(f"student/{student}")["score"],
        "table": table["score"],
        "feedback": float(re.search(r'class="total"><strong>([\d.]+)</strong> of', page.read_text())[1]),
        "export": float(rows[0]["total"]),
        "export, added up": sum(float(row["score"]) for row in rows)
        - sum(float(row["late_penalty"] or 0) for row in rows),
        "nbgrader's export, our plug-in": float(
            next(row["total"] for row in csv.DictReader((to / "ours.csv").open()) if row["student"] == student)
        ),
        "nbgrader's export, its own plug-in": float(by_nbgrader[student]["score"]),
        "canvas": float(canvas[student][small.NAME] or "nan"),
    }
    return {place: round(score, 2) for place, score in told.items()}


def give(room, formgrader, student, score):
    """Grade the essay by hand in formgrader."""
    notebooks = formgrader.ask(f"submitted_notebooks/{small.NAME}/{small.NAME}")
    notebook = next(one["id"] for one in notebooks if one["student"] == student)
    grade = next(one for one in formgrader.ask(f"grades?submission_id={notebook}") if one["name"] == "03-essay")
    return formgrader.ask(f"grade/{grade['id']}", {"manual_score": score, "extra_credit": None})


def essay(room, student):
    """The essay's grade as the gradebook holds it."""
    with room.gradebook() as book:
        grade = book.find_grade("03-essay", small.NAME, small.NAME, student)
        return grade.manual_score, grade.needs_manual_grade


def test_an_instructors_days(room, formgrader, tmp_path):
    # The first evening: one date cannot be read, one is missing.
    code, said = run(room, "grade", "03")
    assert code == 1, "a date could not be read"
    assert (
        "timestamp.txt holds '2026-12-08 12:00 JST', which cannot be read. The time zone 'JST' can mean several" in said
    )
    assert "No timestamp.txt, so they count as in time: undated." in said
    with room.gradebook() as book:
        moments = {one.student.id: one.timestamp for one in book.find_assignment(small.NAME).submissions}
    assert str(moments["intime"]) == "2026-12-01 22:30:00" and moments["odd"] is None and moments["undated"] is None
    assert run(room, "grade", "03", "--only", "intime")[0] == 0

    (page,) = grading.feedback(room, small.NAME, ["late"])
    assert "<td>not graded yet</td>" in page.read_text()

    # By hand: 26 of 26 by code and 10 of 10 by hand, seven started days late.
    give(room, formgrader, "late", 10.0)
    give(room, formgrader, "intime", 10.0)
    told = what_is_said(room, formgrader, "late", tmp_path)
    assert set(told.values()) == {18.0}, told
    told = what_is_said(room, formgrader, "intime", tmp_path)
    assert set(told.values()) == {36.0}, told
    give(room, formgrader, "late", 4.0)
    told = what_is_said(room, formgrader, "late", tmp_path)
    assert set(told.values()) == {15.0}, told
    give(room, formgrader, "late", 9.77)
    told = what_is_said(room, formgrader, "late", tmp_path)
    (penalty,) = {row["late_penalty"] for row in csv.DictReader((tmp_path / "grades.csv").open()) if row["late_penalty"] not in ("", "0.0")}  # fmt: skip
    assert len(penalty.partition(".")[2]) <= 2 and len(set(told.values())) == 1, (penalty, told)
    (page,) = grading.feedback(room, small.NAME, ["late"])
    assert "not graded yet" not in page.read_text()
    give(room, formgrader, "late", 10.0)

    # Five more days: two started days late.
    assert run(room, "extend", "03", "late", "--days", "5")[0] == 0
    assert run(room, "grade", "03", "--only", "late")[0] == 0
    told = what_is_said(room, formgrader, "late", tmp_path)
    assert set(told.values()) == {28.8}, told

    # Grading again in any way leaves the essay closed.
    for words in (["grade", "03", "--only", "late", "--force"], ["regrade", "03", "-e", "03.pad", "--only", "late"]):
        assert run(room, *words)[0] == 0
        assert essay(room, "late") == (10.0, False), words
    told = what_is_said(room, formgrader, "late", tmp_path)
    assert set(told.values()) == {28.8}, told

    # A resubmission that cannot be read, and one that vanishes: the grade, its notebook and its feedback stand.
    path = room.root / "submitted" / "late" / small.NAME / f"{small.NAME}.ipynb"
    done = room.root / "autograded" / "late" / small.NAME / f"{small.NAME}.ipynb"
    whole, graded = path.read_bytes(), done.read_bytes()
    path.write_text('{"cells": [')
    (path.parent / "timestamp.txt").write_text("2026-12-09 12:00 UTC")
    for _ in range(2):
        code, said = run(room, "grade", "03", "--only", "late")
        assert code == 1 and "The grade of the submission before stands." in said
    assert done.read_bytes() == graded and essay(room, "late") == (10.0, False)
    told = what_is_said(room, formgrader, "late", tmp_path)
    assert set(told.values()) == {28.8}, told
    (page,) = grading.feedback(room, small.NAME, ["late"])
    assert "Your last submission could not be graded:" in page.read_text()
    away = shutil.move(path.parent, tmp_path / "away")
    code, said = run(room, "grade", "03")
    row = said.split("│ late ")[1].split("│ odd")[0]
    assert code == 1 and "failed" in row and "The grade of the submission before stands." in row
    assert done.read_bytes() == graded
    shutil.move(away, path.parent)
    path.write_bytes(whole)
    (path.parent / "timestamp.txt").write_text("2026-12-08 12:00:00.5 UTC")
    assert run(room, "grade", "03", "--only", "late")[0] == 0
    (page,) = grading.feedback(room, small.NAME, ["late"])
    assert "could not be graded" not in page.read_text()

    # Another essay opens its grade again; until there is a new one, the old one counts and is exported.
    hand_in(room, "late", "2026-12-08 12:00:00.5 UTC", essay="Another essay.")
    code, said = run(room, "grade", "03", "--only", "late")
    assert code == 0 and "03-essay has changed since you graded it" in said
    assert essay(room, "late") == (10.0, True)
    told = what_is_said(room, formgrader, "late", tmp_path)
    assert set(told.values()) == {28.8}, told
    give(room, formgrader, "late", 0.0)
    assert "has changed since" not in run(room, "grade", "03", "--only", "late")[1]
    told = what_is_said(room, formgrader, "late", tmp_path)
    assert set(told.values()) == {20.8}, told


def test_nbgraders_own_autograde_keeps_what_a_person_gave_and_what_stands(tmp_path):
    """It is what formgrader's button runs."""
    room = with_late_policy(tmp_path / "room")
    path = hand_in(room, "ada", "2026-12-08 12:00 +0000")
    assert room.api().autograde(small.NAME, "ada", force=True)["success"]
    with room.gradebook() as book:
        grade = book.find_grade("03-essay", small.NAME, small.NAME, "ada")
        grade.manual_score, grade.needs_manual_grade = 10.0, False
        book.db.commit()
        assert book.find_submission(small.NAME, "ada").late_submission_penalty == 18
    assert room.api().autograde(small.NAME, "ada", force=True)["success"]
    assert essay(room, "ada") == (10.0, False)
    done = room.root / "autograded" / "ada" / small.NAME / f"{small.NAME}.ipynb"
    graded = nbformat.read(done, as_version=4)
    whole = path.read_bytes()
    path.write_text("{")
    room.api().autograde(small.NAME, "ada", force=True)
    assert nbformat.read(done, as_version=4) == graded and essay(room, "ada") == (10.0, False)
    path.rename(path.with_name("another.ipynb"))
    room.api().autograde(small.NAME, "ada", force=True)
    assert nbformat.read(done, as_version=4) == graded
    path.with_name("another.ipynb").unlink()
    path.write_bytes(whole)
    hand_in(room, "ada", "2026-12-08 12:00 +0000", essay="Another essay.")
    assert room.api().autograde(small.NAME, "ada", force=True)["success"]
    assert essay(room, "ada") == (10.0, True)
    with room.gradebook() as book:
        assert book.find_submission(small.NAME, "ada").late_submission_penalty == 18
