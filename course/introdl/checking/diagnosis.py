"""Which known mistakes, and which slips, explain an answer's failing cases. A wrong name is worse than none.

A mistake that agrees with every case is named. One that agrees with a part is named where chance cannot do that, where it
explains more than any other, and where the cases that are right do not speak against it. What no known mistake explains may be
two at once (`introdl.checking.composition`) or a slip that every exercise knows (`introdl.checking.slips`).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from introdl.checking import composition, slips
from introdl.checking.outcome import Outcome
from introdl.checking.probes import Wrong
from introdl.checking.readings import compared, read, weighed
from introdl.checking.sheets import Entry, SheetCase, SheetMisconception
from introdl.checking.slips import Context
from introdl.checking.verdict import CaseVerdict, Diagnosis

#: So many bits a match must hold, so that chance gives it once in some hundred tries.
_ENOUGH = 8.0
_BITS_OF_A_FLOAT = 20.0


def alike(entry: Entry, case: SheetCase, outcome: Outcome, known: Outcome) -> bool:
    """Whether an outcome is what a known mistake gives."""
    if not _of_one_kind(entry, case, outcome, known):
        return False
    if outcome.kind != "returned":
        return True
    given, _ = weighed(entry, read(entry, case, outcome.value), deepcopy(case.expected))
    return _same_value(entry, given, _mistaken(entry, case, known))


def _of_one_kind(entry: Entry, case: SheetCase, outcome: Outcome, known: Outcome) -> bool:
    """Whether all but the value is what a known mistake gives: what was raised, changed or warned of."""
    if outcome.kind != known.kind:
        return False
    if outcome.kind == "raised":
        both = [slips.family(Context(entry, case, one)) for one in (outcome, known)]
        return outcome.error == known.error and both[0] == both[1]
    if outcome.kind != "returned":
        return True
    if set(outcome.changed) != set(known.changed):
        return False
    return not entry.quiet or bool(outcome.warnings) == bool(known.warnings)


def _mistaken(entry: Entry, case: SheetCase, known: Outcome) -> Any:
    return weighed(entry, read(entry, case, known.value), deepcopy(case.expected))[0]


def _same_value(entry: Entry, given: Any, mistaken: Any) -> bool:
    if isinstance(mistaken, Wrong):
        return isinstance(given, Wrong) and given == mistaken
    return compared(given, mistaken, entry.rtol) is None


@dataclass(frozen=True)
class _Fit:
    """How a known mistake fits an answer.

    `explained` are failing cases that came out as it would have them; `against` how many cases are right where it would have
    them wrong; `bits` how little chance there is in that.
    """

    mistake: SheetMisconception
    explained: list[int]
    against: int
    whole: bool
    bits: float


class _Values:
    """What known mistakes give in an exercise's cases, read once."""

    def __init__(self, entry: Entry, cases: Sequence[CaseVerdict]):
        self.entry, self.cases = entry, cases
        self._kept: dict[tuple[int, int], Any] = {}

    def of(self, number: int, index: int) -> Any:
        """Return what a mistake's outcome is compared by; only where it returned."""
        if (number, index) not in self._kept:
            known = self.entry.misconceptions[number].outcomes[index]
            assert known is not None
            self._kept[number, index] = _mistaken(self.entry, self.entry.cases[index], known)
        return self._kept[number, index]

    def alike(self, number: int, index: int, known: Outcome) -> bool:
        """Whether a case came out as a mistake would have it."""
        outcome = self.cases[index].outcome
        if not _of_one_kind(self.entry, self.entry.cases[index], outcome, known):
            return False
        return outcome.kind != "returned" or _same_value(self.entry, self.cases[index].given, self.of(number, index))

    def is_wrong(self, number: int, index: int, known: Outcome) -> bool:
        """Whether a mistake would fail a case."""
        if known.kind != "returned" or known.changed or (self.entry.quiet and known.warnings):
            return True
        return not _same_value(self.entry, self.of(number, index), self.cases[index].expected)


def _fit(values: _Values, number: int, failing: set[int]) -> _Fit:
    mistake, explained, against, whole, bits = values.entry.misconceptions[number], [], 0, True, 0.0
    for index, known in enumerate(mistake.outcomes):
        case = values.cases[index]
        if known is None or case.outcome.kind == "not run":
            continue
        if not values.alike(number, index, known):
            whole = False
            against += case.passed and values.is_wrong(number, index, known)
        elif index in failing:
            explained.append(index)
            bits += information(case)
    return _Fit(mistake, explained, against, whole, bits)


def information(case: CaseVerdict) -> float:
    """Return how many bits it takes to hit a wrong result by chance, where it is known that it is wrong.

    0 and 1 are what many mistakes give, and so is not-a-number; of two labels the other one is the only wrong one. Shares and
    other floats are hardly hit by chance.
    """
    if case.outcome.kind != "returned":
        return 2.0
    if case.difference is None:  # the value is right; what is wrong is what was changed, or a warning
        return _ENOUGH
    return min(_bits(case.given, case.expected), 3 * _BITS_OF_A_FLOAT)


def _bits(given: Any, expected: Any) -> float:
    if isinstance(expected, dict) and isinstance(given, dict):
        return sum(_bits(given[key], expected[key]) for key in expected if key in given)
    if isinstance(expected, (tuple, list)) and isinstance(given, (tuple, list)) and len(given) == len(expected):
        return sum(map(_bits, given, expected))
    if isinstance(expected, str) or isinstance(given, Wrong):
        return _ENOUGH / 2
    if given is None:
        return 1.0
    try:
        g, e = np.asarray(given, dtype=float), np.asarray(expected, dtype=float)
    except (TypeError, ValueError):
        return 1.0
    wrong = ~np.isclose(g, e, equal_nan=True) if g.shape == e.shape else np.ones(g.shape, dtype=bool)
    if not wrong.any():
        return 0.0
    cheap = ~np.isfinite(g) | np.isin(g, (0.0, 1.0, -1.0))
    whole = np.isfinite(g) & (g == np.round(g))
    known = np.concatenate([g.ravel(), e.ravel()])
    known = known[np.isfinite(known)]
    span = float(known.max() - known.min()) + 1 if g.size > 1 else float(np.abs(known).max()) + 1
    of_whole = np.log2(max(min(span, 2.0**_BITS_OF_A_FLOAT) - 1, 1.0))
    each = np.where(cheap, min(1.0, of_whole), np.where(whole, of_whole, _BITS_OF_A_FLOAT / (1 if g.size > 1 else 2)))
    return float(each[wrong].sum())


def diagnose(entry: Entry, cases: list[CaseVerdict], code: str = "") -> list[Diagnosis]:
    """Name the known mistakes and the slips that explain the failing cases.

    Parameters
    ----------
    entry : Entry
    cases : list of CaseVerdict
        Judged, one for each of the entry's.
    code : str, optional
        The source of the learner's answer, where it is at hand.

    Returns
    -------
    list of Diagnosis
        The one that explains most comes first; a later one is there only for cases not explained before it.
    """
    failing = {i for i, case in enumerate(cases) if not case.passed and case.outcome.kind != "not run"}
    values = _Values(entry, cases)
    fits = [_fit(values, number, failing) for number in range(len(entry.misconceptions))]
    told = _whole(fits, failing)
    left = failing - {i for one in told for i in one.cases}
    slips_shown = _slips(entry, cases, sorted(left), code) if left and not told and entry.probe != "answers" else []
    if slips_shown and slips_shown[0].whole:  # what all failing cases show is a fact
        return slips_shown
    if left and not told:
        told = _pair(entry, values, failing)
        left = failing - {i for one in told for i in one.cases}
    if left and not told:
        told = _partly(fits, cases, failing)
        left = failing - {i for one in told for i in one.cases}
    if left and entry.probe != "answers":
        told += _slips(entry, cases, sorted(left), code)
    return told


def is_known(entry: Entry, number: int, outcome: Outcome) -> bool:
    """Whether an outcome of a case, by its number, is what a known mistake gives."""
    case = entry.cases[number]
    return any(
        one.outcomes[number] is not None and alike(entry, case, outcome, _known(one.outcomes[number]))
        for one in entry.misconceptions
    )


def _whole(fits: list[_Fit], failing: set[int]) -> list[Diagnosis]:
    """Return mistakes that agree with every case."""
    open_cases, told = set(failing), []
    for fit in sorted((one for one in fits if one.whole and one.explained), key=lambda one: -len(one.explained)):
        if open_cases & set(fit.explained):
            told.append(Diagnosis(fit.mistake.name, fit.mistake.explanation, fit.explained, True))
            open_cases -= set(fit.explained)
    return told


def _partly(fits: list[_Fit], cases: list[CaseVerdict], failing: set[int]) -> list[Diagnosis]:
    """Return the mistake that explains a part of the failing cases, where it is neither chance nor one of several."""
    returned = [i for i in failing if cases[i].outcome.kind == "returned"]
    found = []
    for fit in fits:
        explained = [i for i in fit.explained if i in returned]
        enough = 3 * len(explained) >= len(returned) and fit.bits >= _ENOUGH and len(explained) >= fit.against
        if explained and enough:
            found.append(((len(explained), -fit.against), fit, explained))
    if not found:
        return []
    best = max(key for key, _, _ in found)
    first, *others = [(fit, explained) for key, fit, explained in found if key == best]
    if others:
        return []
    fit, explained = first
    return [Diagnosis(fit.mistake.name, fit.mistake.explanation, explained, False)]


def _pair(entry: Entry, values: _Values, failing: set[int]) -> list[Diagnosis]:
    """Return two known mistakes that, made together, give what came in every case; none where several pairs would."""
    cases = values.cases
    if any(case.outcome.kind != "returned" or case.outcome.changed for case in cases):
        return []
    usable = [
        number
        for number, mistake in enumerate(entry.misconceptions)
        if all(one is not None and one.kind == "returned" and not one.changed for one in mistake.outcomes)
    ]
    found = composition.pairs(
        [case.given for case in cases],
        [case.expected for case in cases],
        {number: [values.of(number, index) for index in range(len(cases))] for number in usable},
        entry.rtol,
    )
    if len(found) != 1 or sum(information(cases[i]) for i in failing) < 2 * _ENOUGH:
        return []
    return [
        Diagnosis(
            entry.misconceptions[number].name,
            entry.misconceptions[number].explanation,
            [
                i
                for i in sorted(failing)
                if values.is_wrong(number, i, _known(entry.misconceptions[number].outcomes[i]))
            ],
            False,
        )
        for number in found[0]
    ]


def _known(outcome: Outcome | None) -> Outcome:
    assert outcome is not None
    return outcome


def _slips(entry: Entry, cases: list[CaseVerdict], left: list[int], code: str) -> list[Diagnosis]:
    """Return the slip that most cases show which are not explained yet: at least half of them."""
    contexts = {
        i: Context(entry, entry.cases[i], cases[i].outcome, cases[i].expected, cases[i].given, code) for i in left
    }
    found: dict[str, Diagnosis] = {}
    for index, context in contexts.items():
        slip = slips.raised(context)
        if slip is not None:
            one = found.setdefault(slip.name, Diagnosis(slip.name, slip.explanation, [], False, slip.detail, False))
            one.cases.append(index)
    wrong = [i for i in left if cases[i].outcome.kind == "returned" and cases[i].difference is not None]
    for slip, places in slips.returned([contexts[i] for i in wrong]):
        found[slip.name] = Diagnosis(slip.name, slip.explanation, [wrong[i] for i in places], False, slip.detail, False)
    for one in found.values():
        one.whole = one.cases == left and len(left) == sum(not case.passed for case in cases)
    return [one for one in sorted(found.values(), key=lambda one: -len(one.cases)) if 2 * len(one.cases) >= len(left)][
        :1
    ]
