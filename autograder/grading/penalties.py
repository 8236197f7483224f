"""What lateness costs: it follows each change of a score, by whomever, and formgrader's scores have it taken off.

nbgrader works a penalty out once, when a submission is graded. Here it is worked out again before each commit that
changes a grade, a time or a due date (`follow`), and once more before scores are shown (`settle`), since a gradebook can
be changed without our configuration.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from nbgrader.api import Gradebook, Grade, SubmittedNotebook
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
        for notebook in _concerned([*session.dirty, *session.new]):
            _set(notebook, _raw(notebook.grades), config)


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


def _raw(grades: Iterable[Grade]) -> float:
    """Return the sum of grades as nbgrader counts it, before lateness."""
    score = 0.0
    for grade in grades:
        counts = grade.manual_score if grade.manual_score is not None else grade.auto_score
        if counts is not None:
            score += counts + (grade.extra_credit or 0.0)
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
        points = max(min(points, score), 0.0)
    if points == notebook.late_submission_penalty:
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
        .filter((SubmittedAssignment.timestamp > Assignment.duedate) | SubmittedNotebook.late_submission_penalty.isnot(None))
    )
    if names := list(assignments):
        rows = rows.filter(Assignment.name.in_(names))
    if any([_set(notebook, score, config) for notebook, score in rows.all()]):
        gradebook.db.commit()
    gradebook.db.rollback()  # a reader that keeps its transaction would block the writer


# --- formgrader -----------------------------------------------------------------------------------------------------


def _take_off_in_formgrader() -> None:
    """Take penalties off the scores that nbgrader's dictionaries hold: formgrader's pages show these alone.

    Scores of the database's own objects stay as they are: nbgrader's exporters take the penalty off themselves.
    """
    from nbgrader import api

    for kind in (api.SubmittedAssignment, api.SubmittedNotebook):
        _wrap(kind, "to_dict", lambda one, found: _less(found, one.late_submission_penalty))
    _wrap(api.Student, "to_dict", lambda one, found: _less(found, sum(_of(s) for s in one.submissions)))
    _wrap(api.Gradebook, "student_dicts", _less_each(api.SubmittedAssignment.student_id))
    _wrap(api.Gradebook, "submission_dicts", _less_each(api.SubmittedAssignment.id))
    _wrap(api.Gradebook, "notebook_submission_dicts", _less_each(api.SubmittedNotebook.id))


def _of(submission: Any) -> float:
    return submission.late_submission_penalty or 0.0


def _less(found: dict, penalty: float | None) -> dict:
    return found | {"score": max((found["score"] or 0.0) - (penalty or 0.0), 0.0), "late_submission_penalty": penalty or 0.0}


def _less_each(key: Any):
    """Return what takes penalties off a list of dictionaries, each known by `key`."""
    from nbgrader.api import SubmittedAssignment, SubmittedNotebook
    from sqlalchemy import func

    def less(gradebook: Gradebook, found: list[dict]) -> list[dict]:
        rows = (
            gradebook.db.query(key, func.sum(SubmittedNotebook.late_submission_penalty))
            .select_from(SubmittedNotebook)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
            .group_by(key)
        )
        penalties = dict(rows.all())
        return [one if "late_submission_penalty" in one else _less(one, penalties.get(one["id"])) for one in found]

    return less


def _wrap(kind: type, name: str, change) -> None:
    whole = getattr(kind, name)

    @wraps(whole)
    def changed(self, *args, **kwargs):
        return change(self, whole(self, *args, **kwargs))

    setattr(kind, name, changed)
