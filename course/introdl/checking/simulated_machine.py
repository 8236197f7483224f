"""A pretended machine: clocks and devices that say what a case wants, so that a check is the same on every machine."""

from __future__ import annotations

import contextlib
import functools
import time
import timeit
import types
from collections.abc import Iterator, Sequence
from typing import Any, cast


def _functions(objects: tuple) -> list[types.FunctionType]:
    """The learner's functions: those given, and their neighbors in the same notebook."""
    found = [one for one in objects if isinstance(one, types.FunctionType)]
    for space in _spaces(objects):
        found += [f for f in list(space.values()) if isinstance(f, types.FunctionType) and f.__globals__ is space]
    return list({id(f): f for f in found}.values())


def _spaces(objects: tuple) -> list[dict]:
    """The learner's own names."""
    spaces = [getattr(one, "__globals__", None) for one in objects]
    return list({id(s): s for s in spaces if isinstance(s, dict)}.values())


@contextlib.contextmanager
def replaced(objects: tuple, substitutes: Sequence[tuple[Any, str, Any]], device=None) -> Iterator[None]:  # noqa: C901
    """Put substitutes in the place of a library's functions, under whatever name the learner has imported them.

    Parameters
    ----------
    objects : tuple
        The learner's objects.
    substitutes : sequence of (object, str, object)
        A module, the name in it, and what stands there meanwhile. What a module does not have is left out.
    device : torch.device, optional
        If given, it takes the place of every other device among the learner's own names.
    """
    undo: list[tuple[Any, str, Any]] = []
    swap: dict[int, Any] = {}
    kept = []  # the originals stay alive, so that no id is used twice
    for owner, name, new in substitutes:
        if hasattr(owner, name):
            old = getattr(owner, name)
            undo.append((owner, name, old))
            kept.append(old)
            if callable(old):
                swap[id(old)] = new
    defaults: list[tuple[Any, Any, Any]] = [
        (f, f.__defaults__, f.__kwdefaults__)
        for f in cast(tuple[Any, ...], (*_functions(objects), timeit.timeit, timeit.repeat, timeit.Timer.__init__))
    ]
    renamed: list[tuple[dict, str, Any]] = []
    for space in _spaces(objects):
        for name, value in list(space.items()):
            other = device is not None and isinstance(value, type(device)) and value != device
            if id(value) in swap or other:
                renamed.append((space, name, value))
    try:
        for owner, name, new in substitutes:
            if hasattr(owner, name):
                setattr(owner, name, new)
        for space, name, value in renamed:
            space[name] = swap.get(id(value), device)
        for function, positional, named in defaults:
            if positional:
                function.__defaults__ = tuple(swap.get(id(v), v) for v in positional)
            if named:
                function.__kwdefaults__ = {k: swap.get(id(v), v) for k, v in named.items()}
        yield
    finally:
        for function, positional, named in defaults:
            function.__defaults__, function.__kwdefaults__ = positional, named
        for space, name, value in renamed:
            space[name] = value
        for owner, name, old in reversed(undo):
            setattr(owner, name, old)


def devices(gpus: int = 0, built: bool = False, apple: bool = False, apple_built: bool = False) -> list[tuple]:
    """Substitutes for every way to ask torch which devices there are.

    Parameters
    ----------
    gpus : int
        How many NVIDIA GPUs the machine has.
    built : bool
        Whether torch was built for CUDA, which says nothing about GPUs.
    apple, apple_built : bool
        The same two for Apple's GPU.
    """
    import torch

    name = "cuda" if gpus else "mps" if apple else None
    made_for = "cuda" if built else "mps" if apple_built else None

    def current_accelerator(check_available=False):
        found = name if check_available or name else made_for
        return torch.device(found) if found else None

    def first_gpu():
        if not gpus:
            raise RuntimeError("No CUDA GPUs are available")
        return 0

    cuda, mps, accelerator = torch.cuda, torch.backends.mps, getattr(torch, "accelerator", None)
    return [
        (cuda, "is_available", lambda: gpus > 0),
        (cuda, "device_count", lambda: gpus),
        (cuda, "current_device", first_gpu),
        (cuda, "get_device_name", lambda device=None: f"pretended GPU {first_gpu()}"),
        (cuda, "is_bf16_supported", lambda including_emulation=True: gpus > 0),
        (torch.version, "cuda", "12.8" if built else None),
        (torch.backends.cuda, "is_built", lambda: built),
        (mps, "is_available", lambda: apple),
        (mps, "is_built", lambda: apple_built),
        (torch.mps, "is_available", lambda: apple),
        (torch.mps, "device_count", lambda: int(apple)),
        (torch.xpu, "is_available", lambda: False),
        (accelerator, "is_available", lambda: name is not None),
        (accelerator, "current_accelerator", current_accelerator),
        (accelerator, "device_count", lambda: gpus or int(apple)),
    ]


def _stays(to):
    """Let a method `to` leave a tensor or a module where it is; a change of the dtype it makes."""
    import torch

    def place(one):
        return isinstance(one, torch.device) or (isinstance(one, str) and one.startswith(("cuda", "cpu")))

    def stay(self, *args, **kwargs):
        rest = [one for one in args if one is not None and not place(one)]
        named = {name: one for name, one in kwargs.items() if name != "device" and one is not None}
        if all(isinstance(one, bool) for one in (*rest, *named.values())):
            return self
        return to(self, *rest, **named)

    return stay


@functools.cache
def _elsewhere() -> type:
    import torch

    class Elsewhere(torch.Tensor):
        device = property(lambda self: torch.device("cuda", 0))
        is_cuda = property(lambda self: True)
        is_cpu = property(lambda self: False)
        to = _stays(torch.Tensor.to)

        def cuda(self, *_args, **_kwargs):
            return self

    return Elsewhere


def on_a_gpu(value: Any) -> Any:
    """A tensor, or a module with its parameters, that says it is on an NVIDIA GPU; the work is done by the CPU."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.as_subclass(_elsewhere())
    for module in value.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            module._parameters[name] = torch.nn.Parameter(on_a_gpu(parameter.detach()))
    value.to = types.MethodType(_stays(type(value).to), value)
    value.cuda = lambda *_args, **_kwargs: value
    return value


def gpu_autocast() -> list[tuple]:
    """Substitutes for autocast, on a machine whose tensors come from `on_a_gpu`.

    Asked for "cuda" it does there what it does on a GPU, float16 where nothing is said; asked for "cpu" it does nothing.
    """
    import torch

    class Autocast(torch.autocast):
        def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
            if device_type == "cuda":
                device_type, dtype = "cpu", dtype or torch.float16
            elif device_type == "cpu":
                enabled = False
            super().__init__(device_type, dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)

    def cuda_autocast(enabled=True, dtype=torch.float16, cache_enabled=True):
        return Autocast("cuda", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)

    def no_scaler(*_args, **_kwargs):
        return scaler("cpu", enabled=False)

    scaler = torch.amp.GradScaler
    return [
        (torch, "autocast", Autocast),
        (torch.amp, "autocast", Autocast),
        (torch.amp.autocast_mode, "autocast", Autocast),
        (torch.cuda.amp, "autocast", cuda_autocast),
        (torch.amp, "GradScaler", no_scaler),
        (torch.cuda.amp, "GradScaler", no_scaler),
    ]


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: for tiny networks more of them only get in each other's way."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Clock:
    """A clock that only moves when pretended work is done, and a device that works through a queue beside it.

    Attributes
    ----------
    now : float
        The time, s.
    reads : int
        How often it was looked at.
    """

    def __init__(self):
        self.now, self.reads = 100.0, 0
        self._busy = 50.0  # the processor's time: two threads at work, none while waiting
        self._free = 0.0  # when the device's queue will be empty

    def work(self, processor: float, device: float) -> None:
        """Keep the processor busy so many seconds, and leave so many to the device, which works on its own."""
        self.now += processor
        self._busy += 2 * processor
        if device:
            self._free = max(self._free, self.now) + device

    def wait(self, *_args, **_kwargs) -> None:
        """Wait until the device's queue is empty."""
        self.now = max(self.now, self._free)

    def _read(self, what: str, scale: int = 1):
        def read():
            self.reads += 1
            value = getattr(self, what)
            return round(value * scale) if scale > 1 else value

        return read

    def _gettime(self, scale: int = 1):
        busy = [getattr(time, f"CLOCK_{name}_CPUTIME_ID", None) for name in ("PROCESS", "THREAD")]
        wall, working = self._read("now", scale), self._read("_busy", scale)
        return lambda which: working() if which in busy else wall()

    def _sleep(self, seconds) -> None:
        self.now += seconds

    def _event(clock):
        class Event:
            """When the device's queue comes to a mark."""

            def __init__(self, *_args, **_kwargs):
                self.at = 0.0

            def record(self, *_args):
                self.at = max(clock.now, clock._free)

            def synchronize(self):
                clock.now = max(clock.now, self.at)

            def elapsed_time(self, other):
                clock.reads += 1
                return 1000 * (other.at - self.at)

        return Event

    def substitutes(self) -> list[tuple]:
        """Substitutes for Python's clocks and for torch's ways to wait, to be given to `replaced`."""
        import torch

        found: list[tuple[Any, str, Any]] = [
            (time, name, self._read("now")) for name in ("perf_counter", "monotonic", "time")
        ]
        found += [(time, name, self._read("now", 10**9)) for name in ("perf_counter_ns", "monotonic_ns", "time_ns")]
        found += [(time, name, self._read("_busy")) for name in ("process_time", "thread_time")]
        found += [(time, name, self._read("_busy", 10**9)) for name in ("process_time_ns", "thread_time_ns")]
        found += [(time, "sleep", self._sleep), (timeit, "default_timer", found[0][2])]
        found += [(time, "clock_gettime", self._gettime()), (time, "clock_gettime_ns", self._gettime(10**9))]
        stream = types.SimpleNamespace(synchronize=self.wait)
        found += [
            (torch.cuda, "synchronize", self.wait),
            (torch.cuda, "Event", self._event()),
            (torch.cuda, "current_stream", lambda *args: stream),
            (torch.cuda, "default_stream", lambda *args: stream),
            (torch.mps, "synchronize", self.wait),
            (getattr(torch, "accelerator", None), "synchronize", self.wait),
        ]
        return found
