"""Our steps in nbgrader's ``autograde``: put a submission's cells right, then examine it."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Unicode

from autograder import audit, intake
from autograder.examining import examiner
from autograder.examining.repair import checked_exercise, differences, repair
from autograder.grading import hidden_cases, job


class RepairCells(NbGraderPreprocessor):
    """Put back what a submission lost of its graded cells (see `autograder.examining.repair`)."""

    release = Unicode("", help="The classroom's release folder.").tag(config=True)

    def preprocess(self, nb, resources):
        """Repair a notebook."""
        name = resources["nbgrader"]["notebook"]
        path = Path(self.release) / resources["nbgrader"]["assignment"] / f"{name}.ipynb"
        if not path.exists():
            self.log.warning("There is no released notebook %s; cells are taken as they are.", path)
            return nb, resources
        repair(nb, nbformat.read(path, as_version=4))
        return nb, resources


class Examine(NbGraderPreprocessor):
    """Examine a submission on hidden inputs, in place of running its check cells.

    Each check cell's output becomes the examiner's report and score; nbgrader's ``SaveAutoGrades`` reads the score.
    """

    seed = Unicode("", help="The classroom's secret seed.").tag(config=True)
    classroom = Unicode("", help="The classroom's folder.").tag(config=True)
    cell_seconds = Float(60.0, help="Seconds that one cell may take.").tag(config=True)
    notebook_seconds = Float(900.0, help="Seconds that one notebook may take.").tag(config=True)
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
        for note in found.notes:
            self.log.warning("%s: %s", student, note)
        self._record(nb, assignment, student, found.findings)
        for cell in nb.cells:
            exercise = checked_exercise(cell)
            if exercise in found.verdicts:
                examiner.write_verdict(cell, found.verdicts[exercise])
        return nb, resources

    def _cases(self, assignment: str) -> bytes:
        return hidden_cases.of_class(Path(self.classroom) / ".graded" / assignment, assignment[:2], self.seed)

    def _links(self, assignment: str, student: str) -> set[str]:
        return intake.links(Path(self.classroom, "submitted", student, assignment)) if self.classroom else set()

    def _record(self, nb, assignment: str, student: str, findings: list[audit.Finding]) -> None:
        """Keep what is worth a look, with what `RepairCells` saw before."""
        before = differences(nb)
        links = [audit.Finding("link in the submission", name) for name in sorted(self._links(assignment, student))]
        if self.classroom:
            audit.record(Path(self.classroom), assignment, student, before + findings + links)
