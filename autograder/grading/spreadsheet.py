"""Tables as CSV files, which a spreadsheet shows and never runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from introdl import paths


def write(to: Path, lines: Iterable[Iterable[object]]) -> None:
    """Write a table to a CSV file, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[harmless(value) for value in line] for line in lines])
    paths.write_atomically(to, text.getvalue().encode(errors="replace"))


def harmless(value: object) -> object:
    """Put an apostrophe before what a spreadsheet would take for a formula; Moodle's "-" for "no grade" is none."""
    if not isinstance(value, str) or value == "-":
        return value
    formula = value.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return ("'" if formula else "") + value.replace("\r", " ")  # csv would leave a lone carriage return unquoted
