"""What a probe is, and the plainest ones: call it, or read an answer of a quiz."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from introdl.checking.packing import Other


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
    together : bool
        True where `drive` keeps what took long for the next case: the notebook runs all cases in one process then, as grading
        does.
    needs : tuple of str, optional
        Packages that `drive` itself uses: they cannot be put away while an answer is driven.
    called : mapping of str to str, optional
        What the learner's function calls an input whose case calls it otherwise.
    told : callable, optional
        ``told(inputs)`` takes a case's inputs by name and returns what a report says of them, by name, where they are what
        the check needs and not what the learner's object is given.
    """

    drive: Callable[[tuple, list], Any]
    read: Callable[[Any, list], Any] = lambda result, inputs: result
    secret: bool = False
    weigh: Callable[[Any, Any], tuple[Any, Any]] | None = None
    needs: tuple[str, ...] = ()
    together: bool = False
    called: Mapping[str, str] = field(default_factory=dict, hash=False)
    told: Callable[[dict[str, Any]], dict[str, Any]] = dict


@dataclass(frozen=True)
class Wrong:
    """A result that cannot be read; `sentence` says why."""

    sentence: str


PROBES: dict[str, Probe] = {}


def call(objects: tuple, inputs: list) -> Any:
    """Call the learner's function with the case's inputs."""
    return objects[0](*inputs)


PROBES["call"] = Probe(call)


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
