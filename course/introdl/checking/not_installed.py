"""What stands for a package that a learner has and this machine has not, so that an answer beside it can be defined.

A decorator of such a package leaves a function as it is, a type is any type, and a call while a cell runs gives nothing.
Whatever needs a value says that the package is not here; so does every call while an answer is examined.
"""

from __future__ import annotations

import contextlib
import dis
from collections.abc import Iterator
from types import CodeType
from typing import Any, NoReturn

_running = False


@contextlib.contextmanager
def cell_runs() -> Iterator[None]:
    """Let calls give nothing, instead of raising."""
    global _running
    before, _running = _running, True
    try:
        yield
    finally:
        _running = before


def names_of_imports(code: CodeType) -> Iterator[tuple[str, str]]:
    """Return what a statement's imports import, and the names that they give to it."""
    module = found = ""
    for step in dis.get_instructions(code):
        if step.opname in ("IMPORT_NAME", "IMPORT_FROM"):
            module = str(step.argval) if step.opname == "IMPORT_NAME" else module
            found = module if step.opname == "IMPORT_NAME" else f"{module}.{step.argval}"
        elif step.opname in ("STORE_NAME", "STORE_GLOBAL") and found:
            yield found, str(step.argval)
            found = ""


class NotInstalled:
    """Stands for a package that is not installed, or for something in it."""

    __version__ = "0"

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return f"<{self._name}, which is not installed here>"

    def __getattr__(self, attribute: str) -> NotInstalled:
        if attribute.startswith("__") and attribute.endswith("__"):
            raise AttributeError(attribute)
        return NotInstalled(f"{self._name}.{attribute}")

    def __call__(self, *args: Any, **_options: Any) -> Any:
        if len(args) == 1 and (callable(args[0]) or isinstance(args[0], staticmethod | classmethod | property)):
            return args[0]
        if not _running:
            self._refuse()
        return NotInstalled(f"{self._name}()")

    def __getitem__(self, _key: Any) -> NotInstalled:
        return self

    def __setitem__(self, _key: Any, _value: Any) -> None:
        pass

    def __or__(self, _other: Any) -> NotInstalled:
        return self

    __ror__ = __or__

    def __mro_entries__(self, _bases: tuple) -> tuple:
        return ()

    def __instancecheck__(self, _value: Any) -> bool:
        return False

    __subclasscheck__ = __instancecheck__

    def __enter__(self) -> NotInstalled:
        return self

    def __exit__(self, *_error: Any) -> None:
        pass

    def _refuse(self, *_others: Any) -> NoReturn:
        raise ModuleNotFoundError(f"{self._name} is not installed here")


for _name in ("iter", "len", "bool", "int", "float", "index", "array", "contains", "neg", "matmul", "rmatmul", "await"):
    setattr(NotInstalled, f"__{_name}__", NotInstalled._refuse)
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _way in (_name, f"r{_name}"):
        setattr(NotInstalled, f"__{_way}__", NotInstalled._refuse)
