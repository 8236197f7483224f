"""Download a file once: resumed where it broke off, checked, and only then given its name.

What stands in the cache for a file ``a.zip``:

``a.zip``
    The whole file, its checksum compared. It appears by a rename, so it is never half there.
``a.zip.json``
    Its receipt: sha256, size, address and day. Where no checksum is published, this is the pin: a later download must
    have the same.
``a.zip.part``, ``a.zip.part.json``
    What came so far, and from which version of which address it came.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from introdl import __version__, places
from introdl.data import locks, progress
from introdl.data.errors import Damaged, DataError, DiskFull, Offline, in_units
from introdl.data.sources import PublishedFile, Source

_BLOCK = 1 << 16
_SPARE = 20_000_000
_FIRST_BYTES = {"zip": b"PK\x03\x04", "gzip": b"\x1f\x8b"}
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.ENETDOWN, errno.EADDRNOTAVAIL}


@dataclass(frozen=True)
class Patience:
    """How long to keep trying.

    Attributes
    ----------
    tries : int
        How many tries in a row may bring nothing new before an address is given up.
    stall : float
        Seconds without a byte (or with under 100 bytes a second) after which a connection is dropped.
    pause : float
        Seconds before the second try; it doubles each time.
    longest_pause : float
        Seconds that it grows to.
    """

    tries: int = 5
    stall: float = 30.0
    pause: float = 1.0
    longest_pause: float = 30.0


class _Broken(Exception):
    """This try failed, another may not. `after` is the pause that the server asked for, in seconds."""

    def __init__(self, reason: str, after: float | None = None, unreachable: bool = False):
        super().__init__(reason)
        self.after = after
        self.unreachable = unreachable


class _Useless(Exception):
    """This address will not give the file."""


class _Disk(Exception):
    """Writing failed, as against the network; `error` is the system's."""

    def __init__(self, error: OSError):
        super().__init__(str(error))
        self.error = error


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _Disk(error) from error


@dataclass
class _Body:
    """An answer's body: how long it says it is, and where in the file it starts."""

    response: http.client.HTTPResponse
    start: int
    total: int | None
    validator: str


@dataclass
class _Part:
    """The half of a file that is there, and which version of which address it is of."""

    path: Path
    address: str = ""
    validator: str = ""
    notes: Path = field(init=False)

    def __post_init__(self) -> None:
        self.notes = self.path.with_name(self.path.name + ".json")
        with contextlib.suppress(OSError, ValueError, TypeError):
            noted = json.loads(self.notes.read_text())
            self.address, self.validator = str(noted["address"]), str(noted["validator"])

    @property
    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def restart(self, address: str, validator: str) -> None:
        # In this order: a kill in between must not leave old bytes beside the new version's notes.
        with _writing():
            self.path.write_bytes(b"")
        self.note(address, validator)

    def note(self, address: str, validator: str) -> None:
        if (address, validator) != (self.address, self.validator):
            self.address, self.validator = address, validator
            content = json.dumps({"address": address, "validator": validator})
            with _writing():
                places.write_atomically(self.notes, content.encode())

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)
        self.address = self.validator = ""


def folder(source: Source) -> Path:
    """Return the folder of a dataset's downloaded files; it may not exist yet."""
    return places.cache() / "downloads" / source.name


def lock_of(where: Path, file: PublishedFile) -> Path:
    """Return the lock that whoever downloads or removes a file holds; it stays when the file is removed."""
    return where / f".{file.name}.lock"


def sha256_of(path: Path, tick: Callable[[int], None] = lambda done: None) -> str:
    """Return a file's sha256 as 64 hexadecimal digits; `tick` is told how many bytes are read."""
    summed, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            summed.update(block)
            done += len(block)
            tick(done)
    return summed.hexdigest()


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
    patience = patience or Patience()
    path = where / file.name
    if is_here(file, where):
        return path

    def waiting() -> None:
        progress.say(f"Another process is downloading {file.name}; waiting for it.")

    try:
        with locks.alone(lock_of(where, file), waiting):
            if not is_here(file, where) and not _adopt(file, where):
                _download(file, where, patience)
    except _Disk as error:
        raise disk_trouble(where, error.error, file.size) from error.error
    except OSError as error:
        raise disk_trouble(where, error, file.size) from error
    return path


def disk_trouble(where: Path, error: OSError, count: int | None = None) -> DataError:
    """Turn an error of writing into a folder into a sentence.

    Parameters
    ----------
    where : pathlib.Path
        The folder.
    error : OSError
        What the system said.
    count : int, optional
        How many bytes are needed in all.

    Returns
    -------
    DataError
        `DiskFull` where there is no room, else one that says what the system said.
    """
    if error.errno in _FULL:
        return _full(where, count)
    return DataError(
        f"{where} cannot be written to ({error.strerror or error}). Set INTRODL_CACHE to a folder that can, and try again."
    )


def checksums(source: Source, patience: Patience | None = None) -> dict[str, str]:
    """Return the sha256 of each file of a dataset, downloading only those for which none is known yet."""
    where = folder(source)
    known = {}
    for file in source.files:
        if expected(file, where) is None:
            fetch(file, where, patience)
        known[file.name] = expected(file, where)
    return known


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
    part = _Part(where / f"{file.name}.part")
    if file.size is not None:
        _need(where, file.size - part.size)
    failures: dict[str, str] = {}
    unreachable, damaged = 0, None
    with progress.bar(f"Downloading {file.name}", file.size) as tick:
        for address in file.addresses:
            try:
                found = _from_address(file, address, part, patience, tick)
                os.replace(part.path, where / file.name)
                _write_receipt(file, where, found, address)
                part.forget()
                return
            except Damaged as error:
                part.forget()
                damaged = error
                failures[address] = "what came was not the file that it should be"
            except _Useless as error:
                failures[address] = str(error)
            except _Broken as error:
                failures[address] = str(error)
                unreachable += error.unreachable
    if damaged and len(failures) == sum("was not the file" in reason for reason in failures.values()):
        raise damaged
    raise _gave_up(file, where, part, failures, unreachable == len(failures))


def _from_address(file: PublishedFile, address: str, part: _Part, patience: Patience, tick) -> str:
    """Bring the part to its full size from one address, and return its sha256 if that is right.

    One that was put together from several tries gets a second chance from zero.
    """
    for from_zero in (False, True):
        if from_zero:
            part.forget()
        resumed = _fill(file, address, part, patience, tick)
        try:
            return _check(file, part.path.parent, part.path)
        except Damaged:
            if from_zero or not resumed:
                raise
    raise AssertionError("unreachable")


def _fill(file: PublishedFile, address: str, part: _Part, patience: Patience, tick) -> bool:
    """Try until the part is whole; return whether it was put together from more than one try."""
    best, vain, resumed = part.size, 0, part.size > 0
    for _ in range(1000):
        try:
            _try(file, address, part, patience, tick)
            return resumed
        except _Broken as error:
            if part.size > best:
                best, vain = part.size, 0
            else:
                vain += 1
            if vain >= (min(2, patience.tries) if error.unreachable else patience.tries):
                raise
            resumed = True
            pause = min(patience.pause * 2 ** max(vain - 1, 0), patience.longest_pause)
            time.sleep(min(error.after, patience.longest_pause) if error.after is not None else pause)
    raise _Broken("it broke off 1,000 times")


def _try(file: PublishedFile, address: str, part: _Part, patience: Patience, tick) -> None:
    try:
        body = _ask(file, address, part, patience)
        if body is None:
            return
        with body.response:
            _copy(file, address, part, body, patience, tick)
    except ssl.SSLCertVerificationError as error:
        raise _Useless(f"its certificate is not trusted ({error.verify_message})") from error
    except ssl.SSLError as error:
        raise _Broken(f"the encrypted connection failed ({error.reason})") from error
    except TimeoutError as error:
        raise _Broken(f"it sent nothing for {patience.stall:g} s") from error
    except http.client.HTTPException as error:
        raise _Broken(f"the connection broke off ({type(error).__name__})") from error
    except OSError as error:
        lost = isinstance(error, socket.gaierror) or error.errno in _UNREACHABLE
        raise _Broken(str(error.strerror or error), unreachable=lost) from error


def _ask(file: PublishedFile, address: str, part: _Part, patience: Patience) -> _Body | None:
    """Ask for the file, or for what is missing of it; None where nothing is missing."""
    have = part.size
    if have and not (file.sha256 or (part.address == address and part.validator)):
        have = 0
    headers = {"User-Agent": f"introdl/{__version__}", "Accept-Encoding": "identity"}
    if have:
        if file.size is not None and have == file.size:
            return None
        headers["Range"] = f"bytes={have}-"
        if part.address == address and part.validator:
            headers["If-Range"] = part.validator
    try:
        request = urllib.request.Request(address, headers=headers)
        response = urllib.request.urlopen(request, timeout=patience.stall, context=_trust(address))
    except urllib.error.HTTPError as error:
        with error:
            return _refused(error, address, part, have)
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _Broken(f"it could not be reached in {patience.stall:g} s", unreachable=True) from error
        if isinstance(error.reason, OSError):
            raise error.reason from error
        raise _Broken(str(error.reason)) from error
    _secure(file, response.geturl())
    validator = _validator(response.headers)
    length = _number(response.headers.get("Content-Length"))
    if response.status == 206 and have:
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", (response.headers.get("Content-Range") or "").strip())
        same = not (part.address == address and part.validator and validator) or part.validator == validator
        if not found or int(found[1]) != have or not same:
            response.close()
            part.forget()
            raise _Broken("the file changed between two tries")
        total = int(found[3]) if found[3] != "*" else have + length if length is not None else None
        return _Body(response, have, _agreed(file, total, response), validator)
    if response.status != 200:
        response.close()
        raise _Broken(f"it answered with status {response.status}")
    return _Body(response, 0, _agreed(file, length, response), validator)


def _refused(error: urllib.error.HTTPError, address: str, part: _Part, have: int) -> None:
    """Say what an HTTP error means; return None where it means that nothing is missing."""
    if error.code == 416 and have:
        found = re.fullmatch(r"bytes \*/(\d+)", (error.headers.get("Content-Range") or "").strip())
        if found and int(found[1]) == have and part.address == address:
            return None
        part.forget()
        raise _Broken("it has fewer bytes than it had")
    if error.code in (408, 425, 429) or error.code >= 500:
        raise _Broken(f"it answered {error.code} {error.reason}", after=_pause_asked(error.headers.get("Retry-After")))
    raise _Useless(f"it answered {error.code} {error.reason}")


def _agreed(file: PublishedFile, total: int | None, response) -> int | None:
    """Return the file's whole size, or refuse where the server's word and the published size differ."""
    if file.size is not None and total is not None and total != file.size:
        response.close()
        raise _Useless(f"it offers {total:,} bytes where the file has {file.size:,}")
    if file.size is None and total is not None and total > file.limit:
        response.close()
        raise _Useless(f"it offers {in_units(total)}, more than the {in_units(file.limit)} that the course accepts")
    return total if total is not None else file.size


def _copy(file: PublishedFile, address: str, part: _Part, body: _Body, patience: Patience, tick) -> None:
    if body.start == 0:
        part.restart(address, body.validator)
    else:
        part.note(address, body.validator or part.validator)
    if body.total is not None and file.size is None:
        _need(part.path.parent, body.total - body.start)
    most = body.total if body.total is not None else file.limit
    done, window, before = body.start, time.monotonic(), body.start
    with _opened(part.path) as out:
        while block := body.response.read1(_BLOCK):
            if done + len(block) > most:
                raise _Useless(f"it sent more than the {most:,} bytes that there should be")
            with _writing():
                out.write(block)
            done += len(block)
            tick(done)
            now = time.monotonic()
            if now - window > patience.stall:
                if done - before < 100 * patience.stall:
                    raise _Broken(f"it sent {done - before} bytes in {now - window:.0f} s")
                window, before = now, done
        with _writing():
            os.fsync(out.fileno())
    if body.total is not None and done < body.total:
        raise _Broken(f"it broke off after {done:,} of {body.total:,} bytes")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator:
    with _writing():
        out = path.open("ab", buffering=0)
    with out:
        yield out


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
    places.write_atomically(where / f"{file.name}.json", json.dumps(noted, indent=1).encode())


def _gave_up(file: PublishedFile, where: Path, part: _Part, failures: dict[str, str], offline: bool) -> DataError:
    kept = ""
    if part.size:
        kept = f" The {in_units(part.size)} that came are kept, and the next call goes on from there."
    if offline:
        hosts = ", ".join(dict.fromkeys(urlsplit(address).hostname or address for address in failures))
        return Offline(
            f"{file.name} is not on this machine, and {hosts} cannot be reached. Is this machine online?{kept} "
            f"Or download {file.addresses[0]} elsewhere and put it into {where}. "
            "plates() and digits() need no network."
        )
    reasons = "; ".join(f"{address}: {reason}" for address, reason in failures.items())
    return DataError(
        f"{file.name} could not be downloaded. {reasons}.{kept} Try again later, or download it in a browser and put it "
        f"into {where}."
    )


def _need(where: Path, count: int) -> None:
    if count + _SPARE > shutil.disk_usage(where).free:
        raise _full(where, count)


def _full(where: Path, count: int | None) -> DiskFull:
    while not where.exists() and where != where.parent:
        where = where.parent
    free = shutil.disk_usage(where).free
    need = f"{in_units(count + _SPARE)} are needed and " if count is not None else ""
    return DiskFull(
        f"The disk of {where} is full, or your share of it: {need}{in_units(free)} are free. Make room ('introdl data "
        "list' shows what the course keeps), or set INTRODL_CACHE to a folder on a larger disk. What came so far is kept."
    )


def _secure(file: PublishedFile, address: str) -> None:
    parts = urlsplit(address)
    here = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if file.sha256 is None and parts.scheme != "https" and not here:
        raise _Useless("it was sent unencrypted, and there is no checksum to compare it with")


def _trust(address: str) -> ssl.SSLContext | None:
    if not address.startswith("https:"):
        return None
    context = ssl.create_default_context()
    with contextlib.suppress(ImportError, OSError):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _validator(headers) -> str:
    """Return what names this version of the file: a strong ETag, else the time of its last change."""
    tag = (headers.get("ETag") or "").strip()
    if tag and not tag.startswith("W/"):
        return tag
    return (headers.get("Last-Modified") or "").strip()


def _number(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdigit() else None


def _pause_asked(text: str | None) -> float | None:
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    with contextlib.suppress(ValueError, TypeError):
        at = parsedate_to_datetime(text)
        return max(0.0, (at - datetime.datetime.now(at.tzinfo)).total_seconds())
    return None
