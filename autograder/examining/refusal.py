"""What of a submission is not even read: links to other files, and notebooks too large to be anyone's work."""

from __future__ import annotations

import os
from pathlib import Path

from autograder.examining import audit

MOST_BYTES = 128 * 2**20
MOST_CELLS = 2000


def reason(path: Path) -> str:
    """Say why a notebook's file is not read, or "".

    Parameters
    ----------
    path : pathlib.Path
        The submitted notebook, before it is read.
    """
    if path.is_symlink():
        return "It is a link to another file."
    if not path.is_file():
        return "It is not a file."
    size = path.stat().st_size
    if size > MOST_BYTES:
        return f"It is too large to read: {size / 2**20:.0f} MiB, and {MOST_BYTES // 2**20} MiB is the most."
    return ""


def too_many_cells(cells: list) -> str:
    """Say why a notebook with so many cells is not run, or ""."""
    return f"It has {len(cells)} cells, and {MOST_CELLS} is the most." if len(cells) > MOST_CELLS else ""


def links(folder: Path) -> set[str]:
    """Return the links in a submission's folder, relative to it: what they lead to is not the submission's."""
    found = set()
    for here, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(here, name)
            if path.is_symlink():
                found.add(path.relative_to(folder).as_posix())
    return found


def findings(folder: Path) -> list[audit.Finding]:
    """Return the links in a submission's folder, for the audit."""
    return [audit.Finding("link in the submission", name) for name in sorted(links(folder))]
