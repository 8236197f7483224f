"""Feedback pages: each check's report, the mistake by its name, and no hidden input."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Generator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from autograder.authoring import nbgrader_step
from autograder.classroom import Classroom
from autograder.errors import ClassroomError, Stopped
from autograder.grading import penalties
from autograder.grading.gradebook import last_error
from autograder.grading.run import cores
from autograder.grading.submissions import students
from introdl.data import progress
from introdl.wording import counted

#: Fewer pages are made here: a process takes seconds to start, a page a fraction of one.
_WORTH_A_PROCESS = 12


def _page(root: Path, assignment: str, student: str) -> str:
    """Write a student's page, as nbgrader's `NbGraderAPI.generate_feedback`, which insists on its own template.

    Returns
    -------
    str
        Why there is none, or "".
    """
    from nbgrader.converters import GenerateFeedback

    try:
        api = _api(root)
        result = nbgrader_step.run(GenerateFeedback, api.coursedir, api, assignment, student)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    return "" if result["success"] else last_error(result).removeprefix("nbgrader could not grade it: ")


_apis: dict[Path, object] = {}


def _api(root: Path):
    """Return nbgrader's API on a classroom; a process makes it once."""
    if root not in _apis:
        _apis[root] = Classroom.open(root).api()
    return _apis[root]


def _quiet() -> None:
    """Leave an interrupt to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _side_by_side(root: Path, assignment: str, names: list[str], count: int) -> Generator[tuple[str, str]]:
    """Write pages in processes; yield each name with why there is no page, or "".

    Where a process dies, its page and those that waited are tried once more, each in a process of its own.
    """
    left = dict.fromkeys(names)
    with contextlib.suppress(BrokenProcessPool), _processes(count) as executor:
        running: dict[Future, str] = {executor.submit(_page, root, assignment, name): name for name in names}
        for future in as_completed(running):
            trouble = future.result()
            del left[running[future]]
            yield running[future], trouble
    for name in left:
        try:
            with _processes(1) as executor:
                trouble = executor.submit(_page, root, assignment, name).result()
        except BrokenProcessPool:
            trouble = "the process that wrote it ended."
        yield name, trouble


@contextlib.contextmanager
def _processes(count: int) -> Generator[ProcessPoolExecutor]:
    executor = ProcessPoolExecutor(count, get_context("spawn"), _quiet)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def feedback(room: Classroom, assignment: str, only: list[str], count: int | None = None) -> list[Path]:
    """Write feedback pages, side by side, and return them.

    Parameters
    ----------
    room : Classroom
    assignment : str
        Its whole name.
    only : list of str
        Students; empty for all.
    count : int, optional
        How many pages at once; by default as many as there are processors.

    Raises
    ------
    ClassroomError
        If there is nothing graded, or a page cannot be written: the others are, and the sentence names whose is not.
    Stopped
        If it was interrupted.
    """
    graded = [n for n in students(room, assignment, only) if (room.root / "autograded" / n / assignment).is_dir()]
    if not graded:
        raise ClassroomError(f"Nothing of {assignment} is graded yet. First: autograder grade {assignment}")
    with room.gradebook() as gradebook:
        penalties.settle(gradebook, room.api().config, [assignment])
    count = min(count or cores(), 1 + len(graded) // _WORTH_A_PROCESS)
    written = (
        _side_by_side(room.root, assignment, graded, count)
        if count > 1
        else ((name, _page(room.root, assignment, name)) for name in graded)
    )
    missing: dict[str, str] = {}
    try:
        with progress.bar(f"Feedback on {assignment}", len(graded), "students") as tick, contextlib.closing(written):
            for number, (name, trouble) in enumerate(written, 1):
                if trouble:
                    missing[name] = trouble
                tick(number, f"{len(missing)} failed" if missing else "")
    except KeyboardInterrupt:
        raise Stopped("Stopped. The pages that are written stay; run the same command again for the others.") from None
    if missing:
        told = "; ".join(f"{name}: {why.rstrip('.')}" for name, why in sorted(missing.items()))
        raise ClassroomError(
            f"{counted(len(graded) - len(missing), 'feedback page')} written. There is none for {told}. "
            f"Grade again ('autograder grade {assignment} --force --only NAME'), then write the feedback again."
        )
    folders = [room.root / "feedback" / name / assignment for name in graded]
    return [page for folder in folders for page in sorted(folder.glob("*.html"))]
