"""What a verdict is: one for each case, the known mistakes that explain them, and all of it together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from introdl.checking.compare import Difference
from introdl.checking.outcome import Outcome

PASSED, FAILED, NOT_STARTED = "passed", "failed", "not started"


@dataclass
class CaseVerdict:
    """One case's verdict.

    `sentence` tells what is wrong with numbers, `blind` without any number of a hidden case.
    """

    label: str
    weight: float
    outcome: Outcome
    passed: bool = False
    sentence: str = ""
    blind: str = ""
    inputs: list[tuple[str, Any]] = field(default_factory=list)
    expected: Any = None
    given: Any = None
    difference: Difference | None = None


@dataclass
class Diagnosis:
    """A known mistake, or a slip, that explains failing cases.

    Attributes
    ----------
    name, explanation : str
        In the course's own words.
    cases : list of int
        Which cases it explains.
    whole : bool
        Whether it agrees with every case, right ones included.
    detail : str
        What it looked like here, in the learner's own names and numbers: never said of hidden cases.
    known : bool
        Whether it is one of the exercise's known mistakes, and no slip of every beginner.
    """

    name: str
    explanation: str
    cases: list[int]
    whole: bool
    detail: str = ""
    known: bool = True


@dataclass
class Verdict:
    """An exercise's verdict: `status` is "passed", "failed" or "not started"; `earned` of `points`."""

    id: str
    title: str
    points: float
    status: str
    earned: float
    cases: list[CaseVerdict]
    diagnoses: list[Diagnosis]
    image: bool = False
    secret: bool = False
    #: What it calls of other exercises' that is not right: a sentence for each.
    waits: list[str] = field(default_factory=list)
    #: That it was judged with right ones in the place of what it calls and is wrong: a sentence.
    lent: str = ""

    @property
    def passed(self) -> bool:
        return self.status == PASSED
