"""Exports: totals, each penalty once, the course's order, nothing that a spreadsheet runs, no file lost."""

import csv
import sqlite3

import pytest
from typer.testing import CliRunner

from autograder import deadlines, grading
from autograder.classroom import Classroom
from autograder.cli import app
from autograder.export import export
from autograder.plain_text import spreadsheet_cell
from tests import small_class as small


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """One in time, one two started days late, one who is known and handed in nothing."""
    folder = tmp_path_factory.mktemp("export") / "room"
    small.make(folder)
    path = folder / "classroom.toml"
    path.write_text(path.read_text() + "[late]\npercent_per_day = 10\n")
    room = Classroom.open(folder)
    with room.gradebook() as book:
        book.update_or_create_assignment(small.NAME, duedate=deadlines.parse_due("2026-12-01 23:59 UTC"))
        book.add_student("nothing")
    answers = {id: small.RIGHT[id][0] for id in ("03.output_size", "03.pad")}
    small.hand_in(room, "ada", answers, timestamp="2026-12-01 12:00 UTC")
    small.hand_in(room, "grace", answers, "An essay.", timestamp="2026-12-03 12:00 UTC")
    grading.grade(room, small.NAME, [], count=1)
    return room


def rows_of(path, student):
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["student"] == student]


def test_a_table_has_totals_each_penalty_once_and_the_courses_order(room, tmp_path):
    export(room, tmp_path / "grades.csv")
    ada, grace, nothing = (rows_of(tmp_path / "grades.csv", name) for name in ("ada", "grace", "nothing"))
    for rows in (ada, grace, nothing):
        assert [row["exercise"] for row in rows] == ["03.output_size", "03.pad", "03.quiz", "03-essay"]
        assert [row["points"] for row in rows] == ["8.0", "8.0", "10.0", "10.0"]
    assert [row["total"] for row in ada] == ["16.0", "", "", ""]
    assert [row["late_penalty"] for row in grace] == ["3.2", "", "", ""]
    assert grace[0]["total"] == "" and grace[3]["open"] == "yes", "half of a score is not a total"
    assert nothing[0]["total"] == "0.0" and nothing[0]["submitted"] == ""


def test_a_penalty_follows_a_score_that_was_changed_without_nbgrader(room, tmp_path):
    db = sqlite3.connect(room.root / "gradebook.db")
    with db:
        db.execute("UPDATE grade SET manual_score = 10, needs_manual_grade = 0 WHERE needs_manual_grade = 1")
    db.close()
    export(room, tmp_path / "grades.csv")
    (first, *_) = rows_of(tmp_path / "grades.csv", "grace")
    assert (first["late_penalty"], first["total"]) == ("5.2", "20.8")
    (seen,) = [one for one in grading.grade(room, small.NAME, []) if one.student == "grace"]
    assert (seen.score, seen.penalty, seen.state) == (20.8, 5.2, "unchanged")


def test_a_file_that_is_there_stays_as_it_is(room, tmp_path):
    path = tmp_path / "grades.csv"
    path.write_text("my own notes")
    words = ["export", "--in", str(room.root), "--to", str(path)]
    for number in (2, 3):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0 and "is there already and was not changed (--force overwrites it)." in done.output
        assert (tmp_path / f"grades-{number}.csv").read_text().startswith("assignment,student")
    assert path.read_text() == "my own notes"
    assert CliRunner().invoke(app, [*words, "--force"]).exit_code == 0
    assert path.read_text().startswith("assignment,student")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
@pytest.mark.parametrize("form", ["csv", "canvas", "moodle"])
def test_no_cell_is_a_formula(room, tmp_path, start, form):
    evil = f"{start}HYPERLINK(1)"
    with room.gradebook() as book:
        book.update_or_create_student(evil, first_name=evil, last_name=evil, email=evil)
    try:
        export(room, tmp_path / "grades.csv", form)
    finally:
        with room.gradebook() as book:
            book.remove_student(evil)
    with (tmp_path / "grades.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    # a carriage return is shown as U+FFFD, as in everything that is printed
    wanted = "\ufffdHYPERLINK(1)" if start == "\r" else f"'{evil}"
    assert wanted in cells and not any(cell.startswith(start) and cell != "-" for cell in cells)


def test_numbers_and_moodles_dash_stay_as_they_are():
    assert spreadsheet_cell("    Points Possible") == "    Points Possible" and spreadsheet_cell("  =1") == "'  =1"
    assert [spreadsheet_cell(one) for one in (-1.5, "-", "03.pad", "=1")] == [-1.5, "-", "03.pad", "'=1"]
