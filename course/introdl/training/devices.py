"""Which device, in which precision, with how many threads, in how many processes."""

from __future__ import annotations

import os

import torch
from torch import distributed
from torch.nn import functional as F

from introdl import benchmark
from introdl.training.errors import TrainingError


def choose_device(name: str | torch.device | None = None) -> torch.device:
    """Return the device to train on: CUDA where there is one, else Apple's MPS, else the CPU.

    Parameters
    ----------
    name : str, optional
        A certain one, as in ``"cpu"`` or ``"cuda:1"``.

    Raises
    ------
    TrainingError
        Where that one is not there.
    """
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        why = (
            "this PyTorch is built without CUDA"
            if torch.version.cuda is None
            else "there is no NVIDIA GPU or no driver"
        )
        raise TrainingError(
            f"device is {str(name)!r}, but {why}. Leave device out to use what there is; 'introdl doctor' says what."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise TrainingError(
            f"device is {str(name)!r}, but there are only {torch.cuda.device_count()} GPUs; they count from 0."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise TrainingError("device is 'mps', but Apple's GPU is not here. Leave device out to use what there is.")
    return device


def quick_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the device has instructions for it, else float32.

    Without such instructions bf16 is emulated, and slower than float32.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        known: dict = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch cannot tell
        native = bool(known.get("avx512_bf16") or known.get("amx_bf16"))
    else:
        native = False
    return torch.bfloat16 if native else torch.float32


def quickest_threads(most: int | None = None, tries: int = 3) -> int:
    """Measure with how many threads a convolution is trained fastest right now, and let torch use that many.

    Where other processes want the cores too, more threads can be many times slower than one: at each of a network's
    many small steps all wait for the one that was not let on.

    Parameters
    ----------
    most : int, optional
        The most threads to try; by default the cores that this process may use.
    tries : int
        How often each number is tried; see `introdl.benchmark.best_threads`.

    Returns
    -------
    int
        The number that torch uses from now on.
    """
    counts = benchmark.thread_counts(most)
    best = counts[0]
    if len(counts) > 1:
        x = torch.randn(32, 32, 32, 32).to(memory_format=torch.channels_last)
        w = torch.randn(64, 32, 3, 3, requires_grad=True)

        def steps() -> None:
            for _ in range(4):
                F.conv2d(x, w, padding=1).relu().mean().backward()

        steps()  # the first run sets things up
        best = benchmark.best_threads(benchmark.by_threads(steps, counts, tries, warmup=0, repeats=1))
    torch.set_num_threads(best)
    return best


def join_team(device: torch.device) -> tuple[int, int]:
    """Return this process's number and how many there are; with `torchrun` they are brought together first."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size > 1 and not distributed.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()
