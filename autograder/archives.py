"""Zip archives: ours, whose bytes depend on their content alone; and a stranger's, which is looked through before it is opened."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import ClassroomError
from introdl import paths

MOST_ENTRIES = 100_000
#: What all that is in an archive may have together, unpacked.
MOST_BYTES = 16 * 2**30
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: What systems put beside files; it is nobody's work.
_MADE = re.compile(r"(^|/)(__MACOSX(/|$)|\.DS_Store$|\._|Thumbs\.db$|desktop\.ini$)")


def write(to: Path, files: Mapping[str, bytes]) -> None:
    """Write a zip, whole or not at all; the same files give the same bytes.

    Parameters
    ----------
    to : pathlib.Path
    files : mapping of str to bytes
        By path inside.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(info, files[name])
    paths.write_atomically(to, buffer.getvalue())


@dataclass(frozen=True)
class Entry:
    """A file in an archive or a folder: its path inside, its size in bytes, and how to read it."""

    name: str
    size: int
    read: Callable[[], bytes]


@contextmanager
def entries(path: Path) -> Iterator[list[Entry]]:
    """Yield the files of a zip, or of the folder that a browser has unpacked it to; nothing is written anywhere.

    A folder that holds all of it is left out of their names, and so are files that systems make.

    Raises
    ------
    ClassroomError
        If it cannot be read, or is no honest archive: with paths that lead out of it, links, names that occur twice, a
        password, or more in it than a class hands in.
    """
    if path.is_dir():
        yield _below_one_folder(list(_of_folder(path)))
        return
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise ClassroomError(f"There is no file {path}.") from error
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ClassroomError(f"{path} cannot be read as a zip ({error}). Download it again.") from error
    with archive:
        yield _below_one_folder(_of_zip(path, archive))


def _of_folder(path: Path) -> Iterator[Entry]:
    for place, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            file = Path(place, name)
            inside = file.relative_to(path).as_posix()
            if file.is_symlink() or any((Path(place, one)).is_symlink() for one in folders):
                raise ClassroomError(f"{path} holds a link ({inside}): it is not what a platform lets you download.")
            if file.is_file() and not _MADE.search(inside):
                yield Entry(inside, file.stat().st_size, file.read_bytes)


def _of_zip(path: Path, archive: zipfile.ZipFile) -> list[Entry]:
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise ClassroomError(f"{path} holds {len(infos):,} files; {MOST_ENTRIES:,} is the most. Nothing was unpacked.")
    names: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = _name(info)
        if reason := _dishonest(name, info) or ("occurs twice" if name in names else ""):
            raise ClassroomError(
                f"{path} is not what a platform lets you download: the entry {name[:80]!r} {reason}. Nothing was unpacked."
            )
        names[name] = info
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise ClassroomError(f"{path} would unpack to more than {MOST_BYTES >> 30} GiB. Nothing was unpacked.")
    return [
        Entry(name, info.file_size, lambda name=name, info=info: _read(archive, name, info))  # type: ignore[misc]
        for name, info in names.items()
        if not info.is_dir() and not _MADE.search(name)
    ]


def _name(info: zipfile.ZipInfo) -> str:
    """Return an entry's name; without its mark, UTF-8 is read as code page 437."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode()
    except UnicodeError:
        return info.orig_filename


def _dishonest(name: str, info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if not name or name.startswith("/") or re.match(r"[A-Za-z]:[\\/]", name) or "\\" in name or "\0" in name:
        return "has no path of its own"
    steps = name.removesuffix("/").split("/")
    if ".." in steps:
        return "leads out of it"
    if {"", "."} & set(steps):
        return "has no path of its own"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link, or no plain file"
    if info.flag_bits & 1:
        return "is encrypted"
    return ""


def _read(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> bytes:
    """Return an entry's bytes, no more than the archive says that it has."""
    try:
        with archive.open(info) as file:
            return file.read(info.file_size + 1)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ClassroomError(
            f"The entry {name[:80]!r} cannot be unpacked ({error}). Download the archive again."
        ) from error


def _below_one_folder(found: list[Entry]) -> list[Entry]:
    """Leave out of the names a folder that holds everything, where a system made it of the archive's own name."""
    tops = {entry.name.partition("/")[0] for entry in found if "/" in entry.name}
    if len(tops) != 1 or any("/" not in entry.name for entry in found):
        return found
    (top,) = tops
    if "_assignsubmission_" in top:
        return found
    return [Entry(entry.name.removeprefix(f"{top}/"), entry.size, entry.read) for entry in found]
