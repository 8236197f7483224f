"""Answers that are judged by what they do, so that any right one counts (chapters 02 and 03)."""

from __future__ import annotations

from typing import Any

import numpy as np

from introdl.checking.probes.base import PROBES, Probe, Wrong, call, misfit


def _call_without_inputs(objects: tuple, inputs: list) -> Any:
    return objects[0]()


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


PROBES["outer_product"] = Probe(call, _read_outer_product)


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
