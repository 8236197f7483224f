"""What is compared: a result as its exercise reads it, beside what was expected."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from introdl.checking.compare import Difference, compare
from introdl.checking.packing import Other
from introdl.checking.probes import PROBES
from introdl.checking.sheets import Entry, SheetCase


def read(entry: Entry, case: SheetCase, value: Any) -> Any:
    """Turn a result into what is compared; reading gets copies, so that it can be done again."""
    try:
        return PROBES[entry.probe].read(deepcopy(value), [deepcopy(each) for _, each in case.inputs])
    except Exception:  # the value is a stranger's: whatever reading it does, it is a wrong answer
        return Other("result that cannot be read")


def weighed(entry: Entry, given: Any, expected: Any) -> tuple[Any, Any]:
    """What is compared in the place of a result and of what was expected; for most probes, these themselves."""
    weigh = PROBES[entry.probe].weigh
    if weigh is None:
        return given, expected
    try:
        return weigh(given, expected)
    except Exception:  # as in `read`
        return Other("result that cannot be read"), expected


def compared(given: Any, expected: Any, rtol: float) -> Difference | None:
    """Compare what was read and weighed."""
    try:
        return compare(given, expected, rtol)
    except Exception:  # as in `read`
        sentence = "The result cannot be compared with what is right."
        return Difference("unreadable", sentence, sentence)
