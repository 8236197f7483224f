"""Devices, batches and clocks, on a machine that is pretended (chapter 08)."""

from __future__ import annotations

from typing import Any

import numpy as np

from introdl.checking.packing import Other
from introdl.checking.probes.base import PROBES, Probe, Wrong


def _best_device(objects: tuple, inputs: list) -> Any:
    import torch

    from introdl.checking import simulated_machine

    results = []
    for machine in inputs[0]:
        with simulated_machine.replaced(objects, simulated_machine.devices(*machine)):
            result = objects[0]()
        results.append({"type": "device", "name": result.type} if isinstance(result, torch.device) else result)
    return results


def _read_best_device(result: Any, inputs: list) -> Any:
    if not isinstance(result, list) or len(result) != len(inputs[0]):
        return Wrong("best_device gives no answer that can be read.")
    names = [_device_name(one) for one in result]
    return next((name for name in names if isinstance(name, Wrong)), names)


def _device_name(result: Any) -> str | Wrong:
    if isinstance(result, dict) and set(result) == {"type", "name"}:
        return str(result["name"])
    if isinstance(result, str):
        return Wrong(f"best_device returned the text {result!r}; it should be a torch.device.")
    name = result.type_name if isinstance(result, Other) else type(result).__name__
    return Wrong(f"best_device should return a torch.device; yours is of type {name}.")


PROBES["best_device"] = Probe(_best_device, _read_best_device, needs=("torch",))


def layout(value: Any, name: str = "batch") -> dict[str, str]:
    """Say of every part of a nested batch what it is and where it is."""
    import torch

    found: dict[str, str] = {}
    if isinstance(value, torch.Tensor):
        words = f"{str(value.dtype).removeprefix('torch.')} tensor of shape {tuple(value.shape)} on {value.device.type}"
        found[name] = words + (f": {value.tolist()}" if value.device.type == "cpu" and value.numel() <= 24 else "")
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        found[name] = f"namedtuple with the fields {', '.join(value._fields)}"
        for field, item in zip(value._fields, value, strict=True):
            found |= layout(item, f"{name}.{field}")
    elif isinstance(value, (tuple, list)):
        found[name] = f"{type(value).__name__} of {len(value)}"
        for number, item in enumerate(value):
            found |= layout(item, f"{name}[{number}]")
    elif isinstance(value, dict):
        found[name] = f"dict with the keys {', '.join(map(repr, value))}"
        for key, item in value.items():
            found |= layout(item, f"{name}[{key!r}]")
    elif isinstance(value, np.ndarray):
        found[name] = f"NumPy array {value.tolist()}"
    else:
        found[name] = repr(value)[:200]
    return found


def nested_batch(batch: Any, fields: list[str] | None) -> Any:
    """A case's batch; where `fields` are given it becomes a namedtuple (which cannot travel as data)."""
    from collections import namedtuple

    return batch if fields is None else namedtuple("Plate", fields)(*batch)


def _to_device(objects: tuple, inputs: list) -> Any:
    import torch

    batch, fields, device = inputs
    given = nested_batch(batch, fields)
    before = layout(given)
    found = layout(objects[0](given, torch.device(device)))
    found["the batch that was given"] = "left as it was" if layout(given) == before else "changed in place"
    return found


PROBES["to_device"] = Probe(_to_device, needs=("torch",))


def _measure(objects: tuple, inputs: list) -> Any:
    from introdl.checking import simulated_machine

    processor, device, *settings = inputs
    clock, calls = simulated_machine.Clock(), 0

    def work():
        nonlocal calls
        which = min(calls, len(processor) - 1)
        calls += 1
        clock.work(float(processor[which]), float(device[which]))

    substitutes = simulated_machine.devices(gpus=int(device.any()), built=bool(device.any())) + clock.substitutes()
    with simulated_machine.replaced(objects, substitutes):
        result = objects[0](work, clock.wait, *settings)
    return {"result": result, "calls": calls, "reads": clock.reads}


def _read_measure(result: Any, inputs: list) -> Any:
    warmup, repeats = inputs[2:] or (3, 11)  # a case that says nothing asks for the defaults
    given, calls = result["result"], result["calls"]
    if not result["reads"]:
        return Wrong("measure never looked at a clock. Call time.perf_counter() before and after fn().")
    if calls != warmup + repeats:
        return Wrong(
            f"measure called fn {calls} times; with warmup={warmup} and repeats={repeats} it should be {warmup + repeats}."
        )
    if isinstance(given, np.ndarray) and given.shape == (3,):
        given = tuple(given.tolist())
    return given


PROBES["measure"] = Probe(_measure, _read_measure, needs=("torch",))
