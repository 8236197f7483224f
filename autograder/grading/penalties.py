"""What lateness costs: it follows each change of a score, by whomever, and formgrader's scores have it taken off.

nbgrader works a penalty out once, when a submission is graded. Here it is worked out again before each commit that
changes a grade, a time or a due date (`follow`), and once more before scores are shown (`settle`), since a gradebook can
be changed without our configuration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING

from sqlalchemy import event, func, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from nbgrader.api import Gradebook, SubmittedNotebook
    from traitlets.config import Config

_policies: dict[URL, Config] = {}


def follow(db_url: str, config: Config) -> None:
    """Let the penalties of a gradebook follow its scores, in whatever session of this process they are changed.

    Parameters
    ----------
    db_url : str
    config : traitlets.config.Config
        nbgrader's, with its ``AssignLatePenalties``.
    """
    _policies[make_url(db_url)] = config
    if not event.contains(Session, "before_flush", _before_flush):
        event.listen(Session, "before_flush", _before_flush)
        _take_off_in_formgrader()


def _before_flush(session: Session, _context: object, _instances: object) -> None:
    config = _policies.get(getattr(session.bind, "url", None))  # type: ignore[arg-type]
    if config is None:
        return
    with session.no_autoflush:
        changed = [*session.dirty, *session.new]
        for notebook in _concerned(changed):
            _refresh(session, notebook.assignment, "timestamp", "extension")
            _refresh(session, notebook.assignment.assignment, "duedate")
            _set(notebook, _raw(session, notebook, changed), config)


def _concerned(changed: Iterable[object]) -> set[SubmittedNotebook]:
    """Return the notebooks whose penalty may depend on what is changed."""
    from nbgrader.api import Assignment, Grade, SubmittedAssignment

    def moved(one: object, *names: str) -> bool:
        state = inspect(one)
        return any(state.attrs[name].history.has_changes() for name in names)

    found: set[SubmittedNotebook] = set()
    for one in changed:
        if isinstance(one, Grade) and one.notebook and moved(one, "auto_score", "manual_score", "extra_credit"):
            found.add(one.notebook)
        elif isinstance(one, SubmittedAssignment) and moved(one, "timestamp", "extension"):
            found.update(one.notebooks)
        elif isinstance(one, Assignment) and moved(one, "duedate"):
            found.update(notebook for submission in one.submissions for notebook in submission.notebooks)
    return found


def _refresh(session: Session, one: object, *names: str) -> None:
    """Read again what another process may have written since: formgrader keeps a session for days."""
    if inspect(one).persistent and one not in session.dirty:
        session.refresh(one, names)


def _raw(session: Session, notebook: SubmittedNotebook, changed: Iterable[object]) -> float:
    """Return a notebook's score as nbgrader counts it, before lateness: what is stored, and what is about to be."""
    from nbgrader.api import Grade

    columns = (Grade.id, Grade.auto_score, Grade.manual_score, Grade.extra_credit)
    stored = session.query(*columns).filter(Grade.notebook_id == notebook.id) if notebook.id else []
    found = {id: (auto, manual, extra) for id, auto, manual, extra in stored}
    for one in changed:
        if isinstance(one, Grade) and one.notebook is notebook:
            found[one.id or one] = (one.auto_score, one.manual_score, one.extra_credit)
    score = 0.0
    for auto, manual, extra in found.values():
        counts = manual if manual is not None else auto
        if counts is not None:
            score += float(counts) + float(extra or 0.0)  # what formgrader has just been sent is text
    return score


def _set(notebook: SubmittedNotebook, score: float, config: Config) -> bool:
    """Give a notebook the penalty of its score, as nbgrader's ``AssignLatePenalties`` does; say whether it is another."""
    from nbgrader.preprocessors import AssignLatePenalties

    submission, points = notebook.assignment, None
    late = submission.total_seconds_late if submission.assignment.duedate else 0.0
    if late > 0:
        step = AssignLatePenalties(config=config)
        step.init_plugin()
        points = step.plugin_inst.late_submission_penalty(submission.student_id, score, late)
    if points is not None:
        points = round(max(min(points, score), 0.0), 2)  # as points are given: 72.664 of 100 looks like a slip
    before = notebook.late_submission_penalty
    if points == before or (points and before and math.isclose(points, before, rel_tol=1e-6)):
        return False
    notebook.late_submission_penalty = points
    return True


def settle(gradebook: Gradebook, config: Config, assignments: Iterable[str] = ()) -> None:
    """Bring the penalties of a gradebook up to date with its scores.

    Parameters
    ----------
    gradebook : nbgrader.api.Gradebook
    config : traitlets.config.Config
        nbgrader's.
    assignments : iterable of str
        Their names; empty for all.
    """
    from nbgrader.api import Assignment, SubmittedAssignment, SubmittedNotebook

    rows = (
        gradebook.db.query(SubmittedNotebook, SubmittedNotebook.score)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .filter(
            (SubmittedAssignment.timestamp > Assignment.duedate) | SubmittedNotebook.late_submission_penalty.isnot(None)
        )
    )
    if names := list(assignments):
        rows = rows.filter(Assignment.name.in_(names))
    moved = [_set(notebook, score, config) for notebook, score in rows.all()]
    if any(moved):
        gradebook.db.commit()
    gradebook.db.rollback()  # a reader that keeps its transaction would block the writer


# --- formgrader -----------------------------------------------------------------------------------------------------


def _take_off_in_formgrader() -> None:
    """Take penalties off the scores that nbgrader's dictionaries hold: formgrader's pages show these alone.

    Scores of the database's own objects stay as they are: nbgrader's exporters take the penalty off themselves.
    """
    from nbgrader.api import Gradebook, Student, SubmittedAssignment, SubmittedNotebook

    for kind in (SubmittedAssignment, SubmittedNotebook):
        _wrap(kind, "to_dict", lambda one, found: _less(found, one.late_submission_penalty))
    _wrap(Student, "to_dict", lambda one, found: _less(found, sum(s.late_submission_penalty for s in one.submissions)))
    _wrap(Gradebook, "student_dicts", _less_each("student_id"))
    _wrap(Gradebook, "submission_dicts", _less_each("id"))
    _wrap(Gradebook, "notebook_submission_dicts", _less_each("notebook"))
    _wrap(Gradebook, "average_assignment_score", lambda book, mean, name: mean - _mean_penalty(book, name))
    _wrap(Gradebook, "average_notebook_score", lambda book, mean, one, name: mean - _mean_penalty(book, name, one))


def _less(found: dict, penalty: float | None) -> dict:
    penalty = penalty or 0.0
    return found | {"score": max((found["score"] or 0.0) - penalty, 0.0), "late_submission_penalty": penalty}


def _less_each(key: str) -> Callable:
    """Return what takes penalties off a list of dictionaries, whose ``id`` is that of a student, submission or notebook."""
    from nbgrader.api import SubmittedAssignment, SubmittedNotebook

    column = SubmittedNotebook.id if key == "notebook" else getattr(SubmittedAssignment, key)

    def less(gradebook: Gradebook, found: list[dict], *_asked: object) -> list[dict]:
        rows = gradebook.db.query(column, func.sum(SubmittedNotebook.late_submission_penalty)).group_by(column)
        penalties = dict(
            rows.join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id).all()
        )
        return [one if "late_submission_penalty" in one else _less(one, penalties.get(one["id"])) for one in found]

    return less


def _mean_penalty(gradebook: Gradebook, assignment: str, notebook: str = "") -> float:
    from nbgrader.api import Assignment, Notebook, SubmittedAssignment, SubmittedNotebook

    rows = (
        gradebook.db.query(
            func.sum(SubmittedNotebook.late_submission_penalty), func.count(SubmittedAssignment.id.distinct())
        )
        .select_from(SubmittedNotebook)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .filter(Assignment.name == assignment)
    )
    total, count = (rows.filter(Notebook.name == notebook) if notebook else rows).one()
    return (total or 0.0) / count if count else 0.0


def _wrap(kind: type, name: str, change: Callable) -> None:
    whole = getattr(kind, name)

    @wraps(whole)
    def changed(self, *args):
        return change(self, whole(self, *args), *args)

    setattr(kind, name, changed)
