"""Folders and students may bear any name that the disk takes: every command works there."""

import shlex

import pytest
from typer.testing import CliRunner

from autograder import sandbox
from autograder.classroom import Classroom
from autograder.cli import app
from tests.test_own_tests import PS1, STUDENTS, answered, hand_in, problem_set, put

ROOMS = ["Herbst 2026 [A]", "d$HOME", "what?", '50 % * {it}\'s "due" # & \\ ~']
WHO = ["anna [late]", "$HOME", "who?", "*", "it's", "100%s {0}"]


def run(*words):
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.skipif(bool(sandbox.trouble()), reason=f"no sandbox here: {sandbox.trouble()}")
@pytest.mark.parametrize("name", ROOMS)
def test_every_command_works_there(tmp_path, name):
    folder = tmp_path / name
    code, said = run("classroom", "init", str(folder))
    assert code == 0
    next_command = shlex.split(said.split("Next: ", 1)[1].strip())
    assert next_command == ["autograder", "assign", "03", "--in", str(folder)]
    put(problem_set(), folder)
    code, said = run("assign", PS1, "--due", "2026-12-01 23:59 UTC", "--in", str(folder))
    assert code == 0, said
    for student in WHO:
        hand_in(folder, student, answered(STUDENTS["right"]))
    code, said = run("grade", PS1, "--jobs", "1", "--in", str(folder))
    assert code == 0, said
    code, said = run("feedback", PS1, "--in", str(folder))
    assert code == 0, said
    for student in WHO:
        assert (folder / "feedback" / student / PS1 / f"{PS1}.html").exists(), student
    code, said = run("export", "--in", str(folder), "--to", str(folder / "grades [1].csv"))
    assert code == 0 and (folder / "grades [1].csv").read_text().count("test-double") == len(WHO)
    code, said = run("extend", PS1, WHO[0], "--days", "1", "--in", str(folder))
    assert code == 0, said
    code, said = run("audit", PS1, "--in", str(folder))
    assert code == 0, said
    code, said = run("grade", PS1, "--jobs", "1", "--in", str(folder))
    assert code == 0 and "1 graded, 5 unchanged" in said, said


@pytest.mark.parametrize(
    ("to", "said_of_it"),
    [
        ("/dev/stdout", "is not an ordinary file. Name one"),
        ("/dev/null", "is not an ordinary file. Name one"),
        ("folder", "is a folder. Name a file in it"),
        ("file/grades.csv", "is a file, not a folder"),
    ],
)
@pytest.mark.parametrize(
    "command", [["export", "--to"], ["grade", "03", "--summary"], ["regrade", "03", "-e", "03.pad", "--to"]]
)
def test_what_no_file_can_be_written_to_is_refused_at_once(tmp_path, monkeypatch, command, to, said_of_it):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    code, said = run(*command, to)
    assert code == 1 and said_of_it in said and "classroom" not in said


def test_a_chapter_may_be_named_by_its_number_alone(tmp_path):
    room = Classroom.init(tmp_path / "room")
    assert room._named("3") == room._named("03") == "03_convolution"
    (room.root / "release" / "03_convolution").mkdir()
    assert room.assignment("3") == "03_convolution"
