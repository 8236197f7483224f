"""The tables of chapters in README and on the start page, made from `introdl.chapters` and the exercises."""

from __future__ import annotations

from pathlib import Path

from autograder import exercises as exercise_bank
from autograder.errors import AuthorError
from introdl.chapters import CHAPTERS, Chapter

BEGIN, END = "<!-- chapters: made by autograder build -->", "<!-- end of chapters -->"

#: Where a table stands, how its lines begin there, and whether its titles lead to the notebooks.
PLACES = (("README.md", "", False), ("solutions/start.py", "# ", True))


def table(links: bool) -> list[str]:
    """Return the chapters as the lines of a table in Markdown, with their sums in the last.

    Parameters
    ----------
    links : bool
        Whether the titles lead to the notebooks, as seen from the folder of the course.
    """
    lines = ["| chapter | what you build | after | exercises | minutes |", "|---|---|---|---|---|"]
    counts = [_count(one) for one in CHAPTERS]
    for one, count in zip(CHAPTERS, counts, strict=True):
        title = f"{one.number} {one.title}"
        title = f"[{title}]({one.name}/{one.name}.ipynb)" if links else title
        lines.append(f"| {title} | {one.builds} | {', '.join(one.needs) or '–'} | {count} and a quiz | {one.minutes} |")
    hours = sum(one.minutes for one in CHAPTERS) / 60
    return [*lines, f"| **all** | | | **{sum(counts)} and {len(CHAPTERS)} quizzes** | **{hours:.0f} hours** |"]


def _count(chapter: Chapter) -> int:
    """How many exercises a chapter has, beside its quiz."""
    return sum(not id.endswith(".quiz") for id in exercise_bank.load(chapter.number))


def filled(root: Path) -> dict[Path, str]:
    """Return the text that each file with a table should have.

    Parameters
    ----------
    root : pathlib.Path
        The checkout.

    Raises
    ------
    AuthorError
        If a file has not the two markers between which the table stands.
    """
    return {root / name: refilled(root / name, prefix, BEGIN, END, table(links)) for name, prefix, links in PLACES}


def refilled(path: Path, prefix: str, begin: str, end: str, lines: list[str]) -> str:
    """Return a file's text with `lines` between two marker lines.

    Parameters
    ----------
    path : pathlib.Path
    prefix : str
        What every line begins with: "# " in a source, "" in Markdown.
    begin, end : str
        The markers, without the prefix.
    lines : list of str

    Raises
    ------
    AuthorError
        If each marker does not stand there once, in this order.
    """
    old = path.read_text(encoding="utf-8")
    first, last = f"{prefix}{begin}\n", f"{prefix}{end}\n"
    if old.count(first) != 1 or old.count(last) != 1 or old.index(first) > old.index(last):
        raise AuthorError(
            f"{path.name}:1: what autograder build makes here has lost its place; put a line {begin!r} where it begins "
            f"and a line {end!r} below."
        )
    made = "".join(f"{prefix}{line}".rstrip() + "\n" for line in lines)
    above, _, rest = old.partition(first)
    return above + first + made + last + rest.partition(last)[2]
