"""Which of the course's own functions would answer an exercise, found by trying each as the answer of each.

``python -m tests.attacks.reach [MODULE ...]`` tries these modules, by default all of `introdl`, in a process that can neither
write, nor start anything, nor reach the network, and prints what it found as JSON.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import io
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import introdl
from autograder import exercises as bank
from autograder.authoring import drawing
from autograder.authoring.exercise import EXERCISE_ID

#: They hold processes, descriptors and the kernel's filters; to call these blindly would end the search itself.
NOT_TRIED = {f"introdl.checking.{name}" for name in ("channel", "isolation", "seccomp", "worker", "zygote")}
#: What earns no more than this share of an exercise's points is a careless answer, not a finished one.
CARELESS = 0.25
_SECONDS = 0.25
#: In how many ways a function is tried; methods of objects that must be made first are tried where that is `ALL_WAYS`.
FEW_WAYS, ALL_WAYS = 3, 40
_NUMBERS = (1, 0, 2, None)
_HARMFUL = ("os.", "shutil.", "socket.", "subprocess.", "signal.", "pty.", "syslog.", "webbrowser.", "urllib.")
_HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.getxattr", "os.listxattr", "os.add_dll_directory")


# --- what there is ------------------------------------------------------------------------------------------------


def modules() -> list[str]:
    """Return the name of every module of the course's library."""
    root = Path(introdl.__file__).parent
    paths = [path.relative_to(root.parent).with_suffix("") for path in sorted(root.rglob("*.py"))]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths]
    return [name for name in names if not name.endswith("__main__")]


def callables(module: str) -> dict[str, Any]:
    """Return every function and class that a module defines, public or private, and every method of its classes."""
    space = importlib.import_module(module)
    found: dict[str, Any] = {}
    for name, value in vars(space).items():
        if getattr(value, "__module__", None) != module or not callable(value):
            continue
        found[f"{module}.{name}"] = value
        if inspect.isclass(value):
            for inner, method in vars(value).items():
                plain = getattr(method, "__func__", method)
                if isinstance(plain, types.FunctionType) and not (inner.startswith("__") and inner.endswith("__")):
                    found[f"{module}.{name}.{inner}"] = getattr(value, inner)
    return found


# --- how it may be called -----------------------------------------------------------------------------------------


def _room(function: Callable) -> tuple[int, int] | None:
    """Return how many arguments a function needs by position, and how many it takes; None where nobody can tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
        return None
    by_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    most = 99 if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(by_place)
    return sum(p.default is p.empty for p in by_place), most


def _words(function: Callable) -> list[str]:
    """Return short texts that a function's own code holds: the names of its ways to work (``"cross-entropy"``)."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    nested = [
        one for const in (code.co_consts if code else ()) for one in (const if isinstance(const, tuple) else (const,))
    ]
    return [one for one in nested if isinstance(one, str) and 0 < len(one) < 24 and " " not in one][:6]


def ways(function: Callable, given: int) -> Iterator[tuple[str, Callable[..., tuple]]]:
    """Yield ways to make a function's arguments of so many inputs: all or some of them, in any order, with constants behind."""
    room = _room(function)
    if room is None:
        return
    needs, most = room
    places = range(given)
    for size in range(min(given, most), 0, -1):
        chosen = itertools.permutations(places, size) if given <= 3 else itertools.combinations(places, size)
        for order in chosen:
            missing = max(needs - size, 0)
            if missing > 1:
                continue
            for behind in itertools.product((*_words(function), *_NUMBERS), repeat=missing):
                yield f"{order} {behind or ''}".strip(), functools.partial(_arranged, order, behind)


def _arranged(order: tuple[int, ...], behind: tuple, inputs: tuple) -> tuple:
    return (*(inputs[place] for place in order), *behind)


def parts(result: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield a result, and each of several that came together."""
    yield "", lambda one: one
    if isinstance(result, (tuple, list)) and 1 < len(result) <= 6:
        for number in range(len(result)):
            yield f"[{number}]", functools.partial(lambda n, one: one[n], number)
        yield "[:2]", lambda one: tuple(one[:2])
    elif isinstance(result, dict) and len(result) <= 6:
        for key in result:
            yield f"[{key!r}]", functools.partial(lambda k, one: one[k], key)
    elif hasattr(result, "__dict__") and len(vars(result)) <= 8:
        for name in vars(result):
            yield f".{name}", functools.partial(lambda n, one: getattr(one, n), name)


def _made(kind: type, taken: int) -> Callable:
    """Return a class's objects' methods as functions: the first inputs (or the last) make the object, the others go to the method."""

    def of(method: str, *inputs: Any) -> Any:
        own, others = (inputs[:taken], inputs[taken:]) if taken >= 0 else (inputs[taken:], inputs[:taken])
        return getattr(kind(*own), method)(*others)

    return of


def candidates(name: str, one: Any, given: int, most: int) -> Iterator[tuple[str, Callable]]:
    """Yield functions of `given` inputs that one of the course's functions or classes gives."""
    for how, arrange in itertools.islice(ways(one, given), most):
        yield f"{name} {how}", lambda *inputs, arrange=arrange: one(*arrange(inputs))
    if most == ALL_WAYS and inspect.isclass(one) and not issubclass(one, BaseException):
        for method in [
            m for m in vars(one) if callable(getattr(one, m)) and (not m.startswith("__") or m == "__call__")
        ]:
            for taken in range(1 - given, given + 1):
                yield f"{name}({taken}).{method}", functools.partial(_made(one, taken), method)


# --- what it would earn -------------------------------------------------------------------------------------------


class _TooLong(BaseException):
    pass


@contextlib.contextmanager
def _for(seconds: float) -> Iterator[None]:
    def ring(_signal, _frame):
        raise _TooLong

    # Processor time, so that a busy machine finds the same; the other clock is for what sleeps.
    clocks = ((signal.SIGPROF, signal.ITIMER_PROF, seconds), (signal.SIGALRM, signal.ITIMER_REAL, 20 * seconds))
    for number, clock, limit in clocks:
        signal.signal(number, ring)
        signal.setitimer(clock, limit, 0.05)
    try:
        yield
    finally:
        for _, clock, _ in clocks:
            signal.setitimer(clock, 0)


def _copies(inputs: list[tuple[str, Any]]) -> list:
    from introdl.checking.packing import Packed

    return [Packed.of(value).value(live=True) for _, value in inputs]


def _right(entry, outcome) -> bool:
    """Whether the one case of an entry is passed."""
    from introdl.checking.judge import judge

    return judge(entry, [outcome]).passed


def share(entry, objects: tuple) -> float:
    """Return the share of an exercise's points that objects earn, here and without a watch on what they call."""
    from introdl.checking import isolation
    from introdl.checking.judge import judge
    from introdl.checking.outcome import Outcome

    task = isolation.Task(entry.probe, (), entry.seconds)
    outcomes = []
    for case in entry.cases:
        try:
            with _for(max(4 * _SECONDS, 1.0)):
                outcomes.append(isolation.observe(task, objects, case.inputs))
        except _TooLong:
            outcomes.append(Outcome("out of time"))
    return judge(entry, outcomes).earned / entry.points


def _may_earn(entry, function: Callable) -> Iterator[tuple[str, Callable]]:
    """Yield a function, or one of its several results, where it is right in the exercise's first case or in its last.

    The last is not tried where the first raises.
    """
    from introdl.checking import isolation
    from introdl.checking.outcome import Outcome
    from introdl.checking.packing import copied

    for one in entry.cases if len(entry.cases) == 1 else (entry.cases[0], entry.cases[-1]):
        alone = dataclasses.replace(entry, cases=[one])
        if entry.probe != "call":
            with contextlib.suppress(_TooLong, Exception), _for(_SECONDS):
                task = isolation.Task(entry.probe, (), entry.seconds)
                outcome = isolation.observe(task, (function,), one.inputs)
                if outcome.kind != "returned":
                    return
                if _right(alone, outcome):
                    yield "", function
            continue
        try:
            with _for(_SECONDS), np.errstate(all="ignore"):
                result = function(*_copies(one.inputs))
        except BaseException:
            return
        if result is None:
            return
        for told, part in parts(result):
            with contextlib.suppress(Exception):
                if _right(alone, Outcome("returned", copied(part(result)))):
                    yield told, lambda *inputs, part=part: part(function(*inputs))


def finds(entry, held: dict[str, Any], most: int = ALL_WAYS) -> list[str]:
    """Return which of some callables, called in which way, earn more than a careless answer in an exercise."""
    import torch

    given = len(entry.cases[0].inputs)
    found: dict[str, str] = {}
    for name, one in held.items():
        if inspect.isclass(one) and entry.probe in ("food_net", "values", "backward", "residual_block", "resnet"):
            # A network that is trained takes minutes: each that takes pictures would do.
            if (
                entry.probe == "food_net"
                and issubclass(one, torch.nn.Module)
                or entry.probe != "food_net"
                and share(entry, (one,)) > CARELESS
            ):
                found[name] = name
            continue
        until = time.process_time() + 2 * _SECONDS
        for how, function in candidates(name, one, given, most):
            if name in found or time.process_time() > until:
                break
            for told, whole in _may_earn(entry, function):
                if share(entry, (whole,)) > CARELESS:
                    found[name] = f"{how} {told}".strip()
                    break
    return sorted(found.values())


def pairs(entry, held: dict[str, Any], most: int = ALL_WAYS) -> list[str]:
    """Return which two functions of one module, taken together, earn in an exercise of two names."""
    plain = {name: one for name, one in held.items() if not inspect.isclass(one)}
    both = [(a, b) for a, b in itertools.permutations(plain, 2) if a.rpartition(".")[0] == b.rpartition(".")[0]]
    return [f"{a} {b}" for a, b in both if share(entry, (plain[a], plain[b])) > CARELESS]


# --- the search ---------------------------------------------------------------------------------------------------


def _harmless() -> None:
    """Make this process one that leaves nothing behind, whatever is called in it."""

    def hook(event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            raise PermissionError(event)
        if event.startswith(_HARMFUL) and event not in _HARMLESS:
            raise PermissionError(event)

    def stay(*_args: Any) -> None:
        raise PermissionError("exit")

    resource.setrlimit(resource.RLIMIT_DATA, (3 * 2**30, resource.RLIM_INFINITY))
    os._exit = os.abort = os.closerange = os.dup2 = stay  # type: ignore[assignment]
    sys.addaudithook(hook)


def search(names: list[str], exercises: list[str] | None = None, most: int = ALL_WAYS) -> dict[str, list[str]]:
    """Try every callable of some modules as the answer of exercises, by default of all, and return those that earn."""
    held = {}
    for name in names:
        if name not in NOT_TRIED:
            held |= callables(name)
    known = {id: one for chapter in bank.chapters() for id, one in bank.load(chapter).items() if one.probe != "answers"}
    entries = {id: drawing.draw(known[id], drawing.VISIBLE_SEED) for id in exercises or known}
    tempfile.gettempdir()  # it tries folders out by writing, once
    _harmless()
    found = {}
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        for id, drawn in entries.items():
            look = finds if len(drawn.names) == 1 else pairs
            if some := look(drawn, held, most):
                found[id] = some
    return found


def tried(names: Iterable[str], exercises: Iterable[str] = (), few: bool = False) -> dict[str, list[str]]:
    """Search in a process of its own; parameters and result as of `search`."""
    command = [sys.executable, "-m", "tests.attacks.reach", *(["few"] if few else []), *names, *exercises]
    root = Path(__file__).resolve().parent.parent.parent
    with tempfile.TemporaryDirectory() as folder:  # whatever is tried may leave files, and cannot remove them
        around = os.environ | {"PYTHONPATH": str(root), "TMPDIR": folder}
        done = subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "agg")
    words = sys.argv[1:]
    report = os.fdopen(os.dup(1), "w")
    answer = search(
        [word for word in words if word.startswith("introdl")] or modules(),
        [word for word in words if EXERCISE_ID.match(word)] or None,
        FEW_WAYS if "few" in words else ALL_WAYS,
    )
    print(json.dumps(answer, indent=1), file=report, flush=True)
