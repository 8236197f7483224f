"""What an exercise asks to be written by hand is put away while it is graded: here is what stands in its place.

Where an exercise forbids ``torch.*``, its answer is run where torch's files are not there at all, so that no way of
calling it is left. The course's own library is put away with every exercise, but for `SHOWN`. So that the rest of a notebook
still runs, an import gives an `Absent`: whatever is done with it gives another one, and what was called is noted.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
import types
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

#: What of the course's own library is there while answers are graded: what runs them, their data, and the frames of figures.
#: None of it answers an exercise (`tests/test_reach.py` tries). All the rest, drawings too, is out of reach, unless an exercise lends it.
SHOWN = (
    "introdl.checking.*",
    "introdl.data.*",
    "introdl.experiments.records.*",
    "introdl.figures.interactive.*",
    "introdl.figures.style.*",
    "introdl.figures.svg.*",
    "introdl.pages.*",
    "introdl.paths.*",
    "introdl.pixels.*",
    "introdl.places.*",
    "introdl.wording.*",
)

#: Names of what was called, and of what was imported, since they were last cleared.
calls: list[str] = []
imports: list[str] = []
_MOST = 200


def _note(where: list[str], name: str) -> None:
    if len(where) < _MOST and name not in where:
        where.append(name)


class _AbsentBase:
    """Stands in for a class that is not there, where a class is derived from it."""

    _name = ""

    def __init__(self, *_args, **_kwargs):
        _note(calls, self._name)

    def __getattr__(self, attribute: str):
        if attribute.startswith("__") and attribute.endswith("__"):
            raise AttributeError(attribute)
        return Absent(f"{self._name}.{attribute}")

    def __call__(self, *_args, **_kwargs):
        _note(calls, self._name)
        return Absent(f"{self._name}()")


class Absent:
    """Stands in for something that is not there."""

    def __init__(self, name: str):
        self.__dict__["_name"] = name

    def __repr__(self) -> str:
        return f"<{self._name}, which is not here>"

    def __getattr__(self, attribute: str):
        if attribute.startswith("__") and attribute.endswith("__"):
            raise AttributeError(attribute)
        return Absent(f"{self._name}.{attribute}")

    def __setattr__(self, attribute, value):
        self.__dict__[attribute] = value

    def __call__(self, *_args, **_kwargs):
        _note(calls, self._name)
        return Absent(f"{self._name}()")

    def __mro_entries__(self, _bases):
        return (type("Absent", (_AbsentBase,), {"_name": self._name}),)

    def __instancecheck__(self, _value) -> bool:
        return False

    def __subclasscheck__(self, _value) -> bool:
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_error) -> None:
        pass

    def __iter__(self):
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __float__(self) -> float:
        return 0.0

    def __int__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return hash(self._name)

    def __format__(self, _how: str) -> str:
        return repr(self)

    def __setitem__(self, _key, _value) -> None:
        pass


def _operation(self, *_others):
    return Absent(self._name)


def _comparison(self, _other) -> bool:
    return False


for _name in [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
]:
    for _way in (_name, f"r{_name}"):
        setattr(Absent, f"__{_way}__", _operation)
for _name in ["getitem", "neg", "pos", "abs", "invert"]:
    setattr(Absent, f"__{_name}__", _operation)
for _name in ["eq", "lt", "le", "gt", "ge", "contains"]:
    setattr(Absent, f"__{_name}__", _comparison)
setattr(Absent, "__ne__", lambda self, other: True)  # noqa: B010


class _AbsentModule(types.ModuleType):
    def __getattr__(self, attribute: str):
        if attribute.startswith("__") and attribute.endswith("__"):
            raise AttributeError(attribute)
        return Absent(f"{self.__name__}.{attribute}")


def covers(names: Iterable[str], one: str) -> bool:
    """Whether a list of forbidden names (``"numpy.convolve"``, ``"scipy.signal.*"``) holds a dotted name."""
    one = one.split("(")[0]
    return any(
        one == name or (name.endswith(".*") and (one == name[:-2] or one.startswith(name[:-1]))) for name in names
    )


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds packages that are put away, and takes single functions out of modules that are imported later."""

    def __init__(self, names: list[str], single: dict[str, list[str]]):
        self.names, self.single = names, single

    def find_spec(self, fullname, path=None, target=None):
        if covers(self.names, fullname):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path) if fullname in self.single else None
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_take_out(module):
                run(module)
                _take_out(self.single[fullname])

            vars(spec.loader)["exec_module"] = run_and_take_out
        return spec

    def create_module(self, spec):
        _note(imports, spec.name)
        return _AbsentModule(spec.name)

    def exec_module(self, module) -> None:
        pass


#: What does a function's work, where the function itself is only its wrapper.
_BEHIND = {
    "numpy.convolve": ["numpy._core.multiarray.correlate"],
    "numpy.correlate": ["numpy._core.multiarray.correlate", "numpy._core.multiarray.correlate2"],
}


def put_away(names: list[str]) -> None:
    """Put away packages (``"torch.*"``) and single functions (``"numpy.convolve"``) in this process, for good."""
    packages = [name for name in names if name.endswith(".*")]
    for name in list(sys.modules):
        if covers(packages, name):
            parent, _, last = name.rpartition(".")
            vars(sys.modules.pop(name)).clear()  # functions that someone still holds have lost what they call
            if parent in sys.modules and last in sys.modules[parent].__dict__:
                sys.modules[parent].__dict__[last] = _AbsentModule(name)
    single: dict[str, list[str]] = {}
    for name in names:
        # What is built in, such as open, this process needs itself; whether an answer calls it is watched.
        if not name.endswith(".*") and not name.startswith("builtins."):
            single.setdefault(name.rpartition(".")[0], []).append(name)
    sys.meta_path.insert(0, _Finder(packages, single))
    for inside in single.values():
        _take_out(inside)


def _take_out(names: list[str]) -> None:
    """Put an `Absent` in the place of functions, in every module that holds them."""
    for name in names:
        for place in (name, *_BEHIND.get(name, ())):
            module, _, attribute = place.rpartition(".")
            value = vars(sys.modules[module]).get(attribute) if module in sys.modules else None
            if value is not None and not isinstance(value, Absent):
                _replace(value, Absent(name))


def _replace(value: object, other: Absent) -> None:
    same = {id(value)}
    while hasattr(value, "__wrapped__"):
        value = value.__wrapped__
        same.add(id(value))
    for module in list(sys.modules.values()):
        space = getattr(module, "__dict__", None)
        if isinstance(space, dict):
            space.update({key: other for key, held in list(space.items()) if id(held) in same})


@cache
def _rest_of(package: str, folder: Path) -> tuple[str, ...]:
    """Return names for all of a package that is not among `SHOWN`; a package that holds nothing of those has one name."""
    if covers(SHOWN, package):
        return ()
    if not any(name.startswith(f"{package}.") for name in SHOWN):
        return (f"{package}.*",)
    inside = [path for path in sorted(folder.iterdir()) if path.suffix == ".py" or (path / "__init__.py").exists()]
    names = [f"{package}.{path.stem}" for path in inside if path.stem != "__init__"]
    return tuple(rest for name in names for rest in _rest_of(name, folder / name.rpartition(".")[2]))


def finished(lent: Iterable[str] = ()) -> list[str]:
    """Return names for the course's own finished code, which no answer may call: all that is not `SHOWN`.

    Parameters
    ----------
    lent : iterable of str
        What of it an exercise lends to its answer: ``"introdl.layers.*"``.
    """
    return [name for name in _rest_of("introdl", Path(__file__).parent.parent) if name not in set(lent)]


def missing_places(names: Iterable[str], roots: Iterable[str] | None = None) -> list[str]:
    """Return where forbidden packages and modules lie: their folders and files, compiled ones too, and none inside another.

    Parameters
    ----------
    names : iterable of str
        Forbidden names.
    roots : iterable of str, optional
        The folders to look in; by default those that this Python imports from.
    """
    parts = [name[:-2].split(".") for name in names if name.endswith(".*")]
    roots = [root for root in (sys.path if roots is None else roots) if root]
    found = [place for root in roots for one in parts for place in _places(Path(root, *one))]
    whole = {one for one in found if os.path.isdir(one)}
    return [one for one in found if not any(str(above) in whole for above in Path(one).parents)]


def _places(path: Path) -> Iterator[str]:
    if path.is_dir():
        yield str(path)
    for folder, kind in ((path.parent, "py"), (path.parent, "*.so"), (path.parent / "__pycache__", "*.pyc")):
        yield from (str(file) for file in folder.glob(f"{path.name}.{kind}"))
