"""Due dates with a time zone, extensions, and what lateness costs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from autograder.errors import ClassroomError

_EXAMPLE = '"2026-12-01 23:59 Europe/Vienna", or "+01:00" or "UTC" in the place\'s stead'


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
    match = re.fullmatch(r"\s*(\d{4}-\d{2}-\d{2})(?:[T ]\s*(\d{1,2}:\d{2}(?::\d{2})?))?\s*([A-Za-z+-].*)?", text)
    if not match:
        raise ClassroomError(f"The due date {text!r} cannot be read. Write it so: {_EXAMPLE}.")
    day, clock, zone = match[1], match[2] or "23:59:59", (match[3] or "").strip()
    if not zone:
        raise ClassroomError(f"The due date {text!r} has no time zone. Write it so: {_EXAMPLE}.")
    if clock.count(":") == 1:
        clock += ":00"
    try:
        local = datetime.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S")
    except ValueError as error:
        raise ClassroomError(f"The due date {text!r} is no date ({error}). Write it so: {_EXAMPLE}.") from error
    there = local.replace(tzinfo=_zone(zone), fold=1)
    utc = there.astimezone(UTC)
    if utc.astimezone(there.tzinfo).replace(tzinfo=None) != local:
        raise ClassroomError(f"{local:%Y-%m-%d %H:%M} does not exist in {zone}: the clocks go forward then.")
    return utc.replace(tzinfo=None)


def _zone(name: str):
    from zoneinfo import ZoneInfo

    if name.upper() in ("UTC", "Z"):
        return UTC
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", name)
    if offset:
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-span if offset[1] == "-" else span)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ClassroomError(f"The time zone {name!r} is not known. Write it so: {_EXAMPLE}.") from error


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
