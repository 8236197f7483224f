"""Slips that raise: which exception, with which text, on what kind of line, is which beginner's slip.

`RAISED` is the table; the first row that fits is the one that is told. NumPy's, torch's and Python's texts differ a little
between versions, so a row goes by the words that have stayed.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from introdl.checking.slips.context import Context, Slip, shapes_in

Found = re.Match[str]


def _nothing(_context: Context, _found: Found) -> str:
    return ""


def _always(_context: Context, _found: Found) -> bool:
    return True


@dataclass(frozen=True)
class Raised:
    """A row of the table.

    Parameters
    ----------
    name : str
        The slip's name.
    errors : str
        The exceptions' names, with spaces between them.
    message : str
        A regular expression that the exception's text must hold.
    explanation : str
        As in `Slip`; ``{name}`` is the learner's function.
    when : callable, optional
        Whether it is this slip: a function of the context and of the match.
    detail : callable, optional
        As in `Slip`, from the same.
    family : str, optional
        What rows share that tell one kind of exception apart by what stands around it; by default the name.
    """

    name: str
    errors: str
    message: str
    explanation: str
    when: Callable[[Context, Found], bool] = _always
    detail: Callable[[Context, Found], str] = _nothing
    family: str = ""


# --- when ---------------------------------------------------------------------------------------------------------


def _line(pattern: str) -> Callable[[Context, Found], bool]:
    known = re.compile(pattern)
    return lambda context, _: bool(known.search(context.line))


def _is_chained(context: Context, _: Found) -> bool:
    return any(isinstance(node, ast.Compare) and len(node.ops) > 1 for node in _nodes(context.line))


def _could_be_product(context: Context, found: Found) -> bool:
    """Whether two tables that were given met in ``*`` and would meet in ``@``, as they are or with one of them turned."""
    shapes = shapes_in(found[0])
    if len(shapes) != 2 or any(len(one) != 2 for one in shapes) or "@" in context.line:
        return False
    if not {*shapes} <= context.shapes():
        return False
    (a, b), (c, d) = shapes
    return bool(re.search(r"[\w\])]\s*\*\s*[\w(]", context.line)) and (b in (c, d) or a == c)


def _of_one_thing(context: Context, _: Found) -> bool:
    """Whether Python's max or min stands on the line and is given one thing, whose rows it compares."""
    calls = [
        node
        for node in _nodes(context.line)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("max", "min")
    ]
    return bool(calls) and all(
        len(one.args) == 1 and not isinstance(one.args[0], (ast.Starred, ast.GeneratorExp, ast.ListComp))
        for one in calls
    )


def _nodes(code: str) -> list[ast.AST]:
    """Return what stands in code, or on a line of it; nothing where that is no statement by itself."""
    try:
        return list(ast.walk(ast.parse(f"{code} pass" if code.endswith(":") else code)))
    except SyntaxError:
        return []


def _is_of_its_loop(context: Context, _: Found) -> bool:
    """Whether a loop's own name stands in brackets, and the loop runs over that very list: ``for a in x: x[a]``."""
    loops = {
        (ast.unparse(one.iter), ast.unparse(one.target))
        for one in _nodes(context.code)
        if isinstance(one, (ast.For, ast.comprehension))
    }
    return any(
        (ast.unparse(one.value), ast.unparse(one.slice)) in loops
        for one in _nodes(context.line)
        if isinstance(one, ast.Subscript)
    )


def _is_pair_in_brackets(context: Context, _: Found) -> bool:
    """Whether several places stand in one pair of brackets; yes where the line cannot be read."""
    nodes = _nodes(context.line)
    return not nodes or any(isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Tuple) for one in nodes)


def _one_per_row(_context: Context, found: Found) -> bool:
    """Whether a table met one number for each of its rows: (N, K) and (N,)."""
    shapes = sorted(shapes_in(found[0]), key=len)
    return len(shapes) == 2 and len(shapes[1]) > len(shapes[0]) == 1 and shapes[0][0] in shapes[1][:-1]


def _is_all_labels(context: Context, found: Found) -> bool:
    """Whether a table met the columns of all labels: (N, K) and (N, N), where the code says ``[:, labels]``."""
    shapes = shapes_in(found[0])
    square = any(len(one) == 2 and one[0] == one[1] == shapes[0][0] for one in shapes[1:])
    return square and any(re.search(rf"\[\s*:\s*,\s*{re.escape(name)}\s*\]", context.code) for name in context.labels())


def _indexed_by_labels(context: Context, _: Found) -> bool:
    """Whether labels alone stand in the brackets of what is no list of one thing for each class."""
    return any(re.search(rf"\w\[\s*{re.escape(name)}\s*\]", context.line) for name in context.labels())


def _is_just_past(context: Context, found: Found) -> bool:
    """Whether the place behind the last was asked for, by code that counts one too far: a ``+ 1``, or a ``<=``."""
    return (found.re.groups < 2 or found[1] == found[2]) and bool(_ONE_FURTHER.search(context.code or context.line))


_ONE_FURTHER = re.compile(r"\+\s*1\b(?![.\d])|<=|\brange\(\s*1\s*,|\[\s*len\(")


def _of_the_call(context: Context, _: Found) -> bool:
    """Whether it was raised by the call of the answer itself, before its first line."""
    return not context.outcome.where


def _elsewhere(context: Context, _: Found) -> bool:
    return bool(context.outcome.where)


# --- details ------------------------------------------------------------------------------------------------------


def _met(context: Context, found: Found) -> str:
    """Name the shapes that met, and the inputs that have them."""
    told = []
    for shape in dict.fromkeys(shapes_in(found[0])[:3]):
        names = context.of_shape(shape)
        told.append(f"{shape} (the shape of {' and '.join(names)})" if names else f"{shape}")
    return f"Here {' met '.join(told)}." if len(told) > 1 else ""


def _sizes(_context: Context, found: Found) -> str:
    return f"Here {found[1]} met {found[2]}."


def _asked(_context: Context, found: Found) -> str:
    last = int(found[2]) - 1
    return (
        f"Here place {found[1]} was asked for, and the last is {last}."
        if last >= 0
        else "Here there is no place at all."
    )


def _near(context: Context, found: Found) -> str:
    name = found[1]
    known = {*context.inputs, *context.entry.names, *re.findall(r"[A-Za-z_]\w+", context.code), "np", "math", "len"}
    near = difflib.get_close_matches(name, sorted(known - {name}), n=1, cutoff=0.6)
    if near:
        return f"{name} is not defined; is it {near[0]} that you mean?"
    if name in ("np", "numpy", "math", "torch", "plt"):
        return f"{name} is imported in the chapter's first code cell: run that cell."
    return f"{name} is not defined."


def _key(context: Context, found: Found) -> str:
    keys = [str(key) for value in context.inputs.values() if isinstance(value, dict) for key in value][:12]
    wanted = found[1].strip("'\"")
    alike = {key.lower(): key for key in keys}
    near = difflib.get_close_matches(wanted.lower(), alike, n=1)
    if near:
        return f"There is no key {found[1]}; is it {alike[near[0]]!r} that you mean?"
    return (
        f"There is no key {found[1]}; there are {', '.join(map(repr, keys))}."
        if keys
        else f"There is no key {found[1]}."
    )


def _called_with(context: Context, _: Found) -> str:
    if context.entry.probe != "call":
        return ""
    return f"It is called as {context.name}({', '.join(name for name, _ in context.case.inputs)})."


def _quoted(number: int = 1, words: str = "Here it is {}.") -> Callable[[Context, Found], str]:
    return lambda _, found: words.format(found[number])


#: What to write instead, where a method is the other library's.
_IN_NUMPY = {
    **dict.fromkeys(("detach", "cpu", "cuda", "numpy", "requires_grad_"), "leave it out"),
    **dict.fromkeys(("float", "double"), "x.astype(float)"),
    **dict.fromkeys(("long", "int", "to"), "x.astype(int)"),
    **dict.fromkeys(("matmul", "mm", "bmm"), "x @ y"),
    **dict.fromkeys(("relu", "maximum", "clamp_min"), "np.maximum(x, y)"),
    **dict.fromkeys(("sigmoid", "softmax", "log_softmax", "logsumexp"), "its formula, with np.exp"),
    **{name: f"np.{name}(x)" for name in ("exp", "log", "log2", "sqrt", "abs", "tanh", "square", "sign", "unique")},
    "topk": "np.argsort, and the last k of its places",
    "unsqueeze": "x[:, None]",
    "norm": "np.linalg.norm(x)",
    "permute": "x.transpose(...)",
    "clone": "x.copy()",
    "numel": "x.size",
    "clamp": "np.clip(x, low, high)",
    "gather": "x[rows, columns]",
    "scatter_": "x[rows, columns] = ...",
    "expand": "np.broadcast_to(x, shape)",
    "flip": "np.flip(x, axis)",
    "t": "x.T",
}
_IN_TORCH = {
    "astype": "x.to(dtype), or x.float()",
    "copy": "x.clone()",
    "fill": "x.fill_(value)",
    "ptp": "x.max() - x.min()",
    "compress": "x[mask]",
}


def _in_the_other(table: dict[str, str]) -> Callable[[Context, Found], str]:
    return lambda _, found: f"Instead of .{found[1]}: {table[found[1]]}."


def _one_of(table: dict[str, str]) -> Callable[[Context, Found], bool]:
    return lambda _, found: found[1] in table


# --- the table ----------------------------------------------------------------------------------------------------

_TRUTH = r"truth value of an array|Boolean value of Tensor with more than one"
_INNER_AXES = (
    "In A @ B the last axis of A meets the first axis of B (of the last two), and they must be equally long. Print both shapes just "
    "before this line: which of the two is not the array, or not of the shape, that you expect there?"
)
_BROADCAST = r"(?:could not be broadcast|could not broadcast|cannot be broadcast|must match the size of tensor).*"
_FLOAT = r"\b(?:float|float64|float32|numpy\.float64|numpy\.float32)\b"

RAISED: Sequence[Raised] = (
    # what is kept
    Raised(
        "an object saved in place of its numbers",
        "AttributeError PicklingError TypeError",
        r"[Cc]an't (?:pickle|get) local object|cannot pickle",
        "A file can hold tensors, numbers and texts. A model or an optimizer needs its class again where the file is read, and "
        "that may not be there. Save what state_dict() returns.",
    ),
    # the two libraries' words
    Raised(
        "PyTorch's word in NumPy",
        "TypeError",
        r"got an unexpected keyword argument '(dim|keepdim)'|'(dim|keepdim)' is an invalid keyword argument",
        "dim and keepdim are PyTorch's words. NumPy calls them axis and keepdims.",
        family="another number of inputs in a call",
    ),
    Raised(
        "PyTorch's word in NumPy",
        "AttributeError",
        r"'numpy\.ndarray' object has no attribute '(\w+)'",
        "NumPy's arrays do not have this method: it is one of PyTorch's tensors. Write it in NumPy's way.",
        when=_one_of(_IN_NUMPY),
        detail=_in_the_other(_IN_NUMPY),
        family="an attribute that is not there",
    ),
    Raised(
        "NumPy's word in PyTorch",
        "AttributeError",
        r"'Tensor' object has no attribute '(\w+)'",
        "PyTorch's tensors do not have this method: it is one of NumPy's arrays. Write it in PyTorch's way.",
        when=_one_of(_IN_TORCH),
        detail=_in_the_other(_IN_TORCH),
        family="an attribute that is not there",
    ),
    Raised(
        "a tensor belongs there",
        "TypeError",
        r"argument '?\w+'? \(position \d+\) must be Tensor, not (?:numpy\.)?(\w+)",
        "PyTorch's functions take tensors. A NumPy array becomes one by torch.as_tensor(x); a number that is to be compared with a "
        "tensor place by place goes into torch.clamp, or into a tensor of its own.",
        detail=_quoted(words="Here it was given something of the type {}."),
    ),
    Raised(
        "a NumPy function of a tensor that learns",
        "RuntimeError",
        r"Can't call numpy\(\) on Tensor that requires grad",
        "NumPy knows no gradients, so it takes no tensor that collects them. Calculate with torch's functions; where you want the bare "
        "numbers, x.detach() has no gradient.",
    ),
    # one answer asked of many numbers
    Raised(
        "Python's max goes through the rows",
        "ValueError RuntimeError",
        _TRUTH,
        "Python's max and min of one table compare its rows, and which of two rows is larger has no single answer. An array has "
        "methods of its own, x.max() and x.min(), for the largest and the smallest of all its numbers.",
        when=_of_one_thing,
        family="truth",
    ),
    Raised(
        "max compares whole arrays",
        "ValueError RuntimeError",
        _TRUTH,
        "Python's max and min ask whether one argument is larger than the other, and of two arrays that has no single answer. "
        "Where you want the larger one place by place, NumPy has a function of two arrays for that, with a longer name.",
        when=_line(r"(?<![\w.])(?:max|min)\s*\("),
        family="truth",
    ),
    Raised(
        "two comparisons in a row on an array",
        "ValueError RuntimeError",
        _TRUTH,
        "a < x < b means (a < x) and (x < b), and `and` wants one yes or no, not an array of them. Compare twice, in parentheses, "
        "with & between them.",
        when=_is_chained,
        family="truth",
    ),
    Raised(
        "and, or, not on arrays",
        "ValueError RuntimeError",
        _TRUTH,
        "`and`, `or` and `not` want one yes or no; an array of comparisons holds many. Between arrays use &, | and ~, with each "
        "comparison in parentheses.",
        when=_line(r"\b(?:and|or|not)\b"),
        family="truth",
    ),
    Raised(
        "one question asked of a whole array",
        "ValueError RuntimeError",
        _TRUTH,
        "`if` wants one yes or no, and a comparison of an array gives one for each of its numbers. Choose place by place (np.where, "
        "or a mask in brackets), or loop over the numbers and ask each.",
        family="truth",
    ),
    # shapes that do not meet
    Raised(
        "the columns of all labels",
        "ValueError",
        _BROADCAST,
        "[:, labels] takes, for every row, the columns of all labels: N times N numbers. Each row wants its own label only: index "
        "the rows as well, with np.arange(N) beside the labels.",
        when=_is_all_labels,
        detail=_met,
        family="shapes",
    ),
    Raised(
        "* where @ is meant",
        "ValueError RuntimeError",
        _BROADCAST,
        "* multiplies place by place, so both arrays need the same shape. A sum of products of rows with columns is the matrix "
        "product, @. Write both shapes down: the axes that meet in the middle must agree.",
        when=_could_be_product,
        detail=_met,
        family="shapes",
    ),
    Raised(
        "one number for each row, but not as a column",
        "ValueError RuntimeError",
        _BROADCAST,
        "NumPy lines shapes up from the right, so one number for each row, shape (N,), meets the columns. Let it stand as a column, "
        "shape (N, 1): with keepdims=True where you take the sum, mean or maximum, or with [:, None].",
        when=_one_per_row,
        detail=_met,
        family="shapes",
    ),
    Raised(
        "shapes that do not fit each other",
        "ValueError RuntimeError",
        _BROADCAST,
        "The two arrays cannot be combined place by place: lined up from the right, each pair of axes must be equally long, or one of "
        "them 1. Print both shapes before that line.",
        detail=_met,
        family="shapes",
    ),
    Raised(
        "a matrix product whose inner axes differ",
        "ValueError",
        r"mismatch in its core dimension.*size (\d+) is different from (\d+)",
        _INNER_AXES,
        detail=_sizes,
        family="shapes",
    ),
    Raised(
        "a matrix product whose inner axes differ",
        "ValueError RuntimeError",
        r"shapes (.*) and (.*) not aligned|mat1 and mat2 shapes cannot be multiplied.*|size mismatch.*",
        _INNER_AXES,
        detail=_met,
        family="shapes",
    ),
    Raised(
        "a matrix product with a single number",
        "ValueError",
        r"matmul: Input operand \d does not have enough dimensions",
        "One side of @ is a single number, which has no axis to sum over. Between numbers, or a number and an array, * is meant.",
        family="shapes",
    ),
    Raised(
        "arrays that do not fit side by side",
        "ValueError",
        r"all the input array(?:s must have| dimensions).*|must have the same number of dimensions",
        "Stacked or joined arrays must agree on all axes but the one along which they are joined. A column is put beside a table with "
        "np.column_stack; np.vstack puts rows below it.",
        family="shapes",
    ),
    Raised(
        "a reshape to another count of numbers",
        "ValueError RuntimeError",
        r"cannot reshape array of size (\d+) into shape (.*)|shape .* is invalid for input of size",
        "reshape deals the same numbers out anew, so the product of the new shape must be their count. Check each factor of the shape.",
        detail=lambda _, found: f"Here {found[1]} numbers should become {found[2]}." if found[1] else "",
        family="shapes",
    ),
    Raised(
        "an axis that is not there",
        "AxisError IndexError numpy.exceptions.AxisError",
        r"axis (-?\d+) is out of bounds for array of dimension (\d+)|Dimension out of range",
        "You name an axis that the array does not have. Axes are counted from 0, so an array with one axis has axis 0 alone. Print the "
        "shape before that line.",
        detail=lambda _, found: f"Here axis {found[1]} was asked for, of an array with {found[2]} axes." if found[1] else "",
        family="shapes",
    ),
    Raised(
        "transpose with other axes than there are",
        "ValueError RuntimeError",
        r"axes don't match array|number of dimensions in the tensor input does not match",
        "transpose is told a new order of all axes: as many numbers as the array has axes, each of them once.",
        family="shapes",
    ),
    # places that are not there
    Raised(
        "labels taken for row numbers",
        "IndexError",
        r"index (-?\d+) is out of bounds for axis 0 with size (\d+)",
        "Labels alone in brackets choose rows, but a label is the number of a column: row n wants column labels[n]. Index both, the "
        "rows with np.arange(N) beside the labels.",
        when=_indexed_by_labels,
        family="places",
    ),
    Raised(
        "one place past the end",
        "IndexError",
        r"index (\d+) is out of bounds for (?:axis \d+|dimension \d+) with size (\d+)",
        "Places are counted from 0, so the last of n is n - 1. Look at where your loop ends, and at a + 1 in the brackets.",
        when=_is_just_past,
        detail=_asked,
        family="places",
    ),
    Raised(
        "a place outside the array",
        "IndexError",
        r"index (-?\d+) is out of bounds for (?:axis \d+|dimension \d+) with size (\d+)",
        "You ask for a place that the array does not have. Check which axis the number belongs to, and in which order the axes stand.",
        detail=_asked,
        family="places",
    ),
    Raised(
        "one place past the end",
        "IndexError",
        r"(?:list|tuple|string) index out of range|pop index out of range",
        "You ask for a place that the list does not have: the last of n is n - 1. Look at where your loop ends, and at a + 1 in the "
        "brackets.",
        when=_is_just_past,
        family="places",
    ),
    Raised(
        "a place outside the list",
        "IndexError",
        r"(?:list|tuple|string) index out of range|pop index out of range",
        "You ask for a place that the list does not have. Print its length and the place: the list may be shorter than you think.",
        family="places",
    ),
    Raised(
        "more places in brackets than axes",
        "IndexError",
        r"too many indices for (?:array|tensor)[^\d]*(\d+)-dimensional, but (\d+) were indexed|too many indices|invalid index to scalar",
        "You put more numbers into the brackets than the array has axes. Print its shape: an axis may be gone since a sum, a maximum or "
        "an index before.",
        detail=lambda _, found: f"Here there are {found[1]} axes, and {found[2]} places in brackets." if found[1] else "",
        family="places",
    ),
    Raised(
        "a mask of another length",
        "IndexError",
        r"boolean index did not match",
        "A mask in brackets must be as long as the axis that it chooses from. Print both shapes.",
        family="places",
    ),
    Raised(
        "rows and columns of different counts in brackets",
        "IndexError",
        r"shape mismatch: indexing arrays could not be broadcast",
        "Two arrays in brackets are read in pairs, a row with a column, so they must be equally long.",
        family="places",
    ),
    Raised(
        "a byte runs over",
        "OverflowError",
        r"Python integer -?\d+ out of bounds for (u?int\d+)",
        "The array holds small whole numbers, uint8 bytes perhaps, which know 0 to 255 only. Turn it into floats or ints before you "
        "calculate.",
        detail=_quoted(words="The array is of {}."),
    ),
    Raised(
        "a third array is where the result goes",
        "TypeError",
        r"'out' must be an array|return arrays must be of ArrayType|output must be an array",
        "NumPy's functions of two arrays, dot and maximum for example, write their result into what comes third. Whatever else belongs "
        "to your formula stands outside their parentheses.",
    ),
    # floats where whole numbers belong
    Raised(
        "a float where a whole number belongs",
        "TypeError IndexError",
        rf"{_FLOAT}.* cannot be interpreted as an integer|slice indices must be integers|only integer scalar arrays|"
        r"only integers, slices|arrays used as indices must be of integer|indices must be integers or slices, not (?:float|numpy\.float)|"
        r"tensors used as indices must be long",
        "Sizes, places and counts must be whole numbers, and this one is a float. A single / always makes a float, even of 6 / 2; "
        "two slashes keep whole numbers whole.",
    ),
    Raised(
        "an array where a single number belongs",
        "TypeError",
        r"only (?:0-dimensional|length-1|size-1|one element|integer scalar) (?:arrays|tensors)? ?can(?:not)? be converted|"
        r"only 0-dimensional arrays can be converted|only length-1 arrays can be converted",
        "float(), int() and the functions of math take one number; you give them an array. NumPy has the same functions for all numbers "
        "at once: np.exp for math.exp.",
    ),
    Raised(
        "the shape is not in parentheses of its own",
        "TypeError",
        r"Cannot interpret '?[\w.<> ']+'? as a data type|data type not understood",
        "np.zeros and np.ones take the shape as one thing, and read what comes second as the type of the numbers. Put the sizes into "
        "parentheses of their own, a tuple.",
    ),
    Raised(
        "the shape is not in parentheses of its own",
        "TypeError",
        r"takes at most \d+ (?:positional )?arguments|takes from \d+ to \d+ positional arguments but",
        "np.zeros and np.ones take the shape as one thing. Put the sizes into parentheses of their own, a tuple.",
        when=_line(r"\b(?:zeros|ones|empty)\("),
    ),
    Raised(
        "whole numbers cannot hold the result",
        "UFuncTypeError UFuncOutputCastingError numpy._core._exceptions._UFuncOutputCastingError TypeError",
        r"Cannot cast ufunc '\w+' output from dtype\('(\w+)'\) to dtype\('(\w+)'\)",
        "An operation such as -= or /= writes its result into the array on the left, and that one holds whole numbers only, or True and "
        "False. Make a new array of floats: that leaves the caller's alone, too.",
        detail=lambda _, found: f"Here {found[1]} should go into {found[2]}.",
    ),
    Raised(
        "a list of rows put where one number belongs",
        "ValueError TypeError",
        r"setting an array element with a sequence|inhomogeneous shape",
        "Several numbers are put into the place of one, or rows of different lengths into one table. Print the shape of what you put "
        "there.",
    ),
    # what kind of thing it is
    Raised(
        "np.sum or np.mean of a generator",
        "TypeError",
        r"'generator'",
        "NumPy's functions take a generator, (... for ...), for a single thing and do not run through it. Give them a list, [... for ...], "
        "or use Python's own sum.",
    ),
    Raised(
        "None is used as a number",
        "TypeError AttributeError",
        r"'NoneType'",
        "Something that you calculate with is None. A function without return gives None, and so do append, sort, shuffle and other "
        "methods that change a thing in place.",
        detail=lambda context, _: f"Look at what is None in: {context.line}" if context.line else "",
    ),
    Raised(
        "another number of inputs",
        "TypeError",
        r"takes (\d+) positional arguments? but|missing \d+ required (?:positional|keyword-only) argument|takes no arguments|"
        r"takes from \d+ to \d+ positional",
        "{name} is called with all of its inputs in the order of its docstring. Leave the first line of the cell, `def ...`, as it was "
        "handed out.",
        when=_of_the_call,
        detail=_called_with,
    ),
    Raised(
        "another number of inputs in a call",
        "TypeError",
        r"takes (\d+) positional arguments? but|missing \d+ required positional argument|takes from \d+ to \d+ positional|"
        r"got an unexpected keyword argument|got multiple values for",
        "The function that you call on this line takes other inputs than you give it. Look at its docstring: put ? behind its name in a "
        "cell of its own.",
        when=_elsewhere,
    ),
    Raised(
        "a value where the function belongs",
        "TypeError",
        r"'([\w.]+)' object is not callable",
        "What is checked under the name {name} is a value and no function: perhaps the result of a call. Give check the bare name, "
        "without parentheses, and use the name for nothing else.",
        when=_of_the_call,
    ),
    Raised(
        "parentheses behind what is no function",
        "TypeError",
        r"'([\w.]+)' object is not callable",
        "Parentheses call a function, and what stands before them is none. Places of arrays go into square brackets; shape and size are "
        "no functions; and a * may be missing before the parenthesis.",
        when=_elsewhere,
    ),
    Raised(
        "square brackets behind a function",
        "TypeError",
        r"'(?:[\w.]*(?:function|method|Dispatcher|ufunc)\w*|type)' object is not subscriptable",
        "Square brackets ask for a place, and what stands before them is a function. It is called with parentheses.",
    ),
    Raised(
        "what a list holds taken for its places",
        "TypeError",
        r"(?:list|tuple) indices must be integers or slices, not",
        "`for each in things` hands out the things themselves, one after the other, and no numbers. Use each as it comes; or loop over "
        "range(len(things)), where you need the places.",
        when=_is_of_its_loop,
    ),
    Raised(
        "a list is indexed like an array",
        "TypeError",
        r"(?:list|tuple) indices must be integers or slices, not (?:tuple|list|ndarray|numpy)",
        "A list takes one number in its brackets; [i, j] is for arrays. Make an array of it first: np.array(...).",
        when=_is_pair_in_brackets,
    ),
    Raised(
        "no number in a list's brackets",
        "TypeError",
        r"(?:list|tuple) indices must be integers or slices, not ([\w.]+)",
        "A list takes one whole number in its brackets, the place, or a slice. What stands there is something else: print it.",
        detail=_quoted(words="Here it is of the type {}."),
    ),
    Raised(
        "a tuple where a number belongs",
        "TypeError",
        r"can't multiply sequence by non-int of type 'tuple'|unsupported operand type\(s\) for .*'(?:int|float)' and 'tuple'|"
        r"unsupported operand type\(s\) for .*'tuple' and '(?:int|float|tuple)'",
        "A tuple, such as a shape, stands where a number is calculated with. Print what stands there: sum and math.prod of a list of "
        "tuples take each tuple for a number. Go through the list, and take each tuple by itself.",
    ),
    Raised(
        "a list where an array belongs",
        "TypeError",
        r"can't multiply sequence by non-int|can only concatenate (?:list|tuple)|unsupported operand type\(s\) for .*'(?:list|tuple)'|"
        r"bad operand type for unary [-~]: '(?:list|tuple)'|not supported between instances of '(?:list|tuple)'",
        "Lists are not calculated with place by place. Make an array of the list first: np.array(...).",
    ),
    Raised(
        "a number where many are wanted",
        "TypeError",
        r"object of type '[\w.]+' has no len\(\)|'(?:int|float|numpy\.\w+|bool)' object is not iterable|len\(\) of unsized object|"
        r"iteration over a 0-d (?:array|tensor)",
        "You loop over a single number, or ask for its length. To count up to a number, loop over range(number).",
    ),
    Raised(
        "something that cannot be changed in place",
        "TypeError ValueError",
        r"does not support item assignment|assignment destination is read-only|output array is read-only",
        "You write into a place of something that has no places to write to: a single number, a tuple, or an array that is only a view. "
        "Make an array first (np.zeros, or a copy), and write into that.",
    ),
    Raised(
        "& or | before the comparison",
        "TypeError",
        r"ufunc 'bitwise_\w+' not supported|unsupported operand type\(s\) for [&|]",
        "& and | bind more tightly than < and ==, so they are done first. Put each comparison into parentheses.",
    ),
    Raised(
        "another number of things to unpack",
        "ValueError TypeError",
        r"too many values to unpack|not enough values to unpack|cannot unpack non-(?:iterable|sequence)",
        "On the left of = stand more names than there are things on the right, or fewer. Print the right side, or its shape: a shape of "
        "four numbers goes into four names.",
    ),
    # torch's own
    Raised(
        "the gradient is cut off",
        "RuntimeError",
        r"does not require grad|appears to not have been used in the graph",
        "torch cannot follow the way back from what you differentiate. Somewhere on it the graph is lost: by detach(), item() or "
        "numpy(), in a hook perhaps, by torch.no_grad(), or because requires_grad is not set.",
    ),
    Raised(
        "values and places in one",
        "TypeError AttributeError RuntimeError",
        r"torch\.return_types\.(\w+)",
        "With dim, torch's max, min, sort, topk and median give two things, the values and their places. Unpack them, or take one: "
        ".values or .indices.",
    ),
    Raised(
        "the labels stand where the scores belong",
        "NotImplementedError RuntimeError",
        r"softmax\w*.? not implemented for '(?:Long|Int)'",
        "A loss takes the softmax of whole numbers here: cross_entropy wants the scores first, and the labels second.",
    ),
    Raised(
        "a device where its type belongs",
        "ValueError RuntimeError TypeError",
        r"Expected `?device_type`? of type `?str`?",
        "torch.autocast wants the kind of device as a text, and is given the device itself. Its attribute type is that text.",
    ),
    Raised(
        "a dict is calculated with as a whole",
        "TypeError",
        r"unsupported operand type\(s\) for .*'dict'",
        "A dict is no array: calculate with each of its values, {name: ... for name, value in row.items()}.",
    ),
    # names
    Raised(
        "a name before it has a value",
        "UnboundLocalError",
        r"variable '(\w+)'|'(\w+)'",
        "A name that is assigned anywhere in a function belongs to that function, and on this line it has no value yet. Give it one at "
        "the top, before the loop or the if; the caller's has to come in as an input.",
        detail=lambda _, found: f"The name is {found[1] or found[2]}.",
    ),
    Raised(
        "a name that is not defined",
        "NameError",
        r"name '(\w+)' is not defined",
        "There is no such name. Look at its spelling (capitals count), and whether the line that makes it stands above.",
        detail=_near,
    ),
    Raised(
        "a list's method on an array",
        "AttributeError",
        r"'numpy\.ndarray' object has no attribute '(append|extend|insert|pop|remove|index|count|reverse|length)'",
        "Arrays have a fixed length, and none of a list's methods. Collect in a list and make an array of it at the end, or make the "
        "array in full size first; its length is len(x).",
        detail=_quoted(words="Arrays have no .{}."),
    ),
    Raised(
        "an array's attribute on a list",
        "AttributeError",
        r"'(?:list|tuple|int|float)' object has no attribute '(shape|sum|mean|max|min|T|astype|dot|ndim|copy|size|reshape|argmax|std)'",
        "What stands before the dot is a list or a plain number, and has none of what arrays have. Make an array of it first: "
        "np.array(...).",
        detail=_quoted(words="It has no .{}."),
    ),
    Raised(
        "NumPy has no such function",
        "AttributeError",
        r"module '(\w+)' has no attribute '(\w+)'",
        "There is no such function in that module. Look at its spelling, and whether it is another library's.",
        detail=lambda context, found: _attribute(found[1], found[2]),
    ),
    Raised(
        "an attribute that is not there",
        "AttributeError",
        r"object has no attribute '(\w+)'",
        "What stands before the dot has no such attribute. Look at its spelling, and print the type of what stands there.",
        detail=_quoted(words="There is no .{}."),
    ),
    Raised(
        "a key that is not there",
        "KeyError",
        r"(.+)",
        "The dict has no such key. Keys count to the letter, capitals and quotes included.",
        detail=_key,
    ),
    Raised(
        "it calls itself without end",
        "RecursionError",
        r"",
        "A function that calls itself needs a case in which it does not, and each call has to come nearer to that case.",
    ),
    Raised(
        "a division by zero",
        "ZeroDivisionError",
        r"",
        "Something that is divided by is 0 here. Decide what the result should be then, and look where the 0 comes from.",
    ),
    Raised(
        "the largest or smallest of nothing",
        "ValueError RuntimeError",
        r"zero-size array to reduction|is an empty sequence|iterable argument is empty|attempt to get arg\w+ of an empty",
        "What is asked for its largest or smallest number is empty, so it has none. Where does it come from: a slice that ends before "
        "it begins, a mask that lets nothing through, an input that may be empty?",
    ),
)  # fmt: skip


def _attribute(module: str, name: str) -> str:
    import sys

    near = difflib.get_close_matches(name, dir(sys.modules.get(module, object)), n=1, cutoff=0.7)
    return f"{module} has no {name}; is it {near[0]} that you mean?" if near else f"{module} has no {name}."


_COMPILED = [(row, frozenset(row.errors.split()), re.compile(row.message, re.DOTALL)) for row in RAISED]
#: What an answer raised by its own `raise`.
OWN = "raised on purpose"
_FAMILIES = {row.family or row.name for row in RAISED} | {OWN}


def _row(context: Context) -> tuple[Raised, Found] | None:
    outcome = context.outcome
    if outcome.kind != "raised" or _is_own(context.line):
        return None
    for row, errors, message in _COMPILED:
        if outcome.error in errors and (found := message.search(outcome.message)) and row.when(context, found):
            return row, found
    return None


def _is_own(line: str) -> bool:
    """Whether the learner's own line says `raise` or `assert`: the words are theirs then, and no slip's."""
    return line.startswith(("raise ", "assert "))


def raised(context: Context) -> Slip | None:
    """Return the slip that made an answer raise, or None."""
    found = _row(context)
    if found is None:
        return None
    row, match = found
    where = context.outcome.where
    details = [row.detail(context, match), f"L{where[1:]}." if where else ""]
    return Slip(row.name, row.explanation.replace("{name}", context.name), " ".join(one for one in details if one))


def family(context: Context) -> str:
    """Return what kind of thing an answer raised, the same in each version of Python, NumPy and torch; "" for others.

    Two answers that raise exceptions of one name have made one mistake only where this agrees. The outcome of a known mistake
    bears it for its message.
    """
    if context.outcome.message in _FAMILIES:
        return context.outcome.message
    if _is_own(context.line):
        return OWN
    found = _row(context)
    return (found[0].family or found[0].name) if found else ""
