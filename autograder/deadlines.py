"""Dates with a time zone, read by the standards or refused; what lateness costs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_tz

from autograder.errors import ClassroomError

_EXAMPLE = '"2026-12-01 23:59 Europe/Vienna" (or "+01:00" or "UTC" instead of the place)'
_DAY, _CLOCK = r"(\d{4})-(\d{2})-(\d{2})", r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
_DATE = re.compile(rf"{_DAY}(?:(?:[Tt]|[ ]+){_CLOCK})?\s*([A-Za-z+-]\S*)?", re.ASCII)
_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})[Tt](\d{2})(\d{2})(\d{2})()(Z|z|[+-]\d{2}(?::?\d{2})?)", re.ASCII)
_RFC_2822 = re.compile(
    r"(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun),\s*)?\d{1,2}\s+[A-Za-z]{3}\s+\d{4}\s+\d{2}:\d{2}(?::\d{2})?\s+"
    r"([+-]\d{4}|UT|UTC|GMT|Z)",
    re.IGNORECASE | re.ASCII,
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class NoDate(ValueError):
    """A text that cannot be read as one moment; why stands in it."""


def parse_due(text: str) -> datetime:
    """Read a due date and return it in UTC, without a time zone, as nbgrader keeps it.

    Parameters
    ----------
    text : str
        ``YYYY-MM-DD HH:MM[:SS] ZONE``; the zone is a place (``Europe/Vienna``), ``UTC`` or an offset (``+01:00``).
        Without a time of day it is the day's last second. An hour that occurs twice (when clocks go back) is the
        later one.

    Raises
    ------
    ClassroomError
        If it cannot be read, has no zone, or does not exist there (when clocks go forward).
    """
    try:
        match = _DATE.fullmatch(text.strip())
        if not match:
            raise NoDate("cannot be read")
        local, zone = _local(match, "23:59:59")
        if not zone:
            raise NoDate("has no time zone")
        return _utc(local, _zone(zone), zone, fold=1)
    except NoDate as error:
        raise ClassroomError(f"The due date {text!r} {error}. Write it like this: {_EXAMPLE}.") from error


def parse_timestamp(text: str) -> tuple[datetime, str]:
    """Read when something was handed in.

    Parameters
    ----------
    text : str
        A date of ISO 8601 or RFC 3339 with a time of day; with a place or ``UTC`` instead of the offset, as nbgrader's
        exchange writes it; or one of RFC 2822. Without a zone it is UTC, as nbgrader's ``zip_collect`` means it.

    Returns
    -------
    datetime, str
        The moment in UTC, without a time zone, as nbgrader keeps it; and a sentence where there is something to say.

    Raises
    ------
    NoDate
        If it is anything else: nothing is guessed.
    """
    text = text.lstrip("\ufeff").strip()
    if _RFC_2822.fullmatch(text):
        return _of_mail(text), ""
    match = _BASIC.fullmatch(text) or _DATE.fullmatch(text)
    if not match:
        raise NoDate("is not a date of ISO 8601, RFC 3339 or RFC 2822")
    local, name = _local(match, "")
    if not name:
        return local, "Its timestamp.txt names no time zone: it is read as UTC, as nbgrader does."
    zone = _zone(name)
    first, last = (_utc(local, zone, name, fold) for fold in (0, 1))
    twice = f"Its timestamp.txt names an hour that occurs twice in {name}: the earlier one counts."
    return first, twice if first != last else ""


def _local(match: re.Match, clock: str) -> tuple[datetime, str]:
    """Return the date of a match as it is written, and its zone's name or ""."""
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if hour is None:
        if not clock:
            raise NoDate("has no time of day")
        hour, minute, second = clock.split(":")
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro)
    except ValueError as error:
        raise NoDate(f"is no date ({error})") from error
    return local, (zone or "").strip()


def _of_mail(text: str) -> datetime:
    parts = parsedate_tz(text)
    if parts is None:
        raise NoDate("is not a date of RFC 2822")
    try:
        local = datetime(*parts[:6])
        utc = local - timedelta(seconds=parts[9] or 0)
    except (ValueError, OverflowError) as error:
        raise NoDate(f"is no date ({error})") from error
    if abs(parts[9] or 0) >= 86400:
        raise NoDate("has an offset of a day or more")
    weekday = text[:3].lower()
    if weekday in _WEEKDAYS and _WEEKDAYS.index(weekday) != local.weekday():
        raise NoDate(f"names a weekday that {local:%Y-%m-%d} is not")
    return utc


def _utc(local: datetime, zone: tzinfo, name: str, fold: int) -> datetime:
    there = local.replace(tzinfo=zone, fold=fold)
    try:
        utc = there.astimezone(UTC)
        back = utc.astimezone(zone).replace(tzinfo=None)
    except OverflowError as error:
        raise NoDate("is not a date of our time") from error
    if back != local:
        raise NoDate(f"does not exist in {name}: the clocks go forward then")
    return utc.replace(tzinfo=None)


def _zone(name: str) -> tzinfo:
    """Return a zone by its offset, as UTC, or by its place; abbreviations mean several zones each."""
    from zoneinfo import ZoneInfo

    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    offset = re.fullmatch(r"([+-])(\d{2})(?::?(\d{2}))?", name)
    if offset:
        hours, minutes = int(offset[2]), int(offset[3] or 0)
        if hours > 23 or minutes > 59:
            raise NoDate(f"cannot be read. There is no offset {name}")
        span = timedelta(hours=hours, minutes=minutes)
        return timezone(-span if offset[1] == "-" else span)
    if "/" not in name:
        raise NoDate(
            f"cannot be read. The time zone {name!r} can mean several: name a place (Europe/Vienna) or an offset"
        )
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise NoDate(f"cannot be read. The time zone {name!r} is not known") from error


def read_policy(table: object) -> dict[str, float]:
    """Read the table ``[late]`` of ``classroom.toml``.

    Raises
    ------
    ClassroomError
        If it holds anything else than numbers that make sense.
    """
    most = {"percent_per_day": 100.0, "most_percent": 100.0, "grace_minutes": 60.0 * 24 * 365}
    if not isinstance(table, dict):
        raise ClassroomError("In classroom.toml, [late] should be a table: percent_per_day = 10")
    for name, value in table.items():
        if name not in most:
            raise ClassroomError(f"In classroom.toml, [late] has {name!r}; it may hold {', '.join(most)}.")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most[name]:
            raise ClassroomError(
                f"In classroom.toml, {name} is {value!r}; it should be a number from 0 to {most[name]:g}."
            )
    return {name: float(value) for name, value in table.items()}
