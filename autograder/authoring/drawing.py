"""From an exercise to an entry: draw cases, ask the oracle, and run every known mistake through the probe."""

from __future__ import annotations

import contextlib
import hashlib

import numpy as np

from autograder.authoring.exercise import Exercise, Misconception
from autograder.errors import AuthorError
from introdl.checking import isolation, slips
from introdl.checking.diagnosis import alike
from introdl.checking.judge import PASSED, judge
from introdl.checking.outcome import Outcome
from introdl.checking.packing import Huge, Other, Tensor, copied
from introdl.checking.probes import PROBES
from introdl.checking.sheets import Entry, SheetCase, SheetMisconception

#: The visible cases of every exercise are drawn from this seed and the exercise's id.
VISIBLE_SEED = "visible"

#: So many times an exercise's cases are drawn, until no known mistake can be taken for right or for another one.
DRAWS = 20


class Unnoticed(AuthorError):
    """A known mistake gives the right answer in every case of a draw."""


def generator(exercise: str, seed: str, again: int = 0) -> np.random.Generator:
    """Return the random generator of an exercise's cases.

    Parameters
    ----------
    exercise : str
        Its id.
    seed : str
        `VISIBLE_SEED`, or a classroom's secret.
    again : int
        0, or which of the further draws.
    """
    text = f"{seed}\n{exercise}" + (f"\n{again}" if again else "")
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def draw(exercise: Exercise, seed: str, again: int = 0) -> Entry:
    """Draw an exercise's cases and their right answers; the entry has no misconceptions yet.

    Raises
    ------
    autograder.errors.AuthorError
        If there is no case, or the oracle's answer is no data.
    """
    kind = exercise.cases if seed == VISIBLE_SEED else exercise.hidden or exercise.cases
    cases = list(kind(generator(exercise.id, seed, again)))
    if not cases:
        raise AuthorError(f"Exercise {exercise.id} has no cases.")
    drawn = []
    for case in cases:
        inputs = [(name, copied(value)) for name, value in case.inputs.items()]
        expected = copied(exercise.oracle(*(copied(value, live=True) for _, value in inputs)))
        if isinstance(expected, (Other, Huge, Tensor)):
            raise AuthorError(f"Exercise {exercise.id}, case {case.label!r}: the oracle returned {expected}.")
        drawn.append(SheetCase(case.label, case.weight, inputs, expected))
    return Entry(
        id=exercise.id,
        title=exercise.title,
        points=float(exercise.points),
        names=list(exercise.names),
        probe=exercise.probe,
        forbidden=list(exercise.forbidden),
        rtol=exercise.rtol,
        quiet=exercise.quiet,
        seconds=exercise.seconds,
        image=exercise.image,
        hints=list(exercise.hints),
        cases=drawn,
        misconceptions=[],
        lends=list(exercise.lends),
    )


def mistaken_objects(mistake: Misconception, names: list[str]) -> tuple:
    """Return what takes the place of the learner's objects to make a mistake."""
    if isinstance(mistake.wrong, tuple):
        if len(mistake.wrong) != len(names):
            raise AuthorError(f"Misconception {mistake.name!r} has {len(mistake.wrong)} objects for names {names}.")
        return mistake.wrong
    return (mistake.wrong,)


def observe(entry: Entry, objects: tuple) -> list[Outcome]:
    """Run our own objects (a mistake, a right answer) through an entry's cases, here and without a fork."""
    task = isolation.Task(entry.probe, entry.out_of_reach(), entry.seconds)
    return [isolation.observe(task, objects, case.inputs) for case in entry.cases]


def add_misconceptions(entry: Entry, exercise: Exercise) -> Entry:
    """Run every known mistake through the entry's cases and keep what it gives.

    Raises
    ------
    Unnoticed
        If a mistake is not caught: it gives the right answer in every case.
    """
    for mistake in exercise.misconceptions:
        observed = observe(entry, mistaken_objects(mistake, entry.names))
        if mistake.only_case is None and judge(entry, observed).status == PASSED:
            raise Unnoticed(f"Exercise {entry.id}: misconception {mistake.name!r} passes every case.")
        for case, outcome in zip(entry.cases, observed, strict=True):
            if outcome.kind == "raised":  # each version of Python has words of its own
                outcome.message = slips.family(slips.Context(entry, case, outcome))
            outcome.printed = outcome.where = ""
        kept = [one if mistake.only_case in (None, index) else None for index, one in enumerate(observed)]
        entry.misconceptions.append(SheetMisconception(mistake.name, mistake.explanation, kept))
    return entry


def entry(exercise: Exercise, seed: str) -> Entry:
    """Return an exercise's entry, whole: cases, right answers and what every known mistake gives.

    Drawn numbers can happen to hide a mistake: with a positive number alone in a case, who forgets the sign is right. Such
    cases are drawn again, so that no class has them.

    Raises
    ------
    autograder.errors.AuthorError
        As `draw` and, where a mistake passes every case in the last of `DRAWS` draws, as `add_misconceptions`.
    """
    for again in range(DRAWS - 1):
        with contextlib.suppress(Unnoticed):
            found = add_misconceptions(draw(exercise, seed, again), exercise)
            if _told_apart(found, exercise):
                return found
    return add_misconceptions(draw(exercise, seed, DRAWS - 1), exercise)


def _told_apart(drawn: Entry, exercise: Exercise) -> bool:
    """Whether each mistake is called by its own name first, and not by another's that gives the same in these cases."""
    if PROBES[drawn.probe].weigh is not None:  # what a network has learned is measured again each time it is judged
        return True
    for number, mistake in enumerate(exercise.misconceptions):
        if mistake.only_case is not None:
            continue
        own = [one for one in drawn.misconceptions[number].outcomes if one]
        twins = (
            all(
                known is None or alike(drawn, case, one, known)
                for case, one, known in zip(drawn.cases, own, other.outcomes, strict=True)
            )
            for other in drawn.misconceptions
            if other is not drawn.misconceptions[number]
        )
        if any(twins) and judge(drawn, own).diagnoses[0].name != mistake.name:
            return False
    return True
