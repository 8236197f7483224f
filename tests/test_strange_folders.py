"""A submission's folder is a stranger's: what is no plain file of a bearable size is not opened, and is told."""

import os
import socket
import stat
import subprocess

import pytest

from autograder.classroom import Classroom
from autograder.errors import Unbearable
from autograder.examining import folder, refusal
from autograder.grading import submissions

NAME = "03_convolution"
NOTEBOOK = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'


@pytest.fixture
def room(tmp_path):
    return Classroom.init(tmp_path / "class")


@pytest.fixture
def place(room):
    """The folder of ann's submission, with a notebook in it."""
    place = room.root / "submitted" / "ann" / NAME
    place.mkdir(parents=True)
    (place / f"{NAME}.ipynb").write_text(NOTEBOOK)
    return place


def _pipe(path):
    os.mkfifo(path)


def _socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
    os.chdir(here)


def _device(path):
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


def _link(path):
    target = path.parent.parent / "theirs"
    target.write_text("theirs")
    path.symlink_to(target)


def _dangling(path):
    path.symlink_to("nowhere")


def _loop(path):
    path.symlink_to(path.name)


def _link_to_folder(path):
    path.symlink_to("..")


def _hard_link(path):
    target = path.parent.parent / "theirs"
    target.write_text("theirs")
    os.link(target, path)


def _sparse(path):
    with open(path, "wb") as file:
        file.truncate(20 * 2**30)


ODD = {
    "pipe": (_pipe, "pipe"),
    "socket": (_socket, "socket"),
    "device": (_device, "device"),
    "link": (_link, "link to another file"),
    "dangling link": (_dangling, "link to another file"),
    "link to itself": (_loop, "link to another file"),
    "link to a folder": (_link_to_folder, "link to another file"),
    "hard link": (_hard_link, "hard link"),
    "20 GiB": (_sparse, "too large"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_odd_beside_a_notebook_is_left_out_and_the_notebook_is_read(kind, room, place):
    make, words = ODD[kind]
    make(place / "odd")
    (place / "mine.py").write_text("x = 1")
    found = submissions.read(room, "ann", NAME)
    assert found.state == submissions.READY and found.files == {"mine.py": b"x = 1"}
    assert words in found.note and "odd" in found.note


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_notebook_is_not_opened(kind, room, place):
    make, words = ODD[kind]
    (place / f"{NAME}.ipynb").unlink()
    make(place / f"{NAME}.ipynb")
    found = submissions.read(room, "ann", NAME)
    assert found.state in (submissions.UNREADABLE, submissions.REFUSED) and words in found.note
    assert found.notebook == b"" and found.files == {}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_timestamp_is_not_opened(kind, room, place):
    make, words = ODD[kind]
    make(place / "timestamp.txt")
    found = submissions.read(room, "ann", NAME)
    assert found.state == submissions.READY and found.timestamp == ""
    assert "Its lateness could not be read" in found.note and words in found.note


def test_a_folder_in_the_place_of_the_notebook_has_its_sentence(room, place):
    (place / f"{NAME}.ipynb").unlink()
    (place / f"{NAME}.ipynb").mkdir()
    assert submissions.read(room, "ann", NAME).note == "It is a folder."


def test_a_file_that_may_not_be_read_is_left_out(room, place, monkeypatch):
    (place / "closed.txt").write_text("x")
    really = os.open

    def refuses(path, *given, **named):
        if path == "closed.txt":
            raise PermissionError(13, "Permission denied", path)
        return really(path, *given, **named)

    monkeypatch.setattr(folder.os, "open", refuses)
    found = submissions.read(room, "ann", NAME)
    assert found.state == submissions.READY and "closed.txt (Permission denied)" in found.note


def test_a_submission_whose_folder_is_a_link_is_not_read(room, place):
    (room.root / "submitted" / "bob").mkdir()
    (room.root / "submitted" / "bob" / NAME).symlink_to(place)
    found = submissions.read(room, "bob", NAME)
    assert found.state == submissions.REFUSED and "is a link to another folder" in found.note and not found.notebook


def test_of_many_small_files_the_first_come_along_and_the_rest_is_told(room, place, monkeypatch):
    monkeypatch.setattr(folder, "MOST_FILES", 5)
    for number in range(300):
        (place / f"{number:03}.txt").write_text("x")
    found = submissions.read(room, "ann", NAME)
    assert sorted(found.files) == [f"{number:03}.txt" for number in range(5)]
    assert "005.txt (5 files are the most)" in found.note and "and 292 more" in found.note


def test_the_walk_ends_where_there_are_too_many_names(place, monkeypatch):
    monkeypatch.setattr(folder, "MOST_NAMES", 50)
    for number in range(60):
        (place / f"{number:03}.txt").touch()
    assert "more than 50 names" in folder.beside(place).left_out.values()


def test_folders_a_thousand_deep_are_not_walked(room, place):
    (place / "d").mkdir()
    at = os.open(place / "d", os.O_RDONLY)
    try:
        for _ in range(1000):
            os.mkdir("d", dir_fd=at)
            below = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        found = submissions.read(room, "ann", NAME)
    finally:
        os.close(at)
        subprocess.run(["rm", "-rf", place / "d"], check=True)  # pytest's own cleaning up would not come to its end
    assert found.state == submissions.READY and "deeper than 20 folders" in found.note


def test_bytes_are_counted_before_they_are_read(place, monkeypatch):
    monkeypatch.setattr(folder, "MOST_BYTES", 1000)
    (place / "a.bin").write_bytes(bytes(900))
    (place / "b.bin").write_bytes(bytes(900))
    (place / "c.bin").write_bytes(bytes(90))
    found = folder.beside(place)
    assert sorted(found.files) == ["a.bin", "c.bin"] and list(found.left_out) == ["b.bin"]


def test_what_programs_made_is_not_looked_at(place):
    for name in (".git", ".venv", "__pycache__", "node_modules", ".ipynb_checkpoints", "env"):
        (place / name).mkdir()
        (place / name / "large").write_bytes(bytes(100))
    (place / "env" / "pyvenv.cfg").touch()
    found = folder.beside(place)
    assert found.files == {} and found.left_out == {"env": "a Python environment"}


def test_a_file_that_is_exchanged_for_a_link_while_we_look_is_not_read(place, monkeypatch):
    """Between the look and the opening stands a stranger."""
    (place / "secret").write_text("theirs")
    (place / "mine").write_text("mine")
    really = os.open

    def late(path, *given, **named):
        (place / "mine").unlink()
        (place / "mine").symlink_to("secret")
        return really(path, *given, **named)

    monkeypatch.setattr(folder.os, "open", late)
    with pytest.raises(Unbearable):
        folder.read(place / "mine", 100)


def test_a_file_that_is_exchanged_for_another_file_is_not_read(place, monkeypatch):
    (place / "mine").write_text("mine")
    (place / "other").write_text("theirs")
    really = os.open

    def late(path, *given, **named):
        (place / "other").replace(place / "mine")
        return really(path, *given, **named)

    monkeypatch.setattr(folder.os, "open", late)
    with pytest.raises(Unbearable, match="exchanged"):
        folder.read(place / "mine", 100)


def test_a_file_that_grows_while_it_is_read_is_read_no_further(place, monkeypatch):
    (place / "mine").write_text("x" * 10)
    really = os.fstat

    def grows(descriptor):
        found = really(descriptor)
        with open(place / "mine", "a") as file:
            file.write("x" * 1000)
        return found

    monkeypatch.setattr(folder.os, "fstat", grows)
    with pytest.raises(Unbearable, match="too large"):
        folder.read(place / "mine", 100)


def test_names_that_are_no_text_are_told_without_their_bytes(room, place):
    (place / "a\x1b[2Jb.txt").write_text("x")
    (place / os.fsdecode(b"\xff\xfe.txt")).write_text("x")
    found = submissions.read(room, "ann", NAME)
    assert found.files == {} and found.note.isprintable()
    found.note.encode()


def test_links_and_pipes_are_found_for_the_audit(place):
    _link(place / "data")
    _pipe(place / "wait")
    kinds = [(one.kind, one.text) for one in refusal.seen(place)]
    assert kinds == [("link in the submission", "data"), ("odd file in the submission", "wait: a pipe")]
