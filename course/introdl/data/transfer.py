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
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from introdl import __version__, paths
from introdl.data import disk
from introdl.data.errors import in_units
from introdl.data.sources import Patience, PublishedFile

_BLOCK = 1 << 16


class Broken(Exception):
    """This try failed, another may not. `after` is the pause that the server asked for, in seconds."""

    def __init__(self, reason: str, after: float | None = None, unreachable: bool = False):
        super().__init__(reason)
        self.after = after
        self.unreachable = unreachable


class Useless(Exception):
    """This address will not give the file."""


class Part:
    """What has come of a file, and how the rest is brought.

    Parameters
    ----------
    file : PublishedFile
        The file.
    path : pathlib.Path
        Where to put what comes.
    patience : Patience
        How long to keep trying.
    tick : callable
        Is told how many bytes are there.
    """

    def __init__(self, file: PublishedFile, path: Path, patience: Patience, tick: Callable[[int], None]):
        self.file, self.path, self.patience, self.tick = file, path, patience, tick
        self._notes = path.with_name(path.name + ".json")
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

    def forget(self) -> None:
        """Throw away what came."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
        self.address = self.validator = ""

    def bring(self, address: str) -> bool:
        """Try until the file is whole.

        Parameters
        ----------
        address : str
            From where.

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
        patience, best, vain, resumed = self.patience, self.size, 0, self.size > 0
        for _ in range(1000):
            try:
                self._try(address)
                return resumed
            except Broken as error:
                vain = 0 if self.size > best else vain + 1
                best, resumed = max(best, self.size), True
                if vain >= (min(2, patience.tries) if error.unreachable else patience.tries):
                    raise
                pause = patience.pause * 2 ** max(vain - 1, 0) if error.after is None else error.after
                time.sleep(min(pause, patience.longest_pause))
        raise Broken("it broke off 1,000 times")

    def _try(self, address: str) -> None:
        version = self.validator if self.address == address else ""
        have = self.size if self.file.sha256 or version else 0
        if have and have == self.file.size:
            return
        headers = {"User-Agent": f"introdl/{__version__}", "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-"} | ({"If-Range": version} if version else {})
        try:
            with _session() as session:
                response = session.get(address, headers=headers, stream=True, timeout=self.patience.stall)
                if response.status_code == 416 and have:
                    self._look_whether_whole(address, response, have)
                    return
                start, total = self._offered(response, have, version)
                self._begin(start, address, _validator(response))
                self._copy(response, start, total)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _in_words(error, self.patience.stall) from error

    def _look_whether_whole(self, address: str, response: requests.Response, have: int) -> None:
        """Pass where the server's "nothing is left" means that all has come."""
        found = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", "").strip())
        if not (found and int(found[1]) == have and self.address == address):
            self.forget()
            raise Broken("it has fewer bytes than it had")

    def _offered(self, response: requests.Response, have: int, version: str) -> tuple[int, int | None]:
        """Return the byte that an answer starts at and the file's whole size, or refuse the answer."""
        file, code, length = self.file, response.status_code, _number(response.headers.get("Content-Length"))
        if code in (408, 425, 429) or code >= 500:
            after = _pause_asked(response.headers.get("Retry-After"))
            raise Broken(f"it answered {code} {response.reason}", after=after)
        if code >= 400:
            raise Useless(f"it answered {code} {response.reason}")
        _secure(file, response.url)
        start, total = 0, length
        if code == 206 and have:
            found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
            if not found or int(found[1]) != have or len({version, _validator(response)} - {""}) > 1:
                self.forget()
                raise Broken("the file changed between two tries")
            start, total = have, _number(found[3]) or (have + length if length is not None else None)
        elif code != 200:
            raise Broken(f"it answered with status {code}")
        if file.size is not None and total not in (None, file.size):
            raise Useless(f"it offers {total:,} bytes where the file has {file.size:,}")
        if file.size is None and total is not None:
            if total > file.limit:
                raise Useless(
                    f"it offers {in_units(total)}, more than the {in_units(file.limit)} that the course accepts"
                )
            disk.need(self.path.parent, total - start, file.name)
        return start, total if total is not None else file.size

    def _begin(self, start: int, address: str, validator: str) -> None:
        """Note what comes next, from byte `start` on; from 0 on, what came before is thrown away."""
        # In this order: a kill in between must not leave old bytes beside the new version's notes.
        if start == 0:
            self.path.write_bytes(b"")
        if (address, validator) != (self.address, self.validator):
            self.address, self.validator = address, validator
            paths.write_atomically(self._notes, json.dumps({"address": address, "validator": validator}).encode())

    def _copy(self, response: requests.Response, start: int, total: int | None) -> None:
        """Write what comes behind what is there."""
        most, stall = total if total is not None else self.file.limit, self.patience.stall
        done, window, before = start, time.monotonic(), start
        with self.path.open("ab", buffering=0) as out:
            try:
                while block := response.raw.read1(_BLOCK, decode_content=False):
                    if done + len(block) > most:
                        raise Useless(f"it sent more than the {most:,} bytes that there should be")
                    out.write(block)
                    done += len(block)
                    self.tick(done)
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
    chain: list[BaseException] = [error]
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
    with contextlib.suppress(ValueError):
        at = parsedate_to_datetime(text or "")
        return max(0.0, (at - datetime.datetime.now(at.tzinfo)).total_seconds())
    return None
