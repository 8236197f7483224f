"""Our steps in nbgrader's ``autograde``: put a submission's cells right, then examine it."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path

import nbformat
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Unicode

from autograder import audit, examiner, intake

_REPAIRED = "introdl_repaired"


class RepairCells(NbGraderPreprocessor):
    """Put back what a submission lost of its graded cells: their marks, and missing check cells.

    Learners delete cells, copy them, and open notebooks in editors that drop metadata. What is graded, and for how
    much, is the instructor's to say: it is taken from the released notebook, never from the submission.
    """

    release = Unicode("", help="The classroom's release folder.").tag(config=True)

    def preprocess(self, nb, resources):
        """Repair a notebook."""
        name = resources["nbgrader"]["notebook"]
        path = Path(self.release) / resources["nbgrader"]["assignment"] / f"{name}.ipynb"
        if not path.exists():
            self.log.warning("There is no released notebook %s; cells are taken as they are.", path)
            return nb, resources
        self.repair(nb, nbformat.read(path, as_version=4))
        return nb, resources

    def repair(self, nb: nbformat.NotebookNode, released: nbformat.NotebookNode) -> None:
        """Repair a notebook by its released one, in place, and mark the cells that stand as they were handed out."""
        original = {cell.metadata.nbgrader.grade_id: cell for cell in released.cells if "nbgrader" in cell.metadata}
        nb.metadata[_REPAIRED] = [asdict(finding) for finding in self._differences(nb, original)]
        by_cell_id = {cell.id: grade_id for grade_id, cell in original.items()}
        present = {self._grade_id(cell) for cell in nb.cells}
        for cell in nb.cells:
            grade_id = self._grade_id(cell)
            if grade_id is None and by_cell_id.get(cell.get("id")) not in present:
                grade_id = by_cell_id.get(cell.get("id"))
            cell.metadata.pop("nbgrader", None)
            if grade_id in original:
                cell.metadata.nbgrader = copy.deepcopy(original[grade_id].metadata.nbgrader)
                self._take_kind(cell, original[grade_id].cell_type)
        taken: set[str] = set()
        for cell in reversed(nb.cells):  # of copies the last one counts, as with nbgrader's DeduplicateIds
            grade_id = self._grade_id(cell)
            if grade_id in taken:
                del cell.metadata["nbgrader"]
            elif grade_id is not None:
                taken.add(grade_id)
        present = {self._grade_id(cell) for cell in nb.cells}
        order = [self._grade_id(cell) for cell in released.cells]
        for position, cell in enumerate(released.cells):
            grade_id = order[position]
            if grade_id is None or grade_id in present or not utils.is_grade(cell):
                continue
            before = [id for id in order[:position] if id in present]
            at = 1 + max((i for i, c in enumerate(nb.cells) if self._grade_id(c) in before[-1:]), default=-1)
            nb.cells.insert(at if before else len(nb.cells), copy.deepcopy(cell))
            present.add(grade_id)
        examiner.mark_cells(nb, released)

    def _differences(self, nb: nbformat.NotebookNode, original: dict) -> list[audit.Finding]:
        """Return what a submission's graded cells have that was not handed out so."""
        found = []
        for position, cell in enumerate(nb.cells):
            grade_id = self._grade_id(cell)
            if grade_id not in original:
                continue
            meta, handed_out = cell.metadata.nbgrader, original[grade_id].metadata.nbgrader
            if handed_out.get("grade") and handed_out.get("locked") and cell.source != original[grade_id].source:
                found.append(audit.Finding("check cell changed", f"{grade_id} is not as handed out", cell=position + 1))
            for key in ("points", "grade", "locked", "solution"):
                if meta.get(key) != handed_out.get(key):
                    text = f"{grade_id}: {key} is {str(meta.get(key))[:40]}, handed out as {handed_out.get(key)}"
                    found.append(audit.Finding("marks changed", text, cell=position + 1))
        return found

    @staticmethod
    def _take_kind(cell: nbformat.NotebookNode, kind: str) -> None:
        """Make a cell code or text again, as nbgrader's ``OverwriteCells`` will."""
        if cell.cell_type != kind:
            cell.cell_type = kind
            if kind == "code":
                cell.outputs, cell.execution_count = [], None
            else:
                cell.pop("outputs", None)
                cell.pop("execution_count", None)

    @staticmethod
    def _grade_id(cell: nbformat.NotebookNode) -> str | None:
        meta = cell.metadata.get("nbgrader")
        found = meta.get("grade_id") if isinstance(meta, dict) else None
        return found if isinstance(found, str) else None


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
            from autograder.grading import job

            verdict = json.loads(Path(self.ready).read_text())
            if job.apply(verdict, nb):
                self._record(nb, assignment, student, [audit.Finding(**one) for one in verdict["findings"]])
                return nb, resources
            self.log.warning("Another step changed its code: it is examined as it stands now.")
        if not self.seed:
            raise ValueError("Examine.seed is empty. Grade in a folder that 'autograder classroom init' made.")
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        found = examiner.examine(nb, self.seed, folder, self.limits(), without=self._links(assignment, student))
        for note in found.notes:
            self.log.warning("%s: %s", student, note)
        self._record(nb, assignment, student, found.findings)
        for cell in nb.cells:
            exercise = examiner.checked_exercise(cell)
            if exercise in found.verdicts:
                examiner.write_verdict(cell, found.verdicts[exercise])
        return nb, resources

    def _links(self, assignment: str, student: str) -> set[str]:
        return intake.links(Path(self.classroom, "submitted", student, assignment)) if self.classroom else set()

    def _record(self, nb, assignment: str, student: str, findings: list[audit.Finding]) -> None:
        """Keep what is worth a look, with what `RepairCells` saw before."""
        before = [audit.Finding(**one) for one in nb.metadata.pop(_REPAIRED, [])]
        links = [audit.Finding("link in the submission", name) for name in sorted(self._links(assignment, student))]
        if self.classroom:
            audit.record(Path(self.classroom), assignment, student, before + findings + links)
