"""Where the course keeps things on this machine."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _first(name: str, *candidates: Path) -> Path:
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    looked = ", ".join(str(c) for c in candidates)
    raise FileNotFoundError(f"The course's {name} are missing: looked in {looked}. Install the course again.")


def library() -> Path:
    """Return the folder of the library itself, ``introdl/``."""
    return _PACKAGE


def is_checkout() -> bool:
    """Whether this is the course as its authors have it, and not an installed copy."""
    return not (_PACKAGE / "notebooks").is_dir()


def course() -> Path:
    """Return the folder of the notebooks: ``course/`` of a checkout, or that of an installed copy.

    An installed copy's are for copying from: what is written there is lost with the next version.
    """
    return _first("notebooks", _PACKAGE / "notebooks", _PACKAGE.parent)


def sheets() -> Path:
    """Return the folder of the answer sheets; ``INTRODL_SHEETS`` overrides it."""
    if "INTRODL_SHEETS" in os.environ:
        return Path(os.environ["INTRODL_SHEETS"])
    return _first("answer sheets", _PACKAGE / "sheets", _PACKAGE.parent / "sheets")


def pictures() -> Path:
    """Return the folder of the embedded pictures."""
    return _first("pictures", _PACKAGE / "pictures", _PACKAGE.parent.parent / "data" / "pictures")


def data() -> Path:
    """Return the folder of the embedded data (``sources.toml``, ``plates/``, ...); ``INTRODL_DATA`` overrides it."""
    if "INTRODL_DATA" in os.environ:
        return Path(os.environ["INTRODL_DATA"]).expanduser()
    return _first("data", _PACKAGE / "embedded", _PACKAGE.parent.parent / "data")


def cache() -> Path:
    """Return the folder of what is downloaded or unpacked and can be made again; ``INTRODL_CACHE`` overrides it.

    It may not exist yet.
    """
    if "INTRODL_CACHE" in os.environ:
        return Path(os.environ["INTRODL_CACHE"]).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("introdl", appauthor=False)


def home() -> Path:
    """Return the learner's own folder, where progress is kept; ``INTRODL_HOME`` overrides it.

    It may not exist yet.
    """
    if "INTRODL_HOME" in os.environ:
        return Path(os.environ["INTRODL_HOME"]).expanduser()
    from platformdirs import user_data_path

    return user_data_path("introdl", appauthor=False)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is either whole or not there: a temporary file, then a rename.

    Parameters
    ----------
    path : pathlib.Path
        Where to write; missing folders are made.
    content : bytes
        What to write.
    """
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
