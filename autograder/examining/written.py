"""Written answers: what a learner wrote reaches the person who grades it, wherever in the notebook it stands.

A cell for a written answer that is blank is worth 0 and nobody looks at it. Editors lose its marks, and learners write
beside it. So where it is blank, and the notebook holds text that is not ours, that text is shown in it, and it waits.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Iterator

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.examining import audit

#: A sentence, in a cell of code: four words, or a few signs of a script that does not part them. It begins where a word
#: does and never goes back, so that half a million letters in a row take no longer than they are.
_PROSE = re.compile(
    r"(?<![^\W\d_])[^\W\d_]{2,}+(?:[ ,;:\'\u2019-]++[^\W\d_]++){3,}|[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{6,}"
)
_TEXT_MAGIC = re.compile(r"\s*%%(markdown|html|latex|svg)\b.*\n?")


def bring_home(nb: NotebookNode, released: NotebookNode, copies: dict[str, list[NotebookNode]]) -> list[audit.Finding]:
    """Show in each cell for a written answer what was written for it elsewhere.

    Parameters
    ----------
    nb : nbformat.NotebookNode
        A submission whose graded cells have their marks; it is changed in place.
    released : nbformat.NotebookNode
    copies : dict of str to list of nbformat.NotebookNode
        The cells that were taken for each graded one, in their order.

    Returns
    -------
    list of autograder.examining.audit.Finding
        What was shown where.
    """
    ours = {line for cell in released.cells for line in _lines(cell.source)}
    blanks = {cell.metadata.nbgrader.grade_id: cell.source for cell in released.cells if "nbgrader" in cell.metadata}
    places = [place for place, cell in enumerate(nb.cells) if _is_written(cell)]
    own = {place: text for place, cell in enumerate(nb.cells) if place not in places and (text := _own(cell, ours))}
    found = []
    for place in places:
        cell = nb.cells[place]
        blank = not _of(cell.source, ours)
        twins = [id(one) for one in copies.get(cell.metadata.nbgrader.grade_id, [])]
        near = set(own) if blank else _beside(place, own) | {p for p in own if id(nb.cells[p]) in twins}
        if blank and not near:  # not even a blank more: nobody shall look at it
            cell.source = blanks[cell.metadata.nbgrader.grade_id]
        if not near:
            continue
        kept = [] if blank else [cell.source]
        before, after = (sorted(p for p in near if (p < place) is side) for side in (True, False))
        cell.source = "\n\n".join([*_told(before, own), *kept, *_told(after, own)])
        where = ", ".join(str(one + 1) for one in sorted(near))
        text = f"Written answer {cell.metadata.nbgrader.grade_id} shows what was written in cell {where}"
        found.append(audit.Finding("written elsewhere", text, cell=place + 1))
    return found


def _is_written(cell: NotebookNode) -> bool:
    return cell.cell_type != "code" and is_grade(cell) and is_solution(cell)


def _told(places: Iterable[int], own: dict[int, str]) -> Iterator[str]:
    return (f"*(cell {place + 1} of the notebook)*\n\n{own[place]}" for place in places)


def _beside(place: int, own: dict[int, str]) -> set[int]:
    """Return the places of a learner's text without anything else between it and a cell."""
    found = set()
    for step in (-1, 1):
        at = place + step
        while at in own:
            found.add(at)
            at += step
    return found


def _lines(text: str) -> list[str]:
    return [" ".join(unicodedata.normalize("NFC", line).split()) for line in text.splitlines()]


def _of(text: str, ours: set[str]) -> str:
    """Return the lines of a text that are not ours, or "" where they hold no word and no number."""
    kept = [line for line, plain in zip(text.splitlines(), _lines(text), strict=True) if not plain or plain not in ours]
    return "\n".join(kept).strip() if any(map(str.isalnum, "".join(kept))) or _pictures(kept) else ""


def _pictures(lines: list[str]) -> bool:
    return any("![" in line for line in lines)


def _own(cell: NotebookNode, ours: set[str]) -> str:
    """Return what of a cell is a learner's text."""
    if cell.cell_type != "code":
        return _of(cell.source, ours)
    if is_grade(cell) or is_solution(cell):
        return ""
    text = _TEXT_MAGIC.sub("", cell.source, count=1) if _TEXT_MAGIC.match(cell.source) else ""
    own = _of(text or _prose(cell.source), ours)
    return own if text or _PROSE.search(own) else ""


def _prose(source: str) -> str:
    """Return a code cell's text where it is no code: comments and texts alone, or sentences."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source if not re.search(r"[=()\[\]{}]|^\s*[%!@]|:\s*$", source, re.MULTILINE) else ""
    alone = all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in tree.body)
    return re.sub(r"^\s*#+ ?", "", source, flags=re.MULTILINE) if alone else ""
