"""What a network is made of, taken from where torch keeps it: whatever its class says of itself does not count."""

from __future__ import annotations

from typing import Any

import numpy as np


def named_parts(model) -> dict[str, Any]:
    """Return a network and all its parts, each once, by their dotted names (the network's own is empty), in order."""
    found: dict[str, Any] = {}
    seen: set[int] = set()

    def walk(part, name):
        if part is not None and id(part) not in seen:
            seen.add(id(part))
            found[name] = part
            for inner, one in vars(part).get("_modules", {}).items():
                walk(one, f"{name}.{inner}" if name else inner)

    walk(model, "")
    return found


def _named(model, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for name, part in named_parts(model).items():
        for last, one in vars(part).get(kind, {}).items():
            if one is not None and id(one) not in seen:
                seen.add(id(one))
                found[f"{name}.{last}" if name else last] = one
    return found


def named_parameters(model) -> dict[str, Any]:
    """Return a network's parameters, frozen ones too, each once, by their names."""
    return _named(model, "_parameters")


def named_buffers(model) -> dict[str, Any]:
    """Return a network's buffers, each once, by their names."""
    return _named(model, "_buffers")


def same(one: dict, other: dict) -> bool:
    """Whether two dicts hold the same arrays under the same names."""
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
