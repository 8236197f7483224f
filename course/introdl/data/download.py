"""Download a file once: resumed where it broke off, checked, and only then given its name.

What stands in the cache for a file ``a.zip``:

``a.zip``
    The whole file, its checksum compared. It appears by a rename, so it is never half there.
``a.zip.json``
    Its receipt: sha256, size, address and day. Where no checksum is published, this is the pin: a later download must
    have the same.
``a.zip.part``, ``a.zip.part.json``
    What came so far, and from which version of which address it came (see `transfer`).

pooch is not used: it knows no resuming, no second address and no lock, and it moves a file to a passing name before it
compares the checksum, so a process that is killed then would lose all 5 GB; what is left for it to do is ten lines.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from introdl import paths
from introdl.data import disk, locks, progress
from introdl.data.errors import Damaged, DataError, Offline, in_units
from introdl.data.sources import Patience, PublishedFile, Source

if TYPE_CHECKING:
    from introdl.data.transfer import Part

#: Bytes from which on a file's size is told before it is downloaded.
_LARGE = 100_000_000
_FIRST_BYTES = {"zip": b"PK\x03\x04", "gzip": b"\x1f\x8b"}


def folder(source: Source) -> Path:
    """Return the folder of a dataset's downloaded files; it may not exist yet."""
    return paths.cache() / "downloads" / source.name


def lock_of(where: Path, file: PublishedFile) -> Path:
    """Return the lock that whoever downloads or removes a file holds; it stays when the file is removed."""
    return where / f".{file.name}.lock"


def sha256_of(path: Path) -> str:
    """Return a file's sha256 as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def receipt(file: PublishedFile, where: Path) -> dict | None:
    """Return a downloaded file's receipt, or None where there is none that can be read.

    Parameters
    ----------
    file : PublishedFile
        The file.
    where : pathlib.Path
        The dataset's folder (see `folder`).

    Returns
    -------
    dict or None
        ``sha256``, ``size``, ``address``, ``day`` and ``checksum`` (``"published"`` or ``"first download"``).
    """
    try:
        noted = json.loads((where / f"{file.name}.json").read_text())
        good = re.fullmatch(r"[0-9a-f]{64}", noted["sha256"]) and isinstance(noted["size"], int)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return noted if good else None


def expected(file: PublishedFile, where: Path) -> str | None:
    """Return the sha256 that a file must have: the published one, else its pin, else None."""
    if file.sha256:
        return file.sha256
    noted = receipt(file, where)
    return noted["sha256"] if noted else None


def is_here(file: PublishedFile, where: Path) -> bool:
    """Tell whether a file is downloaded and has its size and its receipt; its bytes are not read (see `verify`)."""
    noted = receipt(file, where)
    try:
        size = (where / file.name).stat().st_size
    except OSError:
        return False
    return noted is not None and noted["size"] == size and file.sha256 in (None, noted["sha256"])


def fetch(file: PublishedFile, where: Path, patience: Patience | None = None) -> Path:
    """Return the path of a file, downloading it where it is not there yet.

    Parameters
    ----------
    file : PublishedFile
        What to download.
    where : pathlib.Path
        The folder to keep it in.
    patience : Patience, optional
        How long to keep trying.

    Returns
    -------
    pathlib.Path
        ``where / file.name``, whole, with the right checksum.

    Raises
    ------
    Offline
        Where no address can be reached. What has come so far is kept.
    DiskFull
        Where there is no room; the message says how much is needed and how much is free.
    Damaged
        Where what comes does not have the checksum that it should have. Nothing is kept.
    DataError
        Where every address fails for another reason.
    """
    path = where / file.name
    if is_here(file, where):
        return path

    def waiting() -> None:
        progress.say(f"Another process is downloading {file.name}; waiting for it.")

    try:
        with locks.alone(lock_of(where, file), waiting):
            if not is_here(file, where) and not _adopt(file, where):
                _download(file, where, patience or Patience())
    except OSError as error:
        raise disk.trouble(where, error, file.name, file.size) from error
    return path


def checksums(source: Source) -> dict[str, str]:
    """Return the sha256 of each file of a dataset, downloading only those for which none is known yet."""
    where = folder(source)
    return {file.name: expected(file, where) or sha256_of(fetch(file, where)) for file in source.files}


def _adopt(file: PublishedFile, where: Path) -> bool:
    """Take a file that lies there without a fitting receipt (put there by hand, or its process was killed)."""
    path = where / file.name
    if not path.is_file():
        return False
    ours = receipt(file, where) is not None
    try:
        found = _check(file, where, path)
    except Damaged as error:
        if ours:
            path.unlink()
            return False
        raise Damaged(
            f"{path} was put there by hand, and it is not the published file; perhaps it is still being copied. Wait until "
            "it is whole, or delete it to have it downloaded."
        ) from error
    _write_receipt(file, where, found, "put there by hand")
    return True


def _download(file: PublishedFile, where: Path, patience: Patience) -> None:
    from introdl.data import transfer  # it imports requests, which nobody needs whose file is here

    failures: dict[str, Exception] = {}
    with progress.bar(f"Downloading {file.name}", file.size) as tick:
        part = transfer.Part(file, where / f"{file.name}.part", patience, tick)
        if file.size is not None:
            disk.need(where, file.size - part.size, file.name)
            if file.size >= _LARGE:
                size = in_units(file.size)
                progress.say(f"{file.name} has {size}. You may interrupt: the next call goes on from there.")
        for address in file.addresses:
            try:
                found = _from_address(part, where, address)
            except (transfer.Broken, transfer.Useless) as error:
                failures[address] = error
            except Damaged as error:
                part.forget()
                failures[address] = error
            else:
                os.replace(part.path, where / file.name)
                _write_receipt(file, where, found, address)
                part.forget()
                return
    raise _gave_up(part, where, failures)


def _from_address(part: Part, where: Path, address: str) -> str:
    """Bring the part to its full size from one address, and return its sha256 if that is right.

    One that was put together from several tries gets a second chance from zero.
    """
    resumed = part.bring(address)
    try:
        return _check(part.file, where, part.path)
    except Damaged:
        if not resumed:
            raise
    part.forget()
    part.bring(address)
    return _check(part.file, where, part.path)


def _check(file: PublishedFile, where: Path, path: Path) -> str:
    """Compare a file with its checksum, or with what is known of it where there is none; return its sha256."""
    wanted = expected(file, where)
    if wanted is None:
        _look(file, path)
    found = sha256_of(path)
    if wanted in (None, found):
        return found
    if file.sha256:
        raise Damaged(
            f"{file.name} came with the sha256 {found[:12]}… where {wanted[:12]}… is published: it was damaged on its "
            "way, or its publisher changed it. Nothing was kept. Try again later; if it stays so, tell the course's "
            "maintainers."
        )
    raise Damaged(
        f"{file.name} came with the sha256 {found[:12]}…, and at the first download on this machine it was "
        f"{wanted[:12]}…. Nothing was kept. If you trust the new one, run 'introdl data remove {where.name}' and get it "
        "again."
    )


def _look(file: PublishedFile, path: Path) -> None:
    """Look whether a file without a checksum is whole, as far as its format tells."""
    with path.open("rb") as opened:
        first = opened.read(4)
    if file.kind and not first.startswith(_FIRST_BYTES[file.kind]):
        raise Damaged(
            f"{file.name} came, but it is no {file.kind} file. A network that asks to sign in sends its own page "
            "instead: open a browser, sign in, and try again. Nothing was kept."
        )
    if file.kind == "zip":
        try:
            with zipfile.ZipFile(path) as archive:
                comment = archive.comment.decode("ascii", "replace")
        except (zipfile.BadZipFile, OSError) as error:
            raise Damaged(f"{file.name} came incomplete ({error}). Nothing was kept. Try again.") from error
        if file.commit and re.fullmatch(r"[0-9a-f]{40}", comment) and comment != file.commit:
            raise Damaged(f"{file.name} holds the commit {comment[:8]} where {file.commit[:8]} was asked for.")


def _write_receipt(file: PublishedFile, where: Path, found: str, address: str) -> None:
    noted = {
        "sha256": found,
        "size": (where / file.name).stat().st_size,
        "address": address,
        "day": datetime.date.today().isoformat(),
        "checksum": "published" if file.sha256 else "first download",
    }
    paths.write_atomically(where / f"{file.name}.json", json.dumps(noted, indent=1).encode())


def _gave_up(part: Part, where: Path, failures: dict[str, Exception]) -> DataError:
    file = part.file
    damaged = [error for error in failures.values() if isinstance(error, Damaged)]
    if len(damaged) == len(failures):
        return damaged[-1]
    kept = f" The {in_units(part.size)} that came are kept, and the next call goes on from there." if part.size else ""
    if all(getattr(error, "unreachable", False) for error in failures.values()):
        hosts = ", ".join(dict.fromkeys(urlsplit(address).hostname or address for address in failures))
        # Without the name and password that may stand in a proxy's address.
        proxies = {
            re.sub(r"[^/@]*@", "", at) for scheme, at in getproxies().items() if scheme in ("http", "https", "all")
        }
        through = f" through the proxy {' or '.join(sorted(proxies))}" if proxies else ""
        return Offline(
            f"{file.name} is not on this machine, and {hosts} cannot be reached{through}. Is this machine online?{kept} "
            f"Or download {file.addresses[0]} elsewhere and put it into {where}. "
            "plates() and digits() need no network."
        )
    reasons = "; ".join(
        f"{address}: {'what came was not the file that it should be' if error in damaged else error}"
        for address, error in failures.items()
    )
    return DataError(
        f"{file.name} could not be downloaded. {reasons}.{kept} Try again later, or download it in a browser and put it "
        f"into {where}."
    )
