"""nbgrader's own commands and formgrader's buttons follow no link out of a submission, and wait for no pipe."""

import os

import pytest

from autograder import sandbox
from autograder.grading import copying
from tests import small_class as small

needs_sandbox = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
SECRET = "the secret of somebody else"


@pytest.fixture
def room(tmp_path):
    room = small.make(tmp_path / "class")
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "secret.txt").write_text(SECRET)
    return room


def held(folder):
    """All that a folder holds, links followed."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def tempt(room, folder):
    """Lay links to what a student would like to see, and a pipe, beside a notebook."""
    (folder / "machine.txt").symlink_to(room.root.parent / "machine" / "secret.txt")
    (folder / "machine").symlink_to(room.root.parent / "machine")
    (folder / "seed").symlink_to(room.root / "classroom.toml")
    (folder / "gone").symlink_to("nowhere")
    os.link(room.root.parent / "machine" / "secret.txt", folder / "hard.txt")
    os.mkfifo(folder / "pipe")
    (folder / "mine.txt").write_text("mine")


@needs_sandbox
def test_formgraders_button_and_feedback_copy_plain_files_alone(room):
    folder = small.hand_in(room, "mallory", {"03.output_size": small.RIGHT["03.output_size"][0]})
    tempt(room, folder)
    api = room.api()
    result = api.autograde(small.NAME, "mallory", force=True, create=True)
    assert result["success"], result
    assert api.generate_feedback(small.NAME, "mallory", force=True)["success"]
    for name in ("autograded", "feedback"):
        everything = held(room.root / name)
        assert SECRET.encode() not in everything and room.seed.encode() not in everything, name
        assert b"mine" in everything
        assert not any(path.is_symlink() for path in (room.root / name).rglob("*"))
    with room.gradebook() as book:
        assert book.find_submission(small.NAME, "mallory").score == 8.0


@needs_sandbox
@pytest.mark.parametrize("theirs", ["source", "submitted/anna"])
def test_a_notebook_that_is_a_link_is_refused_and_what_was_graded_before_stays(room, theirs):
    answers = {"03.output_size": small.RIGHT["03.output_size"][0]}
    small.hand_in(room, "anna", answers)
    folder = small.hand_in(room, "mallory", answers)
    api = room.api()
    assert api.autograde(small.NAME, "mallory", force=True, create=True)["success"]
    before = held(room.root / "autograded" / "mallory")
    (folder / f"{small.NAME}.ipynb").unlink()
    (folder / f"{small.NAME}.ipynb").symlink_to(room.root / theirs / small.NAME / f"{small.NAME}.ipynb")
    result = api.autograde(small.NAME, "mallory", force=True, create=True)
    assert not result["success"] and "link to another file" in result.get("log", "") + result["error"]
    assert held(room.root / "autograded" / "mallory") == before


def test_a_graded_notebook_that_is_a_link_gives_no_feedback(room):
    place = room.root / "autograded" / "mallory" / small.NAME
    place.mkdir(parents=True)
    (place / f"{small.NAME}.ipynb").symlink_to(room.root / "source" / small.NAME / f"{small.NAME}.ipynb")
    result = room.api().generate_feedback(small.NAME, "mallory", force=True)
    assert not result["success"] and "link to another file" in result.get("log", "") + result["error"]
    assert held(room.root / "feedback") == b""


def test_a_pipe_as_timestamp_does_not_stop_formgrader(room):
    folder = small.hand_in(room, "mallory", {})
    os.mkfifo(folder / "timestamp.txt")
    api = room.api()
    assert api.get_submitted_timestamp(small.NAME, "mallory") is None
    assert api.coursedir.get_existing_timestamp(str(folder)) is None
    assert api.get_submission(small.NAME, "mallory")["student"] == "mallory"


def test_what_is_collected_holds_nothing_that_a_link_leads_to(room, tmp_path):
    handed = tmp_path / "inbound" / "mallory+03+2026-12-01 10:00:00 UTC"
    handed.mkdir(parents=True)
    (handed / f"{small.NAME}.ipynb").write_text("{}")
    tempt(room, handed)
    api = room.api()
    from nbgrader.exchange import ExchangeFactory

    one = ExchangeFactory(config=room.config()).Collect(coursedir=api.coursedir, parent=api)
    assert isinstance(one, copying.CollectPlainFiles)
    dest = tmp_path / "collected"
    one.do_copy(str(handed), str(dest))
    assert sorted(path.name for path in dest.iterdir()) == [f"{small.NAME}.ipynb", "mine.txt"]
    linked = tmp_path / "inbound" / "eve+03+2026-12-01 10:00:00 UTC"
    linked.symlink_to(room.root / "source" / small.NAME)
    one.do_copy(str(linked), str(tmp_path / "eve"))
    assert not (tmp_path / "eve").exists()


def test_an_instructors_own_links_beside_the_source_are_followed_as_before(room, tmp_path):
    (tmp_path / "data.csv").write_text("1,2")
    (room.root / "source" / small.NAME / "data.csv").symlink_to(tmp_path / "data.csv")
    assert room.api().generate_assignment(small.NAME, force=True)["success"]
    assert (room.root / "release" / small.NAME / "data.csv").read_text() == "1,2"


def test_the_guard_is_put_on_once():
    from nbgrader.converters.base import BaseConverter

    copying.guard()
    once = BaseConverter.init_assignment
    copying.guard()
    assert BaseConverter.init_assignment is once


def test_why_a_submission_is_refused_is_said(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert copying.refused(tmp_path / "real", []) == ""
    assert copying.refused(tmp_path / "link", []).endswith("is a link to another folder.")
    assert "It is a folder." in copying.refused(tmp_path / "real", [str(tmp_path / "real")])
