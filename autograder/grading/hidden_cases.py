"""A class's hidden cases: drawn for a chapter, kept with the classroom, sent along with each job.

There are a few banks of them, each drawn when it is first needed. Which one a submission meets depends on who handed it in
and on how many others that student handed in before: what a learner finds out of one bank is of no use for the next
submission, and the same submission meets the same cases whenever it is graded.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

from nbformat import NotebookNode

from autograder import exercises
from autograder.authoring import build, drawing, source
from autograder.authoring.release import checks
from autograder.errors import AuthorError
from autograder.examining import repair
from autograder.examining.needed import names_used
from autograder.grading import fingerprint
from autograder.grading.store import Store
from introdl import paths
from introdl.checking import cells, sheets
from introdl.checking.sheets import Entry

#: How many banks of cases a chapter has. Each costs its drawing, once in a class.
BANKS = 4


def draw(chapter: str, seed: str) -> dict[str, Entry]:
    """Draw the hidden cases of a chapter's exercises.

    Parameters
    ----------
    chapter : str
        Two digits.
    seed : str
        The classroom's secret.
    """
    if chapter not in exercises.chapters():
        return {}
    solutions = solutions_of(chapter)
    return {
        id: replace(drawing.entry(exercise, seed), solution=solutions.get(id, ""))
        for id, exercise in exercises.load(chapter).items()
    }


@cache
def solutions_of(chapter: str) -> dict[str, str]:
    """Return the course's own answers to a chapter's exercises, as code; none where the sources are not at hand.

    An answer that calls another one of its notebook's, which is wrong, is judged with this one in its place.
    """
    try:
        (path,) = build.source_files([chapter])
    except AuthorError:
        return {}
    found: dict[str, list[str]] = {}
    imports: list[ast.stmt] = []
    for cell in source.read(path).cells:
        if cell.exercise:
            found.setdefault(cell.exercise, []).append(source.without_stubs(cell.source))
        elif cell.kind == "code" and (tree := cells.parsed(cell.source)):
            split = cells.OneImportEach().visit(tree)
            imports += [one for one in split.body if isinstance(one, ast.Import | ast.ImportFrom)]
    return {id: _with_imports("\n\n".join(codes), imports) for id, codes in found.items()}


def _with_imports(code: str, imports: list[ast.stmt]) -> str:
    """Put those of a chapter's imports before an answer that it uses: a submission's own may be other ones."""
    used = names_used(code)
    return "\n".join([*(ast.unparse(one) for one in imports if used.intersection(cells.bound([one]))), code])


def chapters_of(notebook: NotebookNode) -> str:
    """Return the chapters whose exercises a notebook checks, as `of_class` takes them; "" where it checks none of ours."""
    return "+".join(sorted({id[:2] for id in map(checks, notebook.cells) if id}))


def bank(store: Store, seed: str, student: str, nb: NotebookNode, files: Mapping[str, bytes]) -> int:
    """Return which bank of cases a submission meets.

    Parameters
    ----------
    store : autograder.grading.store.Store
        The assignment's; it remembers what each student has handed in.
    seed : str
        The classroom's secret.
    student : str
    nb : nbformat.NotebookNode
        The submission, repaired.
    files : mapping of str to bytes
        What was handed in beside it.
    """
    hashes = sorted((name, hashlib.sha256(content).hexdigest()) for name, content in files.items())
    work = hashlib.sha256(json.dumps([repair.work(nb), hashes]).encode()).hexdigest()[:32]
    first = hmac.digest(seed.encode(), student.encode("utf-8", "surrogateescape"), "sha256")[0]
    return (first + store.version(student, work)) % BANKS


def of_class(folder: Path, chapters: str, seed: str, bank: int = 0) -> bytes:
    """Return one bank of a class's hidden cases as a sheet; they are drawn where none were that still hold.

    Parameters
    ----------
    folder : pathlib.Path
        Where the assignment's cases are kept: ``.graded/ASSIGNMENT`` of the classroom.
    chapters : str
        ``"03"``; an instructor's own assignment may take exercises of several, ``"03+05"``, or of none.
    seed : str
        The classroom's secret.
    bank : int
        See `bank`.
    """
    seed, place = (f"{seed} bank {bank}", f"cases-{bank}") if bank else (seed, "cases")
    each = chapters.split("+")
    modules = [f"autograder.exercises.ch{exercises.chapters().get(chapter, chapter)}" for chapter in each]
    solutions = [solutions_of(chapter) for chapter in each]
    path = folder / place / f"{fingerprint.drawing(modules, seed, solutions)}.npz"
    with contextlib.suppress(OSError, ValueError):
        content = path.read_bytes()
        read(content)
        return content
    content = sheets.as_bytes(chapters, [entry for chapter in each for entry in draw(chapter, seed).values()])
    paths.write_atomically(path, content)
    os.chmod(path, 0o600)
    for other in path.parent.glob("*.npz"):
        if other != path:
            other.unlink(missing_ok=True)
    return content


@lru_cache(maxsize=BANKS)
def read(content: bytes) -> dict[str, Entry]:
    """Return the entries of a sheet by exercise.

    Raises
    ------
    ValueError
        If the bytes are no sheet.
    """
    return sheets.from_bytes(content, "of hidden cases")
