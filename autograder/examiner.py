"""The examiner: runs a submission on hidden inputs and says what each exercise is worth."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat.v4 import new_output

from autograder import bank
from autograder import exercises as exercise_bank
from autograder.exercise import AuthorError
from autograder.release import exercise_of
from autograder.session import Died, Session
from introdl.checking import report
from introdl.checking.judge import NOT_STARTED, Verdict, judge
from introdl.checking.outcome import Outcome
from introdl.checking.sheets import Entry

_DEMO = "introdl_demo"


@lru_cache(maxsize=512)
def hidden_entry(exercise: str, seed: str) -> Entry:
    """Return an exercise's entry with hidden cases drawn from a classroom's secret seed.

    Raises
    ------
    AuthorError
        If this version of the course has no such exercise.
    """
    known = exercise_bank.load(exercise[:2])
    if exercise not in known:
        raise AuthorError(f"This version of the course has no exercise {exercise}. Hand the chapter out again.")
    return bank.entry(known[exercise], seed)


@dataclass
class Examination:
    """What came of examining a submission: a verdict for each exercise, and notes about cells that failed."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class Limits:
    """Seconds that one cell and one notebook may take."""

    cell: float = 60.0
    notebook: float = 900.0


def mark_demos(notebook: nbformat.NotebookNode, released: nbformat.NotebookNode) -> None:
    """Mark a submission's demonstrations that stand as they were handed out: they need not run.

    One that a learner has changed may hold a part of an answer, and runs.
    """
    demos = {cell.source for cell in released.cells if "demo" in cell.metadata.get("tags", [])}
    for cell in notebook.cells:
        cell.metadata.pop(_DEMO, None)
        if cell.cell_type == "code" and cell.source in demos:
            cell.metadata[_DEMO] = True


def _is_demo(cell: nbformat.NotebookNode) -> bool:
    return bool(cell.metadata.get(_DEMO))


def checked_exercise(cell: nbformat.NotebookNode) -> str | None:
    """Return the exercise that a cell checks, or None where it is no check cell."""
    meta = cell.metadata.get("nbgrader", {})
    return exercise_of(meta.get("grade_id", "")) if meta.get("grade") else None


class _Examining:
    """One submission's way through the examiner."""

    def __init__(self, notebook: nbformat.NotebookNode, seed: str, folder: Path, limits: Limits):
        self.notebook, self.seed, self.limits = notebook, seed, limits
        self.session = Session(folder)
        self.found = Examination()
        self.deadly: set[int] = set()
        self.demos_ran = False
        self.deadline = time.monotonic() + limits.notebook

    def run(self) -> Examination:
        with self.session:
            self._pass_through()
            self._second_chance()
        return self.found

    def _pass_through(self) -> None:
        """Run the cells in their order; where one brings the process down, begin again without it."""
        position, count = 0, len(self.notebook.cells)
        while position < count:
            cell = self.notebook.cells[position]
            exercise = checked_exercise(cell)
            try:
                if exercise is not None:
                    if exercise not in self.found.verdicts:
                        self.found.verdicts[exercise] = self._probe(exercise)
                elif cell.cell_type == "code" and position not in self.deadly and not _is_demo(cell):
                    self._run_cell(position, cell)
            except Died as death:
                if exercise is None:
                    self.deadly.add(position)
                    self._note(cell, position, str(death))
                self._restart(position)
            position += 1

    def _run_cell(self, position: int, cell: nbformat.NotebookNode) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            cell.outputs = []
            self._note(cell, position, f"the notebook had used its {self.limits.notebook:.0f} s before")
            return
        answer = self.session.run_cell(cell.source, min(self.limits.cell, left))
        cell.outputs = _outputs(answer)

    def _restart(self, until: int) -> None:
        """Start a fresh process and bring it to where the last one was."""
        for _ in range(len(self.notebook.cells) + 1):
            self.session.stop()
            self.session.start()
            for position, cell in enumerate(self.notebook.cells[:until]):
                if cell.cell_type != "code" or position in self.deadly or _is_demo(cell) or checked_exercise(cell):
                    continue
                try:
                    self._run_again(cell)
                except Died as death:
                    self.deadly.add(position)
                    self._note(cell, position, str(death))
                    break
            else:
                return

    def _probe(self, exercise: str) -> Verdict:
        entry = hidden_entry(exercise, self.seed)
        outcomes, deadline = [], time.monotonic() + entry.seconds
        for case in entry.cases:
            left = deadline - time.monotonic()
            if left < 0.05:
                outcomes.append((Outcome("not run"), []))
                continue
            try:
                outcomes.append(self.session.probe(entry, case, left))
            except Died as death:
                outcomes.append((Outcome("crashed", message=str(death)), []))
                self._restart(self._place_of(exercise))
        return judge(entry, outcomes)

    def _place_of(self, exercise: str) -> int:
        for position, cell in enumerate(self.notebook.cells):
            if checked_exercise(cell) == exercise:
                return position
        return len(self.notebook.cells)

    def _second_chance(self) -> None:
        """Ask again at the end: for answers below their check cell, and for such as lean on a demonstration."""
        for exercise, verdict in list(self.found.verdicts.items()):
            outcomes = [case.outcome for case in verdict.cases if case.outcome is not None]
            below = verdict.status == NOT_STARTED or any(outcome.kind == "undefined" for outcome in outcomes)
            leans = any(outcome.error == "NameError" for outcome in outcomes)
            if not below and not leans:
                continue
            try:
                if leans:
                    self._run_demos()
                again = self._probe(exercise)
            except Died:
                self._restart(len(self.notebook.cells))
                continue
            if again.earned > verdict.earned:
                self.found.verdicts[exercise] = again

    def _run_demos(self) -> None:
        """Run the demonstrations that were left out, once, and then the answers again, for theirs are the names."""
        if self.demos_ran:
            return
        self.demos_ran = True
        for position, cell in enumerate(self.notebook.cells):
            answer = cell.metadata.get("nbgrader", {}).get("solution")
            if cell.cell_type == "code" and position not in self.deadly and (_is_demo(cell) or answer):
                self._run_again(cell)

    def _run_again(self, cell: nbformat.NotebookNode) -> None:
        """Run a cell for what it defines; its outputs are kept from the first time."""
        left = max(self.deadline - time.monotonic(), 0.1)
        self.session.run_cell(cell.source, min(self.limits.cell, left))

    def _note(self, cell: nbformat.NotebookNode, position: int, what: str) -> None:
        sentence = f"Cell {position + 1} was left out: {what}."
        self.found.notes.append(sentence)
        cell.outputs = [new_output("stream", name="stdout", text=sentence + "\n")]


def _outputs(answer: dict) -> list:
    """Turn a worker's answer into nbformat outputs; nothing of it is an error or a score to nbgrader."""
    outputs = []
    if answer.get("text"):
        outputs.append(new_output("stream", name="stdout", text=str(answer["text"])))
    for data in answer.get("displays") or []:
        if isinstance(data, dict) and data:
            outputs.append(new_output("display_data", data={str(k): str(v) for k, v in data.items()}))
    error = answer.get("error")
    if isinstance(error, list) and len(error) == 3:
        name, message, where = map(str, error)
        place = f" ({where})" if where else ""
        outputs.append(new_output("stream", name="stdout", text=f"{name}: {message}{place}\n"))
    return outputs


def examine(notebook: nbformat.NotebookNode, seed: str, folder: Path, limits: Limits | None = None) -> Examination:
    """Run a submission and examine it; its cells' outputs become what they printed and showed.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The submission, with nbgrader's metadata put right. It is changed in place.
    seed : str
        The classroom's secret.
    folder : pathlib.Path
        The working folder of the submission's code.
    limits : Limits, optional

    Returns
    -------
    Examination
    """
    return _Examining(notebook, seed, folder, limits or Limits()).run()


def write_verdict(cell: nbformat.NotebookNode, verdict: Verdict) -> None:
    """Put a verdict into its check cell: the report to read, and the score as nbgrader takes it."""
    worth = min(verdict.earned / verdict.points, 1.0) * float(cell.metadata.nbgrader["points"])
    data = report.bundle(verdict, blind=True) | {"text/plain": f"{worth:.4f}"}
    cell.execution_count = 1
    cell.outputs = [new_output("execute_result", data=data, execution_count=1)]
