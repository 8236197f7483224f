"""Answers that take a function (chapter 06): it is made from what the case says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from introdl.checking.probes.base import PROBES, Probe

#: Functions of an array that a case can name: each takes the case's weights and the array, and gives one number.
FUNCTIONS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "sum(w * x**2)": lambda w, x: np.sum(w * x**2),
    "sum(w * x**3)": lambda w, x: np.sum(w * x**3),
    "sum(w * sin(x))": lambda w, x: np.sum(w * np.sin(x)),
    "sum(w * x)**2": lambda w, x: np.sum(w * x) ** 2,
}


def _call_with_function(objects: tuple, inputs: list) -> Any:
    name, weights, x, *step = inputs
    formula, w = FUNCTIONS[name], np.array(weights)

    def f(at):
        if np.shape(at) != np.shape(w):
            raise ValueError(
                f"f was given something of shape {np.shape(at)}; it takes an array of x's shape, {w.shape}"
            )
        return float(formula(w, np.asarray(at)))

    return objects[0](f, x, *step)


PROBES["function_of_array"] = Probe(_call_with_function)
