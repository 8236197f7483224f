"""Slips that can be undone in the code itself: each edit finds where a slip may have been made, and mends it in a copy."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

#: Mends a node in place; or returns what takes its place.
Change = Callable[[Any], ast.AST | None]


@dataclass(frozen=True)
class Edit:
    """One place, and how it is mended.

    Attributes
    ----------
    slip : str
        A name of `EXPLANATIONS`.
    place : int
        The number of the node, in the order of `ast.walk`.
    line : int
        Its line in the source, from 1.
    change : callable
    manner : str
        Edits of one manner are also made at all places together.
    """

    slip: str
    place: int
    line: int
    change: Change
    manner: str


#: What is said where undoing a slip makes the answer right.
EXPLANATIONS: dict[str, str] = {
    "= where += is meant": "In each round the new value takes the place of the old one, so only the last round counts. What adds up "
    "over a loop is added to what is there already.",
    "return inside the loop": "`return` ends the function at once, and it is indented so far that this happens in the first round. Let it "
    "stand below the loop, as far left as its `for`.",
    "started over in each round": "What should gather over the rounds is made anew inside the loop, so each round forgets the ones "
    "before. Make it once, above the loop.",
    "* where @ is meant": "* multiplies place by place; the sum of products of rows with columns is the matrix product, @.",
    "the factors of @ in the other order": "A @ B is another product than B @ A: the last axis of the first factor must be as long as the "
    "first axis of the second. Write both shapes down.",
    "@ where * is meant": "@ is the matrix product, which mixes rows with columns. Place by place, it is *.",
    "keepdims is missing": "One number for each row has shape (N,), and NumPy lines that up with the columns. With keepdims=True it stays "
    "a column, (N, 1), and meets its own row.",
    "no axis": "Without an axis the whole array is taken together, all rows of it. Say along which axis.",
    "another axis": "The axis that you name is the one that goes away. Here another one should go.",
    "the result is rounded": "You round, and so do without the digits behind. What is asked for is the number itself; how many of its "
    "digits are shown is decided where it is printed.",
    "rounded up where down is meant": "ceil rounds up: what is left over counts as a whole one more. Here it does not count: round down, "
    "with floor, or with two slashes.",
    "// where / is meant": "// rounds down to a whole number. A single / keeps what comes behind the point.",
    "/ where // is meant": "A single / keeps what comes behind the point. What is wanted is a whole number, rounded down: two slashes.",
    "parentheses are missing": "* and / go first, from left to right, and only then + and -. What belongs above or below a division as a "
    "whole has to stand in parentheses.",
    "the loop ends a round early": "Your loop leaves out its last round: range(n) already ends at n - 1.",
    "the loop ends a round late": "Your loop makes a round too many at its end: range(n) ends at n - 1.",
    "the loop begins a round late": "Your loop leaves out its first round: places are counted from 0.",
    "cut to whole numbers": "On the way numbers are turned into whole ones, and what comes behind the point is lost.",
    "bytes overflow": "The input holds bytes (uint8), which know 0 to 255 only: 3 - 5 is 254. Turn them into floats before you calculate.",
    "an input is changed on the way": "You write into an array that you were given, and need it again as it was. Work on a copy.",
    "two names for one array": "A second name, as in a = x, is still the same array: what you write into one stands in the other, too. "
    "x.copy() is an array of its own.",
    "the same array again and again": "You put one array on the list in each round and go on changing it, so that all entries show its last "
    "state. Put a copy there.",
    "equal falls on the wrong side": "Your comparison is right but where both sides are equal. Read once more which side that belongs to.",
    "the columns of all labels": "[:, labels] takes, for every row, the columns of all labels. Each row wants its own label only: index the "
    "rows as well, with np.arange(N) beside the labels.",
    "a column where a row is meant": "[:, k] is column k, and [k] is row k. What is wanted here lies in a row.",
    "labels taken for row numbers": "Labels alone in brackets choose rows, but a label is the number of a column: row n wants column "
    "labels[n]. Index both, with np.arange(N) beside the labels.",
}  # fmt: skip

_REDUCTIONS = frozenset(
    (
        "sum",
        "mean",
        "max",
        "min",
        "any",
        "all",
        "argmax",
        "argmin",
        "std",
        "var",
        "prod",
        "argsort",
        "sort",
        "cumsum",
        "norm",
    )
)
_LOOPS = (ast.For, ast.While)


def edits(
    function: ast.FunctionDef, labels: Sequence[str] = (), arrays: Sequence[str] = (), in_bytes: Sequence[str] = ()
) -> list[Edit]:
    """Return the edits that a function offers, the likeliest slips first.

    Parameters
    ----------
    function : ast.FunctionDef
    labels : sequence of str
        Names of its parameters that are rows of whole numbers.
    arrays, in_bytes : sequence of str
        Those that are arrays, and those that hold bytes.
    """
    nodes = list(ast.walk(function))
    inside = {id(node) for loop in nodes if isinstance(loop, _LOOPS) for part in loop.body for node in ast.walk(part)}
    found: list[Edit] = []
    for place, node in enumerate(nodes):
        for slip, manner, change in _offers(node, id(node) in inside, labels):
            line = getattr(node, "lineno", 1)
            if isinstance(node, _LOOPS):
                last = node.body[-1].body[-1] if manner == "return far" else node.body[-1]  # type: ignore[attr-defined]
                line = last.lineno if slip == "return inside the loop" else node.body[0].lineno
            found.append(Edit(slip, place, line, change, manner))
    for slip, names, tail in (
        ("an input is changed on the way", arrays, "copy()"),
        ("bytes overflow", in_bytes, "astype(float)"),
    ):
        found += [Edit(slip, 0, 0, _first(f"{name} = {name}.{tail}"), f"{slip}: {name}") for name in names]
    order = list(EXPLANATIONS)
    return sorted(found, key=lambda one: order.index(one.slip))


_Offer = tuple[str, str, Change]


def _offers(node: ast.AST, in_loop: bool, labels: Sequence[str]) -> Iterator[_Offer]:
    if isinstance(node, ast.Assign):
        yield from _of_assignment(node, in_loop)
    elif isinstance(node, _LOOPS):
        yield from _of_loop(node)
    elif isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from _of_comparison(node)
    elif isinstance(node, ast.Subscript):
        yield from _of_index(node, labels)


def _of_assignment(node: ast.Assign, in_loop: bool) -> Iterator[_Offer]:
    target = node.targets[0]
    if len(node.targets) == 1 and isinstance(target, (ast.Name, ast.Subscript)) and in_loop:
        own = ast.unparse(target)
        if own not in {ast.unparse(each) for each in ast.walk(node.value) if isinstance(each, type(target))}:
            yield "= where += is meant", own, lambda one: _at(one, ast.AugAssign(one.targets[0], ast.Add(), one.value))
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    if all(isinstance(each, ast.Name) for each in values):

        def own_copies(one: ast.Assign) -> None:
            copied = ", ".join(f"{ast.unparse(each)}.copy()" for each in getattr(one.value, "elts", [one.value]))
            one.value = ast.parse(copied, mode="eval").body

        yield "two names for one array", "alias", own_copies


def _of_loop(node: ast.For | ast.While) -> Iterator[_Offer]:
    last = node.body[-1]
    if isinstance(last, ast.Return) and len(node.body) > 1:

        def below(one: ast.For) -> ast.AST:
            return _block(one, after=one.body.pop())

        yield "return inside the loop", "return", below
    if isinstance(last, _LOOPS) and isinstance(last.body[-1], ast.Return) and len(last.body) > 1:
        yield "return inside the loop", "return far", lambda one: _block(one, after=one.body[-1].body.pop())
    first = node.body[0]
    if (
        isinstance(first, ast.Assign)
        and len(node.body) > 1
        and isinstance(first.value, (ast.Constant, ast.List, ast.Call))
    ):
        yield "started over in each round", "start", lambda one: _block(one, before=one.body.pop(0))


def _block(loop: Any, before: ast.stmt | None = None, after: ast.stmt | None = None) -> ast.AST:
    """Return a loop with a statement above or below it: an `if` that is always done holds several in the place of one."""
    parts = [one for one in (before, loop, after) if one is not None]
    return _at(loop, ast.If(ast.Constant(True), parts, []))


def _of_operation(node: ast.BinOp) -> Iterator[_Offer]:
    swaps: dict[type, tuple[str, type]] = {
        ast.Mult: ("* where @ is meant", ast.MatMult),
        ast.MatMult: ("@ where * is meant", ast.Mult),
        ast.FloorDiv: ("// where / is meant", ast.Div),
        ast.Div: ("/ where // is meant", ast.FloorDiv),
    }
    if type(node.op) in swaps:
        slip, other = swaps[type(node.op)]
        yield slip, slip, lambda one: setattr(one, "op", other())
    if isinstance(node.op, ast.MatMult):

        def turned(one: ast.BinOp) -> None:
            one.left, one.right = one.right, one.left

        yield "the factors of @ in the other order", "order", turned
    left, right = node.left, node.right
    if isinstance(node.op, ast.Mult) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div):

        def under(one: ast.BinOp) -> ast.AST:
            inner: Any = one.left
            return _at(one, ast.BinOp(inner.left, ast.Div(), ast.BinOp(inner.right, ast.Mult(), one.right)))

        yield "parentheses are missing", "under", under
    sums = (ast.Add, ast.Sub)
    middle = left.right if isinstance(left, ast.BinOp) and isinstance(left.op, sums) else None
    if isinstance(node.op, sums) and isinstance(middle, ast.BinOp) and isinstance(middle.op, ast.Div):

        def both(one: ast.BinOp) -> ast.AST:
            outer: Any = one.left
            above = ast.BinOp(outer.left, outer.op, outer.right.left)
            return _at(one, ast.BinOp(above, ast.Div(), ast.BinOp(outer.right.right, one.op, one.right)))

        yield "parentheses are missing", "both", both
    if isinstance(node.op, sums) and isinstance(right, ast.BinOp) and isinstance(right.op, ast.Div):

        def above(one: ast.BinOp) -> ast.AST:
            inner: Any = one.right
            return _at(one, ast.BinOp(ast.BinOp(one.left, one.op, inner.left), ast.Div(), inner.right))

        yield "parentheses are missing", "above", above
    if isinstance(node.op, sums) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div):

        def below(one: ast.BinOp) -> ast.AST:
            inner: Any = one.left
            return _at(one, ast.BinOp(inner.left, ast.Div(), ast.BinOp(inner.right, one.op, one.right)))

        yield "parentheses are missing", "below", below


def _of_call(node: ast.Call) -> Iterator[_Offer]:
    name = (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else node.func.id
        if isinstance(node.func, ast.Name)
        else ""
    )
    if name in _REDUCTIONS and isinstance(node.func, ast.Attribute):
        yield from _of_reduction(node)
    if name == "range" and isinstance(node.func, ast.Name) and not node.keywords:
        yield from _of_range(node)
    if name == "append" and len(node.args) == 1 and isinstance(node.args[0], ast.Name):

        def copied(one: Any) -> None:
            one.args[0] = ast.parse(f"{one.args[0].id}.copy()", mode="eval").body

        yield "the same array again and again", "append", copied
    if name in ("round", "around") and _rounded(node) is not None:
        yield "the result is rounded", "round", _rounded
    if name == "ceil":

        def down(one: ast.Call) -> None:
            one.func = ast.parse(ast.unparse(one.func).replace("ceil", "floor"), mode="eval").body

        yield "rounded up where down is meant", "ceil", down
    if name == "astype" or (name == "int" and len(node.args) == 1):
        yield (
            "cut to whole numbers",
            "cut",
            lambda one: one.func.value if isinstance(one.func, ast.Attribute) else one.args[0],
        )
    if any(word.arg == "dtype" for word in node.keywords):

        def floats(one: ast.Call) -> None:
            one.keywords = [word for word in one.keywords if word.arg != "dtype"]

        yield "cut to whole numbers", "dtype", floats


def _rounded(node: ast.Call) -> ast.AST | None:
    """Return what a call rounds."""
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        return node.func.value
    return node.args[0] if node.args else None


def _of_reduction(node: ast.Call) -> Iterator[_Offer]:
    free = len(node.args) <= (1 if isinstance(node.func, ast.Attribute) and _is_module(node.func.value) else 0)
    words = {word.arg: word.value for word in node.keywords}
    keeps = isinstance(node.func, ast.Attribute) and node.func.attr not in ("argsort", "sort", "cumsum")

    def with_(**more: object) -> Change:
        def change(one: ast.Call) -> None:
            kept = [word for word in one.keywords if word.arg not in more]
            one.keywords = kept + [
                ast.keyword(name, ast.parse(repr(value), mode="eval").body) for name, value in more.items()
            ]

        return change

    if "axis" not in words and free:
        for axis in (1, 0, -1, (2, 3), (0, 1, 2)):
            yield "no axis", f"axis {axis}", with_(axis=axis)
            if keeps and "keepdims" not in words:
                yield "no axis", f"axis {axis} kept", with_(axis=axis, keepdims=True)
    elif keeps and "keepdims" not in words:
        yield "keepdims is missing", "keepdims", with_(keepdims=True)
    own = _constant(words.get("axis"))
    others: Sequence[object] = ()
    if isinstance(own, int):
        others = (0, 1, 2)
    elif isinstance(own, tuple):
        others = list(combinations(range(4), len(own)))
    for other in others:
        if other != own:
            yield "another axis", f"to axis {other}", with_(axis=other)


def _constant(node: ast.AST | None) -> object:
    """Return a number, or a tuple of numbers, that stands in the code as such; else None."""
    try:
        return ast.literal_eval(node) if node is not None else None  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return None


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "torch") or isinstance(node, ast.Attribute)


def _of_range(node: ast.Call) -> Iterator[_Offer]:
    def ends(step: int) -> Change:
        def change(one: ast.Call) -> None:
            place = 0 if len(one.args) == 1 else 1
            one.args[place] = ast.BinOp(one.args[place], ast.Add(), ast.Constant(step))

        return change

    yield "the loop ends a round early", "range + 1", ends(1)
    yield "the loop ends a round late", "range - 1", ends(-1)
    if len(node.args) >= 2 and isinstance(node.args[0], ast.Constant) and node.args[0].value == 1:
        yield "the loop begins a round late", "range from 0", lambda one: one.args.__setitem__(0, ast.Constant(0))


def _of_comparison(node: ast.Compare) -> Iterator[_Offer]:
    swaps: dict[type, type] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
    other = swaps.get(type(node.ops[0]))
    if other:
        yield "equal falls on the wrong side", "compare", lambda one: one.ops.__setitem__(0, other())


def _of_index(node: ast.Subscript, labels: Sequence[str]) -> Iterator[_Offer]:
    inside = node.slice
    name = ""
    if isinstance(inside, ast.Tuple) and len(inside.elts) == 2 and isinstance(inside.elts[1], ast.Constant):
        every = inside.elts[0]
        if isinstance(every, ast.Slice) and not (every.lower or every.upper or every.step):
            number = inside.elts[1]
            yield "a column where a row is meant", "row", lambda one: setattr(one, "slice", number)
    if isinstance(inside, ast.Name) and inside.id in labels:
        name, slip = inside.id, "labels taken for row numbers"
    elif isinstance(inside, ast.Tuple) and len(inside.elts) == 2 and isinstance(inside.elts[1], ast.Name):
        rows = inside.elts[0]
        if inside.elts[1].id in labels and isinstance(rows, ast.Slice) and not (rows.lower or rows.upper or rows.step):
            name, slip = inside.elts[1].id, "the columns of all labels"
    if name:
        rows_too = ast.parse(f"np.arange(len({name})), {name}", mode="eval").body

        def pairs(one: Any) -> None:
            one.slice = rows_too

        yield slip, "pairs", pairs
        if isinstance(node.ctx, ast.Load):

            def column(one: Any) -> ast.AST:
                one.slice = rows_too
                return _at(one, ast.Subscript(one, ast.parse("x[:, None]", mode="eval").body.slice, ast.Load()))  # type: ignore[attr-defined]

            yield slip, "pairs as a column", column


def _at(old: ast.AST, new: Any) -> Any:
    return ast.copy_location(new, old)


def _first(line: str) -> Change:
    """Put a statement at the top of the function, below its docstring."""

    def change(function: ast.FunctionDef) -> None:
        function.body.insert(1 if ast.get_docstring(function) else 0, ast.parse(line).body[0])

    return change
