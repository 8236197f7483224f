"""Names of a package that are imported when they are first used, so that importing the package takes milliseconds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def attach(package: str, homes: dict[str, str | None]) -> tuple[Callable, Callable, list[str]]:
    """Return a package's ``__getattr__``, ``__dir__`` and ``__all__``.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : dict of str to (str or None)
        For each public name the module below the package that defines it; None where it is a module itself.

    Examples
    --------
    At the end of a package's ``__init__.py``::

        __getattr__, __dir__, __all__ = lazy.attach(__name__, {"train": "loop", "Settings": "settings"})
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        value = import_module(f"{package}.{home or name}")
        if home is not None:
            value = getattr(value, name)
        setattr(sys.modules[package], name, value)
        return value

    names = sorted(homes)
    return find, lambda: names, names
