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
    """

    kind: str
    value: Any = None
    error: str = ""
    message: str = ""
    where: str = ""
    changed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    printed: str = ""

    def to_tree(self) -> dict:
        return asdict(self)

    @classmethod
    def from_tree(cls, tree: Any) -> Outcome:
        """Read an outcome; whatever does not look like one becomes "crashed"."""
        known = set(cls.__dataclass_fields__)
        if not isinstance(tree, dict) or tree.get("kind") not in KINDS or set(tree) - known:
            return cls("crashed", message="its answer came back damaged")
        texts = {k: str(tree.get(k, "")) for k in ("error", "message", "where", "printed")}
        lists = {k: [str(v) for v in tree.get(k) or []] for k in ("changed", "warnings")}
        return cls(tree["kind"], tree.get("value"), **texts, **lists)
