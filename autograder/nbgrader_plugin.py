"""What nbgrader is given of ours: three steps of ``autograde``, a late penalty, and a classroom's configuration.

A classroom's ``nbgrader_config.py`` imports it. Nothing else of the autograder does, but for `autograder.classroom.configure`,
which classrooms that were made earlier call.
"""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import nbformat
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import NbGraderPreprocessor
from tornado.log import LogFormatter
from traitlets import Float, Unicode

from autograder.classroom import Classroom
from autograder.examining import audit, examiner, refusal, sanitize
from autograder.examining.repair import checked_exercise, differences, repair
from autograder.grading import hidden_cases, job
from autograder.pages import formgrader, rendering
from autograder.plain_text import printable


class PlainLog(LogFormatter):
    """nbgrader's log, in which a submission's name or a sentence of its code does nothing to a terminal."""

    def format(self, record):
        """Format a record."""
        record = copy.copy(record)
        record.msg, record.args = printable(record.getMessage()), None
        return super().format(record)

    def formatException(self, trouble):  # noqa: N802
        """Format a traceback."""
        return printable(super().formatException(trouble))


class RepairCells(NbGraderPreprocessor):
    """Put back what a submission lost of its graded cells (see `autograder.examining.repair`)."""

    release = Unicode("", help="The classroom's release folder.").tag(config=True)

    def preprocess(self, nb, resources):
        """Repair a notebook."""
        name = resources["nbgrader"]["notebook"]
        path = Path(self.release) / resources["nbgrader"]["assignment"] / f"{name}.ipynb"
        if path.exists():
            repair(nb, nbformat.read(path, as_version=4))
        else:
            self.log.warning("There is no released notebook %s; cells are taken as they are.", path)
            sanitize.notebook(nb)
        return nb, resources


class Sanitize(NbGraderPreprocessor):
    """Sanitize a notebook on its way to a page: what was graded earlier, or was changed since, is not clean yet."""

    def preprocess(self, nb, resources):
        """Sanitize a notebook."""
        sanitize.notebook(nb, rendered=True)
        return nb, resources


class Examine(NbGraderPreprocessor):
    """Examine a submission on hidden inputs, in place of running its check cells.

    Each check cell's output becomes the examiner's report and score; nbgrader's ``SaveAutoGrades`` reads the score.
    """

    seed = Unicode("", help="The classroom's secret seed.").tag(config=True)
    classroom = Unicode("", help="The classroom's folder.").tag(config=True)
    cell_seconds = Float(examiner.Limits.cell, help="Seconds that one cell may take.").tag(config=True)
    notebook_seconds = Float(examiner.Limits.notebook, help="Seconds that one notebook may take.").tag(config=True)
    ready = Unicode("", help="A file with the notebook's verdict; nothing is run then.").tag(config=True)

    def limits(self) -> examiner.Limits:
        """Return the limits under which a submission runs."""
        return examiner.Limits(self.cell_seconds, self.notebook_seconds)

    def preprocess(self, nb, resources):
        """Examine a notebook, or take the verdict that is ready."""
        student, assignment = resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]
        if self.ready:
            verdict = json.loads(Path(self.ready).read_text())
            if job.apply(verdict, nb):
                self._record(nb, assignment, student, [audit.Finding(**one) for one in verdict["findings"]])
                return nb, resources
            self.log.warning("Another step changed its code: it is examined as it stands now.")
        if not self.seed:
            raise ValueError("Examine.seed is empty. Grade in a folder that 'autograder classroom init' made.")
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        entries = hidden_cases.read(self._cases(assignment))
        found = examiner.examine(nb, entries, folder, self.limits(), without=self._links(assignment, student))
        for sentence in found.notes:
            self.log.warning("%s: %s", printable(student), printable(sentence))
        self._record(nb, assignment, student, found.findings)
        for cell in nb.cells:
            exercise = checked_exercise(cell)
            if exercise in found.verdicts:
                examiner.write_verdict(cell, found.verdicts[exercise])
            if cell.cell_type == "code":
                cell.outputs = sanitize.outputs(cell.outputs)
        return nb, resources

    def _cases(self, assignment: str) -> bytes:
        return hidden_cases.of_class(Path(self.classroom) / ".graded" / assignment, assignment[:2], self.seed)

    def _links(self, assignment: str, student: str) -> set[str]:
        return refusal.links(Path(self.classroom, "submitted", student, assignment)) if self.classroom else set()

    def _record(self, nb, assignment: str, student: str, findings: list[audit.Finding]) -> None:
        """Keep what is worth a look, with what `RepairCells` saw before."""
        before = differences(nb)
        links = [audit.Finding("link in the submission", name) for name in sorted(self._links(assignment, student))]
        if self.classroom:
            audit.record(Path(self.classroom), assignment, student, before + findings + links)


class PerDay(LateSubmissionPlugin):
    """A penalty for each day begun after the due date; nbgrader's ``AssignLatePenalties`` asks it."""

    percent_per_day = Float(0.0, help="Percent of the score for each day begun.").tag(config=True)
    most_percent = Float(100.0, help="It never costs more percent than this.").tag(config=True)
    grace_minutes = Float(0.0, help="So much later is still in time.").tag(config=True)

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        """Return the points to take off, or None."""
        if total_seconds_late <= 60 * self.grace_minutes:
            return None
        percent = min(self.percent_per_day * math.ceil(total_seconds_late / 86400), self.most_percent)
        return score * percent / 100 if percent > 0 else None


def configure(config, root: Path) -> None:
    """Set nbgrader up for a classroom; its ``nbgrader_config.py`` calls this.

    Parameters
    ----------
    config : traitlets.config.Config
    root : pathlib.Path
        The classroom's folder.
    """
    from nbgrader.converters import Autograde
    from nbgrader.preprocessors import Execute

    from autograder.authoring import release

    room = Classroom.open(root)
    config.CourseDirectory.root = str(room.root)
    config.CourseDirectory.course_id = room.name
    if "db_url" not in config.CourseDirectory:
        config.CourseDirectory.db_url = room.database or f"sqlite:///{room.root}/gradebook.db"
    if room.late and "plugin_class" not in config.AssignLatePenalties:
        config.AssignLatePenalties.plugin_class = PerDay
        for name, value in room.late.items():
            config.PerDay[name] = value
    config.NbGrader.logging_config = {"formatters": {"console": {"class": "autograder.nbgrader_plugin.PlainLog"}}}
    config.GenerateAssignment.preprocessors = release.preprocessors()
    sanitizing = Autograde.sanitize_preprocessors.default_args[0]
    config.Autograde.sanitize_preprocessors = [RepairCells, *sanitizing]
    grading = Autograde.autograde_preprocessors.default_args[0]
    config.Autograde.autograde_preprocessors = [Examine if step is Execute else step for step in grading]
    config.RepairCells.release = str(room.root / "release")
    config.Examine.seed = room.seed
    config.Examine.classroom = str(room.root)
    _configure_pages(config)
    config.ExportApp.plugin_class = "autograder.export.ExerciseExport"


def _configure_pages(config) -> None:
    """Give feedback and formgrader pages on which nothing of a student's runs, and which load nothing from elsewhere.

    Whatever template an instructor chooses, notebooks are sanitized on the way to it.
    """
    import nbgrader.server_extensions.formgrader as nbgraders

    from autograder.pages.feedback import FeedbackPage

    formgrader.guard()
    config.HTMLExporter.sanitize_html = True
    config.HTMLExporter.preprocessors = [*config.HTMLExporter.get("preprocessors", []), Sanitize]
    config.HTMLExporter.filters = {**config.HTMLExporter.get("filters", {}), **rendering.FILTERS}
    ours, theirs = Path(__file__).parent / "pages" / "templates", Path(nbgraders.__file__).parent / "templates"
    folders = [str(ours), str(theirs)]
    config.GenerateFeedback.exporter_class = FeedbackPage
    config.FeedbackPage.template_name, config.FeedbackPage.template_file = "graded", "graded.html.j2"
    config.FeedbackPage.extra_template_basedirs = folders
    if "template_name" not in config.HTMLExporter:
        config.HTMLExporter.template_name, config.HTMLExporter.template_file = "marking", "marking.html.j2"
        config.HTMLExporter.extra_template_basedirs = folders
