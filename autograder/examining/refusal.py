"""What of a submission is not even read: links to other files, and notebooks too large to be anyone's work."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from autograder.errors import Unbearable
from autograder.examining import audit, folder

MOST_BYTES = folder.MOST_NOTEBOOK
MOST_CELLS = 2000
MOST_CODE = 2**19


def reason(path: Path) -> str:
    """Say why a notebook's file is not read, or "".

    Parameters
    ----------
    path : pathlib.Path
        The submitted notebook, before it is read.
    """
    try:
        return folder.why_not(os.lstat(path), MOST_BYTES)
    except OSError as error:
        return f"It cannot be read ({error.strerror})."


def elsewhere(path: Path) -> bool:
    """Whether a path is a link, of either kind: what would be read is another file, perhaps somebody else's."""
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISLNK(seen.st_mode) or (stat.S_ISREG(seen.st_mode) and seen.st_nlink > 1)


def too_much(cells: list) -> str:
    """Say why a notebook with so many cells, or so much code, is not run, or "".

    Code is read outside of the sandbox, too, where nothing stops what takes long.
    """
    if len(cells) > MOST_CELLS:
        return f"It has {len(cells)} cells, and {MOST_CELLS} is the most."
    size = sum(len(cell.source) for cell in cells if cell.cell_type == "code")
    if size > MOST_CODE:
        return (
            f"It has {size >> 10} KiB of code, and {MOST_CODE >> 10} KiB is the most. Put data into a file beside it."
        )
    return ""


def links(place: Path) -> set[str]:
    """Return the links in a submission's folder, relative to it: what they lead to is not the submission's."""
    try:
        return set(folder.beside(place).links)
    except (OSError, Unbearable):
        return set()


def findings(beside: folder.Beside) -> list[audit.Finding]:
    """Return what a submission's folder holds that is worth a look, for the audit."""
    links = [audit.Finding("link in the submission", folder.printable(name)) for name in beside.links[:50]]
    odd = ("pipe", "socket", "device", "a hard link")
    files = [(name, why) for name, why in beside.left_out.items() if why.endswith(odd)]
    return links + [
        audit.Finding("odd file in the submission", f"{folder.printable(n)}: {why}") for n, why in files[:50]
    ]


def seen(place: Path) -> list[audit.Finding]:
    """Return the findings of a submission's folder; a folder that cannot be looked at has its own."""
    try:
        return findings(folder.beside(place))
    except Unbearable as error:
        return [audit.Finding("link in the submission", str(error))]
    except OSError:
        return []
