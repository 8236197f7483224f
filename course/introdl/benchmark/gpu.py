"""What chapters 08 and 09 say of GPUs, measured on one: ``python -m introdl.benchmark --gpu``.

Each measurement is a function of the device and of how large it is (`Size`), so that all of them can be tried on a CPU with
small numbers. What cannot be measured on a machine stands in its record with the reason.
"""

from __future__ import annotations

import copy
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from introdl import benchmark

#: Chapter 09's network.
WIDTHS = (16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Size:
    """How large the measurements are.

    Attributes
    ----------
    side : int
        Of the plates in pixels.
    batches : tuple of int
        Batch sizes of the training steps.
    sides : tuple of int
        Sides of the pictures that ResNet-18 is given.
    resnet_batch, epoch_batch : int
        Its batch, and that of the epochs.
    plates : int
        At most so many training plates.
    epochs, seeds : int
        Of the runs to an accuracy.
    goal : float
        That accuracy.
    seconds : float
        About how long one time is measured.
    """

    side: int = 128
    batches: tuple[int, ...] = (16, 64, 256, 1024)
    sides: tuple[int, ...] = (128, 224)
    resnet_batch: int = 128
    epoch_batch: int = 256
    plates: int = 10**9
    epochs: int = 30
    seeds: int = 3
    goal: float = 0.93
    seconds: float = 2.0


def refusal() -> str | None:
    """Say why there is no GPU to measure; None where there is one."""
    import torch

    if torch.cuda.is_available():
        return None
    why = (
        "this PyTorch is built without CUDA"
        if torch.version.cuda is None
        else "PyTorch finds no NVIDIA GPU, or no driver"
    )
    return (
        f"--gpu measures an NVIDIA GPU, and {why}. Without --gpu the same command measures what there is; chapter 08, section 10, "
        "says how to get a PyTorch that sees a GPU."
    )


def record(note: str = "", tell: Callable[[str], None] = lambda line: None) -> dict:
    """Measure the first GPU.

    Parameters
    ----------
    note : str
        What a reader of the record should know of the machine.
    tell : callable
        Is told a line for each thing measured.

    Returns
    -------
    dict
        A record, as `introdl.benchmark.write` writes it.

    Raises
    ------
    ValueError
        Where there is no GPU; the sentence says why.
    """
    if (why := refusal()) is not None:
        raise ValueError(why)
    return made(benchmark.usable("cuda"), Size(), note, tell)


def made(device, size: Size, note: str, tell: Callable[[str], None]) -> dict:
    """Measure everything on a device; what fails has its reason in its row."""
    before, results = benchmark.load(), []
    for name, part in PARTS.items():
        begun = time.perf_counter()
        try:
            rows = list(part(device, size))
        except (RuntimeError, NotImplementedError, OSError, ValueError, subprocess.SubprocessError) as error:
            rows = [{"what": name, "failed": (str(error).splitlines() or [type(error).__name__])[0][:200]}]
        results += rows
        tell(f"{name}: {len(rows)} rows in {time.perf_counter() - begun:.0f} s" + "".join(f"; {row['failed']}" for row in rows if "failed" in row))  # fmt: skip
    return benchmark.described(device, before, note, results)


def _timed(about: dict, fn: Callable[[], Any], device, seconds: float) -> dict:
    return about | benchmark.measured(lambda: fn, device, seconds)


# --- the course's own layers --------------------------------------------------------------------------------------


def own_layers(device, size: Size) -> Iterator[dict]:
    """Forward and backward through the convolutions of chapter 09: the course's NumPy layers, and PyTorch on the device."""
    import torch
    from torch import nn

    from introdl import layers

    rng = np.random.default_rng(0)
    own: list = []
    theirs: list = []
    for before, after in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True):
        own += [layers.Conv2d(before, after, 3, rng, padding=1), layers.ReLU(), layers.MaxPool2d(2)]
        theirs += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    network = layers.Network([*own, layers.Flatten(), layers.Dense(4 * WIDTHS[-1], 12, rng)])
    model = nn.Sequential(*theirs, nn.Flatten(), nn.Linear(4 * WIDTHS[-1], 12)).to(device)
    x, labels = rng.random((16, 3, 64, 64), dtype=np.float32), rng.integers(0, 12, 16)
    on_device, truth = torch.from_numpy(x).to(device), torch.from_numpy(labels).to(device)

    def by_hand():
        network.backward(layers.softmax_cross_entropy(network.forward(x), labels)[1])

    def by_torch():
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(on_device), truth).backward()

    about = {"what": "forward and backward, 16 plates of 64 px"}
    yield _timed(about | {"way": "the course's NumPy layers, on the CPU"}, by_hand, "cpu", size.seconds)
    yield _timed(about | {"way": "PyTorch"}, by_torch, device, size.seconds)


# --- training steps -----------------------------------------------------------------------------------------------


def _step(model, device, batch: int, side: int, classes: int, amp: bool, last: bool) -> Callable[[], None]:
    """Return a function that takes a training step by chapter 09's optimizer."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters())
    return benchmark.step_of(model, optimizer, device, batch, side, classes, amp, last)


def training_steps(device, size: Size) -> Iterator[dict]:
    """Training steps of chapter 09's network: batch sizes, mixed precision, channels last, ``torch.compile``."""
    import torch

    from introdl.models import PlainCNN

    for batch in size.batches:
        for amp, last, compiling in ((0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)):
            about = {
                "what": "train step of PlainCNN",
                "size": size.side,
                "batch": batch,
                "dtype": "bfloat16" if amp else "float32",
                "channels_last": bool(last),
                "compiled": bool(compiling),
            }
            model: Any = PlainCNN(12, WIDTHS).to(device)
            if compiling:
                model, why = benchmark.compiled(model, torch.rand(batch, 3, size.side, size.side, device=device))
                if model is None:
                    yield about | {"failed": why[:200]}
                    continue
            yield _timed(about, _step(model, device, batch, size.side, 12, bool(amp), bool(last)), device, size.seconds)


def share_of_peak(device, size: Size) -> Iterator[dict]:
    """Training steps of ResNet-18 in bfloat16 and channels last, with their operations, and the data sheet's peak if known."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from introdl.models import ResNet18

    sheet = benchmark.sheet_of(benchmark.device_name(device))
    peak = sheet.peak.get("bfloat16") if sheet else None
    for side in size.sides:
        model = ResNet18(1000).to(device)
        x = torch.rand(size.resnet_batch, 3, side, side, device=device)
        with FlopCounterMode(display=False) as counter:  # forward and backward, as torch counts them
            torch.nn.functional.cross_entropy(
                model(x), torch.zeros(len(x), dtype=torch.int64, device=device)
            ).backward()
        about = {"what": "train step of ResNet-18", "size": side, "batch": size.resnet_batch, "dtype": "bfloat16", "channels_last": True, "flops": int(counter.get_total_flops())}  # fmt: skip
        row = _timed(about, _step(model, device, size.resnet_batch, side, 1000, True, True), device, size.seconds)
        if sheet and peak and "median" in row:
            row |= {"share_of_peak": round(row["flops"] / row["median"] / peak, 4), "peak_of": sheet.name}
        yield row


# --- whole epochs -------------------------------------------------------------------------------------------------


def _plates(size: Size):
    """Training and validation plates of the base menu; evenly thinned out where fewer are wanted."""
    from introdl import data

    plates = data.plates(size=size.side, dishes="base")
    every = -(-len(plates.split("train")) // size.plates)
    return [(part.images[::every], part.labels[::every]) for part in (plates.split("train"), plates.split("val"))]


def engine_and_textbook(device, size: Size) -> Iterator[dict]:
    """An epoch without augmentation: the course's engine, and the loop of the textbooks over a `DataLoader` on the CPU."""
    import torch

    from introdl import training
    from introdl.models import PlainCNN

    train, _ = _plates(size)
    settings = training.Settings(epochs=3, batch_size=size.epoch_batch, augment=None, ema=0.0, precision="fp32")
    torch.manual_seed(0)
    model = PlainCNN(12, WIDTHS)
    begun = copy.deepcopy(model)
    history = training.train(model, train, None, settings, device=str(device), quiet=True)
    rates = [row["images_per_second"] for row in history.rows[1:]]  # the first epoch warms up
    yield {"what": "an epoch, pictures a second", "way": "introdl.training", "size": size.side, "rate": round(statistics.median(rates), 1)}  # fmt: skip

    model = begun.to(device)
    x = torch.from_numpy(np.ascontiguousarray(train[0])).permute(0, 3, 1, 2).float() / 255
    pairs = torch.utils.data.TensorDataset(x, torch.from_numpy(np.asarray(train[1]).astype(np.int64)))
    loader = torch.utils.data.DataLoader(pairs, batch_size=min(size.epoch_batch, len(x)), shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(model.parameters())
    rates = []
    for _ in range(3):
        benchmark.synchronize(device)
        start, seen, total = time.perf_counter(), 0, 0.0
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            total, seen = total + loss.item(), seen + len(images)
        rates.append(seen / (time.perf_counter() - start))
    yield {"what": "an epoch, pictures a second", "way": "DataLoader and loss.item()", "size": size.side, "rate": round(statistics.median(rates[1:]), 1)}  # fmt: skip


def seconds_to_goal(device, size: Size) -> Iterator[dict]:
    """Chapter 09's recipe until its network first names the goal's share of the validation plates, for several seeds."""
    import torch

    from introdl import training
    from introdl.models import PlainCNN

    train, val = _plates(size)
    for seed in range(size.seeds):
        torch.manual_seed(seed)
        settings = training.Settings(epochs=size.epochs, batch_size=64, lr=3e-3, seed=seed)
        reached: list[tuple[int, float]] = []
        begun = time.perf_counter()

        def look(history, begun=begun, reached=reached):
            if not reached and history.rows[-1]["val_accuracy"] >= size.goal:
                reached.append((len(history.rows), time.perf_counter() - begun))

        history = training.train(
            PlainCNN(12, WIDTHS), train, val, settings, device=str(device), on_epoch=look, quiet=True
        )
        row = {
            "what": "seconds to an accuracy",
            "goal": size.goal,
            "size": size.side,
            "seed": seed,
            "epochs": size.epochs,
        }
        row["best"] = round(history.best["val_accuracy"], 4)
        yield row | ({"epoch": reached[0][0], "seconds": round(reached[0][1], 2)} if reached else {"failed": "the goal was not reached"})  # fmt: skip


def processes(device, size: Size) -> Iterator[dict]:
    """An epoch with one process, and with two that share each batch, each on a GPU of its own."""
    import torch

    device = torch.device(device)
    for count in (1, 2):
        about = {"what": "an epoch by processes", "processes": count, "size": size.side, "batch": size.epoch_batch}
        if device.type == "cuda" and torch.cuda.device_count() < count:
            yield about | {"failed": f"two processes need two GPUs; this machine has {torch.cuda.device_count()}"}
            continue
        yield about | {"rate": _rate_of_processes(device.type, count, size)}


def _rate_of_processes(kind: str, count: int, size: Size) -> float:
    """Start processes that train together, and return how many pictures a second they go through."""
    with tempfile.TemporaryDirectory() as place, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port, out = probe.getsockname()[1], Path(place, "rate.json")
        probe.close()
        command = [
            *(sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={count}"),
            *("--master-addr=127.0.0.1", f"--master-port={port}", "-m", "introdl.benchmark.gpu"),
            json.dumps(
                {"kind": kind, "side": size.side, "batch": size.epoch_batch, "plates": size.plates, "out": str(out)}
            ),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=600, env={**os.environ, "GLOO_SOCKET_IFNAME": "lo"}
        )
        if done.returncode or not out.exists():
            raise RuntimeError((done.stderr.strip().splitlines() or ["the processes stopped without a word"])[-1])
        return float(json.loads(out.read_text()))


def _one_of_them(asked: dict) -> None:
    """What each of several processes does: three epochs; the first of them writes down how fast they were."""
    import torch

    from introdl import training
    from introdl.models import PlainCNN

    train, _ = _plates(Size(side=asked["side"], plates=asked["plates"]))
    torch.manual_seed(0)
    settings = training.Settings(epochs=3, batch_size=asked["batch"], precision="fp32")
    device = None if asked["kind"] == "cuda" else asked["kind"]
    history = training.train(PlainCNN(12, WIDTHS), train, None, settings, device=device, quiet=True)
    if int(os.environ.get("RANK", 0)) == 0:
        rate = statistics.median(row["images_per_second"] for row in history.rows[1:])
        Path(asked["out"]).write_text(json.dumps(round(rate, 1)))
    if torch.distributed.is_initialized():
        torch.distributed.barrier()  # a process that leaves while the other still works can take it down
        torch.distributed.destroy_process_group()


#: What is measured, by the name under which a failure is written down.
PARTS: dict[str, Callable[[Any, Size], Iterator[dict]]] = {
    "forward and backward, 16 plates of 64 px": own_layers,
    "train step of PlainCNN": training_steps,
    "train step of ResNet-18": share_of_peak,
    "an epoch, pictures a second": engine_and_textbook,
    "seconds to an accuracy": seconds_to_goal,
    "an epoch by processes": processes,
}

if __name__ == "__main__":
    _one_of_them(json.loads(sys.argv[1]))
