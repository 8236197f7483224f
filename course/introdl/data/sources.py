"""What `data/sources.toml` says: for each dataset its title, license and citation, and the files to download.

Also, how patiently: see `Patience`.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from introdl import paths

_KINDS = ("zip", "gzip", "")


@dataclass(frozen=True)
class PublishedFile:
    """One file to download.

    Attributes
    ----------
    name : str
        Its name in the cache.
    addresses : tuple of str
        Where it is published, in the order in which they are tried.
    sha256 : str or None
        Its published checksum; ``None`` where none is published, and then it is pinned at the first download.
    size : int or None
        Bytes, where known.
    limit : int
        The most bytes that are accepted where the size is not known.
    kind : str
        ``"zip"``, ``"gzip"`` or ``""``: what its first bytes must say.
    commit : str
        The commit that a zip archive packed by GitHub names in its comment, or ``""``.
    """

    name: str
    addresses: tuple[str, ...]
    sha256: str | None = None
    size: int | None = None
    limit: int = 1_000_000_000
    kind: str = ""
    commit: str = ""


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


@dataclass(frozen=True)
class Source:
    """One dataset: its name, what it is, whose it is, and the files to download (none where it is embedded)."""

    name: str
    title: str
    home: str
    license: str
    citation: str
    files: tuple[PublishedFile, ...] = field(default=())

    @property
    def embedded(self) -> bool:
        """Whether it comes with the course."""
        return not self.files

    @property
    def size(self) -> int | None:
        """Bytes to download in all, or None where that is not published."""
        sizes = [file.size for file in self.files if file.size is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None


def every() -> dict[str, Source]:
    """Return every source by its name, in the order of ``sources.toml``.

    Raises
    ------
    ValueError
        Where the file does not fit its form; the message names the entry.
    """
    return _read(paths.data() / "sources.toml")


def find(name: str) -> Source:
    """Return one source.

    Raises
    ------
    LookupError
        Where there is none of that name.
    """
    known = every()
    if name not in known:
        raise LookupError(f"There is no dataset {name!r}. There are: {', '.join(known)}.")
    return known[name]


@functools.cache
def _read(path: Path) -> dict[str, Source]:
    with path.open("rb") as file:
        tables = tomllib.load(file)
    return {name: _source(path, name, table) for name, table in tables.items()}


def _source(path: Path, name: str, table: dict) -> Source:
    where = f"{path.name}, [{name}]"
    files = tuple(_file(f"{where}, file {number}", entry) for number, entry in enumerate(table.get("files", ()), 1))
    texts: dict[str, str] = {}
    for key in ("title", "home", "license", "citation"):
        texts[key] = table.get(key, "")
        if not isinstance(texts[key], str) or not texts[key]:
            raise ValueError(f"{where}: {key!r} is missing. Give it as a text.")
    return Source(name, files=files, **texts)


def _file(where: str, entry: dict) -> PublishedFile:
    known = {one.name for one in fields(PublishedFile)}
    if unknown := set(entry) - known - {"checksum_from"}:
        raise ValueError(f"{where}: {', '.join(sorted(unknown))} is not a known key.")
    name, addresses, checksum = entry.get("name", ""), entry.get("addresses", []), entry.get("sha256")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"{where}: the name {name!r} is not a plain file name.")
    if not addresses or not all(a.startswith(("https://", "http://")) for a in addresses):
        raise ValueError(f"{where}: 'addresses' needs at least one http or https address.")
    if checksum is not None and not re.fullmatch(r"[0-9a-f]{64}", checksum):
        raise ValueError(f"{where}: 'sha256' is not 64 small hexadecimal digits.")
    if entry.get("kind", "") not in _KINDS:
        raise ValueError(f"{where}: 'kind' is {entry['kind']!r}; it should be one of {_KINDS}.")
    values = {key: value for key, value in entry.items() if key in known}
    return PublishedFile(**values | {"addresses": tuple(addresses)})
