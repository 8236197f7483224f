"""A student's notebook, made fit to be shown: nothing of it runs, nothing of it is loaded, and its words stay.

Markdown and HTML are cleaned by `autograder.examining.markup`. What a notebook shows on a page is cleaned once more after
it is rendered (`autograder.pages.rendering`).
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Collection
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.examining.markup import clean_html, clean_markdown, runs, with_pictures, without_pictures
from autograder.plain_text import well_formed

_MOST_PIXELS = 50_000_000
_MOST_PICTURE_BYTES = 20 * 2**20
#: Of one cell's text or one output's, and of a whole page's: a page opens on a telephone, whatever a notebook holds.
_MOST_LETTERS, _MOST_OF_A_PAGE = 100_000, 1_500_000
_PICTURES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF"}


@dataclass(frozen=True)
class Removed:
    """Something of a notebook that would have run or loaded something where it is shown.

    Attributes
    ----------
    what : str
        In a few words: "tag script", "link javascript:".
    cell : int or None
        Where, counted from 1; None for what belongs to the notebook as a whole.
    """

    what: str
    cell: int | None = None


def picture(data: object, kind: str) -> str | None:
    """Return a picture's base64 text where it really is a picture of that kind and of a bearable size, else None.

    Parameters
    ----------
    data : object
        What a notebook says is base64.
    kind : str
        "image/png", "image/jpeg" or "image/gif".
    """
    from PIL import Image

    if not isinstance(data, str) or kind not in _PICTURES or len(data) > 1.4 * _MOST_PICTURE_BYTES:
        return None
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
        with Image.open(io.BytesIO(content), formats=[_PICTURES[kind]]) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return None
            opened.verify()
    except (binascii.Error, ValueError, OSError, SyntaxError, Image.DecompressionBombError, EOFError):
        return None
    return base64.b64encode(content).decode()


def _joined(text: object) -> str:
    """Return what should be a text, or a list of its lines, as one."""
    text = "" if text is None else "".join(map(str, text)) if isinstance(text, list) else str(text)
    return well_formed(text)


_COLORS = re.compile("\x1b\\[[0-9;]*m")
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]")


def _shown_text(text: object) -> str:
    """Return what a program printed, with its colors and without other escape codes."""
    text = _joined(text).replace("\r\n", "\n")
    lines = [line.rsplit("\r", 1)[-1] for line in text.split("\n")]  # a bar that was drawn over itself
    parts = re.split(f"({_COLORS.pattern})", _UNSHOWN.sub("", "\n".join(lines)))
    return "".join(part if _COLORS.fullmatch(part) else part.replace("\x1b", "") for part in parts)


def outputs(found: object) -> list[NotebookNode]:
    """Return a code cell's outputs as they may be shown: text, pictures that are pictures, and clean HTML.

    A report of ours keeps the data beside it (``application/vnd.introdl.verdict+json``).
    """
    kept = []
    for one in found if isinstance(found, list) else []:
        if clean := _output(one) if isinstance(one, dict) else None:
            kept.append(NotebookNode(clean))
    return kept


def _output(one: dict) -> dict | None:
    kind = one.get("output_type")
    if kind == "stream":
        name = "stderr" if one.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": _shown_text(one.get("text", ""))}
    if kind == "error":
        trace = one.get("traceback")
        said = {key: _shown_text(one.get(key, "")) for key in ("ename", "evalue")}
        lines = [_shown_text(line) for line in trace] if isinstance(trace, list) else []
        return {"output_type": "error", **said, "traceback": lines}
    if kind not in ("display_data", "execute_result"):
        return None
    data = _data(one.get("data"))
    clean: dict = {"output_type": kind, "data": NotebookNode(data), "metadata": NotebookNode()}
    if kind == "execute_result":
        clean["execution_count"] = _count(one.get("execution_count"))
    return clean if data else None


def _data(found: object) -> dict:
    from introdl.checking.report import MIME

    data, kept = found if isinstance(found, dict) else {}, {}
    for kind, value in data.items():
        if kind == "text/plain":
            kept[kind] = _shown_text(value)
        elif kind == "text/html":
            kept[kind] = clean_html(_joined(value))
        elif kind in ("image/png", "image/jpeg"):
            if (shown := picture(_joined(value), kind)) is not None:
                kept[kind] = shown
        elif kind == MIME:
            kept[kind] = _plain(value)
    return kept


def _plain(value):
    """Return data fit for JSON, its texts well formed."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return NotebookNode({well_formed(str(key)): _plain(one) for key, one in value.items()})
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def _attachments(cell: NotebookNode) -> None:
    """Keep attached pictures that are pictures."""
    found, kept = cell.pop("attachments", None), NotebookNode()
    for name, bundle in found.items() if isinstance(found, dict) else ():
        shown = {kind: picture(data, kind) for kind, data in bundle.items()} if isinstance(bundle, dict) else {}
        shown = {kind: data for kind, data in shown.items() if data is not None}
        if shown and re.fullmatch(r"[^\x00-\x1f<>\"'`\\]{1,200}", name):
            kept[name] = NotebookNode(shown)
    if kept:
        cell.attachments = kept


#: What is kept of a cell's metadata: nbgrader's marks, and those that `autograder.examining.repair` sets.
_OF_CELL = re.compile("nbgrader|introdl_[a-z_]{1,40}|deletable|editable")
_OF_NOTEBOOK = ("introdl_repaired",)


def _metadata(nb: NotebookNode) -> None:
    kept = NotebookNode({key: nb.metadata[key] for key in _OF_NOTEBOOK if key in nb.metadata})
    kept.kernelspec = NotebookNode(display_name="Python 3", language="python", name="python3")
    kept.language_info = NotebookNode(name="python")
    nb.metadata = kept


@dataclass
class _Page:
    """How much a page has still room for."""

    letters: int = _MOST_OF_A_PAGE
    pictures: int = 2 * _MOST_PICTURE_BYTES

    def fit(self, cell: NotebookNode) -> None:
        """Cut what a cell shows, in place; a sentence says how much is left out."""
        cell.source = self._text(cell.source)
        bundles = list(cell.get("attachments", {}).values())
        for one in cell.get("outputs", []):
            bundles.append(one.get("data", {}))
            for key in ("text", "ename", "evalue"):
                if key in one:
                    one[key] = self._text(one[key])
            if "traceback" in one:
                one.traceback = self._text("\n".join(one.traceback)).split("\n")
        for bundle in bundles:
            for kind in list(bundle):
                if kind.startswith("text/"):
                    bundle[kind] = self._text(bundle[kind])
                elif kind in _PICTURES and not self._has_room(bundle[kind]):
                    bundle.pop(kind)

    def _text(self, text: str) -> str:
        text, pictures = without_pictures(text)
        most = min(_MOST_LETTERS, self.letters)
        self.letters -= min(len(text), most)
        if len(text) > most:
            text = f"{text[:most]}\n\n... {len(text) - most} more characters stand in the notebook."
        return with_pictures(text, {name: data if self._has_room(data) else "" for name, data in pictures.items()})

    def _has_room(self, picture: str) -> bool:
        self.pictures -= len(picture)
        return self.pictures >= 0


def _clean_cell(cell: NotebookNode, position: int, rendered: bool, same: bool) -> list[Removed]:
    """Clean a cell in place."""
    found: list[str] = []
    given = cell.get("metadata")
    given = given if isinstance(given, dict) else {}
    tags = given.get("tags")
    cell.metadata = NotebookNode({key: _plain(value) for key, value in given.items() if _OF_CELL.fullmatch(str(key))})
    marks = cell.metadata.get("nbgrader")
    if not (isinstance(marks, dict) and re.fullmatch(r"[A-Za-z0-9_-]{1,200}", str(marks.get("grade_id", "")))):
        cell.metadata.pop("nbgrader", None)
    if isinstance(tags, list):
        cell.metadata.tags = [one for one in tags if isinstance(one, str) and re.fullmatch(r"[\w-]{1,40}", one)]
    if not (isinstance(cell.get("id"), str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell.id)):
        cell.id = f"cell-{position}"
    cell.source = _joined(cell.get("source"))
    if cell.cell_type == "code":
        if not same:
            listed = cell.outputs if isinstance(cell.get("outputs"), list) else []
            found += [said for one in listed if (said := _output_runs(one))][:1]
        cell.outputs, cell.execution_count = outputs(cell.get("outputs")), _count(cell.get("execution_count"))
    elif not rendered and not same:
        cell.source, found = clean_markdown(cell.source)
    _attachments(cell)
    return [Removed(one, position) for one in found]


def _output_runs(one: object) -> str:
    data = one.get("data") if isinstance(one, dict) else None
    said = runs(_joined(data.get("text/html"))) if isinstance(data, dict) else ""
    return f"{said} in an output" if said else ""


def notebook(nb: NotebookNode, rendered: bool = False, handed_out: Collection[str] = ()) -> list[Removed]:
    """Clean a notebook in place, and return what was removed. Code is left as it is.

    Parameters
    ----------
    nb : nbformat.NotebookNode
    rendered : bool
        True where the notebook is rendered at once by a page of ours, which cleans the HTML that its markdown becomes:
        the source stays as it is, but for what is too long for a page.
    handed_out : collection of str
        Sources of the cells that the class was given: what stands as it was given is left as it is.
    """
    title = " ".join(str(nb.metadata.get(key, "")) for key in ("title", "authors", "kernelspec"))
    found = [Removed(f"{said} in the metadata")] if (said := runs(title)) else []
    page = _Page()
    for position, cell in enumerate(nb.cells, start=1):
        found += _clean_cell(cell, position, rendered, str(cell.get("source")) in handed_out)
        if rendered:
            page.fit(cell)
    _metadata(nb)
    return found
