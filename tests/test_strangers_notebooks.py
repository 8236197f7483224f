"""Other people's notebooks: a right answer is worth its points, whatever else the notebook does."""

import copy
import itertools

import nbformat
import pytest

from autograder import exercises as exercise_bank
from autograder import sandbox
from autograder.examining import examiner
from autograder.examining.repair import repair
from introdl.checking import cells
from tests.attacks import chapter
from tests.standing import hidden

sandboxed = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
SEED = "a secret of the tests"
RIGHT = chapter.RIGHT["97.convolve"]
FULL = {"97.double": 5, "97.convolve": 10, "97.negate": 4, "97.quiz": 3}

#: Lines that people put at the top of a cell, and why the first that cannot be done is passed over ("": none is).
HABITS = {
    "inline": ("%matplotlib inline", ""),
    "notebook": ("%matplotlib notebook", ""),
    "widget": ("%matplotlib widget", ""),
    "qt": ("%matplotlib qt", ""),
    "pylab": ("%pylab inline", ""),
    "autoreload": ("%load_ext autoreload\n%autoreload 2", ""),
    "an extension that is missing": ("%load_ext tensorboard\n%tensorboard --logdir runs", "package"),
    "a magic that nobody knows": ("%nonsense 3", "magic"),
    "store": ("%store -r", "magic"),
    "store by name": ("%store -r weights\nprint(weights)", "magic"),
    "cd": ("%cd /content/drive/MyDrive", ""),
    "env": ("%env CUDA_VISIBLE_DEVICES=0", ""),
    "config": ("%config InlineBackend.figure_format = 'retina'", ""),
    "config of what is not here": ("%config Nothing.at_all = 3", ""),
    "xmode": ("%xmode Verbose\n%precision 3", ""),
    "time": ("x = %time sum(range(9))", ""),
    "timeit": ("best = %timeit -o sum(range(9))\nbest.best", ""),
    "debugger": ("%pdb on\n%debug", ""),
    "ls": ("!ls", "program"),
    "gpu": ("!nvidia-smi", "program"),
    "ls kept": ("files = !ls *.png\nfirst = files[0]", "program"),
    "pip": ("!pip install -q torchinfo", "program"),
    "pip magic": ("%pip install -q torchinfo", "program"),
    "conda": ("%conda install -y pandas", "program"),
    "wget": ("!wget -q http://example.org/a.zip && unzip a.zip", "program"),
    "several lines": ("!pip install \\\n    torchinfo", "program"),
    "subprocess": ("import subprocess\nsubprocess.run(['ls'])", "program"),
    "os.system": ("import os\nos.system('ls')", ""),
    "help": ("np?\nlen??", ""),
    "help first": ("?len", ""),
    "semicolons": ("3;", ""),
    "auto-call": ("/print 3\n,print a b", ""),
    "get_ipython": ("get_ipython().run_line_magic('matplotlib', 'inline')", ""),
    "an old get_ipython": ("get_ipython().magic('matplotlib inline')", ""),
    "Colab": ("from google.colab import drive, files, userdata, output\ndrive.mount('/content/drive')", "package"),
    "Colab's pictures": ("from google.colab.patches import cv2_imshow", "package"),
    "seaborn": ("import seaborn as sns\nsns.set_theme()", "package"),
    "one of several": ("import os, seaborn, sys", "package"),
    "tensorflow": ("import tensorflow as tf\ntf.random.set_seed(0)", "package"),
    "wandb": ("import wandb\nwandb.login()", "package"),
    "a part that is missing": ("from sklearn.datasets import load_boston", "package"),
    "tqdm": ("from tqdm.notebook import tqdm\nfor _ in tqdm(range(3)):\n    pass", ""),
    "urllib": ("import urllib.request\nurllib.request.urlretrieve('http://example.org/x', 'x')", "network"),
    "requests": ("import requests\ntext = requests.get('https://example.org').text\nprint(text)", "network"),
    "input": ("name = input('Your name? ')\nprint(name)", "person"),
    "display": ("from IPython.display import Image, display, HTML\ndisplay(HTML('<b>x</b>'), 3)", ""),
    "display alone": ("display(3)", ""),
    "widgets": ("import ipywidgets\nipywidgets.interact(lambda a: a, a=(0, 3))", ""),
    "show": ("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", ""),
    "style": ("import matplotlib.pyplot as plt\nplt.style.use('seaborn')", "file"),
    "TkAgg": ("import matplotlib\nmatplotlib.use('TkAgg')", "device"),
    "chdir": ("import os\nos.chdir('/content/drive/MyDrive')", "file"),
    "chdir to another": ("import os\nos.chdir('/tmp')", ""),
    "environment": ("import os\nos.environ['KMP_DUPLICATE_LIB_OK'] = 'True'\nkey = os.environ['MY_KEY']", "error"),
    "own data": ("rows = open('my_data.csv').read()\nprint(rows)", "file"),
    "own pictures": ("from PIL import Image\npicture = Image.open('cat.jpg').resize((3, 3))", "file"),
    "exit": ("exit()", ""),
    "quit": ("quit", ""),
    "assert": ("import os\nassert os.path.exists('my_data.csv'), 'Download it first.'", "error"),
    "await": ("import asyncio\nawait asyncio.sleep(0)", ""),
    "processes": ("from multiprocessing import Pool\nwith Pool(2) as p:\n    p.map(abs, [1, 2])", ""),
    "threads": ("import threading\nt = threading.Thread(target=print)\nt.start()", ""),
    "warnings are errors": ("import warnings\nwarnings.simplefilter('error')", ""),
    "floating errors": ("import numpy as np\nnp.seterr(all='raise')", ""),
    "shallow": ("import sys\nsys.setrecursionlimit(120)", ""),
    "print options": ("import numpy as np\nnp.set_printoptions(precision=1, suppress=True)", ""),
    "logging": ("import logging\nlogging.basicConfig(level=logging.DEBUG)\nlogging.error('x')", ""),
    "VS Code": ("#%%\n# %% [markdown]\n# text", ""),
    "a string of magic": ('text = """\n%matplotlib inline\n!ls\n"""\nassert "ls" in text', ""),
    "a magic inside": ("if True:\n    %matplotlib inline\n    !ls\n    inside = 1\nassert inside == 1", "program"),
    "breakpoint": ("breakpoint()", "person"),
    "a slip": ("total = 1 / 0\nprint(total)", "error"),
    "a chat's blanks": ("if True:\n\u00a0\u00a0\u00a0\u00a0left\u200b =\u00a01\nassert left == 1", ""),
    "a chat's quotes": ("print(\u201chello\u201d)", "syntax"),
    "what cannot be read": ("def broken(x:\n    return x", "syntax"),
    "a main guard": ("if __name__ == '__main__':\n    guarded = 1\nassert guarded", ""),
}  # fmt: skip
#: Cells of their own.
CELLS = {
    "clean start": (
        "from IPython import get_ipython\nget_ipython().run_line_magic('reset', '-sf')\nimport numpy as np",
        "",
    ),
    "time": ("%%time\nimport seaborn\nhere = 1", "package"),
    "capture": ("%%capture out\n!pip install torchinfo\nhere = 1", "program"),
    "timeit": ("%%timeit\nsum(range(9))", ""),
    "bash": ("%%bash\nls -l", "program"),
    "html": ("%%html\n<script>alert(1)</script>", ""),
    "writefile": ("%%writefile own_helper.py\ndef helper():\n    return 1", ""),
    "what runs its body": ("%%wandb\nhere = 1", ""),
    "another language": ("%%sql\nselect * from table", "magic"),
    "exit": ("import sys\nsys.exit()", ""),
    "raise": ("raise SystemExit('Stop here.')", ""),
    "prose": ("Here I explain what I did.", "syntax"),
    "tabs and spaces": ("if True:\n\tx = 1\n        y = 2", "syntax"),
    "blank": ("  \n", ""),
    "NUL": ("x = 1\x00", ""),
}


@pytest.fixture(scope="module")
def pool():
    with sandbox.Pool() as one:
        yield one


@pytest.fixture(autouse=True)
def _small_chapter(monkeypatch):
    load = exercise_bank.load
    monkeypatch.setattr(exercise_bank, "load", lambda name: chapter.ALL if name == "97" else load(name))


def examined(notebook, pool, folder):
    repair(notebook, chapter.released())
    return examiner.examine(notebook, hidden(notebook, SEED), folder, examiner.Limits(cell=30), pool=pool)


def points(found):
    return {id: verdict.earned for id, verdict in found.verdicts.items()}


def by_id(notebook, id):
    return next(cell for cell in notebook.cells if cell.id == id)


def answered_without_imports():
    """The chapter's right answers, which lean on the cell of imports."""
    notebook = chapter.answered(chapter.RIGHT["97.convolve"])
    for cell in notebook.cells:
        if not cell.id.startswith(("setup", "check")):
            cell.source = cell.source.replace("import numpy as np\n", "")
    return notebook


@sandboxed
@pytest.mark.parametrize("name", HABITS, ids=lambda name: name.replace(" ", "-"))
def test_a_habit_at_the_top_of_a_cell_costs_nothing_and_is_told(name, pool, tmp_path):
    habit, reason = HABITS[name]
    notebook = answered_without_imports()
    for id in ("setup", "97-convolve"):
        cell = by_id(notebook, id)
        cell.source = f"{habit}\n{cell.source}"
    found = examined(notebook, pool, tmp_path)
    assert points(found) == FULL, found
    told = [one.text for one in found.findings if one.kind == "passed over"]
    assert (cells.REASONS[reason] in told) if reason else not told
    assert bool(found.notes) == bool(reason)
    for id in ("setup", "97-convolve"):
        shown = "".join(output.get("text", "") for output in by_id(notebook, id).outputs)
        assert ("Passed over: line" in shown) == bool(reason)


@sandboxed
@pytest.mark.parametrize("name", CELLS, ids=lambda name: name.replace(" ", "-"))
def test_a_cell_of_ones_own_costs_nothing(name, pool, tmp_path):
    source, reason = CELLS[name]
    notebook = answered_without_imports()
    notebook.cells.insert(1, nbformat.v4.new_code_cell(source))
    notebook.cells.append(nbformat.v4.new_code_cell(source))
    found = examined(notebook, pool, tmp_path)
    assert points(found) == FULL, found
    told = [one.text for one in found.findings if one.kind == "passed over"]
    assert (cells.REASONS[reason] in told) if reason else not told


@sandboxed
@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%prun", "%%wandb"])
def test_an_answer_below_a_magic_for_its_cell_counts(magic, pool, tmp_path):
    notebook = answered_without_imports()
    for id in ("97-convolve", "97-quiz", "setup"):
        by_id(notebook, id).source = f"{magic}\nimport seaborn\n{by_id(notebook, id).source}"
    found = examined(notebook, pool, tmp_path)
    assert points(found) == FULL
    assert found.notes[0] == f"Cell 1 was run without line 2 ({cells.REASONS['package']})."


# --- cells moved, copied, split, lost ---------------------------------------------------------------------------------


def _at(notebook, id):
    return next(at for at, cell in enumerate(notebook.cells) if cell.id == id)


def _new(notebook, place, source, kind=nbformat.v4.new_code_cell):
    at = place if isinstance(place, int) else _at(notebook, place)
    notebook.cells.insert(at, kind(source))


def _untouched(notebook, id):
    by_id(notebook, id).source = by_id(chapter.released(), id).source


def moved_before_its_stub(notebook):
    _untouched(notebook, "97-convolve")
    _new(notebook, 0, RIGHT)


def moved_below_everything(notebook):
    _untouched(notebook, "97-convolve")
    _new(notebook, len(notebook.cells), RIGHT)


def below_its_check_and_leaning_on_imports_below_it(notebook):
    _untouched(notebook, "97-convolve")
    notebook.cells.append(notebook.cells.pop(_at(notebook, "97-convolve")))
    _new(notebook, len(notebook.cells), f"import numpy.linalg as la\n{RIGHT}")


def leaning_on_what_is_imported_later(notebook):
    cell = by_id(notebook, "97-convolve")
    cell.source = cell.source.replace("import numpy as np\n", "").replace("(f, g):", "(f, g, kind=math.inf):")
    _new(notebook, len(notebook.cells), "import math\nimport numpy as np")


def two_versions_the_last_one_right(notebook):
    _new(notebook, "97-convolve", "def convolve(f, g):\n    return f")


def corrected_below_its_check(notebook):
    by_id(notebook, "97-convolve").source = "def convolve(f, g):\n    return f"
    _new(notebook, len(notebook.cells), RIGHT)


def an_old_try_below(notebook):
    _new(notebook, len(notebook.cells), "def convolve(f, g):\n    return f")


def a_stub_below_a_finished_copy(notebook):
    stub = copy.deepcopy(by_id(chapter.released(), "97-convolve"))
    notebook.cells.insert(_at(notebook, "check-97-convolve"), stub)


def a_stub_without_marks_below_it(notebook):
    _new(notebook, "check-97-convolve", by_id(chapter.released(), "97-convolve").source)


def check_cell_deleted(notebook):
    notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith("check")]


def check_cell_edited(notebook):
    by_id(notebook, "check-97-convolve").source = "check('97.convolve', convolve)  # passed!"


def answer_in_its_check_cell(notebook):
    _untouched(notebook, "97-convolve")
    cell = by_id(notebook, "check-97-convolve")
    cell.source = f"{RIGHT}\n{cell.source}"


def merged_with_its_check(notebook):
    check = notebook.cells.pop(_at(notebook, "check-97-convolve"))
    by_id(notebook, "97-convolve").source += f"\n\n{check.source}"


def merged_into_one(notebook):
    code = "\n\n".join(cell.source for cell in notebook.cells)
    notebook.cells = [nbformat.v4.new_code_cell(code)]


def split_into_lines_of_its_own(notebook):
    source = by_id(notebook, "97-convolve").source
    head, body = source.split("\n", 1)
    by_id(notebook, "97-convolve").source = body
    _new(notebook, "97-convolve", head)


def in_the_opposite_order(notebook):
    notebook.cells = notebook.cells[::-1]


def marks_and_ids_lost(notebook):
    for cell in notebook.cells:
        cell.metadata.clear()
        cell.id = nbformat.v4.new_code_cell("").id


def marks_turned_into_nonsense(notebook):
    for cell in notebook.cells:
        cell.metadata["nbgrader"] = "yes"


def turned_into_text_and_raw(notebook):
    for id, kind in (("97-convolve", "markdown"), ("97-double", "raw"), ("check-97-convolve", "markdown")):
        cell = by_id(notebook, id)
        cell.cell_type = kind
        del cell["outputs"], cell["execution_count"]


def as_a_lambda(notebook):
    by_id(notebook, "97-double").source = "double = lambda x: 2 * x"


def as_a_class(notebook):
    source = "class Double:\n    def __call__(self, x):\n        return 2 * x\n    @staticmethod\n    def of(x):\n        return 2 * x"
    by_id(notebook, "97-double").source = f"{source}\ndouble = Double()\ndouble = Double.of"


def as_a_partial(notebook):
    by_id(notebook, "97-double").source = "import functools, operator\ndouble = functools.partial(operator.mul, 2)"


def in_a_file_written_by_a_cell(notebook):
    by_id(notebook, "97-double").source = "import own_helper\nfrom own_helper import double"
    _new(notebook, 0, "%%writefile own_helper.py\ndef double(x):\n    return 2 * x")


def run_from_a_file(notebook):
    by_id(notebook, "97-double").source = "%run own_helper.py"
    _new(notebook, 0, "%%file own_helper.py\ndef double(x):\n    return 2 * x")


def in_a_file_beside_it(notebook):
    by_id(notebook, "97-double").source = "from beside import *"


def with_type_hints_of_a_missing_package(notebook):
    source = by_id(notebook, "97-convolve").source.replace("(f, g)", '(f: Float[Array, "n"], g: "Vec") -> Float')
    by_id(notebook, "97-convolve").source = f"from jaxtyping import Float, Array\n{source}"


def with_decorators_of_a_missing_package(notebook):
    source = by_id(notebook, "97-convolve").source.replace("def conv", "@njit\n@numba.jit(nopython=True)\ndef conv")
    by_id(notebook, "97-convolve").source = f"import numba\nfrom numba import njit\n{source}"


def with_a_base_class_of_a_missing_package(notebook):
    by_id(
        notebook, "97-double"
    ).source = "import lightning as L\nclass Twice(L.LightningModule):\n    def of(self, x):\n        return 2 * x\ndouble = Twice().of"


def with_a_decorator_of_its_own(notebook):
    by_id(notebook, "97-double").source = (
        "import functools\ndef loud(f):\n    @functools.wraps(f)\n    def inner(*a):\n        print(a)\n        return f(*a)\n"
        "    return inner\n@loud\n@functools.lru_cache if False else loud\ndef double(x):\n    return 2 * x"
    )


def with_line_ends_of_other_systems(notebook):
    for cell, end in zip(notebook.cells, itertools.cycle(["\r\n", "\r"])):
        cell.source = cell.source.replace("\n", end)


STRUCTURES = [
    *(moved_before_its_stub, moved_below_everything, below_its_check_and_leaning_on_imports_below_it),
    *(leaning_on_what_is_imported_later, two_versions_the_last_one_right, corrected_below_its_check, an_old_try_below),
    *(a_stub_below_a_finished_copy, a_stub_without_marks_below_it, check_cell_deleted, check_cell_edited),
    *(answer_in_its_check_cell, merged_with_its_check, merged_into_one, split_into_lines_of_its_own),
    *(in_the_opposite_order, marks_and_ids_lost, marks_turned_into_nonsense, turned_into_text_and_raw, as_a_lambda),
    *(as_a_class, as_a_partial, in_a_file_written_by_a_cell, run_from_a_file, in_a_file_beside_it),
    *(with_type_hints_of_a_missing_package, with_decorators_of_a_missing_package),
    *(with_a_base_class_of_a_missing_package, with_a_decorator_of_its_own, with_line_ends_of_other_systems),
]


@sandboxed
@pytest.mark.parametrize("change", STRUCTURES, ids=lambda change: change.__name__.replace("_", "-"))
def test_an_answer_counts_wherever_and_however_it_stands(change, pool, tmp_path):
    (tmp_path / "beside.py").write_text("def double(x):\n    return 2 * x")
    notebook = chapter.answered(chapter.RIGHT["97.convolve"])
    change(notebook)
    found = examined(notebook, pool, tmp_path)
    assert points(found) == FULL, found
    assert by_id(notebook, "check-97-convolve").source == by_id(chapter.released(), "check-97-convolve").source
