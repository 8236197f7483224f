"""Text from a stranger, made fit to be written to a file and to be printed to a terminal."""

from __future__ import annotations

import re

#: Control characters of both kinds (C0 without newline and tab, C1), and those that turn the direction of reading around.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def well_formed(text: str) -> str:
    """Return a text that can be written as UTF-8: half an emoji (a lone surrogate) becomes U+FFFD.

    Two halves that belong together become one character.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def printable(text: object) -> str:
    """Return a text that does nothing to a terminal but show letters.

    Parameters
    ----------
    text : object
        Names of files, notes, errors: anything of which a part may be a student's. It is taken as ``str(text)``.

    Returns
    -------
    str
        Control characters and those that turn the reading direction around are shown as U+FFFD; an escape code is thus
        visible and has no effect. Newlines and tabs stay.
    """
    return _CONTROL.sub("\ufffd", well_formed(str(text)))


def table_cell(text: object) -> str:
    """Return a text as a cell of one of rich's tables: `printable`, and nothing in it is taken for markup."""
    from rich.markup import escape

    return escape(printable(text))


def spreadsheet_cell(value: object) -> object:
    """Return a value as a cell of a CSV file: a text is `printable`, and no spreadsheet takes it for a formula."""
    if not isinstance(value, str):
        return value
    shown = printable(value)
    # A formula may hide behind blanks; blanks alone are none, and Canvas knows its "    Points Possible" by them.
    return f"'{shown}" if re.match(r"\s*([=+@]|-(?!\d*\.?\d*$))|[\t\r\n]", shown) else shown
