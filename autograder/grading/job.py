"""A job: what it takes to examine one submission, as plain data, and the verdict that comes of it.

A job reads nothing of the classroom and writes nothing to it, so it may run in another process or on another machine.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import nbformat
from nbformat import v4

from autograder.errors import JobError
from autograder.examining import examiner, repair, sanitize
from autograder.grading import fingerprint, hidden_cases

_FORMAT = 2


@dataclass(frozen=True)
class Job:
    """What a verdict depends on.

    Attributes
    ----------
    notebook : bytes
        The submission, prepared (`autograder.examining.repair.prepared`).
    files : dict of str to bytes
        What lies beside the notebook.
    cases : bytes
        The class's hidden cases (`autograder.grading.hidden_cases`).
    limits : dict
        Fields of `autograder.examining.examiner.Limits`.
    code : str
        `code_version` where the job was made; elsewhere it must be the same.
    """

    notebook: bytes
    files: dict[str, bytes]
    cases: bytes
    limits: dict
    code: str = field(default="")

    @classmethod
    def make(cls, nb: nbformat.NotebookNode, files: dict[str, bytes], cases: bytes, limits: dict) -> Job:
        """Return the job of a prepared notebook."""
        return cls(v4.writes(nb).encode(), files, cases, limits, code_version(nb, cases))

    def opened(self) -> nbformat.NotebookNode:
        """Return the notebook. It was repaired before: nothing is validated or converted."""
        return v4.reads(self.notebook.decode("utf-8"))

    @cached_property
    def key(self) -> str:
        """A fingerprint of all this: equal jobs have equal verdicts."""
        nb = self.opened()
        cases = _of_cases(self.cases, tuple(_checked(nb)))
        files = [[name, hashlib.sha256(content).hexdigest()] for name, content in sorted(self.files.items())]
        whole = [_FORMAT, repair.work(nb), files, cases, self.limits, self.code]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=16)  # a class's submissions ask for the same
def _of_cases(cases: bytes, asked: tuple[str, ...]) -> str:
    """Return a fingerprint of the hidden cases of those exercises that are asked."""
    entries = hidden_cases.read(cases)
    return fingerprint.of_cases(entries[id] for id in asked if id in entries)


def _checked(nb: nbformat.NotebookNode) -> list[str]:
    return sorted({id for id in map(repair.checked_exercise, nb.cells) if id})


def code_version(nb: nbformat.NotebookNode, cases: bytes) -> str:
    """Return a fingerprint of the code that examining a prepared notebook runs, but for the notebook's own."""
    entries = hidden_cases.read(cases)
    sources = [cell.source for cell in nb.cells if cell.cell_type == "code"]
    return fingerprint.examining((entries[id] for id in _checked(nb) if id in entries), sources)


def run(job: Job) -> dict:
    """Examine a submission.

    Returns
    -------
    dict
        The verdict, fit for JSON: ``work``; ``outputs``, a list for each code cell in order; ``scores`` by exercise;
        ``notes``; ``findings`` of the audit; ``seconds``.

    Raises
    ------
    JobError
        If this machine has another version of the course than the one that made the job.
    """
    nb = job.opened()
    if job.code != code_version(nb, job.cases):
        raise JobError("This machine has another version of the course. Install the same version everywhere.")
    started = time.monotonic()
    work = repair.work(nb)
    with tempfile.TemporaryDirectory(prefix="introdl-job-", ignore_cleanup_errors=True) as folder:
        for name, content in job.files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        entries, limits = hidden_cases.read(job.cases), examiner.Limits(**job.limits)
        found = examiner.examine(nb, entries, Path(folder), limits)
    scores = {}
    for cell in nb.cells:
        exercise = repair.checked_exercise(cell)
        if exercise in found.verdicts:
            scores[exercise] = examiner.write_verdict(cell, found.verdicts[exercise])
    return {
        "work": work,
        "outputs": [cell.outputs for cell in nb.cells if cell.cell_type == "code"],
        "scores": scores,
        "notes": found.notes,
        "findings": [asdict(finding) for finding in found.findings],
        "seconds": round(time.monotonic() - started, 3),
    }


def apply(verdict: dict, nb: nbformat.NotebookNode) -> bool:
    """Put a verdict's outputs into a notebook; False, and nothing done, where it is another notebook's."""
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    if verdict.get("work") != repair.work(nb) or len(verdict["outputs"]) != len(code):
        return False
    for cell, outputs in zip(code, verdict["outputs"], strict=True):
        cell.outputs = sanitize.outputs(outputs)
        if repair.checked_exercise(cell):
            cell.execution_count = 1
    return True
