"""What an exercise asks for is not within reach of its answer: not as a module, not as a file, not in memory."""

import pytest

from autograder import exercises, sandbox
from autograder.examining import examiner
from autograder.examining.worker_client import WorkerClient
from introdl.checking.missing_libraries import SHOWN, covers, finished
from tests.attacks import chapter, reach
from tests.attacks.shortcuts import IN_REACH
from tests.standing import CHAPTERS, EXERCISES, exercise, hidden

needs_sandbox = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
SEED = "a secret of the tests"
LENT = sorted({name for id in EXERCISES for name in exercise(id).lends})


def shown(lent=()):
    """The modules of the library that an answer can reach."""
    return [name for name in reach.modules() if covers([*SHOWN, *lent], name)]


def put_away():
    return [name for name in reach.modules() if covers(finished(), name)]


# --- which of our functions answer an exercise --------------------------------------------------------------------


def test_the_search_finds_what_is_known_to_answer():
    """Else that it finds nothing would say nothing."""
    found = reach.tried(
        ["introdl.figures.losses", "introdl.layers"], ["05.cross_entropy", "05.hinge_loss", "04.max_pool2d"]
    )
    names = {id: {one.split("(")[0].split()[0] for one in some} for id, some in found.items()}
    assert "introdl.figures.losses.loss_and_slopes" in names["05.hinge_loss"]
    assert {"introdl.figures.losses.loss_and_slopes", "introdl.layers.softmax_cross_entropy"} <= names[
        "05.cross_entropy"
    ]
    assert names["04.max_pool2d"] == {"introdl.layers.MaxPool2d"}


def test_nothing_that_is_shown_answers_an_exercise():
    """Each function in its plainest ways; `test_nothing_that_is_shown_answers_in_any_way` goes on from here."""
    assert reach.tried(shown(), few=True) == {}


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_nothing_that_is_shown_answers_in_any_way(chapter):
    assert reach.tried(shown(), exercises_of(chapter)) == {}


@pytest.mark.parametrize("id", [id for id in EXERCISES if exercise(id).lends])
def test_what_is_lent_does_not_answer_the_exercise_that_it_is_lent_to(id):
    assert reach.tried([name for name in reach.modules() if covers(exercise(id).lends, name)], [id]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_whatever_of_the_library_answers_an_exercise_is_put_away(chapter):
    """Every function of ours, in every exercise: those that earn lie in modules that no answer can reach."""
    for id, some in reach.tried([], exercises_of(chapter)).items():
        away = finished(exercise(id).lends)
        assert [one for one in some if not covers(away, one.split()[0].split("(")[0])] == [], id


def exercises_of(number):
    return [id for id, one in exercises.load(number).items() if one.probe != "answers"]


def test_every_module_is_either_shown_or_put_away():
    packages = {"introdl", "introdl.experiments", "introdl.figures"}  # what they hold is told one by one
    assert {*shown(), *put_away(), *packages} == set(reach.modules())
    assert not {*shown()} & {*put_away()}


# --- that it is out of reach --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool():
    with sandbox.Pool() as one:
        yield one


_LOOK = """
import gc, importlib, os, sys, introdl
root = os.path.dirname(introdl.__file__)
held = {name for name in sys.modules if name.startswith("introdl")}
code = {o.__module__ for o in gc.get_objects() if type(o) is type(lambda: 0) and str(o.__module__).startswith("introdl")}
files = set()
for top in {root, *sys.path}:
    for here, folders, names in os.walk(top):
        for name in names:
            path = os.path.join(here, name)
            parts = path.split("introdl" + os.sep)[-1].split(".")[0].replace("__pycache__" + os.sep, "").split(os.sep)
            if os.sep + "introdl" + os.sep in path and name.split(".")[1] in ("py", "cpython-%d%d" % sys.version_info[:2]) and os.path.getsize(path):
                files.add("introdl." + ".".join(part for part in parts if part != "__init__"))
print(sorted(held | code | files))
"""


@needs_sandbox
@pytest.mark.parametrize("lent", [(), *[(name,) for name in LENT]], ids=str)
@pytest.mark.parametrize("room", ["bare", "full"])
def test_inside_is_nothing_but_what_is_shown_on_the_disk_and_in_memory(room, lent, pool, tmp_path):
    with WorkerClient(tmp_path, pool, room, finished(lent)) as one:
        answer = one.run_cell(_LOOK, 60)
        assert answer["error"] == [], answer
        seen = {name.rstrip(".") for name in eval(answer["text"])}
        assert not {name for name in seen if covers(finished(lent), name)}
        assert {"introdl.data", "introdl.paths", "introdl.checking.worker"} <= seen
        names = [name for name in put_away() if not covers(lent, name)]
        imports = "\n".join(f"import {name}" for name in names) + "\nimport sys\n"
        imports += f"print({{type(sys.modules[name].anything).__name__ for name in {names}}})"
        assert one.run_cell(imports, 60)["text"] == "{'Absent'}\n"


class _NoNamespacesInside(sandbox.Zygote):
    """As on a system that lets bubblewrap make a sandbox, and nothing inside it."""

    def command(self, descriptor):
        words = super().command(descriptor)
        at = words.index("--cap-add")
        return words[:at] + words[at + 2 :]


@needs_sandbox
def test_it_is_out_of_reach_where_no_namespaces_can_be_made_inside(tmp_path):
    with sandbox.Pool() as pool:
        pool._zygotes["bare"] = _NoNamespacesInside("bare", pool.bounds)
        with WorkerClient(tmp_path, pool, "bare", finished()) as one:
            answer = one.run_cell(_LOOK, 60)
            assert not pool.zygote("bare").isolates
    assert not {name for name in eval(answer["text"]) if covers(finished(), name.rstrip("."))}


@needs_sandbox
@pytest.mark.parametrize("one", IN_REACH, ids=lambda one: f"{one.exercise}-{one.name}".replace(" ", "-"))
def test_a_finished_function_earns_nothing_by_any_path(one, pool, tmp_path):
    notebook = chapter.alone(one.exercise, one.answer, one.before)
    limits = examiner.Limits(cell=60, notebook=150)
    found = examiner.examine(notebook, hidden(notebook, SEED), tmp_path, limits, pool=pool)
    assert found.verdicts[one.exercise].earned == 0, found.verdicts[one.exercise]


@needs_sandbox
def test_the_report_says_that_a_finished_function_is_to_be_written(pool, tmp_path):
    notebook = chapter.alone("05.cross_entropy", IN_REACH[0].answer, IN_REACH[0].before)
    found = examiner.examine(notebook, hidden(notebook, SEED), tmp_path, examiner.Limits(), pool=pool)
    verdict = found.verdicts["05.cross_entropy"]
    assert all(
        "introdl.figures.losses.loss_and_slopes, which this exercise asks you to write" in c.blind
        for c in verdict.cases
    )
    assert any(finding.kind == "forbidden call" for finding in found.findings)


def test_check_says_the_same_in_a_learners_own_notebook():
    from introdl.checking import notebook, sheets
    from introdl.figures import losses

    def cross_entropy(scores, y):
        return losses.loss_and_slopes(scores, y, "cross-entropy")[0]

    verdict = notebook.examine(sheets.find("05.cross_entropy"), (cross_entropy,))
    assert verdict.earned == 0
    assert {case.outcome.kind for case in verdict.cases} <= {"forbidden", "not run"}


@needs_sandbox
def test_what_is_lent_is_there_for_its_own_exercise_alone(pool, tmp_path):
    """`introdl.layers` trains a network in chapter 07, and is no answer to its other exercises nor to another chapter's."""
    lent = [id for id in EXERCISES if "introdl.layers.*" in exercise(id).lends]
    assert lent == ["07.train_digits"]


# --- other doors --------------------------------------------------------------------------------------------------


@needs_sandbox
def test_a_single_function_is_taken_out_of_a_module_that_is_imported_later(pool, tmp_path):
    look = "import sys\nprint('scipy.linalg' in sys.modules)\nimport scipy.linalg\nfrom scipy.linalg import _special_matrices as inner\n"
    look += "print(type(scipy.linalg.convolution_matrix).__name__, type(inner.convolution_matrix).__name__, scipy.linalg.toeplitz([1]))"
    with WorkerClient(tmp_path, pool, "bare", ["scipy.linalg.convolution_matrix"]) as one:
        assert one.run_cell(look, 60)["text"] == "False\nAbsent Absent [[1]]\n"


@needs_sandbox
def test_machine_code_that_is_handed_in_cannot_be_loaded(pool, tmp_path):
    import _ctypes
    import shutil

    shutil.copy(_ctypes.__file__, tmp_path / "mine.so")
    look = "import ctypes\ntry:\n    ctypes.CDLL('./mine.so')\nexcept OSError as e:\n    print(e)"
    with WorkerClient(tmp_path, pool, "bare") as one:
        assert "failed to map segment" in one.run_cell(look, 20)["text"]
