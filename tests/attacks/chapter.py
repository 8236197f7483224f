"""The small chapter that the attacks are aimed at: `convolve` is attacked, the others are answered honestly."""

from __future__ import annotations

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_notebook

from autograder import exercises
from autograder.authoring import release
from autograder.authoring.exercise import Case, Exercise, Misconception, Question, quiz


def _cases(rng):
    for length in (3, 5, 8):
        yield Case(
            f"length {length}", f=rng.integers(1, 9, length).astype(float), g=rng.integers(1, 9, 3).astype(float)
        )


_HINTS = ("a", "b", "c")
CONVOLVE = Exercise(
    id="97.convolve",
    title="Convolve",
    points=10,
    cases=_cases,
    oracle=lambda f, g: np.convolve(f, g),
    misconceptions=[Misconception("not flipped", "Flip g.", lambda f, g: np.correlate(f, g, "full"))],
    hints=_HINTS,
    forbidden=(
        *("numpy.convolve", "numpy.correlate", "numpy.polymul", "numpy.polynomial.*"),
        *("scipy.signal.*", "scipy.ndimage.*", "scipy.linalg.convolution_matrix", "torch.*"),
    ),
    seconds=2.0,
)
DOUBLE = Exercise(
    id="97.double",
    title="Double",
    points=5,
    cases=lambda rng: [Case("some", x=rng.normal(size=4)), Case("none", x=np.zeros(0))],
    oracle=lambda x: x + x,
    misconceptions=[Misconception("not doubled", "Double it.", lambda x: x + 1)],
    hints=_HINTS,
)
NEGATE = Exercise(
    id="97.negate",
    title="Negate",
    points=4,
    cases=lambda rng: [Case("some", x=rng.normal(size=4)), Case("more", x=rng.normal(size=(2, 3)))],
    oracle=lambda x: -x,
    misconceptions=[Misconception("not negated", "Negate it.", lambda x: x)],
    hints=_HINTS,
    forbidden=("torch.*",),
)
QUIZ = quiz("97.quiz", 3, [Question("b", {"a": "Not a.", "c": "Not c."})])
ALL = {one.id: one for one in (DOUBLE, CONVOLVE, NEGATE, QUIZ)}

RIGHT = {
    "97.double": "import numpy as np\ndef double(x):\n    return 2 * x",
    "97.convolve": """import numpy as np
def convolve(f, g):
    out = np.zeros(len(f) + len(g) - 1)
    for shift, one in enumerate(g):
        out[shift:shift + len(f)] += one * f
    return out""",
    "97.negate": "def negate(x):\n    return -x",
    "97.quiz": 'answer_1 = "b"',
}
_STUBS = {
    "97.double": "def double(x):\n    raise NotImplementedError",
    "97.convolve": "def convolve(f, g):\n    raise NotImplementedError",
    "97.negate": "def negate(x):\n    raise NotImplementedError",
    "97.quiz": "answer_1 = None",
}


def _notebook(sources: dict[str, str]) -> nbformat.NotebookNode:
    cells = [new_code_cell("import numpy as np", id="setup")]
    for id, exercise in ALL.items():
        cells += _pair(id, exercise, sources[id])
    return new_notebook(cells=cells)


def _pair(id: str, exercise: Exercise, source: str) -> list[nbformat.NotebookNode]:
    """An answer cell and its check cell."""
    meta = {"locked": False, "schema_version": 3, "task": False}
    answer, check = release.grade_id(id), release.check_id(id)
    marks = meta | {"grade_id": answer, "grade": False, "solution": True}
    one = new_code_cell(source, id=answer, metadata={"nbgrader": marks})
    marks = meta | {"grade_id": check, "grade": True, "solution": False, "locked": True, "points": exercise.points}
    return [one, new_code_cell(f'check("{id}", {", ".join(exercise.names)})', id=check, metadata={"nbgrader": marks})]


def alone(id: str, answer: str, before: tuple[str, ...] = ()) -> nbformat.NotebookNode:
    """Return a submission of one exercise of a real chapter: its imports, cells before the answer, the answer, the check."""
    exercise = exercises.load(id[:2])[id]
    return new_notebook(cells=[*map(new_code_cell, (_IMPORTS, *before)), *_pair(id, exercise, answer)])


_IMPORTS = "import numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn"


def released() -> nbformat.NotebookNode:
    """Return the notebook as it is handed out."""
    return _notebook(_STUBS)


def answered(attack: str, before: tuple[str, ...] = ()) -> nbformat.NotebookNode:
    """Return a submission: honest answers, and an attack in the place of `convolve`, with cells before it."""
    notebook = _notebook(RIGHT | {"97.convolve": attack})
    place = next(i for i, cell in enumerate(notebook.cells) if cell.id == "97-convolve")
    notebook.cells[place:place] = [new_code_cell(source) for source in before]
    return notebook
