"""A job: what it takes to examine one submission, as plain data, and the verdict that comes of it.

A job reads nothing of the classroom and writes nothing to it, so it may run in another process or on another machine.
"""

from __future__ import annotations

import ast
import hashlib
import json
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import nbformat

from autograder import examiner, exercises

_FORMAT = 1
_JUDGES = [
    "audit.py",
    "bank.py",
    "examiner.py",
    "exercise.py",
    "preprocessors.py",
    "release.py",
    "sandbox/bubblewrap.py",
    "sandbox/zygotes.py",
    "session.py",
    "grading/job.py",
]


@dataclass(frozen=True)
class Job:
    """What a verdict depends on.

    Attributes
    ----------
    chapter : str
        Two digits.
    notebook, released : bytes
        The submission, and the notebook that was handed out.
    files : dict of str to bytes
        What lies beside the notebook.
    seed : str
        The classroom's secret.
    limits : dict
        Fields of `autograder.examiner.Limits`.
    code : str
        `code_version` where the job was made; elsewhere it must be the same.
    """

    chapter: str
    notebook: bytes
    released: bytes
    files: dict[str, bytes]
    seed: str
    limits: dict
    code: str = field(default="")

    @property
    def key(self) -> str:
        """A fingerprint of all this: equal jobs have equal verdicts."""
        files = [[name, hashlib.sha256(content).hexdigest()] for name, content in sorted(self.files.items())]
        whole = [_FORMAT, work(prepared(self.notebook, self.released)), files, self.seed, self.limits, self.code]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


class JobError(Exception):
    """A job cannot be run here; the text says why and what to do."""


@cache
def code_version(chapter: str) -> str:
    """Return a fingerprint of what judges a chapter: its exercises, the examiner, checks and probes, held-out pictures.

    Comments, docstrings and layout do not count.

    Parameters
    ----------
    chapter : str
        Two digits.
    """
    digest = hashlib.sha256()
    for path in judges(chapter):
        meaning = _meaning(path.read_text(encoding="utf-8")).encode() if path.suffix == ".py" else path.read_bytes()
        digest.update(path.name.encode() + b"\0" + meaning)
    return digest.hexdigest()


def judges(chapter: str) -> list[Path]:
    """Return the files that decide what a chapter's answers are worth."""
    import autograder
    import introdl.checking

    home = Path(autograder.__file__).parent
    files = [home / name for name in _JUDGES]
    files += sorted((home / "exercises").glob(f"ch{chapter}*.py"))
    files += sorted(Path(introdl.checking.__file__).parent.rglob("*.py"))
    if chapter in exercises.chapters() and any(one.hidden for one in exercises.load(chapter).values()):
        files += sorted(path for path in (home / "held_out").iterdir() if path.suffix in (".py", ".zip"))
    return files


def _meaning(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def prepared(notebook: bytes, released: bytes) -> nbformat.NotebookNode:
    """Return a submission as it is examined: with the released notebook's marks, and no outputs."""
    from autograder.preprocessors import RepairCells

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a copied cell has its double's id
        nb = nbformat.reads(notebook.decode("utf-8"), as_version=4)
        RepairCells().repair(nb, nbformat.reads(released.decode("utf-8"), as_version=4))
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def work(nb: nbformat.NotebookNode) -> str:
    """Return a fingerprint of what examining a notebook runs: its code, in order, and what is checked for how much."""
    parts = []
    for cell in nb.cells:
        exercise = examiner.checked_exercise(cell)
        if exercise is not None:
            parts.append(["check", exercise, float(cell.metadata.nbgrader["points"])])
        elif cell.cell_type == "code":
            marks = [bool(cell.metadata.get(mark)) for mark in ("introdl_demo", "introdl_same")]
            parts.append(["code", cell.source, bool(cell.metadata.get("nbgrader", {}).get("solution")), *marks])
        else:
            parts.append([cell.cell_type])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


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
    if job.code != code_version(job.chapter):
        raise JobError("This machine has another version of the course. Install the same version everywhere.")
    started = time.monotonic()
    nb = prepared(job.notebook, job.released)
    fingerprint = work(nb)
    with tempfile.TemporaryDirectory(prefix="introdl-job-", ignore_cleanup_errors=True) as folder:
        for name, content in job.files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        found = examiner.examine(nb, job.seed, Path(folder), examiner.Limits(**job.limits))
    scores = {}
    for cell in nb.cells:
        exercise = examiner.checked_exercise(cell)
        if exercise in found.verdicts:
            examiner.write_verdict(cell, found.verdicts[exercise])
            scores[exercise] = float(cell.outputs[0]["data"]["text/plain"])
    return {
        "work": fingerprint,
        "outputs": [cell.outputs for cell in nb.cells if cell.cell_type == "code"],
        "scores": scores,
        "notes": found.notes,
        "findings": [asdict(finding) for finding in found.findings],
        "seconds": round(time.monotonic() - started, 3),
    }


def apply(verdict: dict, nb: nbformat.NotebookNode) -> bool:
    """Put a verdict's outputs into a notebook; False, and nothing done, where it is another notebook's."""
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    if verdict.get("work") != work(nb) or len(verdict["outputs"]) != len(code):
        return False
    for cell, outputs in zip(code, verdict["outputs"], strict=True):
        cell.outputs = nbformat.from_dict(outputs)
        if examiner.checked_exercise(cell):
            cell.execution_count = 1
    return True
