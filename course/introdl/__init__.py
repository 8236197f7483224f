"""introdl: the learner's library of *Introduction to Deep Learning, on a plate*.

Everything heavy (torch, matplotlib, ipywidgets) is imported when it is used, so that this import takes
milliseconds.
"""

from introdl import lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    {
        "check": "checking",
        "hint": "checking",
        "progress": "checking",
        "data": None,
        "figures": None,
        "game": None,
        "models": None,
        "training": None,
    },
)
__all__ += ["__version__"]
