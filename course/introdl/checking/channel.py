"""Messages between processes: a head of plain JSON, and values, over file descriptors."""

from __future__ import annotations

import math
import os
import select
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from introdl.checking.packing import MAX_BYTES, Packed

_LENGTH = struct.Struct("<Q")
_PART = 1 << 20


class Closed(Exception):
    """The other end is gone."""


class Damaged(Exception):
    """What came is no message."""


class Late(Exception):
    """The time is over."""


#: Until when to wait: a time of the clock `time.monotonic`, or a function that returns the seconds until it is to be asked
#: again (see `introdl.checking.clock.Budget.left`).
Deadline = float | Callable[[], float]


class Channel:
    """One end of a line between two processes.

    Parameters
    ----------
    read, write : int
        File descriptors. The channel does not close them.
    most : int
        Bytes that a message to this end may have.
    """

    def __init__(self, read: int = -1, write: int = -1, most: int = 4 * MAX_BYTES):
        self._from, self._to, self._most = read, write, most

    def send(self, head: dict, values: Sequence[Any] = (), deadline: Deadline = math.inf) -> None:
        """Send a message.

        Parameters
        ----------
        head : dict
            Fit for JSON.
        values : sequence of object
            Any values, each packed on its own (see `introdl.checking.packing.Packed.of`).
        deadline : Deadline

        Raises
        ------
        Closed, Late
        """
        arrays: list[np.ndarray] = []

        def number(array: np.ndarray) -> int:
            arrays.append(array)
            return len(arrays) - 1

        trees = [Packed.of(value).renumbered(number) for value in values]
        message = Packed({"head": head, "values": trees}, arrays).to_bytes()
        left = memoryview(_LENGTH.pack(len(message)) + message)
        while left:
            self._wait([], [self._to], deadline)
            try:
                left = left[os.write(self._to, left[:_PART]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Closed from error

    def receive(self, deadline: Deadline = math.inf) -> tuple[dict, list[Packed]]:
        """Return the next message: its head, and its values still packed. Both may be a stranger's.

        Raises
        ------
        Closed, Damaged, Late
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if length > self._most:
            raise Damaged
        try:
            message = Packed.from_bytes(self._read(length, deadline))
            head, values = message.tree["head"], message.tree["values"]
            if isinstance(head, dict) and isinstance(values, list):
                return head, [Packed(tree, message.arrays) for tree in values]
        except (ValueError, LookupError, TypeError) as error:
            raise Damaged from error
        raise Damaged

    def _read(self, size: int, deadline: Deadline) -> bytearray:
        parts = bytearray()
        while len(parts) < size:
            self._wait([self._from], [], deadline)
            try:
                part = os.read(self._from, min(size - len(parts), _PART))
            except BlockingIOError:
                continue
            except OSError as error:
                raise Closed from error
            if not part:
                raise Closed
            parts += part
        return parts

    @staticmethod
    def _wait(read: list[int], write: list[int], deadline: Deadline) -> None:
        """Wait until a descriptor is ready; without a deadline, reading and writing wait by themselves."""
        if deadline == math.inf:
            return
        while True:
            left = deadline() if callable(deadline) else deadline - time.monotonic()
            if left <= 0:
                raise Late
            if any(select.select(read, write, [], min(left, 3600))):
                return
