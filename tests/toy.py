"""A small exercise for tests of the checker itself."""

from __future__ import annotations

import numpy as np

from autograder.authoring.exercise import Case, Exercise, Misconception, Question, quiz


def _cases(rng):
    yield Case("small", x=rng.integers(1, 9, (2, 3)).astype(float), w=int(rng.integers(3, 9)))
    yield Case("large", x=rng.normal(size=(12, 14)), w=int(rng.integers(3, 9)))
    yield Case("negative", x=-rng.uniform(1, 2, size=(3, 4)), w=int(rng.integers(3, 9)))


def _in_place(x, w):
    x *= w
    return x


def _raises(x, w):
    raise IndexError("no such place")


SCALE = Exercise(
    id="98.scale",
    title="Scale",
    points=10,
    cases=_cases,
    oracle=lambda x, w: np.einsum("ij,->ij", x, w),
    misconceptions=[
        Misconception("added in place of multiplied", "You added w. Multiply by it.", lambda x, w: x + w),
        Misconception("changes its input", "x is the caller's. Work on a copy.", _in_place),
        Misconception("loses the sign", "Where did the sign go?", lambda x, w: np.abs(x * w)),
        Misconception("no such place", "You index outside.", _raises),
    ],
    hints=("Think.", "Think of *.", "x * w"),
    forbidden=("numpy.convolve", "scipy.signal.*", "torch.*"),
    image=True,
    seconds=3.0,
)

ROOT = Exercise(
    id="98.root",
    title="Square root without a warning",
    points=5,
    cases=lambda rng: [Case("some", z=np.array([-1.0, 4.0]) * rng.integers(1, 5))],
    oracle=lambda z: np.sqrt(np.maximum(z, 0)),
    misconceptions=[
        Misconception("warns", "You take the root of a negative number.", lambda z: np.nan_to_num(np.sqrt(z)))
    ],
    hints=("a", "b", "c"),
    quiet=True,
)

QUIZ = quiz(
    "98.quiz",
    6,
    [Question("b", {"a": "Not a.", "c": "Not c."}), Question("a", {"b": "Not b.", "c": "Never c."})],
)

ALL = {one.id: one for one in (SCALE, ROOT, QUIZ)}
