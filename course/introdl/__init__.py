"""introdl: the learner's library of *Introduction to Deep Learning, on a plate*.

Everything heavy (torch, matplotlib, ipywidgets) is imported when it is used, so that this import takes
milliseconds.
"""

from importlib import import_module

__version__ = "0.1.0"

_LAZY = {
    "check": ("introdl.checking", "check"),
    "hint": ("introdl.checking", "hint"),
    "progress": ("introdl.checking", "progress"),
    "data": ("introdl.data", None),
    "figures": ("introdl.figures", None),
    "game": ("introdl.game", None),
    "models": ("introdl.models", None),
    "training": ("introdl.training", None),
}

__all__ = [*_LAZY, "__version__"]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module 'introdl' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    value = import_module(module)
    return getattr(value, attribute) if attribute else value


def __dir__():
    return sorted(__all__)
