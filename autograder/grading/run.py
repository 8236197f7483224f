"""Grade an assignment's submissions: examined side by side, written by one, resumed where a run ended."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import nbformat
from nbformat import NotebookNode

from autograder import sandbox
from autograder.authoring.release import check_id
from autograder.classroom import Classroom
from autograder.errors import ClassroomError, NotWritten, Stopped
from autograder.examining import audit, repair
from autograder.grading import hidden_cases, lock, pool, submissions
from autograder.grading import job as jobs
from autograder.grading.gradebook import Writer, sentences
from autograder.grading.interrupt import Interrupts
from autograder.grading.report import Progress
from autograder.grading.result import FAILED, GRADED, MISSING, UNCHANGED, UNREADABLE, Result
from autograder.grading.store import Store
from autograder.grading.submissions import Submission


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_sandbox(room: Classroom, address: str | None) -> None:
    """Refuse to run submissions on this machine where no sandbox keeps them from the classroom.

    Parameters
    ----------
    room : Classroom
    address : str or None
        A Dask scheduler; its workers have sandboxes of their own.

    Raises
    ------
    ClassroomError
        With the reason, and what to do.
    """
    if not address and not sandbox.unsafe() and (reason := sandbox.trouble() or sandbox.exposes(room.root)):
        raise ClassroomError(reason)


@dataclass
class _Todo:
    """A submission that waits for its verdict."""

    submission: Submission
    job: jobs.Job
    mark: dict


def _joined(*notes: str) -> str:
    return " ".join(filter(None, notes))


class Run:
    """One run of ``autograder grade``.

    Parameters
    ----------
    room : Classroom
    assignment : str
        Its whole name.
    force : bool
        True runs again what has not changed since.
    """

    def __init__(self, room: Classroom, assignment: str, force: bool = False):
        self.room, self.assignment, self.force = room, assignment, force
        self.store = Store(room.root / ".graded" / assignment)
        path = room.root / "release" / assignment / f"{assignment}.ipynb"
        try:
            self.released = path.read_bytes()
        except OSError as error:
            raise ClassroomError(f"{path} cannot be read. Hand it out again: autograder assign {assignment}") from error
        self.locked = room.locked_cells(assignment)
        self.lateness = room.lateness()
        self.limits = asdict(room.limits())
        self.given = room.beside_source(assignment)
        self.chapters = hidden_cases.chapters_of(nbformat.reads(self.released.decode(), as_version=4))
        self._cases: dict[int, bytes] = {}
        self.results: dict[str, Result] = {}
        self.due = ""

    def job(self, submission: Submission) -> jobs.Job:
        """Return a submission's job."""
        nb = repair.prepared(submission.notebook, self.released, self.locked)
        return jobs.Job.make(nb, submission.files | self.given, self.cases(submission, nb), self.limits)

    def cases(self, submission: Submission, nb: NotebookNode) -> bytes:
        """Return the hidden cases that a submission meets."""
        seed = self.room.seed
        bank = hidden_cases.bank(self.store, seed, submission.student, nb, submission.files)
        if bank not in self._cases:
            self._cases[bank] = hidden_cases.of_class(self.store.folder, self.chapters, seed, bank)
        return self._cases[bank]

    def new_mark(self, submission: Submission, key: str, due: str) -> dict:
        """Return a submission's mark, without its scores: ``of`` is a fingerprint of all that they depend on."""
        files = {name: hashlib.sha256(content).hexdigest() for name, content in submission.files.items()}
        extension = self.room.extension(self.assignment, submission.student)
        late = [submission.timestamp, due, extension, self.lateness]
        notebook = hashlib.sha256(submission.notebook).hexdigest()
        whole = [key, notebook, hashlib.sha256(self.released).hexdigest(), files, late]
        of = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
        return {"of": of, "key": key, "notebook": notebook}

    def plan(self, names: list[str], writer: Writer) -> Iterator[_Todo]:
        """Look at one submission after the other, longest first; yield those that have a verdict or wait for one.

        The others are settled. A submission is read when it is its turn, so that a class does not fill the memory.
        """
        held, self.due = writer.graded(), writer.due()
        seconds = {name: self.store.mark(name).get("seconds") or float("inf") for name in names}
        for name in sorted(names, key=lambda name: -seconds[name]):
            submission = submissions.read(self.room, name, self.assignment)
            if submission.state == submissions.READY:
                try:
                    job = self.job(submission)
                    key = job.key
                except Exception as error:  # a notebook of a kind that nobody thought of
                    submission.state = submissions.UNREADABLE
                    submission.note = f"It is not a notebook that can be examined ({type(error).__name__}: {error})."[
                        :300
                    ]
            if submission.state != submissions.READY:
                self._settle(submission, writer, held)
                continue
            mark = self.store.mark(name)
            todo = _Todo(submission, job, self.new_mark(submission, key, self.due))
            if not self.force and mark.get("of") == todo.mark["of"] and self._stands(name, mark, held):
                self._stand_again(name, mark)
                self._note(writer, submission, UNCHANGED, _joined(submission.note, *mark.get("notes", [])))
            else:
                yield todo

    def _stands(self, name: str, mark: dict, held: dict) -> bool:
        """Whether the gradebook (it may be a backup's) and autograded/ still hold what the mark says."""
        done = self.room.root / "autograded" / name / self.assignment / f"{self.assignment}.ipynb"
        return done.exists() and held.get(name) is not None and held[name] == mark.get("scores")

    def _settle(self, submission: Submission, writer: Writer, held: dict) -> None:
        """Note a submission that is not examined. The grade of one before it stands, until there is something better."""
        name, why = submission.student, submission.note.removeprefix("Not graded: ")
        if self._is_graded(name, held):
            self.store.set_mark(name, self.store.mark(name) | {"stands": why})
            note = f"Not graded: {why} The grade of the submission before stands."
            self._note(writer, submission, FAILED, note)
        elif submission.state == submissions.REFUSED:
            self._note(writer, submission, FAILED, submission.note)
        elif (self.room.root / "submitted" / name / self.assignment).is_dir():
            writer.zero(name)
            state = MISSING if submission.state == submissions.MISSING else UNREADABLE
            self._note(writer, submission, state, submission.note)

    def _is_graded(self, name: str, held: dict) -> bool:
        """Whether the gradebook holds a grade that rests on a submission; that a mark was lost on the way changes nothing."""
        done = self.room.root / "autograded" / name / self.assignment / f"{self.assignment}.ipynb"
        return name in held and bool(self.store.mark(name).get("scores") or done.exists())

    def _stand_again(self, name: str, mark: dict) -> None:
        """Where the submission that was graded is back, no other one stands in its way any more."""
        if "stands" in mark:
            self.store.set_mark(name, {key: value for key, value in mark.items() if key != "stands"})

    def _note(self, writer: Writer, submission: Submission, state: str, note: str) -> Result:
        held, name = writer.scores(submission.student), submission.student
        score, points = (sum(pair[i] for pair in held.exercises.values()) for i in (0, 1))
        score = max(score - held.penalty, 0.0)
        if held.reopened:
            which = ", ".join(held.reopened)
            note += f" {which} has changed since you graded it: the score that you gave counts until you give another."
        undated = "" if submission.undated == submissions.MISSING and not self.due else submission.undated
        result = Result(
            *(name, state, score, points, note.strip(), held.exercises, held.penalty, held.seconds_late),
            open=held.open or bool(held.reopened),
            undated=undated,
        )
        self.results[name] = result
        return result

    def write(self, todo: _Todo, verdict: dict, writer: Writer) -> Result:
        """Put a verdict into the gradebook and mark it done."""
        name = todo.submission.student
        self.store.forget(name)
        nb = todo.job.opened()
        findings = [*repair.differences(nb), *(audit.Finding(**one) for one in verdict["findings"])]
        findings += todo.submission.findings
        try:
            if not jobs.apply(verdict, nb):
                raise NotWritten("Its verdict is another notebook's.")
            scores = writer.write(todo.submission, nb)
        except NotWritten as error:
            return self._note(writer, todo.submission, FAILED, f"Not graded: {error}")
        audit.record(self.room.root, self.assignment, name, findings)
        notes = [f"{one.text}." for one in findings if one.kind in repair.MOVED] + verdict.get("notes", [])
        facts = {"scores": scores, "seconds": verdict.get("seconds"), "notes": notes}
        self.store.set_mark(name, todo.mark | facts)
        return self._note(writer, todo.submission, GRADED, _joined(todo.submission.note, *notes))

    def place(self, todos: int, count: int, address: str | None) -> pool.Place:
        """Return where so many submissions are examined, as it was asked for."""
        if address:
            return pool.Cluster(address)
        return pool.Processes(min(count, todos)) if min(count, todos) > 1 else pool.InProcess()

    def run(self, names: list[str], count: int, address: str | None) -> None:
        """Grade students' submissions."""
        waiting: dict[str, _Todo] = {}

        def work() -> Iterator[tuple[str, jobs.Job]]:
            for todo in self.plan(names, writer):
                verdict = None if self.force else self.store.verdict(todo.job.key)
                if verdict is None:
                    waiting[todo.submission.student] = todo
                    yield todo.submission.student, todo.job
                else:
                    with interrupts.deferred():
                        self.write(todo, verdict, writer)
                tell()

        def tell() -> None:
            for name in [name for name in self.results if name not in told]:
                told.add(name)
                progress.one(self.results[name])

        told: set[str] = set()
        with (
            Interrupts() as interrupts,
            Progress(self.assignment, len(names)) as progress,
            Writer(self.room, self.assignment) as writer,
            contextlib.closing(pool.answers(lambda: self.place(len(names), count, address), work())) as answers,
        ):
            for name, answer in answers:
                with interrupts.deferred():
                    self._take(waiting.pop(name), answer, writer)
                tell()

    def _take(self, todo: _Todo, answer: pool.Answer, writer: Writer) -> Result:
        if answer.verdict is None:
            stop = "" if answer.error.endswith(".") else "."
            return self._note(writer, todo.submission, FAILED, f"Not graded: {answer.error}{stop}")
        self.store.keep(todo.job.key, answer.verdict)
        return self.write(todo, answer.verdict, writer)

    def verdicts(
        self, asked: dict[str, Submission], count: int, address: str | None
    ) -> Iterator[tuple[str, pool.Answer]]:
        """Return a verdict for each submission, from the store or by examining it; new ones are kept."""
        todos = []
        for name, submission in asked.items():
            job = self.job(submission)
            ready = self.store.verdict(job.key)
            if ready is not None:
                yield name, pool.Answer(ready)
            else:
                todos.append(_Todo(submission, job, self.store.mark(name)))
        keys = {todo.submission.student: todo.job.key for todo in todos}
        work = ((todo.submission.student, todo.job) for todo in todos)
        with contextlib.closing(pool.answers(lambda: self.place(len(todos), count, address), work)) as answers:
            for name, answer in answers:
                if answer.verdict is not None:
                    self.store.keep(keys[name], answer.verdict)
                yield name, answer

    def move(
        self, submission: Submission, verdict: dict, scores: dict[str, float], writer: Writer, whole: bool
    ) -> None:
        """Give a graded submission other scores in some exercises: in the gradebook and its graded notebook.

        Only where that is the `whole` verdict is the submission marked as done: otherwise the next grading has the rest.
        """
        name, job = submission.student, self.job(submission)
        nb = job.opened()
        jobs.apply(verdict, nb)
        outputs = {id: cell.outputs for cell in nb.cells if (id := repair.checked_exercise(cell)) in scores}
        writer.move(name, {check_id(id): score for id, score in scores.items()}, outputs)
        mark = self.store.mark(name)
        if whole:
            mark |= self.new_mark(submission, job.key, writer.due())
        self.store.set_mark(name, mark | {"scores": writer.graded_of(name), "seconds": verdict.get("seconds")})

    def tidy(self, everybody: list[str]) -> None:
        """Remove verdicts that nobody has any more."""
        self.store.sweep({self.store.mark(name).get("key", "") for name in everybody})


def grade(
    room: Classroom,
    assignment: str,
    only: list[str],
    force: bool = False,
    count: int | None = None,
    address: str | None = None,
) -> list[Result]:
    """Grade an assignment and show a progress bar.

    Parameters
    ----------
    room : Classroom
    assignment : str
        Its whole name.
    only : list of str
        Students to grade; empty for all.
    force : bool
        True runs again what has not changed since.
    count : int, optional
        How many submissions at once on this machine; by default as many as there are processors.
    address : str, optional
        A Dask scheduler, ``tcp://HOST:PORT``: submissions are examined on its workers.

    Returns
    -------
    list of Result
        One for each student, by name.

    Raises
    ------
    ClassroomError
        If something is wrong with the classroom, the gradebook, the disk or the cluster.
    Stopped
        If it was interrupted: what is done is kept, and the next run goes on from there.
    """
    require_sandbox(room, address)
    names = submissions.students(room, assignment, only)
    with sentences(room), lock.hold(room, f"grade {assignment}"):
        run = Run(room, assignment, force)
        if not only:  # a folder may have vanished since it was graded
            names = sorted({*names, *run.store.students()})
        try:
            run.run(names, count or cores(), address)
        except KeyboardInterrupt:
            done = sum(result.state in (GRADED, UNCHANGED) for result in run.results.values())
            raise Stopped(
                f"Stopped. {done} of {len(names)} are graded and kept. Run the same command again to go on."
            ) from None
        if not only:
            run.tidy(names)
    return [run.results[name] for name in names if name in run.results]
