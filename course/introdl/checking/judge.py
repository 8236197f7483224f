"""The verdict: outcomes against an entry of an answer sheet."""

from __future__ import annotations

import builtins
import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from introdl.checking.compare import Difference, compare
from introdl.checking.outcome import Outcome
from introdl.checking.packing import Other
from introdl.checking.probes import PROBES, Wrong
from introdl.checking.sheets import Entry, SheetCase
from introdl.wording import listed

#: Exceptions whose names are told of hidden cases; the name of a class of a learner's own could tell their inputs.
EXCEPTIONS = {n for n, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, BaseException)}
EXCEPTIONS |= {"LinAlgError", "AxisError", "UFuncTypeError", "OutOfMemoryError"}

#: Texts of exceptions that beginners meet often, and what they mean.
_PLAIN = (
    (
        r"matmul: .*\(size (\d+) is different from (\d+)\)",
        "For a matrix product A @ B, A must have as many columns as B has rows; here these are {1} and {0}.",
    ),
    (
        r"could not be broadcast together",
        "Shapes are compared from their last axes on: each pair must be equal, or one of the two must be 1.",
    ),
    (
        r"truth value of an array",
        "An array has a yes or no for each entry, but if, and, or, not, min and max need a single one. "
        "np.where, np.maximum and masks work entry by entry.",
    ),
    (r"^Can't (pickle|get) local object", "Save what state_dict() returns instead of the object itself."),
    (r"^name '\w+' is not defined", "Look for a typing error, or run the cells above once more."),
)

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
    """A known mistake that explains failing cases (their indices)."""

    name: str
    explanation: str
    cases: list[int]
    whole: bool


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


def _read(entry: Entry, case: SheetCase, value: Any) -> Any:
    """Turn a result into what is compared; reading gets copies, so that it can be done again."""
    try:
        return PROBES[entry.probe].read(deepcopy(value), [deepcopy(each) for _, each in case.inputs])
    except Exception:  # the value is a stranger's: whatever reading it does, it is a wrong answer
        return Other("result that cannot be read")


def _weighed(entry: Entry, given: Any, expected: Any) -> tuple[Any, Any]:
    """What is compared in the place of a result and of what was expected; for most probes, these themselves."""
    weigh = PROBES[entry.probe].weigh
    if weigh is None:
        return given, expected
    try:
        return weigh(given, expected)
    except Exception:  # as in _read
        return Other("result that cannot be read"), expected


def _compared(given: Any, expected: Any, rtol: float) -> Difference | None:
    try:
        return compare(given, expected, rtol)
    except Exception:  # as in _read
        sentence = "The result cannot be compared with what is right."
        return Difference("unreadable", sentence, sentence)


def _in_plain_words(message: str) -> str:
    """Say what an exception's text means, where it is one that beginners meet often and cannot read."""
    for pattern, words in _PLAIN:
        if found := re.search(pattern, message):
            return f" {words.format(*found.groups())}"
    return ""


def _sentence(entry: Entry, outcome: Outcome) -> tuple[str, str]:
    """Say what is wrong with an outcome that returned nothing comparable: with and without details."""
    name = entry.names[0] if len(entry.names) == 1 else "your answer"
    where = f" ({outcome.where})" if outcome.where else ""
    blind = ""
    kind = outcome.kind
    if kind == "not started" and not _is_own(outcome.message):
        return f"It calls {outcome.message}, which is not started yet.", "It calls a function that is not started yet."
    if kind == "not started":
        sentence = f"{name} is not started yet."
        return f"{name}{outcome.message} is not started yet.", sentence
    elif kind == "undefined":
        sentence = (
            f"{outcome.message} is not defined. Its cell is missing, or stopped with an error before it got there."
        )
    elif kind == "forbidden":
        # A person knows scipy.special._logsumexp.softmax without its third part; <module> is what an import runs.
        public = re.sub(r"\._\w+(?=\.)|\.<module>$", "", outcome.message)
        sentence = f"{name} calls {public}, which this exercise asks you to write yourself."
    elif kind == "out of time" and outcome.message == "0":
        sentence = f"{name} was stopped: the cases before had left it less than a second of the time for all of them."
    elif kind == "out of time":
        tail = "and was stopped. Look for a loop that never ends."
        sentence = f"{name} had not come back after {outcome.message} s, {tail}"
        blind = f"{name} had not come back when its time was over, {tail}"
    elif kind == "out of memory":
        sentence = f"{name} asked for more memory than there is{where}. Look at the shape of what it makes."
        blind = f"{name} asked for more memory than there is. Look at the shape of what it makes."
    elif kind == "crashed":
        sentence = f"{name} brought its Python process down: {outcome.message}."
    elif kind == "not run":
        sentence = "Not run, because the time was used up before."
    else:
        text = f": {outcome.message}" if outcome.message else ""
        if outcome.error == "RecursionError":
            sentence = f"{name} calls itself without end (RecursionError){where}."
            blind = f"{name} calls itself without end (RecursionError)."
        else:
            sentence = f"{name} raised {outcome.error}{text}{where}.{_in_plain_words(outcome.message)}"
            if not where and "object is not callable" in outcome.message:  # no line of the learner's has been run
                sentence += f" Give check the function itself: {name}, not {name}(...)."
            blind = f"{name} raised {outcome.error if outcome.error in EXCEPTIONS else 'an exception of its own'}."
    return sentence, blind or sentence


def _judge_case(entry: Entry, case: SheetCase, outcome: Outcome) -> CaseVerdict:
    expected = deepcopy(case.expected)
    verdict = CaseVerdict(case.label, case.weight, outcome, inputs=case.inputs, expected=expected)
    if outcome.kind != "returned":
        _, verdict.expected = _weighed(entry, Wrong("nothing came"), expected)
        verdict.sentence, verdict.blind = _sentence(entry, outcome)
        return verdict
    verdict.given, verdict.expected = _weighed(entry, _read(entry, case, outcome.value), expected)
    difference = _compared(verdict.given, verdict.expected, entry.rtol)
    if difference is not None:
        verdict.difference = difference
        verdict.sentence, verdict.blind = difference.sentence, difference.blind
        if PROBES[entry.probe].secret and difference.kind == "value":
            verdict.sentence = verdict.blind = f"{verdict.given!r} is not right."
    elif outcome.changed:
        names = listed(outcome.changed)
        verdict.sentence = verdict.blind = (
            f"The result is right, but {entry.names[0]} changed its input {names} in place. Whoever calls it still needs "
            f"{names}: work on a copy."
        )
    elif entry.quiet and outcome.warnings:
        verdict.sentence = verdict.blind = (
            f"The result is right, but on the way NumPy warned: {outcome.warnings[0]}. Find a way that stays in range."
        )
    else:
        verdict.passed = True
    return verdict


def alike(entry: Entry, case: SheetCase, outcome: Outcome, known: Outcome) -> bool:
    """Whether an outcome is what a known mistake gives."""
    if outcome.kind != known.kind:
        return False
    if outcome.kind == "raised":
        return outcome.error == known.error
    if outcome.kind != "returned":
        return True
    if bool(outcome.changed) != bool(known.changed):
        return False
    if entry.quiet and bool(outcome.warnings) != bool(known.warnings):
        return False
    given, _ = _weighed(entry, _read(entry, case, outcome.value), deepcopy(case.expected))
    mistaken, _ = _weighed(entry, _read(entry, case, known.value), deepcopy(case.expected))
    if isinstance(mistaken, Wrong):
        return isinstance(given, Wrong) and given == mistaken
    return _compared(given, mistaken, entry.rtol) is None


def _diagnose(entry: Entry, cases: list[CaseVerdict], outcomes: list[Outcome]) -> list[Diagnosis]:
    failing = {i for i, case in enumerate(cases) if not case.passed and case.outcome.kind not in ("not run",)}
    found: list[Diagnosis] = []
    partly: list[Diagnosis] = []
    for mistake in entry.misconceptions:
        explained, whole = [], True
        for index, known in enumerate(mistake.outcomes):
            if known is None or outcomes[index].kind == "not run":
                continue
            if alike(entry, entry.cases[index], outcomes[index], known):
                if index in failing:
                    explained.append(index)
            else:
                whole = False
        if explained:
            (found if whole else partly).append(Diagnosis(mistake.name, mistake.explanation, explained, whole))
    # The mistake that explains most comes first; a later one is named only for cases not explained yet.
    open_cases, told = set(failing), []
    for diagnosis in sorted(found, key=lambda d: -len(d.cases)):
        if open_cases & set(diagnosis.cases):
            told.append(diagnosis)
            open_cases -= set(diagnosis.cases)
    # Where most is unexplained, one case that comes out like a known mistake is chance: small whole numbers often do.
    many = sum(cases[i].outcome.kind == "returned" for i in failing)
    for diagnosis in sorted(partly, key=lambda d: -len(d.cases)):
        values = [i for i in diagnosis.cases if i in open_cases and cases[i].outcome.kind == "returned"]
        if values and 3 * len(values) >= many and not told:
            told.append(Diagnosis(diagnosis.name, diagnosis.explanation, values, False))
            open_cases -= set(values)
    return told


def judge(entry: Entry, outcomes: list[Outcome]) -> Verdict:
    """Compare every case's outcome with the sheet.

    Parameters
    ----------
    entry : Entry
        The exercise: visible cases in the notebook, hidden ones when grading.
    outcomes : list of Outcome
        One for each case.

    Returns
    -------
    Verdict
        Points are earned case by case, in proportion to their weights.
    """
    cases = [_judge_case(entry, case, outcome) for case, outcome in zip(entry.cases, outcomes, strict=True)]
    weight = sum(case.weight for case in cases)
    share = sum(case.weight for case in cases if case.passed) / weight
    if all(case.passed for case in cases):
        status = PASSED
    elif _untouched(entry, outcomes):
        status = NOT_STARTED
    else:
        status = FAILED
    diagnoses = _diagnose(entry, cases, outcomes) if status == FAILED else []
    earned = entry.points if status == PASSED else round(entry.points * share, 2)
    secret = PROBES[entry.probe].secret
    return Verdict(entry.id, entry.title, entry.points, status, earned, cases, diagnoses, entry.image, secret)


def _is_own(stub: str) -> bool:
    """Whether a stub that was met is the exercise's own function, or a method of its own class."""
    return not stub or stub.startswith(".")


def _untouched(entry: Entry, outcomes: list[Outcome]) -> bool:
    if all(outcome.kind == "not started" and _is_own(outcome.message) for outcome in outcomes):
        return True
    if entry.probe != "answers":
        return False
    values = [outcome.value for outcome in outcomes if outcome.kind == "returned"]
    empty = [value is None or value is Ellipsis or (isinstance(value, str) and not value) for value in values]
    return len(values) == len(outcomes) and all(empty)
