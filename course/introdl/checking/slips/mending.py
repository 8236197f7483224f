"""Find a slip by undoing it: where one small change to a copy of the answer makes it right, that was the slip.

So nothing is guessed. It takes the learner's code and one or two more runs, and is done in the notebook alone.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from types import FunctionType
from typing import Any

import numpy as np

from introdl.checking.outcome import Outcome
from introdl.checking.probes import PROBES
from introdl.checking.sheets import Entry
from introdl.checking.slips.edits import EXPLANATIONS, Edit, edits
from introdl.checking.verdict import FAILED, CaseVerdict, Diagnosis, Verdict

#: So many mended copies are tried on one case, and so many of those that are right there on all.
_MOST, _MOST_IN_FULL = 80, 3
_SINGLE_FOR_PAIRS = 14
#: Exercises whose cases may take longer (they train) are not run again.
_PATIENCE = 30.0
_SECONDS = 1.0

#: Runs objects through cases: a list of (objects, case's number), and the seconds for all of them.
Run = Callable[[list[tuple[tuple, int]], float], list[Outcome]]


@dataclass(frozen=True)
class _Copy:
    """A mended copy: what was changed, and the objects to check in place of the learner's."""

    edits: tuple[Edit, ...]
    objects: tuple


@dataclass(frozen=True)
class Bench:
    """How copies of an answer are tried.

    Attributes
    ----------
    run : callable
        Runs objects through cases, in a process of their own.
    right, known : callable
        Whether an outcome of a case, by its number, is right; and whether it is what a known mistake gives.
    judge : callable
        Judges an outcome for each of the entry's cases.
    """

    run: Run
    right: Callable[[int, Outcome], bool]
    known: Callable[[int, Outcome], bool]
    judge: Callable[[list[Outcome]], Verdict]


def mended(entry: Entry, objects: tuple, found: Verdict, bench: Bench) -> list[Diagnosis]:
    """Name the slips whose undoing makes an answer right, or leaves just a known mistake; [] where there are none.

    Parameters
    ----------
    entry : Entry
    objects : tuple
        The learner's.
    found : Verdict
        On these objects.
    bench : Bench
    """
    if found.status != FAILED or entry.seconds > _PATIENCE or PROBES[entry.probe].together or len(objects) != 1:
        return []
    first = next((i for i, case in enumerate(found.cases) if _can_be_run_again(case)), None)
    source = _Source.of(objects[0], entry) if first is not None else None
    if first is None or source is None:
        return []
    single = source.edits()
    if found.cases[first].outcome.kind == "raised":  # what raises is told by its own words
        single = [one for one in single if one.line]
    alone = _Tried(source, list(_alone(single))[:_MOST], first, bench)
    told = alone.right()
    if not told:
        told = _Tried(source, list(_in_pairs(single))[:_MOST], first, bench).right()
    return told or alone.known({i for i, case in enumerate(found.cases) if case.passed})


def _can_be_run_again(case: CaseVerdict) -> bool:
    """Whether a case failed in a way that its code may tell; that an input was changed is said where the result is right."""
    changed = bool(case.outcome.changed) and case.difference is None
    return not case.passed and case.outcome.kind in ("returned", "raised") and not changed


def _alone(single: list[Edit]) -> Iterator[tuple[Edit, ...]]:
    """Yield each edit by itself, then those of one manner together."""
    yield from ((one,) for one in single)
    manners = dict.fromkeys(one.manner for one in single)
    for manner in manners:
        together = tuple(one for one in single if one.manner == manner)
        if len(together) > 1:
            yield together


def _in_pairs(single: list[Edit]) -> Iterator[tuple[Edit, ...]]:
    for one, other in combinations(single[: 2 * _SINGLE_FOR_PAIRS], 2):
        if one.place != other.place and one.slip != other.slip:
            yield one, other


class _Tried:
    """Mended copies, and what came of each in one case."""

    def __init__(self, source: _Source, ways: list[tuple[Edit, ...]], first: int, bench: Bench):
        copies = [one for one in map(source.copy, ways) if one is not None]
        outcomes = bench.run([(one.objects, first) for one in copies], _SECONDS) if copies else []
        self.source, self.first, self.bench = source, first, bench
        self.outcomes = list(zip(copies, outcomes, strict=False))

    def right(self) -> list[Diagnosis]:
        """Return the slips whose undoing makes all cases right."""
        for one, verdict in self._in_full(self.bench.right):
            if all(case.passed for case in verdict.cases):
                return self.source.told(one.edits, True)
        return []

    def known(self, passed: set[int]) -> list[Diagnosis]:
        """Return a slip whose undoing leaves one known mistake, and that mistake; none where several would do.

        An edit that fails a case of those `passed` before undoes nothing: it makes the mistake itself.
        """
        found: dict[tuple[str, ...], list[Diagnosis]] = {}
        for one, verdict in self._in_full(self.bench.known):
            left = verdict.diagnoses
            still = all(verdict.cases[i].passed for i in passed)
            if still and len(left) == 1 and left[0].whole and left[0].known:
                told = [*self.source.told(one.edits, False), replace(left[0], whole=False)]
                found.setdefault(tuple(each.name for each in told), told)
        return next(iter(found.values())) if len(found) == 1 else []

    def _in_full(self, hopeful: Callable[[int, Outcome], bool]) -> Iterator[tuple[_Copy, Verdict]]:
        """Run those in all cases that did well in one, as far as there is patience for."""
        cases = range(len(self.source.entry.cases))
        good = (one for one, outcome in self.outcomes if hopeful(self.first, outcome))
        for one in islice(good, _MOST_IN_FULL):
            outcomes = self.bench.run([(one.objects, number) for number in cases], _SECONDS)
            if len(outcomes) == len(cases):
                yield one, self.bench.judge(outcomes)


@dataclass(frozen=True)
class _Source:
    """A learner's function as a tree, and where it stands in its cell."""

    function: FunctionType
    tree: ast.FunctionDef
    lines: list[str]
    start: int
    entry: Entry

    @classmethod
    def of(cls, function: Any, entry: Entry) -> _Source | None:
        """Read a function; None where it is none that can be made again from its source."""
        if not isinstance(function, FunctionType) or function.__closure__:
            return None
        try:
            lines, start = inspect.getsourcelines(function)
            tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
        except Exception:  # a learner's function may come from anywhere
            return None
        if not isinstance(tree, ast.FunctionDef) or not _is_plain(tree):
            return None
        return cls(function, tree, lines, start, entry)

    def edits(self) -> list[Edit]:
        """Return what may be mended, in the learner's own names for the inputs."""
        names = [one.arg for one in self.tree.args.args]
        arrays, labels, in_bytes = [], [], []
        for own, (_, value) in zip(names, self.entry.cases[0].inputs, strict=False):
            if isinstance(value, np.ndarray):
                arrays.append(own)
                if value.dtype == np.uint8:
                    in_bytes.append(own)
                if value.dtype.kind in "iu" and value.ndim == 1:
                    labels.append(own)
        return edits(self.tree, labels, arrays, in_bytes)

    def copy(self, ways: tuple[Edit, ...]) -> _Copy | None:
        """Return the function with edits made; None where they do not go together."""
        tree = copy.deepcopy(self.tree)
        nodes = list(ast.walk(tree))
        space = dict(self.function.__globals__)
        try:
            for way in ways:
                new = way.change(nodes[way.place])
                if new is not None:
                    tree = _Put(nodes[way.place], new).visit(tree)
            tree.decorator_list = []
            exec(compile(ast.fix_missing_locations(ast.Module([tree], [])), "<mended>", "exec"), space)
        except Exception:  # two edits of one place
            return None
        return _Copy(ways, (space[tree.name],))

    def told(self, done: Sequence[Edit], whole: bool) -> list[Diagnosis]:
        """Say what edits undid, and on which lines."""
        cases = list(range(len(self.entry.cases)))
        return [
            Diagnosis(
                slip,
                EXPLANATIONS[slip],
                cases,
                whole,
                self._quoted(sorted({one.line for one in done if one.slip == slip})),
            )
            for slip in dict.fromkeys(one.slip for one in done)
        ]

    def _quoted(self, numbers: list[int]) -> str:
        """Quote lines, by their numbers in the cell."""
        shown = [number for number in numbers if 0 < number <= len(self.lines)][:3]
        told = "; ".join(f"line {self.start + one - 1}: {self.lines[one - 1].strip()[:120]}" for one in shown)
        return told[:1].upper() + told[1:]


def _is_plain(tree: ast.FunctionDef) -> bool:
    """Whether defining a function again runs nothing of the learner's."""
    defaults = [*tree.args.defaults, *(one for one in tree.args.kw_defaults if one is not None)]
    return not tree.decorator_list and all(isinstance(one, (ast.Constant, ast.UnaryOp)) for one in defaults)


class _Put(ast.NodeTransformer):
    """Puts a node in the place of another one."""

    def __init__(self, old: ast.AST, new: ast.AST):
        self.old, self.new, self.done = old, new, False

    def visit(self, node: ast.AST) -> Any:
        if node is self.old and not self.done:
            self.done = True
            return self.new
        return self.generic_visit(node)
