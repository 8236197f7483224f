"""Dates are read by the standards, or refused with a sentence; nothing is guessed."""

import os
from pathlib import Path

import pytest

from autograder.classroom import Classroom
from autograder.deadlines import NoDate, parse_due, parse_timestamp
from autograder.errors import ClassroomError
from autograder.grading import submissions


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-12-01 23:30:00 +0100", "2026-12-01 22:30:00"),
        ("2026-12-01 23:30:00 +01:00", "2026-12-01 22:30:00"),
        ("2026-12-01T23:30:00+01", "2026-12-01 22:30:00"),
        ("2026-12-01T23:30:00-0830", "2026-12-02 08:00:00"),
        ("2026-12-01T23:30:00Z", "2026-12-01 23:30:00"),
        ("2026-12-01t23:30:00.25z", "2026-12-01 23:30:00.250000"),
        ("20261201T233000Z", "2026-12-01 23:30:00"),
        ("2015-02-02 15:58:23.948203 America/Los_Angeles", "2015-02-02 23:58:23.948203"),
        ("2015-07-02 15:58:23.948203 America/Los_Angeles", "2015-07-02 22:58:23.948203"),
        ("2015-02-02 15:58:23.948203 UTC", "2015-02-02 15:58:23.948203"),
        ("Tue, 01 Dec 2026 23:30:00 +0100", "2026-12-01 22:30:00"),
        ("1 Dec 2026 23:30 GMT", "2026-12-01 23:30:00"),
        ("\ufeff2026-12-01 23:30:00 UTC\r\n", "2026-12-01 23:30:00"),
    ],
)
def test_what_the_standards_allow_is_read(text, utc):
    moment, said = parse_timestamp(text)
    assert (str(moment), said) == (utc, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-12-01 23:30:00 PST", "'PST' can mean several"),
        ("2026-12-01 23:30:00 EST", "'EST' can mean several"),
        ("2026-07-01 23:30:00 CET", "'CET' can mean several"),
        ("2026-12-01 23:30:00 JST", "'JST' can mean several"),
        ("2026-12-01 23:30:00 Mars/Base", "The time zone 'Mars/Base' is not known"),
        ("2026-12-01 23:30:00 +25:00", "There is no offset +25:00"),
        ("2026-12-01 23:30:00 +01:75", "There is no offset +01:75"),
        ("02.11.2026", "is not a date of ISO 8601"),
        ("11/02/2026 23:30", "is not a date of ISO 8601"),
        ("2026-12-01 23:30 UTC 2026-12-02 23:30 UTC", "is not a date of ISO 8601"),
        ("2026-12-01T23:30:00Z\n2026-12-02T23:30:00Z", "is not a date of ISO 8601"),
        ("2026-12-01", "has no time of day"),
        ("2026-02-30 12:00 UTC", "is no date"),
        ("2026-03-29 02:30 Europe/Vienna", "does not exist in Europe/Vienna"),
        ("Mon, 01 Dec 2026 23:30:00 +0100", "names a weekday that 2026-12-01 is not"),
        ("Tue, 01 Dec 2026 23:30:00 +2500", "an offset of a day or more"),
        ("Tue, 01 Dec 2026 23:30:00 PST", "is not a date of ISO 8601"),
        ("0001-01-01 00:00 +10:00", "is not a date of our time"),
        ("", "is not a date of ISO 8601"),
    ],
)
def test_everything_else_is_refused(text, why):
    with pytest.raises(NoDate) as caught:
        parse_timestamp(text)
    assert why in str(caught.value)


def test_what_is_read_with_a_remark_says_it():
    assert parse_timestamp("2026-12-01 23:30:00")[1].endswith("it is read as UTC, as nbgrader does.")
    moment, said = parse_timestamp("2026-10-25 02:30 Europe/Vienna")
    assert str(moment) == "2026-10-25 00:30:00" and "the earlier one counts" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-12-01 23:59 +25:00", "There is no offset +25:00"),
        ("2026-12-01 23:59", "has no time zone"),
        ("2026-12-01 23:59 PST", "can mean several"),
        ("2026-12-01 23:59 Europe/../../etc/passwd", "is not known"),
        ("2026-12-01 25:59 UTC", "is no date"),
        ("9999-12-31 23:59 -10:00", "is not a date of our time"),
        ("1 December", "cannot be read"),
    ],
)
def test_a_due_date_that_cannot_be_read_has_its_sentence(text, said):
    with pytest.raises(ClassroomError) as caught:
        parse_due(text)
    assert f"The due date {text!r}" in str(caught.value) and said in str(caught.value)
    assert str(caught.value).endswith('(or "+01:00" or "UTC" instead of the place).')


def test_nbgraders_own_reading_is_ours(tmp_path):
    """Formgrader's pages and nbgrader's autograde ask nbgrader; it took +0100 for 100 seconds, and JST for UTC."""
    course = Classroom.init(tmp_path / "room").api().coursedir
    path = tmp_path / "timestamp.txt"
    for text, utc in (("2026-12-01 23:30:00 +0100", "2026-12-01 22:30:00"), ("2026-12-01 23:30:00 JST", "None")):
        path.write_text(text)
        assert str(course.get_existing_timestamp(str(tmp_path))) == utc
    path.unlink()
    assert course.get_existing_timestamp(str(tmp_path)) is None


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "large"])
def test_a_timestamp_that_is_not_a_small_file_is_not_opened(tmp_path, kind):
    path: Path = tmp_path / "timestamp.txt"
    match kind:
        case "link":
            (tmp_path / "other").write_text("2026-12-01 23:30 UTC")
            path.symlink_to(tmp_path / "other")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "large":
            path.write_text("2026-12-01 23:30 UTC" + " " * 5000)
    with pytest.raises(NoDate, match="is not a small file of text"):
        submissions.timestamp(tmp_path)


def test_a_wide_encoding_is_read(tmp_path):
    (tmp_path / "timestamp.txt").write_bytes("2026-12-01 23:30 UTC\r\n".encode("utf-16"))
    assert submissions.timestamp(tmp_path) == "2026-12-01 23:30 UTC"
