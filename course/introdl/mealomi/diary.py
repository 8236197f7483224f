"""The diary: what was eaten, in an SQLite file in the learner's own folder. It outlives the kernel."""

from __future__ import annotations

import contextlib
import csv
import io
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from introdl import paths
from introdl.mealomi.nutrition import NUTRIENTS, looked_at, nutrients, per_100g

#: Written into the file's header, so that a file of another program is told apart: "Meal" in ASCII.
_APPLICATION = 0x4D65616C
_FORM = 1
_SCHEMA = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    eaten_at TEXT NOT NULL,             -- local time, as in 2026-11-24T12:30:00
    dish TEXT NOT NULL,
    grams REAL NOT NULL CHECK (grams > 0),
    liked INTEGER NOT NULL DEFAULT 0 CHECK (liked IN (0, 1)),
    photo TEXT NOT NULL DEFAULT '',     -- which picture: a name or a checksum, never the picture itself
    embedding BLOB                      -- float32, little-endian
);
CREATE INDEX entries_by_time ON entries (eaten_at);
"""


class DiaryError(RuntimeError):
    """The diary cannot be read or written; the message says why and what to do."""


@dataclass(frozen=True)
class Entry:
    """One meal.

    Attributes
    ----------
    id : int
        Its number in the diary.
    eaten_at : datetime.datetime
        When, in local time.
    dish : str
        A dish of the nutrition table.
    grams : float
        The portion.
    liked : bool
        Whether it is a favorite: recommendations start from these.
    photo : str
        Which picture it was seen on (a name or a checksum), or "". Pictures are not kept.
    embedding : numpy.ndarray or None
        float32, (D,): what the network made of the picture.
    """

    id: int
    eaten_at: datetime
    dish: str
    grams: float
    liked: bool = False
    photo: str = ""
    embedding: np.ndarray | None = field(default=None, compare=False)

    @property
    def nutrients(self) -> dict[str, float]:
        """Energy and nutrients of the portion; see `introdl.mealomi.nutrients`."""
        return nutrients(self.dish, self.grams)


class Diary:
    """Meals by date and time.

    Each call opens the file, does one thing whole or not at all, and closes it: two notebooks may share a diary.

    Parameters
    ----------
    path : path, optional
        The file; it is made at the first meal. By default ``mealomi.sqlite`` in the learner's own folder.
    patience : float
        How long to wait, in seconds, while another program writes.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> diary = Diary(pathlib.Path(tempfile.mkdtemp()) / "diary.sqlite")
    >>> entry = diary.add("apple", 150, when=datetime(2026, 11, 24, 10, 30))
    >>> round(diary.day(date(2026, 11, 24))["kcal"])
    78
    """

    def __init__(self, path: str | Path | None = None, patience: float = 2.0):
        self.path = Path(path).expanduser() if path is not None else paths.home() / "mealomi.sqlite"
        self._patience = patience

    # --- write ----------------------------------------------------------------------------------------------------

    def add(
        self,
        dish: str,
        grams: float,
        when: datetime | None = None,
        liked: bool = False,
        photo: str = "",
        embedding: np.ndarray | None = None,
    ) -> Entry:
        """Write a meal down, and return it with its number.

        Parameters
        ----------
        dish : str
            A dish of the nutrition table.
        grams : float
            The portion, over 0.
        when : datetime.datetime, optional
            Local time without a zone; by default now.
        liked, photo, embedding
            See `Entry`.

        Raises
        ------
        ValueError
            Where the dish, the grams or the time cannot be.
        DiaryError
            Where the file cannot be written.
        """
        per_100g(dish)
        packed = None if embedding is None else np.asarray(embedding, "<f4").reshape(-1).tobytes()
        values = (_time(when or datetime.now()), dish, looked_at(grams), int(bool(liked)), str(photo), packed)
        with self._open(write=True) as file:
            columns = "eaten_at, dish, grams, liked, photo, embedding"
            number = file.execute(f"INSERT INTO entries ({columns}) VALUES (?, ?, ?, ?, ?, ?)", values).lastrowid
            return _entry(file.execute(f"SELECT {_COLUMNS} FROM entries WHERE id = ?", (number,)).fetchone())

    def correct(
        self,
        number: int,
        *,
        dish: str | None = None,
        grams: float | None = None,
        when: datetime | None = None,
        liked: bool | None = None,
    ) -> Entry:
        """Change a meal; what is not given stays. Return it as it is then.

        Raises
        ------
        KeyError
            Where there is no such number.
        ValueError, DiaryError
            As for `add`.
        """
        changes: dict[str, object] = {}
        if dish is not None:
            per_100g(dish)
            changes["dish"] = dish
        if grams is not None:
            changes["grams"] = looked_at(grams)
        if when is not None:
            changes["eaten_at"] = _time(when)
        if liked is not None:
            changes["liked"] = int(bool(liked))
        with self._open(write=bool(changes)) as file:
            if changes and file is not None:
                assigned = ", ".join(f"{name} = ?" for name in changes)
                file.execute(f"UPDATE entries SET {assigned} WHERE id = ?", (*changes.values(), int(number)))
            row = file and file.execute(f"SELECT {_COLUMNS} FROM entries WHERE id = ?", (int(number),)).fetchone()
            if not row:
                raise KeyError(f"The diary has no entry {number}.")
            return _entry(row)

    def delete(self, number: int) -> None:
        """Take a meal out.

        Raises
        ------
        KeyError
            Where there is no such number.
        """
        with self._open(write=True) as file:
            if not file.execute("DELETE FROM entries WHERE id = ?", (int(number),)).rowcount:
                raise KeyError(f"The diary has no entry {number}.")

    # --- read -----------------------------------------------------------------------------------------------------

    def entries(self, since: date | None = None, until: date | None = None) -> list[Entry]:
        """Return the meals from the day `since` to the day `until`, both with; the earliest first."""
        low = _midnight(since) if since else ""
        high = _midnight(until + timedelta(days=1)) if until else "9999"
        with self._open(write=False) as file:
            if file is None:
                return []
            order = f"SELECT {_COLUMNS} FROM entries WHERE eaten_at >= ? AND eaten_at < ? ORDER BY eaten_at, id"
            return [_entry(row) for row in file.execute(order, (low, high))]

    def day(self, day: date) -> dict[str, float]:
        """Return the sums of a day: one amount for each of `NUTRIENTS`, and ``grams``; all 0 where nothing was eaten."""
        return totals(self.entries(day, day))

    def week(self, last: date) -> dict[date, dict[str, float]]:
        """Return the sums of each of the seven days that end with `last`, by the day."""
        days = [last - timedelta(days=back) for back in range(6, -1, -1)]
        found = self.entries(days[0], last)
        return {day: totals([entry for entry in found if entry.eaten_at.date() == day]) for day in days}

    def table(self) -> bytes:
        """Return all meals as CSV (UTF-8): time, dish, grams, the amounts of `NUTRIENTS`, and whether it was liked."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["eaten_at", "dish", "grams", *NUTRIENTS, "liked"])
        for entry in self.entries():
            amounts = [f"{value:.6g}" for value in entry.nutrients.values()]
            writer.writerow([entry.eaten_at.isoformat(), entry.dish, f"{entry.grams:g}", *amounts, int(entry.liked)])
        return text.getvalue().encode()

    def export(self, path: str | Path) -> Path:
        """Write `table` to a file, whole or not at all, and return its path.

        Raises
        ------
        DiaryError
            Where it cannot be written there.
        """
        path = Path(path).expanduser()
        if path.is_dir():
            raise DiaryError(f"{path} is a folder. Name a file in it, as in {path / 'diary.csv'}.")
        try:
            paths.write_atomically(path, self.table())
        except OSError as error:
            raise DiaryError(f"The diary could not be written to {path} ({error.strerror or error}).") from error
        return path

    # --- the file -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _open(self, write: bool) -> Iterator[Any]:
        """Open the diary's connection for one thing; None where it is only read and there is none yet."""
        try:
            if not self.path.exists():
                if not write:
                    yield None
                    return
                self.path.parent.mkdir(parents=True, exist_ok=True)
            # The transaction is ours: what is done within is whole or not at all.
            file = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise self._said(error) from error
        try:
            file.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            self._look_at(file, write)
            yield file
            file.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._said(error) from error
        finally:
            file.close()  # without a commit all is as it was

    def _look_at(self, file: sqlite3.Connection, write: bool) -> None:
        """Make the table in a new file; refuse a file of another program or of a later version."""
        mark, form = (file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        if mark == _APPLICATION and form == _FORM:
            return
        if mark == _APPLICATION:
            raise DiaryError(
                f"{self.path} was written by another version of the course (form {form}; this one reads form {_FORM}). "
                "Update the course, or give the diary another path."
            )
        empty = not mark and not form and not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not empty:
            raise DiaryError(f"{self.path} is a database of another program. Give the diary another path.")
        for statement in _SCHEMA.split(";"):
            file.execute(statement)
        file.execute(f"PRAGMA application_id = {_APPLICATION}")
        file.execute(f"PRAGMA user_version = {_FORM}")

    def _said(self, error: Exception) -> DiaryError:
        words = str(error)
        if isinstance(error, sqlite3.OperationalError) and ("locked" in words or "busy" in words):
            return DiaryError(
                f"Another program is writing to {self.path}. Wait a moment and try again; close other notebooks that hold it."
            )
        if "not a database" in words or "malformed" in words:
            return DiaryError(
                f"{self.path} is damaged or is no diary ({words}). Move it away, and a new diary begins; a copy of it may "
                "still be readable with the program sqlite3 and its command .recover."
            )
        why = getattr(error, "strerror", None) or words
        return DiaryError(
            f"The diary {self.path} cannot be opened or written ({why}). Look whether the disk is full and whether you may "
            "write there; INTRODL_HOME names another folder."
        )


_COLUMNS = "id, eaten_at, dish, grams, liked, photo, embedding"


def _entry(row) -> Entry:
    number, when, dish, grams, liked, photo, packed = row
    embedding = None if packed is None else np.frombuffer(packed, "<f4").copy()
    return Entry(number, datetime.fromisoformat(when), dish, grams, bool(liked), photo, embedding)


def _time(when: datetime) -> str:
    if not isinstance(when, datetime):
        raise ValueError(f"when is {when!r}; give a datetime, as in datetime(2026, 11, 24, 12, 30).")
    if when.tzinfo is not None:
        raise ValueError("when has a time zone; give local time without one: when.astimezone().replace(tzinfo=None).")
    return when.isoformat(timespec="seconds")


def _midnight(day: date) -> str:
    return datetime(day.year, day.month, day.day).isoformat(timespec="seconds")


def totals(entries: list[Entry]) -> dict[str, float]:
    """Return the sums over meals: one amount for each of `NUTRIENTS`, and ``grams``."""
    sums = dict.fromkeys((*NUTRIENTS, "grams"), 0.0)
    for entry in entries:
        for name, amount in {**entry.nutrients, "grams": entry.grams}.items():
            sums[name] += amount
    return sums
