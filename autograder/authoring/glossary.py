"""The glossary page, made from the words that every chapter lists at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring import source as sources
from autograder.authoring.tables import refilled
from autograder.errors import AuthorError
from introdl.chapters import CHAPTERS, Chapter

HEADING = "### Words"
PAGE = "solutions/glossary.py"
BEGIN, END = "<!-- words: made by autograder build -->", "<!-- end of words -->"
_ENTRY = re.compile(r"- \*\*(.+?)\*\*: (.+)", re.S)


@dataclass(frozen=True)
class Word:
    """A term, what it means, and the chapter that explains it."""

    term: str
    meaning: str
    chapter: Chapter

    @property
    def others(self) -> list[str]:
        """Terms that are explained along with it: those in bold."""
        found = re.findall(r"\*\*(.+?)\*\*", self.meaning)
        return [term.lower() if term[1:].islower() else term for term in found]  # one may begin its sentence


def words_of(path: Path, chapter: Chapter) -> Iterator[Word]:
    """Yield the words that a chapter's source lists under its heading ``### Words``.

    Raises
    ------
    AuthorError
        If there is no such list, or an item is not ``- **term**: meaning.``
    """
    for cell in sources.read(path).cells:
        _, heading, below = cell.source.partition(f"{HEADING}\n")
        if cell.kind != "markdown" or not heading:
            continue
        items = re.split(r"^#+ ", below, maxsplit=1, flags=re.M)[0]
        for item in re.split(r"\n(?=- )", items.strip()):
            found = _ENTRY.fullmatch(re.sub(r"\s+", " ", item.strip()))
            if not found:
                raise AuthorError(f"{path}:{cell.line}: {item[:60]!r} under {HEADING} is not '- **term**: meaning.'")
            yield Word(found[1], found[2], chapter)
        return
    raise AuthorError(f"{path}:1: the chapter lists no words; give its last cell a heading {HEADING!r} with a list.")


def page(words: list[Word]) -> list[str]:
    """Return the words in alphabetical order as lines in Markdown, each with a link to its chapter.

    Raises
    ------
    AuthorError
        If a term is explained twice.
    """
    lines: dict[str, str] = {}
    for word in words:
        link = f"[{word.chapter.number}]({word.chapter.name}/{word.chapter.name}.ipynb)"
        for term, text in [
            (word.term, f"{word.meaning} {link}"),
            *((other, f"see **{word.term}**. {link}") for other in word.others),
        ]:
            if term.lower() in lines:
                raise AuthorError(f"{word.chapter.name}: {term!r} is explained twice; keep one of the two.")
            lines[term.lower()] = f"- **{term}**: {text}"
    return [lines[term] for term in sorted(lines, key=lambda term: (term.strip("$"), term))]


def filled(root: Path) -> dict[Path, str]:
    """Return the text that the source of the glossary page should have.

    Parameters
    ----------
    root : pathlib.Path
        The checkout.

    Raises
    ------
    AuthorError
        As `words_of` and `page`, or if the page has not the two markers between which the words stand.
    """
    words = [word for one in CHAPTERS for word in words_of(root / "solutions" / f"{one.name}.py", one)]
    return {root / PAGE: refilled(root / PAGE, "# ", BEGIN, END, page(words))}
