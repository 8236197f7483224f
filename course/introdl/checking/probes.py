"""Probes: how a learner's object is driven, and how its result is read.

`drive` runs beside the learner's code, and returns what came of it. `read` runs where the verdict is made (in the
notebook the same process; when grading, outside the sandbox), and turns the result into what is compared.
"""

from __future__ import annotations

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
    weigh : callable, optional
        ``weigh(result, expected)`` returns the two that are compared in their place, where neither can be compared as
        it comes: a trained network's weights, and pictures with their labels that it has not seen.
    """

    drive: Callable[[tuple, list], Any]
    read: Callable[[Any, list], Any] = lambda result, inputs: result
    secret: bool = False
    weigh: Callable[[Any, Any], tuple[Any, Any]] | None = None


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


def misfit(name: str, value: Any, shape: tuple[int, ...], wanted: str = "") -> Wrong | None:
    """Say why a value is no array of real numbers of a shape; None where it is one.

    Parameters
    ----------
    name : str
        What to call it, at the beginning of a sentence.
    value : object
        A learner's.
    shape : tuple of int
        What it should have.
    wanted : str, optional
        What it should be, in words.
    """
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
        if amiss := misfit(name, value, shape):
            return amiss
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
        if amiss := misfit(name, value, (size,), wanted="a NumPy array"):
            return amiss
    with np.errstate(all="ignore"):
        return np.outer(result[0].astype(float), result[1].astype(float))


PROBES["outer_product"] = Probe(_call, _read_outer_product)


def _read_kernel_pair(result: Any, inputs: list) -> Any:
    """Lay both kernels on the picture: (2, H - 2, W - 2), so that the right kernels stay the learner's to find."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Wrong("Return two arrays: gx, gy.")
    for name, value in zip(("gx", "gy"), result, strict=True):
        if amiss := misfit(name, value, (3, 3)):
            return amiss
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(inputs[0], dtype=float), (3, 3))
    with np.errstate(all="ignore"):
        return np.stack([np.einsum("ijuv,uv->ij", windows, kernel.astype(float)) for kernel in result])


PROBES["kernel_pair"] = Probe(_call_without_inputs, _read_kernel_pair)

from introdl.checking import training  # noqa: E402, F401 - its probes need the names above
