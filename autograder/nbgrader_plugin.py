"""What nbgrader is given of ours: steps of ``autograde`` and feedback, a late penalty, and a classroom's configuration.

A classroom's ``nbgrader_config.py`` imports it. Nothing else of the autograder does, but for `autograder.classroom.configure`,
which classrooms that were made earlier call.
"""

from __future__ import annotations

import copy
import math
import urllib.parse
from functools import wraps
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from tornado.log import LogFormatter
from traitlets import Float, Unicode

from autograder.classroom import Classroom
from autograder.deadlines import NoDate, parse_timestamp
from autograder.examining import audit, examiner, refusal, sanitize
from autograder.examining import folder as folders
from autograder.examining.repair import checked_exercise, differences, repair
from autograder.grading import by_hand, hidden_cases, penalties, submissions
from autograder.grading.store import Store
from autograder.grading.submissions import TIMESTAMP
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
    """Examine a submission on hidden inputs instead of running its check cells.

    Each check cell's output becomes the examiner's report and score; nbgrader's ``SaveAutoGrades`` reads the score.
    """

    seed = Unicode("", help="The classroom's secret seed.").tag(config=True)
    classroom = Unicode("", help="The classroom's folder.").tag(config=True)
    cell_seconds = Float(examiner.Limits.cell, help="Seconds that one cell may take.").tag(config=True)
    notebook_seconds = Float(examiner.Limits.notebook, help="Seconds that one notebook may take.").tag(config=True)

    def limits(self) -> examiner.Limits:
        """Return the limits under which a submission runs."""
        return examiner.Limits(self.cell_seconds, self.notebook_seconds)

    def preprocess(self, nb, resources):
        """Examine a notebook."""
        student, assignment = resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]
        if not self.seed:
            raise ValueError("Examine.seed is empty. Grade in a folder that 'autograder classroom init' made.")
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        entries = hidden_cases.read(self._cases(nb, assignment, student))
        links = refusal.links(self._submitted(assignment, student)) if self.classroom else set()
        found = examiner.examine(nb, entries, folder, self.limits(), without=links)
        for note in found.notes:
            self.log.warning("%s: %s", printable(student), printable(note))
        self._record(nb, assignment, student, found.findings)
        for cell in nb.cells:
            exercise = checked_exercise(cell)
            if exercise in found.verdicts:
                examiner.write_verdict(cell, found.verdicts[exercise])
            if cell.cell_type == "code":
                cell.outputs = sanitize.outputs(cell.outputs)
        return nb, resources

    def _cases(self, nb, assignment: str, student: str) -> bytes:
        """Return the hidden cases that ``autograder grade`` would take."""
        store = Store(Path(self.classroom) / ".graded" / assignment)
        try:
            files = folders.beside(self._submitted(assignment, student), frozenset([TIMESTAMP])).files
        except FileNotFoundError:  # it was graded before, and is taken from autograded/
            files = {}
        bank = hidden_cases.bank(store, self.seed, student, nb, files)
        return hidden_cases.of_class(store.folder, hidden_cases.chapters_of(nb), self.seed, bank)

    def _submitted(self, assignment: str, student: str) -> Path:
        return Path(self.classroom, "submitted", student, assignment)

    def _record(self, nb, assignment: str, student: str, findings: list[audit.Finding]) -> None:
        """Keep what is worth a look, with what `RepairCells` saw before."""
        before = differences(nb)
        if self.classroom:
            links = refusal.seen(self._submitted(assignment, student))
            audit.record(Path(self.classroom), assignment, student, before + findings + links)


class KeepReports(NbGraderPreprocessor):
    """Leave out of a feedback page what the submission's own code printed and showed while it was graded."""

    def preprocess(self, nb, resources):
        """Take a graded notebook's outputs out, but for reports."""
        examiner.without_outputs(nb)
        return nb, resources


class SaveGrades(SaveAutoGrades):
    """nbgrader's step, but what a person graded stays closed while the answer is the same."""

    classroom = Unicode("", help="The classroom's folder.").tag(config=True)

    def preprocess(self, nb, resources):
        """Save a notebook's automatic scores."""
        who = Path(self.classroom), resources["nbgrader"]["assignment"], resources["nbgrader"]["student"]
        self._now, self._before = by_hand.answers(nb), by_hand.before(*who)
        nb, resources = super().preprocess(nb, resources)
        by_hand.keep(*who, self._now)
        return nb, resources

    def _add_score(self, cell, resources):
        name = cell.metadata["nbgrader"]["grade_id"]
        grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        was_open = grade.needs_manual_grade
        super()._add_score(cell, resources)
        grade.needs_manual_grade = was_open
        grade.needs_manual_grade = by_hand.is_open(grade, name, self._before, self._now)
        self.gradebook.db.commit()


class SayWhatStands(NbGraderPreprocessor):
    """Let a feedback page say where a later submission could not be read, and which answers wait for a person."""

    classroom = Unicode("", help="The classroom's folder.").tag(config=True)

    def preprocess(self, nb, resources):
        """Add the reason to what the page's template gets."""
        names = resources["nbgrader"]
        mark = Store(Path(self.classroom) / ".graded" / names["assignment"]).mark(names["student"])
        names["stands"] = mark.get("stands", "")
        with Gradebook(names["db_url"]) as book:
            grades = book.find_submission_notebook(names["notebook"], names["assignment"], names["student"]).grades
            names["waiting"] = [one.name for one in grades if one.needs_manual_grade and one.manual_score is None]
        return nb, resources


def existing_timestamp(_course: object, folder: str):
    """Return when something was handed in, as `autograder grade` reads it; nbgrader's own reading guesses.

    It takes the place of ``CourseDirectory.get_existing_timestamp``.
    """
    try:
        text = submissions.timestamp(Path(folder))
        return parse_timestamp(text)[0] if text else None
    except NoDate:
        return None


def submitted_timestamp(api, assignment: str, student: str):
    """Return when what is graded of a student was handed in; formgrader shows 0 points where the gradebook says otherwise.

    It takes the place of ``NbGraderAPI.get_submitted_timestamp``.
    """
    course = api.coursedir
    stands = Store(Path(course.root) / ".graded" / assignment).mark(student).get("stands")
    step = course.autograded_directory if stands else course.submitted_directory
    return existing_timestamp(course, course.format_path(step, student, assignment))


def keep_what_stands(whole):
    """Wrap ``Autograde.init_destination``, which would remove a graded notebook for a submission that cannot be read."""

    @wraps(whole)
    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        path = Path(self._format_source(assignment_id, student_id)) / f"{assignment_id}.ipynb"
        done = Path(self._format_dest(assignment_id, student_id)).exists()
        why = submissions.unreadable(path) if path.exists() else f"There is no {path.name}."
        if done and why:
            self.log.error("%s: Not graded: %s The grade of the submission before stands.", student_id, why)
            return False
        return whole(self, assignment_id, student_id)

    return init_destination


class PerDay(LateSubmissionPlugin):
    """A penalty for each started day after the due date; nbgrader's ``AssignLatePenalties`` asks it."""

    percent_per_day = Float(0.0, help="Percent of the score for each started day.").tag(config=True)
    most_percent = Float(100.0, help="It never costs more percent than this.").tag(config=True)
    grace_minutes = Float(0.0, help="So many minutes after the due date still count as in time.").tag(config=True)

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        """Return the points to take off, or None."""
        if total_seconds_late <= 60 * self.grace_minutes:
            return None
        percent = min(self.percent_per_day * math.ceil(total_seconds_late / 86400), self.most_percent)
        return score * percent / 100 if percent > 0 else None


def _sqlite(path: Path) -> str:
    """Return the address of a file's database; in a plain one a "?" would begin the options."""
    return f"sqlite:///file:{urllib.parse.quote(str(path))}?uri=true" if "?" in str(path) else f"sqlite:///{path}"


def configure(config, root: Path) -> None:
    """Set nbgrader up for a classroom; its ``nbgrader_config.py`` calls this.

    Parameters
    ----------
    config : traitlets.config.Config
    root : pathlib.Path
        The classroom's folder.
    """
    from nbgrader.apps import NbGraderAPI
    from nbgrader.converters import Autograde, GenerateFeedback
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import Execute

    from autograder.authoring import release
    from autograder.grading import copying

    copying.guard()
    if "collect" not in config.ExchangeFactory:
        config.ExchangeFactory.collect = copying.CollectPlainFiles
    room = Classroom.open(root)
    config.CourseDirectory.root = str(room.root)
    config.CourseDirectory.course_id = room.name
    if "db_url" not in config.CourseDirectory:
        config.CourseDirectory.db_url = room.database or _sqlite(room.root / "gradebook.db")
    if room.late and "plugin_class" not in config.AssignLatePenalties:
        config.AssignLatePenalties.plugin_class = PerDay
        for name, value in room.late.items():
            config.PerDay[name] = value
    penalties.follow(config.CourseDirectory.db_url, config)
    config.NbGrader.logging_config = {"formatters": {"console": {"class": "autograder.nbgrader_plugin.PlainLog"}}}
    config.GenerateAssignment.preprocessors = release.preprocessors()
    sanitizing = Autograde.sanitize_preprocessors.default_args[0]
    config.Autograde.sanitize_preprocessors = [RepairCells, *sanitizing]
    grading = Autograde.autograde_preprocessors.default_args[0]
    ours = {Execute: Examine, SaveAutoGrades: SaveGrades}
    config.Autograde.autograde_preprocessors = [ours.get(step, step) for step in grading]
    config.GenerateFeedback.preprocessors = [
        *(KeepReports, SayWhatStands),
        *GenerateFeedback.preprocessors.default_args[0],
    ]
    CourseDirectory.get_existing_timestamp = existing_timestamp
    NbGraderAPI.get_submitted_timestamp = submitted_timestamp
    if not hasattr(Autograde.init_destination, "__wrapped__"):
        Autograde.init_destination = keep_what_stands(Autograde.init_destination)
    config.RepairCells.release = str(room.root / "release")
    config.Examine.seed = room.seed
    for step in ("Examine", "SaveGrades", "SayWhatStands"):
        config[step].classroom = str(room.root)
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
