"""Words that several reports share: counts that agree in number, names as people write them, texts cut to what a person reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Sentences and values longer than this are cut: about half a screen.
LONGEST = 800


def counted(number: float, noun: str) -> str:
    """Return a number with its noun: ``"1 page"``, ``"2 pages"``, ``"0.5 points"``.

    Parameters
    ----------
    number : int or float
        Shown with two decimals at most.
    noun : str
        In the singular; its plural must be made with an "s".
    """
    shown = f"{number:.2f}".rstrip("0").rstrip(".") if isinstance(number, float) else str(number)
    return f"{shown} {noun}" if number == 1 else f"{shown} {noun}s"


def listed(names: Sequence[str]) -> str:
    """Write names as people list them: ``""``, ``"x"``, ``"x and y"``, ``"x, y and z"``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def first_few(names: Sequence[str], most: int = 5) -> str:
    """Write the first names of many, and how many more there are: ``"x, y and 3 more"``."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def with_article(noun: str) -> str:
    """Return a noun with its article: ``"an array"``, ``"a list"``."""
    return f"{'an' if noun[:1].lower() in tuple('aeio') else 'a'} {noun}"


_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-_])")


def plain(text: str) -> str:
    """Take a terminal's codes for colors out of a text."""
    return _ESCAPES.sub("", text)


def spoken(name: str) -> str:
    """Write a class's name as people do: ``french_fries`` becomes ``french fries``."""
    return name.replace("_", " ")


def shortened(text: str, longest: int = LONGEST) -> str:
    """Cut a text that nobody would read to its end, and say how long it was.

    Parameters
    ----------
    text : str
    longest : int
        The most characters that are kept.

    Returns
    -------
    str
        The text itself where it is short enough.
    """
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text):,} characters in all)"
