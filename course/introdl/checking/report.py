"""Reports: what a verdict looks like, as HTML for a notebook and as text for everybody else."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

import numpy as np

from introdl.checking import judge
from introdl.checking.compare import format_number
from introdl.checking.packing import Huge, Other, Tensor
from introdl.checking.probes import Wrong
from introdl.checking.records import ChapterProgress
from introdl.checking.sheets import Entry

#: The verdict as data, beside its HTML and text, for programs that read executed notebooks.
MIME = "application/vnd.introdl.verdict+json"

_GREEN, _RED, _GREY = "#009E73", "#D55E00", "#767676"
_COLOUR = {judge.PASSED: _GREEN, judge.FAILED: _RED, judge.NOT_STARTED: _GREY}
_WORD = {judge.PASSED: "Right", judge.FAILED: "Not yet", judge.NOT_STARTED: "Not started yet"}
_CARD = (
    "background:#ffffff;color:#1a1a1a;border:1px solid #d9d9d9;border-left:6px solid {colour};border-radius:6px;"
    "padding:10px 16px;margin:6px 0;max-width:860px;font-size:14px;line-height:1.5;"
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif"
)
_CALL = "background:#FFF6E0;border-radius:4px;padding:8px 12px;margin:8px 0"
_LABEL = "color:#595959;font-size:12px"
_MONO = "font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:12.5px"
_GRID = 8
_PLANES = 6


def _escape(text: Any) -> str:
    return html.escape(str(text), quote=True)


def _points(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _score(verdict: judge.Verdict) -> str:
    noun = "point" if verdict.points == 1 else "points"
    return f"{_points(verdict.earned)} of {_points(verdict.points)} {noun}"


# --- values -------------------------------------------------------------------------------------------------------


def describe(value: Any) -> str:
    """Say a value in a line: small ones whole, large ones by type, shape and range."""
    if isinstance(value, Tensor):
        return "tensor " + describe(value.array)
    if isinstance(value, Huge):
        return value.what + (f" of shape {value.shape}" if value.shape is not None else "")
    if isinstance(value, Other):
        return value.text or value.type_name
    if isinstance(value, np.random.Generator):
        return "a random generator"
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return format_number(value[()]) if value.dtype.kind in "biufc" else repr(value[()])
        if value.size <= 24 and value.dtype.kind in "biuf":
            return _nested(value)
        text = f"{value.dtype} array of shape {value.shape}"
        if value.size and value.dtype.kind in "biuf" and np.isfinite(value).any():
            finite = value[np.isfinite(value)]
            text += f", from {format_number(finite.min())} to {format_number(finite.max())}"
        return text
    if isinstance(value, (bool, int, float, np.generic)):
        return format_number(value) if not isinstance(value, (np.str_,)) else repr(str(value))
    if isinstance(value, (list, tuple)):
        if len(value) > 12:
            return f"{type(value).__name__} of {len(value)} items"
        ends = "[]" if isinstance(value, list) else "()"
        return ends[0] + ", ".join(describe(item) for item in value) + ends[1]
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "..."


def _nested(array: np.ndarray) -> str:
    if array.ndim == 1:
        return "[" + ", ".join(format_number(v) for v in array) + "]"
    return "[" + ", ".join(_nested(row) for row in array) + "]"


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.ndim >= 1 and value.size > 0


def _plane(array: np.ndarray, index: tuple) -> np.ndarray:
    if array.ndim == 1:
        return array[None]
    return array[index]


def _grid(plane: np.ndarray, bad: np.ndarray | None) -> str:
    """Draw a small plane of numbers as a table; wrong cells are marked by colour and a bold frame."""
    rows = []
    for i, row in enumerate(plane):
        cells = []
        for j, value in enumerate(row):
            style = "padding:2px 6px;text-align:right;border:1px solid #e3e3e3"
            if bad is not None and bad[i, j]:
                style = f"padding:2px 6px;text-align:right;border:2px solid {_RED};background:#FBE3D6;font-weight:600"
            cells.append(f'<td style="{style}">{format_number(value)}</td>')
        rows.append("<tr>" + "".join(cells) + "</tr>")
    return f'<table style="border-collapse:collapse;margin:2px 0;{_MONO}">{"".join(rows)}</table>'


def _image(plane: np.ndarray, low: float, high: float, alt: str, diverging: bool = False) -> str:
    from PIL import Image

    span = (high - low) or 1.0
    unit = np.clip((np.nan_to_num(plane.astype(float), nan=low, posinf=high, neginf=low) - low) / span, 0, 1)
    if diverging:
        blue, white, orange = np.array([0, 114, 178.0]), np.array([255, 255, 255.0]), np.array([213, 94, 0.0])
        t = (unit * 2 - 1)[..., None]
        colours = np.where(t < 0, white + (orange - white) * -t, white + (blue - white) * t)
    else:
        colours = np.repeat((unit * 255)[..., None], 3, axis=-1)
    zoom = max(1, 160 // max(plane.shape))
    picture = Image.fromarray(colours.astype(np.uint8)).resize(
        (plane.shape[1] * zoom, plane.shape[0] * zoom), Image.Resampling.NEAREST
    )
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{_escape(alt)}" src="data:image/png;base64,{data}" style="border:1px solid #d9d9d9">'


def _side_by_side(blocks: list[tuple[str, str]]) -> str:
    cells = "".join(
        f'<div style="margin-right:22px"><div style="{_LABEL}">{_escape(label)}</div>{body}</div>'
        for label, body in blocks
    )
    return f'<div style="display:flex;flex-wrap:wrap;align-items:flex-start">{cells}</div>'


def _result_html(case: judge.CaseVerdict, image: bool) -> str:
    """Draw what was expected and what came, side by side."""
    expected, given = case.expected, case.given
    if isinstance(given, Tensor):
        given = given.array
    if not _has_result(case):
        return _side_by_side([("expected", _value_html(expected))])
    same_shape = _is_numbers(expected) and _is_numbers(given) and expected.shape == given.shape
    if not same_shape:
        return _side_by_side([("expected", _value_html(expected)), ("yours", _value_html(given))])
    bad = case.difference.where if case.difference is not None else None
    if bad is None or bad.shape != expected.shape:
        bad = np.zeros(expected.shape, dtype=bool)
    index = tuple(int(i) for i in np.argwhere(bad)[0][:-2]) if bad.any() and bad.ndim > 2 else (0,) * (bad.ndim - 2)
    e, g, b = _plane(expected, index), _plane(given, index), _plane(bad, index)
    at = f" [{', '.join(map(str, index))}, :, :]" if index else ""
    if max(e.shape) <= _GRID:
        return _side_by_side([(f"expected{at}", _grid(e, None)), (f"yours{at}", _grid(g, b))])
    if image and min(e.shape) > 1:
        finite = np.concatenate([a[np.isfinite(a)].ravel().astype(float) for a in (e, g)])
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        off = g.astype(float) - e.astype(float)
        most = float(np.max(np.abs(off[np.isfinite(off)]), initial=0.0)) or 1.0
        return _side_by_side(
            [
                (f"expected{at}", _image(e, low, high, "the expected picture")),
                (f"yours{at}", _image(g, low, high, "your picture")),
                (
                    f"yours - expected (orange below, blue above; at most {format_number(most)})",
                    _image(off, -most, most, "the difference", diverging=True),
                ),
            ]
        )
    return _side_by_side([("expected", _value_html(expected)), ("yours", _value_html(given))])


def _is_picture(case: judge.CaseVerdict) -> bool:
    """Whether a case has a result that is drawn as a picture rather than as numbers."""
    if not _has_result(case) or not _is_numbers(case.expected) or not _is_numbers(case.given):
        return False
    same = case.expected.shape == case.given.shape
    return same and case.expected.ndim >= 2 and max(case.expected.shape[-2:]) > _GRID


def _has_result(case: judge.CaseVerdict) -> bool:
    returned = case.outcome is not None and case.outcome.kind == "returned"
    return returned and not isinstance(case.given, Wrong)


def _value_html(value: Any) -> str:
    if isinstance(value, Tensor):
        value = value.array
    if _is_numbers(value) and max(value.shape[-2:]) <= _GRID:
        planes = list(np.ndindex(value.shape[:-2]))
        if len(planes) <= _PLANES:
            grids = [_grid(_plane(value, index), None) for index in planes]
            return (
                grids[0]
                if len(grids) == 1
                else _side_by_side([(str(list(i)), g) for i, g in zip(planes, grids, strict=True)])
            )
    return f'<code style="{_MONO}">{_escape(describe(value))}</code>'


# --- reports ------------------------------------------------------------------------------------------------------


def as_html(verdict: judge.Verdict, hints_left: int = 0, note: str = "", blind: bool = False) -> str:
    """Write a verdict as HTML.

    Parameters
    ----------
    verdict : introdl.checking.judge.Verdict
    hints_left : int
        Hints that have not been shown.
    note : str
        A sentence for the foot.
    blind : bool
        True for hidden cases: no input, no output, no expected number.
    """
    colour = _COLOUR[verdict.status]
    parts = [
        f'<div style="{_CARD.format(colour=colour)}">',
        f'<div><strong style="color:{colour}">{_mark(verdict.status)} {_WORD[verdict.status]}</strong> '
        f'&nbsp;<strong>{_escape(verdict.title)}</strong> <span style="{_LABEL}">{verdict.id} · {_score(verdict)}'
        "</span></div>",
    ]
    if verdict.status == judge.NOT_STARTED:
        parts.append(f"<div>{_nothing(blind)}</div>")
    else:
        lines = []
        for case, sentence in zip(verdict.cases, _sentences(verdict, blind), strict=True):
            mark, hue = ("✓", _GREEN) if case.passed else ("✗", _RED)
            tail = "" if case.passed else f' <span style="{_LABEL}">{_escape(sentence)}</span>'
            lines.append(
                f'<li style="list-style:none"><span style="color:{hue};font-weight:700">{mark}</span> '
                f'<span style="position:absolute;left:-9999px">{"right" if case.passed else "wrong"}:</span>'
                f"{_escape(case.label)}{tail}</li>"
            )
        parts.append(f'<ul style="margin:6px 0;padding-left:4px">{"".join(lines)}</ul>')
    for diagnosis in verdict.diagnoses:
        which = _which(verdict, diagnosis)
        parts.append(
            f'<div style="{_CALL}"><strong>{_escape(_named(diagnosis))}</strong>{which}<br>'
            f"{_escape(diagnosis.explanation)}</div>"
        )
    if first := _first_shown(verdict, blind):
        parts.append(_failure_html(first, verdict.image))
        pictured = next((case for case in verdict.cases if not case.passed and _is_picture(case)), None)
        if verdict.image and pictured is not None and pictured is not first:
            parts.append(f'<div style="margin-top:8px"><strong>{_escape(pictured.label)}</strong></div>')
            parts.append(_result_html(pictured, True))
    foot = _foot(verdict, hints_left, note, blind)
    if foot:
        parts.append(f'<div style="{_LABEL};margin-top:6px">{_escape(foot)}</div>')
    parts.append("</div>")
    return "".join(parts)


def _nothing(blind: bool) -> str:
    """What to say of an exercise that is not started."""
    return "No answer was given." if blind else "Write your answer in the cell above, run it, then run this cell."


def _first_shown(verdict: judge.Verdict, blind: bool) -> judge.CaseVerdict | None:
    """Return the first failing case, where its inputs and its right answer may be shown."""
    if verdict.status != judge.FAILED or blind or verdict.secret:
        return None
    return next((case for case in verdict.cases if not case.passed), None)


def _mark(status: str) -> str:
    return {judge.PASSED: "✓", judge.FAILED: "✗", judge.NOT_STARTED: "○"}[status]


def _sentences(verdict: judge.Verdict, blind: bool) -> list[str]:
    """Return each case's sentence, said in full only the first time."""
    told: list[str] = []
    for case in verdict.cases:
        sentence = case.blind if blind else case.sentence
        told.append("The same." if sentence and sentence in told else sentence)
    return told


def _named(diagnosis: judge.Diagnosis) -> str:
    name = diagnosis.name[0].upper() + diagnosis.name[1:]
    return f"This looks like: {name}." if diagnosis.whole else f"Part of it looks like: {name}."


def _which(verdict: judge.Verdict, diagnosis: judge.Diagnosis) -> str:
    failing = [i for i, case in enumerate(verdict.cases) if not case.passed]
    if diagnosis.cases == failing:
        return ""
    labels = ", ".join(verdict.cases[i].label for i in diagnosis.cases)
    return f' <span style="{_LABEL}">({_escape(labels)})</span>'


def _failure_html(case: judge.CaseVerdict, image: bool) -> str:
    rows = [f'<div style="margin-top:8px"><strong>First difference: {_escape(case.label)}</strong></div>']
    if case.inputs:
        blocks = [(name, _value_html(value)) for name, value in case.inputs]
        rows.append(f'<div style="{_LABEL};margin-top:4px">with</div>')
        rows.append(_side_by_side(blocks))
    rows.append(_result_html(case, image))
    rows.append(f"<div>{_escape(case.sentence)}</div>")
    if case.outcome is not None and case.outcome.printed:
        rows.append(f'<div style="{_LABEL}">Your code printed:</div>')
        rows.append(f'<pre style="{_MONO};background:#f6f6f6;padding:6px">{_escape(case.outcome.printed)}</pre>')
    return "".join(rows)


def _foot(verdict: judge.Verdict, hints_left: int, note: str, blind: bool) -> str:
    parts = []
    if not blind and verdict.status != judge.PASSED and hints_left:
        many = "hint" if hints_left == 1 else "hints"
        parts.append(f'Stuck? Run hint("{verdict.id}") in a new cell: {hints_left} {many} left.')
    if note:
        parts.append(note)
    return " ".join(parts)


def as_text(verdict: judge.Verdict, hints_left: int = 0, note: str = "", blind: bool = False) -> str:
    """Write a verdict as plain text; parameters as for `as_html`."""
    lines = [f"{_mark(verdict.status)} {_WORD[verdict.status]}: {verdict.title} ({verdict.id}, {_score(verdict)})"]
    if verdict.status == judge.NOT_STARTED:
        lines.append(_nothing(blind))
    else:
        for case, sentence in zip(verdict.cases, _sentences(verdict, blind), strict=True):
            tail = "" if case.passed else f": {sentence}"
            lines.append(f"  {'✓ right' if case.passed else '✗ wrong'}  {case.label}{tail}")
    for diagnosis in verdict.diagnoses:
        lines += [_named(diagnosis), f"  {diagnosis.explanation}"]
    if first := _first_shown(verdict, blind):
        lines.append(f"First difference: {first.label}")
        lines += [f"  {name} = {describe(value)}" for name, value in first.inputs]
        lines.append(f"  expected: {describe(first.expected)}")
        if _has_result(first):
            lines.append(f"  yours:    {describe(first.given)}")
        if first.outcome is not None and first.outcome.printed:
            lines.append(f"  your code printed: {first.outcome.printed}")
    foot = _foot(verdict, hints_left, note, blind)
    return "\n".join([*lines, foot] if foot else lines)


def as_data(verdict: judge.Verdict) -> dict:
    """Write a verdict as plain data, for programs."""
    return {
        "exercise": verdict.id,
        "title": verdict.title,
        "status": verdict.status,
        "earned": verdict.earned,
        "points": verdict.points,
        "cases": [{"label": case.label, "passed": case.passed} for case in verdict.cases],
        "first": next((case.blind for case in verdict.cases if not case.passed), ""),
        "misconceptions": [diagnosis.name for diagnosis in verdict.diagnoses],
    }


def bundle(verdict: judge.Verdict, hints_left: int = 0, note: str = "", blind: bool = False) -> dict:
    """Return a verdict's mime bundle: HTML, text and data."""
    return {
        "text/html": as_html(verdict, hints_left, note, blind),
        "text/plain": as_text(verdict, hints_left, note, blind),
        MIME: as_data(verdict),
    }


def _display(data: dict) -> None:
    from IPython import get_ipython

    if get_ipython() is None:
        print(data["text/plain"])
    else:
        from IPython.display import display

        display(data, raw=True)


def show(verdict: judge.Verdict, hints_left: int = 0, note: str = "") -> None:
    """Show a verdict in the notebook, or print it where there is none."""
    _display(bundle(verdict, hints_left, note))


def show_sentence(sentence: str) -> None:
    """Show a sentence in a card."""
    card = f'<div style="{_CARD.format(colour=_GREY)}">{_escape(sentence)}</div>'
    _display({"text/html": card, "text/plain": sentence})


def show_hints(entry: Entry, number: int, more: bool, note: str = "") -> None:
    """Show the first `number` hints of an exercise; `more` is False where all had been shown before."""
    hints = entry.hints[:number]
    left = len(entry.hints) - number
    foot = f"{left} more." if left else "That was the last hint." if more else "There are no more hints."
    items = "".join(f"<li>{_escape(text)}</li>" for text in hints)
    card = (
        f'<div style="{_CARD.format(colour="#0072B2")}"><strong>Hints for {_escape(entry.id)}</strong>'
        f'<ol style="margin:4px 0">{items}</ol><span style="{_LABEL}">{_escape(f"{foot} {note}".strip())}</span></div>'
    )
    text = "\n".join([f"Hints for {entry.id}", *(f"  {i}. {t}" for i, t in enumerate(hints, start=1)), foot, note])
    _display({"text/html": card, "text/plain": text.strip()})


# --- progress -----------------------------------------------------------------------------------------------------


def progress_text(chapters: list[ChapterProgress]) -> str:
    """Write progress as plain text."""
    if not chapters:
        return "No chapter with exercises is installed."
    lines = []
    for chapter in chapters:
        count = f"{chapter.passed} of {len(chapter.exercises)} exercises"
        lines.append(f"{chapter.name}: {count}, {_points(chapter.earned)} of {_points(chapter.points)} points")
        for id, title, points, record in chapter.exercises:
            state = "right" if record.passed else f"{record.best:.0%} so far" if record.tries else "not started"
            lines.append(f"  {'✓' if record.passed else '·'} {id:<24} {title} ({_points(points)} points): {state}")
    return "\n".join(lines)


def progress_html(chapters: list[ChapterProgress]) -> str:
    """Write progress as HTML: a bar and a row of marks for each chapter."""
    rows = []
    for chapter in chapters:
        share = chapter.earned / chapter.points if chapter.points else 0.0
        number, _, name = chapter.name.partition("_")
        marks = "".join(
            f'<span title="{_escape(title)}" style="color:{_GREEN if record.passed else "#b0b0b0"}">'
            f"{'●' if record.passed else '◐' if record.best else '○'}</span> "
            for _, title, _, record in chapter.exercises
        )
        rows.append(
            f'<tr><td style="text-align:left;padding:4px 12px 4px 0"><strong>{number}</strong> '
            f"{_escape(name.replace('_', ' ').capitalize())}</td>"
            f'<td style="padding:4px 12px"><div role="img" aria-label="{share:.0%} of the points" '
            f'style="width:160px;height:12px;background:#e8e8e8;border-radius:6px;overflow:hidden">'
            f'<div style="width:{share * 100:.1f}%;height:12px;background:{_GREEN}"></div></div></td>'
            f'<td style="padding:4px 12px;text-align:right">{_points(chapter.earned)} of {_points(chapter.points)} points</td>'
            f'<td style="padding:4px 12px;text-align:left">{marks}</td></tr>'
        )
    body = "".join(rows) or "<tr><td>No chapter with exercises is installed.</td></tr>"
    foot = "● right &nbsp; ◐ begun &nbsp; ○ to do"
    return (
        f'<div style="{_CARD.format(colour="#0072B2")}"><strong>Your progress</strong>'
        f'<table style="border-collapse:collapse;margin:6px 0">{body}</table><div style="{_LABEL}">{foot}</div></div>'
    )


def show_progress(chapters: list[ChapterProgress]) -> None:
    """Show progress in the notebook, or print it where there is none."""
    _display({"text/html": progress_html(chapters), "text/plain": progress_text(chapters)})
