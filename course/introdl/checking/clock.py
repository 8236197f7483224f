"""How long a process has worked: what a verdict may depend on, however busy the machine is.

Processor time counts in full. Time spent asleep counts half, so that what waits for ever comes to an end, too. Time in
which a process was ready and others had the processor does not count.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

#: What a second asleep counts; and where nobody tells how long a process waited for a processor.
_ASLEEP, _PERHAPS_ASLEEP = 1 / 2, 1 / 10
#: A process that is asked about again after so many seconds at the latest.
_AGAIN = 1.0


@dataclass(frozen=True)
class Look:
    """A look at processes: seconds of the clock on the wall, of their processor time, and of waiting for a processor.

    `waited` is None where the system does not say.
    """

    wall: float
    cpu: float
    waited: float | None


def used(before: Look, after: Look) -> float:
    """Return how many seconds count between two looks."""
    wall, cpu = after.wall - before.wall, after.cpu - before.cpu
    if before.waited is None or after.waited is None:
        return cpu + max(wall - cpu, 0.0) * _PERHAPS_ASLEEP
    return cpu + max(wall - cpu - (after.waited - before.waited), 0.0) * _ASLEEP


def waited(process: str) -> float | None:
    """Return how long a process's threads were ready and had no processor.

    Parameters
    ----------
    process : str
        Its folder under ``/proc``.
    """
    total = 0
    try:
        for thread in os.listdir(f"{process}/task"):
            with (
                contextlib.suppress(FileNotFoundError, ProcessLookupError),
                open(f"{process}/task/{thread}/schedstat") as file,
            ):
                total += int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return total / 1e9


def processor_time(processes: Iterable[str]) -> float:
    """Return the processor time of processes, and of those of their children that have ended.

    Parameters
    ----------
    processes : iterable of str
        Their folders under ``/proc``.
    """
    ticks = 0
    for process in processes:
        with contextlib.suppress(OSError, ValueError, IndexError), open(f"{process}/stat") as file:
            ticks += sum(map(int, file.read().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def last_child() -> str:
    """Return the folder under ``/proc`` of the child that this thread forked last; "" where the system does not say.

    Its number there need not be the one that `os.fork` returned: ``/proc`` may be that of another namespace.
    """
    try:
        with open("/proc/thread-self/children") as file:
            return f"/proc/{file.read().split()[-1]}"
    except (OSError, IndexError):
        return ""


def family(process: str, most: int = 100) -> list[str]:
    """Return a process and its descendants, as folders under ``/proc``."""
    found = [process]
    for one in found:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"{one}/task"):
                with open(f"{one}/task/{thread}/children") as file:
                    found += [f"/proc/{child}" for child in file.read().split()][: most - len(found)]
    return found


class Sums:
    """Adds up what processes use, those that have ended since included."""

    def __init__(self) -> None:
        self.cpu = 0.0
        self._waited: dict[str, float] = {}
        self._ended = 0.0

    def add(self, processes: list[str]) -> None:
        """Look at the processes that there are, as folders under ``/proc``."""
        self.cpu = max(self.cpu, processor_time(processes))
        before, self._waited = self._waited, {}
        for one in processes:
            self._waited[one] = max(before.pop(one, 0.0), waited(one) or 0.0)
        self._ended += sum(before.values())

    @property
    def waited(self) -> float:
        """Seconds that they were ready and had no processor."""
        return self._ended + sum(self._waited.values())


class ChildClock:
    """Looks at a child process and at those that it has started.

    Parameters
    ----------
    pid : int
        As `os.fork` returned it, just now.
    """

    def __init__(self, pid: int):
        self._clock = (~pid << 3) | 2  # the kernel's number for a process's processor time (clock_getcpuclockid)
        place = last_child()
        self._place = place if place and waited(place) is not None else ""
        self._sums = Sums()

    def look(self) -> Look:
        """Return what they have used until now."""
        with contextlib.suppress(OSError):
            self._sums.cpu = max(self._sums.cpu, time.clock_gettime(self._clock))
        if not self._place:
            return Look(time.monotonic(), self._sums.cpu, None)
        self._sums.add(family(self._place))
        return Look(time.monotonic(), self._sums.cpu, self._sums.waited)


class Budget:
    """Seconds that processes may work, from now on.

    Parameters
    ----------
    seconds : float
    look : callable
        Returns a `Look`.
    """

    def __init__(self, seconds: float, look: Callable[[], Look]):
        self.seconds, self._look = seconds, look
        self._before = look()

    def used(self) -> float:
        """Return how many seconds have been used."""
        return used(self._before, self._look())

    def left(self) -> float:
        """Return for how many seconds one may wait before asking again; 0 or less where the budget is used up."""
        on_the_wall = time.monotonic() - self._before.wall
        if on_the_wall < self.seconds / 4:  # it cannot be used up, even with a few threads
            return min(self.seconds / 4 - on_the_wall + 0.01, _AGAIN)
        left = self.seconds - self.used()
        return min(max(left, 0.02), _AGAIN) if left > 0 else 0.0
