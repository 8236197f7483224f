"""What came of driving a learner's object through one case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from introdl.checking.packing import Packed

#: Everything that can come of a case.
KINDS = (
    "returned",
    "raised",
    "not started",
    "undefined",
    "forbidden",
    "out of time",
    "out of memory",
    "crashed",
    "not run",
)

DAMAGED = "its answer came back damaged"
#: How much of each text is kept, and which fields are lists of short texts.
_TEXTS = {"error": 100, "message": 500, "where": 300, "printed": 5000}
_LISTS = ("changed", "warnings", "leaned")


@dataclass
class Outcome:
    """What came of a case.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    value : object
        The result as data (see `introdl.checking.packing`), where `kind` is ``"returned"``.
    error, message, where : str
        Exception's type, its text and the learner's line that raised it.
    changed : list of str
        Names of the inputs that the function changed in place.
    warnings : list of str
        Texts of floating-point warnings.
    printed : str
        What the function printed, the first few thousand characters.
    leaned : list of str
        When grading: names of forbidden functions that it called where they had been put away.
    """

    kind: str
    value: Any = None
    error: str = ""
    message: str = ""
    where: str = ""
    changed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    printed: str = ""
    leaned: list[str] = field(default_factory=list)

    def head(self) -> dict:
        """Return all but the value, fit for JSON."""
        head = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "value"}
        if not self.leaned:  # sheets never have it
            del head["leaned"]
        return head

    @classmethod
    def read(cls, head: Any, values: Sequence[Packed]) -> Outcome:
        """Read an outcome, which may be a stranger's; whatever does not look like one becomes "crashed".

        Parameters
        ----------
        head : object
            As `head` makes it.
        values : sequence of Packed
            The value alone.
        """
        damaged = cls("crashed", message=DAMAGED)
        if not isinstance(head, dict) or set(head) - {one.name for one in fields(cls)} or len(values) != 1:
            return damaged
        if not isinstance(head.get("kind"), str) or head["kind"] not in KINDS:
            return damaged
        if not all(isinstance(head.get(name, ""), str) for name in _TEXTS):
            return damaged
        if not all(isinstance(one, str) for name in _LISTS for one in _listed(head.get(name))):
            return damaged
        try:
            value = values[0].value()
        except Exception:  # a stranger's tree may hold anything
            return damaged
        outcome = cls(head["kind"], value)
        for name, most in _TEXTS.items():
            setattr(outcome, name, head.get(name, "")[:most])
        for name in _LISTS:
            setattr(outcome, name, [one[:200] for one in _listed(head.get(name))[:20]])
        return outcome


def _listed(value: Any) -> list:
    """Return a stranger's list; what is none holds one thing that is no text."""
    return value if isinstance(value, list) else [] if value is None else [None]
