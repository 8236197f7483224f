"""Formulas as MathML, which every browser draws by itself: a page with them needs no script and no network."""

from __future__ import annotations

import html
import re
from xml.etree.ElementTree import Element, SubElement, tostring

_MOST_LETTERS = 4000
_ELEMENTS = frozenset(
    [
        "math",
        "menclose",
        "mfrac",
        "mi",
        "mn",
        "mo",
        "mover",
        "mpadded",
        "mphantom",
        "mroot",
        "mrow",
        "ms",
        "mspace",
        "msqrt",
        "mstyle",
        "msub",
        "msubsup",
        "msup",
        "mtable",
        "mtd",
        "mtext",
        "mtr",
        "munder",
        "munderover",
    ]
)
_ATTRIBUTES = frozenset(
    [
        "accent",
        "accentunder",
        "columnalign",
        "columnlines",
        "columnspacing",
        "columnspan",
        "depth",
        "display",
        "displaystyle",
        "fence",
        "form",
        "height",
        "lspace",
        "linethickness",
        "mathsize",
        "mathvariant",
        "maxsize",
        "minsize",
        "movablelimits",
        "notation",
        "rowlines",
        "rowspacing",
        "rowspan",
        "rspace",
        "scriptlevel",
        "separator",
        "stretchy",
        "symmetric",
        "voffset",
        "width",
    ]
)
_DEFINES = "def gdef edef let newcommand renewcommand providecommand require href style class unicode color"
#: What defines commands, or is not mathematics: a formula that has it is shown as it was written.
_REFUSED = re.compile(rf"\\(?:{'|'.join(_DEFINES.split())})(?![A-Za-z])")
#: What LaTeX has and the converter does not, and what stands for it.
_REWRITTEN = (
    (re.compile(r"\\(begin|end)\{(?:aligned|alignedat|gathered|gather|split|align|eqnarray)\*?\}"), r"\\\1{align*}"),
    (re.compile(r"\\(?:begin|end)\{(?:equation|displaymath|math)\*?\}"), ""),
    (re.compile(r"\\(begin|end)\{[dr]cases\}"), r"\\\1{cases}"),
    (re.compile(r"\\arg\s*\\(max|min)(?![A-Za-z])"), r"\\arg\1"),
    (re.compile(r"\\\\\s*\[[^\]]*\]"), r"\\\\"),
    (re.compile(r"\\(?:tag|label)\*?\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])"), ""),
)
_BARS = frozenset("|‖∥")
_PRIMES = {"″": "′′", "‴": "′′′", "⁗": "′′′′"}  # in small print nobody can count the strokes of one character
_ROWS = frozenset(("math", "mrow", "mtd", "mstyle", "msqrt", "mpadded"))


def mathml(tex: str, block: bool = False) -> str:
    r"""Write a formula as MathML.

    Parameters
    ----------
    tex : str
        Without its dollar signs.
    block : bool
        True for a formula on a line of its own.

    Returns
    -------
    str
        HTML: an element ``math``, or ``code`` with the formula as it was written where it cannot be read.
    """
    from latex2mathml.converter import Converter

    as_written = f"<code>{html.escape(tex)}</code>"
    if len(tex) > _MOST_LETTERS or _REFUSED.search(tex):
        return as_written
    try:
        read = tex.strip()
        for pattern, replacement in _REWRITTEN:
            read = pattern.sub(replacement, read)
        found = _copied(Converter(display="block" if block else "inline").convert_to_element(read))
        if any("\\" in (one.text or "") or one.text == "&" for one in found.iter()):  # a command that it does not know
            return as_written
        return tostring(found, encoding="unicode")
    except Exception:  # the library raises many kinds, RecursionError among them
        return as_written


def _copied(found: Element, parent: Element | None = None) -> Element:
    """Copy an element with what is on the lists alone; texts are read once, since the library writes entities there."""
    tag = found.tag if found.tag in _ELEMENTS else "mrow"
    widened = tag == "mpadded" and found.get("width", "").startswith("+")  # under an arrow; browsers know no "+"
    tag = "mrow" if widened else tag
    kept = {} if widened else {name: value for name, value in found.attrib.items() if name in _ATTRIBUTES}
    copy = Element(tag, kept) if parent is None else SubElement(parent, tag, kept)
    copy.text = html.unescape(found.text) if found.text else None
    copy.text = _PRIMES.get(copy.text or "", copy.text)
    for child in found:
        _copied(child, copy)
    if widened:
        copy.insert(0, Element("mspace", width="0.5em"))
        copy.append(Element("mspace", width="0.5em"))
    if tag in _ROWS:
        _space(copy)
    return copy


# --- spaces as TeX has them ---------------------------------------------------------------------------------------


def _space(row: Element) -> None:
    """Set the spaces of a row, which browsers take from a symbol alone and TeX from its neighbors."""
    before: Element | None = None
    for one in list(row):
        if one.tag == "mo":
            _space_operator(one, before)
        if (
            before is not None
            and _named(before)
            and not _closed(one)
            or before is not None
            and _named(one)
            and before.tag not in ("mo", "mspace", "mtext")
        ):
            row.insert(list(row).index(one), Element("mspace", width="0.167em"))
        before = one


def _space_operator(one: Element, before: Element | None) -> None:
    text = one.text or ""
    if text in _BARS:
        narrow = {} if "minsize" in one.attrib else {"stretchy": "false"}
        one.attrib = narrow | {"lspace": "0", "rspace": "0"} | one.attrib
    elif text == "/" or _named(one):
        one.attrib = {"lspace": "0", "rspace": "0"} | one.attrib
    elif text in ("−", "-", "+") and (
        before is None or (before.tag == "mo" and before.text not in (")", "]", "}", "!", *_BARS))
    ):
        one.set("form", "prefix")


def _named(one: Element) -> bool:
    """Whether this is a function's name, such as ln or max, with or without indices."""
    while one.tag in ("msub", "msup", "msubsup", "munder", "mover", "munderover") and len(one):
        one = one[0]
    text = one.text or ""
    return one.tag in ("mi", "mo") and len(text) > 1 and text.isascii() and text.isalpha() and text != "mod"


def _closed(one: Element) -> bool:
    """Whether no space belongs between a function's name and this."""
    if one.tag == "mspace":
        return True
    first = one[0] if one.tag == "mrow" and len(one) else one
    return first.tag == "mo" and not _named(first) and (first.text or "") not in _BARS
