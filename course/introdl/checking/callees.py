"""Which other exercises' objects an answer calls: where one of those is wrong, the answer itself may be right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType
from typing import Any

from introdl.checking.judge import NOT_STARTED, PASSED, Verdict
from introdl.checking.sheets import Entry


@dataclass(frozen=True)
class Callee:
    """An object of another exercise that an answer calls, and that is not right yet.

    Attributes
    ----------
    name : str
        What the learner calls it, ``"softmax"``.
    exercise : str
        Whose it is, ``"05.softmax"``.
    status : str
        ``"failed"``, ``"not started"`` or ``"undefined"``.
    """

    name: str
    exercise: str
    status: str

    @property
    def sentence(self) -> str:
        """What a learner is told of it."""
        if self.status == "undefined":
            return f"It calls {self.name}, which is not defined yet. Run the cell of {self.exercise} first."
        if self.status == NOT_STARTED:
            return f"It calls your {self.name}, which is not started yet. Write {self.exercise} first."
        return f"It calls your {self.name}, which is not right yet. Mend {self.exercise} first, then check this again."


def called(objects: tuple, own: str, entries: Mapping[str, Entry]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the exercises whose objects an answer calls, itself or through other functions of the learner's.

    Parameters
    ----------
    objects : tuple
        The answer.
    own : str
        The id of the answer's exercise.
    entries : mapping of str to Entry
        The chapter's exercises.

    Returns
    -------
    dict of str to (str, dict)
        By id, in the chapter's order: the first name that is called, and the names where it is looked up.
    """
    owners = {
        name: id for id, entry in entries.items() if id != own and entry.probe != "answers" for name in entry.names
    }
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    waiting, seen = list(objects), set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        for function in _functions(one):
            space = function.__globals__
            for name in _names(function.__code__):
                if name in owners:
                    found.setdefault(owners[name], (name, space))
                value = space.get(name)
                if getattr(value, "__module__", None) == function.__module__:
                    waiting.append(value)
    return {id: found[id] for id in entries if id in found}


def _functions(one: Any) -> Iterator[FunctionType]:
    """Yield the functions that an object is made of: itself, or the methods of its class."""
    if isinstance(one, MethodType):
        one = one.__func__
    if isinstance(one, FunctionType):
        yield one
        cells = [cell.cell_contents for cell in one.__closure__ or () if _is_filled(cell)]
        yield from (each for each in cells if isinstance(each, FunctionType) and each is not one)
        return
    kind = one if isinstance(one, type) else type(one)
    for value in vars(kind).values():
        value = getattr(value, "__func__", getattr(value, "fget", value))  # of a static method, of a property
        if isinstance(value, FunctionType):
            yield value


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def not_right(
    objects: tuple, own: str, entries: Mapping[str, Entry], examine: Callable[[Entry, tuple], Verdict]
) -> list[Callee]:
    """Return what an answer calls of other exercises' that is not right yet, in the chapter's order.

    Parameters
    ----------
    objects, own, entries
        As for `called`.
    examine : callable
        Runs an exercise's cases on objects.
    """
    found = []
    for exercise, (name, space) in called(objects, own, entries).items():
        if name not in space:
            found.append(Callee(name, exercise, "undefined"))
            continue
        theirs = tuple(space.get(each) for each in entries[exercise].names)
        status = examine(entries[exercise], theirs).status
        if status != PASSED:
            found.append(Callee(name, exercise, status))
    return found
