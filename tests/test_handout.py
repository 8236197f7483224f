"""Handing out: an instructor's source is never written over unasked, and no assignment is spoilt by handing it out again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from nbgrader.api import MissingEntry
from typer.testing import CliRunner

from autograder import grading, handout
from autograder.cli import app
from tests import small_class as small

NAME = small.NAME


def assign(room, *words):
    """Run ``autograder assign`` and return its exit status and all that it said, on one line."""
    result = CliRunner().invoke(app, ["assign", *words, "--in", str(room.root)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def edit(room, change, name=NAME):
    """Let an instructor edit the source."""
    path = room.root / "source" / name / f"{name}.ipynb"
    nb = nbformat.read(path, as_version=4)
    change(nb)
    nbformat.write(nb, path)


def marks(nb, grade_id):
    return next(c.metadata.nbgrader for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def leave_out(nb, *ids):
    nb.cells = [cell for cell in nb.cells if cell.id not in ids]


def add_test(nb, id="own-test", source="assert True", **more):
    cell = nbformat.v4.new_code_cell(source, id=id)
    meta = {
        "grade": True,
        "grade_id": id,
        "locked": True,
        "points": 2.0,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    cell.metadata.nbgrader = meta | more
    nb.cells.append(cell)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The small class, handed out; its source is an instructor's: it differs from the course's."""
    return small.make(tmp_path_factory.mktemp("made") / "room")


@pytest.fixture
def room(made, tmp_path):
    return small.copy_of(made, tmp_path / "room")


@pytest.fixture
def graded(room):
    """The same with a graded submission."""
    small.hand_in(room, "ada", {"03.output_size": small.RIGHT["03.output_size"][0]})
    (one,) = grading.grade(room, NAME, [])
    assert one.exercises["03.output_size"] == (8.0, 8.0)
    return room


def due(room):
    with room.gradebook() as book:
        return book.find_assignment(NAME).duedate


def test_what_an_instructor_changed_stays_and_is_handed_out(room):
    def change(nb):
        nb.cells[0].source += "\n# Willkommen"
        marks(nb, "check-03-pad").points = 5.0

    edit(room, change)
    before = files(room.root / "source")
    code, said = assign(room, "03")
    assert code == 0 and files(room.root / "source") == before
    assert "differs from the course's" in said and "--renew" in said and "check-03-pad" in said
    assert (
        "-[code, check-03-pad, grade, locked, 8 points]" in said
        and "+[code, check-03-pad, grade, locked, 5 points]" in said
    )
    released = nbformat.read(room.root / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    assert "# Willkommen" in released.cells[0].source and marks(released, "check-03-pad").points == 5.0
    assert "BEGIN SOLUTION" not in str(released)
    with room.gradebook() as book:
        assert book.find_grade_cell("check-03-pad", NAME, NAME).max_score == 5.0


def test_renew_takes_the_courses_own_and_keeps_a_copy(room):
    path = room.root / "source" / NAME / f"{NAME}.ipynb"
    own = path.read_bytes()
    code, said = assign(room, "03", "--renew")
    assert code == 0 and "was replaced" in said
    (kept,) = (room.root / handout.KEPT).iterdir()
    assert (
        kept.read_bytes() == own
        and time.strftime("%Y") in kept.name
        and str(kept).replace(" ", "") in said.replace(" ", "")
    )
    assert len(nbformat.read(path, as_version=4).cells) > 30
    assert not any(p.name == kept.name for p in (room.root / "release").rglob("*")), (
        "its answers must not be handed out"
    )
    code, said = assign(room, "03", "--renew")
    assert code == 0 and "is the course's own already" in said and len(list((room.root / handout.KEPT).iterdir())) == 1


def test_a_source_that_was_only_opened_and_saved_does_not_differ(room):
    assign(room, "03", "--renew")

    def save(nb):
        nb.metadata.language_info.version = "3.12.1"
        nb.cells[2].metadata.collapsed = False
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text="x")], 3

    edit(room, save)
    code, said = assign(room, "03")
    assert code == 0 and "differs" not in said


def test_a_due_date_that_cannot_be_read_hands_nothing_out(graded):
    code, said = assign(graded, "02", "--due", "tomorrow")
    assert code == 1 and "The due date 'tomorrow' cannot be read." in said
    assert not (graded.root / "release" / "02_neurons").exists()


def test_a_due_date_alone_changes_the_due_date_alone(graded):
    before = files(graded.root / "source"), files(graded.root / "release" / NAME)
    grades = small.meaning(graded)
    assert assign(graded, "03", "--due", "2026-12-01 23:59 UTC")[0] == 0
    assert str(due(graded)) == "2026-12-01 23:59:00"
    assert (files(graded.root / "source"), files(graded.root / "release" / NAME)) == before and small.meaning(
        graded
    ) == grades
    assert assign(graded, "03")[0] == 0 and str(due(graded)) == "2026-12-01 23:59:00"
    assert assign(graded, "03", "--due", "none")[0] == 0 and due(graded) is None
    edit(graded, lambda nb: add_test(nb))
    code, said = assign(graded, "03", "--due", "2026-12-02 23:59 UTC")
    assert code == 1 and "has submissions" in said and str(due(graded)) == "2026-12-02 23:59:00"


@pytest.mark.parametrize(
    ("change", "said_of_it"),
    [
        (add_test, "added: own-test"),
        (lambda nb: leave_out(nb, "03-pad", "check-03-pad"), "left out: 03-pad, check-03-pad"),
        (lambda nb: marks(nb, "check-03-pad").update(grade_id="check-03-pads"), "added: check-03-pads; left out: check-03-pad"),
        (lambda nb: marks(nb, "03-essay").update(solution=False, grade=False, task=True), "of another kind: 03-essay"),
    ],
    ids=["added", "left out", "renamed", "kind"],
)  # fmt: skip
def test_other_cells_are_refused_where_there_are_submissions(graded, change, said_of_it):
    edit(graded, change)
    before, grades = files(graded.root / "release"), small.meaning(graded)
    own = files(graded.root / "source")
    code, said = assign(graded, "03")
    assert code == 1 and said_of_it in said and "Nothing was changed" in said and "Traceback" not in said
    for choice in ("set its points to 0", "make a new assignment", "--renew"):
        assert choice in said
    code, said = assign(graded, "03", "--renew")  # the course's own has more exercises than were handed out
    assert code == 1 and "has submissions" in said
    assert files(graded.root / "source") == own and files(graded.root / "release") == before
    assert not (graded.root / handout.KEPT).exists()
    small.hand_in(graded, "grace", {"03.pad": small.RIGHT["03.pad"][0]})
    results = {one.student: one for one in grading.grade(graded, NAME, [])}
    assert results["grace"].exercises["03.pad"] == (8.0, 8.0), "it can still be graded"
    assert small.meaning(graded)[2:3] == grades[2:3]


def test_other_points_and_words_are_taken_where_there_are_submissions(graded):
    """Re-weighting, translating and leaving an exercise out (0 points) are an instructor's to do at any time."""

    def change(nb):
        marks(nb, "check-03-output_size").points = 4.0
        marks(nb, "check-03-pad").points = 0.0
        nb.cells[0].source += "\n# Wieviele Orte hat ein Kern?"

    small.hand_in(graded, "half", {"03.output_size": small.WRONG["03.output_size"]})
    before = {one.student: one.exercises["03.output_size"][0] for one in grading.grade(graded, NAME, [])}
    assert 0 < before["half"] < 8.0
    edit(graded, change)
    assert assign(graded, "03")[0] == 0
    results = {one.student: one for one in grading.grade(graded, NAME, [])}
    assert results["ada"].exercises["03.output_size"] == (4.0, 4.0)
    assert results["half"].exercises["03.output_size"] == (pytest.approx(before["half"] / 2), 4.0)
    assert results["ada"].exercises["03.pad"] == (0.0, 0.0)
    assert assign(graded, "03")[0] == 0
    assert all(one.state == "unchanged" for one in grading.grade(graded, NAME, []))
    for change in grading_again(graded, "03.output_size"):
        assert not change.moved and change.points == 4.0


def grading_again(room, exercise):
    from autograder.grading.regrade import regrade

    return regrade(room, NAME, [exercise], [])


def test_regrade_takes_changed_points(graded):
    edit(graded, lambda nb: marks(nb, "check-03-output_size").update(points=2.0))
    assert assign(graded, "03")[0] == 0
    (change,) = grading_again(graded, "03.output_size")
    assert (change.before, change.after, change.points) == (8.0, 2.0, 2.0)


def test_before_there_are_submissions_anything_may_change(room):
    def change(nb):
        leave_out(nb, "03-pad", "check-03-pad")
        add_test(nb)

    edit(room, change)
    code, said = assign(room, "03")
    assert code == 0, said
    with room.gradebook() as book:
        names = {cell.name for cell in book.find_notebook(NAME, NAME).grade_cells}
    assert "own-test" in names and "check-03-pad" not in names


def test_what_was_deleted_comes_back(graded):
    released = files(graded.root / "release" / NAME)
    shutil.rmtree(graded.root / "release" / NAME)
    assert assign(graded, "03")[0] == 0 and files(graded.root / "release" / NAME) == released
    source = files(graded.root / "source")
    shutil.rmtree(graded.root / "source" / NAME)
    code, said = assign(graded, "03")  # the course's own has other cells than were handed out
    assert code == 1 and "has submissions" in said and files(graded.root / "release" / NAME) == released
    for name, content in source.items():
        (graded.root / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (graded.root / "source" / name).write_bytes(content)
    with graded.gradebook() as book:
        book.remove_assignment(NAME)
    with pytest.raises(MissingEntry), graded.gradebook() as book:
        book.find_assignment(NAME)
    code, said = assign(graded, "03", "--due", "2026-12-01 UTC")
    assert code == 0, said
    assert due(graded) is not None
    assert [one.exercises["03.output_size"] for one in grading.grade(graded, NAME, [])] == [(8.0, 8.0)]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_text("{"), "cannot be read as a notebook"),
        (lambda path: path.write_text(path.read_text().replace('"points": 8.0', '"points": "many"')), "nbgrader cannot make"),
        (lambda path: path.write_text(path.read_text().replace('"check-03-quiz"', '"check-03-pad"')), "check-03-pad"),
        (lambda path: path.write_text(path.read_text().replace("### END SOLUTION", "")), "without"),
    ],
    ids=["no JSON", "points", "twice", "no end"],
)  # fmt: skip
def test_a_source_that_cannot_be_handed_out_has_its_sentence(graded, spoil, words):
    path = graded.root / "source" / NAME / f"{NAME}.ipynb"
    spoil(path)
    own, released = path.read_bytes(), files(graded.root / "release")
    code, said = assign(graded, "03")
    assert code == 1 and words in said and "Nothing was changed" in said and "Traceback" not in said, said
    assert path.read_bytes() == own and files(graded.root / "release") == released


def test_killed_at_any_moment_it_can_be_done_again(graded):
    """A first handing out, and one again, killed here and there: the next one mends what is left."""
    command = [sys.executable, "-c", "from autograder.cli import app; app()", "assign", "03", "--in", str(graded.root)]
    edit(graded, lambda nb: marks(nb, "check-03-pad").update(points=3.0))
    own = files(graded.root / "source")
    for moment in ("_prepare", "_save", "_move"):
        code = f"import autograder.handout as h, os, signal; h.{moment} = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        killed = subprocess.run([*command[:2], code + command[2], *command[3:]], capture_output=True, timeout=300)
        assert killed.returncode == -signal.SIGKILL
        assert files(graded.root / "source") == own and (graded.root / "release" / NAME / f"{NAME}.ipynb").exists()
        assert grading.grade(graded, NAME, [])[0].state in ("graded", "unchanged")
    for left in graded.root.glob(".assign-*"):
        os.utime(left, (0, 0))
    assert assign(graded, "03")[0] == 0 and not list(graded.root.glob(".assign-*"))
    assert grading.grade(graded, NAME, [])[0].exercises["03.pad"] == (0.0, 3.0)


def test_two_at_once_and_the_second_says_so(room):
    from autograder.grading import lock

    before = files(room.root / "release")
    with lock.hold(room, "assign"):
        code, said = assign(room, "03")
    assert code == 1 and "works in this classroom" in said and files(room.root / "release") == before


def test_a_disk_that_is_full_or_read_only_has_its_sentence(graded, monkeypatch):
    own, released = files(graded.root / "source"), files(graded.root / "release")
    edit(graded, lambda nb: marks(nb, "check-03-pad").update(points=3.0))
    own = files(graded.root / "source")
    for number, what in ((28, "No space left"), (30, "Read-only file system")):

        def fail(*_args, number=number, **_more):
            raise OSError(number, os.strerror(number), "somewhere")

        for place in ("shutil.copytree", "tempfile.mkdtemp", "os.replace"):
            with monkeypatch.context() as patch:
                patch.setattr(f"autograder.handout.{place}", fail)
                code, said = assign(graded, "03")
            disk = {28: "disk is full", 30: "read-only file system"}[number]
            assert code == 1 and (what in said or disk in said) and "Traceback" not in said, (place, said)
            assert files(graded.root / "source") == own and set(files(graded.root / "release")) == set(released)
    assert assign(graded, "03")[0] == 0
    assert grading.grade(graded, NAME, [])[0].exercises["03.pad"] == (0.0, 3.0)


@pytest.mark.parametrize(
    ("word", "said_of_it"),
    [
        ("99", "There is no chapter '99'"),
        ("../x", "There is no chapter"),
        ("start", "no chapter"),
    ],
)
def test_an_unknown_name_has_its_sentence(room, word, said_of_it):
    code, said = assign(room, word)
    assert code == 1 and said_of_it in said and "03_convolution" in said


def test_an_assignment_of_ones_own(room):
    path = room.root / "source" / "ps1" / "ps1.ipynb"
    path.parent.mkdir()
    nb = nbformat.v4.new_notebook()
    add_test(nb)
    nbformat.write(nb, path)
    own = path.read_bytes()
    code, said = assign(room, "ps1", "--due", "2026-12-01 UTC")
    assert code == 0 and "differs" not in said and path.read_bytes() == own
    assert (room.root / "release" / "ps1" / "ps1.ipynb").exists() and room.assignment("ps1") == "ps1"
    code, said = assign(room, "ps1", "--renew")
    assert code == 1 and "of your own" in said


def test_test_cells_that_do_not_do_what_they_seem_to_are_remarked_on(room):
    def change(nb):
        add_test(nb, "broken", "assert (")
        next(cell for cell in nb.cells if cell.id == "check-03-pad").source += "\nassert pad is not None"

    edit(room, change)
    code, said = assign(room, "03")
    assert code == 0
    assert "broken is not Python" in said and "check-03-pad holds lines of your own beside its check" in said
    json.dumps(said)


def test_an_assignment_is_one_notebook_named_as_its_folder(room):
    source = room.root / "source" / NAME / f"{NAME}.ipynb"
    shutil.copy(source, source.with_name("draft.ipynb"))
    before = files(room.root / "release")
    code, said = assign(room, "03")
    assert code == 1 and f"holds {NAME}.ipynb, draft.ipynb" in said and "Nothing was changed" in said
    assert files(room.root / "release") == before


def test_a_header_of_the_instructors_is_put_in(room):
    header = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Fill in your name.")])
    nbformat.write(header, room.root / "source" / "header.ipynb")
    config = room.root / "nbgrader_config.py"
    config.write_text(config.read_text() + '\nget_config().IncludeHeaderFooter.header = "source/header.ipynb"\n')
    code, said = assign(room, "03")
    assert code == 0, said
    assert "Fill in your name." in (room.root / "release" / NAME / f"{NAME}.ipynb").read_text()
