"""Strangers' code: nothing but right answers earns a point, nothing hidden is seen, and what dies costs only itself."""

import os
from pathlib import Path

import pytest

from autograder import exercises as exercise_bank
from autograder import sandbox
from autograder.examining import audit, examiner, refusal, worker_client
from autograder.examining.repair import checked_exercise, differences, repair
from autograder.examining.source import look
from autograder.examining.worker_client import Died, WorkerClient
from tests.attacks import chapter
from tests.attacks.shortcuts import SHORTCUTS
from tests.attacks.table import ATTACKS, CHEATS
from tests.standing import EXERCISES, answers, exercise, hidden

pytestmark = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
ROOT = Path(__file__).resolve().parent.parent
SEED = "a secret of the tests"
LIMITS = examiner.Limits(cell=1.5, notebook=150)


@pytest.fixture(scope="module")
def pool():
    """One pool for all attacks: what one leaves behind, the next would meet."""
    with sandbox.Pool(sandbox.Bounds(memory=2**30, scratch=2**27, file=2**27, processes=48)) as one:
        yield one


@pytest.fixture(autouse=True)
def _attacked_chapter(monkeypatch):
    load = exercise_bank.load
    monkeypatch.setattr(exercise_bank, "load", lambda name: chapter.ALL if name == "97" else load(name))
    monkeypatch.setenv("SECRET", "SECRET")
    monkeypatch.setattr(worker_client, "_GRACE", 1.0)  # for those who never answer


def graded(notebook, pool, tmp_path):
    released = chapter.released()
    repair(notebook, released)
    return examiner.examine(notebook, hidden(notebook, SEED), tmp_path, LIMITS, pool=pool)


def points(found):
    return {id: verdict.earned for id, verdict in found.verdicts.items()}


def shown(notebook, found, kind=""):
    """Everything of a submission that a person will see, or of one kind."""
    for cell in notebook.cells:
        if checked_exercise(cell) in found.verdicts:
            examiner.write_verdict(cell, found.verdicts[checked_exercise(cell)])
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return str([output.get("data", {}).get(kind) if kind else output for output in outputs])


def test_honest_answers_have_full_marks_and_nothing_to_look_at(pool, tmp_path):
    notebook = chapter.answered(chapter.RIGHT["97.convolve"])
    found = graded(notebook, pool, tmp_path)
    assert points(found) == {"97.double": 5, "97.convolve": 10, "97.negate": 4, "97.quiz": 3}
    assert found.findings == [] and found.notes == []


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.name.replace(" ", "-"))
def test_an_attack_earns_nothing(attack, pool, tmp_path):
    notebook = chapter.answered(attack.answer, attack.before)
    found = graded(notebook, pool, tmp_path)
    earned = points(found)
    assert earned["97.convolve"] == attack.earns, found.verdicts["97.convolve"]
    if attack.others:
        assert earned == {"97.double": 5, "97.convolve": attack.earns, "97.negate": 4, "97.quiz": 3}
    if attack.seen:
        assert any(attack.seen in one.kind for one in found.findings), found.findings
    if attack.silent:
        assert attack.silent not in shown(notebook, found, "text/html" if "<" in attack.silent else "")


@pytest.mark.parametrize("one", SHORTCUTS, ids=lambda one: f"{one.exercise}-{one.name}".replace(" ", "-"))
def test_a_finished_function_is_no_answer_and_the_sentence_says_so(one, pool, tmp_path):
    notebook = chapter.alone(one.exercise, one.answer, one.before)
    found = examiner.examine(
        notebook, hidden(notebook, SEED), tmp_path, examiner.Limits(cell=60, notebook=150), pool=pool
    )
    verdict = found.verdicts[one.exercise]
    assert verdict.earned == 0, verdict
    told = {case.blind for case in verdict.cases}
    assert all("which this exercise asks you to write yourself" in sentence for sentence in told), told
    assert any(finding.kind == "forbidden call" for finding in found.findings)


def test_the_sandbox_shows_the_recorded_experiments(pool, tmp_path):
    with WorkerClient(tmp_path, pool, "bare") as one:
        look = "from introdl.experiments import records\nprint(len(records.load('unusual')['runs']) > 0)"
        assert one.run_cell(look, 60)["text"].strip() == "True"


@pytest.fixture(scope="module")
def wide_pool():
    """Networks need more room than the small chapter."""
    with sandbox.Pool() as one:
        yield one


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda one: f"{one.exercise}-{one.name}".replace(" ", "-"))
def test_a_cheat_earns_nothing(cheat, wide_pool, tmp_path):
    notebook = chapter.alone(cheat.exercise, cheat.answer, cheat.before)
    found = examiner.examine(notebook, hidden(notebook, SEED), tmp_path, examiner.Limits(), pool=wide_pool)
    verdict = found.verdicts[cheat.exercise]
    assert verdict.earned == cheat.earns, verdict
    told = [case.sentence for case in verdict.cases] + [one.explanation for one in verdict.diagnoses]
    assert any(cheat.says in one for one in told), told


def _points_of_thousand(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.nbgrader.points = 1000.0


def _check_rewritten(notebook):
    next(cell for cell in notebook.cells if cell.id == "check-97-convolve").source = "assert True\n10.0"


def _check_deleted(notebook):
    notebook.cells = [cell for cell in notebook.cells if cell.id != "check-97-convolve"]


def _marks_swapped(notebook):
    by_id = {cell.id: cell for cell in notebook.cells}
    one, other = by_id["check-97-convolve"], by_id["check-97-double"]
    one.metadata.nbgrader.grade_id, other.metadata.nbgrader.grade_id = "check-97-double", "check-97-convolve"


def _check_unlocked(notebook):
    marks = next(cell for cell in notebook.cells if cell.id == "check-97-convolve").metadata.nbgrader
    marks.locked, marks.solution, marks.grade = False, True, False


def _ours_forged(notebook):
    cell = next(cell for cell in notebook.cells if cell.id == "97-convolve")
    cell.source = "import ctypes\n" + cell.source
    cell.metadata |= {"introdl_same": True, "introdl_demo": True, "tags": ["demo"]}
    notebook.metadata["introdl_repaired"] = [{"kind": "all is well", "text": ""}]


@pytest.mark.parametrize(
    ("edit", "seen"),
    [
        (_points_of_thousand, "marks changed"),
        (_check_rewritten, "check cell changed"),
        (_check_deleted, ""),
        (_marks_swapped, "check cell changed"),
        (_check_unlocked, "marks changed"),
        (_ours_forged, "source"),
    ],
)
def test_an_edited_notebook_earns_nothing(edit, seen, pool, tmp_path):
    notebook = chapter.answered("def convolve(f, g):\n    return 0.0")
    edit(notebook)
    repair(notebook, chapter.released())
    repaired = [one.kind for one in differences(notebook)]
    found = examiner.examine(notebook, hidden(notebook, SEED), tmp_path, LIMITS, pool=pool)
    assert points(found) == {"97.double": 5, "97.convolve": 0, "97.negate": 4, "97.quiz": 3}
    assert not seen or seen in {*repaired, *(one.kind for one in found.findings)}
    assert "all is well" not in repaired
    worth = {cell.metadata.nbgrader.points for cell in notebook.cells if checked_exercise(cell)}
    assert worth == {5, 10, 4, 3}


#: What one submission leaves behind, how the next looks for it, and what the next must find.
LEFT_BEHIND = {
    "a file in /tmp": ("open('/tmp/work/x', 'w').write('x'); open('/tmp/y', 'w')", "import os; print(os.listdir('/tmp'), os.listdir())", "['work'] []"),
    "a file in the home": ("import os; open(os.path.expanduser('~/x'), 'w').write('x')", "import os; print([n for n in os.listdir(os.path.expanduser('~')) if n == 'x'])", "[]"),
    "shared memory": ("open('/dev/shm/x', 'w').write('x')", "import os; print(os.listdir('/dev/shm'))", "[]"),
    "System V memory": (
        "import ctypes; c = ctypes.CDLL(None); print(c.shmget(4711, 4096, 0o1666) >= 0)",
        "import ctypes; c = ctypes.CDLL(None); print(c.shmget(4711, 4096, 0o666))",
        "-1",
    ),
    "a process": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(3600)",
        "import os; print(len([n for n in os.listdir('/proc') if n.isdigit()]))",
        "2",
    ),
    "a socket": (
        "import os, socket, time\nif os.fork() == 0:\n    s = socket.socket(socket.AF_UNIX); s.bind('\\0x'); s.listen()\n    time.sleep(3600)",
        "import socket\ntry: print(socket.socket(socket.AF_UNIX).connect('\\0x'))\nexcept OSError as e: print(e.strerror)",
        "Connection refused",
    ),
    "a patched library": ("import numpy; numpy.pi = 3; numpy.sum = None", "import numpy; print(numpy.pi > 3, numpy.sum([1, 2]))", "True 3"),
    "a patched checker": ("from introdl.checking import isolation; isolation.run_case = 1", "from introdl.checking import isolation; print(callable(isolation.run_case))", "True"),
    "a stopped zygote": (
        "import os, signal\nfor n in range(100):\n    for s in (signal.SIGSTOP, signal.SIGKILL):\n        try:\n            if n != os.getpid(): os.kill(n, s)\n        except OSError: pass",
        "print('on')",
        "on",
    ),
    "a zygote in chains": (
        "import os, resource\nfor n in range(2, 100):\n    try: resource.prlimit(n, resource.RLIMIT_NOFILE, (3, 3)); os.setpriority(os.PRIO_PROCESS, n, 19)\n    except OSError: pass",
        "import os; f = [open('/dev/null') for _ in range(20)]; print(os.getpriority(os.PRIO_PROCESS, 0))",
        str(os.getpriority(os.PRIO_PROCESS, 0)),
    ),
    "a mark on the zygote": (
        "try: open('/proc/1/oom_score_adj', 'w').write('999')\nexcept OSError: pass",
        "print(open('/proc/self/oom_score_adj').read().strip() == '999')",
        "False",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_BEHIND, ids=lambda name: name.replace(" ", "-"))
def test_what_one_submission_leaves_the_next_does_not_find(name, pool, tmp_path):
    leave, look, expected = LEFT_BEHIND[name]
    with WorkerClient(tmp_path, pool, "bare") as one:
        one.run_cell(leave, 20)
    with WorkerClient(tmp_path, pool, "bare") as other:
        answer = other.run_cell(look, 20)
    assert answer["text"].strip() == expected, answer
    assert pool.zygote("bare").isolates


def test_the_kernels_bar_on_processes_lies_above_the_watchs(pool, tmp_path):
    """Else nothing could be started any more, and nobody would say why."""
    with WorkerClient(tmp_path, pool, "bare") as one:
        answer = one.run_cell("import resource; print(resource.getrlimit(resource.RLIMIT_NPROC)[1])", 20)
    assert int(answer["text"]) >= 2 * pool.bounds.processes


def test_what_is_printed_is_not_kept(pool, tmp_path):
    """Else a cell that prints without end uses up the memory of every later answer."""
    look = "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('RssAnon')][0])"
    with WorkerClient(tmp_path, pool, "bare") as one:
        before = int(one.run_cell(look, 20)["text"])
        one.run_cell(
            "import sys\nfor _ in range(2**12):\n    print('x' * 2**15)\n    print('x' * 2**15, file=sys.stderr)", 60
        )
        assert int(one.run_cell(look, 20)["text"]) - before < 50_000  # kB; 256 MB were printed


def test_what_is_covered_is_nobodys_to_write_to(pool, tmp_path):
    """A folder of ours that is put away holds nothing, and nothing can be left there for the next submission."""
    look = "import os, introdl\nplace = os.path.dirname(introdl.__file__) + '/sheets'\nprint(os.listdir(place))\nopen(place + '/x', 'w')"
    (tmp_path / "sheets").mkdir()
    with WorkerClient(tmp_path, pool, "bare") as one:
        answer = one.run_cell(look, 20)
    assert answer["error"][0] in ("OSError", "FileNotFoundError"), answer


class _NoNamespacesInside(sandbox.Zygote):
    """As on a system that lets bubblewrap make a sandbox, and nothing inside it."""

    def command(self, descriptor):
        words = super().command(descriptor)
        at = words.index("--cap-add")
        return words[:at] + words[at + 2 :]


def test_without_namespaces_inside_each_submission_has_a_sandbox_of_its_own(tmp_path):
    with sandbox.Pool() as pool:
        pool._zygotes["bare"] = zygote = _NoNamespacesInside("bare", pool.bounds)
        with WorkerClient(tmp_path, pool, "bare", ["scipy.signal.*"]) as one:
            answer = one.run_cell("open('/tmp/x', 'w')\nimport scipy.signal\nprint(scipy.signal)", 20)
            assert "missing_libraries" in answer["text"] and not zygote.isolates
        with WorkerClient(tmp_path, pool, "bare") as other:
            answer = other.run_cell("import os; print(os.listdir('/tmp'), os.path.exists('/tmp/x'))", 20)
            assert answer["text"].strip() == "['work'] False"


def test_a_zygote_that_dies_costs_a_fresh_start(pool, tmp_path):
    with WorkerClient(tmp_path, pool, "bare") as one:
        pool.zygote("bare")._process.kill()
        with pytest.raises(Died):
            one.run_cell("while True: pass", 5)
    with WorkerClient(tmp_path, pool, "bare") as other:
        assert other.run_cell("print(1)", 20)["text"] == "1\n"


def test_a_submissions_own_files_come_along_and_links_do_not(pool, tmp_path):
    folder = tmp_path / "submitted"
    (folder / "sub").mkdir(parents=True)
    (folder / "mine.py").write_text("value = 7")
    (folder / "sub" / "a.txt").write_text("text")
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    (folder / "link.txt").symlink_to(secret)
    (folder / "all").symlink_to(tmp_path)
    assert refusal.links(folder) == {"link.txt", "all"}
    (folder / "copied.txt").write_text("SECRET")  # what nbgrader's copy makes of a link
    with WorkerClient(folder, pool, "bare", without={"copied.txt"}) as one:
        answer = one.run_cell("import mine, os\nprint(mine.value, open('sub/a.txt').read(), sorted(os.listdir()))", 20)
    assert answer["text"].startswith("7 text ['mine.py', 'sub'") and "txt'" not in answer["text"].split("[")[1]


def test_the_classroom_is_not_to_be_found(pool, tmp_path):
    (tmp_path / "classroom.toml").write_text("seed")
    with WorkerClient(tmp_path / "submitted", pool, "bare") as one:
        look = f"import os\nprint(os.path.exists({str(tmp_path)!r}), os.path.exists({str(ROOT / 'solutions')!r}))"
        assert one.run_cell(look, 20)["text"].strip() == "False False"


def test_worth_a_look_is_listed_with_its_place(pool, tmp_path, capsys):
    notebook = chapter.answered("import ctypes\ndef convolve(f, g):\n    return np.convolve(f, g)")
    found = graded(notebook, pool, tmp_path)
    audit.record(tmp_path, "97_attack", "ann", found.findings)
    audit.record(tmp_path, "97_attack", "bob", [])
    assert audit.read(tmp_path, "97_attack") == {"ann": found.findings, "bob": []}
    audit.table(audit.read(tmp_path, "97_attack"))
    text = " ".join(capsys.readouterr().out.split())
    assert "cell 4, line 1" in text and "looks like: calls into the" in text and "97.convolve" in text
    assert "cheat" not in text


@pytest.mark.parametrize("id", [id for id in EXERCISES if exercise(id).probe != "answers"])
def test_right_answers_written_differently_look_like_nothing(id):
    """An honest answer's source is not worth a look."""
    import inspect

    for objects in answers(id):
        for one in objects:
            if inspect.isfunction(one):
                source = inspect.getsource(inspect.unwrap(one))
                assert [f.text for f in look(source, 0) if "reaches into NumPy" not in f.text] == [], source
