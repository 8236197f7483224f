"""Read archives that came from elsewhere, into memory and never onto the disk under their own names.

An archive is refused, whole, where a name in it leads outside (``../``, ``/``, ``C:``), where it holds a link, a device,
an encrypted or a doubled member, or where a member is larger than it should be or than it says.
"""

from __future__ import annotations

import contextlib
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from introdl.data.errors import Damaged, in_units

#: The most bytes that one member may have.
LARGEST = 50_000_000
#: The most members that an archive may have.
MOST = 500_000


class Zip:
    """A zip archive, its names looked over.

    Parameters
    ----------
    path : pathlib.Path
        The archive.
    largest : int
        The most bytes that one member may have.

    Raises
    ------
    Damaged
        Where it cannot be read, or is refused (see the module).
    """

    def __init__(self, path: Path, largest: int = LARGEST):
        self.path, self.largest = path, largest
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise Damaged(f"{path} cannot be read as a zip archive ({error}). {_remedy(path)}") from error
        members = self._archive.infolist()
        if len(members) > MOST:
            raise _refuse(path, f"it has {len(members):,} members")
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            safe_name(member.orig_filename, path)
            if member.is_dir():
                continue
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise _refuse(path, f"{member.filename!r} is a link or a device")
            if member.flag_bits & 0x1:
                raise _refuse(path, f"{member.filename!r} is encrypted")
            if member.filename in self._members:
                raise _refuse(path, f"it holds {member.filename!r} twice")
            self._members[member.filename] = member

    def __enter__(self) -> Zip:
        return self

    def __exit__(self, *_) -> None:
        self._archive.close()

    @property
    def names(self) -> list[str]:
        """The names of its files, in the archive's order."""
        return list(self._members)

    def read(self, name: str) -> bytes:
        """Return a member's bytes.

        Raises
        ------
        Damaged
            Where there is none of that name, its checksum is wrong, or it is larger than it should be.
        """
        if name not in self._members:
            raise Damaged(f"{self.path} has no {name!r}. {_remedy(self.path)}")
        member = self._members[name]
        if member.file_size > self.largest:
            raise _refuse(self.path, f"{name!r} has {in_units(member.file_size)}")
        try:
            with self._archive.open(member) as file:
                content = file.read(member.file_size + 1)
        except (zipfile.BadZipFile, EOFError, OSError, zlib.error, NotImplementedError, RuntimeError) as error:
            raise Damaged(f"{name!r} in {self.path} is damaged ({error}). {_remedy(self.path)}") from error
        if len(content) != member.file_size:
            raise _refuse(self.path, f"{name!r} is larger or smaller than it says")
        return content


def tar_members(path: Path, wanted: Callable[[str], bool], largest: int = LARGEST) -> Iterator[tuple[str, bytes]]:
    """Go through a tar archive (gzip or plain) once, and give each wanted file.

    Parameters
    ----------
    path : pathlib.Path
        The archive.
    wanted : callable
        Takes a member's name, says whether to read it.
    largest : int
        The most bytes that one member may have.

    Yields
    ------
    (str, bytes)
        Name and content, in the archive's order.

    Raises
    ------
    Damaged
        Where it cannot be read, or is refused (see the module).
    """
    count, given = 0, set()
    try:
        with contextlib.closing(tarfile.open(path, "r|*")) as archive:
            for member in archive:
                count += 1
                if count > MOST:
                    raise _refuse(path, f"it has over {MOST:,} members")
                safe_name(member.name, path)
                if member.isdir():
                    continue
                if not member.isreg():
                    raise _refuse(path, f"{member.name!r} is a link or a device")
                if not wanted(member.name):
                    continue
                if member.size > largest:
                    raise _refuse(path, f"{member.name!r} has {in_units(member.size)}")
                if member.name in given:
                    raise _refuse(path, f"it holds {member.name!r} twice")
                given.add(member.name)
                content = cast(IO[bytes], archive.extractfile(member)).read()  # every regular file has one
                if len(content) != member.size:
                    raise Damaged(f"{path} ends in the middle of {member.name!r}. {_remedy(path)}")
                yield member.name, content
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise Damaged(f"{path} cannot be read as a tar archive ({error}). {_remedy(path)}") from error


def safe_name(name: str, path: Path) -> None:
    """Refuse a member's name that leads outside of the folder that it would be put into.

    Raises
    ------
    Damaged
        Where it does.
    """
    parts = name.split("/")
    if not name or name.startswith("/") or ".." in parts or re.search(r"[\\\x00-\x1f]|^[A-Za-z]:", name):
        raise _refuse(path, f"the name {name!r} leads outside of it")


def _refuse(path: Path, why: str) -> Damaged:
    return Damaged(f"{path} is refused: {why}. That is not how this archive is published. {_remedy(path)}")


def _remedy(path: Path) -> str:
    return f"Delete {path.name} ('introdl data remove') and get it again."
