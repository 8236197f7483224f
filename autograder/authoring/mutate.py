"""Mutate reference solutions one place at a time, and say which mutants the cases do not catch.

A mutant that survives is either the same function written differently, or it shows that the cases leak: a wrong answer of
its kind would earn full marks. Those that a person found to be the same stand in a file of accepted ones, with the reason.
"""

from __future__ import annotations

import ast
import multiprocessing
import resource
import signal
import tomllib
import warnings
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.authoring import build, drawing
from autograder.authoring.exercise import Exercise
from autograder.authoring.mutants import Mutant, at_least_1, mutants, wrapped
from autograder.authoring.source import Source, without_stubs
from autograder.errors import AuthorError
from introdl.checking import simulated_machine
from introdl.checking.judge import PASSED, judge
from introdl.checking.probes import PROBES
from introdl.checking.sheets import Entry

#: Processor seconds that one mutant may take for one class's cases; one that takes longer is caught.
SECONDS = 20
_MEMORY = 6 * 2**30


@dataclass
class Found:
    """What came of an exercise's mutants."""

    exercise: str
    mutants: int = 0
    #: Mutants that pass in every draw.
    survive: list[Mutant] = field(default_factory=list)
    #: Mutants that pass in some draws and fail in others, with the numbers of draws that they pass.
    lucky: list[tuple[Mutant, int]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return what is to be told, a line each; the first sums up."""
        told = [f"{self.exercise}: {self.mutants} mutants, {len(self.survive) + len(self.lucky)} not caught"]
        told += [f"  {one.place}: {one.change}" for one in self.survive]
        return told + [f"  {one.place}: {one.change} (passes in {times} draws)" for one, times in self.lucky]


def solved(source: Source) -> dict[str, Any]:
    """Return the names of a chapter with its solutions: imports and answers, without its demonstrations.

    Raises
    ------
    AuthorError
        If an answer does not run.
    """
    space: dict[str, Any] = {"__name__": "solved", at_least_1.__name__: at_least_1}
    for cell in source.cells:
        if cell.kind != "code" or cell.check:
            continue
        try:
            tree = ast.parse(without_stubs(cell.source))
            kinds = ast.stmt if cell.exercise else (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
            tree.body = [one for one in tree.body if isinstance(one, kinds)]
            exec(compile(tree, str(source.path), "exec"), space)
        except Exception as error:
            if cell.exercise:
                raise source.wrong(cell.line, f"the solution does not run: {type(error).__name__}: {error}") from error
    return space


class _OutOfTime(BaseException):
    pass


#: What the processes of `survivors` find when they are forked: the chapter's names, the exercise, its draws, its mutants.
_work: tuple[dict[str, Any], Exercise, list[Entry], list[Mutant]] = ({}, None, [], [])  # type: ignore[assignment]


def _passes(number: int) -> list[bool]:
    """Whether a mutant passes each of the draws."""
    space, exercise, entries, all_mutants = _work

    def out_of_time(*_):
        raise _OutOfTime

    signal.signal(signal.SIGPROF, out_of_time)
    found = []
    for entry in entries:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            found.append(_passes_one(dict(space), exercise, entry, all_mutants[number]))
        except BaseException:  # whatever a mutant does, it is no answer
            found.append(False)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    return found


def _passes_one(space: dict[str, Any], exercise: Exercise, entry: Entry, mutant: Mutant) -> bool:
    with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
        exec(compile(mutant.code, "<mutant>", "exec"), space)
    objects = tuple(space[name] for name in exercise.names)
    if mutant.around:
        objects = tuple(map(mutant.around, objects))
    return judge(entry, drawing.observe(entry, objects)).status == PASSED


def _begin() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def survivors(
    source: Source,
    exercise: Exercise,
    classes: int = 20,
    jobs: int = 2,
    accepted: Container[str] = (),
) -> Found:
    """Judge an exercise's mutants by the visible cases and by those of several classes.

    Parameters
    ----------
    source : Source
        The chapter.
    exercise : Exercise
    classes : int
        How many classes' hidden cases are drawn.
    jobs : int
        Processes side by side.
    accepted : container of str
        Changes (`Mutant.change`) that make no difference; they are left out.
    """
    with simulated_machine.one_thread():  # torch's threads do not live on in a fork, which would wait for them forever
        return _survivors(source, exercise, classes, jobs, accepted)


def _survivors(source: Source, exercise: Exercise, classes: int, jobs: int, accepted: Container[str]) -> Found:
    global _work
    found = Found(exercise.id)
    cells = [cell for cell in source.cells if cell.exercise == exercise.id]
    # of a training only what was learned is judged, so whatever learns as well is as good
    if not cells or exercise.probe == "answers" or PROBES[exercise.probe].weigh is not None:
        return found
    seeds = [drawing.VISIBLE_SEED, *(f"class {number}" for number in range(classes))]
    entries = [drawing.draw(exercise, seed) for seed in seeds]
    made = mutants(without_stubs(cells[0].source))
    if exercise.probe == "call" and len(exercise.names) == 1:
        cases = entries[0].cases
        longest = max(([name for name, _ in case.inputs] for case in cases), key=len)
        values = [[value for _, value in case.inputs] for case in cases]
        made += wrapped(longest, values, [case.expected for case in cases])
    made = [one for one in made if one.change not in accepted]
    _work = (solved(source), exercise, entries, made)
    if not all(_passes_one(dict(_work[0]), exercise, entry, Mutant(0, "", "", "")) for entry in entries):
        raise AuthorError(f"The solution of {exercise.id} does not pass its own cases.")
    found.mutants = len(made)
    for number, passed in _run(range(len(made)), jobs):
        if all(passed):
            found.survive.append(made[number])
        elif any(passed):
            found.lucky.append((made[number], sum(passed)))
    return found


def _run(numbers: Sequence[int], jobs: int) -> Iterator[tuple[int, list[bool]]]:
    """Yield the numbers of mutants and what they pass; one that takes its process down passes nothing."""
    fork, waiting = multiprocessing.get_context("fork"), list(numbers)
    while waiting:
        with ProcessPoolExecutor(jobs, fork, _begin) as pool:
            futures = {number: pool.submit(_passes, number) for number in waiting}
            waiting = []
            for number, future in futures.items():
                try:
                    passed = future.result()
                except BrokenProcessPool:
                    if jobs == 1 and not waiting:  # this one did it
                        passed = []
                    else:
                        waiting.append(number)
                        continue
                yield number, passed or [False]
        jobs = 1


def chosen(names: Sequence[str]) -> list[tuple[Source, Exercise]]:
    """Return the exercises of chapters (``"05"``) or by their ids (``"05.softmax"``), with their chapters' sources.

    Raises
    ------
    AuthorError
        If there is no such chapter or exercise.
    """
    found = []
    for chapter in sorted({name[:2] for name in names}):
        source, exercises = build.read(build.source_files([chapter])[0])
        wanted = [name for name in names if name[:2] == chapter]
        if strange := [name for name in wanted if name != chapter and name not in exercises]:
            raise AuthorError(f"There is no exercise {strange[0]}. Chapter {chapter} has {', '.join(exercises)}.")
        ids = list(exercises) if chapter in wanted else wanted
        found += [(source, exercises[id]) for id in ids if exercises[id].probe != "answers"]
    return found


def accepted(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Read which mutants of which exercises make no difference, and why.

    Raises
    ------
    AuthorError
        If the file is no such table.
    """
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise AuthorError(f"{path} cannot be read as TOML: {error}.") from error
