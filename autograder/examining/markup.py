"""HTML and markdown that a student wrote, made fit to be shown: nothing of it runs or is loaded, and its words stay.

HTML goes through nh3. A markdown cell keeps its source, readable in every program that shows notebooks: a tag that may not
be one gets a space behind its "<" and is text from then on, in whichever way the source is parsed.
"""

from __future__ import annotations

import html
import re
import secrets

import nh3
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
#: What is longer is read in one go: all its tags, links and pictures become text.
_MOST_LETTERS = 200_000
_MARKS = re.compile(r"<(?=[A-Za-z/!?])|!+(?=\[)|\](?=[(:\[])")
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
    source, pictures = without_pictures(well_formed(source))
    if len(source) > _MOST_LETTERS:
        found += filter(None, [runs(source)])
        source = _MARKS.sub(r"\g<0> ", source)
    else:
        source = _tags(source, found)
        source = re.sub(r"!+(?=\[)", lambda match: _picture_mark(match, source), source)
        source = _links(source, found)
    if _TEX.search(source):
        found += ["link javascript:"] if re.search(r"javascript\s*:", source, re.IGNORECASE) else []
        source = _TEX.sub(r"\\ ", source)
    return with_pictures(source, pictures), list(dict.fromkeys(found))


def without_pictures(source: str) -> tuple[str, dict[str, str]]:
    """Put short names in place of the contents of long pictures, which nothing here has to read."""
    pictures: dict[str, str] = {}

    def named(match: re.Match) -> str:
        name = secrets.token_hex(16)
        pictures[name] = match[2]
        return match[1] + name

    return _CONTENT.sub(named, source), pictures


def with_pictures(source: str, pictures: dict[str, str]) -> str:
    """Put contents of pictures back in place of their names."""
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
