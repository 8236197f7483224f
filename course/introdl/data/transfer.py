"""Bring a file from one address, over requests: resumed where it broke off, and dropped where nothing comes.

What has come of ``a.zip`` is ``a.zip.part``; ``a.zip.part.json`` says of which version of which address it is.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import ssl
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from introdl import __version__, places
from introdl.data import disk
from introdl.data.errors import in_units
from introdl.data.sources import Patience, PublishedFile

_BLOCK = 1 << 16
#: What is told how many bytes of the file are there.
Tick = Callable[[int], None]


class Broken(Exception):
    """This try failed, another may not. `after` is the pause that the server asked for, in seconds."""

    def __init__(self, reason: str, after: float | None = None, unreachable: bool = False):
        super().__init__(reason)
        self.after = after
        self.unreachable = unreachable


class Useless(Exception):
    """This address will not give the file."""


class Part:
    """What has come of a file so far, and which version of which address it is of."""

    def __init__(self, path: Path):
        self.path, self._notes = path, path.with_name(path.name + ".json")
        self.address = self.validator = ""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            noted = json.loads(self._notes.read_text())
            self.address, self.validator = str(noted["address"]), str(noted["validator"])

    @property
    def size(self) -> int:
        """How many bytes have come."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def version(self, address: str) -> str:
        """Return what names the version that came from `address`; "" where that is not known."""
        return self.validator if self.address == address else ""

    def begin(self, start: int, address: str, validator: str) -> None:
        """Note what comes next, from byte `start` on; from 0 on, what came before is thrown away."""
        # In this order: a kill in between must not leave old bytes beside the new version's notes.
        if start == 0:
            self.path.write_bytes(b"")
        if (address, validator) != (self.address, self.validator):
            self.address, self.validator = address, validator
            places.write_atomically(self._notes, json.dumps({"address": address, "validator": validator}).encode())

    def forget(self) -> None:
        """Throw away what came."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
        self.address = self.validator = ""


def bring(file: PublishedFile, address: str, part: Part, patience: Patience, tick: Tick) -> bool:
    """Try until the part is whole.

    Parameters
    ----------
    file : PublishedFile
        What should come.
    address : str
        From where.
    part : Part
        What has come so far; it grows.
    patience : Patience
        How long to keep trying.
    tick : callable
        Is told how many bytes are there.

    Returns
    -------
    bool
        Whether it was put together from more than one try.

    Raises
    ------
    Broken, Useless
        Where this address is given up, with the reason in words.
    DiskFull, OSError
        Where it cannot be written down.
    """
    best, vain, resumed = part.size, 0, part.size > 0
    for _ in range(1000):
        try:
            _try(file, address, part, patience, tick)
            return resumed
        except Broken as error:
            vain = 0 if part.size > best else vain + 1
            best, resumed = max(best, part.size), True
            if vain >= (min(2, patience.tries) if error.unreachable else patience.tries):
                raise
            pause = patience.pause * 2 ** max(vain - 1, 0) if error.after is None else error.after
            time.sleep(min(pause, patience.longest_pause))
    raise Broken("it broke off 1,000 times")


def _try(file: PublishedFile, address: str, part: Part, patience: Patience, tick: Tick) -> None:
    have = part.size if file.sha256 or part.version(address) else 0
    if have and have == file.size:
        return
    headers = {"User-Agent": f"introdl/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if part.version(address):
            headers["If-Range"] = part.version(address)
    try:
        with _session() as session:
            response = session.get(address, headers=headers, stream=True, timeout=patience.stall)
            if response.status_code == 416 and have:
                _look_whether_whole(response, address, part, have)
                return
            start, total = _offered(file, address, part, have, response)
            part.begin(start, address, _validator(response))
            for done in _copied(file, part.path, start, total, response, patience.stall):
                tick(done)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _in_words(error, patience.stall) from error


def _look_whether_whole(response: requests.Response, address: str, part: Part, have: int) -> None:
    """Pass where the server's "nothing is left" means that all has come."""
    found = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", "").strip())
    if not (found and int(found[1]) == have and part.address == address):
        part.forget()
        raise Broken("it has fewer bytes than it had")


def _offered(
    file: PublishedFile, address: str, part: Part, have: int, response: requests.Response
) -> tuple[int, int | None]:
    """Return the byte that an answer starts at and the file's whole size, or refuse the answer."""
    code, length = response.status_code, _number(response.headers.get("Content-Length"))
    if code in (408, 425, 429) or code >= 500:
        after = _pause_asked(response.headers.get("Retry-After"))
        raise Broken(f"it answered {code} {response.reason}", after=after)
    if code >= 400:
        raise Useless(f"it answered {code} {response.reason}")
    _secure(file, response.url)
    start, total = 0, length
    if code == 206 and have:
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        versions = {part.version(address), _validator(response)} - {""}
        if not found or int(found[1]) != have or len(versions) > 1:
            part.forget()
            raise Broken("the file changed between two tries")
        start, total = have, _number(found[3]) or (have + length if length is not None else None)
    elif code != 200:
        raise Broken(f"it answered with status {code}")
    if file.size is not None and total not in (None, file.size):
        raise Useless(f"it offers {total:,} bytes where the file has {file.size:,}")
    if file.size is None and total is not None:
        if total > file.limit:
            raise Useless(f"it offers {in_units(total)}, more than the {in_units(file.limit)} that the course accepts")
        disk.need(part.path.parent, total - start, file.name)
    return start, total if total is not None else file.size


def _copied(
    file: PublishedFile, path: Path, start: int, total: int | None, response: requests.Response, stall: float
) -> Iterator[int]:
    """Write what comes behind what is there; give after each block how many bytes are there."""
    most = total if total is not None else file.limit
    done, window, before = start, time.monotonic(), start
    with path.open("ab", buffering=0) as out:
        try:
            while block := response.raw.read1(_BLOCK, decode_content=False):
                if done + len(block) > most:
                    raise Useless(f"it sent more than the {most:,} bytes that there should be")
                out.write(block)
                done += len(block)
                yield done
                now = time.monotonic()
                if now - window > stall:
                    if done - before < 100 * stall:
                        raise Broken(f"it sent {done - before} bytes in {now - window:.0f} s")
                    window, before = now, done
        except urllib3.exceptions.ProtocolError as error:
            raise Broken(f"it broke off after {done:,}{f' of {total:,}' if total else ''} bytes") from error
        os.fsync(out.fileno())
    if total is not None and done < total:
        raise Broken(f"it broke off after {done:,} of {total:,} bytes")


def _session() -> requests.Session:
    session = requests.Session()
    session.mount("https://", _TrustingAdapter())
    return session


class _TrustingAdapter(HTTPAdapter):
    """Trust what this system trusts, such as a school's own certificate, besides what requests brings along."""

    def init_poolmanager(self, *words, **more) -> None:
        super().init_poolmanager(*words, ssl_context=ssl.create_default_context(), **more)

    def proxy_manager_for(self, proxy, **more):
        return super().proxy_manager_for(proxy, ssl_context=ssl.create_default_context(), **more)


def _in_words(error: Exception, stall: float) -> Broken | Useless:
    """Say why there was no answer, or none that could be read to its end."""
    chain = [error]
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    root = chain[-1]
    if isinstance(root, ssl.SSLCertVerificationError):
        return Useless(f"its certificate is not trusted ({root.verify_message})")
    if isinstance(root, ssl.SSLError):
        return Broken(f"the encrypted connection failed ({root.reason})")
    if isinstance(error, requests.exceptions.ProxyError):
        return Broken(f"the proxy that is set cannot be used ({_said(root)})", unreachable=True)
    if isinstance(error, requests.ConnectTimeout):
        return Broken(f"it could not be reached in {stall:g} s", unreachable=True)
    if any(isinstance(each, (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)) for each in chain):
        return Broken(f"it sent nothing for {stall:g} s")
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.HTTPError)):
        lost = any(isinstance(each, urllib3.exceptions.NewConnectionError) for each in chain)
        return Broken(f"the connection broke off ({_said(root)})", unreachable=lost)
    return Useless(f"it cannot be followed ({error})")


def _said(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _secure(file: PublishedFile, address: str) -> None:
    parts = urlsplit(address)
    here = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if file.sha256 is None and parts.scheme != "https" and not here:
        raise Useless("it was sent unencrypted, and there is no checksum to compare it with")


def _validator(response: requests.Response) -> str:
    """Return what names this version of the file: a strong ETag, else the time of its last change."""
    tag = response.headers.get("ETag", "").strip()
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "").strip()


def _number(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdigit() else None


def _pause_asked(text: str | None) -> float | None:
    if (seconds := _number(text)) is not None:
        return float(seconds)
    with contextlib.suppress(ValueError, TypeError):
        at = parsedate_to_datetime(text)
        return max(0.0, (at - datetime.datetime.now(at.tzinfo)).total_seconds())
    return None
