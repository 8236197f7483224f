"""What comes of grading a student's submission."""

from __future__ import annotations

from dataclasses import dataclass, field

GRADED, UNCHANGED, UNREADABLE, MISSING, FAILED = "graded", "unchanged", "unreadable", "missing", "failed"


@dataclass
class Result:
    """A student's result.

    Attributes
    ----------
    student : str
    state : str
        "graded", "unchanged", "unreadable", "missing" (both worth 0), or "failed": not graded, what the gradebook held
        before stands.
    score, points : float
        What the gradebook holds; lateness is taken off the score.
    note : str
        A sentence where there is something to say.
    exercises : dict of str to (float, float)
        Score and points of each exercise.
    penalty, seconds_late : float
        What lateness costs, and how late the submission is.
    open : bool
        Whether a person has to grade something.
    undated : str
        Why it is not known when it was handed in: "missing", "unreadable" (``timestamp.txt``), or "" where it is.
    """

    student: str
    state: str
    score: float = 0.0
    points: float = 0.0
    note: str = ""
    exercises: dict[str, tuple[float, float]] = field(default_factory=dict)
    penalty: float = 0.0
    seconds_late: float = 0.0
    open: bool = False
    undated: str = ""

    @property
    def needs_look(self) -> bool:
        """Whether an instructor should look at it before the grades are published (what is open is not meant)."""
        return self.state in (FAILED, UNREADABLE) or self.undated == UNREADABLE
