"""Tables as CSV files, which a spreadsheet shows and never runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from autograder.plain_text import spreadsheet_cell
from introdl import paths


def write(to: Path, lines: Iterable[Iterable[object]]) -> None:
    """Write a table to a CSV file, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[spreadsheet_cell(value) for value in line] for line in lines])
    paths.write_atomically(to, text.getvalue().encode(errors="replace"))
