"""The examiner: runs a submission on hidden inputs and says what each exercise is worth.

Where exercises forbid libraries, a submission is run with all those put away: what is right there is right without them.
An answer that is not, and leans on one that its own exercise allows, is run once more with nothing but its own
exercise's put away. One that calls another answer of the notebook's, which is wrong, is run with the course's in its
place.
"""

from __future__ import annotations

import builtins
import contextlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.v4 import new_notebook, new_output
from nbgrader.utils import determine_grade

from autograder import sandbox
from autograder.authoring.release import own_tests
from autograder.errors import AuthorError, NotJudged
from autograder.examining import audit, cell_answer, leaning, source
from autograder.examining.fixed_words import FixedWords
from autograder.examining.needed import needed
from autograder.examining.repair import checked_exercise, is_learners, is_solution, is_stub
from autograder.examining.worker_client import Died, WorkerClient
from introdl.checking import cells, report
from introdl.checking.judge import FAILED, NOT_STARTED, PASSED, Verdict, forbidden, judge
from introdl.checking.missing_libraries import covers, finished
from introdl.checking.outcome import Outcome
from introdl.checking.packing import Tensor
from introdl.checking.probes import PROBES
from introdl.checking.sheets import Entry, SheetCase

#: Marks an output that is the examiner's.
SAID = "introdl_said"
#: Characters that a notebook's outputs may have as a whole.
MOST_OUTPUT = 8 * 2**20
#: From so many on, no more cells are looked at for what is worth a look.
MOST_FINDINGS = 300
#: What a run that lacks a library may end with, where the answer itself is right.
#: How a process may end that was not the submission's doing: then it is run again, once.
_BY_CHANCE = ("ended", "killed", "damaged")
_FOR_WANT = ("NameError", "AttributeError", "ImportError", "ModuleNotFoundError", "TypeError", "UnboundLocalError")


@dataclass
class Examination:
    """What came of examining a submission.

    Attributes
    ----------
    verdicts : dict of str to Verdict
        For each exercise.
    notes : list of str
        Sentences about cells that were left out.
    findings : list of autograder.examining.audit.Finding
        What is worth a look.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    findings: list[audit.Finding] = field(default_factory=list)


@dataclass
class Limits:
    """Seconds that one cell and one notebook may work (see `introdl.checking.clock`)."""

    cell: float = 60.0
    notebook: float = 900.0


class _Run:
    """One run through a submission's cells, first to last, with the forbidden names `absent` put away."""

    def __init__(self, examining: _Examining, absent: tuple[str, ...], asked: set[str], lent: str = ""):
        self.notebook, self.entries, self.limits = examining.notebook, examining.entries, examining.limits
        self.absent, self.asked, self.examining = absent, asked, examining
        #: The course's answers that take the place of some of the notebook's, as code.
        self.lent = lent
        room = "bare" if covers(list(absent), "torch") else "full"
        self.session = WorkerClient(examining.folder, examining.pool, room, absent, examining.without)
        self.verdicts: dict[str, Verdict] = {}
        self.notes: list[str] = []
        self.findings: list[audit.Finding] = []
        self.outputs: dict[int, list] = {}
        self.leaned: dict[int, list[str]] = {}
        self.passed: dict[int, dict[int, str]] = {}
        self.deadly: set[int] = set()
        #: What is run in the place of cells that brought the process down: their definitions.
        self.cut: dict[int, str] = {}
        self.again: set[int | str] = set()
        self.demos_ran = False
        self.lost = 0.0  # seconds that went to what was done again
        self.room_left = MOST_OUTPUT
        #: Where nothing is put away, an instructor's own tests are run, with all that stands before them.
        self.tests = {} if absent or lent else examining.tests
        idle = examining.idle_beside(lent) if lent else examining.idle
        self.idle = {position for position in idle if position > max(self.tests, default=-1)}

    def run(self) -> _Run:
        with self.session:
            self._pass_through()
            self._second_chance()
        self.examining.used += self.session.used
        return self

    def _left(self) -> float:
        """Return the seconds that the notebook has left."""
        return self.limits.notebook - self.examining.used - self.session.used

    def _pass_through(self) -> None:
        """Run the cells in their order; where one brings the process down, begin again without it."""
        for position, cell in enumerate(self.notebook.cells):
            exercise = checked_exercise(cell)
            try:
                if position in self.tests:
                    self._run_test(position)
                if exercise is not None:
                    if exercise in self.asked and exercise not in self.verdicts:
                        self.verdicts[exercise] = self._probe(exercise)
                elif position not in self.tests and self._runs(position, cell):
                    self._run_cell(position, cell)
            except Died as death:
                if exercise is None and not self._once_more(position, death):
                    self._leave_out(position, death)
                self._restart(position + 1)

    def _runs(self, position: int, cell: nbformat.NotebookNode) -> bool:
        left_out = self.deadly | self.idle | self.examining.replaced
        return cell.cell_type == "code" and position not in left_out

    def _run_cell(self, position: int, cell: nbformat.NotebookNode) -> None:
        left = self._left()
        if left <= 0:
            self._note(position, f"the notebook had used its {self.limits.notebook:.0f} s before")
            return
        answer = self.session.run_cell(self._source(position), min(self.limits.cell, left), is_learners(cell))
        self.outputs[position] = self._kept(answer)
        if answer["leaned"]:
            self.leaned[position] = answer["leaned"]
        if is_learners(cell):
            self.findings += audit.seen_in_error(answer["error"], position)
            self.passed[position] = _passed_over(answer, cell.source)

    def _kept(self, answer: cell_answer.CellAnswer) -> list:
        """Return a cell's outputs while there is room for them: a notebook's are bounded as a whole."""
        self.room_left -= cell_answer.size(answer)
        if self.room_left < 0:
            return [_said("The outputs of this notebook are too large to be kept; this cell's are left out.")]
        return _outputs(answer)

    def _run_test(self, position: int) -> None:
        """Run an instructor's tests in the very process that the cells before them left."""
        left = self._left()
        if left <= 0:
            self._note(position, f"the notebook had used its {self.limits.notebook:.0f} s before")
            self.outputs[position] = [_failed("NotRun", self.notes[-1])]
            return
        try:
            answer = self.session.run_cell(self.tests[position], min(self.limits.cell, left), False, test=True)
        except Died as death:
            self._leave_out(position, death)
            self.outputs[position] = [_failed("Died", str(death))]
            self._restart(position)
            return
        points = float(self.notebook.cells[position].metadata.nbgrader["points"])
        self.outputs[position] = _test_outputs(answer, points)

    def _restart(self, until: int) -> None:
        """Start a fresh process and bring it to where the last one was."""
        used = self.session.used
        try:
            self._start_again(until)
        finally:
            self.lost += self.session.used - used

    def _start_again(self, until: int) -> None:
        for _ in range(len(self.notebook.cells) + 1):
            self.session.stop()
            self.session.start()
            for position, cell in enumerate(self.notebook.cells[:until]):
                if not self._runs(position, cell) or (checked_exercise(cell) and position not in self.tests):
                    continue
                if self._left() <= 0:
                    return
                try:
                    again = position in self.outputs or position in self.tests
                    self._run_again(position) if again else self._run_cell(position, cell)
                except Died as death:
                    if not self._once_more(position, death):
                        self._leave_out(position, death)
                    break
            else:
                self._lend()
                return

    def _lend(self) -> None:
        """Put the course's answers in the place of the notebook's."""
        if self.lent:
            self.session.run_cell(self.lent, self.limits.cell, pictures=False)

    def _once_more(self, what: int | str, death: Died) -> bool:
        """Whether a process that ended over something is worth another try.

        Raises
        ------
        NotJudged
            If the system stopped that, too: inside the sandbox nobody can.
        """
        if death.kind not in _BY_CHANCE:
            return False
        first = what not in self.again
        if not first and "SIGKILL" in str(death):
            raise NotJudged(f"{death}, twice. Is this machine short of memory? Examine fewer at once: --jobs 1")
        self.again.add(what)
        return first

    def _probe(self, exercise: str) -> Verdict:
        self._lend()
        entry = self.entries[exercise]
        in_series = self._in_series(entry)
        outcomes, until = [], self.session.used - self.lost + entry.seconds
        for number, case in enumerate(entry.cases):
            if number in in_series:
                outcomes.append(in_series[number])
                continue
            used, lost = self.session.used, self.lost
            left = until - (used - self.lost)
            if left < 0.05:
                outcomes.append(Outcome("not run"))
                continue
            outcome = self._probe_case(entry, case, left)
            if outcome is None:
                self.lost = lost + self.session.used - used
                outcome = self._probe_case(entry, case, left)
            outcomes.append(outcome or Outcome("crashed", message="its process ended"))
        return judge(entry, outcomes, self.examining.code(entry))

    def _probe_case(self, entry: Entry, case: SheetCase, seconds: float) -> Outcome | None:
        """Probe one case; None where its process ended, and that may have been chance."""
        chance = f"{entry.id}, {case.label}"
        try:
            outcome = self.session.probe(entry, case, seconds)
        except Died as death:
            self._restart(self._place_of(entry.id))
            if self._once_more(chance, death):
                return None
            self.findings.append(audit.Finding(audit.DIED[death.kind], str(death), exercise=entry.id))
            return Outcome("crashed", message=str(death))
        if outcome.kind == "crashed" and chance not in self.again:
            self.again.add(chance)
            return None
        return outcome

    def _in_series(self, entry: Entry) -> dict[int, Outcome]:
        """Probe an exercise's cases in one process; return those outcomes that a process of its own would not change."""
        try:
            found = self.session.probe_in_series(entry, entry.seconds)
        except Died:  # the cases, one by one, will tell how
            self._restart(self._place_of(entry.id))
            return {}
        judged = judge(entry, found + [Outcome("not run")] * (len(entry.cases) - len(found))).cases
        same = ("not started", "undefined")
        return {
            number: outcome
            for number, outcome in enumerate(found)
            if judged[number].passed or outcome.kind in same or (number == 0 and outcome.kind != "out of memory")
        }

    def _place_of(self, exercise: str) -> int:
        for position, cell in enumerate(self.notebook.cells):
            if checked_exercise(cell) == exercise:
                return position
        return len(self.notebook.cells)

    def _second_chance(self) -> None:
        """Ask again at the end: for answers below their check cell, and for such as lean on what came later."""
        for exercise, verdict in list(self.verdicts.items()):
            if verdict.status == PASSED:
                continue
            outcomes = [case.outcome for case in verdict.cases]
            undefined = any(outcome.kind == "undefined" for outcome in outcomes)
            givers = self.examining.givers(self.entries[exercise])
            below = any(position > self._place_of(exercise) for position in givers)
            missing = verdict.status == NOT_STARTED or undefined
            below |= missing and any(map(is_learners, self.notebook.cells[self._place_of(exercise) :]))
            leans = any(outcome.error == "NameError" for outcome in outcomes)
            if not below and not leans and not undefined:
                continue
            try:
                if leans:
                    self._run_demos()
                for position in givers if undefined else []:  # it may have lacked what came later
                    self._run_again(position)
                again = self._probe(exercise)
            except Died:
                self._restart(len(self.notebook.cells))
                continue
            if again.earned > verdict.earned:
                self.verdicts[exercise] = again

    def _run_demos(self) -> None:
        """Run the cells that were left out, once, and then the answers again, for theirs are the names."""
        if self.demos_ran:
            return
        self.demos_ran = True
        for position, cell in enumerate(self.notebook.cells):
            left_out = self.deadly | self.examining.replaced
            asked = is_solution(cell) or (position in self.idle and position not in self.examining.tests)
            if cell.cell_type == "code" and position not in left_out and asked:
                self._run_again(position)

    def _run_again(self, position: int) -> None:
        """Run a cell for what it defines; its outputs are kept from the first time."""
        left = max(self._left(), 0.1)
        self.session.run_cell(self._source(position), min(self.limits.cell, left), pictures=False)

    def _source(self, position: int) -> str:
        return self.cut.get(position) or self.tests.get(position, self.notebook.cells[position].source)

    def _leave_out(self, position: int, death: Died) -> None:
        """Go on without a cell that brings the process down, or with what it defines above its endless training."""
        cell = self.notebook.cells[position]
        defined = cells.definitions(cell.source) if is_learners(cell) and position not in self.cut else ""
        if defined:
            self.cut[position] = defined
            self._say(position, f"Cell {position + 1} was run for what it defines alone: {death}.")
        else:
            self.deadly.add(position)
            self._note(position, str(death))
        self.findings.append(audit.Finding(audit.DIED[death.kind], str(death), cell=position + 1))

    def _note(self, position: int, what: str) -> None:
        self._say(position, f"Cell {position + 1} was left out: {what}.")

    def _say(self, position: int, sentence: str) -> None:
        self.notes.append(sentence)
        self.outputs[position] = [_said(sentence)]


class _Examining:
    """Examines a submission: plans the runs that it takes, and settles which verdict counts."""

    def __init__(
        self, notebook: nbformat.NotebookNode, entries: Mapping[str, Entry], folder: Path, limits, pool, without
    ):
        self.notebook, self.entries, self.folder, self.limits = notebook, entries, folder, limits
        self.pool, self.without = pool, without
        self.gives = {
            position: cells.given_names(cell.source)
            for position, cell in enumerate(notebook.cells)
            if is_learners(cell) or is_stub(cell)
        }
        self.replaced = self._replaced()
        self.tests = {n: tests for n, cell in enumerate(notebook.cells) if (tests := own_tests(cell))}
        self.idle = self.idle_beside()
        self.used = 0.0
        self.found = Examination()

    def run(self) -> Examination:
        self._look_at_source()
        ids = [exercise for exercise in map(checked_exercise, self.notebook.cells) if exercise]
        for exercise in ids:
            if exercise not in self.entries:
                raise AuthorError(f"This version of the course has no exercise {exercise}. Hand the chapter out again.")
        entries = {exercise: self.entries[exercise] for exercise in ids}
        runs: list[_Run] = []
        for absent, asked in self._first(entries).items():
            runs.append(_Run(self, absent, asked).run())
        for absent, asked in self._second(entries, runs).items():
            runs.append(_Run(self, absent, asked).run())
        settled = {exercise: self._settle(runs, entry) for exercise, entry in entries.items()}
        for exercise, entry in entries.items():
            verdict = self._beside_right_ones(entry, settled)
            self.found.verdicts[exercise] = FixedWords(entry).limit(verdict)
        self._keep(runs)
        return self.found

    def _beside_right_ones(self, entry: Entry, settled: Mapping[str, Verdict]) -> Verdict:
        """Return an answer's verdict; where it calls another that is wrong, with the course's in that one's place.

        Nobody pays twice for one mistake.
        """
        verdict = settled[entry.id]
        if verdict.status != FAILED or entry.probe == "answers":
            return verdict
        code = [cell.source for cell in self.notebook.cells if cell.cell_type == "code" and not checked_exercise(cell)]
        given = set().union(*self.gives.values())
        wrong = [
            id
            for id in leaning.called(code, entry, leaning.before(entry, self.entries))
            if (settled[id].status != PASSED if id in settled else not given.issuperset(self.entries[id].names))
        ]
        again = self._judged_beside(wrong, entry)
        if again and again.earned > verdict.earned:
            # What answers this exercise by itself is not lent: a mention of its name would be worth the points.
            kept = [id for id in wrong if not self._answers(self.entries[id], entry)]
            if kept != wrong:
                wrong, again = kept, self._judged_beside(kept, entry)
        if not again or again.earned < verdict.earned:
            return verdict
        again.lent = leaning.sentence([name for id in wrong for name in self.entries[id].names], again)
        return again

    def _judged_beside(self, lent: list[str], entry: Entry, more: str = "") -> Verdict | None:
        """Judge an answer with the course's answers to other exercises in their places, and `more` code behind them."""
        code = leaning.in_place_of(lent, entry, self.entries)
        if not code or self.used >= self.limits.notebook:
            return None
        absent = () if sandbox.unsafe() else _can_do_without(entry, entry.forbidden)
        run = _Run(self, absent, {entry.id}, code + more).run()
        return self._settle([run], entry) if entry.id in run.verdicts else None

    def _answers(self, other: Entry, entry: Entry) -> bool:
        """Whether the course's answer to another exercise earns a quarter of this one's points.

        It is tried where nothing of the submission's is, which might spoil it.
        """
        if len(other.names) != len(entry.names):
            return False
        swapped = f"\n{', '.join(entry.names)} = {', '.join(other.names)}\n"
        check = next(cell for cell in self.notebook.cells if checked_exercise(cell) == entry.id)
        with tempfile.TemporaryDirectory() as empty:
            alone = _Examining(
                new_notebook(cells=[check]), self.entries, Path(empty), self.limits, self.pool, frozenset()
            )
            found = alone._judged_beside([other.id], entry, swapped)
        return found is not None and found.earned >= entry.points / 4

    def givers(self, entry: Entry) -> list[int]:
        """Return a learner's cells that give an exercise's names."""
        return [at for at, names in self.gives.items() if names & set(entry.names) and at not in self.replaced]

    def code(self, entry: Entry) -> str:
        """Return the source of a learner's cells that give an exercise's names."""
        return "\n".join(self.notebook.cells[at].source for at in self.givers(entry))

    def _replaced(self) -> set[int]:
        """Return the cells that stand as handed out and hold no answer, where the answer stands elsewhere."""
        stubs = [position for position in self.gives if is_stub(self.notebook.cells[position])]
        own = set().union(*(names for position, names in self.gives.items() if position not in stubs))
        return {position for position in stubs if self.gives[position] and self.gives[position] <= own}

    def idle_beside(self, lent: str = "") -> set[int]:
        """Return the cells that need not run: they stand as they were handed out, and no answer leans on them."""
        own, answers = {}, [lent]
        for position, cell in enumerate(self.notebook.cells):
            if cell.cell_type != "code" or checked_exercise(cell):
                continue
            if is_learners(cell) or is_solution(cell):
                answers.append(cell.source)
            else:
                own[position] = cell.source
        checked = filter(None, map(checked_exercise, self.notebook.cells))
        asked = {name for id in checked if id in self.entries for name in self.entries[id].names}
        return set(own) - needed(own, answers, asked) - self.replaced

    def _look_at_source(self) -> None:
        """Note what the learner's cells, and the files beside them, look like."""
        theirs = {position: cell.source for position, cell in enumerate(self.notebook.cells) if is_learners(cell)}
        known = source.aliases(cell.source for cell in self.notebook.cells if cell.cell_type == "code")
        forbidden = {name for entry in self.entries.values() for name in entry.forbidden}
        for position, text in theirs.items():
            if len(self.found.findings) < MOST_FINDINGS:
                self.found.findings += source.look(text, position, forbidden, known)
        self.found.findings += source.look_beside(self.folder)

    def _first(self, entries: dict[str, Entry]) -> dict[tuple[str, ...], set[str]]:
        """Return what to put away, and which exercises to ask then; for an instructor's own tests nothing is."""
        if sandbox.unsafe():
            return {(): set(entries)}
        absent = {name for entry in entries.values() for name in entry.forbidden}
        asked: dict[tuple[str, ...], set[str]] = {(): set()} if self.tests or not entries else {}
        for exercise, entry in entries.items():
            asked.setdefault(_can_do_without(entry, absent), set()).add(exercise)
        return asked

    def _second(self, entries: dict[str, Entry], runs: list[_Run]) -> dict[tuple[str, ...], set[str]]:
        """Return the same for answers that are not right, and lean on what their own exercise does not forbid."""
        again: dict[tuple[str, ...], set[str]] = {}
        for run in runs:
            for exercise, verdict in run.verdicts.items():
                entry = entries[exercise]
                if run.absent and verdict.status != PASSED and self._wants(run, verdict, entry):
                    again.setdefault(_can_do_without(entry, entry.forbidden), set()).add(exercise)
        return again

    def _wants(self, run: _Run, verdict: Verdict, entry: Entry) -> bool:
        """Whether an answer may be wrong for want of something that its exercise allows."""
        outcomes = [case.outcome for case in verdict.cases]
        wanted = {name for outcome in outcomes for name in outcome.leaned}
        wants = any(outcome.kind == "undefined" or outcome.error in _FOR_WANT for outcome in outcomes)
        for position, names in run.leaned.items():
            if wants or (is_learners(self.notebook.cells[position]) and verdict.status != NOT_STARTED):
                wanted |= set(names)
        return any(not covers(entry.out_of_reach(), name) for name in wanted)

    def _settle(self, runs: list[_Run], entry: Entry) -> Verdict:
        """Return the verdict that counts: the better, and where it calls what is forbidden, with the words for that."""
        verdicts = [run.verdicts[entry.id] for run in runs if entry.id in run.verdicts]
        best = max(verdicts, key=lambda verdict: verdict.earned)  # of equals the first
        for case in best.cases:
            outcome = case.outcome
            if case.passed:
                continue
            barred = [name for name in outcome.leaned if covers(entry.out_of_reach(), name)]
            if barred and outcome.kind != "forbidden":
                case.outcome = outcome = Outcome("forbidden", message=barred[0])
                case.sentence = case.blind = forbidden(entry, barred[0])
                case.difference, best.diagnoses = None, []
            if outcome.kind in audit.ENDED:
                text = f"case {case.label!r}: {case.sentence}"
                self._find(audit.Finding(audit.ENDED[outcome.kind], text[:200], exercise=entry.id))
            if outcome.kind == "forbidden":
                text = f"calls {outcome.message}, which is to be written by hand"
                self._find(audit.Finding("forbidden call", text, exercise=entry.id))
        return best

    def _find(self, finding: audit.Finding) -> None:
        if finding not in self.found.findings and len(self.found.findings) < 2 * MOST_FINDINGS:
            self.found.findings.append(finding)

    def _keep(self, runs: list[_Run]) -> None:
        """Keep each cell's outputs from the room that had all it needed, and every note once."""
        for position, cell in enumerate(self.notebook.cells):
            if cell.cell_type != "code":
                continue
            asked = [run for run in runs if run.tests] if position in self.tests else runs
            shown = [run.outputs[position] for run in asked if position in run.outputs]
            cell.outputs = shown[-1] if shown else []
            if len(runs) == 1 and position in runs[0].leaned:
                cell.outputs = [_said("This cell was run without the libraries that this chapter's exercises forbid.")]
            self._tell_passed_over(position, cell, [run.passed[position] for run in runs if position in run.passed])
        for run in runs:
            self.found.notes += [note for note in run.notes if note not in self.found.notes]
            for finding in run.findings:
                self._find(finding)

    def _tell_passed_over(self, position: int, cell: nbformat.NotebookNode, passed: list[dict[int, str]]) -> None:
        """Say below a cell, in the table and in the audit which of its lines were not done here, and why."""
        if not passed or not passed[-1]:
            return
        by_reason: dict[str, list[int]] = {}
        for line, reason in sorted(passed[-1].items()):
            by_reason.setdefault(cells.REASONS[reason], []).append(line)
            self._find(audit.Finding("passed over", cells.REASONS[reason], cell=position + 1, line=line))
        places = [f"{_lines(lines)} ({reason})" for reason, lines in by_reason.items()]
        cell.outputs.append(_said(f"Passed over: {'; '.join(places)}."))
        self.found.notes.append(f"Cell {position + 1} was run without {', '.join(places)}.")


def _lines(lines: list[int]) -> str:
    return f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines[:-1]))} and {lines[-1]}"


def _passed_over(answer: cell_answer.CellAnswer, source: str) -> dict[int, str]:
    """Return by line what a worker says was passed over."""
    last = source.count("\n") + 1
    unsure = ("error",) if answer["leaned"] else ()  # where a library was put away, that may have been why
    return {line: reason for line, reason in answer["passed"] if 1 <= line <= last and reason not in unsure}


def _can_do_without(entry: Entry, names: Iterable[str]) -> tuple[str, ...]:
    """Return which of the forbidden names can be put away, and with them the course's finished code.

    Where inputs are tensors, or the probe works with torch, no package of torch's can.
    """
    tensors = any(isinstance(value, Tensor) for case in entry.cases for _, value in case.inputs)
    torch = tensors or "torch" in PROBES[entry.probe].needs
    kept = {name for name in names if torch and name.startswith("torch.") and name.endswith(".*")}
    return tuple(sorted({*names, *finished(entry.lends)} - kept))


def _outputs(answer: cell_answer.CellAnswer) -> list:
    """Turn a worker's answer into nbformat outputs: text and pictures.

    Nothing of it is an error or a score to nbgrader, and nothing runs in the browser of who reads it.
    """
    outputs = [new_output("stream", name="stdout", text=answer["text"])] if answer["text"] else []
    outputs += [new_output("display_data", data=data) for data in answer["displays"] if data]
    if answer["error"]:
        name, message, where = answer["error"]
        place = f" ({where})" if where else ""
        outputs.append(new_output("stream", name="stdout", text=f"{name}: {message}{place}\n"))
    return outputs


def _said(sentence: str) -> nbformat.NotebookNode:
    """Return an output of the examiner's own, in the place of a cell's; it alone bears this mark."""
    return new_output("display_data", data={"text/plain": sentence}, metadata={SAID: True})


def without_outputs(nb: nbformat.NotebookNode) -> None:
    """Take out of a graded notebook what its own code printed and showed, which could tell the hidden inputs.

    The checks' reports and the examiner's own sentences stay.
    """
    for cell in nb.cells:
        if cell.cell_type == "code" and checked_exercise(cell) is None:
            cell.outputs = [one for one in cell.outputs if one.get("metadata", {}).get(SAID) is True]


def _failed(name: str, message: str) -> nbformat.NotebookNode:
    return new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"])


def _test_outputs(answer: cell_answer.CellAnswer, points: float) -> list:
    """Turn a worker's answer to an instructor's test into outputs by which nbgrader counts it.

    An error or a word on standard error costs all its points; a number that is its result is what it is worth.
    """
    outputs = _outputs({**answer, "error": []})
    if answer["stderr"]:
        outputs.append(new_output("stream", name="stderr", text=answer["stderr"]))
    error = answer["error"]
    if error:
        name, message, where = error
        outputs.append(_failed(name, f"{message} ({where})" if where else message))
        known = isinstance(getattr(builtins, name, None), type)  # another name may be the submission's own
        outputs.append(_said(f"This test was not passed{f': it raised {name}' if known else ''}."))
    for result in answer["result"]:
        if error or "text/plain" not in result:
            continue
        text = result["text/plain"]
        with contextlib.suppress(ValueError):
            text = str(points) if float(text) > points else text  # nbgrader would refuse the whole notebook
        outputs.append(new_output("execute_result", data={"text/plain": text}, execution_count=1))
    return outputs


def examine(
    notebook: nbformat.NotebookNode,
    entries: Mapping[str, Entry],
    folder: Path,
    limits: Limits | None = None,
    *,
    pool: sandbox.Pool | None = None,
    without: set[str] | frozenset[str] = frozenset(),
) -> Examination:
    """Run a submission and examine it; its cells' outputs become what they printed and showed.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The submission, repaired (`autograder.examining.repair`). It is changed in place.
    entries : mapping of str to Entry
        The class's hidden cases, by exercise.
    folder : pathlib.Path
        The working folder of the submission's code.
    limits : Limits, optional
    pool : autograder.sandbox.Pool, optional
        Where warm sandboxes are kept between submissions; by default this process's own (`autograder.sandbox.pool`).
    without : set of str, optional
        Files and folders of `folder`, relative to it, that the submission is not given.

    Returns
    -------
    Examination

    Raises
    ------
    SandboxError
        If there is no sandbox here.
    AuthorError
        If the notebook checks an exercise that has no hidden cases.
    """
    return _Examining(notebook, entries, folder, limits or Limits(), pool or sandbox.pool(), without).run()


def write_verdict(cell: nbformat.NotebookNode, verdict: Verdict) -> float:
    """Put a verdict into its check cell: the report to read, and the score as nbgrader takes it, which is returned.

    Where an instructor's own tests in that cell failed, nbgrader meets that first, and the score is 0.
    """
    points = float(cell.metadata.nbgrader["points"])
    worth = f"{min(verdict.earned / verdict.points, 1.0) * points:.4f}"
    data = report.bundle(verdict, blind=True) | {"text/plain": worth if float(worth) <= points else str(points)}
    cell.execution_count = 1
    before = [output for output in cell.outputs if output.output_type != "execute_result"]
    cell.outputs = [*before, new_output("execute_result", data=data, execution_count=1)]
    return float(determine_grade(cell)[0])
