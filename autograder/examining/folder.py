"""A submission's folder, read as a stranger's: nothing is opened before it is known to be a plain file of a bearable size.

No link is followed, no program's end of a pipe is waited for, no device is read, and the folder is walked no further than
it takes to fill a submission. What is left out is told.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from autograder.errors import Unbearable

#: Of one file, and of all that lies beside a notebook.
MOST_FILE, MOST_BYTES = 32 * 2**20, 64 * 2**20
MOST_NOTEBOOK = 128 * 2**20
MOST_FILES, MOST_DEPTH = 500, 20
#: Names that are looked at before the rest is left out unseen.
MOST_NAMES = 200_000
#: Folders that programs make; what is in them is nobody's work.
_MADE = {"__pycache__", "node_modules", "feedback"}
#: How many of the things left out are kept by name, and how many of those are named in a sentence.
_KEPT, _NAMED = 100, 3


@dataclass
class Beside:
    """What lies in a submission's folder beside its notebooks.

    Attributes
    ----------
    files : dict of str to bytes
        By path inside the folder.
    left_out : dict of str to str
        Why, by path; the first hundred.
    links : list of str
        The paths of links among them.
    uncounted : int
        How many more were left out.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    uncounted: int = 0

    def leave(self, name: str, why: str) -> None:
        """Note something that is left out."""
        if len(self.left_out) < _KEPT:
            self.left_out[name] = why
        else:
            self.uncounted += 1

    def sentence(self) -> str:
        """Say what was left out, or ""."""
        if not self.left_out:
            return ""
        named = [f"{printable(name)} ({why})" for name, why in list(self.left_out.items())[:_NAMED]]
        more = len(self.left_out) - len(named) + self.uncounted
        return f"Left out of what lies beside the notebook: {', '.join(named)}{f', and {more} more' if more else ''}."


def printable(name: str, most: int = 80) -> str:
    """Return a stranger's file name so that it can be shown: no control characters, no halves of characters, short."""
    plain = "".join(one if one.isprintable() else "?" for one in name)
    return plain if len(plain) <= most else plain[: most - 3] + "..."


def read(path: Path | str, most: int, at: int | None = None, alone: bool = True) -> bytes:
    """Return the bytes of a plain file.

    Parameters
    ----------
    path : pathlib.Path or str
    most : int
        Bytes that it may have.
    at : int, optional
        A descriptor of the folder that a relative path starts from.
    alone : bool
        True where the file may have no other name (a hard link to somebody else's file looks like a file).

    Raises
    ------
    Unbearable
        If it is anything else, or larger; the text says what.
    OSError
        If it is not there, or may not be read.
    """
    seen = os.stat(path, dir_fd=at, follow_symlinks=False)
    if reason := why_not(seen, most, alone):
        raise Unbearable(reason)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=at)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):  # exchanged since we looked
            raise Unbearable("It is no plain file.") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if (found.st_dev, found.st_ino) != (seen.st_dev, seen.st_ino):
            raise Unbearable("It was exchanged while it was read.")
        if reason := why_not(found, most, alone):
            raise Unbearable(reason)
        content = file.read(most + 1)
    if len(content) > most:
        raise Unbearable(_too_large(len(content), most))
    return content


def why_not(seen: os.stat_result, most: int, alone: bool = True) -> str:
    """Say why a file is not opened, or "".

    Parameters
    ----------
    seen : os.stat_result
        Of the name itself, not of what a link leads to.
    most, alone
        As for `read`.
    """
    kind = stat.S_IFMT(seen.st_mode)
    if kind != stat.S_IFREG:
        return {
            stat.S_IFLNK: "It is a link to another file.",
            stat.S_IFDIR: "It is a folder.",
            stat.S_IFIFO: "It is a pipe.",
            stat.S_IFSOCK: "It is a socket.",
        }.get(kind, "It is a device.")
    if seen.st_size > most:
        return _too_large(seen.st_size, most)
    if alone and seen.st_nlink > 1:
        return "It is a hard link: the same file has another name elsewhere."
    return ""


def _too_large(size: int, most: int) -> str:
    return f"It is too large to read: {size / 2**20:.0f} MiB, and {most // 2**20} MiB is the most."


def beside(folder: Path, skip: frozenset[str] = frozenset(), notebooks: bool = False, flat: bool = False) -> Beside:
    """Read what lies beside the notebooks in a submission's folder: near files first, then by name.

    Parameters
    ----------
    folder : pathlib.Path
    skip : frozenset of str
        Paths of files and folders inside it that are not wanted.
    notebooks : bool
        True where they are wanted too; their bytes are not counted with the others'.
    flat : bool
        True where the folders in it belong to something else.

    Raises
    ------
    Unbearable
        If the folder is a link.
    OSError
        If it cannot be opened.
    """
    found, total = Beside(), 0
    for inside, name, seen, at in _walk(folder, found, skip, flat):
        if stat.S_ISLNK(seen.st_mode) and len(found.links) < _KEPT:
            found.links.append(inside)
        if (name.endswith(".ipynb") and not notebooks) or inside in skip:
            continue
        most = MOST_NOTEBOOK if name.endswith(".ipynb") else MOST_FILE
        if not inside.isprintable() or len(inside) > 400:
            found.leave(inside, "not a name to use")
        elif len(found.files) >= MOST_FILES:
            found.leave(inside, f"{MOST_FILES} files are the most")
        elif not stat.S_ISREG(seen.st_mode):
            found.leave(inside, _short(why_not(seen, 0)))
        elif seen.st_size <= most == MOST_FILE and total + seen.st_size > MOST_BYTES:
            found.leave(inside, f"{MOST_BYTES >> 20} MiB together are the most")
        else:
            try:
                found.files[inside] = read(name, most, at)
                total += len(found.files[inside]) if most == MOST_FILE else 0
            except Unbearable as error:
                found.leave(inside, _short(str(error)))
            except OSError as error:
                found.leave(inside, error.strerror or "cannot be read")
    return found


def _short(sentence: str) -> str:
    return sentence.removeprefix("It is ").partition(":")[0].rstrip(".")


def _walk(
    folder: Path, found: Beside, skip: frozenset[str], flat: bool
) -> Iterator[tuple[str, str, os.stat_result, int]]:
    """Yield each name that is no folder: its path inside, itself, what it is, and a descriptor of the folder it is in."""
    waiting: deque[tuple[str, ...]] = deque([()])
    left = MOST_NAMES
    while waiting:
        steps = waiting.popleft()
        try:
            at = _descend(folder, steps)
        except (OSError, Unbearable):
            if not steps:
                raise
            found.leave("/".join(steps), "a folder that cannot be opened")
            continue
        try:
            names = _names(at, left)
            left -= len(names)
            if "pyvenv.cfg" in names:
                found.leave("/".join(steps) or ".", "a Python environment")
                continue
            for name in names:
                inside, seen = "/".join((*steps, name)), _seen(name, at)
                if seen is not None and not stat.S_ISDIR(seen.st_mode):
                    yield inside, name, seen, at
                elif flat or name.startswith(".") or name in _MADE or inside in skip or seen is None:
                    continue
                elif len(steps) >= MOST_DEPTH:
                    found.leave(inside, f"deeper than {MOST_DEPTH} folders")
                else:
                    waiting.append((*steps, name))
        finally:
            os.close(at)
        if left <= 0:
            found.leave("...", f"more than {MOST_NAMES} names")
            return


def _names(at: int, most: int) -> list[str]:
    """Return the names in a folder, in order, and no more than so many."""
    with os.scandir(at) as entries:
        return sorted(entry.name for entry in islice(entries, most))


def _seen(name: str, at: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=at, follow_symlinks=False)
    except OSError:
        return None


def _descend(folder: Path, steps: tuple[str, ...]) -> int:
    """Open a folder inside a submission's, name by name, without following a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        at = os.open(folder, flags)
    except NotADirectoryError as error:
        raise Unbearable(f"{folder.name} is a link, or no folder.") from error
    for step in steps:
        try:
            below = os.open(step, flags, dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at
