"""Mutate reference solutions one place at a time, and say which mutants the cases do not catch.

A mutant that survives is either the same function written differently, or it shows that the cases leak: a wrong answer of
its kind would earn full marks. Those that a person found to be the same stand in a file of accepted ones, with the reason.
"""

from __future__ import annotations

import ast
import copy
import multiprocessing
import resource
import signal
import tomllib
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.authoring import build, drawing
from autograder.authoring.exercise import Exercise
from autograder.authoring.source import Source
from autograder.errors import AuthorError
from introdl.checking.judge import PASSED, judge
from introdl.checking.sheets import Entry
from introdl.execute import STUB

#: Processor seconds that one mutant may take for one class's cases; one that takes longer is caught.
SECONDS = 20
_MEMORY = 6 * 2**30
_OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult, ast.Div),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq, ast.LtE, ast.GtE),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_SWAPPED = {
    "sum": ("mean", "max"),
    "mean": ("sum", "median"),
    "max": ("min", "sum"),
    "min": ("max",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "argmax": ("argmin",),
    "argmin": ("argmax",),
    "argsort": ("sort",),
    "zeros": ("ones",),
    "ones": ("zeros",),
    "zeros_like": ("ones_like",),
    "ones_like": ("zeros_like",),
    "ceil": ("floor",),
    "floor": ("ceil", "round"),
    "exp": ("expm1",),
    "log": ("log1p", "log2"),
    "abs": ("square",),
    "any": ("all",),
    "all": ("any",),
    "std": ("var",),
    "var": ("std",),
    "normal": ("uniform",),
    "float64": ("float32", "int64"),
    "float32": ("float64",),
    "float": ("int",),
    "int": ("float",),
}


@dataclass(frozen=True)
class Mutant:
    """A solution with one place changed: the line's number in the cell, what stood there, what stands there now."""

    line: int
    before: str
    after: str
    code: str

    @property
    def change(self) -> str:
        """The change in one line, as the file of accepted ones has it."""
        return f"{self.before} -> {self.after}"


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
        told += [f"  line {one.line}: {one.change}" for one in self.survive]
        return told + [f"  line {one.line}: {one.change} (passes in {times} draws)" for one, times in self.lucky]


def _variants(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901 one kind of change after the other
    """Yield what may take a node's place."""
    if isinstance(node, ast.BinOp):
        yield from (ast.BinOp(node.left, other(), node.right) for other in _OPERATORS.get(type(node.op), ()))
        yield from (node.left, node.right)
    elif isinstance(node, ast.BoolOp):
        yield from (ast.BoolOp(other(), node.values) for other in _OPERATORS[type(node.op)])
        yield from node.values
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        text = any(isinstance(getattr(one, "value", None), str) for one in node.comparators)
        for other in _OPERATORS.get(type(node.ops[0]), ())[: 1 if text else 2]:
            yield ast.Compare(node.left, [other()], node.comparators)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.Constant):
        yield from map(ast.Constant, _constants(node.value))
    elif isinstance(node, ast.Slice):
        yield from _slices(node)
    elif isinstance(node, ast.Attribute) and node.attr in _SWAPPED:
        yield from (ast.Attribute(node.value, other, node.ctx) for other in _SWAPPED[node.attr])
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value
    elif isinstance(node, ast.Name) and node.id in _SWAPPED:
        yield from (
            ast.Name(other, node.ctx)
            for other in _SWAPPED[node.id]
            if hasattr(__builtins__, other) or other in ("int", "float", "sum", "max", "min", "any", "all")
        )
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield ast.comprehension(node.target, node.iter, [], node.is_async)


def _constants(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif value is None or isinstance(value, str):
        return
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
        if value not in (0, 1, -1):
            yield 0
    elif isinstance(value, float):
        yield from (value * 2, value * 1.1, 0.0 if value else 1e-3)


def _slices(node: ast.Slice) -> Iterator[ast.AST]:
    if node.lower is not None:
        yield ast.Slice(None, node.upper, node.step)
    if node.upper is not None:
        yield ast.Slice(node.lower, None, node.step)
    if node.step is not None:
        yield ast.Slice(node.lower, node.upper, None)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    for at, word in enumerate(node.keywords):  # without a named argument: its default
        if word.arg == "strict":
            continue
        yield ast.Call(node.func, node.args, node.keywords[:at] + node.keywords[at + 1 :])
        if word.arg in ("axis", "dim") and isinstance(word.value, ast.Constant):
            for other in (0, 1, None):
                if other != word.value.value:
                    words = [*node.keywords[:at], ast.keyword(word.arg, ast.Constant(other)), *node.keywords[at + 1 :]]
                    yield ast.Call(node.func, node.args, words)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "range" and node.args:  # the first or last turn is missing, or one too many
        one = ast.Constant(1)
        last = len(node.args) - 1 if len(node.args) < 3 else 1
        for change in (ast.Add(), ast.Sub()):
            yield ast.Call(
                node.func, [*node.args[:last], ast.BinOp(node.args[last], change, one), *node.args[last + 1 :]], []
            )
        if len(node.args) == 1:
            yield ast.Call(node.func, [one, *node.args], [])
    elif node.args and not any(isinstance(arg, ast.Starred) for arg in node.args):
        yield node.args[0]  # np.clip(x, 0, 1) becomes x
        if len(node.args) > 1:
            yield from (
                ast.Call(node.func, node.args[:at] + node.args[at + 1 :], node.keywords)
                for at in range(1, len(node.args))
            )
    elif isinstance(node.func, ast.Attribute) and not node.keywords:
        yield node.func.value  # x.copy() becomes x


def mutants(code: str) -> list[Mutant]:
    """Return the mutants of a solution: each has one place changed.

    Operators, comparisons, constants, defaults, axes, first and last turns of loops and ends of slices, arguments,
    functions (a sum for a mean), clipping, types, conditions, and whole statements are changed or left out.

    Parameters
    ----------
    code : str
        A cell with the definitions of one or more functions or classes.
    """
    tree = ast.parse(code)
    for node in ast.walk(tree):  # docstrings are no code
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    found: dict[str, Mutant] = {ast.unparse(tree): Mutant(0, "", "", "")}
    for changed, old, new in _changes(tree):
        text = ast.unparse(ast.fix_missing_locations(changed))
        if text not in found:
            found[text] = Mutant(getattr(old, "lineno", 0), _said(old), _said(new), text)
    return list(found.values())[1:]


def _said(node: ast.AST | None) -> str:
    if node is None or isinstance(node, ast.Pass):
        return "(nothing)"
    return " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())[:80]


def _changes(tree: ast.Module) -> Iterator[tuple[ast.Module, ast.AST, ast.AST | None]]:
    """Yield changed copies of a tree, with what stood there and what stands there now."""

    def with_child(parent: ast.AST, name: str, at: int | None, new: Any) -> ast.Module:
        memo: dict[int, Any] = {}
        whole = copy.deepcopy(tree, memo)
        twin = memo[id(parent)]
        if at is None:
            setattr(twin, name, new)
        else:
            children = getattr(twin, name)
            children[at : at + 1] = [] if new is None else [new]
        return whole

    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            for at, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(child, ast.AST) or name in ("annotation", "returns", "decorator_list"):
                    continue
                for new in _variants(child):
                    new = copy.deepcopy(new)
                    yield with_child(parent, name, at, new), child, new
                if name in ("body", "orelse") and isinstance(child, ast.stmt) and at is not None:
                    yield from _statements(parent, name, at, child, with_child)


def _statements(parent, name, at, child, with_child) -> Iterator[tuple[ast.Module, ast.AST, ast.AST | None]]:
    """Yield copies with a statement left out, an ``+=`` that forgets, a condition that always or never holds."""
    if isinstance(child, (ast.Assign, ast.AugAssign, ast.Expr, ast.If, ast.For, ast.While)):
        alone = len(getattr(parent, name)) == 1
        new = ast.Pass() if alone else None
        yield with_child(parent, name, at, new), child, new
    if isinstance(child, ast.AugAssign):
        forgets = ast.Assign([child.target], child.value)
        yield with_child(parent, name, at, copy.deepcopy(forgets)), child, forgets
        for other in _OPERATORS.get(type(child.op), ()):
            swapped = ast.AugAssign(child.target, other(), child.value)
            yield with_child(parent, name, at, copy.deepcopy(swapped)), child, swapped
    if isinstance(child, ast.If):
        for answer in (True, False):
            fixed = ast.If(ast.Constant(answer), child.body, child.orelse)
            yield with_child(parent, name, at, copy.deepcopy(fixed)), child.test, ast.Constant(answer)
    if isinstance(child, (ast.FunctionDef,)) and child.args.defaults:
        for number, default in enumerate(child.args.defaults):
            if isinstance(default, ast.Constant):
                for other in _constants(default.value):
                    twin = copy.deepcopy(child)
                    twin.args.defaults[number] = ast.Constant(other)
                    yield with_child(parent, name, at, twin), default, ast.Constant(other)


def solved(source: Source) -> dict[str, Any]:
    """Return the names of a chapter with its solutions: imports and answers, without its demonstrations.

    Raises
    ------
    AuthorError
        If an answer does not run.
    """
    space: dict[str, Any] = {"__name__": "solved"}
    for cell in source.cells:
        if cell.kind != "code" or cell.check:
            continue
        try:
            tree = ast.parse(_code(cell.source))
            kinds = ast.stmt if cell.exercise else (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
            tree.body = [one for one in tree.body if isinstance(one, kinds)]
            exec(compile(tree, str(source.path), "exec"), space)
        except Exception as error:
            if cell.exercise:
                raise source.wrong(cell.line, f"the solution does not run: {type(error).__name__}: {error}") from error
    return space


def _code(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if STUB not in line)


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
    exec(compile(mutant.code, "<mutant>", "exec"), space)
    objects = tuple(space[name] for name in exercise.names)
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
    global _work
    found = Found(exercise.id)
    cells = [cell for cell in source.cells if cell.exercise == exercise.id]
    if not cells or exercise.probe == "answers":
        return found
    made = [one for one in mutants(_code(cells[0].source)) if one.change not in accepted]
    seeds = [drawing.VISIBLE_SEED, *(f"class {number}" for number in range(classes))]
    entries = [drawing.draw(exercise, seed) for seed in seeds]
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
