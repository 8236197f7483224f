"""Run a learner's code so that nothing it does can hurt the notebook: it may raise, loop, fill memory or die.

On Linux each case runs in a fork of the notebook's process (of some probes all cases in one), under limits of time and memory. Elsewhere (fork is not
safe on macOS and does not exist on Windows) it runs in place, under a timer that interrupts Python code.
``INTRODL_ISOLATION=inline`` asks for the second way.
"""

from __future__ import annotations

import builtins
import contextlib
import faulthandler
import importlib
import inspect
import io
import linecache
import os
import signal
import sys
import threading
import time
import traceback
import types
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from introdl.checking import headway, missing_libraries
from introdl.checking.channel import Channel, Closed, Damaged, Late
from introdl.checking.clock import Budget, ChildClock
from introdl.checking.outcome import Outcome
from introdl.checking.packing import Packed, copied
from introdl.checking.probes import PROBES
from introdl.wording import plain

_PRINTED = 4000
#: What torch says in a fork of a process that has used a GPU: it can neither reach the GPU nor take gradients there.
_NO_FORK = ("in forked subprocess", "in combination with fork-based multiprocessing")
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass(frozen=True)
class Task:
    """How to drive the objects: a probe's name, the inputs' names, what may not be called, and the limits.

    `memory` is in bytes, on top of what the process uses already.
    """

    probe: str
    forbidden: tuple[str, ...] = ()
    seconds: float = 8.0
    memory: int = 2 * 2**30


class Undefined:
    """Stands in for a learner's object that does not exist."""

    def __init__(self, name: str):
        self.name = name


class _OutOfTime(BaseException):
    pass


class _Forbidden(BaseException):
    pass


class LimitedText(io.TextIOBase):
    """Keeps the first characters written to it and drops the rest."""

    def __init__(self, limit: int):
        self._parts: list[str] = []
        self._left = limit

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)
        return len(text)

    def value(self) -> str:
        text = "".join(self._parts)
        return text + ("\n... (more was printed)" if self._left < 0 else "")


# --- what may not be called ---------------------------------------------------------------------------------------


def _resolve(name: str):
    """Return the object of a dotted name if its module is loaded already, else None."""
    module, _, attribute = name.rpartition(".")
    found = sys.modules.get(module)
    return getattr(found, attribute, None) if found is not None else None


@lru_cache(maxsize=32)
def _unseen(forbidden: tuple[str, ...], _loaded: int) -> dict[int, tuple]:
    """Return what is forbidden and calls of which no profile function sees: NumPy's and SciPy's ufuncs.

    By identity: the name to tell, the ufunc, and the modules that hold it under which names.
    """
    packages = {name[:-2] for name in forbidden if name.endswith(".*")}
    within = tuple(f"{package}." for package in packages)
    found: dict[int, tuple] = {}

    def add(module, attribute, value):
        told = f"{module.__name__}.{attribute}"
        before, _, places = found.get(id(value), (told, value, []))
        told = min(before, told, key=lambda name: ("._" in name, len(name)))  # scipy.special._ufuncs is nobody's word
        found[id(value)] = (told, value, [*places, (module, attribute)])

    for name, module in list(sys.modules.items()):
        if name in packages or name.startswith(within):
            for attribute, value in list(getattr(module, "__dict__", {}).items()):
                if type(value) is np.ufunc:  # not isinstance: it would wake torch's deprecated names
                    add(module, attribute, value)
    for name in forbidden:
        value = None if name.endswith(".*") else _resolve(name)
        if isinstance(value, np.ufunc):
            add(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], value)
    return found


@contextlib.contextmanager
def _without_unseen(watch: _Watch, task: Task, objects: tuple) -> Iterator[None]:
    """Put a trap in the place of each forbidden ufunc, in its modules and in the learner's own names."""
    unseen = _unseen(task.forbidden, len(sys.modules))
    undo = []

    def trap(name):
        def trapped(*_args, **_kwargs):
            watch.catch(name)

        return trapped

    for name, value, places in unseen.values():
        for module, attribute in places:
            undo.append((module.__dict__, attribute, value))
            module.__dict__[attribute] = trap(name)
    spaces = {id(g): g for g in (getattr(one, "__globals__", None) for one in objects) if isinstance(g, dict)}
    for space in spaces.values():
        for attribute, value in list(space.items()):
            if id(value) in unseen and unseen[id(value)][1] is value:
                undo.append((space, attribute, value))
                space[attribute] = trap(unseen[id(value)][0])
    try:
        yield
    finally:
        for space, attribute, value in undo:
            space[attribute] = value


class _Watch:
    """A profile function that stops at the first call of something forbidden."""

    def __init__(self, forbidden: Iterable[str]):
        self.packages = frozenset(name[:-2] for name in forbidden if name.endswith(".*"))
        self._within = tuple(f"{package}." for package in self.packages)
        self._known: dict[object, bool] = {}
        self.codes: dict[types.CodeType, str] = {}
        self.objects: dict[int, str] = {}
        self.caught, self.over = "", False
        for off in (sys.setprofile, sys.settrace):  # who takes the watch away has been seen first
            self.objects[id(off)] = f"sys.{off.__name__}"
        for name in forbidden:
            found = None if name.endswith(".*") else _resolve(name)
            while found is not None:
                self.objects[id(found)] = name
                if isinstance(found, types.FunctionType):
                    self.codes[found.__code__] = name
                found = getattr(found, "__wrapped__", None)

    def _inside(self, module: object) -> bool:
        if type(module) is not str:
            return False
        known = self._known.get(module)
        if known is None:
            known = self._known[module] = module in self.packages or module.startswith(self._within)
        return known

    def __call__(self, frame, event, argument) -> None:
        if self.caught or self.over:
            return
        if event == "call":
            name = self.codes.get(frame.f_code)
            if name is None and self.packages and self._inside(frame.f_globals.get("__name__")):
                name = f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"
        elif event == "c_call":
            name = self.objects.get(id(argument))
            if name is None and self.packages:
                owner = getattr(argument, "__self__", None)
                modules = (
                    getattr(argument, "__module__", None),
                    type(owner).__module__,
                    owner.__module__ if isinstance(owner, type) else None,
                )
                if any(self._inside(module) for module in modules):
                    name = f"{next(m for m in modules if self._inside(m))}.{argument.__name__}"
        else:
            return
        if name is not None:
            self.catch(name)

    def catch(self, name: str) -> None:
        """Note a forbidden call, and stop the code that made it."""
        self.caught = self.caught or name
        raise _Forbidden(name)


# --- one case, in whichever process -------------------------------------------------------------------------------


def line_of(error: BaseException) -> str:
    """Say in which of the learner's lines an exception was raised."""
    best = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if not _is_library(name):
            best = (frame.f_code.co_name, line, linecache.getline(name, line).strip()[:120])
    if best is None:
        return ""
    function, line, text = best
    return f"line {line}, in {function}" + (f": {text}" if text else "")


def _is_library(file: str) -> bool:
    ours = file.startswith((_HERE, sys.prefix, sys.base_prefix)) or file.startswith("<frozen")
    return ours and "/tests/" not in file


def _unwritten(error: NotImplementedError, objects: tuple) -> Outcome:
    """Say which stub was met: "" for the object itself, ``.name`` for a method of it, else what it calls.

    What a library has not implemented is an error like any other.
    """
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    code = frame.f_code
    if _is_library(code.co_filename):
        return Outcome("raised", error=type(error).__name__, message=text_of(error), where=line_of(error))
    if any(getattr(inspect.unwrap(item), "__code__", None) is code for item in objects if callable(item)):
        return Outcome("not started")
    kinds = [item if isinstance(item, type) else type(item) for item in objects]
    methods = (getattr(value, "__func__", value) for kind in kinds for value in vars(kind).values())
    if any(getattr(method, "__code__", None) is code for method in methods):
        return Outcome("not started", message=f".{code.co_name}")
    return Outcome("not started", message=code.co_qualname.rsplit("<locals>.", 1)[-1])


def _wake(task: Task) -> None:
    """Import what torch imports for seconds when an optimizer, or torch.func, is first used: here, once.

    In each fork it would be done again, and with a watch on every call it takes several times as long.
    """
    if "torch" in PROBES[task.probe].needs and "torch" in sys.modules and "torch._dynamo" not in sys.modules:
        with contextlib.suppress(Exception):
            importlib.import_module("torch._dynamo")


@contextlib.contextmanager
def _usual_torch(torch: Any) -> Iterator[None]:
    dtype = torch.get_default_dtype()
    try:
        device = torch.get_default_device()
    except Exception:  # one that is not here
        device = torch.device("meta")
    torch.set_default_dtype(torch.float32)
    if device.type != "cpu":
        torch.set_default_device(None)
    try:
        with torch.set_grad_enabled(True):
            yield
    finally:
        torch.set_default_dtype(dtype)
        if device.type not in ("cpu", "meta"):
            torch.set_default_device(device)


@contextlib.contextmanager
def _usual_settings() -> Iterator[None]:
    """Drive a case under Python's and torch's usual settings, whatever the notebook has made of them."""
    torch, deep = sys.modules.get("torch"), sys.getrecursionlimit()
    sys.setrecursionlimit(max(deep, 1000))
    try:
        with (
            contextlib.nullcontext() if not hasattr(torch, "__version__") else _usual_torch(torch)
        ):  # put away, perhaps
            yield
    finally:
        sys.setrecursionlimit(deep)


#: A case as it is driven: its inputs' names and values, in the order in which the learner's object takes them.
Inputs = Sequence[tuple[str, Any]]


def observe(task: Task, objects: tuple, inputs: Inputs) -> Outcome:  # noqa: C901
    """Drive the objects through one case, here and now.

    Parameters
    ----------
    task : Task
    objects : tuple
        The learner's objects.
    inputs : sequence of (str, object)
        Names and values, as data; the objects are given copies.

    Returns
    -------
    Outcome
        What came of it; its value is data.
    """
    for item in objects:
        if isinstance(item, Undefined):
            return Outcome("undefined", message=item.name)
    watch = _Watch(task.forbidden) if task.forbidden else None
    if watch:
        unseen = _unseen(task.forbidden, len(sys.modules))
        for item in objects:
            if id(item) in unseen:
                return Outcome("forbidden", message=unseen[id(item)][0])
    before = [Packed.of(value) for _, value in inputs]
    given = [value.value(live=True) for value in before]
    text = LimitedText(_PRINTED)
    missing_libraries.calls.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with (
            np.errstate(over="warn", invalid="warn", divide="warn", under="ignore"),
            _usual_settings(),
            contextlib.redirect_stdout(text),
            contextlib.redirect_stderr(text),
            _without_unseen(watch, task, objects) if watch else contextlib.nullcontext(),
        ):
            try:
                if watch:
                    sys.setprofile(watch)
                try:
                    result = PROBES[task.probe].drive(objects, given)
                    if watch and sys.getprofile() is not watch:
                        watch.catch("sys.setprofile")
                finally:
                    if watch:
                        watch.over = True
                        sys.setprofile(None)
                outcome = Outcome("returned", copied(result))
            except (_OutOfTime, KeyboardInterrupt):
                raise
            except _Forbidden as error:
                outcome = Outcome("forbidden", message=str(error))
            except NotImplementedError as error:
                outcome = _unwritten(error, objects)
            except MemoryError as error:
                outcome = Outcome("out of memory", where=line_of(error))
            except BaseException as error:
                message = text_of(error)
                lost = isinstance(error, RuntimeError) and "allocate memory" in message
                kind = "out of memory" if lost else "raised"
                outcome = Outcome(kind, error=type(error).__name__, message=message, where=line_of(error))
    if watch and watch.caught:  # caught, and swallowed by the learner's own except
        outcome = Outcome("forbidden", message=watch.caught)
    outcome.leaned = sorted(missing_libraries.calls)[:20]
    outcome.printed = plain(text.value())
    floating = ("overflow", "invalid value", "divide by zero")
    outcome.warnings = sorted(
        {
            str(w.message)
            for w in caught
            if issubclass(w.category, RuntimeWarning) and str(w.message).startswith(floating)
        }
    )
    with contextlib.suppress(Exception):
        outcome.changed = [
            name
            for (name, _), value, old in zip(inputs, given, before, strict=True)
            if not isinstance(value, np.random.Generator) and not Packed.of(value).same_as(old)
        ]
    return outcome


def text_of(error: BaseException) -> str:
    """Return an exception's text; a learner's own exception may refuse to have one."""
    try:
        return plain(str(error))[:500]
    except BaseException:
        return ""


# --- in a fork ----------------------------------------------------------------------------------------------------


def _limit_memory(extra: int) -> None:
    import resource

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = used + extra
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


def _nobody_types(*_prompt: object) -> str:
    """Stand in for `input`, which in a fork would wait for a notebook that cannot answer."""
    raise EOFError("it asks for input(), and while an answer is checked nobody types. Use the arguments instead")


def _settle_child(task: Task) -> None:
    """Cut a fresh fork off from the notebook, and limit it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    faulthandler.disable()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    builtins.input = _nobody_types
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    if shell is not None:  # a plot shown inside the function would reach for the notebook's sockets
        shell.display_pub.publish = lambda *args, **kwargs: None
    torch = sys.modules.get("torch")
    if torch is not None:  # the parent's pool of threads did not survive the fork
        torch.set_num_threads(1)
    _limit_memory(task.memory)


#: Objects, and the case that they are driven through.
Turn = tuple[tuple, Inputs]


def _in_child(write: int, task: Task, turns: Iterable[Turn]) -> None:
    """Run cases and write each outcome to a pipe; never returns."""
    channel = Channel(write=write)
    try:
        _settle_child(task)
        for objects, inputs in turns:
            outcome = observe(task, objects, inputs)
            channel.send(outcome.head(), [outcome.value])
            if outcome.kind == "out of memory":
                break
        os._exit(0)
    except MemoryError:
        with contextlib.suppress(BaseException):
            channel.send(Outcome("out of memory").head(), [None])
        os._exit(0)
    except BaseException:
        os._exit(70)


class _Fork:
    """A process that runs cases, and is ended with the block; `ended` says how it ended by itself."""

    def __init__(self, task: Task, turns: Iterable[Turn], others: tuple = ()):
        self._read, write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: fork beside threads
            self._pid = os.fork()
        if self._pid == 0:
            for descriptor in (self._read, *others):
                os.close(descriptor)
            _in_child(write, task, turns)
        os.close(write)
        self._clock = ChildClock(self._pid)
        self.ended = "it stopped its own process"
        #: Seconds that it has worked (see `introdl.checking.clock`).
        self.used = 0.0

    def outcome(self, seconds: float) -> Outcome | None:
        """Return its next outcome; None where there is none.

        Raises
        ------
        introdl.checking.channel.Late
            If it has worked so many seconds for it.
        """
        budget = Budget(seconds, self._clock.look)

        def left() -> float:
            headway.look()
            return budget.left()

        try:
            return Outcome.read(*Channel(self._read).receive(left))
        except (Closed, Damaged):
            return None
        finally:
            self.used += budget.used()

    def close(self) -> None:
        """End it."""
        status = None
        os.close(self._read)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            _, status = os.waitpid(self._pid, 0)
        if status is not None and os.WIFSIGNALED(status):
            with contextlib.suppress(ValueError):
                self.ended = f"the system stopped it ({signal.Signals(os.WTERMSIG(status)).name})"


def _forked(task: Task, objects: tuple, inputs: Inputs, seconds: float) -> tuple[Outcome, float]:
    fork = _Fork(task, [(objects, inputs)])
    try:
        found = fork.outcome(seconds)
    except Late:
        return Outcome("out of time", message=f"{seconds:.0f}"), seconds
    finally:
        fork.close()
    return found or Outcome("crashed", message=fork.ended), fork.used


class Series:
    """Runs an exercise's cases in one process, which is quicker than a process for each (`run_case`).

    What one case leaves behind, the next one sees. So only the first outcome is what `run_case` would give; of the others trust
    those that are right. The process is given each case when the one before is done, and never sees a later one. Use it as a context manager.

    Parameters
    ----------
    task : Task
    objects : tuple
        The learner's.
    """

    def __init__(self, task: Task, objects: tuple):
        _wake(task)
        if task.forbidden:
            _unseen(task.forbidden, len(sys.modules))
        read, self._write = os.pipe()
        self._fork = _Fork(task, ((objects, inputs) for inputs in self._cases(read)), (self._write,))
        os.close(read)

    @staticmethod
    def _cases(read: int) -> Iterator[Inputs]:
        channel = Channel(read)
        with contextlib.suppress(Closed):
            while True:
                head, values = channel.receive()
                yield [(name, value.value()) for name, value in zip(head["names"], values, strict=True)]

    def __enter__(self) -> Series:
        return self

    def __exit__(self, *_error) -> None:
        os.close(self._write)
        self._fork.close()

    def run(self, inputs: Inputs, seconds: float) -> Outcome | None:
        """Run the next case; None where the process has ended, or does not come back in time."""
        try:
            Channel(write=self._write).send({"names": [name for name, _ in inputs]}, [value for _, value in inputs])
            return self._fork.outcome(seconds)
        except (Closed, Late):
            return None

    @property
    def used(self) -> float:
        """Seconds that the cases have worked until now (see `introdl.checking.clock`)."""
        return self._fork.used


# --- in place -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _timer(seconds: float) -> Iterator[None]:
    """Raise `_OutOfTime` in the main thread's Python code after `seconds`; does nothing in other threads."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if hasattr(signal, "setitimer"):

        def ring(_signal, _frame):
            raise _OutOfTime

        old = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)  # again and again: a bare except may swallow the first
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)
    else:
        import _thread

        rang = threading.Event()

        def interrupt():
            rang.set()
            _thread.interrupt_main()

        timer = threading.Timer(seconds, interrupt)
        timer.start()
        try:
            yield
        except KeyboardInterrupt:
            if rang.is_set():
                raise _OutOfTime from None
            raise
        finally:
            timer.cancel()


def _inline(task: Task, objects: tuple, inputs: Inputs, seconds: float) -> Outcome:
    try:
        with _timer(seconds):
            return observe(task, objects, inputs)
    except _OutOfTime:
        sys.setprofile(None)
        return Outcome("out of time", message=f"{seconds:.0f}")


def isolated() -> bool:
    """Whether cases run in a process of their own on this machine."""
    return sys.platform == "linux" and os.environ.get("INTRODL_ISOLATION", "fork") != "inline"


def run_case(task: Task, objects: tuple, inputs: Inputs, seconds: float) -> Outcome:
    """Run one case under limits; parameters as for `observe`, and the seconds it may work (see `introdl.checking.clock`)."""
    return _timed_case(task, objects, inputs, seconds)[0]


def _timed_case(task: Task, objects: tuple, inputs: Inputs, seconds: float) -> tuple[Outcome, float]:
    """Run one case; return how long it worked, too."""
    _wake(task)
    if task.forbidden:
        _unseen(task.forbidden, len(sys.modules))  # here, so that each fork finds it done and need not look again
    if isolated():
        outcome, used = _forked(task, objects, inputs, seconds)
        if not _cannot_fork(outcome):
            return outcome, used
    begun = time.monotonic()
    return _inline(task, objects, inputs, seconds), time.monotonic() - begun


def each(task: Task, turns: list[Turn], seconds: float) -> list[Outcome]:
    """Run several objects through a case each, in one process; return the outcomes that came within the seconds.

    What one of them does to the process the next ones meet. Trust such outcomes as are right.
    """
    _wake(task)
    if not isolated():
        found, begun = [], time.monotonic()
        for objects, inputs in turns:
            left = seconds - (time.monotonic() - begun)
            if left <= 0.05:
                break
            found.append(_inline(task, objects, inputs, left))
        return found
    fork, found = _Fork(task, turns), []
    try:
        while len(found) < len(turns) and (outcome := fork.outcome(max(seconds - fork.used, 0.05))) is not None:
            found.append(outcome)
    except Late:
        pass
    finally:
        fork.close()
    return found


def _cannot_fork(outcome: Outcome) -> bool:
    return outcome.kind == "raised" and any(words in outcome.message for words in _NO_FORK)


def _together(task: Task, objects: tuple, cases: list[Inputs]) -> tuple[list[Outcome], float]:
    """Run cases in one process, as far as it comes; what does not come back is for `run_case` to tell.

    Returns the outcomes, and how long they worked.
    """
    done: list[Outcome] = []
    with Series(task, objects) as series:
        for inputs in cases:
            found = series.run(inputs, max(task.seconds - series.used, 0.05))
            if found is None and series.used >= task.seconds:
                done.append(Outcome("out of time", message=f"{task.seconds:.0f}"))
            if found is None or _cannot_fork(found):
                break
            done.append(found)
        return done, series.used


def run(task: Task, objects: tuple, cases: Iterable[Inputs]) -> Iterator[Outcome]:
    """Run cases one after the other within `task.seconds`; after the first that never ends, the rest are not run."""
    left, over = task.seconds, False
    cases = list(cases)
    if PROBES[task.probe].together and isolated():
        done, used = _together(task, objects, cases)
        yield from done
        left -= used
        cases, over = cases[len(done) :], bool(done) and done[-1].kind == "out of time"
    for inputs in cases:
        if over or left <= 0.05:
            over = True
            yield Outcome("not run")
            continue
        outcome, used = _timed_case(task, objects, inputs, left)
        left -= used
        over = outcome.kind == "out of time"
        yield outcome
