"""Room on the disk: asked for before it is needed, and a sentence where there is none."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from introdl.data.errors import DataError, DiskFull, in_units

_SPARE = 20_000_000
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def need(where: Path, count: int, what: str) -> None:
    """Look whether a folder's disk has room.

    Parameters
    ----------
    where : pathlib.Path
        The folder; it may not exist yet.
    count : int
        How many bytes are needed.
    what : str
        What they are needed for, as in ``"food-101.tar.gz"``.

    Raises
    ------
    DiskFull
        Where there are not that many, and some to spare.
    """
    if count + _SPARE > _free(where):
        raise _full(where, count, what)


def trouble(where: Path, error: OSError, what: str, count: int | None = None) -> DataError:
    """Turn an error of writing into a folder into a sentence.

    Parameters
    ----------
    where : pathlib.Path
        The folder.
    error : OSError
        What the system said.
    what, count
        As for `need`; `count` is None where it is not known.

    Returns
    -------
    DataError
        `DiskFull` where there is no room, else one that says what the system said.
    """
    if error.errno in _FULL:
        return _full(where, count, what)
    return DataError(
        f"{where} cannot be written to ({error.strerror or error}). Set INTRODL_CACHE to a folder that can, and try again."
    )


def _free(where: Path) -> int:
    while not where.exists() and where != where.parent:
        where = where.parent
    return shutil.disk_usage(where).free


def _full(where: Path, count: int | None, what: str) -> DiskFull:
    needed = f"{in_units(count + _SPARE)} are needed and " if count is not None else ""
    return DiskFull(
        f"There is no room for {what}: the disk of {where} is full, or your share of it; {needed}{in_units(_free(where))} "
        "are free. Make room ('introdl data list' shows what the course keeps), or set INTRODL_CACHE to a folder on a "
        "larger disk. A download that was under way goes on from where it stopped."
    )
