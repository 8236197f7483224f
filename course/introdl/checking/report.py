"""Reports: what a verdict looks like, as HTML for a notebook and as text for everybody else.

What a report says is put together once (`_told`); the templates beside this module and the functions for text only lay it
out. The templates escape whatever they are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from introdl import pages
from introdl.checking import judge, values
from introdl.checking.records import ChapterProgress
from introdl.checking.sheets import Entry
from introdl.checking.values import describe
from introdl.wording import counted, listed, shortened

#: The verdict as data, beside its HTML and text, for programs that read executed notebooks.
MIME = "application/vnd.introdl.verdict+json"

_WORD = {judge.PASSED: "Right", judge.FAILED: "Not yet", judge.NOT_STARTED: "Not started yet"}
_MARK = {judge.PASSED: "✓", judge.FAILED: "✗", judge.NOT_STARTED: "○"}


def _page(name: str, **shown: Any) -> str:
    return pages.page(__file__, name, **shown)


def _points(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _score(earned: float, points: float) -> str:
    """Write a score with one decimal at most; what is not all of it is never rounded up to that, nor something down to 0."""
    shown = _points(earned)
    if shown == _points(points) and earned < points:
        shown = _points(points - 0.1)
    if shown == "0" and earned > 0:
        shown = "0.1"
    return f"{shown} of {counted(points, 'point')}"


# --- reports ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Told:
    """What a report says in words, whatever it is written in.

    Attributes
    ----------
    status, id, title, score, mark, word : str
        The head's parts.
    nothing : str
        What to do, where the exercise is not started; else "".
    waits : list of str
        What it calls that is not right yet, and what to do first.
    cases : list of (bool, str, str)
        Whether each case passed, its label, its sentence.
    diagnoses : list of (str, str, str, str)
        Each mistake's name, the labels of its cases ("" for all that failed), its explanation, and what it looked like here.
    first : _First or None
        The first case that failed, where its inputs and its right answer may be shown.
    foot : str
    """

    status: str
    id: str
    title: str
    score: str
    mark: str
    word: str
    nothing: str
    waits: list[str]
    cases: list[tuple[bool, str, str]]
    diagnoses: list[tuple[str, str, str, str]]
    first: _First | None
    foot: str


@dataclass(frozen=True)
class _First:
    """The first difference: the case itself, and what is said about it."""

    case: judge.CaseVerdict
    label: str
    sentence: str
    printed: str


def _told(verdict: judge.Verdict, hints_left: int, note: str, blind: bool) -> _Told:
    nothing = ""
    if verdict.status == judge.NOT_STARTED:
        nothing = (
            "No answer was given."
            if blind
            else f"{_unwritten(verdict)}Write your answer in the cell above, run it, then run this cell."
        )
    return _Told(
        status=verdict.status,
        id=verdict.id,
        title=verdict.title,
        score=_score(verdict.earned, verdict.points),
        mark=_MARK[verdict.status],
        word=_WORD[verdict.status],
        nothing=nothing,
        waits=[*filter(None, [verdict.lent]), *([] if blind else verdict.waits)],
        cases=[] if nothing else _case_lines(verdict, blind),
        diagnoses=[
            (
                _named(verdict, one),
                _which(verdict, one),
                shortened(one.explanation),
                "" if blind else shortened(one.detail),
            )
            for one in verdict.diagnoses
            if not verdict.waits  # a wrong softmax may look like any mistake of what calls it
        ],
        first=_first(verdict, blind),
        foot=_foot(verdict, hints_left, note, blind),
    )


def _unwritten(verdict: judge.Verdict) -> str:
    """Name the methods of a class that are not written yet."""
    stubs = list(dict.fromkeys(case.outcome.message for case in verdict.cases if case.outcome.message.startswith(".")))
    return (
        f"Not written yet: {', '.join(one[1:] for one in stubs)}. "
        if stubs and verdict.status == judge.NOT_STARTED
        else ""
    )


def _case_lines(verdict: judge.Verdict, blind: bool) -> list[tuple[bool, str, str]]:
    """Return each case's line; a sentence is said in full only the first time."""
    said: dict[str, str] = {}
    lines = []
    for case in verdict.cases:
        sentence = case.blind if blind else case.sentence
        repeated = sentence and sentence in said
        lines.append(
            (case.passed, case.label, f"The same as in “{said[sentence]}”." if repeated else shortened(sentence))
        )
        said.setdefault(sentence, case.label)
    return lines


def _first(verdict: judge.Verdict, blind: bool) -> _First | None:
    if verdict.status != judge.FAILED or blind or verdict.secret:
        return None
    case = next((case for case in verdict.cases if not case.passed), None)
    if case is None:
        return None
    return _First(case, case.label, shortened(case.sentence), case.outcome.printed)


def _named(verdict: judge.Verdict, diagnosis: judge.Diagnosis) -> str:
    """Name a mistake as it is written: what begins with a symbol (``z taken for s``) would be another one in capitals."""
    if verdict.secret:  # of a quiz, a question and its letter
        return f"{diagnosis.name[0].upper()}{diagnosis.name[1:]}."
    return f"This looks like: {diagnosis.name}." if diagnosis.whole else f"Part of it looks like: {diagnosis.name}."


def _which(verdict: judge.Verdict, diagnosis: judge.Diagnosis) -> str:
    failing = [i for i, case in enumerate(verdict.cases) if not case.passed]
    if verdict.secret or not diagnosis.cases or diagnosis.cases == failing:
        return ""
    return "in " + listed([f"“{verdict.cases[i].label}”" for i in diagnosis.cases])


def _foot(verdict: judge.Verdict, hints_left: int, note: str, blind: bool) -> str:
    stuck = ""
    if not blind and verdict.status != judge.PASSED and hints_left:
        stuck = f'Stuck? Run hint("{verdict.id}") in a new cell: {counted(hints_left, "hint")} left.'
    return f"{stuck} {note}".strip()


def as_html(verdict: judge.Verdict, hints_left: int = 0, note: str = "", blind: bool = False) -> str:
    """Write a verdict as HTML.

    Parameters
    ----------
    verdict : introdl.checking.judge.Verdict
    hints_left : int
        Hints that have not been shown.
    note : str
        A sentence for the foot.
    blind : bool
        True for hidden cases: no input, no output, no expected number.
    """
    told = _told(verdict, hints_left, note, blind)
    first = pictured = None
    if told.first:
        case = told.first.case
        inputs = [(name, values.drawing(value)) for name, value in case.inputs]
        first = {"inputs": inputs, "result": values.result(case, verdict.image)}
        other = next((case for case in verdict.cases if not case.passed and values.is_picture(case)), None)
        if verdict.image and other is not None and other is not case:
            pictured = {"label": other.label, "result": values.result(other, True)}
    return _page("verdict", told=told, first=first, pictured=pictured)


def as_text(verdict: judge.Verdict, hints_left: int = 0, note: str = "", blind: bool = False) -> str:
    """Write a verdict as plain text; parameters as for `as_html`."""
    told = _told(verdict, hints_left, note, blind)
    lines = [f"{told.mark} {told.word}: {told.title} ({told.id}, {told.score})"]
    if told.nothing:
        lines.append(told.nothing)
    lines += told.waits
    for passed, label, sentence in told.cases:
        lines.append(f"  ✓ right  {label}" if passed else f"  ✗ wrong  {label}: {sentence}")
    for name, which, explanation, detail in told.diagnoses:
        lines += [f"{name} ({which})" if which else name, f"  {explanation}", *([f"  {detail}"] if detail else [])]
    if told.first:
        case = told.first.case
        lines.append(f"First difference: {told.first.label}")
        lines += [f"  {name} = {describe(value)}" for name, value in case.inputs]
        where, expected, given = values.apart(case)
        lines.append(f"  expected{where}: {expected}")
        if values.has_result(case):
            lines.append(f"  yours{where}:    {given}")
        if told.first.printed:
            lines.append(f"  your code printed: {told.first.printed}")
    return "\n".join([*lines, told.foot] if told.foot else lines)


def in_short(verdict: judge.Verdict) -> str:
    """Say in two lines what a verdict is, and what to look at first."""
    told = _told(verdict, 0, "", blind=False)
    wrong = next((f"{label}: {sentence}" for passed, label, sentence in told.cases if not passed), "")
    why = told.nothing or next((explanation for _, _, explanation, _ in told.diagnoses), wrong)
    return f"{told.word}: {told.title} ({told.id}, {told.score})\n{why}"


def as_data(verdict: judge.Verdict) -> dict:
    """Write a verdict as plain data, for programs."""
    return {
        "exercise": verdict.id,
        "title": verdict.title,
        "status": verdict.status,
        "earned": verdict.earned,
        "points": verdict.points,
        "cases": [{"label": case.label, "passed": case.passed} for case in verdict.cases],
        "first": next((shortened(case.blind) for case in verdict.cases if not case.passed), ""),
        "misconceptions": [] if verdict.waits else [diagnosis.name for diagnosis in verdict.diagnoses],
        "waits": verdict.waits,
    }


def bundle(verdict: judge.Verdict, hints_left: int = 0, note: str = "", blind: bool = False) -> dict:
    """Return a verdict's mime bundle: HTML, text and data."""
    return {
        "text/html": as_html(verdict, hints_left, note, blind),
        "text/plain": as_text(verdict, hints_left, note, blind),
        MIME: as_data(verdict),
    }


def _display(data: dict) -> None:
    from IPython import get_ipython

    if get_ipython() is None:
        print(data["text/plain"])
    else:
        from IPython.display import display

        display(data, raw=True)


def show(verdict: judge.Verdict, hints_left: int = 0, note: str = "") -> None:
    """Show a verdict in the notebook, or print it where there is none."""
    _display(bundle(verdict, hints_left, note))


def show_sentence(sentence: str) -> None:
    """Show a sentence in a card."""
    _display({"text/html": _page("sentence", sentence=shortened(sentence)), "text/plain": shortened(sentence)})


def show_hints(entry: Entry, number: int, more: bool, note: str = "") -> None:
    """Show the first `number` hints of an exercise; `more` is False where all had been shown before."""
    hints = entry.hints[:number]
    left = len(entry.hints) - number
    foot = f"{left} more." if left else "That was the last hint." if more else "There are no more hints."
    card = _page("hints", id=entry.id, hints=hints, foot=f"{foot} {note}".strip())
    text = "\n".join([f"Hints for {entry.id}", *(f"  {i}. {t}" for i, t in enumerate(hints, start=1)), foot, note])
    _display({"text/html": card, "text/plain": text.strip()})


# --- progress -----------------------------------------------------------------------------------------------------


def progress_text(chapters: list[ChapterProgress]) -> str:
    """Write progress as plain text."""
    if not chapters:
        return "No chapter with exercises is installed."
    lines = []
    for chapter in chapters:
        count = f"{chapter.passed} of {counted(len(chapter.exercises), 'exercise')}"
        lines.append(f"{chapter.name}: {count}, {_score(chapter.earned, chapter.points)}")
        for id, title, points, record in chapter.exercises:
            state = "right" if record.passed else f"{record.best:.0%} so far" if record.tries else "not started"
            lines.append(f"  {'✓' if record.passed else '·'} {id:<24} {title} ({counted(points, 'point')}): {state}")
    return "\n".join(lines)


def progress_html(chapters: list[ChapterProgress]) -> str:
    """Write progress as HTML: a bar and a row of marks for each chapter."""
    rows = []
    for chapter in chapters:
        number, _, name = chapter.name.partition("_")
        row: dict[str, Any] = {"number": number, "name": name.replace("_", " ").capitalize()}
        row["share"] = chapter.earned / chapter.points if chapter.points else 0.0
        row["score"] = _score(chapter.earned, chapter.points)
        row["exercises"] = [(title, record) for _, title, _, record in chapter.exercises]
        rows.append(row)
    return _page("progress", chapters=rows)


def show_progress(chapters: list[ChapterProgress]) -> None:
    """Show progress in the notebook, or print it where there is none."""
    _display({"text/html": progress_html(chapters), "text/plain": progress_text(chapters)})
