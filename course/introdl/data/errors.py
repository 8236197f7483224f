"""What can go wrong with data: each error is a sentence that says what, where, and what to do."""

from __future__ import annotations


class DataError(RuntimeError):
    """Data could not be had; the message says why and what to do."""


class Offline(DataError):
    """No address could be reached."""


class DiskFull(DataError):
    """There is not enough space."""


class Damaged(DataError):
    """A file is not what it should be."""


def in_units(count: float) -> str:
    """Write a number of bytes for people: ``in_units(4_996_278_331) == '5.0 GB'``.

    Parameters
    ----------
    count : float
        Bytes. One MB is 1,000,000 bytes.

    Returns
    -------
    str
        A number and its unit, from B to TB.
    """
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 999.5:
            return f"{count:.0f} {unit}" if unit in ("B", "kB") or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
