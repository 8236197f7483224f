"""Pages: nothing of a student's runs where it is shown, its words stay, formulas are drawn, and one bad page costs itself."""

import base64
import copy
import io
import json
import re
import shutil
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from PIL import Image
from typer.testing import CliRunner

from autograder import grading
from autograder.cli import app
from autograder.examining import audit, markup, sanitize
from autograder.grading import regrade, report
from autograder.grading.result import Result
from autograder.pages import rendering
from autograder.pages.mathematics import mathml
from autograder.plain_text import printable, spreadsheet_cell, well_formed
from tests import classwork, hostile_pages
from tests import small_class as small

ROOT = Path(__file__).resolve().parent.parent


def attached(kind="PNG", size=(2, 2)):
    """A picture as base64."""
    held = io.BytesIO()
    Image.effect_noise(size, 50).convert("RGB").save(held, kind)
    return base64.b64encode(held.getvalue()).decode()


def trouble(page):
    """What of an HTML page would run, load something, or pass for a part of the page around it."""
    for element in BeautifulSoup(f"<main>{page}", "html.parser").main.find_all(True):
        inside = element.find_parent("math") is not None or element.name == "math"
        if element.name not in markup.TAGS and not inside and element.name not in ("html", "head", "body"):
            yield f"<{element.name}>"
        for name, value in element.attrs.items():
            value = " ".join(value) if isinstance(value, list) else value
            if name.startswith("on") or name in ("id", "name", "srcset", "srcdoc", "action", "formaction", "tabindex"):
                yield f"{element.name} {name}"
            elif (
                name == "href"
                and not re.match(r"https?://|mailto:|#", value)
                or name == "src"
                and not re.match(r"data:image/(png|jpeg|gif);", value)
                or name == "style"
                and re.search(r"url|position|expression", value)
                and value != markup.UNSEEN
            ):
                yield f"{element.name} {name}={value[:40]}"


# --- a student's markdown -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", hostile_pages.MARKDOWN)
def test_nothing_of_a_hostile_cell_is_left_on_a_page(name):
    """Neither of its sanitized source, read by three readers of markdown, nor of itself where that step was left out."""
    source = hostile_pages.MARKDOWN[name]
    attachments = {"a.png": {"image/png": attached()}}
    clean, _ = markup.clean_markdown(source)
    plain = MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=attachments, exclude_anchor_links=True))
    common = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    common.validateLink = lambda url: True
    pages = {
        "as a page of ours": rendering.markdown(clean, attachments),
        "unsanitized, as a page of ours": rendering.markdown(source, attachments),
        "by CommonMark": re.sub(r' src="attachment:[^"]*"| id="[^"]*"', "", common.render(clean)),
        "by nbconvert": re.sub(r' id="[^"]*"', "", plain.render(clean)),
    }
    for reader, page in pages.items():
        assert not list(trouble(page)), (reader, page)
    assert markup.clean_markdown(clean)[0] == clean, "done twice is done once"


def test_the_check_of_these_tests_sees_what_is_hostile():
    """Nearly every payload is seen by `trouble` where nothing was sanitized."""
    seen = [
        name
        for name, source in hostile_pages.MARKDOWN.items()
        if list(
            trouble(
                MarkdownWithMath(renderer=IPythonRenderer(escape=False)).render(source.replace("attachment:a.png", "x"))
            )
        )
    ]
    assert len(seen) > 0.8 * len(hostile_pages.MARKDOWN)


@pytest.mark.parametrize("name", hostile_pages.MARKDOWN)
def test_the_words_of_a_hostile_cell_stay_readable(name):
    """What was a tag is text: formgrader shows it, and somebody who writes about tags is not cut."""
    source = hostile_pages.MARKDOWN[name]
    before = f"Before {source}\n\nBehind it."
    clean, _ = markup.clean_markdown(before)
    page = BeautifulSoup(rendering.markdown(clean), "html.parser").get_text()
    assert "Before" in page and "Behind it." in page
    kept = re.sub(r"[\s\x00]", "", unescape(source))
    assert re.sub(r"[\s\x00]", "", unescape(clean)).count("<") >= kept.count("<") - kept.count("<p") - kept.count("<b")


LARGE = attached(size=(400, 400))
HONEST = {
    "a comparison": ("if a < b and c > d, then a<b", "if a < b and c > d, then a< b"),
    "tags that do nothing": ("H<sub>2</sub>O<br>and <b>bold</b> in <kbd>Ctrl</kbd>", None),
    "a color": ('<font color="red">red</font> <span style="color:blue">blue</span>', None),
    "a table": ("| a | b |\n|---|:-:|\n| 1 | `x < y` |", None),
    "an attached picture": ("![a plate](attachment:image.png)", None),
    "an attached picture in HTML": ('<img src="attachment:image.png" width="300">', None),
    "a picture that is written into it": (f"![a](data:image/png;base64,{LARGE})\n\n# Behind it", None),
    "a picture that is written into HTML": (f'a <img src="data:image/png;base64,{LARGE}" width="40" /> b', None),
    "links": ("[a](https://example.org/x_(y)?a=b&c) <https://example.org> [b](#section) <me@example.org>", None),
    "a link by reference": ("[a][1]\n\n[1]: https://example.org", None),
    "mathematics": (r"$a_i < b$ and $$\sum_{i=1}^N x_i \le \frac{1}{2}$$", None),
    "code": ("`x[0]` and\n\n```python\nx = y[0](1)\n```", "`x[0]` and\n\n```python\nx = y[0] (1)\n```"),
    "quotes and brackets": ("\"What!\" [sic] (really) - it's 50% & more; a[1]", None),
    "an emoji": ("Right \U0001f600!", None),
    "a list of tasks": ("- [x] done\n- [ ] to do", None),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_what_a_learner_writes_honestly_stays_as_it_is(name):
    source, becomes = HONEST[name]
    clean, found = markup.clean_markdown(source)
    assert clean == (becomes or source) and not found
    if "data:" in source:
        assert f'src="data:image/png;base64,{LARGE}"' in rendering.markdown(clean)


@pytest.mark.parametrize("name", ["05", "03", "06"])
def test_the_courses_own_prose_is_rendered_as_it_was(name):
    """On a page, with its bold words, lists, tables and links to elsewhere."""
    (path,) = (ROOT / "course").glob(f"{name}_*/*.ipynb")
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            page = BeautifulSoup(rendering.markdown(cell.source), "html.parser")
            plain = BeautifulSoup(
                MarkdownWithMath(renderer=IPythonRenderer(escape=False)).render(cell.source), "html.parser"
            )
            for tag in ("strong", "li", "td", "th", "pre", "h2", "h3", "em"):
                assert len(page.find_all(tag)) == len(plain.find_all(tag)), (tag, cell.source)


@pytest.mark.parametrize(
    "part", ["[", "](", "![a](", "<a ", "<!--", "<div>", "<table>", "\\begin{a}", "$a ", "> ", "`a", "[a]: b\n"]
)
def test_no_text_takes_long_to_be_cleaned_and_shown(part):
    """A million letters of what makes a reader of markdown look back: it stays linear, and becomes text."""
    source = part * (1_000_000 // len(part))
    started = time.process_time()
    clean, _ = markup.clean_markdown(source)
    page = rendering.markdown(source)
    assert time.process_time() - started < 10
    assert not list(trouble(page[:5000])) and unescape(page).count(part.strip()) >= 1_000_000 // len(part) - 1
    assert markup.clean_markdown(clean)[0] == clean


def test_a_long_cell_is_clean_too():
    long = "\n\n".join(hostile_pages.MARKDOWN.values()) + "\n" + "x " * 150_000
    clean, found = markup.clean_markdown(long)
    assert found and "<script" not in clean.lower() and "](" not in clean
    assert not list(trouble(rendering.markdown(long)))


@pytest.mark.parametrize("wrong", [None, 7, 1e999, "x\ud83d", [], ["a", 7, None], {}, {"a": {"b": []}}, True], ids=repr)
def test_whatever_stands_where_in_a_notebook_the_page_is_made(wrong):
    """Every place of a graded notebook with every kind of thing in it: a valid notebook comes out."""

    def places(value, path=()):
        yield path
        if isinstance(value, dict | list):
            for key in value if isinstance(value, dict) else range(len(value)):
                yield from places(value[key], (*path, key))

    nb = hostile_notebook()
    nb.cells[1].metadata.nbgrader = {"grade_id": "a", "grade": True, "points": 1, "solution": False}
    for one in ("stream", "error"):
        told = {"ename": "a", "evalue": "b", "traceback": ["c"]} if one == "error" else {"name": "stdout", "text": "d"}
        nb.cells[1].outputs.append(nbformat.from_dict({"output_type": one} | told))
    for path in list(places(nb)):
        if len(path) < 3 or path[2] == "cell_type":
            continue
        broken = copy.deepcopy(nb)
        *before, last = path
        place = broken
        for key in before:
            place = place[key]
        place[last] = nbformat.from_dict(wrong)
        for rendered in (True, False):
            clean = copy.deepcopy(broken)
            sanitize.notebook(clean, rendered)
            json.dumps(clean).encode()
            nbformat.validate(clean)


def test_a_page_has_a_bounded_size():
    noise = attached(size=(700, 700))
    cells = [nbformat.v4.new_markdown_cell("word " * 50_000) for _ in range(10)]
    cells += [nbformat.v4.new_markdown_cell(f"![a](data:image/png;base64,{noise})") for _ in range(25)]
    shown = nbformat.from_dict({"output_type": "display_data", "data": {"image/png": noise}, "metadata": {}})
    printed = nbformat.from_dict({"output_type": "stream", "name": "stdout", "text": "line\n" * 200_000})
    cells += [nbformat.v4.new_code_cell("1", outputs=[shown, printed]) for _ in range(25)]
    nb = nbformat.v4.new_notebook(cells=cells)
    before = len(json.dumps(nb))
    sanitize.notebook(nb, rendered=True)
    assert before > 80e6 and len(json.dumps(nb)) < 45e6
    assert nb.cells[0].source.endswith("150000 more characters stand in the notebook.")
    assert noise in nb.cells[10].source


def test_the_audit_says_who_tried_and_where():
    assert markup.clean_markdown(f"x <script>{hostile_pages.RUN}</script>")[1] == ["tag script"]
    assert markup.clean_markdown('<img src=x onerror="x">')[1] == ["attribute onerror"]
    assert markup.clean_markdown("[a](java&#115;cript:x)")[1] == ["link javascript:"]
    assert markup.clean_markdown("a <b c, <your name>, <!-- note -->, [a](b.png)")[1] == []


# --- outputs, attachments, metadata -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", hostile_pages.OUTPUTS)
def test_of_outputs_only_text_pictures_and_clean_html_stay(name):
    data = hostile_pages.OUTPUTS[name] | {"text/plain": "plain"}
    (kept,) = sanitize.outputs(
        [{"output_type": "display_data", "data": data, "metadata": {"image/png": {"width": "1 onload=x"}}}]
    )
    assert (
        set(kept.data) <= {"text/plain", "text/html", "image/png", "image/jpeg"} and kept.data["text/plain"] == "plain"
    )
    assert kept.metadata == {} and "image/png" not in kept.data
    assert not list(trouble(kept.data.get("text/html", "")))


def test_pictures_are_pictures():
    assert sanitize.picture(attached(), "image/png") and sanitize.picture(attached("JPEG"), "image/jpeg")
    assert sanitize.picture(attached("JPEG"), "image/png") is None, "its first bytes say what it is"
    assert sanitize.picture(attached()[:-40], "image/png") is None, "cut off"
    assert sanitize.picture("x" * 30 * 2**20, "image/png") is None, "too large to be looked at"
    assert sanitize.picture(7, "image/png") is None and sanitize.picture(attached(), "image/svg+xml") is None


def test_text_with_escape_codes_keeps_its_colors_alone():
    text = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J\x1b[1;1Hgone 10%\r50%\rdone \x9b31m\n"
    (kept,) = sanitize.outputs([{"output_type": "stream", "name": "<b>", "text": text}])
    assert (
        kept.name == "stdout" and kept.text.startswith("done") and not re.search(r"[\x00-\x08\x0b-\x1a\x9b]", kept.text)
    )
    (kept,) = sanitize.outputs(
        [{"output_type": "stream", "name": "stdout", "text": ["\x1b[31mred\x1b[0m\x1b]0;t\x07"]}]
    )
    assert kept.text == "\x1b[31mred\x1b[0m]0;t"


def hostile_notebook():
    """A notebook that is hostile wherever a notebook holds text."""
    nb = nbformat.v4.new_notebook()
    script = f"<script>{hostile_pages.RUN}</script>"
    markdown = nbformat.v4.new_markdown_cell("![a](attachment:a.png) ![b](attachment:b.svg) ![c](attachment:gone.png)")
    markdown.attachments = {
        "a.png": {"image/png": attached()},
        "b.svg": {"image/svg+xml": base64.b64encode(b"<svg onload='x'/>").decode()},
        script: {"image/png": attached()},
    }
    code = nbformat.v4.new_code_cell("x = '<script>'  # left alone")
    code.outputs = [
        nbformat.from_dict({"output_type": "display_data", "data": data, "metadata": {}})
        for data in hostile_pages.OUTPUTS.values()
    ]
    code.metadata = nbformat.from_dict(
        {"tags": [script, "demo"], "transient": {"remove_source": True}, "magics_language": script}
    )
    raw = nbformat.v4.new_raw_cell(script, metadata={"raw_mimetype": "text/html"})
    nb.cells = [markdown, code, raw]
    nb.metadata = nbformat.from_dict(
        {
            "title": script,
            "authors": [{"name": script}],
            "kernelspec": {"display_name": script, "name": script, "language": script},
            "language_info": {"name": script, "pygments_lexer": script},
            "widgets": {"application/vnd.jupyter.widget-state+json": {"x": script}},
        }
    )
    return nb


def test_a_whole_notebook_is_cleaned():
    nb = hostile_notebook()
    found = sanitize.notebook(nb)
    assert {one.what for one in found} == {"tag script in the metadata", "tag script in an output", "tag script"}
    assert nb.cells[1].source == "x = '<script>'  # left alone"
    assert set(nb.metadata) == {"kernelspec", "language_info"} and nb.metadata.kernelspec.display_name == "Python 3"
    assert list(nb.cells[0].attachments) == ["a.png"] and nb.cells[1].metadata == {"tags": ["demo"]}
    assert "<script" not in nbformat.writes(nb).replace("x = '<script>'", "")
    nbformat.validate(nb)


def test_cells_as_they_were_handed_out_are_not_touched():
    cell = nbformat.v4.new_markdown_cell("[the next chapter](04_pooling.ipynb) <details><summary>x</summary></details>")
    nb, before = nbformat.v4.new_notebook(cells=[cell]), cell.source
    assert sanitize.notebook(nb, handed_out={before}) == [] and nb.cells[0].source == before


def test_a_cell_that_says_of_itself_that_it_was_handed_out_is_cleaned():
    cell = nbformat.v4.new_markdown_cell("<script>x</script>", metadata={"introdl_same": True, "trusted": True})
    nb = nbformat.v4.new_notebook(cells=[cell])
    assert sanitize.notebook(nb) and "<script" not in nb.cells[0].source and "trusted" not in nb.cells[0].metadata


# --- mathematics --------------------------------------------------------------------------------------------------


def formulas():
    """Every formula of all notebooks."""
    found = []

    class Listening(IPythonRenderer):
        def inline_math(self, body):
            found.append((body, False))
            return ""

        def block_math(self, body):
            found.append((body, True))
            return ""

        def latex_environment(self, name, body):
            found.append((f"\\begin{{{name}}}{body}\\end{{{name}}}", True))
            return ""

    for path in sorted((ROOT / "course").glob("*/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                MarkdownWithMath(renderer=Listening(escape=False)).render(cell.source)
    return list(dict.fromkeys(found))


#: What a reader must find of a command in the formula that is drawn.
_DRAWN = {
    "frac": "<mfrac>", "tfrac": "<mfrac>", "dfrac": "<mfrac>", "sqrt": "sqrt>", "sum": "∑", "partial": "∂", "nabla": "∇", "cdot": "⋅",
    "sigma": "σ", "eta": "η", "beta": "β", "delta": "δ", "lambda": "λ", "mu": "μ", "hat": "<mo>^</mo>", "infty": "∞", "int": "∫",
    "underbrace": "⏟", "lVert": "‖", "lfloor": "⌊", "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "leftarrow": "←", "to": "→",
    "xrightarrow": "→", "ln": "ln", "max": "max", "cos": "cos", "tanh": "tanh", "top": "⊤", "in": "∈", "times": "×", "mathbb": "ℝ",
}  # fmt: skip


def test_every_formula_of_the_course_is_drawn():
    all_of_them = formulas()
    assert len(all_of_them) > 700
    for tex, block in all_of_them:
        shown = mathml(tex, block)
        assert shown.startswith(f'<math display="{"block" if block else "inline"}">'), tex
        words = re.sub(r"<[^>]*>", "", shown)
        assert not re.search(r"[\\&]|\[\d+ex\]", unescape(words)), (tex, words)
        assert words.count("{") <= tex.count("begin{cases}") + tex.count(r"\{") and words.count("}") <= tex.count(r"\}")
        for command in re.findall(r"\\([a-zA-Z]+)", tex):
            assert _DRAWN.get(command, "") in shown.replace("·", "⋅"), (command, tex, shown)
        for number in re.findall(r"\d+\.\d+|\d{2,}", re.sub(r"\[\d+ex\]", "", tex)):
            assert number in words or set(number) <= set(words), (number, tex)
        for row, drawn in ((r"\begin{bmatrix}", "<mtable"), (r"\begin{cases}", "<mtable")):
            assert shown.count(drawn) >= tex.count(row)


def test_formulas_are_spaced_as_in_print():
    assert 'form="prefix">−</mo><mn>1' in mathml("[-1, 2]"), "a sign, not a difference"
    assert re.search(r"<mi>ln</mi><mspace[^>]*/><mi>u", mathml(r"\ln u"))
    assert "mspace" not in mathml(r"\max(0, z)")
    assert mathml(r"\lvert x_i \rvert").count('stretchy="false"') == 2
    assert "′′′" in mathml("f'''")
    assert mathml(r"\begin{aligned}a &= b \\[2ex] c &= d\end{aligned}", True).count("<mtr>") == 2


def test_a_formula_that_cannot_be_read_is_shown_as_it_was_written():
    for tex in (
        r"\frac{",
        r"\nosuch{x}",
        r"\def\a{b}\a",
        r"\href{javascript:x}{y}",
        "x" * 5000,
        "{" * 3000,
        r"\left(" * 600,
    ):
        shown = mathml(tex)
        assert shown == f"<code>{tex}</code>" or shown.startswith("<math")
        assert "href" not in re.sub("<code>.*", "", shown)
    assert mathml("<b>") == "<math" + mathml("<b>")[5:] and "<b>" not in mathml("<b>")
    assert "<img" not in mathml(r"\text{<img src=x onerror=alert(1)>}")


# --- feedback -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A class with a hostile student, one with half an emoji, one with a widget without state, and one like all."""
    one = small.make(tmp_path_factory.mktemp("pages") / "class")
    answers = {"03.output_size": small.RIGHT["03.output_size"][0]}
    small.hand_in(one, "anna", answers, r"Since $o = \frac{n + 2p - k}{s} + 1$.")

    hostile = classwork.released(one, small.NAME)
    classwork.cell_of(hostile, "03-essay").source = "My answer. " + hostile_pages.MARKDOWN["script"]
    more = hostile_notebook()
    hostile.cells += [cell for cell in more.cells if cell.cell_type != "code"]
    hostile.metadata = more.metadata
    classwork.hand_in(one, "bert", small.NAME, hostile)

    half = classwork.released(one, small.NAME)
    classwork.cell_of(half, "03-essay").source = "Half \ud83d of it, and \ud83d\ude00 whole."
    classwork.cell_of(half, "03-output_size").source = answers["03.output_size"] + "\n# \ude00"
    half.cells.append(
        nbformat.v4.new_code_cell("print('\\ud83d')\nraise type('\\udc00\\x1b[31m', (Exception,), {})('\\ud83d')")
    )
    classwork.hand_in(one, "cleo", small.NAME, json.dumps(half))

    widget = classwork.released(one, small.NAME)
    widget.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {}}
    classwork.hand_in(one, "dora", small.NAME, json.dumps(widget))
    grading.grade(one, small.NAME, only=[], count=1)
    return one


def page_of(room, student):
    return (room.root / "feedback" / student / small.NAME / f"{small.NAME}.html").read_text()


def test_half_an_emoji_and_a_widget_without_state_are_graded_and_get_their_page(room):
    results = {one.student: one for one in grading.grade(room, small.NAME, only=[])}
    assert {one.state for one in results.values()} == {"unchanged"} and results["cleo"].score == 8.0
    grading.feedback(room, small.NAME, [])
    assert "Half \ufffd of it, and \U0001f600 whole." in page_of(room, "cleo")
    assert "03.output_size" in page_of(room, "dora")


def test_a_feedback_page_has_no_script_and_loads_nothing(room):
    grading.feedback(room, small.NAME, [])
    for student in ("anna", "bert", "cleo", "dora"):
        page = page_of(room, student)
        read = BeautifulSoup(page, "html.parser")
        assert not read.find_all(["script", "link", "iframe", "object", "embed", "form", "svg", "base"])
        assert all(one["src"].startswith("data:image/") for one in read.find_all(src=True))
        assert not re.search(r"url\(|@import", "".join(map(str, read.find_all("style") + read.find_all(style=True))))
        policy = read.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
        assert "default-src 'none'" in policy and "script-src" not in policy
        assert page.index("Content-Security-Policy") < page.index("<title>"), "it holds for what comes behind it"
    assert "My answer. &lt; script&gt;" in page_of(room, "bert"), "what was written is there to be read"
    assert "<mfrac>" in page_of(room, "anna")


def test_graded_notebooks_hold_nothing_that_runs_and_the_audit_says_who_tried(room):
    path = room.root / "autograded" / "bert" / small.NAME / f"{small.NAME}.ipynb"
    assert "<script" not in path.read_text()
    kinds = [(one.kind, one.text) for one in audit.read(room.root, small.NAME)["bert"]]
    assert ("html removed", "tag script") in kinds and ("html removed", "tag script in the metadata") in kinds
    assert not [one for one in audit.read(room.root, small.NAME)["anna"] if one.kind == "html removed"]


def test_one_failing_page_costs_itself_alone(room, monkeypatch):
    grading.feedback(room, small.NAME, [])
    path = room.root / "autograded" / "bert" / small.NAME / f"{small.NAME}.ipynb"
    before, mode = path.read_bytes(), path.stat().st_mode
    for student in ("anna", "cleo"):
        (room.root / "feedback" / student / small.NAME / f"{small.NAME}.html").unlink()
    path.chmod(0o644)
    path.write_text("{ broken")
    try:
        done = CliRunner().invoke(app, ["feedback", "03", "--in", str(room.root)])
        assert done.exit_code == 1
        assert "3 feedback pages written. There is none for bert: " in done.output and "Traceback" not in done.output
        assert page_of(room, "anna") and page_of(room, "cleo")
    finally:
        path.write_bytes(before)
        path.chmod(mode)


def test_pages_made_side_by_side_are_the_same(room, monkeypatch):
    module = sys.modules["autograder.grading.feedback"]
    grading.feedback(room, small.NAME, [])
    alone = {name: page_of(room, name) for name in ("anna", "bert", "cleo", "dora")}
    monkeypatch.setattr(module, "_WORTH_A_PROCESS", 1)
    pages = grading.feedback(room, small.NAME, [], count=2)
    assert {path.parents[1].name: path.read_text() for path in pages} == alone


def test_an_older_graded_notebook_is_cleaned_on_its_way_to_the_page(room):
    """The second wall: what was graded before notebooks were sanitized, or was changed since."""
    path = room.root / "autograded" / "anna" / small.NAME / f"{small.NAME}.ipynb"
    before, mode = path.read_bytes(), path.stat().st_mode
    nb = nbformat.reads(before.decode(), as_version=4)
    classwork.cell_of(nb, "03-essay").source = "\n\n".join(hostile_pages.MARKDOWN.values())
    nb.cells += hostile_notebook().cells
    nb.metadata = hostile_notebook().metadata
    path.chmod(0o644)
    path.write_text(json.dumps(nb))
    try:
        grading.feedback(room, small.NAME, ["anna"])
        body = BeautifulSoup(page_of(room, "anna"), "html.parser").body
        for prose in body.find_all(class_="prose") + body.find_all(class_="output"):
            assert not list(trouble("".join(map(str, prose.contents))))
    finally:
        path.write_bytes(before)
        path.chmod(mode)


# --- a terminal ---------------------------------------------------------------------------------------------------

EVIL = "an\x1b[31mna\x1b]0;owned\x07\x9b2J\u202egpj.exe\u2066[bold]x[/bold]\r\ud83d"


def harmless(text):
    return not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


def test_what_is_printed_does_nothing_to_a_terminal():
    assert printable("Zoë, 李\n\tok") == "Zoë, 李\n\tok"
    assert printable(EVIL) == "an�[31mna�]0;owned��2J�gpj.exe�[bold]x[/bold]��"
    assert well_formed("\ud83d\ude00 \ud83d x") == "\U0001f600 � x"


def test_no_table_prints_a_students_escape_codes(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    audit.table({EVIL: [audit.Finding("access refused", EVIL, cell=1, exercise="03.pad"), audit.Finding(EVIL, "x")]})
    report.table([Result(EVIL, "failed", note=f"Not graded: {EVIL}")])
    regrade.table([regrade.Change(EVIL, "03.pad", note=EVIL)], dry_run=True)
    shown = capsys.readouterr().out
    assert harmless(shown) and shown.count("owned") >= 7 and "[bold]x[/bold]" in shown, "in none of them is it markup"


def test_no_sentence_prints_a_students_escape_codes(room):
    done = CliRunner().invoke(app, ["grade", "03", "--in", str(room.root), "--only", EVIL])
    assert done.exit_code == 1 and "owned" in done.output and harmless(done.output)


def test_the_bar_prints_none_either(capsys):
    with report.Bar("grading", 1) as bar:
        bar.step(EVIL)
    assert harmless(capsys.readouterr().err)


def test_no_table_in_a_file_holds_them_or_a_formula(tmp_path):
    regrade.write(
        [regrade.Change(EVIL, "03.pad", 1.0, 2.0, note='=HYPERLINK("http://elsewhere.example")')], tmp_path / "a.csv"
    )
    text = (tmp_path / "a.csv").read_text()
    assert harmless(text) and "owned" in text and "\"'=HYPERLINK" in text
    kept = [spreadsheet_cell(one) for one in ("-", "-3", "-1+1", "@x", "+x", "ada", "Zoë", 3.5, None, "-x")]
    assert kept == ["-", "-3", "'-1+1", "'@x", "'+x", "ada", "Zoë", 3.5, None, "'-x"]


def test_nbgraders_own_commands_print_none_either(room, tmp_path):
    """Its log names students and files: of a folder that is named with escape codes nothing reaches the terminal."""
    folder = room.root / "submitted" / "an\x1b[31mna" / small.NAME
    shutil.copytree(room.root / "submitted" / "anna" / small.NAME, folder)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", "autograde", small.NAME, "--student=an\x1b[31mna", "--no-execute"],
            cwd=room.root,
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        shutil.rmtree(folder.parent)
        shutil.rmtree(room.root / "autograded" / folder.parent.name, ignore_errors=True)
    said = re.sub(r"\x1b\[(?:\d|;)*m(?=\[AutogradeApp)|(?<=\])\x1b\[0m", "", done.stdout + done.stderr)
    assert "\ufffd[31mna" in said and harmless(said)
