"""Which files a chapter is written in, and how several of them are written at once or not at all."""

from __future__ import annotations

from pathlib import Path

from introdl import paths

#: The files of a chapter ``04_pooling``; `{name}` is its name and `{topic}` what follows the number.
WRITTEN = {
    "source": "solutions/{name}.py",
    "exercises": "autograder/exercises/ch{name}.py",
    "answers": "tests/answers/ch{name}.py",
    "figures": "course/introdl/figures/{topic}.py",
}

#: Where every chapter has its entry.
CHAPTERS = "course/introdl/chapters.py"


def of_chapter(root: Path, name: str) -> dict[str, Path]:
    """Return the files that a chapter is written in, by what they hold (the keys of `WRITTEN`).

    Parameters
    ----------
    root : pathlib.Path
        The checkout.
    name : str
        As in ``"04_pooling"``.
    """
    return {kind: root / path.format(name=name, topic=name[3:]) for kind, path in WRITTEN.items()}


def line_of(path: Path, text: str) -> int:
    """Return the number of the first line that holds a text; 1 where none does or there is no such file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next((number for number, line in enumerate(lines, start=1) if text in line), 1)


def write_together(texts: dict[Path, str]) -> None:
    """Write all files, or leave everything as it was.

    Parameters
    ----------
    texts : dict of pathlib.Path to str
        What each file is to hold.

    Raises
    ------
    OSError
        If one of them cannot be written; those before it then hold again what they held, or are gone.
    """
    before = {path: path.read_bytes() if path.exists() else None for path in texts}
    written = []
    try:
        for path, text in texts.items():
            paths.write_atomically(path, text.encode())
            written.append(path)
    except BaseException:
        for path in written:
            old = before[path]
            if old is None:
                path.unlink()
            else:
                paths.write_atomically(path, old)
        raise
