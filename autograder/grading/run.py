"""Grade an assignment's submissions: examined side by side, written by one, resumed where a run ended."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass

import nbformat

from autograder import sandbox
from autograder.authoring.release import check_id
from autograder.classroom import Classroom
from autograder.errors import ClassroomError, NotWritten, Stopped
from autograder.examining import repair
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
        self.limits = asdict(room.limits())
        self.given = room.beside_source(assignment)
        chapters = hidden_cases.chapters_of(nbformat.reads(self.released.decode(), as_version=4))
        self.cases = hidden_cases.of_class(self.store.folder, chapters, room.seed)
        self.results: dict[str, Result] = {}

    def job(self, submission: Submission) -> jobs.Job:
        """Return a submission's job."""
        nb = repair.prepared(submission.notebook, self.released, self.locked)
        return jobs.Job.make(nb, submission.files | self.given, self.cases, self.limits)

    def new_mark(self, submission: Submission, key: str, due: str) -> dict:
        """Return a submission's mark, without its scores: ``of`` is a fingerprint of all that they depend on."""
        files = {name: hashlib.sha256(content).hexdigest() for name, content in submission.files.items()}
        extension = self.room.extension(self.assignment, submission.student)
        late = [submission.timestamp, due, extension, self.room.lateness()]
        notebook = hashlib.sha256(submission.notebook).hexdigest()
        whole = [key, notebook, hashlib.sha256(self.released).hexdigest(), files, late]
        of = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
        return {"of": of, "key": key, "notebook": notebook}

    def plan(self, names: list[str], writer: Writer) -> tuple[list[_Todo], list[_Todo]]:
        """Look at every submission; return those to examine, longest first, and those whose verdict is ready."""
        held, due = writer.graded(), writer.due()
        examine, ready = [], []
        for name in names:
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
            todo = _Todo(submission, job, self.new_mark(submission, key, due))
            todo.mark["seconds"] = mark.get("seconds")
            if not self.force and mark.get("of") == todo.mark["of"] and self._stands(name, mark, held):
                self._note(writer, name, UNCHANGED, submission.note)
            elif not self.force and self.store.verdict(key) is not None:
                ready.append(todo)
            else:
                examine.append(todo)
        examine.sort(key=lambda todo: -(todo.mark["seconds"] or float("inf")))
        return examine, ready

    def _stands(self, name: str, mark: dict, held: dict) -> bool:
        """Whether the gradebook (it may be a backup's) and autograded/ still hold what the mark says."""
        done = self.room.root / "autograded" / name / self.assignment / f"{self.assignment}.ipynb"
        return done.exists() and held.get(name) is not None and held[name] == mark.get("scores")

    def _settle(self, submission: Submission, writer: Writer, held: dict) -> None:
        """Note a submission that is not examined. The grade of one before it stands, until there is something better."""
        graded = self.store.mark(submission.student).get("scores") and submission.student in held
        if graded and submission.state != submissions.REFUSED:
            note = f"Not graded: {submission.note} The grade of the submission before stands."
            self._note(writer, submission.student, FAILED, note)
            return
        self.store.forget(submission.student)
        if submission.state == submissions.REFUSED:
            self._note(writer, submission.student, FAILED, submission.note)
            return
        writer.zero(submission.student)
        state = MISSING if submission.state == submissions.MISSING else UNREADABLE
        self._note(writer, submission.student, state, submission.note)

    def _note(self, writer: Writer, name: str, state: str, note: str) -> Result:
        held = writer.scores(name)
        score, points = (sum(pair[i] for pair in held.exercises.values()) for i in (0, 1))
        score = max(score - held.penalty, 0.0)
        result = Result(name, state, score, points, note, held.exercises, held.penalty, held.seconds_late, held.open)
        self.results[name] = result
        return result

    def write(self, todo: _Todo, verdict: dict, writer: Writer) -> Result:
        """Put a verdict into the gradebook and mark it done."""
        name = todo.submission.student
        self.store.forget(name)
        try:
            writer.write(
                name, self.store.verdict_path(todo.job.key), in_time=not submissions.is_date(todo.submission.timestamp)
            )
        except NotWritten as error:
            return self._note(writer, name, FAILED, str(error))
        mark = todo.mark | {"scores": writer.graded_of(name), "seconds": verdict.get("seconds")}
        self.store.set_mark(name, mark)
        note = " ".join([todo.submission.note, *verdict.get("notes", [])]).strip()
        return self._note(writer, name, GRADED, note)

    def answers(self, todos: list[_Todo], count: int, address: str | None) -> Generator[tuple[str, pool.Answer]]:
        """Examine submissions, wherever it was asked for."""
        place: pool.Place = pool.InProcess()
        if todos and address:
            place = pool.Cluster(address)
        elif min(count, len(todos)) > 1:
            place = pool.Processes(min(count, len(todos)))
        return pool.answers(place, ((todo.submission.student, todo.job) for todo in todos))

    def run(self, names: list[str], count: int, address: str | None) -> None:
        """Grade students' submissions."""
        with (
            Interrupts() as interrupts,
            Progress(self.assignment, len(names)) as progress,
            Writer(self.room, self.assignment) as writer,
        ):
            examine, ready = self.plan(names, writer)
            for result in self.results.values():
                progress.one(result)
            by_name = {todo.submission.student: todo for todo in examine}
            with contextlib.closing(self.answers(examine, count, address)) as answers:
                for todo in ready:
                    with interrupts.deferred():
                        progress.one(self.write(todo, self.store.verdict(todo.job.key) or {}, writer))
                for name, answer in answers:
                    with interrupts.deferred():
                        progress.one(self._take(by_name[name], answer, writer))

    def _take(self, todo: _Todo, answer: pool.Answer, writer: Writer) -> Result:
        if answer.verdict is None:
            stop = "" if answer.error.endswith(".") else "."
            return self._note(writer, todo.submission.student, FAILED, f"Not graded: {answer.error}{stop}")
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
        with contextlib.closing(self.answers(todos, count, address)) as answers:
            for name, answer in answers:
                if answer.verdict is not None:
                    self.store.keep(keys[name], answer.verdict)
                yield name, answer

    def move(self, submission: Submission, verdict: dict, scores: dict[str, float], writer: Writer) -> None:
        """Give a graded submission other scores in some exercises: in the gradebook and its graded notebook."""
        name, job = submission.student, self.job(submission)
        nb = job.opened()
        jobs.apply(verdict, nb)
        outputs = {id: cell.outputs for cell in nb.cells if (id := repair.checked_exercise(cell)) in scores}
        writer.move(name, {check_id(id): score for id, score in scores.items()}, outputs)
        mark = self.new_mark(submission, job.key, writer.due())
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
        try:
            run.run(names, count or cores(), address)
        except KeyboardInterrupt:
            done = sum(result.state in (GRADED, UNCHANGED) for result in run.results.values())
            raise Stopped(
                f"Stopped. {done} of {len(names)} are graded and kept. Run the same command again to go on."
            ) from None
        if not only:
            run.tidy(names)
    return [run.results[name] for name in names]
