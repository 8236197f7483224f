"""Careless answers: what somebody writes who has not understood, or not tried. None may earn more than a quarter anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: The largest share of an exercise's points that any of these may earn.
MOST = 0.25


def _arrays(inputs: tuple) -> list[np.ndarray]:
    """Return the inputs that are, or can be read as, arrays of numbers."""
    found = []
    for one in inputs:
        try:
            array = np.asarray(one)
        except Exception:
            continue
        if array.dtype.kind in "biufc":
            found.append(array)
    return found


def _of(function: Callable[[np.ndarray], Any], which: int = 0) -> Callable:
    """Return an answer that makes something of one input, or of the nearest there is."""

    def answer(*inputs: Any) -> Any:
        arrays = _arrays(inputs)
        return function(arrays[min(which, len(arrays) - 1)] if arrays else np.zeros(1))

    return answer


def _always(value: Any) -> Callable:
    return lambda *inputs: value


def _input(which: int) -> Callable:
    return lambda *inputs: inputs[which] if -len(inputs) <= which < len(inputs) else None


def _both(function: Callable[[np.ndarray, np.ndarray], Any]) -> Callable:
    """Return an answer that makes something of the first two arrays."""

    def answer(*inputs: Any) -> Any:
        arrays = _arrays(inputs)
        return function(arrays[0], arrays[1]) if len(arrays) > 1 else function(arrays[0], arrays[0])

    return answer


def _random(*inputs: Any) -> Any:
    rng, arrays = np.random.default_rng(0), _arrays(inputs)
    return rng.normal(size=arrays[0].shape) if arrays else rng.normal()


def _guessed_letters(*inputs: Any) -> Any:
    arrays = _arrays(inputs)
    return np.random.default_rng(0).integers(0, 2, size=arrays[0].shape[:1] if arrays else 1)


CONSTANTS = {
    repr(value): _always(value)
    for value in (0, 1, -1, 2, 3, 10, 100, 0.0, 1.0, 0.5, 0.1, 1e-3, float("inf"), True, False, None, "", "cpu", "A", "cuda", (), [], {}, (0, 0), (0.0, 0.0), (1, 1), [0], [1])
} | {f"float {value}": _always(float(value)) for value in (-1, 2, 3, 10, 100)}  # fmt: skip

INPUTS = {
    "its first input": _input(0),
    "its second input": _input(1),
    "its third input": _input(2),
    "its last input": _input(-1),
    "all its inputs": lambda *inputs: inputs,
    "its first two inputs": lambda *inputs: inputs[:2],
    "its first input twice": lambda *inputs: (inputs[0], inputs[0]) if inputs else None,
    "a copy of its first input": _of(np.array),
    "its inputs the other way round": lambda *inputs: inputs[::-1],
    "its second array": _of(np.array, 1),
}

SHAPED = {
    "zeros": _of(lambda x: np.zeros(x.shape)),
    "ones": _of(lambda x: np.ones(x.shape)),
    "halves": _of(lambda x: np.full(x.shape, 0.5)),
    "nan everywhere": _of(lambda x: np.full(x.shape, np.nan)),
    "zeros like its second array": _of(lambda x: np.zeros(x.shape), 1),
    "ones like its second array": _of(lambda x: np.ones(x.shape), 1),
    "as many zeros as rows": _of(lambda x: np.zeros(x.shape[:1], int)),
    "as many ones as rows": _of(lambda x: np.ones(x.shape[:1], int)),
    "numbers of the rows": _of(lambda x: np.arange(len(np.atleast_1d(x)))),
    "all true": _of(lambda x: np.ones(x.shape, bool)),
    "all false": _of(lambda x: np.zeros(x.shape, bool)),
    "random numbers": _random,
    "random zeros and ones": _guessed_letters,
    "an empty array": _always(np.zeros(0)),
    "an even share for each": _of(lambda x: np.full(x.shape, 1 / max(x.shape[-1:] or (1,))[0] if x.ndim == 0 else 1 / max(x.shape[-1], 1))),
    "zeros for each input": lambda *inputs: tuple(np.zeros(np.shape(one)) for one in _arrays(inputs)),
}  # fmt: skip

REDUCED = {
    "the sum": _of(np.sum),
    "the mean": _of(np.mean),
    "the largest": _of(np.max),
    "the smallest": _of(np.min),
    "the spread": _of(np.std),
    "the median": _of(np.median),
    "the length": lambda *inputs: len(inputs[0]) if inputs else 0,
    "the size": _of(np.size),
    "the shape": _of(np.shape),
    "the sum of each row": _of(lambda x: x.sum(axis=-1)),
    "the mean of each row": _of(lambda x: x.mean(axis=-1)),
    "the mean of each column": _of(lambda x: x.mean(axis=0)),
    "the largest of each row": _of(lambda x: x.max(axis=-1)),
    "the place of the largest": _of(lambda x: x.argmax(axis=-1)),
    "the place of the smallest": _of(lambda x: x.argmin(axis=-1)),
    "the mean as an int": _of(lambda x: int(x.mean())),
    "the middle of the values": _of(lambda x: float((x.max() + x.min()) / 2)),
}

FORMULAS = {
    "sorted": _of(lambda x: np.sort(x, axis=None)),
    "sorted downwards": _of(lambda x: np.sort(x, axis=-1)[..., ::-1]),
    "the order": _of(lambda x: np.argsort(x, axis=-1)),
    "the order downwards": _of(lambda x: np.argsort(-x.astype(float), axis=-1)),
    "different values": _of(np.unique),
    "squared": _of(np.square),
    "absolute values": _of(np.abs),
    "the sign": _of(np.sign),
    "turned round": _of(lambda x: x[::-1]),
    "transposed": _of(np.transpose),
    "flattened": _of(np.ravel),
    "clipped to 0 and 1": _of(lambda x: np.clip(x, 0, 1)),
    "clipped to 0 and 1, second array": _of(lambda x: np.clip(x, 0, 1), 1),
    "nothing below 0": _of(lambda x: np.maximum(x, 0)),
    "where it is above 0": _of(lambda x: x > 0),
    "where it is above 0, as numbers": _of(lambda x: (x >= 0).astype(float)),
    "the naive sigmoid": _of(lambda x: 1 / (1 + np.exp(-x))),
    "the naive slope of the sigmoid": _of(lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
    "the naive softmax": _of(lambda x: np.exp(x) / np.exp(x).sum()),
    "the naive softmax of rows": _of(lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)),
    "divided by its sum": _of(lambda x: x / x.sum()),
    "without its mean": _of(lambda x: x - x.mean()),
    "standardized as a whole": _of(lambda x: (x - x.mean()) / x.std()),
    "logarithms": _of(np.log),
    "exponentials": _of(np.exp),
    "tanh": _of(np.tanh),
    "1 - tanh": _of(lambda x: 1 - np.tanh(x)),
    "half": _of(lambda x: x / 2),
    "negative": _of(lambda x: -x),
    "as whole numbers": _of(lambda x: x.astype(int)),
    "the sum of both": _both(lambda a, b: a + b),
    "the difference of both": _both(lambda a, b: a - b),
    "the product of both": _both(lambda a, b: a * b),
    "the quotient of both": _both(lambda a, b: a / b),
    "the matrix product": _both(lambda a, b: a @ b),
    "where both are equal": _both(lambda a, b: a == b),
    "the share where both are equal": _both(lambda a, b: float(np.mean(a == b))),
    "the mean square of the difference": _both(lambda a, b: float(np.mean((a - b) ** 2))),
    "the mean of the difference": _both(lambda a, b: float(np.mean(np.abs(a - b)))),
    "the larger of both": _both(np.maximum),
    "the smaller of both": _both(np.minimum),
}

#: By name, answers that take whatever an exercise gives them.
CARELESS = {**CONSTANTS, **INPUTS, **SHAPED, **REDUCED, **FORMULAS}


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores)
    return powers / powers.sum(axis=1, keepdims=True)


def _device(name: str) -> Callable:
    def answer(*_inputs: Any) -> Any:
        import torch

        return torch.device(name)

    return answer


def _naive_entropy(scores: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(_softmax(scores)[np.arange(len(y)), y]).mean())


def _naive_entropy_grad(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (_softmax(scores) - np.eye(scores.shape[1])[y]) / len(y)


#: Careless answers to one exercise: one value for all, formulas that overflow.
SPECIAL: dict[str, dict[str, Callable]] = {
    "02.sigmoid": {"the naive sigmoid, the other way": _of(lambda x: np.exp(x) / (1 + np.exp(x)))},
    "05.cross_entropy": {"by the naive softmax": _naive_entropy},
    "05.cross_entropy_grad": {"by the naive softmax": _naive_entropy_grad},
    "06.cross_entropy_backward": {
        "by the naive softmax": lambda dout, scores, y: dout * _naive_entropy_grad(scores, y)
    },
    "08.best_device": {f"always {name}": _device(name) for name in ("cpu", "cuda", "mps")},
    "13.best_threshold": {f"always {value}": _always(value) for value in (-0.5, -0.2, 0.05, 0.2, 0.3, 0.4, 0.45, 0.6)},
}

#: What is no careless answer to an exercise, since it is the right one.
RIGHT = {
    "00.accuracy": {"the share where both are equal"},
    "01.mean_absolute_error": {"the mean of the difference"},
    "02.sigmoid_grad": {"the naive slope of the sigmoid"},  # it is right as far as the course's numbers go
    "02.relu": {"nothing below 0"},
    "02.relu_grad": {"where it is above 0"},
}
