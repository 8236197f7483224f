"""Other people's notebooks: a right answer is worth its points, whatever else the notebook does."""

import copy
import itertools
import json
import os
import shutil

import nbformat
import pytest
from nbgrader.utils import determine_grade

from autograder import exercises as exercise_bank
from autograder import grading, sandbox
from autograder.authoring import release
from autograder.classroom import Classroom
from autograder.errors import NotJudged
from autograder.examining import audit, examiner, reading
from autograder.examining.repair import prepared, repair
from autograder.examining.worker_client import Died, WorkerClient
from autograder.grading import job as jobs
from introdl.checking import cells
from introdl.checking.outcome import Outcome
from tests import classwork
from tests import small_class as small
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
    "pylab alone": ("%pylab", ""),
    "where am I": ("here = %pwd\nassert here.strip()", ""),
    "which files": ("first, second = !ls", "program"),
    "many commands": ("%who\n%history\n%lsmagic\n%colors linux\n%autocall 1\n%pprint\n%automagic", ""),
    "commands of the system": ("%ls\n%sx ls\n!!ls\nx = %system ls", "program"),
    "Colab's upload": ("from google.colab import files\nfor name in files.upload().keys():\n    print(name)", "package"),
    "Colab or not": ("try:\n    import google.colab\nexcept ImportError:\n    at_home = True\nassert at_home", ""),
    "Kaggle": ("import os\nfor where, _, names in os.walk('/kaggle/input'):\n    for name in names:\n        print(name)", ""),
    "plotly": ("import plotly.express as px\npx.scatter(x=[1], y=[2]).show()", "package"),
    "OpenCV": ("import cv2\npicture = cv2.cvtColor(cv2.imread('x.png'), cv2.COLOR_BGR2RGB)\nprint(picture.shape)", "package"),
    "a missing package as a value": ("import cupy\nx = cupy.zeros(3) + 1\nprint(x)", "package"),
    "openml": ("from urllib.request import urlopen\ndata = urlopen('https://example.org/data.csv').read()", "network"),
    "password": ("import getpass\nkey = getpass.getpass()", "person"),
    "pdb": ("import pdb; pdb.set_trace()", "person"),
    "future": ("from __future__ import annotations", ""),
    "a return": ("x = 1\nreturn x\nassert x", "syntax"),
    "Python 2": ("print 'hello'", "syntax"),
    "a chat's minus": ("x = 3 \u2212 1", "syntax"),
    "a chat's fences": ("```python\nx = 1\n```", "syntax"),
    "a merge": ("<<<<<<< HEAD\nx = 2\n=======\nx = 3\n>>>>>>> other", "syntax"),
    "a prompt": (">>> x = 1\n>>> assert x", ""),
    "a diff": ("x = (1, 2\ny = 3", "syntax"),
    "moved to the right": ("  x = 1\n  y = 2\n", "syntax"),
    "half a character": ("face = '\ud83d'", ""),
    "form feed": ("\x0cx = 1", ""),
    "deep": ("import sys\nsys.setrecursionlimit(10**9)", ""),
    "an alarm": ("import signal\nsignal.alarm(2)", ""),
    "a busy thread": ("import threading\ndef spin():\n    while True: pass\nthreading.Thread(target=spin, daemon=True).start()", ""),
    "print rebound": ("print = lambda *a, **k: None\ndisplay = None", ""),
    "names of Python's": ("sum = max = min = all = any = abs = 3\nfilter = hash = id = input = 'x'", ""),
    "NumPy's names": ("from numpy import *\nfrom math import *", ""),
    "deleted": ("x = 1\ndel x\ndel nothing", "error"),
    "an annotation that is missing": ("import jaxtyping as j\ndef draw(a: j.Float[j.Array, 'n']) -> j.Float: ...\ndraw(1)", "package"),
    "output to a file": ("import sys\nsys.stdout = open('log.txt', 'w')\nsys.stderr = None", ""),
    "paths": ("import sys\nsys.path = ['/content']\nsys.argv = ['x', '--y']", ""),
    "no folder": ("import os, tempfile\nfolder = tempfile.mkdtemp()\nos.chdir(folder)\nos.rmdir(folder)", ""),
    "environment cleared": ("import os\nos.environ.clear()", ""),
    "an odd error": ("class E(BaseException):\n    def __str__(self): raise ValueError\nraise E", "error"),
    "interrupted": ("raise KeyboardInterrupt", "error"),
    "where it lies": ("import os\nhere = os.path.dirname(__file__)", "error"),
    "locale": ("import locale\nlocale.setlocale(locale.LC_ALL, 'xx_XX')", "error"),
    "much text": ("for _ in range(20_000):\n    print('x' * 100)", ""),
    "many figures": ("import matplotlib.pyplot as plt\nplt.rcParams['text.usetex'] = True\nfor _ in range(25):\n    plt.figure()", ""),
    "an answer tried": ("import ipywidgets\nipywidgets.interact(lambda a: double(a), a=(0, 3))", ""),
    "tries at the top": ("print(double(3), convolve(1, 2))", None),
    "Windows' line ends": ("x = 1\r\nif x:\r\n    y = 2\r\n", ""),
    "twice the same argument": ("def twice(a, a):\n    return a", "syntax"),
    "what only a compiler minds": ("def inner():\n    x = 1\n    global x\ndef star():\n    from math import *", "syntax"),
    "a sum of a thousand terms": (f"total = {'+'.join(['1'] * 900)}", ""),
    "a longer one": (f"total = {'+'.join(['1'] * 3000)}", None),  # Python itself reads it since 3.12
    "ends of lines that are none": ("def inner():  # a\u2028b\x0cc\x85d\n    return 1\nassert inner()\nx = (1", "syntax"),
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
    "run": ("%run nothing.py", ""),
    "writefile and run": ("%%file tool.py\ntool = 1", ""),
    "shell": ("%%sh\npip install x", "program"),
    "capture of an output": ("%%capture out\nprint('hidden')\nkept = 1", ""),
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


def examined(notebook, pool, folder, seconds=30.0):
    repair(notebook, chapter.released())
    return examiner.examine(notebook, hidden(notebook, SEED), folder, examiner.Limits(cell=seconds), pool=pool)


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
    if reason is None:  # it depends on where it stands
        return
    assert (cells.REASONS[reason] in told) if reason else not told
    assert bool(found.notes) == bool(reason)
    for id in ("setup", "97-convolve"):
        shown = str([output.get("data") for output in by_id(notebook, id).outputs])
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


def with_an_endless_training_below_it(notebook):
    by_id(notebook, "97-convolve").source += "\nwhile True:\n    convolve(np.ones(3), np.ones(3))"


def with_a_server_below_it(notebook):
    by_id(notebook, "97-convolve").source += "\nimport threading\nthreading.Event().wait()"


def with_an_end_of_its_process_below_it(notebook):
    by_id(notebook, "97-double").source = "import os\nfactor = 2\ndef double(x):\n    return factor * x\nos._exit(0)"


def for_another_kernel(notebook):
    notebook.metadata.kernelspec = {"name": "ir", "display_name": "<b>R</b>", "language": "R"}
    notebook.metadata.language_info = {"name": "R", "pygments_lexer": "nonsense", "mimetype": None}
    for cell in notebook.cells:
        cell.metadata |= {"tags": ["skip-execution", "demo", 3], "vscode": {"languageId": "r"}, "editable": "no"}


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
    *(with_an_endless_training_below_it, with_a_server_below_it, with_an_end_of_its_process_below_it),
    *(
        for_another_kernel,
        in_the_opposite_order,
        marks_and_ids_lost,
        marks_turned_into_nonsense,
        turned_into_text_and_raw,
        as_a_lambda,
    ),
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
    found = examined(notebook, pool, tmp_path, 1.5 if "below_it" in change.__name__ else 30.0)
    assert points(found) == FULL, found
    assert by_id(notebook, "check-97-convolve").source == by_id(chapter.released(), "check-97-convolve").source


# --- files ------------------------------------------------------------------------------------------------------------

ANSWERS = {id: small.RIGHT[id][0] for id in ("03.output_size", "03.pad")}
NAME = small.NAME


def _finished(room):
    notebook = classwork.released(room, NAME)
    for cell in notebook.cells:
        cell.source = next((text for id, text in ANSWERS.items() if cell.id == release.grade_id(id)), cell.source)
    return notebook


def _text(room, **changes):
    return json.dumps({**json.loads(nbformat.writes(_finished(room))), **changes})


def _put(folder, content, name=f"{NAME}.ipynb"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _blank(room):
    return nbformat.writes(classwork.released(room, NAME))


def _with_outputs(room, outputs):
    notebook = json.loads(_text(room))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = outputs
    return json.dumps(notebook)


def _in_format_3(room):
    notebook = nbformat.convert(_finished(room), 3)
    return json.dumps(notebook)


def _in_format_4_0(room):
    notebook = json.loads(_text(room, nbformat_minor=0))
    for cell in notebook["cells"]:
        del cell["id"]
    return json.dumps(notebook)


def _careless(room):
    """As a script of someone's writes it: no metadata, no outputs, source as lines or None."""
    cells = [
        {"cell_type": cell.cell_type, "source": cell.source.splitlines(True) or None} for cell in _finished(room).cells
    ]
    return json.dumps({"cells": [*cells, {"cell_type": "heading", "source": []}]})


def _halves(room):
    notebook = json.loads(_text(room))
    notebook["metadata"]["title"] = "half \ud83d"
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and not cell["id"].startswith("check"):
            cell["source"] += "\nface = '\ud83d'  # \ude00"
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "\ud83d"}]
        cell["metadata"]["mood"] = "\ud83d"
    notebook["cells"].append({"cell_type": "raw", "metadata": {}, "source": "\ud83d\ude00 \ud83d"})
    return json.dumps(notebook)


WIDGETS = {"widgets": {"application/vnd.jupyter.widget-state+json": {"version_major": 2}}}
PICTURE = [{"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 5_000_000}}]
#: What is written into a student's folder for the assignment, and a word of the note ("": there is none).
FILES = {
    "as it is": (lambda f, r: _put(f, _text(r)), ""),
    "BOM": (lambda f, r: _put(f, b"\xef\xbb\xbf" + _text(r).encode()), ""),
    "UTF-16": (lambda f, r: _put(f, _text(r).encode("utf-16")), ""),
    "UTF-16 LE": (lambda f, r: _put(f, _text(r).encode("utf-16-le")), ""),
    "UTF-16 BE": (lambda f, r: _put(f, _text(r).encode("utf-16-be")), ""),
    "latin-1": (lambda f, r: _put(f, nbformat.writes(_finished(r)).replace("Why", "W\u00fc").encode("latin-1")), ""),
    "zeros at the end": (lambda f, r: _put(f, _text(r) + "\x00" * 99), ""),
    "NaN": (lambda f, r: _put(f, _text(r, metadata={"loss": float("nan")})), ""),
    "no metadata": (lambda f, r: _put(f, _text(r, metadata=None)), ""),
    "halves of characters": (lambda f, r: _put(f, _halves(r)), ""),
    "widgets without a state": (lambda f, r: _put(f, _text(r, metadata=WIDGETS)), ""),
    "20 MB of outputs": (lambda f, r: _put(f, _with_outputs(r, PICTURE)), ""),
    "outputs of another kind": (lambda f, r: _put(f, _with_outputs(r, [{"output_type": "update"}])), ""),
    "format 3": (lambda f, r: _put(f, _in_format_3(r)), ""),
    "format 4.0": (lambda f, r: _put(f, _in_format_4_0(r)), ""),
    "format 4.9": (lambda f, r: _put(f, _text(r, nbformat_minor=9)), ""),
    "a careless script": (lambda f, r: _put(f, _careless(r)), ""),
    "Jupyter's copy": (lambda f, r: (_put(f, _blank(r)), _put(f, _text(r), f"{NAME}-Copy1.ipynb")), "Copy1.ipynb', for"),
    "a browser's copy": (lambda f, r: (_put(f, _blank(r)), _put(f, _text(r), f"{NAME} (1).ipynb")), "(1).ipynb', for"),
    "final": (lambda f, r: (_put(f, _blank(r)), _put(f, _text(r), f"{NAME}_final.ipynb")), "_final.ipynb', for"),
    "in German": (lambda f, r: _put(f, _text(r), f"Kopie von {NAME}.ipynb"), "It was handed in as 'Kopie von"),
    "renamed": (lambda f, r: _put(f, _text(r), "my work.ipynb"), "It was handed in as 'my work.ipynb'."),
    "letter case": (lambda f, r: _put(f, _text(r), "03_Convolution.IPYNB"), "It was handed in as '03_Convolution.IPYNB'."),
    "a copy beside what cannot be read": (
        lambda f, r: (_put(f, "{"), _put(f, _text(r), "saved.ipynb")),
        "It was handed in as 'saved.ipynb', for 03_convolution.ipynb cannot be read.",
    ),
    "an untouched copy": (lambda f, r: (_put(f, _text(r)), _put(f, _blank(r), f"{NAME}-Copy1.ipynb")), ""),
    "another finished one": (
        lambda f, r: (_put(f, _text(r)), _put(f, _text(r).replace("padding", "p"), "old.ipynb")),
        "Beside it lies 'old.ipynb', worked on too and not graded.",
    ),
    "the same twice": (lambda f, r: [_put(f, _text(r), name) for name in ("a.ipynb", "b.ipynb")], "handed in as 'a.ipynb'"),
    "checkpoints": (lambda f, r: (_put(f, _text(r)), _put(f, "{", f".ipynb_checkpoints/{NAME}-checkpoint.ipynb")), ""),
    "one folder too deep": (lambda f, r: _put(f / "Abgabe", _text(r)), "It lay in 03_convolution/Abgabe/."),
    "a folder of the same name": (lambda f, r: _put(f / NAME, _text(r)), "It lay in 03_convolution/03_convolution/."),
    "one folder too few": (lambda f, r: _put(f.parent, _text(r)), ", not in "),
    "above its empty folder": (lambda f, r: (_put(f, "x", "notes.txt"), _put(f.parent, _text(r))), ", not in "),
    "a folder in capitals": (lambda f, r: _put(f.parent / NAME.upper(), _text(r)), "It lay in 03_CONVOLUTION/."),
    "an editor's lock": (lambda f, r: (_put(f, _text(r)), (f / ".#x").symlink_to("ada@host.12:3")), "Left out"),
    "a link to data": (lambda f, r: (_put(f, _text(r)), (f / "data").symlink_to("/nowhere/at/all")), "Left out"),
    "git": (lambda f, r: (_put(f, _text(r)), _put(f, "ref: x", ".git/HEAD"), _put(f, b"\x00", "__pycache__/a.pyc")), ""),
    "a name of no language": (lambda f, r: (_put(f, _text(r)), _put(f, "x", os.fsdecode(b"\xff\xfe.txt"))), "Left out"),
    "anna [late]": (lambda f, r: _put(f, _text(r)), ""),
    "d$HOME": (lambda f, r: _put(f, _text(r)), ""),
    "what? why* {a,b} ~": (lambda f, r: _put(f, _text(r)), ""),
    "M\u00fcller": (lambda f, r: _put(f, _text(r)), ""),
    "Mu\u0308ller-Lu\u0308d": (lambda f, r: _put(f, _text(r)), ""),
}  # fmt: skip
#: What is not graded, and says what is wrong and what to do.
REFUSED = {
    "a comma too many": (lambda f, r: _put(f, _text(r)[:-1] + ",}"), "unreadable", "There is a comma too many before it."),
    "more at its end": (lambda f, r: _put(f, _text(r) + '"x"}'), "unreadable", "The notebook is complete before it"),
    "cut short": (lambda f, r: _put(f, _text(r)[:900]), "unreadable", "It breaks off there"),
    "empty": (lambda f, r: _put(f, " \n"), "unreadable", "It is empty."),
    "a web page": (lambda f, r: _put(f, "<!DOCTYPE html><html>"), "unreadable", "but a web page"),
    "a merge": (lambda f, r: _put(f, f"<<<<<<< HEAD\n{_text(r)}"), "unreadable", "both sides of a merge"),
    "in a zip": (lambda f, r: _put(f, b"PK\x03\x04", "Abgabe.zip"), "missing", "There is 'Abgabe.zip': unpack it there"),
    "nothing": (lambda f, r: _put(f, "hello", "readme.txt"), "missing", "There is no 03_convolution.ipynb."),
    "two finished ones": (
        lambda f, r: (_put(f, _blank(r)), _put(f, _text(r), "a.ipynb"), _put(f, _text(r).replace("np.", "numpy."), "b.ipynb")),
        "failed",
        "is as it was handed out, and 'a.ipynb' and 'b.ipynb' could be it. Keep one of them",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """A class of which everybody hands in something else, graded twice: its room, and the results of both times."""
    if sandbox.trouble():
        pytest.skip(sandbox.trouble())
    folder = tmp_path_factory.mktemp("class")
    small.make(folder / "plain").root.rename(folder / "Herbst 2026 [A] d$HOME \u00fc")
    room = Classroom.open(folder / "Herbst 2026 [A] d$HOME \u00fc")
    for student, (write, *_) in (FILES | REFUSED).items():
        folder = room.root / "submitted" / student / NAME
        folder.parent.mkdir(parents=True)
        if student != "a folder in capitals":
            folder.mkdir()
        write(folder, room)
        if not any(folder.glob("*")) and student == "one folder too few":
            folder.rmdir()
    first = {one.student: one for one in grading.grade(room, NAME, [], count=1)}
    again = {one.student: one for one in grading.grade(room, NAME, [], count=1)}
    return room, first, again


@pytest.mark.parametrize("student", FILES)
def test_a_right_answer_counts_whatever_its_file_is_like(student, strangers):
    room, first, again = strangers
    said = FILES[student][1]
    assert (first[student].state, first[student].score) == ("graded", 16.0), first[student]
    assert said in first[student].note and bool(said) == bool(first[student].note), first[student].note
    assert (again[student].state, again[student].score, again[student].note) == ("unchanged", 16.0, first[student].note)


@pytest.mark.parametrize("student", REFUSED)
def test_what_cannot_be_graded_says_why_and_what_to_do(student, strangers):
    _, first, again = strangers
    _, state, said = REFUSED[student]
    for result in (first[student], again[student]):
        assert result.state == state and said in result.note, result


def test_a_name_is_found_however_its_umlaut_is_written(strangers):
    room, *_ = strangers
    for asked in ("Mu\u0308ller", "M\u00fcller-L\u00fcd"):
        (result,) = grading.grade(room, NAME, [asked], count=1)
        assert result.score == 16.0


def test_the_wrong_chapters_notebook_is_said(strangers):
    room, *_ = strangers
    notebook = _finished(room)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.grade_id = cell.metadata.nbgrader.grade_id.replace("03-", "04-")
    classwork.hand_in(room, "wrong chapter", NAME, notebook)
    (result,) = grading.grade(room, NAME, ["wrong chapter"], count=1)
    assert "Its graded cells are those of chapter 04: it may be the wrong notebook." in result.note


def test_feedback_and_audit_of_such_a_class_are_written(strangers, tmp_path):
    shutil.copytree(
        strangers[0].root, tmp_path / "class", symlinks=True
    )  # in a folder with brackets nbgrader makes none
    room = Classroom.open(tmp_path / "class")
    pages = grading.feedback(room, NAME, ["halves of characters", "widgets without a state", "in German"])
    assert len(pages) == 3 and all(page.stat().st_size > 1000 for page in pages)
    seen = audit.read(room.root, NAME)
    assert [one.text for one in seen["an editor's lock"]] == [".#x"]


# --- written answers --------------------------------------------------------------------------------------------------

WORDS = "So that edges count as often as the middle."
NEW = nbformat.v4.new_markdown_cell


def _essay(notebook):
    return _at(notebook, "03-essay")


def _cut_essay(notebook):
    return notebook.cells.pop(_essay(notebook))


def _lose_marks(cell):
    cell.metadata.clear()
    cell.id = "lost"


#: What was done to a notebook whose essay is blank, and whether somebody wrote.
WRITTEN = {
    "in its place": (lambda nb: nb.cells[_essay(nb)].update(source=WORDS), True),
    "below the question": (lambda nb: nb.cells[_essay(nb)].update(source=f"Why pad?\n\n{WORDS}"), True),
    "deleted and written again": (lambda nb: (_cut_essay(nb), nb.cells.append(NEW(WORDS))), True),
    "marks lost": (lambda nb: (nb.cells[_essay(nb)].update(source=WORDS), _lose_marks(nb.cells[_essay(nb)])), True),
    "all marks lost": (lambda nb: (nb.cells[_essay(nb)].update(source=WORDS), [*map(_lose_marks, nb.cells)]), True),
    "below the untouched cell": (lambda nb: nb.cells.append(NEW(WORDS)), True),
    "above it": (lambda nb: nb.cells.insert(_essay(nb), NEW(WORDS)), True),
    "far from it": (lambda nb: nb.cells.insert(0, NEW(WORDS)), True),
    "an empty copy after it": (
        lambda nb: (nb.cells.append(copy.deepcopy(nb.cells[_essay(nb)])), nb.cells[_essay(nb)].update(source=WORDS)),
        True,
    ),
    "as raw text": (lambda nb: nb.cells.append(nbformat.v4.new_raw_cell(WORDS)), True),
    "turned into code": (lambda nb: nb.cells.append(nbformat.v4.new_code_cell(WORDS)), True),
    "as comments": (lambda nb: nb.cells.append(nbformat.v4.new_code_cell(f"# {WORDS}\n# Yes.")), True),
    "as a string": (lambda nb: nb.cells.append(nbformat.v4.new_code_cell(f'"""{WORDS}"""')), True),
    "under a magic": (lambda nb: nb.cells.append(nbformat.v4.new_code_cell(f"%%markdown\n{WORDS}")), True),
    "its kind turned": (
        lambda nb: nb.cells[_essay(nb)].update(cell_type="code", source=WORDS, outputs=[], execution_count=None),
        True,
    ),
    "in another script": (lambda nb: nb.cells.append(NEW("因为边缘像素很重要")), True),
    "nobody wrote": (lambda nb: None, False),
    "deleted": (_cut_essay, False),
    "emptied": (lambda nb: nb.cells[_essay(nb)].update(source=" \n\n"), False),
    "a blank more": (lambda nb: nb.cells[_essay(nb)].update(source="YOUR ANSWER HERE  \r\n\n"), False),
    "a rule": (lambda nb: nb.cells.append(NEW("---\n\n&nbsp;"[:5])), False),
    "ours copied": (lambda nb: nb.cells.append(NEW("Given text.  It is ours.\n\nYOUR ANSWER HERE")), False),
    "code of one's own": (lambda nb: nb.cells.append(nbformat.v4.new_code_cell("# n = 3\nprint(n)\nfor x in:")), False),
    "a commented line": (lambda nb: nb.cells.append(nbformat.v4.new_code_cell("# x = conv2d(image, kernel)")), False),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_a_written_answer_waits_for_a_person_who_sees_it(name, strangers, tmp_path):
    room, *_ = strangers
    change, wrote = WRITTEN[name]
    notebook = _finished(room)
    notebook.cells.insert(1, NEW("Given text. It is ours."))
    released = classwork.released(room, NAME)
    released.cells.insert(1, NEW("Given text. It is ours."))
    change(notebook)
    content = reading.write(reading.read(nbformat.writes(notebook).encode()))
    nb = prepared(content, nbformat.writes(released).encode())
    essay = next(cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "03-essay")
    waits = determine_grade(essay)[0] is None
    assert waits is wrote and essay.cell_type == "markdown"
    assert not wrote or any(words in essay.source for words in (WORDS, "因为边缘像素很重要"))


def test_both_halves_of_a_written_answer_are_shown(strangers):
    room, *_ = strangers
    notebook = _finished(room)
    second = copy.deepcopy(notebook.cells[_essay(notebook)])
    notebook.cells[_essay(notebook)].source = "First, edges."
    second.source = "Second, shapes."
    notebook.cells += [NEW("And third, depth."), second]
    nb = prepared(
        reading.write(reading.read(nbformat.writes(notebook).encode())),
        nbformat.writes(classwork.released(room, NAME)).encode(),
    )
    shown = [cell.source for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "03-essay"]
    assert len(shown) == 1 and all(
        words in shown[0] for words in ("First, edges.", "And third, depth.", "Second, shapes.")
    )


def test_what_was_passed_over_is_told_in_the_table_each_time(strangers):
    room, *_ = strangers
    notebook = _finished(room)
    notebook.cells[0].source = f"!pip install x\n{notebook.cells[0].source}\n%matplotlib inline"
    classwork.hand_in(room, "habits", NAME, notebook)
    for state in ("graded", "unchanged"):
        (result,) = grading.grade(room, NAME, ["habits"], count=1)
        assert (result.state, result.score) == (state, 16.0)
        assert result.note == f"Cell 1 was run without line 1 ({cells.REASONS['program']})."
    graded = nbformat.read(room.root / "autograded" / "habits" / NAME / f"{NAME}.ipynb", as_version=4)
    assert "Passed over: line 1" in graded.cells[0].outputs[-1]["data"]["text/plain"]
    assert [one.line for one in audit.read(room.root, NAME)["habits"] if one.kind == "passed over"] == [1]


def test_what_was_written_elsewhere_is_told_in_the_table_and_waits(strangers):
    room, *_ = strangers
    notebook = _finished(room)
    _cut_essay(notebook)
    notebook.cells.append(NEW(WORDS))
    classwork.hand_in(room, "essayist", NAME, notebook)
    (result,) = grading.grade(room, NAME, ["essayist"], count=1)
    assert result.open and result.score == 16.0
    assert "Written answer 03-essay shows what was written in cell" in result.note
    (again,) = grading.grade(room, NAME, ["essayist"], count=1)
    assert (again.state, again.note) == ("unchanged", result.note)
    graded = nbformat.read(room.root / "autograded" / "essayist" / NAME / f"{NAME}.ipynb", as_version=4)
    assert any(WORDS in cell.source for cell in graded.cells if cell.metadata.get("nbgrader", {}).get("grade"))


# --- the grader's own trouble -----------------------------------------------------------------------------------------


def _dying(monkeypatch, method, times, death):
    """Let the first calls of a worker's method end its process."""
    whole, left = getattr(WorkerClient, method), [times]

    def dies(self, *args, **kwargs):
        if left[0] and "Killed" in str(args[0]) + str(getattr(args[0], "names", "")):
            left[0] -= 1
            self.stop()
            raise death
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(WorkerClient, method, dies)


LOST = Died("the system stopped its process (SIGKILL)", "killed")


def _with_a_cell_that_is_hit(notebook):
    _new(notebook, "97-convolve", "# Killed\nhere = 1")
    by_id(notebook, "97-convolve").source += "\nassert here"
    return notebook


@sandboxed
@pytest.mark.parametrize("death", [LOST, Died("its process ended", "ended"), Died("it sent damaged data", "damaged")])
def test_a_cell_whose_process_was_lost_is_run_once_more(death, pool, tmp_path, monkeypatch):
    _dying(monkeypatch, "run_cell", 1, death)
    notebook = _with_a_cell_that_is_hit(chapter.answered(RIGHT))
    found = examined(notebook, pool, tmp_path)
    assert points(found) == FULL and not found.notes


@sandboxed
def test_a_cell_that_ends_its_process_each_time_is_left_out(pool, tmp_path):
    notebook = chapter.answered(RIGHT)
    _new(notebook, "97-convolve", "import os\nos._exit(3)")
    found = examined(notebook, pool, tmp_path)
    assert points(found) == FULL and found.notes == ["Cell 4 was left out: its process ended."]


@sandboxed
def test_what_the_system_stops_again_and_again_is_not_judged(pool, tmp_path, monkeypatch):
    _dying(monkeypatch, "run_cell", 99, LOST)
    with pytest.raises(NotJudged, match=r"SIGKILL.*twice.*--jobs 1"):
        examined(_with_a_cell_that_is_hit(chapter.answered(RIGHT)), pool, tmp_path)


@sandboxed
def test_a_case_whose_process_was_lost_is_asked_once_more(pool, tmp_path, monkeypatch):
    monkeypatch.setattr(WorkerClient, "probe_in_series", lambda *args: [])
    whole, lost = WorkerClient.probe, []

    def loses_each_once(self, entry, case, seconds):
        if id(case) not in lost:
            lost.append(id(case))
            if len(lost) % 2:
                self.stop()
                raise LOST
            return Outcome("crashed", message="the system stopped it (SIGKILL)")
        return whole(self, entry, case, seconds)

    monkeypatch.setattr(WorkerClient, "probe", loses_each_once)
    found = examined(chapter.answered(RIGHT), pool, tmp_path)
    assert points(found) == FULL and lost


def test_what_fails_in_the_grader_is_examined_once_more_and_else_the_grade_waits(strangers, tmp_path, monkeypatch):
    shutil.copytree(strangers[0].root, tmp_path / "class", symlinks=True)
    room, calls, whole = Classroom.open(tmp_path / "class"), [], jobs.run

    def fails(job, times):
        calls.append(job)
        if len(calls) <= times:
            raise NotJudged("The system stopped its process, twice.")
        return whole(job)

    monkeypatch.setattr(jobs, "run", lambda job: fails(job, 1))
    (result,) = grading.grade(room, NAME, ["BOM"], force=True, count=1)
    assert (result.state, result.score, len(calls)) == ("graded", 16.0, 2)
    monkeypatch.setattr(jobs, "run", lambda job: fails(job, 99))
    (result,) = grading.grade(room, NAME, ["BOM"], force=True, count=1)
    assert (result.state, result.score) == ("failed", 16.0)
    assert result.note == "Not graded: The system stopped its process, twice."
