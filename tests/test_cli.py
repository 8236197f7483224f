"""The command lines: each command says what it does, does it, and fails with a sentence."""

import shutil

import pytest
from typer.testing import CliRunner

from autograder import exercises
from autograder.cli import app as autograder
from introdl import cli, doctor
from introdl.checking import records

run = CliRunner()


@pytest.mark.parametrize("command", ["start", "update", "reset", "lab", "progress", "doctor", "execute"])
def test_every_learners_command_has_help_with_an_example(command):
    result = run.invoke(cli.app, [command, "--help"])
    assert result.exit_code == 0 and "Example:" in result.output


@pytest.mark.parametrize(
    "command",
    [["build"], ["classroom", "init"], ["assign"], ["grade"], ["feedback"], ["audit"], ["export"]],
    ids=" ".join,
)
def test_every_instructors_command_has_help_with_an_example(command):
    result = run.invoke(autograder, [*command, "--help"])
    assert result.exit_code == 0 and "Example:" in result.output


@pytest.mark.parametrize("port", ["0", "65536", "99999999"])
def test_the_lab_listens_on_no_port_that_there_cannot_be(port):
    assert run.invoke(cli.app, ["lab", "--port", port]).exit_code == 2


def test_the_lab_lets_photos_through_that_a_server_would_hang_up_on(monkeypatch, tmp_path):
    """tornado closes a WebSocket that brings more than 10 MiB; a phone's photo may have more."""
    import ast
    import os

    from introdl.data.photographs import MOST_BYTES

    begun = []
    for name in ("INTRODL_MOST_UPLOAD", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(os, "execv", lambda program, words: begun.append((words, dict(os.environ))))
    run.invoke(cli.app, ["lab", "--no-browser"])
    (words, environment) = begun[0]
    (settings,) = (word.partition("=")[2] for word in words if "tornado_settings" in word)
    assert ast.literal_eval(settings)["websocket_max_message_size"] > MOST_BYTES
    assert environment["INTRODL_MOST_UPLOAD"] == str(MOST_BYTES)


def test_progress_shows_what_was_reached():
    records.note_check("03.output_size", 1.0, True)
    text = run.invoke(cli.app, ["progress"]).output
    assert "03_convolution: 1 of" in text and "✓ 03.output_size" in text and "02_neurons: 0 of" in text


def test_the_doctor_finds_this_machine_fit():
    result = run.invoke(cli.app, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "02_neurons, 03_convolution" in result.output.split("answer sheets: ")[1].splitlines()[0]


@pytest.mark.parametrize(
    ("cuda", "hidden", "words"),
    [
        (None, None, "built for the CPU alone"),
        ("13.0", "", "CUDA_VISIBLE_DEVICES hides it"),
        ("13.0", None, "(built for CUDA 13.0) cannot use it: The driver is too old. Is the driver new enough?"),
    ],
    ids=["cpu build", "hidden", "old driver"],
)
def test_the_doctor_says_why_torch_does_not_use_a_gpu(monkeypatch, cuda, hidden, words):
    import warnings

    import torch

    def no_gpu():
        warnings.warn("The driver is too old.", stacklevel=1)
        return False

    monkeypatch.setattr(doctor, "nvidia_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", no_gpu)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    if hidden is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    finding = doctor._device()
    assert finding.state == doctor.NOTE and words in finding.sentence


def test_the_doctor_says_whether_a_class_can_be_graded(monkeypatch):
    """Where it cannot, a learner's machine is fit all the same."""
    from autograder import sandbox

    monkeypatch.setattr(sandbox, "trouble", lambda: "")
    monkeypatch.setattr(sandbox, "found", lambda: sandbox.bubblewrap.Bubblewrap("/usr/bin/bwrap"))
    assert "sandbox: submissions can be graded here (/usr/bin/bwrap)" in run.invoke(cli.app, ["doctor"]).output
    monkeypatch.setattr(sandbox, "trouble", lambda: "No namespaces here.")
    result = run.invoke(cli.app, ["doctor"])
    assert "note  sandbox: Only grading a class needs it. No namespaces here." in result.output
    assert "LOOK  sandbox" not in result.output


def test_the_doctor_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("INTRODL_SHEETS", str(tmp_path))
    result = run.invoke(cli.app, ["doctor"])
    assert result.exit_code == 1 and "LOOK  answer sheets: none. From a checkout: run 'make build'." in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["execute", "nowhere"], "nowhere does not exist"),
        (["execute", "--expect", "great"], "--expect is 'great'; it should be"),
        (["execute", "--parameter", "seed"], "is not of the form NAME=VALUE"),
    ],
)
def test_a_learners_slip_has_its_sentence(words, said):
    result = run.invoke(cli.app, words)
    assert result.exit_code == 1 and said in result.output


def test_execute_sums_up_and_fails_where_it_was_not_as_expected(tmp_path):
    from introdl import paths

    page = tmp_path / "start.ipynb"
    shutil.copy(paths.course() / "start.ipynb", page)
    good = run.invoke(cli.app, ["execute", str(page), "--out", str(tmp_path / "out")])
    assert good.exit_code == 0 and "ran to the end" in good.output
    assert (tmp_path / "out" / "start.ipynb").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["build", "77"], "There is no source for '77'"),
        (["grade", "03"], "is not a classroom"),
        (["feedback", "03"], "is not a classroom"),
        (["export"], "is not a classroom"),
        (["assign", "03"], "is not a classroom"),
    ],
)
def test_an_instructors_slip_has_its_sentence(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run.invoke(autograder, words)
    assert result.exit_code == 1 and said in result.output


def test_a_classroom_by_command_line(tmp_path):
    room = tmp_path / "room"
    assert run.invoke(autograder, ["classroom", "init", str(room)]).exit_code == 0
    result = run.invoke(autograder, ["assign", "03", "--in", str(room)])
    assert result.exit_code == 0, result.output
    handed_out = room / "release" / "03_convolution" / "03_convolution.ipynb"
    assert (room / "release" / "03_convolution.zip").is_file() and "03_convolution.zip" in result.output.replace(
        "\n", ""
    )
    place = room / "submitted" / "ada" / "03_convolution"
    place.mkdir(parents=True)
    shutil.copy(handed_out, place)
    result = run.invoke(autograder, ["grade", "03", "--in", str(room)])
    points = sum(one.points for one in exercises.load("03").values())
    assert result.exit_code == 0 and f"0 of {points:g}" in result.output
    assert run.invoke(autograder, ["feedback", "03", "--in", str(room)]).exit_code == 0
    result = run.invoke(autograder, ["export", "--in", str(room), "--to", str(tmp_path / "g.csv")])
    assert result.exit_code == 0 and (tmp_path / "g.csv").read_text().startswith("assignment,student,exercise,score")
    again = run.invoke(autograder, ["classroom", "init", str(room)])
    assert again.exit_code == 1 and "is a classroom already" in again.output
