"""Grading many: the same outcome side by side, after kills and on resuming; late, again, and for other systems."""

import contextlib
import csv
import dataclasses
import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder import deadlines, grading
from autograder.classroom import Classroom
from autograder.cli import app
from autograder.errors import ClassroomError
from autograder.examining import audit
from autograder.export import export
from autograder.grading import fingerprint, hidden_cases, lock, pool, regrade, run, submissions
from autograder.grading import job as jobs
from introdl import paths
from introdl.checking import sheets
from introdl.checking.packing import Other
from tests import small_class as small

GRADE = "from autograder.cli import app; app()"


def start(room, *words, **kwargs):
    """Start ``autograder grade`` in a process of its own."""
    command = [sys.executable, "-c", GRADE, "grade", "03", "--in", str(room.root), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs)


def finish(room, *words):
    process = start(room, *words)
    output, _ = process.communicate(timeout=600)
    return process.returncode, output


def verdict_count(room):
    return len(list((room.root / ".graded" / small.NAME / "verdicts").glob("[!.]*.json")))


def examiners_of(pid):
    """The processes that examine for a run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            facts = path.read_text().rsplit(")", 1)[1].split()
            if int(facts[1]) == pid and "multiprocessing.spawn" in (path.parent / "cmdline").read_text():
                found.append(int(path.parent.name))
    return found


def wait_for(condition, process, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def by_hand(room):
    """What an instructor did by hand."""
    with room.gradebook() as book:
        grade = book.find_grade("03-essay", small.NAME, small.NAME, "s01")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 7.0, 1.0, False
        book.find_grade("check-03-pad", small.NAME, small.NAME, "s02").manual_score = 3.0
        book.find_comment("03-essay", small.NAME, small.NAME, "s01").manual_comment = "Well argued."
        book.find_submission_notebook(small.NAME, small.NAME, "s01").flagged = True
        book.db.commit()


COUNT = 6


@pytest.fixture(scope="module")
def half_way(tmp_path_factory):
    """A class graded in part, then graded by hand, and handed in anew; two never change."""
    room = small.make(tmp_path_factory.mktemp("half") / "room")
    small.fill(room, COUNT)
    grading.grade(room, small.NAME, ["s00", "s01", "s02", "s03"], count=1)
    by_hand(room)
    small.hand_in(room, "s01", {"03.output_size": small.WRONG["03.output_size"]}, "Another answer.")
    small.hand_in(room, "s02", {"03.pad": small.WRONG["03.pad"]})
    (room.root / "submitted" / "nothing" / small.NAME).mkdir(parents=True)
    return room


@pytest.fixture(scope="module")
def undisturbed(half_way, tmp_path_factory):
    """The same class, graded by one process in one go."""
    room = small.copy_of(half_way, tmp_path_factory.mktemp("whole") / "room")
    grading.grade(room, small.NAME, [], count=1)
    return room


def test_side_by_side_is_as_one_after_the_other(half_way, undisturbed, tmp_path):
    room = small.copy_of(half_way, tmp_path / "room")
    results = {one.student: one for one in grading.grade(room, small.NAME, [], count=2)}
    earned, points = results["s04"].exercises["03.output_size"]
    assert results["s04"].state == "graded" and earned == points > 0
    assert results["s03"].state == "unchanged" and results["nothing"].state == "missing"
    assert small.meaning(room) == small.meaning(undisturbed)


def test_killed_at_any_moment_nothing_is_lost(half_way, undisturbed, tmp_path):
    room = small.copy_of(half_way, tmp_path / "room")
    chance = random.Random(20261201)
    for whom in ("writer", "worker", "writer", "writer"):
        process = start(room, "--jobs", "2", start_new_session=True)
        goal = verdict_count(room) + chance.randint(0, 1)
        wait_for(lambda: verdict_count(room) >= goal and examiners_of(process.pid), process, 60)  # noqa: B023
        time.sleep(chance.uniform(0.0, 0.4))
        if whom == "writer":
            process.kill()
        else:
            for pid in examiners_of(process.pid)[:1]:
                os.kill(pid, signal.SIGKILL)
        output, _ = process.communicate(timeout=600)
        assert whom == "writer" or process.returncode == 0, output
    code, output = finish(room, "--jobs", "2")
    assert code == 0, output
    assert small.meaning(room) == small.meaning(undisturbed)
    code, output = finish(room)
    assert code == 0 and f"{COUNT} unchanged" in output
    assert not list((room.root / ".graded" / small.NAME).rglob(".*"))


@pytest.fixture(scope="module")
def handed_in_anew(tmp_path_factory):
    """One student, graded, graded by hand too, and handed in anew."""
    room = small.make(tmp_path_factory.mktemp("anew") / "room")
    small.hand_in(room, "s01", {"03.output_size": small.RIGHT["03.output_size"][0]}, "Words.")
    grading.grade(room, small.NAME, [], count=1)
    by_hand_of_one(room)
    small.hand_in(room, "s01", {"03.pad": small.RIGHT["03.pad"][0]}, "Other words.")
    return room


def test_killed_inside_a_write_the_next_run_mends_it(handed_in_anew, tmp_path, monkeypatch):
    """The writer ends, as if killed, just before each of the commits and renames that a submission takes."""
    from sqlalchemy.orm import Session

    class Killed(BaseException):
        pass

    def killed_before_step(at):
        left = [at]

        def dying(method):
            def step(*args):
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return method(*args)

            return step

        with monkeypatch.context() as patch:
            patch.setattr(Session, "commit", dying(Session.commit))
            patch.setattr(Path, "rename", dying(Path.rename))
            with contextlib.suppress(Killed, grading.Stopped, ClassroomError, KeyboardInterrupt):
                grading.grade(room, small.NAME, [], count=1)
        return left[0] < 0

    at = 0
    while True:
        room = small.copy_of(handed_in_anew, tmp_path / f"room{at}")
        if not killed_before_step(at):
            break
        graded = room.root / "autograded" / "s01"
        (graded / ".writing-killed").mkdir()  # what a process that was killed leaves
        assert grading.grade(room, small.NAME, [], count=1)[0].state == "graded"
        assert [path.name for path in graded.iterdir()] == [small.NAME]
        with room.gradebook() as book:
            grades = {g.name: g for g in book.find_submission(small.NAME, "s01").notebooks[0].grades}
            assert grades["check-03-output_size"].auto_score == 0 and grades["check-03-pad"].auto_score == 8
            assert grades["03-essay"].manual_score == 7.0 and grades["03-essay"].score == 8.0
            assert book.find_comment("03-essay", small.NAME, small.NAME, "s01").manual_comment == "Well argued."
        at += 1
    assert at >= 3


def by_hand_of_one(room):
    with room.gradebook() as book:
        grade = book.find_grade("03-essay", small.NAME, small.NAME, "s01")
        grade.manual_score, grade.extra_credit = 7.0, 1.0
        book.find_comment("03-essay", small.NAME, small.NAME, "s01").manual_comment = "Well argued."
        book.db.commit()


def test_ctrl_c_stops_with_a_sentence_and_the_next_run_goes_on(tmp_path):
    room = small.make(tmp_path / "room")
    small.fill(room, 4)
    process = start(room, "--jobs", "2")
    wait_for(lambda: verdict_count(room) >= 1, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "are graded and kept. Run the same command again to go on." in output and "Traceback" not in output
    code, output = finish(room, "--jobs", "2")
    assert code == 0 and "graded" in output and "failed" not in output
    states = [one.state for one in grading.grade(room, small.NAME, [], count=1)]
    assert states == ["unchanged"] * 4


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class of four, graded."""
    room = small.make(tmp_path_factory.mktemp("graded") / "room")
    small.fill(room, 4)
    grading.grade(room, small.NAME, [], count=1)
    return room


def test_only_what_changed_is_run_again(graded, monkeypatch):
    ran = []
    really = jobs.run
    monkeypatch.setattr(jobs, "run", lambda job: ran.append(job) or really(job))
    assert {one.state for one in grading.grade(graded, small.NAME, [])} == {"unchanged"} and not ran
    small.hand_in(graded, "s03", {"03.pad": small.RIGHT["03.pad"][0]})
    states = {one.student: one.state for one in grading.grade(graded, small.NAME, [], count=1)}
    assert states == {"s00": "unchanged", "s01": "unchanged", "s02": "unchanged", "s03": "graded"} and len(ran) == 1
    essay = small.hand_in(graded, "s03", {"03.pad": small.RIGHT["03.pad"][0]}, "Words alone.")
    assert grading.grade(graded, small.NAME, ["s03"])[0].state == "graded" and len(ran) == 1
    (essay / "helper.py").write_text("x = 1")
    assert grading.grade(graded, small.NAME, ["s03"])[0].state == "graded" and len(ran) == 2
    assert grading.grade(graded, small.NAME, ["s03"], force=True)[0].state == "graded" and len(ran) == 3


def test_a_gradebook_from_a_backup_is_brought_up_to_date(graded):
    with graded.gradebook() as book:
        before = book.find_grade("check-03-pad", small.NAME, small.NAME, "s01").auto_score
        book.find_grade("check-03-pad", small.NAME, small.NAME, "s01").auto_score = 1.0
        book.db.commit()
    states = {one.student: one.state for one in grading.grade(graded, small.NAME, [])}
    assert states["s01"] == "graded" and states["s00"] == "unchanged"
    with graded.gradebook() as book:
        assert book.find_grade("check-03-pad", small.NAME, small.NAME, "s01").auto_score == before == 8.0


def test_the_second_of_two_at_once_says_so_and_stops(graded):
    with lock.hold(graded, "grade 03_convolution"):
        code, output = finish(graded)
        assert code == 1 and f"(process {os.getpid()} on " in output and "works in this classroom" in output
        with pytest.raises(ClassroomError, match="works in this classroom"):
            grading.grade(graded, small.NAME, [])
    assert grading.grade(graded, small.NAME, ["s00"])[0].state == "unchanged"


def test_a_dead_process_does_not_hold_the_lock(graded):
    code = f"""
import os, pathlib
from autograder.classroom import Classroom
from autograder.grading import lock
with lock.hold(Classroom.open(pathlib.Path({str(graded.root)!r})), "grade"):
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert grading.grade(graded, small.NAME, ["s00"])[0].state == "unchanged"


def die_of_it():
    print("no more", file=sys.stderr, flush=True)
    os._exit(3)


class Deadly(jobs.Job):
    """Kills the process that it is sent to."""

    def __reduce__(self):
        return die_of_it, ()


def test_a_job_that_kills_its_process_is_given_up_and_the_rest_goes_on():
    """A process that dies three times over one job, and does the others."""
    work = {"a": Deadly(b"", {}, b"", {}), "b": jobs.Job(b"", {}, b"", {}), "c": jobs.Job(b"", {}, b"", {})}
    answers = dict(pool.answers(lambda: pool.Processes(2), work.items()))
    assert answers["a"].error == "the process that examined it ended 3 times. Its last words: no more"
    assert answers["b"] == answers["c"] and answers["b"].error.startswith("JSONDecodeError")


def test_a_job_that_does_not_come_back_is_given_up_and_its_process_ended(monkeypatch):
    class Endless(jobs.Job):
        def __reduce__(self):
            return time.sleep, (600,)

    monkeypatch.setattr(pool, "ATTEMPTS", 1)
    one = pool.ExaminingProcess()
    one._started()
    pid = one._pid
    assert "ended 1 times" in one.run(Endless(b"", {}, b"", {"notebook": -100.0 + 1 / 3})).error
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()
    one.end()


def test_to_give_a_large_job_waits_for_nothing():
    """It used to wait until the process had come up, and the gradebook with it."""
    place = pool.Processes(1)
    begun = time.monotonic()
    future = place.submit(jobs.Job(b"", {"large": bytes(20_000_000)}, b"", {}))
    assert time.monotonic() - begun < 0.2 and not future.done()
    assert future.result(120).error
    place.close()


def test_what_could_not_be_graded_keeps_its_grade(graded, monkeypatch):
    def broken(job):
        raise RuntimeError("no memory for this")

    before = small.meaning(graded)
    monkeypatch.setattr(jobs, "run", broken)
    result = grading.grade(graded, small.NAME, ["s00"], force=True, count=1)[0]
    assert (result.state, result.note) == ("failed", "Not graded: RuntimeError: no memory for this.")
    assert result.score == 16 and small.meaning(graded) == before
    outcome = CliRunner().invoke(app, ["grade", "03", "--in", str(graded.root), "--only", "s00", "--force", "-j", "1"])
    assert outcome.exit_code == 1 and "1 failed" in outcome.output


def test_a_link_in_a_submission_is_not_followed(graded):
    folder = small.hand_in(graded, "linked", {"03.output_size": "print(open('data.txt').read())"})
    (folder / "data.txt").symlink_to(graded.root / "classroom.toml")
    (folder / "all").symlink_to(graded.root)
    (folder / "own.txt").write_text("mine")
    submission = submissions.read(graded, "linked", small.NAME)
    assert submission.files == {"own.txt": b"mine"}
    assert grading.grade(graded, small.NAME, ["linked"])[0].state == "graded"
    done = graded.root / "autograded" / "linked" / small.NAME / f"{small.NAME}.ipynb"
    assert graded.seed not in done.read_text() and "FileNotFoundError" in done.read_text()
    seen = [one.text for one in audit.read(graded.root, small.NAME)["linked"] if one.kind == "link in the submission"]
    assert seen == ["all", "data.txt"]
    folder_of_notebook = small.hand_in(graded, "notebook-linked", {})
    path = folder_of_notebook / f"{small.NAME}.ipynb"
    path.unlink()
    path.symlink_to(graded.root / "source" / small.NAME / path.name)
    result = grading.grade(graded, small.NAME, ["notebook-linked"])[0]
    assert (result.state, result.note, result.score) == ("unreadable", "It is a link to another file.", 0)


@pytest.mark.parametrize("damage", ['{"cells": [', None], ids=["unreadable", "gone"])
def test_a_resubmission_that_cannot_be_read_keeps_the_grade_and_says_so(graded, damage):
    right = {"03.pad": small.RIGHT["03.pad"][0]}
    path = small.hand_in(graded, f"again-{damage is None}", right) / f"{small.NAME}.ipynb"
    student = path.parent.parent.name
    assert grading.grade(graded, small.NAME, [student])[0].score == 8
    whole = path.read_bytes()
    path.unlink() if damage is None else path.write_text(damage)
    for _ in range(2):
        result = grading.grade(graded, small.NAME, [student])[0]
        assert (result.state, result.score) == ("failed", 8)
        assert result.note.endswith("The grade of the submission before stands.")
    said = CliRunner().invoke(app, ["grade", "03", "--in", str(graded.root), "--only", student])
    assert said.exit_code == 1
    path.write_bytes(whole)
    assert grading.grade(graded, small.NAME, [student])[0].state in ("graded", "unchanged")


def test_a_summary_is_written_where_asked(graded, tmp_path):
    words = ["grade", "03", "--in", str(graded.root), "--only", "s00", "--only", "s01", "--summary"]
    assert CliRunner().invoke(app, [*words, str(tmp_path / "s.json")]).exit_code == 0
    assert CliRunner().invoke(app, [*words, str(tmp_path / "s.csv")]).exit_code == 0
    told = json.loads((tmp_path / "s.json").read_text())
    assert [(one["student"], one["score"]) for one in told] == [("s00", 16.0), ("s01", 16.0)]
    rows = list(csv.DictReader((tmp_path / "s.csv").open()))
    assert [row["03.output_size"] for row in rows] == ["8.0", "8.0"]


# --- wrong input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grade", "03", "--only", "nobody"], "There is no submission of 03_convolution by nobody."),
        (["grade", "77"], "This classroom has no assignment '77'. It has: 03_convolution."),
        (["grade", "03", "--force", "--dask", "tcp://127.0.0.1:9"], "No Dask scheduler answers at tcp://127.0.0.1:9."),
        (["grade", "03", "--force", "--dask", "nonsense://x"], "No Dask scheduler answers at nonsense://x."),
        (["assign", "03", "--due", "tomorrow"], "The due date 'tomorrow' cannot be read."),
        (["assign", "03", "--due", "2026-12-01 23:59"], "has no time zone"),
        (["assign", "03", "--due", "2026-02-30 23:59 UTC"], "is no date"),
        (["assign", "03", "--due", "2026-12-01 23:59 Mars/Base"], "The time zone 'Mars/Base' is not known."),
        (["assign", "03", "--due", "2027-03-28 02:30 Europe/Vienna"], "does not exist in Europe/Vienna"),
        (["extend", "03", "s00", "--days", "1"], "03_convolution has no due date."),
        (["extend", "03", "s00", "--days", "-1"], "An extension cannot be negative."),
        (["regrade", "03", "-e", "03.nothing"], "has no exercise '03.nothing'. It has: 03.output_size"),
        (["export", "--format", "excel"], "--format is 'excel'; it should be csv, canvas, moodle."),
        (["export", "--to", "/proc/nothing/x.csv"], "is not an ordinary file"),
    ],
)
def test_wrong_input_has_its_sentence(graded, words, said):
    result = CliRunner().invoke(app, [*words, "--in", str(graded.root)])
    assert result.exit_code == 1 and said in " ".join(result.output.split()), result.output
    assert "Traceback" not in result.output


def test_a_locked_gradebook_has_its_sentence_and_nothing_is_lost(graded, monkeypatch):
    other = sqlite3.connect(graded.root / "gradebook.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        result = CliRunner().invoke(app, ["grade", "03", "--in", str(graded.root), "--only", "s00", "--force", "-j1"])
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert result.exit_code == 1 and "is locked by another program" in " ".join(result.output.split()), result.output
    assert grading.grade(graded, small.NAME, ["s00"])[0].score == 16


def test_a_full_disk_has_its_sentence(graded, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    before = small.meaning(graded)
    with monkeypatch.context() as patch:
        patch.setattr(paths, "write_atomically", full)
        patch.setattr(lock.paths, "write_atomically", full)
        result = CliRunner().invoke(app, ["grade", "03", "--in", str(graded.root), "--only", "s01", "--force", "-j1"])
    assert result.exit_code == 1 and "The disk is full. Make room" in result.output, result.output
    assert small.meaning(graded) == before
    assert grading.grade(graded, small.NAME, ["s01"])[0].score == 16


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[late]\npercent_per_day = 'ten'", "percent_per_day is 'ten'; it should be a number from 0 to 100"),
        ("[late]\npercent = 10", "[late] has 'percent'; it may hold percent_per_day, most_percent, grace_minutes."),
        ("late = 3", "[late] should be a table"),
    ],
)
def test_a_wrong_late_policy_has_its_sentence(tmp_path, line, said):
    room = Classroom.init(tmp_path / "room")
    path = room.root / "classroom.toml"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ClassroomError) as caught:
        Classroom.open(room.root)
    assert said in str(caught.value)


# --- late -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-12-01 23:59 Europe/Vienna", "2026-12-01 22:59:00"),
        ("2026-07-01 23:59 Europe/Vienna", "2026-07-01 21:59:00"),
        ("2026-12-01T23:59:30 UTC", "2026-12-01 23:59:30"),
        ("2026-12-01 23:59 +05:30", "2026-12-01 18:29:00"),
        ("2026-12-01 08:00 America/New_York", "2026-12-01 13:00:00"),
        ("2026-12-01 UTC", "2026-12-01 23:59:59"),
        ("2026-10-25 02:30 Europe/Vienna", "2026-10-25 01:30:00"),
    ],
)
def test_due_dates_are_read_with_their_zone(text, utc):
    assert str(deadlines.parse_due(text)) == utc


def test_lateness_costs_by_the_day_begun(tmp_path):
    folder = tmp_path / "room"
    room = small.make(folder)
    path = folder / "classroom.toml"
    path.write_text(path.read_text() + "[late]\npercent_per_day = 10\nmost_percent = 35\ngrace_minutes = 15\n")
    room = Classroom.open(folder)
    with room.gradebook() as book:
        book.update_or_create_assignment(small.NAME, duedate=deadlines.parse_due("2026-12-01 23:59 Europe/Vienna"))
    answers = {id: small.RIGHT[id][0] for id in ("03.output_size", "03.pad")}
    times = {
        "intime": "2026-12-01 22:58:59 UTC",
        "grace": "2026-12-01 23:14:00 UTC",
        "minutes": "2026-12-01 23:14:01 UTC",
        "days": "2026-12-03 23:30:00 UTC",
        "weeks": "2026-12-24 12:00:00 UTC",
        "local": "2026-12-02 00:30:00 +0100",
        "broken": "yesterday",
        "none": "",
    }
    for student, at in times.items():
        small.hand_in(room, student, answers, timestamp=at)
    results = {one.student: one for one in grading.grade(room, small.NAME, [], count=1)}
    costs = {student: round(one.penalty, 6) for student, one in results.items()}
    wanted = {"intime": 0, "grace": 0, "minutes": 1.6, "days": 4.8, "weeks": 5.6, "local": 1.6, "broken": 0, "none": 0}
    assert costs == wanted
    assert results["days"].score == pytest.approx(11.2) and results["days"].seconds_late == 2 * 86400 + 31 * 60
    assert results["broken"].note == (
        "Its lateness could not be read: timestamp.txt holds 'yesterday', which is not a date of ISO 8601, RFC 3339 or "
        "RFC 2822. It counts as in time until that is mended."
    )
    assert [student for student, one in results.items() if one.needs_look] == ["broken"]
    assert (results["none"].note, results["none"].undated) == ("", "missing")

    for student, text in (
        ("minutes", ""),
        ("weeks", "some day"),
    ):  # what is not there, or no date, is no lateness either
        small.hand_in(room, student, answers, timestamp=text)
        if not text:
            (folder / "submitted" / student / small.NAME / "timestamp.txt").unlink()
        (mended,) = grading.grade(room, small.NAME, [student], count=1)
        assert (mended.penalty, mended.seconds_late, mended.score) == (0, 0, 16)
        small.hand_in(room, student, answers, timestamp=times[student])
    grading.grade(room, small.NAME, [], count=1)

    said = CliRunner().invoke(app, ["extend", "03", "days", "--days", "2", "--in", str(folder)])
    assert said.exit_code == 0, said.output
    again = {one.student: one for one in grading.grade(room, small.NAME, [], count=1)}
    assert (again["days"].state, round(again["days"].penalty, 6)) == ("graded", 1.6)
    assert {one.state for student, one in again.items() if student != "days"} == {"unchanged"}
    shown = CliRunner().invoke(app, ["grade", "03", "--in", str(folder)], env={"COLUMNS": "250"}).output
    assert "22 d 13 h late (-5.6)" in shown

    count = export(room, tmp_path / "canvas.csv", "canvas").rows
    rows = list(csv.reader((tmp_path / "canvas.csv").open()))
    assert count == len(times) and rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", small.NAME]
    assert rows[1] == ["    Points Possible", "", "", "", "", "36.0"]
    totals = {row[3]: row[5] for row in rows[2:]}
    assert totals["weeks"] == "10.4" and totals["intime"] == "16.0"


def test_exports_leave_out_what_waits_for_a_person(graded, tmp_path):
    with graded.gradebook() as book:
        book.update_or_create_student("s00", first_name="Ada", last_name="=Love", email="ada@example.org")
        open_ones = {s.student.id for s in book.find_assignment(small.NAME).submissions if s.needs_manual_grade}
    assert export(graded, tmp_path / "moodle.csv", "moodle", [small.NAME]).rows >= 4
    rows = list(csv.reader((tmp_path / "moodle.csv").open()))
    head = ["First name", "Last name", "Username", "ID number", "Email address", f"Assignment: {small.NAME} (Real)"]
    assert rows[0] == head
    found = {row[2]: row for row in rows[1:]}
    assert found["s00"][:2] == ["Ada", "'=Love"] and found["s00"][4] == "ada@example.org"
    assert "s01" in open_ones and found["s01"][5] == "-" and "s00" not in open_ones and found["s00"][5] == "16.0"


# --- again ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def mended(tmp_path, monkeypatch):
    """A class graded while an exercise expected a wrong answer in its first case, and another did, too."""
    room = small.make(tmp_path / "room")
    small.fill(room, 4)
    small.hand_in(room, "s03", {"03.output_size": "def output_size(n, kernel, stride=1, padding=0):\n    return -1"})
    real = hidden_cases.of_class

    def broken(*given):
        entries = dict(hidden_cases.read(real(*given)))
        for exercise, wrong in (("03.output_size", -1), ("03.pad", Other("nothing"))):
            first, *others = entries[exercise].cases
            cases = [dataclasses.replace(first, expected=wrong), *others]
            entries[exercise] = dataclasses.replace(entries[exercise], cases=cases)
        return sheets.as_bytes("03", list(entries.values()))

    with monkeypatch.context() as patch:
        patch.setattr(hidden_cases, "of_class", broken)
        grading.grade(room, small.NAME, [], count=1)
    by_hand(room)
    with room.gradebook() as book:
        book.find_grade("check-03-output_size", small.NAME, small.NAME, "s02").manual_score = 5.0
        book.db.commit()
    return room


def test_a_mended_exercise_moves_its_own_scores_alone(mended, tmp_path):
    def held():
        with mended.gradebook() as book:
            return {
                (s.student.id, g.name): (g.auto_score, g.manual_score, g.extra_credit)
                for s in book.find_assignment(small.NAME).submissions
                for n in s.notebooks
                for g in n.grades
            }

    before = held()
    assert before["s00", "check-03-output_size"][0] < 8 and before["s00", "check-03-pad"][0] < 8
    dry = regrade.regrade(mended, small.NAME, ["03.output_size"], [], dry_run=True, count=1)
    assert held() == before
    out = tmp_path / "changes.csv"
    words = ["regrade", "03", "-e", "03.output_size", "--in", str(mended.root), "--to", str(out), "-j", "1"]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "250"})
    assert result.exit_code == 0, result.output
    after = held()
    assert {key for key in after if after[key] != before[key]} == {
        (student, "check-03-output_size") for student in ("s00", "s01", "s02", "s03")
    }
    assert after["s00", "check-03-output_size"][0] == 8 and after["s03", "check-03-output_size"][0] == 0
    assert after["s02", "check-03-output_size"][1] == 5.0
    rows = {row["student"]: row for row in csv.DictReader(out.open())}
    for change in dry:
        row = rows[change.student]
        assert (float(row["before"]), float(row["after"])) == (change.before, change.after)
    assert "4 of 4 scores changed: 3 up, 1 down." in " ".join(result.output.split())
    assert "A person gave 5, and that stands." in " ".join(result.output.split())
    path = mended.root / "autograded" / "s00" / small.NAME / f"{small.NAME}.ipynb"
    cells = {cell.id: cell for cell in nbformat.read(path, 4).cells}
    assert float(cells["check-03-output_size"].outputs[0]["data"]["text/plain"]) == 8.0
    assert float(cells["check-03-pad"].outputs[0]["data"]["text/plain"]) < 8.0
    assert "Other exercises have changed as well: 03.pad (for 2 students)." in " ".join(result.output.split())
    states = {one.student: one.state for one in grading.grade(mended, small.NAME, [], count=1)}
    assert states == {"s00": "graded", "s01": "graded", "s02": "unchanged", "s03": "unchanged"}
    assert held()["s00", "check-03-pad"][0] == held()["s01", "check-03-pad"][0] == 8
    assert {one.state for one in grading.grade(mended, small.NAME, [])} == {"unchanged"}
    again = regrade.regrade(mended, small.NAME, ["03.output_size"], [], count=1)
    assert not any(change.moved for change in again)


def test_what_was_handed_in_anew_is_not_regraded(mended):
    small.hand_in(mended, "s00", {})
    small.hand_in(mended, "new", {})
    changes = {one.student: one for one in regrade.regrade(mended, small.NAME, ["03.pad"], ["s00", "new"], count=1)}
    assert changes["s00"].note == "It was handed in again since: autograder grade 03"
    assert changes["new"].note == "It is not graded yet: autograder grade 03"


# --- what a verdict depends on --------------------------------------------------------------------------------------


def test_a_verdict_depends_on_all_that_counts_and_on_nothing_else(graded):
    made = run.Run(graded, small.NAME)
    base = made.job(submissions.read(graded, "s00", small.NAME))

    def changed(**fields):
        return dataclasses.replace(base, **fields).key != base.key

    other = nbformat.reads(base.notebook.decode(), 4)
    other.cells[-1].source = "Another essay."
    other.cells[0].outputs = [nbformat.v4.new_output("stream", text="old")]
    assert not changed(notebook=nbformat.writes(other).encode())
    other.cells[0].source += "\nx = 1"
    assert changed(notebook=nbformat.writes(other).encode())
    assert changed(files={"a.txt": b"1"}) and changed(code="other") and changed(limits=base.limits | {"cell": 1.0})
    entries = hidden_cases.read(base.cases)

    def with_first(**fields):
        changed_first = dataclasses.replace(entries["03.pad"], **fields)
        return sheets.as_bytes("03", list((entries | {"03.pad": changed_first}).values()))

    assert changed(cases=with_first(cases=entries["03.pad"].cases[1:])) and changed(cases=with_first(rtol=0.5))
    assert not changed(cases=with_first(hints=["another"], title="Another"))
    mistake = dataclasses.replace(entries["03.pad"].misconceptions[0], explanation="In other words.")
    assert not changed(cases=with_first(misconceptions=[mistake, *entries["03.pad"].misconceptions[1:]]))


def test_a_class_is_drawn_once(graded, monkeypatch):
    monkeypatch.setattr(hidden_cases, "draw", lambda *given: pytest.fail("drawn again"))
    assert grading.grade(graded, small.NAME, ["s00"], force=True, count=1)[0].state == "graded"
    banks = list((graded.root / ".graded" / small.NAME).glob("cases*"))  # which ones a class meets, its seed decides
    assert banks
    for kept in map(list, map(Path.iterdir, banks)):
        assert [path.suffix for path in kept] == [".npz"] and kept[0].stat().st_mode & 0o077 == 0


def test_damaged_or_outdated_cases_are_drawn_again(tmp_path, monkeypatch):
    drawn = []
    really = hidden_cases.draw
    monkeypatch.setattr(hidden_cases, "draw", lambda *given: drawn.append(given) or really(*given))
    first = hidden_cases.of_class(tmp_path, "03", "a secret")
    assert hidden_cases.of_class(tmp_path, "03", "a secret") == first and len(drawn) == 1
    next((tmp_path / "cases").iterdir()).write_bytes(first[:1000])
    assert hidden_cases.of_class(tmp_path, "03", "a secret") == first and len(drawn) == 2
    monkeypatch.setattr(fingerprint, "versions", lambda: ["another torch"])
    assert hidden_cases.of_class(tmp_path, "03", "a secret") == first and len(drawn) == 3
    assert hidden_cases.of_class(tmp_path, "03", "another secret") != first
    assert len(list((tmp_path / "cases").iterdir())) == 1


def test_a_fingerprint_sees_what_a_module_does_and_no_words():
    meaning = fingerprint.meaning
    assert meaning('def f():\n    "Doc."\n    return 1  # one') == meaning("def f():\n    return 1")
    assert meaning("def f():\n    return 1") != meaning("def f():\n    return 2")
    said = 'def f(x):\n    return f"{x} is not started yet.", "Look at the shape."'
    assert meaning(said) == meaning(said.replace("started", "begun").replace("shape", "axes"))
    assert meaning(said) != meaning(said.replace("{x}", "{x + 1}"))
    assert meaning('x = "a b"') != meaning('x = "a c"') and meaning('x = "c = a * b"') != meaning('x = "c = a + b"')


def test_a_fingerprint_sees_the_modules_that_are_used_and_no_others():
    drawing = fingerprint.modules(["autograder.exercises.ch09_food_cnn"])
    assert {"autograder.held_out", "autograder.authoring.exercise", "introdl.data"} <= set(drawing)
    assert "autograder.held_out" not in fingerprint.modules(["autograder.exercises.ch03_convolution"])
    inside = fingerprint.modules(["introdl.checking.worker", "introdl.checking.probes.base"])
    assert "introdl.checking.isolation" in inside and "introdl.training.loop" not in inside
    training = fingerprint.modules(["introdl.training"])
    assert {"introdl.training.loop", "introdl.training.augmentation", "introdl"} <= set(training)
    assert not {"introdl.cli", "introdl.game"} & set(inside + training)


@pytest.mark.parametrize("source", ["from introdl import training", "%timeit f()\nimport introdl.training as t", "from introdl.training import Settings, train"])  # fmt: skip
def test_a_changed_training_loop_counts_where_a_notebook_trains(source, monkeypatch):
    meaning = fingerprint._meaning
    before = {text: fingerprint.examining([], [text]) for text in (source, "import numpy")}
    monkeypatch.setattr(
        fingerprint, "_meaning", lambda name: f"{meaning(name)}{'!' * (name == 'introdl.training.loop')}"
    )
    assert fingerprint.examining([], [source]) != before[source]
    assert fingerprint.examining([], ["import numpy"]) == before["import numpy"]


def test_a_changed_comparison_counts_for_all(monkeypatch):
    meaning, before = fingerprint._meaning, fingerprint.examining([], [])
    monkeypatch.setattr(
        fingerprint, "_meaning", lambda name: f"{meaning(name)}{'!' * (name == 'introdl.checking.compare')}"
    )
    assert fingerprint.examining([], []) != before


def test_another_version_of_the_course_refuses_a_job(graded):
    made = run.Run(graded, small.NAME)
    job = dataclasses.replace(made.job(submissions.read(graded, "s00", small.NAME)), code="other")
    with pytest.raises(jobs.JobError, match="another version of the course"):
        jobs.run(job)


@pytest.mark.parametrize("changed", ["sandbox", "versions"])
def test_a_verdict_depends_on_the_sandbox_and_on_versions(graded, monkeypatch, changed):
    def key():
        return run.Run(graded, small.NAME).job(submissions.read(graded, "s00", small.NAME)).key

    before = key()
    if changed == "sandbox":
        monkeypatch.setenv("AUTOGRADER_UNSAFE", "1")
    else:
        now = fingerprint.versions()
        monkeypatch.setattr(fingerprint, "versions", lambda: [*now[:-1], "another torch"])
    assert key() != before


def test_what_is_secret_is_nobody_elses_to_read(tmp_path):
    old = os.umask(0o022)
    try:
        room = small.make(tmp_path / "room")
        small.hand_in(room, "ada", {})
        grading.grade(room, small.NAME, [], count=1)
    finally:
        os.umask(old)
    for name in ("gradebook.db", "classroom.toml", ".graded", ".audit"):
        assert (room.root / name).stat().st_mode & 0o077 == 0, name


def test_a_mark_that_was_lost_loses_no_grade(tmp_path):
    """A run that is killed while it writes leaves a grade without its mark; then comes a file that cannot be read."""
    room = small.make(tmp_path / "room")
    path = small.hand_in(room, "ada", {"03.pad": small.RIGHT["03.pad"][0]}) / f"{small.NAME}.ipynb"
    grading.grade(room, small.NAME, [], count=1)
    (room.root / ".graded" / small.NAME / "ada.json").unlink()
    path.write_text("{")
    (one,) = grading.grade(room, small.NAME, [], count=1)
    assert (one.state, one.score) == ("failed", 8) and one.needs_look


def test_grades_by_hand_stay_closed_though_all_that_was_kept_is_gone(tmp_path):
    room = small.make(tmp_path / "room")
    small.hand_in(room, "s01", {"03.output_size": small.WRONG["03.output_size"]}, "Words.")
    grading.grade(room, small.NAME, [], count=1)
    with room.gradebook() as book:
        for cell, score in (("03-essay", 7.0), ("check-03-output_size", 5.0)):
            grade = book.find_grade(cell, small.NAME, small.NAME, "s01")
            grade.manual_score, grade.needs_manual_grade = score, False
        book.db.commit()
    shutil.rmtree(room.root / ".graded")
    (one,) = grading.grade(room, small.NAME, [], count=1)
    assert (one.state, one.score, one.open, one.note) == ("graded", 12.0, False, "")
    small.hand_in(room, "s01", {"03.output_size": small.RIGHT["03.output_size"][0]}, "Words.")
    (one,) = grading.grade(room, small.NAME, [], count=1)
    assert (one.score, one.open) == (12.0, True)
    assert (
        one.note
        == "03.output_size has changed since you graded it: the score that you gave counts until you give another."
    )


def test_an_extension_is_for_students_who_are_known(tmp_path):
    room = small.make(tmp_path / "room")
    for student in ("ada", "grace"):
        small.hand_in(room, student, {})
    with room.gradebook() as book:
        book.update_or_create_assignment(small.NAME, duedate=deadlines.parse_due("2026-12-01 23:59 UTC"))
    words = ["extend", "03", "ada", "gracie", "--days", "1", "--in", str(room.root)]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 1 and "There is no student 'gracie' in this classroom. Did you mean grace?" in said.output
    assert room.extended(small.NAME) == [], "nothing of it is noted"
    assert CliRunner().invoke(app, ["extend", "03", "ada", "--days", "1", "--in", str(room.root)]).exit_code == 0
    assert room.extended(small.NAME) == ["ada"]
    room.extend(small.NAME, ["ada"], 0)
    assert room.extended(small.NAME) == []


def test_the_audit_ends_with_1_where_something_is_worth_a_look(tmp_path):
    room = Classroom.init(tmp_path / "room")
    (room.root / "release" / small.NAME).mkdir()
    audit.record(room.root, small.NAME, "ada", [])
    words = ["audit", "03", "--in", str(room.root)]
    assert CliRunner().invoke(app, words).exit_code == 0
    audit.record(room.root, small.NAME, "grace", [audit.Finding("memory limit", "4 GiB")])
    assert CliRunner().invoke(app, words).exit_code == 1


def test_what_was_said_of_a_submission_is_said_again(tmp_path):
    room = small.make(tmp_path / "room")
    path = small.hand_in(room, "ada", {"03.pad": small.RIGHT["03.pad"][0]}) / f"{small.NAME}.ipynb"
    path.rename(path.with_name("homework (1).ipynb"))
    for state in ("graded", "unchanged", "unchanged"):
        (one,) = grading.grade(room, small.NAME, [], count=1)
        assert (one.state, one.score, one.note) == (state, 8, "It was handed in as 'homework (1).ipynb'.")
