"""What a learner calls in a notebook: `check`, `hint` and `progress`."""

from __future__ import annotations

import os
import sys
from typing import Any

from introdl.checking import callees, diagnosis, headway, isolation, judge, records, report, sheets, source
from introdl.checking.outcome import Outcome
from introdl.checking.slips import mending
from introdl.wording import counted


def examine(entry: sheets.Entry, objects: tuple) -> judge.Verdict:
    """Run an entry's cases on the objects and return the verdict; nothing is shown or kept."""
    task = isolation.Task(entry.probe, entry.out_of_reach(), entry.seconds)
    outcomes = []
    for outcome in isolation.run(task, objects, [case.inputs for case in entry.cases]):
        outcomes.append(outcome)
        headway.case_done()
    return judge.judge(entry, outcomes, source.of(objects))


def verdict(exercise: str, objects: tuple) -> judge.Verdict:
    """Return the verdict on an answer; what it calls of other exercises' and is not right yet, is named.

    Parameters
    ----------
    exercise : str
        An id that is there.
    objects : tuple
        As many as the exercise has names.
    """
    found = examine(sheets.find(exercise), objects)
    if found.status == judge.FAILED:
        wrong = callees.not_right(objects, exercise, sheets.chapter(exercise[:2]), examine)
        found.waits = [one.sentence for one in wrong]
        if not found.waits and not any(one.whole and one.known for one in found.diagnoses):
            _find_slips(sheets.find(exercise), objects, found)
    return found


def _find_slips(entry: sheets.Entry, objects: tuple, found: judge.Verdict) -> None:
    """Name the slips whose undoing makes an answer right, in place of what was named without looking into its code."""
    task = isolation.Task(entry.probe, entry.out_of_reach(), entry.seconds)

    def run(turns: list[tuple[tuple, int]], seconds: float) -> list[Outcome]:
        return isolation.each(task, [(one, entry.cases[number].inputs) for one, number in turns], seconds)

    bench = mending.Bench(
        run,
        right=lambda number, outcome: judge.is_right(entry, number, outcome),
        known=lambda number, outcome: diagnosis.is_known(entry, number, outcome),
        judge=lambda outcomes: judge.judge(entry, outcomes),
    )
    slips = mending.mended(entry, objects, found, bench)
    failing = [i for i, case in enumerate(found.cases) if not case.passed]
    for one in slips:
        one.cases = [i for i in one.cases if i in failing]
    found.diagnoses = slips or found.diagnoses


class NotPassed(Exception):
    """Ends a check cell where nbgrader validates or grades a notebook: it counts what raises, and nothing else."""

    def _render_traceback_(self) -> list[str]:
        return str(self).split("\n")


def _current_cell() -> str:
    """Return the text of the cell that runs, or ""."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return (shell.history_manager.input_hist_raw or [""])[-1] if shell and shell.history_manager else ""


def _is_check_cell(cell: str) -> bool:
    lines = (line for line in cell.splitlines() if line.strip() and not line.startswith("#"))
    return next(lines, "").startswith("check(")


def _counts() -> bool:
    """Whether nbgrader runs a check cell, by its Validate button or otherwise, to see whether it raises."""
    return bool(os.environ.get("NBGRADER_EXECUTION")) and _is_check_cell(_current_cell())


def _refuse(sentence: str) -> None:
    """Say why nothing was checked."""
    if _counts():
        raise NotPassed(sentence)
    report.show_sentence(sentence)


def _entry(exercise: str) -> sheets.Entry | None:
    """Return an exercise's entry; where there is none, say why."""
    if callable(exercise):
        _refuse(_without_id(exercise))
        return None
    if not isinstance(exercise, str) or not exercise:
        _refuse('The exercise\'s id comes first, in quotes: check("03.conv2d", conv2d) or hint("03.conv2d").')
        return None
    try:
        return sheets.find(exercise)
    except (LookupError, ValueError, FileNotFoundError) as error:
        _refuse(str(error.args[0] if error.args else error))
        return None


def _without_id(function: Any) -> str:
    """Say what is missing where check was given the function alone."""
    name = getattr(function, "__name__", "")
    for path in sheets.chapters():
        for id, entry in sheets.chapter(path.name[:2]).items():
            if name in entry.names:
                return f"The exercise's id comes first, in quotes. Write: check({id!r}, {', '.join(entry.names)})"
    return "The exercise's id comes first, in quotes, as in check('03.conv2d', conv2d)."


def _is_called(entry: sheets.Entry, objects: tuple) -> str:
    """Say so where a value stands in the place of a function, most often what a call of it gives; "" where none does."""
    if entry.probe == "answers":
        return ""
    wrong = next((name for name, one in zip(entry.names, objects, strict=True) if not callable(one)), "")
    if not wrong or isinstance(objects[entry.names.index(wrong)], isolation.Undefined):
        return ""
    return (
        f"check({entry.id!r}, ...) was given a value where the function {wrong} belongs: what a call gives, perhaps, or "
        f"something else by that name. Write it without parentheses: check({entry.id!r}, {', '.join(entry.names)})"
    )


def check(exercise: str = "", *objects: Any) -> None:
    """Check an answer and show a report.

    Parameters
    ----------
    exercise : str
        The exercise's id, as in ``"03.conv2d"``.
    *objects : object
        Your function (or functions, or values), in the order in which the exercise names them.

    Notes
    -----
    Nothing is raised for a wrong answer, whatever it does: the report says what happened. (Only where nbgrader validates or
    grades the notebook, a check cell that is not passed raises, for nbgrader counts by that.) Your best result is kept on
    this machine (see `introdl.progress`). Nothing is sent anywhere.
    """
    if (entry := _entry(exercise)) is None:
        return
    if len(objects) != len(entry.names):
        given = counted(len(objects), "object")
        _refuse(f"check({exercise!r}, ...) was given {given}. Write: check({exercise!r}, {', '.join(entry.names)})")
        return
    if sentence := _is_called(entry, objects):
        _refuse(sentence)
        return
    with headway.shown(f"Checking {exercise}", len(entry.cases)):
        found = verdict(exercise, objects)
    note = ""
    if found.status != judge.NOT_STARTED:
        note = records.note_check(exercise, found.earned / found.points, found.passed)
    shown = records.load(exercise).hints
    report.show(found, hints_left=max(len(entry.hints) - shown, 0), note=note)
    if found.status != judge.PASSED and _counts():
        raise NotPassed(report.in_short(found))


def hint(exercise: str = "") -> None:
    """Show one more hint for an exercise; hints go from gentle to plain.

    Parameters
    ----------
    exercise : str
        The exercise's id, as in ``"03.conv2d"``.
    """
    if (entry := _entry(exercise)) is None:
        return
    record = records.load(exercise)
    number = min(record.hints + 1, len(entry.hints))
    more = record.hints < len(entry.hints)
    record.hints = number
    note = records.save(exercise, record)
    report.show_hints(entry, number, more, note)


def progress() -> None:
    """Show how far you are, chapter by chapter."""
    report.show_progress(records.overview())


def _explain_undefined(shell, kind, error, trace, tb_offset=None):
    """In place of a traceback where `check(...)` names something that no cell has defined yet."""
    if _counts() or not _is_check_cell(_current_cell()):
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return
    report.show_sentence(f"{error.name} is not defined yet. Run the cell with your answer first, then this one.")


def explain_undefined_names() -> None:
    """Let a notebook answer with a sentence where a check cell runs before its answer's cell."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        shell.set_custom_exc((NameError,), _explain_undefined)
