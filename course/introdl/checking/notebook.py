"""What a learner calls in a notebook: `check`, `hint` and `progress`."""

from __future__ import annotations

from typing import Any

from introdl.checking import isolation, judge, records, report, sheets
from introdl.wording import counted


def examine(entry: sheets.Entry, objects: tuple) -> judge.Verdict:
    """Run an entry's cases on the objects and return the verdict; nothing is shown or kept."""
    task = isolation.Task(entry.probe, tuple(entry.forbidden), entry.seconds)
    return judge.judge(entry, list(isolation.run(task, objects, [case.inputs for case in entry.cases])))


def _entry(exercise: str) -> sheets.Entry | None:
    """Return an exercise's entry; where there is none, show why."""
    try:
        return sheets.find(exercise)
    except (LookupError, ValueError, FileNotFoundError) as error:
        report.show_sentence(str(error.args[0] if error.args else error))
        return None


def check(exercise: str, *objects: Any) -> None:
    """Check an answer and show a report.

    Parameters
    ----------
    exercise : str
        The exercise's id, as in ``"03.conv2d"``.
    *objects : object
        Your function (or functions, or values), in the order in which the exercise names them.

    Notes
    -----
    Nothing is raised for a wrong answer, whatever it does: the report says what happened. Your best result is kept on
    this machine (see `introdl.progress`). Nothing is sent anywhere.
    """
    if (entry := _entry(exercise)) is None:
        return
    if len(objects) != len(entry.names):
        given = counted(len(objects), "object")
        report.show_sentence(
            f"check({exercise!r}, ...) was given {given}. Write: check({exercise!r}, {', '.join(entry.names)})"
        )
        return
    verdict = examine(entry, objects)
    note = ""
    if verdict.status != judge.NOT_STARTED:
        note = records.note_check(exercise, verdict.earned / verdict.points, verdict.passed)
    shown = records.load(exercise).hints
    report.show(verdict, hints_left=max(len(entry.hints) - shown, 0), note=note)


def hint(exercise: str) -> None:
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
    cell = (shell.history_manager.input_hist_raw or [""])[-1]
    if not cell.lstrip().startswith("check("):
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return
    report.show_sentence(f"{error.name} is not defined yet. Run the cell with your answer first, then this one.")


def explain_undefined_names() -> None:
    """Let a notebook answer with a sentence where a check cell runs before its answer's cell."""
    import sys

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        shell.set_custom_exc((NameError,), _explain_undefined)
