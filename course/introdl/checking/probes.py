"""Probes: how a learner's object is driven, and how its result is read.

`drive` runs beside the learner's code, and returns what came of it. `read` runs where the verdict is made (in the
notebook the same process; when grading, outside the sandbox), and turns the result into what is compared.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from introdl.checking.wire import Other


@dataclass(frozen=True)
class Probe:
    """A way to drive and to read.

    Parameters
    ----------
    drive : callable
        ``drive(objects, inputs)``: a tuple of the learner's objects and a list of the case's inputs.
    read : callable
        ``read(result, inputs)``: returns what is compared with the expected output. It is given a learner's result,
        so it may meet anything; where the result cannot be read it returns `Wrong` with a sentence.
    secret : bool
        True where showing what was expected would give the answer away.
    """

    drive: Callable[[tuple, list], Any]
    read: Callable[[Any, list], Any] = lambda result, inputs: result
    secret: bool = False


@dataclass(frozen=True)
class Wrong:
    """A result that cannot be read; `sentence` says why."""

    sentence: str


PROBES: dict[str, Probe] = {}


def _call(objects: tuple, inputs: list) -> Any:
    return objects[0](*inputs)


PROBES["call"] = Probe(_call)


def _answers(objects: tuple, inputs: list) -> Any:
    return objects[inputs[0] - 1]


def _read_answer(result: Any, inputs: list) -> Any:
    number, options = inputs
    if result is None or result is Ellipsis or result == "":
        return Wrong(f'answer_{number} is empty: write a letter, for example answer_{number} = "{options[0]}".')
    if not isinstance(result, str):
        name = result.type_name if isinstance(result, Other) else type(result).__name__
        return Wrong(f"answer_{number} should be one letter in quotes; it is of type {name}.")
    letter = result.strip().strip(").").lower()
    if len(letter) != 1 or letter not in options:
        choice = ", ".join(f'"{o}"' for o in options)
        return Wrong(f"answer_{number} is {result!r}; it should be one of {choice}.")
    return letter


PROBES["answers"] = Probe(_answers, _read_answer, secret=True)


def _call_without_inputs(objects: tuple, inputs: list) -> Any:
    return objects[0]()


def _misfit(name: str, value: Any, shape: tuple[int, ...], wanted: str = "") -> Wrong | None:
    """Say why a value is no array of real numbers of a shape; None where it is one."""
    if not isinstance(value, np.ndarray):
        wanted = wanted or f"a NumPy array of shape {shape}"
        return Wrong(f"{name} should be {wanted}; it is of type {type(value).__name__}.")
    if value.shape != shape:
        return Wrong(f"{name} should have shape {shape}; it has shape {value.shape}.")
    if value.dtype.kind not in "biuf":
        return Wrong(f"{name} should hold real numbers; its dtype is {value.dtype}.")
    return None


def _read_xor_network(result: Any, inputs: list) -> Any:
    names, shapes = ("W1", "b1", "W2", "b2"), ((2, 2), (2,), (2, 1), (1,))
    if not isinstance(result, (tuple, list)) or len(result) != 4:
        return Wrong("Return four arrays: W1, b1, W2, b2.")
    for name, value, shape in zip(names, result, shapes, strict=True):
        if misfit := _misfit(name, value, shape):
            return misfit
    W1, b1, W2, b2 = (np.asarray(value, dtype=float) for value in result)
    with np.errstate(all="ignore"):
        hidden = np.asarray(inputs[0], dtype=float) @ W1 + b1
        return np.where(hidden > 0, hidden, 0.0 * hidden) @ W2 + b2


PROBES["xor_network"] = Probe(_call_without_inputs, _read_xor_network)


def _read_outer_product(result: Any, inputs: list) -> Any:
    if result is None:
        return None
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Wrong("Return two arrays, column and row, or None where the kernel cannot be taken apart.")
    sizes = np.shape(inputs[0])
    for name, value, size in zip(("column", "row"), result, sizes, strict=True):
        if misfit := _misfit(name, value, (size,), wanted="a NumPy array"):
            return misfit
    with np.errstate(all="ignore"):
        return np.outer(result[0].astype(float), result[1].astype(float))


PROBES["outer_product"] = Probe(_call, _read_outer_product)


def _read_kernel_pair(result: Any, inputs: list) -> Any:
    """Lay both kernels on the picture: (2, H - 2, W - 2), so that the right kernels stay the learner's to find."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Wrong("Return two arrays: gx, gy.")
    for name, value in zip(("gx", "gy"), result, strict=True):
        if misfit := _misfit(name, value, (3, 3)):
            return misfit
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(inputs[0], dtype=float), (3, 3))
    with np.errstate(all="ignore"):
        return np.stack([np.einsum("ijuv,uv->ij", windows, kernel.astype(float)) for kernel in result])


PROBES["kernel_pair"] = Probe(_call_without_inputs, _read_kernel_pair)


def _split_thrice(objects: tuple, inputs: list) -> Any:
    """Split twice with a generator in one and the same state, and once with another one."""
    n, fractions, rng = inputs
    again, other = copy.deepcopy(rng), copy.deepcopy(rng)
    other.random(101)
    return [objects[0](n, fractions, one) for one in (rng, again, other)]


def _index_sets(result: Any, n: int, fractions: tuple) -> list[list[int]] | Wrong:
    count = len(fractions)
    if not isinstance(result, (tuple, list)):
        return Wrong(f"Return a tuple with one array of indices for each fraction, here {count}.")
    if len(result) != count:
        return Wrong(f"Return one array of indices for each fraction, here {count}; yours are {len(result)}.")
    found = []
    for number, one in enumerate(result, start=1):
        indices = np.asarray(one) if isinstance(one, (np.ndarray, list, tuple)) else None
        if indices is None or indices.ndim != 1:
            return Wrong(f"Set {number} should be an array of indices with one axis.")
        if indices.dtype.kind == "b":
            return Wrong(
                f"Set {number} holds True and False. Return the indices themselves: np.flatnonzero finds them."
            )
        if indices.size and indices.dtype.kind not in "iu":
            return Wrong(
                f"Set {number} should hold whole numbers, the pictures' indices; its dtype is {indices.dtype}."
            )
        if indices.size and not (indices.min() >= 0 and indices.max() < n):
            return Wrong("An index lies outside of 0 to n - 1.")
        found.append(indices.astype(int).tolist())
    return found


SPLIT = "every picture in exactly one set, sizes as asked, mixed by the generator alone"


def _read_split(result: Any, inputs: list) -> Any:
    """Judge a split by what must hold of it; which permutation made it is the learner's affair."""
    n, fractions, _ = inputs
    runs = []
    for one in result:
        sets = _index_sets(one, n, fractions)
        if isinstance(sets, Wrong):
            return sets
        runs.append(sets)
    sets = runs[0]
    everything = [index for one in sets for index in one]
    left_out = n - len(set(everything))
    sizes = [[len(one) for one in run] for run in runs]
    fair = all(abs(s - f * n) < len(fractions) for run in sizes for s, f in zip(run, fractions, strict=True))
    members = [[set(one) for one in run] for run in runs]
    faults = (
        (any(len(set(one)) < len(one) for one in sets), "A picture stands twice in one set."),
        (sum(map(len, members[0])) > len(set(everything)), "Some pictures are in two sets."),
        (0 < left_out <= len(fractions), "A few pictures are in no set."),
        (left_out > len(fractions), "Many pictures are in no set."),
        (not fair and sizes[0] == sizes[2], "The sets do not have the sizes that were asked for."),
        (not fair and sizes[0] != sizes[2], "The sets' sizes change from call to call."),
        (
            all(len(one) < 2 or max(one) - min(one) + 1 == len(one) for one in sets),
            "The pictures are not mixed: each set is a piece of the original order.",
        ),
        (members[0] != members[1], "A generator in the same state gives another split."),
        (members[0] == members[2], "Another generator gives the same split."),
    )
    sentences = [sentence for fault, sentence in faults if fault]
    return Wrong(" ".join(sentences)) if sentences else SPLIT


PROBES["split"] = Probe(_split_thrice, _read_split)
