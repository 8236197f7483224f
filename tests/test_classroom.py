"""A class, graded: the expected table, nbgrader's traps, and nothing of an instructor's work lost."""

import copy
import csv
import html
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request

import cloudpickle
import nbformat
import pytest

from autograder import exercises as exercise_bank
from autograder import grading
from autograder.authoring import drawing, release
from autograder.classroom import Classroom
from autograder.errors import ClassroomError
from autograder.export import export
from tests.classwork import as_code, cell_of, hand_in, released, solved
from tests.standing import CHAPTERS

#: Where in the list of an exercise's misconceptions those stand that are handed in as notebooks, the first and the last.
#: (That all of them fail, each by its own name and on several seeds, is tested in test_exercises.py.)
MISTAKES = (0, 1)
ASSIGNMENTS = [exercise_bank.chapters()[chapter] for chapter in CHAPTERS]


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A classroom with two chapters handed out."""
    one = Classroom.init(tmp_path_factory.mktemp("class") / "autumn")
    for chapter in ("02", "03"):
        one.assign(chapter)
    return one


def mistaken(room, name, number):
    """A submission with the number-th misconception of each exercise that has so many; the rest blank."""
    notebook, made = released(room, name), {}
    for id, exercise in exercise_bank.load(name[:2]).items():
        if number >= len(exercise.misconceptions):
            continue
        mistake = exercise.misconceptions[number]
        wrong = drawing.mistaken_objects(mistake, exercise.names)
        cell_of(notebook, release.grade_id(id)).source = as_code(exercise.names, wrong)
        made[id] = mistake.name
    return notebook, made


@pytest.fixture(scope="module")
def by_value():
    """Let mistakes travel inside a submission, as code of its own."""
    import importlib

    names = [f"exercises.ch{name}" for name in ASSIGNMENTS] + ["authoring.draws", "authoring.formulas"]
    modules = [importlib.import_module(f"autograder.{name}") for name in names]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    yield
    for module in modules:
        cloudpickle.unregister_pickle_by_value(module)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_a_class_is_graded_as_expected(room, name, by_value):
    if not (room.root / "release" / name).is_dir():
        room.assign(name[:2])
    exercises = exercise_bank.load(name[:2])
    total = sum(one.points for one in exercises.values())
    marks = [cell.metadata.get("nbgrader", {}) for cell in released(room, name).cells]
    by_hand = sum(one["points"] for one in marks if one.get("grade") and one.get("solution"))  # waits for a person
    hand_in(room, "perfect", name, solved(room, name))
    hand_in(room, "blank", name, released(room, name))
    hand_in(room, "corrupt", name, '{"cells": [')
    (room.root / "submitted" / "missing" / name).mkdir(parents=True)
    most = max(len(one.misconceptions) for one in exercises.values())
    made, right = {}, []
    for number in sorted({round(share * (most - 1)) for share in MISTAKES}):
        student = f"mistake{number:02}"
        notebook, made[student] = mistaken(room, name, number)
        if number == most - 1:  # few exercises have so many: among the others some are right, some blank
            wrong_names = [one for id in made[student] for one in exercises[id].names]
            for id in list(exercises)[: len(exercises) // 2]:
                answer = release.grade_id(id)
                source = cell_of(solved(room, name), answer).source
                if id not in made[student] and not any(
                    one in source for one in wrong_names
                ):  # nor leans on what is wrong
                    cell_of(notebook, answer).source = source
                    right.append(id)
        hand_in(room, student, name, notebook)
    assert right

    # One after the other, so that hidden cases are drawn once; that side by side is the same is tested in test_grading.py.
    results = {result.student: result for result in grading.grade(room, name, only=[], count=1)}

    perfect = results["perfect"]
    assert (perfect.state, perfect.score, perfect.points) == ("graded", total, total + by_hand)
    assert (results["blank"].state, results["blank"].score) == ("graded", 0)
    assert (results["corrupt"].state, results["corrupt"].score) == ("unreadable", 0)
    assert (
        results["corrupt"].note
        == "It is not a notebook: not JSON from line 1 on. It breaks off there: the file is not whole."
    )
    assert (results["missing"].state, results["missing"].score) == ("missing", 0)
    for student, mistakes in made.items():
        for id, (score, points) in results[student].exercises.items():
            if student == f"mistake{most - 1:02}" and id in right:
                assert score == points, f"{student}: {id} is right, and has {score} of {points}"
                continue
            assert score < points, f"{student}: {mistakes.get(id)!r} of {id} has full marks"
            assert id in mistakes or score == 0
        graded = nbformat.read(room.root / "autograded" / student / name / f"{name}.ipynb", as_version=4)
        for id, mistake in mistakes.items():
            shown = cell_of(graded, release.check_id(id)).outputs[0]["data"]["text/html"]
            if exercises[id].probe == "answers":
                continue  # its explanation is told, not its letter
            assert f"looks like: {mistake}." in html.unescape(shown), (id, mistake, shown)

    again = {result.student: result.state for result in grading.grade(room, name, only=[])}
    assert again["perfect"] == again["mistake00"] == "unchanged"


def grade_alone(room, student, name="03_convolution", force=False):
    return grading.grade(room, name, only=[student], force=force)[0]


def test_traps_of_nbgrader_cost_no_points(room):
    """Each of these made stock nbgrader give 0, or stop, for right answers."""
    name = "03_convolution"
    points = sum(one.points for one in exercise_bank.load("03").values())

    copies = solved(room, name)
    position = next(i for i, cell in enumerate(copies.cells) if cell.id == "check-03-output_size")
    copies.cells.insert(position, copy.deepcopy(copies.cells[position]))
    copies.cells.insert(2, copy.deepcopy(cell_of(copies, "03-output_size")))
    copies.cells[2].id, copies.cells[position].id = "copy-1", "copy-2"
    hand_in(room, "copies", name, copies)

    lost = solved(room, name)
    for cell in lost.cells:
        cell.metadata = nbformat.NotebookNode()
    hand_in(room, "lost-marks", name, lost)

    gone = solved(room, name)
    gone.cells = [cell for cell in gone.cells if not cell.id.startswith("check-")]
    hand_in(room, "no-checks", name, gone)

    noisy = solved(room, name)
    noisy.cells.insert(1, nbformat.v4.new_code_cell("import sys, warnings\nprint('x', file=sys.stderr)\n12.5"))
    noisy.cells.insert(2, nbformat.v4.new_code_cell("warnings.warn('careful')\n1 / 0"))
    noisy.cells.append(nbformat.v4.new_code_cell("0.5"))
    hand_in(room, "noisy", name, noisy)

    worth = solved(room, name)
    for cell in worth.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.nbgrader.points = 1000.0
            cell.metadata.nbgrader.pop("checksum", None)
            cell.source = "0.0"
    hand_in(room, "rewritten-checks", name, worth)

    hand_in(room, "renamed", name, solved(room, name), file="03_convolution (1).ipynb")

    below = released(room, name)
    answer = cell_of(solved(room, name), "03-output_size").source
    below.cells.append(nbformat.v4.new_code_cell(answer))
    hand_in(room, "answer-at-the-end", name, below)

    old = solved(room, name)
    old.nbformat_minor = 4
    for cell in old.cells:
        del cell["id"]
    hand_in(room, "old-format", name, old)

    for student in ("copies", "lost-marks", "no-checks", "noisy", "rewritten-checks", "renamed", "old-format"):
        result = grade_alone(room, student)
        assert (result.state, result.score, result.points) == ("graded", points, points), (student, result)
    assert grade_alone(room, "renamed").note == "It was handed in as '03_convolution (1).ipynb'.", "said each time"
    own = exercise_bank.load("03")["03.output_size"].points
    assert grade_alone(room, "answer-at-the-end").score == own


def test_answers_that_lean_on_a_demonstration_count_too(room):
    name = "03_convolution"
    points = sum(one.points for one in exercise_bank.load("03").values())
    demos = [i for i, c in enumerate(released(room, name).cells) if "demo" in c.metadata.get("tags", [])]

    changed = solved(room, name)
    changed.cells[demos[0]].source += "\n\ndef half(n):\n    return n // 2"
    cell_of(changed, "03-output_size").source = (
        "def output_size(n, kernel, stride=1, padding=0):\n"
        "    return (half(2 * n) + 2 * padding - kernel) // stride + 1"
    )
    hand_in(room, "helper-in-a-demo", name, changed)
    assert grade_alone(room, "helper-in-a-demo").score == points

    leaning = solved(room, name)
    assert any("two_channels = " in leaning.cells[i].source for i in demos)
    cell_of(leaning, "03-separable").source = cell_of(leaning, "03-separable").source.replace(
        "left, sizes, right", "two_channels.shape\n    left, sizes, right"
    )
    hand_in(room, "name-of-a-demo", name, leaning)
    assert grade_alone(room, "name-of-a-demo").score == points


def test_code_that_loops_dies_or_leaves_costs_only_itself(room, monkeypatch):
    name = "03_convolution"
    points = sum(one.points for one in exercise_bank.load("03").values())
    config = room.root / "nbgrader_config.py"
    before = config.read_text()
    config.write_text(before + "\nget_config().Examine.cell_seconds = 12.0\n")
    try:
        dies = solved(room, name)
        dies.cells.insert(2, nbformat.v4.new_code_cell("import os\nos._exit(0)"))
        hand_in(room, "dies", name, dies)
        loops = solved(room, name)
        loops.cells.insert(4, nbformat.v4.new_code_cell("while True:\n    pass"))
        hand_in(room, "loops", name, loops)
        leaves = solved(room, name)
        cell_of(leaves, "03-separable").source = "def separable(kernel):\n    raise SystemExit"
        hand_in(room, "leaves", name, leaves)
        assert grade_alone(room, "dies").score == points
        assert grade_alone(room, "loops").score == points
        assert grade_alone(room, "leaves").score == points - exercise_bank.load("03")["03.separable"].points
    finally:
        config.write_text(before)


def test_manual_scores_and_comments_survive_grading_again(room):
    name = "03_convolution"
    hand_in(room, "argued", name, released(room, name))
    grade_alone(room, "argued")
    with room.gradebook() as gradebook:
        grade = gradebook.find_grade("check-03-pad", name, name, "argued")
        grade.manual_score, grade.extra_credit = 3.0, 0.5
        gradebook.find_comment("03-pad", name, name, "argued").manual_comment = "Well argued."
        gradebook.db.commit()
    hand_in(room, "argued", name, solved(room, name))
    assert grade_alone(room, "argued").state == "graded"
    with room.gradebook() as gradebook:
        grade = gradebook.find_grade("check-03-pad", name, name, "argued")
        assert (grade.manual_score, grade.extra_credit) == (3.0, 0.5) and grade.needs_manual_grade
        assert gradebook.find_comment("03-pad", name, name, "argued").manual_comment == "Well argued."


def test_hidden_inputs_are_the_classrooms_own(room, tmp_path):
    from autograder.grading import hidden_cases

    other = Classroom.init(tmp_path / "other")
    assert other.seed != room.seed and len(other.seed) == 64

    def first(seed):
        return hidden_cases.draw("03", seed)["03.conv2d"].cases[0].inputs[0][1].tolist()

    assert first(room.seed) != first(other.seed)
    assert first(room.seed) == first(room.seed)
    handed_out = room.root / "release" / "03_convolution" / "03_convolution.ipynb"
    assert room.seed not in handed_out.read_text()


def test_feedback_names_the_mistake_and_shows_no_hidden_input(room):
    name = "03_convolution"
    wrong = solved(room, name)
    cell_of(
        wrong, "03-output_size"
    ).source = "def output_size(n, kernel, stride=1, padding=0):\n    return (n + padding - kernel) // stride + 1"
    hand_in(room, "feedback", name, wrong)
    grade_alone(room, "feedback")
    (page,) = grading.feedback(room, name, ["feedback"])
    text = page.read_text()
    assert "This looks like:" in text and "output_size" in text
    table = text.split("</table>")[0]
    assert "How many places a kernel has" in table and "padding on one side only" in table
    assert "Test cell" not in text
    assert "First difference" not in text
    assert room.seed not in text


def test_scores_are_exported_by_exercise(room, tmp_path):
    name = "03_convolution"
    hand_in(room, "exported", name, solved(room, name))
    grade_alone(room, "exported")
    count = export(room, tmp_path / "grades.csv").rows
    with open(tmp_path / "grades.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    mine = {row["exercise"]: row for row in rows if row["student"] == "exported" and row["assignment"] == name}
    assert set(mine) == set(exercise_bank.load("03"))
    assert all(float(row["score"]) == float(row["points"]) for row in mine.values())


def test_nbgraders_own_commands_work_in_the_classroom(room, tmp_path):
    name = "03_convolution"
    hand_in(room, "by-nbgrader", name, solved(room, name))

    def nbgrader(*words):
        return subprocess.run(
            [sys.executable, "-m", "nbgrader", *words], cwd=room.root, capture_output=True, text=True, timeout=300
        )

    done = nbgrader("autograde", name, "--student", "by-nbgrader", "--force")
    assert done.returncode == 0, done.stderr
    done = nbgrader("export", "--to", str(tmp_path / "out.csv"), f"--assignment=['{name}']")
    assert done.returncode == 0, done.stderr
    rows = [line for line in (tmp_path / "out.csv").read_text().splitlines() if ",by-nbgrader," in line]
    assert rows and all(line.split(",")[3] == line.split(",")[4] for line in rows)
    done = nbgrader("generate_feedback", name, "--student", "by-nbgrader", "--force")
    assert done.returncode == 0, done.stderr
    assert (room.root / "feedback" / "by-nbgrader" / name / f"{name}.html").exists()


def test_formgrader_opens_on_the_classroom(room):
    name = "03_convolution"
    hand_in(room, "seen", name, released(room, name))
    grade_alone(room, "seen")
    port = _free_port()
    words = ["-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token=t"]
    words += ["--ServerApp.disable_check_xsrf=True", "--ServerApp.port_retries=0"]
    server = subprocess.Popen(
        [sys.executable, *words], cwd=room.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        page = _get(f"http://127.0.0.1:{port}/formgrader/gradebook?token=t")
        assert "formgrader" in page
        submissions = json.loads(_get(f"http://127.0.0.1:{port}/formgrader/api/submissions/{name}?token=t"))
        mine = next(one for one in submissions if one["student"] == "seen")
        points = sum(one.points for one in exercise_bank.load("03").values())
        assert mine["autograded"] and mine["score"] == 0 and mine["max_score"] == points
        listed = json.loads(_get(f"http://127.0.0.1:{port}/formgrader/api/submitted_notebooks/{name}/{name}?token=t"))
        one = next(one["id"] for one in listed if one["student"] == "seen")
        page = _get(f"http://127.0.0.1:{port}/formgrader/submissions/{one}/?index=0&token=t")
        assert "Full credit" in page and "check-03-conv2d" in page, "formgrader's page for grading by hand"
    finally:
        server.terminate()
        server.wait(20)


def _free_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _get(address):
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return answer.read().decode()
        except (ConnectionError, urllib.error.URLError) as error:
            if isinstance(error, urllib.error.HTTPError) or time.monotonic() > deadline:
                raise
            time.sleep(0.3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_is_somebody_elses_is_refused_with_a_sentence(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    for place in (closed, closed / "room"):
        with pytest.raises(ClassroomError, match=r"Permission denied"):
            Classroom.init(place)
        with pytest.raises(ClassroomError, match="is not a classroom"):
            Classroom.open(place)
    closed.chmod(0o700)


def test_a_classroom_is_never_made_over_something(room, tmp_path):
    with pytest.raises(ClassroomError, match="is a classroom already"):
        Classroom.init(room.root)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    with pytest.raises(ClassroomError, match="is not empty"):
        Classroom.init(tmp_path / "full")
    with pytest.raises(ClassroomError, match="is not a classroom"):
        Classroom.open(tmp_path)
    with pytest.raises(ClassroomError, match="should be letters"):
        Classroom.init(tmp_path / "new", "a b")
    assert (room.root / "classroom.toml").stat().st_mode & 0o077 == 0


def test_unknown_assignments_and_students_have_their_sentence(room):
    with pytest.raises(ClassroomError, match="has no assignment '77'. It has: .*02_neurons, 03_convolution"):
        room.assignment("77")
    with pytest.raises(ClassroomError, match="There is no submission of 02_neurons by nobody"):
        grading.grade(room, "02_neurons", only=["nobody"])
    assert room.assignment("03") == "03_convolution"


def test_grading_leaves_the_submission_as_it_was(room):
    name = "02_neurons"
    path = hand_in(room, "untouched", name, solved(room, name))
    before = path.read_bytes()
    grading.grade(room, name, only=["untouched"])
    assert path.read_bytes() == before
    shutil.rmtree(room.root / "submitted" / "untouched")
