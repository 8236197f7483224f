"""What an exercise is: how it is driven, its cases, its oracle, and the mistakes we know by name.

Everything here is read by authors (`autograder/exercises/`), by the builder, which turns the visible cases into
an answer sheet, and by the examiner, which draws hidden ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from autograder.errors import AuthorError

#: An exercise's id: the chapter's two digits, a dot and a name.
EXERCISE_ID = re.compile(r"^\d\d\.[a-z][a-z0-9_]*$")


class Case:
    """One set of inputs for the learner's object.

    Parameters
    ----------
    label : str
        What is special about it, in a few words: ``"stride 2, no padding"``. Learners read it.
    weight : float, optional
        Share of the exercise's points, relative to the other cases.
    **inputs
        The arguments, in the order in which the learner's function takes them (they are passed by position).
        Arrays, numbers, strings, booleans, None, and lists, tuples and dicts of those; a
        ``numpy.random.Generator`` is passed as a fresh copy in its present state.
    """

    def __init__(self, label: str, /, *, weight: float = 1.0, **inputs: Any):
        self.label, self.weight, self.inputs = label, float(weight), inputs

    def __repr__(self) -> str:
        return f"Case({self.label!r}, {', '.join(self.inputs)})"


@dataclass(frozen=True)
class Misconception:
    """A known mistake: its name, the words that explain it, and a wrong answer that makes it.

    Parameters
    ----------
    name : str
        Two to six words, as a teacher would call it: ``"the kernel is flipped"``.
    explanation : str
        Two or three sentences to the learner: what happened, why it is wrong, where to look. Never the solution.
    wrong : callable or object
        Takes the place of the learner's object (for an exercise of several names: a tuple of objects).
    only_case : int, optional
        The index of the one case that it is about (used by quizzes); by default all.
    also : sequence of callable or object
        Further wrong answers that make the same mistake, with another number in it perhaps.
    """

    name: str
    explanation: str
    wrong: Any
    only_case: int | None = None
    also: Sequence[Any] = ()


class Mistake(NamedTuple):
    """A `Misconception` without its name, where a dict's key is the name: ``{"transposed": Mistake("...", wrong)}``.

    Parameters
    ----------
    explanation, wrong, only_case, also
        As in `Misconception`.
    """

    explanation: str
    wrong: Any
    only_case: int | None = None
    also: Sequence[Any] = ()


@dataclass(frozen=True)
class Exercise:
    """An exercise, whole.

    Parameters
    ----------
    id : str
        ``"NN.name"``, as in ``"03.conv2d"``.
    title : str
        What the learner writes, in a few words.
    points : float
        Points in the gradebook.
    cases : callable
        Takes a ``numpy.random.Generator`` and returns the cases. Every number must come from the generator (so
        that hidden cases differ from the visible ones) unless the case is about that very number. The first case
        is the one that a learner sees first: make it small and readable.
    oracle : callable
        Takes a case's inputs by position and returns the right answer, by other means than the solution: PyTorch,
        SciPy, scikit-learn or a closed form.
    misconceptions : dict of str to Mistake, or sequence of Misconception
        At least the syllabus's. A dict is kept as a list of `Misconception`, in its order.
    hints : sequence of str
        Three, from gentle to plain.
    names : sequence of str, optional
        The names of the learner's objects that are checked; by default the part of the id after the dot.
    probe : str, optional
        How the object is driven: a name in `introdl.checking.probes`. Default ``"call"``.
    forbidden : sequence of str, optional
        What the answer may not call: ``"numpy.convolve"``, or a whole package as ``"scipy.signal.*"``.
    lends : sequence of str, optional
        What of the course's finished code the answer may use: ``"introdl.layers.*"``. All other is out of its reach (see
        `introdl.checking.missing_libraries.SHOWN`).
    rtol : float, optional
        Relative tolerance in float64; float32 answers get a wider one.
    quiet : bool, optional
        True where a floating-point warning (overflow, invalid value, division by zero) is a mistake.
    seconds : float, optional
        Time that all visible cases may take together.
    hidden : callable, optional
        As `cases`, for grading alone: where hidden cases are made of what a sheet must not hold, or is too small for. As
        many cases as `cases` yields, with the same names. By default `cases`.
    image : bool, optional
        True where outputs are pictures: a failing case shows expected, given and difference side by side.
    """

    id: str
    title: str
    points: float
    cases: Callable[[np.random.Generator], Iterable[Case]]
    oracle: Callable[..., Any]
    misconceptions: Sequence[Misconception]
    hints: Sequence[str]
    names: Sequence[str] = ()
    probe: str = "call"
    forbidden: Sequence[str] = ()
    lends: Sequence[str] = ()
    rtol: float = 1e-5
    quiet: bool = False
    seconds: float = 8.0
    hidden: Callable[[np.random.Generator], Iterable[Case]] | None = None
    image: bool = False

    def __post_init__(self):
        if not EXERCISE_ID.match(self.id):
            raise AuthorError(f"Exercise id {self.id!r} is not of the form '03.conv2d'.")
        if not self.names:
            object.__setattr__(self, "names", (self.id.split(".", 1)[1],))
        if self.points <= 0:
            raise AuthorError(f"Exercise {self.id} has {self.points} points; it needs more than 0.")
        if len(self.hints) < 3 and self.probe != "answers":
            raise AuthorError(f"Exercise {self.id} has {len(self.hints)} hints; write three, from gentle to plain.")
        given: object = self.misconceptions
        if isinstance(given, Mapping):
            object.__setattr__(self, "misconceptions", [self._named(*item) for item in given.items()])
        seen = [m.name for m in self.misconceptions]
        if len(set(seen)) < len(seen):
            raise AuthorError(f"Exercise {self.id} has two misconceptions of one name: {sorted(seen)}.")
        each = [replace(m, wrong=wrong, also=()) for m in self.misconceptions for wrong in (m.wrong, *m.also)]
        object.__setattr__(self, "misconceptions", each)

    def _named(self, name: str, mistake: Mistake) -> Misconception:
        if not isinstance(mistake, Mistake):
            raise AuthorError(
                f"Misconception {name!r} of exercise {self.id} is {mistake!r}; write Mistake(explanation, wrong answer)."
            )
        return Misconception(name, *mistake)

    @property
    def chapter(self) -> str:
        """The chapter's two digits."""
        return self.id[:2]


class Question:
    """One multiple-choice question of a quiz; its text and options stand in the notebook.

    Parameters
    ----------
    right : str
        The right letter.
    wrong : dict of str to str, optional
        For each wrong letter, why it is wrong (without saying which letter is right).
    **letters : str
        The same by name: ``Question("b", a="...", c="...")``.
    """

    def __init__(self, right: str, wrong: Mapping[str, str] | None = None, /, **letters: str):
        self.right, self.wrong = right, {**(wrong or {}), **letters}


def quiz(id: str, points: float, questions: Sequence[Question]) -> Exercise:
    """Make the exercise of a quiz, whose objects are ``answer_1``, ``answer_2``, ... (letters).

    Each question is a case, and each wrong letter a misconception with its own explanation.
    """
    for number, question in enumerate(questions, start=1):
        letters = sorted([question.right, *question.wrong])
        if letters != list("abcdefgh"[: len(letters)]) or len(letters) < 3:
            raise AuthorError(f"Quiz {id}, question {number}: the letters are {letters}; use a, b, c ... once each.")

    def cases(_rng):
        for number, question in enumerate(questions, start=1):
            yield Case(f"question {number}", number=number, options="".join(sorted([question.right, *question.wrong])))

    def oracle(number, _options):
        return questions[number - 1].right

    misconceptions = [
        Misconception(
            f"question {number}: {letter}",
            why,
            tuple(letter if n == number else None for n in range(1, len(questions) + 1)),
            only_case=number - 1,
        )
        for number, question in enumerate(questions, start=1)
        for letter, why in sorted(question.wrong.items())
    ]
    return Exercise(
        id=id,
        title="Quiz",
        points=points,
        cases=cases,
        oracle=oracle,
        misconceptions=misconceptions,
        hints=("Read the part of the chapter that the question is about once more, and run its figure.",),
        names=tuple(f"answer_{number}" for number in range(1, len(questions) + 1)),
        probe="answers",
    )
