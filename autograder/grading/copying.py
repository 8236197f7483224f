"""How nbgrader copies a submission in a classroom: plain files alone, and no link is followed.

nbgrader's own converters (``nbgrader autograde``, ``nbgrader generate_feedback``, formgrader's buttons) and its exchange copy
what a link leads to, and wait for a pipe. Their classes cannot be replaced by configuration, but for the exchange's; so
`guard` puts our copying in the place of theirs. It concerns submissions and graded ones, never an instructor's ``source/``.
"""

from __future__ import annotations

import fnmatch
import tempfile
from pathlib import Path

from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import ignore_patterns

from autograder.errors import Unbearable
from autograder.examining import folder as folders
from autograder.examining import refusal

_OF_STRANGERS = (Autograde, GenerateFeedback)
_MARK = "_introdl_guarded"


def refused(folder: Path, notebooks: list[str]) -> str:
    """Say why nbgrader is not let near a submission, or "".

    Parameters
    ----------
    folder : pathlib.Path
    notebooks : list of str
        Its notebooks, which nbgrader is about to open.
    """
    if folder.is_symlink():
        return f"{folder} is a link to another folder."
    for name in notebooks:
        if reason := refusal.reason(Path(name)):
            return f"{name} is not read. {reason}"
    return ""


def _drop_strange(converter: BaseConverter) -> None:
    """Take submissions out of what a converter has found that it must not open; what is graded of them stays."""
    reasons = []
    for folder in list(converter.assignments):
        if reason := refused(Path(folder), converter.assignments[folder]):
            converter.log.error(reason)
            reasons.append(reason)
            del converter.assignments[folder]
    if reasons and not converter.assignments:
        raise NbGraderException(" ".join(reasons))


def _copy_plain(converter: BaseConverter, assignment: str, student: str) -> None:
    """Copy what lies beside a submission's notebooks, in the place of `BaseConverter.init_assignment`."""
    source = Path(converter._format_source(assignment, student))
    dest = Path(converter._format_dest(assignment, student))
    beside = folders.beside(source)
    if said := beside.sentence():
        converter.log.warning("%s: %s", student, said)
    for name, content in beside.files.items():
        if not any(fnmatch.fnmatch(part, one) for part in Path(name).parts for one in converter.coursedir.ignore):
            path = dest / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(content)


def guard() -> None:
    """Put our copying in the place of nbgrader's, once in a process."""
    if getattr(BaseConverter, _MARK, False):
        return
    setattr(BaseConverter, _MARK, True)
    find, copy = BaseConverter.init_notebooks, BaseConverter.init_assignment

    def init_notebooks(self):
        find(self)
        if isinstance(self, _OF_STRANGERS):
            _drop_strange(self)

    def init_assignment(self, assignment_id, student_id):
        (_copy_plain if isinstance(self, _OF_STRANGERS) else copy)(self, assignment_id, student_id)

    BaseConverter.init_notebooks, BaseConverter.init_assignment = init_notebooks, init_assignment


class CollectPlainFiles(ExchangeCollect):
    """nbgrader's exchange, which leaves out of a collected submission what is no plain file."""

    def do_copy(self, src, dest, log=None):
        """Copy a submission."""
        try:
            found = folders.beside(Path(src), notebooks=True)
        except Unbearable as error:
            self.log.error("%s is not collected. %s", src, error)
            return
        if said := found.sentence():
            self.log.warning("%s: %s", src, said)
        course = self.coursedir
        unwanted = ignore_patterns(exclude=course.ignore, include=course.include, log=self.log)
        with tempfile.TemporaryDirectory(prefix="introdl-collect-") as clean:
            for name, content in found.files.items():
                if not any(unwanted(str(src), [part]) for part in Path(name).parts):
                    path = Path(clean, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
            super().do_copy(clean, dest)
