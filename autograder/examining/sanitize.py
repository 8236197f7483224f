"""What a student wrote, made fit to be shown: nothing of it runs, nothing of it is loaded, and its words stay.

HTML goes through nh3. A markdown cell keeps its source, readable in every program that shows notebooks: a tag that may not
be one gets a space behind its "<" and is text from then on, in whichever way the source is parsed. What a notebook shows
on a page is cleaned once more after it is rendered (`autograder.pages.rendering`).
"""

from __future__ import annotations

import base64
import binascii
import html
import io
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass

import nh3
from nbformat import NotebookNode
from pygments.token import STANDARD_TYPES

from autograder.plain_text import well_formed

_WORDS = (
    "a abbr b big blockquote br center cite code dd del details div dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i "
    "img ins kbd li mark ol p pre q s samp small span strike strong sub summary sup table tbody td tfoot th thead tr tt u ul var"
)
TAGS = frozenset(_WORDS.split())
_EVERYWHERE = {"style", "title", "align", "lang", "dir"}
_OF_TAG = {
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
    "font": {"color"},
    "details": {"open"},
    "span": {"class"},
    "div": {"class"},
    "pre": {"class"},
    "code": {"class"},
}
ATTRIBUTES = {tag: _EVERYWHERE | _OF_TAG.get(tag, set()) for tag in TAGS}
#: Attributes that do nothing here: they go, and nobody is told.
_IDLE = {
    "class",
    "id",
    "name",
    "target",
    "rel",
    "border",
    "cellpadding",
    "cellspacing",
    "valign",
    "face",
    "size",
    "loading",
}
_HIGHLIGHTING = frozenset(STANDARD_TYPES.values()) | {"highlight"}
_STYLES = frozenset(
    [
        "align-items",
        "background",
        "background-color",
        "border",
        "border-bottom",
        "border-collapse",
        "border-left",
        "border-radius",
        "border-right",
        "border-top",
        "color",
        "display",
        "flex-wrap",
        "font-family",
        "font-size",
        "font-style",
        "font-weight",
        "height",
        "line-height",
        "list-style",
        "margin",
        "margin-bottom",
        "margin-left",
        "margin-right",
        "margin-top",
        "max-width",
        "min-width",
        "overflow",
        "overflow-x",
        "padding",
        "padding-bottom",
        "padding-left",
        "padding-right",
        "padding-top",
        "text-align",
        "text-decoration",
        "vertical-align",
        "white-space",
        "width",
    ]
)
_STYLE_VALUE = re.compile(r"(?:(?!url|expression|image|-\d)[\w\s#%.,()'\"-]){1,200}", re.IGNORECASE)
#: The one way in which a report (``introdl.checking``) keeps a word for screen readers alone.
UNSEEN = "position:absolute;left:-9999px"
_PICTURE_ADDRESS = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*")
_LINK = re.compile(r"(?:https?://|mailto:|#)[^\x00-\x20\"'<>`\\]*", re.IGNORECASE)

_MOST_PIXELS = 50_000_000
_MOST_PICTURE_BYTES = 20 * 2**20
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


# --- HTML ---------------------------------------------------------------------------------------------------------


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value as it may stay, or None where the attribute goes."""
    if name not in ATTRIBUTES.get(tag, ()):
        return None
    if name == "href":
        return value if _LINK.fullmatch(value.strip()) else None
    if name == "src":
        return value if _PICTURE_ADDRESS.fullmatch(value) else None
    if name == "style":
        return _style(value)
    if name == "class":
        return " ".join(one for one in value.split() if one in _HIGHLIGHTING) or None
    return value


def _style(value: str) -> str | None:
    if value == UNSEEN:
        return value
    kept = []
    for declaration in value.split(";"):
        name, _, said = declaration.partition(":")
        name = name.strip().lower()
        if name in _STYLES and _STYLE_VALUE.fullmatch(said.strip()):
            kept.append(f"{name}:{said.strip()}")
    return ";".join(kept) or None


def clean_html(text: str) -> str:
    """Return HTML of which nothing runs and nothing is loaded from anywhere.

    Tags, attributes and styles are kept from a list; links lead to ``https:``, ``http:``, ``mailto:`` or a place on the
    page; pictures are those that the text itself holds. Classes are those of highlighted code, and there are no ids: what
    is a student's cannot pass for a part of the page.
    """
    return nh3.clean(
        well_formed(text),
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    )


_RUNS = re.compile(
    r"<\s*/?\s*(script|iframe|frame|frameset|object|embed|applet|style|link|meta|base|form|input|button|textarea|select|"
    r"svg|math|template|noscript|xmp|plaintext|title|video|audio|source|portal|marquee|isindex|body|html|head)\b"
    r"|[\s\"'/](on[a-z]{3,})\s*="
    r"|(javascript|vbscript|livescript)\s*:",
    re.IGNORECASE,
)


def runs(text: str) -> str:
    """Say in a few words what of an HTML text would run, load or take part in the page; "" where nothing would."""
    found = _RUNS.search(text)
    if not found:
        return ""
    tag, handler, scheme = found.groups()
    return f"tag {tag.lower()}" if tag else f"attribute {handler.lower()}" if handler else f"link {scheme.lower()}:"


# --- markdown -----------------------------------------------------------------------------------------------------

_OPENS = re.compile(r"<(?=[A-Za-z/!?])")
_VALUE = r"\"[^\"<>`\n]*\"|'[^'<>`\n]*'|[^\s\"'=<>`]+"
_TAG = re.compile(rf"<(/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z][\w-]*(?:\s*=\s*(?:{_VALUE}))?)*)\s*(/?)>")
_PAIR = re.compile(rf"([A-Za-z][\w-]*)(?:\s*=\s*({_VALUE}))?")
_AUTOLINK = re.compile(r"<(?:https?://|mailto:)[^\s<>\"'`\\]*>|<[\w.+-]+@[\w-]+(?:\.[\w-]+)+>", re.IGNORECASE)
#: Where a link's address begins: "](" and "]:".
_DESTINATION = re.compile(r"\](?=[(:])")
_EMBEDDED = re.compile(r"!\[[^\[\]\n]*\]\(<?(?:attachment:[^\s)<>]|data:image/(?:png|jpeg|gif);base64,)", re.IGNORECASE)
_CONTENT = re.compile(r"(data:image/(?:png|jpeg|gif);base64,)([A-Za-z0-9+/]{200,}={0,2})")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")
_ALLOWED = re.compile(r"https?://|mailto:|#")
#: What MathJax would make a link, a style, a script's hook or a load of.
_TEX = re.compile(
    r"\\(?=(?:href|require|unicode|class|cssId|style|includegraphics|mmlToken|texttip|toggle|data)(?![A-Za-z]))"
)


def clean_markdown(source: str) -> tuple[str, list[str]]:
    """Return a markdown cell's source in which nothing runs or loads anything, and what was found.

    The words stay as they are. What may not be a tag, a picture or a link is turned into text by a space: ``< script>``,
    ``! [alt](https://...)``, ``[here] (javascript:...)``.
    """
    found: list[str] = []
    source, pictures = _without_pictures(well_formed(source))
    source = _tags(source, found)
    source = re.sub(r"!+(?=\[)", lambda match: _picture_mark(match, source), source)
    source = _links(source, found)
    if _TEX.search(source):
        found += ["link javascript:"] if re.search(r"javascript\s*:", source, re.IGNORECASE) else []
        source = _TEX.sub(r"\\ ", source)
    return _with_pictures(source, pictures), list(dict.fromkeys(found))


def _without_pictures(source: str) -> tuple[str, dict[str, str]]:
    """Put short names in place of the contents of long pictures, which nothing here has to read."""
    pictures: dict[str, str] = {}

    def named(match: re.Match) -> str:
        name = secrets.token_hex(16)
        pictures[name] = match[2]
        return match[1] + name

    return _CONTENT.sub(named, source), pictures


def _with_pictures(source: str, pictures: dict[str, str]) -> str:
    return re.sub("|".join(pictures), lambda match: pictures[match[0]], source) if pictures else source


def _tags(source: str, found: list[str]) -> str:
    parts, end = [], 0
    for opening in _OPENS.finditer(source):
        at = opening.start()
        if at < end:
            continue
        parts.append(source[end:at])
        tag = _TAG.match(source, at, at + 5000)
        kept = _canonical(tag) if tag else None
        link = None if tag else _AUTOLINK.match(source, at, at + 2000)
        if tag and kept is not None:
            parts.append(kept)
            end = tag.end()
        elif link:
            parts.append(link[0])
            end = link.end()
        else:
            parts.append("< ")
            end = at + 1
            if said := runs(source[at : tag.end() if tag else at + 500]):
                found.append(said)
    return "".join([*parts, source[end:]])


def _canonical(tag: re.Match) -> str | None:
    """Return a harmless tag, written in one plain way; None where it is not harmless."""
    closing, name, attributes, empty = tag[1], tag[2].lower(), tag[3], tag[4]
    if name not in TAGS:
        return None
    if closing:
        return f"</{name}>"
    kept = ""
    for pair in _PAIR.finditer(attributes):
        key, value = pair[1].lower(), html.unescape((pair[2] or "").strip("\"'"))
        if name == "img" and key == "src" and re.fullmatch(r"attachment:[\w. ()%-]+", value):
            stays: str | None = value
        else:
            stays = _attribute(name, key, value)
        if (stays is None and key not in _IDLE) or re.search(r"[<>`\n]", stays or ""):
            return None
        if stays is not None:
            kept += f' {key}="{html.escape(stays)}"'
    return f"<{name}{kept}{' /' if empty else ''}>"


def _picture_mark(match: re.Match, source: str) -> str:
    embedded = _EMBEDDED.match(source, match.end() - 1)
    return match[0] if embedded else match[0] + " "


def _links(source: str, found: list[str]) -> str:
    parts, end = [], 0
    for mark in _DESTINATION.finditer(source):
        picture_mark = source.rfind("![", 0, mark.start())
        embedded = _EMBEDDED.match(source, picture_mark) if picture_mark >= 0 else None
        if embedded and embedded.end() > mark.start():
            continue
        address = re.sub(r"^[\s<]+", "", source[mark.end() + 1 : mark.end() + 3000])
        address = html.unescape(html.unescape(address)).replace("\\", "")
        address = re.sub(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+", "", address[:400]).lower()
        if _ALLOWED.match(address):
            continue
        parts += [source[end : mark.end()], " "]
        end = mark.end()
        if (scheme := _SCHEME.match(address)) and scheme[0] in ("javascript:", "vbscript:", "data:", "file:", "blob:"):
            found.append(f"link {scheme[0]}")
    return "".join([*parts, source[end:]])


# --- pictures, outputs, a whole notebook --------------------------------------------------------------------------


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


_COLOURS = re.compile("\x1b\\[[0-9;]*m")
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]")


def _shown_text(text: object) -> str:
    """Return what a program printed, with its colours and without other escape codes."""
    text = well_formed("".join(map(str, text)) if isinstance(text, list) else str(text)).replace("\r\n", "\n")
    lines = [line.rsplit("\r", 1)[-1] for line in text.split("\n")]  # a bar that was drawn over itself
    parts = re.split(f"({_COLOURS.pattern})", _UNSHOWN.sub("", "\n".join(lines)))
    return "".join(part if _COLOURS.fullmatch(part) else part.replace("\x1b", "") for part in parts)


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
            kept[kind] = clean_html("".join(map(str, value)) if isinstance(value, list) else str(value))
        elif kind in ("image/png", "image/jpeg"):
            if (shown := picture("".join(value) if isinstance(value, list) else value, kind)) is not None:
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


def _clean_cell(cell: NotebookNode, position: int, rendered: bool, same: bool) -> list[Removed]:
    """Clean a cell in place."""
    found: list[str] = []
    tags = cell.metadata.get("tags")
    cell.metadata = NotebookNode(
        {key: _plain(value) for key, value in cell.metadata.items() if _OF_CELL.fullmatch(str(key))}
    )
    marks = cell.metadata.get("nbgrader")
    if not (isinstance(marks, dict) and re.fullmatch(r"[A-Za-z0-9_-]{1,200}", str(marks.get("grade_id", "")))):
        cell.metadata.pop("nbgrader", None)
    if isinstance(tags, list):
        cell.metadata.tags = [one for one in tags if isinstance(one, str) and re.fullmatch(r"[\w-]{1,40}", one)]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(cell.get("id", ""))):
        cell.id = f"cell-{position}"
    cell.source = well_formed(str(cell.source))
    if cell.cell_type == "code":
        if not same:
            found += [said for one in cell.get("outputs") or [] if (said := _output_runs(one))][:1]
        cell.outputs, cell.execution_count = outputs(cell.get("outputs")), _count(cell.get("execution_count"))
    elif not rendered and not same:
        cell.source, found = clean_markdown(cell.source)
    _attachments(cell)
    return [Removed(one, position) for one in found]


def _output_runs(one: object) -> str:
    data = one.get("data") if isinstance(one, dict) else None
    text = data.get("text/html") if isinstance(data, dict) else None
    said = runs("".join(map(str, text)) if isinstance(text, list) else str(text or ""))
    return f"{said} in an output" if said else ""


def notebook(nb: NotebookNode, rendered: bool = False, handed_out: Collection[str] = ()) -> list[Removed]:
    """Clean a notebook in place, and return what was removed. Code is left as it is.

    Parameters
    ----------
    nb : nbformat.NotebookNode
    rendered : bool
        True where the notebook is rendered at once by a page of ours, which cleans the HTML that its markdown becomes:
        the source stays as it is.
    handed_out : collection of str
        Sources of the cells that the class was given: what stands as it was given is left as it is.
    """
    title = " ".join(str(nb.metadata.get(key, "")) for key in ("title", "authors", "kernelspec"))
    found = [Removed(f"{said} in the metadata")] if (said := runs(title)) else []
    for position, cell in enumerate(nb.cells, start=1):
        found += _clean_cell(cell, position, rendered, cell.source in handed_out)
    _metadata(nb)
    return found
