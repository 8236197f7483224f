"""Changes of one place of a solution, and of what goes into a function and comes out of it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.authoring.source import BEGIN, END

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


_REDUCTIONS = ("sum", "mean", "max", "min", "prod", "any", "all", "argmax", "argmin", "median")
#: What is added to a divisor or to a logarithm's argument "for safety": more than any tolerance.
_LITTLE = 1e-4
_FAR, _FEW = 100, 5


@dataclass(frozen=True)
class Mutant:
    """A solution with one place changed: the line's number in the cell, what stood there, what stands there now."""

    line: int
    before: str
    after: str
    code: str
    #: For a change of what goes into the function and comes out of it: takes the solution, returns the mutant.
    around: Callable[[Callable], Callable] | None = None

    @property
    def change(self) -> str:
        """The change in one line, as the file of accepted ones has it."""
        return f"{self.before} -> {self.after}"

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        return f"line {self.line}" if self.line else "around"


def _variants(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901 one kind of change after the other
    """Yield what may take a node's place."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, (ast.Div, ast.FloorDiv)):
            yield from (ast.BinOp(node.left, node.op, other) for other in _kept_from_zero(node.right))
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
    elif isinstance(node, ast.Attribute) and node.attr == "inf":  # a maximum that starts too high
        yield from map(ast.Constant, (10.0, 0.0))
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


def _kept_from_zero(divisor: ast.expr) -> Iterator[ast.expr]:
    """Yield a divisor with a little added, and one that is never below 1."""
    counts = ("len", "numel")
    if isinstance(divisor, ast.Constant) or (isinstance(divisor, ast.Call) and _name(divisor) in counts):
        return
    yield ast.BinOp(divisor, ast.Add(), ast.Constant(_LITTLE))
    yield ast.Call(ast.Name(at_least_1.__name__, ast.Load()), [divisor], [])


def at_least_1(divisor: Any) -> Any:
    """Return a number, array or tensor where what is below 1 is 1; mutants call it."""
    return divisor + (divisor < 1) * (1 - divisor)


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


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    yield from _keywords(node)
    name = _name(node)
    if name == "range" and node.args:
        yield from _ranges(node)
    elif node.args and not any(isinstance(arg, ast.Starred) for arg in node.args):
        yield from _arguments(node, name)
    elif isinstance(node.func, ast.Attribute):
        if not node.keywords:
            yield node.func.value  # x.copy() becomes x
        if name in _REDUCTIONS:
            for part in _all_but_one(node.func.value):
                yield ast.Call(ast.Attribute(part, name, ast.Load()), [], node.keywords)


def _keywords(node: ast.Call) -> Iterator[ast.AST]:
    """Yield a call without one of its named arguments, and with another axis."""
    for at, word in enumerate(node.keywords):
        if word.arg == "strict":
            continue
        yield ast.Call(node.func, node.args, node.keywords[:at] + node.keywords[at + 1 :])
        if word.arg in ("axis", "dim") and isinstance(word.value, ast.Constant):
            for other in (0, 1, None):
                if other != word.value.value:
                    words = [*node.keywords[:at], ast.keyword(word.arg, ast.Constant(other)), *node.keywords[at + 1 :]]
                    yield ast.Call(node.func, node.args, words)


def _ranges(node: ast.Call) -> Iterator[ast.AST]:
    """Yield a range without its first or last turn, and with one too many."""
    one = ast.Constant(1)
    last = len(node.args) - 1 if len(node.args) < 3 else 1
    for change in (ast.Add(), ast.Sub()):
        end = ast.BinOp(node.args[last], change, one)
        yield ast.Call(node.func, [*node.args[:last], end, *node.args[last + 1 :]], [])
    if len(node.args) == 1:
        yield ast.Call(node.func, [one, *node.args], [])


def _arguments(node: ast.Call, name: str) -> Iterator[ast.AST]:
    """Yield a call without one of its arguments, of all values but one, and what stands in it alone."""
    first, *others = node.args
    if name in _REDUCTIONS:
        yield from (ast.Call(node.func, [part, *others], node.keywords) for part in _all_but_one(first))
    if name == "log":
        yield ast.Call(node.func, [ast.BinOp(first, ast.Add(), ast.Constant(_LITTLE))], node.keywords)
    if name == "float" and isinstance(first, ast.Constant):
        yield from map(ast.Constant, (10.0, 0.0))  # a maximum that starts too high
    elif name != "float":  # NumPy's own numbers are as good
        yield first  # np.clip(x, 0, 1) becomes x
    for at in range(1, len(node.args)):
        yield ast.Call(node.func, node.args[:at] + node.args[at + 1 :], node.keywords)


def _all_but_one(values: ast.expr) -> Iterator[ast.expr]:
    """Yield an array without its first entry, and without its last one."""
    for ends in (ast.Slice(ast.Constant(1), None, None), ast.Slice(None, ast.Constant(-1), None)):
        yield ast.Subscript(values, ends, ast.Load())


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
        if text not in found and _is_answer(code, old):
            found[text] = Mutant(getattr(old, "lineno", 0), _said(old), _said(new), text)
    return list(found.values())[1:]


def _is_answer(code: str, node: ast.AST) -> bool:
    """Whether a place is the learner's to write, or a default: what stands around the solution is given."""
    lines, number = code.splitlines(), getattr(node, "lineno", 0)
    inside, marked = False, False
    for at, line in enumerate(lines, start=1):
        inside = line.strip() == BEGIN or (inside and line.strip() != END)
        marked = marked or inside
        if at == number and (inside or line.lstrip().startswith("def ")):
            return True
    return not marked


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
                if isinstance(parent, ast.keyword) and parent.arg == "strict":
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


# --- what goes in, and what comes out ------------------------------------------------------------------------


def _each(value: Any, change: Callable[[Any], Any], kinds: str) -> Any:
    """Apply a change to the arrays and numbers of a value whose dtypes are of some kinds (NumPy's letters)."""
    if isinstance(value, (list, tuple)):
        return type(value)(_each(one, change, kinds) for one in value)
    if isinstance(value, dict):
        return {key: _each(one, change, kinds) for key, one in value.items()}
    if isinstance(value, (int, float, np.ndarray, np.generic)) and np.asarray(value).dtype.kind in kinds:
        return change(value)
    return value


def _kinds(value: Any) -> set[str]:
    """Return which kinds of array (two letters: ``"[f"``) and number there are in a value."""
    if isinstance(value, (list, tuple)):
        return {"["}.union(*map(_kinds, value))
    if isinstance(value, dict):
        return set().union(*map(_kinds, value.values()))
    if isinstance(value, np.ndarray):
        return {"[" + value.dtype.kind}
    return {np.asarray(value).dtype.kind} if isinstance(value, (int, float)) else set()


def _limited(value: Any) -> Any:
    return np.clip(value, -_FAR, _FAR)


def _cut(value: Any) -> Any:
    return value.astype(int).astype(value.dtype) if isinstance(value, np.ndarray) else float(int(value))


#: What a function may do to an input, by the kind of input.
_INTO: dict[str, dict[str, Callable[[Any], Any]]] = {
    "f": {"cut to whole numbers": _cut},
    "[f": {f"clipped at {_FAR}": _limited, "cut to whole numbers": _cut, "without its sign": np.abs},
    "[i": {"modulo 10": lambda value: value % 10},
    "i": {f"at most {_FEW}": lambda value: min(value, _FEW)},
}
_OUT_OF: dict[str, Callable[[Any], Any]] = {
    f"clipped at {_FAR}": _limited,
    "rounded to two decimals": lambda value: np.round(value, 2),
}


def wrapped(names: list[str], values: list[list[Any]], results: list[Any]) -> Iterator[Mutant]:
    """Yield mutants that change an input or the result: clipped, cut to whole numbers, without the first sample.

    Parameters
    ----------
    names : list of str
        The names of the inputs.
    values, results : list
        For each case, its inputs and the right answer: they tell what kind of thing each input is.
    """
    for at, name in enumerate(names):
        kinds = set().union(*(_kinds(one[at]) for one in values if at < len(one)))
        for kind in sorted(kinds & set(_INTO)):
            for said, change in _INTO[kind].items():
                yield Mutant(0, name, said, "", _changing_input(at, change, kind[-1]))
        if "[" in kinds:
            for said, ends in {**_ENDS, f"no more than {_FEW}": slice(_FEW)}.items():
                yield Mutant(0, name, said, "", _changing_input(at, _part(ends), None))
    for said, ends in _ENDS.items():
        if any("[" in kind for one in values for value in one for kind in _kinds(value)):
            yield Mutant(0, "samples", said, "", _without_samples(ends))
    if any("f" in kind for one in results for kind in _kinds(one)):
        for said, change in _OUT_OF.items():
            yield Mutant(0, "result", said, "", _changing_result(change))


_ENDS = {"without the first": slice(1, None), "without the last": slice(None, -1)}


def _part(ends: slice) -> Callable[[Any], Any]:
    return lambda value: value[ends] if isinstance(value, (list, tuple)) else value


def _changing_input(at: int, change: Callable, kinds: str | None) -> Callable[[Callable], Callable]:
    def around(solution):
        def mutant(*inputs):
            given = list(inputs)
            if at < len(given):
                given[at] = change(given[at]) if kinds is None else _each(given[at], change, kinds)
            return solution(*given)

        return mutant

    return around


def _without_samples(ends: slice) -> Callable[[Callable], Callable]:
    def around(solution):
        def mutant(*inputs):
            count = next(len(one) for one in inputs if isinstance(one, np.ndarray) and one.ndim)
            same = (isinstance(one, np.ndarray) and one.ndim and len(one) == count for one in inputs)
            return solution(*(one[ends] if cut else one for one, cut in zip(inputs, same, strict=True)))

        return mutant

    return around


def _changing_result(change: Callable) -> Callable[[Callable], Callable]:
    return lambda solution: lambda *inputs: _each(solution(*inputs), change, "f")
