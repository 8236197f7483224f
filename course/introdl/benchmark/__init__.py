"""How fast a machine is: measure it, keep the figures in a file, and read those of other machines.

    python -m introdl.benchmark              # measures this machine, some minutes
    python -m introdl.benchmark --quick      # the same with fewer sizes, under a minute
    python -m introdl.benchmark --gpu        # what the course says of GPUs, on an NVIDIA GPU (`introdl.benchmark.gpu`)

A record is a JSON file with the device, the date, the versions and the load of the machine, and for each thing
measured the median, the fastest and the slowest time in seconds. In a checkout it goes to ``data/benchmarks/``, else to
the learner's own folder. What a data sheet promises (`SHEETS`) is kept apart from what was measured.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from introdl import paths

FORMAT = 1


@dataclass(frozen=True)
class Sheet:
    """What a vendor's data sheet promises of a device.

    Attributes
    ----------
    name : str
    peak : dict of str to float
        Operations a second at most, by number format, without sparsity: "float32", "tf32", "float16", "bfloat16".
    bandwidth : float
        Bytes a second between the device and its own memory.
    link : float
        Bytes a second between the device and the host in one direction, by its PCI Express generation.
    source : str
        Address of the data sheet.
    """

    name: str
    peak: dict[str, float]
    bandwidth: float
    link: float
    source: str


def _peak(float32: float, tf32: float, sixteen_bits: float) -> dict[str, float]:
    """Return the operations a second by number format; tensor cores are as fast with float16 as with bfloat16."""
    return {"float32": float32, "tf32": tf32, "float16": sixteen_bits, "bfloat16": sixteen_bits}


_PAGES = "https://www.nvidia.com/en-us/data-center/"
_ADA = "https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf"

#: Theory, not measurements. NVIDIA prints the tensor cores' figures with 2:4 sparsity; these are the dense ones.
SHEETS = (
    Sheet("NVIDIA T4", {"float32": 8.1e12, "float16": 65e12}, 320e9, 16e9, _PAGES + "tesla-t4/"),
    Sheet("NVIDIA RTX 4090", _peak(82.6e12, 82.6e12, 165.2e12), 1008e9, 32e9, _ADA),
    Sheet("NVIDIA A100 80 GB SXM", _peak(19.5e12, 156e12, 312e12), 2039e9, 32e9, _PAGES + "a100/"),
    Sheet("NVIDIA H100 SXM", _peak(67e12, 494.7e12, 989.4e12), 3.35e12, 64e9, _PAGES + "h100/"),
    Sheet("NVIDIA H200 SXM", _peak(67e12, 494.7e12, 989.4e12), 4.8e12, 64e9, _PAGES + "h200/"),
)


def sheet_of(name: str) -> Sheet | None:
    """Return the data sheet of a device by the name that its driver gives, or None where there is none of that model."""
    words = set(re.split(r"[^A-Za-z0-9]+", name))
    models = ((next(word for word in sheet.name.split() if any(map(str.isdigit, word))), sheet) for sheet in SHEETS)
    return next((sheet for model, sheet in models if model in words), None)


# --- one measurement ----------------------------------------------------------------------------------------------


def synchronize(device) -> None:
    """Wait until a device has done all that it was given; on the CPU there is nothing to wait for."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.synchronize(device)
    elif kind == "mps":
        torch.mps.synchronize()


def times(fn: Callable[[], Any], device="cpu", warmup: int = 2, repeats: int = 11, seconds: float = 2.0) -> list[float]:
    """Time calls of a function, one by one.

    Parameters
    ----------
    fn : callable
        Takes nothing; what it returns is thrown away.
    device : torch.device or str
        Where it works.
    warmup, repeats : int
        Calls before the clock starts, and timed calls.
    seconds : float
        Stop after so long, but not before three timed calls.

    Returns
    -------
    list of float
        Seconds, in the order of the calls.
    """
    for _ in range(warmup):
        fn()
    found: list[float] = []
    begun = time.perf_counter()
    while len(found) < repeats and (len(found) < min(3, repeats) or time.perf_counter() - begun < seconds):
        synchronize(device)
        start = time.perf_counter()
        fn()
        synchronize(device)
        found.append(time.perf_counter() - start)
    return found


def _product(device, dtype, n: int) -> Callable[[], Any]:
    import torch

    a = torch.randn(n, n, device=device).to(dtype)
    b = torch.randn(n, n, device=device).to(dtype)
    out = torch.empty_like(a)
    return lambda: torch.mm(a, b, out=out)


def _copy(device) -> tuple[Callable[[], Any], int]:
    """A copy within a device's memory that no cache can hold, and the bytes that a call reads and writes.

    On the CPU a call copies 4 MB of 128: short enough for a quiet moment, and by the time a piece comes again it has
    left the caches.
    """
    import torch

    if torch.device(device).type != "cpu":
        a, b = (torch.ones(2**28, device=device) for _ in range(2))
        return lambda: b.copy_(a), 2**31
    pieces = itertools.cycle(zip(torch.ones(32, 2**20), torch.ones(32, 2**20), strict=True))

    def copy_next():
        source, target = next(pieces)
        target.copy_(source)

    return copy_next, 2**23


def roof(device="cpu", seconds: float = 4.0) -> tuple[float, float]:
    """Measure a device's two limits: matrix products in float32, and a copy much larger than its caches.

    Parameters
    ----------
    device : torch.device or str
    seconds : float
        How long it may take, about.

    Returns
    -------
    peak : float
        Operations a second, of the fastest product.
    bandwidth : float
        Bytes read and written a second, at the slowest of the fastest eighth of the copies.

    Notes
    -----
    A limit is what the machine can do when nothing is in its way, so the fast calls count here, not the median. Short
    calls find a quiet moment on a busy machine too.
    """
    import torch

    on_cpu = torch.device(device).type == "cpu"
    sides = (256, 384, 512, 768, 1024) if on_cpu else (4096, 8192)
    each = seconds / 2 / len(sides)
    peak = max(2 * n**3 / min(times(_product(device, torch.float32, n), device, 2, 200, each)) for n in sides)
    fn, moved = _copy(device)
    taken = sorted(times(fn, device, warmup=32, repeats=2000 if on_cpu else 25, seconds=seconds / 2))
    return peak, moved / taken[len(taken) // 8]


def threads(counts: Iterable[int] | None = None, n: int = 512, seconds: float = 1.0) -> dict[int, list[float]]:
    """Time one matrix product on the CPU with different numbers of threads, in turns, and leave torch as it was.

    Parameters
    ----------
    counts : iterable of int, optional
        Numbers of threads; by default 1, 2, 4, ... up to the cores that this process may use.
    n : int
        Side of the matrices.
    seconds : float
        How long each number may take, about.

    Returns
    -------
    dict of int to list of float
        Seconds of every call, by number of threads.
    """
    import torch

    chosen = thread_counts() if counts is None else counts
    return by_threads(_product("cpu", torch.float32, n), chosen, 3, warmup=1, repeats=9, seconds=seconds / 3)


def by_threads(fn: Callable[[], Any], counts: Iterable[int], rounds: int, **how) -> dict[int, list[float]]:
    """Time calls of a function on the CPU with different numbers of threads, and leave torch as it was.

    Parameters
    ----------
    fn : callable
        Takes nothing.
    counts : iterable of int
        Numbers of threads. They take turns, so that a busy moment of the machine meets all of them.
    rounds : int
        How many turns each number has.
    **how
        As for `times`: what happens in a turn.

    Returns
    -------
    dict of int to list of float
        Seconds of every call, by number of threads.
    """
    import torch

    before = torch.get_num_threads()
    found: dict[int, list[float]] = {count: [] for count in counts}
    try:
        for _ in range(rounds):
            for count, taken in found.items():
                torch.set_num_threads(count)
                taken += times(fn, **how)
    finally:
        torch.set_num_threads(before)
    return found


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_counts(most: int | None = None) -> list[int]:
    """Return 1, 2, 4, ... and `most`, by default the number of cores."""
    most = most or cores()
    return sorted({*(2**k for k in range(most.bit_length()) if 2**k < most), most})


def load() -> float | None:
    """Return how many processes wanted a core in the last minute, on average; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


# --- a record -----------------------------------------------------------------------------------------------------


def device_name(device="cpu") -> str:
    """Return the device's name as its maker gives it."""
    import torch

    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple {platform.machine()} GPU"
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def plate_net(classes: int = 20):
    """A small network for pictures of plates: three convolutions with batch normalization, (N, 3, H, W) to scores."""
    from torch import nn

    layers: list = []
    for inside, outside in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))


def training_step(device, batch: int, amp: bool = False, channels_last: bool = False, size: int = 64):
    """Return a function that takes one training step of `plate_net` with random pictures, already on the device."""
    import torch

    model = plate_net().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return step_of(model, optimizer, device, batch, size, 20, amp, channels_last)


def step_of(
    model, optimizer, device, batch: int, size: int, classes: int, amp: bool, channels_last: bool
) -> Callable[[], None]:
    """Return a function that takes one training step of a network with random pictures; both are on the device already."""
    import torch

    shape = torch.channels_last if channels_last else torch.contiguous_format
    model.to(memory_format=shape)
    images = torch.rand(batch, 3, size, size, device=device).contiguous(memory_format=shape)
    labels = torch.randint(0, classes, (batch,), device=device)
    kind = torch.device(device).type

    def step():
        optimizer.zero_grad()
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=amp):
            loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    return step


def small_operations(device, count: int = 100) -> Callable[[], Any]:
    """Return a function that adds 1 to a thousand numbers, so many times: all overhead and no work."""
    import torch

    x = torch.zeros(1000, device=device)

    def chain():
        for _ in range(count):
            x.add_(1.0)

    return chain


def graphed(fn: Callable[[], Any]) -> Callable[[], None]:
    """Record a function's CUDA work once, and return what hands it in again as a whole (a CUDA graph)."""
    import torch

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            fn()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        fn()
    return graph.replay


def compiled(fn: Callable, *inputs) -> tuple[Callable | None, str]:
    """Compile a function with ``torch.compile``, and call it once: only then does it show whether there is a compiler.

    Parameters
    ----------
    fn : callable
        A function or a network.
    *inputs
        What to call it with.

    Returns
    -------
    callable or None
        The compiled function; None where this machine cannot compile.
    str
        Why not, in the first line of torch's words.
    """
    import torch

    try:
        made = torch.compile(fn)
        made(*inputs)
    except (
        Exception
    ) as error:  # torch wraps a missing compiler into errors of many types, which differ between versions
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return None, f"{type(error).__name__}: {lines[0][:160] if lines else 'no message'}"
    return made, ""


def _plan(device, quick: bool):  # noqa: C901
    """What is measured: (description, a function that makes the function to time)."""
    import torch

    kind = torch.device(device).type
    fast = kind == "cuda"
    types = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if fast:
        types["float16"] = torch.float16
    for n in [256, 1024] if quick else [256, 512, 1024, 2048, *([4096, 8192] if fast else [])]:
        for name, dtype in types.items():
            about = {"what": "matmul", "dtype": name, "size": n, "flops": 2 * n**3}
            yield about, lambda dtype=dtype, n=n: _product(device, dtype, n)
        if fast:
            about = {"what": "matmul", "dtype": "tf32", "size": n, "flops": 2 * n**3}
            yield about, lambda n=n: _product(device, torch.float32, n)
    if kind == "cpu":
        for count in thread_counts():
            yield {"what": "matmul by threads", "dtype": "float32", "size": 1024, "threads": count, "flops": 2 * 1024**3}, lambda: _product(device, torch.float32, 1024)  # fmt: skip
    for batch in [8] if quick else [1, 8, 32, *([128, 512] if fast else [])]:
        for name, dtype in types.items():
            for last in (False, True):
                shape = torch.channels_last if last else torch.contiguous_format
                flops = 2 * batch * 64 * 64 * 9 * 32 * 32
                about = {"what": "conv 3x3, 64 to 64 channels, 32 px", "dtype": name, "batch": batch, "flops": flops}

                def make(batch=batch, dtype=dtype, shape=shape):
                    x = torch.rand(batch, 64, 32, 32, device=device).to(dtype).contiguous(memory_format=shape)
                    w = torch.rand(64, 64, 3, 3, device=device).to(dtype).contiguous(memory_format=shape)
                    return lambda: torch.nn.functional.conv2d(x, w, padding=1)

                yield {**about, "channels_last": last}, make
    yield {"what": "copy within memory", "bytes": 2**23 if kind == "cpu" else 2**31}, lambda: _copy(device)[0]
    yield {"what": "100 small operations", "count": 100}, lambda: small_operations(device)
    if fast:
        about = {"what": "100 small operations", "count": 100, "graph": True}
        yield about, lambda: graphed(small_operations(device))
    if kind != "cpu":
        for pinned in (False, True) if fast else (False,):

            def upload(pinned=pinned):
                x = torch.ones(2**24)
                x = x.pin_memory() if pinned else x
                y = torch.empty_like(x, device=device)
                return lambda: y.copy_(x, non_blocking=pinned)

            yield {"what": "copy to the device", "bytes": 2**26, "pinned": pinned}, upload
        yield {"what": "copy to the host", "bytes": 2**26}, lambda: torch.ones(2**24, device=device).cpu
    for batch in [1, 8] if quick else [1, 8, 32, *([128, 512, 2048] if fast else [])]:
        for amp in (False, True):
            about = {"what": "train step, 64 px", "dtype": "bfloat16" if amp else "float32", "batch": batch}
            yield about, lambda batch=batch, amp=amp: training_step(device, batch, amp)
        if fast:
            about = {**about, "channels_last": True}
            yield about, lambda batch=batch: training_step(device, batch, True, True)


def record(device=None, quick: bool = False, note: str = "", tell: Callable[[str], None] = lambda line: None) -> dict:
    """Measure a device.

    Parameters
    ----------
    device : torch.device or str, optional
        By default CUDA's where there is one, else Apple's, else the CPU.
    quick : bool
        True measures fewer sizes.
    note : str
        What a reader of the record should know of the machine, in a sentence.
    tell : callable
        Is told a line for each thing measured.

    Returns
    -------
    dict
        The record, as it is written.

    Raises
    ------
    ValueError
        If torch cannot use the device here.
    """
    import torch

    if device is None:
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = usable(device)
    before, results, count = load(), [], torch.get_num_threads()
    tf32 = torch.backends.cuda.matmul.allow_tf32
    try:
        for about, make in _plan(device, quick):
            torch.backends.cuda.matmul.allow_tf32 = about.get("dtype") == "tf32"
            torch.set_num_threads(about.get("threads", count))
            row = measured(make, device, 0.5 if quick else 2.0)
            tell(f"{_words(about)}: " + (f"{1000 * row['median']:.3f} ms" if "median" in row else "failed"))
            results.append({**about, **row})
    finally:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.set_num_threads(count)
    return described(device, before, note, results)


def usable(device):
    """Return a `torch.device` by its name.

    Raises
    ------
    ValueError
        If torch cannot use it here.
    """
    import torch

    try:
        found = torch.device(device)
        torch.zeros(1, device=found)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"torch cannot use the device {str(device)!r} here ({str(error).splitlines()[0]}).") from error
    return found


def described(device, before: float | None, note: str, results: list[dict]) -> dict:
    """Return a record: what was measured, on which device, when, with which versions, at what load."""
    import torch

    return {
        "format": FORMAT,
        "device": _described(device),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "cuda": torch.version.cuda},
        "system": f"{platform.system()} {platform.machine()}",
        "load": {"before": before, "after": load()},
        "note": note,
        "results": results,
    }


def measured(make: Callable[[], Callable], device, seconds: float) -> dict:
    """Return what a record says of one measurement: its times in seconds, or why it failed."""
    try:
        found = times(make(), device, warmup=3, repeats=25, seconds=seconds)
    except (RuntimeError, NotImplementedError) as error:
        return {"failed": str(error).splitlines()[0][:200]}
    numbers = {"median": statistics.median(found), "fastest": min(found), "slowest": max(found)}
    return {**{name: float(f"{value:.4g}") for name, value in numbers.items()}, "repeats": len(found)}


def _described(device) -> dict[str, Any]:
    """Return what a record says of a `torch.device`."""
    import torch

    described = {"kind": device.type, "name": device_name(device)}
    if device.type == "cpu":
        instructions = torch.backends.cpu.get_cpu_capability()
        described |= {"cores": cores(), "threads": torch.get_num_threads(), "instructions": instructions}
    if device.type == "cuda":
        found = torch.cuda.get_device_properties(device)
        described |= {"memory": found.total_memory, "capability": f"{found.major}.{found.minor}"}
    return described


def _words(about: dict) -> str:
    return ", ".join(
        f"{key} {value}" if key != "what" else str(value) for key, value in about.items() if key != "flops"
    )


# --- files --------------------------------------------------------------------------------------------------------


def folder() -> Path:
    """Return where records are written: ``data/benchmarks/`` of a checkout, else the learner's own folder."""
    data = paths.data()
    return data / "benchmarks" if (data.parent / "pyproject.toml").exists() else paths.home() / "benchmarks"


def write(made: dict, where: Path | None = None, kind: str = "") -> Path:
    """Write a record, whole or not at all, to a file named by its kind, its device and its day; return the file.

    The kind is by default the device's; a GPU's own record (`introdl.benchmark.gpu`) stands beside its usual one.
    """
    words = "".join(c if c.isalnum() else "-" for c in made["device"]["name"].lower())
    name = "-".join(part for part in words.split("-") if part)
    path = (where or folder()) / f"{kind or made['device']['kind']}-{name}-{made['date'][:10]}.json"
    head = {key: value for key, value in made.items() if key != "results"}
    rows = ",\n".join("  " + json.dumps(row) for row in made["results"])
    text = json.dumps(head, indent=1)[:-2] + ',\n "results": [\n' + rows + "\n ]\n}\n"
    paths.write_atomically(path, text.encode())
    return path


def records() -> list[dict]:
    """Read all records on this machine: those that come with the course, and the learner's own.

    Raises
    ------
    ValueError
        If a file is no record; the sentence names it.
    """
    found = []
    for where in dict.fromkeys((paths.data() / "benchmarks", paths.home() / "benchmarks")):
        for path in sorted(where.glob("*.json")):
            try:
                made = json.loads(path.read_text(encoding="utf-8"))
                if made["format"] != FORMAT or not isinstance(made["results"], list):
                    raise ValueError(f"format {made['format']}")
                made["device"]["name"], made["device"]["kind"]
            except (ValueError, KeyError, TypeError, OSError) as error:
                raise ValueError(f"{path} is no benchmark record ({error}). Remove it, or measure again.") from error
            found.append(made)
    return found


def find(made: dict, what: str, **about) -> dict | None:
    """Return a record's row of one measurement, or None where it has none or it failed."""
    for row in made["results"]:
        if row["what"] == what and "median" in row and all(row.get(k) == v for k, v in about.items()):
            return row
    return None


def best_threads(found: dict[int, list[float]]) -> int:
    """Return the number of threads with the smallest median time; of those within 5 % of it, the smallest number."""
    medians = {count: statistics.median(taken) for count, taken in found.items()}
    least = min(medians.values())
    return min(count for count, median in medians.items() if median <= 1.05 * least)
