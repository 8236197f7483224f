"""One step of nbgrader's for one assignment, whatever characters the names of folders and students hold."""

from __future__ import annotations

import os
from pathlib import Path

from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log, temp_attrs
from traitlets.config import Configurable


class _ByName:
    """nbgrader looks for notebooks with patterns, to which a folder ``Autumn [A]`` is no name: here names are names."""

    def init_notebooks(self: BaseConverter) -> None:
        folder = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        self.notebooks: list[str] = []
        self.assignments = {folder: [os.path.join(folder, path.name) for path in sorted(Path(folder).glob("*.ipynb"))]}
        if not self.assignments[folder]:
            raise NbGraderException(f"There is no notebook in {folder}.")


def run(
    step: type[BaseConverter], coursedir: CourseDirectory, parent: Configurable, assignment: str, student: str = "."
) -> dict:
    """Run a step, over what it made before.

    Parameters
    ----------
    step : type
        One of nbgrader's converters.
    coursedir : nbgrader.coursedir.CourseDirectory
    parent : traitlets.config.Configurable
        Who has the configuration.
    assignment, student : str

    Returns
    -------
    dict
        ``success``, ``log`` and ``error``, as nbgrader's API has them.
    """
    # Of its own name, under which the configuration has its settings.
    by_name = type(step.__name__, (_ByName, step), {})
    with temp_attrs(coursedir, assignment_id=assignment, student_id=student):
        app = by_name(coursedir=coursedir, parent=parent)
        app.force = True
        return capture_log(app)
