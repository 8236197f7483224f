"""What is worth a look in a submission is named, whatever else stands around it, and is safe to print."""

import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder import sandbox
from autograder.examining import audit, examiner, repair, written
from autograder.examining.source import aliases, look, look_beside
from tests.attacks import chapter
from tests.standing import hidden

FORBIDDEN = ["numpy.convolve", "scipy.signal.*", "torch.nn.functional.cosine_similarity"]


def seen(source, forbidden=()):
    return [(finding.line, finding.text) for finding in look(source, 3, forbidden)]


# --- what does not parse ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("_x = %pwd\nimport ctypes", 2),
        ("files = !ls\nimport ctypes", 2),
        ("%matplotlib inline\nimport ctypes", 2),
        ("%%time\nimport ctypes", 2),
        ("np.pad?\nimport ctypes", 2),
        ("\n\n%pwd\nimport ctypes", 4),
        ("def half(:\n    pass\n\nimport ctypes", 4),
        ("x = (1 +\nimport ctypes", 2),
        ("    indented = 1\nimport ctypes\n  odd", 2),
        ("for i in\nif x:\n    import ctypes", 3),
        ("print 'as in Python 2'\nimport ctypes", 2),
    ],
)
def test_a_line_that_does_not_parse_blinds_nobody(source, line):
    assert (line, "calls into the machine (import ctypes)") in seen(source)


@pytest.mark.parametrize(
    "source",
    ["x = " + "+".join(["1"] * 9000), "\n".join(f"x{i} = ({i}" for i in range(300)), "# " + "a" * 500_000],
    ids=["a long sum", "open brackets", "a long word"],
)
def test_what_is_long_is_read_in_seconds(source):
    """It is read outside of the sandbox: a cell of a few kilobytes held up a whole class for an hour."""
    begun = time.process_time()
    look(source, 0)
    written._own(new_code_cell(source), set())
    assert time.process_time() - begun < 15


@pytest.mark.parametrize("source", ["x = 1\ndef f(:\n    pass", "x = 1\nfor i in", "(" * 3000, "\0"])
def test_a_cell_that_does_not_parse_is_named_as_such(source):
    found = [finding for finding in look(source, 3) if finding.kind == audit.BROKEN]
    assert len(found) == 1 and found[0].cell == 4
    assert found[0].line == (2 if "\n" in source else 1)
    assert "is not Python" in found[0].text


@pytest.mark.parametrize(
    "source", ["%matplotlib inline\nx = 1", "_x = %pwd", "%timeit x = 1", "np.pad?", "%%time\nx = 1"]
)
def test_magics_that_do_no_harm_are_nothing_to_look_at(source):
    assert look(source, 0) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("!ls", "starts programs (!ls)"),
        ("out = !cat /etc/passwd", "starts programs (!cat /etc/passwd)"),
        ("%%bash\nls", "starts programs (%bash)"),
        ("%run other.py", "runs code that does not stand here (%run)"),
        ("%timeit exec('1')", "runs text as code (exec)"),
        ("%%timeit\n\nexec('1')", "runs text as code (exec)"),
        ("get_ipython().kernel", "reaches for the notebook (get_ipython)"),
    ],
)
def test_magics_that_do_more_are_named(source, words):
    assert words in [text for _, text in seen(source)]


# --- doors --------------------------------------------------------------------------------------------------------

DOORS = {
    "torch.ops.aten.conv1d(x, w)": "calls torch's operators by name",
    "torch._C._nn.linear(x, w)": "calls torch's operators by name",
    "torch._VF.conv1d(x, w)": "calls torch's operators by name",
    "from torch import _C": "inner parts|by name",
    "from torch._C import _nn": "inner parts",
    "torch.jit.script(f)": "in another way",
    "from torch import fx": "in another way",
    "from torch.utils import cpp_extension": "makes machine code",
    "np.core.multiarray.correlate(f, g)": "reaches into NumPy",
    "np._core.numeric": "inner parts",
    "from numpy._core import multiarray": "inner parts",
    "import scipy.special._ufuncs as u": "inner parts",
    "keep = [np.convolve]": "puts a forbidden function aside",
    "from numpy import convolve\nkeep = {'c': convolve}": "puts a forbidden function aside",
    "next(map(np.convolve, [f], [g]))": "puts a forbidden function aside",
    "from functools import partial\np = partial(np.convolve, mode='full')": "puts a forbidden function aside",
    "same = F.cosine_similarity": "puts a forbidden function aside",
    "mine.__code__ = theirs.__code__": "looks inside Python's objects",
    "np.convolve.__wrapped__(f, g)": "looks inside Python's objects",
    "torch.Tensor.__dict__['conv1d']": "looks inside Python's objects",
    "getattr(f, '__globals__')": "looks inside Python's objects",
    "getattr(np, 'con' + 'volve')": "put together while it runs",
    "import operator\noperator.attrgetter('convolve')(np)": "takes a name as a text",
    "from operator import methodcaller": "takes a name as a text",
    "import types\ntypes.FunctionType(code, {})": "makes functions of code",
    "globals()['x']": "looks names up",
    "import importlib.util": "imports by name",
    "__import__('scipy')": "imports by name",
    "from importlib.machinery import SourceFileLoader": "imports by name",
    "import sys\nsys.modules['numpy']": "looks through the loaded modules",
    "import gc": "walks through Python's objects",
    "import cloudpickle": "unpacks objects",
    "import marshal": "unpacks objects",
    "import ctypes": "calls into the machine",
    "from concurrent.futures import ThreadPoolExecutor": "runs code beside",
    "import sys\nsys.setprofile(None)": "changes how calls are watched",
    "open('/usr/lib/python3/site-packages/x.py')": "names a place",
    "open(root + '/introdl/layers.py')": "names a place",
    "open('/proc/self/mem')": "names a place",
}


@pytest.mark.parametrize("source", DOORS)
def test_a_door_to_what_is_forbidden_is_named(source):
    words = [text for _, text in seen(source, FORBIDDEN)]
    assert any(one in text for one in DOORS[source].split("|") for text in words), words


def test_a_forbidden_function_that_is_called_is_left_to_the_one_who_stops_it():
    assert seen("import numpy as np\nprint(np.convolve(f, g))", FORBIDDEN) == []


def test_a_librarys_name_is_known_from_another_cell():
    known = aliases(["import numpy as numbers"])
    assert [f.text for f in look("x = [numbers.convolve]", 0, FORBIDDEN, known)] == [
        "puts a forbidden function aside (numpy.convolve)"
    ]


def test_files_beside_the_notebook_that_nobody_can_read_are_named(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mine.cpython-311.so").write_bytes(b"\x7fELF")
    (tmp_path / "photo.jpg").write_bytes(b"\x7fELFxxxx")
    (tmp_path / "old.pyc").write_bytes(b"1234")
    (tmp_path / "net.pkl").write_bytes(b"")
    (tmp_path / "mine.py").write_text("x = 1")
    (tmp_path / "numbers.csv").write_text("1,2")
    assert [finding.text for finding in look_beside(tmp_path)] == [
        "net.pkl: packed objects",
        "old.pyc: compiled Python",
        "photo.jpg: machine code",
        "sub/mine.cpython-311.so: machine code",
    ]


# --- what was changed or left out -----------------------------------------------------------------------------------


def repaired(edit):
    notebook = chapter.answered(chapter.RIGHT["97.convolve"])
    edit(notebook)
    repair.repair(notebook, chapter.released())
    return [(one.kind, one.text) for one in repair.differences(notebook)]


@pytest.fixture(autouse=True)
def _attacked_chapter(monkeypatch):
    from autograder import exercises

    load = exercises.load
    monkeypatch.setattr(exercises, "load", lambda name: chapter.ALL if name == "97" else load(name))


def test_deleted_cells_are_named():
    def delete(notebook):
        gone = ("check-97-convolve", "97-double")
        notebook.cells = [cell for cell in notebook.cells if cell.id not in gone]

    assert repaired(delete) == [
        ("cell deleted", "97-double was handed out, and is not there"),
        ("cell deleted", "check-97-convolve was handed out, and is not there"),
    ]


def test_a_cell_that_lost_its_metadata_is_not_deleted():
    def strip(notebook):
        for cell in notebook.cells:
            cell.metadata = nbformat.from_dict({})

    assert repaired(strip) == []


@pytest.mark.parametrize(
    "text",
    [
        "fine\n\n<script>fetch('/api')</script>",
        "<img src=x OnError=alert(1)>",
        "[click](javascript:alert(1))",
        "<iframe src='https://example.org'></iframe>",
        "<ScRiPt >1</sCrIpT>",
        "<svg/onload=alert(1)>",
    ],
)
def test_what_would_run_in_a_text_is_named(text):
    found = repaired(lambda notebook: notebook.cells.append(new_markdown_cell(text)))
    assert [kind for kind, _ in found] == ["html removed"]


def test_an_ordinary_text_is_nothing_to_look_at():
    text = "Only one = sign, $x < y$, the data: see <https://example.org>, *on top = best*, `<b>`."
    assert repaired(lambda notebook: notebook.cells.append(new_markdown_cell(text))) == []


@pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
def test_an_endless_answer_is_named_with_its_exercise(tmp_path):
    notebook = chapter.answered("def convolve(f, g):\n    while True: pass")
    repair.repair(notebook, chapter.released())
    with sandbox.Pool() as pool:
        limits = examiner.Limits(cell=5, notebook=60)
        found = examiner.examine(notebook, hidden(notebook, "a seed"), tmp_path, limits, pool=pool)
    assert ("time limit", "97.convolve") in [(one.kind, one.exercise) for one in found.findings]


# --- safe to print ------------------------------------------------------------------------------------------------


def test_a_strangers_words_cannot_reach_the_terminal_or_break_a_file(tmp_path, capsys):
    nasty = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\n\u202egnp.\ud83d [red]x[/red]"
    audit.record(tmp_path, "03", "ann", [audit.Finding("kind", nasty, cell=1)])
    audit.table(audit.read(tmp_path, "03"))
    printed = capsys.readouterr().out
    assert not {*"\x1b\x07\x9b\r\u202e\ud83d"} & {*printed}
    assert "[red]x[/red]" in " ".join(printed.split())


def test_a_notebook_of_one_cell_names_its_place():
    cell = new_notebook(cells=[new_code_cell("\nimport gc")]).cells[0]
    assert look(cell.source, 6)[0].where() == "cell 7, line 2"
