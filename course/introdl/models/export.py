"""A network as an ONNX file, which runs without PyTorch, and how fast it is there."""

from __future__ import annotations

import logging
import math
import statistics
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

#: What writes the file, and what runs it.
PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def missing() -> str:
    """Return one sentence about what has to be installed before a network can be exported, or ``""`` if nothing is missing."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if not absent:
        return ""
    verb = "is" if len(absent) == 1 else "are"
    return (
        f"{' and '.join([', '.join(absent[:-1]), absent[-1]] if absent[:-1] else absent)} {verb} not installed here, so nothing is "
        f"exported. This installs what is missing: pip install {' '.join(absent)}"
    )


def to_onnx(model: nn.Module, path: str | Path, size: int) -> Path:
    """Write a network to an ONNX file: its weights and its arithmetic, for batches of any length.

    Parameters
    ----------
    model : torch.nn.Module
        It is exported in eval mode, and left as it was.
    path : str or Path
        The file; one that is there is replaced.
    size : int
        Height and width of the pictures in pixels, which the file takes normalized.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModuleNotFoundError
        Where a package is missing that this needs.
    """
    if absent := missing():
        raise ModuleNotFoundError(absent)
    path, was_training = Path(path), model.training
    log = logging.getLogger("torch.onnx")
    level = log.level
    model.eval()
    try:
        log.setLevel(logging.ERROR)  # it would tell of torchvision, which is not needed
        with warnings.catch_warnings():
            # PyTorch's exporter warns of its own inner workings.
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            # With a batch of two: an exporter takes a 1 for something that never changes.
            torch.onnx.export(
                model,
                (torch.zeros(2, 3, size, size),),
                path,
                input_names=["pictures"],
                dynamic_shapes=({0: "n"},),
                external_data=False,
                dynamo=True,
                verbose=False,
            )
    finally:
        log.setLevel(level)
        model.train(was_training)
    return path


def runner(path: str | Path, threads: int = 1) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Return what an ONNX file computes, as a function of normalized pictures (N, 3, H, W), float32.

    Parameters
    ----------
    path : str or Path
        The file.
    threads : int
        How many processors may share the work.

    Returns
    -------
    callable
        From pictures to the network's outputs, one array each, in the network's own order.

    Raises
    ------
    ModuleNotFoundError
        Where onnxruntime is missing.
    """
    if find_spec("onnxruntime") is None:
        raise ModuleNotFoundError("onnxruntime is not installed here. This installs it: pip install onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda pictures: session.run(None, {"pictures": pictures})


def latency(call: Callable[[], object], repeats: int = 30) -> float:
    """Return the median time of one call in milliseconds; the first three do not count.

    Parameters
    ----------
    call : callable
        Without arguments.
    repeats : int
        How often it is measured.
    """
    from introdl import benchmark

    return 1000 * statistics.median(benchmark.times(call, warmup=3, repeats=repeats, seconds=math.inf))
