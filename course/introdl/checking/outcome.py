"""What came of driving a learner's object through one case."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

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
        The packed result (see `introdl.checking.wire`), where `kind` is ``"returned"``.
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

    def to_tree(self) -> dict:
        tree = asdict(self)
        if not self.leaned:  # sheets never have it
            del tree["leaned"]
        return tree

    @classmethod
    def from_tree(cls, tree: Any) -> Outcome:
        """Read an outcome, which may be a stranger's; whatever does not look like one becomes "crashed"."""
        known = set(cls.__dataclass_fields__)
        damaged = not isinstance(tree, dict) or tree.get("kind") not in KINDS or bool(set(tree) - known)
        if damaged or not all(isinstance(tree.get(k) or [], list) for k in _LISTS):
            return cls("crashed", message="its answer came back damaged")
        texts = {k: str(tree.get(k, ""))[:most] for k, most in _TEXTS.items()}
        lists = {k: [str(v)[:200] for v in (tree.get(k) or [])[:20]] for k in _LISTS}
        return cls(tree["kind"], tree.get("value"), **texts, **lists)
