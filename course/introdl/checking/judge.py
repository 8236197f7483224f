"""The verdict: outcomes against an entry of an answer sheet."""

from __future__ import annotations

import builtins
import re
from copy import deepcopy

from introdl.checking.compare import none_here
from introdl.checking.diagnosis import diagnose
from introdl.checking.outcome import Outcome
from introdl.checking.probes import PROBES, Wrong
from introdl.checking.readings import compared, read, weighed
from introdl.checking.sheets import Entry, SheetCase
from introdl.checking.slips import may_be_none
from introdl.checking.verdict import FAILED, NOT_STARTED, PASSED, CaseVerdict, Diagnosis, Verdict
from introdl.wording import listed

__all__ = ["EXCEPTIONS", "FAILED", "NOT_STARTED", "PASSED", "CaseVerdict", "Diagnosis", "Verdict", "judge"]

#: Exceptions whose names are told of hidden cases; the name of a class of a learner's own could tell their inputs.
EXCEPTIONS = {n for n, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, BaseException)}
EXCEPTIONS |= {"LinAlgError", "AxisError", "UFuncTypeError", "OutOfMemoryError"}


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
        sentence = forbidden(entry, outcome.message)
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
            sentence = f"{name} raised {outcome.error}{text}{where}."
            blind = f"{name} raised {outcome.error if outcome.error in EXCEPTIONS else 'an exception of its own'}."
    return sentence, blind or sentence


def forbidden(entry: Entry, called: str) -> str:
    """Say that an answer calls what it may not."""
    name = entry.names[0] if len(entry.names) == 1 else "your answer"
    # A person knows scipy.special._logsumexp.softmax without its third part; <module> is what an import runs.
    called = re.sub(r"\._\w+(?=\.)|\.<module>$", "", called)
    if called.startswith("torch.") and "torch.*" in entry.forbidden:
        return f"{name} calls {called}, but this exercise is to be written with NumPy: torch is not on its menu."
    return f"{name} calls {called}, which this exercise asks you to write yourself."


def _judge_case(entry: Entry, case: SheetCase, outcome: Outcome) -> CaseVerdict:
    expected = deepcopy(case.expected)
    told = list(PROBES[entry.probe].told(dict(case.inputs)).items())
    verdict = CaseVerdict(case.label, case.weight, outcome, inputs=told, expected=expected)
    if outcome.kind != "returned":
        _, verdict.expected = weighed(entry, Wrong("nothing came"), expected)
        verdict.sentence, verdict.blind = _sentence(entry, outcome)
        return verdict
    verdict.given, verdict.expected = weighed(entry, read(entry, case, outcome.value), expected)
    difference = compared(verdict.given, verdict.expected, entry.rtol)
    if difference is not None and outcome.value is None and may_be_none(entry):
        difference = none_here(verdict.expected)
    if difference is not None:
        verdict.difference = difference
        verdict.sentence, verdict.blind = difference.sentence, difference.blind
        if PROBES[entry.probe].secret and difference.kind == "value":
            verdict.sentence = verdict.blind = f"{verdict.given!r} is not right."
    elif outcome.changed:
        names = listed([PROBES[entry.probe].called.get(one, one) for one in outcome.changed])
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


def judged(entry: Entry, outcomes: list[Outcome]) -> list[CaseVerdict]:
    """Compare every case's outcome with the sheet, and name no mistake."""
    return [_judge_case(entry, case, outcome) for case, outcome in zip(entry.cases, outcomes, strict=True)]


def is_right(entry: Entry, number: int, outcome: Outcome) -> bool:
    """Whether an outcome of a case, by its number, is right."""
    return _judge_case(entry, entry.cases[number], outcome).passed


def judge(entry: Entry, outcomes: list[Outcome], code: str = "") -> Verdict:
    """Compare every case's outcome with the sheet.

    Parameters
    ----------
    entry : Entry
        The exercise: visible cases in the notebook, hidden ones when grading.
    outcomes : list of Outcome
        One for each case.
    code : str, optional
        The source of the learner's answer, where it is at hand: it tells some slips from others.

    Returns
    -------
    Verdict
        Points are earned case by case, in proportion to their weights.
    """
    cases = judged(entry, outcomes)
    weight = sum(case.weight for case in cases)
    share = sum(case.weight for case in cases if case.passed) / weight
    if all(case.passed for case in cases):
        status = PASSED
    elif _untouched(entry, outcomes):
        status = NOT_STARTED
    else:
        status = FAILED
    diagnoses = diagnose(entry, cases, code) if status == FAILED else []
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
